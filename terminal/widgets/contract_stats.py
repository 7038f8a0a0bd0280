"""The Contracts tab: how one's own contracts have gone, by asset and length."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QDir, QStandardPaths, Qt
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from terminal.viewmodels.contract_stats import ContractStatsViewModel
from terminal.widgets.confirm_dialog import dress_buttons
from terminal.widgets.table import DataTable


class ContractStatsPanel(QWidget):
    """Rows of the statistics. ``tools``: see OrdersPanel."""

    def __init__(self, vm: ContractStatsViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.table = DataTable(
            vm.model, empty_text="No contract has ended yet. Each one counts here, by asset and length."
        )
        self.table.setAccessibleName("Contracts")
        box.addWidget(self.table)
        self.tools = QWidget()
        row = QHBoxLayout(self.tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addStretch(1)
        self.save_lines = self._button("Table as CSV…", "Save this table", "contracts.csv", vm.save_lines)
        self.save_records = self._button(
            "All as CSV…", "Save every contract that has ended, one a line", "contracts-all.csv",
            vm.save_records,
        )  # fmt: skip
        row.addWidget(self.save_lines)
        row.addWidget(self.save_records)
        vm.changed.connect(self._render)
        self._render()

    def _button(self, text: str, tip: str, name: str, save: Callable[[str], None]) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("kind", "action")
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self._ask_where(tip, name, save))
        return button

    def _ask_where(self, title: str, name: str, save: Callable[[str], None]) -> None:
        dialog = QFileDialog(self.window(), title, _documents(), "CSV (*.csv)")
        dialog.selectFile(name)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(save)
        dialog.open()
        dress_buttons(dialog, QDialogButtonBox.StandardButton.Save)

    def _render(self) -> None:
        for button in (self.save_lines, self.save_records):
            button.setEnabled(bool(self._vm.model.rows))


def _documents() -> str:
    """Where a person keeps files: the folder for documents, else the home folder; never the program's own."""
    places = QStandardPaths.StandardLocation
    found = QStandardPaths.writableLocation(places.DocumentsLocation)
    return found if found and QDir(found).exists() else QDir.homePath()
