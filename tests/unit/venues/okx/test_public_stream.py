"""Feeds over a real socket: the chain of a book, one resync at a time, refusals, replay after a reconnect."""

from __future__ import annotations

import itertools
import json
from typing import Any

import msgspec
import pytest

from terminal.core.clock import ManualClock
from terminal.domain.errors import Unsupported
from terminal.domain.events import (
    BarUpdate,
    FeedConfirmed,
    FeedInterrupted,
    FeedRefused,
    InstrumentsChanged,
    TradesReceived,
    WireFault,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookSnapshot, Feed, FeedKind, FundingRate, Quote
from terminal.services.session import STALE_AFTER_S
from terminal.venues.okx.stream import POLICY
from terminal.venues.okx.subscriptions import SubscriptionTable
from terminal.venues.okx.wire import Head
from tests.helpers import eventually, run
from tests.unit.venues.okx import samples
from tests.unit.venues.okx.fakes import Desk, desk

BOOK = Feed(FeedKind.BOOK, "BTC/USDT", depth=500)
SNAPSHOT = "snapshot"


def book(
    before: int, after: int, kind: str = "update", *, inst_id: str = "BTC-USDT", empty: bool = False
) -> Any:
    asks = [] if empty else [["8476.98", "415", "0", "13"]]
    bids = [] if empty else [["8476.97", "256", "0", "12"]]
    row = {"asks": asks, "bids": bids, "ts": "1597026383085", "checksum": 0}
    return {
        "arg": {"channel": "books", "instId": inst_id},
        "action": kind,
        "data": [{**row, "prevSeqId": before, "seqId": after}],
    }


def ticker(inst_id: str = "BTC-USDT") -> Any:
    row = {"instId": inst_id, "last": "100", "bidPx": "99", "bidSz": "5", "askPx": "101", "askSz": "6"}
    return {"arg": {"channel": "tickers", "instId": inst_id}, "data": [{**row, "ts": "1597026383085"}]}


async def with_book(found: Desk, feed: Feed = BOOK) -> None:
    await found.connector.subscribe(feed)
    await eventually(
        lambda: feed in {e.feed for e in found.events.of(FeedConfirmed)}, what="the confirmation"
    )


def test_the_chain_may_idle_and_start_over() -> None:
    async def main() -> None:
        async with desk(key=False) as found:
            await with_book(found)
            await found.venue.push("public", book(3, 4))  # of a subscription before this one
            for before, after, kind, empty in (
                (-1, 10, SNAPSHOT, False),
                (10, 15, "update", False),
                (15, 15, "update", True),
                (15, 3, "update", False),
                (3, 5, "update", False),
            ):
                await found.venue.push("public", book(before, after, kind, empty=empty))
            await eventually(lambda: len(found.events.of(BookDelta)) == 3, what="three updates")
            (snapshot,) = found.events.of(BookSnapshot)
            assert (snapshot.sequence, snapshot.depth, snapshot.instrument) == (
                10,
                500,
                InstrumentId("okx", "BTC/USDT"),
            )
            deltas = found.events.of(BookDelta)
            assert [(delta.previous_sequence, delta.sequence) for delta in deltas] == [
                (10, 15),
                (15, 3),
                (3, 5),
            ]
            assert not found.events.of(FeedInterrupted)
            assert not found.events.of(WireFault)

    run(main())


def test_a_gap_leads_to_one_resync_however_much_comes_meanwhile() -> None:
    async def main() -> None:
        async with desk(key=False) as found:
            await with_book(found)
            await found.venue.push("public", book(-1, 10, SNAPSHOT))
            found.venue.acknowledges = False
            for before in (11, 12, 13, 14):
                await found.venue.push("public", book(before, before + 1))
            await eventually(lambda: found.venue.channels("public", "unsubscribe"), what="the end")
            await found.connector.resync(BOOK)
            await found.venue.push("public", book(-1, 20, SNAPSHOT))
            await found.venue.push("public", book(20, 21))
            assert [event.feed for event in found.events.of(FeedInterrupted)] == [BOOK]
            (end,) = found.venue.asked("public", "unsubscribe")
            found.venue.acknowledges = True
            await found.venue.push("public", {"id": end["id"], "event": "unsubscribe", "arg": end["args"][0]})
            await eventually(
                lambda: found.venue.channels("public").count("books") == 2, what="the second subscription"
            )
            await found.venue.push("public", book(-1, 30, SNAPSHOT))
            await found.venue.push("public", book(30, 31))
            await eventually(lambda: found.events.of(BookDelta), what="an update")
            assert [each.sequence for each in found.events.of(BookSnapshot)] == [10, 30]
            assert len(found.venue.asked("public", "unsubscribe")) == 1
            assert len(found.events.of(WireFault)) == 1

    run(main())


@pytest.mark.parametrize(
    "bad",
    [
        (
            '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["x","1"]],"bids":[],'
            '"ts":"1","prevSeqId":10,"seqId":11}]}'
        ),
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":"no"}]}',
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"upd',
    ],
)
def test_an_unreadable_update_ends_the_proof(bad: str) -> None:
    async def main() -> None:
        async with desk(key=False) as found:
            await with_book(found)
            await found.venue.push("public", book(-1, 10, SNAPSHOT))
            await found.venue.push("public", bad)
            await eventually(lambda: found.events.of(FeedInterrupted), what="the warning")
            assert found.events.of(WireFault)
            await eventually(
                lambda: found.venue.channels("public").count("books") == 2, what="the book taken again"
            )

    run(main())


@pytest.mark.parametrize(
    ("depth", "channel", "told"),
    [(1, "bbo-tbt", 1), (5, "books5", 5), (100, "books", 400), (1000, "books", 1000)],
)
def test_depth_chooses_the_channel(depth: int, channel: str, told: int) -> None:
    async def main() -> None:
        async with desk(key=False) as found:
            await with_book(found, Feed(FeedKind.BOOK, "BTC/USDT", depth=depth))
            assert found.venue.asked("public", "subscribe")[-1]["args"] == [
                {"channel": channel, "instId": "BTC-USDT"}
            ]
            push = book(-1, 10, SNAPSHOT)
            push["arg"]["channel"] = channel
            if channel != "books":
                del push["action"]
            # Keys in another order are found as well.
            await found.venue.push("public", push)
            await found.venue.push("public", json.dumps(push, sort_keys=True))
            await eventually(lambda: len(found.events.of(BookSnapshot)) == 2, what="two whole books")
            assert found.events.of(BookSnapshot)[0].depth == told

    run(main())


def test_contracts_are_turned_into_coins_everywhere_and_funding_comes_along() -> None:
    async def main() -> None:
        async with desk(key=False) as found:
            symbol, inst_id = "BTC/USDT-PERP", "BTC-USDT-SWAP"
            feeds = (
                Feed(FeedKind.BOOK, symbol, depth=500),
                Feed(FeedKind.QUOTES, symbol),
                Feed(FeedKind.TRADES, symbol),
                Feed(FeedKind.BARS, symbol, interval_s=86_400),
            )
            for feed in feeds:
                await found.connector.subscribe(feed)
            await eventually(
                lambda: {event.feed for event in found.events.of(FeedConfirmed)} == set(feeds),
                what="all of them",
            )
            assert found.venue.channels("business") == ["candle1Dutc"]
            assert "funding-rate" in found.venue.channels("public")
            await found.venue.push("public", book(-1, 10, SNAPSHOT, inst_id=inst_id))
            await found.venue.push("public", ticker(inst_id))
            trade = {
                "instId": inst_id,
                "tradeId": "7",
                "px": "100",
                "sz": "3",
                "side": "sell",
                "ts": "1597026383085",
            }
            prints = {
                "arg": {"channel": "trades", "instId": inst_id},
                "data": [trade, {**trade, "tradeId": "8"}],
            }
            await found.venue.push("public", prints)
            await found.venue.push("public", prints)
            funding = {"instId": inst_id, "fundingRate": "0.0001", "fundingTime": "1700726400000"}
            await found.venue.push(
                "public", {"arg": {"channel": "funding-rate", "instId": inst_id}, "data": [funding]}
            )
            candle = ["1629936000000", "5", "6", "4", "5", "200", "2", "10", "0"]
            await found.venue.push(
                "business", {"arg": {"channel": "candle1Dutc", "instId": inst_id}, "data": [candle]}
            )
            await eventually(lambda: found.events.of(FundingRate), what="the funding rate")
            await eventually(lambda: found.events.of(BarUpdate), what="the bar")
            (snapshot,) = found.events.of(BookSnapshot)
            assert (str(snapshot.bids[0].quantity), str(snapshot.unit)) == ("256", "0.01")
            quote = found.events.of(Quote)[0]
            assert (str(quote.bid_quantity), str(quote.ask_quantity)) == ("0.05", "0.06")
            (event,) = found.events.of(TradesReceived)
            assert [(trade.trade_id, str(trade.quantity)) for trade in event.trades] == [
                ("7", "0.03"),
                ("8", "0.03"),
            ]
            bar = found.events.of(BarUpdate)[0]
            assert (bar.interval_s, str(bar.bar.volume)) == (86_400, "2.00")
            for feed in feeds:
                await found.connector.unsubscribe(feed)
            await eventually(lambda: len(found.venue.channels("public", "unsubscribe")) == 4, what="the end")

    run(main())


def test_what_okx_refuses_is_told_and_the_others_go_on() -> None:
    async def main() -> None:
        async with desk(key=False) as found:
            found.venue.refused["NOSUCH-USD"] = ("60018", "doesn't exist")
            good, bad = Feed(FeedKind.QUOTES, "BTC/USDT"), Feed(FeedKind.QUOTES, "NOSUCH/USD")
            await found.connector.subscribe(good)
            await found.connector.subscribe(bad)
            await eventually(lambda: found.events.of(FeedRefused), what="the refusal")
            assert found.events.of(FeedRefused)[0].feed == bad
            assert found.events.of(FeedRefused)[0].reason
            unknown = Feed(FeedKind.QUOTES, "NOSUCH/USDT-PERP")
            await found.connector.subscribe(unknown)
            assert found.events.of(FeedRefused)[-1].feed == unknown
            for feed in (
                Feed(FeedKind.BARS, "BTC/USDT", interval_s=61),
                Feed(FeedKind.QUOTES, "BTC/USD-250328-80000-C"),
            ):
                with pytest.raises(Unsupported):
                    await found.connector.subscribe(feed)
            # After a reconnect they are asked for together; one that is refused takes no other with it.
            late = Feed(FeedKind.TRADES, "NOSUCH/USD")
            del found.venue.refused["NOSUCH-USD"]
            await found.connector.subscribe(late)
            await eventually(lambda: late in {e.feed for e in found.events.of(FeedConfirmed)}, what="both")
            found.venue.refused["NOSUCH-USD"] = ("60018", "doesn't exist")
            await found.venue.cut("public")
            await eventually(lambda: found.events.of(FeedRefused)[-1].feed == late, what="the refusal")
            await eventually(
                lambda: [event.feed for event in found.events.of(FeedConfirmed)].count(good) == 2,
                what="the good one again",
            )

    run(main())


def test_feeds_come_back_after_a_cut() -> None:
    async def main() -> None:
        async with desk(key=False) as found:
            await with_book(found)
            await found.venue.push("public", book(-1, 10, SNAPSHOT))
            await eventually(lambda: found.events.of(BookSnapshot), what="the book")
            await found.venue.cut("public")
            await eventually(
                lambda: found.venue.channels("public").count("books") == 2, what="the subscription again"
            )
            assert [event.feed for event in found.events.of(FeedInterrupted)] == [BOOK]
            # An update of before the cut is of no use any more.
            await found.venue.push("public", book(10, 11))
            await found.venue.push("public", book(-1, 50, SNAPSHOT))
            await found.venue.push("public", book(50, 51))
            await eventually(lambda: found.events.of(BookDelta), what="an update")
            assert [delta.sequence for delta in found.events.of(BookDelta)] == [51]
            assert found.connector.health().reconnects == 1
            await found.venue.push("public", "pong")

    run(main())


def test_pings_are_bare_text_and_measure_the_round_trip() -> None:
    async def main() -> None:
        async with desk(key=False) as found:
            await eventually(lambda: found.venue.pings, what="a ping")
            await eventually(lambda: found.connector.health().round_trip_ms is not None, what="its answer")
            assert not found.events.of(WireFault)

    run(main())


def test_a_quiet_market_is_pinged_before_its_prices_count_as_old() -> None:
    assert POLICY.heartbeat_s is not None
    assert POLICY.idle_timeout_s is not None
    assert POLICY.heartbeat_s < STALE_AFTER_S
    assert POLICY.heartbeat_s * 2 < POLICY.idle_timeout_s < 30
    # The protocol's own pings must not end a line of a venue that has its own.
    assert POLICY.ping_timeout_s > 3600


def test_a_changed_instrument_is_told() -> None:
    async def main() -> None:
        async with desk(key=False) as found:
            await found.connector.instruments()
            count = len(found.events.of(InstrumentsChanged))
            rows = [{**samples.SPOT, "tickSz": "0.5"}, {**samples.SPOT, "instId": "NEW-USDT"}]
            await found.venue.push(
                "public", {"arg": {"channel": "instruments", "instType": "SPOT"}, "data": rows}
            )
            await eventually(lambda: len(found.events.of(InstrumentsChanged)) > count, what="the change")
            (item,) = found.events.of(InstrumentsChanged)[-1].instruments
            assert (item.symbol, str(item.tick_size)) == ("BTC/USDT", "0.5")

    run(main())


def test_a_server_that_answers_and_sends_no_prices_is_left() -> None:
    clock = ManualClock()
    restarts: list[str] = []
    sent: list[str] = []
    table = SubscriptionTable(
        clock=clock,
        numbers=itertools.count(1),
        send=sent.append,
        sink=lambda event: None,
        restart=restarts.append,
    )
    table.add(BOOK, "BTC-USDT", InstrumentId("okx", "BTC/USDT"), None)
    table.opened()
    acknowledged = {"id": "1", "event": "subscribe", "arg": {"channel": "books", "instId": "BTC-USDT"}}
    assert table.on_event(msgspec.convert(acknowledged, Head))
    sub = table.books["BTC-USDT"]
    sub.flowing = True
    for _ in range(3):
        # A book that stands still is repeated every minute.
        sub.heard += 1
        table.tick()
        clock.advance(60.0)
    table.tick()
    assert restarts == []
    clock.advance(31.0)
    table.tick()
    assert restarts == ["OKX answers, but sends no prices."]
