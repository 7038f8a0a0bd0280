"""The life of each connection: connect, reconcile, watch over, reconnect, stop.

A session owns one connector. Trading on its account opens only after a reconciliation: open orders,
fills and balances as the venue has them, compared with our journal. It closes again the moment the
private stream is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.account import AccountSnapshot
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    RateLimited,
    TerminalError,
    VenueError,
    VenueUnavailable,
)
from terminal.domain.events import (
    AccountStreamReset,
    BalancesReported,
    BudgetLevel,
    FillReported,
    LinkChanged,
    LinkState,
    OrderReported,
    VenueEvent,
    VenueStatusChanged,
)
from terminal.services.market_data import MarketData
from terminal.services.portfolio import Portfolio
from terminal.venues.base import Connector, ConnectorSettings, LinkHealth, TradesOrders, VenueInfo

log = logging.getLogger("session")

# Prices of a link that has said nothing for so long are shown as stale, before it is given up.
STALE_AFTER_S = 3.0
_CHECK_EVERY_S = 1.0
_CLOCK_JUMP_S = 2.0
# Kraken's slowest tier refills its call counter in about a minute; retries of a failed
# reconciliation must not exhaust it.
_RECONCILE_RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)
MAX_CLOCK_OFFSET_MS = 20_000.0


class Mode(Enum):
    """What kind of money and prices a connection has. The three are never confused on screen."""

    PRACTICE = "practice"
    PUBLIC = "public"
    """Real prices, no account."""
    LIVE = "live"


class SessionState(Enum):
    """A connection as one word."""

    OFF = "off"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    """Connected; orders and balances are being compared."""
    LIVE = "live"
    STALE = "stale"
    """Connected, but silent for longer than prices may be old."""
    RECONNECTING = "reconnecting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """How to connect a venue: the mode, the account's name, and what the connector is built with."""

    venue: str
    mode: Mode
    account: str
    settings: ConnectorSettings


class OrderDesk(Protocol):
    """What a session needs of the order gate."""

    def on_event(self, account: str, event: VenueEvent) -> None: ...

    async def reconcile(self, account: str, snapshot: AccountSnapshot) -> object: ...

    def reconcile_from_ns(self, account: str) -> int:
        """Since when orders and fills have to be asked for."""
        ...

    def suspend(self, account: str, reason: str) -> None:
        """Close the account for new orders until it is reconciled again."""
        ...


class Session:
    """One venue's connection in one mode.

    Attributes:
        changed: called after any change of state; figures such as ages are asked for when drawn.
    """

    def __init__(
        self,
        plan: ConnectionPlan,
        connector: Connector,
        market: MarketData,
        orders: OrderDesk,
        portfolio: Portfolio,
        clock: Clock,
    ) -> None:
        self.plan = plan
        self.connector = connector
        self.changed: Observable[[]] = Observable(f"session {plan.venue}")
        self.state = SessionState.OFF
        self.reason = ""
        self.venue_status = ""
        self.wire_faults = 0
        self._market = market
        self._orders = orders
        self._portfolio = portfolio
        self._clock = clock
        self._links: dict[str, LinkState] = {}
        self._reconciled = False
        self._is_stopped = False
        self._reconcile_task: asyncio.Task[None] | None = None
        self._watch_task: asyncio.Task[None] | None = None
        self._clock_gap_ns = clock.wall_ns() - clock.monotonic_ns()
        self._silent = False
        self._clock_off = ""
        """Why the clocks differ too much to trade; empty while they do not."""

    @property
    def venue(self) -> str:
        return self.plan.venue

    @property
    def account(self) -> str:
        return self.plan.account

    @property
    def mode(self) -> Mode:
        return self.plan.mode

    @property
    def info(self) -> VenueInfo:
        return self.connector.info

    @property
    def has_account(self) -> bool:
        """Whether this connection can trade at all: it has a key and the venue takes orders."""
        return bool(self.plan.settings.credentials) and isinstance(self.connector, TradesOrders)

    def health(self) -> LinkHealth:
        """Round trip, clock offset, age of the last frame."""
        return self.connector.health()

    def budgets(self) -> Sequence[BudgetLevel]:
        """The venue's rate limits as they stand."""
        return self.connector.budgets()

    def feed_age_s(self) -> float | None:
        """Seconds since the venue last sent anything; None before the first frame."""
        last = self.connector.health().last_frame_ns
        return None if last is None else max(0.0, (self._clock.monotonic_ns() - last) / 1e9)

    async def start(self) -> None:
        """Connect; returns when the venue is live or its first attempt has failed (it keeps trying)."""
        self._set(SessionState.CONNECTING, "")
        self._market.attach(self.venue, self.connector)
        self._watch_task = tasks.spawn(self._watch_over(), name=f"watch {self.venue}")
        try:
            await self.connector.connect(self._on_event)
            self._market.set_instruments(await self.connector.instruments())
        except (AuthRejected, CredentialError) as error:
            self._set(SessionState.FAILED, error.user_text)
        except TerminalError as error:
            log.warning("%s: %s", self.venue, error)
            if self.state is not SessionState.FAILED:
                self._set(SessionState.RECONNECTING, error.user_text)

    async def stop(self) -> None:
        """Disconnect; nothing is cancelled at the venue."""
        self._is_stopped = True
        await tasks.cancel_and_wait(self._watch_task, self._reconcile_task)
        self._orders.suspend(self.account, "The connection is closed.")
        self._market.detach(self.venue)
        await self.connector.close()
        self._set(SessionState.OFF, "")

    def _on_event(self, event: VenueEvent) -> None:
        kind = type(event)
        if kind is LinkChanged:
            self._market.ingest(self.venue, event)
            self._on_link(event)  # type: ignore[arg-type]
        elif kind is OrderReported or kind is FillReported:
            self._orders.on_event(self.account, event)
        elif kind is BalancesReported:
            self._portfolio.on_balances(self.account, event)  # type: ignore[arg-type]
        elif kind is AccountStreamReset:
            self._suspend("Checking orders and balances with the venue.")
            self._begin_reconcile()
        elif kind is VenueStatusChanged:
            self.venue_status = event.status  # type: ignore[union-attr]
            self.changed.notify()
        else:
            self._market.ingest(self.venue, event)

    def _on_link(self, event: LinkChanged) -> None:
        self._links[event.link] = event.state
        if event.link == "private":
            if event.state is LinkState.LIVE:
                self._begin_reconcile()
            else:
                self._suspend(event.reason or "The account's stream is down; orders wait until it is back.")
        self._refresh(event.reason)

    def _refresh(self, reason: str) -> None:
        """Work the one word out of the links, worst first."""
        public = self._links.get("public", LinkState.CONNECTING)
        private = self._links.get("private", LinkState.CONNECTING) if self.has_account else LinkState.LIVE
        if LinkState.FAILED in (public, private):
            state = SessionState.FAILED
        elif LinkState.RECONNECTING in (public, private):
            state = SessionState.RECONNECTING
        elif LinkState.CONNECTING in (public, private) or LinkState.OFF in (public, private):
            state = SessionState.CONNECTING
        elif self._silent:
            state = SessionState.STALE
        elif self.has_account and not self._reconciled:
            state = SessionState.SYNCING
        else:
            state = SessionState.LIVE
        self._set(state, "" if state is SessionState.LIVE else reason or self.reason)

    def _set(self, state: SessionState, reason: str) -> None:
        if (state, reason) != (self.state, self.reason):
            if state is not self.state:
                log.info("%s is %s%s", self.venue, state.value, f": {reason}" if reason else "")
            self.state, self.reason = state, reason
            self.changed.notify()

    # -- reconciliation -------------------------------------------------------------------------------

    def _suspend(self, reason: str) -> None:
        self._reconciled = False
        self._orders.suspend(self.account, reason)

    def _begin_reconcile(self) -> None:
        # A link may still come up while it is being closed.
        if not self.has_account or self._is_stopped:
            return
        if self._clock_off:
            self._suspend(self._clock_off)
            return
        if self._reconcile_task is not None:
            self._reconcile_task.cancel()
        self._reconcile_task = tasks.spawn(self._reconcile(), name=f"reconcile {self.account}")

    async def _reconcile(self) -> None:
        """Compare orders, fills and balances with the venue until it works; only then may orders leave."""
        connector = self.connector
        assert isinstance(connector, TradesOrders)
        for attempt in range(1_000_000):
            try:
                self._portfolio.expect_snapshot(self.account)
                snapshot = await connector.snapshot(self._orders.reconcile_from_ns(self.account))
                self._portfolio.load(self.account, snapshot)
                await self._orders.reconcile(self.account, snapshot)
            except AuthRejected as error:
                self._set(SessionState.FAILED, error.user_text)
                return
            except RateLimited as error:
                await asyncio.sleep(error.retry_after_s or 5.0)
            except TerminalError as error:
                text = error.user_text if isinstance(error, VenueError) else str(error)
                log.warning("%s: reconciliation failed, trying again: %s", self.account, error)
                self._set(SessionState.SYNCING, text)
                await asyncio.sleep(_RECONCILE_RETRY_S[min(attempt, len(_RECONCILE_RETRY_S) - 1)])
            else:
                self._reconciled = True
                self._refresh("")
                return

    # -- watching over --------------------------------------------------------------------------------

    async def _watch_over(self) -> None:
        """Once a second: is the link silent, has the clock jumped, has the machine slept?"""
        while True:
            await asyncio.sleep(_CHECK_EVERY_S)
            age_s = self.feed_age_s()
            silent = age_s is not None and age_s > STALE_AFTER_S
            if silent != self._silent:
                self._silent = silent
                if self._links.get("public") is LinkState.LIVE:
                    self._market.set_stale(self.venue, silent)
                self._refresh("No data for some seconds." if silent else "")
            gap_ns = self._clock.wall_ns() - self._clock.monotonic_ns()
            if abs(gap_ns - self._clock_gap_ns) > _CLOCK_JUMP_S * 1e9:
                log.warning("%s: the clock jumped by %.1f s", self.venue, (gap_ns - self._clock_gap_ns) / 1e9)
                self._clock_gap_ns = gap_ns
                if self._reconciled:
                    self._suspend("The clock jumped; checking orders with the venue.")
                    self._begin_reconcile()
                    self._refresh("The clock jumped; checking orders with the venue.")
            self._compare_clocks()

    def _compare_clocks(self) -> None:
        """With a clock far off, expiries, deadlines and what happened since when are all wrong."""
        offset_ms = self.connector.health().clock_offset_ms
        if not self.has_account or offset_ms is None:
            return
        is_off = abs(offset_ms) > MAX_CLOCK_OFFSET_MS
        if is_off == bool(self._clock_off):
            return
        if is_off:
            self._clock_off = (
                f"This computer's clock and {self.info.title}'s differ by {abs(offset_ms) / 1000:.0f} s: "
                "set the clock right. Until then no order is sent; cancels are."
            )
            log.warning("%s: the clocks differ by %.1f s", self.venue, offset_ms / 1000)
            if self._reconcile_task is not None:
                self._reconcile_task.cancel()
            self._suspend(self._clock_off)
            self._refresh(self._clock_off)
            return
        self._clock_off = ""
        self._suspend("The clock is right again; checking orders with the venue.")
        if self._links.get("private") is LinkState.LIVE:
            self._begin_reconcile()
        self._refresh("The clock is right again; checking orders with the venue.")


ConnectorFactory = Callable[[str, ConnectorSettings], Connector]


class SessionManager:
    """All connections, one for each venue.

    Attributes:
        changed: called with the venue's name when its session changed or was replaced.
    """

    def __init__(
        self,
        make: ConnectorFactory,
        market: MarketData,
        orders: OrderDesk,
        portfolio: Portfolio,
        clock: Clock,
    ) -> None:
        self.changed: Observable[[str]] = Observable("sessions")
        self._make = make
        self._market = market
        self._orders = orders
        self._portfolio = portfolio
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._switching = asyncio.Lock()
        self._is_closed = False

    @property
    def sessions(self) -> Mapping[str, Session]:
        """By venue, in the order in which they were first used."""
        return self._sessions

    def session_of(self, account: str) -> Session | None:
        """The connection that an account belongs to."""
        return next((item for item in self._sessions.values() if item.account == account), None)

    def trading_connector(self, account: str) -> TradesOrders | None:
        """The connector that can trade for an account, or None while it is not connected."""
        session = self.session_of(account)
        if session is None or not session.has_account or not isinstance(session.connector, TradesOrders):
            return None
        return session.connector

    async def use(self, plan: ConnectionPlan) -> Session:
        """Connect a venue as planned, closing what it was connected to before.

        Raises:
            VenueUnavailable: everything is being closed.
        """
        async with self._switching:
            old = self._sessions.get(plan.venue)
            if old is not None:
                await old.stop()
                self._portfolio.forget(old.account)
            if self._is_closed:
                raise VenueUnavailable(plan.venue, "closing", user_text="The terminal is closing.")
            session = Session(
                plan,
                self._make(plan.venue, plan.settings),
                self._market,
                self._orders,
                self._portfolio,
                self._clock,
            )
            self._sessions[plan.venue] = session
            session.changed.watch(lambda: self.changed.notify(plan.venue))
            self.changed.notify(plan.venue)
            await session.start()
            return session

    async def disconnect(self, venue: str) -> None:
        """Close a venue's connection; it stays listed as off. Nothing is cancelled at the venue."""
        async with self._switching:
            session = self._sessions.get(venue)
            if session is not None:
                await session.stop()

    async def stop(self) -> None:
        """Close every connection for good; one that is being made is closed too."""
        self._is_closed = True
        for session in list(self._sessions.values()):
            await session.stop()
