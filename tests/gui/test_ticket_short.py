"""The ticket of a small screen: a derivative's form is whole at 1366 x 768, and nothing in it is cut off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from terminal.domain.account import AccountFigures
from terminal.domain.instrument import InstrumentKind
from terminal.domain.orders import OrderType
from terminal.venues.base import ProtectionKind
from terminal.viewmodels.ticket import TicketViewModel
from terminal.widgets import theme
from terminal.widgets.controls import ElidedLabel
from terminal.widgets.ticket import TicketPanel
from tests.gui.test_perpetual import Swaps
from tests.gui.test_ticket_margin import EURUSD, LISTED
from tests.trading_fakes import BTC, EVERYTHING, Desk, FakeSession

D = Decimal
SMALL = (290, 457)
"""The ticket's room at 1366 x 768, with the line of the first start above the panels."""
SHEET = frozenset(ProtectionKind)


@pytest.fixture
def styled(qapp: QApplication) -> None:
    theme.load_fonts()
    theme.apply(qapp)


def shown(qtbot: QtBot, desk: Desk, margins: Swaps | None) -> tuple[TicketViewModel, TicketPanel]:
    vm = TicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock,
        margins=margins,
    )  # fmt: skip
    vm.set_order_type(OrderType.LIMIT)
    panel = TicketPanel(vm)
    qtbot.addWidget(panel)
    panel.resize(*SMALL)
    panel.show()
    QApplication.processEvents()
    return vm, panel


def lots(qtbot: QtBot) -> tuple[TicketViewModel, TicketPanel]:
    """A currency pair at a broker: comment, guaranteed stop, legs; no slider."""
    house = replace(EVERYTHING, positions=True, protections=SHEET, comment_length=100, post_only=False)
    desk = Desk(FakeSession(capabilities=house))
    desk.gate.abilities = house
    desk.market.instruments[EURUSD] = replace(LISTED, guaranteed_stop=True)
    desk.accounts.margin = AccountFigures("USD", D(10_000), D(0), D(0))
    desk.accounts.margin_leverage = D(200)
    desk.selection.instrument = EURUSD
    desk.market.set_book([("1.15999", "9000000")], [("1.16000", "9000000")], EURUSD)
    return shown(qtbot, desk, None)


def perpetual(qtbot: QtBot) -> tuple[TicketViewModel, TicketPanel]:
    """A perpetual: slider, post only, reduce only, leverage, legs; no comment."""
    house = replace(EVERYTHING, positions=True, protections=SHEET, comment_length=0)
    desk = Desk(FakeSession(capabilities=house))
    desk.gate.abilities = house
    desk.market.instruments[BTC] = replace(
        desk.market.instruments[BTC], kind=InstrumentKind.PERPETUAL, max_leverage=D(100)
    )
    desk.market.set_book([("60000.0", "50")], [("60000.1", "50")])
    return shown(qtbot, desk, Swaps())


def cut_off(panel: QWidget) -> list[str]:
    """Controls that are larger than the place they have, and texts wider than their control."""
    out = []
    parts = [
        each
        for kind in (QLineEdit, QComboBox, QCheckBox, QPushButton, QLabel)
        for each in panel.findChildren(kind)
    ]
    for each in parts:
        parent = each.parentWidget()
        if not each.isVisibleTo(panel) or parent is None or isinstance(each, ElidedLabel):
            continue
        if not parent.rect().contains(each.geometry()):
            out.append(f"{each} stands over its place: {each.geometry()} in {parent.rect()}")
        need, text = 0, ""
        if isinstance(each, QLineEdit):
            text = each.text() or each.placeholderText()
            need = each.fontMetrics().horizontalAdvance(text) + 14
        elif isinstance(each, QLabel) and not each.wordWrap():
            text = each.text()
            need = each.fontMetrics().horizontalAdvance(text)
        elif isinstance(each, QCheckBox):
            text, need = each.text(), each.sizeHint().width()
        if need > each.width():
            out.append(f"{text!r} has {each.width()} px of {need}")
    return out


@pytest.mark.parametrize("make", [lots, perpetual])
def test_the_form_of_a_derivative_fits_a_small_screen_whole(
    qtbot: QtBot, styled: None, make: Callable[[QtBot], tuple[TicketViewModel, TicketPanel]]
) -> None:
    vm, panel = make(qtbot)
    assert vm.instrument is not None
    price = D(vm.form.limit_price)
    vm.set_text("stop_loss", format(price * D("0.99"), f".{vm.instrument.price_decimals}f"))
    vm.set_text("take_profit", "500p")
    QApplication.processEvents()
    assert vm.problems == {}
    assert len(vm.leg_notes) == 2
    assert panel._legs.isVisible()
    assert panel._scroll.verticalScrollBar().maximum() == 0
    assert cut_off(panel) == []
    assert panel._stop.width() == pytest.approx(panel._target.width(), abs=16)
    # In a high window everything has its usual place again.
    panel.resize(300, 800)
    QApplication.processEvents()
    assert panel._stop.y() == panel._target.y() == 0
    assert panel._rows["stop_loss"].geometry().bottom() < panel._rows["take_profit"].geometry().top()
    assert cut_off(panel) == []


def test_a_trigger_and_what_it_fires_on_share_a_line(qtbot: QtBot, styled: None) -> None:
    vm, panel = perpetual(qtbot)
    for kind in vm.order_types:
        vm.set_order_type(kind)
        QApplication.processEvents()
        assert cut_off(panel) == [], kind
    vm.set_order_type(OrderType.STOP_LIMIT)
    QApplication.processEvents()
    assert panel._scroll.verticalScrollBar().maximum() == 0
    trigger, on = panel._rows["trigger_price"].geometry(), panel._rows["trigger_reference"].geometry()
    assert trigger.top() == on.top()
    assert trigger.right() < on.left()
    vm.set_order_type(OrderType.TRAILING_STOP)
    QApplication.processEvents()
    assert panel._rows["trigger_reference"].width() > 250, "alone it has the line to itself"
    vm.set_order_type(OrderType.LIMIT)
    QApplication.processEvents()
    assert not panel._firing.isVisible()


def test_a_line_for_messages_is_kept_and_says_whose_it_is(qtbot: QtBot, styled: None) -> None:
    vm, panel = lots(qtbot)
    comment = panel._comment.mapTo(panel, panel._comment.rect().topLeft())
    stop, target = panel._rows["stop_loss"]._message, panel._rows["take_profit"]._message
    assert (stop.isVisible(), target.isVisible()) == (True, False)
    vm.set_text("take_profit", "20p")
    QApplication.processEvents()
    assert (stop.isVisible(), target.isVisible()) == (False, True)
    assert target.text().startswith("TP +20")
    assert panel._comment.mapTo(panel, panel._comment.rect().topLeft()) == comment
    vm.set_text("take_profit", "")
    vm.set_text("stop_loss", "20p")
    QApplication.processEvents()
    assert stop.text().startswith("SL −20")
    assert panel._comment.mapTo(panel, panel._comment.rect().topLeft()) == comment
    panel.resize(300, 800)
    QApplication.processEvents()
    assert stop.text().startswith("−20")


def test_what_is_free_stands_beside_the_slider(qtbot: QtBot, styled: None) -> None:
    _, panel = perpetual(qtbot)
    assert panel._sizes.free_beside.isVisible()
    assert panel._sizes.free_beside.text().startswith("free ")
    assert panel._sizes.slider.width() > 60
    panel.resize(300, 800)
    QApplication.processEvents()
    assert not panel._sizes.free_beside.isVisible()
    assert panel._sizes.free.isVisible()
