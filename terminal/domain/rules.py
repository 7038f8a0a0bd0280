"""Checks that need nothing but the request, the instrument and what the venue can do.

Each function returns what is wrong as :class:`OrderRefused` values, in the order of the form, and sends
nothing: the ticket shows them beside their fields, the gate raises the first. Checks that look at the market
or the account's worth are limits of the person's own and live in ``services/risk.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal
from typing import Protocol

from terminal.domain.account import Balance
from terminal.domain.decimals import ZERO, is_multiple, require_finite, wire_text
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import Instrument, InstrumentKind, MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, Order, OrderRequest, OrderType, TimeInForce, TriggerReference

_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_POST_ONLY_TYPES = frozenset({OrderType.LIMIT, OrderType.ICEBERG})


class Abilities(Protocol):
    """What of a venue's capabilities these rules read; ``venues.base.Capabilities`` is one."""

    @property
    def order_types(self) -> frozenset[OrderType]: ...
    @property
    def time_in_force(self) -> frozenset[TimeInForce]: ...
    @property
    def post_only(self) -> bool: ...
    @property
    def reduce_only(self) -> bool: ...
    @property
    def trigger_on_index(self) -> bool: ...
    @property
    def quantity_in_quote(self) -> bool: ...


def plain(value: Decimal) -> str:
    """A number as a person writes it: no exponent, no trailing zeros."""
    text = wire_text(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bad_number(value: Decimal, field: str, name: str) -> OrderRefused | None:
    """Whether a number cannot be a price or a quantity at all."""
    try:
        require_finite(value)
    except ValueError:
        return OrderRefused("number", f"The {name} is not a usable number.", field=field)
    if value <= 0:
        return OrderRefused("positive", f"The {name} must be above zero.", field=field)
    return None


def check_quantity(
    quantity: Decimal, instrument: Instrument, *, field: str = "quantity"
) -> list[OrderRefused]:
    """Step, minimum and maximum of a quantity in base units."""
    bad = _bad_number(quantity, field, "quantity")
    if bad is not None:
        return [bad]
    out = []
    if instrument.quantity_step > 0 and not is_multiple(quantity, instrument.quantity_step):
        out.append(
            OrderRefused(
                "quantity_step",
                f"Quantity {plain(quantity)} is not a multiple of {plain(instrument.quantity_step)}.",
                field=field,
            )
        )
    if quantity < instrument.min_quantity:
        out.append(
            OrderRefused(
                "min_quantity",
                f"Quantity {plain(quantity)} is below the minimum of {plain(instrument.min_quantity)} "
                f"{instrument.base}.",
                field=field,
            )
        )
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        out.append(
            OrderRefused(
                "max_quantity",
                f"Quantity {plain(quantity)} is above the venue's maximum of "
                f"{plain(instrument.max_quantity)} {instrument.base}.",
                field=field,
            )
        )
    return out


def check_price(price: Decimal, instrument: Instrument, *, field: str, name: str) -> list[OrderRefused]:
    """Sign and tick of a price in quote per base."""
    bad = _bad_number(price, field, name)
    if bad is not None:
        return [bad]
    if instrument.tick_size > 0 and not is_multiple(price, instrument.tick_size):
        return [
            OrderRefused(
                "tick_size",
                f"The {name} {plain(price)} is not a multiple of the tick {plain(instrument.tick_size)}.",
                field=field,
            )
        ]
    return []


def reference_price(request: OrderRequest) -> Decimal | None:
    """The price the order itself names: its limit, else its trigger; None for market and trailing orders."""
    if request.limit_price is not None:
        return request.limit_price
    return request.trigger_price


def notional_of(
    request: OrderRequest, instrument: Instrument, market_price: Decimal | None
) -> Decimal | None:
    """What the order is worth in quote units; ``market_price`` stands in where the order names no price."""
    if request.in_quote:
        return request.quantity
    price = reference_price(request) or market_price
    return None if price is None else price * request.quantity * instrument.multiplier


def check_request(
    request: OrderRequest,
    instrument: Instrument,
    abilities: Abilities,
    *,
    now_ns: int,
    market_price: Decimal | None = None,
) -> list[OrderRefused]:
    """Everything that is wrong with a request in itself.

    ``now_ns`` is wall time (for expiry); ``market_price`` the expected price of a market order, if known.
    """
    out = check_status(request, instrument)
    out += _check_abilities(request, abilities)
    out += _check_amounts(request, instrument)
    out += _check_prices(request, instrument)
    out += _check_life(request, now_ns)
    if not out:
        out += _check_notional(request, instrument, market_price)
    return out


def check_status(request: OrderRequest, instrument: Instrument) -> list[OrderRefused]:
    """Whether the venue takes this kind of order for the instrument now."""
    status, symbol = instrument.status, instrument.symbol
    text: str | None = None
    confirmable = False
    if status is MarketStatus.CLOSED:
        text = f"{symbol} is closed at the venue."
    elif status is MarketStatus.CANCEL_ONLY:
        text = f"{symbol} takes no new orders now, only cancels."
    elif status is MarketStatus.POST_ONLY and not request.post_only:
        text = f"{symbol} takes only post-only orders now."
    elif status is MarketStatus.LIMIT_ONLY and request.order_type not in _POST_ONLY_TYPES:
        text = f"{symbol} takes only limit orders now."
    elif status is MarketStatus.REDUCE_ONLY and not request.reduce_only:
        text = f"{symbol} takes only reduce-only orders now."
    elif status is MarketStatus.UNKNOWN:
        word = f' ("{instrument.status_text}")' if instrument.status_text else ""
        text = f"The venue reports a state of {symbol} that the terminal does not know{word}."
        confirmable = True
    return [] if text is None else [OrderRefused("status", text, confirmable=confirmable)]


def _check_abilities(request: OrderRequest, abilities: Abilities) -> list[OrderRefused]:
    out = []

    def refuse(text: str, field: str) -> None:
        out.append(OrderRefused("capability", text, field=field))

    if request.order_type not in abilities.order_types:
        refuse(f"This venue has no {request.order_type.value} orders.", "order_type")
    if request.time_in_force not in abilities.time_in_force:
        refuse(f"This venue has no {request.time_in_force.value} orders.", "time_in_force")
    if request.post_only and not abilities.post_only:
        refuse("This venue has no post-only orders.", "post_only")
    if request.reduce_only and not abilities.reduce_only:
        refuse("This venue has no reduce-only orders.", "reduce_only")
    if request.in_quote and not abilities.quantity_in_quote:
        refuse("This venue takes no quantity in quote currency.", "quantity")
    if request.trigger_reference is TriggerReference.INDEX and not abilities.trigger_on_index:
        refuse("This venue cannot trigger on the index price.", "trigger_reference")
    return out


def _check_amounts(request: OrderRequest, instrument: Instrument) -> list[OrderRefused]:
    out: list[OrderRefused] = []
    if request.in_quote:
        bad = _bad_number(request.quantity, "quantity", "amount")
        if bad is not None:
            out.append(bad)
        if request.order_type is not OrderType.MARKET or request.side is not Side.BUY:
            out.append(
                OrderRefused(
                    "in_quote", "Only a market buy can be sized in quote currency.", field="quantity"
                )
            )
    else:
        out += check_quantity(request.quantity, instrument)
    shown = request.display_quantity
    if request.order_type is OrderType.ICEBERG and shown is None:
        out.append(OrderRefused("display_quantity", "Say how much of it shows.", field="display_quantity"))
    elif shown is not None and request.order_type is not OrderType.ICEBERG:
        out.append(
            OrderRefused(
                "display_quantity", "Only an iceberg order has a visible part.", field="display_quantity"
            )
        )
    elif shown is not None:
        out += _check_display(shown, request.quantity, instrument)
    return out


def _check_display(shown: Decimal, quantity: Decimal, instrument: Instrument) -> list[OrderRefused]:
    bad = _bad_number(shown, "display_quantity", "visible part")
    if bad is not None:
        return [bad]
    if shown >= quantity:
        return [
            OrderRefused(
                "display_quantity",
                f"The visible part {plain(shown)} must be below the quantity {plain(quantity)}.",
                field="display_quantity",
            )
        ]
    return [
        each
        for each in check_quantity(shown, instrument, field="display_quantity")
        if each.rule == "quantity_step"
    ]


def _check_prices(request: OrderRequest, instrument: Instrument) -> list[OrderRefused]:
    out: list[OrderRefused] = []
    kind = request.order_type
    trailing_limit = kind is OrderType.TRAILING_STOP_LIMIT
    needs_limit = kind.has_limit_price and not trailing_limit
    word = kind.value

    def wanted(rule: str, field: str, name: str) -> OrderRefused:
        article = "An" if word[0] in "aeiou" else "A"
        return OrderRefused(rule, f"{article} {word} order needs a {name}.", field=field)

    def unwanted(rule: str, field: str, name: str) -> OrderRefused:
        return OrderRefused(rule, f"A {word} order takes no {name}.", field=field)

    for value, needed, field, name in (
        (request.limit_price, needs_limit, "limit_price", "limit price"),
        (request.trigger_price, kind.has_trigger, "trigger_price", "trigger price"),
    ):
        if value is not None and not needed:
            out.append(unwanted(field, field, name))
        elif value is None and needed:
            out.append(wanted(field, field, name))
        elif value is not None:
            out += check_price(value, instrument, field=field, name=name)
    trail = request.trail_offset
    if trail is not None and not kind.has_trail:
        out.append(unwanted("trail_offset", "trail_offset", "trailing distance"))
    elif trail is None and kind.has_trail:
        out.append(wanted("trail_offset", "trail_offset", "trailing distance"))
    elif trail is not None and request.trail_in_percent:
        bad = _bad_number(trail, "trail_offset", "trailing distance")
        if bad is not None:
            out.append(bad)
        elif trail >= 100:
            out.append(
                OrderRefused(
                    "trail_offset", "The trailing distance must be below 100 %.", field="trail_offset"
                )
            )
    elif trail is not None:
        out += check_price(trail, instrument, field="trail_offset", name="trailing distance")
    offset = request.limit_offset
    if offset is not None and not trailing_limit:
        out.append(unwanted("limit_offset", "limit_offset", "limit distance"))
    elif offset is None and trailing_limit:
        out.append(wanted("limit_offset", "limit_offset", "limit distance"))
    elif offset is not None and (not offset.is_finite() or offset % instrument.tick_size != 0):
        out.append(
            OrderRefused(
                "tick_size",
                f"The limit distance is not a multiple of the tick {plain(instrument.tick_size)}.",
                field="limit_offset",
            )
        )
    return out


def _check_life(request: OrderRequest, now_ns: int) -> list[OrderRefused]:
    out = []
    if request.time_in_force is TimeInForce.GTD:
        if request.expire_time_ns is None:
            out.append(OrderRefused("expiry", "Say until when the order shall live.", field="expire_time"))
        elif request.expire_time_ns <= now_ns:
            out.append(OrderRefused("expiry", "The expiry time has passed.", field="expire_time"))
    elif request.expire_time_ns is not None:
        out.append(OrderRefused("expiry", "Only a GTD order has an expiry time.", field="expire_time"))
    if request.post_only:
        if request.order_type not in _POST_ONLY_TYPES:
            out.append(OrderRefused("post_only", "Only a limit order can be post-only.", field="post_only"))
        if request.time_in_force in _IMMEDIATE:
            out.append(
                OrderRefused(
                    "post_only",
                    f"An order cannot be both {request.time_in_force.value} and post-only.",
                    field="post_only",
                )
            )
    if request.time_in_force in _IMMEDIATE:
        force = request.time_in_force.value
        text = ""
        if request.order_type is OrderType.ICEBERG:
            text = f"An iceberg order cannot be {force}."
        elif not request.order_type.has_limit_price:
            text = f"Only an order with a limit price can be {force}."
        if text:
            out.append(OrderRefused("time_in_force", text, field="time_in_force"))
    return out


def _check_notional(
    request: OrderRequest, instrument: Instrument, market_price: Decimal | None
) -> list[OrderRefused]:
    notional = notional_of(request, instrument, market_price)
    least = instrument.min_notional
    if notional is None or least is None or notional >= least:
        return []
    return [
        OrderRefused(
            "min_notional",
            f"The order is worth {plain(notional)} {instrument.quote}, the venue's minimum is "
            f"{plain(least)} {instrument.quote}.",
            field="quantity",
        )
    ]


def check_balance(
    request: OrderRequest,
    instrument: Instrument,
    balances: Mapping[str, Balance],
    *,
    market_price: Decimal | None,
    fee_pct: Decimal = ZERO,
) -> list[OrderRefused]:
    """Whether a spot order can be paid for: quote and fee for a buy, base for a sell.

    ``market_price`` is the expected price of an order that names none; ``fee_pct`` is in per cent of the
    notional. Without a price there is no answer, and the venue's own check stands alone.
    """
    if instrument.kind is not InstrumentKind.SPOT or request.reduce_only:
        return []
    if request.side is Side.SELL:
        asset, needed = instrument.base, request.quantity
    else:
        notional = notional_of(request, instrument, market_price)
        if notional is None:
            return []
        asset, needed = instrument.quote, notional * (1 + fee_pct / 100)
    balance = balances.get(asset)
    free = ZERO if balance is None else balance.free
    if needed <= free:
        return []
    shown = needed.quantize(Decimal("0.00000001"), rounding=ROUND_UP)
    return [
        OrderRefused(
            "balance",
            f"This needs {plain(shown)} {asset}, {plain(max(free, ZERO))} {asset} is free.",
            field="quantity",
        )
    ]


def check_amend(change: AmendRequest, order: Order, instrument: Instrument) -> list[OrderRefused]:
    """Whether new terms for a resting order make sense: grid, minimum, and above what has filled."""
    out: list[OrderRefused] = []
    if change == AmendRequest():
        out.append(OrderRefused("amend", "Nothing was changed."))
    if change.quantity is not None:
        out += check_quantity(change.quantity, instrument)
        if not out and change.quantity <= order.filled_quantity:
            out.append(
                OrderRefused(
                    "amend",
                    f"{plain(order.filled_quantity)} has filled already: the new total must be above it.",
                    field="quantity",
                )
            )
    for value, allowed, field, name in (
        (change.limit_price, order.limit_price is not None, "limit_price", "limit price"),
        (change.trigger_price, order.order_type.has_trigger, "trigger_price", "trigger price"),
    ):
        if value is None:
            continue
        if not allowed:
            out.append(OrderRefused(field, f"A {order.order_type.value} order takes no {name}.", field=field))
        else:
            out += check_price(value, instrument, field=field, name=name)
    if change.display_quantity is not None:
        if order.order_type is not OrderType.ICEBERG:
            out.append(
                OrderRefused(
                    "display_quantity", "Only an iceberg order has a visible part.", field="display_quantity"
                )
            )
        else:
            out += _check_display(change.display_quantity, change.quantity or order.quantity, instrument)
    return out
