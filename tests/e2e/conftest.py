"""A practice venue for each file of tests, renewed before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

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


@pytest.fixture
def desk_practice(practice: Practice, qapp: QApplication) -> Iterator[Practice]:
    """A calm practice market: prices move, and not away from what the test looks at."""
    practice.command("rate", {"rate": 0.05})
    yield practice
    practice.command("clear")
