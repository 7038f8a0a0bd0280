"""The watchlist panel and the search dialog on their view-model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from terminal.domain.contracts import ContractOffer
from terminal.domain.instrument import InstrumentId, MarketStatus
from terminal.services.market_data import Topic
from terminal.viewmodels.watchlist import COLUMNS, WatchlistViewModel, venue_marks
from terminal.widgets import theme
from terminal.widgets.watchlist import (
    SearchDialog,
    WatchDelegate,
    WatchlistPanel,
    brief_change,
    star_place,
    symbol_parts,
)
from tests.gui.chart_fakes import WatchDesk

KEYS = [column.key for column in COLUMNS]
BTC, ETH = InstrumentId("kraken", "BTC/USD"), InstrumentId("kraken", "ETH/USD")


class Shown:
    """The panel with Kraken's usual pairs."""

    def __init__(self, qtbot: QtBot) -> None:
        self.desk = WatchDesk()
        self.pairs = self.desk.fill_lifelike()
        self.vm: WatchlistViewModel = self.desk.open(self.pairs)
        self.panel = WatchlistPanel(self.vm)
        qtbot.addWidget(self.panel)
        self.panel.resize(300, 400)
        with qtbot.waitExposed(self.panel):
            self.panel.show()
        self.table = self.panel.table
        # A list that has the keyboard keeps its own mark.
        self.panel.box.setFocus()

    def cell(self, instrument: InstrumentId, key: str = "last") -> QPoint:
        row = self.vm.model.row_of(instrument)
        assert row is not None
        return self.table.visualRect(self.vm.model.index(row, KEYS.index(key))).center()


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Shown]:
    theme.load_fonts()
    made = Shown(qtbot)
    yield made
    made.desk.frames.stop()


def test_a_click_shows_the_instrument_everywhere(shown: Shown) -> None:
    QTest.mouseClick(shown.table.viewport(), Qt.MouseButton.LeftButton, pos=shown.cell(ETH))
    assert shown.desk.selection.instrument == ETH
    assert shown.table.selected_keys() == [ETH]


def test_shift_enter_shows_it_beside_and_changes_no_linked_panel(shown: Shown) -> None:
    told: list[object] = []
    shown.vm.beside_wanted.connect(told.append)
    row = shown.vm.model.row_of(ETH)
    assert row is not None
    shown.table.selectRow(row)
    QTest.keyClick(shown.table, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    dialog = SearchDialog(shown.vm, shown.panel)
    dialog.open("perp")
    hit = dialog.current
    assert hit is not None
    QTest.keyClick(dialog.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert told == [ETH, hit.id]
    assert hit.id in shown.vm.watched
    assert shown.desk.selection.instrument == BTC
    assert not dialog.isVisible()


def test_another_panel_s_choice_marks_its_row(shown: Shown) -> None:
    shown.desk.selection.select(ETH)
    assert shown.table.selected_keys() == [ETH]


@pytest.mark.parametrize(
    ("width", "least"),
    [(220, {"symbol", "last", "change"}), (280, {"symbol", "last", "change", "spark"}), (560, set(KEYS))],
)
def test_columns_come_with_the_room_for_them(shown: Shown, width: int, least: set[str]) -> None:
    shown.panel.resize(width, 400)
    there = {key for at, key in enumerate(KEYS) if not shown.table.isColumnHidden(at)}
    assert there == least
    used = sum(shown.table.columnWidth(at) for at, key in enumerate(KEYS) if key in there)
    assert used <= shown.table.viewport().width()


def test_one_symbol_of_two_venues_is_told_apart(shown: Shown) -> None:
    def there() -> set[str]:
        return {key for at, key in enumerate(KEYS) if not shown.table.isColumnHidden(at)}

    shown.panel.resize(280, 400)
    twin = InstrumentId("okx", BTC.symbol)
    shown.vm.add(twin)
    assert there() == {"symbol", "last", "change", "venue"}
    for width in range(280, 220, -1):
        shown.panel.resize(width, 400)
        if "change" in there() and shown.table.is_brief("change"):
            assert shown.table.is_brief("venue"), "the per cent sign comes before the venue's whole name"
    shown.panel.resize(280, 400)
    shown.vm.remove(twin)
    assert there() == {"symbol", "last", "change", "spark"}


def test_the_venue_s_mark_stays_where_nothing_else_has_room(shown: Shown) -> None:
    shown.vm.add(InstrumentId("okx", BTC.symbol))
    shown.vm.add(InstrumentId("okx", "PEPE/USD"))
    for width in (180, 200, 246):
        shown.panel.resize(width, 400)
        table = shown.table
        widths = {key: table.columnWidth(at) for at, key in enumerate(KEYS) if not table.isColumnHidden(at)}
        assert {"symbol", "last", "venue"} <= set(widths), width
        assert widths["venue"] >= 34
        assert sum(widths.values()) <= table.viewport().width(), width


def test_the_marked_row_is_scrolled_into_sight_where_the_list_becomes_low(shown: Shown) -> None:
    last = shown.pairs[-1]
    shown.desk.selection.select(last)

    def is_seen() -> bool:
        return shown.table.viewport().rect().contains(shown.cell(last))

    shown.panel.resize(300, 120)
    assert is_seen()
    shown.table.scrollToTop()
    shown.panel.resize(300, 130)
    assert not is_seen(), "a person has scrolled it away"
    shown.desk.selection.select(shown.pairs[0])
    shown.desk.selection.select(last)
    assert is_seen()


def test_a_closed_market_is_grey_and_says_so_and_a_contract_says_what_it_pays(
    shown: Shown, dialog: SearchDialog
) -> None:
    known = shown.desk.market.known
    offer = ContractOffer("USD", Decimal(92), Decimal(1), None, (60,), (60,))
    known[ETH] = replace(known[ETH], status=MarketStatus.CLOSED, offer=offer)
    shown.desk.market.changed.notify(ETH, Topic.INSTRUMENT)
    shown.desk.pass_time(0.2)
    at = shown.vm.model.row_of(ETH)
    assert at is not None
    row = shown.vm.model.rows[at]
    cells = {column.key: column.text(row) for column in COLUMNS}
    assert (cells["change"], cells["spread"]) == ("closed", "pays 92 %")
    tones = {column.tone(row) for column in COLUMNS if column.key in ("symbol", "last") and column.tone}
    assert tones == {"muted"}
    dialog.open("eth usd")
    assert dialog.current is not None
    assert (dialog.current.payout_text, dialog.current.closed) == ("92 %", True)
    told = str(dialog.list.currentIndex().data(Qt.ItemDataRole.ToolTipRole))
    assert told == "ETH/USD, Ethereum, spot on Kraken, pays 92 %, closed"


def test_a_closed_market_says_so_beside_its_symbol_where_the_change_has_no_room(shown: Shown) -> None:
    def drawn(*, closed: bool) -> QImage:
        image = QImage(180, 20, QImage.Format.Format_RGB32)
        image.fill(0)
        delegate = shown.table.itemDelegate()
        assert isinstance(delegate, WatchDelegate)
        painter = QPainter(image)
        row = replace(shown.vm.model.rows[0], closed=closed, stale=not closed)
        delegate._paint_symbol(painter, image.rect(), row, hot=False)
        painter.end()
        return image

    assert drawn(closed=True) == drawn(closed=False), "the other column says it"
    shown.table.setColumnHidden(KEYS.index("change"), True)
    assert drawn(closed=True) != drawn(closed=False)


def test_long_symbols_are_whole_and_the_other_columns_give_way(shown: Shown) -> None:
    def widths() -> dict[str, int]:
        table = shown.table
        return {key: table.columnWidth(at) for at, key in enumerate(KEYS) if not table.isColumnHidden(at)}

    perpetual = InstrumentId("okx", "BTC/USDT-PERP")
    shown.vm.add(perpetual)
    for width in (180, 220, 236, 246, 300):
        shown.panel.resize(width, 400)
        parts = symbol_parts(perpetual, shown.table.font())
        text = sum(QFontMetrics(font).horizontalAdvance(word) for word, font in parts)
        assert widths()["symbol"] >= text + 4, width
        assert sum(widths().values()) <= shown.table.viewport().width()
    assert set(widths()) >= {"symbol", "last", "change"}
    shown.panel.resize(236, 400)
    assert shown.table.is_brief("change")
    row = shown.vm.model.rows[0]
    assert brief_change(row) == row.change_text.replace("\u2009", "").replace("\u202f", "").rstrip("%")
    shown.panel.resize(220, 400)
    assert set(widths()) == {"symbol", "last"}
    shown.vm.remove(perpetual)
    assert set(widths()) == {"symbol", "last", "change"}


def test_a_column_does_not_move_with_its_prices(shown: Shown) -> None:
    def last() -> int:
        return shown.table.columnWidth(KEYS.index("last"))

    shown.panel.resize(220, 400)
    shown.desk.market.set_last(BTC, "1264131.7")
    shown.desk.pass_time(0.2)
    wide = last()
    shown.desk.market.set_last(BTC, "64131.7")
    shown.desk.pass_time(0.2)
    assert last() == wide


def test_venues_have_short_marks_that_differ() -> None:
    titles = {"kraken": "Kraken", "okx": "OKX", "ctrader": "cTrader", "custom": "Krypto", "b": "Kr"}
    marks = venue_marks(titles)
    assert marks == {"kraken": "Kr", "okx": "OKX", "ctrader": "cT", "custom": "Kry", "b": "Kr"}


def test_a_symbol_without_room_keeps_its_end(shown: Shown) -> None:
    def drawn(symbol: str) -> QImage:
        row = replace(shown.vm.model.rows[0], id=InstrumentId("okx", symbol), favourite=False)
        image = QImage(70, 20, QImage.Format.Format_RGB32)
        image.fill(0)
        delegate = shown.table.itemDelegate()
        assert isinstance(delegate, WatchDelegate)
        painter = QPainter(image)
        delegate._paint_symbol(painter, image.rect(), row, hot=False)
        painter.end()
        return image

    assert drawn("BTC/USDT-PERP") == drawn("BTC/USDT-PERP")
    assert drawn("BTC/USDT-PERP") != drawn("BTC/USDT-2612"), "a perpetual and a future look the same"


def test_changed_digits_have_a_tinted_ground_for_a_moment(shown: Shown) -> None:
    def tinted() -> bool:
        image = shown.table.viewport().grab().toImage()
        row = shown.table.visualRect(shown.vm.model.index(0, KEYS.index("last")))
        tint = QColor(theme.UP_TINT_24).name()
        return any(
            QColor(image.pixel(x, row.top() + 4)).name() == tint for x in range(row.left(), row.right())
        )

    shown.desk.market.set_last(BTC, "64131.7")
    shown.desk.pass_time(0.11)
    assert tinted()
    shown.desk.pass_time(0.4)
    assert not tinted()


def test_a_letter_goes_into_the_box_and_enter_opens_the_first_row(shown: Shown) -> None:
    shown.table.setFocus()
    QTest.keyClicks(shown.table, "e")
    QTest.keyClicks(shown.panel.box, "th/u")
    assert shown.panel.box.text() == "eth/u"
    QTest.keyClick(shown.panel.box, Qt.Key.Key_Return)
    assert shown.desk.selection.instrument == ETH
    assert shown.panel.box.text() == ""


def test_enter_without_an_answer_wants_the_search(shown: Shown) -> None:
    wanted: list[str] = []
    shown.panel.search_wanted.connect(wanted.append)
    QTest.keyClicks(shown.panel.box, "perp")
    QTest.keyClick(shown.panel.box, Qt.Key.Key_Return)
    assert wanted == ["perp"]
    QTest.keyClick(shown.panel.box, Qt.Key.Key_Escape)
    assert shown.vm.filter_text == ""


def test_the_star_and_space_are_for_favourites_and_del_removes(shown: Shown) -> None:
    index = shown.vm.model.index(1, 0)
    star = star_place(shown.table.visualRect(index)).center()
    QTest.mouseClick(shown.table.viewport(), Qt.MouseButton.LeftButton, pos=star)
    assert list(shown.vm.favourites) == [ETH]
    assert shown.desk.selection.instrument == BTC, "the star opens nothing"
    shown.table.selectRow(0)
    QTest.keyClick(shown.table, Qt.Key.Key_Space)
    assert list(shown.vm.favourites) == []
    row = shown.vm.model.row_of(ETH)
    assert row is not None
    shown.table.selectRow(row)
    QTest.keyClick(shown.table, Qt.Key.Key_Delete)
    assert not shown.vm.is_watched(ETH)


def test_sorting_by_a_number_keeps_the_marked_row(shown: Shown) -> None:
    shown.desk.selection.select(ETH)
    shown.table.sortByColumn(KEYS.index("last"), Qt.SortOrder.AscendingOrder)
    prices = [row.last for row in shown.vm.model.rows if row.last is not None]
    assert prices == sorted(prices)
    assert shown.table.selected_keys() == [ETH]


# -- search -------------------------------------------------------------------------------------------


@pytest.fixture
def dialog(shown: Shown, qtbot: QtBot) -> SearchDialog:
    made = SearchDialog(shown.vm)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.open()
    return made


def test_typing_finds_and_enter_opens(shown: Shown, dialog: SearchDialog) -> None:
    QTest.keyClicks(dialog.box, "btc-perp")
    assert dialog.current is not None
    assert dialog.current.kind == "perp"
    QTest.keyClick(dialog.box, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    assert shown.desk.selection.instrument == InstrumentId("okx", "BTC-PERP/USDT")
    assert shown.vm.is_watched(InstrumentId("okx", "BTC-PERP/USDT"))


def test_space_types_while_typing_and_marks_after_an_arrow(shown: Shown, dialog: SearchDialog) -> None:
    QTest.keyClicks(dialog.box, "usd eth")
    assert dialog.box.text() == "usd eth"
    assert dialog.current is not None
    assert dialog.current.id == ETH
    QTest.keyClick(dialog.box, Qt.Key.Key_Down)
    QTest.keyClick(dialog.box, Qt.Key.Key_Up)
    QTest.keyClick(dialog.box, Qt.Key.Key_Space)
    assert shown.vm.favourites == (ETH,)
    assert dialog.current is not None
    assert dialog.current.id == ETH
    assert dialog.isVisible()


def test_esc_closes_and_changes_nothing(shown: Shown, dialog: SearchDialog) -> None:
    QTest.keyClicks(dialog.box, "eth")
    QTest.keyClick(dialog.box, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert shown.desk.selection.instrument == BTC


def test_nothing_found_is_said_and_enter_does_nothing(shown: Shown, dialog: SearchDialog) -> None:
    QTest.keyClicks(dialog.box, "qqq")
    assert dialog.list.empty_text == "Nothing found for “qqq”"
    assert "0 found" in dialog._foot.text()
    QTest.keyClick(dialog.box, Qt.Key.Key_Return)
    assert dialog.isVisible()


def test_the_dialog_opens_with_what_was_typed_elsewhere(shown: Shown, dialog: SearchDialog) -> None:
    dialog.open("sol")
    assert dialog.current is not None
    assert dialog.current.id.symbol == "SOL/USD"
