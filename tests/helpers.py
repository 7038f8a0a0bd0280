"""What every kind of test needs: a plain event loop, and waiting for a condition instead of a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from terminal.core import tasks

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], *, timeout_s: float = 100.0) -> T:
    """Run a coroutine on a fresh asyncio loop, and fail if it leaves a task of ours behind."""

    async def guarded() -> T:
        async with asyncio.timeout(timeout_s):
            result = await main
        await asyncio.sleep(0)  # a task that has just ended is let go of a turn of the loop later
        left = [task.get_name() for task in tasks.running()]
        await tasks.cancel_all()
        assert not left, f"tasks left running: {left}"
        return result

    return asyncio.run(guarded())


async def eventually(
    holds: Callable[[], object], timeout_s: float = 20.0, what: str = "the condition"
) -> None:
    """Wait until ``holds()`` is true; fail with ``what`` after ``timeout_s`` seconds."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout_s} s")
        await asyncio.sleep(0.005)


def market_data_folder() -> Path:
    """Where the real captures are: ``PARALLAX_MARKET_DATA``, or beside the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "market-data"
    return Path(os.environ.get("PARALLAX_MARKET_DATA", beside))


def capture(name: str) -> Path:
    """A real capture, read in place; the test is skipped, saying so, where it is absent."""
    file = market_data_folder() / name
    if not file.exists():
        pytest.skip(f"the capture {name} is not here")
    return file


def free_port() -> int:
    """A port of this machine where nothing listens, and which is not handed out to outgoing connections."""
    while True:
        # Not the seeded generator: two runs at once would walk the same ports.
        port = random.SystemRandom().randrange(12_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
