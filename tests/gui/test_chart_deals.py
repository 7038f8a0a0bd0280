"""Running contracts on the chart: from entry to end, with room for the end, and given back by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from terminal.domain.account import Position
from terminal.domain.contracts import NS, RunningContract
from terminal.domain.market import Bar, Side
from terminal.domain.orders import OrderType
from terminal.viewmodels.chart_positions import ChartPositions, deal_of
from terminal.viewmodels.chart_scale import Viewport
from terminal.viewmodels.position_rows import PositionRow
from terminal.widgets.chart_position_items import Part
from terminal.widgets.chart_view import ChartView, _entries
from tests.gui.chart_fakes import ChartDesk
from tests.gui.test_chart_positions import FakePositions
from tests.trading_fakes import BTC

D = Decimal
MINUTE_NS = 60 * NS


class Shown:
    """A chart of minutes whose last one has just begun."""

    def __init__(self) -> None:
        self.desk = ChartDesk()
        self.desk.fill_lifelike(interval_s=60)
        self.source = FakePositions()
        self.positions = ChartPositions(self.source, lambda account, asset, amount, currency: None)
        self.vm = self.desk.open(
            positions=self.positions, show_hint=False, interval_s=60, start_bars=60, show_volume=False
        )
        self.view = ChartView(self.vm)
        self.view.resize(900, 560)
        self.view.show()
        self.desk.frames.tick()
        self.now_ns = self.desk.clock.wall_ns()
        assert self.vm.last_price is not None
        self.last = self.vm.last_price

    def deal(
        self, minutes: int = 5, *, entry: Decimal | None = None, now: Decimal | None = None, key: str = "d1"
    ) -> PositionRow:
        """A contract up that was opened with the running minute."""
        contract = RunningContract(D(87), self.now_ns + minutes * MINUTE_NS, 60 * minutes, sells_back=True)
        position = Position(
            BTC, key, Side.BUY, D(10), entry or self.last, currency="USD", opened_ns=self.now_ns,
            contract=contract,
        )  # fmt: skip
        return PositionRow(
            f"a {key}", "a", "Quotex demo", "PRACTICE", position, "10.00 USD", "Stake", 1, now or self.last,
            D(0), "ticks", False, False, left_s=60.0 * minutes,
        )  # fmt: skip

    def put(self, *rows: PositionRow) -> None:
        self.source.rows = list(rows)
        self.source.changed.emit()
        self.desk.frames.tick()
        self.view.grab()

    def place(self, part: Part) -> QPoint:
        hits = self.view._picture._positions._hits
        return next(box for hit, box in reversed(hits) if hit.part is part).center()


@pytest.fixture
def shown(qapp: QApplication) -> Iterator[Shown]:
    made = Shown()
    yield made
    made.vm.close()
    made.view.close()
    made.view.deleteLater()


def test_room_for_the_end_comes_and_goes_with_the_contract(shown: Shown) -> None:
    before = shown.vm.viewport.right
    width = shown.vm.viewport.width
    shown.put(shown.deal(10))
    end = shown.vm.viewport.x_of(shown.vm.place_at(shown.now_ns + 10 * MINUTE_NS))
    assert shown.vm.viewport.right > before
    assert end <= width - 40
    shown.put()
    assert shown.vm.viewport.right == pytest.approx(before)


def test_room_stays_while_bars_come(shown: Shown) -> None:
    shown.put(shown.deal(10))
    right = shown.vm.viewport.right
    last = shown.desk.market.bars(BTC, 60).bars[-1]
    for minute in (1, 2, 3):
        shown.desk.market.update_bar(Bar(last.open_ns + minute * MINUTE_NS, *last[1:]), 60)
    shown.desk.frames.tick()
    assert shown.vm.viewport.right == pytest.approx(right), "the bars come nearer to the end"


def test_bars_that_a_person_has_moved_away_stay(shown: Shown) -> None:
    shown.vm.pan(4000)
    right = shown.vm.viewport.right
    shown.put(shown.deal(10))
    assert shown.vm.viewport.right == right


def test_an_end_far_away_takes_no_room() -> None:
    port = Viewport(800)
    port.show_latest(500, bars=100)
    usual = port.right
    port.show_latest(500, until=499 + 40)
    assert port.right > usual
    port.show_latest(500, until=499 + 300)
    assert port.right == usual


def test_a_time_stands_within_its_bar_and_after_the_last_one(shown: Shown) -> None:
    last = shown.vm.bars.count - 1
    begun = int(shown.vm.bars.times[-1])
    assert shown.vm.place_at(begun) == last - 0.5
    assert shown.vm.place_at(begun + 30 * NS) == last
    assert shown.vm.place_at(begun + 150 * NS) == last + 2
    assert shown.vm.place_at(begun - 30 * NS) == last - 1
    assert shown.vm.place_at(int(shown.vm.bars.times[0]) - NS) == -0.5


def test_its_text_tells_more_than_its_colour(shown: Shown) -> None:
    def text(moved: str) -> tuple[str, int]:
        line = deal_of(shown.deal(1, now=shown.last + D(moved)))
        return line.text, line.standing

    assert text("0.1") == ("▲ 10.00 USD  in +8.70 USD  01:00", 1)
    assert text("-0.1") == ("▲ 10.00 USD  out −10.00 USD  01:00", -1)
    assert text("0") == ("▲ 10.00 USD  tie 0.00 USD  01:00", 0)
    hidden = deal_of(replace(shown.deal(1, now=shown.last + 1), hidden=True))
    assert "8.70" not in hidden.text
    assert "10.00" not in hidden.text


def test_an_entry_beyond_the_bars_is_brought_into_sight(shown: Shown) -> None:
    high = shown.last * D("1.2")
    shown.put(shown.deal(5, entry=high))
    assert shown.vm.scale.high > float(high)
    shown.put()
    assert shown.vm.scale.high < float(high)


def test_it_is_given_back_by_its_menu_and_by_the_button_beside_it(shown: Shown) -> None:
    shown.put(shown.deal())
    hit = shown.view._picture.position_at(shown.place(Part.CHIP))
    assert hit is not None
    assert "ends" in hit.tip
    assert _entries(hit) == (("close", "Give back…"),)
    shown.view._picture.pointer = shown.place(Part.CHIP)
    shown.view.grab()
    QTest.mouseClick(
        shown.view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, shown.place(Part.CLOSE)
    )
    assert shown.source.asked == [("close", "a d1")]
    over = replace(shown.deal(), left_s=0.0)
    shown.put(over)
    ended = shown.view._picture.position_at(shown.place(Part.CHIP))
    assert ended is not None
    assert _entries(ended) == ()


def test_its_label_hides_nothing_of_the_bar_in_words(shown: Shown) -> None:
    shown.view.resize(420, 300)
    shown.desk.frames.tick()
    # At the very top of the plot, where the readout is.
    top = Decimal(repr(shown.vm.scale.high)) - D("0.1")
    shown.vm.hold_prices(True)
    shown.put(shown.deal(5, entry=top))
    readout = shown.view._picture._readout
    (box,) = [box for hit, box in shown.view._picture._positions._hits if hit.part is Part.CHIP]
    assert not box.adjusted(0, 4, 0, -4).intersects(readout)


def test_its_label_stands_above_its_line_and_is_not_struck_out(shown: Shown) -> None:
    shown.put(shown.deal())
    picture = shown.view._picture
    y = round(shown.view.geometry_of_plot.y_of(shown.vm.scale, float(shown.last)))
    (box,) = [box for hit, box in picture._positions._hits if hit.part is Part.CHIP]
    assert box.center().y() + 10 < y
    assert picture._is_on_label(box.center())
    assert not picture._is_on_label(QPoint(20, y + 40))


def test_no_right_click_is_advertised_where_nothing_waits_at_a_price(qapp: QApplication) -> None:
    desk = ChartDesk()
    desk.fill_lifelike()
    vm = desk.open()
    assert vm.hint
    assert vm.place is not None
    abilities = replace(vm.place.abilities, order_types=frozenset({OrderType.CONTRACT}))  # type: ignore[type-var]
    vm.place = replace(vm.place, abilities=abilities)
    assert vm.hint == ""
    vm.close()
