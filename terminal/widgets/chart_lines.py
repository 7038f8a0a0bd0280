"""Lines of a chart in bulk: a thousand points are one call of the painter, dashed or not.

Only lines one pixel wide are drawn: Qt draws those thirty times as fast as wider ones (1,000 points: 0.07 ms
against 2.2). A thick line is three of them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from PySide6.QtCore import QLineF, QPoint
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from shiboken6 import Shiboken

from terminal.viewmodels.chart_bars import Floats
from terminal.viewmodels.chart_indicators import IndicatorLine
from terminal.viewmodels.chart_scale import Viewport

_FAR_PX: Final = 30_000
"""What is farther away is drawn there: the painter counts in small numbers."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a line is drawn. ``dash``: pixels on and off, None for a whole line."""

    color: str
    dash: tuple[int, int] | None = None
    thick: bool = False


class LinePainter:
    """Draws lines and the areas between two of them."""

    def __init__(self) -> None:
        self._values: Floats = np.empty((0, 4))
        self._lines: list[QLineF] = []

    def line(self, painter: QPainter, x: Floats, y: Floats, look: Look, origin: float = 0.0) -> None:
        """A line through points from left to right. Dashes begin at ``origin`` and are counted along x: they
        move with the bars, and stand still while prices move."""
        painter.setPen(QPen(QColor(look.color), 1))
        pieces = dashes(x, y, look.dash, origin) if look.dash is not None else None
        for right, down in ((0, 0), (1, 0), (0, 1)) if look.thick else ((0, 0),):
            if pieces is None:
                painter.drawPolyline(polygon(x + right, y + down))
            else:
                self._draw(painter, pieces + np.array((right, down, right, down)))

    def _draw(self, painter: QPainter, pieces: Floats) -> None:
        count = len(pieces)
        if count > len(self._lines):
            room = max(256, count + count // 2)
            self._lines = []
            self._values = np.zeros((room, 4))
            start, size = self._values.ctypes.data, self._values.strides[0]
            # As the rectangles of ``chart_items``: they own nothing, and go before the array does.
            self._lines = [
                cast("QLineF", Shiboken.wrapInstance(start + at * size, QLineF)) for at in range(room)
            ]
        self._values[:count] = pieces
        painter.drawLines(self._lines[:count])


def polygon(x: Floats, y: Floats) -> QPolygonF:
    """Points as the painter takes them."""
    out = QPolygonF()
    count = len(x)
    if count:
        out.resize(count)
        first = Shiboken.getCppPointer(out.data())[0]
        memory = np.frombuffer(memoryview((ctypes.c_double * (2 * count)).from_address(first)))
        memory[::2], memory[1::2] = x, y
    return out


def area(x: Floats, upper: Floats, lower: Floats) -> QPolygonF:
    """The area between two lines over the same x."""
    return polygon(np.concatenate((x, x[::-1])), np.concatenate((upper, lower[::-1])))


def runs(known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Iterator[slice]:
    """Where values without a gap stand, two or more in a row."""
    if known.all():
        if len(known) > 1:
            yield slice(0, len(known))
        return
    edges = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
    for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if stop - first > 1:
            yield slice(first, stop)


def in_sight(line: IndicatorLine, viewport: Viewport, *, last: bool) -> slice:
    """Which values of a line to draw: those in sight but the last one, which the running bar still moves; or
    (``last``) the step to that one alone."""
    count = len(line.values)
    if last:
        return slice(max(0, count - 2), count)
    # Before the first bar there is no time to draw a line at, however far behind its own bar it is drawn.
    first = max(int(np.floor(viewport.index_at(0))) - 1, 0) - line.shift
    stop = int(np.ceil(viewport.right)) - line.shift + 2
    return slice(max(0, first), max(0, min(stop, count - 1)))


def x_of(part: slice, shift: int, viewport: Viewport, corner: QPoint) -> Floats:
    """The middles of bars in pixels, as the candles have them."""
    bars: Floats = np.arange(part.start, part.stop, dtype=np.float64) + shift
    return np.rint(viewport.width + (bars - viewport.right) * viewport.spacing) + corner.x() + 0.5


def y_of(values: Floats, high: float, low: float, top: float, height: float) -> Floats:
    """Values in pixels, ``high`` at ``top`` and ``low`` so many below it."""
    out: Floats = top + (high - values) * (height / (high - low)) + 0.5
    return np.clip(out, -_FAR_PX, _FAR_PX)


def dashes(x: Floats, y: Floats, dash: tuple[int, int], origin: float) -> Floats:
    """The pieces of a dashed line, one a row: x and y of its beginning, x and y of its end."""
    on, period = dash[0], dash[0] + dash[1]
    along = x - origin
    steps = np.arange(np.floor(along[0] / period), np.ceil(along[-1] / period) + 1) * period
    cuts = np.concatenate((steps, steps + on))
    cuts = cuts[(cuts > along[0]) & (cuts < along[-1])]
    points = np.sort(np.concatenate((along, cuts)))
    heights = np.interp(points, along, y)
    drawn = np.mod((points[:-1] + points[1:]) / 2, period) < on
    begin, end = points[:-1][drawn] + origin, points[1:][drawn] + origin
    return np.column_stack((begin, heights[:-1][drawn], end, heights[1:][drawn]))
