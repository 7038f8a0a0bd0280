"""The keyboard walks through a panel once, from where it trades, and out of it again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from terminal.viewmodels.tape import TapeViewModel
from terminal.viewmodels.ticket import TicketViewModel
from terminal.widgets import theme
from terminal.widgets.book import LadderPanel
from terminal.widgets.tape import TapePanel
from terminal.widgets.ticket import TicketPanel
from terminal.widgets.watchlist import WatchlistPanel
from terminal.widgets.workspace import _first_focusable
from tests.gui.chart_fakes import WatchDesk
from tests.gui.test_ladder import make
from tests.trading_fakes import Desk


def ladder() -> QWidget:
    return LadderPanel(make()[1])


def tape() -> QWidget:
    desk = Desk()
    return TapePanel(TapeViewModel(desk.market, desk.selection, desk.frames, desk.clock))


def watchlist() -> QWidget:
    desk = WatchDesk()
    return WatchlistPanel(desk.open(desk.fill_lifelike()))


def ticket() -> QWidget:
    desk = Desk()
    desk.market.set_book([("99.9", "1")], [("100.1", "1")])
    vm = TicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
    )
    return TicketPanel(vm)


def walked(qtbot: QtBot, panel: QWidget) -> list[str]:
    """What Tab comes to from the panel's first place on, until it has left the panel."""
    theme.load_fonts()
    window = QWidget()
    box = QVBoxLayout(window)
    last = QLineEdit()
    box.addWidget(panel)
    box.addWidget(last)
    qtbot.addWidget(window)
    window.resize(400, 900)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    _first_focusable(panel).setFocus(Qt.FocusReason.ShortcutFocusReason)
    out: list[str] = []
    for _ in range(40):
        focus = QApplication.focusWidget()
        assert focus is not None
        if focus is last:
            return out
        out.append(focus.accessibleName())
        QTest.keyClick(focus, Qt.Key.Key_Tab)
    raise AssertionError(f"Tab never leaves: {out}")


@pytest.mark.parametrize(
    ("make_panel", "first", "count"),
    [(ladder, "Ladder", 7), (tape, "Time and sales", 3), (watchlist, "Watchlist", 3)],
)
def test_tab_begins_at_what_one_trades_by_and_leaves_the_panel(
    qtbot: QtBot, make_panel: Callable[[], QWidget], first: str, count: int
) -> None:
    names = walked(qtbot, make_panel())
    assert names[0].startswith(first)
    assert len(names) == len(set(names)) == count


def test_the_sizes_of_the_row_come_between_the_unit_and_the_slider(qtbot: QtBot) -> None:
    names = walked(qtbot, ticket())
    unit, slider = names.index("Unit of the size"), names.index("Share of what is free, per cent")
    assert names[unit + 1] == "Size: 0.01"
    assert all(name.startswith("Size: ") for name in names[unit + 1 : slider])
    assert slider - unit == 9
    assert names[-1].startswith("Sell ")
