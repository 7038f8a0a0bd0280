"""Practice venues and real money side by side: each panel says its own, and no sum has both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from terminal.domain.account import AccountInfo, Balance
from terminal.domain.instrument import InstrumentId
from terminal.services.session import Mode
from terminal.viewmodels.choice import Choice
from terminal.viewmodels.dead_man import DeadManViewModel
from terminal.viewmodels.selection import LinkGroups
from terminal.widgets import theme
from terminal.widgets.panels import Panel
from terminal.widgets.status_bar import StatusBar
from tests.gui.frame_fakes import ACCOUNT, BTC, KRAKEN, FakePortfolio, FakeSession, Frame
from tests.gui.test_dead_man import FakeSwitch
from tests.helpers import run

D = Decimal
OWN = InstrumentId("own", "BTC/USD")
REAL = "own:live"


class TwoPurses(FakePortfolio):
    """Ten thousand of practice money, and two thousand of a person's own."""

    def __init__(self) -> None:
        super().__init__()
        self.purses = {ACCOUNT: D(10_000), REAL: D(2_000)}

    def is_known(self, account: str) -> bool:
        return account in self.purses

    def balances(self, account: str) -> Mapping[str, Balance]:
        return {"USD": Balance("USD", self.purses[account])}

    def pay(self, account: str, amount: Decimal) -> None:
        self.purses[account] = self.purses.get(account, D(0)) + amount
        self.changed.notify(account)


@pytest.fixture
def purses() -> TwoPurses:
    return TwoPurses()


@pytest.fixture
def frame(qtbot: QtBot, qapp: QApplication, purses: TwoPurses) -> Iterator[Frame]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    made = Frame(portfolio=purses)
    made.connections.show_venues((KRAKEN, replace(KRAKEN, name="own", title="Own")), ())
    join(made, "own", Mode.LIVE, REAL)
    yield made
    made.frames.stop()


def join(frame: Frame, venue: str, mode: Mode, account: str) -> FakeSession:
    session = frame.sessions.sessions[venue] = FakeSession(venue, mode, account)
    frame.sessions.changed.notify(venue)
    frame.account.refresh()
    frame.tick()
    return session


def test_every_panel_says_whose_money_its_own_venue_moves(frame: Frame, tmp_path: Path) -> None:
    groups = LinkGroups(None, {"kraken": "Kraken", "own": "Own"})
    practice, real, moving = groups.panel(1), groups.panel(2), groups.panel(3)
    practice.select(BTC)
    real.select(OWN)
    window = frame.window(
        tmp_path / "layouts",
        {
            key: Panel(key, key.title(), QWidget(), can_trade=True, link=link)
            for key, link in (("chart", practice), ("ladder", real), ("ticket", moving))
        },
    )
    bars = window.workspace.bars

    def said(key: str) -> tuple[str, bool]:
        return bars[key].word.text(), not bars[key].edge.isHidden()

    assert said("chart") == ("PRACTICE", True)
    assert said("ladder") == ("LIVE", False)
    assert said("ticket") == ("", False)
    assert said("blotter") == ("PRACTICE + LIVE", False)
    assert window.top_bar.badge.text() == "PRACTICE + LIVE"
    assert window.top_bar.day_label.text() == "Day, real money"
    moving.select(BTC)
    assert said("ticket") == ("PRACTICE", True)
    moving.select(OWN)
    assert said("ticket") == ("LIVE", False)
    # Its venue goes over to practice: the desk's gravest mode has nothing to do with the others.
    join(frame, "own", Mode.PRACTICE, "own:practice")
    assert said("ladder") == ("PRACTICE", True)
    assert said("blotter") == ("PRACTICE", True)
    frame.account.refresh()
    frame.tick()
    assert window.top_bar.day_label.text() == "Day"
    frame.store.close()
    window.close_for_good()
    window.deleteLater()


def test_practice_money_is_never_added_to_real_money(frame: Frame, purses: TwoPurses) -> None:
    assert frame.account.equity == 2_000
    assert frame.account.practice_equity == 10_000
    assert frame.status.balance == "LIVE 2\u202f000.00 USD · practice 10\u202f000.00 USD"
    purses.pay(ACCOUNT, D(500))
    purses.pay(REAL, D(-30))
    frame.tick()
    assert frame.account.day_pnl == -30
    assert frame.desk.day_pnl_text == "−30.00 USD"
    assert "Practice, counted apart: +500.00 USD" in frame.desk.day_tip
    assert frame.account.practice_day_pnl == 500


def test_practice_does_not_stand_for_real_money_that_is_not_known_yet(
    frame: Frame, purses: TwoPurses
) -> None:
    purses.purses.pop(REAL)
    purses.pay(ACCOUNT, D(0))
    frame.tick()
    assert frame.account.equity is None
    assert frame.account.day_pnl is None
    assert frame.status.balance == "LIVE · practice 10\u202f000.00 USD"


def test_without_real_money_everything_is_as_it_was(frame: Frame) -> None:
    session = join(frame, "own", Mode.LIVE, REAL)
    # A broker's demo account is no real money either.
    session.infos[REAL] = AccountInfo(account_id="91", title="The House 91", is_live=False)
    frame.sessions.changed.notify("own")
    frame.account.refresh()
    frame.tick()
    assert frame.account.equity == 12_000
    assert frame.account.practice_equity is None
    assert frame.desk.badge == "PRACTICE + DEMO"
    assert frame.status.balance == "PRACTICE + DEMO 12\u202f000.00 USD"
    assert "counted apart" not in frame.desk.day_tip


def test_accounts_that_are_not_shown_are_counted_among_their_own_kind(qtbot: QtBot, frame: Frame) -> None:
    frame.sessions.sessions["kraken"].hidden["kraken:practice:2"] = AccountInfo(
        account_id="2", title="The House 2", is_live=False
    )
    frame.sessions.changed.notify("kraken")
    assert frame.connections.counted_text == ""
    frame.sessions.sessions["own"].hidden["own:live:2"] = AccountInfo(
        account_id="2", title="The House 2", is_live=True
    )
    frame.sessions.changed.notify("own")
    assert frame.connections.counted_text == "1 account open, 1 not shown"
    assert frame.positions.counted_text == "1 account open, 1 not shown"
    frame.sessions.changed.notify("own")
    frame.tick()
    frame.account.refresh()
    frame.tick()
    bar = StatusBar(frame.status)
    qtbot.addWidget(bar)
    assert bar.balance.text().endswith("practice 10\u202f000.00 USD")
    assert bar.balance.toolTip() == "In the total: Own live\nNot shown, and in no total: Own live 2"


def test_a_question_wears_the_badge_of_the_accounts_it_is_about(frame: Frame) -> None:
    assert frame.connections.badge_for([ACCOUNT, ACCOUNT]) == "PRACTICE"
    assert frame.connections.badge_for([REAL]) == "LIVE"
    assert frame.connections.badge_for([REAL, ACCOUNT]) == "PRACTICE + LIVE"
    assert frame.connections.badge_for([]) == ""


def test_an_armed_switch_is_asked_about_under_the_badge_of_its_account(frame: Frame) -> None:
    asked: list[Choice] = []

    async def choose(question: Choice) -> None:
        asked.append(question)

    switch = FakeSwitch()
    switch.state(ACCOUNT).armed = True
    vm = DeadManViewModel(switch, frame.connections, frame.notices, frame.frames, ask=frame.ask)
    run(vm.ask_before_quitting(choose, lambda account: 1))
    assert [question.badge for question in asked] == ["PRACTICE"]


def test_the_practice_account_can_be_set_back_beside_a_real_one(frame: Frame) -> None:
    assert frame.desk.can_reset_practice
    frame.sessions.sessions.pop("kraken")
    assert not frame.desk.can_reset_practice
