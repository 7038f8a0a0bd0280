"""The frame of the keyboard in the ticket stands on the side that is chosen, never on the other one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.domain.market import Side
from terminal.domain.orders import OrderType
from tests.gui.test_ticket import D, panel


def test_a_side_chosen_elsewhere_takes_the_keyboard_along(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot)
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)
    for pair in (widget._tabs, widget._buttons):
        vm.set_side(Side.BUY)
        pair[Side.BUY].setFocus()
        vm.fill(Side.SELL, OrderType.LIMIT, D("64130.0"))
        assert QApplication.focusWidget() is pair[Side.SELL]


def test_a_question_that_is_discarded_gives_the_keyboard_back_to_the_button_that_asked(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot)
    widget.resize(300, 900)
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)
    for side in (Side.SELL, Side.BUY):
        widget._buttons[side].setFocus()
        QTest.mouseClick(widget._buttons[side], Qt.MouseButton.LeftButton)
        assert vm.sending.pending is not None
        assert QApplication.focusWidget() is widget._card
        vm.discard()
        assert QApplication.focusWidget() is widget._buttons[side]


def test_a_field_that_has_the_keyboard_keeps_it(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot)
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)
    widget._size.setFocus()
    vm.set_side(Side.SELL)
    assert QApplication.focusWidget() is widget._size


def test_the_keys_choose_the_side_and_leave_the_price_alone(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot)
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)
    widget._limit.setFocus()
    before = vm.form.limit_price
    QTest.keyClick(widget._limit, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
    assert vm.form.side is Side.SELL
    QTest.keyClick(widget._limit, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    assert (vm.form.side, vm.form.limit_price) == (Side.BUY, before)
    assert QApplication.focusWidget() is widget._limit
