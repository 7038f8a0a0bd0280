"""Text to Decimal and back, and rounding to tick and step.

Prices and quantities are ``Decimal`` from the parser to the wire. Text leaves only through
:func:`wire_text`: ``str()`` would write ``5E-7``.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

ZERO: Final = Decimal(0)
HUGE: Final = Decimal("1e20")
TINY: Final = Decimal("1e-20")
"""No market has prices or quantities beyond these."""
_MAX_DIGITS = 30


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
