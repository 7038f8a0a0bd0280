"""What was traded at each price of the ladder, and how much of it is remembered."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side, Trade
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType
from terminal.viewmodels.book_rows import MOST_PRICES, Prints, why_not_amend
from tests.trading_fakes import EVERYTHING

BTC = InstrumentId("kraken", "BTC/USD")
D = Decimal


def one(number: int, price: Decimal, quantity: str = "1") -> Trade:
    return Trade(BTC, str(number), Side.SELL, price, D(quantity), number, number)


def test_prints_of_a_price_add_up_and_a_print_is_counted_once() -> None:
    prints = Prints()
    tape = [one(0, D(100)), one(1, D(100), "2.5"), one(2, D(101))]
    prints.take(reversed(tape[:2]), D(1))
    prints.take(reversed(tape), D(1))
    assert prints.at(100) == (D("3.5"), D(0))
    assert prints.at(101) == (D(1), D(0))
    assert prints.at(102) is None


def test_a_market_that_wanders_fills_no_more_prices_than_the_most_and_those_in_sight_are_whole() -> None:
    prints = Prints()
    steps = 4 * MOST_PRICES
    for number in range(steps):
        prints.take([one(number, D(100 + number))], D(1))
        assert len(prints._by_price) <= MOST_PRICES
    assert len(prints._grouped) == len(prints._by_price) >= MOST_PRICES // 2
    last = 100 + steps - 1
    assert all(prints.at(key) == (D(1), D(0)) for key in range(last - MOST_PRICES // 2, last + 1))
    assert prints.at(100) is None


@pytest.mark.parametrize(
    ("amend", "kinds", "triggered", "says"),
    [
        (False, {OrderType.STOP_LIMIT}, False, "cannot change an order"),
        (True, {OrderType.LIMIT}, False, "cannot change a stop limit order"),
        (True, {OrderType.LIMIT}, True, ""),
        (True, {OrderType.STOP_LIMIT}, False, ""),
    ],
)
def test_what_a_venue_cannot_change_is_said_by_the_kind_of_order(
    amend: bool, kinds: set[OrderType], triggered: bool, says: str
) -> None:
    one = InstrumentId("kraken", "BTC/USD")
    request = OrderRequest(
        one, Side.SELL, OrderType.STOP_LIMIT, Decimal(1), limit_price=Decimal(59), trigger_price=Decimal(60)
    )
    order = Order("c1", "kraken:practice", request, OrderState.OPEN, 1, 1, triggered=triggered)
    text = why_not_amend([order], replace(EVERYTHING, amend=amend, amend_types=frozenset(kinds)))
    assert (says in text) if says else text == ""
