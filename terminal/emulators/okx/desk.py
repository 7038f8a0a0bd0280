"""The accounts of the practice OKX with their orders and fills: found, told to listeners, and kept.

What changes them is beside it: :mod:`placing` takes orders, :mod:`booking` books executions, :mod:`positions`
carries positions through time. All of them raise :class:`OkxError` with OKX's codes, whoever calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from terminal.domain.decimals import ZERO
from terminal.domain.orders import OrderState
from terminal.emulators.market.engine_types import CancelReason, EngineOrder
from terminal.emulators.market.store import Record, order_from_data, order_to_data
from terminal.emulators.okx.bills import TRANSFER, Bills
from terminal.emulators.okx.errors import OkxError
from terminal.emulators.okx.exchange import OkxExchange
from terminal.emulators.okx.ledger import Money, OkxAccount, Position
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.orders import order_row, position_key, push_row, text_of
from terminal.emulators.okx.wire import Row

KEPT_ORDERS: Final = 2_000
KEPT_FILLS: Final = 10_000
FORGOTTEN_NS: Final = 2 * 3_600_000_000_000
"""After so long a canceled order without a fill is in no history."""


EXPIRED: Final = "7"
"""``cancelSource`` of an order whose instrument has come to its end."""


class DeskListener:
    """Told of what happens to accounts. Override what matters; do not call the desk back from inside."""

    def on_order(self, uid: int, row: Row) -> None:
        """A row of the orders channel."""

    def on_money(
        self, uid: int, event: str, ccys: list[str], positions: list[Row], trades: list[Row]
    ) -> None:
        """Cash moved or positions changed; ``event`` as ``balance_and_position`` names it."""

    def on_fill(self, order: EngineOrder) -> None:
        """An order of a person was filled, in part or whole; its figures are told already."""

    def on_end(self, order: EngineOrder) -> None:
        """An order of a person is over."""


class Desk:
    """Every account of the practice OKX."""

    def __init__(self, exchange: OkxExchange) -> None:
        self.exchange = exchange
        self.money = Money(exchange)
        self.bills = Bills(exchange)
        self.accounts: dict[int, OkxAccount] = {}
        self.orders: dict[int, EngineOrder] = {}
        self.closed: dict[int, deque[EngineOrder]] = {}
        self.fills: dict[int, deque[Row]] = {}
        self.suspended: set[str] = set()
        self.delisted: set[str] = set()
        self._by_client: dict[tuple[int, str], EngineOrder] = {}
        self._listeners: list[DeskListener] = []
        self._store = exchange.store
        self._dirty_orders: dict[int, EngineOrder] = {}
        self._dirty_accounts: set[int] = set()
        self._new_fills: list[tuple[int, Row]] = []

    def now_ns(self) -> int:
        """The venue's time."""
        return self.exchange.clock.wall_ns()

    def listen(self, listener: DeskListener) -> None:
        """Tell ``listener`` from now on."""
        self._listeners.append(listener)

    # ---- accounts --------------------------------------------------------------------------------

    def open_account(self, uid: int, mode: str) -> OkxAccount:
        """Load an account of an earlier run, or begin it; its live orders go back into the books."""
        kept = self._store.get(f"okx:account:{uid}")
        account = OkxAccount.from_data(uid, kept) if kept else OkxAccount(uid, mode)
        self.accounts[uid] = account
        for held in account.positions.values():
            self.exchange.recall(held.inst_id)
        records = self._store.records("okx order", uid, limit=KEPT_ORDERS)
        for record in records:
            self.exchange.recall(record.data["symbol"])
        listings = {name: one.listing for name, one in self.exchange.instruments.items()}
        self.closed[uid] = deque(maxlen=KEPT_ORDERS)
        self.fills[uid] = deque(maxlen=KEPT_FILLS)
        self.bills.load(uid)
        found = [order_from_data(one.data, listings) for one in reversed(records)]
        for order in sorted((one for one in found if one is not None), key=lambda one: one.priority):
            self.orders[order.order_id] = order
            if order.tag["clOrdId"]:
                self._by_client[uid, order.tag["clOrdId"]] = order
            if order.is_live and order.symbol not in self.exchange.engines:
                order.status, order.reason = OrderState.CANCELED, EXPIRED
                order.closed_ns = order.updated_ns = self.exchange.instruments[order.symbol].expiry_ns
                self._dirty_orders[order.order_id] = order
            if order.is_live:
                account.open_orders[order.order_id] = order
                self.exchange.engines[order.symbol].restore(order)
            else:
                self.closed[uid].append(order)
        self.fills[uid].extend(
            one.data for one in reversed(self._store.records("okx fill", uid, limit=KEPT_FILLS))
        )
        if not kept:
            self._dirty_accounts.add(uid)
        return account

    def reset(self, uid: int) -> None:
        """Cancel everything of an account and give it the starting balances again."""
        before = self.accounts[uid]
        for order in list(before.open_orders.values()):
            self.exchange.engines[order.symbol].cancel(order, CancelReason.RESET)
        for old in [*self.closed[uid]]:
            self.orders.pop(old.order_id, None)
        self._by_client = {key: order for key, order in self._by_client.items() if key[0] != uid}
        gone = [self._emptied(one) for one in before.positions.values()]
        mode = before.mode
        self.flush()
        self._store.forget_records(uid)
        self.closed[uid].clear()
        self.fills[uid].clear()
        self.bills.clear(uid)
        fresh = self.accounts[uid] = OkxAccount(uid, mode)
        self._dirty_accounts.add(uid)
        self.flush()
        rows = [self.money.position_row(fresh, one) for one in gone]
        self.tell_money(uid, "adjust", sorted(fresh.cash), rows, [])

    def _emptied(self, position: Position) -> Position:
        position.size = position.margin = ZERO
        return position

    def open_orders(self, uid: int) -> list[EngineOrder]:
        """Live orders, oldest first."""
        return list(self.accounts[uid].open_orders.values())

    def wanted(self) -> set[str]:
        """Instruments in which somebody has an order or a position."""
        found: set[str] = set()
        for account in self.accounts.values():
            found.update(order.symbol for order in account.open_orders.values())
            found.update(held.inst_id for held in account.positions.values())
        return found

    def find(self, uid: int, values: Mapping[str, Any], code: str) -> EngineOrder:
        """The order that ``ordId`` or else ``clOrdId`` names (the newest of that name).

        Raises:
            OkxError: 51003 without either; ``code`` where there is none.
        """
        order_id, client_id = text_of(values, "ordId"), text_of(values, "clOrdId")
        if not order_id and not client_id:
            raise OkxError("51003")
        if order_id:
            found = self.orders.get(int(order_id)) if order_id.isdigit() and len(order_id) < 25 else None
        else:
            found = self._by_client.get((uid, client_id))
        if found is None or found.account != str(uid) or found.symbol != values.get("instId"):
            raise OkxError(code)
        return found

    def named(self, uid: int, client_id: str) -> EngineOrder | None:
        """The newest order of that ``clOrdId``."""
        return self._by_client.get((uid, client_id))

    def is_forgotten(self, order: EngineOrder) -> bool:
        """A canceled order without a fill, two hours later."""
        return (
            order.status is OrderState.CANCELED
            and not order.done_steps
            and self.now_ns() - (order.closed_ns or order.updated_ns) > FORGOTTEN_NS
        )

    def instrument(self, values: Mapping[str, Any]) -> OkxInstrument:
        """The instrument a request names.

        Raises:
            OkxError: 51001, or 51027 after its end.
        """
        found = self.exchange.instruments.get(str(values.get("instId")))
        if found is None or found.inst_id in self.delisted:
            raise OkxError("51001")
        if found.inst_id not in self.exchange.engines:
            raise OkxError("51027")
        self.exchange.rouse(found)
        return found

    def drop(self, order: EngineOrder, reason: str) -> None:
        """Cancel a live order for a reason (a number is told as ``cancelSource``)."""
        self.exchange.engines[order.symbol].cancel(order, reason)

    def adjust(self, uid: int, ccy: str, change: Decimal) -> None:
        """Move a currency's cash from outside."""
        account = self.accounts[uid]
        change = max(change, -account.cash.get(ccy, ZERO))
        ends = {"from": "6", "to": "18"} if change >= 0 else {"from": "18", "to": "6"}
        self.bills.book(account, ccy, change, TRANSFER, "11" if change >= 0 else "12", told=ends)
        self._dirty_accounts.add(uid)
        self.flush()
        self.tell_money(uid, "transferred", [ccy], [], [])

    # ---- what happens -----------------------------------------------------------------

    def note_open(self, order: EngineOrder) -> None:
        uid = int(order.account)
        self.orders[order.order_id] = order
        self.accounts[uid].open_orders[order.order_id] = order
        if order.tag["clOrdId"]:
            self._by_client[uid, order.tag["clOrdId"]] = order
        self._dirty_orders[order.order_id] = order

    def note_closed(self, order: EngineOrder) -> None:
        uid = int(order.account)
        if self.accounts[uid].open_orders.pop(order.order_id, None) is None:
            return
        if order.tag.get("state") == "filled":
            order.status = OrderState.FILLED
        closed = self.closed[uid]
        if len(closed) == closed.maxlen:
            old = closed[0]
            self.orders.pop(old.order_id, None)
            if self._by_client.get((uid, old.tag["clOrdId"])) is old:
                del self._by_client[uid, old.tag["clOrdId"]]
        closed.append(order)
        self._dirty_orders[order.order_id] = order
        for listener in self._listeners:
            listener.on_end(order)

    def tell_order(self, order: EngineOrder, fill: Row | None = None, *, is_last: bool = False) -> None:
        """Push an order as it is now."""
        one = self.exchange.traded(order)
        price = (
            Decimal(fill["fillPx"]) if fill is not None else (order.limit_price or self.exchange.last(one))
        )
        quantity = Decimal(fill["fillSz"]) if fill is not None else order.quantity
        notional = one.value(quantity, price) * self.exchange.usd(one.settle or one.quote)
        more = {name: order.tag[name] for name in ("reqId", "amendResult") if name in order.tag}
        row = push_row(
            order_row(order, one, is_last=is_last), fill, self.exchange.last(one), notional, **more
        )
        for listener in self._listeners:
            listener.on_order(int(order.account), row)

    def tell_money(
        self, uid: int, event: str, ccys: list[str], positions: list[Row], trades: list[Row]
    ) -> None:
        """Tell that cash moved or positions changed."""
        for listener in self._listeners:
            listener.on_money(uid, event, ccys, positions, trades)

    def note_fill(self, uid: int, order: EngineOrder, fill: Row) -> None:
        """Keep a fill."""
        self.fills[uid].append(fill)
        self._new_fills.append((uid, fill))
        self._dirty_accounts.add(uid)
        self._dirty_orders[order.order_id] = order

    def tell_fill(self, order: EngineOrder) -> None:
        """Tell that an order was filled, when all its figures are told."""
        for listener in self._listeners:
            listener.on_fill(order)

    def touch(self, uid: int) -> None:
        """The account must be written."""
        self._dirty_accounts.add(uid)

    def release_reducers(self) -> None:
        """Take out resting orders that may only close what is no longer there."""
        for account in self.accounts.values():
            for order in list(account.open_orders.values()):
                if not order.reduce_only or not order.is_live:
                    continue
                held = account.positions.get(position_key(order))
                if held is None or (held.size > 0) == order.is_buy:
                    self.drop(order, "22")

    # ---- keeping ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write what happened since the last time."""
        self.release_reducers()
        if not (self._dirty_accounts or self._dirty_orders or self._new_fills):
            return
        store = self._store
        store.begin()
        for uid in self._dirty_accounts:
            store.put(f"okx:account:{uid}", self.accounts[uid].data())
        store.save_records(
            Record("okx order", one.order_id, int(one.account), one.is_live, one.created_ns // 10**6, 0, 0,
                   order_to_data(one))
            for one in self._dirty_orders.values()
        )  # fmt: skip
        store.save_records(
            Record("okx fill", int(row["billId"]), uid, False, int(row["ts"]), 0, int(row["ordId"]), row)
            for uid, row in self._new_fills
        )
        self.bills.flush()
        store.commit()
        self._dirty_accounts.clear()
        self._dirty_orders.clear()
        self._new_fills.clear()
