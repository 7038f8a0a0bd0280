"""Venues side by side: figures, freshness, money, words and what a click does, over three venues."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from terminal.domain.account import FeeRates
from terminal.domain.contracts import ContractOffer
from terminal.domain.instrument import Instrument, InstrumentKind, MarketStatus
from terminal.domain.market import FeedKind, Side
from terminal.domain.schedule import SessionHours, TradingSchedule
from terminal.services.market_data import FeedState
from terminal.services.session import Mode, SessionState
from terminal.viewmodels.cross_venue import REFRESH_NS, SAMPLES
from terminal.viewmodels.cross_venue_rows import RowState, opening_text
from terminal.widgets.controls import ElidedLabel
from tests.gui.venue_fakes import BROKER, ETH, KRAKEN, OKX, PERP, START_NS, TETHER, Ticket, World, listing

D = Decimal


@pytest.fixture
def world(qtbot: QtBot, tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_venue_and_kind_has_a_row_with_its_own_fee(world: World) -> None:
    vm = world.look()
    assert [row.venue_text for row in vm.model.rows] == ["Kraken spot", "OKX spot", "OKX perp", "cTrader CFD"]
    kraken, okx, perp, broker = vm.model.rows
    assert (kraken.average, kraken.fee, kraken.total) == (D(100000), D(4), D(1004))
    assert (okx.fee, okx.total) == (D("0.9999"), D("1000.8999"))
    # 0.01 BTC is one contract of 0.01 BTC.
    assert (perp.fee, perp.total) == (D("1.0001"), D("1001.1001"))
    assert (broker.fee, broker.total) == (D(0), D(1001))
    assert [row.is_best for row in vm.model.rows] == [False, True, False, False]
    assert kraken.difference_bps is not None
    assert round(kraken.difference_bps, 2) == D("30.97")
    assert vm.summary == "OKX spot cheaper by 1.0 bps after fees (USDT 1:1 assumed)"
    assert vm.summary_short == "OKX spot −1.0 bps"
    assert vm.question_text == "Buy 0.01 BTC"
    assert vm.missing == ()


def test_selling_is_best_where_it_brings_most(world: World) -> None:
    vm = world.look()
    vm.set_side(Side.SELL)
    world.pass_time()
    assert vm.side is Side.SELL
    assert world.row(PERP).is_best
    assert world.row(PERP).total == D("999.0899100") + 0
    assert world.row(KRAKEN).difference_bps is not None
    assert vm.summary.startswith("OKX perp pays more by")
    assert vm.summary_short.startswith("OKX perp +")
    assert vm.question_text == "Sell 0.01 BTC"


def test_the_price_is_walked_level_by_level(world: World) -> None:
    world.market.set_book(KRAKEN, [("99999", "1")], [("100000", "0.004"), ("100010", "0.006")])
    vm = world.look()
    assert world.row(KRAKEN).average == D("100006")
    world.market.set_book(KRAKEN, [("99999", "1")], [("100000", "0.004")])
    world.pass_time()
    row = world.row(KRAKEN)
    assert (row.state, row.state_text, row.total) == (RowState.THIN, "thin: 40 %", None)
    assert not row.is_best
    assert vm.summary.startswith("OKX spot cheaper")


def test_a_venue_with_quotes_alone_counts_what_is_offered_at_its_best_price(world: World) -> None:
    world.market.set_state(BROKER, FeedState.UNSUPPORTED)
    world.market.set_quote(BROKER, "99900", "100100", "5")
    world.look()
    assert world.row(BROKER).total == D(1001)
    world.market.set_quote(BROKER, "99900", "100100", "0.005")
    world.pass_time()
    assert world.row(BROKER).state_text == "thin: 50 %"
    world.market.set_quote(BROKER, "99900", "100100", None)
    world.pass_time()
    assert world.row(BROKER).state_text == "thin: no depth"


def test_a_live_rate_turns_the_substitute_into_the_dollar(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(tmp_path, (KRAKEN, OKX, TETHER))
    world.market.set_quote(TETHER, "0.9979", "0.9981")
    vm = world.look()
    row = world.row(OKX)
    assert row.total == D("999.9") * D("0.998") * D("1.001")
    assert row.conversion == "1 USDT = 0.998 USD, middle of USDT/USD at Kraken"
    assert not row.assumed
    assert "assumed" not in vm.summary
    assert ("kraken", "USDT/USD", FeedKind.QUOTES) in world.market.watched
    # The rate grows old: it is not used, and that is said.
    world.market.quote_states[TETHER.id] = FeedState.STALE
    world.pass_time()
    row = world.row(OKX)
    assert row.assumed
    assert row.state_text == "USDT 1:1 assumed"
    assert "1:1 assumed" in vm.summary


def test_money_of_another_family_without_a_rate_is_not_compared(world: World) -> None:
    euro = listing("okx", "BTC/EUR")
    world.market.tell(euro)
    world.market.set_book(euro, [("89999", "5")], [("90000", "5")])
    world.twins.move([OKX.id, PERP.id], "")
    world.twins.move([euro.id], "BTC/USD")
    world.look()
    row = world.row(euro)
    assert (row.state, row.state_text) == (RowState.OTHER_MONEY, "no EUR/USD rate")
    assert row.total is None
    rate = listing("ctrader", "EUR/USD")
    world.market.tell(rate)
    world.market.set_quote(rate, "1.09", "1.11")
    world.vm.set_visible(False)
    world.look()
    assert world.row(euro).total == D(900) * D("1.10") * D("1.001")


def test_an_unknown_fee_is_never_taken_for_none(world: World) -> None:
    world.fees.rates["okx"] = None
    vm = world.look()
    assert not vm.after_fees
    assert world.row(KRAKEN).total == D(1000)
    assert "before fees" in vm.summary
    assert "not known" in vm.summary_tip


def test_the_least_fee_and_the_rate_by_volume_count(world: World) -> None:
    world.fees.rates["ctrader"] = FeeRates(D(0), D(0), per_unit=D(3), minimum=D("2"))
    world.look()
    assert world.row(BROKER).fee == D(2)
    world.ticket.quantity = D(1)
    world.pass_time()
    assert world.row(BROKER).fee == D(3)


def test_a_stale_venue_drops_out_and_tells_its_age(world: World) -> None:
    vm = world.look()
    assert world.row(OKX).is_best
    world.market.set_state(OKX, FeedState.STALE)
    world.pass_time(12)
    row = world.row(OKX)
    assert (row.state, row.total, row.is_best) == (RowState.STALE, None, False)
    assert row.state_text == "stale 12 s"
    assert row.tone == "muted"
    assert not vm.summary.startswith("OKX spot")
    world.market.set_state(OKX, FeedState.LIVE)
    world.pass_time()
    assert world.row(OKX).is_best


@pytest.mark.parametrize(
    ("state", "words"),
    [(SessionState.OFF, "off"), (SessionState.FAILED, "off")],
)
def test_a_venue_that_is_off_says_so(world: World, state: SessionState, words: str) -> None:
    world.sessions.sessions["okx"].state = state
    world.look()
    assert world.row(OKX).state_text == words


def test_a_closed_market_says_when_it_opens(world: World) -> None:
    never = TradingSchedule("UTC", ())
    world.replace(BROKER, schedule=never)
    world.replace(PERP, status=MarketStatus.POST_ONLY)
    vm = world.look()
    assert world.row(BROKER).state_text == "closed"
    assert world.row(PERP).state_text == "post only"
    assert {row.id for row in vm.model.rows if row.difference_bps is not None} == {KRAKEN.id, OKX.id}
    now = datetime.fromtimestamp(START_NS // 10**9, UTC)
    begins = (now.isoweekday() % 7 * 86_400 + now.hour * 3600 + now.minute * 60 + 2 * 86_400) % (7 * 86_400)
    later = TradingSchedule("UTC", (SessionHours(begins, begins + 60),))
    world.replace(BROKER, schedule=later)
    world.pass_time()
    opens = later.next_open_ns(START_NS)
    assert opens is not None
    assert world.row(BROKER).state_text == f"closed until {opening_text(opens, START_NS)}"


def test_practice_prices_are_never_compared_with_real_ones(world: World) -> None:
    world.sessions.sessions["okx"].mode = Mode.PRACTICE
    world.sessions.sessions["ctrader"].mode = Mode.PUBLIC
    world.look()
    assert world.row(OKX).state is RowState.OTHER_WORLD
    assert world.row(OKX).state_text == "practice prices"
    assert world.row(BROKER).state is RowState.LIVE


@pytest.fixture
def inverse(world: World) -> Instrument:
    """100 dollars a contract at OKX, called a twin; at 100 000 a thousand of them are 0.01 BTC."""
    found = listing("okx", "BTC/USD-PERP", InstrumentKind.PERPETUAL)
    world.replace(found, is_inverse=True, base="USD", quantity_step=D(100), min_quantity=D(100))
    world.market.set_book(found, [("99999", "5000")], [("100000", "500"), ("125000", "5000")])
    world.twins.move([found.id], "BTC/USD")
    return found


def test_an_inverse_contract_that_is_called_a_twin_is_compared_by_coins(
    world: World, inverse: Instrument
) -> None:
    vm = world.look()
    assert vm.question_text == "Buy 0.01 BTC"
    row = world.row(inverse)
    # 500 at 100 000 are 0.005 BTC; the other 0.005 are 625 at 125 000: 1125 for 0.01.
    assert row.state is RowState.LIVE
    assert row.average == D(112_500)
    assert row.total is not None
    assert row.fee is not None
    assert row.total.quantize(D("0.0001")) == D(1125) + row.fee.quantize(D("0.0001"))
    world.ticket.quantity = D("0.0005")
    world.pass_time()
    row = world.row(inverse)
    # 50 dollars.
    assert (row.state, row.state_text) == (RowState.TOO_SMALL, "least 100 USD")
    world.ticket.quantity = D("0.09")
    world.pass_time()
    # 0.005 + 5000 / 125 000 = 0.045 BTC are there.
    assert world.row(inverse).state_text == "thin: 50 %"


def test_an_inverse_contract_in_the_ticket_asks_about_its_coins(world: World, inverse: Instrument) -> None:
    world.selection.select(inverse.id)
    found = world.market.instrument(inverse.id)
    assert found is not None
    world.ticket.instrument, world.ticket.quantity = found, D(1000)
    vm = world.look()
    # 1000 at the best ask of 100 000.
    assert vm.size == D("0.01")
    assert vm.question_text == "Buy 0.01 BTC"
    kraken = world.row(KRAKEN)
    assert kraken.total == D(1004)


def test_a_size_below_the_venue_s_least_is_shown_but_takes_no_part(world: World) -> None:
    world.ticket.quantity = D("0.005")
    world.look()
    row = world.row(PERP)
    assert (row.state, row.state_text) == (RowState.TOO_SMALL, "least 0.01 BTC")
    assert row.total is not None
    assert row.difference_bps is None


def test_the_ticket_s_contracts_become_base_units(world: World) -> None:
    world.selection.select(PERP.id)
    world.ticket.instrument, world.ticket.quantity = PERP, D(3)
    vm = world.look()
    assert vm.size == D("0.03")
    assert world.row(KRAKEN).total == D(3000) * D("1.004")


def test_a_ticket_of_another_market_lends_no_size(world: World) -> None:
    world.ticket.instrument, world.ticket.quantity = ETH, D(7)
    assert world.look().size == D("0.01")
    world.ticket.instrument, world.ticket.quantity = KRAKEN, None
    world.pass_time()
    assert world.vm.size is None
    assert world.vm.summary == "Enter a size in the ticket"
    assert world.row(KRAKEN).state_text == "no size"


def test_a_click_chooses_the_venue_and_the_row_stays_where_it_is(world: World) -> None:
    vm = world.look()
    before = [row.id for row in vm.model.rows]
    vm.choose(OKX.id)
    assert world.selection.instrument == OKX.id
    world.pass_time()
    assert [row.id for row in vm.model.rows] == before
    assert [row.chosen for row in vm.model.rows] == [False, True, False, False]


def test_a_click_carries_the_compared_quantity_over(world: World, inverse: Instrument) -> None:
    world.ticket.quantity = D("0.07")

    def follow() -> None:
        if world.selection.instrument is not None and world.ticket.instrument is not None:
            if world.selection.instrument != world.ticket.instrument.id:
                # As a ticket does: another instrument begins with the usual small size.
                world.ticket.quantity = D("0.01")
            world.ticket.instrument = world.market.instrument(world.selection.instrument)

    world.selection.changed.watch(follow)
    vm = world.look()
    for each, units in ((OKX, "0.07"), (PERP, "7"), (BROKER, "0.07"), (inverse, "7000"), (KRAKEN, "0.07")):
        vm.choose(each.id)
        assert world.ticket.quantity == D(units), each.id
        world.pass_time()
        assert vm.size == D("0.07"), each.id
    world.ticket.quantity = D("0.05")
    vm.choose(KRAKEN.id)
    assert world.ticket.quantity == D("0.05"), "what is there already is left alone"


def test_a_click_leaves_a_ticket_of_another_group_alone(world: World) -> None:
    vm = world.look()
    world.ticket.quantity = D("0.5")
    vm.choose(PERP.id)
    assert world.ticket.quantity == D("0.5")


def test_what_was_chosen_at_a_venue_stays_its_row(world: World) -> None:
    other = listing("kraken", "BTC/USDT")
    world.market.tell(other)
    world.market.set_book(other, [("99995", "5")], [("99996", "5")])
    vm = world.look()
    assert KRAKEN.id in [row.id for row in vm.model.rows]
    world.selection.select(other.id)
    world.selection.select(OKX.id)
    assert other.id in [row.id for row in vm.model.rows]
    assert KRAKEN.id not in [row.id for row in vm.model.rows]


def test_without_a_viewer_nothing_is_watched_or_worked_out(world: World) -> None:
    assert world.market.watched == []
    reads = world.market.reads
    world.fill_books()
    world.selection.select(ETH.id)
    world.selection.select(KRAKEN.id)
    world.pass_time()
    assert (world.market.reads, world.market.watched) == (reads, [])
    vm = world.look()
    vm.set_visible(True, "strip")
    assert len(world.market.watched) == 8
    vm.set_visible(False)
    assert len(world.market.watched) == 8
    vm.set_visible(False, "strip")
    assert world.market.watched == []


def test_it_is_built_at_most_ten_times_a_second(world: World) -> None:
    vm = world.look()
    built: list[object] = []
    vm.changed.connect(lambda: built.append(1))
    for at in range(50):
        world.market.set_book(KRAKEN, [("99999", "1")], [(str(100000 + at), "5")])
        world.clock.advance(REFRESH_NS / 1e9 / 10)
        world.frames.tick()
    assert 4 <= len(built) <= 6


def test_the_line_keeps_one_difference_a_second_until_the_question_changes(world: World) -> None:
    vm = world.look()
    for _ in range(25):
        world.pass_time(0.2)
    assert 5 <= len(world.row(KRAKEN).spark) <= 7
    for _ in range(SAMPLES + 20):
        world.pass_time(1)
    assert len(world.row(KRAKEN).spark) == SAMPLES
    world.ticket.quantity = D("0.02")
    world.pass_time(1)
    assert len(world.row(KRAKEN).spark) == 1
    assert vm.model.rows[0].spark_text == ""


def test_a_venue_that_lists_it_later_joins(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(tmp_path, (KRAKEN,))
    vm = world.look()
    assert vm.summary == "No other venue here trades it"
    assert vm.missing_text == "No match on OKX, cTrader"
    world.market.tell(OKX)
    world.market.set_book(OKX, [("99989", "5")], [("99990", "5")])
    world.frames.tick()
    assert [row.venue_title for row in vm.model.rows] == ["Kraken", "OKX"]
    assert vm.missing_text == "No match on cTrader"


def test_a_venue_of_contracts_trades_it_but_has_no_size_to_compare(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(tmp_path, (KRAKEN,))
    vm = world.look()
    offer = ContractOffer("USD", D(90), D(1), None, (60,), (60,))
    world.market.tell(replace(listing("ctrader", "BTC/USD", InstrumentKind.CONTRACT), offer=offer))
    world.pass_time(6)
    assert vm.missing_text == "No match on OKX  ·  cTrader: contracts, nothing to compare in size"
    assert [row.venue_title for row in vm.model.rows] == ["Kraken"]


def test_where_there_is_no_room_fewer_words_are_shown(qtbot: QtBot) -> None:
    label = ElidedLabel("OKX perp cheaper by 2.0 bps after fees")
    qtbot.addWidget(label)
    short = ElidedLabel("OKX perp −2.0 bps")
    qtbot.addWidget(short)
    label.set_short(short.text())
    for each in (label, short):
        each.resize(160, 20)
    assert label.grab().toImage() == short.grab().toImage()
    for each in (label, short):
        each.resize(400, 20)
    assert label.grab().toImage() != short.grab().toImage()


def test_nothing_chosen_and_no_live_price_have_words(world: World) -> None:
    vm = world.look()
    world.selection.select(None)
    assert vm.summary == "Choose an instrument"
    assert list(vm.model.rows) == []
    world.selection.select(KRAKEN.id)
    for each in (KRAKEN, OKX, PERP, BROKER):
        world.market.set_state(each, FeedState.STALE)
    world.pass_time()
    assert vm.summary == "No live price to compare"
    world.market.set_state(KRAKEN, FeedState.LIVE)
    world.pass_time()
    assert vm.summary == "Only Kraken spot can be compared now"
    assert world.row(KRAKEN).difference_text == ""
    world.ticket.quantity = D(1000)
    world.pass_time()
    assert vm.summary == "The books are too thin for this size"


def test_equal_totals_are_no_difference(qtbot: QtBot, tmp_path: Path) -> None:
    twin = listing("ctrader", "BTC/USD")
    world = World(tmp_path, (KRAKEN, twin))
    world.market.set_book(twin, [("99999", "5")], [("100000", "5")])
    world.fees.rates["ctrader"] = world.fees.rates["kraken"]
    assert world.look().summary == "No difference after fees"


def test_it_lets_go_of_everything(world: World) -> None:
    vm = world.look()
    vm.close()
    assert world.market.watched == []
    world.ticket = Ticket()
    world.selection.select(ETH.id)
    assert world.market.watched == []
