"""The price of a contract beside another venue's: which one, how far off, how much later; or why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from terminal.core.clock import ManualClock
from terminal.domain.contracts import ContractOffer
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.domain.market import FeedKind, Quote
from terminal.domain.twins import underlying_of
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import Mode, SessionState
from terminal.viewmodels.quote_meter import NO_READING, QuoteMeter
from terminal.widgets.contract_ticket import ContractPanel
from tests.gui.venue_fakes import START_NS, Market, Sessions
from tests.trading_fakes import BTC, Desk
from tests.unit.viewmodels.test_contract_ticket import OFFER, contract, form, start_at
from tests.unit.viewmodels.test_price_lag import walk

D = Decimal
MS = 1_000_000
TITLES = {"kraken": "Kraken", "okx": "OKX", "ctrader": "cTrader", "quotex": "Quotex"}
TERMS = ContractOffer("USD", D(87), D(1), None, timed_s=(), clock_s=(60,))


def fx(venue: str, kind: InstrumentKind, symbol: str = "EUR/USD", quote: str = "USD") -> Instrument:
    return Instrument(
        InstrumentId(venue, symbol), symbol.replace("/", ""), kind, "EUR", quote,
        tick_size=D("0.00001"), quantity_step=D("0.01"), min_quantity=D(1), price_decimals=5,
        pip_size=D("0.0001") if kind is InstrumentKind.CFD else None,
        offer=TERMS if kind is InstrumentKind.CONTRACT else None,
    )  # fmt: skip


OWN = fx("quotex", InstrumentKind.CONTRACT)
BROKER = fx("ctrader", InstrumentKind.CFD)
SPOT = fx("kraken", InstrumentKind.SPOT)
TETHER = fx("okx", InstrumentKind.SPOT, "EUR/USDT", "USDT")


class Bench:
    """A meter over a market that a test moves by hand."""

    def __init__(self, *listed: Instrument) -> None:
        self.market = Market(*listed)
        self.sessions = Sessions(*TITLES)
        self.clock = ManualClock(wall_ns=START_NS)
        self.meter = QuoteMeter(self.market, self.sessions, self.members, self.clock, titles=TITLES)
        self.meter.set_visible(True)

    def members(self, about: str) -> list[Instrument]:
        return [each for each in self.market.listed.values() if str(underlying_of(each)) == about]

    def tell(self, instrument: Instrument, at_ns: int, bid: str, ask: str | None = None) -> None:
        self.market.quotes[instrument.id] = Quote(
            instrument.id, D(bid), None, D(ask or bid), None, D(bid),
            None, None, None, None, None, None, None, at_ns,
        )  # fmt: skip
        self.market.changed.notify(instrument.id, Topic.QUOTE)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)


@pytest.fixture
def bench(qapp: QApplication) -> Iterator[Bench]:
    made = Bench(OWN, BROKER)
    yield made
    made.meter.close()
    assert made.market.watched == []


def test_what_a_venue_prices_itself_has_no_reference(bench: Bench) -> None:
    bench.meter.follow(replace(OWN, offer=replace(TERMS, is_house_quoted=True)))
    assert bench.meter.reading.value == "OTC, no outside reference"
    assert "no market tells" in bench.meter.reading.tip
    assert bench.market.watched == []


def test_closed_markets_are_named_and_nothing_is_measured(bench: Bench) -> None:
    shut = replace(OWN, status=MarketStatus.CLOSED)
    bench.meter.follow(shut)
    assert bench.meter.reading.detail == "Quotex is closed"
    bench.market.listed[BROKER.id] = replace(BROKER, status=MarketStatus.CLOSED)
    bench.pass_time(6)
    assert bench.meter.reading.detail == "both closed"
    bench.market.listed[BROKER.id] = BROKER
    bench.meter.follow(OWN)
    bench.pass_time(6)
    assert bench.meter.reading.detail == "waiting for live prices"


def coin(venue: str, kind: InstrumentKind, base: str = "BTC") -> Instrument:
    return replace(fx(venue, kind), base=base, price_decimals=2, pip_size=None)


def test_currencies_go_by_the_broker_coins_by_the_exchange_the_same_money_first(qapp: QApplication) -> None:
    other = fx("okx", InstrumentKind.CONTRACT)
    bitcoin = coin("quotex", InstrumentKind.CONTRACT, "Bitcoin")
    exchange, house = coin("kraken", InstrumentKind.SPOT), coin("ctrader", InstrumentKind.CFD)
    for own, listed, best in (
        (OWN, (TETHER, BROKER), BROKER),
        (OWN, (SPOT, BROKER), BROKER),
        (OWN, (TETHER, SPOT), SPOT),
        (OWN, (TETHER,), TETHER),
        (OWN, (other,), None),
        (bitcoin, (house, exchange), exchange),
    ):
        bench = Bench(own, *listed)
        bench.meter.follow(own)
        assert bench.meter.reference == best
        bench.meter.close()


def test_without_a_word_for_pips_currencies_still_have_them_and_coins_money(qapp: QApplication) -> None:
    bitcoin, exchange = coin("quotex", InstrumentKind.CONTRACT), coin("kraken", InstrumentKind.SPOT)
    for own, reference, price, text in (
        (OWN, SPOT, "1.16012", "+1.2 pips"),
        (bitcoin, exchange, "1.14750", "−0.01 USD"),
    ):
        bench = Bench(own, reference)
        bench.meter.follow(own)
        bench.tell(reference, START_NS, "1.16000")
        bench.tell(own, START_NS, price)
        bench.pass_time(11)
        assert bench.meter.reading.value == text
        bench.meter.close()


def test_a_price_far_away_is_taken_for_something_else(bench: Bench) -> None:
    bench.meter.follow(OWN)
    bench.tell(BROKER, START_NS, "1.16000")
    bench.tell(OWN, START_NS, "1.07000")
    bench.pass_time(11)
    assert (bench.meter.reading.value, bench.meter.reading.detail) == ("", "not the same price")


def test_without_one_it_says_so_and_looks_again(qapp: QApplication) -> None:
    bench = Bench(OWN)
    bench.meter.follow(OWN)
    assert bench.meter.reading.detail == "no other venue here quotes it"
    bench.market.tell(BROKER)
    bench.pass_time(6)
    assert bench.meter.reading.label == "vs cTrader"
    bench.meter.close()


def test_a_better_reference_that_comes_later_takes_over(qapp: QApplication) -> None:
    bench = Bench(OWN, SPOT)
    bench.meter.follow(OWN)
    assert bench.meter.reading.label == "vs Kraken"
    bench.market.listed[BROKER.id] = BROKER
    bench.pass_time(6)
    assert bench.meter.reading.label == "vs cTrader"
    assert bench.market.watched == [("ctrader", "EUR/USD", FeedKind.QUOTES)]
    bench.meter.close()


def test_practice_and_real_prices_are_never_laid_side_by_side(bench: Bench) -> None:
    bench.sessions.sessions["ctrader"].mode = Mode.PRACTICE
    bench.meter.follow(OWN)
    assert bench.market.watched == []
    bench.sessions.sessions["quotex"].mode = Mode.PRACTICE
    bench.sessions.changed.notify("quotex")
    assert bench.market.watched == [("ctrader", "EUR/USD", FeedKind.QUOTES)]
    bench.sessions.sessions["ctrader"].state = SessionState.CONNECTING
    bench.sessions.changed.notify("ctrader")
    assert bench.market.watched == []


def test_three_points_above_the_middle_are_three_tenths_of_a_pip(bench: Bench) -> None:
    bench.meter.follow(OWN)
    bench.tell(BROKER, START_NS, "1.16000", "1.16006")
    bench.tell(OWN, START_NS, "1.16006")
    bench.pass_time(5)
    assert bench.meter.reading.detail == "measuring…"
    bench.pass_time(6)
    reading = bench.meter.reading
    assert (reading.label, reading.value, reading.detail) == ("vs cTrader", "+0.3 pips", "")
    assert "cannot be told" in reading.tip
    bench.market.quote_states[BROKER.id] = FeedState.STALE
    bench.pass_time(1)
    assert bench.meter.reading.detail == "waiting for live prices"


@pytest.mark.parametrize(("ms", "words"), [(400, "400 ms late"), (-420, "400 ms early"), (20, "in step")])
def test_the_lag_is_read_off_the_moves(bench: Bench, ms: int, words: str) -> None:
    bench.meter.follow(OWN)
    points = walk(90)
    shift = START_NS - points[0][0]
    told = [(at + shift, BROKER, price) for at, price in points]
    told += [(at + shift + ms * MS, OWN, price) for at, price in points]
    for at, which, price in sorted(told, key=lambda each: each[0]):
        bench.tell(which, at, f"{price:.5f}")
    bench.pass_time(90)
    assert bench.meter.reading.value == f"0.0 pips, {words}"
    assert bench.meter.reading.detail == ""


def test_nobody_looks_and_nothing_is_asked_for(bench: Bench) -> None:
    bench.meter.follow(OWN)
    assert bench.market.watched == [("ctrader", "EUR/USD", FeedKind.QUOTES)]
    bench.meter.set_visible(False)
    assert bench.market.watched == []
    bench.meter.set_visible(True)
    assert len(bench.market.watched) == 1
    bench.meter.follow(None)
    assert bench.market.watched == []
    assert bench.meter.reading == NO_READING


def test_a_clock_that_was_set_back_begins_anew(bench: Bench) -> None:
    bench.meter.follow(OWN)
    bench.tell(BROKER, START_NS, "1.16000")
    bench.tell(OWN, START_NS, "1.16003")
    bench.tell(OWN, START_NS - 3600 * 1000 * MS, "1.16009")
    bench.pass_time(20)
    assert bench.meter.reading.detail == "measuring…", "the reference has told nothing since"


def test_the_form_shows_it(qtbot: QtBot) -> None:
    desk = Desk()
    start_at(desk.clock, "12:34:10")
    desk.market.instruments[BTC] = contract(replace(OFFER, is_house_quoted=True))
    meter = QuoteMeter(desk.market, Sessions(), lambda about: [], desk.clock, titles=TITLES)
    vm = form(desk, meter=meter)
    panel = ContractPanel(vm)
    qtbot.addWidget(panel)
    panel.resize(panel.minimumWidth(), 620)
    panel.show()
    name, _, value = panel._figures._cells[4]
    assert (name.text(), value.text()) == ("Price", "OTC, no outside reference")
    assert value.fontMetrics().horizontalAdvance(value.text()) <= value.width()
    vm.close()
    Desk.stop_all()
