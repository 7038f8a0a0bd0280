"""Opening, leaving and choosing the accounts of a sign-in, with the questions that belong to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from terminal.domain.account import AccountInfo, Position
from terminal.domain.errors import TerminalError
from terminal.services.session import Mode
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.ports import BADGES
from terminal.viewmodels.position_questions import hide_question
from terminal.viewmodels.position_rows import AccountEntry


class AccountSource(Protocol):
    """What is known of accounts (:class:`terminal.services.portfolio.Portfolio`)."""

    def positions(self, account: str) -> tuple[Position, ...]: ...
    def info(self, account: str) -> AccountInfo | None: ...


async def show_nothing(account: str, shown: bool) -> None:
    """Where nobody can choose which accounts are shown."""


class AccountOpening:
    """Which accounts of a sign-in are open, and which one trades."""

    def __init__(
        self,
        accounts: Callable[[], Sequence[AccountEntry]],
        portfolio: AccountSource,
        notices: NoticesViewModel,
        *,
        ask: Asker,
        select_account: Callable[[str], None],
        show_account: Callable[[str, bool], Awaitable[None]] = show_nothing,
        open_orders: Callable[[str], int] = lambda account: 0,
    ) -> None:
        """``accounts`` lists every account of the connections, shown or not; ``show_account`` shows or hides
        one, and may raise TerminalError; ``open_orders`` counts what rests on one."""
        self._accounts = accounts
        self._portfolio = portfolio
        self._notices = notices
        self._ask = ask
        self._select_account = select_account
        self._show_account = show_account
        self._open_orders = open_orders

    async def trade_on(self, account: str) -> None:
        """Let orders go to an account from now on; one that is not open is opened first."""
        entry = self._entry(account)
        if entry is None or entry.is_active:
            return
        if entry.hidden is None or await self.set_shown(account, True):
            self._select_account(account)

    async def set_shown(self, account: str, shown: bool) -> bool:
        """Show or hide an account, and whether it was done: one with positions or orders is hidden, or left
        for another, only after a question, and one that wants consent is opened only with it."""
        entry = self._entry(account)
        if entry is None:
            return False
        question = self._opening(entry) if shown else self._hiding(entry)
        try:
            if question is not None and not await self._ask(question):
                return False
            await self._show_account(account, shown)
        except TerminalError as error:
            self._notices.failure(error)
            return False
        return True

    def _entry(self, account: str) -> AccountEntry | None:
        return next((each for each in self._accounts() if each.account == account), None)

    def _opening(self, entry: AccountEntry) -> Confirmation | None:
        info = entry.hidden
        if info is None:
            return None
        left = self._left_for(entry)
        running, resting = self._counts(left.account) if left is not None else (0, 0)
        if not info.consent and not running and not resting:
            return None
        is_practice = entry.badge == BADGES[Mode.PRACTICE]
        consent = info.consent
        if consent and is_practice:
            consent = f"Practice market: no money moves here. At the real venue you are asked: “{consent}”"
        rows: tuple[tuple[str, str], ...] = ()
        warnings: tuple[str, ...] = ()
        if left is not None and (running or resting):
            words = ("Contracts running", "Contracts waiting") if left.has_contracts else _USUAL
            rows = (
                ("Is left", left.title or left.name),
                *(
                    (f"{word} there", str(count))
                    for word, count in zip(words, (running, resting), strict=True)
                    if count
                ),
            )
            warnings = (_GOES_ON,)
        return Confirmation(
            title=f"Open {info.title}?",
            note=consent,
            rows=rows,
            warnings=warnings,
            confirm_text="Open it",
            # In practice too: it is the same step, rehearsed.
            tone="danger" if info.consent else "",
            badge=entry.badge if is_practice else "LIVE" if info.is_live else "DEMO",
        )

    def _left_for(self, entry: AccountEntry) -> AccountEntry | None:
        """The account that is left when this one is opened; None where several are open at once."""
        if not entry.one_at_a_time:
            return None
        venue = entry.account.partition(":")[0]
        mates = (each for each in self._accounts() if each.account.partition(":")[0] == venue)
        return next((each for each in mates if each.hidden is None), None)

    def _hiding(self, entry: AccountEntry) -> Confirmation | None:
        running, resting = self._counts(entry.account)
        if not (running or resting) or entry.is_active:
            return None
        info = self._portfolio.info(entry.account)
        title = info.title if info is not None else entry.account
        counts = tuple(zip(_USUAL, (running, resting), strict=True))
        return hide_question(title, counts, entry.badge)

    def _counts(self, account: str) -> tuple[int, int]:
        return len(self._portfolio.positions(account)), self._open_orders(account)


_USUAL = ("Open positions", "Open orders")
_GOES_ON = (
    "What is open there goes on at the venue. Its results come when that account is opened again; until then "
    "it is not shown here, and Flatten and Cancel all do not reach it."
)
