"""Signing in at the practice site with e-mail and password: the PIN, its refusals, and the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected, CredentialError, VenueUnavailable
from terminal.venues.base import ConnectorSettings
from terminal.venues.quotex.connector import QuotexConnector
from terminal.venues.quotex.password import sign_in
from tests.helpers import run
from tests.practice_quotex import QuotexPractice


@pytest.fixture(scope="module")
def practice() -> Iterator[QuotexPractice]:
    running = QuotexPractice()
    running.start()
    yield running
    running.stop()


def entered(practice: QuotexPractice, key: str, **instead: str) -> dict[str, Secret]:
    row = practice.key(key)
    return {name: Secret(instead.get(name, str(row[name]))) for name in ("email", "password")}


async def nobody(question: str) -> str | None:
    raise AssertionError(f"nothing was to be asked: {question}")


def test_without_a_pin_the_session_opens_the_socket(practice: QuotexPractice) -> None:
    async def main() -> None:
        found = await sign_in(practice.settings(None), entered(practice, "practice"), nobody)
        assert set(found) == {"email", "token", "cookies", "user_agent"}
        settings = ConnectorSettings(practice.settings(None).endpoints, dict(found))
        connector = QuotexConnector(settings)
        try:
            await connector.connect(lambda event: None)
            assert len(await connector.instruments()) > 10
        finally:
            await connector.close()

    run(main())


def test_the_pin_of_the_e_mail_is_asked_for_in_the_sites_words(practice: QuotexPractice) -> None:
    row = practice.key("second")
    asked: list[str] = []

    async def ask(question: str) -> str | None:
        asked.append(question)
        return "000000" if len(asked) == 1 else str(row["pin"])

    found = run(sign_in(practice.settings(None), entered(practice, "second"), ask))
    assert found["token"].reveal()
    assert len(asked) == 2
    assert "PIN" in asked[0]


def test_three_wrong_pins_and_giving_up_end_in_words(practice: QuotexPractice) -> None:
    async def wrong(question: str) -> str | None:
        return "000000"

    async def none(question: str) -> str | None:
        return None

    with pytest.raises(AuthRejected) as refused:
        run(sign_in(practice.settings(None), entered(practice, "second"), wrong))
    assert "wrong three times" in refused.value.user_text
    with pytest.raises(AuthRejected) as given_up:
        run(sign_in(practice.settings(None), entered(practice, "second"), none))
    assert given_up.value.user_text == "Signing in was given up."


def test_a_wrong_password_is_told_in_the_sites_words(practice: QuotexPractice) -> None:
    wrong = entered(practice, "practice", password="pw-0000a1b2c3")
    with pytest.raises(AuthRejected) as refused:
        run(sign_in(practice.settings(None), wrong, nobody))
    assert refused.value.user_text
    assert refused.value.user_text != AuthRejected.default_text
    with pytest.raises(CredentialError):
        run(sign_in(practice.settings(None), {}, nobody))


def test_a_challenge_page_leads_to_the_browser(practice: QuotexPractice) -> None:
    async def main() -> None:
        await practice.fault("challenge")
        try:
            with pytest.raises(VenueUnavailable) as stopped:
                await sign_in(practice.settings(None), entered(practice, "practice"), nobody)
            assert "bot filter" in stopped.value.user_text
            assert "browser" in stopped.value.user_text
        finally:
            await practice.order("clear")

    run(main())
