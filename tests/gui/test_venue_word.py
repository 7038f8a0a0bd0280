"""What the venue says of its people and suggests, as it is drawn in the contract form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.domain.market import Side
from terminal.venues.base import Sentiment
from terminal.widgets import theme
from tests.gui.test_contract_ticket import shown
from tests.trading_fakes import BTC, ETH, Desk
from tests.unit.viewmodels.test_contract_ticket import contract, form, start_at
from tests.unit.viewmodels.test_venue_word import D, FakeTalk, ends_in


@pytest.fixture
def desk(qapp: QApplication) -> Iterator[Desk]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    desk = Desk()
    start_at(desk.clock, "12:34:10")
    desk.market.instruments[BTC] = contract()
    desk.market.instruments[ETH] = contract()
    yield desk
    Desk.stop_all()


def test_the_lean_is_absent_until_it_is_told_and_grey_once_it_is_old(qtbot: QtBot, desk: Desk) -> None:
    talk = FakeTalk()
    vm = form(desk, talk=talk)
    panel = shown(qtbot, vm)
    row = panel._crowd
    assert not row.isVisible()
    talk.told[BTC] = Sentiment(D(75), desk.clock.monotonic_ns())
    vm._on_clock()
    assert row.isVisible()
    assert (row.up.text(), row.down.text(), row.age.text()) == ("75 % up", "25 % down", "0 s")
    assert row.accessibleName() == "Kraken's people holding up contracts: 75 %, 25 % down, told 0 s ago"
    picture, bar = row.bar.grab().toImage(), row.bar
    middle = bar.height() // 2
    colours = [
        picture.pixelColor(x, middle).name().upper() for x in (2, bar.width() * 7 // 10, bar.width() - 2)
    ]
    assert colours == [theme.UP, theme.UP, theme.DOWN]
    height = row.height()
    desk.clock.advance(20)
    vm._on_clock()
    QApplication.processEvents()
    assert row.height() == height, "nothing below it moves"
    assert bar.grab().toImage().pixelColor(2, middle).name().upper() == theme.DISABLED
    assert row.up.property("kind") == "muted"


def test_a_signal_is_marked_as_an_advert_and_its_button_marks_the_side(qtbot: QtBot, desk: Desk) -> None:
    talk = FakeTalk()
    talk.suggested = {"BTC/USD": ends_in(desk, 42), "ETH/USD": ends_in(desk, 100, Side.BUY, 60)}
    vm = form(desk, talk=talk)
    panel = shown(qtbot, vm)
    rows = panel._suggestions
    assert "advert, not advice" in rows.whose.text()
    assert (rows.text.text(), rows.left.text()) == ("▼ Down for 5 minutes", "00:42 left")
    assert panel._buttons[Side.BUY].accessibleDescription()
    QTest.mouseClick(rows.take, Qt.MouseButton.LeftButton)
    assert (vm.form.side, vm.form.duration_s) == (Side.SELL, 300)
    assert panel._buttons[Side.SELL].accessibleDescription() == "Chosen: Ctrl+Enter sends it"
    assert not panel._buttons[Side.BUY].accessibleDescription()
    assert desk.gate.sent == []
    menu = rows.menu()
    assert [each.text() for each in menu.actions()] == [
        "BTC/USD\t▼ Down for 5 minutes, until 12:34:52 UTC",
        "ETH/USD\t▲ Up for 1 minute, until 12:35:50 UTC",
    ]
    menu.actions()[1].trigger()
    assert desk.selection.instrument == ETH
    menu.deleteLater()


def test_without_a_signal_for_this_asset_the_rows_keep_their_place(qtbot: QtBot, desk: Desk) -> None:
    talk = FakeTalk()
    vm = form(desk, talk=talk)
    panel = shown(qtbot, vm)
    rows = panel._suggestions
    height = rows.height()
    assert (rows.text.text(), rows.take.isVisible()) == ("none for this asset now", False)
    assert [each.text() for each in rows.menu().actions()] == ["No signals now"]
    talk.suggested = {"BTC/USD": ends_in(desk, 42)}
    vm._on_clock()
    QApplication.processEvents()
    assert rows.take.isVisible()
    assert rows.height() == height
    talk.suggests = False
    vm._on_clock()
    assert not rows.isVisible()


def test_a_signal_that_ends_under_the_keyboard_does_not_hand_it_to_a_button_that_sends(
    qtbot: QtBot, desk: Desk
) -> None:
    talk = FakeTalk()
    talk.suggested = {"BTC/USD": ends_in(desk, 42)}
    vm = form(desk, talk=talk)
    panel = shown(qtbot, vm)
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    rows = panel._suggestions
    rows.take.setFocus()
    talk.suggested = {}
    vm._on_clock()
    assert QApplication.focusWidget() is rows.all
    QTest.mouseClick(panel._stake, Qt.MouseButton.LeftButton)
    panel._stake.setFocus()
    talk.suggested = {"BTC/USD": ends_in(desk, 42)}
    vm._on_clock()
    QTest.mouseClick(rows.take, Qt.MouseButton.LeftButton)
    assert QApplication.focusWidget() is panel._stake, "a click on it moves no keyboard"
