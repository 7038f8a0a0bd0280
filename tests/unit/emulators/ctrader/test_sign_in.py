"""The practice cTrader's sign-in over HTTPS, as a browser and a token client go through it; and what becomes
of accounts when tokens are renewed, expire or are taken back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from terminal.core.clock import ManualClock
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.grants import CODE_LIFE_S, EXPIRES_IN_S, Grants, TokenRefused
from terminal.emulators.market.store import Store
from tests.helpers import run
from tests.unit.emulators.ctrader.client import DEMO, LIVE, NETTED, World, refusal, world

REDIRECT = "http://localhost:23682/callback"


class Browser:
    """Goes through the pages and stops where it would leave them."""

    def __init__(self, venue: World, http: httpx.AsyncClient) -> None:
        self.venue = venue
        self.http = http

    async def open(self, **changes: str) -> httpx.Response:
        query = {
            "client_id": self.venue.endpoints["client_id"],
            "redirect_uri": REDIRECT,
            "scope": "trading",
            "product": "web",
            "state": "a state & more",
            **changes,
        }
        return await self.http.get(self.venue.endpoints["authorize"], params=query)

    async def press(self, page: httpx.Response, **values: str | list[str]) -> httpx.Response:
        """Send the form of a page with its hidden fields."""
        action = re.search(r'action="([^"]+)"', page.text)
        visit = re.search(r'name="visit" value="([^"]+)"', page.text)
        assert action is not None
        assert visit is not None
        data = {"visit": visit[1], **values}
        return await self.http.post(httpx.URL(self.venue.endpoints["authorize"]).join(action[1]), data=data)

    async def allow(self, accounts: list[int], **changes: str) -> dict[str, str]:
        """The whole way; what the redirect carries."""
        consent = await self.press(await self.open(**changes))
        left = await self.press(consent, account=[str(one) for one in accounts], answer="allow")
        assert left.status_code == 302
        return carried(left)

    async def token(self, **query: str) -> dict[str, Any]:
        values = {
            "client_id": self.venue.endpoints["client_id"],
            "client_secret": self.venue.endpoints["client_secret"],
            **query,
        }
        answer = await self.http.get(
            self.venue.endpoints["token"], params=values, headers={"Accept": "application/json"}
        )
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        assert set(found) == {
            "accessToken", "tokenType", "expiresIn", "refreshToken", "errorCode", "description",
        }  # fmt: skip
        return found


def carried(left: httpx.Response) -> dict[str, str]:
    """What a redirect takes along."""
    where = left.headers["location"]
    assert where.startswith(REDIRECT + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    async with (
        world() as venue,
        httpx.AsyncClient(verify=venue.trust(), trust_env=False, follow_redirects=False) as http,
    ):
        yield Browser(venue, http)


def test_a_person_signs_in_ticks_accounts_and_the_code_becomes_tokens() -> None:
    async def main() -> None:
        async with browsing() as browser:
            page = await browser.open()
            assert page.status_code == 200
            assert "PRACTICE" in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            consent = await browser.press(page)
            for login in ("LIVE", "DEMO", 'value="5120001"', 'value="7230001"'):
                assert login in consent.text
            left = await browser.press(consent, account=[str(DEMO), str(NETTED)], answer="allow")
            found = carried(left)
            assert found["state"] == "a state & more"
            pair = await browser.token(
                grant_type="authorization_code", code=found["code"], redirect_uri=REDIRECT
            )
            assert pair["errorCode"] is None
            assert pair["tokenType"] == "bearer"
            assert pair["expiresIn"] == EXPIRES_IN_S
            client = await browser.venue.connect()
            await client.sign_in(browser.venue.endpoints, DEMO, token=pair["accessToken"])
            accounts = await client.ask(2149, {2: pair["accessToken"]})
            assert {row.num(1) for row in accounts.body.messages(4)} == {DEMO, NETTED}
            other = await client.ask(2102, {2: LIVE, 3: pair["accessToken"]})
            assert refusal(other) == "CH_CTID_TRADER_ACCOUNT_NOT_FOUND"

    run(main())


def test_a_code_works_once_and_only_with_its_redirect() -> None:
    async def main() -> None:
        async with browsing() as browser:
            found = await browser.allow([DEMO])
            wrong = await browser.token(
                grant_type="authorization_code", code=found["code"], redirect_uri=REDIRECT + "2"
            )
            assert wrong["errorCode"] == "ACCESS_DENIED"
            assert wrong["accessToken"] is None
            asked = {"grant_type": "authorization_code", "code": found["code"], "redirect_uri": REDIRECT}
            assert (await browser.token(**asked))["errorCode"] is None
            assert (await browser.token(**asked))["errorCode"] == "ACCESS_DENIED"
            other = await browser.allow([DEMO])
            asked["code"] = other["code"]
            assert (await browser.token(**asked, client_secret="wrong"))["errorCode"] == "ACCESS_DENIED"
            # The form of a POST is taken too, as one client sends it.
            answer = await browser.http.post(
                browser.venue.endpoints["token"],
                data={
                    **asked,
                    "client_id": browser.venue.endpoints["client_id"],
                    "client_secret": browser.venue.endpoints["client_secret"],
                },
            )
            assert answer.json()["errorCode"] is None

    run(main())


def test_denying_or_ticking_nothing_brings_no_code() -> None:
    async def main() -> None:
        async with browsing() as browser:
            consent = await browser.press(await browser.open())
            denied = carried(await browser.press(consent, account=[str(DEMO)], answer="deny"))
            assert denied == {"error": "access_denied", "state": "a state & more"}
            again = await browser.press(consent, account=[str(DEMO)], answer="allow")
            assert again.status_code == 400  # one visit, one answer
            consent = await browser.press(await browser.open())
            nothing = carried(await browser.press(consent, answer="allow"))
            assert "code" not in nothing
            # Without a state none comes back, and the older address works as well.
            old = browser.venue.endpoints["authorize"].replace(
                "/my/settings/openapi/grantingaccess/", "/apps/auth"
            )
            page = await browser.http.get(
                old,
                params={
                    "client_id": browser.venue.endpoints["client_id"],
                    "redirect_uri": REDIRECT,
                    "response_type": "code",
                    "scope": "accounts",
                },
            )
            consent = await browser.press(page)
            left = carried(await browser.press(consent, account=[str(DEMO)], answer="allow"))
            assert set(left) == {"code"}

    run(main())


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "somebody"},
        {"redirect_uri": "http://localhost:23682/other"},
        {"redirect_uri": "https://example.com/callback"},
        {"redirect_uri": "http://localhost.example.com/callback"},
        {"redirect_uri": "http://me@localhost/callback"},
        {"scope": "everything"},
    ],
)
def test_a_wrong_question_never_leads_anywhere(changes: dict[str, str]) -> None:
    async def main() -> None:
        async with browsing() as browser:
            page = await browser.open(**changes)
            assert page.status_code == 400
            assert "location" not in page.headers
            assert "<form" not in page.text

    run(main())


def test_pages_out_of_order_and_other_methods_are_refused() -> None:
    async def main() -> None:
        async with browsing() as browser:
            base = httpx.URL(browser.venue.endpoints["authorize"])
            for path in ("/practice/login", "/practice/consent"):
                answer = await browser.http.post(
                    base.join(path), data={"visit": "made up", "answer": "allow"}
                )
                assert answer.status_code == 400
                assert (await browser.http.get(base.join(path))).status_code == 405
            assert (await browser.http.get(base.join("/elsewhere"))).status_code == 404
            page = await browser.open()
            visit = re.search(r'name="visit" value="([^"]+)"', page.text)
            assert visit is not None
            skipped = await browser.http.post(
                base.join("/practice/consent"),
                data={"visit": visit[1], "answer": "allow", "account": str(DEMO)},
            )
            assert skipped.status_code == 400

    run(main())


def test_refreshing_turns_accounts_away_until_the_new_token_is_shown() -> None:
    async def main() -> None:
        async with browsing() as browser:
            venue = browser.venue
            client = await venue.signed_in(DEMO, NETTED)
            old = venue.endpoints["refresh_token"]
            answer = await client.ask(2173, {2: old})
            assert answer.kind == 2174
            assert answer.body.num(4) == EXPIRES_IN_S
            (event,) = await client.wait_for(2147)
            assert sorted(event.body.ints(2)) == [DEMO, NETTED]
            assert event.body.text(3)
            gone = await client.wait_for(2164, 2)
            assert {one.body.num(2) for one in gone} == {DEMO, NETTED}
            assert refusal(await client.ask(2112, {2: DEMO})) == "INVALID_REQUEST"
            assert refusal(await client.ask(2173, {2: old})) == "CH_ACCESS_TOKEN_INVALID"
            stale = await client.ask(2102, {2: DEMO, 3: venue.endpoints["access_token"]})
            assert refusal(stale) == "CH_ACCESS_TOKEN_INVALID"
            fresh = answer.body.text(2)
            assert (await client.ask(2102, {2: DEMO, 3: fresh})).kind == 2103
            assert venue.host.endpoints()["ctrader"]["access_token"] == fresh
            replayed = await browser.token(grant_type="refresh_token", refresh_token=old)
            assert replayed["errorCode"] == "CH_ACCESS_TOKEN_INVALID"
            pair = await browser.token(grant_type="refresh_token", refresh_token=answer.body.text(5))
            assert pair["errorCode"] is None
            await client.wait_for(2147, 2)

    run(main())


def test_tokens_that_expire_or_are_taken_back_lead_to_their_own_refusals() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.fault("expire_token")
            await client.wait_for(2147)
            token = venue.endpoints["access_token"]
            assert refusal(await client.ask(2102, {2: DEMO, 3: token})) == "OA_AUTH_TOKEN_EXPIRED"
            answer = await client.ask(2173, {2: venue.endpoints["refresh_token"]})
            fresh = answer.body.text(2)
            assert (await client.ask(2102, {2: DEMO, 3: fresh})).kind == 2103
            await venue.fault("revoke_token")
            (_, event) = await client.wait_for(2147, 2)
            assert "revoked" in event.body.text(3)
            assert refusal(await client.ask(2102, {2: DEMO, 3: fresh})) == "CH_ACCESS_TOKEN_INVALID"
            dead = await client.ask(2173, {2: answer.body.text(5)})
            assert refusal(dead) == "CH_ACCESS_TOKEN_INVALID"

    run(main())


def test_a_grant_for_viewing_does_not_trade() -> None:
    async def main() -> None:
        async with browsing() as browser:
            found = await browser.allow([DEMO], scope="accounts")
            pair = await browser.token(
                grant_type="authorization_code", code=found["code"], redirect_uri=REDIRECT
            )
            client = await browser.venue.connect()
            await client.sign_in(browser.venue.endpoints, DEMO, token=pair["accessToken"])
            accounts = await client.ask(2149, {2: pair["accessToken"]})
            assert accounts.body.num(3) == 0
            order = await client.ask(2106, {2: DEMO, 3: 1, 4: 1, 5: 1, 6: 100_000})
            assert refusal(order) == "TRADING_NOT_ALLOWED"

    run(main())


def test_codes_and_tokens_have_their_time(tmp_path: Path) -> None:
    clock = ManualClock()
    store = Store(tmp_path)
    grants = Grants(store, clock, [DEMO])
    code = grants.give_code(REDIRECT, "trading", [DEMO])
    clock.advance(CODE_LIFE_S + 1)
    with pytest.raises(TokenRefused, match="expired"):
        grants.exchange(code, REDIRECT)
    grant = grants.exchange(grants.give_code(REDIRECT, "trading", [DEMO]), REDIRECT)
    told: list[str] = []
    grants.on_invalid.append(lambda token, reason: told.append(token))
    clock.advance(EXPIRES_IN_S + 1)
    grants.look()
    assert grant.access in told
    with pytest.raises(OpenApiError, match="OA_AUTH_TOKEN_EXPIRED"):
        grants.by_access(grant.access)
    refreshed = grants.refresh(grant.refresh)
    store.close()
    store = Store(tmp_path)
    again = Grants(store, clock, [DEMO])
    assert again.by_access(refreshed.access).accounts == [DEMO]
    assert again.client_secret == grants.client_secret
    # The first grant had expired: a practice venue begins signed in nevertheless.
    assert again.by_access(again.first.access).may_trade
    store.close()
