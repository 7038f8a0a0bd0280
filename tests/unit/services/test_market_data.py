"""Market data: a book is shown as live only while it is proven live."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.domain.errors import VenueUnavailable
from terminal.domain.events import (
    BarUpdate,
    FeedConfirmed,
    FeedInterrupted,
    FeedRefused,
    LinkChanged,
    LinkState,
    TradesReceived,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import (
    Bar,
    BookDelta,
    BookLevel,
    BookSnapshot,
    Feed,
    FeedKind,
    FundingRate,
    Side,
    Trade,
)
from terminal.services import market_data as market_data_module
from terminal.services.market_data import DEFAULT_BOOK_DEPTH, FeedState, MarketData, Topic
from tests.fakes import BTC, FakeConnector
from tests.helpers import eventually, run

D = Decimal
BOOK = Feed(FeedKind.BOOK, "BTC/USD", depth=DEFAULT_BOOK_DEPTH)
MINUTE = 60_000_000_000


def snapshot(checksum: int | None = 2) -> BookSnapshot:
    return BookSnapshot(
        BTC,
        (BookLevel(D(99), D(1)),),
        (BookLevel(D(101), D(1)),),
        DEFAULT_BOOK_DEPTH,
        checksum,
        None,
        None,
        0,
    )


def delta(price: str, quantity: str, checksum: int | None) -> BookDelta:
    return BookDelta(BTC, (BookLevel(D(price), D(quantity)),), (), checksum, None, None, None, 0)


class Desk:
    """Market data with one attached venue, live."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.connector = FakeConnector()
        self.market = MarketData(self.clock)
        self.told: list[Topic] = []
        self.market.changed.watch(lambda instrument, topic: self.told.append(topic))

    async def open(self) -> None:
        self.market.attach("fake", self.connector)
        self.market.ingest("fake", LinkChanged("public", LinkState.LIVE, "", 0))
        self.release = self.market.watch(Feed(FeedKind.BOOK, "BTC/USD"), "fake")
        await eventually(lambda: BOOK in self.connector.subscribed)

    def feed(self, *events: BookSnapshot | BookDelta) -> None:
        for event in events:
            self.market.ingest("fake", event)


def test_book_is_live_only_after_a_snapshot_that_verifies() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        assert desk.market.book(BTC) is None
        assert desk.market.book_state(BTC) is FeedState.LOADING
        desk.feed(snapshot())
        desk.market.flush()
        assert desk.market.book_state(BTC) is FeedState.LIVE
        book = desk.market.book(BTC)
        assert book is not None
        assert book.mid == D(100)

    run(main())


@pytest.mark.fault(18)
def test_wrong_checksum_makes_the_book_stale_and_resyncs_once() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot())
        desk.market.flush()
        desk.feed(delta("98", "1", checksum=77))
        desk.market.flush()
        assert desk.market.book(BTC) is None
        assert desk.market.book_state(BTC) is FeedState.STALE
        await eventually(lambda: desk.connector.resynced == [BOOK])
        assert desk.market.resyncs == 1
        desk.feed(snapshot())
        desk.market.flush()
        assert desk.market.book_state(BTC) is FeedState.LIVE

    run(main())


@pytest.mark.fault(20)
@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-1", "1e30"])
def test_an_impossible_level_makes_the_book_stale_and_resyncs_once(bad: str) -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot())
        desk.market.flush()
        desk.feed(delta(bad, "1", checksum=None), delta("97", "1", checksum=None))
        desk.market.flush()
        assert desk.market.book(BTC) is None
        assert desk.market.book_state(BTC) is FeedState.STALE
        shown = desk.market.last_book(BTC)
        assert shown is not None
        assert shown.best_bid == BookLevel(D(99), D(1))
        await eventually(lambda: desk.connector.resynced == [BOOK])
        desk.feed(snapshot())
        desk.market.flush()
        assert desk.market.book_state(BTC) is FeedState.LIVE

    run(main())


@pytest.mark.fault(19)
def test_updates_between_unsubscribe_and_snapshot_are_ignored_without_a_storm() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot())
        desk.market.flush()
        desk.feed(delta("98", "1", checksum=77))
        desk.market.flush()
        for _ in range(50):
            desk.feed(delta("97", "1", checksum=88))
            desk.market.flush()
        await eventually(lambda: bool(desk.connector.resynced))
        assert desk.connector.resynced == [BOOK]
        desk.feed(snapshot())
        desk.market.flush()
        assert desk.market.book_state(BTC) is FeedState.LIVE

    run(main())


@pytest.mark.fault(18)
def test_three_checksum_faults_in_a_minute_make_the_channel_unreliable() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        for _ in range(3):
            desk.feed(snapshot(), delta("98", "1", checksum=77))
            desk.market.flush()
            await eventually(lambda: len(desk.connector.resynced) == desk.market.resyncs)
            await asyncio.sleep(0)
        desk.feed(snapshot())
        desk.market.flush()
        assert desk.market.book_state(BTC) is FeedState.UNRELIABLE
        assert desk.market.book(BTC) is None

    run(main())


def test_only_the_last_checksum_of_a_tick_has_to_match() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot(), delta("98", "1", checksum=3), delta("97", "1", checksum=4))
        desk.market.flush()
        assert desk.market.book_state(BTC) is FeedState.LIVE
        assert desk.told.count(Topic.BOOK) == 1

    run(main())


@pytest.mark.fault(1)
def test_lost_link_makes_every_book_stale_until_its_new_snapshot() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot())
        desk.market.flush()
        desk.market.ingest("fake", LinkChanged("public", LinkState.RECONNECTING, "reset", 0))
        assert desk.market.book(BTC) is None
        assert desk.market.price_age_ns(BTC) is None
        desk.market.ingest("fake", LinkChanged("public", LinkState.LIVE, "", 0))
        assert desk.market.book_state(BTC) is FeedState.STALE
        desk.feed(delta("98", "1", checksum=3))
        desk.market.flush()
        assert desk.market.book(BTC) is None
        desk.feed(snapshot())
        desk.market.flush()
        assert desk.market.book_state(BTC) is FeedState.LIVE

    run(main())


@pytest.mark.fault(2)
def test_silent_link_shows_stale_and_comes_back_without_a_snapshot() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot())
        desk.market.flush()
        desk.market.set_stale("fake", True)
        assert desk.market.book_state(BTC) is FeedState.STALE
        assert desk.market.last_book(BTC) is not None
        desk.market.set_stale("fake", False)
        assert desk.market.book_state(BTC) is FeedState.LIVE

    run(main())


def test_watchers_are_counted_and_the_last_one_unsubscribes() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        second = desk.market.watch(Feed(FeedKind.BOOK, "BTC/USD", depth=10), "fake")
        desk.release()
        desk.release()
        await asyncio.sleep(0)
        assert not desk.connector.unsubscribed
        second()
        await eventually(lambda: desk.connector.unsubscribed == [BOOK])
        assert desk.connector.subscribed == [BOOK]

    run(main())


def test_another_connection_never_shows_the_first_ones_prices() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot())
        desk.market.flush()
        other = FakeConnector()
        desk.market.detach("fake")
        desk.market.attach("fake", other)
        assert desk.market.last_book(BTC) is None
        await eventually(lambda: other.subscribed == [BOOK])

    run(main())


def test_price_age_is_the_age_of_the_link_not_of_the_last_change() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot())
        desk.market.flush()
        desk.clock.advance(60)
        desk.connector.last_frame_ns = desk.clock.monotonic_ns() - 200_000_000
        assert desk.market.price_age_ns(BTC) == 200_000_000

    run(main())


@pytest.mark.fault(17)
def test_a_repeated_print_is_shown_once() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.market.watch(Feed(FeedKind.TRADES, "BTC/USD"), "fake")
        prints = tuple(Trade(BTC, str(n), Side.BUY, D(100), D(1), n, 0) for n in range(3))
        desk.market.ingest("fake", TradesReceived(BTC, prints, True))
        desk.market.ingest("fake", TradesReceived(BTC, prints[1:], False))
        assert [trade.trade_id for trade in desk.market.trades(BTC)] == ["0", "1", "2"]
        await eventually(lambda: len(desk.connector.subscribed) == 2)

    run(main())


def test_prints_are_kept_for_the_time_that_is_set_and_gone_when_nobody_watches() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        release = desk.market.watch(Feed(FeedKind.TRADES, "BTC/USD"), "fake")
        desk.market.keep_trades_s = 300
        for second in range(1000):
            at_ns = second * 1_000_000_000
            one = Trade(BTC, str(second), Side.BUY, D(100), D(1), at_ns, at_ns)
            desk.market.ingest("fake", TradesReceived(BTC, (one,), False))
        assert [int(trade.trade_id) for trade in desk.market.trades(BTC)] == list(range(699, 1000))
        release()
        assert not desk.market.trades(BTC)
        await eventually(lambda: len(desk.connector.subscribed) == 2)

    run(main())


def test_bars_join_history_and_stream_and_load_more_says_when_there_is_none() -> None:
    async def main() -> None:
        history = [Bar(n * MINUTE, D(n), D(n), D(n), D(n), D(1), 1) for n in range(1, 11)]
        desk = Desk()
        desk.connector.history = history[5:]
        await desk.open()
        desk.market.watch(Feed(FeedKind.BARS, "BTC/USD", interval_s=60), "fake")
        await eventually(lambda: len(desk.market.bars(BTC, 60).bars) == 5)
        desk.market.ingest("fake", BarUpdate(BTC, 60, Bar(11 * MINUTE, D(5), D(5), D(5), D(5), D(1), 1), 0))
        desk.connector.history = history
        assert await desk.market.load_more_bars(BTC, 60) == 5
        series = desk.market.bars(BTC, 60)
        assert [bar.open_ns // MINUTE for bar in series.bars] == list(range(1, 12))
        assert await desk.market.load_more_bars(BTC, 60) == 0
        assert series.complete

    run(main())


@pytest.mark.fault(23)
def test_refused_feed_says_why() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.market.ingest("fake", FeedRefused(BOOK, "Currency pair not supported"))
        assert desk.market.book_state(BTC) is FeedState.REFUSED
        assert desk.market.refusal(BOOK, "fake") == "Currency pair not supported"

    run(main())


def test_interrupted_feed_waits_for_its_snapshot() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot())
        desk.market.flush()
        desk.market.ingest("fake", FeedInterrupted(BOOK, "unreadable frame"))
        assert desk.market.book(BTC) is None
        quotes = Feed(FeedKind.QUOTES, "BTC/USD")
        desk.market.watch(quotes, "fake")
        desk.market.ingest("fake", FeedConfirmed(quotes))
        assert desk.market.feed_state(quotes, "fake") is FeedState.LIVE
        await eventually(lambda: quotes in desk.connector.subscribed)

    run(main())


def test_frozen_screen_does_not_let_updates_pile_up() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.feed(snapshot())
        for _ in range(5000):
            desk.feed(delta("98", "1", checksum=3))
        assert desk.told.count(Topic.BOOK) >= 2
        desk.market.flush()
        assert desk.market.book_state(BTC) is FeedState.LIVE

    run(main())


def test_nothing_is_known_of_an_instrument_nobody_watches() -> None:
    market = MarketData(ManualClock())
    nobody = InstrumentId("fake", "X/Y")
    market.ingest("fake", snapshot())
    assert market.book(nobody) is None
    assert market.price_age_ns(nobody) is None


def test_bars_that_fail_at_first_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_data_module, "_BARS_RETRY_S", (0.01,))

    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.connector.history_error = VenueUnavailable("fake", "503", user_text="The venue is busy.")
        release = desk.market.watch(Feed(FeedKind.BARS, "BTC/USD", interval_s=60), "fake")
        series = desk.market.bars(BTC, 60)
        await eventually(lambda: series.error == "The venue is busy.")
        desk.connector.history_error = None
        desk.connector.history = [Bar(MINUTE, D(1), D(1), D(1), D(1), D(1), 1)]
        await eventually(lambda: len(series.bars) == 1 and not series.error)
        release()
        await eventually(lambda: len(desk.connector.unsubscribed) == 1)

    run(main())


def test_bars_are_asked_for_no_longer_than_there_is_a_connection() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        desk.connector.history_error = VenueUnavailable("fake", "503", user_text="The venue is busy.")
        desk.market.watch(Feed(FeedKind.BARS, "BTC/USD", interval_s=60), "fake")
        series = desk.market.bars(BTC, 60)
        await eventually(lambda: series.error == "The venue is busy.")
        # The next try is a second off, later ones a minute.
        assert tasks.running()
        desk.market.detach("fake")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not tasks.running()

    run(main())


def test_a_list_of_small_lines_asks_for_history_where_bars_come_without_a_past() -> None:
    async def main() -> None:
        desk = Desk()
        can = replace(desk.connector.info.capabilities, bars_bring_past=False)
        desk.connector.info = replace(desk.connector.info, capabilities=can)
        desk.connector.history = [Bar(MINUTE, D(1), D(1), D(1), D(1), D(1), 1)]
        await desk.open()
        desk.market.watch(Feed(FeedKind.BARS, "BTC/USD", interval_s=60), "fake", history=False)
        await eventually(lambda: len(desk.market.bars(BTC, 60).bars) == 1)

    run(main())


def test_a_list_of_small_lines_asks_for_no_history() -> None:
    async def main() -> None:
        desk = Desk()
        desk.connector.history = [Bar(MINUTE, D(1), D(1), D(1), D(1), D(1), 1)]
        await desk.open()
        feed = Feed(FeedKind.BARS, "BTC/USD", interval_s=60)
        desk.market.watch(feed, "fake", history=False)
        await eventually(lambda: feed in desk.connector.subscribed)
        assert not desk.market.bars(BTC, 60).bars
        desk.market.watch(feed, "fake")
        await eventually(lambda: len(desk.market.bars(BTC, 60).bars) == 1)
        assert desk.connector.subscribed.count(feed) == 1

    run(main())


def test_a_refill_after_a_cut_ends_with_the_connection_too() -> None:
    async def main() -> None:
        desk = Desk()
        await desk.open()
        feed = Feed(FeedKind.BARS, "BTC/USD", interval_s=60)
        desk.market.watch(feed, "fake")
        await eventually(lambda: feed in desk.connector.subscribed)
        desk.market.ingest("fake", FeedConfirmed(feed))
        desk.market.ingest("fake", LinkChanged("public", LinkState.RECONNECTING, "cut", 0))
        desk.connector.history_error = VenueUnavailable("fake", "503", user_text="The venue is busy.")
        desk.market.ingest("fake", LinkChanged("public", LinkState.LIVE, "", 0))
        desk.market.ingest("fake", FeedConfirmed(feed))
        series = desk.market.bars(BTC, 60)
        await eventually(lambda: series.error == "The venue is busy.")
        desk.market.detach("fake")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not tasks.running()

    run(main())


def test_a_funding_rate_is_there_while_its_link_proves_it() -> None:
    async def main() -> None:
        clock = ManualClock(wall_ns=1_000)
        market, connector = MarketData(clock), FakeConnector()
        told: list[Topic] = []
        market.changed.watch(lambda instrument, topic: told.append(topic))
        market.attach("fake", connector)
        market.ingest("fake", LinkChanged("public", LinkState.LIVE, "", 0))
        rate = FundingRate(BTC, D("0.0001"), 3 * MINUTE, None, None, 0)
        market.ingest("fake", rate)
        assert market.funding(BTC) is None, "nobody watches its quotes"
        release = market.watch(Feed(FeedKind.QUOTES, BTC.symbol), "fake")
        market.ingest("fake", rate)
        assert market.funding(BTC) == rate
        assert Topic.FUNDING in told
        market.set_stale("fake", True)
        assert market.funding(BTC) is None, "a silent link proves nothing"
        market.set_stale("fake", False)
        assert market.funding(BTC) == rate
        market.ingest("fake", LinkChanged("public", LinkState.RECONNECTING, "", 0))
        market.ingest("fake", LinkChanged("public", LinkState.LIVE, "", 0))
        assert market.funding(BTC) is None, "the new link has not told it yet"
        market.ingest("fake", rate)
        clock.advance(3 * 60)
        assert market.funding(BTC) is None, "that one has been paid"
        market.ingest("fake", rate._replace(due_ns=10 * MINUTE))
        assert market.funding(BTC) is not None
        release()
        assert market.funding(BTC) is None, "let go of with the quotes"
        await eventually(lambda: bool(connector.subscribed and connector.unsubscribed))

    run(main())
