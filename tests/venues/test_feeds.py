"""Every kind of feed at every depth and interval, each book proven at every update."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from terminal.domain.book import OrderBook
from terminal.domain.errors import Unsupported
from terminal.domain.events import (
    BarsReceived,
    BarUpdate,
    FeedConfirmed,
    FeedInterrupted,
    FeedRefused,
    TradesReceived,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookSnapshot, Feed, FeedKind, Quote
from terminal.venues import registry
from tests.helpers import eventually, run
from tests.practice import Practice
from tests.venues.kit import Desk, desk

UPDATES = 200


def needs(practice: Practice, kind: FeedKind) -> None:
    if kind not in registry.info(practice.venue).capabilities.feeds:
        pytest.skip(f"{practice.venue} has no {kind.value}")


class Proof:
    """Applies a book's events as they come and checks each against the venue's own checksum."""

    def __init__(self, desk: Desk, symbol: str, depth: int) -> None:
        self.instrument = InstrumentId(desk.venue, symbol)
        self.depth = depth
        self.book = OrderBook(self.instrument, depth)
        self.checker = desk.connector.book_checker(symbol)
        self.snapshots = self.updates = self.deepest = 0

    def take(self, event: object) -> None:
        if isinstance(event, BookSnapshot) and event.instrument == self.instrument:
            assert event.depth == self.depth
            self.book.load(event)
            self.snapshots += 1
        elif isinstance(event, BookDelta) and event.instrument == self.instrument:
            assert self.snapshots, "an update before the snapshot"
            self.book.apply(event)
            self.book.require_uncrossed()
            self.updates += 1
        else:
            return
        if event.checksum is not None and self.checker is not None:
            assert self.checker.matches(self.book, event.checksum), f"{self.instrument} {self.depth}"
        counts = self.book.level_counts()
        assert max(counts) <= self.depth
        self.deepest = max(self.deepest, min(counts))


def test_books_at_every_depth_are_proven_at_every_update(practice: Practice) -> None:
    needs(practice, FeedKind.BOOK)

    async def main() -> None:
        practice.command("rate", {"rate": 20.0, "book_batch_ms": 1})
        async with desk(practice, None) as found:
            depths = found.connector.info.capabilities.book_depths
            proofs = [
                Proof(found, symbol, depth)
                for symbol, depth in zip(found.sample.symbols, depths, strict=True)
            ]
            taken = 0

            def take_all() -> None:
                nonlocal taken
                while taken < len(found.events):
                    event = found.events[taken]
                    taken += 1
                    for proof in proofs:
                        proof.take(event)

            for proof in proofs:
                await found.connector.subscribe(
                    Feed(FeedKind.BOOK, proof.instrument.symbol, depth=proof.depth)
                )

            def enough() -> bool:
                take_all()
                return all(proof.updates >= UPDATES for proof in proofs)

            await eventually(enough, 45.0, f"{UPDATES} updates of each book")
            for proof in proofs:
                assert proof.snapshots == 1
                assert proof.deepest >= min(proof.depth, 100), "shallower than asked for"
            assert not found.of(FeedInterrupted)
            assert not found.of(FeedRefused)
            found.require_no_faults()

    run(main())


def test_a_book_can_be_taken_again_and_ended(practice: Practice) -> None:
    needs(practice, FeedKind.BOOK)

    async def main() -> None:
        async with desk(practice, None) as found:
            depth = found.connector.info.capabilities.book_depths[0]
            feed = Feed(FeedKind.BOOK, found.symbol, depth=depth)
            await found.connector.subscribe(feed)
            await eventually(lambda: len(found.of(BookDelta)) > 3, what="updates")
            await found.connector.resync(feed)
            await found.connector.resync(feed)
            await eventually(lambda: len(found.of(BookSnapshot)) == 2, what="a second snapshot")
            since = found.of(BookSnapshot)[-1]
            proof = Proof(found, found.symbol, depth)
            await eventually(lambda: len(found.of(BookDelta)) > 20, what="more updates")
            for event in found.events[found.events.index(since) :]:
                proof.take(event)
            assert proof.updates > 0
            assert len(found.of(BookSnapshot)) == 2, "one resync is enough"
            await found.connector.unsubscribe(feed)
            count = len(found.of(BookDelta))
            # The others go on, so time passes at the venue.
            quotes = len(found.of(Quote))
            await practice.order("trade", symbol=found.symbol, side="buy", quantity="0.01")
            await eventually(lambda: len(found.of(Quote)) > quotes + 3, what="quotes")
            assert len(found.of(BookDelta)) == count, "an update after the end"

    run(main())


@pytest.mark.parametrize("kind", [FeedKind.QUOTES, FeedKind.TRADES])
def test_quotes_and_trades_of_every_symbol(kind: FeedKind, practice: Practice) -> None:
    needs(practice, kind)

    async def main() -> None:
        async with desk(practice, None, quotes=False) as found:
            feeds = [Feed(kind, symbol) for symbol in found.sample.symbols]
            for feed in feeds:
                await found.connector.subscribe(feed)

            def seen() -> set[str]:
                if kind is FeedKind.QUOTES:
                    return {quote.instrument.symbol for quote in found.of(Quote)}
                return {event.instrument.symbol for event in found.of(TradesReceived)}

            await eventually(lambda: seen() == set(found.sample.symbols), what="each symbol")
            await eventually(
                lambda: {event.feed for event in found.of(FeedConfirmed)} == set(feeds), what="confirmations"
            )
            for symbol in found.sample.symbols:
                await practice.order("trade", symbol=symbol, side="buy", quantity="1")
            if kind is FeedKind.TRADES:
                await eventually(
                    lambda: (
                        {e.instrument.symbol for e in found.of(TradesReceived) if not e.is_snapshot}
                        == set(found.sample.symbols)
                    ),
                    what="live prints",
                )
                for symbol in found.sample.symbols:
                    trades = [
                        trade
                        for event in found.of(TradesReceived)
                        if event.instrument.symbol == symbol
                        for trade in event.trades
                    ]
                    assert len({trade.trade_id for trade in trades}) == len(trades)
                    assert all(trade.price > 0 and trade.quantity > 0 for trade in trades)
            else:
                for quote in found.of(Quote):
                    assert quote.bid is not None
                    assert quote.ask is not None
                    assert quote.bid < quote.ask
            found.require_no_faults()

    run(main())


def test_bars_of_every_interval(practice: Practice) -> None:
    needs(practice, FeedKind.BARS)

    async def main() -> None:
        async with desk(practice, None) as found:
            intervals = found.connector.info.capabilities.bar_intervals_s
            for interval_s in intervals:
                await found.connector.subscribe(Feed(FeedKind.BARS, found.symbol, interval_s=interval_s))

            def loaded() -> set[int]:
                return {event.interval_s for event in found.of(BarsReceived)}

            await eventually(lambda: loaded() == set(intervals), what="the bars to begin with")
            await practice.order("trade", symbol=found.symbol, side="buy", quantity="0.05")
            await eventually(
                lambda: {event.interval_s for event in found.of(BarUpdate)} == set(intervals),
                what="the running bars",
            )
            for event in found.of(BarsReceived):
                opens = [bar.open_ns for bar in event.bars]
                assert opens == sorted(opens)
                step_ns = event.interval_s * 10**9
                assert {(after - before) % step_ns for before, after in pairwise(opens)} <= {0}
                for bar in event.bars:
                    assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            found.require_no_faults()

    run(main())


def test_what_the_venue_lacks_is_refused(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice, None, quotes=False) as found:
            can = found.connector.info.capabilities
            if can.book_depths:
                with pytest.raises(Unsupported):
                    await found.connector.subscribe(
                        Feed(FeedKind.BOOK, found.symbol, depth=max(can.book_depths) + 1)
                    )
            if can.bar_intervals_s:
                with pytest.raises(Unsupported):
                    await found.connector.subscribe(Feed(FeedKind.BARS, found.symbol, interval_s=61))
            unheard = Feed(FeedKind.QUOTES, "NOSUCH/USD")
            await found.connector.subscribe(unheard)
            await eventually(
                lambda: [event for event in found.of(FeedRefused) if event.feed == unheard],
                what="the refusal",
            )
            assert found.of(FeedRefused)[0].reason

    run(main())


def test_instruments_are_whole(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice, None, quotes=False) as found:
            assert set(found.sample.symbols) <= set(found.instruments)
            for item in found.instruments.values():
                assert item.id == InstrumentId(found.venue, f"{item.base}/{item.quote}")
                assert item.tick_size > 0
                assert item.quantity_step > 0
                assert item.min_quantity > 0
                assert item.venue_symbol
            again = {item.symbol: item for item in await found.connector.instruments()}
            assert again == found.instruments

    run(main())


def test_feeds_come_back_after_a_cut(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice, None) as found:
            depth = found.connector.info.capabilities.book_depths[0]
            feed = Feed(FeedKind.BOOK, found.symbol, depth=depth)
            await found.connector.subscribe(feed)
            await eventually(lambda: found.of(BookDelta), what="updates")
            await practice.fault("cut", match="connect/ws*")
            await eventually(lambda: feed in {e.feed for e in found.of(FeedInterrupted)}, what="the warning")
            # The new connection may be there before this is noticed: what counts is what came after the cut.
            cut = next(
                place
                for place, event in enumerate(found.events)
                if isinstance(event, FeedInterrupted) and event.feed == feed
            )

            def after(kind: type) -> Callable[[], bool]:
                return lambda: any(isinstance(event, kind) for event in found.events[cut:])

            await eventually(after(BookSnapshot), what="a new snapshot")
            await eventually(after(BookDelta), what="new updates")
            await eventually(after(Quote), what="new quotes")
            proof = Proof(found, found.symbol, depth)
            for event in found.events[cut:]:
                proof.take(event)
            assert found.connector.health().reconnects == 1

    run(main())
