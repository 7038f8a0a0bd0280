"""Changing between the accounts of a sign-in of which one is open at a time: demo, real, tournaments."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from terminal.core import tasks
from terminal.domain.account import AccountInfo, AccountKind, Position
from terminal.domain.contracts import RunningContract
from terminal.domain.errors import VenueUnavailable
from terminal.domain.market import Side
from terminal.services.session import Mode
from terminal.viewmodels.position_rows import OPEN
from terminal.viewmodels.tables import ACTIONS_ROLE
from terminal.widgets.positions import AccountsPanel
from terminal.widgets.venue_strip import VenueStrip
from tests.gui.frame_fakes import BTC, START_NS, Frame, order
from tests.helpers import eventually, run

D = Decimal
DEMO, REAL, CONTEST = (f"kraken:live:{which}" for which in ("demo", "live", "417"))
CONSENT = "This account trades with real money."


def info(account_id: str, name: str, *, is_live: bool = False) -> AccountInfo:
    return AccountInfo(
        account_id=account_id,
        title=f"House {name} jane",
        is_live=is_live,
        currency="USD",
        kind=AccountKind.HEDGED,
        consent=CONSENT if is_live else "",
        name=name,
        refills=name == "demo",
    )


INFOS = {
    DEMO: info("demo", "demo"),
    REAL: info("live", "real", is_live=True),
    CONTEST: info("417", "Weekend contest"),
}


class House:
    """A desk with one venue of which one account is open at a time."""

    def __init__(self, mode: Mode = Mode.LIVE) -> None:
        self.frame = frame = Frame()
        kraken = frame.connections.infos["kraken"]
        can = replace(kraken.capabilities, one_account_at_a_time=True, contracts=True)
        frame.connections.infos["kraken"] = replace(kraken, capabilities=can)
        self.session = frame.sessions.sessions["kraken"]
        self.session.mode = mode
        self.open(DEMO)

    def open(self, account: str) -> None:
        """As the session has it once the venue has opened an account."""
        self.session.account = account
        self.session.infos = {account: INFOS[account]}
        self.session.hidden = {key: each for key, each in INFOS.items() if key != account}
        self.frame.portfolio.about = INFOS[account]
        self.frame.sessions.changed.notify("kraken")
        self.frame.positions.refresh()
        self.frame.tick()

    def run_contracts(self, running: int, waiting: int = 0) -> None:
        contract = RunningContract(D(87), START_NS + 60 * 10**9, 60)
        self.frame.portfolio.open = [
            Position(BTC, f"P{at}", Side.BUY, D(5), D(64_000), currency="USD", contract=contract)
            for at in range(running)
        ]
        for at in range(waiting):
            mine = order(f"w{at}")
            mine.account = self.session.account
            self.frame.gate.put(mine)


def with_house(body: Callable[[House], Coroutine[Any, Any, None]], mode: Mode = Mode.LIVE) -> None:
    async def main() -> None:
        house = House(mode)
        try:
            await body(house)
        finally:
            house.frame.frames.stop()

    run(main())


async def asked(house: House, account: str) -> None:
    """Choose an account and wait until whatever follows has ended."""
    house.frame.positions.act(account, OPEN.key)
    await eventually(lambda: not tasks.running(), 5, "the end of it")


def test_another_account_is_opened_at_once_where_nothing_speaks_against_it(qapp: QApplication) -> None:
    async def body(house: House) -> None:
        await asked(house, CONTEST)
        assert house.frame.questions == []
        assert house.frame.shown == [(CONTEST, True)]
        assert house.frame.chosen == [CONTEST], "and orders go to it"

    with_house(body)


def test_real_money_is_opened_only_with_its_own_consent(qapp: QApplication) -> None:
    async def body(house: House) -> None:
        house.frame.answer = False
        await asked(house, REAL)
        (question,) = house.frame.questions
        assert (question.note, question.badge, question.tone) == (CONSENT, "LIVE", "danger")
        assert house.frame.shown == []
        house.frame.answer = True
        await asked(house, REAL)
        assert house.frame.shown == [(REAL, True)]

    with_house(body)


def test_what_is_called_real_at_the_practice_venue_is_not_taken_for_real_money(qapp: QApplication) -> None:
    async def body(house: House) -> None:
        await asked(house, REAL)
        (question,) = house.frame.questions
        assert (question.badge, question.tone) == ("PRACTICE", "danger"), "rehearsed as it will be asked"
        assert question.note.startswith("Practice market: no money moves here.")
        assert CONSENT in question.note, "so that it is known before it counts"

    with_house(body, Mode.PRACTICE)


@pytest.mark.parametrize(
    ("account", "mode", "said"),
    [
        (DEMO, Mode.PRACTICE, "Kraken demo account, practice: no money moves"),
        (REAL, Mode.PRACTICE, "Kraken real account of the practice site: no money moves"),
        (CONTEST, Mode.PRACTICE, "Kraken demo account Weekend contest, practice: no money moves"),
        (REAL, Mode.LIVE, "Live: real money on House real jane"),
    ],
)
def test_the_card_says_which_of_the_accounts_trades(
    qapp: QApplication, account: str, mode: Mode, said: str
) -> None:
    async def body(house: House) -> None:
        house.open(account)
        house.frame.connections._build()
        strip = VenueStrip(house.frame.connections)
        assert f"Account: {said}" in strip._cards["kraken"].toolTip()
        first = strip.menu_for("kraken").actions()[0]
        assert (first.text(), first.isEnabled()) == (f"Now: {said}", False)
        strip.deleteLater()

    with_house(body, mode)


def test_only_what_there_is_is_counted(qapp: QApplication) -> None:
    async def body(house: House) -> None:
        house.run_contracts(1)
        await asked(house, CONTEST)
        (question,) = house.frame.questions
        assert question.rows == (("Is left", "House demo jane"), ("Contracts running there", "1"))

    with_house(body)


@pytest.mark.parametrize("target", [CONTEST, REAL])
def test_what_runs_in_the_account_that_is_left_is_told(qapp: QApplication, target: str) -> None:
    async def body(house: House) -> None:
        house.run_contracts(2, 1)
        await asked(house, target)
        (question,) = house.frame.questions
        assert question.rows == (
            ("Is left", "House demo jane"),
            ("Contracts running there", "2"),
            ("Contracts waiting there", "1"),
        )
        (warning,) = question.warnings
        assert "goes on at the venue" in warning
        assert "results come when that account is opened again" in warning
        assert bool(question.note) is (target == REAL), "one question for both"

    with_house(body)


def test_a_no_of_the_venue_is_said_and_changes_nothing(qapp: QApplication) -> None:
    async def body(house: House) -> None:
        house.frame.refusal = VenueUnavailable("kraken", "silence", user_text="It was not opened.")
        await asked(house, CONTEST)
        assert [entry.text for entry in house.frame.notices.entries] == ["It was not opened."]
        assert house.session.account == DEMO
        assert house.frame.chosen == []

    with_house(body)


def test_the_accounts_tab_says_which_is_open_and_opens_another_by_its_button(qapp: QApplication) -> None:
    async def body(house: House) -> None:
        frame = house.frame
        model = frame.positions.accounts_model
        panel = AccountsPanel(frame.positions)
        panel.resize(1500, 200)
        panel.show()
        texts = {row.key: {column.key: column.text(row) for column in model.columns} for row in model.rows}
        assert {key: (row["active"], row["badge"], row["kind"]) for key, row in texts.items()} == {
            DEMO: ("●", "DEMO", "hedged"),
            REAL: ("", "LIVE", "not open"),
            CONTEST: ("", "DEMO", "not open"),
        }
        at = model.row_of(CONTEST)
        assert at is not None
        index = model.index(at, model.columnCount() - 1)
        panel.table.scrollTo(index)
        actions = index.data(ACTIONS_ROLE)
        assert [each.text for each in actions] == ["Trade here"]
        ((_, place),) = panel.table._delegate.places(panel.table.visualRect(index), actions)
        QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place.center())
        await eventually(lambda: frame.shown == [(CONTEST, True)], 5, "it is opened")
        panel.close()

    with_house(body)


def test_of_accounts_that_are_open_at_once_another_one_is_chosen_and_none_is_left(qapp: QApplication) -> None:
    async def body(house: House) -> None:
        frame, kraken = house.frame, house.frame.connections.infos["kraken"]
        can = replace(kraken.capabilities, one_account_at_a_time=False)
        frame.connections.infos["kraken"] = replace(kraken, capabilities=can)
        house.session.others = (REAL,)
        house.session.infos = {DEMO: INFOS[DEMO], REAL: INFOS[REAL]}
        house.session.hidden = {CONTEST: INFOS[CONTEST]}
        frame.sessions.changed.notify("kraken")
        house.run_contracts(2)
        opening = frame.positions.opening
        await opening.trade_on(REAL)
        await opening.trade_on(DEMO)
        assert (frame.chosen, frame.shown) == ([REAL], []), "it is open, and the other one trades already"
        await opening.trade_on(CONTEST)
        assert (frame.chosen, frame.shown) == ([REAL, CONTEST], [(CONTEST, True)])
        assert frame.questions == [], "what runs elsewhere stays in sight"
        await opening.trade_on("kraken:live:nobody")
        assert frame.chosen == [REAL, CONTEST]

    with_house(body)
