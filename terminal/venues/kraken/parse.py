"""Kraken's WebSocket v2 public frames as domain events: pure functions, each with a real payload.

Text has become ``Decimal`` in the decoders below; here it is checked (finite, positive, of a size a market
can have) and put into the domain's own values. What does not pass raises ValueError, msgspec.MsgspecError or
decimal.InvalidOperation (see :data:`WIRE_ERRORS`) and is counted as a fault of the wire by the caller. The
levels of a book are left as they are decoded: the book checks each of them itself when it applies it.
"""

from __future__ import annotations

import calendar
import re
import time
from decimal import Decimal
from typing import Final

import msgspec

from terminal.domain.decimals import HUGE, TINY, ZERO, kept_prices, require_finite
from terminal.domain.events import BarUpdate
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Bar, BookDelta, BookSnapshot, Quote, Side, Trade
from terminal.venues.kraken.wire import (
    BookMessage,
    InstrumentMessage,
    OhlcMessage,
    StatusMessage,
    TickerMessage,
    TradeMessage,
    WsBook,
    WsOhlc,
    WsTicker,
    WsTrade,
)

WIRE_ERRORS: Final = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
"""All that reading a bad frame may raise."""

decode_book = msgspec.json.Decoder(BookMessage, float_hook=kept_prices.__getitem__).decode
decode_ticker = msgspec.json.Decoder(TickerMessage).decode
decode_trades = msgspec.json.Decoder(TradeMessage).decode
decode_ohlc = msgspec.json.Decoder(OhlcMessage).decode
decode_instruments = msgspec.json.Decoder(InstrumentMessage).decode
decode_status = msgspec.json.Decoder(StatusMessage).decode

_new: Final = tuple.__new__

_SYMBOL = re.compile(r'"symbol"\s*:\s*"([^"\\]{1,40})"')
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")


# Frames come in the order of time: the second of the last ones is nearly always known already.
_seconds: dict[str, int] = {}


def _second_ns(text: str) -> int:
    if len(_seconds) > 512:
        _seconds.clear()
    found = _seconds[text] = calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S")) * 1_000_000_000
    return found


def time_ns(text: str) -> int:
    """Nanoseconds UTC of ``2023-10-06T17:35:55.440295Z``; micro- or nanoseconds, or whole seconds.

    Raises:
        ValueError: not of this form.
    """
    second = text[:19]
    whole_ns = _seconds.get(second)
    if whole_ns is not None and len(text) == 27 and text[26] == "Z":
        return whole_ns + int(text[20:26]) * 1000
    if _STAMP.fullmatch(text) is None:
        raise ValueError(f"not a time: {text[:40]!r}")
    fraction = text[20:-1] if len(text) > 20 else ""
    return _second_ns(second) + int(fraction.ljust(9, "0"))


def unix_ns(seconds: Decimal) -> int:
    """Nanoseconds of REST's Unix seconds with a fraction. Raises ValueError where it is not a time."""
    if not (ZERO <= seconds < HUGE):
        raise ValueError(f"not a time: {seconds}")
    return int(seconds * 1_000_000_000)


def side_of(text: str) -> Side:
    """``buy``/``sell``, or REST's ``b``/``s``. Raises ValueError for anything else."""
    if text in ("buy", "b"):
        return Side.BUY
    if text in ("sell", "s"):
        return Side.SELL
    raise ValueError(f"not a side: {text[:20]!r}")


def book_delta(row: WsBook, instrument: InstrumentId, ts_received_ns: int) -> BookDelta:
    """One row of a book update.

    ``{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":66786.5,"qty":0.00000000},
    {"price":66787.7,"qty":0.12440000}],"asks":[],"checksum":902440905,"timestamp":"2024-05-19T16:45:24.204654Z"}]}``
    """
    stamp = row.timestamp
    return _new(
        BookDelta,
        (
            instrument,
            row.bids,
            row.asks,
            row.checksum,
            None,
            None,
            time_ns(stamp) if stamp is not None else None,
            ts_received_ns,
        ),
    )


def book_snapshot(row: WsBook, instrument: InstrumentId, depth: int, ts_received_ns: int) -> BookSnapshot:
    """One row of a book snapshot.

    ``{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":66788.0,"qty":3.21926649}],
    "asks":[{"price":66788.1,"qty":1.67939137}],"checksum":2330500275}]}``
    """
    return BookSnapshot(
        instrument=instrument,
        bids=row.bids,
        asks=row.asks,
        depth=depth,
        checksum=row.checksum,
        sequence=None,
        ts_event_ns=time_ns(row.timestamp) if row.timestamp is not None else None,
        ts_received_ns=ts_received_ns,
    )


def _price(value: Decimal | None) -> Decimal | None:
    if value is not None and not (TINY < value < HUGE):
        raise ValueError(f"impossible price {value}")
    return value


def _day_price(value: Decimal | None) -> Decimal | None:
    """A price of the last day: 0 where the market had no trade in it, which is no price."""
    return None if value == 0 else _price(value)


def _amount(value: Decimal | None) -> Decimal | None:
    if value is None:
        return None
    if not (ZERO <= value < HUGE):
        raise ValueError(f"impossible quantity {value}")
    return value


def _change(value: Decimal | None) -> Decimal | None:
    return None if value is None else require_finite(value)


def quote(row: WsTicker, instrument: InstrumentId, ts_received_ns: int) -> Quote:
    """One row of the ticker.

    ``{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":65843.7,"bid_qty":12.31628629,
    "ask":65843.8,"ask_qty":0.31232000,"last":65843.7,"volume":4182.59447976,"vwap":64223.4,"low":61325.4,
    "high":66450.0,"change":4213.8,"change_pct":6.84,"timestamp":"2024-05-19T16:45:24.204654Z"}]}``
    """
    return Quote(
        instrument=instrument,
        bid=_price(row.bid),
        bid_quantity=_amount(row.bid_qty),
        ask=_price(row.ask),
        ask_quantity=_amount(row.ask_qty),
        last=_price(row.last),
        volume_24h=_amount(row.volume),
        low_24h=_day_price(row.low),
        high_24h=_day_price(row.high),
        change_24h=_change(row.change),
        change_24h_pct=_change(row.change_pct),
        vwap_24h=_day_price(row.vwap),
        ts_event_ns=time_ns(row.timestamp) if row.timestamp is not None else None,
        ts_received_ns=ts_received_ns,
    )


def trade(row: WsTrade, instrument: InstrumentId, ts_received_ns: int) -> Trade:
    """One public print.

    ``{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":68500.0,"qty":0.01044926,
    "ord_type":"limit","trade_id":70635299,"timestamp":"2024-05-27T12:43:11.798009Z"}]}``
    """
    if not (TINY < row.price < HUGE and ZERO < row.qty < HUGE):
        raise ValueError(f"impossible trade {row.price} x {row.qty}")
    return Trade(
        instrument=instrument,
        trade_id=str(row.trade_id),
        side=side_of(row.side),
        price=row.price,
        quantity=row.qty,
        ts_event_ns=time_ns(row.timestamp),
        ts_received_ns=ts_received_ns,
    )


def bar_update(row: WsOhlc, instrument: InstrumentId, ts_received_ns: int) -> BarUpdate:
    """One row of the ohlc channel; ``interval`` in minutes.

    ``{"channel":"ohlc","type":"update","timestamp":"2024-05-17T11:21:16.318303322Z","data":[{"symbol":"ETH/USD",
    "open":3027.80,"high":3027.80,"low":3026.13,"close":3026.13,"trades":9,"volume":13.31603062,"vwap":3027.01,
    "interval_begin":"2024-05-17T11:12:00.000000000Z","interval":1,"timestamp":"2024-05-17T11:13:00.000000Z"}]}``
    """
    return BarUpdate(
        instrument=instrument,
        interval_s=row.interval * 60,
        bar=checked_bar(
            time_ns(row.interval_begin), row.open, row.high, row.low, row.close, row.volume, row.trades
        ),
        ts_received_ns=ts_received_ns,
    )


def checked_bar(
    open_ns: int,
    open_: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
    volume: Decimal,
    trades: int | None,
) -> Bar:
    """A bar whose figures can be. Raises ValueError otherwise."""
    if not (TINY < low <= min(open_, close) and max(open_, close) <= high < HUGE and ZERO <= volume < HUGE):
        raise ValueError(f"impossible bar {open_} {high} {low} {close} {volume}")
    return Bar(open_ns, open_, high, low, close, volume, trades)


def symbols_in(frame: str) -> list[str]:
    """The symbols that a frame names, as far as it can be read at all; for frames that do not decode."""
    return _SYMBOL.findall(frame[:4_000])
