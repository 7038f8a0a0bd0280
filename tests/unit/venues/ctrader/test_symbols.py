from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import pytest
from google.protobuf.message import Message

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.domain.errors import RequestRejected, VenueUnavailable
from terminal.domain.instrument import MarketStatus
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.conversions import Conversions
from terminal.venues.ctrader.streams import Streams
from terminal.venues.ctrader.symbols import Listing, Symbols
from tests.helpers import eventually, run
from tests.unit.venues.ctrader.fake_venue import (
    DEMO,
    EUR,
    EURJPY,
    EURUSD,
    JPY,
    SPX,
    US500,
    USD,
    USDJPY,
    FakeVenue,
    full_symbol,
)

D = Decimal


class Answers:
    """A client that answers as the fake venue does, without a socket."""

    def __init__(self) -> None:
        self.venue = FakeVenue(0)
        self.asked: list[Any] = []
        self.errors: dict[type[Message], Exception] = {}
        self.hold: asyncio.Event | None = None
        self.sent: list[Any] = []
        self.accounts = {DEMO}

    def send(self, message: Message, message_id: str = "") -> None:
        self.sent.append(message)

    def fail(self, message_id: str, code: str, description: str = "", **more: Any) -> None:
        raise AssertionError(f"{code} {description}")

    async def request(self, message: Message, **terms: Any) -> Any:
        self.asked.append(message)
        if self.hold is not None:
            await self.hold.wait()
        await asyncio.sleep(0)
        if type(message) in self.errors:
            raise self.errors[type(message)]
        self.sent.clear()
        self.venue.serve_account(cast("Any", self), message, "", DEMO)
        return self.sent[0]

    request_or_done = request

    def of(self, kind: type[Message]) -> list[Any]:
        return [each for each in self.asked if isinstance(each, kind)]


class Table:
    """Symbols on such a client."""

    def __init__(self) -> None:
        self.client = Answers()
        self.clock = ManualClock(wall_ns=1_719_792_000_000_000_000)  # a Monday, 00:00 UTC
        self.changed: list[Listing] = []
        self.prices: dict[int, Decimal] = {}
        self.symbols = Symbols(
            cast("Client", self.client),
            DEMO,
            self.clock,
            price=self.prices.get,
            on_changed=self.changed.extend,
        )


def test_names_assets_and_categories_come_with_the_light_list() -> None:
    async def main() -> None:
        table = Table()
        await table.symbols.load()
        found = {each.symbol: each for each in table.symbols.instruments()}
        pair, index = found["EUR/USD"], found["US500"]
        assert (pair.venue_symbol, pair.base, pair.quote) == ("EURUSD", "EUR", "USD")
        assert (pair.category, pair.description) == ("Forex / Majors", "EURUSD in words")
        assert not pair.is_detailed
        assert (index.venue_symbol, index.category) == ("US500", "Indices / US")
        assert not table.client.of(pb.ProtoOASymbolByIdReq)
        assert table.symbols.asset_id("USD") == USD
        by_id = table.symbols.by_id(EURUSD)
        assert by_id is not None
        assert by_id is table.symbols.find("EUR/USD")
        assert by_id.symbol == "EUR/USD"
        with pytest.raises(RequestRejected, match="BTC"):
            table.symbols.require("BTC/USD")

    run(main())


def test_a_pair_that_is_listed_twice_keeps_both_names_apart() -> None:
    async def main() -> None:
        table = Table()
        table.client.venue.light.append(
            pb.ProtoOALightSymbol(symbolId=900, symbolName="EURUSD", baseAssetId=EUR, quoteAssetId=USD)
        )
        table.client.venue.light.append(pb.ProtoOALightSymbol(symbolId=901))
        await table.symbols.load()
        names = [each.symbol for each in table.symbols.instruments()]
        assert len(set(names)) == len(names)
        assert names[-2:] == ["EURUSD", "901"]

    run(main())


def test_a_symbol_that_is_switched_off_is_closed() -> None:
    async def main() -> None:
        table = Table()
        table.client.venue.light[0].enabled = False
        await table.symbols.load()
        assert table.symbols.instruments()[0].status is MarketStatus.CLOSED

    run(main())


def test_a_server_without_categories_has_a_flat_list() -> None:
    async def main() -> None:
        table = Table()
        table.client.errors[pb.ProtoOAAssetClassListReq] = RequestRejected("ctrader", "unsupported")
        await table.symbols.load()
        assert table.symbols.instruments()[0].category == ""

    run(main())


def test_full_records_are_fetched_once_when_first_used_and_a_hundred_at_a_time() -> None:
    async def main() -> None:
        table = Table()
        venue = table.client.venue
        venue.light = [
            pb.ProtoOALightSymbol(symbolId=n, symbolName=f"S{n}", baseAssetId=EUR, quoteAssetId=USD)
            for n in range(1, 251)
        ]
        venue.full = {n: full_symbol(n, 2, 1, 100) for n in range(1, 251)}
        await table.symbols.load()
        await table.symbols.details(["S1", "S2", "nobody"])
        await table.symbols.details(["S1"])
        assert [list(each.symbolId) for each in table.client.of(pb.ProtoOASymbolByIdReq)] == [[1, 2]]
        assert [each.symbol for each in table.changed] == ["S1", "S2"]
        await table.symbols.details_of(range(1, 251))
        assert [len(each.symbolId) for each in table.client.of(pb.ProtoOASymbolByIdReq)] == [2, 100, 100, 48]
        assert all(each.is_detailed for each in table.symbols.instruments())

    run(main())


def test_two_who_want_the_same_record_ask_for_it_once() -> None:
    async def main() -> None:
        table = Table()
        await table.symbols.load()
        table.client.hold = asyncio.Event()
        both = [tasks.spawn(table.symbols.details(["EUR/USD"]), name=f"details {n}") for n in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        table.client.hold.set()
        await asyncio.gather(*both)
        assert len(table.client.of(pb.ProtoOASymbolByIdReq)) == 1

    run(main())


def test_a_failure_reaches_all_who_wait_and_the_next_question_is_asked_again() -> None:
    async def main() -> None:
        table = Table()
        await table.symbols.load()
        table.client.errors[pb.ProtoOASymbolByIdReq] = VenueUnavailable("ctrader", "down")
        for _ in range(2):
            with pytest.raises(VenueUnavailable):
                await table.symbols.details(["EUR/USD"])
        table.client.errors.clear()
        await table.symbols.details(["EUR/USD"])
        listing = table.symbols.require("EUR/USD")
        assert listing.detail is not None
        assert listing.digits == 5

    run(main())


def test_a_record_that_lacks_its_digits_is_none() -> None:
    async def main() -> None:
        table = Table()
        table.client.venue.full[EURUSD] = pb.ProtoOASymbol(symbolId=EURUSD, pipPosition=4)
        await table.symbols.load()
        await table.symbols.details(["EUR/USD"])
        assert table.symbols.require("EUR/USD").detail is None

    run(main())


def test_reading_the_list_again_keeps_the_records_in_use_and_renews_them() -> None:
    async def main() -> None:
        table = Table()
        await table.symbols.load()
        await table.symbols.details(["EUR/USD"])
        table.client.venue.full[EURUSD] = full_symbol(EURUSD, 4, 4, 10_000_000)
        await table.symbols.load()
        listing = table.symbols.require("EUR/USD")
        assert listing.digits == 4
        assert listing.instrument.tick_size == D("0.0001")
        assert [each.symbol for each in table.symbols.used()] == ["EUR/USD"]

    run(main())


def test_a_market_closes_and_opens_by_its_sessions() -> None:
    async def main() -> None:
        table = Table()
        table.client.venue.full[EURUSD] = full_symbol(
            EURUSD,
            5,
            4,
            10_000_000,
            scheduleTimeZone="UTC",
            # Monday 01:00 to 02:00.
            schedule=[{"startSecond": 90_000, "endSecond": 93_600}],
        )
        await table.symbols.load()
        await table.symbols.details(["EUR/USD", "US500"])
        seen = []
        for _ in range(4):
            table.changed.clear()
            table.symbols.refresh()
            seen.append([(each.symbol, each.instrument.status) for each in table.changed])
            table.clock.advance(3600)
        assert seen == [
            [],
            [("EUR/USD", MarketStatus.ONLINE)],
            [("EUR/USD", MarketStatus.CLOSED)],
            [],
        ]
        schedule = table.symbols.require("EUR/USD").instrument.schedule
        assert schedule is not None
        assert schedule.next_open_ns(table.clock.wall_ns()) == (1_719_792_000 + 7 * 86_400 + 3600) * 10**9

    run(main())


def test_a_swap_in_per_cent_is_told_when_there_is_a_price() -> None:
    async def main() -> None:
        table = Table()
        table.client.venue.full[US500] = full_symbol(
            US500, 2, 0, 100, swapCalculationType=pb.PERCENTAGE, swapLong=-3.65
        )
        await table.symbols.load()
        await table.symbols.details(["US500"])
        assert table.symbols.require("US500").instrument.swap is None
        table.prices[US500] = D(5000)
        table.changed.clear()
        table.symbols.refresh()
        (changed,) = table.changed
        assert changed.instrument.swap is not None
        assert changed.instrument.swap.long == D("-0.5")

    run(main())


class Rates(Table):
    """Conversions on such symbols, with prices to set."""

    def __init__(self) -> None:
        super().__init__()
        client = cast("Client", self.client)
        self.streams = Streams(client, DEMO, self.symbols, self.clock)
        self.rates = Conversions(client, DEMO, self.symbols, self.streams)
        self.streams.is_open = True

    def price(self, symbol_id: int, bid: int, ask: int) -> None:
        event = pb.ProtoOASpotEvent(ctidTraderAccountId=DEMO, symbolId=symbol_id, bid=bid, ask=ask)
        self.streams.spot(symbol_id).take(event, 0)

    async def close(self) -> None:
        await self.rates.close()
        await self.streams.close()


def with_rates(use: Callable[[Rates], Any]) -> None:
    async def main() -> None:
        rates = Rates()
        await rates.symbols.load()
        try:
            await use(rates)
        finally:
            await rates.close()

    run(main())


def test_a_rate_follows_the_middle_prices_along_the_chain() -> None:
    async def use(table: Rates) -> None:
        table.client.venue.chains = {(USD, JPY): [USDJPY], (JPY, USD): [USDJPY], (EUR, JPY): [EURUSD, USDJPY]}
        assert table.rates.rate("USD", "USD") == 1
        for pair in (("USD", "JPY"), ("JPY", "USD"), ("EUR", "JPY")):
            await table.rates.prepare(*pair)
            assert table.rates.rate(*pair) is None
        table.price(USDJPY, 15_000_000, 15_002_000)
        assert table.rates.rate("USD", "JPY") == D("150.01")
        assert table.rates.rate("JPY", "USD") == 1 / D("150.01")
        assert table.rates.rate("EUR", "JPY") is None
        table.price(EURUSD, 110_000, 110_002)
        assert table.rates.rate("EUR", "JPY") == D("1.10001") * D("150.01")
        table.price(USDJPY, 16_000_000, 16_000_000)
        assert table.rates.rate("USD", "JPY") == 160
        await table.rates.prepare("USD", "JPY")
        assert len(table.client.of(pb.ProtoOASymbolsForConversionReq)) == 3
        await eventually(lambda: table.client.of(pb.ProtoOASubscribeSpotsReq))

    with_rates(use)


def test_the_first_question_finds_the_chain_out() -> None:
    async def use(table: Rates) -> None:
        table.client.venue.chains = {(EUR, JPY): [EURJPY]}
        assert table.rates.rate("EUR", "JPY") is None
        await eventually(lambda: table.client.of(pb.ProtoOASymbolsForConversionReq))
        await eventually(lambda: EURJPY in table.streams.spots)
        table.price(EURJPY, 16_000_000, 16_000_000)
        await eventually(lambda: table.rates.rate("EUR", "JPY") == 160)

    with_rates(use)


def test_a_chain_that_leads_elsewhere_is_no_chain() -> None:
    async def use(table: Rates) -> None:
        for chain in ([], [USDJPY], [EURUSD, EURJPY]):
            table.client.venue.chains = {(EUR, USD): chain, (SPX, USD): [US500]}
            with pytest.raises(RequestRejected, match="no prices that lead"):
                await table.rates.prepare("EUR", "USD")
        with pytest.raises(RequestRejected):
            await table.rates.prepare("EUR", "XYZ")
        await table.rates.prepare("US500", "USD")

    with_rates(use)


def test_a_chain_that_cannot_be_had_is_not_asked_for_at_every_price() -> None:
    async def use(table: Rates) -> None:
        for _ in range(5):
            assert table.rates.rate("EUR", "USD") is None
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await eventually(lambda: len(table.client.of(pb.ProtoOASymbolsForConversionReq)) == 1)
        assert table.rates.rate("EUR", "USD") is None
        assert len(table.client.of(pb.ProtoOASymbolsForConversionReq)) == 1

    with_rates(use)
