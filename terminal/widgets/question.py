"""What every question shows above its buttons: title, whose money it is, figures and warnings."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout

from terminal.viewmodels.choice import Choice
from terminal.viewmodels.confirm import Confirmation
from terminal.widgets import theme
from terminal.widgets.controls import ModeBadge, label, line


def fill_question(box: QVBoxLayout, question: Confirmation | Choice) -> list[QLabel]:
    """Put a question's words and figures into an empty box; the buttons come after them. The labels of the
    figures, in the order of the rows.

    The question of an order keeps the line of a warning, so that its buttons are where they were the last
    time, whether something is warned of or not.
    """
    figures: list[QLabel] = []
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
        box.addLayout(_figures(question.rows, figures))
    for warning in question.warnings:
        text = label(f"▲  {warning}", kind="warning")
        text.setWordWrap(True)
        box.addWidget(text)
    if not question.warnings and isinstance(question, Confirmation) and question.tone in ("buy", "sell"):
        box.addWidget(_kept_line())
    box.addWidget(line())
    return figures


def _kept_line() -> QLabel:
    """The room of one usual warning, with nothing to be seen in it."""
    kept = label("▲  Spread 0.25 %, your limit is 0.20 %.", kind="warning")
    kept.setWordWrap(True)
    policy = kept.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    kept.setSizePolicy(policy)
    kept.hide()
    return kept


def _figures(rows: tuple[tuple[str, str], ...], figures: list[QLabel]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(24)
    grid.setVerticalSpacing(5)
    grid.setColumnStretch(1, 1)
    for at, (name, value) in enumerate(rows):
        grid.addWidget(label(name, kind="label"), at, 0)
        figure = label(value)
        figure.setFont(theme.number_font(theme.BASE_PX))
        figure.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(figure, at, 1)
        figures.append(figure)
    return grid
