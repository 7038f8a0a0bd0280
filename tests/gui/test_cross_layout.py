"""Where the comparison of venues stands: under the chart, or folded away where the window is narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from terminal.widgets import theme
from terminal.widgets.cross_venue import CrossVenuePanel
from terminal.widgets.first_layout import CROSS_PX
from terminal.widgets.main_window import MainWindow
from terminal.widgets.panels import Panel
from tests.gui.frame_fakes import Frame, empty_panels
from tests.gui.venue_fakes import OKX, World

WIDE, NARROW = QSize(1920, 1080), QSize(1366, 768)
Open = Callable[..., MainWindow]


@pytest.fixture
def open_window(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Open]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    opened: list[tuple[MainWindow, Frame, World]] = []

    def make(size: QSize = WIDE, *, restore: bool = False, known: bool = True) -> MainWindow:
        frame, world = Frame(), World(tmp_path / str(len(opened)))
        panels = empty_panels()
        if known:
            panels["cross"] = Panel("cross", "Venues", QWidget(), link_group=1)
        window = frame.window(tmp_path / "layouts", panels, cross=world.vm)
        window.resize(size)
        window.show()
        qtbot.waitUntil(window.isVisible)
        window.workspace.start(restore=restore)
        opened.append((window, frame, world))
        return window

    yield make
    for window, frame, world in opened:
        world.frames.stop()
        frame.store.close()
        frame.frames.stop()
        window.close_for_good()
        window.deleteLater()


def line_of(window: MainWindow) -> QWidget:
    assert window.strip.line is not None
    return window.strip.line


def test_it_stands_under_the_chart_where_the_window_is_wide(open_window: Open) -> None:
    window = open_window(WIDE)
    chart, cross = (window.workspace.docks[key] for key in ("chart", "cross"))
    assert (cross.x(), cross.width()) == (chart.x(), chart.width())
    assert cross.y() > chart.y()
    assert abs(cross.height() - CROSS_PX) < 8
    assert not line_of(window).isVisible()


def test_it_is_a_line_in_the_strip_where_the_window_is_narrow(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(NARROW)
    cross = window.workspace.docks["cross"]
    assert not cross.isVisible()
    assert line_of(window).isVisible()
    QTest.mouseClick(line_of(window), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: cross.isVisible() and not line_of(window).isVisible())
    cross.close()
    qtbot.waitUntil(line_of(window).isVisible)


def test_it_folds_and_comes_back_with_the_window_s_width(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(WIDE)
    cross = window.workspace.docks["cross"]
    for _ in range(2):
        window.resize(NARROW)
        qtbot.waitUntil(lambda: not cross.isVisible() and line_of(window).isVisible())
        window.resize(WIDE)
        qtbot.waitUntil(lambda: cross.isVisible() and not line_of(window).isVisible())
        qtbot.waitUntil(lambda: abs(cross.height() - CROSS_PX) < 8)


def test_the_chart_gives_and_takes_the_room(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(WIDE)
    cross = window.workspace.docks["cross"]
    window.resize(QSize(2200, 1300))
    qtbot.waitUntil(lambda: window.height() == 1300)
    qtbot.waitUntil(lambda: abs(cross.height() - CROSS_PX) < 8)


def test_a_layout_from_before_gets_it_where_there_is_room(open_window: Open, qtbot: QtBot) -> None:
    before = open_window(WIDE, known=False)
    before.workspace.save_now()
    assert "cross" not in before.workspace.docks
    window = open_window(WIDE, restore=True)
    # The screen of a test may be smaller than the window that the layout remembers.
    window.resize(WIDE)
    qtbot.waitUntil(window.workspace.docks["cross"].isVisible)
    window.workspace.set_open("cross", False)
    assert line_of(window).isVisible()


def test_the_line_under_the_best_venue_goes_with_it(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    theme.apply(qapp)
    world = World(tmp_path)
    vm = world.look()
    panel = CrossVenuePanel(vm)
    qtbot.addWidget(panel)
    panel.resize(900, 180)
    panel.show()
    QApplication.processEvents()
    table = panel.table

    painted: list[QRect] = []

    class Watcher(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if isinstance(event, QPaintEvent):
                painted.append(event.rect())
            return False

    watcher = Watcher()
    table.viewport().installEventFilter(watcher)
    QApplication.processEvents()
    painted.clear()
    best = next(at for at, row in enumerate(vm.model.rows) if row.is_best)
    world.market.set_book(OKX, [("99999", "1")], [("101000", "1")])
    world.pass_time()
    QApplication.processEvents()
    assert not vm.model.rows[best].is_best
    old = table.visualRect(vm.model.index(best, 0))
    assert any(rect.contains(old) for rect in painted), "the name that was underlined is painted anew"
