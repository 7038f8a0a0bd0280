"""A small raw Kraken client, written from the protocol alone: it shares no code with the venue."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect

from terminal.emulators.host import PracticeHost
from terminal.emulators.market.listing import LISTING_BY_SYMBOL

SYMBOLS = ("BTC/USD", "ETH/USD", "DOGE/USD")


def api_sign(secret: str, path: str, nonce: str, body: bytes) -> str:
    """API-Sign as the reference describes it."""
    inner = hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(
        hmac.new(base64.b64decode(secret), path.encode() + inner, hashlib.sha512).digest()
    ).decode()


class Venue:
    """A running practice venue and ways to talk to it."""

    def __init__(self, host: PracticeHost) -> None:
        self.host = host
        self.endpoints = host.endpoints()
        self.kraken = self.endpoints["kraken"]
        self.keys = {row["name"]: row for row in self.kraken["keys"]}
        self.http = httpx.AsyncClient(trust_env=False, timeout=20.0)
        self._nonce = time.time_ns() // 1000

    def nonce(self) -> str:
        self._nonce += 1
        return str(self._nonce)

    async def public(self, name: str, **params: Any) -> Any:
        """The whole answer of a public call."""
        answer = await self.http.get(f"{self.kraken['rest']}/0/public/{name}", params=params)
        assert answer.status_code == 200
        return answer.json()

    async def result(self, name: str, **params: Any) -> Any:
        """The result of a public call that must succeed."""
        answer = await self.public(name, **params)
        assert answer["error"] == [], answer
        return answer["result"]

    async def send_private(
        self,
        name: str,
        *,
        key: str = "practice",
        as_json: bool = False,
        body: bytes | None = None,
        nonce: str | None = None,
        sign: str | None = None,
        api_key: str | None = None,
        **params: Any,
    ) -> httpx.Response:
        row = self.keys[key]
        nonce = nonce or self.nonce()
        if body is None:
            values = {"nonce": nonce, **params}
            body = json.dumps(values).encode() if as_json else urlencode(values).encode()
        path = f"/0/private/{name}"
        headers = {
            "API-Key": api_key or row["key"],
            "API-Sign": sign or api_sign(row["secret"], path, nonce, body),
            "Content-Type": "application/json" if as_json else "application/x-www-form-urlencoded",
        }
        return await self.http.post(self.kraken["rest"] + path, content=body, headers=headers)

    async def private(self, name: str, **params: Any) -> Any:
        """The result of a private call that must succeed."""
        answer = (await self.send_private(name, **params)).json()
        assert answer["error"] == [], answer
        return answer["result"]

    async def refusal(self, name: str, **params: Any) -> str:
        """The error text of a private call that must be refused."""
        answer = (await self.send_private(name, **params)).json()
        assert len(answer["error"]) == 1, answer
        assert "result" not in answer
        return str(answer["error"][0])

    async def control(self, command: str, **values: Any) -> Any:
        """The answer of a control command that must succeed."""
        answer = await self.http.post(
            f"{self.kraken['control']}/{command}",
            json=values,
            headers={"X-Practice-Token": self.kraken["control_token"]},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def token(self, key: str = "practice") -> str:
        return str((await self.private("GetWebSocketsToken", key=key))["token"])

    def best(self, symbol: str = "BTC/USD") -> tuple[Decimal, Decimal]:
        """Best bid and ask now."""
        engine = self.host.market.engines[symbol]
        bid, ask = engine.best_bid(), engine.best_ask()
        assert bid is not None
        assert ask is not None
        return bid.price, ask.price

    @asynccontextmanager
    async def ws(self, which: str = "ws_public") -> AsyncIterator[Ws]:
        """An open WebSocket, its status message already read."""
        async with connect(self.kraken[which], proxy=None, max_size=2**25, close_timeout=0.5) as link:
            ws = Ws(link)
            ws.status = await ws.next(lambda one: one.get("channel") == "status")
            yield ws


class Ws:
    """One WebSocket: what arrives is kept until it is asked for."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link
        self.seen: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self.status: dict[str, Any] = {}
        self._req_id = 0

    async def receive(self, timeout_s: float = 15.0) -> dict[str, Any]:
        """The next message, whatever it is. Numbers become ``Decimal`` and keep their digits."""
        async with asyncio.timeout(timeout_s):
            text = await self.link.recv()
        assert isinstance(text, str)
        self.raw.append(text)
        message: dict[str, Any] = json.loads(text, parse_float=Decimal)
        return message

    async def next(self, matches: Callable[[dict[str, Any]], Any], timeout_s: float = 15.0) -> dict[str, Any]:
        """The first message that matches, among those kept and those to come."""
        for index, message in enumerate(self.seen):
            if matches(message):
                return self.seen.pop(index)
        async with asyncio.timeout(timeout_s):
            while True:
                message = await self.receive(timeout_s)
                if matches(message):
                    return message
                self.seen.append(message)

    async def data(self, channel: str, kind: str | None = None, timeout_s: float = 15.0) -> dict[str, Any]:
        return await self.next(
            lambda one: one.get("channel") == channel and (kind is None or one.get("type") == kind), timeout_s
        )

    async def send(self, method: str, **params: Any) -> int:
        """Send a request; returns its id."""
        self._req_id += 1
        message: dict[str, Any] = {"method": method, "req_id": self._req_id}
        if params:
            message["params"] = params
        await self.link.send(json.dumps(message, default=float))
        return self._req_id

    async def answer(self, req_id: int, timeout_s: float = 15.0) -> dict[str, Any]:
        return await self.next(lambda one: one.get("req_id") == req_id, timeout_s)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and wait for its (first) answer."""
        return await self.answer(await self.send(method, **params))

    async def error(self, method: str, **params: Any) -> str:
        """The error text of a request that must be refused."""
        answer = await self.ask(method, **params)
        assert answer["success"] is False, answer
        return str(answer["error"])

    async def execution(self, exec_type: str, timeout_s: float = 15.0) -> dict[str, Any]:
        """The next row of the executions channel of this type."""
        message = await self.next(
            lambda one: (
                one.get("channel") == "executions"
                and one.get("type") == "update"
                and one["data"][0]["exec_type"] == exec_type
            ),
            timeout_s,
        )
        row: dict[str, Any] = message["data"][0]
        row["_sequence"] = message["sequence"]
        return row


class BookCopy:
    """A client's book: applies updates, truncates, and computes the checksum for itself."""

    def __init__(self, symbol: str, depth: int) -> None:
        listing = LISTING_BY_SYMBOL[symbol]
        self.depth = depth
        self._places = listing.price_decimals, listing.quantity_decimals
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def apply(self, message: dict[str, Any]) -> None:
        """One snapshot or update; fails where the checksum does not agree."""
        row = message["data"][0]
        if message["type"] == "snapshot":
            self.bids, self.asks = {}, {}
        for side, levels in (("bids", self.bids), ("asks", self.asks)):
            for level in row[side]:
                price, quantity = Decimal(level["price"]), Decimal(level["qty"])
                if quantity:
                    levels[price] = quantity
                else:
                    levels.pop(price, None)
        self.bids = {price: self.bids[price] for price in sorted(self.bids, reverse=True)[: self.depth]}
        self.asks = {price: self.asks[price] for price in sorted(self.asks)[: self.depth]}
        assert self.checksum() == row["checksum"]
        assert max(self.bids) < min(self.asks)

    def checksum(self) -> int:
        return crc_of(list(self.asks.items())[:10], list(self.bids.items())[:10], *self._places)


def crc_of(
    asks: list[tuple[Decimal, Decimal]],
    bids: list[tuple[Decimal, Decimal]],
    price_decimals: int,
    quantity_decimals: int,
) -> int:
    """Kraken's v2 checksum by the letter of its description."""
    text = ""
    for price, quantity in [*asks, *bids]:
        for value, places in ((price, price_decimals), (quantity, quantity_decimals)):
            text += f"{value:.{places}f}".replace(".", "").lstrip("0")
    return zlib.crc32(text.encode())


@asynccontextmanager
async def venue(*, live: bool = False, **options: Any) -> AsyncIterator[Venue]:
    """A practice venue in this process, with three pairs; its market stands still unless ``live``."""
    options.setdefault("seed", 11)
    options.setdefault("listings", tuple(LISTING_BY_SYMBOL[symbol] for symbol in SYMBOLS))
    host = PracticeHost(**options)
    await host.start(live=live)
    made = Venue(host)
    try:
        yield made
    finally:
        await made.http.aclose()
        await host.stop()
