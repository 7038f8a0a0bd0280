"""Kraken's proof of a book: a CRC-32 over the text of its best ten levels a side.

Each number is written with exactly the pair's decimals, without the point and without leading zeros; asks
from the lowest, then bids from the highest (Kraken WS v2 ``book``, read 2026-08). The wire's own number text
will not do: with it none of 510 recorded messages match, with fixed decimals all do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from zlib import crc32

from terminal.domain.book import OrderBook
from terminal.domain.instrument import Instrument
from terminal.domain.market import BookLevel

_LEVELS = 10
_CACHE_LIMIT = 2_000


def checksum_text(
    asks: Iterable[BookLevel], bids: Iterable[BookLevel], price_decimals: int, quantity_decimals: int
) -> str:
    """The text that the checksum runs over; at most ten levels of each side are taken by the caller."""
    return "".join(
        _digits(level.price, price_decimals) + _digits(level.quantity, quantity_decimals)
        for side in (asks, bids)
        for level in side
    )


def _digits(value: Decimal, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace(".", "").lstrip("0")


class KrakenBookChecker:
    """Compares a book with the checksum of its last update.

    Meant to be asked once a screen tick, not once a message. The text of a level is kept from one call to the
    next: between two ticks few of the twenty change.
    """

    def __init__(self, instrument: Callable[[], Instrument | None]) -> None:
        self._instrument = instrument
        self._decimals: tuple[int, int] | None = None
        self._texts: dict[BookLevel, str] = {}

    def matches(self, book: OrderBook, checksum: int) -> bool:
        """False also while the pair's decimals are not known: an unproven book is not shown as live."""
        instrument = self._instrument()
        if instrument is None:
            return False
        decimals = (instrument.price_decimals, instrument.quantity_decimals)
        if decimals != self._decimals:
            self._decimals = decimals
            self._texts.clear()
        texts = self._texts
        parts = []
        for side in (book.asks(_LEVELS), book.bids(_LEVELS)):
            for level in side:
                text = texts.get(level)
                if text is None:
                    if len(texts) > _CACHE_LIMIT:
                        texts.clear()
                    text = texts[level] = _digits(level.price, decimals[0]) + _digits(
                        level.quantity, decimals[1]
                    )
                parts.append(text)
        return crc32("".join(parts).encode()) == checksum
