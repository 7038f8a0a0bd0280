"""The panel of venues side by side, and the one line of it in the venue strip where there is no room."""

from __future__ import annotations

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
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
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.viewmodels.cross_venue import CrossVenueViewModel
from terminal.viewmodels.cross_venue_rows import COLUMNS, VenueRow
from terminal.viewmodels.tables import ROW_ROLE
from terminal.widgets import theme
from terminal.widgets.controls import (
    TONES,
    ClickFrame,
    ElidedLabel,
    KeyedPanel,
    Segmented,
    label,
    set_text,
)
from terminal.widgets.table import CellDelegate, DataTable

_KEYS = [column.key for column in COLUMNS]
# The first are always there; the others come in this order as there is room for them.
_ALWAYS = ("venue", "total", "difference", "state")
_AS_ROOM = ("average", "fee", "spark", "symbol")
_UNDERLINED = ("venue", "total")
_SIDES = (Side.BUY, Side.SELL)
_MOST_SPARE_PX = 40
_QUESTION_FROM_PX = 240
_LINE_PX = (120, 216)
"""The least and the most that the line asks for."""
_LINE_STEP_PX = 24


class _CrossDelegate(CellDelegate):
    """Underlines the best venue and draws the line of the difference."""

    def __init__(self, table: CrossTable) -> None:
        super().__init__(table)
        self._cross_table = table

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        key, row = _KEYS[index.column()], index.data(ROW_ROLE)
        area: QRect = option.rect
        if key == "spark":
            self._paint_ground(painter, option, index)
            self._paint_spark(painter, area, row)
            return
        super().paint(painter, option, index)
        if key in _UNDERLINED and row.is_best:
            self._underline(painter, area, index)

    def _paint_ground(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        state: QStyle.StateFlag = option.state
        area: QRect = option.rect
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(theme.HOVER))
        elif index.row() == self._cross_table.hovered_row:
            painter.fillRect(area, QColor(theme.RAISED))

    def _underline(self, painter: QPainter, area: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        metrics = QFontMetrics(self._cross_table.font())
        text = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        inner = area.adjusted(self._cross_table.padding, 0, -self._cross_table.padding, 0)
        width = min(metrics.horizontalAdvance(text), inner.width())
        is_number = _KEYS[index.column()] == "total"
        left = inner.right() + 1 - width if is_number else inner.left()
        y = area.center().y() + metrics.ascent() // 2 + 3
        painter.save()
        painter.setPen(QPen(QColor(theme.TEXT), 1))
        painter.drawLine(left, y, left + width, y)
        painter.restore()

    def _paint_spark(self, painter: QPainter, area: QRect, row: VenueRow) -> None:
        if len(row.spark) < 2:
            return
        inner = QRectF(area.adjusted(6, 5, -6, -5))
        # From nothing on: a line along the foot is the best venue.
        high = max(*row.spark, 1.0)
        step = inner.width() / (len(row.spark) - 1)
        line = QPolygonF(
            [
                QPointF(inner.left() + at * step, inner.bottom() - value / high * inner.height())
                for at, value in enumerate(row.spark)
            ]
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(TONES.get(row.tone or "label", theme.TEXT_2)), 1.2))
        painter.drawPolyline(line)
        painter.restore()


class CrossTable(DataTable):
    """The venues as rows. A click or Enter loads that venue's instrument into the linked panels."""

    def __init__(self, vm: CrossVenueViewModel, parent: QWidget | None = None) -> None:
        super().__init__(vm.model, parent=parent)
        self._vm = vm
        self._best: InstrumentId | None = None
        self.setItemDelegate(_CrossDelegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Venues side by side")
        header = self.horizontalHeader()
        header.setSectionsMovable(False)
        header.setSortIndicatorClearable(True)
        vm.changed.connect(self._on_vm_changed)
        self.show_chosen()

    def show_chosen(self) -> None:
        """Mark the venue that the linked panels show."""
        chosen = self._vm.instrument
        row = self._vm.model.row_of(chosen) if chosen is not None else None
        marked = self.selectionModel().selectedRows()
        if row is None:
            self.clearSelection()
        elif not marked or marked[0].row() != row:
            self.selectRow(row)

    def _on_vm_changed(self) -> None:
        best = next((row.id for row in self._vm.model.rows if row.is_best), None)
        if best != self._best:
            # The model tells of changed texts; the line under a venue's name is none.
            self._best = best
            self.viewport().update()
        if not self.hasFocus():
            self.show_chosen()

    def _fit_columns(self) -> None:
        room = self.viewport().width()
        widths = {column.key: column.width for column in COLUMNS}
        used = sum(widths[key] for key in _ALWAYS)
        shown = set(_ALWAYS)
        for key in _AS_ROOM:
            if used + widths[key] > room:
                break
            shown.add(key)
            used += widths[key]
        spare = max(0, min((room - used) // len(shown), _MOST_SPARE_PX))
        for at, key in enumerate(_KEYS):
            self.setColumnHidden(at, key not in shown)
            self.setColumnWidth(at, widths[key] + spare)

    # -- Qt's side ------------------------------------------------------------------------------------

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        row = index.data(ROW_ROLE) if index.isValid() else None
        if isinstance(row, VenueRow) and event.button() is Qt.MouseButton.LeftButton:
            self._vm.choose(row.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentIndex().data(ROW_ROLE) if self.currentIndex().isValid() else None
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(row, VenueRow):
            self._vm.choose(row.id)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()


class CrossVenuePanel(KeyedPanel):
    """The comparison. ``header`` belongs into the panel's title bar.

    Signals:
        twins_wanted: the person wants to see or change which instruments are twins.
    """

    twins_wanted = Signal()

    def __init__(self, vm: CrossVenueViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.table = CrossTable(self._vm)
        box.addWidget(self.table)
        self.begin_with(self.table)
        self.header = QWidget()
        row = QHBoxLayout(self.header)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.side = Segmented(("Buy", "Sell"))
        self.side.setAccessibleName("Compare buying or selling")
        for button in self.side.buttons:
            button.setFixedHeight(20)
            button.setStyleSheet("min-height: 0; padding: 0 8px;")
        row.addWidget(self.side)
        self.amount = label(kind="label")
        row.addWidget(self.amount)
        self.summary = ElidedLabel()
        self.summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.summary, 1)
        self.twins = QPushButton("Twins…")
        self.twins.setProperty("kind", "link")
        self.twins.setToolTip("Which instruments of which venues are the same thing")
        self.twins.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row.addWidget(self.twins)
        self.setMinimumHeight(60)

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self.side.chosen.connect(self._on_side_chosen)
        self.twins.clicked.connect(self.twins_wanted)

    def _render(self) -> None:
        vm = self._vm
        self.side.choose(_SIDES.index(vm.side))
        _, _, size = vm.question_text.partition(" ")
        set_text(self.amount, size)
        self.amount.setToolTip("The ticket's size, in base units")
        text = vm.summary + (f"  ·  {vm.missing_text}" if vm.missing_text else "")
        if self.summary.text() != text:
            self.summary.setText(text)
        self.summary.set_short(vm.summary_short)
        if self.summary.toolTip() != (tip := "\n".join(part for part in (text, vm.summary_tip) if part)):
            self.summary.setToolTip(tip)
        if not vm.model.rows:
            self.table.empty_text = vm.summary

    def _on_side_chosen(self, at: int) -> None:
        self._vm.set_side(_SIDES[at])

    def showEvent(self, event: QShowEvent) -> None:
        self._vm.set_visible(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._vm.set_visible(False)
        super().hideEvent(event)


class CrossVenueLine(ClickFrame):
    """The comparison in one line, for the venue strip while the panel is not in sight; a click opens it.

    Signals:
        room_wanted: its minimum width has become another one: its answer in few words stands in full.
    """

    room_wanted = Signal()

    def __init__(self, vm: CrossVenueViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self.setProperty("kind", "card")
        self.setFixedHeight(26)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(8)
        self.question = label(kind="label")
        self.summary = ElidedLabel()
        row.addWidget(self.question)
        row.addWidget(self.summary, 1)
        self.setMinimumWidth(_LINE_PX[0])
        self.setAccessibleName("Venues side by side")
        vm.changed.connect(self._render)
        self._render()

    def _render(self) -> None:
        vm = self._vm
        set_text(self.question, vm.question_text)
        if self.summary.text() != vm.summary:
            self.summary.setText(vm.summary)
        self.summary.set_short(vm.summary_short)
        self._keep_room(vm.summary_short)
        words = (f"{vm.question_text}: {vm.summary}", vm.summary_tip, "Click: all venues")
        tip = "\n".join(part for part in words if part)
        if self.toolTip() != tip:
            self.setToolTip(tip)

    def _keep_room(self, text: str) -> None:
        least, most = _LINE_PX
        layout = self.layout()
        assert layout is not None
        sides = layout.contentsMargins()
        px = self.summary.fontMetrics().horizontalAdvance(text) + sides.left() + sides.right() + 3
        # In steps: another digit moves no card.
        px = max(least, min(most, -(-px // _LINE_STEP_PX) * _LINE_STEP_PX))
        if px != self.minimumWidth():
            self.setMinimumWidth(px)
            self.room_wanted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # The answer before the question, which stands in the ticket too.
        self.question.setVisible(self.width() >= _QUESTION_FROM_PX)

    def showEvent(self, event: QShowEvent) -> None:
        self._vm.set_visible(True, "strip")
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._vm.set_visible(False, "strip")
        super().hideEvent(event)
