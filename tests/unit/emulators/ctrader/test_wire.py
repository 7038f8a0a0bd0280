"""The practice cTrader from outside: frames over TLS, sign-in of application and accounts, limits, errors."""

from __future__ import annotations

import asyncio
import ssl
import struct
from pathlib import Path

import pytest

from tests.helpers import eventually, run
from tests.unit.emulators.ctrader.client import DEMO, LIVE, NETTED, encode, frame, refusal, world


def test_the_vectors_of_the_description_are_understood_byte_for_byte() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.connect()
            client.writer.write(bytes.fromhex("0000000408331200"))  # a heartbeat
            # 2100 with client id abc and secret xyz, id "1"
            client.writer.write(bytes.fromhex("0000001208b410120a12036162631a0378797a1a0131"))
            assert refusal(await client.answer("1")) == "CH_CLIENT_AUTH_FAILURE"
            await client.sign_in(venue.endpoints)
            # 2102 with token "tok", account 1000001, id "2": refused with 2142 in the very bytes described
            client.writer.write(bytes.fromhex("0000001108b610120910c1843d1a03746f6b1a0132"))
            answer = await client.answer("2")
            assert refusal(answer) == "CH_ACCESS_TOKEN_INVALID"
            assert answer.body.num(2) == 1000001

    run(main())


def test_an_application_and_its_accounts_sign_in_in_their_order() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.connect()
            token = venue.endpoints["access_token"]
            assert refusal(await client.ask(2149, {2: token})) == "CH_CLIENT_NOT_AUTHENTICATED"
            await client.sign_in(venue.endpoints)
            again = await client.ask(2100, {2: "x", 3: "y"})
            assert refusal(again) == "CH_CLIENT_ALREADY_AUTHENTICATED"
            accounts = await client.ask(2149, {2: token})
            assert accounts.kind == 2150
            assert accounts.body.num(3) == 1
            rows = {row.num(1): row for row in accounts.body.messages(4)}
            assert set(rows) == {DEMO, NETTED, LIVE}
            assert [rows[one].num(2) for one in (DEMO, NETTED, LIVE)] == [0, 0, 1]
            assert rows[DEMO].num(3) != DEMO
            unauthorised = await client.ask(2112, {2: DEMO})
            assert refusal(unauthorised) == "INVALID_REQUEST"
            assert unauthorised.body.text(4) == "Trading account is not authorized"
            assert refusal(await client.ask(2102, {2: DEMO, 3: "nonsense"})) == "CH_ACCESS_TOKEN_INVALID"
            assert refusal(await client.ask(2102, {2: 1, 3: token})) == "CH_CTID_TRADER_ACCOUNT_NOT_FOUND"
            assert refusal(await client.ask(2102, {2: LIVE, 3: token})) == "CANT_ROUTE_REQUEST"
            assert (await client.ask(2102, {2: DEMO, 3: token})).kind == 2103
            assert refusal(await client.ask(2102, {2: DEMO, 3: token})) == "ALREADY_LOGGED_IN"
            assert (await client.ask(2112, {2: DEMO})).kind == 2113
            live = await venue.connect("live")
            await live.sign_in(venue.endpoints, LIVE)
            profile = await client.ask(2151, {2: token})
            assert profile.body.message(2).num(1) > 0
            assert (await client.ask(2104)).body.text(2)

    run(main())


def test_a_logout_is_answered_and_then_completed_by_its_event() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in(DEMO, NETTED)
            await client.ask(2127, {2: DEMO, 3: [1]})
            answer = await client.ask(2162, {2: DEMO})
            assert answer.kind == 2163
            (event,) = await client.wait_for(2164)
            assert event.body.num(2) == DEMO
            assert client.seen.index(event) > client.seen.index(answer)
            assert refusal(await client.ask(2112, {2: DEMO})) == "INVALID_REQUEST"
            assert (await client.ask(2112, {2: NETTED})).kind == 2113
            assert venue.face.streams.count == 0

    run(main())


def test_frames_may_come_in_pieces_and_together_and_payloads_may_be_absent() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.connect()
            hello = frame(
                2100, encode({2: venue.endpoints["client_id"], 3: venue.endpoints["client_secret"]}), "a"
            )
            for byte in hello:
                client.writer.write(bytes([byte]))
                await client.writer.drain()
            assert (await client.answer("a")).kind == 2101
            client.writer.write(frame(2104, None, "b") + frame(51, b"") + frame(2104, b"", "c"))
            assert (await client.answer("b")).kind == 2105
            assert (await client.answer("c")).kind == 2105

    run(main())


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (struct.pack(">I", 9) + b"\xff" * 9, "INVALID_REQUEST"),
        (struct.pack(">I", 0), "INVALID_REQUEST"),
        (struct.pack(">I", 15_000_001), "FRAME_TOO_LONG"),
        (frame(2149, b"\x12\x7f", "x"), "INVALID_REQUEST"),
    ],
)
def test_what_cannot_be_read_is_said_and_ends_the_connection(sent: bytes, code: str) -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.connect()
            client.writer.write(sent)
            (answer,) = await client.wait_for(50)
            assert refusal(answer) == code
            await eventually(lambda: client.is_closed)

    run(main())


def test_unknown_types_and_missing_fields_are_refused_and_the_connection_stays() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            unknown = await client.ask(2999, {2: 1})
            assert unknown.kind == 50
            assert refusal(unknown) == "UNSUPPORTED_MESSAGE"
            assert refusal(await client.ask(2101)) == "UNSUPPORTED_MESSAGE"
            missing = await client.ask(2127, {3: [1]})
            assert refusal(missing) == "INVALID_REQUEST"
            assert "ctidTraderAccountId" in missing.body.text(4)
            assert (await client.ask(2127, {2: DEMO, 3: [1], 77: "newer field"})).kind == 2128

    run(main())


def test_too_many_requests_are_blocked_for_as_long_as_is_said() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            venue.face.forgive()
            ids = [client.send(2104) for _ in range(60)]
            answers = [await client.answer(one) for one in ids]
            blocked = [one for one in answers if one.kind == 2142]
            assert 1 <= len(blocked) <= 10 + 1
            assert all(refusal(one) == "BLOCKED_PAYLOAD_TYPE" for one in blocked)
            assert all(one.body.num(6) == 1 for one in blocked)
            assert answers[0].kind == 2105
            # Another kind of request is not blocked with it, once the window has moved on.
            venue.face.forgive()
            now = venue.face.quotes.now_ms()
            bars = [client.send(2137, {2: DEMO, 4: now, 5: 1, 6: 1, 7: 5}) for _ in range(8)]
            kinds = [(await client.answer(one)).kind for one in bars]
            assert kinds.count(2138) == 5
            assert kinds.count(2142) == 3
            assert (await client.ask(2104)).kind == 2105

    run(main())


def test_a_quiet_server_sends_heartbeats_and_a_silent_client_is_dropped() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.control("limits", heartbeat_s=0.2)
            (beat,) = (await client.wait_for(51))[:1]
            assert beat.msg_id is None
            await venue.control("limits", silence_s=0.5, heartbeat_s=60)
            await eventually(lambda: client.is_closed)

    run(main())


def test_only_who_trusts_the_practice_authority_gets_in_and_it_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(data_dir=tmp_path) as venue:
            port = int(venue.endpoints["demo"].rpartition(":")[2])
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.open_connection("localhost", port, ssl=ssl.create_default_context())
            for host in ("localhost", "127.0.0.1"):
                client = await venue.connect(host=host)
                await client.sign_in(venue.endpoints)
            first = Path(venue.endpoints["ca"]).read_bytes()
            kept = {key: venue.endpoints[key] for key in ("client_id", "client_secret", "access_token")}
        async with world(data_dir=tmp_path) as venue:
            assert Path(venue.endpoints["ca"]).read_bytes() == first
            assert {key: venue.endpoints[key] for key in kept} == kept
            client = await venue.connect()
            await client.sign_in(venue.endpoints, DEMO)

    run(main())


def test_the_reference_data_of_an_account_fits_together() -> None:
    async def main() -> None:
        async with world(many_symbols=3000) as venue:
            client = await venue.signed_in()
            assets = {one.num(1): one.text(2) for one in (await client.ask(2112, {2: DEMO})).body.messages(3)}
            classes = {one.num(1) for one in (await client.ask(2153, {2: DEMO})).body.messages(3)}
            groups = (await client.ask(2160, {2: DEMO})).body.messages(3)
            assert {one.num(2) for one in groups} <= classes
            light = (await client.ask(2114, {2: DEMO})).body
            rows = {one.text(2): one for one in light.messages(3)}
            assert len(rows) >= 3020
            assert not light.has(4)
            assert all(row.num(6) in {one.num(1) for one in groups} for row in rows.values())
            assert (await client.ask(2114, {2: DEMO, 3: True})).body.has(4)
            euro = rows["EURUSD"]
            assert (assets[euro.num(4)], assets[euro.num(5)]) == ("EUR", "USD")
            assert "practice: open at weekends" in euro.text(7)
            full = (await client.ask(2116, {2: DEMO, 3: [euro.num(1), 987654321]})).body.messages(3)
            assert len(full) == 1
            symbol = full[0]
            assert (symbol.num(2), symbol.num(3)) == (5, 4)
            assert symbol.num(30) == 10_000_000
            assert (symbol.num(10), symbol.num(11)) == (100_000, 100_000)
            assert [(one.num(3), one.num(4)) for one in symbol.messages(13)] == [(0, 604_800)]
            us500 = rows["US500"].num(1)
            index = (await client.ask(2116, {2: DEMO, 3: [us500]})).body.messages(3)[0]
            assert index.text(26) == "America/New_York"
            assert len(index.messages(13)) == 5
            assert index.messages(33)
            ids = {name: number for number, name in assets.items()}
            chain = await client.ask(2118, {2: DEMO, 3: ids["JPY"], 4: ids["EUR"]})
            assert [one.text(2) for one in chain.body.messages(3)] == ["EURJPY"]

    run(main())
