"""Which public feeds are wanted, which Kraken has confirmed, and what to ask next. Makes texts, opens no
socket.

A subscription is *asked* until its own acknowledgement comes (one a symbol, all with the request's number),
keeps its arguments, and is asked again after a reconnect. An answer to an older question is ignored: between
a resync's unsubscribe and the new snapshot nothing else counts (Kraken WS v2 frame rules, read 2026-08).
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from terminal.core.clock import Clock
from terminal.core.secret import scrub
from terminal.domain.events import FeedConfirmed, FeedInterrupted, FeedRefused, VenueEvent
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind
from terminal.venues.kraken.wire import Response, SubscribeResult

log = logging.getLogger("venue.kraken")

BOOK_DEPTHS = (10, 25, 100, 500, 1000)
INTERVALS_MIN = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)

_CHANNEL = {
    FeedKind.QUOTES: "ticker",
    FeedKind.BOOK: "book",
    FeedKind.TRADES: "trade",
    FeedKind.BARS: "ohlc",
}
_SYMBOLS_A_REQUEST = 50
_ANSWER_TIMEOUT_NS = 8_000_000_000
# A book's snapshot follows its acknowledgement at once; without it nothing that comes later can be used.
_SNAPSHOT_TIMEOUT_NS = 5_000_000_000
_AFTER_RATE_REFUSAL_NS = 5_000_000_000
_RESYNC_WINDOW_NS = 60_000_000_000
_RESYNC_PAUSES_S = (0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 15.0)


class SubscriptionState(Enum):
    """How far a subscription has come."""

    WAITING = "not asked yet"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    LEAVING = "being ended"


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription on the wire; several feeds may share it."""

    channel: str
    symbol: str
    instrument: InstrumentId
    interval_min: int | None = None
    depth: int | None = None
    """What is asked for next; ``wire_depth`` is what was asked for last and must be repeated to end it."""
    wire_depth: int | None = None
    feeds: dict[Feed, None] = field(default_factory=dict)
    state: SubscriptionState = SubscriptionState.WAITING
    request: int | None = None
    flowing: bool = False
    """Its snapshot has come, so updates mean something."""
    confirmed_ns: int = 0
    """Monotonic; from here on the snapshot is awaited."""
    again: bool = False
    """To be asked for again once its end is acknowledged."""
    due_ns: int = 0
    """WAITING only: not before this monotonic time."""
    asked_twice: bool = False
    last_trade_id: int | None = None
    resyncs_ns: deque[int] = field(default_factory=lambda: deque(maxlen=16))


@dataclass(slots=True)
class _Request:
    method: str
    waiting: dict[str, Subscription]
    asked_ns: int


class SubscriptionTable:
    """The wanted feeds and their state.

    ``send`` writes a text to the open link and is only called between :meth:`opened` and :meth:`closed`;
    ``restart`` asks for a new connection where Kraken does not answer at all.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        numbers: itertools.count[int],
        send: Callable[[str], None],
        sink: Callable[[VenueEvent], None],
        restart: Callable[[str], None],
        instrument_id: Callable[[str], InstrumentId],
    ) -> None:
        self._clock = clock
        self._numbers = numbers
        self._send = send
        self._sink = sink
        self._restart = restart
        self._instrument_id = instrument_id
        self._open = False
        self._all: dict[tuple[str, str, int | None], Subscription] = {}
        self._requests: dict[int, _Request] = {}
        self.by_symbol: dict[str, dict[str, Subscription]] = {name: {} for name in _CHANNEL.values()}
        """Channel -> symbol -> subscription, for the feed path; bars have several and are looked up with
        :meth:`bars`."""

    def bars(self, symbol: str, interval_min: int) -> Subscription | None:
        return self._all.get(("ohlc", symbol, interval_min))

    def feeds(self) -> list[Feed]:
        """Every wanted feed."""
        return [feed for sub in self._all.values() for feed in sub.feeds]

    def find(self, feed: Feed) -> Subscription | None:
        return self._all.get(_key(feed))

    # --- what is wanted ----------------------------------------------------------------------------------

    def add(self, feed: Feed) -> None:
        """Want a feed. A book is held once a symbol, as deep as its deepest feed."""
        key = _key(feed)
        sub = self._all.get(key)
        if sub is None:
            sub = Subscription(key[0], key[1], self._instrument_id(key[1]), interval_min=key[2])
            sub.depth = feed.depth or BOOK_DEPTHS[0] if feed.kind is FeedKind.BOOK else None
            sub.feeds[feed] = None
            self._all[key] = self.by_symbol[sub.channel][sub.symbol] = sub
            if self._open:
                self._ask([sub])
            return
        sub.feeds[feed] = None
        if sub.state is SubscriptionState.LEAVING:
            sub.again = True
        if feed.kind is FeedKind.BOOK:
            sub.depth = max(sub.depth or 0, feed.depth or BOOK_DEPTHS[0])
            if sub.state in (SubscriptionState.ASKED, SubscriptionState.CONFIRMED):
                self._leave(sub, again=True)  # the new feed needs a snapshot of its own
        elif sub.state is SubscriptionState.CONFIRMED:
            self._sink(FeedConfirmed(feed))

    def remove(self, feed: Feed) -> None:
        """Want a feed no longer."""
        sub = self._all.get(_key(feed))
        if sub is None or feed not in sub.feeds:
            return
        del sub.feeds[feed]
        if sub.feeds:
            return
        if sub.state in (SubscriptionState.ASKED, SubscriptionState.CONFIRMED):
            self._leave(sub, again=False)
        elif sub.state is SubscriptionState.LEAVING:
            sub.again = False
        else:
            self._forget(sub)

    def resync(self, feed: Feed) -> None:
        """End the feed's subscription and take it again. Nothing happens while that is under way already; a
        feed that needs it over and over is given growing pauses."""
        sub = self._all.get(_key(feed))
        if sub is not None:
            self.resync_subscription(sub)

    def resync_subscription(self, sub: Subscription) -> None:
        if sub.state in (SubscriptionState.LEAVING, SubscriptionState.WAITING) or not self._open:
            return
        now_ns = self._clock.monotonic_ns()
        recent = sum(1 for then in sub.resyncs_ns if now_ns - then < _RESYNC_WINDOW_NS)
        sub.resyncs_ns.append(now_ns)
        pause_s = _RESYNC_PAUSES_S[min(recent, len(_RESYNC_PAUSES_S) - 1)]
        sub.due_ns = now_ns + int(pause_s * 1e9)
        self._leave(sub, again=True)

    # --- what the link tells -----------------------------------------------------------------------------

    def opened(self) -> None:
        """The link is open: ask for everything that is wanted, confirmed before or not."""
        self._open = True
        self._requests.clear()
        for sub in list(self._all.values()):
            if not sub.feeds:
                self._forget(sub)
            else:
                _rest(sub)
                sub.due_ns = 0
        self._ask(self._all.values())

    def closed(self, reason: str) -> None:
        """The link is down: nothing that was shown is proven any more."""
        was_open, self._open = self._open, False
        self._requests.clear()
        for sub in list(self._all.values()):
            if not sub.feeds:
                self._forget(sub)
                continue
            _rest(sub)
            if was_open:
                for feed in sub.feeds:
                    self._sink(FeedInterrupted(feed, reason))

    def on_response(self, response: Response) -> bool:
        """Take an answer to subscribe or unsubscribe; False where it answers none of ours."""
        request = self._requests.get(response.req_id) if response.req_id is not None else None
        if request is None or response.req_id is None:
            return False
        symbol = response.symbol or _symbol_of(response)
        if symbol is not None and symbol in request.waiting:
            answered = [request.waiting.pop(symbol)]
        else:
            # A failure may name nothing but the request: then it is the answer for all that is left of it.
            answered = list(request.waiting.values())
            request.waiting.clear()
        if not request.waiting:
            del self._requests[response.req_id]
        for sub in answered:
            if sub.request == response.req_id:
                self._answered(sub, request.method, response)
        return True

    def tick(self) -> None:
        """Once a second or so: ask what is due, and give up waiting for answers that do not come."""
        if not self._open:
            return
        now_ns = self._clock.monotonic_ns()
        silent = []
        for number, request in list(self._requests.items()):
            if now_ns - request.asked_ns > _ANSWER_TIMEOUT_NS:
                del self._requests[number]
                silent += [sub for sub in request.waiting.values() if sub.request == number]
        for sub in silent:
            if sub.state is SubscriptionState.LEAVING:
                self._left(sub)
            elif sub.asked_twice:
                self._restart("Kraken does not answer subscriptions.")
                return
            else:
                sub.asked_twice = True
                sub.state = SubscriptionState.WAITING
        for sub in list(self._all.values()):
            if (
                sub.channel == "book"
                and sub.state is SubscriptionState.CONFIRMED
                and not sub.flowing
                and now_ns - sub.confirmed_ns > _SNAPSHOT_TIMEOUT_NS
            ):
                log.warning("%s: the book's snapshot did not come, it is asked for again", sub.symbol)
                self.resync_subscription(sub)
        self._ask(self._all.values())

    # --- inside ------------------------------------------------------------------------------------------

    def _answered(self, sub: Subscription, method: str, response: Response) -> None:
        if method == "unsubscribe":
            if sub.state is SubscriptionState.LEAVING:
                self._left(sub)
            return
        if sub.state is not SubscriptionState.ASKED:
            return
        if response.success:
            self._confirm(sub)
            return
        reason = scrub(response.error or "Kraken gave no reason")
        lower = reason.lower()
        if "already subscribed" in lower:
            if sub.channel == "book" and not sub.flowing:
                self.resync_subscription(sub)  # its snapshot went to an earlier question
            else:
                self._confirm(sub)
        elif "rate" in lower or "too many" in lower:
            sub.state = SubscriptionState.WAITING
            sub.due_ns = self._clock.monotonic_ns() + _AFTER_RATE_REFUSAL_NS
        else:
            feeds = list(sub.feeds)
            self._forget(sub)
            for feed in feeds:
                self._sink(FeedRefused(feed, reason))

    def _confirm(self, sub: Subscription) -> None:
        sub.state = SubscriptionState.CONFIRMED
        sub.confirmed_ns = self._clock.monotonic_ns()
        sub.asked_twice = False
        for feed in list(sub.feeds):
            self._sink(FeedConfirmed(feed))

    def _left(self, sub: Subscription) -> None:
        if sub.again and sub.feeds:
            _rest(sub)
            if self._clock.monotonic_ns() >= sub.due_ns:
                self._ask([sub])
        else:
            self._forget(sub)

    def _leave(self, sub: Subscription, *, again: bool) -> None:
        sub.state = SubscriptionState.LEAVING
        sub.flowing = False
        sub.again = again
        number = next(self._numbers)
        sub.request = number
        self._requests[number] = _Request("unsubscribe", {sub.symbol: sub}, self._clock.monotonic_ns())
        self._send(_text("unsubscribe", [sub], number))

    def _ask(self, subs: Iterable[Subscription]) -> None:
        now_ns = self._clock.monotonic_ns()
        groups: dict[tuple[str, int | None, int | None], list[Subscription]] = {}
        for sub in subs:
            if sub.state is SubscriptionState.WAITING and now_ns >= sub.due_ns:
                groups.setdefault((sub.channel, sub.depth, sub.interval_min), []).append(sub)
        for group in groups.values():
            for start in range(0, len(group), _SYMBOLS_A_REQUEST):
                part = group[start : start + _SYMBOLS_A_REQUEST]
                number = next(self._numbers)
                for sub in part:
                    sub.state = SubscriptionState.ASKED
                    sub.request = number
                    sub.wire_depth = sub.depth
                    sub.flowing = False
                    sub.last_trade_id = None
                self._requests[number] = _Request("subscribe", {sub.symbol: sub for sub in part}, now_ns)
                self._send(_text("subscribe", part, number))

    def _forget(self, sub: Subscription) -> None:
        self._all.pop((sub.channel, sub.symbol, sub.interval_min), None)
        if self.by_symbol[sub.channel].get(sub.symbol) is sub:
            del self.by_symbol[sub.channel][sub.symbol]


def _rest(sub: Subscription) -> None:
    sub.state = SubscriptionState.WAITING
    sub.request = None
    sub.flowing = False
    sub.again = False


def _key(feed: Feed) -> tuple[str, str, int | None]:
    interval = feed.interval_s // 60 if feed.kind is FeedKind.BARS and feed.interval_s else None
    return _CHANNEL[feed.kind], feed.symbol, interval


def _symbol_of(response: Response) -> str | None:
    try:
        return msgspec.json.decode(response.result, type=SubscribeResult).symbol
    except msgspec.MsgspecError:
        return None


def _text(method: str, subs: list[Subscription], number: int) -> str:
    first = subs[0]
    params: dict[str, object] = {"channel": first.channel, "symbol": [sub.symbol for sub in subs]}
    if first.wire_depth is not None:
        params["depth"] = first.wire_depth
    if first.interval_min is not None:
        params["interval"] = first.interval_min
    if first.channel == "ticker":
        params["event_trigger"] = "bbo"
    if method == "subscribe":
        params["snapshot"] = True
    return msgspec.json.encode({"method": method, "params": params, "req_id": number}).decode()
