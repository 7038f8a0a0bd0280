"""Positions on the chart: what is drawn, and the stop and target pulled out with the mouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from terminal.domain.account import Position
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Protection
from terminal.services.positions import KEEP, Leg
from terminal.viewmodels.chart import ChartViewModel
from terminal.viewmodels.chart_positions import ChartPositions, LegKind
from terminal.viewmodels.position_rows import PositionRow
from terminal.widgets.chart_position_items import TIPS, Part
from terminal.widgets.chart_view import ChartView
from tests.gui.chart_fakes import ChartDesk
from tests.trading_fakes import BTC

D = Decimal
LEFT, NO = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class FakePositions(QObject):
    """Holds rows and notes what it was asked."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[PositionRow] = []
        self.asked: list[tuple[object, ...]] = []
        self.problem = ""

    def rows_of(self, instrument: InstrumentId, account: str) -> list[PositionRow]:
        return self.rows

    def act(self, key: str, action: str) -> None:
        self.asked.append((action, key))

    def protect(
        self, key: str, *, stop_loss: Leg = KEEP, take_profit: Leg = KEEP, asked: bool = False
    ) -> None:
        self.asked.append(("protect", key, stop_loss, take_profit))

    def why_not(self, key: str, *, stop_loss: Leg = KEEP, take_profit: Leg = KEEP) -> str:
        return self.problem


def a_row(entry: Decimal, protection: Protection | None = None, side: Side = Side.BUY) -> PositionRow:
    position = Position(
        BTC,
        "88",
        side,
        D("0.5"),
        entry,
        D("12.5"),
        "USD",
        D("-1"),
        D("-2"),
        D(100),
        protection or Protection(),
    )
    return PositionRow(
        "a 88", "a", "House 1", "PRACTICE", position, "0.5", "0.5 BTC", 1, entry, D(25), "ticks", False, False
    )


class Shown:
    """A chart with one position a little below the last price."""

    def __init__(self) -> None:
        self.desk = ChartDesk()
        self.desk.fill_lifelike()
        self.source = FakePositions()
        self.positions = ChartPositions(self.source, lambda account, asset, amount, currency: None)
        self.vm: ChartViewModel = self.desk.open(positions=self.positions, show_hint=False)
        self.view = ChartView(self.vm)
        self.view.resize(900, 560)
        self.view.show()
        self.desk.frames.tick()
        last = self.vm.last_price
        assert last is not None
        entry = self.vm.trading.snapped(float(last) * 0.999)
        assert entry is not None
        self.entry = entry
        self.put(a_row(self.entry))

    def put(self, *rows: PositionRow) -> None:
        self.source.rows = list(rows)
        self.source.changed.emit()
        self.desk.frames.tick()
        self.view.grab()

    def place(self, part: Part, kind: LegKind | None = None) -> QPoint:
        """The middle of a part as it is drawn now."""
        hits = self.view._picture._positions._hits
        found = [box for hit, box in hits if hit.part is part and hit.kind is kind]
        assert found, (part, kind, [(hit.part, hit.kind) for hit, _ in hits])
        return found[-1].center()

    def y_of(self, price: Decimal) -> int:
        return round(self.view.geometry_of_plot.y_of(self.vm.scale, float(price)))

    def drag(self, begin: QPoint, end: QPoint) -> None:
        QTest.mousePress(self.view, LEFT, NO, begin)
        for share in (0.3, 0.6, 1.0):
            QTest.mouseMove(self.view, begin + (end - begin) * share)
        self.view.grab()

    def release(self, at: QPoint) -> None:
        QTest.mouseRelease(self.view, LEFT, NO, at)


@pytest.fixture
def shown(qapp: QApplication) -> Iterator[Shown]:
    shown = Shown()
    yield shown
    shown.vm.close()
    shown.view.close()


def test_a_profit_by_the_mark_price_says_so(shown: Shown) -> None:
    (line,) = shown.positions.lines
    assert "mark" not in line.text
    row = a_row(shown.entry)
    shown.put(replace(row, position=replace(row.position, margin_mode="cross")))
    (line,) = shown.positions.lines
    assert "USD at mark" in line.text.replace("\u202f", " ")


def test_a_stop_is_pulled_out_of_the_line(shown: Shown) -> None:
    tab = shown.place(Part.TAB, LegKind.STOP)
    end = QPoint(tab.x(), tab.y() + 60)
    shown.drag(tab, end)
    ghost = shown.positions.ghost
    assert ghost is not None
    assert ghost.kind is LegKind.STOP
    assert ghost.price < shown.entry
    assert "ticks" in ghost.text
    assert "USD" in ghost.text
    assert shown.source.asked == [], "nothing is sent before the drop"
    shown.release(end)
    assert shown.source.asked == [("protect", "a 88", ghost.price, KEEP)]
    assert ghost.price % D("0.1") == 0, "on the grid"


def test_escape_and_the_right_button_take_a_drag_back(shown: Shown) -> None:
    tab = shown.place(Part.TAB, LegKind.TARGET)
    end = QPoint(tab.x(), tab.y() - 60)
    shown.drag(tab, end)
    QTest.keyClick(shown.view, Qt.Key.Key_Escape)
    assert shown.positions.ghost is None
    shown.release(end)
    assert shown.source.asked == []


def test_a_standing_stop_is_dragged_by_its_line_and_taken_away_by_its_cross(shown: Shown) -> None:
    stop = shown.vm.trading.snapped(float(shown.entry) * 0.997)
    assert stop is not None
    shown.put(a_row(shown.entry, Protection(stop_loss=stop, trailing=True)))
    (line,) = shown.positions.lines
    leg = line.leg(LegKind.STOP)
    assert leg is not None
    assert leg.badge == "SERVER"
    assert leg.text.endswith("trailing")
    grip = QPoint(200, shown.y_of(stop))
    end = QPoint(200, grip.y() + 40)
    shown.drag(grip, end)
    shown.release(end)
    assert shown.source.asked[0][0] == "protect"
    assert shown.source.asked[0][2] < stop  # type: ignore[operator]
    QTest.mouseClick(shown.view, LEFT, NO, shown.place(Part.REMOVE, LegKind.STOP))
    assert shown.source.asked[-1] == ("protect", "a 88", None, KEEP)


def test_a_drop_where_it_stood_sends_nothing(shown: Shown) -> None:
    stop = shown.vm.trading.snapped(float(shown.entry) * 0.997)
    assert stop is not None
    shown.put(a_row(shown.entry, Protection(stop_loss=stop)))
    (line,) = shown.positions.lines
    shown.positions.drag(line, LegKind.STOP, stop)
    shown.positions.drop()
    assert shown.source.asked == []


def test_the_buttons_appear_under_the_pointer_and_act(shown: Shown) -> None:
    chip = shown.place(Part.CHIP)
    QTest.mouseMove(shown.view, chip)
    shown.view.grab()
    for part in (Part.CLOSE, Part.REVERSE, Part.DOUBLE):
        QTest.mouseClick(shown.view, LEFT, NO, shown.place(part))
        assert shown.source.asked[-1] == (part.value, "a 88")
    QTest.mouseClick(shown.view, LEFT, NO, chip)
    assert len(shown.source.asked) == 3, "the chip itself does nothing"


def test_why_it_cannot_stand_there_is_said_while_dragging(shown: Shown) -> None:
    shown.source.problem = "The stop loss of a long position has to be below 64 000.0."
    tab = shown.place(Part.TAB, LegKind.STOP)
    shown.drag(tab, QPoint(tab.x(), tab.y() - 60))
    assert shown.positions.ghost is not None
    assert shown.positions.ghost.problem == shown.source.problem


def test_the_true_break_even_counts_swap_and_both_commissions(shown: Shown) -> None:
    (line,) = shown.positions.lines
    # 1 of swap and twice 2 of commission on half a coin: 10 a coin.
    assert line.break_even == shown.entry + 10
    shown.put(a_row(shown.entry, side=Side.SELL))
    assert shown.positions.lines[0].break_even == shown.entry - 10


def test_while_an_answer_is_awaited_nothing_can_be_dragged(shown: Shown) -> None:
    row = a_row(shown.entry, Protection(stop_loss=shown.entry - 100))
    shown.put(replace(row, stop_pending=True))
    (line,) = shown.positions.lines
    shown.positions.drag(line, LegKind.STOP, shown.entry - 50)
    assert shown.positions.ghost is None


def test_positions_at_one_price_stand_under_one_another(shown: Shown) -> None:
    one = a_row(shown.entry)
    two = replace(one, key="a 89", position=replace(one.position, position_id="89"))
    stop = shown.vm.trading.snapped(float(shown.entry) * 0.997)
    both = [replace(row, position=replace(row.position, protection=Protection(stop_loss=stop)))
            for row in (one, two)]  # fmt: skip
    for rows in ([one, two], both):
        shown.put(*rows)
        hits = shown.view._picture._positions._hits
        boxes = [(hit, box) for hit, box in hits if box.width() < 500]
        assert {hit.line.key for hit, _ in boxes} == {"a 88", "a 89"}
        for hit, box in boxes:
            assert hit.same(shown.view._picture.position_at(box.center())), "it can be reached"


def test_what_a_stop_would_bring_is_net_as_the_open_profit_is(shown: Shown) -> None:
    shown.put(a_row(shown.entry, Protection(stop_loss=shown.entry - 100)))
    leg = shown.positions.lines[0].leg(LegKind.STOP)
    assert leg is not None
    assert "−53.00 USD" in leg.text, "half a coin times 100, 1 of swap and 2 of commission"
    assert "net of swap" in TIPS["chip"]
    assert "net of swap" in TIPS["leg"]


def test_a_position_paid_in_the_coin_tells_its_stop_in_the_coin(shown: Shown) -> None:
    from_dollars = replace(shown.desk.market.instruments[BTC], base="USD", is_inverse=True)
    row = a_row(D(40_000), Protection(take_profit=D(50_000)))
    position = replace(row.position, quantity=D(10_000), currency="BTC", swap=D(0), commission=D("-0.0001"))
    shown.source.rows = [replace(row, position=position, money_decimals=8)]
    place = shown.vm.trading.place
    assert place is not None
    shown.positions.show(from_dollars, place)
    shown.positions.build()
    (line,) = shown.positions.lines
    # 0.25 BTC of dollars at 40 000, 0.2 at 50 000: 0.05 BTC gained, 0.0001 paid; at 50 000 worth 2 495.
    assert line.legs[0].text.endswith("+0.04990000 BTC  (≈ +2\u202f495.00 USD)")
    # 1 / (1/40 000 - 0.0002/10 000), twice the commission being the costs
    assert line.break_even is not None
    assert line.break_even.quantize(D("0.1")) == D("40032.0")


def test_the_chart_says_the_figure_of_the_table_in_the_very_frame_in_which_that_changes(shown: Shown) -> None:
    frames, source = shown.desk.frames, shown.source
    (row,) = source.rows

    def table() -> None:
        # As the table does it: it builds its rows in a frame, and says so.
        source.rows = [replace(row, position=replace(row.position, unrealised=D("-0.88")))]
        source.changed.emit()

    drawn: list[str] = []
    frames.request(table)
    shown.vm.changed.connect(lambda: drawn.append(shown.positions.lines[0].text))
    frames.tick()
    assert drawn, "it is to be painted with the table"
    assert source.rows[0].profit_text in drawn[-1]


def test_a_chart_that_nobody_sees_builds_no_positions(shown: Shown) -> None:
    shown.vm.set_visible(False)
    (before,) = shown.positions.lines
    shown.source.rows = []
    shown.source.changed.emit()
    shown.desk.frames.tick()
    assert shown.positions.lines == (before,)
    shown.vm.set_visible(True)
    shown.desk.frames.tick()
    assert not shown.positions.lines
