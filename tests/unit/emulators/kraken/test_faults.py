"""Every kind of fault does to a client what it says, and no more."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from terminal.emulators.faults import KINDS
from tests.helpers import eventually, run
from tests.unit.emulators.kraken.client import BookCopy, Venue, Ws, venue

ORDER: dict[str, Any] = {
    "pair": "XBTUSD",
    "type": "buy",
    "ordertype": "limit",
    "price": "1000",
    "volume": "0.001",
}
WS_ORDER: dict[str, Any] = {
    "order_type": "limit",
    "side": "buy",
    "symbol": "BTC/USD",
    "order_qty": 0.001,
    "limit_price": 1000,
}
PROVEN: set[str] = set()
T = TypeVar("T")


def fault(kind: str) -> Callable[[T], T]:
    """Marks the test of a kind, so that none is forgotten."""
    PROVEN.add(kind)
    return lambda test: test


async def _book(ws: Ws, depth: int = 10) -> BookCopy:
    copy = BookCopy("BTC/USD", depth)
    await ws.ask("subscribe", channel="book", symbol=["BTC/USD"], depth=depth)
    copy.apply(await ws.data("book", "snapshot"))
    return copy


async def _nudge(one: Venue, volume: str = "0.01") -> None:
    """Change the best bid's quantity, so that a book message is due."""
    bid, _ = one.best()
    await one.private("AddOrder", pair="XBTUSD", type="buy", ordertype="limit", price=str(bid), volume=volume)


async def _closed(ws: Ws) -> ConnectionClosed:
    while True:
        try:
            await ws.receive()
        except ConnectionClosed as error:
            return error


# ---- the connection ------------------------------------------------------------------------------


@fault("cut")
def test_cut_resets_open_connections_and_spares_new_ones() -> None:
    async def main() -> None:
        async with venue() as one:
            async with one.ws() as ws:
                answer = await one.control("fault", kind="cut", match="connect/ws*")
                assert answer["struck"] == 1
                error = await _closed(ws)
                assert error.rcvd is None
            async with one.ws() as ws:
                await ws.ask("ping")
                await one.control("fault", kind="cut", code=1008, reason="policy")
                error = await _closed(ws)
                assert error.rcvd is not None
                assert (error.rcvd.code, error.rcvd.reason) == (1008, "policy")

    run(main())


@fault("half_open")
def test_half_open_swallows_everything_and_says_nothing() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask("subscribe", channel="trade", symbol=["BTC/USD"], snapshot=False)
            await one.control("fault", kind="half_open")
            await ws.send("ping")
            with pytest.raises(TimeoutError):
                await ws.receive(1.5)  # not even a heartbeat
            async with one.ws() as other:
                await other.ask("ping")
            ws.link.transport.abort()

    run(main())


@fault("refuse")
@fault("hang")
def test_refused_and_unanswered_connections() -> None:
    async def main() -> None:
        async with venue() as one:
            await one.control("fault", kind="refuse", match="connect/ws*", count=2)
            for _ in range(2):
                with pytest.raises((OSError, InvalidHandshake)):
                    async with connect(one.kraken["ws_public"], proxy=None):
                        pass
            await one.control("fault", kind="hang", match="connect/ws*")
            with pytest.raises(TimeoutError):
                async with connect(one.kraken["ws_public"], proxy=None, open_timeout=0.3):
                    pass
            async with one.ws() as ws:
                await ws.ask("ping")

    run(main())


@fault("ws_429")
@fault("redirect")
def test_upgrades_answered_by_a_status() -> None:
    async def main() -> None:
        async with venue() as one:
            await one.control("fault", kind="ws_429", retry_after=7)
            with pytest.raises(InvalidStatus) as caught:
                async with connect(one.kraken["ws_public"], proxy=None):
                    pass
            assert caught.value.response.status_code == 429
            assert caught.value.response.headers["Retry-After"] == "7"
            await one.control("fault", kind="redirect", location="http://127.0.0.2:1/x")
            answer = await one.http.get(one.kraken["rest"] + "/0/public/Time", follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.2:1/x")

    run(main())


# ---- REST ----------------------------------------------------------------------------------------


@fault("http_429")
@fault("http_5xx_html")
@fault("html_200")
@pytest.mark.parametrize(
    ("order", "status", "start"),
    [
        ({"kind": "http_429", "retry_after": 3}, 429, b"Too Many"),
        ({"kind": "http_5xx_html"}, 520, b"<!DOCTYPE html>"),
        ({"kind": "http_5xx_html", "status": 503, "acts": True}, 503, b"<!DOCTYPE html>"),
        ({"kind": "html_200"}, 200, b"<!DOCTYPE html>"),
    ],
)
def test_answers_that_are_no_answers(order: dict[str, Any], status: int, start: bytes) -> None:
    async def main() -> None:
        async with venue() as one:
            await one.control("fault", **order)
            answer = await one.send_private("AddOrder", **ORDER)
            assert answer.status_code == status
            assert answer.content.startswith(start)
            assert answer.headers.get("retry-after") == ("3" if status == 429 else None)
            opened = (await one.private("OpenOrders"))["open"]
            assert len(opened) == (1 if order.get("acts") else 0)

    run(main())


@fault("accept_lose_answer")
@fault("swallow_request")
@pytest.mark.parametrize(("kind", "placed"), [("accept_lose_answer", 1), ("swallow_request", 0)])
def test_an_order_without_an_answer_was_placed_or_not(kind: str, placed: int) -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            await one.control("fault", kind=kind)
            one.http.timeout = httpx.Timeout(0.4)
            with pytest.raises(httpx.ReadTimeout):
                await one.send_private("AddOrder", **ORDER)
            one.http.timeout = httpx.Timeout(5.0)
            assert len((await one.private("OpenOrders"))["open"]) == placed
            # The same over the WebSocket; other requests are answered.
            token = await one.token()
            await one.control("fault", kind=kind, match="add_order")
            req_id = await ws.send("add_order", token=token, **WS_ORDER)
            await ws.ask("ping")
            assert not [message for message in ws.seen if message.get("req_id") == req_id]
            assert len((await one.private("OpenOrders"))["open"]) == 2 * placed

    run(main())


@fault("error")
def test_any_error_text_to_order() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            await one.control("fault", kind="error", error="EService:Busy")
            assert await one.refusal("AddOrder", **ORDER) == "EService:Busy"
            assert (await one.private("OpenOrders"))["open"] == {}
            await one.control("fault", kind="error", error="EService:Timeout", acts=True)
            token = await one.token()
            assert await ws.error("add_order", token=token, **WS_ORDER) == "EService:Timeout"
            assert len((await one.private("OpenOrders"))["open"]) == 1
            await one.control("fault", kind="error", error="EAPI:Invalid nonce", match="rest/read/Balance")
            assert await one.refusal("Balance") == "EAPI:Invalid nonce"

    run(main())


@fault("truncate")
@fault("garbage")
@fault("oversize")
@fault("slow_drip")
def test_broken_rest_bodies() -> None:
    async def main() -> None:
        async with venue() as one:
            url = one.kraken["rest"] + "/0/public/Assets"
            whole = (await one.http.get(url)).content
            await one.control("fault", kind="truncate")
            with pytest.raises(httpx.RemoteProtocolError):
                await one.http.get(url)
            await one.control("fault", kind="garbage")
            assert len((await one.http.get(url)).content) == 200
            await one.control("fault", kind="oversize", bytes=3_000_000)
            assert len((await one.http.get(url)).content) > 3_000_000
            await one.control("fault", kind="oversize", bytes=3_000_000, gzip=True)
            async with one.http.stream("GET", url) as answer:
                small = b"".join([part async for part in answer.aiter_raw()])
            assert len(small) < 10_000
            assert len(gzip.decompress(small)) > 3_000_000
            await one.control("fault", kind="slow_drip", interval_s=0.01, bytes=100)
            parts = 0
            async with one.http.stream("GET", url) as answer:
                async for _ in answer.aiter_raw():
                    parts += 1
                    if parts == 3:
                        break
            assert parts == 3
            assert (await one.http.get(url)).content == whole

    run(main())


# ---- WebSocket frames ----------------------------------------------------------------------------


@fault("drop")
@fault("delay")
def test_lost_and_late_frames() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await one.control("fault", kind="drop", match="ws/ack/ping")
            await one.control("fault", kind="drop", match="ws/ack/pong")
            lost = await ws.send("ping")
            late = await ws.send("ping")
            assert (await ws.answer(late))["method"] == "pong"
            assert not [message for message in ws.seen if message.get("req_id") == lost]
            await one.control("fault", kind="delay", match="ws/ack/*", delay_s=0.3)
            loop = asyncio.get_running_loop()
            start = loop.time()
            first, second = await ws.send("ping"), await ws.send("ping")
            assert (await ws.receive())["req_id"] == first  # order is kept
            assert loop.time() - start >= 0.29
            await ws.answer(second)

    run(main())


@fault("silence")
def test_silence_answers_pings_and_sends_no_data() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask("subscribe", channel="trade", symbol=["BTC/USD"], snapshot=False)
            await one.control("fault", kind="silence", seconds=30)
            await one.control("trade", symbol="BTC/USD", side="buy", quantity="0.0001")
            await ws.ask("ping")
            with pytest.raises(TimeoutError):
                await ws.receive(1.6)
            await one.control("clear")
            await ws.next(lambda message: message.get("channel") == "heartbeat")

    run(main())


@pytest.mark.parametrize("kind", ["garbage", "truncate"])
def test_a_broken_frame_ends_the_connection(kind: str) -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await one.control("fault", kind=kind, match="ws/ack/pong")
            await ws.send("ping")
            error = await _closed(ws)
            assert error.rcvd is None  # no proper close from the venue

    run(main())


def test_text_that_is_no_json_and_a_frame_that_is_too_large() -> None:
    async def main() -> None:
        async with venue() as one:
            async with one.ws() as ws:
                text = "CloudFlare WebSocket proxy restarting"
                await one.control("fault", kind="garbage", match="ws/ack/pong", text=text)
                await ws.send("ping")
                assert await ws.link.recv() == text
            async with connect(one.kraken["ws_public"], proxy=None, max_size=2**20) as link:
                await link.recv()
                await one.control("fault", kind="oversize", match="ws/ack/pong", bytes=2**21)
                await link.send('{"method":"ping"}')
                with pytest.raises(ConnectionClosed) as caught:
                    await link.recv()
                assert caught.value.sent is not None
                assert caught.value.sent.code == 1009

    run(main())


def test_a_dripping_frame_arrives_in_the_end() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await one.control("fault", kind="slow_drip", match="ws/ack/pong", interval_s=0.01, bytes=10)
            assert (await ws.ask("ping"))["method"] == "pong"

    run(main())


# ---- market data ---------------------------------------------------------------------------------


@fault("book_gap")
@fault("wrong_checksum")
def test_a_wrong_checksum_comes_once_and_a_new_snapshot_is_right() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            copy = await _book(ws)
            await one.control("fault", kind="book_gap")
            await _nudge(one)
            await eventually(lambda: not one.host.faults.active)
            await _nudge(one, "0.011")
            # The lost change was of the same level, whose later total is right again.
            copy.apply(await ws.data("book", "update"))
            await one.control("fault", kind="wrong_checksum")
            await _nudge(one, "0.012")
            with pytest.raises(AssertionError):
                copy.apply(await ws.data("book", "update"))
            await ws.ask("unsubscribe", channel="book", symbol=["BTC/USD"], depth=10)
            await _book(ws)

    run(main())


def test_a_gap_in_another_level_is_seen_by_the_next_checksum() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            copy = await _book(ws)
            await one.control("fault", kind="book_gap")
            await _nudge(one)
            await eventually(lambda: not one.host.faults.active)
            _, ask = one.best()
            await one.private(
                "AddOrder", pair="XBTUSD", type="sell", ordertype="limit", price=str(ask), volume="0.05"
            )
            with pytest.raises(AssertionError):
                copy.apply(await ws.data("book", "update"))

    run(main())


@fault("nan_prices")
@pytest.mark.parametrize("value", ["NaN", "1e999", "-5", '""', "0"])
def test_impossible_prices_in_a_book_message(value: str) -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await _book(ws)
            await one.control("fault", kind="nan_prices", match="ws/data/book/*", value=value)
            await _nudge(one)
            await ws.data("book", "update")
            assert f'"price":{value},' in ws.raw[-1]

    run(main())


@fault("crossed_book")
def test_a_crossed_book_with_a_right_checksum() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            copy = await _book(ws)
            await one.control("fault", kind="crossed_book")
            await _nudge(one)
            copy.apply(await ws.data("book", "update"))
            message = await ws.data("book", "update")
            with pytest.raises(AssertionError):
                copy.apply(message)
            assert max(copy.bids) > min(copy.asks)
            assert copy.checksum() == message["data"][0]["checksum"]

    run(main())


@fault("price_spike")
def test_a_price_a_hundred_times_off() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask("subscribe", channel="trade", symbol=["BTC/USD"], snapshot=False)
            await one.control("fault", kind="price_spike", match="ws/data/trade/*", factor=100)
            _, ask = one.best()
            for factor in (100, 1):
                await one.control("trade", symbol="BTC/USD", side="buy", quantity="0.0001")
                assert (await ws.data("trade", "update"))["data"][0]["price"] == ask * factor

    run(main())


@fault("delist")
@fault("tick_change")
@fault("status")
def test_pairs_that_change_in_mid_session() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask("subscribe", channel="instrument", snapshot=False)
            await _book(ws)
            await one.control("fault", kind="tick_change", symbol="BTC/USD", tick_size="0.5")
            [row] = (await ws.data("instrument", "update"))["data"]["pairs"]
            assert row["price_increment"] == Decimal("0.5")
            wrong = {**ORDER, "price": "1000.1"}
            assert await one.refusal("AddOrder", **wrong) == "EOrder:Tick size check failed"
            await one.private("AddOrder", **ORDER)
            await one.control("fault", kind="delist", symbol="BTC/USD")
            [row] = (await ws.data("instrument", "update"))["data"]["pairs"]
            assert row["status"] == "delisted"
            assert await one.refusal("AddOrder", **ORDER) == "EQuery:Unknown asset pair"
            assert await ws.error("subscribe", channel="book", symbol=["BTC/USD"]) == (
                "Currency pair not supported BTC/USD"
            )
            assert not one.host.kraken.public.pairs["BTC/USD"].book.active
            await one.control("fault", kind="status", system="maintenance", seconds=0.3)
            status = await ws.next(lambda message: message.get("channel") == "status")
            assert status["data"][0]["system"] == "maintenance"
            status = await ws.next(lambda message: message.get("channel") == "status")
            assert status["data"][0]["system"] == "online"

    run(main())


# ---- private stream ------------------------------------------------------------------------------


async def _executions(one: Venue, ws: Ws) -> None:
    await ws.ask("subscribe", channel="executions", token=await one.token())
    await ws.data("executions", "snapshot")


async def _sequences(ws: Ws, count: int) -> list[int]:
    return [(await ws.data("executions", "update"))["sequence"] for _ in range(count)]


@fault("duplicate_private")
@fault("reorder_private")
@fault("sequence_gap")
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("duplicate_private", [2, 2, 3, 4, 5]),
        ("reorder_private", [3, 2, 4, 5]),
        ("sequence_gap", [3, 4, 5]),
    ],
)
def test_private_messages_doubled_reordered_lost(kind: str, expected: list[int]) -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            await _executions(one, ws)
            await one.control("fault", kind=kind, match="ws/data/executions")
            await one.private("AddOrder", pair="XBTUSD", type="sell", ordertype="market", volume="0.001")
            assert await _sequences(ws, len(expected)) == expected

    run(main())


@fault("expire_token")
def test_expired_tokens_are_void_and_may_end_the_connection() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            token = await one.token()
            await ws.ask("subscribe", channel="executions", token=token)
            await one.control("fault", kind="expire_token")
            assert await ws.error("add_order", token=token, **WS_ORDER) == "ESession:Invalid session"
            fresh = await one.token()
            assert (await ws.ask("add_order", token=fresh, **WS_ORDER))["success"]
            await ws.execution("new")  # the old subscription still lives
            async with one.ws() as public:
                await one.control("fault", kind="expire_token", close=True)
                assert (await _closed(ws)).rcvd is not None
                await public.ask("ping")

    run(main())


@fault("clock_jump")
def test_the_venues_clock_jumps() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            before = (await one.result("Time"))["unixtime"]
            await one.control("fault", kind="clock_jump", offset_s=-3600)
            assert abs((await one.result("Time"))["unixtime"] - before + 3600) <= 2
            status = await ws.ask("ping")
            fresh = await one.http.get(one.kraken["rest"] + "/0/public/SystemStatus")
            assert status["time_in"][:13] == fresh.json()["result"]["timestamp"][:13]
            late = {**ORDER, "deadline": "2020-01-01T00:00:00Z"}
            assert await one.refusal("AddOrder", **late) == "EService:Deadline elapsed"
            await one.control("clear")
            assert (await one.result("Time"))["unixtime"] >= before

    run(main())


def test_every_kind_has_its_test() -> None:
    assert set(KINDS) == PROVEN


# ---- the control API -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Referer": "http://127.0.0.1/"}, 403),
        ({"Host": "example.com"}, 421),
        ({"Host": "127.0.0.1"}, 421),
        ({"X-Practice-Token": "wrong"}, 401),
        ({"X-Practice-Token": ""}, 401),
    ],
)
def test_control_refuses_what_a_web_page_could_send(headers: dict[str, str], status: int) -> None:
    async def main() -> None:
        async with venue() as one:
            answer = await one.http.post(
                one.kraken["control"] + "/fault",
                json={"kind": "drop"},
                headers={"X-Practice-Token": one.kraken["control_token"], **headers},
            )
            assert answer.status_code == status
            assert not one.host.faults.active
            assert "access-control-allow-origin" not in answer.headers

    run(main())


def test_control_commands() -> None:
    async def main() -> None:
        async with venue() as one:
            token = {"X-Practice-Token": one.kraken["control_token"]}
            url = one.kraken["control"]
            stats = (await one.http.get(url + "/stats", headers=token)).json()
            assert stats["kraken"]["system"] == "online"
            assert (await one.http.get(url + "/reset", headers=token)).status_code == 405
            assert (await one.http.request("OPTIONS", url + "/reset", headers=token)).status_code == 405
            assert (await one.http.post(url + "/nothing", headers=token)).status_code == 404
            for command, values in (
                ("fault", {"kind": "rain"}),
                ("rate", {"rate": -1}),
                ("shock", {"symbol": "FOO/USD", "percent": 1}),
                ("trade", {"symbol": "BTC/USD", "side": "buy", "quantity": "NaN"}),
                ("fault", {"kind": "status", "system": "asleep"}),
                ("reset", {"account": "nobody"}),
            ):
                answer = await one.http.post(f"{url}/{command}", json=values, headers=token)
                assert answer.status_code == 400, (command, answer.text)
            broken = await one.http.post(url + "/rate", content=b"{", headers=token)
            assert broken.status_code == 400
            assert (await one.control("rate", rate=2.5, book_batch_ms=5))["rate"] == 2.5
            before, _ = one.best()
            await one.control("shock", symbol="BTC/USD", percent=5)
            for _ in range(200):
                one.host.market.step()
                await asyncio.sleep(0.002)
                if one.best()[0] > before * Decimal("1.03"):
                    break
            else:
                raise AssertionError("the market did not follow the shock")
            await one.control("persist")

    run(main())


def test_faults_leave_the_control_api_alone() -> None:
    async def main() -> None:
        async with venue() as one:
            for kind in ("refuse", "hang", "http_429", "slow_drip", "half_open"):
                await one.control("fault", kind=kind, seconds=30)
            rows = (await one.control("stats"))["armed"]
            assert [row["kind"] for row in rows] == ["refuse", "hang", "http_429", "slow_drip", "half_open"]
            await one.control("clear")
            assert (
                json.loads((await one.http.get(one.kraken["rest"] + "/0/public/Time")).content)["error"] == []
            )

    run(main())
