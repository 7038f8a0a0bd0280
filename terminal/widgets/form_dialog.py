"""What small forms that wait for a venue have in common: they grow with its answer and end in two buttons."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton


class FormDialog(QDialog):
    """A dialog whose text comes after it has opened: it grows with it, and never shrinks."""

    def event(self, event: QEvent) -> bool:
        # Told by its type first: after its own deletion there is no dialog left to ask.
        if event.type() is not QEvent.Type.LayoutRequest:
            return super().event(event)
        handled = super().event(event)
        box = self.layout()
        if box is not None:
            self.resize(self.width(), max(self.height(), box.heightForWidth(self.width())))
        return handled


def answer_buttons(text: str) -> tuple[QHBoxLayout, QPushButton, QPushButton]:
    """The row at the end of a form: ``Back``, and the one that sends, which Enter presses."""
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addStretch(1)
    back = QPushButton("Back")
    back.setProperty("kind", "action")
    back.setAutoDefault(False)
    confirm = QPushButton(text)
    confirm.setProperty("kind", "primary")
    confirm.setMinimumWidth(110)
    confirm.setDefault(True)
    row.addWidget(back)
    row.addWidget(confirm)
    return row, back, confirm
