"""The path that lends practice money only."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

from terminal.bridge.bots import BotLimits, BotMode, NewKeys
from terminal.services.session import ConnectionPlan, Mode
from tests.helpers import eventually, run
from tests.unit.bridge.bridge_desk import KEYED, BridgeDesk, LendingVenue, open_bridge

D = Decimal
BUY: dict[str, Any] = {"symbol": "BTC_USD", "type": "buy", "amount": "0.01", "price": "59000"}


def paper_bot(desk: BridgeDesk, name: str = "paper bot", paper: str = "") -> NewKeys:
    limits = BotLimits(100, D(1_000_000))
    return desk.bridge.bots.make(name, mode=BotMode.TRADING, venues=["paper"], limits=limits, paper=paper)[1]


async def connect(desk: BridgeDesk, venue: str, mode: Mode) -> None:
    account = f"{venue}:{mode.value}"
    await desk.sessions.use(ConnectionPlan(venue, mode, account, KEYED))
    await eventually(lambda: desk.gate.ready(account), what=f"{account} takes orders")


def test_paper_is_the_first_practice_account_and_a_bot_limited_to_it_gets_nothing_else(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        other = LendingVenue("other")
        async with open_bridge(tmp_path, others=[other]) as desk:
            await connect(desk, "other", Mode.PRACTICE)
            keys = paper_bot(desk)
            assert "buy" in (await desk.call("ticker", "/PAPER", keys, symbol="BTC_USD"))["data"]
            order_id = (await desk.call("trade", "/PAPER", keys, **BUY))["data"]["id"]
            assert (len(desk.venue.orders), len(other.orders)) == (1, 0)
            assert len((await desk.call("orders", "/PAPER", keys, symbol=""))["data"]) == 1
            assert (await desk.call("cancel", "/PAPER", keys, symbol="BTC_USD", id=order_id))["data"] is True
            assert "may not use FAKE" in await desk.error("trade", "/FAKE", keys, **BUY)
            _, elsewhere = desk.bridge.bots.make("elsewhere", mode=BotMode.TRADING, venues=["fake"])
            assert "may not use PAPER" in await desk.error("trade", "/PAPER", elsewhere, **BUY)

    run(main())


def test_paper_is_never_a_live_account(tmp_path: Path) -> None:
    async def main() -> None:
        other = LendingVenue("other")
        async with open_bridge(tmp_path, others=[other]) as desk:
            keys = paper_bot(desk)
            await connect(desk, "fake", Mode.LIVE)
            assert "no practice account" in await desk.error("trade", "/PAPER", keys, **BUY)
            assert "no practice account" in await desk.error("accounts", "/PAPER", keys)
            await connect(desk, "other", Mode.LIVE)
            assert "no practice account" in await desk.error("trade", "/PAPER", keys, **BUY)
            await connect(desk, "other", Mode.PRACTICE)
            assert "id" in (await desk.call("trade", "/PAPER", keys, **BUY))["data"]
            assert (len(desk.venue.orders), len(other.orders)) == (0, 1)

    run(main())


def test_a_bots_rule_names_the_practice_account(tmp_path: Path) -> None:
    async def main() -> None:
        other = LendingVenue("other")
        async with open_bridge(tmp_path, others=[other]) as desk:
            keys = paper_bot(desk, paper="other")
            assert "OTHER for paper bot" in await desk.error("trade", "/PAPER", keys, **BUY)
            await connect(desk, "other", Mode.LIVE)
            assert "OTHER for paper bot" in await desk.error("trade", "/PAPER", keys, **BUY)
            await connect(desk, "other", Mode.PRACTICE)
            assert "id" in (await desk.call("trade", "/PAPER", keys, **BUY))["data"]
            assert (len(desk.venue.orders), len(other.orders)) == (0, 1)

    run(main())


def test_where_a_bot_has_traded_paper_stays_the_same_account(tmp_path: Path) -> None:
    async def main() -> None:
        other = LendingVenue("other")
        async with open_bridge(tmp_path, others=[other]) as desk:
            await connect(desk, "other", Mode.PRACTICE)
            keys = paper_bot(desk)
            assert "data" in await desk.call("trade", "/PAPER", keys, **BUY)
            await desk.sessions.disconnect("fake")
            assert "data" in await desk.call("ticker", "/PAPER", keys, symbol="BTC_USD")
            text = await desk.error("trade", "/PAPER", keys, **{**BUY, "price": "58000"})
            assert "another account" in text
            assert not other.orders

    run(main())


def test_a_venue_that_is_practice_money_today_is_found_at_the_order_too(tmp_path: Path) -> None:
    """The account is looked at again last thing before an order leaves."""

    async def main() -> None:
        async with open_bridge(tmp_path, others=[LendingVenue("other")]) as desk:
            limits = BotLimits(100, D(1_000_000))
            _, keys = desk.bridge.bots.make("asker", mode=BotMode.CONFIRM, venues=["paper"], limits=limits)

            async def answer() -> None:
                await eventually(lambda: desk.bridge.waiting.all, what="an order that waits")
                await connect(desk, "fake", Mode.LIVE)
                await connect(desk, "other", Mode.PRACTICE)
                desk.bridge.waiting.accept(desk.bridge.waiting.all[0].number)

            text, _ = await asyncio.gather(desk.error("trade", "/PAPER", keys, **BUY), answer())
            assert "connected anew" in text
            assert not desk.venue.orders

    run(main())
