"""What the venue strip and its forms ask of the connections and of who carries out their commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from terminal.core.observe import Observable
from terminal.core.secret import Secret
from terminal.domain.account import AccountInfo
from terminal.domain.events import BudgetLevel
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, Quote
from terminal.services.market_data import Topic
from terminal.services.session import Mode, SessionState
from terminal.venues.base import AskPerson, KeyReport, LinkHealth
from terminal.viewmodels.login import SignInDesk


class SessionView(Protocol):
    """What a card needs of a connection (:class:`terminal.services.session.Session`)."""

    state: SessionState
    reason: str
    venue_status: str
    needs_sign_in: str
    """Why the person has to sign in again; empty while he does not."""

    @property
    def is_sign_in_doubted(self) -> bool: ...

    @property
    def venue(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def accounts(self) -> Sequence[str]: ...

    @property
    def infos(self) -> Mapping[str, AccountInfo]: ...

    @property
    def hidden(self) -> Mapping[str, AccountInfo]: ...

    @property
    def mode(self) -> Mode: ...

    @property
    def has_account(self) -> bool: ...

    def health(self) -> LinkHealth: ...

    def budgets(self) -> Sequence[BudgetLevel]: ...

    def feed_age_s(self) -> float | None: ...


class SessionsView(Protocol):
    """All connections (:class:`terminal.services.session.SessionManager`)."""

    changed: Observable[[str]]

    @property
    def sessions(self) -> Mapping[str, SessionView]: ...


class PriceSource(Protocol):
    """What a card's price needs (:class:`terminal.services.market_data.MarketData`)."""

    changed: Observable[[InstrumentId, Topic]]

    def watch(self, feed: Feed, venue: str) -> Callable[[], None]: ...

    def quote(self, instrument: InstrumentId) -> Quote | None: ...

    def instrument(self, instrument: InstrumentId) -> Instrument | None: ...


@dataclass(frozen=True, slots=True)
class PracticeLogin:
    """Somebody whom a practice site knows. It is all made up, so that the form may tell it."""

    email: str
    password: str
    pin: str
    """What the site sends by e-mail where it asks for one."""
    asks_pin: bool


class ConnectionDesk(SignInDesk, Protocol):
    """What the program can do with connections and keys; the composition provides it."""

    async def use(self, venue: str, mode: Mode) -> None:
        """Connect a venue in a mode; LIVE uses the kept keys. Raises TerminalError."""
        ...

    async def disconnect(self, venue: str) -> None: ...

    def options(self, venue: str) -> Mapping[str, str]:
        """The kept entries of the venue's form that are no secrets, by key."""
        ...

    async def test_keys(
        self, venue: str, mode: Mode, keys: Mapping[str, Secret], options: Mapping[str, str]
    ) -> KeyReport:
        """Try keys and the form's other entries at the venue itself and read back what they may do. Raises
        TerminalError."""
        ...

    async def sign_in_by_password(
        self, venue: str, mode: Mode, entered: Mapping[str, Secret], ask: AskPerson
    ) -> Mapping[str, Secret]:
        """Sign in with a password at the venue; the entries of its form. Raises TerminalError."""
        ...

    async def sign_in_on_page(self, venue: str, mode: Mode) -> Mapping[str, Secret]:
        """Take the session of the venue's own page over; the entries of the form. Raises TerminalError."""
        ...

    async def practice_logins(self, venue: str) -> Sequence[PracticeLogin]:
        """Whom the practice site knows. Raises VenueUnavailable."""
        ...

    async def known_entries(self, venue: str, mode: Mode) -> Mapping[str, str]:
        """The entries of the form that are no secrets, of the sign-in or key in use or kept. Raises
        CredentialError."""
        ...

    def trouble(self, venue: str, mode: Mode) -> str:
        """Why the venue does not take the sign-in any more; empty where it does."""
        ...

    def has_page(self) -> bool:
        """Whether a page can be opened inside the program."""
        ...

    def can_fetch_page(self) -> bool:
        """Whether it could be once its engine was fetched."""
        ...

    async def save_options(self, venue: str, options: Mapping[str, str]) -> None:
        """Keep the form's other entries; they hold from the next connection. Raises SettingsError."""
        ...

    async def save_keys(
        self, venue: str, mode: Mode, keys: Mapping[str, Secret], options: Mapping[str, str]
    ) -> str:
        """Keep the keys in the keychain or the vault, and the form's other entries. ``venue`` may be a kind
        of which a person adds one: the answer is the venue's name. Raises CredentialError or
        SettingsError."""
        ...

    def leaving(self, venue: str) -> str:
        """What removing a venue does here, and what it leaves there."""
        ...

    async def forget_keys(self, venue: str) -> None: ...

    async def has_keys(self, venue: str, mode: Mode) -> bool:
        """Whether keys are kept for a venue, or a sign-in for its practice twin. Raises CredentialError."""
        ...

    def key_store(self) -> str:
        """Where keys are kept on this machine, as one plain sentence."""
        ...

    def needs_passphrase(self) -> bool:
        """Whether the vault has to be opened with a passphrase first (there is no keychain)."""
        ...
