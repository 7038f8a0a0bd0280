"""The practice cTrader's market as it lives: bids, asks, running bars and depth of the symbols in use.

Only symbols that somebody watches are worked on; the price of any other is looked up when asked for.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from terminal.core.clock import Clock
from terminal.domain.market import Side
from terminal.emulators.ctrader.books import DepthBook, DepthChange
from terminal.emulators.ctrader.hours import Timeline, period_end, period_start
from terminal.emulators.ctrader.prices import PERIODS, PriceBar, Shifts, SymbolPrices, Tick, bar_of
from terminal.emulators.ctrader.symbols import SymbolSpec, SymbolTable
from terminal.emulators.market.latent import LatentPrices
from terminal.emulators.market.store import Store
from terminal.venues.ctrader import openapi_pb2 as pb

_CATCH_UP_MS: Final = 4_000
"""After a longer pause the quotes in between are left out."""
_LIVELY: Final = 2.0
"""From this rate on, prices move between the quotes of the past too."""
_PULSE_MS: Final = 500.0
"""Between two breaths of a book at rate 1."""


@dataclass(slots=True)
class RunningBar:
    """A live bar of one period."""

    bar: PriceBar
    end: int
    """The minute after its last."""
    whole_volume: int
    """Ticks of its minutes before the present one."""
    minute: int


@dataclass(slots=True, eq=False)
class Live:
    """A symbol that somebody watches."""

    spec: SymbolSpec
    prices: SymbolPrices
    bid: int
    """Points."""
    ask: int
    ms: int
    """Of the last quote or, without one, of the look-up."""
    seen_ms: int
    """Up to here the quotes are told."""
    pulse_ms: float
    told_ask: int = 0
    """Of the last event streamed."""
    watchers: int = 0
    is_open: bool = False
    minute: int = 0
    pending: list[Tick] = field(default_factory=list)
    book: DepthBook | None = None
    book_watchers: int = 0
    running: dict[int, RunningBar] = field(default_factory=dict)
    bar_watchers: dict[int, int] = field(default_factory=dict)


class Quotes:
    """Prices for the broker, and events for whoever streams them.

    Args:
        rate: 1 is a calm market of some three events a second for a symbol with depth; 40 makes a hundred.
    """

    def __init__(
        self,
        table: SymbolTable,
        latents: LatentPrices,
        store: Store,
        clock: Clock,
        *,
        rng: random.Random,
        rate: float = 1.0,
    ) -> None:
        self.table = table
        self._latents = latents
        self.clock = clock
        self._rng = rng
        self._rate = rate
        self._frozen_ms: int | None = None if rate > 0 else clock.wall_ns() // 1_000_000
        self.shifts = Shifts(latents, store, clock.wall_ns())
        self._prices: dict[int, SymbolPrices] = {}
        self._live: dict[int, Live] = {}
        self._book_ids = itertools.count(1)
        self.on_tick: list[Callable[[int], None]] = []
        """Called with a symbol's id after its bid or ask changed."""
        self.on_quote: list[Callable[[Live, bool, bool], None]] = []
        """Called with the symbol, and whether its bid and its ask changed; before ``on_tick``."""
        self.on_depth: list[Callable[[Live, DepthChange], None]] = []
        self.thin: dict[int, int] = {}
        """Most cents that a taker finds at a price, by symbol: a rehearsal of fills in parts."""
        self.events = 0
        table.on_changed.append(self._on_symbol_changed)

    # ---- for the broker --------------------------------------------------------------------------

    def bid(self, symbol_id: int) -> Decimal:
        """What a seller gets now; the last price while the market is closed."""
        live = self._live.get(symbol_id)
        bid = live.bid if live is not None else self.prices(symbol_id).at(self.now_ms()).bid
        return self.decimal(symbol_id, bid)

    def ask(self, symbol_id: int) -> Decimal:
        """What a buyer pays now."""
        live = self._live.get(symbol_id)
        ask = live.ask if live is not None else self.prices(symbol_id).at(self.now_ms()).ask
        return self.decimal(symbol_id, ask)

    def decimal(self, symbol_id: int, points: int) -> Decimal:
        """So many points as a price."""
        return Decimal(points).scaleb(-self.table.spec(symbol_id).digits)

    def depth(self, symbol_id: int, side: Side) -> Sequence[tuple[Decimal, int]]:
        """What a taker on that side trades against: price and cents, best first."""
        live = self._live.get(symbol_id)
        book = live.book if live is not None else None
        if book is None:
            tick = self.prices(symbol_id).at(self.now_ms())
            bid, ask = (live.bid, live.ask) if live is not None else (tick.bid, tick.ask)
            book = DepthBook(self.table.spec(symbol_id), random.Random(tick.ms), itertools.count(1))
            book.move(bid, ask)
        rows = book.asks if side is Side.BUY else book.bids
        most = self.thin.get(symbol_id)
        return [
            (self.decimal(symbol_id, row.points), row.size if most is None else min(row.size, most))
            for row in rows
        ]

    def is_open(self, symbol_id: int, at_ns: int) -> bool:
        """Whether it trades at a time."""
        return self.prices(symbol_id).timeline.is_open(at_ns // 60_000_000_000)

    def rate(self, from_asset: str, to_asset: str) -> Decimal:
        """How much one unit of an asset is worth in another: middle prices along the conversion chain.

        Raises:
            OpenApiError: there is no way from one to the other.
        """
        found = Decimal(1)
        for spec, forward in self.table.chain(from_asset, to_asset):
            mid = (self.bid(spec.id) + self.ask(spec.id)) / 2
            found = found * mid if forward else found / mid
        return found

    # ---- who watches what ------------------------------------------------------------------------

    def watch(self, symbol_id: int) -> Live:
        """Keep a symbol alive until :meth:`unwatch`; counted.

        Raises:
            OpenApiError: no such symbol.
        """
        live = self._live.get(symbol_id)
        if live is None:
            prices = self.prices(symbol_id)
            now = self.now_ms()
            tick = prices.at(now)
            minute = now // 60_000
            live = self._live[symbol_id] = Live(
                spec=self.table.spec(symbol_id), prices=prices, bid=tick.bid, ask=tick.ask, ms=tick.ms,
                seen_ms=now, pulse_ms=now + self._rng.random() * _PULSE_MS, minute=minute,
                is_open=prices.timeline.is_open(minute),
            )  # fmt: skip
        live.watchers += 1
        return live

    def unwatch(self, symbol_id: int) -> None:
        """One watcher less; the last one lets it rest."""
        live = self._live.get(symbol_id)
        if live is not None:
            live.watchers -= 1
            if live.watchers <= 0:
                del self._live[symbol_id]

    def watch_book(self, live: Live) -> DepthBook:
        """Keep the depth of a watched symbol too; counted."""
        if live.book is None:
            live.book = DepthBook(live.spec, self._rng, self._book_ids)
            live.book.move(live.bid, live.ask)
        live.book_watchers += 1
        return live.book

    def unwatch_book(self, live: Live) -> None:
        """One watcher of the depth less."""
        live.book_watchers -= 1
        if live.book_watchers <= 0:
            live.book = None

    def watch_bars(self, live: Live, period: int) -> None:
        """Keep the running bar of a watched symbol; counted."""
        live.bar_watchers[period] = live.bar_watchers.get(period, 0) + 1

    def unwatch_bars(self, live: Live, period: int) -> None:
        """One watcher of a running bar less."""
        left = live.bar_watchers.get(period, 0) - 1
        if left > 0:
            live.bar_watchers[period] = left
        else:
            live.bar_watchers.pop(period, None)
            live.running.pop(period, None)

    @property
    def watched(self) -> frozenset[int]:
        """Ids of the symbols that are worked on."""
        return frozenset(self._live)

    def prices(self, symbol_id: int) -> SymbolPrices:
        """The prices of a symbol at any time.

        Raises:
            OpenApiError: no such symbol.
        """
        found = self._prices.get(symbol_id)
        if found is None:
            spec = self.table.spec(symbol_id)
            found = self._prices[symbol_id] = SymbolPrices(
                spec, self._latents, self.shifts, Timeline(spec.hours)
            )
        return found

    def _on_symbol_changed(self, symbol_id: int) -> None:
        prices = self._prices.get(symbol_id)
        if prices is None:
            return
        spec = self.table.spec(symbol_id)
        prices.spec = spec
        live = self._live.get(symbol_id)
        if live is not None:
            live.spec = spec
        if spec.hours is not prices.timeline.hours:
            minute = self.now_ms() // 60_000
            prices.timeline.change(minute, spec.hours)
            if live is not None:
                self._look_at_session(live, minute)

    # ---- time ------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """The market's now: the clock's, unless the market stands still."""
        return self._frozen_ms if self._frozen_ms is not None else self.clock.wall_ns() // 1_000_000

    @property
    def liveliness(self) -> float:
        """How many times as lively as usual."""
        return self._rate

    def set_rate(self, rate: float) -> None:
        """Another liveliness; 0 lets the market stand still.

        Raises:
            ValueError: negative, not a number, or over 1000.
        """
        if not 0.0 <= rate <= 1000.0:
            raise ValueError(f"no rate: {rate}")
        self._frozen_ms = None if rate > 0 else self.now_ms()
        self._rate = rate

    def step(self) -> None:
        """Let every watched symbol live up to now."""
        if self.shifts.observe(self.clock.wall_ns()):
            for prices in self._prices.values():
                prices.forget()
            for live in self._live.values():
                live.pending.clear()
                # The move is quoted in this very millisecond.
                live.seen_ms -= 1
        if self._frozen_ms is not None:
            return
        now = self.clock.wall_ns() // 1_000_000
        for live in tuple(self._live.values()):
            self._step(live, now)

    def _step(self, live: Live, now: int) -> None:
        minute = now // 60_000
        if minute != live.minute:
            live.minute = minute
            self._look_at_session(live, minute)
        if not live.is_open:
            live.seen_ms = now
            return
        begin = live.seen_ms
        if now - begin > _CATCH_UP_MS or now < begin:
            begin = now - _CATCH_UP_MS
        if not live.pending or now < live.seen_ms:
            # To the end of the present two seconds at once: the tree is asked once for them.
            live.pending = live.prices.ticks_between(begin, now - now % 2000 + 1999)
        live.seen_ms = now
        due = 0
        for tick in live.pending:
            if tick.ms > now:
                break
            due += 1
        for tick in live.pending[:due]:
            self._quote(live, tick.bid, tick.ask, tick.ms)
        del live.pending[:due]
        if live.pending and live.pending[-1].ms <= now:
            live.pending.clear()
        self._pulse(live, now)

    def _look_at_session(self, live: Live, minute: int) -> None:
        is_open = live.prices.timeline.is_open(minute)
        if is_open != live.is_open:
            live.is_open = is_open
            live.pending.clear()

    def _quote(self, live: Live, bid: int, ask: int, ms: int) -> None:
        bid_changed, ask_changed = bid != live.bid, ask != live.ask
        if not bid_changed and not ask_changed:
            return
        live.bid, live.ask, live.ms = bid, ask, ms
        if bid_changed:
            for period, running in tuple(live.running.items()):
                self._extend_bar(live, period, running, ms)
        self.events += 1
        for quote_listener in tuple(self.on_quote):
            quote_listener(live, bid_changed, ask_changed)
        if live.book is not None:
            self._tell_depth(live, live.book.move(bid, ask))
        for listener in tuple(self.on_tick):
            listener(live.spec.id)

    def _pulse(self, live: Live, now: int) -> None:
        pause = _PULSE_MS / self._rate
        if now - live.pulse_ms > 1000.0:
            live.pulse_ms = now - pause
        while live.pulse_ms <= now:
            live.pulse_ms += pause * (0.7 + 0.6 * self._rng.random())
            if self._rate > _LIVELY and self._rng.random() < 0.25:
                self._nudge(live, now)
            elif live.book is not None:
                self._tell_depth(live, live.book.breathe(1 + (self._rng.random() < 0.3)))

    def _nudge(self, live: Live, now: int) -> None:
        """A quote more than the past will know of, within the range of its two seconds."""
        low, high = live.prices.leaf_range(now // 2000)
        bid = min(high, max(low, live.bid + self._rng.choice((-1, 0, 1))))
        spread = max(1, live.ask - live.bid + self._rng.choice((-1, 1)))
        typical = live.spec.spread_points
        self._quote(live, bid, bid + min(max(spread, typical // 2, 1), 2 * typical), now)

    def _tell_depth(self, live: Live, change: DepthChange) -> None:
        if change:
            self.events += 1
            for listener in tuple(self.on_depth):
                listener(live, change)

    # ---- running bars ----------------------------------------------------------------------------

    def running_bar(self, live: Live, period: int) -> PriceBar | None:
        """The bar of a ``ProtoOATrendbarPeriod`` that is being made, with the bid as it stands."""
        running = live.running.get(period) or self._begin_bar(live, period)
        return None if running is None else running.bar

    def _begin_bar(self, live: Live, period: int) -> RunningBar | None:
        """The running bar as the past tells it up to the last quote, which it then holds too."""
        length, minute = PERIODS[period], live.ms // 60_000
        start = period_start(length, minute)
        bar = bar_of(live.prices, length, start, live.ms)
        if bar is None:
            return None
        now_volume = live.prices.minute_volume(minute, live.ms % 60_000 + 1)
        bar = bar._replace(high=max(bar.high, live.bid), low=min(bar.low, live.bid), close=live.bid)
        running = RunningBar(bar, period_end(length, start), bar.volume - now_volume, minute)
        if period in live.bar_watchers:
            live.running[period] = running
        return running

    def _extend_bar(self, live: Live, period: int, running: RunningBar, ms: int) -> None:
        minute, bid = ms // 60_000, live.bid
        if minute >= running.end:
            self._begin_bar(live, period)
            return
        while running.minute < minute:
            running.whole_volume += live.prices.minute_volume(running.minute)
            running.minute += 1
        bar = running.bar
        volume = running.whole_volume + live.prices.minute_volume(minute, ms % 60_000 + 1)
        running.bar = PriceBar(bar.start, bar.open, max(bar.high, bid), min(bar.low, bid), bid, volume)


def wire_price(points: int, digits: int) -> int:
    """A price as the stream tells it: hundred thousandths, whatever the symbol's digits."""
    return points * int(10 ** (5 - digits))


def trendbar(bar: PriceBar, digits: int, *, period: int | None = None) -> pb.ProtoOATrendbar:
    """A bar as a message: with its close for history, with its period and no close for the live stream."""
    low = wire_price(bar.low, digits)
    message = pb.ProtoOATrendbar(
        volume=bar.volume,
        low=low,
        deltaOpen=wire_price(bar.open, digits) - low,
        deltaHigh=wire_price(bar.high, digits) - low,
        utcTimestampInMinutes=bar.start,
    )
    if period is None:
        message.deltaClose = wire_price(bar.close, digits) - low
    else:
        message.period = period  # type: ignore[assignment]
    return message
