"""Garbage collection around the start."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from terminal.core import memory


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()
    gc.enable()


class Knot:
    """Garbage that only the collector finds."""

    freed = 0

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        Knot.freed += 1


def test_nothing_is_collected_while_the_program_loads() -> None:
    memory.begin_start()
    assert not gc.isenabled()


def test_what_was_there_at_the_start_is_set_aside_and_later_knots_are_still_freed() -> None:
    memory.begin_start()
    memory.end_start()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] > 700
    before = Knot.freed
    Knot()
    gc.collect()
    assert Knot.freed == before + 1


def test_knots_are_freed_without_being_asked() -> None:
    memory.begin_start()
    memory.end_start()
    before = Knot.freed
    kept = [Knot() for _ in range(2 * gc.get_threshold()[0])]
    kept.clear()
    more = [[] for _ in range(2 * gc.get_threshold()[0])]  # type: list[list[int]]
    assert len(more) > 0
    assert Knot.freed > before
