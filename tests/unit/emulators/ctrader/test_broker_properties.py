"""What must hold of the practice broker after any history of requests and ticks."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terminal.domain.market import Side
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.venues.ctrader import openapi_pb2 as pb
from tests.unit.emulators.ctrader.broker_kit import (
    EURUSD,
    GER40,
    GOLD,
    HEDGED,
    LIVE,
    MINI,
    NETTED,
    USDJPY,
    Desk,
)

SYMBOLS = {EURUSD: MINI, USDJPY: MINI, GOLD: 100, GER40: 10}
MOVES = {EURUSD: Decimal("0.00020"), USDJPY: Decimal("0.030"), GOLD: Decimal("1.50"), GER40: Decimal("20.00")}
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "market",
                "market",
                "limit",
                "stop",
                "stop_limit",
                "range",
                "close",
                "protect",
                "cancel",
                "amend",
            ]
            + ["tick"] * 6
            + ["step", "time", "cash"]
        ),
        st.sampled_from(list(SYMBOLS)),
        st.sampled_from([pb.BUY, pb.SELL]),
        st.integers(1, 60),
        st.integers(-40, 40),
        st.integers(0, 20),
        st.booleans(),
    ),
    min_size=12,
    max_size=70,
)


class Play:
    """Does random things to one account, and keeps count."""

    def __init__(self, ctid: int) -> None:
        self.ctid = ctid
        self.desk = Desk()
        for symbol_id in SYMBOLS:
            self._set_depth(symbol_id)

    def _set_depth(self, symbol_id: int) -> None:
        desk, step = self.desk, MOVES[symbol_id] / 10
        best = {Side.BUY: desk.quotes.ask(symbol_id), Side.SELL: desk.quotes.bid(symbol_id)}
        digits = desk.table.spec(symbol_id).digits
        for side, price in best.items():
            desk.quotes.depths[symbol_id, side] = [
                (round(price + side.sign * step * level, digits), SYMBOLS[symbol_id] * 12)
                for level in range(4)
            ]

    def act(self, action: Any) -> None:
        """Do one thing; refusals are part of the game."""
        what, symbol_id, side, size, move, pick, flag = action
        desk = self.desk
        with contextlib.suppress(OpenApiError):
            if what == "tick":
                shift = MOVES[symbol_id] * move
                bid, ask = desk.quotes.prices[symbol_id]
                if bid + shift > 0:
                    desk.quotes.prices[symbol_id] = bid + shift, ask + shift
                    self._set_depth(symbol_id)
                    desk.tick(symbol_id, str(bid + shift), str(ask + shift))
            elif what == "step":
                desk.settle()
                self._check_protections()
            elif what == "time":
                desk.clock.advance(3600.0 * size)
                desk.broker.on_timer()
            elif what == "cash":
                desk.broker.move_cash(self.ctid, move * 100)
            elif what in ("close", "protect"):
                self._touch(what, symbol_id, size, move, pick)
            elif what in ("cancel", "amend"):
                self._change(what, symbol_id, size, pick)
            else:
                self._order(what, symbol_id, side, size, move, flag)
        self.check()

    def _order(self, what: str, symbol_id: int, side: Any, size: int, move: int, flag: bool) -> None:
        desk = self.desk
        price = float(desk.quotes.bid(symbol_id) + MOVES[symbol_id] * move)
        fields: dict[str, Any] = {"tradeSide": side, "volume": SYMBOLS[symbol_id] * size}
        if what == "limit":
            fields |= {"orderType": pb.LIMIT, "limitPrice": price}
        elif what == "stop":
            fields |= {"orderType": pb.STOP, "stopPrice": price}
        elif what == "stop_limit":
            fields |= {"orderType": pb.STOP_LIMIT, "stopPrice": price, "slippageInPoints": size}
        elif what == "range":
            fields |= {"orderType": pb.MARKET_RANGE, "baseSlippagePrice": price, "slippageInPoints": 100}
        if flag:
            distance = int(MOVES[symbol_id] * 10 * 100_000)
            fields |= {
                "relativeStopLoss": distance,
                "relativeTakeProfit": distance,
                "trailingStopLoss": move > 0,
            }
        desk.new_order(symbol_id, ctid=self.ctid, **fields)

    def _touch(self, what: str, symbol_id: int, size: int, move: int, pick: int) -> None:
        found = self.desk.positions(self.ctid)
        if not found:
            return
        position = found[pick % len(found)]
        if what == "close":
            self.desk.close(position, min(position.volume, SYMBOLS[position.symbol_id] * size))
        else:
            level = self.desk.quotes.bid(position.symbol_id) + MOVES[position.symbol_id] * move
            self.desk.amend(position, **{"stopLoss" if size % 2 else "takeProfit": float(level)})

    def _change(self, what: str, symbol_id: int, size: int, pick: int) -> None:
        found = self.desk.now(self.ctid).order
        if not found:
            return
        order = found[pick % len(found)]
        if what == "cancel":
            self.desk.cancel(order.orderId, self.ctid)
        else:
            self.desk.send(
                pb.ProtoOAAmendOrderReq(
                    ctidTraderAccountId=self.ctid,
                    orderId=order.orderId,
                    volume=SYMBOLS[order.tradeData.symbolId] * size,
                )
            )

    # ---- what holds ------------------------------------------------------------------------------

    def check(self) -> None:
        desk, account = self.desk, self.desk.account(self.ctid)
        deals = desk.deals(self.ctid)
        cash = desk.store.records("cash", self.ctid)
        deposits = sum(row.data["delta"] for row in cash)
        realised = 0
        volumes: dict[int, int] = defaultdict(int)
        for deal in deals:
            if deal.HasField("closePositionDetail"):
                detail = deal.closePositionDetail
                realised += detail.grossProfit + detail.swap + detail.commission + detail.pnlConversionFee
                assert detail.closedVolume == deal.filledVolume
                volumes[deal.positionId] -= deal.filledVolume
            else:
                volumes[deal.positionId] += deal.filledVolume
        assert account.balance == deposits + realised
        assert account.balance_version == len(cash) + sum(
            one.HasField("closePositionDetail") for one in deals
        )
        positions = desk.positions(self.ctid)
        assert {number: volume for number, volume in volumes.items() if volume} == {
            one.position_id: one.volume for one in positions
        }
        assert all(sum(volume for _, volume in one.lots) == one.volume for one in positions)
        self._check_figures(account.balance)
        if account.is_netted:
            symbols = [one.symbol_id for one in positions]
            assert len(symbols) == len(set(symbols))
        self._check_messages()

    def _check_figures(self, balance: int) -> None:
        desk = self.desk
        answer = desk.ask(
            pb.ProtoOAGetPositionUnrealizedPnLReq(ctidTraderAccountId=self.ctid),
            pb.ProtoOAGetPositionUnrealizedPnLRes,
        )
        net = sum(one.netUnrealizedPnL for one in answer.positionUnrealizedPnL)
        account = desk.account(self.ctid)
        assert desk.broker.equity(self.ctid) == balance + net
        used: dict[int, dict[Side, list[int]]] = {}
        for one in desk.positions(self.ctid):
            assert one.used_margin >= 0
            used.setdefault(one.symbol_id, {Side.BUY: [], Side.SELL: []})[one.side].append(one.used_margin)
        for sides in used.values():
            if account.margin_type == pb.MAX and sides[Side.BUY] and sides[Side.SELL]:
                assert not sum(sides[Side.BUY]) or not sum(sides[Side.SELL])
            assert sum(map(sum, sides.values())) > 0

    def _check_messages(self) -> None:
        """What was told of a position last is what it is."""
        last: dict[int, Any] = {}
        for event in self.desk.events():
            if event.HasField("position"):
                last[event.position.positionId] = event.position
        now = {one.positionId: one for one in self.desk.now(self.ctid).position}
        for number, position in last.items():
            volume = now[number].tradeData.volume if number in now else 0
            assert position.tradeData.volume == volume
        for one in self.desk.events():
            assert one.IsInitialized()
        done = {one.deal.dealId for one in self.desk.events() if one.HasField("deal")}
        assert done == {one.dealId for one in self.desk.deals(self.ctid)}

    def _check_protections(self) -> None:
        """Once all has come to rest: a position has one protective order if it has levels, and the same."""
        answer = self.desk.now(self.ctid)
        guards = {one.positionId: one for one in answer.order if one.orderType == pb.STOP_LOSS_TAKE_PROFIT}
        assert len(guards) == sum(one.orderType == pb.STOP_LOSS_TAKE_PROFIT for one in answer.order)
        for position in answer.position:
            guard = guards.pop(position.positionId, None)
            stop, target = position.stopLoss, position.takeProfit  # 0 for none
            assert (guard is not None) == bool(stop or target)
            if guard is not None:
                assert (guard.stopPrice, guard.limitPrice) == (stop, target)
                assert guard.tradeData.volume == position.tradeData.volume
                assert guard.tradeData.tradeSide != position.tradeData.tradeSide
        assert not guards

    def finish(self) -> None:
        """Close everything: nothing is left, and the balance is all there is."""
        desk = self.desk
        desk.settle()
        self._check_protections()
        for order in desk.now(self.ctid, protections=False).order:
            desk.cancel(order.orderId, self.ctid)
        desk.quotes.depths.clear()
        for position in desk.positions(self.ctid):
            desk.close(position)
        desk.settle()
        self.check()
        assert not desk.positions(self.ctid)
        assert not desk.now(self.ctid).order
        assert not desk.quotes.watched
        assert desk.broker.equity(self.ctid) == desk.account(self.ctid).balance


@pytest.mark.parametrize("ctid", [HEDGED, NETTED, LIVE])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=ACTIONS)
def test_any_history_adds_up(ctid: int, actions: list[Any]) -> None:
    play = Play(ctid)
    for action in actions:
        play.act(action)
    play.finish()
