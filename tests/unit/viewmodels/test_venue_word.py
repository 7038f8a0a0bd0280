"""What the venue says of its people and suggests, beside the contract form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtWidgets import QApplication

from terminal.domain.contracts import NS, ExpiryMode
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.venues.base import Sentiment, VenueSignal
from terminal.viewmodels.contract_ticket import STAKE, ContractTicketViewModel
from terminal.viewmodels.venue_word import Crowd, Suggestion
from tests.trading_fakes import BTC, ETH, Desk
from tests.unit.viewmodels.test_contract_ticket import OFFER, contract, form, start_at

D = Decimal


class FakeTalk:
    """What a venue says, set by hand; writes down what is watched."""

    def __init__(self) -> None:
        self.watched: list[str] = []
        self.asked: list[str] = []
        self.live = True
        self.suggests = True
        self.told: dict[InstrumentId, Sentiment] = {}
        self.suggested: dict[str, VenueSignal] = {}

    def is_live(self, venue: str) -> bool:
        return self.live

    def watch_sentiment(self, instrument: InstrumentId) -> Callable[[], None]:
        return self._watch(f"people {instrument.symbol}")

    def sentiment(self, instrument: InstrumentId) -> Sentiment | None:
        return self.told.get(instrument)

    def has_signals(self, venue: str) -> bool:
        return self.suggests

    def watch_signals(self, venue: str) -> Callable[[], None]:
        return self._watch(f"signals {venue}")

    def signals(self, venue: str) -> Mapping[str, VenueSignal]:
        return self.suggested

    def _watch(self, what: str) -> Callable[[], None]:
        self.watched.append(what)
        self.asked.append(what)
        return lambda: self._leave(what)

    def _leave(self, what: str) -> None:
        self.watched.remove(what)
        if not self.watched:
            self.asked.append("nothing")


@pytest.fixture
def desk(qapp: QApplication) -> Iterator[Desk]:
    desk = Desk()
    start_at(desk.clock, "12:34:10")
    desk.market.instruments[BTC] = contract()
    desk.market.instruments[ETH] = replace(contract(), id=ETH, venue_symbol="ETHUSD_otc", base="ETH")
    yield desk
    Desk.stop_all()


def ends_in(desk: Desk, seconds: int, side: Side = Side.SELL, length_s: int = 300) -> VenueSignal:
    now_ns = desk.clock.wall_ns()
    return VenueSignal(side, length_s, now_ns + seconds * NS, now_ns)


def in_sight(desk: Desk, talk: FakeTalk, **rest: object) -> ContractTicketViewModel:
    vm = form(desk, talk=talk, **rest)
    vm.set_visible(True)
    return vm


def crowd(vm: ContractTicketViewModel) -> Crowd | None:
    return vm.crowd


def no_suggestion(vm: ContractTicketViewModel) -> str:
    return vm.no_suggestion_text


def is_stale(vm: ContractTicketViewModel) -> bool:
    return vm.crowd is not None and vm.crowd.is_stale


def suggestion(vm: ContractTicketViewModel) -> Suggestion | None:
    return vm.suggestion


def test_it_is_followed_only_while_the_form_is_in_sight(desk: Desk) -> None:
    talk = FakeTalk()
    vm = form(desk, talk=talk)
    assert talk.watched == [], "not shown yet"
    vm.set_visible(True)
    assert talk.watched == ["people BTC/USD", "signals kraken"]
    desk.selection.select(ETH)
    assert talk.watched == ["people ETH/USD", "signals kraken"]
    assert "nothing" not in talk.asked, "the signals of the venue are not left and asked for again"
    vm.set_visible(False)
    assert talk.watched == []
    vm.set_visible(True)
    vm.close()
    assert talk.watched == []


def test_whose_people_how_many_and_how_long_ago(desk: Desk) -> None:
    talk = FakeTalk()
    vm = in_sight(desk, talk)
    assert crowd(vm) is None
    talk.told[BTC] = Sentiment(D(63), desk.clock.monotonic_ns())
    desk.clock.advance(3)
    vm._on_clock()
    assert vm.crowd is not None
    assert vm.crowd.text == "Kraken's people holding up contracts: 63 %"
    assert (vm.crowd.up_text, vm.crowd.down_text, vm.crowd.age_text) == ("63 % up", "37 % down", "3 s")
    assert not is_stale(vm)
    desk.clock.advance(13)
    vm._on_clock()
    assert is_stale(vm), "several were missed"
    talk.told[BTC] = Sentiment(D(60), desk.clock.monotonic_ns())
    talk.live = False
    vm._on_clock()
    assert is_stale(vm), "nothing proves it while the line is down"


def test_a_signal_counts_down_and_is_gone_at_its_end(desk: Desk) -> None:
    talk = FakeTalk()
    talk.suggested = {"BTC/USD": ends_in(desk, 42), "ETH/USD": ends_in(desk, 100, Side.BUY, 60)}
    vm = in_sight(desk, talk)
    assert vm.has_signals
    assert vm.suggestion is not None
    assert (vm.suggestion.text, vm.suggestion.left_text) == ("Down for 5 minutes", "00:42 left")
    assert vm.suggestion.until_text == "until 12:34:52 UTC"
    assert [each.instrument.symbol for each in vm.suggestions] == ["BTC/USD", "ETH/USD"]
    desk.clock.advance(43)
    vm._on_clock()
    assert suggestion(vm) is None
    assert [each.instrument.symbol for each in vm.suggestions] == ["ETH/USD"]
    assert vm.no_suggestion_text == "none for this asset now"
    talk.live = False
    vm._on_clock()
    assert vm.suggestions == ()
    assert "not heard" in no_suggestion(vm), "that there is none is not known"


def test_the_end_is_by_the_venues_clock(desk: Desk) -> None:
    talk = FakeTalk()
    talk.suggested = {"BTC/USD": ends_in(desk, 42)}
    vm = in_sight(desk, talk, ahead_ms=lambda venue: 40_000.0)
    assert vm.suggestion is not None
    assert vm.suggestion.left_text == "00:02 left"


def test_a_click_takes_direction_and_length_and_sends_nothing(desk: Desk) -> None:
    talk = FakeTalk()
    talk.suggested = {"BTC/USD": ends_in(desk, 42)}
    vm = in_sight(desk, talk)
    assert vm.suggestion is not None
    assert vm.form.side is Side.BUY
    vm.take(vm.suggestion)
    assert (vm.form.side, vm.form.mode, vm.form.duration_s) == (Side.SELL, ExpiryMode.TIMED, 300)
    assert vm.form.stake == "5"
    assert desk.gate.sent == []
    assert vm.sending.pending is None


def test_a_signal_of_another_asset_shows_that_asset(desk: Desk) -> None:
    talk = FakeTalk()
    talk.suggested = {"ETH/USD": ends_in(desk, 42, length_s=5)}
    vm = in_sight(desk, talk)
    assert vm.suggestion is None
    (other,) = vm.suggestions
    vm.take(other)
    assert desk.selection.instrument == ETH
    assert (vm.form.side, vm.form.duration_s) == (Side.SELL, 5)


@pytest.mark.parametrize(("wait_s", "length_s", "said"), [(50, 300, "is over"), (0, 7, "of this length")])
def test_what_cannot_be_taken_changes_nothing_and_is_said(
    wait_s: int, length_s: int, said: str, desk: Desk
) -> None:
    talk = FakeTalk()
    talk.suggested = {"BTC/USD": ends_in(desk, 42, length_s=length_s)}
    vm = in_sight(desk, talk)
    assert vm.suggestion is not None
    desk.clock.advance(wait_s)
    vm.take(vm.suggestion)
    assert (vm.form.side, vm.form.duration_s) == (Side.BUY, 60)
    assert vm.sending.result is not None
    assert said in vm.sending.result.text


def test_a_signal_for_a_minute_is_a_minute_from_when_it_opens_where_that_is_sold(desk: Desk) -> None:
    talk = FakeTalk()
    talk.suggested = {"BTC/USD": ends_in(desk, 42)}
    vm = in_sight(desk, talk)
    vm.set_expiry(ExpiryMode.CLOCK, 60)
    assert vm.suggestion is not None
    vm.take(vm.suggestion)
    assert (vm.form.mode, vm.form.duration_s) == (ExpiryMode.TIMED, 300)


def test_a_length_that_is_only_sold_by_the_clock_is_taken_so(desk: Desk) -> None:
    desk.market.instruments[BTC] = contract(replace(OFFER, timed_s=(5, 60), clock_s=(60, 300)))
    talk = FakeTalk()
    talk.suggested = {"BTC/USD": ends_in(desk, 42)}
    vm = in_sight(desk, talk)
    assert vm.suggestion is not None
    vm.take(vm.suggestion)
    assert (vm.form.mode, vm.form.duration_s) == (ExpiryMode.CLOCK, 300)


def test_a_venue_that_says_nothing_leaves_no_trace(desk: Desk) -> None:
    talk = FakeTalk()
    talk.suggests = False
    vm = in_sight(desk, talk)
    vm.set_text(STAKE, "6")
    assert (vm.crowd, vm.has_signals, vm.suggestions) == (None, False, ())
