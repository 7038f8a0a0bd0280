"""A plugin behind the terminal's own services: session, market data and the order gate."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.core.clock import SystemClock
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import Fill, Order, OrderRequest, OrderState, OrderType, Origin
from terminal.services.arming import Arming, ArmState
from terminal.services.journal import Journal
from terminal.services.market_data import FeedState, MarketData
from terminal.services.notices import Notice
from terminal.services.orders import OrderGate
from terminal.services.portfolio import Portfolio
from terminal.services.risk import RiskLimits, RiskRules
from terminal.services.session import ConnectionPlan, Mode, Session, SessionState
from terminal.venues.base import ConnectorSettings
from tests.helpers import eventually, run
from tests.unit.services.order_fakes import FAST
from tests.unit.venues.custom.plugin import QUICK, Plugin, connector_of, running

D = Decimal
KEY = "custom:live"
ETH = InstrumentId("custom", "ETH/USDT")
BUY = OrderRequest(ETH, Side.BUY, OrderType.LIMIT, D("0.25"), limit_price=D("1000"))


@dataclass
class House:
    """The services, with one plugin connected."""

    plugin: Plugin
    session: Session
    market: MarketData
    gate: OrderGate
    portfolio: Portfolio
    fills: list[Fill] = field(default_factory=list)

    async def submit(self, request: OrderRequest = BUY) -> Order:
        tokens = self.gate.check(KEY, request).tokens
        return await self.gate.submit(KEY, request, confirmed=tokens)

    async def until(self, order: Order, state: OrderState) -> None:
        await eventually(lambda: order.state is state, what=f"{state.value}, not {order.state.value}")


@contextlib.asynccontextmanager
async def house(folder: Path, plugin: Plugin | None = None) -> AsyncIterator[House]:
    async with running(plugin or Plugin()) as here:
        clock = SystemClock()
        market = MarketData(clock)
        found: list[OrderGate] = []
        portfolio = Portfolio(market, lambda account: found[0].open_orders(account))
        arming = Arming(clock)
        arming.set(ArmState.ONE_CLICK)
        connector = connector_of(here)
        sessions: list[Session] = []
        gate = OrderGate(
            journal=Journal(folder / "journal.sqlite", clock=clock),
            rules=RiskRules(RiskLimits(duplicate_s=None)),
            clock=clock,
            connector=lambda account: sessions[0].trader(account),
            market=market,
            account_view=portfolio,
            timings=FAST,
            arming=arming,
        )
        found.append(gate)
        settings = ConnectorSettings(
            {}, dict.fromkeys(("access_key",), connector.client._access), dict(QUICK)
        )
        plan = ConnectionPlan("custom", Mode.LIVE, KEY, settings)
        session = Session(plan, connector, market, gate, portfolio, clock)
        sessions.append(session)
        out = House(here, session, market, gate, portfolio)
        gate.fill_added.watch(out.fills.append)
        release = [
            market.watch(Feed(FeedKind.QUOTES, "ETH/USDT"), "custom"),
            market.watch(Feed(FeedKind.BOOK, "ETH/USDT"), "custom"),
        ]
        try:
            await gate.start()
            await session.start()
            await eventually(lambda: session.state is SessionState.LIVE, what="a live session")
            await eventually(lambda: _flushed(market).book(ETH) is not None, what="a proven book")
            yield out
        finally:
            for let_go in release:
                let_go()
            await session.stop()
            await gate.close()


def _flushed(market: MarketData) -> MarketData:
    market.flush()
    return market


def test_an_order_through_the_whole_house(tmp_path: Path) -> None:
    async def main() -> None:
        async with house(tmp_path) as found:
            assert found.portfolio.balances(KEY)["USDT"].total == D(3000)
            order = await found.submit()
            await found.until(order, OrderState.OPEN)
            found.plugin.fill(found.plugin.orders[0], "0.1", "999.5")
            await found.until(order, OrderState.PARTLY_FILLED)
            await found.gate.cancel(order.client_order_id)
            await found.until(order, OrderState.CANCELED)
            await eventually(lambda: found.fills)
            assert [(fill.quantity, fill.price, fill.fee) for fill in found.fills] == [
                (D("0.1"), D("999.5"), None)
            ]
            assert order.fees == {}
            assert order.filled_quantity == D("0.1")
            assert found.plugin.counts()["trade"] == found.plugin.counts()["cancel"] == 1

    run(main())


@pytest.mark.parametrize("filled", [False, True], ids=["it rests", "it filled at once"])
def test_an_order_that_arrived_unanswered_is_settled_by_itself(tmp_path: Path, filled: bool) -> None:
    async def main() -> None:
        plugin = Plugin()
        trade = plugin.answers["trade"]

        def place(params: dict[str, object]) -> object:
            answer = trade(params)
            if filled:
                plugin.fill(plugin.orders[-1], "0.25", "999")
            return answer

        plugin.answers["trade"] = place
        async with house(tmp_path, plugin) as found:
            plugin.fail("trade", "drop-after")
            order = await found.submit()
            await found.until(order, OrderState.FILLED if filled else OrderState.OPEN)
            assert order.venue_order_id == plugin.orders[0]["id"]
            assert not found.gate.doubts
            assert [each for each in found.gate.orders.values() if each.origin is Origin.EXTERNAL] == []
            assert plugin.counts()["trade"] == 1
            if filled:
                await eventually(lambda: sum(fill.quantity for fill in found.fills) == D("0.25"))

    run(main())


@pytest.mark.parametrize("arrived", [False, True], ids=["ours never came", "ours filled at once"])
def test_an_order_that_cannot_be_told_from_another_stays_in_doubt_and_says_so(
    tmp_path: Path, arrived: bool
) -> None:
    async def main() -> None:
        plugin = Plugin()
        trade = plugin.answers["trade"]

        def place(params: dict[str, object]) -> object:
            answer = trade(params) if arrived else None
            if arrived:
                plugin.fill(plugin.orders[-1], "0.25", "1000")
            # The person's own second hand, in the same moment: the same in all that the protocol tells.
            for _ in range(1 if arrived else 2):
                plugin.place(amount="0.25", price="1000")
            return answer

        plugin.answers["trade"] = place
        async with house(tmp_path, plugin) as found:
            notices: list[Notice] = []
            found.gate.notice.watch(notices.append)
            plugin.fail("trade", "drop-after")
            order = await found.submit()
            await found.until(order, OrderState.IN_DOUBT)
            key = order.client_order_id
            await eventually(lambda: key in found.gate.doubts and len(found.gate.doubts[key].candidates) == 2)
            looks = plugin.counts()["historyorders"]
            await eventually(lambda: plugin.counts()["historyorders"] > looks + 2, what="more looks")
            assert order.state is OrderState.IN_DOUBT
            told = [notice.text for notice in notices if notice.client_order_id == key]
            assert len([text for text in told if "like the one that got no answer" in text]) == 1, told
            assert order.venue_order_id is None
            assert not found.gate.doubts[key].can_settle, (
                "it may be there: it is not settled as never arrived"
            )
            assert plugin.counts()["trade"] == 1
            assert found.fills == []

    run(main())


def test_an_order_that_never_arrived_is_left_to_the_person(tmp_path: Path) -> None:
    async def main() -> None:
        async with house(tmp_path) as found:
            found.plugin.fail("trade", "drop")
            order = await found.submit()
            await found.until(order, OrderState.IN_DOUBT)
            key = order.client_order_id
            await eventually(lambda: key in found.gate.doubts and found.gate.doubts[key].can_settle)
            found.gate.settle_not_found(key)
            await found.until(order, OrderState.REJECTED)
            assert found.plugin.counts()["trade"] == 1
            # The next one is another one, whatever it looks like.
            again = await found.submit()
            await found.until(again, OrderState.OPEN)
            assert again.venue_order_id == found.plugin.orders[0]["id"]
            await found.until(order, OrderState.REJECTED)

    run(main())


def test_a_plain_no_reads_as_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with house(tmp_path) as found:
            found.plugin.always("trade", '{"code":"51008","msg":"Insufficient USDT balance"}')
            order = await found.submit()
            assert order.state is OrderState.REJECTED
            assert order.reason.startswith("Not enough free balance for this order (“")

    run(main())


def test_a_book_is_stale_while_nothing_proves_it_and_orders_wait_for_the_account(tmp_path: Path) -> None:
    async def main() -> None:
        async with house(tmp_path) as found:
            good = found.plugin.answers["depth"]
            found.plugin.always("depth", "URL error: down")
            await eventually(lambda: _flushed(found.market).book_state(ETH) is FeedState.STALE)
            assert found.market.book(ETH) is None
            assert found.market.price_age_ns(ETH) is None
            found.plugin.answers["depth"] = good
            await eventually(lambda: _flushed(found.market).book(ETH) is not None)
            found.plugin.always("accounts", "URL error: down")
            await eventually(lambda: not found.gate.ready(KEY))
            assert found.session.state is not SessionState.LIVE
            found.plugin.answers["accounts"] = lambda params: found.plugin.balances
            await eventually(lambda: found.gate.ready(KEY))

    run(main())
