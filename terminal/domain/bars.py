"""A run of bars of one interval: history joined with the live bar, each interval once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from terminal.domain.decimals import ZERO
from terminal.domain.market import Bar

# A market that was away for longer than this many intervals was closed, not quiet.
_MAX_QUIET_INTERVALS = 2000


class BarSeries:
    """Bars of one instrument and interval, oldest first; the running one is last.

    Attributes:
        bars: the bars themselves; read only.
        revision: grows whenever anything but the last bar changed, so that a chart knows to rebuild.
        prepended: how many bars were put in front since the start, so that a chart can keep its place.
        complete: the venue has no older bars.
        loading: older or newer bars are being fetched.
        error: why the last fetch failed, in one sentence; empty after one that worked.
        fill_gaps: insert a flat bar for each interval without a trade, as a market open around the clock has.
    """

    __slots__ = (
        "bars",
        "complete",
        "error",
        "fill_gaps",
        "interval_ns",
        "interval_s",
        "loading",
        "prepended",
        "revision",
    )

    def __init__(self, interval_s: int, *, fill_gaps: bool = True) -> None:
        self.interval_s = interval_s
        self.interval_ns = interval_s * 1_000_000_000
        self.bars: list[Bar] = []
        self.revision = 0
        self.prepended = 0
        self.complete = False
        self.loading = False
        self.error = ""
        self.fill_gaps = fill_gaps

    def update(self, bar: Bar) -> None:
        """Take the running bar, or a late correction of an earlier one."""
        if not self.bars or bar.open_ns > self.bars[-1].open_ns:
            self._fill_up_to(bar.open_ns)
            self.bars.append(bar)
        elif bar.open_ns == self.bars[-1].open_ns:
            self.bars[-1] = bar
        else:
            index = self._index(bar.open_ns)
            if index is not None:
                self.bars[index] = bar
                self.revision += 1

    def merge(self, newer: Iterable[Bar]) -> None:
        """Take bars of any age: known intervals are replaced, unknown ones inserted."""
        by_time = {bar.open_ns: bar for bar in self.bars}
        incoming = {bar.open_ns: bar for bar in newer}
        if not incoming:
            return
        first = self.bars[0].open_ns if self.bars else None
        # The running bar of the stream is never older than the one a slower reply carries.
        last = self.bars[-1] if self.bars else None
        by_time.update(incoming)
        if (
            last is not None
            and last.open_ns in incoming
            and (last.trades or 0) > (incoming[last.open_ns].trades or 0)
        ):
            by_time[last.open_ns] = last
        self.bars = [by_time[key] for key in sorted(by_time)]
        if first is not None:
            self.prepended += bisect_left(self.bars, first, key=lambda bar: bar.open_ns)
        self.revision += 1

    def prepend(self, older: Sequence[Bar]) -> int:
        """Put older bars in front; how many were new."""
        if self.bars:
            older = [bar for bar in older if bar.open_ns < self.bars[0].open_ns]
        if not older:
            return 0
        self.bars = [*sorted(older, key=lambda bar: bar.open_ns), *self.bars]
        self.prepended += len(older)
        self.revision += 1
        return len(older)

    def _fill_up_to(self, open_ns: int) -> None:
        if not self.fill_gaps or not self.bars:
            return
        last = self.bars[-1]
        missing = (open_ns - last.open_ns) // self.interval_ns - 1
        if 0 < missing <= _MAX_QUIET_INTERVALS:
            close = last.close
            for step in range(1, missing + 1):
                self.bars.append(
                    Bar(last.open_ns + step * self.interval_ns, close, close, close, close, ZERO, 0)
                )
            self.revision += 1

    def _index(self, open_ns: int) -> int | None:
        index = bisect_left(self.bars, open_ns, key=lambda bar: bar.open_ns)
        return index if index < len(self.bars) and self.bars[index].open_ns == open_ns else None
