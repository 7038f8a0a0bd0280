"""An order of ours in OKX's words (OKX v5, place order and algo orders, 2026-07).

What waits for a price (stops, targets, trailing stops) is an *algo order* at OKX, with ids, calls and states
of its own; everything else is a plain order. Both are orders to a person.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from terminal.domain.decimals import wire_text
from terminal.domain.errors import NotSent, Unsupported
from terminal.domain.market import Side
from terminal.domain.orders import (
    AmendRequest,
    OrderRequest,
    OrderType,
    Protection,
    TimeInForce,
    TriggerReference,
)
from terminal.venues.okx.errors import VENUE_NAME
from terminal.venues.okx.symbols import SymbolMap, inst_id_of, inst_type_of
from terminal.venues.okx.wire import AlgoRow

AT_MARKET: Final = "-1"
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_PROTECTIVE: Final = "PRT"
_PRICE_TYPE: Final = {TriggerReference.LAST: "last", TriggerReference.INDEX: "index"}
_LIFE: Final = {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}


@dataclass(frozen=True, slots=True)
class AccountMode:
    """How the account is set up at OKX."""

    level: str
    """1 spot, 2 futures, 3 multi-currency, 4 portfolio."""
    is_hedged: bool
    """Long and short positions side by side (``long_short_mode``)."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a closing order needs to know of the position it closes."""

    inst_id: str
    margin_mode: str
    pos_side: str
    """``net``, ``long`` or ``short``."""
    side: Side
    is_borrowed: bool = False
    """Spot on credit rather than a contract."""
    currency: str = ""
    """In which its margin is."""


def require_client_id(client_order_id: str) -> str:
    """An id that OKX takes as it is: 1 to 32 letters and digits, which ours are.

    Raises:
        NotSent: anything else; OKX would refuse it.
    """
    if _CLIENT_ID.fullmatch(client_order_id) is None:
        raise NotSent(VENUE_NAME, f"OKX does not take {client_order_id[:40]!r} as an order's id")
    return client_order_id


def protective_id() -> str:
    """A fresh id for a stop or target that belongs to a position."""
    return _PROTECTIVE + secrets.token_hex(14)


def is_protective_id(client_id: str) -> bool:
    return client_id.startswith(_PROTECTIVE)


def is_algo(kind: OrderType) -> bool:
    """Whether OKX keeps this kind of order apart as an algo order."""
    return kind.has_trigger or kind.has_trail


def pos_side(request: OrderRequest, mode: AccountMode, held: Held | None) -> str | None:
    """Which of the two positions of a hedged account is meant; None in net mode."""
    if not mode.is_hedged:
        return None
    if held is not None and held.pos_side in ("long", "short"):
        return held.pos_side
    opens_long = (request.side is Side.BUY) != request.reduce_only
    return "long" if opens_long else "short"


def plain_order(
    request: OrderRequest,
    client_order_id: str,
    symbols: SymbolMap,
    mode: AccountMode,
    backing: str,
    *,
    held: Held | None = None,
    market_price: Decimal | None = None,
) -> dict[str, object]:
    """The body of ``trade/order``.

    ``{"instId":"BTC-USDT","tdMode":"cash","clOrdId":"t1000001","side":"buy","ordType":"limit","px":"30000.1",
    "sz":"0.01"}``; ``backing`` is its ``tdMode``, ``market_price`` where the distances of a market order's
    stop and target count from.

    Raises:
        Unsupported: OKX has no such order.
        NotSent: the id is none that OKX takes.
    """
    inst_id = inst_id_of(request.instrument.symbol)
    is_spot = inst_type_of(inst_id) == "SPOT"
    body = _common(request, inst_id, is_spot, mode, backing, held)
    body["clOrdId"] = require_client_id(client_order_id)
    if request.order_type is OrderType.MARKET:
        if request.time_in_force is not TimeInForce.GTC or request.post_only:
            raise Unsupported("time in force", "A market order has no time in force at OKX.")
        body["ordType"] = "market"
        if is_spot:
            body["tgtCcy"] = "quote_ccy" if request.in_quote else "base_ccy"
            # What was asked for or nothing: OKX would make it as large as the balance allows.
            body["banAmend"] = True
    elif request.order_type is OrderType.LIMIT:
        word = _LIFE.get(request.time_in_force)
        if word is None:
            raise Unsupported("time in force", "OKX knows good till canceled, IOC and FOK only.")
        if request.post_only and word != "limit":
            raise Unsupported("post-only", "A post-only order cannot be immediate.")
        body["ordType"] = "post_only" if request.post_only else word
        body["px"] = wire_text(_need(request.limit_price, "limit price"))
    else:
        raise Unsupported("order type", f"OKX has no {request.order_type.value} orders.")
    in_quote = request.in_quote and request.order_type is OrderType.MARKET and request.side is Side.BUY
    if request.in_quote and not (in_quote and is_spot):
        raise Unsupported("quantity in quote", "OKX takes a quote amount for market buys of spot only.")
    size = request.quantity if in_quote else symbols.to_size(inst_id, request.quantity)
    body["sz"] = wire_text(size)
    quote = _trade_quote(inst_id, symbols)
    if is_spot and quote is not None:
        body["tradeQuoteCcy"] = quote
    if request.protection is not None and not request.protection.is_empty:
        entry = request.limit_price if request.limit_price is not None else market_price
        body["attachAlgoOrds"] = [_attached(request.protection, request.side, entry, symbols, inst_id)]
    return body


def borrowed_close(request: OrderRequest, client_order_id: str, held: Held) -> dict[str, object]:
    """The body of ``trade/order`` that closes a part of a position in borrowed spot, or places what will.

    ``{"instId":"BTC-USDT","tdMode":"isolated","ccy":"USDT","side":"sell","ordType":"market","sz":"0.005",
    "reduceOnly":true}``; sizes are coins, but a market buy's would be the amount of quote to spend ("Place
    order", read 2026-08).

    Raises:
        Unsupported: OKX has no such order.
    """
    if request.order_type is OrderType.LIMIT and request.time_in_force in _LIFE:
        kind = "post_only" if request.post_only else _LIFE[request.time_in_force]
    elif request.order_type is OrderType.MARKET and request.side is Side.SELL and not request.in_quote:
        kind = "market"
    elif request.order_type is OrderType.MARKET:
        raise Unsupported(
            "reduce-only",
            "OKX buys back a part of what was borrowed at a limit price only: give one, or close all.",
        )
    else:
        raise Unsupported("reduce-only", "A position in borrowed spot is closed by market or limit orders.")
    if request.protection is not None and not request.protection.is_empty:
        raise Unsupported("protection", "An order that closes carries no stop and target.")
    out: dict[str, object] = {
        "instId": held.inst_id,
        "tdMode": held.margin_mode,
        "ccy": held.currency,
        "side": request.side.value,
        "clOrdId": require_client_id(client_order_id),
        "ordType": kind,
        "sz": wire_text(request.quantity),
        "reduceOnly": True,
    }
    if request.order_type is OrderType.LIMIT:
        out["px"] = wire_text(_need(request.limit_price, "limit price"))
    return out


def algo_order(
    request: OrderRequest,
    client_order_id: str,
    symbols: SymbolMap,
    mode: AccountMode,
    backing: str,
    *,
    held: Held | None = None,
) -> dict[str, object]:
    """The body of ``trade/order-algo`` for a stop, a target or a trailing stop.

    ``{"instId":"BTC-USDT","tdMode":"cash","side":"sell","ordType":"conditional","sz":"0.01","algoClOrdId":"a1",
    "slTriggerPx":"29000","slOrdPx":"-1","slTriggerPxType":"last"}``

    Raises:
        Unsupported: OKX has no such order.
        NotSent: the id is none that OKX takes.
    """
    inst_id = inst_id_of(request.instrument.symbol)
    is_spot = inst_type_of(inst_id) == "SPOT"
    kind = request.order_type
    if request.time_in_force is not TimeInForce.GTC or request.post_only:
        raise Unsupported("time in force", "A stop order of OKX waits until it is canceled.")
    if request.in_quote:
        raise Unsupported("quantity in quote", "OKX takes a quote amount for market buys only.")
    if request.protection is not None and not request.protection.is_empty:
        raise Unsupported("protection", "OKX takes no stop and target with a stop order.")
    price_type = _PRICE_TYPE.get(request.trigger_reference)
    if price_type is None:
        raise Unsupported("trigger", f"OKX cannot trigger on {request.trigger_reference.value}.")
    body = _common(request, inst_id, is_spot, mode, backing, held)
    body["algoClOrdId"] = require_client_id(client_order_id)
    body["sz"] = wire_text(symbols.to_size(inst_id, request.quantity))
    if is_spot:
        body["tgtCcy"] = "base_ccy"
    if kind is OrderType.TRAILING_STOP:
        if price_type != "last":
            raise Unsupported("trigger", "A trailing stop of OKX follows the last price.")
        body["ordType"] = "move_order_stop"
        body.update(_trail(_need(request.trail_offset, "distance"), in_percent=request.trail_in_percent))
        return body
    if kind in (OrderType.STOP, OrderType.STOP_LIMIT):
        leg = "sl"
    elif kind in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT):
        leg = "tp"
    else:
        raise Unsupported("order type", f"OKX has no {kind.value} orders.")
    body["ordType"] = "conditional"
    body[f"{leg}TriggerPx"] = wire_text(_need(request.trigger_price, "trigger price"))
    limit = _need(request.limit_price, "limit price") if kind.has_limit_price else None
    body[f"{leg}OrdPx"] = AT_MARKET if limit is None else wire_text(limit)
    body[f"{leg}TriggerPxType"] = price_type
    return body


def protective_orders(
    held: Held,
    size: Decimal,
    *,
    stop: Decimal | None,
    target: Decimal | None,
    trail: Decimal | None,
    reference: TriggerReference,
    mode: AccountMode,
) -> list[dict[str, object]]:
    """The bodies of ``trade/order-algo`` that protect a position of ``size`` contracts: one for a stop and a
    target that cancel each other, one for either alone, two where the stop trails by ``trail``."""
    price_type = _PRICE_TYPE.get(reference)
    if price_type is None:
        raise Unsupported("trigger", f"OKX cannot trigger on {reference.value}.")

    def body(order_type: str) -> dict[str, object]:
        out: dict[str, object] = {
            "instId": held.inst_id,
            "tdMode": held.margin_mode or "cross",
            "side": held.side.opposite.value,
            "ordType": order_type,
            "sz": wire_text(size),
            "algoClOrdId": protective_id(),
        }
        if mode.is_hedged:
            out["posSide"] = held.pos_side
        else:
            out["reduceOnly"] = True
        return out

    out: list[dict[str, object]] = []
    if trail is not None:
        out.append({**body("move_order_stop"), **_trail(trail, in_percent=False)})
        stop = None
    legs: dict[str, object] = {}
    for name, price in (("sl", stop), ("tp", target)):
        if price is not None:
            legs[f"{name}TriggerPx"] = wire_text(price)
            legs[f"{name}OrdPx"] = AT_MARKET
            legs[f"{name}TriggerPxType"] = price_type
    if legs:
        out.append({**body("oco" if stop is not None and target is not None else "conditional"), **legs})
    return out


def amendment(change: AmendRequest, inst_id: str, symbols: SymbolMap) -> dict[str, object]:
    """The changed terms of ``trade/amend-order``; ``newSz`` is the new total, what is filled included.

    Raises:
        Unsupported: a term that OKX cannot change in place.
    """
    if change.trigger_price is not None or change.display_quantity is not None:
        raise Unsupported("amend", "OKX changes price and quantity of a limit order in place, nothing else.")
    if change.expire_time_ns is not None or change.protection is not None:
        raise Unsupported("amend", "OKX changes price and quantity of a limit order in place, nothing else.")
    out: dict[str, object] = {}
    if change.quantity is not None:
        out["newSz"] = wire_text(symbols.to_size(inst_id, change.quantity))
    if change.limit_price is not None:
        out["newPx"] = wire_text(change.limit_price)
    return out


def algo_amendment(change: AmendRequest, row: AlgoRow, symbols: SymbolMap) -> dict[str, object]:
    """The changed terms of ``trade/amend-algos`` for a stop order that waits.

    ``{"instId":"BTC-USDT","algoId":"2510789768709120","newSlTriggerPx":"28500","newSlOrdPx":"-1"}``; what it
    becomes is told with every new trigger, so that nothing rests on what OKX would take it for ("Amend algo
    order", read 2026-08: one-sided stops and targets, both at once, and trigger orders; no trailing stops).

    Raises:
        Unsupported: a term, or a kind of stop order, that OKX cannot change in place.
    """
    if change.display_quantity is not None or change.expire_time_ns is not None:
        raise Unsupported("amend", "OKX changes size and prices of a stop order in place, nothing else.")
    if change.protection is not None:
        raise Unsupported("amend", "OKX takes no stop and target with a stop order.")
    if row.ordType == "move_order_stop":
        raise Unsupported("amend", "OKX changes no trailing stop in place: cancel it and place a new one.")
    out: dict[str, object] = {}
    if change.quantity is not None:
        out["newSz"] = wire_text(symbols.to_size(row.instId, change.quantity))
    if change.trigger_price is None and change.limit_price is None:
        return out
    legs = {
        "Sl": (row.slTriggerPx, row.slOrdPx),
        "Tp": (row.tpTriggerPx, row.tpOrdPx),
        "": (row.triggerPx, row.orderPx or row.ordPx),
    }
    leg = next((name for name, (trigger, _) in legs.items() if trigger not in ("", "0")), None)
    if leg is None:
        raise Unsupported("amend", "OKX does not say which price this order waits for.")
    trigger, limit = legs[leg]
    out[f"new{leg}TriggerPx"] = trigger if change.trigger_price is None else wire_text(change.trigger_price)
    out[f"new{leg}OrdPx"] = limit or AT_MARKET
    if change.limit_price is not None:
        if limit in ("", AT_MARKET):
            raise Unsupported("amend", "This stop order becomes a market order: it has no limit price.")
        out[f"new{leg}OrdPx"] = wire_text(change.limit_price)
    return out


def protective_amendment(
    row: AlgoRow,
    size: Decimal,
    *,
    stop: Decimal | None,
    target: Decimal | None,
    reference: TriggerReference,
) -> dict[str, object] | None:
    """How a position's waiting stop and target become these by ``trade/amend-algos``; None where they cannot:
    it trails, or another leg is wanted than it has. Empty: they are so already.

    Raises:
        Unsupported: OKX cannot trigger on that price.
    """
    price_type = _PRICE_TYPE.get(reference)
    if price_type is None:
        raise Unsupported("trigger", f"OKX cannot trigger on {reference.value}.")
    if row.ordType not in ("conditional", "oco"):
        return None
    out: dict[str, object] = {}
    legs = (
        ("Sl", row.slTriggerPx, row.slOrdPx, row.slTriggerPxType, stop),
        ("Tp", row.tpTriggerPx, row.tpOrdPx, row.tpTriggerPxType, target),
    )
    for leg, trigger, limit, kind, wanted in legs:
        if (trigger in ("", "0")) != (wanted is None):
            return None
        if wanted is None:
            continue
        if Decimal(trigger) != wanted or (kind or "last") != price_type:
            out[f"new{leg}TriggerPx"] = wire_text(wanted)
            out[f"new{leg}OrdPx"] = limit or AT_MARKET
            out[f"new{leg}TriggerPxType"] = price_type
    if not row.sz or Decimal(row.sz) != size:
        out["newSz"] = wire_text(size)
    return out


def _common(
    request: OrderRequest,
    inst_id: str,
    is_spot: bool,
    mode: AccountMode,
    backing: str,
    held: Held | None,
) -> dict[str, object]:
    body: dict[str, object] = {
        "instId": inst_id,
        "tdMode": backing,
        "side": request.side.value,
    }
    if is_spot:
        if request.reduce_only or request.position_id is not None:
            raise Unsupported(
                "reduce-only", "Spot has balances and no positions: there is nothing to reduce."
            )
        return body
    side = pos_side(request, mode, held)
    if side is not None:
        body["posSide"] = side
    elif request.reduce_only:
        body["reduceOnly"] = True
    return body


def _attached(
    protection: Protection, side: Side, entry: Decimal | None, symbols: SymbolMap, inst_id: str
) -> dict[str, object]:
    """One entry of ``attachAlgoOrds``: OKX sets it up by itself once the order has filled."""
    if protection.trailing:
        raise Unsupported("trailing stop", "OKX takes a trailing stop once the position is open.")
    price_type = _PRICE_TYPE.get(protection.trigger)
    if price_type is None:
        raise Unsupported("trigger", f"OKX cannot trigger on {protection.trigger.value}.")
    out: dict[str, object] = {"attachAlgoClOrdId": protective_id()}
    for name, price, distance, sign in (
        ("sl", protection.stop_loss, protection.stop_distance, -side.sign),
        ("tp", protection.take_profit, protection.profit_distance, side.sign),
    ):
        if price is None and distance is not None:
            if entry is None:
                raise Unsupported("protection", "There is no price yet that a distance could count from.")
            price = on_grid(entry + sign * distance, symbols, inst_id)
        if price is not None:
            out[f"{name}TriggerPx"] = wire_text(price)
            out[f"{name}OrdPx"] = AT_MARKET
            out[f"{name}TriggerPxType"] = price_type
    return out


def on_grid(price: Decimal, symbols: SymbolMap, inst_id: str) -> Decimal:
    """The nearest price that the instrument can have."""
    symbol = symbols.id_of(inst_id).symbol
    found = symbols.instrument(symbol)
    if found is None:
        return price
    return (price / found.tick_size).quantize(Decimal(1)) * found.tick_size


def _trail(offset: Decimal, *, in_percent: bool) -> dict[str, object]:
    if in_percent:
        return {"callbackRatio": wire_text((offset / 100).normalize())}
    return {"callbackSpread": wire_text(offset)}


def _trade_quote(inst_id: str, symbols: SymbolMap) -> str | None:
    """``tradeQuoteCcy`` where one book serves several quote currencies."""
    listing = symbols.listing(inst_id)
    if listing is None or not listing.trade_quotes:
        return None
    quote = inst_id.split("-")[1]
    if listing.trade_quotes == (quote,):
        return None
    return quote if quote in listing.trade_quotes else listing.trade_quotes[0]


def _need(value: Decimal | None, name: str) -> Decimal:
    if value is None:
        raise Unsupported("order", f"This order needs its {name}.")
    return value
