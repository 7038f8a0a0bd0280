"""Difference and lag of one price against another, on moves made by hand."""

from __future__ import annotations

import random

import pytest

from terminal.viewmodels.price_lag import Series, deviation, lag_ms, series_of

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def walk(seconds: int = 120, *, seed: int = 1, a_second: int = 4) -> list[tuple[int, float]]:
    """Ticks at uneven times, each one or two ten-thousandths up or down."""
    rng = random.Random(seed)
    price, points = 1.0800, []
    for tick in range(seconds * a_second):
        price = round(price + rng.choice((-2, -1, 1, 2)) * 0.0001, 4)
        points.append((START + round((tick + rng.random() * 0.5) * SECOND / a_second), price))
    return points


def later(points: list[tuple[int, float]], ms: int, *, above: float = 0.0) -> Series:
    return series_of([(at + ms * 1_000_000, price + above) for at, price in points])


@pytest.mark.parametrize("ms", [-800, -200, 0, 120, 400, 2500])
def test_the_same_moves_so_much_later_are_found(ms: int) -> None:
    points = walk()
    found = lag_ms(later(points, ms, above=0.0003), series_of(points))
    assert found == pytest.approx(ms, abs=20)


def test_a_price_that_misses_every_other_move_still_shows_its_lag() -> None:
    points = walk()
    found = lag_ms(later(points[::2], 400), series_of(points))
    assert found is not None
    # Between its moves it stands still, a quarter of a second later on the average.
    assert 400 <= found <= 600


def test_other_moves_say_nothing() -> None:
    for seed in range(2, 8):
        assert lag_ms(series_of(walk(seed=seed)), series_of(walk(seed=seed + 100))) is None


def test_too_few_moves_or_too_little_time_say_nothing() -> None:
    points = walk(120)
    few = [points[at] for at in range(0, len(points), 48)]
    assert len(few) == 10
    assert lag_ms(later(few, 200), series_of(few)) is None
    short = walk(50)
    assert lag_ms(later(short, 200), series_of(short)) is None
    assert lag_ms(series_of([]), series_of(points)) is None


def test_what_is_later_than_three_seconds_is_no_lag() -> None:
    points = walk()
    assert lag_ms(later(points, 3600), series_of(points)) is None


def test_a_lag_that_changes_half_way_is_not_told() -> None:
    points = walk(160)
    half = len(points) // 2
    own = series_of(
        [(at + 200_000_000, price) for at, price in points[:half]]
        + [(at + 1_500_000_000, price) for at, price in points[half:]]
    )
    assert lag_ms(own, series_of(points)) is None


def test_the_difference_is_the_middle_of_what_was_seen_each_second() -> None:
    other = series_of([(START, 1.0800), (START + 10 * SECOND, 1.0810)])
    own = series_of([(START, 1.0803), (START + 11 * SECOND, 1.0813), (START + 15 * SECOND, 1.0900)])
    # Second by second from 0 to 15: ten times +3, once -7 (the other moved first), four times +3, once +90.
    found = deviation(own, other, START + 15 * SECOND, 60 * SECOND)
    assert found == pytest.approx(0.0003)
    assert deviation(own, other, START + 9 * SECOND, 60 * SECOND) is None, "ten seconds are too few"
    assert deviation(series_of([]), other, START + 15 * SECOND, 60 * SECOND) is None


def test_only_the_last_span_counts() -> None:
    other = series_of([(START, 1.0800)])
    own = series_of([(START, 1.0803), (START + 60 * SECOND, 1.0799)])
    found = deviation(own, other, START + 120 * SECOND, 50 * SECOND)
    assert found == pytest.approx(-0.0001)
