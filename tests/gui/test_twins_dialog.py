"""The twin map's dialog by mouse and keyboard, and the panel of venues as a widget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog
from pytestqt.qtbot import QtBot

from terminal.domain.market import Side
from terminal.services.market_data import FeedState
from terminal.viewmodels.search import SearchIndex
from terminal.viewmodels.twins import TwinsViewModel, contract_text
from terminal.widgets import theme
from terminal.widgets.confirm_dialog import ConfirmDialog
from terminal.widgets.cross_venue import CrossVenueLine, CrossVenuePanel
from terminal.widgets.twins_dialog import TwinsDialog
from tests.gui.venue_fakes import BROKER, ETH, KRAKEN, OKX, PERP, TITLES, World, listing

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def world(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> World:
    if not qapp.styleSheet():
        theme.apply(qapp)
    return World(tmp_path)


def dialog_of(world: World, qtbot: QtBot, group: str = "BTC/USD") -> TwinsDialog:
    index = SearchIndex()
    vm = TwinsViewModel(
        world.twins,
        lambda text: index.search(text, world.market.instruments(), (), (), world.market.quote),
        world.clock,
        titles=lambda venue: TITLES[venue],
        group=group,
    )
    dialog = TwinsDialog(vm, None)
    vm.setParent(dialog)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def cells(dialog: TwinsDialog, row: int) -> dict[str, str]:
    model = dialog.table.model()
    keys = ("venue", "symbol", "own", "kind", "contract", "tick", "quote", "hours", "placed")
    return {key: str(model.index(row, at).data()) for at, key in enumerate(keys)}


def test_it_opens_on_the_twins_with_what_tells_them_apart(world: World, qtbot: QtBot) -> None:
    dialog = dialog_of(world, qtbot)
    assert dialog.heading.text() == "BTC/USD"
    assert dialog.groups.currentIndex().data() == "BTC/USD"
    assert [cells(dialog, row)["symbol"] for row in range(4)] == [
        "BTC/USD", "BTC/USD", "BTC/USDT", "BTC/USDT-PERP",
    ]  # fmt: skip
    assert cells(dialog, 0) == {
        "venue": "cTrader", "symbol": "BTC/USD", "own": "BTCUSD", "kind": "CFD", "contract": "1 lot = 1 BTC",
        "tick": "0.1", "quote": "USD", "hours": "always", "placed": "usual",
    }  # fmt: skip
    assert cells(dialog, 3)["contract"] == "0.01 BTC"
    assert not dialog.remove.isEnabled()


def test_an_instrument_is_taken_out_and_put_back(world: World, qtbot: QtBot) -> None:
    dialog = dialog_of(world, qtbot)
    dialog.table.selectRow(3)
    QTest.mouseClick(dialog.remove, LEFT)
    assert world.twins.twins_of(PERP.id) == [PERP]
    assert dialog.table.model().rowCount() == 3
    # Found again by words, and added by Enter.
    QTest.keyClicks(dialog.box, "okx perp")
    assert dialog.found.count() == 1
    QTest.keyClick(dialog.box, Qt.Key.Key_Return)
    assert dialog.table.model().rowCount() == 4
    assert not world.twins.is_moved(PERP.id)
    assert dialog.box.text() == ""
    assert not dialog.found.isVisible()


def test_a_foreign_instrument_joins_and_goes_back_as_usual(world: World, qtbot: QtBot) -> None:
    dialog = dialog_of(world, qtbot)
    QTest.keyClicks(dialog.box, "eth")
    item = dialog.found.item(0)
    QTest.mouseClick(dialog.found.viewport(), LEFT, pos=dialog.found.visualItemRect(item).center())
    assert world.twins.group_of(ETH.id) == "BTC/USD"
    row = next(row for row in range(5) if cells(dialog, row)["symbol"] == "ETH/USD")
    assert cells(dialog, row)["placed"] == "by you"
    dialog.table.selectRow(row)
    QTest.mouseClick(dialog.back, LEFT)
    assert world.twins.group_of(ETH.id) == "ETH/USD"


def test_what_is_not_there_is_said(world: World, qtbot: QtBot) -> None:
    dialog = dialog_of(world, qtbot)
    QTest.keyClicks(dialog.box, "zzz")
    assert dialog.found.item(0).text() == "Nothing found for “zzz”"
    QTest.keyClick(dialog.box, Qt.Key.Key_Return)
    assert dialog.table.model().rowCount() == 4
    QTest.keyClick(dialog.box, Qt.Key.Key_Escape)
    assert dialog.box.text() == ""
    assert dialog.isVisible()


def test_some_are_split_off_under_a_name(world: World, qtbot: QtBot) -> None:
    dialog = dialog_of(world, qtbot)
    dialog.table.selectRow(3)
    QTest.mouseClick(dialog.split, LEFT)
    question = dialog.findChild(QInputDialog)
    assert question is not None
    question.setTextValue("BTC swaps")
    question.accept()
    assert dialog.heading.text() == "BTC swaps"
    assert [cells(dialog, row)["symbol"] for row in range(dialog.table.model().rowCount())] == [PERP.symbol]
    assert world.twins.groups() == ["BTC swaps", "BTC/USD"]
    index = dialog.groups.model().index(1, 0)
    QTest.mouseClick(dialog.groups.viewport(), LEFT, pos=dialog.groups.visualRect(index).center())
    assert dialog.heading.text() == "BTC/USD"
    QTest.mouseClick(dialog.reset_all, LEFT)
    sure = dialog.findChild(ConfirmDialog)
    assert sure is not None
    sure.accept()
    assert world.twins.map.moved == {}


def test_groups_are_found_by_their_instruments_words(world: World, qtbot: QtBot) -> None:
    for venue in ("kraken", "ctrader"):
        world.market.tell(listing(venue, "XAU/USD", description="Gold vs US Dollar"))
    dialog = dialog_of(world, qtbot)
    QTest.keyClicks(dialog.filter, "gold")
    assert [dialog.groups.model().index(0, 0).data()] == ["XAU/USD"]
    assert dialog.groups.model().rowCount() == 1


def test_an_instrument_without_its_full_record_does_not_pretend(world: World) -> None:
    assert contract_text(replace(BROKER, is_detailed=False)) == "when first used"


# -- the panel ------------------------------------------------------------------------------------------


def panel_of(world: World, qtbot: QtBot, width: int = 900) -> CrossVenuePanel:
    panel = CrossVenuePanel(world.vm)
    qtbot.addWidget(panel)
    qtbot.addWidget(panel.header)
    panel.resize(width, 130)
    panel.header.resize(width, 26)
    panel.header.show()
    panel.show()
    qtbot.waitUntil(panel.isVisible)
    return panel


def test_a_click_loads_the_venue_and_the_keyboard_does_too(world: World, qtbot: QtBot) -> None:
    panel = panel_of(world, qtbot)
    table = panel.table
    assert [index.row() for index in table.selectionModel().selectedRows()] == [0]
    at = table.visualRect(world.vm.model.index(1, 0)).center()
    QTest.mouseClick(table.viewport(), LEFT, pos=at)
    assert world.selection.instrument == OKX.id
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert world.selection.instrument == PERP.id


def test_side_words_and_link_of_the_header(world: World, qtbot: QtBot) -> None:
    panel = panel_of(world, qtbot)
    assert panel.amount.text() == "0.01 BTC"
    assert panel.summary.text() == world.vm.summary
    QTest.mouseClick(panel.side.buttons[1], LEFT)
    assert world.ticket.form.side is Side.SELL
    world.pass_time()
    assert panel.side.chosen_at == 1
    wanted: list[object] = []
    panel.twins_wanted.connect(lambda: wanted.append(1))
    QTest.mouseClick(panel.twins, LEFT)
    assert wanted == [1]


@pytest.mark.parametrize(("width", "hidden"), [(900, set()), (430, {"symbol", "spark", "fee", "average"})])
def test_columns_give_way_where_there_is_no_room(
    world: World, qtbot: QtBot, width: int, hidden: set[str]
) -> None:
    panel = panel_of(world, qtbot, width)
    keys = [column.key for column in world.vm.model.columns]
    assert {key for at, key in enumerate(keys) if panel.table.isColumnHidden(at)} == hidden
    assert panel.table.horizontalHeader().length() <= max(width, 430)


def test_only_what_is_in_sight_costs(world: World, qtbot: QtBot) -> None:
    panel = panel_of(world, qtbot)
    assert world.market.watched
    panel.hide()
    assert world.market.watched == []
    line = CrossVenueLine(world.vm)
    qtbot.addWidget(line)
    line.show()
    assert world.market.watched
    assert line.question.text() == "Buy 0.01 BTC"
    assert line.summary.text() == world.vm.summary


def test_it_paints_stale_and_best_rows(world: World, qtbot: QtBot) -> None:
    panel = panel_of(world, qtbot)
    before = panel.grab().toImage()
    for _ in range(4):
        world.pass_time(1)
    world.market.set_state(OKX, FeedState.STALE)
    world.pass_time(5)
    assert panel.grab().toImage() != before
    assert world.row(KRAKEN).tone == ""
