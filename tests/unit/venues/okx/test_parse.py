"""Public messages as domain values: OKX's samples, a real capture proven by its checksums, and rubbish."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest

from terminal.domain.book import OrderBook
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.venues.okx import parse, wire
from terminal.venues.okx.checksum import OkxBookChecker, checksum_of, shortest
from terminal.venues.okx.parse import WIRE_ERRORS
from tests.helpers import capture

D = Decimal
BTC = InstrumentId("okx", "BTC/USDT")
SNAPSHOT = (
    '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["8476.98","415","0","13"],'
    '["8477","7","0","2"]],"bids":[["8476.97","256","0","12"],["8475.55","101","0","1"]],"ts":"1597026383085",'
    '"checksum":0,"prevSeqId":-1,"seqId":123456}]}'
)
UPDATE = (
    '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["8477","0","0","0"]],"bids":[],'
    '"ts":"1597026383185","checksum":0,"prevSeqId":123456,"seqId":123457}]}'
)


def test_a_book_and_its_update() -> None:
    (row,) = parse.decode_book(SNAPSHOT).data
    snapshot = parse.book_snapshot(row, BTC, 400, None, 7)
    assert (snapshot.sequence, snapshot.checksum, snapshot.ts_event_ns) == (
        123456,
        None,
        1_597_026_383_085_000_000,
    )
    book = OrderBook(BTC, 400)
    book.load(snapshot)
    assert [level.price for level in book.asks()] == [D("8476.98"), D(8477)]
    (row,) = parse.decode_book(UPDATE).data
    delta = parse.book_delta(row, BTC, 8)
    assert (delta.previous_sequence, delta.sequence, delta.ts_event_ns) == (
        123456,
        123457,
        1_597_026_383_185_000_000,
    )
    book.apply(delta)
    assert [level.price for level in book.asks()] == [D("8476.98")]


def test_contracts_become_our_units() -> None:
    (row,) = parse.decode_book(SNAPSHOT).data
    book = OrderBook(BTC, 400)
    book.load(parse.book_snapshot(row, BTC, 400, D("0.01"), 7))
    assert [level.quantity for level in book.asks()] == [D("4.15"), D("0.07")]
    (row,) = parse.decode_book(UPDATE.replace('["8477","0","0","0"]', '["8477","3","0","1"]')).data
    book.apply(parse.book_delta(row, BTC, 8))
    assert [level.quantity for level in book.asks()] == [D("4.15"), D("0.03")]


def test_a_ticker_with_empty_sides() -> None:
    text = (
        '{"arg":{"channel":"tickers","instId":"BTC-USD-220527"},"data":[{"instType":"FUTURES","instId":"BTC-USD-220527",'
        '"last":"30218.8","lastSz":"1","askPx":"","askSz":"","bidPx":"30210.4","bidSz":"4","open24h":"30000","high24h":'
        '"31003.3","low24h":"0","volCcy24h":"2620.289","vol24h":"779573","ts":"1652459223003"}]}'
    )
    (row,) = parse.decode_ticker(text).data
    quote = parse.quote(row, BTC, D(100), 9)
    assert (quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity) == (
        D("30210.4"),
        D(400),
        None,
        None,
    )
    assert (quote.change_24h, quote.low_24h, quote.volume_24h) == (D("218.8"), None, D(77_957_300))
    assert quote.change_24h_pct is not None
    assert round(quote.change_24h_pct, 4) == D("0.7293")


def test_a_print_a_candle_and_a_funding_rate() -> None:
    text = (
        '{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474",'
        '"px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3","source":"0","seqId":1234}]}'
    )
    trade = parse.trade(parse.decode_trades(text).data[0], BTC, None, 9)
    assert (trade.trade_id, trade.side, trade.price, trade.quantity) == (
        "130639474",
        Side.BUY,
        D("42219.9"),
        D("0.12060306"),
    )
    text = (
        '{"arg":{"channel":"candle1m","instId":"BTC-USDT"},"data":[["1629993600000","42500","48199.9","41006.1",'
        '"41006.1","3587.41204591","166741046.22583129","166741046.22583129","0"]]}'
    )
    update = parse.bar_update(parse.decode_candles(text).data[0], BTC, 60, None, 9)
    assert (update.bar.open_ns, update.bar.high, update.bar.volume) == (
        1_629_993_600_000_000_000,
        D("48199.9"),
        D("3587.41204591"),
    )
    text = (
        '{"arg":{"channel":"funding-rate","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","fundingRate":'
        '"-0.0001875","fundingTime":"1700726400000","nextFundingRate":"","nextFundingTime":"","ts":"1700724675402"}]}'
    )
    funding = parse.funding_rate(parse.decode_funding(text).data[0], BTC, 9)
    assert (funding.rate, funding.due_ns, funding.following_ns) == (
        D("-0.0001875"),
        1_700_726_400_000_000_000,
        None,
    )


@pytest.mark.parametrize(
    ("texts", "number"),
    [
        ("3366.1:7:3366.8:9:3366:6:3368:8", -1881014294),
        ("3366.1:7:3366.8:9:3368:8:3372:8", 831078360),
    ],
)
def test_checksums_of_the_past(texts: str, number: int) -> None:
    assert checksum_of(texts) == number


def test_a_side_that_is_shorter_is_passed_over_in_the_checksum() -> None:
    text = SNAPSHOT.replace('["8476.97","256","0","12"],["8475.55","101","0","1"]', '["3366.1","7","0","3"]')
    text = text.replace(
        '["8476.98","415","0","13"],["8477","7","0","2"]',
        '["3366.8","9","0","3"],["3368","8","0","3"],["3372","8","0","3"]',
    )
    (row,) = parse.decode_book(text).data
    book = OrderBook(BTC, 400)
    book.load(parse.book_snapshot(row, BTC, 400, D("0.1"), 0))
    checker = OkxBookChecker(lambda: D("0.1"))
    assert checker.matches(book, 831078360)
    assert not checker.matches(book, 831078361)


def test_numbers_are_written_as_okx_writes_them() -> None:
    assert [shortest(D(text)) for text in ("8477.00", "8.5E+3", "0.50", "1E-7")] == [
        "8477",
        "8500",
        "0.5",
        "0.0000001",
    ]


def frames() -> Iterator[str]:
    for line in capture("okx-ws-public-2022-05-13.ndjson").read_text().splitlines():
        yield json.loads(line)["frame"]


@pytest.mark.parametrize(
    ("inst_id", "contract", "count"), [("BTC-USD-220527", "100", 98), ("UNI-USD-SWAP", "10", 92)]
)
def test_a_real_book_is_proven_by_every_checksum(inst_id: str, contract: str, count: int) -> None:
    book, value = OrderBook(BTC, 400), D(contract)
    checker = OkxBookChecker(lambda: value)
    updates = 0
    for frame in frames():
        if '"channel":"books"' not in frame or inst_id not in frame or '"event"' in frame:
            continue
        message = parse.decode_book(frame)
        for row in message.data:
            if message.action == "snapshot":
                book.load(parse.book_snapshot(row, BTC, 400, value, 0))
            else:
                book.apply(parse.book_delta(row, BTC, 0))
                updates += 1
            assert row.checksum
            assert checker.matches(book, row.checksum)
    assert updates == count


def test_every_real_frame_is_read() -> None:
    prints = quotes = acks = 0
    for frame in frames():
        head = parse.decode_head(frame)
        assert head.arg is not None
        if head.event:
            acks += 1
        elif head.arg.channel == "tickers":
            quotes += bool(parse.quote(parse.decode_ticker(frame).data[0], BTC, D(100), 0).last)
        elif head.arg.channel == "trades":
            prints += sum(
                parse.trade(row, BTC, D(100), 0).quantity >= 100 for row in parse.decode_trades(frame).data
            )
    assert (acks, quotes) == (12, 3)
    assert prints >= 5


@pytest.mark.parametrize("bad", ["NaN", "-1", "1e999", "", "x", "Infinity"])
def test_impossible_figures_are_refused(bad: str) -> None:
    for text in ('"px":"1","sz":"{}"', '"px":"{}","sz":"1"'):
        frame = (
            '{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"1",'
            + text.format(bad)
            + ',"side":"buy","ts":"1630048897897"}]}'
        )
        with pytest.raises(WIRE_ERRORS):
            parse.trade(parse.decode_trades(frame).data[0], BTC, None, 0)
    if bad:
        row = msgspec.convert({"instId": "BTC-USDT", "bidPx": bad}, wire.TickerRow)
        with pytest.raises(WIRE_ERRORS):
            parse.quote(row, BTC, None, 0)


@pytest.mark.parametrize("bad", ["", "0", "-5", "yesterday", "1" * 20])
def test_times_that_are_none(bad: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse.time_ns(bad)
