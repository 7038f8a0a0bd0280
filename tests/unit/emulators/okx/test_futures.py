"""Dated futures at the practice OKX: which are listed when, their prices, and their delivery."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from terminal.emulators.okx.futures import alias_of, basis_of, contract_of, contracts_at, expiries
from tests.helpers import run
from tests.unit.emulators.okx.client import Venue, venue
from tests.unit.emulators.okx.faces import face_at

D = Decimal


def at(text: str) -> int:
    return int(datetime.strptime(f"{text} +0000", "%Y-%m-%d %H:%M %z").timestamp()) * 10**9


LISTED = {
    "a week like others": ("2026-11-21 12:00", "261127 261225 270326", ""),
    "the minute before an end": ("2026-11-27 07:59", "261127 261225 270326", ""),
    "the minute of it": ("2026-11-27 08:00", "261204 261225 270326", ""),
    "two weeks to a quarter's": ("2026-12-11 08:00", "261218 261225 270326 270625", "next_week"),
    "its own week": ("2026-12-20 00:00", "261225 270326 270625", ""),
    "the turn of the year": ("2026-12-31 23:00", "270101 270326 270625", ""),
}
"""A moment, the ends of what is listed then, and what more there is than the three that always are."""


@pytest.mark.parametrize("case", LISTED)
def test_fridays_and_ends_of_quarters_are_listed(case: str) -> None:
    moment, ends, more = LISTED[case]
    now = at(moment)
    aliases = [one for one in ("this_week", more, "quarter", "next_quarter") if one]
    wanted = dict(zip(ends.split(), aliases, strict=True))
    days = {end: datetime.fromtimestamp(end / 1e9, UTC).strftime("%y%m%d") for end in expiries(now)}
    told = {day: alias_of(end, now) for end, day in days.items()}
    assert told == wanted
    for one in contracts_at(now):
        assert one.listed_ns <= now < one.expiry_ns
        assert contract_of(one.inst_id) == one
    assert len({one.code for one in contracts_at(now)}) == 3 * len(wanted)


def test_no_future_has_a_name_that_means_none() -> None:
    for name in ("BTC-USDT", "BTC-USDT-SWAP", "XRP-USDT-261225", "BTC-USDT-269999", "BTC-USDT-2612255"):
        assert contract_of(name) is None


def test_the_basis_shrinks_evenly_to_nothing() -> None:
    one = contract_of("BTC-USDT-261225")
    assert one is not None
    basis = basis_of(7, one)
    quarter, month = one.expiry_ns - 90 * 86_400 * 10**9, one.expiry_ns - 30 * 86_400 * 10**9
    assert 0.03 / 365 * 90 <= basis(quarter) <= 0.09 / 365 * 90
    assert math.isclose(basis(quarter), 3 * basis(month))
    assert basis(one.expiry_ns) == basis(one.expiry_ns + 10**15) == 0.0


async def nearest(v: Venue, family: str, alias: str = "quarter") -> dict[str, Any]:
    rows = await v.rows("public/instruments", instType="FUTURES", instFamily=family)
    return dict(next(row for row in rows if row["alias"] == alias))


def test_a_future_is_told_like_every_instrument() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.stream("public") as stream:
            row = await nearest(v, "BTC-USDT", "next_quarter")
            count = len(contracts_at(v.host.okx.wall_ns()))
            name = row["instId"]
            assert (row["instType"], row["ctType"], row["settleCcy"]) == ("FUTURES", "linear", "USDT")
            assert int(row["listTime"]) < v.host.okx.wall_ns() // 10**6 < int(row["expTime"])
            inverse = await nearest(v, "BTC-USD")
            assert (inverse["ctType"], inverse["settleCcy"], inverse["ctVal"]) == ("inverse", "BTC", "100")
            tickers = await v.rows("market/tickers", instType="FUTURES")
            assert len(tickers) == count
            assert all(D(one["askPx"]) > D(one["bidPx"]) > 0 for one in tickers)
            (mark,) = await v.rows("public/mark-price", instType="FUTURES", instId=name)
            spot = v.host.okx.exchange.index(v.host.okx.exchange.instruments[name])
            left_y = (int(row["expTime"]) - int(mark["ts"])) / 365 / 86_400_000
            assert 0.025 * left_y < float(D(mark["markPx"]) / spot) - 1 < 0.1 * left_y
            bars = await v.rows("market/candles", instId=name, bar="1H", limit="48")
            assert len(bars) == 48
            for newer, older in itertools.pairwise(bars):
                # One bar goes on where the one before it ended, at the future's own height.
                assert abs(D(newer[1]) / D(older[4]) - 1) < D("0.01")
                first, high, low, last = (D(text) for text in older[1:5])
                assert low <= min(first, last) <= max(first, last) <= high
            weekly = await nearest(v, "BTC-USDT", "this_week")
            days = await v.rows("market/candles", instId=weekly["instId"], bar="1Dutc")
            assert int(days[-1][0]) >= int(weekly["listTime"]) - 86_400_000  # no past before it was listed
            assert (await v.public("public/funding-rate", instId=name))["code"] == "51001"
            assert (await stream.subscribe("books", instId=name))["event"] == "subscribe"
            book = await stream.data("books")
            assert len(book["data"][0]["bids"]) > 100
            assert (await stream.subscribe("instruments", instType="FUTURES"))["event"] == "subscribe"
            assert len((await stream.data("instruments"))["data"]) == count

    run(main())


def test_what_nobody_looks_at_sleeps() -> None:
    async def main() -> None:
        async with venue() as v:
            exchange = v.host.okx.exchange
            name = (await nearest(v, "ETH-USDT"))["instId"]
            for _ in range(40):
                exchange.step(all_of_them=True)
            assert exchange.engines[name].best_bid() is None
            asked = await v.rows("market/books", instId=name, sz="5")
            assert len(asked[0]["bids"]) == 5
            assert [one for one in exchange.engines if one.startswith("ETH-USDT-2") and one != name]
            assert all(
                exchange.engines[one].best_bid() is None
                for one in exchange.engines
                if one.startswith("ETH-USDT-2") and one != name
            )

    run(main())


def test_a_position_is_delivered_at_the_index_and_its_orders_are_gone() -> None:
    async def main() -> None:
        async with venue(live=False) as v, v.private("orders", "balance_and_position") as stream:
            name = (await nearest(v, "BTC-USDT", "this_week"))["instId"]
            order = {"instId": name, "ordType": "market"}
            await v.place(**order, tdMode="cross", side="buy", sz="3")
            await v.place(**order, tdMode="isolated", side="sell", sz="2")
            bid, _ = v.best(name)
            low = {**order, "ordType": "limit", "px": str(bid - 300), "sz": "1"}
            resting = await v.place(**low, tdMode="cross", side="buy")
            stop = {"instId": name, "tdMode": "cross", "side": "sell", "sz": "1", "ordType": "conditional"}
            levels = {"slTriggerPx": str(bid - 900), "slOrdPx": "-1", "reduceOnly": True}
            waiting = await v.act("trade/order-algo", {**stop, **levels})
            held = {row["mgnMode"]: row for row in await v.get("account/positions", instType="FUTURES")}
            (money,) = await v.get("account/balance", ccy="USDT")
            before = D(money["details"][0]["cashBal"])
            await v.control("fault", kind="delivery", inst_id=name)
            assert (await stream.order("canceled", resting["clOrdId"]))["cancelSource"] == "7"
            told = await stream.data("balance_and_position", lambda one: one["eventType"] == "delivered")
            assert told["data"][0]["posData"][0]["pos"] == "0"
            assert await v.get("account/positions") == []
            bills = {row["mgnMode"]: row for row in await v.get("account/bills", type="3")}
            assert {mode: row["subType"] for mode, row in bills.items()} == {
                "cross": "112",
                "isolated": "113",
            }
            price = D(bills["cross"]["px"])
            exchange = v.host.okx.exchange
            assert abs(price / exchange.index(exchange.instruments[name]) - 1) < D("0.001")
            entries = {mode: D(row["avgPx"]) for mode, row in held.items()}
            gained = (price - entries["cross"]) * D("0.03")
            assert abs(D(bills["cross"]["pnl"]) - gained) < D("1e-6")
            gained += (entries["isolated"] - price) * D("0.02") + D(held["isolated"]["margin"])
            (money,) = await v.get("account/balance", ccy="USDT")
            assert abs(D(money["details"][0]["cashBal"]) - before - gained) < D("1e-6")
            # It is listed no more, and what was done in it is remembered.
            rows = await v.rows("public/instruments", instType="FUTURES")
            assert name not in [row["instId"] for row in rows]
            assert await v.refusal(**order, tdMode="cross", side="buy", sz="1") == "51027"
            assert (await v.public("market/ticker", instId=name))["code"] == "51001"
            (row,) = await v.get("trade/order", instId=name, ordId=resting["ordId"])
            assert row["state"] == "canceled"
            (algo,) = await v.get("trade/order-algo", algoId=waiting["algoId"])
            assert algo["state"] == "canceled"
            assert len(await v.get("trade/orders-history", instType="FUTURES")) == 3
            v.host.okx.restore()
            assert name in [row["instId"] for row in await v.rows("public/instruments", instType="FUTURES")]
            assert (await v.place(**order, tdMode="cross", side="buy", sz="1"))["sCode"] == "0"

    run(main())


class Late:
    """A clock that runs ahead of the real one."""

    def __init__(self) -> None:
        self.ahead_ns = 0

    def wall_ns(self) -> int:
        return at("2026-11-26 12:00") + self.ahead_ns

    def monotonic_ns(self) -> int:
        return self.ahead_ns


def test_time_ends_one_and_lists_the_next_also_while_nobody_is_here(tmp_path: Path) -> None:
    clock = Late()
    with face_at(clock, tmp_path) as face:
        uid = face.first
        names = [one for one in face.exchange.engines if one.endswith("-261127")]
        assert len(names) == 3
        for name in names[1:]:
            request = {"instId": name, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "2"}
            face.placing.place(uid, request)
        face.placing.place(uid, {**request, "instId": "BTC-USDT-261225"})
        clock.ahead_ns += 21 * 3600 * 10**9
        face.after_step()
        assert {one.rpartition("-")[2] for one in face.exchange.engines if "-2" in one} == {
            "261204",
            "261225",
            "270326",
        }
        assert [one.inst_id for one in face.desk.accounts[uid].positions.values()] == ["BTC-USDT-261225"]
        assert {row["instId"] for row in face.desk.bills.of(uid) if row["type"] == "3"} == set(names[1:])
    clock.ahead_ns += 60 * 86_400 * 10**9
    with face_at(clock, tmp_path) as face:
        assert not face.desk.accounts[uid].positions
        newest = face.desk.bills.of(uid)[0]
        assert (newest["type"], newest["instId"]) == ("3", "BTC-USDT-261225")
        one = face.exchange.instruments["BTC-USDT-261225"]
        end = face.exchange.latents.pair_price("BTC", "USDT", one.expiry_ns)
        # At the price of its own time, not of today.
        assert abs(float(newest["px"]) - end) < 0.06
