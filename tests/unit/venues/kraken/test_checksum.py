"""The CRC-32 of a book: Kraken's worked examples, and a recorded session frame by frame."""

from __future__ import annotations

from decimal import Decimal
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.book import OrderBook
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import BookDelta, BookLevel, BookSnapshot
from terminal.venues.kraken import parse
from terminal.venues.kraken.checksum import KrakenBookChecker, checksum_text
from tests.helpers import capture
from tests.unit.venues.kraken.samples import known_symbols

RECORDED = "kraken-ws-v2-book10-btcusd.ndjson"
BTC = InstrumentId("kraken", "BTC/USD")


def side(text: str) -> tuple[BookLevel, ...]:
    pairs = (item.split("/") for item in text.replace("\n", " ").split(", "))
    return tuple(BookLevel(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


ASKS_A = side(
    "45285.2/0.00100000, 45286.4/1.54571953, 45286.6/1.54571109, 45289.6/1.54560911, 45290.2/0.15890660, "
    "45291.8/1.54553491, 45294.7/0.04454749, 45296.1/0.35380000, 45297.5/0.09945542, 45299.5/0.18772827"
)
BIDS_A = side(
    "45283.5/0.10000000, 45283.4/1.54582015, 45282.1/0.10000000, 45281.0/0.10000000, 45280.3/1.54592586, "
    "45279.0/0.07990000, 45277.6/0.03310103, 45277.5/0.30000000, 45277.3/1.54602737, 45276.6/0.15445238"
)
ASKS_B = side(
    "29430.3/8.25215653, 29430.4/2.55637606, 29430.5/0.2997598, 29430.9/2.56473216, 29431.0/0.00011662, "
    "29431.1/0.001, 29432.3/0.0241, 29432.4/0.02210682, 29432.5/3.39761477, 29433.1/0.01021497"
)
BIDS_B = side(
    "29430.2/0.18967538, 29429.6/0.00011621, 29427.4/0.001, 29426.7/4.0, 29425.7/0.67945399, "
    "29423.5/0.67950478, 29422.1/0.16314267, 29421.8/0.06797895, 29421.7/0.23401846, 29421.5/0.28639276"
)


def btc() -> Instrument:
    found = known_symbols().instrument("BTC/USD")
    assert found is not None
    return found


def snapshot(bids: tuple[BookLevel, ...], asks: tuple[BookLevel, ...]) -> BookSnapshot:
    return BookSnapshot(BTC, bids, asks, 10, None, None, None, 0)


def delta(asks: str) -> BookDelta:
    return BookDelta(BTC, (), side(asks), None, None, None, None, 0)


def test_krakens_own_example() -> None:
    text = checksum_text(ASKS_A, BIDS_A, 1, 8)
    assert text.startswith("452852100000452864154571953")
    assert len(text) == 281
    assert crc32(text.encode()) == 3310070434


def test_a_book_that_is_updated_and_cut_at_its_depth() -> None:
    checker = KrakenBookChecker(btc)
    book = OrderBook(BTC, 10)
    book.load(snapshot(BIDS_B, ASKS_B))
    assert checker.matches(book, 2785033588)
    book.apply(delta("29431.1/0, 29433.3/0.8, 29430.6/0.001"))
    assert checker.matches(book, 3547452596)
    book.apply(delta("29430.3/8.25182177"))
    assert checker.matches(book, 3111681483)
    assert not checker.matches(book, 3111681484)


def test_a_deeper_book_is_checked_by_its_best_ten_levels() -> None:
    checker = KrakenBookChecker(btc)
    book = OrderBook(BTC, 25)
    further = side("29000.1/1.0, 28999.9/2.0")
    book.load(snapshot(BIDS_B + further, ASKS_B))
    assert checker.matches(book, 2785033588)


def test_the_wires_own_number_text_does_not_matter() -> None:
    exponent = tuple(BookLevel(level.price, level.quantity.normalize()) for level in ASKS_B)
    book = OrderBook(BTC, 10)
    book.load(snapshot(BIDS_B, exponent))
    assert KrakenBookChecker(btc).matches(book, 2785033588)


def test_an_unknown_pair_is_not_proven() -> None:
    book = OrderBook(BTC, 10)
    book.load(snapshot(BIDS_B, ASKS_B))
    assert not KrakenBookChecker(lambda: None).matches(book, 2785033588)


@pytest.mark.fault(23)
def test_new_decimals_of_a_pair_are_used_at_once() -> None:
    from dataclasses import replace

    known = [btc()]
    checker = KrakenBookChecker(lambda: known[0])
    book = OrderBook(BTC, 10)
    book.load(snapshot(BIDS_B, ASKS_B))
    assert checker.matches(book, 2785033588)
    known[0] = replace(known[0], price_decimals=2)
    expected = crc32(checksum_text(book.asks(10), book.bids(10), 2, 8).encode())
    assert expected != 2785033588
    assert checker.matches(book, expected)


# Few prices and few quantities, each one object: what is kept of a level must not be taken for another's.
PRICES = [Decimal(price) / 10 for price in range(1, 40)]
QUANTITIES = [Decimal(quantity) / 8 for quantity in range(5)]
Changes = list[tuple[Decimal, Decimal]]
changes = st.lists(st.tuples(st.sampled_from(PRICES), st.sampled_from(QUANTITIES)), max_size=6)


def changed(pairs: Changes) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(*pair) for pair in pairs)


@given(st.lists(st.tuples(changes, changes, st.booleans()), max_size=30))
def test_after_any_history_the_text_is_that_of_the_book_as_it_is(
    history: list[tuple[Changes, Changes, bool]],
) -> None:
    checker = KrakenBookChecker(btc)
    book = OrderBook(BTC, 12)
    for bids, asks, asked in history:
        book.apply(BookDelta(BTC, changed(bids), changed(asks), None, None, None, None, 0))
        if asked:
            expected = crc32(checksum_text(book.asks(10), book.bids(10), 1, 8).encode())
            assert checker.matches(book, expected)
            assert not checker.matches(book, expected ^ 1)


def test_every_frame_of_a_recorded_session_matches() -> None:
    recorded = capture(RECORDED)
    checker = KrakenBookChecker(btc)
    book = OrderBook(BTC, 10)
    checked = 0
    for frame in recorded.read_text().splitlines():
        message = parse.decode_book(frame)
        for row in message.data:
            if message.type == "snapshot":
                first = parse.book_snapshot(row, BTC, 10, 0)
                book.load(first)
                checksum = first.checksum
            else:
                update = parse.book_delta(row, BTC, 0)
                book.apply(update)
                checksum = update.checksum
            assert checksum is not None
            assert checker.matches(book, checksum), f"frame {checked + 1}"
            checked += 1
    assert checked == 201
