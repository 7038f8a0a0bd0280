"""Prices by polling: proven by each answer, unproven by each silence."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    SettingsError,
    Unsupported,
    VenueUnavailable,
)
from terminal.domain.events import (
    BarUpdate,
    FeedConfirmed,
    FeedInterrupted,
    FeedRefused,
    InstrumentsChanged,
    LinkChanged,
    LinkState,
    TradesReceived,
    VenueNotice,
    WireFault,
)
from terminal.domain.market import BookSnapshot, Feed, FeedKind, Quote
from tests.helpers import eventually, run
from tests.unit.venues.custom.plugin import Plugin, connector_of, desk, running, ticker

D = Decimal
QUOTES = Feed(FeedKind.QUOTES, "ETH/USDT")
BOOK = Feed(FeedKind.BOOK, "ETH/USDT", depth=500)
TRADES = Feed(FeedKind.TRADES, "ETH/USDT")
BARS = Feed(FeedKind.BARS, "ETH/USDT", interval_s=3600)
ALL = (QUOTES, BOOK, TRADES, BARS)


def test_everything_watched_is_asked_for_and_nothing_else() -> None:
    async def main() -> None:
        async with desk() as found:
            for feed in ALL:
                await found.connector.subscribe(feed)
            kinds = (Quote, BookSnapshot, TradesReceived, BarUpdate)
            await eventually(lambda: all(found.of(kind) for kind in kinds))
            counts = found.plugin.counts()
            await eventually(
                lambda: all(
                    found.plugin.counts()[name] > counts[name] + 1
                    for name in ("ticker", "depth", "trades", "records")
                )
            )
            assert found.plugin.most_at_once == 1
            assert found.plugin.sent("depth")[0] == {"limit": "100", "symbol": "ETH_USDT"}
            assert found.plugin.sent("records")[0] == {"limit": "3", "period": "60", "symbol": "ETH_USDT"}
            book, quote = found.of(BookSnapshot)[0], found.of(Quote)[0]
            assert (book.depth, book.ts_event_ns, book.bids[0].price) == (
                500,
                1_500_793_319_499_000_000,
                D(999),
            )
            assert (quote.bid, quote.ts_event_ns) == (D("2922.18"), 1_731_028_903_911_000_000)
            assert len(found.of(TradesReceived)) == 1, "each print once"
            assert [trade.price for trade in found.of(TradesReceived)[0].trades] == [D(1001), D(1000)]
            assert len(found.of(BarUpdate)) == 2, "a bar is told when it changes"
            assert {event.feed for event in found.of(FeedConfirmed)} == set(ALL)
            for feed in ALL:
                await found.connector.unsubscribe(feed)
            told = len(found.of(Quote)) + len(found.of(BookSnapshot))
            polled = found.plugin.counts()["accounts"]
            await eventually(lambda: found.plugin.counts()["accounts"] > polled + 1, what="time to pass")
            assert len(found.of(Quote)) + len(found.of(BookSnapshot)) == told
            assert found.connector.health().last_frame_ns is None, "no price, no age"

    run(main())


@pytest.mark.parametrize(
    "fault", ["drop", "cut", "html", "error: URL error: timed out", "error: HTTP error: 503"]
)
def test_a_poll_that_fails_makes_its_feed_unproven_until_the_next_answer(fault: str) -> None:
    async def main() -> None:
        async with desk() as found:
            for feed in (QUOTES, BOOK):
                await found.connector.subscribe(feed)
            await eventually(lambda: found.of(BookSnapshot) and found.of(Quote))
            found.plugin.fail("depth", fault)
            await eventually(lambda: found.of(FeedInterrupted), what="the warning")
            (event,) = found.of(FeedInterrupted)
            assert event.feed == BOOK
            assert event.reason.endswith(".") or "timed out" in event.reason or "503" in event.reason
            place = found.events.index(event)
            await eventually(
                lambda: any(isinstance(each, BookSnapshot) for each in found.events[place:]),
                what="a new book",
            )
            after = [each for each in found.events[place:] if isinstance(each, FeedConfirmed | BookSnapshot)]
            assert isinstance(after[0], FeedConfirmed)
            assert found.links["public"] is LinkState.LIVE, "one failure is not the plugin's end"

    run(main())


@pytest.mark.parametrize(
    "broken",
    [
        {"asks": [[10, 1]], "bids": [[11, 1]]},
        {"asks": [["NaN", 1]], "bids": []},
        {"asks": [[10, -1]], "bids": []},
        [1, 2],
    ],
)
def test_an_impossible_book_is_counted_and_not_shown(broken: object) -> None:
    async def main() -> None:
        plugin = Plugin()
        good = plugin.answers["depth"]
        async with desk(plugin) as found:
            await found.connector.subscribe(BOOK)
            await eventually(lambda: found.of(BookSnapshot))
            plugin.answers["depth"] = lambda params: broken
            await eventually(lambda: found.of(FeedInterrupted) and found.of(WireFault))
            shown = len(found.of(BookSnapshot))
            plugin.answers["depth"] = good
            await eventually(lambda: len(found.of(BookSnapshot)) > shown)
            assert all(book.bids[0].price == D(999) for book in found.of(BookSnapshot))
            assert found.connector.health().faults

    run(main())


def test_what_the_plugin_does_not_offer_is_refused_and_asked_no_more() -> None:
    async def main() -> None:
        plugin = Plugin()
        del plugin.answers["trades"]
        plugin.always("records", "not support")
        plugin.always("ticker", "invalid symbol")
        async with desk(plugin) as found:
            stranger = Feed(FeedKind.QUOTES, "NOSUCH/USD")
            for feed in (*ALL, stranger):
                await found.connector.subscribe(feed)
            await eventually(lambda: len(found.of(FeedRefused)) == 4)
            refused = {event.feed: event.reason for event in found.of(FeedRefused)}
            assert refused[TRADES] == "The plugin offers no trades."
            assert refused[BARS] == "The plugin offers no records."
            assert "does not know this symbol" in refused[QUOTES]
            assert "does not list" in refused[stranger]
            await eventually(lambda: len(found.of(BookSnapshot)) > 3)
            assert found.plugin.counts()["trades"] == 1
            with pytest.raises(Unsupported):
                await found.connector.subscribe(Feed(FeedKind.BARS, "ETH/USDT", interval_s=61))

    run(main())


def test_a_symbol_that_is_refused_over_and_over_does_not_age_the_others() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with desk(plugin) as found:
            await found.connector.subscribe(QUOTES)
            await found.connector.subscribe(BOOK)
            await eventually(lambda: found.of(Quote) and found.of(BookSnapshot))
            plugin.always("ticker", "this market is suspended")
            await eventually(lambda: found.of(FeedRefused))
            (refused,) = found.of(FeedRefused)
            assert refused.feed == QUOTES
            assert "this market is suspended" in refused.reason
            asked_ns = found.connector.health().last_frame_ns
            await eventually(lambda: found.connector.health().last_frame_ns != asked_ns)

    run(main())


def test_a_plugin_that_dies_is_told_at_once_and_found_again() -> None:
    async def main() -> None:
        plugin = Plugin()
        connector = connector_of(plugin)
        async with running(plugin):
            connector = connector_of(plugin)
            found = _Ears()
            await connector.connect(found)
            for feed in (QUOTES, BOOK):
                await connector.subscribe(feed)
            await eventually(lambda: found.has(Quote) and found.has(BookSnapshot))
            await eventually(lambda: found.links.get("private") is LinkState.LIVE)
        try:
            await eventually(lambda: found.links["public"] is LinkState.RECONNECTING, what="the loss")
            await eventually(lambda: found.links["private"] is LinkState.RECONNECTING)
            assert {event.feed for event in found.events if isinstance(event, FeedInterrupted)} == {
                QUOTES,
                BOOK,
            }
            loss = next(
                event
                for event in found.events
                if isinstance(event, LinkChanged) and event.state is LinkState.RECONNECTING
            )
            assert "plugin" in loss.reason
            silence_ns = connector.health().last_frame_ns
            shown = len(found.events)
            async with running(plugin):
                await eventually(
                    lambda: any(isinstance(each, BookSnapshot) for each in found.events[shown:]),
                    what="prices",
                )
                await eventually(lambda: found.links["private"] is LinkState.LIVE, what="the account")
                assert connector.health().reconnects == 1
                await eventually(
                    lambda: (connector.health().last_frame_ns or 0) > (silence_ns or 0), what="fresh prices"
                )
        finally:
            await connector.close()

    run(main())


class _Ears:
    """A sink without a desk."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.links: dict[str, LinkState] = {}

    def __call__(self, event: object) -> None:
        self.events.append(event)
        if isinstance(event, LinkChanged):
            self.links[event.link] = event.state

    def has(self, kind: type) -> bool:
        return any(isinstance(event, kind) for event in self.events)


def test_a_plugin_that_is_not_there_yet_is_connected_when_it_comes() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with running(plugin):
            pass  # its port is known, and nobody is there any more
        connector, found = connector_of(plugin), _Ears()
        try:
            with pytest.raises(VenueUnavailable) as caught:
                await connector.connect(found)
            assert "Nothing usable answers" in caught.value.user_text
            await connector.subscribe(QUOTES)
            async with running(plugin):
                await eventually(lambda: found.has(Quote), what="a quote")
                await eventually(lambda: found.links["private"] is LinkState.LIVE)
                assert found.has(InstrumentsChanged)
        finally:
            await connector.close()

    run(main())


def test_all_quotes_come_in_one_call_where_the_plugin_can() -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.answers["tickers"] = lambda params: [ticker("eth_usdt"), ticker("BTC-USDT", last="60000")]
        async with desk(plugin) as found:
            await found.connector.subscribe(QUOTES)
            await eventually(lambda: plugin.counts()["ticker"] > 1, what="a single one by itself")
            await found.connector.subscribe(Feed(FeedKind.QUOTES, "BTC/USDT"))
            both = {"ETH/USDT", "BTC/USDT"}
            await eventually(lambda: {quote.instrument.symbol for quote in found.of(Quote)} == both)
            single, many = plugin.counts()["ticker"], plugin.counts()["tickers"]
            await eventually(lambda: plugin.counts()["tickers"] > many + 2)
            assert plugin.counts()["ticker"] <= single + 1
            plugin.answers["tickers"] = lambda params: [ticker("ETH_USDT")]
            await eventually(lambda: found.of(FeedInterrupted))
            assert {event.feed.symbol for event in found.of(FeedInterrupted)} == {"BTC/USDT"}

    run(main())


def test_a_plugin_that_falls_over_what_it_does_not_know_is_connected_all_the_same() -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.fail("markets", "drop")
        plugin.fail("tickers", "error: 'tickers'")
        plugin.fail("positions", "html")
        async with desk(plugin) as found:
            await found.connector.subscribe(QUOTES)
            await eventually(lambda: found.of(Quote))
            assert found.connector.health().reconnects == 0

    run(main())


def test_a_plugin_that_refuses_everything_is_not_connected() -> None:
    async def main() -> None:
        plugin = Plugin()
        for method in (*plugin.answers, "markets", "tickers", "positions"):
            plugin.always(method, "no venue is called OKEX here")
        async with running(plugin):
            connector = connector_of(plugin)
            with pytest.raises(VenueUnavailable) as caught:
                await connector.connect(_Ears())
            assert "no venue is called OKEX here" in caught.value.user_text
            await connector.close()

    run(main())


def test_markets_are_taken_and_futures_are_said_to_be_there() -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.answers["markets"] = lambda params: {"SOL_USDT": {"tick_size": "0.01"}, "BTC_USDT.swap": {}}
        plugin.answers["positions"] = lambda params: [
            {"symbol": "BTC_USDT.swap", "side": "long", "amount": "2"}
        ]
        async with desk(plugin, symbols="") as found:
            assert [each.symbol for each in await found.connector.instruments()] == ["SOL/USDT"]
            assert "futures" in found.of(VenueNotice)[0].text
        assert "marginlevel" not in plugin.counts(), "what changes something is not tried out"

    run(main())


def test_a_market_without_a_tick_is_shown_as_finely_as_its_book_before_the_book_comes() -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.answers["depth"] = lambda params: {
            "bids": [[98600, 1], [98599.5, 1]],
            "asks": [["98601.00", 2]],
        }
        plugin.place(status="pending", price="98000.25")
        async with desk(plugin, symbols="ETH_USDT") as found:
            await eventually(lambda: bool(found.of(InstrumentsChanged)))
            (by_order,) = found.of(InstrumentsChanged)[0].instruments
            assert by_order.price_decimals == 2, "an order from elsewhere is never shown rounded"
        plugin.orders.clear()
        async with desk(plugin, symbols="ETH_USDT") as found:
            await found.connector.subscribe(BOOK)
            await eventually(lambda: len(found.of(BookSnapshot)) > 3)
            (changed,) = found.of(InstrumentsChanged)
            (shown,) = changed.instruments
            assert (shown.tick_size, shown.price_decimals, shown.is_tick_told) == (D("0.1"), 1, False)
            assert found.events.index(changed) < found.events.index(found.of(BookSnapshot)[0])
            assert (await found.connector.instruments())[0] == shown

    run(main())


def test_without_markets_and_without_symbols_the_person_is_asked_for_them() -> None:
    async def main() -> None:
        async with running(Plugin()) as plugin:
            connector = connector_of(plugin, symbols="")
            with pytest.raises(SettingsError) as caught:
                await connector.instruments()
            assert "BTC_USDT" in caught.value.user_text
            await connector.close()

    run(main())


def test_bars_of_the_past_come_in_order_and_end_where_the_plugin_ends() -> None:
    async def main() -> None:
        plugin, parts = Plugin(), list[Decimal]()
        plugin.answers["records"] = lambda params: [
            [1_700_000_000_000 - 60_000 * number, 1, 2, "0.5", 1.5, 3]
            for number in range(int(params["limit"]))
        ]
        async with desk(plugin, records_limit="50") as found:
            bars = await found.connector.bars("ETH/USDT", 60, limit=20, progress=parts.append)
            assert [bar.open_ns for bar in bars] == sorted(bar.open_ns for bar in bars)
            assert (len(bars), parts) == (20, [D(1)])
            older = await found.connector.bars("ETH/USDT", 60, end_ns=bars[0].open_ns, limit=20)
            assert [bar.open_ns for bar in (older[-1], bars[0])] == [
                bars[0].open_ns - 60 * 10**9,
                bars[0].open_ns,
            ]
            assert plugin.sent("records")[-1]["limit"] == "50"
            assert await found.connector.bars("ETH/USDT", 60, end_ns=1, limit=20) == []

    run(main())


def test_after_a_sleep_nothing_is_taken_for_granted() -> None:
    async def main() -> None:
        async with desk() as found:
            await found.connector.subscribe(BOOK)
            await eventually(lambda: found.of(BookSnapshot))
            found.connector.reconnect("This computer was asleep.")
            assert found.of(FeedInterrupted)[0].feed == BOOK
            assert found.links == {"public": LinkState.RECONNECTING, "private": LinkState.RECONNECTING}
            shown = len(found.of(BookSnapshot))
            await eventually(lambda: len(found.of(BookSnapshot)) > shown)
            await found.until_live()
            assert found.connector.health().reconnects == 1

    run(main())


def test_without_keys_a_plugin_is_not_asked() -> None:
    async def main() -> None:
        async with running(Plugin()) as plugin:
            connector = connector_of(plugin, access="", secret="")
            with pytest.raises(CredentialError):
                await connector.connect(_Ears())
            await connector.close()
            assert plugin.calls == []

    run(main())


def test_a_refused_key_waits_for_a_person_and_prices_go_on() -> None:
    async def main() -> None:
        plugin = Plugin()
        plugin.always("accounts", '{"code":"50113","msg":"Invalid Sign"}')
        async with running(plugin):
            connector, found = connector_of(plugin), _Ears()
            try:
                with pytest.raises(AuthRejected) as caught:
                    await connector.test_credentials()
                assert caught.value.repair == "open_key_page"
                await connector.connect(found)
                await connector.subscribe(QUOTES)
                await eventually(lambda: found.links.get("private") is LinkState.FAILED)
                await eventually(lambda: found.has(Quote))
                tried = plugin.counts()["accounts"]
                polled = plugin.counts()["ticker"]
                await eventually(lambda: plugin.counts()["ticker"] > polled + 3)
                assert plugin.counts()["accounts"] == tried, "a wrong key is not tried over and over"
            finally:
                await connector.close()

    run(main())


def test_closing_ends_everything_even_in_the_middle_of_a_call() -> None:
    async def main() -> None:
        plugin = Plugin()
        async with desk(plugin) as found:
            await found.connector.subscribe(QUOTES)
            plugin.fail("ticker", "slow")
            await eventually(lambda: plugin.faults["ticker"] == type(plugin.faults["ticker"])())
            told = len(found.events)
            async with asyncio.timeout(10):
                await found.connector.close()
                await found.connector.close()
            assert len(found.events) == told

    run(main())
