"""Feeds of polled venues are let go of while their panel cannot be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from terminal.domain.market import Feed, FeedKind
from terminal.viewmodels.in_sight import InSight

BOOK, QUOTES = Feed(FeedKind.BOOK, "BTC/USDT"), Feed(FeedKind.QUOTES, "BTC/USDT")


class Market:
    name = "the market's own"

    def __init__(self) -> None:
        self.watched: Counter[tuple[Feed, str]] = Counter()

    def watch(self, feed: Feed, venue: str, *, history: bool = True) -> Callable[[], None]:
        self.watched[feed, venue] += 1

        def release() -> None:
            self.watched[feed, venue] -= 1

        return release

    def now(self) -> set[tuple[Feed, str]]:
        assert min(self.watched.values(), default=0) >= 0
        return set(+self.watched)


def test_what_is_polled_is_watched_only_in_sight() -> None:
    market = Market()
    panel = InSight(market, lambda venue: venue == "plugin")
    assert panel.name == market.name
    release = panel.watch(BOOK, "plugin")
    panel.watch(QUOTES, "stream")
    assert market.now() == {(BOOK, "plugin"), (QUOTES, "stream")}
    for _ in range(2):
        panel.set_seen(False)
    assert market.now() == {(QUOTES, "stream")}
    # What is chosen meanwhile waits until it can be seen.
    panel.watch(QUOTES, "plugin")
    assert market.now() == {(QUOTES, "stream")}
    for _ in range(2):
        panel.set_seen(True)
    assert market.now() == {(BOOK, "plugin"), (QUOTES, "plugin"), (QUOTES, "stream")}
    assert max(market.watched.values()) == 1
    for _ in range(2):
        release()
    assert market.now() == {(QUOTES, "plugin"), (QUOTES, "stream")}


def test_what_was_let_go_of_out_of_sight_does_not_come_back() -> None:
    market = Market()
    panel = InSight(market, lambda venue: True)
    release = panel.watch(BOOK, "plugin")
    panel.set_seen(False)
    release()
    panel.set_seen(True)
    assert market.now() == set()
