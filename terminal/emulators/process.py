"""The parent's side of a practice venue process: start it, read its endpoints, stop it.

Standard library only, and no asyncio subprocess: it works the same under every event loop, Qt's included.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from terminal.core import tasks
from terminal.domain.errors import VenueUnavailable

ROOT: Final = Path(__file__).resolve().parents[2]
"""The folder that holds the package."""

STOP_TIMEOUT_S: Final = 3.0


class EmulatorProcess:
    """One child with practice venues in it. It dies with this process, however that ends.

    Args:
        data_dir: where the practice world is kept; None keeps nothing.
        python: the interpreter; with ``command`` given, not used.
        command: the whole beginning of the command line, for a frozen build that has no interpreter.
        on_exit: called with the exit code when the child ends without having been stopped.
    """

    def __init__(
        self,
        *,
        data_dir: Path | None,
        venues: Sequence[str] = ("kraken",),
        seed: int | None = None,
        rate: float = 1.0,
        python: str = sys.executable,
        command: Sequence[str] | None = None,
        extra_args: Sequence[str] = (),
        on_exit: Callable[[int], None] | None = None,
    ) -> None:
        self._command = list(command) if command is not None else [python, "-m", "terminal.emulators"]
        self._arguments = ["--venues", ",".join(venues), "--rate", repr(rate), "--parent-pipe"]
        if data_dir is not None:
            self._arguments += ["--data-dir", str(data_dir.absolute())]
        if seed is not None:
            self._arguments += ["--seed", str(seed)]
        self._arguments += list(extra_args)
        self._child: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._launched = 0.0
        self._watcher: asyncio.Task[None] | None = None
        self.on_exit = on_exit
        self.endpoints: dict[str, Any] = {}
        """What the child wrote: addresses and practice keys, by venue."""

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    async def start(self, timeout_s: float = 20.0) -> dict[str, Any]:
        """Start the child and wait until it serves; returns its endpoints.

        Raises:
            VenueUnavailable: it ended at once or did not come up in time; the text quotes its last words.
        """
        if self.running and self.endpoints:
            return self.endpoints
        if not self.running:
            await self.stop()
        self.launch()
        assert self._child is not None
        assert self._folder is not None
        folder = Path(self._folder.name)
        endpoints_file, errors_file = folder / "endpoints.json", folder / "errors.log"
        deadline = self._launched + timeout_s
        while not endpoints_file.exists():
            if self._child.poll() is not None or time.monotonic() > deadline:
                code = self._child.poll()
                words = _last_words(errors_file)
                self.kill()
                state = "did not come up in time" if code is None else f"ended with code {code}"
                raise VenueUnavailable("practice", f"practice venue {state}: {words}")
            await asyncio.sleep(0.01)
        self.endpoints = json.loads(endpoints_file.read_text(encoding="utf-8"))
        self._watcher = tasks.spawn(self._watch(self._child), name="practice.watch")
        return self.endpoints

    def launch(self) -> None:
        """Start the child without waiting, so that it comes up beside other work; :meth:`start` waits."""
        if self.running:
            return
        self.kill()
        self.endpoints = {}
        self._folder = tempfile.TemporaryDirectory(prefix="practice-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        self._child = self._spawn(folder / "endpoints.json", folder / "errors.log")
        self._launched = time.monotonic()

    def _spawn(self, endpoints_file: Path, errors_file: Path) -> subprocess.Popen[bytes]:
        with errors_file.open("wb") as errors:
            return subprocess.Popen(
                [*self._command, *self._arguments, "--endpoints-file", str(endpoints_file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=ROOT,
                # Ctrl-C in the terminal is the parent's to handle.
                start_new_session=os.name != "nt",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    async def _watch(self, child: subprocess.Popen[bytes]) -> None:
        # There is no event to wait for: the loop may be one that knows nothing of child processes.
        while child.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        if child is self._child and self.on_exit is not None:
            self.on_exit(child.returncode)

    async def stop(self) -> None:
        """End the child: it writes its world and goes; killed if it takes more than three seconds."""
        child = self._child
        await tasks.cancel_and_wait(self._watcher, timeout_s=1.0)
        self._watcher = None
        await asyncio.sleep(0)  # a watcher that ended just now is forgotten in this turn
        if child is None:
            return
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while child.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.kill()

    def kill(self) -> None:
        """End the child at once, without its leave."""
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None
        child, self._child = self._child, None
        if child is not None:
            if child.poll() is None:
                child.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=2.0)
            if child.stdin is not None:
                with contextlib.suppress(OSError):
                    child.stdin.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _last_words(path: Path) -> str:
    with contextlib.suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " | ".join(lines[-3:])[-400:] or "no message"
    return "no message"
