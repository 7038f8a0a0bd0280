"""Our orders as the protocol tells them, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from terminal.bridge.account_calls import account_of
from terminal.bridge.bots import Bot, BotMode
from terminal.bridge.envelope import plain, text_of, whole_of
from terminal.bridge.errors import CallRefused
from terminal.bridge.symbols import SymbolTable, wire_name
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import InstrumentId
from terminal.domain.orders import Order, OrderState, Origin
from terminal.services.market_data import MarketData
from terminal.services.orders import OrderGate
from terminal.services.session import Session

Params = Mapping[str, Any]

_MOST_HISTORY: Final = 500
_DEFAULT_HISTORY: Final = 100
_S = OrderState
_ENDED_EMPTY: Final = frozenset({_S.CANCELED, _S.EXPIRED, _S.REJECTED})


def status_of(order: Order) -> str:
    """The protocol's word for an order's state. What was sent and not answered is still ``submitting``."""
    if order.state in (_S.PENDING_NEW, _S.IN_DOUBT):
        return "submitting"
    if order.state is _S.FILLED:
        return "filled"
    if order.state in _ENDED_EMPTY:
        return "partial-canceled" if order.filled_quantity else "canceled"
    return "partial-filled" if order.filled_quantity else "pending"


def is_of(order: Order, bot: Bot) -> bool:
    """Whether a bot placed this order, under whichever of its names."""
    return order.origin is Origin.BRIDGE and order.request.origin_name in bot.names


class OrderCalls:
    """``orders``, ``order`` and ``historyorders``.

    A bot that may trade sees its own orders: it could not cancel another's, and strategies cancel what they
    see. One that only reads sees all of the account. The history reaches back as far as the terminal's own
    memory of orders, two weeks.
    """

    def __init__(
        self,
        gate: OrderGate,
        market: MarketData,
        symbols: SymbolTable,
        dry_orders: Callable[[Bot], list[Order]],
    ) -> None:
        """``dry_orders``: those that a bot only pretended to send, oldest first."""
        self._gate = gate
        self._market = market
        self._symbols = symbols
        self._dry_orders = dry_orders

    def orders(self, bot: Bot, session: Session, params: Params) -> object:
        """Open orders, oldest first."""
        wanted = self._wanted(session, params)
        return [
            self.data_of(each)
            for each in self._visible(bot, session)
            if not each.state.is_final and (wanted is None or each.instrument == wanted)
        ]

    def order(self, bot: Bot, session: Session, params: Params) -> object:
        """One order in any state."""
        return self.data_of(self.find(bot, session, params))

    def historyorders(self, bot: Bot, session: Session, params: Params) -> object:
        """Orders that have ended, oldest first; ``since`` in Unix milliseconds."""
        wanted = self._wanted(session, params)
        limit = whole_of(params, "limit", _DEFAULT_HISTORY, _MOST_HISTORY)
        since_ns = whole_of(params, "since", 0, 10**14) * 1_000_000
        ended = [
            each
            for each in self._visible(bot, session)
            if each.state.is_final
            and each.created_ns >= since_ns
            and (wanted is None or each.instrument == wanted)
        ]
        return [self.data_of(each) for each in ended[-limit:]]

    def find(self, bot: Bot, session: Session, params: Params) -> Order:
        """The order that an ``id`` means. Raises CallRefused where the bot has no such order."""
        key = text_of(params, "id").rpartition(",")[2].strip()
        for each in self._visible(bot, session):
            if each.client_order_id == key:
                return each
        raise CallRefused("unknown order: this bot has no order with that id")

    def id_of(self, order: Order) -> str:
        """The protocol's id: the instrument, a comma, and our own id of the order."""
        return f"{self._name(order.instrument).replace('_', '-', 1)},{order.client_order_id}"

    def data_of(self, order: Order) -> dict[str, object]:
        """An order in the protocol's shape; amounts in base units."""
        price = order.limit_price if order.limit_price is not None else order.trigger_price
        # What a market buy for an amount of money will bring is known once it is filled.
        amount = order.filled_quantity if order.request.in_quote else order.quantity
        return {
            "id": self.id_of(order),
            "symbol": self._name(order.instrument),
            "amount": plain(amount),
            "price": plain(price or ZERO),
            "deal_amount": plain(order.filled_quantity),
            "avg_price": plain(order.average_price or ZERO),
            "type": order.side.value,
            "status": status_of(order),
        }

    def _visible(self, bot: Bot, session: Session) -> list[Order]:
        account_of(session)
        if bot.mode is BotMode.DRY_RUN:
            return [each for each in self._dry_orders(bot) if each.account in session.accounts]
        mine = bot.mode.sends
        return [
            each
            for each in self._gate.orders.values()
            if each.account in session.accounts and (not mine or is_of(each, bot))
        ]

    def _wanted(self, session: Session, params: Params) -> InstrumentId | None:
        name = text_of(params, "symbol", default="")
        return self._symbols.find(session.venue, name).id if name else None

    def _name(self, instrument: InstrumentId) -> str:
        listed = self._market.instrument(instrument)
        return wire_name(listed) if listed is not None else instrument.symbol.replace("/", "_")
