"""Bars of the past: 720 from one call, older ones built from single trades.

``OHLC`` never gives more than the newest 720 bars; ``Trades`` goes back to the first day, a thousand at a
time (Kraken REST, read 2026-08). Windows of trades are read backwards from the bars already there, so that
what comes back is always without a hole, however early the reading stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from terminal.core.clock import Clock
from terminal.domain.decimals import ZERO
from terminal.domain.errors import ProtocolViolation, Unsupported
from terminal.domain.market import Bar
from terminal.venues.kraken.errors import VENUE_NAME
from terminal.venues.kraken.parse import WIRE_ERRORS, checked_bar, unix_ns
from terminal.venues.kraken.rest import KrakenRest
from terminal.venues.kraken.subscriptions import INTERVALS_MIN
from terminal.venues.kraken.wire import OhlcRow, PublicTrade

OHLC_ROWS = 720
LONGEST_FROM_TRADES_S = 30 * 60
_FIRST_WINDOW_S = 2 * 3600
_PAGES_A_WINDOW = 4


def bar_of_row(row: OhlcRow) -> Bar:
    """``[1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23]``: time, open, high,
    low, close, vwap, volume, trades."""
    return checked_bar(
        row.time * 1_000_000_000, row.open, row.high, row.low, row.close, row.volume, row.count
    )


def bars_of_trades(trades: Iterable[PublicTrade], interval_s: int, until_ns: int) -> list[Bar]:
    """Bars of trades in the order of time, ``["30243.4","0.34507674",1688669597.8277,"b","m","",61044952]``
    each.

    An interval without trades repeats the last price with no volume, as Kraken's own bars do; the last bar
    ends at ``until_ns``.
    """
    step_ns = interval_s * 1_000_000_000
    bars: list[Bar] = []
    for trade in trades:
        at_ns = unix_ns(trade.time)
        if at_ns >= until_ns:
            break
        open_ns = at_ns - at_ns % step_ns
        price, volume = trade.price, trade.volume
        checked_bar(open_ns, price, price, price, price, volume, 1)
        if bars and open_ns > bars[-1].open_ns:
            _fill(bars, step_ns, open_ns)
        if not bars or open_ns > bars[-1].open_ns:
            bars.append(Bar(open_ns, price, price, price, price, volume, 1))
            continue
        last = bars[-1]
        bars[-1] = Bar(
            last.open_ns,
            last.open,
            max(last.high, price),
            min(last.low, price),
            price,
            last.volume + volume,
            (last.trades or 0) + 1,
        )
    if bars:
        _fill(bars, step_ns, until_ns)
    return bars


def _fill(bars: list[Bar], step_ns: int, until_ns: int) -> None:
    close = bars[-1].close
    bars.extend(
        Bar(open_ns, close, close, close, close, ZERO, 0)
        for open_ns in range(bars[-1].open_ns + step_ns, until_ns, step_ns)
    )


class BarHistory:
    """Fetches bars of one connection."""

    def __init__(self, rest: KrakenRest, clock: Clock, *, most_pages: int = 60) -> None:
        self._rest = rest
        self._clock = clock
        self._most_pages = most_pages

    async def bars(
        self,
        pair: str,
        interval_s: int,
        *,
        end_ns: int | None,
        limit: int,
        progress: Callable[[Decimal], None] | None,
    ) -> Sequence[Bar]:
        """Up to ``limit`` bars that open before ``end_ns``, oldest first; ``pair`` in REST's words.

        Raises:
            Unsupported: no interval of Kraken's.
            VenueUnavailable, RateLimited: the venue could not be asked.
            ProtocolViolation: it answered with impossible figures.
        """
        if interval_s % 60 or interval_s // 60 not in INTERVALS_MIN:
            raise Unsupported("bar interval", "Kraken has no bars of this length.")
        report = progress or (lambda part: None)
        step_ns = interval_s * 1_000_000_000
        now_ns = self._clock.wall_ns()
        if end_ns is None or end_ns > now_ns - OHLC_ROWS * step_ns:
            result = await self._rest.ohlc(pair, interval=interval_s // 60)
            try:
                recent = [bar_of_row(row) for row in result.rows]
            except WIRE_ERRORS as error:
                raise ProtocolViolation(VENUE_NAME, f"OHLC: {error}") from error
            recent = [bar for bar in recent if end_ns is None or bar.open_ns < end_ns]
            if recent:
                report(Decimal(1))
                return recent[-limit:]
        if interval_s > LONGEST_FROM_TRADES_S:
            return []
        end_ns = now_ns if end_ns is None else end_ns
        return await self._from_trades(pair, interval_s, end_ns - end_ns % step_ns, limit, report)

    async def _from_trades(
        self, pair: str, interval_s: int, end_ns: int, limit: int, report: Callable[[Decimal], None]
    ) -> list[Bar]:
        step_ns = interval_s * 1_000_000_000
        oldest_ns = max(0, end_ns - limit * step_ns)
        window_ns = max(_FIRST_WINDOW_S * 1_000_000_000, step_ns)
        bars: list[Bar] = []
        upto_ns, pages = end_ns, 0
        while upto_ns > oldest_ns and pages < self._most_pages:
            from_ns = max(oldest_ns, upto_ns - window_ns)
            from_ns -= from_ns % step_ns
            left = self._most_pages - pages
            trades, used = await self._window(pair, from_ns, upto_ns, max(1, left // 2))
            pages += used
            if trades is None:  # too busy a time for so long a window: a shorter one, from the same end
                window_ns = max(step_ns, window_ns // 4)
                continue
            try:
                # What is newer begins with its first trade; up to there the last price stood.
                older = bars_of_trades(trades, interval_s, bars[0].open_ns if bars else end_ns)
            except WIRE_ERRORS as error:
                raise ProtocolViolation(VENUE_NAME, f"Trades: {error}") from error
            bars = older + bars
            upto_ns = from_ns
            report(min(Decimal(1), Decimal(end_ns - upto_ns) / Decimal(max(1, end_ns - oldest_ns))))
            if used <= 1:
                window_ns *= 2
            elif used > _PAGES_A_WINDOW:
                window_ns = max(step_ns, window_ns // 2)
        report(Decimal(1))
        return bars[-limit:]

    async def _window(
        self, pair: str, from_ns: int, upto_ns: int, most_pages: int
    ) -> tuple[list[PublicTrade] | None, int]:
        """All trades from one time up to another, or None where that takes too many pages."""
        trades: list[PublicTrade] = []
        since, pages = max(0, from_ns - 1), 0
        while pages < most_pages:
            result = await self._rest.trades(pair, since=since, count=1000)
            pages += 1
            trades += result.rows
            if not result.rows or result.last <= since or result.last >= upto_ns or len(result.rows) < 1000:
                return trades, pages
            since = result.last
        return None, pages
