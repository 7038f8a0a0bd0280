"""The ladder panel: its header with padlock and grouping, the rows, and what a click is about to do."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from terminal.viewmodels.book import LadderState, LadderViewModel
from terminal.viewmodels.sending import RequestView
from terminal.widgets import theme
from terminal.widgets.book_view import LadderView
from terminal.widgets.controls import FittingLabel, KeyedPanel, label, set_badge, set_text
from terminal.widgets.icons import icon
from terminal.widgets.request_card import RequestCard, ResultLine
from terminal.widgets.ticket_parts import show_venue

_LEAST_ROWS_PX = 144
_GROUPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_SHEET = f"""
QFrame#head {{ background: {theme.RAISED}; }}
QFrame#head[armed="true"] {{ background: {theme.DANGER_FILL}; }}
QFrame#head[armed="true"] QLabel {{ color: {theme.WHITE}; }}
QFrame#head QToolButton {{ border: 1px solid transparent; background: transparent; padding: 1px 3px;
    min-height: 16px; }}
QFrame#head QToolButton:hover {{ background: {theme.HOVER}; }}
QFrame#head[armed="true"] QToolButton:hover {{ background: {theme.DANGER_FILL_HOVER}; }}
QFrame#head[armed="true"] QToolButton {{ color: {theme.WHITE}; }}
QFrame#head QToolButton:focus {{ border: 1px solid {theme.FOCUS}; }}
QFrame#head QToolButton:checked {{ border-color: {theme.MUTED}; }}
"""


class LadderPanel(KeyedPanel):
    """The whole ladder panel, 300 px wide and up."""

    def __init__(self, vm: LadderViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        self.setStyleSheet(_SHEET)
        self.setMinimumWidth(220)
        box = QVBoxLayout(self)
        box.setContentsMargins(1, 1, 1, 1)
        box.setSpacing(0)
        box.addWidget(self._build_head())
        self.view = LadderView(self._vm)
        box.addWidget(self.view, 1)
        self._foot = QWidget()
        foot = QVBoxLayout(self._foot)
        foot.setContentsMargins(6, 6, 6, 6)
        self._card = RequestCard(self._vm.sending)
        self._result = ResultLine(self._vm.sending)
        foot.addWidget(self._card)
        foot.addWidget(self._result)
        box.addWidget(self._foot)
        self.begin_with(
            self.view, self._lock, self._finer, self._group, self._coarser, self._auto, self._centre
        )

    def _build_head(self) -> QFrame:
        self._head = QFrame()
        self._head.setObjectName("head")
        rows = QVBoxLayout(self._head)
        rows.setContentsMargins(6, 2, 4, 2)
        rows.setSpacing(0)
        top, bottom = QHBoxLayout(), QHBoxLayout()
        for row in (top, bottom):
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(4)
            rows.addLayout(row)
        self._symbol = label(kind="title")
        self._badge = label()
        self._badge.setFont(theme.ui_font(10, bold=True))
        self._armed = label()
        self._armed.setFont(theme.ui_font(10, bold=True))
        self._lock = self._tool("lock", "Open the padlock: clicks will trade", checkable=True)
        top.addWidget(self._symbol)
        top.addWidget(self._badge)
        self._venue = FittingLabel(kind="muted")
        top.addWidget(self._venue, 1)
        top.addWidget(self._armed)
        top.addWidget(self._lock)
        self._size = FittingLabel()
        self._size.setFont(theme.number_font(theme.TABLE_PX))
        self._size.setToolTip("The size a click would send: set in the ticket")
        self._finer = self._tool("", "Finer rows (-)", text="−")
        self._group = self._tool("", "Price of one row. Ctrl+wheel, − and + change it")
        self._group.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._group.setMenu(self._build_groups())
        self._coarser = self._tool("", "Coarser rows (+)", text="+")
        self._auto = self._tool("", "Choose the rows so that ±0.1 % fits", text="auto", checkable=True)
        self._centre = self._tool("", "Centre on the market (Space)", text="◎")
        bottom.addWidget(self._size, 1)
        self._of_rows = (self._finer, self._group, self._coarser, self._auto, self._centre)
        for tool in self._of_rows:
            bottom.addWidget(tool)
        return self._head

    def _tool(self, icon_name: str, tip: str, *, text: str = "", checkable: bool = False) -> QToolButton:
        tool = QToolButton()
        tool.setToolTip(tip)
        tool.setAccessibleName(tip)
        tool.setCheckable(checkable)
        tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tool.setFont(theme.number_font(theme.TABLE_PX))
        if icon_name:
            tool.setIcon(icon(icon_name))
        tool.setText(text)
        return tool

    def _build_groups(self) -> QMenu:
        menu = QMenu(self)
        actions = [(ticks, menu.addAction(self._vm.group_words(ticks))) for ticks in _GROUPS]
        for ticks, action in actions:
            action.triggered.connect(lambda _=False, one=ticks: self._vm.set_group(one))

        def say() -> None:
            for ticks, action in actions:
                action.setText(self._vm.group_words(ticks))

        menu.aboutToShow.connect(say)
        return menu

    def _bind(self) -> None:
        vm = self._vm
        vm.changed.connect(self._render)
        vm.sending.changed.connect(self._render_foot)
        vm.confirmation_needed.connect(self._on_vm_confirmation_needed)
        self._lock.clicked.connect(self._on_lock_clicked)
        self._finer.clicked.connect(lambda: vm.regroup(-1))
        self._coarser.clicked.connect(lambda: vm.regroup(+1))
        self._auto.clicked.connect(vm.set_auto_group)
        self._centre.clicked.connect(vm.centre)

    def _render(self) -> None:
        vm = self._vm
        instrument = vm.instrument
        set_text(self._symbol, vm.symbol_text)
        set_badge(self._badge, vm.badge)
        show_venue(self._venue, vm.place)
        set_text(self._armed, "ARMED" if vm.armed else "")
        self._render_size()
        set_text(self._group, vm.group_text or "–")
        venue = vm.place.title if vm.place is not None else ""
        parts = ("Ladder", instrument and instrument.symbol, venue, vm.badge)
        title = " · ".join(part for part in parts if part)
        if title != self.windowTitle():
            self.setWindowTitle(title)
        if self._lock.isChecked() != vm.armed or self._lock.property("shown") != vm.armed:
            self._lock.setChecked(vm.armed)
            self._lock.setProperty("shown", vm.armed)
            self._lock.setIcon(
                icon("unlock" if vm.armed else "lock", theme.WHITE if vm.armed else theme.TEXT_2)
            )
            self._lock.setToolTip(
                "Close the padlock: clicks fill the ticket"
                if vm.armed
                else "Open the padlock: clicks will trade"
            )
            theme.set_property(self._head, "armed", vm.armed)
            for child in self._head.findChildren(QWidget):
                theme.repolish(child)
            self.update()
        self._auto.setChecked(vm.auto_group)
        has_rows = vm.state is not LadderState.UNSUPPORTED
        for tool in (*self._of_rows, self._size):
            if tool.isHidden() is has_rows:
                tool.setVisible(has_rows)
        # An open padlock can always be closed.
        self._lock.setEnabled(has_rows or vm.armed)
        self._render_foot()

    def _render_size(self) -> None:
        text, brief = ("market closed", "closed") if self._vm.closed_text else ("no size", "no size")
        if self._vm.size_text:
            # It gives up its unit, which the ticket names, never a digit.
            text, brief = self._vm.size_text, self._vm.size_text.rpartition(" ")[0] or self._vm.size_text
        self._size.show_text(text, brief)

    def _render_foot(self) -> None:
        sending = self._vm.sending
        self._foot.setVisible(sending.pending is not None or sending.result is not None)
        self.updateGeometry()

    def _on_lock_clicked(self) -> None:
        self._vm.set_armed(not self._vm.armed)
        self._render()

    def _on_vm_confirmation_needed(self, view: RequestView) -> None:
        self._render_foot()
        self._card.setFocus(Qt.FocusReason.OtherFocusReason)

    def minimumSizeHint(self) -> QSize:
        """What the dock may not go below. A wrapped text asks for its height in the narrowest column, so the
        layout's own answer would push the panels around whenever a question opens."""
        height = self._head.sizeHint().height() + _LEAST_ROWS_PX
        if not self._foot.isHidden():
            needed = self._foot.heightForWidth(max(self.width(), self.minimumWidth()) - 2)
            height = max(height, self._head.sizeHint().height() + needed + 2)
        return QSize(self.minimumWidth(), height)

    def showEvent(self, event: QShowEvent) -> None:
        self._vm.set_visible(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._vm.set_visible(False)
        super().hideEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.PANEL))
        if self._vm.armed:
            painter.setPen(QPen(QColor(theme.DANGER), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
