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
from terminal.domain.market import BookLevel, Side

_LEVELS = 10


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

    The text of a side is kept while its best ten levels stay the same (most updates of a deep book leave them
    alone), and otherwise the text of each level, of which few change.
    """

    def __init__(self, instrument: Callable[[], Instrument | None]) -> None:
        self._instrument = instrument
        self._decimals = (0, 0)
        self._asks = _Side()
        self._bids = _Side()

    def matches(self, book: OrderBook, checksum: int) -> bool:
        """False also while the pair's decimals are not known: an unproven book is not shown as live."""
        instrument = self._instrument()
        if instrument is None:
            return False
        decimals = (instrument.price_decimals, instrument.quantity_decimals)
        if decimals != self._decimals:
            self._decimals = decimals
            self._asks = _Side()
            self._bids = _Side()
        asks = self._asks.text(book.best(Side.SELL, _LEVELS), decimals)
        bids = self._bids.text(book.best(Side.BUY, _LEVELS), decimals)
        return crc32((asks + bids).encode()) == checksum


class _Side:
    """The text of one side's best levels, made anew only where something changed."""

    __slots__ = ("_kept", "_levels", "_text")

    def __init__(self) -> None:
        self._levels: tuple[list[Decimal], list[Decimal]] = ([], [])
        self._text = ""
        # Price, quantity and text by the quantity's identity: to hash a Decimal takes several times as long,
        # and what is kept here keeps its identity to itself.
        self._kept: dict[int, tuple[Decimal, Decimal, str]] = {}

    def text(self, levels: tuple[list[Decimal], list[Decimal]], decimals: tuple[int, int]) -> str:
        if levels != self._levels:
            before, self._kept = self._kept, {}
            texts = []
            for price, quantity in zip(*levels, strict=True):
                kept = before.get(id(quantity))
                if kept is None or kept[0] is not price:
                    kept = price, quantity, _digits(price, decimals[0]) + _digits(quantity, decimals[1])
                self._kept[id(quantity)] = kept
                texts.append(kept[2])
            self._levels = levels
            self._text = "".join(texts)
        return self._text
