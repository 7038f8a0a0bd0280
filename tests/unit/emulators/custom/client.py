"""A running practice plugin and ways to talk to it; the wire is the transcript checker's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from terminal.emulators.custom.behaviour import Behaviour
from terminal.emulators.host import PracticeHost
from tests.fmz_transcript import Node

SYMBOL = "ETH_USDT"


class Venue:
    """The plugin, its keys, its control API."""

    def __init__(self, host: PracticeHost) -> None:
        self.host = host
        self.face = host.custom
        self.market = host.custom.market
        self.entry: dict[str, Any] = host.endpoints()["custom"]
        self.node = self.node_of("practice")
        self.http = httpx.AsyncClient(trust_env=False, timeout=20.0)

    def node_of(self, name: str) -> Node:
        """FMZ's side, with one of the keys."""
        row = next(one for one in self.entry["keys"] if one["name"] == name)
        return Node(self.entry["service"], row["access_key"], row["secret_key"])

    async def data(self, method: str, **params: Any) -> Any:
        """The data of a call that must succeed."""
        envelope = (await self.node.call(method, params)).envelope
        assert "data" in envelope, envelope
        return envelope["data"]

    async def error(self, method: str, **params: Any) -> str:
        """The error of a call that must be refused."""
        envelope = (await self.node.call(method, params)).envelope
        assert set(envelope) == {"error"}, envelope
        return str(envelope["error"])

    async def control(self, command: str, **values: Any) -> Any:
        answer = await self.http.post(
            f"{self.entry['control']}/{command}",
            json=values,
            headers={"X-Practice-Token": self.entry["control_token"]},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def fault(self, kind: str, **options: Any) -> None:
        await self.control("fault", kind=kind, **options)

    def price(self, factor: str = "1") -> str:
        """A price on the grid, so many times the best bid."""
        best = self.market.engines["ETH/USDT"].best_bid()
        assert best is not None
        return format((best.price * Decimal(factor)).quantize(Decimal("0.01")), "f")

    async def place(self, factor: str = "0.8", **terms: Any) -> str:
        """The id of an order that rests far below the market, unless told otherwise."""
        order = {"symbol": SYMBOL, "type": "buy", "amount": "0.1", "price": self.price(factor), **terms}
        return str((await self.data("trade", **order))["id"])

    async def raw_bytes(self, data: bytes) -> bytes:
        """Everything that comes back for some bytes, until the plugin closes."""
        reader, writer = await asyncio.open_connection(self.node.host, self.node.port)
        try:
            writer.write(data)
            async with asyncio.timeout(20):
                return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def plugin(*switches: str, data_dir: Path | None = None, live: bool = False) -> AsyncIterator[Venue]:
    """A practice plugin with some switches on; its exchange stands still unless ``live``."""
    host = PracticeHost(venues=("custom",), seed=11, data_dir=data_dir, plugin=Behaviour.of(switches))
    await host.start(live=live)
    venue = Venue(host)
    try:
        yield venue
    finally:
        await venue.http.aclose()
        await host.stop()
