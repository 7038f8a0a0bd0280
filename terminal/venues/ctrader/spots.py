"""Best prices of one symbol, merged from one-sided events, and the live bars that ride with them.

A spot event may bring one side only: the other still stands, and is never zero. A live bar has no close of
its own: it is the event's bid (Open API 2.0, 2131).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from terminal.domain.events import BarUpdate
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Bar, Quote
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.units import NS_PER_MS, price

PERIODS: Final[dict[int, pb.ProtoOATrendbarPeriod]] = {
    60: pb.M1,
    120: pb.M2,
    180: pb.M3,
    240: pb.M4,
    300: pb.M5,
    600: pb.M10,
    900: pb.M15,
    1800: pb.M30,
    3600: pb.H1,
    14_400: pb.H4,
    43_200: pb.H12,
    86_400: pb.D1,
    604_800: pb.W1,
    2_592_000: pb.MN1,
}
"""Length of a bar in seconds -> the venue's period; its month counts as 30 days."""
SECONDS: Final[dict[int, int]] = {period: seconds for seconds, period in PERIODS.items()}

# Prices come back again and again: a look-up costs a tenth of the arithmetic.
_KEPT_PRICES: Final = 4096
_make_quote: Final = tuple.__new__
_HUNDRED: Final = Decimal(100)
_PCT_STEP: Final = Decimal("0.0001")

EmitQuote = Callable[[Quote], object]
EmitBar = Callable[[BarUpdate], object]


class Spot:
    """The best prices of one symbol of one account; None while a side has never been heard of.

    Events are merged as integers when they come; they become prices when somebody looks.

    Attributes:
        emit_quote: hears of changes, once for all events of one reading, while somebody watches the quotes.
        bars: period -> who hears of the running bar.
        is_due: it has changed and nobody has been told yet.
    """

    __slots__ = (
        "_ask",
        "_bid",
        "_change",
        "_change_bid",
        "_change_pct",
        "_close",
        "_digits",
        "_ms",
        "_prices",
        "bars",
        "emit_quote",
        "instrument",
        "is_due",
    )

    def __init__(self, instrument: InstrumentId, digits: int) -> None:
        self.instrument = instrument
        self.emit_quote: EmitQuote | None = None
        self.bars: dict[int, EmitBar] = {}
        self.is_due = False
        # Prices are above zero: a zero is one that is not known.
        self._bid = self._ask = self._close = self._ms = 0
        self._digits = digits
        self._prices: dict[int, Decimal] = {}
        self._change_bid = 0
        self._change: Decimal | None = None
        self._change_pct: Decimal | None = None

    @property
    def bid(self) -> Decimal | None:
        return self._price(self._bid) if self._bid else None

    @property
    def ask(self) -> Decimal | None:
        return self._price(self._ask) if self._ask else None

    @property
    def close(self) -> Decimal | None:
        """Of the session before."""
        return self._price(self._close) if self._close else None

    @property
    def mid(self) -> Decimal | None:
        """Half way between the sides."""
        bid, ask = self.bid, self.ask
        return None if bid is None or ask is None else (bid + ask) / 2

    def set_digits(self, digits: int) -> None:
        """The symbol's record has come, or changed."""
        if digits != self._digits:
            self._digits = digits
            self._prices.clear()
            self._change_bid = 0

    def clear(self) -> None:
        """Nothing of it is proven any more: the connection was lost."""
        self._bid = self._ask = self._ms = 0

    def take(self, event: pb.ProtoOASpotEvent, ts_received_ns: int) -> None:
        """Merge one event, in the reading call; :meth:`tell` follows at the end of the reading."""
        # Asking for a number costs half of asking whether it is there.
        if bid := event.bid:
            self._bid = bid
            if self.bars:
                self._take_bars(event.trendbar, bid, ts_received_ns)
        if ask := event.ask:
            self._ask = ask
        if close := event.sessionClose:
            self._close = close
            self._change_bid = 0
        self._ms = event.timestamp

    def tell(self, ts_received_ns: int) -> None:
        """Pass on what has changed since the last time."""
        self.is_due = False
        if self.emit_quote is not None:
            self.emit_quote(self.quote(ts_received_ns))

    def quote(self, ts_received_ns: int) -> Quote:
        """As it stands now. The change is that of the bid against the close of the session before."""
        bid = self.bid
        if self._bid != self._change_bid:
            self._work_out_change(bid)
        quote: Quote = _make_quote(
            Quote,
            (
                self.instrument,
                bid,
                None,
                self.ask,
                None,
                None,
                None,
                None,
                None,
                self._change,
                self._change_pct,
                None,
                self._ms * NS_PER_MS or None,
                ts_received_ns,
            ),
        )
        return quote

    def _take_bars(self, bars: Any, close: int, ts_received_ns: int) -> None:
        for row in bars:
            emit = self.bars.get(row.period)
            if emit is not None and row.HasField("low") and row.HasField("utcTimestampInMinutes"):
                bar = bar_of(row, self._price, close=close)
                emit(BarUpdate(self.instrument, SECONDS[row.period], bar, ts_received_ns))

    def _price(self, wire: int) -> Decimal:
        found = self._prices.get(wire)
        if found is None:
            if len(self._prices) >= _KEPT_PRICES:
                self._prices.clear()
            found = self._prices[wire] = price(wire, self._digits)
        return found

    def _work_out_change(self, bid: Decimal | None) -> None:
        self._change_bid = self._bid
        close = self.close
        if bid is None or close is None:
            self._change = self._change_pct = None
            return
        self._change = change = bid - close
        self._change_pct = (change * _HUNDRED / close).quantize(_PCT_STEP)


def bar_of(row: pb.ProtoOATrendbar, to_price: Callable[[int], Decimal], *, close: int | None = None) -> Bar:
    """A bar of bid prices: ``{low 114791, deltaOpen 22, deltaHigh 44, deltaClose 35, minute 29828535}``.

    ``close`` stands in for a live bar, which has none. Its volume is the number of price changes.
    """
    low = row.low
    end = low + row.deltaClose if close is None else close
    # The event's bid is part of the bar, also where the bar was cut a moment earlier.
    high = max(low + row.deltaHigh, end)
    ticks = row.volume
    return Bar(
        row.utcTimestampInMinutes * 60_000_000_000,
        to_price(low + row.deltaOpen),
        to_price(high),
        to_price(min(low, end)),
        to_price(end),
        Decimal(ticks),
        ticks,
    )
