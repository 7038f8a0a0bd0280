"""The venue strip with more venues than there is room for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from terminal.viewmodels.venue_card import VenueCard
from terminal.widgets.venue_strip import Detail, VenueStrip
from tests.gui.frame_fakes import Frame
from tests.gui.venue_fakes import World

TITLES = ("Kraken", "OKX", "cTrader", "My OKX plugin", "Börse Zürich", "A name as long as one may be")


class Cards(QObject):
    """As much of the view-model as the strip reads."""

    changed = Signal()

    def __init__(self, cards: list[VenueCard], chosen: str) -> None:
        super().__init__()
        self.cards = tuple(cards)
        self.infos = {card.venue: SimpleNamespace(title=card.title) for card in cards}
        self.addable: dict[str, Any] = {"custom": SimpleNamespace(added_as="a plugin")}
        self.chosen = chosen

    def show(self, cards: list[VenueCard]) -> None:
        self.cards = tuple(cards)
        self.changed.emit()


@pytest.fixture
def frame(qtbot: QtBot, qapp: QApplication) -> Frame:
    return Frame()


def cards_of(frame: Frame, titles: tuple[str, ...]) -> list[VenueCard]:
    like = frame.connections.cards[0]
    return [
        replace(
            like,
            venue=f"v{at}",
            title=title,
            symbol="BTC/USDT",
            bid="115 565.1",
            ask="115 565.3",
            age="0.4 s",
        )
        for at, title in enumerate(titles)
    ]


def settle() -> None:
    """The layouts of cards and strip follow each other by posted events."""
    for _ in range(4):
        QApplication.processEvents()


def shown(qtbot: QtBot, vm: Cards, width: int) -> VenueStrip:
    strip = VenueStrip(vm)  # type: ignore[arg-type]
    qtbot.addWidget(strip)
    strip.resize(width, strip.height())
    strip.show()
    settle()
    return strip


def require_room_for_all(strip: VenueStrip) -> None:
    """Nothing lies over anything else, and nothing is cut but a title, which says so with its dots."""
    edge = 0
    for card in strip._cards.values():
        assert card.x() >= edge, "a card over another one"
        edge = card.geometry().right()
        parts = [card.dot, card.title, card.mode, card.symbol, card.bid, card.slash, card.ask, card.state]
        seen: list[QRect] = []
        for part in (each for each in parts if each.isVisible()):
            assert not any(part.geometry().intersects(other) for other in seen), "a text over another one"
            assert card.rect().contains(part.geometry()), "a text out of its card"
            if part is not card.title:
                assert part.width() >= QWidget.sizeHint(part).width() or part.width() >= part.minimumWidth()
            seen.append(part.geometry())
    assert strip.add.x() >= edge
    assert strip.rect().contains(strip.add.geometry())


@pytest.mark.parametrize("width", [1000, 1366, 1920, 2560])
@pytest.mark.parametrize("count", [1, 3, 6])
def test_cards_tell_less_rather_than_lie_over_each_other(
    qtbot: QtBot, frame: Frame, width: int, count: int
) -> None:
    strip = shown(qtbot, Cards(cards_of(frame, TITLES[:count]), "v2"), width)
    require_room_for_all(strip)
    assert all(card.title.isVisible() and card.state.isVisible() for card in strip._cards.values())
    details = [card.detail for card in strip._cards.values()]
    if count == 6:
        assert strip._cards["v2"].detail is max(details), "the chosen market's venue is the last to tell less"
        assert (max(details) is Detail.FULL) is (width == 2560)
    # A word in place of an age takes room as well.
    vm: Any = strip._vm
    open_cards = vm.cards
    vm.show([replace(card, age="", closed="Market closed, opens Sun 22:00") for card in vm.cards])
    settle()
    require_room_for_all(strip)
    said = {card.state.text() for card in strip._cards.values()}
    assert said <= {"BTC/USDT closed", "live"}, "a market is closed, and never a venue"
    vm.show(open_cards)
    vm.show([replace(card, age="", word="reconnecting", shape=card.shape.BUSY) for card in vm.cards])
    settle()
    require_room_for_all(strip)


def test_what_was_left_out_comes_back_with_the_room(qtbot: QtBot, frame: Frame) -> None:
    strip = shown(qtbot, Cards(cards_of(frame, TITLES), "v3"), 900)
    assert {card.detail for card in strip._cards.values()} == {Detail.BARE}
    strip.resize(2600, strip.height())
    settle()
    assert {card.detail for card in strip._cards.values()} == {Detail.FULL}
    assert all(card.symbol.isVisible() and card.bid.isVisible() for card in strip._cards.values())
    require_room_for_all(strip)


def test_titles_are_shortened_where_not_even_they_fit(qtbot: QtBot, frame: Frame) -> None:
    many = TITLES * 2
    strip = shown(qtbot, Cards(cards_of(frame, many), "v0"), 1366)
    require_room_for_all(strip)
    long = strip._cards["v5"]
    assert long.title.width() < long.title.sizeHint().width()
    assert long.title.text() == TITLES[5]
    assert TITLES[5] in long.toolTip()
    assert strip.minimumSizeHint().width() == 0, "the strip never keeps a window wide"


@pytest.mark.parametrize("width", [1366, 1600])
def test_the_comparison_says_its_answer_in_full_and_the_unofficial_mark_stays(
    qtbot: QtBot, frame: Frame, tmp_path: Path, width: int
) -> None:
    world = World(tmp_path)
    four = cards_of(frame, ("Kraken", "OKX", "cTrader", "Quotex"))
    vm = Cards([*four[:3], replace(four[3], unofficial=True)], "v0")
    strip = VenueStrip(vm, cross=world.vm)  # type: ignore[arg-type]
    qtbot.addWidget(strip)
    assert strip.line is not None
    strip.resize(width, strip.height())
    strip.line.show()
    strip.show()
    world.look()
    settle()
    said = strip.line.summary
    assert world.vm.summary_short == "OKX spot −1.0 bps"
    assert said.fontMetrics().horizontalAdvance(world.vm.summary_short) < said.width()
    require_room_for_all(strip)
    assert strip.rect().contains(strip.line.geometry())
    card = strip._cards["v3"]
    marks = [each for each in (card.mode, card.short) if each.isVisible()]
    assert [each.text().partition(" ")[0] for each in marks] == ["unofficial"]
