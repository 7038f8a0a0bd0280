"""A child process that trades on a venue kept in files, so that it may be killed anywhere and looked into.

    python -m tests.e2e.kill_child FOLDER trade|many|restart

``trade`` walks once through everything an order can go through; ``many`` places orders until it is killed;
``restart`` takes up what was left, reconciles, and prints what it knows as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import pickle
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from terminal.domain.errors import OutcomeUnknown
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, Fill, Order, OrderReport, OrderState
from terminal.services.risk import Limit, RiskLimits, Step
from tests.helpers import eventually
from tests.unit.services.order_fakes import ACCOUNT, FAST, Desk, FakeVenue, limit_order, open_desk

D = Decimal
LIMITS = RiskLimits(duplicate_s=None, orders_per_minute=Limit(Decimal(60), Step.OFF))


class FileVenue(FakeVenue):
    """A venue that outlives the process: every change is in a file before it is answered."""

    folder: Path

    def load(self, folder: Path) -> None:
        self.folder = folder
        with contextlib.suppress(FileNotFoundError):
            self.reports, self.fills, next_number, self.clock = pickle.loads(
                (folder / "venue.pickle").read_bytes()
            )
            self.numbers = itertools.count(next_number)

    def keep(self) -> None:
        number = next(self.numbers)
        self.numbers = itertools.count(number)
        part = self.folder / "venue.part"
        part.write_bytes(pickle.dumps((self.reports, self.fills, number, self.clock)))
        os.replace(part, self.folder / "venue.pickle")

    def log(self, what: str, key: str) -> None:
        with (self.folder / "received.log").open("a") as file:
            file.write(f"{what} {key}\n")

    async def _answer(self, method: str, act: object) -> None:
        self.log(method, self.received[-1][1])
        error = self.raise_on.pop(method, None)
        assert callable(act)
        act()
        self.keep()
        await asyncio.sleep(0)
        if error is not None:
            raise error

    def push(self, item: OrderReport | Fill) -> None:
        self.keep()
        super().push(item)


async def trade(desk: Desk) -> None:
    venue, gate = desk.venue, desk.gate
    assert isinstance(venue, FileVenue)
    first = await gate.submit(ACCOUNT, limit_order(quantity="0.01"))
    assert first.venue_order_id is not None
    venue.push(venue.trade(first.venue_order_id, "0.004"))
    second = await gate.submit(ACCOUNT, limit_order(Side.SELL, quantity="0.02"))
    assert second.venue_order_id is not None
    await gate.amend(second.client_order_id, AmendRequest(limit_price=D("60500.0")))
    await gate.cancel(second.client_order_id)
    venue.push(venue.reports[second.venue_order_id])
    venue.raise_on["submit"] = OutcomeUnknown("kraken", "timeout")
    third = await gate.submit(ACCOUNT, limit_order(quantity="0.03"))
    await eventually(lambda: third.state is OrderState.OPEN)
    venue.push(venue.trade(first.venue_order_id, "0.006"))
    await desk.journal.flush()
    gate.suspend(ACCOUNT, "The stream was cut.")
    assert third.venue_order_id is not None
    venue.trade(third.venue_order_id, "0.01")
    venue.keep()
    await desk.reconcile()


async def many(desk: Desk) -> None:
    for number in itertools.count():
        side = Side.BUY if number % 2 else Side.SELL
        order = await desk.gate.submit(
            ACCOUNT,
            limit_order(side, quantity=f"0.{1000 + number}"),
            confirmed=frozenset({"in_doubt"}),  # the last killing may have left one
        )
        if number % 3 == 0 and order.venue_order_id is not None:
            desk.venue.push(desk.venue.trade(order.venue_order_id, "0.05"))


def describe(order: Order) -> dict[str, object]:
    return {
        "id": order.client_order_id,
        "venue_id": order.venue_order_id,
        "state": order.state.name,
        "filled": str(order.filled_quantity),
        "fees": {asset: str(amount) for asset, amount in order.fees.items()},
        "price": str(order.limit_price),
        "origin": order.origin.name,
    }


async def main(folder: Path, what: str) -> None:
    venue = FileVenue()
    venue.load(folder)
    # After a restart nobody settles anything: long pauses leave what is in doubt in doubt.
    timings = replace(FAST, not_found_after_s=60.0) if what == "restart" else FAST
    desk = await open_desk(folder, venue=venue, timings=timings, limits=LIMITS)
    if what == "trade":
        await trade(desk)
    elif what == "many":
        await many(desk)
    else:
        told = {
            "orders": [describe(order) for order in desk.gate.orders.values()],
            "fills": [fill.fill_id for fill in desk.gate.fills],
            "notices": [notice.text for notice in desk.notices],
            "ready": desk.gate.ready(ACCOUNT),
        }
        await desk.gate.close()
        print(json.dumps(told))
        return
    await desk.gate.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
