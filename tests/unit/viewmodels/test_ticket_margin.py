"""The ticket for instruments on margin: lots, size by risk, stop and target in pips or as prices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from decimal import Decimal

import pytest

from terminal.domain.account import AccountFigures, FeeRates, LeverageTier
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, SwapRates
from terminal.domain.market import Quote, Side
from terminal.domain.orders import OrderRequest, OrderType, Protection, TimeInForce, TriggerReference
from terminal.domain.rules import check_request
from terminal.venues.base import BookKind, Capabilities, ProtectionKind
from terminal.viewmodels.confirm import order_confirmation
from terminal.viewmodels.cost import estimate
from terminal.viewmodels.cost_text import Money, carry_lines, cost_lines, fixed_numbers
from terminal.viewmodels.size_entry import SizeUnit
from terminal.viewmodels.ticket_form import Surroundings, TicketForm, default_size, read_form, shown_fields
from tests.trading_fakes import FakeMarket

D = Decimal
NOW = 1_755_000_000_000_000_000
EURUSD = Instrument(
    InstrumentId("house", "EUR/USD"), "EURUSD", InstrumentKind.CFD, "EUR", "USD",
    tick_size=D("0.00001"), quantity_step=D(1000), min_quantity=D(1000), max_quantity=D(100_000),
    price_decimals=5, quantity_decimals=0, lot_size=D(100_000), pip_size=D("0.0001"),
    swap=SwapRates(D("-0.00007"), D("0.00003"), 2, "−0.7 pips long, +0.3 pips short"),
    min_stop_distance=D("0.0002"),
)  # fmt: skip
HOUSE = Capabilities(
    BookKind.LEVELS,
    order_types=frozenset(
        {OrderType.MARKET, OrderType.MARKET_RANGE, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}
    ),
    time_in_force=frozenset({TimeInForce.GTC, TimeInForce.GTD}),
    positions=True,
    protections=frozenset(ProtectionKind),
    trigger_references=frozenset({TriggerReference.OPPOSITE}),
)
PRICES = Quote(
    EURUSD.id, D("1.16250"), None, D("1.16258"), None, None, None, None, None, None, None, None, None, 0
)
FEES = FeeRates(D(0), D(0), D("0.00003"))


def around(*, equity: str | None = "10000", rate: str | None = "1") -> Surroundings:
    return Surroundings(
        EURUSD, HOUSE, None, D(9000), FEES, NOW, UTC, PRICES,
        None if equity is None else D(equity), None if rate is None else D(rate),
    )  # fmt: skip


def form(**fields: object) -> TicketForm:
    values: dict[str, object] = {"order_type": OrderType.MARKET, "size": "0.05", "unit": SizeUnit.LOTS}
    return TicketForm(**{**values, **fields})  # type: ignore[arg-type]


def protection(asked: TicketForm, side: Side = Side.BUY) -> Protection:
    reading = read_form(asked, side, around())
    assert reading.problems == {}
    assert reading.request is not None
    assert reading.request.protection is not None
    assert check_request(reading.request, EURUSD, HOUSE, now_ns=NOW, market_price=D("1.16258")) == []
    return reading.request.protection


def test_lots_are_units_on_the_wire() -> None:
    reading = read_form(form(), Side.BUY, around())
    assert reading.request is not None
    assert reading.request.quantity == 5000
    assert reading.size_note == "= 5\u202f000 EUR"


@pytest.mark.parametrize(
    ("text", "quantity"), [("0.05", 5000), ("5000 EUR", 5000), ("0.5 lots", 50_000), ("1k EUR", 1000)]
)
def test_either_unit_can_be_typed(text: str, quantity: int) -> None:
    reading = read_form(form(size=text), Side.BUY, around())
    assert reading.request is not None
    assert reading.request.quantity == quantity


def test_off_the_step_is_refused_in_lots_and_units() -> None:
    reading = read_form(form(size="0.055"), Side.BUY, around())
    assert reading.request is not None
    (fault,) = check_request(reading.request, EURUSD, HOUSE, now_ns=NOW)
    assert fault.rule == "quantity_step"
    assert "0.055 lots (5,500 EUR)" in fault.user_text


@pytest.mark.parametrize("stop", ["50p", "50 pips", "500 ticks"])
def test_a_distance_at_the_market_stays_one(stop: str) -> None:
    found = protection(form(stop_loss=stop, take_profit="1.17258"))
    assert found.stop_distance == D("0.0050")
    assert found.profit_distance == D("0.0100"), "a price at the market becomes its distance from the ask"
    assert found.stop_loss is None
    assert found.take_profit is None


def test_a_pending_order_gets_prices() -> None:
    asked = form(order_type=OrderType.LIMIT, limit_price="1.15000", stop_loss="50p", take_profit="1.16")
    found = protection(asked)
    assert (found.stop_loss, found.take_profit) == (D("1.14500"), D("1.16"))
    assert (found.stop_distance, found.profit_distance) == (None, None)


def test_for_a_sell_both_are_mirrored() -> None:
    asked = form(order_type=OrderType.LIMIT, limit_price="1.17000", stop_loss="50p", take_profit="100p")
    found = protection(asked, Side.SELL)
    assert (found.stop_loss, found.take_profit) == (D("1.17500"), D("1.16000"))


def test_the_wrong_side_is_said_beside_the_field() -> None:
    at_market = read_form(form(stop_loss="1.20000"), Side.BUY, around())
    assert at_market.problems == {"stop_loss": "This price is on the wrong side of the market."}
    pending = read_form(
        form(order_type=OrderType.LIMIT, limit_price="1.15", stop_loss="1.16"), Side.BUY, around()
    )
    assert pending.request is not None
    (fault,) = check_request(pending.request, EURUSD, HOUSE, now_ns=NOW)
    assert (fault.rule, fault.field) == ("protection_side", "stop_loss")


def test_too_near_is_refused() -> None:
    reading = read_form(form(stop_loss="1p"), Side.BUY, around())
    assert reading.request is not None
    (fault,) = check_request(reading.request, EURUSD, HOUSE, now_ns=NOW)
    assert fault.rule == "protection_distance"


@pytest.mark.parametrize("text", ["abc", "-50p", "0p", "50 cows", "0", "1.123456", "€1.15"])
def test_bad_input_for_a_stop_is_said_and_nothing_is_made(text: str) -> None:
    reading = read_form(form(stop_loss=text), Side.BUY, around())
    assert reading.request is None
    assert reading.problems["stop_loss"]


def test_size_by_risk_is_rounded_down_to_the_step() -> None:
    # 0.5 % of 10,000 is 50 USD; 30 pips cost 0.0030 a unit: 16,666 units, 16,000 on the step.
    reading = read_form(form(size="r0.5", stop_loss="30p"), Side.BUY, around())
    assert reading.request is not None
    assert reading.request.quantity == 16_000
    assert "0.16 lots" in reading.size_note
    money = read_form(form(size="50", unit=SizeUnit.RISK_MONEY, stop_loss="30p"), Side.BUY, around())
    assert money.request is not None
    assert money.request.quantity == 16_000


def test_size_by_risk_counts_in_the_accounts_currency() -> None:
    # The account is in another currency in which a dollar is worth 0.5.
    reading = read_form(form(size="r$50", stop_loss="30p"), Side.BUY, around(rate="0.5"))
    assert reading.request is not None
    assert reading.request.quantity == 33_000


@pytest.mark.parametrize(
    ("where", "stop", "words"),
    [
        (around(), "", "needs a stop"),
        (around(equity=None), "30p", "equity is not known"),
        (around(rate=None), "30p", "rate of USD"),
    ],
)
def test_size_by_risk_says_what_it_lacks(where: Surroundings, stop: str, words: str) -> None:
    reading = read_form(form(size="r1", stop_loss=stop), Side.BUY, where)
    assert reading.request is None
    assert words in reading.problems["quantity"]


def test_size_by_risk_is_capped_and_says_so() -> None:
    reading = read_form(form(size="r50", stop_loss="30p"), Side.BUY, around())
    assert reading.request is not None
    assert reading.request.quantity == 100_000
    assert "capped" in reading.size_note


def test_market_range_names_the_price_seen() -> None:
    asked = form(order_type=OrderType.MARKET_RANGE, max_slippage="2")
    reading = read_form(asked, Side.SELL, around())
    assert reading.request is not None
    assert reading.request.reference_price == D("1.16250")
    assert reading.request.max_slippage == D("0.0002")
    assert check_request(reading.request, EURUSD, HOUSE, now_ns=NOW) == []


def test_the_fields_follow_what_the_venue_keeps() -> None:
    shown = shown_fields(OrderType.MARKET, TimeInForce.GTC, HOUSE, EURUSD)
    assert {"stop_loss", "take_profit", "trailing"} <= shown
    assert "guaranteed" not in shown, "this instrument has none"
    bare = Capabilities(BookKind.LEVELS)
    assert not {"stop_loss", "take_profit", "trailing"} & shown_fields(
        OrderType.MARKET, TimeInForce.GTC, bare, EURUSD
    )


def test_trailing_goes_with_a_stop_only() -> None:
    assert protection(form(stop_loss="50p", trailing=True)).trailing
    assert not protection(form(take_profit="50p", trailing=True)).trailing


def test_most_i_can_lose_is_the_stop_and_without_one_it_has_no_limit() -> None:
    bare = read_form(form(order_type=OrderType.STOP, trigger_price="1.17"), Side.BUY, around()).request
    assert bare is not None
    cost = estimate(bare, EURUSD, None, FEES)
    assert fixed_numbers(cost, Side.BUY, EURUSD)[0].value == "∞"
    assert fixed_numbers(cost, Side.BUY, EURUSD)[0].detail == "no stop"


def test_the_most_to_lose_of_a_market_order_is_counted_from_where_it_comes_in() -> None:
    market = FakeMarket()
    market.set_book([("1.16250", "1000000")], [("1.16258", "1000000")], EURUSD.id)
    asked = OrderRequest(
        EURUSD.id, Side.BUY, OrderType.MARKET, D(5000), protection=Protection(stop_loss=D("1.16008"))
    )
    cost = estimate(asked, EURUSD, market.books[EURUSD.id], FEES)
    assert cost.round_trip is not None
    # 25 pips below the ask, on 5 000 units, and what it costs to come in and go out.
    assert cost.max_loss == D("12.5") + cost.round_trip
    assert not cost.unlimited


def test_margin_and_the_swap_of_a_night() -> None:
    request = read_form(form(), Side.BUY, around()).request
    margin, swap = carry_lines(
        request, EURUSD, leverage=D(30), notional=D("5812.9"), rate=D(1), currency="USD"
    )
    assert margin.value.startswith("≈ 193.76"), "an estimate is called one"
    assert margin.detail == "at 1:30"
    assert swap.value.startswith("−0.35")
    assert "Wednesday" in swap.tip


def test_the_venue_s_own_margin_is_no_estimate_and_leverage_by_size_is_told() -> None:
    request = read_form(form(), Side.BUY, around()).request
    tiers = (LeverageTier(D(1_000_000), D(200)), LeverageTier(D(5_000_000), D(100)))
    margin, _ = carry_lines(
        request, EURUSD, leverage=D("133.333"), notional=None, rate=None, currency="USD",
        expected=D("29.0645"), tiers=tiers,
    )  # fmt: skip
    assert margin.value == "29.06 USD"
    assert margin.detail == "at 1:133.3"
    assert margin.tip.replace("\u202f", " ").endswith("1:200 up to 1 000 000 USD, then 1:100.")
    alone, _ = carry_lines(
        request, EURUSD, leverage=D(50), notional=D(5000), rate=D(1), currency="USD", tiers=tiers[1:]
    )
    assert alone.tip.endswith("Leverage by size: 1:100.")


def test_the_question_names_lots_stop_and_target() -> None:
    request = read_form(form(stop_loss="50p", trailing=True, take_profit="100p"), Side.BUY, around()).request
    assert request is not None
    shown = order_confirmation(request, EURUSD, badge="PRACTICE", venue="cTrader")
    assert shown.title == "Buy 0.05 lots EUR/USD"
    rows = dict(shown.rows)
    assert rows["Stop loss"] == "50 pips from the fill, trailing"
    assert rows["Take profit"] == "100 pips from the fill"


def test_a_leg_typed_as_a_price_is_told_as_one_though_the_venue_counts_from_the_fill() -> None:
    typed = form(order_type=OrderType.MARKET, stop_loss="1.15500", take_profit="1.17")
    reading = read_form(typed, Side.BUY, around())
    assert reading.request is not None
    assert reading.request.protection is not None
    assert reading.request.protection.stop_loss is None, "it is sent as a distance"
    shown = order_confirmation(
        reading.request, EURUSD, badge="PRACTICE", venue="cTrader", legs=reading.leg_prices
    )
    rows = dict(shown.rows)
    assert rows["Stop loss"] == "1.15500 now, 75.8 pips from the fill"
    assert rows["Take profit"] == "1.17000 now, 74.2 pips from the fill"
    mixed = form(order_type=OrderType.MARKET, stop_loss="50p", take_profit="1.17")
    assert read_form(mixed, Side.BUY, around()).leg_prices == (None, D("1.17"))


def test_a_comment_goes_along_only_where_the_venue_keeps_it() -> None:
    silent = read_form(form(comment="breakout"), Side.BUY, around()).request
    assert silent is not None
    assert silent.comment == "", "a form that was filled in for another venue"
    keeps = replace(around(), abilities=replace(HOUSE, comment_length=20))
    asked = read_form(form(comment="  breakout of the range "), Side.BUY, keeps).request
    assert asked is not None
    assert asked.comment == "breakout of the range"
    (fault,) = check_request(asked, EURUSD, keeps.abilities, now_ns=NOW)
    assert (fault.field, fault.user_text) == ("comment", "A comment has at most 20 characters here.")
    (fault,) = check_request(replace(asked, comment="x"), EURUSD, HOUSE, now_ns=NOW)
    assert (fault.field, fault.user_text) == ("comment", "This venue keeps no comment.")
    rows = dict(order_confirmation(asked, EURUSD, badge="PRACTICE", venue="House").rows)
    assert rows["Comment"] == "breakout of the range"
    long = replace(asked, comment="breakout " * 10)
    rows = dict(order_confirmation(long, EURUSD, badge="PRACTICE", venue="House").rows)
    assert rows["Comment"] == "breakout breakout breakout breakout bre…"


def test_the_first_size_is_the_smallest_lot() -> None:
    assert default_size(EURUSD, D("1.16")) == "0.01"


def test_figures_need_profit_to_be_known() -> None:
    figures = AccountFigures("USD", D(1000), None, D(10))
    assert (figures.equity, figures.free_margin, figures.margin_level) == (None, None, None)


def test_costs_are_told_in_the_money_of_the_account_where_its_rate_is_known() -> None:
    market = FakeMarket()
    market.set_book([("1.16250", "1000000")], [("1.16258", "1000000")], EURUSD.id)
    asked = OrderRequest(
        EURUSD.id, Side.BUY, OrderType.MARKET, D(5000), protection=Protection(stop_loss=D("1.16008"))
    )
    cost = estimate(asked, EURUSD, market.books[EURUSD.id], FEES)
    assert cost.fee is not None
    euros = Money("EUR", D("0.5"))
    for own, money in ((None, Money("USD")), (euros, euros)):
        lose, enter, _ = fixed_numbers(cost, Side.BUY, EURUSD, own)
        assert lose.value == money.text(cost.max_loss, decimals=2)
        assert enter.value == money.text(cost.round_trip)
        _, slippage, fee = cost_lines(cost, Side.BUY, EURUSD, "", own)
        assert fee.value == money.text(cost.fee)
        assert slippage.detail.endswith(money.currency)
    assert euros.text(D(10)) == "5.00 EUR"
