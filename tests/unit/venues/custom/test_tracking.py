"""Fills out of growing totals, and which order is the lost one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.core.clock import ManualClock
from terminal.domain.events import FillReported, OrderReported, VenueEvent
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderState, OrderType
from terminal.venues.custom import wire
from terminal.venues.custom.options import read_options
from terminal.venues.custom.symbols import SymbolTable
from terminal.venues.custom.tracking import Lost, Tracker

D = Decimal
REQUEST = OrderRequest(
    InstrumentId("custom", "ETH/USDT"), Side.BUY, OrderType.LIMIT, D("0.25"), limit_price=D(1005)
)


def instrument() -> Instrument:
    return SymbolTable(read_options({"symbols": "ETH_USDT"})).instruments()[0]


class Bench:
    """A tracker and what it told."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.events: list[VenueEvent] = []
        self.faults: list[str] = []
        self.tracker = Tracker(self.clock, self.events.append, self.faults.append)
        self.instrument = instrument()

    def open(self, *rows: dict[str, Any]) -> None:
        self.clock.advance(1)
        found = [row(**each) for each in rows]
        self.tracker.take_open(self.instrument, found, self.clock.monotonic_ns())

    def ended(self, *rows: dict[str, Any]) -> None:
        self.clock.advance(1)
        found = [row(**each) for each in rows]
        self.tracker.take_ended(self.instrument, found, self.clock.monotonic_ns())

    def lose(self, client_id: str = "ours", request: OrderRequest = REQUEST) -> None:
        self.clock.advance(1)
        before = self.tracker.ids_of("ETH/USDT")
        self.tracker.lose(Lost(client_id, request, before, self.clock.monotonic_ns()))

    @property
    def fills(self) -> list[tuple[str, Decimal, Decimal]]:
        found = [event.fill for event in self.events if isinstance(event, FillReported)]
        return [(fill.fill_id, fill.quantity, fill.price) for fill in found]

    @property
    def reports(self) -> list[Any]:
        return [event.report for event in self.events if isinstance(event, OrderReported)]


def row(**terms: Any) -> wire.OrderRow:
    return wire.order_row(
        {"id": "1", "symbol": "ETH_USDT", "amount": "0.25", "price": "1005", "deal_amount": "0",
         "avg_price": "0", "type": "buy", "status": "pending", **terms}
    )  # fmt: skip


def test_fills_are_the_growth_of_the_total_at_the_price_of_the_increment() -> None:
    bench = Bench()
    bench.tracker.own("1", "ours", REQUEST, bench.instrument)
    bench.open({})
    bench.open({"deal_amount": "0.10", "avg_price": "1004", "status": "partial-filled"})
    bench.open({"deal_amount": "0.1", "avg_price": "1004", "status": "partial-filled"})
    bench.open({"deal_amount": "0.25", "avg_price": "1004.6", "status": "filled"})
    assert bench.fills == [("1:0.1", D("0.1"), D(1004)), ("1:0.25", D("0.15"), D(1005))]
    assert [report.state for report in bench.reports] == [
        OrderState.OPEN,
        OrderState.PARTLY_FILLED,
        OrderState.FILLED,
    ]
    fill = bench.tracker.fills_since(0)[0]
    assert (fill.fee, fill.is_maker, fill.client_order_id) == (None, None, "ours")


def test_without_an_average_the_limit_is_the_price_and_a_market_order_has_none() -> None:
    bench = Bench()
    bench.tracker.own("1", "ours", REQUEST, bench.instrument)
    bench.open({"deal_amount": "0.25", "status": "filled"})
    assert bench.fills == [("1:0.25", D("0.25"), D(1005))]
    at_market = OrderRequest(REQUEST.instrument, Side.SELL, OrderType.MARKET, D("0.25"))
    bench.tracker.own("2", "mine", at_market, bench.instrument)
    bench.open({"id": "2", "price": 0, "deal_amount": "0.25", "status": "filled", "type": "sell"})
    assert len(bench.fills) == 1, "a fill without a price is no fill"
    assert (bench.reports[-1].filled_quantity, bench.reports[-1].average_price) == (D("0.25"), None)


def test_what_was_filled_before_anyone_looked_is_in_the_total_and_not_a_fill() -> None:
    bench = Bench()
    bench.open({"deal_amount": "0.1", "avg_price": "1004", "status": "partial-filled"})
    assert bench.reports[0].filled_quantity == D("0.1")
    assert bench.fills == []
    bench.open({"deal_amount": "0.2", "avg_price": "1004.5", "status": "partial-filled"})
    assert bench.fills == [("1:0.2", D("0.1"), D(1005))]


def test_a_total_that_shrinks_takes_nothing_back() -> None:
    bench = Bench()
    bench.tracker.own("1", "ours", REQUEST, bench.instrument)
    bench.open({"deal_amount": "0.2", "avg_price": "1004"})
    bench.open({"deal_amount": "0.1", "avg_price": "1004"})
    assert bench.reports[-1].filled_quantity == D("0.2")
    assert len(bench.fills) == 1
    assert bench.faults


@settings(max_examples=60)
@given(
    parts=st.lists(
        st.tuples(
            st.decimals(min_value=D("0.001"), max_value=D(5), places=3),
            st.decimals(min_value=D(1), max_value=D(5000), places=2),
        ),
        min_size=1,
        max_size=6,
    ),
    seen=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_whichever_totals_are_seen_the_fills_add_up(
    parts: list[tuple[Decimal, Decimal]], seen: list[bool]
) -> None:
    bench = Bench()
    bench.tracker.own("1", "ours", REQUEST, bench.instrument)
    total = sum((quantity for quantity, _ in parts), D(0))
    dealt = paid = D(0)
    for number, (quantity, price) in enumerate(parts):
        dealt, paid = dealt + quantity, paid + quantity * price
        is_last = number + 1 == len(parts)
        if seen[number] or is_last:
            status = "filled" if is_last else "partial-filled"
            terms = {"amount": str(total), "deal_amount": str(dealt), "avg_price": str(paid / dealt)}
            bench.open({**terms, "status": status})
            bench.open({**terms, "status": status})
    assert sum(quantity for _, quantity, _ in bench.fills) == total
    assert abs(sum(quantity * price for _, quantity, price in bench.fills) - paid) < D("1e-6")
    assert len({fill_id for fill_id, _, _ in bench.fills}) == len(bench.fills)


def test_the_only_new_order_that_fits_is_the_lost_one() -> None:
    bench = Bench()
    bench.open({"id": "old"})
    bench.lose()
    bench.open({"id": "old"}, {"id": "new"})
    assert bench.tracker.id_of("ours") is None, "it may be somebody's, and ours filled at once"
    assert [report.venue_order_id for report in bench.reports] == ["old"], "nor is it told as somebody's yet"
    bench.ended()
    assert bench.reports[-1].venue_order_id == "new"
    assert bench.reports[-1].client_order_id == "ours"
    assert bench.tracker.id_of("ours") == "new"
    assert bench.tracker.lost("ours") is None


def test_the_lost_order_is_found_among_the_ended_ones_with_its_fill() -> None:
    bench = Bench()
    bench.ended({"id": "old", "status": "filled", "deal_amount": "0.25", "avg_price": "1"})
    bench.lose()
    bench.ended(
        {"id": "old", "status": "filled", "deal_amount": "0.25", "avg_price": "1"},
        {"id": "new", "status": "filled", "deal_amount": "0.25", "avg_price": "1004"},
    )
    assert bench.reports == []
    bench.open()
    assert [report.client_order_id for report in bench.reports] == ["ours"]
    assert bench.fills == [("new:0.25", D("0.25"), D(1004))]


@pytest.mark.parametrize(
    "listed",
    [
        [{"id": "old"}],
        [{"id": "old"}, {"id": "a"}, {"id": "b"}],
        [{"id": "old"}, {"id": "a", "type": "sell"}],
        [{"id": "old"}, {"id": "a", "price": "1004"}],
        [{"id": "old"}, {"id": "a", "amount": "0.24"}],
        [{"id": "old"}, {"id": "a", "price": 0}],
    ],
)
def test_an_order_that_was_there_or_fits_not_or_fits_with_another_is_not_taken(
    listed: list[dict[str, Any]],
) -> None:
    bench = Bench()
    bench.open({"id": "old"})
    bench.lose()
    bench.open(*listed)
    bench.ended()
    assert bench.tracker.id_of("ours") is None
    assert all(report.client_order_id is None for report in bench.reports)


def test_one_new_order_is_not_taken_for_two_lost_ones() -> None:
    bench = Bench()
    bench.lose("first")
    bench.lose("second")
    bench.open({"id": "a"})
    bench.ended()
    assert bench.tracker.id_of("first") is bench.tracker.id_of("second") is None


def test_a_list_from_before_the_sending_proves_nothing() -> None:
    bench = Bench()
    began_ns = bench.clock.monotonic_ns()
    bench.lose()
    bench.tracker.take_open(bench.instrument, [row(id="a")], began_ns)
    bench.ended()
    assert bench.tracker.id_of("ours") is None
    # Nor is an old list of ended orders the second half of the proof.
    bench.tracker.take_ended(bench.instrument, [], began_ns)
    bench.open({"id": "b"})
    assert bench.tracker.id_of("ours") is None


@pytest.mark.parametrize("first", ["open", "ended"])
def test_one_that_rests_and_one_that_ended_are_two_that_fit(first: str) -> None:
    bench = Bench()
    bench.lose()
    looks = {
        "open": lambda: bench.open({"id": "a"}),
        "ended": lambda: bench.ended(
            {"id": "b", "status": "filled", "deal_amount": "0.25", "avg_price": "1004"}
        ),
    }
    for name in sorted(looks, key=lambda name: name != first):
        looks[name]()
    looks[first]()
    assert bench.tracker.id_of("ours") is None
    assert bench.tracker.lost("ours") is not None
    assert bench.fills == []
    assert [(each.venue_order_id, each.client_order_id) for each in bench.reports] == [("a", None)]
    # What rests is gone: what is left may be either, and is not guessed at.
    bench.open()
    bench.ended(
        {"id": "a", "status": "canceled"},
        {"id": "b", "status": "filled", "deal_amount": "0.25", "avg_price": "1004"},
    )
    assert bench.tracker.id_of("ours") is None


def test_without_a_list_of_ended_orders_the_open_ones_must_do() -> None:
    bench = Bench()
    bench.tracker.has_history = False
    bench.lose()
    bench.open({"id": "new"})
    assert bench.tracker.id_of("ours") == "new"


def test_much_later_a_like_order_is_somebodys_second_thought() -> None:
    bench = Bench()
    bench.lose()
    bench.clock.advance(16 * 60)
    bench.open({"id": "a"})
    bench.ended()
    assert bench.tracker.id_of("ours") is None


def test_an_order_that_turns_up_before_its_answer_waits_for_it() -> None:
    bench = Bench()
    bench.tracker.begin_send("ETH/USDT")
    bench.open({"id": "new"})
    assert bench.reports == []
    bench.tracker.own("new", "ours", REQUEST, bench.instrument)
    bench.tracker.end_send("ETH/USDT")
    bench.open({"id": "new"})
    assert [report.client_order_id for report in bench.reports] == ["ours"]


def test_what_is_on_its_way_now_is_not_taken_for_what_was_lost_before() -> None:
    bench = Bench()
    bench.lose("first")
    bench.tracker.begin_send("ETH/USDT")
    bench.open({"id": "new"})
    bench.tracker.own("new", "second", REQUEST, bench.instrument)
    bench.tracker.end_send("ETH/USDT")
    bench.open({"id": "new"})
    assert [report.client_order_id for report in bench.reports] == ["second"]
    assert bench.tracker.id_of("first") is None


def test_ended_strangers_are_kept_and_not_told_wherever_they_are_listed() -> None:
    bench = Bench()
    bench.ended({"id": "old", "status": "canceled"})
    bench.open({"id": "odd", "status": "filled", "deal_amount": "0.25"}, {"id": "new"})
    assert [report.venue_order_id for report in bench.reports] == ["new"]
    assert {known.order_id for known in bench.tracker.ended_since(0)} == {"old", "odd"}
    assert bench.fills == []
