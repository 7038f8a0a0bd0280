"""Changing what a venue is connected to: practice, real prices; and a practice venue that dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from terminal.app import logs
from terminal.app.compose import Terminal
from terminal.app.paths import paths_below
from terminal.core import tasks
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType
from terminal.services.market_data import FeedState
from terminal.services.session import Mode, SessionState
from tests.helpers import eventually, run

BTC = InstrumentId("kraken", "BTC/USD")
ACCOUNT = "kraken:practice"
NOWHERE = "127.0.0.1:1"


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Terminal]:
    """The terminal without a screen, its practice venue in a child of its own, live."""
    terminal = Terminal(paths_below(folder).make(), logs.install(None, debug=False), seed=3, throw_away=True)
    release = terminal.market.watch(Feed(FeedKind.BOOK, "BTC/USD"), "kraken")
    try:
        await terminal.start()
        await until_live(terminal)
        yield terminal
    finally:
        release()
        await terminal.stop()
        await tasks.cancel_all()


async def until_live(terminal: Terminal) -> None:
    def is_live() -> bool:
        terminal.market.flush()
        return terminal.gate.ready(ACCOUNT) and terminal.market.book(BTC) is not None

    await eventually(is_live, 30.0, "a live practice session")


async def resting_order(terminal: Terminal) -> Order:
    book = terminal.market.book(BTC)
    assert book is not None
    assert book.best_bid is not None
    price = (book.best_bid.price * Decimal("0.98")).quantize(Decimal("0.1"))
    request = OrderRequest(BTC, Side.BUY, OrderType.LIMIT, Decimal("0.005"), limit_price=price)
    order = await terminal.gate.submit(ACCOUNT, request, confirmed=frozenset({"arm"}))
    assert order.state is OrderState.OPEN
    return order


def test_reset_ends_the_orders_and_gives_the_first_balances_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as terminal:
            first = dict(terminal.portfolio.balances(ACCOUNT))
            order = await resting_order(terminal)
            await eventually(lambda: terminal.portfolio.balances(ACCOUNT)["USD"].held > 0)
            await terminal.reset_practice("kraken")
            await until_live(terminal)
            assert order.state is OrderState.CANCELED
            assert not terminal.gate.doubts
            assert dict(terminal.portfolio.balances(ACCOUNT)) == first

    run(main())


def test_real_prices_without_a_network_say_so_and_show_nothing_of_practice(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as terminal:
            for name, address in (("rest", f"http://{NOWHERE}"), ("ws_public", f"ws://{NOWHERE}/v2")):
                terminal.settings.set(f"endpoint.{name}", address, "kraken")
            await terminal.use_public("kraken")
            session = terminal.sessions.sessions["kraken"]
            assert session.mode is Mode.PUBLIC
            assert session.state is SessionState.RECONNECTING
            assert session.reason
            assert terminal.market.last_book(BTC) is None
            assert terminal.market.quote(BTC) is None
            assert terminal.portfolio.equity(ACCOUNT) is None
            assert terminal.settings.text("venue.mode", "kraken") == "public"
            await terminal.use_practice("kraken")
            await until_live(terminal)

    run(main())


def test_practice_venue_that_dies_comes_back_with_its_account(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as terminal:
            order = await resting_order(terminal)
            child = terminal.practice._process._child
            assert child is not None
            child.kill()
            await eventually(lambda: terminal.market.book_state(BTC) is not FeedState.LIVE, 10.0, "stale")
            await eventually(lambda: not terminal.gate.ready(ACCOUNT), 10.0, "trading closed")
            await until_live(terminal)
            assert order.state is OrderState.OPEN
            assert terminal.portfolio.balances(ACCOUNT)["USD"].held > 0

    run(main())


def test_a_restart_finds_the_order_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as terminal:
            order = await resting_order(terminal)
        async with running(tmp_path) as terminal:
            again = terminal.gate.orders[order.client_order_id]
            assert again.state is OrderState.OPEN
            assert again.limit_price == order.limit_price
            await terminal.gate.cancel(again.client_order_id)
            await eventually(lambda: again.state is OrderState.CANCELED)

    run(main())
