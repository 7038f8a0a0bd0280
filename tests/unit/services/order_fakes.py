"""A venue, a market and an account in memory, to try the order gate on."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from terminal.core.clock import Clock, SystemClock
from terminal.domain.account import AccountSnapshot, Balance, FeeRates, Position
from terminal.domain.book import OrderBook
from terminal.domain.errors import RequestRejected
from terminal.domain.events import FillReported, OrderReported
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import BookLevel, BookSnapshot, Quote, Side
from terminal.domain.orders import (
    AmendRequest,
    Fill,
    Order,
    OrderRef,
    OrderReport,
    OrderRequest,
    OrderState,
    OrderType,
    TimeInForce,
)
from terminal.services.arming import Arming, ArmState
from terminal.services.inquiries import GateTimings
from terminal.services.journal import Journal
from terminal.services.notices import Notice
from terminal.services.orders import OrderGate
from terminal.services.risk import RiskLimits, RiskRules
from terminal.venues.base import BookKind, Capabilities, KeyReport, SubmitAck, VenueInfo

ACCOUNT = "kraken:practice"
BTC_USD = InstrumentId("kraken", "BTC/USD")
ARM = frozenset({"arm"})
D = Decimal

INSTRUMENT = Instrument(
    id=BTC_USD,
    venue_symbol="BTC/USD",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USD",
    tick_size=D("0.1"),
    quantity_step=D("0.00000001"),
    min_quantity=D("0.0001"),
    min_notional=D("0.5"),
    price_decimals=1,
)

CAPABILITIES = Capabilities(
    book=BookKind.LEVELS,
    order_types=frozenset(OrderType),
    time_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD}),
    post_only=True,
    quantity_in_quote=True,
    amend=True,
    lookup_by_client_id=True,
    cancel_all=True,
    dead_mans_switch=True,
)

FAST = GateTimings(
    journal_s=2.0,
    answer_s=5.0,
    look_s=1.0,
    looks_s=(0.0, 0.01, 0.02, 0.03),
    not_found_looks=3,
    not_found_after_s=0.05,
    cancel_confirm_s=0.05,
    parked_grace_s=0.02,
)


def limit_order(
    side: Side = Side.BUY, quantity: str = "0.01", price: str = "60000.0", **rest: object
) -> OrderRequest:
    request = OrderRequest(BTC_USD, side, OrderType.LIMIT, D(quantity), limit_price=D(price))
    return replace(request, **rest)  # type: ignore[arg-type]


def market_order(side: Side = Side.BUY, quantity: str = "0.01") -> OrderRequest:
    return OrderRequest(BTC_USD, side, OrderType.MARKET, D(quantity))


class FakeMarket:
    """One instrument, 60,000.0 / 60,000.1 with ten levels of 1 BTC a side."""

    def __init__(self) -> None:
        self.listing: Instrument | None = INSTRUMENT
        self.age_ns: int | None = 100_000_000
        self.last = D("60000.0")
        self.order_book: OrderBook | None = OrderBook(BTC_USD, 10)
        self.order_book.load(
            BookSnapshot(
                BTC_USD,
                tuple(BookLevel(D("60000.0") - D(i) / 10, D(1)) for i in range(10)),
                tuple(BookLevel(D("60000.1") + D(i) / 10, D(1)) for i in range(10)),
                10,
                None,
                None,
                None,
                0,
            )
        )

    def instrument(self, instrument: InstrumentId, /) -> Instrument | None:
        return self.listing

    def quote(self, instrument: InstrumentId, /) -> Quote | None:
        return Quote(
            BTC_USD,
            D("60000.0"),
            D(1),
            D("60000.1"),
            D(1),
            self.last,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            0,
        )

    def book(self, instrument: InstrumentId, /) -> OrderBook | None:
        return self.order_book

    def price_age_ns(self, instrument: InstrumentId, /) -> int | None:
        return self.age_ns


class FakeAccounts:
    """A rich account."""

    def __init__(self) -> None:
        self.held: dict[str, Balance] = {
            "USD": Balance("USD", D(1_000_000)),
            "BTC": Balance("BTC", D(50)),
        }
        self.worth: Decimal | None = D(4_000_000)
        self.margin_leverage: Decimal | None = None
        self.positions: dict[str, Position] = {}

    def position(self, account: str, position_id: str, /) -> Position | None:
        return self.positions.get(position_id)

    def balances(self, account: str, /) -> Mapping[str, Balance]:
        return self.held

    def holds_of(self, account: str, order: Order, /) -> tuple[str, Decimal]:
        price = order.limit_price or order.trigger_price or D(0)
        return ("BTC", order.remaining) if order.side is Side.SELL else ("USD", order.remaining * price)

    def fee_rates(self, account: str, symbol: str, /) -> FeeRates | None:
        return FeeRates(D("0.25"), D("0.40"))

    def leverage(self, account: str, instrument: Instrument, /) -> Decimal | None:
        return self.margin_leverage

    def equity(self, account: str, currency: str, /) -> Decimal | None:
        return self.worth


@dataclass
class FakeVenue:
    """A connector and its venue in one: remembers what reached it, and fails on order.

    ``raise_on`` maps a method to what it raises once; ``after`` says whether the venue acted first.
    """

    info: VenueInfo = field(default_factory=lambda: VenueInfo("kraken", "Kraken", CAPABILITIES))
    gate: OrderGate | None = None
    raise_on: dict[str, BaseException] = field(default_factory=dict)
    acts_before_raising: bool = False
    received: list[tuple[str, str]] = field(default_factory=list)
    """What reached the venue: (method, client or venue order id), in order."""
    reports: dict[str, OrderReport] = field(default_factory=dict)
    """The venue's own orders, by venue order id."""
    fills: list[Fill] = field(default_factory=list)
    hold: asyncio.Event | None = None
    """Set: answers wait for it."""
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    clock: int = field(default_factory=time.time_ns)
    looks: int = 0
    balances: tuple[Balance, ...] = (Balance("USD", D(1_000_000)),)

    def now(self) -> int:
        self.clock += 1_000_000
        return self.clock

    # -- what the venue does ----------------------------------------------------------------------

    def place(self, request: OrderRequest, client_order_id: str | None) -> OrderReport:
        venue_order_id = f"O{next(self.numbers):05d}"
        report = OrderReport(
            instrument=request.instrument,
            venue_order_id=venue_order_id,
            client_order_id=client_order_id,
            state=OrderState.OPEN,
            side=request.side,
            order_type=request.order_type,
            quantity=request.quantity,
            filled_quantity=D(0),
            average_price=None,
            limit_price=request.limit_price,
            trigger_price=request.trigger_price,
            ts_event_ns=self.now(),
        )
        self.reports[venue_order_id] = report
        return report

    def trade(self, venue_order_id: str, quantity: str, price: str = "60000.0") -> Fill:
        report = self.reports[venue_order_id]
        filled = report.filled_quantity + D(quantity)
        self.reports[venue_order_id] = replace(
            report,
            filled_quantity=filled,
            average_price=D(price),
            state=OrderState.FILLED if filled >= report.quantity else OrderState.PARTLY_FILLED,
            ts_event_ns=self.now(),
        )
        fill = Fill(
            f"T{next(self.numbers):05d}",
            report.instrument,
            report.side,
            D(price),
            D(quantity),
            D("0.1"),
            "USD",
            False,
            venue_order_id,
            report.client_order_id,
            self.now(),
        )
        self.fills.append(fill)
        return fill

    def end(self, venue_order_id: str, state: OrderState = OrderState.CANCELED) -> OrderReport:
        self.reports[venue_order_id] = replace(
            self.reports[venue_order_id], state=state, reason="User requested", ts_event_ns=self.now()
        )
        return self.reports[venue_order_id]

    def push(self, item: OrderReport | Fill) -> None:
        """Send an event down the private stream."""
        assert self.gate is not None
        event = FillReported(item) if isinstance(item, Fill) else OrderReported(item)
        self.gate.on_event(ACCOUNT, event)

    def find(self, ref: OrderRef) -> OrderReport | None:
        for report in self.reports.values():
            if ref.venue_order_id == report.venue_order_id or (
                ref.client_order_id is not None and ref.client_order_id == report.client_order_id
            ):
                return report
        return None

    def count(self, method: str) -> int:
        return sum(1 for name, _ in self.received if name == method)

    # -- the connector ----------------------------------------------------------------------------

    async def _answer(self, method: str, act: object) -> None:
        error = self.raise_on.pop(method, None)
        if error is None or self.acts_before_raising:
            assert callable(act)
            act()
        if self.hold is not None:
            await self.hold.wait()
        if error is not None:
            raise error

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        self.received.append(("submit", client_order_id))
        placed: list[OrderReport] = []
        await self._answer("submit", lambda: placed.append(self.place(request, client_order_id)))
        return SubmitAck(placed[0].venue_order_id)

    async def cancel(self, ref: OrderRef) -> None:
        self.received.append(("cancel", ref.client_order_id or ref.venue_order_id or ""))

        def act() -> None:
            report = self.find(ref)
            if report is None or report.state.is_final:
                raise RequestRejected("kraken", code="EOrder:Unknown order", venue_text="Unknown order")
            self.end(report.venue_order_id)

        await self._answer("cancel", act)

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None:
        for ref in refs:
            await self.cancel(ref)

    async def cancel_all(self) -> int:
        self.received.append(("cancel_all", ""))
        open_ids = [key for key, report in self.reports.items() if not report.state.is_final]

        def act() -> None:
            for key in open_ids:
                self.end(key)

        await self._answer("cancel_all", act)
        return len(open_ids)

    async def amend(self, ref: OrderRef, change: AmendRequest) -> None:
        self.received.append(("amend", ref.client_order_id or ""))

        def act() -> None:
            report = self.find(ref)
            assert report is not None
            self.reports[report.venue_order_id] = replace(
                report,
                quantity=change.quantity or report.quantity,
                limit_price=change.limit_price or report.limit_price,
                ts_event_ns=self.now(),
            )

        await self._answer("amend", act)

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        self.looks += 1
        error = self.raise_on.get("order_status")
        if error is not None:
            raise error
        return self.find(ref)

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        return AccountSnapshot(
            balances=self.balances,
            open_orders=tuple(report for report in self.reports.values() if not report.state.is_final),
            recent_orders=tuple(
                report for report in reversed(self.reports.values()) if report.state.is_final
            ),
            fills=tuple(self.fills),
            ts_event_ns=self.now(),
        )

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        return None

    async def test_credentials(self) -> KeyReport:
        return KeyReport({})

    async def cancel_after(self, timeout_s: int) -> None:
        self.received.append(("cancel_after", str(timeout_s)))
        error = self.raise_on.get("cancel_after")
        if error is not None:
            raise error


@dataclass
class Desk:
    """A gate on a fake venue, with all it told."""

    gate: OrderGate
    venue: FakeVenue
    market: FakeMarket
    accounts: FakeAccounts
    journal: Journal
    connected: bool = True
    notices: list[Notice] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)

    async def reconcile(self) -> object:
        return await self.gate.reconcile(ACCOUNT, await self.venue.snapshot(0))

    def texts(self) -> str:
        return "\n".join(notice.text for notice in self.notices)


async def open_desk(
    folder: Path,
    *,
    venue: FakeVenue | None = None,
    clock: Clock | None = None,
    timings: GateTimings = FAST,
    limits: RiskLimits | None = None,
    journal: Journal | None = None,
    reconcile: bool = True,
    **rest: object,
) -> Desk:
    """A started gate in one-click (the arm switch has tests of its own), reconciled unless told otherwise."""
    venue = venue or FakeVenue()
    clock = clock or SystemClock()
    market, accounts = FakeMarket(), FakeAccounts()
    journal = journal or Journal(folder / "journal.sqlite", clock=clock)
    arming = Arming(clock)
    arming.set(ArmState.ONE_CLICK)
    desk: Desk
    gate = OrderGate(
        journal=journal,
        rules=RiskRules(limits or RiskLimits(duplicate_s=None)),
        clock=clock,
        connector=lambda account: venue if desk.connected else None,
        market=market,
        account_view=accounts,
        timings=timings,
        arming=arming,
        **rest,  # type: ignore[arg-type]
    )
    desk = Desk(gate, venue, market, accounts, journal)
    venue.gate = gate
    gate.notice.watch(desk.notices.append)
    gate.fill_added.watch(desk.fills.append)
    await gate.start()
    if reconcile:
        await desk.reconcile()
    return desk
