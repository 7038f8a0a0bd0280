"""Orders and fills to journal rows and back.

The document is JSON with plain keys, so that a person can read a journal with any SQLite tool. Numbers are
texts: a float would change them. Unknown keys of a newer version are ignored.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NamedTuple

from terminal.domain.contracts import ContractTerms, ExpiryMode
from terminal.domain.decimals import wire_text
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import (
    AmendRequest,
    Fill,
    Order,
    OrderRequest,
    OrderState,
    OrderType,
    Origin,
    Protection,
    TimeInForce,
    TriggerReference,
)
from terminal.services.order_tracking import DoubtKind, Facts

Document = dict[str, Any]


class OrderRow(NamedTuple):
    """One order as the journal keeps it. Times in ns UTC."""

    client_order_id: str
    account: str
    symbol: str
    venue_order_id: str | None
    state: str
    is_open: bool
    created_ns: int
    updated_ns: int
    document: str


class FillRow(NamedTuple):
    """One fill as the journal keeps it. Time in ns UTC."""

    account: str
    fill_id: str
    client_order_id: str
    ts_event_ns: int
    document: str


def _number(value: Decimal | None) -> str | None:
    return None if value is None else wire_text(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _dumps(document: Document) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def encode_order(order: Order, facts: Facts) -> OrderRow:
    """An order with its facts, as one row."""
    request = order.request
    document: Document = {
        "request": {
            "venue": request.instrument.venue,
            "symbol": request.instrument.symbol,
            "side": request.side.name,
            "order_type": request.order_type.name,
            "quantity": wire_text(request.quantity),
            "limit_price": _number(request.limit_price),
            "trigger_price": _number(request.trigger_price),
            "trigger_reference": request.trigger_reference.name,
            "trail_offset": _number(request.trail_offset),
            "trail_in_percent": request.trail_in_percent,
            "limit_offset": _number(request.limit_offset),
            "time_in_force": request.time_in_force.name,
            "expire_time_ns": request.expire_time_ns,
            "display_quantity": _number(request.display_quantity),
            "post_only": request.post_only,
            "reduce_only": request.reduce_only,
            "in_quote": request.in_quote,
            "reference_price": _number(request.reference_price),
            "max_slippage": _number(request.max_slippage),
            "protection": _encode_protection(request.protection),
            "position_id": request.position_id,
            "comment": request.comment,
            "contract": _encode_terms(request.contract),
            "origin": request.origin.name,
            "origin_name": request.origin_name,
        },
        "quantity": wire_text(order.quantity),
        "limit_price": _number(order.limit_price),
        "trigger_price": _number(order.trigger_price),
        "display_quantity": _number(order.display_quantity),
        "protection": _encode_protection(order.protection),
        "filled_quantity": wire_text(order.filled_quantity),
        "average_price": _number(order.average_price),
        "fees": {asset: wire_text(amount) for asset, amount in order.fees.items()},
        "reason": order.reason,
        "triggered": order.triggered,
        "amend_pending": _encode_amend(order.amend_pending),
        "facts": {
            "known": facts.known,
            "refused": facts.refused,
            "ended": facts.ended.name if facts.ended is not None else None,
            "cancel_sent": facts.cancel_sent,
            "cancel_when_known": facts.cancel_when_known,
            "reported_filled": wire_text(facts.reported_filled),
            "reported_average": _number(facts.reported_average),
            "terms_ns": facts.terms_ns,
            "fills_quantity": wire_text(facts.fills_quantity),
            "fills_notional": wire_text(facts.fills_notional),
            "fills_turned": wire_text(facts.fills_turned),
            "doubts": sorted(doubt.name for doubt in facts.doubts),
            "unreadable": facts.unreadable,
        },
    }
    return OrderRow(
        order.client_order_id,
        order.account,
        order.instrument.symbol,
        order.venue_order_id,
        order.state.name,
        not order.state.is_final,
        order.created_ns,
        order.updated_ns,
        _dumps(document),
    )


def _encode_amend(change: AmendRequest | None) -> Document | None:
    if change is None:
        return None
    return {
        "quantity": _number(change.quantity),
        "limit_price": _number(change.limit_price),
        "trigger_price": _number(change.trigger_price),
        "display_quantity": _number(change.display_quantity),
        "expire_time_ns": change.expire_time_ns,
        "protection": _encode_protection(change.protection),
    }


def _encode_protection(protection: Protection | None) -> Document | None:
    if protection is None:
        return None
    return {
        "stop_loss": _number(protection.stop_loss),
        "take_profit": _number(protection.take_profit),
        "stop_distance": _number(protection.stop_distance),
        "profit_distance": _number(protection.profit_distance),
        "trailing": protection.trailing,
        "guaranteed": protection.guaranteed,
        "trigger": protection.trigger.name,
    }


def _decode_protection(document: Document | None) -> Protection | None:
    if document is None:
        return None
    return Protection(
        stop_loss=_decimal(document["stop_loss"]),
        take_profit=_decimal(document["take_profit"]),
        stop_distance=_decimal(document["stop_distance"]),
        profit_distance=_decimal(document["profit_distance"]),
        trailing=bool(document["trailing"]),
        guaranteed=bool(document["guaranteed"]),
        trigger=TriggerReference[document["trigger"]],
    )


def _encode_terms(terms: ContractTerms | None) -> Document | None:
    if terms is None:
        return None
    return {
        "mode": terms.mode.name,
        "duration_s": terms.duration_s,
        "payout_pct": wire_text(terms.payout_pct),
        "expires_ns": terms.expires_ns,
        "opens_ns": terms.opens_ns,
    }


def _decode_terms(document: Document | None) -> ContractTerms | None:
    if document is None:
        return None
    return ContractTerms(
        mode=ExpiryMode[document["mode"]],
        duration_s=int(document["duration_s"]),
        payout_pct=Decimal(document["payout_pct"]),
        expires_ns=document["expires_ns"],
        opens_ns=document["opens_ns"],
    )


def decode_order(row: OrderRow) -> tuple[Order, Facts]:
    """An order with its facts, from its row.

    Raises:
        ValueError: the row cannot be read (``KeyError`` and the like are turned into it).
    """
    try:
        return _decode_order(row)
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"unreadable order {row.client_order_id}: {error!r}") from error


def _decode_order(row: OrderRow) -> tuple[Order, Facts]:
    document: Document = json.loads(row.document)
    asked: Document = document["request"]
    request = OrderRequest(
        instrument=InstrumentId(asked["venue"], asked["symbol"]),
        side=Side[asked["side"]],
        order_type=OrderType[asked["order_type"]],
        quantity=Decimal(asked["quantity"]),
        limit_price=_decimal(asked["limit_price"]),
        trigger_price=_decimal(asked["trigger_price"]),
        trigger_reference=TriggerReference[asked["trigger_reference"]],
        trail_offset=_decimal(asked["trail_offset"]),
        trail_in_percent=bool(asked["trail_in_percent"]),
        limit_offset=_decimal(asked["limit_offset"]),
        time_in_force=TimeInForce[asked["time_in_force"]],
        expire_time_ns=asked["expire_time_ns"],
        display_quantity=_decimal(asked["display_quantity"]),
        post_only=bool(asked["post_only"]),
        reduce_only=bool(asked["reduce_only"]),
        in_quote=bool(asked["in_quote"]),
        # Absent in the journals of earlier versions.
        reference_price=_decimal(asked.get("reference_price")),
        max_slippage=_decimal(asked.get("max_slippage")),
        protection=_decode_protection(asked.get("protection")),
        position_id=asked.get("position_id"),
        comment=asked.get("comment", ""),
        contract=_decode_terms(asked.get("contract")),
        origin=Origin[asked["origin"]],
        origin_name=asked.get("origin_name", ""),
    )
    pending: Document | None = document["amend_pending"]
    order = Order(
        client_order_id=row.client_order_id,
        account=row.account,
        request=request,
        state=OrderState[row.state],
        created_ns=row.created_ns,
        updated_ns=row.updated_ns,
        venue_order_id=row.venue_order_id,
        quantity=Decimal(document["quantity"]),
        limit_price=_decimal(document["limit_price"]),
        trigger_price=_decimal(document["trigger_price"]),
        display_quantity=_decimal(document["display_quantity"]),
        protection=_decode_protection(document.get("protection")),
        filled_quantity=Decimal(document["filled_quantity"]),
        average_price=_decimal(document["average_price"]),
        fees={asset: Decimal(amount) for asset, amount in document["fees"].items()},
        reason=document["reason"],
        triggered=bool(document["triggered"]),
        amend_pending=None
        if pending is None
        else AmendRequest(
            quantity=_decimal(pending["quantity"]),
            limit_price=_decimal(pending["limit_price"]),
            trigger_price=_decimal(pending["trigger_price"]),
            display_quantity=_decimal(pending["display_quantity"]),
            expire_time_ns=pending.get("expire_time_ns"),
            protection=_decode_protection(pending.get("protection")),
        ),
    )
    known: Document = document["facts"]
    facts = Facts(
        known=bool(known["known"]),
        refused=bool(known["refused"]),
        ended=OrderState[known["ended"]] if known["ended"] is not None else None,
        cancel_sent=bool(known["cancel_sent"]),
        cancel_when_known=bool(known["cancel_when_known"]),
        reported_filled=Decimal(known["reported_filled"]),
        reported_average=_decimal(known["reported_average"]),
        terms_ns=int(known["terms_ns"]),
        fills_quantity=Decimal(known["fills_quantity"]),
        fills_notional=Decimal(known["fills_notional"]),
        fills_turned=Decimal(known.get("fills_turned", "0")),
        doubts={DoubtKind[name] for name in known["doubts"]},
        unreadable=bool(known["unreadable"]),
    )
    return order, facts


def encode_fill(account: str, client_order_id: str, fill: Fill) -> FillRow:
    """A fill, with our key of its order, as one row."""
    document: Document = {
        "venue": fill.instrument.venue,
        "symbol": fill.instrument.symbol,
        "side": fill.side.name,
        "price": wire_text(fill.price),
        "quantity": wire_text(fill.quantity),
        "fee": _number(fill.fee),
        "fee_asset": fill.fee_asset,
        "is_maker": fill.is_maker,
        "venue_order_id": fill.venue_order_id,
        "client_order_id": fill.client_order_id,
        "position_id": fill.position_id,
        "realised": _number(fill.realised),
        "swap": wire_text(fill.swap),
    }
    return FillRow(account, fill.fill_id, client_order_id, fill.ts_event_ns, _dumps(document))


def decode_fill(row: FillRow) -> Fill:
    """A fill from its row. Raises ValueError where it cannot be read."""
    try:
        document: Document = json.loads(row.document)
        return Fill(
            fill_id=row.fill_id,
            instrument=InstrumentId(document["venue"], document["symbol"]),
            side=Side[document["side"]],
            price=Decimal(document["price"]),
            quantity=Decimal(document["quantity"]),
            fee=_decimal(document["fee"]),
            fee_asset=document["fee_asset"],
            is_maker=None if document["is_maker"] is None else bool(document["is_maker"]),
            venue_order_id=document["venue_order_id"],
            client_order_id=document["client_order_id"],
            ts_event_ns=row.ts_event_ns,
            position_id=document.get("position_id"),
            realised=_decimal(document.get("realised")),
            swap=Decimal(document.get("swap", "0")),
        )
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"unreadable fill {row.fill_id}: {error!r}") from error
