"""What must hold of the matching engine after any history of orders, amends and cancels."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terminal.domain.orders import OrderState, OrderType, TimeInForce
from terminal.emulators.market.engine import EngineOrder, EngineReject, SelfTrade
from tests.unit.emulators.market.kit import BUY, SELL, Bench

PRICES = st.integers(997, 1003).map(lambda ticks: Decimal(ticks).scaleb(-1))
QUANTITIES = st.integers(1, 40).map(lambda tenths: Decimal(tenths) / 10)
KINDS = st.sampled_from(
    [OrderType.LIMIT] * 5
    + [
        OrderType.MARKET,
        OrderType.ICEBERG,
        OrderType.STOP,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP,
    ]
)
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["add"] * 6 + ["amend", "amend", "cancel"]),
        st.sampled_from([BUY, SELL]),
        KINDS,
        PRICES,
        QUANTITIES,
        st.sampled_from(["ann", "bob", "cyd"]),
        st.sampled_from([TimeInForce.GTC] * 4 + [TimeInForce.IOC, TimeInForce.FOK]),
        st.sampled_from(list(SelfTrade)),
        st.booleans(),
        st.integers(0, 50),
    ),
    min_size=12,
    max_size=60,
)


def act(bench: Bench, orders: list[EngineOrder], action: Any) -> None:
    """Do one action; refusals are part of the game."""
    what, side, kind, price, quantity, account, force, self_trade, flag, pick = action
    with contextlib.suppress(EngineReject):
        if what == "add":
            terms: dict[str, Any] = {"self_trade": self_trade}
            if kind is OrderType.ICEBERG:
                terms["display_quantity"] = max(Decimal("0.1"), quantity / 5)
            if kind.has_trigger:
                terms["trigger_price"] = price
            if kind.has_trail:
                terms["trail_offset"] = Decimal("0.5")
            if kind is OrderType.LIMIT:
                terms["time_in_force"] = force
                terms["post_only"] = flag and force is TimeInForce.GTC
            limit = str(price) if kind.has_limit_price else None
            order = bench.order(side, str(quantity), limit, account=account, kind=kind, **terms)
            bench.engine.add(order)
            orders.append(order)
        elif orders:
            order = orders[pick % len(orders)]
            if what == "cancel":
                bench.engine.cancel(order)
            elif flag:
                bench.engine.amend(order, quantity=quantity)
            else:
                bench.engine.amend(order, limit_price=price, quantity=quantity if pick % 2 else None)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTIONS)
def test_invariants_hold_after_every_action(actions: list[Any]) -> None:
    bench = Bench()
    engine = bench.engine
    orders: list[EngineOrder] = []
    for action in actions:
        before = len(bench.diary.trades)
        act(bench, orders, action)
        bid, ask = engine.best_ticks()
        assert not (bid and ask and bid >= ask), "the book is crossed"
        for side in (BUY, SELL):
            told = bench.diary.levels[side]
            actual = {level.price: level.quantity for level in engine.book(10_000)[0 if side is BUY else 1]}
            assert told == actual, "the level events tell another book"
            for queue in engine.orders_by_level(side, 10_000):
                assert queue, "an empty price is kept"
                assert [one.priority for one in queue] == sorted(one.priority for one in queue)
                told_ids = bench.diary.queues[(side, queue[0].limit_price)]
                assert told_ids == [one.order_id for one in queue], "the level 3 events tell another queue"
        for trade in bench.diary.trades[before:]:
            assert trade.maker_order.account != trade.taker_order.account, "an account met itself"
            limit = trade.taker_order.limit_price
            if trade.taker_order.order_type.has_limit_price and limit is not None:
                assert (limit - trade.price) * trade.taker_side.sign >= 0, "worse than the limit"
    # Quantity is conserved: what buyers got is what sellers gave is what the tape says.
    taped = sum((trade.quantity for trade in bench.diary.trades), start=Decimal(0))
    for side in (BUY, SELL):
        assert sum((one.filled for one in orders if one.side is side), start=Decimal(0)) == taped
    for order in orders:
        mine = [t for t in bench.diary.trades if order in (t.maker_order, t.taker_order)]
        assert order.filled == sum((t.quantity for t in mine), start=Decimal(0))
        assert order.cost == sum((t.quantity * t.price for t in mine), start=Decimal(0))
        assert (order.order_id in engine.orders) == order.is_live
        assert Decimal(0) <= order.filled <= order.quantity
        if order.status is OrderState.FILLED:
            assert order.filled == order.quantity


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(QUANTITIES, st.sampled_from(["ann", "bob", "cyd"])), min_size=1, max_size=8),
    QUANTITIES,
)
def test_orders_at_one_price_fill_strictly_in_turn(queue: list[tuple[Decimal, str]], taken: Decimal) -> None:
    bench = Bench()
    resting = [bench.add(SELL, str(quantity), "100.0", account=account) for quantity, account in queue]
    bench.add(BUY, str(taken), "100.0", account="taker")
    left = taken
    for order in resting:
        expected = min(left, order.quantity)
        assert order.filled == expected
        left -= expected


@settings(max_examples=80, deadline=None)
@given(
    st.integers(10, 60),
    st.integers(1, 15),
    st.lists(QUANTITIES, max_size=12),
)
def test_iceberg_total_is_what_it_was_and_it_never_shows_more_than_its_part(
    tenths: int, parts: int, takes: list[Decimal]
) -> None:
    bench = Bench()
    total = Decimal(tenths) / 10
    display = (total / parts).quantize(Decimal("0.00000001"))
    if display * 15 < total:
        display += Decimal("0.00000001")
    ice = bench.add(
        SELL, str(total), "100.0", account="ice", kind=OrderType.ICEBERG, display_quantity=display
    )
    for quantity in takes:
        with contextlib.suppress(EngineReject):
            bench.add(BUY, str(quantity), account="taker")
        assert ice.visible <= display
        assert ice.visible == min(ice.visible, ice.remaining)
        assert bool(ice.visible) == bool(ice.remaining)
    assert ice.filled == min(total, sum(takes, start=Decimal(0)))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), QUANTITIES), min_size=1, max_size=10))
def test_only_a_reduction_keeps_the_place(changes: list[tuple[int, Decimal]]) -> None:
    bench = Bench()
    orders = [bench.add(SELL, "2", "100.0", account=f"a{i}") for i in range(4)]
    expected = list(orders)
    for index, quantity in changes:
        order = orders[index]
        grows = quantity > order.quantity
        bench.engine.amend(order, quantity=quantity)
        if grows:
            expected.remove(order)
            expected.append(order)
        assert bench.engine.queue(SELL, 1000) == expected
