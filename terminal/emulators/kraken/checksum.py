"""Kraken's book checksums: CRC-32 over the texts of the best ten levels.

Kraken WebSocket v2 ``book`` and ``level3``, read 2026-08. Asks from the lowest, then bids from the highest;
per level the price and the quantity at the pair's fixed precision, without the point and without leading
zeros. In ticks and steps that is simply the two whole numbers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from decimal import Decimal

CHECKED_LEVELS = 10


def digits(value: Decimal, decimals: int) -> str:
    """A number as the checksum reads it: ``45285.2`` at one decimal is ``452852``."""
    return str(int(value.scaleb(decimals)))


def book_checksum(asks: Iterable[str], bids: Iterable[str]) -> int:
    """Over ready texts (price digits and quantity digits), best first, at most ten a side."""
    return zlib.crc32(("".join(asks) + "".join(bids)).encode("ascii"))
