"""Viewport, price scale, and what the axes name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.viewmodels.chart_bars import Times
from terminal.viewmodels.chart_scale import (
    LocalTime,
    PriceScale,
    TimeTick,
    Viewport,
    extended_times,
    price_ticks,
    step_for,
    time_ticks,
)

D = Decimal
SECOND = 1_000_000_000


def view(count: int = 500, width: float = 800, bars: int = 200) -> Viewport:
    made = Viewport(width)
    made.show_latest(count, bars=bars)
    return made


def test_zooming_keeps_the_bar_under_the_pointer() -> None:
    port = view()
    port.pan(600)
    before = port.index_at(300)
    port.zoom(1.5, 300)
    assert port.index_at(300) == pytest.approx(before)


def test_new_bars_move_the_view_only_while_the_last_one_is_in_sight() -> None:
    port = view()
    x = port.x_of(499)
    port.appended(1)
    assert port.x_of(500) == pytest.approx(x)
    port.pan(900)
    where = port.x_of(300)
    port.appended(3)
    assert port.x_of(300) == pytest.approx(where)


def test_older_bars_leave_what_one_looks_at_in_its_place() -> None:
    port = view()
    port.pan(1200)
    where = port.x_of(100)
    port.prepended(250)
    assert port.x_of(350) == pytest.approx(where)


@given(st.lists(st.tuples(st.sampled_from(["pan", "zoom"]), st.floats(-5000, 5000)), max_size=20))
def test_bars_can_never_be_lost_out_of_sight(moves: list[tuple[str, float]]) -> None:
    port = view()
    for kind, amount in moves:
        if kind == "pan":
            port.pan(amount)
        else:
            port.zoom(1.2 if amount > 0 else 0.8, abs(amount) % 800)
    assert port.first < port.stop


def test_a_market_that_stands_still_still_has_a_scale() -> None:
    scale = PriceScale()
    scale.fit(100.0, 100.0, 0.1)
    assert scale.low < 100 < scale.high
    assert scale.price_at(scale.y_of(100.0, 400), 400) == pytest.approx(100.0)


def test_prices_set_by_hand_move_with_a_drag_and_fitted_ones_do_not() -> None:
    scale = PriceScale()
    scale.fit(100, 200, 0.1)
    low = scale.low
    scale.pan(50, 400)
    assert scale.low == low
    scale.stretch(0.5)
    low = scale.low
    scale.pan(50, 400)
    assert scale.low > low


@pytest.mark.parametrize("tick", ["0.1", "0.25", "0.005", "0.00000001", "1", "50"])
@pytest.mark.parametrize(("low", "high"), [(63_000.0, 64_500.0), (0.000012, 0.000019), (99.99, 100.01)])
def test_named_prices_are_on_the_grid_and_far_enough_apart(tick: str, low: float, high: float) -> None:
    ticks = price_ticks(low, high, 600, D(tick), 44)
    assert all(price % D(tick) == 0 for price in ticks)
    apart = [float(b - a) / (high - low) * 600 for a, b in pairwise(ticks)]
    assert all(each >= 43.9 for each in apart)


def test_named_prices_survive_a_scale_without_height() -> None:
    assert price_ticks(1.0, 1.0, 600, D("0.1"), 44) == []
    assert price_ticks(1.0, 2.0, 0, D("0.1"), 44) == []


def times(start: datetime, count: int, interval_s: int) -> Times:
    first = int(start.timestamp()) * SECOND
    return first + np.arange(count, dtype=np.int64) * interval_s * SECOND


def texts(ticks: list[TimeTick]) -> list[str]:
    return [tick.text for tick in ticks]


def test_midnight_is_named_by_its_day_and_new_year_by_its_year() -> None:
    stamps = times(datetime(2026, 12, 31, 12, tzinfo=UTC), 30, 3600)
    step = step_for(3600, 20, 72)
    found = time_ticks(LocalTime(UTC).seconds(stamps), 0, step, lambda bar: bar * 20.0, lambda text: 40, 20)
    assert "2027" in texts(found)
    assert "20:00" in texts(found)


def test_among_bars_under_a_minute_seconds_are_named() -> None:
    stamps = LocalTime(UTC).seconds(times(datetime(2026, 8, 13, 18, 51, 50, tzinfo=UTC), 8, 5))
    found = time_ticks(stamps, 0, step_for(5, 30, 72), lambda bar: bar * 30.0, lambda text: 40, 20)
    assert texts(found) == ["18:52:00", "18:52:15"]


def test_days_are_named_where_the_clock_shows_midnight() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    stamps = times(datetime(2026, 8, 13, 12, tzinfo=UTC), 96, 900)
    found = time_ticks(
        LocalTime(india).seconds(stamps),
        0,
        step_for(900, 10, 72),
        lambda bar: bar * 10.0,
        lambda text: 40,
        20,
    )
    day = next(tick for tick in found if tick.level == 1)
    assert day.text == "14 Aug"
    assert int(stamps[day.bar]) // SECOND == int(datetime(2026, 8, 13, 18, 30, tzinfo=UTC).timestamp())


def test_a_clock_change_in_sight_moves_only_the_times_after_it() -> None:
    stamps = times(datetime(2026, 10, 24, 22, tzinfo=UTC), 8, 3600)
    local = LocalTime(ZoneInfo("Europe/Berlin")).seconds(stamps)
    hours = [int(each) // 3600 % 24 for each in local]
    assert hours == [0, 1, 2, 2, 3, 4, 5, 6]


@given(
    interval_s=st.sampled_from([60, 300, 900, 1800, 3600, 14400, 86400, 604800, 1296000]),
    spacing=st.floats(0.5, 64),
    start=st.integers(1_500_000_000, 1_900_000_000),
    gap=st.integers(0, 400),
)
def test_time_labels_never_overlap(interval_s: int, spacing: float, start: int, gap: int) -> None:
    stamps = (start // interval_s + np.arange(300, dtype=np.int64)) * interval_s
    stamps[150:] += gap * interval_s  # a weekend without trades
    step = step_for(interval_s, spacing, 72)

    def width(text: str) -> int:
        return 7 * len(text)

    found = time_ticks(stamps, 0, step, lambda bar: bar * spacing, width, 20)
    for one, after in pairwise(found):
        assert one.bar * spacing + width(one.text) / 2 <= after.bar * spacing - width(after.text) / 2


def test_panning_does_not_change_which_bars_are_named() -> None:
    stamps = times(datetime(2026, 8, 1, tzinfo=UTC), 2000, 900)
    local, step = LocalTime(UTC).seconds(stamps), step_for(900, 5, 72)

    def named(first: int) -> set[int]:
        part = local[first : first + 400]
        ticks = time_ticks(part, first, step, lambda bar: (bar - first) * 5.0, lambda text: 40, 20)
        return {tick.bar for tick in ticks}

    one, moved = named(300), named(317)
    assert {bar for bar in one if bar > 320} == {bar for bar in moved if 320 < bar < 700}


def test_times_go_on_beyond_the_last_bar() -> None:
    stamps = times(datetime(2026, 8, 1, tzinfo=UTC), 3, 60)
    out = extended_times(stamps, 1, 6, 60)
    assert np.diff(out).tolist() == [60 * SECOND] * 4
    assert len(extended_times(stamps[:0], 0, 5, 60)) == 0
    assert extended_times(stamps, 5, 7, 60).tolist() == [
        int(stamps[-1]) + step * 60 * SECOND for step in (3, 4)
    ]
