"""Funding in words and in money: who pays, when, and how much, with figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.instrument import InstrumentKind
from terminal.domain.market import FundingRate, Side
from terminal.viewmodels.funding import (
    due_text,
    funding_line,
    funding_tip,
    header_text,
    payment,
    payment_text,
)
from tests.trading_fakes import BTC, btc

D = Decimal
S = 1_000_000_000
NOW = 1_755_000_000 * S
PERP = replace(btc(), kind=InstrumentKind.PERPETUAL)
INVERSE = replace(PERP, base="USD", is_inverse=True)


def rate(
    text: str = "0.0001", *, in_s: int = 3 * 3600 + 12 * 60 + 5, period_s: int | None = 8 * 3600
) -> FundingRate:
    due_ns = NOW + in_s * S
    return FundingRate(BTC, D(text), due_ns, None if period_s is None else due_ns + period_s * S, None, 0)


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u2009", " ")


def test_header_and_the_line_of_each_side() -> None:
    assert plain(header_text(rate(), NOW)) == "Funding 0.0100 % in 3 h 12 min"
    line = funding_line(rate(), Side.BUY, NOW)
    assert (line.label, plain(line.value), line.detail) == ("Funding", "0.0100 %", "you pay in 3 h 12 min")
    assert funding_line(rate(), Side.SELL, NOW).detail == "you get in 3 h 12 min"
    assert funding_line(rate("-0.0001"), Side.BUY, NOW).detail == "you get in 3 h 12 min"
    assert plain(funding_line(rate("-0.0001"), Side.BUY, NOW).value) == "−0.0100 %"
    assert funding_line(rate("0"), Side.BUY, NOW).detail == "nothing is paid in 3 h 12 min"
    assert funding_line(None, Side.BUY, NOW, "no current rate").detail == "no current rate"


@pytest.mark.parametrize(
    ("seconds", "text"), [(7200, "in 2 h 0 min"), (3599, "in 59 min"), (40, "in 40 s"), (-5, "in 0 s")]
)
def test_time_left(seconds: int, text: str) -> None:
    assert due_text(rate(in_s=seconds), NOW) == text


def test_the_tip_tells_the_period_and_the_year() -> None:
    # 0.01 % three times a day: 0.01 % x 3 x 365 = 10.95 %
    assert plain(funding_tip(rate())).startswith("0.0100 % every 8 h; at this rate 10.95 % a year.\nNext: ")
    assert "Longs pay shorts" in funding_tip(rate())
    assert "Shorts pay longs" in funding_tip(rate("-0.0001"))
    assert "a year" not in funding_tip(rate(period_s=None)), "no period known, no year made up"


def test_what_a_position_pays() -> None:
    # 0.5 BTC at 60 000 are 30 000 USD; 0.01 % of them are 3 USD.
    assert payment(rate(), PERP, Side.BUY, D("0.5"), D(60_000)) == -3
    assert payment(rate(), PERP, Side.SELL, D("0.5"), D(60_000)) == 3
    # 60 000 USD at 60 000 are 1 BTC; 0.01 % of it are 0.0001 BTC.
    assert payment(rate(), INVERSE, Side.BUY, D(60_000), D(60_000)) == D("-0.0001")
    text = payment_text(rate(), PERP, Side.BUY, D("0.5"), D(60_000), NOW, "USD")
    assert plain(text) == "Next funding in 3 h 12 min: you pay about 3.00 USD (0.0100 %)"
    text = payment_text(rate(), INVERSE, Side.SELL, D(60_000), D(60_000), NOW, "BTC")
    assert plain(text) == "Next funding in 3 h 12 min: you get about 0.00010000 BTC (0.0100 %)"
