"""The ladder: rows, freeze rule, clicks, own orders, keyboard, and what it paints."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderState, OrderType
from terminal.services.arming import ArmState
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import Mode
from terminal.viewmodels.book import Column, LadderState, LadderViewModel
from terminal.viewmodels.book_rows import bucket, group_that_fits, next_group
from terminal.widgets.book import LadderPanel
from terminal.widgets.book_view import LadderView
from tests.helpers import eventually, run
from tests.trading_fakes import BTC, ETH, EVERYTHING, Desk, FakeSession, btc, limit

D = Decimal
BIDS = [(f"{99.9 - i / 10:.1f}", "1") for i in range(40)]
ASKS = [(f"{100.1 + i / 10:.1f}", "2") for i in range(40)]


class FakeSizes:
    quantity: Decimal | None = D("0.05")

    def quantity_for(self, side: Side, price: Decimal) -> Decimal | None:
        return self.quantity

    def size_text(self) -> str:
        return "0.05 BTC"


def make(desk: Desk | None = None, rows: int = 21) -> tuple[Desk, LadderViewModel]:
    desk = desk or Desk()
    desk.market.set_book(BIDS, ASKS)
    vm = LadderViewModel(
        desk.market, desk.sessions, desk.gate, desk.accounts, desk.selection, FakeSizes(),
        desk.frames, desk.clock,
    )  # fmt: skip
    vm.set_row_count(rows)
    vm.set_group(1)
    vm.centre()
    return desk, vm


def moved_book(by: float) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    return (
        [(f"{float(price) + by:.1f}", size) for price, size in BIDS],
        [(f"{float(price) + by:.1f}", size) for price, size in ASKS],
    )


def key_of(price: str) -> int:
    return int(D(price) / D("0.1"))


# -- rows -------------------------------------------------------------------------------------------------


def test_rows_run_downwards_with_the_spread_in_the_middle(qtbot: QtBot) -> None:
    _, vm = make()
    prices = [row.price for row in vm.rows]
    assert prices[10] == "100.0"
    assert prices[0] == "101.0"
    assert [row.market for row in vm.rows if row.market] == ["ask", "between", "bid"]
    by_price = {row.price: row for row in vm.rows}
    assert (by_price["99.9"].bid, by_price["99.9"].ask) == ("1", "")
    assert (by_price["100.1"].bid, by_price["100.1"].ask) == ("", "2")


def test_rows_follow_when_the_fineness_of_prices_becomes_known(qtbot: QtBot) -> None:
    desk = Desk()
    unseen = replace(btc(), tick_size=D("0.00000001"), price_decimals=8, is_tick_told=False)
    desk.market.instruments[BTC] = unseen
    _, vm = make(desk)
    vm.set_auto_group()
    desk.market.instruments[BTC] = replace(unseen, tick_size=D("0.1"), price_decimals=1)
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    desk.pass_time(1)
    assert (vm.group, vm.step) == (1, D("0.1"))
    prices = [row.price for row in vm.rows]
    assert (prices[10], prices[0]) == ("100.0", "101.0")
    assert [row.market for row in vm.rows if row.market] == ["ask", "between", "bid"]
    assert (vm.group_words(5), vm.group_text) == ("0.5 USD", "0.1")
    panel = LadderPanel(vm)
    qtbot.addWidget(panel)
    menu = panel._group.menu()
    assert [action.text() for action in menu.actions()][:2] == ["0.1 USD", "0.2 USD"]
    desk.market.instruments[BTC] = btc()
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()][:2] == ["1 tick", "2 ticks"]


def test_depth_is_a_fraction_of_the_largest_size_in_sight(qtbot: QtBot) -> None:
    _, vm = make()
    by_price = {row.price: row for row in vm.rows}
    assert by_price["100.1"].ask_fraction == 1.0
    assert by_price["99.9"].bid_fraction == 0.5


def test_what_traded_at_a_price_is_counted_by_the_taker_s_side(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.market.add_trade(1, Side.BUY, "100.1", "0.5", 1)
    desk.market.add_trade(2, Side.BUY, "100.1", "0.25", 2)
    desk.market.add_trade(3, Side.SELL, "99.9", "2", 3)
    desk.pass_time(0.1)
    by_price = {row.price: row for row in vm.rows}
    assert by_price["100.1"].bought == "0.75"
    assert by_price["99.9"].sold == "2"
    assert by_price["99.9"].last
    desk.pass_time(0.1)
    vm.centre()
    assert {row.price: row for row in vm.rows}["100.1"].bought == "0.75"


def test_a_thousand_updates_are_one_build_every_50_ms(qtbot: QtBot) -> None:
    desk, vm = make()
    built: list[int] = []
    vm.changed.connect(lambda: built.append(1))
    for step in range(100):
        desk.market.set_book(*moved_book(0.1 * (step % 2)))
        desk.pass_time(0.001)
    assert len(built) <= 3


def test_a_hidden_ladder_builds_nothing_and_closes_its_padlock(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_armed(True)
    vm.set_visible(False)
    built: list[int] = []
    vm.changed.connect(lambda: built.append(1))
    desk.market.set_book(*moved_book(1))
    desk.pass_time(1)
    assert built == []
    assert not vm.armed


@given(st.integers(1, 10**7), st.integers(1, 10**5))
def test_buckets_never_promise_a_better_price(price: int, step: int) -> None:
    assert bucket(Side.BUY, D(price), D(step)) * step <= price
    assert bucket(Side.SELL, D(price), D(step)) * step >= price


def test_grouping_runs_through_1_2_5() -> None:
    seen, group = [1], 1
    for _ in range(6):
        group = next_group(group, +1)
        seen.append(group)
    assert seen == [1, 2, 5, 10, 20, 50, 100]
    assert [next_group(group, -1) for group in (100, 50, 10, 2, 1)] == [50, 20, 5, 1, 1]


@given(st.integers(1, 10**7), st.integers(5, 60))
def test_auto_grouping_fits_a_thousandth_each_way(price: int, rows: int) -> None:
    group = group_that_fits(D(price), D("0.1"), rows)
    span = D(price) / 500 / D("0.1")
    assert span / group <= rows
    assert group == 1 or span / next_group(group, -1) > rows


def test_a_book_in_pips_is_seen_from_near() -> None:
    assert group_that_fits(D("1.16"), D("0.00001"), 20, D("0.0001")) == 5
    assert group_that_fits(D("1.16"), D("0.00001"), 20) == 20


@pytest.mark.parametrize(
    ("mid", "tick", "pip"),
    [("126400", "0.01", "1"), ("4090", "0.01", "0.1"), ("6831", "0.1", "1"), ("64", "0.001", "0.01")],
)
def test_a_screen_of_the_ladder_is_a_useful_range_whatever_a_pip_is(mid: str, tick: str, pip: str) -> None:
    for rows in (18, 20, 23, 44):
        half = group_that_fits(D(mid), D(tick), rows, D(pip)) * D(tick) * rows / 2 / D(mid)
        assert D("0.0007") <= half <= D("0.003"), rows


def test_a_grouping_chosen_by_hand_belongs_to_its_instrument(qtbot: QtBot) -> None:
    desk, vm = make()
    told: list[object] = []
    vm.regrouped.connect(lambda: told.append(vm.kept()))
    vm.set_group(20)
    desk.selection.select(ETH)
    assert vm.auto_group
    vm.regroup(+1)
    desk.selection.select(BTC)
    assert (vm.group, vm.auto_group) == (20, False)
    assert len(told) == 2
    desk, other = make()
    other.set_auto_group()
    other.restore(vm.kept())
    assert (other.group, other.auto_group) == (20, False)
    other.restore(None)
    assert other.group == 20
    other.set_auto_group()
    desk.selection.select(ETH)
    assert (other.group, other.auto_group) == (50, False)


@pytest.mark.parametrize(
    "entry", [7, [], ["kraken", "BTC/USD"], ["kraken", "BTC/USD", "5"], ["kraken", "BTC/USD", True],
              ["kraken", "BTC/USD", 0], ["kraken", "BTC/USD", 10**12], {"kraken": 1}],
)  # fmt: skip
def test_a_kept_grouping_that_cannot_be_read_is_left_to_the_ladder(qtbot: QtBot, entry: object) -> None:
    _, vm = make()
    vm.restore([entry, [ETH.venue, ETH.symbol, 5]])
    assert vm.auto_group
    assert vm.kept() == [[ETH.venue, ETH.symbol, 5]]
    vm.restore("nonsense")
    assert vm.kept() == []


def test_grouped_rows_keep_the_middle_and_sum_levels(qtbot: QtBot) -> None:
    _, vm = make()
    vm.set_group(10)
    by_price = {row.price: row for row in vm.rows}
    assert by_price["99.0"].bid == "10"
    assert by_price["101.0"].ask == "20"
    assert vm.is_centred


# -- freeze rule ------------------------------------------------------------------------------------------


def test_rows_do_not_move_while_the_pointer_is_inside(qtbot: QtBot) -> None:
    desk, vm = make()
    before = [row.price for row in vm.rows]
    vm.set_pointer_inside(True)
    desk.market.set_book(*moved_book(50))
    desk.pass_time(30)
    assert [row.price for row in vm.rows] == before
    vm.set_pointer_inside(False)
    desk.pass_time(0.9)
    assert [row.price for row in vm.rows] == before
    desk.pass_time(0.2)
    assert vm.rows[10].price == "150.0"


def test_rows_do_not_move_when_the_panel_gets_lower_under_the_pointer(qtbot: QtBot) -> None:
    _, vm = make()
    top = vm.rows[0].price
    vm.set_pointer_inside(True)
    vm.set_row_count(12)
    assert vm.rows[0].price == top


def test_the_market_moving_a_little_does_not_shake_the_rows(qtbot: QtBot) -> None:
    desk, vm = make()
    before = [row.price for row in vm.rows]
    for step in (1, -1, 2, -2, 3):
        desk.market.set_book(*moved_book(step / 10))
        desk.pass_time(0.1)
        assert [row.price for row in vm.rows] == before
    desk.market.set_book(*moved_book(0.8))
    desk.pass_time(0.1)
    assert vm.rows[10].price == "100.8"


def test_centring_works_under_the_pointer_when_asked_for(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_pointer_inside(True)
    desk.market.set_book(*moved_book(50))
    desk.pass_time(0.1)
    vm.centre()
    assert vm.rows[10].price == "150.0"


# -- clicking ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "price", "side", "kind"),
    [
        (Column.BID, "99.5", Side.BUY, OrderType.LIMIT),
        (Column.BID, "100.0", Side.BUY, OrderType.LIMIT),
        (Column.BID, "100.1", Side.BUY, OrderType.STOP),
        (Column.BID, "101.0", Side.BUY, OrderType.STOP),
        (Column.ASK, "100.5", Side.SELL, OrderType.LIMIT),
        (Column.ASK, "100.0", Side.SELL, OrderType.LIMIT),
        (Column.ASK, "99.9", Side.SELL, OrderType.STOP),
        (Column.ASK, "99.0", Side.SELL, OrderType.STOP),
    ],
)
def test_what_a_click_means(qtbot: QtBot, column: Column, price: str, side: Side, kind: OrderType) -> None:
    _, vm = make()
    intent = vm.intent_at(key_of(price), column)
    assert intent is not None
    assert (intent.side, intent.order_type, intent.price) == (side, kind, D(price))


def test_the_padlock_is_closed_at_the_start_and_a_click_then_fills_the_ticket(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.gate.arming.set(ArmState.ONE_CLICK)
    wanted: list[tuple[object, ...]] = []
    vm.ticket_wanted.connect(lambda *args: wanted.append(args))
    assert not vm.armed
    vm.release(vm.press(key_of("99.5"), Column.BID), key_of("99.5"), Column.BID)
    assert wanted == [(Side.BUY, OrderType.LIMIT, D("99.5"))]
    assert desk.gate.sent == []


def test_armed_with_one_click_the_click_sends_with_the_ladder_as_origin(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        desk.gate.arming.set(ArmState.ONE_CLICK)
        vm.set_armed(True)
        vm.release(vm.press(key_of("99.5"), Column.BID), key_of("99.5"), Column.BID)
        await eventually(lambda: bool(desk.gate.sent))
        request = desk.gate.sent[0]
        assert (request.limit_price, request.quantity) == (D("99.5"), D("0.05"))
        assert request.origin.value == "ladder"

    run(main())


def test_armed_in_confirm_the_click_asks_first(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_armed(True)
    vm.activate(key_of("101.0"), Column.BID)
    assert vm.sending.pending is not None
    assert vm.sending.pending.request is not None
    assert vm.sending.pending.request.trigger_price == D("101.0")
    assert desk.gate.sent == []


def test_a_click_whose_row_changed_is_dropped_with_a_flash(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.gate.arming.set(ArmState.ONE_CLICK)
    vm.set_armed(True)
    flashes: list[int] = []
    vm.moved.connect(lambda: flashes.append(1))
    press = vm.press(key_of("99.5"), Column.BID)
    vm.release(press, key_of("99.6"), Column.BID)
    assert flashes == [1]
    assert vm.flash_key == key_of("99.5")
    assert desk.gate.sent == []
    desk.pass_time(0.4)
    desk.pass_time(0.1)
    assert vm.flash_key is None


@pytest.mark.parametrize("state", [FeedState.STALE, FeedState.LOADING, FeedState.UNRELIABLE])
def test_a_book_that_is_not_live_is_not_traded_from(qtbot: QtBot, state: FeedState) -> None:
    desk, vm = make()
    desk.gate.arming.set(ArmState.ONE_CLICK)
    vm.set_armed(True)
    desk.market.set_state(state)
    desk.pass_time(0.1)
    vm.activate(key_of("99.5"), Column.BID)
    assert desk.gate.sent == []
    assert vm.sending.result is not None
    assert "not live" in vm.sending.result.text


def test_a_venue_without_stops_says_so(qtbot: QtBot) -> None:
    desk = Desk(FakeSession(capabilities=replace(EVERYTHING, order_types=frozenset({OrderType.LIMIT}))))
    _, vm = make(desk)
    vm.set_armed(True)
    vm.activate(key_of("101.0"), Column.BID)
    assert vm.sending.result is not None
    assert "no stop orders" in vm.sending.result.text
    assert "no stop orders" in vm.hint_at(key_of("101.0"), Column.BID)


def test_the_padlock_stays_closed_on_view_and_without_an_account(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.gate.arming.set(ArmState.VIEW)
    vm.set_armed(True)
    assert not vm.armed
    _, public = make(Desk(FakeSession(Mode.PUBLIC)))
    public.set_armed(True)
    assert not public.armed


def test_another_instrument_closes_the_padlock(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_armed(True)
    desk.selection.select(ETH)
    assert not vm.armed


def test_switching_to_view_closes_the_padlock_and_takes_the_question_back(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_armed(True)
    vm.activate(key_of("99.5"), Column.BID)
    desk.gate.arming.set(ArmState.VIEW)
    assert not vm.armed
    assert vm.sending.pending is None


def test_a_market_order_needs_ctrl(qtbot: QtBot) -> None:
    desk, vm = make()
    vm.set_armed(True)
    press = vm.press(key_of("99.5"), Column.BID, market=True)
    vm.release(press, key_of("99.5"), Column.BID)
    assert vm.sending.pending is not None
    assert vm.sending.pending.request is not None
    assert vm.sending.pending.request.order_type is OrderType.MARKET
    assert desk.gate.sent == []


# -- own orders -------------------------------------------------------------------------------------------


def test_own_orders_of_a_row_are_summed_with_their_count(qtbot: QtBot) -> None:
    desk, vm = make()
    for price in ("99.5", "99.5", "99.5"):
        desk.gate.add(limit(Side.BUY, price))
    desk.gate.add(limit(Side.SELL, "100.5", "1"))
    desk.pass_time(0.1)
    chip = vm.chip_at(key_of("99.5"), Side.BUY)
    assert chip is not None
    assert chip.text == "3 · 0.75"
    single = vm.chip_at(key_of("100.5"), Side.SELL)
    assert single is not None
    assert single.text == "1 LMT"


def test_an_order_that_ended_leaves_the_ladder(qtbot: QtBot) -> None:
    desk, vm = make()
    order = desk.gate.add(limit(Side.BUY, "99.5"))
    desk.pass_time(0.1)
    assert vm.chip_at(key_of("99.5"), Side.BUY) is not None
    desk.gate.settle(order, OrderState.FILLED)
    desk.pass_time(0.1)
    assert vm.chip_at(key_of("99.5"), Side.BUY) is None


def test_an_unanswered_order_is_drawn_as_waiting(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.gate.add(limit(Side.BUY, "99.5"), OrderState.IN_DOUBT)
    desk.pass_time(0.1)
    chip = vm.chip_at(key_of("99.5"), Side.BUY)
    assert chip is not None
    assert chip.waiting


def with_chip(desk: Desk, vm: LadderViewModel, request: OrderRequest, price: str) -> None:
    desk.gate.add(request)
    desk.pass_time(0.1)
    chip = vm.chip_at(key_of(price), request.side)
    assert chip is not None
    vm.drag(chip, key_of(price))


def test_a_dragged_order_shows_its_ghost_and_is_amended_on_drop(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        desk.gate.arming.set(ArmState.ONE_CLICK)
        vm.set_armed(True)
        with_chip(desk, vm, limit(Side.BUY, "99.5"), "99.5")
        assert vm.ghost is not None
        assert "keeps place" in vm.ghost.detail
        vm.drag(vm.ghost.chip, key_of("99.8"))
        assert "+3 ticks" in vm.ghost.text
        assert "loses place" in vm.ghost.detail
        vm.drop()
        await eventually(lambda: bool(desk.gate.amended))
        assert desk.gate.amended[0][1].limit_price == D("99.8")

    run(main())


def test_with_the_padlock_closed_a_drag_asks_even_with_one_click(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.gate.arming.set(ArmState.ONE_CLICK)
    with_chip(desk, vm, limit(Side.BUY, "99.5"), "99.5")
    assert vm.ghost is not None
    vm.drag(vm.ghost.chip, key_of("99.8"))
    vm.drop()
    assert vm.sending.pending is not None
    assert "99.5 → 99.8" in dict(vm.sending.pending.confirmation.rows)["Limit price"]
    assert desk.gate.amended == []


def test_a_limit_dragged_across_the_market_needs_ctrl(qtbot: QtBot) -> None:
    desk, vm = make()
    with_chip(desk, vm, limit(Side.BUY, "99.5"), "99.5")
    assert vm.ghost is not None
    chip = vm.ghost.chip
    vm.drag(chip, key_of("100.4"))
    assert vm.ghost.would_fill
    vm.drop()
    assert vm.sending.pending is None
    assert vm.sending.result is not None
    assert "fill at once" in vm.sending.result.text
    vm.drag(chip, key_of("100.4"))
    vm.drop(across=True)
    assert vm.sending.pending is not None


def test_a_stop_limit_moves_with_its_limit(qtbot: QtBot) -> None:
    desk, vm = make()
    request = OrderRequest(
        BTC, Side.SELL, OrderType.STOP_LIMIT, D(1), limit_price=D("99.0"), trigger_price=D("99.5")
    )
    with_chip(desk, vm, request, "99.5")
    assert vm.ghost is not None
    vm.drag(vm.ghost.chip, key_of("99.3"))
    vm.drop()
    view = vm.sending.pending
    assert view is not None
    change = view.changes[0][1]
    assert (change.trigger_price, change.limit_price) == (D("99.3"), D("98.8"))


def test_several_orders_of_a_row_move_together_or_one_alone(qtbot: QtBot) -> None:
    desk, vm = make()
    for _ in range(2):
        desk.gate.add(limit(Side.BUY, "99.5"))
    with_chip(desk, vm, limit(Side.BUY, "99.5"), "99.5")
    assert vm.ghost is not None
    chip = vm.ghost.chip
    vm.drag(chip, key_of("99.2"))
    vm.drop()
    assert vm.sending.pending is not None
    assert [order.client_order_id for order, _ in vm.sending.pending.changes] == ["c1", "c2", "c3"]
    vm.discard()
    vm.drag(chip, key_of("99.2"))
    vm.drop(only="c2")
    assert vm.sending.pending is not None
    assert [order.client_order_id for order, _ in vm.sending.pending.changes] == ["c2"]


def test_a_drag_given_up_sends_nothing(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.gate.arming.set(ArmState.ONE_CLICK)
    with_chip(desk, vm, limit(Side.BUY, "99.5"), "99.5")
    assert vm.ghost is not None
    vm.drag(vm.ghost.chip, key_of("99.8"))
    vm.revert()
    vm.drop()
    assert vm.sending.pending is None
    assert desk.gate.amended == []


def test_cancel_works_on_view_and_with_a_stale_book(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm = make()
        desk.gate.add(limit(Side.BUY, "99.5"))
        desk.pass_time(0.1)
        desk.gate.arming.set(ArmState.VIEW)
        desk.market.set_state(FeedState.STALE)
        desk.pass_time(0.1)
        chip = vm.chip_at(key_of("99.5"), Side.BUY)
        assert chip is not None
        vm.cancel_chip(chip)
        await eventually(lambda: desk.gate.canceled == ["c1"])

    run(main())


# -- states -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feed", "state", "words"),
    [
        (FeedState.LOADING, LadderState.LOADING, "Waiting"),
        (FeedState.STALE, LadderState.STALE, "stale"),
        (FeedState.UNSUPPORTED, LadderState.UNSUPPORTED, "no order book"),
        (FeedState.REFUSED, LadderState.FAILED, "refused"),
    ],
)
def test_every_state_has_its_words(qtbot: QtBot, feed: FeedState, state: LadderState, words: str) -> None:
    desk, vm = make()
    desk.market.set_state(feed)
    desk.pass_time(0.1)
    assert vm.state is state
    assert words in vm.reason


def test_without_an_instrument_it_says_what_to_do(qtbot: QtBot) -> None:
    desk, vm = make()
    desk.selection.select(None)
    assert vm.state is LadderState.EMPTY
    assert vm.rows == []
    assert vm.reason


def test_closing_lets_go_of_both_feeds(qtbot: QtBot) -> None:
    desk, vm = make()
    assert len(desk.market.watched) == 2
    vm.close()
    assert desk.market.watched == []


# -- the widget -------------------------------------------------------------------------------------------


def panel(qtbot: QtBot) -> tuple[Desk, LadderViewModel, LadderView]:
    desk, vm = make()
    widget = LadderPanel(vm)
    qtbot.addWidget(widget)
    widget.resize(300, 500)
    widget.show()
    desk.pass_time(0.1)
    # A centred ladder, and a pointer that the test alone moves.
    vm.centre()
    return desk, vm, widget.view


def test_a_ladder_without_a_book_has_no_controls_of_rows(qtbot: QtBot) -> None:
    desk, vm = make()
    widget = LadderPanel(vm)
    qtbot.addWidget(widget)
    widget.show()
    for feed, there in ((FeedState.UNSUPPORTED, False), (FeedState.LIVE, True)):
        desk.market.set_state(feed)
        desk.pass_time(0.1)
        assert [tool.isVisible() for tool in widget._of_rows] == [there] * 5
        assert widget._lock.isEnabled() is there


def point(view: LadderView, key: int, column: Column) -> QPoint:
    cell = view._cell(key, column)
    assert cell is not None
    return cell.center()


def test_a_click_in_the_bid_column_fills_the_ticket(qtbot: QtBot) -> None:
    _, vm, view = panel(qtbot)
    wanted: list[tuple[object, ...]] = []
    vm.ticket_wanted.connect(lambda *args: wanted.append(args))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=point(view, key_of("99.5"), Column.BID))
    assert wanted == [(Side.BUY, OrderType.LIMIT, D("99.5"))]


def test_the_right_button_never_trades(qtbot: QtBot) -> None:
    desk, vm, view = panel(qtbot)
    vm.set_armed(True)
    QTest.mouseClick(view, Qt.MouseButton.RightButton, pos=point(view, key_of("99.5"), Column.BID))
    assert vm.sending.pending is None
    assert desk.gate.sent == []


def test_the_price_at_mouse_down_counts_when_the_rows_scroll_in_between(qtbot: QtBot) -> None:
    desk, vm, view = panel(qtbot)
    vm.set_armed(True)
    at = point(view, key_of("99.5"), Column.BID)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at)
    vm.scroll(3)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at)
    assert vm.sending.pending is None
    assert vm.flash_key == key_of("99.5")
    assert desk.gate.sent == []


def test_dragging_a_chip_with_the_mouse_and_escape(qtbot: QtBot) -> None:
    desk, vm, view = panel(qtbot)
    desk.gate.add(limit(Side.BUY, "99.5"))
    desk.pass_time(0.1)
    start = point(view, key_of("99.5"), Column.BUYS) - QPoint(8, 0)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view, start + QPoint(0, 3 * 18))
    assert (vm.ghost and vm.ghost.key) == key_of("99.2")
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert vm.ghost is None
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start + QPoint(0, 3 * 18))
    assert vm.sending.pending is None


def test_a_question_in_the_panel_does_not_make_its_dock_larger(qtbot: QtBot) -> None:
    desk, vm, view = panel(qtbot)
    widget = view.parentWidget()
    assert isinstance(widget, LadderPanel)
    with_chip(desk, vm, limit(Side.BUY, "99.5"), "99.5")
    assert vm.ghost is not None
    vm.drag(vm.ghost.chip, key_of("99.8"))
    vm.drop()
    widget.resize(300, 250)
    assert vm.sending.pending is not None
    assert widget.minimumSizeHint().height() <= 250


def test_a_narrow_panel_shows_the_size_in_full(qtbot: QtBot) -> None:
    _, _, view = panel(qtbot)
    widget = view.parentWidget()
    assert isinstance(widget, LadderPanel)
    assert widget._size.text() == "0.05 BTC"
    widget.resize(220, 360)
    qtbot.waitUntil(lambda: widget._size.text() == "0.05")
    assert widget._size.width() >= widget._size.fontMetrics().horizontalAdvance("0.05")


@pytest.mark.parametrize("width", [220, 254, 279, 280, 300, 400])
def test_a_size_stands_in_its_own_column(qtbot: QtBot, width: int) -> None:
    _, _, view = panel(qtbot)
    _, size_px = view._layout(width)[Column.BID]
    assert size_px >= view._numbers.width("0.125") + 4


def test_keyboard_alone_places_moves_and_cancels(qtbot: QtBot) -> None:
    async def main() -> None:
        desk, vm, view = panel(qtbot)
        desk.gate.arming.set(ArmState.ONE_CLICK)
        vm.set_armed(True)
        QTest.keyClick(view, Qt.Key.Key_Down)
        assert vm.cursor == (key_of("100.0"), Column.BID)
        for _ in range(5):
            QTest.keyClick(view, Qt.Key.Key_Down)
        assert vm.cursor == (key_of("99.5"), Column.BID)
        assert "price 99.5" in view.accessibleDescription()
        QTest.keyClick(view, Qt.Key.Key_Return)
        await eventually(lambda: bool(desk.gate.sent))
        desk.pass_time(0.1)
        QTest.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
        assert vm.ghost is not None
        assert vm.ghost.key == key_of("99.6")
        QTest.keyClick(view, Qt.Key.Key_Return)
        await eventually(lambda: bool(desk.gate.amended))
        desk.pass_time(0.1)
        QTest.keyClick(view, Qt.Key.Key_Up)
        QTest.keyClick(view, Qt.Key.Key_Delete)
        await eventually(lambda: bool(desk.gate.canceled))

    run(main())


def test_minus_and_plus_change_the_grouping_and_space_centres(qtbot: QtBot) -> None:
    _, vm, view = panel(qtbot)
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert vm.group == 2
    QTest.keyClick(view, Qt.Key.Key_Minus)
    assert vm.group == 1
    vm.scroll(30)
    assert not vm.is_centred
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert vm.is_centred


class CountingView(LadderView):
    """Notes how high each painted part was."""

    def __init__(self, vm: LadderViewModel) -> None:
        self.painted: list[int] = []
        super().__init__(vm)

    def paintEvent(self, event: QPaintEvent) -> None:
        self.painted.append(event.region().boundingRect().height())
        super().paintEvent(event)


def test_only_changed_rows_are_painted(qtbot: QtBot) -> None:
    desk, vm = make()
    view = CountingView(vm)
    painted = view.painted
    qtbot.addWidget(view)
    view.resize(300, 21 * 18 + 18)
    view.show()
    desk.market.set_book(BIDS, ASKS)
    desk.pass_time(0.1)
    qtbot.waitUntil(lambda: bool(painted))
    QApplication.processEvents()
    painted.clear()
    desk.market.set_book([("99.9", "1.5"), *BIDS[1:]], ASKS)
    desk.pass_time(0.1)
    qtbot.waitUntil(lambda: bool(painted))
    assert max(painted) <= 18


def test_the_price_column_never_gets_narrower(qtbot: QtBot) -> None:
    desk, vm, view = panel(qtbot)
    desk.market.set_book([("999999.9", "1")], [("1000000.1", "1")])
    desk.pass_time(0.1)
    vm.centre()
    wide = view._price_px
    desk.market.set_book(BIDS, ASKS)
    desk.pass_time(0.1)
    vm.centre()
    assert view._price_px == wide
