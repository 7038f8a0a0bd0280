"""The practice OKX over real sockets: calls, signatures, orders, books, positions, stops."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from terminal.emulators.okx.auth import sign as venue_sign
from tests.helpers import eventually, run
from tests.unit.emulators.okx.client import Stream, sign, venue

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
            inside = await v.rows("market/history-trades", instId="BTC-USDT", type="2", limit="100", **ends)
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
            answer = await v.send("POST", "trade/order", body="{")
            assert (answer.status_code, answer.json()["code"]) == (400, "50002")
            answer = await v.send("POST", "trade/order", body=order, headers={"Content-Type": "text/plain"})
            assert (answer.status_code, answer.json()["code"]) == (400, "50006")

    run(main())


def test_orders_rest_change_and_leave_as_the_channel_tells() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders", "account") as stream:
            snapshot = await stream.data("account")
            assert snapshot["eventType"] == "snapshot"
            assert snapshot["lastPage"] is True
            assert not [one for one in stream.seen if "orders" in str(one) and "data" in one]
            bid, ask = v.best()
            placed = await v.place(side="buy", ordType="limit", px=str(bid - 50), sz="0.01")
            live = await stream.order("live", placed["clOrdId"])
            assert (live["ordId"], live["accFillSz"], live["sz"]) == (placed["ordId"], "0", "0.01")
            held = await stream.data("account", lambda row: row["details"][0]["ordFrozen"] != "0")
            assert held["data"][0]["details"][0]["ccy"] == "USDT"
            assert await v.refusal(
                side="buy", ordType="limit", px=str(bid), sz="0.01", clOrdId=placed["clOrdId"]
            ) == ("51016")
            which = {"instId": "BTC-USDT", "ordId": placed["ordId"]}
            changed = await v.act("trade/amend-order", {**which, "newSz": "0.02", "reqId": "q1"})
            assert changed["reqId"] == "q1"
            row = (await stream.data("orders", lambda row: row.get("reqId") == "q1"))["data"][0]
            assert (row["sz"], row["amendResult"]) == ("0.02", "0")
            (pending,) = await v.get("trade/orders-pending", instType="SPOT")
            assert (pending["sz"], pending["state"]) == ("0.02", "live")
            await v.act("trade/cancel-order", {"instId": "BTC-USDT", "clOrdId": placed["clOrdId"]})
            gone = await stream.order("canceled", placed["clOrdId"])
            assert gone["cancelSource"] == "1"
            again = await v.post("trade/cancel-order", which)
            assert (again["code"], again["data"][0]["sCode"]) == ("1", "51400")
            assert (await v.get("trade/order", **which))[0]["state"] == "canceled"
            assert (await v.send("GET", "trade/order", instId="BTC-USDT", clOrdId="no")).json()[
                "code"
            ] == "51603"
            kinds = {"post_only": "31", "ioc": "14", "fok": "13"}
            for kind, source in kinds.items():
                price = ask + 20 if kind == "post_only" else bid - 50
                size = "0.001"
                placed = await v.place(side="buy", ordType=kind, px=str(price), sz=size)
                assert (await stream.order("live", placed["clOrdId"]))["accFillSz"] == "0"
                assert (await stream.order("canceled", placed["clOrdId"]))["cancelSource"] == source
            await v.control("fault", kind="post_only_quiet")
            placed = await v.place(side="buy", ordType="post_only", px=str(ask + 20), sz="0.001")
            await stream.order("canceled", placed["clOrdId"])
            assert not [one for one in stream.seen if placed["clOrdId"] in str(one) and "live" in str(one)]

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


def test_market_orders_count_quote_for_buys_and_base_for_sells() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders", "balance_and_position") as stream:
            _, ask = v.best()
            placed = await v.place(side="buy", ordType="market", sz="200")
            part = await stream.order("partially_filled", placed["clOrdId"])
            assert (part["execType"], part["tgtCcy"]) == ("T", "quote_ccy")
            done = await stream.order("filled", placed["clOrdId"])
            assert (done["fillSz"], done["tradeId"], done["sz"]) == ("0", "", "200")
            bought = Decimal(done["accFillSz"])
            assert 0 <= 200 - bought * Decimal(done["avgPx"]) < ask * Decimal("0.00000002")
            (fill, *_) = await v.get("trade/fills", ordId=placed["ordId"])
            assert (fill["feeCcy"], fill["side"], fill["execType"]) == ("BTC", "buy", "T")
            assert Decimal(done["fee"]) == -bought * Decimal("0.001")
            both = await stream.data("balance_and_position", lambda row: row["eventType"] == "filled")
            assert {row["ccy"] for row in both["data"][0]["balData"]} == {"BTC", "USDT"}
            (details,) = [row["details"] for row in await v.get("account/balance", ccy="BTC")]
            assert Decimal(details[0]["cashBal"]) == Decimal("0.25") + bought + Decimal(done["fee"])
            placed = await v.place(side="sell", ordType="market", sz="0.002")
            done = await stream.order("filled", placed["clOrdId"])
            assert (done["accFillSz"], done["feeCcy"], done["tgtCcy"]) == ("0.002", "USDT", "base_ccy")
            placed = await v.place(side="buy", ordType="market", sz="0.003", tgtCcy="base_ccy")
            assert (await stream.order("filled", placed["clOrdId"]))["accFillSz"] == "0.003"

    run(main())


def test_a_position_opens_flips_and_closes_in_net_mode() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders", "positions") as stream:
            swap = {"instId": "ETH-USDT-SWAP", "tdMode": "cross", "ordType": "market"}
            await v.act(
                "account/set-leverage", {"instId": "ETH-USDT-SWAP", "lever": "10", "mgnMode": "cross"}
            )
            await v.place(**swap, side="buy", sz="2")
            row = (await stream.data("positions", lambda row: row.get("pos") == "2"))["data"][0]
            assert (row["posSide"], row["lever"], row["ccy"]) == ("net", "10", "USDT")
            assert Decimal(row["liqPx"] or "0") < Decimal(row["markPx"])
            await v.place(**swap, side="sell", sz="3")
            row = (await stream.data("positions", lambda row: row.get("pos") == "-1"))["data"][0]
            assert await v.refusal(**swap, side="sell", sz="1", reduceOnly=True) == "51170"
            assert (await v.post("account/set-position-mode", {"posMode": "long_short_mode"}))[
                "code"
            ] == "59000"
            await v.act("trade/close-position", {"instId": "ETH-USDT-SWAP", "mgnMode": "cross"})
            await stream.data("positions", lambda row: row.get("pos") == "0")
            assert await v.get("account/positions") == []
            assert (await v.post("trade/close-position", {"instId": "ETH-USDT-SWAP", "mgnMode": "cross"}))[
                "code"
            ] == ("51023")
            fills = await v.get("trade/fills", instType="SWAP")
            change = sum((Decimal(one["fillPnl"]) + Decimal(one["fee"]) for one in fills), start=Decimal(0))
            (details,) = [one["details"] for one in await v.get("account/balance", ccy="USDT")]
            assert abs(Decimal(details[0]["cashBal"]) - 10_000 - change) < Decimal("0.00000001")

    run(main())


def test_long_and_short_apart_and_an_inverse_swap() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            await v.act("account/set-position-mode", {"posMode": "long_short_mode"})
            swap = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "ordType": "market", "sz": "1"}
            assert await v.refusal(**swap, side="buy") == "51000"
            await v.place(**swap, side="buy", posSide="long")
            await v.place(**swap, side="sell", posSide="short")
            inverse = {**swap, "instId": "BTC-USD-SWAP", "sz": "20"}
            await v.place(**inverse, side="sell", posSide="short")
            rows = {(row["instId"], row["posSide"]): row for row in await v.get("account/positions")}
            assert {key: row["pos"] for key, row in rows.items()} == {
                ("BTC-USDT-SWAP", "long"): "1",
                ("BTC-USDT-SWAP", "short"): "1",
                ("BTC-USD-SWAP", "short"): "20",
            }
            assert rows["BTC-USD-SWAP", "short"]["ccy"] == "BTC"
            await v.control("shock", symbol="BTC-USD-SWAP", percent=-10)
            (row,) = await v.get("account/positions", instId="BTC-USD-SWAP")
            entry, mark = Decimal(row["avgPx"]), Decimal(row["markPx"])
            assert abs(Decimal(row["upl"]) - 2000 * (1 / mark - 1 / entry)) < Decimal("1e-9")
            assert Decimal(row["upl"]) > 0
            before = (await v.get("account/balance", ccy="BTC"))[0]["details"][0]["cashBal"]
            await v.control("fault", kind="funding")
            (row,) = await v.get("account/positions", instId="BTC-USD-SWAP")
            after = (await v.get("account/balance", ccy="BTC"))[0]["details"][0]["cashBal"]
            assert Decimal(after) - Decimal(before) == pytest.approx(
                Decimal(row["fundingFee"]), abs=Decimal("1e-11")
            )
            assert row["fundingFee"] != "0"

    run(main())


def test_a_position_that_cannot_be_carried_is_taken_away() -> None:
    async def main() -> None:
        async with venue() as v, v.private("orders") as stream:
            lever = {"instId": "SOL-USDT-SWAP", "lever": "10", "mgnMode": "cross"}
            await v.act("account/set-leverage", lever)
            (size,) = await v.get("account/max-size", instId="SOL-USDT-SWAP", tdMode="cross")
            most = str(int(Decimal(size["maxBuy"]) * 9 // 10))
            await v.place(instId="SOL-USDT-SWAP", tdMode="cross", side="buy", ordType="market", sz=most)
            await v.control("shock", symbol="SOL-USDT-SWAP", percent=-15)
            message = await stream.data("orders", lambda row: row.get("category") == "full_liquidation")
            assert message["data"][0]["side"] == "sell"
            told = v.host.okx.told(None)
            await eventually(lambda: v.host.okx.told(None)["positions"] == [], what="the position's end")
            forced = [one for one in v.host.okx.told(None)["fills"] if one["tradeId"].startswith("-")]
            assert forced, told["orders"]
            (details,) = [one["details"] for one in await v.get("account/balance", ccy="USDT")]
            assert all(Decimal(one["cashBal"]) >= 0 for one in details)

    run(main())


def test_stops_fire_by_themselves_and_from_a_filled_order() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.stream("business") as stream:
            assert (await stream.login())["event"] == "login"
            await stream.subscribe("orders-algo", instType="ANY")
            bid, ask = v.best()
            stop = {"instId": "BTC-USDT", "tdMode": "cash", "side": "sell", "sz": "0.01"}
            levels = {"slTriggerPx": str(bid - 60), "slOrdPx": "-1"}
            placed = await v.act("trade/order-algo", {**stop, **levels, "ordType": "conditional"})
            message = await stream.data("orders-algo")
            assert (message["data"][0]["algoId"], message["data"][0]["state"]) == (placed["algoId"], "live")
            trail = {**stop, "ordType": "move_order_stop", "callbackRatio": "0.5"}
            waiting = await v.act("trade/order-algo", trail)
            bad = await v.post("trade/order-algo", {**stop, "ordType": "oco", **levels})
            assert bad["data"][0]["sCode"] == "50015"
            for kind, algo in (("conditional", placed), ("move_order_stop", waiting)):
                (row,) = await v.get("trade/orders-algo-pending", ordType=kind)
                assert row["algoId"] == algo["algoId"]
            await v.control("trade", symbol="BTC-USDT", side="sell", through=str(bid - 90))
            fired = await stream.data("orders-algo", lambda row: row.get("state") == "effective")
            assert fired["data"][0]["actualSide"] == "sl"
            (order,) = await v.get("trade/order", instId="BTC-USDT", ordId=fired["data"][0]["ordId"])
            assert (order["source"], order["algoId"], order["state"]) == ("7", placed["algoId"], "filled")
            gone = await v.post("trade/cancel-algos", [{"algoId": waiting["algoId"], "instId": "BTC-USDT"}])
            assert gone["data"][0]["sCode"] == "0"
            again = await v.post("trade/cancel-algos", [{"algoId": waiting["algoId"], "instId": "BTC-USDT"}])
            assert again["data"][0]["sCode"] == "51400"
            attached = [{"tpTriggerPx": str(ask * 2), "tpOrdPx": "-1", "slTriggerPx": "100", "slOrdPx": "-1"}]
            await v.place(side="buy", ordType="market", sz="100", attachAlgoOrds=attached)
            v.host.okx.after_step()
            (row,) = await v.get("trade/orders-algo-pending", ordType="oco")
            assert (row["side"], row["slTriggerPx"]) == ("sell", "100")

    run(main())


async def _chain(stream: Stream, messages: int) -> dict[str, dict[Decimal, str]]:
    """Follow the book's chain; the levels it leads to."""
    book: dict[str, dict[Decimal, str]] = {"asks": {}, "bids": {}}
    last, jumps = 0, 0
    for i in range(messages):
        message = await stream.data("books")
        data = message["data"][0]
        assert message["action"] == ("snapshot" if i == 0 else "update")
        assert data["prevSeqId"] == (-1 if i == 0 else last)
        assert data["checksum"] == 0
        jumps += data["seqId"] - last > 1
        last = data["seqId"]
        for side, levels in book.items():
            for price, size, zero, _ in data[side]:
                assert zero == "0"
                if size == "0":
                    assert levels.pop(Decimal(price), None) is not None
                else:
                    levels[Decimal(price)] = size
        assert max(book["bids"]) < min(book["asks"])
    assert jumps
    return book


def test_the_book_is_a_chain_and_its_best_is_that_of_bbo() -> None:
    async def main() -> None:
        async with venue(rate=5.0) as v, v.stream("public") as stream:
            ack = await stream.subscribe("books", instId="BTC-USDT")
            assert (ack["event"], len(ack["connId"])) == ("subscribe", 8)
            book = await _chain(stream, 25)
            assert len(book["asks"]) > 200
            again = await stream.subscribe("books", instId="BTC-USDT")
            assert again["event"] == "subscribe"
            await stream.subscribe("bbo-tbt", instId="BTC-USDT")
            best = (await stream.data("bbo-tbt"))["data"][0]
            assert Decimal(best["bids"][0][0]) < Decimal(best["asks"][0][0])
            await stream.subscribe("books5", instId="BTC-USDT")
            assert len((await stream.data("books5"))["data"][0]["asks"]) == 5
            await stream.subscribe("trades", instId="BTC-USDT")
            trade = (await stream.data("trades"))["data"][0]
            assert {"count", "seqId", "source", "side"} <= set(trade)
            await stream.subscribe("tickers", instId="BTC-USDT-SWAP")
            assert (await stream.data("tickers"))["data"][0]["instType"] == "SWAP"
            await stream.subscribe("mark-price", instId="BTC-USDT-SWAP")
            assert Decimal((await stream.data("mark-price"))["data"][0]["markPx"]) > 0
            await stream.subscribe("instruments", instType="SPOT")
            rows = (await stream.until(lambda one: "data" in one and one["arg"]["channel"] == "instruments"))[
                "data"
            ]
            assert len(rows) >= 10
            for arg, code in (
                ({"channel": "candle1m", "instId": "BTC-USDT"}, "60018"),
                ({"channel": "orders", "instType": "ANY"}, "60008"),
                ({"channel": "books-l2-tbt", "instId": "BTC-USDT"}, "64003"),
                ({"channel": "tickers", "instId": "NO-PAIR"}, "60018"),
            ):
                await stream.send({"op": "subscribe", "args": [arg]})
                error = await stream.until(lambda one: one.get("event") == "error")
                assert error["code"] == code, arg
            await stream.send("ping")
            assert await stream.until(lambda one: one == "pong") == "pong"

    run(main())


def test_bars_and_single_trades_come_on_the_business_path() -> None:
    async def main() -> None:
        async with venue(rate=8.0) as v, v.stream("business") as stream:
            await stream.subscribe("candle1m", instId="BTC-USDT")
            first = (await stream.data("candle1m"))["data"][0]
            assert (len(first), first[8]) == (9, "0")
            await stream.subscribe("trades-all", instId="BTC-USDT")
            assert "count" not in (await stream.data("trades-all"))["data"][0]
            later = (await stream.data("candle1m"))["data"][0]
            assert later != first

    run(main())


def test_book_faults_and_the_idle_keep_alive() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.stream("public") as stream:
            await stream.subscribe("books", instId="BTC-USDT")
            seq = (await stream.data("books"))["data"][0]["seqId"]

            async def change() -> Any:
                await v.control("trade", symbol="BTC-USDT", side="buy", quantity="0.001")
                return (await stream.data("books", lambda row: bool(row["asks"])))["data"][0]

            row = await change()
            assert row["prevSeqId"] == seq
            await v.control("fault", kind="book_gap")
            await v.control("trade", symbol="BTC-USDT", side="buy", quantity="0.001")
            await eventually(lambda: v.host.okx.faults.struck.get("book_gap") == 1)
            missed = row["seqId"]
            row = await change()
            assert row["prevSeqId"] > missed
            await v.control("fault", kind="sequence_reset")
            before, row = row["seqId"], await change()
            assert row["prevSeqId"] == before
            assert row["seqId"] < before
            await v.control("fault", kind="wrong_checksum")
            assert (await change())["checksum"] != 0
            row = await change()
            assert row["checksum"] == 0
            await v.control("limits", book_idle_s=0.2)
            idle = (await stream.data("books", lambda one: not one["asks"] and not one["bids"]))["data"][0]
            assert idle["seqId"] == idle["prevSeqId"] == row["seqId"]

    run(main())


def test_logins_and_idle_connections_end_as_they_must() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            for change, code in (
                ({"sign": "bm8="}, "60007"),
                ({"passphrase": "no"}, "60024"),
                ({"apiKey": "no"}, "60005"),
                ({"timestamp": "1538054050"}, "60006"),
                ({"timestamp": "x"}, "60004"),
            ):
                async with v.stream("private") as stream:
                    assert (await stream.login(**change))["code"] == code
                    with pytest.raises(ConnectionClosed):
                        await stream.until(lambda one: False)
                    assert stream.socket.close_code == 4001
            async with v.stream("private") as stream:
                assert (await stream.login("production"))["code"] == "60032"
            async with v.stream("private") as stream:
                await stream.send({"op": "subscribe", "args": [{"channel": "account"}]})
                assert (await stream.until(lambda one: "event" in one))["code"] == "60011"
                await stream.send("{nonsense")
                assert (await stream.until(lambda one: "event" in one))["code"] == "60012"
                await stream.send({"op": "dance", "args": []})
                assert (await stream.until(lambda one: "event" in one))["code"] == "60019"
                assert (await stream.login())["code"] == "0"
                assert (await stream.login())["code"] == "60031"
            await v.control("limits", idle_s=0.5)
            async with v.stream("public") as stream:
                with pytest.raises(ConnectionClosed):
                    await stream.until(lambda one: False)
                assert stream.socket.close_code == 4004
            await v.control("limits", idle_s=30)
            async with v.private("orders") as stream:
                await v.control("fault", kind="notice", close_s=0.2)
                notice = await stream.until(lambda one: one.get("event") == "notice")
                assert notice["code"] == "64008"
                with pytest.raises(ConnectionClosed):
                    await stream.until(lambda one: False)
            async with v.private("orders") as stream:
                await v.control("fault", kind="expire_login")
                with pytest.raises(ConnectionClosed):
                    await stream.until(lambda one: False)
                assert stream.socket.close_code == 4007

    run(main())


def test_websocket_orders_name_the_code_and_share_the_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders") as stream:
            bid, _ = v.best()
            order = {"tdMode": "cash", "side": "buy", "ordType": "limit", "px": str(bid - 50), "sz": "0.001"}
            answer = await stream.op("order", {**order, "instIdCode": v.code(), "clOrdId": "w1"})
            assert (answer["code"], answer["msg"], answer["data"][0]["sCode"]) == ("0", "", "0")
            assert "event" not in answer
            await stream.order("live", "w1")
            answer = await stream.op("order", {**order, "instId": "BTC-USDT"})
            assert (answer["code"], answer["msg"]) == ("51000", "Parameter instIdCode error")
            await v.control("fault", kind="inst_id_orders")
            answer = await stream.op("order", {**order, "instId": "BTC-USDT"})
            assert answer["code"] == "0"
            answer = await stream.op(
                "amend-order", {"instIdCode": v.code(), "clOrdId": "w1", "newSz": "0.002"}
            )
            assert answer["data"][0]["sCode"] == "0"
            answer = await stream.op("cancel-order", {"instIdCode": v.code(), "clOrdId": "w1"})
            assert answer["data"][0]["sCode"] == "0"
            assert (await stream.order("canceled", "w1"))["sz"] == "0.002"
            answer = await stream.op("order", {**order, "instIdCode": v.code(), "sz": "500"})
            assert (answer["code"], answer["data"][0]["sCode"]) == ("1", "51008")
            late = await stream.op(
                "order", {**order, "instIdCode": v.code()}, expTime=str(int(time.time() * 1000) - 5000)
            )
            assert late["code"] == "50036"
            await v.control("forgive")
            monkeypatch.setattr(v.host.okx.buckets, "_monotonic_ns", lambda: 0)
            for _ in range(40):
                answer = await stream.op("cancel-order", {"instIdCode": v.code(), "clOrdId": "none"})
                assert answer["code"] == "1"
            by_rest = {"instId": "BTC-USDT", "clOrdId": "none"}
            for _ in range(20):
                assert (await v.post("trade/cancel-order", by_rest))["code"] == "1"
            limited = await v.send("POST", "trade/cancel-order", body=by_rest)
            assert (limited.status_code, limited.json()["code"]) == (429, "50011")
            answer = await stream.op("cancel-order", {"instIdCode": v.code(), "clOrdId": "none"})
            assert answer["code"] == "50011"
            # Another instrument, and a batch of two, have buckets of their own.
            other = await v.post("trade/cancel-order", {"instId": "ETH-USDT", "clOrdId": "none"})
            assert other["data"][0]["sCode"] == "51400"
            assert (await v.post("trade/cancel-batch-orders", [by_rest, by_rest]))["code"] == "1"
            assert (await v.post("trade/cancel-batch-orders", [by_rest]))["code"] == "50011"
            await v.control("forgive")
            other = await v.post("trade/cancel-order", {"instId": "BTC-USDT", "clOrdId": "none"})
            assert other["data"][0]["sCode"] == "51400"

    run(main())


def test_a_lost_answer_leaves_one_order_that_can_be_asked_after() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders") as stream:
            bid, _ = v.best()
            order = {"tdMode": "cash", "side": "buy", "ordType": "limit", "px": str(bid - 50), "sz": "0.001"}
            await v.control("fault", kind="accept_lose_answer", close=True)
            with pytest.raises(httpx.HTTPError):
                await v.place(**order, clOrdId="lost1")
            assert (await v.get("trade/order", instId="BTC-USDT", clOrdId="lost1"))[0]["state"] == "live"
            await v.control("fault", kind="accept_lose_answer", match="ws/trade/*")
            await stream.send(
                {"id": "l2", "op": "order", "args": [{**order, "instIdCode": v.code(), "clOrdId": "lost2"}]}
            )
            await stream.order("live", "lost2")
            record = await v.control("record")
            assert [one["clOrdIds"] for one in record["okx"]["requests"]] == [["lost1"], ["lost2"]]
            await v.control("fault", kind="rate_limit", status=200)
            answer = await v.send("GET", "account/balance")
            assert (answer.status_code, answer.json()["code"]) == (200, "50011")
            await v.control("fault", kind="http_5xx_html", status=502)
            assert "<html>" in (await v.send("GET", "account/balance")).text
            await v.control("fault", kind="clock_jump", offset_s=100)
            answer = await v.send("GET", "account/balance")
            assert answer.json()["code"] == "50102"
            await v.control("fault", kind="duplicate_private", match="ws/data/orders")
            await v.control("clear")
            await v.control("fault", kind="duplicate_private", match="ws/data/orders")
            placed = await v.place(**order)
            rows = [await stream.order("live", placed["clOrdId"]) for _ in range(2)]
            assert rows[0] == rows[1]
            await v.control("fault", kind="reorder_private", match="ws/data/orders")
            placed = await v.place(**order)
            await v.act("trade/cancel-order", {"instId": "BTC-USDT", "ordId": placed["ordId"]})
            message = await stream.data("orders", lambda row: row.get("clOrdId") == placed["clOrdId"])
            assert message["data"][0]["state"] == "canceled"
            struck = (await v.control("fault", kind="cut", match="connect/ws"))["struck"]
            assert struck == 1

    run(main())


def test_amending_below_what_is_filled_ends_the_order_as_filled() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders") as stream:
            _, ask = v.best()
            best = v.host.okx.exchange.engines["BTC-USDT"].best_ask()
            assert best is not None
            size = best.quantity + Decimal("0.01")
            order = {"side": "buy", "ordType": "limit", "px": str(ask), "sz": str(size)}
            placed = await v.place(**order)
            part = await stream.order("partially_filled", placed["clOrdId"])
            which = {"instId": "BTC-USDT", "ordId": placed["ordId"]}
            assert Decimal(part["accFillSz"]) < size
            bad = await v.post("trade/amend-order", {**which, "newPx": "1.23"})
            assert bad["data"][0]["sCode"] == "51150"
            assert (await v.post("trade/amend-order", which))["data"][0]["sCode"] == "51500"
            changed = await v.act("trade/amend-order", {**which, "newSz": part["accFillSz"]})
            assert changed["sCode"] == "0"
            done = await stream.order("filled", placed["clOrdId"])
            assert done["accFillSz"] == done["sz"] == part["accFillSz"]
            late = await v.post("trade/amend-order", {**which, "newSz": "5"})
            assert late["data"][0]["sCode"] == "51503"

    run(main())


def test_own_orders_do_not_meet() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            bid, ask = v.best()
            await v.control("trade", symbol="BTC-USDT", side="buy", through=str(ask + 5))
            price = str(bid + 1)
            for mode, ends in (
                ("cancel_maker", ("canceled", "live")),
                ("cancel_taker", ("live", "canceled")),
            ):
                first = await v.place(side="buy", ordType="limit", px=price, sz="0.001")
                second = await v.place(side="sell", ordType="limit", px=price, sz="0.001", stpMode=mode)
                for placed, state in zip((first, second), ends, strict=True):
                    (row,) = await v.get("trade/order", instId="BTC-USDT", ordId=placed["ordId"])
                    assert row["state"] == state, mode
                    if state == "canceled":
                        assert row["cancelSource"] == "32"
                    else:
                        await v.act("trade/cancel-order", {"instId": "BTC-USDT", "ordId": placed["ordId"]})

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


def test_the_practice_world_outlives_a_restart_and_a_reset_ends_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with venue(live=False, data_dir=tmp_path) as v:
            bid, _ = v.best()
            keys = v.okx["keys"]
            resting = await v.place(side="buy", ordType="limit", px=str(bid - 500), sz="0.01")
            await v.place(side="buy", ordType="market", sz="100")
            await v.place(instId="BTC-USDT-SWAP", tdMode="cross", side="sell", ordType="market", sz="2")
            level = {
                "slTriggerPx": "100",
                "slOrdPx": "-1",
                "ordType": "conditional",
                "side": "sell",
                "sz": "0.01",
            }
            await v.act("trade/order-algo", {"instId": "BTC-USDT", "tdMode": "cash", **level})
            fills = await v.get("trade/fills")
            cash = (await v.get("account/balance", ccy="USDT"))[0]["details"][0]["cashBal"]
        async with venue(live=False, data_dir=tmp_path) as v:
            assert v.okx["keys"] == keys
            assert [row["ordId"] for row in await v.get("trade/orders-pending")] == [resting["ordId"]]
            assert await v.get("trade/fills") == fills
            assert (await v.get("account/balance", ccy="USDT"))[0]["details"][0]["cashBal"] == cash
            assert [row["pos"] for row in await v.get("account/positions")] == ["-2"]
            assert len(await v.get("trade/orders-algo-pending", ordType="conditional")) == 1
            placed = await v.place(side="buy", ordType="limit", px=str(bid - 500), sz="0.01", clOrdId="later")
            assert int(placed["ordId"]) > int(resting["ordId"])
            await v.control("reset")
            assert await v.get("trade/orders-pending") == []
            assert await v.get("trade/fills") == []
            assert await v.get("account/positions") == []
            assert (await v.get("account/balance", ccy="USDT"))[0]["details"][0]["cashBal"] == "10000"

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


def test_two_exchanges_stay_close_and_each_has_its_own_spread() -> None:
    async def main() -> None:
        async with venue(venues=("kraken", "okx"), rate=5.0) as v:
            kraken = v.host.market.engines["BTC/USDT"]
            engine = v.host.okx.exchange.engines["BTC-USDT"]
            await v.control("stats")
            seen: set[tuple[object, object]] = set()

            def middles() -> tuple[Decimal, Decimal]:
                found = []
                for one in (kraken, engine):
                    bid, ask = one.best_bid(), one.best_ask()
                    assert bid is not None
                    assert ask is not None
                    found.append((bid.price + ask.price) / 2)
                return found[0], found[1]

            async with v.stream("public") as stream:
                await stream.subscribe("tickers", instId="BTC-USDT")
                while len(seen) < 12:
                    await stream.data("tickers")
                    ours, theirs = middles()
                    assert abs(ours / theirs - 1) < Decimal("0.0012")
                    seen.add((ours, theirs))
            assert len({one / two for one, two in seen}) > 3  # type: ignore[operator]
            # A fault of one venue does not touch the other, though they share the port.
            await v.control("fault", kind="http_5xx_html")
            base = v.endpoints["kraken"]["rest"]
            assert (await v.http.get(f"{base}/0/public/Time")).status_code == 200
            assert (await v.http.get("/api/v5/public/time")).status_code == 520

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
