"""Market data as the rest of the program sees it: subscriptions counted by watcher, and what they hold.

Each event arrives by a plain call in the turn in which its frame was read. Book updates are only kept
then; :meth:`MarketData.flush`, called once a screen tick, applies all of them in order and verifies the
last one's checksum. A book is handed out only while it is proven: gap, wrong checksum, crossed prices or
a lost link make it stale at once, and it is live again only after a fresh snapshot that verifies.

What is watched, what is held of it and what proves it are one state per feed, and stay in one file.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain, repeat
from typing import Any

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.bars import BarSeries
from terminal.domain.book import BookFault, OrderBook
from terminal.domain.errors import TerminalError, Unsupported
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
    VenueEvent,
)
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import BookDelta, BookSnapshot, Feed, FeedKind, FundingRate, Quote, Trade
from terminal.services.proven_book import FeedState as FeedState
from terminal.services.proven_book import ProvenBook
from terminal.services.tape import KEEP_S, Tape
from terminal.venues.base import BookKind, Connector, HasHistory

log = logging.getLogger("book")

DEFAULT_BOOK_DEPTH = 500
"""Levels of each side that a book is kept to. The ladder shows what lies within 0.1 % of the mid: in BTC/USD
a hundred levels end at half of that and leave its outer rows empty, five hundred fill them, and the cost of a
large order can be told. Grouping them takes half a millisecond a frame."""
# Checked for every update: a tuple made once takes a quarter of the time of ``BookDelta | BookSnapshot``.
_BOOK_EVENTS = (BookDelta, BookSnapshot)
# A frozen screen must not let updates pile up without end: past this many a book is applied at once.
_PENDING_LIMIT = 2000
_BARS_RETRY_S = (1.0, 3.0, 10.0, 30.0, 30.0, 60.0)


class Topic(Enum):
    """What about an instrument has changed."""

    QUOTE = "quote"
    BOOK = "book"
    TRADES = "trades"
    BARS = "bars"
    INSTRUMENT = "instrument"
    FUNDING = "funding"
    STATE = "state"
    """Live, stale or refused: what is shown may no longer be trusted, or may again."""


@dataclass(slots=True)
class _Venue:
    """A venue's connector and who watches what through it."""

    connector: Connector | None = None
    watchers: dict[Feed, int] = field(default_factory=dict)
    states: dict[Feed, FeedState] = field(default_factory=dict)
    refusals: dict[Feed, str] = field(default_factory=dict)
    history: set[Feed] = field(default_factory=set)
    """Bar feeds whose past is wanted too, not only what the subscription brings."""
    stale: bool = True
    """The link is down or silent: nothing of this venue is live."""
    off: str = ""
    """Why there is no connection and none is being made; empty otherwise."""
    asking: set[asyncio.Task[None]] = field(default_factory=set)
    """Feeds and bars that are being asked for, over and over where need be."""


class MarketData:
    """Books, quotes, trades and bars of every connected venue.

    Attributes:
        changed: called with (instrument, topic) in the same turn; a view-model only sets a flag.
        resyncs: how many times a book had to be taken again from a snapshot since the start.
        keep_trades_s: for how long prints are kept, in seconds.
    """

    def __init__(self, clock: Clock, *, book_depth: int = DEFAULT_BOOK_DEPTH) -> None:
        self.changed: Observable[[InstrumentId, Topic]] = Observable("market data")
        self.resyncs = 0
        self.keep_trades_s = KEEP_S
        self._clock = clock
        self._book_depth = book_depth
        self._venues: dict[str, _Venue] = {}
        self._instruments: dict[InstrumentId, Instrument] = {}
        self._quotes: dict[InstrumentId, Quote] = {}
        self._funding: dict[InstrumentId, FundingRate] = {}
        self._books: dict[InstrumentId, ProvenBook] = {}
        self._dirty: set[InstrumentId] = set()
        self._tapes: dict[InstrumentId, Tape] = {}
        self._bars: dict[tuple[InstrumentId, int], BarSeries] = {}
        self._handlers: dict[type, Callable[[str, VenueEvent], None]] = {
            BookDelta: self._on_book,
            BookSnapshot: self._on_book,
            Quote: self._on_quote,
            FundingRate: self._on_funding,
            TradesReceived: self._on_trades,
            BarUpdate: self._on_bar,
            BarsReceived: self._on_bars,
            FeedConfirmed: self._on_confirmed,
            FeedRefused: self._on_refused,
            FeedInterrupted: self._on_interrupted,
            InstrumentsChanged: self._on_instruments,
            LinkChanged: self._on_link,
        }

    # -- connections ----------------------------------------------------------------------------------

    def attach(self, venue: str, connector: Connector) -> None:
        """Take a venue's connector: everything watched there is asked for through it."""
        entry = self._venue(venue)
        self._forget(venue)
        self._ask_no_more(entry)
        entry.connector = connector
        entry.stale = True
        self.set_off(venue, "")
        for feed in entry.watchers:
            self._subscribe(venue, entry, feed)

    def detach(self, venue: str) -> None:
        """Let the connector go; what was watched stays watched and is shown as stale."""
        entry = self._venue(venue)
        self._ask_no_more(entry)
        entry.connector = None
        self.set_stale(venue, True)

    def set_instruments(self, instruments: Iterable[Instrument]) -> None:
        """Take a venue's list of instruments."""
        for instrument in instruments:
            before = self._instruments.get(instrument.id)
            self._instruments[instrument.id] = instrument
            if before != instrument:
                self.changed.notify(instrument.id, Topic.INSTRUMENT)

    def set_off(self, venue: str, reason: str) -> None:
        """Say why a venue is not connected, and will not be by itself: its feeds are refused for that reason
        until a connector is there. Empty: there is no such reason any more."""
        entry = self._venue(venue)
        if entry.off == reason:
            return
        entry.off = reason
        for feed in list(entry.watchers):
            self.changed.notify(InstrumentId(venue, feed.symbol), Topic.STATE)

    def set_stale(self, venue: str, stale: bool) -> None:
        """Mark all of a venue's data as unproven (link silent), or as proven again.

        Only silence may be taken back: TCP lost nothing while it was late. After a lost link each book
        waits for its new snapshot.
        """
        entry = self._venue(venue)
        if entry.stale == stale:
            return
        entry.stale = stale
        for feed in entry.watchers:
            self.changed.notify(InstrumentId(venue, feed.symbol), Topic.STATE)

    # -- subscriptions --------------------------------------------------------------------------------

    def watch(self, feed: Feed, venue: str, *, history: bool = True) -> Callable[[], None]:
        """Count one more watcher of a feed; the first one subscribes. The returned function lets it go.

        ``history`` False asks for no past bars where the subscription itself brings some: a list of small
        lines must not use up the public calls that the chart needs.
        """
        feed = self._normal(feed)
        entry = self._venue(venue)
        count = entry.watchers.get(feed, 0)
        entry.watchers[feed] = count + 1
        wanted_before = self._wants_past(entry, feed)
        if history and feed.kind is FeedKind.BARS:
            entry.history.add(feed)
        if entry.connector is not None:
            if count == 0:
                self._subscribe(venue, entry, feed)
            elif feed in entry.history and not wanted_before:
                load = self._load_until_it_works(venue, entry.connector, feed)
                self._ask(venue, load, f"bars {feed}")
        released = False

        def release() -> None:
            nonlocal released
            if not released:
                released = True
                self._release(venue, feed)

        return release

    def _release(self, venue: str, feed: Feed) -> None:
        entry = self._venue(venue)
        left = entry.watchers.get(feed, 0) - 1
        if left > 0:
            entry.watchers[feed] = left
            return
        entry.watchers.pop(feed, None)
        entry.history.discard(feed)
        entry.states.pop(feed, None)
        entry.refusals.pop(feed, None)
        instrument = InstrumentId(venue, feed.symbol)
        if feed.kind is FeedKind.QUOTES:
            self._funding.pop(instrument, None)
        elif feed.kind is FeedKind.BOOK:
            self._books.pop(instrument, None)
            self._dirty.discard(instrument)
        elif feed.kind is FeedKind.TRADES:
            # What trades until somebody watches again would be missing in the middle.
            self._tapes.pop(instrument, None)
        elif feed.kind is FeedKind.BARS and feed.interval_s is not None:
            self._bars.pop((instrument, feed.interval_s), None)
        if entry.connector is not None:
            connector = entry.connector
            tasks.spawn(
                self._quietly(connector.unsubscribe(feed), f"unsubscribe {feed}"), name=f"unsubscribe {feed}"
            )

    def _subscribe(self, venue: str, entry: _Venue, feed: Feed) -> None:
        connector = entry.connector
        assert connector is not None
        capabilities = connector.info.capabilities
        instrument = InstrumentId(venue, feed.symbol)
        if feed.kind not in capabilities.feeds or (
            feed.kind is FeedKind.BOOK and capabilities.book is BookKind.NONE
        ):
            entry.states[feed] = FeedState.UNSUPPORTED
            self.changed.notify(instrument, Topic.STATE)
            return
        entry.states[feed] = FeedState.LOADING
        if feed.kind is FeedKind.BOOK:
            depth = feed.depth or self._book_depth
            self._books[instrument] = ProvenBook(instrument, depth, self._clock)
        self._ask(venue, self._start_feed(venue, connector, feed), f"subscribe {venue} {feed}")

    def _ask(self, venue: str, work: Coroutine[Any, Any, None], name: str) -> None:
        task = tasks.spawn(work, name=name)
        asking = self._venue(venue).asking
        asking.add(task)
        task.add_done_callback(asking.discard)

    def _ask_no_more(self, entry: _Venue) -> None:
        """A question that is repeated every minute must not outlive the connection that it was put to."""
        for task in list(entry.asking):
            task.cancel()

    async def _start_feed(self, venue: str, connector: Connector, feed: Feed) -> None:
        try:
            await connector.subscribe(feed)
        except Unsupported as error:
            self._refuse(venue, feed, error.user_text)
            return
        except TerminalError as error:
            log.warning("%s %s: %s", venue, feed, error)
        if self._wants_past(self._venue(venue), feed):
            await self._load_until_it_works(venue, connector, feed)

    def _wants_past(self, entry: _Venue, feed: Feed) -> bool:
        """Whether past bars of a watched feed have to be asked for."""
        if feed.kind is not FeedKind.BARS or feed not in entry.watchers or entry.connector is None:
            return False
        return feed in entry.history or not entry.connector.info.capabilities.bars_bring_past

    async def _load_until_it_works(self, venue: str, connector: Connector, feed: Feed) -> None:
        """The chart's first bars: a venue that is busy for a moment must not leave it empty for good."""
        assert feed.interval_s is not None
        instrument = InstrumentId(venue, feed.symbol)
        for pause_s in chain(_BARS_RETRY_S, repeat(_BARS_RETRY_S[-1])):
            series = self.bars(instrument, feed.interval_s)
            try:
                await self._load_recent_bars(venue, connector, feed)
            except TerminalError as error:
                if self._venue(venue).connector is not connector:
                    return
                log.warning("%s %s: no bars: %s", venue, feed, error)
                series.error = error.user_text
                self.changed.notify(instrument, Topic.BARS)
            else:
                series.error = ""
                return
            await asyncio.sleep(pause_s)
            entry = self._venue(venue)
            if entry.connector is not connector or not self._wants_past(entry, feed):
                return

    async def _quietly(self, work: Awaitable[object], what: str) -> None:
        try:
            await work
        except TerminalError as error:
            log.info("%s: %s", what, error)

    def _normal(self, feed: Feed) -> Feed:
        # One book an instrument: two depths of the same book would be two truths on one screen.
        if feed.kind is FeedKind.BOOK and feed.depth != self._book_depth:
            return Feed(FeedKind.BOOK, feed.symbol, depth=self._book_depth)
        return feed

    def _venue(self, venue: str) -> _Venue:
        entry = self._venues.get(venue)
        if entry is None:
            entry = self._venues[venue] = _Venue()
        return entry

    def _forget(self, venue: str) -> None:
        """Drop what another connection of this venue has shown: practice prices never mix with real ones."""
        for table in (self._instruments, self._quotes, self._funding, self._books, self._tapes):
            for instrument in [key for key in table if key.venue == venue]:
                del table[instrument]
        for key in [key for key in self._bars if key[0].venue == venue]:
            del self._bars[key]
        self._dirty = {instrument for instrument in self._dirty if instrument.venue != venue}

    # -- what there is --------------------------------------------------------------------------------

    def instrument(self, instrument: InstrumentId) -> Instrument | None:
        """The venue's definition of it, or None while unknown."""
        return self._instruments.get(instrument)

    def instruments(self, venue: str | None = None) -> list[Instrument]:
        """All known instruments, of one venue or of all."""
        return [item for item in self._instruments.values() if venue is None or item.venue == venue]

    def quote(self, instrument: InstrumentId) -> Quote | None:
        """The last quote, however old: ask :meth:`price_age_ns` before trading on it."""
        return self._quotes.get(instrument)

    def funding(self, instrument: InstrumentId) -> FundingRate | None:
        """The funding rate of a perpetual, which comes along with its quotes; None while the link is stale,
        nobody watches the quotes, or the payment it was about is over and the next one not told."""
        venue, found = self._venues.get(instrument.venue), self._funding.get(instrument)
        if found is None or venue is None or venue.connector is None or venue.stale:
            return None
        return found if found.due_ns > self._clock.wall_ns() else None

    def book(self, instrument: InstrumentId) -> OrderBook | None:
        """The book as last verified; None unless it is proven live."""
        entry = self._books.get(instrument)
        if entry is None or self.book_state(instrument) is not FeedState.LIVE:
            return None
        return entry.book

    def last_book(self, instrument: InstrumentId) -> OrderBook | None:
        """The book as it was last known, for a greyed display only; never to trade from."""
        entry = self._books.get(instrument)
        return entry.book if entry is not None and entry.book else None

    def book_state(self, instrument: InstrumentId) -> FeedState:
        """Whether the book may be trusted now."""
        venue = self._venues.get(instrument.venue)
        entry = self._books.get(instrument)
        if venue is None or venue.connector is None:
            if venue is not None and venue.off:
                return FeedState.REFUSED
            return FeedState.STALE if entry is not None and entry.book else FeedState.LOADING
        if entry is None:
            feed = Feed(FeedKind.BOOK, instrument.symbol, depth=self._book_depth)
            return venue.states.get(feed, FeedState.LOADING)
        if entry.state is FeedState.LIVE and venue.stale:
            return FeedState.STALE
        return entry.state

    def feed_state(self, feed: Feed, venue: str) -> FeedState:
        """Whether this feed is asked for, live, stale, unsupported or refused."""
        feed = self._normal(feed)
        if feed.kind is FeedKind.BOOK:
            return self.book_state(InstrumentId(venue, feed.symbol))
        entry = self._venue(venue)
        if entry.off:
            return FeedState.REFUSED
        state = entry.states.get(feed, FeedState.LOADING)
        return FeedState.STALE if state is FeedState.LIVE and entry.stale else state

    def refusal(self, feed: Feed, venue: str) -> str:
        """Why the venue refused a feed, or is off; empty where neither is so."""
        return self._venue(venue).off or self._venue(venue).refusals.get(self._normal(feed), "")

    def price_age_ns(self, instrument: InstrumentId) -> int | None:
        """How long ago the link last proved that the prices are current; None where nothing proves it.

        A quiet market is not an old price: a venue's heartbeat proves the link, and a proven link with
        nothing to say means that the last price still stands.
        """
        entry = self._venues.get(instrument.venue)
        book = self._books.get(instrument)
        if entry is None or entry.connector is None or (book is None and instrument not in self._quotes):
            return None
        if book is not None and book.state is not FeedState.LIVE:
            return None
        if book is None and self._quotes_stopped(entry, instrument):
            return None
        last = entry.connector.health().last_frame_ns
        return None if last is None else max(0, self._clock.monotonic_ns() - last)

    def _quotes_stopped(self, entry: _Venue, instrument: InstrumentId) -> bool:
        """The venue tells that it has no news of this one's prices, though its line lives."""
        return entry.states.get(Feed(FeedKind.QUOTES, instrument.symbol)) is FeedState.STALE

    def trades(self, instrument: InstrumentId) -> deque[Trade]:
        """The last prints, newest last."""
        return self._tape(instrument).trades

    def _tape(self, instrument: InstrumentId) -> Tape:
        tape = self._tapes.get(instrument)
        if tape is None:
            tape = self._tapes[instrument] = Tape()
        return tape

    def bars(self, instrument: InstrumentId, interval_s: int) -> BarSeries:
        """The bars of an interval, oldest first; the running one is last."""
        key = (instrument, interval_s)
        series = self._bars.get(key)
        if series is None:
            series = self._bars[key] = BarSeries(interval_s)
        return series

    async def load_more_bars(self, instrument: InstrumentId, interval_s: int, *, limit: int = 500) -> int:
        """Fetch bars before the oldest one held; how many came (0: the venue has no more).

        Raises:
            TerminalError: the venue could not be asked; what is held stays.
        """
        series = self.bars(instrument, interval_s)
        history = _history(self._venue(instrument.venue).connector)
        if series.complete or series.loading or history is None:
            return 0
        series.loading = True
        self.changed.notify(instrument, Topic.BARS)
        try:
            end_ns = series.bars[0].open_ns if series.bars else None
            older = await history.bars(instrument.symbol, interval_s, end_ns=end_ns, limit=limit)
            added = series.prepend(older)
            if added == 0:
                series.complete = True
            return added
        finally:
            series.loading = False
            self.changed.notify(instrument, Topic.BARS)

    async def _load_recent_bars(self, venue: str, connector: Connector, feed: Feed) -> None:
        history = _history(connector)
        if history is None or feed.interval_s is None:
            return
        instrument = InstrumentId(venue, feed.symbol)
        series = self.bars(instrument, feed.interval_s)
        series.loading = True
        try:
            recent = await history.bars(feed.symbol, feed.interval_s, end_ns=None)
        finally:
            series.loading = False
        if self._venue(venue).connector is connector:
            series.merge(recent)
            self._venue(venue).states[feed] = FeedState.LIVE
            self.changed.notify(instrument, Topic.BARS)

    # -- events ---------------------------------------------------------------------------------------

    def ingest(self, venue: str, event: VenueEvent) -> None:
        """Take one event of a connector; events of other kinds are not for market data and pass by."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(venue, event)

    def _on_book(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, _BOOK_EVENTS)
        entry = self._books.get(event.instrument)
        if entry is None:
            return
        if entry.take(event):
            waiting = len(entry.pending)
            if waiting == 1:
                self._dirty.add(event.instrument)
            elif waiting > _PENDING_LIMIT:
                self._apply(event.instrument, entry)

    def flush(self) -> None:
        """Apply and verify everything that came since the last tick. Called once a screen frame."""
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, set()
        for instrument in dirty:
            entry = self._books.get(instrument)
            if entry is not None and entry.pending:
                self._apply(instrument, entry)

    def _apply(self, instrument: InstrumentId, entry: ProvenBook) -> None:
        if entry.checker is None:
            connector = self._venue(instrument.venue).connector
            entry.checker = connector.book_checker(instrument.symbol) if connector is not None else None
        before = entry.state
        try:
            entry.prove()
        except BookFault as fault:
            self._lose(instrument, entry, str(fault))
            return
        if entry.state is not before:
            feed = Feed(FeedKind.BOOK, instrument.symbol, depth=self._book_depth)
            self._venue(instrument.venue).states[feed] = entry.state
            self.changed.notify(instrument, Topic.STATE)
        self.changed.notify(instrument, Topic.BOOK)

    def _lose(self, instrument: InstrumentId, entry: ProvenBook, reason: str) -> None:
        """The book is no longer proven: show it as stale and take a new snapshot, once."""
        entry.lose()
        log.warning("%s: book out of sync (%s), taking a new snapshot", instrument, reason)
        connector = self._venue(instrument.venue).connector
        if connector is not None and not entry.resyncing:
            entry.resyncing = True
            self.resyncs += 1
            feed = Feed(FeedKind.BOOK, instrument.symbol, depth=self._book_depth)
            tasks.spawn(self._resync(connector, feed, instrument), name=f"resync {instrument}")
        self.changed.notify(instrument, Topic.STATE)
        self.changed.notify(instrument, Topic.BOOK)

    async def _resync(self, connector: Connector, feed: Feed, instrument: InstrumentId) -> None:
        try:
            await connector.resync(feed)
        except TerminalError as error:
            log.warning("%s: no new snapshot: %s", instrument, error)
        finally:
            entry = self._books.get(instrument)
            if entry is not None:
                entry.resyncing = False

    def _on_quote(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, Quote)
        self._quotes[event.instrument] = event
        self._mark_live(venue, Feed(FeedKind.QUOTES, event.instrument.symbol))
        self.changed.notify(event.instrument, Topic.QUOTE)

    def _on_funding(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, FundingRate)
        if Feed(FeedKind.QUOTES, event.instrument.symbol) in self._venue(venue).watchers:
            self._funding[event.instrument] = event
            self.changed.notify(event.instrument, Topic.FUNDING)

    def _on_trades(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, TradesReceived)
        keep_ns = int(self.keep_trades_s * 1e9)
        fresh = self._tape(event.instrument).take(event.trades, keep_ns=keep_ns)
        self._mark_live(venue, Feed(FeedKind.TRADES, event.instrument.symbol))
        if fresh:
            self.changed.notify(event.instrument, Topic.TRADES)

    def _on_bar(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, BarUpdate)
        self.bars(event.instrument, event.interval_s).update(event.bar)
        self.changed.notify(event.instrument, Topic.BARS)

    def _on_bars(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, BarsReceived)
        self.bars(event.instrument, event.interval_s).merge(event.bars)
        self.changed.notify(event.instrument, Topic.BARS)

    def _mark_live(self, venue: str, feed: Feed) -> None:
        states = self._venue(venue).states
        if states.get(feed) is not FeedState.LIVE and feed in self._venue(venue).watchers:
            states[feed] = FeedState.LIVE
            self.changed.notify(InstrumentId(venue, feed.symbol), Topic.STATE)

    def _on_confirmed(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, FeedConfirmed)
        entry = self._venue(venue)
        if event.feed.kind is not FeedKind.BOOK and event.feed in entry.watchers:
            reconnected = entry.states.get(event.feed) is FeedState.STALE
            entry.states[event.feed] = FeedState.LIVE
            entry.refusals.pop(event.feed, None)
            if reconnected and entry.connector is not None and self._wants_past(entry, event.feed):
                # What traded while the link was down is missing from the bars until they are read again.
                load = self._load_until_it_works(venue, entry.connector, event.feed)
                self._ask(venue, load, f"refill {event.feed}")
            self.changed.notify(InstrumentId(venue, event.feed.symbol), Topic.STATE)

    def _on_refused(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, FeedRefused)
        self._refuse(venue, event.feed, event.reason)

    def _refuse(self, venue: str, feed: Feed, reason: str) -> None:
        entry = self._venue(venue)
        feed = self._normal(feed)
        entry.states[feed] = FeedState.REFUSED
        entry.refusals[feed] = reason
        instrument = InstrumentId(venue, feed.symbol)
        if feed.kind is FeedKind.BOOK and instrument in self._books:
            self._books[instrument].state = FeedState.REFUSED
        self.changed.notify(instrument, Topic.STATE)

    def _on_interrupted(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, FeedInterrupted)
        instrument = InstrumentId(venue, event.feed.symbol)
        if event.feed.kind is FeedKind.BOOK:
            entry = self._books.get(instrument)
            if entry is not None:
                entry.interrupt()
        elif event.feed in self._venue(venue).states:
            self._venue(venue).states[event.feed] = FeedState.STALE
        self.changed.notify(instrument, Topic.STATE)

    def _on_instruments(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, InstrumentsChanged)
        self.set_instruments(event.instruments)

    def _on_link(self, venue: str, event: VenueEvent) -> None:
        assert isinstance(event, LinkChanged)
        if event.link != "public":
            return
        live = event.state is LinkState.LIVE
        if not live:
            # Every book waits for the snapshot of the next connection; nothing in between counts.
            for instrument, book in self._books.items():
                if instrument.venue == venue:
                    book.interrupt()
            for instrument in [key for key in self._funding if key.venue == venue]:
                del self._funding[instrument]  # the next connection tells it anew
            states = self._venue(venue).states
            for feed, state in states.items():
                if state is FeedState.LIVE:
                    states[feed] = FeedState.STALE
        self.set_stale(venue, not live)


def _history(connector: object) -> HasHistory | None:
    return connector if isinstance(connector, HasHistory) else None
