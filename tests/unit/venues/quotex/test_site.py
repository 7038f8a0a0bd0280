"""What Quotex's pages say, and which answers of the site are which trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected, SettingsError, VenueUnavailable
from terminal.venues.quotex import site as module
from terminal.venues.quotex.site import Site, token_of
from tests.helpers import run

BASE = "https://quotex.example"
FORM = '<form><input type="hidden" name="_token" value="csrf-1"></form>'
PIN = (
    '<main class="auth__body"><p>Enter the PIN we sent</p><form>'
    '<input type="hidden" name="_token" value="csrf-2"><input name="keep_code" value="1"><input name="code">'
    "</form></main>"
)
TRADE = '<script type="text/javascript">window.settings = {"token":"a;\\"b","lang":"en"};</script>'
Handler = Callable[[httpx.Request], httpx.Response]


def page(text: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, text=text)


async def nobody(question: str) -> str | None:
    raise AssertionError(question)


async def ask_site(handler: Handler, ask: Callable[[Site], Any]) -> Any:
    site = Site(BASE)
    headers = dict(site._client.headers)
    await site._client.aclose()
    site._client = httpx.AsyncClient(transport=httpx.MockTransport(handler), headers=headers)
    try:
        return await ask(site)
    finally:
        await site.close()


def sign_in(handler: Handler, ask: Any = nobody) -> Any:
    return run(ask_site(handler, lambda site: site.sign_in("me@example.org", Secret("p-1f6d0"), ask)))


@pytest.mark.parametrize(
    ("html", "token"),
    [
        (TRADE, 'a;"b'),
        ('<script>window.settings={"a":{"b":1},"token":"T1"};window.x = {"token":"no"};</script>', "T1"),
        ("<script>window.settings = nothing;</script>", ""),
        ('<script>window.settings = {"token":5};</script>', ""),
        ("<p>no script</p>", ""),
    ],
)
def test_the_token_of_a_page(html: str, token: str) -> None:
    assert token_of(html) == token


def test_what_is_posted_with_and_without_a_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PIN_PAUSE_S", 0.0)
    posted: list[dict[str, str]] = []
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        assert request.headers["user-agent"] == module.USER_AGENT
        if request.method == "POST":
            posted.append(dict(httpx.QueryParams(request.content.decode())))
            if len(posted) == 1:
                return page(PIN)
            return httpx.Response(302, headers={"Location": f"{BASE}/en/trade", "Set-Cookie": "s=1; Path=/"})
        return page(TRADE if request.url.path == "/en/trade" else FORM)

    async def ask(question: str) -> str | None:
        asked.append(question)
        return "123456"

    found = sign_in(handler, ask)
    assert found["token"].reveal() == 'a;"b'
    assert "s=1" in found["cookies"].reveal()
    assert found["user_agent"].reveal() == module.USER_AGENT
    assert asked == ["Enter the PIN we sent"]
    first = {"_token": "csrf-1", "email": "me@example.org", "password": "p-1f6d0", "remember": "1"}
    assert posted == [first, {**first, "_token": "csrf-2", "keep_code": "1", "code": "123456"}]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (
            '<div id="tab-1"><form><div></div><div><div>Invalid credentials</div></div></form></div>',
            AuthRejected,
            "Invalid credentials.",
        ),
        ('<div class="hint hint--danger">Too many tries!</div>', AuthRejected, "Too many tries!"),
        (
            '<div id="tab-1"><div class="modal-sign__not-avalible__title">Not in your region</div></div>',
            VenueUnavailable,
            "Quotex's sign-in is closed. It says: Not in your region.",
        ),
        ("<p>nothing</p>", AuthRejected, "Quotex did not accept e-mail and password."),
    ],
)
def test_a_sign_in_that_fails_says_why(body: str, kind: type[Exception], words: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return page(body if request.method == "POST" else FORM)

    with pytest.raises(kind) as caught:
        sign_in(handler)
    assert caught.value.user_text == words  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (page("<html>Just a moment...</html>", 403), "challenge", "bot filter"),
        (page("<html>Just a moment...</html>", 503), "challenge", "bot filter"),
        (page("<html>slow down</html>", 429), "challenge", "bot filter"),
        (page('{"message":"slow"}', 429), "http-429", "pause"),
        (page("oops", 500), "http-500", "error (500)"),
        (
            httpx.Response(302, headers={"Location": "https://elsewhere.example/en/trade"}),
            "redirect",
            "another",
        ),
        (httpx.Response(302, headers={"Location": f"{BASE}/round"}), "redirect", ""),
    ],
)
def test_answers_that_are_trouble(answer: httpx.Response, code: str, words: str) -> None:
    with pytest.raises(VenueUnavailable) as caught:
        sign_in(lambda request: answer)
    assert caught.value.code == code
    assert words in caught.value.user_text


def test_a_network_that_fails_is_in_words() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(VenueUnavailable) as caught:
        sign_in(handler)
    assert caught.value.code == "network"


def test_the_profile_and_pages_of_the_past() -> None:
    digest = (
        '{"data":{"nickname":"n","id":7,"demoBalance":"10000.50","liveBalance":0,"currencyCode":"eur",'
        '"countryName":"Portugal","timeOffset":-10800}}'
    )
    posted: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            posted.append(request.content)
            return page("{}")
        if "digest" in request.url.path:
            return page(digest)
        assert (request.url.path, request.url.query) == ("/api/v1/cabinets/trades/history/type/1", b"page=3")
        return page('{"data":[{"ticket":"a"},5]}')

    async def ask(site: Site) -> Any:
        await site.set_time_offset(3600)
        return await site.profile(), await site.history(is_demo=True, page=3)

    profile, rows = run(ask_site(handler, ask))
    assert (profile.nickname, profile.currency, profile.country) == ("n", "EUR", "Portugal")
    assert (profile.demo_balance, profile.live_balance) == (Decimal("10000.50"), 0)
    assert profile.time_offset_s == -10800
    assert rows == [{"ticket": "a"}]
    assert posted == [b'{"time_offset": 3600}']


@pytest.mark.parametrize("body", ["", "[]", '{"data":5}', '{"data":{"demoBalance":"much"}}', "<html>"])
def test_a_profile_that_cannot_be_read_is_no_crash(body: str) -> None:
    with pytest.raises(VenueUnavailable):
        run(ask_site(lambda request: page(body), lambda site: site.profile()))


def test_an_address_without_encryption_is_for_this_machine_alone() -> None:
    with pytest.raises(SettingsError):
        Site("http://quotex.example")

    async def main() -> None:
        for address in ("http://127.0.0.1:1", BASE):
            await Site(address).close()
        await asyncio.sleep(0)

    run(main())
