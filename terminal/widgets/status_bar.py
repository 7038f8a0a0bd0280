"""The status bar: state and delay of each venue, clock, rate budget, balance, keys."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from terminal.viewmodels.status import StatusViewModel
from terminal.widgets import theme
from terminal.widgets.controls import TONES, StateDot, label, line, set_text, set_tone

STATUS_PX = 24
_SEGMENTS = 8


class BudgetBar(QWidget):
    """How much of a rate limit is left, as eight small blocks."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._share = 0.0
        self._tone = ""
        self.setFixedSize(_SEGMENTS * 6, 10)

    def show_share(self, share: float, tone: str) -> None:
        """Show the used share, 0 to 1."""
        if (share, tone) != (self._share, self._tone):
            self._share, self._tone = share, tone
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        left = round((1 - self._share) * _SEGMENTS)
        full = QColor(TONES[self._tone] if self._tone else theme.TEXT_2)
        for at in range(_SEGMENTS):
            painter.fillRect(at * 6, 0, 4, 10, full if at < left else QColor(theme.HAIRLINE))
        painter.end()


class _VenuePart(QWidget):
    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        self.dot = StateDot()
        self.title = label(kind="label")
        self.text = label(kind="muted")
        self.text.setMinimumWidth(40)
        for widget in (self.dot, self.title, self.text):
            row.addWidget(widget)


class StatusBar(QFrame):
    """The bar at the foot of the window.

    Signals:
        keys_wanted: the person wants to see the key map.
    """

    keys_wanted = Signal()

    def __init__(self, vm: StatusViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._venues: dict[str, _VenuePart] = {}
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        self.setProperty("kind", "bar")
        self.setFixedHeight(STATUS_PX)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 6, 0)
        row.setSpacing(12)
        self._venue_row = QHBoxLayout()
        self._venue_row.setSpacing(14)
        row.addLayout(self._venue_row)
        self.offset = label(kind="muted")
        self.offset.setToolTip("The venue's clock minus this machine's")
        row.addWidget(self.offset)
        self.budget_text = label("budget", kind="muted")
        self.budget = BudgetBar()
        row.addWidget(self.budget_text)
        row.addWidget(self.budget)
        row.addStretch(1)
        self.hint = label(kind="muted")
        row.addWidget(self.hint)
        self.balance = label(kind="label")
        self.balance.setFont(theme.number_font(theme.LABEL_PX))
        row.addWidget(self.balance)
        row.addWidget(line(vertical=True))
        self.keys = QPushButton("F1 keys")
        self.keys.setProperty("kind", "status")
        self.keys.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.keys.setToolTip("Hold F1 to see every key")
        row.addWidget(self.keys)

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self.keys.clicked.connect(self.keys_wanted)

    def show_hint(self, text: str) -> None:
        """Show what the keys under the pointer do, e.g. the ladder's."""
        set_text(self.hint, text)

    def _render(self) -> None:
        shown = {part.venue for part in self._vm.venues}
        for venue in [venue for venue in self._venues if venue not in shown]:
            part = self._venues.pop(venue)
            part.hide()
            part.deleteLater()
        for status in self._vm.venues:
            widget = self._venues.get(status.venue)
            if widget is None:
                widget = self._venues[status.venue] = _VenuePart()
                self._venue_row.addWidget(widget)
            widget.dot.show_state(status.shape, status.tone)
            set_text(widget.title, status.title)
            set_text(widget.text, status.text)
            set_tone(widget.text, status.tone or "muted")
            widget.setToolTip(status.tip)
        set_text(self.offset, self._vm.offset)
        set_tone(self.offset, self._vm.offset_tone or "muted")
        budget = self._vm.budget
        self.budget.setVisible(budget is not None)
        self.budget_text.setVisible(budget is not None)
        if budget is not None:
            self.budget.show_share(budget.share, self._vm.budget_tone)
            self.budget.setToolTip(budget.text)
            self.budget_text.setToolTip(budget.text)
        set_text(self.balance, self._vm.balance)
        self.balance.setToolTip(self._vm.balance_tip)
