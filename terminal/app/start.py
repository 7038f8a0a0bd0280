"""From the command line to a running window, and back out again."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from terminal.app.compose import Terminal
from terminal.app.paths import Paths
from terminal.core import memory, tasks
from terminal.core.log_ring import LogRing
from terminal.services.profile_lock import ProfileInUse

if TYPE_CHECKING:
    from terminal.app.screen import Screen

log = logging.getLogger("ui")

_LIVE_TIMEOUT_S = 30.0
_QUIT_TIMEOUT_S = 12.0
PROFILE_IN_USE = 4


class Steps:
    """How long each step of a start took, for ``--shot`` and the bench."""

    def __init__(self, started_ns: int) -> None:
        self._started_ns = started_ns
        self.lines: list[str] = []

    def done(self, what: str) -> None:
        """Note that a step has just ended."""
        self.lines.append(f"{what:<22}{(time.monotonic_ns() - self._started_ns) / 1e9:6.2f} s")


def start(
    paths: Paths,
    ring: LogRing,
    *,
    seed: int | None,
    shot: Path | None,
    size: tuple[int, int],
    started_ns: int,
    throw_away: bool,
) -> int:
    """Run the terminal until it is closed; returns the exit code."""
    memory.begin_start()
    _prepare_for_a_crash(paths)
    steps = Steps(started_ns)
    try:
        terminal = Terminal(paths, ring, seed=seed, throw_away=throw_away)
    except ProfileInUse as error:
        print(f"parallax: {error.user_text}", file=sys.stderr)
        return PROFILE_IN_USE
    # The practice venues boot on the other core while Qt is loaded and the window built.
    terminal.practice.spawn()
    steps.done("services built")
    from PySide6.QtWidgets import QApplication

    from terminal.app import loop
    from terminal.app.preferences import set_ui_scale
    from terminal.app.screen import Screen

    set_ui_scale(terminal.settings)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Parallax")
    app.setDesktopFileName("parallax")
    steps.done("Qt loaded")

    async def main() -> int:
        screen = Screen(terminal, app)
        steps.done("panels built")
        if shot is not None:
            screen.window.resize(*size)
        else:
            screen.window.fit_to_screen()
        screen.window.show()
        screen.window.workspace.start()
        steps.done("window shown")
        memory.end_start()
        starting = tasks.spawn(terminal.start(), name="start")
        try:
            if shot is not None:
                return await _take_shot(screen, terminal, starting, steps, shot)
            await _until_closed(screen, terminal)
            return 0
        finally:
            await _stop(screen, terminal, starting)

    return loop.run(app, main)


def _prepare_for_a_crash(paths: Paths) -> None:
    """A crash leaves the stacks in a file beside the log, and no memory image with keys in it."""
    with contextlib.suppress(OSError):
        # Kept open on purpose: the file has to be there when nothing else works any more.
        file = open(paths.log / "crash.txt", "a", encoding="utf-8")  # noqa: SIM115
        faulthandler.enable(file)
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


async def _take_shot(
    screen: Screen, terminal: Terminal, starting: asyncio.Task[None], steps: Steps, file: Path
) -> int:
    """Wait until every panel is live, save the picture, say how long each step took."""
    painted = asyncio.Event()
    unwatch = screen.on_first_live_price(painted.set)
    deadline = time.monotonic() + _LIVE_TIMEOUT_S
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LIVE_TIMEOUT_S):
            await painted.wait()
            steps.done("first live price")
    unwatch()
    # Panels have no common signal for "live"; a look at each frame is as soon as it can be seen.
    while (waiting := screen.waiting_for()) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    if waiting:
        print(f"parallax: not live after {_LIVE_TIMEOUT_S:.0f} s: {', '.join(waiting)}", file=sys.stderr)
        return 1
    await starting
    steps.done("all panels live")
    # A tape and a chart with a second of trading in them show more than one with none.
    await asyncio.sleep(2.0)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not screen.window.grab().save(str(file)):
        print(f"parallax: the picture could not be written to {file}", file=sys.stderr)
        return 1
    steps.done("picture saved")
    print("\n".join(steps.lines))
    print(f"{'memory':<22}{_memory_mb():6.0f} MB")
    return 0


async def _until_closed(screen: Screen, terminal: Terminal) -> None:
    closed = asyncio.Event()
    asking = False

    def on_close_wanted() -> None:
        nonlocal asking
        if not asking:
            asking = True
            tasks.spawn(decide(), name="quit")

    async def decide() -> None:
        nonlocal asking
        try:
            if await screen.may_quit():
                closed.set()
        finally:
            asking = False

    screen.window.close_wanted.connect(on_close_wanted)
    loop = asyncio.get_running_loop()
    # A logout or Ctrl-C must not wait for an answer; orders stay at their venues either way.
    with contextlib.suppress(NotImplementedError):
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, closed.set)
    await closed.wait()


async def _stop(screen: Screen, terminal: Terminal, starting: asyncio.Task[None]) -> None:
    screen.window.hide()
    await tasks.cancel_and_wait(starting)
    screen.close()
    try:
        async with asyncio.timeout(_QUIT_TIMEOUT_S):
            await terminal.stop()
    except TimeoutError:
        log.error("closing took longer than %.0f s; the rest is given up", _QUIT_TIMEOUT_S)
    screen.window.close_for_good()


def _memory_mb() -> float:
    """What this process holds in memory now, in MB; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except OSError:
        return 0.0
    import resource

    return pages * resource.getpagesize() / 1e6
