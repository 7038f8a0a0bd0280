"""A chart's mouse and keyboard: panning, zooming, dragging an order, the menu at a price.

What is meant for an indicator goes to ``chart_indicator_hand``.
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
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QWidget

from terminal.viewmodels.chart import ChartViewModel, interval_text
from terminal.viewmodels.chart_orders import MenuEntry, OrderLine
from terminal.viewmodels.chart_positions import DealLine, LegKind
from terminal.viewmodels.position_rows import GIVE_BACK, can_end_now
from terminal.widgets.chart_indicator_hand import IndicatorHand
from terminal.widgets.chart_items import Geometry
from terminal.widgets.chart_picture import ChartPicture
from terminal.widgets.chart_position_items import Hit, Part
from terminal.widgets.painted import paint_focus

_DRAG_PX: Final = 4
_ZOOM_A_NOTCH: Final = 1.15
_STRETCH_A_PX: Final = 1.006


@dataclass(slots=True)
class _Grab:
    """What is under a pressed left button."""

    at: QPoint
    last: QPoint
    line: OrderLine | None = None
    hit: Hit | None = None
    """A part of a position."""
    on_cross: bool = False
    on_axis: bool = False
    moving: bool = False


def _entries(hit: Hit) -> tuple[tuple[str, str], ...]:
    """What the menu of a position offers: action and words."""
    if isinstance(hit.line, DealLine):
        return ((GIVE_BACK.key, f"{GIVE_BACK.text}…"),) if can_end_now(hit.line.row) else ()
    return (
        ("close", "Close…"),
        ("half", "Close half…"),
        ("reverse", "Reverse…"),
        ("double", "Double…"),
    )


class ChartView(QWidget):
    """Draws the view-model; mouse and keys go to it."""

    def __init__(self, vm: ChartViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._picture = ChartPicture(vm)
        self._hand = IndicatorHand(self, vm, self._picture)
        self._cursor: int | None = None
        self._grab: _Grab | None = None
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
        if self._picture.fit():
            self._layout()
        name = f"Chart {self._vm.title}, {interval_text(self._vm.interval_s, long=True)}"
        if name != self.accessibleName():
            self.setAccessibleName(name)
        self.update()

    def _layout(self) -> None:
        self._picture.layout(self.size())
        self._vm.set_plot_width(self._picture.geometry.plot.width())

    @property
    def geometry_of_plot(self) -> Geometry:
        """Where bars and prices stand, for overlays and tests."""
        return self._picture.geometry

    @property
    def below_legends(self) -> QRect:
        """The part of the plot in which no figures stand: what lies over the chart for a moment lies here."""
        plot = QRect(self._picture.geometry.plot)
        plot.setTop(self._picture.legend_bottom)
        return plot

    # -- where is what --------------------------------------------------------------------------------

    def _bar_under(self) -> int | None:
        """The bar under the pointer or the keyboard's cursor."""
        vm, plot, at = self._vm, self._picture.geometry.whole, self._picture.pointer
        if self._cursor is not None:
            return min(self._cursor, vm.bars.count - 1)
        if at is None or not plot.contains(at) or self._dragged_line is not None:
            return None
        return max(0, round(vm.viewport.index_at(at.x() - plot.left())))

    @property
    def _dragged_line(self) -> OrderLine | None:
        return self._grab.line if self._grab is not None and self._grab.moving else None

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

    def _on_entry_chosen(self, entry: MenuEntry, _checked: bool = False) -> None:
        self._vm.propose(entry)

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
        self._picture.bar = self._bar_under()
        painter = QPainter(self)
        self._picture.paint(painter, self.size(), self.devicePixelRatioF())
        if self.hasFocus():
            paint_focus(painter, self.rect())
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._layout()
        super().resizeEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        if self._grab is None:
            self._picture.pointer = None
            self._vm.point(self._bar_under())
            self.update()
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._cursor = None
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        if self._picture.bubble.contains(at):
            self._vm.dismiss_hint()
            return
        if self._hand.press(at):
            return
        line = self._picture.line_at(at)
        on_axis = at.x() >= self._picture.geometry.plot.right()
        on_cross = line is not None and self._picture.on_cross(at, line)
        hit = self._picture.position_at(at) if line is None else None
        if line is None and hit is None:
            line = self._picture.grip_at(at)
        self._grab = _Grab(at, at, line, hit, on_cross, on_axis)
        self._vm.trading.select(line)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        self._picture.pointer = at
        grab = self._grab
        if self._hand.drags:
            self._hand.drag(at)
        elif grab is not None:
            self._drag(grab, at)
        else:
            self._point(at)
        self._vm.point(self._bar_under())
        self.update()

    def _point(self, at: QPoint) -> None:
        line = self._picture.line_at(at)
        if (found := self._hand.shape_at(at)) is not None:
            shape, tip = found
        elif line is not None:
            shape = (
                Qt.CursorShape.PointingHandCursor
                if self._picture.on_cross(at, line)
                else Qt.CursorShape.SizeVerCursor
            )
            tip = "Cancel" if self._picture.on_cross(at, line) else "Drag to another price"
        elif (hit := self._picture.position_at(at)) is not None:
            drags = hit.part.can_be_dragged
            shape = Qt.CursorShape.SizeVerCursor if drags else Qt.CursorShape.PointingHandCursor
            tip = hit.tip
        elif self._picture.bubble.contains(at):
            shape, tip = Qt.CursorShape.PointingHandCursor, "Do not show again"
        elif self._picture.grip_at(at) is not None:
            shape, tip = Qt.CursorShape.SizeVerCursor, "Drag to another price"
        elif at.x() >= self._picture.geometry.plot.right():
            shape, tip = Qt.CursorShape.SizeVerCursor, ""
        else:
            shape, tip = Qt.CursorShape.CrossCursor, self._picture.mark_text(at)
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
            price = self._picture.price_under(at)
            if price is not None:
                self._vm.trading.drag(grab.line, price)
        elif grab.hit is not None:
            self._drag_leg(grab.hit, at)
        elif self._picture.geometry.pane_at(grab.at.y()) is not None:
            # A pane fits itself to its lines.
            self._vm.pan(at.x() - grab.last.x())
        elif grab.on_axis:
            self._vm.stretch(_STRETCH_A_PX ** (at.y() - grab.last.y()))
        else:
            by = at - grab.last
            self._vm.pan(by.x(), by.y(), self._picture.geometry.price_height)
        grab.last = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        grab, self._grab = self._grab, None
        if self._hand.release():
            self._point(event.position().toPoint())
            return
        if grab is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        at, line = event.position().toPoint(), grab.line
        if grab.hit is not None:
            self._release_hit(grab, at)
            return
        if not self.rect().contains(at):
            self._picture.pointer = None
        if line is None:
            self.update()
            return
        place = event.globalPosition().toPoint()
        if grab.moving:
            if len(line.chip.order_ids) > 1 and self._vm.trading.ghost is not None:
                self._open_orders_menu(line, place, move=True)
            else:
                self._vm.trading.drop(across=_has_control(event))
        elif grab.on_cross and self._picture.on_cross(at, line):
            self._cancel(line, place)

    def _drag_leg(self, hit: Hit, at: QPoint) -> None:
        price, positions = self._picture.price_under(at), self._vm.positions
        if price is None or positions is None or hit.kind is None or isinstance(hit.line, DealLine):
            return
        if hit.part.can_be_dragged:
            positions.drag(hit.line, hit.kind, price)

    def _release_hit(self, grab: _Grab, at: QPoint) -> None:
        """The end of a drag, or a click on a button of a position."""
        hit, positions = grab.hit, self._vm.positions
        assert hit is not None
        if positions is None:
            return
        if grab.moving:
            positions.drop()
        elif hit.same(self._picture.position_at(at)):
            if hit.part is Part.REMOVE and hit.kind is not None and not isinstance(hit.line, DealLine):
                positions.remove(hit.line, hit.kind)
            elif hit.part in (Part.CLOSE, Part.REVERSE, Part.DOUBLE):
                positions.act(hit.line, hit.part.value)
        self.update()

    def _open_position_menu(self, hit: Hit, at: QPoint) -> None:
        """What can be done with a position."""
        positions = self._vm.positions
        assert positions is not None
        menu = QMenu(self)
        title = menu.addAction(hit.line.text)
        title.setEnabled(False)
        for action, words in _entries(hit):
            menu.addAction(words).triggered.connect(partial(self._on_position_action, hit, action))
        for leg in () if isinstance(hit.line, DealLine) else hit.line.legs:
            word = "stop loss" if leg.kind is LegKind.STOP else "take profit"
            entry = menu.addAction(f"Remove the {word}…")
            entry.triggered.connect(partial(self._on_leg_removed, hit, leg.kind))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def _on_position_action(self, hit: Hit, action: str, _checked: bool = False) -> None:
        if self._vm.positions is not None:
            self._vm.positions.act(hit.line, action)

    def _on_leg_removed(self, hit: Hit, kind: LegKind, _checked: bool = False) -> None:
        if self._vm.positions is not None and not isinstance(hit.line, DealLine):
            self._vm.positions.remove(hit.line, kind)

    def _cancel(self, line: OrderLine, at: QPoint) -> None:
        if len(line.chip.order_ids) > 1:
            self._open_orders_menu(line, at, move=False)
        else:
            self._vm.trading.cancel(line)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.position().toPoint().x() >= self._picture.geometry.plot.right():
            self._vm.fit_prices()
        else:
            self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._grab is not None:
            # The right button in the middle of a drag takes it back.
            self._grab = None
            self._vm.trading.revert()
            if self._vm.positions is not None:
                self._vm.positions.revert()
            return
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        at = self._key_place() if by_key else event.pos()
        line = self._vm.trading.selected_line if by_key else self._picture.line_at(at)
        where = self.mapToGlobal(at)
        if line is not None:
            self._open_orders_menu(line, where, move=False)
            return
        hit = None if by_key else self._picture.position_at(at)
        if hit is not None:
            self._open_position_menu(hit, where)
            return
        indicator = None if by_key else self._hand.indicator_at(at)
        if indicator is not None:
            self._hand.open_own_menu(indicator, at)
            return
        price = self._vm.last_price if by_key else self._picture.price_under(at)
        if price is not None and self._vm.bars.count:
            self._open_menu(where, price)

    def _key_place(self) -> QPoint:
        price, plot = self._vm.last_price, self._picture.geometry.plot
        y = (
            plot.center().y()
            if price is None
            else round(self._picture.geometry.y_of(self._vm.scale, float(price)))
        )
        return QPoint(plot.center().x(), min(max(y, plot.top()), plot.bottom()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        if self._grab is not None and self._grab.moving:
            return
        at, delta = event.position(), event.angleDelta()
        beside_price = self._picture.geometry.pane_at(round(at.y())) is None
        if at.x() >= self._picture.geometry.plot.right() and beside_price:
            self._vm.stretch(_ZOOM_A_NOTCH ** (-delta.y() / 120))
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier or abs(delta.x()) > abs(delta.y()):
            self._vm.pan((delta.x() or delta.y()) / 2)
        elif delta.y():
            self._vm.zoom(_ZOOM_A_NOTCH ** (delta.y() / 120), at.x() - self._picture.geometry.plot.left())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._act_on_key(event):
            self._vm.point(self._bar_under())
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
            vm.zoom(factor, self._picture.geometry.plot.width())
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            way = 1 if key == Qt.Key.Key_PageUp else -1
            vm.pan(way * self._picture.geometry.plot.width() * 0.8)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._cursor = None
            if key == Qt.Key.Key_Home:
                vm.go_to_first()
            else:
                vm.go_to_last()
        elif key == Qt.Key.Key_Space:
            vm.fit_prices()
        elif key == Qt.Key.Key_I and not event.modifiers() and not held:
            self._hand.open_menu(self._picture.geometry.plot.topLeft() + QPoint(_DRAG_PX, _DRAG_PX))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and trading.ghost is not None and not held:
            trading.drop(across=_has_control(event))
        elif key == Qt.Key.Key_Delete and line is not None and not held:
            self._cancel(line, self.mapToGlobal(self._key_place()))
        else:
            return False
        return True

    @property
    def _leg_ghost(self) -> bool:
        return self._vm.positions is not None and self._vm.positions.ghost is not None

    def _can_escape(self) -> bool:
        return (
            self._leg_ghost
            or self._vm.trading.ghost is not None
            or self._cursor is not None
            or bool(self._vm.trading.selected)
        )

    def _escape(self) -> None:
        """Esc takes back one thing at a time: a drag, the cursor, the chosen line."""
        trading = self._vm.trading
        if self._leg_ghost:
            self._grab = None
            assert self._vm.positions is not None
            self._vm.positions.revert()
        elif trading.ghost is not None:
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
        elif x > self._picture.geometry.plot.width():
            vm.pan(self._picture.geometry.plot.width() - x - 40)

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
            if vm.indicators.shown and vm.instrument is not None:
                bar = self._bar_under()
                at = vm.bars.count - 1 if bar is None else bar
                words += f", {vm.indicators.spoken(at, vm.instrument.price_decimals)}"
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
