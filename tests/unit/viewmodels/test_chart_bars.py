"""Arrays that follow a series of bars."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.bars import BarSeries
from terminal.viewmodels.chart_bars import CLOSE, HIGH, BarArrays, Change
from tests.gui.chart_fakes import SECOND, bar


def same(arrays: BarArrays, series: BarSeries) -> bool:
    times: list[int] = arrays.times.tolist()
    closes: list[float] = arrays.column(CLOSE).tolist()
    return times == [one.open_ns for one in series.bars] and closes == [
        float(one.close) for one in series.bars
    ]


def test_the_running_bar_changes_one_row_and_no_version() -> None:
    arrays, series = BarArrays(), BarSeries(900)
    series.merge([bar(index, "100") for index in range(10)])
    arrays.sync(series)
    before = arrays.version
    series.update(bar(9, "105"))
    assert arrays.sync(series) == Change()
    assert arrays.column(CLOSE)[-1] == 105
    assert arrays.version == before


def test_nothing_new_is_noticed_without_work() -> None:
    arrays, series = BarArrays(), BarSeries(900)
    series.merge([bar(0, "100"), bar(1, "101")])
    arrays.sync(series)
    assert arrays.sync(series) == Change()


def test_a_new_bar_is_appended_and_the_one_before_is_final() -> None:
    arrays, series = BarArrays(), BarSeries(900)
    series.merge([bar(0, "100"), bar(1, "101")])
    arrays.sync(series)
    series.update(bar(1, "102"))
    series.update(bar(2, "103"))
    assert arrays.sync(series) == Change(appended=1)
    assert arrays.column(CLOSE).tolist() == [100, 102, 103]


def test_older_bars_in_front_keep_the_others() -> None:
    arrays, series = BarArrays(), BarSeries(900)
    series.merge([bar(index, "100") for index in range(5, 8)])
    arrays.sync(series)
    series.prepend([bar(index, "90") for index in range(5)])
    series.update(bar(7, "107"))
    assert arrays.sync(series) == Change(prepended=5)
    assert same(arrays, series)


def test_a_late_correction_in_the_middle_is_taken() -> None:
    arrays, series = BarArrays(), BarSeries(900)
    series.merge([bar(index, "100") for index in range(6)])
    arrays.sync(series)
    version = arrays.version
    series.update(bar(2, "99"))
    arrays.sync(series)
    assert same(arrays, series)
    assert arrays.version > version


def test_another_series_replaces_everything() -> None:
    arrays, one, other = BarArrays(), BarSeries(900), BarSeries(60)
    one.merge([bar(index, "100") for index in range(6)])
    other.merge([bar(index, "7", 60) for index in range(3)])
    arrays.sync(one)
    assert arrays.sync(other).replaced
    assert same(arrays, other)


def test_a_series_emptied_by_another_connection_leaves_nothing() -> None:
    arrays, series = BarArrays(), BarSeries(900)
    series.merge([bar(0, "100")])
    arrays.sync(series)
    arrays.sync(BarSeries(900))
    assert arrays.count == 0
    assert len(arrays.column(HIGH)) == 0


def test_the_bar_of_a_time() -> None:
    arrays, series = BarArrays(), BarSeries(900)
    series.merge([bar(index, "100") for index in range(3)])
    arrays.sync(series)
    assert arrays.index_of(-1) is None
    assert arrays.index_of(0) == 0
    assert arrays.index_of(900 * SECOND - 1) == 0
    assert arrays.index_of(900 * SECOND) == 1
    assert arrays.index_of(10**18) == 2


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("update"), st.integers(0, 1500)),
        st.tuples(st.just("prepend"), st.integers(1, 400)),
        st.tuples(st.just("merge"), st.integers(1, 30)),
        st.tuples(st.just("sync"), st.just(0)),
    ),
    max_size=30,
)


@given(STEPS)
def test_any_order_of_changes_ends_in_the_same_arrays(steps: list[tuple[str, int]]) -> None:
    arrays, series = BarArrays(), BarSeries(900)
    oldest, close = 5000, 100
    for kind, number in steps:
        close += 1
        newest = series.bars[-1].open_ns // (900 * SECOND) if series.bars else oldest
        if kind == "update":
            series.update(
                bar(newest + number % 3 - 1 if number % 7 == 0 else newest + number % 2, str(close))
            )
        elif kind == "prepend":
            oldest = (series.bars[0].open_ns // (900 * SECOND) if series.bars else oldest) - number
            series.prepend([bar(oldest + step, str(close)) for step in range(number)])
        elif kind == "merge":
            series.merge([bar(newest + step - 5, str(close)) for step in range(number)])
        else:
            arrays.sync(series)
    arrays.sync(series)
    assert same(arrays, series)
    assert np.all(arrays.column(HIGH) == [float(each.high) for each in series.bars])
