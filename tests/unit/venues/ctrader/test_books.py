from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.book import OrderBook
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookSnapshot, Level
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.books import MOST_LEVELS, DepthBook

D = Decimal
EURUSD = InstrumentId("ctrader", "EUR/USD")


def event(*quotes: tuple[int, str, int, int], gone: tuple[int, ...] = ()) -> pb.ProtoOADepthEvent:
    """Quotes as (id, side, price in 1/100000, size in cents)."""
    made = pb.ProtoOADepthEvent(ctidTraderAccountId=1, symbolId=1, deletedQuotes=gone)
    for quote_id, side, at, size in quotes:
        fields: dict[str, Any] = {"id": quote_id, "size": size, side: at}
        made.newQuotes.add(**fields)
    return made


def pairs(levels: Iterable[Level]) -> list[tuple[Decimal, Decimal]]:
    return [(level.price, level.quantity) for level in levels]


def book(digits: int = 5) -> DepthBook:
    return DepthBook(1, EURUSD, digits)


def taken(held: DepthBook, *events: pb.ProtoOADepthEvent) -> BookSnapshot | BookDelta | None:
    for each in events:
        held.take(each)
    return held.changes(7)


def test_the_first_word_is_the_whole_book_best_first_with_equal_prices_summed() -> None:
    first = taken(
        book(),
        event((1, "bid", 114_810, 100), (2, "bid", 114_814, 250), (3, "bid", 114_814, 50)),
        event((4, "ask", 114_816, 100_000), (5, "ask", 114_820, 1)),
    )
    assert isinstance(first, BookSnapshot)
    assert pairs(first.bids) == [(D("1.14814"), D(3)), (D("1.14810"), D(1))]
    assert pairs(first.asks) == [(D("1.14816"), D(1000)), (D("1.14820"), D("0.01"))]
    assert (first.depth, first.ts_received_ns, first.checksum) == (MOST_LEVELS, 7, None)


def test_a_change_tells_only_what_it_touched() -> None:
    held = book()
    taken(held, event((1, "bid", 114_810, 100), (2, "bid", 114_814, 200), (3, "ask", 114_816, 300)))
    change = taken(held, event((4, "bid", 114_814, 100), gone=(1,)))
    assert isinstance(change, BookDelta)
    assert set(pairs(change.bids)) == {(D("1.14810"), D(0)), (D("1.14814"), D(3))}
    assert not change.asks


def test_a_known_id_is_replaced_also_on_the_other_side() -> None:
    held = book()
    taken(held, event((1, "bid", 114_810, 100), (2, "bid", 114_800, 100)))
    change = taken(held, event((1, "ask", 114_830, 500)))
    assert isinstance(change, BookDelta)
    assert pairs(change.bids) == [(D("1.14810"), D(0))]
    assert pairs(change.asks) == [(D("1.14830"), D(5))]


def test_unknown_deletions_and_quotes_of_nothing_change_nothing() -> None:
    held = book()
    taken(held, event((1, "bid", 114_810, 100)))
    assert taken(held, event(gone=(99,))) is None
    assert taken(held, event((5, "bid", 114_811, 0))) is None
    change = taken(held, event((1, "bid", 114_810, 0)))
    assert isinstance(change, BookDelta)
    assert pairs(change.bids) == [(D("1.14810"), D(0))]


def test_prices_finer_than_the_symbols_own_are_one_level() -> None:
    first = taken(book(2), event((1, "ask", 2_528_164_000, 100), (2, "ask", 2_528_164_400, 200)))
    assert isinstance(first, BookSnapshot)
    assert pairs(first.asks) == [(D("25281.64"), D(3))]


def test_an_empty_book_is_a_snapshot_of_nothing() -> None:
    held = book()
    assert held.snapshot(1) == BookSnapshot(EURUSD, (), (), MOST_LEVELS, None, None, None, 1)
    assert held.has_begun


quotes = st.tuples(
    st.integers(1, 8), st.sampled_from(["bid", "ask"]), st.integers(1, 12), st.integers(0, 5)
).map(lambda q: (q[0], q[1], q[2] if q[1] == "bid" else q[2] + 12, q[3]))
events = st.lists(
    st.tuples(st.lists(quotes, max_size=4), st.lists(st.integers(1, 8), max_size=3)), max_size=20
)


@given(events, st.lists(st.booleans(), min_size=20, max_size=20))
def test_whatever_comes_the_book_on_screen_is_the_sum_of_the_quotes(
    stream: list[tuple[list[tuple[int, str, int, int]], list[int]]], reads: list[bool]
) -> None:
    held = book()
    plain: dict[int, tuple[str, int, int]] = {}
    shown = OrderBook(EURUSD, MOST_LEVELS)
    for (new, gone), is_read in zip([*stream, ([], [])], [*reads[: len(stream)], True], strict=True):
        made = event(*new, gone=tuple(gone))
        for quote_id in gone:
            plain.pop(quote_id, None)
        for quote_id, side, at, size in new:
            plain.pop(quote_id, None)
            if size:
                plain[quote_id] = (side, at, size)
        held.take(made)
        if not is_read:
            continue
        change = held.changes(1)
        if isinstance(change, BookSnapshot):
            shown.load(change)
        elif change is not None:
            shown.apply(change)
        for side, levels in (("bid", shown.bids()), ("ask", shown.asks())):
            sums: dict[int, int] = {}
            for found, at, size in plain.values():
                if found == side:
                    sums[at] = sums.get(at, 0) + size
            assert {(at * D("0.00001"), size * D("0.01")) for at, size in sums.items()} == set(levels)
