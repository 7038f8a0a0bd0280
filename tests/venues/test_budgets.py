"""Rate limits: ours are the venue's own, so that it never has to refuse for haste."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from terminal.domain.errors import RateLimited
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderRef, OrderState
from terminal.venues import registry
from tests.helpers import eventually, run
from tests.practice import AMENDING, Practice
from tests.venues.kit import Desk, desk, skip_without

BURST = 100


def used(found: Desk, name: str) -> float:
    return next((budget.used for budget in found.connector.budgets() if budget.name == name), 0.0)


async def resting(found: Desk, percent: str = "2") -> OrderRef:
    order_id = await found.submit(found.waiting(percent=percent))
    await found.until_state(order_id, OrderState.OPEN)
    return OrderRef(found.symbol, None, order_id)


async def place(found: Desk, percents: list[str]) -> None:
    """Several orders, in batches where the venue has them."""
    pairs = [(found.waiting(percent=percent), found.new_id()) for percent in percents]
    if found.can.batch_limit:
        for start in range(0, len(pairs), found.can.batch_limit):
            await found.hand.submit_batch(pairs[start : start + found.can.batch_limit])
    else:
        await asyncio.gather(*(found.hand.submit(*pair) for pair in pairs))


def test_budgets_are_the_venues_own_counters(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            ref, twice = await resting(found), AmendRequest(quantity=found.lots(2))
            steps: tuple[Callable[[], Awaitable[object]], ...] = (
                lambda: found.hand.snapshot(time.time_ns()),
                lambda: found.hand.order_status(ref),
                *(() if not found.can.amend else (lambda: found.hand.amend(ref, twice),)),
                lambda: place(found, ["3", "4", "5", "6"]),
                lambda: found.hand.cancel(ref),
            )
            seen: set[str] = set()
            for step in steps:
                await step()
                deadline = time.monotonic() + 3
                while True:
                    seen |= {budget.name for budget in found.connector.budgets() if budget.used > 0}
                    counters = found.sample.counters(await practice.told(), found.symbol)
                    if all(abs(used(found, name) - own) <= slack for name, (own, slack) in counters.items()):
                        break
                    assert time.monotonic() < deadline, (found.connector.budgets(), counters)
                    await asyncio.sleep(0.02)
            assert seen >= set(counters), "each of them was in use"

    run(main())


def test_orders_beyond_the_budget_never_reach_the_venue_too_fast(practice: Practice) -> None:
    skip_without(practice, "amend", registry.info(practice.venue).capabilities.amend)

    async def main() -> None:
        async with desk(practice) as found:
            ref = await resting(found)
            price, tick = found.price(Side.BUY, "2"), found.instrument().tick_size

            def amend(number: int) -> Awaitable[None]:
                change: Awaitable[None] = found.hand.amend(
                    ref, AmendRequest(limit_price=price - number * tick)
                )
                return change

            sent = 0
            if found.sample.orders_wait:
                urgent = await resting(found, "5")
                began = time.monotonic()
                all_of_them = asyncio.gather(
                    *(amend(number) for number in range(1, BURST + 1)), return_exceptions=True
                )
                # A cancel passes all that wait.
                await found.hand.cancel(urgent)
                assert not all_of_them.done()
                refused = [answer for answer in await all_of_them if answer is not None]
                # Nobody waits for ever: what would have to wait too long is refused here.
                assert all(isinstance(error, RateLimited) for error in refused), refused
                sent = BURST - len(refused)
                assert time.monotonic() - began > found.sample.wait_s, "it never waited"
            else:
                refusal: RateLimited | None = None
                while refusal is None:
                    try:
                        await amend(sent * 10)
                        sent += 1
                    except RateLimited as error:
                        refusal = error
                assert refusal.retry_after_s
            told = await practice.told()
            amends = [row for row in told.requests if row["method"] in AMENDING]
            assert len(amends) == sent, "what was refused here never left"
            assert sent > 20
            # A cancel always goes.
            await found.hand.cancel(ref)
            await found.until_state(ref.venue_order_id or "", OrderState.CANCELED)

    run(main())


def test_calls_wait_here_rather_than_be_refused_there(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            # Urgent questions may use the whole budget; then they wait here, and none is refused there.
            count, at_least_s = found.sample.questions
            began = time.monotonic()
            for _ in range(count):
                unknown = OrderRef(found.symbol, found.new_id(), None)
                assert await found.hand.order_status(unknown) is None
            assert time.monotonic() - began > at_least_s, "it never waited"

    run(main())


def test_many_orders_are_open_at_once_and_canceled_together(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            count = found.sample.open_orders
            await place(found, [str(4 + number / 10) for number in range(count)])
            await eventually(lambda: len(found.reports) == count, what="all orders")
            assert await found.hand.cancel_all() == count
            for order_id in list(found.reports):
                await found.until_state(order_id, OrderState.CANCELED)

    run(main())
