"""The blotter: positions, orders, fills, balances, accounts, contracts and the log as tabs in one panel.

The tabs and the shown tab's tools stand in the panel's title bar, so that a low panel still has rows.
"""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from terminal.viewmodels.account import AccountViewModel
from terminal.viewmodels.contract_stats import ContractStatsViewModel
from terminal.viewmodels.log import LogViewModel
from terminal.viewmodels.orders import OrdersViewModel
from terminal.viewmodels.positions import PositionsViewModel
from terminal.widgets import theme
from terminal.widgets.account import BalancesPanel
from terminal.widgets.contract_stats import ContractStatsPanel
from terminal.widgets.fills import FillsPanel
from terminal.widgets.log import LogPanel
from terminal.widgets.orders import OrdersPanel
from terminal.widgets.positions import AccountsPanel, PositionsPanel

POSITIONS, ORDERS, FILLS, BALANCES, ACCOUNTS, CONTRACTS, LOG = range(7)


class Blotter(QWidget):
    """All tabs; that of contracts is there while it has anything to say. ``header`` belongs into the panel's
    title bar."""

    def __init__(
        self,
        orders: OrdersViewModel,
        account: AccountViewModel,
        positions: PositionsViewModel,
        log: LogViewModel,
        contracts: ContractStatsViewModel | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._orders_vm = orders
        self._positions_vm = positions
        self._contracts_vm = contracts
        self.positions = PositionsPanel(positions)
        self.orders = OrdersPanel(orders)
        self.fills = FillsPanel(orders)
        self.balances = BalancesPanel(account, lambda: positions.counted_text)
        self.accounts = AccountsPanel(positions)
        self.contracts = ContractStatsPanel(contracts) if contracts is not None else None
        self.log = LogPanel(log)
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.stack = QStackedWidget()
        self.tools = QStackedWidget()
        self.tabs = QTabBar()
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.setProperty("kind", "header")
        self.tabs.setAccessibleName("Tabs of the blotter")
        for panel, tool in (
            (self.positions, QWidget()),
            (self.orders, self.orders.tools),
            (self.fills, QWidget()),
            (self.balances, self.balances.tools),
            (self.accounts, QWidget()),
            (self.contracts or QWidget(), self.contracts.tools if self.contracts else QWidget()),
            (self.log, self.log.tools),
        ):
            self.stack.addWidget(panel)
            self.tools.addWidget(tool)
            self.tabs.addTab("")
        box.addWidget(self.stack)
        self.header = QWidget()
        row = QHBoxLayout(self.header)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.tabs)
        row.addStretch(1)
        row.addWidget(self.tools)
        self.show_tab(POSITIONS)

    def _bind(self) -> None:
        self.tabs.currentChanged.connect(self._on_tab_chosen)
        self._orders_vm.changed.connect(self._render)
        self._positions_vm.changed.connect(self._render)
        if self._contracts_vm is not None:
            self._contracts_vm.changed.connect(self._render)

    def show_tab(self, at: int) -> None:
        """Show a tab: POSITIONS, ORDERS, FILLS, BALANCES, ACCOUNTS, CONTRACTS or LOG."""
        self.tabs.setCurrentIndex(at)
        self._on_tab_chosen(at)

    def set_density(self, density: theme.Density) -> None:
        """Set the rows of every table."""
        for panel in (self.positions, self.orders, self.fills, self.balances, self.accounts, self.log):
            panel.table.set_density(density)
        if self.contracts is not None:
            self.contracts.table.set_density(density)

    def _on_tab_chosen(self, at: int) -> None:
        self.stack.setCurrentIndex(at)
        self.tools.setCurrentIndex(at)

    def _render(self) -> None:
        texts = (
            f"Positions {len(self._positions_vm.model.rows)}",
            f"Orders {self._orders_vm.open_count}",
            "Fills",
            "Balances",
            "Accounts",
            "Contracts",
            "Log",
        )
        self.tabs.setTabVisible(CONTRACTS, self._contracts_vm is not None and self._contracts_vm.is_wanted)
        for at, text in enumerate(texts):
            if self.tabs.tabText(at) != text:
                self.tabs.setTabText(at, text)
