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
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import BookDelta, BookSnapshot, Feed, FeedKind, Quote
from terminal.venues import registry
from terminal.venues.base import BookKind
from tests.helpers import eventually, run
from tests.practice import Practice
from tests.venues.kit import Desk, desk, skip_without, watching

UPDATES = 200


WHOLE = 1000
"""Asked for where a venue has no depths to choose from: more than any practice book has."""


def needs(practice: Practice, kind: FeedKind) -> None:
    feeds = registry.info(practice.venue).capabilities.feeds
    skip_without(practice, "feeds", kind in feeds, kind.value)


def changes_of(found: Desk) -> list[BookDelta] | list[BookSnapshot]:
    """What a book was told by after its beginning."""
    return found.of(BookDelta) if found.can.book_updates else found.of(BookSnapshot)[1:]


def a_depth(found: Desk) -> int:
    return (found.can.book_depths or (WHOLE,))[0]


class Proof:
    """Applies a book's events as they come and checks each against the venue's checksum, if it has one."""

    def __init__(self, desk: Desk, symbol: str, depth: int) -> None:
        self.instrument = InstrumentId(desk.venue, symbol)
        self.depth = depth
        self.feed = Feed(FeedKind.BOOK, symbol, depth=depth)
        self.book = OrderBook(self.instrument, depth)
        self.checker = desk.connector.book_checker(symbol)
        self.snapshots = self.updates = self.deepest = self.checked = 0
        self.all_whole = not desk.can.book_updates

    def take(self, event: object) -> None:
        if isinstance(event, BookSnapshot) and event.instrument == self.instrument:
            assert event.depth == self.depth
            self.book.load(event)
            self.book.require_uncrossed()
            if self.snapshots and self.all_whole:
                self.updates += 1
            else:
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
            self.checked += 1
        counts = self.book.level_counts()
        assert max(counts) <= self.depth
        self.deepest = max(self.deepest, min(counts))

    def is_same_as(self, snapshot: BookSnapshot) -> bool:
        """Whether what was built from changes is this."""
        other = OrderBook(self.instrument, self.depth)
        other.load(snapshot)
        return [*self.book.bids(), *self.book.asks()] == [*other.bids(), *other.asks()]


def test_books_at_every_depth_are_proven_at_every_update(practice: Practice) -> None:
    needs(practice, FeedKind.BOOK)

    async def main() -> None:
        practice.command("rate", {"rate": 20.0, "book_batch_ms": 1})
        async with desk(practice, watching(practice)) as found:
            depths = found.can.book_depths or (WHOLE,) * 2
            proofs = [
                Proof(found, symbol, depth)
                for symbol, depth in zip(found.sample.symbols, depths, strict=False)
            ]
            assert len(proofs) == len(depths)
            taken = 0
            # Of a book that is whole each time, none depends on those before it.
            least = UPDATES if found.can.book_updates else UPDATES // 10

            def take_all() -> None:
                nonlocal taken
                while taken < len(found.events):
                    event = found.events[taken]
                    taken += 1
                    for proof in proofs:
                        proof.take(event)

            for proof in proofs:
                await found.connector.subscribe(proof.feed)

            def enough() -> bool:
                take_all()
                return all(proof.updates >= least for proof in proofs)

            await eventually(enough, 45.0, f"{least} updates of each book")
            for proof in proofs:
                assert proof.snapshots == 1
                assert proof.deepest >= min(proof.depth, found.sample.deepest), "shallower than asked for"
            assert not found.of(FeedInterrupted)
            if not proofs[0].checked:
                await require_same_for_another(found, proofs, take_all)
            assert not found.of(FeedRefused)
            found.require_no_faults()

    run(main())


async def require_same_for_another(found: Desk, proofs: list[Proof], take_all: Callable[[], None]) -> None:
    """The proof of a venue without a checksum: in a market that stands still, who takes the book only now has
    the same."""
    await found.practice.freeze()
    async with desk(found.practice, watching(found.practice), quotes=False) as other:
        for proof in proofs:
            await other.connector.subscribe(proof.feed)

        def agree() -> bool:
            take_all()
            fresh = {each.instrument: each for each in other.of(BookSnapshot)}
            return all(
                proof.instrument in fresh and proof.is_same_as(fresh[proof.instrument]) for proof in proofs
            )

        await eventually(agree, what="the same book for another")


def test_a_book_can_be_taken_again_and_ended(practice: Practice) -> None:
    needs(practice, FeedKind.BOOK)
    skip_without(practice, "book_updates", registry.info(practice.venue).capabilities.book_updates)

    async def main() -> None:
        async with desk(practice, watching(practice)) as found:
            depth = a_depth(found)
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
            await practice.stir(found.symbol)
            await eventually(lambda: len(found.of(Quote)) > quotes + 3, what="quotes")
            assert len(found.of(BookDelta)) == count, "an update after the end"

    run(main())


@pytest.mark.parametrize("kind", [FeedKind.QUOTES, FeedKind.TRADES])
def test_quotes_and_trades_of_every_symbol(kind: FeedKind, practice: Practice) -> None:
    needs(practice, kind)

    async def main() -> None:
        async with desk(practice, watching(practice), quotes=False) as found:
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
                await practice.stir(symbol)
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
                    # A venue without a book has one price for both sides.
                    assert quote.bid < quote.ask or (
                        found.can.book is BookKind.NONE and quote.bid == quote.ask
                    )
            found.require_no_faults()

    run(main())


def test_bars_of_every_interval(practice: Practice) -> None:
    needs(practice, FeedKind.BARS)

    async def main() -> None:
        async with desk(practice, watching(practice)) as found:
            intervals = found.can.bar_intervals_s
            for interval_s in intervals:
                await found.connector.subscribe(Feed(FeedKind.BARS, found.symbol, interval_s=interval_s))

            def loaded() -> set[int]:
                return {event.interval_s for event in found.of(BarsReceived)}

            if found.sample.begins_with_bars:
                await eventually(lambda: loaded() == set(intervals), what="the bars to begin with")
            await practice.stir(found.symbol)
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
            for update in found.of(BarUpdate):
                bar = update.bar
                assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            found.require_no_faults()

    run(main())


def test_what_the_venue_lacks_is_refused(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice, watching(practice), quotes=False) as found:
            can = found.can
            for kind in set(FeedKind) - can.feeds:
                with pytest.raises(Unsupported):
                    await found.connector.subscribe(Feed(kind, found.symbol))
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


def require_offer(item: Instrument) -> None:
    """What a contract pays, for how long there is one, and what may be staked on it."""
    offer = item.offer
    assert offer is not None
    assert 0 < offer.payout_pct <= 1000
    assert 0 < offer.min_stake == item.min_quantity
    assert offer.clock_s or offer.timed_s
    for lengths in (offer.clock_s, offer.timed_s):
        assert list(lengths) == sorted(set(lengths))
    assert {seconds for seconds, _ in offer.payouts_pct} <= {*offer.clock_s, *offer.timed_s}


def test_instruments_are_whole(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice, watching(practice), quotes=False) as found:
            assert set(found.sample.symbols) <= set(found.instruments)
            for item in found.instruments.values():
                assert item.id.venue == found.venue
                if item.kind is InstrumentKind.CONTRACT:
                    require_offer(item)
                elif item.kind in (InstrumentKind.PERPETUAL, InstrumentKind.FUTURE):
                    # Beside the pair itself; of inverse contracts the base is what they are counted in.
                    assert item.symbol.rpartition("-")[0].endswith(f"/{item.quote}"), item.symbol
                else:
                    assert item.symbol in (f"{item.base}/{item.quote}", item.venue_symbol)
                assert item.tick_size > 0
                assert item.quantity_step > 0
                assert item.min_quantity > 0
                assert item.venue_symbol
            assert len({item.venue_symbol for item in found.instruments.values()}) == len(found.instruments)
            for symbol in found.sample.symbols:
                item = found.instruments[symbol]
                house = " OTC" if item.offer is not None and item.offer.is_house_quoted else ""
                assert symbol == f"{item.base}/{item.quote}{house}"
            again = {item.symbol: item for item in await found.connector.instruments()}
            assert again == found.instruments

    run(main())


@pytest.mark.parametrize("how", ["cut", "asked"])
def test_feeds_come_back_after_a_reconnect(how: str, practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice, watching(practice)) as found:
            depth = a_depth(found)
            has_book = FeedKind.BOOK in found.can.feeds
            feed = Feed(FeedKind.QUOTES, found.symbol)
            if has_book:
                feed = Feed(FeedKind.BOOK, found.symbol, depth=depth)
                await found.connector.subscribe(feed)
                await eventually(lambda: changes_of(found), what="updates")
            if how == "cut":
                await practice.cut()
            else:
                found.connector.reconnect("The computer was asleep.")
            await eventually(lambda: feed in {e.feed for e in found.of(FeedInterrupted)}, what="the warning")
            # The new connection may be there before this is noticed: what counts is what came after the cut.
            cut = next(
                place
                for place, event in enumerate(found.events)
                if isinstance(event, FeedInterrupted) and event.feed == feed
            )

            def after(kind: type) -> Callable[[], bool]:
                return lambda: any(isinstance(event, kind) for event in found.events[cut:])

            if has_book:
                await eventually(after(BookSnapshot), what="a new snapshot")
                if found.can.book_updates:
                    await eventually(after(BookDelta), what="new updates")
            await eventually(after(FeedConfirmed), what="a new confirmation")
            await eventually(after(Quote), what="new quotes")
            proof = Proof(found, found.symbol, depth)
            for event in found.events[cut:]:
                proof.take(event)
            reconnects = found.connector.health().reconnects
            assert reconnects == 1, "of the connection for prices; another one was not there to lose"

    run(main())
