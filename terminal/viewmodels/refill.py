"""Filling a demo account up: the form, and what the venue made of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.observe import Observable
from terminal.domain.errors import TerminalError
from terminal.viewmodels import format as fmt
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.size_entry import parse_number

USUAL: Final = "10000"
_MOST: Final = Decimal(10**9)


class Refiller(Protocol):
    """What can be asked (:class:`terminal.services.venue_accounts.VenueAccounts`)."""

    async def refill(self, account: str, amount: Decimal) -> Decimal | None: ...


class RefillViewModel(QObject):
    """One refill of one demo account.

    Signals:
        changed: re-read everything.
        done: the venue has filled it up.

    Attributes:
        title: the account. badge: whose money it is. currency: its own.
        text: the amount as typed. problem: what is wrong with it, in one sentence.
        is_busy: the venue is being asked. error: its no, or its silence, in one sentence.
    """

    changed = Signal()
    done = Signal()

    def __init__(
        self,
        account: str,
        service: Refiller,
        balance: Callable[[], Decimal | None],
        balances_changed: Observable[[str]],
        notices: NoticesViewModel,
        *,
        title: str,
        currency: str,
        badge: str = "",
        hide_amounts: bool = False,
        parent: QObject | None = None,
    ) -> None:
        """``balance``: the account's as it stands now; ``balances_changed`` is called with an account."""
        super().__init__(parent)
        self.title = title
        self.badge = badge
        self.currency = currency
        self.text = USUAL
        self.problem = ""
        self.is_busy = False
        self.error = ""
        self._account = account
        self._service = service
        self._balance = balance
        self._hides = hide_amounts
        self._notices = notices
        self._is_closed = False
        self._unwatch = balances_changed.watch(self._on_balances)

    def close(self) -> None:
        """Nobody looks any more; what is under way ends quietly, and its result is a notice."""
        self._is_closed = True
        self._unwatch()

    @property
    def balance_text(self) -> str:
        """What the account holds now."""
        return self._money(self._balance())

    @property
    def warning(self) -> str:
        """What becomes of the balance where the amount is less than there is; empty: it grows."""
        amount, balance = self._amount(), self._balance()
        if self.problem or amount is None or balance is None or amount >= balance:
            return ""
        less = f"{self._money(balance - amount)} less" if not self._hides else "less"
        return f"The venue may set the balance to {self._money(amount)}: that is {less} than now."

    @property
    def can_send(self) -> bool:
        return not self.is_busy and not self.problem and self._amount() is not None

    def set_text(self, text: str) -> None:
        """Take what was typed."""
        self.text, self.error = text, ""
        try:
            amount = parse_number(text, decimals=0, currency=self.currency)
        except ValueError as error:
            self.problem = str(error)
        else:
            self.problem = "" if amount <= _MOST else "That is more than a demo account holds."
        self._tell()

    def send(self) -> None:
        """Ask the venue, once."""
        amount = self._amount()
        if amount is not None and self.can_send:
            self.is_busy, self.error = True, ""
            self._tell()
            tasks.spawn(self._send(amount), name=f"refill {self._account}")

    async def _send(self, amount: Decimal) -> None:
        try:
            added = await self._service.refill(self._account, amount)
        except TerminalError as error:
            self.error = error.user_text
            if self._is_closed:
                self._notices.error(f"{self.title}: {error.user_text}")
            return
        finally:
            self.is_busy = False
            self._tell()
        self._notices.info(f"{self.title} was {self._result(added)}.")
        if not self._is_closed:
            self.done.emit()

    def _result(self, added: Decimal | None) -> str:
        is_less = added is not None and added < 0
        if self._hides:
            return "set to another balance" if is_less else "filled up"
        if is_less:
            return f"set to {self.balance_text}"
        by = f" by {fmt.money(added, self.currency, signed=True)}" if added is not None else ""
        return f"filled up{by}: it holds {self.balance_text} now"

    def _amount(self) -> Decimal | None:
        try:
            return parse_number(self.text, decimals=0, currency=self.currency)
        except ValueError:
            return None

    def _money(self, amount: Decimal | None) -> str:
        if self._hides and amount is not None:
            return fmt.HIDDEN
        return fmt.money(amount, self.currency)

    def _on_balances(self, account: str) -> None:
        if account == self._account:
            self._tell()

    def _tell(self) -> None:
        if not self._is_closed:
            self.changed.emit()
