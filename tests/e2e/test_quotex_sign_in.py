"""Signing in to Quotex through the application, as a person does: for the real site and for the practice one,
by password and PIN, on its own page, and with a session that is pasted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from terminal.app.compose import Terminal
from terminal.app.paths import paths_below
from terminal.core.log_ring import LogRing
from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected
from tests.e2e.rig import QUICK_QUOTEX
from tests.helpers import run
from tests.practice import RunningVenues
from tests.practice_quotex import QuotexPractice

FORM = ("email", "token", "cookies", "user_agent")


@pytest.fixture(scope="module")
def quotex() -> Iterator[QuotexPractice]:
    practice = QuotexPractice()
    practice.start()
    yield practice
    practice.stop()


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
