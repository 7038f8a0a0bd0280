"""What a chart draws of its indicators: lines and clouds over the bars, panes under them, their legends."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap

from terminal.domain.indicators import IndicatorKind
from terminal.viewmodels import format as fmt
from terminal.viewmodels.chart import ChartViewModel
from terminal.viewmodels.chart_indicators import IndicatorLine, ShownIndicator, difference_text
from terminal.viewmodels.chart_scale import PriceScale, price_ticks
from terminal.widgets import theme
from terminal.widgets.chart_axes import Axes
from terminal.widgets.chart_items import Geometry, RectBatch, body_px
from terminal.widgets.chart_lines import LinePainter, Look, area, in_sight, runs, x_of, y_of
from terminal.widgets.painted import TextCache

LOOKS: Final = tuple(
    Look(color, dash, thick)
    for color, (dash, thick) in zip(
        theme.INDICATORS,
        ((None, False), ((8, 4), False), (None, True), ((10, 3), True), ((3, 3), True)),
        strict=True,
    )
)
"""How the main line of each style is drawn: no two have the same dash and width."""
GRIP_PX: Final = 4
_SECOND: Final = Look(theme.TEXT_2, (4, 3))
_PAD_PX: Final = 5
_SWATCH: Final = QSize(16, 5)
_LEVELS_APART_PX: Final = 26
_LEGEND_PX: Final = 8
_PANEL = QColor(theme.PANEL)
_HOVER = QColor(theme.HOVER)
# Under a legend, so that it can be read; what it lies over is still seen.
_BEHIND = theme.color(theme.PANEL, 215)
_EDGE = QColor(theme.BORDER_STRONG)
# The painter takes half a millisecond for a dotted line across a chart: these are drawn as pieces.
_GUIDE: Final = Look(theme.mix(theme.MUTED, theme.PANEL, 0.7), (1, 3))
_CROSSHAIR = QPen(QColor(theme.MUTED), 1, Qt.PenStyle.DashLine)


def looks_of(one: ShownIndicator) -> tuple[Look | None, ...]:
    """How each line of an indicator is drawn; None: not as a line."""
    main = LOOKS[one.style]
    plain = Look(main.color)
    match one.kind:
        case IndicatorKind.BOLLINGER:
            return main, plain, plain
        case IndicatorKind.ICHIMOKU:
            base, lagging = Look(theme.TEXT, None, True), Look(theme.TEXT_2, (2, 4))
            return main, base, plain, Look(main.color, (2, 2)), lagging
        case IndicatorKind.MACD:
            return main, _SECOND, None
        case IndicatorKind.STOCHASTIC:
            return main, _SECOND
        case _:
            return (main,)


def swatch(look: Look, size: QSize, ratio: float) -> QPixmap:
    """A piece of a line as a picture; ``ratio`` is device pixels per pixel."""
    picture = QPixmap(size * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    ends, level = np.array((0.0, size.width() - 1.0)), np.full(2, float(size.height() // 2))
    LinePainter().line(painter, ends, level, look)
    painter.end()
    return picture


class _Field:
    """Where values are drawn: the prices, or a pane."""

    def __init__(self, rect: QRect, scale: PriceScale, top: float, height: float) -> None:
        self.rect, self.scale, self.top, self.height = rect, scale, top, max(1.0, height)

    def y_of(self, value: float) -> int:
        return round(self.top + self.scale.y_of(value, self.height))


class IndicatorPainter:
    """Draws the indicators of a chart.

    What stands still between two frames is drawn with ``last`` False, what the running bar moves with True.

    Attributes:
        legends: where each legend stands, by the indicator's key; they can be clicked.
    """

    def __init__(self) -> None:
        self.legends: list[tuple[int, QRect]] = []
        self._lines = LinePainter()
        self._rects = RectBatch()
        self._swatches: dict[tuple[Look, float], QPixmap] = {}

    # -- over the bars --------------------------------------------------------------------------------

    def paint_areas(self, painter: QPainter, vm: ChartViewModel, geometry: Geometry, *, last: bool) -> None:
        """Clouds and the insides of bands, under the bars."""
        for one in vm.indicators.overlays:
            lines = vm.indicators.lines(one.key)
            if not lines:
                continue
            field = _Field(geometry.plot, vm.scale, geometry.plot.top(), geometry.price_height)
            color = LOOKS[one.style].color
            if one.kind is IndicatorKind.BOLLINGER:
                inside = QBrush(theme.color(color, 16))
                self._paint_between(painter, vm, field, lines[1], lines[2], inside, last=last)
            elif one.kind is IndicatorKind.ICHIMOKU:
                # Which span is the upper one is told by hatching, not by a direction's colour.
                solid = QBrush(theme.color(color, 40))
                hatched = QBrush(theme.color(color, 90), Qt.BrushStyle.BDiagPattern)
                self._paint_between(painter, vm, field, lines[2], lines[3], solid, last=last)
                self._paint_between(painter, vm, field, lines[3], lines[2], hatched, last=last)

    def _paint_between(
        self,
        painter: QPainter,
        vm: ChartViewModel,
        field: _Field,
        upper: IndicatorLine,
        lower: IndicatorLine,
        brush: QBrush,
        *,
        last: bool,
    ) -> None:
        """The area between two lines, where the first is the upper one."""
        part = in_sight(upper, vm.viewport, last=last)
        over, under = upper.values[part], lower.values[part]
        x = x_of(part, upper.shift, vm.viewport, field.rect.topLeft())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(brush)
        for run in runs(~(np.isnan(over) | np.isnan(under))):
            top, base = (
                y_of(values, field.scale.high, field.scale.low, field.top, field.height)
                for values in (np.maximum(over[run], under[run]), under[run])
            )
            if (top < base).any():
                painter.drawPolygon(area(x[run], top, base))

    def paint_overlays(
        self, painter: QPainter, vm: ChartViewModel, geometry: Geometry, *, last: bool
    ) -> None:
        """The lines over the bars."""
        for one in vm.indicators.overlays:
            field = _Field(geometry.plot, vm.scale, geometry.plot.top(), geometry.price_height)
            self._paint_lines(painter, vm, one, field, last=last)

    def _paint_lines(
        self, painter: QPainter, vm: ChartViewModel, one: ShownIndicator, field: _Field, *, last: bool
    ) -> None:
        lines = vm.indicators.lines(one.key)
        if not lines:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        view, corner = vm.viewport, field.rect.topLeft()
        origin = view.x_of(0) + corner.x()
        for line, look in zip(lines, looks_of(one), strict=True):
            if look is None:
                continue
            part = in_sight(line, view, last=last)
            values = line.values[part]
            x = x_of(part, line.shift, view, corner)
            for run in runs(~np.isnan(values)):
                y = y_of(values[run], field.scale.high, field.scale.low, field.top, field.height)
                self._lines.line(painter, x[run], y, look, origin)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # -- panes ----------------------------------------------------------------------------------------

    def paint_frames(self, painter: QPainter, vm: ChartViewModel, geometry: Geometry, axes: Axes) -> None:
        """Edges, guide lines and levels of the panes; they stand still."""
        for key, pane in geometry.panes:
            one = vm.indicators.find(key)
            if one is None:
                continue
            painter.fillRect(pane.left(), pane.top(), pane.width() + axes.width, 1, _EDGE)
            field = self._field(vm, key, pane)
            ends = np.array((pane.left(), pane.right()), np.float64)
            for level in one.info.guides:
                self._lines.line(painter, ends, np.full(2, float(field.y_of(level))), _GUIDE)
            for value in self._levels(vm, one, field):
                axes.label(painter, pane, field.y_of(float(value)), _level_text(value))

    @staticmethod
    def _levels(vm: ChartViewModel, one: ShownIndicator, field: _Field) -> list[Decimal]:
        if one.info.bounds is not None:
            return [Decimal(round(level)) for level in one.info.guides]
        decimals = vm.instrument.price_decimals + 3 if vm.instrument is not None else 8
        scale = field.scale
        return price_ticks(
            scale.low, scale.high, field.height, Decimal(1).scaleb(-decimals), _LEVELS_APART_PX
        )

    def paint_panes(self, painter: QPainter, vm: ChartViewModel, geometry: Geometry, *, last: bool) -> None:
        """The lines in the panes."""
        for key, pane in geometry.panes:
            one = vm.indicators.find(key)
            if one is None:
                continue
            painter.setClipRect(pane.adjusted(0, 1, 0, 0))
            field = self._field(vm, key, pane)
            if one.kind is IndicatorKind.MACD:
                self._paint_columns(painter, vm, one, field, last=last)
            self._paint_lines(painter, vm, one, field, last=last)
        painter.setClipping(False)

    def _paint_columns(
        self, painter: QPainter, vm: ChartViewModel, one: ShownIndicator, field: _Field, *, last: bool
    ) -> None:
        """How far two lines are apart, as columns from zero: full above, hollow below."""
        lines = vm.indicators.lines(one.key)
        if not lines:
            return
        part = in_sight(lines[2], vm.viewport, last=last)
        if last:
            part = slice(max(0, part.stop - 1), part.stop)
        values = lines[2].values[part]
        good = ~np.isnan(values)
        body = max(1, body_px(vm.viewport.spacing))
        left = np.floor(x_of(part, 0, vm.viewport, field.rect.topLeft()))[good] - body // 2
        ends = np.rint(y_of(values[good], field.scale.high, field.scale.low, field.top, field.height) - 0.5)
        zero = float(field.y_of(0.0))
        top, height = np.minimum(ends, zero), np.maximum(1.0, np.abs(ends - zero))
        tint = theme.color(LOOKS[one.style].color, 110)
        self._rects.fill(painter, tint, left, top, body, height)
        if body >= 3:
            hollow = (values[good] < 0) & (height > 2)
            self._rects.fill(painter, _PANEL, left[hollow] + 1, top[hollow] + 1, body - 2, height[hollow] - 2)

    @staticmethod
    def _field(vm: ChartViewModel, key: int, pane: QRect) -> _Field:
        scale = vm.indicators.pane_scale(key)
        return _Field(pane, scale, pane.top() + _PAD_PX, pane.height() - 2 * _PAD_PX)

    # -- legends --------------------------------------------------------------------------------------

    def paint_legends(
        self,
        painter: QPainter,
        vm: ChartViewModel,
        geometry: Geometry,
        text: TextCache,
        bar: int | None,
        top: int,
        pointer: QPoint | None,
    ) -> QRect:
        """A row for each indicator: those over the bars under the chart's own readout, which ends at ``top``,
        the others in their panes. Returns what the rows over the bars cover."""
        self.legends = []
        at = vm.bars.count - 1 if bar is None else bar
        panes = dict(geometry.panes)
        left, y, right = geometry.plot.left(), top, geometry.plot.left()
        for one in vm.indicators.shown:
            pane = panes.get(one.key)
            note = ""
            if pane is None and not one.info.on_price and not one.hidden:
                note = "no room: make the chart higher"
            row = QPoint(left + _LEGEND_PX, y if pane is None else pane.top() + 4)
            box = self._paint_legend(painter, vm, one, text, at, row, geometry.plot.right(), note, pointer)
            self.legends.append((one.key, box))
            if pane is None:
                y, right = box.bottom() + 1, max(right, box.right())
        return QRect(left, top, right - left + 4, y - top)

    def _paint_legend(
        self,
        painter: QPainter,
        vm: ChartViewModel,
        one: ShownIndicator,
        text: TextCache,
        bar: int,
        row: QPoint,
        right: int,
        note: str,
        pointer: QPoint | None,
    ) -> QRect:
        decimals = vm.instrument.price_decimals if vm.instrument is not None else 8
        legend = vm.indicators.legend(one, bar, decimals)
        words = [(legend.label, theme.DISABLED if one.hidden else theme.TEXT_2)]
        looks: list[Look | None] = [LOOKS[one.style]]
        for (name, figure), look in zip(legend.figures, looks_of(one), strict=False):
            words += [(name, theme.MUTED)] if name else []
            looks += [None if look is None or look == looks[0] else look] if name else []
            words.append((figure, theme.TEXT))
            looks.append(None)
        if note or legend.note:
            words.append((note or legend.note, theme.MUTED))
            looks.append(None)
        looks += [None] * (len(words) - len(looks))
        gaps = [_SWATCH.width() + 4 if look is not None else 0 for look in looks]
        width = sum(text.width(each) + gap + 6 for (each, _), gap in zip(words, gaps, strict=True))
        box = QRect(row.x() - 4, row.y(), min(width + 4, right - row.x()), text.height + 1)
        lit = pointer is not None and box.contains(pointer)
        painter.fillRect(box, _HOVER if lit else _BEHIND)
        x = row.x()
        for (each, color), look, gap in zip(words, looks, gaps, strict=True):
            if x + gap + 8 > box.right():
                break
            if look is not None and not one.hidden:
                self._paint_swatch(painter, look, x, row.y() + text.height // 2)
            x += gap
            x += text.left(painter, x, row.y(), text.fitting(each, box.right() - x), color) + 6
        return box

    def _paint_swatch(self, painter: QPainter, look: Look, x: int, y: int) -> None:
        ratio = painter.device().devicePixelRatioF()
        found = self._swatches.get((look, ratio))
        if found is None:
            found = self._swatches[look, ratio] = swatch(look, _SWATCH, ratio)
        painter.drawPixmap(x, y - _SWATCH.height() // 2, found)

    # -- the pointer ----------------------------------------------------------------------------------

    def paint_level(
        self, painter: QPainter, vm: ChartViewModel, geometry: Geometry, axes: Axes, at: QPoint
    ) -> None:
        """The crosshair's level in the pane under the pointer."""
        found = geometry.pane_at(at.y())
        one = vm.indicators.find(found[0]) if found is not None else None
        if found is None or one is None or self.legend_at(at) is not None:
            return
        pane = found[1]
        painter.setPen(_CROSSHAIR)
        painter.drawLine(pane.left(), at.y(), pane.right(), at.y())
        field = self._field(vm, one.key, pane)
        value = field.scale.price_at(at.y() - field.top, field.height)
        decimals = vm.instrument.price_decimals if vm.instrument is not None else 8
        exact = Decimal(repr(value))
        words = difference_text(exact, decimals) if one.info.in_price else fmt.fixed(exact, 1)
        tag = (axes.text.fitting(words, axes.width - 10),)
        beside = Geometry(pane, pane.height())
        axes.tag(painter, beside, at.y(), tag, theme.BORDER_STRONG, theme.TEXT, firm=True)

    def legend_at(self, at: QPoint) -> int | None:
        """The indicator whose legend is under a point."""
        return next((key for key, box in self.legends if box.contains(at)), None)

    @staticmethod
    def edge_at(geometry: Geometry, at: QPoint) -> int | None:
        """The pane whose upper edge can be dragged from a point."""
        return next((key for key, pane in geometry.panes if abs(at.y() - pane.top()) <= GRIP_PX), None)


def _level_text(value: Decimal) -> str:
    exponent = value.normalize().as_tuple().exponent
    return fmt.price(value, max(0, -exponent) if isinstance(exponent, int) else 0)
