"""The watchlist's rows and the ranking of the search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import pytest
from pytestqt.qtbot import QtBot

from terminal.core.clock import ManualClock
from terminal.core.observe import Observable
from terminal.domain.bars import BarSeries
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, Quote
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.selection import Selection
from terminal.viewmodels.watchlist import WatchlistViewModel, WatchRow
from tests.fakes import instrument

D = Decimal


def fake(symbol: str) -> InstrumentId:
    return InstrumentId("fake", symbol)


class FakeMarket:
    def __init__(self, *symbols: str) -> None:
        self.changed: Observable[[InstrumentId, Topic]] = Observable("market")
        self.known = {fake(symbol): instrument(fake(symbol)) for symbol in symbols}
        self.quotes: dict[InstrumentId, Quote] = {}
        self.states: dict[str, FeedState] = {}
        self.watched: list[Feed] = []

    def watch(self, feed: Feed, venue: str, *, history: bool = True) -> Callable[[], None]:
        self.watched.append(feed)
        return lambda: self.watched.remove(feed)

    def instrument(self, instrument: InstrumentId) -> Instrument | None:
        return self.known.get(instrument)

    def instruments(self, venue: str | None = None) -> list[Instrument]:
        return list(self.known.values())

    def quote(self, instrument: InstrumentId) -> Quote | None:
        return self.quotes.get(instrument)

    def feed_state(self, feed: Feed, venue: str) -> FeedState:
        return self.states.get(feed.symbol, FeedState.LIVE)

    def bars(self, instrument: InstrumentId, interval_s: int) -> BarSeries:
        return BarSeries(interval_s)

    def say(self, symbol: str, last: str, *, volume: str = "10", change: str = "1.5") -> None:
        price = D(last)
        self.quotes[fake(symbol)] = Quote(
            fake(symbol),
            price - 1,
            D(1),
            price + 1,
            D(1),
            price,
            D(volume),
            None,
            None,
            None,
            D(change),
            None,
            None,
            0,
        )
        self.changed.notify(fake(symbol), Topic.QUOTE)


class List:
    def __init__(self, *watched: str) -> None:
        self.market = FakeMarket("BTC/USD", "ETH/USD", "ETH/BTC", "BTC/EUR", "WBTC/USD")
        self.frames = FrameClock()
        self.clock = ManualClock()
        self.selection = Selection()
        self.saved: list[Sequence[InstrumentId]] = []
        self.vm = WatchlistViewModel(
            self.market,
            self.selection,
            self.frames,
            self.clock,
            watched=[fake(symbol) for symbol in watched],
            titles={"fake": "Fake"},
            save=self.saved.append,
        )

    def refresh(self) -> None:
        """What a tenth of a second brings."""
        self.vm.set_visible(True)

    def row(self, symbol: str) -> WatchRow:
        self.refresh()
        return next(row for row in self.vm.model.rows if row.instrument.symbol == symbol)


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[List]:
    made = List("BTC/USD", "ETH/USD")
    yield made
    made.vm.close()
    made.frames.stop()


def test_a_price_shows_with_the_instruments_decimals_and_its_day(desk: List) -> None:
    desk.market.say("BTC/USD", "64120.10", change="-2.5")
    row = desk.row("BTC/USD")
    assert row.last_text.endswith("120.1")
    assert row.tone == "down"
    assert row.spread_bps is not None
    assert round(row.spread_bps, 2) == D("0.31")


def test_only_the_digits_that_changed_flash(desk: List) -> None:
    desk.market.say("BTC/USD", "64120.1")
    assert desk.row("BTC/USD").flash_at is None
    desk.market.say("BTC/USD", "64129.3")
    row = desk.row("BTC/USD")
    assert row.flash_at is not None
    assert row.last_text[row.flash_at :] == "9.3"
    assert row.flash_tone == "up"


def test_another_connection_clears_what_the_first_one_showed(desk: List) -> None:
    desk.market.say("BTC/USD", "64120.1")
    assert desk.row("BTC/USD").last == D("64120.1")
    desk.market.quotes.clear()
    desk.market.states["BTC/USD"] = FeedState.LOADING
    desk.market.changed.notify(fake("BTC/USD"), Topic.STATE)
    row = desk.row("BTC/USD")
    assert row.last is None
    assert not desk.vm.all_live


def test_numbers_sort_by_value_not_by_text(desk: List) -> None:
    desk.market.say("BTC/USD", "9000")
    desk.market.say("ETH/USD", "10000")
    desk.refresh()
    desk.vm.model.sort(1)
    assert [row.instrument.symbol for row in desk.vm.model.rows] == ["BTC/USD", "ETH/USD"]


def test_a_click_moves_every_linked_panel(desk: List) -> None:
    told: list[object] = []
    desk.selection.changed.watch(lambda: told.append(desk.selection.instrument))
    desk.vm.choose(fake("ETH/USD"))
    assert told == [fake("ETH/USD")]


def test_watching_no_longer_releases_the_feeds_and_is_kept(desk: List) -> None:
    before = len(desk.market.watched)
    desk.vm.toggle(fake("ETH/USD"))
    assert len(desk.market.watched) == before - 2
    assert desk.saved == [[fake("BTC/USD")]]
    desk.frames.tick()
    assert len(desk.vm.model.rows) == 1


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("eth/btc", "ETH/BTC"),
        ("ethbtc", "ETH/BTC"),
        ("ETH-BTC", "ETH/BTC"),
        ("btc", "BTC/USD"),
        ("wb", "WBTC/USD"),
    ],
)
def test_search_ranks_exact_then_beginning_then_watched_then_volume(
    desk: List, text: str, first: str
) -> None:
    desk.market.say("BTC/EUR", "60000", volume="999")
    assert desk.vm.search(text)[0].instrument.symbol == first


def test_search_finds_nothing_without_pretending(desk: List) -> None:
    assert desk.vm.search("nosuch") == []
    assert len(desk.vm.search("")) == 5
