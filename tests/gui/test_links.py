"""Link groups across venues: who follows whom, twins at a venue, what a layout keeps, and the chip."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from terminal.domain.market import Side
from terminal.services.twins import Twins
from terminal.viewmodels.selection import ALONE, LinkedSizes, LinkGroups, PanelLink, Shares
from terminal.widgets import theme
from terminal.widgets.panels import LinkChooser
from tests.gui.frame_fakes import Frame, empty_panels
from tests.gui.venue_fakes import BROKER, ETH, KRAKEN, OKX, PERP, TITLES, Market, Ticket

D = Decimal


class Linked:
    """Groups over three venues, and the panels of a desk."""

    def __init__(self, folder: Path, *listed: Any) -> None:
        self.market = Market(*(listed or (KRAKEN, OKX, PERP, BROKER, ETH)))
        self.twins = Twins(self.market, folder / "twins.json")
        self.groups = LinkGroups(self.twins, TITLES)
        self.groups.group(1).select(KRAKEN.id)

    def panel(self) -> PanelLink:
        return self.groups.panel()


@pytest.fixture
def linked(tmp_path: Path) -> Linked:
    return Linked(tmp_path)


def shown(link: PanelLink) -> object:
    return link.instrument


def heard(link: PanelLink) -> list[object]:
    out: list[object] = []
    link.changed.watch(lambda: out.append(link.instrument))
    return out


def test_panels_of_a_group_follow_one_another_over_venues(linked: Linked) -> None:
    chart, ladder = linked.panel(), linked.panel()
    told = heard(ladder)
    chart.select(OKX.id)
    assert ladder.instrument == OKX.id
    chart.select(OKX.id)
    assert told == [OKX.id]
    assert chart.text == "1"


def test_another_group_begins_with_what_the_panel_shows(linked: Linked) -> None:
    chart, ladder = linked.panel(), linked.panel()
    told = heard(ladder)
    ladder.join(2)
    assert (ladder.instrument, told) == (KRAKEN.id, [])
    chart.select(ETH.id)
    assert ladder.instrument == KRAKEN.id
    chart.join(2)
    assert chart.instrument == KRAKEN.id
    ladder.select(OKX.id)
    assert chart.instrument == OKX.id
    assert linked.groups.group(1).instrument == ETH.id


def test_a_panel_by_itself_chooses_for_itself(linked: Linked) -> None:
    chart, ladder = linked.panel(), linked.panel()
    ladder.join(ALONE)
    assert ladder.instrument == KRAKEN.id
    assert ladder.text == "–"
    ladder.select(ETH.id)
    assert chart.instrument == KRAKEN.id
    ladder.join(1)
    assert ladder.instrument == KRAKEN.id
    ladder.join(9)
    assert ladder.number == 1


def test_a_panel_held_to_a_venue_shows_the_twin_there(linked: Linked) -> None:
    chart, ladder = linked.panel(), linked.panel()
    told = heard(ladder)
    ladder.hold("okx")
    assert (ladder.instrument, ladder.text) == (OKX.id, "1 OKX")
    chart.select(BROKER.id)
    assert told == [OKX.id]
    chart.select(PERP.id)
    assert ladder.instrument == PERP.id
    ladder.hold("")
    assert ladder.instrument == PERP.id


def test_without_a_match_the_old_symbol_does_not_stay(linked: Linked) -> None:
    chart, ladder = linked.panel(), linked.panel()
    ladder.hold("okx")
    chart.select(ETH.id)
    assert shown(ladder) is None
    assert ladder.has_no_match
    assert ladder.empty_text == f"Held to {TITLES[ladder.venue]}: choose one of its markets."
    assert ladder.text == "1 no match on OKX"
    told = heard(ladder)
    ladder.hold(BROKER.venue)
    assert ladder.empty_text == f"Held to {TITLES[BROKER.venue]}: choose one of its markets."
    assert told == [None], "its panel has something else to say"
    ladder.hold("okx")
    chart.select(KRAKEN.id)
    assert ladder.instrument == OKX.id
    # The person says that they are no twins.
    linked.twins.move([OKX.id, PERP.id], "")
    assert shown(ladder) is None


def test_a_twin_that_is_listed_later_is_shown_and_kept_while_its_list_is_away(tmp_path: Path) -> None:
    linked = Linked(tmp_path, KRAKEN)
    ladder = linked.panel()
    ladder.hold("okx")
    assert shown(ladder) is None
    linked.market.tell(OKX)
    assert ladder.instrument == OKX.id
    told = heard(ladder)
    del linked.market.listed[OKX.id]
    linked.market.tell(BROKER)
    linked.market.tell(OKX)
    assert (ladder.instrument, told) == (OKX.id, [])


def test_the_market_goes_both_ways_or_one_way_or_none(linked: Linked) -> None:
    chart, ladder = linked.panel(), linked.panel()
    ladder.share(Shares(gives=False))
    ladder.select(ETH.id)
    assert (chart.instrument, ladder.instrument, ladder.text) == (KRAKEN.id, ETH.id, "1←")
    chart.select(OKX.id)
    assert shown(ladder) == OKX.id
    ladder.share(Shares(takes=False))
    chart.select(KRAKEN.id)
    assert (ladder.instrument, ladder.text) == (OKX.id, "1→")
    ladder.select(ETH.id)
    assert chart.instrument == ETH.id
    ladder.share(Shares(takes=False, gives=False))
    ladder.select(PERP.id)
    assert (chart.instrument, ladder.text) == (ETH.id, "1×")
    ladder.share(Shares())
    assert ladder.instrument == ETH.id


def test_charts_share_the_length_of_a_bar_where_they_are_told_to(linked: Linked) -> None:
    first, second, third = (linked.groups.panel(is_chart=True) for _ in range(3))
    told: list[object] = []
    second.interval_changed.watch(lambda: told.append(second.interval_s))
    first.choose_interval(60)
    assert told == []
    for link in (first, second):
        link.share(Shares(interval=True))
    first.choose_interval(3600)
    first.choose_interval(3600)
    assert (told, third.interval_s) == ([3600], None)
    third.share(Shares(interval=True))
    assert third.interval_s == 3600
    second.join(2)
    first.choose_interval(60)
    assert told == [3600]


def test_the_crosshair_is_told_to_the_other_charts_of_the_group(linked: Linked) -> None:
    first, second, third = (linked.groups.panel(is_chart=True) for _ in range(3))
    told: list[tuple[int, object]] = []
    for at, link in enumerate((first, second, third)):
        link.pointed.watch(partial(lambda at, time_ns: told.append((at, time_ns)), at))
    third.share(Shares(crosshair=False))
    told.clear()
    first.point(7)
    first.point(None)
    third.point(9)
    assert told == [(1, 7), (1, None)]


def test_what_the_groups_show_is_kept_and_bad_entries_are_left_out(linked: Linked, tmp_path: Path) -> None:
    ladder, alone = linked.panel(), linked.panel()
    ladder.join(2)
    ladder.select(OKX.id)
    alone.join(ALONE)
    alone.select(ETH.id)
    linked.groups.group(2).set_interval(3600)
    groups, links = linked.groups.kept(), [ladder.kept(), alone.kept()]
    assert json.loads(json.dumps(groups)) == groups
    again = Linked(tmp_path / "again")
    first, second = again.panel(), again.panel()
    again.groups.restore(groups)
    first.restore(links[0])
    second.restore(links[1])
    assert (first.number, first.instrument) == (2, OKX.id)
    assert (second.number, second.instrument) == (ALONE, ETH.id)
    assert again.groups.group(2).interval_s == 3600
    again.groups.restore(None)
    assert first.instrument == OKX.id


@pytest.mark.parametrize(
    "entry",
    [
        7, {"instrument": 7}, {"instrument": ["gone", "BTC/USD"]}, {"instrument": ["okx", ""]},
        {"instrument": ["okx", "x" * 500]}, {"instrument": ["okx"]}, {"instrument": [1, 2]},
        {"instrument": None, "interval_s": True}, {"instrument": None, "interval_s": -5},
    ],
)  # fmt: skip
def test_a_bad_group_keeps_nobody_without_a_market(linked: Linked, entry: object) -> None:
    ladder = linked.panel()
    linked.groups.restore({"1": entry, "2": entry, "9": entry})
    ladder.restore({"group": 2})
    assert ladder.instrument == KRAKEN.id
    assert linked.groups.group(1).instrument == KRAKEN.id
    assert linked.groups.group(1).interval_s is None
    linked.groups.restore(["nonsense"])
    ladder.restore({"group": 3, "chosen": entry, "takes": 1})
    assert (ladder.instrument, ladder.shares) == (KRAKEN.id, Shares())


@pytest.mark.parametrize("kept", [None, 7, {"group": "x"}, {"group": 77, "venue": 3}, {"venue": "gone"}])
def test_what_a_layout_cannot_tell_is_the_first_place(linked: Linked, kept: object) -> None:
    ladder = linked.panel()
    ladder.join(3)
    ladder.hold("okx")
    ladder.restore(kept)
    assert (ladder.number, ladder.venue) == (1, "")


def test_a_place_comes_back_from_a_layout(linked: Linked) -> None:
    ladder, other = linked.panel(), linked.panel()
    moved: list[object] = []
    ladder.moved.watch(lambda: moved.append(1))
    ladder.join(2)
    ladder.hold("okx")
    assert len(moved) == 2
    other.restore(ladder.kept())
    assert (other.number, other.venue, other.instrument) == (2, "okx", OKX.id)


def test_the_ticket_s_size_counts_for_its_own_market_alone(linked: Linked) -> None:
    ladder = linked.panel()

    class Sized(Ticket):
        def size_text(self) -> str:
            return "0.01 BTC"

    sizes = LinkedSizes(Sized(KRAKEN, "0.01"), ladder)
    assert sizes.quantity_for(Side.BUY, D(1)) == D("0.01")
    assert sizes.size_text() == "0.01 BTC"
    ladder.join(2)
    ladder.select(ETH.id)
    assert sizes.quantity_for(Side.BUY, D(1)) is None
    assert sizes.size_text() == ""


# -- the chip and the layout ----------------------------------------------------------------------------


def entry(menu: QMenu, text: str) -> Any:
    return next(
        action for action in menu.actions() if action.text().replace("&", "").partition("\t")[0] == text
    )


def test_the_chip_offers_groups_and_venues(linked: Linked, qtbot: QtBot, qapp: QApplication) -> None:
    if not qapp.styleSheet():
        theme.apply(qapp)
    link = linked.panel()
    chip = LinkChooser(link)
    qtbot.addWidget(chip)
    chip.show()
    narrow = chip.sizeHint().width()
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton)
    menu = chip.findChild(QMenu)
    assert menu is not None
    assert entry(menu, "Link group 1").isChecked()
    assert entry(menu, "Any venue").isChecked()
    entry(menu, "Link group 3").trigger()
    entry(menu, "Always on OKX").trigger()
    menu.close()
    assert (link.number, link.venue) == (3, "okx")
    assert chip.sizeHint().width() > narrow
    assert chip.accessibleName() == "Link: link group 3, OKX"
    assert not any("length" in action.text() for action in menu.actions()), "no chart has no bars"
    chip.open_menu()
    menu = chip.findChildren(QMenu)[-1]
    entry(menu, "Give its market to the group").trigger()
    assert link.shares == Shares(gives=False)
    assert link.text == "3← OKX"
    assert "does not change it" in chip.toolTip()
    menu.close()
    before = chip.grab().toImage()
    link.select(ETH.id)
    assert chip.grab().toImage() != before


def test_links_are_kept_with_the_layout(linked: Linked, qapp: QApplication, tmp_path: Path) -> None:
    if not qapp.styleSheet():
        theme.apply(qapp)
    for expected in (1, 4):
        frame, link = Frame(), linked.panel()
        window = frame.window(tmp_path / "layouts", empty_panels())
        window.workspace.keep("links", link.kept, link.restore)
        link.moved.watch(window.workspace.kept_changed)
        window.workspace.start()
        assert link.number == expected
        link.join(4)
        window.workspace.save_now()
        frame.store.close()
        frame.frames.stop()
        window.close_for_good()
        window.deleteLater()
