"""The public REST calls.

Kraken REST "Market Data", read 2026-08. Every figure is a text except counts, times and trade ids; results
are keyed by the pair's id, whatever name was asked for.
"""

from __future__ import annotations

import re
from collections import deque
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from terminal.domain.market import Side
from terminal.emulators.kraken import errors
from terminal.emulators.kraken.errors import ApiError, invalid
from terminal.emulators.kraken.names import Pair, fee_table, pair_object
from terminal.emulators.kraken.params import Params
from terminal.emulators.kraken.public_feed import OHLC_MINUTES
from terminal.emulators.kraken.state import VenueState
from terminal.emulators.kraken.wire import NS_PER_S, fixed, iso_s
from terminal.emulators.market.history import Print
from terminal.emulators.market.practice import PracticeMarket

MAX_OHLC_ROWS: Final = 720
SPREAD_ROWS: Final = 200
_NS_SINCE: Final = 10**14
"""A ``since`` above this is in nanoseconds, below it in seconds."""


class PublicCalls:
    """What anybody may ask."""

    def __init__(self, market: PracticeMarket, state: VenueState) -> None:
        self._market = market
        self._state = state
        self._names = state.names
        self._spreads: dict[str, deque[tuple[int, str, str]]] = {
            symbol: deque(maxlen=SPREAD_ROWS) for symbol in state.names.pairs
        }
        self.calls = {
            "Time": self.time,
            "SystemStatus": self.system_status,
            "Assets": self.assets,
            "AssetPairs": self.asset_pairs,
            "Ticker": self.ticker,
            "OHLC": self.ohlc,
            "Depth": self.depth,
            "Trades": self.trades,
            "Spread": self.spread,
        }

    def note_spreads(self) -> None:
        """Remember the best prices of every pair, where they changed; called about once a second."""
        now = self._market.clock.wall_ns() // NS_PER_S
        for symbol, rows in self._spreads.items():
            engine = self._market.engines[symbol]
            bid, ask = engine.best_bid(), engine.best_ask()
            if bid is None or ask is None:
                continue
            pair = self._names.pairs[symbol]
            texts = self._price(pair, bid.price), self._price(pair, ask.price)
            if not rows or rows[-1][1:] != texts:
                rows.append((now, *texts))

    def time(self, params: Params) -> dict[str, Any]:
        now = self._state.wall_ns() // NS_PER_S
        moment = datetime.fromtimestamp(now, UTC)
        return {"unixtime": now, "rfc1123": f"{moment:%a, %d %b %y %H:%M:%S} +0000"}

    def system_status(self, params: Params) -> dict[str, Any]:
        return {"status": self._state.system, "timestamp": iso_s(self._state.wall_ns())}

    def assets(self, params: Params) -> dict[str, Any]:
        if params.text("aclass", "currency") not in ("currency", ""):
            return {}
        wanted = params.listed("asset", 500)
        if not wanted:
            return {one.asset_id: one.rest_object() for one in self._names.assets.values()}
        found = {}
        for text in wanted:
            asset = self._names.find_asset(text)
            if asset is None:
                raise ApiError(errors.UNKNOWN_ASSET)
            found[asset.asset_id] = asset.rest_object()
        return found

    def asset_pairs(self, params: Params) -> dict[str, Any]:
        info = params.choice("info", frozenset({"info", "leverage", "fees", "margin"}), "info")
        found = {pair.pair_id: self._pair_info(pair, info) for pair in self._wanted(params)}
        for text in params.listed("pair", 500):
            # Asked for by its modern name, a pair is told under it; python-kraken-sdk relies on that.
            modern = self._names.pairs.get(text)
            if modern is not None:
                found.pop(modern.pair_id, None)
                found[modern.symbol] = self._pair_info(modern, info)
        return found

    def _pair_info(self, pair: Pair, info: str) -> dict[str, Any]:
        if info == "leverage":
            return {"leverage_buy": [], "leverage_sell": []}
        if info == "fees":
            return {
                "fees": fee_table(pair.listing, maker=False),
                "fees_maker": fee_table(pair.listing, maker=True),
                "fee_volume_currency": "ZUSD",
            }
        if info == "margin":
            return {"margin_call": 80, "margin_level": 40}
        status = self._state.status_of(pair.symbol)
        return pair_object(pair, status=status, tick_size=self._state.tick_size(pair))

    def ticker(self, params: Params) -> dict[str, Any]:
        return {pair.pair_id: self._ticker_row(pair) for pair in self._wanted(params)}

    def _ticker_row(self, pair: Pair) -> dict[str, Any]:
        engine = self._market.engines[pair.symbol]
        today, rolling = self._market.today(pair.symbol), self._market.last_24h(pair.symbol)
        last = self._market.recent_trades(pair.symbol, 1)

        def price(value: Decimal) -> str:
            # Kraken prints ticker prices with five digits at least.
            return fixed(value, max(5, pair.listing.price_decimals))

        def best(side: Side) -> list[str]:
            level = engine.best_bid() if side is Side.BUY else engine.best_ask()
            if level is None:
                return [price(Decimal(0)), "0", "0.000"]
            return [price(level.price), str(int(level.quantity)), fixed(level.quantity, 3)]

        def lots(value: Decimal) -> str:
            return fixed(value, pair.listing.quantity_decimals)

        return {
            "a": best(Side.SELL),
            "b": best(Side.BUY),
            "c": [price(last[-1].price), lots(last[-1].quantity)]
            if last
            else [price(rolling.last), lots(Decimal(0))],
            "v": [lots(today.volume), lots(rolling.volume)],
            "p": [price(today.vwap), price(rolling.vwap)],
            "t": [today.trades, rolling.trades],
            "l": [price(today.low), price(rolling.low)],
            "h": [price(today.high), price(rolling.high)],
            "o": price(today.open),
        }

    def ohlc(self, params: Params) -> dict[str, Any]:
        pair = self._one(params)
        minutes = params.integer("interval", 1, 0, 10**6)
        if minutes not in OHLC_MINUTES:
            raise invalid("interval")
        since = params.integer("since", 0, 0, 10**18)
        bars = self._market.bars(pair.symbol, minutes * 60, count=MAX_OHLC_ROWS)
        volume_digits = pair.listing.quantity_decimals
        rows = [
            [
                bar.open_ns // NS_PER_S,
                self._price(pair, bar.open),
                self._price(pair, bar.high),
                self._price(pair, bar.low),
                self._price(pair, bar.close),
                self._price(pair, bar.vwap) if bar.volume else "0.0",
                fixed(bar.volume, volume_digits),
                bar.trades,
            ]
            for bar in bars
            if bar.open_ns // NS_PER_S >= since or bar is bars[-1]
        ]
        committed = bars[-2].open_ns if len(bars) > 1 else bars[-1].open_ns
        return {pair.pair_id: rows, "last": committed // NS_PER_S}

    def depth(self, params: Params) -> dict[str, Any]:
        pair = self._one(params)
        count = params.integer("count", 100, 1, 500)
        bids, asks = self._market.engines[pair.symbol].book(count)
        now = self._state.wall_ns() // NS_PER_S

        def lots(quantity: Decimal) -> str:
            return fixed(quantity, pair.listing.quantity_decimals)

        def rows(levels: list[Any]) -> list[list[Any]]:
            return [[self._price(pair, one.price), lots(one.quantity), now] for one in levels]

        return {pair.pair_id: {"asks": rows(asks), "bids": rows(bids)}}

    def trades(self, params: Params) -> dict[str, Any]:
        pair = self._one(params)
        count = params.integer("count", 1000, 1, 1000)
        if params.has("since"):
            since = self._since_ns(params.text("since"))
            found = self._market.trades(pair.symbol, since, count)
        else:
            found = self._market.recent_trades(pair.symbol, count)
            since = 0
        last = found[-1].ts_ns if found else since
        return {pair.pair_id: [self._trade_row(pair, one) for one in found], "last": str(last)}

    def _since_ns(self, text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,19}(\.[0-9]*)?", text):
            raise invalid("since")
        whole, _, fraction = text.partition(".")
        number = int(whole)
        if number > _NS_SINCE:
            return number
        return number * NS_PER_S + int(fraction[:9].ljust(9, "0") or 0)

    def _trade_row(self, pair: Pair, one: Print) -> list[Any]:
        return [
            self._price(pair, one.price),
            fixed(one.quantity, pair.listing.quantity_decimals),
            one.ts_ns / NS_PER_S,
            "b" if one.side is Side.BUY else "s",
            "l" if one.is_limit else "m",
            "",
            one.trade_id,
        ]

    def spread(self, params: Params) -> dict[str, Any]:
        pair = self._one(params)
        since = params.integer("since", 0, 0, 10**18)
        self.note_spreads()
        rows = [list(row) for row in self._spreads[pair.symbol] if row[0] >= since]
        return {pair.pair_id: rows, "last": self._state.wall_ns() // NS_PER_S}

    # ---- helpers ---------------------------------------------------------------------------------

    def _price(self, pair: Pair, value: Decimal) -> str:
        return fixed(value, pair.listing.price_decimals)

    def _one(self, params: Params) -> Pair:
        text = params.text("pair")
        if not text:
            raise ApiError("EGeneral:Invalid arguments")
        pair = self._names.find_pair(text)
        if pair is None or self._state.status_of(pair.symbol) == "delisted":
            raise ApiError(errors.UNKNOWN_PAIR)
        return pair

    def _wanted(self, params: Params) -> list[Pair]:
        names = params.listed("pair", 500)
        if not names:
            return [
                pair
                for pair in self._names.pairs.values()
                if self._state.status_of(pair.symbol) != "delisted"
            ]
        return [self._one(Params({"pair": name})) for name in names]
