"""Every misbehaviour that the practice plugin knows, one by one: what is merely odd changes nothing, and
whatever happens to an order, it is placed at most once and never claimed to be what it is not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.errors import (
    AuthRejected,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
    VenueError,
)
from terminal.domain.events import TradesReceived, VenueEvent
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookSnapshot, Feed, FeedKind, Quote, Side
from terminal.domain.orders import OrderRef, OrderRequest, OrderState, OrderType
from terminal.emulators.custom.mangle import CUSTOM_KINDS
from terminal.venues.base import ConnectorSettings
from terminal.venues.custom.connector import CustomConnector
from tests.helpers import eventually, run
from tests.unit.emulators.custom.client import SYMBOL, Venue
from tests.unit.emulators.custom.client import plugin as running_plugin

D = Decimal
ETH = InstrumentId("custom", "ETH/USDT")
NAME = "ETH/USDT"
FEEDS = (FeedKind.QUOTES, FeedKind.BOOK, FeedKind.TRADES)
DEADLINE_S = "0.8"

ODD: dict[str, tuple[dict[str, Any], ...]] = {
    "newest_first": ({},),
    "ms_records": ({},),
    "state_key": ({},),
    "numbers": ({"as": "text"}, {"as": "number"}),
    "lower_case": ({},),
    "venue_symbol": ({},),
    "duplicate_trades": ({},),
}
"""Well-formed answers that look otherwise: the same must be read from them."""

LOST: dict[str, tuple[dict[str, Any], ...]] = {
    "disconnect": ({"match": "*/trade/*"}, {"match": "*/trade/*", "acts": True}),
    "accept_lose_answer": ({}, {"close": True}),
    "swallow_request": ({},),
    "cut": ({},),
    "refuse": ({"match": "connect/custom", "after": 2}, {"match": "connect/custom"}),
    "hang": ({"match": "connect/custom", "after": 2}, {"match": "connect/custom"}),
    "error": (
        {},
        {"acts": True},
        {"error": "HTTP error: 502", "acts": True},
        {"error": "URL error: timed out", "acts": True},
        {"code": "51008", "msg": "Insufficient balance"},
    ),
    "html_200": ({"match": "*/trade/*"}, {"match": "*/trade/*", "acts": True}),
    "http_5xx_html": ({"match": "*/trade/*"}, {"match": "*/trade/*", "acts": True}),
    "http_429": (
        {"match": "*/trade/*", "retry_after": 0},
        {"match": "*/trade/*", "retry_after": 0, "acts": True},
    ),
    "truncate": ({"match": "*/trade/*"},),
    "oversize": ({"match": "*/trade/*"},),
    "slow_drip": ({"match": "*/trade/*", "interval_s": 0.2, "bytes": 1},),
    "garbage": ({"match": "*/trade/*"}, {"match": "*/trade/*", "text": '{"data":'}),
    "wrong_type": ({"match": "*/trade/*"}, {"match": "*/trade/*", "field": "id"}),
    "missing_field": ({"match": "*/trade/*", "field": "id"},),
    "delay": ({"match": "*/trade/*", "delay_s": 0.05}, {"match": "*/trade/*", "delay_s": 0.5}),
    "unknown_status": ({"match": "*/orders", "count": 2},),
}
"""What may happen to an order on its way and to its answer."""


def cases(every: dict[str, tuple[dict[str, Any], ...]]) -> list[tuple[str, dict[str, Any]]]:
    return [(kind, options) for kind, variants in every.items() for options in variants]


def test_the_whole_catalogue_is_tried() -> None:
    assert ODD.keys() | LOST.keys() == CUSTOM_KINDS.keys()
    assert not ODD.keys() & LOST.keys()


@dataclass
class Rig:
    """A connector on the practice plugin, and what it told."""

    venue: Venue
    connector: CustomConnector
    events: list[VenueEvent] = field(default_factory=list)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def sent(self) -> int:
        """How many orders have come to the plugin."""
        return sum(row["method"] == "trade" for row in (await self.told())["requests"])

    async def told(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.venue.control("record"))["custom"]
        return found

    def request(self, factor: str = "0.8") -> OrderRequest:
        return OrderRequest(ETH, Side.BUY, OrderType.LIMIT, D("0.1"), limit_price=D(self.venue.price(factor)))


@contextlib.asynccontextmanager
async def connected(venue: Venue, *, anew: bool = True) -> AsyncIterator[Rig]:
    """A connector of its own, ``anew`` on an account as it was at first. Its polls are so far apart that the
    calls are those of the test; the exchange stands still, so that two looks see the same."""
    if anew:
        await venue.control("clear")
        await venue.control("reset")
    row = venue.entry["keys"][0]
    intervals = dict.fromkeys(
        ("quotes_s", "book_s", "trades_s", "bars_s", "orders_s", "orders_idle_s", "accounts_s"), "30"
    )
    options = {
        "symbols": f"{SYMBOL}:0.01:0.0001:0.001",
        "baseline_s": "0.000001",
        "calls_per_s": "500",
        "read_deadline_s": DEADLINE_S,
        "order_deadline_s": DEADLINE_S,
        **intervals,
    }
    keys = {name: Secret(row[name]) for name in ("access_key", "secret_key")}
    connector = CustomConnector(ConnectorSettings({"service": venue.entry["service"]}, keys, options))
    found = Rig(venue, connector)
    try:
        await connector.connect(found.events.append)
        yield found
    finally:
        await connector.close()


async def all_that_is_read(found: Rig) -> dict[str, Any]:
    """Prices, bars and orders as one connection reads them."""
    found.events.clear()
    connector = found.connector
    for kind in FEEDS:
        await connector.subscribe(Feed(kind, NAME))
    await eventually(
        lambda: all(found.of(kind) for kind in (Quote, BookSnapshot, TradesReceived)), what="prices"
    )
    quote = found.of(Quote)[0]
    book = found.of(BookSnapshot)[0]
    trades = found.of(TradesReceived)[0].trades
    for kind in FEEDS:
        await connector.unsubscribe(Feed(kind, NAME))
    snapshot = await connector.snapshot(0)
    bars = await connector.bars(NAME, 3600, limit=20)
    assert bars
    assert trades
    return {
        "quote": (quote.instrument, quote.bid, quote.ask, quote.last),
        "book": (book.instrument, book.bids, book.asks),
        "trades": [(each.trade_id, each.side, each.price, each.quantity) for each in trades],
        "bars": list(bars),
        "orders": [
            (each.venue_order_id, each.instrument, each.state, each.side, each.quantity, each.limit_price)
            for each in snapshot.open_orders
        ],
        "balances": {each.asset: (each.free, each.held) for each in snapshot.balances},
    }


def test_what_is_merely_odd_is_read_as_the_same(subtests: pytest.Subtests) -> None:
    async def main() -> None:
        async with running_plugin() as venue, connected(venue) as found:
            await venue.place()
            plain = await all_that_is_read(found)
            assert [order[2] for order in plain["orders"]] == [OrderState.OPEN]
            for kind, options in cases(ODD):
                with subtests.test(kind, **options):
                    await venue.control("clear")
                    await venue.fault(kind, match="*", seconds=60, **options)
                    async with connected(venue, anew=False) as other:
                        assert await all_that_is_read(other) == plain

    run(main())


def test_an_order_goes_its_way_through_all_that_is_merely_odd() -> None:
    async def main() -> None:
        async with running_plugin() as venue, connected(venue) as found:
            for kind, options in cases(ODD):
                await venue.fault(kind, match="*", seconds=60, **options)
            ack = await found.connector.submit(found.request("0.7"), "ours")
            report = await found.connector.order_status(OrderRef(NAME, "ours", ack.venue_order_id))
            assert report is not None
            assert report.state is OrderState.OPEN
            await found.connector.cancel(OrderRef(NAME, "ours", ack.venue_order_id))
            report = await found.connector.order_status(OrderRef(NAME, "ours", ack.venue_order_id))
            assert report is not None
            assert report.state is OrderState.CANCELED
            assert len((await found.told())["orders"]) == 1

    run(main())


@pytest.mark.parametrize("kind", LOST)
def test_whatever_happens_to_an_order_it_is_placed_once_at_most_and_found(
    kind: str, subtests: pytest.Subtests
) -> None:
    async def main() -> None:
        async with running_plugin() as venue:
            for options in LOST[kind]:
                with subtests.test(**options):
                    async with connected(venue) as found:
                        await require_one_at_most(found, kind, options)

    run(main())


async def outcome_of(found: Rig) -> object:
    """What comes of an order: the plugin's yes, or what was raised."""
    try:
        return await found.connector.submit(found.request(), "ours")
    except VenueError as error:
        return error


async def require_one_at_most(found: Rig, kind: str, options: dict[str, Any]) -> None:
    venue, connector = found.venue, found.connector
    if kind == "cut":
        # While the order is on its way.
        await venue.fault("delay", match="*/trade/*", delay_s=0.2)
        sending = tasks.spawn(outcome_of(found), name="test.order")
        while not await found.sent():
            await asyncio.sleep(0)
        await venue.fault(kind)
        outcome = await sending
    else:
        await venue.fault(kind, **options)
        outcome = await outcome_of(found)
    # Whoever asks now is answered.
    await venue.control("clear")
    sent = await found.sent()
    assert sent <= 1, "sent twice"
    placed = (await found.told())["orders"]
    if isinstance(outcome, OutcomeUnknown):
        report = await connector.order_status(OrderRef(NAME, "ours", None))
        assert (report is not None) is bool(placed), "found where it is, and only there"
        if report is not None:
            assert report.client_order_id == "ours"
            assert report.venue_order_id == placed[0]["txid"]
    elif isinstance(outcome, NotSent | RequestRejected | AuthRejected | RateLimited):
        assert not placed, f"{outcome!r} says that there is none"
    else:
        assert not isinstance(outcome, Exception), outcome
        assert len(placed) == 1
    assert await found.sent() == sent, "looking for it has sent it again"
