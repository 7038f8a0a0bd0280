"""The rows of the ladder, painted by hand, with their mouse and keyboard.

Measured: 50 full rows in about half a millisecond, and only the rows that changed are painted.
Painting and hit-testing share every position, which keeps them in one file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QWidget

from terminal.domain.market import Side
from terminal.viewmodels.book import Column, LadderState, LadderViewModel, Press
from terminal.viewmodels.book_rows import Chip, Row
from terminal.widgets import theme
from terminal.widgets.controls import hatch_brush
from terminal.widgets.painted import TextCache, paint_focus

_HEAD_PX: Final = 18
_PAD: Final = 4
_CROSS_PX: Final = 10
_DRAG_PX: Final = 4
_WIDE_CHIP_PX: Final = 74
# Below this a size of five figures would stand in the column of own orders, where a click does other things.
_NO_TRADED_PX: Final = 280
_ROWS_A_NOTCH: Final = 3
_HEADINGS = {
    Column.BUYS: "buys",
    Column.BID: "bid",
    Column.SOLD: "sold",
    Column.PRICE: "price",
    Column.BOUGHT: "bght",
    Column.ASK: "ask",
    Column.SELLS: "sells",
}
_TIPS = {
    Column.BUYS: "My buys",
    Column.BID: "Bid size",
    Column.SOLD: "Sold here since the panel opened",
    Column.PRICE: "Price",
    Column.BOUGHT: "Bought here since the panel opened",
    Column.ASK: "Ask size",
    Column.SELLS: "My sells",
}

_PANEL = QColor(theme.PANEL)
_BETWEEN = QColor(theme.WINDOW)
_HOVER = QColor(theme.HOVER)
_HAIRLINE = QColor(theme.HAIRLINE)
_BID_BAR = QColor(theme.UP_TINT_24)
_ASK_BAR = QColor(theme.DOWN_TINT_24)
_BID_CHIP = QColor(theme.BUY_FILL)
_ASK_CHIP = QColor(theme.SELL_FILL)
_STALE = theme.color(theme.WARNING, 40)
_VEIL = theme.color(theme.PANEL, 70)


@dataclass(slots=True)
class _Grab:
    """A chip under a pressed mouse button."""

    chip: Chip
    at: QPoint
    on_cross: bool
    moving: bool = False


class LadderView(QWidget):
    """Draws the view-model's rows; clicks and keys go to it."""

    def __init__(self, vm: LadderViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._numbers = TextCache(theme.mono_font(theme.TABLE_PX))
        self._small = TextCache(theme.mono_font(theme.LABEL_PX))
        self._words = TextCache(theme.ui_font(theme.LABEL_PX))
        self._row_px = theme.STANDARD.ladder_row
        self._rows: list[Row] = []
        self._edges: dict[Column, tuple[int, int]] = {}
        self._price_px = 0
        self._symbol: object = None
        self._hover: tuple[int, Column] | None = None
        self._pointer = QPoint()
        self._press: Press | None = None
        self._grab: _Grab | None = None
        self._drawn: tuple[object, ...] = ()
        self._build_ui()
        self._bind()

    def _build_ui(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(200, _HEAD_PX + 5 * self._row_px)
        self.setAccessibleName("Ladder")

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)

    def set_density(self, density: theme.Density, *, mono: bool = True) -> None:
        """Other row height and font; ``mono``: figures of a fixed-width face."""
        font = theme.mono_font if mono else theme.number_font
        self._row_px = density.ladder_row
        self._numbers = TextCache(font(density.font))
        self._small = TextCache(font(density.font - 1))
        self._price_px = 0
        self._tell_row_count()
        self.update()

    # -- drawing --------------------------------------------------------------------------------------

    def _render(self) -> None:
        vm = self._vm
        self._fit_columns()
        chrome = (vm.state, vm.reason, vm.armed, vm.ghost, vm.cursor, vm.flash_key, self._price_px)
        rows = vm.rows
        if chrome != self._drawn or len(rows) != len(self._rows):
            self._drawn = chrome
            self._rows = rows
            self.update()
            return
        width, height = self.width(), self._row_px
        for index, row in enumerate(rows):
            if row != self._rows[index]:
                self.update(0, _HEAD_PX + index * height, width, height)
        self._rows = rows

    def _fit_columns(self) -> None:
        """Columns from the width; the price column only ever grows, so that nothing jumps."""
        instrument = self._vm.instrument
        symbol = instrument.id if instrument is not None else None
        if symbol != self._symbol:
            self._symbol, self._price_px = symbol, 0
            self.setAccessibleName(f"Ladder {instrument.symbol}" if instrument is not None else "Ladder")
        wanted = self._numbers.width(self._vm.longest_price) + 2 * _PAD
        if wanted > self._price_px:
            self._price_px = wanted
            self._edges = {}
        if not self._edges:
            self._edges = self._layout(self.width())

    def _layout(self, width: int) -> dict[Column, tuple[int, int]]:
        """Left edge and width of each column."""
        price = max(self._price_px, 56)
        rest = max(0, width - price)
        traded = 0 if width < _NO_TRADED_PX else min(38, max(32, round(rest * 0.135)))
        own = round((rest / 2 - traded) * 0.48)
        size = rest // 2 - traded - own
        widths = (own, size, traded, price, traded, size, own)
        out, x = {}, 0
        for column, each in zip(Column, widths, strict=True):
            out[column] = (x, each)
            x += each
        out[Column.SELLS] = (out[Column.SELLS][0], width - out[Column.SELLS][0])
        return out

    def _paint_rows(self, painter: QPainter, region: QRegion) -> None:
        height, edges, area = self._row_px, self._edges, region.boundingRect()
        first = max(0, (area.top() - _HEAD_PX) // height)
        last = min(len(self._rows) - 1, (area.bottom() - _HEAD_PX) // height)
        text_y = (height - self._numbers.height) // 2
        small_y = (height - self._small.height) // 2
        dim = self._vm.state is not LadderState.LIVE
        bid_x, bid_w = edges[Column.BID]
        ask_x, ask_w = edges[Column.ASK]
        sold_x, sold_w = edges[Column.SOLD]
        bought_x, bought_w = edges[Column.BOUGHT]
        price_x, price_w = edges[Column.PRICE]
        hover_key = self._hover[0] if self._hover is not None else None
        numbers, small, width = self._numbers, self._small, self.width()
        for index in range(first, last + 1):
            row = self._rows[index]
            y = _HEAD_PX + index * height
            if not region.intersects(QRect(0, y, width, height)):
                continue
            if row.key == hover_key:
                painter.fillRect(0, y, width, height, _HOVER)
            elif row.market == "between":
                painter.fillRect(0, y, width, height, _BETWEEN)
            if row.bid:
                bar = max(1, round((bid_w - 1) * row.bid_fraction))
                painter.fillRect(bid_x + bid_w - bar, y, bar, height - 1, _BID_BAR)
                numbers.right(
                    painter, bid_x + bid_w - _PAD, y + text_y, row.bid, theme.MUTED if dim else theme.TEXT
                )
            if row.ask:
                bar = max(1, round((ask_w - 1) * row.ask_fraction))
                painter.fillRect(ask_x, y, bar, height - 1, _ASK_BAR)
                numbers.left(painter, ask_x + _PAD, y + text_y, row.ask, theme.MUTED if dim else theme.TEXT)
            if sold_w and row.sold:
                small.right(painter, sold_x + sold_w - 4, y + small_y, row.sold, theme.DOWN)
            if bought_w and row.bought:
                small.left(painter, bought_x + 4, y + small_y, row.bought, theme.UP)
            if row.last:
                painter.fillRect(price_x, y, price_w, height - 1, _HAIRLINE)
            color = theme.TEXT_2
            if row.market == "bid":
                color = theme.UP
            elif row.market == "ask":
                color = theme.DOWN
            numbers.right(
                painter, price_x + price_w - _PAD, y + text_y, row.price, theme.MUTED if dim else color
            )
            if row.buys is not None:
                self._paint_chip(painter, edges[Column.BUYS], y, row.buys)
            if row.sells is not None:
                self._paint_chip(painter, edges[Column.SELLS], y, row.sells)

    def _paint_chip(self, painter: QPainter, edge: tuple[int, int], y: int, chip: Chip) -> None:
        x, width = edge
        box = QRect(x + 1, y + 1, width - 3, self._row_px - 2)
        fill = _BID_CHIP if chip.side is Side.BUY else _ASK_CHIP
        painter.fillRect(box, fill)
        text = chip.text if width >= _WIDE_CHIP_PX else chip.short
        hot = self._hover is not None and self._hover[0] == chip.key
        room = box.width() - 3
        cross = hot or self._small.width(text) + _CROSS_PX <= room
        text = self._small.fitting(text, room - (_CROSS_PX if cross else 0))
        self._small.left(
            painter, box.left() + 2, y + (self._row_px - self._small.height) // 2, text, theme.WHITE
        )
        if chip.waiting:
            painter.fillRect(box, hatch_brush(theme.color(theme.WHITE, 110)))
        if cross:
            middle = QPoint(box.right() - 5, box.center().y())
            painter.setPen(QPen(QColor(theme.WHITE), 1.3))
            painter.drawLine(middle + QPoint(-3, -3), middle + QPoint(3, 3))
            painter.drawLine(middle + QPoint(-3, 3), middle + QPoint(3, -3))

    def _paint_head(self, painter: QPainter) -> None:
        painter.fillRect(0, 0, self.width(), _HEAD_PX - 1, _PANEL)
        painter.fillRect(0, _HEAD_PX - 1, self.width(), 1, _HAIRLINE)
        y = (_HEAD_PX - self._words.height) // 2
        for column, (x, width) in self._edges.items():
            if not width:
                continue
            text = _HEADINGS[column]
            if column in (Column.BUYS,):
                self._words.left(painter, x + _PAD, y, text, theme.MUTED)
            elif column in (Column.BID, Column.SOLD, Column.PRICE):
                self._words.right(painter, x + width - _PAD, y, text, theme.MUTED)
            else:
                self._words.left(painter, x + _PAD, y, text, theme.MUTED)

    def _paint_over(self, painter: QPainter) -> None:
        """What lies over the rows: stale hatch, cursor, flash, ghost, hint."""
        vm = self._vm
        body = QRect(0, _HEAD_PX, self.width(), self.height() - _HEAD_PX)
        if vm.state in (LadderState.STALE, LadderState.FAILED) and self._rows:
            painter.fillRect(body, _VEIL)
            painter.fillRect(body, hatch_brush(_STALE))
            self._paint_note(painter, f"▲ {vm.reason}", theme.WARNING)
        elif vm.closed_text and self._rows:
            painter.fillRect(body, _VEIL)
            self._paint_note(painter, vm.reason, theme.WARNING)
        elif not self._rows:
            self._paint_note(painter, vm.reason or "No orders in the book.", theme.TEXT_2)
        if vm.flash_key is not None:
            self._outline(painter, vm.flash_key, theme.WARNING, 2)
        if vm.cursor is not None:
            box = self._cell(*vm.cursor)
            if box is not None:
                painter.setPen(QPen(QColor(theme.FOCUS), 2))
                painter.drawRect(box.adjusted(1, 1, -1, -1))
        if vm.ghost is not None:
            self._paint_ghost(painter)
        elif self._hover is not None and vm.armed and self._press is None:
            self._paint_hint(painter)
        if self.hasFocus():
            paint_focus(painter, self.rect())

    def _paint_note(self, painter: QPainter, text: str, color: str) -> None:
        text = self._words.fitting(text, self.width() - 24)
        width = self._words.width(text) + 16
        box = QRect((self.width() - width) // 2, self.height() // 2 - 14, width, 28)
        if self._rows:
            painter.fillRect(box, QColor(theme.RAISED))
        self._words.left(painter, box.left() + 8, box.top() + (28 - self._words.height) // 2, text, color)

    def _paint_ghost(self, painter: QPainter) -> None:
        ghost = self._vm.ghost
        assert ghost is not None
        column = Column.BUYS if ghost.chip.side is Side.BUY else Column.SELLS
        self._outline(painter, ghost.key, theme.WARNING if ghost.would_fill else theme.FOCUS, 1)
        cell = self._cell(ghost.key, column)
        if cell is None:
            return
        painter.setPen(QPen(QColor(theme.FOCUS), 1, Qt.PenStyle.DashLine))
        painter.drawRect(cell.adjusted(1, 1, -2, -2))
        self._small.left(painter, cell.left() + 4, cell.top() + 2, ghost.chip.short, theme.TEXT)
        lines = (ghost.text, ghost.detail)
        width = min(self.width() - 4, max(self._small.width(line) for line in lines) + 14)
        height = 2 * self._small.height + 8
        below = cell.bottom() + 3 + height < self.height()
        x = 2 if ghost.chip.side is Side.BUY else self.width() - width - 2
        box = QRect(x, cell.bottom() + 3 if below else cell.top() - 3 - height, width, height)
        self._paint_tag(painter, box, lines, theme.WARNING if ghost.would_fill else theme.TEXT)

    def _paint_hint(self, painter: QPainter) -> None:
        assert self._hover is not None
        text = self._vm.hint_at(*self._hover)
        if not text:
            return
        text = self._words.fitting(text, self.width() - 18)
        width, height = self._words.width(text) + 14, self._words.height + 8
        x = min(max(2, self._pointer.x() - width // 2), self.width() - width - 2)
        y = self._pointer.y() + 18
        if y + height > self.height():
            y = self._pointer.y() - height - 8
        box = QRect(x, y, width, height)
        painter.fillRect(box, QColor(theme.RAISED))
        painter.setPen(QPen(QColor(theme.DANGER), 1))
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        self._words.left(painter, box.left() + 7, box.top() + 4, text, theme.TEXT)

    def _paint_tag(self, painter: QPainter, box: QRect, lines: tuple[str, ...], color: str) -> None:
        painter.fillRect(box, QColor(theme.RAISED))
        painter.setPen(QPen(QColor(color), 1))
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        for index, text in enumerate(lines):
            shown = self._small.fitting(text, box.width() - 12)
            y = box.top() + 4 + index * self._small.height
            self._small.left(painter, box.left() + 7, y, shown, color)

    def _outline(self, painter: QPainter, key: int, color: str, width: int) -> None:
        y = self._y_of(key)
        if y is not None:
            painter.setPen(QPen(QColor(color), width))
            painter.drawRect(QRect(1, y, self.width() - 3, self._row_px - 1))

    # -- where is what --------------------------------------------------------------------------------

    def _y_of(self, key: int) -> int | None:
        if not self._rows:
            return None
        index = self._rows[0].key - key
        return _HEAD_PX + index * self._row_px if 0 <= index < len(self._rows) else None

    def _cell(self, key: int, column: Column) -> QRect | None:
        y = self._y_of(key)
        if y is None or not self._edges:
            return None
        x, width = self._edges[column]
        return QRect(x, y, width, self._row_px)

    def _place(self, at: QPoint) -> tuple[int, Column] | None:
        """Price and column under a point."""
        index = (at.y() - _HEAD_PX) // self._row_px
        if at.y() < _HEAD_PX or not 0 <= index < len(self._rows):
            return None
        for column, (x, width) in self._edges.items():
            if x <= at.x() < x + width:
                return self._rows[index].key, column
        return None

    def _chip_under(self, at: QPoint) -> Chip | None:
        place = self._place(at)
        if place is None or place[1] not in (Column.BUYS, Column.SELLS):
            return None
        return self._vm.chip_at(place[0], Side.BUY if place[1] is Column.BUYS else Side.SELL)

    def _on_cross(self, at: QPoint, chip: Chip) -> bool:
        column = Column.BUYS if chip.side is Side.BUY else Column.SELLS
        cell = self._cell(chip.key, column)
        return cell is not None and at.x() >= cell.right() - _CROSS_PX - 3

    def _set_hover(self, place: tuple[int, Column] | None) -> None:
        if place == self._hover:
            return
        old, self._hover = self._hover, place
        if self._vm.armed or self._vm.ghost is not None:
            self.update()
            return
        for each in (old, place):
            y = self._y_of(each[0]) if each is not None else None
            if y is not None:
                self.update(0, y, self.width(), self._row_px)

    def _tell_row_count(self) -> None:
        self._vm.set_row_count((self.height() - _HEAD_PX) // self._row_px)

    # -- menus ----------------------------------------------------------------------------------------

    def _open_menu(self, chip: Chip, at: QPoint, *, move: bool) -> None:
        """Several orders in one chip: which of them?"""
        menu = QMenu(self)
        orders = self._vm.orders_of(chip)
        word = "Move" if move else "Cancel"
        every = menu.addAction(f"{word} all {len(orders)}")
        every.triggered.connect(lambda: self._vm.drop() if move else self._vm.cancel_chip(chip))
        menu.addSeparator()
        for order in orders:
            order_id = order.client_order_id
            action = menu.addAction(f"{word} {self._vm.order_text(order)}")
            if move:
                action.triggered.connect(lambda _=False, one=order_id: self._vm.drop(only=one))
            else:
                action.triggered.connect(lambda _=False, one=order_id: self._vm.cancel_order(one))
        if move:
            # A chosen action takes the ghost right after the menu has gone; without one it goes back.
            menu.aboutToHide.connect(lambda: QTimer.singleShot(0, self, self._vm.revert))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    # -- Qt -------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        ratio = self.devicePixelRatioF()
        for cache in (self._numbers, self._small, self._words):
            cache.begin(ratio)
        area = event.rect()
        if not self._edges:
            self._edges = self._layout(self.width())
        painter.fillRect(area, _PANEL)
        if area.top() < _HEAD_PX:
            self._paint_head(painter)
        self._paint_rows(painter, event.region())
        self._paint_over(painter)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._edges = {}
        self._tell_row_count()
        super().resizeEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._vm.set_pointer_inside(True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._set_hover(None)
        if self._grab is None:
            self._vm.set_pointer_inside(False)
        super().leaveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        self._pointer = at
        grab = self._grab
        if grab is not None:
            if not grab.moving and abs(at.y() - grab.at.y()) >= _DRAG_PX:
                grab.moving = True
            if grab.moving:
                inside = QPoint(at.x(), min(max(at.y(), _HEAD_PX), self.height() - 2))
                index = min((inside.y() - _HEAD_PX) // self._row_px, len(self._rows) - 1)
                if self._rows:
                    self._vm.drag(grab.chip, self._rows[max(0, index)].key)
            return
        place = self._place(at)
        self._set_hover(place)
        if self._vm.armed and place is not None:
            self.update()
        if at.y() < _HEAD_PX:
            column = next((c for c, (x, w) in self._edges.items() if x <= at.x() < x + w), None)
            self.setToolTip(_TIPS[column] if column is not None else "")
        else:
            chip = self._chip_under(at)
            texts = [self._vm.order_text(each) for each in self._vm.orders_of(chip)] if chip else []
            self.setToolTip("\n".join([*texts, "Drag to change, right-click to cancel"]) if texts else "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        self._vm.drop_cursor()
        chip = self._chip_under(at)
        if chip is not None:
            self._grab = _Grab(chip, at, self._on_cross(at, chip))
            return
        place = self._place(at)
        if place is not None:
            market = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self._press = self._vm.press(*place, market=market)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        at = event.position().toPoint()
        press, self._press = self._press, None
        grab, self._grab = self._grab, None
        if grab is not None:
            self._end_grab(grab, at, event)
        elif press is not None:
            place = self._place(at)
            if place is None:
                self._vm.release(press, 0, press.column)
            else:
                self._vm.release(press, *place)

    def _end_grab(self, grab: _Grab, at: QPoint, event: QMouseEvent) -> None:
        if not self.rect().contains(at):
            self._vm.set_pointer_inside(False)
        if grab.moving:
            ghost = self._vm.ghost
            if ghost is not None and len(grab.chip.order_ids) > 1 and ghost.key != grab.chip.key:
                self._open_menu(grab.chip, event.globalPosition().toPoint(), move=True)
            else:
                across = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
                self._vm.drop(across=across)
        elif grab.on_cross and self._on_cross(at, grab.chip):
            self._cancel(grab.chip, event.globalPosition().toPoint())

    def _cancel(self, chip: Chip, at: QPoint) -> None:
        if len(chip.order_ids) > 1:
            self._open_menu(chip, at, move=False)
        else:
            self._vm.cancel_chip(chip)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        chip = self._chip_under(event.pos())
        if chip is not None:
            self._cancel(chip, event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if notches:
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self._vm.regroup(-1 if notches > 0 else 1)
            else:
                self._vm.scroll(round(notches * _ROWS_A_NOTCH) or (1 if notches > 0 else -1))
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            self._vm.drop_cursor()
        self.update()
        super().focusOutEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, vm = event.key(), self._vm
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key == Qt.Key.Key_Escape and (vm.ghost is not None or vm.cursor is not None):
            self._grab = None
            if vm.ghost is not None:
                vm.revert()
            else:
                vm.drop_cursor()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._step(1 if key == Qt.Key.Key_Up else -1, move_chip=shift)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            vm.move_cursor(0, 1 if key == Qt.Key.Key_Right else -1)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            vm.scroll((1 if key == Qt.Key.Key_PageUp else -1) * max(1, len(self._rows) - 2))
        elif key == Qt.Key.Key_Space:
            vm.centre()
        elif key == Qt.Key.Key_Minus:
            vm.regroup(-1)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            vm.regroup(+1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self._enter(event)
        elif key == Qt.Key.Key_Delete and not event.isAutoRepeat():
            chip = self._cursor_chip()
            if chip is not None:
                vm.cancel_chip(chip)
        else:
            super().keyPressEvent(event)
            return
        self._speak()
        event.accept()

    def _step(self, direction: int, *, move_chip: bool) -> None:
        chip = self._vm.ghost.chip if self._vm.ghost is not None else self._cursor_chip()
        if move_chip and chip is not None:
            self._vm.nudge(chip, direction)
        else:
            self._vm.move_cursor(direction, 0)

    def _enter(self, event: QKeyEvent) -> None:
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if self._vm.ghost is not None:
            self._vm.drop(across=control)
        elif self._vm.cursor is not None:
            self._vm.activate(*self._vm.cursor)

    def _cursor_chip(self) -> Chip | None:
        cursor = self._vm.cursor
        if cursor is None:
            return None
        sides = {Column.BUYS: Side.BUY, Column.SELLS: Side.SELL}
        side = sides.get(cursor[1])
        if side is not None:
            return self._vm.chip_at(cursor[0], side)
        return self._vm.chip_at(cursor[0], Side.BUY) or self._vm.chip_at(cursor[0], Side.SELL)

    def _speak(self) -> None:
        """Tell a screen reader the row under the cursor."""
        cursor = self._vm.cursor
        if cursor is None:
            return
        hint = self._vm.hint_at(*cursor)
        self.setAccessibleDescription(f"{self._vm.spoken(cursor[0])}. {cursor[1].value}. {hint}")
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
