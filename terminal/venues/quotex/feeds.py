"""Ticks to quotes and running bars, and which assets are followed.

Quotex sends one price an asset, neither bid nor ask: both sides of the quote are that price. One subscription
an asset carries all of it (``instruments/update``); bars of every length are built from its ticks, each from
the first tick of its bucket on, over the last bar that history told (web terminal, ``quotes/stream``,
``history/list/v2``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from terminal.core.clock import Clock
from terminal.domain.contracts import NS
from terminal.domain.events import (
    BarsReceived,
    BarUpdate,
    FeedConfirmed,
    FeedInterrupted,
    FeedRefused,
    VenueEvent,
)
from terminal.domain.instrument import Instrument, MarketStatus
from terminal.domain.market import Bar, Feed, FeedKind, Quote
from terminal.venues.base import Sentiment
from terminal.venues.quotex.assets import Assets

log = logging.getLogger("venue.quotex")

_DEFAULT_PERIOD_S: Final = 60
_CONFIRM_NS: Final = 10 * NS
_CLOCK_SAMPLES: Final = 32
_KEPT_NS: Final = 120 * NS
"""An asset that a deal needed is followed for so long after the last one."""
SILENT_NS: Final = 5 * NS
"""An open asset has a price each second and more; one without any for so long is shown as stale, and nothing
is bought on it, though the server may answer pings all the while."""
_ZERO: Final = Decimal(0)

Send = Callable[..., None]


@dataclass(slots=True)
class _Followed:
    """One asset that is asked for."""

    instrument: Instrument
    feeds: dict[Feed, None] = field(default_factory=dict)
    flowing: bool = False
    asked_ns: int = 0
    kept_until_ns: int = 0
    """Monotonic; until then it is followed though nobody watches it."""
    price: Decimal | None = None
    at_ns: int | None = None
    """Quotex's time of the last tick."""
    heard_ns: int = 0
    """Monotonic: when a tick with a time of its own came last."""
    is_silent: bool = False
    """It was flowing and has stopped though it is open: only a new tick makes it flow again."""
    since_ns: int | None = None
    """Quotex's time of the first tick since it is followed."""
    running: dict[int, Bar] = field(default_factory=dict)
    """By length in seconds: the bar that is being built."""


class Feeds:
    """The followed assets of one connection. ``send`` writes an event in its turn, or ``at_once``, and raises
    nothing."""

    def __init__(self, assets: Assets, send: Send, sink: Callable[[VenueEvent], None], clock: Clock) -> None:
        self._assets = assets
        self._send = send
        self._sink = sink
        self._clock = clock
        self._followed: dict[str, _Followed] = {}
        self._unknown: dict[Feed, None] = {}
        self._offsets_ns: list[int] = []
        self._moods: dict[str, None] = {}
        """The symbols whose sentiment is wanted."""
        self._sentiments: dict[str, Sentiment] = {}

    # -- what is wanted -------------------------------------------------------------------------------

    def add(self, feed: Feed) -> None:
        """Want a feed. As long as there is no table it waits for that; one of an asset that the table has not
        is refused."""
        instrument = self._assets.by_symbol(feed.symbol)
        if instrument is None and len(self._assets):
            self._refuse(feed)
            return
        if instrument is None:
            self._unknown[feed] = None
            return
        wire = instrument.venue_symbol
        followed = self._followed.get(wire)
        if followed is None:
            followed = self._followed[wire] = _Followed(instrument)
            followed.feeds[feed] = None
            self._ask(followed)
            return
        followed.feeds[feed] = None
        if feed.interval_s is not None and instrument.status is MarketStatus.CLOSED:
            # A page of the past counts back from now, where a closed asset has nothing; with this come the
            # last bars that there are.
            self._send("instruments/update", {"asset": wire, "period": feed.interval_s})
        if followed.flowing:
            self._sink(FeedConfirmed(feed))

    def keep(self, instrument: Instrument) -> None:
        """Follow an asset for a while though nobody watches it: Quotex takes no deal without its prices."""
        wire = instrument.venue_symbol
        followed = self._followed.get(wire)
        if followed is None:
            followed = self._followed[wire] = _Followed(instrument)
        followed.kept_until_ns = self._clock.monotonic_ns() + _KEPT_NS
        if not followed.flowing:
            self._ask(followed, at_once=True)

    def remove(self, feed: Feed) -> None:
        """Want it no longer."""
        self._unknown.pop(feed, None)
        instrument = self._assets.by_symbol(feed.symbol)
        followed = self._followed.get(instrument.venue_symbol) if instrument is not None else None
        if followed is None or feed not in followed.feeds:
            return
        del followed.feeds[feed]
        if feed.interval_s is not None:
            followed.running.pop(feed.interval_s, None)
        self._leave_unwanted()

    def _leave_unwanted(self) -> None:
        now_ns = self._clock.monotonic_ns()
        for wire, followed in list(self._followed.items()):
            if not followed.feeds and now_ns >= followed.kept_until_ns:
                del self._followed[wire]
                self._send("instruments/unsubscribe", {"asset": wire})

    def is_followed(self, wire: str) -> bool:
        """Whether prices of an asset come now: without them Quotex takes no deal on it."""
        found = self._followed.get(wire)
        return found is not None and found.flowing and not self._is_overdue(found)

    def wants(self, feed: Feed) -> bool:
        """Whether a feed is still wanted."""
        return feed in self._unknown or any(feed in each.feeds for each in self._followed.values())

    def _is_overdue(self, followed: _Followed) -> bool:
        if followed.instrument.status is MarketStatus.CLOSED:
            return False
        return self._clock.monotonic_ns() - followed.heard_ns > SILENT_NS

    def ask_all(self) -> None:
        """The connection is back: ask for everything again."""
        waiting, self._unknown = self._unknown, {}
        for feed in waiting:
            self.add(feed)
        for followed in self._followed.values():
            self._ask(followed)
        for symbol in self._moods:
            self._ask_mood(symbol)

    def follow_sentiment(self, symbol: str) -> None:
        """Want to know how many hold up contracts on an asset, which may not be listed yet."""
        if symbol not in self._moods:
            self._moods[symbol] = None
            self._ask_mood(symbol)

    def unfollow_sentiment(self, symbol: str) -> None:
        """Want to know it no longer."""
        instrument = self._assets.by_symbol(symbol)
        if symbol in self._moods:
            del self._moods[symbol]
            if instrument is not None:
                self._sentiments.pop(instrument.venue_symbol, None)
                self._send("depth/unfollow", instrument.venue_symbol)

    def _ask_mood(self, symbol: str) -> None:
        instrument = self._assets.by_symbol(symbol)
        if instrument is not None:
            self._send("depth/follow", instrument.venue_symbol)

    def table_changed(self, changed: Sequence[Instrument]) -> None:
        """The table has come or changed: what waited for an asset is asked for, what is gone is refused."""
        for instrument in changed:
            followed = self._followed.get(instrument.venue_symbol)
            if followed is not None:
                if followed.instrument.status is MarketStatus.CLOSED:
                    # It may open now: its prices are waited for from here on.
                    followed.heard_ns = self._clock.monotonic_ns()
                followed.instrument = instrument
            if instrument.symbol in self._moods and instrument.venue_symbol not in self._sentiments:
                self._ask_mood(instrument.symbol)
        for feed in list(self._unknown):
            if self._assets.by_symbol(feed.symbol) is not None:
                del self._unknown[feed]
                self.add(feed)
            elif len(self._assets):
                del self._unknown[feed]
                self._refuse(feed)

    def _refuse(self, feed: Feed) -> None:
        self._sink(FeedRefused(feed, f"Quotex lists no {feed.symbol}."))

    def interrupt(self, reason: str) -> None:
        """The connection is gone: nothing that was shown is proven any more."""
        for followed in self._followed.values():
            followed.is_silent = False
            self._stop(followed, reason)

    def _stop(self, followed: _Followed, reason: str) -> None:
        followed.flowing = False
        for feed in followed.feeds:
            self._sink(FeedInterrupted(feed, reason))

    def tick(self) -> None:
        """Now and then: an open asset whose prices have stopped is told as stale; one that does not answer is
        asked for once more, one that nobody needs is left."""
        self._leave_unwanted()
        now_ns = self._clock.monotonic_ns()
        for followed in self._followed.values():
            if followed.flowing and self._is_overdue(followed):
                symbol = followed.instrument.symbol
                log.warning("no price of %s for %d s, though it is open", symbol, SILENT_NS // NS)
                followed.is_silent = True
                self._stop(followed, f"Quotex sends no prices of {symbol}.")
                self._ask(followed)
            elif not followed.flowing and now_ns - followed.asked_ns > _CONFIRM_NS:
                self._ask(followed)

    def _ask(self, followed: _Followed, *, at_once: bool = False) -> None:
        followed.asked_ns = self._clock.monotonic_ns()
        followed.flowing, followed.since_ns = False, None
        followed.running.clear()
        wire = followed.instrument.venue_symbol
        lengths = [feed.interval_s for feed in followed.feeds if feed.interval_s is not None]
        period = min(lengths, default=_DEFAULT_PERIOD_S)
        self._send("instruments/update", {"asset": wire, "period": period}, at_once=at_once)
        self._send("chart_notification/get", {"asset": wire, "version": "1.0.0"})

    # -- what Quotex tells ----------------------------------------------------------------------------

    @property
    def ahead_ms(self) -> float | None:
        """How far Quotex's clock is before ours; None before the first price. The largest of the last
        samples, which is the one that was least long on its way."""
        return max(self._offsets_ns) / 1e6 if self._offsets_ns else None

    def sentiment(self, symbol: str) -> Sentiment | None:
        """What was last told of a followed asset; None while nothing was."""
        instrument = self._assets.by_symbol(symbol)
        return self._sentiments.get(instrument.venue_symbol) if instrument is not None else None

    def price(self, wire: str) -> Decimal | None:
        """The last price of a followed asset."""
        found = self._followed.get(wire)
        return found.price if found is not None else None

    def on_quotes(self, data: Any, ts_received_ns: int) -> int:
        """``quotes/stream``: rows of asset, time in seconds, price, direction. How many could not be read."""
        unreadable = 0
        for row in data if isinstance(data, list) else ():
            if not isinstance(row, list) or len(row) < 3:
                unreadable += 1
                continue
            at, price = to_decimal(row[1]), to_decimal(row[2])
            if at is None or price is None or price <= 0:
                unreadable += 1
                continue
            self._on_tick(row[0], int(at * NS), price, ts_received_ns)
        return unreadable

    def on_sentiment(self, data: Any) -> None:
        """``depth/change``: rows of asset and per cent of buyers. One that comes after it was left is let
        go."""
        now_ns = self._clock.monotonic_ns()
        for row in data if isinstance(data, list) else ():
            if isinstance(row, list) and len(row) == 2:
                percent, instrument = to_decimal(row[1]), self._assets.by_wire(row[0])
                wanted = instrument is not None and instrument.symbol in self._moods
                if wanted and percent is not None and 0 <= percent <= 100:
                    self._sentiments[row[0]] = Sentiment(percent, now_ns)

    def on_mood(self, data: Any) -> None:
        """``sentiment``, the older stream: an asset, and the buyers among ``buy`` and ``sell``, or as a bare
        per cent."""
        if isinstance(data, dict):
            told = data.get("sentiment")
            self.on_sentiment([[data.get("asset"), told.get("buy") if isinstance(told, dict) else told]])

    def on_candle(self, data: Any, ts_received_ns: int) -> None:
        """``candle-generated``, an older stream: one candle of an asset as it stands, told whenever it
        changes. It takes the place of the one that is built from prices; how many there were it does not
        say."""
        if not isinstance(data, dict):
            return
        followed, period = self._followed.get(str(data.get("asset"))), data.get("period")
        bar = _candle({**data, "time": data.get("index")})
        if followed is None or bar is None or not isinstance(period, int):
            return
        for feed in followed.feeds:
            if feed.interval_s != period:
                continue
            running = followed.running.get(period)
            if running is not None and running.open_ns > bar.open_ns:
                continue
            is_same = running is not None and running.open_ns == bar.open_ns
            count = running.volume if running is not None and is_same else Decimal(1)
            followed.running[period] = bar = bar._replace(volume=count)
            self._sink(BarUpdate(followed.instrument.id, period, bar, ts_received_ns))

    def on_history(self, data: Any, ts_received_ns: int) -> None:
        """``history/list/v2``: the last candles of one length and the last ticks. It confirms the feed."""
        followed = self._followed.get(str(data.get("asset"))) if isinstance(data, dict) else None
        if followed is None:
            return
        period = data.get("period")
        bars = read_candles(data.get("candles"))
        if isinstance(period, int) and bars:
            self._give_past(followed, period, bars, ts_received_ns)
        ticks = read_ticks(data.get("history"))
        if followed.is_silent and followed.instrument.status is not MarketStatus.CLOSED:
            # What it has kept of the past proves no present.
            return
        self._confirm(followed)
        if ticks:
            self._tell_price(followed, *ticks[-1], ts_received_ns)

    def give_past(self, instrument: Instrument, period: int, bars: Sequence[Bar]) -> None:
        """Bars that were asked for: those of a followed length are told, and the last one runs on."""
        followed = self._followed.get(instrument.venue_symbol)
        if followed is not None and bars:
            self._give_past(followed, period, bars, self._clock.wall_ns())

    def _give_past(self, followed: _Followed, period: int, bars: Sequence[Bar], ts_received_ns: int) -> None:
        if not any(feed.interval_s == period for feed in followed.feeds):
            return
        running = followed.running.get(period)
        if running is None or running.open_ns <= bars[-1].open_ns:
            followed.running[period] = bars[-1]
        instrument = followed.instrument.id
        self._sink(BarsReceived(instrument, period, tuple(bars), ts_received_ns))

    def _on_tick(self, wire: object, at_ns: int, price: Decimal, ts_received_ns: int) -> None:
        followed = self._followed.get(wire) if isinstance(wire, str) else None
        if followed is None:
            return
        if at_ns != followed.at_ns:
            followed.at_ns, followed.heard_ns = at_ns, self._clock.monotonic_ns()
        elif followed.is_silent:
            return
        if followed.since_ns is not None and at_ns > followed.since_ns:
            # The first price of an asset is its last one, which may be of yesterday: no clock shows it.
            self._offsets_ns.append(at_ns - ts_received_ns)
            if len(self._offsets_ns) > _CLOCK_SAMPLES:
                del self._offsets_ns[0]
        if not followed.flowing:
            self._confirm(followed)
        self._tell_price(followed, at_ns, price, ts_received_ns)
        since_ns = followed.since_ns = followed.since_ns if followed.since_ns is not None else at_ns
        for feed in followed.feeds:
            if feed.interval_s is not None:
                running = followed.running.get(feed.interval_s)
                bar = _extended(running, at_ns, price, feed.interval_s, since_ns)
                is_begun = bar is not None and (running is None or bar.open_ns != running.open_ns)
                if is_begun and followed.instrument.status is MarketStatus.CLOSED:
                    # A closed asset tells its last price to whoever asks, whatever time it says: nothing has
                    # been dealt at it, so no bar begins.
                    continue
                if bar is not None:
                    followed.running[feed.interval_s] = bar
                    self._sink(BarUpdate(followed.instrument.id, feed.interval_s, bar, ts_received_ns))

    def _tell_price(self, followed: _Followed, at_ns: int, price: Decimal, ts_received_ns: int) -> None:
        followed.price = price
        if any(feed.kind is FeedKind.QUOTES for feed in followed.feeds):
            none = None
            self._sink(
                Quote(
                    *(followed.instrument.id, price, none, price, none, price),
                    *(none, none, none, none, none, none),
                    at_ns,
                    ts_received_ns,
                )
            )

    def _confirm(self, followed: _Followed) -> None:
        followed.flowing, followed.is_silent = True, False
        followed.heard_ns = self._clock.monotonic_ns()
        for feed in followed.feeds:
            self._sink(FeedConfirmed(feed))


def _extended(bar: Bar | None, at_ns: int, price: Decimal, period_s: int, since_ns: int) -> Bar | None:
    """The running bar with one more tick; None where the tick is older than it, or where the beginning of
    its bar was not seen and nobody has told it yet."""
    span_ns = period_s * NS
    open_ns = at_ns // span_ns * span_ns
    if bar is None and open_ns <= since_ns // span_ns * span_ns:
        return None
    if bar is None or open_ns > bar.open_ns:
        return Bar(open_ns, price, price, price, price, Decimal(1))
    if open_ns < bar.open_ns:
        return None
    return bar._replace(
        high=max(bar.high, price), low=min(bar.low, price), close=price, volume=bar.volume + 1
    )


def read_candles(rows: Any) -> list[Bar]:
    """Candles of the wire, oldest first: rows of time, open, **close, high**, low and ticks, in either
    order, or objects with those names. What cannot be read is left out."""
    bars: dict[int, Bar] = {}
    for row in rows if isinstance(rows, list) else ():
        bar = _candle(row)
        if bar is not None:
            bars[bar.open_ns] = bar
    return [bars[key] for key in sorted(bars)]


def read_ticks(rows: Any) -> list[tuple[int, Decimal]]:
    """Prices of the wire with their times (ns), oldest first: rows of time, price and direction."""
    found = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) >= 2:
            at, price = to_decimal(row[0]), to_decimal(row[1])
            if at is not None and price is not None and price > 0:
                found.append((int(at * NS), price))
    return sorted(found)


def _candle(row: Any) -> Bar | None:
    if isinstance(row, dict):
        values = [row.get(name) for name in ("time", "open", "close", "high", "low", "ticks")]
    elif isinstance(row, list) and len(row) >= 5:
        values = list(row[:6])
    else:
        return None
    numbers = [to_decimal(each) for each in values]
    at, first, last, high, low = numbers[:5]
    if at is None or first is None or last is None or high is None or low is None:
        return None
    if not 0 < low <= min(first, last) or high < max(first, last):
        return None
    count = numbers[5] if len(numbers) > 5 else None
    return Bar(int(at) * NS, first, high, low, last, count if count is not None else _ZERO)


def to_decimal(value: Any) -> Decimal | None:
    """A finite number of the wire, from a number or a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None
