"""How fast we ask Quotex: what can wait is sent in its turn, what a person trades with leaves at once.

Quotex names no limit. Clients of its web terminal are advised to send about sixty events a minute beside the
tick. That is kept over time; but each opening of the line, and these have pauses of their own, begins with a
whole minute's worth, so that a workspace of twenty assets has its prices, and the first page of each chart,
at once and not after a minute. A third is kept for prices alone: another asset that is looked at does not
wait for what was asked about the past.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from terminal.core.clock import Clock
from terminal.domain.errors import VenueUnavailable
from terminal.domain.events import BudgetLevel
from terminal.transport.quotas import LeakyCounter
from terminal.venues.quotex.errors import VENUE_NAME

BURST: Final = 60
FOR_PRICES: Final = 20
A_SECOND: Final = 1.0
PATIENCE_S: Final = 10.0
"""What has waited for so long goes before the newest, so that one long history does not hold up another."""
TURN_S: Final = 60.0
"""Whoever has not had a turn by then is told so: in that time as much has left as may wait here."""

PRICES, PAGES, EXTRAS = 0, 1, 2
"""Whose turn comes first: prices that are watched, then the past, then what only completes a chart."""

_RANKS: Final[dict[str, tuple[str, int, bool]]] = {
    "instruments/update": ("chart", PRICES, True),
    "instruments/unsubscribe": ("chart", PRICES, False),
    "depth/follow": ("mood", EXTRAS, True),
    "depth/unfollow": ("mood", EXTRAS, False),
    "chart_notification/get": ("notices", EXTRAS, True),
}
"""Events of an asset that can wait: what they are about, their rank, and whether they ask for it or leave
it."""


@dataclass(eq=False, slots=True)
class _Waiting:
    rank: int
    number: int
    since_ns: int
    act: Callable[[], None]
    lost: Callable[[], None] | None = None


class Pace:
    """Turns on one connection. ``send`` writes an event at once and raises nothing.

    Of what waits, the lowest rank comes first, and within it the newest: what a person looks at now goes
    before what was looked at a moment ago; but what has waited for ten seconds goes before both. A wish that
    is taken back before its turn is never sent.
    """

    def __init__(self, send: Callable[..., None], clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self._counter = LeakyCounter("requests", BURST, A_SECOND, clock, FOR_PRICES, venue=VENUE_NAME)
        self._numbers = itertools.count()
        self._waiting: dict[object, _Waiting] = {}
        self._taken: set[tuple[str, str]] = set()
        """What was asked for and not left since the connection opened, with its asset."""
        self._timer: asyncio.TimerHandle | None = None

    def charge(self) -> None:
        """Count what leaves at once."""
        self._counter.charge(1)

    def as_budget(self) -> BudgetLevel:
        """What was sent of late, as the status bar shows it."""
        return self._counter.as_budget()

    @property
    def waiting(self) -> int:
        """How much waits for its turn."""
        return len(self._waiting)

    def put(self, name: str, data: Any, *, at_once: bool = False) -> None:
        """Send an event of an asset in its turn, or at once where a person trades on it. It takes the
        place of one that it makes pointless."""
        what, rank, asks = _RANKS[name]
        asset = str(data.get("asset")) if isinstance(data, dict) else str(data)
        key = (what, asset)
        if not asks and key not in self._taken:
            self._waiting.pop(key, None)
            return

        def leave() -> None:
            (self._taken.add if asks else self._taken.discard)(key)
            self._send(name, data)

        if at_once:
            self._waiting.pop(key, None)
            self.charge()
            leave()
        else:
            self._wait(key, rank, leave)

    async def turn(self) -> None:
        """Return when it is the caller's turn; counted already.

        Raises:
            VenueUnavailable: the connection was lost, or so much waits that no turn came in a minute.
        """
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        key = object()

        def lost() -> None:
            if not answer.done():
                answer.set_exception(VenueUnavailable(VENUE_NAME, "the connection was lost"))

        def act() -> None:
            if not answer.done():
                answer.set_result(None)

        self._wait(key, PAGES, act, lost)
        try:
            async with asyncio.timeout(TURN_S):
                await answer
        except TimeoutError:
            text = "Too much is asked of Quotex at once; this waits for its turn. Try again in a minute."
            raise VenueUnavailable(VENUE_NAME, "no turn", user_text=text) from None
        finally:
            self._waiting.pop(key, None)

    def begin(self) -> None:
        """The line has just opened."""
        self._counter.correct(0.0)

    def clear(self) -> None:
        """The connection is gone: nothing waits any more, and nothing is taken."""
        waiting, self._waiting = self._waiting, {}
        self._taken.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for each in waiting.values():
            if each.lost is not None:
                each.lost()

    def _wait(
        self, key: object, rank: int, act: Callable[[], None], lost: Callable[[], None] | None = None
    ) -> None:
        self._waiting[key] = _Waiting(rank, next(self._numbers), self._clock.monotonic_ns(), act, lost)
        if self._timer is not None and rank == PRICES:
            # What waits may wait for room that prices have.
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._pump()

    def _pump(self) -> None:
        self._timer = None
        while self._waiting:
            key = min(self._waiting, key=self._place)
            for_prices = self._waiting[key].rank == PRICES
            if not self._counter.try_charge(1, urgent=for_prices):
                wait_s = max(0.01, self._counter.wait_s(1, urgent=for_prices))
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._pump)
                return
            self._waiting.pop(key).act()

    def _place(self, key: object) -> tuple[int, bool, int]:
        """Where a wish stands: the least is next."""
        wish = self._waiting[key]
        is_new = self._clock.monotonic_ns() - wish.since_ns < PATIENCE_S * 1e9
        return wish.rank, is_new, -wish.number if is_new else wish.number
