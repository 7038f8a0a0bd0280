"""The shapes of the custom protocol: JSON to plain values, numbers exactly, times in nanoseconds.

Numbers come as JSON numbers or as strings in any field; times as milliseconds, or as seconds in ``records``
(custom protocol guide, sections "conventions" and "records"). Everything here raises ``ValueError`` where a
value cannot be what it should be; the caller says of which answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn

from terminal.domain.decimals import ZERO, parse_finite, require_finite
from terminal.domain.market import Side

Row = Mapping[str, Any]
_NS_PER_MS: Final = 1_000_000
# Below it a time is in seconds (the year 5138), above it in milliseconds (1973).
_SECONDS_BELOW: Final = 10**11
_LAST_MS: Final = 10**14
_MOST_DIGITS: Final = 40


def decode(body: bytes) -> Any:
    """JSON with every number exact. Raises ValueError for anything else."""
    try:
        return json.loads(body, parse_float=Decimal, parse_int=_whole, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}"[:200]) from None


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number of too many digits")
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def encode(envelope: Mapping[str, object]) -> bytes:
    """A request body: UTF-8, without spaces, the nonce as an integer."""
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()


def record(value: Any) -> Row:
    """A JSON object."""
    if not isinstance(value, dict):
        raise ValueError(f"an object was expected, not {type(value).__name__}")
    return value


def rows(value: Any) -> list[Any]:
    """A JSON list; null is an empty one, as a language without empty lists writes it."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"a list was expected, not {type(value).__name__}")
    return value


def maybe_number(value: Any) -> Decimal | None:
    """A number from a number or a string; None where there is none (null or an empty text)."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    if isinstance(value, Decimal | int):
        return require_finite(Decimal(value))
    if isinstance(value, str):
        return parse_finite(value.strip())
    raise ValueError(f"a number was expected, not {type(value).__name__}")


def number(value: Any) -> Decimal:
    """A number that has to be there."""
    found = maybe_number(value)
    if found is None:
        raise ValueError("a number is missing")
    return found


def positive(value: Any) -> Decimal:
    """A price or a quantity: above zero."""
    found = number(value)
    if found <= ZERO:
        raise ValueError(f"{found} is not above zero")
    return found


def not_negative(value: Any) -> Decimal:
    """An amount that may be nothing; what is missing is nothing, too."""
    found = maybe_number(value)
    if found is None:
        return ZERO
    if found < ZERO:
        raise ValueError(f"{found} is below zero")
    return found


def maybe_positive(value: Any) -> Decimal | None:
    """A price that may be unknown: missing, empty, 0 and -1 all say that there is none."""
    found = maybe_number(value)
    return None if found is None or found <= ZERO else found


def maybe_time_ns(value: Any) -> int | None:
    """A time in nanoseconds UTC from milliseconds or seconds; None where none is told."""
    found = maybe_number(value)
    if found is None or found == 0:
        return None
    if not 0 < found < _LAST_MS:
        raise ValueError(f"{found} is no time")
    return int(found * (1000 if found < _SECONDS_BELOW else 1) * _NS_PER_MS)


def time_ns(value: Any) -> int:
    """A time that has to be there."""
    found = maybe_time_ns(value)
    if found is None:
        raise ValueError("a time is missing")
    return found


def text(value: Any) -> str:
    """An id or a name, from a string or a whole number; empty where it is missing."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str | int):
        return str(value).strip()[:200]
    raise ValueError(f"a name was expected, not {type(value).__name__}")


_SIDES: Final = {"buy": Side.BUY, "bid": Side.BUY, "sell": Side.SELL, "ask": Side.SELL}


def side(value: Any) -> Side:
    """``buy``/``bid`` or ``sell``/``ask``; options behind a semicolon are left off."""
    word = text(value).partition(";")[0].strip().lower()
    found = _SIDES.get(word)
    if found is None:
        raise ValueError(f"{word[:20]!r} is no side")
    return found


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order as a plugin lists it. Amounts in base units."""

    order_id: str
    symbol: str
    """As it came: ``ETH_USDT``, ``ETH-USDT`` or in lower case."""
    side: Side
    amount: Decimal
    price: Decimal | None
    """None: a market order."""
    dealt: Decimal
    average: Decimal | None
    status: str
    """In small letters with hyphens; empty where the plugin tells none."""


def order_id_of(row: Any) -> str:
    """The id of a listed order; it has to be there."""
    found = text(record(row).get("id"))
    if not found:
        raise ValueError("an order without an id")
    return found


def order_row(row: Any) -> OrderRow:
    """One listed order.

    ``{"id":"ETH-USDT,123456","symbol":"ETH_USDT","amount":0.25,"price":1005,"deal_amount":0,
    "avg_price":"1000","type":"buy","status":"pending"}``; the status may be called ``state``.
    """
    found = record(row)
    status = text(found.get("status")) or text(found.get("state"))
    dealt = not_negative(found.get("deal_amount"))
    return OrderRow(
        order_id_of(found),
        text(found.get("symbol")),
        side(found.get("type")),
        not_negative(found.get("amount")),
        maybe_positive(found.get("price")),
        dealt,
        maybe_positive(found.get("avg_price")) if dealt else None,
        status.lower().replace("_", "-").replace("cancelled", "canceled"),
    )
