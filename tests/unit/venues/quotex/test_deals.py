"""Deals as orders, fills and positions: whatever order they are told in, they end the same."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.contracts import ContractTerms, ExpiryMode
from terminal.domain.events import FillReported, OrderReported, PositionReported
from terminal.domain.market import Side
from terminal.domain.orders import OrderState
from terminal.venues.quotex import deals as module
from terminal.venues.quotex.assets import Assets
from terminal.venues.quotex.deals import Deals, end_id, request_id_of
from tests.unit.venues.quotex.test_assets import row

D = Decimal
NS = 10**9
NOON = 1_795_176_000
CLIENT = "4a2f9c01d7" + "e" * 22


def told(number: int = 1, **terms: Any) -> dict[str, Any]:
    return {
        "id": f"d{number}",
        "asset": "EURUSD_otc",
        "amount": D("5.5"),
        "command": 0,
        "openPrice": D("1.08342"),
        "percentProfit": 87,
        "openTimestamp": NOON,
        "openMs": 120,
        "closeTimestamp": NOON + 60,
        **terms,
    }


def table() -> Deals:
    assets = Assets()
    assets.take([row()])
    return Deals(assets)


def over(**terms: Any) -> dict[str, Any]:
    return told(profit=D("4.78"), closePrice=D("1.08361"), **terms)


def test_the_number_of_a_request_is_made_of_our_id() -> None:
    assert request_id_of(CLIENT) == 0x4A2F9C01D7
    assert request_id_of("4a2f9c01-d7ee-eeee-eeee-eeeeeeeeeeee") == 0x4A2F9C01D7
    assert request_id_of(CLIENT) < 2**53, "a number of JSON that every language keeps whole"


@pytest.mark.parametrize("steps", list(itertools.permutations(("open", "list", "end", "past"))), ids="-".join)
def test_any_order_of_what_is_told_ends_the_same(steps: tuple[str, ...]) -> None:
    deals = table()
    deals.remember(CLIENT, ContractTerms(ExpiryMode.TIMED, 60, D(87)))
    ours = {"requestId": request_id_of(CLIENT)}
    events: list[Any] = []
    for step in steps:
        if step in ("open", "list"):
            events += deals.opened(told(**ours))
        else:
            events += deals.closed(over(**ours))
    fills = [event.fill for event in events if isinstance(event, FillReported)]
    assert [(fill.fill_id, fill.side, fill.realised) for fill in fills] == [
        ("d1:open", Side.BUY, None),
        ("d1:end", Side.SELL, D("4.78")),
    ]
    reports = [event.report for event in events if isinstance(event, OrderReported)]
    assert [(each.venue_order_id, each.client_order_id) for each in reports] == [
        ("d1", CLIENT),
        (end_id("d1"), None),
    ]
    assert {each.state for each in reports} == {OrderState.FILLED}
    sizes = [event.position.quantity for event in events if isinstance(event, PositionReported)]
    assert sizes == [D("5.5"), D(0)]
    assert not deals.running()
    assert deals.find(CLIENT, None) is deals.find(None, "d1:end") is deals.find(None, "d1")


def test_times_are_to_the_millisecond_and_from_text_where_there_is_no_stamp() -> None:
    deals = table()
    deals.opened(told())
    assert deals.deals["d1"].opened_ns == NOON * NS + 120_000_000
    text = told(2, openTimestamp=None, openTime="2026-11-20 12:00:00", closeTimestamp=None)
    deals.opened({**text, "closeTime": "2026-11-20 12:01:00"})
    assert (deals.deals["d2"].opened_ns, deals.deals["d2"].duration_s) == (NOON * NS, 60)


def test_a_contract_of_ours_has_the_payout_that_was_booked() -> None:
    deals = table()
    deals.remember(CLIENT, ContractTerms(ExpiryMode.TIMED, 60, D(84)))
    ours = {"requestId": request_id_of(CLIENT)}
    events: list[Any] = deals.opened(told(percentProfit=90, **ours))
    (report,) = [event.report for event in events if isinstance(event, OrderReported)]
    (position,) = [event.position for event in events if isinstance(event, PositionReported)]
    assert report.contract == ContractTerms(ExpiryMode.TIMED, 60, D(90))
    assert position.contract is not None
    assert position.contract.payout_pct == 90
    # Where it is not named, it is what was asked for, or what is paid for its length.
    deals.remember("5" * 32, ContractTerms(ExpiryMode.TIMED, 60, D(80)))
    deals.opened(told(2, percentProfit=None, requestId=request_id_of("5" * 32)))
    deals.opened(told(3, percentProfit=None))
    assert [deals.deals[each].payout_pct for each in ("d2", "d3")] == [80, 86]


def test_a_deal_is_counted_in_the_currency_that_it_names_and_else_in_the_accounts() -> None:
    deals = table()

    def told_in(events: list[Any]) -> list[str]:
        return [e.position.currency for e in events if isinstance(e, PositionReported)] + [
            e.fill.fee_asset for e in events if isinstance(e, FillReported)
        ]

    assert told_in(deals.opened(told(currency="EUR"))) == ["EUR", "EUR"]
    assert told_in(deals.opened(told(2))) == ["USD", "USD"]
    # The list that comes after the answer to a buy names it.
    assert told_in(deals.opened(told(2, currency="EUR"))) == ["EUR"]
    assert told_in(deals.opened(told(2, currency="EUR"))) == []
    assert told_in(deals.opened(told(3, currency=978))) == ["USD", "USD"]
    deals._assets.set_currency("GBP")
    assert told_in(deals.running_again()) == ["GBP"], "the one that names none"
    assert set(told_in(deals.closed(over(currency="EUR")))) == {"EUR"}
    assert set(told_in(deals.closed(told(3, profit=D(1), closePrice=D(2))))) == {"GBP"}


def test_a_deal_of_another_client_is_told_without_an_id_of_ours() -> None:
    deals = table()
    (report, *_) = [
        e.report for e in deals.opened(told(requestId=12, command=1)) if isinstance(e, OrderReported)
    ]
    assert (report.client_order_id, report.side) == (None, Side.SELL)
    assert report.contract == ContractTerms(ExpiryMode.TIMED, 60, D(87))
    # Ends at a line of the clock: no length that is counted from the opening.
    (report, *_) = [
        event.report
        for event in deals.opened(told(2, closeTimestamp=NOON + 97))
        if isinstance(event, OrderReported)
    ]
    assert report.contract is not None
    assert (report.contract.mode, report.contract.expires_ns) == (ExpiryMode.CLOCK, (NOON + 97) * NS)


def test_the_list_of_the_ended_tells_what_was_given_back() -> None:
    deals = table()
    events = deals.closed(over(refundTimestamp=NOON + 20, closeTimestamp=NOON + 20, closeMs=0))
    reasons = [event.report.reason for event in events if isinstance(event, OrderReported)]
    assert reasons[-1] == "sold back"
    (result,) = [e.fill for e in events if isinstance(e, FillReported) and e.fill.realised is not None]
    assert result.ts_event_ns == (NOON + 20) * NS


def test_those_whose_end_was_not_told_are_overdue() -> None:
    deals = table()
    deals.opened(told())
    deals.opened(told(2, closeTimestamp=NOON + 300))
    assert not deals.overdue((NOON + 60) * NS)
    assert [each.deal_id for each in deals.overdue((NOON + 61) * NS)] == ["d1"]
    deals.closed(over())
    assert not deals.overdue((NOON + 61) * NS)


def test_only_ended_deals_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT", 3)
    deals = table()
    deals.opened(told(0))
    for number in range(1, 6):
        deals.closed(told(number, profit=D(1), closePrice=D(2)))
    assert "d0" in deals.deals
    assert len(deals.deals) == 3
    for number in range(6, 12):
        deals.opened(told(number))
    assert len(deals.running()) == 7, "whatever runs is known"
