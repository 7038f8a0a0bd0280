"""Keeps the profit of open positions alive: their prices subscribed, the venue's own figures asked for.

The venue is asked for each position every few seconds (Open API 2.0, 2187). A server that tells the total by
itself (2190, 2189; not all do) is asked less often. Nothing runs while no position is open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.domain.errors import RequestRejected, VenueError
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.holdings import Holdings, Told
from terminal.venues.ctrader.profit import Profits

log = logging.getLogger("venue.ctrader")

_REFRESH_S: Final = 0.25
_POLL_NS: Final = 2_500_000_000
_POLL_BESIDE_STREAM_NS: Final = 10_000_000_000


class ProfitWatch:
    """Follows one account's positions.

    Args:
        tell: hears of positions and figures that moved.
    """

    def __init__(
        self,
        client: Client,
        account_id: int,
        holdings: Holdings,
        profits: Profits,
        clock: Clock,
        tell: Callable[[Sequence[Told]], None],
    ) -> None:
        self._client = client
        self._account_id = account_id
        self._holdings = holdings
        self._profits = profits
        self._clock = clock
        self._tell = tell
        self._is_up = False
        self._task: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._ending: list[asyncio.Task[None]] = []
        self._asked_ns: int | None = None
        self._has_stream: bool | None = None
        """Whether the venue tells the total by itself; None: not asked in this session."""

    def opened(self) -> None:
        """The account is signed in."""
        self._is_up = True
        self._asked_ns = self._has_stream = None
        self.follow()

    def lost(self) -> None:
        """The account's session has ended."""
        self._is_up = False
        # Not waited for: the next session may begin before they have ended.
        self._ending = [
            each for each in (*self._ending, self._task, self._asking) if each and not each.done()
        ]
        self._task = self._asking = None
        for task in self._ending:
            task.cancel()

    async def close(self) -> None:
        """End it all."""
        self._profits.follow(())
        self.lost()
        await tasks.cancel_and_wait(*self._ending)

    def follow(self) -> None:
        """Positions may have come or gone."""
        self._profits.follow(self._holdings.symbol_ids())
        running = self._task is not None and not self._task.done()
        if self._is_up and not running and self._holdings.has_positions():
            self._task = tasks.spawn(self._run(), name=f"ctrader profits {self._account_id}")

    async def ask(self) -> None:
        """Take the venue's own figures. No answer is no harm: prices still tell."""
        if not self._holdings.has_positions():
            return
        self._asked_ns = self._clock.monotonic_ns()
        message = pb.ProtoOAGetPositionUnrealizedPnLReq(ctidTraderAccountId=self._account_id)
        try:
            answer = await self._client.request(
                message, answer=pb.ProtoOAGetPositionUnrealizedPnLRes, loose=True
            )
            self._holdings.read_profits(answer)
            if self._has_stream is None:
                await self._subscribe()
        except VenueError as error:
            log.debug("account %d: profits: %s", self._account_id, error)

    async def _run(self) -> None:
        while self._is_up and self._holdings.has_positions():
            if self._is_due() and (self._asking is None or self._asking.done()):
                # On its own: a slow answer must not hold the prices up.
                self._asking = tasks.spawn(self.ask(), name=f"ctrader profit figures {self._account_id}")
            self._tell(self._holdings.refreshed())
            await asyncio.sleep(_REFRESH_S)

    def _is_due(self) -> bool:
        pause_ns = _POLL_BESIDE_STREAM_NS if self._has_stream else _POLL_NS
        return self._asked_ns is None or self._clock.monotonic_ns() - self._asked_ns >= pause_ns

    async def _subscribe(self) -> None:
        self._has_stream = False
        try:
            await self._client.request_or_done(
                pb.ProtoOAv1PnLChangeSubscribeReq(ctidTraderAccountId=self._account_id),
                answer=pb.ProtoOAv1PnLChangeSubscribeRes,
            )
        except RequestRejected as error:
            log.info("account %d: no stream of profits: %s", self._account_id, error)
        else:
            self._has_stream = True
