"""A question with several answers: one button each, and the way back."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from terminal.viewmodels.choice import Choice
from terminal.widgets import theme
from terminal.widgets.controls import ModeBadge, label, line


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
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(10)
        head = QHBoxLayout()
        title = label(question.title, kind="heading")
        title.setWordWrap(True)
        head.addWidget(title, 1)
        if question.badge:
            badge = ModeBadge()
            badge.show_mode(question.badge, striped=question.badge in ("PRACTICE", "PAPER"))
            head.addWidget(badge, 0, Qt.AlignmentFlag.AlignTop)
        box.addLayout(head)
        if question.note:
            note = label(question.note)
            note.setWordWrap(True)
            box.addWidget(note)
        if question.rows:
            box.addWidget(line())
            grid = QGridLayout()
            grid.setHorizontalSpacing(24)
            grid.setVerticalSpacing(5)
            grid.setColumnStretch(1, 1)
            for at, (name, value) in enumerate(question.rows):
                grid.addWidget(label(name, kind="label"), at, 0)
                figure = label(value)
                figure.setFont(theme.number_font(theme.BASE_PX))
                figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                grid.addWidget(figure, at, 1)
            box.addLayout(grid)
        for warning in question.warnings:
            text = label(f"▲  {warning}", kind="warning")
            text.setWordWrap(True)
            box.addWidget(text)
        box.addWidget(line())
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
