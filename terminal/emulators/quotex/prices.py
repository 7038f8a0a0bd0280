"""Prices of the practice Quotex at any time, past or present: one function of the seed.

Two seconds have four ticks that visit the open, the extremes and the close of the hidden price's node, so
candles of any length, made from the nodes alone, agree with what was quoted. An asset with an outside market
lies a few points off the hidden price, by a bias that changes every four hours.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

from terminal.emulators.ctrader.hours import Timeline
from terminal.emulators.ctrader.prices import PriceBar, Shifts, SymbolPrices
from terminal.emulators.market.latent import AssetModel, AssetPath, LatentPrices, seed_number, uniform
from terminal.emulators.market.store import Store
from terminal.emulators.quotex.assets import Asset

_LEAF_MS: Final = 2_000
_BIAS_MINUTES: Final = 240
TICKS_PER_S: Final = 2
_PINS_KEY: Final = "quotex:pins"


class Tick(NamedTuple):
    """A price."""

    ms: int
    """Since 1970, UTC."""
    points: int
    """10^-digits."""


class Candle(NamedTuple):
    """A bar, points."""

    start_s: int
    open: int
    high: int
    low: int
    close: int
    ticks: int


class OtcPaths(LatentPrices):
    """The hidden prices that the venue alone has."""

    def __init__(self, seed: int, models: dict[str, AssetModel]) -> None:
        super().__init__(seed)
        self._models = models

    def path(self, asset: str) -> AssetPath:
        """The tree of one asset, or of the dollar that it is counted in."""
        model = self._models.get(asset)
        if model is None:
            return super().path(asset)
        found = self._paths.get(asset)
        if found is None:
            found = self._paths[asset] = AssetPath(self.seed, asset, model, None)
        return found


class Pins:
    """Prices that a rehearsal holds in place, and since when; kept, so that what expires later is settled by
    them after a restart too."""

    def __init__(self, store: Store) -> None:
        self._store = store
        kept = store.get(_PINS_KEY, {})
        self._rows: dict[str, list[tuple[int, int | None]]] = {
            symbol: [(int(ms), points) for ms, points in rows] for symbol, rows in kept.items()
        }

    def set(self, symbol: str, ms: int, points: int | None) -> None:
        """Hold a price from a moment on; None lets it go."""
        rows = [row for row in self._rows.get(symbol, []) if row[0] < ms]
        rows.append((ms, points))
        self._rows[symbol] = rows
        self._store.put(_PINS_KEY, self._rows)

    def at(self, symbol: str, ms: int) -> int | None:
        """The price that was held at a moment."""
        rows = self._rows.get(symbol)
        if not rows:
            return None
        place = bisect.bisect_right(rows, ms, key=lambda row: row[0])
        return rows[place - 1][1] if place else None

    def held(self, first_ms: int, end_ms: int, symbol: str) -> list[int]:
        """Prices that were held at some moment of [first, end)."""
        rows = self._rows.get(symbol)
        if not rows:
            return []
        ends = [row[0] for row in rows[1:]] + [1 << 62]
        return [
            points
            for (start, points), end in zip(rows, ends, strict=True)
            if points is not None and start < end_ms and end > first_ms
        ]

    @property
    def symbols(self) -> list[str]:
        """Where one is held now."""
        return [symbol for symbol, rows in self._rows.items() if rows[-1][1] is not None]


class AssetPrices:
    """One asset's ticks and candles.

    Args:
        timeline: its hours, with what a rehearsal made of them.
        extra: how many ticks more there are between two of the past's.
    """

    def __init__(
        self,
        asset: Asset,
        latents: LatentPrices,
        shifts: Shifts,
        timeline: Timeline,
        pins: Pins,
        extra: Callable[[], int],
    ) -> None:
        self.asset = asset
        self.timeline = timeline
        self._hidden = SymbolPrices(asset.spec, latents, shifts, timeline)
        self._pins = pins
        self._extra = extra
        self._seed = seed_number(latents.seed, "quotex", asset.symbol)

    def price(self, points: int) -> Decimal:
        """So many points as a price, with the asset's own number of decimals."""
        return Decimal(points).scaleb(-self.asset.spec.digits)

    def forget(self) -> None:
        """Look everything up anew: prices were moved."""
        self._hidden.forget()

    def _bias(self, minute: int) -> int:
        most = self.asset.bias_points
        return round((2 * uniform(self._seed, minute // _BIAS_MINUTES) - 1) * most) if most else 0

    # ---- ticks -----------------------------------------------------------------------------------

    def _leaf(self, index: int) -> list[Tick]:
        """The ticks of the ``index``-th two seconds since 1970."""
        bias = self._bias(index * 2 // 60)
        found = [Tick(one.ms, max(1, one.bid + bias)) for one in self._hidden.leaf(index)]
        extra = self._extra()
        if not extra:
            return found
        # Within the extremes, so that candles stay what they are.
        low, high = min(one.points for one in found), max(one.points for one in found)
        many: list[Tick] = []
        for place, tick in enumerate(found):
            end = found[place + 1].ms if place + 1 < len(found) else (index + 1) * _LEAF_MS
            many.append(tick)
            for step in range(1, extra + 1):
                ms = tick.ms + (end - tick.ms) * step // (extra + 1)
                if ms >= end or place + 1 == len(found):
                    continue
                u = uniform(self._seed ^ ms, step)
                many.append(Tick(ms, min(high, max(low, tick.points + int(u * 3) - 1))))
        return many

    def ticks_between(self, first_ms: int, last_ms: int) -> list[Tick]:
        """The ticks after ``first_ms`` up to and including ``last_ms``, oldest first, in open hours only."""
        found: list[Tick] = []
        for a, b in self.timeline.spans(first_ms // 60_000, last_ms // 60_000 + 1):
            for index in range(max(first_ms // _LEAF_MS, a * 30), min(last_ms // _LEAF_MS + 1, b * 30)):
                for tick in self._leaf(index):
                    if first_ms < tick.ms <= last_ms:
                        held = self._pins.at(self.asset.symbol, tick.ms)
                        found.append(tick if held is None else Tick(tick.ms, held))
        return found

    def told_ms(self, ms: int) -> int:
        """The moment itself; while the asset is closed the end of the last minute in which it was open, from
        which its price is."""
        if self.timeline.is_open(ms // 60_000):
            return ms
        minute = self.timeline.last_open_before(ms // 60_000)
        return ms if minute is None else (minute + 1) * 60_000 - 1

    def at(self, ms: int) -> int:
        """The last price of a moment, points: what a deal that expires then is settled by."""
        held = self._pins.at(self.asset.symbol, ms)
        if held is not None:
            return held
        ms = self.told_ms(ms)
        index = ms // _LEAF_MS
        before = [tick for tick in self._leaf(index) if tick.ms <= ms]
        tick = before[-1] if before else self._leaf(index - 1)[-1]
        held = self._pins.at(self.asset.symbol, tick.ms)
        return tick.points if held is None else held

    # ---- candles ---------------------------------------------------------------------------------

    def candles(self, period_s: int, before_ms: int, first_ms: int, count: int, now_ms: int) -> list[Candle]:
        """The last ``count`` candles that begin before ``before_ms`` and not before ``first_ms``, newest
        first. Stretches in which the asset was closed have none."""
        found: list[Candle] = []
        length = period_s * 1000
        start = (min(before_ms, now_ms + 1) - 1) // length * length
        while start >= first_ms and len(found) < count:
            candle = self.candle(period_s, start // 1000, now_ms)
            if candle is not None:
                found.append(candle)
                start -= length
                continue
            # Its own minute may be open all the same: the youngest candle has no tick at its very beginning.
            minute = self.timeline.last_open_before(start // 60_000 + 1)
            if minute is None:
                break
            start = min(start - length, ((minute + 1) * 60_000 - 1) // length * length)
        return found

    def candle(self, period_s: int, start_s: int, now_ms: int) -> Candle | None:
        """One candle as far as it has come; None where nothing was quoted."""
        end_ms = min((start_s + period_s) * 1000 - 1, now_ms)
        found = (
            self._from_ticks(start_s, end_ms)
            if period_s % 60
            else self._from_tree(start_s // 60, (start_s + period_s) // 60, now_ms)
        )
        if found is None:
            return None
        # What was held is among the candle's prices, beside those that the node would have had.
        held = self._pins.held(start_s * 1000, end_ms, self.asset.symbol)
        high, low, close = max(found[1], *held, 0), min(found[2], *held, found[1]), found[3]
        last = self._pins.at(self.asset.symbol, end_ms)
        ticks = max(1, (end_ms + 1 - start_s * 1000) * TICKS_PER_S // 1000)
        return Candle(start_s, found[0], high, low, close if last is None else last, ticks)

    def _from_ticks(self, start_s: int, end_ms: int) -> tuple[int, int, int, int] | None:
        points = [tick.points for tick in self.ticks_between(start_s * 1000 - 1, end_ms)]
        return (points[0], max(points), min(points), points[-1]) if points else None

    def _from_tree(self, first: int, end: int, now_ms: int) -> tuple[int, int, int, int] | None:
        found: tuple[int, int, int, int] | None = None
        minute = first
        while minute < end:
            until = min(end, (minute // _BIAS_MINUTES + 1) * _BIAS_MINUTES)
            bar = self._hidden.bar(minute, until, now_ms)
            if bar is not None:
                found = _joined(found, bar, self._bias(minute))
            minute = until
        return found


def _joined(one: tuple[int, int, int, int] | None, bar: PriceBar, bias: int) -> tuple[int, int, int, int]:
    first, high, low, last = (max(1, each + bias) for each in (bar.open, bar.high, bar.low, bar.close))
    if one is None:
        return first, high, low, last
    return one[0], max(one[1], high), min(one[2], low), last
