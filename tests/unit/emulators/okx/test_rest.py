"""The practice OKX's REST calls: signatures, lists, bars, refusals, pages."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from terminal.emulators.okx.auth import sign as venue_sign
from terminal.emulators.okx.errors import TEXTS, OkxError
from tests.helpers import run
from tests.unit.emulators.okx.client import sign, venue

SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
BALANCE = "2020-12-08T09:08:57.715ZGET/api/v5/account/balance"
ORDER = (
    '2020-12-08T09:08:57.715ZPOST/api/v5/trade/order{"instId":"BTC-USDT","tdMode":"cash","clOrdId":"b15",'
    '"side":"buy","ordType":"limit","px":"2.15","sz":"2"}'
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BALANCE, "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw="),
        (BALANCE + "?ccy=BTC", "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="),
        (ORDER, "dI6rrL9rXW/HdaPKJ/6LC1OgvH4/PYju6R3CqixMTNQ="),
        ("1538054050GET/users/self/verify", "+LdIr8lkkvhr5hoA3g9TMC0+uQJ849ftAcocA/ouu4M="),
    ],
)
def test_signatures_of_the_reference(text: str, expected: str) -> None:
    assert venue_sign(SECRET, text.encode()) == expected
    assert sign(SECRET, text) == expected


def test_lists_prices_and_bars_are_texts_that_agree() -> None:
    async def main() -> None:
        async with venue() as v:
            spot = await v.rows("public/instruments", instType="SPOT")
            swaps = {one["instId"]: one for one in await v.rows("public/instruments", instType="SWAP")}
            assert len(spot) >= 10
            assert {one["quoteCcy"] for one in spot} == {"USDT"}
            assert swaps["BTC-USDT-SWAP"]["ctVal"] == "0.01"
            assert swaps["BTC-USD-SWAP"]["ctType"] == "inverse"
            assert isinstance(spot[0]["instIdCode"], int)
            (ticker,) = await v.rows("market/ticker", instId="BTC-USDT")
            assert all(isinstance(value, str) for value in ticker.values())
            assert Decimal(ticker["bidPx"]) < Decimal(ticker["askPx"])
            (book,) = await v.rows("market/books", instId="BTC-USDT", sz="5")
            assert [len(book[side]) for side in ("asks", "bids")] == [5, 5]
            assert len(book["asks"][0]) == 4
            assert (await v.public("market/ticker", instId="NO-PAIR"))["code"] == "51001"
            assert (await v.public("market/candles", instId="BTC-USDT", bar="7m"))["code"] == "51000"
            for bar, hour in (("1D", 16), ("1Dutc", 0), ("6H", 4)):
                rows = await v.rows("market/candles", instId="ETH-USDT", bar=bar, limit="3")
                opened = datetime.fromtimestamp(int(rows[1][0]) / 1000, UTC)
                assert opened.hour % (24 if bar != "6H" else 6) == hour, (bar, opened)
                assert [row[8] for row in rows] == ["0", "1", "1"]
            trades = await v.rows("market/trades", instId="BTC-USDT", limit="100")
            minute = int(trades[0]["ts"]) // 60_000 * 60_000 - 300_000
            ends = {"after": str(minute + 60_000), "before": str(minute - 1)}
            inside: list[Any] = []
            while not inside or len(inside) % 100 == 0:  # a lively minute has more than one page
                page = {**ends, "after": inside[-1]["ts"] if inside else ends["after"]}
                inside += await v.rows(
                    "market/history-trades", instId="BTC-USDT", type="2", limit="100", **page
                )
            (bar_row,) = await v.rows("market/candles", instId="BTC-USDT", **ends)
            prices = [Decimal(row["px"]) for row in inside]
            assert [prices[-1], max(prices), min(prices), prices[0]] == [Decimal(one) for one in bar_row[1:5]]
            assert sum(Decimal(row["sz"]) for row in inside) == Decimal(bar_row[5])
            assert Decimal(bar_row[6]) == Decimal(bar_row[7])
            older = await v.rows("market/candles", instId="BTC-USDT", after=trades[0]["ts"], limit="300")
            assert len({row[0] for row in older}) == 300
            seconds = await v.rows("market/history-candles", instId="BTC-USDT", bar="1s", limit="10")
            stamps = [int(row[0]) for row in seconds]
            assert stamps == list(range(stamps[0], stamps[0] - 10_000, -1000))
            (rate,) = await v.rows("public/funding-rate", instId="BTC-USDT-SWAP")
            past = await v.rows("public/funding-rate-history", instId="BTC-USDT-SWAP", limit="3")
            assert past[0]["fundingRate"] == rate["settFundingRate"]

    run(main())


def test_signature_clock_passphrase_and_environment_are_checked() -> None:
    async def main() -> None:
        async with venue(live=False) as v:

            async def refused(status: int, code: str, **terms: Any) -> None:
                answer = await v.send("GET", "account/balance", **terms)
                assert (answer.status_code, answer.json()["code"]) == (status, code)
                assert answer.json()["data"] == []

            now = datetime.now(UTC)
            assert (await v.send("GET", "account/balance", at=now - timedelta(seconds=25))).status_code == 200
            await refused(401, "50102", at=now - timedelta(seconds=40))
            await refused(401, "50113", headers={"OK-ACCESS-SIGN": "bm90aGluZw=="})
            await refused(401, "50105", headers={"OK-ACCESS-PASSPHRASE": "wrong"})
            await refused(401, "50111", headers={"OK-ACCESS-KEY": "unknown"})
            await refused(401, "50112", headers={"OK-ACCESS-TIMESTAMP": "yesterday"})
            await refused(401, "50103", headers={"OK-ACCESS-KEY": ""})
            await refused(401, "50101", headers={"x-simulated-trading": ""})
            await refused(401, "50101", key="production")
            assert len(await v.get("account/balance", ccy="BTC,USDT")) == 1
            order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": "10"}
            assert (await v.post("trade/order", order, key="read-only"))["code"] == "50120"
            answer = await v.send("GET", "account/nothing")
            assert (answer.status_code, answer.json()["code"]) == (410, "50005")
            answer = await v.send("GET", "account/set-leverage")
            assert (answer.status_code, answer.json()["code"]) == (405, "50115")
            answer = await v.send("POST", "trade/order", body="{")
            assert (answer.status_code, answer.json()["code"]) == (400, "50002")
            answer = await v.send("POST", "trade/order", body=order, headers={"Content-Type": "text/plain"})
            assert (answer.status_code, answer.json()["code"]) == (400, "50006")

    run(main())


def test_refusals_carry_their_codes() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            bid, _ = v.best()
            limit = {"side": "buy", "ordType": "limit", "px": str(bid - 50), "sz": "0.01"}
            for change, code in (
                ({"sz": "0.000001"}, "51020"),
                ({"sz": "0.0100000001"}, "51121"),
                ({"px": str(bid) + "3"}, "51150"),
                ({"sz": "1000"}, "51008"),
                ({"side": "sell", "sz": "5", "px": str(bid + 50)}, "51008"),
                ({"clOrdId": "with-hyphen"}, "51000"),
                ({"tdMode": "cross"}, "51010"),
                ({"sz": 0.01}, "51000"),
                ({"px": str(bid * 2)}, "51006"),
                ({"instId": "NO-PAIR"}, "51001"),
                ({"ordType": "strange"}, "51000"),
            ):
                assert await v.refusal(**{**limit, **change}) == code, change
            swap = {
                "instId": "BTC-USDT-SWAP",
                "tdMode": "cross",
                "side": "buy",
                "ordType": "market",
                "sz": "1",
            }
            assert await v.refusal(**swap, reduceOnly=True) == "51169"
            assert await v.refusal(**{**swap, "sz": "1000"}) == "51008"
            answer = await v.post("trade/order", {**swap, "clOrdId": "x1"}, key="spot-mode")
            assert answer["data"][0]["sCode"] == "51010"
            bad, good = (
                {**limit, "instId": "BTC-USDT", "tdMode": "cash", "sz": "99"},
                {
                    **limit,
                    "instId": "BTC-USDT",
                    "tdMode": "cash",
                },
            )
            for rows, code, states in (
                ([bad, bad], "1", ["51008", "51008"]),
                ([bad, good], "2", ["51008", "0"]),
                ([good, good], "0", ["0", "0"]),
            ):
                answer = await v.post("trade/batch-orders", rows)
                assert (answer["code"], [row["sCode"] for row in answer["data"]]) == (code, states)
            await v.control("fault", kind="batch_partial", index=1)
            answer = await v.post("trade/batch-orders", [good, good])
            assert (answer["code"], answer["data"][1]["sCode"]) == ("2", "50026")

    run(main())


def test_a_canceled_order_without_a_fill_leaves_the_history_after_two_hours() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            bid, _ = v.best()
            placed = await v.place(side="buy", ordType="limit", px=str(bid - 50), sz="0.001")
            await v.act("trade/cancel-order", {"instId": "BTC-USDT", "ordId": placed["ordId"]})
            assert len(await v.get("trade/orders-history", instType="SPOT")) == 1
            order = v.host.okx.desk.orders[int(placed["ordId"])]
            assert order.closed_ns is not None
            order.closed_ns -= 7_201 * 10**9
            assert await v.get("trade/orders-history", instType="SPOT") == []
            gone = await v.send("GET", "trade/order", instId="BTC-USDT", ordId=placed["ordId"])
            assert gone.json()["code"] == "51603"

    run(main())


def test_lists_are_paged_by_their_ids() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            for _ in range(7):
                await v.place(side="buy", ordType="market", sz="20")
            rows = await v.get("trade/orders-history", instType="SPOT")
            ids = [int(row["ordId"]) for row in rows]
            assert ids == sorted(ids, reverse=True)
            older = await v.get("trade/orders-history", instType="SPOT", after=str(ids[2]), limit="2")
            assert [int(row["ordId"]) for row in older] == ids[3:5]
            nearest = await v.get("trade/orders-history", instType="SPOT", before=str(ids[5]), limit="2")
            assert [int(row["ordId"]) for row in nearest] == ids[3:5]
            assert (await v.send("GET", "trade/orders-history")).json()["code"] == "50014"
            bills = [int(row["billId"]) for row in await v.get("trade/fills-history", instType="SPOT")]
            page = await v.get("trade/fills", after=str(bills[0]), limit="3")
            assert [int(row["billId"]) for row in page] == bills[1:4]

    run(main())


def test_cancel_all_after_asks_for_a_possible_time() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            assert (await v.post("trade/cancel-all-after", {"timeOut": "5"}))["code"] == "51000"
            await v.control("forgive")
            armed = await v.act("trade/cancel-all-after", {"timeOut": "10"})
            assert int(armed["triggerTime"]) > time.time() * 1000 + 8_000
            bid, _ = v.best()
            placed = await v.place(side="buy", ordType="limit", px=str(bid - 50), sz="0.001")
            v.host.okx.trade_calls._cancel_all(v.host.okx.first, "")
            (row,) = await v.get("trade/order", instId="BTC-USDT", ordId=placed["ordId"])
            assert (row["state"], row["cancelSource"]) == ("canceled", "20")
            await v.control("forgive")
            off = await v.act("trade/cancel-all-after", {"timeOut": "0"})
            assert off["triggerTime"] == "0"
            await asyncio.sleep(0)

    run(main())


def test_what_an_order_ticket_asks_for() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            (config,) = await v.get("account/config")
            assert (config["acctLv"], config["posMode"], config["perm"]) == (
                "2",
                "net_mode",
                "read_only,trade",
            )
            (spot_mode,) = await v.get("account/config", key="spot-mode")
            assert spot_mode["acctLv"] == "1"
            (fee,) = await v.get("account/trade-fee", instType="SPOT", instId="BTC-USDT")
            assert (fee["maker"], fee["taker"]) == ("-0.0008", "-0.001")
            (size,) = await v.get("account/max-size", instId="BTC-USDT", tdMode="cash")
            _, ask = v.best()
            assert abs(Decimal(size["maxBuy"]) * ask - 10_000) < 100
            assert size["maxSell"] == "0.25"
            (free,) = await v.get("account/max-avail-size", instId="BTC-USDT", tdMode="cash")
            assert (free["availBuy"], free["availSell"]) == ("10000", "0.25")
            lever = {"instId": "BTC-USDT-SWAP", "lever": "7", "mgnMode": "cross"}
            assert (await v.act("account/set-leverage", lever))["lever"] == "7"
            (told,) = await v.get("account/leverage-info", instId="BTC-USDT-SWAP", mgnMode="cross")
            assert told["lever"] == "7"
            too_much = await v.post("account/set-leverage", {**lever, "lever": "101"})
            assert too_much["code"] == "59102"
            refused = await v.post("account/set-leverage", lever, key="spot-mode")
            assert refused["code"] == "51010"
            more = {"type": "increase", "adjustments": [{"ccy": "USDT", "amt": "500"}]}
            await v.act("account/demo-adjust-balance", more)
            (row,) = await v.get("account/balance", ccy="USDT")
            assert row["details"][0]["availBal"] == "10500"
            assert len(await v.get("account/instruments", instType="SWAP")) == 4
            assert len(await v.rows("public/funding-rate", instId="ANY")) == 4
            assert await v.get("asset/balances") == []

    run(main())


def test_the_record_has_stop_orders_by_our_id_and_the_buckets_that_were_used() -> None:
    async def main() -> None:
        async with venue() as v:
            stop = {
                "instId": "BTC-USDT",
                "tdMode": "cash",
                "side": "sell",
                "ordType": "conditional",
                "sz": "0.001",
                "algoClOrdId": "stop1",
                "slTriggerPx": "1000",
                "slOrdPx": "-1",
            }
            await v.act("trade/order-algo", stop)
            record = (await v.control("record"))["okx"]
            assert record["requests"] == [{"by": "rest", "method": "trade/order-algo", "clOrdIds": ["stop1"]}]
            used = {row["key"][1]: row["used"] for row in record["buckets"]}
            assert 0 <= used["trade/order-algo"] <= 1

    run(main())


def test_a_cancel_all_after_can_be_made_to_pass_quickly() -> None:
    async def main() -> None:
        async with venue() as v:
            await v.control("limits", timer_rate=100)
            placed = await v.place(side="buy", ordType="limit", px="1000", sz="0.01")
            begun = time.monotonic()
            await v.post("trade/cancel-all-after", {"timeOut": "10"})
            state = "live"
            while state == "live" and time.monotonic() - begun < 9:
                await asyncio.sleep(0.02)
                (row,) = await v.get("trade/order", instId="BTC-USDT", ordId=placed["ordId"])
                state = row["state"]
            assert (state, row["cancelSource"]) == ("canceled", "20")

    run(main())


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_every_code_can_be_ordered_as_a_fault(code: str) -> None:
    assert "{0}" not in OkxError(code).text


def test_the_record_has_stop_orders_that_were_canceled_too() -> None:
    async def main() -> None:
        async with venue() as v:
            stop = {"instId": "BTC-USDT", "tdMode": "cash", "side": "sell", "ordType": "conditional"}
            legs = {"sz": "0.001", "algoClOrdId": "stop2", "slTriggerPx": "1000", "slOrdPx": "-1"}
            placed = await v.act("trade/order-algo", {**stop, **legs})
            await v.act("trade/cancel-algos", [{"instId": "BTC-USDT", "algoId": placed["algoId"]}])
            (row,) = (await v.control("record"))["okx"]["algos"]
            assert (row["algoClOrdId"], row["state"]) == ("stop2", "canceled")

    run(main())
