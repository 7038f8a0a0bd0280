"""A running practice venue for tests: faults ordered over its control API, its own word on what arrived."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from terminal.app.practice import PracticeVenues
from terminal.core.secret import Secret
from terminal.emulators.process import EmulatorProcess
from terminal.venues.base import ConnectorSettings

_CALM_PCT = 0.7
SENDING = frozenset(
    {
        *("add_order", "batch_add", "AddOrder", "AddOrderBatch", "NewOrderReq"),
        *("order", "batch-orders", "trade/order", "trade/batch-orders", "trade/order-algo"),
        *("orders/open", "pending/create"),
    }
)
AMENDING = frozenset({"amend_order", "AmendOrderReq", "amend-order", "trade/amend-order"})


@dataclass(frozen=True, slots=True)
class Told:
    """The venue's own record of one account."""

    requests: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    fills: list[dict[str, Any]]
    balances: dict[str, dict[str, str]]
    rest_counters: dict[str, float]
    order_counters: dict[str, float]
    positions: dict[str, Decimal] = field(default_factory=dict)
    """Base units of what is open, by the venue's id; where it keeps positions."""
    money: Decimal | None = None
    """Of an account on margin."""

    def sent(self) -> Counter[str]:
        """How often each of our ids came in a request that places an order."""
        return Counter(key for row in self.requests if row["method"] in SENDING for key in row["cl_ord_ids"])

    def with_id(self, client_order_id: str) -> list[dict[str, Any]]:
        return [row for row in self.orders if row["cl_ord_id"] == client_order_id]

    def open_ids(self) -> set[str]:
        return {row["cl_ord_id"] for row in self.orders if row["open"]}

    def total(self, asset: str) -> Decimal:
        row = self.balances.get(asset)
        return Decimal(row["total"]) if row is not None else Decimal(0)

    def require_nothing_sent_twice(self) -> None:
        twice = {key: count for key, count in self.sent().items() if count > 1}
        assert not twice, f"sent more than once: {twice}"
        placed = Counter(row["cl_ord_id"] for row in self.orders if row["cl_ord_id"])
        assert not [key for key, count in placed.items() if count > 1], "the venue has an order twice"


class Practice:
    """One child process with a venue in it; started and stopped outside any event loop.

    The words are those of a venue with keys and a tape; another kind has a class of its own over this one.
    """

    main_account = "kraken:practice"
    accounts: tuple[str, ...] = ("kraken:practice", "kraken:second")
    timer_rate = 1
    """So many seconds of a dead man's switch pass in one."""

    def __init__(self, venue: str = "kraken", *, data_dir: Path | None = None, seed: int = 7) -> None:
        self.venue = venue
        # One message for each change of a book: a few hundred come quickly.
        self.process = EmulatorProcess(data_dir=data_dir, venues=(venue,), seed=seed)
        self.endpoints: dict[str, Any] = {}
        self._struck_before: dict[str, int] = {}

    def start(self) -> Practice:
        self.endpoints = asyncio.run(self.process.start())
        return self

    def stop(self) -> None:
        asyncio.run(self.process.stop())

    @property
    def entry(self) -> dict[str, Any]:
        """The venue's part of the endpoints file."""
        found: dict[str, Any] = self.endpoints[self.venue]
        return found

    def key(self, name: str) -> dict[str, Any]:
        """One of the practice keys: ``practice``, ``read-only``, ``withdraw``, ``otp``..."""
        found: dict[str, Any] = next(row for row in self.entry["keys"] if row["name"] == name)
        return found

    def settings(self, key: str | None = "practice", **options: str) -> ConnectorSettings:
        """What a connector is built with; without a key, public data only."""
        addresses = {name: self.entry[name] for name in ("rest", "ws_public", "ws_private")}
        credentials: dict[str, Secret] = {}
        if key is not None:
            row = self.key(key)
            credentials = {"api_key": Secret(row["key"]), "api_secret": Secret(row["secret"])}
            if row["otp"]:
                credentials["otp"] = Secret(row["otp"])
        return ConnectorSettings(
            addresses, credentials, {"public_calls_per_s": "50", "tier": "intermediate", **options}
        )

    def command(self, what: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One command of the control API, blocking; it answers within milliseconds."""
        address = urlsplit(self.entry["control"])
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            connection.request(
                "POST",
                f"{address.path}/{what}",
                json.dumps(dict(values or {})),
                {"X-Practice-Token": self.entry["control_token"], "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            body: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status == 200, body
        return body

    async def order(self, what: str, **values: Any) -> dict[str, Any]:
        """A command, without holding up the event loop."""
        return await asyncio.to_thread(self.command, what, values)

    async def fault(self, kind: str, **options: Any) -> dict[str, Any]:
        """Order a fault; see ``terminal/emulators/faults.py``."""
        return await self.order("fault", kind=kind, **options)

    async def clear(self) -> None:
        """No fault waits any more."""
        await self.order("clear")

    def account_of(self, key: str | None) -> str:
        """The account that one of the keys is for."""
        return "kraken:second" if key == "second" else self.main_account

    def label_of(self, key: str) -> str:
        """How the label of a key ends, by which a person tells it from others."""
        return str(self.key(key)["key"][-4:])

    def walk(self, url: str, *, allows: bool = True) -> str:
        """Go through the venue's sign-in pages as a browser does; the address that they lead back to."""
        raise NotImplementedError(f"{self.venue} has no sign-in pages")

    # -- what happens at the venue ----------------------------------------------------------------------

    async def cut(self) -> None:
        """Every connection for prices and orders is reset."""
        await self.fault("cut", match="connect/ws*")

    async def deny_questions(self) -> None:
        """The next questions after orders have no answer."""
        await self.fault("error", match="rest/read/OpenOrders", error="EService:Unavailable", count=9)

    async def spoil_private(self) -> None:
        """One of the next messages about orders is lost, and that can be noticed."""
        await self.fault("sequence_gap", match="ws/data/executions")

    async def stir(self, symbol: str) -> None:
        """Something happens in a market, so that everything that is told of it is told anew."""
        await self.order("trade", symbol=symbol, side="buy", quantity="1")

    async def freeze(self) -> None:
        """The market stands still."""
        await self.order("rate", rate=0.0)

    async def shock(self, symbol: str, percent: float) -> None:
        """Move a market at once."""
        await self.order("shock", symbol=symbol, percent=percent)

    async def reach(self, symbol: str, price: Decimal) -> None:
        """Somebody buys everything up to a price that is near the market."""
        await self.order("trade", symbol=symbol, side="buy", through=format(price, "f"))

    # -- what the venue says ----------------------------------------------------------------------------

    async def told(self, account: str = "kraken:practice") -> Told:
        """What the venue itself has noted."""
        row = (await self.order("record", account=account))[self.venue]
        return Told(**row)

    async def stats(self) -> dict[str, Any]:
        return await self.order("stats")

    async def struck(self, kind: str) -> int:
        """How often a fault has struck since :meth:`renew`."""
        count: int = (await self.stats())["struck"].get(kind, 0)
        return count - self._struck_before.get(kind, 0)

    def renew(self) -> None:
        """As at the start: no faults, first balances, empty counters, an empty record, a calm market."""
        self.command("clear")
        # What a test before moved comes back quickly: an order far from the market has to stay far from it.
        self.command("rate", {"rate": 20.0, "book_batch_ms": 20})
        deadline = time.monotonic() + 20
        while (off := self.command("stats")["off_fair_pct"]) > _CALM_PCT:
            assert time.monotonic() < deadline, f"the practice market is still {off:.1f} % off"
            time.sleep(0.01)
        self.command("rate", {"rate": 1.0})
        self.command("reset")
        self._struck_before = self.command("stats")["struck"]


class RunningVenues(PracticeVenues):
    """Practice venues that run already and outlive the terminal that uses them."""

    def __init__(self, practice: Practice, folder: Path) -> None:
        super().__init__(folder, (practice.venue,), seed=None, rate=1.0)
        self.endpoints = practice.endpoints

    def spawn(self) -> None:
        """It runs."""

    async def start(self) -> Mapping[str, Any]:
        return self.endpoints

    async def stop(self) -> None:
        """It stays for the next test."""
