"""The practice Quotex in this process, on a clock that can leap: an expiry needs no waiting."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from terminal.emulators.host import PracticeHost
from terminal.emulators.quotex.face import QuotexFace
from tests.quotex_client import Socket

D = Decimal
OTC = "EURUSD_otc"
NOON = 1_795_003_510
"""A Wednesday, five past twelve UTC: everything with American hours is open, and no payout changes soon."""


class LeapClock:
    """A clock that goes on from a given time as the machine's does, with leaps forward."""

    def __init__(self, start_s: int = NOON) -> None:
        self._ahead_ns = start_s * 1_000_000_000 - time.time_ns()

    def now_s(self) -> float:
        return self.wall_ns() / 1e9

    def wall_ns(self) -> int:
        return time.time_ns() + self._ahead_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def leap(self, seconds: float) -> None:
        self._ahead_ns += int(seconds * 1e9)


class Venue:
    """A running practice Quotex."""

    def __init__(self, host: PracticeHost, clock: LeapClock) -> None:
        self.host = host
        self.clock = clock
        self.face: QuotexFace = host.quotex
        self.entry: dict[str, Any] = host.endpoints()["quotex"]
        self._sockets: list[Socket] = []

    async def socket(self, **options: Any) -> Socket:
        """A signed-in client of the first account."""
        socket = await Socket.signed_in(self.entry, **options)
        self._sockets.append(socket)
        return socket

    def fault(self, kind: str, **options: Any) -> None:
        """Order a fault as the control API does."""
        self.host._controls["quotex"].fault({"kind": kind, **options})

    def hold(self, price: str | None, asset: str = OTC) -> None:
        self.face.hold(asset, None if price is None else D(price))

    async def close(self) -> None:
        for socket in self._sockets:
            await socket.close()


@asynccontextmanager
async def venue(
    *, data_dir: Path | None = None, clock: LeapClock | None = None, seed: int = 7
) -> AsyncIterator[Venue]:
    """Start it, and stop it afterwards."""
    clock = clock or LeapClock()
    host = PracticeHost(venues=("quotex",), seed=seed, data_dir=data_dir, clock=clock)
    await host.start()
    running = Venue(host, clock)
    try:
        yield running
    finally:
        await running.close()
        await host.stop()
