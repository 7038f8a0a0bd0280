"""The feeds that the terminal wants, over the subscriptions of the account that market data come through.

A feed stays wanted over every loss of the connection or change of the account; its symbol is found by name
among those of the account's broker. The frequent events are taken here in the reading call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from google.protobuf.message import DecodeError

from terminal.core.clock import Clock
from terminal.domain.events import FeedConfirmed, FeedInterrupted, FeedRefused, VenueEvent
from terminal.domain.market import Feed, FeedKind
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.account import Account
from terminal.venues.ctrader.books import DepthBook
from terminal.venues.ctrader.spots import PERIODS, Spot
from terminal.venues.ctrader.streams import Key, Kind, Watcher
from terminal.venues.ctrader.symbols import Listing

_KINDS: Final = {FeedKind.QUOTES: Kind.SPOTS, FeedKind.BOOK: Kind.DEPTH, FeedKind.BARS: Kind.BARS}
# The whole book follows its confirmation; where there is no depth at all, nothing does.
_EMPTY_AFTER_NS: Final = 5_000_000_000
_read_spot: Final = pb.ProtoOASpotEvent.FromString
_read_depth: Final = pb.ProtoOADepthEvent.FromString


class Feeds(Watcher):
    """The wanted feeds and what they are to the account of the market data.

    Args:
        accounts: all accounts by id; read at each event.
        emit: where quotes, books, bars and the words about feeds go.
    """

    def __init__(
        self, accounts: Mapping[int, Account], emit: Callable[[VenueEvent], object], clock: Clock
    ) -> None:
        self._accounts = accounts
        self._emit = emit
        self._clock = clock
        self._account: Account | None = None
        self._feeds: dict[Feed, Key | None] = {}
        """With the subscription that each stands on; None while its symbol is not known."""
        self._live: set[Feed] = set()
        self._account_id = 0
        self._books: dict[int, DepthBook] = {}
        self._due: list[Spot] = []
        self._due_books: list[DepthBook] = []
        self._confirmed_ns: dict[int, int] = {}

    def set_emit(self, emit: Callable[[VenueEvent], object]) -> None:
        """Where events go from now on."""
        self._emit = emit
        for feed, key in self._feeds.items():
            if key is not None:
                self._listen(feed, key)

    # --- what is wanted ----------------------------------------------------------------------------------

    def add(self, feed: Feed) -> None:
        """Want a feed, now and after every loss."""
        if feed in self._feeds:
            if feed in self._live:
                self._emit(FeedConfirmed(feed))
            return
        self._feeds[feed] = None
        self._attach(feed)

    def remove(self, feed: Feed) -> None:
        """Want it no longer; nothing of it arrives afterwards."""
        if feed in self._feeds:
            self._detach(feed)
            del self._feeds[feed]

    def resync(self, feed: Feed) -> None:
        """Take it again from the beginning; nothing happens while that is under way."""
        key = self._feeds.get(feed)
        if key is not None and self._account is not None:
            self._account.streams.take_again(key)

    def symbols(self) -> tuple[str, ...]:
        """The symbols of all wanted feeds."""
        return tuple(dict.fromkeys(feed.symbol for feed in self._feeds))

    # --- the account of the market data ------------------------------------------------------------------

    def bind(self, account: Account | None) -> None:
        """Market data come through another account from now on."""
        if account is self._account:
            return
        for feed in self._feeds:
            self._interrupt(feed, "The prices come from another account now.")
            self._detach(feed)
        if self._account is not None:
            self._account.streams.watcher = Watcher()
        self._account = account
        self._account_id = 0 if account is None else account.account_id
        self._books.clear()
        if account is not None:
            account.streams.watcher = self
            if account.symbols.is_loaded:
                self.listed()

    def listed(self) -> None:
        """The account's symbols are known: feeds find theirs."""
        for feed in list(self._feeds):
            if self._feeds.get(feed) is None:
                self._attach(feed)

    def tick(self) -> None:
        """Once a second or so: a book that has no depth at all is empty, not unknown."""
        now_ns = self._clock.monotonic_ns()
        for symbol_id, since_ns in list(self._confirmed_ns.items()):
            book = self._books.get(symbol_id)
            if book is None or book.has_begun:
                del self._confirmed_ns[symbol_id]
            elif now_ns - since_ns > _EMPTY_AFTER_NS:
                del self._confirmed_ns[symbol_id]
                self._emit(book.snapshot(self._clock.wall_ns()))

    # --- what arrives ------------------------------------------------------------------------------------

    def on_spot(self, payload: bytes, ts_received_ns: int) -> None:
        """``{"ctidTraderAccountId": 1000001, "symbolId": 1, "bid": 114814, "ask": 114816, ...}``"""
        event = _read_spot(payload)
        account = self._accounts.get(event.ctidTraderAccountId)
        if account is not None:
            spot = account.streams.spots.get(event.symbolId)
            if spot is not None:
                spot.take(event, ts_received_ns)
                if not spot.is_due:
                    spot.is_due = True
                    self._due.append(spot)

    def on_depth(self, payload: bytes, ts_received_ns: int) -> None:
        """``{"symbolId": 1, "newQuotes": [{"id": 7, "size": 100000, "bid": 114814}], "deletedQuotes": [3]}``,
        and the account's id."""
        try:
            event = _read_depth(payload)
        except DecodeError:
            # Which book it was for is not known, and a lost change spoils a book for good.
            self._take_books_again()
            raise
        if event.ctidTraderAccountId != self._account_id:
            return
        book = self._books.get(event.symbolId)
        if book is not None:
            book.take(event)
            if not book.is_due:
                book.is_due = True
                self._due_books.append(book)

    def tell(self, ts_received_ns: int) -> None:
        """After each reading of a socket: pass on what it has changed, each price and each book once."""
        if self._due:
            due, self._due = self._due, []
            for spot in due:
                spot.tell(ts_received_ns)
        if self._due_books:
            books, self._due_books = self._due_books, []
            for book in books:
                if self._books.get(book.symbol_id) is book:  # else it was left meanwhile
                    if not book.has_begun:
                        self._confirm(Key(Kind.DEPTH, book.symbol_id))
                    change = book.changes(ts_received_ns)
                    if change is not None:
                        self._emit(change)

    def _take_books_again(self) -> None:
        if self._account is not None:
            for symbol_id in list(self._books):
                self._account.streams.take_again(Key(Kind.DEPTH, symbol_id))

    # --- what becomes of the subscriptions ---------------------------------------------------------------

    def on_asking(self, key: Key) -> None:
        account = self._account
        if key.kind is Kind.DEPTH and account is not None:
            listing = account.symbols.by_id(key.symbol_id)
            if listing is not None:
                self._books[key.symbol_id] = DepthBook(key.symbol_id, listing.instrument.id, listing.digits)

    def on_confirmed(self, key: Key) -> None:
        if key.kind is Kind.DEPTH and key.symbol_id in self._books:
            self._confirmed_ns[key.symbol_id] = self._clock.monotonic_ns()
        self._confirm(key)

    def on_refused(self, key: Key, reason: str) -> None:
        for feed in self._of(key):
            self._detach(feed)
            del self._feeds[feed]
            self._emit(FeedRefused(feed, reason))

    def on_left(self, key: Key) -> None:
        if key.kind is Kind.DEPTH:
            self._books.pop(key.symbol_id, None)
            self._confirmed_ns.pop(key.symbol_id, None)
        for feed in self._of(key):
            self._interrupt(feed, "These prices are being taken again.")

    def on_symbols(self, changed: Sequence[Listing]) -> None:
        """Records have changed: a book is in the old record's digits, and begins afresh."""
        account = self._account
        for listing in changed:
            book = self._books.get(listing.symbol_id)
            if account is not None and book is not None and book.digits != listing.digits:
                account.streams.take_again(Key(Kind.DEPTH, listing.symbol_id))

    # --- inside ------------------------------------------------------------------------------------------

    def _of(self, key: Key) -> list[Feed]:
        return [feed for feed, stands_on in self._feeds.items() if stands_on == key]

    def _attach(self, feed: Feed) -> None:
        account = self._account
        if account is None or not account.symbols.is_loaded:
            return
        listing = account.symbols.find(feed.symbol)
        if listing is None:
            del self._feeds[feed]
            self._emit(FeedRefused(feed, f"The broker of this account does not list {feed.symbol}."))
            return
        period = PERIODS[feed.interval_s or 0] if feed.kind is FeedKind.BARS else 0
        key = self._feeds[feed] = Key(_KINDS[feed.kind], listing.symbol_id, period)
        account.streams.want(key, feed)
        self._listen(feed, key)
        if account.streams.is_there(key):
            self._confirm(key)

    def _listen(self, feed: Feed, key: Key) -> None:
        assert self._account is not None
        spot = self._account.streams.spot(key.symbol_id)
        if key.kind is Kind.SPOTS:
            spot.emit_quote = self._emit
        elif key.kind is Kind.BARS:
            spot.bars[key.period] = self._emit

    def _detach(self, feed: Feed) -> None:
        key, account = self._feeds[feed], self._account
        self._feeds[feed] = None
        self._live.discard(feed)
        if key is None or account is None:
            return
        if not self._of(key):
            spot = account.streams.spots.get(key.symbol_id)
            if spot is not None and key.kind is Kind.SPOTS:
                spot.emit_quote = None
            elif spot is not None and key.kind is Kind.BARS:
                spot.bars.pop(key.period, None)
            if key.kind is Kind.DEPTH:
                self._books.pop(key.symbol_id, None)
        account.streams.drop(key, feed)

    def _confirm(self, key: Key) -> None:
        for feed in self._of(key):
            if feed in self._live:
                continue
            self._live.add(feed)
            self._emit(FeedConfirmed(feed))
            if key.kind is Kind.SPOTS and self._account is not None:
                spot = self._account.streams.spot(key.symbol_id)
                if spot.bid is not None or spot.ask is not None:
                    # Somebody else had it subscribed: the first event has come and gone.
                    self._emit(spot.quote(self._clock.wall_ns()))

    def _interrupt(self, feed: Feed, reason: str) -> None:
        if feed in self._live:
            self._live.discard(feed)
            self._emit(FeedInterrupted(feed, reason))
