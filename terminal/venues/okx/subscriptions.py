"""Which public feeds are wanted, which OKX has confirmed, and what to ask next. Makes texts, opens no socket.

A subscription is *asked* until its own acknowledgement comes (one an instrument and channel) and is asked
again after a reconnect. Between a resync's unsubscribe and the new snapshot nothing else counts, so a gap
leads to one resync and not to a storm of them (OKX v5, WebSocket rules, 2026-07).
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Final

import msgspec

from terminal.core.clock import Clock
from terminal.domain.events import FeedConfirmed, FeedInterrupted, FeedRefused, VenueEvent
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind
from terminal.venues.okx.errors import Verdict, meaning_of
from terminal.venues.okx.wire import Arg, Head

log = logging.getLogger("venue.okx")

BARS: Final[dict[int, str]] = {
    60: "1m",
    180: "3m",
    300: "5m",
    900: "15m",
    1800: "30m",
    3600: "1H",
    7200: "2H",
    14_400: "4H",
    21_600: "6Hutc",
    43_200: "12Hutc",
    86_400: "1Dutc",
    172_800: "2Dutc",
    259_200: "3Dutc",
    604_800: "1Wutc",
}
"""Seconds -> OKX's name. From six hours up the plain names open at midnight in Hong Kong."""
FULL_DEPTH: Final = 400
"""Levels a side of ``books``."""

_ARGS_A_REQUEST: Final = 50
_ANSWER_TIMEOUT_NS: Final = 8_000_000_000
_SNAPSHOT_TIMEOUT_NS: Final = 5_000_000_000
# OKX repeats the number of a book that stands still after some 60 s.
_QUIET_NS: Final = 90_000_000_000
_AFTER_RATE_REFUSAL_NS: Final = 5_000_000_000
_RESYNC_WINDOW_NS: Final = 60_000_000_000
_RESYNC_PAUSES_S: Final = (0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 15.0)


def book_channel(depth: int) -> str:
    """The cheapest channel that is deep enough; what none can give, the deepest gives as far as it goes."""
    if depth <= 1:
        return "bbo-tbt"
    return "books5" if depth <= 5 else "books"


class SubscriptionState(Enum):
    """How far a subscription has come."""

    WAITING = "not asked yet"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    LEAVING = "being ended"


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription on the wire; several feeds may share it."""

    key: tuple[str, str]
    """The kind of feed (``book`` whatever its channel), OKX's instrument id."""
    inst_id: str
    instrument: InstrumentId
    contract: Decimal | None
    channel: str
    """What is asked for next; ``wire_channel`` is what was asked for last and has to be ended."""
    wire_channel: str = ""
    interval_s: int = 0
    depth: int = 0
    feeds: dict[Feed, None] = field(default_factory=dict)
    state: SubscriptionState = SubscriptionState.WAITING
    request: str = ""
    flowing: bool = False
    """Its snapshot has come, so updates mean something."""
    sequence: int | None = None
    """``seqId`` of the last message of a book."""
    heard: int = 0
    """How many messages of a book have come."""
    heard_before: int = -1
    quiet_since_ns: int = 0
    confirmed_ns: int = 0
    again: bool = False
    """To be asked for again once its end is acknowledged."""
    alone: bool = False
    """To be asked for by itself: a request that it was part of was refused."""
    due_ns: int = 0
    asked_twice: bool = False
    last_trade_id: int = 0
    resyncs_ns: deque[int] = field(default_factory=lambda: deque(maxlen=16))

    @property
    def has_snapshot(self) -> bool:
        """Whether its updates need a snapshot first."""
        return self.key[0] == "book"


@dataclass(slots=True)
class _Request:
    is_end: bool
    waiting: list[Subscription]
    asked_ns: int


class SubscriptionTable:
    """The wanted feeds of one connection and their state.

    ``send`` writes a text to the open link and is only called between :meth:`opened` and :meth:`closed`;
    ``restart`` asks for a new connection where OKX does not answer at all.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        numbers: itertools.count[int],
        send: Callable[[str], None],
        sink: Callable[[VenueEvent], None],
        restart: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._numbers = numbers
        self._send = send
        self._sink = sink
        self._restart = restart
        self._open = False
        self._all: dict[tuple[str, str], Subscription] = {}
        self._requests: dict[str, _Request] = {}
        self.books: dict[str, Subscription] = {}
        """By OKX's instrument id, for the feed path; the other channels are found with :meth:`get`."""

    def get(self, kind: str, inst_id: str) -> Subscription | None:
        """The subscription of a channel (``book`` for every book) and an instrument."""
        return self._all.get((kind, inst_id))

    def feeds(self) -> list[Feed]:
        """Every wanted feed."""
        return [feed for sub in self._all.values() for feed in sub.feeds]

    def __len__(self) -> int:
        return len(self._all)

    # --- what is wanted ----------------------------------------------------------------------------------

    def add(self, feed: Feed, inst_id: str, instrument: InstrumentId, contract: Decimal | None) -> None:
        """Want a feed. A book is held once an instrument, as deep as its deepest feed."""
        key, channel = key_of(feed, inst_id)
        depth = (feed.depth or FULL_DEPTH) if feed.kind is FeedKind.BOOK else 0
        sub = self._all.get(key)
        if sub is None:
            sub = Subscription(key, inst_id, instrument, contract, channel)
            sub.interval_s, sub.depth = feed.interval_s or 0, depth
            sub.feeds[feed] = None
            self._all[key] = sub
            if key[0] == "book":
                self.books[inst_id] = sub
            if self._open:
                self._ask([sub])
            return
        sub.feeds[feed] = None
        if sub.state is SubscriptionState.LEAVING:
            sub.again = True
        if key[0] == "book":
            sub.depth = max(sub.depth, depth)
            sub.channel = book_channel(sub.depth)
            if sub.state in (SubscriptionState.ASKED, SubscriptionState.CONFIRMED):
                self._leave(sub, again=True)  # the new feed needs a snapshot of its own
        elif sub.state is SubscriptionState.CONFIRMED:
            self._sink(FeedConfirmed(feed))

    def add_silent(self, channel: str, inst_id: str, instrument: InstrumentId) -> None:
        """Want a channel that comes along with a feed and answers for nothing by itself."""
        key = (channel, inst_id)
        if key not in self._all:
            sub = self._all[key] = Subscription(key, inst_id, instrument, None, channel)
            if self._open:
                self._ask([sub])

    def remove_silent(self, channel: str, inst_id: str) -> None:
        """Want it no longer."""
        sub = self._all.get((channel, inst_id))
        if sub is not None:
            self._end(sub)

    def remove(self, feed: Feed, inst_id: str) -> None:
        """Want a feed no longer."""
        sub = self._all.get(key_of(feed, inst_id)[0])
        if sub is None or feed not in sub.feeds:
            return
        del sub.feeds[feed]
        if not sub.feeds:
            self._end(sub)

    def resync(self, feed: Feed, inst_id: str) -> None:
        """End the feed's subscription and take it again. Nothing happens while that is under way already; a
        feed that needs it over and over is given growing pauses."""
        sub = self._all.get(key_of(feed, inst_id)[0])
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

    def interrupt(self, sub: Subscription, reason: str) -> None:
        """What a subscription showed is not proven any more: say so, and take it again."""
        if sub.state in (SubscriptionState.LEAVING, SubscriptionState.WAITING):
            return  # a new snapshot is on the way already
        for feed in sub.feeds:
            self._sink(FeedInterrupted(feed, reason))
        self.resync_subscription(sub)

    # --- what the link tells -----------------------------------------------------------------------------

    def opened(self) -> None:
        """The link is open: ask for everything that is wanted, confirmed before or not."""
        self._open = True
        self._requests.clear()
        for sub in list(self._all.values()):
            if sub.state is SubscriptionState.LEAVING and not sub.again:
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
            if sub.state is SubscriptionState.LEAVING and not sub.again:
                self._forget(sub)
                continue
            _rest(sub)
            if was_open:
                for feed in sub.feeds:
                    self._sink(FeedInterrupted(feed, reason))

    def on_event(self, head: Head) -> bool:
        """Take an acknowledgement or a refusal; False where it answers none of ours.

        ``{"id":"1512","event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"},"connId":"a4d3ae55"}``
        """
        if head.event == "error":
            return self._refused(head)
        if head.arg is None or head.event not in ("subscribe", "unsubscribe"):
            return False
        sub = self._named(head.arg)
        if sub is None or (head.id and head.id != sub.request):
            return False
        request = self._requests.get(sub.request)
        if request is not None and sub in request.waiting:
            request.waiting.remove(sub)
            if not request.waiting:
                del self._requests[sub.request]
        if head.event == "unsubscribe":
            if sub.state is SubscriptionState.LEAVING:
                self._left(sub)
        elif sub.state is SubscriptionState.ASKED:
            self._confirm(sub)
        return True

    def tick(self) -> None:
        """Once a second or so: ask what is due, and give up waiting for answers that do not come."""
        if not self._open:
            return
        now_ns = self._clock.monotonic_ns()
        silent: list[Subscription] = []
        for number, request in list(self._requests.items()):
            if now_ns - request.asked_ns > _ANSWER_TIMEOUT_NS:
                del self._requests[number]
                silent += [sub for sub in request.waiting if sub.request == number]
        for sub in silent:
            if sub.state is SubscriptionState.LEAVING:
                self._left(sub)
            elif sub.asked_twice:
                self._restart("OKX does not answer subscriptions.")
                return
            else:
                sub.asked_twice = True
                sub.state = SubscriptionState.WAITING
        for sub in list(self.books.values()):
            if (
                sub.state is SubscriptionState.CONFIRMED
                and not sub.flowing
                and now_ns - sub.confirmed_ns > _SNAPSHOT_TIMEOUT_NS
            ):
                log.warning("%s: the book's snapshot did not come, it is asked for again", sub.inst_id)
                self.resync_subscription(sub)
            elif sub.heard != sub.heard_before or not sub.flowing:
                sub.heard_before, sub.quiet_since_ns = sub.heard, now_ns
            elif sub.wire_channel == "books" and now_ns - sub.quiet_since_ns > _QUIET_NS:
                sub.quiet_since_ns = now_ns
                self._restart("OKX answers, but sends no prices.")
                return
        self._ask(self._all.values())

    # --- inside ------------------------------------------------------------------------------------------

    def _named(self, arg: Arg) -> Subscription | None:
        kind = "book" if arg.channel.startswith("book") or arg.channel == "bbo-tbt" else arg.channel
        sub = self._all.get((kind, arg.instId))
        return sub if sub is not None and sub.wire_channel == arg.channel else None

    def _refused(self, head: Head) -> bool:
        """``{"id":"1512","event":"error","code":"60018","msg":"Wrong URL or channel:tickers,instId:NOSUCH-USD
        doesn't exist","connId":"a4d3ae55"}``"""
        request = self._requests.pop(head.id, None) if head.id else None
        if request is None:
            return False
        if request.is_end:
            for sub in request.waiting:
                if sub.state is SubscriptionState.LEAVING:
                    self._left(sub)
            return True
        meaning = meaning_of(head.code, head.msg)
        asked = [sub for sub in request.waiting if sub.state is SubscriptionState.ASKED]
        for sub in asked:
            if meaning.verdict in (Verdict.RATE, Verdict.DOWN):
                sub.state = SubscriptionState.WAITING
                sub.due_ns = self._clock.monotonic_ns() + _AFTER_RATE_REFUSAL_NS
            elif len(asked) > 1:
                # Which of them is meant, each by itself will tell.
                sub.state, sub.alone = SubscriptionState.WAITING, True
            else:
                feeds = list(sub.feeds)
                self._forget(sub)
                for feed in feeds:
                    self._sink(FeedRefused(feed, meaning.text))
        self._ask(asked)
        return True

    def _confirm(self, sub: Subscription) -> None:
        sub.state = SubscriptionState.CONFIRMED
        sub.confirmed_ns = self._clock.monotonic_ns()
        sub.asked_twice = False
        for feed in list(sub.feeds):
            self._sink(FeedConfirmed(feed))

    def _end(self, sub: Subscription) -> None:
        if sub.state in (SubscriptionState.ASKED, SubscriptionState.CONFIRMED):
            self._leave(sub, again=False)
        elif sub.state is SubscriptionState.LEAVING:
            sub.again = False
        else:
            self._forget(sub)

    def _left(self, sub: Subscription) -> None:
        if sub.again:
            _rest(sub)
            if self._clock.monotonic_ns() >= sub.due_ns:
                self._ask([sub])
        else:
            self._forget(sub)

    def _leave(self, sub: Subscription, *, again: bool) -> None:
        sub.state = SubscriptionState.LEAVING
        sub.flowing = False
        sub.again = again
        self._request("unsubscribe", [sub])

    def _ask(self, subs: Iterable[Subscription]) -> None:
        now_ns = self._clock.monotonic_ns()
        due = [
            sub
            for sub in subs
            if sub.state is SubscriptionState.WAITING
            and now_ns >= sub.due_ns
            and self._all.get(sub.key) is sub
        ]
        together = [sub for sub in due if not sub.alone]
        parts = [
            together[start : start + _ARGS_A_REQUEST] for start in range(0, len(together), _ARGS_A_REQUEST)
        ]
        for part in (*parts, *([sub] for sub in due if sub.alone)):
            for sub in part:
                sub.state = SubscriptionState.ASKED
                sub.wire_channel = sub.channel
                sub.flowing = False
                sub.sequence = None
            self._request("subscribe", part)

    def _request(self, op: str, subs: list[Subscription]) -> None:
        number = str(next(self._numbers))
        for sub in subs:
            sub.request = number
        self._requests[number] = _Request(op == "unsubscribe", list(subs), self._clock.monotonic_ns())
        args = [{"channel": sub.wire_channel, "instId": sub.inst_id} for sub in subs]
        self._send(msgspec.json.encode({"id": number, "op": op, "args": args}).decode())

    def _forget(self, sub: Subscription) -> None:
        if self._all.get(sub.key) is sub:
            del self._all[sub.key]
        if self.books.get(sub.inst_id) is sub:
            del self.books[sub.inst_id]


def _rest(sub: Subscription) -> None:
    sub.state = SubscriptionState.WAITING
    sub.request = ""
    sub.flowing = False
    sub.again = False


def key_of(feed: Feed, inst_id: str) -> tuple[tuple[str, str], str]:
    """The key of a feed's subscription, and the channel that it begins with."""
    if feed.kind is FeedKind.BOOK:
        return ("book", inst_id), book_channel(feed.depth or FULL_DEPTH)
    if feed.kind is FeedKind.BARS:
        channel = f"candle{BARS[feed.interval_s or 60]}"
    else:
        channel = "tickers" if feed.kind is FeedKind.QUOTES else "trades"
    return (channel, inst_id), channel
