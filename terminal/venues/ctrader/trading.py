"""An order, a change, a close and a protection as cTrader's requests.

Prices leave as the doubles whose text has no more than the symbol's digits, distances as 1/100000, volumes as
cents of a base unit: a binary fraction too many is refused (Open API 2.0, 2106 to 2111).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from terminal.domain.errors import Unsupported
from terminal.domain.market import Side
from terminal.domain.orders import (
    AmendRequest,
    OrderRequest,
    OrderType,
    Protection,
    TimeInForce,
    TriggerReference,
)
from terminal.venues.ctrader import VENUE
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.symbols import Listing
from terminal.venues.ctrader.units import (
    cents,
    distance,
    double_of,
    ms_of_ns,
    price_of_double,
    relative,
    step_of,
)

ORDER_TYPE: Final[dict[OrderType, int]] = {
    OrderType.MARKET: pb.MARKET,
    OrderType.MARKET_RANGE: pb.MARKET_RANGE,
    OrderType.LIMIT: pb.LIMIT,
    OrderType.STOP: pb.STOP,
    OrderType.STOP_LIMIT: pb.STOP_LIMIT,
}
TIME_IN_FORCE: Final[dict[TimeInForce, int]] = {
    TimeInForce.GTC: pb.GOOD_TILL_CANCEL,
    TimeInForce.GTD: pb.GOOD_TILL_DATE,
    TimeInForce.IOC: pb.IMMEDIATE_OR_CANCEL,
    TimeInForce.FOK: pb.FILL_OR_KILL,
}
TRIGGER: Final[dict[TriggerReference, int]] = {
    TriggerReference.LAST: pb.TRADE,
    TriggerReference.OPPOSITE: pb.OPPOSITE,
    TriggerReference.DOUBLE: pb.DOUBLE_TRADE,
    TriggerReference.DOUBLE_OPPOSITE: pb.DOUBLE_OPPOSITE,
}
SIDE: Final[dict[Side, int]] = {Side.BUY: pb.BUY, Side.SELL: pb.SELL}

LONGEST_COMMENT: Final = VENUE.capabilities.comment_length
_AT_MARKET: Final = frozenset({OrderType.MARKET, OrderType.MARKET_RANGE})
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,50}")


def new_order(
    account_id: int, request: OrderRequest, client_order_id: str, listing: Listing
) -> pb.ProtoOANewOrderReq:
    """The request that opens an order. Our id is its ``clientOrderId``, and its label too, which the position
    shows as well.

    Raises:
        Unsupported: cTrader has no such order.
    """
    kind, digits = request.order_type, listing.digits
    if kind not in ORDER_TYPE:
        raise Unsupported("order type", f"cTrader has no {kind.value} orders.")
    if request.in_quote:
        raise Unsupported("quantity in quote", "cTrader takes no amount in quote currency.")
    if request.post_only:
        raise Unsupported("post-only", "cTrader has no post-only orders.")
    if request.reduce_only:
        raise Unsupported("reduce-only", "cTrader reduces a position by closing it: name the position.")
    if _CLIENT_ID.fullmatch(client_order_id) is None:
        raise Unsupported("order id", f"cTrader does not take {client_order_id[:60]!r} as an order's id.")
    if len(request.comment) > LONGEST_COMMENT:
        raise Unsupported("comment", f"A comment has at most {LONGEST_COMMENT} characters.")
    fields: dict[str, Any] = {
        "ctidTraderAccountId": account_id,
        "symbolId": listing.symbol_id,
        "orderType": ORDER_TYPE[kind],
        "tradeSide": SIDE[request.side],
        "volume": volume_of(request.quantity),
        "label": client_order_id,
        "clientOrderId": client_order_id,
    }
    if request.comment:
        fields["comment"] = request.comment
    if request.position_id is not None:
        fields["positionId"] = venue_id(request.position_id)
    fields |= _life(request)
    fields |= _prices(request, digits)
    if request.protection is not None and not request.protection.is_empty:
        fields |= _levels(request.protection, digits, at_market=kind in _AT_MARKET)
    elif request.protection is not None and (request.protection.trailing or request.protection.guaranteed):
        raise Unsupported("protection", "A trailing or guaranteed stop needs a stop loss.")
    return pb.ProtoOANewOrderReq(**fields)


def close_position(account_id: int, request: OrderRequest) -> pb.ProtoOAClosePositionReq:
    """The request that closes a position, or a part of it, at the market.

    Raises:
        Unsupported: it names no position, or is no market order.
    """
    if request.position_id is None or request.order_type is not OrderType.MARKET:
        raise Unsupported("reduce-only", "A position is closed at the market.")
    return pb.ProtoOAClosePositionReq(
        ctidTraderAccountId=account_id,
        positionId=venue_id(request.position_id),
        volume=volume_of(request.quantity),
    )


def cancel_order(account_id: int, order_id: int) -> pb.ProtoOACancelOrderReq:
    """The request that cancels a pending order."""
    return pb.ProtoOACancelOrderReq(ctidTraderAccountId=account_id, orderId=order_id)


def amend_order(
    account_id: int, order: pb.ProtoOAOrder, change: AmendRequest, listing: Listing
) -> pb.ProtoOAAmendOrderReq:
    """The request that changes a pending order: every term that stays is sent too, since the server may drop
    one that is left out.

    Raises:
        Unsupported: cTrader cannot change this so.
    """
    digits, step = listing.digits, step_of(listing.digits)
    if change.display_quantity is not None:
        raise Unsupported("iceberg", "cTrader has no iceberg orders.")
    fields: dict[str, Any] = {
        "ctidTraderAccountId": account_id,
        "orderId": order.orderId,
        "volume": order.tradeData.volume if change.quantity is None else volume_of(change.quantity),
    }
    side = side_of(order.tradeData.tradeSide)
    entry: Decimal | None = None
    if order.orderType == pb.LIMIT:
        entry = change.limit_price or _price(order, "limitPrice", digits)
        if entry is not None:
            fields["limitPrice"] = _double(entry, digits)
    elif order.orderType in (pb.STOP, pb.STOP_LIMIT):
        entry = change.trigger_price or _price(order, "stopPrice", digits)
        if entry is not None:
            fields["stopPrice"] = _double(entry, digits)
        fields["stopTriggerMethod"] = order.stopTriggerMethod
    else:
        raise Unsupported("amend", "Only a pending order can be changed.")
    if order.orderType == pb.STOP_LIMIT and entry is not None:
        limit = change.limit_price or stop_limit_price(order, digits)
        fields["slippageInPoints"] = slippage_points(side, entry, limit, step)
    elif order.HasField("slippageInPoints"):
        fields["slippageInPoints"] = order.slippageInPoints
    if change.expire_time_ns is not None:
        fields["expirationTimestamp"] = ms_of_ns(change.expire_time_ns)
    elif order.expirationTimestamp:
        fields["expirationTimestamp"] = order.expirationTimestamp
    kept = change.protection
    if kept is None:
        kept = protection_of_order(order, digits) or Protection()
    if entry is not None:
        kept = _as_prices(kept, side, entry)
    fields |= _levels(kept, digits, at_market=False)
    if order.trailingStopLoss:
        # Said, so that it is taken off where it was.
        fields.setdefault("trailingStopLoss", False)
    if order.tradeData.guaranteedStopLoss:
        fields.setdefault("guaranteedStopLoss", False)
    return pb.ProtoOAAmendOrderReq(**fields)


def amend_protection(
    account_id: int, position: pb.ProtoOAPosition, protection: Protection, digits: int
) -> pb.ProtoOAAmendPositionSLTPReq:
    """The request that sets the whole stop and target of a position: a leg that is left out is removed.

    Raises:
        Unsupported: a trailing or guaranteed stop without a stop loss.
    """
    if position.HasField("price"):
        side = side_of(position.tradeData.tradeSide)
        protection = _as_prices(protection, side, price_of_double(position.price, digits))
    fields: dict[str, Any] = {"ctidTraderAccountId": account_id, "positionId": position.positionId}
    if protection.stop_loss is not None:
        fields["stopLoss"] = _double(protection.stop_loss, digits)
        # The flags are the stop's own: said either way, so that one that is taken off is taken off.
        fields["trailingStopLoss"] = protection.trailing
        if protection.guaranteed or position.guaranteedStopLoss:
            fields["guaranteedStopLoss"] = protection.guaranteed
        fields["stopLossTriggerMethod"] = _trigger(protection.trigger)
    elif protection.trailing or protection.guaranteed:
        raise Unsupported("protection", "A trailing or guaranteed stop needs a stop loss.")
    if protection.take_profit is not None:
        fields["takeProfit"] = _double(protection.take_profit, digits)
    return pb.ProtoOAAmendPositionSLTPReq(**fields)


# --- terms -----------------------------------------------------------------------------------------------


def venue_id(text: str) -> int:
    """An order's or position's id as the venue's number. Raises Unsupported for one that is none."""
    if not text.isascii() or not text.isdigit():
        raise Unsupported("order id", f"cTrader has no order or position {text[:40]!r}.")
    return int(text)


def volume_of(quantity: Decimal) -> int:
    """Base units as cents. Raises Unsupported for a part of a cent."""
    try:
        return cents(quantity)
    except ValueError:
        raise Unsupported("quantity", "cTrader counts volumes in hundredths of a unit.") from None


def side_of(wire: int) -> Side:
    return Side.SELL if wire == pb.SELL else Side.BUY


def slippage_points(side: Side, trigger: Decimal, limit: Decimal | None, step: Decimal) -> int:
    """How far a stop limit order may fill from its trigger, in points.

    Raises:
        Unsupported: the limit is on the other side of the trigger; cTrader has no such order.
    """
    room = Decimal(0) if limit is None else (limit - trigger) * side.sign
    if room < 0:
        where = "above" if side is Side.BUY else "below"
        raise Unsupported(
            "stop limit", f"The limit of a {side.value} stop limit order is at or {where} its trigger."
        )
    return int((room / step).to_integral_value())


def stop_limit_price(order: pb.ProtoOAOrder, digits: int) -> Decimal | None:
    """The worst price of a stop limit order: its trigger and the points that it may slip."""
    trigger = _price(order, "stopPrice", digits)
    if trigger is None:
        return None
    return trigger + side_of(order.tradeData.tradeSide).sign * order.slippageInPoints * step_of(digits)


def protection_of_order(order: pb.ProtoOAOrder, digits: int) -> Protection | None:
    """Stop and target that an order will set; None where an order at the market has none.

    A pending order's levels are told as distances, whatever was sent: they are prices again here, as soon as
    the order has a price to count from.
    """
    stop_loss, take_profit = _price(order, "stopLoss", digits), _price(order, "takeProfit", digits)
    stop = profit = None
    if stop_loss is None and order.relativeStopLoss:
        stop = distance(order.relativeStopLoss)
    if take_profit is None and order.relativeTakeProfit:
        profit = distance(order.relativeTakeProfit)
    guaranteed = order.tradeData.guaranteedStopLoss
    found = Protection(
        stop_loss=stop_loss,
        take_profit=take_profit,
        stop_distance=stop,
        profit_distance=profit,
        trailing=order.trailingStopLoss,
        guaranteed=guaranteed,
    )
    if order.orderType in (pb.MARKET, pb.MARKET_RANGE):
        return None if found.is_empty else found
    entry = _price(order, "limitPrice" if order.orderType == pb.LIMIT else "stopPrice", digits)
    if entry is None:
        return found
    return _as_prices(found, side_of(order.tradeData.tradeSide), entry)


def _as_prices(protection: Protection, side: Side, entry: Decimal) -> Protection:
    """Distances as prices around an entry: a buyer's stop is below it, the target above."""
    stop_loss, take_profit = protection.stop_loss, protection.take_profit
    if protection.stop_distance is not None:
        stop_loss = entry - side.sign * protection.stop_distance
    if protection.profit_distance is not None:
        take_profit = entry + side.sign * protection.profit_distance
    return Protection(
        stop_loss=stop_loss,
        take_profit=take_profit,
        trailing=protection.trailing,
        guaranteed=protection.guaranteed,
        trigger=protection.trigger,
    )


def _life(request: OrderRequest) -> dict[str, Any]:
    kind, force = request.order_type, request.time_in_force
    if force in (TimeInForce.IOC, TimeInForce.FOK) and kind is not OrderType.LIMIT:
        raise Unsupported("time in force", f"At cTrader a {kind.value} order cannot be {force.value}.")
    if kind is OrderType.MARKET:
        return {}
    if kind is OrderType.MARKET_RANGE:
        return {"timeInForce": pb.IMMEDIATE_OR_CANCEL}
    wire = TIME_IN_FORCE.get(force)
    if wire is None:
        raise Unsupported("time in force", "cTrader has no day orders: set an expiry instead.")
    if force is not TimeInForce.GTD:
        return {"timeInForce": wire}
    if request.expire_time_ns is None:
        raise Unsupported("time in force", "An order that is good till a date needs the date.")
    return {"timeInForce": wire, "expirationTimestamp": ms_of_ns(request.expire_time_ns)}


def _prices(request: OrderRequest, digits: int) -> dict[str, Any]:
    kind, step = request.order_type, step_of(digits)
    if kind is OrderType.LIMIT:
        return {"limitPrice": _double(_wanted(request.limit_price, "limit price"), digits)}
    if kind is OrderType.MARKET_RANGE:
        base = _wanted(request.reference_price, "price to count the range from")
        slippage = _wanted(request.max_slippage, "range")
        return {
            "baseSlippagePrice": _double(base, digits),
            "slippageInPoints": int((slippage / step).to_integral_value()),
        }
    if not kind.has_trigger:
        return {}
    trigger = _wanted(request.trigger_price, "trigger price")
    fields: dict[str, Any] = {
        "stopPrice": _double(trigger, digits),
        "stopTriggerMethod": _trigger(request.trigger_reference),
    }
    if kind is OrderType.STOP_LIMIT:
        limit = _wanted(request.limit_price, "limit price")
        fields["slippageInPoints"] = slippage_points(request.side, trigger, limit, step)
    return fields


def _levels(protection: Protection, digits: int, *, at_market: bool) -> dict[str, Any]:
    """Stop and target of an order: distances for one at the market, prices (or distances) for a pending
    one."""
    if at_market and (protection.stop_loss is not None or protection.take_profit is not None):
        text = (
            "An order at the market takes its stop and target as distances: its fill price is not known yet."
        )
        raise Unsupported("protection", text)
    if protection.trigger is not TriggerReference.LAST:
        text = "How a stop loss triggers can be set once the position is open."
        raise Unsupported("protection", text)
    fields: dict[str, Any] = {}
    if protection.stop_loss is not None:
        fields["stopLoss"] = _double(protection.stop_loss, digits)
    elif protection.stop_distance is not None:
        fields["relativeStopLoss"] = _relative(protection.stop_distance, digits)
    if protection.take_profit is not None:
        fields["takeProfit"] = _double(protection.take_profit, digits)
    elif protection.profit_distance is not None:
        fields["relativeTakeProfit"] = _relative(protection.profit_distance, digits)
    has_stop = "stopLoss" in fields or "relativeStopLoss" in fields
    if (protection.trailing or protection.guaranteed) and not has_stop:
        raise Unsupported("protection", "A trailing or guaranteed stop needs a stop loss.")
    if protection.trailing:
        fields["trailingStopLoss"] = True
    if protection.guaranteed:
        fields["guaranteedStopLoss"] = True
    return fields


def _trigger(reference: TriggerReference) -> int:
    found = TRIGGER.get(reference)
    if found is None:
        raise Unsupported("trigger", f"cTrader cannot trigger on the {reference.value} price.")
    return found


def _double(value: Decimal, digits: int) -> float:
    try:
        return double_of(value, digits)
    except ValueError:
        raise _too_fine(value, digits) from None


def _relative(distance: Decimal, digits: int) -> int:
    try:
        return relative(distance, digits)
    except ValueError:
        raise _too_fine(distance, digits) from None


def _too_fine(value: Decimal, digits: int) -> Unsupported:
    return Unsupported("price", f"cTrader takes {digits} decimals for this symbol, not {value:f}.")


def _wanted(value: Decimal | None, name: str) -> Decimal:
    if value is None:
        raise Unsupported("order", f"This order needs a {name}.")
    return value


def _price(order: pb.ProtoOAOrder, field: str, digits: int) -> Decimal | None:
    value: float = getattr(order, field)
    return price_of_double(value, digits) if value else None
