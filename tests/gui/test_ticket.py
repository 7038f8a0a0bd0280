"""The ticket: from what is typed to what is sent, and what is told afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QLabel, QListWidget, QMainWindow, QPushButton
from pytestqt.qtbot import QtBot

from terminal.domain.account import AccountInfo, Balance
from terminal.domain.errors import NotSent, OrderRefused, StorageError
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderState, OrderType, TimeInForce
from terminal.services.arming import ArmState
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import Mode, SessionState
from terminal.venues.base import ProtectionKind
from terminal.viewmodels.sending import RequestView, ResultKind
from terminal.viewmodels.size_entry import Preset, SizeUnit
from terminal.viewmodels.ticket import TicketViewModel
from terminal.viewmodels.ticket_button import SendButton
from terminal.viewmodels.ticket_form import STOP_LOSS, TAKE_PROFIT
from terminal.widgets.request_card import RequestCard
from terminal.widgets.ticket import TicketPanel
from terminal.widgets.ticket_parts import BigButton
from tests.helpers import eventually, run
from tests.trading_fakes import BTC, ETH, EVERYTHING, Desk, FakeSession, btc

D = Decimal


def make(desk: Desk | None = None) -> tuple[Desk, TicketViewModel]:
    desk = desk or Desk()
    desk.market.set_book([("64120.0", "2")], [("64120.2", "1"), ("64130.0", "3")])
    vm = TicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
    )
    return desk, vm


def sent(desk: Desk) -> Callable[[], bool]:
    return lambda: bool(desk.gate.sent)


# -- the form ---------------------------------------------------------------------------------------------


def test_it_opens_with_a_small_limit_order_and_real_figures(qtbot: QtBot) -> None:
    _, vm = make()
    assert (vm.form.size, vm.form.limit_price) == ("0.01", "64120.0")
    assert vm.problems == {}
    assert vm.lines[0].value != "–"
    assert vm.buttons[Side.BUY].title == "Buy 0.01 BTC"
    assert "64 120.0" in vm.buttons[Side.BUY].detail.replace("\u202f", " ")
    assert "USD" in vm.buttons[Side.BUY].detail


def test_a_price_finer_than_those_seen_stands_on_the_button_as_it_will_be_sent(qtbot: QtBot) -> None:
    desk = Desk()
    desk.market.instruments[BTC] = replace(btc(), is_tick_told=False)
    _, vm = make(desk)
    vm.set_text("limit_price", "64120.125")
    assert "64120.125" in vm.buttons[Side.BUY].detail.replace("\u202f", "")


def test_a_chosen_instrument_of_a_venue_that_is_down_is_not_asked_for_again(qtbot: QtBot) -> None:
    desk = Desk()
    session = desk.sessions.sessions["kraken"]
    session.state, session.reason = SessionState.FAILED, "Sign in to Kraken again."
    del desk.market.instruments[BTC]
    _, vm = make(desk)
    assert vm.empty_text == "Kraken is not connected. Sign in to Kraken again."
    desk.selection.select(None)
    assert vm.empty_text == "Choose an instrument in the watchlist."


def test_a_price_of_one_instrument_never_stands_in_the_ticket_of_another(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_text("limit_price", "64000")
    desk.selection.select(ETH)
    assert vm.form.limit_price == ""
    desk.selection.select(BTC)
    assert vm.form.limit_price == "64120.0"


def test_a_size_from_another_venue_is_never_made_larger(qtbot: QtBot) -> None:
    desk, vm = make()
    whole = desk.market.instruments[BTC]
    cents = replace(whole, quantity_step=D("0.01"), min_quantity=D("0.01"))
    for instrument, carried, text, unit in (
        (whole, "0.07", "0.07", SizeUnit.BASE),
        (cents, "0.0799", "0.07", SizeUnit.BASE),
        (cents, "0.007", "0.007", SizeUnit.BASE),
        (replace(cents, lot_size=D("0.1")), "0.0799", "0.7", SizeUnit.LOTS),
    ):
        desk.market.instruments[BTC] = instrument
        desk.market.changed.notify(BTC, Topic.INSTRUMENT)
        vm.carry_size(D(carried))
        assert (vm.form.size, vm.form.unit) == (text, unit)
        too_small = D(carried) < instrument.min_quantity
        assert ("quantity" in vm.problems) is too_small, "what is less than the least is refused, not raised"


def test_a_size_from_another_venue_waits_for_the_full_record(qtbot: QtBot) -> None:
    desk, vm = make()
    whole = desk.market.instruments[BTC]
    desk.market.instruments[BTC] = replace(whole, is_detailed=False)
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    vm.carry_size(D("0.07"))
    assert vm.form.size == ""
    desk.market.instruments[BTC] = replace(whole, lot_size=D("0.1"), min_quantity=D("0.01"))
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    desk.pass_time(1)
    assert (vm.form.size, vm.form.unit) == ("0.7", SizeUnit.LOTS)
    vm.set_text("quantity", "")
    desk.pass_time(1)
    assert vm.form.size == "", "an emptied field stays empty"


def test_the_size_of_an_instrument_is_remembered(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_text("quantity", "0.07")
    desk.selection.select(ETH)
    desk.selection.select(BTC)
    assert vm.form.size == "0.07"


@pytest.mark.parametrize("typed", [False, True], ids=["untouched", "a size was typed"])
def test_a_record_that_comes_later_brings_its_lots_and_the_first_size(qtbot: QtBot, typed: bool) -> None:
    """A venue of thousands of symbols tells lots and limits when a symbol is first used."""
    desk = Desk()
    whole = replace(desk.market.instruments[BTC], lot_size=D(10), quantity_step=D(1), min_quantity=D(1))
    desk.market.instruments[BTC] = replace(whole, lot_size=None, is_detailed=False)
    _, vm = make(desk)
    assert (vm.form.size, vm.form.unit, vm.problems) == ("", SizeUnit.BASE, {})
    if typed:
        vm.set_text("quantity", "3")
    desk.market.instruments[BTC] = whole
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    desk.pass_time(1)
    expected = ("3", SizeUnit.BASE) if typed else ("0.1", SizeUnit.LOTS)
    assert (vm.form.size, vm.form.unit, vm.problems) == (*expected, {})


def test_only_the_order_types_of_the_venue_are_offered(qtbot: QtBot) -> None:
    desk = Desk()
    only = replace(EVERYTHING, order_types=frozenset({OrderType.MARKET, OrderType.STOP}))
    desk.sessions.sessions["kraken"] = FakeSession(capabilities=only)
    _, vm = make(desk)
    assert vm.order_types == (OrderType.MARKET, OrderType.STOP)
    assert vm.form.order_type is OrderType.MARKET


def test_typing_a_share_moves_the_slider_and_the_slider_types_a_share(qtbot: QtBot) -> None:
    _, vm = make()
    vm.set_text("quantity", "25%")
    assert vm.percent == 25
    vm.set_percent(40)
    assert (vm.form.size, vm.form.unit) == ("40", SizeUnit.PERCENT)


def test_switching_the_unit_keeps_the_size(qtbot: QtBot) -> None:
    _, vm = make()
    vm.set_text("quantity", "0.05")
    vm.set_unit(SizeUnit.QUOTE)
    assert vm.form.size == "3206"
    vm.set_unit(SizeUnit.BASE)
    assert vm.form.size == "0.05"


def test_a_preset_that_cannot_work_is_told_beside_the_size(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.market.set_state(FeedState.STALE)
    vm.press_preset(Preset("ask"))
    assert vm.problems["quantity"] == "There is no ask now."


def test_arrows_move_the_price_by_ticks(qtbot: QtBot) -> None:
    _, vm = make()
    vm.step_price("limit_price", 1)
    assert vm.form.limit_price == "64120.1"
    vm.step_price("limit_price", -10)
    assert vm.form.limit_price == "64119.1"


def test_the_gate_s_refusals_stand_beside_their_fields(qtbot: QtBot) -> None:
    _, vm = make()
    vm.set_text("quantity", "0.00001")
    assert "minimum" in vm.problems["quantity"]


def test_the_slippage_line_says_when_the_book_is_too_thin(qtbot: QtBot) -> None:
    _, vm = make()
    vm.set_order_type(OrderType.MARKET)
    vm.set_text("quantity", "8")
    assert "Book too thin for this size: 50 % covered" in vm.warnings


# -- sending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["abc", "-0.01", "0", "", "9" * 30, "0.123456789", "1,234", "€5", "1e-2", "NaN", "0.01; DROP", "1.2.3"],
)
def test_a_bad_size_is_told_beside_the_field_and_nothing_is_sent(qtbot: QtBot, text: str) -> None:
    desk, vm = make()
    desk.gate.arming.set(ArmState.ONE_CLICK)
    vm.set_text("quantity", text)
    vm.submit(Side.BUY)
    assert vm.problems["quantity"]
    assert vm.sending.result is not None
    assert vm.sending.result.text.startswith("Not sent")
    assert vm.sending.pending is None
    assert desk.gate.sent == []


@pytest.mark.parametrize("text", ["abc", "-1", "0", "", "64,120", "€64120", "64120.05", "1e5", "9" * 30])
@pytest.mark.parametrize("side", list(Side))
def test_a_bad_price_is_told_beside_the_field_and_nothing_is_sent(
    qtbot: QtBot, text: str, side: Side
) -> None:
    desk, vm = make()
    desk.gate.arming.set(ArmState.ONE_CLICK)
    vm.set_text("limit_price", text)
    vm.submit(side)
    assert vm.problems["limit_price"]
    assert desk.gate.sent == []


def test_confirm_shows_the_exact_request_and_sends_it_after_the_yes(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        shown: list[RequestView] = []
        vm.confirmation_needed.connect(shown.append)
        vm.submit(Side.BUY)
        assert desk.gate.sent == []
        rows = dict(shown[0].confirmation.rows)
        assert shown[0].confirmation.badge == "PRACTICE"
        assert rows["Venue"] == "Kraken"
        assert rows["Quantity"] == "0.01 BTC"
        assert rows["Limit price"].replace("\u202f", " ") == "64 120.0 USD"
        assert "Total, estimated" in rows
        assert "Fee, estimated" in rows
        vm.confirm()
        await eventually(sent(desk))
        assert desk.gate.confirmed == [frozenset({"arm"})]
        assert vm.sending.result is not None
        assert vm.sending.result.kind is ResultKind.ACCEPTED
        vm.confirm()
        await asyncio.sleep(0)
        assert len(desk.gate.sent) == 1

    run(main())


def test_of_several_accounts_the_question_names_the_one_that_pays(qtbot: QtBot) -> None:
    session = FakeSession()
    session.infos[session.account] = AccountInfo(account_id="91", title="The House 5120034", is_live=False)
    _, vm = make(Desk(session))
    assert vm.place is not None
    assert vm.place.note == "Kraken demo account 5120034, practice: no money moves"
    vm.submit(Side.BUY)
    assert vm.sending.pending is not None
    assert ("Venue", "Kraken, The House 5120034") in vm.sending.pending.confirmation.rows


def test_a_no_sends_nothing(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.submit(Side.BUY)
    vm.discard()
    vm.confirm()
    assert vm.sending.pending is None
    assert desk.gate.sent == []


def test_a_total_that_got_worse_while_it_was_shown_is_shown_again(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        vm.set_order_type(OrderType.MARKET)
        vm.submit(Side.BUY)
        desk.market.set_book([("64190.0", "2")], [("64200.0", "1")])
        vm.confirm()
        view = vm.sending.pending
        assert view is not None
        assert "moved from" in view.news
        assert desk.gate.sent == []
        vm.confirm()
        await eventually(sent(desk))

    run(main())


def test_a_total_that_got_better_is_sent(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        vm.set_order_type(OrderType.MARKET)
        vm.submit(Side.BUY)
        desk.market.set_book([("64000.0", "2")], [("64000.1", "1")])
        vm.confirm()
        await eventually(sent(desk))

    run(main())


def test_a_share_that_means_another_quantity_now_is_shown_again(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_text("quantity", "50%")
    vm.submit(Side.SELL)
    desk.accounts.held["BTC"] = Balance("BTC", D("0.1"))
    vm.confirm()
    assert vm.sending.pending is not None
    assert "quantity changed from 0.125 to 0.05" in vm.sending.pending.news
    assert desk.gate.sent == []


def house() -> tuple[Desk, TicketViewModel]:
    """A market order at a venue that keeps stops, which it takes as distances."""
    can = replace(EVERYTHING, positions=True, protections=frozenset(ProtectionKind))
    desk, vm = make(Desk(FakeSession(capabilities=can)))
    desk.gate.abilities = can
    vm.set_order_type(OrderType.MARKET)
    return desk, vm


def test_a_stop_typed_as_a_price_is_sent_for_that_price_though_the_market_ticks(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = house()
        vm.set_text(STOP_LOSS, "64020")
        vm.submit(Side.BUY)
        desk.market.set_book([("64110.0", "2")], [("64110.2", "1")])
        vm.confirm()
        await eventually(sent(desk))
        request = desk.gate.sent[0]
        assert request.protection is not None
        assert request.protection.stop_distance == D("90.2")

    run(main())


def test_the_question_says_the_price_that_was_typed_beside_the_distance(qtbot: QtBot) -> None:
    _, vm = house()
    vm.set_text(STOP_LOSS, "64020")
    vm.set_text(TAKE_PROFIT, "1000 ticks")
    vm.submit(Side.BUY)
    assert vm.sending.pending is not None
    rows = {name: text.replace("\u202f", " ") for name, text in vm.sending.pending.confirmation.rows}
    assert rows["Stop loss"] == "64 020.0 now, 1 002 ticks from the fill"
    assert rows["Take profit"] == "1 000 ticks from the fill"


def test_a_stop_that_has_come_much_nearer_is_shown_again(qtbot: QtBot) -> None:
    desk, vm = house()
    vm.set_text(STOP_LOSS, "64020")
    vm.submit(Side.BUY)
    desk.market.set_book([("64070.0", "2")], [("64070.2", "1")])
    vm.confirm()
    assert vm.sending.pending is not None
    assert "look again" in vm.sending.pending.news
    assert desk.gate.sent == []


def test_a_size_that_moved_by_next_to_nothing_is_sent_as_it_was_shown(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        vm.set_text("quantity", "50%")
        vm.submit(Side.SELL)
        assert vm.sending.pending is not None
        assert vm.sending.pending.request is not None
        shown = vm.sending.pending.request.quantity
        desk.accounts.held["BTC"] = Balance("BTC", desk.accounts.held["BTC"].total * D("0.99"))
        vm.confirm()
        await eventually(sent(desk))
        assert desk.gate.sent[0].quantity == shown

    run(main())


def test_only_what_may_be_immediate_here_is_offered_so(qtbot: QtBot) -> None:
    can = replace(EVERYTHING, immediate_types=frozenset({OrderType.LIMIT}))
    _, vm = make(Desk(FakeSession(capabilities=can)))
    vm.set_life(TimeInForce.IOC)
    vm.set_order_type(OrderType.STOP_LIMIT)
    assert TimeInForce.IOC not in vm.lives
    assert vm.form.time_in_force is TimeInForce.GTC
    vm.set_order_type(OrderType.LIMIT)
    assert TimeInForce.IOC in vm.lives


def test_an_edit_takes_the_question_back(qtbot: QtBot) -> None:
    _, vm = make()
    vm.submit(Side.BUY)
    vm.set_text("quantity", "0.02")
    assert vm.sending.pending is None


def test_the_other_side_s_share_is_asked_even_with_one_click(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.gate.arming.set(ArmState.ONE_CLICK)
    vm.set_text("quantity", "25%")
    vm.submit(Side.SELL)
    assert vm.sending.pending is not None
    assert desk.gate.sent == []


def test_one_click_sends_at_once(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        desk.gate.arming.set(ArmState.ONE_CLICK)
        vm.submit(Side.SELL)
        await eventually(sent(desk))
        assert desk.gate.sent[0].side is Side.SELL

    run(main())


def test_a_warning_is_asked_even_with_one_click_and_its_token_goes_along(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        desk.gate.arming.set(ArmState.ONE_CLICK)
        warning = OrderRefused("price_band", "price 3.4 % above ask", confirmable=True, figure=D("3.4"))
        desk.gate.warnings = (warning,)
        vm.submit(Side.BUY)
        assert vm.sending.pending is not None
        assert vm.sending.pending.confirmation.warnings == ("Price 3.4 % above ask.",)
        vm.confirm()
        await eventually(sent(desk))
        assert warning.token in desk.gate.confirmed[0]

    run(main())


def test_a_warning_that_is_new_at_the_yes_is_shown_first(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        vm.submit(Side.BUY)
        desk.gate.warnings = (OrderRefused("duplicate", "the same order 2 s ago", confirmable=True),)
        vm.confirm()
        await eventually(lambda: vm.sending.pending is not None)
        assert desk.gate.sent == []

    run(main())


def test_view_sends_nothing_and_says_so(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.submit(Side.BUY)
    desk.gate.arming.set(ArmState.VIEW)
    assert vm.sending.pending is None
    assert not vm.buttons[Side.BUY].enabled
    vm.submit(Side.BUY)
    assert vm.sending.result is not None
    assert "View" in vm.sending.result.text
    assert desk.gate.sent == []


def test_without_an_account_the_buttons_say_why(qtbot: QtBot) -> None:
    desk = Desk(FakeSession(Mode.PUBLIC))
    _, vm = make(desk)
    assert "connect" in vm.buttons[Side.BUY].reason
    vm.submit(Side.BUY)
    assert desk.gate.sent == []


@pytest.mark.parametrize(
    ("state", "reason", "kind", "words"),
    [
        (OrderState.OPEN, "", ResultKind.ACCEPTED, "Accepted: buy 0.01 BTC limit"),
        (OrderState.FILLED, "", ResultKind.ACCEPTED, "Filled: buy 0.01 BTC"),
        (OrderState.REJECTED, "Insufficient funds", ResultKind.REFUSED, "Rejected: Insufficient funds"),
        (OrderState.IN_DOUBT, "", ResultKind.DOUBT, "checking whether it arrived"),
    ],
)
def test_the_result_is_told_in_plain_words(
    qtbot: QtBot, state: OrderState, reason: str, kind: ResultKind, words: str
) -> None:
    async def main() -> None:
        desk, vm = make()
        desk.gate.arming.set(ArmState.ONE_CLICK)
        desk.gate.answer, desk.gate.reason = state, reason
        vm.submit(Side.BUY)
        await eventually(lambda: vm.sending.result is not None and words in vm.sending.result.text)
        assert vm.sending.result is not None
        assert vm.sending.result.kind is kind

    run(main())


@pytest.mark.parametrize("error", [NotSent("kraken", "down"), StorageError("full")])
def test_what_was_not_sent_is_told(qtbot: QtBot, error: NotSent | StorageError) -> None:
    async def main() -> None:
        desk, vm = make()
        desk.gate.arming.set(ArmState.ONE_CLICK)
        desk.gate.answer = error
        vm.submit(Side.BUY)
        await eventually(
            lambda: vm.sending.result is not None and vm.sending.result.kind is ResultKind.REFUSED
        )
        assert vm.sending.result is not None
        assert vm.sending.result.text == error.user_text

    run(main())


def test_a_lost_answer_does_not_hide_what_the_account_s_stream_has_told(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        desk.gate.arming.set(ArmState.ONE_CLICK)
        arrived, answer = asyncio.Event(), asyncio.Event()
        submit = desk.gate.submit

        async def slow(*args: Any, **options: Any) -> Order:
            order = await submit(*args, **options)
            arrived.set()
            await answer.wait()
            return order

        desk.gate.submit = slow  # type: ignore[method-assign]
        vm.submit(Side.BUY)
        await asyncio.wait_for(arrived.wait(), 5)
        assert vm.sending.result is not None
        assert vm.sending.result.kind is ResultKind.ACCEPTED
        desk.gate.settle(desk.gate.orders["c1"], OrderState.FILLED)
        assert vm.sending.result.text.startswith("Filled")
        answer.set()
        await eventually(lambda: vm.sending._awaited is None)

    run(main())


def test_a_doubt_follows_the_order_until_it_is_settled(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        desk.gate.arming.set(ArmState.ONE_CLICK)
        desk.gate.answer = OrderState.IN_DOUBT
        vm.submit(Side.BUY)
        await eventually(lambda: vm.sending.result is not None and vm.sending.result.order_id == "c1")
        vm.sending.check_now()
        await eventually(lambda: desk.gate.asked == ["c1"])
        desk.gate.settle(desk.gate.orders["c1"], OrderState.OPEN)
        assert vm.sending.result is not None
        assert vm.sending.result.kind is ResultKind.ACCEPTED

    run(main())


# -- from other panels, and with the market ---------------------------------------------------------------


def test_a_click_elsewhere_fills_the_form_and_sends_nothing(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.fill(Side.SELL, OrderType.STOP, D("64000"))
    assert (vm.form.side, vm.form.order_type, vm.form.trigger_price) == (
        Side.SELL,
        OrderType.STOP,
        "64000.0",
    )
    assert desk.gate.sent == []


def test_figures_follow_the_book_at_most_ten_times_a_second(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_order_type(OrderType.MARKET)
    shown: list[str] = []
    vm.changed.connect(lambda: shown.append(vm.lines[0].value))
    for ask in range(64200, 64250):
        desk.market.set_book([("64100", "1")], [(str(ask), "1")])
        desk.pass_time(0.01)
    assert len(shown) <= 6
    desk.pass_time(0.2)
    assert shown[-1].replace("\u202f", " ") == "64 249.0"


def test_a_hidden_ticket_builds_nothing(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_visible(False)
    shown: list[int] = []
    vm.changed.connect(lambda: shown.append(1))
    desk.market.set_book([("64100", "1")], [("64200", "1")])
    desk.pass_time(1)
    assert shown == []


def test_a_hidden_ticket_still_gives_the_ladder_a_size(qtbot: QtBot) -> None:
    desk = Desk()
    vm = TicketViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, desk.frames, desk.clock
    )
    vm.set_visible(False)
    desk.market.set_book([("64120.0", "2")], [("64120.2", "1")])
    desk.pass_time(0.2)
    assert vm.size_text() == "0.01 BTC"
    assert vm.quantity_for(Side.BUY, D("64000")) == D("0.01")


def test_closing_lets_go_of_the_feed(qtbot: QtBot) -> None:
    desk, vm = make()
    assert desk.market.watched
    vm.close()
    assert desk.market.watched == []
    assert len(desk.market.changed) == 0


# -- the widget -------------------------------------------------------------------------------------------


def panel(qtbot: QtBot) -> tuple[Desk, TicketViewModel, TicketPanel]:
    desk, vm = make()
    widget = TicketPanel(vm)
    qtbot.addWidget(widget)
    widget.resize(300, 480)
    widget.show()
    return desk, vm, widget


def test_the_unit_of_the_size_is_that_of_the_instrument(qtbot: QtBot) -> None:
    desk, _, shown = panel(qtbot)
    assert shown._unit.currentText() == "BTC"
    desk.selection.select(ETH)
    assert shown._unit.currentText() == "ETH"
    desk.selection.select(BTC)
    assert shown._unit.currentText() == "BTC"


def test_ctrl_enter_sends_the_chosen_side(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot)
    vm.set_side(Side.SELL)
    widget._size.setFocus()
    widget.activateWindow()
    qtbot.waitUntil(lambda: widget.isActiveWindow())
    QTest.keyClick(widget._size, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert vm.sending.pending is not None
    assert vm.sending.pending.request is not None
    assert vm.sending.pending.request.side is Side.SELL


def test_a_stop_that_is_typed_moves_no_field_under_the_pointer(qtbot: QtBot) -> None:
    house = replace(EVERYTHING, positions=True, protections=frozenset(ProtectionKind))
    _, vm = make(Desk(FakeSession(capabilities=house)))
    widget = TicketPanel(vm)
    qtbot.addWidget(widget)
    widget.resize(300, 900)
    rows = [widget._rows[name] for name in (STOP_LOSS, TAKE_PROFIT)]
    widget.show()
    before = [row.geometry() for row in rows]
    rows[0].show_message("", "−39.4 pips  −3.94 USD  at 1.23800")
    QApplication.processEvents()
    assert all(row.isVisible() for row in rows)
    assert [row.geometry() for row in rows] == before


def test_enter_alone_in_a_field_sends_nothing(qtbot: QtBot) -> None:
    desk, vm, widget = panel(qtbot)
    desk.gate.arming.set(ArmState.ONE_CLICK)
    QTest.keyClick(widget._size, Qt.Key.Key_Return)
    assert vm.sending.pending is None
    assert desk.gate.sent == []


def test_the_second_half_of_a_double_click_does_not_answer_the_question(qtbot: QtBot) -> None:
    desk, vm, widget = panel(qtbot)
    vm.submit(Side.BUY)
    yes = next(b for b in widget.findChildren(QPushButton) if b.text().startswith("Confirm"))
    yes.click()
    assert vm.sending.pending is not None
    assert desk.gate.sent == []


def test_a_held_enter_does_not_answer_the_question(qtbot: QtBot) -> None:
    desk, vm, widget = panel(qtbot)
    vm.submit(Side.BUY)
    card = widget.findChildren(RequestCard)[0]
    held = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, autorep=True)
    card.keyPressEvent(held)
    assert vm.sending.pending is not None
    assert desk.gate.sent == []
    QTest.keyClick(card, Qt.Key.Key_Escape)
    assert vm.sending.pending is None


def test_problems_stand_under_their_fields(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot)
    widget._size.clear()
    QTest.keyClicks(widget._size, "1,234")
    texts = [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]
    assert any("two ways" in text for text in texts)
    assert widget._size.property("invalid") is True
    assert vm.form.size == "1,234"


def test_every_order_type_shows_its_own_fields(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot)
    for kind in OrderType:
        vm.set_order_type(kind)
        for name, row in widget._rows.items():
            assert row.isVisibleTo(widget) == (name in vm.fields), (kind, name)


def test_buttons_stay_in_sight_at_little_height(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot)
    for kind in OrderType:
        vm.set_order_type(kind)
        widget.resize(300, 480)
        qtbot.wait(1)
        for button in widget.findChildren(BigButton):
            assert button.isVisible()
            assert button.height() >= 28
            below = button.mapTo(widget, button.rect().bottomLeft()).y()
            assert below < widget.height()


def test_a_question_in_the_panel_does_not_make_its_dock_larger(qtbot: QtBot) -> None:
    _, vm, widget = panel(qtbot)
    window = QMainWindow()
    qtbot.addWidget(window)
    window.resize(800, 700)
    for area, inner in (
        (Qt.DockWidgetArea.TopDockWidgetArea, widget),
        (Qt.DockWidgetArea.BottomDockWidgetArea, QListWidget()),
    ):
        dock = QDockWidget(window)
        dock.setWidget(inner)
        window.addDockWidget(area, dock)
    window.show()
    docks = window.findChildren(QDockWidget)
    window.resizeDocks(docks, [440, 230], Qt.Orientation.Vertical)
    qtbot.wait(1)
    before = widget.height()
    vm.submit(Side.BUY)
    qtbot.wait(1)
    assert vm.sending.pending is not None
    assert widget.height() == before


def test_news_about_an_order_does_not_move_the_buttons(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm, widget = panel(qtbot)
        widget.resize(300, 600)
        qtbot.wait(1)
        button = widget.findChildren(BigButton)[0]
        before = button.mapTo(widget, QPoint(0, 0))
        desk.gate.arming.set(ArmState.ONE_CLICK)
        vm.submit(Side.BUY)
        await eventually(lambda: vm.sending.result is not None)
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
        assert widget._result.isVisible()
        assert button.mapTo(widget, QPoint(0, 0)) == before

    run(main())


def test_without_a_venue_the_panel_says_what_to_do(qtbot: QtBot) -> None:
    desk = Desk()
    desk.selection.instrument = InstrumentId("okx", "BTC-USDT")
    _, vm = make(desk)
    widget = TicketPanel(vm)
    qtbot.addWidget(widget)
    assert widget._empty.text()
    assert vm.buttons == {}


def test_gtd_brings_an_expiry(qtbot: QtBot) -> None:
    _, vm = make()
    vm.set_life(TimeInForce.GTD)
    assert vm.form.expire_time == "+1d"
    assert vm.problems == {}
    assert vm.expiry_hint


def test_a_big_button_without_an_order_to_send_cannot_be_pressed(qapp: QApplication) -> None:
    button = BigButton("buy")
    assert not button.isEnabled(), "before the first order form"
    button.show_text(SendButton("Buy", "0.1 at 65,000"))
    assert button.isEnabled()
    button.show_text(SendButton("Buy", "0.1 at 65,000", "reconnecting"))
    assert not button.isEnabled()
    button.show_text(SendButton("", ""))
    assert not button.isEnabled(), "no form any more"
    button.deleteLater()
