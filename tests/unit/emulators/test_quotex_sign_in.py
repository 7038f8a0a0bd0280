"""The practice Quotex's web pages and REST calls over real TLS."""

from __future__ import annotations

import re
import ssl

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.helpers import run
from tests.quotex_client import Browser, Socket, trust
from tests.unit.emulators.quotex_kit import venue

BAD_LOGIN = re.compile(r'<div id="tab-1"><form.*?</div>\s*<div>.*?<div>(.*?)</div>', re.DOTALL)


def test_password_leads_to_the_page_with_the_token_that_opens_a_socket() -> None:
    async def main() -> None:
        async with venue() as quotex, Browser(quotex.entry) as browser:
            page = await browser.post(await browser.form())
            assert "trade" in str(page.url)
            assert [one.status_code for one in page.history] == [302]
            session = await browser.session()
            socket = await Socket.signed_in(quotex.entry, session)
            assert socket.balance == {"liveBalance": 250, "demoBalance": 10_000}
            await socket.close()

    run(main())


def test_wrong_password_says_so_where_clients_look_for_it() -> None:
    async def main() -> None:
        async with venue() as quotex, Browser(quotex.entry) as browser:
            form = await browser.form(password="not the one")
            page = await browser.post(form)
            assert "trade" not in str(page.url)
            found = BAD_LOGIN.search(page.text)
            assert found is not None
            assert "Invalid credentials" in found.group(1)
            # The same cookie may try again.
            page = await browser.post({**form, "password": quotex.entry["password"]})
            assert "trade" in str(page.url)

    run(main())


def test_a_form_without_its_cookie_or_csrf_token_is_refused() -> None:
    async def main() -> None:
        async with venue() as quotex, Browser(quotex.entry) as browser, Browser(quotex.entry) as other:
            form = await browser.form()
            assert (await other.post(form)).status_code == 419
            assert (await browser.post({**form, "_token": "none"})).status_code == 419

    run(main())


def test_pin_is_asked_for_and_three_wrong_ones_end_the_attempt() -> None:
    async def main() -> None:
        async with venue() as quotex, Browser(quotex.entry) as browser:
            second = quotex.entry["users"][1]
            assert second["asks_pin"]
            form = await browser.form(second["email"], second["password"])
            page = await browser.post(form)
            assert '<input type="hidden" name="keep_code"' in page.text
            assert re.search(r'<main class="auth__body"><p>[^<]*PIN', page.text)
            for _ in range(2):
                page = await browser.post_pin(form, "000000")
                assert "keep_code" in page.text
                assert "wrong" in page.text
            page = await browser.post_pin(form, "000000")
            assert "keep_code" not in page.text
            found = BAD_LOGIN.search(page.text)
            assert found is not None
            assert "Too many" in found.group(1)
            # The right code comes too late: the password has to be given again.
            assert "keep_code" in (await browser.post_pin(form, second["pin"])).text
            page = await browser.post_pin(form, second["pin"])
            assert "trade" in str(page.url)

    run(main())


def test_pin_on_demand() -> None:
    async def main() -> None:
        async with venue() as quotex, Browser(quotex.entry) as browser:
            quotex.fault("pin")
            form = await browser.form()
            assert "keep_code" in (await browser.post(form)).text
            page = await browser.post_pin(form, quotex.entry["pin"])
            assert "trade" in str(page.url)

    run(main())


def test_region_page_challenge_and_429_on_demand() -> None:
    async def main() -> None:
        async with venue() as quotex, Browser(quotex.entry) as browser:
            quotex.fault("not_available")
            page = await browser.post(await browser.form())
            assert re.search(
                r'id="tab-1"><div>.*<div class="modal-sign__not-avalible__title">', page.text, re.S
            )
            for status in (403, 429, 503):
                quotex.fault("challenge", status=status)
                answer = await browser.http.get(f"{browser.base}/sign-in/modal/")
                assert answer.status_code == status
                assert "Checking your browser" in answer.text
            quotex.fault("challenge", match="connect/ws*")
            with pytest.raises(InvalidStatus) as refusal:
                await Socket.open(quotex.entry)
            assert refusal.value.response.status_code == 403

    run(main())


def test_a_token_with_a_semicolon_survives_proper_reading() -> None:
    async def main() -> None:
        async with venue() as quotex, Browser(quotex.entry) as browser:
            quotex.fault("odd_token")
            await browser.post(await browser.form())
            session = await browser.session()
            assert ";" in session["token"]
            await (await Socket.signed_in(quotex.entry, session)).close()

    run(main())


def test_rest_calls_tell_profile_and_history_and_take_the_time_offset() -> None:
    async def main() -> None:
        async with venue() as quotex:
            headers = {"cookie": quotex.entry["cookies"], "user-agent": quotex.entry["user_agent"]}
            api = f"{quotex.entry['https']}/api/v1"
            async with httpx.AsyncClient(verify=trust(quotex.entry), headers=headers) as http:
                digest = (await http.get(f"{api}/cabinets/digest")).json()["data"]
                assert digest["id"] == quotex.entry["uid"]
                assert (digest["currencyCode"], digest["timeOffset"]) == ("USD", 0)
                answer = await http.post(f"{api}/user/profile/time_offset", json={"time_offset": -10800})
                assert answer.status_code == 200
                digest = (await http.get(f"{api}/cabinets/digest")).json()["data"]
                assert digest["timeOffset"] == -10800
                bad = await http.post(f"{api}/user/profile/time_offset", json={"time_offset": "soon"})
                assert bad.status_code == 422
                history = await http.get(f"{api}/cabinets/trades/history/type/1", params={"page": "1"})
                assert history.json() == {"data": []}
                stranger = await http.get(f"{api}/cabinets/digest", headers={"cookie": "lang=en"})
                assert stranger.status_code == 401
                robot = await http.get(f"{api}/cabinets/digest", headers={"user-agent": "robot"})
                assert robot.status_code == 403

    run(main())


def test_a_client_may_name_its_own_program_beside_the_sessions_browser() -> None:
    async def main() -> None:
        async with venue() as quotex:
            agent, cookies = quotex.entry["user_agent"], quotex.entry["cookies"]
            url = f"{quotex.entry['https']}/api/v1/cabinets/digest"
            async with httpx.AsyncClient(verify=trust(quotex.entry)) as http:
                for agents, status in (
                    ((agent, "program/1"), 200),
                    (("program/1", agent), 200),
                    ((agent, agent), 200),
                    (("program/1", "program/2"), 403),
                    ((f"{agent}x", "program/1"), 403),
                ):
                    headers = [("cookie", cookies), *(("user-agent", each) for each in agents)]
                    assert (await http.get(url, headers=headers)).status_code == status, agents

    run(main())


def test_logout_voids_the_token() -> None:
    async def main() -> None:
        async with venue() as quotex, Browser(quotex.entry) as browser:
            await browser.post(await browser.form())
            session = await browser.session()
            socket = await Socket.signed_in(quotex.entry, session)
            await browser.http.get(f"{browser.base}/logout")
            await socket.wait("authorization/reject")
            again = await Socket.open(quotex.entry, session)
            await again.authorise(session["token"])
            await again.wait("authorization/reject")
            await socket.close()
            await again.close()

    run(main())


def test_tls_is_1_3_and_the_rehearsal_offers_less() -> None:
    async def main() -> None:
        async with venue() as quotex:
            old = trust(quotex.entry, ssl.TLSVersion.TLSv1_2)
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            page = f"{quotex.entry['https']}/en/sign-in/modal/"

            async def status(context: ssl.SSLContext) -> int:
                async with httpx.AsyncClient(verify=context) as http:
                    return (await http.get(page)).status_code

            with pytest.raises(httpx.ConnectError):
                await status(old)
            quotex.fault("old_tls")
            assert await status(old) == 200
            with pytest.raises(httpx.ConnectError):
                await status(trust(quotex.entry))
            quotex.face.restore()
            assert await status(trust(quotex.entry)) == 200

    run(main())
