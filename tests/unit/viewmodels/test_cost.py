"""The figures of the cost strip, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.account import FeeRates
from terminal.domain.book import OrderBook
from terminal.domain.instrument import InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, Protection, TimeInForce
from terminal.viewmodels.amounts import moved_text
from terminal.viewmodels.cost import estimate, spend, worse_by_pct
from terminal.viewmodels.cost_text import cost_lines, fixed_numbers
from tests.trading_fakes import BTC, FakeMarket, btc, limit

D = Decimal
FEES = FeeRates(D("0.25"), D("0.40"))


def book() -> OrderBook:
    market = FakeMarket()
    market.set_book([("99", "1"), ("98", "2")], [("101", "1"), ("102", "2")])
    return market.books[BTC]


def market_order(side: Side, quantity: str) -> OrderRequest:
    return OrderRequest(BTC, side, OrderType.MARKET, D(quantity))


def test_a_market_buy_walks_the_book() -> None:
    cost = estimate(market_order(Side.BUY, "2"), btc(), book(), FEES)
    assert cost.average_price == D("101.5")
    assert cost.slippage_ticks == 15
    assert cost.slippage == 3
    assert cost.fee == D(203) * D("0.004")
    assert cost.fee_kind == "taker"
    assert cost.total == D(203) + D(203) * D("0.004")
    # In at 101.5, out at (99 + 98) / 2, and both fees.
    assert cost.round_trip == (D(203) - D(197)) + D(203) * D("0.004") + D(197) * D("0.004")


def test_slippage_is_told_in_money_alone_where_the_venue_tells_no_tick() -> None:
    untold = replace(btc(), is_tick_told=False)
    lines = {}
    for instrument in (btc(), untold):
        cost = estimate(market_order(Side.BUY, "2"), instrument, book(), FEES)
        lines[instrument.is_tick_told] = cost_lines(cost, Side.BUY, instrument, "")[1]
    assert (lines[True].value, lines[True].detail) == ("+15 ticks", "+3.00 USD")
    assert (lines[False].value, lines[False].detail) == ("+3.00 USD", "")
    assert moved_text(D("-0.25"), replace(untold, price_decimals=2)) == "−0.25 USD"
    assert moved_text(D("0.2"), btc()) == "+2 ticks"


def test_break_even_returns_what_was_paid() -> None:
    cost = estimate(market_order(Side.BUY, "1"), btc(), book(), FEES)
    assert cost.break_even_price is not None
    assert cost.total is not None
    returned = cost.break_even_price * (1 - D("0.004"))
    assert returned >= cost.total
    assert (cost.break_even_price - btc().tick_size) * (1 - D("0.004")) < cost.total


def test_a_sale_breaks_even_below() -> None:
    cost = estimate(market_order(Side.SELL, "1"), btc(), book(), FEES)
    assert cost.break_even_price is not None
    assert cost.break_even_price < 99
    assert cost.total == D(99) * D("0.996")


def test_a_resting_limit_pays_the_maker_rate_and_saves_the_spread() -> None:
    cost = estimate(limit(Side.BUY, "99", "1"), btc(), book(), FEES)
    assert cost.fee_kind == "maker"
    assert cost.fee == D(99) * D("0.0025")
    assert (cost.slippage, cost.slippage_ticks) == (None, None)


def test_a_limit_across_the_market_is_part_taken_part_rested() -> None:
    cost = estimate(limit(Side.BUY, "101", "3"), btc(), book(), FEES)
    assert cost.fee_kind == "mixed"
    assert cost.fee == D(101) * D("0.004") + D(202) * D("0.0025")
    # Only what is taken slips: one unit at 101 against the mid of 100.
    assert (cost.slippage, cost.slippage_ticks) == (D(1), D(10))


def test_a_thin_book_is_said_and_never_stretched() -> None:
    cost = estimate(market_order(Side.BUY, "8"), btc(), book(), FEES)
    assert cost.thin_text == "book too thin for this size: 37 % covered"
    assert cost.average_price is None
    assert cost.total is None
    assert cost_lines(cost, Side.BUY, btc(), "")[0].detail == "37 % covered"


def test_an_ioc_limit_counts_only_what_it_can_take() -> None:
    request = replace(limit(Side.BUY, "101", "4"), time_in_force=TimeInForce.IOC)
    assert estimate(request, btc(), book(), FEES).covered == D("0.25")


def test_an_order_that_waits_for_its_trigger_has_no_slippage_yet() -> None:
    request = OrderRequest(BTC, Side.BUY, OrderType.STOP, D(1), trigger_price=D(150))
    cost = estimate(request, btc(), book(), FEES)
    assert cost.average_price == 150
    assert cost.slippage is None
    assert cost.fee == D(150) * D("0.004")


def test_unknown_fees_leave_their_figures_open() -> None:
    cost = estimate(market_order(Side.BUY, "1"), btc(), book(), None)
    assert cost.average_price == 101
    assert (cost.fee, cost.total, cost.round_trip, cost.break_even_price) == (None, None, None, None)


def test_without_a_book_a_market_order_has_no_figures() -> None:
    assert estimate(market_order(Side.BUY, "1"), btc(), None, FEES).average_price is None


def test_the_most_to_lose_is_all_for_a_spot_buy_and_the_cost_for_a_spot_sale() -> None:
    bought = estimate(market_order(Side.BUY, "1"), btc(), book(), FEES)
    assert bought.max_loss == bought.total
    sold = estimate(market_order(Side.SELL, "1"), btc(), book(), FEES)
    assert sold.max_loss == sold.round_trip


def test_a_short_sale_has_no_limit_to_its_loss() -> None:
    perpetual = replace(btc(), kind=InstrumentKind.PERPETUAL)
    cost = estimate(market_order(Side.SELL, "1"), perpetual, book(), FEES)
    assert cost.unlimited
    assert fixed_numbers(cost, Side.SELL, perpetual)[0].value == "∞"


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("leverage", ["1", "10"])
def test_an_isolated_position_can_lose_its_own_margin_and_no_more(side: Side, leverage: str) -> None:
    perpetual = replace(btc(), kind=InstrumentKind.PERPETUAL)
    request = market_order(side, "1")
    cost = estimate(request, perpetual, book(), FEES, isolated_leverage=D(leverage))
    assert cost.notional is not None
    assert cost.fee is not None
    assert not cost.unlimited
    assert cost.max_loss == cost.notional / D(leverage) + cost.fee
    lose = fixed_numbers(cost, side, perpetual)[0]
    assert lose.tone == ""
    assert "Its own margin" in lose.tip
    # A stop that comes first loses less; one far beyond the margin does not raise what can be lost.
    near = replace(request, protection=Protection(stop_distance=D("0.5")))
    by_stop = estimate(near, perpetual, book(), FEES, isolated_leverage=D(leverage))
    assert by_stop.by_stop
    assert by_stop.max_loss == estimate(near, perpetual, book(), FEES).max_loss
    far = replace(request, protection=Protection(stop_distance=D(90)))
    beyond = estimate(far, perpetual, book(), FEES, isolated_leverage=D(10))
    assert beyond.max_loss == cost.notional / 10 + cost.fee
    # What only reduces gives up what is held, whatever backs it.
    less = estimate(
        replace(request, reduce_only=True), perpetual, book(), FEES, isolated_leverage=D(leverage)
    )
    assert less.max_loss == less.round_trip


@pytest.mark.parametrize("leverage", [None, D(10)])
@pytest.mark.parametrize(("side", "stop"), [(Side.BUY, "120"), (Side.SELL, "80")])
def test_a_stop_on_the_wrong_side_limits_no_loss(side: Side, stop: str, leverage: Decimal | None) -> None:
    perpetual = replace(btc(), kind=InstrumentKind.PERPETUAL)
    request = replace(market_order(side, "1"), protection=Protection(stop_loss=D(stop)))
    cost = estimate(request, perpetual, book(), FEES, isolated_leverage=leverage)
    assert cost.max_loss is None
    assert fixed_numbers(cost, side, perpetual)[0].value == "–"


def test_the_lines_stay_at_their_places_whatever_is_known() -> None:
    for cost in (None, estimate(market_order(Side.BUY, "1"), btc(), book(), FEES)):
        assert [line.label for line in cost_lines(cost, Side.BUY, btc(), "why")] == [
            "Average price",
            "Slippage vs mid",
            "Fee",
        ]
        assert [line.label for line in fixed_numbers(cost, Side.BUY, btc())] == [
            "Most I can lose",
            "Enter and leave",
            "Break even",
        ]


def test_money_is_spent_level_by_level() -> None:
    assert spend(book(), Side.BUY, D(203)) == (D(2), D(203))
    taken, spent = spend(book(), Side.BUY, D(10_000))
    assert (taken, spent) == (D(3), D(305))


@pytest.mark.parametrize(
    ("side", "shown", "now", "worse"),
    [
        (Side.BUY, "100", "101", "1"), (Side.BUY, "100", "99", "0"),
        (Side.SELL, "100", "99", "1"), (Side.SELL, "100", "101", "0"),
    ],
)  # fmt: skip
def test_worse_is_more_to_pay_and_less_to_get(side: Side, shown: str, now: str, worse: str) -> None:
    assert worse_by_pct(side, D(shown), D(now)) == D(worse)
