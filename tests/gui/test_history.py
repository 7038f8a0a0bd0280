"""An account's past on a hand-written venue."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from PySide6.QtWidgets import QApplication

from terminal.core import tasks
from terminal.domain.account import CashFlow
from terminal.domain.errors import VenueUnavailable
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderReport, OrderState, OrderType
from terminal.venues.base import (
    CashFlowPage,
    FillOffset,
    FillOffsets,
    FillPage,
    HasFillOffsets,
    HasRecords,
    OrderPage,
)
from terminal.viewmodels.history import FILL_COLUMNS, Chapter, HistoryViewModel, PastFill
from terminal.viewmodels.tables import ACTIONS_ROLE
from terminal.widgets.history_dialog import HistoryDialog
from terminal.widgets.table import DataTable
from tests.helpers import eventually, run

D = Decimal
EURUSD = InstrumentId("house", "EUR/USD")
LISTED = Instrument(
    EURUSD, "EURUSD", InstrumentKind.CFD, "EUR", "USD",
    tick_size=D("0.00001"), quantity_step=D(1000), min_quantity=D(1000), price_decimals=5,
    quantity_decimals=0, lot_size=D(100_000), pip_size=D("0.0001"),
)  # fmt: skip


def fill(number: int, realised: str | None = None) -> Fill:
    return Fill(
        f"D{number}", EURUSD, Side.SELL, D("1.16"), D(1000), D("0.06"), "USD", False, f"O{number}", None,
        number * 10**9, "88", None if realised is None else D(realised), D("-0.02"),
    )  # fmt: skip


class Past:
    """Two pages of everything."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int | None]] = []
        self.error: Exception | None = None

    def _ask(self, what: str, until_ns: int | None) -> None:
        self.asked.append((what, until_ns))
        if self.error is not None:
            raise self.error

    async def order_history(self, until_ns: int | None = None) -> OrderPage:
        self._ask("orders", until_ns)
        report = OrderReport(
            EURUSD, "O1", None, OrderState.CANCELED, Side.BUY, OrderType.LIMIT, D(1000), D(0), None, D("1.1")
        )
        return OrderPage((report,), None)

    async def fill_history(self, until_ns: int | None = None) -> FillPage:
        self._ask("fills", until_ns)
        if until_ns is None:
            return FillPage((fill(4, "1.50"), fill(3)), 2)
        return FillPage((fill(2), fill(1)), None)

    async def cash_flow(self, until_ns: int | None = None) -> CashFlowPage:
        self._ask("cash", until_ns)
        return CashFlowPage((CashFlow("C1", 1, "deposit", D(10_000), D(10_000), "USD"),), None)

    async def position_fills(self, position_id: str) -> list[Fill]:
        self._ask("position", None)
        return [fill(3, "12.5"), fill(2)]


class Pairs(Past):
    """A venue that knows which deals belong together."""

    async def fill_offsets(self, fill_id: str) -> FillOffsets:
        self._ask("pairs", None)
        if fill_id != "D3":
            return FillOffsets((), ())
        by = FillOffset("D4", D(1000), D("1.16500"), 4 * 10**9)
        return FillOffsets((by,), (FillOffset("D1", D(500), None, None),))


def with_past(body: Callable[[HistoryViewModel, Past], object]) -> None:
    async def main() -> None:
        past = Past()
        await body(HistoryViewModel("House 1", past, lambda one: None), past)  # type: ignore[misc]

    run(main())


def test_the_fake_is_what_it_stands_for() -> None:
    assert isinstance(Past(), HasRecords)
    assert isinstance(Pairs(), HasFillOffsets)


def test_pages_follow_each_other_back_in_time_until_there_is_no_more(qapp: QApplication) -> None:
    async def body(vm: HistoryViewModel, past: Past) -> None:
        vm.open(Chapter.FILLS)
        await eventually(lambda: vm.fills.rowCount() == 2, 5, "a page")
        assert vm.has_more(Chapter.FILLS)
        vm.load(Chapter.FILLS)
        await eventually(lambda: vm.fills.rowCount() == 4, 5, "a second page")
        assert not vm.has_more(Chapter.FILLS)
        vm.load(Chapter.FILLS)
        assert past.asked == [("fills", None), ("fills", 2)]
        assert [row.fill.fill_id for row in vm.fills.rows] == ["D4", "D3", "D2", "D1"]
        assert vm.fills.rows[0].net == D("1.42"), "profit, swap and fee"

    with_past(body)


def test_a_failed_page_is_said_and_can_be_asked_for_again(qapp: QApplication) -> None:
    async def body(vm: HistoryViewModel, past: Past) -> None:
        past.error = VenueUnavailable("house", "down", user_text="The venue does not answer.")
        vm.open(Chapter.CASH)
        await eventually(lambda: vm.error, 5, "an error")
        assert vm.error == "The venue does not answer."
        past.error = None
        vm.load(Chapter.CASH)
        await eventually(lambda: vm.cash.rowCount() == 1, 5, "a page")
        assert not vm.error

    with_past(body)


def test_which_deals_belong_together_is_asked_and_said(qapp: QApplication) -> None:
    async def main() -> None:
        past = Pairs()
        vm = HistoryViewModel("House 1", past, lambda one: LISTED)
        dialog = HistoryDialog(vm)
        dialog.show()
        await eventually(lambda: not vm.is_loading, 5, "the orders")
        dialog.tabs.setCurrentIndex(1)
        await eventually(lambda: vm.fills.rowCount() == 2, 5, "a page")
        table = dialog.stack.widget(1)
        assert isinstance(table, DataTable)
        table.acted.emit("D3", "pairs")
        await eventually(lambda: vm.pairs, 5, "the other deals")
        assert dialog.pairs.isVisible()
        said = dialog.pairs.text().replace("\u202f", " ")
        assert said.startswith("Deal D3: closed by D4, 0.01 lots at 1.16500 on 19")
        assert said.endswith("; closes D1, 0.005 lots.")
        table.acted.emit("D3", "whole")
        await eventually(lambda: "Position" in vm.pairs, 5, "the position's deals")
        assert vm.pairs == (
            "Position 88: sold 0.01 lots at 1.16000; sold 0.01 lots at 1.16000. "
            "Together +12.34 USD, fees 0.12 USD included."
        )
        table.acted.emit("D4", "pairs")
        await eventually(lambda: "D4" in vm.pairs, 5, "another one")
        assert vm.pairs == "Deal D4: nothing has closed it, and it closes nothing."
        past.error = VenueUnavailable("house", "down", user_text="The venue does not answer.")
        table.acted.emit("D3", "pairs")
        await eventually(lambda: vm.error, 5, "an error")
        assert dialog.state.text() == "The venue does not answer."
        assert not dialog.pairs.isVisible()
        dialog.close()

    run(main())


def test_a_venue_that_cannot_say_has_no_button(qapp: QApplication) -> None:
    async def body(vm: HistoryViewModel, past: Past) -> None:
        vm.open(Chapter.FILLS)
        await eventually(lambda: vm.fills.rowCount() == 2, 5, "a page")
        at = vm.fills.column_of("actions")
        assert [each.key for each in vm.fills.index(0, at).data(ACTIONS_ROLE)] == ["whole"]
        vm.ask_pairs("D4")
        assert not vm.is_loading

    with_past(body)


def test_a_page_that_comes_after_the_end_touches_nothing(qapp: QApplication) -> None:
    async def body(vm: HistoryViewModel, past: Past) -> None:
        vm.open(Chapter.ORDERS)
        told: list[int] = []
        vm.changed.connect(lambda: told.append(1))
        vm.close()
        await eventually(lambda: not [task for task in tasks.running() if not task.done()], 5, "the end")
        assert told == []
        assert vm.orders.rowCount() == 0
        vm.load(Chapter.ORDERS)
        assert not vm.is_loading

    with_past(body)


def test_the_dialog_fetches_what_is_shown(qapp: QApplication) -> None:
    async def body(vm: HistoryViewModel, past: Past) -> None:
        dialog = HistoryDialog(vm)
        dialog.show()
        await eventually(lambda: vm.orders.rowCount() == 1, 5, "orders")
        assert [what for what, _ in past.asked] == ["orders"]
        dialog.tabs.setCurrentIndex(1)
        await eventually(lambda: dialog.more.isEnabled(), 5, "more to fetch")
        dialog.more.click()
        await eventually(lambda: "that is all" in dialog.state.text(), 5, "the end")
        assert not dialog.more.isEnabled()
        dialog.close()

    with_past(body)


def test_an_opening_deal_costs_its_fee() -> None:
    opening = Fill("D1", EURUSD, Side.BUY, D(100), D(1), D("0.35"), "EUR", False, "O1", None, 0)
    assert PastFill(opening, "1", 2).net == D("-0.35")
    assert PastFill(opening._replace(fee=None), "1", 2).net is None
    column = next(each for each in FILL_COLUMNS if each.key == "net")
    assert column.text(PastFill(opening, "1", 2)) == "−0.35 EUR"
