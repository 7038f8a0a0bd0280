"""Market data: what the venue says about prices. Times are nanoseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import NamedTuple, Protocol

from terminal.domain.instrument import InstrumentId


class Side(Enum):
    """Of an order, a fill or (the taker's side) a trade."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class Level(Protocol):
    """One price of a book as a connector hands it over: its own decoded row, or a :class:`BookLevel`.

    To make a ``BookLevel`` of each row would cost as much as to apply it.
    """

    @property
    def price(self) -> Decimal: ...

    @property
    def quantity(self) -> Decimal:
        """In base units, or in what the book's snapshot names as its ``unit``; 0 removes the price."""
        ...


class BookLevel(NamedTuple):
    """One price of a book."""

    price: Decimal
    quantity: Decimal


class Quote(NamedTuple):
    """The best prices and the day's figures. ``None`` means that the venue has not said."""

    instrument: InstrumentId
    bid: Decimal | None
    bid_quantity: Decimal | None
    ask: Decimal | None
    ask_quantity: Decimal | None
    last: Decimal | None
    volume_24h: Decimal | None
    """In base units."""
    low_24h: Decimal | None
    high_24h: Decimal | None
    change_24h: Decimal | None
    """In quote units, against 24 hours ago."""
    change_24h_pct: Decimal | None
    vwap_24h: Decimal | None
    ts_event_ns: int | None
    ts_received_ns: int


class Trade(NamedTuple):
    """A public print. ``side`` is the taker's."""

    instrument: InstrumentId
    trade_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    ts_event_ns: int
    ts_received_ns: int


class Bar(NamedTuple):
    """Open, high, low, close and volume (base units) of one interval, named by its first nanosecond."""

    open_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int | None = None


class FundingRate(NamedTuple):
    """What holding a perpetual contract costs at its next funding: positive, the long side pays the short."""

    instrument: InstrumentId
    rate: Decimal
    """Of the position's worth; 0.0001 is 0.01 %."""
    due_ns: int
    """When it is paid."""
    following_ns: int | None
    """The funding after that, where the venue says."""
    ts_event_ns: int | None
    ts_received_ns: int


class BookSnapshot(NamedTuple):
    """A whole book, best levels first. ``checksum`` and ``sequence`` are None where the venue has none."""

    instrument: InstrumentId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    depth: int
    checksum: int | None
    sequence: int | None
    ts_event_ns: int | None
    ts_received_ns: int
    unit: Decimal | None = None
    """Base units in one of what the levels count here and in the deltas that follow: the size of a contract.
    None where they count base units."""


class BookDelta(NamedTuple):
    """Changes to a book, in the order to apply them; quantity 0 removes the price."""

    instrument: InstrumentId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    checksum: int | None
    previous_sequence: int | None
    sequence: int | None
    ts_event_ns: int | None
    ts_received_ns: int


class FeedKind(Enum):
    """What can be subscribed to."""

    QUOTES = "quotes"
    BOOK = "book"
    TRADES = "trades"
    BARS = "bars"


@dataclass(frozen=True, slots=True)
class Feed:
    """One subscription: what, of which instrument, how deep or at which interval."""

    kind: FeedKind
    symbol: str
    depth: int | None = None
    """Levels a side; BOOK only."""
    interval_s: int | None = None
    """Length of a bar in seconds; BARS only."""

    def __str__(self) -> str:
        extra = self.depth if self.kind is FeedKind.BOOK else self.interval_s
        return f"{self.kind.value} {self.symbol}" + (f" {extra}" if extra is not None else "")
