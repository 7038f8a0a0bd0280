"""Kraken's own sample payloads through every public parser, and figures that no market can have."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.book import BookFault, OrderBook
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Bar, BookDelta, Level, Side
from terminal.venues.kraken import parse
from tests.unit.venues.kraken import samples

BTC = InstrumentId("kraken", "BTC/USD")
RECEIVED = 1_716_137_124_300_000_000


def pairs(levels: Iterable[Level]) -> list[tuple[Decimal, Decimal]]:
    return [(level.price, level.quantity) for level in levels]


def test_ticker() -> None:
    quote = parse.quote(parse.decode_ticker(samples.TICKER).data[0], BTC, RECEIVED)
    assert (quote.bid, quote.bid_quantity) == (Decimal("65843.7"), Decimal("12.31628629"))
    assert (quote.ask, quote.ask_quantity) == (Decimal("65843.8"), Decimal("0.31232000"))
    assert quote.last == Decimal("65843.7")
    assert (quote.low_24h, quote.high_24h) == (Decimal("61325.4"), Decimal("66450.0"))
    assert (quote.change_24h, quote.change_24h_pct) == (Decimal("4213.8"), Decimal("6.84"))
    assert quote.ts_event_ns == 1_716_137_124_204_654_000
    assert quote.ts_received_ns == RECEIVED


def test_ticker_of_an_older_server_without_a_timestamp() -> None:
    text = samples.TICKER.replace(',"timestamp":"2024-05-19T16:45:24.204654Z"', "")
    assert parse.quote(parse.decode_ticker(text).data[0], BTC, RECEIVED).ts_event_ns is None


def test_a_day_without_trades_has_no_low_high_or_average() -> None:
    text = samples.TICKER.replace("61325.4", "0.0").replace("66450.0", "0").replace("64223.4", "0")
    quote = parse.quote(parse.decode_ticker(text).data[0], BTC, RECEIVED)
    assert (quote.low_24h, quote.high_24h, quote.vwap_24h) == (None, None, None)


def test_book_snapshot() -> None:
    row = parse.decode_book(samples.BOOK_SNAPSHOT).data[0]
    snapshot = parse.book_snapshot(row, BTC, 10, RECEIVED)
    assert pairs(snapshot.bids) == [(Decimal("66788.0"), Decimal("3.21926649"))]
    assert pairs(snapshot.asks) == [(Decimal("66788.1"), Decimal("1.67939137"))]
    assert (snapshot.checksum, snapshot.depth, snapshot.sequence) == (2330500275, 10, None)


def test_book_update() -> None:
    delta = parse.book_delta(parse.decode_book(samples.BOOK_UPDATE).data[0], BTC, RECEIVED)
    assert type(delta) is BookDelta
    assert pairs(delta.bids) == [
        (Decimal("66786.5"), Decimal(0)),
        (Decimal("66787.7"), Decimal("0.12440000")),
    ]
    assert delta._replace(bids=()) == BookDelta(
        instrument=BTC,
        bids=(),
        asks=(),
        checksum=902440905,
        previous_sequence=None,
        sequence=None,
        ts_event_ns=1_716_137_124_204_654_000,
        ts_received_ns=RECEIVED,
    )


@pytest.mark.parametrize(
    ("text", "value"), [("5.1e-05", "0.000051"), ("3", "3"), ("1E+2", "100"), ("0.10000000", "0.1")]
)
def test_every_spelling_of_a_number_is_read_exactly(text: str, value: str) -> None:
    frame = samples.BOOK_UPDATE.replace("0.12440000", text)
    delta = parse.book_delta(parse.decode_book(frame).data[0], BTC, RECEIVED)
    assert delta.bids[1].quantity == Decimal(value)


def test_trade() -> None:
    trade = parse.trade(parse.decode_trades(samples.TRADE).data[0], BTC, RECEIVED)
    assert (trade.trade_id, trade.side) == ("70635299", Side.BUY)
    assert (trade.price, trade.quantity) == (Decimal("68500.0"), Decimal("0.01044926"))
    assert trade.ts_event_ns == 1_716_813_791_798_009_000


def test_ohlc() -> None:
    update = parse.bar_update(parse.decode_ohlc(samples.OHLC).data[0], BTC, RECEIVED)
    assert update.interval_s == 60
    assert update.bar == Bar(
        1_715_944_320_000_000_000,
        Decimal("3027.80"),
        Decimal("3027.80"),
        Decimal("3026.13"),
        Decimal("3026.13"),
        Decimal("13.31603062"),
        9,
    )


def test_status_has_a_connection_number_of_64_bits() -> None:
    assert parse.decode_status(samples.STATUS).data[0].system == "online"


def test_instruments_are_one_object_not_a_list() -> None:
    data = parse.decode_instruments(samples.INSTRUMENTS).data
    assert data.assets[0].id == "ETH"
    assert data.pairs[0].symbol == "ETH/BTC"


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2023-10-06T17:35:55.440295Z", 1_696_613_755_440_295_000),
        ("2024-05-17T11:21:16.318303322Z", 1_715_944_876_318_303_322),
        ("2024-05-17T11:21:16Z", 1_715_944_876_000_000_000),
        ("2024-05-17T11:21:16.5Z", 1_715_944_876_500_000_000),
    ],
)
def test_times(text: str, ns: int) -> None:
    assert parse.time_ns(text) == ns


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-40T11:21:16.318303Z", "2024-05-17T11:21:16.31x303Z"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse.time_ns(text)


IMPOSSIBLE_PRICES = ["0", "0.0", "-1", "1e999", '"NaN"', '"Infinity"', '"-Infinity"', '"sNaN"', "1e-400"]
IMPOSSIBLE_QUANTITIES = ["-1", "1e999", '"NaN"', '"Infinity"']


@pytest.mark.fault(20)
@pytest.mark.parametrize("bad", IMPOSSIBLE_PRICES)
def test_an_impossible_price_never_leaves_the_parser(bad: str) -> None:
    checks: list[tuple[str, str, Any]] = [
        (samples.TICKER, "65843.8", lambda text: parse.quote(parse.decode_ticker(text).data[0], BTC, 0)),
        (samples.TRADE, "68500.0", lambda text: parse.trade(parse.decode_trades(text).data[0], BTC, 0)),
        (samples.OHLC, "3026.13", lambda text: parse.bar_update(parse.decode_ohlc(text).data[0], BTC, 0)),
    ]
    for frame, good, read in checks:
        read(frame)
        with pytest.raises(parse.WIRE_ERRORS):
            read(frame.replace(good, bad))


@pytest.mark.fault(20)
@pytest.mark.parametrize("bad", IMPOSSIBLE_QUANTITIES)
def test_an_impossible_quantity_never_leaves_the_parser(bad: str) -> None:
    with pytest.raises(parse.WIRE_ERRORS):
        parse.trade(parse.decode_trades(samples.TRADE.replace("0.01044926", bad)).data[0], BTC, 0)


def book_after(snapshot: str, update: str = "") -> OrderBook:
    """The book after these frames."""
    book = OrderBook(BTC, 10)
    book.load(parse.book_snapshot(parse.decode_book(snapshot).data[0], BTC, 10, 0))
    if update:
        book.apply(parse.book_delta(parse.decode_book(update).data[0], BTC, 0))
    return book


@pytest.mark.fault(20)
@pytest.mark.parametrize("bad", IMPOSSIBLE_PRICES)
def test_an_impossible_price_never_gets_into_the_book(bad: str) -> None:
    assert book_after(samples.BOOK_SNAPSHOT, samples.BOOK_UPDATE).level_counts() == (2, 1)
    with pytest.raises((BookFault, *parse.WIRE_ERRORS)):
        book_after(samples.BOOK_SNAPSHOT.replace("66788.1", bad))
    with pytest.raises((BookFault, *parse.WIRE_ERRORS)):
        book_after(samples.BOOK_SNAPSHOT, samples.BOOK_UPDATE.replace("66787.7", bad))


@pytest.mark.fault(20)
@pytest.mark.parametrize("bad", ['"much"', '"66787.7"', "null", "true", "[1.5]", '{"a":1.5}'])
def test_what_is_no_number_never_becomes_a_price(bad: str) -> None:
    with pytest.raises(BookFault):
        book_after(samples.BOOK_SNAPSHOT.replace("66788.1", bad))
    with pytest.raises(BookFault):
        book_after(samples.BOOK_SNAPSHOT, samples.BOOK_UPDATE.replace("66787.7", bad))


def test_a_price_without_a_point_is_a_decimal_too() -> None:
    book = book_after(
        samples.BOOK_SNAPSHOT.replace("66788.1", "66789"), samples.BOOK_UPDATE.replace("66787.7", "66787")
    )
    prices = [level.price for level in (*book.bids(), *book.asks())]
    assert sorted(prices) == [Decimal("66787"), Decimal("66788.0"), Decimal(66789)]
    assert all(isinstance(price, Decimal) for price in prices)


def test_the_same_price_is_the_same_object() -> None:
    update = parse.decode_book(samples.BOOK_UPDATE).data[0].bids
    again = parse.decode_book(samples.BOOK_UPDATE).data[0].bids
    assert all(one.price is other.price for one, other in zip(update, again, strict=True))


@pytest.mark.fault(20)
@pytest.mark.parametrize("bad", [*IMPOSSIBLE_QUANTITIES, '"sNaN"'])
def test_an_impossible_quantity_never_gets_into_the_book(bad: str) -> None:
    with pytest.raises(BookFault):
        book_after(samples.BOOK_SNAPSHOT.replace("1.67939137", bad))
    with pytest.raises(BookFault):
        book_after(samples.BOOK_SNAPSHOT, samples.BOOK_UPDATE.replace("0.12440000", bad))


@pytest.mark.fault(20)
def test_an_empty_level_in_a_snapshot_is_refused() -> None:
    with pytest.raises(BookFault):
        book_after(samples.BOOK_SNAPSHOT.replace("1.67939137", "0.0"))


@given(
    price=st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10) ** 9, places=8),
    quantity=st.decimals(min_value=0, max_value=Decimal(10) ** 9, places=8),
)
def test_any_real_level_comes_through_unchanged(price: Decimal, quantity: Decimal) -> None:
    level = f'{{"price":{price:f},"qty":{quantity:f}}}'
    frame = f'{{"channel":"book","type":"update","data":[{{"symbol":"BTC/USD","bids":[{level}]}}]}}'
    row = parse.decode_book(frame).data[0].bids[0]
    assert (row.price, row.quantity) == (price, quantity)


def test_symbols_are_found_in_a_torn_frame() -> None:
    assert parse.symbols_in(samples.BOOK_UPDATE[:80]) == ["BTC/USD"]
    assert parse.symbols_in("<html>") == []
