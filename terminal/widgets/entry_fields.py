"""Entries of the forms that connect a venue: labelled fields, some of them for keys, and boxes to tick."""

from __future__ import annotations

import contextlib
import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QCheckBox, QLineEdit, QMenu, QVBoxLayout, QWidget

from terminal.widgets import theme
from terminal.widgets.controls import label, set_text

_EXCLUDE_FROM_CAPTURE = 0x11  # Windows: WDA_EXCLUDEFROMCAPTURE


class SecretEdit(QLineEdit):
    """A field for keys: dots, and a menu that can paste but not copy."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.addAction("Paste", self.paste)
        menu.addAction("Clear", self.clear)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())


class EntryField(QWidget):
    """A labelled entry with its problem beneath."""

    def __init__(self, title: str, hint: str, *, secret: bool) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        caption = label(title, kind="label")
        box.addWidget(caption)
        self.edit: QLineEdit = SecretEdit() if secret else QLineEdit()
        self.edit.setPlaceholderText(hint)
        self.edit.setAccessibleName(title)
        caption.setBuddy(self.edit)
        box.addWidget(self.edit)
        self.problem = label(kind="error")
        self.problem.setWordWrap(True)
        self.problem.hide()
        box.addWidget(self.problem)

    def show_problem(self, text: str) -> None:
        set_text(self.problem, text)
        self.problem.setVisible(bool(text))
        theme.set_property(self.edit, "invalid", bool(text))


class FlagField(QWidget):
    """A box to tick, and what that brings beneath it."""

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 2, 0, 0)
        box.setSpacing(3)
        self.box = QCheckBox(title)
        self.box.setAccessibleDescription(hint)
        self.hint = label(hint, kind="muted")
        self.hint.setWordWrap(True)
        self.hint.setIndent(22)
        box.addWidget(self.box)
        box.addWidget(self.hint)


def exclude_from_capture(window: QWidget) -> None:
    """Windows can keep a window out of screenshots and shared screens; elsewhere there is no such call."""
    if sys.platform == "win32":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.windll.user32.SetWindowDisplayAffinity(int(window.winId()), _EXCLUDE_FROM_CAPTURE)
