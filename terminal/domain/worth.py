"""What a quantity is worth, and what a position gains between two prices, for both ways of counting.

Most instruments count coins (or euros): their worth moves with the price, and profit is paid in the quote
asset. Inverse contracts count the quote currency (100 USD a contract): their worth in it never moves, and
profit is paid in the coin, by the difference of the reciprocals of the prices.

Seen from the coin an inverse contract is an ordinary one: dollars with a price in coins (1 / price), where a
buyer of the contract sells dollars. Every formula holds for both with the price turned and the other side.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

from terminal.domain.decimals import ZERO
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side

# A third of a coin has no end. After two divisions so many digits of a price are right, and whole ones whole.
_TURNING: Final = Context(prec=20)


def worth(instrument: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
    """What a quantity is worth at a price, in quote units."""
    units = quantity * instrument.multiplier
    return units if instrument.is_inverse else units * price


def value(instrument: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
    """What a quantity is worth at a price above zero, in the asset that the instrument is settled in: in
    quote units, of an inverse contract in coins."""
    units = quantity * instrument.multiplier
    return units / price if instrument.is_inverse else units * price


def quantity_worth(instrument: Instrument, money: Decimal, price: Decimal) -> Decimal:
    """The quantity that so much of what the instrument is settled in is worth at a price; on no grid."""
    units = money * price if instrument.is_inverse else money / price
    return units / instrument.multiplier


def in_quote(instrument: Instrument, money: Decimal, price: Decimal) -> Decimal:
    """An amount of what the instrument is settled in, told in quote units at a price."""
    return money * price if instrument.is_inverse else money


def turned(reciprocal: Decimal) -> Decimal:
    """The price of which this is the reciprocal, to 20 digits: ``turned(1 / price)`` is the price again."""
    return _TURNING.divide(Decimal(1), reciprocal)


def mean_price(quantity: Decimal, notional: Decimal, *, inverse: bool = False) -> Decimal:
    """The one price at which a quantity above zero is worth what its parts were worth together.

    ``notional``: the sum of quantity x price of the parts; ``inverse``: that of quantity / price, and the
    price is then their harmonic mean.
    """
    return _TURNING.divide(quantity, notional) if inverse else notional / quantity


def money_side(instrument: Instrument, side: Side) -> Side:
    """Which way the money goes that the instrument is settled in: a buy of most things pays it, of an inverse
    contract the sale does, for what is sold then is worth less of the coin as the price rises."""
    return side.opposite if instrument.is_inverse else side


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
    left = 1 / entry - costs / units
    return turned(left) if left > ZERO else None
