"""Signing in with a password in the connection form: what it asks, what it brings, and what it forgets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected
from terminal.venues import registry
from terminal.venues.base import VenueInfo
from terminal.venues.quotex import VENUE
from terminal.viewmodels.connect import ConnectViewModel, Step
from terminal.widgets.connect_dialog import ConnectDialog
from terminal.widgets.sign_in_card import SignInCard
from tests.gui.frame_fakes import Frame
from tests.helpers import eventually, run

BROUGHT = {
    "email": Secret("trader@example.com"),
    "token": Secret("tok-4f1d9c2b7e"),
    "cookies": Secret("session=9f8e7d6c5b; lang=en"),
    "user_agent": Secret("Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"),
}


@pytest.fixture
def frame(qtbot: QtBot, qapp: QApplication) -> Frame:
    return Frame()


def with_dialog(frame: Frame, body: Callable[[ConnectDialog, ConnectViewModel], object]) -> None:
    async def main() -> None:
        frame.connecting.brought = dict(BROUGHT)
        vm = ConnectViewModel(VENUE, frame.connecting, None)
        dialog = ConnectDialog(vm)
        dialog.show()
        try:
            await asyncio.sleep(0)
            work = body(dialog, vm)
            assert asyncio.iscoroutine(work)
            await work
        finally:
            dialog.reject()
            dialog.deleteLater()

    run(main())


def card_of(dialog: ConnectDialog) -> SignInCard:
    assert dialog.card is not None
    return dialog.card


def fill(dialog: ConnectDialog, **texts: str) -> None:
    for key, text in texts.items():
        edit = card_of(dialog).fields[key].edit
        edit.clear()
        QTest.keyClicks(edit, text)


def press(dialog: ConnectDialog) -> None:
    QTest.mouseClick(card_of(dialog).sign_in, Qt.MouseButton.LeftButton)


def test_e_mail_password_and_pin_bring_a_session_that_is_tried_and_kept(frame: Frame) -> None:
    frame.connecting.pins = ("222222", "310529")

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        fill(dialog, email="trader@example.com", password="pw 7c1e9d3a52")
        press(dialog)
        await eventually(lambda: bool(vm.question), 5, "the question for the PIN")
        assert card_of(dialog).pin.isVisible()
        assert card_of(dialog).question.text() == "We have sent a PIN to your e-mail."
        QTest.keyClicks(card_of(dialog).pin.edit, "31x")
        press(dialog)
        assert card_of(dialog).pin.problem.text() == "Digits only."
        card_of(dialog).pin.edit.setText("111111")
        press(dialog)
        await eventually(lambda: ("pin", "111111") in frame.connecting.asked, 5, "the wrong one")
        await eventually(lambda: bool(vm.question), 5, "asked again")
        assert card_of(dialog).pin.edit.text() == ""
        card_of(dialog).pin.edit.setText("310529")
        press(dialog)
        await eventually(lambda: vm.step is Step.TESTED, 5, "tried")
        assert not card_of(dialog).pin.isVisible()
        assert ("test", "quotex", ("cookies", "email", "token", "user_agent")) in frame.connecting.asked
        QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
        await eventually(lambda: vm.step is Step.DONE, 5, "kept")
        saved = [each for each in frame.connecting.asked if each[0] == "save"]
        assert saved == [("save", "quotex", ("cookies", "email", "token", "user_agent"))]

    with_dialog(frame, body)


def test_a_refusal_is_told_and_the_form_can_be_used_again(frame: Frame) -> None:
    frame.connecting.error = AuthRejected("quotex", "no", user_text="Invalid credentials.")

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        press(dialog)
        assert card_of(dialog).fields["email"].problem.text() == "E-mail is missing."
        fill(dialog, email="trader@example.com", password="pw-81f0c2aa")
        press(dialog)
        await eventually(lambda: dialog.error.isVisible(), 5, "the refusal")
        assert dialog.error.text() == "Invalid credentials."
        assert card_of(dialog).sign_in.isEnabled()
        assert vm.step is Step.ENTER

    with_dialog(frame, body)


def test_closing_the_form_ends_a_sign_in_that_waits_for_its_pin(frame: Frame) -> None:
    frame.connecting.pins = ("310529",)

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        fill(dialog, email="trader@example.com", password="pw-5d3e77b1")
        press(dialog)
        await eventually(lambda: bool(vm.question), 5, "the question for the PIN")
        dialog.reject()
        await eventually(lambda: vm._signing is None, 5, "the end of the sign-in")
        assert card_of(dialog).fields["password"].edit.text() == ""
        assert not [each for each in frame.connecting.asked if each[0] in ("test", "save")]

    with_dialog(frame, body)


def test_pasted_cookies_may_hold_spaces_and_a_token_may_not(frame: Frame) -> None:
    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        entries = {key: secret.reveal() for key, secret in BROUGHT.items()}
        vm.test({**entries, "token": "tok 4f1d"})
        assert set(vm.problems) == {"token"}
        vm.test(entries)
        assert vm.problems == {}
        await eventually(lambda: vm.step is Step.TESTED, 5, "tried")

    with_dialog(frame, body)


def test_a_venue_without_a_password_sign_in_has_no_such_part(frame: Frame) -> None:
    async def main() -> None:
        info: VenueInfo = registry.info("kraken")
        assert info.password_fields == ()
        dialog = ConnectDialog(ConnectViewModel(info, frame.connecting, None))
        assert dialog.card is None
        await eventually(lambda: not tasks.running(), 5, "the look at the kept keys")
        dialog.deleteLater()

    run(main())
