"""What can be made to go wrong at the practice cTrader, seen from a client."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest

from terminal.emulators.ctrader.kinds import CTRADER_IMMEDIATE, CTRADER_KINDS
from terminal.emulators.faults import FaultRefused, Faults
from terminal.emulators.host import PracticeHost
from tests.helpers import eventually, run
from tests.unit.emulators.ctrader.client import DEMO, NETTED, Client, World, refusal, world


async def _cannot_shake_hands(venue: World) -> Exception:
    with pytest.raises(OSError) as caught:
        await venue.connect()
    return caught.value


def test_wrong_certificates_and_old_tls_are_offered_to_order() -> None:
    async def main() -> None:
        async with world() as venue:
            await venue.fault("bad_certificate", what="self_signed", match="connect/ctrader/demo")
            error = await _cannot_shake_hands(venue)
            assert isinstance(error, ssl.SSLCertVerificationError)
            assert "self-signed" in str(error)
            await venue.fault("bad_certificate", what="wrong_host", match="connect/ctrader/demo")
            assert "Hostname mismatch" in str(await _cannot_shake_hands(venue))
            await venue.fault("bad_certificate", what="expired", match="connect/ctrader/demo")
            assert "expired" in str(await _cannot_shake_hands(venue))
            await venue.fault("old_tls")
            assert isinstance(await _cannot_shake_hands(venue), ssl.SSLError)
            await venue.signed_in()
            await venue.fault("bad_certificate", match="connect/ctrader/sign_in")
            async with httpx.AsyncClient(verify=venue.trust(), trust_env=False) as http:
                with pytest.raises(httpx.ConnectError, match="self-signed"):
                    await http.get(venue.endpoints["token"])
                assert (await http.get(venue.endpoints["token"])).status_code == 200

    run(main())


def test_a_door_may_be_shut_or_never_open() -> None:
    async def main() -> None:
        async with world() as venue:
            await venue.fault("refuse", match="connect/ctrader/demo")
            await _cannot_shake_hands(venue)
            await venue.fault("hang", match="connect/ctrader/demo")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await venue.connect()
            await venue.signed_in()

    run(main())


def test_open_connections_are_cut_or_half_open() -> None:
    async def main() -> None:
        async with world() as venue:
            cut, other = await venue.signed_in(), await venue.signed_in()
            assert (await venue.fault("cut", match="connect/ctrader/demo"))["struck"] == 2
            await eventually(lambda: cut.is_closed and other.is_closed)
            await eventually(lambda: not venue.face.sessions)
            dead = await venue.signed_in()
            assert (await venue.fault("half_open"))["struck"] >= 1
            place = len(dead.seen)
            dead.send(2104)
            healthy = await venue.signed_in()
            await healthy.ask(2104)
            assert len(dead.seen) == place
            assert not dead.is_closed

    run(main())


def test_frames_are_cut_short_split_and_dropped() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.fault("split", match="ctrader/ack/AssetListReq", interval_s=0.001, bytes=7)
            lost = client.send(2104)
            assert (await client.answer(lost)).kind == 2105
            split = await client.ask(2112, {2: DEMO})
            assert len(split.body.messages(3)) >= 8
            await venue.fault("drop", match="ctrader/ack/VersionReq")
            lost = client.send(2104)
            await client.ask(2104)
            assert not [one for one in client.seen if one.msg_id == lost]
            await venue.fault("truncate", match="ctrader/ack/AssetListReq")
            client.send(2112, {2: DEMO})
            await eventually(lambda: client.is_closed)
            assert client.unreadable

    run(main())


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "garbage"},
        {"kind": "bad_payload"},
        {"kind": "oversize", "bytes": 15_000_001, "whole": False},
    ],
)
def test_bytes_that_make_no_sense(fault: dict[str, object]) -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.control("fault", **{"match": "ctrader/ack/VersionReq", **fault})
            client.send(2104)
            await eventually(lambda: client.unreadable is not None or client.is_closed)
            assert client.unreadable is not None

    run(main())


def test_an_answer_may_come_late_alone_or_never() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.fault("delay", match="ctrader/ack/AssetListReq", delay_s=0.3)
            late, early = client.send(2112, {2: DEMO}), client.send(2104)
            await client.answer(late)
            order = [one.msg_id for one in client.seen]
            assert order.index(early) < order.index(late)
            requests = venue.face.requests
            await venue.fault("swallow_request", match="*/AssetListReq")
            swallowed = client.send(2112, {2: DEMO})
            await client.ask(2104)
            assert venue.face.requests == requests + 2
            await venue.fault("accept_lose_answer", match="*/SubscribeSpotsReq")
            unanswered = client.send(2127, {2: DEMO, 3: [1]})
            await client.wait_for(2131)
            assert not [one for one in client.seen if one.msg_id in (swallowed, unanswered)]
            await venue.fault("accept_lose_answer", match="*/SubscribeSpotsReq", close=True)
            client.send(2127, {2: DEMO, 3: [2]})
            await eventually(lambda: client.is_closed)

    run(main())


def test_requests_are_answered_with_the_errors_that_are_ordered() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.fault("blocked", match="*/VersionReq", count=3, retry_after=7)
            for _ in range(3):
                answer = await client.ask(2104)
                assert refusal(answer) == "BLOCKED_PAYLOAD_TYPE"
                assert answer.body.num(6) == 7
            assert (await client.ask(2104)).kind == 2105
            now_s = venue.face.quotes.now_ms() // 1000
            await venue.fault("maintenance", match="*/VersionReq", for_s=600)
            answer = await client.ask(2104)
            assert refusal(answer) == "SERVER_IS_UNDER_MAINTENANCE"
            assert abs(answer.body.num(5) - now_s - 600) < 100
            await venue.fault("maintenance", match="*/VersionReq", for_s=600, carrier="50")
            answer = await client.ask(2104)
            assert answer.kind == 50
            assert abs(answer.body.num(4) // 1000 - now_s - 600) < 100
            await venue.fault("error", match="*/VersionReq", error="CANT_ROUTE_REQUEST", description="why")
            answer = await client.ask(2104)
            assert refusal(answer) == "CANT_ROUTE_REQUEST"
            assert answer.body.text(4) == "why"
            await venue.fault("error", error="NOT_ENOUGH_MONEY")
            answer = await client.ask(2106, {2: DEMO, 3: 1, 4: 1, 5: 1, 6: 100_000})
            assert answer.kind == 2132
            assert answer.body.num(5) == DEMO

    run(main())


def test_the_server_sends_accounts_and_clients_away() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in(DEMO, NETTED)
            await venue.fault("account_disconnect", account=NETTED)
            (gone,) = await client.wait_for(2164)
            assert gone.body.num(2) == NETTED
            assert (await client.ask(2112, {2: DEMO})).kind == 2113
            assert refusal(await client.ask(2112, {2: NETTED})) == "INVALID_REQUEST"
            await venue.fault("client_disconnect", reason="Weekend restart")
            (event,) = await client.wait_for(2148)
            assert event.body.text(2) == "Weekend restart"
            await eventually(lambda: client.is_closed)

    run(main())


async def _trader(client: Client) -> str:
    return client.send(2121, {2: DEMO})


def test_messages_of_a_newer_or_broken_server() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            match = "ctrader/ack/TraderReq"
            await venue.fault("unknown_fields", match=match)
            newer = await client.answer(await _trader(client))
            assert newer.body.has(900)
            assert newer.body.message(3).has(23)
            assert newer.body.message(3).num(1) == DEMO
            await venue.fault("unknown_payload", match=match)
            known = await client.answer(await _trader(client))
            assert known.kind == 2122
            assert client.of_kind(2999)[0].msg_id is None
            await venue.fault("empty_payload", match=match)
            assert not (await client.answer(await _trader(client))).body.values
            await venue.fault("absent_payload", match=match)
            absent = await client.answer(await _trader(client))
            assert not absent.body.values
            assert b"\x12" not in absent.raw[:6]
            await venue.fault("unknown_enum", match="ctrader/ack/GetTrendbarsReq", field="period")
            bars = await client.ask(2137, {2: DEMO, 4: venue.face.quotes.now_ms(), 5: 1, 6: 1, 7: 2})
            assert bars.body.num(3) == 99
            await venue.fault("foreign_id", match="ctrader/data/AccountDisconnect", id="somebody-7")
            await venue.fault("account_disconnect")
            (event,) = await client.wait_for(2164)
            assert event.msg_id == "somebody-7"

    run(main())


def test_history_may_be_short_and_have_gaps_and_the_first_quote_one_side() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            now = venue.face.quotes.now_ms()
            asked = {2: DEMO, 4: now, 5: 1, 6: 1, 7: 200}
            await venue.fault("short_history", share=0.25)
            assert len((await client.ask(2137, asked)).body.messages(5)) == 50
            await venue.fault("bar_gaps")
            times = [bar.num(9) for bar in (await client.ask(2137, asked)).body.messages(5)]
            assert 100 < len(times) < 200
            await venue.fault("one_sided_first")
            await client.ask(2127, {2: DEMO, 3: [1]})
            first = (await client.wait_for(2131))[0]
            assert not first.body.has(5)

    run(main())


def test_symbols_change_open_and_close_and_everybody_is_told() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in(DEMO, NETTED)
            await venue.fault("symbol_change", symbol="GBPUSD", terms={"min_volume": 500_000})
            events = await client.wait_for(2120, 2)
            assert {one.body.num(2) for one in events} == {DEMO, NETTED}
            number = venue.symbol("GBPUSD")
            assert events[0].body.ints(3) == [number]
            full = (await client.ask(2116, {2: DEMO, 3: [number]})).body.messages(3)[0]
            assert full.num(10) == 500_000
            index = venue.symbol("US500")
            await venue.fault("open_market", symbol="US500")
            await client.ask(2127, {2: DEMO, 3: [index]})
            await client.wait_for(2131, 4, lambda body: body.num(3) == index)
            await venue.control("clear")
            full = (await client.ask(2116, {2: DEMO, 3: [number]})).body.messages(3)[0]
            assert full.num(10) == 100_000
            with pytest.raises(AssertionError, match="no such symbol"):
                await venue.fault("close_market", symbol="NOTHING")
            with pytest.raises(AssertionError, match="cannot be changed"):
                await venue.fault("symbol_change", symbol="GBPUSD", terms={"digits": 3})
            with pytest.raises(AssertionError, match="error"):
                await venue.fault("symbol_change", symbol="GBPUSD", terms={"min_volume": "many"})
            assert venue.face.table.spec(number).min_volume == 100_000

    run(main())


def test_a_quiet_venue_still_answers() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await client.ask(2127, {2: DEMO, 3: [1]})
            await client.wait_for(2131, 2)
            await venue.fault("silence", seconds=60)
            await client.ask(2104)
            place = len(client.seen)
            events = venue.face.quotes.events
            await eventually(lambda: venue.face.quotes.events > events + 10)
            assert (await client.ask(2104)).kind == 2105
            assert {one.kind for one in client.seen[place:]} == {2105}

    run(main())


def test_control_moves_prices_and_tells_what_is_going_on() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            number = venue.symbol("EURUSD")
            await client.ask(2127, {2: DEMO, 3: [number]})
            first = (await client.wait_for(2131))[0].body.num(4)
            await venue.control("shock", symbol="EUR/USD", percent=-3)
            await client.wait_for(2131, 1, lambda body: body.has(4) and body.num(4) < first * 0.98)
            stats = await venue.control("stats")
            assert stats["connections"] == 1
            assert stats["accounts"] == [DEMO]
            assert stats["subscriptions"] == stats["watched"] == 1
            assert (await venue.control("rate", rate=3))["rate"] == 3
            await venue.control("forgive")
            with pytest.raises(AssertionError, match="no such symbol"):
                await venue.control("shock", symbol="NOPE", percent=1)

    run(main())


def test_faults_of_one_venue_leave_the_other_alone() -> None:
    async def main() -> None:
        host = PracticeHost(venues=("kraken", "ctrader"), seed=3)
        await host.start(live=False)
        venue = World(host)
        try:
            await venue.fault("silence", seconds=60)
            assert venue.face.faults.active
            assert not host.faults.active
            mid = host.market.latents.pair_price("EUR", "USD", host.clock.wall_ns())
            bid = float(venue.face.quotes.bid(venue.symbol("EURUSD")))
            best, ask = host.market.engines["EUR/USD"].book(1)
            assert abs(bid / mid - 1) < 0.0005
            assert abs(float(best[0].price) / bid - 1) < 0.001
            assert ask
        finally:
            await host.stop()

    run(main())


def test_bytes_may_drip_and_what_comes_after_waits() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.fault("slow_drip", match="ctrader/ack/TraderReq", interval_s=0.0005)
            slow, next_one = client.send(2121, {2: DEMO}), client.send(2104)
            assert (await client.answer(slow)).kind == 2122
            await client.answer(next_one)
            order = [one.msg_id for one in client.seen]
            assert order.index(slow) < order.index(next_one)

    run(main())


def test_the_token_endpoint_may_answer_with_anything_but_tokens() -> None:
    async def main() -> None:
        async with (
            world() as venue,
            httpx.AsyncClient(verify=venue.trust(), trust_env=False) as http,
        ):
            query = {
                "grant_type": "refresh_token",
                "refresh_token": venue.endpoints["refresh_token"],
                "client_id": venue.endpoints["client_id"],
                "client_secret": venue.endpoints["client_secret"],
            }
            token = venue.endpoints["token"]
            await venue.fault("http_5xx_html", match="sign_in/token", status=503)
            assert (await http.get(token, params=query)).status_code == 503
            await venue.fault("http_429", match="sign_in/token", retry_after=5)
            refused = await http.get(token, params=query)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            await venue.fault("html_200", match="sign_in/token")
            assert "<html" in (await http.get(token, params=query)).text
            await venue.fault("error", match="sign_in/token", error="CH_SERVER_NOT_REACHABLE")
            assert (await http.get(token, params=query)).json()["errorCode"] == "CH_SERVER_NOT_REACHABLE"
            assert (await http.get(token, params=query)).json()["errorCode"] is None

    run(main())


def test_every_kind_has_its_test_and_unknown_ones_are_refused() -> None:
    assert set(CTRADER_KINDS) >= CTRADER_IMMEDIATE
    tests = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert [kind for kind in CTRADER_KINDS if f'"{kind}"' not in tests] == []
    faults = Faults(kinds=CTRADER_KINDS, immediate=CTRADER_IMMEDIATE)
    with pytest.raises(FaultRefused, match="unknown kind"):
        faults.order({"kind": "wrong_checksum"})
    with pytest.raises(FaultRefused, match="unknown kind"):
        Faults().order({"kind": "revoke_token"})
