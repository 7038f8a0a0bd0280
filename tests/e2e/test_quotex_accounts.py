"""The accounts of a Quotex sign-in by mouse, on the practice venue: another one is opened, a demo account is
filled up, the profile is read and its time zone changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from terminal.core import tasks
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.services.session import Session, SessionState
from terminal.venues.base import HasProfile, HasRecords
from terminal.venues.quotex.accounts import account_id_of, owner_of
from terminal.viewmodels.sending import Result
from terminal.viewmodels.tables import ACTIONS_ROLE
from terminal.widgets import blotter as tabs
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.profile_dialog import ProfileDialog
from terminal.widgets.refill_dialog import RefillDialog
from tests.e2e.rig import QUICK_QUOTEX
from tests.e2e.screen_harness import Desk, opened, run_screen
from tests.practice_quotex import DEMO_MONEY, EMAIL, QuotexPractice

D = Decimal
EUR = InstrumentId("quotex", "EUR/USD OTC")
DEMO, REAL, CONTEST = (
    f"quotex:practice:{account_id_of(which, owner_of(EMAIL))}" for which in ("demo", "live", "417")
)
CONTEST_MONEY = D(640)


@pytest.fixture(scope="module")
def running() -> Iterator[QuotexPractice]:
    practice = QuotexPractice()
    practice.start()
    yield practice
    practice.stop()


@pytest.fixture
def quotex(running: QuotexPractice, qapp: QApplication) -> QuotexPractice:
    running.renew()
    # Unlike the demo account's, so that nobody takes one for the other.
    running.command("balance", {"wallet": "417", "amount": format(CONTEST_MONEY, "f")})
    return running


class Trader:
    """Somebody at the desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @property
    def session(self) -> Session:
        return self.desk.terminal.sessions.sessions["quotex"]

    async def until_trading(self, account: str) -> None:
        """An account is the open one, compared with the venue, and its market has a price."""
        desk, terminal = self.desk, self.desk.terminal
        await desk.until(
            lambda: (
                "quotex" in terminal.sessions.sessions
                and self.session.account == account
                and self.session.state is SessionState.LIVE
                and terminal.gate.ready(account)
                and terminal.market.quote(EUR) is not None
            ),
            f"{account} trades",
            40.0,
        )
        await desk.until(lambda: len(self.session.hidden) == 3, "the venue's list of accounts")
        await desk.frame()

    async def until_day_runs(self, account: str) -> None:
        """The account's day began more than a second ago: a deal tells its opening in whole seconds."""
        terminal = self.desk.terminal

        def runs() -> bool:
            day = terminal.day.results.look(account)
            return day is not None and terminal.clock.wall_ns() > day.since_ns + 1_200_000_000

        await self.desk.until(runs, "a day that has begun")

    async def choose_market(self) -> None:
        self.desk.screen.selection.select(EUR)
        await self.until_trading(DEMO)

    async def menu(self, words: str) -> None:
        """Click the venue's card, and the entry of its menu that begins so."""
        await self.desk.hand.click(self.desk.window.strip._cards["quotex"])
        menu = self.desk.menu()
        entry = next(action.text() for action in menu.actions() if action.text().startswith(words))
        await self.desk.hand.trigger(menu, entry)

    async def entries(self) -> list[str]:
        """What the menu offers now."""
        await self.desk.hand.click(self.desk.window.strip._cards["quotex"])
        menu = self.desk.menu()
        texts = [action.text() for action in menu.actions() if action.text()]
        menu.close()
        await self.desk.frame()
        return texts

    async def buy(self, stake: str = "5") -> None:
        """A contract of the ticket, which runs for a minute."""
        vm, before = self.desk.screen.contracts, len(self.positions())
        vm.set_text("stake", stake)
        vm.submit(Side.BUY)
        await self.desk.until(lambda: vm.sending.pending is not None, "a question")
        vm.sending.confirm()
        await self.desk.until(lambda: len(self.positions()) > before, "a running contract")

    def ticket(self) -> tuple[str, Result | None]:
        """The line under its buttons, and what became of the last order."""
        vm = self.desk.screen.contracts
        assert vm.place is not None
        return vm.place.note, vm.sending.result

    def positions(self) -> list[str]:
        return [row.account for row in self.desk.screen.positions.model.rows]

    def seen_accounts(self) -> set[str]:
        """Whose rows stand in any tab of the blotter but Accounts."""
        screen = self.desk.screen
        return {
            *self.positions(),
            *(row.account for row in screen.orders.model.rows),
            *(row.account for row in screen.account.balances.rows),
        }


def at_desk(quotex: QuotexPractice, folder: Path, body: Callable[[Trader], Awaitable[None]]) -> None:
    async def on(desk: Desk) -> None:
        await body(Trader(desk))
        # What a chart asks for beside the case ends first.
        await desk.until(lambda: not [each for each in tasks.running() if "bars" in each.get_name()], "bars")

    run_screen(quotex, folder, on, wait=False, tools={"quotex": {"policy": QUICK_QUOTEX}})


def test_a_tournament_is_opened_and_left_again_and_nothing_of_the_other_is_in_sight(
    quotex: QuotexPractice, tmp_path: Path
) -> None:
    async def on(trader: Trader) -> None:
        desk, screen = trader.desk, trader.desk.screen
        await trader.choose_market()
        assert trader.ticket()[0] == "Quotex demo account, practice: no money moves"
        await trader.until_day_runs(DEMO)
        await trader.buy()
        await desk.until(lambda: trader.ticket()[1] is not None, "what became of it")
        await trader.menu("Quotex tournament Weekend contest")
        question = await opened(desk, ConfirmDialog)
        said = desk.words(question)
        for words in ("Quotex demo practice.trader", "Contracts running there | 1", "goes on at the venue"):
            assert words in said, said
        await desk.hand.click(question.confirm)
        await trader.until_trading(CONTEST)
        await desk.until(lambda: trader.seen_accounts() == {CONTEST}, "nothing of the demo account")
        note, result = trader.ticket()
        assert note == "Quotex tournament Weekend contest, practice: no money moves"
        assert result is None, "what became of the other account's order"
        await desk.until(lambda: screen.account.equity == CONTEST_MONEY, "its own money")
        await desk.until(lambda: screen.account.day_pnl == 0, "its own day")
        assert screen.orders.fills_model.rowCount() == 0
        assert not [text for text in await trader.entries() if text.startswith("Fill")]
        await trader.buy("7")
        noted = await quotex.record()
        assert [(row["tournamentId"], row["amount"]) for row in noted["opened"]] == [
            (0, "5.00"),
            (417, "7.00"),
        ]
        # Back by the button of its row.
        table = await desk.show_tab(tabs.ACCOUNTS)
        await desk.frame()
        model = screen.positions.accounts_model
        row = model.row_of(DEMO)
        assert row is not None
        index = model.index(row, model.columnCount() - 1)
        table.scrollTo(index)
        ((_, place),) = table._delegate.places(table.visualRect(index), index.data(ACTIONS_ROLE))
        await desk.hand.click(table.viewport(), place.center())
        question = await opened(desk, ConfirmDialog)
        await desk.hand.click(question.confirm)
        await trader.until_trading(DEMO)
        await desk.until(lambda: trader.positions() == [DEMO], "the contract that ran on")
        await desk.until(lambda: screen.account.equity == DEMO_MONEY - 5, "its own money")
        await desk.until(lambda: screen.account.day_pnl == -5, "its own day")
        # What is called real here is practice, and opens nothing of the real sign-in.
        await trader.menu("Quotex real")
        question = await opened(desk, ConfirmDialog)
        said = desk.words(question)
        for words in ("PRACTICE", "no money moves here", "Contracts running there | 1"):
            assert words in said, said
        await desk.hand.click(question.confirm)
        await trader.until_trading(REAL)
        assert desk.window.top_bar.badge.text() == "PRACTICE"
        settings = desk.terminal.settings
        chosen = (REAL.rpartition(":")[2],)
        await desk.until(lambda: settings.items("practice.accounts", "quotex") == chosen, "its choice")
        assert settings.items("venue.accounts", "quotex") == ()

    at_desk(quotex, tmp_path, on)


def test_the_demo_account_is_filled_up_apart_from_the_day_and_the_profile_is_read_and_changed(
    quotex: QuotexPractice, tmp_path: Path
) -> None:
    async def on(trader: Trader) -> None:
        desk, screen = trader.desk, trader.desk.screen
        await trader.choose_market()
        await desk.until(lambda: screen.account.day_pnl == 0, "the beginning of a day")
        await trader.menu("Fill the demo account up")
        dialog = await opened(desk, RefillDialog)
        await desk.hand.replace(dialog.edit, "99999")
        await desk.hand.click(dialog.confirm)
        await desk.until(lambda: "maximum" in dialog.state.text(), "the venue's no")
        await desk.hand.replace(dialog.edit, "15000")
        await desk.hand.click(dialog.confirm)
        await desk.until(lambda: screen.account.equity == 15_000, "the new balance")
        await desk.until(lambda: any("filled up" in text for text in desk.notices()), "a notice")
        await desk.until(lambda: screen.account.day_pnl == 0, "a refill that is no profit")
        hand: object = desk.terminal.sessions.trading_connector(DEMO)
        assert isinstance(hand, HasRecords)
        (entry,) = (await hand.cash_flow()).entries
        assert (entry.what, entry.amount) == ("refill", 15_000 - DEMO_MONEY)
        await trader.menu("Profile and clock")
        profile = await opened(desk, ProfileDialog)
        await desk.until(lambda: "practice.trader" in desk.words(profile), "whose it is")
        said = desk.words(profile)
        for words in ("61402117", "Portugal", "USD", "Quotex's clock", "Difference", "UTC"):
            assert words in said, said
        await desk.hand.choose(profile.zone, 20_700)
        await desk.hand.click(profile.save)
        await desk.until(lambda: "keeps UTC+05:45" in profile.state.text(), "the venue's answer")
        connector: object = trader.session.connector
        assert isinstance(connector, HasProfile)
        assert (await connector.profile()).time_offset_s == 20_700
        await quotex.fault("clock_jump", offset_s=400)
        await desk.until(lambda: "6 min 4" in profile.clock_warning.text(), "a sentence about the clocks")
        await quotex.fault("clock_jump", offset_s=0)
        await desk.hand.click(profile.back)

    at_desk(quotex, tmp_path, on)
