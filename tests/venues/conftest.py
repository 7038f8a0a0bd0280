"""Every registered venue against its emulator; one emulator for each file of tests, renewed before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from terminal.venues import registry
from tests.practice import Practice
from tests.venues.samples import SAMPLES


@pytest.fixture(scope="module", params=registry.names())
def running_practice(request: pytest.FixtureRequest) -> Iterator[Practice]:
    practice = SAMPLES[request.param].practice().start()
    yield practice
    practice.stop()


@pytest.fixture
def practice(running_practice: Practice) -> Practice:
    running_practice.renew()
    return running_practice
