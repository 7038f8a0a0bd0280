"""Faults of the practice plugin, and how its two kinds serve connections."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from terminal.core import tasks
from terminal.emulators.custom.mangle import CUSTOM_IMMEDIATE, CUSTOM_KINDS
from tests.fmz_transcript import Answer
from tests.helpers import eventually, run
from tests.unit.emulators.custom.client import SYMBOL, Venue, plugin


async def send_order(venue: Venue, **terms: str) -> Answer:
    order = {"symbol": SYMBOL, "type": "buy", "amount": "0.1", "price": venue.price("0.8"), **terms}
    return await venue.node.call("trade", order)


# ---- an order and its answer -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        ({"kind": "disconnect", "match": "*/trade/trade"}, False),
        ({"kind": "disconnect", "match": "*/trade/trade", "acts": True}, True),
        ({"kind": "accept_lose_answer", "close": True}, True),
    ],
)
def test_an_answer_may_be_lost_before_or_after_the_order_was_accepted(
    fault: dict[str, Any], accepted: bool
) -> None:
    async def main() -> None:
        async with plugin() as venue:
            await venue.control("fault", **fault)
            assert (await send_order(venue)).disconnected
            assert len(await venue.data("orders", symbol=SYMBOL)) == accepted
            told = (await venue.control("record"))["custom"]
            assert len([row for row in told["requests"] if row["method"] == "trade"]) == 1
            assert "data" in (await send_order(venue)).envelope  # it strikes once

    run(main())


@pytest.mark.parametrize(("kind", "accepted"), [("accept_lose_answer", True), ("swallow_request", False)])
def test_an_answer_may_never_come(kind: str, accepted: bool) -> None:
    async def main() -> None:
        async with plugin() as venue:
            await venue.fault(kind)
            waiting = tasks.spawn(send_order(venue), name="test.order")
            await eventually(lambda: venue.face.requests == 1)
            other = tasks.spawn(venue.data("orders", symbol=SYMBOL), name="test.other")
            await eventually(lambda: venue.face.server.connections == 2)
            assert not waiting.done()
            assert venue.face.requests == 1  # one at a time: the other call waits for its turn
            waiting.cancel()
            assert len(await other) == accepted

    run(main())


@pytest.mark.parametrize("kind", ["error", "html_200", "http_5xx_html", "http_429"])
@pytest.mark.parametrize("acts", [False, True])
def test_an_order_may_be_accepted_behind_an_error(kind: str, acts: bool) -> None:
    async def main() -> None:
        async with plugin() as venue:
            await venue.fault(kind, match="*/trade/*", acts=acts)
            answer = await send_order(venue)
            assert "data" not in answer.envelope
            assert len(await venue.data("orders", symbol=SYMBOL)) == acts
            if kind == "error":
                assert answer.envelope["error"].startswith('{"code": "50001"')
            else:
                assert answer.status == {"html_200": 200, "http_5xx_html": 502, "http_429": 429}[kind]

    run(main())


def test_a_fault_of_trading_leaves_raw_questions_about_orders_alone() -> None:
    async def main() -> None:
        async with plugin() as venue:
            await venue.fault("accept_lose_answer", close=True)
            question = ("__api_/api/v5/trade/orders-pending", {"instId": "ETH-USDT"})
            assert "data" in (await venue.node.call(*question)).envelope
            order = {"instId": "ETH-USDT", "side": "buy", "sz": "0.1", "px": venue.price("0.8")}
            placed = await venue.node.call(
                "__api_/api/v5/trade/order", order, headers={"Http-Method": "POST"}
            )
            assert placed.disconnected
            assert len(await venue.data("orders", symbol=SYMBOL)) == 1
            told = (await venue.control("record"))["custom"]
            assert [row["method"] for row in told["requests"]] == ["__api_/api/v5/trade/order"]

    run(main())


def test_an_error_is_told_in_the_words_that_were_ordered() -> None:
    async def main() -> None:
        async with plugin() as venue:
            await venue.fault("error", match="*/accounts", error="HTTP error: 429")
            await venue.fault("error", match="*/accounts", code="51008", msg="Insufficient balance")
            assert await venue.error("accounts") == "HTTP error: 429"
            text = await venue.error("accounts")
            assert text == '{"code": "51008", "data": [], "msg": "Insufficient balance"}'

    run(main())


# ---- odd answers -------------------------------------------------------------------------------------


def test_answers_may_be_odd_but_well_formed() -> None:
    async def main() -> None:
        async with plugin() as venue:
            bars = {"symbol": SYMBOL, "period": "60", "limit": "3"}
            plain = await venue.data("records", **bars)
            await venue.fault("newest_first", match="records")
            assert await venue.data("records", **bars) == plain[::-1]
            await venue.fault("ms_records")
            assert [row[0] for row in await venue.data("records", **bars)] == [row[0] * 1000 for row in plain]
            trades = await venue.data("trades", symbol=SYMBOL)
            await venue.fault("duplicate_trades")
            assert await venue.data("trades", symbol=SYMBOL) == [row for row in trades for _ in (1, 2)]

            number = await venue.place()
            (order,) = await venue.data("orders", symbol=SYMBOL)
            await venue.fault("state_key", count=2)
            for method, params in (("orders", {}), ("order", {"id": number})):
                found = await venue.data(method, symbol=SYMBOL, **params)
                row = found[0] if isinstance(found, list) else found
                assert row["state"] == order["status"]
                assert "status" not in row
            await venue.fault("unknown_status", value="odd")
            assert (await venue.data("orders", symbol=SYMBOL))[0]["status"] == "odd"
            await venue.fault("lower_case")
            assert (await venue.data("orders", symbol=SYMBOL))[0]["symbol"] == "eth_usdt"
            await venue.fault("venue_symbol", match="*/order")
            assert (await venue.data("order", symbol=SYMBOL, id=number))["symbol"] == "ETH-USDT"
            await venue.fault("wrong_type", match="*/order", field="deal_amount", value=[])
            assert (await venue.data("order", symbol=SYMBOL, id=number))["deal_amount"] == []
            await venue.fault("wrong_type", match="*/orders", value=None)
            assert await venue.data("orders", symbol=SYMBOL) is None
            await venue.fault("wrong_type", match="records", field="4", value="high")
            assert {row[4] for row in await venue.data("records", **bars)} == {"high"}
            await venue.fault("missing_field", match="*/orders", field="id")
            assert "id" not in (await venue.data("orders", symbol=SYMBOL))[0]
            assert await venue.data("orders", symbol=SYMBOL) == [order]

    run(main())


def test_figures_may_all_be_texts_or_all_be_numbers() -> None:
    async def main() -> None:
        async with plugin() as venue:
            await venue.place()
            kinds: dict[str, Any] = {"text": str, "number": (int, Decimal)}
            for name, kind in kinds.items():
                await venue.fault("numbers", seconds=600, **{"as": name})
                ticker = await venue.data("ticker", symbol=SYMBOL)
                assert all(isinstance(one, kind) for key, one in ticker.items() if key != "symbol")
                assert ticker["symbol"] == SYMBOL
                depth = await venue.data("depth", symbol=SYMBOL, limit=3)
                assert isinstance(depth["time"], kind)
                assert all(isinstance(one, kind) for level in depth["asks"] for one in level)
                for row in await venue.data("records", symbol=SYMBOL, period=1, limit=3):
                    assert all(isinstance(one, kind) for one in row)
                for row in (*await venue.data("accounts"), *await venue.data("orders", symbol=SYMBOL)):
                    figures = ("free", "frozen", "amount", "price", "deal_amount", "avg_price")
                    assert all(isinstance(row[key], kind) for key in figures if key in row)
                    assert all(isinstance(row[key], str) for key in ("currency", "id", "type") if key in row)
                await venue.control("clear")

    run(main())


def test_a_fault_waits_for_a_call_that_it_can_change() -> None:
    async def main() -> None:
        async with plugin() as venue:
            for kind in ("ms_records", "duplicate_trades", "state_key"):
                await venue.fault(kind)
            await venue.data("ticker", symbol=SYMBOL)
            assert len((await venue.control("stats"))["armed"]) == 3

    run(main())


# ---- bytes and connections ---------------------------------------------------------------------------


def test_bodies_may_be_cut_huge_slow_or_no_json() -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            whole = len((await venue.node.call("accounts", {})).body)
            await venue.fault("truncate")
            answer = await venue.node.call("accounts", {})
            assert len(answer.body) == whole // 2
            assert int(answer.headers["content-length"]) == whole
            await venue.fault("oversize", bytes=300_000)
            assert len((await venue.node.call("accounts", {})).body) > 300_000
            await venue.fault("garbage", text="}{")
            assert (await venue.node.call("accounts", {})).body == b"}{"
            await venue.fault("slow_drip", interval_s=0.001, bytes=40)
            assert len((await venue.node.call("accounts", {})).body) == whole

    run(main())


def test_connections_may_be_refused_left_hanging_or_cut() -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            await venue.fault("refuse")
            assert (await venue.node.call("accounts", {})).disconnected
            await venue.fault("hang")
            hanging = tasks.spawn(venue.node.call("accounts", {}), name="test.hanging")
            await eventually(lambda: not venue.face.faults.active)
            await venue.data("accounts")
            assert not hanging.done()
            struck = await venue.control("fault", kind="cut")
            assert struck["struck"] >= 1
            assert (await hanging).disconnected

    run(main())


def test_the_reference_serves_one_call_after_the_other() -> None:
    async def main() -> None:
        async with plugin() as venue:
            ended: list[str] = []

            async def ask(name: str) -> None:
                await venue.data(name)
                ended.append(name)

            await venue.fault("delay", delay_s=0.2, match="*/accounts")
            slow = tasks.spawn(ask("accounts"), name="test.slow")
            await eventually(lambda: venue.face.requests == 1)
            await ask("assets")
            await slow
            assert ended == ["accounts", "assets"]

    run(main())


def test_the_better_kind_answers_beside_a_call_that_is_held() -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            await venue.fault("swallow_request", match="*/accounts")
            held = tasks.spawn(venue.data("accounts"), name="test.held")
            await eventually(lambda: venue.face.requests == 1)
            assert await venue.data("assets")
            assert not held.done()
            held.cancel()

    run(main())


def test_a_silent_connection_holds_up_the_reference() -> None:
    async def main() -> None:
        async with plugin() as venue:
            _, writer = await asyncio.open_connection(venue.node.host, venue.node.port)
            await eventually(lambda: venue.face.server.connections == 1)
            waiting = tasks.spawn(venue.data("accounts"), name="test.waiting")
            await eventually(lambda: venue.face.server.connections == 2)
            assert venue.face.requests == 0
            writer.close()
            assert await waiting

    run(main())


def test_the_better_kind_serves_several_calls_on_a_connection() -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            reader, writer = await asyncio.open_connection(venue.node.host, venue.node.port)
            body = venue.node.body("accounts", {})
            request = b"POST /PRACTICE HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            for piece in (request, request, request[:30], request[30:]):
                writer.write(piece)
                await writer.drain()
            for _ in range(3):
                async with asyncio.timeout(20):
                    head = await reader.readuntil(b"\r\n\r\n")
                    assert head.startswith(b"HTTP/1.1 200")
                    await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
            assert venue.face.server.accepted == 1
            writer.close()

    run(main())


def test_an_ordinary_client_reads_both_kinds() -> None:
    async def main(*switches: str) -> None:
        async with plugin(*switches) as venue:
            for _ in range(2):
                body = venue.node.body("accounts", {})
                answer = await venue.http.post(venue.entry["service"], content=body)
                assert answer.status_code == 200
                assert answer.headers["content-type"] == "application/json; charset=utf-8"
                assert answer.json()["data"]
            assert venue.face.server.accepted == (1 if switches else 2)

    run(main())
    run(main("better"))


@pytest.mark.parametrize(
    ("request_", "first"),
    [
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400"),
        (b"POST /PRACTICE HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 400"),
        (b"POST /PRACTICE HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", b"HTTP/1.1 413"),
        (b"POST /PRACTICE HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 411"),
        (b"POST /PRACTICE HTTP/1.1\r\nA: " + b"x" * 20_000, b""),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(request_: bytes, first: bytes) -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            answer = await venue.raw_bytes(request_)
            assert answer[: len(first)] == first
            assert bool(answer) is bool(first)
            await eventually(lambda: venue.face.server.connections == 0)

    run(main())


def test_a_stop_does_not_wait_for_calls_that_are_held() -> None:
    async def main() -> None:
        async with plugin() as venue:
            await venue.fault("swallow_request", match="*")
            held = tasks.spawn(venue.node.call("accounts", {}), name="test.held")
            await eventually(lambda: venue.face.requests == 1)
        assert (await held).disconnected

    run(main())


# ---- the control API ---------------------------------------------------------------------------------


def test_the_kind_of_plugin_is_switched_while_it_runs() -> None:
    async def main() -> None:
        async with plugin() as venue:
            assert (await venue.node.call("depth", {})).disconnected
            assert await venue.error("markets") == "invalid method: markets"
            assert (await venue.control("behave", better=True, extras=True))["better"] is True
            assert await venue.error("depth") == "missing parameter: symbol"
            assert (await venue.data("markets"))[SYMBOL]["min_qty"] == "0.001"
            assert {row["symbol"] for row in await venue.data("tickers")} == set(venue.entry["symbols"])
            await venue.control("behave", canned=True)
            assert (await venue.data("trade", symbol=SYMBOL, type="buy", price="1", amount="1")) == {
                "id": "BTC-USDT,123456"
            }
            assert venue.market.open_orders("custom:practice") == []
            answer = await venue.http.post(
                f"{venue.entry['control']}/behave",
                json={"sideways": True},
                headers={"X-Practice-Token": venue.entry["control_token"]},
            )
            assert answer.status_code == 400

    run(main())


def test_the_control_api_is_not_on_the_plugins_port() -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            answer = await venue.node.post(b"{}", path="/_practice/custom/stats")
            assert "error" in answer.envelope
            stranger = await venue.http.post(f"{venue.entry['control']}/reset", json={})
            assert stranger.status_code == 401

    run(main())


def test_every_immediate_kind_is_a_kind() -> None:
    assert set(CUSTOM_KINDS) >= CUSTOM_IMMEDIATE
