"""Hand-written stand-ins for what the ladder, the tape and the ticket ask of the services."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from terminal.core.clock import ManualClock
from terminal.core.observe import Observable
from terminal.domain.account import AccountFigures, AccountInfo, Balance, FeeRates
from terminal.domain.book import OrderBook
from terminal.domain.contract_rules import check_contract
from terminal.domain.errors import OrderRefused, TerminalError
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import BookLevel, BookSnapshot, Feed, FundingRate, Quote, Side, Trade
from terminal.domain.orders import AmendRequest, Order, OrderRequest, OrderState, OrderType, TimeInForce
from terminal.domain.rules import check_amend, check_protection, check_request
from terminal.services.arming import Arming, ArmState
from terminal.services.market_data import FeedState, Topic
from terminal.services.order_checks import CheckResult, ConfirmationNeeded
from terminal.services.session import Mode, SessionState
from terminal.venues.base import BookKind, Capabilities, ProtectionKind
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.ports import VenueAbilities

BTC = InstrumentId("kraken", "BTC/USD")
ETH = InstrumentId("kraken", "ETH/USD")
ACCOUNT = "kraken:practice"
D = Decimal


def btc() -> Instrument:
    return Instrument(
        BTC, "XBT/USD", InstrumentKind.SPOT, "BTC", "USD", D("0.1"), D("0.00000001"), D("0.00005"),
        min_notional=D("0.5"), price_decimals=1,
    )  # fmt: skip


def eth() -> Instrument:
    return Instrument(
        ETH, "ETH/USD", InstrumentKind.SPOT, "ETH", "USD", D("0.01"), D("0.00000001"), D("0.002"),
        min_notional=D("0.5"), price_decimals=2,
    )  # fmt: skip


EVERYTHING = Capabilities(
    BookKind.LEVELS,
    order_types=frozenset(OrderType),
    time_in_force=frozenset({TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC}),
    post_only=True,
    reduce_only=True,
    trigger_on_index=True,
    amend=True,
)


LEVELS_TOO = replace(EVERYTHING, protections=frozenset(ProtectionKind))


class FakeMarket:
    """A book, trades and their states, set by hand."""

    def __init__(self) -> None:
        self.changed: Observable[[InstrumentId, Topic]] = Observable("fake market")
        self.instruments = {BTC: btc(), ETH: eth()}
        self.books: dict[InstrumentId, OrderBook] = {}
        self.state = FeedState.LIVE
        self.trade_state = FeedState.LIVE
        self.prints: dict[InstrumentId, deque[Trade]] = {}
        self.watched: list[Feed] = []
        self.refused = ""
        self.fundings: dict[InstrumentId, FundingRate] = {}

    def watch(self, feed: Feed, venue: str) -> Callable[[], None]:
        self.watched.append(feed)
        return lambda: self.watched.remove(feed)

    def instrument(self, instrument: InstrumentId) -> Instrument | None:
        return self.instruments.get(instrument)

    def quote(self, instrument: InstrumentId) -> Quote | None:
        return None

    def funding(self, instrument: InstrumentId) -> FundingRate | None:
        return self.fundings.get(instrument)

    def book(self, instrument: InstrumentId) -> OrderBook | None:
        return self.books.get(instrument) if self.state is FeedState.LIVE else None

    def last_book(self, instrument: InstrumentId) -> OrderBook | None:
        return self.books.get(instrument)

    def book_state(self, instrument: InstrumentId) -> FeedState:
        return self.state

    def feed_state(self, feed: Feed, venue: str) -> FeedState:
        return self.trade_state

    def refusal(self, feed: Feed, venue: str) -> str:
        return self.refused

    def trades(self, instrument: InstrumentId) -> deque[Trade]:
        return self.prints.setdefault(instrument, deque(maxlen=5000))

    # -- what a test does

    def set_book(
        self, bids: list[tuple[str, str]], asks: list[tuple[str, str]], instrument: InstrumentId = BTC
    ) -> None:
        book = OrderBook(instrument, 1000)
        book.load(
            BookSnapshot(
                instrument,
                tuple(BookLevel(D(price), D(quantity)) for price, quantity in bids),
                tuple(BookLevel(D(price), D(quantity)) for price, quantity in asks),
                depth=1000,
                checksum=None,
                sequence=None,
                ts_event_ns=None,
                ts_received_ns=0,
            )
        )
        self.books[instrument] = book
        self.changed.notify(instrument, Topic.BOOK)

    def set_state(self, state: FeedState, instrument: InstrumentId = BTC) -> None:
        self.state = self.trade_state = state
        self.changed.notify(instrument, Topic.STATE)

    def add_trade(
        self, number: int, side: Side, price: str, quantity: str, ts_ns: int, instrument: InstrumentId = BTC
    ) -> None:
        trade = Trade(instrument, str(number), side, D(price), D(quantity), ts_ns, ts_ns)
        self.trades(instrument).append(trade)
        self.changed.notify(instrument, Topic.TRADES)


class FakeInfo:
    title = "Kraken"

    def __init__(self, capabilities: VenueAbilities) -> None:
        self.capabilities = capabilities


class FakeSession:
    def __init__(self, mode: Mode = Mode.PRACTICE, capabilities: VenueAbilities = EVERYTHING) -> None:
        self.account = ACCOUNT
        self.mode = mode
        self.has_account = mode is not Mode.PUBLIC
        self.infos: dict[str, AccountInfo] = {}
        self.info = FakeInfo(capabilities)
        self.state = SessionState.LIVE
        self.reason = ""


class FakeSessions:
    def __init__(self, session: FakeSession | None = None) -> None:
        self.changed: Observable[[str]] = Observable("fake sessions")
        self.sessions: dict[str, FakeSession] = {"kraken": session or FakeSession()}


class FakeSelection:
    def __init__(self, instrument: InstrumentId | None = BTC) -> None:
        self.changed: Observable[[]] = Observable("fake selection")
        self.instrument = instrument
        self.empty_text = "Choose an instrument in the watchlist."

    def select(self, instrument: InstrumentId | None) -> None:
        self.instrument = instrument
        self.changed.notify()


class FakeAccounts:
    def __init__(self) -> None:
        self.changed: Observable[[str]] = Observable("fake accounts")
        self.held = {
            "USD": Balance("USD", D(10000), D(500)),
            "BTC": Balance("BTC", D("0.25"), D(0)),
        }
        self.fees: FeeRates | None = FeeRates(D("0.25"), D("0.40"))
        self.known = True
        self.margin: AccountFigures | None = None
        self.margin_leverage: Decimal | None = None
        self.rates: dict[tuple[str, str], Decimal] = {}
        self.worth_of_all: Decimal | None = None

    def balances(self, account: str) -> Mapping[str, Balance]:
        return self.held

    def fee_rates(self, account: str, symbol: str) -> FeeRates | None:
        return self.fees

    def is_known(self, account: str) -> bool:
        return self.known

    def figures(self, account: str) -> AccountFigures | None:
        return self.margin

    def leverage(self, account: str, instrument: Instrument) -> Decimal | None:
        return self.margin_leverage

    def equity(self, account: str, currency: str) -> Decimal | None:
        return self.worth_of_all

    def worth(self, account: str, asset: str, amount: Decimal, currency: str) -> Decimal | None:
        rate = self.rates.get((asset, currency))
        return None if rate is None else amount * rate


class FakeGate:
    """Takes orders, checks them by the domain's rules, and answers as the test says."""

    def __init__(self, clock: ManualClock, market: FakeMarket) -> None:
        self.orders: dict[str, Order] = {}
        self.changed: Observable[[Order]] = Observable("fake orders")
        self.removed: Observable[[str]] = Observable("fake removed")
        self.readiness: Observable[[str]] = Observable("fake readiness")
        self.arming = Arming(clock)
        self.abilities = EVERYTHING
        self.sent: list[OrderRequest] = []
        self.amended: list[tuple[str, AmendRequest]] = []
        self.canceled: list[str] = []
        self.asked: list[str] = []
        self.confirmed: list[frozenset[str]] = []
        self.answer: OrderState | TerminalError = OrderState.OPEN
        self.reason = ""
        self.warnings: tuple[OrderRefused, ...] = ()
        self.closed = ""
        self._clock = clock
        self._market = market

    def ready(self, account: str) -> bool:
        return not self.closed

    def closed_reason(self, account: str) -> str:
        return self.closed

    def check(self, account: str, request: OrderRequest) -> CheckResult:
        instrument = self._market.instrument(request.instrument)
        assert instrument is not None
        check = check_contract if request.order_type is OrderType.CONTRACT else check_request
        faults = check(request, instrument, self.abilities, now_ns=self._clock.wall_ns())
        return CheckResult(tuple(faults), self.warnings)

    def check_amend(self, client_order_id: str, change: AmendRequest) -> CheckResult:
        order = self.orders[client_order_id]
        instrument = self._market.instrument(order.instrument)
        assert instrument is not None
        faults = check_amend(change, order, instrument)
        protection, entry = change.protection or order.protection, change.limit_price
        if not faults and protection is not None and entry is not None:
            faults = check_protection(
                protection, instrument, LEVELS_TOO, side=order.side, entry=entry, market=None
            )
        return CheckResult.of(faults)

    def add(self, request: OrderRequest, state: OrderState = OrderState.OPEN) -> Order:
        number = f"c{len(self.orders) + 1}"
        order = Order(
            number, ACCOUNT, request, state, 0, 0, "V" + number, request.quantity,
            request.limit_price, request.trigger_price, request.display_quantity,
        )  # fmt: skip
        self.orders[number] = order
        self.changed.notify(order)
        return order

    async def submit(
        self, account: str, request: OrderRequest, *, confirmed: frozenset[str] = frozenset()
    ) -> Order:
        missing = [each for each in self.warnings if each.token not in confirmed]
        if self.arming.state is ArmState.CONFIRM and "arm" not in confirmed:
            missing.append(OrderRefused("arm", "Confirm the order.", confirmable=True))
        if missing:
            raise ConfirmationNeeded(missing)
        self.sent.append(request)
        self.confirmed.append(confirmed)
        if isinstance(self.answer, TerminalError):
            raise self.answer
        order = self.add(request, self.answer)
        order.reason = self.reason
        return order

    async def amend(
        self, client_order_id: str, change: AmendRequest, *, confirmed: frozenset[str] = frozenset()
    ) -> Order:
        self.amended.append((client_order_id, change))
        order = self.orders[client_order_id]
        order.limit_price = change.limit_price or order.limit_price
        order.trigger_price = change.trigger_price or order.trigger_price
        self.changed.notify(order)
        return order

    async def cancel(self, client_order_id: str) -> Order:
        self.canceled.append(client_order_id)
        order = self.orders[client_order_id]
        self.settle(order, OrderState.CANCELED)
        return order

    async def check_now(self, client_order_id: str) -> Order:
        self.asked.append(client_order_id)
        return self.orders[client_order_id]

    def treat_as_live(self, client_order_id: str) -> Order:
        order = self.orders[client_order_id]
        self.settle(order, OrderState.OPEN)
        return order

    def settle(self, order: Order, state: OrderState, reason: str = "") -> None:
        order.state, order.reason = state, reason
        self.changed.notify(order)


class Desk:
    """All of it together, with a clock of the test's own.

    Its frame timer has to end with the test: a running timer that is left over as garbage may be collected
    by another test's worker thread, and Qt then fires a timer that is no more.
    """

    made: ClassVar[list[Desk]] = []

    def __init__(self, session: FakeSession | None = None) -> None:
        self.made.append(self)
        self.clock = ManualClock()
        self.frames = FrameClock()
        self.market = FakeMarket()
        self.sessions = FakeSessions(session)
        self.selection = FakeSelection()
        self.accounts = FakeAccounts()
        self.gate = FakeGate(self.clock, self.market)

    @classmethod
    def stop_all(cls) -> None:
        """End the timers of every desk so far."""
        for desk in cls.made:
            desk.frames.stop()
        cls.made.clear()

    def pass_time(self, seconds: float) -> None:
        """Let time pass and run a frame."""
        self.clock.advance(seconds)
        self.frames.tick()


def limit(side: Side, price: str, quantity: str = "0.25", instrument: InstrumentId = BTC) -> OrderRequest:
    return OrderRequest(instrument, side, OrderType.LIMIT, D(quantity), limit_price=D(price))


def lifelike_book(rng: random.Random, mid: Decimal, levels: int = 100) -> tuple[list[tuple[str, str]], ...]:
    """A book with gaps and clustered sizes around a mid price, ticks of 0.1."""
    sides = []
    for sign in (-1, 1):
        price, out = mid + sign * D("0.1"), []
        for _ in range(levels):
            size = round(rng.lognormvariate(-1.2, 1.5), 8)
            out.append((str(price), f"{size + 0.0001:.8f}"))
            price += sign * D("0.1") * rng.choice((1, 1, 2, 3, 5, 9, 14))
        sides.append(out)
    return tuple(sides)
