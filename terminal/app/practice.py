"""The practice venues: the child process that emulates them, and what can be asked of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from terminal.core import tasks
from terminal.core.observe import Observable
from terminal.domain.errors import TerminalError, VenueUnavailable
from terminal.emulators.process import EmulatorProcess
from terminal.transport.http_client import HttpClient

log = logging.getLogger("practice")

_RESTART_AFTER_S = (0.0, 1.0, 5.0, 15.0)


class PracticeVenues:
    """Starts the practice venues, starts them again should they end, and passes orders to them.

    Attributes:
        restarted: called with the new endpoints after the process had to be started again.
    """

    def __init__(self, folder: Path, venues: tuple[str, ...], *, seed: int | None, rate: float) -> None:
        self.restarted: Observable[[Mapping[str, Any]]] = Observable("practice venues")
        self.endpoints: Mapping[str, Any] = {}
        self._process = EmulatorProcess(
            data_dir=folder, venues=venues, seed=seed, rate=rate, on_exit=self._on_exit
        )
        self._revival: asyncio.Task[None] | None = None
        self._deaths = 0

    def spawn(self) -> None:
        """Start the process without waiting for it, so that it boots while the screen is built."""
        self._process.launch()

    async def start(self) -> Mapping[str, Any]:
        """Wait until the venues answer; their addresses and practice keys by venue.

        Raises:
            VenueUnavailable: the process did not start.
        """
        try:
            self.endpoints = await self._process.start()
        except (OSError, RuntimeError, TimeoutError, TerminalError) as error:
            raise VenueUnavailable(
                "practice", str(error), user_text="The practice venue did not start; the log has the reason."
            ) from error
        return self.endpoints

    async def stop(self) -> None:
        """End the process; it keeps the practice account on disk."""
        await tasks.cancel_and_wait(self._revival)
        await self._process.stop()

    def _on_exit(self, code: int) -> None:
        pause_s = _RESTART_AFTER_S[min(self._deaths, len(_RESTART_AFTER_S) - 1)]
        log.error("the practice venues ended with code %d; starting again in %.0f s", code, pause_s)
        self._deaths += 1
        self._revival = tasks.spawn(self._start_again(pause_s), name="practice venues again")

    async def _start_again(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        try:
            self.restarted.notify(await self.start())
        except VenueUnavailable as error:
            log.error("the practice venues did not start: %s", error)

    async def reset(self, venue: str) -> None:
        """Put the practice account back to its first balances: open orders, fills and history go.

        Raises:
            VenueUnavailable: the process does not answer.
        """
        await self._control(venue, "reset", {})

    async def fault(self, venue: str, kind: str, **options: object) -> None:
        """Rehearse a fault, such as ``cut`` or ``accept_lose_answer``.

        Raises:
            VenueUnavailable: the process does not answer.
        """
        await self._control(venue, "fault", {"kind": kind, **options})

    async def _control(self, venue: str, what: str, body: Mapping[str, object]) -> None:
        entry = self.endpoints.get(venue, {})
        client = HttpClient(venue=venue, base_url=str(entry.get("control", "")), deadline_s=5.0)
        try:
            answer = await client.request(
                "POST",
                f"/{what}",
                content=json.dumps(body).encode(),
                headers={
                    "Content-Type": "application/json",
                    "X-Practice-Token": str(entry.get("control_token", "")),
                },
                reading=False,
            )
        finally:
            await client.close()
        if answer.status != 200:
            raise VenueUnavailable(venue, f"{what}: {answer.status} {answer.body[:200]!r}")
