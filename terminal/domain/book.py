"""An order book: sorted levels, kept exact by the venue's own rules.

Each side is its quantities by price and a sorted list of the prices. To hash a ``Decimal`` takes longer than
to find it among a hundred sorted ones, but an object is hashed only once: the decoders of the busy feeds give
the same object for the same price (:data:`~terminal.domain.decimals.kept_prices`), and then a level that
only changes, or goes and was not there, is not searched for at all. Integers gain nothing, because turning
the wire's text into them eats the gain. A side has at most a thousand levels: a list shift is cheaper than
any tree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from itertools import repeat
from operator import attrgetter, mul
from typing import Final, NamedTuple, Protocol

from terminal.domain.decimals import HUGE, TINY, ZERO
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookLevel, BookSnapshot, Level, Side
from terminal.domain.worth import mean_price

# A comparison with NaN raises the one; to hash a signalling NaN, and what is no number at all, the other.
_NOT_NUMBERS: Final = (InvalidOperation, TypeError)
_NOT_A_NUMBER: Final = "a level that is not a number"
# Updates are applied together where they have more levels than the book has times this.
_MANY: Final = 1
_STEPS_KEPT: Final = 8
_BUCKETS_KEPT: Final = 5_000
_price_of: Final = attrgetter("price")


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
    """In quote units; of an inverse contract in coins."""
    average_price: Decimal | None
    worst_price: Decimal | None
    covered: Decimal
    """0 to 1: the part of the asked quantity that the visible book covers. Never extrapolated."""


def _whole(price: object) -> Decimal:
    """A price as a decoder gives it where it has no point. Raises TypeError for anything else."""
    if type(price) is not int:
        raise TypeError(f"no price: {type(price).__name__}")
    return Decimal(price)


class _Side:
    """The bids or the asks.

    The levels are checked here and not where they are decoded, because to walk over them once more costs a
    third as much again; a price only where it is new.
    """

    __slots__ = ("_buckets", "is_bids", "prices", "quantities")

    def __init__(self, side: Side) -> None:
        self.is_bids = side is Side.BUY
        self.prices: list[Decimal] = []
        """Ascending."""
        self.quantities: dict[Decimal, Decimal] = {}
        self._buckets: dict[Decimal, dict[Decimal, int]] = {}
        """Of each price, by step: to divide takes several times as long as to look it up."""

    def load(self, levels: Iterable[Level], depth: int) -> None:
        """Take a whole side. A venue sends it in order already: to sort it takes a comparison a level."""
        ordered = sorted(levels, key=_price_of)
        prices = [price if isinstance(price := level.price, Decimal) else _whole(price) for level in ordered]
        if prices and not (prices[0] > TINY and prices[-1] < HUGE):
            raise BookFault(f"impossible price {prices[0]} or {prices[-1]}")
        quantities = [level.quantity for level in ordered]
        for quantity in quantities:
            if not ZERO < quantity < HUGE:
                raise BookFault(f"impossible quantity {quantity}")
        # Of a price that comes twice the last one counts.
        self.quantities = dict(zip(prices, quantities, strict=True))
        self.prices = prices if len(self.quantities) == len(prices) else list(self.quantities)
        self._cut(depth)

    def clear(self) -> None:
        self.prices, self.quantities = [], {}

    def apply(self, levels: Iterable[Level], depth: int) -> None:
        """One update. The hottest loop of the program."""
        prices, quantities = self.prices, self.quantities
        for level in levels:
            price = level.price
            quantity = level.quantity
            if not quantity:
                if price in quantities:
                    del quantities[price], prices[bisect_left(prices, price)]
            elif not ZERO < quantity < HUGE:
                raise BookFault(f"impossible quantity {quantity}")
            elif price in quantities:
                quantities[price] = quantity
            elif TINY < price < HUGE:
                if not isinstance(price, Decimal):
                    price = _whole(price)  # type: ignore[unreachable]
                prices.insert(bisect_left(prices, price), price)
                quantities[price] = quantity
            else:
                raise BookFault(f"impossible price {price}")
        if len(prices) > depth:
            self._cut(depth)

    def apply_together(self, updates: Sequence[Sequence[Level]], depth: int) -> None:
        """Many updates: as :meth:`apply` with each in turn, but the prices are sorted once at the end.

        That pays where more levels come than there are. What a full side loses is decided update by update:
        from there on they are applied one by one.
        """
        quantities = self.quantities
        moved: dict[Decimal, None] = {}
        done = 0
        try:
            for levels in updates:
                for level in levels:
                    price = level.price
                    quantity = level.quantity
                    if not quantity:
                        if price in quantities:
                            del quantities[price]
                            moved[price] = None
                    elif not ZERO < quantity < HUGE:
                        raise BookFault(f"impossible quantity {quantity}")
                    elif price in quantities:
                        quantities[price] = quantity
                    elif TINY < price < HUGE:
                        if not isinstance(price, Decimal):
                            price = _whole(price)  # type: ignore[unreachable]
                        quantities[price] = quantity
                        moved[price] = None
                    else:
                        raise BookFault(f"impossible price {price}")
                done += 1
                if len(quantities) > depth:
                    break
        finally:
            if moved:
                prices = [price for price in self.prices if price not in moved]
                prices += [price for price in moved if price in quantities]
                prices.sort()
                self.prices = prices
        self._cut(depth)
        for levels in updates[done:]:
            self.apply(levels, depth)

    def grouped(self, step: Decimal) -> dict[int, Decimal]:
        """Quantities by bucket, see :meth:`OrderBook.grouped`."""
        if len(self._buckets) > _STEPS_KEPT:
            self._buckets = {}
        buckets = self._buckets.setdefault(step, {})
        if len(buckets) > _BUCKETS_KEPT:
            buckets.clear()
        rounding = ROUND_FLOOR if self.is_bids else ROUND_CEILING
        out: dict[int, Decimal] = {}
        for price, quantity in self.quantities.items():
            key = buckets.get(price)
            if key is None:
                key = buckets[price] = int((price / step).to_integral_value(rounding=rounding))
            out[key] = out[key] + quantity if key in out else quantity
        return out

    def _cut(self, depth: int) -> None:
        """The venue silently forgets what lies beyond the depth."""
        prices, quantities = self.prices, self.quantities
        worst = 0 if self.is_bids else -1
        for _ in range(len(prices) - depth):
            del quantities[prices.pop(worst)]


def _require_next(delta: BookDelta, sequence: int | None) -> None:
    previous = delta.previous_sequence
    if previous is not None and sequence is not None and previous != sequence:
        raise BookFault(f"sequence {sequence} is followed by {previous}")


class OrderBook:
    """The levels of one instrument, best first on both sides.

    Apply a snapshot, then each delta in order. ``depth`` is the subscribed depth: after every message a
    side is cut to it, as the venue does silently (Kraken WS v2 ``book``, read 2026-08).

    Quantities are held as the venue counts them and handed out in base units: of a book in contracts far more
    levels change than are looked at, and what is looked at is mostly sums.
    """

    __slots__ = (
        "_asks",
        "_bids",
        "depth",
        "instrument",
        "sequence",
        "ts_event_ns",
        "unit",
    )

    def __init__(self, instrument: InstrumentId, depth: int) -> None:
        self.instrument = instrument
        self.depth = depth
        self.sequence: int | None = None
        self.ts_event_ns: int | None = None
        self.unit: Decimal | None = None
        self._bids = _Side(Side.BUY)
        self._asks = _Side(Side.SELL)

    def load(self, snapshot: BookSnapshot) -> None:
        """Replace everything by a snapshot.

        Raises:
            BookFault: a level without a possible price or quantity, or best bid at or above best ask.
        """
        bids, asks = _Side(Side.BUY), _Side(Side.SELL)
        try:
            bids.load(snapshot.bids, self.depth)
            asks.load(snapshot.asks, self.depth)
        except _NOT_NUMBERS:
            raise BookFault(_NOT_A_NUMBER) from None
        self._bids, self._asks = bids, asks
        self.unit = snapshot.unit
        self.sequence = snapshot.sequence
        self.ts_event_ns = snapshot.ts_event_ns
        self.require_uncrossed()

    def apply(self, delta: BookDelta) -> None:
        """Apply one update: both lists in order, then cut each side to the depth.

        Raises:
            BookFault: the update does not follow the last one, or holds an impossible level. Nothing
                impossible gets into the book, but of that update a part may be in it.
        """
        _require_next(delta, self.sequence)
        try:
            if delta.bids:
                self._bids.apply(delta.bids, self.depth)
            if delta.asks:
                self._asks.apply(delta.asks, self.depth)
        except _NOT_NUMBERS:
            raise BookFault(_NOT_A_NUMBER) from None
        self.sequence = delta.sequence
        self.ts_event_ns = delta.ts_event_ns

    def apply_all(self, deltas: Sequence[BookDelta]) -> None:
        """Apply updates that have gathered: the book is then as if each had been applied by itself.

        Raises:
            BookFault: as :meth:`apply`. Where a number is missing in their sequence none is applied.
        """
        if len(deltas) == 1:
            self.apply(deltas[0])
            return
        bids = [delta.bids for delta in deltas if delta.bids]
        asks = [delta.asks for delta in deltas if delta.asks]
        if sum(map(len, bids)) + sum(map(len, asks)) < _MANY * sum(self.level_counts()):
            for delta in deltas:
                self.apply(delta)
            return
        sequence = self.sequence
        for delta in deltas:
            _require_next(delta, sequence)
            sequence = delta.sequence
        try:
            self._bids.apply_together(bids, self.depth)
            self._asks.apply_together(asks, self.depth)
        except _NOT_NUMBERS:
            raise BookFault(_NOT_A_NUMBER) from None
        if deltas:
            self.sequence = sequence
            self.ts_event_ns = deltas[-1].ts_event_ns

    def require_uncrossed(self) -> None:
        """Raise BookFault where the best bid is not below the best ask."""
        bids, asks = self._bids.prices, self._asks.prices
        if bids and asks and bids[-1] >= asks[0]:
            raise BookFault(f"crossed: bid {bids[-1]} at or above ask {asks[0]}")

    def clear(self) -> None:
        """Forget every level; the book is empty until the next snapshot."""
        self._bids.clear()
        self._asks.clear()
        self.sequence = None

    def __bool__(self) -> bool:
        return bool(self._bids.prices or self._asks.prices)

    @property
    def best_bid(self) -> BookLevel | None:
        if not self._bids.prices:
            return None
        return next(self.bids(1))

    @property
    def best_ask(self) -> BookLevel | None:
        if not self._asks.prices:
            return None
        return next(self.asks(1))

    @property
    def mid(self) -> Decimal | None:
        """Half way between the best prices; None while a side is empty."""
        bids, asks = self._bids.prices, self._asks.prices
        return (bids[-1] + asks[0]) / 2 if bids and asks else None

    @property
    def spread(self) -> Decimal | None:
        bids, asks = self._bids.prices, self._asks.prices
        return asks[0] - bids[-1] if bids and asks else None

    def bids(self, count: int | None = None) -> Iterator[BookLevel]:
        """Bid levels, highest first."""
        return self._levels(Side.BUY, count)

    def asks(self, count: int | None = None) -> Iterator[BookLevel]:
        """Ask levels, lowest first."""
        return self._levels(Side.SELL, count)

    def best(self, side: Side, count: int | None = None) -> tuple[list[Decimal], list[Decimal]]:
        """The prices of the bids (BUY) or asks (SELL), best first, and their quantities, in step."""
        prices, counts = self._counted(side, count)
        unit = self.unit
        return prices, counts if unit is None else [counted * unit for counted in counts]

    def _levels(self, side: Side, count: int | None) -> Iterator[BookLevel]:
        prices, counts = self._counted(side, count)
        return map(BookLevel, prices, counts if self.unit is None else map(mul, counts, repeat(self.unit)))

    def _counted(self, side: Side, count: int | None = None) -> tuple[list[Decimal], list[Decimal]]:
        """As :meth:`best`, with the quantities as the venue counts them."""
        if side is Side.SELL:
            prices, quantities = self._asks.prices[:count], self._asks.quantities
        else:
            end = None if count is None else -count - 1
            prices, quantities = self._bids.prices[:end:-1], self._bids.quantities
        return prices, list(map(quantities.__getitem__, prices))

    def level_counts(self) -> tuple[int, int]:
        """How many bid and ask levels there are."""
        return len(self._bids.prices), len(self._asks.prices)

    def grouped(self, side: Side, step: Decimal) -> dict[int, Decimal]:
        """Quantities by bucket, keyed by ``price / step``: bids rounded down, asks rounded up, so that a
        bucket never promises a better price than its orders have."""
        out = (self._bids if side is Side.BUY else self._asks).grouped(step)
        unit = self.unit
        return out if unit is None else {key: total * unit for key, total in out.items()}

    def cost_to_take(
        self, side: Side, quantity: Decimal, limit: Decimal | None = None, *, inverse: bool = False
    ) -> Cost:
        """What a BUY would pay, or a SELL get, for this quantity in the visible book, up to a limit.

        ``inverse``: the quantity counts the quote currency, so a level is worth quantity / price coins.
        """
        left, notional, worst = quantity, ZERO, None
        for price, available in self.asks() if side is Side.BUY else self.bids():
            if left <= 0 or (limit is not None and (price > limit if side is Side.BUY else price < limit)):
                break
            taken = min(left, available)
            notional += taken / price if inverse else taken * price
            left -= taken
            worst = price
        done = quantity - left
        covered = done / quantity if quantity > 0 else ZERO
        average = mean_price(done, notional, inverse=inverse) if done > 0 else None
        return Cost(done, notional, average, worst, covered)
