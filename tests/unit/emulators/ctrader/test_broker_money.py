"""Money at the practice broker: profit, commission, swap, margin, calls and stop-out. Each expected figure is
worked out by hand beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.market import Side
from terminal.emulators.ctrader.margin import Holding, margin_fraction, symbol_margins
from terminal.emulators.ctrader.money import share
from terminal.emulators.ctrader.symbols import Tier
from terminal.venues.ctrader import openapi_pb2 as pb
from tests.unit.emulators.ctrader.broker_kit import (
    BTCUSD,
    EURUSD,
    GER40,
    GOLD,
    HEDGED,
    LIVE,
    LOT,
    MINI,
    NETTED,
    US500,
    USDJPY,
    Desk,
    d,
    refusal,
)

BUY, SELL = Side.BUY, Side.SELL


# ---- profit and commission -----------------------------------------------------------------------


def test_loss_of_an_index_as_seen_at_the_venue() -> None:
    # 0.01 x (85219.06 - 85287.21) = -0.6815
    desk = Desk()
    desk.table.change(BTCUSD, commission_rate=0, min_commission=0)
    desk.quotes.prices[BTCUSD] = d("85287.00"), d("85287.21")
    position = desk.open(BTCUSD, volume=1)
    desk.quotes.prices[BTCUSD] = d("85219.06"), d("85219.20")
    desk.close(position)
    desk.settle()
    detail = desk.deals()[0].closePositionDetail
    assert (detail.grossProfit, detail.moneyDigits, detail.balance) == (-68, 2, 1_000_000 - 68)
    assert detail.entryPrice == 85287.21


@pytest.mark.parametrize(
    ("symbol_id", "volume", "ctid", "cents"),
    [
        (EURUSD, LOT, HEDGED, -330),  # 110,010 USD x 30 / 1,000,000
        (USDJPY, LOT, HEDGED, -300),  # 100,000 USD
        (EURUSD, LOT, NETTED, -300),  # 3.3003 USD / 1.10005
        (GOLD, 10_000, HEDGED, -300),  # a lot at 3 USD
        (BTCUSD, 10, HEDGED, -240),  # 0.1 x 60,010 x 0.04 %
        (GER40, 1_000, HEDGED, -55),  # 10 lots at 0.05 EUR x 1.10005
        (US500, 100, HEDGED, 0),
    ],
)
def test_commission_of_each_type(symbol_id: int, volume: int, ctid: int, cents: int) -> None:
    desk = Desk()
    desk.broker.move_cash(ctid, 100_000_000)
    position = desk.open(symbol_id, volume=volume, ctid=ctid)
    assert position.commission == cents
    assert desk.deals(ctid)[0].commission == cents


def test_least_commission() -> None:
    desk = Desk()
    desk.table.change(EURUSD, min_commission=2 * 10**8, min_commission_asset="EUR")
    assert desk.open().commission == -220  # 2 EUR x 1.10005


def test_balance_moves_by_profit_swap_commission_and_conversion() -> None:
    desk = Desk()
    position = desk.open(GER40, volume=1_000)  # 10 units at 18001.00
    position.swap = -100
    version = desk.account().balance_version
    desk.quotes.prices[GER40] = d("18101.00"), d("18102.00")
    desk.close(position, 400)
    desk.settle()
    detail = desk.deals()[0].closePositionDetail
    assert detail.quoteToDepositConversionRate == pytest.approx(1.10005)
    assert detail.grossProfit == 44_002  # 4 x 100 EUR x 1.10005
    assert detail.pnlConversionFee == -132  # 0.3 %
    assert detail.swap == -40
    assert detail.commission == -44  # 22 of opening, 22 of closing
    assert detail.balance == 1_000_000 + 44_002 - 132 - 40 - 44 == desk.account().balance
    assert detail.balanceVersion == version + 1
    assert detail.closedVolume == 400
    assert (position.swap, position.commission) == (-60, -33)
    desk.close(position)
    desk.settle()
    last = desk.deals()[0].closePositionDetail
    assert (last.swap, last.balanceVersion) == (-60, version + 2)
    assert last.balance == desk.account().balance


def test_profit_in_yen_is_converted() -> None:
    desk = Desk()
    position = desk.open(USDJPY, volume=LOT)  # at 150.010
    assert position.margin_rate == 1
    desk.tick(USDJPY, "150.510", "150.520")
    answer = desk.ask(
        pb.ProtoOAGetPositionUnrealizedPnLReq(ctidTraderAccountId=HEDGED),
        pb.ProtoOAGetPositionUnrealizedPnLRes,
    )
    (row,) = answer.positionUnrealizedPnL
    assert row.grossUnrealizedPnL == 33_219  # 50,000 JPY / 150.515
    assert row.netUnrealizedPnL == 33_219 - 300
    desk.close(position)
    desk.settle()
    assert desk.deals()[0].closePositionDetail.grossProfit == 33_219


def test_shares_of_a_whole_add_up() -> None:
    left, total = 7, -101
    parts = []
    for _ in range(7):
        part = share(total, 1, left)
        parts.append(part)
        total -= part
        left -= 1
    assert sum(parts) == -101
    assert max(parts) - min(parts) <= 1


# ---- margin --------------------------------------------------------------------------------------

TIERS = (Tier(1_000_000_00, 20_000), Tier(5_000_000_00, 10_000), Tier(20_000_000_00, 5_000))


@pytest.mark.parametrize(
    ("usd", "leverage", "margin"),
    [
        ("500000", 50_000, "2500"),
        ("1000000", 50_000, "5000"),
        ("3000000", 50_000, "25000"),  # 5,000 + 2,000,000 / 100
        ("6000000", 50_000, "65000"),  # 5,000 + 40,000 + 1,000,000 / 50
        ("30000000", 50_000, "545000"),  # the last tier goes on
        ("500000", 5_000, "10000"),  # the account's own leverage is less
        ("0", 5_000, "0"),
    ],
)
def test_margin_by_tiers(usd: str, leverage: int, margin: str) -> None:
    assert d(usd) * margin_fraction(d(usd), TIERS, leverage) == pytest.approx(d(margin))


def test_both_sides_by_each_calculation() -> None:
    one = Decimal(1)
    holdings = [
        Holding(BUY, 200_00, one, one),
        Holding(SELL, 100_00, one, one),
        Holding(BUY, 100_00, one, one),
    ]
    assert symbol_margins(holdings, (), 100, pb.SUM) == [200_00, 100_00, 100_00]
    assert symbol_margins(holdings, (), 100, pb.MAX) == [200_00, 0, 100_00]
    assert symbol_margins(holdings, (), 100, pb.NET) == [133_33, 0, 66_67]
    assert symbol_margins(holdings[:1], (), 100, pb.NET) == [200_00]


def test_hedge_frees_margin_and_its_end_takes_it_again() -> None:
    desk = Desk()
    long = desk.open(volume=2 * LOT)
    margin = long.used_margin
    assert margin == 110_010  # 220,020 USD at 1:200
    short = desk.open(volume=LOT, tradeSide=pb.SELL)
    assert (long.used_margin, short.used_margin) == (margin, 0)
    desk.close(long)
    desk.settle()
    assert short.used_margin == 55_000
    kinds = desk.lines()
    assert kinds[1:] == ["MarginChangedEvent", "id ORDER_FILLED MARKET"]
    changed = desk.told[1].message
    assert (changed.positionId, changed.usedMargin, changed.moneyDigits) == (short.position_id, 55_000, 2)
    assert not desk.ask(_pnl(LIVE), pb.ProtoOAGetPositionUnrealizedPnLRes).positionUnrealizedPnL


def _pnl(ctid: int) -> pb.ProtoOAGetPositionUnrealizedPnLReq:
    return pb.ProtoOAGetPositionUnrealizedPnLReq(ctidTraderAccountId=ctid)


def test_hedge_costs_margin_where_both_sides_are_added() -> None:
    desk = Desk()
    desk.open(ctid=LIVE)
    desk.open(ctid=LIVE, tradeSide=pb.SELL)
    assert sum(one.used_margin for one in desk.positions(LIVE)) == 2200 + 2200  # 1,100 USD at 1:50, twice


def test_other_leverage_changes_the_margin_of_what_is_open() -> None:
    desk = Desk()
    position = desk.open(volume=LOT)
    desk.broker.change_account(HEDGED, leverage_in_cents=10_000)
    assert position.used_margin == 110_010
    assert desk.lines() == ["TraderUpdatedEvent", "MarginChangedEvent"]
    with pytest.raises(TypeError):
        desk.broker.change_account(HEDGED, colour="blue")


def test_expected_margin_is_what_an_order_then_uses() -> None:
    desk = Desk()
    volumes = [MINI, LOT, 12 * LOT]
    answer = desk.ask(
        pb.ProtoOAExpectedMarginReq(ctidTraderAccountId=HEDGED, symbolId=EURUSD, volume=volumes),
        pb.ProtoOAExpectedMarginRes,
    )
    assert [one.volume for one in answer.margin] == volumes
    assert answer.margin[1].buyMargin == 55_005
    assert answer.margin[1].sellMargin == 55_000
    for row in answer.margin:
        position = desk.open(volume=row.volume)
        assert position.used_margin == row.buyMargin
        desk.close(position)
        desk.settle()


def test_dynamic_leverage_is_told() -> None:
    desk = Desk()
    answer = desk.ask(
        pb.ProtoOAGetDynamicLeverageByIDReq(ctidTraderAccountId=HEDGED, leverageId=2),
        pb.ProtoOAGetDynamicLeverageByIDRes,
    )
    tiers = [(one.volume, one.leverage) for one in answer.leverage.tiers]
    assert tiers == [(one.volume_usd_cents, one.leverage_in_cents) for one in desk.table.tiers(2)]
    unknown = pb.ProtoOAGetDynamicLeverageByIDReq(ctidTraderAccountId=HEDGED, leverageId=99)
    assert refusal(lambda: desk.ask(unknown, pb.ProtoOAGetDynamicLeverageByIDRes)).code == "ENTITY_NOT_FOUND"


def test_order_that_reduces_needs_no_money() -> None:
    desk = Desk()
    position = desk.open(volume=13 * LOT)
    desk.quotes.prices[EURUSD] = d("1.09990"), d("1.10000")
    assert refusal(lambda: desk.new_order(volume=13 * LOT)).code == "NOT_ENOUGH_MONEY"
    desk.new_order(volume=MINI, tradeSide=pb.SELL, positionId=position.position_id)
    desk.new_order(volume=13 * LOT, tradeSide=pb.SELL)  # the other side of a hedge uses nothing more
    desk.settle()
    assert len(desk.positions()) == 2


# ---- margin calls and stop-out -------------------------------------------------------------------


def test_margin_calls_come_once_each_and_stop_out_follows() -> None:
    desk = Desk()
    position = desk.open(volume=10 * LOT)
    assert position.used_margin == 600_100  # 5,000 + 100,100 / 100
    desk.tick(EURUSD, "1.09600", "1.09610")  # equity 5,867: 97.8 %
    desk.tick(EURUSD, "1.09590", "1.09600")
    assert desk.lines() == ["MarginCallTriggerEvent"]
    assert desk.told[0].message.marginCall.marginCallType == pb.MARGIN_LEVEL_THRESHOLD_1
    assert desk.told[0].message.marginCall.marginLevelThreshold == 100.0
    desk.tick(EURUSD, "1.09350", "1.09360")  # 56.1 %
    assert [one.message.marginCall.marginCallType for one in desk.told[1:]] == [
        pb.MARGIN_LEVEL_THRESHOLD_2,
        pb.MARGIN_LEVEL_THRESHOLD_3,
    ]
    desk.tick(EURUSD, "1.10000", "1.10010")
    desk.tick(EURUSD, "1.09600", "1.09610")
    assert len(desk.told) == 4  # warned anew after it had recovered
    desk.told.clear()
    desk.tick(EURUSD, "1.09300", "1.09310")  # 47.8 %
    desk.tick(EURUSD, "1.09300", "1.09310")
    desk.settle()
    closing = [line for line in desk.lines() if line != "MarginCallTriggerEvent"]
    assert closing == ["srv ORDER_ACCEPTED MARKET", "srv ORDER_FILLED MARKET"]
    assert all(one.order.isStopOut and one.order.closingOrder for one in desk.events())
    assert not desk.positions()
    assert desk.account().balance == 1_000_000 - 710_000 - 3_300 - 3_279  # loss, both commissions


def test_stop_out_closes_what_uses_most_and_stops_when_it_is_enough() -> None:
    desk = Desk()
    small = desk.open(volume=LOT)
    desk.open(volume=9 * LOT)
    desk.tick(EURUSD, "1.09300", "1.09310")
    desk.settle()
    desk.broker.on_timer()
    desk.settle()
    assert desk.positions() == [small]


def test_stop_out_of_the_netted_account_begins_with_the_most_losing() -> None:
    desk = Desk()
    big = desk.open(US500, ctid=NETTED, volume=4_000)  # 200,000 USD
    loser = desk.open(ctid=NETTED, volume=2 * LOT)
    desk.tick(EURUSD, "1.07600", "1.07610")
    desk.settle()
    first = next(one for one in desk.events() if one.order.isStopOut)
    assert first.position.positionId == loser.position_id
    assert desk.positions(NETTED) == [big]


def test_stop_out_waits_for_the_market_to_open() -> None:
    desk = Desk()
    desk.open(volume=10 * LOT)
    desk.quotes.closed.add(EURUSD)
    desk.quotes.prices[EURUSD] = d("1.09300"), d("1.09310")
    desk.broker.on_timer()
    desk.settle()
    assert desk.positions()
    desk.quotes.closed.clear()
    desk.broker.on_timer()
    desk.settle()
    assert not desk.positions()


def test_balance_below_nothing_is_made_good() -> None:
    desk = Desk()
    desk.open(volume=10 * LOT)
    desk.tick(EURUSD, "1.05000", "1.05010")
    desk.settle()
    desk.broker.on_timer()
    assert desk.account().balance == 0
    cash = desk.events(pb.DEPOSIT_WITHDRAW)[-1].depositWithdraw
    assert cash.operationType == pb.BALANCE_DEPOSIT_NEGATIVE_BALANCE_PROTECTION
    assert (cash.balance, cash.equity) == (0, 0)
    assert cash.delta > 0


def test_margin_call_thresholds_can_be_moved_above_the_stop_out() -> None:
    desk = Desk()
    question = pb.ProtoOAMarginCallListReq(ctidTraderAccountId=HEDGED)
    levels = [one.marginLevelThreshold for one in desk.ask(question, pb.ProtoOAMarginCallListRes).marginCall]
    assert levels == [100.0, 80.0, 60.0]

    def update(threshold: float) -> pb.ProtoOAMarginCallUpdateRes:
        request = pb.ProtoOAMarginCallUpdateReq(ctidTraderAccountId=HEDGED)
        request.marginCall.marginCallType = pb.MARGIN_LEVEL_THRESHOLD_2
        request.marginCall.marginLevelThreshold = threshold
        return desk.ask(request, pb.ProtoOAMarginCallUpdateRes)

    update(90.5)
    assert desk.told[-1].message.marginCall.marginLevelThreshold == 90.5
    assert desk.lines() == ["MarginCallUpdateEvent"]
    answer = desk.ask(question, pb.ProtoOAMarginCallListRes)
    assert answer.marginCall[1].marginLevelThreshold == 90.5
    assert refusal(lambda: update(50.0)).code == "INVALID_REQUEST"


# ---- swap ----------------------------------------------------------------------------------------


def at(day: int, hour: int, minute: int = 0) -> int:
    """Nanoseconds of a September day of 2026; the 23rd is a Wednesday."""
    return int(datetime(2026, 9, day, hour, minute, tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("symbol_id", "volume", "side", "begin", "until", "cents"),
    [
        (EURUSD, LOT, pb.BUY, at(22, 12), at(22, 21, 59), 0),
        (EURUSD, LOT, pb.BUY, at(22, 12), at(22, 22), -720),  # -0.72 pips x 10 USD
        (EURUSD, LOT, pb.SELL, at(22, 12), at(22, 22), 210),
        (EURUSD, LOT, pb.BUY, at(23, 12), at(23, 22), -2_160),  # Wednesday counts three nights
        (EURUSD, LOT, pb.BUY, at(25, 12), at(25, 22), -720),
        (EURUSD, LOT, pb.BUY, at(26, 12), at(28, 12), 0),  # nothing over the weekend
        (EURUSD, LOT, pb.BUY, at(21, 12), at(28, 12), -5_040),  # a week is seven nights
        (GOLD, 10_000, pb.BUY, at(22, 12), at(22, 22), -5_240),  # -52.4 points x 100 oz
        (GOLD, 10_000, pb.SELL, at(22, 12), at(22, 22), 2_130),
        (US500, 1_000, pb.BUY, at(22, 12), at(22, 22), -875),  # 50,000 USD x -6.3 % / 360
        (US500, 1_000, pb.BUY, at(25, 12), at(25, 22), -2_625),  # three nights on a Friday
        (BTCUSD, 10, pb.BUY, at(26, 12), at(27, 23), -667),  # weekends too: 6,000 x 20 % / 360, twice
    ],
)
def test_swap(
    symbol_id: int, volume: int, side: pb.ProtoOATradeSide, begin: int, until: int, cents: int
) -> None:
    desk = Desk(at_ns=begin)
    position = desk.open(symbol_id, volume=volume, tradeSide=side)
    balance = desk.account().balance
    desk.clock.advance((until - desk.clock.wall_ns()) / 1e9)
    desk.broker.on_timer()
    assert position.swap == cents
    assert desk.account().balance == balance  # it is booked when the position is closed
    assert desk.lines() == (["srv SWAP"] if cents else [])
    if cents:
        assert desk.events()[0].position.swap == cents
    desk.told.clear()
    desk.clock.advance(30)
    desk.broker.on_timer()
    assert not desk.told


def test_swap_free_account_pays_none() -> None:
    desk = Desk()
    desk.broker.change_account(HEDGED, swap_free=True)
    position = desk.open(volume=LOT)
    desk.clock.advance(86_400)
    desk.broker.on_timer()
    assert position.swap == 0


# ---- profit events and cash ----------------------------------------------------------------------


def test_profit_events_go_to_who_asked_and_only_when_something_changed() -> None:
    desk = Desk()
    desk.open(volume=LOT)
    subscribe = pb.ProtoOAv1PnLChangeSubscribeReq(ctidTraderAccountId=HEDGED)
    leave = pb.ProtoOAv1PnLChangeUnSubscribeReq(ctidTraderAccountId=HEDGED)
    gone = refusal(lambda: desk.broker.handle(leave, session="a"))
    assert gone.code == "NOT_SUBSCRIBED_TO_PNL"
    desk.ask(subscribe, pb.ProtoOAv1PnLChangeSubscribeRes, session="a")
    again = refusal(lambda: desk.broker.handle(subscribe, session="a"))
    assert again.code == "ALREADY_SUBSCRIBED"
    assert desk.broker.watches_profit(HEDGED, "a")
    assert not desk.broker.watches_profit(HEDGED, "b")
    for bid, ask in (("1.10000", "1.10010"), ("1.10000", "1.10010"), ("1.10100", "1.10110")):
        desk.tick(EURUSD, bid, ask)
        desk.clock.advance(1.0)
        desk.broker.on_timer()
    figures = [(one.message.grossUnrealizedPnL, one.message.netUnrealizedPnL) for one in desk.told]
    assert figures == [(-1_000, -1_330), (9_000, 8_670)]
    desk.broker.forget_session("a")
    assert not desk.broker.watches_profit(HEDGED, "a")


@pytest.mark.parametrize(("delta", "kind"), [(5_000, pb.BALANCE_DEPOSIT), (-5_000, pb.BALANCE_WITHDRAW)])
def test_cash_is_told_with_the_new_balance(delta: int, kind: Any) -> None:
    desk = Desk()
    version = desk.account().balance_version
    desk.broker.move_cash(HEDGED, delta, note="for the test")
    assert desk.lines() == ["srv DEPOSIT_WITHDRAW", "TraderUpdatedEvent"]
    cash = desk.events()[0].depositWithdraw
    assert (cash.operationType, cash.delta, cash.balance) == (kind, delta, 1_000_000 + delta)
    assert (cash.externalNote, cash.balanceVersion) == ("for the test", version + 1)
    assert desk.told[1].message.trader.balance == 1_000_000 + delta
