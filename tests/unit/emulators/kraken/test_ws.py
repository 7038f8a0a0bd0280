"""The practice Kraken's WebSocket v2, over a real socket."""

from __future__ import annotations

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import pytest

from tests.helpers import eventually, run
from tests.unit.emulators.kraken.client import SYMBOLS, BookCopy, Venue, Ws, venue


def test_status_comes_first_and_pings_are_answered() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            row = ws.status["data"][0]
            assert (row["api_version"], row["system"]) == ("v2", "online")
            assert row["connection_id"] > 2**63
            pong = await ws.ask("ping")
            assert pong["method"] == "pong"
            assert {"time_in", "time_out"} <= set(pong)

    run(main())


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ("{", "Malformed request"),
        ("[1]", "Malformed request"),
        ('{"method":"ping","req_id":"x"}', "Malformed request"),
        ('{"req_id":1}', "Event(s) not found"),
        ('{"method":"fly"}', "Unsupported event"),
        ('{"method":"ping","params":{}}', "Unsupported field: 'params' for the given msg type: ping"),
        ('{"method":"subscribe","params":{"channel":"status"}}', "Subscription name invalid"),
        ('{"method":"subscribe","params":{"channel":"book"}}', "Symbol(s) not found"),
        (
            '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":11}}',
            "Subscription depth not supported",
        ),
        (
            '{"method":"subscribe","params":{"channel":"ohlc","symbol":["BTC/USD"],"interval":2}}',
            "Subscription ohlc interval not supported",
        ),
        (
            '{"method":"subscribe","params":{"channel":"book","symbol":["XBT/USD"]}}',
            "Currency pair not supported XBT/USD",
        ),
        (
            '{"method":"subscribe","params":{"channel":"book","symbol":["x"]}}',
            "Currency pair not in ISO 4217-A3 format x",
        ),
        ('{"method":"subscribe","params":{"channel":"executions"}}', "Token(s) not found"),
        (
            '{"method":"subscribe","params":{"channel":"executions","token":"x"}}',
            "ESession:Invalid session",
        ),
        ('{"method":"add_order","params":{}}', "Token(s) not found"),
    ],
)
def test_refused_frames(frame: str, expected: str) -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.link.send(frame)
            answer = await ws.receive()
            assert (answer["success"], answer["error"]) == (False, expected)
            assert (await ws.ask("ping"))["method"] == "pong"  # the connection lives on

    run(main())


def test_one_answer_per_symbol_and_a_bad_one_fails_alone() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            req_id = await ws.send("subscribe", channel="ticker", symbol=["BTC/USD", "FOO/USD", "ETH/USD"])
            answers = [await ws.answer(req_id) for _ in range(3)]
            good = {one_["result"]["symbol"] for one_ in answers if one_["success"]}
            [bad] = [one_ for one_ in answers if not one_["success"]]
            assert good == {"BTC/USD", "ETH/USD"}
            assert (bad["symbol"], bad["error"]) == ("FOO/USD", "Currency pair not supported FOO/USD")
            assert await ws.error("subscribe", channel="ticker", symbol=["BTC/USD"]) == "Already subscribed"
            answer = await ws.ask("unsubscribe", channel="ticker", symbol=["BTC/USD"])
            assert answer["success"]
            assert (
                await ws.error("unsubscribe", channel="ticker", symbol=["BTC/USD"])
                == "Subscription not found"
            )

    run(main())


@pytest.mark.parametrize("depth", [10, 25, 100, 500, 1000])
def test_a_followed_book_keeps_its_checksum_and_the_venues_levels(depth: int) -> None:
    async def main() -> None:
        async with venue(live=True, rate=40.0) as one, one.ws() as ws:
            await ws.ask("subscribe", channel="book", symbol=list(SYMBOLS), depth=depth)
            copies = {symbol: BookCopy(symbol, depth) for symbol in SYMBOLS}
            for _ in range(120):
                message = await ws.data("book")
                copies[message["data"][0]["symbol"]].apply(message)
            one.host.market.set_rate(0)
            one.host.kraken.public.flush()
            await ws.send("ping")
            while True:
                message = await ws.receive()
                if message.get("method") == "pong":
                    break
                if message.get("channel") == "book":
                    copies[message["data"][0]["symbol"]].apply(message)
            for symbol, copy in copies.items():
                bids, asks = one.host.market.engines[symbol].book(depth)
                assert list(copy.bids.items()) == [tuple(level) for level in bids]
                assert list(copy.asks.items()) == [tuple(level) for level in asks]

    run(main())


def test_levels_over_the_edge_go_without_a_word_and_come_back_with_one() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask("subscribe", channel="book", symbol=["BTC/USD"], depth=10)
            copy = BookCopy("BTC/USD", 10)
            copy.apply(await ws.data("book", "snapshot"))
            _, ask = one.best()
            await one.control("trade", symbol="BTC/USD", side="buy", through=str(ask))  # widen the spread
            copy.apply(await ws.data("book", "update"))
            edge = min(copy.bids)
            bid, ask = one.best()
            assert ask - bid > Decimal("0.1")
            price = str(bid + Decimal("0.1"))
            order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": price, "volume": "0.01"}
            txid = (await one.private("AddOrder", oflags="post", **order))["txid"][0]
            message = await ws.data("book", "update")
            copy.apply(message)
            rows = message["data"][0]["bids"]
            assert [str(row["price"]) for row in rows] == [price]
            assert edge not in copy.bids
            await one.private("CancelOrder", txid=txid)
            message = await ws.data("book", "update")
            copy.apply(message)
            assert edge in copy.bids

    run(main())


def test_numbers_are_numbers_with_the_pairs_digits() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask("subscribe", channel="book", symbol=["DOGE/USD"], depth=10)
            await ws.data("book", "snapshot")
            [text] = [raw for raw in ws.raw if '"type":"snapshot"' in raw]
            levels = text.split('"bids":[', 1)[1].split("]", 1)[0]
            first = levels.split("}", 1)[0]
            price, quantity = (part.split(":")[1] for part in first.strip("{").split(","))
            assert len(price.split(".")[1]) == 7
            assert len(quantity.split(".")[1]) == 8

    run(main())


def test_trades_tickers_and_bars_follow_a_trade() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask("subscribe", channel="trade", symbol=["BTC/USD"], snapshot=True)
            snapshot = await ws.data("trade", "snapshot")
            assert len(snapshot["data"]) == 50
            last_id = snapshot["data"][-1]["trade_id"]
            await ws.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
            await ws.data("ticker", "snapshot")
            await ws.ask("subscribe", channel="ohlc", symbol=["BTC/USD"], interval=1)
            bars = (await ws.data("ohlc", "snapshot"))["data"]
            assert len(bars) == 720
            _, ask = one.best()
            await one.control("trade", symbol="BTC/USD", side="buy", quantity="0.0001")
            row = (await ws.data("trade", "update"))["data"][0]
            assert (row["side"], row["price"], row["qty"]) == ("buy", ask, Decimal("0.0001"))
            assert row["trade_id"] == last_id + 1
            assert (await ws.data("ticker", "update"))["data"][0]["last"] == ask
            bar = (await ws.data("ohlc", "update"))["data"][0]
            assert (bar["close"], bar["interval"]) == (ask, 1)
            assert bar["interval_begin"].endswith(":00.000000000Z")

    run(main())


def test_a_bbo_ticker_tells_of_new_best_prices() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask(
                "subscribe", channel="ticker", symbol=["BTC/USD"], event_trigger="bbo", snapshot=False
            )
            bid, _ = one.best()
            await one.private(
                "AddOrder", pair="XBTUSD", type="buy", ordertype="limit", price=str(bid), volume="0.05"
            )
            row = (await ws.data("ticker", "update"))["data"][0]
            assert row["bid"] == bid
            assert row["bid_qty"] > Decimal("0.05")

    run(main())


def test_instruments_are_one_object_and_changes_are_told() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask("subscribe", channel="instrument")
            data = (await ws.data("instrument", "snapshot"))["data"]
            pair = next(row for row in data["pairs"] if row["symbol"] == "BTC/USD")
            assert (pair["price_precision"], pair["price_increment"], pair["status"]) == (
                1,
                Decimal("0.1"),
                "online",
            )
            assert {row["id"] for row in data["assets"]} == {"BTC", "ETH", "DOGE", "USD"}
            await one.control("fault", kind="status", symbol="ETH/USD", status="limit_only")
            rows = (await ws.data("instrument", "update"))["data"]["pairs"]
            assert [(row["symbol"], row["status"]) for row in rows] == [("ETH/USD", "limit_only")]

    run(main())


def test_a_heartbeat_each_second_once_subscribed() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            await ws.ask("subscribe", channel="trade", symbol=["BTC/USD"], snapshot=False)
            assert await ws.next(lambda message: message == {"channel": "heartbeat"}, 3.0)

    run(main())


def test_a_connection_that_does_nothing_is_closed_after_a_minute() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as idle, one.ws() as busy:
            await busy.ask("subscribe", channel="trade", symbol=["BTC/USD"], snapshot=False)
            for session in tuple(one.host.kraken.sessions):
                session.tick(time.monotonic_ns() + 30_000_000_000)
            await idle.ask("ping")
            for session in tuple(one.host.kraken.sessions):
                session.tick(time.monotonic_ns() + 61_000_000_000)
            async with asyncio.timeout(20):
                await idle.link.wait_closed()
            assert idle.link.close_code == 1000
            await busy.ask("ping")

    run(main())


def test_level_3_shows_orders_and_their_changes() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_l3") as ws:
            token = await one.token()
            await ws.ask("subscribe", channel="level3", symbol=["BTC/USD"], depth=10, token=token)
            snapshot = (await ws.data("level3", "snapshot"))["data"][0]
            assert {"order_id", "limit_price", "order_qty", "timestamp"} == set(snapshot["bids"][0])
            bid, _ = one.best()
            txid = (
                await one.private(
                    "AddOrder", pair="XBTUSD", type="buy", ordertype="limit", price=str(bid), volume="0.05"
                )
            )["txid"][0]
            [row] = (await ws.data("level3", "update"))["data"][0]["bids"]
            assert (row["event"], row["order_id"], row["limit_price"]) == ("add", txid, bid)
            await one.private("AmendOrder", txid=txid, order_qty="0.01")
            [row] = (await ws.data("level3", "update"))["data"][0]["bids"]
            assert (row["event"], row["order_qty"]) == ("modify", Decimal("0.01"))
            await one.private("CancelOrder", txid=txid)
            [row] = (await ws.data("level3", "update"))["data"][0]["bids"]
            assert (row["event"], row["order_id"]) == ("delete", txid)

    run(main())


# ---- private channels ----------------------------------------------------------------------------


async def _private(one: Venue, ws: Ws, **options: Any) -> str:
    """Subscribe to executions and balances; returns the token."""
    token = await one.token()
    answer = await ws.ask("subscribe", channel="executions", token=token, **options)
    assert answer["result"]["maxratecount"] == 125
    await ws.ask("subscribe", channel="balances", token=token)
    return token


def test_the_life_of_a_taker_order() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            token = await _private(one, ws)
            assert (await ws.data("executions", "snapshot"))["sequence"] == 1
            before = {row["asset"]: row["balance"] for row in (await ws.data("balances", "snapshot"))["data"]}
            _, ask = one.best()
            answer = await ws.ask(
                "add_order",
                order_type="limit",
                side="buy",
                symbol="BTC/USD",
                order_qty=0.0001,
                limit_price=ask,
                cl_ord_id="t1",
                token=token,
            )
            assert answer["result"]["cl_ord_id"] == "t1"
            rows = [await ws.execution(kind) for kind in ("pending_new", "new", "trade", "filled")]
            assert [row["_sequence"] for row in rows] == [2, 3, 4, 5]
            assert {row["order_id"] for row in rows} == {answer["result"]["order_id"]}
            pending, new, trade, filled = rows
            assert (pending["order_status"], pending["order_type"]) == ("pending_new", "limit")
            assert pending["order_qty"] == Decimal("0.0001")
            assert "symbol" not in new
            assert (trade["order_status"], trade["liquidity_ind"]) == ("partially_filled", "t")
            assert (trade["last_price"], trade["cum_qty"]) == (ask, Decimal("0.0001"))
            assert (filled["order_status"], filled["avg_price"]) == ("filled", ask)
            fee = trade["fees"][0]
            assert fee["asset"] == "USD"
            base = (await ws.data("balances", "update"))["data"][0]
            quote = (await ws.data("balances", "update"))["data"][0]
            assert base["ref_id"] == quote["ref_id"] == trade["exec_id"]
            assert (base["asset"], base["amount"]) == ("BTC", Decimal("0.0001"))
            assert quote["balance"] == before["USD"] - trade["cost"] - fee["qty"]

    run(main())


def test_a_maker_order_fills_in_parts_and_ends_by_cancel() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            token = await _private(one, ws, ratecounter=True)
            bid, ask = one.best()
            price = bid + Decimal("0.1") if ask - bid > Decimal("0.1") else bid
            answer = await ws.ask(
                "add_order",
                order_type="limit",
                side="buy",
                symbol="BTC/USD",
                order_qty=0.01,
                limit_price=price,
                post_only=True,
                order_userref=42,
                token=token,
            )
            order_id = answer["result"]["order_id"]
            await ws.execution("new")
            await one.control("trade", symbol="BTC/USD", side="sell", through=str(price + 1))
            quantity = Decimal("0.004")
            ahead = one.host.market.engines["BTC/USD"].level_total(
                next(iter(one.host.market.open_orders("kraken:practice"))).side, price
            ) - Decimal("0.01")
            await one.control("trade", symbol="BTC/USD", side="sell", quantity=str(ahead + quantity))
            trade = await ws.execution("trade")
            assert (trade["liquidity_ind"], trade["last_qty"], trade["order_userref"]) == ("m", quantity, 42)
            assert "ratecount" in trade
            amended = await ws.ask("amend_order", order_id=order_id, order_qty=0.008, token=token)
            assert amended["result"]["order_id"] == order_id
            row = await ws.execution("amended")
            assert (row["order_qty"], row["cum_qty"]) == (Decimal("0.008"), quantity)
            req_id = await ws.send("cancel_order", order_userref=[42], token=token)
            assert (await ws.answer(req_id))["result"] == {"order_id": order_id}
            row = await ws.execution("canceled")
            assert (row["reason"], row["cum_qty"]) == ("User requested", quantity)

    run(main())


def test_cancel_answers_for_each_order_and_failures_alone() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            token = await one.token()
            terms = {"order_type": "limit", "side": "buy", "symbol": "BTC/USD", "order_qty": 0.001}
            ids = []
            for price in (1000, 1001):
                answer = await ws.ask("add_order", limit_price=price, token=token, **terms)
                ids.append(answer["result"]["order_id"])
            req_id = await ws.send(
                "cancel_order", order_id=[ids[0], "OAAAAA-AAAAA-AAAAAA", ids[1]], token=token
            )
            answers = [await ws.answer(req_id) for _ in range(3)]
            assert [answer["success"] for answer in answers] == [True, False, True]
            assert answers[1]["error"] == "EOrder:Unknown order"
            assert await ws.error("cancel_order", token=token) == "EGeneral:Invalid arguments:order_id"

    run(main())


def test_batches_edits_and_validation_over_the_websocket() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            token = await one.token()
            row = {"order_type": "limit", "side": "buy", "order_qty": 0.001, "limit_price": 1000}
            batch = await ws.ask(
                "batch_add", symbol="BTC/USD", orders=[row, {**row, "order_qty": 1000}], token=token
            )
            assert batch["success"] is False
            assert batch["result"][1] == {"error": "EOrder:Insufficient funds"}
            order_id = batch["result"][0]["order_id"]
            edited = await ws.ask(
                "edit_order", order_id=order_id, symbol="BTC/USD", limit_price=1100, token=token
            )
            assert edited["result"]["original_order_id"] == order_id
            checked = await ws.ask("add_order", symbol="BTC/USD", validate=True, token=token, **row)
            assert checked["result"]["order_id"] == ""
            gone = await ws.ask("batch_cancel", orders=[edited["result"]["order_id"], "x"], token=token)
            assert gone["result"] == {"count": 1}
            assert (await ws.ask("cancel_all", token=token))["result"] == {"count": 0}
            short = await one.token("read-only")
            assert (
                await ws.error("add_order", symbol="BTC/USD", token=short, **row)
                == "EGeneral:Permission denied"
            )

    run(main())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"symbol": None}, "Symbol(s) not found"),
        ({"symbol": "FOO/USD"}, "Currency pair not supported FOO/USD"),
        ({"order_qty": 0.00001}, "EOrder:Order minimum not met"),
        ({"limit_price": 100.05}, "EOrder:Tick size check failed"),
        ({"order_qty": 0.000100001}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_qty": 1000}, "EOrder:Insufficient funds"),
        ({"post_only": True, "limit_price": 9999999}, "EOrder:Post only order"),
        ({"price": 5}, "Unsupported field: 'price' for the given msg type: add order"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "EService:Deadline elapsed"),
        ({"token": "x"}, "ESession:Invalid session"),
    ],
)
def test_refused_orders_over_the_websocket(changes: dict[str, Any], expected: str) -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            order = {
                "order_type": "limit",
                "side": "buy",
                "symbol": "BTC/USD",
                "order_qty": 0.001,
                "limit_price": 1000,
                "token": await one.token(),
                **changes,
            }
            params = {name: value for name, value in order.items() if value is not None}
            assert await ws.error("add_order", **params) == expected

    run(main())


def test_a_stop_waits_fires_and_fills() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            token = await _private(one, ws)
            bid, _ = one.best()
            await ws.ask(
                "add_order",
                order_type="stop-loss",
                side="sell",
                symbol="BTC/USD",
                order_qty=0.001,
                triggers={"reference": "last", "price": bid, "price_type": "static"},
                token=token,
            )
            pending = await ws.execution("pending_new")
            assert (pending["triggers"]["status"], pending["triggers"]["price"]) == ("untriggered", bid)
            await one.control("trade", symbol="BTC/USD", side="sell", quantity="0.0001")
            assert (await ws.execution("status"))["triggers"]["status"] == "triggered"
            await ws.execution("trade")
            assert (await ws.execution("filled"))["order_status"] == "filled"

    run(main())


def test_the_snapshot_has_open_orders_and_past_fills() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            await one.private("AddOrder", pair="XBTUSD", type="sell", ordertype="market", volume="0.001")
            txid = (
                await one.private(
                    "AddOrder", pair="XBTUSD", type="buy", ordertype="limit", price="1000", volume="0.001"
                )
            )["txid"][0]
            await ws.ask("subscribe", channel="executions", token=await one.token(), snap_trades=True)
            rows = (await ws.data("executions", "snapshot"))["data"]
            assert [(row["order_id"], row["order_status"]) for row in rows[:1]] == [(txid, "new")]
            assert [row["exec_type"] for row in rows[1:]] == ["trade"]

    run(main())


def test_only_open_and_close_rows_without_order_status() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            await ws.ask("subscribe", channel="executions", token=await one.token(), order_status=False)
            await ws.data("executions", "snapshot")
            await one.private("AddOrder", pair="XBTUSD", type="sell", ordertype="market", volume="0.001")
            kinds = [(await ws.data("executions", "update"))["data"][0]["exec_type"] for _ in range(2)]
            assert kinds == ["new", "filled"]

    run(main())


# ---- dead man's switch ---------------------------------------------------------------------------


def test_the_dead_mans_timer_is_one_for_rest_and_websocket() -> None:
    async def main() -> None:
        async with venue() as one, one.ws("ws_private") as ws:
            token = await _private(one, ws)
            await one.private(
                "AddOrder", pair="XBTUSD", type="buy", ordertype="limit", price="1000", volume="0.001"
            )
            answer = await one.private("CancelAllOrdersAfter", timeout="1")
            assert answer["triggerTime"] > answer["currentTime"]
            off = await ws.ask("cancel_all_orders_after", timeout=0, token=token)
            assert off["result"]["triggerTime"] == "0"
            await ws.ask("cancel_all_orders_after", timeout=1, token=token)
            row = await ws.execution("canceled")
            assert row["reason"] == "CancelAllOrdersAfter Timeout"
            # It went off once; later orders are left alone.
            await one.private(
                "AddOrder", pair="XBTUSD", type="buy", ordertype="limit", price="1000", volume="0.001"
            )
            assert len((await one.private("OpenOrders"))["open"]) == 1
            assert await ws.error("cancel_all_orders_after", timeout=86400, token=token) == (
                "EGeneral:Invalid arguments:timeout"
            )

    run(main())


# ---- load ----------------------------------------------------------------------------------------


def test_without_batching_every_change_is_a_message() -> None:
    async def main() -> None:
        async with venue(live=True, rate=60.0, book_batch_ms=0) as one, one.ws() as ws:
            await ws.ask("subscribe", channel="book", symbol=list(SYMBOLS), depth=100)
            before = one.host.kraken.public.book_messages()
            copies = {symbol: BookCopy(symbol, 100) for symbol in SYMBOLS}
            loop = asyncio.get_running_loop()
            start = loop.time()
            for _ in range(600):
                message = await ws.data("book")
                copies[message["data"][0]["symbol"]].apply(message)
            # 50 a second and pair would need four seconds for as many.
            assert loop.time() - start < 3.5
            await eventually(lambda: one.host.kraken.public.book_messages() - before >= 590)

    run(main())


def test_a_closed_connection_takes_its_subscriptions_along() -> None:
    async def main() -> None:
        async with venue() as one:
            async with one.ws() as ws:
                await ws.ask("subscribe", channel="book", symbol=["BTC/USD"], depth=10)
                await ws.ask("subscribe", channel="balances", token=await one.token())
                feed = one.host.kraken.public.pairs["BTC/USD"]
                assert feed.book.active
            await eventually(lambda: not feed.book.active and not one.host.kraken.sessions)

    run(main())


def test_frames_of_a_request_may_come_in_pieces() -> None:
    async def main() -> None:
        async with venue() as one, one.ws() as ws:
            text = json.dumps({"method": "ping", "req_id": 9})
            await ws.link.send([text[:5], text[5:9], text[9:]])
            assert (await ws.answer(9))["method"] == "pong"

    run(main())
