"""The venue cancels everything when we fall silent, where it can (Kraken ``CancelAllOrdersAfter``).

Off until a person arms it, for each account. Armed, it is renewed every 20 s with 60 s to run (or what the
person has chosen instead, renewed three times as often). It cancels all
orders of the account, also those placed elsewhere; once fired it stays off. So it has to be disarmed before
planned maintenance, and on quitting (unless the person wants it to fire).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.errors import NotSent, TerminalError, Unsupported
from terminal.services.answers import AnswerKind, classify
from terminal.services.notices import Level, Notice
from terminal.venues.base import HasDeadMansSwitch, TradesOrders

log = logging.getLogger("orders")


@dataclass(frozen=True, slots=True)
class SwitchTimings:
    """Seconds."""

    timeout_s: int = 60
    renew_s: float = 20.0
    retry_s: float = 2.0
    call_s: float = 8.0


@dataclass(slots=True)
class SwitchState:
    """One account's switch."""

    armed: bool = False
    renewed_ns: int | None = None
    """Monotonic time of the last renewal that the venue confirmed."""
    error: str = ""
    """Why the last renewal failed."""
    timeout_s: int = 0
    """How long it runs from a renewal, as it was armed."""


class DeadMansSwitch:
    """The switches of all accounts.

    Attributes:
        changed: called with the account's name.
        notice: a renewal failed, or the time has run out.
    """

    def __init__(
        self,
        connector: Callable[[str], TradesOrders | None],
        clock: Clock,
        timings: SwitchTimings | None = None,
        *,
        chosen_s: Callable[[str], int] | None = None,
        name_of: Callable[[str], str] = str,
    ) -> None:
        """``chosen_s``: seconds of silence after which an account's switch fires; read at each arming.
        ``name_of``: an account as the person knows it."""
        self.changed: Observable[[str]] = Observable("dead man's switch")
        self.notice: Observable[[Notice]] = Observable("dead man's switch notices")
        self._connector = connector
        self._clock = clock
        self._timings = timings or SwitchTimings()
        self._chosen_s = chosen_s
        self._name_of = name_of
        self._states: dict[str, SwitchState] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def state(self, account: str) -> SwitchState:
        """How the account's switch stands."""
        return self._states.setdefault(account, SwitchState())

    def is_available(self, account: str) -> bool:
        """Whether the account's venue has such a switch at all."""
        return isinstance(self._connector(account), HasDeadMansSwitch)

    def seconds_left(self, account: str) -> float | None:
        """Until the venue cancels everything, by our count; None while it is not armed."""
        state = self.state(account)
        if not state.armed or state.renewed_ns is None:
            return None
        gone_s = (self._clock.monotonic_ns() - state.renewed_ns) / 1e9
        return max(0.0, state.timeout_s - gone_s)

    def timeout_s(self, account: str) -> int:
        """How long it would run, or does run, without a sign of life from us."""
        state = self.state(account)
        if state.armed:
            return state.timeout_s
        return self._chosen_s(account) if self._chosen_s is not None else self._timings.timeout_s

    def armed(self) -> list[str]:
        """The accounts whose switch is on."""
        return [account for account, state in self._states.items() if state.armed]

    async def arm(self, account: str) -> None:
        """Switch it on and keep it renewed.

        Raises:
            Unsupported: the venue has none.
            TerminalError: the venue did not take it; it is off, as far as is known.
        """
        state = self.state(account)
        if state.armed:
            return
        state.timeout_s = self.timeout_s(account)
        try:
            await self._set(account, state.timeout_s)
        except (TerminalError, TimeoutError) as error:
            if classify(error).kind is AnswerKind.IN_DOUBT:
                await self._take_back(account)
            raise
        state.armed, state.renewed_ns, state.error = True, self._clock.monotonic_ns(), ""
        self._tasks[account] = tasks.spawn(self._keep_renewed(account), name=f"dead man {account}")
        log.info("%s: dead man's switch armed", account)
        self.changed.notify(account)

    async def _take_back(self, account: str) -> None:
        """An unanswered arming may have arrived, and would then cancel everything unasked."""
        try:
            await self._set(account, 0)
        except (TerminalError, TimeoutError) as error:
            log.warning("%s: the switch could not be taken back: %s", account, error)
            self._tell(
                f"The dead man's switch may be on: orders of {self._name_of(account)} may be canceled within "
                f"{self.state(account).timeout_s} s.",
                str(error),
            )

    async def disarm(self, account: str) -> None:
        """Switch it off at the venue; orders stay.

        Raises:
            TerminalError: the venue did not take it, so it will fire. It is not renewed any more either way.
        """
        state = self.state(account)
        await tasks.cancel_and_wait(self._tasks.pop(account, None))
        if not state.armed:
            return
        try:
            await self._set(account, 0)
        except (TerminalError, TimeoutError) as error:
            self._tasks[account] = tasks.spawn(self._await_firing(account), name=f"dead man {account} fires")
            state.error = error.user_text if isinstance(error, TerminalError) else "no answer"
            self.changed.notify(account)
            raise
        state.armed, state.renewed_ns, state.error = False, None, ""
        log.info("%s: dead man's switch disarmed", account)
        self.changed.notify(account)

    async def close(self, *, leave_armed: bool = False) -> list[str]:
        """On quitting: disarm all, or let them fire. Returns the accounts that could not be disarmed."""
        failed = []
        for account, state in self._states.items():
            if not state.armed:
                continue
            if leave_armed:
                await tasks.cancel_and_wait(self._tasks.pop(account, None))
                continue
            try:
                await self.disarm(account)
            except (TerminalError, TimeoutError) as error:
                log.error("%s: the dead man's switch could not be disarmed: %s", account, error)
                failed.append(account)
                await tasks.cancel_and_wait(self._tasks.pop(account, None))
        return failed

    async def _set(self, account: str, timeout_s: int) -> None:
        connector = self._connector(account)
        venue = account.partition(":")[0]
        if connector is None:
            raise NotSent(venue, "no connection")
        if not isinstance(connector, HasDeadMansSwitch):
            raise Unsupported("dead_mans_switch", "This venue has no dead man's switch.")
        async with asyncio.timeout(self._timings.call_s):
            await connector.cancel_after(timeout_s)

    async def _keep_renewed(self, account: str) -> None:
        state = self.state(account)
        while True:
            renew_s = min(self._timings.renew_s, state.timeout_s / 3)
            await asyncio.sleep(self._timings.retry_s if state.error else renew_s)
            if self.seconds_left(account) == 0:
                self._run_out(account, state)
                return
            try:
                await self._set(account, state.timeout_s)
            except (TerminalError, TimeoutError) as error:
                first = not state.error
                state.error = error.user_text if isinstance(error, TerminalError) else "no answer"
                if first:
                    left = round(self.seconds_left(account) or 0)
                    self._tell(
                        f"The dead man's switch was not renewed: orders of {self._name_of(account)} may be "
                        f"canceled in {left} s.",
                        state.error,
                    )
            else:
                state.renewed_ns, state.error = self._clock.monotonic_ns(), ""
            self.changed.notify(account)

    async def _await_firing(self, account: str) -> None:
        """It could not be disarmed and is not renewed: say when its time is up."""
        await asyncio.sleep(self.seconds_left(account) or 0.0)
        self._run_out(account, self.state(account))

    def _run_out(self, account: str, state: SwitchState) -> None:
        """Not renewed in time: the venue has most likely canceled everything, and the switch is off."""
        state.armed, state.renewed_ns, state.error = False, None, ""
        self._tasks.pop(account, None)
        name = self._name_of(account)
        self._tell(f"The dead man's switch of {name} has run out; its orders are probably canceled.", "")
        self.changed.notify(account)

    def _tell(self, text: str, detail: str) -> None:
        self.notice.notify(Notice(Level.ERROR, text, detail))
