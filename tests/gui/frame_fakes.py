"""The frame on hand-written fakes: connections, an order gate and balances that do what a test says."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from PySide6.QtWidgets import QWidget

from terminal.core.clock import Clock, ManualClock
from terminal.core.log_ring import LogLine
from terminal.core.observe import Observable
from terminal.core.secret import Secret
from terminal.domain.account import AccountFigures, AccountInfo, Balance, Position
from terminal.domain.errors import AuthRejected, OrderRefused, TerminalError
from terminal.domain.events import BudgetLevel
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Feed, FundingRate, Quote, Side
from terminal.domain.orders import (
    AmendRequest,
    Fill,
    Order,
    OrderRequest,
    OrderState,
    OrderType,
    Origin,
    Protection,
)
from terminal.services.arming import Arming
from terminal.services.inquiries import Doubt
from terminal.services.market_data import FeedState, Topic
from terminal.services.mass_cancel import CancelOutcome
from terminal.services.positions import KEEP, Leg
from terminal.services.reconcile import ReconcileReport
from terminal.services.session import Mode, SessionState
from terminal.venues.base import (
    AskPerson,
    BookKind,
    Capabilities,
    CredentialField,
    KeyReport,
    LinkHealth,
    VenueInfo,
)
from terminal.viewmodels.account import AccountViewModel
from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.connection import ConnectionViewModel
from terminal.viewmodels.connection_ports import PracticeLogin
from terminal.viewmodels.cross_venue import CrossVenueViewModel
from terminal.viewmodels.desk import DeskViewModel, Rehearsal
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.layouts import LayoutStore
from terminal.viewmodels.log import LogViewModel
from terminal.viewmodels.login import SignInStatus, Way
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.orders import OrdersViewModel
from terminal.viewmodels.positions import PositionsViewModel
from terminal.viewmodels.status import StatusViewModel
from terminal.widgets.blotter import Blotter
from terminal.widgets.main_window import MainWindow
from terminal.widgets.panels import Panel

D = Decimal
BTC = InstrumentId("kraken", "BTC/USD")
ETH = InstrumentId("kraken", "ETH/USD")
ACCOUNT = "kraken:practice"
START_NS = 1_755_160_000_000_000_000

KRAKEN = VenueInfo(
    "kraken",
    "Kraken",
    Capabilities(BookKind.LEVELS, order_types=frozenset(OrderType)),
    credential_fields=(
        CredentialField("key", "API key", hint="56 characters"),
        CredentialField("secret", "Private key", hint="88 characters"),
        CredentialField("otp", "One-time password", optional=True, hint="only if your key asks for one"),
    ),
    key_page_url="https://pro.kraken.com/app/settings/api",
    key_guide="Make a key with “Query funds”, “Query open and closed orders” and “Create and modify orders”. "
    "Leave “Withdraw funds” off.",
    public_without_key=True,
)


def instrument_of(which: InstrumentId) -> Instrument:
    base, _, quote = which.symbol.partition("/")
    digits = 1 if base == "BTC" else 2
    return Instrument(
        which, which.symbol, InstrumentKind.SPOT, base, quote,
        tick_size=D(1).scaleb(-digits), quantity_step=D("0.00000001"), min_quantity=D("0.00005"),
        price_decimals=digits,
    )  # fmt: skip


def order(
    key: str,
    side: Side = Side.BUY,
    *,
    which: InstrumentId = BTC,
    kind: OrderType = OrderType.LIMIT,
    quantity: str = "0.05",
    price: str | None = "64120.1",
    trigger: str | None = None,
    state: OrderState = OrderState.OPEN,
    filled: str = "0",
    **rest: object,
) -> Order:
    limit = D(price) if price is not None else None
    stop = D(trigger) if trigger is not None else None
    request = OrderRequest(which, side, kind, D(quantity), limit, stop, origin=Origin.LADDER)
    return Order(
        key, ACCOUNT, request, state, START_NS, START_NS, f"V-{key}", D(quantity), limit, stop,
        filled_quantity=D(filled), average_price=limit if D(filled) else None, **rest,  # type: ignore[arg-type]
    )  # fmt: skip


class FakeSession:
    def __init__(self, venue: str = "kraken", mode: Mode = Mode.PRACTICE, account: str = ACCOUNT) -> None:
        self.venue, self.mode, self.account = venue, mode, account
        self.state = SessionState.LIVE
        self.others: tuple[str, ...] = ()
        self.infos: dict[str, AccountInfo] = {}
        self.hidden: dict[str, AccountInfo] = {}
        self.reason = ""
        self.needs_sign_in = ""
        self.is_sign_in_doubted = False
        self.venue_status = "online"
        self.has_account = True
        self.age_s: float | None = 0.2
        self.round_trip_ms = 41.0
        self.offset_ms = 3.0
        self.used = 5.0

    @property
    def accounts(self) -> Sequence[str]:
        return (self.account, *self.others)

    def health(self) -> LinkHealth:
        return LinkHealth(self.round_trip_ms, self.offset_ms, 0, 0, 0)

    def budgets(self) -> Sequence[BudgetLevel]:
        return (BudgetLevel("REST calls", self.used, 20.0, 0.5),)

    def feed_age_s(self) -> float | None:
        return self.age_s


class FakeSessions:
    def __init__(self) -> None:
        self.changed: Observable[[str]] = Observable("sessions")
        self.sessions: dict[str, FakeSession] = {"kraken": FakeSession()}


class FakeMarket:
    def __init__(self) -> None:
        self.changed: Observable[[InstrumentId, Topic]] = Observable("market")
        self.quotes: dict[InstrumentId, Quote] = {}
        self.watched: list[Feed] = []
        self.fundings: dict[InstrumentId, FundingRate] = {}
        self.listed: dict[InstrumentId, Instrument] = {}
        self.state = FeedState.LIVE
        self.age_ns: int | None = 200_000_000
        self.set_quote("64120.1", "64120.2")

    def watch(self, feed: Feed, venue: str) -> Callable[[], None]:
        self.watched.append(feed)
        return lambda: self.watched.remove(feed)

    def quote(self, instrument: InstrumentId) -> Quote | None:
        return self.quotes.get(instrument)

    def feed_state(self, feed: Feed, venue: str) -> FeedState:
        return self.state

    def price_age_ns(self, instrument: InstrumentId) -> int | None:
        return self.age_ns

    def funding(self, instrument: InstrumentId) -> FundingRate | None:
        return self.fundings.get(instrument)

    def instrument(self, instrument: InstrumentId) -> Instrument | None:
        return self.listed.get(instrument) or instrument_of(instrument)

    def set_quote(self, bid: str, ask: str, instrument: InstrumentId = BTC) -> None:
        self.quotes[instrument] = Quote(
            instrument, D(bid), D(1), D(ask), D(1), D(bid), None, None, None, None, None, None, None, 0
        )
        self.changed.notify(instrument, Topic.QUOTE)


class FakeMover:
    """Changes the own margin of isolated positions, of a venue that may be able to."""

    def __init__(self) -> None:
        self.can = False
        self.moved: list[tuple[str, str, str, Decimal]] = []
        self.error: TerminalError | None = None

    def moves_position_margin(self, account: str) -> bool:
        return self.can

    async def move_position_margin(
        self, account: str, symbol: str, position_id: str, amount: Decimal
    ) -> None:
        self.moved.append((account, symbol, position_id, amount))
        if self.error is not None:
            raise self.error


class FakePortfolio:
    def __init__(self) -> None:
        self.changed: Observable[[str]] = Observable("portfolio")
        self.held: dict[str, Balance] = {
            "USD": Balance("USD", D("8716.28"), D("3206.01")),
            "BTC": Balance("BTC", D("0.02"), D("0.005")),
        }
        self.prices: dict[str, Decimal] = {"USD": D(1), "BTC": D("64120.15")}
        self.open: list[Position] = []
        self.margin: AccountFigures | None = None
        self.about: AccountInfo | None = None

    def is_known(self, account: str) -> bool:
        return bool(self.held)

    def balances(self, account: str) -> Mapping[str, Balance]:
        return self.held

    def positions(self, account: str) -> tuple[Position, ...]:
        return tuple(self.open)

    def position(self, account: str, position_id: str) -> Position | None:
        return next((each for each in self.open if each.position_id == position_id), None)

    def figures(self, account: str) -> AccountFigures | None:
        return None if self.margin is None or self.margin.beside_balances else self.margin

    def overview(self, account: str) -> AccountFigures | None:
        return self.margin

    def info(self, account: str) -> AccountInfo | None:
        return self.about

    def worth(self, account: str, asset: str, amount: Decimal, currency: str = "USD") -> Decimal | None:
        price = self.prices.get(asset)
        return amount * price if price is not None else None


class FakePositionDesk:
    """Notes what it was asked; ``answers`` are raised in order."""

    def __init__(self, portfolio: FakePortfolio) -> None:
        self.changed: Observable[[str]] = Observable("protections")
        self.pending: dict[tuple[str, str], Protection] = {}
        self.asked: list[tuple[object, ...]] = []
        self.answers: list[Exception] = []
        self.faults: list[OrderRefused] = []
        self._portfolio = portfolio

    def _request(self, position_id: str, quantity: Decimal | None, *, opposite: bool) -> OrderRequest:
        position = self._portfolio.position("", position_id)
        if position is None:
            raise OrderRefused("no_position", "This position is closed already.")
        side = position.side.opposite if opposite else position.side
        return OrderRequest(
            position.instrument, side, OrderType.MARKET, quantity or position.quantity,
            position_id=position_id if opposite else None, reduce_only=opposite,
        )  # fmt: skip

    def close_request(
        self,
        account: str,
        position_id: str,
        quantity: Decimal | None = None,
        *,
        origin: Origin = Origin.BLOTTER,
    ) -> OrderRequest:
        return self._request(position_id, quantity, opposite=True)

    def double_request(
        self, account: str, position_id: str, *, origin: Origin = Origin.BLOTTER
    ) -> OrderRequest:
        return self._request(position_id, None, opposite=False)

    def reverse_requests(
        self, account: str, position_id: str, *, origin: Origin = Origin.BLOTTER
    ) -> tuple[OrderRequest, ...]:
        closing = self._request(position_id, None, opposite=True)
        return closing, replace(closing, position_id=None, reduce_only=False)

    async def submit_in_turn(
        self, account: str, requests: tuple[OrderRequest, ...], confirmed: frozenset[str]
    ) -> list[Order]:
        if self.answers:
            raise self.answers.pop(0)
        self.asked.append(("submit", account, requests, confirmed))
        return [
            Order(f"c{at}", account, request, OrderState.FILLED, START_NS, START_NS)
            for at, request in enumerate(requests)
        ]

    def check(self, account: str, position_id: str, protection: Protection) -> list[OrderRefused]:
        self.asked.append(("check", position_id, protection))
        return self.faults

    async def protect(
        self,
        account: str,
        position_id: str,
        *,
        stop_loss: Leg = KEEP,
        take_profit: Leg = KEEP,
        trailing: bool | None = None,
        confirmed: frozenset[str] = frozenset(),
    ) -> None:
        if self.answers:
            raise self.answers.pop(0)
        self.asked.append(("protect", position_id, stop_loss, take_profit, confirmed))


class FakeGate:
    """Keeps orders and notes what it was asked; ``answers`` are raised or returned in order."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.changed: Observable[[Order]] = Observable("orders")
        self.removed: Observable[[str]] = Observable("removed")
        self.fill_added: Observable[[Fill]] = Observable("fills")
        self.reconciled: Observable[[ReconcileReport]] = Observable("reconciled")
        self.fills: list[Fill] = []
        self.doubts: dict[str, Doubt] = {}
        self.asked: list[tuple[object, ...]] = []
        self.answers: list[Exception] = []
        self.outcome = CancelOutcome()
        self.closed: dict[str, str] = {}

    def put(self, *orders: Order) -> None:
        for each in orders:
            self.orders[each.client_order_id] = each
            self.changed.notify(each)

    def closed_reason(self, account: str) -> str:
        return self.closed.get(account, "")

    def open_orders(self, account: str | None = None) -> list[Order]:
        return [each for each in self.orders.values() if not each.state.is_final]

    def _answer(self) -> None:
        if self.answers:
            raise self.answers.pop(0)

    async def amend(
        self, client_order_id: str, change: AmendRequest, *, confirmed: frozenset[str] = frozenset()
    ) -> Order:
        self.asked.append(("amend", client_order_id, change, confirmed))
        self._answer()
        return self.orders[client_order_id]

    async def cancel(self, client_order_id: str) -> Order:
        self.asked.append(("cancel", client_order_id))
        self._answer()
        return self.orders[client_order_id]

    async def cancel_all(
        self, account: str, symbol: str | None = None, side: Side | None = None
    ) -> CancelOutcome:
        self.asked.append(("cancel_all", account, symbol, side))
        self._answer()
        return self.outcome

    async def check_now(self, client_order_id: str) -> Order:
        self.asked.append(("check_now", client_order_id))
        self._answer()
        return self.orders[client_order_id]

    def treat_as_live(self, client_order_id: str) -> Order:
        self.asked.append(("treat_as_live", client_order_id))
        self._answer()
        return self.orders[client_order_id]

    def settle_not_found(self, client_order_id: str) -> Order:
        self.asked.append(("settle_not_found", client_order_id))
        self._answer()
        return self.orders[client_order_id]


class FakeConnections:
    """The composition's side of connecting."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.kept = False
        self.kept_options: dict[str, str] = {}
        self.vault_locked = False
        self.report = KeyReport(
            {"Query funds": True, "Query orders": True, "Create and change orders": True,
             "Withdraw funds": False},
            label="desk …x9Qa",
        )  # fmt: skip
        self.error: Exception | None = None
        self.sign_in_state = SignInStatus(
            False,
            False,
            True,
            True,
            "Keys are kept in the keychain.",
            False,
            redirect_url="http://localhost:23682/callback",
        )
        self.pins: tuple[str, ...] = ()
        """What the venue asks for while somebody signs in with a password, one a try."""
        self.brought: dict[str, Secret] = {}
        self.logins: tuple[PracticeLogin, ...] = ()
        self.known: dict[Mode, dict[str, str]] = {}
        self.troubles: dict[Mode, str] = {}
        self.page: asyncio.Future[None] | None = None
        """An open sign-in page; None: it answers at once."""

    def _answer(self) -> None:
        if self.error is not None:
            raise self.error

    async def use(self, venue: str, mode: Mode) -> None:
        self.asked.append(("use", venue, mode))
        self._answer()

    async def disconnect(self, venue: str) -> None:
        self.asked.append(("disconnect", venue))

    def options(self, venue: str) -> Mapping[str, str]:
        return self.kept_options

    async def save_options(self, venue: str, options: Mapping[str, str]) -> None:
        self.asked.append(("options", venue, dict(options)))
        self._answer()
        self.kept_options = dict(options)

    async def test_keys(
        self, venue: str, mode: Mode, keys: Mapping[str, Secret], options: Mapping[str, str]
    ) -> KeyReport:
        self.asked.append(("test", self._place(venue, mode), (*sorted(options), *sorted(keys))))
        self._answer()
        return self.report

    def _place(self, venue: str, mode: Mode) -> str:
        return venue if mode is Mode.LIVE else f"{venue} {mode.value}"

    async def practice_logins(self, venue: str) -> Sequence[PracticeLogin]:
        return self.logins

    async def known_entries(self, venue: str, mode: Mode) -> Mapping[str, str]:
        return self.known.get(mode, {})

    def trouble(self, venue: str, mode: Mode) -> str:
        return self.troubles.get(mode, "")

    async def sign_in_by_password(
        self, venue: str, mode: Mode, entered: Mapping[str, Secret], ask: AskPerson
    ) -> Mapping[str, Secret]:
        self.asked.append(("sign in", self._place(venue, mode), tuple(sorted(entered))))
        for wanted in self.pins:
            told = await ask("We have sent a PIN to your e-mail.")
            self.asked.append(("pin", told))
            if told == wanted:
                break
            if told is None:
                raise AuthRejected(venue, "no PIN", user_text="Signing in was given up.")
        self._answer()
        return self.brought

    async def sign_in_on_page(self, venue: str, mode: Mode) -> Mapping[str, Secret]:
        self.asked.append(("page", self._place(venue, mode)))
        if self.page is not None:
            await self.page
        self._answer()
        return self.brought

    def has_page(self) -> bool:
        return self.sign_in_state.can_embed

    def can_fetch_page(self) -> bool:
        return self.sign_in_state.can_fetch

    async def save_keys(
        self, venue: str, mode: Mode, keys: Mapping[str, Secret], options: Mapping[str, str]
    ) -> str:
        self.asked.append(("save", self._place(venue, mode), (*sorted(options), *sorted(keys))))
        self._answer()
        self.kept_options = dict(options)
        return venue

    def leaving(self, venue: str) -> str:
        return "Everything stays at the venue."

    async def forget_keys(self, venue: str) -> None:
        self.asked.append(("forget", venue))

    async def has_keys(self, venue: str, mode: Mode) -> bool:
        return self.kept

    def key_store(self) -> str:
        return "Keys are kept in this system's keychain (Secret Service)."

    def needs_passphrase(self) -> bool:
        return self.vault_locked

    async def open_vault(self, passphrase: Secret, venue: str = "") -> None:
        self.asked.append(("open_vault",))

    async def sign_in_status(self, venue: str, mode: Mode) -> SignInStatus:
        return self.sign_in_state

    async def fetch_browser(self) -> None:
        self.asked.append(("fetch_browser",))
        self._answer()
        self.sign_in_state = replace(self.sign_in_state, can_embed=True)

    async def sign_in(
        self, venue: str, mode: Mode, application: Mapping[str, Secret], way: Way, passphrase: Secret | None
    ) -> None:
        self.asked.append(("sign_in", venue, mode, tuple(sorted(application)), way))
        if self.page is not None:
            await self.page
        self._answer()

    def give_up_sign_in(self) -> None:
        self.asked.append(("give_up",))
        if self.page is not None and not self.page.done():
            self.page.set_exception(TerminalError("closed", user_text="Sign-in was closed."))

    async def sign_out(self, venue: str, mode: Mode) -> None:
        self.asked.append(("sign_out", venue, mode))
        self.sign_in_state = replace(self.sign_in_state, is_signed_in=False)

    def refuse(self) -> None:
        self.error = AuthRejected(
            "kraken",
            code="EAPI:Invalid key",
            user_text="Kraken does not know this key. Copy it again, whole.",
        )


class FakeRing:
    def __init__(self) -> None:
        self.lines: deque[LogLine] = deque(maxlen=2000)
        self.changed: Observable[[]] = Observable("log")

    def say(self, text: str, *, level: int = logging.INFO, logger: str = "session") -> None:
        self.lines.append(LogLine(START_NS / 1e9, level, logger, text))
        self.changed.notify()


@dataclass
class Frame:
    """Everything behind the window, so that a test can reach it."""

    clock: Clock = field(default_factory=lambda: ManualClock(wall_ns=START_NS))
    frames: FrameClock = field(default_factory=FrameClock)
    sessions: FakeSessions = field(default_factory=FakeSessions)
    market: FakeMarket = field(default_factory=FakeMarket)
    portfolio: FakePortfolio = field(default_factory=FakePortfolio)
    gate: FakeGate = field(default_factory=FakeGate)
    connecting: FakeConnections = field(default_factory=FakeConnections)
    ring: FakeRing = field(default_factory=FakeRing)
    questions: list[Confirmation] = field(default_factory=list)
    answer: bool = True
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arming = Arming(self.clock)
        self.notices = NoticesViewModel(self.clock)
        self.connections = ConnectionViewModel(
            self.sessions, self.market, (KRAKEN,), self.connecting, self.notices, self.frames,
            headlines={"kraken": "BTC/USD"},
        )  # fmt: skip
        self.account = AccountViewModel(
            self.portfolio, self.connections.accounts, self.frames, self.clock,
            is_real=self.connections.is_real,
        )  # fmt: skip
        self.orders = OrdersViewModel(
            self.gate, self.market, self.notices, self.frames, self.clock,
            ask=self.ask, badge_of=self.connections.badge_of, titles={"kraken": "Kraken"},
            hidden=self.connections.hidden_accounts,
        )  # fmt: skip
        self.log = LogViewModel(self.ring, self.frames)
        self.status = StatusViewModel(self.connections, self.account)
        self.hands = FakePositionDesk(self.portfolio)
        self.chosen: list[str] = []
        self.shown: list[tuple[str, bool]] = []
        self.refusal: TerminalError | None = None
        self.mover = FakeMover()
        self.positions = PositionsViewModel(
            self.hands, self.portfolio, self.market, self.connections.account_entries, self.notices,
            self.frames, ask=self.ask, select_account=self.chosen.append, show_account=self.show_account,
            open_orders=lambda account: len(self.gate.open_orders(account)), wall_ns=self.clock.wall_ns,
            margins=self.mover,
        )  # fmt: skip
        self.desk = DeskViewModel(
            self.arming, self.gate, self.connections, self.account, self.orders, self.positions,
            self.notices, self.frames,
            ask=self.ask,
            rehearsals=[Rehearsal("kraken", "Cut the connection", lambda: self.faults.append("cut"))],
            reset_practice=lambda: self.faults.append("reset"),
        )  # fmt: skip
        self.tick()

    async def ask(self, question: Confirmation) -> bool:
        self.questions.append(question)
        return self.answer

    async def show_account(self, account: str, shown: bool) -> None:
        self.shown.append((account, shown))
        if self.refusal is not None:
            raise self.refusal

    def tick(self) -> None:
        """Run two frames: what the first one asked for is built in the second."""
        self.frames.tick()
        self.frames.tick()

    def window(
        self,
        folder: Path,
        panels: Mapping[str, Panel] | None = None,
        *,
        hint: bool = False,
        cross: CrossVenueViewModel | None = None,
    ) -> MainWindow:
        blotter = Blotter(self.orders, self.account, self.positions, self.log)
        shown = dict(panels if panels is not None else empty_panels())
        shown["blotter"] = Panel("blotter", "Blotter", blotter, blotter.header, True, show_title=False)
        self.store = LayoutStore(folder, self.notices.warn)
        return MainWindow(self.desk, self.status, shown, self.store, show_hint=hint, cross=cross)


def empty_panels() -> dict[str, Panel]:
    """Stand-ins for the panels of the market, so that the frame's own parts can be looked at."""
    return {
        key: Panel(key, title, QWidget(), can_trade=trades, link_group=1)
        for key, title, trades in (
            ("watchlist", "Watchlist", False),
            ("chart", "Chart", True),
            ("ladder", "Ladder", True),
            ("tape", "Time and sales", False),
            ("ticket", "Ticket", True),
        )
    }


def fill_with_orders(frame: Frame) -> None:
    """A desk in the middle of a day: open, partly filled, in doubt, changed, ended."""
    now = frame.clock.monotonic_ns()
    frame.gate.put(
        order("a1", Side.BUY, price="64050.0"),
        order("a2", Side.SELL, price="64900.0", quantity="0.02", filled="0.008",
              state=OrderState.PARTLY_FILLED),
        order("a3", Side.BUY, which=ETH, price="3120.55", quantity="1.5", state=OrderState.IN_DOUBT,
              doubt_since_ns=now - 3_000_000_000, reason="no answer within 10 s"),
        order("a4", Side.SELL, kind=OrderType.STOP_LIMIT, price="62900.0", trigger="63000.0"),
        order("a5", Side.BUY, state=OrderState.PENDING_CANCEL, price="63800.0"),
        order("a6", Side.BUY, state=OrderState.REJECTED, reason="Insufficient funds", price="64100.0"),
    )  # fmt: skip
    frame.gate.doubts["a3"] = Doubt("a3", now - 3_000_000_000, looks=1)
    for at in range(6):
        frame.gate.fills.append(
            Fill(f"F{at}", BTC, Side.BUY if at % 2 else Side.SELL, D("64120.1") + at, D("0.0125"),
                 D("0.3206"), "USD", at % 3 == 0, "OQCLML-BW3P3-BUCMWZ", "a2", START_NS + at * 1_000_000_000)
        )  # fmt: skip
    frame.gate.fill_added.notify(frame.gate.fills[-1])
    frame.ring.say("kraken is live")
    frame.ring.say("BTC/USD kraken: book out of sync, new snapshot", level=logging.WARNING, logger="book")
    frame.ring.say("order a6 refused: Insufficient funds", level=logging.ERROR, logger="orders")
    frame.tick()
