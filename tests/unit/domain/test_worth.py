"""Worth and profit, counted in coins and counted in dollars."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.market import Side
from terminal.domain.rules import check_request, notional_of
from terminal.domain.worth import (
    break_even,
    in_quote,
    mean_price,
    money_side,
    profit,
    quantity_worth,
    turned,
    value,
    worth,
)
from tests.unit.services.order_fakes import CAPABILITIES, INSTRUMENT, limit_order

D = Decimal
LINEAR = INSTRUMENT
# 100 USD a contract, paid in BTC.
INVERSE = replace(
    INSTRUMENT, base="USD", quote="USD", is_inverse=True, quantity_step=D(100), min_quantity=D(100)
)


def test_worth_of_coins_follows_the_price_and_that_of_dollars_does_not() -> None:
    assert worth(LINEAR, D("0.5"), D(60_000)) == 30_000
    assert worth(INVERSE, D(500), D(60_000)) == worth(INVERSE, D(500), D(20_000)) == 500


@pytest.mark.parametrize(
    ("instrument", "side", "quantity", "gained"),
    [
        (LINEAR, Side.BUY, "0.5", "5000"),
        (LINEAR, Side.SELL, "0.5", "-5000"),
        # 10 000 USD bought at 40 000 are 0.25 BTC, at 50 000 they are 0.2: 0.05 BTC are left.
        (INVERSE, Side.BUY, "10000", "0.05"),
        (INVERSE, Side.SELL, "10000", "-0.05"),
    ],
)
def test_profit_of_a_move_from_40000_to_50000(
    instrument: object, side: Side, quantity: str, gained: str
) -> None:
    assert profit(instrument, side, D(quantity), D(40_000), D(50_000)) == D(gained)  # type: ignore[arg-type]


def test_break_even_gives_back_the_costs() -> None:
    assert break_even(LINEAR, Side.BUY, D("0.5"), D(40_000), D(10)) == 40_020
    assert break_even(LINEAR, Side.SELL, D("0.5"), D(40_000), D(10)) == 39_980
    # 0.05 BTC of costs on 10 000 USD at 40 000: the price at which they are worth 0.2 BTC.
    assert break_even(INVERSE, Side.BUY, D(10_000), D(40_000), D("0.05")) == 50_000
    assert break_even(INVERSE, Side.BUY, D(10_000), D(40_000), D("0.25")) is None  # all of it: no price pays
    assert break_even(INVERSE, Side.BUY, D(0), D(40_000), D(1)) is None


def test_orders_in_it_are_checked_as_any_other() -> None:
    def rules(quantity: str) -> list[str]:
        asked = limit_order(quantity=quantity)
        return [
            each.rule
            for each in check_request(asked, INVERSE, CAPABILITIES, now_ns=0, market_price=D(60_000))
        ]

    assert rules("1000") == []
    assert rules("150") == ["quantity_step"]


def test_an_inverse_order_is_worth_its_quantity_and_in_coins_what_that_buys() -> None:
    asked = limit_order(quantity="1000")
    assert notional_of(asked, INVERSE, D(60_000)) == 1000
    assert value(INVERSE, D(1000), D(50_000)) == D("0.02")
    assert quantity_worth(INVERSE, D("0.02"), D(50_000)) == 1000
    assert in_quote(INVERSE, D("0.02"), D(50_000)) == 1000
    assert value(LINEAR, D(2), D(100)) == 200
    assert quantity_worth(LINEAR, D(200), D(100)) == 2
    assert in_quote(LINEAR, D(200), D(100)) == 200


def test_a_price_turned_twice_is_the_price() -> None:
    for price in ("60000", "64120.1", "3", "0.0000123"):
        assert turned(1 / D(price)) == D(price)


def test_the_mean_of_dollars_is_harmonic() -> None:
    # 3000 at 50 000 are 0.06 BTC, 1000 at 40 000 are 0.025: 4000 / 0.085, under the plain mean of 47 500.
    notional = D(3000) / D(50_000) + D(1000) / D(40_000)
    assert mean_price(D(4000), notional, inverse=True).quantize(D("0.0001")) == D("47058.8235")
    # One fill at a price without a finite reciprocal is at that price.
    assert mean_price(D(100), D(100) / D(60_000), inverse=True) == 60_000


def test_the_money_of_an_inverse_contract_goes_the_other_way() -> None:
    assert money_side(LINEAR, Side.BUY) is money_side(INVERSE, Side.SELL) is Side.BUY
