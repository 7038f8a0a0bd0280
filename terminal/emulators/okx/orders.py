"""Orders as OKX reads and tells them: the fields of a request checked, the rows of an order.

OKX API v5 "Place order", "Order details", orders channel; read 2026-07.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.emulators.market.engine_types import CancelReason, EngineOrder, SelfTrade
from terminal.emulators.okx.errors import OkxError, missing, wrong
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.wire import Row, ms, short, trimmed, yes

LIMITS: Final = frozenset({"limit", "post_only", "fok", "ioc"})
MARKETS: Final = frozenset({"market", "optimal_limit_ioc"})
STATES: Final = {
    OrderState.OPEN: "live",
    OrderState.PARTLY_FILLED: "partially_filled",
    OrderState.FILLED: "filled",
    OrderState.CANCELED: "canceled",
}
CANCEL_SOURCES: Final[dict[str, str]] = {
    CancelReason.USER: "1",
    CancelReason.FOK: "13",
    CancelReason.IOC: "14",
    CancelReason.NO_LIQUIDITY: "14",
    CancelReason.POST_ONLY: "31",
    CancelReason.SELF_TRADE: "32",
    CancelReason.FUNDS: "2",
    CancelReason.RESET: "0",
}
_SELF_TRADE: Final = {
    "cancel_maker": SelfTrade.CANCEL_OLDEST,
    "cancel_taker": SelfTrade.CANCEL_NEWEST,
    "cancel_both": SelfTrade.CANCEL_BOTH,
}
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_TAG: Final = re.compile(r"[A-Za-z0-9]{1,16}")
_NUMBER: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


def text_of(values: Mapping[str, Any], name: str) -> str:
    """A field's text; empty where it is absent. Numbers and other things are refused (51000)."""
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong(name)
    return value


def required(values: Mapping[str, Any], name: str) -> str:
    """A field that must be there."""
    found = text_of(values, name)
    if not found:
        raise missing(name)
    return found


def flag_of(values: Mapping[str, Any], name: str) -> bool:
    """A yes or no, as a JSON boolean or its text."""
    value = values.get(name, False)
    if value in (True, "true"):
        return True
    if value in (False, "false", "", None):
        return False
    raise wrong(name)


def amount(values: Mapping[str, Any], name: str) -> Decimal | None:
    """A figure above zero; None where it is absent."""
    text = text_of(values, name)
    if not text:
        return None
    try:
        value = Decimal(text) if _NUMBER.fullmatch(text) else ZERO
    except InvalidOperation:
        value = ZERO
    if value <= 0:
        raise wrong(name)
    return value


@dataclass(slots=True)
class Ticket:
    """A request to place an order, its fields read and each of them possible."""

    one: OkxInstrument
    side: Side
    kind: str
    """``ordType``."""
    size: Decimal
    """As sent: base units, contracts, or quote units (``in_quote``)."""
    in_quote: bool
    price: Decimal | None
    pos_side: str
    reduce_only: bool
    ban_amend: bool
    self_trade: SelfTrade
    tag: Row
    """What the order's rows tell beyond the engine's figures."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Of the position that it opens or closes."""
        return self.one.inst_id, str(self.tag["tdMode"]), self.pos_side


def read_ticket(values: Mapping[str, Any], one: OkxInstrument, mode: str, is_hedged: bool) -> Ticket:
    """Check the fields of a request to place an order.

    Raises:
        OkxError: 50014, 51000, 51010, 51020, 51121, 51150.
    """
    mode_text = required(values, "tdMode")
    if one.is_contract:
        if mode_text == "cash" or mode_text not in ("cross", "isolated"):
            raise wrong("tdMode")
        if mode == "1":
            raise OkxError("51010")
    elif one.is_carried:
        if mode == "1":
            raise OkxError("51010")
        if text_of(values, "ccy") not in ("", one.settle):
            raise wrong("ccy")
    elif mode_text != "cash":
        raise OkxError("51010") if mode_text in ("cross", "isolated") else wrong("tdMode")
    side = required(values, "side")
    if side not in ("buy", "sell"):
        raise wrong("side")
    kind = required(values, "ordType")
    if kind not in LIMITS | MARKETS or (kind == "optimal_limit_ioc" and not one.is_contract):
        raise wrong("ordType")
    required(values, "sz")
    size = amount(values, "sz")
    assert size is not None
    price = amount(values, "px") if kind in LIMITS else None
    if kind in LIMITS and price is None:
        raise wrong("px")
    client_id, tag = text_of(values, "clOrdId"), text_of(values, "tag")
    if client_id and not _CLIENT_ID.fullmatch(client_id):
        raise wrong("clOrdId")
    if tag and not _TAG.fullmatch(tag):
        raise wrong("tag")
    pos_side = _position_side(values, one, is_hedged)
    in_quote, unit = _unit(values, one, kind, side)
    stp = text_of(values, "stpMode") or "cancel_maker"
    if stp not in _SELF_TRADE:
        raise wrong("stpMode")
    if not in_quote:
        check_size(one, size)
    if price is not None:
        check_price(one, price)
    attached = values.get("attachAlgoOrds") or []
    if not isinstance(attached, list) or not all(isinstance(row, dict) for row in attached):
        raise wrong("attachAlgoOrds")
    return Ticket(
        one,
        Side(side),
        kind,
        size,
        in_quote,
        price,
        pos_side,
        flag_of(values, "reduceOnly") and one.is_carried,
        flag_of(values, "banAmend"),
        _SELF_TRADE[stp],
        {
            "clOrdId": client_id,
            "tag": tag,
            "tdMode": mode_text,
            "posSide": pos_side,
            "ordType": kind,
            "sz": short(size),
            "tgtCcy": unit,
            "reduceOnly": flag_of(values, "reduceOnly") and one.is_carried,
            "stpMode": stp,
            "attach": attached,
            "ccy": text_of(values, "ccy"),
            "fee": "0",
            "pnl": "0",
        },
    )


def _position_side(values: Mapping[str, Any], one: OkxInstrument, is_hedged: bool) -> str:
    given = text_of(values, "posSide")
    if not one.is_contract:
        return "net"
    allowed = ("long", "short") if is_hedged else ("", "net")
    if given not in allowed:
        raise wrong("posSide")
    return given or "net"


def _unit(values: Mapping[str, Any], one: OkxInstrument, kind: str, side: str) -> tuple[bool, str]:
    """Whether the size is in quote units, and what ``tgtCcy`` the order's rows tell."""
    given = text_of(values, "tgtCcy")
    if given not in ("", "base_ccy", "quote_ccy"):
        raise wrong("tgtCcy")
    if one.is_contract or kind != "market":
        return False, ""
    unit = given or ("quote_ccy" if side == "buy" else "base_ccy")
    return unit == "quote_ccy", "" if one.is_carried else unit


def check_size(one: OkxInstrument, size: Decimal) -> None:
    """A size must be a multiple of the lot (51121) and not under the minimum (51020)."""
    if size % one.listing.quantity_step:
        raise OkxError("51121")
    if size < one.listing.min_quantity:
        raise OkxError("51020")


def check_price(one: OkxInstrument, price: Decimal) -> None:
    """A price must lie on a tick (51150)."""
    if price % one.listing.tick_size:
        raise OkxError("51150")


def position_key(order: EngineOrder) -> tuple[str, str, str]:
    """Of the position that an order of contracts opens or closes."""
    return order.symbol, str(order.tag["tdMode"]), str(order.tag["posSide"])


# ---- rows ----------------------------------------------------------------------------------------


def cancel_source(reason: str) -> str:
    """``cancelSource`` for an engine's reason; a number stands for itself."""
    return reason if reason.isdigit() else CANCEL_SOURCES.get(reason, "0")


def order_row(order: EngineOrder, one: OkxInstrument, *, is_last: bool = False) -> Row:
    """An order as ``trade/order`` tells it now.

    Args:
        is_last: nothing is left of it, though the engine has not said so yet.
    """
    tag: Row = order.tag
    average = order.average_price
    if one.is_inverse and average is not None and tag.get("turned"):
        average = order.filled / Decimal(tag["turned"])
    state = tag.get("state") or ("filled" if is_last else STATES.get(order.status, "canceled"))
    canceled = state == "canceled"
    return {
        "instType": one.kind,
        "instId": one.inst_id,
        "ordId": str(order.order_id),
        "clOrdId": tag["clOrdId"],
        "tag": tag["tag"],
        "px": short(order.limit_price) if tag["ordType"] in LIMITS else "",
        "sz": tag["sz"],
        "ordType": tag["ordType"],
        "side": order.side.value,
        "posSide": tag["posSide"],
        "tdMode": tag["tdMode"],
        "tgtCcy": tag["tgtCcy"],
        "ccy": tag["ccy"],
        "state": state,
        "accFillSz": short(order.filled),
        "avgPx": trimmed(average) if average is not None else "",
        "fillPx": tag.get("fillPx", ""),
        "fillSz": tag.get("fillSz", "0"),
        "fillTime": tag.get("fillTime", ""),
        "tradeId": tag.get("tradeId", ""),
        "fee": tag["fee"],
        "feeCcy": one.settle or (one.base if order.is_buy else one.quote),
        "rebate": "0",
        "rebateCcy": one.settle or (one.quote if order.is_buy else one.base),
        "pnl": tag["pnl"],
        "lever": tag.get("lever", ""),
        "reduceOnly": yes(tag["reduceOnly"]),
        "stpId": "",
        "stpMode": tag["stpMode"],
        "category": tag.get("category", "normal"),
        "source": tag.get("source", ""),
        "cancelSource": cancel_source(order.reason) if canceled else "",
        "cancelSourceReason": order.reason if canceled and not order.reason.isdigit() else "",
        "algoId": tag.get("algoId", ""),
        "algoClOrdId": tag.get("algoClOrdId", ""),
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": tag["attach"],
        "linkedAlgoOrd": {"algoId": ""},
        "isTpLimit": "false",
        "quickMgnType": "",
        "pxType": "",
        "pxUsd": "",
        "pxVol": "",
        "tradeQuoteCcy": "" if one.is_contract else one.quote,
        "cTime": ms(order.created_ns),
        "uTime": ms(order.updated_ns),
    }


def push_row(row: Row, fill: Row | None, last: Decimal, notional_usd: Decimal, **more: str) -> Row:
    """An order's row as the orders channel tells it: with this message's fill, or with none."""
    row = {
        **row,
        "posSide": row["posSide"] if row["instType"] != "SPOT" else "",
        "fillPx": "",
        "fillSz": "0",
        "fillTime": "",
        "tradeId": "",
        "fillFee": "0",
        "fillFeeCcy": "",
        "fillPnl": "0",
        "fillNotionalUsd": "",
        "execType": "",
        "notionalUsd": trimmed(notional_usd),
        "amendResult": "",
        "reqId": "",
        "amendSource": "",
        "code": "0",
        "msg": "",
        "lastPx": short(last),
    }
    row["avgPx"] = row["avgPx"] or "0"
    if fill is not None:
        row.update(
            fillPx=fill["fillPx"],
            fillSz=fill["fillSz"],
            fillTime=fill["fillTime"],
            tradeId=fill["tradeId"],
            fillFee=fill["fee"],
            fillFeeCcy=fill["feeCcy"],
            fillPnl=fill["fillPnl"],
            fillNotionalUsd=trimmed(notional_usd),
            execType=fill["execType"],
        )
    row.update(more)
    return row
