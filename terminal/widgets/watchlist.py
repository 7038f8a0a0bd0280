"""The watchlist panel: a search box, and the watched instruments as a table."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPolygonF,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QStyle,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from terminal.domain.instrument import InstrumentId
from terminal.viewmodels.tables import ROW_ROLE
from terminal.viewmodels.watchlist import COLUMNS, WatchlistViewModel, WatchRow
from terminal.widgets import theme
from terminal.widgets.controls import TONES
from terminal.widgets.icons import icon, pixmap
from terminal.widgets.search import SearchDialog
from terminal.widgets.table import CellDelegate, DataTable

__all__ = ["SearchDialog", "WatchTable", "WatchlistPanel"]

_STAR_PX = 11
_PADDING_PX = 4
_STAR_ROOM_PX = 78
_SYMBOL_MORE_PX = 24
_KEYS = [column.key for column in COLUMNS]
# The first three are always there; the others come in this order as there is room for them.
_ALWAYS = ("symbol", "last", "change")
_AS_ROOM = ("spark", "venue", "spread", "volume")
# Where one symbol is watched at two venues, the venue says more than the line of the day.
_AS_ROOM_OF_SEVERAL = ("venue", "spark", "spread", "volume")


class WatchDelegate(CellDelegate):
    """Paints stars, the line of the day, and the flash behind digits that have just changed."""

    def __init__(self, table: WatchTable, vm: WatchlistViewModel) -> None:
        super().__init__(table)
        self._watch_table, self._vm = table, vm

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        key, row = _KEYS[index.column()], index.data(ROW_ROLE)
        area: QRect = option.rect
        if key not in ("symbol", "spark", "last"):
            super().paint(painter, option, index)
            return
        painter.save()
        self._paint_ground(painter, option, index)
        if key == "symbol":
            self._paint_symbol(painter, area, row, hot=index.row() == self._watch_table.hovered_row)
        elif key == "spark":
            self._paint_spark(painter, area, row)
        else:
            self._paint_flash(painter, area, row)
            self._paint_text(painter, area, index)
        painter.restore()

    def _paint_ground(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(theme.HOVER))
            if index.column() == self._watch_table.first_column:
                painter.fillRect(QRect(area.left(), area.top(), 2, area.height()), QColor(theme.TEXT))
        elif index.row() == self._watch_table.hovered_row:
            painter.fillRect(area, QColor(theme.RAISED))

    def _paint_symbol(self, painter: QPainter, area: QRect, row: WatchRow, *, hot: bool) -> None:
        room = self._watch_table.has_star_room
        if row.favourite or (hot and room):
            star = pixmap("star-filled" if row.favourite else "star", theme.TEXT_2, _STAR_PX)
            painter.drawPixmap(star_place(area).topLeft(), star)
        left = _PADDING_PX + (_STAR_PX + 3 if room else 0)
        base, slash, quote = row.id.symbol.partition("/")
        strong, quiet = (theme.MUTED, theme.MUTED) if row.stale else (theme.TEXT, theme.TEXT_2)
        font = self._watch_table.font()
        for text, color, smaller in ((base, strong, 0), (slash + quote, quiet, 1)):
            font.setPixelSize(self._watch_table.font().pixelSize() - smaller)
            metrics = QFontMetrics(font)
            painter.setFont(font)
            painter.setPen(QColor(color))
            inner = area.adjusted(left, 0, -1, 0)
            # The end tells a perpetual from the pair.
            middle = Qt.TextElideMode.ElideMiddle
            shown = metrics.elidedText(text, middle, max(0, inner.width()))
            painter.drawText(inner, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
            left += metrics.horizontalAdvance(shown)

    def _paint_spark(self, painter: QPainter, area: QRect, row: WatchRow) -> None:
        if len(row.spark) < 2:
            return
        inner = QRectF(area.adjusted(5, 5, -5, -5))
        low, high = min(row.spark), max(row.spark)
        span = (high - low) or 1.0
        step = inner.width() / (len(row.spark) - 1)
        line = QPolygonF(
            [
                QPointF(inner.left() + at * step, inner.bottom() - (value - low) / span * inner.height())
                for at, value in enumerate(row.spark)
            ]
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(TONES.get(row.direction, theme.TEXT_2)), 1.2))
        painter.drawPolyline(line)

    def _paint_flash(self, painter: QPainter, area: QRect, row: WatchRow) -> None:
        flash = self._vm.flash_of(row.id)
        if flash is None:
            return
        metrics = QFontMetrics(self._watch_table.font())
        width = metrics.horizontalAdvance(row.last_text[flash.first :])
        right = area.right() + 1 - _PADDING_PX
        tint = theme.UP_TINT_24 if flash.up else theme.DOWN_TINT_24
        painter.fillRect(QRect(right - width - 1, area.top() + 3, width + 2, area.height() - 6), QColor(tint))


def star_place(area: QRect) -> QRect:
    """Where the star of a symbol's cell is."""
    return QRect(area.left() + _PADDING_PX, area.center().y() - _STAR_PX // 2, _STAR_PX, _STAR_PX)


class WatchTable(DataTable):
    """The watched instruments. Click or Enter shows one everywhere; Space is for favourites, Del removes.

    Signals:
        typed: a letter was pressed: it belongs into the search box.
    """

    typed = Signal(str)

    def __init__(self, vm: WatchlistViewModel, parent: QWidget | None = None) -> None:
        super().__init__(vm.model, parent=parent)
        self._vm = vm
        self._tells_venues = False
        self.padding = _PADDING_PX
        self.setItemDelegate(WatchDelegate(self, vm))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Watchlist")
        header = self.horizontalHeader()
        header.setSectionsMovable(False)
        header.setSortIndicatorClearable(True)
        vm.changed.connect(self._on_vm_changed)
        vm.flashed.connect(self._on_vm_flashed)

    def set_density(self, density: theme.Density) -> None:
        """Set row height and font."""
        super().set_density(density)
        self.padding = _PADDING_PX

    def show_selected(self) -> None:
        """Mark the row of what the linked panels show."""
        selected = self._vm.selected
        row = self._vm.model.row_of(selected) if selected is not None else None
        marked = self.selectionModel().selectedRows()
        if row is None:
            self.clearSelection()
        elif not marked or marked[0].row() != row:
            self.selectRow(row)

    def _on_vm_changed(self) -> None:
        self.empty_text = self._vm.empty_text
        if self._tells_venues is not self._vm.is_ambiguous:
            self._fit_columns()
        if not self.hasFocus():
            self.show_selected()

    def _on_vm_flashed(self) -> None:
        column = _KEYS.index("last")
        left, width = self.columnViewportPosition(column), self.columnWidth(column)
        self.viewport().update(left, 0, width, self.viewport().height())

    def _fit_columns(self) -> None:
        """Show as many columns as there is room for; the symbol takes what is left."""
        room = self.viewport().width()
        widths = {column.key: column.width for column in COLUMNS}
        used = sum(widths[key] for key in _ALWAYS)
        shown = set(_ALWAYS)
        self._tells_venues = self._vm.is_ambiguous
        for key in _AS_ROOM_OF_SEVERAL if self._tells_venues else _AS_ROOM:
            if used + widths[key] > room:
                break
            shown.add(key)
            used += widths[key]
        # Spare room goes to the symbol first, then to all alike, so that numbers do not stick together.
        spare = max(0, room - used - _SYMBOL_MORE_PX) // len(shown)
        for at, key in enumerate(_KEYS):
            self.setColumnHidden(at, key not in shown)
            if key != "symbol" and key in shown:
                self.setColumnWidth(at, widths[key] + min(spare, 24))
        others = sum(self.columnWidth(at) for at, key in enumerate(_KEYS) if key in shown and key != "symbol")
        self.setColumnWidth(0, max(60, room - others))

    @property
    def has_star_room(self) -> bool:
        """Symbols leave room for a star: where it is wide enough, or as soon as there is a favourite."""
        return self.columnWidth(0) >= _STAR_ROOM_PX or bool(self._vm.favourites)

    def _id_at(self, point: QPoint) -> InstrumentId | None:
        index = self.indexAt(point)
        row = index.data(ROW_ROLE) if index.isValid() else None
        return row.id if isinstance(row, WatchRow) else None

    def _current(self) -> InstrumentId | None:
        row = self.currentIndex().data(ROW_ROLE) if self.currentIndex().isValid() else None
        return row.id if isinstance(row, WatchRow) else None

    # -- Qt's side ------------------------------------------------------------------------------------

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        point = event.position().toPoint()
        found = self._id_at(point)
        if found is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        index = self.indexAt(point)
        if index.column() == 0 and star_place(self.visualRect(index)).adjusted(-4, -5, 4, 5).contains(point):
            self._vm.toggle_favourite(found)
            self.show_selected()
        else:
            self._vm.select(found)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current, text = self._current(), event.text()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and current is not None:
            self._vm.select(current)
        elif event.key() == Qt.Key.Key_Space and current is not None:
            self._vm.toggle_favourite(current)
        elif event.key() == Qt.Key.Key_Delete and current is not None:
            self._vm.remove(current)
        elif (
            text.isprintable()
            and text.strip()
            and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            self.typed.emit(text)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        found = self._id_at(event.pos())
        if found is None:
            return
        vm = self._vm
        menu = QMenu(self)
        menu.addAction(f"Show {found.symbol}").triggered.connect(lambda: vm.select(found))
        word = "No favourite any more" if found in vm.favourites else "Make it a favourite"
        menu.addAction(f"{word}\tSpace").triggered.connect(lambda: vm.toggle_favourite(found))
        menu.addAction("Remove from the list\tDel").triggered.connect(lambda: vm.remove(found))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.show_selected()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()


class WatchlistPanel(QWidget):
    """The search box over the table.

    Signals:
        search_wanted: the button beside the box, or Enter where the list has no answer (what was typed).
    """

    search_wanted = Signal(str)

    def __init__(self, vm: WatchlistViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()
        self.table.show_selected()

    def _build_ui(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        row = QHBoxLayout()
        row.setContentsMargins(6, 5, 6, 5)
        row.setSpacing(6)
        self.box = QLineEdit()
        self.box.setPlaceholderText("Filter")
        self.box.setAccessibleName("Filter the watchlist")
        self.box.setClearButtonEnabled(True)
        self.box.addAction(icon("search", theme.MUTED), QLineEdit.ActionPosition.LeadingPosition)
        self._add = QPushButton(icon("plus"), "")
        self._add.setProperty("kind", "flat")
        self._add.setFixedSize(26, 26)
        self._add.setStyleSheet("padding: 0;")
        self._add.setToolTip("Find an instrument to add (Ctrl+K)")
        self._add.setAccessibleName("Find an instrument to add")
        row.addWidget(self.box, 1)
        row.addWidget(self._add)
        box.addLayout(row)
        self.table = WatchTable(self._vm)
        self.table.empty_text = self._vm.empty_text
        box.addWidget(self.table, 1)
        self.setFocusProxy(self.table)
        self.setMinimumWidth(180)

    def _bind(self) -> None:
        self.box.textChanged.connect(self._vm.set_filter)
        self.box.installEventFilter(self)
        self.table.typed.connect(self._on_table_typed)
        self._add.clicked.connect(lambda: self.search_wanted.emit(""))

    def _on_table_typed(self, text: str) -> None:
        self.box.setFocus(Qt.FocusReason.OtherFocusReason)
        self.box.setText(self.box.text() + text)

    def _on_enter(self) -> None:
        if self._vm.open_first():
            self.box.clear()
        else:
            self.search_wanted.emit(self.box.text())

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is self.box and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self.box.clear()
                self.table.setFocus(Qt.FocusReason.OtherFocusReason)
                return True
            if event.key() == Qt.Key.Key_Down:
                self.table.setFocus(Qt.FocusReason.OtherFocusReason)
                self.table.selectRow(0)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._on_enter()
                return True
        return False

    def showEvent(self, event: QShowEvent) -> None:
        self._vm.set_visible(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._vm.set_visible(False)
        super().hideEvent(event)
