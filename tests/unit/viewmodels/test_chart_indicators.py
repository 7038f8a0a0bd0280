"""The indicators of a chart on hand-written fakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from terminal.domain.indicators import IndicatorKind
from terminal.services.indicators import compute
from terminal.services.market_data import Topic
from terminal.viewmodels.chart import ChartViewModel
from terminal.viewmodels.chart_bars import CLOSE, HIGH, LOW
from terminal.viewmodels.chart_indicators import (
    MOST,
    PANE_LEAST_PX,
    PRICE_LEAST_PX,
    STYLES,
    ChartIndicators,
    difference_text,
    pane_heights,
)
from tests.gui.chart_fakes import SECOND, ChartDesk, bar, lifelike_bars
from tests.helpers import eventually, run
from tests.trading_fakes import BTC

D = Decimal


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[ChartDesk]:
    made = ChartDesk()
    yield made
    made.frames.stop()


def opened(desk: ChartDesk, **options: Any) -> ChartViewModel:
    desk.fill_lifelike()
    return desk.open(**options)


def added(vm: ChartViewModel, kind: IndicatorKind) -> int:
    key = vm.indicators.add(kind)
    assert key is not None
    return key


def is_right(vm: ChartViewModel) -> None:
    """All lines are those that the chart's bars give as a whole."""
    columns = [vm.bars.column(field) for field in (HIGH, LOW, CLOSE)]
    for one in vm.indicators.shown:
        wanted = compute(one.kind, one.values, *columns)
        for line, values in zip(vm.indicators.lines(one.key), wanted, strict=True):
            np.testing.assert_allclose(line.values, values, rtol=1e-9)
            assert len(line.values) == vm.bars.count


# -- which are on -------------------------------------------------------------------------------------


def test_the_same_indicator_may_be_on_twice_with_other_figures_and_looks(desk: ChartDesk) -> None:
    vm = opened(desk)
    first, second = added(vm, IndicatorKind.EMA), added(vm, IndicatorKind.EMA)
    assert vm.indicators.change(second, values=(50,)) == ""
    assert [one.label for one in vm.indicators.shown] == ["EMA 20", "EMA 50"]
    assert len({one.style for one in vm.indicators.shown}) == 2
    assert first != second
    is_right(vm)


def test_one_more_of_a_kind_has_the_next_period_and_no_look_that_is_on(desk: ChartDesk) -> None:
    vm = opened(desk)
    for kind in (IndicatorKind.EMA, IndicatorKind.EMA, IndicatorKind.RSI, IndicatorKind.BOLLINGER):
        added(vm, kind)
    added(vm, IndicatorKind.BOLLINGER)
    labels = [one.label for one in vm.indicators.shown]
    assert labels == ["EMA 20", "EMA 40", "RSI 14", "Bollinger 20 2", "Bollinger 40 2"]
    assert {one.style for one in vm.indicators.shown} == set(range(len(STYLES)))


def test_a_bad_figure_is_said_and_changes_nothing(desk: ChartDesk) -> None:
    vm = opened(desk)
    key = added(vm, IndicatorKind.RSI)
    told: list[bool] = []
    vm.indicators.chosen.connect(lambda: told.append(True))
    assert vm.indicators.change(key, values=(0,)) == "Period: 2 to 500 bars."
    assert [one.label for one in vm.indicators.shown] == ["RSI 14"]
    assert told == []
    vm.indicators.remove(key)
    assert told == [True]
    assert vm.indicators.change(key, values=(15,)) == "This indicator has been removed."


def test_there_is_a_most_of_them(desk: ChartDesk) -> None:
    vm = opened(desk)
    for _ in range(MOST):
        added(vm, IndicatorKind.SMA)
    assert vm.indicators.is_full
    assert vm.indicators.add(IndicatorKind.SMA) is None
    assert {one.style for one in vm.indicators.shown} == set(range(len(STYLES)))


def test_a_hidden_one_has_no_lines_and_no_pane_but_stays_in_the_legend(desk: ChartDesk) -> None:
    vm = opened(desk)
    key = added(vm, IndicatorKind.RSI)
    vm.indicators.change(key, hidden=True)
    (one,) = vm.indicators.shown
    assert vm.indicators.lines(key) == ()
    assert vm.indicators.in_panes == ()
    assert vm.indicators.legend(one, 700, 1) == ("RSI 14", (), "hidden")


# -- values -------------------------------------------------------------------------------------------


def test_values_follow_the_running_bar_new_bars_and_corrections(desk: ChartDesk) -> None:
    vm = opened(desk)
    for kind in IndicatorKind:
        added(vm, kind)
    is_right(vm)
    before = {
        one.key: [line.values.copy() for line in vm.indicators.lines(one.key)] for one in vm.indicators.shown
    }
    last = desk.market.bars(BTC, 900).bars[-1]
    desk.market.update_bar(last._replace(close=last.close + 40, high=last.high + 60))
    desk.frames.tick()
    is_right(vm)
    for key, lines in before.items():
        for old, new in zip(lines, vm.indicators.lines(key), strict=True):
            np.testing.assert_array_equal(old[:-1], new.values[:-1])
            assert old[-1] != new.values[-1]
    desk.market.update_bar(last._replace(open_ns=last.open_ns + 3 * 900 * SECOND))
    desk.frames.tick()
    assert vm.bars.count == 723, "a gap was filled"
    is_right(vm)
    early = desk.market.bars(BTC, 900).bars[400]
    desk.market.update_bar(early._replace(close=early.close + 500, high=early.high + 500))
    desk.frames.tick()
    is_right(vm)


def test_older_bars_move_the_beginning_of_every_line(desk: ChartDesk) -> None:
    async def main() -> None:
        bars = lifelike_bars(400, 900, desk.clock.wall_ns())
        desk.market.set_bars(bars[380:], complete=False)
        desk.market.older = [bars[:380]]
        vm = desk.open()
        key = added(vm, IndicatorKind.RSI)
        (one,) = vm.indicators.shown
        assert int(np.isnan(vm.indicators.lines(key)[0].values).sum()) == 14
        desk.frames.tick()
        await eventually(lambda: len(desk.market.bars(BTC, 900).bars) == 400)
        desk.frames.tick()
        is_right(vm)
        assert len(vm.indicators.lines(key)[0].values) == 400
        assert vm.indicators.legend(one, 399, 1).note == ""

    run(main())


def test_too_few_bars_are_said(desk: ChartDesk) -> None:
    desk.market.set_bars([bar(index, str(100 + index % 3)) for index in range(14)])
    vm = desk.open()
    added(vm, IndicatorKind.RSI)
    added(vm, IndicatorKind.ICHIMOKU)
    rsi, cloud = vm.indicators.shown
    assert vm.indicators.legend(rsi, 13, 1) == ("RSI 14", (), "needs 15 bars")
    legend = vm.indicators.legend(cloud, 13, 1)
    assert legend.note == "needs 52 bars"
    assert dict(legend.figures)["conv"] != "–", "what is known already is shown"
    assert dict(legend.figures)["base"] == "–"
    desk.market.update_bar(bar(14, "104"))
    desk.frames.tick()
    assert vm.indicators.legend(rsi, 14, 1).note == ""


def test_the_legend_names_the_bar_that_is_pointed_at(desk: ChartDesk) -> None:
    desk.market.set_bars([bar(index, str(100 + index)) for index in range(30)])
    vm = desk.open()
    key = added(vm, IndicatorKind.SMA)
    assert vm.indicators.change(key, values=(3,)) == ""
    (one,) = vm.indicators.shown
    assert vm.indicators.legend(one, 10, 1).figures == (("", "109.0"),)
    assert vm.indicators.legend(one, 1, 1).figures == (("", "–"),)
    assert vm.indicators.legend(one, 35, 1).figures == (("", "128.0"),), "beyond the last bar its value stays"
    assert vm.indicators.spoken(10, 1) == "SMA 3 109.0"


def test_a_difference_of_prices_has_a_digit_more_than_a_price(desk: ChartDesk) -> None:
    desk.market.set_bars([bar(index, str(100 + index)) for index in range(60)])
    vm = desk.open()
    added(vm, IndicatorKind.ATR)
    (one,) = vm.indicators.shown
    assert vm.indicators.legend(one, 59, 1).figures == (("", "5.00"),)


def test_a_small_difference_is_written_out_and_a_tiny_one_in_short() -> None:
    assert difference_text(D("-0.0000104"), 5) == "−0.000010"
    assert difference_text(D("0.00000000012"), 9) == "0.0₉1"


def test_the_cloud_reaches_beyond_the_last_bar_and_the_chart_makes_room_for_it(desk: ChartDesk) -> None:
    vm = opened(desk)
    before = vm.viewport.right
    key = added(vm, IndicatorKind.ICHIMOKU)
    assert vm.viewport.right >= vm.bars.count - 1 + 26 > before - 1
    spans = vm.indicators.lines(key)
    last = vm.bars.count - 1
    assert spans[2].at(last + 26) == spans[2].values[-1]
    assert spans[2].at(last + 27) is None
    assert spans[4].at(last - 26) == vm.bars.column(CLOSE)[-1]
    vm.indicators.remove(key)
    assert vm.viewport.right == before


def test_without_an_indicator_nothing_is_computed(desk: ChartDesk) -> None:
    vm = opened(desk)
    assert vm.indicators.ahead == 0
    low, high = vm.scale.low, vm.scale.high
    assert vm.indicators.widen(low, high, vm.viewport) == (low, high)
    key = added(vm, IndicatorKind.SMA)
    vm.indicators.remove(key)
    desk.market.changed.notify(BTC, Topic.BARS)
    desk.frames.tick()
    assert vm.indicators.lines(key) == ()


# -- kept ---------------------------------------------------------------------------------------------


def test_what_is_on_is_kept_and_shown_again(desk: ChartDesk) -> None:
    vm = opened(desk)
    ema, rsi = added(vm, IndicatorKind.EMA), added(vm, IndicatorKind.RSI)
    vm.indicators.change(ema, values=(50,), style=3)
    vm.indicators.change(rsi, hidden=True)
    bands = added(vm, IndicatorKind.BOLLINGER)
    vm.indicators.change(bands, values=(20, 2.5))
    atr = added(vm, IndicatorKind.ATR)
    vm.indicators.drag_pane(atr, -40, 600)
    kept = json.loads(json.dumps(vm.indicators.kept()))
    other = opened(desk)
    other.indicators.restore(kept)
    assert [one.label for one in other.indicators.shown] == ["EMA 50", "RSI 14", "Bollinger 20 2.5", "ATR 14"]
    assert other.indicators.shown[0].style == 3
    assert other.indicators.shown[1].hidden
    assert other.indicators.pane_heights(600) == vm.indicators.pane_heights(600) == (160,)
    assert other.indicators.kept() == vm.indicators.kept()
    is_right_now = other.indicators.lines(other.indicators.shown[0].key)
    assert len(is_right_now[0].values) == other.bars.count, "computed at once"
    other.indicators.restore(None)
    assert other.indicators.shown == ()


@pytest.mark.parametrize(
    "kept",
    [
        7,
        "rsi",
        {"kind": "rsi"},
        [None, 3, []],
        [{"kind": "rsi"}],
        [{"kind": "rsi", "values": ["14"]}],
        [{"kind": "rsi", "values": [0]}],
        [{"kind": "rsi", "values": [14, 2]}],
        [{"kind": "of a newer program", "values": [14]}],
    ],
)
def test_what_is_not_understood_of_a_layout_is_left_out(qtbot: QtBot, kept: object) -> None:
    indicators = ChartIndicators()
    good = {"kind": "sma", "values": [5], "style": "red", "hidden": "no", "share": 7}
    indicators.restore([*kept, good] if isinstance(kept, list) else kept)
    assert [one.label for one in indicators.shown] == (["SMA 5"] if isinstance(kept, list) else [])


# -- prices and panes ---------------------------------------------------------------------------------


def test_the_prices_make_room_for_bands_but_the_bars_keep_half_the_height(desk: ChartDesk) -> None:
    vm = opened(desk)
    low, high = vm.scale.low, vm.scale.high
    key = added(vm, IndicatorKind.BOLLINGER)
    assert vm.scale.low < low or vm.scale.high > high
    vm.indicators.change(key, values=(20, 10))
    first, stop = vm.viewport.first, vm.viewport.stop
    bars = vm.bars.column(HIGH)[first:stop].max() - vm.bars.column(LOW)[first:stop].min()
    assert bars / (vm.scale.high - vm.scale.low) > 0.4


def test_a_pane_keeps_its_scale_while_its_line_stays_within(desk: ChartDesk) -> None:
    vm = opened(desk)
    key = added(vm, IndicatorKind.ATR)
    scale = vm.indicators.pane_scale(key)
    line = vm.indicators.lines(key)[0].seen(vm.viewport)
    assert scale.low < line.min()
    assert line.max() < scale.high
    before = (scale.low, scale.high)
    last = desk.market.bars(BTC, 900).bars[-1]
    desk.market.update_bar(last._replace(high=last.high + 1))
    desk.frames.tick()
    assert (scale.low, scale.high) == before
    desk.market.update_bar(last._replace(high=last.high + 5000))
    desk.frames.tick()
    assert scale.high > before[1]


def test_a_share_in_per_cent_has_its_whole_range_and_a_macd_its_zero(desk: ChartDesk) -> None:
    vm = opened(desk)
    rsi, macd = added(vm, IndicatorKind.RSI), added(vm, IndicatorKind.MACD)
    assert (vm.indicators.pane_scale(rsi).low, vm.indicators.pane_scale(rsi).high) == (0, 100)
    assert vm.indicators.pane_scale(macd).low < 0 < vm.indicators.pane_scale(macd).high


@settings(max_examples=60, deadline=None)
@given(height=st.integers(0, 2000), shares=st.lists(st.floats(0.01, 0.9), max_size=8))
def test_prices_and_panes_keep_their_least_heights(height: int, shares: list[float]) -> None:
    heights = pane_heights(height, shares)
    assert len(heights) == len(shares)
    shown = [size for size in heights if size]
    assert all(size >= PANE_LEAST_PX for size in shown)
    assert list(heights) == shown + [0] * (len(shares) - len(shown)), "the last ones give way"
    if shown:
        assert height - sum(shown) >= PRICE_LEAST_PX


@settings(max_examples=60, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(1, 3), st.integers(-300, 300)), max_size=6))
def test_dragging_an_edge_moves_that_edge_alone(moves: list[tuple[int, int]]) -> None:
    indicators = ChartIndicators()
    for kind in (IndicatorKind.RSI, IndicatorKind.MACD, IndicatorKind.ATR):
        indicators.add(kind)
    for key, pixels in moves:
        before = indicators.pane_heights(600)
        indicators.drag_pane(key, pixels, 600)
        after = indicators.pane_heights(600)
        assert all(size >= PANE_LEAST_PX for size in after)
        assert 600 - sum(after) >= PRICE_LEAST_PX - 1
        edges = [[sum(heights[at:]) for at in range(3)] for heights in (before, after)]
        for at in range(3):
            if at != key - 1:
                assert abs(edges[0][at] - edges[1][at]) <= 1


def test_at_1366_by_768_two_panes_leave_the_prices_more_than_half() -> None:
    heights = pane_heights(400, [0.2, 0.2])
    assert heights == (80, 80)
