"""The sign-in form on a hand-written desk: what is asked for, what is said, and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from PySide6.QtWidgets import QApplication

from terminal.domain.errors import AuthRejected
from terminal.services.session import Mode
from terminal.venues.base import BookKind, Capabilities, CredentialField, SignInInfo, VenueInfo
from terminal.viewmodels.login import LoginViewModel, SignInStatus, Step, Way
from terminal.widgets.login_dialog import LoginDialog
from tests.gui.frame_fakes import FakeConnections
from tests.helpers import eventually, run

CFD = VenueInfo(
    "cfd",
    "Forex House",
    Capabilities(BookKind.LEVELS),
    sign_in=SignInInfo(
        (CredentialField("client_id", "Client id", secret=False), CredentialField("client_secret", "Secret")),
        "1. Open the page for applications.\n2. Add one.",
        "https://example.com/apps",
    ),
)
OWN = {"client_id": "12_abc", "client_secret": "s3cret"}


def with_form(
    body: Callable[[LoginViewModel, FakeConnections], object], mode: Mode | None = Mode.LIVE
) -> None:
    """Run a test with a form; ``body`` is a coroutine function."""

    async def main() -> None:
        desk = FakeConnections()
        vm = LoginViewModel(CFD, desk, mode)
        await body(vm, desk)  # type: ignore[misc]

    run(main())


def test_the_application_is_asked_for_once_and_what_is_missing_is_said(qapp: QApplication) -> None:
    async def body(vm: LoginViewModel, desk: FakeConnections) -> None:
        vm.sign_in({}, Way.EMBEDDED)
        assert vm.problems == {"client_id": "Client id is missing.", "client_secret": "Secret is missing."}
        vm.sign_in({"client_id": "a b", "client_secret": "x" * 5000}, Way.EMBEDDED)
        assert "spaces" in vm.problems["client_id"]
        assert "too long" in vm.problems["client_secret"]
        assert desk.asked == []
        vm.sign_in(OWN, Way.EMBEDDED)
        await eventually(lambda: vm.step is Step.DONE, 5, "a sign-in")
        assert desk.asked == [("sign_in", "cfd", Mode.LIVE, ("client_id", "client_secret"), Way.EMBEDDED)]
        desk.sign_in_state = SignInStatus(True, True, True, True, "", False)
        vm.start()
        await eventually(lambda: vm.status.has_application, 5, "a look")
        vm.sign_in({}, Way.SYSTEM)
        await eventually(lambda: len(desk.asked) == 2, 5, "a second sign-in")
        assert desk.asked[1] == ("sign_in", "cfd", Mode.LIVE, (), Way.SYSTEM)

    with_form(body)


def test_practice_asks_for_nothing(qapp: QApplication) -> None:
    async def body(vm: LoginViewModel, desk: FakeConnections) -> None:
        assert vm.mode is Mode.PRACTICE
        assert vm.fields == ()
        vm.sign_in({}, Way.EMBEDDED)
        await eventually(lambda: vm.step is Step.DONE, 5, "a sign-in")
        assert desk.asked == [("sign_in", "cfd", Mode.PRACTICE, (), Way.EMBEDDED)]

    with_form(body, Mode.PRACTICE)


def test_a_refusal_is_shown_and_can_be_tried_again(qapp: QApplication) -> None:
    async def body(vm: LoginViewModel, desk: FakeConnections) -> None:
        desk.error = AuthRejected("cfd", "denied", user_text="You did not allow it. Nothing has changed.")
        vm.sign_in(OWN, Way.EMBEDDED)
        await eventually(lambda: vm.error, 5, "an error")
        assert vm.error == "You did not allow it. Nothing has changed."
        assert vm.step is Step.ENTER
        desk.error = None
        vm.sign_in(OWN, Way.EMBEDDED)
        await eventually(lambda: vm.step is Step.DONE, 5, "a sign-in")
        assert not vm.error

    with_form(body)


def test_an_open_page_can_be_given_up(qapp: QApplication) -> None:
    async def body(vm: LoginViewModel, desk: FakeConnections) -> None:
        desk.page = asyncio.get_running_loop().create_future()
        vm.sign_in(OWN, Way.EMBEDDED)
        await eventually(lambda: vm.step is Step.PAGE, 5, "an open page")
        assert "page is open" in vm.progress
        vm.sign_in(OWN, Way.EMBEDDED)
        await eventually(lambda: desk.asked, 5, "a page")
        vm.give_up()
        await eventually(lambda: vm.step is Step.ENTER, 5, "the form again")
        assert vm.error == "Sign-in was closed."
        assert [each[0] for each in desk.asked] == ["sign_in", "give_up"], "one page at a time"

    with_form(body)


def test_the_engine_of_the_page_is_fetched_when_it_is_first_wanted(qapp: QApplication) -> None:
    async def body(vm: LoginViewModel, desk: FakeConnections) -> None:
        desk.sign_in_state = SignInStatus(True, False, False, True, "", False)
        vm.start()
        await eventually(lambda: vm.status.can_fetch and not vm.status.can_embed, 5, "a look")
        vm.sign_in({}, Way.EMBEDDED)
        await eventually(lambda: vm.step is Step.DONE, 5, "a sign-in")
        assert [each[0] for each in desk.asked] == ["fetch_browser", "sign_in"]

    with_form(body)


def test_what_is_kept_behind_a_passphrase_is_opened_and_used(qapp: QApplication) -> None:
    async def body(vm: LoginViewModel, desk: FakeConnections) -> None:
        desk.sign_in_state = SignInStatus(False, False, True, True, "", True, is_locked=True)
        dialog = LoginDialog(vm)
        dialog.show()
        await eventually(dialog.connect_kept.isVisible, 5, "the way in")
        assert dialog.state.text() == "What is kept is locked: enter its passphrase."
        assert dialog.connect_kept.text() == "Unlock and connect"
        assert not dialog.guide.isVisible(), "who has entered an application once needs no guide"
        dialog.connect_kept.click()
        assert dialog._fields["passphrase"].problem.text() == "At least 8 characters."
        assert desk.asked == []
        dialog._fields["passphrase"].edit.setText("correct horse")
        dialog.connect_kept.click()
        await eventually(lambda: vm.step is Step.DONE, 5, "a connection")
        assert desk.asked == [("open_vault",), ("use", "cfd", Mode.LIVE)]

    with_form(body)


def test_a_page_for_the_kept_application_needs_the_passphrase_alone(qapp: QApplication) -> None:
    async def body(vm: LoginViewModel, desk: FakeConnections) -> None:
        desk.sign_in_state = SignInStatus(False, False, True, True, "", True, is_locked=True)
        vm.start()
        await eventually(lambda: vm.status.is_locked, 5, "a look")
        vm.sign_in({}, Way.EMBEDDED, "correct horse")
        await eventually(lambda: vm.step is Step.DONE, 5, "a sign-in")
        assert desk.asked == [("sign_in", "cfd", Mode.LIVE, (), Way.EMBEDDED)]

    with_form(body)


def test_a_sign_in_that_the_venue_takes_no_longer_is_called_so(qapp: QApplication) -> None:
    async def body(vm: LoginViewModel, desk: FakeConnections) -> None:
        words = "The sign-in is not valid any more: sign in again."
        desk.sign_in_state = SignInStatus(True, True, True, True, "", False, trouble=words)
        dialog = LoginDialog(vm)
        dialog.show()
        await eventually(lambda: dialog.state.text() == words, 5, "the state")
        assert dialog.sign_in.text() == "Sign in again"
        assert not dialog.connect_kept.isVisible(), "it would only fail again"
        dialog.close()

    with_form(body)


def test_the_dialog_shows_how_things_stand(qapp: QApplication) -> None:
    async def body(vm: LoginViewModel, desk: FakeConnections) -> None:
        dialog = LoginDialog(vm)
        dialog.show()
        await eventually(lambda: "Not signed in" in dialog.state.text(), 5, "the state")
        await eventually(dialog.sign_in.isEnabled, 5, "a button")
        assert dialog.own.isVisible()
        assert "http://localhost:23682/callback" in dialog.redirect.text(), "to be entered at the venue"
        assert not dialog.sign_out.isVisible()
        dialog.sign_in.click()
        assert dialog._fields["client_id"].problem.text() == "Client id is missing."
        desk.sign_in_state = SignInStatus(True, True, False, True, "In the keychain.", False)
        vm.start()
        await eventually(dialog.sign_out.isVisible, 5, "a way out")
        assert dialog.state.text() == "Signed in to your accounts."
        assert dialog.sign_in.text() == "Fetch the page, then sign in again"
        assert not dialog.guide.isVisible(), "the application is known"
        dialog.choices[Mode.PRACTICE].click()
        assert not dialog.own.isVisible()
        assert "will warn" in dialog.system.toolTip(), "another browser does not trust the practice venue"
        assert dialog.height() < 400, "no empty half"
        dialog.sign_out.click()
        await eventually(lambda: ("sign_out", "cfd", Mode.PRACTICE) in desk.asked, 5, "a sign-out")
        dialog.close()

    with_form(body)
