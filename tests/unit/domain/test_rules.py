"""What is wrong with a request in itself, said beside the right field."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.account import Balance
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, TimeInForce, TriggerReference
from terminal.domain.rules import check_balance, check_request, plain
from tests.unit.services.order_fakes import BTC_USD, CAPABILITIES, INSTRUMENT, limit_order, market_order

D = Decimal
NOW = 1_700_000_000_000_000_000


def faults(request: OrderRequest, **changes: object) -> list[tuple[str, str | None]]:
    instrument = replace(INSTRUMENT, **changes)  # type: ignore[arg-type]
    found = check_request(request, instrument, CAPABILITIES, now_ns=NOW, market_price=D(60_000))
    return [(each.rule, each.field) for each in found]


def stop(**rest: object) -> OrderRequest:
    request = OrderRequest(BTC_USD, Side.SELL, OrderType.STOP, D("0.01"), trigger_price=D("59000.0"))
    return replace(request, **rest)  # type: ignore[arg-type]


def test_which_orders_may_be_immediate_is_the_venues_to_say() -> None:
    request = stop(order_type=OrderType.STOP_LIMIT, limit_price=D("58990.0"), time_in_force=TimeInForce.IOC)
    assert faults(request) == []
    narrow = replace(CAPABILITIES, immediate_types=frozenset({OrderType.LIMIT}))
    (found,) = check_request(request, INSTRUMENT, narrow, now_ns=NOW, market_price=D(60_000))
    assert (found.rule, found.field) == ("time_in_force", "time_in_force")
    assert "a stop limit order cannot be IOC" in found.user_text


def test_a_sound_request_passes() -> None:
    assert faults(limit_order()) == []
    assert faults(market_order()) == []
    assert faults(stop()) == []


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (limit_order(quantity="0"), ("positive", "quantity")),
        (limit_order(quantity="-1"), ("positive", "quantity")),
        (limit_order(quantity="NaN"), ("number", "quantity")),
        (limit_order(quantity="Infinity"), ("number", "quantity")),
        (limit_order(quantity="1e40"), ("number", "quantity")),
        (limit_order(quantity="0.000000001"), ("quantity_step", "quantity")),
        (limit_order(quantity="0.00001"), ("min_quantity", "quantity")),
        (limit_order(price="0"), ("positive", "limit_price")),
        (limit_order(price="60000.05"), ("tick_size", "limit_price")),
        (limit_order(limit_price=None), ("limit_price", "limit_price")),
        (replace(market_order(), limit_price=D(60_000)), ("limit_price", "limit_price")),
        (limit_order(trigger_price=D(60_000)), ("trigger_price", "trigger_price")),
        (stop(trigger_price=None), ("trigger_price", "trigger_price")),
        (stop(trigger_price=D("59000.01")), ("tick_size", "trigger_price")),
        (stop(post_only=True), ("post_only", "post_only")),
        (limit_order(reduce_only=True), ("capability", "reduce_only")),
        (limit_order(time_in_force=TimeInForce.DAY), ("capability", "time_in_force")),
        (stop(trigger_reference=TriggerReference.INDEX), ("capability", "trigger_reference")),
        (limit_order(time_in_force=TimeInForce.GTD), ("expiry", "expire_time")),
        (limit_order(time_in_force=TimeInForce.GTD, expire_time_ns=NOW), ("expiry", "expire_time")),
        (limit_order(expire_time_ns=NOW + 1), ("expiry", "expire_time")),
        (limit_order(post_only=True, time_in_force=TimeInForce.IOC), ("post_only", "post_only")),
        (
            limit_order(order_type=OrderType.MARKET, limit_price=None, time_in_force=TimeInForce.IOC),
            ("time_in_force", "time_in_force"),
        ),
        (
            limit_order(
                order_type=OrderType.STOP,
                limit_price=None,
                trigger_price=D("70000"),
                time_in_force=TimeInForce.FOK,
            ),
            ("time_in_force", "time_in_force"),
        ),
        (limit_order(display_quantity=D("0.001")), ("display_quantity", "display_quantity")),
        (limit_order(order_type=OrderType.ICEBERG), ("display_quantity", "display_quantity")),
        (
            limit_order(order_type=OrderType.ICEBERG, display_quantity=D("0.01")),
            ("display_quantity", "display_quantity"),
        ),
        (limit_order(in_quote=True), ("in_quote", "quantity")),
        (limit_order(price="100.0", quantity="0.0001"), ("min_notional", "quantity")),
        (
            OrderRequest(BTC_USD, Side.SELL, OrderType.TRAILING_STOP, D("0.01")),
            ("trail_offset", "trail_offset"),
        ),
        (
            OrderRequest(
                BTC_USD,
                Side.SELL,
                OrderType.TRAILING_STOP,
                D("0.01"),
                trail_offset=D(100),
                trail_in_percent=True,
            ),
            ("trail_offset", "trail_offset"),
        ),
        (
            OrderRequest(BTC_USD, Side.SELL, OrderType.TRAILING_STOP_LIMIT, D("0.01"), trail_offset=D(10)),
            ("limit_offset", "limit_offset"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_fault_is_named_beside_its_field(request_: OrderRequest, expected: tuple[str, str]) -> None:
    assert expected in faults(request_)


@pytest.mark.parametrize(
    ("status", "request_", "passes"),
    [
        (MarketStatus.CLOSED, limit_order(), False),
        (MarketStatus.CANCEL_ONLY, limit_order(), False),
        (MarketStatus.POST_ONLY, limit_order(), False),
        (MarketStatus.POST_ONLY, limit_order(post_only=True), True),
        (MarketStatus.LIMIT_ONLY, market_order(), False),
        (MarketStatus.LIMIT_ONLY, limit_order(), True),
        (MarketStatus.REDUCE_ONLY, limit_order(), False),
        (MarketStatus.UNKNOWN, limit_order(), False),
    ],
)
def test_the_instruments_state_decides(status: MarketStatus, request_: OrderRequest, *, passes: bool) -> None:
    assert (faults(request_, status=status) == []) is passes


def test_a_maximum_is_held() -> None:
    assert ("max_quantity", "quantity") in faults(limit_order(quantity="5"), max_quantity=D(4))


def lacking(request: OrderRequest, **balances: str) -> list[OrderRefused]:
    held = {asset: Balance(asset, D(total)) for asset, total in balances.items()}
    return check_balance(request, INSTRUMENT, held, market_price=D(60_000), fee_pct=D("0.4"))


def test_a_buy_needs_quote_with_the_fee_and_a_sell_needs_base() -> None:
    assert lacking(limit_order(), USD="602.4") == []
    (refused,) = lacking(limit_order(), USD="602.39")
    assert refused.user_text == "This needs 602.4 USD, 602.39 USD is free."
    assert lacking(limit_order(Side.SELL), BTC="0.01") == []
    assert lacking(limit_order(Side.SELL), BTC="0.009") != []
    assert lacking(limit_order(Side.SELL)) != []


def test_what_orders_hold_back_is_not_free() -> None:
    held = {"USD": Balance("USD", D(1_000), D(900))}
    assert check_balance(limit_order(), INSTRUMENT, held, market_price=None) != []


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**9), max_value=10**9))
def test_plain_text_is_the_number_without_exponent(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert not (text.endswith("0") and "." in text)
