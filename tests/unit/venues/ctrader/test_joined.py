"""The connector with its accounts' own hands, over TLS: an order's messages, cuts, and events that wait."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.message import Message

from terminal.domain.errors import OutcomeUnknown, RequestRejected
from terminal.domain.events import (
    FillReported,
    ForAccount,
    LinkState,
    OrderReported,
    PositionReported,
    VenueNotice,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderRef, OrderReport, OrderRequest, OrderState, OrderType
from terminal.venues.base import TradesOrders
from terminal.venues.ctrader import openapi_pb2 as pb
from tests.helpers import eventually, run
from tests.unit.venues.ctrader.broker import T0, deal, order, position, shell
from tests.unit.venues.ctrader.fake_venue import DEMO, Desk, FakeVenue, Wire, desk

D = Decimal
ID = "9c1e4b7a0d2f4f6c8e3a5b7d9f1c2e4a"
OURS: dict[str, Any] = {"clientOrderId": ID, "trade": {"label": ID}}
NAMED: dict[str, Any] = {"ctidTraderAccountId": DEMO}
MARKET = OrderRequest(InstrumentId("ctrader", "EUR/USD"), Side.BUY, OrderType.MARKET, D(1000))
DONE: dict[str, Any] = {
    "status": pb.ORDER_STATUS_FILLED,
    "executedVolume": 100_000,
    "executionPrice": 1.14816,
}


def execution(kind: Any, **parts: Any) -> pb.ProtoOAExecutionEvent:
    return pb.ProtoOAExecutionEvent(**NAMED, executionType=kind, **parts)


def serve_lists(venue: FakeVenue, *, positions: Any = (), orders: Any = (), ended: Any = ()) -> None:
    """An account that has this."""
    answers: dict[int, Message] = {
        pb.PROTO_OA_RECONCILE_REQ: pb.ProtoOAReconcileRes(**NAMED, position=positions, order=orders),
        pb.PROTO_OA_ORDER_LIST_REQ: pb.ProtoOAOrderListRes(**NAMED, order=ended, hasMore=False),
        pb.PROTO_OA_DEAL_LIST_REQ: pb.ProtoOADealListRes(**NAMED, hasMore=False),
    }

    def reply(answer: Message) -> Callable[[Wire, Any, str], None]:
        return lambda wire, message, number: wire.send(answer, number)

    venue.on.update({number: reply(answer) for number, answer in answers.items()})


def with_trader(
    test: Callable[[Desk, TradesOrders], Awaitable[None]], prepare: Callable[[FakeVenue], None] = serve_lists
) -> None:
    async def main() -> None:
        async with desk() as found:
            prepare(found.demo)
            connector = found.build(make_hand=None)
            await connector.connect(found.events.append)
            await until_live(found)
            await test(found, connector.trader(str(DEMO)))

    run(main())


async def until_live(found: Desk, times: int = 1) -> None:
    live = ForAccount(str(DEMO), LinkState.LIVE)
    await eventually(lambda: found.events.count(live) >= times, what="the account")


def reports(found: Desk) -> list[OrderReport]:
    return [each.event.report for each in found.of(ForAccount) if isinstance(each.event, OrderReported)]


def of(found: Desk, kind: type[Any]) -> list[Any]:
    return [each.event for each in found.of(ForAccount) if isinstance(each.event, kind)]


def test_an_order_is_accepted_filled_and_protected_by_messages_with_one_id() -> None:
    def fill(wire: Wire, message: Any, number: str) -> None:
        wire.send(execution(pb.ORDER_ACCEPTED, order=order(77, **OURS), position=shell(88)), number)
        wire.send(
            execution(
                pb.ORDER_FILLED,
                order=order(77, at=T0 + 5, **DONE, **OURS),
                deal=deal(5, 77, 88, at=T0 + 5),
                position=position(88, at=T0 + 5, trade={"label": ID}),
            ),
            number,
        )
        wire.send(execution(pb.ORDER_ACCEPTED, position=position(88, at=T0 + 9, stopLoss=1.14716)))

    async def test(found: Desk, trader: TradesOrders) -> None:
        found.demo.on[pb.PROTO_OA_NEW_ORDER_REQ] = fill
        ack = await trader.submit(MARKET, ID)
        assert ack.venue_order_id == "77"
        await eventually(lambda: len(of(found, PositionReported)) >= 2, what="the protection")
        assert [report.state for report in reports(found)] == [OrderState.OPEN, OrderState.FILLED]
        assert [each.fill.client_order_id for each in of(found, FillReported)] == [ID]
        assert of(found, PositionReported)[-1].position.protection.stop_loss == D("1.14716")
        snapshot = await trader.snapshot(time.time_ns())
        assert snapshot.figures is not None
        assert snapshot.figures.balance == D("10000.00")

    with_trader(test)


def test_a_rejection_after_the_yes_reaches_the_event_path() -> None:
    def refuse_late(wire: Wire, message: Any, number: str) -> None:
        wire.send(execution(pb.ORDER_ACCEPTED, order=order(77, **OURS)), number)
        rejected = order(77, status=pb.ORDER_STATUS_REJECTED, at=T0 + 5, **OURS)
        wire.send(execution(pb.ORDER_REJECTED, order=rejected, errorCode="MARKET_CLOSED"), number)

    async def test(found: Desk, trader: TradesOrders) -> None:
        found.demo.on[pb.PROTO_OA_NEW_ORDER_REQ] = refuse_late
        assert (await trader.submit(MARKET, ID)).venue_order_id == "77"
        await eventually(lambda: len(reports(found)) == 2, what="the rejection")
        assert reports(found)[-1].state is OrderState.REJECTED
        assert reports(found)[-1].reason == "The market is closed."

    with_trader(test)


@pytest.mark.parametrize(
    ("carrier", "code", "kind"),
    [
        ("2132", "TRADING_BAD_VOLUME", RequestRejected),
        ("2132", "A_CODE_OF_TOMORROW", RequestRejected),
        ("2126", "NOT_ENOUGH_MONEY", RequestRejected),
        ("2142", "MARKET_CLOSED", RequestRejected),
        ("2142", "TIMEOUT_ERROR", OutcomeUnknown),
        ("2142", "CH_SERVER_NOT_REACHABLE", OutcomeUnknown),
        ("2142", "CANT_ROUTE_REQUEST", OutcomeUnknown),
        ("50", "UNKNOWN_ERROR", OutcomeUnknown),
    ],
)
def test_a_no_is_a_no_and_what_may_have_happened_is_in_doubt(
    carrier: str, code: str, kind: type[Exception]
) -> None:
    def refuse(wire: Wire, message: Any, number: str) -> None:
        answers: dict[str, Message] = {
            "2132": pb.ProtoOAOrderErrorEvent(**NAMED, errorCode=code),
            "2126": execution(
                pb.ORDER_REJECTED,
                order=order(77, status=pb.ORDER_STATUS_REJECTED, **OURS),
                errorCode=code,
            ),
            "2142": pb.ProtoOAErrorRes(errorCode=code),
            "50": pb.ProtoErrorRes(errorCode=code),
        }
        wire.send(answers[carrier], number)

    async def test(found: Desk, trader: TradesOrders) -> None:
        found.demo.on[pb.PROTO_OA_NEW_ORDER_REQ] = refuse
        with pytest.raises(kind):
            await trader.submit(MARKET, ID)
        assert len(found.demo.heard(pb.ProtoOANewOrderReq)) == 1

    with_trader(test)


def test_an_order_whose_answer_was_cut_off_is_found_by_its_label() -> None:
    def take_and_cut(wire: Wire, message: Any, number: str) -> None:
        serve_lists(
            wire.venue, positions=[position(88, trade={"label": ID})], ended=[order(77, **DONE, **OURS)]
        )
        wire.cut()

    async def test(found: Desk, trader: TradesOrders) -> None:
        found.demo.on[pb.PROTO_OA_NEW_ORDER_REQ] = take_and_cut
        with pytest.raises(OutcomeUnknown):
            await trader.submit(MARKET, ID)
        await until_live(found, times=2)
        report = await trader.order_status(OrderRef("EUR/USD", ID, None))
        assert report is not None
        assert (report.state, report.venue_order_id) == (OrderState.FILLED, "77")
        assert len(found.demo.heard(pb.ProtoOANewOrderReq)) == 1

    with_trader(test)


def test_events_that_come_while_the_account_is_read_wait_and_the_older_ones_change_nothing() -> None:
    """After the sign-in (2103) and before the reading (2125) anything may arrive."""

    def prepare(venue: FakeVenue) -> None:
        serve_lists(venue)
        listed = position(88, at=T0 + 50, stopLoss=1.14)

        def answer(wire: Wire, message: Any, number: str) -> None:
            wire.send(execution(pb.ORDER_REPLACED, position=position(88, at=T0 + 40, stopLoss=1.13)))
            wire.send(execution(pb.SWAP, position=position(88, at=T0 + 60, stopLoss=1.14, swap=-7)))
            wire.send(pb.ProtoOAReconcileRes(**NAMED, position=[listed]), number)

        venue.on[pb.PROTO_OA_RECONCILE_REQ] = answer

    async def test(found: Desk, trader: TradesOrders) -> None:
        await eventually(lambda: of(found, PositionReported), what="the swap")
        held = of(found, PositionReported)[-1].position
        assert (held.swap, held.protection.stop_loss) == (D("-0.07"), D("1.14"))

    with_trader(test, prepare)


def test_a_row_that_cannot_be_read_costs_nobody_the_account() -> None:
    def prepare(venue: FakeVenue) -> None:
        serve_lists(venue)
        strange = order(7, pb.LIMIT, limitPrice=1.1, **OURS)
        strange.ClearField("orderStatus")
        raw = pb.ProtoOAReconcileRes(
            **NAMED, position=[position(88)], order=[order(6, pb.LIMIT, limitPrice=1.2)]
        )
        raw.order.append(strange)
        venue.on[pb.PROTO_OA_RECONCILE_REQ] = lambda wire, message, number: wire.send(raw, number)

    async def test(found: Desk, trader: TradesOrders) -> None:
        snapshot = await trader.snapshot(time.time_ns())
        assert {report.venue_order_id: report.state for report in snapshot.open_orders} == {
            "6": OrderState.OPEN,
            "7": OrderState.IN_DOUBT,
        }
        assert [held.position_id for held in snapshot.positions] == ["88"]

    with_trader(test, prepare)


def test_another_program_s_order_comes_with_an_id_that_is_not_ours_and_is_just_an_event() -> None:
    async def test(found: Desk, trader: TradesOrders) -> None:
        other = order(7, pb.LIMIT, limitPrice=1.1, clientOrderId="theirs")
        found.demo.wire.send(execution(pb.ORDER_ACCEPTED, order=other), "cm_1")
        await eventually(lambda: reports(found), what="the order")
        assert reports(found)[-1].client_order_id == "theirs"

    with_trader(test)


def test_a_margin_call_is_told_once_for_the_account_it_is_about() -> None:
    async def test(found: Desk, trader: TradesOrders) -> None:
        call = pb.ProtoOAMarginCall(marginCallType=pb.MARGIN_LEVEL_THRESHOLD_1, marginLevelThreshold=80)
        found.demo.push(pb.ProtoOAMarginCallTriggerEvent(**NAMED, marginCall=call))
        await eventually(lambda: found.of(VenueNotice), what="the notice")
        (notice,) = found.of(VenueNotice)
        assert notice.text.startswith("Demo Broker 555: Margin call")

    with_trader(test)
