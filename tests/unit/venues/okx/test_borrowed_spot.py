"""Spot bought or sold on credit (MARGIN): told as positions with what is owed, and closed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.account import Position
from terminal.domain.errors import OutcomeUnknown, RequestRejected, Unsupported
from terminal.domain.events import PositionReported
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, Protection, TimeInForce
from terminal.venues.base import SubmitAck
from tests.helpers import eventually, run
from tests.unit.venues.okx.fakes import Desk, desk, order_row, taken

D = Decimal
SPOT = InstrumentId("okx", "BTC/USDT")
LONG: dict[str, Any] = {
    "instId": "BTC-USDT",
    "instType": "MARGIN",
    "posId": "41",
    "posSide": "net",
    "mgnMode": "isolated",
    "pos": "0.00998000057",
    "posCcy": "BTC",
    "liab": "-250.5",
    "liabCcy": "USDT",
    "avgPx": "30020",
    "upl": "1.5",
    "margin": "50",
    "lever": "5",
    "liqPx": "25900.5",
    "ccy": "USDT",
    "cTime": "1789999999000",
    "uTime": "1790000000000",
}
SHORT: dict[str, Any] = {
    **LONG,
    "posId": "42",
    "mgnMode": "cross",
    "pos": "300.2",
    "posCcy": "USDT",
    "liab": "-0.01002",
    "liabCcy": "BTC",
    "margin": "",
    "imr": "61",
}


async def hold(found: Desk, row: dict[str, Any]) -> Position:
    arg = {"channel": "positions", "instType": "ANY"}
    count = len(found.events.of(PositionReported))
    await found.venue.push("private", {"arg": arg, "eventType": "event_update", "data": [row]})
    await eventually(lambda: len(found.events.of(PositionReported)) > count, what="the position")
    told: Position = found.events.of(PositionReported)[-1].position
    return told


def closing(position: Position, **terms: Any) -> OrderRequest:
    request = OrderRequest(
        SPOT,
        position.side.opposite,
        OrderType.MARKET,
        position.quantity,
        position_id=position.position_id,
        reduce_only=True,
    )
    return replace(request, **terms)


def test_a_long_and_a_short_are_told_with_what_is_owed() -> None:
    async def main() -> None:
        async with desk() as found:
            long = await hold(found, LONG)
            assert (long.instrument, long.side, long.margin_mode) == (SPOT, Side.BUY, "isolated")
            assert long.quantity == D("0.00998"), "odd ends are not counted"
            assert (long.borrowed, long.borrowed_asset) == (D("250.5"), "USDT")
            assert (long.margin, long.leverage, long.currency) == (D(50), D(5), "USDT")
            short = await hold(found, SHORT)
            assert (short.side, short.quantity) == (Side.SELL, D("0.01002")), "what has to be bought back"
            assert (short.borrowed, short.borrowed_asset, short.margin) == (D("0.01002"), "BTC", D(61))
            assert short.average_price == D(30020)
            ended = await hold(found, {**LONG, "pos": "0", "uTime": "1790000000500"})
            assert (ended.position_id, ended.quantity) == ("41", D(0))

    run(main())


def test_a_contract_owes_nothing() -> None:
    async def main() -> None:
        async with desk() as found:
            row = {
                **LONG,
                "instId": "BTC-USDT-SWAP",
                "instType": "SWAP",
                "pos": "4",
                "liab": "",
                "posCcy": "",
            }
            position = await hold(found, row)
            assert (position.borrowed, position.borrowed_asset) == (None, "")

    run(main())


def test_all_of_it_is_closed_by_okxs_own_call_and_the_order_asked_for() -> None:
    async def main() -> None:
        async with desk() as found:
            for row, body in (
                (LONG, {"mgnMode": "isolated", "ccy": "USDT"}),
                (SHORT, {"mgnMode": "cross", "ccy": "USDT"}),
            ):
                found.http.replies["/api/v5/trade/close-position"] = lambda call: [call.body]
                found.http.replies["/api/v5/trade/order"] = lambda call: [
                    order_row(ordId="900", clOrdId=call.query["clOrdId"])
                ]
                ack = await found.connector.submit(closing(await hold(found, row)), "c1")
                assert ack == SubmitAck("900")
                assert found.http.named("close-position")[-1].body == {
                    "instId": "BTC-USDT",
                    "clOrdId": "c1",
                    **body,
                }
            assert not found.venue.asked("private", "order")

    run(main())


def test_a_close_that_is_not_answered_is_in_doubt_and_a_no_is_one() -> None:
    async def main() -> None:
        async with desk() as found:
            position = await hold(found, LONG)
            found.http.replies["/api/v5/trade/close-position"] = lambda call: [call.body]
            found.http.replies["/api/v5/trade/order"] = ("51603", "Order does not exist")
            with pytest.raises(OutcomeUnknown):
                await found.connector.submit(closing(position), "c1")
            found.http.replies["/api/v5/trade/close-position"] = ("51023", "Position doesn't exist")
            with pytest.raises(RequestRejected):
                await found.connector.submit(closing(position), "c2")
            assert len(found.http.named("close-position")) == 2

    run(main())


def test_a_part_is_closed_by_an_order_that_only_reduces() -> None:
    async def main() -> None:
        async with desk() as found:
            found.venue.answers["order"] = taken("901")
            long, short = await hold(found, LONG), await hold(found, SHORT)
            part = D("0.005")
            assert await found.connector.submit(closing(long, quantity=part), "c1") == SubmitAck("901")
            (arg,) = found.venue.asked("private", "order")[-1]["args"]
            assert arg == {
                "instIdCode": 1000000000,
                "tdMode": "isolated",
                "ccy": "USDT",
                "side": "sell",
                "clOrdId": "c1",
                "ordType": "market",
                "sz": "0.005",
                "reduceOnly": True,
            }
            limit = {"order_type": OrderType.LIMIT, "limit_price": D(29000)}
            await found.connector.submit(closing(short, quantity=part, **limit), "c2")
            (arg,) = found.venue.asked("private", "order")[-1]["args"]
            assert (arg["tdMode"], arg["side"], arg["ordType"], arg["px"], arg["sz"]) == (
                *("cross", "buy", "limit", "29000", "0.005"),
            )
            # A market buy would be counted in quote: it is said, not sent.
            refused = [
                closing(short, quantity=part),
                closing(long, order_type=OrderType.STOP, trigger_price=D(1)),
                closing(long, **limit, time_in_force=TimeInForce.DAY),
                closing(long, **limit, protection=Protection(D(1))),
            ]
            for request in refused:
                with pytest.raises(Unsupported):
                    await found.connector.submit(request, "c3")
            with pytest.raises(Unsupported):
                await found.connector.protect("41", "BTC/USDT", Protection(stop_loss=D(1)))
            assert len(found.venue.asked("private", "order")) == 2
            assert not found.http.named("close-position")

    run(main())


def test_a_spot_order_beside_it_is_still_paid_in_full() -> None:
    async def main() -> None:
        async with desk() as found:
            found.venue.answers["order"] = taken("1")
            await hold(found, LONG)
            buy = OrderRequest(SPOT, Side.BUY, OrderType.LIMIT, D("0.01"), limit_price=D(30000))
            await found.connector.submit(buy, "a1")
            (arg,) = found.venue.asked("private", "order")[-1]["args"]
            assert arg["tdMode"] == "cash"
            assert "reduceOnly" not in arg

    run(main())
