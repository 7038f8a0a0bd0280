"""Pages of the past end with the connection: nobody goes on asking between two of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from terminal.core import tasks
from terminal.core.clock import SystemClock
from terminal.domain.contracts import NS
from terminal.domain.errors import VenueUnavailable
from terminal.domain.market import Bar
from terminal.venues.quotex import history
from terminal.venues.quotex.assets import Assets
from terminal.venues.quotex.history import History
from tests.helpers import eventually, run
from tests.unit.venues.quotex.test_assets import row


class Line:
    """Answers each page with the bar of one minute, and keeps what was asked."""

    def __init__(self) -> None:
        assets = Assets()
        assets.take([row(), row("EURUSD", "EUR/USD", c14=False)])
        (self.instrument, *_) = (each for each in assets.all() if each.symbol == "EUR/USD OTC")
        self.asked: list[dict[str, Any]] = []
        self.history = History(self.send, SystemClock(), self.turn)

    async def turn(self) -> None:
        """It is always the caller's turn."""

    def send(self, name: str, *data: Any) -> None:
        self.asked.append(data[0])
        at = data[0]["time"] // 60 * 60 - 60
        price = Decimal("1.05")
        candle = [at, price, price, price, price]
        answer = {"asset": data[0]["asset"], "index": data[0]["index"], "candles": [candle]}
        self.history.on_answer(answer)

    async def all(self) -> list[Bar]:
        end_ns = 1_785_600_000 * NS
        found = await self.history.bars(self.instrument, 60, end_ns=end_ns, limit=500, progress=None)
        return list(found)


def test_closing_ends_the_pause_between_two_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_PAUSE_S", 60.0)

    async def main() -> None:
        line = Line()
        asking = tasks.spawn(line.all(), name="pages")
        await eventually(lambda: line.asked, what="the first page")
        line.history.close()
        with pytest.raises(VenueUnavailable):
            await asking
        assert len(line.asked) == 1
        with pytest.raises(VenueUnavailable):
            await line.all()

    run(main())
