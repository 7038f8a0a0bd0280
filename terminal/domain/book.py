"""An order book: sorted levels, kept exact by the venue's own rules.

Measured: ``Decimal`` keys cost as much as scaled integers here, because turning the wire's text into
integers eats the gain. Each side is a dict of quantities and a sorted list of prices; a side has at
most a thousand levels, so a list shift is cheaper than any tree.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import islice
from typing import NamedTuple, Protocol

from terminal.domain.decimals import ZERO
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookLevel, BookSnapshot, Side


class BookFault(Exception):
    """The book can no longer be trusted: gap, wrong checksum, crossed, or a level that cannot be."""


class BookChecker(Protocol):
    """A venue's integrity check over the whole book, e.g. Kraken's CRC32 of the best ten levels."""

    def matches(self, book: OrderBook, checksum: int) -> bool:
        """Whether the book gives the checksum the venue sent with its last update."""
        ...


class Cost(NamedTuple):
    """What taking a quantity from one side would cost now."""

    quantity: Decimal
    """How much of it the visible book covers, base units."""
    notional: Decimal
    """In quote units."""
    average_price: Decimal | None
    worst_price: Decimal | None
    covered: Decimal
    """0 to 1: the part of the asked quantity that the visible book covers. Never extrapolated."""


class OrderBook:
    """The levels of one instrument, best first on both sides.

    Apply a snapshot, then each delta in order. ``depth`` is the subscribed depth: after every message a
    side is cut to it, as the venue does silently (Kraken WS v2 ``book``, read 2026-08).
    """

    __slots__ = (
        "_ask_prices",
        "_asks",
        "_bid_prices",
        "_bids",
        "depth",
        "instrument",
        "sequence",
        "ts_event_ns",
    )

    def __init__(self, instrument: InstrumentId, depth: int) -> None:
        self.instrument = instrument
        self.depth = depth
        self.sequence: int | None = None
        self.ts_event_ns: int | None = None
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}
        self._bid_prices: list[Decimal] = []
        self._ask_prices: list[Decimal] = []

    def load(self, snapshot: BookSnapshot) -> None:
        """Replace everything by a snapshot.

        Raises:
            BookFault: a level with no positive price or quantity, or best bid at or above best ask.
        """
        bids = {level.price: level.quantity for level in snapshot.bids}
        asks = {level.price: level.quantity for level in snapshot.asks}
        for level in (*snapshot.bids, *snapshot.asks):
            if level.price <= 0 or level.quantity <= 0:
                raise BookFault(f"impossible level {level.price} x {level.quantity}")
        self._bids, self._asks = bids, asks
        self._bid_prices, self._ask_prices = sorted(bids), sorted(asks)
        self._cut()
        self.sequence = snapshot.sequence
        self.ts_event_ns = snapshot.ts_event_ns
        self.require_uncrossed()

    def apply(self, delta: BookDelta) -> None:
        """Apply one update: both lists in order, then cut each side to the depth.

        Raises:
            BookFault: the update does not follow the last one, or holds an impossible level.
        """
        if (
            delta.previous_sequence is not None
            and self.sequence is not None
            and delta.previous_sequence != self.sequence
        ):
            raise BookFault(f"sequence {self.sequence} is followed by {delta.previous_sequence}")
        if delta.bids:
            self._apply_side(self._bids, self._bid_prices, delta.bids)
            if len(self._bid_prices) > self.depth:
                for price in self._bid_prices[: -self.depth]:
                    del self._bids[price]
                del self._bid_prices[: -self.depth]
        if delta.asks:
            self._apply_side(self._asks, self._ask_prices, delta.asks)
            if len(self._ask_prices) > self.depth:
                for price in self._ask_prices[self.depth :]:
                    del self._asks[price]
                del self._ask_prices[self.depth :]
        self.sequence = delta.sequence
        self.ts_event_ns = delta.ts_event_ns

    @staticmethod
    def _apply_side(
        quantities: dict[Decimal, Decimal], prices: list[Decimal], levels: Iterable[BookLevel]
    ) -> None:
        # Measured: one look-up that tells by the length whether the price is new takes a sixth less than two.
        count = len(prices)
        for price, quantity in levels:
            if quantity > ZERO:
                quantities[price] = quantity
                if len(quantities) != count:
                    if price <= ZERO:
                        del quantities[price]
                        raise BookFault(f"impossible price {price}")
                    insort(prices, price)
                    count += 1
            elif quantity == ZERO:
                if quantities.pop(price, None) is not None:
                    del prices[bisect_left(prices, price)]
                    count -= 1
            else:
                raise BookFault(f"impossible quantity {quantity}")

    def _cut(self) -> None:
        for price in self._bid_prices[: -self.depth]:
            del self._bids[price]
        del self._bid_prices[: -self.depth]
        for price in self._ask_prices[self.depth :]:
            del self._asks[price]
        del self._ask_prices[self.depth :]

    def require_uncrossed(self) -> None:
        """Raise BookFault where the best bid is not below the best ask."""
        if self._bid_prices and self._ask_prices and self._bid_prices[-1] >= self._ask_prices[0]:
            raise BookFault(f"crossed: bid {self._bid_prices[-1]} at or above ask {self._ask_prices[0]}")

    def clear(self) -> None:
        """Forget every level; the book is empty until the next snapshot."""
        self._bids, self._asks = {}, {}
        self._bid_prices, self._ask_prices = [], []
        self.sequence = None

    def __bool__(self) -> bool:
        return bool(self._bid_prices or self._ask_prices)

    @property
    def best_bid(self) -> BookLevel | None:
        if not self._bid_prices:
            return None
        price = self._bid_prices[-1]
        return BookLevel(price, self._bids[price])

    @property
    def best_ask(self) -> BookLevel | None:
        if not self._ask_prices:
            return None
        price = self._ask_prices[0]
        return BookLevel(price, self._asks[price])

    @property
    def mid(self) -> Decimal | None:
        """Half way between the best prices; None while a side is empty."""
        if not self._bid_prices or not self._ask_prices:
            return None
        return (self._bid_prices[-1] + self._ask_prices[0]) / 2

    @property
    def spread(self) -> Decimal | None:
        if not self._bid_prices or not self._ask_prices:
            return None
        return self._ask_prices[0] - self._bid_prices[-1]

    def bids(self, count: int | None = None) -> Iterator[BookLevel]:
        """Bid levels, highest first."""
        quantities = self._bids
        for price in islice(reversed(self._bid_prices), count):
            yield BookLevel(price, quantities[price])

    def asks(self, count: int | None = None) -> Iterator[BookLevel]:
        """Ask levels, lowest first."""
        quantities = self._asks
        for price in islice(self._ask_prices, count):
            yield BookLevel(price, quantities[price])

    def level_counts(self) -> tuple[int, int]:
        """How many bid and ask levels there are."""
        return len(self._bid_prices), len(self._ask_prices)

    def grouped(self, side: Side, step: Decimal) -> dict[int, Decimal]:
        """Quantities by bucket, keyed by ``price / step``: bids rounded down, asks rounded up, so that a
        bucket never promises a better price than its orders have."""
        out: dict[int, Decimal] = {}
        if side is Side.BUY:
            for price, quantity in self._bids.items():
                key = int((price / step).to_integral_value(rounding=ROUND_FLOOR))
                out[key] = out.get(key, ZERO) + quantity
        else:
            for price, quantity in self._asks.items():
                key = int((price / step).to_integral_value(rounding=ROUND_CEILING))
                out[key] = out.get(key, ZERO) + quantity
        return out

    def cost_to_take(self, side: Side, quantity: Decimal, limit: Decimal | None = None) -> Cost:
        """What a BUY would pay, or a SELL get, for this quantity in the visible book, up to a limit."""
        left, notional, worst = quantity, ZERO, None
        for price, available in self.asks() if side is Side.BUY else self.bids():
            if left <= 0 or (limit is not None and (price > limit if side is Side.BUY else price < limit)):
                break
            taken = min(left, available)
            notional += taken * price
            left -= taken
            worst = price
        done = quantity - left
        covered = done / quantity if quantity > 0 else ZERO
        return Cost(done, notional, notional / done if done > 0 else None, worst, covered)
