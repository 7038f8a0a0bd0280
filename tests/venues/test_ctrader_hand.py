"""cTrader's hand on the practice broker, over TLS: positions from the opening to the last cent, and what is
found again after an answer was lost."""

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
from terminal.domain.errors import NotSent, OutcomeUnknown, RequestRejected, VenueUnavailable
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
    AmendRequest,
    Fill,
    OrderRef,
    OrderReport,
    OrderRequest,
    OrderState,
    OrderType,
    Protection,
    TimeInForce,
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
        brought = sum((fill.realised or D(0)) + fill.swap - fill.fee for fill in self.fills)
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


def test_a_position_from_its_opening_to_the_last_cent() -> None:
    async def test(desk: Desk) -> None:
        hand = desk.hand
        position = await desk.open(
            protection=Protection(stop_distance=D("0.01000"), profit_distance=D("0.02000")), comment="a note"
        )
        entry = position.average_price
        assert position.protection == Protection(entry - D("0.01"), entry + D("0.02"))
        assert (position.quantity, position.comment, position.currency) == (D(10000), "a note", "USD")
        assert position.margin is not None
        key = position.position_id
        # The stop moves and the target stays; then each leg goes by itself, and both.
        for wanted in (
            Protection(entry - D("0.005"), entry + D("0.02")),
            Protection(entry - D("0.005")),
            Protection(entry - D("0.005"), trailing=True),
            Protection(take_profit=entry + D("0.03")),
            Protection(),
        ):
            await hand.protect(key, "EUR/USD", wanted)
            await eventually(lambda w=wanted: desk.positions()[key].protection == w, what=str(wanted))  # type: ignore[misc]
        await hand.protect(key, "EUR/USD", Protection())
        await hand.protect(key, "EUR/USD", Protection(stop_distance=D("0.01")))
        # A part of it, then the rest.
        await desk.close(position, "4000")
        await eventually(lambda: desk.positions()[key].quantity == D(6000), what="the smaller position")
        await desk.close(desk.positions()[key])
        await eventually(lambda: key not in desk.positions(), what="the end of it")
        await eventually(lambda: len(desk.fills) == 3, what="three fills")
        opening, first, last = desk.fills
        assert (opening.realised, opening.side) == (None, Side.BUY)
        assert {first.side, last.side} == {Side.SELL}
        assert {fill.position_id for fill in desk.fills} == {key}
        await eventually(lambda: desk.figures.used_margin == 0, what="no margin")
        desk.require_balance("10000.00")

    on(HEDGED, test)


@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
@pytest.mark.parametrize(
    "kind", [OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT], ids=lambda k: k.value
)
def test_a_pending_order_is_placed_changed_and_canceled(kind: OrderType, side: Side) -> None:
    async def test(desk: Desk) -> None:
        market, sign = await desk.price(side), side.sign
        away = D("0.01000") * (-sign if kind is OrderType.LIMIT else sign)
        entry = market + away
        levels = Protection(entry - sign * D("0.00500"), entry + sign * D("0.00700"))
        terms: dict[str, Any] = (
            {"limit_price": entry} if kind is OrderType.LIMIT else {"trigger_price": entry}
        )
        if kind is OrderType.STOP_LIMIT:
            terms["limit_price"] = entry + sign * D("0.00050")
        expires_ns = (desk.began_ns + HOUR_NS) // 1_000_000 * 1_000_000
        request = OrderRequest(
            EUR,
            side,
            kind,
            D(2000),
            time_in_force=TimeInForce.GTD,
            expire_time_ns=expires_ns,
            protection=levels,
            **terms,
        )
        client_id = new_id()
        order_id = (await desk.hand.submit(request, client_id)).venue_order_id
        await eventually(lambda: desk.reports(order_id), what="the order")
        first = desk.reports(order_id)[0]
        assert (first.state, first.client_order_id, first.order_type) == (OrderState.OPEN, client_id, kind)
        assert (first.limit_price, first.trigger_price) == (request.limit_price, request.trigger_price)
        assert (first.protection, first.expire_time_ns) == (levels, expires_ns)
        # One term is changed: all the others stand.
        ref = OrderRef("EUR/USD", client_id, order_id)
        await desk.hand.amend(ref, AmendRequest(quantity=D(3000)))
        await eventually(lambda: desk.reports(order_id)[-1].quantity == D(3000), what="the change")
        now = desk.reports(order_id)[-1]
        assert (now.limit_price, now.trigger_price) == (request.limit_price, request.trigger_price)
        assert (now.protection, now.expire_time_ns) == (levels, expires_ns)
        snapshot = await desk.hand.snapshot(desk.began_ns)
        assert [report.venue_order_id for report in snapshot.open_orders] == [order_id]
        await desk.hand.cancel(ref)
        await eventually(lambda: desk.reports(order_id)[-1].state is OrderState.CANCELED, what="the end")
        with pytest.raises(RequestRejected):
            await desk.hand.cancel(ref)

    on(HEDGED, test)


def test_a_market_range_order_fills_within_its_range_or_not_at_all() -> None:
    async def test(desk: Desk) -> None:
        ask = await desk.price()
        good = OrderRequest(
            EUR, Side.BUY, OrderType.MARKET_RANGE, D(1000), reference_price=ask, max_slippage=D("0.00200")
        )
        order_id = (await desk.hand.submit(good, new_id())).venue_order_id
        await eventually(lambda: desk.reports(order_id)[-1].state is OrderState.FILLED, what="the fill")
        bad = OrderRequest(
            EUR,
            Side.BUY,
            OrderType.MARKET_RANGE,
            D(1000),
            reference_price=ask - D("0.01"),
            max_slippage=D("0.00001"),
        )
        order_id = (await desk.hand.submit(bad, new_id())).venue_order_id
        await eventually(lambda: desk.reports(order_id)[-1].state.is_final, what="the end")
        assert desk.reports(order_id)[-1].filled_quantity == 0

    on(HEDGED, test)


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


def test_a_stop_that_is_hit_says_so() -> None:
    async def test(desk: Desk) -> None:
        position = await desk.open(protection=Protection(stop_distance=D("0.00500")))
        desk.face.shock("EURUSD", -2.0)
        await eventually(lambda: not desk.positions(), what="the stop")
        closed: PositionReported = desk.of(PositionReported)[-1]
        assert closed.reason == "stop loss"
        await eventually(lambda: len(desk.fills) == 2, what="its fill")
        stop = desk.reports(desk.fills[-1].venue_order_id)[-1]
        assert (stop.order_type, stop.state, stop.position_id) == (
            OrderType.STOP,
            OrderState.FILLED,
            position.position_id,
        )
        desk.require_balance("10000.00")

    on(HEDGED, test)


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


# --- the past ----------------------------------------------------------------------------------------------


def test_the_past_is_what_happened() -> None:
    async def test(desk: Desk) -> None:
        position = await desk.open()
        await desk.close(position)
        await eventually(lambda: len(desk.fills) == 2, what="two fills")
        orders = await desk.hand.order_history()
        assert [report.state for report in orders.orders] == [OrderState.FILLED] * 2
        fills = await desk.hand.fill_history()
        assert {fill.fill_id for fill in fills.fills} == {fill.fill_id for fill in desk.fills}
        cash = await desk.hand.cash_flow()
        assert [(entry.what, entry.amount) for entry in cash.entries] == [("deposit", D("10000.00"))]
        assert (orders.earlier_ns, fills.earlier_ns, cash.earlier_ns) == (None, None, None)
        snapshot = await desk.hand.snapshot(desk.began_ns)
        assert {fill.fill_id for fill in snapshot.fills} == {fill.fill_id for fill in desk.fills}
        assert snapshot.positions == ()
        margin = await desk.hand.expected_margin("EUR/USD", D(10000))
        assert margin.currency == "USD"
        assert 0 < margin.buy < D(1000)

    on(HEDGED, test)
