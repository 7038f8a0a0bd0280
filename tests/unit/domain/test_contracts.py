"""Contracts: their arithmetic, the lines of the clock, and what speaks against one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from terminal.domain.account import Balance
from terminal.domain.contract_rules import check_contract, check_stake_covered, duration_text
from terminal.domain.contracts import (
    NS,
    ContractOffer,
    ContractResult,
    ContractTerms,
    ExpiryMode,
    HitRate,
    RunningContract,
    break_even_rate,
    clock_expiry_ns,
    result_of,
    win_amount,
)
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.domain.market import Side
from terminal.domain.orders import OrderRequest, OrderType, TimeInForce
from terminal.venues.base import BookKind, Capabilities

D = Decimal
EURUSD = InstrumentId("quotex", "EUR/USD")
OFFER = ContractOffer(
    currency="BRL",
    payout_pct=D(87),
    min_stake=D(1),
    max_stake=D(1000),
    timed_s=(5, 60),
    clock_s=(60, 300),
    payouts_pct=((300, D(80)),),
    sells_back=True,
    can_wait=True,
)
INSTRUMENT = Instrument(
    id=EURUSD,
    venue_symbol="EURUSD",
    kind=InstrumentKind.CONTRACT,
    base="EUR",
    quote="USD",
    tick_size=D("0.00001"),
    quantity_step=D("0.01"),
    min_quantity=D(1),
    offer=OFFER,
)
ABLE = Capabilities(
    BookKind.NONE, order_types=frozenset({OrderType.CONTRACT}), time_in_force=frozenset({TimeInForce.GTC})
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"2026-01-15T{text}+00:00").timestamp()) * NS


NOW = at("12:34:10")
TIMED = ContractTerms(ExpiryMode.TIMED, 60, D(87))
CLOCK = ContractTerms(ExpiryMode.CLOCK, 60, D(87), expires_ns=at("12:35:00"))


def up(stake: str = "5", terms: ContractTerms | None = TIMED, **rest: object) -> OrderRequest:
    request = OrderRequest(EURUSD, Side.BUY, OrderType.CONTRACT, D(stake), contract=terms)
    return replace(request, **rest)  # type: ignore[arg-type]


def faults(request: OrderRequest, instrument: Instrument = INSTRUMENT, now_ns: int = NOW) -> list[str]:
    return [fault.rule for fault in check_contract(request, instrument, ABLE, now_ns=now_ns)]


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("12:34:10", {5: "12:35", 30: "12:35", 60: "12:35", 120: "12:36", 300: "12:40", 14_400: "16:00"}),
        ("12:34:40", {5: "12:36", 30: "12:36", 60: "12:36", 120: "12:36", 900: "12:45", 3600: "14:00"}),
        ("12:33:50", {5: "12:35", 30: "12:35", 60: "12:35", 120: "12:36", 300: "12:40", 3600: "14:00"}),
        ("23:59:45", {60: "00:01", 300: "00:05"}),
    ],
)
def test_a_contract_on_the_clock_ends_at_the_line_that_leaves_it_half_its_time(
    now: str, ends: dict[int, str]
) -> None:
    for duration_s, line in ends.items():
        found = datetime.fromtimestamp(clock_expiry_ns(at(now), duration_s) // NS, UTC)
        assert f"{found:%H:%M:%S}" == f"{line}:00", duration_s


def test_what_it_brings_and_how_often_it_has_to_win() -> None:
    assert win_amount(D("5.55"), D(87)) == D("4.82")  # 4.8285
    rate = break_even_rate(D(87))
    assert rate is not None
    assert round(rate, 6) == D("0.534759")
    assert break_even_rate(D(0)) is None
    assert [result_of(D(x)) for x in ("4.35", "0", "-5")] == [
        ContractResult.WON,
        ContractResult.TIED,
        ContractResult.LOST,
    ]
    running = RunningContract(D(87), at("12:35:00"), 60)
    assert (running.left_s(NOW), running.left_s(at("12:36:00"))) == (50.0, 0.0)


def test_a_hit_rate_tells_how_sure_it_is() -> None:
    # Wilson's interval for 6 of 10 at 95 %, worked out by hand: (0.7921 +- 0.2725) / 1.3841.
    rate = HitRate(6, 10)
    low, high = rate.interval() or (0, 0)
    assert rate.rate == pytest.approx(0.6)
    assert (round(low, 3), round(high, 3)) == (0.313, 0.832)
    assert HitRate(0, 0).rate is None
    assert HitRate(0, 0).interval() is None
    none_won = HitRate(0, 3).interval()
    assert none_won is not None
    assert none_won[0] == 0.0
    assert 0.5 < none_won[1] < 0.6


def test_each_duration_has_its_payout() -> None:
    assert (OFFER.payout(60), OFFER.payout(300)) == (D(87), D(80))
    assert OFFER.offers(ExpiryMode.CLOCK, 300)
    assert not OFFER.offers(ExpiryMode.TIMED, 300)


@pytest.mark.parametrize(
    ("request_", "rules"),
    [
        (up(), []),
        (up(terms=CLOCK), []),
        (up("0.99"), ["min_quantity"]),
        (up("1000.01"), ["max_quantity"]),
        (up("5.001"), ["quantity_step"]),
        (up("0"), ["positive"]),
        (up("-5"), ["positive"]),
        (up("NaN"), ["number"]),
        (up(terms=None), ["expiry"]),
        (up(terms=replace(TIMED, duration_s=7)), ["expiry"]),
        (up(terms=replace(CLOCK, expires_ns=None)), ["expiry"]),
        (up(terms=replace(CLOCK, expires_ns=at("12:34:00"))), ["expiry"]),
        (up(terms=replace(CLOCK, expires_ns=at("12:35:30"))), ["expiry"]),
        (up(terms=replace(TIMED, payout_pct=D(88))), ["payout"]),
        (up(terms=replace(TIMED, payout_pct=D(86))), []),
        (up(terms=replace(TIMED, opens_ns=at("12:40:00"))), []),
        (up(terms=replace(TIMED, opens_ns=NOW)), ["opens"]),
        (up(trigger_price=D("1.08")), []),
        (up(trigger_price=D("1.080001")), ["tick_size"]),
        (up(terms=replace(TIMED, opens_ns=at("12:40:00")), trigger_price=D("1.08")), ["opens"]),
        (up(reduce_only=True, position_id="7"), []),
        (up(reduce_only=True), ["position"]),
    ],
)
def test_what_speaks_against_a_contract(request_: OrderRequest, rules: list[str]) -> None:
    assert faults(request_) == rules


def test_a_clock_end_that_has_come_too_near_names_the_next_one() -> None:
    (fault,) = check_contract(up(terms=CLOCK), INSTRUMENT, ABLE, now_ns=at("12:34:45"))
    assert "12:36" in fault.user_text


def test_one_that_waits_for_a_price_ends_by_its_length_and_names_no_end() -> None:
    asked = replace(CLOCK, expires_ns=None)
    assert faults(up(terms=asked, trigger_price=D("1.08"))) == []
    assert faults(up(terms=asked)) == ["expiry"]


def test_closed_markets_and_plain_instruments_take_none() -> None:
    assert faults(up(), replace(INSTRUMENT, status=MarketStatus.CLOSED)) == ["status"]
    assert faults(up(), replace(INSTRUMENT, offer=None)) == ["capability"]
    fixed = replace(INSTRUMENT, offer=replace(OFFER, sells_back=False, can_wait=False))
    assert faults(up(reduce_only=True, position_id="7"), fixed) == ["capability"]
    assert faults(up(trigger_price=D("1.08")), fixed) == ["capability"]


def test_the_stake_comes_out_of_the_accounts_own_currency() -> None:
    held = {"BRL": Balance("BRL", D(20), D(16)), "USD": Balance("USD", D(500))}
    assert [fault.rule for fault in check_stake_covered(up(), INSTRUMENT, held)] == ["balance"]
    assert check_stake_covered(up("4"), INSTRUMENT, held) == []
    assert check_stake_covered(up(reduce_only=True, position_id="7"), INSTRUMENT, {}) == []


def test_durations_in_words() -> None:
    assert [duration_text(s) for s in (5, 60, 90, 300, 3600, 14_400, 86_400)] == [
        "5 seconds",
        "1 minute",
        "90 seconds",
        "5 minutes",
        "1 hour",
        "4 hours",
        "1 day",
    ]
