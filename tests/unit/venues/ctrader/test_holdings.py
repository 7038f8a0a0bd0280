"""The flows of orders and positions as the protocol's description tells them, in order and out of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.domain.account import AccountFigures, Position
from terminal.domain.events import (
    FiguresReported,
    FillReported,
    OrderReported,
    PositionReported,
    VenueNotice,
)
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderReport, OrderState, OrderType, Protection
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.executions import Reader
from terminal.venues.ctrader.holdings import Holdings, Told
from terminal.venues.ctrader.profit import Profits
from tests.helpers import run
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
    trader,
)

ID = "9c1e4b7a0d2f4f6c8e3a5b7d9f1c2e4a"
OURS: dict[str, Any] = {"clientOrderId": ID, "trade": {"label": ID}}
BALANCE = D("10000.00")


class Desk:
    """The holdings of one account, and all that they told."""

    def __init__(self) -> None:
        self.account = run(FakeAccount().ready())
        reader = Reader(self.account.symbols, self.account)
        self.profits = Profits(self.account.symbols, self.account.streams, self.account.rates, "test")
        self.holdings = Holdings(reader, self.profits)
        self.holdings.take_trader(trader())
        self.told: list[Told] = []

    def take(self, *messages: Message) -> list[Told]:
        told = [each for message in messages for each in self.holdings.take(message)]
        self.told += told
        return told

    @property
    def reports(self) -> list[OrderReport]:
        return [each.report for each in self.told if isinstance(each, OrderReported)]

    @property
    def fills(self) -> list[Fill]:
        return [each.fill for each in self.told if isinstance(each, FillReported)]

    @property
    def moves(self) -> list[tuple[Decimal, str]]:
        """Quantity and reason of each report of a position."""
        return [
            (each.position.quantity, each.reason) for each in self.told if isinstance(each, PositionReported)
        ]

    def only(self) -> Position:
        (found,) = self.holdings.positions()
        return found


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- the flows, A to N -------------------------------------------------------------------------------------


def opening(at: int = T0, **more: Any) -> list[Message]:
    """A: a market order with distances of stop and target."""
    terms = {**OURS, "relativeStopLoss": 100, "relativeTakeProfit": 200, "positionId": 88, **more}
    return [
        execution(
            pb.ORDER_ACCEPTED,
            order=order(77, timeInForce=pb.IMMEDIATE_OR_CANCEL, at=at, **terms),
            position=shell(88, at=at),
        ),
        execution(
            pb.ORDER_FILLED,
            order=order(
                77,
                status=pb.ORDER_STATUS_FILLED,
                executedVolume=100_000,
                executionPrice=1.14816,
                at=at + 5,
                **terms,
            ),
            deal=deal(501, 77, 88, at=at + 5),
            position=position(88, at=at + 5, trade={"label": ID}),
        ),
        execution(
            pb.ORDER_ACCEPTED,
            isServerEvent=True,
            order=protective(at=at + 9),
            position=position(88, at=at + 9, stopLoss=1.14716, takeProfit=1.15016, trade={"label": ID}),
        ),
    ]


def protective(order_id: int = 78, *, at: int, **more: Any) -> pb.ProtoOAOrder:
    terms: dict[str, Any] = {"stopPrice": 1.14716, "limitPrice": 1.15016, **more}
    return order(
        order_id,
        pb.STOP_LOSS_TAKE_PROFIT,
        side=pb.SELL,
        closingOrder=True,
        positionId=88,
        timeInForce=pb.GOOD_TILL_CANCEL,
        at=at,
        **terms,
    )


def test_a_market_order_opens_a_position_that_then_gets_its_protection(desk: Desk) -> None:
    desk.take(*opening())
    assert [report.state for report in desk.reports] == [OrderState.OPEN, OrderState.FILLED]
    assert {report.venue_order_id for report in desk.reports} == {"77"}
    assert {report.client_order_id for report in desk.reports} == {ID}
    (fill,) = desk.fills
    assert (fill.fill_id, fill.price, fill.quantity, fill.side) == ("501", D("1.14816"), D(1000), Side.BUY)
    assert (fill.fee, fill.fee_asset, fill.realised) == (D("0.03"), "USD", None)
    assert (fill.client_order_id, fill.position_id, fill.venue_order_id) == (ID, "88", "77")
    held = desk.only()
    assert (held.position_id, held.side, held.quantity) == ("88", Side.BUY, D(1000))
    assert (held.average_price, held.margin, held.commission) == (D("1.14816"), D("38.27"), D("-0.03"))
    assert held.protection == Protection(D("1.14716"), D("1.15016"))
    assert held.client_order_id == ID
    assert desk.moves == [(D(1000), ""), (D(1000), "")]
    figures = desk.holdings.figures()
    assert figures is not None
    assert (figures.balance, figures.used_margin) == (BALANCE, D("38.27"))


def test_a_pending_order_has_an_empty_shell_and_its_levels_as_prices(desk: Desk) -> None:
    """B: they are told as distances while it waits."""
    pending = order(
        7, pb.LIMIT, limitPrice=1.14, relativeStopLoss=1000, relativeTakeProfit=1500, positionId=9, **OURS
    )
    desk.take(execution(pb.ORDER_ACCEPTED, order=pending, position=shell(9)))
    (report,) = desk.reports
    assert (report.state, report.order_type, report.limit_price) == (
        OrderState.OPEN,
        OrderType.LIMIT,
        D("1.14"),
    )
    assert report.protection == Protection(D("1.13"), D("1.155"))
    assert desk.holdings.positions() == []
    assert desk.moves == []


def test_a_partial_fill_is_open_with_a_filled_part_and_each_deal_counts_once(desk: Desk) -> None:
    """C"""
    first = execution(
        pb.ORDER_PARTIAL_FILL,
        order=order(7, volume=300_000, executedVolume=100_000, executionPrice=1.148, at=T0 + 1),
        deal=deal(1, 7, 9, volume=300_000, filled=100_000, status=pb.PARTIALLY_FILLED, at=T0 + 1),
        position=position(9, volume=100_000, at=T0 + 1),
    )
    rest = execution(
        pb.ORDER_CANCELLED,
        order=order(
            7,
            volume=300_000,
            executedVolume=100_000,
            executionPrice=1.148,
            status=pb.ORDER_STATUS_CANCELLED,
            at=T0 + 2,
        ),
    )
    desk.take(first, first, rest)
    assert [report.state for report in desk.reports] == [OrderState.PARTLY_FILLED, OrderState.CANCELED]
    assert desk.reports[-1].filled_quantity == D(1000)
    assert [fill.quantity for fill in desk.fills] == [D(1000)]
    assert desk.only().quantity == D(1000)


@pytest.mark.parametrize(
    ("kind", "status", "ended"),
    [
        (pb.ORDER_CANCELLED, pb.ORDER_STATUS_CANCELLED, OrderState.CANCELED),
        (pb.ORDER_EXPIRED, pb.ORDER_STATUS_EXPIRED, OrderState.EXPIRED),
        (pb.ORDER_REJECTED, pb.ORDER_STATUS_REJECTED, OrderState.REJECTED),
    ],
)
def test_a_pending_order_ends(kind: Any, status: Any, ended: OrderState, desk: Desk) -> None:
    """D, F, N: its shell closes without anybody having had a position."""
    desk.take(
        execution(pb.ORDER_ACCEPTED, order=order(7, pb.LIMIT, limitPrice=1.1), position=shell(9)),
        execution(
            kind,
            order=order(7, pb.LIMIT, limitPrice=1.1, status=status, at=T0 + 5),
            position=shell(9, at=T0 + 5, status=pb.POSITION_STATUS_CLOSED),
            errorCode="NOT_ENOUGH_MONEY" if kind == pb.ORDER_REJECTED else "",
        ),
    )
    assert desk.reports[-1].state is ended
    assert desk.moves == []
    assert desk.holdings.open_orders() == []
    if ended is OrderState.REJECTED:
        assert desk.reports[-1].reason == "Not enough free margin for this order."


def test_a_refused_cancel_leaves_the_order_as_it_is(desk: Desk) -> None:
    row = order(7, pb.LIMIT, limitPrice=1.1)
    desk.take(execution(pb.ORDER_ACCEPTED, order=row))
    told = desk.take(
        execution(pb.ORDER_CANCEL_REJECTED, order=row, errorCode="UNABLE_TO_CANCEL_ORDER"),
    )
    assert told == []
    assert desk.reports[-1].state is OrderState.OPEN


def test_a_change_of_a_pending_order_is_told_with_its_terms(desk: Desk) -> None:
    """E"""
    desk.take(
        execution(pb.ORDER_ACCEPTED, order=order(7, pb.STOP, stopPrice=1.2)),
        execution(pb.ORDER_REPLACED, order=order(7, pb.STOP, stopPrice=1.21, volume=200_000, at=T0 + 1)),
    )
    assert (desk.reports[-1].trigger_price, desk.reports[-1].quantity) == (D("1.21"), D(2000))


def test_a_stop_limit_shows_the_limit_that_its_slippage_makes(desk: Desk) -> None:
    row = order(7, pb.STOP_LIMIT, side=pb.SELL, stopPrice=1.14, slippageInPoints=30)
    desk.take(execution(pb.ORDER_ACCEPTED, order=row))
    report = desk.reports[-1]
    assert (report.order_type, report.trigger_price, report.limit_price) == (
        OrderType.STOP_LIMIT,
        D("1.14"),
        D("1.1397"),
    )


def test_a_market_range_order_that_found_no_price_says_so(desk: Desk) -> None:
    row = order(
        7, pb.MARKET_RANGE, status=pb.ORDER_STATUS_CANCELLED, baseSlippagePrice=1.1, slippageInPoints=5
    )
    desk.take(execution(pb.ORDER_CANCELLED, order=row))
    report = desk.reports[-1]
    assert (report.state, report.max_slippage) == (OrderState.CANCELED, D("0.00005"))
    assert report.reason == "The price was outside the range."


def test_new_levels_come_with_the_position(desk: Desk) -> None:
    """G: the protective order is replaced, and is no order of ours."""
    desk.take(*opening())
    before = len(desk.reports)
    desk.take(
        execution(
            pb.ORDER_REPLACED,
            order=protective(at=T0 + 50, stopPrice=1.146),
            position=position(88, at=T0 + 50, stopLoss=1.146, takeProfit=1.15016, trailingStopLoss=True),
        ),
        execution(
            pb.ORDER_CANCELLED,
            order=protective(at=T0 + 60, status=pb.ORDER_STATUS_CANCELLED),
            position=position(88, at=T0 + 60),
        ),
    )
    assert len(desk.reports) == before
    protections = [each.position.protection for each in desk.told if isinstance(each, PositionReported)]
    assert protections[-2:] == [Protection(D("1.146"), D("1.15016"), trailing=True), Protection()]


def closing_order(order_id: int, at: int, **more: Any) -> pb.ProtoOAOrder:
    # It carries the label of the position, and yet is not our opening order.
    return order(order_id, side=pb.SELL, closingOrder=True, positionId=88, at=at, trade={"label": ID}, **more)


def test_a_part_is_closed_and_what_it_brought_is_told(desk: Desk) -> None:
    """H"""
    desk.take(*opening())
    part = {"volume": 40_000, "executedVolume": 40_000, "executionPrice": 1.15}
    desk.take(
        execution(
            pb.ORDER_ACCEPTED,
            order=closing_order(79, T0 + 20, volume=40_000),
            position=position(88, at=T0 + 9),
        ),
        execution(
            pb.ORDER_FILLED,
            order=closing_order(79, T0 + 25, status=pb.ORDER_STATUS_FILLED, **part),
            deal=deal(
                502,
                79,
                88,
                volume=40_000,
                side=pb.SELL,
                at=T0 + 25,
                executionPrice=1.15,
                closes=closing(1_000_070, 2, profit=74, swap=-1),
            ),
            position=position(88, at=T0 + 25, volume=60_000, stopLoss=1.14716, takeProfit=1.15016),
        ),
        execution(
            pb.ORDER_REPLACED,
            isServerEvent=True,
            order=protective(at=T0 + 28, volume=60_000),
            position=position(88, at=T0 + 28, volume=60_000, stopLoss=1.14716, takeProfit=1.15016),
        ),
    )
    fill = desk.fills[-1]
    assert (fill.realised, fill.swap, fill.fee) == (D("0.74"), D("-0.01"), D("0.03"))
    assert (fill.side, fill.client_order_id) == (Side.SELL, None)
    closing_reports = [report for report in desk.reports if report.venue_order_id == "79"]
    assert closing_reports[-1].reduce_only
    assert closing_reports[-1].client_order_id is None
    assert desk.only().quantity == D(600)
    figures = desk.holdings.figures()
    assert figures is not None
    assert figures.balance == D("10000.70")


def full_close(at: int = T0 + 40) -> list[Message]:
    """I: the position is CREATED with volume 0, then CLOSED."""
    done = {"executedVolume": 100_000, "executionPrice": 1.15, "status": pb.ORDER_STATUS_FILLED}
    return [
        execution(
            pb.ORDER_ACCEPTED,
            order=closing_order(79, at),
            position=position(88, at=at, stopLoss=1.14716, takeProfit=1.15016),
        ),
        execution(
            pb.ORDER_FILLED,
            order=closing_order(79, at + 5, **done),
            deal=deal(502, 79, 88, side=pb.SELL, at=at + 5, closes=closing(1_000_178, 2, profit=184)),
            position=shell(88, at=at + 5),
        ),
        execution(
            pb.ORDER_CANCELLED,
            isServerEvent=True,
            order=protective(at=at + 8, status=pb.ORDER_STATUS_CANCELLED),
            position=shell(88, at=at + 8, status=pb.POSITION_STATUS_CLOSED),
        ),
    ]


def test_closed_is_a_volume_of_nothing_whatever_the_status_says(desk: Desk) -> None:
    desk.take(*opening(), *full_close())
    assert desk.holdings.positions() == []
    assert desk.moves[-1] == (D(0), "")
    assert [quantity for quantity, _ in desk.moves].count(D(0)) == 1
    figures = desk.holdings.figures()
    assert figures is not None
    assert (figures.balance, figures.used_margin, figures.unrealised) == (D("10001.78"), D(0), D(0))


@pytest.mark.parametrize(
    ("price", "trailing", "reason", "kind"),
    [
        (1.14710, False, "stop loss", OrderType.STOP),
        (1.14716, True, "trailing stop", OrderType.STOP),
        (1.15016, False, "take profit", OrderType.TAKE_PROFIT),
        (1.15020, False, "take profit", OrderType.TAKE_PROFIT),
    ],
)
def test_a_level_that_is_hit_is_told_as_what_it_was(
    price: float, trailing: bool, reason: str, kind: OrderType, desk: Desk
) -> None:
    """J: one message; stops slip, targets do not."""
    desk.take(*opening())
    hit = protective(
        at=T0 + 90,
        status=pb.ORDER_STATUS_FILLED,
        executedVolume=100_000,
        executionPrice=price,
        trailingStopLoss=trailing,
    )
    desk.take(
        execution(
            pb.ORDER_FILLED,
            isServerEvent=True,
            order=hit,
            deal=deal(503, 78, 88, side=pb.SELL, at=T0 + 90, executionPrice=price, closes=closing(1, 2)),
            position=shell(88, at=T0 + 90, status=pb.POSITION_STATUS_CLOSED),
        )
    )
    assert desk.moves[-1] == (D(0), reason)
    report = desk.reports[-1]
    assert (report.venue_order_id, report.order_type, report.state) == ("78", kind, OrderState.FILLED)
    assert (report.reason, report.reduce_only) == (reason.capitalize(), True)
    assert desk.fills[-1].venue_order_id == "78"


def test_a_short_position_s_target_is_below(desk: Desk) -> None:
    hit = order(
        78,
        pb.STOP_LOSS_TAKE_PROFIT,
        side=pb.BUY,
        closingOrder=True,
        stopPrice=1.16,
        limitPrice=1.14,
        executedVolume=100_000,
        executionPrice=1.14,
        status=pb.ORDER_STATUS_FILLED,
    )
    desk.take(execution(pb.ORDER_FILLED, order=hit))
    assert desk.reports[-1].order_type is OrderType.TAKE_PROFIT


def test_a_trailing_stop_moves_without_an_execution(desk: Desk) -> None:
    """K"""
    desk.take(*opening())
    trailing: dict[str, Any] = {"stopLoss": 1.14716, "trailingStopLoss": True}
    desk.take(execution(pb.ORDER_REPLACED, position=position(88, at=T0 + 30, **trailing)))
    moved = pb.ProtoOATrailingSLChangedEvent(
        ctidTraderAccountId=ACCOUNT,
        positionId=88,
        orderId=78,
        stopPrice=1.1475,
        utcLastUpdateTimestamp=T0 + 40,
    )
    older = pb.ProtoOATrailingSLChangedEvent(
        ctidTraderAccountId=ACCOUNT,
        positionId=88,
        orderId=78,
        stopPrice=1.1473,
        utcLastUpdateTimestamp=T0 + 35,
    )
    desk.take(moved, older)
    assert desk.only().protection.stop_loss == D("1.1475")
    desk.take(execution(pb.SWAP, position=position(88, at=T0 + 50, swap=-12, **trailing)))
    assert desk.only().protection.stop_loss == D("1.14716")
    assert desk.only().swap == D("-0.12")


def test_a_stop_out_is_called_one_and_a_margin_call_is_a_notice(desk: Desk) -> None:
    """L"""
    desk.take(*opening())
    (notice,) = desk.take(
        pb.ProtoOAMarginCallTriggerEvent(
            ctidTraderAccountId=ACCOUNT,
            marginCall=pb.ProtoOAMarginCall(
                marginCallType=pb.MARGIN_LEVEL_THRESHOLD_2, marginLevelThreshold=70.0
            ),
        )
    )
    assert isinstance(notice, VenueNotice)
    assert notice.is_urgent
    assert "70 %" in notice.text
    done = {"executedVolume": 100_000, "executionPrice": 1.1, "status": pb.ORDER_STATUS_FILLED}
    desk.take(
        execution(
            pb.ORDER_FILLED,
            isServerEvent=True,
            order=closing_order(80, T0 + 99, isStopOut=True, **done),
            position=shell(88, at=T0 + 99),
        )
    )
    assert desk.moves[-1] == (D(0), "stop-out")
    assert "margin level was too low" in desk.reports[-1].reason


def test_money_that_comes_and_goes_changes_the_balance_by_its_version(desk: Desk) -> None:
    """M"""
    desk.take(
        execution(
            pb.DEPOSIT_WITHDRAW,
            depositWithdraw=pb.ProtoOADepositWithdraw(
                operationType=pb.BALANCE_DEPOSIT,
                balanceHistoryId=1,
                balance=1_100_000,
                delta=100_000,
                changeBalanceTimestamp=T0,
                balanceVersion=3,
                moneyDigits=2,
            ),
        )
    )
    (figures,) = [each.figures for each in desk.told if isinstance(each, FiguresReported)]
    assert figures.balance == D("11000.00")
    told = desk.take(pb.ProtoOATraderUpdatedEvent(ctidTraderAccountId=ACCOUNT, trader=trader(1, version=2)))
    assert told == []
    desk.take(pb.ProtoOATraderUpdatedEvent(ctidTraderAccountId=ACCOUNT, trader=trader(500, version=4)))
    now = desk.holdings.figures()
    assert now is not None
    assert now.balance == D("5.00")


# --- quirks ------------------------------------------------------------------------------------------------


def test_an_order_in_a_state_nobody_knows_is_in_doubt_and_out_of_it_when_it_can_be_read(desk: Desk) -> None:
    desk.take(execution(pb.ORDER_ACCEPTED, order=order(7, pb.LIMIT, limitPrice=1.1, **OURS)))
    raw = order(7, pb.LIMIT, limitPrice=1.1, at=T0 + 5, **OURS)
    raw.ClearField("orderStatus")
    strange = execution(pb.ORDER_REPLACED)
    strange.order.MergeFromString(raw.SerializePartialToString() + b"\x20\x63")  # status 99
    desk.take(strange)
    assert (desk.reports[-1].state, desk.reports[-1].client_order_id) == (OrderState.IN_DOUBT, ID)
    assert [report.state for report in desk.holdings.open_orders()] == [OrderState.IN_DOUBT]
    desk.take(
        execution(
            pb.ORDER_CANCELLED,
            order=order(7, pb.LIMIT, status=pb.ORDER_STATUS_CANCELLED, at=T0 + 9, limitPrice=1.1, **OURS),
        )
    )
    assert desk.reports[-1].state is OrderState.CANCELED
    assert desk.holdings.open_orders() == []


def test_an_event_of_an_unknown_kind_still_tells_what_it_holds(desk: Desk) -> None:
    event = execution(pb.ORDER_ACCEPTED, order=order(7, pb.LIMIT, limitPrice=1.1))
    event.ClearField("executionType")
    desk.take(event)
    assert desk.reports[-1].venue_order_id == "7"


def test_a_failed_deal_is_no_fill(desk: Desk) -> None:
    desk.take(execution(pb.ORDER_REJECTED, deal=deal(1, 7, 9, status=pb.REJECTED, filled=0)))
    desk.take(execution(pb.ORDER_REJECTED, deal=deal(2, 7, 9, status=pb.MISSED)))
    assert desk.fills == []


def test_a_conversion_fee_is_part_of_the_closing_fill_s_fee(desk: Desk) -> None:
    detail = closing(1_000_000, 2, profit=100)
    detail.pnlConversionFee = -5
    desk.take(execution(pb.ORDER_FILLED, deal=deal(1, 7, 9, closes=detail)))
    assert desk.fills[-1].fee == D("0.08")


def test_both_sides_of_a_symbol_tie_up_what_the_account_s_rule_says(desk: Desk) -> None:
    desk.take(
        execution(pb.ORDER_FILLED, position=position(1, usedMargin=5_000)),
        execution(pb.ORDER_FILLED, position=position(2, usedMargin=3_000, side=pb.SELL)),
        execution(pb.ORDER_FILLED, position=position(3, usedMargin=1_000, trade={"symbolId": 3})),
    )
    for rule, margin in ((pb.MAX, "60.00"), (pb.SUM, "90.00"), (pb.NET, "30.00")):
        desk.holdings.take_trader(trader(totalMarginCalculationType=rule))
        figures = desk.holdings.figures()
        assert figures is not None
        assert figures.used_margin == D(margin)


def test_a_margin_that_changed_is_kept_until_the_position_tells_another(desk: Desk) -> None:
    desk.take(*opening())
    desk.take(
        pb.ProtoOAMarginChangedEvent(
            ctidTraderAccountId=ACCOUNT, positionId=88, usedMargin=41_000, moneyDigits=3
        )
    )
    assert desk.only().margin == D("41.000")
    desk.take(execution(pb.SWAP, position=position(88, at=T0 + 99, usedMargin=3_900)))
    assert desk.only().margin == D("39.00")


def test_a_netted_position_that_is_turned_round_is_closed_and_open_again_in_one_millisecond(
    desk: Desk,
) -> None:
    at = T0 + 30
    turn: list[Message] = [
        execution(
            pb.ORDER_PARTIAL_FILL,
            order=order(7, side=pb.SELL, volume=300_000, executedVolume=100_000, executionPrice=1.148, at=at),
            deal=deal(1, 7, 88, side=pb.SELL, at=at, closes=closing(1_000_000, 2)),
            position=shell(88, at=at),
        ),
        execution(
            pb.ORDER_FILLED,
            order=order(
                7,
                side=pb.SELL,
                volume=300_000,
                executedVolume=300_000,
                executionPrice=1.148,
                status=pb.ORDER_STATUS_FILLED,
                at=at,
            ),
            deal=deal(2, 7, 88, volume=200_000, side=pb.SELL, at=at),
            position=position(88, side=pb.SELL, volume=200_000, at=at),
        ),
    ]
    desk.take(*opening(), *turn)
    assert (desk.only().side, desk.only().quantity) == (Side.SELL, D(2000))
    assert [quantity for quantity, _ in desk.moves][-2:] == [D(0), D(2000)]
    assert desk.take(turn[1]) == []


def test_a_message_that_came_before_is_not_told_again(desk: Desk) -> None:
    flow = [*opening(), *full_close()]
    desk.take(*flow)
    assert desk.take(*flow) == []


# --- readings ----------------------------------------------------------------------------------------------


def test_what_a_reading_does_not_list_is_over(desk: Desk) -> None:
    desk.take(*opening(), execution(pb.ORDER_ACCEPTED, order=order(7, pb.LIMIT, limitPrice=1.1)))
    told = desk.holdings.read(state(position=[position(90)]), desk.holdings.seq)
    positions = [each.position for each in told if isinstance(each, PositionReported)]
    assert [(held.position_id, held.quantity) for held in positions] == [("90", D(1000)), ("88", D(0))]
    assert [held.position_id for held in desk.holdings.positions()] == ["90"]
    assert desk.holdings.open_orders() == []


def test_a_position_that_cannot_be_read_is_not_a_position_that_is_closed(desk: Desk) -> None:
    desk.take(*opening())
    strange = position(88)
    strange.ClearField("positionStatus")
    answer = state()
    answer.position.append(strange)
    assert desk.holdings.read(answer, desk.holdings.seq) == []
    assert not desk.holdings.are_positions_known
    assert desk.only().position_id == "88"
    desk.holdings.read(state(), desk.holdings.seq)
    assert desk.holdings.are_positions_known


def test_what_was_told_after_the_question_stands_against_the_reading(desk: Desk) -> None:
    asked_seq = desk.holdings.seq
    desk.take(*opening())
    desk.holdings.read(state(), asked_seq)
    assert [held.position_id for held in desk.holdings.positions()] == ["88"]


def test_what_waited_during_a_reading_is_older_than_it(desk: Desk) -> None:
    levels: dict[str, Any] = {"stopLoss": 1.14716, "takeProfit": 1.15016, "trade": {"label": ID}}
    row = position(88, at=T0 + 9, **levels)
    desk.holdings.read(state(position=[row], order=[protective(at=T0 + 9)]), desk.holdings.seq)
    desk.take(*opening())
    assert desk.only().protection == Protection(D("1.14716"), D("1.15016"))
    assert desk.moves == []


def test_a_position_that_a_reading_had_closed_is_not_opened_by_an_old_message(desk: Desk) -> None:
    desk.take(*opening())
    desk.holdings.read(state(), desk.holdings.seq)
    desk.take(*opening())
    assert desk.holdings.positions() == []


# --- any order, any number of times ------------------------------------------------------------------------


@dataclass
class Life:
    """Writes the messages of a day of trading, each version of a thing at a time of its own."""

    at: int = T0
    balance: int = 1_000_000
    version: int = 1
    numbers: int = 100
    messages: list[Message] = field(default_factory=list)
    open: dict[int, dict[str, Any]] = field(default_factory=dict)
    pending: dict[int, dict[str, Any]] = field(default_factory=dict)

    def next(self) -> int:
        self.at += 7
        return self.at

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def tell(self, kind: Any, **parts: Any) -> None:
        self.messages.append(execution(kind, **parts))

    def row(self, key: int) -> pb.ProtoOAPosition:
        return position(key, at=self.next(), **self.open[key])

    def do_open(self, pick: int) -> None:
        key, order_id, volume = self.number(), self.number(), 100_000 * (1 + pick % 3)
        side = (pb.BUY, pb.SELL)[pick % 2]
        terms: dict[str, Any] = {"side": side, "volume": volume, "positionId": key}
        self.tell(
            pb.ORDER_ACCEPTED, order=order(order_id, at=self.next(), **terms), position=shell(key, at=self.at)
        )
        self.open[key] = {"side": side, "volume": volume}
        parts = [volume] if pick % 5 else [volume // 2, volume - volume // 2]
        done = 0
        for part in parts:
            done += part
            is_last = done == volume
            self.open[key]["volume"] = done
            self.tell(
                pb.ORDER_FILLED if is_last else pb.ORDER_PARTIAL_FILL,
                order=order(
                    order_id,
                    at=self.next(),
                    status=pb.ORDER_STATUS_FILLED if is_last else pb.ORDER_STATUS_ACCEPTED,
                    executedVolume=done,
                    executionPrice=1.14816,
                    **terms,
                ),
                deal=deal(self.number(), order_id, key, volume=part, side=side, at=self.at),
                position=self.row(key),
            )

    def do_protect(self, pick: int) -> None:
        key = sorted(self.open)[pick % len(self.open)]
        self.open[key] |= {"stopLoss": 1.14 - pick / 1000, "trailingStopLoss": pick % 2 == 0}
        self.tell(pb.ORDER_REPLACED, position=self.row(key))

    def do_trail(self, pick: int) -> None:
        key = sorted(self.open)[pick % len(self.open)]
        self.messages.append(
            pb.ProtoOATrailingSLChangedEvent(
                ctidTraderAccountId=ACCOUNT,
                positionId=key,
                orderId=1,
                stopPrice=1.14 + pick / 1000,
                utcLastUpdateTimestamp=self.next(),
            )
        )

    def do_swap(self, pick: int) -> None:
        key = sorted(self.open)[pick % len(self.open)]
        self.open[key]["swap"] = self.open[key].get("swap", 0) - pick
        self.tell(pb.SWAP, position=self.row(key))

    def do_close(self, pick: int) -> None:
        key = sorted(self.open)[pick % len(self.open)]
        held, order_id = self.open[key], self.number()
        volume = held["volume"] if pick % 2 else max(1, held["volume"] // 2)
        side = pb.SELL if held["side"] == pb.BUY else pb.BUY
        terms: dict[str, Any] = {"side": side, "volume": volume, "positionId": key, "closingOrder": True}
        self.tell(pb.ORDER_ACCEPTED, order=order(order_id, at=self.next(), **terms), position=self.row(key))
        held["volume"] -= volume
        self.balance, self.version = self.balance + pick, self.version + 1
        self.tell(
            pb.ORDER_FILLED,
            order=order(
                order_id,
                at=self.next(),
                status=pb.ORDER_STATUS_FILLED,
                executedVolume=volume,
                executionPrice=1.15,
                **terms,
            ),
            deal=deal(
                self.number(),
                order_id,
                key,
                volume=volume,
                side=side,
                at=self.at,
                closes=closing(self.balance, self.version, profit=pick),
            ),
            position=self.row(key) if held["volume"] else shell(key, at=self.next()),
        )
        if not held["volume"]:
            del self.open[key]
            self.tell(
                pb.ORDER_CANCELLED, position=shell(key, at=self.next(), status=pb.POSITION_STATUS_CLOSED)
            )

    def do_place(self, pick: int) -> None:
        order_id = self.number()
        self.pending[order_id] = {"limitPrice": 1.1 + pick / 1000, "positionId": self.number()}
        self.tell(
            pb.ORDER_ACCEPTED, order=order(order_id, pb.LIMIT, at=self.next(), **self.pending[order_id])
        )

    def do_amend(self, pick: int) -> None:
        order_id = sorted(self.pending)[pick % len(self.pending)]
        self.pending[order_id]["limitPrice"] = 1.2 + pick / 1000
        self.tell(
            pb.ORDER_REPLACED, order=order(order_id, pb.LIMIT, at=self.next(), **self.pending[order_id])
        )

    def do_end(self, pick: int) -> None:
        order_id = sorted(self.pending)[pick % len(self.pending)]
        terms = self.pending.pop(order_id)
        kind, status = (
            (pb.ORDER_CANCELLED, pb.ORDER_STATUS_CANCELLED),
            (pb.ORDER_EXPIRED, pb.ORDER_STATUS_EXPIRED),
        )[pick % 2]
        self.tell(
            kind,
            order=order(order_id, pb.LIMIT, status=status, at=self.next(), **terms),
            position=shell(terms["positionId"], at=self.at, status=pb.POSITION_STATUS_CLOSED),
        )

    def do_deposit(self, pick: int) -> None:
        self.balance, self.version = self.balance + pick, self.version + 1
        self.messages.append(
            pb.ProtoOATraderUpdatedEvent(
                ctidTraderAccountId=ACCOUNT, trader=trader(self.balance, self.version)
            )
        )


STEPS = ("open", "protect", "trail", "swap", "close", "place", "amend", "end", "deposit")


def live(steps: Sequence[tuple[str, int]]) -> list[Message]:
    life = Life()
    for step, pick in steps:
        if step in ("protect", "trail", "swap", "close") and not life.open:
            life.do_open(pick)
        elif step in ("amend", "end") and not life.pending:
            life.do_place(pick)
        else:
            getattr(life, f"do_{step}")(pick)
    return life.messages


def end_of(messages: Sequence[Message]) -> tuple[Any, Counter[str]]:
    desk = Desk()
    desk.take(*messages)
    return end_state(desk), Counter(fill.fill_id for fill in desk.fills)


def end_state(desk: Desk) -> tuple[list[OrderReport], list[Position], AccountFigures | None]:
    holdings = desk.holdings
    orders = sorted(holdings.open_orders(), key=lambda report: report.venue_order_id)
    positions = sorted(holdings.positions(), key=lambda held: held.position_id)
    return orders, positions, holdings.figures()


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 30)), min_size=1, max_size=14),
    seed=st.integers(0, 2**32),
    repeats=st.integers(0, 12),
)
def test_any_order_and_any_repetition_of_the_messages_ends_in_the_same_state(
    steps: list[tuple[str, int]], seed: int, repeats: int
) -> None:
    messages = live(steps)
    wanted, fills = end_of(messages)
    mixed = list(messages)
    dice = random.Random(seed)
    mixed += [dice.choice(messages) for _ in range(repeats)]
    dice.shuffle(mixed)
    found, again = end_of(mixed)
    assert found == wanted
    assert again == fills
    assert set(fills.values()) <= {1}


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 30)), min_size=1, max_size=14),
    cuts=st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60)),
)
def test_a_session_that_was_lost_and_a_new_reading_end_in_the_same_state(
    steps: list[tuple[str, int]], cuts: tuple[int, int, int]
) -> None:
    """Told up to the loss; away; signed in, from where on messages wait; read; then what waited, and on."""
    messages = live(steps)
    lost, signed_in, reading = sorted(min(cut, len(messages)) for cut in cuts)
    source = Desk()
    source.take(*messages[:reading])
    answer = state(
        position=[stands(source, held.row) for held in source.holdings._open()],
        order=[
            known.row
            for known in source.holdings._orders.values()
            if known.row.orderStatus == pb.ORDER_STATUS_ACCEPTED
        ],
    )
    desk = Desk()
    desk.take(*messages[:lost])
    desk.holdings.read(answer, desk.holdings.seq)
    desk.take(*messages[signed_in:])
    wanted = Desk()
    wanted.take(*messages)
    orders, positions, _ = end_state(desk)
    assert orders == end_state(wanted)[0]
    assert positions == end_state(wanted)[1]


def stands(source: Desk, row: pb.ProtoOAPosition) -> pb.ProtoOAPosition:
    """As the venue lists it: with the trailing stop where it is now."""
    now = next(held for held in source.holdings.positions() if held.position_id == str(row.positionId))
    listed = pb.ProtoOAPosition()
    listed.CopyFrom(row)
    if now.protection.stop_loss is not None:
        listed.stopLoss = float(now.protection.stop_loss)
    return listed


def test_a_stop_that_moved_unseen_is_where_the_reading_has_it(desk: Desk) -> None:
    trailing = position(88, stopLoss=1.14, trailingStopLoss=True)
    desk.take(
        execution(pb.ORDER_REPLACED, position=trailing),
        pb.ProtoOATrailingSLChangedEvent(
            ctidTraderAccountId=ACCOUNT,
            positionId=88,
            orderId=78,
            stopPrice=1.141,
            utcLastUpdateTimestamp=T0 + 5,
        ),
    )
    assert desk.only().protection.stop_loss == D("1.141")
    # It has moved again since; the time of the position is that of its last change, not of the stop's.
    trailing.stopLoss = 1.142
    desk.holdings.read(state(position=[trailing]), desk.holdings.seq)
    assert desk.only().protection.stop_loss == D("1.142")


def test_every_symbol_of_what_is_open_is_named(desk: Desk) -> None:
    desk.take(*opening())
    assert desk.holdings.symbol_ids() == {EURUSD}
