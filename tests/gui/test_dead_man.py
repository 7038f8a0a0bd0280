"""The dead man's switch on a venue's card, and what quitting asks while it is armed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.core.observe import Observable
from terminal.domain.errors import VenueUnavailable
from terminal.services.dead_mans_switch import SwitchState
from terminal.services.session import Mode
from terminal.viewmodels.choice import Choice, Option
from terminal.viewmodels.dead_man import DISARM, LET_FIRE, DeadManViewModel
from terminal.widgets import prompts, theme
from terminal.widgets.choice_dialog import ChoiceDialog
from terminal.widgets.venue_strip import VenueStrip
from tests.gui.frame_fakes import ACCOUNT, KRAKEN, Frame
from tests.gui.test_frame_viewmodels import idle
from tests.helpers import eventually, run


class FakeSwitch:
    """A switch that does as it is told; ``error`` is raised instead."""

    def __init__(self) -> None:
        self.changed: Observable[[str]] = Observable("switch")
        self.states: dict[str, SwitchState] = {}
        self.left: float = 60.0
        self.error: Exception | None = None

    def state(self, account: str) -> SwitchState:
        return self.states.setdefault(account, SwitchState())

    def seconds_left(self, account: str) -> float | None:
        return self.left if self.state(account).armed else None

    def timeout_s(self, account: str) -> int:
        return 60

    def armed(self) -> list[str]:
        return [account for account, state in self.states.items() if state.armed]

    async def arm(self, account: str) -> None:
        self._put(account, on=True)

    async def disarm(self, account: str) -> None:
        self._put(account, on=False)

    def _put(self, account: str, *, on: bool) -> None:
        if self.error is not None:
            raise self.error
        self.state(account).armed = on
        self.changed.notify(account)


@pytest.fixture
def frame(qtbot: QtBot, qapp: QApplication) -> Iterator[Frame]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    frame = Frame(clock=ManualClock(wall_ns=1))
    yield frame
    frame.frames.stop()


@pytest.fixture
def switch() -> FakeSwitch:
    return FakeSwitch()


@pytest.fixture
def vm(frame: Frame, switch: FakeSwitch) -> DeadManViewModel:
    frame.connections.infos["kraken"] = replace(
        KRAKEN, capabilities=replace(KRAKEN.capabilities, dead_mans_switch=True)
    )
    return DeadManViewModel(switch, frame.connections, frame.notices, frame.frames, ask=frame.ask)


def press(vm: DeadManViewModel) -> None:
    async def main() -> None:
        vm.toggle("kraken")
        await idle()

    run(main())


def test_arming_says_that_it_cancels_everything_and_waits_for_yes(
    frame: Frame, vm: DeadManViewModel, switch: FakeSwitch
) -> None:
    frame.answer = False
    press(vm)
    assert not switch.armed()
    (question,) = frame.questions
    assert "ALL orders of the account, also those placed elsewhere" in question.note
    assert ("Account", "Kraken practice") in question.rows
    frame.answer = True
    press(vm)
    assert switch.armed() == [ACCOUNT]


def test_disarming_asks_nothing(frame: Frame, vm: DeadManViewModel, switch: FakeSwitch) -> None:
    switch.state(ACCOUNT).armed = True
    assert vm.toggle_of("kraken").on
    press(vm)
    assert not switch.armed()
    assert frame.questions == []


def test_a_refusal_of_the_venue_is_said(frame: Frame, vm: DeadManViewModel, switch: FakeSwitch) -> None:
    switch.error = VenueUnavailable("kraken", "down", user_text="Kraken is down.")
    press(vm)
    assert frame.notices.entries[-1].text == "Kraken is down."
    assert vm.toggle_of("kraken").enabled, "it can be tried again"


def test_the_ring_counts_whole_seconds_and_warns(
    frame: Frame, vm: DeadManViewModel, switch: FakeSwitch
) -> None:
    strip = VenueStrip(frame.connections, vm)
    ring = strip._cards["kraken"].ring
    assert ring.isHidden()
    switch.left = 44.2
    run(switch.arm(ACCOUNT))
    frame.tick()
    shown = vm.ring("kraken")
    assert shown is not None
    assert (shown.seconds, round(shown.share, 2), shown.tone) == (45, 0.75, "")
    assert not ring.isHidden()
    assert "45 s" in ring.toolTip()
    switch.state(ACCOUNT).error = "no answer"
    switch.changed.notify(ACCOUNT)
    frame.tick()
    assert ring._ring is not None
    assert ring._ring.tone == "warning"
    switch.left = 9.0
    switch.changed.notify(ACCOUNT)
    frame.tick()
    assert ring._ring.tone == "danger"
    run(switch.disarm(ACCOUNT))
    frame.tick()
    assert ring.isHidden()
    strip.deleteLater()


def test_the_menu_greys_it_with_the_reason(frame: Frame, vm: DeadManViewModel) -> None:
    strip = VenueStrip(frame.connections, vm)

    def entry() -> tuple[str, bool]:
        action = next(a for a in strip.menu_for("kraken").actions() if a.text().startswith("Dead man"))
        return action.text(), action.isEnabled()

    assert entry() == ("Dead man's switch…", True)
    frame.sessions.sessions["kraken"].mode = Mode.PUBLIC
    frame.sessions.sessions["kraken"].has_account = False
    frame.sessions.changed.notify("kraken")
    frame.tick()
    assert entry() == ("Dead man's switch: needs an account", False)
    frame.connections.infos["kraken"] = KRAKEN
    assert entry() == ("Dead man's switch: not available at Kraken", False)
    strip.deleteLater()


@pytest.mark.parametrize(("answer", "armed"), [(DISARM, False), (LET_FIRE, True), (None, True)])
def test_quitting_asks_what_becomes_of_the_orders(
    vm: DeadManViewModel, switch: FakeSwitch, answer: str | None, armed: bool
) -> None:
    asked: list[Choice] = []

    async def choose(question: Choice) -> str | None:
        asked.append(question)
        return answer

    switch.state(ACCOUNT).armed = True
    assert run(vm.ask_before_quitting(choose, lambda account: 2)) == answer
    assert "orders on Kraken will be canceled within 60 s" in asked[0].note
    assert asked[0].rows == (("Kraken practice", "2 open orders"),)
    assert bool(switch.armed()) is armed


def test_nobody_quits_where_disarming_failed(frame: Frame, vm: DeadManViewModel, switch: FakeSwitch) -> None:
    async def choose(question: Choice) -> str | None:
        return DISARM

    switch.state(ACCOUNT).armed = True
    switch.error = VenueUnavailable("kraken", "down", user_text="Kraken is down.")
    assert run(vm.ask_before_quitting(choose, lambda account: 0)) is None
    told = frame.notices.entries[-1].text
    assert "The dead man's switch of Kraken practice could not be disarmed" in told, told


def test_the_dialog_gives_the_pressed_answer_and_esc_gives_none(frame: Frame, tmp_path: Path) -> None:
    window = frame.window(tmp_path / "layouts")
    window.show()

    async def main() -> list[str | None]:
        choose = prompts.chooser(lambda: window)

        async def answer() -> str | None:
            return await choose(QUESTION)

        out = []
        for key in ("a", None):
            asking = tasks.spawn(answer(), name="question")
            await eventually(lambda: window.findChild(ChoiceDialog) is not None)
            dialog = window.findChild(ChoiceDialog)
            assert dialog is not None
            if key is None:
                dialog.reject()
            else:
                dialog.buttons[key].click()
            out.append(await asking)
            dialog.setParent(None)
        return out

    assert run(main()) == ["a", None]
    frame.store.close()
    window.close_for_good()
    window.deleteLater()


QUESTION = Choice("Quit?", (Option("a", "One", "danger"), Option("b", "Two", "primary")), note="Which?")
