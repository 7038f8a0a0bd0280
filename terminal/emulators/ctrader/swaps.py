"""Swaps at the practice broker: when a night is charged, how many nights at once, and how much.

Nights are charged every ``swapPeriod`` hours from ``swapTime`` (minutes UTC). Those of a weekend are charged
with the symbol's triple day, unless the symbol charges at weekends (Open API 2.0, ``ProtoOASymbol``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from terminal.domain.market import Side
from terminal.emulators.ctrader.money import to_cents
from terminal.emulators.ctrader.records import Position
from terminal.emulators.ctrader.symbols import SymbolSpec
from terminal.venues.ctrader import openapi_pb2 as pb

_HOUR_MS: Final = 3_600_000
_MINUTE_MS: Final = 60_000
_DAYS_A_YEAR: Final = 360
"""By which an annual rate is divided, as banks do."""
_LONGEST_MS: Final = 60 * 24 * _HOUR_MS
"""After a longer sleep the nights before are left out."""


def charge_times(spec: SymbolSpec, after_ms: int, until_ms: int) -> Iterator[int]:
    """When nights are charged between two times: the first excluded, the second included."""
    period = spec.swap_period_hours * _HOUR_MS
    if period <= 0:
        return
    after_ms = max(after_ms, until_ms - _LONGEST_MS)
    offset = spec.swap_time_minutes * _MINUTE_MS
    when = (after_ms - offset) // period * period + offset + period
    while when <= until_ms:
        yield when
        when += period


def nights_at(spec: SymbolSpec, when_ms: int) -> int:
    """How many nights are charged then: none on a Saturday or Sunday, three on the triple day."""
    weekday = datetime.fromtimestamp(when_ms / 1000, UTC).isoweekday()
    if spec.swap_at_weekends:
        return 1
    if weekday >= pb.SATURDAY:
        return 0
    return 3 if weekday == spec.swap_triple_day else 1


def swap_amount(
    position: Position, spec: SymbolSpec, nights: int, bid: Decimal, ask: Decimal, rate: Decimal
) -> int:
    """Cents that so many nights bring; below zero where they cost.

    Args:
        rate: quote to deposit currency.
    """
    is_buy = position.side is Side.BUY
    swap = Decimal(repr(spec.swap_long if is_buy else spec.swap_short))
    if spec.swap_type == pb.PERCENTAGE:
        price = bid if is_buy else ask
        a_night = position.units * price * swap / 100 / _DAYS_A_YEAR
    else:
        digits = spec.pip_position if spec.swap_type == pb.PIPS else spec.digits
        a_night = position.units * swap.scaleb(-digits)
    return to_cents(a_night * nights * rate)
