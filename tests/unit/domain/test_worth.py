"""Worth and profit, counted in coins and counted in dollars."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.market import Side
from terminal.domain.rules import check_request, notional_of
from terminal.domain.worth import break_even, profit, worth
from terminal.viewmodels.cost import estimate
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


def test_no_order_opens_what_cannot_be_counted_and_every_order_may_close_it() -> None:
    def rules(**more: object) -> list[str]:
        able = replace(CAPABILITIES, reduce_only=True)
        asked = limit_order(quantity="1000", **more)  # type: ignore[arg-type]
        return [each.rule for each in check_request(asked, INVERSE, able, now_ns=0, market_price=D(60_000))]

    assert rules() == ["inverse"]
    assert rules(reduce_only=True) == []


def test_an_inverse_order_is_worth_its_quantity_and_its_cost_is_not_told() -> None:
    asked = limit_order(quantity="1000")
    assert notional_of(asked, INVERSE, D(60_000)) == 1000
    cost = estimate(asked, INVERSE, None, None)
    assert (cost.notional, cost.fee, cost.total, cost.max_loss, cost.break_even_price) == (None,) * 5
    assert not cost.unlimited
