"""OKX's former proof of a book: a CRC-32 over the text of its best 25 levels a side.

OKX has sent 0 since June 2026 (OKX v5, order books, 2026-07), so it is looked at only where it is not 0: in
recordings. What proves a book today is the chain of ``prevSeqId`` and ``seqId`` (:mod:`.public_stream`).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import zip_longest
from zlib import crc32

from terminal.domain.book import OrderBook
from terminal.domain.market import Side

_LEVELS = 25


def checksum_of(text: str) -> int:
    """CRC-32 as a signed 32-bit number."""
    value = crc32(text.encode("ascii"))
    return value - (1 << 32) if value >= 1 << 31 else value


def shortest(value: Decimal) -> str:
    """A number as OKX writes it: ``8477``, ``0.5``; no exponent, no trailing zeros."""
    return f"{value.normalize():f}"


class OkxBookChecker:
    """Compares a book with the checksum of its last update.

    ``contract`` gives our units in a contract (None: spot), because the text has OKX's own sizes.
    """

    def __init__(self, contract: Callable[[], Decimal | None]) -> None:
        self._contract = contract

    def matches(self, book: OrderBook, checksum: int) -> bool:
        contract = self._contract() or Decimal(1)
        bids = zip(*book.best(Side.BUY, _LEVELS), strict=True)
        asks = zip(*book.best(Side.SELL, _LEVELS), strict=True)
        parts: list[str] = []
        for pair in zip_longest(bids, asks):
            for level in pair:
                if level is not None:
                    parts += (shortest(level[0]), shortest(level[1] / contract))
        return checksum_of(":".join(parts)) == checksum
