"""OKX's public connection and the feed side of the business one: prices (OKX v5, public channels, 2026-07).

A book is proven by its chain: each update names the ``seqId`` before it. An idle book repeats its number, and
maintenance may start the numbers over; anything else is a gap, and the book is taken again.
"""

from __future__ import annotations

import itertools
import logging
from typing import Any, Final

from terminal.domain.events import InstrumentsChanged, TradesReceived
from terminal.domain.market import Trade
from terminal.venues.okx import parse
from terminal.venues.okx.parse import (
    WIRE_ERRORS,
    book_delta,
    decode_book,
    decode_candles,
    decode_funding,
    decode_head,
    decode_instruments,
    decode_ticker,
    decode_trades,
)
from terminal.venues.okx.stream import PONG, Stream
from terminal.venues.okx.subscriptions import (
    FULL_DEPTH,
    Subscription,
    SubscriptionState,
    SubscriptionTable,
)
from terminal.venues.okx.symbols import INST_TYPES, SymbolMap
from terminal.venues.okx.wire import BookRow, Head

log = logging.getLogger("venue.okx")

_BOOK: Final = '{"arg":{"channel":"books'
_BBO: Final = '{"arg":{"channel":"bbo-tbt"'
_TICKERS: Final = '{"arg":{"channel":"tickers"'
_TRADES: Final = '{"arg":{"channel":"trades"'
_CANDLE: Final = '{"arg":{"channel":"candle'
_FUNDING: Final = "funding-rate"
_INSTRUMENTS_ID: Final = "instruments"


class FeedStream(Stream):
    """A connection that carries feeds."""

    def __init__(self, *, symbols: SymbolMap, numbers: itertools.count[int], **rest: Any) -> None:
        self._symbols = symbols
        super().__init__(**rest)
        self.table = SubscriptionTable(
            clock=self._clock,
            numbers=numbers,
            send=self._try_send,
            sink=lambda event: self._sink(event),
            restart=lambda reason: self.link.reconnect_now(reason),
        )
        self._books = self.table.books

    async def _on_open(self) -> None:
        self.table.opened()
        self._try_send(self._beat())

    def _link_down(self, reason: str) -> None:
        self.table.closed(reason or "The connection is down.")

    def on_frame(self, frame: str | bytes, ts_received_ns: int) -> None:
        """Take one frame, in the reading call itself."""
        if not isinstance(frame, str):
            frame = frame.decode("utf-8", "replace")
        if frame.startswith(_BOOK):
            self._on_book(frame, ts_received_ns)
            return
        if frame == PONG:
            self._on_pong()
            return
        try:
            if frame.startswith(_BBO):
                self._on_book(frame, ts_received_ns)
            elif frame.startswith(_TICKERS):
                self._on_tickers(frame, ts_received_ns)
            elif frame.startswith(_TRADES):
                self._on_trades(frame, ts_received_ns)
            elif frame.startswith(_CANDLE):
                self._on_candles(frame, ts_received_ns)
            else:
                self._on_other(decode_head(frame), frame, ts_received_ns)
        except WIRE_ERRORS as error:
            self._on_unreadable(frame, error)

    def _on_other(self, head: Head, frame: str, ts_received_ns: int) -> None:
        if head.event:
            self._on_event(head)
            return
        channel = head.arg.channel if head.arg is not None else ""
        if channel.startswith("books") or channel == "bbo-tbt":
            self._on_book(frame, ts_received_ns)
        elif channel == "tickers":
            self._on_tickers(frame, ts_received_ns)
        elif channel == "trades":
            self._on_trades(frame, ts_received_ns)
        elif channel.startswith("candle"):
            self._on_candles(frame, ts_received_ns)
        elif channel == _FUNDING:
            self._on_funding(frame, ts_received_ns)
        elif channel == "instruments":
            known = [row for row in decode_instruments(frame).data if self._symbols.listing(row.instId)]
            changed = self._symbols.learn(known)
            if changed:
                self._sink(InstrumentsChanged(changed))
        else:
            self._on_data(head, frame, ts_received_ns)

    def _on_data(self, head: Head, frame: str, ts_received_ns: int) -> None:
        """Data of a channel that is no feed."""
        log.debug("%s link: a frame that is not for us: %.60s", self.name, frame)

    def _on_event(self, head: Head) -> None:
        if head.event == "notice":
            self._on_notice(head)
        elif not self._on_login(head) and not self.table.on_event(head) and head.event == "error":
            log.info("%s link: OKX says: %s %s", self.name, head.code, head.msg[:200])

    def _on_book(self, frame: str, ts_received_ns: int) -> None:
        # The hottest path of the program: what the sink raises is not the wire's fault and stays outside.
        try:
            message = decode_book(frame)
        except WIRE_ERRORS as error:
            self._on_unreadable(frame, error)
            return
        arg = message.arg
        sub = self._books.get(arg.instId)
        if sub is None or sub.wire_channel != arg.channel:
            return
        sub.heard += 1
        for row in message.data:
            try:
                if message.action != "update":
                    self._on_whole_book(sub, row, ts_received_ns)
                    continue
                if not sub.flowing:
                    continue
                if row.prevSeqId != sub.sequence:
                    self._fault(f"{arg.instId}: {sub.sequence} is followed by {row.prevSeqId}")
                    self.table.interrupt(sub, "An update of the book was lost on the way.")
                    return
                sub.sequence = row.seqId
                if not row.asks and not row.bids:
                    continue  # nothing has happened for a minute
                event = book_delta(row, sub.instrument, ts_received_ns)
            except WIRE_ERRORS as error:
                self._on_unreadable(frame, error)
                return
            self._sink(event)

    def _on_whole_book(self, sub: Subscription, row: BookRow, ts_received_ns: int) -> None:
        if sub.state in (SubscriptionState.LEAVING, SubscriptionState.WAITING):
            return
        depth = max(sub.depth, FULL_DEPTH) if sub.wire_channel == "books" else sub.depth
        sub.flowing = True
        sub.sequence = row.seqId
        self._sink(parse.book_snapshot(row, sub.instrument, depth, sub.contract, ts_received_ns))

    def _on_tickers(self, frame: str, ts_received_ns: int) -> None:
        message = decode_ticker(frame)
        sub = self.table.get("tickers", message.arg.instId)
        if sub is not None and sub.feeds:
            for row in message.data:
                self._sink(parse.quote(row, sub.instrument, sub.contract, ts_received_ns))

    def _on_trades(self, frame: str, ts_received_ns: int) -> None:
        message = decode_trades(frame)
        sub = self.table.get("trades", message.arg.instId)
        if sub is None or not sub.feeds:
            return
        trades: list[Trade] = []
        for row in message.data:
            number = int(row.tradeId)
            if number <= sub.last_trade_id:
                continue  # sent twice, or again over a new connection
            sub.last_trade_id = number
            trades.append(parse.trade(row, sub.instrument, sub.contract, ts_received_ns))
        if trades:
            self._sink(TradesReceived(sub.instrument, tuple(trades), False))

    def _on_candles(self, frame: str, ts_received_ns: int) -> None:
        message = decode_candles(frame)
        sub = self.table.get(message.arg.channel, message.arg.instId)
        if sub is not None and sub.feeds:
            for row in message.data:
                self._sink(
                    parse.bar_update(row, sub.instrument, sub.interval_s, sub.contract, ts_received_ns)
                )

    def _on_funding(self, frame: str, ts_received_ns: int) -> None:
        message = decode_funding(frame)
        sub = self.table.get(_FUNDING, message.arg.instId)
        if sub is not None and sub.state is not SubscriptionState.LEAVING:
            for row in message.data:
                self._sink(parse.funding_rate(row, sub.instrument, ts_received_ns))

    def _on_unreadable(self, frame: str, error: Exception) -> None:
        self._fault(str(error) or type(error).__name__, frame)
        head = frame[:200]
        if '"books' in head or '"bbo-tbt"' in head:
            named = [sub for inst_id, sub in self._books.items() if f'"{inst_id}"' in head]
            for sub in named or list(self._books.values()):
                self.table.interrupt(sub, "An update could not be read.")


class PublicStream(FeedStream):
    """Prices, and changes of the instruments themselves."""

    name = "public"

    async def _on_open(self) -> None:
        await super()._on_open()
        args = ",".join(f'{{"channel":"instruments","instType":"{each}"}}' for each in INST_TYPES)
        self._try_send(f'{{"id":"{_INSTRUMENTS_ID}","op":"subscribe","args":[{args}]}}')
