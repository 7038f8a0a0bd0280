"""Signing in at the practice site with e-mail and password: the PIN, its refusals, and the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected, CredentialError, RateLimited, VenueUnavailable
from terminal.venues.base import CHALLENGE, ConnectorSettings
from terminal.venues.quotex import site
from terminal.venues.quotex.connector import QuotexConnector
from terminal.venues.quotex.password import PageSignIn, sign_in
from tests.helpers import run
from tests.practice_quotex import QuotexPractice


@pytest.fixture(scope="module")
def practice() -> Iterator[QuotexPractice]:
    running = QuotexPractice()
    running.start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "_PIN_PAUSE_S", 0.0)


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
    assert asked[0] == "Please enter the PIN-code we have just sent to your e-mail"
    assert asked[1].splitlines() == [
        "The code is wrong. Check the last message and try again. 2 tries are left.",
        asked[0],
    ]


def test_three_wrong_pins_and_giving_up_end_in_words(practice: QuotexPractice) -> None:
    async def wrong(question: str) -> str | None:
        return "000000"

    async def none(question: str) -> str | None:
        return None

    with pytest.raises(AuthRejected) as refused:
        run(sign_in(practice.settings(None), entered(practice, "second"), wrong))
    assert refused.value.user_text == ("The PIN was wrong three times. Too many wrong codes. Sign in again.")
    with pytest.raises(AuthRejected) as given_up:
        run(sign_in(practice.settings(None), entered(practice, "second"), none))
    assert given_up.value.user_text == "Signing in was given up."


def test_a_wrong_password_is_told_in_the_sites_words(practice: QuotexPractice) -> None:
    wrong = entered(practice, "practice", password="pw-0000a1b2c3")
    with pytest.raises(AuthRejected) as refused:
        run(sign_in(practice.settings(None), wrong, nobody))
    assert refused.value.user_text == "Invalid credentials. Check your e-mail and password."
    with pytest.raises(CredentialError):
        run(sign_in(practice.settings(None), {}, nobody))


def test_a_challenge_page_leads_to_the_browser(practice: QuotexPractice) -> None:
    async def main() -> None:
        await practice.fault("challenge")
        try:
            with pytest.raises(VenueUnavailable) as stopped:
                await sign_in(practice.settings(None), entered(practice, "practice"), nobody)
            assert stopped.value.code == CHALLENGE
            assert "bot filter" in stopped.value.user_text
            assert "its own page" in stopped.value.user_text
        finally:
            await practice.order("clear")

    run(main())


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("http_429", {"retry_after": 40}, "Try again in 40 s."),
        ("not_available", {}, "It says: Sorry, our service is not available in your region."),
    ],
)
def test_a_site_that_takes_nobody_in_now_says_so(
    practice: QuotexPractice, kind: str, options: dict[str, int], words: str
) -> None:
    async def main() -> None:
        await practice.fault(kind, match="rest/sign_in/post", **options)
        try:
            with pytest.raises(VenueUnavailable) as stopped:
                await sign_in(practice.settings(None), entered(practice, "practice"), nobody)
        finally:
            await practice.order("clear")
        assert words in stopped.value.user_text
        assert isinstance(stopped.value, RateLimited) is (kind == "http_429")
        assert await sign_in(practice.settings(None), entered(practice, "practice"), nobody)

    run(main())


def test_the_pages_are_asked_for_in_the_language_that_is_set(practice: QuotexPractice) -> None:
    endpoints = practice.settings(None).endpoints
    for chosen, used in (("pt", "pt"), ("", "en"), ("../x", "en")):
        settings = ConnectorSettings(endpoints, {}, {"language": chosen})
        assert PageSignIn(settings).page.url == f"{endpoints['https']}/{used}/sign-in"
    found = run(
        sign_in(ConnectorSettings(endpoints, {}, {"language": "pt"}), entered(practice, "practice"), nobody)
    )
    assert "lang=pt" in found["cookies"].reveal()
