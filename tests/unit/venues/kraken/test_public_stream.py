"""Public feeds through the connector: asking, confirming, refusing, repairing, unreadable frames."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.errors import Unsupported, VenueUnavailable
from terminal.domain.events import (
    BarsReceived,
    BarUpdate,
    FeedConfirmed,
    FeedInterrupted,
    FeedRefused,
    InstrumentsChanged,
    LinkChanged,
    LinkState,
    TradesReceived,
    VenueStatusChanged,
    WireFault,
)
from terminal.domain.market import BookDelta, BookSnapshot, Feed, FeedKind, Quote
from terminal.venues.base import ConnectorSettings
from terminal.venues.kraken.connector import KrakenConnector
from tests.helpers import run
from tests.unit.venues.kraken import samples
from tests.unit.venues.kraken.fakes import Events, FakeHttp, FakeLink, Links, acknowledge, text

BOOK = Feed(FeedKind.BOOK, "BTC/USD", depth=10)
TRADES = Feed(FeedKind.TRADES, "BTC/USD")
QUOTES = Feed(FeedKind.QUOTES, "BTC/USD")
BARS = Feed(FeedKind.BARS, "ETH/USD", interval_s=60)


class Desk:
    """A connector on a fake link, without a key."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.links = Links()
        self.events = Events()
        self.http = FakeHttp({"AssetPairs": samples.ASSET_PAIRS, "Time": {"unixtime": 1_700_000_000}})
        self.connector = KrakenConnector(
            ConnectorSettings(endpoints={}), clock=self.clock, http=self.http, make_link=self.links
        )
        self.link: FakeLink = self.links.public
        self.link.answer = acknowledge

    async def __aenter__(self) -> Desk:
        await self.connector.connect(self.events)
        await self.settle()
        self.events.clear()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.connector.close()

    async def settle(self) -> None:
        import asyncio

        for _ in range(5):
            await asyncio.sleep(0)

    def asked(self, method: str = "subscribe") -> list[dict[str, Any]]:
        """Params of the requests, but for the instruments'."""
        return [
            request["params"]
            for request in self.link.requests(method)
            if request["params"]["channel"] != "instrument"
        ]

    async def live_book(self) -> None:
        await self.connector.subscribe(BOOK)
        await self.settle()
        self.link.receive(samples.BOOK_SNAPSHOT)


def test_a_feed_is_asked_for_and_confirmed() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.connector.subscribe(BOOK)
            await desk.settle()
            assert desk.asked() == [{"channel": "book", "symbol": ["BTC/USD"], "depth": 10, "snapshot": True}]
            assert desk.events.all == [FeedConfirmed(BOOK)]

    run(main())


def test_each_kind_of_feed_in_krakens_words() -> None:
    async def main() -> None:
        async with Desk() as desk:
            for feed in (QUOTES, TRADES, BARS):
                await desk.connector.subscribe(feed)
            assert desk.asked() == [
                {"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "bbo", "snapshot": True},
                {"channel": "trade", "symbol": ["BTC/USD"], "snapshot": True},
                {"channel": "ohlc", "symbol": ["ETH/USD"], "interval": 1, "snapshot": True},
            ]

    run(main())


def test_instruments_are_subscribed_first_and_keep_heartbeats_coming() -> None:
    async def main() -> None:
        async with Desk() as desk:
            assert desk.link.sent[0]["params"] == {"channel": "instrument", "snapshot": True}

    run(main())


def test_what_was_wanted_before_the_link_opened_is_asked_in_one_request_a_kind() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.connector.subscribe(QUOTES)
        await desk.connector.subscribe(Feed(FeedKind.QUOTES, "ETH/USD"))
        async with desk:
            assert desk.asked() == [
                {
                    "channel": "ticker",
                    "symbol": ["BTC/USD", "ETH/USD"],
                    "event_trigger": "bbo",
                    "snapshot": True,
                }
            ]

    run(main())


def test_one_refused_symbol_of_several_fails_alone() -> None:
    async def main() -> None:
        desk = Desk()
        bad = Feed(FeedKind.QUOTES, "FOO/USD")
        await desk.connector.subscribe(QUOTES)
        await desk.connector.subscribe(bad)

        def answer(request: dict[str, Any]) -> list[str]:
            if len(request.get("params", {}).get("symbol", [])) != 2:
                return acknowledge(request)
            good, _ = acknowledge(request)
            refusal = {
                "error": "Currency pair not supported FOO/USD",
                "method": "subscribe",
                "req_id": request["req_id"],
                "success": False,
                "symbol": "FOO/USD",
            }
            return [good, text(refusal)]

        desk.link.answer = answer
        events = desk.events
        await desk.connector.connect(events)
        await desk.settle()
        assert events.of(FeedConfirmed) == [FeedConfirmed(QUOTES)]
        assert events.of(FeedRefused) == [FeedRefused(bad, "Currency pair not supported FOO/USD")]
        desk.link.sent.clear()
        desk.link.cut()
        await desk.link.open()
        assert desk.asked()[0]["symbol"] == ["BTC/USD"]  # the refused one is not asked for again
        await desk.connector.close()

    run(main())


def test_a_refusal_that_names_nothing_answers_the_whole_request() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.answer = lambda request: [
                text({"error": "Malformed request", "success": False, "req_id": request["req_id"]})
            ]
            await desk.connector.subscribe(BOOK)
            await desk.settle()
            assert desk.events.all == [FeedRefused(BOOK, "Malformed request")]

    run(main())


def test_depths_and_intervals_that_kraken_lacks_are_refused_at_once() -> None:
    async def main() -> None:
        async with Desk() as desk:
            with pytest.raises(Unsupported):
                await desk.connector.subscribe(Feed(FeedKind.BOOK, "BTC/USD", depth=50))
            with pytest.raises(Unsupported):
                await desk.connector.subscribe(Feed(FeedKind.BARS, "BTC/USD", interval_s=120))

    run(main())


def test_all_feeds_are_asked_again_after_a_reconnect() -> None:
    async def main() -> None:
        async with Desk() as desk:
            for feed in (BOOK, TRADES):
                await desk.connector.subscribe(feed)
            await desk.settle()
            desk.events.clear()
            desk.link.sent.clear()
            desk.link.cut("The line was cut.")
            assert desk.events.of(FeedInterrupted) == [
                FeedInterrupted(BOOK, "The line was cut."),
                FeedInterrupted(TRADES, "The line was cut."),
            ]
            desk.events.clear()
            await desk.link.open()
            await desk.settle()
            assert [params["channel"] for params in desk.asked()] == ["book", "trade"]
            assert desk.events.of(FeedConfirmed) == [FeedConfirmed(BOOK), FeedConfirmed(TRADES)]

    run(main())


def test_a_feed_let_go_while_the_link_was_down_is_not_asked_again() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.connector.subscribe(BOOK)
            await desk.settle()
            desk.link.cut()
            await desk.connector.unsubscribe(BOOK)
            desk.link.sent.clear()
            await desk.link.open()
            assert desk.asked() == []

    run(main())


def test_nothing_of_a_feed_arrives_after_its_end() -> None:
    async def main() -> None:
        async with Desk() as desk:
            for feed in (BOOK, QUOTES, TRADES):
                await desk.connector.subscribe(feed)
            await desk.settle()
            desk.link.receive(samples.BOOK_SNAPSHOT)
            for feed in (BOOK, QUOTES, TRADES):
                await desk.connector.unsubscribe(feed)
            desk.events.clear()
            for frame in (samples.BOOK_UPDATE, samples.BOOK_SNAPSHOT, samples.TICKER, samples.TRADE):
                desk.link.receive(frame)
            await desk.settle()
            assert desk.events.all == []
            assert desk.asked("unsubscribe")[0] == {"channel": "book", "symbol": ["BTC/USD"], "depth": 10}

    run(main())


def test_a_late_answer_to_an_older_question_confirms_nothing() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.answer = lambda request: []
            await desk.connector.subscribe(BOOK)
            old = desk.link.last("subscribe")
            await desk.connector.unsubscribe(BOOK)
            await desk.connector.subscribe(BOOK)
            desk.link.receive(acknowledge(old)[0])
            assert desk.events.of(FeedConfirmed) == []
            desk.link.receive(acknowledge(desk.link.last("unsubscribe"))[0])  # only now it is asked again
            assert len(desk.asked()) == 2
            desk.link.receive(acknowledge(desk.link.last("subscribe"))[0])
            assert desk.events.of(FeedConfirmed) == [FeedConfirmed(BOOK)]

    run(main())


def test_book_frames_become_events_in_the_same_call() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.live_book()
            desk.link.receive(samples.BOOK_UPDATE)
            snapshot, delta = desk.events.of(BookSnapshot)[0], desk.events.of(BookDelta)[0]
            assert (snapshot.depth, snapshot.checksum) == (10, 2330500275)
            assert delta.bids[1].price == Decimal("66787.7")
            assert delta.instrument is snapshot.instrument

    run(main())


def test_updates_before_the_snapshot_are_left_out() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.connector.subscribe(BOOK)
            desk.link.receive(samples.BOOK_UPDATE)
            assert desk.events.of(BookDelta) == []

    run(main())


@pytest.mark.fault(19)
def test_updates_between_a_resync_and_its_snapshot_are_left_out_and_one_resync_is_enough() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.live_book()
            desk.events.clear()
            desk.link.answer = lambda request: []
            await desk.connector.resync(BOOK)
            for _ in range(5):
                desk.link.receive(samples.BOOK_UPDATE)
                await desk.connector.resync(BOOK)
            assert desk.events.of(BookDelta) == []
            assert len(desk.asked("unsubscribe")) == 1
            desk.link.receive(acknowledge(desk.link.last("unsubscribe"))[0])
            assert len(desk.asked()) == 2
            desk.link.receive(samples.BOOK_UPDATE)
            assert desk.events.of(BookDelta) == []
            desk.link.receive(samples.BOOK_SNAPSHOT)
            desk.link.receive(samples.BOOK_UPDATE)
            assert len(desk.events.of(BookDelta)) == 1

    run(main())


@pytest.mark.fault(18)
def test_a_book_that_fails_over_and_over_is_asked_for_with_growing_pauses() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.live_book()
            for _ in range(2):
                await desk.connector.resync(BOOK)
                await desk.settle()
            asked = len(desk.asked())
            await desk.connector.resync(BOOK)
            await desk.settle()
            assert len(desk.asked()) == asked  # the third within a minute waits
            desk.clock.advance(1.1)
            desk.connector._public.table.tick()
            assert len(desk.asked()) == asked + 1

    run(main())


def test_an_unsubscribe_during_a_resync_ends_the_feed() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.live_book()
            desk.link.answer = lambda request: []
            await desk.connector.resync(BOOK)
            await desk.connector.unsubscribe(BOOK)
            before = len(desk.asked())
            desk.link.receive(acknowledge(desk.link.last("unsubscribe"))[0])
            assert len(desk.asked()) == before
            assert desk.connector._public.table.feeds() == []

    run(main())


def test_a_deeper_book_of_the_same_pair_is_taken_again_at_that_depth() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.live_book()
            await desk.connector.subscribe(Feed(FeedKind.BOOK, "BTC/USD", depth=100))
            await desk.settle()
            assert desk.asked("unsubscribe")[0]["depth"] == 10
            assert desk.asked()[-1]["depth"] == 100
            desk.link.receive(samples.BOOK_SNAPSHOT)
            assert desk.events.of(BookSnapshot)[-1].depth == 100

    run(main())


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    "break_it",
    [
        lambda frame: frame[:-20],
        lambda frame: frame.replace("66787.7", "NaN"),
        lambda frame: frame.replace("66787.7", "1e999"),
        lambda frame: frame.replace("0.12440000", "null"),
        lambda frame: frame.replace('"data":[', '"data":{').replace("}]}", "}}}"),
        lambda frame: frame.replace('"type":"update"', '"type":"surprise"'),
        lambda frame: frame.replace("2024-05-19T16:45:24.204654Z", "soon"),
    ],
    ids=["truncated", "NaN", "huge", "null", "object", "type", "time"],
)
def test_an_unreadable_book_frame_is_counted_and_the_book_taken_again(
    break_it: Callable[[str], str],
) -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.live_book()
            desk.events.clear()
            desk.link.receive(break_it(samples.BOOK_UPDATE))
            assert len(desk.events.of(WireFault)) == 1
            assert [event.feed for event in desk.events.of(FeedInterrupted)] == [BOOK]
            assert desk.events.of(BookDelta) == []
            assert len(desk.asked("unsubscribe")) == 1
            assert desk.connector.health().faults == 1

    run(main())


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    "frame",
    [
        "<html>sorry</html>",
        "",
        "null",
        "[]",
        "{}",
        "\x00\x01",
        b"\xff\xfe\xfd",
        '{"channel":7}',
        '{"method":"pong"}',
        '{"channel":"nonsense","data":[]}',
        '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":"x"}]}',
        "CloudFlare WebSocket proxy restarting",
        '{"success":false,"error":"Malformed request"}',
        "[" * 100_000,
    ],
)
def test_garbage_never_raises_into_the_reading_loop(frame: str | bytes) -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.live_book()
            desk.events.clear()
            desk.link.receive(frame)
            assert desk.events.of(FeedInterrupted) == []
            desk.link.receive(samples.BOOK_UPDATE)
            assert len(desk.events.of(BookDelta)) == 1

    run(main())


@pytest.mark.fault(22)
def test_unknown_fields_and_another_order_of_keys_are_read_all_the_same() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.live_book()
            await desk.connector.subscribe(QUOTES)
            body = samples.BOOK_UPDATE.removeprefix('{"channel":"book","type":"update",')
            desk.link.receive('{"type":"update","new":{"a":[1]},"channel":"book",' + body)
            assert len(desk.events.of(BookDelta)) == 1
            desk.link.receive(samples.TICKER.replace('"bid":', '"mood":"good","bid":').encode())
            assert len(desk.events.of(Quote)) == 1

    run(main())


@pytest.mark.fault(17)
def test_trades_sent_twice_are_shown_once() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.connector.subscribe(TRADES)
            desk.link.receive(samples.TRADE.replace('"update"', '"snapshot"'))
            desk.link.receive(samples.TRADE)
            desk.link.receive(samples.TRADE.replace("70635299", "70635300"))
            received = desk.events.of(TradesReceived)
            assert [event.is_snapshot for event in received] == [True, False]
            assert [event.trades[0].trade_id for event in received] == ["70635299", "70635300"]

    run(main())


@pytest.mark.fault(16)
def test_lost_trades_are_noticed_and_fetched_again() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.connector.subscribe(TRADES)
            await desk.settle()
            desk.link.receive(samples.TRADE)
            desk.link.receive(samples.TRADE.replace("70635299", "70635302"))
            assert [event.feed for event in desk.events.of(FeedInterrupted)] == [TRADES]
            assert len(desk.events.of(TradesReceived)) == 2
            assert desk.asked("unsubscribe")[0]["channel"] == "trade"

    run(main())


def test_bars_come_as_a_snapshot_and_then_one_by_one() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.connector.subscribe(BARS)
            desk.link.receive(samples.OHLC.replace('"update"', '"snapshot"'))
            desk.link.receive(samples.OHLC)
            assert desk.events.of(BarsReceived)[0].interval_s == 60
            assert desk.events.of(BarUpdate)[0].bar.trades == 9

    run(main())


def test_instruments_and_status_are_passed_on() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.receive(samples.INSTRUMENTS)
            desk.link.receive(samples.STATUS.replace("online", "cancel_only"))
            assert desk.events.of(InstrumentsChanged)[0].instruments[0].symbol == "ETH/BTC"
            assert desk.events.of(VenueStatusChanged) == [VenueStatusChanged("cancel_only")]

    run(main())


def test_a_confirmed_book_whose_snapshot_never_comes_is_asked_for_again() -> None:
    async def main() -> None:
        async with Desk() as desk:
            await desk.connector.subscribe(BOOK)
            await desk.settle()
            desk.clock.advance(4.0)
            desk.connector._public.table.tick()
            assert len(desk.asked()) == 1
            desk.clock.advance(1.5)
            desk.connector._public.table.tick()
            await desk.settle()
            assert len(desk.asked("unsubscribe")) == 1
            assert len(desk.asked()) == 2
            desk.link.receive(samples.BOOK_SNAPSHOT)
            desk.clock.advance(20.0)
            desk.connector._public.table.tick()
            assert len(desk.asked()) == 2

    run(main())


def test_an_unanswered_subscription_is_asked_once_more_then_the_link_is_renewed() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.answer = lambda request: []
            table = desk.connector._public.table
            await desk.connector.subscribe(BOOK)
            desk.clock.advance(9)
            table.tick()
            assert len(desk.asked()) == 2
            assert desk.link.reconnect_reasons == []
            desk.clock.advance(9)
            table.tick()
            assert len(desk.link.reconnect_reasons) == 1

    run(main())


def test_a_refusal_for_speed_is_no_refusal_of_the_feed() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.link.answer = lambda request: [
                text({"error": "Exceeded msg rate", "success": False, "req_id": request["req_id"]})
            ]
            await desk.connector.subscribe(BOOK)
            await desk.settle()
            assert desk.events.of(FeedRefused) == []
            desk.link.answer = acknowledge
            desk.clock.advance(6)
            desk.connector._public.table.tick()
            await desk.settle()
            assert desk.events.of(FeedConfirmed) == [FeedConfirmed(BOOK)]

    run(main())


def test_ping_gives_the_round_trip_and_the_clocks_difference() -> None:
    async def main() -> None:
        async with Desk() as desk:
            desk.connector._public.ping()
            number = desk.link.last("ping")["req_id"]
            assert desk.link.last("ping") == {"method": "ping", "req_id": number}
            desk.clock.advance(0.05)
            # Our clock: 1_700_000_000 s at both ends (the fake stamps every frame so); Kraken's is 2 s ahead.
            desk.link.receive(
                text({
                    "method": "pong", "req_id": number,
                    "time_in": "2023-11-14T22:13:22.000000Z", "time_out": "2023-11-14T22:13:22.000000Z",
                })
            )  # fmt: skip
            health = desk.connector.health()
            assert health.round_trip_ms == pytest.approx(50)
            assert health.clock_offset_ms == pytest.approx(2000)

    run(main())


def test_connect_says_when_the_first_try_failed_and_goes_on_trying() -> None:
    async def main() -> None:
        desk = Desk()
        link = desk.link

        async def fails() -> None:
            link._set(LinkState.RECONNECTING, "Connection refused.")

        link.open = fails  # type: ignore[method-assign]
        with pytest.raises(VenueUnavailable, match="Connection refused"):
            await desk.connector.connect(desk.events)
        assert link.state is LinkState.RECONNECTING
        assert desk.events.of(LinkChanged)[-1].link == "public"
        await desk.connector.close()
        await desk.connector.close()

    run(main())


def test_public_data_works_without_a_key() -> None:
    async def main() -> None:
        async with Desk() as desk:
            assert list(desk.links.by_name) == ["public"]
            assert [item.symbol for item in await desk.connector.instruments()] == ["BTC/USD"]

    run(main())


def test_the_book_checker_knows_the_pair_once_its_decimals_are_there() -> None:
    async def main() -> None:
        async with Desk() as desk:
            checker = desk.connector.book_checker("BTC/USD")
            assert checker is desk.connector.book_checker("BTC/USD")
            assert checker._instrument() is None  # type: ignore[attr-defined]
            await desk.connector.instruments()
            assert checker._instrument() is not None  # type: ignore[attr-defined]

    run(main())
