"""The life of each connection: connect, reconcile, watch over, reconnect, stop.

A session owns one connector. Trading on its account opens only after a reconciliation: open orders,
fills and balances as the venue has them, compared with our journal. It closes again the moment the
private stream is lost. All of it is one state machine with the events that drive it, and the manager that
keeps one of them for each venue, which is why the file is longer than most.
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
from terminal.domain.account import AccountInfo, AccountSnapshot
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    RateLimited,
    SettingsError,
    TerminalError,
    VenueError,
    VenueUnavailable,
)
from terminal.domain.events import (
    AccountEvent,
    AccountsChanged,
    AccountStreamReset,
    BalancesReported,
    BudgetLevel,
    FiguresReported,
    FillReported,
    ForAccount,
    LinkChanged,
    LinkState,
    OrderReported,
    PositionReported,
    SignInNeeded,
    VenueEvent,
    VenueNotice,
    VenueStatusChanged,
)
from terminal.services.market_data import MarketData
from terminal.services.portfolio import Portfolio
from terminal.venues.base import (
    Connector,
    ConnectorSettings,
    DoubtsSignIn,
    HasAccounts,
    HasDemoWorld,
    LinkHealth,
    Reconnects,
    TradesOrders,
    VenueInfo,
)

log = logging.getLogger("session")

# Prices of a link that has said nothing for so long are shown as stale, before it is given up.
STALE_AFTER_S = 3.0
_CHECK_EVERY_S = 1.0
_CLOCK_JUMP_S = 2.0
# A jump forward by so much is taken for sleep: shorter ones a connection survives, or its pings tell.
_SLEPT_S = 10.0
# Fee rates that are not known yet are asked for again no sooner than this.
_FEES_AGAIN_NS = 10_000_000_000
# Kraken's slowest tier refills its call counter in about a minute; retries of a failed
# reconciliation must not exhaust it.
_RECONCILE_RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)
MAX_CLOCK_OFFSET_MS = 20_000.0
_OPENING = "Another account is being opened."


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


@dataclass(slots=True)
class _Side:
    """One account of a connection: its hand, and whether it was compared with the venue."""

    key: str
    trader: TradesOrders
    link: LinkState = LinkState.CONNECTING
    reconciled: bool = False
    task: asyncio.Task[None] | None = None


_ACCOUNT_EVENTS = frozenset(
    {OrderReported, FillReported, BalancesReported, PositionReported, FiguresReported, AccountStreamReset}
)


class Session:
    """One venue's connection in one mode, with one account or several.

    Attributes:
        changed: called after any change of state; figures such as ages are asked for when drawn.
        compared: an account was compared with the venue and takes orders now.
        told: what the venue wants a person to know.
        infos: the accounts of a connection that has several, or is in its venue's demo world, by our key for
            each.
        needs_sign_in: why the person has to sign in again; empty while he does not.
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
        self.compared: Observable[[str]] = Observable(f"compared {plan.venue}")
        self.told: Observable[[VenueNotice]] = Observable(f"notices {plan.venue}")
        self.infos: dict[str, AccountInfo] = {}
        self.needs_sign_in = ""
        self._links: dict[str, LinkState] = {}
        self._sides: dict[str, _Side] = {}
        self._active = plan.account
        self._hidden: Mapping[str, AccountInfo] | None = None
        self.changed.watch(self._forget_hidden)
        self._choosing = asyncio.Lock()
        if plan.settings.credentials and isinstance(connector, TradesOrders):
            self._sides[plan.account] = _Side(plan.account, connector)
            is_demo = isinstance(connector, HasDemoWorld) and connector.is_demo
            if is_demo and plan.mode is Mode.LIVE:
                title = f"{connector.info.title} demo"
                self.infos[plan.account] = AccountInfo(account_id="", title=title, is_live=False)
        self._is_stopped = False
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
        """Our key of the account that trades from this connection's panels."""
        return self._active

    @property
    def accounts(self) -> Sequence[str]:
        """Our keys of the accounts that are open, the active one among them."""
        return tuple(self._sides) or (self._active,)

    @property
    def hidden(self) -> Mapping[str, AccountInfo]:
        """The accounts of the sign-in that are not shown, by our key for each."""
        if self._hidden is None:
            # Asked for with every row that is drawn; it changes with the session alone.
            connector = self.connector
            listed = connector.accounts() if isinstance(connector, HasAccounts) else ()
            keyed = {self.key_of(info.account_id): info for info in listed}
            self._hidden = {key: info for key, info in keyed.items() if key not in self._sides}
        return self._hidden

    def _forget_hidden(self) -> None:
        self._hidden = None

    @property
    def shown_ids(self) -> Sequence[str]:
        """The venue's ids of the accounts that are shown; empty where all are."""
        return tuple(self.infos[key].account_id for key in self._sides) if self.hidden else ()

    async def show_account(self, account: str, shown: bool) -> None:
        """Open an account of the sign-in, or leave one: nothing of it is streamed, counted or listed then.
        What it has at the venue stays as it is.

        Raises:
            SettingsError: orders go to it, so that it cannot be hidden; or the connection is closed.
            VenueError: the venue did not open it, or did not answer: what was open still is.
        """
        async with self._choosing:
            if self._is_stopped:
                raise SettingsError(f"{self.venue} is closed", user_text=f"Connect {self.info.title} first.")
            connector = self.connector
            if not isinstance(connector, HasAccounts) or (account in self._sides) is shown:
                return
            if account == self._active:
                text = "Orders go to this account: choose another one to trade with first."
                raise SettingsError(f"{account} is the active account", user_text=text)
            keys = {account, *self._sides} if shown else self._sides.keys() - {account}
            listed = [info.account_id for info in connector.accounts()]
            wanted = [each for each in listed if self.key_of(each) in keys]
            if account in self._sides:
                # Before the connector lets go of it: nothing is sent by a hand that is being taken away.
                self._suspend(self._sides[account], "This account is not shown any more.")
            left = self._sides.get(self._active) if shown and self._opens_one else None
            if left is not None:
                self._suspend(left, _OPENING)
                self._refresh(_OPENING)
            try:
                await connector.show_accounts(wanted if len(wanted) < len(listed) else ())
            except TerminalError:
                if left is not None and self._sides.get(left.key) is left and left.link is LinkState.LIVE:
                    # It stays the open one: compared anew, for the venue may have thought otherwise.
                    self._begin_reconcile(left)
                raise
            self.changed.notify()

    @property
    def _opens_one(self) -> bool:
        return self.info.capabilities.one_account_at_a_time

    def select_account(self, account: str) -> None:
        """Make another account of this connection the active one. Raises KeyError where it is not open."""
        if account not in self._sides:
            raise KeyError(account)
        if account != self._active:
            self._active = account
            self._refresh("")
            self.changed.notify()

    def trader(self, account: str) -> TradesOrders | None:
        """The hand of one of the accounts; None while it is not open."""
        side = self._sides.get(account)
        return None if side is None else side.trader

    def compare_again(self, account: str) -> None:
        """Compare an account with the venue once more: something was sent and not answered."""
        side = self._sides.get(account)
        if side is not None and side.link is LinkState.LIVE:
            self._begin_reconcile(side)

    @property
    def mode(self) -> Mode:
        return self.plan.mode

    @property
    def info(self) -> VenueInfo:
        return self.connector.info

    @property
    def has_account(self) -> bool:
        """Whether this connection can trade at all: it has a key and the venue takes orders."""
        return bool(self.plan.settings.credentials) and isinstance(self.connector, TradesOrders | HasAccounts)

    def health(self) -> LinkHealth:
        """Round trip, clock offset, age of the last frame."""
        return self.connector.health()

    @property
    def is_sign_in_doubted(self) -> bool:
        """Whether the venue has refused the sign-in, which is tried once more before a person is asked."""
        return isinstance(self.connector, DoubtsSignIn) and self.connector.is_sign_in_doubted

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
            self._set(SessionState.FAILED, self.needs_sign_in or error.user_text)
        except TerminalError as error:
            log.warning("%s: %s", self.venue, error)
            if self.state is not SessionState.FAILED:
                self._set(SessionState.RECONNECTING, error.user_text)

    async def stop(self) -> None:
        """Disconnect; nothing is cancelled at the venue."""
        self._is_stopped = True
        await tasks.cancel_and_wait(self._watch_task, *(side.task for side in self._sides.values()))
        for account in self.accounts:
            self._orders.suspend(account, "The connection is closed.")
        self._market.detach(self.venue)
        await self.connector.close()
        self._set(SessionState.OFF, "")

    def _on_event(self, event: VenueEvent) -> None:
        kind = type(event)
        if kind is LinkChanged:
            self._market.ingest(self.venue, event)
            self._on_link(event)  # type: ignore[arg-type]
        elif kind in _ACCOUNT_EVENTS:
            self._on_account_event(self.plan.account, event)  # type: ignore[arg-type]
        elif isinstance(event, ForAccount):
            self._on_for_account(event)
        elif isinstance(event, AccountsChanged):
            self._on_accounts(event.accounts)
        elif isinstance(event, VenueStatusChanged):
            self.venue_status = event.status
            self.changed.notify()
        elif isinstance(event, VenueNotice):
            self.told.notify(event)
        elif isinstance(event, SignInNeeded):
            self._on_sign_in_needed(event.reason)
        else:
            self._market.ingest(self.venue, event)

    def _on_account_event(self, account: str, event: AccountEvent) -> None:
        if isinstance(event, OrderReported | FillReported):
            self._orders.on_event(account, event)
        elif isinstance(event, PositionReported):
            self._portfolio.on_position(account, event)
        elif isinstance(event, FiguresReported):
            self._portfolio.on_figures(account, event.figures)
        elif isinstance(event, BalancesReported):
            self._portfolio.on_balances(account, event)
        elif account in self._sides:
            self._suspend(self._sides[account], "Checking orders and balances with the venue.")
            self._begin_reconcile(self._sides[account])

    def _on_for_account(self, event: ForAccount) -> None:
        account = self.key_of(event.account_id)
        if not isinstance(event.event, LinkState):
            self._on_account_event(account, event.event)
            return
        side = self._sides.get(account)
        if side is None:
            return
        side.link = event.event
        if side.link is LinkState.LIVE:
            self._begin_reconcile(side)
        else:
            self._suspend(side, event.reason or "The account is not signed in; orders wait until it is.")
        self._refresh(event.reason)

    def _on_accounts(self, infos: Sequence[AccountInfo]) -> None:
        """Accounts came or went. The account chosen last stays the active one while it is there."""
        connector = self.connector
        assert isinstance(connector, HasAccounts)
        self.infos = {self.key_of(info.account_id): info for info in infos}
        self._forget_hidden()
        for key in [key for key in self._sides if key not in self.infos]:
            side = self._sides.pop(key)
            if side.task is not None:
                side.task.cancel()
            self._orders.suspend(key, "This account is not open any more.")
            self._portfolio.forget(key)
        for key, info in self.infos.items():
            self._portfolio.set_info(key, info)
            if key not in self._sides:
                self._sides[key] = _Side(key, connector.trader(info.account_id))
        if self._active not in self._sides:
            wanted = self.key_of(self.plan.settings.options.get("account", ""))
            self._active = wanted if wanted in self._sides else next(iter(self._sides), self.plan.account)
        self._refresh("")
        self.changed.notify()

    def key_of(self, account_id: str) -> str:
        """Our key for an account of a connection that has several, e.g. ``ctrader:practice:5120001``."""
        return f"{self.plan.account}:{account_id}"

    def _on_sign_in_needed(self, reason: str) -> None:
        self.needs_sign_in = reason
        for side in self._sides.values():
            self._suspend(side, reason)
        self._set(SessionState.FAILED, reason)
        self.told.notify(VenueNotice(reason, is_urgent=True))

    def _on_link(self, event: LinkChanged) -> None:
        self._links[event.link] = event.state
        side = self._sides.get(self.plan.account)
        if event.link == "private" and side is not None:
            side.link = event.state
            if event.state is LinkState.LIVE:
                self._begin_reconcile(side)
            else:
                text = event.reason or "The account's stream is down; orders wait until it is back."
                self._suspend(side, text)
        self._refresh(event.reason)

    def _refresh(self, reason: str) -> None:
        """Work the one word out of the links, worst first."""
        public = self._links.get("public", LinkState.CONNECTING)
        side = self._sides.get(self._active)
        private = LinkState.LIVE if not self.has_account or side is None else side.link
        if self.needs_sign_in:
            return
        if LinkState.FAILED in (public, private):
            state = SessionState.FAILED
        elif LinkState.RECONNECTING in (public, private):
            state = SessionState.RECONNECTING
        elif LinkState.CONNECTING in (public, private) or LinkState.OFF in (public, private):
            state = SessionState.CONNECTING
        elif self._silent:
            state = SessionState.STALE
        elif self.has_account and (side is None or not side.reconciled):
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

    def _suspend(self, side: _Side, reason: str) -> None:
        side.reconciled = False
        if side.task is not None:
            # A comparison that has begun knows nothing of this reason; its end would open the account.
            side.task.cancel()
        self._orders.suspend(side.key, reason)

    def _begin_reconcile(self, side: _Side) -> None:
        # A link may still come up while it is being closed.
        if not self.has_account or self._is_stopped:
            return
        if self._clock_off:
            self._suspend(side, self._clock_off)
            return
        if side.task is not None:
            side.task.cancel()
        side.task = tasks.spawn(self._reconcile(side), name=f"reconcile {side.key}")

    async def _reconcile(self, side: _Side) -> None:
        """Compare orders, fills and balances with the venue until it works; only then may orders leave."""
        for attempt in range(1_000_000):
            try:
                self._portfolio.expect_snapshot(side.key)
                snapshot = await side.trader.snapshot(self._orders.reconcile_from_ns(side.key))
                self._portfolio.load(side.key, snapshot)
                await self._orders.reconcile(side.key, snapshot)
            except AuthRejected as error:
                self._set(SessionState.FAILED, error.user_text)
                return
            except RateLimited as error:
                await asyncio.sleep(error.retry_after_s or 5.0)
            except TerminalError as error:
                text = error.user_text if isinstance(error, VenueError) else str(error)
                log.warning("%s: reconciliation failed, trying again: %s", side.key, error)
                self._set(SessionState.SYNCING, text)
                await asyncio.sleep(_RECONCILE_RETRY_S[min(attempt, len(_RECONCILE_RETRY_S) - 1)])
            else:
                side.reconciled = True
                self.compared.notify(side.key)
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
            jump_s = (gap_ns - self._clock_gap_ns) / 1e9
            if abs(jump_s) > _CLOCK_JUMP_S:
                log.warning("%s: the clock jumped by %.1f s", self.venue, jump_s)
                self._clock_gap_ns = gap_ns
                self._prove_again(has_slept=jump_s > _SLEPT_S)
            self._compare_clocks()

    def _prove_again(self, *, has_slept: bool) -> None:
        """The wall clock jumped. After a sleep the venue may have forgotten us without a word: what is shown
        is stale until the links were opened anew, and accounts are compared once they are."""
        reason = "The clock jumped; checking orders with the venue."
        if has_slept and isinstance(self.connector, Reconnects):
            reason = "This computer was asleep; connecting again."
            for side in self._sides.values():
                self._suspend(side, reason)
            self._market.set_stale(self.venue, True)
            self._refresh(reason)
            self.connector.reconnect(reason)
            return
        for side in [side for side in self._sides.values() if side.reconciled]:
            self._suspend(side, reason)
            self._begin_reconcile(side)
            self._refresh(reason)

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
            for side in self._sides.values():
                self._suspend(side, self._clock_off)
            self._refresh(self._clock_off)
            return
        self._clock_off = ""
        for side in self._sides.values():
            self._suspend(side, "The clock is right again; checking orders with the venue.")
            if side.link is LinkState.LIVE:
                self._begin_reconcile(side)
        self._refresh("The clock is right again; checking orders with the venue.")


ConnectorFactory = Callable[[str, ConnectorSettings, str], Connector]
"""From the venue's name, what to build with, and our key of the account."""


class SessionManager:
    """All connections, one for each venue.

    Attributes:
        changed: called with the venue's name when its session changed or was replaced.
        told: what a venue wants a person to know.
        compared: an account was compared with its venue and takes orders now.
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
        self.told: Observable[[str, VenueNotice]] = Observable("venue notices")
        self.compared: Observable[[str]] = Observable("compared")
        self._make = make
        self._market = market
        self._orders = orders
        self._portfolio = portfolio
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._fees_asked_ns: dict[tuple[str, str], int] = {}
        self._unwatch_fees = portfolio.fees_wanted.watch(self._on_fees_wanted)
        self._switching = asyncio.Lock()
        self._is_closed = False

    @property
    def sessions(self) -> Mapping[str, Session]:
        """By venue, in the order in which they were first used."""
        return self._sessions

    def session_of(self, account: str) -> Session | None:
        """The connection that an account belongs to."""
        return next((item for item in self._sessions.values() if account in item.accounts), None)

    def trading_connector(self, account: str) -> TradesOrders | None:
        """The connector that can trade for an account, or None while it is not connected."""
        session = self.session_of(account)
        return None if session is None else session.trader(account)

    def compare_again(self, account: str) -> None:
        """Compare an account with its venue once more: something was sent and not answered."""
        session = self.session_of(account)
        if session is not None:
            session.compare_again(account)

    def _on_fees_wanted(self, account: str, symbol: str) -> None:
        trader, now_ns = self.trading_connector(account), self._clock.monotonic_ns()
        asked_ns = self._fees_asked_ns.get((account, symbol))
        if trader is None or (asked_ns is not None and now_ns - asked_ns < _FEES_AGAIN_NS):
            return
        self._fees_asked_ns[account, symbol] = now_ns
        tasks.spawn(self._read_fees(trader, account, symbol), name=f"fees of {account} in {symbol}")

    async def _read_fees(self, trader: TradesOrders, account: str, symbol: str) -> None:
        """Without an answer the ticket keeps saying that the rate is unknown, and it is asked again."""
        try:
            rates = await trader.fee_rates(symbol)
        except TerminalError as error:
            log.info("%s: the fees of %s are not known yet: %s", account, symbol, error)
            return
        if rates is not None:
            self._portfolio.set_fee_rates(account, symbol, rates)

    async def use(self, plan: ConnectionPlan) -> Session:
        """Connect a venue as planned, closing what it was connected to before.

        Raises:
            VenueUnavailable: everything is being closed.
        """
        async with self._switching:
            old = self._sessions.get(plan.venue)
            if old is not None:
                await old.stop()
                for account in old.accounts:
                    self._portfolio.forget(account)
            if self._is_closed:
                raise VenueUnavailable(plan.venue, "closing", user_text="The terminal is closing.")
            session = Session(
                plan,
                self._make(plan.venue, plan.settings, plan.account),
                self._market,
                self._orders,
                self._portfolio,
                self._clock,
            )
            self._sessions[plan.venue] = session
            session.changed.watch(lambda: self.changed.notify(plan.venue))
            session.told.watch(lambda told: self.told.notify(plan.venue, told))
            session.compared.watch(self.compared.notify)
            self.changed.notify(plan.venue)
            await session.start()
            return session

    async def disconnect(self, venue: str) -> None:
        """Close a venue's connection; it stays listed as off. Nothing is cancelled at the venue."""
        async with self._switching:
            session = self._sessions.get(venue)
            if session is not None:
                await session.stop()

    async def remove(self, venue: str) -> None:
        """Close a venue's connection and list it no longer. Nothing is cancelled at the venue."""
        async with self._switching:
            session = self._sessions.get(venue)
            if session is None:
                return
            await session.stop()
            del self._sessions[venue]
            for account in session.accounts:
                self._portfolio.forget(account)
        self.changed.notify(venue)

    async def stop(self) -> None:
        """Close every connection for good; one that is being made is closed too."""
        self._is_closed = True
        self._unwatch_fees()
        for session in list(self._sessions.values()):
            await session.stop()
