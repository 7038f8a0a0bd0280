"""What a chart is drawn of: candles and volume in bulk, order chips, fill marks, tags.

A thousand candles are four calls of the painter: numpy writes their rectangles, the painter reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from shiboken6 import Shiboken

from terminal.domain.market import Side
from terminal.viewmodels.chart_bars import CLOSE, HIGH, LOW, OPEN, VOLUME, BarArrays, Floats
from terminal.viewmodels.chart_orders import FillMark, OrderLine
from terminal.viewmodels.chart_scale import PriceScale, Viewport
from terminal.widgets import theme
from terminal.widgets.controls import hatch_brush
from terminal.widgets.painted import TextCache

CHIP_PX: Final = 20
CROSS_PX: Final = 20
_BODY_FROM: Final = 3.0
_UP, _DOWN = QColor(theme.UP), QColor(theme.DOWN)
_PANEL = QColor(theme.PANEL)
_VOLUME_UP, _VOLUME_DOWN = QColor(theme.UP_TINT_24), QColor(theme.DOWN_TINT_24)
_WHITE_HATCH = theme.color(theme.WHITE, 110)


class RectBatch:
    """Many rectangles drawn by one call.

    A ``QRectF`` is four doubles. The rectangles here live in the memory of a numpy array, so that filling a
    column of it moves all of them; making a thousand objects a picture costs four times as much as drawing
    them (1.7 ms against 0.4).
    """

    def __init__(self) -> None:
        self._values: Floats = np.empty((0, 4))
        self._rects: list[QRectF] = []

    def fill(
        self, painter: QPainter, color: QColor, x: Floats, y: Floats, width: float | Floats, height: Floats
    ) -> None:
        """Fill rectangles with a colour; sizes in pixels."""
        count = len(x)
        if not count:
            return
        self._reserve(count)
        values = self._values
        values[:count, 0], values[:count, 1] = x, y
        values[:count, 2], values[:count, 3] = width, height
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRects(self._rects[:count])

    def _reserve(self, count: int) -> None:
        if count <= len(self._rects):
            return
        room = max(256, count + count // 2)
        self._rects = []
        self._values = np.zeros((room, 4))
        start, size = self._values.ctypes.data, self._values.strides[0]
        # The wrappers own nothing; they go before the array does.
        self._rects = [cast("QRectF", Shiboken.wrapInstance(start + at * size, QRectF)) for at in range(room)]


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the parts of the chart stand in the widget."""

    plot: QRect
    """Bars, grid and orders."""
    price_height: int
    """The upper part of the plot, where prices are; volume has the rest."""
    panes: tuple[tuple[int, QRect], ...] = ()
    """The panes of indicators under the plot, by the indicators' keys, from the top down."""

    @property
    def volume_height(self) -> int:
        return self.plot.height() - self.price_height

    @property
    def floor(self) -> int:
        """Where the time axis begins, under the plot and all panes."""
        lowest = self.panes[-1][1] if self.panes else self.plot
        return lowest.top() + lowest.height()

    @property
    def whole(self) -> QRect:
        """The plot and all panes."""
        return QRect(self.plot.left(), self.plot.top(), self.plot.width(), self.floor - self.plot.top())

    def pane_at(self, y: int) -> tuple[int, QRect] | None:
        """The pane at a height."""
        return next((each for each in self.panes if each[1].top() <= y <= each[1].bottom()), None)

    def y_of(self, scale: PriceScale, price: float) -> float:
        """The widget's y of a price."""
        return self.plot.top() + scale.y_of(price, self.price_height)

    def price_at(self, scale: PriceScale, y: float) -> float:
        """The price at the widget's y."""
        return scale.price_at(y - self.plot.top(), self.price_height)


class BarPainter:
    """Draws candles and volume: up hollow and blue, down filled and orange."""

    def __init__(self) -> None:
        self._batch = RectBatch()

    def paint(
        self,
        painter: QPainter,
        bars: BarArrays,
        first: int,
        stop: int,
        viewport: Viewport,
        scale: PriceScale,
        geometry: Geometry,
        most_volume: float,
    ) -> None:
        """Draw bars ``first`` to ``stop``; ``most_volume`` (0: none) is as high as the volume's room."""
        if stop <= first:
            return
        columns = [bars.column(field)[first:stop] for field in (OPEN, HIGH, LOW, CLOSE, VOLUME)]
        x: Floats = np.arange(first, stop, dtype=np.float64)
        x = viewport.width + (x - viewport.right) * viewport.spacing
        if viewport.spacing < 1:
            x, columns = _one_a_pixel(x, columns)
        opened, high, low, close, volume = columns
        plot = geometry.plot
        ratio = geometry.price_height / (scale.high - scale.low)
        middle = np.rint(x) + plot.left()

        def y_of(price: Floats) -> Floats:
            return np.rint((scale.high - price) * ratio) + plot.top()

        body = body_px(viewport.spacing)
        left = middle - body // 2
        up = close >= opened
        if most_volume > 0:
            room = geometry.volume_height
            size = np.ceil(volume / most_volume * room)
            bottom = plot.top() + plot.height()
            for mask, color in ((up, _VOLUME_UP), (~up, _VOLUME_DOWN)):
                self._batch.fill(painter, color, left[mask], bottom - size[mask], body, size[mask])
        top, base = y_of(high), y_of(low)
        head, foot = y_of(np.maximum(opened, close)), y_of(np.minimum(opened, close))
        for mask, color in ((up, _UP), (~up, _DOWN)):
            self._batch.fill(
                painter, color, middle[mask], top[mask], 1, np.maximum(1, base[mask] - top[mask])
            )
            if viewport.spacing >= _BODY_FROM:
                height = np.maximum(1, foot[mask] - head[mask])
                self._batch.fill(painter, color, left[mask], head[mask], body, height)
        if body >= 3:
            hollow = up & (foot - head > 2)
            self._batch.fill(
                painter, _PANEL, left[hollow] + 1, head[hollow] + 1, body - 2, (foot - head)[hollow] - 2
            )


def body_px(spacing: float) -> int:
    """How wide a candle's body is drawn: odd, so that its wick stands in the middle, with a gap beside it."""
    width = int(spacing - max(1.0, spacing * 0.2))
    return max(1, width - 1 + width % 2)


def _one_a_pixel(x: Floats, columns: list[Floats]) -> tuple[Floats, list[Floats]]:
    """More bars than pixels: those of one pixel become one bar."""
    pixel = np.floor(x)
    starts = np.flatnonzero(np.diff(pixel, prepend=pixel[0] - 1))
    ends: NDArray[np.int64] = np.append(starts[1:], len(x)) - 1
    opened, high, low, close, volume = columns
    return pixel[starts], [
        opened[starts],
        np.maximum.reduceat(high, starts),
        np.minimum.reduceat(low, starts),
        close[ends],
        np.maximum.reduceat(volume, starts),
    ]


def side_color(side: Side) -> str:
    """The colour of a side's lines."""
    return theme.UP if side is Side.BUY else theme.DOWN


def side_fill(side: Side) -> str:
    """The fill of a side's chips, dark enough for white text."""
    return theme.BUY_FILL if side is Side.BUY else theme.SELL_FILL


def paint_marks(
    painter: QPainter, marks: list[FillMark], viewport: Viewport, scale: PriceScale, geometry: Geometry
) -> None:
    """Own fills: a triangle whose tip is at the price, upwards for a buy and downwards for a sell."""
    first, stop = viewport.first, viewport.stop
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.FOCUS), 1))
    for mark in marks:
        if first <= mark.bar < stop:
            painter.setBrush(QColor(side_fill(mark.side)))
            tip = mark_point(mark, viewport, scale, geometry)
            down = 8.0 if mark.side is Side.BUY else -8.0
            foot = tip.y() + down
            corners = [tip, QPointF(tip.x() - 4.5, foot), QPointF(tip.x() + 4.5, foot)]
            painter.drawPolygon(QPolygonF(corners))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def mark_point(mark: FillMark, viewport: Viewport, scale: PriceScale, geometry: Geometry) -> QPointF:
    """Where the tip of a fill's triangle is."""
    x = round(viewport.x_of(mark.bar)) + geometry.plot.left() + 0.5
    return QPointF(x, round(geometry.y_of(scale, mark.price)) + 0.5)


def chip_width(text: TextCache, line: OrderLine) -> int:
    """How wide a line's chip is."""
    return text.width(line.chip.text) + 16 + CROSS_PX


def paint_chip(painter: QPainter, box: QRect, line: OrderLine, text: TextCache, *, chosen: bool) -> None:
    """A chip: ``0.25 LMT ×``; hatched while an answer is outstanding."""
    chip = line.chip
    painter.fillRect(box, QColor(side_fill(chip.side)))
    text.left(painter, box.left() + 8, box.top() + (box.height() - text.height) // 2, chip.text, theme.WHITE)
    if chip.waiting:
        painter.fillRect(box.adjusted(0, 0, -CROSS_PX, 0), hatch_brush(_WHITE_HATCH))
    edge = box.right() - CROSS_PX
    painter.fillRect(edge, box.top() + 3, 1, box.height() - 6, theme.color(theme.WHITE, 90))
    middle = QPointF(edge + CROSS_PX / 2 + 0.5, box.center().y() + 0.5)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.WHITE), 1.4))
    painter.drawLine(middle + QPointF(-3.5, -3.5), middle + QPointF(3.5, 3.5))
    painter.drawLine(middle + QPointF(-3.5, 3.5), middle + QPointF(3.5, -3.5))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    if chosen:
        painter.setPen(QPen(QColor(theme.FOCUS), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(0, 0, -1, -1))


def paint_box(
    painter: QPainter, box: QRect, lines: tuple[str, ...], text: TextCache, color: str, edge: str
) -> None:
    """A raised box with lines of text."""
    painter.fillRect(box, QColor(theme.RAISED))
    painter.setPen(QPen(QColor(edge), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(box.adjusted(0, 0, -1, -1))
    top = box.top() + (box.height() - len(lines) * text.height) // 2
    for at, line in enumerate(lines):
        shown = text.fitting(line, box.width() - 14)
        text.left(painter, box.left() + 8, top + at * text.height, shown, color)


def placed_chips(
    middles: list[int], widths: list[int], left: int, right: int, top: int, taken: list[QRect]
) -> list[QRect]:
    """A box for each chip, at the left of the plot; those that would overlap stand beside one another.

    A chip that finds no room beside what is ``taken`` covers it: an order is never hidden under a word.
    """
    boxes: list[QRect] = []
    for middle, width in zip(middles, widths, strict=True):
        start = QRect(left, max(top, middle - CHIP_PX // 2), width, CHIP_PX)
        for others in ([*boxes, *taken], boxes):
            box = QRect(start)
            while (hit := next((other for other in others if other.intersects(box)), None)) is not None:
                box.moveLeft(hit.right() + 5)
            if box.right() < right:
                break
        boxes.append(box if box.right() < right else start)
    return boxes
