"""Positions carried: their settings, the funding they pay, and their end when the money runs out.

OKX API v5 "Trading account", read 2026-07.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.emulators.market.engine_types import SelfTrade
from terminal.emulators.okx.bills import CLAWBACK, FUNDING, MARGIN_TRANSFER
from terminal.emulators.okx.desk import Desk
from terminal.emulators.okx.errors import OkxError, wrong
from terminal.emulators.okx.exchange import FUNDING_NS
from terminal.emulators.okx.ledger import CROSS, ISOLATED, SPOT_MODE, OkxAccount, Position
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.orders import Ticket, amount, position_key, required
from terminal.emulators.okx.placing import Placing
from terminal.emulators.okx.wire import Row, short, trimmed

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
        swaps = [one for one in account.open_orders.values() if self._exchange.traded(one).is_contract]
        if (mode == "long_short_mode") != account.is_hedged and (account.positions or swaps):
            raise OkxError("59000")
        account.is_hedged = mode == "long_short_mode"
        self._desk.touch(uid)
        self._desk.flush()

    def set_leverage(self, uid: int, one: OkxInstrument, leverage: Decimal, mode: str, side: str) -> None:
        """For the positions of a contract in a margin mode; ``side`` matters to isolated ones alone, whose
        margin follows.

        Raises:
            OkxError: 51000, 51008, 51010, 59102, and 59101 or 59107 while isolated or cross orders wait.
        """
        account, money = self._desk.accounts[uid], self._desk.money
        one = self._exchange.carried(one.inst_id)
        if account.mode == SPOT_MODE or (mode == CROSS and not one.is_contract):
            raise OkxError("51010")
        if leverage > one.max_leverage:
            raise OkxError("59102")
        if mode == ISOLATED:
            self._releverage(account, one, leverage, self._side(account, one, side))
        else:
            before = account.leverage_of(one.inst_id)
            orders = (position_key(order)[:2] for order in account.open_orders.values())
            if leverage != before and (one.inst_id, CROSS) in orders:
                raise OkxError("59107")
            account.set_leverage(leverage, one.inst_id, CROSS, "net")
            if leverage < before and money.free(account, one.settle) < 0:
                account.set_leverage(before, one.inst_id, CROSS, "net")
                raise OkxError("51008", one.settle, sub_code="1001")
        self._desk.touch(uid)
        self._desk.flush()
        rows = [
            money.position_row(account, held)
            for held in account.positions.values()
            if (held.inst_id, held.mode) == (one.inst_id, mode)
        ]
        self._desk.tell_money(uid, "set_leverage", [one.settle], rows, [])

    def _side(self, account: OkxAccount, one: OkxInstrument, side: str) -> str:
        is_hedged = account.is_hedged and one.is_contract
        side = side or ("" if is_hedged else "net")
        if side not in (("long", "short") if is_hedged else ("net",)):
            raise wrong("posSide")
        return side

    def _releverage(self, account: OkxAccount, one: OkxInstrument, leverage: Decimal, side: str) -> None:
        """Another leverage for an isolated position: its margin grows or shrinks by the difference."""
        key = one.inst_id, ISOLATED, side
        if any(position_key(order) == key for order in account.open_orders.values() if order.is_live):
            raise OkxError("59101")
        held, before = account.positions.get(key), account.leverage_of(*key)
        if held is not None:
            worth = one.value(abs(held.size), held.entry)
            change = worth / leverage - worth / before
            if change > self._desk.money.free(account, one.settle):
                raise OkxError("51008", one.settle, sub_code="1001")
            account.set_leverage(leverage, *key)
            # What covers an unrealized loss stays where it is.
            self._put_in(account, one, held, max(change, -self._desk.money.spare(account, held)))
        account.set_leverage(leverage, *key)

    def change_margin(self, uid: int, values: Mapping[str, Any]) -> Row:
        """Put cash into an isolated position's margin, or take some of it back.

        Raises:
            OkxError: 50014, 51000, 51001, 51010, 59300 without such a position, 59301 when there is not so
                much to move.
        """
        one, account = self._exchange.carried(self._desk.instrument(values).inst_id), self._desk.accounts[uid]
        side, kind = required(values, "posSide"), required(values, "type")
        required(values, "amt")
        change = amount(values, "amt")
        assert change is not None
        if kind not in ("add", "reduce"):
            raise wrong("type")
        if account.mode == SPOT_MODE:
            raise OkxError("51010")
        held = account.positions.get((one.inst_id, ISOLATED, self._side(account, one, side)))
        if held is None:
            raise OkxError("59300")
        money = self._desk.money
        most = money.free(account, one.settle) if kind == "add" else money.spare(account, held)
        if change > most:
            raise OkxError("59301")
        self._put_in(account, one, held, change if kind == "add" else -change)
        self._desk.flush()
        self._desk.tell_money(uid, "adjust_margin", [one.settle], [money.position_row(account, held)], [])
        worth = one.value(abs(held.size), self._exchange.mark(one))
        return {
            "instId": one.inst_id,
            "posSide": side,
            "type": kind,
            "amt": short(change),
            "ccy": one.settle,
            "leverage": trimmed(worth / held.margin, 2),
        }

    def _put_in(self, account: OkxAccount, one: OkxInstrument, held: Position, change: Decimal) -> None:
        """Move cash into a position's margin; out of it where negative."""
        if not change:
            return
        held.margin += change
        held.changed_ns = self._desk.now_ns()
        kind = "160" if change > 0 else "161"
        self._desk.bills.book(
            account, one.settle, -change, MARGIN_TRANSFER, kind, one=one, put_in=change, pos_bal=held.margin,
            told={"mgnMode": ISOLATED},
        )  # fmt: skip
        self._desk.touch(account.uid)

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
            for held in list(account.positions.values()):
                if held.is_isolated and self._desk.money.is_ruined(held):
                    self._liquidate_alone(account, held)
            for ccy in self._cross_ccys(account):
                if self._desk.money.is_liquidated(account, ccy):
                    self._liquidate(account, ccy)

    def _cross_ccys(self, account: OkxAccount) -> list[str]:
        """The currencies in which cross positions are settled."""
        held = [one for one in account.positions.values() if not one.is_isolated]
        return sorted({self._exchange.carried(one.inst_id).settle for one in held})

    def pay_funding(self, slot: int) -> None:
        """Settle the funding of a slot for every open position."""
        for uid, account in self._desk.accounts.items():
            changed = []
            for held in account.positions.values():
                one = self._exchange.carried(held.inst_id)
                if not one.is_swap:
                    continue
                worth = one.value(held.size, self._exchange.mark(one))
                self._fund(account, one, held, -worth * self._exchange.funding(one, slot))
                changed.append((one.settle, held))
            if changed:
                self._desk.touch(uid)
                rows = [self._desk.money.position_row(account, held) for _, held in changed]
                self._desk.tell_money(uid, "funding_fee", sorted({ccy for ccy, _ in changed}), rows, [])
        self._desk.flush()

    def _fund(self, account: OkxAccount, one: OkxInstrument, held: Position, paid: Decimal) -> None:
        """Pay funding to a position (from it where negative): an isolated one has it in its margin."""
        own = paid if held.is_isolated else ZERO
        held.margin += own
        held.funding += paid
        held.changed_ns = self._desk.now_ns()
        self._desk.bills.book(
            account, one.settle, paid - own, FUNDING, "174" if paid > 0 else "173", one=one, put_in=own,
            profit=paid, pos_bal=held.margin, told={
                "mgnMode": held.mode, "sz": short(abs(held.size)), "px": short(self._exchange.mark(one)),
            },
        )  # fmt: skip

    # ---- the end of the money --------------------------------------------------------------------

    def liquidate_all(self) -> None:
        """Take every position of every account away, as a forced liquidation would."""
        for account in self._desk.accounts.values():
            for held in list(account.positions.values()):
                if held.is_isolated:
                    self._liquidate_alone(account, held)
            for ccy in self._cross_ccys(account):
                self._liquidate(account, ccy)

    def _liquidate(self, account: OkxAccount, ccy: str) -> None:
        """Take the cross orders of a currency out and its positions away; what is owed beyond the cash is
        forgiven."""
        for order in list(account.open_orders.values()):
            one = self._exchange.traded(order)
            if one.settle == ccy and order.tag["tdMode"] == CROSS:
                self._desk.drop(order, "2")
        for held in self._desk.money.settled_in(account, ccy):
            self._take_away(account, held)
        debt = account.cash.get(ccy, ZERO)
        if not self._desk.money.settled_in(account, ccy) and debt < 0:
            self._desk.bills.book(account, ccy, -debt, CLAWBACK)
            self._desk.tell_money(account.uid, "liquidation", [ccy], [], [])
        self._desk.touch(account.uid)
        self._desk.flush()

    def _liquidate_alone(self, account: OkxAccount, held: Position) -> None:
        """Take an isolated position away, with the orders that are about it; nothing else is touched."""
        for order in list(account.open_orders.values()):
            if position_key(order) == held.key:
                self._desk.drop(order, "2")
        self._take_away(account, held)
        self._desk.touch(account.uid)
        self._desk.flush()

    def _take_away(self, account: OkxAccount, held: Position) -> None:
        """Close a position in the market, in the venue's own name."""
        one = self._exchange.carried(held.inst_id)
        self._exchange.live(one.inst_id)
        if account.positions.get(held.key) is not held:
            return  # somebody took the other side of a resting order of its owner in that moment
        side = Side.SELL if held.size > 0 else Side.BUY
        tag: Row = {
            "clOrdId": "", "tag": "", "tdMode": held.mode, "posSide": held.side, "ordType": "market",
            "sz": short(abs(held.size)), "tgtCcy": "", "reduceOnly": True, "stpMode": "cancel_maker",
            "attach": [], "ccy": "", "fee": "0", "pnl": "0", "category": "full_liquidation",
            "lever": short(account.leverage_of(*held.key)),
        }  # fmt: skip
        ticket = Ticket(
            one, side, "market", abs(held.size), False, None, held.side, True, True,
            SelfTrade.CANCEL_OLDEST, tag,
        )  # fmt: skip
        self._placing.enter(self._placing.build(account.uid, ticket, ticket.size, None), ticket)
