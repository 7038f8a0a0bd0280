"""The ticket on an account on margin: the venue's own margin beside an order, and a comment that it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from terminal.widgets import blotter as tabs
from tests.e2e.ctrader_desk import BothVenues, Fx, run_fx


@pytest.fixture(scope="module")
def running_venues() -> Iterator[BothVenues]:
    venues = BothVenues()
    venues.start()
    yield venues
    venues.stop()


@pytest.fixture
def venues(running_venues: BothVenues, qapp: QApplication) -> BothVenues:
    running_venues.begin_anew()
    return running_venues


def margin(fx: Fx) -> str:
    return next(line.value for line in fx.desk.screen.ticket.carry if line.label == "Margin")


def test_margin_is_the_venue_s_and_a_comment_stays_with_the_position(
    venues: BothVenues, tmp_path: Path
) -> None:
    async def on(fx: Fx) -> None:
        desk = fx.desk
        await fx.choose_market()
        await fx.fill_ticket("0.5")
        await fx.until(lambda: margin(fx)[:1].isdigit(), f"the venue's margin, not {margin(fx)!r}")
        said = float(margin(fx).split()[0].replace("\u202f", ""))
        edit = desk.edit("Comment")
        desk.ticket._scroll.ensureWidgetVisible(edit)
        await desk.frame()
        await fx.hand.replace(edit, "breakout of the range")
        await fx.send()
        await fx.until(lambda: fx.positions() and fx.positions()[0].margin is not None, "a position")
        held = fx.positions()[0].margin
        assert held is not None
        assert abs(float(held) / said - 1) < 0.002, "as the ticket had said"
        noted = await venues.noted()
        (row,) = noted["now"]["position"]
        assert row["tradeData"]["comment"] == "breakout of the range"
        table = await desk.show_tab(tabs.POSITIONS)
        model: Any = table.model()
        await fx.until(model.rowCount, "its row")
        tip = model.index(0, model.column_of("symbol")).data(Qt.ItemDataRole.ToolTipRole)
        assert tip.endswith("Comment: breakout of the range")

    run_fx(venues, tmp_path, on)
