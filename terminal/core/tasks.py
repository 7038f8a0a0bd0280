"""The only place where an asyncio task is made.

A task that nobody holds may be collected while it runs, and what it raises is then lost. ``spawn``
keeps a reference, gives the task a name and logs what it raises.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger("tasks")

_running: set[asyncio.Task[Any]] = set()


def spawn(coro: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Start a coroutine in the background of the running loop and keep hold of it."""
    task = asyncio.get_running_loop().create_task(coro, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def running() -> frozenset[asyncio.Task[Any]]:
    """The tasks that have not ended yet; one that has just ended is let go of a turn of the loop later."""
    return frozenset(_running)


async def cancel_and_wait(*tasks: asyncio.Task[Any] | None, timeout_s: float = 5.0) -> None:
    """Cancel tasks and wait until they have ended, for at most ``timeout_s`` seconds."""
    me = asyncio.current_task()
    live = [task for task in tasks if task is not None and not task.done() and task is not me]
    for task in live:
        task.cancel()
    if not live:
        return
    _, pending = await asyncio.wait(live, timeout=timeout_s)
    for task in pending:
        log.warning("task %s did not end within %.1f s", task.get_name(), timeout_s)


async def cancel_all(*, timeout_s: float = 5.0) -> None:
    """Cancel every task that ``spawn`` started; the last step of a shutdown."""
    await cancel_and_wait(*_running, timeout_s=timeout_s)


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        log.error("task %s failed", task.get_name(), exc_info=error)
