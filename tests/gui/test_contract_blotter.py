"""Fixed-payout contracts in the blotter: their orders, their fills, what is staked, and their statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from terminal.domain.contracts import NS, ContractTerms, ExpiryMode
from terminal.domain.market import Side
from terminal.domain.orders import Fill, Order, OrderReport, OrderRequest, OrderState, OrderType, Origin
from terminal.services.portfolio import holds_of
from terminal.viewmodels.book_rows import chips_of
from terminal.viewmodels.chart_orders import lines_of, mark_of
from terminal.viewmodels.history import PastOrder
from terminal.viewmodels.sending import ResultKind, describe
from terminal.viewmodels.tables import TableModel
from tests.gui.frame_fakes import ACCOUNT, START_NS, Frame
from tests.gui.test_contract_positions import EURUSD, LISTED, UP
from tests.helpers import run

D = Decimal
TERMS = ContractTerms(ExpiryMode.TIMED, 60, D(87))


def opening(state: OrderState = OrderState.FILLED, **terms: Any) -> Order:
    request = OrderRequest(EURUSD, Side.BUY, OrderType.CONTRACT, D(10), contract=replace(TERMS, **terms))
    return Order("c1", ACCOUNT, request, state, START_NS, START_NS, "d1", D(10))


def closing(reason: str, origin: Origin = Origin.EXTERNAL) -> Order:
    request = OrderRequest(
        EURUSD, Side.SELL, OrderType.CONTRACT, D(10), reduce_only=True, position_id="d1", origin=origin
    )
    return Order(
        "c2", ACCOUNT, request, OrderState.FILLED, START_NS + NS, START_NS, "d1:end", D(10), reason=reason
    )


def fill(profit: str | None) -> Fill:
    ends = profit is not None
    side, order = (Side.SELL, "d1:end") if ends else (Side.BUY, "d1")
    return Fill(
        order, EURUSD, side, D("1.16000"), D(10), D(0), "USD", None, order, None, START_NS,
        position_id="d1", realised=D(profit) if profit is not None else None,
    )  # fmt: skip


def with_frame(body: Callable[[Frame], None], *orders: Order, fills: tuple[Fill, ...] = ()) -> None:
    async def main() -> None:
        frame = Frame()
        frame.market.listed[EURUSD] = LISTED
        frame.gate.put(*orders)
        for each in fills:
            frame.gate.fills.append(each)
            frame.gate.fill_added.notify(each)
        frame.orders.set_show_ended(True)
        frame.tick()
        body(frame)

    run(main())


def cells(model: TableModel[Any], *columns: str, row: int = 0) -> list[str]:
    found = (model.index(row, model.column_of(column)).data() for column in columns)
    return [str(each or "").replace("\u202f", "") for each in found]


def test_an_order_for_a_contract_tells_direction_stake_payout_and_length(qapp: QApplication) -> None:
    def body(frame: Frame) -> None:
        shown = cells(frame.orders.model, "side", "type", "quantity", "lifetime", "state")
        assert shown == ["Up", "contract 87 %", "10.00 USD", "1 min", "taken"]

    with_frame(body, opening())


def test_one_that_waits_says_for_what_and_cannot_be_edited(qapp: QApplication) -> None:
    def body(frame: Frame) -> None:
        (row,) = frame.orders.model.rows
        assert cells(frame.orders.model, "state") == ["waits for its price"]
        assert not row.editable
        assert [each.key for each in row.actions] == ["cancel"]

    order = opening(OrderState.OPEN)
    order.trigger_price = D("1.16100")
    with_frame(body, order)


@pytest.mark.parametrize(
    ("reason", "origin", "comes_from"),
    [("won", Origin.EXTERNAL, "expiry"), ("sold back", Origin.BLOTTER, "blotter")],
)
def test_the_end_of_a_contract_is_its_result(
    qapp: QApplication, reason: str, origin: Origin, comes_from: str
) -> None:
    def body(frame: Frame) -> None:
        shown = cells(frame.orders.model, "side", "type", "state", "origin")
        assert shown == ["Up", "end of contract", reason, comes_from]

    with_frame(body, closing(reason, origin))


@pytest.mark.parametrize(
    ("profit", "reason", "result"),
    [
        ("8.70", "won", "won +8.70 USD"),
        ("-10", "lost", "lost −10.00 USD"),
        ("0", "tied", "tied 0.00 USD"),
        ("-3.20", "sold back", "sold back −3.20 USD"),
    ],
)
def test_fills_tell_the_stake_and_how_it_ended(
    qapp: QApplication, profit: str, reason: str, result: str
) -> None:
    def body(frame: Frame) -> None:
        model = frame.orders.fills_model
        at = {str(model.rows[row].fill.fill_id): row for row in range(2)}
        begun = cells(model, "side", "quantity", "notional", "result", row=at["d1"])
        assert begun == ["Up", "10.00 USD", "", ""]
        ended = cells(model, "side", "quantity", "notional", "result", row=at["d1:end"])
        assert ended == ["Up", "10.00 USD", "", result]

    with_frame(body, opening(), closing(reason), fills=(fill(None), fill(profit)))


def test_marks_and_waiting_lines_of_the_chart_speak_of_stakes() -> None:
    assert mark_of(fill(None), 3, LISTED).text.startswith("Up 10.00 USD at 1.16000, ")
    assert mark_of(fill("8.70"), 3, LISTED).text.endswith(": +8.70 USD")
    waiting = opening(OrderState.OPEN)
    waiting.trigger_price = D("1.16100")
    (line,) = lines_of([waiting], LISTED)
    assert (line.price, line.chip.text) == (D("1.16100"), "10.00 USD waits")
    assert len(chips_of([waiting], D("0.00001"))) == 1


def test_the_past_tells_results_too() -> None:
    report = OrderReport(
        EURUSD, "d1:end", None, OrderState.FILLED, Side.SELL, OrderType.CONTRACT, D(10), D(10), D("1.16"),
        reduce_only=True, reason="lost",
    )  # fmt: skip
    row = PastOrder(report, "10.00 USD", 5)
    assert (row.side_text, row.type_text, row.state_words) == ("Up", "contract end", ("lost", "down"))
    begun = PastOrder(replace(report, reduce_only=False, side=Side.BUY, contract=TERMS), "10.00 USD", 5)
    assert (begun.side_text, begun.type_text, begun.state_words[0]) == ("Up", "contract 1 min", "taken")


def test_a_stake_in_doubt_is_not_free_and_one_that_waits_is() -> None:
    assert holds_of(opening(OrderState.IN_DOUBT), LISTED) == ("USD", D(10))
    assert holds_of(opening(OrderState.OPEN), LISTED) == ("USD", D(0))


def test_balances_say_what_is_staked(qapp: QApplication) -> None:
    def body(frame: Frame) -> None:
        frame.portfolio.open = [UP, replace(UP, position_id="d2", quantity=D(5))]
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        model = frame.account.balances
        at = next(row for row, each in enumerate(model.rows) if each.asset == "USD")
        assert cells(model, "held", row=at) == ["3206.01 + 15.00 staked"]
        other = next(row for row, each in enumerate(model.rows) if each.asset == "BTC")
        assert "staked" not in cells(model, "held", row=other)[0]
        assert "count as lost until they end" in frame.desk.day_tip
        frame.portfolio.open = [replace(UP, position_id="d3", currency="EUR")]
        frame.portfolio.changed.notify(ACCOUNT)
        frame.tick()
        assert cells(model, "held", row=at) == ["3206.01"]

    with_frame(body)


def test_the_ticket_says_taken_which_stays_true_when_it_has_ended() -> None:
    order = opening()
    order.average_price = D("1.16000")
    assert describe(order, LISTED) == (ResultKind.ACCEPTED, "Taken: up 10.00 USD at 1.16000.")
