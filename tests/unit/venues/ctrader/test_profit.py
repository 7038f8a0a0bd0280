"""What positions are worth: the arithmetic, and how far the venue's own figures count."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.account import Position
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.venues.ctrader.profit import Profits
from tests.helpers import run
from tests.unit.venues.ctrader.broker import EURUSD, US500, USDJPY, D, FakeAccount


class Desk:
    def __init__(self) -> None:
        self.account = run(FakeAccount().ready())
        self.prices, self.rates = self.account.streams, self.account.rates
        self.profits = Profits(self.account.symbols, self.prices, self.rates, "test")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@cache
def one_desk() -> Desk:
    """For many examples of one property."""
    return Desk()


def held(
    side: Side = Side.BUY, quantity: str = "1000", price: str = "1.14816", name: str = "1", **more: object
) -> Position:
    position = Position(
        InstrumentId("ctrader", "EUR/USD"),
        name,
        side,
        D(quantity),
        D(price),
        currency="USD",
        swap=D("0.00"),
        commission=D("-0.03"),
    )
    return replace(position, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("side", "net"), [(Side.BUY, "1.81"), (Side.SELL, "-1.88")])
def test_a_position_is_worth_what_closing_it_would_bring(side: Side, net: str, desk: Desk) -> None:
    """A buyer closes at the bid, a seller at the ask; swap and commission are taken off."""
    desk.prices.quotes[EURUSD] = D("1.15000"), D("1.15001")
    assert desk.profits.net(held(side), EURUSD) == D(net)


def test_a_profit_in_another_currency_is_converted(desk: Desk) -> None:
    position = held(price="131.074", quantity="1000")
    desk.prices.quotes[USDJPY] = D("132.074"), D("132.080")
    assert desk.profits.net(position, USDJPY) is None
    desk.rates.rates["JPY", "USD"] = D("0.0076")
    assert desk.profits.net(position, USDJPY) == D("7.57")


def test_without_prices_the_venue_s_figure_stands(desk: Desk) -> None:
    position = held()
    assert desk.profits.net(position, EURUSD) is None
    desk.profits.take(position, EURUSD, D("5.00"), D("4.90"))
    assert desk.profits.net(position, EURUSD) == D("4.90")


def test_what_the_venue_takes_off_counts_not_what_we_would(desk: Desk) -> None:
    """It may count the commission of the closing in."""
    desk.prices.quotes[EURUSD] = D("1.15000"), D("1.15001")
    desk.profits.take(held(), EURUSD, D("1.84"), D("1.78"))
    assert desk.profits.net(held(), EURUSD) == D("1.78")
    desk.prices.quotes[EURUSD] = D("1.15100"), D("1.15101")
    assert desk.profits.net(held(), EURUSD) == D("2.78")


def test_a_price_in_motion_is_no_difference(desk: Desk) -> None:
    desk.prices.quotes[EURUSD] = D("1.15000"), D("1.15001")
    desk.profits.take(held(), EURUSD, D("1.80"), D("1.77"))
    assert desk.profits.net(held(), EURUSD) == D("1.81")


def test_a_lasting_difference_is_the_venue_s_word(desk: Desk) -> None:
    desk.prices.quotes[EURUSD] = D("1.15000"), D("1.15001")
    desk.profits.take(held(), EURUSD, D("4.84"), D("4.81"))
    assert desk.profits.net(held(), EURUSD) == D("4.81")
    desk.prices.quotes[EURUSD] = D("1.15010"), D("1.15011")
    assert desk.profits.net(held(), EURUSD) == D("4.91")


def test_a_figure_of_a_position_as_it_was_before_is_not_used(desk: Desk) -> None:
    desk.prices.quotes[EURUSD] = D("1.15000"), D("1.15001")
    desk.profits.take(held(), EURUSD, D("40.00"), D("1.00"))
    assert desk.profits.net(held(quantity="500"), EURUSD) == D("0.89")
    assert desk.profits.net(held(swap=D("-0.50")), EURUSD) == D("1.31")


def test_the_total_is_the_sum_or_not_known(desk: Desk) -> None:
    both = [(held(), EURUSD), (held(name="2", quantity="10", price="100"), US500)]
    desk.prices.quotes[EURUSD] = D("1.15000"), D("1.15001")
    assert desk.profits.total(both) is None
    desk.prices.quotes[US500] = D("101.00"), D("101.50")
    assert desk.profits.total(both) == D("11.78")
    assert desk.profits.total([]) == 0


def test_the_venue_s_total_fills_in_what_is_not_known(desk: Desk) -> None:
    both = [(held(), EURUSD), (held(name="2", quantity="10", price="100"), US500)]
    desk.profits.take_total(both, D("-7.00"))
    assert desk.profits.total(both) == D("-7.00")
    # With other positions it says nothing any more.
    assert desk.profits.total(both[:1]) is None


def test_prices_are_kept_for_what_is_open_only(desk: Desk) -> None:
    desk.profits.follow({EURUSD, US500})
    desk.profits.follow({EURUSD, USDJPY, 99})
    assert desk.prices.wanted == {EURUSD, USDJPY}
    desk.profits.follow(())
    assert desk.prices.wanted == set()


@given(
    side=st.sampled_from(Side),
    entry=st.integers(100_000, 200_000),
    close=st.integers(100_000, 200_000),
    units=st.integers(1, 10**7),
)
def test_it_is_the_exact_profit_rounded_once(side: Side, entry: int, close: int, units: int) -> None:
    desk = one_desk()
    price = D(close).scaleb(-5)
    desk.prices.quotes[EURUSD] = price, price
    position = held(side, str(units), str(D(entry).scaleb(-5)), commission=D("0.00"))
    exact = Decimal((close - entry) * units * side.sign).scaleb(-5)
    net = desk.profits.net(position, EURUSD)
    assert net is not None
    assert abs(net - exact) <= D("0.005")
    assert net == net.quantize(D("0.01"))
