"""The bench's own judgement of memory: what it calls flat, and what not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bench.memory import Figures, Growth, Reading, by_minute, growth


def run_of(minutes: float, memory_mb: Callable[[float], float]) -> Growth:
    """Memory as a function of the minute, read every five seconds."""
    steps = int(minutes * 12)
    return growth([Reading(5.0 * step, memory_mb(step / 12)) for step in range(steps + 1)])


@pytest.mark.parametrize(
    ("minutes", "memory_mb", "flat"),
    [
        (10.0, lambda minute: 190.0, True),
        (10.0, lambda minute: 190.0 + 8 * min(minute, 2.0), True),
        (10.0, lambda minute: 190.0 + 8 * min(minute, 2.0) + (0.9 if minute > 7 else 0.0), True),
        (10.0, lambda minute: 190.0 - minute, True),
        (10.0, lambda minute: 190.0 + minute, False),
        (10.0, lambda minute: 190.0 + 0.3 * minute, False),
        # As it was: most of the growth before half time, and still no end to it.
        (10.0, lambda minute: 195.0 + 10 * min(minute, 5.0) + 2.5 * max(0.0, minute - 5), False),
        # Nothing can be said while the tapes are still filling.
        (3.0, lambda minute: 190.0, False),
    ],
)
def test_memory_is_flat_when_it_has_stopped_growing_by_half_time(
    minutes: float, memory_mb: Callable[[float], float], flat: bool
) -> None:
    assert run_of(minutes, memory_mb).is_flat is flat


def test_the_share_of_the_last_half_is_a_half_for_a_leak_and_none_for_what_is_full() -> None:
    assert run_of(10.0, lambda minute: 190.0 + minute).share == pytest.approx(0.5)
    assert run_of(10.0, lambda minute: 190.0 + min(minute, 4.0)).share == 0.0


def test_each_full_minute_has_its_reading_and_the_beginning() -> None:
    readings = [Reading(0.5 + 5.0 * step, float(step)) for step in range(26)]
    assert by_minute(readings) == [0.0, 12.0, 24.0]


def test_figures_take_no_more_room_than_they_were_given_and_keep_the_newest() -> None:
    figures = Figures(4)
    for value in range(3):
        figures.append(value)
    assert figures.values() == [0.0, 1.0, 2.0]
    for value in range(3, 10):
        figures.append(value)
    assert len(figures) == 4
    assert figures.values() == [6.0, 7.0, 8.0, 9.0]
    figures.clear()
    assert figures.values() == []
    figures.append(1.5)
    assert figures.values() == [1.5]
