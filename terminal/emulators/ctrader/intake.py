"""What the practice broker accepts: here a trading request is checked and becomes an order or a protection.

Refusals carry the codes of Open API 2.0 (section 15 of its description): what the server cannot read as a
request is INVALID_REQUEST in 2142, what trading forbids comes as 2132.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Final, NoReturn

from terminal.domain.market import Side
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.execution import Execution
from terminal.emulators.ctrader.ledger import Ledger
from terminal.emulators.ctrader.orders import is_reached, point, watched_price
from terminal.emulators.ctrader.records import (
    PENDING_TYPES,
    Account,
    Order,
    Position,
    Protection,
    side_of,
)
from terminal.emulators.ctrader.symbols import CENTS, SymbolSpec
from terminal.venues.ctrader import openapi_pb2 as pb

MAX_POSITIONS: Final = 200
"""Open positions and waiting orders of one account."""
_TEXT_LIMITS: Final = {"comment": 512, "label": 100, "clientOrderId": 50}
_FORCES: Final = {
    pb.MARKET: (pb.GOOD_TILL_CANCEL, pb.IMMEDIATE_OR_CANCEL, pb.FILL_OR_KILL),
    pb.MARKET_RANGE: (pb.GOOD_TILL_CANCEL, pb.IMMEDIATE_OR_CANCEL, pb.FILL_OR_KILL),
    pb.LIMIT: (pb.GOOD_TILL_CANCEL, pb.GOOD_TILL_DATE, pb.IMMEDIATE_OR_CANCEL, pb.FILL_OR_KILL),
    pb.STOP: (pb.GOOD_TILL_CANCEL, pb.GOOD_TILL_DATE),
    pb.STOP_LIMIT: (pb.GOOD_TILL_CANCEL, pb.GOOD_TILL_DATE),
}

AnyOrderReq = pb.ProtoOANewOrderReq | pb.ProtoOAAmendOrderReq


def invalid(text: str) -> NoReturn:
    """Refuse a request that says something impossible."""
    raise OpenApiError("INVALID_REQUEST", text)


def refuse(
    code: str, text: str = "", *, order_id: int | None = None, position_id: int | None = None
) -> NoReturn:
    """Refuse an order, or something that is asked of a position."""
    raise OpenApiError(code, text, order_id=order_id, position_id=position_id, carrier="2132")


def exact_price(value: float, spec: SymbolSpec, what: str) -> Decimal:
    """A price as it was sent.

    Raises:
        OpenApiError: not above zero, or finer than the symbol's digits.
    """
    if not isfinite(value) or value <= 0:
        refuse("TRADING_BAD_PRICES", f"{what} = {value!r} is no price")
    price = Decimal(repr(value))
    if price % point(spec):
        invalid(f"{what} = {value!r} has more digits than symbol allows. Allowed {spec.digits} digits")
    return price.quantize(point(spec))


def exact_distance(value: int, spec: SymbolSpec, what: str) -> Decimal:
    """A relative level, sent in hundred thousandths, as a distance of prices.

    Raises:
        OpenApiError: not above zero, or finer than the symbol's digits.
    """
    if value <= 0 or value % 10 ** (5 - spec.digits):
        invalid(f"Relative {what} has invalid precision")
    return Decimal(value).scaleb(-5).quantize(point(spec))


class Intake:
    """Checks requests against the account, the symbol and the market."""

    def __init__(self, ledger: Ledger, execution: Execution) -> None:
        self._ledger = ledger
        self._execution = execution

    # ---- may it be traded at all -----------------------------------------------------------------

    def require_rights(self, account: Account, *, closes: bool = False) -> None:
        """The account may trade, or may close.

        Raises:
            OpenApiError: TRADING_NOT_ALLOWED.
        """
        allowed = (pb.FULL_ACCESS, pb.CLOSE_ONLY) if closes else (pb.FULL_ACCESS,)
        if account.access_rights not in allowed:
            refuse("TRADING_NOT_ALLOWED", "The account's rights do not allow this")

    def _require_mode(self, spec: SymbolSpec, *, closes: bool) -> None:
        allowed = (pb.ENABLED, pb.CLOSE_ONLY_MODE) if closes else (pb.ENABLED,)
        if not spec.enabled or spec.trading_mode not in allowed:
            refuse("TRADING_DISABLED", f"Trading is disabled for {spec.name}")

    def _require_open(self, spec: SymbolSpec, **ids: int) -> None:
        if not self._ledger.is_open(spec.id):
            refuse("MARKET_CLOSED", f"The market of {spec.name} is closed", **ids)

    def _require_volume(self, spec: SymbolSpec, volume: int) -> None:
        shown = f"Order volume = {Decimal(volume) / CENTS}"
        if volume < spec.min_volume:
            refuse("TRADING_BAD_VOLUME", f"{shown} is below the least, {Decimal(spec.min_volume) / CENTS}")
        if volume > spec.max_volume:
            refuse("TRADING_BAD_VOLUME", f"{shown} is above the most, {Decimal(spec.max_volume) / CENTS}")
        if volume % spec.step_volume:
            refuse("TRADING_BAD_VOLUME", f"{shown} is off the step of {Decimal(spec.step_volume) / CENTS}")

    def _market(self, spec: SymbolSpec) -> tuple[Decimal, Decimal]:
        return self._ledger.market.bid(spec.id), self._ledger.market.ask(spec.id)

    # ---- 2106 ------------------------------------------------------------------------------------

    def new_order(self, account: Account, request: pb.ProtoOANewOrderReq) -> Order:
        """The order that a request makes; nothing is changed yet but a number used.

        Raises:
            OpenApiError: it is refused.
        """
        spec = self._ledger.table.spec(request.symbolId)
        kind, side = request.orderType, side_of(request.tradeSide)
        if kind not in _FORCES:
            invalid("Only the server makes orders of this type")
        for name, most in _TEXT_LIMITS.items():
            if len(getattr(request, name)) > most:
                invalid(f"{name} is longer than {most} characters")
        self.require_rights(account)
        force = request.timeInForce
        if force not in _FORCES[kind]:
            invalid(f"{pb.ProtoOATimeInForce.Name(force)} is not for {pb.ProtoOAOrderType.Name(kind)} orders")
        is_pending = kind in PENDING_TYPES
        if not is_pending and force == pb.GOOD_TILL_CANCEL:
            force = pb.IMMEDIATE_OR_CANCEL
        self._require_volume(spec, request.volume)
        target = self._named_position(account, spec, request)
        now = self._ledger.now_ms()
        order = Order(
            0, account.ctid, spec.id, side, kind, request.volume, force,
            target.position_id if target else 0, now, now, label=request.label, comment=request.comment,
            client_order_id=request.clientOrderId, trigger_method=request.stopTriggerMethod,
        )  # fmt: skip
        opening = self._execution.opening_volume(order, order.volume)
        if target is not None and not account.is_netted and 0 < opening < order.volume:
            refuse("TRADING_BAD_VOLUME", "More than the position's volume", position_id=target.position_id)
        self._require_mode(spec, closes=not opening)
        if opening and side is Side.SELL and not spec.short_selling:
            refuse("SHORT_SELLING_NOT_ALLOWED", f"{spec.name} cannot be sold short")
        if opening and self._count(account) >= MAX_POSITIONS and (target is None or is_pending):
            refuse("TOO_MANY_POSITIONS", f"No more than {MAX_POSITIONS} positions and orders")
        self._read_prices(order, request, spec)
        self._read_protection(order, request, spec, needs_gsl=account.limited_risk and opening > 0)
        self._check_market(order, spec)
        order.order_id = self._ledger.next_id("order")
        if target is None:
            order.position_id = self._execution.shell(order).position_id
        return order

    def _count(self, account: Account) -> int:
        return len(self._ledger.open_positions(account.ctid)) + len(self._ledger.live_orders(account.ctid))

    def _named_position(
        self, account: Account, spec: SymbolSpec, request: pb.ProtoOANewOrderReq
    ) -> Position | None:
        netted = self._ledger.netted_position(account, spec.id)
        if not request.positionId:
            return netted
        position = self.open_position(account, request.positionId)
        if position.symbol_id != spec.id:
            invalid("The position is of another symbol")
        return position

    def open_position(self, account: Account, position_id: int) -> Position:
        """A position of the account with a volume.

        Raises:
            OpenApiError: POSITION_NOT_FOUND, or POSITION_NOT_OPEN for one that waits for its first fill.
        """
        position = self._ledger.positions.get(position_id)
        if position is None or position.account != account.ctid:
            refuse("POSITION_NOT_FOUND", f"Position {position_id} not found", position_id=position_id)
        if not position.volume:
            refuse("POSITION_NOT_OPEN", f"Position {position_id} is not open", position_id=position_id)
        return position

    def _read_prices(self, order: Order, request: AnyOrderReq, spec: SymbolSpec) -> None:
        """Prices and expiry; of an amendment what is named, of a new order what its type needs."""
        kind = order.order_type
        if request.HasField("limitPrice") and kind == pb.LIMIT:
            order.limit = exact_price(request.limitPrice, spec, "Order price")
        if request.HasField("stopPrice") and kind in (pb.STOP, pb.STOP_LIMIT):
            order.stop = exact_price(request.stopPrice, spec, "Order price")
        if request.HasField("slippageInPoints"):
            if request.slippageInPoints < 0:
                invalid("slippageInPoints is below zero")
            order.slippage = request.slippageInPoints
        if isinstance(request, pb.ProtoOANewOrderReq) and kind == pb.MARKET_RANGE:
            if not request.HasField("baseSlippagePrice") or order.slippage is None:
                invalid("A market range order needs baseSlippagePrice and slippageInPoints")
            order.base_slippage = exact_price(request.baseSlippagePrice, spec, "Order price")
        if kind == pb.LIMIT and order.limit is None:
            invalid("A limit order needs limitPrice")
        if kind in (pb.STOP, pb.STOP_LIMIT) and order.stop is None:
            invalid("A stop order needs stopPrice")
        if kind == pb.STOP_LIMIT and order.slippage is None:
            invalid("A stop limit order needs slippageInPoints")
        if request.HasField("expirationTimestamp") and request.expirationTimestamp:
            order.expire_ms = request.expirationTimestamp
            if isinstance(request, pb.ProtoOAAmendOrderReq):
                order.time_in_force = pb.GOOD_TILL_DATE
        if order.time_in_force == pb.GOOD_TILL_DATE:
            if order.expire_ms is None or order.expire_ms <= self._ledger.now_ms():
                refuse("TRADING_BAD_EXPIRATION_DATE", "The expiry is not in the future")
        else:
            order.expire_ms = None

    # ---- stop and target of an order -------------------------------------------------------------

    def _read_protection(
        self, order: Order, request: AnyOrderReq, spec: SymbolSpec, *, needs_gsl: bool
    ) -> None:
        absolute = request.HasField("stopLoss") or request.HasField("takeProfit")
        relative = request.HasField("relativeStopLoss") or request.HasField("relativeTakeProfit")
        if absolute and order.order_type not in PENDING_TYPES:
            invalid("Absolute stop loss and take profit are for limit, stop and stop limit orders only")
        if absolute and relative:
            invalid("Stop loss and take profit are either absolute or relative")
        order.stop_loss = order.take_profit = None
        order.relative_stop_loss = order.relative_take_profit = None
        if request.HasField("stopLoss"):
            order.stop_loss = exact_price(request.stopLoss, spec, "Order protection")
        if request.HasField("takeProfit"):
            order.take_profit = exact_price(request.takeProfit, spec, "Order protection")
        if request.HasField("relativeStopLoss"):
            order.relative_stop_loss = exact_distance(request.relativeStopLoss, spec, "stop loss")
        if request.HasField("relativeTakeProfit"):
            order.relative_take_profit = exact_distance(request.relativeTakeProfit, spec, "take profit")
        order.trailing, order.guaranteed = request.trailingStopLoss, request.guaranteedStopLoss
        has_stop = order.stop_loss is not None or order.relative_stop_loss is not None
        self._check_kinds(spec, order.trailing, order.guaranteed, has_stop)
        if needs_gsl and not order.guaranteed:
            refuse("TRADING_BAD_STOPS", "This account needs a guaranteed stop loss")
        bid, ask = self._market(spec)
        entry = order.entry or order.base_slippage
        if entry is None:
            entry = ask if order.side is Side.BUY else bid
        # A position is opened on one side of the spread and closed on the other.
        given_up = entry if order.entry is not None else entry - order.side.sign * (ask - bid)
        stop, target = order.stop_loss, order.take_profit
        if order.relative_stop_loss is not None:
            stop = entry - order.side.sign * order.relative_stop_loss
        if order.relative_take_profit is not None:
            target = entry + order.side.sign * order.relative_take_profit
        if (stop is not None and stop <= 0) or (target is not None and target <= 0):
            refuse("TRADING_BAD_STOPS", "A level below zero")
        self._check_distances(spec, order.side, stop, target, given_up, guaranteed=order.guaranteed)

    @staticmethod
    def _check_kinds(spec: SymbolSpec, trailing: bool, guaranteed: bool, has_stop: bool) -> None:
        if trailing and not has_stop:
            invalid("A trailing stop needs a stop loss")
        if guaranteed and not has_stop:
            invalid("A guaranteed stop needs a stop loss")
        if guaranteed and trailing:
            invalid("A guaranteed stop cannot trail")
        if guaranteed and not spec.guaranteed:
            refuse("TRADING_BAD_STOPS", f"{spec.name} has no guaranteed stops")

    @staticmethod
    def _check_distances(
        spec: SymbolSpec,
        side: Side,
        stop: Decimal | None,
        target: Decimal | None,
        price: Decimal,
        *,
        guaranteed: bool,
        position_id: int | None = None,
    ) -> None:
        """Stop and target lie on their side of the price, and far enough."""
        step = point(spec)
        least = max(spec.gsl_distance if guaranteed else 0, spec.sl_distance)
        for level, distance, sign, name in (
            (stop, least, -side.sign, "stop loss"),
            (target, spec.tp_distance, side.sign, "take profit"),
        ):
            if level is None:
                continue
            away = (level - price) * sign
            if away <= 0:
                refuse(
                    "TRADING_BAD_STOPS", f"The {name} {level} is on the wrong side of {price}",
                    position_id=position_id,
                )  # fmt: skip
            if away < distance * step:
                refuse(
                    "PROTECTION_IS_TOO_CLOSE_TO_MARKET",
                    f"The {name} {level} is nearer to {price} than {distance} points",
                    position_id=position_id,
                )

    def _check_market(self, order: Order, spec: SymbolSpec) -> None:
        """A stop lies ahead of the market; what trades at once can be paid and finds the market open."""
        bid, ask = self._market(spec)
        if order.order_type in (pb.STOP, pb.STOP_LIMIT) and order.stop is not None and not order.is_triggered:
            seen = watched_price(order.side, order.trigger_method, bid, ask)
            if is_reached(order.side, order.stop, seen):
                refuse("TRADING_BAD_PRICES", f"The stop price {order.stop} is on the wrong side of {seen}")
        if order.rests:
            return  # money is looked at when it acts
        self._require_open(spec)
        price = ask if order.side is Side.BUY else bid
        error = self._execution.shortfall(order, order.remaining, price)
        if error:
            refuse(error, "Not enough free margin" if error == "NOT_ENOUGH_MONEY" else "")

    # ---- 2109 ------------------------------------------------------------------------------------

    def live_order(self, account: Account, order_id: int) -> Order:
        """A live order of the account.

        Raises:
            OpenApiError: ORDER_NOT_FOUND.
        """
        order = self._ledger.orders.get(order_id)
        if order is None or order.account != account.ctid:
            refuse("ORDER_NOT_FOUND", f"Order {order_id} not found", order_id=order_id)
        return order

    def amended(self, account: Account, request: pb.ProtoOAAmendOrderReq) -> Order:
        """The waiting order as the request wants it: a copy, the order itself is as before.

        Raises:
            OpenApiError: it is refused.
        """
        order = self.live_order(account, request.orderId)
        self.require_rights(account)
        if not order.rests or order.is_executing:
            refuse("UNABLE_TO_AMEND_ORDER", "The order is being executed", order_id=order.order_id)
        spec = self._ledger.spec_of(order)
        wanted = order.copy()
        if request.HasField("volume"):
            self._require_volume(spec, request.volume)
            if request.volume <= order.executed:
                refuse("TRADING_BAD_VOLUME", "As much is filled already", order_id=order.order_id)
            wanted.volume = request.volume
        wanted.trigger_method = request.stopTriggerMethod
        self._read_prices(wanted, request, spec)
        opening = self._execution.opening_volume(wanted, wanted.remaining)
        self._require_mode(spec, closes=not opening)
        self._read_protection(wanted, request, spec, needs_gsl=account.limited_risk and opening > 0)
        if wanted.terms() == order.terms():
            invalid("Nothing to amend.")
        self._check_market(wanted, spec)
        return wanted

    # ---- 2110, 2111 ------------------------------------------------------------------------------

    def protection(
        self, account: Account, request: pb.ProtoOAAmendPositionSLTPReq
    ) -> tuple[Position, Protection]:
        """The stop and target that a position is to have: what is not named is to go.

        Raises:
            OpenApiError: it is refused.
        """
        self.require_rights(account, closes=True)
        position = self.open_position(account, request.positionId)
        spec = self._ledger.spec_of(position)
        wanted = Protection(
            trailing=request.trailingStopLoss, guaranteed=request.guaranteedStopLoss,
            trigger_method=request.stopLossTriggerMethod,
        )  # fmt: skip
        if request.HasField("stopLoss"):
            wanted.stop_loss = exact_price(request.stopLoss, spec, "Order protection")
        if request.HasField("takeProfit"):
            wanted.take_profit = exact_price(request.takeProfit, spec, "Order protection")
        self._check_kinds(spec, wanted.trailing, wanted.guaranteed, wanted.stop_loss is not None)
        present = position.protection()
        if wanted == present or not (wanted or present):
            invalid("Nothing to amend.")
        ids = {"position_id": position.position_id}
        if (account.limited_risk or position.guaranteed) and not wanted.guaranteed:
            refuse("WORSE_GSL_NOT_ALLOWED", "The guaranteed stop must stay", **ids)
        if position.guaranteed and position.stop_loss is not None and wanted.stop_loss is not None:
            worse = (position.stop_loss - wanted.stop_loss) * position.side.sign > 0
            if worse:
                refuse("WORSE_GSL_NOT_ALLOWED", "The guaranteed stop may not risk more", **ids)
        if wanted.guaranteed or wanted.trailing:
            self._require_open(spec, **ids)
        bid, ask = self._market(spec)
        price = bid if position.side is Side.BUY else ask
        stop = None if wanted.stop_loss == present.stop_loss else wanted.stop_loss
        target = None if wanted.take_profit == present.take_profit else wanted.take_profit
        self._check_distances(spec, position.side, stop, target, price, guaranteed=wanted.guaranteed, **ids)
        return position, wanted

    def closing(self, account: Account, request: pb.ProtoOAClosePositionReq) -> Order:
        """The market order that closes a position or a part of it.

        Raises:
            OpenApiError: it is refused.
        """
        self.require_rights(account, closes=True)
        position = self.open_position(account, request.positionId)
        spec, ids = self._ledger.spec_of(position), {"position_id": position.position_id}
        self._require_mode(spec, closes=True)
        if not 0 < request.volume <= position.volume:
            refuse("TRADING_BAD_VOLUME", "Not above zero, or more than the position's volume", **ids)
        if request.volume < position.volume and (
            request.volume % spec.step_volume or request.volume < spec.min_volume
        ):
            refuse("TRADING_BAD_VOLUME", f"Off the step of {Decimal(spec.step_volume) / CENTS}", **ids)
        if any(
            one.position_id == position.position_id and not one.rests and not one.is_protection
            for one in self._ledger.orders.values()
        ):
            refuse("POSITION_LOCKED", "An order of this position is being executed", **ids)
        self._require_open(spec, **ids)
        return self.closing_order(position, request.volume)

    def closing_order(self, position: Position, volume: int, *, is_stop_out: bool = False) -> Order:
        """A market order that gives up so much of a position."""
        now = self._ledger.now_ms()
        return Order(
            self._ledger.next_id("order"), position.account, position.symbol_id, position.side.opposite,
            pb.MARKET, volume, pb.IMMEDIATE_OR_CANCEL, position.position_id, now, now, label=position.label,
            comment=position.comment, is_closing=True, is_stop_out=is_stop_out,
        )  # fmt: skip
