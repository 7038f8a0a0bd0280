"""The passphrase of the key vault, entered once for every account that waits for it."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from terminal.viewmodels.unlock import UnlockViewModel
from terminal.widgets.controls import label
from terminal.widgets.entry_fields import EntryField


class UnlockDialog(QDialog):
    """Asks for the passphrase. It closes by itself once the vault is open."""

    def __init__(self, vm: UnlockViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        vm.changed.connect(self._render)
        vm.finished.connect(self.accept)
        self._render()

    def _build_ui(self) -> None:
        title = "Open the key vault"
        self.setWindowTitle(title)
        self.setMinimumWidth(380)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(10)
        box.addWidget(label(title, kind="heading"))
        waiting = ", ".join(self._vm.waiting)
        self.note = label(f"Your account then connects at: {waiting}." if waiting else "")
        self.note.setWordWrap(True)
        self.note.setVisible(bool(waiting))
        box.addWidget(self.note)
        self.field = EntryField("Passphrase of the key vault", "", secret=True)
        self.field.edit.textChanged.connect(self._render)
        box.addWidget(self.field)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        self.cancel = QPushButton("Back")
        self.cancel.setProperty("kind", "action")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.reject)
        self.go = QPushButton("Open")
        self.go.setProperty("kind", "primary")
        self.go.setMinimumWidth(110)
        self.go.setDefault(True)
        self.go.clicked.connect(self._on_go_clicked)
        row.addWidget(self.cancel)
        row.addWidget(self.go)
        box.addLayout(row)
        self.field.edit.setFocus()

    def _render(self) -> None:
        self.go.setEnabled(bool(self.field.edit.text()) and not self._vm.is_busy)
        self.field.edit.setReadOnly(self._vm.is_busy)
        self.field.show_problem(self._vm.error)

    def _on_go_clicked(self) -> None:
        self._vm.unlock(self.field.edit.text())

    def done(self, result: int) -> None:
        """Close; nothing that was entered stays in the field."""
        self.field.edit.clear()
        super().done(result)
