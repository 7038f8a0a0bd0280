"""Filling a demo account up."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.refill import RefillViewModel
from terminal.widgets.controls import label, set_text, set_tone
from terminal.widgets.form_dialog import FormDialog, answer_buttons
from terminal.widgets.question import fill_question
from terminal.widgets.ticket_parts import FieldRow, NumberEdit

_NOTE = (
    "Demo money only. The venue decides what it grants: it may set the balance to this amount, or add it. "
    "The day's result does not count it."
)


class RefillDialog(FormDialog):
    """One account's refill. Enter asks the venue, Esc leaves all as it is."""

    def __init__(self, vm: RefillViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        vm = self._vm
        self.setWindowTitle("Fill the demo account up")
        self.setMinimumWidth(440)
        box = QVBoxLayout(self)
        head = Confirmation(
            f"Fill up {vm.title}", (("Balance now", vm.balance_text),), note=_NOTE, badge=vm.badge
        )
        (self.balance,) = fill_question(box, head)
        self.edit = NumberEdit(f"Amount in {vm.currency}")
        self.edit.setText(vm.text)
        self.edit.selectAll()
        self.row = FieldRow("Amount", self.edit, label(vm.currency, kind="label"), keeps_line=True)
        box.addWidget(self.row)
        self.warning = label(kind="warning")
        self.warning.setWordWrap(True)
        box.addWidget(self.warning)
        self.state = label()
        self.state.setWordWrap(True)
        box.addWidget(self.state)
        box.addStretch(1)
        row, self.back, self.confirm = answer_buttons("Fill it up")
        box.addLayout(row)
        self.edit.setFocus()

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self._vm.done.connect(self.accept)
        self.edit.textEdited.connect(self._vm.set_text)
        self.back.clicked.connect(self.reject)
        self.confirm.clicked.connect(self._vm.send)
        self.finished.connect(self._vm.close)

    def _render(self) -> None:
        vm = self._vm
        set_text(self.balance, vm.balance_text)
        # Not disabled: it would lose the keyboard, and Enter would go to a button.
        self.edit.setReadOnly(vm.is_busy)
        self.row.show_message(vm.problem)
        set_text(self.warning, f"▲  {vm.warning}")
        self.warning.setVisible(bool(vm.warning) and not vm.is_busy)
        said = "Waiting for the venue's answer…" if vm.is_busy else f"▲  {vm.error}" if vm.error else ""
        set_text(self.state, said)
        set_tone(self.state, "warning" if vm.error and not vm.is_busy else "muted")
        self.state.setVisible(bool(said))
        self.confirm.setEnabled(vm.can_send)
