"""Hand-written stand-ins that several tests share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from terminal.domain.account import AccountSnapshot, FeeRates
from terminal.domain.book import BookChecker, OrderBook
from terminal.domain.errors import VenueUnavailable
from terminal.domain.events import BudgetLevel, LinkChanged, LinkState, VenueEvent
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Bar, Feed, FeedKind
from terminal.domain.orders import OrderRef, OrderReport, OrderRequest, OrderType, TimeInForce
from terminal.venues.base import (
    BookKind,
    Capabilities,
    KeyReport,
    LinkHealth,
    Sink,
    SubmitAck,
    VenueInfo,
)

BTC = InstrumentId("fake", "BTC/USD")

INFO = VenueInfo(
    "fake",
    "Fake",
    Capabilities(
        BookKind.LEVELS,
        book_depths=(10, 100, 500),
        feeds=frozenset(FeedKind),
        bar_intervals_s=(60, 300),
        bars_bring_past=True,
        order_types=frozenset({OrderType.LIMIT, OrderType.MARKET}),
        time_in_force=frozenset({TimeInForce.GTC}),
    ),
)


def instrument(instrument_id: InstrumentId = BTC) -> Instrument:
    base, _, quote = instrument_id.symbol.partition("/")
    return Instrument(
        instrument_id,
        instrument_id.symbol,
        InstrumentKind.SPOT,
        base,
        quote,
        tick_size=Decimal("0.1"),
        quantity_step=Decimal("0.00000001"),
        min_quantity=Decimal("0.00005"),
        min_notional=Decimal("0.5"),
        price_decimals=1,
    )


class SumChecker:
    """A checksum simple enough to write by hand: the number of levels."""

    def matches(self, book: OrderBook, checksum: int) -> bool:
        return sum(book.level_counts()) == checksum


class FakeConnector:
    """A venue that does what the test says and notes what it was asked."""

    def __init__(self, info: VenueInfo = INFO, *, history: Sequence[Bar] = ()) -> None:
        self.info = info
        self.subscribed: list[Feed] = []
        self.unsubscribed: list[Feed] = []
        self.resynced: list[Feed] = []
        self.history = list(history)
        self.history_error: Exception | None = None
        self.sink: Sink | None = None
        self.closed = False
        self.last_frame_ns: int | None = 0
        self.clock_offset_ms: float | None = 0.0
        self.snapshot_answer: AccountSnapshot | Exception = AccountSnapshot((), ())
        self.snapshots_asked: list[int] = []

    async def connect(self, sink: Sink) -> None:
        self.sink = sink
        self.emit(LinkChanged("public", LinkState.LIVE, "", 0))

    def emit(self, event: VenueEvent) -> None:
        assert self.sink is not None
        self.sink(event)

    async def close(self) -> None:
        self.closed = True

    async def instruments(self) -> Sequence[Instrument]:
        return [instrument()]

    async def subscribe(self, feed: Feed) -> None:
        self.subscribed.append(feed)

    async def unsubscribe(self, feed: Feed) -> None:
        self.unsubscribed.append(feed)

    async def resync(self, feed: Feed) -> None:
        self.resynced.append(feed)

    def book_checker(self, symbol: str) -> BookChecker | None:
        return SumChecker()

    def budgets(self) -> Sequence[BudgetLevel]:
        return ()

    def health(self) -> LinkHealth:
        return LinkHealth(1.0, self.clock_offset_ms, self.last_frame_ns, 0, 0)

    async def bars(
        self,
        symbol: str,
        interval_s: int,
        *,
        end_ns: int | None = None,
        limit: int = 720,
        progress: Callable[[Decimal], None] | None = None,
    ) -> Sequence[Bar]:
        if self.history_error is not None:
            raise self.history_error
        return [bar for bar in self.history if end_ns is None or bar.open_ns < end_ns][-limit:]

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        return SubmitAck("V1")

    async def cancel(self, ref: OrderRef) -> None: ...

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None: ...

    async def cancel_all(self) -> int:
        return 0

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        return None

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        self.snapshots_asked.append(since_ns)
        if isinstance(self.snapshot_answer, Exception):
            raise self.snapshot_answer
        return self.snapshot_answer

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        return None

    async def test_credentials(self) -> KeyReport:
        raise VenueUnavailable("fake")
