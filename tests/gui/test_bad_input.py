"""Whatever is typed or pasted: a message beside the field, or no way to enter it, and nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QInputDialog, QLineEdit
from pytestqt.qtbot import QtBot

from terminal.core import tasks
from terminal.domain.market import Side
from terminal.domain.orders import OrderType, TimeInForce
from terminal.viewmodels import ticket_form as names
from terminal.viewmodels.connect import PASSPHRASE, ConnectViewModel
from terminal.viewmodels.sending import ResultKind
from terminal.viewmodels.tape import TapeViewModel
from terminal.viewmodels.ticket import TicketViewModel
from terminal.widgets import theme
from terminal.widgets.blotter import ORDERS, Blotter
from terminal.widgets.connect_dialog import ConnectDialog
from terminal.widgets.main_window import MainWindow
from terminal.widgets.tape import TapePanel
from terminal.widgets.ticket import TicketPanel
from terminal.widgets.watchlist import SearchDialog, WatchlistPanel
from tests.gui.chart_fakes import WatchDesk
from tests.gui.frame_fakes import KRAKEN, Frame, fill_with_orders
from tests.helpers import eventually, run
from tests.trading_fakes import Desk

D = Decimal
LONG = 10_000

NO_NUMBERS = {
    "letters": "abc",
    "letters after digits": "12abc",
    "negative": "-5",
    "true minus": "\N{MINUS SIGN}5",
    "zero": "0",
    "zeros": "0.000",
    "huge": "9" * 30,
    "exponent": "1e5",
    "NaN": "NaN",
    "infinity": "inf",
    "hexadecimal": "0x10",
    "two points": "1.2.3",
    "two commas": "1,23,4",
    "a comma that can mean two things": "1,234",
    "blanks between digits": "1 2",
    "another currency": "£64000",
    "only a sign": "$",
    "sign in the middle": "64$000",
    "empty": "",
    "blanks": "   ",
    "emoji": "\N{ROCKET}",
    "emoji after digits": "1\N{ROCKET}",
    "digits of another script": "\N{ARABIC-INDIC DIGIT THREE}",
    "superscript": "\N{SUPERSCRIPT TWO}",
    "letters without end": "x" * LONG,
    "digits without end": "9" * LONG,
    "decimals without end": "0." + "1" * LONG,
    "markup": "<b>1</b>",
}
"""What no field for a number takes."""


def enter(field: QLineEdit, text: str) -> None:
    """By the keyboard; what has no keys is pasted."""
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(field, Qt.Key.Key_Delete)
    if text.isascii() and text.isprintable() and len(text) < 50:
        QTest.keyClicks(field, text)
    else:
        QGuiApplication.clipboard().setText(text)
        QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)


# -- the ticket -----------------------------------------------------------------------------------------

FIELDS = {
    names.LIMIT_PRICE: OrderType.LIMIT,
    names.QUANTITY: OrderType.LIMIT,
    names.TRIGGER_PRICE: OrderType.STOP,
    names.TRAIL_OFFSET: OrderType.TRAILING_STOP,
    names.LIMIT_OFFSET: OrderType.TRAILING_STOP_LIMIT,
    names.DISPLAY_QUANTITY: OrderType.ICEBERG,
}
TOO_FINE = {
    names.LIMIT_PRICE: "64000.12",
    names.QUANTITY: "0.123456789",
    names.TRIGGER_PRICE: "64000.12",
    names.TRAIL_OFFSET: "1.234",
    names.LIMIT_OFFSET: "1.23",
    names.DISPLAY_QUANTITY: "0.123456789",
}
GOOD = {
    names.LIMIT_PRICE: "64000",
    names.QUANTITY: "0.25",
    names.TRIGGER_PRICE: "65000",
    names.TRAIL_OFFSET: "1.5",
    names.LIMIT_OFFSET: "10",
    names.DISPLAY_QUANTITY: "0.05",
}


@pytest.fixture
def ticket(qtbot: QtBot, qapp: QApplication) -> tuple[Desk, TicketViewModel, TicketPanel]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    desk = Desk()
    desk.market.set_book([("64120.0", "2")], [("64120.2", "1"), ("64130.0", "3")])
    vm = TicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
    )
    panel = TicketPanel(vm)
    qtbot.addWidget(panel)
    panel.resize(300, 900)
    panel.show()
    qtbot.waitExposed(panel)
    return desk, vm, panel


def prepare(vm: TicketViewModel, panel: TicketPanel, order_type: OrderType) -> None:
    """The form of a type with sound figures in all its fields."""
    vm.set_order_type(order_type)
    for name in vm.fields & GOOD.keys():
        vm.set_text(name, GOOD[name])
    assert vm.problems == {}


def require_refused(desk: Desk, vm: TicketViewModel, panel: TicketPanel, name: str) -> str:
    """A message beside the field, the field outlined, a line on what was not sent; the message."""
    row = panel._rows[name]
    message = row._message.text()
    assert row._message.isVisible()
    assert message.startswith("✕ "), message
    assert 8 < len(message) < 120, message
    assert panel._edits[name].property("invalid") is True
    assert vm.sending.pending is None
    assert vm.sending.result is not None
    assert vm.sending.result.kind is ResultKind.REFUSED
    assert vm.sending.result.text.startswith("Not sent: ")
    assert desk.gate.sent == []
    assert not tasks.running()
    return message


@pytest.mark.parametrize("name", FIELDS)
def test_no_number_field_of_the_ticket_takes_it(
    ticket: tuple[Desk, TicketViewModel, TicketPanel], name: str, subtests: pytest.Subtests
) -> None:
    desk, vm, panel = ticket
    prepare(vm, panel, FIELDS[name])
    for what, entry in NO_NUMBERS.items():
        with subtests.test(what):
            enter(panel._edits[name], entry)
            for button in panel._buttons.values():
                QTest.mouseClick(button, Qt.MouseButton.LeftButton)
                require_refused(desk, vm, panel, name)
            QTest.keyClick(panel._edits[name], Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
            require_refused(desk, vm, panel, name)


@pytest.mark.parametrize("name", FIELDS)
def test_more_decimals_than_the_market_has_are_said(
    ticket: tuple[Desk, TicketViewModel, TicketPanel], name: str
) -> None:
    desk, vm, panel = ticket
    prepare(vm, panel, FIELDS[name])
    enter(panel._edits[name], TOO_FINE[name])
    QTest.mouseClick(panel._buttons[Side.BUY], Qt.MouseButton.LeftButton)
    assert "after the point" in require_refused(desk, vm, panel, name)


NO_TIMES = (
    *("abc", "-1h", "0m", "25:00", "12:99", "2020-01-01 00:00", "2026-13-45 10:00", "+99999d", ""),
    *("   ", "tomorrow", "\N{ROCKET}", "x" * LONG, "9" * LONG, "+2h2h", "$5", "1,5h"),
)


def test_an_expiry_that_is_no_time_ahead_is_said(
    ticket: tuple[Desk, TicketViewModel, TicketPanel], subtests: pytest.Subtests
) -> None:
    desk, vm, panel = ticket
    prepare(vm, panel, OrderType.LIMIT)
    vm.set_life(TimeInForce.GTD)
    for entry in NO_TIMES:
        with subtests.test(entry[:20]):
            enter(panel._edits[names.EXPIRE_TIME], entry)
            QTest.mouseClick(panel._buttons[Side.BUY], Qt.MouseButton.LeftButton)
            require_refused(desk, vm, panel, names.EXPIRE_TIME)


@pytest.mark.parametrize(
    ("name", "entry", "meant"),
    [
        (names.LIMIT_PRICE, "64000,5", "64000.5"),
        (names.LIMIT_PRICE, "$64,000.5", "64000.5"),
        (names.LIMIT_PRICE, "64.000,5", "64000.5"),
        (names.LIMIT_PRICE, "64\u202f000.5", "64000.5"),
        (names.LIMIT_PRICE, " 64000.50 USD ", "64000.5"),
        (names.LIMIT_PRICE, " " * 60 + "64000.5", "64000.5"),
        (names.QUANTITY, "0,05", "0.05"),
        (names.QUANTITY, "₿0.05", "0.05"),
        (names.QUANTITY, "0.05 btc", "0.05"),
        (names.QUANTITY, "$640", "0.01"),
        (names.QUANTITY, "640 USD", "0.01"),
    ],
)
def test_a_pasted_figure_is_read_as_it_was_meant_and_shown_before_it_is_sent(
    ticket: tuple[Desk, TicketViewModel, TicketPanel], name: str, entry: str, meant: str
) -> None:
    desk, vm, panel = ticket
    prepare(vm, panel, OrderType.LIMIT)
    enter(panel._edits[name], entry)
    QTest.mouseClick(panel._buttons[Side.BUY], Qt.MouseButton.LeftButton)
    assert vm.sending.pending is not None, vm.problems
    request = vm.sending.pending.request
    assert request is not None
    assert D(meant) == (request.limit_price if name == names.LIMIT_PRICE else request.quantity)
    assert desk.gate.sent == []


def test_more_than_all_of_what_is_free_is_said(ticket: tuple[Desk, TicketViewModel, TicketPanel]) -> None:
    desk, vm, panel = ticket
    prepare(vm, panel, OrderType.LIMIT)
    for entry in ("101%", "-5%", "0%", "%", "1e2%", "12.345%"):
        enter(panel._edits[names.QUANTITY], entry)
        QTest.mouseClick(panel._buttons[Side.BUY], Qt.MouseButton.LeftButton)
        require_refused(desk, vm, panel, names.QUANTITY)


# -- cells of the blotter -------------------------------------------------------------------------------


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[tuple[Frame, MainWindow]]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    frame = Frame()
    window = frame.window(tmp_path)
    window.resize(1600, 900)
    window.show()
    window.activateWindow()
    qtbot.waitExposed(window)
    window.workspace.start(restore=False)
    yield frame, window
    window.workspace.stop()
    frame.store.close()
    frame.frames.stop()
    window.close_for_good()
    window.deleteLater()


@pytest.mark.parametrize("column", ["limit", "quantity", "trigger"])
def test_no_cell_of_the_blotter_takes_it(
    window: tuple[Frame, MainWindow], qtbot: QtBot, column: str, subtests: pytest.Subtests
) -> None:
    frame, main = window
    fill_with_orders(frame)
    blotter = main.workspace.docks["blotter"].widget()
    assert isinstance(blotter, Blotter)
    blotter.show_tab(ORDERS)
    table, model = blotter.orders.table, frame.orders.model
    row = model.row_of("a4" if column == "trigger" else "a1")
    assert row is not None
    said: list[str] = []
    frame.orders.refused.connect(lambda _, text: said.append(text))
    for what, entry in {**NO_NUMBERS, "too many decimals": "64000.123456789"}.items():
        with subtests.test(what):
            said.clear()
            table.setCurrentIndex(model.index(row, model.column_of(column)))
            table.setFocus()
            QTest.keyClick(table, Qt.Key.Key_F2)
            editor = next(each for each in table.viewport().findChildren(QLineEdit) if each.isVisible())
            enter(editor, entry)
            QTest.keyClick(editor, Qt.Key.Key_Return)
            qtbot.waitUntil(lambda: len(said) == 1)  # one message beside the row
            assert 8 < len(said[0]) < 120
            assert frame.gate.asked == []
            assert not tasks.running()
            assert any(said[0] in entry.text for entry in frame.notices.entries)
            qtbot.waitUntil(lambda: table.state() is not table.State.EditingState)


def test_an_editor_that_is_left_changes_nothing(window: tuple[Frame, MainWindow]) -> None:
    frame, main = window
    fill_with_orders(frame)
    blotter = main.workspace.docks["blotter"].widget()
    assert isinstance(blotter, Blotter)
    blotter.show_tab(ORDERS)
    table, model = blotter.orders.table, frame.orders.model
    row = model.row_of("a1")
    assert row is not None
    for leave in (Qt.Key.Key_Escape, Qt.Key.Key_Tab):
        table.setCurrentIndex(model.index(row, model.column_of("limit")))
        table.setFocus()
        QTest.keyClick(table, Qt.Key.Key_F2)
        editor = next(each for each in table.viewport().findChildren(QLineEdit) if each.isVisible())
        enter(editor, "60000")
        QTest.keyClick(editor, leave)
        assert frame.gate.asked == []


# -- the tape's filter ----------------------------------------------------------------------------------


NO_FILTERS = (
    *(text for text in NO_NUMBERS.values() if text.strip()),
    *("p0", "p100", "p-5", "p", "p\N{SUPERSCRIPT TWO}", "p" + "9" * LONG, "p5.5", "5 BTC", "25%"),
)


def test_a_filter_of_the_tape_that_is_no_amount_is_said(
    qtbot: QtBot, qapp: QApplication, subtests: pytest.Subtests
) -> None:
    desk = Desk()
    vm = TapeViewModel(desk.market, desk.selection, desk.frames, desk.clock)
    panel = TapePanel(vm)
    qtbot.addWidget(panel)
    panel.show()
    desk.market.add_trade(1, Side.BUY, "64120.0", "0.5", desk.clock.wall_ns())
    desk.pass_time(0.1)
    before = (vm.least, vm.least_percentile, vm.count)
    for entry in NO_FILTERS:
        with subtests.test(entry[:20]):
            enter(panel._filter, entry)
            QTest.keyClick(panel._filter, Qt.Key.Key_Return)
            assert panel._problem.isVisible()
            assert 8 < len(panel._problem.text()) < 120, panel._problem.text()
            assert panel._filter.property("invalid") is True
            assert (vm.least, vm.least_percentile, vm.count) == before, "the filter before stays"
            enter(panel._filter, "")
            QTest.keyClick(panel._filter, Qt.Key.Key_Return)
            assert not panel._problem.isVisible()


# -- the watchlist's filter -----------------------------------------------------------------------------


NO_MARKETS = {what: entry for what, entry in NO_NUMBERS.items() if entry.strip()}


def test_a_filter_that_no_market_matches_says_so_and_moves_nothing(
    qtbot: QtBot, qapp: QApplication, subtests: pytest.Subtests
) -> None:
    desk = WatchDesk()
    vm = desk.open(desk.fill_lifelike())
    panel = WatchlistPanel(vm)
    qtbot.addWidget(panel)
    panel.show()
    asked: list[str] = []
    panel.search_wanted.connect(asked.append)
    before = desk.selection.instrument
    for what, entry in NO_MARKETS.items():
        with subtests.test(what):
            enter(panel.box, entry)
            assert vm.model.rowCount() == 0
            assert "matches" in vm.empty_text
            assert len(vm.empty_text) < 160
            asked.clear()
            QTest.keyClick(panel.box, Qt.Key.Key_Return)
            assert asked, "Enter goes on to the search"
            assert desk.selection.instrument == before
    enter(panel.box, "eth/usd")
    assert vm.model.rowCount() == 1
    desk.frames.stop()


def test_a_search_that_finds_nothing_chooses_nothing(
    qtbot: QtBot, qapp: QApplication, subtests: pytest.Subtests
) -> None:
    desk = WatchDesk()
    vm = desk.open(desk.fill_lifelike())
    dialog = SearchDialog(vm)
    qtbot.addWidget(dialog)
    before = desk.selection.instrument
    for what, entry in NO_MARKETS.items():
        with subtests.test(what):
            dialog.open()
            enter(dialog.box, entry)
            QTest.keyClick(dialog.box, Qt.Key.Key_Return)
            assert dialog.isVisible(), "nothing was chosen"
            assert desk.selection.instrument == before
            dialog.reject()
    desk.frames.stop()


# -- names of layouts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        ("", ""),
        ("   ", ""),
        ("../../etc/passwd", ""),
        ("a/b\\c", ""),
        ("\N{ROCKET}", ""),
        ("<b>x</b>", ""),
        (".hidden", ""),
        ("-5", ""),
        ("x" * LONG, "x" * 60),
        ("Zürich 2", "Zürich 2"),
    ],
)
def test_a_layout_takes_only_a_name_that_is_one(
    window: tuple[Frame, MainWindow], tmp_path: Path, entry: str, kept: str
) -> None:
    _, main = window
    before = main.workspace.names()
    main._on_save_as()
    dialog = main.findChild(QInputDialog)
    assert dialog is not None
    field, buttons = dialog.findChild(QLineEdit), dialog.findChild(QDialogButtonBox)
    assert field is not None
    assert buttons is not None
    save = buttons.button(QDialogButtonBox.StandardButton.Ok)
    QGuiApplication.clipboard().setText(entry)
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert field.text().strip() == kept
    assert save.isEnabled() == bool(kept)
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)
    if kept:
        assert main.workspace.name == kept
    else:
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert main.workspace.names() == before
        dialog.reject()


# -- keys of an account ---------------------------------------------------------------------------------

NO_KEYS = {
    "empty": "",
    "blanks": "   ",
    "a blank inside": "abc def",
    "a line break inside": "abc\ndef",
    "emoji": "\N{ROCKET}",
    "another script": "кей",
    "invisible": "abc\u200bdef",
    "without end": "x" * LONG,
}


@pytest.mark.parametrize("entry", NO_KEYS.values(), ids=NO_KEYS.keys())
@pytest.mark.parametrize("key", ["key", "secret", "otp"])
def test_what_cannot_be_a_key_is_said_and_not_tried(
    qtbot: QtBot, qapp: QApplication, key: str, entry: str
) -> None:
    async def main() -> None:
        frame = Frame()
        vm = ConnectViewModel(KRAKEN, frame.connecting, None)
        dialog = ConnectDialog(vm)
        qtbot.addWidget(dialog)
        dialog.show()
        await eventually(lambda: not tasks.running(), 5, "the look for kept keys")
        for name, field in dialog._fields.items():
            if name != "otp" or key == "otp":
                enter(field.edit, "A" * 56)
        enter(dialog._fields[key].edit, entry)
        QTest.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
        if key == "otp" and not entry.strip():
            await eventually(lambda: frame.connecting.asked, 5, "a test without the optional entry")
            assert frame.connecting.asked == [("test", "kraken", ("key", "secret"))]
        else:
            field = dialog._fields[key]
            assert not field.problem.isHidden()
            assert 8 < len(field.problem.text()) < 120
            assert field.edit.property("invalid") is True
            assert frame.connecting.asked == []
            assert entry not in field.problem.text() or not entry.strip()
        dialog.reject()
        frame.frames.stop()

    run(main())


@pytest.mark.parametrize("entry", ["", "   ", "short", "1234567"])
def test_a_passphrase_that_is_too_short_is_said_and_nothing_kept(
    qtbot: QtBot, qapp: QApplication, entry: str
) -> None:
    async def main() -> None:
        frame = Frame()
        frame.connecting.vault_locked = True
        vm = ConnectViewModel(KRAKEN, frame.connecting, None)
        dialog = ConnectDialog(vm)
        qtbot.addWidget(dialog)
        dialog.show()
        enter(dialog._fields["key"].edit, "A" * 56)
        enter(dialog._fields["secret"].edit, "B" * 88)
        QTest.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
        await eventually(lambda: vm.report is not None, 5, "a tested key")
        enter(dialog._fields[PASSPHRASE].edit, entry)
        QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
        assert "8 characters" in dialog._fields[PASSPHRASE].problem.text()
        assert [what for what, *_ in frame.connecting.asked] == ["test"]
        dialog.reject()
        frame.frames.stop()

    run(main())
