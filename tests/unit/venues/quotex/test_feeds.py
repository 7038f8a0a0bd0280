"""Ticks to quotes and running bars; which assets are asked for, kept, and left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from terminal.domain.events import (
    BarsReceived,
    BarUpdate,
    FeedConfirmed,
    FeedInterrupted,
    FeedRefused,
)
from terminal.domain.market import Bar, Feed, FeedKind, Quote
from terminal.venues.base import Sentiment
from terminal.venues.quotex.assets import Assets
from terminal.venues.quotex.feeds import Feeds
from tests.unit.venues.quotex.test_assets import row

D = Decimal
NS = 10**9
NOON = 1_795_176_000
QUOTES = Feed(FeedKind.QUOTES, "EUR/USD OTC")
MINUTES = Feed(FeedKind.BARS, "EUR/USD OTC", interval_s=60)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def wall_ns(self) -> int:
        return int((NOON + self.now_s) * NS)

    def monotonic_ns(self) -> int:
        return int(self.now_s * NS)


class World:
    """Feeds with a table, and everything that they send and tell."""

    def __init__(self, *, with_table: bool = True) -> None:
        self.assets = Assets()
        self.table = [row(), row("GBPUSD_otc", "GBP/USD (OTC)")]
        if with_table:
            self.assets.take(self.table)
        self.clock = Clock()
        self.sent: list[tuple[str, Any]] = []
        self.events: list[Any] = []
        self.urgent: list[str] = []
        self.feeds = Feeds(self.assets, self._send, self.events.append, self.clock)

    def _send(self, name: str, data: Any, *, at_once: bool = False) -> None:
        self.sent.append((name, data))
        if at_once:
            self.urgent.append(name)

    def tick(self, at_s: float, price: str, wire: str = "EURUSD_otc", lag_s: float = 0.0) -> None:
        received = int((at_s + lag_s) * NS)
        assert self.feeds.on_quotes([[wire, D(str(at_s)), D(price), 1]], received) == 0

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def names(self) -> list[str]:
        return [name for name, _ in self.sent]


def test_one_subscription_carries_all_of_an_asset() -> None:
    world = World()
    world.feeds.add(MINUTES)
    world.feeds.add(QUOTES)
    assert world.names() == ["instruments/update", "chart_notification/get"]
    assert world.sent[0][1] == {"asset": "EURUSD_otc", "period": 60}
    assert not world.of(FeedConfirmed)
    world.tick(NOON + 1, "1.1")
    assert {event.feed for event in world.of(FeedConfirmed)} == {MINUTES, QUOTES}
    (quote,) = world.of(Quote)
    assert (quote.bid, quote.ask) == (D("1.1"), D("1.1")), "one price, for both sides"
    world.feeds.remove(QUOTES)
    world.tick(NOON + 2, "1.2")
    assert len(world.of(Quote)) == 1
    world.feeds.remove(MINUTES)
    assert world.names()[2:] == ["instruments/unsubscribe"]


def test_a_bar_goes_on_from_what_history_told_and_begins_anew_with_the_next() -> None:
    world = World()
    world.feeds.add(MINUTES)
    world.tick(NOON + 10, "1.1")
    assert not world.of(BarUpdate), "nobody has told its beginning"
    instrument = world.assets.by_symbol(MINUTES.symbol)
    assert instrument is not None
    told = Bar(NOON * NS, D("1.05"), D("1.1"), D("1.05"), D("1.1"), D(7))
    world.feeds.give_past(instrument, 60, [told])
    (past,) = world.of(BarsReceived)
    assert past.bars == (told,)
    world.tick(NOON + 20, "1.2")
    world.tick(NOON + 60, "1.15")
    first, second = (event.bar for event in world.of(BarUpdate))
    assert first == Bar(NOON * NS, D("1.05"), D("1.2"), D("1.05"), D("1.2"), D(8))
    begun = D("1.15")
    assert second == Bar((NOON + 60) * NS, begun, begun, begun, begun, D(1))
    # A price that comes late changes no bar that is over.
    world.tick(NOON + 59, "9")
    assert len(world.of(BarUpdate)) == 2


def test_the_last_price_of_a_closed_asset_begins_no_bar() -> None:
    world = World()
    world.feeds.add(MINUTES)
    instrument = world.assets.by_symbol(MINUTES.symbol)
    assert instrument is not None
    last = Bar(NOON * NS, D("1.05"), D("1.1"), D("1.05"), D("1.1"), D(7))
    world.feeds.give_past(instrument, 60, [last])
    world.feeds.table_changed(world.assets.take([row(c14=False), *world.table[1:]]))
    world.tick(NOON + 90_000, "1.1")
    world.tick(NOON + 90_060, "1.1")
    assert not world.of(BarUpdate)
    world.tick(NOON + 59, "1.2")
    (within,) = world.of(BarUpdate)
    assert (within.bar.open_ns, within.bar.close) == (last.open_ns, D("1.2")), (
        "its time says where it belongs"
    )
    world.feeds.table_changed(world.assets.take(world.table))
    world.tick(NOON + 90_120, "1.3")
    assert world.of(BarUpdate)[-1].bar.open_ns == (NOON + 90_120) * NS


def test_another_length_of_a_closed_asset_is_asked_for_with_the_last_bars_that_there_are() -> None:
    world = World()
    five = Feed(FeedKind.BARS, MINUTES.symbol, interval_s=5)
    world.feeds.add(QUOTES)
    world.feeds.add(MINUTES)
    assert world.names().count("instruments/update") == 1, "an open one has them in its pages"
    world.feeds.table_changed(world.assets.take([row(c14=False), *world.table[1:]]))
    world.feeds.add(five)
    assert world.sent[-1] == ("instruments/update", {"asset": "EURUSD_otc", "period": 5})


def test_an_asset_that_does_not_answer_is_asked_for_again_and_a_lost_line_is_told() -> None:
    world = World()
    world.feeds.add(QUOTES)
    world.clock.now_s = 5
    world.feeds.tick()
    assert world.names().count("instruments/update") == 1
    world.clock.now_s = 11
    world.feeds.tick()
    assert world.names().count("instruments/update") == 2
    world.tick(NOON + 11, "1.1")
    world.feeds.interrupt("The line is down.")
    assert [(event.feed, event.reason) for event in world.of(FeedInterrupted)] == [
        (QUOTES, "The line is down.")
    ]
    assert not world.feeds.is_followed("EURUSD_otc")
    world.feeds.ask_all()
    assert world.names().count("instruments/update") == 3


def test_an_open_asset_whose_prices_stop_is_stale_until_a_new_one_comes() -> None:
    world = World()
    world.feeds.add(QUOTES)
    world.feeds.add(MINUTES)
    world.tick(NOON, "1.1")
    world.tick(NOON + 1, "1.2")
    world.clock.now_s = 5
    world.feeds.tick()
    assert world.feeds.is_followed("EURUSD_otc")
    assert not world.of(FeedInterrupted)
    world.clock.now_s = 5.5
    assert not world.feeds.is_followed("EURUSD_otc"), "a buy looks at this very moment"
    world.feeds.tick()
    told = world.of(FeedInterrupted)
    assert [event.feed for event in told] == [QUOTES, MINUTES]
    assert told[0].reason == "Quotex sends no prices of EUR/USD OTC."
    assert world.names().count("instruments/update") == 2, "it is asked for once more"
    # What it has kept, and its last price again, prove nothing.
    world.events.clear()
    world.feeds.on_history({"asset": "EURUSD_otc", "period": 60, "history": [[NOON + 1, D("1.2"), 1]]}, 0)
    world.tick(NOON + 1, "1.2")
    assert not world.of(FeedConfirmed)
    assert not world.of(Quote)
    world.clock.now_s = 7
    world.tick(NOON + 7, "1.3")
    assert {event.feed for event in world.of(FeedConfirmed)} == {QUOTES, MINUTES}
    assert world.feeds.is_followed("EURUSD_otc")


def test_a_closed_asset_is_quiet_and_not_stale_and_has_time_to_begin_when_it_opens() -> None:
    world = World()
    world.feeds.add(QUOTES)
    closed = [row(c14=False), *world.table[1:]]
    world.feeds.table_changed(world.assets.take(closed))
    world.tick(NOON - 90_000, "1.1", lag_s=90_000)
    world.clock.now_s = 3600
    world.feeds.tick()
    assert not world.of(FeedInterrupted)
    world.feeds.table_changed(world.assets.take(world.table))
    world.clock.now_s += 4
    world.feeds.tick()
    assert not world.of(FeedInterrupted)
    world.clock.now_s += 2
    world.feeds.tick()
    assert world.of(FeedInterrupted)


def test_what_is_not_listed_waits_for_the_table_and_is_refused_by_it() -> None:
    world = World(with_table=False)
    unknown = Feed(FeedKind.QUOTES, "NOSUCH")
    world.feeds.add(unknown)
    world.feeds.add(QUOTES)
    assert not world.sent
    world.feeds.table_changed(world.assets.take(world.table))
    assert world.names()[0] == "instruments/update"
    (refused,) = world.of(FeedRefused)
    assert refused.feed == unknown
    assert "NOSUCH" in refused.reason
    # With the table there it is refused at once, and waits for nothing.
    world.feeds.add(unknown)
    assert len(world.of(FeedRefused)) == 2
    assert not world.feeds.wants(unknown)


def test_an_asset_that_a_deal_needs_is_kept_for_a_while_and_tells_nobody() -> None:
    world = World()
    instrument = world.assets.by_symbol("GBP/USD OTC")
    assert instrument is not None
    world.feeds.keep(instrument)
    assert world.urgent == ["instruments/update"], "a deal does not wait for what is only looked at"
    world.tick(NOON, "1.2", "GBPUSD_otc")
    world.feeds.keep(instrument)
    assert len(world.urgent) == 1
    assert world.feeds.price("GBPUSD_otc") == D("1.2")
    assert not world.events
    world.clock.now_s = 119
    world.feeds.tick()
    assert "instruments/unsubscribe" not in world.names()
    world.clock.now_s = 121
    world.feeds.tick()
    assert world.names()[-1] == "instruments/unsubscribe"


def test_the_venues_clock_is_that_of_prices_that_move() -> None:
    world = World()
    world.feeds.add(QUOTES)
    # The first one is the last price there was, of any age: an asset may be closed since yesterday.
    world.tick(NOON - 90_000, "1.1", lag_s=90_000)
    assert world.feeds.ahead_ms is None
    world.tick(NOON + 1, "1.1", lag_s=0.4)
    world.tick(NOON + 2, "1.1", lag_s=0.1)
    world.tick(NOON + 3, "1.1", lag_s=0.3)
    assert world.feeds.ahead_ms == -100, "the one that was least long on its way"


def test_prices_that_cannot_be_read_are_counted() -> None:
    world = World()
    world.feeds.add(QUOTES)
    rows = [
        ["EURUSD_otc", 1],
        "x",
        ["EURUSD_otc", "noon", 1],
        ["EURUSD_otc", 1, D("NaN")],
        ["EURUSD_otc", 1, 0],
    ]
    assert world.feeds.on_quotes(rows, 0) == 5
    assert world.feeds.on_quotes({"not": "rows"}, 0) == 0
    assert not world.of(Quote)


def test_how_many_hold_up_contracts_is_asked_for_only_while_somebody_wants_it() -> None:
    world = World()
    world.feeds.on_sentiment([["EURUSD_otc", 63]])
    assert world.feeds.sentiment("EUR/USD OTC") is None, "nobody has asked"
    world.feeds.follow_sentiment("EUR/USD OTC")
    world.feeds.follow_sentiment("EUR/USD OTC")
    assert world.sent == [("depth/follow", "EURUSD_otc")]
    world.clock.now_s = 7
    world.feeds.on_sentiment([["EURUSD_otc", 63], ["GBPUSD_otc", 120], ["x"], [5, 5], ["EURUSD_otc", "x"]])
    assert world.feeds.sentiment("EUR/USD OTC") == Sentiment(D(63), 7 * NS)
    assert world.feeds.sentiment("GBP/USD OTC") is None
    assert world.feeds.sentiment("NOSUCH") is None
    world.feeds.ask_all()
    assert world.names() == ["depth/follow"] * 2, "after a reconnect it is asked for again"
    world.feeds.unfollow_sentiment("EUR/USD OTC")
    world.feeds.unfollow_sentiment("EUR/USD OTC")
    assert world.names()[2:] == ["depth/unfollow"]
    assert world.feeds.sentiment("EUR/USD OTC") is None
    world.feeds.ask_all()
    assert world.names()[3:] == []


def test_the_lean_of_an_asset_that_is_not_listed_yet_is_asked_for_with_the_table() -> None:
    world = World(with_table=False)
    world.feeds.follow_sentiment("EUR/USD OTC")
    assert world.sent == []
    world.feeds.table_changed(world.assets.take(world.table))
    assert world.sent == [("depth/follow", "EURUSD_otc")]
    world.feeds.on_sentiment([["EURUSD_otc", 50]])
    world.feeds.table_changed(world.assets.all())
    assert len(world.sent) == 1, "another payout is no reason to ask again"


def test_history_confirms_and_brings_the_last_price() -> None:
    world = World()
    world.feeds.add(MINUTES)
    world.feeds.add(QUOTES)
    data = {
        "asset": "EURUSD_otc",
        "period": 60,
        "history": [[NOON + 1, D("1.1"), 1], [NOON + 2, D("1.2"), 1]],
        "candles": [[NOON, 1, D("1.2"), D("1.3"), D("0.9"), 5], [NOON - 60, 1, 1, 1, 1, 5]],
    }
    world.feeds.on_history(data, NOON * NS)
    (past,) = world.of(BarsReceived)
    assert [bar.open_ns // NS for bar in past.bars] == [NOON - 60, NOON]
    assert [quote.bid for quote in world.of(Quote)] == [D("1.2")]
    assert world.feeds.is_followed("EURUSD_otc")


def test_the_older_streams_are_read_where_they_come() -> None:
    world = World()
    world.feeds.add(MINUTES)
    world.feeds.follow_sentiment("EUR/USD OTC")
    candle = {"asset": "EURUSD_otc", "period": 60, "index": NOON, "open": 1, "high": 3, "low": 1, "close": 2}
    world.feeds.on_candle(candle, 5)
    (update,) = world.of(BarUpdate)
    assert update.bar == Bar(NOON * NS, D(1), D(3), D(1), D(2), D(1))
    world.tick(NOON + 10, "2.5")
    world.feeds.on_candle({**candle, "close": D("2.6")}, 5)
    built, told = (event.bar for event in world.of(BarUpdate)[1:])
    assert (built.close, built.volume) == (D("2.5"), D(2))
    assert (told.close, told.high, told.volume) == (D("2.6"), D(3), D(2)), "ticks stay counted"
    count = len(world.of(BarUpdate))
    for odd in ({**candle, "index": NOON - 60}, {**candle, "period": 300}, {**candle, "low": 0}, "x", {}):
        world.feeds.on_candle(odd, 5)
    assert len(world.of(BarUpdate)) == count
    for told_mood, percent in (({"buy": 61, "sell": 39}, 61), (44, 44)):
        world.feeds.on_mood({"asset": "EURUSD_otc", "sentiment": told_mood})
        assert world.feeds.sentiment("EUR/USD OTC") == Sentiment(D(percent), 0)
    for odd_mood in ("x", {}, {"asset": "EURUSD_otc"}, {"asset": "EURUSD_otc", "sentiment": {"buy": 101}}):
        world.feeds.on_mood(odd_mood)
    assert world.feeds.sentiment("EUR/USD OTC") == Sentiment(D(44), 0)
