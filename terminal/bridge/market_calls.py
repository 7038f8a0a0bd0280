"""Prices as the protocol tells them: ticker, depth, trades, records, markets, tickers.

Times of ticker, depth and trades are Unix milliseconds, those of records Unix seconds of the start of a bar.
Trades and records come oldest first. What a venue does not say is ``null``, never a made-up number; where it
tells no trades (CFDs), ``last`` is the bid, of which its bars are made too, and the figures of a day are
those of its bars of an hour.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from terminal.bridge.envelope import plain, text_of, whole_of
from terminal.bridge.errors import CallRefused, NotSupported
from terminal.bridge.feeds import FeedsOnDemand
from terminal.bridge.symbols import SymbolTable, wire_name
from terminal.core.clock import Clock
from terminal.domain.book import OrderBook
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Bar, Feed, FeedKind, Quote, Side
from terminal.services.market_data import FeedState, MarketData
from terminal.services.session import Session
from terminal.venues.base import BookKind, HasHistory, HasTickers

Params = Mapping[str, Any]

PERIODS_MIN: Final = (1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440, 4320, 10080)
_MOST_RECORDS: Final = 1500
_MOST_TRADES: Final = 500
_MOST_LEVELS: Final = 500
_TICKERS_KEPT_NS: Final = 1_000_000_000
_FIRST_PRINT_S: Final = 2.0
_HOURS_S: Final = 2.0
_HOUR_S: Final = 3600
_MS: Final = 1_000_000
_S: Final = 1_000_000_000


class _Asked(NamedTuple):
    """The prices of everything, as a connection told them."""

    connector: object
    at_ns: int
    told: Mapping[InstrumentId, Quote]


class MarketCalls:
    """Answers from the live prices that the screen shows too."""

    def __init__(self, market: MarketData, symbols: SymbolTable, feeds: FeedsOnDemand, clock: Clock) -> None:
        self._market = market
        self._symbols = symbols
        self._feeds = feeds
        self._clock = clock
        self._asking: dict[str, asyncio.Lock] = {}
        self._asked: dict[str, _Asked] = {}

    async def ticker(self, session: Session, params: Params) -> object:
        """Best prices and the figures of 24 hours; ``vol`` in base units."""
        instrument = self._instrument(session, params)
        await self.have_quote(session, instrument)
        quote = self._market.quote(instrument.id)
        hours = Feed(FeedKind.BARS, instrument.symbol, interval_s=_HOUR_S)
        if quote is not None and quote.high_24h is None and self._tells_hours(session):
            series = self._market.bars(instrument.id, _HOUR_S)
            with contextlib.suppress(CallRefused):  # then it is not told
                await self._feeds.within(
                    _HOURS_S, session.venue, hours, lambda: bool(series.bars) and not series.loading
                )
        return self._ticker(instrument)

    def _tells_hours(self, session: Session) -> bool:
        return _HOUR_S in session.info.capabilities.bar_intervals_s

    def _day(self, instrument: Instrument) -> tuple[Bar, ...]:
        """The hours of the last 24, where they are live."""
        feed = Feed(FeedKind.BARS, instrument.symbol, interval_s=_HOUR_S)
        if self._market.feed_state(feed, instrument.id.venue) is not FeedState.LIVE:
            return ()
        since = self._clock.wall_ns() - 24 * _HOUR_S * _S
        return tuple(
            bar for bar in self._market.bars(instrument.id, _HOUR_S).bars[-25:] if bar.open_ns > since
        )

    async def depth(self, session: Session, params: Params) -> object:
        """Levels ``[price, amount]``, best first on both sides; base units."""
        instrument = self._instrument(session, params)
        limit = whole_of(params, "limit", 30, _MOST_LEVELS)
        if session.info.capabilities.book is not BookKind.LEVELS:
            return await self._top(session, instrument, limit)
        await self.have_book(session, instrument)
        book = self._market.book(instrument.id)
        assert book is not None
        stamp_ns = book.ts_event_ns or self._clock.wall_ns()
        return {
            "time": stamp_ns // _MS,
            "asks": _levels(*book.best(Side.SELL, limit)),
            "bids": _levels(*book.best(Side.BUY, limit)),
        }

    async def _top(self, session: Session, instrument: Instrument, limit: int) -> object:
        """The only level that a venue without a book shows."""
        await self.have_quote(session, instrument)
        quote = self._market.quote(instrument.id)
        assert quote is not None
        asks = [] if quote.ask is None else [[plain(quote.ask), plain(quote.ask_quantity)]]
        bids = [] if quote.bid is None else [[plain(quote.bid), plain(quote.bid_quantity)]]
        stamp_ns = quote.ts_event_ns or self._clock.wall_ns()
        return {"time": stamp_ns // _MS, "asks": asks[:limit], "bids": bids[:limit]}

    async def trades(self, session: Session, params: Params) -> object:
        """The last public prints, oldest first; ``type`` is the taker's side."""
        instrument = self._instrument(session, params)
        feed = Feed(FeedKind.TRADES, instrument.symbol)
        await self._feeds.ensure(session.venue, feed, lambda: True)
        # Where a venue tells no past with the feed, the first call waits for a print, though not for long: of
        # an instrument that nobody trades there is none.
        await self._feeds.within(
            _FIRST_PRINT_S, session.venue, feed, lambda: bool(self._market.trades(instrument.id))
        )
        prints = list(self._market.trades(instrument.id))[-_MOST_TRADES:]
        return [
            {
                "id": each.trade_id,
                "time": each.ts_event_ns // _MS,
                "price": plain(each.price),
                "amount": plain(each.quantity),
                "type": each.side.value,
            }
            for each in prints
        ]

    async def records(self, session: Session, params: Params) -> object:
        """Bars ``[time, open, high, low, close, volume]``, oldest first, the running one last."""
        instrument = self._instrument(session, params)
        period = whole_of(params, "period", 1, 100_000)
        limit = whole_of(params, "limit", 500, _MOST_RECORDS)
        interval_s = period * 60
        offered = session.info.capabilities.bar_intervals_s
        if not offered:
            raise NotSupported
        if interval_s not in offered:
            minutes = ", ".join(str(each // 60) for each in offered if each % 60 == 0)
            raise CallRefused(f"invalid period: {session.info.title} has bars of {minutes} minutes")
        feed = Feed(FeedKind.BARS, instrument.symbol, interval_s=interval_s)
        series = self._market.bars(instrument.id, interval_s)

        def is_loaded() -> bool:
            # The running bar may come before those of the past, which are asked for beside it.
            return bool(series.bars) and not series.loading

        await self._feeds.ensure(session.venue, feed, is_loaded)
        while len(series.bars) < limit and isinstance(session.connector, HasHistory):
            if not await self._market.load_more_bars(instrument.id, interval_s, limit=limit):
                if not series.loading:
                    break
                await self._feeds.ensure(session.venue, feed, is_loaded)
        return [
            [
                bar.open_ns // _S,
                plain(bar.open),
                plain(bar.high),
                plain(bar.low),
                plain(bar.close),
                plain(bar.volume),
            ]
            for bar in series.bars[-limit:]
        ]

    async def markets(self, session: Session, params: Params) -> object:
        """What the venue lists, by the protocol's name, with the grid and the limits of orders. Where it
        tells those only of what is watched (cTrader), the others are left out: a made-up grid would be traded
        on."""
        return {
            wire_name(item): _market_of(item)
            for item in self._market.instruments(session.venue)
            if item.is_detailed
        }

    async def tickers(self, session: Session, params: Params) -> object:
        """A ticker of everything that the venue lists, by one call to it at most once a second; where it has
        no such call, of everything whose price is live: what the screen or a strategy watches.

        A live price is told as it is; the others are those of the venue's answer.

        Raises:
            TerminalError: the venue could not be asked.
        """
        asked = await self._all_quotes(session)
        out = []
        for item in self._market.instruments(session.venue):
            feed = Feed(FeedKind.QUOTES, item.symbol)
            if self._market.feed_state(feed, session.venue) is FeedState.LIVE and self._market.quote(item.id):
                out.append(self._ticker(item))
            elif item.id in asked:
                out.append(self._told(item, asked[item.id], None))
        return out

    async def _all_quotes(self, session: Session) -> Mapping[InstrumentId, Quote]:
        connector: object = session.connector
        if not isinstance(connector, HasTickers):
            return {}
        # Several strategies that ask at once are answered by one call.
        async with self._asking.setdefault(session.venue, asyncio.Lock()):
            kept = self._asked.get(session.venue)
            now = self._clock.monotonic_ns()
            if kept is None or kept.connector is not connector or now - kept.at_ns >= _TICKERS_KEPT_NS:
                told = {each.instrument: each for each in await connector.tickers()}
                kept = self._asked[session.venue] = _Asked(connector, self._clock.monotonic_ns(), told)
        return kept.told

    # -- what orders need too -------------------------------------------------------------------------

    async def fundings(self, session: Session, params: Params) -> object:
        """The funding of a perpetual: ``rate`` (0.0001 is 0.01 %), ``time`` when it is paid next (ms), and
        ``interval`` to the one after it (ms; ``null`` where the venue does not say).

        Raises:
            NotSupported: the venue lists no perpetual.
            CallRefused: this is none, or its rate did not come in time.
        """
        if not any(each.kind is InstrumentKind.PERPETUAL for each in self._market.instruments(session.venue)):
            raise NotSupported
        instrument = self._instrument(session, params)
        if instrument.kind is not InstrumentKind.PERPETUAL:
            raise CallRefused(f"{wire_name(instrument)} has no funding")
        # It comes along with the quotes.
        feed = Feed(FeedKind.QUOTES, instrument.symbol)
        await self._feeds.ensure(session.venue, feed, lambda: self._market.funding(instrument.id) is not None)
        funding = self._market.funding(instrument.id)
        assert funding is not None
        following = funding.following_ns
        return [
            {
                "symbol": wire_name(instrument),
                "rate": plain(funding.rate),
                "time": funding.due_ns // _MS,
                "interval": None if following is None else (following - funding.due_ns) // _MS,
            }
        ]

    async def have_quote(self, session: Session, instrument: Instrument) -> None:
        """Wait for a live quote. Raises as :meth:`FeedsOnDemand.ensure`."""
        feed = Feed(FeedKind.QUOTES, instrument.symbol)
        await self._feeds.ensure(session.venue, feed, lambda: self._market.quote(instrument.id) is not None)

    async def have_book(self, session: Session, instrument: Instrument) -> None:
        """Wait for a proven book. Raises as :meth:`FeedsOnDemand.ensure`."""
        feed = Feed(FeedKind.BOOK, instrument.symbol)
        await self._feeds.ensure(session.venue, feed, lambda: self._market.book(instrument.id) is not None)

    # -- small things ---------------------------------------------------------------------------------

    def _instrument(self, session: Session, params: Params) -> Instrument:
        return self._symbols.find(session.venue, text_of(params, "symbol"))

    def _ticker(self, instrument: Instrument) -> dict[str, object]:
        quote = self._market.quote(instrument.id)
        assert quote is not None
        return self._told(instrument, quote, self._market.book(instrument.id))

    def _told(self, instrument: Instrument, quote: Quote, book: OrderBook | None) -> dict[str, object]:
        bid = book.best_bid.price if book is not None and book.best_bid is not None else quote.bid
        ask = book.best_ask.price if book is not None and book.best_ask is not None else quote.ask
        opened, high, low = None, quote.high_24h, quote.low_24h
        if quote.last is not None and quote.change_24h is not None:
            opened = quote.last - quote.change_24h
        if high is None and (day := self._day(instrument)):
            opened, high, low = day[0].open, max(bar.high for bar in day), min(bar.low for bar in day)
        return {
            "symbol": wire_name(instrument),
            "buy": plain(bid),
            "sell": plain(ask),
            "high": plain(high),
            "low": plain(low),
            # The one field that a plugin may leave out.
            **({} if opened is None else {"open": plain(opened)}),
            "last": plain(bid if quote.last is None else quote.last),
            "vol": plain(quote.volume_24h),
            "time": str((quote.ts_event_ns or quote.ts_received_ns) // _MS),
        }


def _levels(prices: list[Any], quantities: list[Any]) -> list[list[str | None]]:
    return [[plain(price), plain(quantity)] for price, quantity in zip(prices, quantities, strict=True)]


def _market_of(item: Instrument) -> dict[str, object]:
    """Grid and limits; 0 is a limit that there is not, for the fields are numbers to those who read them."""
    return {
        "symbol": wire_name(item),
        "base": item.base,
        "quote": item.quote,
        "tick_size": plain(item.tick_size),
        "amount_size": plain(item.quantity_step),
        "price_precision": item.price_decimals,
        "amount_precision": item.quantity_decimals,
        "min_qty": plain(item.min_quantity),
        "max_qty": plain(item.max_quantity or ZERO),
        "min_notional": plain(item.min_notional or ZERO),
        "max_notional": plain(ZERO),
    }
