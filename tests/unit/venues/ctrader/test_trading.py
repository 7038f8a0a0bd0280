"""Orders, changes, closings and protections on the wire, to the last digit."""

from __future__ import annotations

import struct
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.errors import Unsupported
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import (
    AmendRequest,
    OrderRequest,
    OrderType,
    Protection,
    TimeInForce,
    TriggerReference,
)
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader import trading
from tests.unit.venues.ctrader.broker import ACCOUNT, EURUSD, US500, USDJPY, D, listing, order, position

ID = "9c1e4b7a0d2f4f6c8e3a5b7d9f1c2e4a"
EUR = listing(EURUSD)
JPY = listing(USDJPY)
INDEX = listing(US500)
NS = 1_000_000_000


def asked(kind: OrderType = OrderType.MARKET, side: Side = Side.BUY, **more: Any) -> OrderRequest:
    return OrderRequest(InstrumentId("ctrader", "EUR/USD"), side, kind, D(1000), **more)


def sent(request: OrderRequest, symbol: Any = EUR) -> pb.ProtoOANewOrderReq:
    return trading.new_order(ACCOUNT, request, ID, symbol)


def named(message: Any) -> set[str]:
    return {field.name for field, _ in message.ListFields()}


def test_a_market_order_is_just_its_volume_and_our_id_twice() -> None:
    message = sent(asked())
    assert message == pb.ProtoOANewOrderReq(
        ctidTraderAccountId=ACCOUNT,
        symbolId=EURUSD,
        orderType=pb.MARKET,
        tradeSide=pb.BUY,
        volume=100_000,
        label=ID,
        clientOrderId=ID,
    )


def test_a_market_order_takes_distances_with_trailing_guaranteed_comment_and_position() -> None:
    wanted = Protection(
        stop_distance=D("0.00100"), profit_distance=D("0.002"), trailing=True, guaranteed=True
    )
    message = sent(asked(side=Side.SELL, protection=wanted, comment="scalp", position_id="88"))
    assert (message.relativeStopLoss, message.relativeTakeProfit) == (100, 200)
    assert message.trailingStopLoss
    assert message.guaranteedStopLoss
    assert (message.comment, message.positionId, message.tradeSide) == ("scalp", 88, pb.SELL)
    assert not named(message) & {"stopLoss", "takeProfit", "timeInForce"}


def test_a_market_range_order_counts_points_from_the_price_seen() -> None:
    message = sent(asked(OrderType.MARKET_RANGE, reference_price=D("131.074"), max_slippage=D("0.015")), JPY)
    assert message.orderType == pb.MARKET_RANGE
    assert (message.baseSlippagePrice, message.slippageInPoints) == (131.074, 15)
    assert message.timeInForce == pb.IMMEDIATE_OR_CANCEL


def test_a_limit_order_takes_absolute_levels_and_an_expiry() -> None:
    message = sent(
        asked(
            OrderType.LIMIT,
            limit_price=D("1.14000"),
            time_in_force=TimeInForce.GTD,
            expire_time_ns=1_900_000_000 * NS + 999_999,
            protection=Protection(stop_loss=D("1.13"), take_profit=D("1.155")),
        )
    )
    assert (message.limitPrice, message.stopLoss, message.takeProfit) == (1.14, 1.13, 1.155)
    assert (message.timeInForce, message.expirationTimestamp) == (pb.GOOD_TILL_DATE, 1_900_000_000_000)
    assert not named(message) & {"relativeStopLoss", "relativeTakeProfit", "stopPrice"}


def test_a_limit_order_may_take_distances() -> None:
    wanted = Protection(stop_distance=D("0.5"))
    message = sent(asked(OrderType.LIMIT, limit_price=D("131"), protection=wanted), JPY)
    assert message.relativeStopLoss == 50_000


@pytest.mark.parametrize(
    ("force", "wire"),
    [
        (TimeInForce.GTC, pb.GOOD_TILL_CANCEL),
        (TimeInForce.IOC, pb.IMMEDIATE_OR_CANCEL),
        (TimeInForce.FOK, pb.FILL_OR_KILL),
    ],
)
def test_how_long_an_order_lives(force: TimeInForce, wire: int) -> None:
    assert sent(asked(OrderType.LIMIT, limit_price=D(1), time_in_force=force)).timeInForce == wire


@pytest.mark.parametrize("force", [TimeInForce.IOC, TimeInForce.FOK], ids=lambda force: force.value)
@pytest.mark.parametrize(
    "kind", [OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT], ids=lambda kind: kind.value
)
def test_only_a_limit_order_is_immediate(kind: OrderType, force: TimeInForce) -> None:
    terms: dict[str, Any] = (
        {} if kind is OrderType.MARKET else {"trigger_price": D("1.15"), "limit_price": D("1.15")}
    )
    with pytest.raises(Unsupported, match="time in force"):
        sent(asked(kind, time_in_force=force, **terms))


def test_a_price_is_never_rounded_in_secret() -> None:
    with pytest.raises(Unsupported) as caught:
        sent(asked(OrderType.LIMIT, limit_price=D("1.148165")))
    assert "1.148165" in caught.value.user_text
    with pytest.raises(Unsupported):
        sent(asked(OrderType.MARKET, protection=Protection(stop_distance=D("0.000015"))))


@pytest.mark.parametrize(
    ("reference", "wire"),
    [
        (TriggerReference.LAST, pb.TRADE),
        (TriggerReference.OPPOSITE, pb.OPPOSITE),
        (TriggerReference.DOUBLE, pb.DOUBLE_TRADE),
        (TriggerReference.DOUBLE_OPPOSITE, pb.DOUBLE_OPPOSITE),
    ],
)
def test_what_triggers_a_stop(reference: TriggerReference, wire: int) -> None:
    message = sent(asked(OrderType.STOP, trigger_price=D("1.15"), trigger_reference=reference))
    assert (message.stopPrice, message.stopTriggerMethod) == (1.15, wire)


@pytest.mark.parametrize(("side", "limit"), [(Side.BUY, "1.15010"), (Side.SELL, "1.14990")])
def test_a_stop_limit_order_slips_from_its_trigger_to_its_limit(side: Side, limit: str) -> None:
    message = sent(asked(OrderType.STOP_LIMIT, side, trigger_price=D("1.15"), limit_price=D(limit)))
    assert (message.stopPrice, message.slippageInPoints) == (1.15, 10)
    assert "limitPrice" not in named(message)


def test_volumes_are_cents_of_a_unit() -> None:
    assert sent(replace(asked(), quantity=D("0.01")), INDEX).volume == 1
    assert sent(replace(asked(), quantity=D("123456.78"))).volume == 12_345_678


@pytest.mark.parametrize(
    "request_",
    [
        asked(OrderType.ICEBERG, limit_price=D(1)),
        asked(OrderType.TRAILING_STOP, trail_offset=D(1)),
        asked(OrderType.STOP_LIMIT, trigger_price=D("1.15"), limit_price=D("1.14999")),
        asked(OrderType.STOP_LIMIT, Side.SELL, trigger_price=D("1.15"), limit_price=D("1.15001")),
        asked(OrderType.LIMIT),
        asked(OrderType.MARKET_RANGE, reference_price=D(1)),
        asked(OrderType.LIMIT, limit_price=D(1), time_in_force=TimeInForce.DAY),
        asked(OrderType.LIMIT, limit_price=D(1), time_in_force=TimeInForce.GTD),
        asked(OrderType.STOP, trigger_price=D(1), trigger_reference=TriggerReference.INDEX),
        asked(protection=Protection(stop_loss=D("1.1"))),
        asked(protection=Protection(profit_distance=D(1), trailing=True)),
        asked(protection=Protection(guaranteed=True)),
        asked(protection=Protection(stop_distance=D(1), trigger=TriggerReference.OPPOSITE)),
        asked(in_quote=True),
        asked(post_only=True),
        asked(reduce_only=True),
        asked(position_id="P-1"),
        asked(comment="x" * 513),
        replace(asked(), quantity=D("0.001")),
    ],
)
def test_what_ctrader_cannot_do_is_never_sent(request_: OrderRequest) -> None:
    with pytest.raises(Unsupported):
        sent(request_)


@given(
    units=st.integers(1, 10**8),
    symbol=st.sampled_from([EUR, JPY, INDEX]),
)
def test_no_price_has_more_digits_than_the_symbol(units: int, symbol: Any) -> None:
    """A server counts the digits of the double's shortest text."""
    price = D(units).scaleb(-symbol.digits)
    message = sent(asked(OrderType.LIMIT, limit_price=price), symbol)
    on_the_wire = struct.unpack("<d", struct.pack("<d", message.limitPrice))[0]
    assert Decimal(repr(on_the_wire)) == price


# --- closing, canceling ------------------------------------------------------------------------------------


def test_a_position_is_closed_by_its_number_and_volume() -> None:
    request = asked(side=Side.SELL, position_id="88", reduce_only=True)
    assert trading.close_position(ACCOUNT, request) == pb.ProtoOAClosePositionReq(
        ctidTraderAccountId=ACCOUNT, positionId=88, volume=100_000
    )


@pytest.mark.parametrize(
    "request_",
    [asked(reduce_only=True), asked(OrderType.LIMIT, limit_price=D(1), position_id="88", reduce_only=True)],
)
def test_a_position_is_closed_at_the_market_only(request_: OrderRequest) -> None:
    with pytest.raises(Unsupported):
        trading.close_position(ACCOUNT, request_)


# --- changing ----------------------------------------------------------------------------------------------


def standing(kind: int = pb.LIMIT, **more: Any) -> pb.ProtoOAOrder:
    fields = {"limitPrice": 1.14} if kind == pb.LIMIT else {"stopPrice": 1.15}
    return order(7, kind, timeInForce=pb.GOOD_TILL_CANCEL, **{**fields, **more})


def changed(row: pb.ProtoOAOrder, **change: Any) -> pb.ProtoOAAmendOrderReq:
    return trading.amend_order(ACCOUNT, row, AmendRequest(**change), EUR)


def test_a_change_of_the_price_keeps_volume_levels_and_expiry() -> None:
    row = standing(
        relativeStopLoss=1000, relativeTakeProfit=1500, trailingStopLoss=True, expirationTimestamp=5_000
    )
    message = changed(row, limit_price=D("1.141"))
    assert message == pb.ProtoOAAmendOrderReq(
        ctidTraderAccountId=ACCOUNT,
        orderId=7,
        volume=100_000,
        limitPrice=1.141,
        # They were 0.01 and 0.015 from 1.14, and stay where the person sees them.
        stopLoss=1.13,
        takeProfit=1.155,
        trailingStopLoss=True,
        expirationTimestamp=5_000,
    )


def test_a_change_of_the_volume_keeps_the_price_and_the_trigger() -> None:
    row = standing(pb.STOP, stopTriggerMethod=pb.DOUBLE_TRADE, stopLoss=1.14)
    message = changed(row, quantity=D(2000))
    assert (message.volume, message.stopPrice, message.stopLoss) == (200_000, 1.15, 1.14)
    assert message.stopTriggerMethod == pb.DOUBLE_TRADE


def test_a_new_protection_is_the_whole_set() -> None:
    row = standing(stopLoss=1.13, takeProfit=1.16, trailingStopLoss=True)
    message = changed(row, protection=Protection(stop_loss=D("1.135")))
    assert message.stopLoss == 1.135
    assert "takeProfit" not in named(message)
    assert message.HasField("trailingStopLoss")
    assert not message.trailingStopLoss


def test_new_distances_count_from_the_new_price() -> None:
    protection = Protection(stop_distance=D("0.01"))
    message = changed(standing(), limit_price=D("1.2"), protection=protection)
    assert message.stopLoss == 1.19
    assert "relativeStopLoss" not in named(message)


def test_a_removed_protection_is_not_sent() -> None:
    message = changed(standing(stopLoss=1.13), protection=Protection())
    assert not named(message) & {"stopLoss", "takeProfit", "relativeStopLoss", "relativeTakeProfit"}


def test_a_stop_limit_keeps_its_limit_when_its_trigger_moves() -> None:
    row = standing(pb.STOP_LIMIT, slippageInPoints=50)
    message = changed(row, trigger_price=D("1.1502"))
    assert (message.stopPrice, message.slippageInPoints) == (1.1502, 30)


def test_a_stop_limit_whose_trigger_would_pass_its_limit_is_not_sent() -> None:
    with pytest.raises(Unsupported):
        changed(standing(pb.STOP_LIMIT, slippageInPoints=50), trigger_price=D("1.1506"))


def test_an_order_at_the_market_cannot_be_changed() -> None:
    with pytest.raises(Unsupported):
        trading.amend_order(ACCOUNT, order(7), AmendRequest(quantity=D(1)), EUR)


@given(
    side=st.sampled_from([pb.BUY, pb.SELL]),
    stop=st.integers(0, 5000),
    target=st.integers(0, 5000),
    quantity=st.integers(1, 100),
)
def test_a_change_of_one_term_loses_none_of_the_others(
    side: int, stop: int, target: int, quantity: int
) -> None:
    row = standing(side=side)
    if stop:
        row.relativeStopLoss = stop
    if target:
        row.relativeTakeProfit = target
    message = changed(row, quantity=D(quantity * 1000))
    sign = 1 if side == pb.BUY else -1
    entry = D("1.14")
    assert message.HasField("stopLoss") is bool(stop)
    assert message.HasField("takeProfit") is bool(target)
    if stop:
        assert D(repr(message.stopLoss)) == entry - sign * D(stop).scaleb(-5)
    if target:
        assert D(repr(message.takeProfit)) == entry + sign * D(target).scaleb(-5)
    assert message.limitPrice == 1.14


# --- stop and target of a position -------------------------------------------------------------------------


def protected(protection: Protection, **more: Any) -> pb.ProtoOAAmendPositionSLTPReq:
    return trading.amend_protection(ACCOUNT, position(88, **more), protection, 5)


def test_both_legs_are_always_sent() -> None:
    message = protected(
        Protection(D("1.14"), D("1.16"), trailing=True, trigger=TriggerReference.OPPOSITE), stopLoss=1.13
    )
    assert message == pb.ProtoOAAmendPositionSLTPReq(
        ctidTraderAccountId=ACCOUNT,
        positionId=88,
        stopLoss=1.14,
        takeProfit=1.16,
        trailingStopLoss=True,
        stopLossTriggerMethod=pb.OPPOSITE,
    )


def test_a_leg_that_is_none_is_left_out_and_so_removed() -> None:
    assert named(protected(Protection(take_profit=D("1.16")))) == {
        "ctidTraderAccountId",
        "positionId",
        "takeProfit",
    }
    assert named(protected(Protection())) == {"ctidTraderAccountId", "positionId"}


def test_distances_count_from_the_open_price() -> None:
    message = protected(Protection(stop_distance=D("0.001"), profit_distance=D("0.002")), side=pb.SELL)
    assert (message.stopLoss, message.takeProfit) == (1.14916, 1.14616)


def test_a_guaranteed_stop_stays_one_or_is_said_not_to_be() -> None:
    assert protected(Protection(D("1.1"), guaranteed=True), guaranteedStopLoss=True).guaranteedStopLoss
    message = protected(Protection(D("1.1")), guaranteedStopLoss=True)
    assert message.HasField("guaranteedStopLoss")
    assert not message.guaranteedStopLoss


def test_a_trailing_stop_needs_a_stop() -> None:
    with pytest.raises(Unsupported):
        protected(Protection(take_profit=D("1.2"), trailing=True))
