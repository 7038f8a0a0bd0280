"""Stop loss and take profit as a person types them into the ticket: a price, or a distance in pips."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from terminal.domain.decimals import round_nearest
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import Protection, TriggerReference
from terminal.domain.worth import profit
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import beside_text, counted, in_brackets, money_text, pip_of
from terminal.viewmodels.size_entry import parse_number

_DISTANCE: Final = re.compile(r"(.+?)\s*(p|pip|pips|t|tick|ticks)\.?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leg:
    """A stop or a target of an order that is not sent yet. Both figures are in quote units."""

    price: Decimal | None
    """None where the entry is not known."""
    distance: Decimal | None
    """From the entry; None where that is not known."""
    is_price: bool = False
    """It was typed as a price, not as a distance."""


def read_leg(text: str, instrument: Instrument, *, entry: Decimal | None, direction: int) -> Leg:
    """What was typed: ``1.15500`` is a price; ``50p``, ``50 pips`` or ``500 ticks`` a distance.

    ``entry`` is the order's own price, or for a market order the price that it would get now; ``direction``
    is +1 where the leg is above the entry.

    Raises:
        ValueError: one plain sentence to show beside the field.
    """
    found = _DISTANCE.fullmatch(text.strip())
    tick = instrument.tick_size
    if found is None:
        price = parse_number(text, decimals=instrument.price_decimals, currency=instrument.quote)
        return Leg(price, None if entry is None else (price - entry) * direction, is_price=True)
    number = parse_number(found.group(1), decimals=4)
    unit = tick if found.group(2).lower().startswith("t") else pip_of(instrument)[0]
    distance = round_nearest(number * unit, tick)
    if distance <= 0:
        raise ValueError("That is less than one tick.")
    return Leg(None if entry is None else entry + direction * distance, distance)


def protection_of(
    stop: Leg | None,
    target: Leg | None,
    *,
    at_market: bool,
    tick: Decimal,
    trailing: bool = False,
    guaranteed: bool = False,
    trigger: TriggerReference = TriggerReference.LAST,
) -> Protection | None:
    """The protection of an order: prices where its entry is known, distances from the fill at the market.

    Raises:
        ValueError: a price at the market cannot be turned into a distance, or is on the wrong side.
    """
    if stop is None and target is None:
        return None
    if not at_market:
        return Protection(
            stop_loss=_price(stop),
            take_profit=_price(target),
            stop_distance=None if stop is None or stop.price is not None else stop.distance,
            profit_distance=None if target is None or target.price is not None else target.distance,
            trailing=trailing and stop is not None,
            guaranteed=guaranteed and stop is not None,
            trigger=trigger,
        )
    return Protection(
        stop_distance=_distance(stop, tick),
        profit_distance=_distance(target, tick),
        trailing=trailing and stop is not None,
        guaranteed=guaranteed and stop is not None,
        trigger=trigger,
    )


def _price(leg: Leg | None) -> Decimal | None:
    return None if leg is None else leg.price


def _distance(leg: Leg | None, tick: Decimal) -> Decimal | None:
    if leg is None:
        return None
    if leg.distance is None:
        raise ValueError("No price yet to work the distance out with.")
    distance = round_nearest(leg.distance, tick)
    if distance <= 0:
        raise ValueError("This price is on the wrong side of the market.")
    return distance


def leg_note(leg: Leg, instrument: Instrument, *, side: Side, quantity: Decimal | None, win: bool) -> str:
    """What a stop or target would mean, for the line under its field: ``−50.0 pips  −5.00 USD``. Coins are
    told once it is known where the order comes in, with their worth at the stop or target."""
    if leg.distance is None:
        return ""
    pip, word = pip_of(instrument)
    sign = 1 if win else -1
    parts = [counted(fmt.money(sign * leg.distance / pip, decimals=1, signed=True), word)] if pip else []
    if quantity is not None and not instrument.is_inverse:
        amount = sign * leg.distance * quantity * instrument.multiplier
        parts.append(money_text(amount, instrument, signed=True))
    elif quantity is not None and leg.price is not None and leg.price > 0:
        entry = leg.price - side.sign * sign * leg.distance
        amount = profit(instrument, side, quantity, entry, leg.price)
        beside = beside_text(amount, instrument, leg.price, signed=True)
        parts.append(f"{money_text(amount, instrument, signed=True)} {in_brackets(beside)}")
    if leg.price is not None:
        parts.append(f"at {fmt.price(leg.price, instrument.price_decimals)}")
    return "  ".join(parts)
