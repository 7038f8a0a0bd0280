"""The prices of every pair in one call."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from terminal.domain.errors import ProtocolViolation
from terminal.domain.instrument import InstrumentId
from terminal.venues.kraken.lending import quotes
from terminal.venues.kraken.wire import TickerInfo
from tests.unit.venues.kraken import samples

D = Decimal


def told(text: str) -> dict[str, TickerInfo]:
    return msgspec.json.decode(text, type=dict[str, TickerInfo])


def test_figures_are_those_of_24_hours_and_prices_on_the_grid() -> None:
    [quote] = quotes(told(samples.TICKER_REST), samples.known_symbols(), 5)
    assert quote.instrument == InstrumentId("kraken", "BTC/USD")
    assert [str(each) for each in (quote.bid, quote.ask, quote.last, quote.low_24h, quote.high_24h)] == [
        *("105944.2", "105944.3", "105899.4", "104711.0", "106613.1"),
    ]
    assert (quote.bid_quantity, quote.ask_quantity) == (D("1.000"), D("1.000"))
    assert quote.volume_24h == D("163.28908096")
    assert quote.vwap_24h == D("105904.39279"), "an average is on no grid"
    assert (quote.change_24h, quote.ts_event_ns) == (None, None), "the answer does not tell them"


def test_a_side_without_a_price_and_a_pair_that_is_not_listed() -> None:
    row = samples.TICKER_REST.removeprefix("{").removesuffix("}")
    [quote] = quotes(
        told("{" + row.replace("105944.20000", "0") + "," + row.replace("XXBTZUSD", "NEWUSD") + "}"),
        samples.known_symbols(),
        5,
    )
    assert quote.bid is None
    assert quote.ask == D("105944.3")


@pytest.mark.parametrize("wrong", ['"b":[]', '"b":["1","1","NaN"]'])
def test_figures_that_are_none_are_said(wrong: str) -> None:
    with pytest.raises(ProtocolViolation):
        quotes(
            told(samples.TICKER_REST.replace('"b":["105944.20000","1","1.000"]', wrong)),
            samples.known_symbols(),
            5,
        )
