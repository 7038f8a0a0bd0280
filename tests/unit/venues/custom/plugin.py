"""A plugin on loopback that can be told to misbehave: plain sockets, HTTP/1.0 without a length, one answer a
connection, as the reference plugin does it. Written from the protocol's guide alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from terminal.core.secret import Secret
from terminal.domain.events import LinkChanged, LinkState, VenueEvent
from terminal.venues.base import ConnectorSettings
from terminal.venues.custom.connector import CustomConnector
from tests.helpers import eventually

ACCESS = "CANARY-access-3f9a77d1"
SECRET = "CANARY-secret-77d1c0ff,CANARY-passphrase-0ff1,simulate"
QUICK = {
    "symbols": "ETH_USDT:0.01:0.001, BTC_USDT:0.1:0.0001",
    "quotes_s": "0.02",
    "book_s": "0.02",
    "trades_s": "0.02",
    "bars_s": "0.02",
    "orders_s": "0.02",
    "orders_idle_s": "0.1",
    "accounts_s": "0.05",
    "baseline_s": "0.000001",
    "calls_per_s": "5000",
}

Answer = Callable[[dict[str, Any]], Any]


class PluginError(Exception):
    """What a method answers as ``error``."""


@dataclass
class Call:
    """One request as it came."""

    method: str
    params: dict[str, Any]
    nonce: int
    head: str
    body: dict[str, Any]


@dataclass
class Plugin:
    """Answers by method; ``faults`` of a method are used up one a call, before it is answered.

    A fault is ``drop`` (closed without a word), ``drop-after`` (done, then closed without a word), ``cut``
    (half of the answer), ``html``, ``slow`` (no answer until ``release`` is set), ``slow-after`` (done, then
    likewise), or a text that starts with ``error:``.
    """

    faults: dict[str, deque[str]] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    """All orders, newest last, as they are listed."""
    balances: list[dict[str, Any]] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    with_length: bool = False
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0
    _number: int = 100

    def __post_init__(self) -> None:
        self.balances = [
            {"currency": "USDT", "free": "3000", "frozen": "0"},
            {"currency": "ETH", "free": 0.25, "frozen": "0.05"},
        ]
        self.answers = {
            "ticker": lambda params: ticker(params["symbol"]),
            "depth": lambda params: {
                "time": 1500793319499,
                "asks": [[1000, 0.5], [1001, 0.23], [1004, 2.1]],
                "bids": [[999, 0.25], [998, 0.8], [995, 1.4]],
            },
            "trades": lambda params: [
                {"id": 12545664, "time": 1529919412968, "price": 1000, "amount": 0.5, "type": "buy"},
                {"id": 12232153, "time": 1529919412900, "price": "1001", "amount": 1, "type": "ask"},
            ],
            "records": lambda params: [
                [1500793380, 1.1, 2.2, 0.9, 2.0, 5.5],
                [1500793320, "1.01", "2.02", "0.5", "1.04", "5.05"],
            ],
            "accounts": lambda params: self.balances,
            "orders": lambda params: [
                row for row in self.orders if row["status"] in ("pending", "submitted", "partial-filled")
            ],
            "historyorders": lambda params: [
                row for row in self.orders if row["status"] in ("filled", "canceled", "partial-canceled")
            ],
            "order": self._order,
            "trade": self._trade,
            "cancel": self._cancel,
        }

    # -- what it does ---------------------------------------------------------------------------------

    def place(self, **terms: Any) -> dict[str, Any]:
        """An order that is there, whoever placed it."""
        self._number += 1
        row = {
            "id": f"ETH-USDT,{self._number}",
            "symbol": "ETH_USDT",
            "amount": 0.25,
            "price": 1005,
            "deal_amount": 0,
            "avg_price": "0",
            "type": "buy",
            "status": "pending",
            **terms,
        }
        self.orders.append(row)
        return row

    def fill(self, row: dict[str, Any], dealt: str, average: str) -> None:
        """So much of an order is filled now, at this average price."""
        done = float(dealt) >= float(row["amount"])
        row.update(deal_amount=dealt, avg_price=average, status="filled" if done else "partial-filled")

    def _order(self, params: dict[str, Any]) -> Any:
        for row in self.orders:
            if row["id"] == params["id"]:
                return row
        raise PluginError("order does not exist")

    def _trade(self, params: dict[str, Any]) -> Any:
        row = self.place(
            symbol=params["symbol"],
            amount=params["amount"],
            price=params["price"] if float(params["price"]) > 0 else 0,
            type=params["type"],
        )
        return {"id": row["id"]}

    def _cancel(self, params: dict[str, Any]) -> Any:
        row = self._order(params)
        if row["status"] not in ("pending", "submitted", "partial-filled"):
            raise PluginError("order has ended already")
        row["status"] = "partial-canceled" if float(row["deal_amount"]) else "canceled"
        return True

    def sent(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every call of a method."""
        return [call.params for call in self.calls if call.method == method]

    def counts(self) -> Counter[str]:
        return Counter(call.method for call in self.calls)

    def fail(self, method: str, *faults: str) -> None:
        """Misbehave at the next calls of a method."""
        self.faults.setdefault(method, deque()).extend(faults)

    def always(self, method: str, text: str) -> None:
        """Answer a method with this error from now on."""

        def refuse(params: dict[str, Any]) -> Any:
            raise PluginError(text)

        self.answers[method] = refuse

    # -- the wire -------------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.at_once -= 1
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
        )
        body = json.loads(await reader.readexactly(length))
        call = Call(body["method"], body["params"], body["nonce"], head, body)
        self.calls.append(call)
        waiting = self.faults.get(call.method)
        fault = waiting.popleft() if waiting else ""
        if fault == "drop":
            return
        if fault == "slow":
            await self.release.wait()
        answer = json.dumps({"error": fault[6:].strip()}) if fault.startswith("error:") else self._do(call)
        if fault == "slow-after":
            await self.release.wait()
        if fault == "drop-after":
            return
        if fault == "html":
            answer = "<html><body>Bad gateway</body></html>"
        if fault == "cut":
            answer = answer[: len(answer) // 2]
        if self.with_length:
            length = len(answer.encode())
            start = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n"
        else:
            start = "HTTP/1.0 200 OK\r\nContent-type: application/json; charset=utf-8\r\n\r\n"
        writer.write((start + answer).encode())
        await writer.drain()

    def _do(self, call: Call) -> str:
        method = self.answers.get(call.method)
        try:
            if method is None:
                raise PluginError(f"invalid method: {call.method}")
            return json.dumps({"data": method(call.params)})
        except PluginError as error:
            return json.dumps({"error": str(error)})


def ticker(symbol: str, **changes: Any) -> dict[str, Any]:
    """The guide's own example."""
    return {
        "symbol": symbol,
        "buy": "2922.18",
        "sell": "2922.19",
        "high": "2955",
        "low": "2775.15",
        "open": "2787.72",
        "last": "2922.18",
        "vol": "249400.888156",
        "time": "1731028903911",
        **changes,
    }


@dataclass
class Desk:
    """A connector on a plugin, and everything it told."""

    plugin: Plugin
    connector: CustomConnector
    events: list[VenueEvent] = field(default_factory=list)
    links: dict[str, LinkState] = field(default_factory=dict)

    def __call__(self, event: VenueEvent) -> None:
        self.events.append(event)
        if isinstance(event, LinkChanged):
            self.links[event.link] = event.state

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until_live(self) -> None:
        await eventually(lambda: self.links.get("private") is LinkState.LIVE, what="the private link")


def connector_of(
    plugin: Plugin, *, access: str = ACCESS, secret: str = SECRET, name: str = "OKX", **options: str
) -> CustomConnector:
    """A connector for a plugin, in quick time."""
    return CustomConnector(
        ConnectorSettings(
            {"service": f"http://127.0.0.1:{plugin.port}/{name}"},
            {"access_key": Secret(access), "secret_key": Secret(secret)},
            {**QUICK, **options},
        )
    )


@contextlib.asynccontextmanager
async def running(plugin: Plugin) -> AsyncIterator[Plugin]:
    """The plugin on a port of this machine."""
    server = await asyncio.start_server(plugin.serve, "127.0.0.1", plugin.port)
    plugin.port = server.sockets[0].getsockname()[1]
    try:
        yield plugin
    finally:
        plugin.release.set()
        server.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def desk(plugin: Plugin | None = None, **options: str) -> AsyncIterator[Desk]:
    """A connected connector whose account is known."""
    async with running(plugin or Plugin()) as here:
        connector = connector_of(here, **options)
        found = Desk(here, connector)
        try:
            await connector.connect(found)
            await connector.instruments()
            await found.until_live()
            yield found
        finally:
            await connector.close()
