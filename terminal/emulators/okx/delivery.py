"""Dated futures come and go: what is still held at the end is settled at the index, and new ones are listed.

OKX API v5 "Get instruments", "Bills details" (type 3), read 2026-07. Delivery costs no fee here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from terminal.domain.decimals import ZERO
from terminal.emulators.okx.bills import DELIVERY
from terminal.emulators.okx.desk import EXPIRED, Desk
from terminal.emulators.okx.futures import contracts_at
from terminal.emulators.okx.ledger import OkxAccount, Position
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.wire import short

_CHECK_NS: Final = 1_000_000_000


class Delivery:
    """The ends of the dated futures."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._exchange = desk.exchange
        self._checked_ns = 0
        self._lists_futures = any(one.is_dated for one in self._exchange.instruments.values())

    def settle_missed(self) -> None:
        """What ended while nobody was here, at the price of its own time."""
        for account in self._desk.accounts.values():
            for held in list(account.positions.values()):
                one = self._exchange.instruments[held.inst_id]
                if one.inst_id not in self._exchange.engines:
                    self._settle(account, one, held, self._exchange.delivery_price(one))

    def pace(self) -> None:
        """About once a second: deliver what has ended, and list what follows."""
        now = self._desk.now_ns()
        if not self._lists_futures or 0 <= now - self._checked_ns < _CHECK_NS:
            return
        self._checked_ns = now
        if self.deliver_ended():
            for one in contracts_at(now):
                if one.inst_id not in self._exchange.instruments:
                    self._exchange.enlist(one)

    def deliver_ended(self) -> bool:
        """Settle and unlist every future whose end has come; False when there is none."""
        ended = self._exchange.ended()
        for one in ended:
            price = self._exchange.delivery_price(one)
            for account in self._desk.accounts.values():
                for order in list(account.open_orders.values()):
                    if order.symbol == one.inst_id:
                        self._desk.drop(order, EXPIRED)
                for held in list(account.positions.values()):
                    if held.inst_id == one.inst_id:
                        self._settle(account, one, held, price)
            self._desk.flush()
            self._exchange.retire(one)
        return bool(ended)

    def _settle(self, account: OkxAccount, one: OkxInstrument, held: Position, price: Decimal) -> None:
        """Turn a position into cash at a price."""
        profit = one.profit(held.size, held.entry, price)
        change = held.margin + profit
        if held.is_isolated:
            change = max(change, ZERO)  # the loss ends with the margin
        told = {"mgnMode": held.mode, "px": short(price), "sz": short(abs(held.size))}
        self._desk.bills.book(
            account, one.settle, change, DELIVERY, "112" if held.size > 0 else "113", one=one,
            put_in=-held.margin, profit=profit, told=told,
        )  # fmt: skip
        del account.positions[held.key]
        held.size, held.margin, held.changed_ns = ZERO, ZERO, self._desk.now_ns()
        held.realized += profit
        self._desk.touch(account.uid)
        rows = [self._desk.money.position_row(account, held)]
        self._desk.tell_money(account.uid, "delivered", [one.settle], rows, [])
