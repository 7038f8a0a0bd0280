"""The watch over the thread of the screen sees what it is there for."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from tests.helpers import run
from tests.lag import watched_thread


def work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_step_that_computes_for_long_is_named() -> None:
    async def main() -> None:
        with watched_thread() as lag:
            asyncio.get_running_loop().call_soon(work, 0.15)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert lag.longest_ms >= 150
        assert "work" in lag.culprit
        with pytest.raises(AssertionError, match="work"):
            lag.require_never_blocked()

    run(main())


def test_waiting_and_collecting_are_no_work_of_ours() -> None:
    async def main() -> None:
        with watched_thread() as lag:
            # What a loaded machine does to a step: the clock goes on, the thread does not.
            asyncio.get_running_loop().call_soon(time.sleep, 0.15)
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_soon(gc.collect)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        lag.require_never_blocked()

    run(main())
