"""The broker behind the wire of the practice cTrader: who hears what, what survives, what goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.helpers import eventually, run
from tests.unit.emulators.ctrader.client import DEMO, NETTED, Client, Envelope, Fields, refusal, world

ACCEPTED, FILLED, CANCELLED, REJECTED, PARTIAL = 2, 3, 5, 7, 11


def market_order(side: int = 1, volume: int = 100_000, **more: Any) -> dict[int, Any]:
    fields: dict[int, Any] = {2: DEMO, 3: 1, 4: 1, 5: side, 6: volume}
    names = {"stop": 19, "target": 20, "label": 16, "client_order_id": 18}
    fields.update({names[name]: value for name, value in more.items()})
    return fields


async def executions(client: Client, msg_id: str, kind: int) -> Envelope:
    """The event of a kind that carries the request's id."""

    def found() -> list[Envelope]:
        return [one for one in client.of_kind(2126) if one.msg_id == msg_id and one.body.num(3) == kind]

    await eventually(found, what=f"execution {kind}")
    return found()[0]


async def positions(client: Client, ctid: int = DEMO) -> list[Fields]:
    answer = await client.ask(2124, {2: ctid, 3: True})
    assert answer.kind == 2125
    return answer.body.messages(3)


def test_an_order_tells_everybody_and_its_id_only_to_who_asked() -> None:
    async def main() -> None:
        async with world() as venue:
            mine, other = await venue.signed_in(), await venue.signed_in()
            stranger = await venue.signed_in(NETTED)
            msg_id = mine.send(2106, market_order(stop=500, target=900, label="tag-1"), "same-id")
            accepted = await executions(mine, msg_id, ACCEPTED)
            filled = await executions(mine, msg_id, FILLED)
            assert accepted.body.message(4).num(3) == 3  # a shell
            position = filled.body.message(4)
            assert position.message(2).text(5) == "tag-1"
            assert position.double(5) > 0.5
            (guard,) = await mine.wait_for(2126, 1, lambda body: body.message(5).num(3) == 4)
            assert guard.msg_id is None
            assert guard.body.num(10) == 1
            await other.wait_for(2126, 3)
            assert all(one.msg_id is None for one in other.of_kind(2126))
            assert not stranger.of_kind(2126)
            (held,) = await positions(mine)
            assert held.num(1) == position.num(1)

    run(main())


def test_refusals_of_the_broker_come_in_their_own_carrier() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            odd = await client.ask(2106, market_order(volume=123_456))
            assert (odd.kind, refusal(odd)) == (2132, "TRADING_BAD_VOLUME")
            assert odd.body.num(5) == DEMO
            unknown = await client.ask(2181, {2: DEMO, 3: 424242})
            assert (unknown.kind, refusal(unknown)) == (2142, "ORDER_NOT_FOUND")
            await venue.fault("close_market", symbol="EURUSD")
            shut = client.send(2106, market_order())
            await eventually(lambda: [one for one in client.seen if one.msg_id == shut])
            closed = await client.answer(shut)
            assert b"MARKET_CLOSED" in closed.raw

    run(main())


def test_a_position_a_pending_order_and_the_tokens_survive_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(data_dir=tmp_path) as venue:
            client = await venue.signed_in()
            await executions(client, client.send(2106, market_order(label="kept")), FILLED)
            limit = {2: DEMO, 3: 1, 4: 2, 5: 1, 6: 100_000, 7: 0.5}
            await executions(client, client.send(2106, limit), ACCEPTED)
            token = venue.endpoints["access_token"]
        async with world(data_dir=tmp_path) as venue:
            client = await venue.connect()
            await client.sign_in(venue.endpoints, DEMO, token=token)
            answer = (await client.ask(2124, {2: DEMO})).body
            (position,) = answer.messages(3)
            assert position.message(2).text(5) == "kept"
            (order,) = answer.messages(4)
            assert order.double(13) == 0.5
            closing = {2: DEMO, 3: position.num(1), 4: 100_000}
            closed = await executions(client, client.send(2111, closing), FILLED)
            assert closed.body.message(6).has(16)

    run(main())


def test_an_accepted_order_may_be_rejected_and_a_cancel_may_come_too_late() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.fault("reject_after_accept", account=DEMO, error="NOT_ENOUGH_MONEY")
            msg_id = client.send(2106, market_order())
            await executions(client, msg_id, ACCEPTED)
            rejected = await executions(client, msg_id, REJECTED)
            assert rejected.body.text(9) == "NOT_ENOUGH_MONEY"
            limit = {2: DEMO, 3: 1, 4: 2, 5: 1, 6: 100_000, 7: 0.5}
            accepted = await executions(client, client.send(2106, limit), ACCEPTED)
            order_id = accepted.body.message(5).num(1)
            await venue.fault("cancel_race", account=DEMO)
            answer = await client.ask(2108, {2: DEMO, 3: order_id})
            assert b"UNABLE_TO_CANCEL_ORDER" in answer.raw or b"ORDER_NOT_FOUND" in answer.raw
            await client.wait_for(2126, 1, lambda body: body.num(3) == FILLED)

    run(main())


def test_an_order_larger_than_what_is_offered_is_filled_in_parts() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await venue.fault("partial_fill", symbol="EURUSD", cents=100_000)
            msg_id = client.send(2106, market_order(volume=300_000))
            await executions(client, msg_id, PARTIAL)
            await executions(client, msg_id, FILLED)
            deals = {
                one.body.message(6).num(1): one.body.message(6).num(5)
                for one in client.of_kind(2126)
                if one.body.has(6)
            }
            assert sum(deals.values()) == 300_000
            assert len(deals) > 1

    run(main())


def test_a_shock_against_the_largest_position_stops_the_account_out() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            await executions(client, client.send(2106, market_order(volume=40_000_000)), FILLED)
            await venue.fault("stop_out", account=DEMO)
            await client.wait_for(
                2126, 1, lambda body: body.num(3) == FILLED and body.message(5).has(22)
                and body.message(5).num(22) == 1,
            )  # fmt: skip
            assert client.of_kind(2172)

            async with asyncio.timeout(20.0):
                while await positions(client):
                    await asyncio.sleep(0.05)

    run(main())


def test_profit_events_reach_the_connection_that_asked_for_them() -> None:
    async def main() -> None:
        async with world() as venue:
            asking, other = await venue.signed_in(), await venue.signed_in()
            await executions(asking, asking.send(2106, market_order(volume=10_000_000)), FILLED)
            assert (await asking.ask(2190, {2: DEMO})).kind == 2191
            await asking.wait_for(2189, 2)
            assert not other.of_kind(2189)
            await asking.close()
            await eventually(lambda: len(venue.face.sessions) == 1)
            assert (await other.ask(2190, {2: DEMO})).kind == 2191

    run(main())


def test_a_reset_begins_the_account_anew_and_the_record_tells_what_arrived() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in(DEMO, NETTED)
            order = market_order(label="told", client_order_id="mine-1")
            await executions(client, client.send(2106, order), FILLED)
            await venue.fault("swallow_request")
            client.send(2106, order)
            await client.ask(2104)
            told = (await venue.control("record", account=str(DEMO)))["ctrader"]
            assert [row["method"] for row in told["requests"]] == ["NewOrderReq", "NewOrderReq"]
            assert told["requests"][0]["clientOrderId"] == "mine-1"
            assert len(told["now"]["position"]) == 1
            assert len(told["deals"]["deal"]) == 1
            assert (await venue.control("reset", account=str(DEMO)))["accounts"] == [str(DEMO)]
            (gone,) = await client.wait_for(2164)
            assert gone.body.num(2) == DEMO
            token = venue.endpoints["access_token"]
            assert (await client.ask(2102, {2: DEMO, 3: token})).kind == 2103
            assert not await positions(client)
            trader = (await client.ask(2121, {2: DEMO})).body.message(3)
            assert trader.num(2) == 1_000_000
            await venue.control("cash", account=DEMO, cents=-50_000)
            await client.wait_for(2123, 1, lambda body: body.message(3).num(2) == 950_000)
            await venue.control("account", account=DEMO, terms={"access_rights": 2})
            refused = await client.ask(2106, market_order())
            assert b"TRADING" in refused.raw

    run(main())
