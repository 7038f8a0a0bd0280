"""What a quantity is worth, and what a position gains between two prices, for both ways of counting.

Most instruments count coins (or euros): their worth moves with the price, and profit is paid in the quote
asset. Inverse contracts count the quote currency (100 USD a contract): their worth in it never moves, and
profit is paid in the coin, by the difference of the reciprocals of the prices.
"""

from __future__ import annotations

from decimal import Decimal

from terminal.domain.instrument import Instrument
from terminal.domain.market import Side


def worth(instrument: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
    """What a quantity is worth at a price, in quote units."""
    units = quantity * instrument.multiplier
    return units if instrument.is_inverse else units * price


def profit(instrument: Instrument, side: Side, quantity: Decimal, entry: Decimal, leave: Decimal) -> Decimal:
    """What a position gains from ``entry`` to ``leave`` before costs: in quote units, of an inverse contract
    in the coin. Prices above zero."""
    units = quantity * instrument.multiplier * side.sign
    return units * (1 / entry - 1 / leave) if instrument.is_inverse else units * (leave - entry)


def break_even(
    instrument: Instrument, side: Side, quantity: Decimal, entry: Decimal, costs: Decimal
) -> Decimal | None:
    """The price at which a position has gained its ``costs``, in the money that :func:`profit` counts; None
    where no price does."""
    units = quantity * instrument.multiplier * side.sign
    if not units:
        return None
    if not instrument.is_inverse:
        return entry + costs / units
    turned = 1 / entry - costs / units
    return 1 / turned if turned > 0 else None
