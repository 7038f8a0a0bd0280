"""The chart's axes: round prices at the right, times below, and the tags that stand on them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QPainter, QPolygon

from terminal.viewmodels.chart import ChartViewModel
from terminal.viewmodels.chart_scale import TimeTick, extended_times, price_ticks, step_for, time_ticks
from terminal.widgets import theme
from terminal.widgets.chart_items import Geometry
from terminal.widgets.controls import hatch_brush
from terminal.widgets.painted import TextCache

TIME_PX: Final = 22
_PRICE_APART_PX: Final = 44
_TIME_APART_PX: Final = 72
_LABEL_GAP_PX: Final = 20
_LEAST_PX: Final = 56
_TICK_PX: Final = 4
_FAR_HEIGHTS: Final = 1.5
GRID = QColor(theme.mix(theme.HAIRLINE, theme.PANEL, 0.55))
_LINE = QColor(theme.HAIRLINE)
_PANEL = QColor(theme.PANEL)
_HATCH = theme.color(theme.WARNING, 90)


class Axes:
    """Chooses what the axes name and draws it. The price axis only ever gets wider for one instrument."""

    def __init__(self) -> None:
        self.text = TextCache(theme.number_font(theme.LABEL_PX))
        self.width = _LEAST_PX
        self._symbol: object = None
        self._labels: list[QRect] = []
        self._tags: list[QRect] = []
        self._whole: list[QRect] = []

    def fit(self, vm: ChartViewModel) -> bool:
        """Make room for the prices in sight; True where the axis has become wider."""
        symbol = vm.instrument.id if vm.instrument is not None else None
        before = self.width
        if symbol != self._symbol:
            self._symbol, self.width = symbol, _LEAST_PX
        if vm.instrument is not None and vm.bars.count:
            for price in (vm.scale.low, vm.scale.high):
                label = vm.price_text(Decimal(repr(max(0.0, price))))
                self.width = max(self.width, self.text.width(label) + 16)
        return self.width != before

    def price_ticks(self, vm: ChartViewModel, geometry: Geometry) -> list[Decimal]:
        """The prices to name, also beside the volume."""
        if vm.instrument is None:
            return []
        plot, scale = geometry.plot, vm.scale
        low = scale.price_at(plot.height(), geometry.price_height)
        ticks = price_ticks(low, scale.high, plot.height(), vm.instrument.tick_size, _PRICE_APART_PX)
        return [tick for tick in ticks if tick > 0]

    def time_ticks(self, vm: ChartViewModel, geometry: Geometry) -> list[TimeTick]:
        """The bars to name, also those to come."""
        view = vm.viewport
        first = max(0, view.first - 1)
        stop = int(np.ceil(view.right)) + 1
        times = extended_times(vm.bars.times, first, stop, vm.interval_s)
        step = step_for(vm.interval_s, view.spacing, _TIME_APART_PX)
        local = vm.clock_times.seconds(times)
        found = time_ticks(local, first, step, view.x_of, self.text.width, _LABEL_GAP_PX)
        width = geometry.plot.width()
        return [tick for tick in found if 0 <= view.x_of(tick.bar) <= width]

    # -- drawing --------------------------------------------------------------------------------------

    def paint(
        self, painter: QPainter, vm: ChartViewModel, geometry: Geometry, area: QRect, *, grid: bool = True
    ) -> None:
        """Grid lines, labels and the two lines beside the plot."""
        plot, text = geometry.plot, self.text
        right, bottom, floor = plot.left() + plot.width(), plot.top() + plot.height(), geometry.floor
        self._labels = []
        if vm.bars.count and grid:
            for price in self.price_ticks(vm, geometry):
                y = round(geometry.y_of(vm.scale, float(price)))
                if plot.top() + 4 <= y <= bottom - 2:
                    painter.fillRect(plot.left(), y, plot.width(), 1, GRID)
                    painter.fillRect(right, y, _TICK_PX, 1, _LINE)
                    top = y - text.height // 2
                    if plot.top() <= top and top + text.height <= bottom:
                        width = text.left(painter, right + 8, top, vm.price_text(price), theme.TEXT_2)
                        self._labels.append(QRect(right + 8, top, width, text.height))
            for tick in self.time_ticks(vm, geometry):
                x = round(vm.viewport.x_of(tick.bar)) + plot.left()
                painter.fillRect(x, plot.top(), 1, floor - plot.top(), GRID)
                half = text.width(tick.text) // 2
                if plot.left() + 2 <= x - half and x + half <= area.right() - 2:
                    tint = theme.TEXT if tick.level else theme.TEXT_2
                    text.left(painter, x - half, floor + (TIME_PX - text.height) // 2, tick.text, tint)
        painter.fillRect(right, plot.top(), 1, floor - plot.top() + 1, _LINE)
        painter.fillRect(plot.left(), floor, area.width(), 1, _LINE)

    def label(self, painter: QPainter, pane: QRect, y: int, words: str) -> None:
        """A level of a pane, beside it; none where it would reach out of the pane."""
        text, left = self.text, pane.left() + pane.width()
        top = y - text.height // 2
        if pane.top() < top and top + text.height <= pane.bottom():
            shown = text.fitting(words, self.width - 10)
            painter.fillRect(left, y, _TICK_PX, 1, _LINE)
            width = text.left(painter, left + 8, top, shown, theme.TEXT_2)
            self._labels.append(QRect(left + 8, top, width, text.height))

    def begin_tags(self) -> None:
        """A new picture begins: no tag stands on the price axis yet."""
        self._tags, self._whole = [], list(self._labels)

    def tag(
        self,
        painter: QPainter,
        geometry: Geometry,
        y: int,
        lines: tuple[str, ...],
        fill: str,
        color: str,
        *,
        hatched: bool = False,
        firm: bool = False,
    ) -> QRect:
        """A tag on the price axis with its point at ``y``.

        It stays inside the plot's height and beside earlier tags (``firm``: at its own height, over them).
        Labels that it would cut are wiped away.
        """
        plot, text = geometry.plot, self.text
        height = len(lines) * text.height + 4
        first = text.height // 2 + 2
        top = min(max(y - first, plot.top()), plot.top() + plot.height() - height)
        left = plot.left() + plot.width()
        box = QRect(left + _TICK_PX, top, self.width - _TICK_PX, height)
        if not firm:
            free = self._free(box, plot)
            if abs(free.top() - box.top()) > _FAR_HEIGHTS * height:
                # Too far from its price to be read as belonging to it.
                return box
            box = free
        # A label that touches an earlier tag is gone already: wiping it again would cut that tag.
        for label in [each for each in self._whole if each.intersects(box)]:
            if not any(label.intersects(tag) for tag in self._tags):
                painter.fillRect(label, _PANEL)
            self._whole.remove(label)
        self._tags.append(box)
        painter.fillRect(box, QColor(fill))
        painter.setPen(QColor(fill))
        painter.setBrush(QColor(fill))
        at = min(max(y, box.top()), box.bottom())
        upper, lower = max(box.top(), at - 4), min(box.bottom(), at + 4)
        painter.drawPolygon(
            QPolygon([QPoint(left, at), QPoint(box.left(), upper), QPoint(box.left(), lower)])
        )
        if hatched:
            painter.fillRect(box, hatch_brush(_HATCH))
        for number, line in enumerate(lines):
            text.left(painter, left + 8, box.top() + 2 + number * text.height, line, color)
        return box

    def _free(self, box: QRect, plot: QRect) -> QRect:
        """The nearest place, up or down, where a tag covers no other; its own where there is none."""
        height, tags = box.height(), self._tags
        beside = [top for tag in tags for top in (tag.top() - height, tag.bottom() + 1)]
        for top in sorted([box.top(), *beside], key=lambda each: abs(each - box.top())):
            moved = QRect(box.left(), top, box.width(), height)
            inside = plot.top() <= top and moved.bottom() <= plot.bottom() + 1
            if inside and not any(moved.intersects(tag) for tag in tags):
                return moved
        return box

    def time_tag(self, painter: QPainter, geometry: Geometry, x: int, words: str) -> None:
        """A tag on the time axis, kept inside the plot's width."""
        plot, text = geometry.plot, self.text
        width = text.width(words) + 12
        left = min(max(plot.left(), x - width // 2), plot.left() + plot.width() - width)
        box = QRect(left, geometry.floor + 1, width, TIME_PX - 2)
        painter.fillRect(box, QColor(theme.BORDER_STRONG))
        text.left(painter, left + 6, box.top() + (box.height() - text.height) // 2, words, theme.TEXT)
