"""A cTrader broker of 10,000 symbols: the longest that the window is held, by the list and by its search.

``python3 -m tests.bench.ctrader_list [--symbols N] [--repeats N]``

The composed terminal with its window, over TLS from the practice venue, a process of its own. Beside each
figure stands that of the broker's short list, for connecting and searching have work of their own. The thread
of the window is measured in its processor time, turn by turn of Qt's loop, so that the machine's other work
does not count; knocks from another process tell what a click would have waited.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from terminal.services.session import SessionState

# Loading the connector's code is the start's business, whatever the list.
from terminal.venues.ctrader import connector  # noqa: F401
from tests.bench.desk import ROOT, Desk, Knocks, pause, run_under_qt, unstarted
from tests.helpers import eventually
from tests.lag import watched_thread

VENUE = "ctrader"
SYMBOLS = 10_000
FRAME_MS = 16
SETTLE_S = 1.0
TYPED = ("s", "0", "4", "2", "practice", "eurusd", "us", "zz")
"""Into the search box, each from its first letter to its last."""


def main(options: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests bench ctrader_list", description=__doc__)
    parser.add_argument("--symbols", type=int, default=SYMBOLS)
    parser.add_argument("--repeats", type=int, default=5)
    words = parser.parse_args(options)
    short, whole = [], []
    for _ in range(words.repeats):
        short.append(_in_own_process(0))
        whole.append(_in_own_process(words.symbols))
    print(f"  longest that the window was held, with {words.symbols:,d} symbols more and with the short list")
    for title in whole[0].held_ms:
        print(f"    {title}")
        for what, name in (
            ("a step", "held_ms"),
            ("garbage", "collected_ms"),
            ("a click waited", "clicks_ms"),
        ):
            long, brief = (_words([getattr(each, name)[title] for each in found]) for found in (whole, short))
            bar = f" (bar {FRAME_MS})" if name != "clicks_ms" else ""
            print(f"      {what:<15} {long}{bar}; short {brief}")
        longest = max(whole, key=lambda each: each.held_ms[title])
        if longest.held_ms[title] > FRAME_MS:
            print(f"      the longest was {longest.culprits[title][:200]}")


_ROWS = (("a step", "held_ms"), ("garbage", "collected_ms"), ("a click waited", "clicks_ms"))


class Found(NamedTuple):
    """What one run has measured, by step."""

    held_ms: dict[str, float]
    clicks_ms: dict[str, float]
    collected_ms: dict[str, float]
    culprits: dict[str, str]


def _in_own_process(symbols: int) -> Found:
    command = [sys.executable, "-m", "tests.bench.ctrader_list", str(symbols)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return Found(*json.loads(done.stdout.splitlines()[-1]))


def _words(figures: Sequence[float]) -> str:
    return f"{statistics.median(figures):.1f} ({min(figures):.1f} to {max(figures):.1f}) ms"


class Steps:
    """What a person does with the list, one after the other, and how long the window was held by each."""

    def __init__(self, bench: Desk) -> None:
        self._bench = bench
        self.held_ms: dict[str, float] = {}
        self.clicks_ms: dict[str, float] = {}
        self.culprits: dict[str, str] = {}
        self.collected_ms: dict[str, float] = {}
        self._knocks: list[float] = []
        self._collections_ms = [0.0]
        self._collecting_s = 0.0
        gc.callbacks.append(self._on_collection)

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_s = time.thread_time()
        else:
            self._collections_ms.append((time.thread_time() - self._collecting_s) * 1e3)

    def on_knock(self, knocked_ns: int) -> None:
        self._knocks.append((time.perf_counter_ns() - knocked_ns) / 1e6)

    async def run(self, title: str, step: Callable[[], Awaitable[None]]) -> None:
        """Measure one of them."""
        await pause(SETTLE_S)
        self._knocks.clear()
        self._collections_ms = [0.0]
        with watched_thread(under_qt=True) as lag:
            await step()
            await pause(SETTLE_S)
        self.held_ms[title], self.culprits[title] = lag.longest_ms, lag.culprit
        self.clicks_ms[title] = max(self._knocks)
        self.collected_ms[title] = max(self._collections_ms)

    async def all(self, symbols: int) -> None:
        screen = self._bench.screen
        assert screen is not None
        search = screen.search
        await self.run("connect, and the list comes in", lambda: self._connect(symbols))
        await self.run("the search opens", lambda: _now(search.open))
        await self.run("words typed into it", self._type)
        await self.run("the hits paged through", self._page)
        search.close()
        await self._bench.control("rate", rate=1.0)
        await self.run("the line cut and made again", lambda: self._again(symbols))

    async def _connect(self, symbols: int) -> None:
        await self._bench.terminal.start()
        await self._until_listed(symbols)

    async def _again(self, symbols: int) -> None:
        before = self._bench.connector.health().reconnects
        await self._bench.control("fault", kind="cut")
        await eventually(lambda: self._bench.connector.health().reconnects > before, 20, "another connection")
        await self._until_listed(symbols)

    async def _until_listed(self, symbols: int) -> None:
        terminal = self._bench.terminal

        def is_listed() -> bool:
            session = terminal.sessions.sessions.get(VENUE)
            return (
                session is not None
                and session.state is SessionState.LIVE
                and terminal.gate.ready(session.account)
                and len(terminal.market.instruments()) > symbols
            )

        await eventually(is_listed, 30, "the whole list")

    async def _type(self) -> None:
        screen = self._bench.screen
        assert screen is not None
        box = screen.search.box
        for word in TYPED:
            box.clear()
            for letter in word:
                await pause(0.05)
                QTest.keyClicks(box, letter)

    async def _page(self) -> None:
        screen = self._bench.screen
        assert screen is not None
        screen.search.box.clear()
        for _ in range(10):
            await pause(0.05)
            QTest.keyClick(screen.search.box, Qt.Key.Key_PageDown)


async def _now(fn: Callable[[], object]) -> None:
    fn()


async def measure(symbols: int) -> None:
    extra = ("--many-symbols", str(symbols)) if symbols else ()
    async with unstarted(window=True, venue=VENUE, practice_args=extra) as bench:
        bench.terminal.practice.spawn()
        steps = Steps(bench)
        with Knocks(steps.on_knock).every(0.001, 0.003):
            await steps.all(symbols)
    print(json.dumps(Found(steps.held_ms, steps.clicks_ms, steps.collected_ms, steps.culprits)))


if __name__ == "__main__":
    run_under_qt(lambda: measure(int(sys.argv[1])))
