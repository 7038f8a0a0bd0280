"""Indicators on the chart: what is painted, and what mouse and keys do to them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from terminal.domain.indicators import INDICATORS, IndicatorKind
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels.chart import ChartViewModel
from terminal.viewmodels.chart_indicators import MOST, PANE_LEAST_PX, STYLES, IndicatorLine
from terminal.viewmodels.chart_scale import Viewport
from terminal.widgets import theme
from terminal.widgets.chart import ChartPanel
from terminal.widgets.chart_indicator_form import IndicatorForm
from terminal.widgets.chart_indicator_items import LOOKS
from terminal.widgets.chart_lines import dashes, in_sight, polygon, runs
from tests.gui.chart_fakes import ChartDesk, bar
from tests.trading_fakes import BTC

D = Decimal
SIZE = (900, 620)


class Shown:
    """A chart on screen with lifelike bars."""

    def __init__(self, qtbot: QtBot) -> None:
        self.desk = ChartDesk()
        self.desk.fill_lifelike()
        self.vm: ChartViewModel = self.desk.open(show_hint=False)
        self.panel = ChartPanel(self.vm)
        qtbot.addWidget(self.panel)
        qtbot.addWidget(self.panel.header)
        self.panel.resize(*SIZE)
        with qtbot.waitExposed(self.panel):
            self.panel.show()
        self.view = self.panel.view
        self.settle()

    def settle(self) -> None:
        self.desk.frames.tick()
        self.view.repaint()

    def add(self, kind: IndicatorKind) -> int:
        key = self.vm.indicators.add(kind)
        assert key is not None
        self.settle()
        return key

    def image(self) -> QImage:
        return self.view.grab().toImage()

    def legend(self, key: int) -> QPoint:
        """The middle of an indicator's legend."""
        return dict(self.view._picture.indicators.legends)[key].center()

    def has(self, color: str, image: QImage | None = None) -> bool:
        """A colour is somewhere right of the legends."""
        shown = image if image is not None else self.image()
        wanted = QColor(color).rgb()
        return any(
            shown.pixel(x, y) == wanted for x in range(450, shown.width()) for y in range(shown.height())
        )


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Shown]:
    theme.load_fonts()
    made = Shown(qtbot)
    yield made
    made.desk.frames.stop()


def form() -> IndicatorForm:
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, IndicatorForm)
    return popup


def menu() -> QMenu:
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, QMenu)
    return popup


def texts(of: QMenu) -> list[str]:
    return [action.text() for action in of.actions() if not action.isSeparator()]


# -- picture ------------------------------------------------------------------------------------------


def test_without_indicators_the_chart_is_as_it_was(shown: Shown) -> None:
    before = shown.image()
    key = shown.add(IndicatorKind.BOLLINGER)
    assert shown.image() != before
    shown.vm.indicators.remove(key)
    shown.settle()
    assert shown.image() == before


def test_a_line_has_its_colour_over_the_bars_and_an_oscillator_a_pane(shown: Shown) -> None:
    plot = shown.view.geometry_of_plot.plot
    assert not shown.has(LOOKS[2].color)
    key = shown.add(IndicatorKind.EMA)
    shown.vm.indicators.change(key, style=2)
    shown.settle()
    assert shown.has(LOOKS[2].color)
    assert shown.view.geometry_of_plot.plot == plot
    pane = shown.add(IndicatorKind.RSI)
    geometry = shown.view.geometry_of_plot
    assert [each for each, _ in geometry.panes] == [pane]
    assert geometry.plot.height() < plot.height()
    assert geometry.floor == plot.height(), "the time axis stays where it was"
    lower = geometry.panes[0][1]
    picture = shown.image()
    tint = QColor(LOOKS[0].color)
    found = [
        picture.pixelColor(x, y).green() - picture.pixelColor(x, y).blue()
        for x in range(lower.width() // 2, lower.right())
        for y in range(lower.top() + 20, lower.bottom())
    ]
    assert max(found) > (tint.green() - tint.blue()) // 2, "the line of the RSI is in its pane"


@pytest.mark.parametrize("spacing", [0.5, 6.0, 64.0])
def test_they_paint_at_any_zoom_in_any_look_and_in_any_state(shown: Shown, spacing: float) -> None:
    for kind in IndicatorKind:
        shown.add(kind)
    shown.vm.zoom(spacing / shown.vm.viewport.spacing, 400)
    for style in range(len(STYLES)):
        for one in shown.vm.indicators.shown:
            shown.vm.indicators.change(one.key, style=style)
        shown.settle()
    QTest.mouseMove(shown.view, QPoint(400, 500))
    shown.desk.market.set_bar_state(FeedState.STALE)
    for size in ((1700, 900), (300, 200)):
        shown.panel.resize(*size)
        shown.settle()
        assert not shown.image().isNull()


def test_a_moving_price_draws_the_ends_of_the_lines_alone(shown: Shown) -> None:
    for kind in IndicatorKind:
        shown.add(kind)
    drawn = shown.view._picture._drawn
    before = shown.image()
    last = shown.desk.market.bars(BTC, 900).bars[-1]
    shown.desk.market.update_bar(last._replace(close=last.close - 1))
    shown.settle()
    assert shown.view._picture._drawn == drawn, "what stands still was not drawn anew"
    shown.desk.market.update_bar(last._replace(close=last.close - 200, low=last.low - 200))
    shown.settle()
    assert shown.image() != before


def test_the_ends_join_what_stands_still(shown: Shown) -> None:
    """Each step of a line is drawn once: before the last bar with what stands still, the last one with it."""
    line = IndicatorLine(np.arange(100.0), 0)
    view = Viewport(400, 4)
    view.show_latest(100)
    still, last = in_sight(line, view, last=False), in_sight(line, view, last=True)
    assert still.stop - 1 == last.start == 98
    assert last.stop == 100
    behind = IndicatorLine(np.arange(100.0), -26)
    view.right = 20
    assert in_sight(behind, view, last=False).start == 26, "nothing before the first bar"
    view.show_latest(100)
    ahead = IndicatorLine(np.arange(100.0), 26)
    assert in_sight(ahead, view, last=False).start == max(0, still.start - 26)


def test_too_few_bars_draw_nothing_and_say_so(shown: Shown) -> None:
    shown.desk.market.bars(BTC, 900).bars[:] = []
    shown.desk.market.set_bars([bar(index, str(100 + index % 3)) for index in range(10)])
    shown.add(IndicatorKind.RSI)
    shown.add(IndicatorKind.SMA)
    shown.settle()
    (one, other) = shown.vm.indicators.shown
    assert shown.vm.indicators.legend(one, 9, 1).note == "needs 15 bars"
    assert shown.vm.indicators.legend(other, 9, 1).note == "needs 20 bars"
    assert not shown.has(LOOKS[0].color)


# -- lines in bulk ------------------------------------------------------------------------------------


def test_points_become_a_polygon_and_gaps_part_a_line() -> None:
    shape = polygon(np.array([1.0, 2.5]), np.array([3.0, -4.0]))
    assert [(shape.at(index).x(), shape.at(index).y()) for index in range(2)] == [(1.0, 3.0), (2.5, -4.0)]
    assert polygon(np.empty(0), np.empty(0)).isEmpty()
    known = np.array([False, True, True, True, False, True, False, True, True])
    assert list(runs(known)) == [slice(1, 4), slice(7, 9)], "a value alone makes no line"
    assert list(runs(np.ones(3, bool))) == [slice(0, 3)]
    assert list(runs(np.zeros(3, bool))) == []


def testdashes_move_with_the_bars_and_lie_on_the_line() -> None:
    x, y = np.arange(0.0, 60.0, 6.0), np.arange(10.0) ** 2
    pieces = dashes(x, y, (8, 4), 0.0)
    assert pieces[0].tolist() == [0, 0, 6, 1]
    np.testing.assert_allclose(pieces[:, 1], np.interp(pieces[:, 0], x, y))
    np.testing.assert_allclose(pieces[:, 3], np.interp(pieces[:, 2], x, y))
    assert (np.mod((pieces[:, 0] + pieces[:, 2]) / 2, 12) < 8).all()
    moved = dashes(x - 5, y, (8, 4), -5.0)
    np.testing.assert_allclose(moved + np.array((5, 0, 5, 0)), pieces)
    np.testing.assert_allclose(dashes(x, y * 3, (8, 4), 0.0)[:, 0], pieces[:, 0])


# -- colours ------------------------------------------------------------------------------------------

_EYES = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""How eyes see linear RGB (Machado, Oliveira and Fernandes 2009, severity 1)."""


def lab_of(color: str, eyes: str) -> tuple[float, float, float]:
    """CIELAB of a colour as some eyes see it."""
    shade = np.array([QColor(color).redF(), QColor(color).greenF(), QColor(color).blueF()])
    linear = np.where(shade <= 0.04045, shade / 12.92, ((shade + 0.055) / 1.055) ** 2.4)
    seen = np.clip(_EYES[eyes] @ linear, 0, 1)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = to_xyz @ seen / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return float(116 * f[1] - 16), float(500 * (f[0] - f[1])), float(200 * (f[1] - f[2]))


def ciede2000(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """How different two colours look (CIE 142-2001)."""
    light = np.array([one[0], other[0]])
    a, b = np.array([one[1], other[1]]), np.array([one[2], other[2]])
    mean = np.hypot(a, b).mean()
    a = a * (1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7)))
    chroma, hue = np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360
    turn = hue[1] - hue[0]
    turn = turn - 360 if turn > 180 else turn + 360 if turn < -180 else turn
    middle = hue.mean() if abs(hue[1] - hue[0]) <= 180 else (hue.sum() + 360) / 2 % 360
    d_light, d_chroma = light[1] - light[0], chroma[1] - chroma[0]
    d_hue = 2 * np.sqrt(chroma.prod()) * np.sin(np.radians(turn / 2))
    bright, mean = light.mean(), chroma.mean()
    t = 1 - 0.17 * np.cos(np.radians(middle - 30)) + 0.24 * np.cos(np.radians(2 * middle))
    t += 0.32 * np.cos(np.radians(3 * middle + 6)) - 0.2 * np.cos(np.radians(4 * middle - 63))
    s_light = 1 + 0.015 * (bright - 50) ** 2 / np.sqrt(20 + (bright - 50) ** 2)
    parts = (d_light / s_light, d_chroma / (1 + 0.045 * mean), d_hue / (1 + 0.015 * mean * t))
    spread = 30 * np.exp(-(((middle - 275) / 25) ** 2))
    rotation = -np.sin(np.radians(2 * spread)) * 2 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    return float(np.sqrt(sum(part**2 for part in parts) + rotation * parts[1] * parts[2]))


@pytest.mark.parametrize("eyes", list(_EYES))
def test_indicators_are_told_from_one_another_and_from_up_and_down_by_any_eyes(eyes: str) -> None:
    # Published pair no. 1 of Sharma, Wu and Dalal's test data: the formula above is the right one.
    assert ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    shades = [lab_of(color, eyes) for color in theme.INDICATORS]
    for at, one in enumerate(shades):
        assert all(ciede2000(one, other) >= 17 for other in shades[at + 1 :])
        assert all(ciede2000(one, lab_of(color, eyes)) >= 13 for color in (theme.UP, theme.DOWN))


def test_the_first_looks_are_of_quite_different_colours() -> None:
    assert all(ciede2000(*(lab_of(color, eyes) for color in theme.INDICATORS[:2])) >= 39 for eyes in _EYES)
    shades = [lab_of(color, "normal") for color in theme.INDICATORS[:3]]
    assert all(np.hypot(a, b) > 30 for _, a, b in shades), "none of them is a grey"
    hues = sorted(np.degrees(np.arctan2(b, a)) % 360 for _, a, b in shades)
    assert min(np.diff([*hues, hues[0] + 360])) > 40


def test_no_two_looks_have_the_same_dash_and_width() -> None:
    assert len(LOOKS) == len(STYLES)
    assert len({(look.dash, look.thick) for look in LOOKS}) == len(LOOKS)


# -- adding and setting -------------------------------------------------------------------------------


def test_the_header_s_menu_adds_what_is_chosen(shown: Shown) -> None:
    header = shown.panel.header
    own = header.indicators.menu()
    own.aboutToShow.emit()
    assert texts(own)[4] == "Relative strength index\tRSI"
    assert len(texts(own)) == len(INDICATORS)
    own.actions()[4].trigger()
    assert [one.label for one in shown.vm.indicators.shown] == ["RSI 14"]
    own.aboutToShow.emit()
    assert texts(own)[-1] == "RSI 14…"
    own.actions()[-1].trigger()
    assert form().fields[0].value() == 14
    form().close()


def test_a_full_chart_says_so_in_the_menu(shown: Shown) -> None:
    for _ in range(MOST):
        shown.add(IndicatorKind.SMA)
    own = shown.panel.header.indicators.menu()
    own.aboutToShow.emit()
    assert not own.actions()[0].isEnabled()
    assert texts(own)[len(INDICATORS)] == "12 are the most; remove one first"


def test_the_key_i_opens_the_menu_at_the_chart(shown: Shown) -> None:
    shown.view.setFocus()
    QTest.keyClick(shown.view, Qt.Key.Key_I)
    menu().actions()[0].trigger()
    menu().close()
    assert [one.label for one in shown.vm.indicators.shown] == ["SMA 20"]


def test_a_click_on_a_legend_opens_the_form_and_a_good_figure_takes_effect_at_once(shown: Shown) -> None:
    key = shown.add(IndicatorKind.RSI)
    place = shown.legend(key)
    QTest.mouseMove(shown.view, place)
    assert shown.view.cursor().shape() is Qt.CursorShape.PointingHandCursor
    assert "Relative strength index" in shown.view.toolTip()
    QTest.mouseClick(shown.view, Qt.MouseButton.LeftButton, pos=place)
    opened = form()
    assert opened.problem.isHidden()
    opened.fields[0].setValue(21)
    assert [one.label for one in shown.vm.indicators.shown] == ["RSI 21"]
    opened.fields[0].setValue(1)
    assert opened.problem.text() == "Period: 2 to 500 bars."
    assert not opened.problem.isHidden()
    assert [one.label for one in shown.vm.indicators.shown] == ["RSI 21"], "the last good one stays"
    opened.reset.click()
    assert opened.problem.isHidden()
    assert [one.label for one in shown.vm.indicators.shown] == ["RSI 14"]
    opened.looks.button(3).click()
    assert shown.vm.indicators.shown[0].style == 3
    opened.shows.click()
    assert shown.vm.indicators.shown[0].hidden
    assert shown.view.geometry_of_plot.panes == ()
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    assert QApplication.activePopupWidget() is None


def test_a_figure_takes_effect_when_it_is_whole_and_escape_leaves_it(shown: Shown) -> None:
    key = shown.add(IndicatorKind.EMA)
    for typed, ends_with in (("99999", Qt.Key.Key_Return), ("300", Qt.Key.Key_Escape)):
        QTest.mouseClick(shown.view, Qt.MouseButton.LeftButton, pos=shown.legend(key))
        opened = form()
        QTest.keyClicks(opened.fields[0].lineEdit(), typed)
        assert [one.label for one in shown.vm.indicators.shown] == ["EMA 20"], "half of a figure is another"
        QTest.keyClick(opened.fields[0], ends_with)
        assert [one.label for one in shown.vm.indicators.shown] == ["EMA 20"]
        if ends_with is Qt.Key.Key_Return:
            assert opened.problem.text() == "Period: 2 to 500 bars."
            opened.done.click()
            assert not opened.isHidden(), "what is wrong is still to be read"
            opened.fields[0].selectAll()
            QTest.keyClicks(opened.fields[0].lineEdit(), "40")
            QTest.keyClick(opened.fields[0], Qt.Key.Key_Return)
            assert QApplication.activePopupWidget() is None
            assert [one.label for one in shown.vm.indicators.shown] == ["EMA 40"]
            shown.vm.indicators.change(key, values=(20,))
            shown.settle()
    assert QApplication.activePopupWidget() is None


def test_a_form_with_several_figures_says_what_does_not_go_together(shown: Shown) -> None:
    key = shown.add(IndicatorKind.MACD)
    QTest.mouseClick(shown.view, Qt.MouseButton.LeftButton, pos=shown.legend(key))
    opened = form()
    opened.fields[0].setValue(40)
    assert opened.problem.text() == "The fast period must be shorter than the slow one: 40 is not below 26."
    opened.fields[1].setValue(60)
    assert opened.problem.text() == ""
    assert [one.label for one in shown.vm.indicators.shown] == ["MACD 40 60 9"]
    opened.remove.click()
    assert shown.vm.indicators.shown == ()
    assert QApplication.activePopupWidget() is None


def test_the_right_button_in_a_pane_offers_its_indicator_and_no_order(shown: Shown) -> None:
    key = shown.add(IndicatorKind.ATR)
    at = dict(shown.view.geometry_of_plot.panes)[key].center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, shown.view.mapToGlobal(at))
    QApplication.sendEvent(shown.view, event)
    opened = menu()
    assert texts(opened) == ["ATR 14", "Set it…", "Hide", "Remove"]
    opened.actions()[2].trigger()
    assert shown.vm.indicators.shown[0].hidden
    opened.actions()[3].trigger()
    opened.close()
    assert shown.vm.indicators.shown == ()


# -- panes --------------------------------------------------------------------------------------------


def test_the_edge_of_a_pane_is_dragged_and_stops_at_its_least_height(shown: Shown) -> None:
    key = shown.add(IndicatorKind.RSI)
    chosen: list[bool] = []
    shown.vm.indicators.chosen.connect(lambda: chosen.append(True))
    right = shown.vm.viewport.right

    def pane() -> int:
        return dict(shown.view.geometry_of_plot.panes)[key].height()

    def edge() -> QPoint:
        return QPoint(400, dict(shown.view.geometry_of_plot.panes)[key].top())

    before, start = pane(), edge()
    QTest.mouseMove(shown.view, start)
    assert shown.view.cursor().shape() is Qt.CursorShape.SizeVerCursor
    QTest.mousePress(shown.view, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(shown.view, start - QPoint(0, 60))
    assert pane() == before + 60
    QTest.mouseMove(shown.view, start + QPoint(0, 400))
    assert pane() == PANE_LEAST_PX
    QTest.mouseMove(shown.view, start - QPoint(0, 20))
    QTest.mouseRelease(shown.view, Qt.MouseButton.LeftButton, pos=start - QPoint(0, 20))
    assert pane() == before + 20
    assert chosen, "the height is kept with the layout"
    assert shown.vm.viewport.right == right, "the bars were not dragged along"
    QTest.mouseMove(shown.view, start - QPoint(0, 100))
    assert pane() == before + 20


def test_the_crosshair_goes_through_all_panes_and_names_the_level(shown: Shown) -> None:
    upper, lower = shown.add(IndicatorKind.RSI), shown.add(IndicatorKind.STOCHASTIC)
    panes = dict(shown.view.geometry_of_plot.panes)
    at = QPoint(500, panes[lower].center().y())
    before = shown.image()
    QTest.mouseMove(shown.view, at)
    shown.settle()
    after = shown.image()
    x = round(shown.vm.viewport.x_of(shown.view._picture.bar or 0))

    def changed(row: range) -> int:
        return sum(before.pixel(x, y) != after.pixel(x, y) for y in row)

    assert shown.view._picture.bar is not None
    for rect in (shown.view.geometry_of_plot.plot, panes[upper], panes[lower]):
        assert changed(range(rect.top() + 4, rect.bottom())) > rect.height() // 3
    beside = panes[lower].right() + 20
    assert any(before.pixel(beside, y) != after.pixel(beside, y) for y in range(at.y() - 6, at.y() + 6))
    assert shown.vm.indicators.legend(
        shown.vm.indicators.shown[0], shown.view._picture.bar, 1
    ) != shown.vm.indicators.legend(shown.vm.indicators.shown[0], shown.vm.bars.count - 1, 1)


def test_a_pane_is_dragged_sideways_with_the_bars_and_keeps_the_prices(shown: Shown) -> None:
    key = shown.add(IndicatorKind.RSI)
    start = dict(shown.view.geometry_of_plot.panes)[key].center()
    right = shown.vm.viewport.right
    shown.vm.stretch(1.2)
    low = shown.vm.scale.low
    QTest.mousePress(shown.view, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(shown.view, start + QPoint(60, 30))
    QTest.mouseRelease(shown.view, Qt.MouseButton.LeftButton, pos=start + QPoint(60, 30))
    assert shown.vm.viewport.right < right
    assert shown.vm.scale.low == low


def test_what_lies_over_the_chart_moves_with_the_panes(shown: Shown) -> None:
    shown.vm.pan(2000)
    shown.settle()
    button = shown.panel._to_last
    shown.add(IndicatorKind.RSI)
    for way in (0, 60):
        shown.vm.indicators.drag_pane(1, -way, 500)
        shown.settle()
        assert shown.view.geometry_of_plot.plot.contains(button.geometry())


def test_a_low_chart_says_that_a_pane_has_no_room(shown: Shown) -> None:
    for kind in (IndicatorKind.RSI, IndicatorKind.ADX):
        shown.add(kind)
    shown.panel.resize(600, 200)
    shown.settle()
    assert len(shown.view.geometry_of_plot.panes) == 1
    assert [key for key, _ in shown.view._picture.indicators.legends] == [1, 2], "both have a legend"
    plot = shown.view.geometry_of_plot.plot
    assert plot.contains(shown.legend(2))


def test_the_legend_keeps_clear_of_what_else_is_said(shown: Shown) -> None:
    for kind in (IndicatorKind.SMA, IndicatorKind.ICHIMOKU):
        shown.add(kind)
    boxes = [box for _, box in shown.view._picture.indicators.legends]
    assert not boxes[0].intersects(boxes[1])
    readout = shown.view._picture._readout
    assert all(readout.contains(box) for box in boxes), "chips and notes stand beside both"
    assert boxes[0].top() > shown.view._picture._numbers.height


def test_the_rows_stay_where_they_are_beyond_the_last_bar(shown: Shown) -> None:
    key = shown.add(IndicatorKind.ICHIMOKU)
    before = shown.legend(key).y()
    beyond = QPoint(round(shown.vm.viewport.x_of(shown.vm.bars.count + 10)), 200)
    QTest.mouseMove(shown.view, beyond)
    shown.settle()
    assert (shown.view._picture.bar or 0) >= shown.vm.bars.count
    assert shown.legend(key).y() == before


def test_a_screen_reader_is_told_the_values_of_the_bar(shown: Shown) -> None:
    shown.add(IndicatorKind.RSI)
    shown.view.setFocus()
    QTest.keyClick(shown.view, Qt.Key.Key_Left)
    assert ", RSI 14 " in shown.view.accessibleDescription()


def test_another_length_of_bars_and_another_state_keep_what_is_on(shown: Shown) -> None:
    shown.add(IndicatorKind.RSI)
    shown.vm.set_interval(3600)
    shown.settle()
    assert [one.label for one in shown.vm.indicators.shown] == ["RSI 14"]
    shown.vm.set_interval(900)
    shown.desk.market.changed.notify(BTC, Topic.BARS)
    shown.settle()
    assert len(shown.vm.indicators.lines(1)[0].values) == shown.vm.bars.count
