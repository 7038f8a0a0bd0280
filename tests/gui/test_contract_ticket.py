"""The contract form as a person uses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from terminal.domain.contracts import ExpiryMode, HitRate
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import InstrumentId, MarketStatus
from terminal.domain.market import Side
from terminal.services.order_checks import CheckResult
from terminal.venues.base import Sentiment
from terminal.viewmodels.contract_ticket import EXPIRY, OPENS, STAKE, TRIGGER, ContractTicketViewModel
from terminal.viewmodels.cost_text import CostLine
from terminal.viewmodels.ticket import TicketViewModel
from terminal.widgets import theme
from terminal.widgets.contract_ticket import ContractPanel, TicketForms
from terminal.widgets.ticket import TicketPanel
from terminal.widgets.ticket_parts import BigButton, CostGrid
from tests.trading_fakes import BTC, Desk, btc, eth
from tests.unit.viewmodels.test_contract_ticket import OFFER, contract, form, start_at
from tests.unit.viewmodels.test_venue_word import FakeTalk, ends_in


@pytest.fixture
def desk(qapp: QApplication) -> Iterator[Desk]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    desk = Desk()
    start_at(desk.clock, "12:34:10")
    desk.market.instruments[BTC] = contract()
    yield desk
    Desk.stop_all()


def shown(qtbot: QtBot, vm: ContractTicketViewModel, height: int = 620) -> ContractPanel:
    panel = ContractPanel(vm)
    qtbot.addWidget(panel)
    panel.resize(300, height)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def click(panel: ContractPanel, side: Side) -> None:
    button = panel._buttons[side]
    assert isinstance(button, BigButton)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def is_asking(vm: ContractTicketViewModel) -> bool:
    return vm.sending.pending is not None


def test_a_click_on_down_asks_with_the_exact_terms(qtbot: QtBot, desk: Desk) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm)
    click(panel, Side.SELL)
    assert vm.sending.pending is not None
    assert vm.sending.pending.confirmation.title == "Down 5.00 USD on BTC/USD"
    assert panel._card.isVisible()
    assert not panel._foot.buttons_row.isVisible()
    QTest.keyClick(panel._card, Qt.Key.Key_Escape)
    assert not is_asking(vm)
    assert panel._foot.buttons_row.isVisible()
    assert desk.gate.sent == []


def test_stake_by_typing_by_a_button_and_by_the_arrow_keys(qtbot: QtBot, desk: Desk) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm)
    panel._stake.selectAll()
    QTest.keyClicks(panel._stake, "7.5")
    assert panel._buttons[Side.BUY].toolTip().startswith("Up 7.50 USD")
    chip = next(each for each in panel.findChildren(QPushButton) if each.text() == "2%")
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert (vm.form.stake, panel._stake.text()) == ("2%", "2%")
    vm.set_text(STAKE, "5")
    QTest.keyClick(panel._stake, Qt.Key.Key_Up)
    assert panel._stake.text() == "6"


def test_the_picker_follows_the_clock_without_losing_its_choice(qtbot: QtBot, desk: Desk) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm)
    panel._expiry.setCurrentIndex(panel._expiry.findText("12:35 · in under 1 min"))
    panel._expiry.activated.emit(panel._expiry.currentIndex())
    assert (vm.form.mode, vm.form.duration_s) == (ExpiryMode.CLOCK, 60)
    desk.clock.advance(45)
    vm._on_clock()
    assert panel._expiry.currentText() == "12:36 · in 1 min"
    # Other entries do not move under the pointer.
    panel._expiry.showPopup()
    vm.set_text(OPENS, "+5m")
    assert panel._expiry.currentText() == "12:36 · in 1 min"
    panel._expiry.hidePopup()
    vm._on_clock()
    assert panel._expiry.currentText() == "1 minute"


def test_nothing_is_cut_off_in_the_narrowest_panel(qtbot: QtBot, desk: Desk) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm)
    panel.resize(panel.minimumWidth(), 620)
    QApplication.processEvents()
    for chip in panel.findChildren(QPushButton):
        if chip.isVisible() and chip.property("kind") == "chip":
            assert chip.fontMetrics().horizontalAdvance(chip.text()) <= chip.width(), chip.text()


@pytest.mark.parametrize("height", [410, 620])
def test_long_texts_never_make_the_form_wider_than_what_is_seen_of_it(
    qtbot: QtBot, desk: Desk, height: int
) -> None:
    talk = FakeTalk()
    talk.told[BTC] = Sentiment(Decimal(75), desk.clock.monotonic_ns())
    talk.suggested = {"BTC/USD": ends_in(desk, 42)}
    named = InstrumentId("kraken", "Some Company With A Long Name OTC")
    desk.market.instruments[named] = replace(contract(), id=named)
    desk.selection.select(named)
    vm = form(desk, talk=talk, hit_rates=lambda *of: HitRate(1234, 5678))
    panel = shown(qtbot, vm, height=height)
    panel.resize(panel.minimumWidth(), height)
    for stake in ("1000000000", "5"):
        vm.set_text(STAKE, stake)
        QApplication.processEvents()
        inner = panel._scroll.widget()
        assert inner is not None
        assert inner.width() <= panel._scroll.viewport().width()
    told = [each.toolTip() for each in panel._figures.findChildren(QLabel)]
    assert any(vm.own_text in each for each in told), "the whole is in its tip"
    assert panel._foot.minimumSizeHint().width() <= panel.minimumWidth()


def test_the_instrument_decides_which_form_is_there(qtbot: QtBot, desk: Desk) -> None:
    desk.market.instruments[BTC] = btc()
    eth_as_contract = contract()
    desk.market.instruments[eth().id] = eth_as_contract
    desk.market.set_book([("64120.0", "2")], [("64120.2", "1")])
    orders = TicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
    )
    contracts = form(desk)
    forms = TicketForms(TicketPanel(orders), contracts)
    qtbot.addWidget(forms)
    forms.show()
    assert isinstance(forms.currentWidget(), TicketPanel)
    desk.selection.select(eth().id)
    assert isinstance(forms.currentWidget(), ContractPanel)
    assert forms.windowTitle() == "Ticket · BTC/USD · Kraken · PRACTICE"
    desk.selection.select(BTC)
    assert isinstance(forms.currentWidget(), TicketPanel)


def test_opening_later_is_folded_away_until_it_is_wanted_or_asked_for(qtbot: QtBot, desk: Desk) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm)
    rows = [panel._rows[name] for name in (OPENS, TRIGGER)]
    assert not any(row.isVisible() for row in rows)
    QTest.mouseClick(panel._later, Qt.MouseButton.LeftButton)
    assert all(row.isVisible() for row in rows)
    QTest.keyClicks(panel._opens, "+5m")
    QTest.mouseClick(panel._later, Qt.MouseButton.LeftButton)
    assert all(row.isVisible() for row in rows), "what is asked for stays in sight"
    vm.set_text(OPENS, "")
    QTest.mouseClick(panel._later, Qt.MouseButton.LeftButton)
    assert not any(row.isVisible() for row in rows)


def test_an_opening_tomorrow_is_told_as_a_warning(qtbot: QtBot, desk: Desk) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm)
    (told,) = [each for each in panel._rows[EXPIRY].findChildren(QLabel) if each.text() == vm.ends_text]
    vm.set_text(OPENS, "12:30")
    assert told.text() == "▲ opens tomorrow 12:30:00 UTC, then 1 minute"
    assert told.property("kind") == "warning"
    vm.set_text(OPENS, "12:40")
    assert (told.text(), told.property("kind")) == ("opens 12:40:00 UTC, then 1 minute", "muted")


def test_the_question_and_the_buttons_are_never_there_at_once(qtbot: QtBot, desk: Desk) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm)
    together = []

    def look() -> None:
        together.append(panel._card.isVisible() and panel._foot.buttons_row.isVisible())

    vm.changed.connect(look)
    vm.sending.changed.connect(look)
    click(panel, Side.BUY)
    assert panel._card.isVisible()
    vm.sending.discard()
    assert panel._foot.buttons_row.isVisible()
    assert together
    assert not any(together), "a dock that has grown for a moment stays so"


def test_a_question_that_is_discarded_gives_the_keyboard_back_to_the_button_that_asked(
    qtbot: QtBot, desk: Desk
) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm)
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel._buttons[Side.SELL].setFocus()
    click(panel, Side.SELL)
    assert QApplication.focusWidget() is panel._card
    vm.sending.discard()
    assert QApplication.focusWidget() is panel._buttons[Side.SELL]


def test_a_button_that_goes_off_hands_the_keyboard_to_the_stake(
    qtbot: QtBot, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = CheckResult((OrderRefused("lock", "No more up today."),), ())
    free = CheckResult((), ())
    vm = form(desk)
    panel = shown(qtbot, vm)
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel._buttons[Side.BUY].setFocus()
    monkeypatch.setattr(desk.gate, "check", lambda _, of: locked if of.side is Side.BUY else free)
    vm._on_clock()
    assert not panel._buttons[Side.BUY].isEnabled()
    assert panel._buttons[Side.SELL].isEnabled()
    assert panel._stake.hasFocus(), "not the other side's button"


def test_a_closed_asset_offers_the_open_one_by_one_click(qtbot: QtBot, desk: Desk) -> None:
    there = InstrumentId("kraken", "BTC/USD OTC")
    house = replace(contract(replace(OFFER, is_house_quoted=True)), id=there)
    desk.market.instruments |= {BTC: replace(contract(), status=MarketStatus.CLOSED), there: house}
    vm = form(desk, listed=lambda venue: tuple(desk.market.instruments.values()))
    panel = shown(qtbot, vm)
    assert panel._other.isVisible()
    assert panel._go.text() == "Show BTC/USD OTC"
    assert "its prices are Kraken's own" in panel._other_text.text()
    QTest.mouseClick(panel._go, Qt.MouseButton.LeftButton)
    assert desk.selection.instrument == there
    assert not panel._other.isVisible()
    assert panel._buttons[Side.BUY].isEnabled()


def test_a_small_screen_shows_the_whole_form_without_scrolling(qtbot: QtBot, desk: Desk) -> None:
    talk = FakeTalk()
    talk.told[BTC] = Sentiment(Decimal(75), desk.clock.monotonic_ns())
    talk.suggested = {"BTC/USD": ends_in(desk, 42)}
    vm = form(desk, talk=talk)
    panel = shown(qtbot, vm, height=410)
    panel.resize(284, 410)
    QApplication.processEvents()
    assert panel._scroll.verticalScrollBar().maximum() == 0
    whose = panel._crowd.text
    assert whose.fontMetrics().horizontalAdvance(whose.text()) < whose.width(), "whose number it is, in full"
    for each in (panel._stake, panel._expiry, panel._figures, panel._crowd, panel._suggestions):
        assert not each.visibleRegion().isEmpty()
    said = [each.text() for each in panel._figures.findChildren(QLabel) if each.isVisible()]
    assert "Needed" not in said, "the fixed numbers say it"
    panel.resize(284, 700)
    QApplication.processEvents()
    said = [each.text() for each in panel._figures.findChildren(QLabel) if each.isVisible()]
    assert "Needed" in said


def test_a_question_leaves_the_dock_as_high_as_it_was(qtbot: QtBot, desk: Desk) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm, height=410)
    least = panel.minimumSizeHint().height()
    assert least <= 410
    click(panel, Side.BUY)
    QApplication.processEvents()
    assert is_asking(vm)
    assert panel.minimumSizeHint().height() <= 410
    assert vm.sending.pending is not None
    rows = dict(vm.sending.pending.confirmation.rows)
    assert rows["To break even"] == vm.need_text, "the figures give way to the question, which says it then"
    assert panel._card.height() >= panel._card.minimumSizeHint().height(), "nothing of it is cut off"
    vm.sending.discard()
    QApplication.processEvents()
    assert panel.minimumSizeHint().height() == least


def test_a_line_without_a_value_tells_in_full_why(qtbot: QtBot) -> None:
    grid = CostGrid(2)
    qtbot.addWidget(grid)
    grid.resize(234, 40)
    grid.show_lines(
        (CostLine("Wins / loses", "+4.25 USD / −5.00 USD"), CostLine("vs cTrader", "", "measuring…"))
    )
    grid.show()
    (why,) = (each for each in grid.findChildren(QLabel) if each.text() == "measuring…")
    assert why.fontMetrics().horizontalAdvance(why.text()) <= why.width()
    assert why.property("kind") == "muted"
    grid.show_lines((CostLine("Wins / loses", "+1"), CostLine("vs cTrader", "+0.3 pips", "in step")))
    assert why.text() == "+0.3 pips"
    assert why.property("kind") == ""


def test_the_keys_choose_side_and_stake_and_send_nothing(qtbot: QtBot, desk: Desk) -> None:
    vm = form(desk)
    panel = shown(qtbot, vm)
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel._stake.setFocus()
    control, alt = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
    QTest.keyClick(panel._stake, Qt.Key.Key_Down, control)
    assert (vm.form.side, vm.form.stake) == (Side.SELL, "5")
    assert panel._buttons[Side.SELL].accessibleDescription()
    QTest.keyClick(panel._stake, Qt.Key.Key_3, alt)
    assert vm.form.stake == "10"
    QTest.keyClick(panel._stake, Qt.Key.Key_9, alt)
    assert vm.form.stake == "10", "there are eight"
    QTest.keyClick(panel._stake, Qt.Key.Key_Up, control)
    assert (vm.form.side, is_asking(vm)) == (Side.BUY, False)
