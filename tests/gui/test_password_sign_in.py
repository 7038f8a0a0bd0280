"""Signing in with a password in the connection form: what it asks, what it brings, and what it forgets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected, RateLimited, VenueUnavailable
from terminal.venues import registry
from terminal.venues.base import CHALLENGE, VenueInfo
from terminal.venues.quotex import VENUE
from terminal.viewmodels.connect import ConnectViewModel, Step
from terminal.viewmodels.connection import Mode
from terminal.viewmodels.connection_ports import PracticeLogin
from terminal.widgets import theme
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

LOGINS = (
    PracticeLogin("first@practice.example", "pw-61f0a2b9", "310529", False),
    PracticeLogin("other@practice.example", "pw-7b13cc04", "884271", True),
)


@pytest.fixture
def frame(qtbot: QtBot, qapp: QApplication) -> Frame:
    if not qapp.styleSheet():
        theme.apply(qapp)
    return Frame()


def with_dialog(
    frame: Frame, body: Callable[[ConnectDialog, ConnectViewModel], object], mode: Mode = Mode.LIVE
) -> None:
    async def main() -> None:
        frame.connecting.brought = dict(BROUGHT)
        vm = ConnectViewModel(VENUE, frame.connecting, None, mode=mode)
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


# -- the practice site ------------------------------------------------------------------------------------


def brightest(widget: QWidget) -> int:
    image = widget.grab().toImage()
    return max(
        image.pixelColor(x, y).lightness() for x in range(image.width()) for y in range(image.height())
    )


def words_in(widget: QWidget) -> str:
    return " | ".join(each.text() for each in widget.findChildren(QLabel) if each.isVisible())


def test_the_practice_accounts_are_told_and_their_mailbox_has_the_pin(frame: Frame) -> None:
    frame.connecting.logins, frame.connecting.pins = LOGINS, ("000000", "884271")

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        card = card_of(dialog)
        await eventually(lambda: vm.logins, 5, "the practice accounts")
        QApplication.processEvents()  # what is added to a layout is shown by an event
        told = words_in(card.logins)
        for login in LOGINS:
            assert login.email in told
            assert login.password in told
        assert "884271" not in words_in(dialog), "no mail has come yet"
        (button,) = [
            each for each in card.logins.findChildren(QPushButton) if LOGINS[1].email in each.accessibleName()
        ]
        between = (QColor(theme.DISABLED).lightness() + QColor(theme.TEXT).lightness()) // 2
        assert brightest(button) > between
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        QTest.keyClick(card.fields["password"].edit, Qt.Key.Key_Return)
        await eventually(lambda: bool(vm.question), 5, "the question for the PIN")
        assert not button.isEnabled()
        assert brightest(button) < between, "and it looks so"
        assert card.mailbox_of.text() == "Practice mailbox of other@practice.example"
        assert card.mail.text() == "From Quotex (practice): your PIN-code is 884271"
        assert card.mail.isVisible()
        card.pin.edit.setText("884271")
        QTest.keyClick(card.pin.edit, Qt.Key.Key_Return)
        await eventually(
            lambda: ("pin", "884271") in frame.connecting.asked and bool(vm.question), 5, "again"
        )
        card.pin.edit.setText("884271")
        press(dialog)
        await eventually(lambda: vm.step is Step.TESTED, 5, "tried")
        assert not card.mailbox.isVisible()
        QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
        await eventually(lambda: vm.step is Step.DONE, 5, "in use")
        form = ("cookies", "email", "token", "user_agent")
        assert [each for each in frame.connecting.asked if each[0] in ("sign in", "test", "save", "use")] == [
            ("sign in", "quotex practice", ("email", "password")),
            ("test", "quotex practice", form),
            ("save", "quotex practice", form),
            ("use", "quotex", Mode.PRACTICE),
        ]

    with_dialog(frame, body, Mode.PRACTICE)


def test_a_refused_session_opens_the_form_with_the_reason_and_the_e_mail(frame: Frame) -> None:
    frame.connecting.kept = True
    frame.connecting.troubles = {Mode.LIVE: "Quotex does not take this sign-in any more."}
    frame.connecting.known = {Mode.LIVE: {"email": "trader@example.com", "user_agent": "Mozilla/5.0"}}

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        card = card_of(dialog)
        await eventually(lambda: card.fields["email"].edit.text(), 5, "the e-mail")
        assert card.fields["email"].edit.text() == "trader@example.com"
        assert dialog._fields["user_agent"].edit.text() == "", "a pasted session has its own"
        assert dialog.kept.text() == "Quotex does not take this sign-in any more. Sign in again."
        assert dialog.kept.isVisible()
        assert not dialog.go.isEnabled()
        # What belongs to one place is not shown at the other, and what was typed is not lost.
        dialog.choices[Mode.PRACTICE].click()
        await eventually(lambda: card.fields["email"].edit.text() == "", 5, "nobody is known there")
        fill(dialog, email="somebody@example.com")
        dialog.choices[Mode.LIVE].click()
        await eventually(lambda: vm.has_keys, 5, "the kept session")
        assert card.fields["email"].edit.text() == "somebody@example.com"

    with_dialog(frame, body)


def test_a_bot_filter_leads_to_the_page_and_nothing_is_lost(frame: Frame) -> None:
    said = "Quotex's bot filter stopped this sign-in."
    frame.connecting.error = VenueUnavailable("quotex", "403", code=CHALLENGE, user_text=said)

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        card = card_of(dialog)
        fill(dialog, email="trader@example.com", password="pw-1c5e90d7")
        press(dialog)
        await eventually(lambda: dialog.error.isVisible(), 5, "the refusal")
        assert dialog.error.text() == said
        assert card.page.property("kind") == "primary"
        assert card.fields["password"].edit.text() == "pw-1c5e90d7"
        frame.connecting.error = RateLimited("quotex", "429", user_text="Try again in 40 s.")
        press(dialog)
        await eventually(lambda: dialog.error.text() == "Try again in 40 s.", 5, "the pause")
        assert card.page.property("kind") == "action"
        frame.connecting.error = None
        QTest.mouseClick(card.page, Qt.MouseButton.LeftButton)
        await eventually(lambda: vm.step is Step.TESTED, 5, "the session of the page")
        assert ("page", "quotex") in frame.connecting.asked

    with_dialog(frame, body)


def test_a_session_that_was_obtained_is_not_lost_by_another_try(
    frame: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise AuthRejected("quotex", "no", user_text="It is refused.")

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        card = card_of(dialog)
        fill(dialog, email="trader@example.com", password="pw-5b2e90c4")
        press(dialog)
        await eventually(lambda: vm.step is Step.TESTED, 5, "tried")
        kept = "Keep the session and connect"
        report = vm.report
        # The page is refused, closed, or brings a session that the venue does not take.
        frame.connecting.error = VenueUnavailable("quotex", "root", user_text="Not as the root user.")
        QTest.mouseClick(card.page, Qt.MouseButton.LeftButton)
        await eventually(lambda: dialog.error.text() == "Not as the root user.", 5, "the refusal")
        assert (vm.step, vm.report, dialog.go.text()) == (Step.TESTED, report, kept)
        assert dialog.go.isEnabled()
        frame.connecting.error = None
        frame.connecting.page = asyncio.get_running_loop().create_future()
        QTest.mouseClick(card.page, Qt.MouseButton.LeftButton)
        await eventually(lambda: vm.on_page, 5, "the page")
        assert (dialog.go.text(), dialog.go.isEnabled()) == (kept, False)
        with monkeypatch.context() as patch:
            patch.setattr(frame.connecting, "test_keys", refuse)
            frame.connecting.page.set_result(None)
            await eventually(lambda: dialog.error.text() == "It is refused.", 5, "the refused session")
        assert (vm.step, vm.report) == (Step.TESTED, report)
        # The fields of a pasted session are empty.
        QTest.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
        assert "token" in vm.problems
        QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
        await eventually(lambda: vm.step is Step.DONE, 5, "kept")
        saved = [each for each in frame.connecting.asked if each[0] == "save"]
        assert saved == [("save", "quotex", ("cookies", "email", "token", "user_agent"))]

    with_dialog(frame, body)


def test_giving_up_the_pin_or_the_page_keeps_the_form(frame: Frame) -> None:
    frame.connecting.pins = ("310529",)

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        card = card_of(dialog)
        fill(dialog, email="trader@example.com", password="pw-40d2be11")
        press(dialog)
        await eventually(lambda: bool(vm.question), 5, "the question for the PIN")
        assert dialog.cancel.text() == "Give up the sign-in"
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await eventually(lambda: vm.step is Step.ENTER, 5, "the form again")
        assert dialog.isVisible()
        assert dialog.error.text() == "Signing in was given up."
        assert card.fields["password"].edit.text() == "pw-40d2be11"
        frame.connecting.page = asyncio.get_running_loop().create_future()
        QTest.mouseClick(card.page, Qt.MouseButton.LeftButton)
        await eventually(lambda: ("page", "quotex") in frame.connecting.asked, 5, "the page")
        assert "this form waits" in card.question.text()
        assert dialog.cancel.text() == "Close the page"
        QTest.mouseClick(dialog.cancel, Qt.MouseButton.LeftButton)
        await eventually(lambda: dialog.error.text() == "Sign-in was closed.", 5, "the closed page")
        assert dialog.isVisible()
        assert dialog.cancel.text() == "Cancel"
        QTest.mouseClick(dialog.cancel, Qt.MouseButton.LeftButton)
        assert not dialog.isVisible()

    with_dialog(frame, body)


def test_the_engine_of_the_page_is_fetched_when_it_is_first_wanted(frame: Frame) -> None:
    frame.connecting.sign_in_state = replace(frame.connecting.sign_in_state, can_embed=False, can_fetch=True)

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        card = card_of(dialog)
        assert card.page.text() == "Fetch its page and sign in…"
        assert "160 MB" in card.page.toolTip()
        QTest.mouseClick(card.page, Qt.MouseButton.LeftButton)
        await eventually(lambda: vm.step is Step.TESTED, 5, "the session of the page")
        assert frame.connecting.asked[:2] == [("fetch_browser",), ("page", "quotex")]
        assert card.page.text() == "Sign in on its own page…"

    with_dialog(frame, body)


def test_a_pasted_session_is_whole_or_says_what_is_not(frame: Frame) -> None:
    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        entries = {key: secret.reveal() for key, secret in BROUGHT.items()}
        vm.test({**entries, "token": "tok-4f1d\n9c2b", "cookies": ""})
        assert vm.problems == {
            "token": "There is a line break in it. Copy it again, as one line.",
            "cookies": "Cookie header is missing.",
        }
        assert dialog._fields["token"].problem.isVisible()
        vm.test({**entries, "cookies": "session=9f8e\r\nlang=en"})
        assert vm.problems == {"cookies": "There is a line break in it. Copy it again, as one line."}
        assert not [each for each in frame.connecting.asked if each[0] == "test"]
        # A copied line ends with one, which is no part of it.
        vm.test({**entries, "token": "tok-4f1d9c2b7e\n", "cookies": "session=9f8e7d6c5b; lang=en\r\n"})
        await eventually(lambda: vm.step is Step.TESTED, 5, "tried")

    with_dialog(frame, body)


def test_the_form_says_that_the_interface_is_unofficial(frame: Frame) -> None:
    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        assert "unofficial interface" in words_in(dialog)
        assert "demo account comes first" in words_in(dialog)
        dialog.choices[Mode.PRACTICE].click()
        assert "unofficial interface" in words_in(dialog)
        await eventually(lambda: not tasks.running(), 5, "the looks at what is kept")

    with_dialog(frame, body)


def test_a_passphrase_that_is_due_is_brought_into_view(frame: Frame) -> None:
    frame.connecting.vault_locked = True

    async def body(dialog: ConnectDialog, vm: ConnectViewModel) -> None:
        dialog.resize(580, 480)
        await eventually(lambda: dialog._fields["passphrase"].isVisible(), 5, "the vault's passphrase")
        QApplication.processEvents()
        bar = dialog._area.verticalScrollBar()
        assert bar.maximum() > 0
        assert bar.value() == 0, "what is to be known first is read first"
        assert dialog._sought is None
        fill(dialog, email="trader@example.com", password="pw-90b1cc53")
        press(dialog)
        await eventually(lambda: vm.step is Step.TESTED, 5, "tried")
        QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
        field = dialog._fields["passphrase"]
        assert field.problem.text() == "At least 8 characters."
        QApplication.processEvents()
        shown = field.edit.mapTo(dialog._area.viewport(), field.edit.rect().bottomLeft())
        assert 0 < shown.y() <= dialog._area.viewport().height()
        assert not [each for each in frame.connecting.asked if each[0] == "save"]

    with_dialog(frame, body)
