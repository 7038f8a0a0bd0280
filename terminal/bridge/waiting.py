"""What waits for a click: the orders of bots that a person confirms one by one.

Nothing has left while something waits here. It ends in one of four ways: accepted, refused, too old (nobody
looked), or withdrawn, because the caller has gone, a hand or a switch was quicker, or the bot has other
rights now. Only the first one lets an order go on to the gate.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from terminal.bridge.bots import Bot
from terminal.bridge.errors import CallRefused
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.instrument import InstrumentId
from terminal.domain.orders import OrderRequest

log = logging.getLogger("bridge")

WAIT_S: Final = 20.0
MOST_WAITING: Final = 6
"""Of all bots together: each holds a connection, and a person reads no longer list within the time."""
MOST_OF_A_BOT: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """One thing that a bot wants and a person decides. Times are monotonic, in ns."""

    number: int
    bot: Bot
    what: str
    """In words, e.g. ``Buy 0.01 BTC/USD at 59000``."""
    instrument: InstrumentId
    account: str
    is_practice: bool
    worth: Decimal | None
    """In US dollars; None for what is no order."""
    request: OrderRequest | None
    asked_ns: int
    until_ns: int


class WaitingList:
    """Asks the person, and ends what is not answered.

    Attributes:
        changed: something came, or is not waiting any more.
    """

    def __init__(self, clock: Clock, wait_s: Callable[[], float]) -> None:
        self.changed: Observable[[]] = Observable("waiting orders")
        self.wait_s = wait_s
        self._clock = clock
        self._numbers = itertools.count(1)
        self._open: dict[int, tuple[Waiting, asyncio.Future[str]]] = {}

    @property
    def all(self) -> tuple[Waiting, ...]:
        """Oldest first."""
        return tuple(waiting for waiting, _ in self._open.values())

    def left_s(self, waiting: Waiting) -> float:
        """How long it will still wait."""
        return max(0.0, (waiting.until_ns - self._clock.monotonic_ns()) / 1e9)

    def age_s(self, waiting: Waiting) -> float:
        """How long it has been shown."""
        return (self._clock.monotonic_ns() - waiting.asked_ns) / 1e9

    async def ask(
        self,
        bot: Bot,
        what: str,
        *,
        instrument: InstrumentId,
        account: str,
        is_practice: bool,
        worth: Decimal | None = None,
        request: OrderRequest | None = None,
        gone: asyncio.Future[None] | None = None,
    ) -> None:
        """Return once the person has accepted it; ``gone`` is done when nobody waits for the answer any more.

        Raises:
            CallRefused: refused, not answered in time, withdrawn, or too much is waiting already.
        """
        mine = sum(each.bot.key == bot.key for each in self.all)
        if len(self._open) >= MOST_WAITING or mine >= MOST_OF_A_BOT:
            raise CallRefused("too many orders wait for the person already; nothing was sent")
        wait_s, now = self.wait_s(), self._clock.monotonic_ns()
        number = next(self._numbers)
        until = now + int(wait_s * 1e9)
        waiting = Waiting(number, bot, what, instrument, account, is_practice, worth, request, now, until)
        verdict: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._open[number] = (waiting, verdict)
        log.info("bot %s waits for a click: %s", bot.name, what)

        def on_gone(_: object) -> None:
            self._end(number, "withdrawn: the caller has gone")

        if gone is not None:
            gone.add_done_callback(on_gone)
        self.changed.notify()
        try:
            async with asyncio.timeout(wait_s):
                refused = await verdict
            if not refused and gone is not None and gone.done():
                refused = "withdrawn: the caller has gone"
        except TimeoutError:
            refused = f"nobody confirmed it in the terminal's window within {wait_s:.0f} s"
        finally:
            if gone is not None:
                gone.remove_done_callback(on_gone)
            if self._open.pop(number, None) is not None:
                self.changed.notify()
        log.info("bot %s: %s: %s", bot.name, what, refused or "accepted in the window")
        if refused:
            raise CallRefused(f"{refused}; nothing was sent")

    def accept(self, number: int) -> bool:
        """Let it go on to the gate, with every check of it; False where it is not waiting any more."""
        return self._end(number, "")

    def refuse(self, number: int) -> bool:
        """The person's no; False where it is not waiting any more."""
        return self._end(number, "refused in the terminal's window")

    def withdraw(self, why: str, which: Callable[[Waiting], bool] = lambda waiting: True) -> None:
        """End what waits, all of it or some, because of something else."""
        for waiting in self.all:
            if which(waiting):
                self._end(waiting.number, f"withdrawn: {why}")

    def _end(self, number: int, refused: str) -> bool:
        found = self._open.pop(number, None)
        if found is None or found[1].done():
            return False
        found[1].set_result(refused)
        self.changed.notify()
        return True
