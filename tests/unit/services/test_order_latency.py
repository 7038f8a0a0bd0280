"""From the click to the connector, the journal write included."""

from __future__ import annotations

import time
from pathlib import Path

from terminal.domain.market import Side
from terminal.services.risk import RiskLimits
from tests.helpers import run
from tests.unit.services.order_fakes import ACCOUNT, FakeVenue, limit_order, open_desk


class TimedVenue(FakeVenue):
    """Notes when a submit arrives."""

    arrived: float = 0.0

    async def submit(self, request, client_order_id):  # type: ignore[no-untyped-def]
        self.arrived = time.perf_counter()
        return await super().submit(request, client_order_id)


def test_an_order_reaches_the_connector_within_a_frame(tmp_path: Path) -> None:
    async def main() -> list[float]:
        venue = TimedVenue()
        limits = RiskLimits(duplicate_s=None, orders_per_minute=None)
        desk = await open_desk(tmp_path, venue=venue, limits=limits)
        taken = []
        for number in range(60):
            request = limit_order(Side.SELL, quantity=f"0.{1000 + number}")
            clicked = time.perf_counter()
            await desk.gate.submit(ACCOUNT, request)
            taken.append((venue.arrived - clicked) * 1000)
        await desk.gate.close()
        return sorted(taken)

    taken = run(main())
    # The bench states the figures; here only what no healthy machine exceeds.
    assert taken[len(taken) // 2] < 16, taken
