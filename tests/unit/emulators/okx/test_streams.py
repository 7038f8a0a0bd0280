"""The practice OKX's WebSockets: the book's chain, logins, ends, and faults to order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.helpers import eventually, run
from tests.unit.emulators.okx.client import Stream, venue


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


def test_maintenance_suspension_and_delisting_are_told() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.stream("public") as stream:
            await stream.subscribe("status")
            await stream.subscribe("instruments", instType="SPOT")
            await stream.data("instruments")
            await v.control("fault", kind="status", system="maintenance")
            assert (await stream.data("status"))["data"][0]["state"] == "ongoing"
            answer = await v.http.get("/api/v5/market/tickers?instType=SPOT")
            assert (answer.status_code, answer.json()["code"]) == (503, "50001")
            assert (await v.rows("system/status"))[0]["serviceType"] == "5"
            await v.control("clear")
            assert (await stream.data("status"))["data"][0]["state"] == "completed"
            bid, _ = v.best()
            order = {"side": "buy", "ordType": "limit", "px": str(bid - 50), "sz": "0.001"}
            placed = await v.place(**order)
            await v.control("fault", kind="status", inst_id="BTC-USDT")
            assert (await stream.data("instruments"))["data"][0]["state"] == "suspend"
            assert await v.refusal(**order) == "51022"
            await v.control("fault", kind="tick_change", inst_id="BTC-USDT", tick_size="0.5")
            assert (await stream.data("instruments"))["data"][0]["tickSz"] == "0.5"
            await v.control("fault", kind="delist", inst_id="BTC-USDT")
            assert (await v.public("market/ticker", instId="BTC-USDT"))["code"] == "51001"
            assert v.host.okx.desk.orders[int(placed["ordId"])].reason == "0"
            await v.control("clear")
            (row,) = await v.rows("public/instruments", instType="SPOT", instId="BTC-USDT")
            assert (row["state"], row["tickSz"]) == ("live", "0.1")

    run(main())


def test_what_is_wrong_with_prices_can_be_ordered() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.stream("public") as stream:
            for channel in ("books", "tickers"):
                await stream.subscribe(channel, instId="BTC-USDT")
                await stream.data(channel)
            last = Decimal((await v.rows("market/ticker", instId="BTC-USDT"))[0]["last"])

            async def trade() -> None:
                await v.control("trade", symbol="BTC-USDT", side="buy", quantity="0.001")

            await v.control("fault", kind="nan_prices", match="ws/data/books/*")
            await trade()
            row = (await stream.data("books"))["data"][0]
            assert "NaN" in [level[0] for level in row["asks"] + row["bids"]]
            await v.control("fault", kind="crossed_book")
            await trade()
            row = (await stream.data("books"))["data"][0]
            assert Decimal(row["bids"][0][0]) > v.best()[1]
            await v.control("fault", kind="price_spike", match="ws/data/tickers/*")
            await trade()
            row = (await stream.data("tickers", lambda row: Decimal(row["last"]) > last * 50))["data"][0]
            assert Decimal(row["bidPx"]) > last * 50
            await stream.data("books")
            await v.control("fault", kind="silence", seconds=60)
            stream.seen.clear()
            await trade()
            await eventually(lambda: v.host.okx.faults.struck.get("silence"), what="the silence")
            await stream.send("ping")
            assert await stream.until(lambda one: one == "pong") == "pong"
            assert not [one for one in stream.seen if isinstance(one, dict) and one.get("action") == "update"]

    run(main())
