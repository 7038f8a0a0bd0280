"""The person's limits: what asks, what refuses, and the words it uses."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType
from terminal.services.risk import Limit, Prices, RiskLimits, RiskRules, Step, read_prices
from tests.unit.services.order_fakes import (
    ACCOUNT,
    BTC_USD,
    INSTRUMENT,
    FakeMarket,
    limit_order,
    market_order,
)

D = Decimal
S = 1_000_000_000
WORTH = D(40_000_000)


def check(
    request: OrderRequest,
    *,
    limits: RiskLimits | None = None,
    market: FakeMarket | None = None,
    equity: Decimal | None = WORTH,
    recent: list[tuple[Order, int]] | None = None,
) -> list[OrderRefused]:
    market = market or FakeMarket()
    return RiskRules(limits).check(
        request, INSTRUMENT, read_prices(request, market), equity=equity, recent=recent or []
    )


def rules(found: list[OrderRefused]) -> list[str]:
    return [each.rule for each in found]


def sent(request: OrderRequest, state: OrderState = OrderState.OPEN) -> Order:
    return Order("a" * 32, ACCOUNT, request, state, 0, 0)


def test_an_ordinary_order_raises_nothing() -> None:
    assert check(limit_order()) == []
    assert check(market_order()) == []
    assert check(limit_order(price="30000.0")) == [], "a price far from the market on the safe side is fine"


@pytest.mark.parametrize(
    ("side", "price", "words"),
    [
        (Side.BUY, "62040.2", "price 3.41 % above the ask, your limit is 3 %"),
        (Side.SELL, "58000.0", "price 3.34 % below the bid, your limit is 3 %"),
    ],
)
def test_the_price_band_names_the_number(side: Side, price: str, words: str) -> None:
    (found,) = check(limit_order(side, price=price))
    assert (found.rule, found.user_text, found.confirmable) == ("price_band", words, True)


def test_a_limit_set_to_refuse_cannot_be_confirmed_and_one_that_is_off_is_silent() -> None:
    (found,) = check(limit_order(price="63000.0"), limits=RiskLimits(price_band_pct=Limit(D(3), Step.REFUSE)))
    assert not found.confirmable
    off = RiskLimits(price_band_pct=Limit(D(3), Step.OFF))
    assert check(limit_order(price="63000.0"), limits=off) == []


def test_the_band_in_ticks() -> None:
    limits = RiskLimits(price_band_ticks=Limit(D(50)))
    (found,) = check(limit_order(price="60006.1"), limits=limits)
    assert found.user_text == "price 60 ticks above the ask, your limit is 50 ticks"


def test_a_stop_limit_is_measured_from_its_trigger() -> None:
    request = OrderRequest(
        BTC_USD,
        Side.BUY,
        OrderType.STOP_LIMIT,
        D("0.01"),
        limit_price=D(66_000),
        trigger_price=D(62_000),
    )
    (found,) = check(request)
    assert "above the trigger" in found.user_text
    assert check(replace(request, limit_price=D(62_100))) == []


def test_a_trigger_on_the_wrong_side_would_fire_at_once() -> None:
    request = OrderRequest(BTC_USD, Side.BUY, OrderType.STOP, D("0.01"), trigger_price=D(59_000))
    assert rules(check(request)) == ["trigger_side"]
    assert check(replace(request, side=Side.SELL)) == []
    assert check(replace(request, order_type=OrderType.TAKE_PROFIT)) == []
    assert rules(check(replace(request, side=Side.SELL, order_type=OrderType.TAKE_PROFIT))) == [
        "trigger_side"
    ]


def test_the_share_of_the_account() -> None:
    (found,) = check(limit_order(quantity="1"), equity=D(500_000))
    assert found.user_text == "12 % of the account, your limit is 10 %"
    (found,) = check(limit_order(), equity=None)
    assert found.rule == "notional"
    assert "not known" in found.user_text


def test_absolute_ceilings() -> None:
    limits = RiskLimits(max_notional=Limit(D(1_000), Step.REFUSE), max_quantity=Limit(D("0.01")))
    assert rules(check(limit_order(quantity="0.02"), limits=limits)) == ["quantity", "max_notional"]


def test_a_stale_or_missing_price_refuses() -> None:
    market = FakeMarket()
    market.age_ns = 7 * S
    (found,) = check(market_order(), market=market)
    assert found.user_text == "The price of BTC/USD is 7 s old, your limit is 5 s."
    assert not found.confirmable
    market.age_ns = None
    (found,) = check(limit_order(), market=market)
    assert (found.rule, found.user_text) == ("stale_price", "There is no current price of BTC/USD.")


def test_a_book_too_thin_says_how_much_it_covers() -> None:
    (found,) = check(market_order(quantity="20"))
    assert found.user_text == "book too thin for this size: 50 % covered"


@pytest.mark.fault(21)
def test_a_price_that_jumped_away_from_the_last_trade_asks() -> None:
    market = FakeMarket()
    market.last = D(600)
    assert "price_jump" in rules(check(market_order(quantity="0.001"), market=market))
    assert check(limit_order(price="590.0"), market=market) == [], "a resting order does not take that price"


def test_a_wide_spread() -> None:
    assert rules(check(limit_order(), limits=RiskLimits(max_spread_pct=Limit(D("0.0001"))))) == ["spread"]


def test_the_same_order_within_ten_seconds_asks_with_its_age() -> None:
    twin = sent(limit_order())
    (found,) = check(limit_order(), recent=[(twin, 4 * S)])
    assert found.user_text == "the same order was sent 4 s ago, your limit is 10 s"
    assert found.confirmable
    assert check(limit_order(), recent=[(twin, 11 * S)]) == []
    assert check(limit_order(quantity="0.02"), recent=[(twin, 4 * S)]) == []
    assert check(limit_order(), recent=[(sent(limit_order(), OrderState.REJECTED), 4 * S)]) == []


def test_a_twin_still_on_its_way_is_refused_whatever_the_settings() -> None:
    limits = RiskLimits(duplicate_s=None)
    on_its_way = sent(limit_order(), OrderState.PENDING_NEW)
    for recent in ([(on_its_way, 2 * S)], [(sent(limit_order()), S // 10)]):
        (found,) = check(limit_order(), limits=limits, recent=recent)
        assert (found.rule, found.confirmable) == ("duplicate", False)


def test_closing_a_position_in_equal_steps_is_no_repetition_but_a_double_click_is() -> None:
    closing = replace(market_order(), position_id="88", reduce_only=True)
    assert check(closing, recent=[(sent(closing), 4 * S)]) == []
    assert rules(check(closing, recent=[(sent(closing), S // 10)])) == ["duplicate"]


def test_the_order_rate() -> None:
    many = [(sent(limit_order(quantity=f"0.0{i + 10}")), 30 * S) for i in range(60)]
    (found,) = check(limit_order(), recent=many)
    assert found.user_text == "61 orders within a minute, your limit is 60"
    assert check(limit_order(), recent=[(order, 61 * S) for order, _ in many]) == []


def test_the_closest_limits_win() -> None:
    general, venue, kind = RiskLimits(), RiskLimits(max_spread_pct=None), RiskLimits(price_band_pct=None)
    rules_ = RiskRules(
        general, {("kraken", None): venue, ("kraken", InstrumentKind.SPOT): kind, ("okx", None): venue}
    )
    assert rules_.limits_for(INSTRUMENT) is kind
    assert rules_.limits_for(replace(INSTRUMENT, kind=InstrumentKind.PERPETUAL)) is venue
    assert RiskRules(general).limits_for(INSTRUMENT) is general


def test_an_inverse_contract_is_weighed_by_the_dollars_it_counts() -> None:
    inverse = replace(INSTRUMENT, base="USD", is_inverse=True, quantity_step=D(100), min_quantity=D(100))
    limits = RiskLimits(max_notional=Limit(D(1_000), Step.REFUSE))
    prices = Prices(D(59_999), D(60_000), D(60_000), 0, None)

    def found(quantity: str, equity: str) -> list[OrderRefused]:
        asked = limit_order(quantity=quantity)
        return RiskRules(limits).check(asked, inverse, prices, equity=D(equity), recent=())

    assert found("1000", "100000") == []
    # 1200 USD, whatever the price; not 1200 x 60 000.
    (most,) = found("1200", "100000")
    assert most.user_text == "worth 1200 USD, your limit is 1000 USD"
    (share,) = found("1000", "5000")
    assert share.user_text == "20 % of the account, your limit is 10 %"


def test_the_expected_price_of_an_inverse_market_order_is_the_mean_by_coins() -> None:
    market = FakeMarket()
    market.listing = replace(INSTRUMENT, base="USD", is_inverse=True)
    request = market_order(quantity="8")
    assert market.order_book is not None
    levels = list(market.order_book.asks())
    linear = read_prices(request, FakeMarket()).expected(Side.BUY)
    mean = read_prices(request, market).expected(Side.BUY)
    taken, coins = D(0), D(0)
    for price, quantity in levels:
        part = min(quantity, 8 - taken)
        taken, coins = taken + part, coins + part / price
    assert mean is not None
    assert linear is not None
    assert abs(mean - 8 / coins) < D("1e-9")
    assert mean < linear, "the plain mean is the higher one"
