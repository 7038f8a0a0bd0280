"""The margin levels at which the venue warns, to read and to change."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.margin_calls import MarginCallsViewModel
from terminal.widgets.controls import label, set_text
from terminal.widgets.form_dialog import FormDialog, answer_buttons
from terminal.widgets.question import fill_question
from terminal.widgets.ticket_parts import FieldRow, NumberEdit

_NOTE = (
    "The venue warns when the margin level falls to one of these: equity in per cent of the margin that open "
    "positions tie up."
)


class MarginCallsDialog(FormDialog):
    """One account's levels. Enter saves, Esc leaves them as they are."""

    def __init__(self, vm: MarginCallsViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self.edits: dict[str, NumberEdit] = {}
        self._rows: dict[str, FieldRow] = {}
        self._build_ui()
        self._bind()
        self._render()
        vm.load()

    def _build_ui(self) -> None:
        vm = self._vm
        self.setWindowTitle(f"Margin calls of {vm.title}")
        self.setMinimumWidth(440)
        box = QVBoxLayout(self)
        note = f"{_NOTE} {vm.stop_out}".strip()
        head = Confirmation(
            f"Margin call levels of {vm.title}", (("Level now", vm.level_text),), note=note, badge=vm.badge
        )
        fill_question(box, head)
        self._fields = QVBoxLayout()
        self._fields.setSpacing(6)
        box.addLayout(self._fields)
        self.state = label(kind="warning")
        self.state.setWordWrap(True)
        box.addWidget(self.state)
        row, self.back, self.confirm = answer_buttons("Save")
        box.addLayout(row)

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self._vm.saved.connect(self.accept)
        self.back.clicked.connect(self.reject)
        self.confirm.clicked.connect(self._vm.save)
        self.finished.connect(self._vm.close)

    def _build_rows(self) -> None:
        for number, field in enumerate(self._vm.fields, 1):
            call_id = field.call.call_id
            edit = NumberEdit(f"Warning {number}, margin level in per cent")
            edit.textEdited.connect(lambda text, one=call_id: self._vm.set_text(one, text))
            row = FieldRow(f"Warning {number}", edit, label("%", kind="label"), keeps_line=True)
            self.edits[call_id], self._rows[call_id] = edit, row
            self._fields.addWidget(row)
        if self.edits:
            next(iter(self.edits.values())).setFocus()

    def _render(self) -> None:
        vm = self._vm
        if not self._rows:
            self._build_rows()
        for field in vm.fields:
            edit = self.edits[field.call.call_id]
            if edit.text() != field.text:
                edit.setText(field.text)
            edit.setEnabled(not vm.is_busy)
            self._rows[field.call.call_id].show_message(field.problem)
        waiting = "Saving…" if vm.fields else "Reading them from the venue…"
        set_text(self.state, waiting if vm.is_busy else f"▲  {vm.error}" if vm.error else "")
        self.state.setVisible(bool(self.state.text()))
        self.confirm.setEnabled(vm.can_save)
