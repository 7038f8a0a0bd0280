"""The practice broker's execution events, flow by flow (Open API 2.0, section 13 of its description)."""

from __future__ import annotations

from typing import Any

import pytest

from terminal.domain.market import Side
from terminal.emulators.ctrader.records import Position
from terminal.venues.ctrader import openapi_pb2 as pb
from tests.unit.emulators.ctrader.broker_kit import (
    EURUSD,
    HEDGED,
    LOT,
    MINI,
    NETTED,
    US500,
    Desk,
    d,
    refusal,
)

OPEN, CLOSED, CREATED = pb.POSITION_STATUS_OPEN, pb.POSITION_STATUS_CLOSED, pb.POSITION_STATUS_CREATED


# ---- A: market orders ----------------------------------------------------------------------------


def test_market_order_is_accepted_filled_and_then_protected() -> None:
    desk = Desk()
    request = desk.new_order(
        label="tag", comment="why", clientOrderId="mine", relativeStopLoss=100, relativeTakeProfit=200
    )
    assert desk.lines() == ["id ORDER_ACCEPTED MARKET"]
    desk.settle()
    assert desk.lines() == [
        "id ORDER_ACCEPTED MARKET",
        "id ORDER_FILLED MARKET",
        "srv ORDER_ACCEPTED STOP_LOSS_TAKE_PROFIT",
    ]
    assert [one.request_id for one in desk.told] == [request, request, None]
    accepted, filled, protected = desk.events()

    assert accepted.order.orderStatus == pb.ORDER_STATUS_ACCEPTED
    assert accepted.order.timeInForce == pb.IMMEDIATE_OR_CANCEL
    assert accepted.order.relativeStopLoss == 100
    assert (accepted.position.positionStatus, accepted.position.tradeData.volume) == (CREATED, 0)
    assert not accepted.HasField("deal")

    assert filled.order.orderStatus == pb.ORDER_STATUS_FILLED
    assert (filled.order.executionPrice, filled.order.executedVolume) == (1.1001, MINI)
    assert filled.order.clientOrderId == "mine"
    assert filled.order.tradeData.label == filled.position.tradeData.label == "tag"
    assert filled.position.tradeData.comment == "why"
    assert filled.deal.dealStatus == pb.FILLED
    assert filled.deal.filledVolume == MINI
    assert not filled.deal.HasField("closePositionDetail")
    assert filled.position.positionStatus == OPEN
    assert (filled.position.price, filled.position.tradeData.volume) == (1.1001, MINI)
    assert filled.position.commission < 0
    assert filled.position.usedMargin > 0
    assert filled.position.marginRate == pytest.approx(1.1001)
    assert not filled.position.HasField("stopLoss")

    order = protected.order
    assert order.orderId != accepted.order.orderId
    assert (order.stopPrice, order.limitPrice) == (1.0991, 1.1021)
    assert order.closingOrder
    assert order.tradeData.tradeSide == pb.SELL
    assert order.timeInForce == pb.GOOD_TILL_CANCEL
    assert (protected.position.stopLoss, protected.position.takeProfit) == (1.0991, 1.1021)
    assert desk.account().balance == 1_000_000  # opening does not change it


def test_market_order_without_levels_gets_no_protective_order() -> None:
    desk = Desk()
    desk.new_order(tradeSide=pb.SELL)
    desk.settle()
    assert desk.lines() == ["id ORDER_ACCEPTED MARKET", "id ORDER_FILLED MARKET"]
    assert desk.position().price == d("1.10000")


def test_market_range_fills_inside_and_is_cancelled_outside() -> None:
    desk = Desk()
    desk.new_order(orderType=pb.MARKET_RANGE, baseSlippagePrice=1.1001, slippageInPoints=5)
    desk.settle()
    assert desk.lines()[-1] == "id ORDER_FILLED MARKET_RANGE"
    desk.told.clear()
    desk.new_order(orderType=pb.MARKET_RANGE, baseSlippagePrice=1.1001, slippageInPoints=5)
    desk.tick(EURUSD, "1.10010", "1.10020")
    desk.settle()
    assert desk.lines() == ["id ORDER_ACCEPTED MARKET_RANGE", "id ORDER_CANCELLED MARKET_RANGE"]
    assert desk.events()[-1].position.positionStatus == CLOSED
    assert len(desk.positions()) == 1


# ---- B: limit and stop orders --------------------------------------------------------------------


def test_limit_order_waits_and_is_filled_when_the_market_comes() -> None:
    desk = Desk()
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.0990, volume=2 * MINI, stopLoss=1.0980, takeProfit=1.1000)
    desk.settle()
    assert desk.lines() == ["id ORDER_ACCEPTED LIMIT"]
    (accepted,) = desk.events()
    assert (accepted.order.relativeStopLoss, accepted.order.relativeTakeProfit) == (100, 100)
    assert accepted.order.positionId == accepted.position.positionId
    assert (accepted.position.positionStatus, accepted.position.tradeData.volume) == (CREATED, 0)
    desk.tick(EURUSD, "1.09895", "1.09905")
    assert len(desk.told) == 1
    desk.tick(EURUSD, "1.09890", "1.09900")
    desk.settle()
    assert desk.lines()[1:] == ["srv ORDER_FILLED LIMIT", "srv ORDER_ACCEPTED STOP_LOSS_TAKE_PROFIT"]
    assert desk.events()[1].order.executionPrice == 1.099
    assert (desk.position().stop_loss, desk.position().take_profit) == (d("1.09800"), d("1.10000"))


def test_limit_order_at_the_market_is_filled_without_another_tick() -> None:
    desk = Desk()
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.2)
    desk.settle()
    assert desk.lines() == ["id ORDER_ACCEPTED LIMIT", "srv ORDER_FILLED LIMIT"]
    assert desk.position().price == d("1.10010")


@pytest.mark.parametrize(
    ("side", "stop", "method", "before", "at"),
    [
        (pb.BUY, 1.102, pb.TRADE, ("1.10200", "1.10190"), ("1.10100", "1.10200")),
        (pb.BUY, 1.102, pb.OPPOSITE, ("1.10190", "1.10200"), ("1.10200", "1.10210")),
        (pb.SELL, 1.098, pb.TRADE, ("1.09810", "1.09800"), ("1.09800", "1.09810")),
        (pb.SELL, 1.098, pb.OPPOSITE, ("1.09700", "1.09810"), ("1.09790", "1.09800")),
    ],
)
def test_stop_order_looks_at_the_side_of_its_trigger_method(
    side: pb.ProtoOATradeSide,
    stop: float,
    method: pb.ProtoOAOrderTriggerMethod,
    before: tuple[str, str],
    at: tuple[str, str],
) -> None:
    desk = Desk()
    desk.new_order(orderType=pb.STOP, tradeSide=side, stopPrice=stop, stopTriggerMethod=method)
    desk.tick(EURUSD, *before)
    desk.settle()
    assert not desk.positions()
    desk.tick(EURUSD, *at)
    assert desk.lines()[-1] == "srv ORDER_FILLED STOP"


def test_double_trigger_wants_two_ticks_in_a_row() -> None:
    desk = Desk()
    desk.new_order(orderType=pb.STOP, stopPrice=1.102, stopTriggerMethod=pb.DOUBLE_TRADE)
    desk.tick(EURUSD, "1.10190", "1.10200")
    desk.tick(EURUSD, "1.10180", "1.10190")
    desk.tick(EURUSD, "1.10190", "1.10200")
    assert not desk.positions()
    desk.tick(EURUSD, "1.10195", "1.10205")
    assert desk.position().price == d("1.10205")


def test_stop_order_slips_and_stop_limit_does_not_slip_farther_than_it_may() -> None:
    desk = Desk()
    desk.new_order(orderType=pb.STOP, stopPrice=1.102)
    desk.new_order(orderType=pb.STOP_LIMIT, stopPrice=1.102, slippageInPoints=10)
    desk.settle()
    desk.told.clear()
    desk.tick(EURUSD, "1.10290", "1.10300")
    assert desk.lines() == ["srv ORDER_FILLED STOP"]
    assert desk.position().price == d("1.10300")
    desk.tick(EURUSD, "1.10200", "1.10210")
    assert desk.lines()[-1] == "srv ORDER_FILLED STOP_LIMIT"
    assert desk.position().price == d("1.10210")


# ---- C: partial fills ----------------------------------------------------------------------------


def test_large_order_takes_the_depth_price_by_price() -> None:
    desk = Desk()
    desk.set_depth(EURUSD, Side.BUY, ("1.10010", MINI), ("1.10020", 2 * MINI), ("1.10050", 9 * MINI))
    desk.new_order(volume=4 * MINI, relativeStopLoss=1000)
    desk.settle()
    assert desk.lines() == [
        "id ORDER_ACCEPTED MARKET",
        "id ORDER_PARTIAL_FILL MARKET",
        "id ORDER_PARTIAL_FILL MARKET",
        "id ORDER_FILLED MARKET",
        "srv ORDER_ACCEPTED STOP_LOSS_TAKE_PROFIT",
    ]
    parts = desk.events()[1:4]
    assert [one.deal.filledVolume for one in parts] == [MINI, 2 * MINI, MINI]
    assert [one.order.executedVolume for one in parts] == [MINI, 3 * MINI, 4 * MINI]
    assert [one.position.tradeData.volume for one in parts] == [MINI, 3 * MINI, 4 * MINI]
    assert [one.deal.dealStatus for one in parts] == [pb.PARTIALLY_FILLED, pb.PARTIALLY_FILLED, pb.FILLED]
    assert [one.order.orderStatus for one in parts[:2]] == [pb.ORDER_STATUS_ACCEPTED] * 2
    assert len({one.deal.dealId for one in parts}) == 3
    assert desk.position().price == d("1.10025")
    assert desk.position().stop_loss == d("1.09025")


def test_what_the_book_lacks_of_a_market_order_is_cancelled() -> None:
    desk = Desk()
    desk.set_depth(EURUSD, Side.BUY, ("1.10010", MINI))
    desk.new_order(volume=3 * MINI)
    desk.settle()
    assert desk.lines()[1:] == ["id ORDER_PARTIAL_FILL MARKET", "id ORDER_CANCELLED MARKET"]
    last = desk.events()[-1]
    assert (last.order.executedVolume, last.position.tradeData.volume) == (MINI, MINI)
    assert last.position.positionStatus == OPEN


def test_rest_of_a_limit_order_goes_on_waiting() -> None:
    desk = Desk()
    desk.set_depth(EURUSD, Side.BUY, ("1.09900", MINI), ("1.09910", LOT))
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.099, volume=3 * MINI)
    desk.settle()
    desk.tick(EURUSD, "1.09890", "1.09900")
    desk.settle()
    assert desk.lines() == ["id ORDER_ACCEPTED LIMIT", "srv ORDER_PARTIAL_FILL LIMIT"]
    (order,) = desk.now().order
    assert (order.executedVolume, order.orderStatus) == (MINI, pb.ORDER_STATUS_ACCEPTED)
    desk.tick(EURUSD, "1.09890", "1.09900")
    desk.tick(EURUSD, "1.09890", "1.09900")
    assert desk.lines()[-1] == "srv ORDER_FILLED LIMIT"
    assert desk.position().volume == 3 * MINI
    assert not desk.now().order


def test_immediate_or_cancel_and_fill_or_kill() -> None:
    desk = Desk()
    desk.set_depth(EURUSD, Side.BUY, ("1.10010", MINI), ("1.10100", LOT))
    terms: dict[str, Any] = {"orderType": pb.LIMIT, "limitPrice": 1.1005, "volume": 2 * MINI}
    desk.new_order(timeInForce=pb.FILL_OR_KILL, **terms)
    desk.settle()
    assert desk.lines() == ["id ORDER_ACCEPTED LIMIT", "id ORDER_CANCELLED LIMIT"]
    assert not desk.positions()
    desk.told.clear()
    desk.new_order(timeInForce=pb.IMMEDIATE_OR_CANCEL, **terms)
    desk.settle()
    assert desk.lines()[1:] == ["id ORDER_PARTIAL_FILL LIMIT", "id ORDER_CANCELLED LIMIT"]
    assert desk.position().volume == MINI


# ---- D, E, F: cancel, amend, reject --------------------------------------------------------------


def test_cancelled_order_takes_its_shell_along() -> None:
    desk = Desk()
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.05)
    (order,) = desk.now().order
    request = desk.cancel(order.orderId)
    assert desk.lines()[-1] == "id ORDER_CANCELLED LIMIT"
    assert desk.told[-1].request_id == request
    event = desk.events()[-1]
    assert event.order.orderStatus == pb.ORDER_STATUS_CANCELLED
    assert event.position.positionStatus == CLOSED
    error = refusal(lambda: desk.cancel(order.orderId))
    assert (error.code, error.carrier, error.order_id) == ("ORDER_NOT_FOUND", "2132", order.orderId)


def test_order_under_execution_cannot_be_cancelled() -> None:
    desk = Desk()
    desk.new_order()
    error = refusal(lambda: desk.cancel(desk.now().order[0].orderId))
    assert (error.code, error.carrier) == ("UNABLE_TO_CANCEL_ORDER", "2132")


def test_fill_that_overtakes_a_cancel() -> None:
    desk = Desk()
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.05)
    desk.broker.race_next_cancel(HEDGED)
    desk.cancel(desk.now().order[0].orderId)
    desk.settle()
    assert desk.lines()[1:] == ["srv ORDER_FILLED LIMIT", "id ORDER_CANCEL_REJECTED LIMIT"]
    assert desk.events()[-1].errorCode == "UNABLE_TO_CANCEL_ORDER"
    assert desk.events()[-1].order.orderStatus == pb.ORDER_STATUS_FILLED
    assert desk.position().volume == MINI


def test_amended_order_keeps_its_number() -> None:
    desk = Desk()
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.05, relativeStopLoss=500, relativeTakeProfit=500)
    (order,) = desk.now().order
    request = pb.ProtoOAAmendOrderReq(
        ctidTraderAccountId=HEDGED, orderId=order.orderId, volume=3 * MINI, limitPrice=1.06,
        relativeStopLoss=700,
    )  # fmt: skip
    desk.send(request)
    assert desk.lines()[-1] == "id ORDER_REPLACED LIMIT"
    (after,) = desk.now().order
    assert after.orderId == order.orderId
    assert (after.limitPrice, after.tradeData.volume, after.relativeStopLoss) == (1.06, 3 * MINI, 700)
    assert not after.HasField("relativeTakeProfit")  # what is not named goes
    again = refusal(lambda: desk.send(request))
    assert (again.code, again.description) == ("INVALID_REQUEST", "Nothing to amend.")


def test_order_refused_after_it_was_accepted() -> None:
    desk = Desk()
    desk.new_order()
    desk.quotes.closed.add(EURUSD)
    desk.settle()
    assert desk.lines() == ["id ORDER_ACCEPTED MARKET", "id ORDER_REJECTED MARKET"]
    event = desk.events()[-1]
    assert event.errorCode == "MARKET_CLOSED"
    assert event.order.orderStatus == pb.ORDER_STATUS_REJECTED
    desk.quotes.closed.clear()
    desk.broker.refuse_next(HEDGED, "NO_QUOTES")
    desk.new_order()
    desk.settle()
    assert desk.events()[-1].errorCode == "NO_QUOTES"
    assert not desk.positions()


def test_waiting_order_without_the_money_is_rejected_when_it_acts() -> None:
    desk = Desk()
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.09, volume=100 * LOT)
    desk.tick(EURUSD, "1.08990", "1.09000")
    assert desk.lines()[-1] == "srv ORDER_REJECTED LIMIT"
    assert desk.events()[-1].errorCode == "NOT_ENOUGH_MONEY"


# ---- G: stop and target of a position ------------------------------------------------------------


def test_amending_a_position_names_all_that_stays() -> None:
    desk = Desk()
    position = desk.open()
    desk.amend(position, stopLoss=1.09)
    assert desk.lines() == ["id ORDER_ACCEPTED STOP_LOSS_TAKE_PROFIT"]
    first = desk.events()[-1].order.orderId
    desk.amend(position, stopLoss=1.09, takeProfit=1.12)
    desk.amend(position, takeProfit=1.12)
    assert desk.lines()[1:] == ["id ORDER_REPLACED STOP_LOSS_TAKE_PROFIT"] * 2
    event = desk.events()[-1]
    assert event.order.orderId == first
    assert event.position.takeProfit == 1.12
    assert not event.position.HasField("stopLoss")
    assert not event.order.HasField("stopPrice")
    error = refusal(lambda: desk.amend(position, takeProfit=1.12))
    assert (error.code, error.description, error.carrier) == ("INVALID_REQUEST", "Nothing to amend.", "2142")
    desk.amend(position)
    assert desk.lines()[-1] == "id ORDER_CANCELLED STOP_LOSS_TAKE_PROFIT"
    assert not desk.now().order
    assert desk.now().position[0].tradeData.volume == MINI
    assert refusal(lambda: desk.amend(position)).description == "Nothing to amend."


# ---- H, I: closing -------------------------------------------------------------------------------


def test_partial_close_shrinks_the_protective_order() -> None:
    desk = Desk()
    position = desk.open(volume=4 * MINI, relativeStopLoss=1000)
    desk.close(position, MINI)
    desk.settle()
    assert desk.lines() == [
        "id ORDER_ACCEPTED MARKET",
        "id ORDER_FILLED MARKET",
        "srv ORDER_REPLACED STOP_LOSS_TAKE_PROFIT",
    ]
    accepted, filled, replaced = desk.events()
    assert accepted.order.closingOrder
    assert accepted.position.tradeData.volume == 4 * MINI
    assert filled.deal.closePositionDetail.closedVolume == MINI
    assert filled.position.tradeData.volume == 3 * MINI
    assert filled.position.price == accepted.position.price
    assert replaced.order.tradeData.volume == 3 * MINI


def test_full_close_leaves_a_shell_until_the_protective_order_is_gone() -> None:
    desk = Desk()
    position = desk.open(relativeStopLoss=1000)
    desk.close(position)
    desk.settle()
    assert desk.lines() == [
        "id ORDER_ACCEPTED MARKET",
        "id ORDER_FILLED MARKET",
        "srv ORDER_CANCELLED STOP_LOSS_TAKE_PROFIT",
    ]
    _, filled, cancelled = desk.events()
    assert (filled.position.positionStatus, filled.position.tradeData.volume) == (CREATED, 0)
    assert filled.position.usedMargin == 0
    assert cancelled.position.positionStatus == CLOSED
    assert not desk.now().position
    assert not desk.now().order


def test_full_close_without_protection_is_over_with_the_fill() -> None:
    desk = Desk()
    desk.close(desk.open())
    desk.settle()
    assert desk.lines() == ["id ORDER_ACCEPTED MARKET", "id ORDER_FILLED MARKET"]
    assert desk.events()[-1].position.positionStatus == CLOSED


def test_second_close_while_the_first_is_executed_is_refused() -> None:
    desk = Desk()
    position = desk.open(volume=2 * MINI)
    desk.close(position, MINI)
    error = refusal(lambda: desk.close(position, MINI))
    assert (error.code, error.position_id) == ("POSITION_LOCKED", position.position_id)
    desk.settle()
    assert desk.position().volume == MINI


def test_close_that_meets_a_stop_loss_on_its_way_closes_nothing_twice() -> None:
    desk = Desk()
    position = desk.open(relativeStopLoss=1000)
    desk.close(position)
    desk.tick(EURUSD, "1.08900", "1.08910")
    desk.settle()
    assert desk.lines() == [
        "id ORDER_ACCEPTED MARKET",
        "srv ORDER_FILLED STOP_LOSS_TAKE_PROFIT",
        "id ORDER_REJECTED MARKET",
    ]
    assert desk.events()[-1].errorCode == "POSITION_NOT_FOUND"
    assert sum(one.filledVolume for one in desk.deals() if one.HasField("closePositionDetail")) == MINI


# ---- J, K: stop and target act -------------------------------------------------------------------


def test_stop_loss_hit_is_one_event_and_slips() -> None:
    desk = Desk()
    position = desk.open(relativeStopLoss=1000, relativeTakeProfit=1000)
    protective = position.protection_id
    desk.tick(EURUSD, "1.09000", "1.09020")
    desk.settle()
    assert desk.lines() == ["srv ORDER_FILLED STOP_LOSS_TAKE_PROFIT"]
    (event,) = desk.events()
    assert event.order.orderId == protective
    assert (event.order.stopPrice, event.order.executionPrice) == (1.0901, 1.09)
    assert (event.position.positionStatus, event.position.tradeData.volume) == (CLOSED, 0)
    assert event.deal.closePositionDetail.balance == desk.account().balance
    assert not desk.now().order


def test_target_is_never_filled_worse_than_it_says() -> None:
    desk = Desk()
    desk.open(relativeTakeProfit=1000)
    desk.set_depth(EURUSD, Side.SELL, ("1.10110", MINI // 2), ("1.09000", LOT))
    desk.tick(EURUSD, "1.11010", "1.11020")
    (event,) = desk.events()
    assert event.order.limitPrice == 1.1101
    assert event.order.executionPrice == 1.1101


@pytest.mark.parametrize(
    ("method", "ticks"),
    [
        (pb.TRADE, [("1.09800", "1.09960", False), ("1.09790", "1.09960", True)]),
        (pb.OPPOSITE, [("1.09700", "1.09900", False), ("1.09600", "1.09790", True)]),
        (
            pb.DOUBLE_TRADE,
            [("1.09790", "1.09960", False), ("1.09850", "1.09960", False), ("1.09790", "1.09800", False),
             ("1.09780", "1.09800", True)],
        ),
    ],
)  # fmt: skip
def test_stop_loss_looks_at_the_side_of_its_trigger_method(
    method: pb.ProtoOAOrderTriggerMethod, ticks: list[tuple[str, str, bool]]
) -> None:
    desk = Desk()
    position = desk.open()
    desk.amend(position, stopLoss=1.0979, stopLossTriggerMethod=method)
    for bid, ask, is_hit in ticks:
        desk.tick(EURUSD, bid, ask)
        assert (not desk.positions()) == is_hit


def test_stop_loss_of_a_short_position_looks_at_the_ask() -> None:
    desk = Desk()
    desk.open(tradeSide=pb.SELL, relativeStopLoss=100, relativeTakeProfit=100)
    assert (desk.position().stop_loss, desk.position().take_profit) == (d("1.10100"), d("1.09900"))
    desk.tick(EURUSD, "1.10089", "1.10099")
    assert desk.positions()
    desk.tick(EURUSD, "1.10090", "1.10100")
    assert not desk.positions()


def test_trailing_stop_follows_and_only_its_own_event_tells() -> None:
    desk = Desk()
    desk.new_order(relativeStopLoss=100, trailingStopLoss=True)
    desk.settle()
    position = desk.position()
    desk.told.clear()
    assert position.trail_distance == d("0.00090")
    desk.tick(EURUSD, "1.10050", "1.10060")
    desk.tick(EURUSD, "1.10020", "1.10030")
    desk.tick(EURUSD, "1.10080", "1.10090")
    assert desk.lines() == ["TrailingSLChangedEvent"] * 2
    moved = desk.told[-1].message
    assert (moved.stopPrice, moved.positionId) == (1.0999, position.position_id)
    assert moved.orderId == position.protection_id
    assert desk.now().order[0].stopPrice == 1.0999
    assert desk.now().position[0].trailingStopLoss
    desk.tick(EURUSD, "1.09990", "1.10000")
    assert not desk.positions()


def test_guaranteed_stop_does_not_slip_and_costs_its_charge() -> None:
    desk = Desk()
    desk.new_order(volume=LOT, relativeStopLoss=500, guaranteedStopLoss=True)
    desk.settle()
    assert desk.lines()[-2:] == ["srv DEPOSIT_WITHDRAW", "TraderUpdatedEvent"]
    charge = desk.events(pb.DEPOSIT_WITHDRAW)[-1].depositWithdraw
    assert (charge.operationType, charge.delta) == (pb.BALANCE_WITHDRAW_GSL_CHARGE, -200)
    desk.tick(EURUSD, "1.05000", "1.05010")
    assert desk.deals()[0].executionPrice == 1.0951


# ---- M, N, netted --------------------------------------------------------------------------------


def test_expired_order_takes_its_shell_along() -> None:
    desk = Desk()
    until = desk.clock.wall_ns() // 1_000_000 + 60_000
    desk.new_order(
        orderType=pb.LIMIT, limitPrice=1.05, timeInForce=pb.GOOD_TILL_DATE, expirationTimestamp=until
    )
    desk.settle()
    desk.broker.on_timer()
    assert len(desk.told) == 1
    desk.clock.advance(60.0)
    desk.broker.on_timer()
    assert desk.lines()[-1] == "srv ORDER_EXPIRED LIMIT"
    event = desk.events()[-1]
    assert event.order.orderStatus == pb.ORDER_STATUS_EXPIRED
    assert event.position.positionStatus == CLOSED
    assert not desk.now().order


def netted(desk: Desk, side: pb.ProtoOATradeSide, volume: int, **fields: Any) -> Position | None:
    desk.told.clear()
    desk.new_order(ctid=NETTED, tradeSide=side, volume=volume, **fields)
    desk.settle()
    found = desk.positions(NETTED)
    assert len(found) <= 1
    return found[0] if found else None


def test_netted_account_adds_reduces_and_turns_one_position() -> None:
    desk = Desk()
    first = netted(desk, pb.BUY, MINI, relativeStopLoss=1000)
    assert first is not None
    number = first.position_id
    desk.tick(EURUSD, "1.10100", "1.10110")
    assert netted(desk, pb.BUY, MINI) is first
    assert (first.volume, first.price) == (2 * MINI, d("1.10060"))
    assert desk.lines()[-1] == "srv ORDER_REPLACED STOP_LOSS_TAKE_PROFIT"
    assert desk.events()[0].position.positionId == number

    assert netted(desk, pb.SELL, MINI) is first
    assert (first.side, first.volume) == (Side.BUY, MINI)
    assert desk.events()[1].deal.HasField("closePositionDetail")

    turned = netted(desk, pb.SELL, 3 * MINI, relativeTakeProfit=1000)
    assert turned is not None
    assert (turned.side, turned.volume, turned.price) == (Side.SELL, 2 * MINI, d("1.10100"))
    assert desk.lines() == [
        "id ORDER_ACCEPTED MARKET",
        "id ORDER_PARTIAL_FILL MARKET",
        "id ORDER_FILLED MARKET",
        "srv ORDER_CANCELLED STOP_LOSS_TAKE_PROFIT",
        "srv ORDER_ACCEPTED STOP_LOSS_TAKE_PROFIT",
    ]
    closing, opening = desk.events()[1:3]
    assert closing.deal.closePositionDetail.closedVolume == MINI
    assert (closing.position.tradeData.volume, closing.position.positionStatus) == (0, CREATED)
    assert not opening.deal.HasField("closePositionDetail")
    assert opening.position.tradeData.tradeSide == pb.SELL
    assert desk.events()[-1].order.tradeData.tradeSide == pb.BUY
    assert turned.stop_loss is None
    assert turned.take_profit == d("1.09100")


def test_position_closed_and_opened_again_by_two_fills_of_one_order_has_no_old_stop() -> None:
    desk = Desk()
    first = netted(desk, pb.BUY, MINI, relativeStopLoss=1000, trailingStopLoss=True)
    assert first is not None
    desk.set_depth(EURUSD, Side.SELL, ("1.10000", MINI), ("1.09990", LOT))
    turned = netted(desk, pb.SELL, 3 * MINI)
    assert turned is not None
    assert (turned.side, turned.volume, turned.stop_loss, turned.trailing) == (
        Side.SELL,
        2 * MINI,
        None,
        False,
    )
    assert not desk.now(NETTED).order
    assert "srv ORDER_CANCELLED STOP_LOSS_TAKE_PROFIT" in desk.lines()
    desk.tick(EURUSD, "1.09000", "1.09010")
    assert desk.positions(NETTED) == [turned]


def test_netted_account_has_no_more_than_one_position_of_two_waiting_orders() -> None:
    desk = Desk()
    for price in (1.09, 1.08):
        desk.new_order(ctid=NETTED, orderType=pb.LIMIT, limitPrice=price)
    desk.tick(EURUSD, "1.08990", "1.09000")
    desk.tick(EURUSD, "1.07990", "1.08000")
    (position,) = desk.positions(NETTED)
    assert (position.volume, position.price) == (2 * MINI, d("1.08500"))
    assert not desk.now(NETTED).order


def test_hedged_account_opens_side_by_side_unless_a_position_is_named() -> None:
    desk = Desk()
    first = desk.open()
    desk.open(tradeSide=pb.SELL)
    assert len(desk.positions()) == 2
    desk.new_order(positionId=first.position_id, volume=2 * MINI)
    desk.settle()
    assert first.volume == 3 * MINI
    desk.new_order(positionId=first.position_id, tradeSide=pb.SELL)
    desk.settle()
    assert first.volume == 2 * MINI
    error = refusal(lambda: desk.new_order(positionId=first.position_id, tradeSide=pb.SELL, volume=3 * MINI))
    assert (error.code, error.position_id) == ("TRADING_BAD_VOLUME", first.position_id)
    other = refusal(lambda: desk.new_order(US500, positionId=first.position_id, volume=100))
    assert other.code == "INVALID_REQUEST"


def test_nobody_hears_of_another_account() -> None:
    desk = Desk()
    desk.open()
    desk.new_order(ctid=NETTED)
    desk.settle()
    assert {one.ctid for one in desk.told} == {NETTED}
