"""Every panel that can trade says at which venue: two of them may list the very same symbol."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from terminal.domain.instrument import InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.viewmodels.contract_ticket import ContractTicketViewModel
from terminal.widgets import theme
from terminal.widgets.book import LadderPanel
from terminal.widgets.contract_ticket import ContractPanel
from terminal.widgets.controls import FittingLabel
from terminal.widgets.ticket import TicketPanel
from tests.gui.test_ladder import make as make_ladder
from tests.gui.test_ticket import make as make_ticket
from tests.trading_fakes import BTC, Desk
from tests.unit.viewmodels.test_contract_ticket import contract


@pytest.fixture
def styled(qapp: QApplication) -> None:
    theme.load_fonts()
    theme.apply(qapp)


def open_at(qtbot: QtBot, panel: QWidget, width: int, height: int) -> None:
    qtbot.addWidget(panel)
    panel.resize(width, height)
    panel.show()
    QApplication.processEvents()


def is_whole(shown: FittingLabel) -> bool:
    return shown.fontMetrics().horizontalAdvance(shown.text()) <= shown.width()


def test_the_ladder_names_its_venue(qtbot: QtBot, styled: None) -> None:
    _, vm = make_ladder()
    panel = LadderPanel(vm)
    open_at(qtbot, panel, 360, 400)
    assert panel._venue.text() == "Kraken"
    assert panel.windowTitle() == "Ladder · BTC/USD · Kraken · PRACTICE"
    panel.resize(220, 400)
    qtbot.waitUntil(lambda: panel._venue.text() in ("Kraken", "Kr") and is_whole(panel._venue))
    vm.close()


def test_the_ticket_names_its_venue(qtbot: QtBot, styled: None) -> None:
    _, vm = make_ticket()
    panel = TicketPanel(vm)
    open_at(qtbot, panel, 320, 900)
    assert panel._venue.text() == "Kraken"
    assert is_whole(panel._venue)
    assert panel._venue.toolTip() == "Orders go to Kraken"
    assert panel.windowTitle() == "Ticket · BTC/USD · Kraken · PRACTICE"
    vm.close()


def test_a_short_ticket_keeps_the_venue_s_mark_beside_the_longest_symbol(qtbot: QtBot, styled: None) -> None:
    desk, vm = make_ticket()
    panel = TicketPanel(vm)
    open_at(qtbot, panel, 290, 457)
    assert [tab.text() for tab in panel._tabs.values()] == ["Buy BTC/USD Kr", "Sell BTC/USD Kr"]
    desk.market.instruments[BTC] = replace(
        desk.market.instruments[BTC],
        kind=InstrumentKind.PERPETUAL,
        id=InstrumentId(BTC.venue, "1000BONK/USDT-PERP"),
    )
    vm.instrument = desk.market.instruments[BTC]
    panel._render()
    for side, tab in panel._tabs.items():
        assert tab.text().endswith(" Kr"), side
        assert tab.fontMetrics().horizontalAdvance(tab.text()) <= tab.width()
    assert panel._tabs[Side.SELL].toolTip() == "Sell 1000BONK/USDT perp at Kraken"
    vm.close()


def test_the_contract_ticket_names_its_venue(qtbot: QtBot, styled: None) -> None:
    desk = Desk()
    desk.market.instruments[BTC] = contract()
    vm = ContractTicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
    )
    panel = ContractPanel(vm)
    open_at(qtbot, panel, 360, 620)
    assert panel._venue.text() == "Kraken"
    panel.resize(panel.minimumWidth(), 620)
    qtbot.waitUntil(lambda: panel._venue.text() in ("Kraken", "Kr") and is_whole(panel._venue))
    vm.close()
