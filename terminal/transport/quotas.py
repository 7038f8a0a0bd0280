"""Rate limits, counted the way the venue meters them, so that we refuse or wait before it does.

One counter a *scope* of the venue (a key, an account and pair, an address): two counters for one limit would
double it in secret. Some points can be kept back for urgent calls, because a person must always be able to
cancel.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from contextlib import suppress

from terminal.core.clock import Clock
from terminal.domain.errors import RateLimited
from terminal.domain.events import BudgetLevel

# A counter that stands a rounding error above its limit must not make a caller wait for nothing.
_EPSILON = 1e-9
_LONGEST_SLEEP_S = 1.0


class LeakyCounter:
    """A counter that calls fill and time empties: ``limit`` points, ``decay_per_s`` points a second.

    ``reserve`` points at the top are for urgent calls alone, ``margin`` points for nobody: the venue counts a
    call when it arrives, so its counter has drained less than ours. Costs and levels are in the venue's own
    points, which may be fractions.
    """

    def __init__(
        self,
        name: str,
        limit: float,
        decay_per_s: float,
        clock: Clock,
        reserve: float = 0.0,
        *,
        margin: float = 0.0,
        venue: str = "",
    ) -> None:
        self.name = name
        self.limit = limit
        self.decay_per_s = decay_per_s
        self.reserve = reserve
        self.margin = margin
        self._venue = venue
        self._clock = clock
        self._level = 0.0
        self._at_ns = clock.monotonic_ns()
        self._queue: deque[tuple[float, asyncio.Event]] = deque()

    def level(self) -> float:
        """Points used now."""
        now_ns = self._clock.monotonic_ns()
        self._level = max(0.0, self._level - (now_ns - self._at_ns) / 1e9 * self.decay_per_s)
        self._at_ns = now_ns
        return self._level

    def try_charge(self, cost: float, *, urgent: bool = False) -> bool:
        """Charge and return True where it fits now. What is not urgent never overtakes those who wait."""
        if not urgent and self._queue:
            return False
        if self.level() + cost > self._room(urgent) + _EPSILON:
            return False
        self._level += cost
        return True

    def charge(self, cost: float) -> None:
        """Charge whether it fits or not: what the venue has counted is counted."""
        self._level = self.level() + cost

    def wait_s(self, cost: float, *, urgent: bool = False) -> float:
        """Seconds until this cost would fit, after those who wait before it; infinite where it never will."""
        room = self._room(urgent)
        if cost > room + _EPSILON:
            return math.inf
        ahead = 0.0 if urgent else sum(queued for queued, _ in self._queue)
        missing = self.level() + ahead + cost - room
        if missing <= _EPSILON:
            return 0.0
        return missing / self.decay_per_s if self.decay_per_s > 0 else math.inf

    def correct(self, level: float) -> None:
        """Take the venue's own figure: it wins over ours."""
        self._level = max(0.0, level)
        self._at_ns = self._clock.monotonic_ns()

    def set_limits(self, limit: float, decay_per_s: float) -> None:
        """Change the limits (another tier) and keep what is used."""
        self.level()
        self.limit, self.decay_per_s = limit, decay_per_s

    def as_budget(self) -> BudgetLevel:
        """The counter as the status bar shows it."""
        return BudgetLevel(self.name, self.level(), self.limit, self.decay_per_s)

    async def acquire(self, cost: float, *, timeout_s: float, urgent: bool = False) -> None:
        """Wait until the cost fits, first come first served, and charge it. Urgent calls pass the queue.

        Raises:
            RateLimited: it would take longer than ``timeout_s`` seconds; known at once, nobody waits in vain.
        """
        if self.try_charge(cost, urgent=urgent):
            return
        wait_s = self.wait_s(cost, urgent=urgent)
        deadline_ns = self._clock.monotonic_ns() + int(timeout_s * 1e9)
        if wait_s > timeout_s:
            raise self._too_fast(wait_s)
        if urgent:
            await self._wait_for_room(cost, True, deadline_ns)
            return
        turn = asyncio.Event()
        place = (cost, turn)
        if not self._queue:
            turn.set()
        self._queue.append(place)
        try:
            # The time was worked out above; the queue moves by it, and urgent calls can only delay it.
            try:
                async with asyncio.timeout(timeout_s):
                    await turn.wait()
            except TimeoutError:
                raise self._too_fast(self.wait_s(cost)) from None
            await self._wait_for_room(cost, False, deadline_ns)
        finally:
            with suppress(ValueError):
                self._queue.remove(place)
            if self._queue:
                self._queue[0][1].set()

    async def _wait_for_room(self, cost: float, urgent: bool, deadline_ns: int) -> None:
        while self.level() + cost > self._room(urgent) + _EPSILON:
            if self.decay_per_s <= 0 or cost > self._room(urgent) + _EPSILON:
                raise self._too_fast(math.inf)
            wait_s = (self.level() + cost - self._room(urgent)) / self.decay_per_s
            if self._clock.monotonic_ns() + int(wait_s * 1e9) > deadline_ns + 1_000_000:
                raise self._too_fast(wait_s)
            # Timers of the Qt loop are rounded down to whole milliseconds, hence at least one of them.
            await asyncio.sleep(min(max(wait_s, 0.001), _LONGEST_SLEEP_S))
        self._level += cost

    def _room(self, urgent: bool) -> float:
        return self.limit - (self.margin if urgent else max(self.reserve, self.margin))

    def _too_fast(self, wait_s: float) -> RateLimited:
        if math.isinf(wait_s):
            text, retry_after_s = f"{self.name}: this does not fit into the venue's limit.", None
        else:
            text, retry_after_s = f"{self.name}: used up, free again in {wait_s:.1f} s.", wait_s
        return RateLimited(self._venue, text, retry_after_s=retry_after_s, code="budget", user_text=text)
