"""Counted rate limits, on a clock that the test owns."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.core.clock import ManualClock, SystemClock
from terminal.domain.errors import RateLimited
from terminal.transport import quotas
from terminal.transport.quotas import LeakyCounter
from tests.helpers import eventually, run


def test_level_fills_with_calls_and_drains_with_time() -> None:
    clock = ManualClock()
    counter = LeakyCounter("REST calls", 15, 0.5, clock)
    assert counter.try_charge(10)
    assert counter.level() == 10
    assert not counter.try_charge(6)
    assert counter.level() == 10  # a refusal costs nothing
    assert counter.wait_s(6) == pytest.approx(2.0)
    clock.advance(2.0)
    assert counter.try_charge(6)
    clock.advance(1000)
    assert counter.level() == 0
    clock.jump_wall(-3600)
    assert counter.level() == 0


def test_reserve_is_for_urgent_calls() -> None:
    counter = LeakyCounter("orders", 10, 1, ManualClock(), reserve=4)
    assert counter.try_charge(6)
    assert not counter.try_charge(1)
    assert counter.try_charge(4, urgent=True)
    assert not counter.try_charge(1, urgent=True)
    assert counter.wait_s(8) == math.inf  # never fits beside the reserve
    assert counter.wait_s(8, urgent=True) == pytest.approx(8.0)


def test_margin_is_for_nobody() -> None:
    counter = LeakyCounter("REST calls", 10, 1, ManualClock(), margin=0.5)
    assert counter.try_charge(9, urgent=True)
    assert not counter.try_charge(1, urgent=True)
    assert counter.wait_s(1, urgent=True) == pytest.approx(0.5)
    assert not counter.try_charge(1)
    assert LeakyCounter("orders", 10, 1, ManualClock(), 4, margin=0.5).try_charge(6)


def test_forced_charge_and_the_venues_own_figure_win() -> None:
    clock = ManualClock()
    counter = LeakyCounter("orders", 60, 1, clock)
    counter.charge(80)
    assert counter.level() == 80
    assert counter.wait_s(1) == pytest.approx(21.0)
    counter.correct(12.5)
    assert counter.level() == 12.5
    counter.set_limits(125, 2.5)
    clock.advance(1)
    budget = counter.as_budget()
    assert (budget.name, budget.used, budget.limit, budget.decay_per_s) == ("orders", 10.0, 125, 2.5)


def test_waiting_calls_are_served_in_order_and_none_overtakes() -> None:
    async def main() -> None:
        counter = LeakyCounter("calls", 10, 200, SystemClock(), reserve=2)
        counter.charge(8)
        order: list[str] = []

        async def call(name: str, cost: float) -> None:
            await counter.acquire(cost, timeout_s=5)
            order.append(name)

        async with asyncio.TaskGroup() as group:
            for name, cost in (("a", 8), ("b", 1), ("c", 5)):
                group.create_task(call(name, cost))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not counter.try_charge(0.1)  # they were first
            assert counter.try_charge(1, urgent=True)  # a cancel passes
        assert order == ["a", "b", "c"]

    run(main())


def test_call_that_would_wait_too_long_is_refused_at_once() -> None:
    async def main() -> None:
        counter = LeakyCounter("BTC/USD orders", 10, 1, ManualClock(), venue="kraken")
        counter.charge(10)
        with pytest.raises(RateLimited) as caught:
            await counter.acquire(5, timeout_s=3)
        assert caught.value.retry_after_s == pytest.approx(5.0)
        assert caught.value.venue == "kraken"
        with pytest.raises(RateLimited) as never:
            await counter.acquire(11, timeout_s=300)
        assert never.value.retry_after_s is None
        assert counter.level() == 10

    run(main())


def test_cancelled_or_disappointed_waiters_leave_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "_LONGEST_SLEEP_S", 0.01)  # the waiting looks at the test's clock so often

    async def main() -> None:
        clock = ManualClock()
        counter = LeakyCounter("calls", 10, 1, clock)
        counter.charge(10)
        first = asyncio.gather(counter.acquire(1, timeout_s=60))
        second = asyncio.gather(counter.acquire(1, timeout_s=60))
        await asyncio.sleep(0.01)
        assert counter.wait_s(1) == pytest.approx(3.0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert counter.wait_s(1) == pytest.approx(2.0)
        clock.advance(5)
        await second
        assert counter.try_charge(1)

    run(main())


def test_level_raised_by_the_venue_while_waiting_is_noticed() -> None:
    async def main() -> None:
        clock = ManualClock()
        counter = LeakyCounter("calls", 10, 10, clock)
        counter.charge(10)
        waiting = asyncio.gather(counter.acquire(1, timeout_s=1), return_exceptions=True)
        await asyncio.sleep(0.005)
        counter.correct(100)
        await eventually(waiting.done)
        assert isinstance((await waiting)[0], RateLimited)

    run(main())


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.floats(0.1, 10), st.booleans()),
        max_size=40,
    )
)
def test_accepted_calls_never_exceed_the_limit(calls: list[tuple[float, float, bool]]) -> None:
    clock = ManualClock()
    counter = LeakyCounter("calls", 12, 0.7, clock, reserve=3)
    for wait_s, cost, urgent in calls:
        clock.advance(wait_s)
        before = counter.level()
        fits = counter.try_charge(cost, urgent=urgent)
        assert counter.level() <= 12 + 1e-6
        assert fits == (before + cost <= (12 if urgent else 9) + 1e-9)
        if not fits and cost <= 9:
            clock.advance(counter.wait_s(cost) + 1e-6)
            assert counter.try_charge(cost)
