"""The practice plugin's futures: the protocol's local extension, over the wire."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.helpers import run
from tests.unit.emulators.custom.client import Venue, plugin

SWAP = "BTC_USDT.swap"


async def order(venue: Venue, kind: str, amount: str, price: str = "-1") -> str:
    data = await venue.data("trade", symbol=SWAP, type=kind, amount=amount, price=price)
    return str(data["id"])


async def positions(venue: Venue, symbol: str = SWAP) -> dict[str, dict[str, Any]]:
    return {row["side"]: row for row in await venue.data("positions", symbol=symbol)}


def test_a_long_is_opened_marked_and_closed() -> None:
    async def main() -> None:
        async with plugin("futures") as venue:
            number = await order(venue, "buy", "0.2")
            opened = await venue.data("order", id=number, symbol=SWAP)
            assert (opened["status"], opened["type"], opened["symbol"]) == ("filled", "buy", SWAP)
            row = (await positions(venue))["long"]
            assert Decimal(row["amount"]) == Decimal("0.2")
            assert abs(Decimal(row["avg_price"]) - Decimal(opened["avg_price"])) < Decimal("0.01")
            value = Decimal(row["amount"]) * Decimal(row["avg_price"])
            assert abs(Decimal(row["margin"]) - value / 10) < Decimal("0.01")
            assert await venue.data("marginlevel", symbol=SWAP, level="20") is True
            row = (await positions(venue, ""))["long"]
            assert row["leverage"] == "20"
            assert abs(Decimal(row["margin"]) - value / 20) < Decimal("0.01")

            book = await venue.data("depth", symbol=SWAP, limit="400")
            far = format(book["asks"][-1][0], "f")
            resting = await order(venue, "closebuy", "0.15", far)
            assert Decimal((await positions(venue))["long"]["frozen"]) == Decimal("0.15")
            refusal = await venue.error("trade", symbol=SWAP, type="closebuy", amount="0.1", price="-1")
            assert json.loads(refusal)["code"] == "51169"
            assert [row["type"] for row in await venue.data("orders", symbol=SWAP)] == ["closebuy"]
            await venue.data("cancel", id=resting, symbol=SWAP)
            await order(venue, "closebuy", "0.2")
            assert await positions(venue) == {}
            states = [
                row["status"] for row in await venue.data("historyorders", symbol=SWAP, since=0, limit=0)
            ]
            assert sorted(states) == ["canceled", "filled", "filled"]

    run(main())


def test_profit_and_loss_go_to_the_futures_wallet_to_the_last_digit() -> None:
    async def main() -> None:
        async with plugin("futures") as venue:
            wallet = venue.face.exchange.futures.wallet("custom:practice")
            traded = Decimal(0)
            figures: dict[str, Decimal] = {}
            for kind in ("buy", "sell", "closebuy", "closesell"):
                number = await order(venue, kind, "0.1")
                row = await venue.data("order", id=number, symbol=SWAP)
                figures[kind] = Decimal(row["avg_price"]) * Decimal("0.1")
                traded += figures[kind]
            gained = figures["closebuy"] - figures["buy"] + figures["sell"] - figures["closesell"]
            expected = 10_000 + gained - traded * Decimal("0.0005")
            assert abs(wallet.cash - expected) < Decimal("0.001")
            assert wallet.free() == wallet.cash
            # The spot account has seen nothing of it.
            rows = {row["currency"]: Decimal(row["free"]) for row in await venue.data("assets")}
            assert (rows["USDT"], rows["BTC"]) == (Decimal(10_000), Decimal("0.25"))

    run(main())


def test_what_is_beyond_the_margin_or_no_contract_is_refused() -> None:
    async def main() -> None:
        async with plugin("futures") as venue:
            too_much = await venue.error("trade", symbol=SWAP, type="buy", amount="100", price="-1")
            assert json.loads(too_much)["code"] == "51008"
            spot = await venue.error("trade", symbol="BTC_USDT", type="closebuy", amount="0.1", price="1")
            assert spot == "invalid type: closebuy"
            for level in ("0", "101"):
                refusal = await venue.error("marginlevel", symbol=SWAP, level=level)
                assert json.loads(refusal)["code"] == "51000"
            for method in ("positions", "fundings"):
                assert json.loads(await venue.error(method, symbol="BTC_USDT"))["code"] == "51001"
            # Less leverage needs more margin than there is.
            await venue.data("marginlevel", symbol=SWAP, level="100")
            price = (await venue.data("ticker", symbol=SWAP))["last"]
            amount = (Decimal(90_000) / Decimal(price)).quantize(Decimal("0.0001"))
            await order(venue, "sell", format(amount, "f"))
            refusal = await venue.error("marginlevel", symbol=SWAP, level="1")
            assert json.loads(refusal)["code"] == "51008"
            assert (await positions(venue))["short"]["leverage"] == "100"

    run(main())


def test_the_funding_rate_is_told_with_its_next_time() -> None:
    async def main() -> None:
        async with plugin("futures") as venue:
            (row,) = await venue.data("fundings", symbol=SWAP)
            assert row["interval"] == 28_800_000
            assert row["time"] % row["interval"] == 0
            now = venue.host.clock.wall_ns() // 1_000_000
            assert now < row["time"] <= now + row["interval"]
            assert abs(Decimal(row["rate"])) <= Decimal("0.0075")

    run(main())


def test_positions_survive_a_restart_and_a_reset_ends_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with plugin("futures", data_dir=tmp_path) as venue:
            await venue.data("marginlevel", symbol=SWAP, level="5")
            await order(venue, "sell", "0.1")
            before = await positions(venue)
            cash = venue.face.exchange.futures.wallet("custom:practice").cash
        async with plugin("futures", data_dir=tmp_path) as venue:
            after = await positions(venue)
            for name in ("amount", "avg_price", "margin", "leverage"):
                assert after["short"][name] == before["short"][name]
            assert venue.face.exchange.futures.wallet("custom:practice").cash == cash
            await venue.control("reset")
            assert await positions(venue) == {}

    run(main())


def test_without_the_switch_there_are_no_contracts() -> None:
    async def main() -> None:
        async with plugin("extras") as venue:
            for method in ("positions", "marginlevel", "fundings"):
                assert await venue.error(method, symbol=SWAP) == f"invalid method: {method}"
            assert await venue.error("ticker", symbol=SWAP) == "invalid symbol"
            assert set(await venue.data("markets")) == set(venue.entry["symbols"])
            await venue.control("behave", futures=True)
            assert set(await venue.data("markets")) == {
                *venue.entry["symbols"],
                *venue.entry["futures_symbols"],
            }

    run(main())
