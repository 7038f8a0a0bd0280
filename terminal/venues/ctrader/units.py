"""cTrader's numbers as the terminal's, exactly: no binary fraction is ever rounded by luck.

Market data has prices as integers of 1/100000 whatever the symbol's digits; orders, positions and deals have
doubles; volumes are cents of a base unit; money is an integer with its message's own ``moneyDigits``; times
are milliseconds UTC (Open API 2.0, units).
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Final

NS_PER_MS: Final = 1_000_000
_WIRE_STEP: Final = Decimal("0.00001")
_CENT: Final = Decimal("0.01")


@lru_cache(maxsize=32)
def step_of(digits: int) -> Decimal:
    """The smallest price of so many decimals: 5 gives 0.00001."""
    return Decimal(1).scaleb(-digits)


def price(wire: int, digits: int) -> Decimal:
    """A market data price at the symbol's digits: 2528164000 at 2 digits is 25281.64."""
    return (wire * _WIRE_STEP).quantize(step_of(digits), rounding=ROUND_HALF_EVEN)


def price_of_double(value: float, digits: int) -> Decimal:
    """The price behind a double of an order, position or deal, at the symbol's digits."""
    return Decimal(repr(value)).quantize(step_of(digits), rounding=ROUND_HALF_EVEN)


def average_price(value: float) -> Decimal:
    """The price behind a double that may have more decimals than the symbol: an average of fills."""
    return Decimal(repr(value))


def double_of(value: Decimal, digits: int) -> float:
    """The double to send for a price. Raises ValueError for one with more than the symbol's digits: nothing
    is rounded in secret."""
    return float(_exact(value, digits))


def relative(distance: Decimal, digits: int) -> int:
    """A distance in quote units as 1/100000. Raises ValueError as :func:`double_of`."""
    return int(_exact(distance, digits).scaleb(5))


def _exact(value: Decimal, digits: int) -> Decimal:
    exact = value.quantize(step_of(digits), rounding=ROUND_HALF_EVEN)
    if exact != value:
        raise ValueError(f"{value} has more than {digits} decimals")
    return exact


def distance(wire: int) -> Decimal:
    """A relative stop or target, 1/100000, in quote units."""
    return wire * _WIRE_STEP


def quantity(cents: int) -> Decimal:
    """A volume in base units: 100000 is 1000."""
    whole, rest = divmod(cents, 100)
    return cents * _CENT if rest else Decimal(whole)


def cents(quantity: Decimal) -> int:
    """Base units as a volume. Raises ValueError for a part of a cent: nothing is rounded in secret."""
    value = quantity.scaleb(2)
    whole = int(value)
    if value != whole:
        raise ValueError(f"{quantity} is not a whole number of cents")
    return whole


def money(amount: int, digits: int) -> Decimal:
    """An amount of money with its message's ``moneyDigits``."""
    return Decimal(amount).scaleb(-digits)


def ns_of_ms(ms: int) -> int:
    """Milliseconds as the terminal's nanoseconds."""
    return ms * NS_PER_MS


def ms_of_ns(ns: int) -> int:
    """Nanoseconds as the venue's milliseconds, rounded down."""
    return ns // NS_PER_MS
