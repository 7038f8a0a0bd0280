"""The practice Kraken's REST side, over a real socket."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from terminal.domain.instrument import MarketStatus
from tests.helpers import run
from tests.unit.emulators.kraken.client import Venue, api_sign, venue


def test_public_calls_answer_in_krakens_shapes() -> None:
    async def main() -> None:
        async with venue() as one:
            time_ = await one.result("Time")
            assert set(time_) == {"unixtime", "rfc1123"}
            assert (await one.result("SystemStatus"))["status"] == "online"
            assets = await one.result("Assets", asset="XBT,ZUSD")
            assert list(assets) == ["XXBT", "ZUSD"]
            pair = (await one.result("AssetPairs", pair="XBT/USD"))["XXBTZUSD"]
            assert (pair["altname"], pair["wsname"]) == ("XBTUSD", "XBT/USD")
            assert (pair["ordermin"], pair["tick_size"], pair["pair_decimals"]) == ("0.00005", "0.1", 1)
            assert pair["fees"][0] == [0, 0.4]
            assert list(await one.result("AssetPairs", pair="BTC/USD")) == ["BTC/USD"]
            assert set(await one.result("AssetPairs")) == {"XXBTZUSD", "XETHZUSD", "XDGUSD"}
            ticker = (await one.result("Ticker", pair="XBTUSD"))["XXBTZUSD"]
            assert [len(ticker[name]) for name in "abcvptlh"] == [3, 3, 2, 2, 2, 2, 2, 2]
            assert all(isinstance(count, int) for count in ticker["t"])
            depth = (await one.result("Depth", pair="XBTUSD", count=3))["XXBTZUSD"]
            assert [len(depth["asks"]), len(depth["bids"])] == [3, 3]
            bid, ask = one.best()
            assert (Decimal(depth["bids"][0][0]), Decimal(depth["asks"][0][0])) == (bid, ask)
            await one.result("Spread", pair="XBTUSD")

    run(main())


def test_bars_and_trades_have_a_place_to_go_on_from() -> None:
    async def main() -> None:
        async with venue() as one:
            bars = await one.result("OHLC", pair="XBTUSD", interval=5)
            rows = bars["XXBTZUSD"]
            assert len(rows) == 720
            assert {later[0] - row[0] for row, later in itertools.pairwise(rows)} == {300}
            assert bars["last"] == rows[-2][0]
            assert isinstance(rows[-1][7], int)
            later = await one.result("OHLC", pair="XBTUSD", interval=5, since=rows[-3][0])
            assert [row[0] for row in later["XXBTZUSD"]] == [row[0] for row in rows[-3:]]
            trades = await one.result("Trades", pair="XBTUSD", since=rows[-3][0], count=10)
            more = await one.result("Trades", pair="XBTUSD", since=trades["last"], count=10)
            ids = [row[6] for row in trades["XXBTZUSD"] + more["XXBTZUSD"]]
            assert ids == list(range(ids[0], ids[0] + 20))

    run(main())


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("Nothing", {}, "EGeneral:Unknown method"),
        ("Depth", {}, "EGeneral:Invalid arguments"),
        ("Depth", {"pair": "FOOUSD"}, "EQuery:Unknown asset pair"),
        ("Depth", {"pair": "XBTUSD", "count": "501"}, "EGeneral:Invalid arguments:count"),
        ("Depth", {"pair": "XBTUSD", "count": "x"}, "EGeneral:Invalid arguments:count"),
        ("Ticker", {"pair": "XBTUSD,FOO"}, "EQuery:Unknown asset pair"),
        ("OHLC", {"pair": "XBTUSD", "interval": 2}, "EGeneral:Invalid arguments:interval"),
        ("Assets", {"asset": "FOO"}, "EQuery:Unknown asset"),
        ("Trades", {"pair": "XBTUSD", "since": "-1"}, "EGeneral:Invalid arguments:since"),
        ("AssetPairs", {"info": "all"}, "EGeneral:Invalid arguments:info"),
    ],
)
def test_public_refusals(name: str, params: dict[str, Any], expected: str) -> None:
    async def main() -> None:
        async with venue() as one:
            assert await one.public(name, **params) == {"error": [expected]}

    run(main())


def test_public_calls_may_be_posted_as_form_or_json() -> None:
    async def main() -> None:
        async with venue() as one:
            url = one.kraken["rest"] + "/0/public/Depth"
            for body in (
                {"data": {"pair": "XBTUSD", "count": "1"}},
                {"json": {"pair": "XBTUSD", "count": 1}},
            ):
                answer = (await one.http.post(url, **body)).json()
                assert len(answer["result"]["XXBTZUSD"]["asks"]) == 1

    run(main())


@pytest.mark.parametrize("as_json", [False, True])
def test_a_limit_order_lives_and_is_canceled(as_json: bool) -> None:
    async def main() -> None:
        async with venue() as one:
            bid, _ = one.best()
            placed = await one.private(
                "AddOrder",
                as_json=as_json,
                pair="XBTUSD",
                type="buy",
                ordertype="limit",
                price=str(bid - 100),
                volume="0.01",
                cl_ord_id="mine-1",
            )
            assert placed["descr"]["order"] == f"buy 0.01000000 XBTUSD @ limit {bid - 100}"
            [txid] = placed["txid"]
            order = (await one.private("OpenOrders", trades="true"))["open"][txid]
            assert (order["status"], order["cl_ord_id"], order["vol_exec"]) == (
                "open",
                "mine-1",
                "0.00000000",
            )
            assert order["descr"]["pair"] == "XBTUSD"
            held = (await one.private("BalanceEx"))["ZUSD"]
            assert Decimal(held["hold_trade"]) > (bid - 100) * Decimal("0.01")
            amended = await one.private("AmendOrder", txid=txid, order_qty="0.02", limit_price=str(bid - 90))
            assert len(amended["amend_id"]) == 19
            order = (await one.private("QueryOrders", txid=txid))[txid]
            assert (order["vol"], order["descr"]["price"], order["misc"]) == (
                "0.02000000",
                str(bid - 90),
                "amended",
            )
            trail = (await one.private("OrderAmends", order_id=txid))["amends"]
            assert [(row["amend_type"], Decimal(row["order_qty"])) for row in trail] == [
                ("original", Decimal("0.01")),
                ("user", Decimal("0.02")),
            ]
            assert await one.private("CancelOrder", txid=txid) == {"count": 1, "pending": False}
            closed = (await one.private("ClosedOrders"))["closed"][txid]
            assert (closed["status"], closed["reason"]) == ("canceled", "User requested")
            assert await one.refusal("CancelOrder", txid=txid) == "EOrder:Unknown order"
            assert await one.refusal("AmendOrder", txid=txid, order_qty="1") == "EOrder:Unknown order"

    run(main())


def test_a_market_order_fills_and_shows_up_everywhere() -> None:
    async def main() -> None:
        async with venue() as one:
            _, ask = one.best()
            txid = (
                await one.private("AddOrder", pair="XBTUSD", type="buy", ordertype="market", volume="0.001")
            )["txid"][0]
            order = (await one.private("QueryOrders", txid=txid, trades="true"))[txid]
            assert (order["status"], order["vol_exec"]) == ("closed", "0.00100000")
            assert Decimal(order["price"]) == ask
            history = await one.private("TradesHistory", ledgers="true")
            [fill_id] = order["trades"]
            fill = history["trades"][fill_id]
            assert (fill["ordertxid"], fill["maker"], fill["pair"]) == (txid, False, "XXBTZUSD")
            assert (await one.private("QueryTrades", txid=fill_id))[fill_id]["cost"] == fill["cost"]
            rows = await one.private("QueryLedgers", id=",".join(fill["ledgers"]))
            assert {row["refid"] for row in rows.values()} == {fill_id}
            by_asset = {row["asset"]: row for row in rows.values()}
            assert by_asset["XXBT"]["amount"] == "0.0010000000"
            usd = by_asset["ZUSD"]
            assert Decimal(usd["amount"]) == -Decimal(fill["cost"])
            balance = await one.private("Balance")
            assert balance["ZUSD"] == usd["balance"]
            assert Decimal(usd["balance"]) == 10_000 - Decimal(fill["cost"]) - Decimal(usd["fee"])
            volume = await one.private("TradeVolume", pair="XBTUSD")
            assert volume["fees"]["XXBTZUSD"]["fee"] == "0.4000"
            assert Decimal(volume["volume"]) > 0
            assert "mf" in await one.private("TradeBalance")
            assert await one.private("OpenPositions") == {}

    run(main())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pair": "FOO"}, "EQuery:Unknown asset pair"),
        ({"volume": "0.00001"}, "EOrder:Order minimum not met"),
        ({"volume": "0.0000500001"}, "EGeneral:Invalid arguments:volume"),
        ({"price": "100.05"}, "EOrder:Tick size check failed"),
        ({"price": "0.1", "volume": "0.01"}, "EOrder:Cost minimum not met"),
        ({"volume": "1000"}, "EOrder:Insufficient funds"),
        ({"oflags": "post", "price": "9999999"}, "EOrder:Post only order"),
        ({"ordertype": "iceberg", "displayvol": "0.0001"}, "EGeneral:Invalid arguments:displayvol"),
        ({"ordertype": "market", "timeinforce": "IOC"}, "EGeneral:Invalid arguments"),
    ],
)
def test_refusals_of_an_order(changes: dict[str, str], expected: str) -> None:
    async def main() -> None:
        async with venue() as one:
            order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "1000", "volume": "0.01"}
            assert await one.refusal("AddOrder", **{**order, **changes}) == expected
            assert (await one.private("OpenOrders"))["open"] == {}

    run(main())


def test_validate_places_nothing() -> None:
    async def main() -> None:
        async with venue() as one:
            order = {
                "pair": "XBTUSD",
                "type": "buy",
                "ordertype": "limit",
                "price": "1000",
                "validate": "true",
            }
            result = await one.private("AddOrder", volume="1", **order)
            assert "txid" not in result
            assert "descr" in result
            assert await one.refusal("AddOrder", volume="1000", **order) == "EOrder:Insufficient funds"
            assert (await one.private("OpenOrders"))["open"] == {}

    run(main())


def test_a_client_order_id_is_unique_among_open_orders_only() -> None:
    async def main() -> None:
        async with venue() as one:
            order = {
                "pair": "XBTUSD",
                "type": "buy",
                "ordertype": "limit",
                "volume": "0.001",
                "price": "1000",
            }
            await one.private("AddOrder", cl_ord_id="a", **order)
            assert (
                await one.refusal("AddOrder", cl_ord_id="a", **order)
                == "EGeneral:Invalid arguments:cl_ord_id"
            )
            assert await one.private("CancelOrder", cl_ord_id="a") == {"count": 1, "pending": False}
            await one.private("AddOrder", cl_ord_id="a", **order)

    run(main())


def test_edit_replaces_an_order_and_gives_it_a_new_id() -> None:
    async def main() -> None:
        async with venue() as one:
            order = {
                "pair": "XBTUSD",
                "type": "buy",
                "ordertype": "limit",
                "volume": "0.001",
                "price": "1000",
            }
            old = (await one.private("AddOrder", userref="7", **order))["txid"][0]
            edited = await one.private("EditOrder", pair="XBTUSD", txid=old, price="1100", volume="0.002")
            assert (edited["originaltxid"], edited["orders_cancelled"]) == (old, 1)
            opened = (await one.private("OpenOrders", userref="7"))["open"]
            assert list(opened) == [edited["txid"]]
            assert opened[edited["txid"]]["descr"]["price"] == "1100.0"
            # A refused edit leaves the order as it was.
            new = edited["txid"]
            assert (
                await one.refusal("EditOrder", pair="XBTUSD", txid=new, volume="1000")
                == "EOrder:Insufficient funds"
            )
            assert list((await one.private("OpenOrders"))["open"]) == [new]

    run(main())


def test_batches_answer_row_by_row() -> None:
    async def main() -> None:
        async with venue() as one:
            row = {"ordertype": "limit", "type": "buy", "volume": "0.001", "price": "1000"}
            batch = await one.private(
                "AddOrderBatch", as_json=True, pair="XBTUSD", orders=[row, {**row, "volume": "1000"}, row]
            )
            first, second, third = batch["orders"]
            assert second == {"error": "EOrder:Insufficient funds"}
            assert isinstance(first["txid"], str)
            # One row that cannot be read refuses the whole batch.
            assert (
                await one.refusal(
                    "AddOrderBatch", as_json=True, pair="XBTUSD", orders=[row, {**row, "type": "x"}]
                )
                == "EGeneral:Invalid arguments:type"
            )
            assert await one.refusal("AddOrderBatch", as_json=True, pair="XBTUSD", orders=[row]) == (
                "EGeneral:Invalid arguments:orders"
            )
            ids = [first["txid"], third["txid"]]
            assert await one.private("CancelOrderBatch", as_json=True, orders=ids) == {"count": 2}
            assert await one.private("CancelAll") == {"count": 0}

    run(main())


def test_signatures_nonces_keys_and_permissions() -> None:
    async def main() -> None:
        async with venue() as one:
            assert await one.refusal("Balance", sign="AAAA") == "EAPI:Invalid signature"
            assert await one.refusal("Balance", api_key="nobody") == "EAPI:Invalid key"
            await one.private("Balance")
            assert await one.refusal("Balance", nonce="5") == "EAPI:Invalid nonce"
            body = b"asset=x"
            path = "/0/private/Balance"
            sign = api_sign(one.keys["practice"]["secret"], path, "", body)
            assert await one.refusal("Balance", body=body, sign=sign) == "EAPI:Invalid nonce"
            order = {"pair": "XBTUSD", "type": "buy", "ordertype": "market", "volume": "0.001"}
            assert await one.refusal("AddOrder", key="read-only", **order) == "EGeneral:Permission denied"
            assert await one.refusal("GetWebSocketsToken", key="no-websocket") == "EGeneral:Permission denied"
            assert await one.refusal("Balance", key="otp") == "EAPI:Invalid signature"
            await one.private("Balance", key="otp", otp=one.keys["otp"]["otp"])
            info = await one.private("GetApiKeyInfo", key="withdraw")
            assert "withdraw-funds" in info["permissions"]
            answer = await one.http.get(one.kraken["rest"] + path)
            assert answer.json() == {"error": ["EGeneral:Unknown method"]}

    run(main())


def test_the_rest_counter_refuses_the_call_that_would_overfill_it() -> None:
    async def main() -> None:
        async with venue(tier="starter") as one:
            for _ in range(7):
                await one.private("Ledgers")  # 2 points each
            await one.private("Balance")
            assert await one.refusal("Ledgers") == "EAPI:Rate limit exceeded"
            # Trading goes by the engine's counter instead.
            assert await one.refusal("CancelOrder", txid="x") == "EOrder:Unknown order"
            await one.control("forgive")
            await one.private("Ledgers")

    run(main())


def test_the_engine_counter_stops_orders_and_lets_cancels_pass() -> None:
    async def main() -> None:
        async with venue(tier="starter") as one:
            order = {
                "pair": "XBTUSD",
                "type": "buy",
                "ordertype": "limit",
                "volume": "0.001",
                "price": "1000",
            }
            ids = [(await one.private("AddOrder", **order))["txid"][0] for _ in range(8)]
            for txid in ids[:7]:
                await one.private("CancelOrder", txid=txid)  # 8 points each while young
            assert await one.refusal("AddOrder", **order) == "EOrder:Rate limit exceeded"
            assert (
                await one.refusal("AmendOrder", txid=ids[7], order_qty="0.002")
                == "EOrder:Rate limit exceeded"
            )
            await one.private("CancelOrder", txid=ids[7])
            # Another pair has a counter of its own.
            await one.private(
                "AddOrder", pair="ETHUSD", type="buy", ordertype="limit", volume="0.01", price="100"
            )

    run(main())


def test_too_many_open_orders_on_a_pair() -> None:
    async def main() -> None:
        async with venue(tier="starter") as one:
            order = {
                "pair": "XBTUSD",
                "type": "buy",
                "ordertype": "limit",
                "volume": "0.001",
                "price": "1000",
            }
            row = {name: order[name] for name in ("type", "ordertype", "volume", "price")}
            for _ in range(4):
                await one.private("AddOrderBatch", as_json=True, pair="XBTUSD", orders=[row] * 15)
                await one.control("forgive")
            assert await one.refusal("AddOrder", **order) == "EOrder:Orders limit exceeded"

    run(main())


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("cancel_only", "EService:Market in cancel_only mode"),
        ("post_only", "EService:Market in post_only mode"),
        ("maintenance", "EService:Unavailable"),
    ],
)
def test_a_venue_that_takes_no_orders_says_so(status: str, expected: str) -> None:
    async def main() -> None:
        async with venue() as one:
            order = {
                "pair": "XBTUSD",
                "type": "buy",
                "ordertype": "limit",
                "volume": "0.001",
                "price": "1000",
            }
            txid = (await one.private("AddOrder", **order))["txid"][0]
            await one.control("fault", kind="status", system=status)
            assert (await one.result("SystemStatus"))["status"] == status
            assert await one.refusal("AddOrder", **order) == expected
            await one.private("CancelOrder", txid=txid)
            await one.control("clear")
            assert one.host.market.engines["BTC/USD"].status is MarketStatus.ONLINE
            await one.private("AddOrder", **order)

    run(main())


def test_conditional_close_follows_a_fill() -> None:
    async def main() -> None:
        async with venue() as one:
            _, ask = one.best()
            body: dict[str, Any] = {
                "pair": "XBTUSD",
                "type": "buy",
                "ordertype": "market",
                "volume": "0.001",
                "close[ordertype]": "limit",
                "close[price]": "+10%",
            }
            placed = await one.private("AddOrder", **body)
            assert placed["descr"]["close"] == "close position @ limit +10%"
            [(_, close)] = (await one.private("OpenOrders"))["open"].items()
            assert (close["descr"]["type"], close["vol"]) == ("sell", "0.00100000")
            assert Decimal(close["descr"]["price"]) == (ask * Decimal("1.1")).quantize(Decimal("0.1"))
            assert close["refid"] == placed["txid"][0]

    run(main())


def test_the_account_survives_a_restart(tmp_path: Path) -> None:
    order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.001", "price": "1000"}

    async def first() -> tuple[str, str, str]:
        async with venue(data_dir=tmp_path) as one:
            txid = (await one.private("AddOrder", cl_ord_id="kept", **order))["txid"][0]
            await one.private("AddOrder", pair="XBTUSD", type="sell", ordertype="market", volume="0.001")
            return txid, one.keys["practice"]["key"], (await one.private("Balance"))["ZUSD"]

    async def second(txid: str, key: str, usd: str) -> None:
        async with venue(data_dir=tmp_path) as one:
            assert one.keys["practice"]["key"] == key
            assert await one.refusal("Balance", nonce="1000") == "EAPI:Invalid nonce"
            assert (await one.private("Balance"))["ZUSD"] == usd
            assert (await one.private("OpenOrders"))["open"][txid]["cl_ord_id"] == "kept"
            assert (await one.private("TradesHistory"))["count"] == 1
            await one.control("reset")
            assert (await one.private("OpenOrders"))["open"] == {}
            assert (await one.private("Balance"))["ZUSD"] == "10000.0000"

    txid, key, usd = run(first())
    run(second(txid, key, usd))


def test_an_answer_is_json_with_its_length(tmp_path: Path) -> None:
    async def main(one: Venue) -> None:
        answer = await one.http.get(one.kraken["rest"] + "/0/public/Time")
        assert answer.headers["content-type"] == "application/json"
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert json.loads(answer.content)["error"] == []

    async def outer() -> None:
        async with venue() as one:
            await main(one)

    run(outer())
