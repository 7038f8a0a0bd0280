"""The day's figure with its limit in the top bar, its tooltip, and what the settings say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from terminal.app.day_watch import read_limit
from terminal.core.clock import ManualClock
from terminal.domain.account import Balance
from terminal.services.loss_lock import LossLimit, Stage
from terminal.services.settings import Settings
from terminal.viewmodels import format as fmt
from terminal.viewmodels.day_limit import DayLimit
from terminal.viewmodels.desk import DeskViewModel
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.settings import SettingsViewModel
from terminal.widgets import prompts, theme
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.notice_bar import ToastHost
from terminal.widgets.settings_dialog import SettingsDialog
from terminal.widgets.top_bar import TopBar
from tests.gui.frame_fakes import Frame
from tests.helpers import eventually, run
from tests.unit.services.day_fakes import REAL, UP_DOWN, Purse, contract
from tests.unit.services.order_fakes import ACCOUNT
from tests.unit.services.test_loss_lock import LIMIT, Desk

D = Decimal


@pytest.fixture
def frame() -> Iterator[Frame]:
    made = Frame()
    yield made
    made.frames.stop()


def limit_of(frame: Frame, lock: Desk, settings: Settings | None = None) -> DayLimit:
    return DayLimit(
        lock.lock,
        frame.account,
        lambda account: account.replace(":", " "),
        asked_with=partial(read_limit, settings or Settings(None)),
    )


def bar_of(qtbot: QtBot, frame: Frame, lock: Desk) -> TopBar:
    desk = DeskViewModel(
        frame.arming, frame.gate, frame.connections, frame.account, frame.orders, frame.positions,
        frame.notices, frame.frames, ask=frame.ask, limit=limit_of(frame, lock), parent=frame.desk,
    )  # fmt: skip
    bar = TopBar(desk, frame.notices)
    qtbot.addWidget(bar)
    return bar


def plain(text: str) -> str:
    return text.replace(fmt.THIN, " ")


def test_the_top_bar_shows_the_limit_then_a_word_then_the_lock(qtbot: QtBot, frame: Frame) -> None:
    lock = Desk()
    lock.look()
    bar = bar_of(qtbot, frame, lock)
    assert bar.day.text() == "0.00 of −200 USD"
    assert bar.day_word.isHidden()
    lock.lose(141)
    assert bar.day.text() == "−141.00 of −200 USD"
    assert plain(bar.day_word.text()) == "70 % of limit"
    assert not bar.day_icon.isHidden()
    assert bar.day.property("kind") == bar.day_word.property("kind") == "warning"
    lock.lose(60)
    assert (bar.day.text(), bar.day_word.text()) == ("−201.00 of −200 USD", "LOCKED")
    assert bar.day.property("kind") == bar.day_word.property("kind") == "error"
    assert "Loss limit reached at 12:00: only closing orders pass until 00:00." in bar.day_word.toolTip()


def test_without_a_limit_the_bar_is_as_it_was_and_the_tip_has_the_parts(qtbot: QtBot, frame: Frame) -> None:
    lock = Desk(LossLimit())
    lock.lose(141)
    bar = bar_of(qtbot, frame, lock)
    assert bar.day.text() == "0.00 USD", "of the window's own accounts"
    assert bar.day_icon.isHidden()
    assert "Closed trades: −141.00 USD" in bar.day.toolTip()


def test_the_tip_tells_the_sum_by_parts_and_by_account(qtbot: QtBot, frame: Frame) -> None:
    lock = Desk()
    lock.desk.purses["quotex:practice"] = Purse()
    lock.look()
    lock.lose(20)
    lock.desk.fill("quotex:practice", instrument=UP_DOWN, quantity="50")
    lock.desk.purses["quotex:practice"].pay("USD", D(-50))
    lock.desk.purses["quotex:practice"].open = [contract("50")]
    lock.desk.purses[ACCOUNT].pay("USD", D(700))
    lock.desk.purses[ACCOUNT].pay("XYZ", D(1))
    lock.look()
    bar = bar_of(qtbot, frame, lock)
    tip = bar.day.toolTip()
    for line in (
        "Closed trades: −20.00 USD",
        "Running stakes, at risk: −50.00 USD",
        "quotex practice: −50.00 USD",
        "kraken practice: −20.00 USD",
        "Not counted: +700.00 USD that came or left by no trade",
        "kraken practice: not known is the price of XYZ",
        "It cannot act while this program is off.",
    ):
        assert line in tip.split("\n"), line
    assert "Open positions" not in tip, "there are none"
    assert bar.day_word.text() == "incomplete"


def test_held_coins_are_told_beside_the_figure_that_leaves_them_out(qtbot: QtBot, frame: Frame) -> None:
    lock = Desk()
    lock.desk.purses[ACCOUNT].held["BTC"] = Balance("BTC", D(1))
    lock.look()
    lock.desk.prices["BTC"] = D(59_590)
    lock.lose(20)
    bar = bar_of(qtbot, frame, lock)
    assert bar.day.text() == "−20.00 of −200 USD"
    tip = bar.day.toolTip()
    assert "price changes of coins bought today" in tip
    assert "Closed trades: −20.00 USD\nHeld coins: −410.00 USD, not counted in the limit" in tip
    limit = limit_of(frame, lock)
    assert limit.note("risk.day_loss_holdings").startswith("In force now: not counted.\nOf coins")
    lock.ask(replace(LIMIT, counts_held=True))
    lock.ask(LIMIT)
    assert bar.day.text() == "−430.00 of −200 USD"
    assert "Held coins: −410.00 USD\n" in bar.day.toolTip()
    note = limit.note("risk.day_loss_holdings")
    assert note.startswith("In force now: counted.\nFrom 00:00: not counted.")


def test_the_lock_of_the_other_money_is_told_as_well(frame: Frame) -> None:
    lock = Desk()
    lock.desk.purses[REAL] = Purse()
    lock.look()
    lock.lose(200, REAL)
    limit = limit_of(frame, lock)
    assert limit.word == "", "the window shows practice money"
    assert limit.lines[-1] == "Real money is locked: only closing orders pass until 00:00."


def test_hidden_amounts_are_hidden_beside_the_limit_too(frame: Frame) -> None:
    lock = Desk()
    lock.lose(150)
    frame.account.set_hide_amounts(True)
    limit = limit_of(frame, lock)
    assert plain(limit.word) == "75 % of limit"
    assert "150" not in limit.text + "".join(limit.lines)
    assert "200" not in limit.text + "".join(limit.lines)


def test_the_settings_say_what_is_in_force_and_what_comes_when(frame: Frame) -> None:
    lock = Desk()
    settings = Settings(None)
    settings.set("risk.day_loss.step", "lock")
    vm = SettingsViewModel(settings, {"kraken": "Kraken"}, notes=limit_of(frame, lock))
    vm.choose_section("Limits")

    def note(key: str) -> str:
        row = vm.row(key, None)
        assert row is not None
        return row.note

    assert "In force now: 200 USD." in note("risk.day_loss")
    assert "Lower holds at once; higher, or off, from the next day on." in note("risk.day_loss")
    assert "It cannot act while this program is off." in note("risk.day_loss")
    assert "From 00:00" not in note("risk.day_loss")
    lock.ask(LossLimit(D(500), D(2)))
    assert "In force now: 200 USD.\nFrom 00:00: 500 USD." in note("risk.day_loss")
    assert "In force now: 2 %." in note("risk.day_loss_pct")
    lock.ask(LIMIT, start_min=17 * 60)
    assert "today still ends at 00:00, then this holds" in note("risk.day_start")
    vm.close()


def test_a_limit_that_locks_at_once_is_asked_about_first(qtbot: QtBot, frame: Frame) -> None:
    async def main() -> None:
        lock, settings = Desk(LossLimit()), Settings(None)
        lock.lose(142)
        settings.changed.watch(lambda key, scope: lock.ask(read_limit(settings)))
        settings.set("risk.day_loss", "500")
        settings.set("risk.day_loss.step", "lock")
        notes = limit_of(frame, lock, settings)
        dialog = SettingsDialog(
            SettingsViewModel(settings, {"kraken": "Kraken"}, notes=notes, ask=prompts.asker(lambda: dialog))
        )
        qtbot.addWidget(dialog)
        dialog.show()
        dialog._vm.search("risk.day_loss")
        row = next(row for row in dialog.rows if row.row.setting.key == "risk.day_loss")
        field, step = row.findChildren(QLineEdit)[0], row.findChildren(QComboBox)[0]

        async def answer(do: Callable[[], object], button: str) -> ConfirmDialog:
            do()
            await eventually(shown, 5, "a question")
            (question,) = shown()
            getattr(question, button).click()
            await eventually(lambda: not dialog._vm._asking, 5, "an answer")
            return question

        def shown() -> list[ConfirmDialog]:
            return [each for each in dialog.findChildren(ConfirmDialog) if each.isVisible()]

        def enter(text: str) -> None:
            field.setFocus()
            field.selectAll()
            QTest.keyClicks(field, text)
            QTest.keyClick(field, Qt.Key.Key_Return)

        question = await answer(lambda: enter("100"), "cancel")
        assert question.cancel.isDefault()
        assert any(
            each.text().startswith(
                "Today's practice result is −142.00 USD: this limit locks at once until 00:00 and cannot be "
                "undone before."
            )
            for each in question.findChildren(QLabel)
        )
        assert (settings.number("risk.day_loss"), field.text()) == (D(500), "500")
        assert lock.stage() is Stage.BELOW
        # Back to the default of 200 USD it goes without a moment at that limit, and not by itself.
        lock.lose(100)
        await answer(lambda: dialog._vm.reset("risk.day_loss", None), "cancel")
        row.reset.click()
        assert (lock.stage(), lock.lock.in_force) == (Stage.BELOW, LossLimit(D(500)))
        lock.lose(-100)
        for key, value in (("", "500"), (".step", "lock"), ("_pct", "1")):
            settings.set(f"risk.day_loss{key}", value)
        await answer(lambda: step_lock(dialog), "cancel")
        assert settings.text("risk.day_loss_pct.step") == "off"
        enter("150")
        assert settings.number("risk.day_loss") == 150
        assert not dialog._vm._asking
        await answer(lambda: enter("142"), "confirm")
        assert (settings.number("risk.day_loss"), lock.stage()) == (D(142), Stage.LOCKED)
        step.activated.emit(step.findData("off"))
        assert settings.text("risk.day_loss.step") == "off"
        dialog.close()

    def step_lock(dialog: SettingsDialog) -> None:
        """Choose Lock for the limit in per cent."""
        row = next(row for row in dialog.rows if row.row.setting.key == "risk.day_loss_pct")
        step = row.findChildren(QComboBox)[0]
        step.setCurrentIndex(step.findData("lock"))
        step.activated.emit(step.currentIndex())

    run(main())


@pytest.mark.parametrize("words", [20, 40, 60])
def test_a_toast_is_as_high_as_its_text(qtbot: QtBot, qapp: QApplication, words: int) -> None:
    if not qapp.styleSheet():
        theme.apply(qapp)
    window = QWidget()
    window.resize(1366, 768)
    qtbot.addWidget(window)
    window.show()
    notices = NoticesViewModel(ManualClock())
    host = ToastHost(notices, window, window.rect)
    notices.warn("word " * words)
    (toast,) = host.toasts
    assert toast.height() >= toast.heightForWidth(toast.width())
