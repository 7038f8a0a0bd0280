"""The past of a pair, as far back as anyone asks: bars of every length, and the prints inside them.

A bar of N minutes is exactly the aggregate of the one-minute bars under it, yet thirty years of 15-day bars
cost a fraction of a second: a day's figures are drawn first and handed down, so only the bars asked for
and their parents are ever made. Volume and number of trades are whole numbers split without remainder.

The volume-weighted price of a made-up bar is an estimate from its own prices; that of a bar which the
market really traded is exact.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.emulators.market.latent import ANCHOR_DAY, LEVELS_S, LatentPrices, fold, seed_number, uniform
from terminal.emulators.market.listing import Listing

INTERVALS_S: Final = tuple(60 * minutes for minutes in (1, 5, 15, 30, 60, 240, 1440, 10080, 21600))
"""Kraken's bar lengths, seconds."""

FIRST_DAY: Final = ANCHOR_DAY - 14_000
"""No pair has a past before this day."""

MINUTE_LEVEL: Final = LEVELS_S.index(60)
_MINUTE_NS: Final = 60_000_000_000
_MIN_TRADES: Final = 4
"""A made-up minute has at least its open, high, low and close printed."""
_CACHE_LIMIT: Final = 6_000


class MarketBar(NamedTuple):
    """A bar with its turnover; otherwise as the domain's ``Bar``."""

    open_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    """Base units."""
    trades: int
    turnover: Decimal
    """Quote units."""

    @property
    def vwap(self) -> Decimal:
        """Volume-weighted average price; 0 where nothing was traded (as Kraken tells it)."""
        return self.turnover / self.volume if self.volume else ZERO


class Candle(NamedTuple):
    """A bar in ticks and steps."""

    open: int
    high: int
    low: int
    close: int
    steps: int
    trades: int
    units: int
    """Turnover in ticks times steps."""


class Print(NamedTuple):
    """One public trade of the past or the present."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    side: Side
    """The taker's."""
    is_limit: bool
    """The taker came with a limit order."""
    ts_ns: int


class RawPrint(NamedTuple):
    """A print in ticks and steps, without its id."""

    ticks: int
    steps: int
    side: Side
    is_limit: bool
    ts_ns: int


# Log open, high, low, close; steps; trades.
_Node = tuple[float, float, float, float, int, int]


def join(candles: list[Candle]) -> Candle:
    """The aggregate of consecutive bars."""
    return Candle(
        candles[0].open,
        max(one.high for one in candles),
        min(one.low for one in candles),
        candles[-1].close,
        sum(one.steps for one in candles),
        sum(one.trades for one in candles),
        sum(one.units for one in candles),
    )


class History:
    """What a pair would have done at any time before (or after): a pure function of the seed.

    Args:
        basis: the log of what the pair costs more than its assets at a moment (nanoseconds UTC), as a dated
            future does; it must never rise.
    """

    def __init__(
        self, latents: LatentPrices, listing: Listing, basis: Callable[[int], float] | None = None
    ) -> None:
        self.listing = listing
        self.grid = listing.grid
        self._base_path = latents.path(listing.base)
        self._quote_path = latents.path(listing.quote)
        self._is_direct = listing.quote == "USD"
        self._basis = basis
        self._seed = seed_number(latents.seed, "history", listing.symbol)
        self._log_scale = -math.log(float(listing.tick_size))
        self._days: dict[int, _Node] = {}
        self._children: dict[tuple[int, int], list[_Node]] = {}
        step = float(listing.quantity_step)
        self._average_steps = listing.average_trade / step
        # Every made-up minute trades at least this, so that each of its prints has something in it.
        self._base_steps = _MIN_TRADES * max(1, int(float(listing.min_quantity) / step))
        # Trades before each day, outwards from the anchor.
        self._count_forward = [0]
        self._count_backward = [0]
        self._first_id = int(listing.trades_per_minute * 1440 * 1.3 * (ANCHOR_DAY - FIRST_DAY)) + 1

    # ---- bars ------------------------------------------------------------------------------------

    def bars(self, interval_s: int, end_ns: int, count: int) -> list[MarketBar]:
        """The last ``count`` bars that begin before ``end_ns``, oldest first.

        Raises:
            ValueError: an interval that Kraken does not have.
        """
        if interval_s not in INTERVALS_S:
            raise ValueError(f"no bars of {interval_s} s")
        length = interval_s * 1_000_000_000
        last = -(-end_ns // length)
        first = max(last - count, FIRST_DAY * 86_400 // interval_s + 1)
        return [self.to_bar(i * length, self.candle(interval_s, i)) for i in range(first, last)]

    def candle(self, interval_s: int, index: int) -> Candle:
        """The ``index``-th bar since 1970 of a length, in ticks and steps."""
        if interval_s in LEVELS_S:
            return self._as_candle(self._node(LEVELS_S.index(interval_s), index))
        days = interval_s // 86_400
        return join([self._as_candle(self._node(0, day)) for day in range(index * days, (index + 1) * days)])

    def span(self, first_minute: int, end_minute: int) -> list[Candle]:
        """Bars that together cover whole minutes [first, end) in as few pieces as the tree allows."""
        found = []
        minute = first_minute
        while minute < end_minute:
            for level in range(MINUTE_LEVEL + 1):
                minutes = LEVELS_S[level] // 60
                if minute % minutes == 0 and minute + minutes <= end_minute:
                    found.append(self._as_candle(self._node(level, minute // minutes)))
                    minute += minutes
                    break
        return found

    def to_bar(self, open_ns: int, candle: Candle) -> MarketBar:
        """With exact decimals."""
        grid = self.grid
        return MarketBar(
            open_ns,
            grid.price(candle.open),
            grid.price(candle.high),
            grid.price(candle.low),
            grid.price(candle.close),
            grid.quantity(candle.steps),
            candle.trades,
            grid.notional(candle.units, 1),
        )

    def _ticks(self, log_price: float) -> int:
        # Rounding keeps order, so highs and lows of parts and whole still agree afterwards.
        return max(1, int(math.exp(log_price + self._log_scale) + 0.5))

    def _as_candle(self, node: _Node) -> Candle:
        first, high, low, last = (self._ticks(x) for x in node[:4])
        return Candle(first, high, low, last, node[4], node[5], (first + high + low + last) * node[4] // 4)

    # ---- the tree --------------------------------------------------------------------------------

    def _node(self, level: int, index: int) -> _Node:
        if level == 0:
            found = self._days.get(index)
            if found is None:
                if len(self._days) >= _CACHE_LIMIT:
                    self._days.clear()
                found = self._days[index] = self._day(index)
            return found
        fan = LEVELS_S[level - 1] // LEVELS_S[level]
        parent = index // fan
        children = self._children.get((level, parent))
        if children is None:
            if len(self._children) >= _CACHE_LIMIT:
                self._children.clear()
            children = self._children[(level, parent)] = self._split(level, parent, fan)
        return children[index - parent * fan]

    def _day(self, day: int) -> _Node:
        first, high, low, last = self._prices(0, day)
        trades = self._day_trades(day)
        noise = uniform(self._seed, 4 * day + 1) + uniform(self._seed, 4 * day + 2) - 1.0
        steps = int(trades * self._average_steps * math.exp(0.5 * noise)) + self._base_steps * 1440
        return first, high, low, last, steps, trades

    def _day_trades(self, day: int) -> int:
        noise = uniform(self._seed, 4 * day) + uniform(self._seed, 4 * day + 3) - 1.0
        return _MIN_TRADES * 1440 + int(self.listing.trades_per_minute * 1440 * math.exp(0.45 * noise))

    def _prices(self, level: int, index: int) -> tuple[float, float, float, float]:
        """Prices of a node as the assets' own nodes suggest them."""
        prices = self._plain_prices(level, index)
        if self._basis is None:
            return prices
        length = LEVELS_S[level] * 1_000_000_000
        begin, end = self._basis(index * length), self._basis((index + 1) * length)
        first, high, low, last = prices
        return first + begin, high + begin, low + end, last + end

    def _plain_prices(self, level: int, index: int) -> tuple[float, float, float, float]:
        base = self._base_path.node(level, index)
        if self._is_direct:
            return base[:4]
        quote = self._quote_path.node(level, index)
        first, last = base[0] - quote[0], base[3] - quote[3]
        up = math.hypot(base[1] - max(base[0], base[3]), min(quote[0], quote[3]) - quote[2])
        down = math.hypot(min(base[0], base[3]) - base[2], quote[1] - max(quote[0], quote[3]))
        slack = 0.25 * min(base[1] - base[2], quote[1] - quote[2])
        return first, max(first, last) + up + slack, min(first, last) - down - slack, last

    def _split(self, level: int, parent: int, fan: int) -> list[_Node]:
        node = self._node(level - 1, parent)
        prices = [self._prices(level, parent * fan + i) for i in range(fan)]
        if not self._is_direct or self._basis is not None:
            prices = _fit(prices, node)
        rng = random.Random((self._seed ^ (parent * 16 + level) * 0x9E3779B97F4A7C15) & ((1 << 64) - 1))
        minutes = LEVELS_S[level] // 60
        weights = [(one[1] - one[2] + 1e-9) ** 0.7 * math.exp(rng.gauss(0.0, 0.35)) for one in prices]
        trades = _share(node[5] - _MIN_TRADES * minutes * fan, weights)
        weights = [weight * math.exp(rng.gauss(0.0, 0.45)) for weight in weights]
        steps = _share(node[4] - self._base_steps * minutes * fan, weights)
        return [
            (*prices[i], steps[i] + self._base_steps * minutes, trades[i] + _MIN_TRADES * minutes)
            for i in range(fan)
        ]

    # ---- prints ----------------------------------------------------------------------------------

    def trades_before(self, minute: int) -> int:
        """The id that the first made-up print of a minute has (a count of all prints before it)."""
        day = minute // 1440
        count = self._first_id + self._trades_before_day(day)
        position = day * 1440
        while position < minute:
            for level in range(1, MINUTE_LEVEL + 1):
                minutes = LEVELS_S[level] // 60
                if position % minutes == 0 and position + minutes <= minute:
                    count += self._node(level, position // minutes)[5]
                    position += minutes
                    break
        return count

    def _trades_before_day(self, day: int) -> int:
        if day >= ANCHOR_DAY:
            counts = self._count_forward
            while len(counts) <= day - ANCHOR_DAY:
                counts.append(counts[-1] + self._day_trades(ANCHOR_DAY + len(counts) - 1))
            return counts[day - ANCHOR_DAY]
        counts = self._count_backward
        while len(counts) <= ANCHOR_DAY - day:
            counts.append(counts[-1] - self._day_trades(ANCHOR_DAY - len(counts)))
        return counts[ANCHOR_DAY - day]

    def minute(self, minute: int) -> Candle:
        """One minute's bar."""
        return self._as_candle(self._node(MINUTE_LEVEL, minute))

    def minute_prints(self, minute: int, candle: Candle | None = None) -> list[RawPrint]:
        """The prints inside a minute, oldest first; they add up to its bar exactly.

        ``candle`` stands in for a minute of which only the bar was kept.
        """
        bar = candle if candle is not None else self.minute(minute)
        if not bar.trades or not bar.steps:
            return []
        rng = random.Random((self._seed ^ (minute * 16 + 15) * 0x9E3779B97F4A7C15) & ((1 << 64) - 1))
        prices = _walk(bar, rng)
        weights = [math.exp(rng.gauss(0.0, 1.1)) for _ in prices]
        sizes = [size + 1 for size in _share(bar.steps - len(prices), weights)]
        times = sorted(rng.randrange(_MINUTE_NS) for _ in prices)
        found = []
        before = bar.open
        side = Side.BUY if bar.close >= bar.open else Side.SELL
        for ticks, steps, offset in zip(prices, sizes, times, strict=True):
            if ticks != before and rng.random() < 0.85:
                side = Side.BUY if ticks > before else Side.SELL
            elif rng.random() < 0.2:
                side = side.opposite
            before = ticks
            found.append(RawPrint(ticks, steps, side, rng.random() < 0.55, minute * _MINUTE_NS + offset))
        return found

    def trades(self, since_ns: int, count: int, end_ns: int) -> list[Print]:
        """Up to ``count`` prints after ``since_ns`` and before ``end_ns``, oldest first."""
        found: list[Print] = []
        minute = max(since_ns // _MINUTE_NS, FIRST_DAY * 1440 + 1440)
        trade_id = self.trades_before(minute)
        while len(found) < count and minute * _MINUTE_NS < end_ns:
            for raw in self.minute_prints(minute):
                if since_ns < raw.ts_ns < end_ns and len(found) < count:
                    found.append(self.to_print(raw, trade_id))
                trade_id += 1
            minute += 1
        return found

    def to_print(self, raw: RawPrint, trade_id: int) -> Print:
        """With its id and exact decimals."""
        return Print(
            trade_id,
            self.grid.price(raw.ticks),
            self.grid.quantity(raw.steps),
            raw.side,
            raw.is_limit,
            raw.ts_ns,
        )


def _share(total: int, weights: list[float]) -> list[int]:
    """Split a whole number by weight, without remainder."""
    if total <= 0:
        return [0] * len(weights)
    whole = sum(weights)
    found = []
    running = 0.0
    given = 0
    for weight in weights[:-1]:
        running += weight
        upto = min(total, int(total * (running / whole)))
        found.append(upto - given)
        given = upto
    found.append(total - given)
    return found


def _fit(
    prices: list[tuple[float, float, float, float]], parent: _Node
) -> list[tuple[float, float, float, float]]:
    """Make the parts of a cross pair agree with the whole: same ends, same extremes, no gaps."""
    first, high, low, last = parent[:4]
    points = [first]
    points.extend(fold(one[3], low, high) for one in prices[:-1])
    points.append(last)
    highs, lows = [], []
    for i, (was_first, was_high, was_low, was_last) in enumerate(prices):
        a, b = points[i], points[i + 1]
        highs.append(min(high, max(a, b) + was_high - max(was_first, was_last)))
        lows.append(max(low, min(a, b) - (min(was_first, was_last) - was_low)))
    highs[max(range(len(highs)), key=highs.__getitem__)] = high
    lows[min(range(len(lows)), key=lows.__getitem__)] = low
    return [(points[i], highs[i], lows[i], points[i + 1]) for i in range(len(prices))]


def _walk(bar: Candle, rng: random.Random) -> list[int]:
    """Prices of a minute's prints: open first, close last, high and low on the way."""
    if bar.trades == 1:
        return [bar.close]
    inner = bar.trades - 2
    prices: list[int] = []
    for i in range(inner):
        straight = bar.open + (bar.close - bar.open) * (i + 1) / (inner + 1)
        noisy = straight + rng.gauss(0.0, 0.22) * (bar.high - bar.low)
        prices.append(min(bar.high, max(bar.low, round(noisy))))
    if inner >= 2:
        top, bottom = rng.sample(range(inner), 2)
        prices[top], prices[bottom] = bar.high, bar.low
    elif inner == 1:
        extreme = bar.high if bar.high > max(bar.open, bar.close) else bar.low
        prices[0] = extreme
    return [bar.open, *prices, bar.close]
