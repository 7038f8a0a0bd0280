"""The Positions and Accounts tabs."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from terminal.viewmodels.positions import PositionsViewModel
from terminal.widgets.table import DataTable


class PositionsPanel(QWidget):
    """Open positions with their live profit, or what to do first where there are none."""

    def __init__(self, vm: PositionsViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.table = DataTable(
            vm.model,
            empty_text="No positions. Try a practice order: what you buy on a spot market is listed "
            "under Balances.",
            has_actions=True,
        )
        self.table.setAccessibleName("Positions")
        box.addWidget(self.table)
        self.table.acted.connect(vm.act)
        self.table.delete_pressed.connect(vm.close_position)
        vm.refused.connect(self.table.say_beside)
        self._spare = vm.model.column_of("liquidation")
        self._whole_px = sum(column.width for column in vm.model.columns)

    def resizeEvent(self, event: QResizeEvent) -> None:
        # Without room for all columns this one gives way to the buttons: the margin's tip has its price.
        self.table.setColumnHidden(self._spare, self.width() < self._whole_px)
        super().resizeEvent(event)


class AccountsPanel(QWidget):
    """The accounts of all sign-ins: balance, equity, margin, and which one trades."""

    def __init__(self, vm: PositionsViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.table = DataTable(
            vm.accounts_model,
            empty_text="Accounts on margin are listed here. Connect a venue that has them.",
            has_actions=True,
        )
        self.table.setAccessibleName("Accounts")
        box.addWidget(self.table)
        self.table.acted.connect(vm.act)
