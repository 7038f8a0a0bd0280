"""One account's hand: what it asks, what it tells, and what it makes of refusals and silence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from google.protobuf.message import Message

from terminal.domain.errors import (
    AuthRejected,
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    Unsupported,
    VenueUnavailable,
)
from terminal.domain.events import (
    AccountEvent,
    FiguresReported,
    FillReported,
    PositionReported,
    VenueNotice,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderRef, OrderRequest, OrderState, OrderType, Protection
from terminal.venues.base import (
    Amends,
    HasExpectedMargin,
    HasFillOffsets,
    HasLeverageTiers,
    HasMarginCalls,
    HasRecords,
    TradesOrders,
    TradesPositions,
)
from terminal.venues.ctrader import VENUE
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.trader import CtraderTrader
from tests.helpers import eventually, run
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
    refusal,
    shell,
    state,
    trader,
)

ID = "9c1e4b7a0d2f4f6c8e3a5b7d9f1c2e4a"
OURS: dict[str, Any] = {"clientOrderId": ID, "trade": {"label": ID}}
EUR = InstrumentId("ctrader", "EUR/USD")
MARKET = OrderRequest(EUR, Side.BUY, OrderType.MARKET, D(1000))
CLOSE = OrderRequest(EUR, Side.SELL, OrderType.MARKET, D(1000), position_id="88", reduce_only=True)
DONE: dict[str, Any] = {
    "status": pb.ORDER_STATUS_FILLED,
    "executedVolume": 100_000,
    "executionPrice": 1.14816,
}


class Desk:
    def __init__(self, account: FakeAccount) -> None:
        self.account = account
        self.broker = account.fake
        self.told: list[AccountEvent] = []
        self.notices: list[VenueNotice] = []
        self.hand = CtraderTrader(
            account, self.told.append, info=VENUE, clock=account.clock, notify=self.notices.append
        )

    def holds(self, **what: Any) -> None:
        self.broker.answers[pb.ProtoOAReconcileReq] = state(**what)

    def answer(self, kind: type[Message], answer: Any) -> None:
        self.broker.answers[kind] = answer

    def positions_told(self) -> list[Any]:
        return [each.position for each in self.told if isinstance(each, PositionReported)]


def with_desk(test: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        desk = Desk(await FakeAccount().ready())
        try:
            await test(desk)
        finally:
            await desk.hand.close()

    run(main())


def test_it_is_what_the_capabilities_say() -> None:
    async def test(desk: Desk) -> None:
        for ability in (TradesOrders, Amends, TradesPositions, HasExpectedMargin, HasRecords):
            assert isinstance(desk.hand, ability)
        for more in (HasLeverageTiers, HasMarginCalls, HasFillOffsets):
            assert isinstance(desk.hand, more)
        assert desk.hand.info is VENUE

    with_desk(test)


# --- submit ------------------------------------------------------------------------------------------------


def test_a_submit_is_answered_by_the_first_message_of_the_order() -> None:
    async def test(desk: Desk) -> None:
        desk.answer(pb.ProtoOANewOrderReq, execution(pb.ORDER_ACCEPTED, order=order(77, **OURS)))
        ack = await desk.hand.submit(MARKET, ID)
        assert ack.venue_order_id == "77"
        (message,) = desk.broker.asked(pb.ProtoOANewOrderReq)
        assert (message.label, message.clientOrderId, message.volume) == (ID, ID, 100_000)
        assert desk.broker.options[-1]["writes"]
        assert not desk.broker.options[-1]["urgent"]

    with_desk(test)


def test_an_answer_without_an_order_leaves_it_in_doubt() -> None:
    async def test(desk: Desk) -> None:
        desk.answer(pb.ProtoOANewOrderReq, execution(pb.ORDER_ACCEPTED))
        with pytest.raises(OutcomeUnknown):
            await desk.hand.submit(MARKET, ID)

    with_desk(test)


@pytest.mark.parametrize(
    "error",
    [
        refusal("NOT_ENOUGH_MONEY"),
        OutcomeUnknown("ctrader", "no answer"),
        NotSent("ctrader", "down"),
        AuthRejected("ctrader", "token"),
    ],
)
def test_what_the_venue_makes_of_an_order_is_passed_on(error: Exception) -> None:
    async def test(desk: Desk) -> None:
        desk.answer(pb.ProtoOANewOrderReq, error)
        with pytest.raises(type(error)):
            await desk.hand.submit(MARKET, ID)
        assert len(desk.broker.asked(pb.ProtoOANewOrderReq)) == 1

    with_desk(test)


def test_a_position_is_closed_by_its_own_request_and_known_as_ours_from_the_answer() -> None:
    async def test(desk: Desk) -> None:
        desk.holds(position=[position(88)])
        await desk.hand.sync()
        closing_order = order(79, side=pb.SELL, closingOrder=True, positionId=88)
        desk.answer(pb.ProtoOAClosePositionReq, execution(pb.ORDER_ACCEPTED, order=closing_order))
        ack = await desk.hand.submit(CLOSE, ID)
        assert ack.venue_order_id == "79"
        (message,) = desk.broker.asked(pb.ProtoOAClosePositionReq)
        assert (message.positionId, message.volume) == (88, 100_000)
        index = desk.broker.sent.index(message)
        assert desk.broker.options[index]["urgent"]
        done = order(79, side=pb.SELL, closingOrder=True, positionId=88, at=T0 + 5, **DONE)
        sold = deal(5, 79, 88, side=pb.SELL, closes=closing(1_000_100, 2, profit=100))
        desk.hand.on_event(execution(pb.ORDER_FILLED, order=done, deal=sold, position=shell(88, at=T0 + 5)))
        (fill,) = [each.fill for each in desk.told if isinstance(each, FillReported)]
        assert (fill.client_order_id, fill.realised) == (ID, D("1.00"))

    with_desk(test)


def test_without_the_symbol_s_record_nothing_is_sent() -> None:
    async def main() -> None:
        account = FakeAccount()
        await account.symbols.load()
        desk = Desk(account)
        desk.answer(pb.ProtoOASymbolByIdReq, VenueUnavailable("ctrader", "no answer"))
        with pytest.raises(NotSent):
            await desk.hand.submit(MARKET, ID)
        assert desk.broker.asked(pb.ProtoOANewOrderReq) == []

    run(main())


@pytest.mark.parametrize(
    ("rights", "can_trade", "may_open", "may_close"),
    [
        (pb.FULL_ACCESS, True, True, True),
        (pb.CLOSE_ONLY, True, False, True),
        (pb.NO_TRADING, True, False, False),
        (pb.NO_LOGIN, True, False, False),
        (pb.FULL_ACCESS, False, False, False),
    ],
)
def test_what_is_not_allowed_is_not_sent(
    rights: Any, can_trade: bool, may_open: bool, may_close: bool
) -> None:
    async def test(desk: Desk) -> None:
        desk.account.trader = trader(accessRights=rights)
        desk.account.can_trade = can_trade
        accepted = execution(pb.ORDER_ACCEPTED, order=order(77))
        desk.answer(pb.ProtoOANewOrderReq, accepted)
        desk.answer(pb.ProtoOAClosePositionReq, accepted)
        for request, may in ((MARKET, may_open), (CLOSE, may_close)):
            if may:
                await desk.hand.submit(request, ID)
            else:
                with pytest.raises(NotSent):
                    await desk.hand.submit(request, ID)

    with_desk(test)


# --- cancel ------------------------------------------------------------------------------------------------


def cancelled(message: Any) -> Message:
    row = order(message.orderId, pb.LIMIT, limitPrice=1.1, status=pb.ORDER_STATUS_CANCELLED)
    return execution(pb.ORDER_CANCELLED, order=row)


def test_a_cancel_goes_by_the_number_or_finds_it() -> None:
    async def test(desk: Desk) -> None:
        desk.answer(pb.ProtoOACancelOrderReq, cancelled)
        await desk.hand.cancel(OrderRef("EUR/USD", ID, "77"))
        desk.holds(order=[order(78, pb.LIMIT, limitPrice=1.1, **OURS)])
        await desk.hand.cancel(OrderRef("EUR/USD", ID, None))
        assert [message.orderId for message in desk.broker.asked(pb.ProtoOACancelOrderReq)] == [77, 78]
        assert all(
            options["urgent"]
            for message, options in zip(desk.broker.sent, desk.broker.options, strict=True)
            if isinstance(message, pb.ProtoOACancelOrderReq)
        )

    with_desk(test)


def test_a_cancel_of_an_order_that_is_not_there_is_refused() -> None:
    async def test(desk: Desk) -> None:
        with pytest.raises(RequestRejected):
            await desk.hand.cancel(OrderRef("EUR/USD", ID, None))
        desk.answer(pb.ProtoOAReconcileReq, VenueUnavailable("ctrader", "no answer"))
        with pytest.raises(NotSent):
            await desk.hand.cancel(OrderRef("EUR/USD", ID, None))

    with_desk(test)


def test_all_of_many_are_canceled_before_the_first_failure_is_told() -> None:
    async def test(desk: Desk) -> None:
        def answer(message: Any) -> Any:
            if message.orderId == 1:
                return refusal("ORDER_NOT_FOUND")
            return OutcomeUnknown("ctrader", "lost") if message.orderId == 2 else cancelled(message)

        desk.answer(pb.ProtoOACancelOrderReq, answer)
        with pytest.raises(OutcomeUnknown):
            await desk.hand.cancel_many([OrderRef("EUR/USD", None, str(number)) for number in range(1, 30)])
        assert len(desk.broker.asked(pb.ProtoOACancelOrderReq)) == 29

    with_desk(test)


def test_all_pending_orders_are_canceled_and_no_protection_is() -> None:
    async def test(desk: Desk) -> None:
        desk.holds(
            order=[
                order(1, pb.LIMIT, limitPrice=1.1),
                order(2, pb.STOP, stopPrice=1.2),
                order(3, pb.STOP_LIMIT, stopPrice=1.2, slippageInPoints=5),
                order(4, pb.STOP_LOSS_TAKE_PROFIT, stopPrice=1.0, closingOrder=True),
                order(5, pb.MARKET),
            ]
        )
        # One of them fills while the others are canceled.
        desk.answer(
            pb.ProtoOACancelOrderReq,
            lambda message: refusal("ORDER_NOT_FOUND") if message.orderId == 2 else cancelled(message),
        )
        assert await desk.hand.cancel_all() == 3
        assert {message.orderId for message in desk.broker.asked(pb.ProtoOACancelOrderReq)} == {1, 2, 3}

    with_desk(test)


# --- changes -----------------------------------------------------------------------------------------------


def test_a_change_is_merged_with_what_stands() -> None:
    async def test(desk: Desk) -> None:
        row = order(7, pb.LIMIT, limitPrice=1.14, relativeStopLoss=1000, **OURS)
        desk.hand.on_event(execution(pb.ORDER_ACCEPTED, order=row))
        desk.answer(pb.ProtoOAAmendOrderReq, execution(pb.ORDER_REPLACED, order=row))
        await desk.hand.amend(OrderRef("EUR/USD", ID, "7"), AmendRequest(quantity=D(2000)))
        (message,) = desk.broker.asked(pb.ProtoOAAmendOrderReq)
        assert (message.volume, message.limitPrice, message.stopLoss) == (200_000, 1.14, 1.13)

    with_desk(test)


def test_an_order_that_no_event_told_of_is_asked_for_before_it_is_changed() -> None:
    async def test(desk: Desk) -> None:
        row = order(7, pb.LIMIT, limitPrice=1.14, takeProfit=1.2)
        desk.answer(
            pb.ProtoOAOrderDetailsReq, pb.ProtoOAOrderDetailsRes(ctidTraderAccountId=ACCOUNT, order=row)
        )
        desk.answer(pb.ProtoOAAmendOrderReq, execution(pb.ORDER_REPLACED, order=row))
        await desk.hand.amend(OrderRef("EUR/USD", None, "7"), AmendRequest(limit_price=D("1.13")))
        (message,) = desk.broker.asked(pb.ProtoOAAmendOrderReq)
        assert (message.limitPrice, message.takeProfit) == (1.13, 1.2)

    with_desk(test)


def test_what_is_so_already_needs_no_change() -> None:
    async def test(desk: Desk) -> None:
        desk.holds(position=[position(88, stopLoss=1.1)])
        await desk.hand.sync()
        desk.answer(pb.ProtoOAAmendPositionSLTPReq, refusal("INVALID_REQUEST", "Nothing to amend."))
        await desk.hand.protect("88", "EUR/USD", Protection(D("1.1")))
        desk.answer(pb.ProtoOAAmendPositionSLTPReq, refusal("TRADING_BAD_STOPS"))
        with pytest.raises(RequestRejected):
            await desk.hand.protect("88", "EUR/USD", Protection(D("1.3")))

    with_desk(test)


def test_a_protection_is_set_whole() -> None:
    async def test(desk: Desk) -> None:
        # No event has told of it: it is read first.
        desk.holds(position=[position(88, stopLoss=1.1, takeProfit=1.2)])
        desk.answer(pb.ProtoOAAmendPositionSLTPReq, execution(pb.ORDER_REPLACED))
        await desk.hand.protect("88", "EUR/USD", Protection(take_profit=D("1.21")))
        (message,) = desk.broker.asked(pb.ProtoOAAmendPositionSLTPReq)
        assert message.takeProfit == 1.21
        assert not message.HasField("stopLoss")
        with pytest.raises(RequestRejected):
            await desk.hand.protect("89", "EUR/USD", Protection())
        with pytest.raises(Unsupported):
            await desk.hand.protect("P88", "EUR/USD", Protection())

    with_desk(test)


# --- the account's state -----------------------------------------------------------------------------------


def test_a_snapshot_is_the_whole_account() -> None:
    async def test(desk: Desk) -> None:
        desk.holds(
            position=[position(88, trade={"label": ID})],
            order=[
                order(7, pb.LIMIT, limitPrice=1.1),
                order(78, pb.STOP_LOSS_TAKE_PROFIT, stopPrice=1.0, closingOrder=True, positionId=88),
            ],
        )
        ended = [
            order(79, pb.LIMIT, limitPrice=1.2, status=pb.ORDER_STATUS_CANCELLED, at=T0 + 2),
            order(77, at=T0 + 1, **DONE, **OURS),
            order(70, pb.STOP_LOSS_TAKE_PROFIT, stopPrice=1.0, status=pb.ORDER_STATUS_CANCELLED),
        ]
        desk.answer(
            pb.ProtoOAOrderListReq,
            pb.ProtoOAOrderListRes(ctidTraderAccountId=ACCOUNT, order=ended, hasMore=False),
        )
        desk.answer(
            pb.ProtoOADealListReq,
            pb.ProtoOADealListRes(
                ctidTraderAccountId=ACCOUNT,
                deal=[deal(502, 999, 88, at=T0 + 3), deal(501, 77, 88, at=T0 + 1)],
                hasMore=False,
            ),
        )
        figures = pb.ProtoOAPositionUnrealizedPnL(positionId=88, grossUnrealizedPnL=500, netUnrealizedPnL=490)
        desk.answer(
            pb.ProtoOAGetPositionUnrealizedPnLReq,
            pb.ProtoOAGetPositionUnrealizedPnLRes(
                ctidTraderAccountId=ACCOUNT, positionUnrealizedPnL=[figures], moneyDigits=2
            ),
        )
        await desk.hand.sync()
        found = await desk.hand.snapshot((T0 - 60_000) * 1_000_000)
        assert [report.venue_order_id for report in found.open_orders] == ["7"]
        assert [report.venue_order_id for report in found.recent_orders] == ["79", "77"]
        assert [(fill.fill_id, fill.client_order_id) for fill in found.fills] == [("501", ID), ("502", None)]
        (held,) = found.positions
        assert (held.position_id, held.unrealised) == ("88", D("4.90"))
        assert found.figures is not None
        assert (found.figures.balance, found.figures.equity) == (D("10000.00"), D("10004.90"))
        assert found.figures.free_margin == D("10004.90") - D("38.27")
        assert found.figures.margin_calls == (D("100.0"), D("70.5"))
        assert found.fees["EUR/USD"].taker_pct == D("0.003")
        assert found.positions_known
        assert desk.account.streams.wanted == {EURUSD}
        # What it told of is not told again by an event.
        desk.hand.on_event(execution(pb.ORDER_FILLED, deal=deal(501, 77, 88, at=T0 + 1)))
        assert not any(isinstance(each, FillReported) for each in desk.told)

    with_desk(test)


@pytest.mark.parametrize("kind", [pb.ProtoOAReconcileReq, pb.ProtoOAOrderListReq, pb.ProtoOADealListReq])
@pytest.mark.parametrize("error", [VenueUnavailable("ctrader", "no answer"), refusal("INVALID_REQUEST")])
def test_a_question_that_fails_is_never_an_empty_account(kind: type[Message], error: Exception) -> None:
    async def test(desk: Desk) -> None:
        desk.answer(kind, error)
        with pytest.raises(VenueUnavailable):
            await desk.hand.snapshot(T0 * 1_000_000)

    with_desk(test)


def test_a_symbol_that_is_not_listed_any_more_costs_nobody_the_account() -> None:
    async def main() -> None:
        account = FakeAccount()
        await account.symbols.load()
        desk = Desk(account)
        desk.answer(pb.ProtoOASymbolByIdReq, refusal("SYMBOL_NOT_FOUND"))
        desk.holds(position=[position(88), position(89, trade={"symbolId": 99})])
        await desk.hand.sync()
        found = await desk.hand.snapshot(T0 * 1_000_000)
        assert {held.instrument.symbol for held in found.positions} == {"EUR/USD", "#99"}
        await desk.hand.close()

    run(main())


def test_margin_calls_are_told_with_the_account_s_name() -> None:
    async def test(desk: Desk) -> None:
        desk.hand.on_event(
            pb.ProtoOAMarginCallTriggerEvent(
                ctidTraderAccountId=ACCOUNT,
                marginCall=pb.ProtoOAMarginCall(marginCallType=61, marginLevelThreshold=100),  # type: ignore[arg-type]
            )
        )
        (notice,) = desk.notices
        assert notice.text.startswith("Practice 5120001: Margin call")
        assert notice.is_urgent

    with_desk(test)


def test_prices_that_move_move_the_profit_and_the_equity() -> None:
    async def test(desk: Desk) -> None:
        prices = desk.account.streams.quotes
        prices[EURUSD] = D("1.14816"), D("1.14817")
        desk.holds(position=[position(88)])
        await desk.hand.sync()
        await eventually(lambda: desk.positions_told(), what="a first profit")
        assert desk.positions_told()[-1].unrealised == D("-0.03")
        prices[EURUSD] = D("1.14916"), D("1.14917")
        await eventually(lambda: desk.positions_told()[-1].unrealised == D("0.97"), what="a new profit")
        figures = [each.figures for each in desk.told if isinstance(each, FiguresReported)]
        assert figures[-1].equity == D("10000.97")
        # Closed: nothing goes on in the background, and no prices are kept.
        desk.hand.on_event(execution(pb.ORDER_FILLED, position=shell(88, at=T0 + 9)))
        assert desk.account.streams.wanted == set()
        assert desk.positions_told()[-1].quantity == 0

    with_desk(test)


def test_a_server_that_tells_the_total_is_asked_for_it_and_one_that_does_not_is_left_alone() -> None:
    async def test(desk: Desk) -> None:
        desk.holds(position=[position(88)])
        for answer in (pb.ProtoOAv1PnLChangeSubscribeRes(ctidTraderAccountId=ACCOUNT), None):
            desk.broker.sent.clear()
            if answer is None:
                desk.broker.answers.pop(pb.ProtoOAv1PnLChangeSubscribeReq)
            else:
                desk.answer(pb.ProtoOAv1PnLChangeSubscribeReq, answer)
            await desk.hand.sync()
            await eventually(
                lambda: desk.broker.asked(pb.ProtoOAv1PnLChangeSubscribeReq), what="the question"
            )
            desk.hand.on_event(
                pb.ProtoOAv1PnLChangeEvent(
                    ctidTraderAccountId=ACCOUNT,
                    grossUnrealizedPnL=1000,
                    netUnrealizedPnL=900,
                    moneyDigits=2,
                )
            )
            figures = [each.figures for each in desk.told if isinstance(each, FiguresReported)]
            assert figures[-1].unrealised == D("9.00")
            desk.hand.on_lost("gone")

    with_desk(test)


def test_a_loss_ends_what_runs_and_the_next_reading_begins_it_again() -> None:
    async def test(desk: Desk) -> None:
        desk.account.streams.quotes[EURUSD] = D("1.15"), D("1.15001")
        desk.holds(position=[position(88)])
        await desk.hand.sync()
        await eventually(lambda: desk.positions_told(), what="a profit")
        desk.hand.on_lost("the connection is down")
        await asyncio.sleep(0)
        desk.told.clear()
        desk.account.streams.quotes[EURUSD] = D("1.16"), D("1.16001")
        await desk.hand.sync()
        await eventually(lambda: desk.positions_told(), what="a profit again")

    with_desk(test)


# --- questions ---------------------------------------------------------------------------------------------


def test_expected_margin_for_both_sides() -> None:
    async def test(desk: Desk) -> None:
        desk.answer(
            pb.ProtoOAExpectedMarginReq,
            lambda message: pb.ProtoOAExpectedMarginRes(
                ctidTraderAccountId=ACCOUNT,
                margin=[
                    pb.ProtoOAExpectedMargin(volume=each, buyMargin=3_827, sellMargin=3_826)
                    for each in message.volume
                ],
                moneyDigits=2,
            ),
        )
        assert await desk.hand.expected_margin("EUR/USD", D(1000)) == (D("38.27"), D("38.26"), "USD")

    with_desk(test)


def test_leverage_by_size_smallest_first() -> None:
    async def test(desk: Desk) -> None:
        tiers = [
            pb.ProtoOADynamicLeverageTier(volume=500_000_000, leverage=10_000),
            pb.ProtoOADynamicLeverageTier(volume=100_000_000, leverage=20_000),
        ]
        desk.answer(
            pb.ProtoOAGetDynamicLeverageByIDReq,
            lambda message: pb.ProtoOAGetDynamicLeverageByIDRes(
                ctidTraderAccountId=ACCOUNT,
                leverage=pb.ProtoOADynamicLeverage(leverageId=message.leverageId, tiers=tiers),
            ),
        )
        assert await desk.hand.leverage_tiers("EUR/USD") == (), "only the account's own counts"
        listing = desk.account.symbols.require("EUR/USD")
        assert listing.detail is not None
        listing.detail.leverageId = 7
        assert await desk.hand.leverage_tiers("EUR/USD") == (
            (D("1000000.00"), D("200.00")),
            (D("5000000.00"), D("100.00")),
        )

    with_desk(test)


def test_the_levels_of_margin_calls_are_read_and_moved() -> None:
    async def test(desk: Desk) -> None:
        await desk.hand.sync()
        assert await desk.hand.margin_calls() == (("61", D("100.0")), ("62", D("70.5")))
        desk.answer(pb.ProtoOAMarginCallUpdateReq, pb.ProtoOAMarginCallUpdateRes())
        desk.told.clear()
        await desk.hand.set_margin_call("62", D("85.5"))
        (sent,) = desk.broker.asked(pb.ProtoOAMarginCallUpdateReq)
        assert desk.broker.options[-1]["writes"]
        assert (sent.marginCall.marginCallType, sent.marginCall.marginLevelThreshold) == (62, 85.5)
        (figures,) = [each.figures for each in desk.told if isinstance(each, FiguresReported)]
        assert figures.margin_calls == (D("100.0"), D("85.5"))
        # The venue's own event of it says nothing new.
        desk.hand.on_event(
            pb.ProtoOAMarginCallUpdateEvent(ctidTraderAccountId=ACCOUNT, marginCall=sent.marginCall)
        )
        assert len([each for each in desk.told if isinstance(each, FiguresReported)]) == 1

    with_desk(test)


@pytest.mark.parametrize("error", [OutcomeUnknown("ctrader", "lost"), refusal("INVALID_REQUEST")])
def test_a_level_that_was_not_taken_is_not_shown_as_if_it_were(error: Exception) -> None:
    async def test(desk: Desk) -> None:
        await desk.hand.sync()
        desk.answer(pb.ProtoOAMarginCallUpdateReq, error)
        desk.told.clear()
        with pytest.raises(type(error)):
            await desk.hand.set_margin_call("61", D(200))
        with pytest.raises(NotSent):
            await desk.hand.set_margin_call("7", D(200))
        with pytest.raises(NotSent):
            await desk.hand.set_margin_call("first", D(200))
        assert not any(isinstance(each, FiguresReported) for each in desk.told)

    with_desk(test)


def test_which_deals_closed_which() -> None:
    async def test(desk: Desk) -> None:
        desk.answer(
            pb.ProtoOADealOffsetListReq,
            lambda message: pb.ProtoOADealOffsetListRes(
                ctidTraderAccountId=ACCOUNT,
                offsetBy=[
                    pb.ProtoOADealOffset(
                        dealId=502, volume=50_000, executionTimestamp=T0, executionPrice=1.14916
                    )
                ],
                offsetting=[pb.ProtoOADealOffset(dealId=message.dealId - 1, volume=100_000)],
            ),
        )
        found = await desk.hand.fill_offsets("501")
        assert found.closed_by == (("502", D(500), D("1.14916"), T0 * 1_000_000),)
        assert found.closes == (("500", D(1000), None, None),)

    with_desk(test)


@pytest.mark.parametrize(
    ("rights", "can_trade", "trades"),
    [(pb.FULL_ACCESS, True, True), (pb.CLOSE_ONLY, True, False), (pb.FULL_ACCESS, False, False)],
)
def test_the_sign_in_is_tried_by_asking_for_the_account(rights: Any, can_trade: bool, trades: bool) -> None:
    async def test(desk: Desk) -> None:
        desk.account.can_trade = can_trade
        desk.answer(
            pb.ProtoOATraderReq,
            pb.ProtoOATraderRes(ctidTraderAccountId=ACCOUNT, trader=trader(accessRights=rights)),
        )
        report = await desk.hand.test_credentials()
        assert report.can_trade is trades
        assert bool(report.warnings) is not trades
        assert report.label == "Practice 5120001"
        desk.answer(pb.ProtoOATraderReq, AuthRejected("ctrader", "token"))
        with pytest.raises(AuthRejected):
            await desk.hand.test_credentials()

    with_desk(test)


def test_an_order_in_doubt_is_found_by_its_label() -> None:
    async def test(desk: Desk) -> None:
        ref = OrderRef("EUR/USD", ID, None, created_ns=T0 * 1_000_000)
        assert await desk.hand.order_status(ref) is None
        desk.holds(order=[order(7, pb.LIMIT, limitPrice=1.1, **OURS)])
        report = await desk.hand.order_status(ref)
        assert report is not None
        assert (report.venue_order_id, report.state) == ("7", OrderState.OPEN)

    with_desk(test)


def test_looking_for_an_order_shows_the_position_that_it_opened() -> None:
    async def test(desk: Desk) -> None:
        await desk.hand.sync()
        desk.holds(position=[position(88, trade={"label": ID})])
        done = pb.ProtoOAOrderListRes(
            ctidTraderAccountId=ACCOUNT, order=[order(77, **DONE, **OURS)], hasMore=False
        )
        desk.answer(pb.ProtoOAOrderListReq, done)
        assert await desk.hand.order_status(OrderRef("EUR/USD", ID, None)) is not None
        assert [held.position_id for held in desk.positions_told()] == ["88"]
        assert desk.account.streams.wanted == {EURUSD}

    with_desk(test)
