"""The day's loss limit at the one gate: no opening order of any surface passes a lock, cancels always do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.account import Balance
from terminal.domain.errors import OrderRefused
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderState, Origin
from terminal.services.day_result import DayResults
from terminal.services.loss_lock import LossLimit, LossLock
from tests.helpers import run
from tests.unit.services.day_fakes import FakeDay, MemoryLock, listed
from tests.unit.services.order_fakes import (
    ACCOUNT,
    Desk,
    limit_order,
    market_order,
    open_desk,
)

D = Decimal


async def locked_desk(folder: Path) -> tuple[Desk, LossLock]:
    """A gate with one resting order of 0.01 BTC, and then a loss beyond the limit."""
    desk = await open_desk(folder)
    order = await desk.gate.submit(ACCOUNT, limit_order(price="59000"))
    assert order.state is OrderState.OPEN
    clock = ManualClock(wall_ns=1_783_080_000_000_000_000)
    day = FakeDay(clock.wall_ns)
    lock = LossLock(
        DayResults(day, clock),
        clock,
        MemoryLock(),
        LossLimit(D(200)),
        accounts=lambda: [ACCOUNT],
        is_real=lambda account: False,
        open_orders=desk.gate.open_orders,
        worth=day.worth,
        instrument_of=listed,
    )
    desk.gate.guard(lock)
    lock.look()
    day.purses[ACCOUNT].held["USD"] = Balance("USD", D(9_797))
    return desk, lock


@pytest.mark.parametrize("origin", list(Origin))
def test_no_surface_opens_anything_under_a_lock(tmp_path: Path, origin: Origin) -> None:
    async def main() -> None:
        desk, _ = await locked_desk(tmp_path)
        sent = list(desk.venue.received)
        with pytest.raises(OrderRefused, match="today's practice result is −203: only closing orders") as no:
            await desk.gate.submit(ACCOUNT, replace(market_order(), origin=origin))
        assert (no.value.rule, no.value.confirmable) == ("day_loss", False)
        assert desk.venue.received == sent
        await desk.gate.close()

    run(main())


def test_what_is_held_may_be_sold_and_orders_canceled_and_made_smaller(tmp_path: Path) -> None:
    async def main() -> None:
        desk, _ = await locked_desk(tmp_path)
        (order,) = desk.gate.open_orders()
        assert desk.gate.check(ACCOUNT, market_order()).refusals[0].rule == "day_loss"
        assert desk.gate.check(ACCOUNT, market_order(Side.SELL)).refusals == ()
        with pytest.raises(OrderRefused, match="only closing orders pass"):
            await desk.gate.amend(order.client_order_id, AmendRequest(limit_price=D(59_500)))
        with pytest.raises(OrderRefused, match="only closing orders pass"):
            await desk.gate.amend(order.client_order_id, AmendRequest(quantity=D("0.02")))
        await desk.gate.amend(order.client_order_id, AmendRequest(quantity=D("0.005")))
        await desk.gate.submit(ACCOUNT, market_order(Side.SELL))
        await desk.gate.cancel(order.client_order_id)
        assert [what for what, _ in desk.venue.received] == ["submit", "amend", "submit", "cancel"]
        await desk.gate.close()

    run(main())


def test_every_fill_is_booked_with_its_account_over_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        desk = await open_desk(tmp_path)
        told: list[str] = []
        desk.gate.fill_booked.watch(lambda account, fill: told.append(account))
        order = await desk.gate.submit(ACCOUNT, limit_order())
        assert order.venue_order_id is not None
        fill = desk.venue.trade(order.venue_order_id, "0.01")
        desk.venue.push(fill)
        assert told == [ACCOUNT]
        assert desk.gate.booked_fills() == [(ACCOUNT, fill)]
        await desk.gate.close()
        again = await open_desk(tmp_path, venue=desk.venue)
        assert again.gate.booked_fills() == [(ACCOUNT, fill)]
        await again.gate.close()

    run(main())
