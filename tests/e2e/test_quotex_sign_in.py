"""Signing in to Quotex through the application, as a person does: for the real site and for the practice one,
by password and PIN, on its own page, and with a session that is pasted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QPushButton

from terminal.app.compose import Terminal
from terminal.app.connection_desk import ConnectionDesk
from terminal.app.paths import paths_below
from terminal.core.log_ring import LogRing
from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected
from terminal.services.notices import Notice, NoticeAction
from terminal.services.session import Mode, SessionState
from terminal.venues.quotex import site
from terminal.viewmodels.connect import Step
from terminal.widgets.connect_dialog import ConnectDialog
from terminal.widgets.sign_in_card import SignInCard
from tests.e2e.ctrader_desk import hand_at_the_page
from tests.e2e.rig import QUICK_QUOTEX
from tests.e2e.screen_harness import Desk, opened, run_screen
from tests.e2e.test_login_window import pytestmark as needs_the_page
from tests.helpers import eventually, run
from tests.practice import RunningVenues
from tests.practice_quotex import QuotexPractice

QUICK: dict[str, dict[str, Any]] = {"quotex": {"policy": QUICK_QUOTEX}}
WORDS = "zk2-Vq90-sign-3f"
FORM = ("email", "token", "cookies", "user_agent")
PRACTICE = Mode.PRACTICE


@pytest.fixture(scope="module")
def quotex() -> Iterator[QuotexPractice]:
    practice = QuotexPractice()
    practice.start()
    yield practice
    practice.stop()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "_PIN_PAUSE_S", 0.0)


@contextlib.asynccontextmanager
async def started(quotex: QuotexPractice, folder: Path) -> AsyncIterator[Terminal]:
    """The application without a screen; "the real Quotex" is the practice site, too."""
    paths = paths_below(folder).make()
    terminal = Terminal(
        paths,
        LogRing(),
        throw_away=True,
        practice=RunningVenues(quotex, paths.practice),
        venues=("quotex",),
        connector_tools=QUICK,
    )
    for name in ("https", "wss", "ca"):
        terminal.settings.set(f"endpoint.{name}", quotex.entry[name], "quotex")
    try:
        yield terminal
    finally:
        await terminal.stop()


def in_use(terminal: Terminal) -> dict[str, Secret]:
    return terminal.sessions.sessions["quotex"].plan.settings.credentials


def session_of(quotex: QuotexPractice, **instead: str) -> dict[str, Secret]:
    """The entries of the form, as somebody pastes them."""
    row = quotex.key("practice")
    return {key: Secret(instead.get(key, str(row[key]))) for key in FORM}


def test_a_session_is_tried_and_kept_and_opens_the_demo_account_first(
    quotex: QuotexPractice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with started(quotex, tmp_path) as terminal:
            report = await terminal.test_key("quotex", session_of(quotex))
            assert report.can_trade
            assert report.label == quotex.key("practice")["email"]
            with pytest.raises(AuthRejected) as refused:
                await terminal.test_key("quotex", session_of(quotex, token="tk-0a91c3e57b"))
            assert refused.value.user_text == "Quotex does not take this sign-in any more."
            await terminal.credentials.use_passphrase(Secret(WORDS))
            await terminal.save_key("quotex", session_of(quotex))
            await terminal.use_live("quotex")
            session = terminal.sessions.sessions["quotex"]
            await eventually(lambda: session.state is SessionState.LIVE, 20, "the account")
            assert session.account == f"quotex:live:{quotex.account_id('demo')}"
            real = session.hidden[f"quotex:live:{quotex.account_id('live')}"]
            assert real.is_live
            assert "real money" in real.consent, "it is opened after a question alone"
            known = await terminal.known_entries("quotex", Mode.LIVE)
            assert known["email"] == quotex.key("practice")["email"]
            assert set(known) == {"email", "user_agent"}, "what is secret is told nobody"

    run(main())


def test_a_practice_sign_in_is_used_until_it_is_refused_also_after_a_restart(
    quotex: QuotexPractice, tmp_path: Path
) -> None:
    brought: dict[str, Secret] = {}

    async def sign_in(desk: ConnectionDesk) -> None:
        """With a PIN, as the form does it."""
        found = await desk.practice_logins("quotex")
        login = next(each for each in found if each.asks_pin)
        entered = {"email": Secret(login.email), "password": Secret(login.password)}

        async def ask(question: str) -> str:
            return login.pin

        brought.update(await desk.sign_in_by_password("quotex", PRACTICE, entered, ask))
        report = await desk.test_keys("quotex", PRACTICE, brought, {})
        assert report.label == login.email
        await desk.save_keys("quotex", PRACTICE, brought, {})
        await desk.use("quotex", PRACTICE)

    async def first() -> None:
        async with started(quotex, tmp_path) as terminal:
            await terminal.use_practice("quotex")
            assert in_use(terminal)["token"].reveal() == quotex.key("practice")["token"]
            await sign_in(ConnectionDesk(terminal, open_url=lambda url: True))
            assert in_use(terminal) == brought
            assert terminal.settings.text("venue.mode", "quotex") == "practice"
        kept = paths_below(tmp_path).practice / "sign-ins.json"
        assert kept.stat().st_mode & 0o077 == 0

    async def second() -> None:
        async with started(quotex, tmp_path) as terminal:
            told: list[Notice] = []
            terminal.notice.watch(told.append)
            desk = ConnectionDesk(terminal, open_url=lambda url: True)
            await terminal.use_practice("quotex")
            session = terminal.sessions.sessions["quotex"]
            await eventually(lambda: session.state is SessionState.LIVE, 20, "the kept sign-in in use")
            assert in_use(terminal) == brought
            said: list[str] = []
            session.changed.watch(lambda: said.append(desk.trouble("quotex", PRACTICE)))
            await quotex.fault("expire_session")
            await eventually(lambda: session.needs_sign_in, 20, "the refusal")
            assert "Quotex has refused this sign-in and is asked once more." in said
            assert desk.trouble("quotex", PRACTICE) == "Quotex does not take this sign-in any more."
            assert desk.trouble("quotex", Mode.LIVE) == ""
            assert [(one.action, one.venue, one.text) for one in told] == [
                (NoticeAction.SIGN_IN, "quotex", "Quotex does not take this sign-in any more.")
            ]
            assert not terminal.practice_sign_ins.of("quotex"), "it would be refused again"
            known = await desk.known_entries("quotex", PRACTICE)
            assert known["email"] == brought["email"].reveal()
            refused = brought["token"]
            await sign_in(desk)
            assert brought["token"] != refused
            assert desk.trouble("quotex", PRACTICE) == ""
            await desk.sign_out("quotex", PRACTICE)
            assert not await desk.has_keys("quotex", PRACTICE)
            assert not terminal.practice_sign_ins.of("quotex")
            await quotex.clear()
            await desk.use("quotex", PRACTICE)
            assert in_use(terminal)["token"].reveal() == quotex.key("practice")["token"]

    run(first())
    run(second())


@needs_the_page
def test_the_practice_sites_own_page_brings_a_session_that_connects(
    quotex: QuotexPractice, tmp_path: Path
) -> None:
    """The page is filled in for the practice account; a hand clicks its button."""

    async def main() -> None:
        async with started(quotex, tmp_path) as terminal:
            window = hand_at_the_page("sign-in")
            desk = ConnectionDesk(terminal, open_url=lambda url: True, window=window)
            found = await desk.sign_in_on_page("quotex", PRACTICE)
            assert set(found) == {"token", "cookies", "user_agent"}
            assert found["token"].reveal() != quotex.key("practice")["token"]
            assert "Chrome" in found["user_agent"].reveal()
            assert (await desk.test_keys("quotex", PRACTICE, found, {})).can_trade
            await desk.save_keys("quotex", PRACTICE, found, {})
            await desk.use("quotex", PRACTICE)
            assert in_use(terminal) == found, "nothing of another sign-in is mixed in"

    run(main())


# -- by hand, on the screen -------------------------------------------------------------------------------


async def open_form(desk: Desk) -> tuple[ConnectDialog, SignInCard]:
    """Click the venue's card and choose to sign in to the practice site."""
    session = desk.terminal.sessions.sessions
    await desk.until(
        lambda: "quotex" in session and session["quotex"].state is SessionState.LIVE, "a live venue", 30
    )
    await desk.frame()
    await desk.hand.click(desk.window.strip._cards["quotex"])
    await desk.hand.trigger(desk.menu(), "Sign in to the practice site…")
    dialog = await opened(desk, ConnectDialog)
    assert dialog.card is not None
    card = dialog.card
    await desk.until(lambda: card.logins.isVisible(), "the practice accounts")
    await desk.frame()
    return dialog, card


async def keep(desk: Desk, dialog: ConnectDialog) -> dict[str, Secret]:
    """Keep the session that was tried; what the new connection is made with."""
    vm, sessions = dialog._vm, desk.terminal.sessions.sessions
    await desk.until(lambda: vm.step is Step.TESTED or vm.error, "a session that was tried")
    assert not vm.error
    before = sessions["quotex"]
    await desk.hand.click(dialog.go)
    await desk.until(lambda: desk.dialog(ConnectDialog) is None, "a form that closes by itself")
    await desk.until(
        lambda: sessions["quotex"] is not before and sessions["quotex"].state is SessionState.LIVE, "live"
    )
    # A page of the past that is on its way would be awaited by the quitting that follows.
    await desk.until(lambda: not desk.screen.chart.loading_older, "the past in the chart")
    return sessions["quotex"].plan.settings.credentials


def test_password_and_pin_of_the_practice_site_by_hand(
    quotex: QuotexPractice, qapp: QApplication, tmp_path: Path
) -> None:
    row = quotex.key("second")

    async def body(desk: Desk) -> None:
        dialog, card = await open_form(desk)
        (fill_in,) = [
            each for each in card.logins.findChildren(QPushButton) if row["email"] in each.accessibleName()
        ]
        await desk.hand.click(fill_in)
        assert card.fields["email"].edit.text() == row["email"]
        await desk.hand.click(card.sign_in)
        await desk.until(lambda: card.pin.isVisible(), "the question for the PIN")
        assert f"Practice mailbox of {row['email']}" in desk.words(dialog)
        assert f"your PIN-code is {row['pin']}" in desk.words(dialog)
        await desk.hand.replace(card.pin.edit, "000000")
        await desk.hand.click(card.sign_in)
        await desk.until(lambda: "2 tries are left" in card.pin.problem.text(), "the refused PIN")
        await desk.hand.replace(card.pin.edit, str(row["pin"]))
        await desk.hand.click(card.sign_in)
        found = await keep(desk, dialog)
        assert found["email"].reveal() == row["email"]
        assert found["token"].reveal() not in (row["token"], quotex.key("practice")["token"])
        account = desk.terminal.sessions.sessions["quotex"].account
        await desk.until(lambda: desk.terminal.portfolio.balances(account), "the balance")
        assert set(desk.terminal.portfolio.balances(account)) == {"EUR"}

    run_screen(quotex, tmp_path, body, wait=False, on_desk=("quotex",), tools=QUICK)
