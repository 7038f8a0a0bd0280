"""The ticket's comment: there where the venue keeps one, sent with the order, gone with the instrument."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from terminal.services.arming import ArmState
from terminal.viewmodels.ticket import TicketViewModel
from terminal.viewmodels.ticket_form import COMMENT
from terminal.widgets.ticket import TicketPanel
from tests.helpers import eventually, run
from tests.trading_fakes import BTC, ETH, EVERYTHING, Desk, FakeSession


def panel(qtbot: QtBot, length: int) -> tuple[Desk, TicketViewModel, TicketPanel]:
    desk = Desk(FakeSession(capabilities=replace(EVERYTHING, comment_length=length)))
    desk.gate.abilities = replace(EVERYTHING, comment_length=length)
    desk.market.set_book([("64120.0", "2")], [("64120.2", "1")])
    vm = TicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
    )
    widget = TicketPanel(vm)
    qtbot.addWidget(widget)
    widget.resize(300, 700)
    widget.show()
    return desk, vm, widget


def test_a_comment_is_typed_and_sent(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm, widget = panel(qtbot, 12)
        assert widget._comment.isVisible()
        QTest.keyClicks(widget._comment, "breakout of the range")
        assert vm.form.comment == "breakout of ", "no longer than the venue keeps"
        desk.gate.arming.set(ArmState.ONE_CLICK)
        vm.submit()
        await eventually(lambda: desk.gate.sent)
        assert desk.gate.sent[0].comment == "breakout of"
        desk.selection.select(ETH)
        desk.selection.select(BTC)
        assert widget._comment.text() == ""

    run(main())


def test_a_venue_without_comments_has_no_field(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot, 0)
    assert COMMENT not in vm.fields
    assert not widget._rows[COMMENT].isVisible()
