"""A bridge over a venue in memory, and a plain HTTP client to call it with."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from terminal.bridge.bots import BotLimits, BotMode, NewKeys
from terminal.bridge.service import Bridge
from terminal.core.clock import SystemClock
from terminal.core.secret import Secret
from terminal.domain.account import AccountSnapshot, Balance
from terminal.domain.errors import RequestRejected
from terminal.domain.events import (
    BarsReceived,
    FeedConfirmed,
    LinkChanged,
    LinkState,
    OrderReported,
    TradesReceived,
)
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import (
    Bar,
    BookLevel,
    BookSnapshot,
    Feed,
    FeedKind,
    FundingRate,
    Quote,
    Side,
    Trade,
)
from terminal.domain.orders import OrderRef, OrderReport, OrderRequest, OrderState, OrderType
from terminal.services.arming import Arming, ArmState
from terminal.services.journal import Journal
from terminal.services.margins import Margins
from terminal.services.market_data import MarketData
from terminal.services.notices import Notice
from terminal.services.orders import OrderGate
from terminal.services.portfolio import Portfolio
from terminal.services.risk import Limit, RiskLimits, RiskRules
from terminal.services.session import ConnectionPlan, Mode, SessionManager
from terminal.transport.http_server import ServerLimits
from terminal.venues.base import ConnectorSettings, Leverage, SubmitAck
from tests.fakes import INFO, FakeConnector, instrument
from tests.helpers import eventually

D = Decimal
BTC = InstrumentId("fake", "BTC/USD")
ACCOUNT = "fake:practice"
KEYED = ConnectorSettings({}, {"key": Secret("k" * 20)})
PERP = replace(
    instrument(InstrumentId("fake", "BTC/USD-PERP")), base="BTC", quote="USD", kind=InstrumentKind.PERPETUAL
)
BARS = [Bar(60_000_000_000 * (28_000_000 + n), D(1), D(3), D("0.5"), D(2), D("7E+2")) for n in range(5)]


class LendingVenue(FakeConnector):
    """A venue with a price of 60,000, that takes orders and remembers them."""

    def __init__(self, name: str = "fake") -> None:
        super().__init__(replace(INFO, name=name, title=name.capitalize()), history=BARS)
        self.name = name
        self.orders: list[OrderRequest] = []
        self.canceled: list[str] = []
        self.silent: set[FeedKind] = set()
        self.submit_error: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.raw: list[tuple[str, dict[str, str]]] = []
        self.numbers = itertools.count(1)
        self.snapshot_answer = AccountSnapshot((Balance("USD", D(1_000_000)), Balance("BTC", D(50))), ())

    async def connect(self, sink: Any) -> None:
        await super().connect(sink)
        self.emit(LinkChanged("private", LinkState.LIVE, "", 0))

    def health(self) -> Any:
        return replace(super().health(), last_frame_ns=time.monotonic_ns())

    async def instruments(self) -> list[Instrument]:
        here = [instrument(InstrumentId(self.name, symbol)) for symbol in ("BTC/USD", "ETH/USD")]
        return [*here, replace(PERP, id=InstrumentId(self.name, PERP.symbol))]

    async def subscribe(self, feed: Feed) -> None:
        await super().subscribe(feed)
        if feed.kind in self.silent:
            return
        self.emit(FeedConfirmed(feed))
        at, now = InstrumentId(self.name, feed.symbol), time.time_ns()
        if feed.kind is FeedKind.QUOTES:
            self.emit(
                Quote(at, D("60000.0"), D(1), D("60000.1"), D(2), D("60000.0"), D("12.5"), D(58000), D(61000),
                      D(500), D("0.8"), None, now, now)
            )  # fmt: skip
        elif feed.kind is FeedKind.BOOK:
            bids = tuple(BookLevel(D("60000.0") - D(i) / 10, D(1)) for i in range(20))
            asks = tuple(BookLevel(D("60000.1") + D(i) / 10, D("5E-1")) for i in range(20))
            self.emit(BookSnapshot(at, bids, asks, 500, None, None, now, now))
        elif feed.kind is FeedKind.TRADES:
            prints = tuple(
                Trade(at, str(i), Side.BUY if i % 2 else Side.SELL, D(60000 + i), D("0.5"), now + i, now)
                for i in range(3)
            )
            self.emit(TradesReceived(at, prints, True))
        else:
            assert feed.interval_s is not None
            self.emit(BarsReceived(at, feed.interval_s, tuple(BARS), now))

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck:
        self.orders.append(request)
        if self.hold is not None:
            await self.hold.wait()
        if self.submit_error is not None:
            raise self.submit_error
        return SubmitAck(f"V{next(self.numbers)}")

    async def cancel(self, ref: OrderRef) -> None:
        if ref.client_order_id is None:
            raise RequestRejected("fake", "unknown")
        self.canceled.append(ref.client_order_id)
        self.emit(
            OrderReported(
                OrderReport(
                    InstrumentId(self.name, BTC.symbol), ref.venue_order_id or "", ref.client_order_id,
                    OrderState.CANCELED,
                    ref.side or Side.BUY, OrderType.LIMIT, ref.quantity or D(1), D(0), None,
                    ts_event_ns=time.time_ns(),
                )
            )
        )  # fmt: skip

    async def raw_call(self, path: str, params: Mapping[str, str]) -> bytes:
        self.raw.append((path, dict(params)))
        return b'{"error":[],"result":{"a":1.50}}'


class SwapVenue(LendingVenue):
    """The same with fundings of its perpetual, and a leverage for it, at most 100."""

    def __init__(self) -> None:
        super().__init__()
        self.leverages: list[tuple[str, Decimal]] = []
        self.due_ns = (time.time_ns() // 1_000_000_000 + 3600) * 1_000_000_000

    async def instruments(self) -> list[Instrument]:
        return [
            replace(each, max_leverage=D(100)) if each.kind is InstrumentKind.PERPETUAL else each
            for each in await super().instruments()
        ]

    async def subscribe(self, feed: Feed) -> None:
        await super().subscribe(feed)
        if feed.kind is FeedKind.QUOTES and feed.symbol == PERP.symbol:
            following = self.due_ns + 8 * 3600 * 1_000_000_000
            self.emit(FundingRate(PERP.id, D("0.0001"), self.due_ns, following, None, time.time_ns()))

    async def leverage(self, symbol: str) -> Leverage | None:
        return Leverage(self.leverages[-1][1] if self.leverages else D(5), "cross")

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        if leverage == 99:
            raise RequestRejected("fake", "59101", user_text="Cancel the open orders first.")
        self.leverages.append((symbol, leverage))


@dataclass
class BridgeDesk:
    """Everything of one bridge, switched on, with a trading bot."""

    bridge: Bridge
    venue: LendingVenue
    gate: OrderGate
    market: MarketData
    arming: Arming
    keys: NewKeys
    sessions: SessionManager
    notices: list[Notice] = field(default_factory=list)
    last_nonce: int = 0

    def body(
        self, method: str, keys: NewKeys | None = None, nonce: int | None = None, **params: Any
    ) -> bytes:
        keys = keys or self.keys
        self.last_nonce = max(self.last_nonce + 1, time.time_ns())
        call = {
            "access_key": keys.access_key.reveal(),
            "secret_key": keys.secret_key.reveal(),
            "nonce": self.last_nonce if nonce is None else nonce,
            "method": method,
            "params": params,
        }
        return json.dumps(call).encode()

    async def call(self, method: str, path: str = "/FAKE", keys: NewKeys | None = None, **params: Any) -> Any:
        """The document of the answer."""
        return await self.post(self.body(method, keys, **params), path)

    async def post(self, body: bytes, path: str = "/FAKE") -> Any:
        return (await self.http("POST", path, body))[1]

    async def error(
        self, method: str, path: str = "/FAKE", keys: NewKeys | None = None, **params: Any
    ) -> str:
        answer = await self.call(method, path, keys, **params)
        assert set(answer) == {"error"}, answer
        return str(answer["error"])

    async def http(
        self, verb: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and document."""
        fields = {
            "Host": f"127.0.0.1:{self.bridge.port}",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }
        head = f"{verb} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n"
        return await self.bytes_of(head.encode("latin-1") + body)

    async def bytes_of(self, data: bytes) -> tuple[int, Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.bridge.port)
        try:
            writer.write(data)
            return await read_answer(reader)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    async with asyncio.timeout(10.0):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            int(line.split(":")[1])
            for line in head.split("\r\n")
            if line.lower().startswith("content-length")
        )
        return int(head.split(" ")[1]), json.loads(await reader.readexactly(length))


@contextlib.asynccontextmanager
async def open_bridge(
    folder: Path,
    *,
    mode: BotMode = BotMode.TRADING,
    limits: ServerLimits | None = None,
    bot_limits: BotLimits | None = None,
    wait_s: float = 5.0,
    venue: LendingVenue | None = None,
    linger_s: float = 60.0,
    confirm_s: float = 20.0,
    others: Sequence[LendingVenue] = (),
) -> AsyncIterator[BridgeDesk]:
    clock = SystemClock()
    market, arming = MarketData(clock), Arming(clock)
    lent = venue or LendingVenue()
    venues = {each.name: each for each in (lent, *others)}
    portfolio = Portfolio(market, lambda account: gate.open_orders(account))
    gate = OrderGate(
        journal=Journal(folder / "journal.sqlite", clock=clock),
        rules=RiskRules(RiskLimits(duplicate_s=Limit(D(10)))),
        clock=clock,
        connector=lambda account: sessions.trading_connector(account),
        market=market,
        account_view=portfolio,
        arming=arming,
    )
    sessions = SessionManager(lambda name, *_: venues[name], market, gate, portfolio, clock)
    bridge = Bridge(
        sessions=sessions,
        market=market,
        gate=gate,
        portfolio=portfolio,
        margins=Margins(sessions.trading_connector, clock, arming=arming),
        clock=clock,
        bots_file=folder / "bots.json",
        limits=limits,
        wait_s=wait_s,
        linger_s=linger_s,
        confirm_s=lambda: confirm_s,
    )
    await gate.start()
    await sessions.use(ConnectionPlan("fake", Mode.PRACTICE, ACCOUNT, KEYED))
    await eventually(lambda: gate.ready(ACCOUNT), what="an account that takes orders")
    _, keys = bridge.bots.make("grid", mode=mode, limits=bot_limits or BotLimits(100, D(1_000_000)))
    await bridge.switch_on(0)
    desk = BridgeDesk(bridge, lent, gate, market, arming, keys, sessions)
    bridge.notice.watch(desk.notices.append)
    arming.set(ArmState.CONFIRM)
    try:
        yield desk
    finally:
        await bridge.close()
        await sessions.stop()
        await gate.close()
