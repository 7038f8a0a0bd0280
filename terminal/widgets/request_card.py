"""The exact request before it is sent, and what became of it, inside the panel that asked."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.sending import OrderSender, RequestView, Result, ResultKind
from terminal.widgets import theme
from terminal.widgets.controls import label, set_badge, set_text

_SIGNS = {
    ResultKind.SENDING: "…",
    ResultKind.ACCEPTED: "✓",
    ResultKind.REFUSED: "✕",
    ResultKind.DOUBT: "?",
    ResultKind.INFO: "•",
}
_TONES = {
    ResultKind.REFUSED: "error",
    ResultKind.DOUBT: "warning",
    ResultKind.SENDING: "label",
    ResultKind.INFO: "label",
}
_MOST_ROWS = 12


class RequestCard(QFrame):
    """Shows one :class:`RequestView`. Enter confirms, Esc does not.

    The card may open under the pointer, so its yes is deaf to clicks for a moment: the second half of a
    double click must not answer a question that nobody has read.
    """

    DEAF_MS = 400

    def __init__(self, sending: OrderSender, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sending = sending
        self._shown: RequestView | None = None
        self._before: QWidget | None = None
        self._cells: list[tuple[QLabel, QLabel]] = []
        self._since = QElapsedTimer()
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        self.setProperty("kind", "card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Order to confirm")
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 7, 8, 8)
        box.setSpacing(5)
        self._badge = label()
        self._badge.setFont(theme.ui_font(theme.LABEL_PX, bold=True))
        self._title = label(kind="title")
        self._title.setWordWrap(True)
        self._note = label(kind="label")
        self._note.setWordWrap(True)
        self._warnings = label(kind="warning")
        self._warnings.setWordWrap(True)
        box.addWidget(self._badge)
        box.addWidget(self._title)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(1, 1)
        for row in range(_MOST_ROWS):
            name, value = label(kind="label"), label()
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setFont(theme.number_font(theme.TABLE_PX))
            value.setWordWrap(True)
            self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, row, 1)
            self._cells.append((name, value))
        box.addLayout(self._grid)
        box.addWidget(self._warnings)
        box.addWidget(self._note)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        self._no = QPushButton("Discard")
        self._no.setProperty("kind", "action")
        self._yes = QPushButton("Send")
        self._yes.setDefault(False)
        buttons.addWidget(self._no, 1)
        buttons.addWidget(self._yes, 2)
        box.addLayout(buttons)

    def _bind(self) -> None:
        self._no.clicked.connect(self._sending.discard)
        self._yes.clicked.connect(self._on_yes_clicked)
        self._sending.changed.connect(self._render)

    def _render(self) -> None:
        view = self._sending.pending
        if view is self._shown and view is not None:
            return
        focus = QApplication.focusWidget()
        has_focus = focus is not None and (focus is self or self.isAncestorOf(focus))
        self._shown = view
        if view is None:
            # Before it hides: Qt would hand the keyboard to whatever comes next in the window.
            if has_focus and self._before is not None and self._before.isVisible():
                self._before.setFocus(Qt.FocusReason.OtherFocusReason)
            self._before = None
            self.hide()
            return
        shown = view.confirmation
        set_badge(self._badge, shown.badge)
        self._badge.setVisible(bool(shown.badge))
        set_text(self._title, shown.title)
        for index, (name, value) in enumerate(self._cells):
            here = index < len(shown.rows)
            name.setVisible(here)
            value.setVisible(here)
            if here:
                set_text(name, shown.rows[index][0])
                set_text(value, shown.rows[index][1])
        set_text(self._warnings, "\n".join(f"▲ {text}" for text in shown.warnings))
        self._warnings.setVisible(bool(shown.warnings))
        set_text(self._note, f"▲ {view.news}" if view.news else shown.note)
        theme.set_property(self._note, "kind", "warning" if view.news else "label")
        self._note.setVisible(bool(shown.note))
        set_text(self._yes, f"Confirm: {shown.confirm_text.lower()}")
        theme.set_property(self._yes, "kind", shown.tone if shown.tone in ("buy", "sell") else "primary")
        self.setAccessibleDescription(
            ". ".join([shown.title, *(f"{name} {value}" for name, value in shown.rows), *shown.warnings])
        )
        # Filled first: shown with all its rows for a moment it would make the dock grow.
        self.show()
        self._since.start()
        if not has_focus:
            self._before = focus
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_yes_clicked(self) -> None:
        if self._since.hasExpired(self.DEAF_MS):
            self._sending.confirm()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat():
            # A key that is held down must never answer a question that has just come up.
            event.accept()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._sending.confirm()
        elif event.key() == Qt.Key.Key_Escape:
            self._sending.discard()
        else:
            super().keyPressEvent(event)


class ResultLine(QWidget):
    """What became of the last action; for an order in doubt with *check now* and *treat as live*."""

    def __init__(self, sending: OrderSender, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sending = sending
        self._shown: Result | None = None
        self._build_ui()
        sending.changed.connect(self._render)
        self.hide()
        self._render()

    def _build_ui(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        self._text = label()
        self._text.setWordWrap(True)
        self._text.setFont(theme.ui_font(theme.TABLE_PX))
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        box.addWidget(self._text)
        self._doubt = QWidget()
        row = QHBoxLayout(self._doubt)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for text, action in (
            ("Check now", self._sending.check_now),
            ("Treat as live", self._sending.treat_as_live),
        ):
            button = QPushButton(text)
            button.setProperty("kind", "action")
            button.clicked.connect(action)
            row.addWidget(button)
        row.addStretch(1)
        box.addWidget(self._doubt)

    def _render(self) -> None:
        result = self._sending.result
        if result == self._shown and self.isHidden() == (result is None):
            return
        self._shown = result
        self.setVisible(result is not None)
        if result is None:
            return
        set_text(self._text, f"{_SIGNS[result.kind]}  {result.text}")
        theme.set_property(self._text, "kind", _TONES.get(result.kind, ""))
        self._doubt.setVisible(result.kind is ResultKind.DOUBT)
        self.setAccessibleName(result.text)
