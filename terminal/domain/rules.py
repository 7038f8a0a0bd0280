"""Checks that need nothing but the request, the instrument and what the venue can do.

Each function returns what is wrong as :class:`OrderRefused` values, in the order of the form, and sends
nothing: the ticket shows them beside their fields, the gate raises the first. Checks that look at the market
or the account's worth are limits of the person's own and live in ``services/risk.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from typing import Protocol

from terminal.domain.account import Balance
from terminal.domain.decimals import ZERO, is_multiple, require_finite, wire_text
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import Instrument, InstrumentKind, MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import (
    AT_MARKET,
    AmendRequest,
    Order,
    OrderRequest,
    OrderType,
    Protection,
    TimeInForce,
    TriggerReference,
)
from terminal.domain.worth import worth

IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_POST_ONLY_TYPES = frozenset({OrderType.LIMIT, OrderType.ICEBERG})


class Abilities(Protocol):
    """What of a venue's capabilities these rules read; ``venues.base.Capabilities`` is one."""

    @property
    def order_types(self) -> frozenset[OrderType]: ...
    @property
    def time_in_force(self) -> frozenset[TimeInForce]: ...
    @property
    def immediate_types(self) -> frozenset[OrderType]: ...
    @property
    def post_only(self) -> bool: ...
    @property
    def reduce_only(self) -> bool: ...
    @property
    def trigger_on_index(self) -> bool: ...
    @property
    def quantity_in_quote(self) -> bool: ...
    @property
    def positions(self) -> bool: ...
    @property
    def protection_words(self) -> frozenset[str]: ...
    @property
    def trigger_references(self) -> frozenset[TriggerReference]: ...
    @property
    def comment_length(self) -> int: ...


def plain(value: Decimal) -> str:
    """A number as a person writes it: no exponent, no trailing zeros."""
    text = wire_text(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _grouped(value: Decimal) -> str:
    text = format(value, ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity_text(quantity: Decimal, instrument: Instrument) -> str:
    """A quantity as the venue's people say it: ``0.05 lots (5,000)`` or ``0.25 BTC``."""
    if instrument.offer is not None:
        return f"{plain(quantity)} {instrument.offer.currency}"
    if instrument.lot_size:
        return f"{plain(quantity / instrument.lot_size)} lots ({_grouped(quantity)} {instrument.base})"
    return f"{plain(quantity)} {instrument.base}"


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
                f"Quantity {_said(quantity, instrument)} is not a multiple of "
                f"{_said(instrument.quantity_step, instrument)}.",
                field=field,
            )
        )
    if quantity < instrument.min_quantity:
        out.append(
            OrderRefused(
                "min_quantity",
                f"Quantity {_said(quantity, instrument)} is below the minimum of "
                f"{quantity_text(instrument.min_quantity, instrument)}.",
                field=field,
            )
        )
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        out.append(
            OrderRefused(
                "max_quantity",
                f"Quantity {_said(quantity, instrument)} is above the venue's maximum of "
                f"{quantity_text(instrument.max_quantity, instrument)}.",
                field=field,
            )
        )
    return out


def _said(quantity: Decimal, instrument: Instrument) -> str:
    """A quantity where its unit is clear from what follows."""
    return quantity_text(quantity, instrument) if instrument.lot_size else plain(quantity)


def check_price(price: Decimal, instrument: Instrument, *, field: str, name: str) -> list[OrderRefused]:
    """Sign and tick of a price in quote per base."""
    bad = _bad_number(price, field, name)
    if bad is not None:
        return [bad]
    if instrument.is_tick_told and instrument.tick_size > 0 and not is_multiple(price, instrument.tick_size):
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
    if request.in_quote or request.order_type is OrderType.CONTRACT:
        return request.quantity
    if instrument.is_inverse:
        return request.quantity * instrument.multiplier
    price = reference_price(request) or market_price
    return None if price is None else worth(instrument, request.quantity, price)


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
    out = check_status(request, instrument, now_ns=now_ns)
    out += _check_abilities(request, abilities)
    out += _check_amounts(request, instrument)
    out += _check_prices(request, instrument)
    out += _check_range(request, instrument)
    if request.protection is not None:
        out += check_protection(
            request.protection,
            instrument,
            abilities,
            side=request.side,
            entry=None if request.order_type in AT_MARKET else reference_price(request),
            market=market_price,
            at_market=request.order_type in AT_MARKET,
        )
    out += _check_life(request, abilities, now_ns)
    if not out:
        out += _check_notional(request, instrument, market_price)
    return out


def check_protection(
    protection: Protection,
    instrument: Instrument,
    abilities: Abilities,
    *,
    side: Side,
    entry: Decimal | None,
    market: Decimal | None,
    at_market: bool = False,
) -> list[OrderRefused]:
    """Whether a stop and a target make sense for a position of this side.

    ``entry`` is the price that the order itself names (None: it has none, or the position is open already),
    ``market`` the price at which the position could be closed or opened now; the stop has to be on the losing
    side of the one that counts, the target on the winning side.
    """
    out: list[OrderRefused] = []
    if at_market and (protection.stop_loss is not None or protection.take_profit is not None):
        out.append(
            OrderRefused(
                "protection",
                "A market order takes its stop and target as distances: its fill price is not known yet.",
                field="stop_loss" if protection.stop_loss is not None else "take_profit",
            )
        )
    if protection.is_empty and (protection.trailing or protection.guaranteed):
        word = "trailing" if protection.trailing else "guaranteed"
        out.append(OrderRefused("protection", f"A {word} stop needs a stop loss.", field="stop_loss"))
    for wanted, word, field in (
        (protection.stop_loss or protection.stop_distance, "stop loss", "stop_loss"),
        (protection.take_profit or protection.profit_distance, "take profit", "take_profit"),
        (protection.trailing, "trailing stop", "stop_loss"),
        (protection.guaranteed, "guaranteed stop", "stop_loss"),
    ):
        if wanted and word not in abilities.protection_words:
            out.append(OrderRefused("capability", f"This venue keeps no {word}.", field=field))
    if protection.guaranteed and not instrument.guaranteed_stop:
        text = f"{instrument.symbol} has no guaranteed stop."
        out.append(OrderRefused("capability", text, field="stop_loss"))
    if (
        protection.trigger is not TriggerReference.LAST
        and protection.trigger not in abilities.trigger_references
    ):
        text = f"This venue cannot trigger on {protection.trigger.value}."
        out.append(OrderRefused("capability", text, field="stop_loss"))
    from_price = entry if entry is not None else market
    legs = (
        ("stop_loss", "stop loss", protection.stop_loss, protection.stop_distance, -side.sign),
        ("take_profit", "take profit", protection.take_profit, protection.profit_distance, side.sign),
    )
    for field, name, price, distance, direction in legs:
        if price is not None and distance is not None:
            out.append(OrderRefused("protection", f"The {name} is given twice.", field=field))
        for value in (price, distance):
            if value is not None:
                out += check_price(value, instrument, field=field, name=name)
        if out:
            continue
        if price is not None and from_price is not None and (price - from_price) * direction <= 0:
            where = "above" if direction > 0 else "below"
            long = "long" if side is Side.BUY else "short"
            out.append(
                OrderRefused(
                    "protection_side",
                    f"The {name} of a {long} position has to be {where} {plain(from_price)}.",
                    field=field,
                )
            )
            continue
        away = distance if price is None else None if from_price is None else abs(price - from_price)
        least = instrument.min_stop_distance if field == "stop_loss" else instrument.min_profit_distance
        if away is not None and away < least:
            out.append(
                OrderRefused(
                    "protection_distance",
                    f"The {name} is {plain(away)} away; this venue wants {plain(least)} or more.",
                    field=field,
                )
            )
    return out


def check_status(
    request: OrderRequest, instrument: Instrument, *, now_ns: int | None = None
) -> list[OrderRefused]:
    """Whether the venue takes this kind of order for the instrument now."""
    status, symbol = instrument.status, instrument.symbol
    text: str | None = None
    confirmable = False
    if status is MarketStatus.CLOSED:
        text = f"{symbol} is closed at the venue{_opens(instrument, now_ns)}."
    elif not instrument.is_detailed:
        text = f"The details of {symbol} are still being fetched."
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


def _opens(instrument: Instrument, now_ns: int | None) -> str:
    """``; it opens Sun 22:00 UTC``, where the venue says when."""
    if instrument.schedule is None or now_ns is None:
        return ""
    opens_ns = instrument.schedule.next_open_ns(now_ns)
    if opens_ns is None or opens_ns == now_ns:
        return ""
    return f"; it opens {datetime.fromtimestamp(opens_ns // 1_000_000_000, UTC):%a %d %b %H:%M} UTC"


def _check_range(request: OrderRequest, instrument: Instrument) -> list[OrderRefused]:
    """A market range order says from which price, and how far from it, it may fill."""
    if request.order_type is not OrderType.MARKET_RANGE:
        if request.max_slippage is None:
            return []
        text = f"A {request.order_type.value} order takes no slippage."
        return [OrderRefused("max_slippage", text, field="max_slippage")]
    if request.max_slippage is None or request.reference_price is None:
        text = "Say how far from the price seen it may fill."
        return [OrderRefused("max_slippage", text, field="max_slippage")]
    if request.max_slippage == 0:
        return check_price(request.reference_price, instrument, field="max_slippage", name="price seen")
    return check_price(request.max_slippage, instrument, field="max_slippage", name="slippage")


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
    if request.reduce_only and not abilities.reduce_only and request.position_id is None:
        refuse("This venue has no reduce-only orders.", "reduce_only")
    if request.in_quote and not abilities.quantity_in_quote:
        refuse("This venue takes no quantity in quote currency.", "quantity")
    reference = request.trigger_reference
    if reference is TriggerReference.INDEX and not abilities.trigger_on_index:
        refuse("This venue cannot trigger on the index price.", "trigger_reference")
    elif (
        reference not in (TriggerReference.LAST, TriggerReference.INDEX)
        and reference not in abilities.trigger_references
    ):
        refuse(f"This venue cannot trigger on {reference.value}.", "trigger_reference")
    if len(request.comment) > abilities.comment_length:
        most = abilities.comment_length
        words = f"A comment has at most {most} characters here." if most else "This venue keeps no comment."
        refuse(words, "comment")
    if request.position_id is not None and not abilities.positions:
        refuse("This venue keeps no positions.", "quantity")
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
    elif offset is not None and (
        not offset.is_finite() or (instrument.is_tick_told and offset % instrument.tick_size != 0)
    ):
        out.append(
            OrderRefused(
                "tick_size",
                f"The limit distance is not a multiple of the tick {plain(instrument.tick_size)}.",
                field="limit_offset",
            )
        )
    return out


def _check_life(request: OrderRequest, abilities: Abilities, now_ns: int) -> list[OrderRefused]:
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
        if request.time_in_force in IMMEDIATE:
            out.append(
                OrderRefused(
                    "post_only",
                    f"An order cannot be both {request.time_in_force.value} and post-only.",
                    field="post_only",
                )
            )
    if request.time_in_force in IMMEDIATE:
        force = request.time_in_force.value
        text = ""
        if request.order_type is OrderType.ICEBERG:
            text = f"An iceberg order cannot be {force}."
        elif not request.order_type.has_limit_price:
            text = f"Only an order with a limit price can be {force}."
        elif request.order_type not in abilities.immediate_types:
            text = f"At this venue a {request.order_type.value} order cannot be {force}."
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
