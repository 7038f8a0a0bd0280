"""Executions booked: cash, fees, positions and fills of an account, from what an engine has matched."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import NamedTuple

from terminal.domain.decimals import ZERO
from terminal.emulators.market.engine_types import BOT_ACCOUNT, EngineListener, EngineOrder, EngineTrade
from terminal.emulators.okx.bills import trade_kind
from terminal.emulators.okx.desk import Desk
from terminal.emulators.okx.ledger import ISOLATED, OkxAccount, Position
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.wire import ms, short, trimmed


class Moved(NamedTuple):
    """What an execution did to positions."""

    positions: list[Position]
    """Those that changed."""
    profit: Decimal
    """Realized, in the settlement currency."""
    put_in: Decimal
    """Cash that became margin of an isolated position; negative where it came back."""


class Booking:
    """Hears every engine and books what persons' orders did."""

    def __init__(self, desk: Desk) -> None:
        exchange = desk.exchange
        self._desk = desk
        self._positions = itertools.count(exchange.reserve("positions", 1_900_000_000_000))
        for name in exchange.engines:
            self._listen(exchange.instruments[name])
        exchange.opened.append(self._listen)

    def _listen(self, one: OkxInstrument) -> None:
        self._desk.exchange.engines[one.inst_id].listen(_Ear(self._desk, self))

    def settle(self, trade: EngineTrade, order: EngineOrder, is_maker: bool) -> None:
        """Book one execution of a person's order."""
        desk, one = self._desk, self._desk.exchange.traded(order)
        uid = int(order.account)
        account = desk.accounts[uid]
        rate = one.maker if is_maker else one.taker
        forced = order.tag.get("category") == "full_liquidation"
        trade_id = f"-{trade.trade_id}" if forced else str(trade.trade_id)
        kind, sub_kind = trade_kind(order.side.value, order.tag["posSide"], is_forced=forced)
        told = {
            "mgnMode": "" if order.tag["tdMode"] == "cash" else str(order.tag["tdMode"]),
            "ordId": str(order.order_id),
            "clOrdId": str(order.tag["clOrdId"]),
            "tradeId": trade_id,
            "tag": str(order.tag["tag"]),
            "execType": "M" if is_maker else "T",
            "px": short(trade.price),
            "sz": short(trade.quantity),
            "fillIdxPx": short(desk.exchange.index(one)),
            "fillTime": ms(trade.ts_ns),
        }
        moved = Moved([], ZERO, ZERO)
        if one.is_carried:
            ccy, fee = one.settle, one.value(trade.quantity, trade.price) * rate
            moved = self._move_position(account, one, order, trade, trade_id, fee)
            change = moved.profit - fee - moved.put_in
            if forced and order.tag["tdMode"] == ISOLATED:
                change = max(change, ZERO)  # the loss ends with the margin
            ccys = [ccy]
            bill = desk.bills.book(
                account, ccy, change, kind, sub_kind, one=one, put_in=moved.put_in, profit=moved.profit,
                fee=fee, pos_bal=sum((held.margin for held in moved.positions), ZERO),
                told=told,
            )  # fmt: skip
        else:
            cost, sign = trade.price * trade.quantity, order.side.sign
            ccys = [one.base, one.quote]
            ccy, fee = (one.base, trade.quantity * rate) if order.is_buy else (one.quote, cost * rate)
            for name, change in ((one.quote, -sign * cost), (one.base, sign * trade.quantity)):
                paid = fee if name == ccy else ZERO
                bill = desk.bills.book(
                    account, name, change - paid, kind, sub_kind, one=one, fee=paid,
                    told=told,
                )  # fmt: skip
        profit = moved.profit
        positions = [desk.money.position_row(account, held) for held in moved.positions]
        fill = {
            "instType": one.kind,
            "instId": one.inst_id,
            "tradeId": trade_id,
            "ordId": str(order.order_id),
            "clOrdId": order.tag["clOrdId"],
            "billId": bill,
            "subType": sub_kind,
            "tag": order.tag["tag"],
            "fillPx": short(trade.price),
            "fillSz": short(trade.quantity),
            "fillIdxPx": told["fillIdxPx"],
            "side": order.side.value,
            "posSide": order.tag["posSide"],
            "execType": "M" if is_maker else "T",
            "feeCcy": ccy,
            "fee": trimmed(-fee, 18),
            "feeRate": short(-rate),
            "fillPnl": trimmed(profit, 18),
            "fillTime": ms(trade.ts_ns),
            "ts": ms(trade.ts_ns),
        }
        order.tag.update(
            fillPx=fill["fillPx"],
            # Contracts that count dollars fill at the mean of their reciprocals.
            turned=str(Decimal(order.tag.get("turned") or 0) + trade.quantity / trade.price),
            fillSz=fill["fillSz"],
            fillTime=fill["fillTime"],
            tradeId=trade_id,
            fee=trimmed(Decimal(order.tag["fee"]) - fee, 18),
            pnl=trimmed(Decimal(order.tag["pnl"]) + profit, 18),
        )
        desk.note_fill(uid, order, fill)
        is_last = not order.cash_units and order.done_steps >= order.steps
        desk.tell_order(order, fill, is_last=is_last)
        event = "liquidation" if forced else "filled"
        desk.tell_money(uid, event, ccys, positions, [{"instId": one.inst_id, "tradeId": trade_id}])
        desk.tell_fill(order)

    def _move_position(
        self,
        account: OkxAccount,
        one: OkxInstrument,
        order: EngineOrder,
        trade: EngineTrade,
        trade_id: str,
        fee: Decimal,
    ) -> Moved:
        key = one.inst_id, str(order.tag["tdMode"]), str(order.tag["posSide"])
        change, price = order.side.sign * trade.quantity, trade.price
        held = account.positions.get(key)
        changed: list[Position] = []
        profit = put_in = ZERO
        if held is not None and (held.size > 0) != (change > 0):
            closed = min(abs(change), abs(held.size))
            signed = closed if held.size > 0 else -closed
            released = held.margin * closed / abs(held.size) if signed != held.size else held.margin
            held.margin -= released
            put_in -= released
            profit = one.profit(signed, held.entry, price)
            held.realized += profit
            held.fees -= fee
            fee = ZERO
            held.size -= signed
            held.changed_ns, held.trade_id = trade.ts_ns, trade_id
            change += signed
            changed.append(held)
            if not held.size:
                del account.positions[key]
        if change:
            if held is None or not held.size:
                # Turned over, a position keeps its number and begins anew.
                number = held.pos_id if held is not None else next(self._positions)
                held = account.positions[key] = Position(
                    one.inst_id, key[2], ZERO, price, number, trade.ts_ns, trade.ts_ns, mode=key[1]
                )
                changed.clear()
            total = abs(held.size) + abs(change)
            if one.is_inverse:
                held.entry = total / (abs(held.size) / held.entry + abs(change) / price)
            else:
                held.entry = (abs(held.size) * held.entry + abs(change) * price) / total
            if held.is_isolated:
                own = one.value(abs(change), price) / account.leverage_of(*key)
                held.margin += own
                put_in += own
            held.size += change
            held.fees -= fee
            held.changed_ns, held.trade_id = trade.ts_ns, trade_id
            changed.append(held)
        return Moved(changed, profit, put_in)


class _Ear(EngineListener):
    """Hears one engine for the desk."""

    def __init__(self, desk: Desk, booking: Booking) -> None:
        self._desk = desk
        self._booking = booking

    def on_accepted(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._desk.note_open(order)
            self._desk.tell_order(order)

    def on_trade(self, trade: EngineTrade) -> None:
        if trade.maker_order.account != BOT_ACCOUNT:
            self._booking.settle(trade, trade.maker_order, True)
        if trade.taker_order.account != BOT_ACCOUNT:
            self._booking.settle(trade, trade.taker_order, False)

    def on_filled(self, order: EngineOrder) -> None:
        if order.account == BOT_ACCOUNT:
            return
        self._desk.note_closed(order)
        if order.cash_units:
            self._desk.tell_order(order)  # only closes it: this message has no fill

    def on_canceled(self, order: EngineOrder, reason: str) -> None:
        if order.account != BOT_ACCOUNT:
            self._desk.note_closed(order)
            self._desk.tell_order(order)

    def on_amended(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._desk.tell_order(order)
