"""The search dialog (Ctrl+K): type, arrow, Enter. It shows what is known already and waits for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels import format as fmt
from terminal.viewmodels.search import Hit
from terminal.viewmodels.watchlist import WatchlistViewModel
from terminal.widgets import theme
from terminal.widgets.controls import label, set_text
from terminal.widgets.icons import icon, pixmap

_Index = QModelIndex | QPersistentModelIndex
_HIT_ROLE = Qt.ItemDataRole.UserRole + 1
_ROW_PX = 30
_STAR_PX = 14
_SIZE = QSize(560, 440)
_TOP_PX = 90
WARNING_SIGN = "▲"


class HitModel(QAbstractListModel):
    """What the search found, best first."""

    def __init__(self, vm: WatchlistViewModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self.hits: Sequence[Hit] = ()

    def show(self, hits: Sequence[Hit]) -> None:
        """Show other hits."""
        self.beginResetModel()
        self.hits = hits
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.hits)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        hit = self.hits[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return hit.instrument.symbol
        if role == _HIT_ROLE:
            return hit
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return self._spoken(hit)
        return None

    def _spoken(self, hit: Hit) -> str:
        """All that its row says, in full."""
        venue, warning = self._vm.title_of(hit.id.venue), self._vm.warning_of(hit.id.venue)
        parts = (
            hit.instrument.symbol,
            hit.words,
            f"{hit.kind} on {venue}",
            warning,
            f"pays {hit.payout_text}" if hit.payout_text else "",
            "closed" if hit.closed else "",
            "favourite" if hit.favourite else "",
        )
        return ", ".join(part for part in parts if part)


class HitDelegate(QStyledItemDelegate):
    """A hit: star, symbol, what it is, volume or payout, venue badge and type badge; one that is closed is
    greyed and says so."""

    def __init__(self, vm: WatchlistViewModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._vm = vm

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        hit = index.data(_HIT_ROLE)
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(theme.HOVER))
            painter.fillRect(QRect(area.left(), area.top(), 2, area.height()), QColor(theme.TEXT))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, QColor(theme.RAISED))
        middle = area.center().y()
        if hit.favourite:
            painter.drawPixmap(
                QPoint(area.left() + 10, middle - 7), pixmap("star-filled", theme.TEXT_2, _STAR_PX)
            )
        painter.setFont(theme.ui_font(theme.BASE_PX, bold=True))
        painter.setPen(QColor(theme.MUTED if hit.closed else theme.TEXT))
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRect(area.left() + 32, area.top(), 150, area.height()), left, hit.instrument.symbol)
        right = self._badge(painter, area.right() - 10, middle, hit.kind, theme.MUTED)
        venue = self._vm.title_of(hit.id.venue)
        # What the sign means stands once under the list, not in each row.
        if self._vm.warning_of(hit.id.venue):
            right = self._badge(painter, right - 6, middle, f"{WARNING_SIGN} {venue}", theme.WARNING)
        else:
            right = self._badge(painter, right - 6, middle, venue, theme.TEXT_2)
        room = QRect(area.left() + 182, area.top(), right - area.left() - 194, area.height())
        painter.setPen(QColor(theme.MUTED))
        figure = hit.payout_text
        if hit.volume:
            figure = f"{fmt.compact(hit.volume)} {hit.instrument.quote} / 24 h"
        figure = " · ".join(part for part in (figure, "closed" if hit.closed else "") if part)
        if figure:
            font = theme.number_font(theme.TABLE_PX)
            painter.setFont(font)
            align = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(room, align, figure)
            room.setRight(room.right() - QFontMetrics(font).horizontalAdvance(figure) - 10)
        font = theme.ui_font(theme.TABLE_PX)
        painter.setFont(font)
        words = QFontMetrics(font).elidedText(hit.words, Qt.TextElideMode.ElideRight, max(0, room.width()))
        painter.drawText(room, left, words)
        painter.restore()

    def _badge(self, painter: QPainter, right: int, middle: int, text: str, color: str) -> int:
        """A word in a frame, ending at ``right``; returns its left edge."""
        font = theme.ui_font(theme.LABEL_PX)
        painter.setFont(font)
        width = QFontMetrics(font).horizontalAdvance(text) + 12
        box = QRect(right - width, middle - 9, width, 18)
        painter.setPen(QPen(QColor(theme.BORDER_STRONG), 1))
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        painter.setPen(QColor(color))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return box.left()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, _ROW_PX)


class _HitList(QListView):
    """The hits; in place of none, a line that says so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty_text = ""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.model().rowCount() == 0 and self.empty_text:
            painter = QPainter(self.viewport())
            painter.setFont(theme.ui_font(theme.BASE_PX))
            painter.setPen(QColor(theme.TEXT_2))
            area = self.viewport().rect().adjusted(12, 24, -12, 0)
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.drawText(area, int(flags), self.empty_text)
            painter.end()


class SearchDialog(QDialog):
    """One box, one list. Enter opens, Space (after an arrow key, or in the empty box) is for favourites."""

    def __init__(self, vm: WatchlistViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._on_list = False
        self._model = HitModel(vm, self)
        self._build_ui()
        self._bind()

    def _build_ui(self) -> None:
        self.setWindowTitle("Find an instrument")
        self.setWindowFlag(Qt.WindowType.FramelessWindowHint)
        self.setObjectName("search")
        self.setStyleSheet(
            f"QDialog#search {{ background: {theme.RAISED}; border: 1px solid {theme.BORDER_STRONG}; }}"
        )
        self.resize(_SIZE)
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 10, 10, 8)
        box.setSpacing(8)
        self.box = QLineEdit()
        self.box.setPlaceholderText("Symbol, name or venue: eth, gold, btc eur, kraken sol")
        self.box.setAccessibleName("Find an instrument")
        self.box.setFont(theme.ui_font(15))
        self.box.setMinimumHeight(34)
        self.box.addAction(icon("search", theme.MUTED), QLineEdit.ActionPosition.LeadingPosition)
        box.addWidget(self.box)
        self.list = _HitList()
        self.list.setModel(self._model)
        self.list.setItemDelegate(HitDelegate(self._vm, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName("Instruments found")
        box.addWidget(self.list, 1)
        self._warning = label(kind="muted")
        self._warning.hide()
        box.addWidget(self._warning)
        self._foot = label(kind="muted")
        box.addWidget(self._foot)

    def _bind(self) -> None:
        self.box.textChanged.connect(self._on_text_changed)
        self.box.installEventFilter(self)
        self.list.clicked.connect(self._on_list_clicked)

    def open(self, text: str = "") -> None:
        """Show the dialog over its window, with a text to begin with. It does not block."""
        self.box.setText(text)
        self.box.selectAll()
        self._on_text_changed(text)
        over = self.parentWidget()
        if over is not None:
            self.resize(_SIZE.boundedTo(over.size() - QSize(40, _TOP_PX + 20)))
            middle = over.window().geometry().center().x()
            self.move(middle - self.width() // 2, over.window().geometry().top() + _TOP_PX)
        super().open()
        self.box.setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def current(self) -> Hit | None:
        """The marked hit."""
        hit = self.list.currentIndex().data(_HIT_ROLE)
        return hit if isinstance(hit, Hit) else None

    def _on_text_changed(self, text: str) -> None:
        self._on_list = False
        self._search(0)

    def _search(self, row: int) -> None:
        hits = self._vm.search(self.box.text())
        self._model.show(hits)
        if hits:
            self.list.setCurrentIndex(self._model.index(min(row, len(hits) - 1)))
        warnings = dict.fromkeys(filter(None, (self._vm.warning_of(hit.id.venue) for hit in hits)))
        set_text(self._warning, f"{WARNING_SIGN} {', '.join(warnings)}")
        self._warning.setVisible(bool(warnings))
        found = f"{len(hits)} found" if hits else "0 found"
        self.list.empty_text = "" if hits else self._nothing_text()
        keys = "Enter opens, Shift+Enter in chart 2  ·  ↑↓ then Space: favourite  ·  Esc closes"
        set_text(self._foot, f"{found}  ·  {keys}")

    def _nothing_text(self) -> str:
        if self.box.text().strip():
            return f"Nothing found for “{self.box.text().strip()[:30]}”"
        return "No instruments are known yet: the venues have not sent their lists"

    def _on_list_clicked(self, index: QModelIndex) -> None:
        self._open_current()

    def _open_current(self, *, beside: bool = False) -> None:
        hit = self.current
        if hit is not None:
            if beside:
                self._vm.open_beside(hit.id)
            else:
                self._vm.open_hit(hit.id)
            self.accept()

    def _toggle_current(self) -> None:
        hit, row = self.current, self.list.currentIndex().row()
        if hit is not None:
            self._vm.toggle_favourite(hit.id)
            self._search(row)
            # It may stand elsewhere now: the mark stays with it.
            for at, one in enumerate(self._model.hits):
                if one.id == hit.id:
                    self.list.setCurrentIndex(self._model.index(at))

    def _move(self, rows: int) -> None:
        self._on_list = True
        count = self._model.rowCount()
        if count:
            at = min(max(0, self.list.currentIndex().row() + rows), count - 1)
            self.list.setCurrentIndex(self._model.index(at))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            watched is not self.box
            or not isinstance(event, QKeyEvent)
            or event.type() != QEvent.Type.KeyPress
        ):
            return False
        key = event.key()
        page = max(1, self.list.viewport().height() // _ROW_PX - 1)
        moves = {
            Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page,
        }  # fmt: skip
        if key in moves:
            self._move(moves[Qt.Key(key)])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open_current(beside=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Space and (self._on_list or not self.box.text()):
            self._toggle_current()
        else:
            return False
        return True
