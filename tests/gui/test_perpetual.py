"""What a perpetual brings to ticket, chart header and positions: funding, leverage, and money on margin."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from terminal.core.observe import Observable
from terminal.domain.account import FeeRates, LeverageTier, Position
from terminal.domain.errors import RequestRejected, TerminalError
from terminal.domain.instrument import InstrumentId, InstrumentKind
from terminal.domain.market import FundingRate, Side
from terminal.services.market_data import Topic
from terminal.venues.base import ExpectedMargin, Leverage
from terminal.viewmodels.confirm import Confirmation
from terminal.viewmodels.sending import ResultKind
from terminal.viewmodels.size_entry import SizeUnit
from terminal.viewmodels.ticket import TicketViewModel
from terminal.widgets.chart import ChartHeader
from terminal.widgets.positions import PositionsPanel
from terminal.widgets.ticket import TicketPanel
from tests.gui.chart_fakes import ChartDesk
from tests.gui.test_positions import cell, with_frame
from tests.helpers import eventually, run
from tests.trading_fakes import ACCOUNT, BTC, Desk

D = Decimal
S = 1_000_000_000


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u2009", " ")


class Swaps:
    """Margins of a venue that keeps a leverage for each instrument, at most 100."""

    def __init__(self) -> None:
        self.changed: Observable[[str]] = Observable("fake margins")
        self.now: Leverage | None = Leverage(D(10), "cross")
        self.error: TerminalError | None = None
        self.sent: list[tuple[str, str, Decimal]] = []
        self.chosen: list[tuple[str, str, str]] = []

    def expected(self, account: str, symbol: str, quantity: Decimal) -> ExpectedMargin | None:
        return None

    def tiers(self, account: str, symbol: str) -> tuple[LeverageTier, ...]:
        return ()

    def sets_leverage(self, account: str) -> bool:
        return True

    def leverage(self, account: str, symbol: str) -> Leverage | None:
        return self.now

    async def set_leverage(self, account: str, symbol: str, leverage: Decimal) -> None:
        self.sent.append((account, symbol, leverage))
        if self.error is not None:
            raise self.error
        assert self.now is not None
        self.now = self.now._replace(value=leverage)
        self.changed.notify(account)

    async def set_margin_mode(self, account: str, symbol: str, mode: str) -> None:
        self.chosen.append((account, symbol, mode))
        if self.error is not None:
            raise self.error
        assert self.now is not None
        # Each mode has a leverage of its own.
        self.now = self.now._replace(value=D(3), mode=mode)
        self.changed.notify(account)


class Perp:
    """A ticket of BTC/USD as a perpetual at 60 000, with 1000 USD free and a taker fee of 0.05 %."""

    def __init__(self) -> None:
        self.desk, self.margins = Desk(), Swaps()
        market = self.desk.market
        market.instruments[BTC] = replace(
            market.instruments[BTC], kind=InstrumentKind.PERPETUAL, max_leverage=D(100)
        )
        market.set_book([("60000.0", "50")], [("60000.1", "50")])
        self.desk.accounts.held = {"USD": self.desk.accounts.held["USD"]._replace(total=D(1000), held=D(0))}
        self.desk.accounts.fees = FeeRates(D("0.02"), D("0.05"))
        self.questions: list[Confirmation] = []
        self.answer = True
        self.vm = TicketViewModel(
            market, self.desk.sessions, self.desk.gate, self.desk.accounts, self.desk.selection,
            self.desk.frames, self.desk.clock, margins=self.margins, ask=self.ask,
        )  # fmt: skip

    async def ask(self, question: Confirmation) -> bool:
        self.questions.append(question)
        return self.answer

    def fund(self, rate: str) -> None:
        due_ns = self.desk.clock.wall_ns() + (3 * 3600 + 12 * 60 + 5) * S
        self.desk.market.fundings[BTC] = FundingRate(BTC, D(rate), due_ns, due_ns + 8 * 3600 * S, None, 0)
        self.desk.market.changed.notify(BTC, Topic.FUNDING)
        self.desk.pass_time(1)

    def line(self, label: str) -> tuple[str, str]:
        found = next(each for each in self.vm.carry if each.label == label)
        return plain(found.value), plain(found.detail)


def test_margin_and_funding_stand_in_the_ticket(qtbot: QtBot) -> None:
    perp = Perp()
    perp.vm.set_text("quantity", "0.01")
    perp.vm.set_text("limit_price", "60000")
    # 0.01 x 60 000 = 600 USD, a tenth of it tied up.
    assert perp.line("Margin") == ("≈ 60.00 USD", "at 10x cross")
    assert perp.line("Funding") == ("–", "no current rate")
    perp.fund("0.0001")
    assert perp.line("Funding") == ("0.0100 %", "you pay in 3 h 12 min")
    perp.vm.set_side(Side.SELL)
    assert perp.line("Funding") == ("0.0100 %", "you get in 3 h 12 min")
    perp.desk.market.fundings.clear()
    perp.desk.market.changed.notify(BTC, Topic.STATE)
    perp.desk.pass_time(1)
    assert perp.line("Funding") == ("–", "no current rate")


def test_an_unknown_leverage_makes_no_margin_and_no_share(qtbot: QtBot) -> None:
    perp = Perp()
    perp.margins.now = None
    perp.vm.set_text("quantity", "0.02")
    assert perp.line("Margin") == ("–", "leverage not known")
    assert perp.vm.percent is None
    assert perp.vm.percent_reason == "The leverage is not known yet."


def test_a_share_of_what_is_free_is_one_of_the_margin_on_both_sides(qtbot: QtBot) -> None:
    perp = Perp()
    perp.vm.set_text("limit_price", "60000")
    perp.vm.set_unit(SizeUnit.PERCENT)
    perp.vm.set_text("quantity", "50")
    for side in Side:
        perp.vm.set_side(side)
        # 500 USD at 10x are 5000 USD; the fee of ten times 0.05 % comes out of them: 4975.12 / 60 000.
        reading = perp.vm._read(side)
        assert reading is not None
        assert reading.request is not None
        assert reading.request.quantity.quantize(D("0.00001")) == D("0.08292")
        assert plain(perp.vm.free_texts[0]) == plain(perp.vm.free_texts[1]) == "1 000.00 USD"


def test_the_most_that_can_be_lost(qtbot: QtBot) -> None:
    perp = Perp()
    perp.vm.set_text("quantity", "0.01")
    perp.vm.set_text("limit_price", "60000")

    def unlimited() -> bool:
        cost = perp.vm.cost
        assert cost is not None
        return cost.unlimited

    assert not unlimited()
    perp.vm.set_side(Side.SELL)
    assert unlimited(), "a rising price has no end"
    perp.vm.set_flags(reduce_only=True)
    assert not unlimited(), "it only gives up what is held"
    assert perp.line("Margin") == ("–", "it only reduces")


def test_an_isolated_order_can_lose_its_margin_and_a_cross_one_without_limit(qtbot: QtBot) -> None:
    perp = Perp()
    perp.vm.set_text("quantity", "0.01")
    perp.vm.set_text("limit_price", "60100")
    perp.vm.set_side(Side.SELL)
    assert perp.vm.fixed[0].value == "∞"
    perp.margins.now = Leverage(D(10), "isolated")
    perp.margins.changed.notify(ACCOUNT)
    perp.desk.pass_time(1)
    # A tenth of 0.01 x 60 100, and 0.02 % of the whole.
    assert perp.vm.fixed[0].value == "60.22 USD"
    assert perp.line("Margin")[0] == "≈ 60.10 USD"


def test_the_leverage_is_changed_after_a_question(qtbot: QtBot) -> None:
    async def main() -> None:
        perp = Perp()
        panel = TicketPanel(perp.vm)
        qtbot.addWidget(panel)
        assert not panel._leverage.isHidden()
        assert panel._leverage.text().strip() == "10x cross"
        assert perp.vm.leverage.choices == tuple(
            D(each) for each in (1, 2, 3, 5, 10, 15, 20, 25, 50, 75, 100)
        )
        perp.answer = False
        perp.vm.leverage.choose(D(20))
        await eventually(lambda: len(perp.questions) == 1)
        assert dict(perp.questions[0].rows) == {"Venue": "Kraken", "Now": "10x cross", "New": "20x cross"}
        await eventually(lambda: not perp.vm.leverage._busy)
        assert perp.margins.sent == [], "a no sends nothing"
        perp.answer = True
        perp.vm.leverage.choose(D(20))
        await eventually(lambda: perp.margins.sent == [("kraken:practice", BTC.symbol, D(20))])
        perp.desk.pass_time(1)
        await eventually(lambda: panel._leverage.text().strip() == "20x cross")
        panel.close()

    run(main())


def test_the_venues_no_to_a_leverage_is_told_in_its_words(qtbot: QtBot) -> None:
    async def main() -> None:
        perp = Perp()
        perp.margins.error = RequestRejected("kraken", "59102", user_text="Above the highest leverage.")
        perp.vm.leverage.choose(D(50))
        await eventually(lambda: perp.vm.sending.result is not None)
        result: Any = perp.vm.sending.result
        assert result.kind is ResultKind.REFUSED
        assert result.text == f"Leverage of {BTC.symbol}: Above the highest leverage."
        assert perp.vm.leverage.text == "10x cross"

    run(main())


def test_what_backs_new_orders_is_chosen_beside_the_leverage(qtbot: QtBot) -> None:
    async def main() -> None:
        perp = Perp()
        panel = TicketPanel(perp.vm)
        qtbot.addWidget(panel)

        def entries() -> dict[str, QAction]:
            panel._on_leverage_clicked()
            menu = panel.findChildren(QMenu)[-1]
            menu.close()
            return {action.text(): action for action in menu.actions() if action.text()}

        assert "Isolated" not in entries(), "a venue with one way to back a position"
        perp.margins.now = Leverage(D(10), "cross", ("cross", "isolated"))
        perp.margins.changed.notify("kraken:practice")
        perp.desk.pass_time(1)
        found = entries()
        assert (found["Cross"].isChecked(), found["Isolated"].isChecked()) == (True, False)
        perp.answer = False
        found["Isolated"].trigger()
        await eventually(lambda: len(perp.questions) == 1)
        assert dict(perp.questions[0].rows) == {"Venue": "Kraken", "Now": "cross", "New": "isolated"}
        assert "only its own margin" in perp.questions[0].note
        await eventually(lambda: not perp.vm.leverage._busy)
        assert perp.margins.chosen == [], "a no changes nothing"
        perp.answer = True
        perp.vm.leverage.choose_mode("cross")
        perp.vm.leverage.choose_mode("portfolio")
        assert not perp.vm.leverage._busy, "what is so already, or is not offered"
        perp.vm.leverage.choose_mode("isolated")
        await eventually(lambda: perp.margins.chosen == [("kraken:practice", BTC.symbol, "isolated")])
        perp.desk.pass_time(1)
        await eventually(lambda: panel._leverage.text().strip() == "3x isolated")
        await eventually(lambda: not perp.vm.leverage._busy)
        perp.margins.error = RequestRejected("kraken", "no", user_text="Not with open orders.")
        perp.vm.leverage.choose_mode("cross")
        refused = f"Margin of {BTC.symbol}: Not with open orders."
        await eventually(lambda: (now := perp.vm.sending.result) and now.text == refused)
        panel.close()

    run(main())


def test_spot_has_neither(qtbot: QtBot) -> None:
    perp = Perp()
    perp.desk.market.instruments[BTC] = replace(perp.desk.market.instruments[BTC], kind=InstrumentKind.SPOT)
    perp.desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    perp.desk.pass_time(1)
    assert perp.vm.carry == ()
    assert not perp.vm.leverage.is_offered


def test_the_header_of_the_chart_tells_the_funding_where_there_is_room(qtbot: QtBot) -> None:
    desk = ChartDesk()
    desk.fill_lifelike()
    vm = desk.open(show_hint=False)
    header = ChartHeader(vm)
    qtbot.addWidget(header)
    header.resize(1200, 26)
    header.show()
    assert header._funding.isHidden()
    due_ns = desk.clock.wall_ns() + 2 * 3600 * S + S
    desk.market.fundings[BTC] = FundingRate(BTC, D("-0.00012"), due_ns, due_ns + 8 * 3600 * S, None, 0)
    desk.market.changed.notify(BTC, Topic.FUNDING)
    desk.frames.tick()
    assert plain(header._funding.text()) == "Funding −0.0120 % in 2 h 0 min"
    assert "Shorts pay longs" in header._funding.toolTip()
    header.resize(200, 26)
    assert header._funding.isHidden(), "the intervals go before it"
    desk.market.fundings.clear()
    header.resize(1200, 26)
    desk.market.changed.notify(BTC, Topic.STATE)
    desk.frames.tick()
    assert header._funding.isHidden()
    vm.close()


def test_a_position_tells_its_liquidation_and_its_next_funding() -> None:
    perp = InstrumentId("kraken", "BTC/USD")
    held = Position(
        perp, "7", Side.BUY, D("0.5"), D(60_000), D(12), "USD", leverage=D(10), margin_mode="cross",
        liquidation_price=D("54321.0"),
    )  # fmt: skip

    async def body(frame: Any) -> None:
        market = frame.market
        due_ns = frame.clock.wall_ns() + 2 * 3600 * S + S
        market.fundings[perp] = FundingRate(perp, D("0.0001"), due_ns, due_ns + 8 * 3600 * S, None, 0)
        market.set_quote("60000", "60000.1", perp)
        frame.tick()
        assert plain(cell(frame, "liquidation")) == "54 321.0"
        model = frame.positions.model
        tip = plain(model.columns[model.column_of("symbol")].tip(model.rows[0]))
        assert "10x cross, liquidation at 54 321.0, as the venue says now" in tip
        # 0.5 x 60 000 x 0.01 % = 3 USD
        assert "Next funding in 2 h 0 min: you pay about 3.00 USD (0.0100 %)" in tip
        frame.positions.set_hide_amounts(True)
        tip = plain(model.columns[model.column_of("symbol")].tip(model.rows[0]))
        assert "3.00" not in tip

    with_frame(body, held)


def test_profit_and_distance_of_a_perpetual_are_both_by_the_mark() -> None:
    held = Position(BTC, "7", Side.BUY, D("0.01"), D(60_000), D("-0.01"), "USD", margin_mode="cross")

    async def body(frame: Any) -> None:
        # By what closing would bring it has gained 27 dollars a coin; by the mark it has lost one.
        frame.market.set_quote("60027", "60027.1", BTC)
        frame.tick()
        model = frame.positions.model
        row = model.rows[0]
        assert plain(cell(frame, "pnl")) == "−0.01 USD"
        assert plain(cell(frame, "pips")) == "−10.0 ticks"
        assert "mark price" in model.columns[model.column_of("pips")].tip(row)
        assert plain(cell(frame, "now")) == "60 027.0", "at which it could be closed"
        assert plain(cell(frame, "size")) == "0.01 BTC"
        assert model.columns[model.column_of("swap")].title == "Swap / funding"

    with_frame(body, held)


def test_without_a_mark_that_can_be_told_there_is_no_distance_that_would_contradict() -> None:
    held = Position(BTC, "7", Side.BUY, D("0.01"), D(60_000), D("-0.01"), "EUR", margin_mode="cross")
    spot = Position(BTC, "7", Side.BUY, D("0.01"), D(60_000), D("-0.01"), "EUR")

    async def body(frame: Any, text: str) -> None:
        frame.market.set_quote("60027", "60027.1", BTC)
        frame.tick()
        assert plain(cell(frame, "pips")) == text

    with_frame(partial(body, text=""), held)
    with_frame(partial(body, text="+270.0 ticks"), spot)


def test_the_liquidation_gives_way_to_the_buttons_where_there_is_little_room() -> None:
    held = Position(BTC, "7", Side.BUY, D("0.5"), D(60_000), D(12), "USD", liquidation_price=D("54321.0"))

    async def body(frame: Any) -> None:
        panel = PositionsPanel(frame.positions)
        panel.show()
        model = frame.positions.model
        at = model.column_of("liquidation")
        # The countdown of contracts is hidden where there are none.
        whole = sum(column.width for column in model.columns if column.key != "ends")
        panel.resize(whole + 40, 200)
        assert not panel.table.isColumnHidden(at)
        panel.resize(whole - 1, 200)
        assert panel.table.isColumnHidden(at)
        margin = model.columns[model.column_of("margin")]
        assert margin.tip is not None
        assert "liquidation at" in margin.tip(model.rows[0])
        panel.resize(1362, 200)
        hidden = {column.key for i, column in enumerate(model.columns) if panel.table.isColumnHidden(i)}
        assert hidden == {"liquidation", "commission", "ends"}, "what a small screen has room for"
        symbol = model.columns[model.column_of("symbol")]
        assert symbol.tip is not None
        assert "Commission so far: −1.27 USD" in symbol.tip(model.rows[0])
        panel.close()

    with_frame(body, replace(held, commission=D("-1.27")))


def test_long_names_of_a_short_ticket_do_not_run_into_each_other(qtbot: QtBot) -> None:
    perp = Perp()
    long = InstrumentId("kraken", "1000BONK/USDT-PERP")
    perp.desk.market.instruments[long] = replace(perp.desk.market.instruments[BTC], id=long)
    perp.desk.selection.select(long)
    panel = TicketPanel(perp.vm)
    qtbot.addWidget(panel)
    panel.resize(290, 480)
    panel.show()
    perp.vm.changed.emit()
    for side, tab in panel._tabs.items():
        word = "Buy" if side is Side.BUY else "Sell"
        assert tab.text().startswith(word)
        assert tab.fontMetrics().horizontalAdvance(tab.text()) < tab.width()
        assert tab.toolTip() == f"{word} 1000BONK/USDT perp at Kraken"


def test_a_position_in_borrowed_spot_tells_what_is_owed_unless_amounts_are_hidden() -> None:
    held = Position(
        BTC, "41", Side.BUY, D("0.01"), D(60_000), D(1), "USD", leverage=D(5), margin_mode="isolated",
        borrowed=D("250.50"), borrowed_asset="USD",
    )  # fmt: skip

    async def body(frame: Any) -> None:
        model = frame.positions.model
        column = model.columns[model.column_of("symbol")]
        assert "5x isolated, 250.5 USD borrowed" in plain(column.tip(model.rows[0]))
        frame.positions.set_hide_amounts(True)
        frame.tick()
        assert "250" not in column.tip(model.rows[0])
        assert "borrowed" in column.tip(model.rows[0])

    with_frame(body, held)


def test_the_own_margin_of_a_position_is_changed_after_a_question() -> None:
    held = Position(
        BTC, "32", Side.BUY, D("0.5"), D(60_000), D(12), "USD", leverage=D(3), margin_mode="isolated",
        margin=D("800.50"),
    )  # fmt: skip

    async def body(frame: Any) -> None:
        model = frame.positions.model
        column = model.columns[model.column_of("margin")]
        assert column.editable is not None
        assert not column.editable(model.rows[0]), "the venue cannot"
        frame.mover.can = True
        frame.positions.refresh()
        frame.tick()
        row = model.rows[0]
        assert column.editable(row)
        assert column.edit_text(row) == "800.50"
        assert "Double-click" in column.tip(row)
        frame.answer = False
        model.edited.emit(row.key, "margin", "900.5")
        await eventually(lambda: len(frame.questions) == 1)
        rows = {name: plain(text) for name, text in frame.questions[0].rows[1:]}
        assert rows == {
            "Now": "800.50000000 USD",
            "New": "900.50000000 USD",
            "Added": "100.00000000 USD",
        }
        await eventually(lambda: not frame.positions._busy)
        assert frame.mover.moved == [], "a no sends nothing"
        frame.answer = True
        model.edited.emit(row.key, "margin", "800.50")
        model.edited.emit(row.key, "margin", "nothing")
        model.edited.emit(row.key, "margin", "700.5")
        await eventually(lambda: frame.mover.moved == [(row.account, BTC.symbol, "32", D("-100.0"))])
        assert "Taken away" in dict(frame.questions[-1].rows)
        await eventually(lambda: not frame.positions._busy)
        frame.mover.error = RequestRejected("kraken", "51008", user_text="There is not so much.")
        refusals: list[str] = []
        frame.positions.refused.connect(lambda key, text: refusals.append(text))
        model.edited.emit(row.key, "margin", "9000")
        await eventually(lambda: refusals == ["There is not so much."])

    with_frame(body, held)
