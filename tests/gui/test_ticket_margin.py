"""The ticket's margin: an estimate at once, and the venue's own figure when it has said it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.core.observe import Observable
from terminal.domain.account import AccountFigures, LeverageTier
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import OrderType
from terminal.venues.base import ExpectedMargin, Leverage, ProtectionKind
from terminal.viewmodels.cost_text import CostLine
from terminal.viewmodels.ticket import TicketViewModel
from terminal.widgets import theme
from terminal.widgets.ticket import TicketPanel
from tests.trading_fakes import ACCOUNT, EVERYTHING, Desk, FakeSession

D = Decimal
EURUSD = InstrumentId("kraken", "EUR/USD")
LISTED = Instrument(
    EURUSD, "EURUSD", InstrumentKind.CFD, "EUR", "USD",
    tick_size=D("0.00001"), quantity_step=D(1000), min_quantity=D(1000), max_quantity=D(10_000_000),
    price_decimals=5, quantity_decimals=0, lot_size=D(100_000), pip_size=D("0.0001"), is_detailed=True,
)  # fmt: skip


class Says:
    """What the venue says of margin; nothing until a test lets it."""

    def __init__(self) -> None:
        self.changed: Observable[[str]] = Observable("said")
        self.figures: dict[Decimal, ExpectedMargin] = {}
        self.by_size: tuple[LeverageTier, ...] = ()
        self.asked: list[tuple[str, str, Decimal]] = []

    def expected(self, account: str, symbol: str, quantity: Decimal) -> ExpectedMargin | None:
        self.asked.append((account, symbol, quantity))
        return self.figures.get(quantity)

    def tiers(self, account: str, symbol: str) -> Sequence[LeverageTier]:
        return self.by_size

    def sets_leverage(self, account: str) -> bool:
        return False

    def leverage(self, account: str, symbol: str) -> Leverage | None:
        return None

    async def set_margin_mode(self, account: str, symbol: str, mode: str) -> None:
        raise AssertionError("not asked for here")

    async def set_leverage(self, account: str, symbol: str, leverage: Decimal) -> None:
        raise AssertionError("nobody asked for it")


@pytest.fixture
def says() -> Says:
    return Says()


def make(says: Says) -> tuple[Desk, TicketViewModel]:
    desk = Desk(FakeSession(capabilities=replace(EVERYTHING, positions=True)))
    desk.market.instruments[EURUSD] = LISTED
    desk.accounts.margin = AccountFigures("USD", D(10_000), D(0), D(0))
    desk.accounts.margin_leverage = D(200)
    desk.accounts.rates["USD", "USD"] = D(1)
    desk.selection.instrument = EURUSD
    desk.market.set_book([("1.15999", "9000000")], [("1.16000", "9000000")], EURUSD)
    vm = TicketViewModel(
        desk.market,
        desk.sessions,
        desk.gate,
        desk.accounts,
        desk.selection,
        desk.frames,
        desk.clock,
        margins=says,
    )
    vm.set_order_type(OrderType.MARKET)
    vm.set_text("quantity", "0.5")
    return desk, vm


def margin(vm: TicketViewModel) -> CostLine:
    return next(line for line in vm.carry if line.label == "Margin")


def test_an_estimate_stands_until_the_venue_has_said(qtbot: QtBot, says: Says) -> None:
    desk, vm = make(says)
    assert margin(vm).value == "≈ 290.00 USD"
    assert says.asked[-1] == (ACCOUNT, "EUR/USD", D(50_000))
    says.figures[D(50_000)] = ExpectedMargin(D("290.12"), D("290.05"), "USD")
    says.changed.notify(ACCOUNT)
    desk.pass_time(0.2)
    assert margin(vm).value == "290.12 USD"
    desk.market.set_book([("1.16000", "9000000")], [("1.16001", "9000000")], EURUSD)
    vm.set_side(Side.SELL)
    assert margin(vm).value == "290.05 USD"
    vm.set_text("quantity", "1")
    assert margin(vm).value == "≈ 580.00 USD", "another size has not been answered yet"


def test_nothing_is_asked_for_a_form_that_is_no_order(qtbot: QtBot, says: Says) -> None:
    _, vm = make(says)
    says.asked.clear()
    vm.set_text("quantity", "")
    vm.set_text("quantity", "abc")
    assert says.asked == []
    assert margin(vm).value == "–"


def test_the_estimate_goes_by_the_tiers_of_the_size(qtbot: QtBot, says: Says) -> None:
    says.by_size = (LeverageTier(D(116_000), D(200)), LeverageTier(D(1_000_000), D(50)))
    _, vm = make(says)
    assert margin(vm).value == "≈ 290.00 USD"
    vm.set_text("quantity", "2")
    # 116,000 US dollars at 1:200 and as much again at 1:50.
    assert margin(vm).value.replace("\u202f", "") == "≈ 2900.00 USD"
    assert margin(vm).detail == "at 1:80"
    assert "1:200 up to 116 000 USD, then 1:50" in margin(vm).tip.replace("\u202f", " ")


def test_a_figure_in_another_currency_is_not_shown(qtbot: QtBot, says: Says) -> None:
    desk, vm = make(says)
    says.figures[D(50_000)] = ExpectedMargin(D(1), D(1), "")
    says.changed.notify(ACCOUNT)
    desk.pass_time(0.2)
    assert margin(vm).value == "≈ 290.00 USD"


def test_an_account_in_euros_is_told_its_costs_in_euros_or_in_what_they_are(qtbot: QtBot, says: Says) -> None:
    desk, vm = make(says)
    desk.accounts.margin = AccountFigures("EUR", D(10_000), D(0), D(0))
    desk.accounts.changed.notify(ACCOUNT)
    desk.pass_time(0.2)
    assert vm.fixed[1].value.endswith(" USD"), "nobody has said yet what a dollar is worth"
    desk.accounts.rates["USD", "EUR"] = D("0.5")
    desk.accounts.changed.notify(ACCOUNT)
    desk.pass_time(0.2)
    assert vm.fixed[1].value.endswith(" EUR")
    assert vm.lines[2].value.endswith(" EUR")


def test_stop_and_target_need_no_scrolling_on_a_small_screen(
    qtbot: QtBot, qapp: QApplication, says: Says
) -> None:
    theme.apply(qapp)
    house = replace(EVERYTHING, positions=True, protections=frozenset(ProtectionKind))
    desk = Desk(FakeSession(capabilities=house))
    desk.market.instruments[EURUSD] = LISTED
    desk.accounts.margin = AccountFigures("USD", D(10_000), D(0), D(0))
    desk.accounts.margin_leverage = D(200)
    desk.selection.instrument = EURUSD
    desk.market.set_book([("1.15999", "9000000")], [("1.16000", "9000000")], EURUSD)
    vm = TicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock,
        margins=says,
    )  # fmt: skip
    vm.set_order_type(OrderType.MARKET)
    panel = TicketPanel(vm)
    qtbot.addWidget(panel)
    panel.resize(284, 455)
    panel.show()
    QApplication.processEvents()
    view = panel._scroll.viewport()
    for field in (panel._size, panel._stop, panel._target):
        lower = field.mapTo(view, field.rect().bottomLeft()).y()
        assert lower <= view.height(), (field.accessibleName(), lower, view.height())
    assert panel._tabs[Side.BUY].text() == "Buy EUR/USD Kr", "what is traded, and where, stays in sight"
    panel.resize(284, 800)
    QApplication.processEvents()
    assert panel._symbol.isVisible()
    assert panel._tabs[Side.BUY].text() == "Buy"
