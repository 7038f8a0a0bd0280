"""What is asked before quitting: orders that rest, contracts that run, orders in doubt, an armed switch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.viewmodels.choice import Choice
from terminal.viewmodels.confirm import CONTRACTS_RUN_ON, Confirmation
from terminal.viewmodels.dead_man import DISARM, LET_FIRE, DeadManViewModel
from terminal.viewmodels.quitting import Leaving, Quitting
from tests.gui.frame_fakes import ACCOUNT, Frame, order
from tests.gui.test_contract_positions import UP
from tests.gui.test_dead_man import FakeSwitch
from tests.helpers import run


class Asked:
    """The composed question, with notes of what was asked; ``answer`` and ``choice`` are given."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.switch = FakeSwitch()
        self.questions: list[Confirmation] = []
        self.choices: list[Choice] = []
        self.answer = True
        self.choice: str | None = None
        self.asks = True
        self.removed: frozenset[str] = frozenset()
        dead_man = DeadManViewModel(self.switch, frame.connections, frame.notices, frame.frames, ask=self.ask)
        self.quitting = Quitting(
            frame.gate,
            frame.portfolio,
            dead_man,
            frame.connections,
            self.ask,
            removed=lambda: self.removed,
            asks=lambda: self.asks,
        )

    async def ask(self, question: Confirmation) -> bool:
        self.questions.append(question)
        return self.answer

    async def choose(self, choice: Choice) -> str | None:
        self.choices.append(choice)
        return self.choice

    def quit(self) -> Leaving:
        return run(self.quitting.ask(self.choose))


@pytest.fixture
def asked(qtbot: QtBot, qapp: QApplication) -> Iterator[Asked]:
    frame = Frame()
    yield Asked(frame)
    frame.frames.stop()


def test_nothing_is_asked_where_nothing_goes_on(asked: Asked) -> None:
    assert asked.quit() is Leaving.QUITS
    assert asked.questions == []


def test_a_contract_alone_is_asked_about(asked: Asked) -> None:
    asked.frame.portfolio.open = [UP]
    assert asked.quit() is Leaving.QUITS
    (question,) = asked.questions
    assert question.rows == (("Running", "1 contract"),)
    assert question.note == CONTRACTS_RUN_ON
    assert question.badge == "PRACTICE"
    asked.answer = False
    assert asked.quit() is Leaving.STAYS


def test_orders_and_contracts_in_one_question(asked: Asked) -> None:
    asked.frame.portfolio.open = [UP]
    asked.frame.gate.put(order("a1"))
    asked.quit()
    (question,) = asked.questions
    assert [label for label, _ in question.rows] == ["Kept for practice", "Running"]
    assert question.badge == "PRACTICE"


def test_the_person_can_have_it_off_and_what_was_removed_is_not_counted(asked: Asked) -> None:
    asked.frame.portfolio.open = [UP]
    asked.frame.gate.put(order("a1"))
    asked.asks = False
    assert asked.quit() is Leaving.QUITS
    asked.asks, asked.removed = True, frozenset({ACCOUNT})
    assert asked.quit() is Leaving.QUITS
    assert asked.questions == []


@pytest.mark.parametrize(
    ("choice", "leaving"),
    [(None, Leaving.STAYS), (DISARM, Leaving.QUITS), (LET_FIRE, Leaving.SWITCH_ARMED)],
)
def test_an_armed_switch_is_always_asked_about_and_tells_of_contracts(
    asked: Asked, choice: str | None, leaving: Leaving
) -> None:
    asked.switch.state(ACCOUNT).armed = True
    asked.asks, asked.choice = False, choice
    asked.frame.portfolio.open = [UP]
    assert asked.quit() is leaving
    assert asked.questions == []
    (question,) = asked.choices
    assert question.warnings == (CONTRACTS_RUN_ON,)
