"""The question before something is sent: the exact figures, the warnings, and whose money it is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from terminal.viewmodels.confirm import Confirmation
from terminal.widgets import theme
from terminal.widgets.controls import ModeBadge, label, line


class ConfirmDialog(QDialog):
    """Shows one :class:`Confirmation`. Enter confirms, Esc does not."""

    def __init__(self, question: Confirmation, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(question.title)
        self.setMinimumWidth(380)
        self._build_ui(question)

    def _build_ui(self, question: Confirmation) -> None:
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
            box.addLayout(self._rows(question.rows))
        for warning in question.warnings:
            text = label(f"▲  {warning}", kind="warning")
            text.setWordWrap(True)
            box.addWidget(text)
        box.addWidget(line())
        box.addLayout(self._buttons(question))

    def _rows(self, rows: tuple[tuple[str, str], ...]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(5)
        for at, (name, value) in enumerate(rows):
            grid.addWidget(label(name, kind="label"), at, 0)
            figure = label(value)
            figure.setFont(theme.number_font(theme.BASE_PX))
            figure.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(figure, at, 1)
        grid.setColumnStretch(1, 1)
        return grid

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
        self.confirm.setFocus()
        return row
