"""Bots whose orders wait for a click: nothing leaves without one, and nothing that waited too long leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from terminal.bridge.bots import BotLimits, BotMode
from terminal.bridge.waiting import MOST_OF_A_BOT, Waiting
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, Origin
from terminal.services.arming import ArmState
from terminal.services.session import ConnectionPlan, Mode
from tests.helpers import eventually, run
from tests.unit.bridge.bridge_desk import (
    ACCOUNT,
    KEYED,
    PERP,
    BridgeDesk,
    SwapVenue,
    open_bridge,
    read_answer,
)

D = Decimal
BUY: dict[str, Any] = {"symbol": "BTC_USD", "type": "buy", "amount": "0.01", "price": "59000"}


@contextlib.asynccontextmanager
async def asked(
    desk: BridgeDesk, method: str = "trade", **params: Any
) -> AsyncIterator[tuple[Waiting, asyncio.Task[Any]]]:
    """A call that waits for the person, and its answer to come."""
    before = len(desk.bridge.waiting.all)
    async with asyncio.TaskGroup() as group:
        call = group.create_task(desk.call(method, **(params or BUY)))
        await eventually(lambda: len(desk.bridge.waiting.all) > before, what="something that waits")
        yield desk.bridge.waiting.all[-1], call


def test_an_accepted_order_goes_on_and_is_the_bots_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=BotMode.CONFIRM) as desk:
            async with asked(desk) as (waiting, call):
                assert waiting.what == "Buy 0.01 BTC (BTC/USD) at 59000"
                assert (waiting.bot.name, waiting.worth, waiting.is_practice) == ("grid", D(590), True)
                assert not desk.venue.orders
                assert not desk.gate.orders
                assert desk.bridge.waiting.accept(waiting.number)
            order_id = call.result()["data"]["id"]
            [sent] = desk.venue.orders
            assert (sent.origin, sent.origin_name) == (Origin.BRIDGE, "grid")
            assert not desk.bridge.waiting.accept(waiting.number), "a second click finds nothing"
            assert len((await desk.call("orders", symbol="BTC_USD"))["data"]) == 1
            assert await desk.call("cancel", symbol="BTC_USD", id=order_id) == {"data": True}
            assert len(desk.venue.orders) == 1

    run(main())


def test_its_connection_is_kept_and_answers_in_order(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=BotMode.CONFIRM) as desk:
            reader, writer = await asyncio.open_connection("127.0.0.1", desk.bridge.port)
            for method, params in (("trade", BUY), ("accounts", {}), ("trade", {**BUY, "price": "58000"})):
                body = desk.body(method, **params)
                head = f"POST /FAKE HTTP/1.1\r\nHost: 127.0.0.1:{desk.bridge.port}\r\n"
                writer.write(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            for accepted in (True, False):
                await eventually(lambda: desk.bridge.waiting.all, what="an order that waits")
                [waiting] = desk.bridge.waiting.all
                assert "data" in await desk.call("depth", symbol="BTC_USD"), "others are answered meanwhile"
                waits = desk.bridge.waiting
                assert (waits.accept if accepted else waits.refuse)(waiting.number)
                status, answer = await read_answer(reader)
                assert (status, set(answer)) == (200, {"data" if accepted else "error"})
                if accepted:
                    assert "data" in (await read_answer(reader))[1]
            writer.close()
            assert len(desk.venue.orders) == 1

    run(main())


def test_a_refused_order_and_one_that_nobody_looked_at(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=BotMode.CONFIRM) as desk:
            async with asked(desk) as (waiting, call):
                assert desk.bridge.waiting.refuse(waiting.number)
            assert call.result() == {"error": "refused in the terminal's window; nothing was sent"}
        async with open_bridge(tmp_path / "second", mode=BotMode.CONFIRM, confirm_s=0.2) as desk:
            assert "nobody confirmed it" in await desk.error("trade", **BUY)
            assert not desk.bridge.waiting.all
            assert not desk.venue.orders
            assert not desk.gate.orders

    (tmp_path / "second").mkdir()
    run(main())


def test_a_caller_that_has_gone_withdraws_its_order(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=BotMode.CONFIRM) as desk:
            for leave in ("abort", "eof"):
                reader, writer = await asyncio.open_connection("127.0.0.1", desk.bridge.port)
                body = desk.body("trade", **BUY)
                head = f"POST /FAKE HTTP/1.1\r\nHost: 127.0.0.1:{desk.bridge.port}\r\n"
                writer.write(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await eventually(lambda: desk.bridge.waiting.all, what="an order that waits")
                if leave == "abort":
                    writer.transport.abort()
                else:
                    writer.write_eof()
                    status, answer = await read_answer(reader)
                    assert (status, "has gone" in answer["error"]) == (200, True)
                await eventually(lambda: not desk.bridge.waiting.all, what="nothing that waits")
                writer.close()
            await eventually(lambda: desk.bridge.calls.count == 2, what="both calls in the list")
            assert all("has gone" in each.error for each in desk.bridge.calls.records if not each.by_hand)
            assert not desk.venue.orders

    run(main())


def test_a_bot_that_may_not_trade_any_more_has_nothing_waiting(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=BotMode.CONFIRM) as desk:
            async with asked(desk) as (_, call):
                desk.bridge.bots.change("grid", mode=BotMode.READ_ONLY)
            assert "withdrawn: the bot may not trade" in call.result()["error"]
            desk.bridge.bots.change("grid", mode=BotMode.CONFIRM)
            async with asked(desk) as (_, call):
                desk.bridge.bots.revoke("grid")
            assert "withdrawn" in call.result()["error"]
            assert not desk.venue.orders

    run(main())


def test_a_hand_on_the_instrument_withdraws_what_waits_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=BotMode.CONFIRM) as desk:
            async with (
                asked(desk, **{**BUY, "symbol": "ETH_USD"}) as (other, kept),
                asked(desk) as (waiting, call),
            ):
                by_hand = OrderRequest(
                    waiting.instrument, Side.SELL, OrderType.LIMIT, D("0.02"), limit_price=D(61000),
                    origin=Origin.LADDER,
                )  # fmt: skip
                await desk.gate.submit(ACCOUNT, by_hand, confirmed=frozenset({"arm"}))
                await eventually(call.done, what="an answer")
                assert "withdrawn: it is traded by hand" in call.result()["error"]
                assert desk.bridge.waiting.all == (other,)
                assert desk.bridge.waiting.accept(other.number)
            assert "data" in kept.result()
            assert [order.origin for order in desk.venue.orders] == [Origin.LADDER, Origin.BRIDGE]

    run(main())


def test_the_switch_withdraws_everything_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=BotMode.CONFIRM) as desk:
            call = asyncio.gather(desk.call("trade", **BUY), return_exceptions=True)
            await eventually(lambda: desk.bridge.waiting.all, what="an order that waits")
            [waiting] = desk.bridge.waiting.all
            desk.bridge.cut()
            assert not desk.bridge.waiting.all
            assert not desk.bridge.waiting.accept(waiting.number)
            [outcome] = await call
            assert isinstance(outcome, Exception), "its connection was cut"
            await desk.bridge.switch_off()
            assert not desk.venue.orders
            assert not desk.gate.orders

    run(main())


def test_a_click_covers_no_other_account_and_no_other_state(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=BotMode.CONFIRM) as desk:
            async with asked(desk) as (waiting, call):
                desk.arming.set(ArmState.VIEW)
                desk.bridge.waiting.accept(waiting.number)
            assert "View" in call.result()["error"]
            assert "View" in await desk.error("trade", **BUY), "it is not even asked"
            desk.arming.set(ArmState.CONFIRM)
            async with asked(desk) as (waiting, call):
                await desk.sessions.use(ConnectionPlan("fake", Mode.LIVE, "fake:live", KEYED))
                await eventually(lambda: desk.gate.ready("fake:live"))
                desk.bridge.waiting.accept(waiting.number)
            assert "connected anew" in call.result()["error"]
            assert not desk.venue.orders

    run(main())


def test_what_would_be_refused_or_waits_already_is_not_asked(tmp_path: Path) -> None:
    async def main() -> None:
        limits = BotLimits(100, D(2500))
        async with open_bridge(tmp_path, mode=BotMode.CONFIRM, bot_limits=limits) as desk:
            assert "your limit is 3 %" in await desk.error("trade", **{**BUY, "price": "70000"})
            assert "multiple" in await desk.error("trade", **{**BUY, "price": "59000.05"})
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(asked(desk))
                assert "same order waits" in await desk.error("trade", **BUY)
                for price in ("58000", "58001")[: MOST_OF_A_BOT - 1]:
                    await stack.enter_async_context(asked(desk, **{**BUY, "price": price}))
                text = await desk.error("trade", **{**BUY, "price": "58002"})
                assert "too many orders wait" in text
                over = await desk.error("trade", **{**BUY, "amount": "0.02", "price": "58003"})
                assert "2500 USD a day: 1750.01 are used" in over, "what waits is counted"
                desk.bridge.waiting.withdraw("the test is over")
            assert not desk.venue.orders

    run(main())


def test_a_change_of_leverage_waits_too(tmp_path: Path) -> None:
    async def main() -> None:
        venue = SwapVenue()
        async with open_bridge(tmp_path, venue=venue, mode=BotMode.CONFIRM) as desk:
            async with asked(desk, "marginlevel", symbol="BTC_USD.swap", level="10") as (waiting, call):
                assert waiting.what == "Set the leverage of BTC/USD-PERP to 10"
                assert not venue.leverages
                desk.bridge.waiting.accept(waiting.number)
            assert call.result() == {"data": True}
            assert venue.leverages == [(PERP.symbol, D(10))]

    run(main())
