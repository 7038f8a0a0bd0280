from __future__ import annotations

import asyncio

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock, SystemClock
from terminal.domain.errors import RateLimited
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.limits import Limits, Window
from tests.helpers import eventually, run


def test_no_second_holds_more_than_the_limit() -> None:
    async def main() -> None:
        clock = ManualClock()
        window = Window("Requests", 3, clock)
        for _ in range(3):
            await window.take(timeout_s=0.01)
        with pytest.raises(RateLimited):
            await window.take(timeout_s=0.01)
        clock.advance(1.0)  # a little more than a second, since requests bunch on their way
        with pytest.raises(RateLimited):
            await window.take(timeout_s=0.01)
        clock.advance(0.06)
        for _ in range(3):
            await window.take(timeout_s=0.01)
        assert window.as_budget().used == 3

    run(main())


def test_an_urgent_request_passes_all_that_wait_and_has_room_of_its_own() -> None:
    async def main() -> None:
        clock = ManualClock()
        window = Window("Requests", 2, clock, extra=1)
        order: list[str] = []

        async def take(name: str, urgent: bool = False) -> None:
            await window.take(urgent=urgent, timeout_s=20.0)
            order.append(name)

        await take("first")
        await take("second")
        waiting = [tasks.spawn(take(f"paging {n}"), name=f"paging {n}") for n in range(2)]
        await asyncio.sleep(0)
        await take("close", urgent=True)
        assert order == ["first", "second", "close"]
        waiting.append(tasks.spawn(take("cancel", urgent=True), name="cancel"))
        await asyncio.sleep(0)
        clock.advance(1.1)
        await eventually(lambda: len(order) >= 5)
        assert order[3] == "cancel"
        clock.advance(1.1)
        await asyncio.gather(*waiting)

    run(main())


def test_one_who_waited_in_vain_takes_no_place() -> None:
    async def main() -> None:
        window = Window("Requests", 1, SystemClock())
        await window.take(timeout_s=1.0)
        with pytest.raises(RateLimited):
            await window.take(timeout_s=0.01)
        await window.take(timeout_s=20.0)

    run(main())


def test_history_has_a_budget_of_its_own() -> None:
    async def main() -> None:
        limits = Limits(ManualClock())
        for _ in range(4):
            await limits.take(pb.PROTO_OA_GET_TRENDBARS_REQ, urgent=False, timeout_s=0.01)
        with pytest.raises(RateLimited):
            await limits.take(pb.PROTO_OA_DEAL_LIST_REQ, urgent=False, timeout_s=0.01)
        for _ in range(45):
            await limits.take(pb.PROTO_OA_TRADER_REQ, urgent=False, timeout_s=0.01)
        with pytest.raises(RateLimited):
            await limits.take(pb.PROTO_OA_TRADER_REQ, urgent=False, timeout_s=0.01)
        for _ in range(4):
            await limits.take(pb.PROTO_OA_CANCEL_ORDER_REQ, urgent=True, timeout_s=0.01)
        with pytest.raises(RateLimited):
            await limits.take(pb.PROTO_OA_CANCEL_ORDER_REQ, urgent=True, timeout_s=0.01)
        assert [budget.used for budget in limits.budgets()] == [49, 4]

    run(main())


def test_a_block_is_of_one_kind_and_grows_where_it_comes_again() -> None:
    clock = ManualClock()
    limits = Limits(clock)
    first = limits.block(pb.PROTO_OA_GET_TRENDBARS_REQ, 3)
    assert 3 < first < 4
    assert limits.blocked_for_s(pb.PROTO_OA_GET_TRENDBARS_REQ) == pytest.approx(first)
    assert limits.blocked_for_s(pb.PROTO_OA_CANCEL_ORDER_REQ) == 0
    clock.advance(first)
    assert limits.blocked_for_s(pb.PROTO_OA_GET_TRENDBARS_REQ) == 0
    assert limits.block(pb.PROTO_OA_GET_TRENDBARS_REQ, 3) > 6
    clock.advance(120)
    assert limits.block(pb.PROTO_OA_GET_TRENDBARS_REQ, 3) == first
