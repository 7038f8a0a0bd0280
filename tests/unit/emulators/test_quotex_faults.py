"""What can go wrong at the practice Quotex, ordered and seen by a client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from terminal.emulators.quotex.kinds import QUOTEX_IMMEDIATE, QUOTEX_KINDS
from terminal.emulators.quotex.session import AUTHORISE_S
from tests.helpers import eventually, run
from tests.quotex_client import Socket
from tests.unit.emulators.quotex_kit import OTC, Venue, venue


async def _framed(quotex: Venue, kind: str, **options: Any) -> tuple[Socket, list[str | bytes]]:
    """A signed-in client, and the frames that came from a fault to one acceptance of an order on."""
    socket = await quotex.socket()
    quotex.hold("1.10000")
    quotex.fault(kind, match="ws/ack/s_orders/open", **options)
    before = len(socket.frames)
    await socket.buy()
    await socket.raw("2")
    place = await socket.wait_frame(lambda frame: frame == "3")
    return socket, socket.frames[before:place]


def _is_head(frame: str | bytes, name: str) -> bool:
    return isinstance(frame, str) and frame.startswith("451-") and json.loads(frame[4:])[0] == name


def test_an_event_between_placeholder_and_attachment() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket, frames = await _framed(quotex, "interleave")
            head, between, body = frames[:3]
            assert _is_head(head, "s_orders/open")
            assert str(between).startswith("42")
            assert isinstance(body, bytes)
            assert [name for name, _ in socket.events if name == "s_orders/open"] == ["s_orders/open"]

    run(main())


def test_two_placeholders_before_two_attachments() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket, frames = await _framed(quotex, "pair")
            assert _is_head(frames[0], "s_orders/open")
            assert _is_head(frames[1], "balance")
            assert [type(frame) for frame in frames[2:4]] == [bytes, bytes]
            found = dict(socket.events)
            assert found["s_orders/open"]["asset"] == OTC
            assert "demoBalance" in found["balance"]

    run(main())


def test_an_attachment_without_a_placeholder_and_the_reverse() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket, frames = await _framed(quotex, "lone_attachment")
            assert isinstance(frames[0], bytes)
            assert next(data for name, data in socket.events if not name)["requestId"]
        async with venue() as quotex:
            _, frames = await _framed(quotex, "lone_placeholder")
            assert _is_head(frames[0], "s_orders/open")
            assert _is_head(frames[1], "balance")

    run(main())


def test_base64_inline_and_doubled_events_are_still_the_same_event() -> None:
    async def main() -> None:
        async with venue() as quotex:
            for kind, times in (("base64", 1), ("inline", 1), ("duplicate_private", 2)):
                socket, frames = await _framed(quotex, kind)
                assert len([name for name, _ in socket.events if name == "s_orders/open"]) == times
                if kind == "base64":
                    assert str(frames[1]).startswith("b4BHs")
                await socket.close()

    run(main())


def test_half_an_attachment() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.fault("truncated_binary", match="ws/ack/s_orders/open")
            await socket.buy()
            with pytest.raises(json.JSONDecodeError):
                await socket.wait("s_orders/open")
            # The connection lives on.
            await socket.chart(OTC)

    run(main())


def test_an_order_that_meets_silence_is_not_carried_out_and_one_whose_answer_is_lost_is() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.hold("1.10000")
            quotex.fault("swallow_request")
            await socket.buy()
            quotex.fault("accept_lose_answer")
            lost = await socket.buy(time=5)
            quotex.fault("accept_lose_answer", close=True)
            await socket.buy(time=300)
            with pytest.raises(ConnectionClosed):
                await socket.wait("s_orders/open")
            names = [name for name, _ in socket.events]
            assert not {"s_orders/open", "f_orders/open", "balance"} & set(names)
            assert len(quotex.face.hub.requests) == 3
            again = await Socket.open(quotex.entry)
            await again.authorise(quotex.entry["token"])
            rows = await again.wait("orders/opened/list")
            assert [row["closeTimestamp"] - row["openTimestamp"] for row in rows] == [5, 300]
            assert rows[0]["requestId"] == lost
            await again.close()

    run(main())


@pytest.mark.parametrize("error", ["not_money", "expiration", "not_price", "min_amount", "max_amount", "new"])
def test_every_refusal_can_be_ordered(error: str) -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.fault("error", error=error, match="ws/trade/orders/open")
            assert await socket.refused(await socket.buy()) == error
            await socket.bought(await socket.buy())

    run(main())


def test_a_rejected_authorization_leaves_the_token_good() -> None:
    async def main() -> None:
        async with venue() as quotex:
            quotex.fault("reject_session")
            socket = await Socket.open(quotex.entry)
            await socket.authorise(quotex.entry["token"])
            await socket.wait("authorization/reject")
            await socket.close()
            await quotex.socket()

    run(main())


def test_an_expired_session_is_told_in_mid_use_and_stays_dead() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.fault("expire_session", email=quotex.entry["email"])
            await socket.wait("authorization/reject")
            with pytest.raises(ConnectionClosed):
                await socket.wait("anything")
            again = await Socket.open(quotex.entry)
            await again.authorise(quotex.entry["token"])
            await again.wait("authorization/reject")
            await again.close()
            # The other account's session is its own.
            second = await Socket.signed_in(quotex.entry, quotex.entry["users"][1])
            await second.close()
            quotex.face.restore()
            await quotex.socket()

    run(main())


def test_41_and_44_and_a_cut() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            deal = await socket.bought(await socket.buy(time=5))
            quotex.fault("namespace_disconnect")
            await socket.wait_frame(lambda frame: frame == "41")
            quotex.fault("connect_error", error="Session ID unknown")
            broken = await Socket.open(quotex.entry)
            place = await broken.wait_frame(lambda frame: str(frame).startswith("44"))
            assert "40" not in broken.frames[:place]
            await broken.close()
            other = await quotex.socket()
            quotex.fault("cut", match="connect/ws*")
            with pytest.raises(ConnectionClosed):
                await other.wait("anything")
            # The deal ends while nobody is there.
            quotex.clock.leap(6)
            await eventually(lambda: not quotex.face.desk.deals)
            again = await Socket.open(quotex.entry)
            await again.authorise(quotex.entry["token"])
            assert (await again.wait("orders/closed/list"))[0]["id"] == deal["id"]
            await again.close()

    run(main())


def test_the_server_pings_too() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.fault("server_ping")
            await socket.wait_frame(lambda frame: frame == "2")
            await socket.raw("3")
            await eventually(lambda: quotex.face.hub.pongs == 1)

    run(main())


def test_short_and_odd_tables() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.fault("one_row")
            await socket.send("instruments/get")
            assert len(await socket.wait("instruments/list")) == 1
            quotex.fault("bad_rows")
            await socket.send("instruments/get")
            rows = await socket.wait("instruments/list")
            assert [len(row) for row in rows[:2]] == [12, 32]
            assert rows[2] == "row"
            quotex.fault("bad_quotes", match="*quotes/stream*")
            await socket.chart(OTC)
            assert [len(row) for row in await socket.wait("quotes/stream")] == [6, 2, 4]

    run(main())


def test_integer_ids_and_a_loss_in_part() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.hold("1.10000")
            quotex.fault("integer_ids")
            quotex.fault("part_loss", percent=40, match="ws/trade/orders/open")
            deal = await socket.bought(await socket.buy(time=5))
            assert isinstance(deal["id"], int)
            quotex.hold("1.09000")
            quotex.clock.leap(6)
            (row,) = (await socket.wait("s_orders/close"))["deals"]
            assert (row["id"], row["profit"], row["percentLoss"]) == (deal["id"], -2, 40)

    run(main())


def test_clocks_that_are_off_and_clocks_that_stand() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.fault("clock_jump", offset_s=300)
            await socket.chart(OTC)
            ((_, at, *_),) = await socket.wait("quotes/stream")
            assert 295 < float(at) - quotex.clock.now_s() < 305
            deal = await socket.bought(await socket.buy())
            assert 295 < deal["openTimestamp"] - quotex.clock.now_s() < 305
            quotex.face.restore()
            quotex.fault("stale_clock")
            times = set()
            for _ in range(2):
                quotex.clock.leap(1)
                times |= {row[1] for row in await socket.wait("quotes/stream")}
            quotex.clock.leap(1)
            rows = await socket.wait("quotes/stream")
            assert rows[0][1] in times
            assert len(times - {rows[0][1]}) <= 1

    run(main())


def test_a_dropped_event_and_a_silent_server() -> None:
    async def main() -> None:
        async with venue() as quotex:
            _, frames = await _framed(quotex, "drop")
            assert _is_head(frames[0], "balance")
            socket = await quotex.socket()
            quotex.fault("silence", seconds=3600)
            quotex.hold("1.20000")
            await socket.send("instruments/update", {"asset": OTC, "period": 60})
            await socket.raw("2")
            await socket.wait("history/list/v2")
            await socket.wait_frame(lambda frame: frame == "3")
            assert not [name for name, _ in socket.events if name == "quotes/stream"]

    run(main())


def test_a_socket_needs_the_cookies_and_the_user_agent_of_its_sign_in() -> None:
    async def main() -> None:
        async with venue() as quotex:
            good = {name: quotex.entry[name] for name in ("token", "cookies", "user_agent")}
            for wrong in ({"user_agent": "another browser"}, {"cookies": ""}):
                with pytest.raises(InvalidStatus) as refusal:
                    await Socket.open(quotex.entry, {**good, **wrong})
                assert refusal.value.response.status_code == 403
            # The cookies of somebody else come in, and are refused with the token.
            second = quotex.entry["users"][1]
            socket = await Socket.open(quotex.entry, {**good, "cookies": second["cookies"]})
            await socket.authorise(good["token"])
            await socket.wait("authorization/reject")
            await socket.close()

    run(main())


def test_a_socket_that_does_not_sign_in_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert AUTHORISE_S == 10
    monkeypatch.setattr("terminal.emulators.quotex.session.AUTHORISE_S", 0.05)

    async def main() -> None:
        async with venue() as quotex:
            socket = await Socket.open(quotex.entry)
            with pytest.raises(ConnectionClosed):
                await socket.wait("anything")

    run(main())


def test_nonsense_from_a_client_is_ignored() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            for text in (
                "42",
                "42[",
                "42{}",
                "42[1]",
                '42["nobody"]',
                '42["orders/open"]',
                "hello",
                "451-[]",
            ):
                await socket.raw(text)
            nonsense: list[Any] = [1, "x", [], {}, {"asset": {}}, {"time": "x", "asset": OTC, "offset": None}]
            for name in (
                "orders/open",
                "orders/cancel",
                "instruments/update",
                "history/load",
                "account/change",
            ):
                for data in nonsense:
                    await socket.send(name, data)
            await socket.chart(OTC)
            assert not quotex.face.desk.deals

    run(main())


def test_every_kind_is_told_and_immediate_ones_are_kinds() -> None:
    assert QUOTEX_KINDS.keys() >= QUOTEX_IMMEDIATE
    assert all(QUOTEX_KINDS.values())


def test_many_clients_at_once_are_all_served() -> None:
    async def main() -> None:
        async with venue() as quotex:
            sockets = await asyncio.gather(*(quotex.socket() for _ in range(10)))
            await asyncio.gather(*(socket.chart(OTC) for socket in sockets))
            quotex.hold("1.23456")
            for socket in sockets:
                await socket.wait("quotes/stream", lambda rows: str(rows[0][2]) == "1.23456")

    run(main())


def test_an_asset_that_is_not_listed_in_quotes_lists_and_results() -> None:
    async def main() -> None:
        async with venue() as quotex:
            socket = await quotex.socket()
            quotex.fault("unknown_asset", match="*quotes/stream*")
            await socket.chart(OTC)
            assert (await socket.wait("quotes/stream"))[0][0] == "NOSUCH_otc"
            quotex.fault("unknown_asset", asset="GONE", match="ws/data/s_orders/close")
            await socket.bought(await socket.buy(time=5))
            quotex.clock.leap(6)
            assert [row["asset"] for row in (await socket.wait("s_orders/close"))["deals"]] == ["GONE"]

    run(main())
