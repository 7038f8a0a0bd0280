"""What the order panels ask of the services, and where an order of an instrument would go."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from terminal.core.observe import Observable
from terminal.domain.account import AccountFigures, AccountInfo, Balance, FeeRates, LeverageTier
from terminal.domain.book import OrderBook
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FundingRate, Quote, Trade
from terminal.domain.orders import AmendRequest, Order, OrderRequest, OrderType
from terminal.domain.rules import Abilities
from terminal.services.arming import Arming
from terminal.services.market_data import FeedState, Topic
from terminal.services.order_checks import CheckResult
from terminal.services.session import Mode, SessionState
from terminal.venues.base import ExpectedMargin, Leverage

BADGES: Final = {Mode.PRACTICE: "PRACTICE", Mode.PUBLIC: "PRICES ONLY", Mode.LIVE: "LIVE"}


class Market(Protocol):
    """Prices; ``services.market_data.MarketData`` is one."""

    changed: Observable[[InstrumentId, Topic]]

    def watch(self, feed: Feed, venue: str) -> Callable[[], None]: ...
    def instrument(self, instrument: InstrumentId) -> Instrument | None: ...
    def quote(self, instrument: InstrumentId) -> Quote | None: ...
    def funding(self, instrument: InstrumentId) -> FundingRate | None: ...
    def book(self, instrument: InstrumentId) -> OrderBook | None: ...
    def last_book(self, instrument: InstrumentId) -> OrderBook | None: ...
    def book_state(self, instrument: InstrumentId) -> FeedState: ...
    def feed_state(self, feed: Feed, venue: str) -> FeedState: ...
    def refusal(self, feed: Feed, venue: str) -> str: ...
    def trades(self, instrument: InstrumentId) -> deque[Trade]: ...


class VenueAbilities(Abilities, Protocol):
    """What the screen asks of a venue's capabilities."""

    @property
    def amend(self) -> bool: ...
    @property
    def amend_types(self) -> frozenset[OrderType]: ...
    @property
    def amend_protections(self) -> bool: ...
    @property
    def bar_intervals_s(self) -> tuple[int, ...]: ...
    @property
    def bars_count_ticks(self) -> bool: ...


class _Info(Protocol):
    @property
    def title(self) -> str: ...
    @property
    def capabilities(self) -> VenueAbilities: ...


class VenueSession(Protocol):
    """What of a venue's connection is shown in an order panel; ``services.session.Session`` is one."""

    @property
    def account(self) -> str: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def has_account(self) -> bool: ...
    @property
    def infos(self) -> Mapping[str, AccountInfo]: ...
    @property
    def info(self) -> _Info: ...
    @property
    def state(self) -> SessionState: ...
    @property
    def reason(self) -> str: ...


class Sessions(Protocol):
    """The connections by venue; ``services.session.SessionManager`` is one."""

    changed: Observable[[str]]

    @property
    def sessions(self) -> Mapping[str, VenueSession]: ...


class Gate(Protocol):
    """What order panels ask of ``services.orders.OrderGate``."""

    changed: Observable[[Order]]
    removed: Observable[[str]]
    readiness: Observable[[str]]
    arming: Arming

    @property
    def orders(self) -> Mapping[str, Order]: ...
    def ready(self, account: str) -> bool: ...
    def closed_reason(self, account: str) -> str: ...
    def check(self, account: str, request: OrderRequest) -> CheckResult: ...
    def check_amend(self, client_order_id: str, change: AmendRequest) -> CheckResult: ...
    async def submit(
        self, account: str, request: OrderRequest, *, confirmed: frozenset[str] = ...
    ) -> Order: ...
    async def amend(
        self, client_order_id: str, change: AmendRequest, *, confirmed: frozenset[str] = ...
    ) -> Order: ...
    async def cancel(self, client_order_id: str) -> Order: ...
    async def check_now(self, client_order_id: str) -> Order: ...
    def treat_as_live(self, client_order_id: str) -> Order: ...


class Accounts(Protocol):
    """What order panels ask of ``services.portfolio.Portfolio``."""

    changed: Observable[[str]]

    def balances(self, account: str) -> Mapping[str, Balance]: ...
    def fee_rates(self, account: str, symbol: str) -> FeeRates | None: ...
    def is_known(self, account: str) -> bool: ...
    def figures(self, account: str) -> AccountFigures | None: ...
    def leverage(self, account: str, instrument: Instrument) -> Decimal | None: ...
    def worth(self, account: str, asset: str, amount: Decimal, currency: str) -> Decimal | None: ...
    def equity(self, account: str, currency: str) -> Decimal | None: ...


class MarginSource(Protocol):
    """What venues say of margin; ``services.margins.Margins`` is one."""

    changed: Observable[[str]]

    def expected(self, account: str, symbol: str, quantity: Decimal) -> ExpectedMargin | None: ...
    def tiers(self, account: str, symbol: str) -> Sequence[LeverageTier]: ...
    def sets_leverage(self, account: str) -> bool: ...
    def leverage(self, account: str, symbol: str) -> Leverage | None: ...
    async def set_leverage(self, account: str, symbol: str, leverage: Decimal) -> None: ...
    async def set_margin_mode(self, account: str, symbol: str, mode: str) -> None: ...


class SelectedInstrument(Protocol):
    """The instrument that a group of linked panels shows."""

    changed: Observable[[]]

    @property
    def instrument(self) -> InstrumentId | None: ...
    @property
    def empty_text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where an order of an instrument would go, and with whose money."""

    account: str
    title: str
    abilities: VenueAbilities
    mode: Mode
    can_trade: bool
    owner: AccountInfo | None = None
    """What the venue tells of the account; None where it tells nothing."""

    @property
    def badge(self) -> str:
        """The word for every order panel; see :func:`badge_text`."""
        return badge_text(self.mode, self.account, self.owner)

    @property
    def name(self) -> str:
        """The venue, and the account where it has several: what a question before an order says."""
        return self.owner.at(self.title) if self.owner is not None else self.title

    @property
    def note(self) -> str:
        """One line on what a press of the button would do to real money."""
        return money_note(self.mode, self.title, self.owner)


def money_note(mode: Mode, venue: str, owner: AccountInfo | None) -> str:
    """Which account pays and with whose money, in one line: ``Quotex demo account, practice: no money
    moves``. ``venue``: as it is called on screen; ``owner``: what it tells of the account."""
    if mode is Mode.PRACTICE and owner is None:
        return "Practice: no money moves"
    if mode is Mode.PRACTICE:
        assert owner is not None
        which = _account_words(venue, owner)
        return (
            f"{which} of the practice site: no money moves"
            if owner.is_live
            else (f"{which}, practice: no money moves")
        )
    if mode is Mode.LIVE and owner is not None and not owner.is_live:
        return f"Demo: no real money on {owner.title}"
    if mode is Mode.LIVE:
        return f"Live: real money on {owner.title if owner is not None else venue}"
    return "Real prices, no account: connect one to trade"


def _account_words(venue: str, owner: AccountInfo) -> str:
    """``Quotex demo account``, ``cTrader real account 5120034``, ``Quotex tournament Weekend contest``."""
    word = "real" if owner.is_live else "demo"
    if owner.short == word:
        return f"{venue} {word} account"
    if owner.title.startswith(f"{venue} "):
        return owner.title
    return f"{venue} {word} account {owner.short}"


def badge_text(mode: Mode, account: str, owner: AccountInfo | None) -> str:
    """Whose money it is: PRACTICE, PRICES ONLY, LIVE with the account's own name, or DEMO with it."""
    if mode is not Mode.LIVE:
        return BADGES[mode]
    if owner is None:
        name = account.rpartition(":")[2]
        return BADGES[mode] if name in ("", "live") else f"{BADGES[mode]} {name}"
    word = BADGES[mode] if owner.is_live else "DEMO"
    return word if owner.short.upper() == word else f"{word} {owner.short}"


def is_real_money(badge: str) -> bool:
    """Whether a badge, of one account or of several, speaks of real money."""
    return BADGES[Mode.LIVE] in badge.split()


def place_of(sessions: Sessions, venue: str) -> Place | None:
    """The connection of a venue as an order panel sees it; None while there is none."""
    session = sessions.sessions.get(venue)
    if session is None:
        return None
    return Place(
        session.account,
        session.info.title,
        session.info.capabilities,
        session.mode,
        session.has_account,
        session.infos.get(session.account),
    )


def down_text(sessions: Sessions, venue: str) -> str:
    """Why a venue tells nothing now: ``Quotex is not connected. Sign in to Quotex again.``; empty while it is
    connected, and where there is no connection to it at all."""
    session = sessions.sessions.get(venue)
    if session is None or session.state in (SessionState.LIVE, SessionState.SYNCING, SessionState.STALE):
        return ""
    title = session.info.title
    if session.state is SessionState.CONNECTING:
        return f"Connecting to {title}…"
    return f"{title} is not connected. {sentence(session.reason)}".strip()


def sentence(text: str) -> str:
    """What a venue or a service said, closed by a stop."""
    return text if not text or text.endswith((".", "?", "!", "…")) else f"{text}."
