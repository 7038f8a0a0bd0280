"""A closed market is told wherever it matters: on the buttons, the chart and the ladder."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.core.clock import ManualClock
from terminal.domain.instrument import MarketStatus
from terminal.domain.market import Side
from terminal.domain.schedule import SessionHours, TradingSchedule
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import SessionState
from terminal.viewmodels import format as fmt
from terminal.viewmodels.book import LadderState
from terminal.viewmodels.market_hours import closed_text
from terminal.widgets.book import LadderPanel
from terminal.widgets.ticket import TicketPanel
from terminal.widgets.venue_strip import Detail, VenueCardWidget
from tests.gui.chart_fakes import ChartDesk, bar
from tests.gui.frame_fakes import BTC as CARD
from tests.gui.frame_fakes import Frame, instrument_of
from tests.gui.test_ladder import FakeSizes
from tests.gui.test_ladder import make as make_ladder
from tests.gui.test_ticket import make as make_ticket
from tests.trading_fakes import BTC, Desk, btc

DAY_S = 86_400
WEEK = TradingSchedule("UTC", (SessionHours(22 * 3600, 5 * DAY_S + 22 * 3600),))
"""Sunday 22:00 to Friday 22:00."""
SATURDAY_NS = int(datetime(2026, 8, 15, 12, tzinfo=UTC).timestamp()) * 1_000_000_000
SUNDAY_NS = SATURDAY_NS + DAY_S * 1_000_000_000


@pytest.mark.parametrize(
    ("status", "schedule", "now_ns", "text"),
    [
        (MarketStatus.CLOSED, WEEK, SATURDAY_NS, "Market closed, opens Sun 22:00"),
        (MarketStatus.CLOSED, WEEK, SUNDAY_NS, "Market closed, opens 22:00"),
        (MarketStatus.CLOSED, None, SUNDAY_NS, "Market closed"),
        (MarketStatus.CLOSED, WEEK, SUNDAY_NS + DAY_S * 1_000_000_000, "Market closed"),
        (MarketStatus.ONLINE, WEEK, SATURDAY_NS, ""),
    ],
)
def test_the_words(status: MarketStatus, schedule: TradingSchedule | None, now_ns: int, text: str) -> None:
    assert closed_text(replace(btc(), status=status, schedule=schedule), now_ns, UTC) == text
    assert closed_text(None, now_ns) == ""


def set_status(desk: Desk, status: MarketStatus) -> None:
    desk.market.instruments[BTC] = replace(btc(), status=status)
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    desk.pass_time(0.2)


def test_buy_and_sell_are_off_and_say_why(qtbot: QtBot) -> None:
    desk, vm = make_ticket()
    widget = TicketPanel(vm)
    qtbot.addWidget(widget)
    widget.show()
    set_status(desk, MarketStatus.CLOSED)
    for button in widget._buttons.values():
        assert not button.isEnabled()
        assert button.toolTip() == "Market closed"
    assert widget._foot.warning.text() == "▲ Market closed", "once, in the line of the ticket"
    set_status(desk, MarketStatus.ONLINE)
    assert all(button.isEnabled() for button in widget._buttons.values())


def test_a_kind_of_order_that_is_not_taken_now_is_off(qtbot: QtBot) -> None:
    desk, vm = make_ticket()
    set_status(desk, MarketStatus.POST_ONLY)
    assert "post-only" in vm.buttons[Side.BUY].reason
    vm.set_flags(post_only=True)
    assert vm.buttons[Side.BUY].reason == ""


def test_the_chart_counts_no_bar_down(qtbot: QtBot) -> None:
    desk = ChartDesk()
    desk.market.set_bars([bar(0, "100"), bar(1, "110")])
    vm = desk.open()
    assert ":" in vm.countdown
    vm.instrument = replace(btc(), status=MarketStatus.CLOSED, schedule=WEEK)
    assert vm.countdown == "closed"
    assert vm.closed_text.startswith("Market closed")


def test_the_ladder_says_that_the_market_is_closed(qtbot: QtBot) -> None:
    desk, vm = make_ladder()
    widget = LadderPanel(vm)
    qtbot.addWidget(widget)
    widget.show()
    set_status(desk, MarketStatus.CLOSED)
    assert vm.reason == "Market closed."
    desk.market.set_state(FeedState.STALE)
    desk.pass_time(0.2)
    assert vm.state is LadderState.STALE
    assert vm.reason == "Market closed.", "not that the book is stale, which it has to be"
    set_status(desk, MarketStatus.ONLINE)
    assert "stale" in vm.reason


def test_a_narrow_ladder_says_closed_where_there_is_no_room_for_more(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeSizes, "size_text", lambda self: "")
    desk, vm = make_ladder()
    set_status(desk, MarketStatus.CLOSED)
    vm.changed.emit()
    widget = LadderPanel(vm)
    qtbot.addWidget(widget)
    widget.show()
    for width, said in ((700, "market closed"), (widget.minimumSizeHint().width(), "closed")):
        widget.resize(width, 400)
        QApplication.processEvents()
        assert widget._size.text() == said
        assert widget._size.fontMetrics().horizontalAdvance(said) <= widget._size.width()


def test_a_closed_market_has_no_age_on_its_card(qtbot: QtBot, qapp: QApplication) -> None:
    frame = Frame(clock=ManualClock(wall_ns=SATURDAY_NS))
    card = VenueCardWidget()
    qtbot.addWidget(card)

    def show(status: MarketStatus, schedule: TradingSchedule | None = WEEK) -> list[str]:
        frame.market.listed[CARD] = replace(instrument_of(CARD), status=status, schedule=schedule)
        frame.market.changed.notify(CARD, Topic.INSTRUMENT)
        frame.tick()
        card.show_card(frame.connections.cards[0])
        return [part.text() for part in (card.state, card.opens) if not part.isHidden()]

    assert show(MarketStatus.ONLINE) == [fmt.age(0.2)]
    said = show(MarketStatus.CLOSED)
    assert said == ["BTC/USD closed", closed_text(frame.market.listed[CARD], SATURDAY_NS).partition(", ")[2]]
    assert said[1].startswith("opens "), said
    assert "market closed, opens" in card.toolTip()
    assert not frame.connections.cards[0].age
    # The foot's tip is about the link, which does have an age.
    tip = frame.status.venues[0].tip
    assert f"Last data: {fmt.age(0.2)} ago" in tip
    assert "BTC/USD: market closed, opens" in tip
    card.show_detail(Detail.BARE)
    assert [card.state.text(), card.opens.isHidden()] == ["live", True], "the venue itself is not closed"
    card.show_detail(Detail.FULL)
    assert show(MarketStatus.CLOSED, None) == ["BTC/USD closed"]
    assert card.symbol.isHidden(), "it is named once"
    # The link is down: that is what matters, whatever the hours are.
    frame.sessions.sessions["kraken"].state = SessionState.RECONNECTING
    assert show(MarketStatus.CLOSED)[0] == "reconnecting"
    frame.sessions.sessions["kraken"].state = SessionState.LIVE
    assert show(MarketStatus.ONLINE) == [fmt.age(0.2)]
    frame.frames.stop()
