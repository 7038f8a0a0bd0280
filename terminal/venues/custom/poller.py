"""What is asked over and over: each job at its own interval, the longest due first, within one budget.

A failing job comes again after a growing pause. While the plugin is away a single job at a time finds out
whether it is back; then all are due at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.domain.errors import TerminalError

log = logging.getLogger("venue.custom")

_BACKOFF_S: Final = (0.3, 0.6, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_JITTER: Final = 0.2
_LONGEST_WAIT_S: Final = 1.0


@dataclass(slots=True, eq=False)
class Job:
    """One thing to ask again and again.

    ``run`` raises TerminalError where it failed; ``every_s`` is asked each time, because what is worth a look
    every two seconds now may be worth one in thirty later.
    """

    key: Hashable
    every_s: Callable[[], float]
    run: Callable[[], Awaitable[None]]
    due_ns: int = 0
    failures: int = 0
    again: bool = False
    """It was wanted at once while it ran."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Poller:
    """Runs the jobs.

    Args:
        concurrency: as many jobs may be under way at once.
        is_up: False while the plugin is away.
    """

    def __init__(
        self, clock: Clock, *, concurrency: int, is_up: Callable[[], bool], rng: random.Random | None = None
    ) -> None:
        self._clock = clock
        self._concurrency = concurrency
        self._is_up = is_up
        self._rng = rng or random.Random()
        self._jobs: dict[Hashable, Job] = {}
        self._wake = asyncio.Event()
        self._away_tries = 0
        self._not_before_ns = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; harmless when repeated."""
        if self._task is None:
            self._task = tasks.spawn(self._run(), name="custom poller")

    async def close(self) -> None:
        """End all jobs; none of them runs afterwards."""
        running = [job.task for job in self._jobs.values()]
        self._jobs.clear()
        await tasks.cancel_and_wait(self._task, *running)
        self._task = None

    def add(self, key: Hashable, every_s: Callable[[], float], run: Callable[[], Awaitable[None]]) -> None:
        """Take a job, due at once; one with the same key that is there already stays as it is."""
        if key not in self._jobs:
            self._jobs[key] = Job(key, every_s, run, self._clock.monotonic_ns())
            self._wake.set()

    def remove(self, key: Hashable) -> None:
        """Ask no more. What is on its way is given up."""
        job = self._jobs.pop(key, None)
        if job is not None and job.task is not None and job.task is not asyncio.current_task():
            job.task.cancel()

    def has(self, key: Hashable) -> bool:
        """Whether this job is there."""
        return key in self._jobs

    def hurry(self, key: Hashable) -> None:
        """Ask at once, or once more where it is being asked."""
        job = self._jobs.get(key)
        if job is not None:
            job.again = job.task is not None
            job.due_ns = min(job.due_ns, self._clock.monotonic_ns())
            self._wake.set()

    def hurry_all(self) -> None:
        """The plugin is back, or is to be tried now."""
        self._away_tries, self._not_before_ns = 0, 0
        now = self._clock.monotonic_ns()
        for job in self._jobs.values():
            job.due_ns, job.failures = min(job.due_ns, now), 0
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            self._begin_due()
            wait_s = max(0.001, min(_LONGEST_WAIT_S, self._next_due_s()))
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _begin_due(self) -> None:
        now = self._clock.monotonic_ns()
        running = sum(job.task is not None for job in self._jobs.values())
        room = self._concurrency if self._is_up() else 1 if now >= self._not_before_ns else 0
        due = sorted(
            (job for job in self._jobs.values() if job.task is None and job.due_ns <= now),
            key=lambda job: job.due_ns,
        )
        for job in due[: max(0, room - running)]:
            job.task = tasks.spawn(self._once(job), name=f"custom poll {job.key}")

    def _next_due_s(self) -> float:
        now = self._clock.monotonic_ns()
        idle = [job.due_ns for job in self._jobs.values() if job.task is None]
        if len(idle) < len(self._jobs) and not self._is_up():
            return _LONGEST_WAIT_S  # the end of the one that runs wakes this
        due = min(idle, default=now + int(_LONGEST_WAIT_S * 1e9))
        if len(self._jobs) - len(idle) >= self._concurrency:
            return _LONGEST_WAIT_S
        if not self._is_up():
            due = max(due, self._not_before_ns)
        return (due - now) / 1e9

    async def _once(self, job: Job) -> None:
        began = self._clock.monotonic_ns()
        failed = True
        try:
            await job.run()
            failed = False
        except TerminalError as error:
            log.info("%s: %s", job.key, error)
        finally:
            job.task = None
            job.failures = job.failures + 1 if failed else 0
            every_ns = int(job.every_s() * 1e9)
            now = self._clock.monotonic_ns()
            if failed:
                job.due_ns = now + self._pause_ns(job.failures)
            else:
                job.due_ns = now if job.again else max(now, began + every_ns)
            job.again = False
            if failed and not self._is_up():
                self._away_tries += 1
                self._not_before_ns = now + self._pause_ns(self._away_tries)
            self._wake.set()

    def _pause_ns(self, failures: int) -> int:
        step_s = _BACKOFF_S[min(failures - 1, len(_BACKOFF_S) - 1)]
        return int(step_s * self._rng.uniform(1 - _JITTER, 1 + _JITTER) * 1e9)
