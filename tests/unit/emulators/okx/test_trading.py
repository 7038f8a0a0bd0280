"""Orders, positions and stops at the practice OKX, and what outlives a restart."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.helpers import eventually, run
from tests.unit.emulators.okx.client import venue


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


def test_an_inverse_order_fills_at_the_mean_of_the_reciprocals() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders", "positions") as stream:
            inst = "BTC-USD-SWAP"
            await v.act("account/set-leverage", {"instId": inst, "lever": "10", "mgnMode": "cross"})
            placed = await v.place(instId=inst, tdMode="cross", ordType="market", side="buy", sz="40")
            done = await stream.order("filled", placed["clOrdId"])
            fills = await v.get("trade/fills", ordId=placed["ordId"], instType="SWAP")
            size = sum(Decimal(each["fillSz"]) for each in fills)
            coins = sum(Decimal(each["fillSz"]) / Decimal(each["fillPx"]) for each in fills)
            assert size == 40
            assert abs(Decimal(done["avgPx"]) - size / coins) < Decimal("1e-8")
            (held,) = await v.get("account/positions", instId=inst)
            assert abs(Decimal(held["avgPx"]) - Decimal(done["avgPx"])) < Decimal("1e-8")

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


def test_amending_below_what_is_filled_ends_the_order_as_filled() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders") as stream:
            _, ask = v.best()
            best = v.host.okx.exchange.engines["BTC-USDT"].best_ask()
            assert best is not None
            size = best.quantity + Decimal("0.01")
            await v.control("cash", ccy="USDT", amount=str(size * ask))  # whatever stands there is paid for
            order = {"side": "buy", "ordType": "limit", "px": str(ask), "sz": str(size)}
            placed = await v.place(**order)
            await stream.order("partially_filled", placed["clOrdId"])
            which = {"instId": "BTC-USDT", "ordId": placed["ordId"]}
            # Every maker met is a push of its own; the order itself has the sum.
            (part,) = await v.get("trade/order", **which)
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
