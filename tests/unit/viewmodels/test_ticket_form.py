"""The order form read into a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from decimal import Decimal

import pytest

from terminal.domain.account import FeeRates
from terminal.domain.market import Side
from terminal.domain.orders import OrderType, TimeInForce, TriggerReference
from terminal.domain.rules import check_request
from terminal.viewmodels.confirm import order_confirmation
from terminal.viewmodels.ticket_form import (
    Surroundings,
    TicketForm,
    default_size,
    parse_expiry,
    read_form,
    shown_fields,
)
from tests.trading_fakes import BTC, EVERYTHING, FakeMarket, btc, eth

D = Decimal
NOW = 1_755_000_000_000_000_000  # 2025-08-12 12:00:00 UTC


def around() -> Surroundings:
    market = FakeMarket()
    market.set_book([("99", "5")], [("101", "1"), ("102", "5")])
    return Surroundings(
        btc(), EVERYTHING, market.books[BTC], D(1000), FeeRates(D("0.25"), D("0.4")), NOW, UTC
    )


def full_form(kind: OrderType) -> TicketForm:
    return TicketForm(
        order_type=kind, size="1", limit_price="100", trigger_price="105", trail_offset="2",
        limit_offset="0.5", display_quantity="0.1", expire_time="+1d", max_slippage="5",
    )  # fmt: skip


@pytest.mark.parametrize("kind", list(OrderType))
@pytest.mark.parametrize("life", [TimeInForce.GTC, TimeInForce.GTD])
def test_every_order_type_reads_into_a_request_that_passes_the_rules(
    kind: OrderType, life: TimeInForce
) -> None:
    form = full_form(kind)
    form.time_in_force = life
    reading = read_form(form, Side.BUY, around())
    assert reading.problems == {}
    assert reading.request is not None
    assert check_request(reading.request, btc(), EVERYTHING, now_ns=NOW) == []


def test_where_the_venue_tells_no_tick_any_price_may_be_sent() -> None:
    untold = replace(btc(), is_tick_told=False)
    form = full_form(OrderType.LIMIT)
    form.limit_price = "100.123"
    reading = read_form(form, Side.BUY, replace(around(), instrument=untold))
    assert reading.request is not None
    assert reading.request.limit_price == D("100.123")
    assert check_request(reading.request, untold, EVERYTHING, now_ns=NOW) == []
    assert read_form(form, Side.BUY, around()).request is None, "told ticks are kept"
    question = order_confirmation(reading.request, untold, badge="", venue="Mine", notional=None)
    assert dict(question.rows)["Limit price"] == "100.123 USD"


@pytest.mark.parametrize("kind", list(OrderType))
def test_an_empty_form_names_every_field_that_is_missing(kind: OrderType) -> None:
    reading = read_form(TicketForm(order_type=kind), Side.BUY, around())
    assert reading.request is None
    assert set(reading.problems) == reading.missing
    numbers = shown_fields(kind, TimeInForce.GTC, EVERYTHING) & {
        "quantity", "limit_price", "trigger_price", "trail_offset", "limit_offset", "display_quantity",
        "max_slippage",
    }  # fmt: skip
    assert reading.missing == numbers


def test_what_the_type_does_not_show_is_not_sent() -> None:
    form = full_form(OrderType.MARKET)
    form.post_only = True
    form.time_in_force = TimeInForce.GTD
    form.trigger_reference = TriggerReference.INDEX
    request = read_form(form, Side.SELL, around()).request
    assert request is not None
    assert (request.limit_price, request.trigger_price, request.trail_offset) == (None, None, None)
    assert request.trigger_reference is TriggerReference.LAST
    assert request.time_in_force is TimeInForce.GTC
    assert not request.post_only


@pytest.mark.parametrize(
    "text", ["abc", "-1", "0", "1,234", "€100", "100.05", "9" * 30, "1.2.3", "1e3", "NaN"]
)
@pytest.mark.parametrize("field", ["limit_price", "trigger_price"])
def test_a_bad_price_is_told_beside_its_field_and_makes_no_request(field: str, text: str) -> None:
    form = full_form(OrderType.STOP_LIMIT)
    setattr(form, field, text)
    reading = read_form(form, Side.BUY, around())
    assert reading.request is None
    assert list(reading.problems) == [field]
    assert field not in reading.missing


def test_a_percentage_trail_may_carry_its_sign() -> None:
    form = full_form(OrderType.TRAILING_STOP)
    form.trail_offset = "1.5 %"
    request = read_form(form, Side.SELL, around()).request
    assert request is not None
    assert (request.trail_offset, request.trail_in_percent) == (D("1.5"), True)


def test_money_at_the_market_is_spent_through_the_levels() -> None:
    form = TicketForm(order_type=OrderType.MARKET, size="$203")
    reading = read_form(form, Side.BUY, around())
    assert reading.request is not None
    assert reading.request.quantity == D(2)
    assert reading.size_note == "= 2 BTC"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("+2h", 7200), ("30m", 1800), ("1d", 86400), ("18:30", 6 * 3600 + 1800), ("11:00", 23 * 3600)],
)
def test_expiry_as_a_span_or_the_next_such_time(text: str, seconds: int) -> None:
    assert parse_expiry(text, NOW, UTC) == NOW + seconds * 10**9


def test_expiry_as_a_date() -> None:
    assert parse_expiry("2025-08-13 12:00", NOW, UTC) == NOW + 86400 * 10**9


@pytest.mark.parametrize("text", ["soon", "25:00", "+0h", "12:99", "2025-13-01 10:00"])
def test_an_expiry_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_expiry(text, NOW, UTC)


def test_a_past_expiry_is_told_beside_its_field() -> None:
    form = full_form(OrderType.LIMIT)
    form.time_in_force, form.expire_time = TimeInForce.GTD, "2020-01-01 10:00"
    assert "passed" in read_form(form, Side.BUY, around()).problems["expire_time"]


def test_the_first_size_is_small_and_above_the_minimum() -> None:
    assert default_size(btc(), D(64000)) == "0.01"
    assert D(default_size(eth(), D(1))) * 1 >= 20


def test_the_first_size_of_a_coin_priced_in_another_is_small_in_dollars() -> None:
    pair = replace(
        eth(), quote="BTC", tick_size=D("0.00001"), min_notional=D("0.00002"), price_decimals=5
    )  # fmt: skip
    price = D("0.03450")
    assert default_size(pair, price, rate=D(110_000)) == "0.01", "38 dollars, not 580 coins for 20 of them"
    assert default_size(pair, price) == "0.002", "without a rate the least that the venue takes"
    assert default_size(pair, price, D(2)) == "2", "what a person has chosen stays"
    cheap = replace(pair, min_quantity=D(10), quantity_step=D(1))
    assert default_size(cheap, D("0.00000012"), rate=D(110_000)) == "2000", "26 dollars"
    assert D(default_size(cheap, D("0.00000012"))) >= D("0.00002") / D("0.00000012")
    assert default_size(replace(eth(), quote="EUR"), D(3300)) == "0.01"
