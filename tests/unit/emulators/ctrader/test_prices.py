"""Quotes, bars, ticks and depth of the practice cTrader: one world, told in several ways."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.market import Side
from terminal.emulators.ctrader.books import LEVELS, DepthBook, DepthChange
from terminal.emulators.ctrader.hours import HolidaySpec, Hours, period_end
from terminal.emulators.ctrader.prices import PERIODS, bar_of
from terminal.emulators.ctrader.quotes import Live, Quotes, trendbar
from terminal.emulators.ctrader.symbols import SymbolTable
from terminal.emulators.market.latent import LatentPrices
from terminal.emulators.market.store import Store

SATURDAY_NS = int(datetime(2026, 11, 21, 12, 0, 7, tzinfo=UTC).timestamp()) * 10**9
MONDAY_NS = SATURDAY_NS + 2 * 86_400 * 10**9


def make_quotes(now_ns: int = MONDAY_NS, *, rate: float = 1.0, store: Store | None = None) -> Quotes:
    clock = ManualClock(now_ns)
    return Quotes(
        SymbolTable(3), LatentPrices(11), store or Store(None), clock, rng=random.Random(5), rate=rate
    )


def live_for(quotes: Quotes, seconds: float, pause: float = 0.05) -> None:
    for _ in range(int(seconds / pause)):
        assert isinstance(quotes.clock, ManualClock)
        quotes.clock.advance(pause)
        quotes.step()


def number_of(quotes: Quotes, name: str) -> int:
    spec = quotes.table.find(name)
    assert spec is not None
    return spec.id


@pytest.mark.parametrize("name", ["EURUSD", "EURGBP", "USDJPY", "GER40", "S00001.US"])
def test_bars_of_every_length_are_what_was_quoted(name: str) -> None:
    quotes = make_quotes(MONDAY_NS + 4 * 3600 * 10**9)
    prices = quotes.prices(number_of(quotes, name))
    now_ms = quotes.now_ms()
    for period in (1, 5, 7, 9):
        length = PERIODS[period]
        starts = list(itertools.islice(prices.starts_back(length, 0, now_ms // 60_000), 6))
        assert starts == sorted(starts, reverse=True)
        for start in starts:
            bar = bar_of(prices, length, start, now_ms)
            assert bar is not None
            end_ms = min(now_ms, period_end(length, start) * 60_000 - 1)
            bids = [tick.bid for tick in prices.ticks_between(start * 60_000 - 1, end_ms)]
            assert (bar.open, bar.high, bar.low, bar.close) == (bids[0], max(bids), min(bids), bids[-1])


def test_long_bars_are_made_of_the_short_ones() -> None:
    quotes = make_quotes()
    prices = quotes.prices(number_of(quotes, "US500"))
    now_ms = quotes.now_ms()
    for period in (10, 12, 13):
        length = PERIODS[period]
        start = list(itertools.islice(prices.starts_back(length, 0, now_ms // 60_000), 3))[2]
        whole = bar_of(prices, length, start, now_ms)
        parts = [
            bar_of(prices, 3600, one, now_ms)
            for one in prices.starts_back(3600, start, period_end(length, start) - 1)
        ][::-1]
        assert whole is not None
        assert all(parts)
        known = [one for one in parts if one is not None]
        assert whole.open == known[0].open
        assert whole.close == known[-1].close
        assert whole.high == max(one.high for one in known)
        assert whole.low == min(one.low for one in known)
        assert whole.volume == sum(one.volume for one in known)


@pytest.mark.parametrize("rate", [1.0, 30.0])
def test_what_was_streamed_is_what_history_tells_afterwards(rate: float) -> None:
    quotes = make_quotes(MONDAY_NS - 7 * 10**9, rate=rate)
    live = quotes.watch(number_of(quotes, "EURUSD"))
    quotes.watch_bars(live, 1)
    quotes.running_bar(live, 1)
    last = {}

    def note(told: Live, bid_changed: bool, ask_changed: bool) -> None:
        bar = quotes.running_bar(told, 1)
        if bid_changed and bar is not None:
            last[bar.start] = bar

    quotes.on_quote.append(note)
    live_for(quotes, 190)
    assert len(last) >= 3
    for start in sorted(last)[:-1]:
        told, known = last[start], bar_of(live.prices, 60, start, quotes.now_ms())
        assert known is not None
        assert (told.open, told.high, told.low) == (known.open, known.high, known.low)
        if rate == 1.0:
            assert told.close == known.close
        assert 0 < told.volume <= known.volume


def test_ticks_newest_first_are_the_changes_of_a_side() -> None:
    quotes = make_quotes()
    prices = quotes.prices(number_of(quotes, "EURUSD"))
    last = quotes.now_ms()
    first = last - 120_000
    told = prices.ticks_between(first - 1, last)
    for side, place in (("bid", 1), ("ask", 2)):
        back = list(prices.ticks_back(first, last, side))
        assert [ms for ms, _ in back] == sorted((ms for ms, _ in back), reverse=True)
        changes = [
            (tick.ms, tick[place])
            for before, tick in itertools.pairwise([prices.at(first - 1), *told])
            if tick[place] != before[place]
        ]
        assert back[::-1] == changes


def test_euro_dollar_agrees_with_the_hidden_price_and_moves_on_a_saturday() -> None:
    quotes = make_quotes(SATURDAY_NS)
    number = number_of(quotes, "EURUSD")
    live = quotes.watch(number)
    seen = set()
    quotes.on_tick.append(lambda symbol_id: seen.add(live.bid))
    live_for(quotes, 20)
    assert len(seen) > 3
    hidden = LatentPrices(11).pair_price("EUR", "USD", quotes.now_ms() * 1_000_000)
    assert abs(float(quotes.bid(number)) - hidden) < 0.0003
    assert quotes.bid(number) < quotes.ask(number)
    assert quotes.bid(number).as_tuple().exponent == -5


def test_a_closed_market_keeps_its_last_price_and_opens_on_time() -> None:
    sunday_eve = int(datetime(2026, 11, 22, 22, 59, 50, tzinfo=UTC).timestamp()) * 10**9
    quotes = make_quotes(sunday_eve)
    number = number_of(quotes, "US500")
    live = quotes.watch(number)
    told: list[bool] = []
    quotes.on_quote.append(lambda *_: told.append(True))
    before = live.bid
    live_for(quotes, 8)
    assert not told
    assert live.bid == before == live.prices.session_close(quotes.now_ms())
    assert not quotes.is_open(number, sunday_eve)
    live_for(quotes, 12)
    assert told
    assert live.is_open


def test_a_symbol_closed_by_a_rehearsal_stands_still_until_it_is_opened() -> None:
    quotes = make_quotes(SATURDAY_NS)
    number = number_of(quotes, "EURUSD")
    live = quotes.watch(number)
    hours = live.spec.hours
    today = datetime(2026, 11, 21, tzinfo=UTC).date()
    quotes.table.change(
        number, hours=Hours(hours.zone, hours.sessions, [HolidaySpec(99, "Practice closure", today)])
    )
    assert not live.is_open
    before = live.bid
    live_for(quotes, 10)
    assert live.bid == before
    quotes.table.restore()
    live_for(quotes, 10)
    assert live.bid != before


def test_a_shift_of_prices_leaves_the_past_alone_and_survives_a_restart() -> None:
    store = Store(None)
    quotes = make_quotes(store=store)
    number = number_of(quotes, "EURUSD")
    prices = quotes.prices(number)
    minute = quotes.now_ms() // 60_000
    before = [prices.bar(one, one + 1, quotes.now_ms()) for one in range(minute - 5, minute)]
    latents = quotes._latents
    bid = quotes.bid(number)
    latents.shift("EUR", 2.0)
    quotes.step()
    assert quotes.bid(number) > bid * Decimal("1.015"), "at once, watched or not"
    watched = quotes.watch(number)
    latents.shift("EUR", 3.0)
    told = watched.bid
    quotes.step()
    live_for(quotes, 0.01)
    assert watched.bid > told * 1.025
    ticks = prices.ticks_between(quotes.now_ms() - 5_000, quotes.now_ms())
    back = list(prices.ticks_back(quotes.now_ms() - 5_000, quotes.now_ms(), "bid"))
    assert [tick.ms for tick in ticks] == sorted(tick.ms for tick in ticks)
    assert {ms for ms, _ in back} <= {tick.ms for tick in ticks}
    quotes.unwatch(number)
    live_for(quotes, 120)
    assert [prices.bar(one, one + 1, quotes.now_ms()) for one in range(minute - 5, minute)] == before
    crossing = prices.bar(minute, minute + 1, quotes.now_ms())
    assert crossing is not None
    assert crossing.high > crossing.open * 1.015
    again = Quotes(SymbolTable(), latents, store, quotes.clock, rng=random.Random(1))
    assert again.bid(number) == quotes.bid(number)
    assert again.prices(number).bar(minute, minute + 1, again.now_ms()) == crossing


def test_nobody_watching_costs_nothing_and_a_standing_market_stands() -> None:
    quotes = make_quotes()
    number = number_of(quotes, "EURUSD")
    quotes.watch(number)
    quotes.watch(number)
    quotes.unwatch(number)
    assert quotes.watched == {number}
    quotes.unwatch(number)
    assert not quotes.watched
    live_for(quotes, 5)
    assert quotes.events == 0
    live = quotes.watch(number)
    quotes.set_rate(0)
    before = live.bid, live.ask
    live_for(quotes, 10)
    assert (live.bid, live.ask) == before
    with pytest.raises(ValueError, match="no rate"):
        quotes.set_rate(-1)


def test_rates_between_assets_follow_the_chain_of_quotes() -> None:
    quotes = make_quotes()

    def mid(name: str) -> Decimal:
        number = number_of(quotes, name)
        return (quotes.bid(number) + quotes.ask(number)) / 2

    assert quotes.rate("USD", "USD") == 1
    assert quotes.rate("EUR", "USD") == mid("EURUSD")
    assert quotes.rate("JPY", "USD") == 1 / mid("USDJPY")
    assert abs(quotes.rate("EUR", "JPY") / (mid("EURUSD") * mid("USDJPY")) - 1) < Decimal("0.002")


def _apply(book: dict[int, tuple[bool, int, int]], change: DepthChange) -> None:
    for one in change.deleted:
        del book[one]
    for quote in change.quotes.values():
        book[quote.quote_id] = quote.is_bid, quote.points, quote.size


def test_a_book_rebuilt_from_its_events_is_the_book() -> None:
    spec = SymbolTable().find("EURUSD")
    assert spec is not None
    rng = random.Random(3)
    book = DepthBook(spec, rng, itertools.count(1))
    mine: dict[int, tuple[bool, int, int]] = {}
    bid = 118_000
    for _ in range(3000):
        bid += rng.choice((-3, -1, 0, 1, 3, 40, -40)) if rng.random() < 0.3 else 0
        ask = bid + rng.randint(1, 5)
        _apply(mine, book.move(bid, ask))
        _apply(mine, book.breathe(2))
        assert mine == {one.quote_id: (one.is_bid, one.points, one.size) for one in book.quotes()}
        bids = [points for is_bid, points, _ in mine.values() if is_bid]
        asks = [points for is_bid, points, _ in mine.values() if not is_bid]
        assert max(bids) == bid
        assert min(asks) == ask
        assert len(bids) == len(asks) == LEVELS
        assert len(set(bids)) == LEVELS


def test_more_is_offered_away_from_the_market() -> None:
    quotes = make_quotes()
    number = number_of(quotes, "EURUSD")
    live = quotes.watch(number)
    book = quotes.watch_book(live)
    near = far = 0
    for _ in range(200):
        live_for(quotes, 1.0)
        near += book.bids[0].size + book.asks[0].size
        far += book.bids[-1].size + book.asks[-1].size
    assert far > 2 * near
    levels = quotes.depth(number, Side.BUY)
    assert levels[0][0] == quotes.ask(number)
    assert [price for price, _ in levels] == sorted(price for price, _ in levels)
    unwatched = quotes.depth(number_of(quotes, "GBPUSD"), Side.SELL)
    assert unwatched[0][0] == quotes.bid(number_of(quotes, "GBPUSD"))


def test_live_bars_carry_no_close_and_historical_ones_no_period() -> None:
    quotes = make_quotes()
    live = quotes.watch(number_of(quotes, "USDJPY"))
    bar = quotes.running_bar(live, 5)
    assert bar is not None
    streamed, kept = trendbar(bar, 3, period=5), trendbar(bar, 3)
    assert streamed.HasField("period")
    assert not streamed.HasField("deltaClose")
    assert not kept.HasField("period")
    assert (kept.low + kept.deltaClose) == bar.close * 100
