"""The composed application as a child process that is put to sleep, and tells what it believes when.

    python -m tests.e2e.sleep_terminal FOLDER ENDPOINTS CLOCK

It leaves an order resting and then prints a line of JSON whenever something changes. CLOCK is a file of eight
bytes: by so many nanoseconds the wall clock is ahead, the monotonic one is not, as after a sleep. It ends
when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from terminal.app import connections
from terminal.app.compose import Terminal
from terminal.app.paths import paths_below
from terminal.core import tasks
from terminal.core.log_ring import LogRing
from terminal.domain.market import Feed, FeedKind
from terminal.services.market_data import FeedState
from terminal.venues.kraken.nonce import MemoryNonceStore
from tests.e2e.kill_terminal import resting_order
from tests.e2e.rig import ACCOUNT, BTC, QUICK_GATE, QUICK_LINKS, tick
from tests.helpers import eventually
from tests.practice import Practice, RunningVenues


class SharedClock:
    """The machine's clocks, the wall clock ahead by what the parent has written."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._ahead = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)

    def wall_ns(self) -> int:
        return time.time_ns() + int.from_bytes(self._ahead[:8], "little")

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


def belief(terminal: Terminal) -> dict[str, Any]:
    session = terminal.sessions.sessions["kraken"]
    return {
        "ready": terminal.gate.ready(ACCOUNT),
        "book": terminal.market.book_state(BTC) is FeedState.LIVE,
        "state": session.state.value,
        "reason": session.reason,
        "reconnects": session.health().reconnects,
        "orders": [order.state.name for order in terminal.gate.orders.values()],
    }


async def report(terminal: Terminal, reports: list[object]) -> None:
    told: dict[str, Any] = {}
    while True:
        now = {**belief(terminal), "compared": len(reports)}
        if now != told:
            told = now
            print(json.dumps(now), flush=True)
        await asyncio.sleep(0.001)


async def main(folder: Path, endpoints: Path, clock: Path) -> None:
    connections._PRACTICE_OPTIONS["order_deadline_s"] = "0.7"
    paths = paths_below(folder).make()
    practice = Practice()
    practice.endpoints = json.loads(endpoints.read_text())
    terminal = Terminal(
        paths,
        LogRing(),
        clock=SharedClock(clock),
        throw_away=True,
        practice=RunningVenues(practice, paths.practice),
        timings=QUICK_GATE,
        # Neither a ping nor silence may find the dead connections out: only that the machine has slept.
        venues=("kraken",),
        connector_tools={
            "kraken": {
                "policy": replace(QUICK_LINKS, ping_interval_s=60.0, idle_timeout_s=None),
                "nonces": MemoryNonceStore(),
            }
        },
    )
    reports: list[object] = []
    terminal.gate.reconciled.watch(reports.append)
    terminal.market.watch(Feed(FeedKind.BOOK, "BTC/USD"), "kraken")
    await terminal.start()
    ticking = tasks.spawn(tick(terminal), name="tick")
    await eventually(
        lambda: terminal.gate.ready(ACCOUNT) and terminal.market.book(BTC) is not None, 30.0, "a live session"
    )
    await resting_order(terminal)
    reporting = tasks.spawn(report(terminal, reports), name="report")
    await asyncio.to_thread(sys.stdin.read)
    await tasks.cancel_and_wait(ticking, reporting)
    await terminal.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
