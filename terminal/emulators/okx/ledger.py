"""Accounts of the practice OKX: cash, positions, margin, fees and funding.

Margin is counted for each currency alone ("futures mode", OKX API v5, read 2026-07): what a currency's cross
positions and orders need must be covered by that currency's equity. An isolated position has margin of its
own, which is no longer cash: it is all that such a position can lose. Long positions have a positive size,
short ones a negative, in contracts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from terminal.domain.decimals import ZERO
from terminal.emulators.market.engine_types import EngineOrder
from terminal.emulators.okx.exchange import OkxExchange
from terminal.emulators.okx.listings import MAINTENANCE_RATE, STARTING_BALANCES, OkxInstrument
from terminal.emulators.okx.wire import Row, ms, short, trimmed

DEFAULT_LEVERAGE: Final = Decimal(3)
SPOT_MODE: Final = "1"
FUTURES_MODE: Final = "2"
CROSS: Final = "cross"
ISOLATED: Final = "isolated"
Key = tuple[str, str, str]
"""``instId``, ``mgnMode`` and ``posSide``: what tells an account's positions apart."""


@dataclass(slots=True)
class Position:
    """Contracts of one swap held; ``side`` is net, long or short."""

    inst_id: str
    side: str
    size: Decimal
    entry: Decimal
    pos_id: int
    opened_ns: int
    changed_ns: int
    trade_id: str = ""
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    mode: str = CROSS
    margin: Decimal = ZERO
    """An isolated position's own money, in its settlement currency, the unrealized profit apart."""

    @property
    def key(self) -> Key:
        return self.inst_id, self.mode, self.side

    @property
    def is_isolated(self) -> bool:
        return self.mode == ISOLATED

    def data(self) -> list[str]:
        return [
            self.inst_id, self.side, *(format(x, "f") for x in (self.size, self.entry)), str(self.pos_id),
            str(self.opened_ns), str(self.changed_ns), self.trade_id,
            *(format(x, "f") for x in (self.realized, self.fees, self.funding)), self.mode,
            format(self.margin, "f"),
        ]  # fmt: skip

    @classmethod
    def from_data(cls, data: list[str]) -> Position:
        mode, margin = data[11:] or (CROSS, "0")  # a file of earlier days tells neither
        return cls(
            data[0], data[1], Decimal(data[2]), Decimal(data[3]), int(data[4]), int(data[5]), int(data[6]),
            data[7], Decimal(data[8]), Decimal(data[9]), Decimal(data[10]), mode, Decimal(margin),
        )  # fmt: skip


@dataclass(slots=True)
class OkxAccount:
    """One trading account."""

    uid: int
    mode: str = FUTURES_MODE
    is_hedged: bool = False
    """Long and short positions apart (``long_short_mode``)."""
    cash: dict[str, Decimal] = field(default_factory=lambda: dict(STARTING_BALANCES))
    positions: dict[Key, Position] = field(default_factory=dict)
    leverage: dict[str, Decimal] = field(default_factory=dict)
    open_orders: dict[int, EngineOrder] = field(default_factory=dict)
    changed_ns: dict[str, int] = field(default_factory=dict)
    """When a currency last moved."""

    def data(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "is_hedged": self.is_hedged,
            "cash": {ccy: format(amount, "f") for ccy, amount in self.cash.items()},
            "positions": [one.data() for one in self.positions.values()],
            "leverage": {name: str(one) for name, one in self.leverage.items()},
            "changed_ns": self.changed_ns,
        }

    @classmethod
    def from_data(cls, uid: int, data: dict[str, Any]) -> OkxAccount:
        positions = [Position.from_data(row) for row in data["positions"]]
        return cls(
            uid,
            data["mode"],
            data["is_hedged"],
            {ccy: Decimal(amount) for ccy, amount in data["cash"].items()},
            {one.key: one for one in positions},
            {name: Decimal(one) for name, one in data["leverage"].items()},
            changed_ns=data["changed_ns"],
        )

    def leverage_of(self, inst_id: str, mode: str = CROSS, side: str = "net") -> Decimal:
        """The setting for positions of a margin mode; isolated ones have one for each side."""
        return self.leverage.get(leverage_key(inst_id, mode, side), DEFAULT_LEVERAGE)

    def set_leverage(self, leverage: Decimal, inst_id: str, mode: str, side: str) -> None:
        self.leverage[leverage_key(inst_id, mode, side)] = leverage


def leverage_key(inst_id: str, mode: str, side: str) -> str:
    return inst_id if mode == CROSS else f"{inst_id} {mode} {side}"


class Money:
    """The arithmetic over an account at the prices of now."""

    def __init__(self, exchange: OkxExchange) -> None:
        self._exchange = exchange

    def _instrument(self, inst_id: str) -> OkxInstrument:
        return self._exchange.carried(inst_id)

    # ---- what is bound ---------------------------------------------------------------------------

    def frozen(self, account: OkxAccount, ccy: str, *, without: EngineOrder | None = None) -> Decimal:
        """What open spot orders have set aside of a currency."""
        total = ZERO
        for order in account.open_orders.values():
            one = self._exchange.traded(order)
            if one.is_carried or (without is not None and order.order_id == without.order_id):
                continue
            if order.is_buy and one.quote == ccy:
                total += order.grid.notional(order.price_ticks, order.steps - order.done_steps)
            elif not order.is_buy and one.base == ccy:
                total += order.remaining
        return total

    def order_margin(self, account: OkxAccount, ccy: str, *, without: EngineOrder | None = None) -> Decimal:
        """What open swap orders that would open a position need of a currency."""
        total = ZERO
        for order in account.open_orders.values():
            one = self._exchange.traded(order)
            if not one.is_carried or one.settle != ccy:
                continue
            if without is None or order.order_id != without.order_id:
                price = order.limit_price or self._exchange.mark(one)
                mode, side = str(order.tag["tdMode"]), str(order.tag["posSide"])
                total += self.need(account, one, order.is_buy, order.remaining, price, mode, side)
        return total

    def need(
        self,
        account: OkxAccount,
        one: OkxInstrument,
        is_buy: bool,
        quantity: Decimal,
        price: Decimal,
        mode: str,
        side: str,
    ) -> Decimal:
        """Margin and fee for an order of so many contracts; what it closes needs none."""
        opening = quantity
        held = account.positions.get((one.inst_id, mode, side))
        if held is not None and (held.size > 0) != is_buy:
            opening = max(ZERO, quantity - abs(held.size))
        elif side != "net" and (side == "long") != is_buy:
            opening = ZERO
        return one.value(opening, price) * (1 / account.leverage_of(one.inst_id, mode, side) + one.taker)

    def profit(self, position: Position) -> Decimal:
        """Unrealized, at the mark price, in the settlement currency."""
        one = self._instrument(position.inst_id)
        return one.profit(position.size, position.entry, self._exchange.mark(one))

    def margin(self, account: OkxAccount, position: Position) -> Decimal:
        """What an open position needs at its leverage and the mark price."""
        one = self._instrument(position.inst_id)
        value = one.value(abs(position.size), self._exchange.mark(one))
        return value / account.leverage_of(*position.key)

    def maintenance(self, position: Position) -> Decimal:
        """What the equity must not fall below for a position, the closing fee included."""
        one = self._instrument(position.inst_id)
        return one.value(abs(position.size), self._exchange.mark(one)) * (MAINTENANCE_RATE + one.taker)

    def settled_in(self, account: OkxAccount, ccy: str) -> list[Position]:
        """Cross positions whose money is a currency's."""
        return [one for one in self._all_in(account, ccy) if not one.is_isolated]

    def _all_in(self, account: OkxAccount, ccy: str) -> list[Position]:
        return [one for one in account.positions.values() if self._instrument(one.inst_id).settle == ccy]

    def own_equity(self, position: Position) -> Decimal:
        """What an isolated position is worth: its margin and its unrealized profit."""
        return position.margin + self.profit(position)

    def isolated_equity(self, account: OkxAccount, ccy: str) -> Decimal:
        """What all isolated positions of a currency are worth."""
        return sum((self.own_equity(one) for one in self._all_in(account, ccy) if one.is_isolated), ZERO)

    def borrowed(self, account: OkxAccount, ccy: str) -> Decimal:
        """What positions on margin owe of a currency."""
        owed = [self._debt(one) for one in account.positions.values()]
        return sum((amount for amount, name in owed if name == ccy), ZERO)

    def _debt(self, position: Position) -> tuple[Decimal, str]:
        """What a position on margin owes: its cost where it is long, the coins where it is short."""
        one, size = self._instrument(position.inst_id), position.size
        if one.is_contract:
            return ZERO, ""
        return (size * position.entry, one.quote) if size > 0 else (-size, one.base)

    def spare(self, account: OkxAccount, position: Position) -> Decimal:
        """How much of an isolated position's margin its owner may take back."""
        loss = min(ZERO, self.profit(position))
        return max(ZERO, position.margin + loss - self.margin(account, position))

    def equity(self, account: OkxAccount, ccy: str) -> Decimal:
        """Cash and unrealized profit of what is cross."""
        return account.cash.get(ccy, ZERO) + sum(map(self.profit, self.settled_in(account, ccy)), ZERO)

    def free(self, account: OkxAccount, ccy: str, *, without: EngineOrder | None = None) -> Decimal:
        """What a new order may use."""
        held = self.settled_in(account, ccy)
        bound = self.frozen(account, ccy, without=without) + self.order_margin(account, ccy, without=without)
        cash, equity = account.cash.get(ccy, ZERO), self.equity(account, ccy)
        used = sum((self.margin(account, one) for one in held), ZERO)
        return min(cash, equity) - used - bound if held else cash - bound

    def is_liquidated(self, account: OkxAccount, ccy: str) -> bool:
        """The equity no longer covers what the positions need."""
        held = self.settled_in(account, ccy)
        return bool(held) and self.equity(account, ccy) <= sum(map(self.maintenance, held), ZERO)

    def is_ruined(self, position: Position) -> bool:
        """An isolated position's own money no longer covers what it needs."""
        return self.own_equity(position) <= self.maintenance(position)

    def liquidation_price(self, account: OkxAccount, position: Position) -> Decimal | None:
        """The mark price at which a position is taken away, others standing still; None where none is."""
        one = self._instrument(position.inst_id)
        if position.is_isolated:
            cash = position.margin
        else:
            others = [held for held in self.settled_in(account, one.settle) if held is not position]
            cash = account.cash.get(one.settle, ZERO) + sum(map(self.profit, others), ZERO)
            cash -= sum(map(self.maintenance, others), ZERO)
        rate, sign = MAINTENANCE_RATE + one.taker, (1 if position.size > 0 else -1)
        amount = abs(position.size) * one.contract_value
        if one.is_inverse:
            below = sign * cash + amount / position.entry
            price = amount * (1 + sign * rate) / below if below > 0 else ZERO
        else:
            price = (position.entry - sign * cash / amount) / (1 - sign * rate)
        return price if price > 0 else None

    # ---- rows ------------------------------------------------------------------------------------

    def balance_detail(self, account: OkxAccount, ccy: str) -> Row:
        """One currency, as ``account/balance`` tells it."""
        held = self.settled_in(account, ccy)
        cash, equity = account.cash.get(ccy, ZERO), self.equity(account, ccy)
        frozen, margin = self.frozen(account, ccy), self.order_margin(account, ccy)
        used = sum((self.margin(account, one) for one in held), ZERO)
        needed = sum(map(self.maintenance, held), ZERO)
        isolated = self.isolated_equity(account, ccy)
        apart = sum((self.profit(one) for one in self._all_in(account, ccy) if one.is_isolated), ZERO)
        profit = equity - cash + apart
        free = max(ZERO, self.free(account, ccy))
        margins = account.mode != SPOT_MODE
        return {
            "ccy": ccy,
            "eq": trimmed(equity + isolated),
            "isoEq": trimmed(isolated) if margins else "",
            "isoUpl": trimmed(apart) if margins else "",
            "isoLiab": trimmed(self.borrowed(account, ccy)) if margins else "",
            "cashBal": trimmed(cash),
            "availBal": trimmed(free),
            "availEq": trimmed(free) if margins else "",
            "frozenBal": trimmed(frozen + margin + used),
            "ordFrozen": trimmed(frozen + margin),
            "liab": "",
            "interest": "",
            "upl": trimmed(profit) if margins else "",
            "eqUsd": trimmed((equity + isolated) * self._exchange.usd(ccy)),
            "disEq": trimmed(equity * self._exchange.usd(ccy)),
            "imr": trimmed(used + margin) if held else "",
            "mmr": trimmed(needed) if held else "",
            "mgnRatio": trimmed(equity / needed) if needed else "",
            "uTime": ms(account.changed_ns.get(ccy, self._exchange.clock.wall_ns())),
        }

    def balance_row(self, account: OkxAccount, ccys: list[str] | None = None) -> Row:
        """The account as ``account/balance`` tells it; currencies of which there is nothing are left out."""
        details = [
            self.balance_detail(account, ccy)
            for ccy in sorted(account.cash)
            if (ccys is None or ccy in ccys) and (account.cash[ccy] or self._all_in(account, ccy))
        ]
        usd = self._exchange.usd
        isolated = sum((self.isolated_equity(account, ccy) * usd(ccy) for ccy in account.cash), ZERO)
        total = sum((self.equity(account, ccy) * usd(ccy) for ccy in account.cash), isolated)
        return {
            "adjEq": "",
            "borrowFroz": "",
            "details": details,
            "imr": "",
            "isoEq": trimmed(isolated) if account.mode != SPOT_MODE else "",
            "mgnRatio": "",
            "mmr": "",
            "notionalUsd": "",
            "ordFroz": "",
            "totalEq": trimmed(total),
            "uTime": ms(self._exchange.clock.wall_ns()),
            "upl": "",
        }

    def position_row(self, account: OkxAccount, position: Position) -> Row:
        """A position as ``account/positions`` tells it; a closed one has ``pos`` 0."""
        one = self._instrument(position.inst_id)
        mark, size = self._exchange.mark(one), abs(position.size)
        profit, used = self.profit(position), self.margin(account, position)
        needed = self.maintenance(position)
        apart = position.is_isolated
        equity = self.own_equity(position) if apart else self.equity(account, one.settle)
        liquidation = self.liquidation_price(account, position) if size else None
        worth = one.value(size, mark) * self._exchange.usd(one.settle)
        debt, debt_ccy = self._debt(position)
        told = {
            "pos": short(position.size if position.side == "net" else size),
            "availPos": short(size) if position.side != "net" else "",
            "posCcy": "",
        }
        if not one.is_contract:
            is_long = position.size > 0
            count = short(size) if is_long else trimmed(size * position.entry)
            told = {"pos": count, "availPos": count, "posCcy": one.base if is_long else one.quote}
        return {
            "instType": one.kind,
            "instId": one.inst_id,
            "mgnMode": position.mode,
            "posId": str(position.pos_id),
            "posSide": position.side,
            **told,
            "liab": trimmed(-debt) if debt_ccy else "",
            "liabCcy": debt_ccy,
            "avgPx": trimmed(position.entry) if size else "",
            "markPx": short(mark),
            "last": short(self._exchange.last(one)),
            "liqPx": trimmed(liquidation) if liquidation is not None else "",
            "lever": short(account.leverage_of(*position.key)),
            "upl": trimmed(profit),
            "uplRatio": trimmed(profit / used) if used else "",
            "margin": trimmed(position.margin) if apart else "",
            "imr": "" if apart else trimmed(used),
            "mmr": trimmed(needed),
            "mgnRatio": trimmed(equity / needed) if needed else "",
            "notionalUsd": trimmed(worth),
            "ccy": one.settle,
            "fee": trimmed(position.fees),
            "fundingFee": trimmed(position.funding),
            "pnl": trimmed(position.realized),
            "realizedPnl": trimmed(position.realized + position.fees + position.funding),
            "liqPenalty": "0",
            "adl": "1",
            "interest": "",
            "tradeId": position.trade_id,
            "usdPx": trimmed(self._exchange.usd(one.settle)),
            "cTime": ms(position.opened_ns),
            "uTime": ms(position.changed_ns),
        }
