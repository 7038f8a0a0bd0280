from __future__ import annotations

from decimal import Decimal
from typing import Any

from terminal.domain.events import (
    AccountsChanged,
    FeedConfirmed,
    ForAccount,
    LinkChanged,
    LinkState,
)
from terminal.domain.market import BookSnapshot, Feed, FeedKind, Quote
from terminal.venues.ctrader import openapi_pb2 as pb
from tests.helpers import eventually, run
from tests.unit.venues.ctrader.fake_venue import DEMO, EURUSD, desk

D = Decimal


def test_from_the_sign_in_to_a_price_and_a_book() -> None:
    async def main() -> None:
        async with desk() as found:
            named: dict[str, Any] = {"ctidTraderAccountId": DEMO, "symbolId": EURUSD}
            found.demo.spots[EURUSD] = pb.ProtoOASpotEvent(
                **named, bid=114814, ask=114816, sessionClose=114800, timestamp=1700000000000
            )
            found.demo.depth[EURUSD] = pb.ProtoOADepthEvent(
                **named,
                newQuotes=[{"id": 7, "size": 100000, "bid": 114814}, {"id": 8, "size": 50, "ask": 114816}],
            )
            connector = found.build()
            await connector.connect(found.events.append)
            instruments = await connector.instruments()
            assert [each.symbol for each in instruments] == [
                "EUR/USD",
                "USD/JPY",
                "EUR/JPY",
                "XAU/USD",
                "US500",
            ]
            await eventually(lambda: ForAccount(str(DEMO), LinkState.LIVE) in found.events)
            quotes, book = Feed(FeedKind.QUOTES, "EUR/USD"), Feed(FeedKind.BOOK, "EUR/USD", depth=100)
            await connector.subscribe(quotes)
            await connector.subscribe(book)
            await eventually(lambda: found.of(Quote) and found.of(BookSnapshot))
            quote = found.of(Quote)[-1]
            assert (quote.bid, quote.ask) == (D("1.14814"), D("1.14816"))
            assert quote.change_24h == D("0.00014")
            snapshot = found.of(BookSnapshot)[-1]
            assert snapshot.bids == ((D("1.14814"), D(1000)),)
            assert snapshot.asks == ((D("1.14816"), D("0.50")),)
            assert {FeedConfirmed(quotes), FeedConfirmed(book)} <= set(found.of(FeedConfirmed))
            (changed, *_rest) = found.of(AccountsChanged)
            assert [each.account_id for each in changed.accounts] == [str(DEMO)]
            assert found.of(LinkChanged)[-1].state is LinkState.LIVE

    run(main())
