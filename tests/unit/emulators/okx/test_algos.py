"""Stop orders amended at the practice OKX: every kind by its own terms, and what cannot be."""

from __future__ import annotations

from typing import Any

from tests.helpers import run
from tests.unit.emulators.okx.client import Stream, Venue, venue

STOP = {"instId": "BTC-USDT", "tdMode": "cash", "side": "sell", "sz": "0.01"}


async def amend(v: Venue, placed: dict[str, Any], **terms: Any) -> dict[str, Any]:
    """The row of an answer to amend-algos."""
    body = {"instId": "BTC-USDT", "algoId": placed["algoId"], **terms}
    answer = await v.post("trade/amend-algos", body)
    (row,) = answer["data"]
    assert answer["code"] == ("0" if row["sCode"] == "0" else "1")
    return dict(row)


async def told(stream: Stream, request_id: str) -> dict[str, Any]:
    """What ``orders-algo`` tells of an amendment."""
    message = await stream.data("orders-algo", lambda row: row["reqId"] == request_id)
    return dict(message["data"][0])


def test_stops_and_triggers_are_moved_and_fire_where_they_stand_now() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.stream("business") as stream:
            assert (await stream.login())["event"] == "login"
            await stream.subscribe("orders-algo", instType="ANY")
            bid, _ = v.best()
            await v.control("trade", symbol="BTC-USDT", side="sell", through=str(bid))
            bid, _ = v.best()
            low, lower = str(bid - 60), str(bid - 4000)
            stop = {**STOP, "ordType": "conditional", "slTriggerPx": low, "slOrdPx": "-1"}
            first = await v.act("trade/order-algo", stop)
            row = await amend(v, first, newSlTriggerPx=lower, newSz="0.02", reqId="a1")
            assert (row["sCode"], row["reqId"], row["algoId"]) == ("0", "a1", first["algoId"])
            pushed = await told(stream, "a1")
            assert (pushed["slTriggerPx"], pushed["sz"], pushed["amendResult"]) == (lower, "0.02", "0")
            trigger = {**STOP, "ordType": "trigger", "triggerPx": lower, "orderPx": "-1"}
            second = await v.act("trade/order-algo", {**trigger, "algoClOrdId": "mine1"})
            row = await amend(v, {"algoId": ""}, algoClOrdId="mine1", newTriggerPx=low, reqId="a2")
            assert (row["sCode"], row["algoId"], row["algoClOrdId"]) == ("0", second["algoId"], "mine1")
            assert (await told(stream, "a2"))["triggerPx"] == low
            await v.control("trade", symbol="BTC-USDT", side="sell", through=str(bid - 90))
            fired = await stream.data("orders-algo", lambda one: one["state"] == "effective")
            # The stop went further down, so the trigger alone has fired.
            assert fired["data"][0]["algoId"] == second["algoId"]
            (waiting,) = await v.get("trade/orders-algo-pending", ordType="conditional")
            assert (waiting["algoId"], waiting["reqId"]) == (first["algoId"], "")
            assert (await amend(v, second, newTriggerPx=low))["sCode"] == "51503"

    run(main())


def test_a_leg_of_a_pair_is_taken_out_and_a_trail_gets_another_distance() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            bid, ask = v.best()
            levels = {"tpTriggerPx": str(ask + 900), "tpOrdPx": "-1", "slTriggerPx": str(bid - 900)}
            pair = await v.act("trade/order-algo", {**STOP, "ordType": "oco", **levels, "slOrdPx": "-1"})
            assert (await amend(v, pair, newTpOrdPx=str(ask + 890)))["sCode"] == "0"
            (row,) = await v.get("trade/orders-algo-pending", ordType="oco")
            assert (row["tpOrdPx"], row["slOrdPx"]) == (str(ask + 890), "-1")
            assert (await amend(v, pair, newTpTriggerPx="0"))["sCode"] == "0"
            assert await v.get("trade/orders-algo-pending", ordType="oco") == []
            (row,) = await v.get("trade/orders-algo-pending", ordType="conditional")
            assert (row["tpTriggerPx"], row["tpOrdPx"], row["slTriggerPx"]) == ("", "", str(bid - 900))
            assert (await amend(v, pair, newSlTriggerPx="0"))["sCode"] == "51000"
            trail = await v.act(
                "trade/order-algo", {**STOP, "ordType": "move_order_stop", "callbackRatio": "0.05"}
            )
            assert (await amend(v, trail, newCallbackSpread="700"))["sCode"] == "0"
            (row,) = await v.get("trade/orders-algo-pending", ordType="move_order_stop")
            assert (row["callbackRatio"], row["callbackSpread"]) == ("", "700")

    run(main())


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "nothing": ({}, "51500"),
    "another kind's field": ({"newTriggerPx": "9"}, "51506"),
    "a leg that it has not": ({"newTpTriggerPx": "200000"}, "51506"),
    "no price": ({"newSlTriggerPx": "x"}, "51000"),
    "no size": ({"newSz": "-1"}, "51000"),
    "a price kind": ({"newSlTriggerPxType": "worst"}, "51000"),
}


def test_what_cannot_be_amended_changes_nothing() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            bid, _ = v.best()
            stop = {**STOP, "ordType": "conditional", "slTriggerPx": str(bid - 900), "slOrdPx": "-1"}
            for case, (terms, code) in REFUSED.items():
                v.host.okx.forgive()
                placed = await v.act("trade/order-algo", stop)
                assert (await amend(v, placed, **terms))["sCode"] == code, case
                (row,) = await v.get("trade/order-algo", algoId=placed["algoId"])
                assert (row["slTriggerPx"], row["sz"], row["state"]) == (str(bid - 900), "0.01", "live"), case
                # With cxlOnFail a refusal is its end.
                assert (await amend(v, placed, **terms, cxlOnFail=True))["sCode"] == code, case
                (row,) = await v.get("trade/order-algo", algoId=placed["algoId"])
                assert (row["state"], row["amendResult"]) == ("canceled", "1"), case
            assert (await amend(v, {"algoId": "1"}, newSz="1"))["sCode"] == "51503"
            assert (await amend(v, {"algoId": ""}, newSz="1"))["sCode"] == "50014"

    run(main())


def test_ended_stops_are_listed_by_number_and_paged() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            stop = {**STOP, "ordType": "conditional", "slTriggerPx": "900", "slOrdPx": "-1"}
            placed = [(await v.act("trade/order-algo", stop))["algoId"] for _ in range(4)]
            for number in placed:
                await v.act("trade/cancel-algos", [{"algoId": number, "instId": "BTC-USDT"}])
            past = {"path": "trade/orders-algo-history", "ordType": "conditional"}

            async def numbers(**terms: str) -> list[str]:
                return [row["algoId"] for row in await v.get(**past, **terms)]

            assert await numbers(state="canceled") == placed[::-1]
            assert await numbers(state="effective") == []
            assert await numbers(algoId=placed[1]) == [placed[1]]
            assert await numbers(after=placed[2], limit="1") == [placed[1]]
            # The nearest newer ones, not the newest of all.
            assert await numbers(before=placed[0], limit="2") == [placed[2], placed[1]]

    run(main())
