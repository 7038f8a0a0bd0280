"""A practice venue for each file of tests, renewed before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from terminal.app import connections
from tests.e2e.rig import ANSWER_DEADLINE_S
from tests.practice import Practice


@pytest.fixture(scope="module")
def running_practice() -> Iterator[Practice]:
    practice = Practice().start()
    yield practice
    practice.stop()


@pytest.fixture
def practice(running_practice: Practice, monkeypatch: pytest.MonkeyPatch) -> Practice:
    """First balances, empty counters, no faults; and a connector that waits less than five seconds."""
    monkeypatch.setitem(connections._PRACTICE_OPTIONS, "order_deadline_s", str(ANSWER_DEADLINE_S))
    running_practice.renew()
    return running_practice
