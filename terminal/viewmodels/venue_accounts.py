"""The accounts of a sign-in as the menu of a venue's card offers them: which one is open, and the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.services.session import Mode
from terminal.viewmodels.account_opening import AccountOpening
from terminal.viewmodels.ports import BADGES
from terminal.viewmodels.position_rows import AccountEntry


class AccountOffers(Protocol):
    """Which venue can do what (:class:`terminal.services.venue_accounts.VenueAccounts`)."""

    def refillable(self, venue: str) -> str: ...
    def has_profile(self, venue: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """One account of a sign-in in a menu: its words always say whose money it is."""

    account: str
    text: str
    is_active: bool


class VenueAccountsViewModel(QObject):
    """What can be done with a venue's accounts.

    Signals:
        refill_wanted: (account) the person wants a demo account filled up.
        profile_wanted: (venue) the person wants to see whose sign-in it is.
    """

    refill_wanted = Signal(str)
    profile_wanted = Signal(str)

    def __init__(
        self,
        accounts: Callable[[], Sequence[AccountEntry]],
        badge_of: Callable[[str], str],
        opening: AccountOpening,
        offers: AccountOffers,
        parent: QObject | None = None,
    ) -> None:
        """``accounts`` lists those of all connections; ``badge_of``: the word for an account's money."""
        super().__init__(parent)
        self._accounts = accounts
        self._badge_of = badge_of
        self._opening = opening
        self._offers = offers
        self._busy: set[str] = set()

    def choices(self, venue: str) -> tuple[AccountChoice, ...]:
        """The accounts of a venue's sign-in by name; none where it has one alone."""
        mine = [each for each in self._accounts() if each.account.partition(":")[0] == venue and each.title]
        if len(mine) < 2:
            return ()
        return tuple(
            AccountChoice(each.account, f"{each.title}   {self._money(each)}", each.is_active)
            for each in sorted(mine, key=lambda each: each.title.casefold())
        )

    def _money(self, entry: AccountEntry) -> str:
        if entry.is_real:
            return f"{BADGES[Mode.LIVE]}, real money"
        word = self._badge_of(entry.account).partition(" ")[0]
        return word or entry.badge

    def choose(self, account: str) -> None:
        """Let orders go to an account from now on, opening it first where it is not; what has to be asked
        before is asked."""
        venue = account.partition(":")[0]
        if venue not in self._busy:
            self._busy.add(venue)
            task = tasks.spawn(self._opening.trade_on(account), name=f"account {account}")
            task.add_done_callback(lambda _: self._busy.discard(venue))

    def can_refill(self, venue: str) -> bool:
        """Whether the account that is open is a demo account that its venue fills up."""
        return bool(self._offers.refillable(venue))

    def want_refill(self, venue: str) -> None:
        """The person wants it filled up."""
        account = self._offers.refillable(venue)
        if account:
            self.refill_wanted.emit(account)

    def has_profile(self, venue: str) -> bool:
        """Whether the venue says whose the sign-in is."""
        return self._offers.has_profile(venue)

    def want_profile(self, venue: str) -> None:
        """The person wants to see it."""
        self.profile_wanted.emit(venue)
