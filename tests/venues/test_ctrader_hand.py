"""What the suite cannot ask of every venue: cTrader's netted accounts, what its broker does by itself, and
what is found again after an answer was lost. On the practice broker, over TLS."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from terminal.core.secret import Secret
from terminal.domain.account import AccountFigures, Position
from terminal.domain.errors import NotSent, OutcomeUnknown, VenueUnavailable
from terminal.domain.events import (
    FiguresReported,
    FillReported,
    ForAccount,
    LinkState,
    OrderReported,
    PositionReported,
    VenueEvent,
    VenueNotice,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import (
    Fill,
    OrderRef,
    OrderReport,
    OrderRequest,
    OrderState,
    OrderType,
)
from terminal.emulators.ctrader.face import CtraderFace
from terminal.emulators.host import PracticeHost
from terminal.venues.base import ConnectorSettings
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader import trader as trader_module
from terminal.venues.ctrader.connector import CtraderConnector
from terminal.venues.ctrader.trader import CtraderTrader
from tests.helpers import eventually, run

D = Decimal
HEDGED, NETTED = "5120001", "5120002"
EUR, JPY = InstrumentId("ctrader", "EUR/USD"), InstrumentId("ctrader", "USD/JPY")
HOUR_NS = 3_600_000_000_000


@dataclass
class Desk:
    """A signed-in connector and one account of it, with all that was told of the account."""

    face: CtraderFace
    connector: CtraderConnector
    account: str
    events: list[VenueEvent]
    began_ns: int = field(default_factory=time.time_ns)

    @property
    def hand(self) -> CtraderTrader:
        found = self.connector.trader(self.account)
        assert isinstance(found, CtraderTrader)
        return found

    def of(self, kind: type[Any]) -> list[Any]:
        own = [
            each for each in self.events if isinstance(each, ForAccount) and each.account_id == self.account
        ]
        return [each.event for each in own if isinstance(each.event, kind)]

    @property
    def fills(self) -> list[Fill]:
        return [each.fill for each in self.of(FillReported)]

    @property
    def figures(self) -> AccountFigures:
        found: FiguresReported = self.of(FiguresReported)[-1]
        return found.figures

    def reports(self, order_id: str) -> list[OrderReport]:
        return [each.report for each in self.of(OrderReported) if each.report.venue_order_id == order_id]

    def positions(self) -> dict[str, Position]:
        """As the events leave them."""
        last = {each.position.position_id: each.position for each in self.of(PositionReported)}
        return {key: position for key, position in last.items() if position.quantity}

    async def open(self, side: Side = Side.BUY, quantity: str = "10000", **terms: Any) -> Position:
        """A position, and its protection if it asks for one."""
        before = set(self.positions())
        await self.hand.submit(OrderRequest(EUR, side, OrderType.MARKET, D(quantity), **terms), new_id())
        wants = terms.get("protection") is not None

        def opened() -> Position | None:
            for key, position in self.positions().items():
                if key not in before and not (wants and position.protection.is_empty):
                    return position
            return None

        await eventually(opened, what="the position")
        found = opened()
        assert found is not None
        return found

    async def close(self, position: Position, quantity: str | None = None) -> str:
        """Ask for the closing of a position or a part of it; our id of that."""
        client_id = new_id()
        await self.hand.submit(closing(position, quantity), client_id)
        return client_id

    async def price(self, side: Side = Side.BUY) -> Decimal:
        """The best ask for a buyer, the best bid for a seller."""
        await self.connector.subscribe(Feed(FeedKind.QUOTES, "EUR/USD"))
        assert self.connector._accounts is not None
        spots = self.connector._accounts.find(HEDGED).streams
        await eventually(lambda: spots.bid_ask(1), what="a price")
        found = spots.bid_ask(1)
        assert found is not None
        return found[1] if side is Side.BUY else found[0]

    def require_balance(self, begins: str) -> None:
        """Every fill to the cent: what it brought, its fee and its swap make the balance. The fee of an
        opening is booked when that part is closed."""
        brought = sum((fill.realised or D(0)) + fill.swap - (fill.fee or D(0)) for fill in self.fills)
        still_open = sum((position.commission for position in self.positions().values()), D(0))
        assert self.figures.balance == D(begins) + brought - still_open


def new_id() -> str:
    return secrets.token_hex(16)


def closing(position: Position, quantity: str | None = None) -> OrderRequest:
    return OrderRequest(
        position.instrument,
        position.side.opposite,
        OrderType.MARKET,
        position.quantity if quantity is None else D(quantity),
        position_id=position.position_id,
        reduce_only=True,
    )


@asynccontextmanager
async def practice(account: str = HEDGED) -> AsyncIterator[Desk]:
    host = PracticeHost(venues=("ctrader",), seed=9, rate=12.0)
    await host.start()
    entry = host.ctrader.endpoints(0)
    endpoints = {key: entry[key] for key in ("demo", "live", "authorize", "token", "redirect", "ca")}
    credentials = ("client_id", "client_secret", "access_token", "refresh_token", "expires_ns", "scope")
    connector = CtraderConnector(
        ConnectorSettings(endpoints, {key: Secret(entry[key]) for key in credentials})
    )
    events: list[VenueEvent] = []
    try:
        await connector.connect(events.append)
        live = ForAccount(account, LinkState.LIVE)
        await eventually(lambda: live in events, what="the account")
        yield Desk(host.ctrader, connector, account, events)
    finally:
        await connector.close()
        await host.stop()


def on(account: str, test: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        async with practice(account) as desk:
            await test(desk)

    run(main())


def test_a_netted_position_is_turned_round_and_its_profit_is_in_the_account_s_currency() -> None:
    async def test(desk: Desk) -> None:
        hand = desk.hand
        await hand.submit(OrderRequest(JPY, Side.BUY, OrderType.MARKET, D(20000)), new_id())
        await eventually(desk.positions, what="the position")
        await hand.submit(OrderRequest(JPY, Side.SELL, OrderType.MARKET, D(30000)), new_id())
        await eventually(
            lambda: [(p.side, p.quantity) for p in desk.positions().values()] == [(Side.SELL, D(10000))],
            what="the other side",
        )
        snapshot = await hand.snapshot(desk.began_ns)
        (held,) = snapshot.positions
        assert (held.side, held.quantity, held.currency) == (Side.SELL, D(10000), "EUR")
        (row,) = (
            await hand._account.client.request(
                pb.ProtoOAGetPositionUnrealizedPnLReq(ctidTraderAccountId=int(NETTED)),
                answer=pb.ProtoOAGetPositionUnrealizedPnLRes,
            )
        ).positionUnrealizedPnL
        (now,) = hand._holdings.positions()
        assert now.unrealised is not None
        # Prices move between the two reckonings: a few points of 10,000 dollars.
        assert abs(now.unrealised - D(row.netUnrealizedPnL) / 100) < D("5.00")
        await desk.close(now)
        await eventually(lambda: not desk.positions(), what="the end of it")
        await eventually(
            lambda: sum(fill.side.sign * fill.quantity for fill in desk.fills) == 0, what="fills"
        )
        desk.require_balance("5000.00")

    on(NETTED, test)


def test_too_little_money_is_called_out_and_then_the_broker_closes() -> None:
    async def test(desk: Desk) -> None:
        await desk.open(quantity="1000000")
        broker: Any = desk.face.broker
        broker.move_cash(int(HEDGED), -990_000)
        await eventually(lambda: not desk.positions(), what="the stop-out")
        closed: PositionReported = desk.of(PositionReported)[-1]
        assert closed.reason == "stop-out"
        notices = [each for each in desk.events if isinstance(each, VenueNotice)]
        assert any("Margin call" in notice.text for notice in notices)

    on(HEDGED, test)


def test_what_the_broker_does_not_allow_is_not_sent() -> None:
    async def test(desk: Desk) -> None:
        position = await desk.open()
        broker: Any = desk.face.broker
        broker.change_account(int(HEDGED), access_rights=pb.CLOSE_ONLY)
        hand = desk.hand

        def closes_only() -> bool:
            return hand._account.trader is not None and hand._account.trader.accessRights == pb.CLOSE_ONLY

        await eventually(closes_only, what="the word of it")
        assert not (await hand.test_credentials()).can_trade
        with pytest.raises(NotSent):
            await hand.submit(OrderRequest(EUR, Side.BUY, OrderType.MARKET, D(1000)), new_id())
        await desk.close(position)
        await eventually(lambda: not desk.positions(), what="the end of it")

    on(HEDGED, test)


# --- answers that were lost --------------------------------------------------------------------------------


@pytest.mark.parametrize("closes", [False, True], ids=["the link stays", "the link is cut"])
def test_an_order_whose_answer_was_lost_is_found(closes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trader_module, "WRITE_DEADLINE_S", 1.0)

    async def test(desk: Desk) -> None:
        fault = {"kind": "accept_lose_answer", "match": "ctrader/trade/NewOrderReq", "close": closes}
        desk.face.faults.order(fault)
        client_id, created_ns = new_id(), time.time_ns()
        with pytest.raises(OutcomeUnknown):
            await desk.hand.submit(OrderRequest(EUR, Side.BUY, OrderType.MARKET, D(1000)), client_id)
        report = await found(desk, OrderRef("EUR/USD", client_id, None, created_ns=created_ns))
        assert (report.state, report.client_order_id) == (OrderState.FILLED, client_id)
        await eventually(lambda: desk.fills and desk.positions(), what="the fill and the position")
        (fill,) = desk.fills
        assert fill.client_order_id == client_id

    on(HEDGED, test)


def test_a_closing_whose_answer_was_lost_is_found_by_what_it_did() -> None:
    async def test(desk: Desk) -> None:
        position = await desk.open()
        fault = {"kind": "accept_lose_answer", "match": "ctrader/trade/ClosePositionReq", "close": True}
        desk.face.faults.order(fault)
        client_id, created_ns = new_id(), time.time_ns()
        request = closing(position, "3000")
        with pytest.raises(OutcomeUnknown):
            await desk.hand.submit(request, client_id)
        ref = OrderRef(
            "EUR/USD", client_id, None, position.position_id, request.side, request.quantity, created_ns
        )
        report = await found(desk, ref)
        assert (report.state, report.client_order_id) == (OrderState.FILLED, client_id)
        assert report.reduce_only
        await eventually(
            lambda: [held.quantity for held in desk.positions().values()] == [D(7000)], what="the rest"
        )
        assert desk.fills[-1].client_order_id == client_id

    on(HEDGED, test)


@pytest.mark.parametrize("what", ["NewOrderReq", "ClosePositionReq"])
def test_what_never_arrived_is_plainly_not_known(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trader_module, "WRITE_DEADLINE_S", 0.5)

    async def test(desk: Desk) -> None:
        position = await desk.open()
        request = OrderRequest(EUR, Side.BUY, OrderType.MARKET, D(1000))
        if what == "ClosePositionReq":
            request = closing(position, "1000")
        desk.face.faults.order({"kind": "swallow_request", "match": f"ctrader/trade/{what}"})
        client_id, created_ns = new_id(), time.time_ns()
        with pytest.raises(OutcomeUnknown):
            await desk.hand.submit(request, client_id)
        ref = OrderRef(
            "EUR/USD", client_id, None, request.position_id, request.side, request.quantity, created_ns
        )
        assert await desk.hand.order_status(ref) is None

    on(HEDGED, test)


async def found(desk: Desk, ref: OrderRef) -> OrderReport:
    """What the venue knows of it, as soon as it can be asked."""
    deadline = time.monotonic() + 20
    while True:
        try:
            report = await desk.hand.order_status(ref)
        except VenueUnavailable:
            assert time.monotonic() < deadline, "the venue could not be asked"
            await asyncio.sleep(0.02)
        else:
            assert report is not None
            return report
