"""The watchlist, and the search that opens with Ctrl+K."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPen,
    QPolygonF,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.tables import ROW_ROLE
from terminal.viewmodels.watchlist import COLUMNS, Found, WatchlistViewModel, WatchRow
from terminal.widgets import theme
from terminal.widgets.controls import TONES, label
from terminal.widgets.icons import icon
from terminal.widgets.table import CellDelegate, DataTable

_LINE_COLUMN = [column.key for column in COLUMNS].index("line")
_LAST_COLUMN = [column.key for column in COLUMNS].index("last")
_CHANGE_COLUMN = [column.key for column in COLUMNS].index("change")
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_FLASH_CHECK_MS = 100


class WatchDelegate(CellDelegate):
    """Cells of the list: changed digits flash, the small line is drawn."""

    def __init__(self, table: DataTable, vm: WatchlistViewModel) -> None:
        super().__init__(table)
        self._vm = vm

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        row = index.data(ROW_ROLE)
        super().paint(painter, option, index)
        if not isinstance(row, WatchRow):
            return
        area: QRect = option.rect
        if row.instrument == self._vm.chosen:
            painter.fillRect(QRect(area.left(), area.bottom(), area.width(), 1), QColor(theme.HAIRLINE))
            if index.column() == self._table.first_column:
                painter.fillRect(QRect(area.left(), area.top(), 2, area.height()), QColor(theme.TEXT))
        if index.column() == _LINE_COLUMN:
            self._paint_line(painter, area, row)
        elif index.column() == _LAST_COLUMN:
            self._paint_flash(painter, area, row)
        elif index.column() == _CHANGE_COLUMN and row.tone:
            self._paint_arrow(painter, area, row.tone)

    def _paint_flash(self, painter: QPainter, area: QRect, row: WatchRow) -> None:
        if row.flash_at is None or time.monotonic_ns() > row.flash_until_ns:
            return
        changed = row.last_text[row.flash_at :]
        if not changed:
            return
        font = self._table.font()
        metrics = QFontMetrics(font)
        inner = area.adjusted(self._table.padding, 0, -self._table.padding, 0)
        width = metrics.horizontalAdvance(changed)
        tint = QColor(theme.UP_TINT_24 if row.flash_tone == "up" else theme.DOWN_TINT_24)
        place = QRect(inner.right() - width, area.top() + 3, width + 1, area.height() - 6)
        painter.fillRect(place, tint)
        painter.setFont(font)
        painter.setPen(QColor(TONES[row.flash_tone]))
        painter.drawText(inner, _RIGHT, changed)

    def _paint_arrow(self, painter: QPainter, area: QRect, tone: str) -> None:
        """A drawn triangle: the typeface's own is of another width for up and down."""
        x, y = area.left() + 6.0, area.center().y() + 0.5
        tip = -3.5 if tone == "up" else 3.5
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(TONES[tone]))
        painter.drawPolygon(
            QPolygonF([QPointF(x - 3.5, y - tip), QPointF(x + 3.5, y - tip), QPointF(x, y + tip)])
        )
        painter.restore()

    def _paint_line(self, painter: QPainter, area: QRect, row: WatchRow) -> None:
        values = row.line
        if len(values) < 2:
            return
        low, high = min(values), max(values)
        span = (high - low) or 1.0
        inner = area.adjusted(3, 5, -3, -5)
        step = inner.width() / (len(values) - 1)
        line = QPolygonF(
            [
                QPointF(inner.left() + at * step, inner.bottom() - (value - low) / span * inner.height())
                for at, value in enumerate(values)
            ]
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(TONES.get(row.tone, theme.MUTED)), 1.2))
        painter.drawPolyline(line)
        painter.restore()


class WatchlistPanel(QWidget):
    """The watched markets; a click shows one in every linked panel, Space stops watching it."""

    def __init__(self, vm: WatchlistViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()

    def _build_ui(self) -> None:
        self.setMinimumWidth(180)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(6, 4, 6, 4)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter, or Ctrl+K for all markets")
        self.filter.setClearButtonEnabled(True)
        self.filter.addAction(icon("search", theme.MUTED), QLineEdit.ActionPosition.LeadingPosition)
        self.filter.setAccessibleName("Filter the watchlist")
        head.addWidget(self.filter)
        box.addLayout(head)
        self.table = DataTable(
            self._vm.model, empty_text="No markets. Press Ctrl+K, choose one and press Space to watch it."
        )
        self.table.setItemDelegate(WatchDelegate(self.table, self._vm))
        self.table.setAccessibleName("Watchlist")
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.table.installEventFilter(self)
        box.addWidget(self.table, 1)
        self._flash_timer = QTimer(self)
        self._flash_timer.setInterval(_FLASH_CHECK_MS)
        self._flash_timer.timeout.connect(self._on_flash_timer)

    def _bind(self) -> None:
        self.table.clicked.connect(self._on_row_clicked)
        self.table.activated.connect(self._on_row_clicked)
        self.filter.textChanged.connect(self._on_filter_changed)
        self.filter.returnPressed.connect(self._on_filter_entered)
        self._vm.changed.connect(self._on_vm_changed)
        self._vm.chosen_changed.connect(self.table.viewport().update)

    def _on_row_clicked(self, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE)
        if isinstance(row, WatchRow):
            self._vm.choose(row.instrument)

    def _on_filter_changed(self, text: str) -> None:
        wanted = text.strip().upper()
        for at, row in enumerate(self._vm.model.rows):
            self.table.setRowHidden(at, bool(wanted) and wanted not in row.instrument.symbol.upper())

    def _on_filter_entered(self) -> None:
        for at, row in enumerate(self._vm.model.rows):
            if not self.table.isRowHidden(at):
                self._vm.choose(row.instrument)
                return

    def _on_vm_changed(self) -> None:
        now = time.monotonic_ns()
        if any(row.flash_until_ns > now for row in self._vm.model.rows) and not self._flash_timer.isActive():
            self._flash_timer.start()

    def _on_flash_timer(self) -> None:
        self.table.viewport().update()
        now = time.monotonic_ns()
        if all(row.flash_until_ns <= now for row in self._vm.model.rows):
            self._flash_timer.stop()

    # -- Qt's side ------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            event.type() is QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
        ):
            for key in self.table.selected_keys():
                row = self._vm.model.row_of(key)
                if row is not None:
                    self._vm.toggle(self._vm.model.rows[row].instrument)
            return True
        return super().eventFilter(watched, event)

    def showEvent(self, event: QShowEvent) -> None:
        self._vm.set_visible(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._vm.set_visible(False)
        super().hideEvent(event)


class _FoundDelegate(QStyledItemDelegate):
    """A search result: star, symbol, type badge, venue badge."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        found = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(found, Found):
            return
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(theme.HOVER))
            painter.fillRect(QRect(area.left(), area.top(), 2, area.height()), QColor(theme.TEXT))
        star = icon(
            "star-filled" if found.is_watched else "star", theme.WARNING if found.is_watched else theme.MUTED
        )
        star.paint(painter, QRect(area.left() + 10, area.top() + 6, 16, 16))
        painter.setFont(theme.number_font(theme.BASE_PX))
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(area.adjusted(36, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter, found.instrument.symbol)
        painter.setFont(theme.ui_font(theme.LABEL_PX))
        painter.setPen(QColor(theme.MUTED))
        words = "   ".join(word for word in (found.note, found.kind, found.venue_title) if word)
        painter.drawText(area.adjusted(0, 0, -12, 0), _RIGHT, words)


class SearchDialog(QDialog):
    """All markets of all venues: type, Enter shows one, Space watches it."""

    def __init__(self, vm: WatchlistViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()

    def _build_ui(self) -> None:
        self.setWindowTitle("Find a market")
        self.setMinimumSize(460, 420)
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 10, 10, 8)
        box.setSpacing(8)
        self.field = QLineEdit()
        self.field.setPlaceholderText("BTC, ETH/EUR, …")
        self.field.setAccessibleName("Find a market")
        self.field.addAction(icon("search", theme.MUTED), QLineEdit.ActionPosition.LeadingPosition)
        self.field.installEventFilter(self)
        box.addWidget(self.field)
        self.list = QListWidget()
        self.list.setItemDelegate(_FoundDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setAccessibleName("Markets found")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        box.addWidget(self.list, 1)
        self.empty = label("No market of that name at the connected venues.", kind="muted")
        self.empty.hide()
        box.addWidget(self.empty)
        box.addWidget(label("Enter shows it in the linked panels.  Ctrl+Space watches it.", kind="muted"))

    def _bind(self) -> None:
        self.field.textChanged.connect(self._render)
        self.list.itemClicked.connect(self._on_item_clicked)

    def _render(self) -> None:
        current = self.list.currentRow()
        self.list.clear()
        for found in self._vm.search(self.field.text()):
            item = QListWidgetItem()
            item.setData(Qt.ItemDataRole.UserRole, found)
            item.setData(
                Qt.ItemDataRole.AccessibleTextRole,
                f"{found.instrument.symbol}, {found.kind}, {found.venue_title}",
            )
            size = item.sizeHint()
            size.setHeight(28)
            item.setSizeHint(size)
            self.list.addItem(item)
        self.list.setCurrentRow(min(max(current, 0), self.list.count() - 1))
        self.empty.setVisible(self.list.count() == 0)

    def _choose(self, item: QListWidgetItem | None) -> None:
        found = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if isinstance(found, Found):
            self._vm.choose(found.instrument)
            self.accept()

    def _on_item_clicked(self, item: QListWidgetItem) -> None:
        self._choose(item)

    def _watch_current(self) -> None:
        item = self.list.currentItem()
        found = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if isinstance(found, Found):
            self._vm.toggle(found.instrument)
            self._render()

    # -- Qt's side ------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = event.key()
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                step = 1 if key == Qt.Key.Key_Down else -1
                row = min(max(self.list.currentRow() + step, 0), self.list.count() - 1)
                self.list.setCurrentRow(row)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(self.list.currentItem())
                return True
            if key == Qt.Key.Key_Space and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self._watch_current()
                return True
        return super().eventFilter(watched, event)

    def showEvent(self, event: QShowEvent) -> None:
        self.field.clear()
        self._render()
        self.list.setCurrentRow(0)
        self.field.setFocus()
        super().showEvent(event)
