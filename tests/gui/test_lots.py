"""A market of lots is spoken of in lots everywhere; what the venue is sent stays in units."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from terminal.domain.account import AccountFigures
from terminal.domain.book import OrderBook
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, Fill, Order, OrderRequest, OrderState, OrderType, Protection
from terminal.viewmodels.amounts import amount_text, counted
from terminal.viewmodels.book import LadderViewModel
from terminal.viewmodels.book_rows import moved_to
from terminal.viewmodels.chart_orders import ghost_of, lines_of, mark_of, menu_entries
from terminal.viewmodels.confirm import amend_confirmation
from terminal.viewmodels.cost import estimate
from terminal.viewmodels.cost_text import margin_needed
from terminal.viewmodels.order_rows import FillRow
from terminal.viewmodels.sending import describe
from tests.gui.frame_fakes import Frame, order
from tests.gui.test_ladder import FakeSizes
from tests.helpers import eventually, run
from tests.trading_fakes import BTC, Desk, FakeAccounts, btc

D = Decimal
EURUSD = Instrument(
    InstrumentId("house", "EUR/USD"), "EURUSD", InstrumentKind.CFD, "EUR", "USD",
    tick_size=D("0.00001"), quantity_step=D(1000), min_quantity=D(1000), max_quantity=D(100_000),
    price_decimals=5, quantity_decimals=0, lot_size=D(100_000), pip_size=D("0.0001"),
)  # fmt: skip


def euros(state: OrderState = OrderState.OPEN, *, filled: str = "0") -> Order:
    return order("a", which=EURUSD.id, quantity="3000", price="1.16", state=state, filled=filled)


@pytest.mark.parametrize(
    ("instrument", "in_quote", "text"),
    [
        (EURUSD, False, "0.03 lots"),
        (btc(), False, "3\u202f000 BTC"),
        (btc(), True, "3\u202f000 USD"),
        (None, False, "3\u202f000"),
    ],
)
def test_an_amount_in_a_sentence(instrument: Instrument | None, in_quote: bool, text: str) -> None:
    assert amount_text(D(3000), instrument, in_quote=in_quote) == text


@pytest.mark.parametrize(
    ("state", "filled", "text"),
    [
        (OrderState.OPEN, "0", "Accepted: buy 0.03 lots limit at 1.16000 is open."),
        (OrderState.PARTLY_FILLED, "1000", "Partly filled: 0.01 of 0.03 lots at 1.16000."),
        (OrderState.CANCELED, "1000", "Canceled: buy 0.03 lots at 1.16000, 0.01 of 0.03 lots filled."),
    ],
)
def test_what_became_of_an_order(state: OrderState, filled: str, text: str) -> None:
    assert describe(euros(state, filled=filled), EURUSD)[1] == text


def test_a_change_of_size_is_asked_for_in_lots() -> None:
    asked = amend_confirmation(
        euros(), AmendRequest(quantity=D(5000)), EURUSD, badge="PRACTICE", venue="The House"
    )
    assert asked.rows == (("Venue", "The House"), ("Quantity", "0.03 lots → 0.05 lots"))


def test_an_order_that_is_moved_takes_its_stop_and_target_along() -> None:
    one = euros()
    one.protection = Protection(stop_loss=D("1.158"), take_profit=D("1.164"), trailing=True)
    change = moved_to(one, D("1.155"))
    assert change == AmendRequest(
        limit_price=D("1.155"),
        protection=Protection(stop_loss=D("1.153"), take_profit=D("1.159"), trailing=True),
    )
    asked = dict(amend_confirmation(one, change, EURUSD, badge="PRACTICE", venue="The House").rows)
    assert asked["Stop loss"] == "1.15800 → 1.15300"
    assert asked["Take profit"] == "1.16400 → 1.15900"
    one.protection = Protection(stop_distance=D("0.002"))
    assert moved_to(one, D("1.155")) == AmendRequest(limit_price=D("1.155")), "a distance moves by itself"


def test_the_blotter_tells_the_stop_and_target_of_a_resting_order(qtbot: QtBot) -> None:
    frame = Frame()
    frame.market.listed[EURUSD.id] = EURUSD
    one = euros()
    one.protection = Protection(stop_loss=D("1.158"), take_profit=D("1.164"))
    frame.gate.put(one)
    frame.tick()
    cell = frame.orders.model.index(0, frame.orders.model.column_of("type"))
    assert cell.data() == "limit · SL · TP"
    assert cell.data(Qt.ItemDataRole.ToolTipRole) == "Stop loss 1.15800 USD, Take profit 1.16400 USD"


def test_the_chart_draws_and_offers_lots() -> None:
    (line,) = lines_of([euros()], EURUSD)
    assert line.chip.text == "0.03 lots LMT"
    assert line.chip.quantity == 3000
    (entry,) = menu_entries(
        D("1.15"), EURUSD, (D("1.16"), D("1.17")), frozenset({OrderType.LIMIT}), {Side.BUY: D(3000)}
    )
    assert entry.text == "Buy limit 0.03 lots at 1.15000"
    assert mark_of(fill(), 0, EURUSD).text.startswith("Bought 0.03 lots at 1.16000")


def fill() -> Fill:
    return Fill("T1", EURUSD.id, Side.BUY, D("1.16"), D(3000), D(0), "USD", False, "V1", "a", 0)


def test_the_blotter_lists_lots(qtbot: QtBot) -> None:
    frame = blotter()
    model = frame.orders.model
    shown = {column.key: model.index(0, at) for at, column in enumerate(model.columns)}
    assert shown["quantity"].data() == "0.03 lots"
    assert shown["quantity"].data(Qt.ItemDataRole.ToolTipRole) == "3\u202f000 units"
    assert shown["quantity"].data(Qt.ItemDataRole.EditRole) == "0.03"
    assert shown["filled"].data() == "0.01 lots"


@pytest.mark.parametrize("text", ["0.05", "0,05 lots", "0.05 LOTS"])
def test_a_size_is_changed_in_lots_and_sent_in_units(qtbot: QtBot, text: str) -> None:
    frame = blotter()

    async def main() -> None:
        frame.orders.amend("a", "quantity", text)
        await eventually(lambda: frame.gate.asked)

    run(main())
    assert [call[2] for call in frame.gate.asked] == [AmendRequest(quantity=D(5000))]


def test_less_lots_than_have_filled_are_refused(qtbot: QtBot) -> None:
    frame = blotter()
    said: list[str] = []
    frame.orders.refused.connect(lambda key, text: said.append(text))
    frame.orders.amend("a", "quantity", "0.01")
    assert said == ["0.01 lots is filled already; cancel the rest instead."]
    assert frame.gate.asked == []


def blotter() -> Frame:
    frame = Frame()
    frame.market.listed[EURUSD.id] = EURUSD
    frame.gate.put(euros(OrderState.PARTLY_FILLED, filled="1000"))
    frame.tick()
    return frame


def test_a_fill_is_listed_in_lots_with_its_units() -> None:
    row = FillRow("house T1", fill(), "The House", EURUSD)
    assert (row.size_text, row.price_decimals, row.quote) == ("0.03 lots", 5, "USD")
    coins = replace(row, instrument=btc(), fill=fill()._replace(quantity=D("0.5")))
    assert coins.size_text == "0.50000000"


@pytest.mark.parametrize(
    ("leverage", "currency", "text"),
    [
        (D(30), "USD", "≈ 116.00 USD at 1:30"),
        (D(30), "EUR", "≈ 100.00 EUR at 1:30"),
        (D(30), "JPY", ""),
        (None, "USD", None),
    ],
)
def test_the_margin_that_an_order_needs(leverage: Decimal | None, currency: str, text: str | None) -> None:
    accounts = FakeAccounts()
    accounts.margin_leverage = leverage
    accounts.margin = AccountFigures(currency, D(1000), D(0), D(0))
    accounts.rates["USD", "EUR"] = 1 / D("1.16")
    request = OrderRequest(EURUSD.id, Side.BUY, OrderType.LIMIT, D(3000), D("1.16"))
    cost = estimate(request, EURUSD, OrderBook(EURUSD.id, 10), None)
    assert cost.notional == D(3480)
    assert margin_needed(accounts, "a", EURUSD, cost) == text


def test_the_ladder_speaks_of_lots(qtbot: QtBot) -> None:
    desk = Desk()
    desk.market.instruments[BTC] = replace(EURUSD, id=BTC)
    desk.market.set_book([("1.16000", "250000")], [("1.16006", "3000")])
    vm = LadderViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, FakeSizes(), desk.frames,
        desk.clock,
    )  # fmt: skip
    vm.set_row_count(40)
    vm.set_group(1)
    vm.centre()
    resting = order("a", which=BTC, quantity="3000", price="1.15995")
    resting.account = vm.place.account if vm.place is not None else ""
    desk.gate.orders[resting.client_order_id] = resting
    desk.gate.changed.notify(resting)
    desk.pass_time(0.2)
    rows = {row.key: row for row in vm.rows}
    assert rows[116000].bid == "2.5"
    assert rows[116006].ask == "0.03"
    chip = rows[115995].buys
    assert chip is not None
    assert chip.text == "0.03 LMT"
    assert vm.order_text(resting) == "buy 0.03 lots limit at 1.15995"
    vm.drag(chip, 115985)
    assert vm.ghost is not None
    assert "−1 pip " in vm.ghost.text
    vm.drag(chip, 115970)
    assert "−2.5 pips" in vm.ghost.text


def test_a_dragged_order_is_told_in_pips_on_the_chart() -> None:
    (line,) = lines_of([euros()], EURUSD)
    assert "+1 pip " in ghost_of(line, D("1.16010"), [euros()], EURUSD, (None, None)).text
    assert "−0.5 pips" in ghost_of(line, D("1.15995"), [euros()], EURUSD, (None, None)).text


@pytest.mark.parametrize(
    ("number", "text"), [("+1", "+1 pip"), ("−1.0", "−1.0 pip"), ("+1.1", "+1.1 pips"), ("0", "0 pips")]
)
def test_one_pip_is_no_pips(number: str, text: str) -> None:
    assert counted(number, "pips") == text


def test_flatten_names_orders_in_lots() -> None:
    async def main() -> None:
        frame = Frame()
        frame.market.listed[EURUSD.id] = EURUSD
        frame.gate.put(euros())
        frame.tick()
        (text,) = frame.desk.plan().sends
        assert text.startswith("Cancel buy 0.03 lots EUR/USD at 1.16 ")

    run(main())
