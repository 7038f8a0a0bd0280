"""The public REST calls: instruments, prices, books, trades, bars.

OKX API v5 "Public data" and "Market data", read 2026-07.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from terminal.emulators.market.history import Print
from terminal.emulators.okx.buckets import Limit
from terminal.emulators.okx.candles import BARS
from terminal.emulators.okx.errors import OkxError, missing, wrong
from terminal.emulators.okx.exchange import FUNDING_NS
from terminal.emulators.okx.listings import OkxInstrument
from terminal.emulators.okx.public_feed import PublicFeed
from terminal.emulators.okx.wire import Row, ms, short

_KINDS: Final = frozenset({"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS"})
_RECENT_BARS: Final = 1440
_TRADE_DAYS_MS: Final = 90 * 86_400_000
Params = Mapping[str, str]
Handler = Callable[[Params], list[Any]]


def whole(params: Params, name: str, default: int, most: int) -> int:
    """A count of rows."""
    text = params.get(name, "")
    if not text:
        return default
    if not text.isdigit() or len(text) > 12:
        raise wrong(name)
    return max(1, min(int(text), most))


def moment(params: Params, name: str, default: int) -> int:
    """A time or an id to page by."""
    text = params.get(name, "")
    if not text:
        return default
    if not text.isdigit() or len(text) > 20:
        raise wrong(name)
    return int(text)


class PublicCalls:
    """``/api/v5/public``, ``/api/v5/market`` and ``/api/v5/system``."""

    def __init__(self, feed: PublicFeed, status_row: Callable[[], Row], wall_ns: Callable[[], int]) -> None:
        self._feed = feed
        self._rows = feed.rows
        self._exchange = feed.rows.exchange
        self._status_row = status_row
        self._wall_ns = wall_ns
        ip, by_kind, by_instrument = "ip", "ip+type", "ip+inst"
        self.calls: dict[str, tuple[Handler, Limit]] = {
            "public/time": (self.time, Limit(10, 2.0, ip)),
            "system/status": (self.status, Limit(1, 5.0, ip)),
            "public/instruments": (self.instruments, Limit(20, 2.0, by_kind)),
            "market/ticker": (self.ticker, Limit(20, 2.0, ip)),
            "market/tickers": (self.tickers, Limit(20, 2.0, ip)),
            "market/books": (self.books, Limit(40, 2.0, ip)),
            "market/books-full": (self.books_full, Limit(10, 2.0, ip)),
            "market/trades": (self.trades, Limit(100, 2.0, ip)),
            "market/history-trades": (self.history_trades, Limit(20, 2.0, ip)),
            "market/candles": (self.candles, Limit(40, 2.0, ip)),
            "market/history-candles": (self.history_candles, Limit(20, 2.0, ip)),
            "public/funding-rate": (self.funding, Limit(10, 2.0, by_instrument)),
            "public/funding-rate-history": (self.funding_history, Limit(10, 2.0, by_instrument)),
            "public/mark-price": (self.mark, Limit(10, 2.0, by_instrument)),
            "public/price-limit": (self.price_limit, Limit(20, 2.0, ip)),
        }

    def one(self, params: Params) -> OkxInstrument:
        """The instrument asked for."""
        name = params.get("instId", "")
        if not name:
            raise missing("instId")
        found = self._exchange.instruments.get(name)
        if found is None or name not in self._exchange.engines or name in self._rows.delisted:
            raise OkxError("51001")
        self._exchange.rouse(found)
        return found

    def many(self, params: Params) -> list[OkxInstrument]:
        """Those of a type (and family, and name)."""
        kind = params.get("instType", "")
        if not kind:
            raise missing("instType")
        if kind not in _KINDS:
            raise wrong("instType")
        name, family = params.get("instId", ""), params.get("instFamily", "") or params.get("uly", "")
        found = [
            one
            for one in self._feed.of_kind(kind)
            if name in ("", one.inst_id) and family in ("", one.family)
        ]
        if name and not found:
            raise OkxError("51001")
        return found

    def time(self, params: Params) -> list[Any]:
        return [{"ts": ms(self._wall_ns())}]

    def status(self, params: Params) -> list[Any]:
        row = self._status_row()
        wanted = params.get("state", "")
        return [row] if row["state"] != "completed" and wanted in ("", row["state"]) else []

    def instruments(self, params: Params) -> list[Any]:
        return [self._rows.instrument(one) for one in self.many(params)]

    def ticker(self, params: Params) -> list[Any]:
        return [self._rows.ticker(self.one(params))]

    def tickers(self, params: Params) -> list[Any]:
        found = self.many(params)
        for one in found:
            self._exchange.rouse(one)
        return [self._rows.ticker(one) for one in found]

    def books(self, params: Params) -> list[Any]:
        feed = self._feed.feeds[self.one(params).inst_id]
        asks, bids = feed.book.levels(whole(params, "sz", 1, 400))
        return [{"asks": asks, "bids": bids, "ts": ms(self._wall_ns()), "seqId": feed.book.seq}]

    def books_full(self, params: Params) -> list[Any]:
        feed = self._feed.feeds[self.one(params).inst_id]
        asks, bids = (
            [[row[0], row[1], row[3]] for row in side]
            for side in feed.book.levels(whole(params, "sz", 1, 5000))
        )
        return [{"asks": asks, "bids": bids, "ts": ms(self._wall_ns())}]

    def trades(self, params: Params) -> list[Any]:
        one = self.one(params)
        prints = self._exchange.tapes[one.inst_id].recent(whole(params, "limit", 100, 500))
        return [_trade_row(one, print_) for print_ in reversed(prints)]

    def history_trades(self, params: Params) -> list[Any]:
        one, limit = self.one(params), whole(params, "limit", 100, 100)
        tape = self._exchange.tapes[one.inst_id]
        kind = params.get("type", "") or "1"
        if kind not in ("1", "2"):
            raise wrong("type")
        after, before = moment(params, "after", 0), moment(params, "before", -1)
        recent = tape.recent(5_000)
        if kind == "1":
            found = [
                one_ for one_ in recent if (not after or one_.trade_id < after) and one_.trade_id > before
            ]
        else:
            found = [
                one_
                for one_ in self._around(one, after, recent)
                if (not after or one_.ts_ns // 10**6 < after) and one_.ts_ns // 10**6 > before
            ]
        return [_trade_row(one, print_) for print_ in reversed(found[-limit:])]

    def _around(self, one: OkxInstrument, after_ms: int, recent: list[Print]) -> list[Print]:
        """Prints before a time, oldest first: some of the past when that lies before the recent ones."""
        if not after_ms or (recent and recent[0].ts_ns // 10**6 < after_ms):
            return recent
        now_ms = self._wall_ns() // 10**6
        after_ms = max(after_ms, now_ms - _TRADE_DAYS_MS)
        back = 600_000
        return [
            print_
            for print_ in self._exchange.tapes[one.inst_id].trades((after_ms - back) * 10**6, 20_000)
            if print_.ts_ns // 10**6 < after_ms
        ]

    def candles(self, params: Params) -> list[Any]:
        return self._bars(params, is_history=False)

    def history_candles(self, params: Params) -> list[Any]:
        return self._bars(params, is_history=True)

    def _bars(self, params: Params, *, is_history: bool) -> list[Any]:
        one = self.one(params)
        bar = params.get("bar", "") or "1m"
        limit = whole(params, "limit", 100, 300)
        # Both ends are exclusive; with a lower one alone the latest rows are meant.
        before_ms = moment(params, "after", self._wall_ns() // 10**6 + 1)
        after_ms = moment(params, "before", -1)
        candles = self._rows.candles
        if bar == "1s" and is_history:
            return candles.seconds(one, before_ms, after_ms, limit)
        if bar not in BARS:
            raise wrong("bar")
        if is_history:
            rows = candles.rows(one, bar, before_ms, after_ms, limit + 1)
            return [row for row in rows if row[8] == "1"][:limit]
        newest = candles.rows(one, bar, self._wall_ns() // 10**6 + 1, -1, 1)
        rows = candles.rows(one, bar, before_ms, after_ms, limit)
        if newest and len(newest[0]) and rows:
            second = candles.rows(one, bar, int(newest[0][0]), -1, 1)
            length = int(newest[0][0]) - int(second[0][0]) if second else 0
            oldest = int(newest[0][0]) - (_RECENT_BARS - 1) * length
            rows = [row for row in rows if int(row[0]) >= oldest]
        return rows

    def funding(self, params: Params) -> list[Any]:
        if params.get("instId") == "ANY":
            return [self._rows.funding(one) for one in self._feed.of_kind("SWAP")]
        return [self._rows.funding(self._swap(params))]

    def _swap(self, params: Params) -> OkxInstrument:
        one = self.one(params)
        if not one.is_swap:
            raise OkxError("51001")
        return one

    def funding_history(self, params: Params) -> list[Any]:
        one, limit = self._swap(params), whole(params, "limit", 400, 400)
        now = self._wall_ns()
        after, before = moment(params, "after", now // 10**6 + 1), moment(params, "before", -1)
        slot = min(now // FUNDING_NS, -(-after * 10**6 // FUNDING_NS) - 1)
        found: list[Any] = []
        while len(found) < limit and slot * FUNDING_NS // 10**6 > max(before, 0):
            rate = short(self._exchange.funding(one, slot - 1))
            found.append(
                {
                    "instType": one.kind,
                    "instId": one.inst_id,
                    "fundingRate": rate,
                    "realizedRate": rate,
                    "fundingTime": ms(slot * FUNDING_NS),
                    "method": "current_period",
                    "formulaType": "noRate",
                }
            )
            slot -= 1
        return found

    def mark(self, params: Params) -> list[Any]:
        return [self._rows.mark(one) for one in self.many(params)]

    def price_limit(self, params: Params) -> list[Any]:
        return [self._rows.limit(self.one(params))]


def _trade_row(one: OkxInstrument, print_: Print) -> Row:
    return {
        "instId": one.inst_id,
        "tradeId": str(print_.trade_id),
        "px": short(print_.price),
        "sz": short(print_.quantity),
        "side": print_.side.value,
        "source": "0",
        "ts": ms(print_.ts_ns),
    }
