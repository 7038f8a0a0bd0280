"""A contract that counts dollars and pays coins, from its first order to its end, at the practice OKX: what
the terminal reckons is what the venue reckons."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from terminal.domain.account import Position
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.domain.worth import profit
from terminal.viewmodels.cost import estimate
from tests.e2e.rig import Rig, rig, state_of
from tests.helpers import run
from tests.practice import Practice
from tests.practice_okx import MAIN, OkxPractice, inst_id

D = Decimal
SWAP = InstrumentId("okx", "BTC/USD-PERP")
SATOSHI = D("1e-8")


@pytest.fixture(scope="module")
def running_practice() -> Iterator[Practice]:
    practice = OkxPractice().start()
    yield practice
    practice.stop()


async def its_own_position(practice: Practice) -> dict[str, Any]:
    """OKX's own row of the position."""
    rows = (await practice.order("record", account=MAIN))["okx"]["positions"]
    (row,) = [each for each in rows if each["instId"] == "BTC-USD-SWAP"]
    found: dict[str, Any] = row
    return found


def held(found: Rig) -> list[Position]:
    return [each for each in found.terminal.portfolio.positions(found.account) if each.instrument == SWAP]


def test_bought_in_parts_and_sold_again(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        # Nobody else trades, so that the book is at the venue what it is here.
        await practice.freeze()
        async with rig(practice, tmp_path, instrument=SWAP) as found:
            terminal = found.terminal
            instrument = terminal.market.instrument(SWAP)
            assert instrument is not None
            assert (instrument.settled_in, instrument.quantity_step) == ("BTC", D(100))
            coins = terminal.portfolio.balances(found.account)["BTC"].total
            # All of the first two levels, a part of the third, and the rest waits there.
            levels = list(found.book().asks(3))
            taken = sum((level.quantity for level in levels), D(0))
            request = found.limit(quantity=str(taken + 300), price=levels[-1].price)
            cost = estimate(
                request, instrument, found.book(), terminal.portfolio.fee_rates(found.account, SWAP.symbol)
            )
            order = await found.send(request)
            await found.until(lambda: state_of(order) is OrderState.PARTLY_FILLED, "partly filled")
            await found.until(lambda: order.filled_quantity == taken, "all that was offered")
            # The worth of each part in coins: the mean of them is not that of the prices.
            worth = sum((level.quantity / level.price for level in levels), D(0))
            assert order.average_price is not None
            assert abs(order.average_price - taken / worth) < SATOSHI
            assert (
                order.average_price != sum((level.quantity * level.price for level in levels), D(0)) / taken
            )
            await practice.order(
                "trade", symbol=inst_id(SWAP.symbol), side="sell", through=format(levels[-1].price, "f")
            )
            await found.until(lambda: state_of(order) is OrderState.FILLED, "filled")
            await found.until(lambda: [each.quantity for each in held(found)] == [taken + 300], "a position")
            (position,) = held(found)
            row = await its_own_position(practice)
            assert D(row["pos"]) * 100 == taken + 300
            # The venue's own average, worked out from its own fills.
            assert abs(D(row["avgPx"]) - order.average_price) < SATOSHI
            assert position.average_price == D(row["avgPx"])
            assert position.currency == "BTC"
            assert cost.average_price is not None
            assert abs(cost.average_price - order.average_price) < SATOSHI, "as it had been estimated"
            gained = profit(instrument, Side.BUY, position.quantity, order.average_price, D(row["markPx"]))
            assert abs(D(row["upl"]) - gained) < SATOSHI
            # The ticket had said the fee: what was taken and what waited, each at its rate.
            assert order.fees.keys() == {"BTC"}
            assert cost.fee is not None
            assert abs(order.fees["BTC"] - cost.fee) < 10 * SATOSHI

            # Sold again by the desk's own button; every coin gained or lost is the reckoned one.
            (closing,) = await terminal.positions.submit_in_turn(
                found.account,
                (terminal.positions.close_request(found.account, position.position_id),),
                frozenset({"arm"}),
            )
            await found.until(lambda: state_of(closing) is OrderState.FILLED, "closed")
            await found.until(lambda: not held(found), "no position")
            await found.require_same_as_venue()
            assert closing.average_price is not None
            gained = profit(
                instrument, Side.BUY, position.quantity, order.average_price, closing.average_price
            )
            left = terminal.portfolio.balances(found.account)["BTC"].total
            paid = order.fees["BTC"] + closing.fees["BTC"]
            assert abs(left - coins - (gained - paid)) < 10 * SATOSHI

    run(main())
