"""What became of an order whose answer was lost: found by number, label, or what it did; or plainly not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.errors import VenueUnavailable
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderRef, OrderState
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.executions import Reader
from terminal.venues.ctrader.holdings import Holdings
from terminal.venues.ctrader.inquiry import Inquiry
from terminal.venues.ctrader.profit import Profits
from terminal.venues.ctrader.records import Records, read
from tests.helpers import run
from tests.unit.venues.ctrader.broker import (
    ACCOUNT,
    T0,
    D,
    FakeAccount,
    FakeClient,
    deal,
    order,
    position,
    refusal,
    state,
)

ID = "9c1e4b7a0d2f4f6c8e3a5b7d9f1c2e4a"
OTHER = "00000000000000000000000000000000"
OURS: dict[str, Any] = {"clientOrderId": ID, "trade": {"label": ID}}
CREATED_NS = T0 * 1_000_000
DONE: dict[str, Any] = {
    "status": pb.ORDER_STATUS_FILLED,
    "executedVolume": 100_000,
    "executionPrice": 1.14816,
}


@dataclass
class Desk:
    broker: FakeClient
    inquiry: Inquiry
    holdings: Holdings
    fills: list[Fill]
    clock: ManualClock

    def lists(self, *orders: pb.ProtoOAOrder) -> None:
        self.broker.answers[pb.ProtoOAOrderListReq] = pb.ProtoOAOrderListRes(
            ctidTraderAccountId=ACCOUNT, order=orders, hasMore=False
        )

    def holds(self, **what: Any) -> None:
        self.broker.answers[pb.ProtoOAReconcileReq] = state(**what)

    def of_position(self, *orders: pb.ProtoOAOrder) -> None:
        self.broker.answers[pb.ProtoOAOrderListByPositionIdReq] = pb.ProtoOAOrderListByPositionIdRes(
            ctidTraderAccountId=ACCOUNT, order=orders, hasMore=False
        )


def with_desk(test: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        account = await FakeAccount().ready()
        reader = Reader(account.symbols, account)
        holdings = Holdings(reader, Profits(account.symbols, account.streams, account.rates, "test"))
        records = Records(account.client, ACCOUNT, reader, account.clock, name_of=holdings.name_of)
        fills: list[Fill] = []

        async def read_state() -> pb.ProtoOAReconcileRes:
            message = pb.ProtoOAReconcileReq(ctidTraderAccountId=ACCOUNT, returnProtectionOrders=True)
            return await read(account.client, message, pb.ProtoOAReconcileRes)

        inquiry = Inquiry(
            account.client,
            ACCOUNT,
            holdings,
            reader,
            records,
            account.clock,
            read_state=read_state,
            on_fill=fills.append,
        )
        await test(Desk(account.fake, inquiry, holdings, fills, account.clock))

    run(main())


BY_NAME = OrderRef("EUR/USD", ID, None, created_ns=CREATED_NS)
CLOSING = OrderRef("EUR/USD", ID, None, "88", Side.SELL, D(1000), CREATED_NS)


def test_by_number_with_the_fills_that_were_missed() -> None:
    async def test(desk: Desk) -> None:
        desk.broker.answers[pb.ProtoOAOrderDetailsReq] = pb.ProtoOAOrderDetailsRes(
            ctidTraderAccountId=ACCOUNT, order=order(77, **DONE, **OURS), deal=[deal(5, 77, 88)]
        )
        for _ in range(2):
            report = await desk.inquiry.status(OrderRef("EUR/USD", ID, "77"))
            assert report is not None
            assert (report.state, report.client_order_id) == (OrderState.FILLED, ID)
        assert [(fill.fill_id, fill.client_order_id) for fill in desk.fills] == [("5", ID)]

    with_desk(test)


def test_an_unknown_number_is_a_plain_no() -> None:
    async def test(desk: Desk) -> None:
        desk.broker.answers[pb.ProtoOAOrderDetailsReq] = refusal("ORDER_NOT_FOUND")
        assert await desk.inquiry.status(OrderRef("EUR/USD", None, "77")) is None

    with_desk(test)


@pytest.mark.parametrize("code", ["INVALID_REQUEST", "MARKET_CLOSED", "SOMETHING_NEW"])
def test_any_other_refusal_is_no_answer(code: str) -> None:
    async def test(desk: Desk) -> None:
        desk.broker.answers[pb.ProtoOAOrderDetailsReq] = refusal(code)
        with pytest.raises(VenueUnavailable):
            await desk.inquiry.status(OrderRef("EUR/USD", None, "77"))

    with_desk(test)


def test_a_server_without_order_details_is_asked_for_its_lists() -> None:
    async def test(desk: Desk) -> None:
        desk.lists(order(76), order(77, **DONE))
        report = await desk.inquiry.status(OrderRef("EUR/USD", None, "77"))
        assert report is not None
        assert report.state is OrderState.FILLED
        assert await desk.inquiry.status(OrderRef("EUR/USD", None, "78")) is None

    with_desk(test)


def test_an_answer_about_another_order_is_none() -> None:
    async def test(desk: Desk) -> None:
        desk.broker.answers[pb.ProtoOAOrderDetailsReq] = pb.ProtoOAOrderDetailsRes(
            ctidTraderAccountId=ACCOUNT, order=order(76)
        )
        with pytest.raises(VenueUnavailable):
            await desk.inquiry.status(OrderRef("EUR/USD", None, "77"))

    with_desk(test)


def test_by_label_among_the_open_ones() -> None:
    async def test(desk: Desk) -> None:
        desk.holds(order=[order(6, pb.LIMIT, limitPrice=1.1), order(7, pb.LIMIT, limitPrice=1.1, **OURS)])
        report = await desk.inquiry.status(BY_NAME)
        assert report is not None
        assert (report.venue_order_id, report.state) == ("7", OrderState.OPEN)
        assert desk.broker.asked(pb.ProtoOAOrderListReq) == []

    with_desk(test)


def test_by_label_among_those_that_ended_since_it_was_made() -> None:
    async def test(desk: Desk) -> None:
        desk.lists(order(6, **DONE), order(7, **DONE, **OURS))
        report = await desk.inquiry.status(BY_NAME)
        assert report is not None
        assert (report.venue_order_id, report.state) == ("7", OrderState.FILLED)
        (asked,) = desk.broker.asked(pb.ProtoOAOrderListReq)
        assert T0 - 120_000 <= asked.fromTimestamp <= T0 - 20_000
        assert asked.toTimestamp >= T0

    with_desk(test)


def test_the_fills_of_an_order_that_was_found_are_told_too() -> None:
    """Where the answer was lost, the events may have been lost with it."""

    async def test(desk: Desk) -> None:
        desk.lists(order(7, **DONE, **OURS))
        desk.broker.answers[pb.ProtoOAOrderDetailsReq] = pb.ProtoOAOrderDetailsRes(
            ctidTraderAccountId=ACCOUNT, order=order(7, **DONE, **OURS), deal=[deal(5, 7, 88)]
        )
        for _ in range(2):
            assert await desk.inquiry.status(BY_NAME) is not None
        assert [(fill.fill_id, fill.client_order_id) for fill in desk.fills] == [("5", ID)]
        desk.broker.answers[pb.ProtoOAOrderDetailsReq] = VenueUnavailable("ctrader", "no answer")
        assert await desk.inquiry.status(BY_NAME) is not None

    with_desk(test)


def test_a_label_alone_is_enough() -> None:
    async def test(desk: Desk) -> None:
        desk.lists(order(7, trade={"label": ID}, **DONE))
        report = await desk.inquiry.status(BY_NAME)
        assert report is not None
        assert report.client_order_id == ID

    with_desk(test)


def test_the_closing_of_our_position_is_not_our_opening_order() -> None:
    """It carries the same label."""

    async def test(desk: Desk) -> None:
        desk.lists(order(9, side=pb.SELL, closingOrder=True, trade={"label": ID}, **DONE))
        assert await desk.inquiry.status(BY_NAME) is None

    with_desk(test)


def test_by_the_position_that_it_opened() -> None:
    async def test(desk: Desk) -> None:
        desk.holds(position=[position(88, trade={"label": ID})])
        desk.of_position(order(7, **DONE, **OURS))
        report = await desk.inquiry.status(BY_NAME)
        assert report is not None
        assert report.venue_order_id == "7"
        # A position of ours without its order: the lists are behind, which is no answer.
        desk.of_position()
        with pytest.raises(VenueUnavailable):
            await desk.inquiry.status(BY_NAME)

    with_desk(test)


def test_a_plain_no_needs_every_list() -> None:
    async def test(desk: Desk) -> None:
        assert await desk.inquiry.status(BY_NAME) is None
        for kind in (pb.ProtoOAReconcileReq, pb.ProtoOAOrderListReq):
            before = desk.broker.answers[kind]
            desk.broker.answers[kind] = VenueUnavailable("ctrader", "no answer")
            with pytest.raises(VenueUnavailable):
                await desk.inquiry.status(BY_NAME)
            desk.broker.answers[kind] = before

    with_desk(test)


# --- closings ----------------------------------------------------------------------------------------------


def closed(order_id: int, **more: Any) -> pb.ProtoOAOrder:
    fields: dict[str, Any] = {"at": T0 + 400, **more}
    fields["trade"] = {"openTimestamp": T0 + 300, "label": OTHER, **more.get("trade", {})}
    return order(order_id, **{"side": pb.SELL, "closingOrder": True, "positionId": 88, **DONE, **fields})


def test_a_closing_is_told_by_what_it_did() -> None:
    async def test(desk: Desk) -> None:
        desk.of_position(closed(9))
        report = await desk.inquiry.status(CLOSING)
        assert report is not None
        assert (report.venue_order_id, report.client_order_id) == ("9", ID)
        assert report.state is OrderState.FILLED
        # From now on it is ours: also when asked for by its number, or told of by an event.
        assert desk.holdings.name_of(9) == ID

    with_desk(test)


@pytest.mark.parametrize(
    "other",
    [
        closed(9, side=pb.BUY),
        closed(9, volume=50_000),
        closed(9, positionId=89),
        closed(9, isStopOut=True),
        closed(9, closingOrder=False),
        closed(9, kind=pb.STOP_LOSS_TAKE_PROFIT, stopPrice=1.1),
        closed(9, at=T0 - 30_000, trade={"openTimestamp": T0 - 30_000}),
    ],
)
def test_a_closing_that_does_not_fit_is_not_ours(other: pb.ProtoOAOrder) -> None:
    async def test(desk: Desk) -> None:
        desk.holds(position=[position(88)])
        desk.of_position(other)
        assert await desk.inquiry.status(CLOSING) is None

    with_desk(test)


def test_a_closing_that_is_known_to_be_another_of_ours_is_not_taken_twice() -> None:
    async def test(desk: Desk) -> None:
        desk.holds(position=[position(88)])
        desk.holdings.name(9, OTHER)
        desk.of_position(closed(9))
        assert await desk.inquiry.status(CLOSING) is None
        desk.of_position(closed(9), closed(10))
        report = await desk.inquiry.status(CLOSING)
        assert report is not None
        assert report.venue_order_id == "10"

    with_desk(test)


def test_of_two_that_fit_the_nearer_in_time_is_taken() -> None:
    async def test(desk: Desk) -> None:
        desk.of_position(closed(9, trade={"openTimestamp": T0 + 9_000}), closed(10))
        report = await desk.inquiry.status(CLOSING)
        assert report is not None
        assert report.venue_order_id == "10"

    with_desk(test)


def test_a_position_that_is_gone_without_a_trace_is_no_answer_yet() -> None:
    async def test(desk: Desk) -> None:
        desk.of_position()
        with pytest.raises(VenueUnavailable):
            await desk.inquiry.status(CLOSING)
        # Its stop loss explains it: ours was plainly never there.
        stop = order(
            11,
            pb.STOP_LOSS_TAKE_PROFIT,
            side=pb.SELL,
            closingOrder=True,
            positionId=88,
            stopPrice=1.1,
            at=T0 + 9,
            **DONE,
        )
        desk.of_position(stop)
        assert await desk.inquiry.status(CLOSING) is None

    with_desk(test)


def test_a_closing_is_found_in_the_account_s_list_where_the_position_s_cannot_be_had() -> None:
    async def test(desk: Desk) -> None:
        desk.lists(closed(9))
        report = await desk.inquiry.status(CLOSING)
        assert report is not None
        assert report.venue_order_id == "9"

    with_desk(test)


def test_an_order_that_adds_to_a_position_is_found_by_its_label() -> None:
    async def test(desk: Desk) -> None:
        desk.lists(order(12, positionId=88, **DONE, **OURS))
        desk.of_position(closed(9))
        report = await desk.inquiry.status(CLOSING._replace(side=Side.BUY))
        assert report is not None
        assert report.venue_order_id == "12"

    with_desk(test)
