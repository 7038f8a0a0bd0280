"""Numbers, times and envelopes as Kraken prints them.

REST figures are texts; WebSocket v2 figures are JSON numbers with exactly the pair's digits
(``0.10000000``), which no ordinary encoder keeps: they travel as ``msgspec.Raw``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import msgspec

from terminal.emulators.market.listing import ASSET_DECIMALS

NS_PER_S: Final = 1_000_000_000

_encoder = msgspec.json.Encoder()


def encode(value: Any) -> bytes:
    """JSON text; ``Raw`` members go in as they are."""
    return _encoder.encode(value)


def fixed(value: Decimal, decimals: int) -> str:
    """Plain notation with exactly so many digits after the point."""
    return format(value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN), "f")


def number(value: Decimal, decimals: int) -> msgspec.Raw:
    """A JSON number with exactly so many digits after the point."""
    return msgspec.Raw(fixed(value, decimals).encode())


def plain(value: Decimal) -> msgspec.Raw:
    """A JSON number with the value's own digits and at least one after the point."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0")
        text += "0" if text.endswith(".") else ""
    else:
        text += ".0"
    return msgspec.Raw(text.encode())


def asset_decimals(asset: str) -> int:
    """Digits in which an amount of the asset is told."""
    return ASSET_DECIMALS.get(asset, 8)


def amount_text(value: Decimal, asset: str) -> str:
    """A balance or amount of an asset, as REST prints it."""
    return fixed(value, asset_decimals(asset))


def amount_number(value: Decimal, asset: str) -> msgspec.Raw:
    """A balance or amount of an asset, as the WebSocket prints it."""
    return number(value, asset_decimals(asset))


def iso_us(ns: int) -> str:
    """``2023-10-06T17:35:55.440295Z``."""
    seconds, rest = divmod(ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def iso_ns(ns: int) -> str:
    """``2024-05-17T11:12:00.000000000Z``."""
    seconds, rest = divmod(ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def iso_s(ns: int) -> str:
    """``2023-07-06T18:52:00Z``."""
    return f"{datetime.fromtimestamp(ns // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%SZ}"


def seconds(ns: int, decimals: int = 4) -> float:
    """Unix seconds as a JSON number with so many digits after the point."""
    return round(ns / NS_PER_S, decimals)


def parse_rfc3339(text: str) -> int | None:
    """Nanoseconds UTC, or None where it is no RFC 3339 time."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    whole = (
        int(moment.timestamp() // 1)
        if moment.microsecond == 0
        else int(moment.replace(microsecond=0).timestamp())
    )
    return whole * NS_PER_S + moment.microsecond * 1000
