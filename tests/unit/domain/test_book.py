"""The order book against a plain model of the venue's rules."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.book import BookFault, OrderBook
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import BookDelta, BookLevel, BookSnapshot, Side

BTC = InstrumentId("kraken", "BTC/USD")
D = Decimal


def levels(*pairs: tuple[str, str]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(D(price), D(quantity)) for price, quantity in pairs)


def snapshot(bids: tuple[BookLevel, ...], asks: tuple[BookLevel, ...], depth: int = 10) -> BookSnapshot:
    return BookSnapshot(BTC, bids, asks, depth, None, None, None, 0)


def delta(bids: tuple[BookLevel, ...] = (), asks: tuple[BookLevel, ...] = ()) -> BookDelta:
    return BookDelta(BTC, bids, asks, None, None, None, None, 0)


def a_book(depth: int = 10) -> OrderBook:
    book = OrderBook(BTC, depth)
    book.load(snapshot(levels(("99", "1"), ("98", "2")), levels(("101", "3"), ("102", "4")), depth))
    return book


def test_best_levels_and_mid() -> None:
    book = a_book()
    assert book.best_bid == BookLevel(D(99), D(1))
    assert book.best_ask == BookLevel(D(101), D(3))
    assert book.mid == D(100)
    assert book.spread == D(2)


def test_same_price_twice_in_one_message_last_wins() -> None:
    book = a_book()
    book.apply(delta(bids=levels(("99", "5"), ("99", "7"))))
    assert book.best_bid == BookLevel(D(99), D(7))


def test_zero_removes_and_unknown_zero_is_ignored() -> None:
    book = a_book()
    book.apply(delta(asks=levels(("101", "0"), ("150", "0"))))
    assert book.best_ask == BookLevel(D(102), D(4))


def test_levels_pushed_out_of_the_depth_are_gone_for_good() -> None:
    book = a_book(depth=2)
    book.apply(delta(asks=levels(("100.5", "1"))))
    assert [level.price for level in book.asks()] == [D("100.5"), D(101)]
    book.apply(delta(asks=levels(("100.5", "0"))))
    assert [level.price for level in book.asks()] == [D(101)]


def test_equal_prices_of_different_scale_are_one_level() -> None:
    book = a_book()
    book.apply(delta(bids=levels(("99.00", "0"))))
    assert book.best_bid == BookLevel(D(98), D(2))


IMPOSSIBLE = ["-1", "NaN", "sNaN", "Infinity", "-Infinity", "1e20", "-1e-8"]


@pytest.mark.parametrize(
    ("price", "quantity"),
    [("0", "1"), ("1e-20", "1"), *((bad, "1") for bad in IMPOSSIBLE), *(("90", bad) for bad in IMPOSSIBLE)],
)
def test_impossible_levels_are_refused_and_leave_no_trace(price: str, quantity: str) -> None:
    book = a_book()
    with pytest.raises(BookFault):
        book.apply(delta(bids=levels((price, quantity))))
    with pytest.raises(BookFault):
        book.apply(delta(bids=levels(("99", "5"), (price, quantity))))
    with pytest.raises(BookFault):
        book.load(snapshot(levels((price, quantity)), ()))
    with pytest.raises(BookFault):
        OrderBook(BTC, 10).apply(delta(asks=levels((price, quantity))))
    assert list(book.bids()) == [BookLevel(D(99), D(5)), BookLevel(D(98), D(2))]
    assert book.grouped(Side.BUY, D(1)) == {99: D(5), 98: D(2)}


@pytest.mark.parametrize("quantity", ["NaN", "-1", "Infinity"])
def test_an_impossible_quantity_of_a_known_price_is_refused(quantity: str) -> None:
    book = a_book()
    with pytest.raises(BookFault):
        book.apply(delta(bids=levels(("99", quantity))))
    assert book.best_bid == BookLevel(D(99), D(1))


def test_a_snapshot_is_sorted_cut_to_the_depth_and_holds_each_price_once() -> None:
    book = OrderBook(BTC, 2)
    book.load(snapshot(levels(("97", "1"), ("99", "2"), ("98", "3"), ("99.0", "4")), (), depth=2))
    assert list(book.bids()) == [BookLevel(D(99), D(4)), BookLevel(D(98), D(3))]


@pytest.mark.parametrize("count", [0, 1, 2, 3, None])
def test_the_best_levels_come_best_first_on_both_sides(count: int | None) -> None:
    book = a_book()
    assert book.best(Side.BUY, count) == ([D(99), D(98)][:count], [D(1), D(2)][:count])
    assert book.best(Side.SELL, count) == ([D(101), D(102)][:count], [D(3), D(4)][:count])


def test_crossed_book_is_noticed() -> None:
    book = a_book()
    book.apply(delta(bids=levels(("101", "1"))))
    with pytest.raises(BookFault, match="crossed"):
        book.require_uncrossed()


def test_gap_in_the_sequence_is_a_fault() -> None:
    book = OrderBook(BTC, 10)
    book.load(BookSnapshot(BTC, levels(("99", "1")), (), 10, None, 5, None, 0))
    book.apply(BookDelta(BTC, levels(("98", "1")), (), None, 5, 7, None, 0))
    with pytest.raises(BookFault, match="sequence"):
        book.apply(BookDelta(BTC, (), (), None, 6, 8, None, 0))


def test_cost_of_taking_is_never_extrapolated() -> None:
    cost = a_book().cost_to_take(Side.BUY, D(14))
    assert cost.quantity == D(7)
    assert cost.notional == D(101) * 3 + D(102) * 4
    assert cost.covered == D("0.5")
    assert cost.worst_price == D(102)


def test_cost_stops_at_the_limit() -> None:
    cost = a_book().cost_to_take(Side.SELL, D(3), limit=D("98.5"))
    assert cost.quantity == D(1)
    assert cost.average_price == D(99)


def test_buckets_never_promise_a_better_price() -> None:
    book = a_book()
    assert book.grouped(Side.BUY, D(10)) == {9: D(3)}
    assert book.grouped(Side.SELL, D(10)) == {11: D(7)}


def test_a_book_counted_in_contracts_is_read_in_base_units() -> None:
    book = OrderBook(BTC, 10)
    book.load(
        snapshot(
            levels(("99", "1"), ("98", "2")),
            levels(
                ("101", "3"),
            ),
        )._replace(unit=D("0.01"))
    )
    book.apply(delta(bids=levels(("97", "40")), asks=levels(("101", "5"))))
    assert list(book.bids()) == [
        BookLevel(D(99), D("0.01")),
        BookLevel(D(98), D("0.02")),
        BookLevel(D(97), D("0.40")),
    ]
    assert book.best(Side.SELL) == ([D(101)], [D("0.05")])
    assert (book.best_bid, book.best_ask) == (BookLevel(D(99), D("0.01")), BookLevel(D(101), D("0.05")))
    assert book.grouped(Side.BUY, D(10)) == {9: D("0.43")}
    assert book.cost_to_take(Side.BUY, D("0.02")).notional == D("2.02")
    book.load(snapshot(levels(("99", "1")), ()))
    assert book.best_bid == BookLevel(D(99), D(1))


rows = st.lists(st.tuples(st.integers(min_value=1, max_value=30), st.integers(min_value=1, max_value=5)))


@given(rows, st.booleans(), st.integers(min_value=1, max_value=12))
def test_any_snapshot_equals_a_plain_model(bids: list[tuple[int, int]], best_first: bool, depth: int) -> None:
    if best_first:
        bids.sort(key=lambda row: -row[0])
    book = OrderBook(BTC, depth)
    asks = [(100 - price, quantity) for price, quantity in bids]
    book.load(
        snapshot(
            tuple(BookLevel(D(price), D(quantity)) for price, quantity in bids),
            tuple(BookLevel(D(price), D(quantity)) for price, quantity in asks),
        )
    )
    assert [(int(p), int(q)) for p, q in book.bids()] == sorted(dict(bids).items(), reverse=True)[:depth]
    assert [(int(p), int(q)) for p, q in book.asks()] == sorted(dict(asks).items())[:depth]


price_ticks = st.integers(min_value=1, max_value=60)
changes = st.lists(
    st.tuples(st.booleans(), price_ticks, st.integers(min_value=0, max_value=5)), min_size=1, max_size=8
)


@given(st.lists(changes, max_size=30), st.integers(min_value=1, max_value=12))
def test_any_history_equals_a_plain_model(history: list[list[tuple[bool, int, int]]], depth: int) -> None:
    book = OrderBook(BTC, depth)
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    for message in history:
        book.apply(
            delta(
                bids=tuple(BookLevel(D(p), D(q)) for is_bid, p, q in message if is_bid),
                asks=tuple(BookLevel(D(p), D(q)) for is_bid, p, q in message if not is_bid),
            )
        )
        for is_bid, price, quantity in message:
            side = bids if is_bid else asks
            side.pop(price, None)
            if quantity:
                side[price] = quantity
        bids = dict(sorted(bids.items(), reverse=True)[:depth])
        asks = dict(sorted(asks.items())[:depth])
        assert [(int(p), int(q)) for p, q in book.bids()] == list(bids.items())
        assert [(int(p), int(q)) for p, q in book.asks()] == list(asks.items())
        assert book.level_counts() == (len(bids), len(asks))


def message(rows: list[tuple[bool, int, int]]) -> BookDelta:
    return delta(
        bids=tuple(BookLevel(D(p), D(q)) for is_bid, p, q in rows if is_bid),
        asks=tuple(BookLevel(D(p), D(q)) for is_bid, p, q in rows if not is_bid),
    )


def content(book: OrderBook) -> list[object]:
    return [book.best(Side.BUY), book.best(Side.SELL), book.sequence, book.ts_event_ns]


@given(
    st.lists(changes, max_size=10),
    st.lists(st.lists(changes, max_size=30), max_size=3),
    st.integers(min_value=1, max_value=50),
)
def test_updates_that_gathered_give_the_book_of_updates_one_by_one(
    first: list[list[tuple[bool, int, int]]],
    batches: list[list[list[tuple[bool, int, int]]]],
    depth: int,
) -> None:
    one_by_one, together = OrderBook(BTC, depth), OrderBook(BTC, depth)
    for rows in first:
        one_by_one.apply(message(rows))
        together.apply(message(rows))
    for batch in batches:
        deltas = [message(rows) for rows in batch]
        for each in deltas:
            one_by_one.apply(each)
        together.apply_all(deltas)
        assert content(together) == content(one_by_one)


@given(st.lists(changes, min_size=1, max_size=30), st.data())
def test_an_impossible_level_among_many_updates_is_refused(
    batch: list[list[tuple[bool, int, int]]], data: st.DataObject
) -> None:
    deltas = [message(rows) for rows in batch]
    at = data.draw(st.integers(min_value=0, max_value=len(deltas)))
    bad = data.draw(st.sampled_from([("90", "-1"), ("-1", "1"), ("90", "NaN"), ("sNaN", "1")]))
    deltas.insert(at, delta(bids=levels(bad)))
    book = OrderBook(BTC, 10)
    with pytest.raises(BookFault):
        book.apply_all(deltas)
    prices, quantities = book.best(Side.BUY)
    assert prices == sorted(set(prices), reverse=True)
    assert all(0 < price <= 60 for price in prices)
    assert all(0 < quantity <= 5 for quantity in quantities)


def test_a_gap_among_many_updates_is_a_fault() -> None:
    def chained(previous: int, number: int) -> BookDelta:
        return delta(bids=levels(("98", str(number))))._replace(
            previous_sequence=previous, sequence=number, ts_event_ns=number
        )

    book = OrderBook(BTC, 10)
    book.load(snapshot(levels(("99", "1")), ())._replace(sequence=5))
    book.apply_all([chained(5, 6), chained(6, 7), chained(7, 7)])
    assert (book.sequence, book.ts_event_ns) == (7, 7)
    with pytest.raises(BookFault, match="sequence 8 is followed by 9"):
        book.apply_all([chained(7, 8), chained(9, 10), chained(10, 11)])
    assert book.best_bid == BookLevel(D(99), D(1))


@given(
    st.lists(changes, max_size=20),
    st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=12),
)
def test_buckets_are_those_of_a_plain_model_whatever_was_asked_before(
    history: list[list[tuple[bool, int, int]]], steps: list[int]
) -> None:
    book = OrderBook(BTC, 40)
    for rows in (*history, []):
        book.apply(message(rows))
        for step in steps:
            for side, rounding in ((Side.BUY, ROUND_FLOOR), (Side.SELL, ROUND_CEILING)):
                plain: dict[int, Decimal] = {}
                for price, quantity in zip(*book.best(side), strict=True):
                    key = int((price / step).to_integral_value(rounding))
                    plain[key] = plain.get(key, D(0)) + quantity
                assert book.grouped(side, D(step)) == plain
