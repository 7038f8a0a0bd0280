"""A connection's life: trading opens after a reconciliation and closes with the private stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from terminal.core.clock import ManualClock
from terminal.core.secret import Secret
from terminal.domain.account import AccountSnapshot, Balance
from terminal.domain.errors import AuthRejected, VenueUnavailable
from terminal.domain.events import (
    AccountStreamReset,
    BalancesReported,
    FeedConfirmed,
    LinkChanged,
    LinkState,
    VenueEvent,
    VenueStatusChanged,
)
from terminal.domain.market import Feed, FeedKind
from terminal.services import session as session_module
from terminal.services.market_data import FeedState, MarketData
from terminal.services.portfolio import Portfolio
from terminal.services.session import ConnectionPlan, Mode, Session, SessionManager, SessionState
from terminal.venues.base import ConnectorSettings
from terminal.viewmodels.ports import badge_text
from tests.fakes import FakeConnector
from tests.helpers import eventually, run

KEYED = ConnectorSettings({}, {"key": Secret("k" * 20)})
PRIVATE_LIVE = LinkChanged("private", LinkState.LIVE, "", 0)


class FakeDesk:
    """Notes what the session tells the order gate."""

    def __init__(self) -> None:
        self.reconciled: list[AccountSnapshot] = []
        self.suspended: list[str] = []
        self.events: list[VenueEvent] = []

    def on_event(self, account: str, event: VenueEvent) -> None:
        self.events.append(event)

    async def reconcile(self, account: str, snapshot: AccountSnapshot) -> object:
        self.reconciled.append(snapshot)
        return None

    def reconcile_from_ns(self, account: str) -> int:
        return 123

    def suspend(self, account: str, reason: str) -> None:
        self.suspended.append(reason)


class Desk:
    def __init__(self, settings: ConnectorSettings = KEYED) -> None:
        self.clock = ManualClock()
        self.market = MarketData(self.clock)
        self.orders = FakeDesk()
        self.portfolio = Portfolio(self.market, lambda account: ())
        self.connectors: list[FakeConnector] = []
        self.manager = SessionManager(self.make, self.market, self.orders, self.portfolio, self.clock)
        self.plan = ConnectionPlan("fake", Mode.PRACTICE, "fake:practice", settings)
        self.prepare: Callable[[FakeConnector], None] = lambda connector: None

    def make(self, venue: str, settings: ConnectorSettings, account: str) -> FakeConnector:
        connector = FakeConnector()
        connector.last_frame_ns = self.clock.monotonic_ns()
        self.prepare(connector)
        self.connectors.append(connector)
        return connector

    @property
    def connector(self) -> FakeConnector:
        return self.connectors[-1]


def state(session: Session) -> SessionState:
    """The state now; through a function, so that one assertion does not narrow the next."""
    return session.state


def with_session(
    body: Callable[[Desk, Session], Awaitable[None]],
    settings: ConnectorSettings = KEYED,
    prepare: Callable[[FakeConnector], None] = lambda connector: None,
) -> None:
    async def main() -> None:
        desk = Desk(settings)
        desk.prepare = prepare
        session = await desk.manager.use(desk.plan)
        try:
            await body(desk, session)
        finally:
            await desk.manager.stop()

    run(main())


def test_account_is_live_only_after_reconciliation() -> None:
    async def body(desk: Desk, session: Session) -> None:
        assert state(session) is SessionState.CONNECTING
        desk.connector.snapshot_answer = AccountSnapshot((Balance("USD", Decimal(100)),), ())
        desk.connector.emit(PRIVATE_LIVE)
        assert state(session) is SessionState.SYNCING
        await eventually(lambda: session.state is SessionState.LIVE)
        assert desk.connector.snapshots_asked == [123]
        assert desk.portfolio.balances("fake:practice")["USD"].free == 100
        assert desk.manager.trading_connector("fake:practice") is desk.connector

    with_session(body)


def test_public_only_connection_is_live_without_an_account() -> None:
    async def body(desk: Desk, session: Session) -> None:
        await eventually(lambda: session.state is SessionState.LIVE)
        assert not session.has_account
        assert desk.manager.trading_connector("fake:practice") is None

    with_session(body, settings=ConnectorSettings({}))


@pytest.mark.fault(35)
def test_failed_snapshot_is_asked_again_and_never_means_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "_RECONCILE_RETRY_S", (0.01,))

    async def body(desk: Desk, session: Session) -> None:
        desk.connector.snapshot_answer = VenueUnavailable("fake", "503")
        desk.connector.emit(PRIVATE_LIVE)
        await eventually(lambda: len(desk.connector.snapshots_asked) >= 3)
        assert session.state is SessionState.SYNCING
        assert not desk.orders.reconciled
        assert not desk.portfolio.is_known("fake:practice")
        desk.connector.snapshot_answer = AccountSnapshot((), ())
        await eventually(lambda: session.state is SessionState.LIVE)

    with_session(body)


def test_private_stream_down_suspends_orders_and_its_return_reconciles() -> None:
    async def body(desk: Desk, session: Session) -> None:
        desk.connector.emit(PRIVATE_LIVE)
        await eventually(lambda: session.state is SessionState.LIVE)
        desk.connector.emit(LinkChanged("private", LinkState.RECONNECTING, "reset", 0))
        assert desk.orders.suspended[-1] == "reset"
        assert state(session) is SessionState.RECONNECTING
        desk.connector.emit(PRIVATE_LIVE)
        await eventually(lambda: len(desk.orders.reconciled) == 2)
        assert session.state is SessionState.LIVE

    with_session(body)


def test_gap_in_the_private_stream_reconciles() -> None:
    async def body(desk: Desk, session: Session) -> None:
        desk.connector.emit(PRIVATE_LIVE)
        await eventually(lambda: session.state is SessionState.LIVE)
        desk.connector.emit(AccountStreamReset("gap"))
        await eventually(lambda: len(desk.orders.reconciled) == 2)

    with_session(body)


def test_refused_key_fails_with_the_venues_meaning() -> None:
    async def body(desk: Desk, session: Session) -> None:
        desk.connector.snapshot_answer = AuthRejected("fake", user_text="The key is wrong.")
        desk.connector.emit(PRIVATE_LIVE)
        await eventually(lambda: session.state is SessionState.FAILED)
        assert session.reason == "The key is wrong."

    with_session(body)


@pytest.mark.fault(2)
def test_silent_link_is_shown_as_stale_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "_CHECK_EVERY_S", 0.01)

    async def body(desk: Desk, session: Session) -> None:
        await eventually(lambda: session.state is SessionState.LIVE)
        desk.clock.advance(3.5)
        await eventually(lambda: session.state is SessionState.STALE)
        desk.connector.last_frame_ns = desk.clock.monotonic_ns()
        await eventually(lambda: session.state is SessionState.LIVE)

    with_session(body, settings=ConnectorSettings({}))


@pytest.mark.fault(37)
def test_clock_jump_reconciles_before_orders_may_leave_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "_CHECK_EVERY_S", 0.01)

    async def body(desk: Desk, session: Session) -> None:
        desk.connector.emit(PRIVATE_LIVE)
        await eventually(lambda: len(desk.orders.reconciled) == 1)
        desk.clock.jump_wall(3600)
        await eventually(lambda: len(desk.orders.reconciled) == 2)
        assert "clock" in desk.orders.suspended[-1].lower()

    with_session(body)


class Sleeper(FakeConnector):
    """Can be told to open its connections anew."""

    def __init__(self) -> None:
        super().__init__()
        self.reconnect_reasons: list[str] = []

    def reconnect(self, reason: str) -> None:
        self.reconnect_reasons.append(reason)


@pytest.mark.fault(15)
def test_after_a_sleep_connections_are_opened_anew_and_nothing_counts_until_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_module, "_CHECK_EVERY_S", 0.01)
    connector = Sleeper()
    monkeypatch.setattr(Desk, "make", lambda desk, venue, settings, account: connector)

    async def body(desk: Desk, session: Session) -> None:
        connector.last_frame_ns = desk.clock.monotonic_ns()
        connector.emit(PRIVATE_LIVE)
        await eventually(lambda: session.state is SessionState.LIVE)
        desk.market.watch(Feed(FeedKind.QUOTES, "BTC/USD"), "fake")
        connector.emit(FeedConfirmed(Feed(FeedKind.QUOTES, "BTC/USD")))
        # Two hours by the wall clock; the monotonic one stood still with the machine.
        desk.clock.jump_wall(7200)
        await eventually(lambda: connector.reconnect_reasons)
        assert "asleep" in connector.reconnect_reasons[0]
        assert "asleep" in desk.orders.suspended[-1]
        assert session.state is SessionState.SYNCING
        assert desk.market.feed_state(Feed(FeedKind.QUOTES, "BTC/USD"), "fake") is FeedState.STALE
        assert len(desk.orders.reconciled) == 1, "compared over the connection that is not proven"
        for link in ("public", "private"):
            connector.emit(LinkChanged(link, LinkState.RECONNECTING, "asked", 0))
            connector.emit(LinkChanged(link, LinkState.LIVE, "", 0))
        await eventually(lambda: session.state is SessionState.LIVE)
        assert len(desk.orders.reconciled) == 2
        assert len(connector.reconnect_reasons) == 1

    with_session(body)


@pytest.mark.fault(35)
def test_a_comparison_that_began_before_the_stream_was_lost_does_not_open_the_account() -> None:
    async def body(desk: Desk, session: Session) -> None:
        answer = asyncio.Event()
        reconcile = desk.orders.reconcile

        async def slowly(account: str, snapshot: AccountSnapshot) -> object:
            await answer.wait()
            return await reconcile(account, snapshot)

        desk.orders.reconcile = slowly  # type: ignore[method-assign]
        desk.connector.emit(PRIVATE_LIVE)
        await eventually(lambda: desk.connector.snapshots_asked)
        desk.connector.emit(LinkChanged("private", LinkState.RECONNECTING, "cut", 0))
        answer.set()
        for _ in range(20):
            await asyncio.sleep(0)
        assert desk.orders.reconciled == []
        desk.connector.emit(PRIVATE_LIVE)
        await eventually(lambda: session.state is SessionState.LIVE)
        assert len(desk.orders.reconciled) == 1

    with_session(body)


@pytest.mark.fault(37)
@pytest.mark.parametrize("offset_s", [3600.0, -25.0])
def test_no_order_leaves_while_the_clocks_differ_by_more_than_twenty_seconds(
    offset_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_CHECK_EVERY_S", 0.01)

    async def body(desk: Desk, session: Session) -> None:
        desk.connector.emit(PRIVATE_LIVE)
        await eventually(lambda: session.state is SessionState.LIVE)
        desk.connector.clock_offset_ms = offset_s * 1000
        await eventually(lambda: session.state is SessionState.SYNCING)
        assert f"differ by {abs(offset_s):.0f} s" in desk.orders.suspended[-1]
        assert session.reason == desk.orders.suspended[-1]
        # A new private connection does not open the account either.
        count = len(desk.orders.reconciled)
        desk.connector.emit(LinkChanged("private", LinkState.RECONNECTING, "", 0))
        desk.connector.emit(PRIVATE_LIVE)
        await asyncio.sleep(0.05)
        assert len(desk.orders.reconciled) == count
        assert session.state is SessionState.SYNCING
        desk.connector.clock_offset_ms = 100.0
        await eventually(lambda: session.state is SessionState.LIVE)
        assert len(desk.orders.reconciled) == count + 1

    with_session(body)


def test_another_mode_closes_the_first_connection() -> None:
    async def body(desk: Desk, session: Session) -> None:
        first = desk.connector
        plan = ConnectionPlan("fake", Mode.PUBLIC, "fake:public", ConnectorSettings({}))
        second = await desk.manager.use(plan)
        assert first.closed
        assert desk.manager.sessions["fake"] is second
        assert desk.manager.session_of("fake:practice") is None

    with_session(body)


def test_balances_and_venue_status_reach_their_places() -> None:
    async def body(desk: Desk, session: Session) -> None:
        desk.connector.emit(BalancesReported((Balance("BTC", Decimal(2)),), True))
        desk.connector.emit(VenueStatusChanged("cancel_only"))
        assert desk.portfolio.balances("fake:practice")["BTC"].total == 2
        assert session.venue_status == "cancel_only"

    with_session(body)


class DemoConnector(FakeConnector):
    """A venue with a demo world of its own."""

    is_demo = True


@pytest.mark.parametrize(
    ("mode", "is_demo", "badge"),
    [(Mode.LIVE, True, "DEMO"), (Mode.LIVE, False, "LIVE"), (Mode.PRACTICE, True, "PRACTICE")],
)
def test_money_of_a_venues_demo_world_is_never_called_real(mode: Mode, is_demo: bool, badge: str) -> None:
    async def main() -> None:
        desk = Desk()
        connector = DemoConnector()
        connector.is_demo = is_demo
        connector.last_frame_ns = desk.clock.monotonic_ns()
        desk.manager = SessionManager(
            lambda venue, settings, account: connector,
            desk.market,
            desk.orders,
            desk.portfolio,
            desk.clock,
        )
        account = f"fake:{mode.value}"
        session = await desk.manager.use(ConnectionPlan("fake", mode, account, KEYED))
        assert badge_text(mode, account, session.infos.get(account)) == badge
        assert session.accounts == (account,)
        await desk.manager.stop()

    run(main())
