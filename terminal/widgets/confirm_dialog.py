"""The question before something is sent: the exact figures, the warnings, and whose money it is."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from terminal.viewmodels.confirm import Confirmation
from terminal.widgets.question import fill_question


class ConfirmDialog(QDialog):
    """Shows one :class:`Confirmation`. Enter confirms, Esc does not."""

    def __init__(self, question: Confirmation, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(question.title)
        self.setMinimumWidth(380)
        self._build_ui(question)

    def _build_ui(self, question: Confirmation) -> None:
        box = QVBoxLayout(self)
        fill_question(box, question)
        box.addLayout(self._buttons(question))
        # Only now is it a child of the dialog, which would light its first button otherwise.
        self.confirm.setFocus()

    def _buttons(self, question: Confirmation) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        self.cancel = QPushButton("Back")
        self.cancel.setProperty("kind", "action")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.reject)
        self.confirm = QPushButton(question.confirm_text)
        self.confirm.setProperty(
            "kind", question.tone if question.tone in ("buy", "sell", "danger") else "primary"
        )
        self.confirm.setMinimumWidth(110)
        self.confirm.setDefault(True)
        self.confirm.clicked.connect(self.accept)
        row.addWidget(self.cancel)
        row.addWidget(self.confirm)
        return row
