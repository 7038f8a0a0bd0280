"""The composed application as a child process on a running practice venue, so that it may be killed anywhere.

    python -m tests.e2e.kill_terminal FOLDER ENDPOINTS NONCES trade|restart

``trade`` submits, changes and cancels an order, buys at market and leaves one order resting; ``restart``
takes up what was left, reconciles, and prints what it knows as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from terminal.app import connections
from terminal.app.compose import Terminal
from terminal.app.paths import paths_below
from terminal.core import tasks
from terminal.core.clock import SystemClock
from terminal.core.log_ring import LogRing
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import AmendRequest, Order, OrderRequest, OrderState, OrderType
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.session import SessionState
from terminal.venues.kraken.nonce import FileNonceStore
from tests.e2e.rig import ACCOUNT, QUICK_GATE, QUICK_LINKS, tick
from tests.helpers import eventually
from tests.practice import Practice, RunningVenues

BTC = InstrumentId("kraken", "BTC/USD")


async def send(terminal: Terminal, request: OrderRequest) -> Order:
    try:
        return await terminal.gate.submit(ACCOUNT, request)
    except ConfirmationNeeded as needed:
        return await terminal.gate.submit(ACCOUNT, request, confirmed=needed.tokens)


async def resting_order(terminal: Terminal) -> Order:
    """A small order so far from the market that it stays."""
    book = terminal.market.book(BTC)
    assert book is not None
    assert book.best_bid is not None
    price = (book.best_bid.price * Decimal("0.97")).quantize(Decimal("0.1"))
    request = OrderRequest(BTC, Side.BUY, OrderType.LIMIT, Decimal("0.001"), limit_price=price)
    return await send(terminal, request)


async def trade(terminal: Terminal) -> None:
    first = await resting_order(terminal)
    price = first.limit_price
    assert price is not None
    change = AmendRequest(limit_price=price - 10)
    try:
        await terminal.gate.amend(first.client_order_id, change)
    except ConfirmationNeeded as needed:
        await terminal.gate.amend(first.client_order_id, change, confirmed=needed.tokens)
    await terminal.gate.cancel(first.client_order_id)
    second = await send(terminal, OrderRequest(BTC, Side.BUY, OrderType.MARKET, Decimal("0.002")))
    await eventually(lambda: second.state is OrderState.FILLED)
    await send(
        terminal, OrderRequest(BTC, Side.BUY, OrderType.LIMIT, Decimal("0.003"), limit_price=price - 50)
    )
    await terminal.journal.flush()


def describe(terminal: Terminal) -> dict[str, Any]:
    return {
        "orders": [
            {
                "id": order.client_order_id,
                "venue_id": order.venue_order_id,
                "state": order.state.name,
                "origin": order.origin.name,
                "filled": format(order.filled_quantity, "f"),
                "price": None if order.limit_price is None else format(order.limit_price, "f"),
            }
            for order in terminal.gate.orders.values()
        ],
        "fills": [fill.fill_id for fill in terminal.gate.fills],
    }


async def main(folder: Path, endpoints: Path, nonces: Path, what: str) -> None:
    connections._PRACTICE_OPTIONS["order_deadline_s"] = "0.7"
    paths = paths_below(folder).make()
    practice = Practice()
    practice.endpoints = json.loads(endpoints.read_text())
    terminal = Terminal(
        paths,
        LogRing(),
        clock=SystemClock(),
        throw_away=True,
        practice=RunningVenues(practice, paths.practice),
        timings=replace(QUICK_GATE, looks_s=(5.0,)),
        venues=("kraken",),
        connector_tools={"kraken": {"policy": QUICK_LINKS, "nonces": FileNonceStore(nonces)}},
    )
    terminal.market.watch(Feed(FeedKind.BOOK, "BTC/USD"), "kraken")
    await terminal.start()
    ticking = tasks.spawn(tick(terminal), name="tick")
    session = terminal.sessions.sessions["kraken"]
    await eventually(
        lambda: (
            session.state is SessionState.LIVE
            and terminal.gate.ready(ACCOUNT)
            and terminal.market.book(BTC) is not None
        ),
        20.0,
    )
    if what == "trade":
        await trade(terminal)
    else:
        # What the venue knows is settled by the comparison; what it does not know waits for the person.
        print(json.dumps(describe(terminal)))
    await tasks.cancel_and_wait(ticking)
    await terminal.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]))
