"""Two practice venues on one desk, by hand: compared for the ticket's size, chosen by a click, held and
remembered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication

from terminal.domain.instrument import InstrumentId
from terminal.viewmodels.book import Column, LadderState
from terminal.viewmodels.cross_venue_rows import RowState
from terminal.widgets.cross_venue import CrossVenuePanel
from terminal.widgets.panels import LinkChooser
from terminal.widgets.twins_dialog import TwinsDialog
from tests.e2e.ctrader_desk import BothVenues, Fx, run_fx
from tests.e2e.screen_harness import Desk, opened

BOTH = ("kraken", "ctrader")
HERE = InstrumentId("kraken", "BTC/USD")
THERE = InstrumentId("ctrader", "BTC/USD")


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


def panel_of(desk: Desk) -> CrossVenuePanel:
    found = desk.panel("cross")
    assert isinstance(found, CrossVenuePanel)
    return found


def both_count(desk: Desk) -> bool:
    rows = desk.screen.cross.model.rows
    return len(rows) == 2 and all(row.state is RowState.LIVE and row.fee is not None for row in rows)


async def click_row(desk: Desk, key: InstrumentId) -> None:
    table, model = panel_of(desk).table, desk.screen.cross.model
    row = model.row_of(key)
    assert row is not None
    await desk.hand.click(table.viewport(), table.visualRect(model.index(row, 0)).center())


def test_the_cheaper_venue_is_a_click_away_and_a_panel_stays_where_it_is_held(
    venues: BothVenues, tmp_path: Path
) -> None:
    async def first(fx: Fx) -> None:
        desk, vm = fx.desk, fx.desk.screen.cross
        await fx.until(lambda: both_count(desk), "two venues to compare")
        assert "after fees" in vm.summary
        assert vm.question_text.startswith("Buy ")
        assert sum(row.is_best for row in vm.model.rows) == 1
        await click_row(desk, THERE)
        await fx.until(lambda: desk.screen.ticket.instrument is not None, "the broker's instrument")
        assert {desk.screen.ticket.instrument.id, desk.shown} == {THERE}  # type: ignore[union-attr]
        # The ladder stays at Kraken, whatever the others show.
        chip = desk.window.workspace.bars["ladder"].findChild(LinkChooser)
        assert chip is not None
        await desk.hand.click(chip)
        await desk.hand.trigger(desk.menu(), "Always on Kraken")
        ladder = desk.screen.ladder
        await fx.until(lambda: ladder.instrument is not None and ladder.instrument.id == HERE, "the twin")
        assert desk.screen.ladder.size_text == "", "a size in lots is no size of that market"
        # A click there takes the ticket along: a price of one market never stands in the ticket of another.
        await fx.until(lambda: ladder.state is LadderState.LIVE and ladder.rows, "its prices")
        clicked: list[Decimal] = []
        ladder.ticket_wanted.connect(lambda side, kind, price: clicked.append(price))
        key = ladder.rows[len(ladder.rows) // 2].key
        await desk.hand.click(desk.ladder, desk.cell(key, Column.PRICE))
        await fx.until(lambda: desk.shown == HERE, "the market of the price")
        assert [Decimal(desk.screen.ticket.form.limit_price)] == clicked
        await click_row(desk, THERE)
        # In a narrow window the comparison is a line in the venue strip; a click on it opens the panel.
        line = desk.window.strip.line
        assert line is not None
        assert not line.isVisible()
        desk.window.resize(QSize(1366, 768))
        await fx.until(line.isVisible, "the folded comparison")
        await fx.until(lambda: "after fees" in line.summary.text(), "its words")
        await desk.hand.click(line)
        await fx.until(lambda: panel_of(desk).isVisible() and not line.isVisible(), "the panel")
        await desk.hand.click(panel_of(desk).twins)
        dialog = await opened(desk, TwinsDialog)
        assert dialog.heading.text() == "BTC/USD"
        row = next(at for at, each in enumerate(dialog._vm.model.rows) if each.id == THERE)
        dialog.table.selectRow(row)
        await desk.hand.click(dialog.remove)
        await fx.until(lambda: [each.id for each in vm.model.rows] == [THERE], "a market without twins")
        await desk.hand.click(dialog.close_button)
        assert desk.screen._link["ladder"].has_no_match

    async def second(fx: Fx) -> None:
        desk = fx.desk
        assert desk.screen._link["ladder"].venue == "kraken"
        listed = desk.terminal.market.instrument
        await fx.until(lambda: listed(HERE) is not None and listed(THERE) is not None, "both lists")
        await desk.frame()
        assert desk.shown == THERE, "the market of the group is kept"
        assert [row.id for row in desk.screen.cross.model.rows] == [THERE]
        assert desk.screen.cross.summary == "No other venue here trades it"

    run_fx(venues, tmp_path, first, on_desk=BOTH)
    kept = json.loads((tmp_path / "config" / "twins.json").read_text())
    assert kept["moved"] == [{"venue": "ctrader", "symbol": "BTC/USD", "group": ""}]
    run_fx(venues, tmp_path, second, on_desk=BOTH)
