"""The Positions and Accounts tabs."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from terminal.viewmodels.positions import PositionsViewModel
from terminal.widgets.table import DataTable

_CENTS: Final = 2
_COIN_PX: Final = {"pnl": 120, "swap": 93, "commission": 93, "margin": 85}
_ENDS: Final = "ends"
_CONTRACT_PX: Final = {"pnl": 132}
_GIVE_WAY: Final = ("liquidation", "commission", "kept")
"""Columns that need not be seen, the first to go first."""


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
        self._vm = vm
        self._given = [column.width for column in vm.model.columns]
        self._has_coins = False
        self._has_contracts = False
        vm.changed.connect(self._on_vm_changed)
        self._on_vm_changed()
        self._fit()

    def _on_vm_changed(self) -> None:
        has_coins = any(row.money_decimals > _CENTS for row in self._vm.model.rows)
        has_contracts = any(row.is_contract for row in self._vm.model.rows)
        if (has_coins, has_contracts) != (self._has_coins, self._has_contracts):
            self._has_coins, self._has_contracts = has_coins, has_contracts
            self._fit()

    def _fit(self) -> None:
        """Room for the eight digits of coins, and for countdowns, where a position has such.

        Without room for all columns some give way to the buttons: the margin's tip has the price of
        liquidation, the symbol's the commission, the stop's who keeps it."""
        model = self._vm.model
        for at, column in enumerate(model.columns):
            wanted = max(
                column.width,
                _COIN_PX.get(column.key, 0) if self._has_coins else 0,
                _CONTRACT_PX.get(column.key, 0) if self._has_contracts else 0,
            )
            # What a person has set stays.
            if wanted != self._given[at] and self.table.columnWidth(at) in (self._given[at], 0):
                self.table.setColumnWidth(at, wanted)
            self._given[at] = wanted
        ends = model.column_of(_ENDS)
        self.table.setColumnHidden(ends, not self._has_contracts)
        whole = sum(self._given) - (0 if self._has_contracts else self._given[ends])
        for key in _GIVE_WAY:
            at = model.column_of(key)
            self.table.setColumnHidden(at, self.width() < whole)
            whole -= self._given[at] if self.width() < whole else 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
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
