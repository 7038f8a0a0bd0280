"""What the practice broker refuses, in which words, and by which message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from terminal.emulators.ctrader import intake
from terminal.emulators.ctrader.broker import PRACTICE_ACCOUNTS
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.venues.ctrader import openapi_pb2 as pb
from tests.unit.emulators.ctrader.broker_kit import (
    BTCUSD,
    EURUSD,
    GOLD,
    HEDGED,
    LOT,
    MINI,
    NETTED,
    US500,
    USDJPY,
    Desk,
    refusal,
)

LIMIT: dict[str, Any] = {"orderType": pb.LIMIT, "limitPrice": 1.05}
STOP: dict[str, Any] = {"orderType": pb.STOP, "stopPrice": 1.15}


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"volume": MINI - 1}, "TRADING_BAD_VOLUME", "Order volume = 999.99 is below the least, 1000"),
        ({"volume": MINI + 1}, "TRADING_BAD_VOLUME", "off the step of 1000"),
        ({"volume": 1001 * LOT}, "TRADING_BAD_VOLUME", "above the most"),
        ({"volume": 100 * LOT}, "NOT_ENOUGH_MONEY", "Not enough free margin"),
        ({"relativeStopLoss": 5}, "TRADING_BAD_STOPS", "wrong side"),
        ({"stopLoss": 1.09}, "INVALID_REQUEST", "Absolute stop loss and take profit are for"),
        ({"relativeStopLoss": 0}, "INVALID_REQUEST", "Relative stop loss has invalid precision"),
        ({"trailingStopLoss": True}, "INVALID_REQUEST", "needs a stop loss"),
        ({"guaranteedStopLoss": True}, "INVALID_REQUEST", "needs a stop loss"),
        ({"guaranteedStopLoss": True, "relativeStopLoss": 50}, "PROTECTION_IS_TOO_CLOSE_TO_MARKET", "nearer"),
        (
            {"guaranteedStopLoss": True, "trailingStopLoss": True, "relativeStopLoss": 500},
            "INVALID_REQUEST",
            "cannot trail",
        ),
        ({"timeInForce": pb.GOOD_TILL_DATE}, "INVALID_REQUEST", "is not for MARKET orders"),
        ({"timeInForce": pb.MARKET_ON_OPEN}, "INVALID_REQUEST", "is not for MARKET orders"),
        ({"orderType": pb.STOP_LOSS_TAKE_PROFIT}, "INVALID_REQUEST", "Only the server"),
        ({"orderType": pb.LIMIT}, "INVALID_REQUEST", "needs limitPrice"),
        ({"orderType": pb.STOP}, "INVALID_REQUEST", "needs stopPrice"),
        ({"orderType": pb.STOP_LIMIT, "stopPrice": 1.15}, "INVALID_REQUEST", "needs slippageInPoints"),
        ({"orderType": pb.MARKET_RANGE, "slippageInPoints": 3}, "INVALID_REQUEST", "baseSlippagePrice"),
        (
            {**LIMIT, "limitPrice": 1.0500040054321},
            "INVALID_REQUEST",
            "Order price = 1.0500040054321 has more digits than symbol allows. Allowed 5 digits",
        ),
        (
            {**LIMIT, "stopLoss": 1.040001},
            "INVALID_REQUEST",
            "Order protection = 1.040001 has more digits than symbol allows. Allowed 5 digits",
        ),
        ({**LIMIT, "limitPrice": -1.0}, "TRADING_BAD_PRICES", "is no price"),
        ({**LIMIT, "limitPrice": float("nan")}, "TRADING_BAD_PRICES", "is no price"),
        ({**LIMIT, "stopLoss": 1.06}, "TRADING_BAD_STOPS", "stop loss 1.06000 is on the wrong side"),
        ({**LIMIT, "takeProfit": 1.04}, "TRADING_BAD_STOPS", "take profit 1.04000 is on the wrong side"),
        ({**LIMIT, "stopLoss": 1.04, "relativeTakeProfit": 100}, "INVALID_REQUEST", "either"),
        ({**LIMIT, "relativeStopLoss": 105_000}, "TRADING_BAD_STOPS", "below zero"),
        ({**STOP, "stopPrice": 1.1}, "TRADING_BAD_PRICES", "wrong side"),
        ({**STOP, "timeInForce": pb.FILL_OR_KILL}, "INVALID_REQUEST", "is not for STOP orders"),
        ({**LIMIT, "timeInForce": pb.GOOD_TILL_DATE}, "TRADING_BAD_EXPIRATION_DATE", "future"),
        (
            {**LIMIT, "timeInForce": pb.GOOD_TILL_DATE, "expirationTimestamp": 1_700_000_000_000},
            "TRADING_BAD_EXPIRATION_DATE",
            "future",
        ),
        ({"label": "x" * 101}, "INVALID_REQUEST", "label"),
        ({"comment": "x" * 513}, "INVALID_REQUEST", "comment"),
        ({"clientOrderId": "x" * 51}, "INVALID_REQUEST", "clientOrderId"),
        ({"positionId": 77}, "POSITION_NOT_FOUND", "77"),
    ],
)
def test_new_order_is_refused(fields: dict[str, Any], code: str, words: str) -> None:
    desk = Desk()
    error = refusal(lambda: desk.new_order(**fields))
    assert error.code == code
    assert words in error.description
    assert error.carrier == ("2142" if code == "INVALID_REQUEST" else "2132")
    desk.settle()
    assert not desk.told
    assert not desk.now().order
    assert not desk.broker.open_positions(HEDGED)


def test_finer_relative_distance_than_the_digits_is_refused() -> None:
    desk = Desk()
    error = refusal(lambda: desk.new_order(USDJPY, relativeTakeProfit=150))
    assert (error.code, error.description) == (
        "INVALID_REQUEST",
        "Relative take profit has invalid precision",
    )
    desk.new_order(USDJPY, relativeTakeProfit=10_100)
    desk.settle()
    assert str(desk.position().take_profit) == "150.111"


def test_unknown_symbol_and_unknown_account() -> None:
    desk = Desk()
    assert refusal(lambda: desk.new_order(999)).code == "SYMBOL_NOT_FOUND"
    assert refusal(lambda: desk.new_order(ctid=1)).description == "Trading account is not authorized"


def test_unknown_request_is_unsupported() -> None:
    desk = Desk()
    error = refusal(lambda: desk.broker.handle(pb.ProtoOASymbolsListReq(ctidTraderAccountId=HEDGED)))
    assert (error.code, error.carrier) == ("UNSUPPORTED_MESSAGE", "50")


def test_levels_nearer_than_the_symbols_distance_are_refused() -> None:
    desk = Desk()
    desk.table.change(EURUSD, sl_distance=30, tp_distance=40)
    position = desk.open()
    for fields, code in (
        ({"stopLoss": 1.0998}, "PROTECTION_IS_TOO_CLOSE_TO_MARKET"),
        ({"takeProfit": 1.1003}, "PROTECTION_IS_TOO_CLOSE_TO_MARKET"),
        ({"stopLoss": 1.1001}, "TRADING_BAD_STOPS"),
        ({"takeProfit": 1.0999}, "TRADING_BAD_STOPS"),
        ({"stopLoss": 1.099999}, "INVALID_REQUEST"),
    ):
        error = refusal(lambda: desk.amend(position, **fields))  # noqa: B023
        assert error.code == code, fields
    desk.amend(position, stopLoss=1.0997, takeProfit=1.1004)
    assert desk.position().stop_loss is not None


def test_a_level_that_stays_is_not_measured_again() -> None:
    desk = Desk()
    desk.table.change(EURUSD, sl_distance=30)
    position = desk.open()
    desk.amend(position, stopLoss=1.0997)
    desk.tick(EURUSD, "1.09980", "1.09990")
    desk.amend(position, stopLoss=1.0997, takeProfit=1.12)
    assert position.take_profit is not None


@pytest.mark.parametrize(
    ("rights", "may_open", "may_close"),
    [(pb.FULL_ACCESS, True, True), (pb.CLOSE_ONLY, False, True), (pb.NO_TRADING, False, False)],
)
def test_access_rights(rights: pb.ProtoOAAccessRights, may_open: bool, may_close: bool) -> None:
    desk = Desk()
    position = desk.open()
    desk.broker.change_account(HEDGED, access_rights=rights)
    assert desk.told[-1].message.trader.accessRights == rights
    assert _works(lambda: desk.new_order()) is may_open
    desk.settle()
    assert _works(lambda: desk.amend(position, stopLoss=1.09)) is may_close
    assert _works(lambda: desk.close(position)) is may_close


def _works(act: Callable[[], object]) -> bool:
    try:
        act()
    except OpenApiError as error:
        refused = error
    else:
        return True
    assert (refused.code, refused.carrier) == ("TRADING_NOT_ALLOWED", "2132")
    return False


def test_token_for_viewing_may_look_and_not_trade() -> None:
    desk = Desk()
    request = pb.ProtoOANewOrderReq(
        ctidTraderAccountId=HEDGED, symbolId=EURUSD, orderType=pb.MARKET, tradeSide=pb.BUY, volume=MINI
    )
    error = refusal(lambda: desk.send(request, can_trade=False))
    assert error.code == "TRADING_NOT_ALLOWED"
    question = pb.ProtoOATraderReq(ctidTraderAccountId=HEDGED)
    trader = desk.ask(question, pb.ProtoOATraderRes, can_trade=False).trader
    assert (trader.balance, trader.moneyDigits, trader.accountType) == (1_000_000, 2, pb.HEDGED)


@pytest.mark.parametrize(
    ("mode", "may_open", "may_close", "pendings_act", "stops_act"),
    [
        (pb.ENABLED, True, True, True, True),
        (pb.DISABLED_WITHOUT_PENDINGS_EXECUTION, False, False, False, False),
        (pb.DISABLED_WITH_PENDINGS_EXECUTION, False, False, True, True),
        (pb.CLOSE_ONLY_MODE, False, True, False, True),
    ],
)
def test_trading_modes(
    mode: pb.ProtoOATradingMode, may_open: bool, may_close: bool, pendings_act: bool, stops_act: bool
) -> None:
    desk = Desk()
    position = desk.open(relativeStopLoss=1000)
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.095, label="waits")
    desk.settle()
    desk.table.change(EURUSD, trading_mode=mode)
    if not may_open:
        assert refusal(lambda: desk.new_order()).code == "TRADING_DISABLED"
    if not may_close:
        assert refusal(lambda: desk.close(position)).code == "TRADING_DISABLED"
    desk.tick(EURUSD, "1.08900", "1.08910")
    desk.settle()
    labels = {one.label for one in desk.positions()}
    assert ("waits" in labels) is pendings_act
    assert (not any(one is position for one in desk.positions())) is stops_act


def test_closed_market_takes_waiting_orders_only() -> None:
    desk = Desk()
    position = desk.open()
    desk.quotes.closed.add(EURUSD)
    assert refusal(lambda: desk.new_order()).code == "MARKET_CLOSED"
    error = refusal(lambda: desk.close(position))
    assert (error.code, error.position_id) == ("MARKET_CLOSED", position.position_id)
    desk.new_order(**LIMIT)
    desk.amend(position, stopLoss=1.09)
    desk.tick(EURUSD, "1.04000", "1.04010")
    assert desk.position() is position
    assert len(desk.now(protections=False).order) == 1


def test_short_selling_off_still_lets_close() -> None:
    desk = Desk()
    desk.table.change(US500, short_selling=False)
    assert refusal(lambda: desk.new_order(US500, tradeSide=pb.SELL, volume=100)).code == (
        "SHORT_SELLING_NOT_ALLOWED"
    )
    position = desk.open(US500, volume=100)
    desk.close(position)
    desk.settle()
    assert not desk.positions()
    desk.open(US500, volume=100, ctid=NETTED)
    desk.new_order(US500, tradeSide=pb.SELL, volume=100, ctid=NETTED)
    desk.settle()
    assert not desk.positions(NETTED)


def test_exposure_and_number_of_positions_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.table.change(EURUSD, max_exposure=3 * MINI)
    desk.open(volume=2 * MINI)
    assert refusal(lambda: desk.new_order(volume=2 * MINI)).code == "MAX_EXPOSURE_REACHED"
    monkeypatch.setattr(intake, "MAX_POSITIONS", 1)
    assert refusal(lambda: desk.new_order()).code == "TOO_MANY_POSITIONS"


def test_limited_risk_account_needs_guaranteed_stops_that_only_get_better() -> None:
    desk = Desk()
    desk.broker.change_account(HEDGED, limited_risk=True)
    assert refusal(lambda: desk.new_order(relativeStopLoss=500)).code == "TRADING_BAD_STOPS"
    assert refusal(lambda: desk.new_order(BTCUSD, volume=1, relativeStopLoss=100_000_000)).code == (
        "TRADING_BAD_STOPS"
    )
    position = desk.open(relativeStopLoss=500, guaranteedStopLoss=True)
    assert position.guaranteed
    for fields in (
        {"stopLoss": 1.09},
        {"stopLoss": 1.09, "guaranteedStopLoss": True},
        {"takeProfit": 1.2},
    ):
        error = refusal(lambda: desk.amend(position, **fields))  # noqa: B023
        assert error.code == "WORSE_GSL_NOT_ALLOWED"
    desk.amend(position, stopLoss=1.097, guaranteedStopLoss=True)
    assert str(position.stop_loss) == "1.09700"
    nothing = refusal(
        lambda: desk.new_order(BTCUSD, volume=1, guaranteedStopLoss=True, relativeStopLoss=10**8)
    )
    assert "no guaranteed stops" in nothing.description


@pytest.mark.parametrize(
    ("volume", "code"),
    [(4 * MINI, "TRADING_BAD_VOLUME"), (MINI + 1, "TRADING_BAD_VOLUME"), (MINI // 2, "TRADING_BAD_VOLUME")],
)
def test_closing_volume_is_checked(volume: int, code: str) -> None:
    desk = Desk()
    position = desk.open(volume=3 * MINI)
    error = refusal(lambda: desk.close(position, volume))
    assert (error.code, error.carrier, error.position_id) == (code, "2132", position.position_id)


def test_positions_and_orders_of_another_account_are_not_found() -> None:
    desk = Desk()
    position = desk.open(GOLD, volume=100)
    desk.new_order(**LIMIT)
    order_id = desk.now().order[-1].orderId
    assert refusal(lambda: desk.cancel(order_id, NETTED)).code == "ORDER_NOT_FOUND"
    request = pb.ProtoOAClosePositionReq(
        ctidTraderAccountId=NETTED, positionId=position.position_id, volume=100
    )
    assert refusal(lambda: desk.send(request)).code == "POSITION_NOT_FOUND"
    shell = desk.now().order[-1].positionId
    waiting = pb.ProtoOAClosePositionReq(ctidTraderAccountId=HEDGED, positionId=shell, volume=MINI)
    assert refusal(lambda: desk.send(waiting)).code == "POSITION_NOT_OPEN"


def test_waiting_order_cannot_be_amended_to_something_wrong() -> None:
    desk = Desk()
    desk.new_order(**LIMIT)
    order_id = desk.now().order[0].orderId

    def amend(**fields: Any) -> str:
        return desk.send(pb.ProtoOAAmendOrderReq(ctidTraderAccountId=HEDGED, orderId=order_id, **fields))

    assert refusal(lambda: amend()).description == "Nothing to amend."
    assert refusal(lambda: amend(volume=1)).code == "TRADING_BAD_VOLUME"
    assert refusal(lambda: amend(limitPrice=1.0000001)).code == "INVALID_REQUEST"
    assert refusal(lambda: amend(stopLoss=1.06)).code == "TRADING_BAD_STOPS"
    assert refusal(lambda: amend(expirationTimestamp=1)).code == "TRADING_BAD_EXPIRATION_DATE"
    assert desk.now().order[0].limitPrice == 1.05
    until = desk.clock.wall_ns() // 1_000_000 + 1000
    amend(expirationTimestamp=until)
    (order,) = desk.now().order
    assert (order.timeInForce, order.expirationTimestamp) == (pb.GOOD_TILL_DATE, until)
    desk.new_order()
    executing = desk.now().order[-1].orderId
    request = pb.ProtoOAAmendOrderReq(ctidTraderAccountId=HEDGED, orderId=executing, volume=2 * MINI)
    assert refusal(lambda: desk.send(request)).code == "UNABLE_TO_AMEND_ORDER"


def test_the_practice_accounts_are_of_three_kinds() -> None:
    kinds = {(one.account_type, one.margin_type, one.is_live, one.currency) for one in PRACTICE_ACCOUNTS}
    assert kinds == {
        (pb.HEDGED, pb.MAX, False, "USD"),
        (pb.NETTED, pb.NET, False, "EUR"),
        (pb.HEDGED, pb.SUM, True, "USD"),
    }
    assert len({one.login for one in PRACTICE_ACCOUNTS} | {one.ctid for one in PRACTICE_ACCOUNTS}) == 6
