"""Orders, accounts and keys of the practice plugin, over the wire."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import run
from tests.unit.emulators.custom.client import SYMBOL, Venue, plugin


async def status(venue: Venue, number: str) -> tuple[Any, ...]:
    row = await venue.data("order", id=number, symbol=SYMBOL)
    return row["status"], row["deal_amount"], row["avg_price"]


def code_of(text: str) -> str:
    """The code in a venue's JSON text."""
    return str(json.loads(text)["code"])


def test_an_order_is_filled_in_two_parts() -> None:
    async def main() -> None:
        async with plugin() as venue:
            inside = format(Decimal(venue.price()) + Decimal("0.01"), "f")
            number = await venue.place(price=inside)
            assert number.startswith("ETH-USDT,")
            assert await status(venue, number) == ("submitted", 0, "0")
            await venue.control("trade", symbol=SYMBOL, side="sell", quantity="0.04")
            state, deal, average = await status(venue, number)
            assert (state, deal, Decimal(average)) == ("partial-filled", Decimal("0.04"), Decimal(inside))
            assert [row["id"] for row in await venue.data("orders", symbol=SYMBOL)] == [number]
            await venue.control("trade", symbol=SYMBOL, side="sell", quantity="0.06")
            assert (await status(venue, number))[:2] == ("filled", Decimal("0.1"))
            assert await venue.data("orders", symbol=SYMBOL) == []
            refusal = await venue.error("cancel", id=number, symbol=SYMBOL)
            assert code_of(refusal) == "51400"

    run(main())


def test_a_cancel_tells_whether_something_was_filled() -> None:
    async def main() -> None:
        async with plugin() as venue:
            whole = await venue.place()
            part = await venue.place(price=format(Decimal(venue.price()) + Decimal("0.01"), "f"))
            await venue.control("trade", symbol="ETH/USDT", side="sell", quantity="0.03")
            for number in (whole, part):
                assert await venue.data("cancel", id=number, symbol=SYMBOL) is True
            assert (await status(venue, whole))[:2] == ("canceled", 0)
            assert (await status(venue, part))[:2] == ("partial-canceled", Decimal("0.03"))
            history = await venue.data("historyorders", symbol=SYMBOL, since=0, limit=0)
            assert [row["id"] for row in history] == [whole, part]

    run(main())


def test_amounts_are_frozen_while_an_order_rests_and_move_when_it_is_filled() -> None:
    async def main() -> None:
        async with plugin() as venue:

            async def funds() -> dict[str, tuple[Any, ...]]:
                rows = await venue.data("accounts")
                assert rows == await venue.data("assets")
                return {one["currency"]: (Decimal(one["free"]), Decimal(one["frozen"])) for one in rows}

            assert (await funds())["ETH"] == (3, 0)
            number = await venue.place("1.5", type="sell", amount="1")
            assert (await funds())["ETH"] == (2, 1)
            await venue.data("cancel", id=number, symbol=SYMBOL)
            assert (await funds())["ETH"] == (3, 0)
            await venue.place(type="sell", amount="1", price="-1")
            after = await funds()
            assert after["ETH"] == (2, 0)
            assert after["USDT"][0] > 10_000

    run(main())


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"price": "-1"}, "market buy is not supported"),
        ({"type": "hold"}, "invalid type: hold"),
        ({"type": 'buy;{"leverage":5}'}, "unknown order option"),
        ({"type": "buy;nonsense"}, "unknown order option"),
        ({"amount": "1000"}, "51008"),
        ({"amount": "0.0001"}, "51020"),
        ({"amount": "0.10001"}, "51121"),
        ({"amount": "-1"}, "51121"),
        ({"price": "100.001"}, "51122"),
        ({"symbol": "ABC_USDT"}, "51001"),
        ({"symbol": "ETHUSDT"}, "invalid symbol"),
        ({"type": 'buy;{"timeInForce":"SOON"}'}, "51000"),
    ],
)
def test_what_the_exchange_or_the_plugin_refuses(terms: dict[str, str], words: str) -> None:
    async def main() -> None:
        async with plugin() as venue:
            order = {"symbol": SYMBOL, "type": "buy", "amount": "0.1", "price": venue.price("0.8"), **terms}
            assert words in await venue.error("trade", **order)
            assert await venue.data("orders", symbol=SYMBOL) == []

    run(main())


def test_an_option_behind_the_type_is_obeyed() -> None:
    async def main() -> None:
        async with plugin() as venue:
            kept = await venue.place(type='buy;{"timeInForce":"GTC"}')
            gone = await venue.place(type='buy;{"timeInForce":"IOC"}')
            assert [row["id"] for row in await venue.data("orders", symbol="eth_usdt")] == [kept]
            assert (await status(venue, gone))[0] == "canceled"

    run(main())


def test_keys_open_their_own_account_and_no_more() -> None:
    async def main() -> None:
        async with plugin() as venue:
            number = await venue.place()
            wrong: dict[str, dict[str, Any]] = {
                "50111": {"access_key": "nobody"},
                "50113": {"secret_key": "0,0"},
                "50105": {"secret_key": venue.node.secret_key.split(",")[0] + ",wrong"},
            }
            for code, terms in wrong.items():
                answer = await venue.node.call("accounts", {}, **terms)
                assert code_of(answer.envelope["error"]) == code
            second, view = venue.node_of("second"), venue.node_of("view")
            assert (await second.call("orders", {"symbol": SYMBOL})).envelope["data"] == []
            stranger = await second.call("cancel", {"id": number, "symbol": SYMBOL})
            assert code_of(stranger.envelope["error"]) == "51603"
            seen = await view.call("orders", {"symbol": SYMBOL})
            assert [row["id"] for row in seen.envelope["data"]] == [number]
            forbidden = await view.call("cancel", {"id": number, "symbol": SYMBOL})
            assert code_of(forbidden.envelope["error"]) == "50120"
            # Market data needs no account.
            assert "data" in (await venue.node.call("ticker", {"symbol": SYMBOL}, access_key="x")).envelope
            # A third word of the secret key is for the venue's other modes and changes nothing here.
            demo = await venue.node.call("accounts", {}, secret_key=venue.node.secret_key + ",simulate")
            assert "data" in demo.envelope

    run(main())


def test_more_orders_than_a_page_of_the_exchange_are_all_listed() -> None:
    async def main() -> None:
        async with plugin("better") as venue:
            numbers = {await venue.place("0.5", amount="0.002") for _ in range(103)}
            assert {row["id"] for row in await venue.data("orders", symbol=SYMBOL)} == numbers
            assert {row["id"] for row in await venue.data("orders", symbol="")} == numbers

    run(main())


def test_the_history_goes_on_from_a_time_and_keeps_its_limit() -> None:
    async def main() -> None:
        async with plugin() as venue:
            numbers = []
            for _ in range(4):
                numbers.append(await venue.place())
                await venue.data("cancel", id=numbers[-1], symbol=SYMBOL)
            third = venue.market.order(int(numbers[2].split(",")[1]))
            assert third is not None
            assert third.closed_ns is not None

            async def history(**params: object) -> list[str]:
                rows = await venue.data("historyorders", symbol=SYMBOL, **params)
                return [row["id"] for row in rows]

            assert await history(since=0, limit=2) == numbers[2:]  # the latest
            later = third.closed_ns // 1_000_000 + 60_000
            assert await history(since=later, limit=0) == []
            assert await history(since="1", limit="1") == numbers[:1]  # the first from then on

    run(main())


def test_raw_calls_reach_the_exchange_and_only_what_is_allowed() -> None:
    async def main() -> None:
        async with plugin() as venue:
            number = await venue.place()

            async def raw(verb: str, path: str, **params: str) -> dict[str, object]:
                return (
                    await venue.node.call(f"__api_{path}", params, headers={"Http-Method": verb})
                ).envelope

            found = await raw("GET", "/api/v5/trade/orders-pending", instType="SPOT", instId="ETH-USDT")
            reply = found["data"]
            assert isinstance(reply, dict)
            assert reply["code"] == "0"
            assert [f"ETH-USDT,{row['ordId']}" for row in reply["data"]] == [number]
            await venue.place("1.2", amount="0.5")
            fills = await raw("GET", "/api/v5/trade/fills", instId="ETH-USDT")
            assert isinstance(fills["data"], dict)
            assert sum(Decimal(row["fillSz"]) for row in fills["data"]["data"]) == Decimal("0.5")
            assert all(Decimal(row["fee"]) < 0 for row in fills["data"]["data"])
            refused = await raw("GET", "/api/v5/trade/order", instId="ETH-USDT", ordId="5")
            assert code_of(str(refused["error"])) == "51603"
            assert "not allowed" in str((await raw("POST", "/api/v5/asset/withdrawal", amt="1"))["error"])
            wrong_verb = await raw("GET", "/api/v5/trade/cancel-order", instId="ETH-USDT", ordId="5")
            assert code_of(str(wrong_verb["error"])) == "50404"

    run(main())


@pytest.mark.parametrize(
    ("minutes", "count"), [(1, 30), (3, 7), (120, 5), (360, 4), (720, 3), (4320, 3), (10080, 2)]
)
def test_bars_of_every_period_agree_with_the_minutes_in_them(minutes: int, count: int) -> None:
    async def main() -> None:
        async with plugin() as venue:
            rows = await venue.data("records", symbol=SYMBOL, period=str(minutes), limit=str(count))
            assert len(rows) == count
            starts = [row[0] for row in rows]
            assert starts == [starts[0] + 60 * minutes * i for i in range(count)]
            now = venue.host.clock.wall_ns() // 10**9
            assert starts[-1] <= now < starts[-1] + 60 * minutes
            last = await venue.data("records", symbol=SYMBOL, period="1", limit="1")
            assert rows[-1][4] == last[0][4]
            hour = venue.market.bars("ETH/USDT", 3600, count=24 * 40)
            whole = [bar for bar in hour if starts[-2] <= bar.open_ns // 10**9 < starts[-1]]
            if minutes > 60:
                assert rows[-2][1] == whole[0].open
                assert rows[-2][2] == max(bar.high for bar in whole)
                assert rows[-2][3] == min(bar.low for bar in whole)
                assert rows[-2][5] == sum(bar.volume for bar in whole)

    run(main())


def test_a_period_that_nobody_offers_is_refused() -> None:
    async def main() -> None:
        async with plugin() as venue:
            assert code_of(await venue.error("records", symbol=SYMBOL, period="7", limit="10")) == "51000"

    run(main())


def test_keys_and_orders_survive_a_restart_and_a_reset_begins_anew(tmp_path: Path) -> None:
    async def main() -> None:
        async with plugin(data_dir=tmp_path) as venue:
            node = venue.node
            number = await venue.place()
            gone = await venue.place()
            await venue.data("cancel", id=gone, symbol=SYMBOL)
        async with plugin(data_dir=tmp_path) as venue:
            assert (venue.node.access_key, venue.node.secret_key) == (node.access_key, node.secret_key)
            assert (await status(venue, number))[0] == "submitted"
            assert (await status(venue, gone))[0] == "canceled"
            later = await venue.place()
            assert later not in (number, gone)
            answer = await venue.control("reset", account="custom:practice")
            assert answer["accounts"] == ["custom:practice"]
            assert await venue.data("orders", symbol=SYMBOL) == []
            assert code_of(await venue.error("order", id=number, symbol=SYMBOL)) == "51603"
            rows = {row["currency"]: row["free"] for row in await venue.data("assets")}
            assert Decimal(rows["USDT"]) == 10_000

    run(main())


def test_the_exchange_tells_its_own_record_of_an_account() -> None:
    async def main() -> None:
        async with plugin() as venue:
            order = {"symbol": SYMBOL, "type": "buy", "amount": "0.1", "price": venue.price("1.2")}
            answer = await venue.node.call("trade", order, nonce=1730275031047002000)
            told = (await venue.control("record"))["custom"]
            assert [row["cl_ord_ids"] for row in told["requests"]] == [["1730275031047002000"]]
            (row,) = told["orders"]
            assert row["txid"] == answer.envelope["data"]["id"]
            assert (row["cl_ord_id"], row["status"]) == ("1730275031047002000", "FILLED")
            assert sum(Decimal(fill["quantity"]) for fill in told["fills"]) == Decimal("0.1")
            assert Decimal(told["balances"]["ETH"]["total"]) == Decimal("3.1")
            stats = await venue.control("stats")
            assert stats["custom"]["requests"] == 1
            assert stats["off_fair_pct"] < 5

    run(main())
