"""What a panel watches while it can be seen: a polled venue is not asked for what nobody looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from terminal.domain.market import Feed


class WatchedMarket(Protocol):
    """The market whose feeds are counted by watcher (:class:`terminal.services.market_data.MarketData`)."""

    def watch(self, feed: Feed, venue: str, *, history: bool = True) -> Callable[[], None]: ...


@dataclass(slots=True, eq=False)
class _Watch:
    feed: Feed
    venue: str
    history: bool
    release: Callable[[], None] | None = None


class InSight:
    """The market as one panel has it. Out of sight, its feeds of polled venues are let go of; back in sight,
    they are watched again. Streams of other venues cost nothing and go on, so that a tab opens at once.

    Everything else is the market's own.
    """

    def __init__(self, market: WatchedMarket, is_polled: Callable[[str], bool]) -> None:
        """``is_polled``: whether each look at a venue's prices is a call."""
        self._market = market
        self._is_polled = is_polled
        self._is_seen = True
        self._watches: list[_Watch] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def watch(self, feed: Feed, venue: str, *, history: bool = True) -> Callable[[], None]:
        """Want a feed until the returned function is called; ``history`` as the market's own."""
        watch = _Watch(feed, venue, history)
        self._watches.append(watch)
        self._follow(watch)

        def release() -> None:
            if watch in self._watches:
                self._watches.remove(watch)
                self._let_go(watch)

        return release

    def set_seen(self, is_seen: bool) -> None:
        """The panel can be seen now, or cannot."""
        if is_seen != self._is_seen:
            self._is_seen = is_seen
            for watch in list(self._watches):
                self._follow(watch)

    def _follow(self, watch: _Watch) -> None:
        if self._is_seen or not self._is_polled(watch.venue):
            if watch.release is None:
                watch.release = self._market.watch(watch.feed, watch.venue, history=watch.history)
        else:
            self._let_go(watch)

    def _let_go(self, watch: _Watch) -> None:
        release, watch.release = watch.release, None
        if release is not None:
            release()
