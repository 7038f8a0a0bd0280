"""Order states from facts: every interleaving of the same history ends in the same order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.contracts import ContractTerms, ExpiryMode
from terminal.domain.market import Side
from terminal.domain.orders import (
    Fill,
    Order,
    OrderReport,
    OrderRequest,
    OrderState,
    OrderType,
    Origin,
    can_move,
)
from terminal.services.journal_codec import decode_fill, decode_order, encode_fill, encode_order
from terminal.services.order_tracking import DoubtKind, Facts, OrderTable
from tests.unit.services.order_fakes import ACCOUNT, BTC_USD, INSTRUMENT, limit_order

D = Decimal
OURS = "c" * 32
Step = Callable[[OrderTable], object]


def new_order(quantity: str = "1") -> Order:
    request = limit_order(quantity=quantity)
    return Order(OURS, ACCOUNT, request, OrderState.PENDING_NEW, 1, 1, quantity=D(quantity))


def report(state: OrderState, filled: str = "0", *, at: int, quantity: str = "1") -> OrderReport:
    request = limit_order()
    return OrderReport(
        BTC_USD,
        "O1",
        OURS,
        state,
        request.side,
        request.order_type,
        D(quantity),
        D(filled),
        D(60_000) if D(filled) else None,
        limit_price=request.limit_price,
        ts_event_ns=at,
    )


def fill(number: int, quantity: str) -> Fill:
    request = limit_order()
    return Fill(
        f"T{number}", BTC_USD, request.side, D(60_000), D(quantity), D(1), "USD", True, "O1", OURS, number
    )


def says(*items: OrderReport | Fill) -> Step:
    def step(table: OrderTable) -> None:
        for item in items:
            if isinstance(item, Fill):
                table.apply_fill(ACCOUNT, item, 9)
            else:
                table.apply_report(ACCOUNT, item, 9)

    return step


def answer(table: OrderTable) -> None:
    table.accept(table.orders[OURS], "O1", 9)


def cancel_answer(table: OrderTable) -> None:
    """The yes to a cancel: it was sent; the end is the venue's to report."""
    table.facts[OURS].cancel_sent = True
    table.refresh(table.orders[OURS], 9)


def play(steps: Sequence[Step]) -> tuple[object, ...]:
    table = OrderTable()
    order = new_order()
    table.add(order)
    for step in steps:
        before = order.state
        step(table)
        assert can_move(before, order.state)
    return order.state, order.filled_quantity, order.average_price, order.fees, order.venue_order_id


CANCELED_HALF_WAY: list[Step] = [
    answer,
    says(fill(1, "0.4"), report(OrderState.PARTLY_FILLED, "0.4", at=2)),
    says(report(OrderState.PARTLY_FILLED, "0.7", at=3), fill(2, "0.3")),
    says(report(OrderState.CANCELED, "0.7", at=4)),
]
FILLED_BEFORE_THE_CANCEL: list[Step] = [
    answer,
    says(fill(1, "0.4"), report(OrderState.PARTLY_FILLED, "0.4", at=2)),
    says(fill(2, "0.6"), report(OrderState.FILLED, "1", at=3)),
    cancel_answer,
]


@pytest.mark.fault(27)
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_all_orderings_of_answer_partial_fill_and_cancel_agree(order: tuple[int, ...]) -> None:
    fees = {"USD": D(2)}
    assert play([CANCELED_HALF_WAY[i] for i in order]) == (
        OrderState.CANCELED,
        D("0.7"),
        D(60_000),
        fees,
        "O1",
    )
    assert play([FILLED_BEFORE_THE_CANCEL[i] for i in order]) == (
        OrderState.FILLED,
        D(1),
        D(60_000),
        fees,
        "O1",
    )


EVENTS: list[Step] = [
    answer,
    says(report(OrderState.PENDING_NEW, at=1)),
    says(report(OrderState.OPEN, at=2)),
    says(fill(1, "0.4")),
    says(report(OrderState.PARTLY_FILLED, "0.4", at=3)),
    says(fill(2, "0.3")),
    says(report(OrderState.PARTLY_FILLED, "0.7", at=4)),
    says(report(OrderState.PENDING_CANCEL, "0.7", at=5)),
    says(report(OrderState.CANCELED, "0.7", at=6)),
]


@given(
    shuffled=st.permutations(range(len(EVENTS))),
    repeated=st.lists(st.integers(0, len(EVENTS) - 1), max_size=6),
)
def test_any_interleaving_with_repetitions_ends_the_same(shuffled: list[int], repeated: list[int]) -> None:
    steps = [EVENTS[index] for index in (*shuffled, *repeated)]
    assert play(steps) == (OrderState.CANCELED, D("0.7"), D(60_000), {"USD": D(2)}, "O1")


@given(
    quantities=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    data=st.data(),
    cut=st.integers(0, 12),
)
def test_a_restart_in_the_middle_changes_nothing(
    quantities: list[int], data: st.DataObject, cut: int
) -> None:
    total = str(sum(quantities))
    events: list[OrderReport | Fill] = []
    filled = 0
    for number, quantity in enumerate(quantities):
        filled += quantity
        state = OrderState.FILLED if str(filled) == total else OrderState.PARTLY_FILLED
        events += [fill(number, str(quantity)), report(state, str(filled), at=number, quantity=total)]
    shuffled = data.draw(st.permutations(events))
    table = OrderTable()
    table.add(new_order(total))
    rows = []
    for item in shuffled[:cut]:
        says(item)(table)
        if isinstance(item, Fill):
            rows.append(encode_fill(ACCOUNT, OURS, item))
    order, facts = decode_order(encode_order(table.orders[OURS], table.facts[OURS]))
    table = OrderTable()
    table.add(order, facts)
    for row in rows:
        assert decode_fill(row)._replace(client_order_id=OURS).fill_id == row.fill_id
        table.remember_fill(row.account, row.fill_id)
    for item in shuffled:
        says(item)(table)
    assert order.state is OrderState.FILLED
    assert order.filled_quantity == D(total)
    assert order.fees == {"USD": D(len(quantities))}


def test_filled_by_our_count_opens_again_when_the_venue_knows_of_more() -> None:
    table = OrderTable()
    order = new_order()
    table.add(order)
    says(fill(1, "1"))(table)
    assert order.state is OrderState.FILLED
    says(report(OrderState.PARTLY_FILLED, "1", at=5, quantity="2"))(table)
    assert (order.state, order.remaining) == (OrderState.PARTLY_FILLED, D(1))


def test_a_late_report_with_old_terms_does_not_bring_them_back() -> None:
    table = OrderTable()
    order = new_order()
    table.add(order)
    says(replace(report(OrderState.OPEN, at=5), limit_price=D(59_000)))(table)
    says(replace(report(OrderState.OPEN, at=4), limit_price=D(58_000)))(table)
    assert order.limit_price == D(59_000)


def test_a_fill_voids_a_reported_rejection_in_either_order() -> None:
    for steps in itertools.permutations([says(report(OrderState.REJECTED, at=1)), says(fill(1, "0.4"))]):
        assert play(steps)[0] is OrderState.PARTLY_FILLED


def test_the_same_id_in_another_account_is_a_stranger() -> None:
    table = OrderTable()
    table.add(new_order())
    table.apply_report("kraken:live", report(OrderState.OPEN, at=1), 9)
    assert table.orders[OURS].state is OrderState.PENDING_NEW
    assert len(table.orders) == 2


def test_an_id_is_never_entered_twice() -> None:
    table = OrderTable()
    table.add(new_order())
    with pytest.raises(ValueError, match="in use"):
        table.add(new_order())


def test_doubts_survive_the_journal() -> None:
    facts = Facts(doubts={DoubtKind.CANCEL, DoubtKind.AMEND}, cancel_sent=True, known=True)
    _, again = decode_order(encode_order(new_order(), facts))
    assert again == facts


def test_which_bot_sent_an_order_survives_the_journal() -> None:
    order = new_order()
    order.request = replace(order.request, origin=Origin.BRIDGE, origin_name="grid bot")
    row = encode_order(order, Facts())
    again, _ = decode_order(row)
    assert (again.origin, again.request.origin_name) == (Origin.BRIDGE, "grid bot")
    older = row._replace(
        document=row.document.replace('"origin_name":"grid bot",', "").replace(
            ',"origin_name":"grid bot"', ""
        )
    )
    assert decode_order(older)[0].request.origin_name == ""


def test_a_fee_and_a_role_that_the_venue_does_not_tell_stay_unknown() -> None:
    untold = fill(1, "0.5")._replace(fee=None, is_maker=None)
    assert decode_fill(encode_fill(ACCOUNT, OURS, untold)) == untold
    table = OrderTable()
    table.add(new_order())
    table.apply_fill(ACCOUNT, untold, 9)
    assert table.orders[OURS].filled_quantity == D("0.5")
    assert table.orders[OURS].fees == {}


def inverse_table() -> OrderTable:
    inverse = replace(INSTRUMENT, base="USD", is_inverse=True)
    return OrderTable(lambda instrument: inverse if instrument == BTC_USD else None)


def test_a_contract_that_was_taken_has_the_payout_that_the_venue_booked() -> None:
    table = OrderTable()
    terms = ContractTerms(ExpiryMode.TIMED, 600, D(84))
    request = OrderRequest(BTC_USD, Side.BUY, OrderType.CONTRACT, D(5), contract=terms)
    table.add(Order(OURS, ACCOUNT, request, OrderState.PENDING_NEW, 1, 1, quantity=D(5)))
    taken = report(OrderState.FILLED, "5", at=2, quantity="5")
    booked = replace(terms, payout_pct=D(90))
    waits = replace(taken, state=OrderState.OPEN, filled_quantity=D(0), contract=booked)
    table.apply_report(ACCOUNT, waits, 9)
    assert table.orders[OURS].request.contract == terms, "nothing is booked while it waits"
    table.apply_fill(ACCOUNT, fill(1, "5"), 9)
    effect = table.apply_report(ACCOUNT, replace(taken, contract=booked), 9)
    assert effect.changed
    kept, _ = decode_order(encode_order(table.orders[OURS], table.facts[OURS]))
    assert kept.request.contract == booked


def dollars(number: int, price: str, quantity: str) -> Fill:
    return fill(number, quantity)._replace(price=D(price), fee=D("0.00001"), fee_asset="BTC")


def test_fills_of_an_inverse_contract_are_averaged_by_coins_also_over_a_restart() -> None:
    table = inverse_table()
    table.add(new_order("4000"))
    table.apply_fill(ACCOUNT, dollars(1, "50000", "3000"), 9)
    assert table.orders[OURS].average_price == 50_000
    kept = encode_order(table.orders[OURS], table.facts[OURS])
    table = inverse_table()
    table.add(*decode_order(kept))
    table.apply_fill(ACCOUNT, dollars(2, "40000", "1000"), 9)
    order = table.orders[OURS]
    assert order.state is OrderState.FILLED
    # 3000 at 50 000 are 0.06 BTC, 1000 at 40 000 are 0.025: 4000 / 0.085.
    assert order.average_price is not None
    assert order.average_price.quantize(D("0.0001")) == D("47058.8235")
    assert order.fees == {"BTC": D("0.00002")}


def test_an_order_kept_before_coins_were_counted_falls_back_to_the_plain_mean() -> None:
    table = inverse_table()
    table.add(new_order("4000"))
    table.apply_fill(ACCOUNT, dollars(1, "50000", "3000"), 9)
    kept = encode_order(table.orders[OURS], table.facts[OURS])
    older = kept._replace(document=kept.document.replace('"fills_turned":"0.06"', '"fills_turned":"0"'))
    assert older != kept
    table = inverse_table()
    table.add(*decode_order(older))
    table.apply_fill(ACCOUNT, dollars(2, "40000", "1000"), 9)
    assert table.orders[OURS].average_price == 47_500


def test_fills_alone_of_an_inverse_contract_are_averaged_by_coins_too() -> None:
    table = inverse_table()
    for each in (dollars(1, "50000", "3000"), dollars(2, "40000", "1000")):
        table.apply_fill(ACCOUNT, each._replace(client_order_id=None), 9)
    listed = table.release((ACCOUNT, "O1"), None, 9).order
    assert listed is not None
    assert listed.average_price is not None
    assert listed.average_price.quantize(D("0.0001")) == D("47058.8235")
