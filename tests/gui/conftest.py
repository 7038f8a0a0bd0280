"""What every test with a screen needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.trading_fakes import Desk


@pytest.fixture(autouse=True)
def _timers_end_with_their_test() -> Iterator[None]:
    yield
    Desk.stop_all()
