"""What happens to accounts: orders placed, changed and canceled, fills booked, positions kept and lost.

One object, because an execution touches order, cash, position, fills and every listener in one breath. It
raises :class:`OkxError` with OKX's codes, whoever calls.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.domain.orders import OrderState, OrderType, TimeInForce
from terminal.emulators.market.engine_types import (
    BOT_ACCOUNT,
    CancelReason,
    EngineListener,
    EngineOrder,
    EngineReject,
    EngineTrade,
    RejectCode,
    SelfTrade,
)
from terminal.emulators.market.store import Record, order_from_data, order_to_data
from terminal.emulators.okx.errors import OkxError, wrong
from terminal.emulators.okx.exchange import FUNDING_NS, OkxExchange
from terminal.emulators.okx.ledger import SPOT_MODE, Money, OkxAccount, Position
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.orders import (
    Ticket,
    amount,
    check_price,
    check_size,
    flag_of,
    order_row,
    push_row,
    read_ticket,
    text_of,
)
from terminal.emulators.okx.wire import Row, ms, short, trimmed

KEPT_ORDERS: Final = 2_000
KEPT_FILLS: Final = 10_000
MOST_OPEN: Final = 500
"""Open orders of an account on one instrument."""
FORGOTTEN_NS: Final = 2 * 3_600_000_000_000
"""After so long a canceled order without a fill is in no history."""
RESERVE: Final = Decimal("1.05")
"""A market buy sized in coins sets so much more of the quote currency aside."""
_CHECK_NS: Final = 1_000_000_000
_REJECTS: Final = {
    RejectCode.MINIMUM: "51020",
    RejectCode.COST_MINIMUM: "51020",
    RejectCode.TICK: "51150",
    RejectCode.STEP: "51121",
    RejectCode.POST_ONLY: "51511",
    RejectCode.MARKET_STATUS: "51022",
    RejectCode.UNKNOWN_ORDER: "51503",
    RejectCode.NOT_AMENDABLE: "51506",
    RejectCode.NOTHING_TO_AMEND: "51500",
}


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
        self.accounts: dict[int, OkxAccount] = {}
        self.orders: dict[int, EngineOrder] = {}
        self.closed: dict[int, deque[EngineOrder]] = {}
        self.fills: dict[int, deque[Row]] = {}
        self.suspended: set[str] = set()
        self.delisted: set[str] = set()
        self.push_live_when_crossing = True
        """A post-only order that would take is told live and then canceled; else canceled alone."""
        self._by_client: dict[tuple[int, str], EngineOrder] = {}
        self._listeners: list[DeskListener] = []
        self._store = exchange.store
        self._bills = itertools.count(exchange.reserve("bills", 7_300_000_000_000))
        self._positions = itertools.count(exchange.reserve("positions", 1_900_000_000_000))
        self._dirty_orders: dict[int, EngineOrder] = {}
        self._dirty_accounts: set[int] = set()
        self._new_fills: list[tuple[int, Row]] = []
        self._checked_ns = 0
        self._slot = int(self._store.get("okx:funding", 0)) or self._now() // FUNDING_NS
        for name, engine in exchange.engines.items():
            engine.listen(_Ear(self, exchange.instruments[name]))

    def _now(self) -> int:
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
        listings = {name: one.listing for name, one in self.exchange.instruments.items()}
        self.closed[uid] = deque(maxlen=KEPT_ORDERS)
        self.fills[uid] = deque(maxlen=KEPT_FILLS)
        records = self._store.records("okx order", uid, limit=KEPT_ORDERS)
        found = [order_from_data(one.data, listings) for one in reversed(records)]
        for order in sorted((one for one in found if one is not None), key=lambda one: one.priority):
            self.orders[order.order_id] = order
            if order.tag["clOrdId"]:
                self._by_client[uid, order.tag["clOrdId"]] = order
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
        fresh = self.accounts[uid] = OkxAccount(uid, mode)
        self._dirty_accounts.add(uid)
        self.flush()
        rows = [self.money.position_row(fresh, one) for one in gone]
        self._tell_money(uid, "adjust", sorted(fresh.cash), rows, [])

    def _emptied(self, position: Position) -> Position:
        position.size = ZERO
        return position

    def open_orders(self, uid: int) -> list[EngineOrder]:
        """Live orders, oldest first."""
        return list(self.accounts[uid].open_orders.values())

    def wanted(self) -> set[str]:
        """Instruments in which somebody has an order or a position."""
        found: set[str] = set()
        for account in self.accounts.values():
            found.update(order.symbol for order in account.open_orders.values())
            found.update(inst_id for inst_id, _ in account.positions)
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

    def is_forgotten(self, order: EngineOrder) -> bool:
        """A canceled order without a fill, two hours later."""
        return (
            order.status is OrderState.CANCELED
            and not order.done_steps
            and self._now() - (order.closed_ns or order.updated_ns) > FORGOTTEN_NS
        )

    # ---- placing ---------------------------------------------------------------------------------

    def instrument(self, values: Mapping[str, Any]) -> OkxInstrument:
        """The instrument a request names.

        Raises:
            OkxError: 51001.
        """
        found = self.exchange.instruments.get(str(values.get("instId")))
        if found is None or found.inst_id in self.delisted:
            raise OkxError("51001")
        return found

    def place(
        self, uid: int, values: Mapping[str, Any], *, category: str = "normal", **tag: str
    ) -> EngineOrder:
        """Place an order. ``tag``: more of what its rows tell (``source``, ``algoId``).

        Raises:
            OkxError: it is refused; nothing happened.
        """
        account, one = self.accounts[uid], self.instrument(values)
        if one.inst_id in self.suspended:
            raise OkxError("51022")
        ticket = read_ticket(values, one, account.mode, account.is_hedged)
        client_id = ticket.tag["clOrdId"]
        known = self._by_client.get((uid, client_id)) if client_id else None
        if known is not None and known.is_live:
            raise OkxError("51016")
        if sum(order.symbol == one.inst_id for order in account.open_orders.values()) >= MOST_OPEN:
            raise OkxError("51025")
        self.exchange.live(one.inst_id)
        self._bound_price(ticket, flag_of({"x": values.get("pxAmendType") == "1"}, "x"))
        self._reduce(account, ticket)
        quantity, cash = self._fund(account, ticket)
        ticket.tag.update(tag, category=category)
        if one.is_swap:
            ticket.tag["lever"] = short(account.leverage_of(one.inst_id))
        order = self._build(uid, ticket, quantity, cash)
        self._enter(order, ticket)
        self.flush()
        return order

    def _build(self, uid: int, ticket: Ticket, quantity: Decimal, cash: Decimal | None) -> EngineOrder:
        one = ticket.one
        kinds = {"fok": TimeInForce.FOK, "ioc": TimeInForce.IOC}
        try:
            return EngineOrder(
                one.listing,
                account=str(uid),
                side=ticket.side,
                order_type=OrderType.LIMIT if ticket.price is not None else OrderType.MARKET,
                quantity=quantity,
                limit_price=ticket.price,
                quote_quantity=cash,
                post_only=ticket.kind == "post_only",
                reduce_only=ticket.reduce_only,
                self_trade=ticket.self_trade,
                time_in_force=kinds.get(ticket.kind, TimeInForce.GTC),
                tag=ticket.tag,
                order_id=self.exchange.next_order_id(),
            )
        except EngineReject as error:
            raise OkxError(_REJECTS.get(error.code, "51000"), text="") from None

    def _enter(self, order: EngineOrder, ticket: Ticket) -> None:
        engine = self.exchange.engines[order.symbol]
        try:
            engine.add(order)
        except EngineReject as error:
            if error.code is RejectCode.POST_ONLY:
                self._stillborn(order, ticket.one, CancelReason.POST_ONLY)
            elif error.code is RejectCode.NO_LIQUIDITY:
                self._stillborn(order, ticket.one, CancelReason.NO_LIQUIDITY)
            else:
                raise OkxError(_REJECTS.get(error.code, "51000")) from None

    def _stillborn(self, order: EngineOrder, one: OkxInstrument, reason: str) -> None:
        """An order that the venue accepts and takes out by itself, as it would break its own terms."""
        order.created_ns = order.updated_ns = self._now()
        order.status = OrderState.OPEN
        self.note_open(order)
        if reason is not CancelReason.POST_ONLY or self.push_live_when_crossing:
            self.tell_order(order, one)
        order.status, order.reason = OrderState.CANCELED, reason
        order.closed_ns = order.updated_ns = self._now()
        self.note_closed(order)
        self.tell_order(order, one)

    def _bound_price(self, ticket: Ticket, pull: bool) -> None:
        """Refuse a price beyond the band (51006), or pull it in."""
        if ticket.price is None:
            return
        highest, lowest = self.exchange.limits(ticket.one)
        is_buy = ticket.side is Side.BUY
        if (ticket.price > highest) if is_buy else (ticket.price < lowest):
            if not pull:
                raise OkxError("51006", short(highest), short(lowest))
            ticket.price = highest if is_buy else lowest

    def _reduce(self, account: OkxAccount, ticket: Ticket) -> None:
        """What only closes must have something to close, and is cut to it."""
        one, is_buy = ticket.one, ticket.side is Side.BUY
        if not one.is_swap:
            return
        held = account.positions.get((one.inst_id, ticket.pos_side))
        closes = account.is_hedged and (ticket.pos_side == "long") != is_buy
        if not closes and not ticket.reduce_only:
            return
        if held is None:
            raise OkxError("51169")
        if (held.size > 0) == is_buy:
            raise OkxError("51170")
        if ticket.size > abs(held.size):
            if closes:
                raise OkxError("51112")
            ticket.size = abs(held.size)
            ticket.tag["sz"] = short(ticket.size)

    def _fund(self, account: OkxAccount, ticket: Ticket) -> tuple[Decimal, Decimal | None]:
        """Quantity and quote amount for the engine; refuses what cannot be paid (51008)."""
        one, money = ticket.one, self.money
        engine = self.exchange.engines[one.inst_id]
        is_buy = ticket.side is Side.BUY
        best = engine.best_ask() if is_buy else engine.best_bid()
        touch = best.price if best else self.exchange.mark(one)
        if one.is_swap:
            price = ticket.price or touch
            needed = money.need(account, one, is_buy, ticket.size, price, ticket.pos_side)
            if needed and needed > money.free(account, one.settle):
                raise OkxError("51008", one.settle, sub_code="1001")
            return ticket.size, None
        free_quote, free_base = money.free(account, one.quote), money.free(account, one.base)
        if ticket.price is not None:
            if is_buy and ticket.size * ticket.price > free_quote:
                raise OkxError("51008", one.quote, sub_code="1000")
            if not is_buy and ticket.size > free_base:
                raise OkxError("51008", one.base, sub_code="1000")
            return ticket.size, None
        if is_buy and ticket.in_quote:
            if ticket.size > free_quote:
                raise OkxError("51008", one.quote, sub_code="1000")
            if ticket.size < touch * one.listing.min_quantity:
                raise OkxError("51020")
            return ZERO, ticket.size
        quantity = self._lots(one, ticket.size / touch) if ticket.in_quote else ticket.size
        most = self._lots(one, free_quote / (touch * RESERVE)) if is_buy else free_base
        if quantity > most:
            # A size in the other currency is cut to the balance, unless that is forbidden.
            is_native = is_buy == ticket.in_quote
            if is_native or ticket.ban_amend or most < one.listing.min_quantity:
                raise OkxError("51008", one.quote if is_buy else one.base, sub_code="1000")
            quantity = self._lots(one, most)
            if not ticket.in_quote:
                ticket.tag["sz"] = short(quantity)
        check_size(one, quantity)
        return quantity, None

    def _lots(self, one: OkxInstrument, quantity: Decimal) -> Decimal:
        step = one.listing.quantity_step
        return (quantity / step).to_integral_value(rounding=ROUND_DOWN) * step

    # ---- canceling and amending ------------------------------------------------------------------

    def cancel(self, uid: int, values: Mapping[str, Any]) -> EngineOrder:
        """Take an order out.

        Raises:
            OkxError: 51001, 51003, 51400.
        """
        self.instrument(values)
        order = self.find(uid, values, "51400")
        if not order.is_live:
            raise OkxError("51400")
        self.drop(order, CancelReason.USER)
        self.flush()
        return order

    def drop(self, order: EngineOrder, reason: str) -> None:
        """Cancel a live order for a reason (a number is told as ``cancelSource``)."""
        self.exchange.engines[order.symbol].cancel(order, reason)

    def amend(self, uid: int, values: Mapping[str, Any]) -> EngineOrder:
        """Change size (the new total) or price of a live order.

        Raises:
            OkxError: 51000, 51500, 51503, 51506, 51511 and those of placing; with ``cxlOnFail`` the order
                is canceled then.
        """
        self.instrument(values)
        order = self.find(uid, values, "51503")
        if not order.is_live:
            raise OkxError("51503")
        try:
            self._amend(uid, order, values)
        except OkxError:
            if flag_of(values, "cxlOnFail") and order.is_live:
                order.tag.update(reqId=text_of(values, "reqId"), amendResult="1")
                self.drop(order, CancelReason.USER)
            raise
        finally:
            self.flush()
        return order

    def _amend(self, uid: int, order: EngineOrder, values: Mapping[str, Any]) -> None:
        one, account = self.exchange.instruments[order.symbol], self.accounts[uid]
        size, price = amount(values, "newSz"), amount(values, "newPx")
        if size is None and price is None:
            raise OkxError("51500")
        if size is not None and size > order.filled:
            check_size(one, size)
        elif size is not None and size % one.listing.quantity_step:
            raise OkxError("51121")
        if price is not None:
            check_price(one, price)
            highest, lowest = self.exchange.limits(one)
            if (price > highest) if order.is_buy else (price < lowest):
                raise OkxError("51006", short(highest), short(lowest))
        self._fund_amend(account, order, one, size, price)
        order.tag.update(reqId=text_of(values, "reqId"), amendResult="0")
        before = order.tag["sz"]
        if size is not None:
            order.tag["sz"] = short(size)
            if size <= order.filled:
                order.tag["state"] = "filled"
        try:
            self.exchange.engines[order.symbol].amend(order, quantity=size, limit_price=price)
        except EngineReject as error:
            order.tag["sz"] = before
            order.tag.pop("state", None)
            raise OkxError(_REJECTS.get(error.code, "51000")) from None
        finally:
            order.tag.pop("reqId", None)
            order.tag.pop("amendResult", None)

    def _fund_amend(
        self,
        account: OkxAccount,
        order: EngineOrder,
        one: OkxInstrument,
        size: Decimal | None,
        price: Decimal | None,
    ) -> None:
        left = max(ZERO, (size if size is not None else order.quantity) - order.filled)
        at = price or order.limit_price or self.exchange.mark(one)
        if one.is_swap:
            ccy, needed = (
                one.settle,
                self.money.need(account, one, order.is_buy, left, at, order.tag["posSide"]),
            )
        else:
            ccy, needed = (one.quote, left * at) if order.is_buy else (one.base, left)
        if needed and needed > self.money.free(account, ccy, without=order):
            raise OkxError("51008", ccy, sub_code="1000")

    def close_position(self, uid: int, values: Mapping[str, Any]) -> Row:
        """Close a position at the market.

        Raises:
            OkxError: 51000, 51001, 51010, 51023.
        """
        one, account = self.instrument(values), self.accounts[uid]
        if not one.is_swap or account.mode == SPOT_MODE:
            raise OkxError("51010")
        if text_of(values, "mgnMode") != "cross":
            raise wrong("mgnMode")
        side = text_of(values, "posSide") or "net"
        if side not in (("long", "short") if account.is_hedged else ("net",)):
            raise wrong("posSide")
        held = account.positions.get((one.inst_id, side))
        if held is None:
            raise OkxError("51023")
        request = {
            "instId": one.inst_id,
            "tdMode": "cross",
            "side": "sell" if held.size > 0 else "buy",
            "ordType": "market",
            "sz": short(abs(held.size)),
            "reduceOnly": True,
            "clOrdId": text_of(values, "clOrdId"),
            "tag": text_of(values, "tag"),
            **({"posSide": side} if account.is_hedged else {}),
        }
        self.place(uid, request)
        return {"instId": one.inst_id, "posSide": side, "clOrdId": request["clOrdId"], "tag": request["tag"]}

    # ---- settings --------------------------------------------------------------------------------

    def set_position_mode(self, uid: int, mode: str) -> None:
        """``net_mode`` or ``long_short_mode``.

        Raises:
            OkxError: 51000, 51010, or 59000 while there are positions or orders.
        """
        account = self.accounts[uid]
        if mode not in ("net_mode", "long_short_mode"):
            raise wrong("posMode")
        if account.mode == SPOT_MODE:
            raise OkxError("51010")
        swaps = [one for one in account.open_orders.values() if self.exchange.instruments[one.symbol].is_swap]
        if (mode == "long_short_mode") != account.is_hedged and (account.positions or swaps):
            raise OkxError("59000")
        account.is_hedged = mode == "long_short_mode"
        self._dirty_accounts.add(uid)
        self.flush()

    def set_leverage(self, uid: int, one: OkxInstrument, leverage: Decimal) -> None:
        """For the cross positions of a swap.

        Raises:
            OkxError: 51008, 51010, 59102.
        """
        account = self.accounts[uid]
        if not one.is_swap or account.mode == SPOT_MODE:
            raise OkxError("51010")
        if leverage > one.max_leverage:
            raise OkxError("59102")
        before = account.leverage_of(one.inst_id)
        account.leverage[one.inst_id] = leverage
        if leverage < before and self.money.free(account, one.settle) < 0:
            account.leverage[one.inst_id] = before
            raise OkxError("51008", one.settle, sub_code="1001")
        self._dirty_accounts.add(uid)
        self.flush()
        rows = [
            self.money.position_row(account, held)
            for held in account.positions.values()
            if held.inst_id == one.inst_id
        ]
        self._tell_money(uid, "set_leverage", [one.settle], rows, [])

    def adjust(self, uid: int, ccy: str, change: Decimal) -> None:
        """Move a currency's cash from outside."""
        account = self.accounts[uid]
        account.cash[ccy] = max(ZERO, account.cash.get(ccy, ZERO) + change)
        account.changed_ns[ccy] = self._now()
        self._dirty_accounts.add(uid)
        self.flush()
        self._tell_money(uid, "transferred", [ccy], [], [])

    # ---- time ------------------------------------------------------------------------------------

    def pace(self) -> None:
        """About once a second: funding when its time has come, and positions that cannot be carried."""
        now = self._now()
        if 0 <= now - self._checked_ns < _CHECK_NS:
            return
        self._checked_ns = now
        slot = now // FUNDING_NS
        if slot != self._slot:
            if slot == self._slot + 1:
                self.pay_funding(self._slot)
            self._slot = slot
            self._store.put("okx:funding", slot)
        for account in self.accounts.values():
            for ccy in {self.exchange.instruments[name].settle for name, _ in account.positions}:
                if self.money.is_liquidated(account, ccy):
                    self._liquidate(account, ccy)

    def pay_funding(self, slot: int) -> None:
        """Settle the funding of a slot for every open position."""
        for uid, account in self.accounts.items():
            changed = []
            for held in account.positions.values():
                one = self.exchange.instruments[held.inst_id]
                worth = one.value(held.size, self.exchange.mark(one))
                paid = -worth * self.exchange.funding(one, slot)
                account.cash[one.settle] = account.cash.get(one.settle, ZERO) + paid
                account.changed_ns[one.settle] = held.changed_ns = self._now()
                held.funding += paid
                changed.append((one.settle, held))
            if changed:
                self._dirty_accounts.add(uid)
                rows = [self.money.position_row(account, held) for _, held in changed]
                self._tell_money(uid, "funding_fee", sorted({ccy for ccy, _ in changed}), rows, [])
        self.flush()

    def liquidate_all(self) -> None:
        """Take every position of every account away, as a forced liquidation would."""
        for account in self.accounts.values():
            for ccy in sorted({self.exchange.instruments[name].settle for name, _ in account.positions}):
                self._liquidate(account, ccy)

    def _liquidate(self, account: OkxAccount, ccy: str) -> None:
        """Take the orders out and the positions away; what is owed beyond the cash is forgiven."""
        for order in list(account.open_orders.values()):
            if self.exchange.instruments[order.symbol].settle == ccy:
                self.drop(order, "2")
        for held in self.money.settled_in(account, ccy):
            one = self.exchange.instruments[held.inst_id]
            self.exchange.live(one.inst_id)
            side = Side.SELL if held.size > 0 else Side.BUY
            tag: Row = {
                "clOrdId": "", "tag": "", "tdMode": "cross", "posSide": held.side, "ordType": "market",
                "sz": short(abs(held.size)), "tgtCcy": "", "reduceOnly": True, "stpMode": "cancel_maker",
                "attach": [], "ccy": "", "fee": "0", "pnl": "0", "category": "full_liquidation",
                "lever": short(account.leverage_of(one.inst_id)),
            }  # fmt: skip
            ticket = Ticket(
                one, side, "market", abs(held.size), False, None, held.side, True, True,
                SelfTrade.CANCEL_OLDEST, tag,
            )  # fmt: skip
            self._enter(self._build(account.uid, ticket, ticket.size, None), ticket)
        if not self.money.settled_in(account, ccy) and account.cash.get(ccy, ZERO) < 0:
            account.cash[ccy] = ZERO
            self._tell_money(account.uid, "liquidation", [ccy], [], [])
        self._dirty_accounts.add(account.uid)
        self.flush()

    # ---- what the engines report -----------------------------------------------------------------

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

    def tell_order(
        self, order: EngineOrder, one: OkxInstrument, fill: Row | None = None, *, is_last: bool = False
    ) -> None:
        """Push an order as it is now."""
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

    def _tell_money(
        self, uid: int, event: str, ccys: list[str], positions: list[Row], trades: list[Row]
    ) -> None:
        for listener in self._listeners:
            listener.on_money(uid, event, ccys, positions, trades)

    def settle(self, trade: EngineTrade, order: EngineOrder, one: OkxInstrument, is_maker: bool) -> None:
        """Book one execution of a person's order."""
        uid = int(order.account)
        account = self.accounts[uid]
        rate = one.maker if is_maker else one.taker
        forced = order.tag.get("category") == "full_liquidation"
        trade_id = f"-{trade.trade_id}" if forced else str(trade.trade_id)
        profit, positions = ZERO, []
        if one.is_swap:
            ccy, fee = one.settle, one.value(trade.quantity, trade.price) * rate
            held, profit = self._move_position(account, one, order, trade, trade_id, fee)
            account.cash[ccy] = account.cash.get(ccy, ZERO) + profit - fee
            ccys = [ccy]
            positions = [self.money.position_row(account, one_held) for one_held in held]
        else:
            cost = trade.price * trade.quantity
            ccys = [one.base, one.quote]
            ccy, fee = (one.base, trade.quantity * rate) if order.is_buy else (one.quote, cost * rate)
            sign = order.side.sign
            account.cash[one.base] = account.cash.get(one.base, ZERO) + sign * trade.quantity
            account.cash[one.quote] = account.cash.get(one.quote, ZERO) - sign * cost
            account.cash[ccy] -= fee
        for name in ccys:
            account.changed_ns[name] = trade.ts_ns
        fill = {
            "instType": one.kind,
            "instId": one.inst_id,
            "tradeId": trade_id,
            "ordId": str(order.order_id),
            "clOrdId": order.tag["clOrdId"],
            "billId": str(next(self._bills)),
            "subType": "104"
            if forced and not order.is_buy
            else "105"
            if forced
            else "1"
            if order.is_buy
            else "2",
            "tag": order.tag["tag"],
            "fillPx": short(trade.price),
            "fillSz": short(trade.quantity),
            "fillIdxPx": short(self.exchange.index(one)),
            "side": order.side.value,
            "posSide": order.tag["posSide"],
            "execType": "M" if is_maker else "T",
            "feeCcy": ccy,
            "fee": trimmed(-fee, 18),
            "feeRate": short(-rate),
            "fillPnl": trimmed(profit, 18),
            "fillTime": ms(trade.ts_ns),
            "ts": ms(trade.ts_ns),
        }
        order.tag.update(
            fillPx=fill["fillPx"],
            fillSz=fill["fillSz"],
            fillTime=fill["fillTime"],
            tradeId=trade_id,
            fee=trimmed(Decimal(order.tag["fee"]) - fee, 18),
            pnl=trimmed(Decimal(order.tag["pnl"]) + profit, 18),
        )
        self.fills[uid].append(fill)
        self._new_fills.append((uid, fill))
        self._dirty_accounts.add(uid)
        self._dirty_orders[order.order_id] = order
        is_last = not order.cash_units and order.done_steps >= order.steps
        self.tell_order(order, one, fill, is_last=is_last)
        event = "liquidation" if forced else "filled"
        self._tell_money(uid, event, ccys, positions, [{"instId": one.inst_id, "tradeId": trade_id}])
        for listener in self._listeners:
            listener.on_fill(order)

    def _move_position(
        self,
        account: OkxAccount,
        one: OkxInstrument,
        order: EngineOrder,
        trade: EngineTrade,
        trade_id: str,
        fee: Decimal,
    ) -> tuple[list[Position], Decimal]:
        """Positions that changed, and the profit realized."""
        key = one.inst_id, str(order.tag["posSide"])
        change, price = order.side.sign * trade.quantity, trade.price
        held = account.positions.get(key)
        changed: list[Position] = []
        profit = ZERO
        if held is not None and (held.size > 0) != (change > 0):
            closed = min(abs(change), abs(held.size))
            signed = closed if held.size > 0 else -closed
            profit = one.profit(signed, held.entry, price)
            held.realized += profit
            held.fees -= fee
            fee = ZERO
            held.size -= signed
            held.changed_ns, held.trade_id = trade.ts_ns, trade_id
            change += signed
            changed.append(held)
            if not held.size:
                del account.positions[key]
        if change:
            if held is None or not held.size:
                # Turned over, a position keeps its number and begins anew.
                number = held.pos_id if held is not None else next(self._positions)
                held = account.positions[key] = Position(
                    one.inst_id, key[1], ZERO, price, number, trade.ts_ns, trade.ts_ns
                )
                changed.clear()
            total = abs(held.size) + abs(change)
            if one.is_inverse:
                held.entry = total / (abs(held.size) / held.entry + abs(change) / price)
            else:
                held.entry = (abs(held.size) * held.entry + abs(change) * price) / total
            held.size += change
            held.fees -= fee
            held.changed_ns, held.trade_id = trade.ts_ns, trade_id
            changed.append(held)
        return changed, profit

    def release_reducers(self) -> None:
        """Take out resting orders that may only close what is no longer there."""
        for account in self.accounts.values():
            for order in list(account.open_orders.values()):
                if not order.reduce_only or not order.is_live:
                    continue
                held = account.positions.get((order.symbol, str(order.tag["posSide"])))
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
        store.commit()
        self._dirty_accounts.clear()
        self._dirty_orders.clear()
        self._new_fills.clear()


class _Ear(EngineListener):
    """Hears one engine for the desk."""

    def __init__(self, desk: Desk, one: OkxInstrument) -> None:
        self._desk = desk
        self._one = one

    def on_accepted(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._desk.note_open(order)
            self._desk.tell_order(order, self._one)

    def on_trade(self, trade: EngineTrade) -> None:
        if trade.maker_order.account != BOT_ACCOUNT:
            self._desk.settle(trade, trade.maker_order, self._one, True)
        if trade.taker_order.account != BOT_ACCOUNT:
            self._desk.settle(trade, trade.taker_order, self._one, False)

    def on_filled(self, order: EngineOrder) -> None:
        if order.account == BOT_ACCOUNT:
            return
        self._desk.note_closed(order)
        if order.cash_units:
            self._desk.tell_order(order, self._one)  # only closes it: this message has no fill

    def on_canceled(self, order: EngineOrder, reason: str) -> None:
        if order.account != BOT_ACCOUNT:
            self._desk.note_closed(order)
            self._desk.tell_order(order, self._one)

    def on_amended(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._desk.tell_order(order, self._one)
