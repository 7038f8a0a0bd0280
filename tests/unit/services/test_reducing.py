"""What closes or reduces, and which new terms can lose more."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.account import Balance, Position
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType, Protection
from terminal.services.reducing import grows, loosens_stop, reduces
from tests.unit.services.day_fakes import PERP, UP_DOWN, contract
from tests.unit.services.order_fakes import BTC_USD, INSTRUMENT, limit_order, market_order

D = Decimal
HELD = {"USD": Balance("USD", D(1000)), "BTC": Balance("BTC", D(1), D("0.4"))}
LONG = Position(PERP.id, "p", Side.BUY, D(2), D(60_000))
CLOSE = OrderRequest(PERP.id, Side.SELL, OrderType.MARKET, D(2), position_id="p", reduce_only=True)


@pytest.mark.parametrize(
    ("instrument", "request_", "position", "passes"),
    [
        (INSTRUMENT, market_order(Side.BUY), None, False),
        (INSTRUMENT, market_order(Side.SELL, "0.6"), None, True),
        (INSTRUMENT, market_order(Side.SELL, "0.61"), None, False),  # the rest is in an order already
        (INSTRUMENT, replace(market_order(Side.BUY), reduce_only=True), None, False),
        (replace(INSTRUMENT, quote="ETH"), market_order(Side.SELL, "0.5"), None, False),  # another risk
        (PERP, CLOSE, LONG, True),
        (PERP, replace(CLOSE, quantity=D("0.5")), LONG, True),
        (PERP, replace(CLOSE, quantity=D("2.1")), LONG, False),
        (PERP, replace(CLOSE, side=Side.BUY), LONG, False),
        (PERP, replace(CLOSE, reduce_only=False), LONG, False),
        (PERP, CLOSE, None, False),
        (PERP, replace(CLOSE, position_id=None), None, True),  # the venue holds it to that
        (PERP, replace(CLOSE, position_id=None, reduce_only=False), None, False),
        (UP_DOWN, OrderRequest(UP_DOWN.id, Side.BUY, OrderType.CONTRACT, D(5)), None, False),
        (
            UP_DOWN,
            OrderRequest(UP_DOWN.id, Side.BUY, OrderType.CONTRACT, D(5), reduce_only=True),
            None,
            False,
        ),
        (
            UP_DOWN,
            OrderRequest(
                UP_DOWN.id, Side.SELL, OrderType.CONTRACT, D(50), position_id="d1", reduce_only=True
            ),
            contract("50"),
            True,
        ),
    ],
)
def test_what_reduces(
    instrument: Instrument, request_: OrderRequest, position: Position | None, passes: bool
) -> None:
    assert reduces(request_, instrument, position, HELD) is passes


def order(request: OrderRequest) -> Order:
    return Order(
        "id",
        "kraken:practice",
        request,
        OrderState.OPEN,
        0,
        0,
        quantity=request.quantity,
        limit_price=request.limit_price,
        trigger_price=request.trigger_price,
        protection=request.protection,
    )


STOP_BUY = OrderRequest(BTC_USD, Side.BUY, OrderType.STOP, D(1), trigger_price=D(61_000))
DIP_BUY = replace(STOP_BUY, order_type=OrderType.TAKE_PROFIT, trigger_price=D(59_000))


@pytest.mark.parametrize(
    ("request_", "change", "more"),
    [
        (limit_order(), {"quantity": D("0.02")}, True),
        (limit_order(), {"quantity": D("0.005")}, False),
        (limit_order(), {"limit_price": D(60_001)}, True),
        (limit_order(), {"limit_price": D(59_000)}, False),
        (limit_order(Side.SELL), {"limit_price": D(59_000)}, True),
        (limit_order(Side.SELL), {"limit_price": D(61_000)}, False),
        (STOP_BUY, {"trigger_price": D(60_500)}, True),
        (STOP_BUY, {"trigger_price": D(61_500)}, False),
        (DIP_BUY, {"trigger_price": D(59_500)}, True),
        (DIP_BUY, {"trigger_price": D(58_500)}, False),
        (limit_order(protection=Protection(stop_loss=D(59_000))), {"protection": None}, True),
        (
            limit_order(protection=Protection(stop_distance=D(50))),
            {"protection": Protection(stop_distance=D(60))},
            True,
        ),
        (
            limit_order(protection=Protection(stop_distance=D(50))),
            {"protection": Protection(stop_distance=D(40))},
            False,
        ),
    ],
)
def test_which_new_terms_can_lose_more(request_: OrderRequest, change: dict[str, object], more: bool) -> None:
    assert grows(order(request_), replace(request_, **change)) is more  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("side", "after", "looser"),
    [
        (Side.BUY, Protection(stop_loss=D(89)), True),
        (Side.BUY, Protection(stop_loss=D(91)), False),
        (Side.BUY, Protection(), True),
        (Side.SELL, Protection(stop_loss=D(91)), True),
        (Side.SELL, Protection(stop_loss=D(90), take_profit=D(70)), False),
    ],
)
def test_a_stop_that_is_farther_away_can_lose_more(side: Side, after: Protection, looser: bool) -> None:
    assert loosens_stop(side, Protection(stop_loss=D(90)), after) is looser
    assert not loosens_stop(side, Protection(), after), "where there was none, none is taken away"
