"""The contract form: what it shows, what it sends, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from PySide6.QtWidgets import QApplication

from terminal.core.clock import ManualClock
from terminal.domain.contracts import NS, ContractOffer, ExpiryMode, HitRate
from terminal.domain.errors import OrderRefused
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import OrderState, OrderType
from terminal.services.arming import ArmState
from terminal.services.market_data import Topic
from terminal.viewmodels.contract_ticket import (
    EXPIRY,
    OPENS,
    STAKE,
    TRIGGER,
    ContractTicketViewModel,
)
from terminal.viewmodels.contract_words import own_rate_text
from tests.helpers import eventually, run
from tests.trading_fakes import BTC, Desk

D = Decimal
OFFER = ContractOffer(
    "USD",
    D(87),
    D(1),
    D(1000),
    timed_s=(5, 60, 300),
    clock_s=(60, 300),
    payouts_pct=((300, D(80)),),
    sells_back=True,
    can_wait=True,
)


def contract(offer: ContractOffer | None = OFFER) -> Instrument:
    return Instrument(
        BTC,
        "BTCUSD_otc",
        InstrumentKind.CONTRACT,
        "BTC",
        "USD",
        D("0.01"),
        D("0.01"),
        D(1),
        offer=offer,
    )


def at(text: str, day: str = "2026-01-15") -> int:
    return int(datetime.fromisoformat(f"{day}T{text}+00:00").timestamp()) * NS


def start_at(clock: ManualClock, text: str) -> None:
    clock.jump_wall((at(text) - clock.wall_ns()) / 1e9)


@pytest.fixture
def desk(qapp: QApplication) -> Iterator[Desk]:
    desk = Desk()
    start_at(desk.clock, "12:34:10")
    desk.market.instruments[BTC] = contract()
    yield desk
    Desk.stop_all()


def form(desk: Desk, **rest: object) -> ContractTicketViewModel:
    vm = ContractTicketViewModel(
        desk.market,
        desk.sessions,
        desk.gate,
        desk.accounts,
        desk.selection,
        desk.frames,
        desk.clock,
        **rest,  # type: ignore[arg-type]
    )
    vm.set_text(STAKE, "5")
    return vm


def test_the_figures_of_a_minute_at_87_per_cent(desk: Desk) -> None:
    vm = form(desk)
    assert vm.is_offered
    assert (vm.payout_text, vm.win_text, vm.lose_text) == ("87 %", "+4.35 USD", "−5.00 USD")
    assert vm.need_text == "53.5 % won"
    assert [(line.label, line.value) for line in vm.fixed] == [
        ("Most I can lose", "5.00 USD"),
        # Half of them won: 5 x (100 - 87) / 200.
        ("Cost to enter and leave", "0.33 USD"),
        ("To break even", "53.5 % won"),
    ]
    assert (vm.buttons[Side.BUY].title, vm.buttons[Side.BUY].detail) == ("Up 5.00 USD", "wins +4.35 USD")


def test_another_length_has_its_own_payout(desk: Desk) -> None:
    vm = form(desk)
    vm.set_expiry(ExpiryMode.TIMED, 300)
    assert (vm.payout_text, vm.win_text) == ("80 %", "+4.00 USD")


def test_a_payout_that_the_venue_does_not_tell_is_said_to_be_the_least(desk: Desk) -> None:
    vm = form(desk)
    told_tip = vm.payout_tip
    desk.market.instruments[BTC] = contract(replace(OFFER, untold_s=(300,)))
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    vm.set_expiry(ExpiryMode.TIMED, 300)
    assert (vm.payout_text, vm.need_text) == ("at least 80 %", "at most 55.6 % won")
    assert "does not tell" in vm.payout_tip
    vm.submit(Side.BUY)
    assert vm.sending.pending is not None
    question = vm.sending.pending.confirmation
    rows = dict(question.rows)
    assert (rows["Payout"], rows["If it wins"]) == ("at least 80 %", "at least +4.00 USD")
    assert "only once it runs" in question.note
    vm.sending.discard()
    vm.set_expiry(ExpiryMode.TIMED, 60)
    assert (vm.payout_text, vm.payout_tip) == ("87 %", told_tip)


def test_an_end_by_the_clock_follows_the_venues_clock(desk: Desk) -> None:
    vm = form(desk, ahead_ms=lambda venue: 25_000.0)
    vm.set_expiry(ExpiryMode.CLOCK, 60)
    assert vm.clock_text == "12:34:35"
    # Second 35 at the venue: less than half of the minute is left, so it is the one after.
    assert vm.ends_text == "ends 12:36:00 UTC, in 1:25"
    assert [each.text for each in vm.expiries] == [
        "5 seconds",
        "1 minute",
        "5 minutes",
        "12:36 · in 1 min",
        "12:40 · in 5 min",
    ]


def test_each_end_by_the_clock_is_offered_once_and_says_when_it_is(desk: Desk) -> None:
    start_at(desk.clock, "18:56:28")
    hours = (60, 3600, 7200, 14_400, 86_400)
    desk.market.instruments[BTC] = contract(replace(OFFER, timed_s=(60,), clock_s=hours))
    vm = form(desk)
    assert [(each.duration_s, each.text) for each in vm.expiries] == [
        (60, "1 minute"),
        (60, "18:57 · in under 1 min"),
        # The hour that is nearly over is not sold any more, so that its end is the one of two hours.
        (3600, "20:00 · in 1 h 4 min"),
        (14_400, "tomorrow 00:00"),
        (86_400, "17 Jan 00:00"),
    ]
    vm.set_expiry(ExpiryMode.CLOCK, 86_400)
    assert vm.ends_text == "ends 17 Jan 00:00:00 UTC, in 29 h 3 min"
    vm.set_expiry(ExpiryMode.CLOCK, 7200)
    assert [each.duration_s for each in vm.expiries] == [60, 60, 7200, 14_400, 86_400], "the chosen one stays"
    start_at(desk.clock, "10:00:00")
    vm._on_clock()
    assert [each.text for each in vm.expiries[-2:]] == ["12:00 · in 2 h", "tomorrow 00:00"]
    vm.set_text(TRIGGER, "99.5")
    assert [(each.duration_s, each.text) for each in vm.expiries] == [
        (60, "1 minute"),
        (3600, "1 hour"),
        (7200, "2 hours"),
        (14_400, "4 hours"),
        (86_400, "1 day"),
    ]
    assert (vm.form.mode, vm.form.duration_s) in [(each.mode, each.duration_s) for each in vm.expiries]


def test_the_clock_goes_on_by_itself(desk: Desk) -> None:
    vm = form(desk)
    vm.set_expiry(ExpiryMode.CLOCK, 60)
    before = vm.ends_text
    desk.clock.advance(3)
    vm._on_clock()
    assert (before, vm.ends_text) == ("ends 12:35:00 UTC, in 0:50", "ends 12:35:00 UTC, in 0:47")


def test_a_share_of_what_is_free_is_a_stake(desk: Desk) -> None:
    vm = form(desk)
    vm.set_text(STAKE, "2%")
    assert vm.stake == D("190.00")  # of 9,500 free
    vm.set_text(STAKE, "200%")
    assert vm.problems == {STAKE: "At most 100 %."}


def test_the_users_own_rate_stands_beside_what_is_needed(desk: Desk) -> None:
    vm = form(desk, hit_rates=lambda account, instrument, length: HitRate(6, 10))
    assert vm.own_text == "6 of 10: 60 % (31 to 83 %)"
    assert own_rate_text(HitRate(0, 0)) == "no contract of this kind yet"


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        (STAKE, "0.5", STAKE),
        (STAKE, "2000", STAKE),
        (STAKE, "abc", STAKE),
        (STAKE, "", STAKE),
        (OPENS, "soon", OPENS),
        (OPENS, "14:30:60", OPENS),
        (TRIGGER, "x", TRIGGER),
    ],
)
def test_a_wrong_entry_is_named_at_its_field_and_not_sent(
    name: str, text: str, field: str, desk: Desk
) -> None:
    vm = form(desk)
    desk.gate.arming.set(ArmState.ONE_CLICK)
    vm.set_text(name, text)
    assert field in vm.problems
    vm.submit(Side.BUY)
    assert desk.gate.sent == []
    assert vm.sending.result is not None
    assert vm.sending.result.text.startswith("Not sent:")


def test_what_is_impossible_is_said_once_and_its_buttons_are_off(desk: Desk) -> None:
    vm = form(desk)
    size = OrderRefused("notional", "worth 2000 USD, your limit is 50 USD", field=STAKE, confirmable=True)
    desk.gate.warnings = (size,)
    vm.set_text(STAKE, "2000")
    assert vm.problems == {STAKE: "The largest stake is 1000 USD."}
    assert {each.reason for each in vm.buttons.values()} == {"The largest stake is 1000 USD."}
    assert not vm.news, "its field says it"
    vm.submit(Side.BUY)
    assert vm.sending.result is not None
    assert vm.sending.result.text == "Not sent: look at the stake."
    vm.set_text(STAKE, "100")
    assert all(each.enabled for each in vm.buttons.values())
    assert vm.news == ("Worth 2000 USD, your limit is 50 USD",)


def test_what_no_field_is_about_is_said_once_in_the_news(desk: Desk) -> None:
    vm = form(desk)
    desk.market.instruments[BTC] = replace(contract(), status=MarketStatus.CANCEL_ONLY)
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    desk.pass_time(1)
    (told,) = vm.news
    assert {each.reason for each in vm.buttons.values()} == {told}


def test_waiting_for_a_time_or_a_price(desk: Desk) -> None:
    vm = form(desk)
    vm.set_text(OPENS, "+5m")
    assert vm.ends_text == "opens 12:39:10 UTC, then 1 minute"
    vm.set_text(OPENS, "12:36:20")
    assert vm.ends_text == "opens 12:36:20 UTC, then 1 minute"
    vm.set_text(OPENS, "24:00")
    assert vm.problems == {OPENS: "Write +5m or 14:30 (UTC)."}
    vm.set_text(OPENS, "+5m")
    vm.set_text(TRIGGER, "99.5")
    assert vm.problems == {OPENS: "Wait for a time or for a price, not for both."}
    vm.set_text(OPENS, "")
    assert vm.problems == {}
    assert not vm.opens_late


@pytest.mark.parametrize(
    ("text", "told", "row"),
    [
        ("12:34:09", "tomorrow 12:34:09", "tomorrow, 2026-01-16 12:34:09 UTC"),
        ("12:34", "tomorrow 12:34:00", "tomorrow, 2026-01-16 12:34:00 UTC"),
        ("+12h", "tomorrow 00:34:10", "tomorrow, 2026-01-16 00:34:10 UTC"),
        ("+36h", "17 Jan 00:34:10", "2026-01-17 00:34:10 UTC"),
    ],
)
def test_an_opening_that_is_not_today_says_so(text: str, told: str, row: str, desk: Desk) -> None:
    vm = form(desk)
    vm.set_text(OPENS, text)
    assert (vm.ends_text, vm.opens_late) == (f"opens {told} UTC, then 1 minute", True)
    vm.submit(Side.BUY)
    assert vm.sending.pending is not None
    assert dict(vm.sending.pending.confirmation.rows)["Opens"] == row


def test_a_contract_that_waits_for_a_price_is_not_said_to_end_at_a_line_of_the_clock(desk: Desk) -> None:
    vm = form(desk)
    vm.set_expiry(ExpiryMode.CLOCK, 60)
    vm.set_text(TRIGGER, "99.5")
    assert vm.problems == {}
    vm.submit(Side.BUY)
    assert vm.sending.pending is not None
    rows = dict(vm.sending.pending.confirmation.rows)
    assert rows["Ends"] == "1 minute after it opens"


def test_what_is_asked_is_what_is_sent(desk: Desk) -> None:
    vm = form(desk)
    desk.gate.answer = OrderState.FILLED
    vm.submit(Side.SELL)
    view = vm.sending.pending
    assert view is not None
    rows = dict(view.confirmation.rows)
    assert view.confirmation.title == "Down 5.00 USD on BTC/USD"
    assert (rows["Payout"], rows["If it wins"], rows["If it loses"]) == ("87 %", "+4.35 USD", "−5.00 USD")
    assert view.request is not None
    assert (view.request.side, view.request.order_type) == (Side.SELL, OrderType.CONTRACT)


def test_a_payout_that_fell_while_it_was_asked_is_shown_again_and_not_sent(desk: Desk) -> None:
    vm = form(desk)
    vm.submit(Side.BUY)
    assert vm.sending.pending is not None
    pay(desk, 80)
    assert vm.payout_text == "80 %"
    vm.sending.confirm()
    assert desk.gate.sent == []
    again = vm.sending.pending
    assert again is not None
    assert again.confirmation.note == "The payout changed from 87 % to 80 %: look again."
    rows = dict(again.confirmation.rows)
    assert (rows["Payout"], rows["If it wins"]) == ("80 %", "+4.00 USD")
    # One that rises meanwhile is nothing to ask about: it was agreed to less.
    pay(desk, 85)

    async def agree() -> None:
        vm.sending.confirm()
        await eventually(lambda: desk.gate.sent, what="the contract")

    run(agree())
    (request,) = desk.gate.sent
    assert request.contract is not None
    assert request.contract.payout_pct == 80


def pay(desk: Desk, percent: int) -> None:
    desk.market.instruments[BTC] = contract(replace(OFFER, payout_pct=D(percent)))
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    desk.pass_time(1)


def test_an_end_that_went_by_while_it_was_asked_is_shown_again(desk: Desk) -> None:
    vm = form(desk)
    vm.set_expiry(ExpiryMode.CLOCK, 60)
    vm.submit(Side.BUY)
    desk.clock.advance(40)
    vm.sending.confirm()
    assert desk.gate.sent == []
    assert vm.sending.pending is not None
    assert vm.sending.pending.news == "The end moved from 12:35:00 UTC to 12:36:00 UTC: look again."


def test_an_opening_in_so_long_stands_still_while_it_is_asked(desk: Desk) -> None:
    vm = form(desk)
    vm.set_text(OPENS, "+1m")
    vm.submit(Side.BUY)
    desk.clock.advance(20)
    vm._on_clock()
    assert vm.ends_text.startswith("opens 12:35:10 UTC"), "the form says what is asked"

    async def agree() -> None:
        vm.sending.confirm()
        await eventually(lambda: desk.gate.sent, what="the contract")

    run(agree())
    (request,) = desk.gate.sent
    assert request.contract is not None
    assert request.contract.opens_ns == at("12:35:10")


def test_an_opening_that_went_by_while_it_was_asked_is_shown_again(desk: Desk) -> None:
    vm = form(desk)
    vm.set_text(OPENS, "+1m")
    vm.submit(Side.BUY)
    desk.clock.advance(61)
    vm.sending.confirm()
    assert desk.gate.sent == []
    again = vm.sending.pending
    assert again is not None
    assert again.news == "The opening time has gone by: look again."
    assert again.request is not None
    assert again.request.contract is not None
    assert again.request.contract.opens_ns == at("12:36:11")


def test_another_instrument_keeps_the_stake_and_no_price(desk: Desk) -> None:
    vm = form(desk)
    vm.set_text(TRIGGER, "99.5")
    other = InstrumentId("kraken", "ETH/USD")
    desk.selection.select(other)
    assert not vm.is_offered
    desk.selection.select(BTC)
    assert (vm.form.stake, vm.form.trigger_price) == ("5", "")


def test_lengths_that_are_gone_give_way_to_the_nearest(desk: Desk) -> None:
    vm = form(desk)
    vm.set_expiry(ExpiryMode.TIMED, 300)
    desk.market.instruments[BTC] = contract(replace(OFFER, timed_s=(), clock_s=(60, 900)))
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    assert (vm.form.mode, vm.form.duration_s) == (ExpiryMode.CLOCK, 60)
    assert EXPIRY not in vm.problems


def test_a_closed_asset_names_the_open_one_and_leads_there(desk: Desk) -> None:
    there = InstrumentId("kraken", "BTC/USD OTC")
    house = replace(contract(replace(OFFER, is_house_quoted=True)), id=there)
    desk.market.instruments |= {BTC: contract(), there: house}
    vm = form(desk, listed=lambda venue: tuple(desk.market.instruments.values()))
    vm.set_expiry(ExpiryMode.TIMED, 300)
    assert (vm.other, vm.other_text) == (None, ""), "open itself"
    desk.market.instruments[BTC] = replace(contract(), status=MarketStatus.CLOSED)
    desk.market.changed.notify(BTC, Topic.INSTRUMENT)
    desk.pass_time(1)
    assert vm.other_text == "BTC/USD is closed. BTC/USD OTC is open: its prices are Kraken's own."
    assert vm.buttons[Side.BUY].reason == "Market closed"
    assert vm.ends_text == "closed; Kraken does not say when it opens"
    assert not any(" in " in each.text for each in vm.expiries), "no end is counted down to"
    assert (vm.form.mode, vm.form.duration_s) in [(each.mode, each.duration_s) for each in vm.expiries]
    vm.go_to_other()
    assert desk.selection.instrument == there
    assert (vm.form.stake, vm.form.duration_s, vm.other) == ("5", 300, None)
    assert desk.gate.sent == []


def test_a_closed_asset_of_the_venues_own_leads_to_the_market(desk: Desk) -> None:
    real = InstrumentId("kraken", "BTC/USD real")
    own = replace(contract(replace(OFFER, is_house_quoted=True)), status=MarketStatus.CLOSED)
    desk.market.instruments |= {BTC: own, real: replace(contract(), id=real)}
    vm = form(desk, listed=lambda venue: tuple(desk.market.instruments.values()))
    assert vm.other_text == "BTC/USD is closed. BTC/USD real is open: at the market's prices."


def test_the_chosen_length_comes_back_after_an_instrument_that_has_none_such(desk: Desk) -> None:
    by_clock = InstrumentId("kraken", "EUR/USD")
    only = replace(OFFER, timed_s=(), clock_s=(60, 300))
    desk.market.instruments[by_clock] = replace(contract(only), id=by_clock)
    vm = form(desk)
    vm.set_expiry(ExpiryMode.TIMED, 5)
    desk.selection.select(by_clock)
    assert (vm.form.mode, vm.form.duration_s) == (ExpiryMode.CLOCK, 60)
    desk.selection.select(BTC)
    assert (vm.form.mode, vm.form.duration_s) == (ExpiryMode.TIMED, 5)
