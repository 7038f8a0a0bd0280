"""The chart's view-model on hand-written fakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from terminal.domain.errors import VenueUnavailable
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, OrderRequest, OrderState, OrderType, Protection
from terminal.services.arming import ArmState
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import Mode, SessionState
from terminal.viewmodels.chart import ChartState, ChartViewModel, interval_text
from terminal.viewmodels.chart_bars import CLOSE
from terminal.viewmodels.chart_readout import bar_time
from tests.gui.chart_fakes import SECOND, ChartDesk, bar, lifelike_bars
from tests.helpers import eventually, run
from tests.trading_fakes import BTC, ETH, EVERYTHING, FakeInfo, limit

D = Decimal


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[ChartDesk]:
    made = ChartDesk()
    yield made
    made.frames.stop()


def opened(desk: ChartDesk, **options: Any) -> ChartViewModel:
    desk.fill_lifelike()
    return desk.open(**options)


# -- states -------------------------------------------------------------------------------------------


def test_without_an_instrument_it_says_what_to_do(desk: ChartDesk) -> None:
    desk.selection.instrument = None
    vm = desk.open()
    assert vm.state is ChartState.EMPTY
    assert "watchlist" in vm.reason


@pytest.mark.parametrize(
    ("feed", "state"),
    [
        (FeedState.LIVE, ChartState.LIVE),
        (FeedState.STALE, ChartState.STALE),
        (FeedState.REFUSED, ChartState.FAILED),
        (FeedState.UNSUPPORTED, ChartState.UNSUPPORTED),
        (FeedState.LOADING, ChartState.LOADING),
    ],
)
def test_it_shows_what_its_feed_is(desk: ChartDesk, feed: FeedState, state: ChartState) -> None:
    vm = opened(desk)
    desk.market.set_bar_state(feed)
    desk.frames.tick()
    assert vm.state is state
    assert bool(vm.reason) == (state is not ChartState.LIVE)


def test_a_live_market_without_bars_is_not_called_loading_for_ever(desk: ChartDesk) -> None:
    vm = desk.open()
    assert vm.state is ChartState.NO_BARS
    desk.market.bars(BTC, 900).error = "The venue cannot be reached."
    desk.market.changed.notify(BTC, Topic.BARS)
    desk.frames.tick()
    assert "cannot be reached" in vm.reason


def test_without_a_sign_in_it_says_that_and_not_that_nothing_is_listed(desk: ChartDesk) -> None:
    vm = opened(desk)
    desk.market.set_bar_state(FeedState.LOADING)
    desk.market.bars(BTC, 900).error = "Kraken lists no BTC/USD"
    desk.market.changed.notify(BTC, Topic.BARS)
    desk.frames.tick()
    assert vm.reason == "No bars yet: Kraken lists no BTC/USD. Trying again…"
    session = desk.sessions.sessions["kraken"]
    session.state, session.reason = SessionState.FAILED, "Sign in to Kraken again."
    desk.sessions.changed.notify("kraken")
    desk.frames.tick()
    assert vm.reason == "Kraken is not connected. Sign in to Kraken again."


def test_another_instrument_or_interval_lets_the_old_feeds_go(desk: ChartDesk) -> None:
    vm = opened(desk)
    chosen: list[int] = []
    vm.interval_chosen.connect(chosen.append)
    vm.set_interval(3600)
    assert [feed.interval_s for feed in desk.market.watched if feed.interval_s] == [3600]
    desk.selection.select(ETH)
    assert {feed.symbol for feed in desk.market.watched} == {"ETH/USD"}
    assert chosen == [3600]
    vm.close()
    assert desk.market.watched == []


def test_an_interval_that_the_venue_lacks_becomes_the_nearest_it_has(desk: ChartDesk) -> None:
    assert desk.open(interval_s=1000).interval_s == 900


def test_the_chosen_interval_comes_back_where_the_venue_has_it(desk: ChartDesk) -> None:
    vm = opened(desk)
    session = desk.sessions.sessions["kraken"]
    for bar_intervals_s, chosen, shown in (((5, 900), 5, 5), ((900,), None, 900), ((5, 900), None, 5)):
        session.info = FakeInfo(replace(EVERYTHING, bar_intervals_s=bar_intervals_s))
        desk.sessions.changed.notify("kraken")
        if chosen is not None:
            vm.set_interval(chosen)
        desk.frames.tick()
        assert vm.interval_s == shown
        assert [feed.interval_s for feed in desk.market.watched if feed.interval_s] == [shown]
    session.info = FakeInfo(replace(EVERYTHING, bar_intervals_s=(900,)))
    desk.sessions.changed.notify("kraken")
    vm.set_interval(900)
    assert vm.chosen_s == 900, "also the length that is shown can be chosen"


def test_bars_under_a_minute_say_seconds() -> None:
    at_ns = 68_535 * 1_000_000_000
    assert bar_time(at_ns, 5, UTC) == "Thu 1 Jan 19:02:15"
    assert bar_time(at_ns, 60, UTC) == "Thu 1 Jan 19:02"


def test_nothing_of_one_instrument_stays_when_another_is_chosen(desk: ChartDesk) -> None:
    vm = opened(desk)
    desk.gate.add(limit(Side.BUY, "60000"))
    desk.frames.tick()
    assert vm.trading.lines
    desk.selection.select(ETH)
    assert not vm.trading.lines
    assert vm.bars.count == 0
    assert vm.last_price is None


# -- bars and what is in sight ------------------------------------------------------------------------


def test_the_running_bar_moves_without_a_new_picture(desk: ChartDesk) -> None:
    vm = opened(desk)
    version, last = vm.bars.version, desk.market.bars(BTC, 900).bars[-1]
    desk.market.update_bar(last._replace(close=last.close + 1))
    desk.frames.tick()
    assert vm.bars.column(CLOSE)[-1] == float(last.close + 1)
    assert vm.bars.version == version
    assert vm.last_price == last.close + 1


def test_the_scale_follows_the_visible_bars_until_it_is_set_by_hand(desk: ChartDesk) -> None:
    vm = opened(desk)
    last = desk.market.bars(BTC, 900).bars[-1]
    desk.market.update_bar(last._replace(high=last.close * 2))
    desk.frames.tick()
    assert vm.scale.high > float(last.close) * 2
    vm.stretch(0.5)
    high = vm.scale.high
    desk.market.update_bar(last._replace(high=last.close * 3))
    desk.frames.tick()
    assert vm.scale.high == high
    vm.fit_prices()
    assert vm.scale.high > float(last.close) * 3


def test_the_countdown_ends_with_the_bar(desk: ChartDesk) -> None:
    vm = opened(desk)
    assert vm.countdown == "10:00"
    desk.clock.advance(599)
    assert vm.countdown == "00:01"
    # A market without a trade since: the next interval counts down.
    desk.clock.advance(1)
    assert vm.countdown == "15:00"


def test_the_readout_tells_a_bar_and_its_change_since_the_one_before(desk: ChartDesk) -> None:
    desk.market.set_bars([bar(0, "100"), bar(1, "110", volume="12.5")])
    readout = desk.open().readout()
    assert readout is not None
    assert dict(readout.values) == {"O": "109.0", "H": "112.0", "L": "107.0", "C": "110.0", "V": "12.5 BTC"}
    assert readout.change.startswith("▲ +10.00")
    assert readout.direction == 1


def test_bars_that_count_ticks_say_so(desk: ChartDesk) -> None:
    session = desk.sessions.sessions["kraken"]
    session.info = FakeInfo(replace(EVERYTHING, bars_count_ticks=True))
    desk.market.set_bars([bar(0, "100", volume="12")])
    readout = desk.open().readout()
    assert readout is not None
    assert dict(readout.values)["V"] == "12 ticks"


def test_there_is_no_readout_of_a_bar_to_come(desk: ChartDesk) -> None:
    vm = opened(desk)
    assert vm.readout(vm.bars.count) is None
    assert vm.time_text(vm.bars.count + 3)


@pytest.mark.parametrize(
    ("seconds", "short", "long"),
    [(60, "1m", "1 minute"), (900, "15m", "15 minutes"), (14400, "4h", "4 hours"), (604800, "1w", "1 week"),
     (1296000, "15d", "15 days")],
)  # fmt: skip
def test_intervals_in_words(seconds: int, short: str, long: str) -> None:
    assert (interval_text(seconds), interval_text(seconds, long=True)) == (short, long)


# -- older bars ---------------------------------------------------------------------------------------


def test_scrolling_back_loads_older_bars_and_stays_where_one_looks(desk: ChartDesk) -> None:
    async def main() -> None:
        bars = lifelike_bars(700, 900, desk.clock.wall_ns())
        desk.market.set_bars(bars[400:], complete=False)
        desk.market.older = [bars[:400]]
        vm = desk.open()
        desk.frames.tick()
        vm.go_to_first()
        time_at = vm.bars.times[10]
        x = vm.viewport.x_of(10)
        desk.frames.tick()
        await eventually(lambda: len(desk.market.bars(BTC, 900).bars) == 700)
        desk.frames.tick()
        assert vm.bars.times[410] == time_at
        assert vm.viewport.x_of(410) == pytest.approx(x)
        assert vm.history_note == ""
        vm.go_to_first()
        desk.frames.tick()
        await eventually(lambda: desk.market.bars(BTC, 900).complete)
        desk.frames.tick()
        assert "Kraken has no older bars. Its history begins" in vm.history_note
        loads = len(desk.market.loads)
        vm.pan(50)
        desk.frames.tick()
        assert len(desk.market.loads) == loads

    run(main())


def test_a_failed_load_is_said_and_tried_again_later_only(desk: ChartDesk) -> None:
    async def main() -> None:
        desk.market.set_bars(lifelike_bars(300, 900, desk.clock.wall_ns()), complete=False)
        desk.market.load_error = VenueUnavailable("kraken")
        vm = desk.open()
        desk.frames.tick()
        vm.go_to_first()
        desk.frames.tick()
        await eventually(lambda: desk.market.loads)
        await eventually(lambda: bool(_noted(desk, vm)))
        assert "did not load" in vm.history_note
        for _ in range(5):
            vm.pan(-1)
            desk.frames.tick()
        assert len(desk.market.loads) == 1
        desk.market.load_error = None
        desk.clock.advance(11)
        vm.pan(1)
        desk.frames.tick()
        await eventually(lambda: len(desk.market.loads) == 2)

    run(main())


def _noted(desk: ChartDesk, vm: ChartViewModel) -> str:
    desk.frames.tick()
    return vm.history_note


# -- proposing ----------------------------------------------------------------------------------------


def test_the_menu_says_in_plain_words_what_can_be_placed(desk: ChartDesk) -> None:
    vm = opened(desk)
    book = desk.market.book(BTC)
    assert book is not None
    assert book.best_bid is not None
    assert book.best_ask is not None
    below = vm.trading.snapped(float(book.best_bid.price) - 500)
    above = vm.trading.snapped(float(book.best_ask.price) + 500)
    assert below is not None
    assert above is not None
    words = [entry.text.split(" at ")[0] for entry in vm.trading.menu_at(below)]
    assert words == ["Buy limit 0.05", "Sell stop 0.05"]
    words = [entry.text.split(" at ")[0] for entry in vm.trading.menu_at(above)]
    assert words == ["Buy stop 0.05", "Sell limit 0.05"]


def test_choosing_fills_the_ticket_and_sends_nothing(desk: ChartDesk) -> None:
    vm = opened(desk)
    proposed: list[object] = []
    used: list[bool] = []
    vm.ticket_proposed.connect(lambda *what: proposed.append(what))
    vm.hint_used.connect(lambda: used.append(True))
    assert "practice order" in vm.hint
    vm.propose(vm.trading.menu_at(D("50000.0"))[0])
    assert proposed == [(Side.BUY, OrderType.LIMIT, D("50000.0"))]
    assert desk.gate.sent == []
    assert (vm.hint, used) == ("", [True])


def test_a_menu_without_a_usable_size_still_proposes_the_price(desk: ChartDesk) -> None:
    vm = opened(desk)
    desk.sizes.size = None
    assert vm.trading.menu_at(D("50000.0"))[0].text == "Buy limit at 50 000.0".replace(" 000", "\u202f000")


def test_no_hint_over_own_lines(desk: ChartDesk) -> None:
    vm = opened(desk)
    assert vm.hint
    desk.gate.add(limit(Side.BUY, "100"))
    desk.pass_time(0.1)
    assert vm.trading.lines
    assert vm.hint == ""


def test_no_hint_where_there_is_no_account(qtbot: QtBot) -> None:
    desk = ChartDesk(Mode.PUBLIC)
    assert opened(desk).hint == ""


def test_a_price_snaps_to_the_grid_and_never_to_zero(desk: ChartDesk) -> None:
    vm = opened(desk)
    assert vm.trading.snapped(64120.1449) == D("64120.1")
    assert vm.trading.snapped(-5.0) == D("0.1")


# -- own orders ---------------------------------------------------------------------------------------


def test_orders_at_one_price_share_a_line_and_ended_ones_have_none(desk: ChartDesk) -> None:
    vm = opened(desk)
    for _ in range(3):
        desk.gate.add(limit(Side.BUY, "60000"))
    gone = desk.gate.add(limit(Side.SELL, "70000"))
    desk.gate.settle(gone, OrderState.CANCELED)
    desk.frames.tick()
    assert [line.chip.text for line in vm.trading.lines] == ["3 · 0.75"]
    assert vm.trading.lines[0].price == D("60000")


def test_an_amend_without_an_answer_stands_at_its_new_price_hatched(desk: ChartDesk) -> None:
    vm = opened(desk)
    order = desk.gate.add(limit(Side.BUY, "60000"))
    order.amend_pending = AmendRequest(limit_price=D("60500.0"))
    desk.gate.changed.notify(order)
    desk.frames.tick()
    line = vm.trading.lines[0]
    assert (line.price, line.old_price, line.chip.waiting) == (D("60500.0"), D("60000"), True)


def test_a_stop_limit_shows_its_trigger_and_its_limit(desk: ChartDesk) -> None:
    vm = opened(desk)
    desk.gate.add(
        OrderRequest(
            BTC, Side.SELL, OrderType.STOP_LIMIT, D("0.5"), limit_price=D("59000"), trigger_price=D("60000")
        )
    )
    desk.frames.tick()
    assert (vm.trading.lines[0].price, vm.trading.lines[0].limit) == (D("60000"), D("59000"))


def test_a_dragged_line_is_shown_before_it_is_sent_and_then_amended(desk: ChartDesk) -> None:
    async def main() -> None:
        vm = opened(desk)
        desk.gate.add(limit(Side.BUY, "60000"))
        desk.frames.tick()
        trading = vm.trading
        trading.drag(trading.lines[0], D("60010.0"))
        assert trading.ghost is not None
        assert "+100 ticks" in trading.ghost.text
        assert "loses place" in trading.ghost.detail
        trading.drop()
        assert trading.sending.pending is not None
        assert trading.ghost is not None, "it stays in sight until the question is answered"
        assert desk.gate.amended == []
        trading.sending.confirm()
        await eventually(lambda: desk.gate.amended)
        assert desk.gate.amended == [("c1", AmendRequest(limit_price=D("60010.0")))]
        assert trading.ghost is None

    run(main())


def test_with_one_click_and_no_confirmation_wished_a_drop_sends_at_once(desk: ChartDesk) -> None:
    async def main() -> None:
        vm = opened(desk, confirms=False)
        desk.gate.arming.set(ArmState.ONE_CLICK)
        desk.gate.add(limit(Side.BUY, "60000"))
        desk.frames.tick()
        vm.trading.nudge(vm.trading.lines[0], -2)
        vm.trading.drop()
        await eventually(lambda: desk.gate.amended)
        assert desk.gate.amended[0][1].limit_price == D("59999.8")

    run(main())


def test_reverting_a_drag_sends_nothing(desk: ChartDesk) -> None:
    vm = opened(desk)
    desk.gate.add(limit(Side.BUY, "60000"))
    desk.frames.tick()
    vm.trading.drag(vm.trading.lines[0], D("60010.0"))
    vm.trading.revert()
    vm.trading.drop()
    assert vm.trading.ghost is None
    assert desk.gate.amended == []


@pytest.mark.parametrize("case", ["across", "stale"])
def test_a_drop_that_must_not_be_sent_says_why(desk: ChartDesk, case: str) -> None:
    vm = opened(desk)
    desk.gate.add(limit(Side.BUY, "60000"))
    if case == "stale":
        desk.market.set_bar_state(FeedState.STALE)
    desk.frames.tick()
    vm.trading.drag(vm.trading.lines[0], D("90000") if case == "across" else D("60001"))
    vm.trading.drop()
    assert vm.trading.sending.pending is None
    assert vm.trading.ghost is None
    result = vm.trading.sending.result
    assert result is not None
    assert ("fill at once" if case == "across" else "not live") in result.text


def test_a_stop_line_is_moved_where_the_venue_changes_stop_orders(desk: ChartDesk) -> None:
    vm = opened(desk)
    session = desk.sessions.sessions["kraken"]

    async def main() -> None:
        desk.gate.add(OrderRequest(BTC, Side.SELL, OrderType.STOP, D("0.5"), trigger_price=D("60000")))
        desk.frames.tick()
        for kinds, says in (
            (frozenset({OrderType.LIMIT}), "cannot change a stop order: cancel it"),
            (frozenset({OrderType.LIMIT, OrderType.STOP}), ""),
        ):
            session.info = FakeInfo(replace(EVERYTHING, amend_types=kinds, bar_intervals_s=(900,)))
            desk.sessions.changed.notify("kraken")
            desk.frames.tick()
            vm.trading.drag(vm.trading.lines[0], D("59990"))
            vm.trading.drop()
            if says:
                assert vm.trading.sending.result is not None
                assert says in vm.trading.sending.result.text
                assert vm.trading.sending.pending is None
        vm.trading.sending.confirm()
        await eventually(lambda: desk.gate.amended)
        assert desk.gate.amended == [("c1", AmendRequest(trigger_price=D("59990")))]

    run(main())


@pytest.mark.parametrize("along", [True, False])
def test_stop_and_target_move_with_their_order_where_the_venue_changes_them_with_it(
    along: bool, desk: ChartDesk
) -> None:
    vm = opened(desk)
    session = desk.sessions.sessions["kraken"]
    session.info = FakeInfo(replace(EVERYTHING, amend_protections=along, bar_intervals_s=(900,)))
    desk.sessions.changed.notify("kraken")

    async def main() -> None:
        order = desk.gate.add(limit(Side.BUY, "60000"))
        order.protection = Protection(D("59000"), D("62000"))
        desk.gate.changed.notify(order)
        desk.frames.tick()
        vm.trading.drag(vm.trading.lines[0], D("59990"))
        vm.trading.drop()
        vm.trading.sending.confirm()
        await eventually(lambda: desk.gate.amended)
        moved = Protection(D("58990"), D("61990")) if along else None
        assert desk.gate.amended == [("c1", AmendRequest(limit_price=D("59990"), protection=moved))]

    run(main())


def test_a_limit_dragged_beyond_its_own_stop_is_refused_before_anybody_is_asked(desk: ChartDesk) -> None:
    vm = opened(desk)
    session = desk.sessions.sessions["kraken"]
    session.info = FakeInfo(replace(EVERYTHING, amend_protections=False, bar_intervals_s=(900,)))
    desk.sessions.changed.notify("kraken")
    order = desk.gate.add(limit(Side.BUY, "60000"))
    order.protection = Protection(D("59000"))
    desk.gate.changed.notify(order)
    desk.frames.tick()
    trading = vm.trading
    trading.drag(trading.lines[0], D("58990"))
    trading.drop()
    assert trading.sending.pending is None
    assert trading.ghost is None
    assert trading.sending.result is not None
    assert trading.sending.result.text == (
        "Not changed: The stop loss of a long position has to be below 58990."
    )


def test_what_became_of_an_order_does_not_stand_on_the_chart_for_good(desk: ChartDesk) -> None:
    vm = opened(desk)
    vm.trading.sending.tell("Not sent: no.")
    desk.pass_time(7)
    desk.market.update_bar(desk.market.bars(BTC, 900).bars[-1])
    desk.frames.tick()
    assert vm.trading.sending.result is not None
    desk.pass_time(2)
    desk.market.update_bar(desk.market.bars(BTC, 900).bars[-1])
    desk.frames.tick()
    assert vm.trading.sending.result is None


def test_canceling_works_with_stale_prices_and_on_view(desk: ChartDesk) -> None:
    async def main() -> None:
        vm = opened(desk)
        desk.gate.add(limit(Side.BUY, "60000"))
        desk.gate.add(limit(Side.BUY, "60000"))
        desk.market.set_bar_state(FeedState.STALE)
        desk.gate.arming.set(ArmState.VIEW)
        desk.frames.tick()
        vm.trading.cancel(vm.trading.lines[0], "c2")
        await eventually(lambda: desk.gate.canceled)
        assert desk.gate.canceled == ["c2"]

    run(main())


def test_the_prices_hold_still_while_a_line_is_dragged(desk: ChartDesk) -> None:
    vm = opened(desk)
    desk.gate.add(limit(Side.BUY, "60000"))
    desk.frames.tick()
    vm.trading.drag(vm.trading.lines[0], D("60010.0"))
    high, last = vm.scale.high, desk.market.bars(BTC, 900).bars[-1]
    desk.market.update_bar(last._replace(high=last.high * 2))
    desk.frames.tick()
    assert vm.scale.high == high
    vm.trading.revert()
    desk.market.update_bar(last._replace(high=last.high * 3))
    desk.frames.tick()
    assert vm.scale.high > high


def test_the_result_of_one_order_does_not_drop_another_that_is_dragged(desk: ChartDesk) -> None:
    vm = opened(desk)
    desk.gate.add(limit(Side.BUY, "60000"))
    desk.frames.tick()
    vm.trading.drag(vm.trading.lines[0], D("60010.0"))
    vm.trading.sending.tell("another order's answer")
    assert vm.trading.ghost is not None


# -- own fills ----------------------------------------------------------------------------------------


def test_fills_stand_on_the_bar_in_which_they_were(desk: ChartDesk) -> None:
    vm = opened(desk)
    bars = desk.market.bars(BTC, 900).bars
    order = desk.gate.add(limit(Side.BUY, "60000"), OrderState.FILLED)
    desk.gate.fill(order, "60000", "0.05", bars[-3].open_ns + 5 * SECOND)
    desk.frames.tick()
    assert [(mark.bar, mark.side) for mark in vm.trading.marks] == [(len(bars) - 3, Side.BUY)]
    assert vm.trading.marks[0].text.startswith("Bought 0.05 at")


def test_fills_of_another_account_never_stand_on_this_chart(desk: ChartDesk) -> None:
    vm = opened(desk)
    order = desk.gate.add(limit(Side.BUY, "60000"), OrderState.FILLED)
    order.account = "kraken:live"
    desk.gate.fill(order, "60000", "0.05", desk.clock.wall_ns())
    del desk.gate.orders[desk.gate.add(limit(Side.BUY, "1")).client_order_id]
    desk.frames.tick()
    assert vm.trading.marks == []
