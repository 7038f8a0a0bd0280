"""The order gate over an account's hand: closings that carry no id of ours, and what happens at the venue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from terminal.core.clock import SystemClock
from terminal.domain.errors import OutcomeUnknown
from terminal.domain.events import AccountEvent
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Quote, Side
from terminal.domain.orders import Fill, OrderRequest, OrderState, OrderType, Origin
from terminal.services.arming import Arming, ArmState
from terminal.services.journal import Journal
from terminal.services.orders import OrderGate
from terminal.services.risk import RiskLimits, RiskRules
from terminal.venues.ctrader import VENUE
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.trader import CtraderTrader
from tests.helpers import eventually, run
from tests.unit.services.order_fakes import FAST, FakeAccounts, FakeMarket
from tests.unit.venues.ctrader.broker import (
    ACCOUNT,
    EURUSD,
    T0,
    D,
    FakeAccount,
    closing,
    deal,
    execution,
    order,
    position,
    shell,
    state,
)

KEY = f"ctrader:practice:{ACCOUNT}"
EUR = InstrumentId("ctrader", "EUR/USD")
CLOSE = OrderRequest(EUR, Side.SELL, OrderType.MARKET, D(1000), position_id="88", reduce_only=True)
OPEN = OrderRequest(EUR, Side.BUY, OrderType.MARKET, D(1000))
DONE: dict[str, Any] = {
    "status": pb.ORDER_STATUS_FILLED,
    "executedVolume": 100_000,
    "executionPrice": 1.14816,
}


class EuroMarket(FakeMarket):
    """One instrument with a price, and no book."""

    def __init__(self, instrument: Instrument) -> None:
        super().__init__()
        self.listing = instrument
        self.order_book = None

    def quote(self, instrument: InstrumentId, /) -> Quote | None:
        sides = (D("1.14816"), None, D("1.14817"), None)
        return Quote(EUR, *sides, None, None, None, None, None, None, None, None, 0)


class House:
    """A gate, the hand of one account, and the broker behind it."""

    def __init__(self, account: FakeAccount, folder: Path) -> None:
        self.broker = account.fake
        self.hand = CtraderTrader(account, self._on_event, info=VENUE, clock=SystemClock())
        listing = account.symbols.by_id(EURUSD)
        assert listing is not None
        market = EuroMarket(listing.instrument)
        arming = Arming(SystemClock())
        arming.set(ArmState.ONE_CLICK)
        self.gate = OrderGate(
            journal=Journal(folder / "journal.sqlite", clock=SystemClock()),
            rules=RiskRules(RiskLimits(duplicate_s=None)),
            clock=SystemClock(),
            connector=lambda key: self.hand,
            market=market,
            account_view=FakeAccounts(),
            timings=FAST,
            arming=arming,
        )
        self.fills: list[Fill] = []
        self.gate.fill_added.watch(self.fills.append)

    def _on_event(self, event: AccountEvent) -> None:
        self.gate.on_event(KEY, event)

    def hold(self, *positions: pb.ProtoOAPosition) -> None:
        self.broker.answers[pb.ProtoOAReconcileReq] = state(position=positions)

    async def compare(self) -> None:
        await self.hand.sync()
        await self.gate.reconcile(KEY, await self.hand.snapshot(self.gate.reconcile_from_ns(KEY)))

    async def submit(self, request: OrderRequest) -> Any:
        tokens = self.gate.check(KEY, request).tokens
        return await self.gate.submit(KEY, request, confirmed=tokens)


def with_house(tmp_path: Path, test: Callable[[House], Awaitable[None]]) -> None:
    async def main() -> None:
        house = House(await FakeAccount().ready(), tmp_path)
        house.hold(position(88))
        await house.compare()
        try:
            await test(house)
        finally:
            await house.gate.close()
            await house.hand.close()

    run(main())


def now_ms() -> int:
    """Recent: what is weeks old is nothing that the gate still knows."""
    return SystemClock().wall_ns() // 1_000_000


def closing_order(at: int, **more: Any) -> pb.ProtoOAOrder:
    return order(79, side=pb.SELL, closingOrder=True, positionId=88, at=at, **more)


def filled(at: int) -> Message:
    return execution(
        pb.ORDER_FILLED,
        order=closing_order(at, **DONE),
        deal=deal(502, 79, 88, side=pb.SELL, at=at, closes=closing(1_000_100, 2, profit=100)),
        position=shell(88, at=at),
    )


def test_a_closing_is_our_order_though_the_venue_knows_no_id_of_it(tmp_path: Path) -> None:
    """Its events come before its answer has been read."""

    async def test(house: House) -> None:
        def answer(message: Any) -> Message:
            at = now_ms()
            accepted = execution(pb.ORDER_ACCEPTED, order=closing_order(at), position=position(88))
            house.hand.on_event(accepted)
            house.hand.on_event(filled(at + 5))
            return accepted

        house.broker.answers[pb.ProtoOAClosePositionReq] = answer
        sent = await house.submit(CLOSE)
        await eventually(lambda: sent.state is OrderState.FILLED, what="the fill")
        assert (sent.venue_order_id, sent.filled_quantity) == ("79", D(1000))
        assert [fill.realised for fill in house.fills] == [D("1.00")]
        assert [found.origin for found in house.gate.orders.values()] == [Origin.TICKET]

    with_house(tmp_path, test)


def test_a_closing_without_an_answer_is_found_by_what_it_did(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        def lose(message: Any) -> Exception:
            house.hold()
            at = now_ms()
            done = closing_order(at, trade={"openTimestamp": at}, **DONE)
            house.broker.answers[pb.ProtoOAOrderListByPositionIdReq] = pb.ProtoOAOrderListByPositionIdRes(
                ctidTraderAccountId=ACCOUNT, order=[done], hasMore=False
            )
            return OutcomeUnknown("ctrader", "no answer")

        house.broker.answers[pb.ProtoOAClosePositionReq] = lose
        sent = await house.submit(CLOSE)
        await eventually(lambda: sent.state is OrderState.FILLED, what="the proof")
        assert sent.venue_order_id == "79"
        assert len(house.broker.asked(pb.ProtoOAClosePositionReq)) == 1
        # Its fill comes later, and belongs to it.
        house.hand.on_event(filled(now_ms()))
        assert [fill.client_order_id for fill in house.fills] == [sent.client_order_id]
        assert [found.origin for found in house.gate.orders.values()] == [Origin.TICKET]

    with_house(tmp_path, test)


def test_a_closing_that_never_arrived_can_be_settled_as_not_found(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        house.broker.answers[pb.ProtoOAClosePositionReq] = OutcomeUnknown("ctrader", "no answer")
        sent = await house.submit(CLOSE)
        assert sent.doubt_since_ns is not None

        def can_settle() -> bool:
            doubt = house.gate.inquiries.doubts.get(sent.client_order_id)
            return doubt is not None and doubt.can_settle

        await eventually(can_settle, what="several plain answers")
        house.gate.settle_not_found(sent.client_order_id)
        assert sent.state is OrderState.REJECTED

    with_house(tmp_path, test)


def test_an_opening_order_without_an_answer_is_found_by_its_label(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        def lose(message: Any) -> Exception:
            row = order(90, pb.MARKET, clientOrderId=message.clientOrderId, at=now_ms(), **DONE)
            house.broker.answers[pb.ProtoOAOrderListReq] = pb.ProtoOAOrderListRes(
                ctidTraderAccountId=ACCOUNT, order=[row], hasMore=False
            )
            return OutcomeUnknown("ctrader", "no answer")

        house.broker.answers[pb.ProtoOANewOrderReq] = lose
        sent = await house.submit(OPEN)
        await eventually(lambda: sent.state is OrderState.FILLED, what="the proof")
        assert sent.venue_order_id == "90"
        assert len(house.broker.asked(pb.ProtoOANewOrderReq)) == 1

    with_house(tmp_path, test)


def test_a_stop_loss_that_fired_is_listed_with_its_fill(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        hit = order(
            78,
            pb.STOP_LOSS_TAKE_PROFIT,
            side=pb.SELL,
            closingOrder=True,
            positionId=88,
            stopPrice=1.147,
            at=T0 + 9,
            **{**DONE, "executionPrice": 1.1469},
        )
        at = now_ms()
        sold = deal(
            9, 78, 88, side=pb.SELL, at=at, executionPrice=1.1469, closes=closing(999_000, 2, profit=-126)
        )
        hit.utcLastUpdateTimestamp = at
        house.hand.on_event(
            execution(pb.ORDER_FILLED, order=hit, deal=sold, position=shell(88, at=at), isServerEvent=True)
        )
        (found,) = house.gate.orders.values()
        assert (found.state, found.order_type, found.origin) == (
            OrderState.FILLED,
            OrderType.STOP,
            Origin.EXTERNAL,
        )
        assert found.reason == "Stop loss"
        assert [fill.realised for fill in house.fills] == [D("-1.26")]

    with_house(tmp_path, test)


def test_a_reconciliation_after_a_loss_ends_what_ended_meanwhile(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        at = now_ms()

        def accept(message: Any) -> Message:
            row = order(91, pb.LIMIT, limitPrice=1.1, clientOrderId=message.clientOrderId, at=at)
            return execution(pb.ORDER_ACCEPTED, order=row)

        house.broker.answers[pb.ProtoOANewOrderReq] = accept
        sent = await house.submit(replace(OPEN, order_type=OrderType.LIMIT, limit_price=D("1.1")))
        assert sent.state is OrderState.OPEN
        house.hand.on_lost("the connection is down")
        house.gate.suspend(KEY, "down")
        row = order(
            91,
            pb.LIMIT,
            limitPrice=1.1,
            clientOrderId=sent.client_order_id,
            at=at + 50,
            **{**DONE, "executionPrice": 1.1},
        )
        house.broker.answers[pb.ProtoOAOrderListReq] = pb.ProtoOAOrderListRes(
            ctidTraderAccountId=ACCOUNT, order=[row], hasMore=False
        )
        house.broker.answers[pb.ProtoOADealListReq] = pb.ProtoOADealListRes(
            ctidTraderAccountId=ACCOUNT,
            deal=[deal(7, 91, 92, at=at + 50, executionPrice=1.1)],
            hasMore=False,
        )
        await house.compare()
        assert (sent.state, sent.filled_quantity) == (OrderState.FILLED, D(1000))
        assert [fill.client_order_id for fill in house.fills] == [sent.client_order_id]

    with_house(tmp_path, test)
