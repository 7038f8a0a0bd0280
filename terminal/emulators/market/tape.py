"""What one pair has traded: the prints and minute bars of this run, joined to the made-up past.

A minute in which the market ran (even for a part) has a bar of its own, kept over restarts; every other
minute is the history's. Ids of prints rise by one throughout.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from decimal import Decimal
from typing import Final, NamedTuple

from terminal.domain.orders import OrderType
from terminal.emulators.market.engine_types import EngineTrade
from terminal.emulators.market.history import (
    FIRST_DAY,
    INTERVALS_S,
    Candle,
    History,
    MarketBar,
    Print,
    join,
)

_MINUTE_NS: Final = 60_000_000_000
_DAY_MINUTES: Final = 1440
KEPT_PRINTS: Final = 20_000


class DayStats(NamedTuple):
    """A pair's figures over 24 hours, or since midnight UTC."""

    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    volume: Decimal
    """Base units."""
    vwap: Decimal
    trades: int

    @property
    def change(self) -> Decimal:
        """In quote units, against the first price of the span."""
        return self.last - self.open

    @property
    def change_pct(self) -> Decimal:
        return self.change * 100 / self.open if self.open else Decimal(0)


class PairTape:
    """Prints and bars of one pair.

    Args:
        kept: minutes of earlier runs, as (minute, id of the first print, bar), oldest first.
    """

    def __init__(self, history: History, now_ns: int, kept: list[tuple[int, int, Candle]]) -> None:
        self.history = history
        self.prints: deque[Print] = deque(maxlen=KEPT_PRINTS)
        self._minutes: list[int] = []
        """Live minutes, ascending; the last is the running one."""
        self._bars: dict[int, tuple[int, Candle]] = {}
        self._unsaved: set[int] = set()
        self._whole: dict[tuple[int, int], Candle] = {}
        """Finished longer bars that contain live minutes."""
        self._head: dict[int, tuple[int, int, list[Candle]]] = {}
        """By interval: the running bar's finished minutes, as of which minute."""
        self._day: tuple[int, list[Candle]] = (-1, [])
        for minute, first_id, bar in kept:
            self._minutes.append(minute)
            self._bars[minute] = first_id, bar
        self._begin(now_ns)

    @property
    def minute(self) -> int:
        """The running minute, since 1970."""
        return self._minutes[-1]

    @property
    def next_id(self) -> int:
        """Of the next print."""
        first_id, bar = self._bars[self._minutes[-1]]
        return first_id + bar.trades

    def _begin(self, now_ns: int) -> None:
        minute = now_ns // _MINUTE_NS
        if self._minutes and self._minutes[-1] > minute:
            # The clock was set back between two runs: what lies ahead never happened.
            for later in self._minutes[bisect_right(self._minutes, minute) :]:
                del self._bars[later]
            del self._minutes[bisect_right(self._minutes, minute) :]
        if self._minutes and self._minutes[-1] == minute:
            self._go_on_with(minute, now_ns)
            return
        first_id = self._first_id(minute)
        past = [raw for raw in self.history.minute_prints(minute) if raw.ts_ns <= now_ns]
        prices = [raw.ticks for raw in past] or [self._close_before(minute)]
        bar = Candle(
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum(raw.steps for raw in past),
            len(past),
            sum(raw.ticks * raw.steps for raw in past),
        )
        self.prints.extend(self.history.to_print(raw, first_id + i) for i, raw in enumerate(past))
        self._add_minute(minute, first_id, bar)

    def _go_on_with(self, minute: int, now_ns: int) -> None:
        """Take up a minute that the run before had begun: only its bar was kept, so its prints are made up
        again, and all of them before now. Spread over the whole minute some would come from the future."""
        first_id, bar = self._bars[minute]
        start = minute * _MINUTE_NS
        passed = max(1, now_ns - start)
        before = start - 1
        for i, raw in enumerate(self.history.minute_prints(minute, bar)):
            ts_ns = max(before + 1, start + (raw.ts_ns - start) * passed // _MINUTE_NS)
            self.prints.append(self.history.to_print(raw, first_id + i)._replace(ts_ns=ts_ns))
            before = ts_ns

    def _add_minute(self, minute: int, first_id: int, bar: Candle) -> None:
        self._minutes.append(minute)
        self._bars[minute] = first_id, bar
        self._unsaved.add(minute)

    def _first_id(self, minute: int) -> int:
        """Of the first print in a minute that is not live."""
        at = bisect_left(self._minutes, minute)
        if at == 0:
            return self.history.trades_before(minute)
        before = self._minutes[at - 1]
        first_id, bar = self._bars[before]
        made_up = self.history.trades_before(minute) - self.history.trades_before(before + 1)
        return first_id + bar.trades + made_up

    def _close_before(self, minute: int) -> int:
        kept = self._bars.get(minute - 1)
        return kept[1].close if kept is not None else self.history.minute(minute - 1).close

    # ---- writing ---------------------------------------------------------------------------------

    def roll(self, now_ns: int) -> None:
        """Begin the minutes up to now; those without a trade repeat the last close."""
        minute = now_ns // _MINUTE_NS
        last = self._minutes[-1]
        if minute <= last:
            return
        if minute - last > _DAY_MINUTES:
            # The machine slept: what happened meanwhile is the history's.
            self._begin(now_ns)
            return
        while last < minute:
            last += 1
            close = self._bars[last - 1][1].close
            self._add_minute(last, self.next_id, Candle(close, close, close, close, 0, 0, 0))

    def resume(self, now_ns: int) -> None:
        """Nobody let the pair live for a while: what happened meanwhile is the history's."""
        if now_ns // _MINUTE_NS > self._minutes[-1]:
            self._begin(now_ns)

    def record(self, trade: EngineTrade) -> None:
        """A trade of the running market."""
        self.roll(trade.ts_ns)
        minute = self._minutes[-1]
        first_id, bar = self._bars[minute]
        ticks = trade.price_ticks
        opened = bar.open if bar.trades else ticks
        self._bars[minute] = (
            first_id,
            Candle(
                opened,
                max(bar.high, ticks) if bar.trades else ticks,
                min(bar.low, ticks) if bar.trades else ticks,
                ticks,
                bar.steps + trade.steps,
                bar.trades + 1,
                bar.units + ticks * trade.steps,
            ),
        )
        self._unsaved.add(minute)
        # Prints are paged by their time, so no two of a pair may share one.
        before = self.prints[-1].ts_ns if self.prints else 0
        self.prints.append(
            Print(
                trade.trade_id,
                trade.price,
                trade.quantity,
                trade.taker_side,
                trade.taker_order_type is not OrderType.MARKET,
                max(trade.ts_ns, before + 1),
            )
        )

    def take_unsaved(self) -> list[tuple[int, int, Candle]]:
        """Minutes that changed since the last call, for the store."""
        rows = [(minute, *self._bars[minute]) for minute in sorted(self._unsaved)]
        self._unsaved.clear()
        return rows

    # ---- bars ------------------------------------------------------------------------------------

    def _pieces(self, first: int, end: int) -> list[Candle]:
        """Bars that together cover the minutes [first, end)."""
        minutes = self._minutes
        found: list[Candle] = []
        at = first
        for minute in minutes[bisect_left(minutes, first) : bisect_left(minutes, end)]:
            if minute > at:
                found.extend(self.history.span(at, minute))
            found.append(self._bars[minute][1])
            at = minute + 1
        if at < end:
            found.extend(self.history.span(at, end))
        return found

    def _candle(self, interval_s: int, index: int) -> Candle:
        length = interval_s // 60
        first, end = index * length, (index + 1) * length
        now = self._minutes[-1]
        if end > now:
            return self._running(interval_s, first)
        if bisect_left(self._minutes, first) == bisect_left(self._minutes, end):
            return self.history.candle(interval_s, index)
        found = self._whole.get((interval_s, index))
        if found is None:
            found = self._whole[(interval_s, index)] = join(self._pieces(first, end))
        return found

    def _running(self, interval_s: int, first: int) -> Candle:
        now = self._minutes[-1]
        known = self._head.get(interval_s)
        if known is None or known[0] != now or known[1] != first:
            pieces = self._pieces(first, now) if first < now else []
            known = now, first, ([join(pieces)] if pieces else [])
            self._head[interval_s] = known
        return join([*known[2], self._bars[now][1]])

    def span(self, first: int, end: int) -> Candle:
        """One bar of the minutes [first, end), as far as they have come; the running one included."""
        now = self._minutes[-1]
        pieces = self._pieces(first, min(end, now)) if first < now else []
        return join([*pieces, self._bars[now][1]]) if end > now else join(pieces)

    def running_bar(self, interval_s: int) -> MarketBar:
        """The bar that is being made."""
        index = self._minutes[-1] * 60 // interval_s
        candle = self._running(interval_s, index * interval_s // 60)
        return self.history.to_bar(index * interval_s * 1_000_000_000, candle)

    def bars(self, interval_s: int, end_ns: int, count: int) -> list[MarketBar]:
        """The last ``count`` bars that begin before ``end_ns``, oldest first, never later than now.

        Raises:
            ValueError: an interval that Kraken does not have.
        """
        if interval_s not in INTERVALS_S:
            raise ValueError(f"no bars of {interval_s} s")
        length = interval_s * 1_000_000_000
        last = min(-(-end_ns // length), self._minutes[-1] * 60 // interval_s + 1)
        first = max(last - count, FIRST_DAY * 86_400 // interval_s + 1)
        to_bar = self.history.to_bar
        return [to_bar(i * length, self._candle(interval_s, i)) for i in range(first, last)]

    # ---- figures ---------------------------------------------------------------------------------

    def last_24h(self) -> DayStats:
        """Rolling figures, by whole minutes."""
        now = self._minutes[-1]
        if self._day[0] != now:
            pieces = self._pieces(now - _DAY_MINUTES + 1, now)
            self._day = now, [join(pieces)]
        return self._stats(join([*self._day[1], self._bars[now][1]]))

    def today(self) -> DayStats:
        """Since midnight UTC."""
        first = self._minutes[-1] // _DAY_MINUTES * _DAY_MINUTES
        return self._stats(self._running(86_400, first))

    def _stats(self, candle: Candle) -> DayStats:
        bar = self.history.to_bar(0, candle)
        return DayStats(bar.open, bar.high, bar.low, bar.close, bar.volume, bar.vwap, bar.trades)

    # ---- prints ----------------------------------------------------------------------------------

    def trades(self, since_ns: int, count: int) -> list[Print]:
        """Up to ``count`` prints after ``since_ns``, oldest first."""
        found: list[Print] = []
        minute = max(since_ns // _MINUTE_NS, FIRST_DAY * _DAY_MINUTES + _DAY_MINUTES)
        now = self._minutes[-1]
        kept_from = self.prints[0].ts_ns // _MINUTE_NS + 1 if self.prints else now + 1
        if self.prints and len(self.prints) < KEPT_PRINTS:
            kept_from -= 1  # nothing was pushed out: the oldest kept minute is whole
        next_id = -1
        while minute <= now and len(found) < count:
            if minute >= kept_from:
                found.extend(
                    one for one in self.prints if one.ts_ns > since_ns and one.ts_ns >= minute * _MINUTE_NS
                )
                break
            live = self._bars.get(minute)
            if live is not None:
                next_id = live[0]
                raws = self.history.minute_prints(minute, live[1])
            else:
                if next_id < 0:
                    next_id = self._first_id(minute)
                raws = self.history.minute_prints(minute)
            for raw in raws:
                if raw.ts_ns > since_ns:
                    found.append(self.history.to_print(raw, next_id))
                next_id += 1
            minute += 1
        return found[:count]

    def recent(self, count: int) -> list[Print]:
        """The last ``count`` prints, oldest first."""
        if len(self.prints) >= count:
            return [self.prints[i] for i in range(len(self.prints) - count, len(self.prints))]
        back = 1
        while True:
            since = (self._minutes[-1] - back) * _MINUTE_NS - 1
            found = self.trades(since, 1_000_000)
            if len(found) >= count or back > 600:
                return found[-count:]
            back *= 3
