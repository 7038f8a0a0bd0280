"""cTrader's request limits, counted here so that we wait before the server blocks us.

50 ordinary and 5 historical requests a second and connection, whatever the number of accounts (Open API 2.0).
Ours are 45 and 4 in any second, since requests may bunch on their way. A cancel or a close has four more of
its own and passes everything that waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from terminal.core.clock import Clock
from terminal.domain.errors import NotSent, RateLimited
from terminal.domain.events import BudgetLevel
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.errors import VENUE_NAME

_SPAN_NS: Final = 1_050_000_000
_MARGIN_S: Final = 0.2
_FORGIVEN_AFTER_NS: Final = 60_000_000_000

HISTORICAL: Final = frozenset(
    {
        pb.PROTO_OA_GET_TRENDBARS_REQ,
        pb.PROTO_OA_GET_TICKDATA_REQ,
        pb.PROTO_OA_DEAL_LIST_REQ,
        pb.PROTO_OA_CASH_FLOW_HISTORY_LIST_REQ,
        pb.PROTO_OA_ORDER_LIST_REQ,
        pb.PROTO_OA_DEAL_LIST_BY_POSITION_ID_REQ,
        pb.PROTO_OA_ORDER_LIST_BY_POSITION_ID_REQ,
    }
)
"""Payload types of the smaller limit. Bars and ticks for certain; the lists to be safe."""


class Window:
    """At most ``limit`` requests in any second; ``extra`` more for urgent ones, which go first."""

    def __init__(self, name: str, limit: int, clock: Clock, *, extra: int = 0) -> None:
        self.name = name
        self.limit = limit
        self._extra = extra
        self._clock = clock
        self._sent_ns: deque[int] = deque()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def as_budget(self) -> BudgetLevel:
        """The window as the status bar shows it."""
        return BudgetLevel(self.name, float(self._used()), float(self.limit), float(self.limit))

    async def take(self, *, urgent: bool = False, timeout_s: float) -> None:
        """Wait for room and use it, first come first served.

        Raises:
            RateLimited: there was none within ``timeout_s`` seconds.
            NotSent: the connection was closed for good.
        """
        if (urgent or not self._waiting) and self._used() < self._room(urgent):
            self._sent_ns.append(self._clock.monotonic_ns())
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (0 if urgent else 1, next(self._numbers), turn))
        self._arm()
        try:
            async with asyncio.timeout(timeout_s):
                await turn
        except TimeoutError:
            text = "Too many requests at once: it waited too long for its turn."
            raise RateLimited(VENUE_NAME, text, retry_after_s=1.0, code="budget", user_text=text) from None
        finally:
            if not turn.done() or turn.cancelled():
                turn.cancel()
                self._waiting = [place for place in self._waiting if place[2] is not turn]
                heapify(self._waiting)

    def give_up(self) -> None:
        """Nobody's turn will come: the connection was closed for good."""
        for _, _, turn in self._waiting:
            if not turn.done():
                turn.set_exception(_closed())
        self._waiting.clear()

    def _used(self) -> int:
        horizon_ns = self._clock.monotonic_ns() - _SPAN_NS
        sent = self._sent_ns
        while sent and sent[0] <= horizon_ns:
            sent.popleft()
        return len(sent)

    def _room(self, urgent: bool) -> int:
        return self.limit + (self._extra if urgent else 0)

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            oldest_ns = self._sent_ns[0] if self._sent_ns else self._clock.monotonic_ns()
            wait_s = max(0.001, (oldest_ns + _SPAN_NS - self._clock.monotonic_ns()) / 1e9)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._serve)

    def _serve(self) -> None:
        self._timer = None
        while self._waiting:
            priority, _, turn = self._waiting[0]
            if self._used() >= self._room(priority == 0):
                break
            heappop(self._waiting)
            if not turn.done():
                self._sent_ns.append(self._clock.monotonic_ns())
                turn.set_result(None)
        self._arm()


class Limits:
    """Every limit of one connection: the two budgets, and the payload types that the server has blocked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ordinary = Window("Requests", 45, clock, extra=4)
        self.historical = Window("History requests", 4, clock)
        self._blocked: dict[int, tuple[int, int, int]] = {}
        """Payload type -> (until, strikes, when), monotonic."""
        self._over = asyncio.Event()

    def budgets(self) -> Sequence[BudgetLevel]:
        """Both budgets as they stand."""
        return (self.ordinary.as_budget(), self.historical.as_budget())

    async def take(self, payload_type: int, *, urgent: bool, timeout_s: float) -> None:
        """Wait for a request's turn. Raises RateLimited where it takes longer than ``timeout_s``."""
        window = self.historical if payload_type in HISTORICAL else self.ordinary
        await window.take(urgent=urgent, timeout_s=timeout_s)

    async def pause(self, seconds: float) -> None:
        """Let some time pass. Raises NotSent where the connection is closed for good meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
            raise _closed()

    def give_up(self) -> None:
        """The connection was closed for good: whoever waits for a turn hears so at once."""
        self._over.set()
        self.ordinary.give_up()
        self.historical.give_up()

    def blocked_for_s(self, payload_type: int) -> float:
        """Seconds until the server takes this kind of request again; 0 = now."""
        until_ns, _, _ = self._blocked.get(payload_type, (0, 0, 0))
        return max(0.0, (until_ns - self._clock.monotonic_ns()) / 1e9)

    def block(self, payload_type: int, seconds: float) -> float:
        """The server has blocked a kind of request; how long it is left, longer each time within a minute."""
        now_ns = self._clock.monotonic_ns()
        _, strikes, last_ns = self._blocked.get(payload_type, (0, 0, 0))
        strikes = strikes + 1 if strikes and now_ns - last_ns < _FORGIVEN_AFTER_NS else 1
        wait_s = float(seconds * 2 ** min(strikes - 1, 5) + _MARGIN_S)
        self._blocked[payload_type] = (now_ns + int(wait_s * 1e9), strikes, now_ns)
        return wait_s

    def forget(self) -> None:
        """A new connection begins with nothing used or blocked."""
        self._blocked.clear()
        self._over.clear()


def _closed() -> NotSent:
    return NotSent(
        VENUE_NAME,
        "the connection was closed",
        code="closed",
        user_text="Not sent: the connection is closed.",
    )
