from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from terminal.core.clock import SystemClock
from terminal.domain.errors import Unsupported
from terminal.domain.events import (
    BarUpdate,
    FeedConfirmed,
    FeedInterrupted,
    FeedRefused,
    ForAccount,
    InstrumentsChanged,
    LinkState,
    VenueEvent,
)
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookSnapshot, Feed, FeedKind, Quote
from terminal.services.market_data import FeedState, MarketData
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.connector import CtraderConnector
from tests.helpers import eventually, run
from tests.unit.venues.ctrader.fake_venue import (
    DEMO,
    EURUSD,
    NUMBERS,
    OTHER_DEMO,
    US500,
    USDJPY,
    XAUUSD,
    Desk,
    Wire,
    desk,
)

D = Decimal
QUOTES = Feed(FeedKind.QUOTES, "EUR/USD")
BOOK = Feed(FeedKind.BOOK, "EUR/USD", depth=100)
M1 = Feed(FeedKind.BARS, "EUR/USD", interval_s=60)


def depth(
    *quotes: tuple[int, str, int, int], gone: tuple[int, ...] = (), **more: Any
) -> pb.ProtoOADepthEvent:
    fields: dict[str, Any] = {"ctidTraderAccountId": DEMO, "symbolId": EURUSD, "deletedQuotes": gone, **more}
    made = pb.ProtoOADepthEvent(**fields)
    for quote_id, side, at, size in quotes:
        quote: dict[str, Any] = {"id": quote_id, "size": size, side: at}
        made.newQuotes.add(**quote)
    return made


def spot(symbol: int = EURUSD, account: int = DEMO, **fields: Any) -> pb.ProtoOASpotEvent:
    return pb.ProtoOASpotEvent(ctidTraderAccountId=account, symbolId=symbol, **fields)


async def ready(found: Desk, *feeds: Feed, **build: Any) -> CtraderConnector:
    connector = found.build(**build)
    await connector.connect(found.events.append)
    await connector.instruments()
    for feed in feeds:
        await connector.subscribe(feed)
    for feed in feeds:
        await eventually(lambda feed=feed: FeedConfirmed(feed) in found.events, what=f"{feed}")  # type: ignore[misc]
    return connector


def test_feeds_of_many_symbols_are_asked_for_together() -> None:
    async def main() -> None:
        async with desk() as found:
            feeds = [Feed(FeedKind.QUOTES, each) for each in ("EUR/USD", "USD/JPY", "XAU/USD", "US500")]
            connector = found.build()
            for feed in feeds:
                await connector.subscribe(feed)
            await connector.connect(found.events.append)
            await eventually(lambda: len(found.of(FeedConfirmed)) == 4)
            (request,) = found.demo.heard(pb.ProtoOASubscribeSpotsReq)
            assert sorted(request.symbolId) == [EURUSD, USDJPY, XAUUSD, US500]
            assert request.subscribeToSpotTimestamp
            (details,) = found.demo.heard(pb.ProtoOASymbolByIdReq)
            assert sorted(details.symbolId) == [EURUSD, USDJPY, XAUUSD, US500]

    run(main())


def test_depth_and_bars_stand_on_the_spots_and_leave_before_them() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = await ready(found, BOOK, M1)
            kinds = [NUMBERS_BACK[number] for number, _, _ in found.demo.wire.heard if number in NUMBERS_BACK]
            assert kinds.index("spots") < min(kinds.index("depth"), kinds.index("bars"))
            await connector.unsubscribe(BOOK)
            await connector.unsubscribe(M1)
            await eventually(lambda: found.demo.heard(pb.ProtoOAUnsubscribeSpotsReq))
            kinds = [NUMBERS_BACK[number] for number, _, _ in found.demo.wire.heard if number in NUMBERS_BACK]
            assert kinds[-1] == "no spots"
            assert {"no depth", "no bars"} <= set(kinds)
            found.demo.push(depth((1, "bid", 114_814, 100)))
            found.demo.push(spot(bid=114_814))
            await connector.subscribe(QUOTES)
            await eventually(lambda: FeedConfirmed(QUOTES) in found.events)
            assert not found.of(BookSnapshot)

    run(main())


NUMBERS_BACK = {
    NUMBERS[pb.ProtoOASubscribeSpotsReq]: "spots",
    NUMBERS[pb.ProtoOASubscribeDepthQuotesReq]: "depth",
    NUMBERS[pb.ProtoOASubscribeLiveTrendbarReq]: "bars",
    NUMBERS[pb.ProtoOAUnsubscribeSpotsReq]: "no spots",
    NUMBERS[pb.ProtoOAUnsubscribeDepthQuotesReq]: "no depth",
    NUMBERS[pb.ProtoOAUnsubscribeLiveTrendbarReq]: "no bars",
}


def test_one_sided_events_make_whole_quotes() -> None:
    async def main() -> None:
        async with desk() as found:
            found.demo.spots[EURUSD] = spot(bid=114_814, ask=114_816, sessionClose=114_800)
            await ready(found, QUOTES)
            await eventually(lambda: found.of(Quote))
            found.demo.push(spot(ask=114_820))
            await eventually(lambda: found.of(Quote)[-1].ask == D("1.14820"))
            assert found.of(Quote)[-1].bid == D("1.14814")
            assert found.of(Quote)[-1].change_24h == D("0.00014")

    run(main())


def test_live_bars_close_at_the_bid() -> None:
    async def main() -> None:
        async with desk() as found:
            await ready(found, M1)
            bar: dict[str, Any] = {
                "volume": 40,
                "period": pb.M1,
                "low": 114_791,
                "deltaOpen": 22,
                "deltaHigh": 44,
                "utcTimestampInMinutes": 29_828_535,
            }
            found.demo.push(spot(bid=114_826, trendbar=[bar]))
            await eventually(lambda: found.of(BarUpdate))
            (update,) = found.of(BarUpdate)
            assert update.instrument == InstrumentId("ctrader", "EUR/USD")
            assert (update.interval_s, update.bar.close) == (60, D("1.14826"))

    run(main())


def test_the_ladder_is_live_and_live_again_after_a_resync() -> None:
    async def main() -> None:
        async with desk() as found:
            market = MarketData(SystemClock())
            found.demo.depth[EURUSD] = depth((1, "bid", 114_814, 100_000), (2, "ask", 114_816, 200_000))
            connector = found.build()

            def sink(event: VenueEvent) -> None:
                found.events.append(event)
                market.ingest("ctrader", event)

            await connector.connect(sink)
            await connector.instruments()
            market.attach("ctrader", connector)
            market.set_stale("ctrader", False)
            instrument = InstrumentId("ctrader", "EUR/USD")
            release = market.watch(BOOK, "ctrader")

            def state() -> FeedState:
                market.flush()
                return market.book_state(instrument)

            await eventually(lambda: state() is FeedState.LIVE)
            book = market.book(instrument)
            assert book is not None
            assert book.best_bid is not None
            assert (book.best_bid.price, book.best_bid.quantity) == (D("1.14814"), D(1000))

            # Crossed prices cannot be: the book is taken again, from nothing.
            found.demo.depth[EURUSD] = depth((7, "bid", 114_810, 100), (8, "ask", 114_811, 100))
            found.demo.push(depth((3, "bid", 114_900, 100)))
            await eventually(lambda: state() is FeedState.STALE)
            await eventually(lambda: state() is FeedState.LIVE)
            book = market.book(instrument)
            assert book is not None
            assert book.level_counts() == (1, 1)
            assert market.resyncs == 1
            assert len(found.demo.heard(pb.ProtoOAUnsubscribeDepthQuotesReq)) == 1
            release()

    run(main())


def test_what_comes_between_the_end_and_the_new_beginning_is_of_the_old_book() -> None:
    async def main() -> None:
        async with desk() as found:
            found.demo.depth[EURUSD] = depth((1, "bid", 114_814, 100))
            connector = await ready(found, BOOK)
            await eventually(lambda: found.of(BookSnapshot))

            def leave(wire: Wire, message: Any, message_id: str) -> None:
                wire.send(depth((50, "bid", 114_000, 100)))
                found.demo.usual(wire, message, message_id)

            found.demo.on[NUMBERS[pb.ProtoOAUnsubscribeDepthQuotesReq]] = leave
            await connector.resync(BOOK)
            await connector.resync(BOOK)
            await eventually(lambda: len(found.of(BookSnapshot)) == 2)
            assert len(found.demo.heard(pb.ProtoOASubscribeDepthQuotesReq)) == 2
            assert found.of(FeedInterrupted) == [FeedInterrupted(BOOK, "These prices are being taken again.")]
            assert not found.of(BookDelta)
            assert [level.price for level in found.of(BookSnapshot)[-1].bids] == [D("1.14814")]

    run(main())


def test_a_depth_event_that_cannot_be_read_costs_the_books_their_word() -> None:
    async def main() -> None:
        async with desk() as found:
            found.demo.depth[EURUSD] = depth((1, "bid", 114_814, 100))
            await ready(found, BOOK)
            await eventually(lambda: found.of(BookSnapshot))
            broken = pb.ProtoMessage(payloadType=2155, payload=b"\xff\xff\xff").SerializeToString()
            found.demo.wire.raw(len(broken).to_bytes(4, "big") + broken)
            await eventually(lambda: len(found.of(BookSnapshot)) == 2)
            assert found.of(FeedInterrupted)
            assert len(found.demo.wires) == 1

    run(main())


def test_a_symbol_without_any_depth_has_an_empty_book() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = await ready(found, BOOK)
            assert not found.of(BookSnapshot)
            connector._feeds._confirmed_ns[EURUSD] = 0  # confirmed long ago
            await eventually(lambda: found.of(BookSnapshot))
            (snapshot,) = found.of(BookSnapshot)
            assert not snapshot.bids
            assert not snapshot.asks
            found.demo.push(depth((1, "bid", 114_814, 100)))
            await eventually(lambda: found.of(BookDelta))

    run(main())


def test_a_book_that_the_server_had_subscribed_already_is_taken_from_its_beginning() -> None:
    async def main() -> None:
        async with desk() as found:
            found.demo.depth[EURUSD] = depth((1, "bid", 114_814, 100))
            first = True

            def already(wire: Wire, message: Any, message_id: str) -> None:
                nonlocal first
                if first:
                    first = False
                    wire.fail(message_id, "ALREADY_SUBSCRIBED")
                else:
                    found.demo.usual(wire, message, message_id)

            found.demo.on[NUMBERS[pb.ProtoOASubscribeDepthQuotesReq]] = already
            await ready(found, BOOK)
            await eventually(lambda: found.of(BookSnapshot))
            assert len(found.demo.heard(pb.ProtoOAUnsubscribeDepthQuotesReq)) == 1

    run(main())


def test_after_a_cut_every_feed_is_interrupted_and_taken_again() -> None:
    async def main() -> None:
        async with desk() as found:
            found.demo.spots[EURUSD] = spot(bid=114_814, ask=114_816)
            found.demo.depth[EURUSD] = depth((1, "bid", 114_814, 100))
            await ready(found, QUOTES, BOOK, M1)
            await eventually(lambda: found.of(BookSnapshot))
            before = len(found.events)
            found.demo.wire.cut()
            await eventually(
                lambda: {FeedConfirmed(each) for each in (QUOTES, BOOK, M1)} <= set(found.events[before:])
            )
            kinds = [type(each) for each in found.events[before:]]
            assert kinds.count(FeedInterrupted) == 3
            assert kinds.index(FeedInterrupted) < kinds.index(FeedConfirmed)
            await eventually(lambda: len(found.of(BookSnapshot)) == 2)

    run(main())


def test_a_signed_out_account_interrupts_its_feeds_until_it_is_back() -> None:
    async def main() -> None:
        async with desk() as found:
            await ready(found, QUOTES)
            before = len(found.events)
            found.demo.wire.accounts.clear()
            found.demo.push(pb.ProtoOAAccountDisconnectEvent(ctidTraderAccountId=DEMO))
            await eventually(lambda: FeedConfirmed(QUOTES) in found.events[before:])
            assert FeedInterrupted in {type(each) for each in found.events[before:]}

    run(main())


def test_symbols_that_the_broker_does_not_have_are_refused_and_cost_the_others_nothing() -> None:
    async def main() -> None:
        async with desk() as found:
            nobody = Feed(FeedKind.QUOTES, "BTC/USD")
            refused = Feed(FeedKind.QUOTES, "XAU/USD")

            def subscribe(wire: Wire, message: Any, message_id: str) -> None:
                if XAUUSD in message.symbolId:
                    wire.fail(message_id, "SYMBOL_NOT_FOUND")
                else:
                    found.demo.usual(wire, message, message_id)

            found.demo.on[NUMBERS[pb.ProtoOASubscribeSpotsReq]] = subscribe
            connector = found.build()
            for feed in (QUOTES, nobody, refused):
                await connector.subscribe(feed)
            await connector.connect(found.events.append)
            await eventually(
                lambda: len(found.of(FeedRefused)) == 2 and FeedConfirmed(QUOTES) in found.events
            )
            reasons = {each.feed: each.reason for each in found.of(FeedRefused)}
            assert "does not list BTC/USD" in reasons[nobody]
            assert reasons[refused] == "The broker does not list this symbol."

    run(main())


def test_a_record_that_cannot_be_had_costs_its_own_feed_alone() -> None:
    async def main() -> None:
        async with desk() as found:
            refused = Feed(FeedKind.QUOTES, "XAU/USD")

            def details(wire: Wire, message: Any, message_id: str) -> None:
                if XAUUSD in message.symbolId:
                    wire.fail(message_id, "SYMBOL_NOT_FOUND")
                else:
                    found.demo.usual(wire, message, message_id)

            found.demo.on[NUMBERS[pb.ProtoOASymbolByIdReq]] = details
            connector = await ready(found, QUOTES)
            await connector.subscribe(refused)
            await eventually(lambda: found.of(FeedRefused))
            assert found.of(FeedRefused)[0].feed == refused
            await connector.subscribe(Feed(FeedKind.QUOTES, "USD/JPY"))
            await eventually(lambda: len(found.of(FeedConfirmed)) == 2)

    run(main())


def test_a_symbol_that_was_delisted_meanwhile_does_not_cost_the_account() -> None:
    async def main() -> None:
        async with desk() as found:
            await ready(found, QUOTES)
            found.demo.on[NUMBERS[pb.ProtoOASymbolByIdReq]] = lambda wire, message, message_id: wire.fail(
                message_id, "SYMBOL_NOT_FOUND"
            )
            found.demo.wire.cut()
            await eventually(lambda: found.hands[DEMO].syncs == 2)
            await eventually(lambda: found.of(ForAccount)[-1].event is LinkState.LIVE)

    run(main())


def test_what_the_venue_does_not_have_is_refused_before_anything_is_sent() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = found.build()
            with pytest.raises(Unsupported):
                await connector.subscribe(Feed(FeedKind.TRADES, "EUR/USD"))
            with pytest.raises(Unsupported):
                await connector.subscribe(Feed(FeedKind.BARS, "EUR/USD", interval_s=61))
            assert FeedKind.TRADES not in connector.info.capabilities.feeds
            assert connector.book_checker("EUR/USD") is None

    run(main())


def test_a_feed_moves_to_the_other_account_when_the_first_is_left() -> None:
    async def main() -> None:
        async with desk() as found:
            found.demo.listed = found.live.listed = [
                pb.ProtoOACtidTraderAccount(ctidTraderAccountId=each, isLive=False)
                for each in (DEMO, OTHER_DEMO)
            ]
            connector = await ready(found, QUOTES)
            await eventually(lambda: ForAccount(str(OTHER_DEMO), LinkState.LIVE) in found.events)
            before = len(found.events)
            await connector.show_accounts([str(OTHER_DEMO)])
            await eventually(lambda: FeedConfirmed(QUOTES) in found.events[before:])
            request = found.demo.heard(pb.ProtoOASubscribeSpotsReq)[-1]
            assert request.ctidTraderAccountId == OTHER_DEMO
            found.demo.spot(account=DEMO, bid=1)
            found.demo.spot(account=OTHER_DEMO, bid=114_814)
            await eventually(lambda: found.of(Quote))
            assert [quote.bid for quote in found.of(Quote)] == [D("1.14814")]

    run(main())


def test_a_ten_thousand_symbol_list_is_handed_over_in_small_parts() -> None:
    async def main() -> None:
        async with desk() as found:
            found.demo.light = [
                pb.ProtoOALightSymbol(
                    symbolId=number, symbolName=f"SHARE{number}", baseAssetId=17, quoteAssetId=15
                )
                for number in range(1, 10_001)
            ]
            connector = found.build()
            await connector.connect(found.events.append)
            instruments = await connector.instruments()
            assert len(instruments) == 10_000
            assert not instruments[0].is_detailed
            parts = found.of(InstrumentsChanged)
            assert sum(len(part.instruments) for part in parts) == 10_000
            assert max(len(part.instruments) for part in parts) <= 250

    run(main())


def test_a_session_that_ends_or_begins_is_told() -> None:
    async def main() -> None:
        async with desk() as found:
            connector = await ready(found, QUOTES)
            assert connector._accounts is not None
            symbols = connector._accounts.all[DEMO].symbols
            listing = symbols.require("EUR/USD")
            assert listing.detail is not None
            before = len(found.of(InstrumentsChanged))
            # The broker now trades it never: the venue says which symbols to read again.
            found.demo.full[EURUSD].schedule.add(startSecond=0, endSecond=0)
            found.demo.push(pb.ProtoOASymbolChangedEvent(ctidTraderAccountId=DEMO, symbolId=[EURUSD, US500]))
            await eventually(lambda: len(found.of(InstrumentsChanged)) > before)
            (changed,) = found.of(InstrumentsChanged)[-1].instruments
            assert changed.symbol == "EUR/USD"
            assert changed.status.value == "closed"
            # US500 is not in use: its record is read when it is.
            assert found.demo.heard(pb.ProtoOASymbolByIdReq)[-1].symbolId == [EURUSD]

    run(main())
