"""The table of the blotter: a view with the theme's rows, numbers, empty state and buttons inside rows."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
    QWidget,
)

from terminal.viewmodels.format import split_zeros
from terminal.viewmodels.tables import ACTIONS_ROLE, NUMBER_ROLE, TONE_ROLE, Action, TableModel
from terminal.widgets import theme
from terminal.widgets.controls import TONES
from terminal.widgets.painted import paint_focus

_GAP = 6
_TICK_PX = 13
_REST_MS = 5000
"""So long after its last move a pointer that stays over the rows is taken to be at rest."""
_SAME_PLACE_PX = 4


class CellDelegate(QStyledItemDelegate):
    """Paints a cell: tone, muted trailing zeros, the bar of a selected row, and a row's buttons."""

    def __init__(self, table: DataTable) -> None:
        super().__init__(table)
        self._table = table

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(theme.HOVER))
            if index.column() == self._table.first_column:
                painter.fillRect(QRect(area.left(), area.top(), 2, area.height()), QColor(theme.TEXT))
        elif index.row() == self._table.hovered_row:
            painter.fillRect(area, QColor(theme.RAISED))
        actions = index.data(ACTIONS_ROLE)
        if actions:
            self._paint_actions(painter, area, index.row(), actions)
        else:
            self._paint_text(painter, area, index)
        painter.restore()

    def _paint_text(self, painter: QPainter, area: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        text = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        if not text:
            return
        font = self._table.font()
        painter.setFont(font)
        metrics = QFontMetrics(font)
        inner = area.adjusted(self._table.padding, 0, -self._table.padding, 0)
        tint = QColor(TONES.get(str(index.data(TONE_ROLE) or ""), theme.TEXT))
        if index.data(NUMBER_ROLE):
            number, space, unit = text.partition(" ")
            head, zeros = split_zeros(number)
            tail = zeros + space + unit
            width = metrics.horizontalAdvance(tail)
            if metrics.horizontalAdvance(head) + width > inner.width():
                # Cut at its beginning it would be another number.
                painter.setPen(tint)
                painter.drawText(
                    inner, _LEFT, metrics.elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
                )
                return
            gone = str(index.data(TONE_ROLE) or "") == "disabled"
            painter.setPen(QColor(theme.DISABLED if gone else theme.MUTED))
            painter.drawText(inner, _RIGHT, tail)
            painter.setPen(tint)
            painter.drawText(inner.adjusted(0, 0, -width, 0), _RIGHT, head)
            return
        painter.setPen(tint)
        # The end of a name tells it from its neighbours as much as its beginning does.
        middle = index.column() in self._table.growing
        mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        short = metrics.elidedText(text, mode, inner.width())
        painter.drawText(inner, _LEFT, short)

    def _paint_actions(self, painter: QPainter, area: QRect, row: int, actions: tuple[Action, ...]) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._table.font())
        for action, place in self.places(area, actions):
            hot = self._table.hot_action == (row, action.key)
            if action.checked is not None:
                self._paint_tick(painter, place, action, hot=hot)
                continue
            painter.setPen(QPen(QColor(theme.TEXT if hot else theme.BORDER_STRONG), 1))
            painter.setBrush(QColor(theme.HOVER if hot else theme.RAISED))
            painter.drawRoundedRect(place, 3, 3)
            painter.setPen(QColor(theme.TEXT))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, action.text)

    @staticmethod
    def _paint_tick(painter: QPainter, place: QRect, action: Action, *, hot: bool) -> None:
        box = QRect(0, 0, _TICK_PX, _TICK_PX)
        box.moveCenter(place.center())
        ink = QColor(theme.TEXT if action.enabled else theme.DISABLED)
        painter.setPen(QPen(ink if hot else QColor(theme.BORDER_STRONG), 1))
        painter.setBrush(QColor(theme.HOVER if hot else theme.RAISED))
        painter.drawRoundedRect(box, 3, 3)
        if action.checked:
            painter.setPen(QPen(ink, 2))
            left, middle, top = box.left() + 3, box.left() + 6, box.top() + 4
            painter.drawLine(left, box.center().y() + 1, middle, box.bottom() - 3)
            painter.drawLine(middle, box.bottom() - 3, box.right() - 2, top)

    def places(self, area: QRect, actions: tuple[Action, ...]) -> list[tuple[Action, QRect]]:
        """Where each button of a row stands."""
        metrics = QFontMetrics(self._table.font())
        height = min(theme.ACTION_BUTTON_PX, area.height() - 2)
        x = area.left() + 4
        out = []
        for action in actions:
            if not action.in_row:
                continue
            width = metrics.horizontalAdvance(action.text) + 18
            if action.checked is not None:
                width = _TICK_PX + 8
            out.append((action, QRect(x, area.top() + (area.height() - height) // 2, width, height)))
            x += width + _GAP
        return out

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        hint = super().sizeHint(option, index)
        actions = index.data(ACTIONS_ROLE)
        if actions:
            places = self.places(QRect(0, 0, 1000, 30), actions)
            if places:
                hint.setWidth(places[-1][1].right() + 6)
        return hint

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:
        """Only Enter takes an entry: a click elsewhere must never change an order."""
        leaves = event.type() is QEvent.Type.FocusOut and not QApplication.activePopupWidget()
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            leaves = event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
        if leaves and isinstance(editor, QWidget):
            self.closeEditor.emit(editor, QStyledItemDelegate.EndEditHint.RevertModelCache)
            return True
        return super().eventFilter(editor, event)


_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


class DataTable(QTableView):
    """A table over a :class:`TableModel`.

    Rows with buttons keep their places while the pointer is over them: one that goes stays greyed until the
    pointer leaves or rests, so that a second click never meets another row than the first.

    Signals:
        acted: (row key, action key) a button inside a row was pressed, or chosen from its menu.
        delete_pressed: Del was pressed on a row (its key).
    """

    acted = Signal(object, str)
    delete_pressed = Signal(object)

    def __init__(
        self,
        model: QAbstractItemModel,
        *,
        empty_text: str = "",
        has_actions: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.empty_text = empty_text
        self.hovered_row = -1
        self.hot_action: tuple[int, str] | None = None
        self.padding = theme.STANDARD.padding
        self._has_actions = has_actions
        self._actions_px = 0
        self.growing: dict[int, int] = {}
        """Columns that take spare width, and the width that each was given last."""
        self._pressed: tuple[object, str] | None = None
        self._seen: tuple[QPoint, object] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._on_rest_timeout)
        self._delegate = CellDelegate(self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self._build_ui()
        self.set_density(theme.STANDARD)

    def _build_ui(self) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsMovable(True)
        header.setMinimumSectionSize(36)
        header.setStretchLastSection(True)  # a chosen row is lit to the edge
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        model = self.model()
        if isinstance(model, TableModel):
            for at, column in enumerate(model.columns):
                self.setColumnWidth(at, column.width)
            at, order = model.sorting
            header.setSortIndicator(at, order)
            self.setSortingEnabled(True)
            self.growing = {at: column.width for at, column in enumerate(model.columns) if column.grows}
            model.rowsInserted.connect(self._grow)
            model.rowsInserted.connect(self._fit_actions)
            model.dataChanged.connect(self._fit_actions)
            self._fit_actions()

    @property
    def first_column(self) -> int:
        """The column shown leftmost."""
        return self.horizontalHeader().logicalIndex(0)

    def set_density(self, density: theme.Density) -> None:
        """Set row height, font and padding. Rows with buttons stay high enough to press them."""
        self.padding = density.padding
        self.setFont(theme.number_font(density.font))
        least = theme.ACTION_BUTTON_PX + 2 if self._has_actions else 0
        self.verticalHeader().setDefaultSectionSize(max(density.table_row, least))
        self.viewport().update()

    def selected_keys(self) -> list[object]:
        """The keys of the selected rows, top first."""
        model = self.model()
        if not isinstance(model, TableModel):
            return []
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [model.key_at(row) for row in rows]

    def say_beside(self, key: object, text: str) -> None:
        """Show a refusal beside the row it is about."""
        model = self.model()
        row = model.row_of(key) if isinstance(model, TableModel) else None
        if row is not None and self.isVisible():
            place = self.visualRect(model.index(row, self.first_column))
            QToolTip.showText(self.viewport().mapToGlobal(place.bottomLeft()), text, self, place, 6000)

    def _fit_actions(self, *_: Any) -> None:
        """Widen the column of buttons as far as its rows need; shrinking it would make the table jump."""
        model = self.model()
        if not self._has_actions or not isinstance(model, TableModel):
            return
        column = len(model.columns) - 1
        need = max((self.sizeHintForIndex(model.index(row, column)).width()
                    for row in range(model.rowCount())), default=0)  # fmt: skip
        self._actions_px = max(self._actions_px, need)
        if need > self.columnWidth(column):
            self.setColumnWidth(column, need)

    def _grow(self, *_: Any) -> None:
        """Give columns of names what they need of the spare width; what a person has set stays."""
        model = self.model()
        if not self.growing or not isinstance(model, TableModel):
            return
        last = len(model.columns) - 1
        metrics = QFontMetrics(self.font())
        kept = sum(self.columnWidth(at) for at in range(last) if not self.isColumnHidden(at))
        actions = max(model.columns[last].width, self._actions_px)
        spare = self.viewport().width() - kept - actions
        for at, given in self.growing.items():
            if self.columnWidth(at) != given:
                continue
            texts = (str(model.index(row, at).data() or "") for row in range(model.rowCount()))
            need = max((metrics.horizontalAdvance(text) for text in texts), default=0) + 2 * self.padding + 2
            base = model.columns[at].width
            wanted = max(base, min(need, given + spare))
            spare -= wanted - given
            self.growing[at] = wanted
            self.setColumnWidth(at, wanted)

    def _action_at(self, point: QPoint) -> tuple[int, Action] | None:
        index = self.indexAt(point)
        if not index.isValid():
            return None
        actions = index.data(ACTIONS_ROLE) or ()
        for action, place in self._delegate.places(self.visualRect(index), actions):
            if place.contains(point) and action.enabled:
                return index.row(), action
        return None

    def _target_at(self, point: QPoint) -> tuple[object, str] | None:
        """The row key and action under the pointer."""
        found, model = self._action_at(point), self.model()
        if found is None or not isinstance(model, TableModel):
            return None
        return model.key_at(found[0]), found[1].key

    def _choose(self, key: object, action: Action, _: bool = False) -> None:
        model = self.model()
        at = model.row_of(key) if isinstance(model, TableModel) else None
        # A row that has gone while its menu was open has nothing left to do.
        if at is not None and isinstance(model, TableModel) and not model.is_gone(at):
            self.acted.emit(key, action.key)

    def _hold(self, on: bool) -> None:
        """Keep the rows in place, or let them go, where they have buttons to miss."""
        model = self.model()
        if self._has_actions and isinstance(model, TableModel):
            model.hold(on)
            if on:
                self._rest.start()
            else:
                self._rest.stop()

    def _on_rest_timeout(self) -> None:
        model = self.model()
        if isinstance(model, TableModel):
            model.let_gone_go()

    def _has_slid(self, point: QPoint) -> bool:
        """Whether another row has come under a pointer that has not moved since the person looked."""
        if self._seen is None:
            return False
        place, key = self._seen
        return (point - place).manhattanLength() <= _SAME_PLACE_PX and key != self._key_at(point)

    def _key_at(self, point: QPoint) -> object:
        model, row = self.model(), self.rowAt(point.y())
        return model.key_at(row) if row >= 0 and isinstance(model, TableModel) else None

    # -- Qt's side ------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.empty_text and self.model().rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setFont(theme.ui_font(theme.TABLE_PX))
            painter.setPen(QColor(theme.MUTED))
            area = self.viewport().rect().adjusted(16, 0, -16, 0)
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(area, flags, self.empty_text)
            painter.end()
        if self.hasFocus():
            painter = QPainter(self.viewport())
            paint_focus(painter, self.viewport().rect())
            painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        point = event.position().toPoint()
        self._hold(True)
        self._seen = (point, self._key_at(point))
        found = self._action_at(point)
        hot = (found[0], found[1].key) if found is not None else None
        row = self.rowAt(point.y())
        if (row, hot) != (self.hovered_row, self.hot_action):
            self.hovered_row, self.hot_action = row, hot
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if hot else Qt.CursorShape.ArrowCursor
            )
            self.viewport().update()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hold(True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hold(False)
        self._seen = None
        self.hovered_row, self.hot_action = -1, None
        self.viewport().update()
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = None
        point = event.position().toPoint()
        if event.button() is Qt.MouseButton.LeftButton and not self._has_slid(point):
            self._pressed = self._target_at(point)
        # What lies there now has been seen with this press; the next one may mean it.
        self._seen = (point, self._key_at(point))
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        # The same order under the pointer as when it went down: rows may have moved in between.
        if pressed is not None and pressed == self._target_at(event.position().toPoint()):
            self.acted.emit(*pressed)
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and not event.isAutoRepeat():
            for key in self.selected_keys():
                self.delete_pressed.emit(key)
        elif event.key() == Qt.Key.Key_Space and not event.isAutoRepeat() and self._tick_current():
            event.accept()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._select_first():
            event.accept()
        else:
            super().keyPressEvent(event)

    def _tick_current(self) -> bool:
        """Space sets or takes away the tick of the current row, where it has one."""
        model, row = self.model(), self.currentIndex().row()
        if row < 0 or not isinstance(model, TableModel):
            return False
        for column in range(model.columnCount()):
            for action in model.index(row, column).data(ACTIONS_ROLE) or ():
                if action.checked is not None and action.enabled:
                    self.acted.emit(model.key_at(row), action.key)
                    return True
        return False

    def _select_first(self) -> bool:
        """With no row chosen yet an arrow key chooses the current one; Qt never would where it is alone."""
        current = self.currentIndex()
        if not current.isValid() or self.selectionModel().hasSelection():
            return False
        self.selectRow(current.row())
        return True

    def copy(self) -> None:
        """Put the selected rows on the clipboard, tab-separated, as they are shown."""
        model = self.model()
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        lines = [
            "\t".join(str(model.index(row, column).data() or "") for column in range(model.columnCount()))
            for row in rows
        ]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index = self.indexAt(event.pos())
        if not index.isValid():
            return
        menu = QMenu(self)
        model = self.model()
        key = model.key_at(index.row()) if isinstance(model, TableModel) else None
        for column in range(model.columnCount()):
            for action in model.index(index.row(), column).data(ACTIONS_ROLE) or ():
                entry = menu.addAction(action.text)
                entry.setEnabled(action.enabled)
                entry.setCheckable(action.checked is not None)
                entry.setChecked(bool(action.checked))
                # By key: rows may have moved by the time the entry is chosen.
                entry.triggered.connect(partial(self._choose, key, action))
        if not menu.isEmpty():
            menu.addSeparator()
        menu.addAction("Copy row", self.copy)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())
