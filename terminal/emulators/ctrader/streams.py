"""Who has subscribed to what at the practice cTrader, and the events they get.

An event is serialised once for all who hear it; only the account's id before it differs. The first spot
event after subscribing brings both sides, later ones what has changed (Open API 2.0, 2131 and 2155).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from terminal.emulators.ctrader.books import DepthChange, DepthQuote
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.prices import PERIODS
from terminal.emulators.ctrader.quotes import Live, Quotes, trendbar, wire_price
from terminal.emulators.ctrader.wire import varint
from terminal.emulators.faults import Faults
from terminal.venues.ctrader import openapi_pb2 as pb

if TYPE_CHECKING:
    from terminal.emulators.ctrader.session import Session

SPOT_EVENT: Final = 2131
DEPTH_EVENT: Final = 2155
_BAR_TAG: Final = b"\x32"
"""Field 6 of a spot event, length-delimited."""
_TIME_TAG: Final = b"\x40"
"""Field 8, varint."""
_TOGETHER: Final = 0.35
"""How often both sides share one event when both have changed."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One account's interest in one symbol, over one connection."""

    session: Session
    ctid: int
    symbol_id: int
    with_time: bool
    live: Live
    periods: set[int] = field(default_factory=set)
    has_depth: bool = False

    @property
    def head(self) -> bytes:
        """The account's id as field 2 of any event."""
        return b"\x10" + varint(self.ctid)


class Streams:
    """All subscriptions."""

    def __init__(self, quotes: Quotes, faults: Faults, rng: random.Random) -> None:
        self._quotes = quotes
        self._faults = faults
        self._rng = rng
        self._by_symbol: dict[int, list[Subscription]] = {}
        quotes.on_quote.append(self._on_quote)
        quotes.on_depth.append(self._on_depth)

    @property
    def count(self) -> int:
        """Subscriptions in force."""
        return sum(len(found) for found in self._by_symbol.values())

    def _find(self, session: Session, ctid: int, symbol_id: int) -> Subscription | None:
        for found in self._by_symbol.get(symbol_id, ()):
            if found.session is session and found.ctid == ctid:
                return found
        return None

    def _require(self, session: Session, ctid: int, symbol_id: int) -> Subscription:
        self._quotes.table.spec(symbol_id)
        found = self._find(session, ctid, symbol_id)
        if found is None:
            # The book says NOT_SUBSCRIBED_TO_SPOTS; servers were seen to say this.
            raise OpenApiError("INVALID_REQUEST", f"Symbol {symbol_id} is not subscribed to spots")
        return found

    # ---- spots -----------------------------------------------------------------------------------

    def subscribe_spots(self, session: Session, ctid: int, symbols: Sequence[int], with_time: bool) -> None:
        """Raises OpenApiError where nothing of it is new, or a symbol is none."""
        for symbol_id in symbols:
            self._quotes.table.spec(symbol_id)
        new = [one for one in dict.fromkeys(symbols) if self._find(session, ctid, one) is None]
        if not new:
            raise OpenApiError("ALREADY_SUBSCRIBED", "Already subscribed to spots")
        for symbol_id in new:
            live = self._quotes.watch(symbol_id)
            one = Subscription(session, ctid, symbol_id, with_time, live)
            self._by_symbol.setdefault(symbol_id, []).append(one)
            session.after(partial(self._send_first, one))

    def unsubscribe_spots(self, session: Session, ctid: int, symbols: Sequence[int]) -> None:
        """Live bars and depth of the symbols end with it."""
        for symbol_id in symbols:
            self._quotes.table.spec(symbol_id)
            found = self._find(session, ctid, symbol_id)
            if found is not None:
                self._remove(found)

    def _remove(self, one: Subscription) -> None:
        self._end_depth(one)
        for period in tuple(one.periods):
            self._end_bars(one, period)
        others = self._by_symbol[one.symbol_id]
        others.remove(one)
        if not others:
            del self._by_symbol[one.symbol_id]
        self._quotes.unwatch(one.symbol_id)

    def forget(self, session: Session, ctid: int | None = None) -> None:
        """End everything of a connection, or of one account on it."""
        for others in tuple(self._by_symbol.values()):
            for one in tuple(others):
                if one.session is session and ctid in (None, one.ctid):
                    self._remove(one)

    def _send_first(self, one: Subscription) -> None:
        if self._find(one.session, one.ctid, one.symbol_id) is not one:
            return
        live = one.live
        digits = live.spec.digits
        event = pb.ProtoOASpotEvent(
            ctidTraderAccountId=one.ctid,
            symbolId=one.symbol_id,
            bid=wire_price(live.bid, digits),
            ask=wire_price(live.ask, digits),
        )
        close = live.prices.session_close(self._quotes.now_ms())
        if close is not None:
            event.sessionClose = wire_price(close, digits)
        if one.with_time:
            event.timestamp = live.ms
        subject = f"ctrader/data/SpotEvent/{live.spec.name}"
        if self._faults.active and self._faults.take("one_sided_first", subject) is not None:
            event.ClearField("ask")
        one.session.send_event(SPOT_EVENT, event.SerializeToString(), subject)

    # ---- live bars -------------------------------------------------------------------------------

    def subscribe_bars(self, session: Session, ctid: int, symbol_id: int, period: int) -> None:
        """Raises OpenApiError without a spot subscription, or where it is in force already."""
        one = self._require(session, ctid, symbol_id)
        if period not in PERIODS:
            raise OpenApiError("INVALID_REQUEST", "Unknown trendbar period")
        if period in one.periods:
            raise OpenApiError("ALREADY_SUBSCRIBED", "Already subscribed to live trendbars")
        one.periods.add(period)
        self._quotes.watch_bars(one.live, period)

    def unsubscribe_bars(self, session: Session, ctid: int, symbol_id: int, period: int) -> None:
        """What is not in force is ended already."""
        one = self._find(session, ctid, symbol_id)
        if one is not None:
            self._end_bars(one, period)

    def _end_bars(self, one: Subscription, period: int) -> None:
        if period in one.periods:
            one.periods.discard(period)
            self._quotes.unwatch_bars(one.live, period)

    # ---- depth -----------------------------------------------------------------------------------

    def subscribe_depth(self, session: Session, ctid: int, symbols: Sequence[int]) -> None:
        """Raises OpenApiError without the spot subscriptions, or where nothing of it is new."""
        found = [self._require(session, ctid, symbol_id) for symbol_id in dict.fromkeys(symbols)]
        new = [one for one in found if not one.has_depth]
        if not new:
            raise OpenApiError("ALREADY_SUBSCRIBED", "Already subscribed to depth quotes")
        for one in new:
            one.has_depth = True
            self._quotes.watch_book(one.live)
            session.after(partial(self._send_book, one))

    def unsubscribe_depth(self, session: Session, ctid: int, symbols: Sequence[int]) -> None:
        """What is not in force is ended already."""
        for symbol_id in symbols:
            one = self._find(session, ctid, symbol_id)
            if one is not None:
                self._end_depth(one)

    def _end_depth(self, one: Subscription) -> None:
        if one.has_depth:
            one.has_depth = False
            self._quotes.unwatch_book(one.live)

    def _send_book(self, one: Subscription) -> None:
        book = one.live.book
        if one.has_depth and book is not None:
            body = _depth_body(one.live, book.quotes(), ())
            subject = f"ctrader/data/DepthEvent/{one.live.spec.name}"
            one.session.send_event(DEPTH_EVENT, one.head + body, subject)

    # ---- what the market tells -------------------------------------------------------------------

    def _on_quote(self, live: Live, bid_changed: bool, ask_changed: bool) -> None:
        subscriptions = self._by_symbol.get(live.spec.id)
        if not subscriptions:
            return
        digits = live.spec.digits
        bid = wire_price(live.bid, digits) if bid_changed else None
        ask = wire_price(live.ask, digits) if ask_changed else None
        if bid is None or ask is None or self._rng.random() < _TOGETHER:
            sides = [(bid, ask)]
        else:
            # What makes room comes first, so that a client's merged quote does not cross on the way.
            rises = live.ask > (live.told_ask or live.ask)
            sides = [(None, ask), (bid, None)] if rises else [(bid, None), (None, ask)]
        live.told_ask = live.ask
        bars: dict[int, bytes] = {}
        stamp = _TIME_TAG + varint(live.ms)
        subject = f"ctrader/data/SpotEvent/{live.spec.name}"
        for one_bid, one_ask in sides:
            event = pb.ProtoOASpotEvent(symbolId=live.spec.id)
            if one_bid is not None:
                event.bid = one_bid
            if one_ask is not None:
                event.ask = one_ask
            body = event.SerializePartialToString()
            for one in tuple(subscriptions):
                payload = one.head + body
                if one_bid is not None and one.periods:
                    payload += b"".join(self._bar(live, period, bars) for period in sorted(one.periods))
                if one.with_time:
                    payload += stamp
                one.session.send_event(SPOT_EVENT, payload, subject)

    def _bar(self, live: Live, period: int, bars: dict[int, bytes]) -> bytes:
        found = bars.get(period)
        if found is None:
            bar = self._quotes.running_bar(live, period)
            if bar is None:
                return b""
            data = trendbar(bar, live.spec.digits, period=period).SerializeToString()
            found = bars[period] = _BAR_TAG + varint(len(data)) + data
        return found

    def _on_depth(self, live: Live, change: DepthChange) -> None:
        body: bytes | None = None
        for one in tuple(self._by_symbol.get(live.spec.id, ())):
            if one.has_depth:
                if body is None:
                    body = _depth_body(live, change.quotes.values(), change.deleted)
                subject = f"ctrader/data/DepthEvent/{live.spec.name}"
                one.session.send_event(DEPTH_EVENT, one.head + body, subject)


def _depth_body(live: Live, quotes: Iterable[DepthQuote], deleted: Sequence[int]) -> bytes:
    event = pb.ProtoOADepthEvent(symbolId=live.spec.id, deletedQuotes=deleted)
    digits = live.spec.digits
    for quote in quotes:
        price = wire_price(quote.points, digits)
        if quote.is_bid:
            event.newQuotes.add(id=quote.quote_id, size=quote.size, bid=price)
        else:
            event.newQuotes.add(id=quote.quote_id, size=quote.size, ask=price)
    return event.SerializePartialToString()
