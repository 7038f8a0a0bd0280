"""Indicators are chosen with keys and mouse, follow the market, and are there again after a restart."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from terminal.widgets.chart_indicator_form import IndicatorForm
from tests.e2e.screen_harness import Desk, run_screen
from tests.practice import Practice


def labels(desk: Desk) -> list[str]:
    return [one.label for one in desk.screen.chart.indicators.shown]


async def choose(desk: Desk, name: str) -> None:
    """Take an indicator from the menu that the key opens."""
    view = desk.chart.view
    await desk.hand.do(lambda: view.setFocus(Qt.FocusReason.OtherFocusReason))
    await desk.hand.key(Qt.Key.Key_I)
    before = len(labels(desk))
    await desk.hand.trigger(desk.menu(), name)
    await desk.until(lambda: len(labels(desk)) == before + 1, name)
    await desk.frame()


def test_indicators_by_hand_and_after_a_restart(
    practice: Practice, qapp: QApplication, tmp_path: Path
) -> None:
    async def body(desk: Desk) -> None:
        await desk.until(lambda: desk.screen.chart.bars.count > 100, "bars")
        await choose(desk, "Exponential moving average")
        await choose(desk, "Relative strength index")
        view = desk.chart.view
        rsi = desk.screen.chart.indicators.shown[1]
        place = dict(view._picture.indicators.legends)[rsi.key].center()
        await desk.hand.click(view, place)
        form = QApplication.activePopupWidget()
        assert isinstance(form, IndicatorForm)
        await desk.hand.do(lambda: form.fields[0].setValue(9))
        await desk.hand.key(Qt.Key.Key_Escape)
        assert labels(desk) == ["EMA 20", "RSI 9"]

        def ends() -> list[float]:
            indicators = desk.screen.chart.indicators
            return [float(indicators.lines(one.key)[0].values[-1]) for one in indicators.shown]

        def moved() -> bool:
            return all(one != other for one, other in zip(before, ends(), strict=True))

        before = ends()
        assert not any(math.isnan(each) for each in before)
        await desk.until(moved, "a market that moves")
        (_, pane) = view.geometry_of_plot.panes[0]
        edge = QPoint(300, pane.top())
        await desk.hand.drag(view, edge, edge - QPoint(0, 40))
        assert view.geometry_of_plot.panes[0][1].height() == pane.height() + 40
        assert desk.screen.chart2.indicators.shown == (), "the other chart has its own"

    run_screen(practice, tmp_path, body)

    async def again(desk: Desk) -> None:
        assert labels(desk) == ["EMA 20", "RSI 9"]
        assert desk.screen.chart2.indicators.shown == ()
        rsi = desk.screen.chart.indicators.shown[1]
        await desk.until(lambda: desk.screen.chart.indicators.lines(rsi.key), "its line")
        await desk.frame()
        assert [key for key, _ in desk.chart.view.geometry_of_plot.panes] == [rsi.key]
        assert "share" in desk.screen.chart.indicators.kept()[1]  # type: ignore[index]

    run_screen(practice, tmp_path, again)
