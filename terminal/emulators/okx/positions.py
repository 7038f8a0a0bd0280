"""Positions carried: their settings, the funding they pay, and their end when the money runs out.

OKX API v5 "Trading account", read 2026-07.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.emulators.market.engine_types import SelfTrade
from terminal.emulators.okx.desk import Desk
from terminal.emulators.okx.errors import OkxError, wrong
from terminal.emulators.okx.exchange import FUNDING_NS
from terminal.emulators.okx.ledger import SPOT_MODE, OkxAccount
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.orders import Ticket
from terminal.emulators.okx.placing import Placing
from terminal.emulators.okx.wire import Row, short

_CHECK_NS: Final = 1_000_000_000


class Positions:
    """What happens to positions beside trading."""

    def __init__(self, desk: Desk, placing: Placing) -> None:
        self._desk = desk
        self._placing = placing
        self._exchange = desk.exchange
        self._store = desk.exchange.store
        self._checked_ns = 0
        self._slot = int(self._store.get("okx:funding", 0)) or desk.now_ns() // FUNDING_NS

    # ---- settings --------------------------------------------------------------------------------

    def set_position_mode(self, uid: int, mode: str) -> None:
        """``net_mode`` or ``long_short_mode``.

        Raises:
            OkxError: 51000, 51010, or 59000 while there are positions or orders.
        """
        account = self._desk.accounts[uid]
        if mode not in ("net_mode", "long_short_mode"):
            raise wrong("posMode")
        if account.mode == SPOT_MODE:
            raise OkxError("51010")
        swaps = [
            one for one in account.open_orders.values() if self._exchange.instruments[one.symbol].is_swap
        ]
        if (mode == "long_short_mode") != account.is_hedged and (account.positions or swaps):
            raise OkxError("59000")
        account.is_hedged = mode == "long_short_mode"
        self._desk.touch(uid)
        self._desk.flush()

    def set_leverage(self, uid: int, one: OkxInstrument, leverage: Decimal) -> None:
        """For the cross positions of a swap.

        Raises:
            OkxError: 51008, 51010, 59102.
        """
        account = self._desk.accounts[uid]
        if not one.is_swap or account.mode == SPOT_MODE:
            raise OkxError("51010")
        if leverage > one.max_leverage:
            raise OkxError("59102")
        before = account.leverage_of(one.inst_id)
        account.leverage[one.inst_id] = leverage
        if leverage < before and self._desk.money.free(account, one.settle) < 0:
            account.leverage[one.inst_id] = before
            raise OkxError("51008", one.settle, sub_code="1001")
        self._desk.touch(uid)
        self._desk.flush()
        rows = [
            self._desk.money.position_row(account, held)
            for held in account.positions.values()
            if held.inst_id == one.inst_id
        ]
        self._desk.tell_money(uid, "set_leverage", [one.settle], rows, [])

    # ---- time ------------------------------------------------------------------------------------

    def pace(self) -> None:
        """About once a second: funding when its time has come, and positions that cannot be carried."""
        now = self._desk.now_ns()
        if 0 <= now - self._checked_ns < _CHECK_NS:
            return
        self._checked_ns = now
        slot = now // FUNDING_NS
        if slot != self._slot:
            if slot == self._slot + 1:
                self.pay_funding(self._slot)
            self._slot = slot
            self._store.put("okx:funding", slot)
        for account in self._desk.accounts.values():
            for ccy in {self._exchange.instruments[name].settle for name, _ in account.positions}:
                if self._desk.money.is_liquidated(account, ccy):
                    self._liquidate(account, ccy)

    def pay_funding(self, slot: int) -> None:
        """Settle the funding of a slot for every open position."""
        for uid, account in self._desk.accounts.items():
            changed = []
            for held in account.positions.values():
                one = self._exchange.instruments[held.inst_id]
                worth = one.value(held.size, self._exchange.mark(one))
                paid = -worth * self._exchange.funding(one, slot)
                account.cash[one.settle] = account.cash.get(one.settle, ZERO) + paid
                account.changed_ns[one.settle] = held.changed_ns = self._desk.now_ns()
                held.funding += paid
                changed.append((one.settle, held))
            if changed:
                self._desk.touch(uid)
                rows = [self._desk.money.position_row(account, held) for _, held in changed]
                self._desk.tell_money(uid, "funding_fee", sorted({ccy for ccy, _ in changed}), rows, [])
        self._desk.flush()

    def liquidate_all(self) -> None:
        """Take every position of every account away, as a forced liquidation would."""
        for account in self._desk.accounts.values():
            for ccy in sorted({self._exchange.instruments[name].settle for name, _ in account.positions}):
                self._liquidate(account, ccy)

    def _liquidate(self, account: OkxAccount, ccy: str) -> None:
        """Take the orders out and the positions away; what is owed beyond the cash is forgiven."""
        for order in list(account.open_orders.values()):
            if self._exchange.instruments[order.symbol].settle == ccy:
                self._desk.drop(order, "2")
        for held in self._desk.money.settled_in(account, ccy):
            one = self._exchange.instruments[held.inst_id]
            self._exchange.live(one.inst_id)
            side = Side.SELL if held.size > 0 else Side.BUY
            tag: Row = {
                "clOrdId": "", "tag": "", "tdMode": "cross", "posSide": held.side, "ordType": "market",
                "sz": short(abs(held.size)), "tgtCcy": "", "reduceOnly": True, "stpMode": "cancel_maker",
                "attach": [], "ccy": "", "fee": "0", "pnl": "0", "category": "full_liquidation",
                "lever": short(account.leverage_of(one.inst_id)),
            }  # fmt: skip
            ticket = Ticket(
                one, side, "market", abs(held.size), False, None, held.side, True, True,
                SelfTrade.CANCEL_OLDEST, tag,
            )  # fmt: skip
            self._placing.enter(self._placing.build(account.uid, ticket, ticket.size, None), ticket)
        if not self._desk.money.settled_in(account, ccy) and account.cash.get(ccy, ZERO) < 0:
            account.cash[ccy] = ZERO
            self._desk.tell_money(account.uid, "liquidation", [ccy], [], [])
        self._desk.touch(account.uid)
        self._desk.flush()
