"""The Fills tab: our own executions, newest first."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from terminal.viewmodels.orders import OrdersViewModel
from terminal.widgets.table import DataTable


class FillsPanel(QWidget):
    """Fill rows."""

    def __init__(self, vm: OrdersViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.table = DataTable(vm.fills_model, empty_text="No fills yet.")
        self.table.setAccessibleName("Fills")
        box.addWidget(self.table)
