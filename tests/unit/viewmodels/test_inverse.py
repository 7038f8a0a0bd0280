"""Cost, size and legs of a contract that counts dollars and pays coins, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.account import FeeRates
from terminal.domain.book import OrderBook
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, Protection
from terminal.domain.worth import profit
from terminal.viewmodels import format as fmt
from terminal.viewmodels.confirm import order_confirmation
from terminal.viewmodels.cost import CostEstimate, estimate, spend
from terminal.viewmodels.cost_text import cost_lines, fixed_numbers
from terminal.viewmodels.size_entry import Risk, Size, SizeUnit, parse_size, resolve
from terminal.viewmodels.ticket_legs import leg_note, read_leg
from tests.trading_fakes import FakeMarket

D = Decimal
SWAP = Instrument(
    InstrumentId("okx", "BTC/USD-PERP"), "BTC-USD-SWAP", InstrumentKind.PERPETUAL, "USD", "USD",
    D("0.1"), D(100), D(100), price_decimals=1, quantity_decimals=0, is_inverse=True,
)  # fmt: skip
FEES = FeeRates(D("0.2"), D("0.5"))
TAKER = D("0.005")


def book() -> OrderBook:
    """A wide one, so that the two means of a price differ by much; mid 45 000."""
    market = FakeMarket()
    market.set_book([("40000", "5000")], [("50000", "1000"), ("62500", "3000")], SWAP.id)
    return market.books[SWAP.id]


def cost_of(side: Side, quantity: str = "2000", **more: object) -> CostEstimate:
    request = OrderRequest(SWAP.id, side, OrderType.MARKET, D(quantity), **more)  # type: ignore[arg-type]
    return estimate(request, SWAP, book(), FEES)


def near(value: Decimal | None) -> Decimal:
    assert value is not None
    return value.quantize(D("1e-10"))


def plain(text: str) -> str:
    return text.replace(fmt.THIN, " ").replace("\u00a0", " ").replace(fmt.MINUS, "-")


def test_the_money_is_the_coin() -> None:
    assert SWAP.settled_in == "BTC"
    assert replace(SWAP, is_inverse=False).settled_in == "USD"


def test_a_purchase_over_two_levels_is_averaged_by_coins() -> None:
    cost = cost_of(Side.BUY)
    # 1000 at 50 000 are 0.02 BTC, 1000 at 62 500 are 0.016: 2000 / 0.036, not the 56 250 between them.
    assert cost.notional == D("0.036")
    assert near(cost.average_price) == near(D(2000) / D("0.036"))
    # At 45 000 the 2000 would have brought 2000 / 45 000 BTC.
    assert near(cost.slippage) == near(D(2000) / D(45_000) - D("0.036"))
    assert near(cost.slippage_ticks) == near((D(2000) / D("0.036") - D(45_000)) / D("0.1"))
    assert cost.fee == D("0.036") * TAKER
    # The 5000 bid at 40 000 buy it back: 2000 / 40 000 = 0.05 BTC, and a fee of it.
    assert cost.round_trip is not None
    assert near(cost.round_trip) == near(D("0.05") - D("0.036") + (D("0.05") + D("0.036")) * TAKER)


@pytest.mark.parametrize("side", list(Side))
def test_at_the_break_even_price_a_position_has_gained_its_fees_and_a_tick_before_it_has_not(
    side: Side,
) -> None:
    cost = cost_of(side)
    even, average = cost.break_even_price, cost.average_price
    assert even is not None
    assert average is not None
    assert cost.fee is not None
    assert even % SWAP.tick_size == 0

    def left(price: Decimal) -> Decimal:
        assert cost.fee is not None
        assert average is not None
        return profit(SWAP, side, D(2000), average, price) - cost.fee - D(2000) / price * TAKER

    assert left(even) >= 0
    assert left(even - side.sign * SWAP.tick_size) < 0
    assert near(cost.break_even_move) == near((even - average) * side.sign)


def test_a_long_without_a_stop_has_no_limit_and_a_short_loses_its_whole_worth_at_most() -> None:
    bought, sold = cost_of(Side.BUY), cost_of(Side.SELL)
    assert bought.unlimited
    assert bought.max_loss is None
    # 2000 at 40 000 are 0.05 BTC: if the price rises without end they are all lost, and the fee.
    assert not sold.unlimited
    assert sold.max_loss == D("0.05") * (1 + TAKER)
    assert fixed_numbers(bought, Side.BUY, SWAP)[0].value == "∞"
    lose = fixed_numbers(sold, Side.SELL, SWAP)[0]
    # 0.05025 BTC at 40 000.
    assert (lose.value, plain(lose.detail)) == ("0.05025000 BTC", "≈ 2 010.00 USD")


@pytest.mark.parametrize(
    "protection", [Protection(stop_loss=D(40_000)), Protection(stop_distance=D(10_000))], ids=["at", "away"]
)
def test_with_a_stop_the_most_to_lose_is_told_in_coins_and_in_what_they_are_worth_there(
    protection: Protection,
) -> None:
    cost = cost_of(Side.BUY, "1000", protection=protection)
    # 1000 at 50 000 are 0.02 BTC, at 40 000 they are 0.025: 0.005 lost. In and out at once costs as much by
    # the spread, and 0.5 % of 0.045.
    assert near(cost.max_loss) == near(D("0.005") + D("0.005") + D("0.045") * TAKER)
    lose, enter, _ = fixed_numbers(cost, Side.BUY, SWAP)
    # 0.010225 BTC at the stop of 40 000; 0.005225 BTC at the entry of 50 000.
    assert (lose.value, plain(lose.detail)) == ("0.01022500 BTC", "≈ 409.00 USD")
    assert (enter.value, plain(enter.detail)) == ("0.00522500 BTC", "≈ 261.25 USD")


def test_what_rests_pays_the_makers_rate_and_slips_nowhere() -> None:
    request = OrderRequest(
        SWAP.id, Side.SELL, OrderType.LIMIT, D(1000), limit_price=D(50_000), post_only=True
    )
    cost = estimate(request, SWAP, book(), FEES)
    assert (cost.average_price, cost.notional, cost.fee_kind) == (D(50_000), D("0.02"), "maker")
    assert (cost.fee, cost.slippage) == (D("0.02") * D("0.002"), None)


def test_the_strip_names_the_coin() -> None:
    average, slippage, fee = cost_lines(cost_of(Side.BUY, "1000"), Side.BUY, SWAP, "")
    assert plain(average.value) == "50 000.0"
    # 1000 / 45 000 - 1000 / 50 000 = 0.00222222 BTC less than at the middle, at 50 000 worth 111.11.
    assert plain(slippage.detail) == "≈ +111.11 USD"
    assert slippage.tip.startswith("+0.00222222 BTC. ")
    # 0.02 BTC x 0.5 %, at 50 000.
    assert (fee.value, fee.detail) == ("0.00010000 BTC", "taker")
    assert fee.tip.startswith("≈ 5.00 USD. ")


def test_the_question_before_it_is_sent_tells_coins_and_dollars() -> None:
    request = OrderRequest(SWAP.id, Side.BUY, OrderType.LIMIT, D(1000), limit_price=D(50_000))
    shown = order_confirmation(
        request, SWAP, badge="", venue="OKX", notional=D("0.02"), fee=D("0.0001"), price=D(50_000), margin=""
    )
    assert plain(shown.title) == "Buy 1 000 USD of BTC/USD-PERP"
    rows = dict(shown.rows)
    assert plain(rows["Quantity"]) == "1 000 USD"
    assert plain(rows["Value"]) == "0.02000000 BTC (≈ 1 000.00 USD)"
    assert rows["Value"].split(" ")[-1].startswith("(≈"), "a line may end before the brackets, not within"
    assert plain(rows["Fee, estimated"]) == "0.00010000 BTC (≈ 5.00 USD)"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1000", Size(D(1000), SizeUnit.BASE)),
        ("$1k", Size(D(1000), SizeUnit.BASE)),
        ("1000 usd", Size(D(1000), SizeUnit.BASE)),
        ("0.05 BTC", Size(D("0.05"), SizeUnit.QUOTE)),
        ("₿0.05", Size(D("0.05"), SizeUnit.QUOTE)),
    ],
)
def test_dollars_are_its_quantity_and_coins_its_money(text: str, size: Size) -> None:
    assert parse_size(text, SWAP, SizeUnit.BASE) == size


def sized(size: Size, side: Side = Side.BUY, *, free: str = "5", risk: Risk | None = None) -> Decimal | None:
    return resolve(size, SWAP, side, price=D(50_000), free=D(free), fee_pct=D("0.5"), risk=risk).quantity


def test_coins_and_shares_of_the_free_coin_become_whole_steps_of_dollars() -> None:
    # 0.05 BTC at 50 000 are 2500 USD.
    assert sized(Size(D("0.05"), SizeUnit.QUOTE)) == 2500
    # 10 % of 5 BTC less 0.5 %: 0.4975... BTC x 50 000 = 24 875.6, in steps of 100.
    for side in Side:
        assert sized(Size(D(10), SizeUnit.PERCENT), side) == 24_800
    assert (
        resolve(
            Size(D(10), SizeUnit.PERCENT), SWAP, Side.SELL, price=D(50_000), free=D(0), fee_pct=D(0)
        ).problem
        == "No BTC is free."
    )


@pytest.mark.parametrize(("side", "quantity"), [(Side.BUY, 200), (Side.SELL, 200)])
def test_a_size_by_risk_counts_what_the_lost_coins_are_worth_at_the_stop(side: Side, quantity: int) -> None:
    # Long with its stop at 40 000: a dollar loses 1/40 000 - 1/50 000 BTC, 0.2 USD there; 50 / 0.2 = 250.
    # Short with its stop at 60 000: 1/50 000 - 1/60 000 BTC, 0.2 USD there.
    risk = Risk(D(10_000), None, D(1))
    assert sized(Size(D(50), SizeUnit.RISK_MONEY), side, risk=risk) == quantity


def test_a_stop_under_zero_makes_no_size() -> None:
    found = resolve(
        Size(D(50), SizeUnit.RISK_MONEY), SWAP, Side.BUY, price=D(50_000), free=D(1), fee_pct=D(0),
        risk=Risk(D(50_000), None, D(1)),
    )  # fmt: skip
    assert found.problem == "The stop loss has to be above zero."


def test_coins_spent_level_by_level() -> None:
    # The first level holds 1000 / 50 000 = 0.02 BTC; 0.008 BTC at 62 500 are 500 more.
    assert spend(book(), Side.BUY, D("0.028"), inverse=True) == (D(1500), D("0.028"))


def test_a_stop_and_a_target_say_coins_and_what_they_are_worth_there() -> None:
    stop = read_leg("40000", SWAP, entry=D(50_000), direction=-1)
    note = leg_note(stop, SWAP, side=Side.BUY, quantity=D(1000), win=False)
    # 1000 x (1/50 000 - 1/40 000) = -0.005 BTC, at 40 000 worth 200.
    assert plain(note) == "-100 000.0 ticks  -0.00500000 BTC (≈ -200.00 USD)  at 40 000.0"
    target = read_leg("100000t", SWAP, entry=D(50_000), direction=-1)
    note = leg_note(target, SWAP, side=Side.SELL, quantity=D(1000), win=True)
    # A short from 50 000 to 40 000 wins the same 0.005 BTC.
    assert plain(note) == "+100 000.0 ticks  +0.00500000 BTC (≈ +200.00 USD)  at 40 000.0"
    away = read_leg("500t", SWAP, entry=None, direction=-1)
    assert plain(leg_note(away, SWAP, side=Side.BUY, quantity=D(1000), win=False)) == "-500.0 ticks"
