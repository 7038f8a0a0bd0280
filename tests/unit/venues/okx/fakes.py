"""A small OKX on loopback for the connector's tests: three sockets that speak the protocol, and a REST side
answered from a table."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from terminal.core.secret import Secret
from terminal.domain.events import LinkChanged, LinkState, VenueEvent
from terminal.transport.reconnect import LinkPolicy
from terminal.venues.base import ConnectorSettings
from terminal.venues.okx.connector import OkxConnector
from tests.helpers import eventually
from tests.unit.venues.okx import samples

KEY = {
    "api_key": Secret("a-public-key-wxyz"),
    "api_secret": Secret("22582BD0CFF14C41EDBF1AB98506286D"),
    "passphrase": Secret("Corr3ct-horse"),
}
POLICY = LinkPolicy(
    ping_interval_s=86_400.0,
    ping_timeout_s=86_400.0,
    heartbeat_s=5.0,
    idle_timeout_s=60.0,
    backoff_s=(0.0, 0.05),
    first_jitter_s=0.01,
    close_timeout_s=0.3,
)
NOW_MS = "1790000000000"


@dataclass
class FakeAnswer:
    status: int
    body: bytes


@dataclass
class Call:
    """One request as the fake HTTP client got it."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


class FakeHttp:
    """Answers REST calls from a table: path -> rows, ``(code, message)``, an exception, an answer, or a
    function of the call that gives one of those."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.replies: dict[str, Any] = {
            "/api/v5/public/time": [{"ts": NOW_MS}],
            "/api/v5/public/instruments": lambda call: samples.BY_TYPE[call.query["instType"]],
            "/api/v5/account/instruments": lambda call: samples.BY_TYPE[call.query["instType"]],
            "/api/v5/account/config": [
                {
                    "acctLv": "2",
                    "posMode": "net_mode",
                    "perm": "read_only,trade",
                    "ip": "1.2.3.4",
                    "label": "desk",
                }
            ],
            "/api/v5/account/balance": [{"details": [{"ccy": "USDT", "cashBal": "100", "availBal": "90"}]}],
            "/api/v5/account/trade-fee": [
                {"feeGroup": [{"groupId": "1", "maker": "-0.0008", "taker": "-0.001"}]}
            ],
            "/api/v5/market/ticker": [{"instId": "BTC-USDT-SWAP", "last": "60000"}],
        }

    async def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline_s: float | None = None,
        reading: bool,
        urgent: bool = False,
    ) -> FakeAnswer:
        bare, _, query = path.partition("?")
        body = msgspec.json.decode(content) if content else None
        call = Call(method, bare, dict(parse_qsl(query)), body, dict(headers or {}))
        self.calls.append(call)
        await asyncio.sleep(0)
        reply = self.replies.get(bare, [])
        if isinstance(reply, list) and reply and callable(reply[0]):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if callable(reply):
            reply = reply(call)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, FakeAnswer):
            return reply
        if isinstance(reply, tuple):
            code, message, *rows = reply
            envelope = {"code": code, "msg": message, "data": rows[0] if rows else []}
        else:
            envelope = {"code": "0", "msg": "", "data": reply}
        return FakeAnswer(200, msgspec.json.encode(envelope))

    def named(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.path.endswith(f"/{name}")]


@dataclass
class Venue:
    """The sockets. ``answers`` makes the rows of an order operation from its arguments; None: silence."""

    port: int = 0
    sockets: dict[str, list[ServerConnection]] = field(default_factory=dict)
    """By path, in the order they came; the last one is the newest."""
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, Callable[[list[dict[str, Any]]], Any]] = field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Instrument -> the code and text with which a subscription to it is refused."""
    login: dict[str, Any] = field(default_factory=lambda: {"event": "login", "code": "0", "msg": ""})
    acknowledges: bool = True
    pings: int = 0

    async def talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        path = socket.request.path.rpartition("/")[2]
        self.sockets.setdefault(path, []).append(socket)
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                if text == "ping":
                    self.pings += 1
                    await socket.send("pong")
                    continue
                request = msgspec.json.decode(text)
                self.heard.append((path, request))
                for answer in self.answer(request):
                    await socket.send(msgspec.json.encode(answer).decode())

    def answer(self, request: dict[str, Any]) -> list[Any]:
        op, number = request["op"], request.get("id", "")
        if op == "login":
            return [self.login]
        if op in ("subscribe", "unsubscribe"):
            if not self.acknowledges:
                return []
            for arg in request["args"]:
                if arg.get("instId") in self.refused:
                    code, text = self.refused[arg["instId"]]
                    return [{"id": number, "event": "error", "code": code, "msg": text}]
            return [{"id": number, "event": op, "arg": arg, "connId": "a"} for arg in request["args"]]
        make = self.answers.get(op)
        rows = make(request["args"]) if make is not None else None
        if rows is None:
            return []
        if isinstance(rows, tuple):
            return [{"id": number, "op": op, "code": rows[0], "msg": rows[1], "data": []}]
        failed = sum(row["sCode"] != "0" for row in rows)
        code = "0" if not failed else "1" if failed == len(rows) else "2"
        return [{"id": number, "op": op, "code": code, "msg": "", "data": rows}]

    async def push(self, path: str, message: object) -> None:
        """Send over the newest connection of a path."""
        text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
        await self.sockets[path][-1].send(text)

    def asked(self, path: str, op: str) -> list[dict[str, Any]]:
        return [request for where, request in self.heard if where == path and request["op"] == op]

    def channels(self, path: str, op: str = "subscribe") -> list[str]:
        return [arg["channel"] for request in self.asked(path, op) for arg in request["args"]]

    async def cut(self, path: str) -> None:
        """Drop the newest connection of a path without a goodbye."""
        self.sockets[path][-1].transport.abort()


def taken(order_id: str = "777") -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """An acknowledgement of every order."""
    return lambda args: [
        {"ordId": order_id, "clOrdId": arg.get("clOrdId", ""), "sCode": "0", "sMsg": ""} for arg in args
    ]


def order_row(**changes: Any) -> dict[str, Any]:
    """A row of the orders channel."""
    return {
        "instType": "SPOT",
        "instId": "BTC-USDT",
        "ordId": "777",
        "clOrdId": "abc1",
        "px": "30000.1",
        "sz": "0.01",
        "ordType": "limit",
        "side": "buy",
        "posSide": "",
        "tdMode": "cash",
        "tgtCcy": "",
        "state": "live",
        "accFillSz": "0",
        "avgPx": "",
        "fillPx": "",
        "fillSz": "0",
        "tradeId": "",
        "reduceOnly": "false",
        "cancelSource": "",
        "cTime": "1790000000000",
        "uTime": "1790000000000",
        **changes,
    }


def orders(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"arg": {"channel": "orders", "instType": "ANY", "uid": "1"}, "data": list(rows)}


class Events:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.all: list[VenueEvent] = []

    def __call__(self, event: VenueEvent) -> None:
        self.all.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.all if type(event) is kind]


@dataclass
class Desk:
    """A connected connector, its venue and what it told."""

    venue: Venue
    http: FakeHttp
    connector: OkxConnector
    events: Events

    def last_link(self, name: str) -> LinkState | None:
        states = [event.state for event in self.events.of(LinkChanged) if event.link == name]
        return states[-1] if states else None


@contextlib.asynccontextmanager
async def desk(
    *,
    key: bool = True,
    http: FakeHttp | None = None,
    venue: Venue | None = None,
    wait: bool = True,
    **options: str,
) -> AsyncIterator[Desk]:
    """A connector on a small OKX, its links live; closed at the end."""
    found_venue, found_http, events = venue or Venue(), http or FakeHttp(), Events()
    server: Server
    async with serve(found_venue.talk, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        found_venue.port = next(iter(server.sockets)).getsockname()[1]
        base = f"ws://127.0.0.1:{found_venue.port}/ws/v5"
        connector = OkxConnector(
            ConnectorSettings(
                {
                    "ws_public": f"{base}/public",
                    "ws_private": f"{base}/private",
                    "ws_business": f"{base}/business",
                },
                KEY if key else {},
                {"order_deadline_s": "5", **options},
            ),
            http=found_http,
            policy=POLICY,
        )
        found = Desk(found_venue, found_http, connector, events)
        try:
            await connector.connect(events)
            if key and wait:
                await eventually(
                    lambda: found.last_link("private") is LinkState.LIVE, what="the private link"
                )
            yield found
        finally:
            await connector.close()
