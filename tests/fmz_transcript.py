"""A checker for anything that serves the FMZ custom protocol: plays FMZ's node and reads every answer.

It sends the guide's own example calls in the exact envelope of the protocol over a plain socket, as FMZ's
node does (one POST a call, no Content-Type to rely on), and checks shapes, units, signs and the order of
lists. It shares no code with the practice plugin, the bridge or the connector. Everything that is wrong is
collected and told at once, each with the field it was found in. The file is long because it is one list of
what the protocol demands.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit

PENDING: Final = frozenset({"pending", "pre-submitted", "submitting", "submitted", "partial-filled", "open"})
CLOSED: Final = frozenset({"filled", "closed", "finished"})
CANCELED: Final = frozenset({"canceled", "partial-canceled"})
ABSENT: Final = ("invalid method", "not support")
"""How the error text begins that tells a client to do without."""

CALL_TIMEOUT_S: Final = 20.0
_SECONDS_BELOW: Final = Decimal("1e11")
_MARKET_FIELDS: Final = (
    "tick_size", "amount_size", "price_precision", "amount_precision", "min_qty", "max_qty", "min_notional",
    "max_notional",
)  # fmt: skip


_POSITION_FIELDS: Final = (
    "symbol", "side", "amount", "frozen", "avg_price", "profit", "margin", "leverage",
)  # fmt: skip


class TranscriptFailed(AssertionError):
    """What the plugin did wrong; a line for each field."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What is asked of a plugin beyond its public market data."""

    trades: bool = True
    """Place, find and cancel an order that rests far below the market. Needs the amount's value in quote."""
    resting_factor: Decimal = Decimal("0.8")
    """Where that order rests, as a part of the best bid."""
    fills: bool = False
    """Buy ``amount`` at the market and wait until it is filled."""
    amount: Decimal = Decimal("0.01")
    """Base units of every order."""
    live: bool = True
    """Times are now's and the running bar is there."""
    checks_keys: bool = True
    """A wrong secret key is refused."""
    markets: bool | None = None
    """``markets`` and ``tickers``: offered, absent, or either."""
    futures: bool | None = None
    """``positions``, ``marginlevel`` and ``fundings`` (the local extension): offered, absent, or either."""
    futures_symbol: str = "BTC_USDT.swap"
    raw: tuple[str, str, Mapping[str, str]] | None = None
    """A raw call that must succeed: verb, path, parameters."""
    forbidden_path: str = "/api/v5/asset/withdrawal"
    """A raw POST that must be refused."""
    settle_timeout_s: float = 20.0
    """How long an order or a balance may take to show a change."""
    http: str = "any"
    """``reference``: HTTP/1.0, no Content-Length, closed after an answer. ``better``: HTTP/1.1, kept open."""


@dataclass(slots=True)
class Answer:
    """What came back for one request."""

    status: int = 0
    version: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    disconnected: bool = False
    """Closed without a byte."""
    closed: bool = False
    """The plugin closed the connection after the answer."""

    @property
    def envelope(self) -> dict[str, Any]:
        """The answer's JSON object; empty where it is none."""
        try:
            found = json.loads(self.body, parse_float=Decimal)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Node:
    """FMZ's side of the protocol: one POST a call, on a connection of its own."""

    def __init__(self, base_url: str, access_key: str, secret_key: str) -> None:
        address = urlsplit(base_url)
        self.host, self.port, self.path = address.hostname or "", address.port or 80, address.path or "/"
        self.access_key = access_key
        self.secret_key = secret_key

    def body(self, method: str, params: Mapping[str, Any], **overrides: Any) -> bytes:
        """The envelope with its keys in the guide's order; an override of None leaves a key out."""
        envelope = {
            "access_key": self.access_key,
            "method": method,
            "nonce": time.time_ns(),
            "params": dict(params),
            "secret_key": self.secret_key,
            **overrides,
        }
        kept = {key: value for key, value in envelope.items() if value is not None}
        return json.dumps(kept, separators=(",", ":")).encode()

    async def call(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> Answer:
        """One call of the protocol."""
        return await self.post(self.body(method, params, **overrides), headers=headers)

    async def post(
        self,
        body: bytes,
        *,
        verb: str = "POST",
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request with any body."""
        async with asyncio.timeout(CALL_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(self.host, self.port)
            try:
                lines = [f"{verb} {path or self.path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
                lines += ["User-Agent: Go-http-client/1.1", f"Content-Length: {len(body)}"]
                lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
                writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
                return await _read(reader)
            finally:
                writer.close()


async def _read(reader: asyncio.StreamReader) -> Answer:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return Answer(disconnected=True)
    first, *rest = head.decode("latin-1").strip().split("\r\n")
    version, _, status = first.partition(" ")
    answer = Answer(int(status[:3]), version)
    answer.headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)
    }
    if "content-length" in answer.headers:
        try:
            answer.body = await reader.readexactly(int(answer.headers["content-length"]))
        except asyncio.IncompleteReadError as error:
            answer.body = error.partial
        answer.closed = answer.headers.get("connection", "").lower() == "close" or version == "HTTP/1.0"
    else:
        answer.body = await reader.read()
        answer.closed = True
    return answer


async def check_plugin(
    base_url: str, access_key: str, secret_key: str, symbol: str, flags: Flags | None = None
) -> list[str]:
    """Check a running plugin; the names of what was checked.

    Args:
        base_url: the service address, ``http://127.0.0.1:6666/NAME``.
        symbol: a pair with a live book, ``ETH_USDT``.

    Raises:
        TranscriptFailed: with a line for everything that was wrong.
    """
    check = _Check(Node(base_url, access_key, secret_key), symbol, flags or Flags())
    return await check.run()


class _Check:
    """One run: what was asked, and what was wrong."""

    def __init__(self, node: Node, symbol: str, flags: Flags) -> None:
        self.node = node
        self.symbol = symbol
        self.base, _, self.quote = symbol.partition("_")
        self.flags = flags
        self.failures: list[str] = []
        self.checked: list[str] = []
        self.bid = self.ask = Decimal(0)
        self.price_step = Decimal(1)

    async def run(self) -> list[str]:
        steps: list[Callable[[], Awaitable[None]]] = [
            self.envelopes, self.http, self.ticker, self.depth, self.public_trades, self.records,
            self.balances, self.optional, self.raw_calls, self.lists_of_orders, self.side_by_side,
        ]  # fmt: skip
        if self.flags.checks_keys:
            steps.append(self.keys)
        if self.flags.trades:
            steps += [self.refusals, self.resting_order]
        if self.flags.fills:
            steps.append(self.filled_order)
        for step in steps:
            self.checked.append(step.__name__)
            await step()
        if self.failures:
            raise TranscriptFailed("\n" + "\n".join(self.failures))
        return self.checked

    # ---- small tools -----------------------------------------------------------------------------

    def wrong(self, where: str, what: str) -> None:
        self.failures.append(f"{where}: {what}")

    def expect(self, holds: object, where: str, what: str) -> bool:
        if not holds:
            self.wrong(where, what)
        return bool(holds)

    def number(self, where: str, value: Any, *, above: bool = False) -> Decimal:
        """A figure, text or number, not negative (or above zero)."""
        found = Decimal(0)
        if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
            self.wrong(where, f"must be a number or its text, is {value!r}")
            return found
        try:
            found = Decimal(value)
        except InvalidOperation:
            self.wrong(where, f"is no number: {value!r}")
            return found
        if not found.is_finite() or found < 0 or (above and found == 0):
            self.wrong(where, f"must be {'above zero' if above else 'zero or more'}, is {value!r}")
            return Decimal(0)
        return found

    def milliseconds(self, where: str, value: Any) -> Decimal:
        found = self.number(where, value, above=True)
        if self.expect(found >= _SECONDS_BELOW, where, f"must be Unix milliseconds, is {value!r}"):
            late = abs(time.time() * 1000 - float(found)) > 86_400_000
            self.expect(not (self.flags.live and late), where, f"is not now: {value!r}")
        return found

    def row(self, where: str, value: Any, *names: str) -> dict[str, Any]:
        """An object with these fields; those that are missing are told and are None here."""
        if not isinstance(value, dict):
            self.wrong(where, f"must be an object, is {type(value).__name__}")
            return dict.fromkeys(names)
        for name in names:
            self.expect(name in value, f"{where}.{name}", "is missing")
        return {**dict.fromkeys(names), **value}

    def rows(self, where: str, value: Any) -> list[Any]:
        self.expect(isinstance(value, list), where, f"must be a list, is {type(value).__name__}")
        return value if isinstance(value, list) else []

    async def data(self, method: str, params: Mapping[str, Any], **options: Any) -> Any:
        """The data of a call that must succeed."""
        where = method
        answer = await self.node.call(method, params, **options)
        envelope = self.shape(where, answer)
        if "error" in envelope:
            self.wrong(where, f"refused: {envelope['error']!r}")
            return None
        self.expect("data" in envelope, f"{where}.data", "is missing")
        return envelope.get("data")

    async def refused(self, where: str, method: str, params: Mapping[str, Any], **options: Any) -> str:
        """The error text of a call that must be refused; a disconnect counts as the empty text."""
        answer = await self.node.call(method, params, **options)
        if answer.disconnected:
            return ""
        return self.error(where, answer)

    def error(self, where: str, answer: Answer) -> str:
        envelope = self.shape(where, answer)
        if not self.expect("error" in envelope, f"{where}.error", f"is missing: {str(envelope)[:200]}"):
            return ""
        text = envelope["error"]
        self.expect(isinstance(text, str) and text, f"{where}.error", f"must be a text, is {text!r}")
        self.expect("data" not in envelope, f"{where}.data", "must not stand beside error")
        return str(text)

    def shape(self, where: str, answer: Answer) -> dict[str, Any]:
        """What every answer has: 200, JSON, one object."""
        if answer.disconnected:
            self.wrong(where, "the connection was closed without an answer")
            return {"error": "no answer"}
        self.expect(answer.status == 200, f"{where} (HTTP status)", f"must be 200, is {answer.status}")
        kind = answer.headers.get("content-type", "").replace(" ", "").lower()
        self.expect(
            kind == "application/json;charset=utf-8",
            f"{where} (Content-type)",
            f"must be application/json; charset=utf-8, is {kind!r}",
        )
        envelope = answer.envelope
        self.expect(envelope, where, f"must be a JSON object, is {answer.body[:80]!r}")
        return envelope

    async def until(self, where: str, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        """Ask again until it is so."""
        deadline = time.monotonic() + self.flags.settle_timeout_s
        while not await holds():
            if time.monotonic() > deadline:
                self.wrong(where, what)
                return
            await asyncio.sleep(0.05)

    # ---- envelope and transport ------------------------------------------------------------------

    async def envelopes(self) -> None:
        """The checks of the envelope, in their order."""
        self.error("GET", await self.node.post(b"", verb="GET"))
        self.error("body that is not JSON", await self.node.post(b"not json"))
        for key in ("access_key", "secret_key", "method", "params"):
            whole = json.loads(self.node.body("ticker", {"symbol": self.symbol}))
            del whole[key]
            self.error(f"envelope without {key}", await self.node.post(json.dumps(whole).encode()))
        await self.data("ticker", {"symbol": self.symbol}, nonce=None)
        other = await self.node.post(
            self.node.body("ticker", {"symbol": self.symbol}), path="/NO-SUCH-NAME-HERE"
        )
        self.expect(
            other.disconnected or "error" in other.envelope,
            "unknown name in the address",
            "must be an error or a disconnect",
        )
        text = await self.refused("unknown method", "nosuchmethod", {})
        self.expect(text.startswith(ABSENT), "unknown method.error", f"begins otherwise: {text!r}")
        for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
            await self.data("ticker", {"symbol": self.symbol}, headers={"Content-Type": kind})

    async def http(self) -> None:
        """How bodies end."""
        answer = await self.node.call("ticker", {"symbol": self.symbol})
        if self.flags.http == "reference":
            self.expect(answer.version == "HTTP/1.0", "HTTP version", f"is {answer.version}")
            self.expect("content-length" not in answer.headers, "Content-Length", "must not be there")
        if self.flags.http == "better":
            self.expect(answer.version == "HTTP/1.1", "HTTP version", f"is {answer.version}")
            self.expect(not answer.closed, "Connection", "is closed after the answer")
        if answer.version == "HTTP/1.0":
            self.expect(answer.closed, "Connection", "HTTP/1.0 must close after the answer")

    async def side_by_side(self) -> None:
        """Calls at once are all answered, queued or not."""
        answers = await asyncio.gather(
            *(self.node.call("ticker", {"symbol": self.symbol}) for _ in range(4)),
            *(self.node.call("accounts", {}) for _ in range(2)),
        )
        for answer in answers:
            self.expect("data" in answer.envelope, "calls at once", f"answered {answer.body[:80]!r}")

    async def keys(self) -> None:
        """A wrong secret key opens nothing."""
        first, comma, rest = self.node.secret_key.partition(",")
        wrong = ("0" if first[:1] != "0" else "1") + first[1:] + comma + rest
        await self.refused("accounts with a wrong secret key", "accounts", {}, secret_key=wrong)
        await self.refused(
            "orders with a wrong secret key", "orders", {"symbol": self.symbol}, secret_key=wrong
        )

    # ---- market data -----------------------------------------------------------------------------

    def ticker_fields(self, where: str, value: Any, symbol: str) -> None:
        row = self.row(where, value, "buy", "sell", "high", "low", "last", "vol", "time")
        buy, sell = (self.number(f"{where}.{name}", row[name], above=True) for name in ("buy", "sell"))
        high, low = (self.number(f"{where}.{name}", row[name], above=True) for name in ("high", "low"))
        self.number(f"{where}.last", row["last"], above=True)
        self.number(f"{where}.vol", row["vol"])
        if "open" in row:
            self.number(f"{where}.open", row["open"], above=True)
        if "symbol" in row:
            self.expect(row["symbol"] == symbol, f"{where}.symbol", f"must be {symbol}, is {row['symbol']!r}")
        self.expect(buy <= sell, f"{where}.buy", f"is above sell: {buy} {sell}")
        self.expect(low <= high, f"{where}.low", f"is above high: {low} {high}")
        self.milliseconds(f"{where}.time", row["time"])

    async def ticker(self) -> None:
        """GetTicker, lower case too, and what is no pair."""
        for spelling in (self.symbol, self.symbol.lower()):
            self.ticker_fields("ticker.data", await self.data("ticker", {"symbol": spelling}), self.symbol)
        await self.refused("ticker of one currency", "ticker", {"symbol": self.quote})
        await self.refused("ticker of an unknown pair", "ticker", {"symbol": "NOSUCH_PAIR"})
        await self.refused("ticker without a symbol", "ticker", {})

    async def depth(self) -> None:
        """GetDepth: the limit as text and as number, best first on both sides."""
        for limit in ("30", 5, "1"):
            found = await self.data("depth", {"limit": limit, "symbol": self.symbol})
            row = self.row("depth.data", found, "time", "asks", "bids")
            self.milliseconds("depth.data.time", row["time"])
            best = {}
            for side, sign in (("asks", 1), ("bids", -1)):
                where = f"depth.data.{side}"
                levels = self.rows(where, row[side])
                self.expect(len(levels) <= int(limit), where, f"has {len(levels)} levels, asked for {limit}")
                prices = [self.level(f"{where}[{i}]", level) for i, level in enumerate(levels)]
                ordered = all(sign * one < sign * after for one, after in pairwise(prices))
                self.expect(ordered, where, "must begin with the best and go on from there")
                self.expect(prices or not self.flags.live, where, "is empty")
                best[side] = prices[0] if prices else Decimal(0)
                digits = min([0, *(int(one.as_tuple().exponent) for one in prices)])
                self.price_step = min(self.price_step, Decimal(1).scaleb(digits))
            self.bid, self.ask = best["bids"], best["asks"]
            self.expect(not self.ask or self.bid < self.ask, "depth.data", f"crosses: {self.bid} {self.ask}")

    def level(self, where: str, value: Any) -> Decimal:
        if not isinstance(value, list) or len(value) != 2:
            self.wrong(where, f"must be [price, amount], is {value!r}")
            return Decimal(0)
        self.number(f"{where}[1]", value[1], above=True)
        return self.number(f"{where}[0]", value[0], above=True)

    async def public_trades(self) -> None:
        """GetTrades: milliseconds, ascending."""
        times = []
        for i, value in enumerate(
            self.rows("trades.data", await self.data("trades", {"symbol": self.symbol.lower()}))
        ):
            where = f"trades.data[{i}]"
            row = self.row(where, value, "id", "time", "price", "amount", "type")
            self.expect(isinstance(row["id"], (int, str)), f"{where}.id", f"is {row['id']!r}")
            times.append(self.milliseconds(f"{where}.time", row["time"]))
            self.number(f"{where}.price", row["price"], above=True)
            self.number(f"{where}.amount", row["amount"], above=True)
            kinds = ("buy", "sell", "bid", "ask")
            self.expect(row["type"] in kinds, f"{where}.type", f"is {row['type']!r}")
        self.expect(times == sorted(times), "trades.data", "must be in ascending time")

    async def records(self) -> None:
        """GetRecords: seconds, ascending, the running bar last."""
        for period, limit in ((1, "10"), (60, "500"), ("1440", 5)):
            found = await self.data("records", {"limit": limit, "period": str(period), "symbol": self.symbol})
            rows = self.rows("records.data", found)
            self.expect(len(rows) <= int(limit), "records.data", f"has {len(rows)} bars, asked for {limit}")
            times = [self.bar(f"records.data[{i}]", row) for i, row in enumerate(rows)]
            length = int(period) * 60
            steps = [int(after - one) for one, after in pairwise(times)]
            self.expect(all(step > 0 for step in steps), "records.data", "must be in ascending time")
            self.expect(
                all(step % length == 0 for step in steps),
                "records.data",
                f"bars are not {period} minutes long",
            )
            if self.flags.live and self.expect(rows, "records.data", "is empty"):
                age = time.time() - float(times[-1])
                self.expect(-60 <= age <= length + 60, "records.data", "the running bar is not the last")

    def bar(self, where: str, value: Any) -> Decimal:
        if not isinstance(value, list) or len(value) < 6:
            self.wrong(where, f"must be [time, open, high, low, close, volume], is {value!r}")
            return Decimal(0)
        start = self.number(f"{where}[0]", value[0], above=True)
        self.expect(start < _SECONDS_BELOW, f"{where}[0]", f"must be Unix seconds, is {value[0]!r}")
        opened, high, low, close = (self.number(f"{where}[{i}]", value[i], above=True) for i in range(1, 5))
        self.number(f"{where}[5]", value[5])
        self.expect(high == max(opened, high, low, close), f"{where}[2]", f"is not the highest: {high}")
        self.expect(low == min(opened, high, low, close), f"{where}[3]", f"is not the lowest: {low}")
        return start

    # ---- account ---------------------------------------------------------------------------------

    async def funds(self, method: str = "accounts") -> dict[str, tuple[Decimal, Decimal]]:
        """Free and frozen by currency."""
        found: dict[str, tuple[Decimal, Decimal]] = {}
        for i, value in enumerate(self.rows(f"{method}.data", await self.data(method, {}))):
            where = f"{method}.data[{i}]"
            row = self.row(where, value, "currency", "free", "frozen")
            name = row["currency"]
            self.expect(isinstance(name, str) and name, f"{where}.currency", f"is {name!r}")
            self.expect(name not in found, f"{where}.currency", f"{name!r} is there twice")
            free, frozen = (self.number(f"{where}.{one}", row[one]) for one in ("free", "frozen"))
            found[str(name)] = free, frozen
        return found

    async def balances(self) -> None:
        """GetAccount and GetAssets, the same shape."""
        for method in ("accounts", "assets"):
            found = await self.funds(method)
            if self.flags.trades:
                self.expect(self.quote in found, f"{method}.data", f"has no {self.quote}")

    # ---- what need not be there ------------------------------------------------------------------

    async def offered(self, method: str, params: Mapping[str, Any], wanted: bool | None) -> Any:
        """The data of a method that may be absent, None where it is."""
        if wanted:
            return await self.data(method, params)
        answer = await self.node.call(method, params)
        if wanted is None and "data" in answer.envelope:
            return answer.envelope["data"]
        text = self.error(method, answer)
        self.expect(text.startswith(ABSENT), f"{method}.error", f"does not tell it absent: {text!r}")
        return None

    async def optional(self) -> None:
        """``markets``, ``tickers``, and the futures extension."""
        tickers = await self.offered("tickers", {}, self.flags.markets)
        for i, row in enumerate(self.rows("tickers.data", tickers) if tickers is not None else []):
            where = f"tickers.data[{i}]"
            self.ticker_fields(where, row, str(self.row(where, row, "symbol")["symbol"]))
        markets = await self.offered("markets", {}, self.flags.markets)
        if markets is not None:
            self.expect(isinstance(markets, dict), "markets.data", "must be a map of symbols")
            for symbol, value in markets.items() if isinstance(markets, dict) else ():
                where = f"markets.data.{symbol}"
                row = self.row(where, value, "symbol", "base", "quote", *_MARKET_FIELDS)
                self.expect(row["symbol"] == symbol, f"{where}.symbol", f"is {row['symbol']!r}")
                for name in _MARKET_FIELDS:
                    self.number(f"{where}.{name}", row[name])
        await self.futures()

    async def futures(self) -> None:
        symbol, wanted = self.flags.futures_symbol, self.flags.futures
        positions = await self.offered("positions", {"symbol": ""}, wanted)
        for i, value in enumerate(self.rows("positions.data", positions) if positions is not None else []):
            where = f"positions.data[{i}]"
            row = self.row(where, value, *_POSITION_FIELDS)
            self.expect(row["side"] in ("long", "short"), f"{where}.side", f"is {row['side']!r}")
            for name in ("amount", "frozen", "avg_price", "margin", "leverage"):
                self.number(f"{where}.{name}", row[name])
        fundings = await self.offered("fundings", {"symbol": symbol}, wanted)
        for i, value in enumerate(self.rows("fundings.data", fundings) if fundings is not None else []):
            where = f"fundings.data[{i}]"
            row = self.row(where, value, "symbol", "rate", "time", "interval")
            self.milliseconds(f"{where}.time", row["time"])
            self.number(f"{where}.interval", row["interval"], above=True)
        level = await self.offered("marginlevel", {"symbol": symbol, "level": "10"}, wanted)
        self.expect(level in (None, True), "marginlevel.data", f"must be true, is {level!r}")

    async def raw_calls(self) -> None:
        """``__api_``: the venue's own words, and nothing that moves money out."""
        refused = await self.node.call(
            f"__api_{self.flags.forbidden_path}", {"amt": "1"}, headers={"Http-Method": "POST"}
        )
        self.expect(
            refused.disconnected or "error" in refused.envelope, "raw call that withdraws", "was carried out"
        )
        if self.flags.raw is not None:
            verb, path, params = self.flags.raw
            await self.data(f"__api_{path}", params, headers={"Http-Method": verb})

    # ---- orders ----------------------------------------------------------------------------------

    def order_fields(self, where: str, value: Any) -> dict[str, Any]:
        row = self.row(
            where, value, "id", "symbol", "amount", "price", "deal_amount", "avg_price", "type", "status"
        )
        self.expect(isinstance(row["id"], str) and row["id"], f"{where}.id", f"is {row['id']!r}")
        self.expect(
            row["symbol"] == self.symbol, f"{where}.symbol", f"must be {self.symbol}, is {row['symbol']!r}"
        )
        amount = self.number(f"{where}.amount", row["amount"], above=True)
        if row["price"] != "":
            self.number(f"{where}.price", row["price"])
        deal = self.number(f"{where}.deal_amount", row["deal_amount"])
        self.expect(deal <= amount, f"{where}.deal_amount", f"is above the amount: {deal} {amount}")
        average = self.number(f"{where}.avg_price", row["avg_price"])
        self.expect(deal or not average, f"{where}.avg_price", f"is {average} with nothing filled")
        self.expect(row["type"] in ("buy", "sell"), f"{where}.type", f"is {row['type']!r}")
        status = row["status"]
        self.expect(status in PENDING | CLOSED | CANCELED, f"{where}.status", f"is {status!r}")
        if status in CLOSED:
            self.expect(deal == amount, f"{where}.deal_amount", f"{deal} of {amount}, and {status}")
        if status in ("submitted", "canceled"):
            self.expect(deal == 0, f"{where}.deal_amount", f"{deal}, and {status}")
        return row

    async def orders(self, method: str, params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for i, value in enumerate(self.rows(f"{method}.data", await self.data(method, params))):
            row = self.order_fields(f"{method}.data[{i}]", value)
            where = f"{method}.data[{i}].status"
            open_ = row["status"] in PENDING
            self.expect(open_ == (method == "orders"), where, f"{row['status']!r} does not belong here")
            found[str(row["id"])] = row
        return found

    async def open_orders(self) -> dict[str, dict[str, Any]]:
        return await self.orders("orders", {"symbol": self.symbol})

    async def lists_of_orders(self) -> None:
        """GetOrders and GetHistoryOrders, whatever is in them; limits hold."""
        await self.open_orders()
        await self.orders("historyorders", {"limit": 0, "since": 0, "symbol": self.symbol})
        few = await self.orders("historyorders", {"limit": 1, "since": 0, "symbol": self.symbol})
        self.expect(len(few) <= 1, "historyorders.data", f"has {len(few)} orders, asked for 1")

    def resting_price(self) -> Decimal:
        return (self.bid * self.flags.resting_factor).quantize(self.price_step)

    def placing(self, **terms: Any) -> dict[str, Any]:
        price = format(self.resting_price(), "f")
        return {
            "amount": format(self.flags.amount, "f"),
            "price": price,
            "symbol": self.symbol,
            "type": "buy",
            **terms,
        }

    async def refusals(self) -> None:
        """What must not become an order."""
        cases: dict[str, tuple[str, dict[str, Any]]] = {
            "trade with an unknown type": ("trade", self.placing(type="hold")),
            "trade with an unknown option": ("trade", self.placing(type='buy;{"noSuchOption":1}')),
            "trade without an amount": (
                "trade",
                {key: v for key, v in self.placing().items() if key != "amount"},
            ),
            "trade with an amount that is no number": ("trade", self.placing(amount="much")),
            "trade of a negative amount": ("trade", self.placing(amount="-1")),
            "trade beyond the balance": ("trade", self.placing(amount="100000000")),
            "trade of an unknown pair": ("trade", self.placing(symbol="NOSUCH_PAIR")),
            "order with an unknown id": (
                "order",
                {"id": f"{self.base}-{self.quote},1", "symbol": self.symbol},
            ),
            "cancel with an unknown id": (
                "cancel",
                {"id": f"{self.base}-{self.quote},1", "symbol": self.symbol},
            ),
        }
        for where, (method, params) in cases.items():
            await self.refused(where, method, params)

    async def resting_order(self) -> None:
        """CreateOrder, GetOrders, GetOrder, CancelOrder, GetHistoryOrders: the life of one order."""
        data = await self.data("trade", self.placing())
        number = self.row("trade.data", data, "id")["id"]
        if not self.expect(isinstance(number, str) and number, "trade.data.id", f"is {number!r}"):
            return
        named = {"id": number, "symbol": self.symbol}

        async def listed() -> bool:
            return number in await self.open_orders()

        await self.until("orders.data", listed, f"does not list {number}")
        self.order_as_placed(await self.order("order.data", named), PENDING)
        needed = self.flags.amount * self.resting_price()

        async def frozen() -> bool:
            return (await self.funds()).get(self.quote, (0, Decimal(0)))[1] >= needed

        await self.until("accounts.data.frozen", frozen, f"does not hold {needed} {self.quote} for the order")
        done = await self.data("cancel", named)
        self.expect(done is True, "cancel.data", f"must be true, is {done!r}")

        async def canceled() -> bool:
            return (await self.order("order.data", named))["status"] in CANCELED

        await self.until("order.data.status", canceled, "is not canceled after the cancel")
        self.expect(number not in await self.open_orders(), "orders.data", f"still lists {number}")
        history = {"limit": 0, "since": 0, "symbol": self.symbol}

        async def remembered() -> bool:
            return number in await self.orders("historyorders", history)

        await self.until("historyorders.data", remembered, f"does not list {number}")
        await self.refused("cancel of an ended order", "cancel", named)

    async def order(self, where: str, named: Mapping[str, Any]) -> dict[str, Any]:
        row = self.order_fields(where, await self.data("order", named))
        self.expect(row["id"] == named["id"], f"{where}.id", f"must be {named['id']}, is {row['id']!r}")
        return row

    def order_as_placed(self, row: Mapping[str, Any], states: frozenset[str]) -> None:
        amount = self.number("order.data.amount", row["amount"])
        self.expect(amount == self.flags.amount, "order.data.amount", f"is {amount}, not {self.flags.amount}")
        price = self.number("order.data.price", row["price"] or 0)
        self.expect(
            price == self.resting_price(), "order.data.price", f"is {price}, not {self.resting_price()}"
        )
        self.expect(row["type"] == "buy", "order.data.type", f"is {row['type']!r}")
        self.expect(row["status"] in states, "order.data.status", f"is {row['status']!r}")

    async def filled_order(self) -> None:
        """A buy that is filled: figures, lists and balances follow."""
        before = (await self.funds()).get(self.base, (Decimal(0), Decimal(0)))
        price = (self.ask * Decimal("1.03")).quantize(self.price_step)
        data = await self.data("trade", self.placing(price=format(price, "f")))
        named = {"id": self.row("trade.data", data, "id")["id"], "symbol": self.symbol}

        async def filled() -> bool:
            return (await self.order("order.data", named))["status"] in CLOSED

        await self.until("order.data.status", filled, "is not filled at a price above the market")
        row = await self.order("order.data", named)
        average = self.number("order.data.avg_price", row["avg_price"], above=True)
        self.expect(average <= price, "order.data.avg_price", f"{average} is worse than the limit {price}")
        self.expect(named["id"] not in await self.open_orders(), "orders.data", "still lists a filled order")
        least = sum(before) + self.flags.amount * Decimal("0.98")

        async def paid_out() -> bool:
            return sum((await self.funds()).get(self.base, (Decimal(0), Decimal(0)))) >= least

        await self.until("accounts.data.free", paid_out, f"does not grow by {self.flags.amount} {self.base}")


# ---- the published transcript ------------------------------------------------------------------------

CANNED: Final[tuple[tuple[str, Mapping[str, Any], str | None], ...]] = (
    (
        "depth",
        {"limit": "30", "symbol": "ETH_USDT"},
        (
            '{"data": {"time": 1500793319499, "asks": [[1000, 0.5], [1001, 0.23], [1004, 2.1]], '
            '"bids": [[999, 0.25], [998, 0.8], [995, 1.4]]}}'
        ),
    ),
    (
        "records",
        {"limit": "500", "period": "60", "symbol": "ETH_USDT"},
        '{"data": [[1500793319, 1.1, 2.2, 3.3, 4.4, 5.5], [1500793259, 1.01, 2.02, 3.03, 4.04, 5.05]]}',
    ),
    (
        "trade",
        {"amount": "0.1", "price": "1000", "symbol": "BTC_USDT", "type": "buy"},
        '{"data": {"id": "BTC-USDT,123456"}}',
    ),
    ("cancel", {"id": "ETH-USDT,123456", "symbol": "ETH_USDT"}, '{"data": true}'),
    ("markets", {}, '{"error": "invalid method: markets"}'),
    ("positions", {}, '{"error": "invalid method: positions"}'),
    ("ticker", {"symbol": "USDT"}, '{"error": "invalid symbol"}'),
    ("depth", {}, None),
)
"""Method, parameters, and the published reference plugin's exact body; None: closed without an answer."""


async def check_published_transcript(base_url: str, access_key: str, secret_key: str) -> None:
    """Compare a plugin in its canned mode with the published reference plugin, byte for byte.

    Raises:
        TranscriptFailed: with a line for every answer that differs.
    """
    node = Node(base_url, access_key, secret_key)
    failures: list[str] = []

    def compare(where: str, answer: Answer, body: str | None) -> None:
        found = None if answer.disconnected else answer.body.decode("utf-8", "replace")
        if found != body:
            failures.append(f"{where}: must be {body!r}, is {found!r}")
        if not answer.disconnected and (
            answer.version != "HTTP/1.0" or answer.status != 200 or "content-length" in answer.headers
        ):
            failures.append(f"{where}: head is {answer.version} {answer.status} {answer.headers}")

    compare("GET /", await node.post(b"", verb="GET", path="/"), '{"error": "not support GET method."}')
    compare("not json", await node.post(b"not json"), '{"error": "not json"}')
    missing = '{"error": "missing required parameters"}'
    compare("access_key alone", await node.post(b'{"access_key":"a"}'), missing)
    for method, params, body in CANNED:
        compare(f"{method} {dict(params)}", await node.call(method, params), body)
    ticker = node.body("ticker", {"symbol": "ETH_USDT"})
    compare("path /OTHER", await node.post(ticker, path="/OTHER"), None)
    unpacked = await node.call("ticker", {"symbol": "ETH_USDT"}, secret_key="nocomma")
    compare("secret_key without a comma", unpacked, None)
    if failures:
        raise TranscriptFailed("\n" + "\n".join(failures))
