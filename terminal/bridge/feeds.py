"""Prices on demand: the first call of a strategy subscribes and waits, the later ones find them live.

A feed is let go of a minute after the last call that wanted it, so that nothing streams for a bot that has
ended, and a bot that calls every few seconds never waits twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from terminal.bridge.errors import CallRefused, NotSupported
from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed
from terminal.services.market_data import FeedState, MarketData, Topic

WAIT_S = 5.0
LINGER_S = 60.0
MOST_FEEDS = 100
_FLUSH_EVERY_NS = 10_000_000

Key = tuple[str, Feed]


class FeedsOnDemand:
    """Watches feeds of the shared market data on behalf of calls."""

    def __init__(
        self, market: MarketData, clock: Clock, *, wait_s: float = WAIT_S, linger_s: float = LINGER_S
    ) -> None:
        self._market = market
        self._clock = clock
        self._wait_s = wait_s
        self._linger_s = linger_s
        self._held: dict[Key, Callable[[], None]] = {}
        self._used_ns: dict[Key, int] = {}
        self._flushed_ns = 0
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def held(self) -> int:
        """How many feeds are watched for calls now."""
        return len(self._held)

    async def ensure(self, venue: str, feed: Feed, is_there: Callable[[], bool]) -> None:
        """Watch a feed and wait until it is live and ``is_there()`` holds.

        Raises:
            NotSupported: the venue has no such feed.
            CallRefused: the venue refused it, it did not come in time, or too many are watched already.
        """
        if not await self.within(self._wait_s, venue, feed, is_there):
            raise CallRefused(
                f"no current {feed.kind.value} of {feed.symbol} within {self._wait_s:.0f} s: "
                f"the feed is {self._market.feed_state(feed, venue).value}"
            )

    async def within(self, most_s: float, venue: str, feed: Feed, is_there: Callable[[], bool]) -> bool:
        """As :meth:`ensure`; False where it took longer than ``most_s``."""
        self.hold(venue, feed)
        self.catch_up()
        if self._is_ready(venue, feed, is_there):
            return True
        changed = asyncio.Event()
        instrument = InstrumentId(venue, feed.symbol)

        def look(which: InstrumentId, topic: Topic) -> None:
            if which == instrument:
                changed.set()

        unwatch = self._market.changed.watch(look)
        try:
            async with asyncio.timeout(most_s):
                while not self._is_ready(venue, feed, is_there):
                    changed.clear()
                    # Without a screen nobody else applies what has come for a book.
                    try:
                        async with asyncio.timeout(0.02):
                            await changed.wait()
                    except TimeoutError:
                        self._market.flush()
        except TimeoutError:
            return False
        finally:
            unwatch()
        return True

    def hold(self, venue: str, feed: Feed) -> None:
        """Keep a feed watched for the next while, without waiting. Raises CallRefused where there are too
        many."""
        key = (venue, feed)
        if key not in self._held:
            if len(self._held) >= MOST_FEEDS:
                raise CallRefused(f"too many different feeds at once: {MOST_FEEDS} at most")
            self._held[key] = self._market.watch(feed, venue)
            if self._sweeper is None:
                self._sweeper = tasks.spawn(self._sweep(), name="bridge feeds")
        self._used_ns[key] = self._clock.monotonic_ns()

    def catch_up(self) -> None:
        """Apply what has come for books since the last frame of the screen, at most 100 times a second."""
        now = self._clock.monotonic_ns()
        if now - self._flushed_ns >= _FLUSH_EVERY_NS:
            self._flushed_ns = now
            self._market.flush()

    async def close(self) -> None:
        """Let go of everything."""
        await tasks.cancel_and_wait(self._sweeper)
        self._sweeper = None
        for release in self._held.values():
            release()
        self._held.clear()
        self._used_ns.clear()

    def _is_ready(self, venue: str, feed: Feed, is_there: Callable[[], bool]) -> bool:
        state = self._market.feed_state(feed, venue)
        if state is FeedState.UNSUPPORTED:
            raise NotSupported
        if state is FeedState.REFUSED:
            why = self._market.refusal(feed, venue) or "the venue refused the feed"
            raise CallRefused(f"{feed.symbol}: {why}")
        return state is FeedState.LIVE and is_there()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(5.0, self._linger_s))
            horizon = self._clock.monotonic_ns() - int(self._linger_s * 1e9)
            for key in [key for key, used in self._used_ns.items() if used < horizon]:
                self._used_ns.pop(key)
                self._held.pop(key)()
