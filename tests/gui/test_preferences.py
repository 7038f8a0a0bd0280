"""What single settings do to the panels: hidden amounts, size buttons, the ladder's pace, a filter."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from terminal.core.clock import ManualClock
from terminal.domain.instrument import InstrumentId
from terminal.services.notices import Level, Notice
from terminal.viewmodels import format as fmt
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.tape import TapeViewModel
from terminal.viewmodels.ticket import TicketViewModel
from terminal.viewmodels.ticket_form import default_size
from terminal.widgets import theme
from terminal.widgets.book_view import LadderView
from terminal.widgets.tape import TapePanel
from terminal.widgets.ticket import TicketPanel
from tests.gui.frame_fakes import Frame
from tests.gui.test_ladder import make as make_ladder
from tests.gui.test_ladder import moved_book
from tests.trading_fakes import Desk, btc, eth

D = Decimal


def test_hidden_amounts_leave_no_figure_in_tables_bars_and_lists(qtbot: QtBot) -> None:
    frame = Frame()
    account = frame.account
    assert account.equity is not None

    def cells() -> str:
        model = account.balances
        return " ".join(
            str(model.index(row, column).data())
            for row in range(model.rowCount())
            for column in range(model.columnCount())
        )

    def shown() -> str:
        texts = (account.equity_text, account.day_pnl_text, frame.status.balance, cells())
        return " | ".join((*texts, *(name for name, _ in frame.desk.plan().skips))).replace(fmt.THIN, "")

    assert "8716.28" in shown()
    account.set_hide_amounts(True)
    assert fmt.HIDDEN in account.equity_text
    assert not any(figure in shown() for figure in ("8716", "3206", "5510", "0.02 ", "0.02000000"))
    assert "BTC" in shown()
    assert account.day_pnl_tone == ""
    account.set_hide_amounts(False)
    assert "8716.28" in shown()
    frame.frames.stop()


def test_the_ticket_hides_what_is_free(qtbot: QtBot) -> None:
    _, vm = make_ticket()
    assert fmt.HIDDEN not in "".join(vm.free_texts)
    vm.set_text("quantity", "0.05")
    assert vm.percent
    vm.set_hide_amounts(True)
    shares = [vm.percent]
    assert shares == [None], "the share of what is free would tell it"
    assert vm.free_texts == (f"{fmt.HIDDEN} USD", f"{fmt.HIDDEN} BTC")


def make_ticket(small: str = "0.01") -> tuple[Desk, TicketViewModel]:
    desk = Desk()
    desk.market.set_book([("64120.0", "2")], [("64120.2", "1")])
    vm = TicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock,
        small_size=lambda venue: D(small),
    )  # fmt: skip
    return desk, vm


def test_the_size_field_starts_as_chosen_and_never_below_what_the_venue_takes(qtbot: QtBot) -> None:
    assert make_ticket("0.25")[1].form.size == "0.25"
    assert make_ticket("0")[1].form.size != "0"
    # Ten dollars' worth is no reason to overrule a person's own size; the venue's minimum is.
    assert default_size(btc(), D("64120"), D("0.00006")) == "0.00006"
    assert D(default_size(btc(), D("64120"), D("0.00001"))) >= btc().min_quantity


def test_the_first_size_reckons_a_price_in_coins_by_what_the_coin_is_worth(qtbot: QtBot) -> None:
    pair = InstrumentId("kraken", "ETH/BTC")
    for known, first in (({}, "0.002"), ({"BTC": D(110_000)}, "0.01"), ({"ETH": D(3795)}, "0.01")):
        desk = Desk()
        desk.market.instruments[pair] = replace(
            eth(), id=pair, quote="BTC", tick_size=D("0.00001"), min_notional=D("0.00002"), price_decimals=5
        )
        desk.market.set_book([("0.03450", "20")], [("0.03451", "20")], pair)
        desk.accounts.rates = {(asset, "USD"): rate for asset, rate in known.items()}
        desk.selection.instrument = pair
        vm = TicketViewModel(
            desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
        )
        assert vm.form.size == first, known
        vm.close()


def test_other_size_buttons_take_the_place_of_the_old_ones(qtbot: QtBot, qapp: QApplication) -> None:
    _, vm = make_ticket()
    panel = TicketPanel(vm)
    qtbot.addWidget(panel)
    panel.show()
    vm.set_presets("7\n8; 9")

    def shown() -> list[str]:
        chips = [each for each in panel.findChildren(QAbstractButton) if each.isVisible()]
        return [each.text() for each in chips if each.toolTip().startswith("Size: ")]

    qtbot.waitUntil(lambda: shown() == ["7", "8", "9"])
    vm.close()


def test_the_ladder_is_built_as_often_as_chosen(qtbot: QtBot) -> None:
    desk, vm = make_ladder()
    vm.refresh_ms = 1000
    built: list[None] = []
    vm.changed.connect(lambda: built.append(None))
    desk.market.set_book(*moved_book(0.0))
    desk.pass_time(1.1)
    built.clear()
    for step in range(1, 6):
        desk.market.set_book(*moved_book(step / 10))
        desk.pass_time(0.1)
    assert not built
    desk.pass_time(0.6)
    assert len(built) == 1


def test_a_ladder_that_does_not_recentre_stays_until_asked(qtbot: QtBot) -> None:
    desk, vm = make_ladder()
    vm.recentres = False
    before = [row.key for row in vm.rows]
    desk.market.set_book(*moved_book(5.0))
    desk.pass_time(2.0)
    assert [row.key for row in vm.rows] == before
    vm.centre()
    assert vm.is_centred
    assert [row.key for row in vm.rows] != before


def test_the_tapes_filter_from_the_settings_stands_in_its_field(qtbot: QtBot) -> None:
    desk = Desk()
    vm = TapeViewModel(desk.market, desk.selection, desk.frames, desk.clock)
    panel = TapePanel(vm)
    qtbot.addWidget(panel)
    vm.set_filter("p50")
    assert (panel._filter.text(), vm.least_percentile) == ("p50", 50)
    panel._filter.setText("rubbish")
    panel._filter.editingFinished.emit()
    assert (panel._filter.text(), vm.least_percentile) == ("rubbish", 50), "a mistake stays to be mended"
    vm.set_filter("")
    assert (panel._filter.text(), vm.least) == ("", None)


@pytest.mark.parametrize("mono", [True, False])
def test_the_ladders_face_and_rows_follow_the_settings(qtbot: QtBot, mono: bool) -> None:
    _, vm = make_ladder()
    view = LadderView(vm)
    qtbot.addWidget(view)
    view.set_density(theme.COMPACT, mono=mono)
    assert view._row_px == theme.COMPACT.ladder_row
    family = (theme.MONO_FAMILIES if mono else theme.UI_FAMILIES)[0]
    assert view._numbers.font.families()[0] == family


def test_equal_notices_come_again_as_often_as_chosen() -> None:
    clock = ManualClock()
    vm = NoticesViewModel(clock)
    vm.info_repeat_s = 2
    shown: list[object] = []
    vm.shown.connect(shown.append)
    for wait_s in (0, 1, 1.5):
        clock.advance(wait_s)
        vm.post(Notice(Level.INFO, "same"))
    assert len(shown) == 2
