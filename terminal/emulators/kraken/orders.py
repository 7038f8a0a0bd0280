"""An order request in Kraken's words, checked, and turned into one for the engine.

REST and WebSocket say the same things with different names; both end as :class:`Terms`. Kraken REST
``AddOrder`` and WebSocket v2 ``add_order``, read 2026-08.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from terminal.domain.market import Side
from terminal.domain.orders import OrderType, TimeInForce, TriggerReference
from terminal.emulators.kraken import errors
from terminal.emulators.kraken.errors import ApiError, invalid
from terminal.emulators.kraken.names import Pair
from terminal.emulators.kraken.params import Params, decimal_of
from terminal.emulators.kraken.wire import NS_PER_S, fixed, parse_rfc3339
from terminal.emulators.market.engine_types import EngineOrder, SelfTrade

ORDER_TYPES: Final = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "iceberg": OrderType.ICEBERG,
    "stop-loss": OrderType.STOP,
    "take-profit": OrderType.TAKE_PROFIT,
    "stop-loss-limit": OrderType.STOP_LIMIT,
    "take-profit-limit": OrderType.TAKE_PROFIT_LIMIT,
    "trailing-stop": OrderType.TRAILING_STOP,
    "trailing-stop-limit": OrderType.TRAILING_STOP_LIMIT,
}
KRAKEN_TYPES: Final = {order_type: name for name, order_type in ORDER_TYPES.items()}
_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
_STP: Final = {
    "cancel-newest": SelfTrade.CANCEL_NEWEST,
    "cancel-oldest": SelfTrade.CANCEL_OLDEST,
    "cancel-both": SelfTrade.CANCEL_BOTH,
}
_FORCES: Final = {
    "gtc": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "gtd": TimeInForce.GTD,
}
_REFERENCES: Final = {"last": TriggerReference.LAST, "index": TriggerReference.INDEX}
_FLAGS: Final = frozenset({"post", "fcib", "fciq", "nompp", "viqc"})
_CLOSE_TYPES: Final = frozenset(ORDER_TYPES) - {"market", "iceberg"}
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX32: Final = re.compile(r"[0-9a-fA-F]{32}")
MAX_DEADLINE_NS: Final = 60 * NS_PER_S

ReferencePrice = Callable[[TriggerReference], Decimal | None]
"""The last or the index price of the pair in question, for relative prices."""


@dataclass(slots=True)
class Terms:
    """One order as asked for, every field checked by itself; what needs the book is the engine's to check."""

    pair: Pair
    side: Side
    kind: str
    """Kraken's word for the type: ``stop-loss-limit``."""
    quantity: Decimal
    cash: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    reference: TriggerReference = TriggerReference.LAST
    trail_offset: Decimal | None = None
    trail_in_percent: bool = False
    limit_offset: Decimal | None = None
    limit_offset_in_percent: bool = False
    display: Decimal | None = None
    post_only: bool = False
    force: TimeInForce = TimeInForce.GTC
    expire_ns: int | None = None
    start_ns: int | None = None
    fee_in_base: bool = False
    self_trade: SelfTrade = SelfTrade.CANCEL_NEWEST
    cl_ord_id: str | None = None
    userref: int | None = None
    sender_sub_id: str | None = None
    close: dict[str, str] | None = None
    """The conditional close order: ordertype, price, price2."""
    deadline_ns: int | None = None
    validate: bool = False

    @property
    def order_type(self) -> OrderType:
        return ORDER_TYPES[self.kind]

    def to_engine(self, account: str) -> EngineOrder:
        """The engine's order.

        Raises:
            EngineReject: a figure off the grid.
        """
        return EngineOrder(
            self.pair.listing,
            account=account,
            side=self.side,
            order_type=self.order_type,
            quantity=self.quantity,
            limit_price=self.limit_price,
            trigger_price=self.trigger_price,
            trigger_reference=self.reference,
            trail_offset=self.trail_offset,
            trail_in_percent=self.trail_in_percent,
            limit_offset=self.limit_offset,
            limit_offset_in_percent=self.limit_offset_in_percent,
            display_quantity=self.display,
            quote_quantity=self.cash,
            post_only=self.post_only,
            fee_in_base=self.fee_in_base,
            self_trade=self.self_trade,
            time_in_force=self.force,
            expire_ns=self.expire_ns,
            start_ns=self.start_ns,
            tag=self._tag(),
        )

    def _tag(self) -> dict[str, Any]:
        price, price2 = self.descr_prices()
        tag: dict[str, Any] = {"p": price, "p2": price2}
        if self.cl_ord_id is not None:
            tag["cl"] = self.cl_ord_id
        if self.userref is not None:
            tag["ref"] = self.userref
        if self.sender_sub_id is not None:
            tag["sub"] = self.sender_sub_id
        if self.close is not None:
            tag["close"] = self.close
        return tag

    def descr_prices(self) -> tuple[str, str]:
        """``descr.price`` and ``descr.price2``: as ordered; "0" where there is none."""
        decimals = self.pair.listing.price_decimals
        limit = fixed(self.limit_price, decimals) if self.limit_price is not None else "0"
        if self.trail_offset is not None:
            sign = "+" if self.trail_offset >= 0 else ""
            trail = (
                f"{sign}{fixed(self.trail_offset, 4)}%"
                if self.trail_in_percent
                else (f"{sign}{fixed(self.trail_offset, decimals)}")
            )
            if self.limit_offset is None:
                return trail, "0"
            sign = "+" if self.limit_offset >= 0 else ""
            places, suffix = (4, "%") if self.limit_offset_in_percent else (decimals, "")
            return trail, f"{sign}{fixed(self.limit_offset, places)}{suffix}"
        if self.trigger_price is not None:
            return fixed(self.trigger_price, decimals), limit
        return limit, "0"

    def description(self) -> dict[str, str]:
        """``descr`` of an ``AddOrder`` answer."""
        price, price2 = self.descr_prices()
        volume = self.cash if self.cash is not None else self.quantity
        found = {"order": order_text(self.side, volume, self.pair, self.kind, price, price2)}
        if self.close is not None:
            found["close"] = close_text(self.close)
        return found


def order_text(side: Side, volume: Decimal, pair: Pair, kind: str, price: str, price2: str) -> str:
    """``buy 1.25000000 XBTUSD @ limit 27500.0``."""
    text = f"{side.value} {fixed(volume, pair.listing.quantity_decimals)} {pair.altname} @ "
    return text + _priced(kind, price, price2)


def close_text(close: Mapping[str, str]) -> str:
    """``close position @ stop loss 25000.0``."""
    priced = _priced(close["ordertype"], close.get("price", "0"), close.get("price2", "0"))
    return f"close position @ {priced}"


def _priced(kind: str, price: str, price2: str) -> str:
    if kind == "market":
        return "market"
    words = kind.removesuffix("-limit").replace("-", " ") if kind != "limit" else "limit"
    if kind.endswith("-limit"):
        return f"{words} {price} -> limit {price2}"
    return f"{words} {price}"


def check_cl_ord_id(text: str) -> str:
    """A UUID, 32 hex digits, or up to 18 characters of free ASCII."""
    free = len(text) <= 18 and text.isascii() and text.isprintable() and bool(text)
    if free or _UUID.fullmatch(text) or _HEX32.fullmatch(text):
        return text
    raise invalid("cl_ord_id")


def check_deadline(text: str, now_ns: int) -> int | None:
    """When the engine must have the request by; None where there is no deadline.

    Raises:
        ApiError: no time, more than a minute ahead, or past.
    """
    if not text:
        return None
    deadline = parse_rfc3339(text)
    if deadline is None or deadline > now_ns + MAX_DEADLINE_NS + NS_PER_S:
        raise invalid("deadline")
    if deadline < now_ns:
        raise ApiError(errors.DEADLINE)
    return deadline


def on_tick(pair: Pair, price: Decimal) -> Decimal:
    """The nearest price of the pair's grid."""
    return price.quantize(pair.listing.tick_size, rounding=ROUND_HALF_EVEN)


# ---- REST ----------------------------------------------------------------------------------------


def rest_terms(params: Params, pair: Pair, now_ns: int, reference_price: ReferencePrice) -> Terms:
    """What a REST ``AddOrder`` (or a row of a batch) asks for.

    Raises:
        ApiError: a field that is missing, malformed, or does not go with the others.
    """
    kind = params.required("ordertype").lower()
    side = _SIDES[params.choice("type", frozenset(_SIDES), "")]
    if kind == "settle-position":
        raise ApiError("EOrder:Unknown position")
    if kind not in ORDER_TYPES:
        raise invalid("ordertype")
    _refuse_margin(params)
    volume = params.decimal("volume")
    if volume is None or volume <= 0:
        raise invalid("volume")
    flags = _flags(params)
    if "viqc" in flags and (kind != "market" or side is not Side.BUY):
        raise invalid("viqc option is only available when ordertype = market")
    force, expire_ns, start_ns = _times(params, now_ns)
    terms = Terms(
        pair=pair,
        side=side,
        kind=kind,
        quantity=Decimal(0) if "viqc" in flags else volume,
        cash=volume if "viqc" in flags else None,
        reference=_REFERENCES[params.choice("trigger", frozenset(_REFERENCES), "last")],
        post_only="post" in flags,
        force=force,
        expire_ns=expire_ns,
        start_ns=start_ns,
        fee_in_base="fcib" in flags,
        self_trade=_STP[params.choice("stptype", frozenset(_STP), "cancel-newest")],
        userref=params.userref("userref"),
        cl_ord_id=check_cl_ord_id(params.text("cl_ord_id")) if params.has("cl_ord_id") else None,
        display=params.decimal("displayvol"),
        deadline_ns=check_deadline(params.text("deadline"), now_ns),
        validate=params.flag("validate"),
    )
    if terms.userref is not None and terms.cl_ord_id is not None:
        raise invalid("userref and cl_ord_id are mutually exclusive")
    _rest_prices(terms, params, reference_price)
    close = params.nested("close")
    if close is not None:
        terms.close = _rest_close(close, pair)
    return terms


def _refuse_margin(params: Params) -> None:
    if params.has("leverage") and params.text("leverage").lower() not in ("none", "0", "1", "1:1"):
        raise ApiError("EOrder:Cannot open position")
    if params.flag("reduce_only"):
        raise ApiError("EOrder:Reduce only:Non-PC")


def _flags(params: Params) -> frozenset[str]:
    flags = frozenset(params.listed("oflags", 10))
    if not flags <= _FLAGS or {"fcib", "fciq"} <= flags:
        raise invalid("oflags")
    return flags


def _times(params: Params, now_ns: int) -> tuple[TimeInForce, int | None, int | None]:
    force = _FORCES[params.choice("timeinforce", frozenset(_FORCES), "gtc")]
    expire_ns = _moment(params, "expiretm", now_ns)
    if force is TimeInForce.GTD and expire_ns is None:
        raise invalid("expiretm")
    if expire_ns is not None and force is TimeInForce.GTC:
        force = TimeInForce.GTD
    return force, expire_ns, _moment(params, "starttm", now_ns)


def _moment(params: Params, name: str, now_ns: int) -> int | None:
    """0, unix seconds, or ``+<seconds>``."""
    if not params.has(name):
        return None
    text = params.text(name).strip()
    value = decimal_of(name, text)
    if value == 0:
        return None
    if value < 0 or value > 10**10:
        raise invalid(name)
    moment = int(value * NS_PER_S)
    return now_ns + moment if text.startswith("+") else moment


def _rest_prices(terms: Terms, params: Params, reference_price: ReferencePrice) -> None:
    kind = terms.order_type
    price, price2 = params.text("price"), params.text("price2")
    if kind.has_trail:
        terms.trail_offset, terms.trail_in_percent = _offset("price", price)
        if kind is OrderType.TRAILING_STOP_LIMIT:
            terms.limit_offset, terms.limit_offset_in_percent = _offset("price2", price2, signed=True)
        return
    if kind is OrderType.MARKET:
        return
    first = _absolute(terms, "price", price, lambda: reference_price(terms.reference))
    if not kind.has_trigger:
        terms.limit_price = first
        return
    terms.trigger_price = first
    if kind.has_limit_price:
        terms.limit_price = _absolute(terms, "price2", price2, lambda: first)


def _offset(name: str, text: str, *, signed: bool = False) -> tuple[Decimal, bool]:
    """``+5``, ``+1.5%``: a distance, and whether it is per cent."""
    percent = text.endswith("%")
    body = text.removesuffix("%")
    if not body or (not signed and body[0] != "+") or body[0] not in "+-":
        raise ApiError(errors.INVALID_PRICE)
    return decimal_of(name, body), percent


def _absolute(terms: Terms, name: str, text: str, base: Callable[[], Decimal | None]) -> Decimal:
    """A price, or one relative to ``base``: ``+``, ``-`` or ``#`` in front, ``%`` behind."""
    if not text:
        raise invalid(name)
    relative = text[0] in "+-#" or text.endswith("%")
    if not relative:
        price = decimal_of(name, text)
        if price <= 0:
            raise ApiError(errors.INVALID_PRICE)
        return price
    body = text.removesuffix("%")
    sign = 1
    if body[:1] == "#":
        # The sign follows from the side: a buy below, a sell above, and the other way round for stops.
        below = (terms.side is Side.BUY) != (terms.order_type in (OrderType.STOP, OrderType.STOP_LIMIT))
        sign, body = (-1 if below else 1), body[1:]
    amount = decimal_of(name, body) * sign
    start = base()
    if start is None:
        raise ApiError(errors.INVALID_PRICE)
    price = start * (1 + amount / 100) if text.endswith("%") else start + amount
    if price <= 0:
        raise ApiError(errors.INVALID_PRICE)
    return on_tick(terms.pair, price)


def _rest_close(close: Params, pair: Pair) -> dict[str, str]:
    kind = close.required("ordertype").lower()
    if kind not in _CLOSE_TYPES:
        raise invalid("close[ordertype]")
    found = {"ordertype": kind, "price": close.required("price")}
    if kind.endswith("-limit") and kind != "limit":
        found["price2"] = close.required("price2")
    for name in ("price", "price2"):
        text = found.get(name, "").strip("+-#%")
        if text:
            value = decimal_of(f"close[{name}]", text)
            if found[name][0].isdigit() and value % pair.listing.tick_size:
                raise ApiError("EOrder:Tick size check failed")
    return found


# ---- WebSocket -----------------------------------------------------------------------------------

ADD_FIELDS: Final = frozenset(
    {
        "order_type", "side", "symbol", "order_qty", "cash_order_qty", "limit_price", "limit_price_type",
        "triggers", "time_in_force", "margin", "post_only", "reduce_only", "effective_time", "expire_time",
        "deadline", "cl_ord_id", "order_userref", "conditional", "display_qty", "fee_preference", "stp_type",
        "validate", "sender_sub_id", "no_mpp", "stop_price", "trigger", "token",
    }
)  # fmt: skip
_PRICE_TYPES: Final = frozenset({"static", "pct", "quote"})


def ws_number(params: Mapping[str, Any], name: str) -> Decimal | None:
    """A JSON number, or None where it is absent; texts are refused."""
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ApiError(f"{name.capitalize()} field must be a number_float")
    return decimal_of(name, format(Decimal(value), "f") if abs(Decimal(value).adjusted()) < 40 else "x")


def ws_text(params: Mapping[str, Any], name: str, default: str = "") -> str:
    """A JSON string, or the default where it is absent."""
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise ApiError(f"{name.capitalize()} field must be a string")
    return value


def ws_flag(params: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """A JSON boolean, or the default where it is absent."""
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ApiError(f"{name.capitalize()} field must be a boolean")
    return value


def ws_integer(params: Mapping[str, Any], name: str) -> int | None:
    """A JSON whole number, or None where it is absent."""
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ApiError(f"{name.capitalize()} field must be a number_integer")
    return value


def ws_terms(params: Mapping[str, Any], pair: Pair, now_ns: int, reference_price: ReferencePrice) -> Terms:
    """What a WebSocket ``add_order`` (or a row of a batch) asks for.

    Raises:
        ApiError: a field that is missing, malformed, unknown, or does not go with the others.
    """
    for name in params:
        if name not in ADD_FIELDS:
            raise ApiError(f"Unsupported field: '{name}' for the given msg type: add order")
    kind = ws_text(params, "order_type")
    if kind == "settle-position":
        raise ApiError("EOrder:Unknown position")
    if kind not in ORDER_TYPES:
        raise invalid("order_type")
    side_text = ws_text(params, "side")
    if side_text not in _SIDES:
        raise invalid("side")
    if ws_flag(params, "margin"):
        raise ApiError("EOrder:Cannot open position")
    if ws_flag(params, "reduce_only"):
        raise ApiError("EOrder:Reduce only:Non-PC")
    if ws_flag(params, "no_mpp") and kind != "market":
        raise invalid("no_mpp order option is only available when ordertype = market")
    quantity, cash = ws_number(params, "order_qty"), ws_number(params, "cash_order_qty")
    if (quantity is None) == (cash is None):
        raise invalid("order_qty")
    if cash is not None and (kind != "market" or side_text != "buy"):
        raise invalid("cash_order_qty")
    if (quantity if quantity is not None else cash or Decimal(0)) <= 0:
        raise invalid("order_qty" if cash is None else "cash_order_qty")
    force = ws_text(params, "time_in_force", "gtc").lower()
    if force not in _FORCES:
        raise invalid("time_in_force")
    expire_ns = _ws_moment(params, "expire_time")
    if force == "gtd" and expire_ns is None:
        raise invalid("expire_time")
    stp = ws_text(params, "stp_type", "cancel_newest").replace("_", "-")
    if stp not in _STP:
        raise invalid("stp_type")
    preference = ws_text(params, "fee_preference", "quote")
    if preference not in ("base", "quote"):
        raise invalid("fee_preference")
    cl_ord_id = ws_text(params, "cl_ord_id") or None
    terms = Terms(
        pair=pair,
        side=_SIDES[side_text],
        kind=kind,
        quantity=quantity if quantity is not None else Decimal(0),
        cash=cash,
        post_only=ws_flag(params, "post_only"),
        force=TimeInForce.GTD if expire_ns is not None and force == "gtc" else _FORCES[force],
        expire_ns=expire_ns,
        start_ns=_ws_moment(params, "effective_time"),
        fee_in_base=preference == "base",
        self_trade=_STP[stp],
        userref=ws_integer(params, "order_userref"),
        cl_ord_id=check_cl_ord_id(cl_ord_id) if cl_ord_id is not None else None,
        sender_sub_id=ws_text(params, "sender_sub_id") or None,
        display=ws_number(params, "display_qty"),
        deadline_ns=check_deadline(ws_text(params, "deadline"), now_ns),
        validate=ws_flag(params, "validate"),
    )
    if terms.userref is not None and not -(2**31) <= terms.userref < 2**31:
        raise invalid("order_userref")
    if terms.userref is not None and terms.cl_ord_id is not None:
        raise invalid("order_userref and cl_ord_id are mutually exclusive")
    _ws_prices(terms, params, reference_price)
    conditional = params.get("conditional")
    if conditional is not None:
        terms.close = _ws_close(conditional)
    return terms


def _ws_moment(params: Mapping[str, Any], name: str) -> int | None:
    text = ws_text(params, name)
    if not text:
        return None
    moment = parse_rfc3339(text)
    if moment is None:
        raise invalid(name)
    return moment


def _ws_prices(terms: Terms, params: Mapping[str, Any], reference_price: ReferencePrice) -> None:
    kind = terms.order_type
    limit = ws_number(params, "limit_price")
    limit_type = ws_text(params, "limit_price_type", "static")
    if limit_type not in _PRICE_TYPES:
        raise invalid("limit_price_type")
    if kind.has_trigger or kind.has_trail:
        trigger, trigger_type = _ws_trigger(terms, params)
        if kind.has_trail:
            terms.trail_offset, terms.trail_in_percent = trigger, trigger_type == "pct"
            if kind is OrderType.TRAILING_STOP_LIMIT:
                if limit is None:
                    raise invalid("limit_price")
                terms.limit_offset, terms.limit_offset_in_percent = limit, limit_type == "pct"
            return
        terms.trigger_price = _from_type(terms, trigger, trigger_type, reference_price(terms.reference))
    elif params.get("triggers") is not None:
        raise invalid("triggers")
    if kind.has_limit_price:
        if limit is None:
            raise invalid("limit_price")
        base = terms.trigger_price or reference_price(terms.reference)
        terms.limit_price = _from_type(terms, limit, limit_type, base)
    elif limit is not None:
        raise invalid("limit_price")


def _ws_trigger(terms: Terms, params: Mapping[str, Any]) -> tuple[Decimal, str]:
    triggers = params.get("triggers")
    if triggers is None and params.get("stop_price") is not None:
        # Deprecated, still taken.
        triggers = {"price": params["stop_price"], "reference": params.get("trigger") or "last"}
    if not isinstance(triggers, dict):
        raise invalid("triggers")
    price = ws_number(triggers, "price")
    if price is None:
        raise invalid("triggers")
    reference = ws_text(triggers, "reference", "last")
    price_type = ws_text(triggers, "price_type", "quote" if terms.order_type.has_trail else "static")
    if reference not in _REFERENCES or price_type not in _PRICE_TYPES:
        raise invalid("triggers")
    if terms.order_type.has_trail and price_type == "static":
        raise ApiError(errors.INVALID_PRICE)
    terms.reference = _REFERENCES[reference]
    return price, price_type


def _from_type(terms: Terms, value: Decimal, price_type: str, base: Decimal | None) -> Decimal:
    if price_type == "static":
        if value <= 0:
            raise ApiError(errors.INVALID_PRICE)
        return value
    if base is None:
        raise ApiError(errors.INVALID_PRICE)
    price = base * (1 + value / 100) if price_type == "pct" else base + value
    if price <= 0:
        raise ApiError(errors.INVALID_PRICE)
    return on_tick(terms.pair, price)


def _ws_close(conditional: Any) -> dict[str, str]:
    if not isinstance(conditional, dict):
        raise invalid("conditional")
    kind = ws_text(conditional, "order_type")
    if kind not in _CLOSE_TYPES:
        raise invalid("conditional")
    trigger, limit = ws_number(conditional, "trigger_price"), ws_number(conditional, "limit_price")
    first = limit if kind == "limit" else trigger
    if first is None or (kind.endswith("-limit") and limit is None):
        raise invalid("conditional")
    found = {"ordertype": kind, "price": _typed(first, ws_text(conditional, "trigger_price_type"), kind)}
    if kind.endswith("-limit") and kind != "limit" and limit is not None:
        found["price2"] = _typed(limit, ws_text(conditional, "limit_price_type"), kind)
    return found


def _typed(value: Decimal, price_type: str, kind: str) -> str:
    """A typed WebSocket price in REST's notation of relative prices."""
    text = format(value, "f")
    if price_type in ("", "static") and not kind.startswith("trailing"):
        return text
    text = text if text.startswith("-") else f"+{text}"
    return f"{text}%" if price_type == "pct" else text
