"""The protocol's shapes: numbers exactly, times in either unit, orders in either spelling."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.venues.custom import parse, wire
from terminal.venues.custom.tracking import state_of

D = Decimal
ETH = InstrumentId("custom", "ETH/USDT")


def sent(data: object) -> Any:
    """As it arrives when a plugin sends it."""
    return wire.decode(json.dumps(data).encode())


def test_numbers_are_exact_from_a_number_and_from_a_text() -> None:
    found = wire.decode(b'{"a":0.1,"b":"0.10000000000000000001","c":1E-7,"d":12,"e":2922.18}')
    assert [wire.number(found[key]) for key in "abcde"] == [
        D("0.1"),
        D("0.10000000000000000001"),
        D("1E-7"),
        D(12),
        D("2922.18"),
    ]


@pytest.mark.parametrize("value", [True, [], {}, "NaN", "Infinity", "1e999", "ten", "0x1f"])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        wire.number(value)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"a":NaN}', b'{"a":1e99999999999999999999}', b"[" * 100_000, b'{"a":', b"\xff\xfe"],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        wire.number(wire.record(wire.decode(body))["a"])


@settings(max_examples=50)
@given(
    st.decimals(min_value=D("1e-12"), max_value=D("1e12"), allow_nan=False, allow_infinity=False, places=12)
)
def test_a_number_and_its_text_are_the_same(value: Decimal) -> None:
    text = format(value, "f")
    found = wire.decode(f'{{"a":{text},"b":"{text}"}}'.encode())
    assert wire.number(found["a"]) == wire.number(found["b"]) == value


def test_times_come_in_seconds_or_milliseconds() -> None:
    assert wire.time_ns(1500793319) == wire.time_ns("1500793319000") == 1_500_793_319_000_000_000
    assert wire.time_ns("1731028903911") == 1_731_028_903_911_000_000
    assert wire.maybe_time_ns(0) is wire.maybe_time_ns(None) is wire.maybe_time_ns("") is None
    with pytest.raises(ValueError):
        wire.time_ns(1731028903911002000)


def test_the_nonce_stays_an_integer_of_nineteen_digits() -> None:
    assert (
        wire.encode({"nonce": 1730275031047002000, "params": {}})
        == b'{"nonce":1730275031047002000,"params":{}}'
    )


def test_an_order_as_the_guide_shows_it_and_as_the_reference_plugin_lists_it() -> None:
    row = wire.order_row(
        wire.decode(
            b'{"id":"ETH-USDT,123456","symbol":"ETH_USDT","amount":0.25,"price":1005,"deal_amount":0,'
            b'"avg_price":"1000","type":"buy","status":"pending"}'
        )
    )
    assert (row.order_id, row.side, row.amount, row.price) == (
        "ETH-USDT,123456",
        Side.BUY,
        D("0.25"),
        D(1005),
    )
    assert row.average is None, "an average of nothing is none"
    live = wire.order_row(
        {"id": 7, "symbol": "eth-usdt", "amount": "1", "price": "", "type": "SELL", "state": "Partial_Filled",
         "deal_amount": "0.5", "avg_price": "10"}
    )  # fmt: skip
    assert (live.order_id, live.status, live.price) == ("7", "partial-filled", None)


@pytest.mark.parametrize(
    ("status", "dealt", "state"),
    [
        ("pending", "0", OrderState.OPEN),
        ("pre-submitted", "0", OrderState.OPEN),
        ("submitting", "0", OrderState.OPEN),
        ("submitted", "0.1", OrderState.PARTLY_FILLED),
        ("partial-filled", "0.1", OrderState.PARTLY_FILLED),
        ("open", "0", OrderState.OPEN),
        ("filled", "1", OrderState.FILLED),
        ("closed", "1", OrderState.FILLED),
        ("finished", "1", OrderState.FILLED),
        ("canceled", "0", OrderState.CANCELED),
        ("cancelled", "0", OrderState.CANCELED),
        ("partial-canceled", "0.1", OrderState.CANCELED),
        ("closed", "0", None),
        ("expired", "0", None),
        ("3", "0", None),
        ("", "0", None),
    ],
)
def test_states_are_read_and_never_guessed(status: str, dealt: str, state: OrderState | None) -> None:
    row = {"id": "1", "type": "buy", "amount": "1", "price": "2", "deal_amount": dealt, "status": status}
    assert state_of(wire.order_row(row), in_open_list=False) is state


def test_a_list_of_open_orders_is_proof_enough_where_there_is_no_word() -> None:
    row = wire.order_row({"id": "1", "type": "buy", "amount": "1", "price": "2"})
    assert state_of(row, in_open_list=True) is OrderState.OPEN


def test_prints_come_once_oldest_first_with_and_without_ids() -> None:
    reader = parse.TradeReader(ETH)
    newest_first = [
        {"id": 5, "time": 1529919412968, "price": 1000, "amount": 0.5, "type": "buy"},
        {"id": 9, "time": 1529919412900, "price": 1001, "amount": 1, "type": "bid"},
    ]
    assert [trade.trade_id for trade in reader.take(sent(newest_first), 1)] == ["9", "5"]
    assert reader.take(sent(newest_first), 2) == ()
    more = [{**newest_first[0], "id": "6", "type": "ask"}, *newest_first]
    (fresh,) = reader.take(sent(more), 3)
    assert (fresh.trade_id, fresh.side) == ("6", Side.SELL)
    nameless = parse.TradeReader(ETH)
    twins = [{"time": 1529919412968, "price": "1.0", "amount": 1, "type": "sell"}] * 2
    assert len(nameless.take(twins, 1)) == 2, "two equal prints are two"
    assert nameless.take(twins, 2) == ()


def test_bars_are_put_in_order_whatever_their_unit() -> None:
    data = [
        [1500793380, 1, 2, "0.5", 1.5, 9],
        [1500793320000, "1", 3, 0.5, 2, 8],
        [1500793260, 1, 1, 1, 1, 0],
    ]
    found = parse.bars(sent(data))
    assert [bar.open_ns // 10**9 for bar in found] == [1500793260, 1500793320, 1500793380]
    assert found[-1].close == D("1.5")
    # The guide's own example: its high lies under its low.
    (odd,) = parse.bars(sent([[1500793319, 1.1, 2.2, 3.3, 4.4, 5.5]]))
    assert odd.low <= min(odd.open, odd.close) <= max(odd.open, odd.close) <= odd.high


@pytest.mark.parametrize(
    "sides",
    [
        {"bids": [[10, 1]], "asks": [[10, 1]]},
        {"bids": [[11, 1]], "asks": [[10, 1]]},
        {"bids": [[10, 0]], "asks": [[11, 1]]},
        {"bids": [[10, -1]], "asks": []},
        {"bids": [["NaN", 1]], "asks": []},
        {"bids": [[10]], "asks": []},
        {"bids": {"10": 1}, "asks": []},
    ],
)
def test_a_book_that_cannot_be_is_refused_whole(sides: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        parse.book(ETH, sides, 10, 1)


def test_a_book_is_sorted_and_cut_and_keeps_the_plugins_time() -> None:
    data = {"time": 1500793319499, "asks": [[1004, 2], ["1000", "0.5"]], "bids": [[995, 1], [999, 2]]}
    found = parse.book(ETH, data, 1, 7)
    assert [level.price for level in (*found.bids, *found.asks)] == [D(999), D(1000)]
    assert (found.ts_event_ns, found.ts_received_ns) == (1_500_793_319_499_000_000, 7)


def test_a_ticker_tells_what_it_has_and_nothing_else() -> None:
    quote = parse.quote(ETH, sent({"buy": "2922.18", "sell": 2922.19, "last": "2922.18", "open": "2900"}), 7)
    assert (quote.bid, quote.ask, quote.change_24h) == (D("2922.18"), D("2922.19"), D("22.18"))
    assert (quote.ts_event_ns, quote.high_24h, quote.volume_24h, quote.bid_quantity) == (None,) * 4
    for broken in ({"buy": 2, "sell": 1}, {}, {"last": 0}):
        with pytest.raises(ValueError):
            parse.quote(ETH, broken, 7)
