"""Every flow of the practice cTrader's broker over TLS, as a client sees it that knows only field numbers."""

from __future__ import annotations

import time
from typing import Any

from tests.helpers import eventually, run
from tests.unit.emulators.ctrader.client import DEMO, LIVE, NETTED, Client, Envelope, Fields, refusal, world

ACCEPTED, FILLED, REPLACED, CANCELLED, EXPIRED = 2, 3, 4, 5, 6
MARKET, LIMIT, STOP, PROTECTION, RANGE, STOP_LIMIT = 1, 2, 3, 4, 5, 6
OPEN, CLOSED, CREATED = 1, 2, 3
BUY, SELL = 1, 2
EURUSD, MINI = 1, 100_000


def order(kind: int = MARKET, side: int = BUY, *, ctid: int = DEMO, **fields: Any) -> dict[int, Any]:
    """2106 by the names of what varies."""
    numbers = {
        "volume": 6, "limit": 7, "stop": 8, "force": 9, "expiry": 10, "stop_loss": 11, "take_profit": 12,
        "base": 14, "slippage": 15, "label": 16, "position": 17, "relative_stop": 19, "relative_target": 20,
        "trailing": 22,
    }  # fmt: skip
    values: dict[int, Any] = {2: ctid, 3: EURUSD, 4: kind, 5: side, 6: MINI}
    values.update({numbers[name]: value for name, value in fields.items()})
    return values


def line(event: Envelope) -> tuple[int, int, bool, bool]:
    """Execution type, order type, whether it carries an id, whether the server did it."""
    body = event.body
    kind = body.message(5).num(3) if body.has(5) else 0
    return body.num(3), kind, event.msg_id is not None, bool(body.num(10))


async def events(client: Client, count: int, since: int = 0) -> list[Envelope]:
    """The next so many execution events."""
    await eventually(lambda: len(client.of_kind(2126)) >= since + count, what=f"{count} execution events")
    return client.of_kind(2126)[since : since + count]


async def opened(client: Client, **fields: Any) -> Fields:
    """A position with all that belongs to it; its last telling."""
    since = len(client.of_kind(2126))
    guarded = "relative_stop" in fields or "relative_target" in fields
    client.send(2106, order(**fields))
    return (await events(client, 3 if guarded else 2, since))[-1].body.message(4)


def round_price(value: float) -> float:
    return round(value, 5)


def test_a_position_from_its_opening_to_its_end() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            first = await opened(client, volume=4 * MINI, relative_stop=2000, relative_target=3000)
            number, entry = first.num(1), first.double(5)
            assert [line(one) for one in client.of_kind(2126)] == [
                (ACCEPTED, MARKET, True, False),
                (FILLED, MARKET, True, False),
                (ACCEPTED, PROTECTION, False, True),
            ]
            assert round_price(first.double(6)) == round_price(entry - 0.02)

            # G: one level kept, one moved
            keep = {2: DEMO, 3: number, 4: first.double(6), 5: round_price(entry + 0.04)}
            client.send(2110, keep)
            (moved,) = await events(client, 1, 3)
            assert line(moved) == (REPLACED, PROTECTION, True, False)
            again = await client.ask(2110, keep)
            assert again.body.text(4) == "Nothing to amend."

            # H: a part of it
            client.send(2111, {2: DEMO, 3: number, 4: MINI})
            part = await events(client, 3, 4)
            assert [line(one) for one in part] == [
                (ACCEPTED, MARKET, True, False),
                (FILLED, MARKET, True, False),
                (REPLACED, PROTECTION, False, True),
            ]
            assert part[1].body.message(6).message(16).num(7) == MINI
            assert part[2].body.message(5).message(2).num(2) == 3 * MINI

            # I: all of it
            client.send(2111, {2: DEMO, 3: number, 4: 3 * MINI})
            whole = await events(client, 3, 7)
            assert [line(one) for one in whole] == [
                (ACCEPTED, MARKET, True, False),
                (FILLED, MARKET, True, False),
                (CANCELLED, PROTECTION, False, True),
            ]
            assert [one.body.message(4).num(3) for one in whole] == [OPEN, CREATED, CLOSED]
            balance = whole[1].body.message(6).message(16).num(5)
            assert (await client.ask(2121, {2: DEMO})).body.message(3).num(2) == balance
            assert not (await client.ask(2124, {2: DEMO, 3: True})).body.has(3)

    run(main())


def test_orders_that_wait() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            bid = float(venue.face.quotes.bid(EURUSD))
            far = round_price(bid * 0.9)
            client.send(2106, order(LIMIT, limit=far, stop_loss=round_price(far - 0.01), label="waits"))
            (accepted,) = await events(client, 1)
            assert line(accepted) == (ACCEPTED, LIMIT, True, False)
            waiting = accepted.body.message(5)
            assert waiting.num(20) == 1000  # shown as a distance while it waits
            assert accepted.body.message(4).num(3) == CREATED
            # E, then D
            client.send(2109, {2: DEMO, 3: waiting.num(1), 5: round_price(far + 0.001)})
            (replaced,) = await events(client, 1, 1)
            assert line(replaced) == (REPLACED, LIMIT, True, False)
            assert replaced.body.message(5).num(1) == waiting.num(1)
            client.send(2108, {2: DEMO, 3: waiting.num(1)})
            (cancelled,) = await events(client, 1, 2)
            assert line(cancelled) == (CANCELLED, LIMIT, True, False)
            assert cancelled.body.message(4).num(3) == CLOSED
            gone = await client.ask(2108, {2: DEMO, 3: waiting.num(1)})
            assert (gone.kind, refusal(gone)) == (2132, "ORDER_NOT_FOUND")
            assert gone.body.num(3) == waiting.num(1)
            # N
            soon = int(time.time() * 1000) + 400
            client.send(2106, order(LIMIT, limit=far, force=1, expiry=soon))
            expired = (await events(client, 2, 3))[1]
            assert line(expired) == (EXPIRED, LIMIT, False, True)
            # A range that the market is outside of
            client.send(2106, order(RANGE, base=far, slippage=1))
            outside = (await events(client, 2, 5))[1]
            assert line(outside) == (CANCELLED, RANGE, True, False)

    run(main())


def test_the_market_comes_to_waiting_orders_and_to_stops() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            ask = float(venue.face.quotes.ask(EURUSD))
            up = round_price(ask * 1.005)
            client.send(2106, order(STOP, stop=up, relative_target=300, label="stop"))
            client.send(2106, order(STOP_LIMIT, stop=up, slippage=5000, label="stop limit"))
            client.send(2106, order(side=SELL, relative_stop=500, label="short"))
            await eventually(lambda: len(client.of_kind(2126)) >= 5)
            venue.face.shock("EURUSD", 1.0)

            def happened(label: str, kind: int, order_kind: int) -> list[Envelope]:
                return [
                    one
                    for one in client.of_kind(2126)
                    if one.body.message(4).message(2).text(5) == label
                    and line(one) == (kind, order_kind, False, True)
                ]

            await eventually(lambda: happened("stop", FILLED, STOP), what="the stop order")
            await eventually(lambda: happened("stop limit", FILLED, STOP_LIMIT), what="the stop limit order")
            await eventually(lambda: happened("short", FILLED, PROTECTION), what="the stop loss")
            (hit,) = happened("short", FILLED, PROTECTION)
            assert (hit.body.message(4).num(3), hit.body.message(4).message(2).num(2)) == (CLOSED, 0)
            assert hit.body.message(6).message(16).num(2) < 0  # it cost money
            await eventually(lambda: happened("stop", ACCEPTED, PROTECTION), what="the target")
            venue.face.shock("EURUSD", 1.0)
            await eventually(lambda: happened("stop", FILLED, PROTECTION), what="the target's fill")

    run(main())


def test_a_trailing_stop_tells_its_moves() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            position = await opened(client, relative_stop=500, trailing=1)
            venue.face.shock("EURUSD", 0.5)
            moved = (await client.wait_for(2107))[-1].body
            assert moved.num(3) == position.num(1)
            assert moved.double(5) > position.double(6)
            held = (await client.ask(2124, {2: DEMO})).body.message(3)
            assert held.double(6) >= moved.double(5)
            assert held.num(16) == 1

    run(main())


def test_a_netted_account_turns_its_one_position() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in(NETTED)
            first = await opened(client, ctid=NETTED)
            since = len(client.of_kind(2126))
            client.send(2106, order(side=SELL, ctid=NETTED, volume=3 * MINI))
            await events(client, 3, since)
            (held,) = (await client.ask(2124, {2: NETTED})).body.messages(3)
            assert held.num(1) == first.num(1)
            assert (held.message(2).num(2), held.message(2).num(3)) == (2 * MINI, SELL)

    run(main())


def test_margin_questions_and_calls() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            expected = (await client.ask(2139, {2: DEMO, 3: EURUSD, 4: [MINI, 10 * MINI]})).body
            rows = expected.messages(3)
            assert [one.num(1) for one in rows] == [MINI, 10 * MINI]
            position = await opened(client, volume=10 * MINI)
            assert abs(position.num(13) - rows[1].num(2)) < 10
            calls = (await client.ask(2167, {2: DEMO})).body.messages(2)
            assert [one.num(1) for one in calls] == [61, 62, 63]
            update = await client.ask(2169, {2: DEMO, 3: {1: 61, 2: 150.0}})
            assert update.kind == 2170
            (changed,) = await client.wait_for(2171)
            assert changed.body.message(3).double(2) == 150.0
            leverage = (await client.ask(2177, {2: DEMO, 3: 2})).body.message(3)
            assert [one.num(2) for one in leverage.messages(2)] == [20_000, 10_000, 5_000]
            (profit,) = (await client.ask(2187, {2: DEMO})).body.messages(3)
            assert profit.num(1) == position.num(1)
            assert profit.num(3) == profit.num(2) + position.num(9)

    run(main())


def test_the_past_is_found_again() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in()
            position = await opened(client, label="past")
            since = len(client.of_kind(2126))
            client.send(2111, {2: DEMO, 3: position.num(1), 4: MINI})
            await events(client, 2, since)
            until = int(time.time() * 1000) + 1000
            deals = (await client.ask(2133, {2: DEMO, 3: 0, 4: until})).body
            closing, opening = deals.messages(3)
            assert deals.num(4) == 0
            assert closing.has(16)
            assert not opening.has(16)
            orders = (await client.ask(2175, {2: DEMO, 3: 0, 4: until})).body.messages(3)
            assert [one.message(2).text(5) for one in orders] == ["past", "past"]
            details = (await client.ask(2181, {2: DEMO, 3: opening.num(2)})).body
            assert details.message(4).num(1) == opening.num(1)
            offsets = (await client.ask(2185, {2: DEMO, 3: opening.num(1)})).body
            assert offsets.message(3).num(1) == closing.num(1)
            venue.face.forgive()
            by_position = (await client.ask(2179, {2: DEMO, 3: position.num(1)})).body.messages(3)
            assert [one.num(1) for one in by_position] == [closing.num(1), opening.num(1)]
            mine = (await client.ask(2183, {2: DEMO, 3: position.num(1)})).body.messages(3)
            assert [one.num(1) for one in mine] == [one.num(1) for one in orders]
            flow = (await client.ask(2143, {2: DEMO, 3: until - 600_000_000, 4: until})).body
            assert flow.message(3).num(4) == 1_000_000
            too_long = await client.ask(2143, {2: DEMO, 3: 0, 4: until})
            assert (too_long.kind, refusal(too_long)) == (2142, "INCORRECT_BOUNDARIES")

    run(main())


def test_the_live_account_trades_on_its_own_endpoint() -> None:
    async def main() -> None:
        async with world() as venue:
            client = await venue.signed_in(LIVE, which="live")
            position = await opened(client, ctid=LIVE, side=SELL)
            assert position.message(2).num(3) == SELL
            assert (await client.ask(2121, {2: LIVE})).body.message(3).num(2) == 250_000

    run(main())
