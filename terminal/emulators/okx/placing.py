"""Orders taken: placed, changed, canceled, after the checks that OKX makes.

OKX API v5 "Place order", "Amend order", "Close positions", read 2026-07.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.domain.orders import OrderState, OrderType, TimeInForce
from terminal.emulators.market.engine_types import CancelReason, EngineOrder, EngineReject, RejectCode
from terminal.emulators.okx.desk import Desk
from terminal.emulators.okx.errors import OkxError, wrong
from terminal.emulators.okx.ledger import CROSS, ISOLATED, SPOT_MODE, OkxAccount
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.orders import (
    Ticket,
    amount,
    check_price,
    check_size,
    flag_of,
    position_key,
    read_ticket,
    text_of,
)
from terminal.emulators.okx.wire import Row, short

MOST_OPEN: Final = 500
"""Open orders of an account on one instrument."""
RESERVE: Final = Decimal("1.05")
"""A market buy sized in coins sets so much more of the quote currency aside."""
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


class Placing:
    """Takes the orders of every account."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._exchange = desk.exchange
        self.push_live_when_crossing = True
        """A post-only order that would take is told live and then canceled; else canceled alone."""

    def place(
        self, uid: int, values: Mapping[str, Any], *, category: str = "normal", **tag: str
    ) -> EngineOrder:
        """Place an order. ``tag``: more of what its rows tell (``source``, ``algoId``).

        Raises:
            OkxError: it is refused; nothing happened.
        """
        account, one = self._desk.accounts[uid], self._desk.instrument(values)
        if one.inst_id in self._desk.suspended:
            raise OkxError("51022")
        if text_of(values, "tdMode") == ISOLATED:
            one = self._exchange.carried(one.inst_id)
        ticket = read_ticket(values, one, account.mode, account.is_hedged)
        client_id = ticket.tag["clOrdId"]
        known = self._desk.named(uid, client_id) if client_id else None
        if known is not None and known.is_live:
            raise OkxError("51016")
        if sum(order.symbol == one.inst_id for order in account.open_orders.values()) >= MOST_OPEN:
            raise OkxError("51025")
        self._exchange.live(one.inst_id)
        self._bound_price(ticket, flag_of({"x": values.get("pxAmendType") == "1"}, "x"))
        self._count_in_coins(ticket)
        self._reduce(account, ticket)
        quantity, cash = self._fund(account, ticket)
        ticket.tag.update(tag, category=category)
        if one.is_carried:
            ticket.tag["lever"] = short(account.leverage_of(*ticket.key))
        order = self.build(uid, ticket, quantity, cash)
        self.enter(order, ticket)
        self._desk.flush()
        return order

    def build(self, uid: int, ticket: Ticket, quantity: Decimal, cash: Decimal | None) -> EngineOrder:
        """The order that a ticket asks for; ``cash``: quote units to spend, in place of a quantity."""
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
                order_id=self._exchange.next_order_id(),
            )
        except EngineReject as error:
            raise OkxError(_REJECTS.get(error.code, "51000"), text="") from None

    def enter(self, order: EngineOrder, ticket: Ticket) -> None:
        """Hand an order to its engine; one that would break its own terms is accepted and taken out."""
        engine = self._exchange.engines[order.symbol]
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
        order.created_ns = order.updated_ns = self._desk.now_ns()
        order.status = OrderState.OPEN
        self._desk.note_open(order)
        if reason is not CancelReason.POST_ONLY or self.push_live_when_crossing:
            self._desk.tell_order(order)
        order.status, order.reason = OrderState.CANCELED, reason
        order.closed_ns = order.updated_ns = self._desk.now_ns()
        self._desk.note_closed(order)
        self._desk.tell_order(order)

    def _bound_price(self, ticket: Ticket, pull: bool) -> None:
        """Refuse a price beyond the band (51006), or pull it in."""
        if ticket.price is None:
            return
        highest, lowest = self._exchange.limits(ticket.one)
        is_buy = ticket.side is Side.BUY
        if (ticket.price > highest) if is_buy else (ticket.price < lowest):
            if not pull:
                raise OkxError("51006", short(highest), short(lowest))
            ticket.price = highest if is_buy else lowest

    def _reduce(self, account: OkxAccount, ticket: Ticket) -> None:
        """What only closes must have something to close, and is cut to it."""
        one, is_buy = ticket.one, ticket.side is Side.BUY
        if not one.is_carried:
            return
        held = account.positions.get(ticket.key)
        closes = ticket.pos_side != "net" and (ticket.pos_side == "long") != is_buy
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
        one, money = ticket.one, self._desk.money
        is_buy = ticket.side is Side.BUY
        touch = self._touch(one, is_buy)
        if one.is_carried:
            price = ticket.price or touch
            needed = money.need(account, one, is_buy, ticket.size, price, *ticket.key[1:])
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

    def _touch(self, one: OkxInstrument, is_buy: bool) -> Decimal:
        """The price that a market order would meet first."""
        engine = self._exchange.engines[one.inst_id]
        best = engine.best_ask() if is_buy else engine.best_bid()
        return best.price if best else self._exchange.mark(one)

    def _count_in_coins(self, ticket: Ticket) -> None:
        """A position is counted in base units, also where its order is sized in the quote currency."""
        one = ticket.one
        if one.is_carried and ticket.in_quote:
            ticket.size = self._lots(one, ticket.size / self._touch(one, ticket.side is Side.BUY))
            ticket.in_quote = False
            check_size(one, ticket.size)

    def _lots(self, one: OkxInstrument, quantity: Decimal) -> Decimal:
        step = one.listing.quantity_step
        return (quantity / step).to_integral_value(rounding=ROUND_DOWN) * step

    # ---- canceling and amending ------------------------------------------------------------------

    def cancel(self, uid: int, values: Mapping[str, Any]) -> EngineOrder:
        """Take an order out.

        Raises:
            OkxError: 51001, 51003, 51400.
        """
        self._desk.instrument(values)
        order = self._desk.find(uid, values, "51400")
        if not order.is_live:
            raise OkxError("51400")
        self._desk.drop(order, CancelReason.USER)
        self._desk.flush()
        return order

    def amend(self, uid: int, values: Mapping[str, Any]) -> EngineOrder:
        """Change size (the new total) or price of a live order.

        Raises:
            OkxError: 51000, 51500, 51503, 51506, 51511 and those of placing; with ``cxlOnFail`` the order
                is canceled then.
        """
        self._desk.instrument(values)
        order = self._desk.find(uid, values, "51503")
        if not order.is_live:
            raise OkxError("51503")
        try:
            self._amend(uid, order, values)
        except OkxError:
            if flag_of(values, "cxlOnFail") and order.is_live:
                order.tag.update(reqId=text_of(values, "reqId"), amendResult="1")
                self._desk.drop(order, CancelReason.USER)
            raise
        finally:
            self._desk.flush()
        return order

    def _amend(self, uid: int, order: EngineOrder, values: Mapping[str, Any]) -> None:
        one, account = self._exchange.traded(order), self._desk.accounts[uid]
        size, price = amount(values, "newSz"), amount(values, "newPx")
        if size is None and price is None:
            raise OkxError("51500")
        if size is not None and size > order.filled:
            check_size(one, size)
        elif size is not None and size % one.listing.quantity_step:
            raise OkxError("51121")
        if price is not None:
            check_price(one, price)
            highest, lowest = self._exchange.limits(one)
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
            self._exchange.engines[order.symbol].amend(order, quantity=size, limit_price=price)
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
        at = price or order.limit_price or self._exchange.mark(one)
        if one.is_carried:
            ccy, needed = (
                one.settle,
                self._desk.money.need(account, one, order.is_buy, left, at, *position_key(order)[1:]),
            )
        else:
            ccy, needed = (one.quote, left * at) if order.is_buy else (one.base, left)
        if needed and needed > self._desk.money.free(account, ccy, without=order):
            raise OkxError("51008", ccy, sub_code="1000")

    def close_position(self, uid: int, values: Mapping[str, Any]) -> Row:
        """Close a position at the market.

        Raises:
            OkxError: 51000, 51001, 51010, 51023.
        """
        one, account = self._exchange.carried(self._desk.instrument(values).inst_id), self._desk.accounts[uid]
        mode = text_of(values, "mgnMode")
        if mode not in (CROSS, ISOLATED):
            raise wrong("mgnMode")
        if account.mode == SPOT_MODE or (mode == CROSS and not one.is_contract):
            raise OkxError("51010")
        side = text_of(values, "posSide") or "net"
        is_hedged = account.is_hedged and one.is_contract
        if side not in (("long", "short") if is_hedged else ("net",)):
            raise wrong("posSide")
        held = account.positions.get((one.inst_id, mode, side))
        if held is None:
            raise OkxError("51023")
        request = {
            "instId": one.inst_id,
            "tdMode": mode,
            "side": "sell" if held.size > 0 else "buy",
            "ordType": "market",
            "sz": short(abs(held.size)),
            "reduceOnly": True,
            "clOrdId": text_of(values, "clOrdId"),
            "tag": text_of(values, "tag"),
            **({"posSide": side} if is_hedged else {}),
            **({} if one.is_contract else {"tgtCcy": "base_ccy"}),
        }
        self.place(uid, request)
        return {"instId": one.inst_id, "posSide": side, "clOrdId": request["clOrdId"], "tag": request["tag"]}
