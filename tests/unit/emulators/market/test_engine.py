"""The matching engine, rule by rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.instrument import MarketStatus
from terminal.domain.orders import OrderState, OrderType, TimeInForce, TriggerReference
from terminal.emulators.market.engine import CancelReason, EngineReject, RejectCode, SelfTrade
from tests.unit.emulators.market.kit import BUY, SELL, Bench, d


@pytest.fixture
def bench() -> Bench:
    return Bench()


def refused(code: RejectCode) -> Any:
    """Expect a refusal for this reason."""
    return pytest.raises(EngineReject, match=code.value)


# ---- matching ------------------------------------------------------------------------------------


def test_better_price_then_earlier_order_is_filled_first(bench: Bench) -> None:
    late_but_better = bench.order(SELL, "1", "99.0", account="c")
    first, second = bench.add(SELL, "1", "100.0", account="a"), bench.add(SELL, "1", "100.0", account="b")
    bench.engine.add(late_but_better)
    taker = bench.add(BUY, "2.5", "100.0", account="t")
    assert [(t.maker_order, t.price, t.quantity) for t in bench.diary.trades] == [
        (late_but_better, d("99.0"), d("1")),
        (first, d("100.0"), d("1")),
        (second, d("100.0"), d("0.5")),
    ]
    assert taker.status is OrderState.FILLED
    assert taker.average_price == d("99.6")
    assert bench.books() == ([], [("100.0", "0.5")])


def test_limit_order_rests_with_what_was_not_matched(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0", account="a")
    taker = bench.add(BUY, "3", "101.0", account="t")
    assert taker.status is OrderState.PARTLY_FILLED
    assert bench.books() == ([("101.0", "2")], [])


def test_events_of_a_taker_come_in_order(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0", account="a")
    bench.add(BUY, "1", "100.0", account="t")
    assert bench.diary.lines == ["accepted 1", "accepted 2", "trade 1 2 1@100.0", "filled 1", "filled 2"]


def test_market_order_takes_what_there_is_and_the_rest_is_canceled(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0", account="a")
    taker = bench.add(BUY, "3", account="t")
    assert (taker.status, taker.filled, taker.reason) == (
        OrderState.CANCELED,
        d("1"),
        CancelReason.NO_LIQUIDITY,
    )


def test_market_order_into_an_empty_side_is_refused(bench: Bench) -> None:
    with refused(RejectCode.NO_LIQUIDITY):
        bench.add(BUY, "1")


def test_cash_order_spends_no_more_than_its_cash(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0", account="a")
    bench.add(SELL, "1", "110.0", account="a")
    taker = bench.add(BUY, "0", account="t", quote_quantity=d("155"))
    assert taker.status is OrderState.FILLED
    assert taker.filled == d("1.5")
    assert taker.cost == d("155")


def test_cash_order_leaves_only_less_than_one_step_costs(bench: Bench) -> None:
    bench.add(SELL, "1", "333.3", account="a")
    taker = bench.add(BUY, "0", account="t", quote_quantity=d("100"))
    assert taker.status is OrderState.FILLED
    assert d("100") - d("333.3") * d("0.00000001") < taker.cost <= d("100")


def test_ioc_never_rests(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0", account="a")
    taker = bench.add(BUY, "2", "100.0", account="t", time_in_force=TimeInForce.IOC)
    assert (taker.status, taker.filled) == (OrderState.CANCELED, d("1"))
    assert bench.books() == ([], [])


def test_fok_fills_whole_or_not_at_all(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0", account="a")
    bench.add(SELL, "1", "101.0", account="a")
    too_much = bench.add(BUY, "2", "100.0", account="t", time_in_force=TimeInForce.FOK)
    assert (too_much.status, too_much.filled, too_much.reason) == (
        OrderState.CANCELED,
        d("0"),
        CancelReason.FOK,
    )
    enough = bench.add(BUY, "2", "101.0", account="t", time_in_force=TimeInForce.FOK)
    assert enough.status is OrderState.FILLED


def test_fok_counts_the_hidden_part_of_an_iceberg(bench: Bench) -> None:
    bench.add(SELL, "3", "100.0", account="a", kind=OrderType.ICEBERG, display_quantity=d("1"))
    assert (
        bench.add(BUY, "3", "100.0", account="t", time_in_force=TimeInForce.FOK).status is OrderState.FILLED
    )


def test_post_only_that_would_take_is_refused_and_changes_nothing(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0", account="a")
    with refused(RejectCode.POST_ONLY):
        bench.add(BUY, "1", "100.0", account="t", post_only=True)
    assert bench.books() == ([], [("100.0", "1")])
    assert bench.add(BUY, "1", "99.9", account="t", post_only=True).status is OrderState.OPEN


def test_gtd_expires_at_its_time_and_not_before(bench: Bench) -> None:
    expire = bench.clock.wall_ns() + 10_000_000_000
    order = bench.add(BUY, "1", "99.0", time_in_force=TimeInForce.GTD, expire_ns=expire)
    states = []
    for seconds in (9.9, 0.2):
        bench.clock.advance(seconds)
        bench.engine.advance(bench.clock.wall_ns())
        states.append(order.status)
    assert states == [OrderState.OPEN, OrderState.EXPIRED]
    assert bench.books() == ([], [])


def test_scheduled_order_sleeps_until_its_start(bench: Bench) -> None:
    order = bench.add(BUY, "1", "99.0", start_ns=bench.clock.wall_ns() + 5_000_000_000)
    assert bench.books() == ([], [])
    bench.clock.advance(5)
    bench.engine.advance(bench.clock.wall_ns())
    assert order.status is OrderState.OPEN
    assert bench.books() == ([("99.0", "1")], [])


# ---- icebergs ------------------------------------------------------------------------------------


def test_iceberg_shows_its_part_and_refills_behind_the_others(bench: Bench) -> None:
    ice = bench.add(SELL, "5", "100.0", account="ice", kind=OrderType.ICEBERG, display_quantity=d("2"))
    other = bench.add(SELL, "1", "100.0", account="b")
    assert bench.books()[1] == [("100.0", "3")]
    bench.add(BUY, "2", account="t")
    assert bench.engine.queue(SELL, 1000) == [other, ice]
    assert other.priority < ice.priority
    bench.add(BUY, "2", account="t")
    assert [(t.maker_order, t.quantity) for t in bench.diary.trades] == [
        (ice, d("2")),
        (other, d("1")),
        (ice, d("1")),
    ]
    assert bench.books()[1] == [("100.0", "1")]
    bench.add(BUY, "2", account="t")
    assert ice.status is OrderState.FILLED
    assert bench.books()[1] == []


def test_iceberg_that_grows_behind_its_visible_part_loses_its_place(bench: Bench) -> None:
    ice = bench.add(SELL, "5", "100.0", account="ice", kind=OrderType.ICEBERG, display_quantity=d("2"))
    other = bench.add(SELL, "1", "100.0", account="b")
    bench.engine.amend(ice, quantity=d("4"))
    assert bench.engine.queue(SELL, 1000) == [ice, other]
    bench.engine.amend(ice, quantity=d("6"))
    assert bench.engine.queue(SELL, 1000) == [other, ice]


@pytest.mark.parametrize("display", ["0.3", "6"])
def test_iceberg_must_show_between_a_fifteenth_and_all(bench: Bench, display: str) -> None:
    with refused(RejectCode.DISPLAY):
        bench.add(SELL, "5", "100.0", kind=OrderType.ICEBERG, display_quantity=d(display))


# ---- triggers ------------------------------------------------------------------------------------


def print_at(bench: Bench, price: str) -> None:
    """Make the market trade once at a price."""
    bench.add(SELL, "0.01", price, account="m1")
    bench.add(BUY, "0.01", price, account="m2", time_in_force=TimeInForce.IOC)


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "misses", "fires"),
    [
        (SELL, OrderType.STOP, "95.0", "95.1", "95.0"),
        (BUY, OrderType.STOP, "105.0", "104.9", "105.0"),
        (SELL, OrderType.TAKE_PROFIT, "105.0", "104.9", "105.0"),
        (BUY, OrderType.TAKE_PROFIT, "95.0", "95.1", "95.0"),
    ],
)
def test_trigger_fires_on_the_right_side_of_its_price(
    bench: Bench, side: Any, kind: OrderType, trigger: str, misses: str, fires: str
) -> None:
    print_at(bench, "100.0")
    order = bench.add(side, "1", account="ann", kind=kind, trigger_price=d(trigger))
    print_at(bench, misses)
    assert (order.status, order.triggered) == (OrderState.OPEN, False)
    bench.add(side.opposite, "1", "50.0" if side is SELL else "150.0", account="b")
    print_at(bench, fires) if side is BUY else print_below(bench, fires)
    assert order.triggered
    assert order.status is OrderState.FILLED


def print_below(bench: Bench, price: str) -> None:
    """Print at a price above a resting bid by hitting a better one."""
    bench.add(BUY, "0.01", price, account="m1")
    bench.add(SELL, "0.01", price, account="m2", time_in_force=TimeInForce.IOC)


def test_stop_limit_rests_at_its_limit_after_firing(bench: Bench) -> None:
    print_at(bench, "100.0")
    order = bench.add(SELL, "1", "94.0", kind=OrderType.STOP_LIMIT, trigger_price=d("95.0"))
    assert bench.books() == ([], [])
    print_at(bench, "94.5")
    assert order.triggered
    assert bench.books() == ([], [("94.0", "1")])


def test_trigger_already_met_fires_at_once(bench: Bench) -> None:
    print_at(bench, "100.0")
    bench.add(BUY, "1", "99.0", account="b")
    order = bench.add(SELL, "1", kind=OrderType.STOP, trigger_price=d("101.0"))
    assert order.status is OrderState.FILLED


def test_index_trigger_ignores_trades(bench: Bench) -> None:
    print_at(bench, "100.0")
    bench.engine.set_index(1000)
    bench.add(BUY, "1", "80.0", account="b")
    order = bench.add(
        SELL, "1", kind=OrderType.STOP, trigger_price=d("95.0"), trigger_reference=TriggerReference.INDEX
    )
    print_at(bench, "90.0")
    assert not order.triggered
    bench.engine.set_index(949)
    assert order.status is OrderState.FILLED


def test_trailing_stop_follows_the_peak_and_never_back(bench: Bench) -> None:
    print_at(bench, "100.0")
    order = bench.add(SELL, "1", kind=OrderType.TRAILING_STOP, trail_offset=d("5.0"))
    assert order.trigger_price == d("95.0")
    print_at(bench, "110.0")
    assert (order.peak, order.trigger_price) == (d("110.0"), d("105.0"))
    print_at(bench, "106.0")
    assert order.trigger_price == d("105.0")
    bench.add(BUY, "1", "90.0", account="b")
    print_below(bench, "105.0")
    assert order.status is OrderState.FILLED


def test_trailing_buy_in_percent_follows_the_trough(bench: Bench) -> None:
    print_at(bench, "100.0")
    order = bench.add(BUY, "1", kind=OrderType.TRAILING_STOP, trail_offset=d("10"), trail_in_percent=True)
    print_at(bench, "80.0")
    assert order.trigger_price == d("88.0")
    bench.add(SELL, "1", "90.0", account="b")
    print_below(bench, "88.0")
    assert order.status is OrderState.FILLED


def test_trailing_stop_limit_sets_its_limit_from_the_trigger(bench: Bench) -> None:
    print_at(bench, "100.0")
    order = bench.add(
        SELL, "1", kind=OrderType.TRAILING_STOP_LIMIT, trail_offset=d("5.0"), limit_offset=d("-1.0")
    )
    print_at(bench, "94.0")
    assert order.limit_price == d("94.0")
    assert bench.books() == ([], [("94.0", "1")])


def test_one_fired_stop_can_fire_the_next(bench: Bench) -> None:
    print_at(bench, "100.0")
    bench.add(BUY, "1", "95.0", account="b")
    bench.add(BUY, "1", "90.0", account="b")
    first = bench.add(SELL, "1", account="s1", kind=OrderType.STOP, trigger_price=d("99.0"))
    second = bench.add(SELL, "1", account="s2", kind=OrderType.STOP, trigger_price=d("96.0"))
    print_at(bench, "99.0")
    assert (first.average_price, second.average_price) == (d("95.0"), d("90.0"))


def test_firing_order_without_funds_is_canceled(bench: Bench) -> None:
    print_at(bench, "100.0")
    bench.engine.authorise = lambda order: False
    bench.add(BUY, "1", "90.0", account="b")
    order = bench.add(SELL, "1", kind=OrderType.STOP, trigger_price=d("99.0"))
    print_at(bench, "98.0")
    assert (order.status, order.reason) == (OrderState.CANCELED, CancelReason.FUNDS)


# ---- amend, cancel -------------------------------------------------------------------------------


def test_reducing_keeps_the_place_in_the_queue(bench: Bench) -> None:
    first, second = bench.add(SELL, "2", "100.0", account="a"), bench.add(SELL, "2", "100.0", account="b")
    bench.engine.amend(first, quantity=d("1"))
    assert bench.engine.queue(SELL, 1000) == [first, second]
    assert bench.books()[1] == [("100.0", "3")]


@pytest.mark.parametrize("terms", [{"quantity": d("3")}, {"limit_price": d("100.1")}])
def test_raising_or_moving_loses_the_place(bench: Bench, terms: dict[str, Decimal]) -> None:
    first, second = bench.add(SELL, "2", "100.0", account="a"), bench.add(SELL, "2", "100.0", account="b")
    bench.engine.amend(first, **terms)  # type: ignore[arg-type]
    bench.engine.amend(first, limit_price=d("100.0"), quantity=d("2.5"))
    assert bench.engine.queue(SELL, 1000) == [second, first]


def test_amend_keeps_the_id_and_what_was_filled(bench: Bench) -> None:
    order = bench.add(SELL, "2", "100.0", account="a")
    bench.add(BUY, "0.5", account="t")
    bench.engine.amend(order, quantity=d("3"), limit_price=d("101.0"))
    assert (order.order_id, order.filled, order.remaining) == (1, d("0.5"), d("2.5"))
    assert bench.books()[1] == [("101.0", "2.5")]


def test_amend_across_the_spread_matches(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0", account="a")
    order = bench.add(BUY, "2", "99.0", account="b")
    bench.engine.amend(order, limit_price=d("100.0"))
    assert order.filled == d("1")
    assert bench.books() == ([("100.0", "1")], [])


def test_post_only_order_cannot_be_amended_across_the_spread(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0", account="a")
    order = bench.add(BUY, "2", "99.0", account="b", post_only=True)
    with refused(RejectCode.POST_ONLY):
        bench.engine.amend(order, limit_price=d("100.0"))
    assert order.limit_price == d("99.0")


def test_amend_below_what_is_filled_cancels_the_rest(bench: Bench) -> None:
    order = bench.add(SELL, "2", "100.0", account="a")
    bench.add(BUY, "1", account="t")
    bench.engine.amend(order, quantity=d("0.5"))
    assert (order.status, order.filled, order.remaining) == (OrderState.CANCELED, d("1"), d("0"))


def test_trigger_price_can_move_until_it_fires(bench: Bench) -> None:
    print_at(bench, "100.0")
    order = bench.add(SELL, "1", "90.0", kind=OrderType.STOP_LIMIT, trigger_price=d("95.0"))
    bench.engine.amend(order, trigger_price=d("97.0"), limit_price=d("96.0"))
    print_at(bench, "97.0")
    assert order.triggered
    assert order.limit_price == d("96.0")
    with refused(RejectCode.NOT_AMENDABLE):
        bench.engine.amend(order, trigger_price=d("96.0"))


def test_refused_amends_leave_the_order_alone(bench: Bench) -> None:
    order = bench.add(BUY, "1", "99.0")
    for code, terms in (
        (RejectCode.NOTHING_TO_AMEND, {}),
        (RejectCode.NOT_AMENDABLE, {"trigger_price": d("98.0")}),
        (RejectCode.NOT_AMENDABLE, {"display_quantity": d("1")}),
        (RejectCode.TICK, {"limit_price": d("98.05")}),
        (RejectCode.STEP, {"quantity": d("0.000000001")}),
        (RejectCode.MINIMUM, {"quantity": d("0.00000001")}),
    ):
        with refused(code):
            bench.engine.amend(order, **terms)  # type: ignore[arg-type]
    assert (order.quantity, order.limit_price, order.amended) == (d("1"), d("99.0"), False)


def test_canceled_order_cannot_be_canceled_or_amended(bench: Bench) -> None:
    order = bench.add(BUY, "1", "99.0")
    bench.engine.cancel(order)
    with refused(RejectCode.UNKNOWN_ORDER):
        bench.engine.cancel(order)
    with refused(RejectCode.UNKNOWN_ORDER):
        bench.engine.amend(order, quantity=d("2"))


# ---- self-trade prevention -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "old_lives", "new_lives"),
    [
        (SelfTrade.CANCEL_NEWEST, True, False),
        (SelfTrade.CANCEL_OLDEST, False, True),
        (SelfTrade.CANCEL_BOTH, False, False),
    ],
)
def test_own_orders_never_meet(bench: Bench, mode: SelfTrade, old_lives: bool, new_lives: bool) -> None:
    old = bench.add(SELL, "1", "100.0")
    new = bench.add(BUY, "1", "100.0", self_trade=mode)
    assert bench.diary.trades == []
    assert (old.is_live, new.is_live) == (old_lives, new_lives)
    assert {one.reason for one in (old, new) if not one.is_live} == {CancelReason.SELF_TRADE}


def test_cancel_oldest_goes_on_to_the_orders_behind(bench: Bench) -> None:
    bench.add(SELL, "1", "100.0")
    behind = bench.add(SELL, "1", "100.0", account="b")
    new = bench.add(BUY, "1", "100.0", self_trade=SelfTrade.CANCEL_OLDEST)
    assert new.status is OrderState.FILLED
    assert behind.status is OrderState.FILLED


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "terms"),
    [
        (RejectCode.MINIMUM, {"quantity": "0.00004999"}),
        (RejectCode.COST_MINIMUM, {"quantity": "0.001"}),
        (RejectCode.TERMS, {"post_only": True, "time_in_force": TimeInForce.IOC}),
        (RejectCode.TERMS, {"time_in_force": TimeInForce.DAY}),
        (RejectCode.TERMS, {"display_quantity": d("1")}),
        (RejectCode.EXPIRY, {"time_in_force": TimeInForce.GTD}),
        (RejectCode.EXPIRY, {"time_in_force": TimeInForce.GTD, "expire_ns": 1}),
        (RejectCode.TERMS, {"quote_quantity": d("100"), "quantity": "1"}),
        (RejectCode.PRICE, {"kind": OrderType.STOP_LIMIT}),
        (RejectCode.PRICE, {"kind": OrderType.TRAILING_STOP_LIMIT}),
    ],
)
def test_terms_that_cannot_be_are_refused(bench: Bench, code: RejectCode, terms: dict[str, Any]) -> None:
    quantity = terms.pop("quantity", "1")
    with refused(code):
        bench.add(BUY, quantity, "100.0", **terms)
    assert bench.diary.lines == []


@pytest.mark.parametrize("text", ["NaN", "Infinity", "0", "-1"])
def test_impossible_numbers_are_refused(bench: Bench, text: str) -> None:
    with refused(RejectCode.QUANTITY):
        bench.order(BUY, text, "100.0")
    with refused(RejectCode.PRICE):
        bench.order(BUY, "1", text)


def test_numbers_off_the_grid_are_refused(bench: Bench) -> None:
    with refused(RejectCode.TICK):
        bench.order(BUY, "1", "100.05")
    with refused(RejectCode.STEP):
        bench.order(BUY, "0.000000015", "100.0")


def test_market_modes_let_through_what_they_say(bench: Bench) -> None:
    resting = bench.add(BUY, "1", "99.0")
    bench.engine.status = MarketStatus.POST_ONLY
    with refused(RejectCode.MARKET_STATUS):
        bench.add(BUY, "1", "98.0")
    assert bench.add(BUY, "1", "98.0", post_only=True).is_live
    bench.engine.status = MarketStatus.LIMIT_ONLY
    with refused(RejectCode.MARKET_STATUS):
        bench.add(SELL, "1")
    bench.engine.status = MarketStatus.CANCEL_ONLY
    with refused(RejectCode.MARKET_STATUS):
        bench.engine.amend(resting, quantity=d("2"))
    bench.engine.cancel(resting)
    assert resting.status is OrderState.CANCELED
