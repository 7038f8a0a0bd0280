"""The question before quitting: what of the person's goes on at a venue while the terminal is off."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Protocol

from terminal.domain.account import Position
from terminal.domain.orders import Order
from terminal.services.session import Mode
from terminal.viewmodels.choice import Chooser
from terminal.viewmodels.confirm import CONTRACTS_RUN_ON, Asker, quit_confirmation
from terminal.viewmodels.connection import ConnectionViewModel
from terminal.viewmodels.dead_man import LET_FIRE, DeadManViewModel
from terminal.viewmodels.ports import BADGES

_DOUBT = "An order is in doubt: it is asked after at the next start."


class Leaving(Enum):
    """What the person has answered."""

    STAYS = "stays"
    QUITS = "quits"
    SWITCH_ARMED = "quits, and the dead man's switch cancels the orders"


class OpenOrders(Protocol):
    """The orders that rest or may; ``services.orders.OrderGate`` is one."""

    @property
    def doubts(self) -> Mapping[str, object]: ...
    def open_orders(self) -> list[Order]: ...


class OpenPositions(Protocol):
    """What is held; ``services.portfolio.Portfolio`` is one."""

    def positions(self, account: str) -> tuple[Position, ...]: ...


class Quitting:
    """Asks where orders rest (they stay), contracts run (they end by themselves), an order is in doubt, or a
    dead man's switch is armed.

    Args:
        removed: the accounts of venues that were taken off the desk: what is open there is followed no more.
        asks: whether the person wants to be asked; an armed switch is always asked about.
    """

    def __init__(
        self,
        orders: OpenOrders,
        positions: OpenPositions,
        dead_man: DeadManViewModel,
        connections: ConnectionViewModel,
        ask: Asker,
        *,
        removed: Callable[[], Collection[str]],
        asks: Callable[[], bool],
    ) -> None:
        self._orders = orders
        self._positions = positions
        self._dead_man = dead_man
        self._connections = connections
        self._ask = ask
        self._removed = removed
        self._asks = asks

    async def ask(self, choose: Chooser) -> Leaving:
        """The person's answer; without anything to ask about, that they quit."""
        removed = self._removed()
        doubts = self._orders.doubts
        ours = [order for order in self._orders.open_orders() if order.account not in removed]
        resting = [order for order in ours if order.state.is_working]
        in_doubt = [order for order in ours if order.client_order_id in doubts]
        warnings = (_DOUBT,) if in_doubt else ()
        contracts = self._accounts_of_contracts(removed)
        if self._dead_man.is_armed:
            answer = await self._dead_man.ask_before_quitting(
                choose,
                lambda account: sum(order.account == account for order in resting),
                (*warnings, *((CONTRACTS_RUN_ON,) if contracts else ())),
            )
            if answer is None:
                return Leaving.STAYS
            return Leaving.SWITCH_ARMED if answer == LET_FIRE else Leaving.QUITS
        if not self._asks() or not (resting or in_doubt or contracts):
            return Leaving.QUITS
        practice = sum(self._is_practice(order.account) for order in resting)
        accounts = [*(order.account for order in (*resting, *in_doubt)), *contracts]
        question = quit_confirmation(
            at_venue=len(resting) - practice,
            practice=practice,
            contracts=len(contracts),
            warnings=warnings,
            badge=self._connections.badge_for(accounts),
        )
        return Leaving.QUITS if await self._ask(question) else Leaving.STAYS

    def _accounts_of_contracts(self, removed: Collection[str]) -> list[str]:
        """The account of each contract that runs."""
        return [
            account
            for account in self._connections.accounts()
            if account not in removed
            for position in self._positions.positions(account)
            if position.contract is not None
        ]

    def _is_practice(self, account: str) -> bool:
        return self._connections.badge_of(account) == BADGES[Mode.PRACTICE]
