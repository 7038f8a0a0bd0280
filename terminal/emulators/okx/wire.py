"""Figures and envelopes as OKX prints them: every number a text, nothing an empty text.

OKX API v5, read 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode
Row = dict[str, Any]


def short(value: Decimal | None) -> str:
    """Plain notation without needless zeros; empty where there is no figure."""
    if value is None:
        return ""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def trimmed(value: Decimal, decimals: int = 12) -> str:
    """A worked-out figure, cut to so many digits after the point."""
    return short(round(value, decimals))


def point(whole: int, decimals: int) -> str:
    """A count of smallest units in its shortest text: 667880 at one decimal is ``66788``."""
    if decimals <= 0:
        return str(whole)
    text = str(whole).zfill(decimals + 1)
    fraction = text[-decimals:].rstrip("0")
    return f"{text[:-decimals]}.{fraction}" if fraction else text[:-decimals]


def ms(ns: int) -> str:
    """Nanoseconds as Unix milliseconds in a text."""
    return str(ns // 1_000_000)


def us(ns: int) -> str:
    """Nanoseconds as Unix microseconds in a text."""
    return str(ns // 1_000)


def yes(value: object) -> str:
    """A flag as order data tells it."""
    return "true" if value else "false"
