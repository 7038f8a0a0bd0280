"""Kraken's public connection: feeds, instruments, the venue's status (WebSocket v2, read 2026-08)."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable

from terminal.core.clock import Clock
from terminal.core.secret import scrub
from terminal.domain.events import (
    BarsReceived,
    FeedInterrupted,
    InstrumentsChanged,
    LinkChanged,
    TradesReceived,
    VenueEvent,
)
from terminal.domain.market import Bar, Trade
from terminal.venues.kraken import parse
from terminal.venues.kraken.parse import WIRE_ERRORS, book_delta, decode_book
from terminal.venues.kraken.stream import HEARTBEAT, MakeLink, Stream, decode_response, is_edge_restarting
from terminal.venues.kraken.subscriptions import Subscription, SubscriptionState, SubscriptionTable
from terminal.venues.kraken.symbols import SymbolMap
from terminal.venues.kraken.wire import (
    BookMessage,
    Response,
    decode_head,
)

log = logging.getLogger("venue.kraken")


_BOOK = '{"channel":"book"'
_TRADE = '{"channel":"trade"'
_TICKER = '{"channel":"ticker"'
_OHLC = '{"channel":"ohlc"'


class PublicStream(Stream):
    """Prices: feeds, instruments, the venue's status."""

    name = "public"

    def __init__(
        self,
        *,
        make_link: MakeLink,
        url: Callable[[], str],
        clock: Clock,
        sink: Callable[[VenueEvent], None],
        numbers: itertools.count[int],
        on_link: Callable[[LinkChanged], None],
        symbols: SymbolMap,
    ) -> None:
        super().__init__(
            make_link=make_link, url=url, clock=clock, sink=sink, numbers=numbers, on_link=on_link
        )
        self._symbols = symbols
        self.table = SubscriptionTable(
            clock=clock,
            numbers=numbers,
            send=self._try_send,
            sink=lambda event: self._sink(event),
            restart=self.link.reconnect_now,
            instrument_id=symbols.instrument_id,
        )
        self._books = self.table.by_symbol["book"]
        self._tickers = self.table.by_symbol["ticker"]
        self._trades = self.table.by_symbol["trade"]

    async def _on_open(self, link: object) -> None:
        # Instruments first: a book can be proven only with its pair's decimals. It also keeps heartbeats
        # coming.
        number = next(self._numbers)
        self.link.send_now(
            f'{{"method":"subscribe","params":{{"channel":"instrument","snapshot":true}},"req_id":{number}}}'
        )
        self.table.opened()
        self.ping()

    def _link_down(self, reason: str) -> None:
        self.table.closed(reason or "The connection is down.")

    def on_frame(self, frame: str | bytes, ts_received_ns: int) -> None:
        """Take one frame, in the reading call itself."""
        if not isinstance(frame, str):
            frame = frame.decode("utf-8", "replace")
        if frame.startswith(_BOOK):
            self._on_book(frame, ts_received_ns)
            return
        if frame.startswith(HEARTBEAT):
            return
        try:
            if frame.startswith(_TRADE):
                self._on_trades(frame, ts_received_ns)
            elif frame.startswith(_TICKER):
                self._on_ticker(frame, ts_received_ns)
            elif frame.startswith(_OHLC):
                self._on_bars(frame, ts_received_ns)
            else:
                self._on_other(frame, ts_received_ns)
        except WIRE_ERRORS as error:
            self._on_unreadable(frame, error)

    def _on_other(self, frame: str, ts_received_ns: int) -> None:
        head = decode_head(frame)
        match head.channel:
            case None:
                self._on_response(decode_response(frame), ts_received_ns)
            case "instrument":
                changed = self._symbols.learn_ws_pairs(parse.decode_instruments(frame).data.pairs)
                if changed:
                    self._sink(InstrumentsChanged(changed))
            case "status":
                self._status(frame)
            case "book":
                self._on_book(frame, ts_received_ns)
            case "trade":
                self._on_trades(frame, ts_received_ns)
            case "ticker":
                self._on_ticker(frame, ts_received_ns)
            case "ohlc":
                self._on_bars(frame, ts_received_ns)
            case "heartbeat":
                pass
            case unknown:
                log.debug("public link: a frame of channel %.40s is not for us", unknown)

    def _on_response(self, response: Response, ts_received_ns: int) -> None:
        if response.method == "pong":
            self._on_pong(response, ts_received_ns)
        elif not self.table.on_response(response) and response.error:
            log.info("public link: Kraken says: %s", scrub(response.error))

    def _on_book(self, frame: str, ts_received_ns: int) -> None:
        # The hottest path of the program: what the sink raises is not the wire's fault and stays outside.
        try:
            message = decode_book(frame)
        except WIRE_ERRORS as error:
            self._on_unreadable(frame, error)
            return
        if message.type == "update":
            books, sink = self._books, self._sink
            for row in message.data:
                sub = books.get(row.symbol)
                if sub is not None and sub.flowing:
                    try:
                        event = book_delta(row, sub.instrument, ts_received_ns)
                    except WIRE_ERRORS as error:
                        self._on_unreadable(frame, error)
                        return
                    sink(event)
        elif message.type == "snapshot":
            self._on_book_snapshot(message, frame, ts_received_ns)
        else:
            self._on_unreadable(frame, ValueError(f"a book frame of type {message.type[:20]!r}"))

    def _on_book_snapshot(self, message: BookMessage, frame: str, ts_received_ns: int) -> None:
        for row in message.data:
            sub = self._books.get(row.symbol)
            if sub is None or sub.state is SubscriptionState.LEAVING or sub.wire_depth is None:
                continue
            try:
                snapshot = parse.book_snapshot(row, sub.instrument, sub.wire_depth, ts_received_ns)
            except WIRE_ERRORS as error:
                self._fault(str(error), frame)
                self._interrupt(sub, "The book could not be read.")
                return
            sub.flowing = True
            self._sink(snapshot)

    def _on_ticker(self, frame: str, ts_received_ns: int) -> None:
        for row in parse.decode_ticker(frame).data:
            sub = self._tickers.get(row.symbol)
            if sub is not None and sub.feeds:
                self._sink(parse.quote(row, sub.instrument, ts_received_ns))

    def _on_trades(self, frame: str, ts_received_ns: int) -> None:
        message = parse.decode_trades(frame)
        is_snapshot = message.type == "snapshot"
        by_symbol: dict[str, list[Trade]] = {}
        gaps: list[Subscription] = []
        for row in message.data:
            sub = self._trades.get(row.symbol)
            if sub is None or not sub.feeds:
                continue
            trade = parse.trade(row, sub.instrument, ts_received_ns)
            last = sub.last_trade_id
            if not is_snapshot and last is not None:
                if row.trade_id <= last:
                    continue  # sent twice
                if row.trade_id > last + 1:
                    gaps.append(sub)
            sub.last_trade_id = max(row.trade_id, last or 0)
            by_symbol.setdefault(row.symbol, []).append(trade)
        for symbol, trades in by_symbol.items():
            self._sink(TradesReceived(self._symbols.instrument_id(symbol), tuple(trades), is_snapshot))
        for sub in gaps:
            # The ids have no holes: prints were lost. A new snapshot brings the last fifty again.
            self._interrupt(sub, "Prints were lost on the way.")

    def _on_bars(self, frame: str, ts_received_ns: int) -> None:
        message = parse.decode_ohlc(frame)
        if message.type != "snapshot":
            for row in message.data:
                sub = self.table.bars(row.symbol, row.interval)
                if sub is not None and sub.feeds:
                    self._sink(parse.bar_update(row, sub.instrument, ts_received_ns))
            return
        series: dict[tuple[str, int], list[Bar]] = {}
        for row in message.data:
            sub = self.table.bars(row.symbol, row.interval)
            if sub is not None and sub.feeds:
                bar = parse.bar_update(row, sub.instrument, ts_received_ns).bar
                series.setdefault((row.symbol, row.interval), []).append(bar)
        for (symbol, interval), bars in series.items():
            bars.sort()
            instrument = self._symbols.instrument_id(symbol)
            self._sink(BarsReceived(instrument, interval * 60, tuple(bars), ts_received_ns))

    def _on_unreadable(self, frame: str, error: Exception) -> None:
        if is_edge_restarting(frame):
            log.info("public link: Kraken's edge restarts")
            return
        self._fault(str(error) or type(error).__name__, frame)
        if '"book"' in frame[:200]:
            named = set(parse.symbols_in(frame))
            for symbol, sub in list(self._books.items()):
                if symbol in named or not named:
                    self._interrupt(sub, "An update could not be read.")

    def _interrupt(self, sub: Subscription, reason: str) -> None:
        if sub.state in (SubscriptionState.LEAVING, SubscriptionState.WAITING):
            return  # a new snapshot is on the way already
        for feed in sub.feeds:
            self._sink(FeedInterrupted(feed, reason))
        self.table.resync_subscription(sub)
