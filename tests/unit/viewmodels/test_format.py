"""Numbers and times as text, and a person's entry as a number."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.viewmodels import format as fmt

D = Decimal
T = fmt.THIN


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (D("64120.1"), 1, f"64{T}120.1"),
        (D("1234567.891"), 2, f"1{T}234{T}567.89"),
        (D("-1234.5"), 1, f"−1{T}234.5"),
        (D("0.00000123"), 8, "0.0₅123"),
        (D("0.0000000000123"), 13, "0.0₁₀123"),
        (D("0.00012"), 5, "0.00012"),
        (D("-0.00000120"), 8, "−0.0₅120"),
        (D("5E-7"), 7, "0.0₆5"),
        (D("0"), 8, "0.00000000"),
        (D("1E+3"), 0, f"1{T}000"),
    ],
)
def test_price_keeps_its_instruments_digits(value: Decimal, decimals: int, text: str) -> None:
    assert fmt.price(value, decimals) == text


def test_unknown_is_a_dash_and_never_zero() -> None:
    assert fmt.price(None, 2) == fmt.quantity(None) == fmt.money(None) == fmt.percent(None) == fmt.NOTHING
    assert fmt.age(None) == fmt.milliseconds(None) == fmt.time_of_day(None) == fmt.NOTHING


def test_a_loss_that_rounds_to_nothing_has_no_sign() -> None:
    assert fmt.money(D("-0.001"), "USD", signed=True) == "0.00 USD"
    assert fmt.money(D("0.001"), signed=True) == "0.00"
    assert fmt.money(D("0.01"), signed=True) == "+0.01"


def test_quantity_drops_trailing_zeros_but_not_those_of_a_whole_number() -> None:
    assert fmt.quantity(D("0.05000000")) == "0.05"
    assert fmt.quantity(D("1200"), 0) == f"1{T}200"
    assert fmt.quantity(D("100.00000000")) == "100"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (D("1240"), "1.24k"),
        (D("38200000"), "38.2M"),
        (D("0.5"), "0.50"),
        (D("999"), "999"),
        (D("-2500000000"), "−2.50B"),
    ],
)
def test_compact_shows_three_figures(value: Decimal, text: str) -> None:
    assert fmt.compact(value) == text


def test_parts_of_a_price_join_to_the_whole() -> None:
    assert fmt.split_zeros("0.05000") == ("0.05", "000")
    assert fmt.split_zeros("12.00") == ("12", ".00")
    assert fmt.split_zeros("1200") == ("1200", "")
    assert fmt.split_pips("1.08423") == ("1.084", "23")
    assert fmt.split_pips("64120.1") == ("6412", "0.1")
    assert fmt.split_pips("7") == ("", "7")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.0 s"), (0.21, "0.2 s"), (9.97, "10 s"), (59.6, "1 min"), (61, "1 min"), (7300, "2 h")],
)
def test_age_is_short(seconds: float, text: str) -> None:
    assert fmt.age(seconds) == text


def test_times() -> None:
    ns = 1_700_000_000_123_456_789
    assert fmt.time_of_day(ns, zone=UTC) == "22:13:20"
    assert fmt.time_of_day(ns, zone=UTC, fraction=3) == "22:13:20.123"
    assert fmt.date_time(ns, zone=UTC) == "2023-11-14 22:13:20"
    assert fmt.countdown(252) == "04:12"
    assert fmt.countdown(3852) == "1:04:12"
    assert fmt.milliseconds(-3.2, signed=True) == "−3 ms"
    assert fmt.milliseconds(3.2, signed=True) == "+3 ms"
    assert fmt.milliseconds(1840) == "1.8 s"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 234.5", "1234.5"),
        (f"64{T}120.10", "64120.1"),
        ("0,05", "0.05"),
        ("1,5", "1.5"),
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1,234,567", "1234567"),
        ("$ 500", "500"),
        ("12€", "12"),
        ("'1'000", None),
        (".5", "0.5"),
    ],
)
def test_entry_takes_what_people_paste(text: str, value: str | None) -> None:
    assert fmt.parse_number(text) == Decimal(value or "1000")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Enter a number."),
        ("abc", "not a number"),
        ("1e5", "not a number"),
        ("NaN", "not a number"),
        ("1.2.3", "not a number"),
        ("٣", "not a number"),
        ("-1", "negative"),
        ("−1", "negative"),
        ("0", "above zero"),
        ("0.000", "above zero"),
        ("1" + "0" * 30, "too large"),
        ("0." + "1" * 400, "Too many digits"),
        ("1,234", "thousands without a comma"),
        ("0.123", "At most 2 digits"),
    ],
)
def test_entry_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fmt.parse_number(text, decimals=None if "0.1111" in text else 2)


@given(st.decimals(min_value=D("0.00000001"), max_value=D("999999999"), places=8))
def test_what_is_shown_can_be_typed_again(value: Decimal) -> None:
    assert fmt.parse_number(fmt.fixed(value, 8)) == value


@given(st.text(max_size=40))
def test_no_entry_whatever_breaks_the_parser(text: str) -> None:
    try:
        value = fmt.parse_number(text)
    except ValueError:
        return
    assert value > 0
    assert value.is_finite()
