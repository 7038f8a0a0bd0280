"""Where the orders of a ticket go, whether they would be taken there now, and what changes that."""

from __future__ import annotations

from collections.abc import Callable

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.services.arming import ArmState
from terminal.viewmodels.market_hours import closed_text
from terminal.viewmodels.ports import Accounts, Gate, MarginSource, Place, Sessions, down_text, place_of


class FormPlace:
    """The account behind a form, followed for it.

    Attributes:
        place: where an order of the form's instrument would go; None while its venue is not connected.
        moved: the venue's connection is another one now, or has changed: look at everything again.
        stirred: figures of the account have changed.
        voided: what was shown to be confirmed holds no longer: another account answers now, or nothing may
            be sent at all.
        left: another account answers now; what was told of the one before is of no use any more.
        armed: the arm switch was moved.
    """

    def __init__(
        self,
        sessions: Sessions,
        gate: Gate,
        accounts: Accounts,
        clock: Clock,
        margins: MarginSource | None = None,
    ) -> None:
        """``margins``: what venues say of margin themselves, where the form shows that."""
        self.place: Place | None = None
        self.moved: Observable[[]] = Observable("form's venue")
        self.stirred: Observable[[]] = Observable("form's account")
        self.voided: Observable[[]] = Observable("form's question")
        self.left: Observable[[]] = Observable("form's account before")
        self.armed: Observable[[]] = Observable("form's arm switch")
        self._sessions, self._gate, self._clock = sessions, gate, clock
        self._id: InstrumentId | None = None
        self._unwatch: list[Callable[[], None]] = [
            sessions.changed.watch(self._on_session),
            accounts.changed.watch(self._on_account),
            gate.readiness.watch(self._on_account),
            gate.arming.changed.watch(self._on_arm),
        ]
        if margins is not None:
            self._unwatch.append(margins.changed.watch(self._on_account))

    def close(self) -> None:
        """Follow nothing any more."""
        for unwatch in self._unwatch:
            unwatch()

    def show(self, instrument: InstrumentId | None) -> Place | None:
        """Follow the venue of an instrument, as it is connected now; None: there is nothing to trade."""
        self._id = instrument
        self.place = None if instrument is None else place_of(self._sessions, instrument.venue)
        return self.place

    @property
    def missing_text(self) -> str:
        """Why a chosen instrument is not known: its venue is not connected, or does not list it."""
        assert self._id is not None
        if self.place is None:
            return f"The venue of {self._id.symbol} is not connected."
        down = down_text(self._sessions, self._id.venue)
        return down or f"{self.place.title} does not list {self._id.symbol} now."

    def closed_reason(self, instrument: Instrument | None) -> str:
        """Why nothing can be sent now, whatever stands in the form; empty when it can."""
        if self.place is None:
            return ""
        if not self.place.can_trade:
            return self.place.note
        if self._gate.arming.state is ArmState.VIEW:
            return "View: switch to Confirm to trade"
        reason = self._gate.closed_reason(self.place.account)
        return reason or closed_text(instrument, self._clock.wall_ns())

    def _on_session(self, venue: str) -> None:
        if self._id is None or venue != self._id.venue:
            return
        before, after = self.place, self.show(self._id)
        self.moved.notify()
        if before is not None and after is not None and before.account != after.account:
            self.voided.notify()
            self.left.notify()
        self.stirred.notify()

    def _on_account(self, account: str) -> None:
        if self.place is not None and account == self.place.account:
            self.stirred.notify()

    def _on_arm(self, state: ArmState) -> None:
        if state is ArmState.VIEW:
            self.voided.notify()
        self.armed.notify()
