"""A small raw OKX client, written from the protocol alone: it shares no code with the venue."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from terminal.emulators.host import PracticeHost


def sign(secret: str, text: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


class Stream:
    """One WebSocket: what came is kept, and can be waited for."""

    def __init__(self, socket: ClientConnection, venue: Venue) -> None:
        self.socket = socket
        self.venue = venue
        self.seen: list[Any] = []
        self._ids = 0

    async def send(self, message: Any) -> None:
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def until(self, holds: Callable[[Any], bool], timeout_s: float = 20.0) -> Any:
        """The first message, seen or to come, that fits; it is taken out."""
        async with asyncio.timeout(timeout_s):
            while True:
                for i, message in enumerate(self.seen):
                    if holds(message):
                        return self.seen.pop(i)
                text = await self.socket.recv()
                assert isinstance(text, str)
                self.seen.append(json.loads(text) if text[:1] == "{" else text)

    async def data(self, channel: str, holds: Callable[[Any], bool] = lambda row: True) -> Any:
        """The first data message of a channel whose first row fits."""
        return await self.until(
            lambda one: (
                isinstance(one, dict)
                and "event" not in one
                and one.get("arg", {}).get("channel") == channel
                and holds(one["data"][0] if one["data"] else {})
            )
        )

    async def subscribe(self, channel: str, **arg: str) -> Any:
        """Subscribe and wait for the acknowledgement."""
        arg = {"channel": channel, **arg}
        await self.send({"op": "subscribe", "args": [arg]})
        return await self.until(
            lambda one: isinstance(one, dict) and one.get("arg") == arg and "event" in one
        )

    async def login(self, key: str = "practice", **changes: str) -> Any:
        """Log in and return the answer."""
        row = self.venue.keys[key]
        stamp = str(int(time.time()))
        args = {
            "apiKey": row["key"],
            "passphrase": row["passphrase"],
            "timestamp": stamp,
            "sign": sign(row["secret"], f"{stamp}GET/users/self/verify"),
            **changes,
        }
        await self.send({"op": "login", "args": [args]})
        return await self.until(lambda one: isinstance(one, dict) and one.get("event") in ("login", "error"))

    async def op(self, op: str, *rows: dict[str, Any], **top: Any) -> Any:
        """An order operation; its answer."""
        self._ids += 1
        request_id = f"r{self._ids}"
        await self.send({"id": request_id, "op": op, "args": list(rows), **top})
        return await self.until(lambda one: isinstance(one, dict) and one.get("id") == request_id)

    async def order(self, state: str, client_id: str) -> Any:
        """The row of the orders channel that tells this state of an order."""
        message = await self.data(
            "orders", lambda row: row.get("clOrdId") == client_id and row.get("state") == state
        )
        return message["data"][0]


class Venue:
    """A running practice venue and ways to talk to it."""

    def __init__(self, host: PracticeHost) -> None:
        self.host = host
        self.endpoints = host.endpoints()
        self.okx = self.endpoints["okx"]
        self.keys = {row["name"]: row for row in self.okx["keys"]}
        self.http = httpx.AsyncClient(trust_env=False, timeout=20.0, base_url=self.okx["rest"])
        self._names = 0

    def name(self) -> str:
        """A fresh clOrdId."""
        self._names += 1
        return f"t{self._names:06d}"

    async def public(self, path: str, **params: Any) -> Any:
        answer = await self.http.get(f"/api/v5/{path}", params=params)
        return answer.json()

    async def rows(self, path: str, **params: Any) -> Any:
        """The data of a public call that must succeed."""
        answer = await self.public(path, **params)
        assert answer["code"] == "0", answer
        return answer["data"]

    async def send(
        self,
        method: str,
        path: str,
        *,
        key: str = "practice",
        body: Any = None,
        headers: dict[str, str] | None = None,
        at: datetime | None = None,
        **params: Any,
    ) -> httpx.Response:
        row = self.keys[key]
        target = f"/api/v5/{path}"
        if params:
            target += "?" + str(httpx.QueryParams(params))
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        moment = at or datetime.now(UTC)
        stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
        sent = {
            "OK-ACCESS-KEY": row["key"],
            "OK-ACCESS-SIGN": sign(row["secret"], stamp + method + target + text),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": row["passphrase"],
            "Content-Type": "application/json",
            "x-simulated-trading": "1",
            **(headers or {}),
        }
        sent = {name: value for name, value in sent.items() if value}
        return await self.http.request(method, target, content=text.encode(), headers=sent)

    async def get(self, path: str, *, key: str = "practice", **params: Any) -> Any:
        """The data of a private GET that must succeed."""
        answer = (await self.send("GET", path, key=key, **params)).json()
        assert answer["code"] == "0", answer
        return answer["data"]

    async def post(self, path: str, body: Any, *, key: str = "practice") -> Any:
        """The whole answer of a private POST."""
        return (await self.send("POST", path, key=key, body=body)).json()

    async def act(self, path: str, body: Any, *, key: str = "practice") -> Any:
        """The first row of a private POST that must succeed."""
        answer = await self.post(path, body, key=key)
        assert answer["code"] == "0", answer
        return answer["data"][0]

    async def place(self, *, key: str = "practice", **fields: Any) -> Any:
        """Place an order (spot BTC-USDT unless told otherwise); its answer row."""
        body = {"instId": "BTC-USDT", "tdMode": "cash", "clOrdId": self.name(), **fields}
        return await self.act("trade/order", body, key=key)

    async def refusal(self, **fields: Any) -> str:
        """The sCode of an order that must be refused."""
        body = {"instId": "BTC-USDT", "tdMode": "cash", **fields}
        answer = await self.post("trade/order", body)
        assert answer["code"] == "1", answer
        assert answer["data"][0]["ordId"] == ""
        return str(answer["data"][0]["sCode"])

    async def control(self, command: str, **values: Any) -> Any:
        """The answer of a control command that must succeed."""
        answer = await self.http.post(
            f"{self.okx['control']}/{command}",
            json=values,
            headers={"X-Practice-Token": self.okx["control_token"]},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def best(self, inst_id: str = "BTC-USDT") -> tuple[Decimal, Decimal]:
        """Best bid and ask now."""
        engine = self.host.okx.exchange.engines[inst_id]
        bid, ask = engine.best_bid(), engine.best_ask()
        assert bid is not None
        assert ask is not None
        return bid.price, ask.price

    def code(self, inst_id: str = "BTC-USDT") -> int:
        return self.host.okx.exchange.instruments[inst_id].code

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[Stream]:
        # Without a bound on what waits unread, closing never waits for a reader.
        async with connect(self.okx[f"ws_{path}"], proxy=None, max_queue=None) as socket:
            yield Stream(socket, self)

    @asynccontextmanager
    async def private(self, *channels: str, key: str = "practice") -> AsyncIterator[Stream]:
        """A private connection, logged in and subscribed (orders of all types)."""
        async with self.stream("private") as stream:
            assert (await stream.login(key))["event"] == "login"
            for channel in channels:
                extra = {"instType": "ANY"} if channel in ("orders", "positions") else {}
                assert (await stream.subscribe(channel, **extra))["event"] == "subscribe"
            yield stream


@asynccontextmanager
async def venue(*, live: bool = True, data_dir: Path | None = None, **terms: Any) -> AsyncIterator[Venue]:
    """A practice OKX of its own, alone unless told otherwise; its market stands still unless ``live``."""
    given = {"venues": ("okx",), "seed": 11, "data_dir": data_dir, "rate": 1.0 if live else 0.0, **terms}
    host = PracticeHost(**given)
    await host.start(live=live)
    found = Venue(host)
    try:
        yield found
    finally:
        await found.http.aclose()
        await host.stop()
