"""Tasks are kept, named, and their errors heard."""

from __future__ import annotations

import asyncio
import logging

import pytest

from terminal.core import tasks
from terminal.core.observe import Observable
from tests.helpers import run


def test_an_error_in_a_task_is_logged_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("boom")

    async def main() -> None:
        task = tasks.spawn(fails(), name="feed x")
        await asyncio.wait([task])

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "feed x" in caplog.text


def test_cancel_all_ends_every_task() -> None:
    async def main() -> None:
        for index in range(5):
            tasks.spawn(asyncio.Event().wait(), name=f"wait {index}")
        assert len(tasks.running()) == 5
        await tasks.cancel_all()
        assert not tasks.running()

    run(main())


def test_one_failing_watcher_never_stops_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []
    subject: Observable[[int]] = Observable("numbers")

    def fails(number: int) -> None:
        raise RuntimeError("no")

    subject.watch(fails)
    unwatch = subject.watch(told.append)
    subject.notify(1)
    unwatch()
    subject.notify(2)
    assert told == [1]
    assert "numbers" in caplog.text
