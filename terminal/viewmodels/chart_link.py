"""What a chart shares with the charts of its link group: the length of a bar, the time under the pointer."""

from __future__ import annotations

from collections.abc import Callable

from terminal.viewmodels.chart import ChartViewModel
from terminal.viewmodels.selection import PanelLink


class ChartLink:
    """Carries both between a chart and its place in the link groups, as far as the place shares them."""

    def __init__(self, chart: ChartViewModel, link: PanelLink) -> None:
        self._chart, self._link = chart, link
        chart.interval_chosen.connect(link.choose_interval)
        chart.pointed.connect(self._on_chart_pointed)
        self._unwatch: tuple[Callable[[], None], ...] = (
            link.interval_changed.watch(self._take_interval),
            link.pointed.watch(chart.show_pointed),
            link.moved.watch(self._on_moved),
        )

    def close(self) -> None:
        """Carry nothing any more."""
        for unwatch in self._unwatch:
            unwatch()

    def _on_chart_pointed(self, time_ns: object) -> None:
        self._link.point(time_ns if isinstance(time_ns, int) else None)

    def _on_moved(self) -> None:
        """Who shares first says what is shared."""
        if self._link.shares.interval and self._link.interval_s is None:
            self._link.choose_interval(self._chart.interval_s)

    def _take_interval(self) -> None:
        """A length that the venue does not have is left alone: its own nearest one would look like it."""
        wanted, has = self._link.interval_s, self._chart.intervals
        if wanted is not None and (wanted in has or not has):
            self._chart.set_interval(wanted)
