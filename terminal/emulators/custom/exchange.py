"""The venue behind the practice plugin: a small exchange with four pairs, its own book, accounts and keys.

It is asked the way a plugin asks a venue: a verb, a path and parameters, and answers
``{"code", "data", "msg"}``. Its words follow the mapping example of the FMZ custom protocol for OKX
(``instId``, ``ordId``, ``accFillSz``, ...), every figure a text, times in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from terminal.core.clock import Clock
from terminal.domain.decimals import wire_text
from terminal.domain.market import Side
from terminal.domain.orders import OrderState, OrderType, TimeInForce
from terminal.emulators.custom.futures import SUFFIX, Futures
from terminal.emulators.custom.keys import (
    ACCOUNT,
    SECOND_ACCOUNT,
    Credentials,
    Doorkeeper,
    PluginKey,
    make_keys,
)
from terminal.emulators.custom.replies import (
    ORDER_ENDED,
    UNKNOWN_ORDER,
    UNKNOWN_SYMBOL,
    Refused,
    refusal_of,
    success,
)
from terminal.emulators.market.accounts import AccountFill
from terminal.emulators.market.engine_types import EngineOrder, EngineReject
from terminal.emulators.market.history import MarketBar
from terminal.emulators.market.practice import PracticeMarket

Params = Mapping[str, Any]

DEPTH_LIMIT: Final = 400
TRADES_LIMIT: Final = 500
BARS_LIMIT: Final = 1_000
LIST_LIMIT: Final = 100
_MS: Final = 1_000_000

_MADE_OF: Final = {1: 1, 3: 1, 5: 5, 15: 15, 30: 30, 60: 60, 120: 60, 240: 240, 360: 60, 720: 240, 1440: 1440,
                   4320: 1440, 10080: 10080}  # fmt: skip
"""Bar lengths offered, minutes, and the market's own bars that each is joined from."""

_TERMS: Final = {
    "GTC": (OrderType.LIMIT, TimeInForce.GTC),
    "IOC": (OrderType.LIMIT, TimeInForce.IOC),
    "FOK": (OrderType.LIMIT, TimeInForce.FOK),
}


class CustomExchange:
    """The exchange without its sockets.

    Args:
        market: its own pairs and accounts.
    """

    def __init__(self, market: PracticeMarket, clock: Clock) -> None:
        self.market = market
        self._clock = clock
        self.futures = Futures(market)
        self.keys = self._load_keys()
        self._door = Doorkeeper(self.keys)
        for account in (ACCOUNT, SECOND_ACCOUNT):
            market.account(account)
        self._assets = {asset for one in market.listings.values() for asset in (one.base, one.quote)}
        self._public: dict[tuple[str, str], Callable[[Params], list[Any]]] = {
            ("GET", "/api/v5/public/time"): self._time,
            ("GET", "/api/v5/public/instruments"): self._instruments,
            ("GET", "/api/v5/market/ticker"): self._ticker,
            ("GET", "/api/v5/market/tickers"): self._tickers,
            ("GET", "/api/v5/market/books"): self._books,
            ("GET", "/api/v5/market/trades"): self._trades,
            ("GET", "/api/v5/market/candles"): self._candles,
            ("GET", "/api/v5/public/funding-rate"): self._funding,
        }
        self._private: dict[tuple[str, str], Callable[[PluginKey, Params], list[Any]]] = {
            ("GET", "/api/v5/account/balance"): self._balance,
            ("GET", "/api/v5/trade/orders-pending"): self._pending,
            ("GET", "/api/v5/trade/orders-history"): self._history,
            ("GET", "/api/v5/trade/order"): self._order,
            ("GET", "/api/v5/trade/fills"): self._fills,
            ("GET", "/api/v5/account/positions"): self._positions,
        }
        self._trading: dict[tuple[str, str], Callable[[PluginKey, Params], list[Any]]] = {
            ("POST", "/api/v5/trade/order"): self._place,
            ("POST", "/api/v5/trade/cancel-order"): self._cancel,
            ("POST", "/api/v5/account/set-leverage"): self._set_leverage,
        }

    def _load_keys(self) -> list[PluginKey]:
        rows = self.market.store.get("custom:keys")
        if isinstance(rows, list):
            return [PluginKey.from_row(row) for row in rows]
        keys = make_keys()
        self.market.store.put("custom:keys", [key.row() for key in keys])
        return keys

    def call(self, verb: str, path: str, params: Params, given: Credentials) -> dict[str, Any]:
        """Answer one call: ``code`` is ``"0"`` where it was carried out, else ``msg`` says why not."""
        try:
            return success(self._carry_out(verb, path, params, given))
        except Refused as refused:
            return refused.reply()
        except EngineReject as reject:
            return refusal_of(reject).reply()

    def _carry_out(self, verb: str, path: str, params: Params, given: Credentials) -> list[Any]:
        public = self._public.get((verb, path))
        if public is not None:
            return public(params)
        private = self._private.get((verb, path))
        if private is not None:
            return private(self._door.admit(given, trades=False), params)
        trading = self._trading.get((verb, path))
        if trading is not None:
            return trading(self._door.admit(given, trades=True), params)
        raise Refused("50404", f"No such path: {verb} {path}")

    # ---- public ----------------------------------------------------------------------------------

    def _symbol(self, params: Params) -> str:
        symbol = str(params.get("instId", "")).replace("-", "/")
        if symbol not in self.market.listings:
            raise Refused(*UNKNOWN_SYMBOL)
        return symbol

    def _now_ms(self) -> str:
        return str(self._clock.wall_ns() // _MS)

    def _time(self, params: Params) -> list[Any]:
        return [{"ts": self._now_ms()}]

    def _instruments(self, params: Params) -> list[Any]:
        return [
            {
                "instId": inst_id(one.symbol), "baseCcy": one.base, "quoteCcy": one.quote,
                "tickSz": wire_text(one.tick_size), "lotSz": wire_text(one.quantity_step),
                "minSz": wire_text(one.min_quantity), "minNotional": wire_text(one.min_notional),
                "state": "live",
            }
            for one in self.market.listings.values()
        ]  # fmt: skip

    def _ticker(self, params: Params) -> list[Any]:
        return [self._ticker_row(self._symbol(params))]

    def _tickers(self, params: Params) -> list[Any]:
        return [self._ticker_row(symbol) for symbol in self.market.listings]

    def _ticker_row(self, symbol: str) -> dict[str, str]:
        engine, day = self.market.engines[symbol], self.market.last_24h(symbol)
        bid, ask = engine.best_bid(), engine.best_ask()
        return {
            "instId": inst_id(symbol),
            "last": wire_text(engine.last_price or day.last),
            "bidPx": wire_text(bid.price) if bid is not None else "",
            "askPx": wire_text(ask.price) if ask is not None else "",
            "high24h": wire_text(day.high),
            "low24h": wire_text(day.low),
            "open24h": wire_text(day.open),
            "vol24h": wire_text(day.volume),
            "ts": self._now_ms(),
        }

    def _books(self, params: Params) -> list[Any]:
        depth = _whole(params, "sz", 30, DEPTH_LIMIT)
        bids, asks = self.market.engines[self._symbol(params)].book(depth)
        row = {
            name: [[wire_text(one.price), wire_text(one.quantity)] for one in levels]
            for name, levels in (("asks", asks), ("bids", bids))
        }
        return [{**row, "ts": self._now_ms()}]

    def _trades(self, params: Params) -> list[Any]:
        symbol = self._symbol(params)
        prints = self.market.recent_trades(symbol, _whole(params, "limit", LIST_LIMIT, TRADES_LIMIT))
        return [
            {
                "instId": inst_id(symbol), "tradeId": str(one.trade_id), "px": wire_text(one.price),
                "sz": wire_text(one.quantity), "side": one.side.value, "ts": str(one.ts_ns // _MS),
            }
            for one in prints
        ]  # fmt: skip

    def _candles(self, params: Params) -> list[Any]:
        symbol, minutes = self._symbol(params), _whole(params, "bar", 60, 10**6)
        count = _whole(params, "limit", LIST_LIMIT, BARS_LIMIT)
        if minutes not in _MADE_OF:
            raise Refused("51000", f"Parameter bar error: {minutes}")
        return [
            [
                str(bar.open_ns // _MS),
                *(wire_text(x) for x in (bar.open, bar.high, bar.low, bar.close, bar.volume)),
            ]
            for bar in self.bars(symbol, minutes, count)
        ]

    def bars(self, symbol: str, minutes: int, count: int) -> Sequence[MarketBar]:
        """The last bars of a length in minutes, oldest first, the running one last."""
        part = _MADE_OF[minutes]
        if part == minutes:
            return self.market.bars(symbol, part * 60, count=count)
        # One bar more: the first one joined may lack its beginning.
        parts = self.market.bars(symbol, part * 60, count=(count + 1) * (minutes // part))
        return _joined(parts, minutes)[-count:]

    # ---- private ---------------------------------------------------------------------------------

    def _balance(self, key: PluginKey, params: Params) -> list[Any]:
        details = [
            {
                "ccy": one.asset,
                "availBal": wire_text(one.free),
                "availEq": wire_text(one.free),
                "ordFrozen": wire_text(one.held),
            }
            for one in self.market.balances(key.account)
            if one.asset in self._assets
        ]
        return [{"details": details}]

    def _pending(self, key: PluginKey, params: Params) -> list[Any]:
        symbol = self._symbol(params) if params.get("instId") else None
        orders = [
            *self.market.open_orders(key.account, symbol),
            *self.futures.orders(key.account, symbol, live=True),
        ]
        orders.sort(key=lambda one: one.order_id)
        after = _whole(params, "after", 0, 2**62)
        rows = [one for one in reversed(orders) if not after or one.order_id < after]
        return [order_row(one) for one in rows[: _whole(params, "limit", LIST_LIMIT, LIST_LIMIT)]]

    def _history(self, key: PluginKey, params: Params) -> list[Any]:
        symbol = self._symbol(params) if params.get("instId") else None
        begin_ns = _whole(params, "begin", 0, 2**62) * _MS
        ended = self.market.closed_orders(key.account)
        if symbol is not None and symbol.endswith(SUFFIX):
            ended = self.futures.orders(key.account, symbol, live=False)
            ended.sort(key=lambda one: one.closed_ns or 0)
        orders = [
            one
            for one in ended
            if (symbol is None or one.symbol == symbol) and (one.closed_ns or 0) >= begin_ns
        ]
        limit = _whole(params, "limit", LIST_LIMIT, LIST_LIMIT)
        # With a beginning: what came first after it, so that a caller can page on. Without: the last ones.
        return [order_row(one) for one in (orders[:limit] if begin_ns else orders[-limit:])]

    def _order(self, key: PluginKey, params: Params) -> list[Any]:
        return [order_row(self._find(key, params))]

    def _find(self, key: PluginKey, params: Params) -> EngineOrder:
        number = str(params.get("ordId", ""))
        if not (number.isascii() and number.isdigit()) or len(number) > 19:
            raise Refused(*UNKNOWN_ORDER)
        order = self.market.order(int(number))
        if order is not None and order.account != key.account:
            order = None
        order = order or self.futures.wallet(key.account).orders.get(int(number))
        if order is None or order.symbol != self._symbol(params):
            raise Refused(*UNKNOWN_ORDER)
        return order

    def _fills(self, key: PluginKey, params: Params) -> list[Any]:
        symbol = self._symbol(params) if params.get("instId") else None
        number = str(params.get("ordId", ""))
        fills = [
            one
            for one in reversed(self.market.fills(key.account))
            if (symbol is None or one.symbol == symbol) and (not number or str(one.order_id) == number)
        ]
        return [_fill_row(one) for one in fills[: _whole(params, "limit", LIST_LIMIT, LIST_LIMIT)]]

    def _place(self, key: PluginKey, params: Params) -> list[Any]:
        symbol = self._symbol(params)
        word, contract = str(params.get("side", "")), symbol.endswith(SUFFIX)
        if word not in ("buy", "sell") and not contract:
            raise Refused("51000", "Parameter side error")
        kind = str(params.get("ordType", "limit"))
        if kind == "market":
            if word == "buy" and not contract:
                raise Refused("51000", "A market buy needs an amount in quote currency, which is not offered")
            order_type, force, price = OrderType.MARKET, TimeInForce.GTC, None
        elif kind == "limit" and str(params.get("tif", "GTC")) in _TERMS:
            order_type, force = _TERMS[str(params.get("tif", "GTC"))]
            price = _figure(params, "px")
        else:
            raise Refused("51000", "Parameter ordType error")
        if contract:
            order = self.futures.place(
                key.account, symbol, word, _figure(params, "sz"), price, force, params.get("nonce")
            )
            return [{"ordId": str(order.order_id), "sCode": "0", "sMsg": ""}]
        order = EngineOrder(
            self.market.listings[symbol],
            account=key.account,
            side=Side(word),
            order_type=order_type,
            quantity=_figure(params, "sz"),
            limit_price=price,
            time_in_force=force,
            tag={"nonce": params.get("nonce")},
        )
        self.market.submit(order)
        return [{"ordId": str(order.order_id), "sCode": "0", "sMsg": ""}]

    def _cancel(self, key: PluginKey, params: Params) -> list[Any]:
        order = self._find(key, params)
        if order.symbol.endswith(SUFFIX):
            self.futures.cancel(order)
        elif not order.is_live:
            raise Refused(*ORDER_ENDED)
        else:
            self.market.cancel(order)
        return [{"ordId": str(order.order_id), "sCode": "0", "sMsg": ""}]

    # ---- futures ---------------------------------------------------------------------------------

    def _positions(self, key: PluginKey, params: Params) -> list[Any]:
        symbol = self._symbol(params) if params.get("instId") else None
        return list(self.futures.positions(key.account, symbol))

    def _set_leverage(self, key: PluginKey, params: Params) -> list[Any]:
        symbol, leverage = self._symbol(params), _whole(params, "lever", 0, 10**6)
        self.futures.set_leverage(key.account, symbol, leverage)
        return [{"instId": inst_id(symbol), "lever": str(leverage)}]

    def _funding(self, params: Params) -> list[Any]:
        return [self.futures.funding(self._symbol(params), self._clock.wall_ns())]


def inst_id(symbol: str) -> str:
    """The exchange's own name of a pair."""
    return symbol.replace("/", "-")


def order_row(order: EngineOrder) -> dict[str, Any]:
    """An order as the exchange tells it."""
    average = order.average_price
    decimals = order.grid.tick_size.as_tuple().exponent
    return {
        "instId": inst_id(order.symbol),
        "ordId": str(order.order_id),
        "ordType": "market" if order.order_type is OrderType.MARKET else "limit",
        "sz": wire_text(order.quantity),
        "px": wire_text(order.limit_price) if order.limit_price is not None else "",
        "accFillSz": wire_text(order.filled),
        "avgPx": wire_text(round(average, 4 - int(decimals))) if average is not None else "",
        "side": order.tag["type"] if order.symbol.endswith(SUFFIX) else order.side.value,
        "state": _state_of(order),
        "cTime": str(order.created_ns // _MS),
        "uTime": str((order.closed_ns or order.updated_ns or order.created_ns) // _MS),
    }


def _state_of(order: EngineOrder) -> str:
    if order.status is OrderState.FILLED:
        return "filled"
    if not order.is_live:
        return "canceled"
    return "partially_filled" if order.done_steps else "live"


def _fill_row(fill: AccountFill) -> dict[str, Any]:
    return {
        "instId": inst_id(fill.symbol), "tradeId": str(fill.trade_id), "billId": str(fill.fill_id),
        "ordId": str(fill.order_id), "fillPx": wire_text(fill.price), "fillSz": wire_text(fill.quantity),
        "side": fill.side.value, "execType": "M" if fill.is_maker else "T", "fee": wire_text(-fill.fee),
        "feeCcy": fill.fee_asset, "ts": str(fill.ts_ns // _MS),
    }  # fmt: skip


def _whole(params: Params, name: str, default: int, most: int) -> int:
    """A whole number above zero, at most ``most``; the default where it is absent or 0."""
    text = str(params.get(name, "")).strip()
    if text in ("", "0"):
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise Refused("51000", f"Parameter {name} error")
    return min(int(text), most)


def _figure(params: Params, name: str) -> Decimal:
    """A number of the request, which may be text or number."""
    try:
        value = Decimal(str(params.get(name, "")).strip())
    except InvalidOperation:
        raise Refused("51000", f"Parameter {name} error") from None
    if not value.is_finite() or abs(value.adjusted()) > 20:
        raise Refused("51000", f"Parameter {name} error")
    return value


def _joined(parts: Sequence[MarketBar], minutes: int) -> list[MarketBar]:
    """Bars of a length that the market does not keep, made of shorter ones."""
    length = minutes * 60_000_000_000
    found: list[MarketBar] = []
    for bar in parts:
        start = bar.open_ns // length * length
        if found and found[-1].open_ns == start:
            whole = found[-1]
            found[-1] = whole._replace(
                high=max(whole.high, bar.high),
                low=min(whole.low, bar.low),
                close=bar.close,
                volume=whole.volume + bar.volume,
                trades=whole.trades + bar.trades,
                turnover=whole.turnover + bar.turnover,
            )
        else:
            found.append(bar._replace(open_ns=start))
    return found
