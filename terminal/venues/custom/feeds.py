"""Prices: what is watched is asked for again and again, and told as it comes.

There is no stream that could have a gap: every answer is whole. A poll that fails makes its feed unproven at
once, and the next answer proves it again. Prints that came and went between two answers, more than the plugin
lists, are not seen by anyone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from terminal.core.clock import Clock
from terminal.domain.errors import ProtocolViolation, RequestRejected, VenueError
from terminal.domain.events import (
    BarUpdate,
    FeedConfirmed,
    FeedInterrupted,
    FeedRefused,
    TradesReceived,
    VenueEvent,
)
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar, Feed, FeedKind
from terminal.venues.custom import parse, wire
from terminal.venues.custom.client import PluginClient
from terminal.venues.custom.errors import NotOffered, unreadable
from terminal.venues.custom.options import Options
from terminal.venues.custom.poller import Poller
from terminal.venues.custom.symbols import SymbolTable, split_symbol

log = logging.getLogger("venue.custom")

_TICKERS: Final = "tickers"
_MOST_REFUSALS: Final = 3
_RUNNING_BARS: Final = 3
"""So many of the newest bars are asked for: the running one, and the end of the ones before."""


@dataclass(slots=True, eq=False)
class _Watched:
    """A feed that somebody watches."""

    feed: Feed
    is_told: bool = False
    """Confirmed, and not interrupted since."""
    answered_ns: int | None = None
    """Monotonic time of its last usable answer."""
    refusals: int = 0
    """Plain refusals in a row."""
    trades: parse.TradeReader | None = None
    bars: dict[int, Bar] | None = None


class Feeds:
    """Every feed that is wanted.

    Attributes:
        has_tickers: the plugin tells the quotes of all symbols in one call.
    """

    def __init__(
        self,
        client: PluginClient,
        poller: Poller,
        symbols: SymbolTable,
        options: Options,
        clock: Clock,
        tell: Callable[[VenueEvent], None],
        on_fault: Callable[[str], None],
    ) -> None:
        self._client = client
        self._poller = poller
        self._symbols = symbols
        self._options = options
        self._clock = clock
        self._tell = tell
        self._on_fault = on_fault
        self._watched: dict[Feed, _Watched] = {}
        self._is_open = False
        self.has_tickers = False

    def watched_symbols(self) -> frozenset[str]:
        """The symbols of all feeds."""
        return frozenset(feed.symbol for feed in self._watched)

    def open(self) -> None:
        """The instruments are known: what was asked for so far begins, or is refused."""
        self._is_open = True
        for watched in list(self._watched.values()):
            self._begin(watched)

    def add(self, feed: Feed) -> None:
        """Want a feed."""
        if feed not in self._watched:
            watched = self._watched[feed] = _Watched(feed)
            if self._is_open:
                self._begin(watched)

    def remove(self, feed: Feed) -> None:
        """Want a feed no longer."""
        if self._watched.pop(feed, None) is not None:
            self._poller.remove(feed)
            if not any(each.kind is FeedKind.QUOTES for each in self._watched):
                self._poller.remove(_TICKERS)

    def hurry(self, feed: Feed) -> None:
        """Take a feed again now."""
        self._poller.hurry(self._key(feed))

    def interrupt_all(self, reason: str) -> None:
        """The plugin is away: nothing that is shown is proven."""
        for watched in self._watched.values():
            self._interrupt(watched, reason)

    def oldest_answer_ns(self) -> int | None:
        """When the least recently asked of the prices shown was last answered, monotonic; None where no
        prices are watched. Nothing proves a price but the answer that brought it."""
        return min(
            (
                each.answered_ns
                for each in self._watched.values()
                if each.answered_ns is not None and each.feed.kind in (FeedKind.QUOTES, FeedKind.BOOK)
            ),
            default=None,
        )

    # -- life of one feed -----------------------------------------------------------------------------

    def _key(self, feed: Feed) -> object:
        return _TICKERS if self.has_tickers and feed.kind is FeedKind.QUOTES else feed

    def _begin(self, watched: _Watched) -> None:
        feed = watched.feed
        instrument = self._symbols.get(feed.symbol)
        if instrument is None:
            self._refuse(watched, "The plugin does not list this symbol, and the settings do not name it.")
            return
        options = self._options
        key = self._key(feed)
        if key == _TICKERS:
            if self._poller.has(key):
                self._poller.hurry(key)
            self._poller.add(key, lambda: options.quotes_s, self._poll_tickers)
            return
        every = {
            FeedKind.QUOTES: options.quotes_s,
            FeedKind.BOOK: options.book_s,
            FeedKind.TRADES: options.trades_s,
            FeedKind.BARS: options.bars_s * _times_slower(feed.interval_s),
        }[feed.kind]

        async def poll() -> None:
            await self._poll(watched, instrument)

        self._poller.add(feed, lambda: every, poll)

    def _refuse(self, watched: _Watched, reason: str) -> None:
        self.remove(watched.feed)
        self._tell(FeedRefused(watched.feed, reason))

    def _interrupt(self, watched: _Watched, reason: str) -> None:
        if watched.is_told:
            watched.is_told = False
            self._tell(FeedInterrupted(watched.feed, reason))

    def _is_watched(self, watched: _Watched) -> bool:
        return self._watched.get(watched.feed) is watched

    # -- polls ----------------------------------------------------------------------------------------

    async def _poll(self, watched: _Watched, instrument: Instrument) -> None:
        method, params, take = self._question(watched, instrument)
        try:
            data = await self._client.read(method, params)
            if self._is_watched(watched):
                self._take(watched, method, lambda: take(data))
        except NotOffered as error:
            self._refuse(watched, f"The plugin offers no {method}.")
            log.info("%s: %s", watched.feed, error)
        except RequestRejected as error:
            watched.refusals += 1
            if error.code == "symbol" or watched.refusals >= _MOST_REFUSALS:
                # It would age what is shown of all other symbols, for ever.
                self._refuse(watched, error.user_text)
                return
            self._interrupt(watched, error.user_text)
            raise
        except VenueError as error:
            self._interrupt(watched, error.user_text)
            raise

    def _take(self, watched: _Watched, method: str, take: Callable[[], list[VenueEvent]]) -> None:
        """Read one answer and tell it. Raises ProtocolViolation for what cannot be."""
        try:
            events = take()
        except (ValueError, ArithmeticError) as problem:
            text = self._client.clean(str(problem))[:200]
            self._on_fault(f"{method} {watched.feed.symbol}: {text}")
            raise unreadable(method, text, reading=True) from None
        watched.answered_ns, watched.refusals = self._clock.monotonic_ns(), 0
        if not watched.is_told:
            watched.is_told = True
            self._tell(FeedConfirmed(watched.feed))
        for event in events:
            self._tell(event)

    def _question(
        self, watched: _Watched, instrument: Instrument
    ) -> tuple[str, Mapping[str, object], Callable[[Any], list[VenueEvent]]]:
        """The method, its parameters, and what makes events of the answer."""
        feed, name = watched.feed, {"symbol": instrument.venue_symbol}
        if feed.kind is FeedKind.QUOTES:
            return "ticker", name, lambda data: [parse.quote(instrument.id, data, self._clock.wall_ns())]
        if feed.kind is FeedKind.BOOK:
            depth = feed.depth or self._options.book_levels
            limit = str(min(depth, self._options.book_levels))
            return (
                "depth",
                {"limit": limit, **name},
                lambda data: [parse.book(instrument.id, data, depth, self._clock.wall_ns())],
            )
        if feed.kind is FeedKind.TRADES:
            return "trades", name, lambda data: self._new_trades(watched, instrument, data)
        assert feed.interval_s is not None
        params = {"limit": str(_RUNNING_BARS), "period": str(feed.interval_s // 60), **name}
        return "records", params, lambda data: self._new_bars(watched, instrument, data)

    def _new_trades(self, watched: _Watched, instrument: Instrument, data: Any) -> list[VenueEvent]:
        is_first = watched.trades is None
        reader = watched.trades or parse.TradeReader(instrument.id)
        fresh = reader.take(data, self._clock.wall_ns())
        watched.trades = reader
        return [TradesReceived(instrument.id, fresh, is_first)] if fresh or is_first else []

    def _new_bars(self, watched: _Watched, instrument: Instrument, data: Any) -> list[VenueEvent]:
        # A plugin may send more bars than were asked for.
        newest = parse.bars(data)[-_RUNNING_BARS:]
        before, watched.bars = watched.bars or {}, {bar.open_ns: bar for bar in newest}
        interval_s = watched.feed.interval_s
        assert interval_s is not None
        return [
            BarUpdate(instrument.id, interval_s, bar, self._clock.wall_ns())
            for bar in newest
            if before.get(bar.open_ns) != bar
        ]

    async def _poll_tickers(self) -> None:
        """All quotes in one call; a single one by itself, for a list of a whole venue is long."""
        quotes = [each for each in self._watched.values() if each.feed.kind is FeedKind.QUOTES]
        known = [(each, self._symbols.get(each.feed.symbol)) for each in quotes]
        wanted = [(each, instrument) for each, instrument in known if instrument is not None]
        if len(wanted) == 1:
            await self._poll(*wanted[0])
            return
        if not wanted:
            return
        try:
            data = await self._client.read("tickers", {})
            found = _by_symbol(data)
        except NotOffered:
            self.has_tickers = False
            self._poller.remove(_TICKERS)
            for each, _ in wanted:
                self._begin(each)
            return
        except (VenueError, ValueError) as problem:
            reason = problem.user_text if isinstance(problem, VenueError) else "The answer was unreadable."
            for each, _ in wanted:
                self._interrupt(each, reason)
            if isinstance(problem, VenueError):
                raise
            self._on_fault(f"tickers: {self._client.clean(str(problem))[:200]}")
            raise unreadable("tickers", self._client.clean(str(problem)), reading=True) from None
        for each, instrument in wanted:
            if self._is_watched(each):
                self._take_ticker(each, instrument, found.get(instrument.symbol))

    def _take_ticker(self, watched: _Watched, instrument: Instrument, row: Any) -> None:
        if row is None:
            self._interrupt(watched, "The plugin's list of quotes does not have this symbol.")
            return
        try:
            self._take(watched, "tickers", lambda: [parse.quote(instrument.id, row, self._clock.wall_ns())])
        except ProtocolViolation as error:
            self._interrupt(watched, error.user_text)


def _times_slower(interval_s: int | None) -> float:
    """A long bar changes little in two seconds, and a list of symbols has one of each."""
    return min(8.0, max(1.0, (interval_s or 0) / 360))


def _by_symbol(data: Any) -> dict[str, Any]:
    """``tickers``: a list of ticker objects, by our name of the symbol."""
    found = {}
    for row in wire.rows(data):
        parts = split_symbol(wire.text(wire.record(row).get("symbol")))
        if parts is not None:
            found["/".join(parts)] = row
    return found
