"""What is refused: browsers, strangers, guessers, floods and nonsense. None of it reaches the order path."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from terminal.bridge.bots import BotMode, NewKeys
from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.transport.http_server import ServerLimits
from tests.helpers import eventually, run
from tests.unit.bridge.bridge_desk import BridgeDesk, open_bridge, read_answer

D = Decimal
BUY: dict[str, Any] = {"symbol": "BTC_USD", "type": "buy", "amount": "0.01", "price": "59000"}
WRONG = NewKeys(Secret("a" * 64), Secret("b" * 64))
fault = pytest.mark.fault(40)


def nothing_left(desk: BridgeDesk) -> bool:
    return not desk.venue.orders and not desk.gate.orders


@fault
def test_heads_of_browsers_and_strangers_are_refused_before_the_body(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            body = desk.body("trade", **BUY)
            cases: list[tuple[str, dict[str, str], int]] = [
                ("POST", {"Origin": "http://evil.example"}, 403),
                ("POST", {"Origin": "null", "Content-Type": "text/plain"}, 403),
                ("POST", {"Referer": "http://127.0.0.1/"}, 403),
                ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
                ("POST", {"Sec-Fetch-Anything": "x"}, 403),
                ("OPTIONS", {}, 403),
                ("POST", {"Host": "evil.example"}, 421),
                ("POST", {"Host": f"evil.example:{desk.bridge.port}"}, 421),
                ("POST", {"Host": "127.0.0.1:1"}, 421),
                ("PUT", {}, 405),
                ("GET", {"Sec-Fetch-Mode": "no-cors"}, 403),
            ]
            for verb, headers, status in cases:
                got, answer = await desk.http(verb, "/FAKE", body, headers)
                assert (got, set(answer)) == (status, {"error"}), (verb, headers, answer)
            assert await desk.http("GET", "/FAKE") == (200, {"error": "not support GET method."})
            assert nothing_left(desk)

    run(main())


@fault
def test_bodies_that_are_no_calls(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            good = json.loads(desk.body("ticker", symbol="BTC_USD"))
            for body, text in (
                (b"not json", "not json"),
                (b"", "not json"),
                (b"\xff\xfe{}", "not json"),
                (b'{"access_key": NaN}', "not json"),
                (b"[]", "one JSON object"),
                (b'{"access_key":"a"}', "missing required parameters"),
                (b"[" * 60_000, "nested"),
                (b'{"a":' * 9_000, "nested"),
                (json.dumps({**good, "params": [1]}).encode(), "params must be an object"),
                (json.dumps({**good, "access_key": 5}).encode(), "access_key must be a text"),
                (json.dumps({**good, "method": None}).encode(), "method must be a text"),
                (json.dumps({**good, "nonce": "x"}).encode(), "nonce must be a whole number"),
                (json.dumps({**good, "method": "withdraw"}).encode(), "invalid method: withdraw"),
                (json.dumps({**good, "method": "__class__"}).encode(), "invalid method"),
            ):
                answer = await desk.post(body)
                assert set(answer) == {"error"}
                assert text in answer["error"], answer
            for path in ("/OTHER", "/", "/../etc/passwd", "/fake", "/FAKE/ticker", "/%00"):
                assert "unknown venue" in await desk.error("ticker", path, symbol="BTC_USD")

    run(main())


@fault
def test_numbers_that_are_none(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            values: tuple[object, ...] = (
                None,
                "",
                "x",
                "NaN",
                "Infinity",
                "1e30",
                10**30,
                "1e999999999",
                "-1e30",
                [],
                {},
                True,
            )
            for value in (*values, "0x10", "1." + "0" * 40, "1e-30"):
                for key in ("amount", "price"):
                    text = await desk.error("trade", **{**BUY, key: value})
                    assert text.startswith((key, f"missing parameter: {key}")), (value, text)
            assert nothing_left(desk)

    run(main())


@fault
def test_trades_that_make_no_sense(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            for change, text in (
                ({"amount": "0"}, "above 0"),
                ({"amount": "-1"}, "above 0"),
                ({"amount": "1e-12"}, "multiple"),
                ({"symbol": "USDT"}, "invalid symbol"),
                ({"symbol": "BTC_"}, "invalid symbol"),
                ({"symbol": "_USD"}, "invalid symbol"),
                ({"symbol": "BTC_.swap"}, "invalid symbol"),
                ({"symbol": 7}, "symbol must be a text"),
                ({"symbol": "XXX_USD"}, "unknown symbol"),
                ({"type": "hold"}, "type must be buy or sell"),
                ({"type": 'buy;{"leverage":5}'}, "only option"),
                ({"type": "buy;x"}, "must be JSON"),
                ({"type": "closebuy"}, "no positions"),
            ):
                assert text in await desk.error("trade", **{**BUY, **change}), change
            for missing in BUY:
                rest = {key: value for key, value in BUY.items() if key != missing}
                assert missing in await desk.error("trade", **rest)
            assert "invalid symbol" in await desk.error("ticker", symbol="USDT")
            assert "symbol" in await desk.error("depth")
            assert "invalid period" in await desk.error("records", symbol="BTC_USD", period="7")
            assert "unknown order" in await desk.error("order", symbol="BTC_USD", id="BTC-USD,1")
            assert nothing_left(desk)

    run(main())


@fault
def test_wrong_keys_lock_the_bridge_for_a_while(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            half = NewKeys(desk.keys.access_key, WRONG.secret_key)
            for keys in (WRONG, half, WRONG, half, WRONG):
                assert "wrong access key" in await desk.error("trade", keys=keys, **BUY)
            assert "locked" in await desk.error("accounts", keys=WRONG)
            assert "locked" in await desk.error("accounts")
            assert any("wrong keys" in notice.text for notice in desk.notices)
            assert desk.bridge.locked_s > 20
            assert nothing_left(desk)

    run(main())


@fault
def test_a_revoked_key_a_reader_and_a_foreign_venue(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            _, reader = desk.bridge.bots.make("reader")
            _, elsewhere = desk.bridge.bots.make("elsewhere", mode=BotMode.TRADING, venues=["kraken"])
            assert "may only read" in await desk.error("trade", keys=reader, **BUY)
            assert "may only read" in await desk.error("cancel", keys=reader, symbol="BTC_USD", id="x,1")
            assert "data" in await desk.call("accounts", keys=reader)
            assert "may not use" in await desk.error("accounts", keys=elsewhere)
            desk.bridge.bots.revoke("reader")
            assert "revoked" in await desk.error("accounts", keys=reader)
            assert nothing_left(desk)

    run(main())


@fault
def test_a_replayed_call_and_nonces_of_another_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            body = desk.body("trade", **BUY)
            assert "data" in await desk.post(body)
            assert "nonce must be above" in (await desk.post(body))["error"]
            now = time.time_ns()
            for nonce in (0, now - 61 * 10**9, now + 61 * 10**9, now // 1000, 10**30):
                answer = await desk.post(desk.body("trade", nonce=nonce, **BUY))
                assert "60 s away" in answer["error"]
            call = json.loads(desk.body("trade", **BUY))
            del call["nonce"]
            assert "nonce is missing" in (await desk.post(json.dumps(call).encode()))["error"]
            assert len(desk.venue.orders) == 1

    run(main())


@fault
def test_large_slow_and_broken_requests(tmp_path: Path) -> None:
    async def main() -> None:
        limits = ServerLimits(head_s=0.3, body_s=0.3)
        async with open_bridge(tmp_path, limits=limits) as desk:
            host = f"Host: 127.0.0.1:{desk.bridge.port}\r\n".encode()
            post = b"POST /FAKE HTTP/1.1\r\n" + host
            for data, status in (
                (post + b"Content-Length: 10485760\r\n\r\n" + b"x" * 10_485_760, 413),
                (post + b"Content-Length: -5\r\n\r\n", 400),
                (post + b"Content-Length: 99999999999999\r\n\r\n", 400),
                (post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
                (post + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
                (b"\x16\x03\x01 hello\r\n\r\n", 400),
                (b"POST FAKE\r\n\r\n", 400),
                (post + b"X-Long: " + b"y" * 20_000 + b"\r\n\r\n", 431),
                (post + b"X-Slow", 408),
                (post + b"Content-Length: 50\r\n\r\n{", 408),
                (b"", 408),
            ):
                got, answer = await desk.bytes_of(data)
                assert (got, set(answer)) == (status, {"error"}), (data[:80], answer)
            assert "data" in await desk.call("accounts")

    run(main())


@fault
def test_a_client_that_sends_a_byte_at_a_time_is_given_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, limits=ServerLimits(head_s=0.2, body_s=0.2)) as desk:
            head = f"POST /FAKE HTTP/1.1\r\nHost: 127.0.0.1:{desk.bridge.port}\r\n".encode()
            for whole, slow in ((b"", head), (head + b"Content-Length: 500\r\n\r\n", b"{" * 500)):
                reader, writer = await asyncio.open_connection("127.0.0.1", desk.bridge.port)
                writer.write(whole)
                answer = tasks.spawn(read_answer(reader), name="the answer")
                for byte in slow:
                    if answer.done():
                        break
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.01)
                assert (await answer)[0] == 408
                writer.transport.abort()

    run(main())


@fault
def test_five_hundred_connections_at_once_leave_room_for_a_call(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, limits=ServerLimits(connections=8)) as desk:
            opened = await asyncio.gather(
                *(asyncio.open_connection("127.0.0.1", desk.bridge.port) for _ in range(500))
            )
            assert "data" in await desk.call("accounts")
            assert desk.bridge.connections <= 8
            for reader, _ in opened[:400]:
                status, answer = await read_answer(reader)
                assert (status, answer) == (503, {"error": "too many connections"})
            for _, writer in opened:
                writer.transport.abort()
            await eventually(lambda: desk.bridge.connections == 0)

    run(main(), timeout_s=60)


def test_a_connection_is_kept_and_two_calls_can_be_in_it_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            reader, writer = await asyncio.open_connection("127.0.0.1", desk.bridge.port)
            for _ in range(2):
                for method in ("accounts", "assets"):
                    body = desk.body(method)
                    head = f"POST /FAKE HTTP/1.1\r\nHost: localhost:{desk.bridge.port}\r\n"
                    writer.write(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            for _ in range(4):
                status, answer = await read_answer(reader)
                assert (status, set(answer)) == (200, {"data"})
            writer.close()

    run(main())


def test_keys_are_in_no_file_and_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        with caplog.at_level(logging.DEBUG):
            async with open_bridge(tmp_path) as desk:
                await desk.call("trade", **BUY)
                await desk.http("POST", "/FAKE", desk.body("trade", **BUY), {"Origin": "x"})
                told = caplog.text + repr(list(desk.bridge.calls.records))
                secrets = [desk.keys.access_key.reveal(), desk.keys.secret_key.reveal()]
                assert len(secrets[0]) == 64
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        for secret in secrets:
            assert secret not in told
            assert secret.encode() not in kept
        assert (tmp_path / "bots.json").stat().st_mode & 0o077 == 0

    run(main())


def test_fractions_stand_in_the_list_of_calls_as_they_were_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            for amount in ("0.0015", "1e-7", "1e999999"):
                text = desk.body("trade", **{**BUY, "amount": "AMOUNT"}).decode()
                await desk.post(text.replace('"AMOUNT"', amount).encode())
            told = [each.told for each in desk.bridge.calls.records if each.method == "trade"]
            assert told == [
                "BTC_USD buy 0.0015 59000", "BTC_USD buy 0.0000001 59000", "BTC_USD buy 1E+999999 59000",
            ]  # fmt: skip

    run(main())


def test_the_list_of_calls_says_who_what_and_why(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            await desk.call("ticker", symbol="BTC_USD")
            await desk.error("trade", **{**BUY, "amount": "0"})
            await desk.http("POST", "/FAKE", b"x", {"Origin": "http://evil.example"})
            made, first, second, third = desk.bridge.calls.records
            assert made.by_hand
            assert (made.bot, made.method, made.told) == ("grid", "made", "trading, venues: all")
            assert (first.bot, first.venue, first.method, first.told) == ("grid", "FAKE", "ticker", "BTC_USD")
            assert not first.is_refused
            assert first.took_ms > 0
            assert second.told == "BTC_USD buy 0 59000"
            assert "above 0" in second.error
            assert (third.bot, third.method) == ("", "POST")
            assert (desk.bridge.calls.count, desk.bridge.calls.refused) == (3, 2)

    run(main())
