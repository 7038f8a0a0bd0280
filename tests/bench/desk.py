"""The composed terminal on a lively practice venue, under the loop it really runs on: shared by benches.

Each such bench is a process of its own, for a process may run Qt's loop only once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSocketNotifier

from terminal.app import logs
from terminal.app.compose import Terminal
from terminal.app.paths import paths_below
from terminal.app.practice import PracticeVenues
from terminal.core import memory
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind
from terminal.emulators.process import EmulatorProcess
from terminal.services.market_data import FeedState
from terminal.services.session import SessionState
from terminal.transport.http_client import HttpClient
from terminal.viewmodels.frames import FrameClock
from tests.helpers import eventually

if TYPE_CHECKING:
    from terminal.app.screen import Screen

ROOT = Path(__file__).resolve().parents[2]
VENUE = "kraken"
BOOKS = ("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "ADA/USD", "DOGE/USD", "LTC/USD", "LINK/USD")
SEED = 7
_CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def in_own_process(module: str, arguments: Sequence[str] = ()) -> None:
    """Run a bench module by itself; its output is shown, its failure ours."""
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=True)


def run_under_qt(main: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine on the merged loop of a fresh application."""
    from PySide6.QtWidgets import QApplication

    from terminal.app import loop

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication(sys.argv[:1])

    async def whole() -> int:
        await main()
        return 0

    if loop.run(app, whole) != 0:
        raise SystemExit(1)


class Desk:
    """A terminal with one venue on it.

    Attributes:
        screen: the window's contents; None where the bench runs without it.
    """

    def __init__(self, terminal: Terminal, frames: FrameClock, screen: Screen | None, venue: str) -> None:
        self.terminal = terminal
        self.frames = frames
        self.screen = screen
        self.venue = venue

    @property
    def connector(self) -> Any:
        """The venue's live connector; its links are looked into, which only a bench may do."""
        return self.terminal.sessions.sessions[self.venue].connector

    @property
    def practice_pid(self) -> int:
        return int(self.terminal.practice.endpoints["pid"])

    async def control(self, command: str, **values: object) -> None:
        """One command of the practice venue's control API."""
        entry = self.terminal.practice.endpoints[self.venue]
        client = HttpClient(venue=self.venue, base_url=str(entry["control"]), deadline_s=10.0)
        headers = {"Content-Type": "application/json", "X-Practice-Token": str(entry["control_token"])}
        try:
            content = json.dumps(values).encode()
            answer = await client.request(
                "POST", f"/{command}", content=content, headers=headers, reading=False
            )
        finally:
            await client.close()
        assert answer.status == 200, answer.body

    def is_live(self, books: Sequence[str]) -> bool:
        """The account is ready and these books are live."""
        session = self.terminal.sessions.sessions.get(self.venue)
        state = self.terminal.market.book_state
        return (
            session is not None
            and session.state is SessionState.LIVE
            and self.terminal.gate.ready(session.account)
            and all(state(InstrumentId(self.venue, name)) is FeedState.LIVE for name in books)
        )


class _Practice(PracticeVenues):
    """Practice venues of a bench, with further words on their command line."""

    def __init__(self, folder: Path, venues: tuple[str, ...], extra_args: Sequence[str]) -> None:
        super().__init__(folder, venues, seed=SEED, rate=1.0)
        self._process = EmulatorProcess(data_dir=folder, venues=venues, seed=SEED, extra_args=extra_args)


@asynccontextmanager
async def unstarted(
    *, window: bool, venue: str, beside: Sequence[str] = (), practice_args: Sequence[str] = ()
) -> AsyncIterator[Desk]:
    """A terminal in a throw-away folder, which ends with the block; nothing has connected yet.

    ``beside``: further venues on its desk.
    """
    venues = (venue, *beside)
    ring = logs.install(None, debug=False)
    memory.begin_start()
    with tempfile.TemporaryDirectory(prefix="parallax-bench-") as folder:
        paths = paths_below(Path(folder)).make()
        terminal = Terminal(
            paths,
            ring,
            throw_away=True,
            practice=_Practice(paths.practice, venues, practice_args),
            venues=venues,
        )
        screen = open_window(terminal) if window else None
        frames = screen.frames if screen is not None else FrameClock()
        if screen is None:
            frames.register(terminal.market.flush)
        try:
            memory.end_start()
            yield Desk(terminal, frames, screen, venue)
        finally:
            frames.stop()
            if screen is not None:
                screen.window.hide()
                screen.close()
            await terminal.stop()
            if screen is not None:
                screen.window.close_for_good()


@asynccontextmanager
async def desk(
    *,
    window: bool,
    venue: str = VENUE,
    books: Sequence[str] = BOOKS,
    beside: FeedKind = FeedKind.TRADES,
) -> AsyncIterator[Desk]:
    """Start everything and wait until each book is live; ``beside``: what else is watched of each symbol."""
    async with unstarted(window=window, venue=venue) as made:
        terminal, screen = made.terminal, made.screen
        feeds = [Feed(kind, symbol) for symbol in books for kind in (FeedKind.BOOK, beside)]
        releases: list[Callable[[], None]] = []
        try:
            await terminal.start()
            releases += [terminal.market.watch(feed, venue) for feed in feeds]
            await eventually(lambda: made.is_live(books), 30, "every book live and the account ready")
            if screen is not None:
                screen.selection.select(InstrumentId(venue, books[0]))
                # Where the venue tells no trades, the tape has nothing to wait for.
                idle = set() if beside is FeedKind.TRADES else {"time and sales"}
                await eventually(lambda: set(screen.waiting_for()) <= idle, 30, "every panel live")
            yield made
        finally:
            for release in releases:
                release()


def open_window(terminal: Terminal) -> Screen:
    """The first-start workspace, shown."""
    from PySide6.QtWidgets import QApplication

    from terminal.app.screen import Screen

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    screen = Screen(terminal, app)
    screen.window.resize(1920, 1080)
    screen.window.show()
    screen.window.workspace.start()
    return screen


class Knocks:
    """Another process that knocks at our event loop with the time at which it did.

    A knock comes in as a click does, from outside and past this process's interpreter: a thread of our own
    could not even look at the clock while we are busy.
    """

    def __init__(self, on_knock: Callable[[int], None]) -> None:
        self._on_knock = on_knock

    @contextmanager
    def every(self, shortest_s: float, longest_s: float) -> Iterator[None]:
        """Be knocked at after random pauses until the block is left."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            ear.bind(("127.0.0.1", 0))
            ear.setblocking(False)
            notifier = QSocketNotifier(ear.fileno(), QSocketNotifier.Type.Read)
            notifier.activated.connect(lambda: self._hear(ear))
            command = [sys.executable, "-c", _KNOCKER, str(ear.getsockname()[1])]
            child = subprocess.Popen([*command, str(shortest_s), str(longest_s)])
            try:
                yield
            finally:
                notifier.setEnabled(False)
                child.kill()
                child.wait(5.0)

    def _hear(self, ear: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._on_knock(int(ear.recv(64)))


_KNOCKER = """
import random, socket, sys, time
port, shortest, longest = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mouth.connect(("127.0.0.1", port))
while True:
    time.sleep(random.uniform(shortest, longest))
    mouth.send(b"%d" % time.perf_counter_ns())
"""


def percentile(figures: Sequence[float], share: float) -> float:
    """The figure that so many of them (0 to 1) do not exceed."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_s(pid: int) -> float:
    """Processor time that a process has used, in seconds; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS_PER_S
    return 0.0


def memory_mb(pid: int) -> float:
    """What a process holds in memory, in MB; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096 / 1e6
    return 0.0


async def pause(seconds: float) -> None:
    """Let the terminal run; a bench measures over a stretch of time."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        await asyncio.sleep(min(left, 1.0))
