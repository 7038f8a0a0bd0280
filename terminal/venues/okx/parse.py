"""OKX's public messages as domain values: pure functions, each with a real payload.

What does not pass raises ValueError, msgspec.MsgspecError or decimal.InvalidOperation (see
:data:`WIRE_ERRORS`) and is counted as a fault of the wire by the caller. The levels of a book are left as
they are decoded: the book checks each of them itself when it applies it, and knows the size of a contract.
``contract`` is the number of our units in a contract, None for spot.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from terminal.domain.decimals import HUGE, TINY, ZERO, kept_price, require_finite
from terminal.domain.events import BarUpdate
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Bar, BookDelta, BookSnapshot, FundingRate, Quote, Side, Trade
from terminal.venues.okx.wire import (
    BookMessage,
    BookRow,
    CandleMessage,
    CandleRow,
    FundingMessage,
    FundingRow,
    Head,
    InstrumentMessage,
    TickerMessage,
    TickerRow,
    TradeMessage,
    TradeRow,
)

WIRE_ERRORS: Final = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
"""All that reading a bad frame may raise."""

decode_head = msgspec.json.Decoder(Head).decode
decode_book = msgspec.json.Decoder(BookMessage, dec_hook=kept_price).decode
decode_ticker = msgspec.json.Decoder(TickerMessage).decode
decode_trades = msgspec.json.Decoder(TradeMessage).decode
decode_candles = msgspec.json.Decoder(CandleMessage).decode
decode_funding = msgspec.json.Decoder(FundingMessage).decode
decode_instruments = msgspec.json.Decoder(InstrumentMessage).decode

_new: Final = tuple.__new__
_LATEST_MS: Final = 10**14


def time_ns(text: str) -> int:
    """Nanoseconds of OKX's Unix milliseconds. Raises ValueError where the text is none."""
    milliseconds = int(text)
    if not 0 < milliseconds < _LATEST_MS:
        raise ValueError(f"not a time: {text[:40]!r}")
    return milliseconds * 1_000_000


def maybe_time_ns(text: str) -> int | None:
    """As :func:`time_ns`; None for an empty text or ``0``."""
    return time_ns(text) if text and text != "0" else None


def maybe(text: str) -> Decimal | None:
    """A finite number, or None for an empty text."""
    return require_finite(Decimal(text)) if text else None


def number(text: str) -> Decimal:
    """A finite number; an empty text is 0."""
    return require_finite(Decimal(text)) if text else ZERO


def maybe_price(text: str) -> Decimal | None:
    """A price, or None where the text is empty or 0 (no trade yet, an empty side)."""
    if not text:
        return None
    value = Decimal(text)
    if value == 0:
        return None
    if not (TINY < value < HUGE):
        raise ValueError(f"impossible price {value}")
    return value


def price(text: str) -> Decimal:
    """A price that has to be there."""
    found = maybe_price(text)
    if found is None:
        raise ValueError("a price is missing")
    return found


def _amount(text: str, contract: Decimal | None) -> Decimal | None:
    if not text:
        return None
    value = Decimal(text)
    if not (ZERO <= value < HUGE):
        raise ValueError(f"impossible quantity {value}")
    return value if contract is None else value * contract


def side_of(text: str) -> Side:
    """``buy`` or ``sell``. Raises ValueError for anything else."""
    if text == "buy":
        return Side.BUY
    if text == "sell":
        return Side.SELL
    raise ValueError(f"not a side: {text[:20]!r}")


def book_delta(row: BookRow, instrument: InstrumentId, ts_received_ns: int) -> BookDelta:
    """One update of ``books``.

    ``{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["8477","0","0","0"]],
    "bids":[],"ts":"1597026383185","checksum":0,"prevSeqId":123456,"seqId":123457}]}``
    """
    stamp = row.ts
    return _new(
        BookDelta,
        (
            instrument,
            row.bids,
            row.asks,
            row.checksum or None,
            row.prevSeqId,
            row.seqId,
            int(stamp) * 1_000_000 if stamp else None,
            ts_received_ns,
        ),
    )


def book_snapshot(
    row: BookRow, instrument: InstrumentId, depth: int, contract: Decimal | None, ts_received_ns: int
) -> BookSnapshot:
    """The snapshot of ``books``, or a push of ``books5`` or ``bbo-tbt``, which are always whole.

    ``{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["8476.98","415",
    "0","13"]],"bids":[["8476.97","256","0","12"]],"ts":"1597026383085","checksum":0,"prevSeqId":-1,
    "seqId":123456}]}``
    """
    return BookSnapshot(
        instrument=instrument,
        bids=row.bids,
        asks=row.asks,
        depth=depth,
        checksum=row.checksum or None,
        sequence=row.seqId,
        ts_event_ns=maybe_time_ns(row.ts),
        ts_received_ns=ts_received_ns,
        unit=contract,
    )


def quote(row: TickerRow, instrument: InstrumentId, contract: Decimal | None, ts_received_ns: int) -> Quote:
    """One row of ``tickers``.

    ``{"arg":{"channel":"tickers","instId":"BTC-USD-220527"},"data":[{"instType":"FUTURES",
    "instId":"BTC-USD-220527","last":"30218.8","lastSz":"1","askPx":"30220.1","askSz":"3","bidPx":"30210.4",
    "bidSz":"4","open24h":"29571.4","high24h":"31003.3","low24h":"27930.8","sodUtc0":"28935.3",
    "sodUtc8":"30320.5","volCcy24h":"2620.289","vol24h":"779573","ts":"1652459223003"}]}``
    """
    last, opened = maybe_price(row.last), maybe_price(row.open24h)
    change = last - opened if last is not None and opened is not None else None
    return Quote(
        instrument=instrument,
        bid=maybe_price(row.bidPx),
        bid_quantity=_amount(row.bidSz, contract),
        ask=maybe_price(row.askPx),
        ask_quantity=_amount(row.askSz, contract),
        last=last,
        volume_24h=_amount(row.vol24h, contract),
        low_24h=maybe_price(row.low24h),
        high_24h=maybe_price(row.high24h),
        change_24h=change,
        change_24h_pct=change * 100 / opened if change is not None and opened is not None else None,
        vwap_24h=None,
        ts_event_ns=maybe_time_ns(row.ts),
        ts_received_ns=ts_received_ns,
    )


def trade(row: TradeRow, instrument: InstrumentId, contract: Decimal | None, ts_received_ns: int) -> Trade:
    """One print: all that one taker traded at one price.

    ``{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474",
    "px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3","source":"0",
    "seqId":1234}]}``
    """
    quantity = row.sz if contract is None else row.sz * contract
    if not (TINY < row.px < HUGE and ZERO < quantity < HUGE):
        raise ValueError(f"impossible trade {row.px} x {quantity}")
    return Trade(
        instrument=instrument,
        trade_id=row.tradeId,
        side=side_of(row.side),
        price=row.px,
        quantity=quantity,
        ts_event_ns=time_ns(row.ts),
        ts_received_ns=ts_received_ns,
    )


def bar(row: CandleRow, contract: Decimal | None) -> Bar:
    """One candle: ``[ts,o,h,l,c,vol,volCcy,volCcyQuote,confirm]``."""
    volume = row.volume if contract is None else row.volume * contract
    low, high = row.low, row.high
    if not (
        TINY < low <= min(row.open, row.close)
        and max(row.open, row.close) <= high < HUGE
        and ZERO <= volume < HUGE
    ):
        raise ValueError(f"impossible bar {row.open} {high} {low} {row.close} {volume}")
    return Bar(time_ns(row.ts), row.open, high, low, row.close, volume)


def bar_update(
    row: CandleRow, instrument: InstrumentId, interval_s: int, contract: Decimal | None, ts_received_ns: int
) -> BarUpdate:
    """``{"arg":{"channel":"candle1m","instId":"BTC-USDT"},"data":[["1629993600000","42500","48199.9","41006.1",
    "41006.1","3587.41204591","166741046.22583129","166741046.22583129","0"]]}``"""
    return BarUpdate(instrument, interval_s, bar(row, contract), ts_received_ns)


def funding_rate(row: FundingRow, instrument: InstrumentId, ts_received_ns: int) -> FundingRate:
    """``{"arg":{"channel":"funding-rate","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP",
    "fundingRate":"0.0001875391284828","fundingTime":"1700726400000","nextFundingTime":"1700755200000",
    "ts":"1700724675402"}]}``"""
    return FundingRate(
        instrument=instrument,
        rate=require_finite(Decimal(row.fundingRate)),
        due_ns=time_ns(row.fundingTime),
        following_ns=maybe_time_ns(row.nextFundingTime),
        ts_event_ns=maybe_time_ns(row.ts),
        ts_received_ns=ts_received_ns,
    )
