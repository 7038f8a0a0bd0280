"""One hidden price per asset, against the US dollar, from which every practice venue quotes.

A path is a tree: days follow one another as a mean-reverting walk with changing volatility; each day is
split into four-hour parts, those into hours, and so on down to two seconds, each split a bridge that keeps
its parent's open, high, low and close. Any moment of any year is found by walking down a few levels, and
nothing but the seed decides it. The price of a pair is the ratio of its assets, so venues agree.

Floats on purpose: this is the generator's own world; prices become exact when an order is made of them.
"""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass
from typing import Final

LEVELS_S: Final = (86_400, 14_400, 3_600, 1_800, 900, 300, 60, 10, 2)
"""Lengths of the tree's nodes; each divides the one before it."""

DAY_S: Final = 86_400
ANCHOR_DAY: Final = 20_454
"""2026-01-01, days since 1970: where every path stands at its asset's start price."""

_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_CACHE_LIMIT: Final = 6_000
"""Splits kept: some 12 MB a path at most, which half a day of a lived market fills."""
_NS: Final = 1_000_000_000

Node = tuple[float, float, float, float, float]
"""Open, high, low, close (logs of USD) and volatility of a day at this node's liveliness."""


@dataclass(frozen=True, slots=True)
class AssetModel:
    """How an asset's hidden price behaves."""

    start: float
    """USD, around which it wanders."""
    volatility: float
    """Standard deviation of a day's log return."""
    half_life_days: float = 150.0
    """Of the pull back towards the start price."""
    factor: str = ""
    """The common driver it moves with."""
    share: float = 0.0
    """How much of its variance the driver explains."""


# fmt: off
ASSETS: Final[dict[str, AssetModel]] = {
    "BTC": AssetModel(92_400, 0.026, factor="crypto", share=0.85),
    "ETH": AssetModel(3_150, 0.034, factor="crypto", share=0.72),
    "SOL": AssetModel(142, 0.042, factor="crypto", share=0.62),
    "XRP": AssetModel(2.14, 0.040, factor="crypto", share=0.55),
    "ADA": AssetModel(0.43, 0.044, factor="crypto", share=0.6),
    "DOGE": AssetModel(0.147, 0.046, factor="crypto", share=0.6),
    "LTC": AssetModel(84, 0.036, factor="crypto", share=0.6),
    "LINK": AssetModel(13.4, 0.043, factor="crypto", share=0.65),
    "DOT": AssetModel(2.18, 0.045, factor="crypto", share=0.6),
    "AVAX": AssetModel(14.2, 0.047, factor="crypto", share=0.6),
    "BNB": AssetModel(880, 0.030, factor="crypto", share=0.6),
    "TRX": AssetModel(0.28, 0.024, factor="crypto", share=0.4),
    "USDT": AssetModel(1.0002, 0.0004, half_life_days=3),
    "USDC": AssetModel(1.0, 0.0003, half_life_days=3),
    "EUR": AssetModel(1.165, 0.0045, half_life_days=500, factor="dollar", share=0.75),
    "GBP": AssetModel(1.335, 0.0050, half_life_days=500, factor="dollar", share=0.65),
    "CHF": AssetModel(1.255, 0.0048, half_life_days=500, factor="dollar", share=0.6),
    "JPY": AssetModel(1 / 155.0, 0.0055, half_life_days=500, factor="dollar", share=0.4),
    "AUD": AssetModel(0.66, 0.0058, half_life_days=500, factor="dollar", share=0.5),
    "NZD": AssetModel(0.58, 0.0060, half_life_days=500, factor="dollar", share=0.5),
    "CAD": AssetModel(0.72, 0.0042, half_life_days=500, factor="dollar", share=0.5),
    "XAU": AssetModel(4_200, 0.0100, half_life_days=900, factor="dollar", share=0.2),
    "XAG": AssetModel(55, 0.0170, half_life_days=900, factor="dollar", share=0.2),
    "OIL": AssetModel(63, 0.0190, half_life_days=500),
    "US500": AssetModel(6_850, 0.0095, half_life_days=1500, factor="shares", share=0.9),
    "NAS100": AssetModel(25_400, 0.0125, half_life_days=1500, factor="shares", share=0.85),
    "US30": AssetModel(48_000, 0.0090, half_life_days=1500, factor="shares", share=0.85),
    "GER40": AssetModel(28_000, 0.0105, half_life_days=1500, factor="shares", share=0.6),
    "UK100": AssetModel(12_900, 0.0085, half_life_days=1500, factor="shares", share=0.55),
    "JP225": AssetModel(320, 0.0120, half_life_days=1500, factor="shares", share=0.5),
}
# fmt: on
"""What has a hidden price. The dollar is the measure: its own is always 1. Indices are in dollars a point."""


def seed_number(*parts: object) -> int:
    """A 64-bit number that only the parts decide, the same in every process."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def uniform(base: int, index: int) -> float:
    """The ``index``-th number of an endless fixed sequence in [0, 1), found without the ones before it."""
    x = (base + index * _GOLDEN) & _MASK
    x ^= x >> 30
    x = (x * 0xBF58476D1CE4E5B9) & _MASK
    x ^= x >> 27
    x = (x * 0x94D049BB133111EB) & _MASK
    x ^= x >> 31
    return (x >> 11) * 2.0**-53


def bridge_high(first: float, last: float, sigma: float, u: float) -> float:
    """The highest point of a random bridge between two values: ``u`` in [0, 1) picks the quantile."""
    return 0.5 * (first + last + math.sqrt((first - last) ** 2 - 2.0 * sigma * sigma * math.log(1.0 - u)))


def fold(x: float, low: float, high: float) -> float:
    """Reflect a value into the range."""
    if x > high:
        x = 2.0 * high - x
    elif x < low:
        x = 2.0 * low - x
    return low if x < low else high if x > high else x


def _activity(second_of_day: int) -> float:
    """How lively an hour is: quiet before Europe wakes, most alive when America opens."""
    hour = second_of_day / 3600.0
    return (
        1.0 + 0.28 * math.sin((hour - 9.0) * math.pi / 12.0) + 0.10 * math.sin((hour - 13.0) * math.pi / 4.0)
    )


class _Shocks:
    """A driver's daily shocks, forwards and backwards from the anchor."""

    def __init__(self, seed: int, name: str) -> None:
        self._rngs = (
            random.Random(seed_number(seed, "driver", name, "forward")),
            random.Random(seed_number(seed, "driver", name, "backward")),
        )
        self._drawn: tuple[list[float], list[float]] = ([], [])

    def shock(self, direction: int, step: int) -> float:
        drawn, rng = self._drawn[direction], self._rngs[direction]
        while len(drawn) <= step:
            drawn.append(rng.gauss(0.0, 1.0))
        return drawn[step]


class AssetPath:
    """The hidden log price of one asset at any time."""

    def __init__(self, seed: int, asset: str, model: AssetModel, driver: _Shocks | None) -> None:
        self.asset = asset
        self._base = seed_number(seed, "path", asset)
        self._driver = driver
        self._share = model.share if driver is not None else 0.0
        self._volatility = model.volatility
        self._pull = math.log(2.0) / model.half_life_days
        self._start = math.log(model.start)
        self._rngs = (
            random.Random(seed_number(seed, "days", asset, "forward")),
            random.Random(seed_number(seed, "days", asset, "backward")),
        )
        # Distance from the start at day boundaries, and the volatility of the day between two of them.
        self._walk: tuple[list[float], list[float]] = ([0.0], [0.0])
        self._calm: tuple[list[float], list[float]] = ([], [])
        self._mood = [0.0, 0.0]
        self._children: dict[tuple[int, int], list[Node]] = {}
        self._leaf = (0, 0, 0.0, 0.0)

    def _extend(self, direction: int, steps: int) -> None:
        walk, calm, rng = self._walk[direction], self._calm[direction], self._rngs[direction]
        own = math.sqrt(1.0 - self._share)
        common = math.sqrt(self._share)
        while len(walk) <= steps:
            mood = 0.965 * self._mood[direction] + rng.gauss(0.0, 0.11)
            self._mood[direction] = mood
            sigma = self._volatility * math.exp(mood - 0.09)
            shock = own * rng.gauss(0.0, 1.0)
            if self._driver is not None:
                shock += common * self._driver.shock(direction, len(walk) - 1)
            if rng.random() < 0.03:
                shock *= 2.2  # a day of news
            walk.append(walk[-1] * (1.0 - self._pull) + sigma * shock)
            calm.append(sigma)

    def day_open(self, day: int) -> float:
        """Log price at the start of a day (days since 1970)."""
        steps = day - ANCHOR_DAY
        direction = 0 if steps >= 0 else 1
        steps = abs(steps)
        if len(self._walk[direction]) <= steps:
            self._extend(direction, steps + 32)
        return self._start + self._walk[direction][steps]

    def _day_sigma(self, day: int) -> float:
        steps = day - ANCHOR_DAY
        if steps >= 0:
            self.day_open(day + 1)
            return self._calm[0][steps]
        self.day_open(day)
        return self._calm[1][-steps - 1]

    def day(self, day: int) -> Node:
        """A whole day."""
        first, last, sigma = self.day_open(day), self.day_open(day + 1), self._day_sigma(day)
        high = bridge_high(first, last, sigma, uniform(self._base, 2 * day))
        low = -bridge_high(-first, -last, sigma, uniform(self._base, 2 * day + 1))
        return first, high, low, last, sigma

    def node(self, level: int, index: int) -> Node:
        """The ``index``-th node (since 1970) of ``LEVELS_S[level]`` seconds."""
        if level == 0:
            return self.day(index)
        fan = LEVELS_S[level - 1] // LEVELS_S[level]
        parent = index // fan
        children = self._children.get((level, parent))
        if children is None:
            children = self._split(level, parent, self.node(level - 1, parent), fan)
            if len(self._children) >= _CACHE_LIMIT:
                self._children.clear()
            self._children[(level, parent)] = children
        return children[index - parent * fan]

    def _split(self, level: int, parent: int, node: Node, fan: int) -> list[Node]:
        first, high, low, last, day_sigma = node
        child_s = LEVELS_S[level]
        rng = random.Random((self._base ^ (parent * 16 + level) * _GOLDEN) & _MASK)
        gauss, rand = rng.gauss, rng.random
        scale = math.sqrt(child_s / DAY_S)
        spread = 0.25 if child_s >= 300 else 0.12
        sigmas = [day_sigma * math.exp(gauss(0.0, spread) - spread * spread) for _ in range(fan)]
        if child_s in (14_400, 3_600):
            start = parent * fan * child_s
            sigmas = [s * _activity((start + i * child_s) % DAY_S) for i, s in enumerate(sigmas)]
        steps = [gauss(0.0, s) * scale for s in sigmas]
        variance = sum(s * s for s in sigmas) or 1.0
        missing = last - first - sum(steps)
        points = [first]
        x = first
        for step, s in zip(steps, sigmas, strict=True):
            x += step + missing * s * s / variance
            points.append(fold(x, low, high))
        points[-1] = last
        typical = day_sigma * scale
        if fan > 2:
            # A path that stays far from its parent's extreme would show it as one lonely spike.
            top = max(range(1, fan), key=points.__getitem__)
            bottom = min(range(1, fan), key=points.__getitem__)
            if high - max(points) > 1.2 * typical:
                points[top] = high - 0.6 * typical * rand()
            if min(points) - low > 1.2 * typical and bottom != top:
                points[bottom] = low + 0.6 * typical * rand()
        highs = []
        lows = []
        for i in range(fan):
            a, b, s = points[i], points[i + 1], sigmas[i] * scale
            highs.append(min(high, bridge_high(a, b, s, rand())))
            lows.append(max(low, -bridge_high(-a, -b, s, rand())))
        highs[max(range(fan), key=highs.__getitem__)] = high
        lows[min(range(fan), key=lows.__getitem__)] = low
        return [(points[i], highs[i], lows[i], points[i + 1], sigmas[i]) for i in range(fan)]

    def log_price(self, t_ns: int) -> float:
        """Log of the price in USD at a moment (nanoseconds UTC)."""
        begin, end, first, last = self._leaf
        if not begin <= t_ns < end:
            length = LEVELS_S[-1] * _NS
            index = t_ns // length
            first, _, _, last, _ = self.node(len(LEVELS_S) - 1, index)
            begin, end = index * length, (index + 1) * length
            self._leaf = begin, end, first, last
        return first + (last - first) * ((t_ns - begin) / (end - begin))


class _Dollar(AssetPath):
    """The measure itself."""

    _FLAT: Final[Node] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __init__(self) -> None:
        super().__init__(0, "USD", AssetModel(1.0, 0.0), None)

    def day_open(self, day: int) -> float:
        return 0.0

    def day(self, day: int) -> Node:
        return self._FLAT

    def node(self, level: int, index: int) -> Node:
        return self._FLAT

    def log_price(self, t_ns: int) -> float:
        return 0.0


class LatentPrices:
    """The hidden prices of a practice world.

    ``shift`` moves an asset from a moment on (a test's shock); a shift is part of the run, not of the seed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._drivers: dict[str, _Shocks] = {}
        self._paths: dict[str, AssetPath] = {"USD": _Dollar()}
        self._shifts: dict[str, float] = {}

    @property
    def assets(self) -> tuple[str, ...]:
        """Everything that has a price here, the dollar included."""
        return ("USD", *ASSETS)

    def path(self, asset: str) -> AssetPath:
        """The tree of one asset.

        Raises:
            KeyError: nobody has told how that asset behaves.
        """
        found = self._paths.get(asset)
        if found is None:
            model = ASSETS[asset]
            driver = None
            if model.factor:
                driver = self._drivers.get(model.factor)
                if driver is None:
                    driver = self._drivers[model.factor] = _Shocks(self.seed, model.factor)
            found = self._paths[asset] = AssetPath(self.seed, asset, model, driver)
        return found

    def price(self, asset: str, t_ns: int) -> float:
        """USD for one unit of the asset at a moment (nanoseconds UTC)."""
        return math.exp(self.path(asset).log_price(t_ns) + self._shifts.get(asset, 0.0))

    def pair_price(self, base: str, quote: str, t_ns: int) -> float:
        """Quote units for one unit of base."""
        log_price = self.path(base).log_price(t_ns) - self.path(quote).log_price(t_ns)
        if self._shifts:
            log_price += self._shifts.get(base, 0.0) - self._shifts.get(quote, 0.0)
        return math.exp(log_price)

    def shift(self, asset: str, percent: float) -> None:
        """Move an asset's price by so many per cent from now on."""
        self._shifts[asset] = self._shifts.get(asset, 0.0) + math.log1p(percent / 100.0)

    @property
    def shifts(self) -> dict[str, float]:
        """Log shifts in force, to be kept over a restart."""
        return dict(self._shifts)

    def restore_shifts(self, shifts: dict[str, float]) -> None:
        self._shifts = dict(shifts)
