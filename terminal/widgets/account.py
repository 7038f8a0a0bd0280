"""The Balances tab."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from terminal.viewmodels.account import AccountViewModel
from terminal.widgets.controls import label, set_text
from terminal.widgets.table import DataTable


class BalancesPanel(QWidget):
    """What each account holds, what orders hold back of it, and what it is worth."""

    def __init__(
        self, vm: AccountViewModel, counted: Callable[[], str] = str, parent: QWidget | None = None
    ) -> None:
        """``counted``: which share of the accounts is in the total, in words; empty where all are."""
        super().__init__(parent)
        self._vm = vm
        self._counted = counted
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.table = DataTable(
            vm.balances, empty_text="No account is connected, or its balances are loading."
        )
        self.table.setAccessibleName("Balances")
        box.addWidget(self.table)
        self.tools = label(kind="label")
        self.tools.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        vm.changed.connect(self._render)
        self._render()

    def _render(self) -> None:
        text = f"Worth {self._vm.equity_text}" if self._vm.equity is not None else ""
        if self._vm.unpriced:
            text += f"   without {', '.join(self._vm.unpriced)} (no price)"
        if text and self._counted():
            text += f"   {self._counted()}"
        if self._vm.practice_equity is not None:
            text += f"   Practice, counted apart: {self._vm.practice_equity_text}"
        set_text(self.tools, text)
