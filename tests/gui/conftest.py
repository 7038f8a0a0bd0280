"""What every test with a screen needs."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtWidgets import QApplication

from terminal.viewmodels.frames import FrameClock
from tests.trading_fakes import Desk


@pytest.fixture(autouse=True)
def _application(qapp: QApplication) -> None:
    """There is one, whichever test comes first."""


@pytest.fixture(autouse=True)
def _timers_end_with_their_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock that ticks on would make every test after it slower."""
    clocks: list[weakref.ref[FrameClock]] = []
    begin = FrameClock.__init__

    def noted(clock: FrameClock, *arguments: Any, **named: Any) -> None:
        begin(clock, *arguments, **named)
        clocks.append(weakref.ref(clock))

    monkeypatch.setattr(FrameClock, "__init__", noted)
    yield
    Desk.stop_all()
    for each in clocks:
        clock = each()
        if clock is not None and shiboken6.isValid(clock):
            clock.stop()
