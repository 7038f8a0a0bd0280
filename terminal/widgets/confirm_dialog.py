"""The question before something is sent: the exact figures, the warnings, and whose money it is."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QInputDialog,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.confirm import Confirmation
from terminal.widgets import theme
from terminal.widgets.controls import set_text
from terminal.widgets.question import fill_question

_REFRESH_MS = 250
_WIDTH = 380


class ConfirmDialog(QDialog):
    """Shows one :class:`Confirmation`. Enter confirms, save in a question of the tone ``danger``, where it
    goes back; Esc always goes back. Figures that follow the market are read anew four times a second."""

    def __init__(self, question: Confirmation, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(question.title)
        self.setMinimumWidth(_WIDTH)
        self._question = question
        self._build_ui(question)
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        if question.live is not None:
            self._timer.start()

    def refresh(self) -> None:
        """Show the figures of the moment, where the question has such."""
        if self._question.live is None:
            return
        for figure, (_, text) in zip(self._figures, self._question.live(), strict=False):
            set_text(figure, text)

    def _build_ui(self, question: Confirmation) -> None:
        box = QVBoxLayout(self)
        self._figures = fill_question(box, question)
        box.addLayout(self._buttons(question))
        # Only now are they children of the dialog, which would light its first button otherwise. Both press
        # themselves when they are walked to by key; the default is what Enter presses before that.
        first = self.cancel if question.tone == "danger" else self.confirm
        first.setDefault(True)
        first.setFocus()

    def _buttons(self, question: Confirmation) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        self.cancel = QPushButton("Back")
        self.cancel.setProperty("kind", "action")
        self.cancel.clicked.connect(self.reject)
        self.confirm = QPushButton(question.confirm_text)
        self.confirm.setProperty(
            "kind", question.tone if question.tone in ("buy", "sell", "danger") else "primary"
        )
        self.confirm.setMinimumWidth(110)
        self.confirm.clicked.connect(self.accept)
        row.addWidget(self.cancel)
        row.addWidget(self.confirm)
        return row


def dress_input(dialog: QInputDialog) -> None:
    """Give Qt's own question for a text, which is open already, the look of the others: as wide as its title
    needs, and buttons of the theme without the system's pictures."""
    dialog.setMinimumWidth(_WIDTH)
    dress_buttons(dialog, QDialogButtonBox.StandardButton.Ok)


def dress_buttons(dialog: QDialog, main: QDialogButtonBox.StandardButton) -> None:
    """Give the buttons of one of Qt's own dialogs the theme's look, the ``main`` one the more; a dialog that
    the system draws has none of them."""
    buttons = dialog.findChild(QDialogButtonBox)
    for role, kind in ((main, "primary"), (QDialogButtonBox.StandardButton.Cancel, "action")):
        button = buttons.button(role) if buttons is not None else None
        if button is not None:
            button.setIcon(QIcon())
            theme.set_property(button, "kind", kind)
