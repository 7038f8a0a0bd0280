"""The practice exchange's perpetual futures, for the protocol's local extension.

Linear contracts in base units against USDT, long and short held apart. They are matched on books of their own
and paid from a futures wallet of their own, which begins with 10,000 USDT: the protocol tells spot balances
only. A loss beyond the margin is not liquidated, and funding is told but not charged. Positions, wallet and
leverage survive a restart; open futures orders are canceled by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from terminal.domain.decimals import ZERO, wire_text
from terminal.domain.market import Side
from terminal.domain.orders import OrderType, TimeInForce
from terminal.emulators.custom.replies import ORDER_ENDED, UNKNOWN_SYMBOL, Refused
from terminal.emulators.market.engine_types import CancelReason, EngineListener, EngineOrder, EngineTrade
from terminal.emulators.market.practice import PracticeMarket

SUFFIX: Final = ".SWAP"
START_CASH: Final = Decimal(10_000)
START_LEVERAGE: Final = 10
MOST_LEVERAGE: Final = 100
FEE_RATE: Final = Decimal("0.0005")
INTERVAL_MS: Final = 8 * 3_600_000
BASE_RATE: Final = Decimal("0.0001")
MOST_RATE: Final = Decimal("0.0075")
KEPT_ORDERS: Final = 1_000
"""Ended ones, of an account."""
_CENT: Final = Decimal("0.00000001")
_MS: Final = 1_000_000

KINDS: Final[dict[str, tuple[Side, str, bool]]] = {
    "buy": (Side.BUY, "long", True),
    "sell": (Side.SELL, "short", True),
    "closebuy": (Side.SELL, "long", False),
    "closesell": (Side.BUY, "short", False),
}
"""The protocol's order sides: what is done in the book, to which position, and whether it opens."""


@dataclass(slots=True)
class Holding:
    """One position: long or short of one contract."""

    amount: Decimal = ZERO
    """Base units."""
    average: Decimal = ZERO


@dataclass(slots=True)
class Wallet:
    """One account's futures money, positions and orders."""

    cash: Decimal = START_CASH
    leverage: dict[str, int] = field(default_factory=dict)
    holdings: dict[tuple[str, str], Holding] = field(default_factory=dict)
    """By symbol and side."""
    orders: dict[int, EngineOrder] = field(default_factory=dict)
    """Live and ended ones of this run."""

    def held(self, symbol: str, side: str) -> Holding:
        """A position, empty where there is none."""
        return self.holdings.setdefault((symbol, side), Holding())

    def leverage_of(self, symbol: str) -> int:
        return self.leverage.get(symbol, START_LEVERAGE)

    def margin_of(self, symbol: str, side: str) -> Decimal:
        """What a position sets aside, USDT."""
        one = self.held(symbol, side)
        return one.amount * one.average / self.leverage_of(symbol)

    def free(self) -> Decimal:
        """Cash less the margin of positions and of open orders that open."""
        used = sum((self.margin_of(*key) for key in tuple(self.holdings)), start=ZERO)
        for order in self.orders.values():
            if order.is_live and KINDS[order.tag["type"]][2]:
                used += order.remaining * (order.limit_price or ZERO) / self.leverage_of(order.symbol)
        return self.cash - used

    def frozen(self, symbol: str, side: str) -> Decimal:
        """How much of a position waits in orders that close it."""
        return sum(
            (
                order.remaining
                for order in self.orders.values()
                if order.is_live and order.symbol == symbol and KINDS[order.tag["type"]][1:] == (side, False)
            ),
            start=ZERO,
        )


class Futures:
    """All futures accounts of the exchange.

    Args:
        market: holds the contracts' books among its pairs; their orders never touch its spot accounts.
    """

    def __init__(self, market: PracticeMarket) -> None:
        self._market = market
        self._wallets: dict[str, Wallet] = {}
        self.symbols = tuple(symbol for symbol in market.listings if symbol.endswith(SUFFIX))
        for symbol in self.symbols:
            market.engines[symbol].listen(_Ear(self))

    def wallet(self, account: str) -> Wallet:
        """The futures side of an account."""
        found = self._wallets.get(account)
        if found is None:
            found = self._wallets[account] = _loaded(self._market.store.get(_key(account)))
        return found

    def reset(self, account: str) -> None:
        """Begin the futures side of an account anew."""
        for order in self.wallet(account).orders.values():
            if order.is_live:
                self._market.engines[order.symbol].cancel(order, CancelReason.RESET)
        self._wallets[account] = Wallet()
        self.keep(account)

    def keep(self, account: str) -> None:
        """Write it down."""
        wallet = self._wallets[account]
        rows = [[*key, wire_text(one.amount), wire_text(one.average)] for key, one in wallet.holdings.items()]
        self._market.store.put(
            _key(account), {"cash": wire_text(wallet.cash), "leverage": wallet.leverage, "holdings": rows}
        )

    # ---- orders ----------------------------------------------------------------------------------

    def place(
        self,
        account: str,
        symbol: str,
        kind: str,
        quantity: Decimal,
        price: Decimal | None,
        force: TimeInForce,
        nonce: Any,
    ) -> EngineOrder:
        """Place an order; a price of None is a market order.

        Raises:
            Refused: an unknown kind, too little margin, or more to close than there is.
            EngineReject: a rule of the book.
        """
        if kind not in KINDS:
            raise Refused("51000", "Parameter side error")
        side, position_side, opens = KINDS[kind]
        wallet, engine = self.wallet(account), self._market.engines[symbol]
        order = EngineOrder(
            self._market.listings[symbol],
            account=_book_name(account),
            side=side,
            order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
            quantity=quantity,
            limit_price=price,
            time_in_force=force,
            tag={"type": kind, "nonce": nonce},
        )
        if opens:
            best = engine.best_ask() if side is Side.BUY else engine.best_bid()
            at = price or (best.price if best is not None else ZERO)
            if quantity * at / wallet.leverage_of(symbol) > wallet.free():
                raise Refused("51008", "Insufficient margin")
        elif quantity > wallet.held(symbol, position_side).amount - wallet.frozen(symbol, position_side):
            raise Refused("51169", "No position of this size to close in this direction")
        engine.add(order)
        wallet.orders[order.order_id] = order
        for old in [one for one in wallet.orders.values() if not one.is_live][:-KEPT_ORDERS]:
            del wallet.orders[old.order_id]
        return order

    def cancel(self, order: EngineOrder) -> None:
        """Take an order out.

        Raises:
            Refused: it has ended.
        """
        if not order.is_live:
            raise Refused(*ORDER_ENDED)
        self._market.engines[order.symbol].cancel(order)

    def orders(self, account: str, symbol: str | None, *, live: bool) -> list[EngineOrder]:
        """Orders of this run, oldest first."""
        return [
            one
            for one in self.wallet(account).orders.values()
            if one.is_live == live and symbol in (None, one.symbol)
        ]

    def note_trade(self, trade: EngineTrade) -> None:
        """Book both sides of a match that are ours."""
        for order in (trade.maker_order, trade.taker_order):
            if order.account.endswith(_BOOK):
                account = order.account.removesuffix(_BOOK)
                self._book(self.wallet(account), order, trade.price, trade.quantity)
                self.keep(account)

    def _book(self, wallet: Wallet, order: EngineOrder, price: Decimal, quantity: Decimal) -> None:
        _, side, opens = KINDS[order.tag["type"]]
        one = wallet.held(order.symbol, side)
        if opens:
            total = one.amount + quantity
            one.average = _rounded((one.amount * one.average + quantity * price) / total)
            one.amount = total
        else:
            gained = (price - one.average) * quantity
            wallet.cash += gained if side == "long" else -gained
            one.amount -= quantity
            if not one.amount:
                one.average = ZERO
        wallet.cash -= _rounded(quantity * price * FEE_RATE)

    # ---- what the extension asks -----------------------------------------------------------------

    def _require(self, symbol: str) -> None:
        if symbol not in self.symbols:
            raise Refused(*UNKNOWN_SYMBOL)

    def positions(self, account: str, symbol: str | None) -> list[dict[str, str]]:
        """What is open, of one contract or of all, by the last price."""
        if symbol is not None:
            self._require(symbol)
        wallet = self.wallet(account)
        rows = []
        for (name, side), one in wallet.holdings.items():
            if not one.amount or symbol not in (None, name):
                continue
            last = self._market.engines[name].last_price or one.average
            profit = (last - one.average) * one.amount * (1 if side == "long" else -1)
            rows.append(
                {
                    "instId": name.replace("/", "-"),
                    "posSide": side,
                    "pos": wire_text(one.amount),
                    "frozen": wire_text(wallet.frozen(name, side)),
                    "avgPx": wire_text(one.average),
                    "upl": wire_text(_rounded(profit)),
                    "margin": wire_text(_rounded(wallet.margin_of(name, side))),
                    "lever": str(wallet.leverage_of(name)),
                }
            )
        return rows

    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        """Another leverage for a contract, which changes what its positions set aside.

        Raises:
            Refused: an unknown contract, not from 1 to 100, or too little money for the margin.
        """
        self._require(symbol)
        if not 1 <= leverage <= MOST_LEVERAGE:
            raise Refused("51000", "Parameter lever error")
        wallet = self.wallet(account)
        before = wallet.leverage_of(symbol)
        wallet.leverage[symbol] = leverage
        if leverage < before and wallet.free() < 0:
            wallet.leverage[symbol] = before
            raise Refused("51008", "Insufficient margin")
        self.keep(account)

    def funding(self, symbol: str, now_ns: int) -> dict[str, str]:
        """The rate of the running interval: a base rate and what the contract trades above its fair price."""
        self._require(symbol)
        listing, engine = self._market.listings[symbol], self._market.engines[symbol]
        fair = Decimal(repr(self._market.latents.pair_price(listing.base, listing.quote, now_ns)))
        premium = ((engine.last_price or fair) - fair) / fair
        rate = max(-MOST_RATE, min(MOST_RATE, BASE_RATE + premium / 8))
        return {
            "instId": symbol.replace("/", "-"),
            "fundingRate": wire_text(_rounded(rate)),
            "fundingTime": str(now_ns // _MS // INTERVAL_MS * INTERVAL_MS + INTERVAL_MS),
            "interval": str(INTERVAL_MS),
        }


_BOOK: Final = "/futures"


def _book_name(account: str) -> str:
    """How the books know an account; the spot accounts have no such name."""
    return account + _BOOK


def _key(account: str) -> str:
    return f"custom:futures:{account}"


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_EVEN)


def _loaded(row: Mapping[str, Any] | None) -> Wallet:
    if row is None:
        return Wallet()
    holdings = {
        (symbol, side): Holding(Decimal(amount), Decimal(average))
        for symbol, side, amount, average in row["holdings"]
    }
    return Wallet(Decimal(row["cash"]), dict(row["leverage"]), holdings)


class _Ear(EngineListener):
    """Hears one contract's book."""

    def __init__(self, futures: Futures) -> None:
        self._futures = futures

    def on_trade(self, trade: EngineTrade) -> None:
        self._futures.note_trade(trade)
