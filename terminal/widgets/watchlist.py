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
    QFont,
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
from terminal.viewmodels import format as fmt
from terminal.viewmodels.tables import NUMBER_ROLE, ROW_ROLE, TONE_ROLE
from terminal.viewmodels.watchlist import CLOSED, COLUMNS, WatchlistViewModel, WatchRow
from terminal.widgets import theme
from terminal.widgets.controls import TONES, KeyedPanel
from terminal.widgets.icons import icon, pixmap
from terminal.widgets.search import SearchDialog
from terminal.widgets.table import CellDelegate, DataTable

__all__ = ["SearchDialog", "WatchTable", "WatchlistPanel"]

_STAR_PX = 11
_PADDING_PX = 4
_STAR_ROOM_PX = _STAR_PX + 3
_SYMBOL_MORE_PX = 24
_SYMBOL_MOST_PX = 150
_MARK_PX = 34
_BRIEF_CHANGE_PX = 53
_LAST_LEAST_PX = 60
_ROUNDED_PX = 2  # a width in whole pixels may be one short, for each part of a text
_MOST_SPARE_PX = 24
_KEYS = [column.key for column in COLUMNS]
# Symbol and last price are always there, whole, and the day's change as long as it has any room. Where one
# symbol is watched at two venues, the venue's mark is always there too. The others follow as there is room.
_AS_ROOM = ("change", "spark", "venue", "spread", "volume")
_BRIEF = {"change": _BRIEF_CHANGE_PX, "venue": _MARK_PX}
"""Columns that can do with less than their own width: the day's change without its sign, the venue's mark."""


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
        if key not in ("symbol", "spark", "last") and not self._watch_table.is_brief(key):
            super().paint(painter, option, index)
            return
        painter.save()
        self._paint_ground(painter, option, index)
        if key == "symbol":
            self._paint_symbol(painter, area, row, hot=index.row() == self._watch_table.hovered_row)
        elif key == "spark":
            self._paint_spark(painter, area, row)
        elif key != "last":
            self._paint_brief(painter, area, index, row.venue_mark if key == "venue" else brief_change(row))
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

    def _paint_brief(
        self, painter: QPainter, area: QRect, index: QModelIndex | QPersistentModelIndex, text: str
    ) -> None:
        side = Qt.AlignmentFlag.AlignRight if index.data(NUMBER_ROLE) else Qt.AlignmentFlag.AlignLeft
        painter.setFont(self._watch_table.font())
        painter.setPen(QColor(TONES.get(str(index.data(TONE_ROLE) or ""), theme.TEXT)))
        inner = area.adjusted(_PADDING_PX, 0, -_PADDING_PX, 0)
        painter.drawText(inner, int(side | Qt.AlignmentFlag.AlignVCenter), text)

    def _paint_symbol(self, painter: QPainter, area: QRect, row: WatchRow, *, hot: bool) -> None:
        room = self._watch_table.has_star_room
        if row.favourite or (hot and room):
            star = pixmap("star-filled" if row.favourite else "star", theme.TEXT_2, _STAR_PX)
            painter.drawPixmap(star_place(area).topLeft(), star)
        left = _PADDING_PX + (_STAR_ROOM_PX if room else 0)
        strong, quiet = (theme.MUTED, theme.MUTED) if row.quiet else (theme.TEXT, theme.TEXT_2)
        for (text, font), color in zip(
            symbol_parts(row.id, self._watch_table.font()), (strong, quiet), strict=True
        ):
            metrics = QFontMetrics(font)
            painter.setFont(font)
            painter.setPen(QColor(color))
            inner = area.adjusted(left, 0, -1, 0)
            # The end tells a perpetual from the pair.
            middle = Qt.TextElideMode.ElideMiddle
            shown = metrics.elidedText(text, middle, max(0, inner.width()))
            painter.drawText(inner, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
            left += metrics.horizontalAdvance(shown)
        if row.closed and self._watch_table.isColumnHidden(_KEYS.index("change")):
            # The column that says it otherwise has no room: the word stands here where it has.
            rest = area.adjusted(left + _PADDING_PX, 0, -1, 0)
            painter.setFont(theme.ui_font(theme.LABEL_PX))
            if painter.fontMetrics().horizontalAdvance(CLOSED) <= rest.width():
                painter.drawText(
                    rest, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), CLOSED
                )

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


def symbol_parts(instrument: InstrumentId, font: QFont) -> tuple[tuple[str, QFont], tuple[str, QFont]]:
    """What is bought, and in smaller letters what is paid with, each with its font."""
    base, slash, quote = instrument.symbol.partition("/")
    smaller = QFont(font)
    smaller.setPixelSize(font.pixelSize() - 1)
    return (base, font), (slash + quote, smaller)


def brief_change(row: WatchRow) -> str:
    """The day's change in a narrow column: without spaces, and the per cent sign its header's tip names."""
    return row.change_text.removesuffix("%").replace(fmt.THIN, "").rstrip()


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
        self._needs: dict[str, int] = {"symbol": 0, "last": 0}
        self._measured_for: object = None
        self._seen_px = 0
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
        self._measured_for = None

    def show_selected(self) -> None:
        """Mark the row of what the linked panels show."""
        selected = self._vm.selected
        row = self._vm.model.row_of(selected) if selected is not None else None
        marked = self.selectionModel().selectedRows()
        if row is None:
            self.clearSelection()
        elif not marked or marked[0].row() != row:
            self.selectRow(row)
            self._seek(row)

    def _seek(self, row: int) -> None:
        """Scroll a row into sight, up and down alone."""
        self.scrollTo(self._vm.model.index(row, self.first_column))

    def _is_in_sight(self, row: int, height: int) -> bool:
        top = self.rowViewportPosition(row)
        return top >= 0 and top + self.rowHeight(row) <= height

    def _on_vm_changed(self) -> None:
        self.empty_text = self._vm.empty_text
        if self._tells_venues is not self._vm.is_ambiguous or self._measure() != self._needs:
            self._fit_columns()
        if not self.hasFocus():
            self.show_selected()

    def _on_vm_flashed(self) -> None:
        column = _KEYS.index("last")
        left, width = self.columnViewportPosition(column), self.columnWidth(column)
        self.viewport().update(left, 0, width, self.viewport().height())

    def _measure(self) -> dict[str, int]:
        """What symbols and last prices need to be read whole. It only grows while the list stays the same, so
        that no column moves with a price."""
        watched = self._vm.watched
        base = self.font()
        symbols = [
            sum(QFontMetrics(font).horizontalAdvance(text) for text, font in symbol_parts(each, base))
            for each in watched
        ]
        stars = _STAR_ROOM_PX if self._vm.favourites else 0
        symbol = max(symbols, default=0) + stars + 2 * _PADDING_PX + _ROUNDED_PX
        metrics = QFontMetrics(base)
        # Of what is not listed yet nobody knows the digits.
        known = [row for row in self._vm.model.rows if row.kind]
        lasts = (metrics.horizontalAdvance(row.last_text) for row in known)
        last = max(lasts, default=0) + 2 * _PADDING_PX + _ROUNDED_PX
        if self._measured_for == watched:
            last = max(last, self._needs["last"])
        self._measured_for = watched
        own = {column.key: column.width for column in COLUMNS}
        return {"symbol": min(max(own["symbol"], symbol), _SYMBOL_MOST_PX), "last": max(_LAST_LEAST_PX, last)}

    def _fit_columns(self) -> None:
        """The symbol keeps its text first; of the rest as many columns as there is room for, some of them in
        brief. What is left over goes to the symbol, then to all alike."""
        room = self.viewport().width()
        self._needs, self._tells_venues = self._measure(), self._vm.is_ambiguous
        own = {column.key: column.width for column in COLUMNS}
        widths = dict(self._needs)
        first = ("venue", "change") if self._tells_venues else ("change",)
        for key in first:
            # Without its venue one symbol would stand there twice: rather the symbols are shortened.
            if key == "venue" or sum(widths.values()) + _BRIEF[key] <= room:
                widths[key] = _BRIEF[key]
        spare = max(0, room - sum(widths.values()))
        # The per cent sign before the venue's whole name.
        for key in [key for key in reversed(first) if key in widths]:
            more = own[key] - widths[key]
            if more <= spare:
                widths[key] += more
                spare -= more
        for key in _AS_ROOM:
            if key not in widths:
                if own[key] > spare:
                    break
                widths[key] = own[key]
                spare -= own[key]
        # Numbers shall not stick together; beyond that the symbol has the rest.
        each = min(max(0, spare - _SYMBOL_MORE_PX) // len(widths), _MOST_SPARE_PX)
        for at, key in enumerate(_KEYS):
            self.setColumnHidden(at, key not in widths)
            if key != "symbol" and key in widths:
                widths[key] += each if widths[key] >= own[key] or key == "last" else 0
                self.setColumnWidth(at, widths[key])
        least = self.horizontalHeader().minimumSectionSize()
        others = sum(max(width, least) for key, width in widths.items() if key != "symbol")
        self.setColumnWidth(0, max(60, room - others))

    def is_brief(self, key: str) -> bool:
        """Whether a column is too narrow for its own text and says it in brief."""
        return key in _BRIEF and self.columnWidth(_KEYS.index(key)) < COLUMNS[_KEYS.index(key)].width

    @property
    def has_star_room(self) -> bool:
        """Symbols leave room for a star: where it is wide enough, or as soon as there is a favourite."""
        return bool(self._vm.favourites) or self.columnWidth(0) >= self._needs["symbol"] + _STAR_ROOM_PX

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
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._vm.open_beside(current)
            else:
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
        menu.addAction(f"Show {found.symbol}\tEnter").triggered.connect(lambda: vm.select(found))
        menu.addAction("Show it in chart 2\tShift+Enter").triggered.connect(lambda: vm.open_beside(found))
        word = "No favourite any more" if found in vm.favourites else "Make it a favourite"
        menu.addAction(f"{word}\tSpace").triggered.connect(lambda: vm.toggle_favourite(found))
        menu.addAction("Remove from the list\tDel").triggered.connect(lambda: vm.remove(found))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.show_selected()

    def resizeEvent(self, event: QResizeEvent) -> None:
        marked = [index.row() for index in self.selectionModel().selectedRows()]
        # A list that gets its place only now has shown nothing yet; one that a person has scrolled stays.
        kept = [row for row in marked if event.oldSize().isEmpty() or self._is_in_sight(row, self._seen_px)]
        super().resizeEvent(event)
        self._fit_columns()
        for row in kept:
            self._seek(row)
        self._seen_px = self.viewport().height()


class WatchlistPanel(KeyedPanel):
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
        self.begin_with(self.table, self.box, self._add)
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
