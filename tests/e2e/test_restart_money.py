"""What an order holds back, over a restart of the terminal: the same before and after it, and free at once
when the order is canceled."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from terminal.domain.account import Balance
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderState
from tests.e2e.rig import Rig, rig, state_of
from tests.helpers import run
from tests.practice import Practice

D = Decimal
CENT = D("0.01")


def dollars(found: Rig) -> Balance:
    return found.terminal.portfolio.balances(found.account)["USD"]


def test_an_order_that_was_open_over_a_restart_gives_its_money_back_when_it_is_canceled(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        await practice.freeze()
        async with rig(practice, tmp_path) as found:
            whole = dollars(found).free
            price = found.away(Side.BUY)
            quantity = (whole * D("0.8") / price).quantize(D("0.0001"))
            order = await found.resting(quantity=str(quantity))
            told = (await found.told()).balances["USD"]
            before = dollars(found)
            assert abs(before.held - D(told["held"])) < CENT, "by Kraken's own record, the fee included"
        async with rig(practice, tmp_path) as found:
            assert dollars(found) == before
            (again,) = found.gate.open_orders(found.account)
            assert again.venue_order_id == order.venue_order_id
            # What it holds is its own to be changed with, the fee as well.
            most = (whole * D("0.995") / price).quantize(D("0.0001"))
            await found.change(again, AmendRequest(quantity=most))
            await found.until(lambda: again.quantity == most, "a larger order")
            await found.gate.cancel(again.client_order_id)
            await found.until(lambda: state_of(again) is OrderState.CANCELED, "a canceled order")
            assert dollars(found) == Balance("USD", whole)
            more = await found.resting(quantity=str(quantity + D("0.0001")))
            await found.gate.cancel(more.client_order_id)
            await found.until(lambda: state_of(more) is OrderState.CANCELED, "no order")
            await found.require_same_as_venue()

    run(main())
