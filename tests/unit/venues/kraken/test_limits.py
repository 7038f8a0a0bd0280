"""Both counters by tier, the dearness of young orders, and cancels that always go."""

from __future__ import annotations

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.errors import NotSent, RateLimited
from terminal.venues.kraken.limits import (
    TIERS,
    RateLimits,
    amend_cost,
    batch_add_cost,
    cancel_cost,
    rest_cost,
)
from tests.helpers import run


@pytest.mark.parametrize(
    ("age_s", "amend", "cancel"),
    [
        (0, 4, 8),
        (4.9, 4, 8),
        (5, 3, 6),
        (10, 2, 5),
        (15, 1, 4),
        (45, 1, 2),
        (90, 1, 1),
        (300, 1, 0),
        (float("inf"), 1, 0),
    ],
)
def test_points_by_age(age_s: float, amend: int, cancel: int) -> None:
    assert (amend_cost(age_s), cancel_cost(age_s)) == (amend, cancel)


def test_rest_points_by_call() -> None:
    assert rest_cost("Balance") == 1
    assert rest_cost("Ledgers") == rest_cost("TradesHistory") == rest_cost("ClosedOrders") == 2
    assert rest_cost("AddOrder") == rest_cost("CancelOrder") == rest_cost("AmendOrder") == 0
    assert batch_add_cost(15) == 7.5


@pytest.mark.parametrize(
    ("name", "rest", "engine"), [("starter", 15, 60), ("intermediate", 20, 125), ("pro", 20, 180)]
)
def test_tiers_have_krakens_figures(name: str, rest: int, engine: int) -> None:
    limits = RateLimits(name, ManualClock())
    assert limits.rest.limit == rest
    assert limits.engine("BTC/USD").limit == engine


def test_an_unknown_tier_is_the_smallest() -> None:
    assert RateLimits("gold", ManualClock()).tier is TIERS["starter"]


def test_new_orders_stop_before_kraken_says_so_and_go_on_after_the_decay() -> None:
    async def main() -> None:
        clock = ManualClock()
        limits = RateLimits("starter", clock)
        for _ in range(52):  # eight points are left for cancels
            await limits.take_add("BTC/USD")
        limits.engine("BTC/USD").charge(2)  # more than a second's decay too much: refused, not queued
        with pytest.raises(RateLimited) as caught:
            await limits.take_add("BTC/USD")
        assert caught.value.retry_after_s is not None
        assert caught.value.retry_after_s > 0
        clock.advance(5)
        await limits.take_add("BTC/USD")

    run(main())


def test_each_pair_has_a_counter_of_its_own() -> None:
    async def main() -> None:
        limits = RateLimits("starter", ManualClock())
        limits.engine("BTC/USD").correct(60)
        await limits.take_add("ETH/USD")
        with pytest.raises(RateLimited):
            await limits.take_add("BTC/USD")

    run(main())


def test_a_cancel_is_charged_by_age_and_never_held_back() -> None:
    clock = ManualClock()
    limits = RateLimits("starter", clock)
    limits.note_order("O1", "BTC/USD")
    limits.charge_cancel("BTC/USD", "O1", None)
    assert limits.engine("BTC/USD").level() == 8
    limits.engine("BTC/USD").correct(60)
    limits.charge_cancel("BTC/USD", "O1", None)
    assert limits.engine("BTC/USD").level() == 68


def test_an_amend_makes_an_order_young_again() -> None:
    clock = ManualClock()
    limits = RateLimits("starter", clock)
    limits.note_order("O1", "BTC/USD")
    clock.advance(400)
    assert limits.age_s("O1") == 400
    limits.note_order("O1", "BTC/USD")
    assert limits.age_s(None, "O1") == 0
    assert limits.age_s("never seen") == float("inf")


def test_an_order_known_from_the_stream_has_its_real_age() -> None:
    limits = RateLimits("starter", ManualClock())
    limits.note_order("O1", "BTC/USD", age_s=50)
    assert limits.age_s("O1") == 50


def test_too_many_open_orders_are_refused_before_anything_is_sent() -> None:
    async def main() -> None:
        limits = RateLimits("starter", ManualClock())
        for number in range(60):
            limits.set_open(f"O{number}", "BTC/USD", True)
        with pytest.raises(NotSent) as caught:
            await limits.take_add("BTC/USD")
        assert caught.value.repair == "cancel_some_orders"
        limits.set_open("O1", "BTC/USD", False)
        await limits.take_add("BTC/USD")

    run(main())


def test_the_venue_names_the_tier_and_what_is_used_stays_used() -> None:
    limits = RateLimits("starter", ManualClock())
    limits.rest.charge(7)
    limits.engine("BTC/USD").charge(30)
    tier = limits.tier_of_engine_limit(180)
    assert tier is TIERS["pro"]
    limits.set_tier(tier)
    assert limits.rest.limit == 20
    assert limits.rest.level() == 7
    assert limits.engine("BTC/USD").limit == 180
    assert limits.engine("BTC/USD").level() == 30
    assert limits.tier_of_engine_limit(99) is None


def test_budgets_show_calls_first_and_only_pairs_in_use() -> None:
    limits = RateLimits("starter", ManualClock())
    limits.engine("ETH/USD")
    limits.note_order("O1", "BTC/USD")
    limits.charge_cancel("BTC/USD", "O1")
    assert [budget.name for budget in limits.budgets()] == ["REST calls", "Public calls", "BTC/USD orders"]


def test_the_practice_venue_may_raise_the_public_rate() -> None:
    limits = RateLimits("starter", ManualClock(), public_calls_per_s=50)
    assert limits.public.decay_per_s == 50
    assert sum(limits.public.try_charge(1) for _ in range(60)) == 50
