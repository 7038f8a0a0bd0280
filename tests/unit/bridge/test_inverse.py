"""A contract that counts dollars and pays coins, lent to a strategy."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from terminal.bridge.bots import BotLimits
from terminal.domain.account import Position
from terminal.domain.events import PositionReported
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side
from tests.helpers import run
from tests.unit.bridge.bridge_desk import LendingVenue, open_bridge

D = Decimal
SWAP = "BTC_USD.swap"
CALL: dict[str, Any] = {"symbol": SWAP, "type": "sell", "price": "60010", "amount": "1000"}


class InverseVenue(LendingVenue):
    """Its perpetual is 100 dollars a contract, and settled in BTC."""

    def __init__(self) -> None:
        super().__init__()
        self.info = replace(self.info, capabilities=replace(self.info.capabilities, positions=True))

    async def instruments(self) -> list[Instrument]:
        *spot, swap = await super().instruments()
        inverse = replace(
            swap, base="USD", is_inverse=True, quantity_step=D(100), min_quantity=D(100), min_notional=None
        )
        return [*spot, inverse]


def test_its_amounts_are_dollars_in_orders_limits_and_positions(tmp_path: Path) -> None:
    async def main() -> None:
        venue, limits = InverseVenue(), BotLimits(notional_per_day=D(1500))
        async with open_bridge(tmp_path, venue=venue, bot_limits=limits) as desk:
            market = (await desk.call("markets"))["data"][SWAP]
            assert (market["base"], market["quote"], market["amount_size"]) == ("USD", "USD", "100")
            # Whoever means coins is refused: 0.02 is no step of dollars.
            assert "not a multiple of 100" in await desk.error("trade", **{**CALL, "amount": "0.02"})
            placed = (await desk.call("trade", **CALL))["data"]["id"]
            assert [each.quantity for each in venue.orders] == [D(1000)]
            told = (await desk.call("order", symbol=SWAP, id=placed))["data"]
            assert (told["symbol"], told["amount"], told["price"]) == (SWAP, "1000", "60010")
            # 1000 of the 1500 dollars of the day are used, not a thousand times the price.
            text = await desk.error("trade", **{**CALL, "price": "60020"})
            assert "1000 are used, and this order is worth 1000" in text
            assert "data" in await desk.call("trade", **{**CALL, "amount": "500"})

            swap = InstrumentId("fake", "BTC/USD-PERP")
            venue.emit(
                PositionReported(Position(swap, "7", Side.SELL, D(1000), D(50_000), D("-0.004"), "BTC"))
            )
            (held,) = (await desk.call("positions", symbol=SWAP))["data"]
            assert (held["side"], held["amount"], held["profit"]) == ("short", "1000", "-0.004")

    run(main())
