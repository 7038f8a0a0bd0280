"""The Orders tab: open orders, changed by editing a cell, canceled by a button or Del."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from terminal.domain.market import Side
from terminal.viewmodels.orders import OrdersViewModel
from terminal.widgets.table import DataTable


class OrdersPanel(QWidget):
    """Order rows. ``tools`` stands in the blotter's head while this tab is shown."""

    def __init__(self, vm: OrdersViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.table = DataTable(
            self._vm.model,
            empty_text="No open orders. Click a price in the ladder, or fill in the ticket.",
            has_actions=True,
        )
        self.table.setAccessibleName("Orders")
        box.addWidget(self.table)
        self.tools = QWidget()
        row = QHBoxLayout(self.tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.ended = QCheckBox("Ended too")
        self.ended.setToolTip("Also list orders that were filled, canceled or refused")
        row.addWidget(self.ended)
        row.addSpacing(12)
        self.cancel_buys = self._button("Cancel buys", "Cancel every open buy order")
        self.cancel_sells = self._button("Cancel sells", "Cancel every open sell order")
        self.cancel_all = self._button("Cancel all", "Cancel every open order, at every venue")
        for button in (self.cancel_buys, self.cancel_sells, self.cancel_all):
            row.addWidget(button)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("kind", "action")
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self._vm.refused.connect(self.table.say_beside)
        self.table.acted.connect(self._vm.act)
        self.table.delete_pressed.connect(self._vm.cancel)
        self.ended.toggled.connect(self._vm.set_show_ended)
        self.cancel_buys.clicked.connect(lambda: self._vm.cancel_all(Side.BUY))
        self.cancel_sells.clicked.connect(lambda: self._vm.cancel_all(Side.SELL))
        self.cancel_all.clicked.connect(lambda: self._vm.cancel_all())

    def _render(self) -> None:
        for button, side in (
            (self.cancel_buys, Side.BUY),
            (self.cancel_sells, Side.SELL),
            (self.cancel_all, None),
        ):
            button.setEnabled(self._vm.can_cancel_all(side))
