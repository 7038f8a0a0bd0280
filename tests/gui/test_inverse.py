"""A contract that counts dollars and pays coins in the ticket, the blotter and on the chart."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.domain.account import Balance, FeeRates, Position
from terminal.domain.instrument import InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import OrderType
from terminal.services.market_data import Topic
from terminal.venues.base import Leverage, ProtectionKind
from terminal.viewmodels.size_entry import Preset, SizeUnit
from terminal.viewmodels.tape import TapeViewModel
from terminal.viewmodels.ticket import TicketViewModel
from terminal.viewmodels.ticket_form import STOP_LOSS
from terminal.widgets.positions import PositionsPanel
from terminal.widgets.ticket import TicketPanel
from tests.gui.test_perpetual import Swaps, plain
from tests.gui.test_positions import cell, with_frame
from tests.helpers import eventually, run
from tests.trading_fakes import BTC, EVERYTHING, Desk, FakeSession

D = Decimal


class Inverse:
    """A ticket of an inverse BTC/USD at 50 000 bid, 62 500 asked, with 0.5 BTC free at 10x."""

    def __init__(self) -> None:
        self.desk, self.margins = Desk(), Swaps()
        self.margins.now = Leverage(D(10), "cross")
        keeps_stops = replace(EVERYTHING, protections=frozenset({ProtectionKind.STOP_LOSS}))
        self.desk.sessions.sessions["kraken"] = FakeSession(capabilities=keeps_stops)
        self.desk.gate.abilities = keeps_stops
        market = self.desk.market
        market.instruments[BTC] = replace(
            market.instruments[BTC], kind=InstrumentKind.PERPETUAL, base="USD", is_inverse=True,
            tick_size=D("0.1"), quantity_step=D(100), min_quantity=D(100), min_notional=None,
            quantity_decimals=0, max_leverage=D(100),
        )  # fmt: skip
        market.set_book([("50000.0", "90000")], [("62500.0", "90000")])
        self.desk.accounts.held = {
            "BTC": Balance("BTC", D("0.6"), D("0.1")),
            "USD": Balance("USD", D(9), D(0)),
        }
        self.desk.accounts.fees = FeeRates(D("0.02"), D("0.05"))
        self.vm = TicketViewModel(
            market, self.desk.sessions, self.desk.gate, self.desk.accounts, self.desk.selection,
            self.desk.frames, self.desk.clock, margins=self.margins,
        )  # fmt: skip


def test_the_ticket_counts_dollars_and_tells_coins(qtbot: QtBot) -> None:
    vm = Inverse().vm
    assert (vm.form.size, vm.problems) == ("1000", {}), "ten times the least"
    vm.set_text("limit_price", "50000")
    # 1000 / 50 000 = 0.02 BTC; a buy brings them less the maker's 0.02 %.
    assert vm.fixed[0].value == "∞"
    assert vm.cost is not None
    assert (vm.cost.notional, vm.cost.fee) == (D("0.02"), D("0.000004"))
    assert vm.buttons[Side.BUY].title == "Buy 1\u202f000 USD"
    assert plain(vm.buttons[Side.BUY].detail) == "50 000.0 ·\u00a00.01999600\u00a0BTC"
    # What there is no room for goes as a whole: coins without their unit would look like dollars.
    assert plain(vm.buttons[Side.BUY].detail.rpartition(" ")[0]) == "50 000.0"
    assert vm.buttons[Side.BUY].reason == ""
    assert [plain(text) for text in vm.free_texts] == ["0.50000000 BTC"] * 2
    # A tenth of 0.02 BTC is tied up.
    assert (plain(vm.carry[0].value), plain(vm.carry[0].detail)) == ("≈ 0.00200000 BTC", "at 10x cross")
    # The usual size buttons mean the coin, as everywhere else.
    vm.press_preset(Preset("0.05"))
    assert (vm.form.size, vm.form.unit, vm.size_note) == ("0.05", SizeUnit.QUOTE, "= 2500 USD")
    vm.press_preset(Preset("/2"))
    assert vm.form.size == "0.025"
    vm.set_unit(SizeUnit.BASE)
    assert vm.form.size == "1200", "1250 on the step of 100"
    vm.press_preset(Preset("+0.01"))
    assert vm.problems["quantity"] == "That is less than one step of 100 USD."
    vm.set_text("quantity", "1000")
    # 0.020004 of the 5 BTC that 0.5 BTC carry at 10x.
    assert vm.percent == 0
    vm.set_text("quantity", "100000")
    assert vm.percent == 40
    vm.set_hide_amounts(True)
    assert vm.free_texts == ("••• BTC", "••• BTC")


def test_every_unit_of_its_size(qtbot: QtBot) -> None:
    inverse = Inverse()
    vm = inverse.vm
    assert vm.units == (SizeUnit.BASE, SizeUnit.QUOTE, SizeUnit.PERCENT, SizeUnit.RISK, SizeUnit.RISK_MONEY)
    panel = TicketPanel(vm)
    qtbot.addWidget(panel)
    assert [panel._unit.itemText(row) for row in range(3)] == ["USD", "BTC", "% free"]
    vm.set_text("limit_price", "50000")
    vm.set_text("quantity", "2500")
    vm.set_unit(SizeUnit.QUOTE)
    assert vm.form.size == "0.05", "2500 USD at 50 000"
    vm.set_unit(SizeUnit.BASE)
    assert vm.form.size == "2500"
    vm.set_percent(10)
    # 0.05 BTC at 10x less ten times 0.05 % of fee: 0.5 / 1.005 x 50 000 = 24 875.6.
    assert vm.size_note == "= 24800 USD"
    vm.set_text(STOP_LOSS, "40000")
    vm.set_text("quantity", "r$50")
    # A dollar loses 0.000005 BTC, 0.2 USD at 40 000: 250 USD, in steps of 100.
    assert vm.size_note == "= 200 USD"
    assert plain(vm.leg_notes[STOP_LOSS]).endswith("−0.00100000 BTC (≈\u00a0−40.00\u00a0USD)  at 40 000.0")
    vm.set_text("quantity", "r0.5")
    assert "equity is not known" in vm.problems["quantity"]
    inverse.desk.accounts.worth_of_all = D(20_000)
    vm.set_text("quantity", "r0.50")
    # Half a per cent of 20 000 USD: 100 / 0.2 = 500.
    assert vm.size_note == "= 500 USD"


def test_a_price_that_got_worse_for_the_coin_is_shown_again_and_a_better_one_is_sent(qtbot: QtBot) -> None:
    async def main() -> None:
        inverse = Inverse()
        vm, market = inverse.vm, inverse.desk.market
        vm.set_order_type(OrderType.MARKET)
        vm.set_text("quantity", "1000")
        vm.submit(Side.BUY)
        pending = vm.sending.pending
        assert pending is not None
        # 1000 / 62 500 = 0.016 BTC.
        assert dict(pending.confirmation.rows)["Value"] == "0.01600000 BTC (≈\u00a01\u202f000.00\u00a0USD)"
        market.set_book([("50000.0", "90000")], [("80000.0", "90000")])
        vm.confirm()
        pending = vm.sending.pending
        assert pending is not None
        # At 80 000 only 0.0125 come in, less 0.05 %.
        assert pending.news == "The total moved from 0.01599200 to 0.01249375: look again."
        market.set_book([("50000.0", "90000")], [("62500.0", "90000")])
        vm.confirm()
        await eventually(lambda: len(inverse.desk.gate.sent) == 1, what="an order")

    run(main())


def test_a_position_shows_dollars_held_and_coins_won(qapp: QApplication) -> None:
    swap = InstrumentId("kraken", "BTC/USD")
    held = Position(
        swap, "7", Side.BUY, D(10_000), D(40_000), D("0.05"), "BTC", commission=D("-0.0001"),
        margin=D("0.025"), swap=D("-0.00000123"), leverage=D(10), margin_mode="cross",
    )  # fmt: skip

    async def body(frame: Any) -> None:
        frame.market.listed[swap] = replace(
            frame.market.instrument(swap), base="USD", is_inverse=True, kind=InstrumentKind.PERPETUAL
        )
        frame.market.set_quote("50000", "50000.1", swap)
        frame.tick()
        assert plain(cell(frame, "size")) == "10 000 USD"
        assert plain(cell(frame, "pnl")) == "+0.05000000 BTC"
        assert cell(frame, "commission") == "−0.00010000"
        model = frame.positions.model
        tip = model.columns[model.column_of("pnl")].tip
        assert tip is not None
        # 0.05 BTC at the 50 000 at which it could be closed.
        assert plain(tip(model.rows[0])).splitlines()[0] == "≈ +2 500.00 USD"
        frame.positions.set_hide_amounts(True)
        assert "≈" not in tip(model.rows[0])
        frame.positions.set_hide_amounts(False)
        panel = PositionsPanel(frame.positions)
        panel.resize(1366, 200)
        panel.show()
        table = panel.table
        metrics = QFontMetrics(table.font())
        for key in ("size", "pnl", "swap", "margin"):
            at = model.column_of(key)
            room = table.columnWidth(at) - 2 * table.padding
            assert metrics.horizontalAdvance(cell(frame, key)) <= room, key
        assert not table.horizontalScrollBar().isVisible()
        panel.close()

    with_frame(body, held)


def test_a_dated_one_has_a_margin_and_no_funding(qtbot: QtBot) -> None:
    inverse = Inverse()
    inverse.desk.market.instruments[BTC] = replace(
        inverse.desk.market.instruments[BTC], kind=InstrumentKind.FUTURE
    )
    inverse.desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    inverse.desk.pass_time(1)
    (margin,) = inverse.vm.carry
    # 1000 / 50 000 at 10x.
    assert (margin.label, plain(margin.value)) == ("Margin", "≈ 0.00200000 BTC")


def test_the_tape_is_filtered_by_the_dollars_that_it_counts(qtbot: QtBot) -> None:
    desk = Inverse().desk
    tape = TapeViewModel(desk.market, desk.selection, desk.frames, desk.clock)
    now = desk.clock.wall_ns()
    desk.market.add_trade(1, Side.BUY, "50000.0", "900", now)
    desk.market.add_trade(2, Side.SELL, "50000.0", "1100", now)
    tape.set_filter("$1k")
    desk.pass_time(0.02)
    assert tape.filter_problem == ""
    assert [row.quantity_text for row in tape.visible(5)] == ["1100"]
    tape.set_filter("1 BTC")
    assert tape.filter_problem == "Enter an amount in USD."
    tape.close()
