"""Bid and ask of a practice symbol at any time, past or present: one function of the seed.

The hidden price of the practice market is a tree of nodes down to two seconds. Every two seconds become four
quotes that visit the node's open, its extremes and its close; so bars of any length, made from the tree
without a single quote, agree with what was quoted live. Prices are whole points (10^-digits).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from terminal.emulators.ctrader.hours import Timeline, period_end, period_start
from terminal.emulators.ctrader.symbols import SymbolSpec
from terminal.emulators.market.history import Candle, History
from terminal.emulators.market.latent import LatentPrices, seed_number, uniform
from terminal.emulators.market.listing import Listing
from terminal.emulators.market.store import Store

LEAF_S: Final = 2
_LEAF_MS: Final = 1000 * LEAF_S
_SLOT_MS: Final = _LEAF_MS // 4
_LEAVES_A_MINUTE: Final = 60 // LEAF_S
_FLOOR_TRADES: Final = 4
"""What the tree gives every minute at least."""

FIRST_MINUTE: Final = 1_325_376_000 // 60
"""2012-01-01: nothing is known of the time before."""

PERIODS: Final[dict[int, int | str]] = {
    1: 60, 2: 120, 3: 180, 4: 240, 5: 300, 6: 600, 7: 900, 8: 1800, 9: 3600, 10: 14_400, 11: 43_200,
    12: "D", 13: "W", 14: "M",
}  # fmt: skip
"""Length of a bar by ``ProtoOATrendbarPeriod``: M1 to MN1; seconds, or a calendar's letter."""


class Tick(NamedTuple):
    """A quote."""

    ms: int
    """Since 1970, UTC."""
    bid: int
    """Points."""
    ask: int


class PriceBar(NamedTuple):
    """A bar of bids, points."""

    start: int
    """Minutes since 1970."""
    open: int
    high: int
    low: int
    close: int
    volume: int
    """Ticks."""


class Shifts:
    """When the practice market's prices were moved by a rehearsal, so that the past before it stays.

    Args:
        key: under which they are kept.
    """

    def __init__(
        self, latents: LatentPrices, store: Store, now_ns: int, *, key: str = "ctrader:shifts"
    ) -> None:
        self._latents = latents
        self._store = store
        self._key = key
        kept = store.get(key)
        self._times: list[int] = []
        self._logs: list[dict[str, float]] = []
        if isinstance(kept, dict) and kept.get("seed") == latents.seed:
            for at_ms, logs in kept["rows"]:
                self._times.append(int(at_ms))
                self._logs.append({str(name): float(log) for name, log in logs.items()})
        self.observe(now_ns)

    def observe(self, now_ns: int) -> bool:
        """Note a shift that was made since the last look; True where there was one."""
        now = self._latents.shifts
        if now == (self._logs[-1] if self._logs else {}):
            return False
        self._times.append(now_ns // 1_000_000)
        self._logs.append(now)
        self._store.put(
            self._key,
            {
                "seed": self._latents.seed,
                "rows": [list(row) for row in zip(self._times, self._logs, strict=True)],
            },
        )
        return True

    def log_at(self, base: str, quote: str, ms: int) -> float:
        """What the log price of a pair was moved by at a moment."""
        place = bisect.bisect_right(self._times, ms)
        if not place:
            return 0.0
        logs = self._logs[place - 1]
        return logs.get(base, 0.0) - logs.get(quote, 0.0)

    def between(self, first_ms: int, end_ms: int) -> list[int]:
        """The moments of [first, end) at which prices were moved."""
        return self._times[
            bisect.bisect_left(self._times, first_ms) : bisect.bisect_left(self._times, end_ms)
        ]

    def minutes(self, first: int, end: int) -> list[int]:
        """The minutes of [first, end) in which prices were moved."""
        return sorted({ms // 60_000 for ms in self._times if first <= ms // 60_000 < end})


class SymbolPrices:
    """One symbol's quotes and bars."""

    def __init__(self, spec: SymbolSpec, latents: LatentPrices, shifts: Shifts, timeline: Timeline) -> None:
        self.spec = spec
        self.timeline = timeline
        self._shifts = shifts
        self._base, self._quote = spec.hidden_base or spec.base, spec.quote
        self._history = History(latents, _listing(spec, self._base))
        self._scale = spec.scale
        self._seed = seed_number(latents.seed, "ctrader", spec.name)
        self._typical_half = spec.spread_points // 2
        self._leaf: tuple[int, list[Tick]] = (-1, [])

    # ---- quotes ----------------------------------------------------------------------------------

    def leaf(self, index: int) -> list[Tick]:
        """The four quotes of the ``index``-th two seconds since 1970, whether the market is open or not, and
        one more for each time that a rehearsal moved the prices."""
        if self._leaf[0] == index:
            return self._leaf[1]
        candle = self._history.candle(LEAF_S, index)
        rises = candle.close >= candle.open
        if uniform(self._seed, index * 16 + 9) < 0.15:
            rises = not rises
        inner = (candle.low, candle.high) if rises else (candle.high, candle.low)
        found = []
        for place, mid in enumerate((candle.open, *inner, candle.close)):
            u = uniform(self._seed, index * 16 + place)
            ms = index * _LEAF_MS + place * _SLOT_MS + 10 + int(u * (_SLOT_MS - 20))
            bid = self._bid(mid, self._factor(ms))
            found.append(Tick(ms, bid, bid + self._spread(index * 16 + place + 4)))
        for ms in self._shifts.between(index * _LEAF_MS, (index + 1) * _LEAF_MS):
            self._move(found, index, ms)
        self._leaf = index, found
        return found

    def _move(self, ticks: list[Tick], index: int, ms: int) -> None:
        """What stood when prices were moved is quoted anew in the same moment."""
        place = sum(tick.ms <= ms for tick in ticks)
        stood = ticks[place - 1] if place else self.leaf(index - 1)[-1]
        change = self._shifts.log_at(self._base, self._quote, ms)
        change -= self._shifts.log_at(self._base, self._quote, stood.ms)
        if change:
            bid = max(1, round(stood.bid * math.exp(change)))
            ticks.insert(place, Tick(ms, bid, bid + stood.ask - stood.bid))

    def forget(self) -> None:
        """Look everything up anew: prices were moved."""
        self._leaf = -1, []

    def leaf_range(self, index: int) -> tuple[int, int]:
        """Lowest and highest bid of two seconds."""
        bids = [tick.bid for tick in self.leaf(index)]
        return min(bids), max(bids)

    def at(self, ms: int) -> Tick:
        """The quote that stands at a moment: while closed, the last of the session before."""
        if not self.timeline.is_open(ms // 60_000):
            minute = self.timeline.last_open_before(ms // 60_000)
            if minute is not None:
                ms = (minute + 1) * 60_000 - 1
        index = ms // _LEAF_MS
        before = [tick for tick in self.leaf(index) if tick.ms <= ms]
        return before[-1] if before else self.leaf(index - 1)[-1]

    def ticks_between(self, first_ms: int, last_ms: int) -> list[Tick]:
        """The quotes after ``first_ms`` up to and including ``last_ms``, oldest first, in open hours only."""
        found: list[Tick] = []
        for a, b in self.timeline.spans(first_ms // 60_000, last_ms // 60_000 + 1):
            for index in range(
                max(first_ms // _LEAF_MS, a * _LEAVES_A_MINUTE),
                min(last_ms // _LEAF_MS + 1, b * _LEAVES_A_MINUTE),
            ):
                found.extend(tick for tick in self.leaf(index) if first_ms < tick.ms <= last_ms)
        return found

    def ticks_back(self, first_ms: int, last_ms: int, side: str) -> Iterator[tuple[int, int]]:
        """Changes of one side (``bid`` or ``ask``) as (ms, points), newest first, within [first, last]."""
        place = 1 if side == "bid" else 2
        for a, b in reversed(self.timeline.spans(first_ms // 60_000, last_ms // 60_000 + 1)):
            leaf = min(last_ms // _LEAF_MS, b * _LEAVES_A_MINUTE - 1)
            ticks = self.leaf(leaf)
            while leaf >= max(first_ms // _LEAF_MS, a * _LEAVES_A_MINUTE):
                earlier = self.leaf(leaf - 1)
                for older, tick in zip([*ticks[-2::-1], earlier[-1]], ticks[::-1], strict=True):
                    if tick[place] != older[place] and first_ms <= tick.ms <= last_ms:
                        yield tick.ms, tick[place]
                ticks = earlier
                leaf -= 1

    def _factor(self, ms: int) -> float:
        shift = self._shifts.log_at(self._base, self._quote, ms)
        return self._scale * math.exp(shift) if shift else self._scale

    def _bid(self, mid: int, factor: float) -> int:
        return max(1, (mid if factor == 1.0 else int(mid * factor + 0.5)) - self._typical_half)

    def _spread(self, index: int) -> int:
        u = uniform(self._seed ^ 0x5EED, index)
        typical = self.spec.spread_points
        if u > 0.985:
            return max(1, round(typical * 2.2))
        return max(1, round(typical * (0.65 + 0.7 * u)))

    # ---- bars ------------------------------------------------------------------------------------

    def bar(self, start: int, end: int, now_ms: int) -> PriceBar | None:
        """The bar of the minutes [start, end) as far as it has come; None where nothing was quoted."""
        running = now_ms // 60_000
        found: PriceBar | None = None
        for a, b in self.timeline.spans(start, min(end, running + 1)):
            cuts = self._shifts.minutes(a, b)
            if a <= running < b and running not in cuts:
                cuts.append(running)
            first = a
            for cut in cuts:
                found = _joined(found, self._from_tree(first, cut))
                found = _joined(found, self._from_ticks(cut, now_ms))
                first = cut + 1
            found = _joined(found, self._from_tree(first, b))
        return None if found is None else found._replace(start=start)

    def _from_tree(self, first: int, end: int) -> PriceBar | None:
        if first >= end:
            return None
        pieces = self._history.span(first, end)
        factor = self._factor(first * 60_000)
        low = min(piece.low for piece in pieces)
        high = max(piece.high for piece in pieces)
        bid = self._bid
        return PriceBar(
            first, bid(pieces[0].open, factor), bid(high, factor), bid(low, factor),
            bid(pieces[-1].close, factor), sum(piece.trades for piece in pieces),
        )  # fmt: skip

    def _from_ticks(self, minute: int, now_ms: int) -> PriceBar | None:
        begin = minute * 60_000
        until = min(now_ms, begin + 59_999)
        bids = [tick.bid for tick in self.ticks_between(begin - 1, until)]
        if not bids:
            return None
        return PriceBar(
            minute, bids[0], max(bids), min(bids), bids[-1], self.minute_volume(minute, until - begin + 1)
        )

    def minute_volume(self, minute: int, elapsed_ms: int = 60_000) -> int:
        """Ticks of a minute, so far."""
        whole = self._candle(minute).trades
        return whole if elapsed_ms >= 60_000 else max(1, whole * elapsed_ms // 60_000)

    def _candle(self, minute: int) -> Candle:
        return self._history.minute(minute)

    def starts_back(self, length: int | str, first: int, last: int) -> Iterator[int]:
        """Starts of the bars that hold something, newest first, from the one of minute ``last`` down to those
        that begin at ``first`` or later."""
        end = last + 1
        before: int | None = None
        first = max(first, FIRST_MINUTE)
        while end > first:
            begin = max(first, end - 30 * 1440)
            for a, b in reversed(self.timeline.spans(begin, end)):
                minute = b - 1
                while minute >= a:
                    start = period_start(length, minute)
                    if start != before and start >= first:
                        yield start
                    before = start
                    minute = start - 1
            end = begin

    def session_close(self, ms: int) -> int | None:
        """The bid at the end of the session before, points."""
        minute = self.timeline.session_close(ms // 60_000)
        return None if minute is None else self.at(minute * 60_000 - 1).bid


def bar_of(prices: SymbolPrices, length: int | str, start: int, now_ms: int) -> PriceBar | None:
    """The bar of that length which begins at ``start``."""
    return prices.bar(start, period_end(length, start), now_ms)


def _joined(one: PriceBar | None, other: PriceBar | None) -> PriceBar | None:
    if one is None or other is None:
        return other if one is None else one
    return PriceBar(
        one.start,
        one.open,
        max(one.high, other.high),
        min(one.low, other.low),
        other.close,
        one.volume + other.volume,
    )


def _listing(spec: SymbolSpec, base: str) -> Listing:
    """The symbol in the terms of the practice market's tree of prices."""
    tick = Decimal(1).scaleb(-spec.digits)
    return Listing(
        symbol=f"ctrader:{spec.name}", base=base, quote=spec.quote, tick_size=tick,
        price_decimals=spec.digits, quantity_step=Decimal(1), quantity_decimals=0, min_quantity=Decimal(1),
        min_notional=Decimal(1), cost_decimals=2, start_price=Decimal(1), daily_volatility=0.01,
        typical_spread_ticks=float(spec.spread_points),
        trades_per_minute=max(1.0, spec.ticks_per_minute - _FLOOR_TRADES), average_trade=1.0,
        level_gap_ticks=float(spec.level_points),
    )  # fmt: skip
