"""What a venue promises.

Small protocols say what a connector can do, :class:`Capabilities` says how far; the conformance suite
fails when the two disagree. The screen asks flags, never names. Long as it is, it is one list: whoever adds a
venue reads here, and nowhere else, what can be promised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple, Protocol, runtime_checkable

from terminal.core.secret import Secret
from terminal.domain.account import (
    AccountInfo,
    AccountSnapshot,
    CashFlow,
    FeeRates,
    LeverageTier,
    MarginCall,
)
from terminal.domain.book import BookChecker
from terminal.domain.events import BudgetLevel, VenueEvent
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, Feed, FeedKind, Quote, Side
from terminal.domain.orders import (
    AmendRequest,
    Fill,
    OrderRef,
    OrderReport,
    OrderRequest,
    OrderType,
    Protection,
    TimeInForce,
    TriggerReference,
)

Sink = Callable[[VenueEvent], None]


class BookKind(Enum):
    """How much of a book a venue shows."""

    NONE = "none"
    TOP = "top"
    LEVELS = "levels"


class ProtectionKind(Enum):
    """What a venue can keep for a position while the terminal is off."""

    STOP_LOSS = "stop loss"
    TAKE_PROFIT = "take profit"
    TRAILING = "trailing stop"
    GUARANTEED = "guaranteed stop"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How far a venue can do what its connector's protocols promise."""

    book: BookKind
    book_depths: tuple[int, ...] = ()
    book_updates: bool = True
    """A book is told by its changes; otherwise every message is the whole book."""
    feeds: frozenset[FeedKind] = frozenset()
    bar_intervals_s: tuple[int, ...] = ()
    bars_reach_back: bool = True
    """Bars further back than one answer reaches can be asked for."""
    bars_bring_past: bool = False
    """Subscribing to bars brings those of the past with it; else they are asked for."""
    bars_count_ticks: bool = False
    """The volume of a bar is how often the price changed in it, not what was traded."""
    order_types: frozenset[OrderType] = frozenset()
    """Empty where the venue has no orders, only contracts."""
    time_in_force: frozenset[TimeInForce] = frozenset()
    immediate_types: frozenset[OrderType] = frozenset(
        kind for kind in OrderType if kind.has_limit_price and kind is not OrderType.ICEBERG
    )
    """Order types that may be IOC or FOK, where the venue has those at all."""
    post_only: bool = False
    reduce_only: bool = False
    trigger_on_index: bool = False
    quantity_in_quote: bool = False
    contracts: bool = False
    amend: bool = False
    amend_types: frozenset[OrderType] = frozenset(OrderType)
    """Order types that can be changed in place, where ``amend``; others are canceled and placed anew."""
    amend_protections: bool = True
    """Stop and target of an order that waits can be changed with it, where ``amend``."""
    protected_types: frozenset[OrderType] = frozenset(OrderType)
    """Order types that can carry the stop and target of what they open, where ``protections``."""
    amend_keeps_priority_on_reduce: bool = False
    client_ids: bool = True
    """The venue keeps our own ids of orders and tells them again."""
    fill_records: bool = True
    """Single fills are told, with ids, fees and who made the price; otherwise they are an order's growth."""
    account_stream: bool = True
    """What happens to an account is told in one unbroken line; otherwise it is asked for again and again."""
    key_rights: bool = True
    """What a key may do can be read before it is used."""
    lookup_by_client_id: bool = False
    cancel_all: bool = False
    dead_mans_switch: bool = False
    batch_limit: int = 0
    """Most orders in one batch call; 0 = none."""
    browser_login: bool = False
    positions: bool = False
    """Trades open positions; without it they change balances. Those of contracts end by themselves."""
    protections: frozenset[ProtectionKind] = frozenset()
    """What the venue itself keeps for a position: SERVER protections."""
    trigger_references: frozenset[TriggerReference] = frozenset()
    """Of stop orders and stop losses, beyond the plain one."""
    comment_length: int = 0
    """Most characters of a comment that an order may carry; 0 = none is kept."""
    expected_margin: bool = False
    """The venue says what margin an order would tie up before it is sent."""
    sets_leverage: bool = False
    """An instrument on margin has a leverage of its own, which a person can change."""
    margin_modes: bool = False
    """What backs new positions of an instrument can be chosen, where the account has more than one mode."""
    position_margin: bool = False
    """A position with a margin of its own can be given more of it, or have some taken away."""
    leverage_tiers: bool = False
    """Leverage depends on the size of a position."""
    polled: bool = False
    """Each look at its prices is a call: what nobody sees is not asked for."""
    margin_calls: bool = False
    """The venue warns at margin levels that a person can choose."""
    records: bool = False
    """Closed orders and cash flow can be paged through."""
    fill_offsets: bool = False
    """Which fills closed which can be asked."""
    one_account_at_a_time: bool = False
    """Of the accounts of a sign-in one is open: opening another leaves it, and what runs there runs on."""

    @property
    def protection_words(self) -> frozenset[str]:
        """The protections as words; the rules below know no venue's flags."""
        return frozenset(kind.value for kind in self.protections)


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One entry of a venue's connection form."""

    key: str
    label: str
    secret: bool = True
    optional: bool = False
    hint: str = ""
    spaces: bool = False
    """It may hold spaces, as what a browser sends; a key never does."""
    is_flag: bool = False
    """A box to tick: the entry is ``true`` or ``false``, and ``hint`` says what ticking it brings."""


@dataclass(frozen=True, slots=True)
class SignInInfo:
    """Signing in at the venue's own page (OAuth 2.0)."""

    application_fields: tuple[CredentialField, ...]
    """What the person enters once: the application that asks, e.g. its id and secret."""
    guide: str
    """How to get them, in plain words, a step a line."""
    application_page_url: str


@dataclass(frozen=True, slots=True)
class SignInPage:
    """One attempt to sign in: the page to open, and what ends it."""

    url: str
    redirect_url: str
    """A navigation to this address (with a query) is the answer, and is never requested."""
    hosts: tuple[str, ...]
    """The only hosts that the embedded page may load from; ``.example.com`` covers subdomains."""
    ca_file: str = ""
    """PEM file of an authority to trust beside the system's; practice venues only."""
    session_expression: str = ""
    """Set where the answer is the session itself: the page at ``redirect_url`` loads, and the answer is JSON
    with what this expression is there (``value``), the ``cookies`` of its host and the ``user_agent``."""


CHALLENGE: Final = "challenge"
"""The code of an error where a bot filter stands before a sign-in by password: the venue's own page is the
way around."""

AskPerson = Callable[[str], Awaitable[str | None]]
"""Shows the venue's own words (a PIN was sent by e-mail) and returns what was typed; None: given up."""


class SignIn(Protocol):
    """One attempt to sign in, from the page to the tokens."""

    page: SignInPage

    async def finish(self, answered_url: str) -> Mapping[str, Secret]:
        """Take the address that the page led to and exchange its code: the credentials to keep.

        Raises:
            AuthRejected: denied, wrong or missing state, a code used before or too old, a wrong secret.
            VenueUnavailable: the token endpoint cannot be reached; the code may still be good.
        """
        ...


@dataclass(frozen=True, slots=True)
class VenueInfo:
    """A venue as the screen presents it."""

    name: str
    """The key, e.g. ``kraken``."""
    title: str
    """The word on screen, e.g. ``Kraken``."""
    capabilities: Capabilities
    credential_fields: tuple[CredentialField, ...] = ()
    key_page_url: str = ""
    key_guide: str = ""
    """Which permissions to tick, in plain words."""
    default_endpoints: dict[str, str] = field(default_factory=dict)
    """By name, e.g. ``rest``, ``ws_public``, ``ws_private``; settings and emulators override them."""
    sign_in: SignInInfo | None = None
    """Where an account is connected by signing in at the venue's own page."""
    session_page: bool = False
    """A session can be taken over from the venue's own page in a window of ours; it brings the entries of the
    form, too."""
    password_fields: tuple[CredentialField, ...] = ()
    """What a sign-in with a password asks for; it brings the entries of the form. Empty: there is none."""
    option_fields: tuple[CredentialField, ...] = ()
    """Entries of the form that are no secrets: kept in the settings under their keys, which name settings."""
    public_without_key: bool = False
    unofficial: bool = False
    added_as: str = ""
    """What a person adds, e.g. ``a plugin``: a kind of which there may be several venues, each with its own
    name, address and keys (see :mod:`.registry`). None is on a desk before its form was filled in, and none
    has a practice twin. Empty: one venue, on every desk from the first start."""

    @property
    def on_demand(self) -> bool:
        """Whether such venues are on the desk only once a person has added them."""
        return bool(self.added_as)


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """What a connector is built with."""

    endpoints: dict[str, str]
    credentials: dict[str, Secret] = field(default_factory=dict)
    """By :attr:`CredentialField.key`; empty: public data only."""
    options: dict[str, str] = field(default_factory=dict)
    """Venue options such as Kraken's ``tier`` (``starter``, ``intermediate``, ``pro``)."""
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What a test of the credentials found, for the person to read."""

    permissions: dict[str, bool]
    """Plain name of a permission -> granted."""
    warnings: tuple[str, ...] = ()
    label: str = ""
    """The key's own name and last four characters."""
    unknown: tuple[str, ...] = ()
    """Permissions that nobody can be asked about: whether they are granted shows when they are used."""

    @property
    def can_trade(self) -> bool:
        """Whether orders can be tried: no where it is known that the key may not place any."""
        trading = "Create and change orders"
        return self.permissions.get(trading, False) or trading in self.unknown


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """Measured figures of a connection; None = not known yet."""

    round_trip_ms: float | None
    clock_offset_ms: float | None
    """Venue's clock minus ours."""
    last_frame_ns: int | None
    """Monotonic time of the last frame of any kind."""
    reconnects: int
    faults: int
    """Unreadable frames so far."""


@dataclass(frozen=True, slots=True)
class SubmitAck:
    """The venue's yes to a submit."""

    venue_order_id: str


@runtime_checkable
class Connector(Protocol):
    """Our code that talks to one venue. All methods run on the one event loop."""

    info: VenueInfo

    async def connect(self, sink: Sink) -> None:
        """Open the connection and keep it open (reconnecting by itself) until :meth:`close`.

        Returns when the first public link is live or raises VenueUnavailable after its first failure while
        the retries go on in the background.
        """
        ...

    async def close(self) -> None:
        """End every link and task; safe to call twice."""
        ...

    async def instruments(self) -> Sequence[Instrument]:
        """All instruments the venue lists now."""
        ...

    async def subscribe(self, feed: Feed) -> None:
        """Ask for a feed; returns once it is asked for (FeedConfirmed or FeedRefused follow as events)."""
        ...

    async def unsubscribe(self, feed: Feed) -> None:
        """End a feed; nothing of it arrives afterwards."""
        ...

    async def resync(self, feed: Feed) -> None:
        """Drop a feed and take it again from a fresh snapshot; one at a time for each feed."""
        ...

    def book_checker(self, symbol: str) -> BookChecker | None:
        """The integrity check of this venue's books, or None where there is none."""
        ...

    def budgets(self) -> Sequence[BudgetLevel]:
        """The rate limits as they stand now."""
        ...

    def health(self) -> LinkHealth:
        """Figures for the status bar."""
        ...


@runtime_checkable
class TradesOrders(Protocol):
    """A connector that can trade with orders.

    Every method that writes raises one of: NotSent (nothing left), RequestRejected or AuthRejected (the
    venue's no), RateLimited (our budget or the venue's), OutcomeUnknown (everything else after the first
    byte). None of them ever sends twice.
    """

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck: ...

    async def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel; returning means the venue took the request, not that the order is gone."""
        ...

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None: ...

    async def cancel_all(self) -> int:
        """Cancel every open order of the account; how many the venue says."""
        ...

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What the venue knows of an order, looked for among open, then closed orders; None = it knows
        nothing of it. Raises VenueUnavailable where the question itself failed: that is not a None."""
        ...

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        """Balances, open orders, and the orders and fills since a time, for reconciliation."""
        ...

    async def fee_rates(self, symbol: str) -> FeeRates | None: ...

    async def test_credentials(self) -> KeyReport:
        """Try the key now and read back what it may do. Raises AuthRejected, with the repair in words."""
        ...


@runtime_checkable
class Amends(Protocol):
    """A connector whose venue changes an order in place."""

    async def amend(self, ref: OrderRef, change: AmendRequest) -> None: ...


@runtime_checkable
class TradesPositions(Protocol):
    """A connector whose venue keeps stops and targets of positions (``Capabilities.protections``). Closing a
    position is an order, at every venue that has positions: submit one on the opposite side with
    ``position_id`` and ``reduce_only``."""

    async def protect(self, position_id: str, symbol: str, protection: Protection) -> None:
        """Set the whole stop and target of a position: a leg that is None is removed. Raises as a submit."""
        ...


@runtime_checkable
class HasExpectedMargin(Protocol):
    """A connector whose venue says what an order would tie up."""

    async def expected_margin(self, symbol: str, quantity: Decimal) -> ExpectedMargin: ...


class ExpectedMargin(NamedTuple):
    """What an order would tie up, in the account's currency."""

    buy: Decimal
    sell: Decimal
    currency: str


class Leverage(NamedTuple):
    """How much a new position in an instrument may be worth, against what it ties up."""

    value: Decimal
    """10 means 1:10."""
    mode: str = ""
    """What backs it, in the venue's word: ``cross`` (all that is free), ``isolated`` (its own margin)."""
    modes: tuple[str, ...] = ()
    """What it may be chosen to be, in the venue's words; empty where there is no choice."""


@runtime_checkable
class HasLeverage(Protocol):
    """A connector whose venue keeps a leverage for each instrument."""

    async def leverage(self, symbol: str) -> Leverage | None:
        """As it stands; None where the venue names none, as for spot."""
        ...

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Change it; open positions of the instrument may change with it. Raises as a submit."""
        ...


@runtime_checkable
class HasMarginModes(Protocol):
    """A connector whose venue backs positions in more than one way; :class:`Leverage` says in which."""

    async def set_margin_mode(self, symbol: str, mode: str) -> None:
        """Have new orders of an instrument backed so; open positions and orders keep theirs. Each mode may
        have a leverage of its own. Raises as a submit, and Unsupported where there is no such mode."""
        ...


@runtime_checkable
class MovesPositionMargin(Protocol):
    """A connector whose venue lets the margin of an isolated position be changed."""

    async def move_position_margin(self, position_id: str, amount: Decimal) -> None:
        """Add so much of what is free to a position's own margin, in the position's currency; a negative
        amount is taken away from it. Raises as a submit, and RequestRejected for a position that has none."""
        ...


@runtime_checkable
class HasLeverageTiers(Protocol):
    """A connector whose venue gives less leverage to larger positions."""

    async def leverage_tiers(self, symbol: str) -> Sequence[LeverageTier]:
        """Smallest first; none where only the account's own leverage counts."""
        ...


@runtime_checkable
class HasMarginCalls(Protocol):
    """A connector whose venue warns at margin levels that a person can choose."""

    async def margin_calls(self) -> Sequence[MarginCall]:
        """The levels as they stand, highest first."""
        ...

    async def set_margin_call(self, call_id: str, level: Decimal) -> None:
        """Move one of them, in per cent. Raises as a submit."""
        ...


@runtime_checkable
class HasAccounts(Protocol):
    """A connector with several accounts behind one sign-in. Its account events come as ForAccount."""

    def accounts(self) -> Sequence[AccountInfo]:
        """All accounts of the sign-in, shown or not."""
        ...

    async def show_accounts(self, account_ids: Sequence[str]) -> None:
        """Which of them to open; the others are left."""
        ...

    def trader(self, account_id: str) -> TradesOrders:
        """The account's own hand: TradesOrders, and Amends, TradesPositions, HasExpectedMargin,
        HasLeverageTiers, HasMarginCalls, HasRecords and HasFillOffsets as the venue can. Raises KeyError for
        an account that is not there."""
        ...


class OrderPage(NamedTuple):
    """Ended orders, newest first; ``earlier_ns`` asks for the ones before them, None: there are none."""

    orders: tuple[OrderReport, ...]
    earlier_ns: int | None


class FillPage(NamedTuple):
    """Fills, newest first; ``earlier_ns`` as above."""

    fills: tuple[Fill, ...]
    earlier_ns: int | None


class CashFlowPage(NamedTuple):
    """Deposits, withdrawals and charges, newest first; ``earlier_ns`` as above."""

    entries: tuple[CashFlow, ...]
    earlier_ns: int | None


@runtime_checkable
class HasRecords(Protocol):
    """A connector that can page through an account's past. ``until_ns`` None: from now backwards."""

    async def order_history(self, until_ns: int | None = None) -> OrderPage: ...

    async def fill_history(self, until_ns: int | None = None) -> FillPage: ...

    async def cash_flow(self, until_ns: int | None = None) -> CashFlowPage: ...

    async def position_fills(self, position_id: str) -> Sequence[Fill]:
        """Every fill of one position, open or closed, newest first."""
        ...


class FillOffset(NamedTuple):
    """A part of a fill that another one closed, or that closes another one. Quantity in base units."""

    fill_id: str
    """The other one."""
    quantity: Decimal
    price: Decimal | None
    ts_event_ns: int | None


class FillOffsets(NamedTuple):
    """What became of a fill, and what it did."""

    closed_by: tuple[FillOffset, ...]
    closes: tuple[FillOffset, ...]


@runtime_checkable
class HasFillOffsets(Protocol):
    """A connector that can say which fills closed which."""

    async def fill_offsets(self, fill_id: str) -> FillOffsets: ...


@runtime_checkable
class SubmitsBatches(Protocol):
    """A connector that can place several orders of one instrument in one call."""

    async def submit_batch(
        self, requests: Sequence[tuple[OrderRequest, str]]
    ) -> Sequence[SubmitAck | Exception]:
        """One result a request, in order: the ack, or what went wrong with that one."""
        ...


@runtime_checkable
class HasTickers(Protocol):
    """A connector whose venue tells the prices of everything that it lists in one call, or in one a kind."""

    async def tickers(self) -> Sequence[Quote]:
        """Best prices and the figures of 24 hours, as they were at the answer; what the venue does not say is
        None.

        Raises:
            VenueError: it could not be asked, or the answer cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Which way a venue's own people lean on an instrument."""

    up_pct: Decimal
    """So many per cent of them hold up contracts; the others hold down ones."""
    told_ns: int
    """Monotonic: when it came in."""


@runtime_checkable
class HasSentiment(Protocol):
    """A connector whose venue says which way its own people lean."""

    def follow_sentiment(self, symbol: str) -> None:
        """Ask for it, now and after every reconnect."""
        ...

    def unfollow_sentiment(self, symbol: str) -> None:
        """Ask for it no longer; what was told is forgotten."""
        ...

    def sentiment(self, symbol: str) -> Sentiment | None:
        """The last word on an instrument that is followed; None while not told."""
        ...


@dataclass(frozen=True, slots=True)
class VenueSignal:
    """A suggestion of a venue, which sells what it suggests and says nothing of how often it was right."""

    side: Side
    duration_s: int
    until_ns: int | None
    """UTC; None where it is not told."""
    told_ns: int | None = None
    """UTC, by the venue's clock: when it was made; None where it is not told."""

    @property
    def ends_ns(self) -> int | None:
        """When it is worth nothing any more, UTC: as told, or else once it has run for its length; None where
        neither is known."""
        if self.until_ns is not None or self.told_ns is None:
            return self.until_ns
        return self.told_ns + self.duration_s * 1_000_000_000


@runtime_checkable
class HasSignals(Protocol):
    """A connector whose venue makes suggestions."""

    def follow_signals(self) -> None:
        """Ask for them, now and after every reconnect."""
        ...

    def unfollow_signals(self) -> None:
        """Ask for them no longer; those that were told are forgotten."""
        ...

    def signals(self) -> Mapping[str, VenueSignal]:
        """The newest of each instrument, by the name on screen."""
        ...


@runtime_checkable
class HasDemoWorld(Protocol):
    """A connector whose venue has a demo world of its own, with keys and addresses apart, which a setting
    chooses. Accounts of a venue that names them say it themselves (``AccountInfo.is_live``)."""

    @property
    def is_demo(self) -> bool:
        """Whether the connection trades there: no real money."""
        ...


@runtime_checkable
class DoubtsSignIn(Protocol):
    """A connector that tries a sign-in once more after its venue has refused it, before a person is asked."""

    @property
    def is_sign_in_doubted(self) -> bool:
        """Whether it was refused and is about to be tried again."""
        ...


@runtime_checkable
class RefillsDemo(Protocol):
    """A connector whose venue fills its demo account up again when asked (``AccountInfo.refills``)."""

    async def refill(self, amount: Decimal) -> Decimal | None:
        """Fill it up, in the account's currency: by the amount or to it, as the venue does. What was added to
        its balance; negative where it is less than before, None where the venue does not say.

        Raises:
            RequestRejected: the venue's no, or the account that is open is not the demo account.
            VenueUnavailable: no answer came: the balance will show what became of it.
        """
        ...


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """Whose sign-in it is, as its venue keeps it. What the venue does not say is empty or None."""

    name: str
    number: str
    country: str
    currency: str
    balances: tuple[tuple[str, Decimal], ...] = ()
    """Of its accounts, by the names that they have here, in ``currency``."""
    time_offset_s: int | None = None
    """Of the time zone that the venue keeps for it, seconds east of UTC; None: it keeps none."""
    time_offset_use: str = ""
    """What that zone is used for, in plain words."""


@runtime_checkable
class HasProfile(Protocol):
    """A connector whose venue says whose sign-in it is."""

    async def profile(self) -> AccountProfile:
        """As the venue has it now. Raises VenueUnavailable."""
        ...


@runtime_checkable
class SetsTimeZone(Protocol):
    """A connector whose venue keeps a time zone with the profile that a person can change."""

    async def set_time_offset(self, seconds: int) -> None:
        """Change it, seconds east of UTC. Raises VenueUnavailable: the venue's no, or no answer."""
        ...


@runtime_checkable
class HasRawCalls(Protocol):
    """A connector that lends single calls of its venue's own interface: those that only read, by a list."""

    async def raw_call(self, path: str, params: Mapping[str, str]) -> bytes:
        """The venue's own answer as JSON text, unchanged in its result; ``path`` begins with a slash.

        Raises:
            Unsupported: this path is not on the list of calls that only read.
            CredentialError: it needs an account, and the connection has none.
            VenueError: the venue's no, or no answer.
        """
        ...


@runtime_checkable
class Reconnects(Protocol):
    """A connector that can be told that its connections may be dead though nothing says so: the machine has
    slept."""

    def reconnect(self, reason: str) -> None:
        """Drop what is open and open it again at once; what was given up for good stays so."""
        ...


@runtime_checkable
class HasDeadMansSwitch(Protocol):
    """A connector whose venue cancels everything when we fall silent."""

    async def cancel_after(self, timeout_s: int) -> None:
        """Arm or renew; 0 disarms."""
        ...


@runtime_checkable
class HasHistory(Protocol):
    """A connector that can fetch bars of the past."""

    async def bars(
        self,
        symbol: str,
        interval_s: int,
        *,
        end_ns: int | None = None,
        limit: int = 720,
        progress: Callable[[Decimal], None] | None = None,
    ) -> Sequence[Bar]:
        """Bars that open before ``end_ns`` (None: up to now), oldest first; fewer or none where the venue
        has no more. ``progress`` hears 0 to 1."""
        ...
