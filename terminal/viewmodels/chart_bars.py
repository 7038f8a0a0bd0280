"""Bars as arrays of floats for drawing, kept in step with a series of bars at the least cost. No Qt."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from terminal.domain.bars import BarSeries
from terminal.domain.market import Bar

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)
_FIELDS: Final = 5
_SPARE: Final = 256


class Change(NamedTuple):
    """What a :meth:`BarArrays.sync` found."""

    prepended: int = 0
    appended: int = 0
    replaced: bool = False
    """Another series, or bars that are not in the arrays' order any more: nothing of before holds."""


class BarArrays:
    """Times (ns UTC, int64) and open, high, low, close, volume (float64) of a series.

    The running bar costs one row, a new bar one row more; older bars in front and late corrections are
    converted once.

    Attributes:
        count: how many bars there are.
        version: grows when any bar but the last one changed, so that a picture of them is out of date.
    """

    def __init__(self) -> None:
        self.count = 0
        self.version = 0
        self._times: Times = np.empty(0, np.int64)
        self._values: Floats = np.empty((_FIELDS, 0))
        self._series: BarSeries | None = None
        self._revision = -1
        self._known: list[Bar] = []

    @property
    def times(self) -> Times:
        """Opening times in nanoseconds UTC, oldest first."""
        return self._times[: self.count]

    def column(self, field: int) -> Floats:
        """One of OPEN, HIGH, LOW, CLOSE, VOLUME, oldest first."""
        return self._values[field, : self.count]

    def clear(self) -> None:
        """Forget everything."""
        self._series, self._revision, self._known = None, -1, []
        self.count = 0
        self.version += 1

    def sync(self, series: BarSeries) -> Change:
        """Take what changed in a series since the last call."""
        bars = series.bars
        if (
            series is self._series
            and series.revision == self._revision
            and self.count
            and len(bars) >= self.count
        ):
            return self._take_tail(bars)
        return self._take_all(series)

    def index_of(self, time_ns: int) -> int | None:
        """The bar that was running at a time; None before the first one."""
        index = int(np.searchsorted(self.times, time_ns, side="right")) - 1
        return index if index >= 0 else None

    # -- keeping in step ------------------------------------------------------------------------------

    def _take_tail(self, bars: Sequence[Bar]) -> Change:
        start, before = self.count - 1, self.count
        if len(bars) == before and bars[start] is self._known[start]:
            return Change()
        self._reserve(len(bars))
        self._write(start, bars[start:])
        self._known[start:] = bars[start:]
        appended = len(bars) - before
        if appended:
            self.version += 1
        return Change(appended=appended)

    def _take_all(self, series: BarSeries) -> Change:
        bars, known = series.bars, self._known
        same, before = series is self._series, self.count
        at = self._place_of_first(bars) if same and before else None
        self._series, self._revision = series, series.revision
        self.version += 1
        # The last known bar may have moved on; those before it are the very same objects if nothing else did.
        if at is not None and bars[at : at + before - 1] == known[: before - 1]:
            self._shift(at)
            self._write(0, bars[:at])
            self._reserve(len(bars))
            self._write(at + before - 1, bars[at + before - 1 :])
        else:
            self._reserve(len(bars))
            self._write(0, bars)
            self.count = len(bars)
        self._known = list(bars)
        if at is None:
            return Change(replaced=True)
        return Change(prepended=at, appended=max(0, len(bars) - at - before))

    def _place_of_first(self, bars: Sequence[Bar]) -> int | None:
        first = int(self._times[0])
        at = bisect_left(bars, first, key=lambda bar: bar.open_ns)
        return at if at < len(bars) and bars[at].open_ns == first else None

    def _shift(self, by: int) -> None:
        if not by:
            return
        kept_times, kept_values = self.times.copy(), self._values[:, : self.count].copy()
        self._reserve(self.count + by)
        self._times[by : by + len(kept_times)] = kept_times
        self._values[:, by : by + len(kept_times)] = kept_values
        self.count += by

    def _reserve(self, count: int) -> None:
        if count <= len(self._times):
            return
        room = count + max(_SPARE, count // 4)
        times: Times = np.empty(room, np.int64)
        values: Floats = np.empty((_FIELDS, room))
        times[: self.count] = self.times
        values[:, : self.count] = self._values[:, : self.count]
        self._times, self._values = times, values

    def _write(self, start: int, bars: Sequence[Bar]) -> None:
        size = len(bars)
        if not size:
            return
        stop = start + size
        self._times[start:stop] = [bar.open_ns for bar in bars]
        flat = np.fromiter((float(value) for bar in bars for value in bar[1:6]), np.float64, size * _FIELDS)
        self._values[:, start:stop] = flat.reshape(size, _FIELDS).T
        self.count = max(self.count, stop)
