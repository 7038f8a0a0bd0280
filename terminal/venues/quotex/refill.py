"""Filling the demo account up: one request, and whatever Quotex makes of it.

Whether the real servers set the balance to the amount or add it is not known, and neither is the name of the
answer; the balance shows both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from terminal.domain.errors import VenueError, VenueUnavailable
from terminal.venues.quotex.errors import VENUE_NAME, line_lost, refill_refused

ANSWER_S: Final = 10.0


class Refills:
    """The refills that wait for an answer. ``send`` raises what sending raises; ``balance`` is the demo
    account's as it was told last."""

    def __init__(self, send: Callable[..., None], balance: Callable[[], Decimal | None]) -> None:
        self._send = send
        self._balance = balance
        self._waiting: list[asyncio.Future[None]] = []

    async def ask(self, amount: Decimal) -> Decimal | None:
        """Ask for one; what was added to the balance. See ``RefillsDemo``."""
        before = self._balance()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._send("demo/refill", int(amount))
        self._waiting.append(done)
        try:
            async with asyncio.timeout(ANSWER_S):
                await done
        except TimeoutError:
            now = self._balance()
            if before is None or now == before or now not in (amount, before + amount):
                text = "Quotex did not answer the refill; look at the balance before you ask again."
                raise VenueUnavailable(VENUE_NAME, "no answer to the refill", user_text=text) from None
        finally:
            self._waiting.remove(done)
        now = self._balance()
        return None if before is None or now is None else now - before

    def granted(self) -> None:
        """Quotex says that it was done; its balance was taken already."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def refused(self, code: str) -> None:
        """Quotex says no."""
        self._fail(refill_refused(code))

    def lost(self) -> None:
        """The connection is gone: nobody answers any more."""
        self._fail(line_lost())

    def _fail(self, error: VenueError) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(error)
