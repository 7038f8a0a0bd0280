"""What a person types into size and price fields."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.market import Side
from terminal.viewmodels.size_entry import (
    DEFAULT_PRESETS,
    Preset,
    Size,
    SizeUnit,
    apply_preset,
    parse_number,
    parse_presets,
    parse_size,
    resolve,
    short_quantity,
)
from tests.trading_fakes import btc

D = Decimal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64120.1", "64120.1"),
        ("64 120.1", "64120.1"),
        ("64\u202f120.1", "64120.1"),
        ("64,120.1", "64120.1"),
        ("64.120,1", "64120.1"),
        ("$64,120.10", "64120.1"),
        ("64120.1 USD", "64120.1"),
        ("1,5", "1.5"),
        ("0,05", "0.05"),
        ("0,125", "0.125"),
        ("1,000.5", "1000.5"),
        ("1,234,567", "1234567"),
        ("1'000", "1000"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+5", "5"),
    ],
)
def test_numbers_of_every_custom_are_read(text: str, value: str) -> None:
    assert parse_number(text, currency="USD") == D(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter a number"),
        ("abc", "is not a number"),
        ("-5", "negative"),
        ("−5", "negative"),
        ("0", "above zero"),
        ("0.000", "above zero"),
        ("1,234", "two ways"),
        ("1,23,4", "groups of three"),
        ("1,5.3", "groups of three"),
        ("1 5", "groups of three"),
        ("1.2.3", "is not a number"),
        ("1e5", "is not a number"),
        ("NaN", "is not a number"),
        ("inf", "is not a number"),
        ("٥", "is not a number"),
        ("9" * 40, "too large"),
        ("1.123", "At most 2 digits"),
        ("€5", "does not belong here"),
        ("5$5", "is not a number"),
        ("=1+1", "is not a number"),
        ("5 EUR", "is not a number"),
    ],
)
def test_what_is_no_number_or_two_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_number(text, decimals=2, currency="USD")


@given(st.decimals(min_value="0.01", max_value="999999999", places=2, allow_nan=False))
def test_what_the_screen_writes_is_read_back_the_same(value: Decimal) -> None:
    for text in (f"{value:f}", f"{value:,.2f}", f"{value:,.2f}".replace(",", "\u202f"), f"${value:,.2f}"):
        assert parse_number(text, decimals=2, currency="USD") == value


@given(st.text(max_size=12))
def test_any_text_gives_a_positive_number_or_one_sentence(text: str) -> None:
    value: Decimal | None = None
    sentence = ""
    try:
        value = parse_number(text, decimals=8, currency="USD")
    except ValueError as error:
        sentence = str(error)
    assert (value is None) == sentence.endswith(".")
    assert value is None or (value > 0 and value.is_finite())


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("0.05", "0.05", SizeUnit.BASE),
        ("0,05", "0.05", SizeUnit.BASE),
        ("1k", "1000", SizeUnit.BASE),
        ("1.5K", "1500", SizeUnit.BASE),
        ("25%", "25", SizeUnit.PERCENT),
        ("12,5 %", "12.5", SizeUnit.PERCENT),
        ("$500", "500", SizeUnit.QUOTE),
        ("$1k", "1000", SizeUnit.QUOTE),
        ("500 usd", "500", SizeUnit.QUOTE),
        ("0.05 BTC", "0.05", SizeUnit.BASE),
        ("₿0.05", "0.05", SizeUnit.BASE),
    ],
)
def test_sizes_name_their_own_unit(text: str, value: str, unit: SizeUnit) -> None:
    assert parse_size(text, btc(), SizeUnit.BASE) == Size(D(value), unit)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter a size"),
        ("many", "is not a number"),
        ("-1", "negative"),
        ("101%", "More than 100"),
        ("€5", "neither BTC nor USD"),
        ("0.123456789", "At most 8 digits"),
        ("r101", "More than 100"),
        ("5 EUR", "is not a number"),
        ("99999999999999999k", "too large"),
    ],
)
def test_sizes_that_mean_nothing_here_are_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_size(text, btc(), SizeUnit.BASE)


def test_money_is_rounded_down_to_the_step_and_never_costs_more_than_asked() -> None:
    found = resolve(
        Size(D(500), SizeUnit.QUOTE), btc(), Side.BUY, price=D("64120.1"), free=None, fee_pct=D(0)
    )
    assert found.quantity is not None
    assert found.quantity * D("64120.1") <= 500
    assert (found.quantity + btc().quantity_step) * D("64120.1") > 500


def test_a_share_of_money_leaves_room_for_the_fee() -> None:
    size = Size(D(100), SizeUnit.PERCENT)
    found = resolve(size, btc(), Side.BUY, price=D(100), free=D(1000), fee_pct=D("0.4"))
    assert found.quantity is not None
    assert found.quantity * 100 * D("1.004") <= 1000


def test_a_share_of_a_sale_is_a_share_of_the_coins() -> None:
    size = Size(D(50), SizeUnit.PERCENT)
    assert resolve(size, btc(), Side.SELL, price=None, free=D("0.5"), fee_pct=D(1)).quantity == D("0.25")


@pytest.mark.parametrize(
    ("free", "words"), [(None, "not known"), (D(0), "No USD is free"), (D("0.001"), "below the minimum")]
)
def test_a_share_of_nothing_says_why(free: Decimal | None, words: str) -> None:
    size = Size(D(10), SizeUnit.PERCENT)
    found = resolve(size, btc(), Side.BUY, price=D(64000), free=free, fee_pct=D(0))
    assert found.quantity is None
    assert words in found.problem


@pytest.mark.parametrize(
    ("preset", "before", "after"),
    [
        ("0.05", "0.01", "0.05"),
        ("+0.01", "0.05", "0.06"),
        ("+0.01", "", "0.01"),
        ("*2", "0.05", "0.1"),
        ("/2", "0.05", "0.025"),
        ("ask", "", "1.5"),
        ("bid", "", "2.5"),
    ],
)
def test_presets_set_and_change_the_size(preset: str, before: str, after: str) -> None:
    text, unit = apply_preset(
        Preset(preset), before, btc(), SizeUnit.BASE, bid_quantity=D("2.5"), ask_quantity=D("1.5")
    )
    assert (text, unit) == (after, SizeUnit.BASE)


def test_a_preset_with_nothing_to_work_on_says_so() -> None:
    with pytest.raises(ValueError, match="Enter a size first"):
        apply_preset(Preset("*2"), "", btc(), SizeUnit.BASE, bid_quantity=None, ask_quantity=None)
    with pytest.raises(ValueError, match="no ask"):
        apply_preset(Preset("ask"), "", btc(), SizeUnit.BASE, bid_quantity=None, ask_quantity=None)


def test_a_new_line_in_the_presets_is_a_new_row() -> None:
    rows = parse_presets(f"{DEFAULT_PRESETS}\n 25% ; 50%;\n\n")
    assert [len(row) for row in rows] == [8, 2]
    assert [preset.label for preset in rows[0]][4:6] == ["×2", "÷2"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.25", "0.25"), ("1.23456", "1.234"), ("12.3456", "12.34"), ("1234.5", "1234"),
        ("123456", "123k"), ("0.00001", "<.001"), ("12345678", "12345k"),
    ],
)  # fmt: skip
def test_short_quantities_fit_and_are_never_zero(value: str, text: str) -> None:
    assert short_quantity(D(value), 6 if value == "12345678" else 5) == text
