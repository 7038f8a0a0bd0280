"""Executions booked: cash, fees, positions and fills of an account, from what an engine has matched."""

from __future__ import annotations

import itertools
from decimal import Decimal

from terminal.domain.decimals import ZERO
from terminal.emulators.market.engine_types import BOT_ACCOUNT, EngineListener, EngineOrder, EngineTrade
from terminal.emulators.okx.desk import Desk
from terminal.emulators.okx.ledger import OkxAccount, Position
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.wire import ms, short, trimmed


class Booking:
    """Hears every engine and books what persons' orders did."""

    def __init__(self, desk: Desk) -> None:
        exchange = desk.exchange
        self._desk = desk
        self._bills = itertools.count(exchange.reserve("bills", 7_300_000_000_000))
        self._positions = itertools.count(exchange.reserve("positions", 1_900_000_000_000))
        for name, engine in exchange.engines.items():
            engine.listen(_Ear(desk, self, exchange.instruments[name]))

    def settle(self, trade: EngineTrade, order: EngineOrder, one: OkxInstrument, is_maker: bool) -> None:
        """Book one execution of a person's order."""
        desk = self._desk
        uid = int(order.account)
        account = desk.accounts[uid]
        rate = one.maker if is_maker else one.taker
        forced = order.tag.get("category") == "full_liquidation"
        trade_id = f"-{trade.trade_id}" if forced else str(trade.trade_id)
        profit, positions = ZERO, []
        if one.is_swap:
            ccy, fee = one.settle, one.value(trade.quantity, trade.price) * rate
            held, profit = self._move_position(account, one, order, trade, trade_id, fee)
            account.cash[ccy] = account.cash.get(ccy, ZERO) + profit - fee
            ccys = [ccy]
            positions = [desk.money.position_row(account, one_held) for one_held in held]
        else:
            cost = trade.price * trade.quantity
            ccys = [one.base, one.quote]
            ccy, fee = (one.base, trade.quantity * rate) if order.is_buy else (one.quote, cost * rate)
            sign = order.side.sign
            account.cash[one.base] = account.cash.get(one.base, ZERO) + sign * trade.quantity
            account.cash[one.quote] = account.cash.get(one.quote, ZERO) - sign * cost
            account.cash[ccy] -= fee
        for name in ccys:
            account.changed_ns[name] = trade.ts_ns
        fill = {
            "instType": one.kind,
            "instId": one.inst_id,
            "tradeId": trade_id,
            "ordId": str(order.order_id),
            "clOrdId": order.tag["clOrdId"],
            "billId": str(next(self._bills)),
            "subType": "104"
            if forced and not order.is_buy
            else "105"
            if forced
            else "1"
            if order.is_buy
            else "2",
            "tag": order.tag["tag"],
            "fillPx": short(trade.price),
            "fillSz": short(trade.quantity),
            "fillIdxPx": short(desk.exchange.index(one)),
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
            fillSz=fill["fillSz"],
            fillTime=fill["fillTime"],
            tradeId=trade_id,
            fee=trimmed(Decimal(order.tag["fee"]) - fee, 18),
            pnl=trimmed(Decimal(order.tag["pnl"]) + profit, 18),
        )
        desk.note_fill(uid, order, fill)
        is_last = not order.cash_units and order.done_steps >= order.steps
        desk.tell_order(order, one, fill, is_last=is_last)
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
    ) -> tuple[list[Position], Decimal]:
        """Positions that changed, and the profit realized."""
        key = one.inst_id, str(order.tag["posSide"])
        change, price = order.side.sign * trade.quantity, trade.price
        held = account.positions.get(key)
        changed: list[Position] = []
        profit = ZERO
        if held is not None and (held.size > 0) != (change > 0):
            closed = min(abs(change), abs(held.size))
            signed = closed if held.size > 0 else -closed
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
                    one.inst_id, key[1], ZERO, price, number, trade.ts_ns, trade.ts_ns
                )
                changed.clear()
            total = abs(held.size) + abs(change)
            if one.is_inverse:
                held.entry = total / (abs(held.size) / held.entry + abs(change) / price)
            else:
                held.entry = (abs(held.size) * held.entry + abs(change) * price) / total
            held.size += change
            held.fees -= fee
            held.changed_ns, held.trade_id = trade.ts_ns, trade_id
            changed.append(held)
        return changed, profit


class _Ear(EngineListener):
    """Hears one engine for the desk."""

    def __init__(self, desk: Desk, booking: Booking, one: OkxInstrument) -> None:
        self._desk = desk
        self._booking = booking
        self._one = one

    def on_accepted(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._desk.note_open(order)
            self._desk.tell_order(order, self._one)

    def on_trade(self, trade: EngineTrade) -> None:
        if trade.maker_order.account != BOT_ACCOUNT:
            self._booking.settle(trade, trade.maker_order, self._one, True)
        if trade.taker_order.account != BOT_ACCOUNT:
            self._booking.settle(trade, trade.taker_order, self._one, False)

    def on_filled(self, order: EngineOrder) -> None:
        if order.account == BOT_ACCOUNT:
            return
        self._desk.note_closed(order)
        if order.cash_units:
            self._desk.tell_order(order, self._one)  # only closes it: this message has no fill

    def on_canceled(self, order: EngineOrder, reason: str) -> None:
        if order.account != BOT_ACCOUNT:
            self._desk.note_closed(order)
            self._desk.tell_order(order, self._one)

    def on_amended(self, order: EngineOrder) -> None:
        if order.account != BOT_ACCOUNT:
            self._desk.tell_order(order, self._one)
