"""Spot on credit at the practice OKX: it is opened by a call of OKX's own, since the terminal opens none, and
from then on it is a position like any other."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.account import Position
from terminal.domain.errors import Unsupported
from terminal.domain.market import Side
from terminal.domain.orders import OrderState, Protection
from terminal.venues.okx.connector import OkxConnector
from tests.helpers import eventually, run
from tests.practice_okx import OkxPractice
from tests.venues.kit import Desk, desk

D = Decimal


@pytest.fixture(scope="module")
def okx() -> Iterator[OkxPractice]:
    practice = OkxPractice()
    practice.start()
    yield practice
    practice.stop()


async def borrow(found: Desk, **order: str) -> Position:
    """A position in borrowed BTC/USDT on a margin of its own."""
    assert isinstance(found.hand, OkxConnector)
    body: dict[str, Any] = {"instId": "BTC-USDT", "tdMode": "isolated", "ccy": "USDT", "ordType": "market"}
    (ack,) = await found.hand.rest.write("/api/v5/trade/order", {**body, **order})
    assert ack.sCode == "0", ack
    await eventually(lambda: found.open_positions, what="the position")
    (position,) = found.open_positions.values()
    return position


@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
def test_spot_on_credit_is_a_position_with_a_debt_and_is_closed(side: Side, okx: OkxPractice) -> None:
    okx.renew()
    size = {"sz": "500"} if side is Side.BUY else {"sz": "0.004"}

    async def main() -> None:
        async with desk(okx) as found:
            position = await borrow(found, side=side.value, **size)
            assert (position.side, position.margin_mode) == (side, "isolated")
            assert position.borrowed is not None
            if side is Side.BUY:
                assert position.borrowed_asset == "USDT"
                assert abs(position.quantity * position.average_price - 500) < 1, "what 500 USDT bought"
            else:
                assert (position.borrowed_asset, position.quantity) == ("BTC", D("0.004"))
                assert abs(position.borrowed - D("0.004")) < D("0.00001")
            key = position.position_id
            with pytest.raises(Unsupported):
                await found.hand.protect(key, "BTC/USDT", Protection(stop_loss=D(1)))
            if side is Side.BUY:
                part = await found.submit(found.closing(position, D("0.001")))
                await found.until_state(part, OrderState.FILLED)
                left = position.quantity - D("0.001")
                await eventually(lambda: found.positions[key].quantity == left, what="the rest of it")
            order_id = await found.submit(found.closing(found.positions[key]))
            report = await found.until_state(order_id, OrderState.FILLED)
            assert report.side is side.opposite
            await eventually(lambda: not found.open_positions, what="its end")
            of_one = await found.hand.position_fills(key)
            assert {fill.position_id for fill in of_one} == {key}
            assert {fill.fill_id for fill in of_one} == {fill.fill_id for fill in found.fills}
            past = await found.hand.order_history()
            assert {each.venue_order_id for each in past.orders} >= {order_id}
            found.require_no_faults()

    run(main())
