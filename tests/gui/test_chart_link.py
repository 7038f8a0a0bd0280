"""Two charts side by side: what they share, and the second one that costs nothing until it is opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.viewmodels.chart import ChartViewModel
from terminal.viewmodels.chart_link import ChartLink
from terminal.viewmodels.selection import LinkGroups, Shares
from terminal.widgets import theme
from terminal.widgets.chart import ChartPanel
from tests.gui.chart_fakes import ChartDesk
from tests.trading_fakes import BTC, ETH

FEEDS = 2
"""Of an open chart: bars and quotes."""


class Pair:
    """A chart of a quarter of an hour and one of an hour, both of group 1."""

    def __init__(self, qtbot: QtBot) -> None:
        self.desk = ChartDesk()
        self.desk.fill_lifelike()
        self.groups = LinkGroups()
        self.groups.group(1).select(BTC)
        self.links = [self.groups.panel(is_chart=True) for _ in range(2)]
        self.charts = []
        for link, interval_s in zip(self.links, (900, 3600), strict=True):
            self.desk.selection = link  # type: ignore[assignment]
            self.charts.append(self.desk.open(interval_s=interval_s, is_idle_unseen=True))
        self.carriers = [ChartLink(chart, link) for chart, link in zip(self.charts, self.links, strict=True)]
        self.panels = [ChartPanel(chart) for chart in self.charts]
        for panel in self.panels:
            qtbot.addWidget(panel)
            panel.resize(700, 400)

    def show(self, at: int) -> None:
        self.panels[at].show()
        self.desk.pass_time(1)
        QApplication.processEvents()

    def view(self, at: int) -> QImage:
        return self.panels[at].view.grab().toImage()


def linked(chart: ChartViewModel) -> int | None:
    return chart.linked_bar


@pytest.fixture
def pair(qtbot: QtBot) -> Iterator[Pair]:
    theme.load_fonts()
    made = Pair(qtbot)
    yield made
    for carrier in made.carriers:
        carrier.close()
    made.desk.frames.stop()


def test_a_chart_that_nobody_has_opened_asks_for_nothing(pair: Pair) -> None:
    watched = pair.desk.market.watched
    assert len(watched) == 0
    pair.show(0)
    assert len(watched) == FEEDS
    pair.links[0].select(ETH)
    assert len(watched) == FEEDS
    pair.panels[0].hide()
    assert len(watched) == 0


def test_the_time_under_the_pointer_is_shown_in_the_other_chart(pair: Pair) -> None:
    pair.show(0)
    pair.show(1)
    first, second = pair.charts
    second.set_interval(900)
    pair.desk.pass_time(1)
    before = pair.view(1)
    view = pair.panels[0].view
    QTest.mouseMove(view, QPoint(300, 150))
    bar = view._bar_under()
    assert bar is not None
    assert linked(second) == bar
    assert linked(first) is None, "its own pointer says where it is"
    assert pair.view(1) != before
    readout = second.readout(bar)
    assert readout is not None
    pair.links[1].share(Shares(crosshair=False))
    assert linked(second) is None
    pair.links[1].share(Shares())
    QTest.mouseMove(view, QPoint(340, 150))
    assert linked(second) is not None
    pair.panels[0].hide()
    assert linked(second) is None


def test_the_length_of_a_bar_is_shared_where_both_want_it(pair: Pair) -> None:
    first, second = pair.charts
    first.set_interval(60)
    assert second.interval_s == 3600
    for link in pair.links:
        link.share(Shares(interval=True))
    assert (first.interval_s, second.interval_s) == (60, 60), "who shares first says what is shared"
    second.set_interval(3600)
    assert first.interval_s == 3600
    # Kraken has no bars of two minutes: the chart there keeps its own.
    pair.groups.group(1).set_interval(120)
    assert (first.interval_s, second.interval_s) == (3600, 3600)
