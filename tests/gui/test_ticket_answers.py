"""What the ticket says after an order: in a place of its own, without moving anything, and no reproach."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QListWidget, QMainWindow, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from terminal.domain.account import Balance
from terminal.domain.errors import OrderRefused
from terminal.domain.market import Side
from terminal.domain.orders import OrderState, OrderType
from terminal.services.arming import ArmState
from terminal.services.market_data import FeedState
from terminal.viewmodels.sending import ResultKind
from terminal.viewmodels.ticket import TicketViewModel
from terminal.widgets import theme
from terminal.widgets.ticket import TicketPanel
from terminal.widgets.ticket_parts import BigButton, CostGrid
from tests.helpers import eventually, run
from tests.trading_fakes import Desk

D = Decimal
LONG = (
    "Insufficient funds: this needs 641.20 USD and 12.00 USD is free, because 9 988.00 USD are held by the "
    "orders that rest at the venue. Cancel one of them, or buy less."
)
DUPLICATE = OrderRefused(
    "duplicate", "The same order was sent 1.5 s ago, your limit is 10 s.", confirmable=True
)


class Window:
    """A ticket above another panel, as high as they stand on a screen of 1366 x 768."""

    def __init__(self, qtbot: QtBot) -> None:
        self.desk = desk = Desk()
        desk.market.set_book([("64120.0", "2")], [("64120.2", "1"), ("64130.0", "3")])
        self.vm = TicketViewModel(
            desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
        )
        self.ticket = TicketPanel(self.vm)
        self.below = QListWidget()
        self.window = QMainWindow()
        qtbot.addWidget(self.window)
        self.window.setStyleSheet(theme.style_sheet())
        self.window.resize(290, 650)
        for area, inner in (
            (Qt.DockWidgetArea.TopDockWidgetArea, self.ticket),
            (Qt.DockWidgetArea.BottomDockWidgetArea, self.below),
        ):
            dock = QDockWidget(self.window)
            dock.setWidget(inner)
            self.window.addDockWidget(area, dock)
        self.window.show()
        docks = self.window.findChildren(QDockWidget)
        self.window.resizeDocks(docks, [440, 160], Qt.Orientation.Vertical)
        QApplication.processEvents()

    def places(self) -> list[QRect]:
        """Where everything stands that must not move: the panels, their costs and buttons, the form's top."""
        for _ in range(3):  # Qt lays wrapped lines out in two rounds
            QApplication.processEvents()
        inner: list[QWidget] = [*self.ticket.findChildren(BigButton), *self.ticket.findChildren(CostGrid)]
        shown = [self.ticket, self.below, *inner, self.ticket._tabs[Side.BUY], self.ticket._size]
        return [QRect(each.mapTo(self.window, QPoint(0, 0)), each.size()) for each in shown]


def by_hand(qtbot: QtBot, body: Callable[[Window], Awaitable[None]]) -> None:
    async def main() -> None:
        await body(Window(qtbot))

    run(main())


@pytest.mark.parametrize(
    ("answer", "reason", "kind"),
    [
        (OrderState.OPEN, "", ResultKind.ACCEPTED),
        (OrderState.FILLED, "", ResultKind.ACCEPTED),
        (OrderState.REJECTED, LONG, ResultKind.REFUSED),
        (OrderState.IN_DOUBT, "", ResultKind.DOUBT),
    ],
)
def test_nothing_moves_when_an_answer_comes_and_goes(
    qtbot: QtBot, answer: OrderState, reason: str, kind: ResultKind
) -> None:
    async def body(at: Window) -> None:
        before = at.places()
        at.desk.gate.answer, at.desk.gate.reason = answer, reason
        at.vm.submit(Side.BUY)
        at.vm.confirm()
        await eventually(lambda: at.vm.sending.result is not None and at.vm.sending.result.kind is kind)
        assert at.places() == before
        assert at.ticket._result.isVisible()
        if kind is ResultKind.DOUBT:
            check = next(b for b in at.ticket.findChildren(QPushButton) if b.text() == "Check now")
            assert not check.visibleRegion().isEmpty()
        at.vm.set_text("quantity", "0.02")
        assert at.places() == before

    by_hand(qtbot, body)


def test_the_whole_answer_can_be_read(qtbot: QtBot) -> None:
    async def body(at: Window) -> None:
        at.desk.gate.answer, at.desk.gate.reason = OrderState.REJECTED, LONG
        at.vm.submit(Side.BUY)
        at.vm.confirm()
        await eventually(lambda: at.vm.sending.result is not None and at.vm.sending.result.order_id)
        at.places()
        text = at.ticket._result._text
        assert text.height() >= text.heightForWidth(text.width())
        assert at.ticket._result.mapTo(at.ticket, QPoint(0, 0)).y() >= 0

    by_hand(qtbot, body)


def test_a_question_moves_no_other_panel_and_is_all_there(qtbot: QtBot) -> None:
    async def body(at: Window) -> None:
        at.desk.gate.warnings = (DUPLICATE, OrderRefused("price_band", LONG, confirmable=True))
        at.desk.pass_time(0.2)
        before = at.places()[:2]
        at.vm.submit(Side.BUY)
        assert at.places()[:2] == before
        assert at.ticket._card.height() >= at.ticket._card.heightForWidth(at.ticket._card.width())
        below = at.ticket._card.mapTo(at.ticket, at.ticket._card.rect().bottomLeft()).y()
        assert below < at.ticket.height()

    by_hand(qtbot, body)


def test_after_an_order_the_form_does_not_warn_of_the_same_one_before_it_is_touched(qtbot: QtBot) -> None:
    async def body(at: Window) -> None:
        vm, desk = at.vm, at.desk
        desk.gate.arming.set(ArmState.ONE_CLICK)
        vm.submit(Side.BUY)
        await eventually(lambda: vm.sending.result is not None and vm.sending.result.order_id)
        desk.gate.warnings = (DUPLICATE,)
        desk.pass_time(0.2)
        assert not vm.warnings
        assert vm.sending.result is not None
        assert vm.sending.result.kind is ResultKind.ACCEPTED
        # The next press asks: nobody sends the same order twice unawares.
        vm.submit(Side.BUY)
        assert vm.sending.pending is not None
        assert vm.sending.pending.confirmation.warnings == (DUPLICATE.user_text,)
        assert len(desk.gate.sent) == 1
        vm.discard()
        vm.set_text("quantity", "0.02")
        vm.set_text("quantity", "0.01")
        assert vm.warnings == (DUPLICATE.user_text,)
        await asyncio.sleep(0)

    by_hand(qtbot, body)


def test_other_warnings_stay_after_an_order(qtbot: QtBot) -> None:
    async def body(at: Window) -> None:
        band = OrderRefused("price_band", "Price 3.4 % above ask, your limit is 3 %.", confirmable=True)
        at.desk.gate.arming.set(ArmState.ONE_CLICK)
        at.vm.submit(Side.BUY)
        await eventually(lambda: at.vm.sending.result is not None and at.vm.sending.result.order_id)
        at.desk.gate.warnings = (DUPLICATE, band)
        at.desk.pass_time(0.2)
        assert at.vm.warnings == (band.user_text,)

    by_hand(qtbot, body)


# -- the slider -------------------------------------------------------------------------------------------


def slider(at: Window) -> tuple[str, bool, str]:
    return (
        at.ticket._sizes.percent.text(),
        at.ticket._sizes.slider.isEnabled(),
        at.ticket._sizes.slider.toolTip(),
    )


def test_the_slider_says_why_it_knows_no_share_while_the_trigger_is_missing(qtbot: QtBot) -> None:
    at = Window(qtbot)
    assert slider(at) == ("6 %", True, "Share of what is free")
    at.vm.set_order_type(OrderType.STOP)
    text, is_on, why = slider(at)
    assert (text, is_on) == ("–", False)
    assert "trigger" in why.lower()
    at.vm.set_text("trigger_price", "64500")
    assert slider(at)[:2] == ("6 %", True)


def test_the_slider_says_why_it_knows_no_share_while_the_book_is_stale(qtbot: QtBot) -> None:
    at = Window(qtbot)
    at.vm.set_order_type(OrderType.MARKET)
    assert slider(at)[1]
    at.desk.market.set_state(FeedState.STALE)
    at.desk.pass_time(0.2)
    assert slider(at) == ("–", False, "The book is stale.")


def test_more_than_all_of_what_is_free_is_not_shown_as_all_of_it(qtbot: QtBot) -> None:
    at = Window(qtbot)
    at.vm.set_text("quantity", "7")
    assert slider(at)[0] == ">100 %"
    at.vm.set_text("quantity", "0.0001")
    assert slider(at)[0] == "<1 %", "little is not nothing"
    at.vm.set_text("quantity", "abc")
    assert slider(at)[:2] == ("–", False)
    at.vm.set_text("quantity", "")
    assert slider(at)[:2] == ("0 %", True), "an empty size may be chosen with it"


@pytest.mark.parametrize(("free", "why"), [(None, "The balance is not known yet."), ("0", "No USD is free.")])
def test_the_slider_needs_a_balance(qtbot: QtBot, free: str | None, why: str) -> None:
    at = Window(qtbot)
    at.desk.accounts.known = free is not None
    at.desk.accounts.held = {"USD": Balance("USD", D(10), D(10))}
    at.desk.accounts.changed.notify("kraken:practice")
    at.desk.pass_time(0.2)
    assert slider(at) == ("–", False, why)
