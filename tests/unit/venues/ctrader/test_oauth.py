from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from terminal.core.clock import ManualClock
from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected, CredentialError, SettingsError, VenueUnavailable
from terminal.venues.base import ConnectorSettings
from terminal.venues.ctrader.oauth import CtraderSignIn, begin_sign_in
from tests.helpers import free_port, run
from tests.unit.transport.servers import Peer, serve, tls_listener
from tests.unit.venues.ctrader.fake_venue import authority, good_certificate

REDIRECT = "http://localhost:23682/callback"
GRANT = {
    "accessToken": "CANARY-access-token",
    "tokenType": "bearer",
    "expiresIn": 2_628_000,
    "refreshToken": "CANARY-refresh-token",
    "errorCode": None,
    "description": None,
}


class TokenServer:
    """The token endpoint: notes what it is asked and answers to order."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.heads: list[str] = []
        self.answer: Any = GRANT
        self.status = 200

    async def talk(self, peer: Peer) -> None:
        head = (await peer.read_request()).decode()
        method, target, _ = head.split("\r\n", 1)[0].split(" ")
        self.heads.append(head)
        query = {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}
        self.asked.append((method + " " + urlsplit(target).path, query))
        body = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        peer.write(
            f"HTTP/1.1 {self.status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await peer.writer.drain()

    def sign_in(self, **endpoints: str) -> CtraderSignIn:
        return begin_sign_in(
            ConnectorSettings(
                {
                    "authorize": f"https://localhost:{self.port}/grant/",
                    "token": f"https://localhost:{self.port}/apps/token",
                    "redirect": REDIRECT,
                    "ca": str(authority().path),
                    **endpoints,
                },
                {"client_id": Secret("application-id"), "client_secret": Secret("CANARY-secret")},
            ),
            clock=ManualClock(),
        )


@asynccontextmanager
async def token_server() -> AsyncIterator[TokenServer]:
    found = TokenServer()
    async with serve(found.talk, ssl_context=good_certificate()) as server:
        found.port = server.port
        yield found


def state_of(sign_in: CtraderSignIn) -> str:
    return parse_qs(urlsplit(sign_in.page.url).query)["state"][0]


def answer(sign_in: CtraderSignIn, code: str = "CANARY-code") -> str:
    return f"{REDIRECT}?code={code}&state={state_of(sign_in)}"


def test_the_page_asks_for_trading_and_bears_a_state_of_its_own() -> None:
    settings = ConnectorSettings({}, {"client_id": Secret("an id"), "client_secret": Secret("secret")})
    one, other = begin_sign_in(settings), begin_sign_in(settings)
    parts = urlsplit(one.page.url)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    assert (parts.scheme, parts.hostname) == ("https", "id.ctrader.com")
    assert parts.path == "/my/settings/openapi/grantingaccess/"
    assert query["client_id"] == "an id"
    assert query["redirect_uri"] == one.page.redirect_url == REDIRECT
    assert query["scope"] == "trading"
    assert len(query["state"]) >= 22  # 128 bit and more, in base 64
    assert query["state"] != state_of(other)
    assert one.page.hosts == ("id.ctrader.com", ".ctrader.com")
    assert "secret" not in one.page.url


def test_the_code_becomes_tokens() -> None:
    async def main() -> None:
        async with token_server() as server:
            sign_in = server.sign_in()
            assert sign_in.page.hosts == ("localhost",)
            assert sign_in.page.ca_file == str(authority().path)
            grant = await sign_in.finish(answer(sign_in))
            ((what, query),) = server.asked
            assert what == "GET /apps/token"
            assert query == {
                "grant_type": "authorization_code",
                "code": "CANARY-code",
                "redirect_uri": REDIRECT,
                "client_id": "application-id",
                "client_secret": "CANARY-secret",
            }
            assert "accept: application/json" in server.heads[0].lower()
            found = {key: secret.reveal() for key, secret in grant.items()}
            assert found["access_token"] == "CANARY-access-token"
            assert found["refresh_token"] == "CANARY-refresh-token"
            assert found["scope"] == "trading"
            assert int(found["expires_ns"]) == ManualClock().wall_ns() + 2_628_000 * 1_000_000_000
            assert (found["client_id"], found["client_secret"]) == ("application-id", "CANARY-secret")

    run(main())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (REDIRECT + "?code=c", "does not belong to this sign-in"),
        (REDIRECT + "?code=c&state=guessed", "does not belong to this sign-in"),
        (REDIRECT + "?code=c&state={state}&state={state}", "does not belong to this sign-in"),
        (REDIRECT + "?error=access_denied", "does not belong to this sign-in"),
        (REDIRECT + "?error=access_denied&state={state}", "did not allow"),
        (REDIRECT + "?state={state}", "without allowing"),
        (REDIRECT + "?code=&state={state}", "without allowing"),
        ("http://localhost:1/callback?code=c&state={state}", "unexpected address"),
        ("https://evil.example/callback?code=c&state={state}", "unexpected address"),
    ],
)
def test_an_answer_that_is_not_the_one_awaited_is_refused_before_anything_is_sent(
    url: str, words: str
) -> None:
    async def main() -> None:
        async with token_server() as server:
            sign_in = server.sign_in()
            with pytest.raises(AuthRejected) as caught:
                await sign_in.finish(url.replace("{state}", state_of(sign_in)))
            assert words in caught.value.user_text
            assert not server.asked

    run(main())


def test_a_refusal_comes_with_http_200_and_is_told_by_its_code() -> None:
    async def main() -> None:
        async with token_server() as server:
            nothing = dict.fromkeys(GRANT)
            for code, words in (
                ("ACCESS_DENIED", "too old or used before"),
                ("ACCESS_DENIED", "secret is wrong. It says: The moon is full."),
                ("CH_CLIENT_AUTH_FAILURE", "id or secret is wrong"),
                ("SOMETHING_ELSE", "The moon is full"),
            ):
                server.answer = {**nothing, "errorCode": code, "description": "The moon is full"}
                sign_in = server.sign_in()
                with pytest.raises(AuthRejected) as caught:
                    await sign_in.finish(answer(sign_in))
                assert words in caught.value.user_text
            server.answer = {**GRANT, "accessToken": None}
            sign_in = server.sign_in()
            with pytest.raises(AuthRejected):
                await sign_in.finish(answer(sign_in))

    run(main())


def test_a_code_is_exchanged_once() -> None:
    async def main() -> None:
        async with token_server() as server:
            sign_in = server.sign_in()
            await sign_in.finish(answer(sign_in))
            with pytest.raises(AuthRejected, match="used before"):
                await sign_in.finish(answer(sign_in))
            assert len(server.asked) == 1

    run(main())


def test_a_server_that_is_not_there_leaves_the_code_good() -> None:
    async def main() -> None:
        async with token_server() as server:
            port, server.port = server.port, free_port()
            sign_in = server.sign_in()
            with pytest.raises(VenueUnavailable) as caught:
                await sign_in.finish(answer(sign_in))
            assert "cannot be reached" in caught.value.user_text
            sign_in._token_url = f"https://localhost:{port}/apps/token"
            assert (await sign_in.finish(answer(sign_in)))["access_token"]

    run(main())


def test_a_page_instead_of_an_answer_is_said() -> None:
    async def main() -> None:
        async with token_server() as server:
            server.answer = b"<html>maintenance</html>"
            sign_in = server.sign_in()
            with pytest.raises(VenueUnavailable) as caught:
                await sign_in.finish(answer(sign_in))
            assert "unreadable" in caught.value.user_text

    run(main())


def test_a_token_server_that_cannot_be_trusted_hears_no_secret() -> None:
    async def main() -> None:
        with tls_listener(authority().server("elsewhere.example")) as listener:
            server = TokenServer()
            server.port = listener.port
            sign_in = server.sign_in()
            with pytest.raises(VenueUnavailable) as caught:
                await sign_in.finish(answer(sign_in))
            assert "another host name" in caught.value.user_text

    run(main())


def test_without_an_application_there_is_no_page() -> None:
    with pytest.raises(CredentialError):
        begin_sign_in(ConnectorSettings({}, {"client_id": Secret("id")}))


@pytest.mark.parametrize(
    "endpoints",
    [
        {"redirect": "https://elsewhere.example/callback"},
        {"token": "http://elsewhere.example/apps/token"},
        {"authorize": "ftp://elsewhere.example/"},
    ],
)
def test_addresses_that_would_give_a_secret_away_are_refused(endpoints: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        TokenServer().sign_in(**endpoints)


def test_no_secret_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def main() -> None:
        async with token_server() as server:
            sign_in = server.sign_in()
            await sign_in.finish(answer(sign_in))
            server.status, server.answer = 500, b"CANARY-secret is no good"
            again = server.sign_in()
            with pytest.raises(VenueUnavailable):
                await again.finish(answer(again))

    run(main())
    assert "CANARY" not in caplog.text
