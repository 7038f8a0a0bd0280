"""Faults of market data, through the whole application: cases 16 to 23."""

from __future__ import annotations

import asyncio
import json
import time
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.domain.errors import NotSent, OrderRefused
from terminal.domain.instrument import InstrumentId, MarketStatus
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import Order, OrderRequest, OrderState
from terminal.services.market_data import FeedState, Topic
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.session import SessionState
from tests.e2e.rig import ACCOUNT, BTC, ETH, Rig, rig
from tests.helpers import run
from tests.practice import Practice

D = Decimal
BOOK = "ws/data/book/BTC/USD"


def watch_states(found: Rig) -> list[FeedState]:
    """Each state that the book goes through from now on, without repeats."""
    states = [found.terminal.market.book_state(BTC)]

    def note(instrument: InstrumentId, topic: object) -> None:
        state = found.terminal.market.book_state(BTC)
        if instrument == BTC and states[-1] is not state:
            states.append(state)

    found.terminal.market.changed.watch(note)
    return states


@pytest.mark.fault(16)
@pytest.mark.parametrize("kind", ["book_gap", "wrong_checksum", "crossed_book"])
def test_a_book_that_is_not_proven_is_stale_at_once_and_taken_again_once(
    kind: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            states = watch_states(found)
            reconnects = found.session.health().reconnects
            if kind == "book_gap":
                await lose_an_update_that_matters(found, states)
            else:
                await practice.fault(kind, match=BOOK)
            await found.until(lambda: FeedState.STALE in states, "stale")
            await found.until(lambda: states[-1] is FeedState.LIVE, "live again")
            assert states[:3] == [FeedState.LIVE, FeedState.STALE, FeedState.LIVE]
            assert found.terminal.market.resyncs == 1
            # One pair was repaired; the connection and the account were left alone.
            assert found.session.health().reconnects == reconnects
            assert found.session.state is SessionState.LIVE
            await found.resting()

    run(main())


async def lose_an_update_that_matters(found: Rig, states: list[FeedState]) -> None:
    """Leave updates out one by one until the checksum knows: a level far from the best ten is not in it, and
    the next update may say the same of a level as the one that was lost."""
    practice = found.practice
    for lost in range(1, 41):
        await practice.fault("book_gap", match=BOOK)
        # A trade changes the best price, if nothing else does.
        await practice.order("trade", symbol="BTC/USD", side="buy", quantity="0.01")
        deadline = time.monotonic() + 10
        while await practice.struck("book_gap") < lost:
            assert time.monotonic() < deadline, "no update to lose"
            await asyncio.sleep(0.01)
        # What follows it shows whether it mattered.
        changes = 0

        def count(instrument: InstrumentId, topic: Topic) -> None:
            nonlocal changes
            changes += instrument == BTC and topic is Topic.BOOK

        unwatch = found.terminal.market.changed.watch(count)
        await found.until(lambda: FeedState.STALE in states or changes >= 3, "the next updates")  # noqa: B023
        unwatch()
        if FeedState.STALE in states:
            return
    raise AssertionError("forty lost updates and none was noticed")


@pytest.mark.fault(16)
@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_a_gap_in_the_accounts_stream_closes_the_account_until_it_is_compared(
    channel: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            reports = len(found.reports)
            await practice.fault("sequence_gap", match=f"ws/data/{channel}")
            closed: list[bool] = []
            found.gate.readiness.watch(lambda account: closed.append(not found.gate.ready(account)))
            order = await found.send(found.market())
            await found.until(lambda: closed and closed[0], "closed for orders")
            await found.until(lambda: len(found.reports) > reports, "compared")
            await found.until_ready()
            await found.until(lambda: order.state is OrderState.FILLED, "the fill")
            await found.require_same_as_venue()

    run(main())


async def send_when_open(found: Rig, request: OrderRequest) -> Order:
    """Submit once the account is open; again only where nothing was sent."""
    while True:
        await found.until_ready()
        try:
            return await found.send(request)
        except NotSent:
            continue
        except OrderRefused as refusal:
            if refusal.rule not in ("not_ready", "duplicate"):
                raise
            await asyncio.sleep(0.05)


@pytest.mark.fault(17)
@pytest.mark.parametrize("kind", ["duplicate_private", "reorder_private"])
@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_account_messages_twice_or_in_another_order_change_nothing(
    kind: str, channel: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            await practice.fault(kind, match=f"ws/data/{channel}", count=3)
            for quantity in ("0.001", "0.002", "0.003"):
                # A changed order of messages is a gap: the account is closed until it is compared, and an
                # order that was on its way out just then is told as not sent.
                order = await send_when_open(found, found.market(quantity=quantity))
                await found.until(lambda order=order: order.state is OrderState.FILLED, "the fill")  # type: ignore[misc]
            await found.until_ready()
            await found.require_same_as_venue()
            assert await practice.struck(kind) >= 1

    run(main())


@pytest.mark.fault(17)
def test_lost_prints_are_fetched_and_none_is_shown_twice(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            trades = found.terminal.market.trades(BTC)
            await practice.fault("drop", match="ws/data/trade/BTC/USD")
            for side in ("buy", "sell", "buy"):
                await practice.order("trade", symbol="BTC/USD", side=side, quantity="0.01")
            deadline = time.monotonic() + 10
            while not await practice.struck("drop"):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
            await practice.order("trade", symbol="BTC/USD", side="sell", quantity="0.01")

            def whole() -> bool:
                numbers = [int(trade.trade_id) for trade in trades]
                assert len(set(numbers)) == len(numbers), "a print twice"
                ordered = sorted(numbers)
                return bool(ordered) and ordered == list(range(ordered[0], ordered[-1] + 1))

            await found.until(lambda: len(trades) > 0 and whole(), "all prints")
            assert await practice.struck("drop") == 1

    run(main())


@pytest.mark.fault(18)
def test_three_wrong_checksums_in_a_minute_stop_trading_from_the_book(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            market = found.terminal.market
            for number in range(3):
                await practice.fault("wrong_checksum", match=BOOK)
                await found.until(lambda n=number: market.resyncs == n + 1, "a resync")  # type: ignore[misc]
                await found.until(
                    lambda: market.book_state(BTC) in (FeedState.LIVE, FeedState.UNRELIABLE), "a new snapshot"
                )
            assert market.book_state(BTC) is FeedState.UNRELIABLE
            assert market.last_book(BTC) is not None, "it is still shown"
            assert market.book(BTC) is None, "and not traded from"
            with pytest.raises(OrderRefused) as caught:
                await found.send(found.market())
            assert caught.value.rule == "stale_price"

    run(main())


@pytest.mark.fault(19)
def test_a_flood_during_the_repair_causes_no_second_repair(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            await practice.order("rate", rate=20.0, book_batch_ms=1)
            # The answers come late, and hundreds of updates of the old book before them.
            await practice.fault("delay", match="ws/ack/unsubscribe", delay_s=0.4)
            await practice.fault("wrong_checksum", match=BOOK)
            states = watch_states(found)
            await found.until(lambda: FeedState.STALE in states, "stale")
            await found.until(lambda: states[-1] is FeedState.LIVE, "live again")
            assert found.terminal.market.resyncs == 1
            assert states[:3] == [FeedState.LIVE, FeedState.STALE, FeedState.LIVE]

    run(main())


VALUES = ["NaN", '"NaN"', "1e999", "-1.0", '""', "null", "[]", "0", "9" * 40, "Infinity"]


@pytest.mark.fault(20)
@pytest.mark.parametrize("value", VALUES)
def test_impossible_prices_never_become_a_price(value: str, practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            market = found.terminal.market
            finite: list[bool] = []

            def note(instrument: InstrumentId, topic: object) -> None:
                quote, book = market.quote(BTC), market.last_book(BTC)
                prices = [quote.bid, quote.ask, quote.last] if quote is not None else []
                if book is not None:
                    prices += [level.price for level in (book.best_bid, book.best_ask) if level is not None]
                finite.append(all(p is None or (p.is_finite() and 0 < p < 10**7) for p in prices))

            market.changed.watch(note)
            await practice.fault("nan_prices", match="ws/data/*/BTC/USD", count=2, value=value)
            deadline = time.monotonic() + 10
            while await practice.struck("nan_prices") < 2:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
            await found.until_ready()
            await found.until(lambda: finite, "prices after the impossible ones")
            assert all(finite)
            assert found.session.state is SessionState.LIVE

    run(main())


@pytest.mark.fault(21)
def test_a_price_a_hundred_times_too_high_asks_before_a_market_order(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            market = found.terminal.market
            await practice.fault("price_spike", match="ws/data/ticker/BTC/USD", seconds=5.0, factor=100)

            def jumped() -> bool:
                quote, book = market.quote(BTC), market.book(BTC)
                return bool(quote and book and quote.last and book.mid and quote.last > book.mid * 50)

            await found.until(jumped, "the jump is shown")
            with pytest.raises(ConfirmationNeeded) as caught:
                await found.gate.submit(ACCOUNT, found.market(), confirmed=frozenset({"arm"}))
            assert {warning.rule for warning in caught.value.warnings} == {"price_jump"}
            assert not (await found.told()).requests, "something was sent"
            await practice.clear()
            await found.until(lambda: not jumped(), "the right price again")
            order = await found.gate.submit(ACCOUNT, found.market(), confirmed=frozenset({"arm"}))
            await found.until(lambda: order.state is OrderState.FILLED, "filled without a further question")

    run(main())


STRANGE = [
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD"}]}',
    '{"channel":"ticker","type":"update","data":{"symbol":"BTC/USD"}}',
    '{"channel":"ticker","type":"update"}',
    (
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"short","price":1,"qty":1,'
        '"ord_type":"limit","trade_id":1,"timestamp":"2026-01-01T00:00:00.000000Z"}]}'
    ),
    (
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1,"qty":1,'
        '"ord_type":"limit","trade_id":"one","timestamp":"yesterday"}]}'
    ),
    '{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD","open":[]}]}',
    '{"channel":"book","type":"partial","data":[]}',
    '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[[1,2]],"asks":[]}]}',
    '{"channel":"instrument","type":"update","data":{"assets":[],"pairs":[{"symbol":"BTC/USD"}]}}',
    '{"channel":"status","type":"update","data":[{"system":7}]}',
    '{"channel":"status","type":"update","data":[{"system":"on_fire","connection_id":1}]}',
    '{"channel":"unheard_of","data":[1,2,3]}',
    '{"channel":7}',
    '{"method":"subscribe","success":true,"req_id":999999}',
    '{"method":"subscribe","success":"perhaps"}',
    "[]",
    "null",
    '"text"',
    "{",
    "\\u0000",
    "[" * 3000,
]


@pytest.mark.fault(22)
def test_strange_messages_are_counted_and_nothing_falls_over(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            reconnects, faults = found.session.health().reconnects, found.session.health().faults
            for number, text in enumerate(STRANGE):
                await practice.fault("garbage", match="ws/data/ticker/BTC/USD", text=text)
                deadline = time.monotonic() + 10
                while await practice.struck("garbage") <= number:
                    assert time.monotonic() < deadline, text
                    await asyncio.sleep(0.01)
            await found.until_ready()
            assert found.session.health().reconnects == reconnects
            assert found.session.health().faults >= faults + 12
            assert found.terminal.market.instrument(BTC) is not None
            order = await found.resting()
            assert order.state is OrderState.OPEN

    run(main())


@pytest.mark.fault(22)
def test_an_unknown_order_state_is_doubt_and_never_the_nearest_one(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting()
            told = await found.told()
            assert told.open_ids() == {order.client_order_id}
            states: list[OrderState] = []
            found.gate.changed.watch(lambda changed: states.append(changed.state))
            # In place of the next heartbeat: the number is one that the stream has not reached.
            stream = found.session.connector._private  # type: ignore[attr-defined]
            number = stream._sequences["executions"].expected
            row = {
                "order_id": order.venue_order_id,
                "exec_type": "new",
                "order_status": "half_open",
                "timestamp": "2026-01-01T00:00:00.000000Z",
            }
            text = json.dumps(
                {"channel": "executions", "type": "update", "data": [row], "sequence": number},
                separators=(",", ":"),
            )
            await practice.fault("garbage", match="ws/heartbeat", text=text, count=4)
            await found.until(lambda: OrderState.IN_DOUBT in states, "in doubt")
            # It is asked after, and the venue's plain answer settles it.
            await found.until(lambda: order.state is OrderState.OPEN, "settled")
            assert not any(state.is_final for state in states)

    run(main())


@pytest.mark.fault(23)
def test_a_delisted_pair_ends_with_a_reason_and_takes_no_order(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, feeds=(Feed(FeedKind.BOOK, "ETH/USD"),)) as found:
            market = found.terminal.market
            await found.until(lambda: market.book(ETH) is not None, "the book of ETH")
            price = found.away(Side.BUY, instrument=ETH)
            await practice.fault("delist", symbol="ETH/USD")
            await found.until(
                lambda: (item := market.instrument(ETH)) is None or item.status is not MarketStatus.ONLINE,
                "the status",
            )
            with pytest.raises(OrderRefused) as caught:
                await found.send(found.limit(quantity="0.1", price=price, instrument=ETH))
            assert caught.value.rule in ("status", "instrument")
            assert not (await found.told()).requests
            await found.resting()  # the others trade on

    run(main())


@pytest.mark.fault(23)
@pytest.mark.parametrize("status", ["cancel_only", "post_only", "limit_only", "reduce_only"])
def test_a_halted_pair_takes_only_what_it_may(status: str, practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting()
            await practice.fault("status", symbol="BTC/USD", status=status)
            market = found.terminal.market
            await found.until(
                lambda: (
                    (item := market.instrument(BTC)) is not None and item.status is not MarketStatus.ONLINE
                ),
                "the status",
            )
            sent = len((await found.told()).requests)
            with pytest.raises(OrderRefused) as caught:
                await found.send(found.market())
            assert caught.value.rule == "status"
            assert len((await found.told()).requests) == sent
            await found.gate.cancel(order.client_order_id)
            await found.until(lambda: order.state is OrderState.CANCELED, "canceled")
            await practice.clear()
            await found.until(
                lambda: (item := market.instrument(BTC)) is not None and item.status is MarketStatus.ONLINE,
                "the status again",
            )
            await found.resting(quantity="0.002")

    run(main())


@pytest.mark.fault(23)
def test_prices_are_checked_against_a_tick_that_changed_meanwhile(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            market = found.terminal.market
            await practice.fault("tick_change", symbol="BTC/USD", tick_size="10")
            await found.until(
                lambda: (item := market.instrument(BTC)) is not None and item.tick_size == 10, "the new tick"
            )
            price = found.away(Side.BUY)
            assert price % 10 == 0
            with pytest.raises(OrderRefused) as caught:
                await found.send(found.limit(price=price + D("0.1")))
            assert caught.value.rule == "tick_size"
            order = await found.send(found.limit(price=price))
            await found.until(lambda: order.state is OrderState.OPEN, "open")

    run(main())
