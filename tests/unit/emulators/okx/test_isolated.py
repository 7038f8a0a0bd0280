"""Isolated margin at the practice OKX: a position's own money, its liquidation alone, and the bills of it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.helpers import eventually, run
from tests.unit.emulators.okx.client import Venue, venue

D = Decimal
ETH = {"instId": "ETH-USDT-SWAP", "tdMode": "isolated", "ordType": "market"}
RATE = D("0.0045")
"""Maintenance and the closing fee, as parts of a position's value."""


async def cash(v: Venue, ccy: str = "USDT") -> Decimal:
    (row,) = await v.get("account/balance", ccy=ccy)
    return D(row["details"][0]["cashBal"])


async def lever(v: Venue, inst_id: str, value: str, mode: str = "isolated", **more: str) -> Any:
    body = {"instId": inst_id, "lever": value, "mgnMode": mode, **more}
    return await v.act("account/set-leverage", body)


async def put_in(v: Venue, kind: str, size: str, side: str = "net") -> Any:
    body = {"instId": "ETH-USDT-SWAP", "posSide": side, "type": kind, "amt": size}
    return await v.post("account/position/margin-balance", body)


async def held(v: Venue, inst_id: str = "ETH-USDT-SWAP") -> dict[str, Any]:
    (row,) = await v.get("account/positions", instId=inst_id)
    return dict(row)


def test_a_position_has_margin_of_its_own_that_can_be_changed() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("balance_and_position") as stream:
            await lever(v, "ETH-USDT-SWAP", "10")
            before = await cash(v)
            await v.place(**ETH, side="buy", sz="10")
            row = await held(v)
            fills = await v.get("trade/fills", instId="ETH-USDT-SWAP")
            worth = sum((D(one["fillPx"]) * D(one["fillSz"]) / 10 for one in fills), start=D(0))
            fee = sum((D(one["fee"]) for one in fills), start=D(0))
            margin = D(row["margin"])
            assert (row["mgnMode"], row["lever"], row["imr"], row["pos"]) == ("isolated", "10", "", "10")
            assert abs(margin - worth / 10) < D("1e-9")
            assert await cash(v) == before - margin + fee
            # One ether of it: a fall that eats the margin but for what must stay.
            assert abs(D(row["liqPx"]) - (D(row["avgPx"]) - margin) / (1 - RATE)) < D("1e-8")
            (row,) = await v.get("account/balance")
            assert abs(D(row["isoEq"]) - margin) < margin / 10
            assert (await put_in(v, "add", "50"))["data"][0]["amt"] == "50"
            told = await stream.data("balance_and_position", lambda one: one["eventType"] == "adjust_margin")
            assert told["data"][0]["posData"][0]["mgnMode"] == "isolated"
            more = await held(v)
            assert D(more["margin"]) == margin + 50
            assert await cash(v) == before - margin - 50 + fee
            assert (await put_in(v, "reduce", "60"))["code"] == "59301"
            assert (await put_in(v, "add", "999999"))["code"] == "59301"
            assert (await put_in(v, "add", "1", "long"))["code"] == "51000"
            assert (await put_in(v, "give", "1"))["code"] == "51000"
            assert (await put_in(v, "reduce", "40"))["code"] == "0"
            assert D((await held(v))["margin"]) == margin + 10
            await v.act("trade/close-position", {"instId": "ETH-USDT-SWAP", "mgnMode": "isolated"})
            assert await v.get("account/positions") == []
            assert (await put_in(v, "add", "1"))["code"] == "59300"
            # Everything is cash again, but for what trading cost.
            fills = await v.get("trade/fills", instId="ETH-USDT-SWAP")
            lost = sum((D(one["fee"]) + D(one["fillPnl"]) for one in fills), start=D(0))
            assert abs(await cash(v) - before - lost) < D("1e-9")

    run(main())


def test_leverage_is_per_mode_and_side_and_moves_the_margin() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            await v.act("account/set-position-mode", {"posMode": "long_short_mode"})
            bad = {"instId": "ETH-USDT-SWAP", "lever": "5", "mgnMode": "isolated"}
            assert (await v.post("account/set-leverage", bad))["code"] == "51000"
            await lever(v, "ETH-USDT-SWAP", "5", posSide="long")
            await lever(v, "ETH-USDT-SWAP", "20", posSide="short")
            await lever(v, "ETH-USDT-SWAP", "7", "cross")
            for mode, wanted in (("isolated", ["5", "20"]), ("cross", ["7", "7"])):
                rows = await v.get("account/leverage-info", instId="ETH-USDT-SWAP", mgnMode=mode)
                assert [row["lever"] for row in rows] == wanted
            await v.place(**ETH, side="buy", posSide="long", sz="10")
            await v.place(**ETH, side="sell", posSide="short", sz="10")
            await v.place(**{**ETH, "tdMode": "cross"}, side="buy", posSide="long", sz="10")
            rows = {
                (row["mgnMode"], row["posSide"]): row
                for row in await v.get("account/positions", instId="ETH-USDT-SWAP")
            }
            assert {key: row["lever"] for key, row in rows.items()} == {
                ("isolated", "long"): "5",
                ("isolated", "short"): "20",
                ("cross", "long"): "7",
            }
            assert len({row["posId"] for row in rows.values()}) == 3
            long_before = D(rows["isolated", "long"]["margin"])
            money = await cash(v)
            await lever(v, "ETH-USDT-SWAP", "4", posSide="long")
            now = [row for row in await v.get("account/positions") if row["posSide"] == "long"]
            margin = next(D(row["margin"]) for row in now if row["mgnMode"] == "isolated")
            assert abs(margin - long_before * 5 / 4) < D("1e-9")
            assert abs(await cash(v) - money + long_before / 4) < D("1e-9")
            bid, _ = v.best("ETH-USDT-SWAP")
            resting = {**ETH, "ordType": "limit", "px": str(bid - 30), "sz": "1"}
            placed = await v.place(**resting, side="buy", posSide="long")
            body = {"instId": "ETH-USDT-SWAP", "lever": "3", "mgnMode": "isolated", "posSide": "long"}
            assert (await v.post("account/set-leverage", body))["code"] == "59101"
            await v.act("trade/cancel-order", {"instId": "ETH-USDT-SWAP", "ordId": placed["ordId"]})
            await lever(v, "ETH-USDT-SWAP", "3", posSide="long")
            assert (await v.post("account/set-leverage", {**body, "lever": "500"}))["code"] == "59102"
            await v.place(**{**resting, "tdMode": "cross"}, side="buy", posSide="long")
            crossed = {"instId": "ETH-USDT-SWAP", "lever": "4", "mgnMode": "cross"}
            assert (await v.post("account/set-leverage", crossed))["code"] == "59107"
            assert (await v.post("account/set-leverage", {**crossed, "lever": "7"}))["code"] == "0"

    run(main())


def test_only_the_isolated_position_is_liquidated() -> None:
    async def main() -> None:
        async with venue() as v, v.private("orders") as stream:
            await lever(v, "BTC-USDT-SWAP", "50")
            swap = {"instId": "BTC-USDT-SWAP", "side": "buy", "ordType": "market", "sz": "2"}
            await v.place(**swap, tdMode="cross")
            await v.place(**swap, tdMode="isolated")
            bid, _ = v.best("BTC-USDT-SWAP")
            low = {**swap, "ordType": "limit", "px": str((bid * D("0.981")).quantize(D("0.1"))), "sz": "0.1"}
            doomed = await v.place(**low, tdMode="isolated")
            kept = await v.place(**low, tdMode="cross")
            rows = await v.get("account/positions", instId="BTC-USDT-SWAP")
            margin = next(D(row["margin"]) for row in rows if row["mgnMode"] == "isolated")
            before = await cash(v)
            await v.control("shock", symbol="BTC-USDT-SWAP", percent=-1.75)
            ended = await stream.order("canceled", doomed["clOrdId"])
            assert ended["cancelSource"] == "2"
            forced = await stream.data("orders", lambda row: row.get("category") == "full_liquidation")
            assert (forced["data"][0]["tdMode"], forced["data"][0]["side"]) == ("isolated", "sell")
            await eventually(
                lambda: [row["mgnMode"] for row in v.host.okx.told(None)["positions"]] == ["cross"],
                what="the end of the isolated position alone",
            )
            (row,) = await v.get("trade/orders-pending")
            assert row["clOrdId"] == kept["clOrdId"]
            # Nothing beyond its own margin is lost.
            assert before <= await cash(v) < before + margin
            (bill, *_) = await v.get("account/bills", type="5")
            assert (bill["mgnMode"], bill["subType"]) == ("isolated", "104")

    run(main())


def test_isolated_margin_outlives_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        async with venue(live=False, data_dir=tmp_path) as v:
            await lever(v, "ETH-USDT-SWAP", "10")
            await v.place(**ETH, side="sell", sz="3")
            before, bills = await held(v), await v.get("account/bills")
        async with venue(live=False, data_dir=tmp_path) as v:
            after = await held(v)
            for name in ("margin", "mgnMode", "lever", "pos", "avgPx", "posId"):
                assert after[name] == before[name]
            assert await v.get("account/bills") == bills

    run(main())


def test_bills_tell_every_movement_of_cash_and_are_paged() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            before = await cash(v)
            await v.place(side="buy", ordType="market", sz="300")
            await v.place(**ETH, side="buy", sz="10")
            await put_in(v, "add", "25")
            await v.control("fault", kind="funding")
            await v.control("cash", ccy="USDT", amount=7)
            await v.act("trade/close-position", {"instId": "ETH-USDT-SWAP", "mgnMode": "isolated"})
            rows = await v.get("account/bills", ccy="USDT")
            changes, own = (sum((D(row[name]) for row in rows), D(0)) for name in ("balChg", "posBalChg"))
            assert abs(before + changes - await cash(v)) < D("1e-9")
            assert abs(D(rows[0]["bal"]) - await cash(v)) < D("1e-9")
            assert abs(own) < D("1e-9")
            assert {row["type"] for row in rows} == {"1", "2", "6", "8"}
            (added,) = [row for row in rows if row["type"] == "6"]
            assert (added["balChg"], added["posBalChg"], added["subType"]) == ("-25", "25", "160")
            (funding,) = [row for row in rows if row["type"] == "8"]
            # An isolated position pays out of its own margin.
            assert (funding["balChg"], funding["posBalChg"]) == ("0", funding["pnl"])
            fills = {row["billId"]: row for row in await v.get("trade/fills")}
            trades = [row for row in rows if row["billId"] in fills]
            assert all(row["tradeId"] == fills[row["billId"]]["tradeId"] for row in trades)
            every = await v.get("account/bills")
            numbers = [row["billId"] for row in every]
            assert numbers == sorted(numbers, key=int, reverse=True)

            async def page(**terms: str) -> list[str]:
                v.host.okx.forgive()
                return [row["billId"] for row in await v.get("account/bills-archive", **terms)]

            assert await page(limit="2") == numbers[:2]
            assert await page(after=numbers[1], limit="2") == numbers[2:4]
            assert await page(before=numbers[3], limit="2") == numbers[1:3]
            assert await page(before=numbers[3], after=numbers[0]) == numbers[1:3]
            assert await page(type="1") == [row["billId"] for row in every if row["type"] == "1"]
            later = str(int(every[0]["ts"]) + 1)
            assert await page(begin=later) == []
            assert await page(end=every[0]["ts"], begin=every[-1]["ts"]) == numbers
            assert (await v.send("GET", "account/bills", begin="soon")).json()["code"] == "51000"

    run(main())


def test_a_pair_on_margin_is_a_position_with_a_debt() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders", "positions") as stream:
            pair = {"instId": "ETH-USDT", "tdMode": "isolated", "ordType": "market"}
            assert await v.refusal(**{**pair, "tdMode": "cross"}, side="buy", sz="100") == "51010"
            await lever(v, "ETH-USDT", "5")
            before, coins = await cash(v), await cash(v, "ETH")
            bought = await v.place(**pair, side="buy", sz="1000")
            told = await stream.order("filled", bought["clOrdId"])
            # Without another word a buy is sized in the quote currency.
            assert (told["instType"], told["lever"], told["sz"], told["posSide"]) == (
                "MARGIN",
                "5",
                "1000",
                "net",
            )
            row = await held(v, "ETH-USDT")
            size, cost = D(row["pos"]), D(row["pos"]) * D(row["avgPx"])
            assert abs(cost - 1000) < 5
            assert (row["instType"], row["posCcy"], row["liabCcy"]) == ("MARGIN", "ETH", "USDT")
            assert abs(D(row["liab"]) + cost) < D("1e-6")
            assert abs(D(row["margin"]) - cost / 5) < D("1e-6")
            assert abs(await cash(v) - before + cost / 5 - D(told["fee"])) < D("1e-6")
            assert await cash(v, "ETH") == coins  # what is borrowed for is no balance
            # At this price the coins and the margin cover the debt and what must stay.
            wanted = (cost - D(row["margin"])) / size / (1 - D("0.004") - D("0.001"))
            assert abs(D(row["liqPx"]) - wanted) < D("1e-6")
            (balance,) = await v.get("account/balance", ccy="USDT")
            assert abs(D(balance["details"][0]["isoLiab"]) - cost) < D("1e-6")
            # Turned over: twice as much is sold as is held.
            await v.place(**pair, side="sell", sz=str(2 * size))
            row = await held(v, "ETH-USDT")
            assert (row["posCcy"], row["liabCcy"], D(row["liab"])) == ("USDT", "ETH", -size)
            assert abs(D(row["pos"]) - size * D(row["avgPx"])) < D("1e-6")
            closed = {"instId": "ETH-USDT", "mgnMode": "isolated"}
            assert (await v.post("trade/close-position", {**closed, "mgnMode": "cross"}))["code"] == "51010"
            await v.act("trade/close-position", closed)
            assert await v.get("account/positions") == []
            fills = await v.get("trade/fills", instType="MARGIN")
            gained = sum((D(one["fee"]) + D(one["fillPnl"]) for one in fills), start=D(0))
            assert abs(await cash(v) - before - gained) < D("1e-6")
            assert await v.refusal(**pair, side="sell", sz="1", reduceOnly=True) == "51169"
            assert await v.refusal(**pair, side="sell", sz="1", ccy="ETH") == "51000"
            rows = await v.rows("public/instruments", instType="MARGIN", instId="ETH-USDT")
            assert (rows[0]["lever"], rows[0]["settleCcy"], rows[0]["ctVal"]) == ("10", "", "")

    run(main())


def test_a_stop_closes_a_short_on_margin() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            pair = {"instId": "BTC-USDT", "tdMode": "isolated"}
            await v.control("trade", symbol="BTC-USDT", side="buy", through=str(v.best()[1]))
            _, ask = v.best()
            levels = {"slTriggerPx": str(ask + 60), "slOrdPx": "-1"}
            stop = {**pair, "side": "buy", "ordType": "conditional", "sz": "0.01", "reduceOnly": True}
            await v.place(**pair, side="sell", ordType="market", sz="0.01")
            placed = await v.act("trade/order-algo", {**stop, **levels})
            await v.control("trade", symbol="BTC-USDT", side="buy", through=str(ask + 90))
            await eventually(lambda: v.host.okx.told(None)["positions"] == [], what="the end of the short")
            (row,) = await v.get("trade/order-algo", algoId=placed["algoId"])
            assert (row["state"], row["instType"]) == ("effective", "MARGIN")
            (order,) = await v.get("trade/order", instId="BTC-USDT", ordId=row["ordId"])
            assert (order["accFillSz"], order["reduceOnly"]) == ("0.01", "true")

    run(main())


def test_inverse_contracts_are_isolated_in_their_coin() -> None:
    async def main() -> None:
        async with venue(live=False) as v:
            before = await cash(v, "BTC")
            futures = await v.rows("public/instruments", instType="FUTURES", instFamily="BTC-USD")
            names = {"BTC-USD-SWAP": "sell", futures[-1]["instId"]: "buy"}
            for name, side in names.items():
                await lever(v, name, "8")
                await v.place(instId=name, tdMode="isolated", ordType="market", side=side, sz="40")
            rows = {row["instId"]: row for row in await v.get("account/positions")}
            for name, side in names.items():
                row, sign = rows[name], 1 if side == "buy" else -1
                entry, margin, worth = D(row["avgPx"]), D(row["margin"]), 4000 / D(row["avgPx"])
                assert (row["ccy"], row["pos"]) == ("BTC", str(40 * sign))
                assert abs(margin - worth / 8) < worth / 1000
                # There the coins of the margin and of the profit are what must stay.
                price = D(row["liqPx"])
                left = margin + sign * 4000 * (1 / entry - 1 / price)
                assert abs(left - 4000 / price * RATE) < D("1e-10")
                await v.act("trade/close-position", {"instId": name, "mgnMode": "isolated"})
            fills = await v.get("trade/fills")
            gained = sum((D(one["fee"]) + D(one["fillPnl"]) for one in fills), start=D(0))
            assert {one["feeCcy"] for one in fills} == {"BTC"}
            assert abs(await cash(v, "BTC") - before - gained) < D("1e-10")

    run(main())
