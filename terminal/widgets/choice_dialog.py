"""A question with several answers: one button each, and the way back."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from terminal.viewmodels.choice import Choice
from terminal.widgets.question import fill_question


class ChoiceDialog(QDialog):
    """Shows one :class:`Choice`. Esc goes back; the last option is the default.

    Attributes:
        answer: the key of the chosen option; None while none is.
    """

    def __init__(self, question: Choice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.answer: str | None = None
        self.buttons: dict[str, QPushButton] = {}
        self.setWindowTitle(question.title)
        self.setMinimumWidth(500)
        self._build_ui(question)

    def _build_ui(self, question: Choice) -> None:
        box = QVBoxLayout(self)
        fill_question(box, question)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.back = QPushButton("Back")
        self.back.setProperty("kind", "action")
        self.back.setAutoDefault(False)
        self.back.clicked.connect(self.reject)
        row.addWidget(self.back)
        row.addStretch(1)
        for option in question.options:
            button = QPushButton(option.text)
            button.setProperty("kind", option.tone or "action")
            button.setAutoDefault(False)
            button.clicked.connect(partial(self._on_option_clicked, option.key))
            self.buttons[option.key] = button
            row.addWidget(button)
        if question.options:
            last = self.buttons[question.options[-1].key]
            last.setDefault(True)
            last.setFocus()
        box.addLayout(row)

    def _on_option_clicked(self, key: str) -> None:
        self.answer = key
        self.accept()
