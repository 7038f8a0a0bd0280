"""What a venue promises.

Small protocols say what a connector can do, :class:`Capabilities` says how far; the conformance suite
fails when the two disagree. The screen asks flags, never names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Protocol, runtime_checkable

from terminal.core.secret import Secret
from terminal.domain.account import AccountSnapshot, FeeRates
from terminal.domain.book import BookChecker
from terminal.domain.events import BudgetLevel, VenueEvent
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, Feed, FeedKind
from terminal.domain.orders import (
    AmendRequest,
    OrderRef,
    OrderReport,
    OrderRequest,
    OrderType,
    TimeInForce,
)

Sink = Callable[[VenueEvent], None]


class BookKind(Enum):
    """How much of a book a venue shows."""

    NONE = "none"
    TOP = "top"
    LEVELS = "levels"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How far a venue can do what its connector's protocols promise."""

    book: BookKind
    book_depths: tuple[int, ...] = ()
    feeds: frozenset[FeedKind] = frozenset()
    bar_intervals_s: tuple[int, ...] = ()
    order_types: frozenset[OrderType] = frozenset()
    """Empty where the venue has no orders, only contracts."""
    time_in_force: frozenset[TimeInForce] = frozenset()
    post_only: bool = False
    reduce_only: bool = False
    trigger_on_index: bool = False
    quantity_in_quote: bool = False
    contracts: bool = False
    amend: bool = False
    amend_keeps_priority_on_reduce: bool = False
    lookup_by_client_id: bool = False
    cancel_all: bool = False
    dead_mans_switch: bool = False
    batch_limit: int = 0
    """Most orders in one batch call; 0 = none."""
    browser_login: bool = False


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One entry of a venue's connection form."""

    key: str
    label: str
    secret: bool = True
    optional: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class VenueInfo:
    """A venue as the screen presents it."""

    name: str
    """The key, e.g. ``kraken``."""
    title: str
    """The word on screen, e.g. ``Kraken``."""
    capabilities: Capabilities
    credential_fields: tuple[CredentialField, ...] = ()
    key_page_url: str = ""
    key_guide: str = ""
    """Which permissions to tick, in plain words."""
    default_endpoints: dict[str, str] = field(default_factory=dict)
    """By name, e.g. ``rest``, ``ws_public``, ``ws_private``; settings and emulators override them."""
    public_without_key: bool = False
    unofficial: bool = False


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """What a connector is built with."""

    endpoints: dict[str, str]
    credentials: dict[str, Secret] = field(default_factory=dict)
    """By :attr:`CredentialField.key`; empty: public data only."""
    options: dict[str, str] = field(default_factory=dict)
    """Venue options such as Kraken's ``tier`` (``starter``, ``intermediate``, ``pro``)."""
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What a test of the credentials found, for the person to read."""

    permissions: dict[str, bool]
    """Plain name of a permission -> granted."""
    warnings: tuple[str, ...] = ()
    label: str = ""
    """The key's own name and last four characters."""

    @property
    def can_trade(self) -> bool:
        return self.permissions.get("Create and change orders", False)


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """Measured figures of a connection; None = not known yet."""

    round_trip_ms: float | None
    clock_offset_ms: float | None
    """Venue's clock minus ours."""
    last_frame_ns: int | None
    """Monotonic time of the last frame of any kind."""
    reconnects: int
    faults: int
    """Unreadable frames so far."""


@dataclass(frozen=True, slots=True)
class SubmitAck:
    """The venue's yes to a submit."""

    venue_order_id: str


@runtime_checkable
class Connector(Protocol):
    """Our code that talks to one venue. All methods run on the one event loop."""

    info: VenueInfo

    async def connect(self, sink: Sink) -> None:
        """Open the connection and keep it open (reconnecting by itself) until :meth:`close`.

        Returns when the first public link is live or raises VenueUnavailable after its first failure while
        the retries go on in the background.
        """
        ...

    async def close(self) -> None:
        """End every link and task; safe to call twice."""
        ...

    async def instruments(self) -> Sequence[Instrument]:
        """All instruments the venue lists now."""
        ...

    async def subscribe(self, feed: Feed) -> None:
        """Ask for a feed; returns once it is asked for (FeedConfirmed or FeedRefused follow as events)."""
        ...

    async def unsubscribe(self, feed: Feed) -> None:
        """End a feed; nothing of it arrives afterwards."""
        ...

    async def resync(self, feed: Feed) -> None:
        """Drop a feed and take it again from a fresh snapshot; one at a time for each feed."""
        ...

    def book_checker(self, symbol: str) -> BookChecker | None:
        """The integrity check of this venue's books, or None where there is none."""
        ...

    def budgets(self) -> Sequence[BudgetLevel]:
        """The rate limits as they stand now."""
        ...

    def health(self) -> LinkHealth:
        """Figures for the status bar."""
        ...


@runtime_checkable
class TradesOrders(Protocol):
    """A connector that can trade with orders.

    Every method that writes raises one of: NotSent (nothing left), RequestRejected or AuthRejected (the
    venue's no), RateLimited (our budget or the venue's), OutcomeUnknown (everything else after the first
    byte). None of them ever sends twice.
    """

    async def submit(self, request: OrderRequest, client_order_id: str) -> SubmitAck: ...

    async def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel; returning means the venue took the request, not that the order is gone."""
        ...

    async def cancel_many(self, refs: Sequence[OrderRef]) -> None: ...

    async def cancel_all(self) -> int:
        """Cancel every open order of the account; how many the venue says."""
        ...

    async def order_status(self, ref: OrderRef) -> OrderReport | None:
        """What the venue knows of an order, looked for among open, then closed orders; None = it knows
        nothing of it. Raises VenueUnavailable where the question itself failed: that is not a None."""
        ...

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        """Balances, open orders, and the orders and fills since a time, for reconciliation."""
        ...

    async def fee_rates(self, symbol: str) -> FeeRates | None: ...

    async def test_credentials(self) -> KeyReport:
        """Try the key now and read back what it may do. Raises AuthRejected, with the repair in words."""
        ...


@runtime_checkable
class Amends(Protocol):
    """A connector whose venue changes an order in place."""

    async def amend(self, ref: OrderRef, change: AmendRequest) -> None: ...


@runtime_checkable
class SubmitsBatches(Protocol):
    """A connector that can place several orders of one instrument in one call."""

    async def submit_batch(
        self, requests: Sequence[tuple[OrderRequest, str]]
    ) -> Sequence[SubmitAck | Exception]:
        """One result a request, in order: the ack, or what went wrong with that one."""
        ...


@runtime_checkable
class HasDeadMansSwitch(Protocol):
    """A connector whose venue cancels everything when we fall silent."""

    async def cancel_after(self, timeout_s: int) -> None:
        """Arm or renew; 0 disarms."""
        ...


@runtime_checkable
class HasHistory(Protocol):
    """A connector that can fetch bars of the past."""

    async def bars(
        self,
        symbol: str,
        interval_s: int,
        *,
        end_ns: int | None = None,
        limit: int = 720,
        progress: Callable[[Decimal], None] | None = None,
    ) -> Sequence[Bar]:
        """Bars that open before ``end_ns`` (None: up to now), oldest first; fewer or none where the venue
        has no more. ``progress`` hears 0 to 1."""
        ...
