"""A depth book kept by quote ids, and what of it changed as price levels.

Each quote is one id with a side, a price and a size; several quotes may stand at one price and are shown as
their sum (Open API 2.0, 2155). There is neither a checksum nor a sequence: a book is as good as the
connection it came over, and begins afresh with each subscription.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookLevel, BookSnapshot
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.units import price

_KEPT: Final = 4096
_make: Final = tuple.__new__
_CENT: Final = Decimal("0.01")
MOST_LEVELS: Final = 1000
"""The venue names no depth: its whole book is shown, up to this."""


class DepthBook:
    """The depth of one symbol since its subscription.

    Events are applied as they come; what they have changed is told once for all events of one reading. Both
    sides are in one table, bids at minus their price: that halves the branches of the hottest path.
    """

    __slots__ = (
        "_grid",
        "_levels",
        "_prices",
        "_quotes",
        "_touched",
        "digits",
        "has_begun",
        "instrument",
        "is_due",
        "symbol_id",
    )

    def __init__(self, symbol_id: int, instrument: InstrumentId, digits: int) -> None:
        self.symbol_id = symbol_id
        self.instrument = instrument
        self.digits = digits
        self.has_begun = False
        """A snapshot was handed out; what follows are changes of it."""
        self.is_due = False
        """It has changed and nobody has been told yet."""
        self._grid = 10 ** max(0, 5 - digits)
        self._quotes: dict[int, tuple[int, int]] = {}
        """Id -> (price in 1/100000, below zero for a bid; size in cents)."""
        self._levels: dict[int, int] = {}
        """Price as above -> sum of the sizes; 0 only while it is touched."""
        self._touched: set[int] = set()
        self._prices: dict[int, Decimal] = {}

    def take(self, event: pb.ProtoOADepthEvent) -> None:
        """Apply one event whole: what is deleted goes first, and nothing in between is ever shown."""
        quotes, levels, touch = self._quotes, self._levels, self._touched.add
        # A slice is read in half the time of the container itself.
        for quote_id in event.deletedQuotes[:]:
            gone = quotes.pop(quote_id, None)
            if gone is not None:
                key, size = gone
                levels[key] -= size
                touch(key)
        grid = self._grid
        for quote in event.newQuotes[:]:
            quote_id, size, key = quote.id, quote.size, -quote.bid or quote.ask
            if grid > 1:
                # Finer than the symbol's own prices: what is one price on screen is one level.
                key = round(key / grid) * grid
            gone = quotes.get(quote_id)
            if gone is not None:
                old_key, old_size = gone
                levels[old_key] -= old_size
                touch(old_key)
            if key and size:
                quotes[quote_id] = (key, size)
                levels[key] = levels.get(key, 0) + size
                touch(key)
            elif gone is not None:
                del quotes[quote_id]  # neither side, or nothing offered: no quote

    def changes(self, ts_received_ns: int) -> BookSnapshot | BookDelta | None:
        """What has changed since the last time, the whole book at first; None where no level was touched."""
        self.is_due = False
        if not self.has_begun:
            return self.snapshot(ts_received_ns)
        touched = self._touched
        if not touched:
            return None
        levels, prices = self._levels, self._prices
        bids: list[BookLevel] = []
        asks: list[BookLevel] = []
        for key in touched:
            total = levels[key]
            if not total:
                del levels[key]
            level = _make(BookLevel, (prices.get(key) or self._price(key), total * _CENT))
            if key < 0:
                bids.append(level)
            else:
                asks.append(level)
        touched.clear()
        delta: BookDelta = _make(
            BookDelta, (self.instrument, tuple(bids), tuple(asks), None, None, None, None, ts_received_ns)
        )
        return delta

    def snapshot(self, ts_received_ns: int) -> BookSnapshot:
        """The whole book, best levels first."""
        self.has_begun = True
        self._touched.clear()
        found = sorted((key, total) for key, total in self._levels.items() if total)
        self._levels = dict(found)
        bids = tuple(BookLevel(self._price(key), total * _CENT) for key, total in found if key < 0)
        asks = tuple(BookLevel(self._price(key), total * _CENT) for key, total in found if key > 0)
        return BookSnapshot(self.instrument, bids, asks, MOST_LEVELS, None, None, None, ts_received_ns)

    def _price(self, key: int) -> Decimal:
        prices = self._prices
        if len(prices) >= _KEPT:
            prices.clear()
        found = prices[key] = price(abs(key), self.digits)
        return found
