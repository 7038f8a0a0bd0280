"""Signing in to Quotex through the application, as a person does: for the real site and for the practice one,
by password and PIN, on its own page, and with a session that is pasted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from terminal.app.compose import Terminal
from terminal.app.connection_desk import ConnectionDesk
from terminal.app.paths import paths_below
from terminal.core.log_ring import LogRing
from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected
from terminal.services.notices import Notice, NoticeAction
from terminal.services.session import Mode, SessionState
from terminal.venues.quotex import site
from tests.e2e.rig import QUICK_QUOTEX
from tests.helpers import eventually, run
from tests.practice import RunningVenues
from tests.practice_quotex import QuotexPractice

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
        connector_tools={"quotex": {"policy": QUICK_QUOTEX}},
    )
    for name in ("https", "wss", "ca"):
        terminal.settings.set(f"endpoint.{name}", quotex.entry[name], "quotex")
    try:
        yield terminal
    finally:
        await terminal.stop()


def session_of(quotex: QuotexPractice, **instead: str) -> dict[str, Secret]:
    """The entries of the form, as somebody pastes them."""
    row = quotex.key("practice")
    return {key: Secret(instead.get(key, str(row[key]))) for key in FORM}


def test_a_session_is_tried_before_it_is_kept(quotex: QuotexPractice, tmp_path: Path) -> None:
    async def main() -> None:
        async with started(quotex, tmp_path) as terminal:
            report = await terminal.test_key("quotex", session_of(quotex))
            assert report.can_trade
            assert report.label == quotex.key("practice")["email"]
            with pytest.raises(AuthRejected) as refused:
                await terminal.test_key("quotex", session_of(quotex, token="tk-0a91c3e57b"))
            assert refused.value.user_text

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

    def in_use(terminal: Terminal) -> dict[str, Secret]:
        return terminal.sessions.sessions["quotex"].plan.settings.credentials

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
            await quotex.fault("expire_session")
            await eventually(lambda: session.needs_sign_in, 20, "the refusal")
            assert desk.trouble("quotex", PRACTICE) == "Quotex does not take this sign-in any more."
            assert desk.trouble("quotex", Mode.LIVE) == ""
            assert [(one.action, one.venue) for one in told] == [(NoticeAction.SIGN_IN, "quotex")]
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
