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
from terminal.venues.ctrader.units import price, quantity

_KEPT: Final = 4096
_make: Final = tuple.__new__
MOST_LEVELS: Final = 1000
"""The venue names no depth: its whole book is shown, up to this."""


class DepthBook:
    """The depth of one symbol since its subscription."""

    __slots__ = (
        "_asks",
        "_bids",
        "_grid",
        "_prices",
        "_quantities",
        "_quotes",
        "digits",
        "has_begun",
        "instrument",
    )

    def __init__(self, instrument: InstrumentId, digits: int) -> None:
        self.instrument = instrument
        self.has_begun = False
        """A snapshot was handed out; what follows are changes of it."""
        self.digits = digits
        self._grid = 10 ** max(0, 5 - digits)
        self._quotes: dict[int, tuple[bool, int, int]] = {}
        """Id -> (is a bid, price in 1/100000, size in cents)."""
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._prices: dict[int, Decimal] = {}
        self._quantities: dict[int, Decimal] = {}

    def take(self, event: pb.ProtoOADepthEvent, ts_received_ns: int) -> BookSnapshot | BookDelta | None:
        """Apply one event whole: what is deleted goes first, and nothing in between is ever shown.

        None where no level has changed.
        """
        quotes, bids, asks = self._quotes, self._bids, self._asks
        bid_prices: dict[int, int] = {}
        ask_prices: dict[int, int] = {}
        """Touched prices with the size they had before."""
        for quote_id in event.deletedQuotes:
            gone = quotes.pop(quote_id, None)
            if gone is not None:
                is_bid, wire, size = gone
                side, touched = (bids, bid_prices) if is_bid else (asks, ask_prices)
                before = side[wire]
                if wire not in touched:
                    touched[wire] = before
                if before == size:
                    del side[wire]
                else:
                    side[wire] = before - size
        for quote in event.newQuotes:
            quote_id, size = quote.id, quote.size
            known = quotes.get(quote_id)
            if known is not None:
                is_bid, wire, old = known
                side, touched = (bids, bid_prices) if is_bid else (asks, ask_prices)
                before = side[wire]
                if wire not in touched:
                    touched[wire] = before
                if before == old:
                    del side[wire]
                else:
                    side[wire] = before - old
                del quotes[quote_id]
            wire = quote.bid
            if wire:
                side, touched, is_bid = bids, bid_prices, True
            else:
                wire = quote.ask
                side, touched, is_bid = asks, ask_prices, False
            if not wire or not size:
                continue  # neither side, or nothing offered: no quote
            if self._grid > 1:
                # Finer than the symbol's own prices: what is one price on screen is one level.
                wire = (wire + self._grid // 2) // self._grid * self._grid
            quotes[quote_id] = (is_bid, wire, size)
            before = side.get(wire, 0)
            if wire not in touched:
                touched[wire] = before
            side[wire] = before + size
        if not self.has_begun:
            self.has_begun = True
            return self.snapshot(ts_received_ns)
        bid_levels = self._changed(bids, bid_prices) if bid_prices else ()
        ask_levels = self._changed(asks, ask_prices) if ask_prices else ()
        if not bid_levels and not ask_levels:
            return None
        delta: BookDelta = _make(
            BookDelta,
            (self.instrument, bid_levels, ask_levels, None, None, None, None, ts_received_ns),
        )
        return delta

    def snapshot(self, ts_received_ns: int) -> BookSnapshot:
        """The whole book, best levels first."""
        self.has_begun = True
        bids = tuple(self._level(wire, size) for wire, size in sorted(self._bids.items(), reverse=True))
        asks = tuple(self._level(wire, size) for wire, size in sorted(self._asks.items()))
        return BookSnapshot(self.instrument, bids, asks, MOST_LEVELS, None, None, None, ts_received_ns)

    def _changed(self, side: dict[int, int], touched: dict[int, int]) -> tuple[BookLevel, ...]:
        """The touched levels whose size is another than before; 0: gone."""
        levels = []
        for wire, before in touched.items():
            size = side.get(wire, 0)
            if size != before:
                levels.append(self._level(wire, size))
        return tuple(levels)

    def _level(self, wire: int, size: int) -> BookLevel:
        prices, quantities = self._prices, self._quantities
        at = prices.get(wire)
        if at is None:
            if len(prices) >= _KEPT:
                prices.clear()
            at = prices[wire] = price(wire, self.digits)
        much = quantities.get(size)
        if much is None:
            if len(quantities) >= _KEPT:
                quantities.clear()
            much = quantities[size] = quantity(size)
        level: BookLevel = _make(BookLevel, (at, much))
        return level
