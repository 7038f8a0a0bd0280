"""The picture of a chart: what is drawn where, and what is under a point.

Everything that stands still between two frames (grid, labels, finished bars) is one cached picture; a frame
copies it and draws the running bar, tags, orders and the crosshair over it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from terminal.domain.market import Side
from terminal.viewmodels.chart import ChartState, ChartViewModel
from terminal.viewmodels.chart_bars import VOLUME
from terminal.viewmodels.chart_orders import OrderLine
from terminal.widgets import theme
from terminal.widgets.chart_axes import TIME_PX, Axes
from terminal.widgets.chart_indicator_items import IndicatorPainter
from terminal.widgets.chart_items import (
    CROSS_PX,
    BarPainter,
    Geometry,
    chip_width,
    mark_point,
    paint_box,
    paint_chip,
    paint_marks,
    placed_chips,
    side_color,
    side_fill,
)
from terminal.widgets.chart_position_items import Hit, Part, PositionPainter
from terminal.widgets.controls import hatch_brush
from terminal.widgets.painted import TextCache

_VOLUME_SHARE: Final = 0.16
_READOUT_PX: Final = 8
_NEAR_PX: Final = 9
# A cancel is never a smaller target than 28 px, however thin the chip is drawn.
_GRIP_PX: Final = 4
_LINE_GRIP_PX: Final = 4

_PANEL = QColor(theme.PANEL)
_VEIL = theme.color(theme.PANEL, 120)
_STALE = theme.color(theme.WARNING, 36)
_CROSSHAIR = QPen(QColor(theme.MUTED), 1, Qt.PenStyle.DashLine)


class ChartPicture:
    """Draws a chart's view-model.

    Attributes:
        geometry: where bars and prices stand.
        pointer: where the mouse is, None while it is elsewhere.
        bar: the bar under the pointer or the keyboard's cursor.
        bubble: where the hint is drawn; empty without one.
        indicators: draws those, and knows where their legends are.
    """

    def __init__(self, vm: ChartViewModel) -> None:
        self._vm = vm
        self._axes = Axes()
        self._bars = BarPainter()
        self._numbers = TextCache(theme.number_font(theme.TABLE_PX))
        self._words = TextCache(theme.ui_font(theme.TABLE_PX))
        self.geometry = Geometry(QRect(0, 0, 1, 1), 1)
        self.pointer: QPoint | None = None
        self.bar: int | None = None
        self.bubble = QRect()
        self._still = QPixmap()
        self._drawn: tuple[object, ...] = ()
        self._boxes: list[tuple[OrderLine, QRect]] = []
        self._grips: list[tuple[OrderLine, int]] = []
        self._readout = QRect()
        self._positions = PositionPainter()
        self.indicators = IndicatorPainter()
        self._laid_out = -1

    def fit(self) -> bool:
        """Make room for the prices in sight; True where the parts have to be laid out anew."""
        has_grown = self._axes.fit(self._vm)
        return has_grown or self._laid_out != self._vm.indicators.revision

    def layout(self, size: QSize) -> None:
        """Divide a widget of this size into plot, panes and axes."""
        indicators, room = self._vm.indicators, self.room(size)
        self._laid_out = indicators.revision
        width, heights = max(1, size.width() - self._axes.width), indicators.pane_heights(room)
        plot = QRect(0, 0, width, max(1, room - sum(heights)))
        panes, top = [], plot.height()
        for one, height in zip(indicators.in_panes, heights, strict=True):
            if height:
                panes.append((one.key, QRect(0, top, width, height)))
                top += height
        share = _VOLUME_SHARE if self._vm.show_volume else 0.0
        self.geometry = Geometry(plot, max(1, round(plot.height() * (1 - share))), tuple(panes))

    @staticmethod
    def room(size: QSize) -> int:
        """How high the plot and the panes are together in a widget of this size."""
        return max(1, size.height() - TIME_PX)

    def paint(self, painter: QPainter, size: QSize, ratio: float) -> None:
        """Draw everything; ``ratio`` is device pixels per pixel."""
        for cache in (self._numbers, self._words, self._axes.text):
            cache.begin(ratio)
        most_volume = self._most_volume()
        self._paint_still(size, ratio, most_volume)
        painter.drawPixmap(0, 0, self._still)
        self._boxes, self._grips, self.bubble = [], [], QRect()
        self._axes.begin_tags()
        if self._has_bars:
            self._paint_moving(painter, most_volume)
        painter.setClipping(False)
        self._paint_state(painter)

    @property
    def _has_bars(self) -> bool:
        return self._vm.bars.count > 0 and self._vm.state is not ChartState.UNSUPPORTED

    # -- drawing --------------------------------------------------------------------------------------

    def _paint_still(self, size: QSize, ratio: float, most_volume: float) -> None:
        """The cached picture: made anew only when something in it has changed."""
        vm = self._vm
        key = (
            size, ratio, self.geometry, self._axes.width, vm.viewport.right, vm.viewport.spacing,
            vm.scale.low, vm.scale.high, vm.bars.version, vm.bars.count, most_volume, vm.clock_times,
            self._has_bars, vm.indicators.revision, self._pane_scales(),
        )  # fmt: skip
        if key == self._drawn:
            return
        self._drawn = key
        if self._still.size() != size * ratio or self._still.devicePixelRatio() != ratio:
            self._still = QPixmap(size * ratio)
            self._still.setDevicePixelRatio(ratio)
        self._still.fill(_PANEL)
        painter = QPainter(self._still)
        area = QRect(0, 0, size.width(), size.height())
        self._axes.paint(painter, vm, self.geometry, area, grid=self._has_bars)
        if self._has_bars:
            self.indicators.paint_frames(painter, vm, self.geometry, self._axes)
        painter.setClipRect(self.geometry.plot)
        if self._has_bars:
            self.indicators.paint_areas(painter, vm, self.geometry, last=False)
        stop = min(vm.viewport.stop, vm.bars.count - 1)
        self._bars.paint(
            painter, vm.bars, vm.viewport.first, stop, vm.viewport, vm.scale, self.geometry, most_volume
        )
        if self._has_bars:
            self.indicators.paint_overlays(painter, vm, self.geometry, last=False)
            self.indicators.paint_panes(painter, vm, self.geometry, last=False)
        painter.end()

    def _pane_scales(self) -> tuple[tuple[float, float], ...]:
        scales = [self._vm.indicators.pane_scale(key) for key, _ in self.geometry.panes]
        return tuple((scale.low, scale.high) for scale in scales)

    def _most_volume(self) -> float:
        vm = self._vm
        seen = vm.bars.column(VOLUME)[vm.viewport.first : vm.viewport.stop]
        return float(seen.max()) if vm.show_volume and len(seen) else 0.0

    def _paint_moving(self, painter: QPainter, most_volume: float) -> None:
        """What may differ from frame to frame."""
        vm, plot = self._vm, self.geometry.plot
        painter.setClipRect(plot)
        self.indicators.paint_areas(painter, vm, self.geometry, last=True)
        last = vm.bars.count - 1
        if vm.viewport.first <= last < vm.viewport.stop:
            self._bars.paint(
                painter, vm.bars, last, last + 1, vm.viewport, vm.scale, self.geometry, most_volume
            )
        self.indicators.paint_overlays(painter, vm, self.geometry, last=True)
        self.indicators.paint_panes(painter, vm, self.geometry, last=True)
        painter.setClipRect(plot)
        paint_marks(painter, vm.trading.marks, vm.viewport, vm.scale, self.geometry)
        if vm.state in (ChartState.STALE, ChartState.FAILED):
            painter.setClipRect(self.geometry.whole)
            painter.fillRect(self.geometry.whole, _VEIL)
            painter.fillRect(self.geometry.whole, hatch_brush(_STALE))
        self._paint_last(painter)
        self._paint_readout(painter)
        self._paint_legends(painter)
        self._paint_history(painter)
        self._paint_positions(painter)
        self._paint_orders(painter)
        self._paint_ghost(painter)
        self._paint_closed(painter)
        self._paint_crosshair(painter)
        self._paint_hint(painter)

    def _paint_last(self, painter: QPainter) -> None:
        vm, price = self._vm, self._vm.last_price
        if price is None:
            return
        stale = vm.state is not ChartState.LIVE
        up = vm.last_direction > 0
        y = round(self.geometry.y_of(vm.scale, float(price)))
        painter.setClipRect(self.geometry.plot)
        color = theme.MUTED if stale else theme.UP if up else theme.DOWN
        painter.setPen(QPen(QColor(color), 1, Qt.PenStyle.DotLine))
        painter.drawLine(self.geometry.plot.left(), y, self.geometry.plot.right(), y)
        painter.setClipping(False)
        lines = tuple(text for text in (vm.price_text(price), vm.countdown) if text)
        fill = theme.BORDER_STRONG if stale else theme.BUY_FILL if up else theme.SELL_FILL
        self._axes.tag(painter, self.geometry, y, lines, fill, theme.WHITE, hatched=stale)

    def _paint_closed(self, painter: QPainter) -> None:
        """That no bar is running, and when the next one will."""
        closed, plot, text = self._vm.closed_text, self.geometry.plot, self._numbers
        if not closed:
            return
        width = text.width(closed) + 12
        box = QRect(plot.left() + 6, plot.bottom() - text.height - 8, width, text.height + 4)
        painter.fillRect(box, QColor(theme.RAISED))
        text.left(painter, box.left() + 6, box.top() + 2, closed, theme.WARNING)

    @property
    def legend_bottom(self) -> int:
        """Where the lines of figures in the upper left corner end; the plot's top where there are none."""
        return max(self.geometry.plot.top(), self._readout.bottom() + 1)

    def _paint_readout(self, painter: QPainter) -> None:
        """Open, high, low, close, volume and change of the bar under the pointer, in one row or two."""
        # Beyond the last bar that one's values are said: a row that comes and goes would move those under it.
        bar, last = self._named_bar, self._vm.bars.count - 1
        readout = self._vm.readout(min(bar, last) if bar is not None else None)
        self._readout = QRect()
        if readout is None:
            return
        tint = theme.UP if readout.direction > 0 else theme.DOWN
        parts = [[(readout.time, theme.TEXT_2)]]
        parts += [[(letter + " ", theme.MUTED), (value, tint)] for letter, value in readout.values]
        parts.append([(readout.change, tint)])
        text, plot = self._numbers, self.geometry.plot
        painter.setClipRect(plot)
        x, y = plot.left() + _READOUT_PX, plot.top() + 6
        right = x
        for part in parts:
            width = sum(text.width(words) for words, _ in part)
            if x + width > plot.right() - 4 and x > plot.left() + _READOUT_PX:
                x, y = plot.left() + _READOUT_PX, y + text.height
            painter.fillRect(x - 4, y - 1, width + 8, text.height + 2, _PANEL)
            for words, color in part:
                x += text.left(painter, x, y, words, color)
            right = max(right, x)
            x += 12
        self._readout = QRect(plot.left(), plot.top(), right - plot.left() + 6, y + text.height + 3)

    def _paint_legends(self, painter: QPainter) -> None:
        """What the indicators say of the same bar; what stands beside the readout stands beside these too."""
        if not self._vm.indicators.shown:
            self.indicators.legends = []
            return
        painter.setClipRect(self.geometry.whole)
        top = self._readout.bottom() + 1
        rows = self.indicators.paint_legends(
            painter, self._vm, self.geometry, self._numbers, self._named_bar, top, self.pointer
        )
        self._readout = self._readout.united(rows)
        painter.setClipRect(self.geometry.plot)

    def _paint_history(self, painter: QPainter) -> None:
        """Older bars are loading, or there are none."""
        vm, text, plot = self._vm, self._words, self.geometry.plot
        note = "Loading older bars…" if vm.loading_older else vm.history_note
        if not note or vm.viewport.index_at(0) > 0 or not vm.bars.count:
            return
        room = min(plot.width() - 16, max(220, round(vm.viewport.x_of(0)) - 24))
        shown = text.fitting(note, room)
        y = self._readout.bottom() + 8
        painter.fillRect(plot.left() + 4, y - 2, text.width(shown) + 8, text.height + 4, _PANEL)
        text.left(painter, plot.left() + 8, y, shown, theme.MUTED)

    def _paint_positions(self, painter: QPainter) -> None:
        positions = self._vm.positions
        if positions is None:
            self._positions.clear()
            return
        self._positions.paint(
            painter,
            positions,
            self._vm,
            self.geometry,
            self._numbers,
            self._axes,
            self.pointer,
            self._readout,
        )

    def _paint_orders(self, painter: QPainter) -> None:
        vm, plot = self._vm, self.geometry.plot
        self._boxes, self._grips = [], []
        inside, above, below = [], 0, 0
        for line in vm.trading.lines:
            y = round(self.geometry.y_of(vm.scale, float(line.price)))
            if y < plot.top():
                above += 1
            elif y > plot.bottom():
                below += 1
            else:
                inside.append((line, y))
        painter.setClipRect(plot)
        chosen = vm.trading.selected_line
        for line, y in inside:
            pen = QPen(QColor(side_color(line.chip.side)), 1)
            if line.chip.waiting:
                pen.setStyle(Qt.PenStyle.DashLine)
            painter.setPen(pen)
            painter.drawLine(plot.left(), y, plot.right(), y)
            for other in (line.old_price, line.limit):
                if other is not None:
                    pen.setStyle(Qt.PenStyle.DotLine)
                    painter.setPen(pen)
                    at = round(self.geometry.y_of(vm.scale, float(other)))
                    painter.drawLine(plot.left(), at, plot.right(), at)
        notes = self._paint_far(painter, above, below)
        boxes = placed_chips(
            [y for _, y in inside],
            [chip_width(self._numbers, line) for line, _ in inside],
            plot.left() + _READOUT_PX,
            plot.right(),
            plot.top() + 1,
            [self._readout, *notes],
        )
        for (line, _), box in zip(inside, boxes, strict=True):
            paint_chip(painter, box, line, self._numbers, chosen=line is chosen)
            self._boxes.append((line, box))
        self._grips = inside
        painter.setClipping(False)
        for line, y in inside:
            self._axes.tag(
                painter,
                self.geometry,
                y,
                (vm.price_text(line.price),),
                side_fill(line.chip.side),
                theme.WHITE,
            )

    def _paint_far(self, painter: QPainter, above: int, below: int) -> list[QRect]:
        """How many orders are at prices out of sight; where it says so."""
        text, plot = self._words, self.geometry.plot
        boxes = []
        for count, sign, top in ((above, "▲", True), (below, "▼", False)):
            if count:
                words = f"{sign} {count} order{'' if count == 1 else 's'} {'above' if top else 'below'}"
                width = text.width(words) + 12
                y = plot.top() + 4 if top else plot.bottom() - text.height - 6
                box = QRect(plot.right() - width - 4, y, width, text.height + 4)
                painter.fillRect(box, QColor(theme.RAISED))
                text.left(painter, box.left() + 6, y + 2, words, theme.TEXT_2)
                boxes.append(box)
        return boxes

    def _paint_ghost(self, painter: QPainter) -> None:
        vm, plot, text = self._vm, self.geometry.plot, self._numbers
        ghost = vm.trading.ghost
        if ghost is None:
            return
        y = round(self.geometry.y_of(vm.scale, float(ghost.price)))
        color = theme.WARNING if ghost.would_fill else theme.FOCUS
        painter.setClipRect(plot)
        painter.setPen(QPen(QColor(color), 1, Qt.PenStyle.DashLine))
        painter.drawLine(plot.left(), y, plot.right(), y)
        lines = (f"{ghost.line.chip.text}   {ghost.text}", ghost.detail)
        width = min(plot.width() - 8, max(text.width(each) for each in lines) + 18)
        height = 2 * text.height + 8
        top = y + 6 if y + 6 + height < plot.bottom() else y - 6 - height
        top = min(max(top, plot.top() + 4), plot.bottom() - height - 4)
        middle = self.pointer.x() if self.pointer is not None else plot.center().x()
        left = min(max(plot.left() + 4, middle - width // 2), plot.right() - width - 4)
        box = QRect(left, top, width, height)
        paint_box(painter, box, lines, text, theme.WARNING if ghost.would_fill else theme.TEXT, color)
        painter.setClipping(False)
        words = (vm.price_text(ghost.price),)
        self._axes.tag(painter, self.geometry, y, words, theme.FOCUS, theme.WINDOW, firm=True)

    @property
    def _named_bar(self) -> int | None:
        """The bar under the pointer here, else under that of a linked chart."""
        return self.bar if self.bar is not None else self._vm.linked_bar

    def _paint_crosshair(self, painter: QPainter) -> None:
        vm, plot, at = self._vm, self.geometry.plot, self.pointer
        bar = self._named_bar
        if not vm.bars.count or vm.trading.ghost is not None:
            return
        painter.setPen(_CROSSHAIR)
        if bar is not None:
            x = round(vm.viewport.x_of(bar)) + plot.left()
            if plot.left() <= x <= plot.right():
                painter.drawLine(x, plot.top(), x, self.geometry.floor - 1)
                self._axes.time_tag(painter, self.geometry, x, vm.time_text(bar))
        if at is not None and plot.contains(at) and not self._is_on_label(at):
            painter.setPen(_CROSSHAIR)
            painter.drawLine(plot.left(), at.y(), plot.right(), at.y())
            price = vm.trading.snapped(self.geometry.price_at(vm.scale, at.y()))
            if price is not None:
                words = (vm.price_text(price),)
                tint = (theme.BORDER_STRONG, theme.TEXT)
                self._axes.tag(painter, self.geometry, at.y(), words, *tint, firm=True)
        elif at is not None and self.geometry.whole.contains(at):
            self.indicators.paint_level(painter, vm, self.geometry, self._axes, at)

    def _is_on_label(self, at: QPoint) -> bool:
        """Whether a line through a point would strike out the words of an order, a position or a contract."""
        hit = self.position_at(at)
        if self.indicators.legend_at(at) is not None:
            return True
        return self.line_at(at) is not None or (hit is not None and hit.part is not Part.LEG)

    def _paint_hint(self, painter: QPainter) -> None:
        self.bubble = QRect()
        hint = self._vm.hint
        if not hint:
            return
        text, plot = self._words, self.geometry.plot
        if text.width(hint) + 40 > plot.width() - 16:
            hint = hint.partition(" to ")[0]  # in a narrow chart the first half says enough
        width = min(text.width(hint) + 40, plot.width() - 16)
        box = QRect(plot.center().x() - width // 2, 0, width, 28)
        box.moveBottom(plot.top() + self.geometry.price_height - 10)
        self.bubble = box
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.MUTED), 1))
        painter.setBrush(QColor(theme.RAISED))
        painter.drawRoundedRect(box.adjusted(0, 0, -1, -1), 6, 6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        y = box.top() + (28 - text.height) // 2
        text.left(painter, box.left() + 12, y, text.fitting(hint, width - 40), theme.TEXT)
        text.right(painter, box.right() - 10, y, "×", theme.TEXT_2)

    def _paint_state(self, painter: QPainter) -> None:
        """The state in words, in the middle; over the bars in a box."""
        vm, text, plot = self._vm, self._words, self.geometry.plot
        if vm.state is ChartState.LIVE or not vm.reason:
            return
        broken = vm.state in (ChartState.STALE, ChartState.FAILED)
        words = text.fitting(f"▲ {vm.reason}" if broken else vm.reason, plot.width() - 40)
        color = theme.WARNING if broken else theme.TEXT_2
        width, height = text.width(words) + 24, 28
        box = QRect(plot.center().x() - width // 2, plot.center().y() - height // 2, width, height)
        if vm.bars.count:
            if not broken:
                box.moveTop(plot.top() + 30)
            paint_box(painter, box, (), text, color, theme.BORDER_STRONG)
        text.left(painter, box.left() + 12, box.top() + (height - text.height) // 2, words, color)

    # -- what is under a point ------------------------------------------------------------------------

    def line_at(self, at: QPoint) -> OrderLine | None:
        """The order whose chip is under a point; the topmost one."""
        for line, box in reversed(self._boxes):
            if box.adjusted(0, -_GRIP_PX, 0, _GRIP_PX).contains(at):
                return line
        return None

    def grip_at(self, at: QPoint) -> OrderLine | None:
        """The order whose line is within a few pixels of a point; the nearest one."""
        if not self.geometry.plot.contains(at):
            return None
        near = [(abs(at.y() - y), line) for line, y in self._grips if abs(at.y() - y) <= _LINE_GRIP_PX]
        return min(near, key=lambda each: each[0])[1] if near else None

    def position_at(self, at: QPoint) -> Hit | None:
        """The part of a position under a point."""
        return self._positions.hit(at)

    def on_cross(self, at: QPoint, line: OrderLine) -> bool:
        return any(one is line and at.x() > box.right() - CROSS_PX for one, box in self._boxes)

    def price_under(self, at: QPoint) -> Decimal | None:
        y = min(max(at.y(), self.geometry.plot.top()), self.geometry.plot.bottom())
        return self._vm.trading.snapped(self.geometry.price_at(self._vm.scale, y))

    def mark_text(self, at: QPoint) -> str:
        """What the fills near a point were."""
        vm, found = self._vm, []
        for mark in vm.trading.marks:
            if abs(vm.viewport.x_of(mark.bar) - at.x()) <= _NEAR_PX:
                tip = mark_point(mark, vm.viewport, vm.scale, self.geometry)
                middle = tip.y() + (4 if mark.side is Side.BUY else -4)
                if abs(middle - at.y()) <= _NEAR_PX:
                    found.append(mark.text)
        return "\n".join(found[-12:])
