"""The picture of a chart, with its mouse and keyboard.

Everything that stands still between two frames (grid, labels, finished bars) is one cached picture; a frame
copies it and draws the running bar, tags, orders and the crosshair over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QWidget

from terminal.domain.market import Side
from terminal.viewmodels.chart import ChartState, ChartViewModel, interval_text
from terminal.viewmodels.chart_bars import VOLUME
from terminal.viewmodels.chart_orders import OrderLine
from terminal.widgets import theme
from terminal.widgets.chart_axes import TIME_PX, Axes
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
from terminal.widgets.controls import hatch_brush
from terminal.widgets.painted import TextCache

_VOLUME_SHARE: Final = 0.16
_DRAG_PX: Final = 4
_ZOOM_A_NOTCH: Final = 1.15
_STRETCH_A_PX: Final = 1.006
_READOUT_PX: Final = 8
_NEAR_PX: Final = 9
# A cancel is never a smaller target than 28 px, however thin the chip is drawn.
_GRIP_PX: Final = 4

_PANEL = QColor(theme.PANEL)
_VEIL = theme.color(theme.PANEL, 120)
_STALE = theme.color(theme.WARNING, 36)
_CROSSHAIR = QPen(QColor(theme.MUTED), 1, Qt.PenStyle.DashLine)


@dataclass(slots=True)
class _Grab:
    """What is under a pressed left button."""

    at: QPoint
    last: QPoint
    line: OrderLine | None = None
    on_cross: bool = False
    on_axis: bool = False
    moving: bool = False


class ChartView(QWidget):
    """Draws the view-model; mouse and keys go to it."""

    def __init__(self, vm: ChartViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._axes = Axes()
        self._bars = BarPainter()
        self._numbers = TextCache(theme.number_font(theme.TABLE_PX))
        self._words = TextCache(theme.ui_font(theme.TABLE_PX))
        self._geometry = Geometry(QRect(0, 0, 1, 1), 1)
        self._picture, self._drawn = QPixmap(), ()  # type: tuple[QPixmap, tuple[object, ...]]
        self._pointer: QPoint | None = None
        self._cursor: int | None = None
        self._grab: _Grab | None = None
        self._boxes: list[tuple[OrderLine, QRect]] = []
        self._bubble = QRect()
        self._readout = QRect()
        self._build_ui()
        self._bind()

    def _build_ui(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(240, 160)

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)

    def _render(self) -> None:
        if self._axes.fit(self._vm):
            self._layout()
        name = f"Chart {self._vm.title}, {interval_text(self._vm.interval_s, long=True)}"
        if name != self.accessibleName():
            self.setAccessibleName(name)
        self.update()

    def _layout(self) -> None:
        plot = QRect(0, 0, max(1, self.width() - self._axes.width), max(1, self.height() - TIME_PX))
        share = _VOLUME_SHARE if self._vm.show_volume else 0.0
        self._geometry = Geometry(plot, max(1, round(plot.height() * (1 - share))))
        self._vm.set_plot_width(plot.width())

    @property
    def geometry_of_plot(self) -> Geometry:
        """Where bars and prices stand, for overlays and tests."""
        return self._geometry

    # -- drawing --------------------------------------------------------------------------------------

    def _paint_still(self, most_volume: float) -> None:
        """The cached picture: made anew only when something in it has changed."""
        vm, ratio = self._vm, self.devicePixelRatioF()
        key = (
            self.size(), ratio, self._geometry, self._axes.width, vm.viewport.right, vm.viewport.spacing,
            vm.scale.low, vm.scale.high, vm.bars.version, vm.bars.count, most_volume, vm.clock_times,
            vm.state is ChartState.UNSUPPORTED,
        )  # fmt: skip
        if key == self._drawn:
            return
        self._drawn = key
        if self._picture.size() != self.size() * ratio or self._picture.devicePixelRatio() != ratio:
            self._picture = QPixmap(self.size() * ratio)
            self._picture.setDevicePixelRatio(ratio)
        self._picture.fill(_PANEL)
        painter = QPainter(self._picture)
        self._axes.paint(painter, vm, self._geometry, self.rect())
        painter.setClipRect(self._geometry.plot)
        stop = min(vm.viewport.stop, vm.bars.count - 1)
        self._bars.paint(
            painter, vm.bars, vm.viewport.first, stop, vm.viewport, vm.scale, self._geometry, most_volume
        )
        painter.end()

    def _most_volume(self) -> float:
        vm = self._vm
        seen = vm.bars.column(VOLUME)[vm.viewport.first : vm.viewport.stop]
        return float(seen.max()) if vm.show_volume and len(seen) else 0.0

    def _paint_moving(self, painter: QPainter, most_volume: float) -> None:
        """What may differ from frame to frame."""
        vm, plot = self._vm, self._geometry.plot
        painter.setClipRect(plot)
        last = vm.bars.count - 1
        if vm.viewport.first <= last < vm.viewport.stop:
            self._bars.paint(
                painter, vm.bars, last, last + 1, vm.viewport, vm.scale, self._geometry, most_volume
            )
        paint_marks(painter, vm.trading.marks, vm.viewport, vm.scale, self._geometry)
        if vm.state in (ChartState.STALE, ChartState.FAILED):
            painter.fillRect(plot, _VEIL)
            painter.fillRect(plot, hatch_brush(_STALE))
        self._paint_last(painter)
        self._paint_readout(painter)
        self._paint_history(painter)
        self._paint_orders(painter)
        self._paint_ghost(painter)
        self._paint_crosshair(painter)
        self._paint_hint(painter)

    def _paint_last(self, painter: QPainter) -> None:
        vm, price = self._vm, self._vm.last_price
        if price is None:
            return
        stale = vm.state is not ChartState.LIVE
        up = vm.last_direction > 0
        y = round(self._geometry.y_of(vm.scale, float(price)))
        painter.setClipRect(self._geometry.plot)
        color = theme.MUTED if stale else theme.UP if up else theme.DOWN
        painter.setPen(QPen(QColor(color), 1, Qt.PenStyle.DotLine))
        painter.drawLine(self._geometry.plot.left(), y, self._geometry.plot.right(), y)
        painter.setClipping(False)
        lines = tuple(text for text in (vm.price_text(price), vm.countdown) if text)
        fill = theme.BORDER_STRONG if stale else theme.BUY_FILL if up else theme.SELL_FILL
        self._axes.tag(painter, self._geometry, y, lines, fill, theme.WHITE, hatched=stale)

    def _paint_readout(self, painter: QPainter) -> None:
        """Open, high, low, close, volume and change of the bar under the pointer, in one row or two."""
        readout = self._vm.readout(self._bar_under())
        self._readout = QRect()
        if readout is None:
            return
        tint = theme.UP if readout.direction > 0 else theme.DOWN
        parts = [[(readout.time, theme.TEXT_2)]]
        parts += [[(letter + " ", theme.MUTED), (value, tint)] for letter, value in readout.values]
        parts.append([(readout.change, tint)])
        text, plot = self._numbers, self._geometry.plot
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

    def _paint_history(self, painter: QPainter) -> None:
        """Older bars are loading, or there are none."""
        vm, text, plot = self._vm, self._words, self._geometry.plot
        note = "Loading older bars…" if vm.loading_older else vm.history_note
        if not note or vm.viewport.index_at(0) > 0 or not vm.bars.count:
            return
        room = min(plot.width() - 16, max(220, round(vm.viewport.x_of(0)) - 24))
        shown = text.fitting(note, room)
        y = self._readout.bottom() + 8
        painter.fillRect(plot.left() + 4, y - 2, text.width(shown) + 8, text.height + 4, _PANEL)
        text.left(painter, plot.left() + 8, y, shown, theme.MUTED)

    def _paint_orders(self, painter: QPainter) -> None:
        vm, plot = self._vm, self._geometry.plot
        self._boxes = []
        inside, above, below = [], 0, 0
        for line in vm.trading.lines:
            y = round(self._geometry.y_of(vm.scale, float(line.price)))
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
                    at = round(self._geometry.y_of(vm.scale, float(other)))
                    painter.drawLine(plot.left(), at, plot.right(), at)
        boxes = placed_chips(
            tuple(line for line, _ in inside),
            [y for _, y in inside],
            [chip_width(self._numbers, line) for line, _ in inside],
            plot.left() + _READOUT_PX, plot.right(), self._readout,
        )  # fmt: skip
        for (line, _), box in zip(inside, boxes, strict=True):
            paint_chip(painter, box, line, self._numbers, chosen=line is chosen)
            self._boxes.append((line, box))
        painter.setClipping(False)
        for line, y in inside:
            self._axes.tag(
                painter,
                self._geometry,
                y,
                (vm.price_text(line.price),),
                side_fill(line.chip.side),
                theme.WHITE,
            )
        self._paint_far(painter, above, below)

    def _paint_far(self, painter: QPainter, above: int, below: int) -> None:
        """Orders at prices that are out of sight."""
        text, plot = self._words, self._geometry.plot
        for count, sign, top in ((above, "▲", True), (below, "▼", False)):
            if count:
                words = f"{sign} {count} order{'' if count == 1 else 's'} {'above' if top else 'below'}"
                width = text.width(words) + 12
                y = plot.top() + 4 if top else plot.bottom() - text.height - 6
                painter.fillRect(plot.right() - width - 4, y, width, text.height + 4, QColor(theme.RAISED))
                text.left(painter, plot.right() - width + 2, y + 2, words, theme.TEXT_2)

    def _paint_ghost(self, painter: QPainter) -> None:
        vm, plot, text = self._vm, self._geometry.plot, self._numbers
        ghost = vm.trading.ghost
        if ghost is None:
            return
        y = round(self._geometry.y_of(vm.scale, float(ghost.price)))
        color = theme.WARNING if ghost.would_fill else theme.FOCUS
        painter.setClipRect(plot)
        painter.setPen(QPen(QColor(color), 1, Qt.PenStyle.DashLine))
        painter.drawLine(plot.left(), y, plot.right(), y)
        lines = (f"{ghost.line.chip.text}   {ghost.text}", ghost.detail)
        width = min(plot.width() - 8, max(text.width(each) for each in lines) + 18)
        height = 2 * text.height + 8
        top = y + 6 if y + 6 + height < plot.bottom() else y - 6 - height
        middle = self._pointer.x() if self._pointer is not None else plot.center().x()
        left = min(max(plot.left() + 4, middle - width // 2), plot.right() - width - 4)
        box = QRect(left, top, width, height)
        paint_box(painter, box, lines, text, theme.WARNING if ghost.would_fill else theme.TEXT, color)
        painter.setClipping(False)
        self._axes.tag(painter, self._geometry, y, (vm.price_text(ghost.price),), theme.FOCUS, theme.WINDOW)

    def _paint_crosshair(self, painter: QPainter) -> None:
        vm, plot, at = self._vm, self._geometry.plot, self._pointer
        bar = self._bar_under()
        if not vm.bars.count or vm.trading.ghost is not None:
            return
        painter.setPen(_CROSSHAIR)
        if bar is not None:
            x = round(vm.viewport.x_of(bar)) + plot.left()
            if plot.left() <= x <= plot.right():
                painter.drawLine(x, plot.top(), x, plot.bottom())
                self._axes.time_tag(painter, self._geometry, x, vm.time_text(bar))
        if at is not None and plot.contains(at) and self._line_at(at) is None:
            painter.setPen(_CROSSHAIR)
            painter.drawLine(plot.left(), at.y(), plot.right(), at.y())
            price = vm.trading.snapped(self._geometry.price_at(vm.scale, at.y()))
            if price is not None:
                words = (vm.price_text(price),)
                self._axes.tag(painter, self._geometry, at.y(), words, theme.BORDER_STRONG, theme.TEXT)

    def _paint_hint(self, painter: QPainter) -> None:
        self._bubble = QRect()
        hint = self._vm.hint
        if not hint:
            return
        text, plot = self._words, self._geometry.plot
        width = min(text.width(hint) + 40, plot.width() - 16)
        box = QRect(plot.center().x() - width // 2, 0, width, 28)
        box.moveBottom(plot.top() + self._geometry.price_height - 10)
        self._bubble = box
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
        vm, text, plot = self._vm, self._words, self._geometry.plot
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

    # -- where is what --------------------------------------------------------------------------------

    def _bar_under(self) -> int | None:
        """The bar under the pointer or the keyboard's cursor."""
        vm, plot = self._vm, self._geometry.plot
        if self._cursor is not None:
            return min(self._cursor, vm.bars.count - 1)
        if self._pointer is None or not plot.contains(self._pointer) or self._dragged_line is not None:
            return None
        return max(0, round(vm.viewport.index_at(self._pointer.x() - plot.left())))

    @property
    def _dragged_line(self) -> OrderLine | None:
        return self._grab.line if self._grab is not None and self._grab.moving else None

    def _line_at(self, at: QPoint) -> OrderLine | None:
        """The order whose chip is under a point; the topmost one."""
        for line, box in reversed(self._boxes):
            if box.adjusted(0, -_GRIP_PX, 0, _GRIP_PX).contains(at):
                return line
        return None

    def _on_cross(self, at: QPoint, line: OrderLine) -> bool:
        return any(one is line and at.x() > box.right() - CROSS_PX for one, box in self._boxes)

    def _price_under(self, at: QPoint) -> Decimal | None:
        y = min(max(at.y(), self._geometry.plot.top()), self._geometry.plot.bottom())
        return self._vm.trading.snapped(self._geometry.price_at(self._vm.scale, y))

    def _mark_text(self, at: QPoint) -> str:
        """What the fills near a point were."""
        vm, found = self._vm, []
        for mark in vm.trading.marks:
            if abs(vm.viewport.x_of(mark.bar) - at.x()) <= _NEAR_PX:
                tip = mark_point(mark, vm.viewport, vm.scale, self._geometry)
                middle = tip.y() + (4 if mark.side is Side.BUY else -4)
                if abs(middle - at.y()) <= _NEAR_PX:
                    found.append(mark.text)
        return "\n".join(found[-12:])

    # -- menus ----------------------------------------------------------------------------------------

    def _open_menu(self, at: QPoint, price: Decimal) -> None:
        """What can be done at a price. The price is the one under the pointer when the menu was asked for."""
        vm = self._vm
        menu = QMenu(self)
        title = menu.addAction(f"{vm.badge} · {vm.title}" if vm.badge else vm.title)
        title.setEnabled(False)
        for entry in vm.trading.menu_at(price):
            action = menu.addAction(f"{entry.text}…")
            action.triggered.connect(partial(self._on_entry_chosen, entry))
        menu.addSeparator()
        words = vm.price_text(price)
        menu.addAction(f"Copy price {words}").triggered.connect(
            lambda: QGuiApplication.clipboard().setText(format(price, "f"))
        )
        if not vm.scale.auto:
            menu.addAction("Fit prices to the bars").triggered.connect(vm.fit_prices)
        if not vm.is_at_last:
            menu.addAction("Go to the last bar").triggered.connect(vm.go_to_last)
        vm.hold_prices(True)
        vm.dismiss_hint()
        menu.aboutToHide.connect(lambda: vm.hold_prices(False))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def _on_entry_chosen(self, entry: object, _checked: bool = False) -> None:
        self._vm.propose(entry)  # type: ignore[arg-type]

    def _open_orders_menu(self, line: OrderLine, at: QPoint, *, move: bool) -> None:
        """Several orders in one chip: which of them?"""
        trading = self._vm.trading
        menu = QMenu(self)
        orders = trading.orders_of(line)
        word = "Move" if move else "Cancel"
        if len(orders) > 1:
            every = menu.addAction(f"{word} all {len(orders)}")
            every.triggered.connect(lambda: trading.drop() if move else trading.cancel(line))
            menu.addSeparator()
        for order in orders:
            action = menu.addAction(f"{word} {trading.order_text(order)}")
            one = order.client_order_id
            if move:
                action.triggered.connect(lambda _=False, only=one: trading.drop(only=only))
            else:
                action.triggered.connect(lambda _=False, only=one: trading.cancel(line, only))
        if move:
            # A chosen action takes the ghost right after the menu has gone; without one it goes back.
            menu.aboutToHide.connect(lambda: QTimer.singleShot(0, self, self._on_move_menu_hidden))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def _on_move_menu_hidden(self) -> None:
        if self._vm.trading.sending.pending is None:
            self._vm.trading.revert()

    # -- Qt -------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        for cache in (self._numbers, self._words, self._axes.text):
            cache.set_ratio(ratio)
        most_volume = self._most_volume()
        self._paint_still(most_volume)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        if self._vm.bars.count and self._vm.state is not ChartState.UNSUPPORTED:
            self._paint_moving(painter, most_volume)
        painter.setClipping(False)
        self._paint_state(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.FOCUS), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._layout()
        super().resizeEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        if self._grab is None:
            self._pointer = None
            self.update()
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._cursor = None
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        if self._bubble.contains(at):
            self._vm.dismiss_hint()
            return
        line = self._line_at(at)
        on_axis = at.x() >= self._geometry.plot.right()
        self._grab = _Grab(at, at, line, line is not None and self._on_cross(at, line), on_axis)
        self._vm.trading.select(line)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        self._pointer = at
        grab = self._grab
        if grab is not None:
            self._drag(grab, at)
        else:
            self._point(at)
        self.update()

    def _point(self, at: QPoint) -> None:
        line = self._line_at(at)
        if line is not None:
            shape = (
                Qt.CursorShape.PointingHandCursor
                if self._on_cross(at, line)
                else Qt.CursorShape.SizeVerCursor
            )
            tip = "Cancel" if self._on_cross(at, line) else "Drag to another price"
        elif self._bubble.contains(at):
            shape, tip = Qt.CursorShape.PointingHandCursor, "Do not show again"
        elif at.x() >= self._geometry.plot.right():
            shape, tip = Qt.CursorShape.SizeVerCursor, ""
        else:
            shape, tip = Qt.CursorShape.CrossCursor, self._mark_text(at)
        if self.cursor().shape() is not shape:
            self.setCursor(shape)
        if tip != self.toolTip():
            self.setToolTip(tip)

    def _drag(self, grab: _Grab, at: QPoint) -> None:
        if not grab.moving:
            moved = at - grab.at
            if moved.manhattanLength() < _DRAG_PX:
                return
            grab.moving = True
        if grab.line is not None:
            price = self._price_under(at)
            if price is not None:
                self._vm.trading.drag(grab.line, price)
        elif grab.on_axis:
            self._vm.stretch(_STRETCH_A_PX ** (at.y() - grab.last.y()))
        else:
            by = at - grab.last
            self._vm.pan(by.x(), by.y(), self._geometry.price_height)
        grab.last = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        grab, self._grab = self._grab, None
        if grab is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        at, line = event.position().toPoint(), grab.line
        if not self.rect().contains(at):
            self._pointer = None
        if line is None:
            self.update()
            return
        place = event.globalPosition().toPoint()
        if grab.moving:
            if len(line.chip.order_ids) > 1 and self._vm.trading.ghost is not None:
                self._open_orders_menu(line, place, move=True)
            else:
                self._vm.trading.drop(across=_has_control(event))
        elif grab.on_cross and self._on_cross(at, line):
            self._cancel(line, place)

    def _cancel(self, line: OrderLine, at: QPoint) -> None:
        if len(line.chip.order_ids) > 1:
            self._open_orders_menu(line, at, move=False)
        else:
            self._vm.trading.cancel(line)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.position().toPoint().x() >= self._geometry.plot.right():
            self._vm.fit_prices()
        else:
            self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._grab is not None:
            # The right button in the middle of a drag takes it back.
            self._grab = None
            self._vm.trading.revert()
            return
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        at = self._key_place() if by_key else event.pos()
        line = self._vm.trading.selected_line if by_key else self._line_at(at)
        where = self.mapToGlobal(at)
        if line is not None:
            self._open_orders_menu(line, where, move=False)
            return
        price = self._vm.last_price if by_key else self._price_under(at)
        if price is not None and self._vm.bars.count:
            self._open_menu(where, price)

    def _key_place(self) -> QPoint:
        price, plot = self._vm.last_price, self._geometry.plot
        y = plot.center().y() if price is None else round(self._geometry.y_of(self._vm.scale, float(price)))
        return QPoint(plot.center().x(), min(max(y, plot.top()), plot.bottom()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        if self._grab is not None and self._grab.moving:
            return
        at, delta = event.position(), event.angleDelta()
        if at.x() >= self._geometry.plot.right():
            self._vm.stretch(_ZOOM_A_NOTCH ** (-delta.y() / 120))
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier or abs(delta.x()) > abs(delta.y()):
            self._vm.pan((delta.x() or delta.y()) / 2)
        elif delta.y():
            self._vm.zoom(_ZOOM_A_NOTCH ** (delta.y() / 120), at.x() - self._geometry.plot.left())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._act_on_key(event):
            self._speak()
            self.update()
            event.accept()
        else:
            super().keyPressEvent(event)

    def _act_on_key(self, event: QKeyEvent) -> bool:
        key, vm = event.key(), self._vm
        trading, held = vm.trading, event.isAutoRepeat()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        line = trading.ghost.line if trading.ghost is not None else trading.selected_line
        direction = -1 if key in (Qt.Key.Key_Up, Qt.Key.Key_Left) else 1
        if key == Qt.Key.Key_Escape and self._can_escape():
            self._escape()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            if shift and line is not None:
                trading.nudge(line, -direction)
            else:
                trading.select_next(direction)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._move_cursor(direction * (10 if shift else 1))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            factor = _ZOOM_A_NOTCH if key != Qt.Key.Key_Minus else 1 / _ZOOM_A_NOTCH
            vm.zoom(factor, self._geometry.plot.width())
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            way = 1 if key == Qt.Key.Key_PageUp else -1
            vm.pan(way * self._geometry.plot.width() * 0.8)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._cursor = None
            if key == Qt.Key.Key_Home:
                vm.go_to_first()
            else:
                vm.go_to_last()
        elif key == Qt.Key.Key_Space:
            vm.fit_prices()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and trading.ghost is not None and not held:
            trading.drop(across=_has_control(event))
        elif key == Qt.Key.Key_Delete and line is not None and not held:
            self._cancel(line, self.mapToGlobal(self._key_place()))
        else:
            return False
        return True

    def _can_escape(self) -> bool:
        return (
            self._vm.trading.ghost is not None or self._cursor is not None or bool(self._vm.trading.selected)
        )

    def _escape(self) -> None:
        """Esc takes back one thing at a time: a drag, the cursor, the chosen line."""
        trading = self._vm.trading
        if trading.ghost is not None:
            self._grab = None
            if trading.sending.pending is not None:
                trading.sending.discard()
            trading.revert()
        elif self._cursor is not None:
            self._cursor = None
        else:
            trading.select(None)

    def _move_cursor(self, bars: int) -> None:
        vm = self._vm
        if not vm.bars.count:
            return
        start = self._cursor if self._cursor is not None else vm.bars.count - 1 - bars
        self._cursor = min(max(0, start + bars), vm.bars.count - 1)
        x = vm.viewport.x_of(self._cursor)
        if x < 0:
            vm.pan(-x + 40)
        elif x > self._geometry.plot.width():
            vm.pan(self._geometry.plot.width() - x - 40)

    def _speak(self) -> None:
        """Tell a screen reader the chosen order, or the bar under the cursor."""
        vm, ghost = self._vm, self._vm.trading.ghost
        line = vm.trading.selected_line
        if ghost is not None:
            words = f"{ghost.text}, {ghost.detail}"
        elif line is not None:
            words = f"{line.chip.side.value} {line.chip.text} at {vm.price_text(line.price)}"
        else:
            readout = vm.readout(self._bar_under())
            if readout is None:
                return
            values = ", ".join(f"{letter} {value}" for letter, value in readout.values)
            words = f"{readout.time}, {values}, {readout.change}"
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)


def _has_control(event: QMouseEvent | QKeyEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
