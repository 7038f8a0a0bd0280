"""The practice broker's memory: lists of the past in pages, what survives a restart, a new beginning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from terminal.domain.market import Side
from terminal.emulators.ctrader.symbols import SymbolTable
from terminal.emulators.market.store import Store
from terminal.venues.ctrader import openapi_pb2 as pb
from tests.unit.emulators.ctrader.broker_kit import (
    EURUSD,
    GOLD,
    HEDGED,
    LOT,
    MINI,
    NETTED,
    USDJPY,
    WEDNESDAY_NOON_NS,
    Desk,
    d,
    refusal,
)

DAY_MS = 86_400_000


def now_ms(desk: Desk) -> int:
    return desk.clock.wall_ns() // 1_000_000


def deal_list(desk: Desk, **fields: Any) -> pb.ProtoOADealListRes:
    return desk.ask(pb.ProtoOADealListReq(ctidTraderAccountId=HEDGED, **fields), pb.ProtoOADealListRes)


def order_list(desk: Desk, **fields: Any) -> pb.ProtoOAOrderListRes:
    return desk.ask(pb.ProtoOAOrderListReq(ctidTraderAccountId=HEDGED, **fields), pb.ProtoOAOrderListRes)


# ---- lists ---------------------------------------------------------------------------------------


def test_deals_come_newest_first_page_by_page() -> None:
    desk = Desk(page_rows=4)
    for _ in range(10):
        desk.open()
        desk.clock.advance(1.0)
    seen: list[int] = []
    until = now_ms(desk)
    pages = 0
    while True:
        answer = deal_list(desk, toTimestamp=until)
        seen += [one.dealId for one in answer.deal]
        pages += 1
        if not answer.hasMore:
            break
        until = answer.deal[-1].executionTimestamp - 1
    assert pages == 3
    assert len(seen) == len(set(seen)) == 10
    assert seen == sorted(seen, reverse=True)
    assert [one.dealId for one in deal_list(desk, maxRows=2).deal] == seen[:2]
    assert deal_list(desk, maxRows=2).hasMore
    old = deal_list(desk, fromTimestamp=0, toTimestamp=WEDNESDAY_NOON_NS // 1_000_000 - 1)
    assert not old.deal
    assert not old.hasMore


@pytest.mark.parametrize("together", [2, 3, 5])
def test_rows_of_one_millisecond_are_never_torn_apart(together: int) -> None:
    desk = Desk(page_rows=2)
    for _ in range(3):
        for _ in range(together):
            desk.new_order(orderType=pb.LIMIT, limitPrice=1.05)
        desk.clock.advance(1.0)
    seen: list[int] = []
    until = now_ms(desk)
    while True:
        answer = order_list(desk, toTimestamp=until)
        assert answer.order
        seen += [one.orderId for one in answer.order]
        if not answer.hasMore:
            break
        until = min(one.utcLastUpdateTimestamp for one in answer.order) - 1
    assert len(seen) == len(set(seen)) == 3 * together


def test_orders_of_the_past_tell_how_they_ended() -> None:
    desk = Desk()
    desk.open(label="one", relativeStopLoss=500)
    desk.clock.advance(1.0)
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.05, label="two")
    desk.settle()
    desk.cancel(desk.now(protections=False).order[0].orderId)
    desk.clock.advance(1.0)
    desk.new_order(orderType=pb.LIMIT, limitPrice=1.04, label="three")
    found = order_list(desk).order
    assert [(one.tradeData.label, one.orderType, one.orderStatus) for one in found] == [
        ("three", pb.LIMIT, pb.ORDER_STATUS_ACCEPTED),
        ("two", pb.LIMIT, pb.ORDER_STATUS_CANCELLED),
        ("one", pb.STOP_LOSS_TAKE_PROFIT, pb.ORDER_STATUS_ACCEPTED),
        ("one", pb.MARKET, pb.ORDER_STATUS_FILLED),
    ]


def test_one_position_from_its_orders_to_its_offsets() -> None:
    desk = Desk()
    position = desk.open(volume=2 * MINI)
    number = position.position_id
    desk.clock.advance(1.0)
    desk.new_order(positionId=number, volume=2 * MINI)
    desk.settle()
    desk.open(USDJPY)
    desk.clock.advance(1.0)
    desk.close(position, 3 * MINI)
    desk.settle()
    deals = desk.ask(
        pb.ProtoOADealListByPositionIdReq(ctidTraderAccountId=HEDGED, positionId=number),
        pb.ProtoOADealListByPositionIdRes,
    )
    assert not deals.hasMore
    closing, second, first = deals.deal
    assert [one.filledVolume for one in deals.deal] == [3 * MINI, 2 * MINI, 2 * MINI]
    orders = desk.ask(
        pb.ProtoOAOrderListByPositionIdReq(ctidTraderAccountId=HEDGED, positionId=number),
        pb.ProtoOAOrderListByPositionIdRes,
    )
    assert [one.orderId for one in orders.order] == [closing.orderId, second.orderId, first.orderId]
    details = desk.ask(
        pb.ProtoOAOrderDetailsReq(ctidTraderAccountId=HEDGED, orderId=second.orderId),
        pb.ProtoOAOrderDetailsRes,
    )
    assert details.order.orderId == second.orderId
    assert [one.dealId for one in details.deal] == [second.dealId]

    def offsets(deal: pb.ProtoOADeal) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        request = pb.ProtoOADealOffsetListReq(ctidTraderAccountId=HEDGED, dealId=deal.dealId)
        answer = desk.ask(request, pb.ProtoOADealOffsetListRes)
        return (
            [(one.dealId, one.volume) for one in answer.offsetBy],
            [(one.dealId, one.volume) for one in answer.offsetting],
        )

    assert offsets(first) == ([(closing.dealId, 2 * MINI)], [])
    assert offsets(second) == ([(closing.dealId, MINI)], [])
    both = [(second.dealId, MINI), (first.dealId, 2 * MINI)]
    assert (offsets(closing)[0], sorted(offsets(closing)[1])) == ([], sorted(both))


def test_unknown_numbers_and_windows() -> None:
    desk = Desk()
    desk.open(ctid=NETTED)
    theirs = desk.deals(NETTED)[0]
    details = pb.ProtoOAOrderDetailsReq(ctidTraderAccountId=HEDGED, orderId=theirs.orderId)
    error = refusal(lambda: desk.ask(details, pb.ProtoOAOrderDetailsRes))
    assert (error.code, error.carrier) == ("ORDER_NOT_FOUND", "2142")
    offset = pb.ProtoOADealOffsetListReq(ctidTraderAccountId=HEDGED, dealId=theirs.dealId)
    assert refusal(lambda: desk.ask(offset, pb.ProtoOADealOffsetListRes)).code == "ENTITY_NOT_FOUND"
    for first, last in ((2, 1), (-1, 5), (0, 2_147_483_646_001)):
        error = refusal(lambda: deal_list(desk, fromTimestamp=first, toTimestamp=last))  # noqa: B023
        assert error.code == "INCORRECT_BOUNDARIES"


def test_cash_flow_of_a_week_at_most() -> None:
    desk = Desk()
    begin = now_ms(desk)
    desk.clock.advance(3600)
    desk.broker.move_cash(HEDGED, -25_000)

    def flow(first: int, last: int) -> list[pb.ProtoOADepositWithdraw]:
        request = pb.ProtoOACashFlowHistoryListReq(
            ctidTraderAccountId=HEDGED, fromTimestamp=first, toTimestamp=last
        )
        return list(desk.ask(request, pb.ProtoOACashFlowHistoryListRes).depositWithdraw)

    rows = flow(begin - DAY_MS, begin + 6 * DAY_MS)
    assert [(one.delta, one.balance) for one in rows] == [(1_000_000, 1_000_000), (-25_000, 975_000)]
    assert [one.operationType for one in rows] == [pb.BALANCE_DEPOSIT, pb.BALANCE_WITHDRAW]
    assert len(flow(begin + 1, begin + 7 * DAY_MS + 1)) == 1
    assert refusal(lambda: flow(begin, begin + 7 * DAY_MS + 1)).code == "INCORRECT_BOUNDARIES"


# ---- restart -------------------------------------------------------------------------------------


def again(before: Desk, folder: Path, **more: Any) -> Desk:
    """The same world in another process."""
    before.store.close()
    at_ns = before.clock.wall_ns() + 60_000_000_000
    return Desk(Store(folder), at_ns=at_ns, **more)


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    first = Desk(Store(tmp_path))
    first.open(volume=3 * MINI, label="tag", relativeStopLoss=1000, trailingStopLoss=True)
    first.open(GOLD, ctid=NETTED, volume=100, relativeTakeProfit=1_000_000)
    first.new_order(orderType=pb.STOP_LIMIT, stopPrice=1.15, slippageInPoints=7, clientOrderId="mine")
    first.close(first.positions()[0], MINI)
    first.settle()
    first.broker.move_cash(NETTED, 12_345)
    seen = {ctid: first.now(ctid).SerializeToString() for ctid in (HEDGED, NETTED)}
    traders = {ctid: _trader(first, ctid) for ctid in (HEDGED, NETTED)}
    history = [one.SerializeToString() for one in (*first.deals(), *first.deals(NETTED))]
    watched = first.quotes.watched
    last_order = max(one.orderId for one in order_list(first).order)

    second = again(first, tmp_path)
    second.broker.on_timer()
    second.settle()
    assert {ctid: second.now(ctid).SerializeToString() for ctid in (HEDGED, NETTED)} == seen
    assert {ctid: _trader(second, ctid) for ctid in (HEDGED, NETTED)} == traders
    assert [one.SerializeToString() for one in (*second.deals(), *second.deals(NETTED))] == history
    assert second.quotes.watched == watched
    assert not second.told
    # Numbers go on, and what was set goes on acting.
    second.open(USDJPY)
    assert second.deals()[0].orderId > last_order
    second.tick(EURUSD, "1.10500", "1.10510")
    assert second.lines() == ["TrailingSLChangedEvent"]
    second.tick(EURUSD, "1.09000", "1.09010")
    assert "srv ORDER_FILLED STOP_LOSS_TAKE_PROFIT" in second.lines()


def _trader(desk: Desk, ctid: int) -> bytes:
    request = pb.ProtoOATraderReq(ctidTraderAccountId=ctid)
    return desk.ask(request, pb.ProtoOATraderRes).SerializeToString()


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_flow_cut_by_a_restart_is_carried_on(tmp_path: Path, steps: int) -> None:
    first = Desk(Store(tmp_path))
    first.set_depth(EURUSD, Side.BUY, ("1.10010", MINI), ("1.10020", LOT))
    first.new_order(volume=3 * MINI, relativeStopLoss=1000)
    for _ in range(steps):
        first.step()
    second = again(first, tmp_path)
    second.broker.on_timer()
    second.settle()
    position = second.position()
    assert position.volume == 3 * MINI
    assert position.stop_loss is not None
    (protective,) = second.now().order
    assert protective.tradeData.volume == 3 * MINI
    assert sum(one.filledVolume for one in second.deals()) == 3 * MINI


def test_close_cut_by_a_restart_leaves_no_protective_order(tmp_path: Path) -> None:
    first = Desk(Store(tmp_path))
    first.close(first.open(relativeStopLoss=1000))
    first.step()
    assert first.now().order
    second = again(first, tmp_path)
    second.broker.on_timer()
    second.settle()
    assert not second.now().order
    assert second.lines() == ["srv ORDER_CANCELLED STOP_LOSS_TAKE_PROFIT"]


def test_what_is_told_was_written_before() -> None:
    desk = Desk()
    missing: list[int] = []

    def look(_ctid: int, message: Any, _request_id: str | None) -> None:
        order_id = message.order.orderId
        if desk.store.record("order", order_id) is None:
            missing.append(order_id)

    desk.broker.emit = look
    desk.new_order()
    desk.settle()
    assert not missing


def test_nights_of_a_sleep_are_charged_when_it_ends(tmp_path: Path) -> None:
    first = Desk(Store(tmp_path))
    first.open(volume=LOT)
    first.clock.advance(2 * 86_400)
    second = again(first, tmp_path)
    second.broker.on_timer()
    assert second.position().swap == -4 * 720  # three nights of Wednesday, one of Thursday


def test_order_in_a_symbol_that_is_gone_is_left_alone(tmp_path: Path) -> None:
    first = Desk(Store(tmp_path), table=SymbolTable(3))
    share = max(spec.id for spec in first.table)
    first.quotes.prices[share] = d("100.00"), d("100.05")
    first.open(share, volume=100)
    second = again(first, tmp_path)
    assert not second.positions()
    assert not order_list(second).order
    assert len(second.deals()) == 1


# ---- a new beginning -----------------------------------------------------------------------------


def test_reset_begins_anew_and_touches_no_other_account() -> None:
    desk = Desk()
    desk.open(relativeStopLoss=1000)
    desk.open(ctid=NETTED)
    desk.new_order()
    heard: list[int] = []
    desk.broker.on_reset.append(heard.append)
    before = desk.deals(NETTED)
    last_order = desk.now().order[-1].orderId
    desk.broker.reset(HEDGED)
    desk.settle()
    assert heard == [HEDGED]
    assert not desk.now().position
    assert not desk.now().order
    assert not desk.deals()
    assert desk.account().balance == 1_000_000
    assert desk.deals(NETTED) == before
    assert len(desk.positions(NETTED)) == 1
    desk.tick(EURUSD, "1.05000", "1.05010")
    assert not desk.deals()
    desk.new_order()
    assert desk.now().order[-1].orderId > last_order
    with pytest.raises(KeyError):
        desk.broker.reset(1)


def test_nothing_happens_after_the_end() -> None:
    desk = Desk()
    desk.open()
    desk.new_order()
    desk.told.clear()
    desk.broker.close()
    desk.settle()
    desk.tick(EURUSD, "1.05000", "1.05010")
    assert not desk.told
    assert not desk.quotes.watched


def test_symbols_tick_only_while_something_is_in_them() -> None:
    desk = Desk()
    assert not desk.quotes.watched
    position = desk.open(EURUSD, ctid=NETTED)
    eurusd_and_its_way_to_euro = {EURUSD}
    assert desk.quotes.watched == eurusd_and_its_way_to_euro
    yen = desk.open(USDJPY, ctid=NETTED)
    assert USDJPY in desk.quotes.watched
    desk.close(position)
    desk.close(yen)
    desk.settle()
    assert not desk.quotes.watched
