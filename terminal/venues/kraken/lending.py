"""What Kraken tells of every pair in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from terminal.domain.decimals import require_finite
from terminal.domain.errors import ProtocolViolation
from terminal.domain.market import Quote
from terminal.venues.kraken.errors import VENUE_NAME
from terminal.venues.kraken.symbols import SymbolMap
from terminal.venues.kraken.wire import TickerInfo


def quotes(told: Mapping[str, TickerInfo], symbols: SymbolMap, ts_received_ns: int) -> Sequence[Quote]:
    """The pairs of REST ``Ticker`` that are listed.

    ``{"XXBTZUSD":{"a":["65843.80000","1","1.000"],"b":["65843.70000","12","12.000"],"c":["65843.70000",
    "0.00100"],"v":["1211.2","4182.5"],"p":["64950.1","64223.4"],"t":[9876,38000],"l":["63111.1","61325.4"],
    "h":["66450.0","66450.0"],"o":"64000.00000"}}``: of each pair of figures the second is the last 24 hours;
    ``o`` is the opening of the day (UTC), so that the change of 24 hours is not told (Kraken REST, read
    2026-08).

    Raises:
        ProtocolViolation: a figure is missing or is none.
    """
    out = []
    for pair_id, row in told.items():
        symbol = symbols.symbol(pair_id)
        instrument = None if symbol is None else symbols.instrument(symbol)
        if symbol is None or instrument is None:
            continue
        digits = instrument.price_decimals

        def price(text: Decimal, digits: int = digits) -> Decimal | None:
            """Printed with five digits at least, whatever the grid; 0 where there is none."""
            value = require_finite(text)
            fitted = round(value, digits)
            return (fitted if fitted == value else value) or None

        try:
            out.append(
                Quote(
                    instrument=symbols.instrument_id(symbol),
                    bid=price(row.b[0]),
                    bid_quantity=require_finite(row.b[2]),
                    ask=price(row.a[0]),
                    ask_quantity=require_finite(row.a[2]),
                    last=price(row.c[0]),
                    volume_24h=require_finite(row.v[1]),
                    low_24h=price(row.l[1]),
                    high_24h=price(row.h[1]),
                    change_24h=None,
                    change_24h_pct=None,
                    vwap_24h=price(row.p[1]),
                    ts_event_ns=None,
                    ts_received_ns=ts_received_ns,
                )
            )
        except (ValueError, IndexError) as error:
            raise ProtocolViolation(VENUE_NAME, f"Ticker: {pair_id[:40]}: {error}") from error
    return out
