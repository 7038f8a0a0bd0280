"""A connection with several accounts behind one sign-in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.core.secret import Secret
from terminal.domain.account import (
    AccountFigures,
    AccountInfo,
    AccountKind,
    AccountSnapshot,
    FeeRates,
    Position,
)
from terminal.domain.errors import SettingsError, VenueUnavailable
from terminal.domain.events import (
    AccountsChanged,
    AccountStreamReset,
    FiguresReported,
    ForAccount,
    LinkChanged,
    LinkState,
    PositionReported,
    SignInNeeded,
    VenueEvent,
    VenueNotice,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.services.market_data import MarketData
from terminal.services.portfolio import Portfolio
from terminal.services.session import ConnectionPlan, Mode, SessionManager, SessionState
from terminal.venues.base import Connector, ConnectorSettings, HasAccounts, TradesOrders
from tests.fakes import FakeConnector
from tests.helpers import eventually, run
from tests.unit.services.test_session import FakeDesk

D = Decimal
EURUSD = InstrumentId("fake", "EUR/USD")
ONE = AccountInfo(
    account_id="101",
    title="House 5101",
    is_live=False,
    currency="USD",
    kind=AccountKind.HEDGED,
    leverage=D(30),
)
TWO = AccountInfo(
    account_id="202",
    title="House 5202",
    is_live=True,
    currency="EUR",
    kind=AccountKind.NETTED,
    leverage=D(100),
)
KEY_ONE, KEY_TWO = "fake:live:101", "fake:live:202"


class Hand(FakeConnector):
    """One account's hand."""

    def __init__(self, currency: str) -> None:
        super().__init__()
        self.failures: list[Exception] = []
        self.snapshot_now = AccountSnapshot((), (), figures=AccountFigures(currency, D(1000)))
        self.fees_asked: list[str] = []
        self.fees_now: FeeRates | VenueUnavailable | None = None

    async def fee_rates(self, symbol: str) -> FeeRates | None:
        self.fees_asked.append(symbol)
        if isinstance(self.fees_now, VenueUnavailable):
            raise self.fees_now
        return self.fees_now

    async def snapshot(self, since_ns: int) -> AccountSnapshot:
        self.snapshots_asked.append(since_ns)
        if self.failures:
            raise self.failures.pop(0)
        return self.snapshot_now


class Gate(FakeDesk):
    """Notes which accounts were closed."""

    def suspend(self, account: str, reason: str) -> None:
        self.suspended.append(account)


class FakeHouse(FakeConnector):
    """A connector with several accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.hands = {"101": Hand("USD"), "202": Hand("EUR")}
        self.asked_to_show: list[tuple[str, ...]] = []
        self.answer: asyncio.Future[None] | None = None
        """What the venue says to a change of accounts; None: it is done at once."""
        self.alone = False
        """One account is open at a time."""

    def accounts(self) -> Sequence[AccountInfo]:
        return (ONE, TWO)

    async def show_accounts(self, account_ids: Sequence[str]) -> None:
        self.asked_to_show.append(tuple(account_ids))
        if self.answer is not None:
            await self.answer
        if self.alone:
            self.emit(AccountsChanged((TWO,)))
            return
        shown = [info for info in self.accounts() if not account_ids or info.account_id in account_ids]
        self.emit(AccountsChanged(tuple(shown)))

    def trader(self, account_id: str) -> TradesOrders:
        return self.hands[account_id]


class Desk:
    def __init__(self, option: str = "") -> None:
        self.clock = ManualClock()
        self.market = MarketData(self.clock)
        self.orders = Gate()
        self.portfolio = Portfolio(self.market, lambda account: ())
        self.house = FakeHouse()
        self.house.last_frame_ns = self.clock.monotonic_ns()
        self.manager = SessionManager(self.make, self.market, self.orders, self.portfolio, self.clock)
        settings = ConnectorSettings({}, {"access_token": Secret("t")}, {"account": option})
        self.plan = ConnectionPlan("fake", Mode.LIVE, "fake:live", settings)

    def make(self, venue: str, settings: ConnectorSettings, account: str) -> Connector:
        return self.house

    def tell(self, event: VenueEvent) -> None:
        self.house.emit(event)

    async def open(self) -> None:
        await self.manager.use(self.plan)
        self.tell(LinkChanged("public", LinkState.LIVE, "", 0))
        self.tell(AccountsChanged((ONE, TWO)))

    def live(self, *account_ids: str) -> None:
        for account_id in account_ids:
            self.tell(ForAccount(account_id, LinkState.LIVE))


def test_the_fake_is_what_it_stands_for() -> None:
    assert isinstance(FakeHouse(), HasAccounts)


def test_each_account_is_compared_for_itself_and_the_active_one_decides_the_word() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        session = desk.manager.sessions["fake"]
        assert session.accounts == (KEY_ONE, KEY_TWO)
        assert session.account == KEY_ONE
        assert session.state.value == "connecting", "no account has signed in yet"
        desk.live("202")
        await eventually(lambda: desk.portfolio.figures(KEY_TWO) is not None)
        assert session.state is not SessionState.LIVE
        desk.live("101")
        await eventually(lambda: session.state is SessionState.LIVE)
        assert desk.portfolio.leverage(KEY_ONE, None) == 30  # type: ignore[arg-type]
        assert desk.manager.trading_connector(KEY_TWO) is desk.house.hands["202"]
        assert desk.manager.session_of(KEY_TWO) is session
        await desk.manager.stop()

    run(main())


def test_the_account_chosen_last_is_active_again() -> None:
    async def main() -> None:
        desk = Desk(option="202")
        await desk.open()
        session = desk.manager.sessions["fake"]
        assert session.account == KEY_TWO
        session.select_account(KEY_ONE)
        assert session.account == KEY_ONE
        desk.tell(AccountsChanged((TWO,)))
        assert session.account == KEY_TWO, "an account that is gone cannot trade"
        assert KEY_ONE in desk.orders.suspended
        await desk.manager.stop()

    run(main())


def test_a_hidden_account_is_left_and_can_be_shown_again() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        session = desk.manager.sessions["fake"]
        desk.live("101", "202")
        await eventually(lambda: len(desk.orders.reconciled) == 2)
        assert session.hidden == {}
        assert not session.shown_ids, "all of them, new ones too"
        desk.orders.suspended.clear()
        await session.show_account(KEY_TWO, False)
        assert desk.house.asked_to_show == [("101",)]
        assert session.accounts == (KEY_ONE,)
        assert session.hidden == {KEY_TWO: TWO}
        assert list(session.shown_ids) == ["101"]
        assert KEY_TWO in desk.orders.suspended
        assert desk.portfolio.figures(KEY_TWO) is None, "nothing of it counts"
        assert desk.manager.trading_connector(KEY_TWO) is None
        await session.show_account(KEY_TWO, False)
        assert len(desk.house.asked_to_show) == 1, "hidden already"
        await session.show_account(KEY_TWO, True)
        assert desk.house.asked_to_show[-1] == ()
        desk.live("202")
        await eventually(lambda: desk.portfolio.figures(KEY_TWO) is not None)
        assert list(session.accounts) == [KEY_ONE, KEY_TWO]
        await desk.manager.stop()

    run(main())


def test_the_account_that_trades_cannot_be_hidden() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        session = desk.manager.sessions["fake"]
        with pytest.raises(SettingsError, match="active") as refused:
            await session.show_account(KEY_ONE, False)
        assert "choose another one" in refused.value.user_text
        session.select_account(KEY_TWO)
        await session.show_account(KEY_ONE, False)
        assert session.accounts == (KEY_TWO,)
        assert session.account == KEY_TWO
        await desk.manager.stop()
        with pytest.raises(SettingsError, match="closed"):
            await session.show_account(KEY_ONE, True)

    run(main())


def test_losing_one_account_leaves_the_other_trading() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        session = desk.manager.sessions["fake"]
        desk.live("101", "202")
        await eventually(lambda: len(desk.orders.reconciled) == 2)
        desk.orders.suspended.clear()
        desk.tell(ForAccount("202", LinkState.RECONNECTING, "The account was logged out by the server."))
        assert desk.orders.suspended == [KEY_TWO]
        assert session.state is SessionState.LIVE
        desk.tell(ForAccount("101", AccountStreamReset("gap")))
        assert desk.orders.suspended == [KEY_TWO, KEY_ONE]
        await eventually(lambda: len(desk.orders.reconciled) == 3)
        await desk.manager.stop()

    run(main())


def test_positions_and_figures_go_to_their_account() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        position = Position(EURUSD, "7", Side.BUY, D(1000), D("1.10"))
        desk.tell(ForAccount("202", PositionReported(position)))
        desk.tell(ForAccount("202", FiguresReported(AccountFigures("EUR", D(50), D(5), D(10)))))
        assert desk.portfolio.positions(KEY_TWO) == (position,)
        assert desk.portfolio.positions(KEY_ONE) == ()
        figures = desk.portfolio.figures(KEY_TWO)
        assert figures is not None
        assert (figures.equity, figures.free_margin, figures.margin_level) == (D(55), D(45), D(550))
        closed = Position(EURUSD, "7", Side.BUY, D(0), D("1.10"))
        desk.tell(ForAccount("202", PositionReported(closed)))
        assert desk.portfolio.positions(KEY_TWO) == ()
        await desk.manager.stop()

    run(main())


def test_a_position_that_moved_while_a_snapshot_was_asked_for_keeps_its_newer_state() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        old = Position(EURUSD, "7", Side.BUY, D(1000), D("1.10"))
        new = Position(EURUSD, "7", Side.BUY, D(500), D("1.10"))
        desk.portfolio.expect_snapshot(KEY_ONE)
        desk.tell(ForAccount("101", PositionReported(new)))
        desk.portfolio.load(KEY_ONE, AccountSnapshot((), (), positions=(old,)))
        assert desk.portfolio.positions(KEY_ONE) == (new,)
        desk.portfolio.expect_snapshot(KEY_ONE)
        desk.portfolio.load(KEY_ONE, AccountSnapshot((), (), positions=(), positions_known=False))
        assert desk.portfolio.positions(KEY_ONE) == (new,), "a failed question never means flat"
        desk.portfolio.expect_snapshot(KEY_ONE)
        desk.portfolio.load(KEY_ONE, AccountSnapshot((), ()))
        assert desk.portfolio.positions(KEY_ONE) == ()
        await desk.manager.stop()

    run(main())


def test_a_lost_sign_in_closes_every_account_and_is_said() -> None:
    async def main() -> None:
        desk = Desk()
        told: list[tuple[str, VenueNotice]] = []
        desk.manager.told.watch(lambda venue, notice: told.append((venue, notice)))
        await desk.open()
        desk.live("101", "202")
        session = desk.manager.sessions["fake"]
        await eventually(lambda: session.state is SessionState.LIVE)
        desk.orders.suspended.clear()
        desk.tell(SignInNeeded("Your sign-in was revoked. Sign in again."))
        assert session.state is SessionState.FAILED
        assert session.reason == "Your sign-in was revoked. Sign in again."
        assert set(desk.orders.suspended) == {KEY_ONE, KEY_TWO}
        assert told == [("fake", VenueNotice("Your sign-in was revoked. Sign in again.", is_urgent=True))]
        await desk.manager.stop()

    run(main())


def test_a_comparison_that_fails_is_tried_again_for_that_account_alone() -> None:
    async def main() -> None:
        desk = Desk()
        desk.house.hands["101"].failures.append(VenueUnavailable("fake", "down"))
        compared: list[str] = []
        desk.manager.compared.watch(compared.append)
        await desk.open()
        desk.live("101", "202")
        await eventually(lambda: set(compared) == {KEY_ONE, KEY_TWO}, 10)
        assert len(desk.house.hands["202"].snapshots_asked) == 1
        desk.manager.compare_again(KEY_TWO)
        await eventually(lambda: len(desk.house.hands["202"].snapshots_asked) == 2)
        await desk.manager.stop()

    run(main())


def test_fee_rates_that_are_not_known_are_asked_for_until_the_venue_says_them() -> None:
    async def main() -> None:
        desk = Desk()
        hand, portfolio = desk.house.hands["101"], desk.portfolio
        await desk.open()
        assert portfolio.fee_rates(KEY_ONE, "EUR/USD") is None
        assert hand.fees_asked == [], "an account that is not read yet is not asked"
        desk.live("101")
        await eventually(lambda: portfolio.is_known(KEY_ONE))
        hand.fees_now = VenueUnavailable("fake", "busy")
        for _ in range(3):
            assert portfolio.fee_rates(KEY_ONE, "EUR/USD") is None
            await eventually(lambda: hand.fees_asked == ["EUR/USD"])
        desk.clock.advance(11)
        hand.fees_now = rates = FeeRates(D(0), D(0), D("0.00003"))
        assert portfolio.fee_rates(KEY_ONE, "EUR/USD") is None
        await eventually(lambda: portfolio.fee_rates(KEY_ONE, "EUR/USD") == rates)
        assert hand.fees_asked == ["EUR/USD"] * 2
        assert desk.house.hands["202"].fees_asked == []
        await desk.manager.stop()

    run(main())


def test_while_an_account_is_opened_in_place_of_another_that_one_takes_no_orders() -> None:
    async def main() -> None:
        desk = Desk()
        house = desk.house
        can = replace(house.info.capabilities, one_account_at_a_time=True)
        house.info = replace(house.info, capabilities=can)
        await desk.manager.use(desk.plan)
        desk.tell(LinkChanged("public", LinkState.LIVE, "", 0))
        desk.tell(AccountsChanged((ONE,)))
        desk.live("101")
        session = desk.manager.sessions["fake"]
        await eventually(lambda: session.state is SessionState.LIVE)
        desk.orders.suspended.clear()
        house.answer = asyncio.get_running_loop().create_future()
        opening = tasks.spawn(session.show_account(KEY_TWO, True), name="opening")
        await eventually(lambda: session.state is SessionState.SYNCING, what="no orders")
        assert session.reason == "Another account is being opened."
        assert desk.orders.suspended == [KEY_ONE]
        house.answer.set_exception(VenueUnavailable("fake", "silence", user_text="It was not opened."))
        with pytest.raises(VenueUnavailable):
            await opening
        await eventually(lambda: session.state is SessionState.LIVE, what="the old account, compared anew")
        assert session.account == KEY_ONE
        assert desk.orders.reconciled[-1] == desk.orders.reconciled[0]
        house.answer = None
        house.alone = True
        await session.show_account(KEY_TWO, True)
        assert (session.account, session.accounts) == (KEY_TWO, (KEY_TWO,))
        await desk.manager.stop()

    run(main())
