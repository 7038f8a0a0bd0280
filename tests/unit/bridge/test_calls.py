"""Every method of the protocol, with the shapes, units and ids of its guide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from terminal.bridge import market_calls
from terminal.bridge.bots import BotLimits, BotMode
from terminal.domain.errors import OutcomeUnknown, RateLimited, RequestRejected, VenueError
from terminal.domain.events import BarsReceived, FeedConfirmed, TradesReceived
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, Feed, FeedKind, Quote, Side, Trade
from terminal.domain.orders import OrderRequest, OrderState, OrderType, Origin
from terminal.services.arming import ArmState
from terminal.services.session import ConnectionPlan, Mode
from tests.helpers import eventually, run
from tests.unit.bridge.bridge_desk import (
    ACCOUNT,
    BARS,
    BTC,
    KEYED,
    PERP,
    LendingVenue,
    SwapVenue,
    open_bridge,
)

D = Decimal
BUY: dict[str, Any] = {"symbol": "BTC_USD", "type": "buy", "amount": "0.01", "price": "59000"}
DRY, READ = BotMode.DRY_RUN, BotMode.READ_ONLY


def test_prices_in_the_shapes_of_the_guide(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            ticker = (await desk.call("ticker", symbol="btc_usd"))["data"]
            assert ticker.pop("time").isdigit()
            assert ticker == {
                "symbol": "BTC_USD", "buy": "60000.0", "sell": "60000.1", "high": "61000", "low": "58000",
                "open": "59500.0", "last": "60000.0", "vol": "12.5",
            }  # fmt: skip
            depth = (await desk.call("depth", symbol="BTC_USD", limit="3"))["data"]
            assert depth["asks"] == [["60000.1", "0.5"], ["60000.2", "0.5"], ["60000.3", "0.5"]]
            assert [level[0] for level in depth["bids"]] == ["60000.0", "59999.9", "59999.8"]
            assert abs(depth["time"] - time.time() * 1000) < 60_000
            trades = (await desk.call("trades", symbol="BTC_USD"))["data"]
            assert [each["id"] for each in trades] == ["0", "1", "2"]
            assert {each["type"] for each in trades} == {"buy", "sell"}
            records = (await desk.call("records", symbol="BTC_USD", period="1", limit="2"))["data"]
            assert records == [
                [1_680_000_180, "1", "3", "0.5", "2", "700"],
                [1_680_000_240, "1", "3", "0.5", "2", "700"],
            ]
            markets = (await desk.call("markets"))["data"]
            assert set(markets) == {"BTC_USD", "ETH_USD", "BTC_USD.swap"}
            assert markets["BTC_USD"]["amount_size"] == "0.00000001"
            tickers = (await desk.call("tickers"))["data"]
            assert [each["symbol"] for each in tickers] == ["BTC_USD"]

    run(main())


class PastBesides(LendingVenue):
    """Tells the running bar with the feed, and those of the past when they are asked for, slowly; prints come
    when somebody trades."""

    def __init__(self) -> None:
        super().__init__()
        able = replace(self.info.capabilities, bars_bring_past=False)
        self.info = replace(self.info, capabilities=able)
        self.past = asyncio.Event()

    async def subscribe(self, feed: Feed) -> None:
        if feed.kind not in (FeedKind.BARS, FeedKind.TRADES):
            await super().subscribe(feed)
            return
        self.subscribed.append(feed)
        self.emit(FeedConfirmed(feed))
        if feed.interval_s is not None:
            self.emit(BarsReceived(BTC, feed.interval_s, tuple(BARS[-1:]), time.time_ns()))

    async def bars(self, *args: Any, **options: Any) -> Sequence[Bar]:
        await self.past.wait()
        return await super().bars(*args, **options)

    async def instruments(self) -> list[Instrument]:
        return [replace(each, is_detailed=each.id == BTC) for each in await super().instruments()]


def test_the_first_call_waits_for_the_bars_of_the_past(tmp_path: Path) -> None:
    async def main() -> None:
        venue = PastBesides()
        async with open_bridge(tmp_path, venue=venue) as desk, asyncio.TaskGroup() as group:
            call = group.create_task(desk.call("records", symbol="BTC_USD", period="1", limit="3"))
            await eventually(lambda: desk.market.bars(BTC, 60).bars, what="the running bar")
            venue.past.set()
        assert [row[0] for row in call.result()["data"]] == [bar.open_ns // 10**9 for bar in BARS[-3:]]

    run(main())


def test_the_first_call_waits_for_a_print_and_not_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        venue = PastBesides()
        async with open_bridge(tmp_path, venue=venue) as desk:
            monkeypatch.setattr(market_calls, "_FIRST_PRINT_S", 0.05)
            assert await desk.call("trades", symbol="BTC_USD") == {"data": []}
            monkeypatch.setattr(market_calls, "_FIRST_PRINT_S", 20.0)
            async with asyncio.TaskGroup() as group:
                call = group.create_task(desk.call("trades", symbol="BTC_USD"))
                await eventually(lambda: desk.bridge.connections, what="a call that waits")
                now = time.time_ns()
                one = Trade(BTC, "7", Side.BUY, D(60000), D("0.5"), now, now)
                venue.emit(TradesReceived(BTC, (one,), False))
            assert [each["id"] for each in call.result()["data"]] == ["7"]

    run(main())


def test_what_is_listed_without_its_grid_is_no_market(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, venue=PastBesides()) as desk:
            markets = (await desk.call("markets"))["data"]
            assert set(markets) == {"BTC_USD"}
            assert markets["BTC_USD"]["tick_size"] == "0.1"

    run(main())


class ListVenue(LendingVenue):
    """Tells the prices of everything in one call."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.failure: VenueError | None = None

    async def tickers(self) -> Sequence[Quote]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        listed = [each.id for each in await self.instruments()]
        return [
            Quote(
                at, D(7), D(1), D(8), D(1), D("7.5"), D(2), D(6), D(9), None, None, None, None, 5_000_000_000
            )
            for at in listed[:2]
        ]


def test_tickers_of_everything_come_by_one_call_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        venue = ListVenue()
        monkeypatch.setattr(market_calls, "_TICKERS_KEPT_NS", 10**15)
        async with open_bridge(tmp_path, venue=venue) as desk:
            await desk.call("ticker", symbol="BTC_USD")
            answers = await asyncio.gather(*(desk.call("tickers") for _ in range(3)))
            assert venue.asked == 1
            assert answers[0] == answers[1] == answers[2]
            live, other = answers[0]["data"]
            assert (live["symbol"], live["buy"], live["open"]) == ("BTC_USD", "60000.0", "59500.0")
            assert other == {
                "symbol": "ETH_USD", "buy": "7", "sell": "8", "high": "9", "low": "6",
                "last": "7.5", "vol": "2", "time": "5000",
            }  # fmt: skip
            monkeypatch.setattr(market_calls, "_TICKERS_KEPT_NS", 0)
            await desk.call("tickers")
            assert venue.asked == 2
            venue.failure = RateLimited("fake", "slow down", user_text="Fake asks for a pause.")
            assert await desk.error("tickers") == "Fake asks for a pause."

    run(main())


def test_a_feed_is_taken_once_and_let_go_after_a_while(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, linger_s=0.05) as desk:
            await asyncio.gather(*(desk.call("depth", symbol="ETH_USD") for _ in range(4)))
            book = Feed(FeedKind.BOOK, "ETH/USD", depth=500)
            assert desk.venue.subscribed.count(book) == 1
            await eventually(lambda: book in desk.venue.unsubscribed, what="letting go of the book")

    run(main())


def test_a_book_that_does_not_come_is_said_after_the_wait(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, wait_s=0.1) as desk:
            desk.venue.silent.add(FeedKind.BOOK)
            assert "no current book of BTC/USD" in await desk.error("depth", symbol="BTC_USD")

    run(main())


def test_balances(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            expected = [
                {"currency": "USD", "free": "1000000", "frozen": "0"},
                {"currency": "BTC", "free": "50", "frozen": "0"},
            ]
            assert (await desk.call("accounts"))["data"] == expected
            assert (await desk.call("assets"))["data"] == expected
            for method in ("positions", "marginlevel"):
                assert await desk.error(method, symbol="BTC_USD.swap") == "not support"

    run(main())


def test_funding_and_leverage_of_a_perpetual(tmp_path: Path) -> None:
    async def main() -> None:
        venue = SwapVenue()
        async with open_bridge(tmp_path, venue=venue) as desk:
            swap = "BTC_USD.swap"
            assert (await desk.call("fundings", symbol=swap))["data"] == [
                {
                    "symbol": swap,
                    "rate": "0.0001",
                    "time": venue.due_ns // 1_000_000,
                    "interval": 28_800_000,
                }
            ]
            assert "has no funding" in await desk.error("fundings", symbol="BTC_USD")
            assert (await desk.call("marginlevel", symbol=swap, level="10"))["data"] is True
            assert venue.leverages == [(PERP.symbol, D(10))]
            assert await desk.error("marginlevel", symbol=swap, level="99") == "Cancel the open orders first."
            assert "highest leverage of BTC_USD.swap is 100" in await desk.error(
                "marginlevel", symbol=swap, level="101"
            )
            assert "above 0" in await desk.error("marginlevel", symbol=swap, level="0")
            _, reader = desk.bridge.bots.make("reader", mode=READ, limits=BotLimits(100, D(1000)))
            assert "may only read" in await desk.error("marginlevel", keys=reader, symbol=swap, level="20")
            _, dry = desk.bridge.bots.make("dry", mode=DRY, limits=BotLimits(100, D(1000)))
            assert (await desk.call("marginlevel", keys=dry, symbol=swap, level="20"))["data"] is True
            desk.arming.set(ArmState.VIEW)
            assert "View" in await desk.error("marginlevel", symbol=swap, level="20")
            assert venue.leverages == [(PERP.symbol, D(10))], "nothing but the first was sent"

    run(main())


def test_a_perpetual_whose_funding_is_not_told_is_refused_after_the_wait(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, wait_s=0.2) as desk:
            assert "BTC/USD-PERP" in await desk.error("fundings", symbol="BTC_USD.swap")

    run(main())


def test_the_life_of_an_order(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            order_id = (await desk.call("trade", **BUY))["data"]["id"]
            instrument, _, ours = order_id.partition(",")
            assert instrument == "BTC-USD"
            [sent] = desk.venue.orders
            assert (sent.instrument, sent.side, sent.order_type) == (BTC, Side.BUY, OrderType.LIMIT)
            assert (sent.quantity, sent.limit_price) == (D("0.01"), D(59000))
            assert (sent.origin, sent.origin_name) == (Origin.BRIDGE, "grid")
            assert desk.gate.orders[ours].state is OrderState.OPEN
            expected = {
                "id": order_id, "symbol": "BTC_USD", "amount": "0.01", "price": "59000", "deal_amount": "0",
                "avg_price": "0", "type": "buy", "status": "pending",
            }  # fmt: skip
            assert (await desk.call("orders", symbol="BTC_USD"))["data"] == [expected]
            assert (await desk.call("orders", symbol="ETH_USD"))["data"] == []
            assert (await desk.call("order", symbol="BTC_USD", id=order_id))["data"] == expected
            assert await desk.call("cancel", symbol="BTC_USD", id=order_id) == {"data": True}
            assert desk.venue.canceled == [ours]
            assert (await desk.call("orders", symbol=""))["data"] == []
            history = (await desk.call("historyorders", symbol="BTC_USD", limit=0, since=0))["data"]
            assert [each["status"] for each in history] == ["canceled"]
            assert "already" in await desk.error("cancel", symbol="BTC_USD", id=order_id)

    run(main())


def test_a_market_order_has_no_price_and_a_market_buy_is_money(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            sell = {**BUY, "type": "sell", "price": "-1"}
            assert "id" in (await desk.call("trade", **sell))["data"]
            assert desk.venue.orders[0].order_type is OrderType.MARKET
            assert "money (USD)" in await desk.error("trade", **{**BUY, "price": -1, "amount": 600})
            able = replace(desk.venue.info.capabilities, quantity_in_quote=True)
            desk.venue.info = replace(desk.venue.info, capabilities=able)
            assert "id" in (await desk.call("trade", **{**BUY, "price": -1, "amount": 600}))["data"]
            assert desk.venue.orders[1].in_quote
            assert desk.venue.orders[1].quantity == 600

    run(main())


def test_the_same_trade_twice_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            first, second = await asyncio.gather(desk.call("trade", **BUY), desk.call("trade", **BUY))
            assert {"data", "error"} == set(first) | set(second)
            assert "same order" in await desk.error("trade", **BUY)
            assert len(desk.venue.orders) == 1

    run(main())


def test_the_venues_no_and_an_answer_that_is_lost(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            desk.venue.submit_error = RequestRejected("fake", "E51008", user_text="Not enough money.")
            assert await desk.error("trade", **BUY) == "Not enough money."
            desk.venue.submit_error = OutcomeUnknown("fake", "no answer")
            order_id = (await desk.call("trade", **{**BUY, "price": "58000"}))["data"]["id"]
            data = (await desk.call("order", symbol="BTC_USD", id=order_id))["data"]
            assert data["status"] == "submitting"
            assert len(desk.venue.orders) == 2

    run(main())


def test_a_caller_that_hangs_up_does_not_leave_an_order_half_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            desk.venue.hold = asyncio.Event()
            _, writer = await asyncio.open_connection("127.0.0.1", desk.bridge.port)
            body = desk.body("trade", **BUY)
            head = f"POST /FAKE HTTP/1.1\r\nHost: 127.0.0.1:{desk.bridge.port}\r\n"
            writer.write(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await eventually(lambda: desk.venue.orders, what="an order at the venue")
            writer.transport.abort()
            desk.venue.hold.set()
            await eventually(lambda: next(iter(desk.gate.orders.values())).state is OrderState.OPEN)

    run(main())


def test_dry_run_answers_and_sends_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=DRY) as desk:
            order_id = (await desk.call("trade", **BUY))["data"]["id"]
            assert (await desk.call("order", symbol="BTC_USD", id=order_id))["data"]["status"] == "pending"
            assert len((await desk.call("orders", symbol="BTC_USD"))["data"]) == 1
            assert "same order" in await desk.error("trade", **BUY)
            assert "multiple" in await desk.error("trade", **{**BUY, "price": "59000.05"})
            assert await desk.call("cancel", symbol="BTC_USD", id=order_id) == {"data": True}
            assert (await desk.call("orders", symbol="BTC_USD"))["data"] == []
            assert "already" in await desk.error("cancel", symbol="BTC_USD", id=order_id)
            assert not desk.venue.orders
            assert not desk.gate.orders

    run(main())


def test_what_a_bot_may_do_at_most(tmp_path: Path) -> None:
    async def main() -> None:
        limits = BotLimits(orders_per_minute=2, notional_per_day=D(1000))
        async with open_bridge(tmp_path, bot_limits=limits) as desk:
            assert "data" in await desk.call("trade", **BUY)
            text = await desk.error("trade", **{**BUY, "price": "58000"})
            assert "1000 USD a day" in text
            assert "590 are used" in text
            assert "data" in await desk.call("trade", **{**BUY, "amount": "0.001", "price": "58000"})
            assert "2 orders a minute" in await desk.error("trade", **{**BUY, "amount": "0.002"})
            assert len(desk.venue.orders) == 2

    run(main())


def test_the_persons_own_limits_hold_and_what_they_ask_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            assert "your limit is 3 %" in await desk.error("trade", **{**BUY, "price": "70000"})
            desk.arming.set(ArmState.VIEW)
            assert "View" in await desk.error("trade", **BUY)
            assert not desk.venue.orders

    run(main())


def test_hands_go_first(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            order_id = (await desk.call("trade", **BUY))["data"]["id"]
            by_hand = OrderRequest(
                BTC, Side.SELL, OrderType.LIMIT, D("0.02"), limit_price=D(61000), origin=Origin.LADDER
            )
            await desk.gate.submit(ACCOUNT, by_hand, confirmed=frozenset({"arm"}))
            assert list(desk.bridge.hands.paused) == [BTC]
            assert "traded by hand" in await desk.error("trade", **{**BUY, "price": "58000"})
            assert "data" in await desk.call("trade", **{**BUY, "symbol": "ETH_USD"})
            orders = (await desk.call("orders", symbol="BTC_USD"))["data"]
            assert [each["id"] for each in orders] == [order_id]
            theirs = next(o for o in desk.gate.orders.values() if o.origin is Origin.LADDER).client_order_id
            assert "unknown order" in await desk.error("cancel", symbol="BTC_USD", id=f"BTC-USD,{theirs}")
            assert "data" in await desk.call("cancel", symbol="BTC_USD", id=order_id)
            desk.bridge.hands.release(BTC)
            assert "data" in await desk.call("trade", **{**BUY, "price": "58000"})

    run(main())


def test_a_bot_of_practice_money_does_not_find_itself_with_real_money(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            await desk.sessions.use(ConnectionPlan("fake", Mode.LIVE, "fake:live", KEYED))
            await eventually(lambda: desk.gate.ready("fake:live"))
            assert "another account" in await desk.error("trade", **BUY)
            assert "data" in await desk.call("accounts")
            await desk.bridge.switch_off()
            await desk.bridge.switch_on(0)
            assert "data" in await desk.call("trade", **BUY)
            await desk.sessions.disconnect("fake")
            assert await desk.error("ticker", symbol="BTC_USD") == "FAKE is not connected"

    run(main())


def test_hands_count_while_the_bridge_is_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            await desk.call("depth", symbol="BTC_USD")
            await desk.bridge.switch_off()
            release = desk.market.watch(Feed(FeedKind.BOOK, "BTC/USD"), "fake")

            def is_live() -> bool:
                desk.market.flush()
                return desk.market.book(BTC) is not None

            await eventually(is_live, what="a book for the order by hand")
            by_hand = OrderRequest(
                BTC, Side.SELL, OrderType.LIMIT, D("0.02"), limit_price=D(61000), origin=Origin.TICKET
            )
            await desk.gate.submit(ACCOUNT, by_hand, confirmed=frozenset({"arm"}))
            assert not desk.bridge.hands.paused
            await desk.bridge.switch_on(0)
            again = replace(by_hand, quantity=D("0.03"))
            await desk.gate.submit(ACCOUNT, again, confirmed=frozenset({"arm"}))
            assert list(desk.bridge.hands.paused) == [BTC]
            release()

    run(main())


def test_a_venue_that_tells_no_trades_has_the_bid_as_its_last_price(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path) as desk:
            await desk.call("ticker", symbol="BTC_USD")
            quote = desk.market.quote(BTC)
            assert quote is not None
            untold = quote._replace(last=None, high_24h=None, volume_24h=None, change_24h=None)
            desk.venue.emit(untold)
            ticker = (await desk.call("ticker", symbol="BTC_USD"))["data"]
            assert ticker["last"] == "60000.0"
            assert ticker["vol"] is ticker["high"] is None
            assert "open" not in ticker

    run(main())


class HoursVenue(LendingVenue):
    """Tells no figures of the day with its prices, and bars of an hour."""

    def __init__(self) -> None:
        super().__init__()
        able = replace(self.info.capabilities, bar_intervals_s=(60, 3600))
        self.info = replace(self.info, capabilities=able)
        # Half an hour off the clock's, so that no hour ends while the test runs.
        self.hour = time.time_ns() - 1800 * 10**9

    async def subscribe(self, feed: Feed) -> None:
        if feed.interval_s == 3600:
            self.emit(FeedConfirmed(feed))
            hours = tuple(
                Bar(self.hour - ago * 3600 * 10**9, D(100 + ago), D(200 + ago), D(50 - ago), D(100), D(1))
                for ago in range(30, -1, -1)
            )
            self.emit(BarsReceived(BTC, 3600, hours, time.time_ns()))
            return
        await super().subscribe(feed)
        if feed.kind is FeedKind.QUOTES:
            now = time.time_ns()
            untold = (None, None, None, None, None, None, None)
            self.emit(Quote(BTC, D("60000.0"), D(1), D("60000.1"), D(2), *untold, now, now))


def test_the_day_of_a_venue_that_tells_no_day_is_made_of_its_hours(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, venue=HoursVenue()) as desk:
            ticker = (await desk.call("ticker", symbol="BTC_USD"))["data"]
            assert (ticker["open"], ticker["high"], ticker["low"]) == ("123", "223", "27")
            assert ticker["vol"] is None

    run(main())


def test_a_cut_in_the_middle_of_a_call_lets_nothing_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, wait_s=5.0) as desk:
            desk.venue.silent.add(FeedKind.BOOK)
            call = asyncio.gather(desk.call("trade", **BUY), return_exceptions=True)
            await eventually(lambda: Feed(FeedKind.BOOK, "BTC/USD", depth=500) in desk.venue.subscribed)
            desk.bridge.cut()
            [outcome] = await call
            assert isinstance(outcome, Exception)
            assert not desk.venue.orders
            assert not desk.gate.orders

    run(main())


def test_raw_calls_pass_the_venues_answer_through(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_bridge(tmp_path, mode=READ) as desk:
            body = desk.body("__api_/0/public/Time_x", a="1", b=2)
            status, answer = await desk.http("POST", "/FAKE", body, {"Http-Method": "GET"})
            assert (status, answer) == (200, {"data": {"error": [], "result": {"a": 1.5}}})
            assert desk.venue.raw == [("/0/public/Time_x", {"a": "1", "b": "2"})]

    run(main())
