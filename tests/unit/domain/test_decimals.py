"""Numbers from text, to text, and onto the grid."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.decimals import (
    Price,
    decimals_of,
    is_multiple,
    kept_price,
    kept_prices,
    parse_finite,
    round_down,
    round_nearest,
    round_up,
    wire_text,
)

D = Decimal


def test_wire_text_never_has_an_exponent() -> None:
    assert wire_text(D("5E-7")) == "0.0000005"
    assert wire_text(D("1E+3")) == "1000"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-inf", "1e999", "1e-999", "", "12,5", "abc"])
def test_what_is_no_number_of_a_market_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_finite(text)


def test_exponent_text_is_read_exactly() -> None:
    assert parse_finite("5.1e-05") == D("0.000051")


@pytest.mark.parametrize(
    ("step", "digits"), [("0.1", 1), ("0.10", 1), ("1", 0), ("10", 0), ("0.00000001", 8)]
)
def test_decimals_of_a_step(step: str, digits: int) -> None:
    assert decimals_of(D(step)) == digits


@given(
    st.decimals(min_value="-1e9", max_value="1e9", allow_nan=False, allow_infinity=False, places=9),
    st.sampled_from([D("0.1"), D("0.5"), D("0.00001"), D(1), D("0.25")]),
)
def test_rounding_lands_on_the_grid_and_on_the_right_side(value: Decimal, step: Decimal) -> None:
    down, up, near = round_down(value, step), round_up(value, step), round_nearest(value, step)
    assert is_multiple(down, step)
    assert is_multiple(up, step)
    assert down <= value <= up
    assert up - down in (0, step)
    assert abs(near - value) <= step / 2


def test_a_kept_price_is_the_same_object_and_a_decimal_like_any_other() -> None:
    price = kept_prices["66786.50"]
    assert price is kept_prices["66786.50"]
    assert (price, hash(price), wire_text(price)) == (
        Decimal("66786.5"),
        hash(Decimal("66786.5")),
        "66786.50",
    )
    assert type(price + 1) is Decimal


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "1e-400", "", "much", 5, 1.5, None, True])
def test_what_is_no_price_is_not_kept(value: object) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match=r"."):
            kept_price(Price, value)


def test_kept_prices_do_not_grow_without_end() -> None:
    first = kept_prices["123456.75"]
    for number in range(20_001):
        assert kept_prices[f"{number}.5"] == number + Decimal("0.5")
    assert kept_prices["123456.75"] == first
    assert kept_prices["123456.75"] is not first
