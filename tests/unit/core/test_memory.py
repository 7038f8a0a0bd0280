"""Garbage collection around the start."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from terminal.core import memory


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


class Knot:
    """Garbage that only the collector finds."""

    freed = 0

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        Knot.freed += 1


def knots(count: int) -> None:
    for _ in range(count):
        Knot()


def test_nothing_is_collected_by_itself_in_any_thread() -> None:
    memory.begin_start()
    memory.end_start()
    before = Knot.freed
    thread = threading.Thread(target=knots, args=(2 * memory.YOUNG_OBJECTS,))
    thread.start()
    thread.join()
    assert Knot.freed == before


def test_what_was_there_at_the_start_is_set_aside_and_later_knots_are_freed_when_due() -> None:
    memory.begin_start()
    gc.collect()
    memory.end_start()
    assert gc.get_freeze_count() > 10_000
    before = Knot.freed
    knots(100)
    assert not memory.collect_if_due()
    knots(memory.YOUNG_OBJECTS)
    assert memory.collect_if_due()
    assert Knot.freed >= before + memory.YOUNG_OBJECTS
    assert not memory.collect_if_due()


def test_knots_that_outlived_the_young_rounds_are_freed_in_the_end() -> None:
    memory.begin_start()
    gc.collect()
    memory.end_start()
    kept = [Knot() for _ in range(10)]
    knots(memory.YOUNG_OBJECTS)
    assert memory.collect_if_due()
    before = Knot.freed
    kept.clear()
    for _ in range(25):
        padding = [[] for _ in range(memory.YOUNG_OBJECTS + 100)]  # type: list[list[int]]
        assert memory.collect_if_due()
        padding.clear()
    assert Knot.freed >= before + 10


def test_a_list_that_comes_in_one_gulp_is_set_aside_unlooked_and_later_knots_are_freed() -> None:
    memory.begin_start()
    gc.collect()
    memory.end_start()
    looks: list[str] = []

    def note(phase: str, info: dict[str, int]) -> None:
        looks.append(phase)

    gc.callbacks.append(note)
    try:
        aside = gc.get_freeze_count()
        kept = [[] for _ in range(memory.GULP_OBJECTS)]  # type: ignore[var-annotated]
        assert not memory.collect_if_due()
        assert gc.get_freeze_count() >= aside + len(kept)
        assert not looks
        before = Knot.freed
        knots(memory.YOUNG_OBJECTS)
        assert memory.collect_if_due()
        assert Knot.freed >= before + memory.YOUNG_OBJECTS
    finally:
        gc.callbacks.remove(note)
