"""What the conformance suite needs: a venue's connector on its emulator, and a notebook for its events."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any, TypeVar

from terminal.core import tasks
from terminal.domain.account import Balance
from terminal.domain.events import (
    AccountStreamReset,
    BalancesReported,
    FillReported,
    InstrumentsChanged,
    LinkChanged,
    LinkState,
    OrderReported,
    VenueEvent,
    WireFault,
)
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FeedKind, Quote, Side
from terminal.domain.orders import Fill, OrderReport, OrderRequest, OrderState, OrderType
from terminal.transport.websocket import LinkPolicy
from terminal.venues import registry
from terminal.venues.base import Connector, ConnectorSettings, SubmitAck, TradesOrders
from terminal.venues.kraken.nonce import MemoryNonceStore
from tests.helpers import eventually
from tests.practice import Practice

D = Decimal
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sample:
    """What of a venue the suite trades and watches."""

    symbols: tuple[str, ...]
    """The first one is traded; as many as the venue has book depths."""
    quantity: str
    """Of one order, base units; small against the practice account."""
    tools: Callable[[], dict[str, Any]]
    """Keyword arguments of the connector; made once for each emulator."""


SAMPLES: dict[str, Sample] = {
    "kraken": Sample(
        symbols=("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "DOGE/USD"),
        quantity="0.001",
        tools=lambda: {
            "nonces": MemoryNonceStore(),
            "policy": LinkPolicy(backoff_s=(0.0, 0.1, 0.5), first_jitter_s=0.02, close_timeout_s=0.3),
        },
    ),
}
_tools: dict[int, dict[str, Any]] = {}


@dataclass
class Desk:
    """A connected connector and everything that it has told."""

    venue: str
    practice: Practice
    connector: Any
    sample: Sample
    events: list[VenueEvent] = field(default_factory=list)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    reports: dict[str, list[OrderReport]] = field(default_factory=dict)
    """By the venue's order id, as they came."""
    fills: list[Fill] = field(default_factory=list)
    balances: dict[str, Balance] = field(default_factory=dict)
    links: dict[str, LinkState] = field(default_factory=dict)
    quotes: dict[str, Quote] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self, event: VenueEvent) -> None:
        """The sink."""
        self.events.append(event)
        if isinstance(event, OrderReported):
            self.reports.setdefault(event.report.venue_order_id, []).append(event.report)
        elif isinstance(event, FillReported):
            self.fills.append(event.fill)
        elif isinstance(event, BalancesReported):
            if event.is_snapshot:
                self.balances.clear()
            self.balances.update((balance.asset, balance) for balance in event.balances)
        elif isinstance(event, LinkChanged):
            self.links[event.link] = event.state
        elif isinstance(event, Quote):
            self.quotes[event.instrument.symbol] = event
        elif isinstance(event, InstrumentsChanged):
            self.instruments.update((item.symbol, item) for item in event.instruments)

    def of(self, kind: type[T]) -> list[T]:
        """The events of one kind, in the order they came."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def symbol(self) -> str:
        return self.sample.symbols[0]

    def instrument(self, symbol: str | None = None) -> Instrument:
        return self.instruments[symbol or self.symbol]

    # -- orders ---------------------------------------------------------------------------------------

    def new_id(self) -> str:
        return secrets.token_hex(16)

    def price(self, side: Side, percent: str = "2", symbol: str | None = None) -> Decimal:
        """So far below the market for a buy, above it for a sale; negative: beyond it."""
        symbol = symbol or self.symbol
        quote = self.quotes[symbol]
        best = quote.bid if side is Side.BUY else quote.ask
        assert best is not None
        rounding = ROUND_DOWN if side is Side.BUY else ROUND_UP
        tick = self.instrument(symbol).tick_size
        return (best * (1 - side.sign * D(percent) / 100) / tick).quantize(D(1), rounding) * tick

    def limit(
        self, side: Side = Side.BUY, percent: str = "2", quantity: str | None = None, **terms: Any
    ) -> OrderRequest:
        return OrderRequest(
            InstrumentId(self.venue, self.symbol),
            side,
            OrderType.LIMIT,
            D(quantity or self.sample.quantity),
            limit_price=self.price(side, percent),
            **terms,
        )

    def market(self, side: Side = Side.BUY, quantity: str | None = None) -> OrderRequest:
        return OrderRequest(
            InstrumentId(self.venue, self.symbol), side, OrderType.MARKET, D(quantity or self.sample.quantity)
        )

    async def submit(self, request: OrderRequest, client_order_id: str | None = None) -> str:
        """Place an order; the venue's id of it."""
        assert isinstance(self.connector, TradesOrders)
        ack = await self.connector.submit(request, client_order_id or self.new_id())
        assert isinstance(ack, SubmitAck)
        assert ack.venue_order_id
        return ack.venue_order_id

    def last(self, venue_order_id: str) -> OrderReport | None:
        """The newest report of an order."""
        found = self.reports.get(venue_order_id)
        return found[-1] if found else None

    def state(self, venue_order_id: str) -> OrderState | None:
        report = self.last(venue_order_id)
        return report.state if report is not None else None

    async def until_state(
        self, venue_order_id: str, *states: OrderState, timeout_s: float = 20.0
    ) -> OrderReport:
        try:
            await eventually(lambda: self.state(venue_order_id) in states, timeout_s)
        except AssertionError:
            raise AssertionError(f"not {states}: {self.reports.get(venue_order_id)}") from None
        report = self.last(venue_order_id)
        assert report is not None
        return report

    def require_no_faults(self) -> None:
        """Nothing that came was unreadable, and the account's stream had no gap."""
        assert not self.of(WireFault)
        assert not self.of(AccountStreamReset)


def create(practice: Practice, settings: ConnectorSettings) -> Connector:
    """A venue's connector on its emulator."""
    tools = _tools.setdefault(id(practice), SAMPLES[practice.venue].tools())
    return registry.create(practice.venue, settings, **tools)


@contextlib.asynccontextmanager
async def desk(
    practice: Practice, key: str | None = "practice", *, quotes: bool = True, **options: str
) -> AsyncIterator[Desk]:
    """A connected connector, its instruments known and prices there; closed within five seconds."""
    connector = create(practice, practice.settings(key, **options))
    found = Desk(practice.venue, practice, connector, SAMPLES[practice.venue])
    before = tasks.running()
    try:
        await connector.connect(found)
        found.instruments.update((item.symbol, item) for item in await connector.instruments())
        if key is not None:
            await eventually(lambda: found.links.get("private") is LinkState.LIVE, what="the private link")
            await eventually(lambda: found.balances, what="balances")
        if quotes:
            await connector.subscribe(Feed(FeedKind.QUOTES, found.symbol))
            await eventually(lambda: found.symbol in found.quotes, what="a quote")
        yield found
    finally:
        began = time.monotonic()
        await connector.close()
        took_s = time.monotonic() - began
    assert took_s < 5.0, f"closing took {took_s:.1f} s"
    await eventually(lambda: not tasks.running() - before, 10.0, "the end of every task")
    count = len(found.events)
    await connector.close()
    assert len(found.events) == count, "an event after the end"
