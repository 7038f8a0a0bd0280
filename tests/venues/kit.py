"""What the conformance suite needs: a venue's connector on its emulator, and a notebook for its events."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, fields
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pytest

from terminal.core import tasks
from terminal.domain.account import AccountFigures, Balance, Position
from terminal.domain.contracts import ContractTerms, ExpiryMode, clock_expiry_ns
from terminal.domain.events import (
    AccountStreamReset,
    BalancesReported,
    FiguresReported,
    FillReported,
    ForAccount,
    InstrumentsChanged,
    LinkChanged,
    LinkState,
    OrderReported,
    PositionReported,
    VenueEvent,
    WireFault,
)
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Feed, FeedKind, Quote, Side
from terminal.domain.orders import Fill, OrderReport, OrderRequest, OrderState, OrderType
from terminal.venues import registry
from terminal.venues.base import (
    Capabilities,
    Connector,
    ConnectorSettings,
    HasAccounts,
    SubmitAck,
    TradesOrders,
)
from tests.helpers import eventually
from tests.practice import Practice
from tests.venues.samples import SAMPLES, Sample

D = Decimal
T = TypeVar("T")
_tools: WeakKeyDictionary[Practice, dict[str, Any]] = WeakKeyDictionary()


def skip_without(practice: Practice, capability: str, has: object, detail: str = "") -> None:
    """Skip the test where the venue lacks what it is about; ``capability`` is the name of the flag."""
    names = {each.name for each in fields(Capabilities)}
    assert capability in names, f"no capability {capability!r}"
    if not has:
        pytest.skip(f"{practice.venue} lacks {capability}" + (f": {detail}" if detail else ""))


@dataclass
class Desk:
    """A connected connector and everything that it has told."""

    venue: str
    practice: Practice
    connector: Any
    sample: Sample
    account: str
    """The one that trades, by the venue's id."""
    symbol: str
    """What is traded."""
    events: list[VenueEvent] = field(default_factory=list)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    reports: dict[str, list[OrderReport]] = field(default_factory=dict)
    """By the venue's order id, as they came."""
    fills: list[Fill] = field(default_factory=list)
    balances: dict[str, Balance] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    """By the venue's id, as they were told last; with quantity 0 where they are closed."""
    links: dict[str, LinkState] = field(default_factory=dict)
    """By name; ``private`` is the account's own."""
    figures: AccountFigures | None = None
    quotes: dict[str, Quote] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self, event: VenueEvent) -> None:
        """The sink."""
        if isinstance(event, ForAccount):
            if event.account_id != self.account:
                return
            if isinstance(event.event, LinkState):
                self.links["private"] = event.event
                return
            event = event.event
        self.events.append(event)
        if isinstance(event, OrderReported):
            self.reports.setdefault(event.report.venue_order_id, []).append(event.report)
        elif isinstance(event, FillReported):
            self.fills.append(event.fill)
        elif isinstance(event, BalancesReported):
            if event.is_snapshot:
                self.balances.clear()
            self.balances.update((balance.asset, balance) for balance in event.balances)
        elif isinstance(event, PositionReported):
            self.positions[event.position.position_id] = event.position
        elif isinstance(event, FiguresReported):
            self.figures = event.figures
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
    def can(self) -> Capabilities:
        found: Capabilities = self.connector.info.capabilities
        return found

    @property
    def hand(self) -> Any:
        """What trades: the account's own hand, where there are several accounts."""
        if isinstance(self.connector, HasAccounts):
            return self.connector.trader(self.account)
        return self.connector

    @property
    def open_positions(self) -> dict[str, Position]:
        return {key: position for key, position in self.positions.items() if position.quantity}

    @property
    def keeps_positions(self) -> bool:
        """Trades in what is traded open positions; otherwise they change balances."""
        return self.can.positions and self.instrument().kind is not InstrumentKind.SPOT

    @property
    def currency(self) -> str:
        """What is traded is counted in."""
        offer = self.instrument().offer
        return self.instrument().quote if offer is None else offer.currency

    def instrument(self, symbol: str | None = None) -> Instrument:
        return self.instruments[symbol or self.symbol]

    def filled(self, side: Side) -> Decimal:
        """What the fills of one side make together."""
        return sum((fill.quantity for fill in self.fills if fill.side is side), D(0))

    # -- orders ---------------------------------------------------------------------------------------

    def new_id(self) -> str:
        """As long as the venue can tell it again."""
        return secrets.token_hex(self.sample.id_bytes)

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
        self, side: Side = Side.BUY, percent: str = "2", quantity: Decimal | None = None, **terms: Any
    ) -> OrderRequest:
        return OrderRequest(
            InstrumentId(self.venue, self.symbol),
            side,
            OrderType.LIMIT,
            quantity or self.lots(1),
            limit_price=self.price(side, percent),
            **terms,
        )

    def lots(self, count: int | str) -> Decimal:
        """So many times the sample's quantity."""
        return D(self.sample.quantity) * D(count)

    def contract(
        self,
        side: Side = Side.BUY,
        quantity: Decimal | None = None,
        *,
        duration_s: int = 60,
        mode: ExpiryMode = ExpiryMode.TIMED,
        expires_ns: int | None = None,
        opens_ns: int | None = None,
        trigger_price: Decimal | None = None,
    ) -> OrderRequest:
        """A contract at the payout that is offered now; one by the clock ends at its next line."""
        offer = self.instrument().offer
        assert offer is not None
        if mode is ExpiryMode.CLOCK and expires_ns is None:
            expires_ns = clock_expiry_ns(self.venue_ns(), duration_s)
        return OrderRequest(
            InstrumentId(self.venue, self.symbol),
            side,
            OrderType.CONTRACT,
            quantity or self.lots(1),
            trigger_price=trigger_price,
            contract=ContractTerms(mode, duration_s, offer.payout(duration_s), expires_ns, opens_ns),
        )

    @property
    def shortest_s(self) -> int:
        """Of the contracts that count from their opening."""
        offer = self.instrument().offer
        assert offer is not None
        return offer.timed_s[0]

    def venue_ns(self) -> int:
        """The time by the venue's clock, as far as it is known."""
        return time.time_ns() + int((self.connector.health().clock_offset_ms or 0) * 1e6)

    def waiting(
        self, side: Side = Side.BUY, percent: str = "2", quantity: Decimal | None = None
    ) -> OrderRequest:
        """What stays open: a limit away from the market, or a contract that waits for such a price."""
        if self.can.contracts:
            return self.contract(side, quantity, trigger_price=self.price(side, percent))
        return self.limit(side, percent, quantity)

    def market(self, side: Side = Side.BUY, quantity: Decimal | None = None, **terms: Any) -> OrderRequest:
        """What trades at once."""
        if self.can.contracts:
            return self.contract(side, quantity, **terms)
        if side is Side.BUY and not self.sample.buys_at_market:
            return self.limit(side, "-1", quantity, **terms)
        return OrderRequest(
            InstrumentId(self.venue, self.symbol), side, OrderType.MARKET, quantity or self.lots(1), **terms
        )

    def closing(self, position: Position, quantity: Decimal | None = None) -> OrderRequest:
        """What closes a position or a part of it."""
        return OrderRequest(
            position.instrument,
            position.side.opposite,
            OrderType.MARKET if position.contract is None else OrderType.CONTRACT,
            quantity or position.quantity,
            position_id=position.position_id,
            reduce_only=True,
        )

    async def submit(self, request: OrderRequest, client_order_id: str | None = None) -> str:
        """Place an order; the venue's id of it."""
        assert isinstance(self.hand, TradesOrders)
        ack = await self.hand.submit(request, client_order_id or self.new_id())
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
    if practice not in _tools:
        _tools[practice] = SAMPLES[practice.venue].tools()
    return registry.create(practice.venue, settings, **_tools[practice])


def watching(practice: Practice) -> str | None:
    """The key with which prices are watched: none where they are public."""
    return None if registry.info(practice.venue).public_without_key else "practice"


@contextlib.asynccontextmanager
async def desk(
    practice: Practice,
    key: str | None = "practice",
    *,
    quotes: bool = True,
    on_margin: bool = False,
    **options: str,
) -> AsyncIterator[Desk]:
    """A connected connector, its instruments known and prices there; closed within five seconds.

    ``on_margin``: trades where positions are kept, for venues that keep some and not others.
    """
    connector = create(practice, practice.settings(key, **options))
    sample = SAMPLES[practice.venue]
    symbol = (on_margin and sample.margin_symbol) or sample.symbols[0]
    found = Desk(practice.venue, practice, connector, sample, practice.account_of(key), symbol)
    before = tasks.running()
    try:
        await connector.connect(found)
        found.instruments.update((item.symbol, item) for item in await connector.instruments())
        if key is not None:
            await eventually(lambda: found.links.get("private") is LinkState.LIVE, what="the private link")
            await eventually(lambda: found.balances or found.figures, what="the account's money")
        if quotes:
            await connector.subscribe(Feed(FeedKind.QUOTES, found.symbol))
            await eventually(lambda: found.symbol in found.quotes, what="a quote")
            await eventually(lambda: found.instrument().is_detailed, what="the instrument's record")
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
