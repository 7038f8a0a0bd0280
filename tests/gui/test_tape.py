"""Time and sales: merging, filtering, standing still."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from terminal.domain.market import Side
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels.tape import StripMode, TapeState, TapeViewModel
from terminal.widgets.tape import TapePanel
from tests.trading_fakes import BTC, ETH, Desk, btc

MS = 1_000_000


def make() -> tuple[Desk, TapeViewModel]:
    desk = Desk()
    vm = TapeViewModel(desk.market, desk.selection, desk.frames, desk.clock)
    return desk, vm


def feed(desk: Desk, count: int, *, first: int = 0, size: str = "0.1", every_ms: int = 200) -> None:
    now = desk.clock.wall_ns()
    for number in range(first, first + count):
        price = f"{100 + number % 7 / 10:.1f}"
        desk.market.add_trade(number, Side.BUY, price, size, now + number * every_ms * MS)
    desk.pass_time(0.02)


def test_the_newest_print_is_on_top(qtbot: QtBot) -> None:
    desk, vm = make()
    now = desk.clock.wall_ns()
    desk.market.add_trade(1, Side.BUY, "100.0", "1", now)
    desk.market.add_trade(2, Side.SELL, "99.9", "2", now + 100 * MS)
    desk.pass_time(0.02)
    assert [(row.side, row.price_text, row.quantity_text) for row in vm.visible(5)] == [
        (Side.SELL, "99.9", "2"),
        (Side.BUY, "100.0", "1"),
    ]


def test_prices_have_the_digits_that_the_instrument_has_now(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 1)
    desk.market.instruments[BTC] = replace(btc(), tick_size=Decimal("0.001"), price_decimals=3)
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    feed(desk, 1, first=1)
    assert vm.visible(1)[0].price_text == "100.100"


def test_prints_of_one_price_and_side_within_50_ms_are_one_row(qtbot: QtBot) -> None:
    desk, vm = make()
    now = desk.clock.wall_ns()
    for number, (side, price, at_ms) in enumerate(
        [
            (Side.BUY, "100.0", 0),
            (Side.BUY, "100.0", 50),
            (Side.BUY, "100.0", 51),
            (Side.SELL, "100.0", 51),
            (Side.SELL, "99.9", 52),
        ]
    ):
        desk.market.add_trade(number, side, price, "1", now + at_ms * MS)
    desk.pass_time(0.02)
    assert [(row.side, row.price_text, row.count) for row in vm.visible(9)] == [
        (Side.SELL, "99.9", 1),
        (Side.SELL, "100.0", 1),
        (Side.BUY, "100.0", 1),
        (Side.BUY, "100.0", 2),
    ]


def test_without_merging_every_print_has_its_row(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_merge(False)
    now = desk.clock.wall_ns()
    for number in range(3):
        desk.market.add_trade(number, Side.BUY, "100.0", "1", now)
    desk.pass_time(0.02)
    assert vm.count == 3


def test_scrolled_away_it_stands_still_and_counts(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 50)
    vm.scroll(5)
    before = [row.ts_ns for row in vm.visible(10)]
    feed(desk, 147, first=50)
    assert vm.paused
    assert vm.fresh == 147
    assert [row.ts_ns for row in vm.visible(10)] == before
    vm.resume()
    assert (vm.offset, vm.fresh) == (0, 0)
    assert vm.visible(1)[0].ts_ns > before[0]


def test_scrolling_back_to_the_top_resumes(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 50)
    vm.scroll(5)
    vm.scroll(-5)
    assert not vm.paused


def test_the_filter_is_in_quote_money(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 10, size="1")
    feed(desk, 3, first=10, size="20")
    vm.set_filter("1k")
    assert vm.count == 3
    vm.set_filter("")
    assert vm.count == 13


@pytest.mark.parametrize("text", ["lots", "-5", "25%", "1 BTC", "€5", "p0", "p100"])
def test_a_filter_that_means_nothing_is_told_and_changes_nothing(qtbot: QtBot, text: str) -> None:
    desk, vm = make()
    feed(desk, 10)
    vm.set_filter(text)
    assert vm.filter_problem
    assert vm.count == 10


def test_a_percentile_filter_leaves_out_the_smaller_half(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 30, size="1")
    feed(desk, 30, first=30, size="2")
    vm.set_filter("p50")
    desk.pass_time(1.1)
    assert vm.count == 30


def test_large_prints_are_weighed_against_the_others(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 100, size="1")
    desk.pass_time(1.1)
    feed(desk, 1, first=100, size="50")
    assert vm.visible(1)[0].weight == 2
    assert vm.visible(20)[10].weight == 0


def test_the_strip_compares_buyers_and_sellers(qtbot: QtBot) -> None:
    desk, vm = make()
    now = desk.clock.wall_ns()
    desk.market.add_trade(1, Side.BUY, "100.0", "3", now)
    desk.market.add_trade(2, Side.SELL, "99.9", "1", now + 100 * MS)
    desk.pass_time(0.3)
    assert vm.strip.share == 0.75
    vm.set_mode(StripMode.COUNT)
    desk.pass_time(0.3)
    assert vm.strip.share == 0.5


def test_another_instrument_starts_anew(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 20)
    desk.selection.select(ETH)
    assert vm.count == 0
    assert [each.symbol for each in desk.market.watched] == ["ETH/USD"]


def test_old_prints_go_and_a_screenful_stays(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 300)
    desk.clock.advance(600)
    desk.market.set_state(FeedState.LIVE)
    desk.pass_time(0.02)
    assert vm.count == 100


@pytest.mark.parametrize(
    ("feed_state", "state"),
    [
        (FeedState.LOADING, TapeState.LOADING),
        (FeedState.STALE, TapeState.STALE),
        (FeedState.UNSUPPORTED, TapeState.UNSUPPORTED),
        (FeedState.REFUSED, TapeState.FAILED),
    ],
)
def test_every_state_has_its_words(qtbot: QtBot, feed_state: FeedState, state: TapeState) -> None:
    desk, vm = make()
    desk.market.set_state(feed_state)
    desk.pass_time(0.02)
    assert vm.state is state
    assert vm.reason


def test_wheel_pauses_home_resumes(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 100)
    widget = TapePanel(vm)
    qtbot.addWidget(widget)
    widget.resize(300, 220)
    widget.show()
    wheel = QWheelEvent(
        QPointF(50, 50), QPointF(50, 50), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    widget.view.wheelEvent(wheel)
    assert vm.offset == 3
    widget.view.grab()
    QTest.mouseClick(widget.view, Qt.MouseButton.LeftButton, pos=widget.view._badge.center())
    assert vm.offset == 0
    QTest.keyClick(widget.view, Qt.Key.Key_PageDown)
    assert vm.paused
    assert "at" in widget.view.accessibleDescription()
    QTest.keyClick(widget.view, Qt.Key.Key_Home)
    assert not vm.paused


def test_a_bad_filter_is_told_beside_the_field(qtbot: QtBot) -> None:
    desk, vm = make()
    feed(desk, 5)
    widget = TapePanel(vm)
    qtbot.addWidget(widget)
    widget.show()
    QTest.keyClicks(widget._filter, "lots")
    QTest.keyClick(widget._filter, Qt.Key.Key_Return)
    assert widget._problem.isVisible()
    assert widget._filter.property("invalid") is True
    assert vm.visible(1)[0].money == Decimal("0.1") * Decimal("100.4")
