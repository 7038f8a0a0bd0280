"""Sparse rows become whole reports; what cannot be read puts an order in doubt."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from terminal.domain.market import Side
from terminal.domain.orders import OrderReport, OrderState, OrderType, TimeInForce
from terminal.venues.kraken.executions import OrderTracker, Outcome, decode_executions
from terminal.venues.kraken.wire import WsExecution
from tests.unit.venues.kraken import samples

FULL: dict[str, Any] = {
    "order_id": "O1",
    "cl_ord_id": "PX1",
    "symbol": "BTC/USD",
    "side": "buy",
    "order_type": "limit",
    "order_qty": 2.0,
    "limit_price": 26500.4,
    "time_in_force": "GTC",
    "exec_type": "new",
    "order_status": "new",
    "timestamp": "2023-09-22T10:33:05.709950Z",
}


def row(**fields: Any) -> WsExecution:
    return msgspec.json.decode(msgspec.json.encode(fields), type=WsExecution)


def tracker() -> OrderTracker:
    return OrderTracker(samples.known_symbols())


def apply(known: OrderTracker, **fields: Any) -> Outcome:
    return known.apply(row(**fields), is_snapshot=False)


def report_of(outcome: Outcome) -> OrderReport:
    assert outcome.report is not None
    return outcome.report


def test_krakens_own_life_of_a_taker_fill() -> None:
    known = tracker()
    outcomes = [
        known.apply(item, is_snapshot=False)
        for frame in samples.EXECUTIONS
        for item in decode_executions(frame).data
    ]
    assert [report_of(outcome).state for outcome in outcomes] == [
        OrderState.PENDING_NEW,
        OrderState.OPEN,
        OrderState.PARTLY_FILLED,
        OrderState.FILLED,
    ]
    last = report_of(outcomes[-1])
    assert (last.side, last.order_type, last.quantity) == (Side.SELL, OrderType.LIMIT, Decimal("0.005"))
    assert (last.limit_price, last.filled_quantity) == (Decimal("26500.0"), Decimal("0.005"))
    assert last.average_price == Decimal("26599.9")
    assert last.time_in_force is TimeInForce.GTC
    fills = [outcome.fill for outcome in outcomes if outcome.fill is not None]
    assert len(fills) == 1
    fill = fills[0]
    assert (fill.fill_id, fill.price, fill.quantity) == (
        "TGBB7L-HT5LX-J3BZ4A",
        Decimal("26599.9"),
        Decimal("0.005"),
    )
    assert (fill.fee, fill.fee_asset, fill.is_maker) == (Decimal("0.3458"), "USD", False)


def test_a_canceled_order_says_why() -> None:
    known = tracker()
    apply(known, **{**FULL, "order_id": "OIBUY6-5UKLX-RAYVRF"})
    canceled = decode_executions(samples.EXECUTION_CANCELED).data[0]
    report = report_of(known.apply(canceled, is_snapshot=False))
    assert (report.state, report.reason) == (OrderState.CANCELED, "User requested")
    assert report.limit_price == Decimal("26500.4")
    assert report.average_price is None


def test_a_partial_fill_of_an_open_order_is_partly_filled_even_if_kraken_says_new() -> None:
    known = tracker()
    apply(known, **FULL)
    report = report_of(
        apply(known, order_id="O1", exec_type="iceberg_refill", order_status="new", cum_qty=0.5)
    )
    assert report.state is OrderState.PARTLY_FILLED


def test_an_amend_changes_only_what_it_names() -> None:
    known = tracker()
    apply(known, **FULL)
    report = report_of(
        apply(
            known, order_id="O1", exec_type="amended", order_status="new", order_qty=1.0, limit_price=26400.0
        )
    )
    assert (report.quantity, report.limit_price) == (Decimal("1.0"), Decimal("26400.0"))
    assert (report.client_order_id, report.side) == ("PX1", Side.BUY)


def test_a_sparse_row_of_an_unknown_order_asks_for_the_whole() -> None:
    outcome = apply(tracker(), order_id="O9", exec_type="canceled", order_status="canceled")
    assert outcome.report is None
    assert outcome.unknown_order == "O9"


@pytest.mark.fault(29)
def test_a_fill_of_an_unknown_order_is_real_all_the_same() -> None:
    frame = decode_executions(samples.EXECUTIONS[2]).data[0]
    outcome = tracker().apply(frame, is_snapshot=False)
    assert outcome.fill is not None
    assert outcome.unknown_order == "OK4GJX-KSTLS-7DZZO5"


@pytest.mark.fault(22)
def test_an_unknown_order_state_puts_the_order_in_doubt() -> None:
    known = tracker()
    apply(known, **FULL)
    outcome = apply(known, order_id="O1", exec_type="restated", order_status="frozen")
    assert report_of(outcome).state is OrderState.IN_DOUBT
    assert outcome.violation is not None
    assert "frozen" in report_of(outcome).reason
    settled = apply(known, order_id="O1", exec_type="canceled", order_status="canceled")
    assert report_of(settled).state is OrderState.CANCELED


@pytest.mark.fault(22)
def test_an_unknown_state_of_a_new_order_is_in_doubt_too() -> None:
    outcome = apply(tracker(), **{**FULL, "order_status": "quantum"})
    assert report_of(outcome).state is OrderState.IN_DOUBT
    assert report_of(outcome).client_order_id == "PX1"


@pytest.mark.fault(22)
def test_an_unknown_execution_type_with_a_known_state_is_read() -> None:
    known = tracker()
    apply(known, **FULL)
    report = report_of(apply(known, order_id="O1", exec_type="polished", order_status="new"))
    assert report.state is OrderState.OPEN


@pytest.mark.fault(20)
@pytest.mark.parametrize("field", ["cum_qty", "avg_price", "order_qty", "limit_price"])
@pytest.mark.parametrize("value", ["NaN", "1e999", "-1"])
def test_impossible_figures_put_the_order_in_doubt(field: str, value: str) -> None:
    known = tracker()
    apply(known, **FULL)
    outcome = apply(known, order_id="O1", exec_type="new", order_status="new", **{field: value})
    report = report_of(outcome)
    assert report.state is OrderState.IN_DOUBT
    assert report.quantity == Decimal("2.0")


@pytest.mark.fault(20)
def test_a_trade_without_its_id_is_no_fill_and_the_order_is_in_doubt() -> None:
    known = tracker()
    apply(known, **FULL)
    outcome = apply(
        known, order_id="O1", exec_type="trade", order_status="partially_filled", last_qty=1.0, last_price=5.0
    )
    assert outcome.fill is None
    assert report_of(outcome).state is OrderState.IN_DOUBT


def test_a_scheduled_order_in_the_snapshot_is_open() -> None:
    known = tracker()
    outcome = known.apply(row(**{**FULL, "order_status": "pending_new"}), is_snapshot=True)
    assert report_of(outcome).state is OrderState.OPEN


def test_trigger_orders_keep_their_terms() -> None:
    known = tracker()
    stop = {
        **FULL, "order_type": "stop-loss-limit",
        "triggers": {"reference": "index", "price": 26000.0, "price_type": "static", "status": "untriggered"},
    }  # fmt: skip
    report = report_of(apply(known, **stop))
    assert (report.order_type, report.trigger_price) == (OrderType.STOP_LIMIT, Decimal("26000.0"))
    assert not report.triggered
    fired = apply(
        known, order_id="O1", exec_type="status", order_status="new", triggers={"status": "triggered"}
    )
    assert report_of(fired).triggered
    assert report_of(fired).trigger_price == Decimal("26000.0")


def test_a_trailing_stop_has_an_offset_and_a_moving_trigger() -> None:
    known = tracker()
    trail = {
        **FULL, "order_type": "trailing-stop",
        "triggers": {"price": 1.5, "price_type": "pct", "actual_price": 26100.0, "status": "untriggered"},
    }  # fmt: skip
    report = report_of(apply(known, **trail))
    assert (report.trail_offset, report.trigger_price) == (Decimal("1.5"), Decimal("26100.0"))


@pytest.mark.parametrize(("side", "offset", "kind"), [("sell", -1.0, "quote"), ("buy", 1.5, "pct")])
def test_the_offset_of_a_trailing_stop_limit_is_no_limit_price(side: str, offset: float, kind: str) -> None:
    terms = {
        **FULL,
        "side": side,
        "order_type": "trailing-stop-limit",
        "limit_price": offset,
        "limit_price_type": kind,
    }
    report = report_of(apply(tracker(), **terms))
    assert report.state is OrderState.OPEN
    assert report.limit_price is None


def test_an_order_that_ended_stays_ended_when_an_older_row_comes_late() -> None:
    known = tracker()
    apply(known, **FULL)
    apply(known, order_id="O1", exec_type="filled", order_status="filled", cum_qty=2.0)
    late = report_of(apply(known, order_id="O1", exec_type="new", order_status="new", cum_qty=1.0))
    assert late.state is OrderState.FILLED
    assert late.filled_quantity == Decimal("2.0")


@pytest.mark.fault(27)
def test_any_order_of_rows_after_the_first_ends_in_the_same_order() -> None:
    rest: list[dict[str, Any]] = [
        {"order_id": "O1", "exec_type": "trade", "order_status": "partially_filled", "cum_qty": 0.5,
         "exec_id": "T1", "last_qty": 0.5, "last_price": 26500.0, "symbol": "BTC/USD", "side": "buy"},
        {"order_id": "O1", "exec_type": "trade", "order_status": "partially_filled", "cum_qty": 2.0,
         "exec_id": "T2", "last_qty": 1.5, "last_price": 26500.0, "symbol": "BTC/USD", "side": "buy"},
        {"order_id": "O1", "exec_type": "filled", "order_status": "filled", "cum_qty": 2.0},
    ]  # fmt: skip
    for order in itertools.permutations(rest):
        known = tracker()
        apply(known, **FULL)
        outcomes = [apply(known, **item) for item in order]
        final = known.report("O1")
        assert final is not None
        assert (final.state, final.filled_quantity) == (OrderState.FILLED, Decimal("2.0"))
        assert {outcome.fill.fill_id for outcome in outcomes if outcome.fill} == {"T1", "T2"}


def test_a_cash_order_has_its_amount_as_quantity() -> None:
    cash = {key: value for key, value in FULL.items() if key not in ("order_qty", "limit_price")}
    report = report_of(apply(tracker(), **{**cash, "order_type": "market", "cash_order_qty": 150.0}))
    assert report.quantity == Decimal("150.0")


def test_a_new_subscription_forgets_open_orders_and_keeps_ended_ones() -> None:
    known = tracker()
    apply(known, **FULL)
    apply(known, **{**FULL, "order_id": "O2", "exec_type": "canceled", "order_status": "canceled"})
    known.start_over()
    assert known.report("O1") is None
    assert known.report("O2") is not None


def test_an_id_of_ours_used_again_finds_the_newer_order() -> None:
    known = tracker()
    apply(known, **{**FULL, "exec_type": "filled", "order_status": "filled"})
    apply(known, **{**FULL, "order_id": "O2"})
    found = known.find("PX1")
    assert found is not None
    assert found.venue_order_id == "O2"
