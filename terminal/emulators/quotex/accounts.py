"""The people who have an account at the practice Quotex, and their money: real, demo and tournaments'.

All of it is play money, the real side too. Amounts are in the account's own currency.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from terminal.emulators.market.store import Store

LIVE: Final = "live"
DEMO: Final = "demo"
"""Names of wallets; a tournament's is its number as text."""

FIRST_DEMO: Final = Decimal("10000.00")
FIRST_LIVE: Final = Decimal("250.00")
MOST_REFILL: Final = Decimal(50_000)


@dataclass(frozen=True, slots=True)
class Tournament:
    """A contest with money of its own."""

    number: int
    title: str
    first_balance: Decimal


TOURNAMENTS: Final = (
    Tournament(417, "Weekend contest", Decimal("1000.00")),
    Tournament(418, "Practice masters", Decimal("500.00")),
)


@dataclass(slots=True)
class User:
    """One account."""

    uid: int
    email: str
    password: str
    nickname: str
    currency: str
    currency_symbol: str
    asks_pin: bool
    """Every sign-in with the password needs the PIN."""
    pin: str
    balances: dict[str, Decimal] = field(default_factory=dict)
    """By wallet."""
    time_offset: int = 0
    """Seconds, of the profile's time zone."""
    settings: dict[str, Any] = field(default_factory=dict)
    indicators: list[dict[str, Any]] = field(default_factory=list)
    drawings: list[dict[str, Any]] = field(default_factory=list)

    def begin(self) -> None:
        """The first balances, and nothing stored."""
        self.balances = {DEMO: FIRST_DEMO, LIVE: FIRST_LIVE}
        self.balances.update((str(one.number), one.first_balance) for one in TOURNAMENTS)
        self.settings, self.indicators, self.drawings, self.time_offset = {}, [], [], 0

    def balance_row(self, wallet: str) -> dict[str, Any]:
        """As ``balance`` tells it; in a tournament the demo figure is the tournament's."""
        if wallet in (LIVE, DEMO):
            return {"liveBalance": self.balances[LIVE], "demoBalance": self.balances[DEMO]}
        return {
            "liveBalance": self.balances[LIVE],
            "demoBalance": self.balances[wallet],
            "tournamentId": int(wallet),
        }

    def row(self) -> dict[str, Any]:
        """What is kept of the account."""
        return {
            "password": self.password,
            "pin": self.pin,
            "balances": {wallet: format(amount, "f") for wallet, amount in self.balances.items()},
            "time_offset": self.time_offset,
            "settings": self.settings,
            "indicators": self.indicators,
            "drawings": self.drawings,
        }

    def take(self, row: dict[str, Any]) -> None:
        """As it was kept."""
        self.password, self.pin = row["password"], row["pin"]
        self.balances |= {wallet: Decimal(amount) for wallet, amount in row["balances"].items()}
        self.time_offset = row["time_offset"]
        self.settings, self.indicators, self.drawings = row["settings"], row["indicators"], row["drawings"]


def wallet_of(is_demo: Any, tournament_id: Any) -> str | None:
    """The wallet that ``isDemo`` and ``tournamentId`` name; None for one that is not there."""
    number = tournament_id or 0
    if is_demo not in (0, 1):
        return None
    if number == 0:
        return DEMO if is_demo else LIVE
    return str(number) if is_demo and any(one.number == number for one in TOURNAMENTS) else None


def is_demo(wallet: str) -> int:
    """As the wire has it."""
    return 0 if wallet == LIVE else 1


def tournament_id(wallet: str) -> int:
    """As the wire has it."""
    return 0 if wallet in (LIVE, DEMO) else int(wallet)


class Accounts:
    """All of them, with their memory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.users: dict[int, User] = {}
        for user in (
            User(61_402_117, "practice@quotex.example", "", "practice.trader", "USD", "$", False, ""),
            User(61_402_118, "second@quotex.example", "", "second.trader", "EUR", "€", True, ""),
        ):
            user.password, user.pin = secrets.token_urlsafe(9), str(secrets.randbelow(900_000) + 100_000)
            user.begin()
            kept = store.get(f"quotex:user:{user.uid}")
            if isinstance(kept, dict):
                user.take(kept)
            self.users[user.uid] = user
            self.save(user)

    @property
    def first(self) -> User:
        """The one whose session is made beforehand."""
        return next(iter(self.users.values()))

    def by_email(self, email: str) -> User | None:
        """Whose e-mail address that is; letters count the same in both cases."""
        wanted = email.strip().casefold()
        return next((one for one in self.users.values() if one.email == wanted), None)

    def save(self, user: User) -> None:
        """Write one account."""
        self._store.put(f"quotex:user:{user.uid}", user.row())
