"""Where bars and prices stand in a chart's plot, and which of them its axes name. No Qt.

The x axis counts bars, not time: a weekend without trades takes no room.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from terminal.viewmodels.chart_bars import Floats, Times

MIN_SPACING: Final = 0.5
MAX_SPACING: Final = 64.0
_LEGIBLE_SPACING: Final = 4.0
# How much of the plot may be left without bars at either end.
_EMPTY_RIGHT: Final = 0.7
_EMPTY_LEFT: Final = 0.5
# How much of it may be given to what is to come.
_ROOM_AHEAD: Final = 0.5
_MARGIN_PX: Final = 44
DAY_S: Final = 86_400
_MINUTE_S: Final = 60


class Viewport:
    """Which bars are in sight. Bar ``i`` has its middle at ``x_of(i)``.

    Attributes:
        width: of the plot in pixels.
        spacing: pixels from one bar to the next.
        right: the (fractional) bar at the right edge.
    """

    def __init__(self, width: float = 800.0, spacing: float = 6.0) -> None:
        self.width = width
        self.spacing = spacing
        self.right = 0.0
        self._count = 0

    def show_latest(self, count: int, *, bars: int | None = None, until: float | None = None) -> None:
        """Put the last of ``count`` bars near the right edge; ``bars``: show about so many.

        ``until``: a (fractional) bar to come that shall be in sight too, where half of the plot has room for
        what is before it.
        """
        self._count = count
        if bars is not None:
            self.spacing = min(max(_LEGIBLE_SPACING, round(self.width / bars)), MAX_SPACING)
        self.right = count - 1 + _MARGIN_PX / self.spacing
        if until is not None and until - (count - 1) <= self.visible * _ROOM_AHEAD:
            self.right = max(self.right, until + _MARGIN_PX / self.spacing)

    def set_width(self, width: float) -> None:
        """The plot has another width; what is at its right edge stays there."""
        self.width = max(1.0, width)

    @property
    def follows(self) -> bool:
        """The last bar is in sight, so that new ones move the others to the left."""
        return self.right >= self._count - 1

    @property
    def first(self) -> int:
        """The leftmost bar that is at least partly in sight."""
        return max(0, math.floor(self.right - self.width / self.spacing + 0.5))

    @property
    def stop(self) -> int:
        """One past the rightmost bar that is at least partly in sight."""
        return max(0, min(self._count, math.floor(self.right + 0.5) + 1))

    @property
    def visible(self) -> float:
        """How many bars fit."""
        return self.width / self.spacing

    def x_of(self, index: float) -> float:
        """Pixels from the plot's left edge to the middle of a bar."""
        return self.width + (index - self.right) * self.spacing

    def index_at(self, x: float) -> float:
        """The (fractional) bar at so many pixels from the plot's left edge."""
        return self.right + (x - self.width) / self.spacing

    def appended(self, count: int) -> None:
        """``count`` new bars came at the end: move with them if the last one was in sight."""
        if self.follows:
            self.right += count
        self._count += count

    def prepended(self, count: int) -> None:
        """``count`` older bars came in front: stay where one looks."""
        self.right += count
        self._count += count

    def pan(self, pixels: float) -> None:
        """Drag the bars to the right by so many pixels."""
        self.right -= pixels / self.spacing
        self._clamp()

    def zoom(self, factor: float, x: float) -> None:
        """Spread the bars by a factor around the one at ``x``, which stays under the pointer."""
        index = self.index_at(x)
        self.spacing = min(max(self.spacing * factor, MIN_SPACING), MAX_SPACING)
        self.right = index + (self.width - x) / self.spacing
        self._clamp()

    def _clamp(self) -> None:
        shown = self.visible
        most = self._count - 1 + shown * _EMPTY_RIGHT
        # A few bars more than fit stay reachable, so that the end of the history can be seen.
        least = min(shown * (1 - _EMPTY_LEFT), max(0.0, self._count - 1.0))
        self.right = min(max(self.right, least), max(most, least))


class PriceScale:
    """Which prices are in sight, fitted to the visible bars unless a person has set it.

    Attributes:
        low, high: at the bottom and the top of the plot.
        auto: fitted to the visible bars.
    """

    _ROOM_ABOVE: Final = 0.10
    _ROOM_BELOW: Final = 0.06

    def __init__(self) -> None:
        self.low, self.high = 0.0, 1.0
        self.auto = True

    def fit(self, low: float, high: float, tick_size: float) -> None:
        """Show these prices with some room around; a market that stands still gets some too."""
        span = high - low
        if span <= 0:
            span = max(tick_size * 20, abs(high) * 1e-4)
            low, high = low - span / 2, high + span / 2
        self.low = low - span * self._ROOM_BELOW
        self.high = high + span * self._ROOM_ABOVE

    def y_of(self, price: float, height: float) -> float:
        """Pixels from the plot's top to a price."""
        return (self.high - price) / (self.high - self.low) * height

    def price_at(self, y: float, height: float) -> float:
        """The price so many pixels below the plot's top."""
        return self.high - y / max(1.0, height) * (self.high - self.low)

    def stretch(self, factor: float) -> None:
        """Show ``factor`` times as much around the middle; from now on set by hand."""
        middle, half = (self.high + self.low) / 2, (self.high - self.low) / 2 * factor
        if 1e-12 < half < 1e12:
            self.low, self.high, self.auto = middle - half, middle + half, False

    def pan(self, pixels: float, height: float) -> None:
        """Drag the prices down by so many pixels; only while set by hand."""
        if not self.auto:
            move = pixels / max(1.0, height) * (self.high - self.low)
            self.low, self.high = self.low + move, self.high + move


def price_ticks(low: float, high: float, height: float, tick_size: Decimal, apart_px: float) -> list[Decimal]:
    """Round prices (1, 2 or 5 times a power of ten, never finer than the tick) at least so far apart."""
    if not (high > low and height > 0):
        return []
    least = (high - low) * apart_px / height
    power = math.floor(math.log10(least)) if least > 0 else 0
    step = next(
        (
            Decimal(each).scaleb(power)
            for each in (1, 2, 5, 10)
            if float(Decimal(each).scaleb(power)) >= least * 0.999
        ),
        Decimal(10).scaleb(power),
    )
    if step < tick_size:
        step = tick_size
    elif step % tick_size:
        # Ticks that are no power of ten (0.25, 0.005): the next multiple of the tick.
        step = (step // tick_size + 1) * tick_size
    size = float(step)
    return [step * count for count in range(math.ceil(low / size), math.floor(high / size) + 1)]


# -- time ---------------------------------------------------------------------------------------------


class TimeTick(NamedTuple):
    """A bar that the time axis names."""

    bar: int
    text: str
    level: int
    """0 a time of day, 1 a day, 2 a month, 3 a year."""


@dataclass(frozen=True, slots=True)
class _Step:
    seconds: int
    months: int = 0


_STEPS: Final = (
    *(
        _Step(s)
        for s in (5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200, DAY_S, 2 * DAY_S, 7 * DAY_S)
    ),
    *(_Step(months * 2_629_800, months) for months in (1, 3, 6, 12, 24, 60, 120)),
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class LocalTime:
    """Seconds of the wall clock for many stamps at once. Offsets are looked up once a day and remembered."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self.zone = zone
        self._offsets: dict[int, int] = {}

    def seconds(self, times_ns: Times) -> NDArray[np.int64]:
        """Local seconds since 1970 of stamps in UTC nanoseconds."""
        utc = times_ns // 1_000_000_000
        if self.zone is UTC:
            return utc
        # An offset changes at a full hour at most twice a year: an hour is fine enough.
        hours, where = np.unique(utc // 3600, return_inverse=True)
        offsets = np.array([self._offset(hour) for hour in hours.tolist()], np.int64)
        return utc + offsets[where]

    def _offset(self, hour: int) -> int:
        found = self._offsets.get(hour)
        if found is None:
            moment = datetime.fromtimestamp(hour * 3600, tz=UTC).astimezone(self.zone)
            shift = moment.utcoffset()
            found = self._offsets[hour] = round(shift.total_seconds()) if shift is not None else 0
        return found


def step_for(interval_s: int, spacing: float, apart_px: float) -> _Step:
    """The finest step of the time axis whose labels stand at least ``apart_px`` apart."""
    for step in _STEPS:
        if step.seconds >= interval_s and step.seconds / interval_s * spacing >= apart_px:
            return step
    return _STEPS[-1]


def time_ticks(
    local_s: NDArray[np.int64],
    first: int,
    step: _Step,
    x_of: Callable[[int], float],
    width_of: Callable[[str], int],
    gap_px: float,
) -> list[TimeTick]:
    """The bars to name, left to right; their labels never overlap.

    ``local_s`` are the wall-clock seconds of bars ``first``, ``first + 1``, ...; the first of them is only
    compared with. Which bars are named depends on the zoom alone, so that labels do not flicker in a drag;
    where two are too close, a year goes before a month, a month before a day, a day before a time.
    """
    if len(local_s) < 2:
        return []
    days = local_s // DAY_S
    months = local_s.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    if step.months:
        bucket = months // step.months
    elif step.seconds >= 7 * DAY_S:
        bucket = (days + 3) // 7  # 1970 began on a Thursday; weeks begin on Monday
    else:
        bucket = local_s // step.seconds
    found = []
    for at in (np.flatnonzero(np.diff(bucket)) + 1).tolist():
        month = int(months[at])
        if month // 12 != int(months[at - 1]) // 12:
            found.append(TimeTick(first + at, str(1970 + month // 12), 3))
        elif month != int(months[at - 1]):
            found.append(TimeTick(first + at, _MONTHS[month % 12], 2))
        elif days[at] != days[at - 1]:
            day = int(days[at].astype("datetime64[D]").astype(object).day)
            found.append(TimeTick(first + at, f"{day} {_MONTHS[month % 12]}", 1))
        else:
            minute, second = divmod(int(local_s[at] % DAY_S), 60)
            text = f"{minute // 60:02}:{minute % 60:02}"
            # Also a full minute has them among such steps, so that the labels stand evenly.
            text += f":{second:02}" if step.seconds < _MINUTE_S else ""
            found.append(TimeTick(first + at, text, 0))
    return _without_overlaps(found, x_of, width_of, gap_px)


def _without_overlaps(
    ticks: list[TimeTick], x_of: Callable[[int], float], width_of: Callable[[str], int], gap_px: float
) -> list[TimeTick]:
    taken: list[tuple[float, float]] = []
    kept = []
    for tick in sorted(ticks, key=lambda each: (-each.level, each.bar)):
        half = width_of(tick.text) / 2 + gap_px / 2
        middle = x_of(tick.bar)
        if all(middle + half <= left or middle - half >= right for left, right in taken):
            taken.append((middle - half, middle + half))
            kept.append(tick)
    return sorted(kept, key=lambda each: each.bar)


def extended_times(times: Times, first: int, stop: int, interval_s: int) -> Times:
    """Opening times of bars ``first`` to ``stop``, going on at the interval beyond the last one known."""
    count = len(times)
    if not count or stop <= first:
        return np.empty(0, np.int64)
    known = times[max(0, first) : min(stop, count)]
    beyond = stop - max(first, count)
    if beyond <= 0:
        return known
    steps = np.arange(max(first, count) - count + 1, stop - count + 1, dtype=np.int64)
    return np.concatenate([known, times[-1] + steps * (interval_s * 1_000_000_000)])


def extremes(highs: Floats, lows: Floats) -> tuple[float, float] | None:
    """The lowest low and the highest high; None where there are no bars."""
    return (float(lows.min()), float(highs.max())) if len(highs) else None
