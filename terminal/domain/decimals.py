"""Text to Decimal and back, and rounding to tick and step.

Prices and quantities are ``Decimal`` from the parser to the wire. Text leaves only through
:func:`wire_text`: ``str()`` would write ``5E-7``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation
from operator import getitem
from typing import Any, ClassVar, Final, cast

ZERO: Final = Decimal(0)
HUGE: Final = Decimal("1e20")
TINY: Final = Decimal("1e-20")
"""No market has prices or quantities beyond these."""
_MAX_DIGITS = 30


_MOST_KEPT = 20_000


class Price(Decimal):
    """A price of a busy feed, of those in :data:`kept_prices`."""

    __slots__ = ()

    __class_getitem__: ClassVar[Callable[[object], Price]]


class KeptPrices(dict[object, Price]):
    """The same text gives the same object: ``kept_prices["66786.5"]``.

    Prices come again and again. One that is kept is quicker to find than to make, and is hashed only once,
    which is what a book does with it. Raises ValueError for what is no text or no number, NaN, infinite or
    absurdly long. Past twenty thousand texts they are kept anew.
    """

    def __missing__(self, text: object) -> Price:
        if type(text) is not str:
            raise ValueError("a price that is no text")
        price = Price(parse_finite(text))
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[text] = price
        return price


kept_prices: Final = KeptPrices()

# ``getitem(Price, text)`` is a hook for msgspec that calls no function of Python's, which would cost as much
# as to make the number.
Price.__class_getitem__ = kept_prices.__getitem__
kept_price: Final = cast("Callable[[type, Any], Price]", getitem)
"""What to hand to a decoder of msgspec as its hook for fields of the type ``Price``."""


def parse_finite(text: str) -> Decimal:
    """A finite number from wire text.

    Raises:
        ValueError: no number, NaN, infinite, or absurdly long (over 30 digits before or after the point).
    """
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"not a number: {text[:40]!r}") from error
    return require_finite(value)


def require_finite(value: Decimal) -> Decimal:
    """The value itself, if it is finite and of a size that a market can have.

    msgspec takes the string "NaN" and 1E+999 as ``Decimal``; neither may come further than the parser.
    """
    if not value.is_finite():
        raise ValueError(f"not a finite number: {value}")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and (exponent < -_MAX_DIGITS or value.adjusted() > _MAX_DIGITS):
        raise ValueError(f"number out of range: {value.adjusted()} digits")
    return value


def wire_text(value: Decimal) -> str:
    """Plain notation, never an exponent: the only way a number leaves for a venue."""
    return format(value, "f")


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether the value lies on the grid of ``step``."""
    return step > 0 and value % step == 0


def round_down(value: Decimal, step: Decimal) -> Decimal:
    """The nearest grid value not above ``value``, in the step's own scale."""
    return ((value / step).to_integral_value(rounding=ROUND_FLOOR) * step).quantize(step)


def round_up(value: Decimal, step: Decimal) -> Decimal:
    """The nearest grid value not below ``value``, in the step's own scale."""
    return ((value / step).to_integral_value(rounding=ROUND_CEILING) * step).quantize(step)


def round_nearest(value: Decimal, step: Decimal) -> Decimal:
    """The nearest grid value, ties to even, in the step's own scale."""
    return ((value / step).to_integral_value(rounding=ROUND_HALF_EVEN) * step).quantize(step)


def decimals_of(step: Decimal) -> int:
    """How many digits after the point a value on this grid needs: 0.10 and 0.1 both give 1."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
