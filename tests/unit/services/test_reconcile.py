"""What happened while we were away, and when an account opens again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.errors import OrderRefused, OutcomeUnknown, VenueUnavailable
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, Order, OrderState, Origin
from terminal.services.reconcile import ReconcileReport
from tests.helpers import eventually, run
from tests.unit.services.order_fakes import ACCOUNT, Desk, FakeVenue, limit_order, open_desk

D = Decimal


def with_desk(tmp_path: Path, body: Callable[[Desk], Awaitable[None]], **options: object) -> None:
    async def main() -> None:
        desk = await open_desk(tmp_path, **options)  # type: ignore[arg-type]
        try:
            await body(desk)
        finally:
            await desk.gate.close()

    run(main())


async def reconcile(desk: Desk) -> ReconcileReport:
    return await desk.gate.reconcile(ACCOUNT, await desk.venue.snapshot(0))


def state_of(order: Order) -> OrderState:
    return order.state


@pytest.mark.fault(35)
def test_twenty_orders_of_which_five_changed_are_told_and_right(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        orders = [await desk.gate.submit(ACCOUNT, limit_order(quantity=f"0.0{10 + i}")) for i in range(20)]
        desk.gate.suspend(ACCOUNT, "The stream is down.")
        venue = desk.venue
        venue.trade("O00001", "0.010")
        venue.trade("O00002", "0.004")
        venue.end("O00003")
        venue.end("O00004", OrderState.EXPIRED)
        venue.reports["O00005"] = replace(
            venue.reports["O00005"], limit_price=D("59000.0"), ts_event_ns=venue.now()
        )
        venue.place(limit_order(Side.SELL), "a-stranger")
        with pytest.raises(OrderRefused):
            await desk.gate.submit(ACCOUNT, limit_order())
        report = await reconcile(desk)
        assert desk.gate.ready(ACCOUNT)
        assert report.text == (
            "while you were away: 2 fills, 1 cancel, 1 expiry, 1 changed order, 1 order placed elsewhere"
        )
        assert [state_of(order) for order in orders[:5]] == [
            OrderState.FILLED,
            OrderState.PARTLY_FILLED,
            OrderState.CANCELED,
            OrderState.EXPIRED,
            OrderState.OPEN,
        ]
        assert orders[4].limit_price == D("59000.0")
        assert all(state_of(order) is OrderState.OPEN for order in orders[5:])
        assert [order.origin for order in report.external] == [Origin.EXTERNAL]

    with_desk(tmp_path, body)


def test_reconciling_twice_changes_nothing(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        await desk.gate.submit(ACCOUNT, limit_order())
        desk.venue.trade("O00001", "0.004")
        assert (await reconcile(desk)).text == "while you were away: 1 fill"
        assert (await reconcile(desk)).text == ""
        assert len(desk.fills) == 1

    with_desk(tmp_path, body)


def test_the_first_look_at_an_account_is_not_told_as_news(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.place(limit_order(), None)
        report = await reconcile(desk)
        assert report.first
        assert report.text == ""
        assert len(desk.gate.open_orders(ACCOUNT)) == 1

    with_desk(tmp_path, body, reconcile=False)


def test_doubts_are_settled_before_the_account_opens(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on |= {
            "submit": OutcomeUnknown("kraken", "timeout"),
            "order_status": VenueUnavailable("kraken", "down"),
        }
        desk.venue.acts_before_raising = True
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.gate.suspend(ACCOUNT, "The stream is down.")
        del desk.venue.raise_on["order_status"]
        report = await reconcile(desk)
        assert report.settled == [order]
        assert state_of(order) is OrderState.OPEN
        await eventually(lambda: not desk.gate.doubts)

    with_desk(tmp_path, body)


def test_a_venue_that_cannot_be_asked_keeps_the_account_closed(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on |= {
            "submit": OutcomeUnknown("kraken", "timeout"),
            "order_status": VenueUnavailable("kraken", "down"),
        }
        order = await desk.gate.submit(ACCOUNT, limit_order())
        with pytest.raises(VenueUnavailable):
            await reconcile(desk)
        assert not desk.gate.ready(ACCOUNT)
        assert state_of(order) is OrderState.IN_DOUBT
        del desk.venue.raise_on["order_status"]
        report = await reconcile(desk)
        assert desk.gate.ready(ACCOUNT)
        assert report.doubtful == [order]
        assert state_of(order) is OrderState.IN_DOUBT

    with_desk(tmp_path, body)


def test_an_open_order_that_the_venue_does_not_list_is_asked_after_and_never_taken_for_gone(
    tmp_path: Path,
) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        other = await desk.gate.submit(ACCOUNT, limit_order(quantity="0.02"))
        del desk.venue.reports["O00001"]
        snapshot = replace(await desk.venue.snapshot(0), open_orders=())
        await desk.gate.reconcile(ACCOUNT, snapshot)
        assert state_of(order) is OrderState.IN_DOUBT
        assert "does not list" in desk.texts()
        assert state_of(other) is OrderState.OPEN

    with_desk(tmp_path, body)


@pytest.mark.fault(35)
def test_positions_that_could_not_be_read_are_not_flat(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        snapshot = replace(await desk.venue.snapshot(0), positions_known=False)
        report = await desk.gate.reconcile(ACCOUNT, snapshot)
        assert not report.positions_known
        assert "may not be flat" in desk.texts()

    with_desk(tmp_path, body)


def test_after_a_restart_an_unanswered_cancel_and_amend_are_asked_after(tmp_path: Path) -> None:
    venue = FakeVenue()

    async def first(desk: Desk) -> None:
        canceled = await desk.gate.submit(ACCOUNT, limit_order())
        amended = await desk.gate.submit(ACCOUNT, limit_order(quantity="0.02"))
        venue.acts_before_raising = True
        venue.raise_on |= {
            "order_status": VenueUnavailable("kraken", "down"),
            "cancel": OutcomeUnknown("kraken", "timeout"),
            "amend": OutcomeUnknown("kraken", "timeout"),
        }
        await desk.gate.cancel(canceled.client_order_id)
        change = AmendRequest(limit_price=D("59000.0"))
        await desk.gate.amend(amended.client_order_id, change, confirmed=frozenset({"in_doubt"}))
        assert state_of(canceled) is OrderState.PENDING_CANCEL

    async def second(desk: Desk) -> None:
        canceled, amended = desk.gate.orders.values()
        assert state_of(canceled) is OrderState.PENDING_CANCEL
        assert amended.amend_pending is not None
        assert not desk.gate.ready(ACCOUNT)
        venue.raise_on.clear()
        report = await reconcile(desk)
        assert state_of(canceled) is OrderState.CANCELED
        assert amended.limit_price == D("59000.0")
        assert not desk.gate.inquiries.is_doubtful(amended)
        assert len(report.settled) == 2
        assert venue.count("cancel") == venue.count("amend") == 1

    with_desk(tmp_path, first, venue=venue)
    with_desk(tmp_path, second, venue=venue, reconcile=False)


def test_the_question_reaches_back_to_the_oldest_open_order_and_to_what_was_seen(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        assert desk.gate.reconcile_from_ns(ACCOUNT) < order.created_ns
        desk.venue.push(desk.venue.end("O00001"))
        assert desk.gate.reconcile_from_ns(ACCOUNT) < order.created_ns

    with_desk(tmp_path, body)


@pytest.mark.fault(37)
def test_a_clock_that_was_ahead_does_not_hide_what_happens_after_it_is_right(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(wall_ns=time.time_ns())
        desk = await open_desk(tmp_path, clock=clock)
        clock.jump_wall(3600)
        desk.gate.suspend(ACCOUNT, "The connection is closed.")
        clock.jump_wall(-3600)
        assert desk.gate.reconcile_from_ns(ACCOUNT) < clock.wall_ns()
        await desk.gate.close()

    run(main())


@pytest.mark.fault(35)
def test_what_the_new_stream_tells_before_the_comparison_is_told_as_well(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        first, second, third = [
            await desk.gate.submit(ACCOUNT, limit_order(quantity=f"0.0{10 + i}")) for i in range(3)
        ]
        desk.gate.suspend(ACCOUNT, "The stream is down.")
        venue = desk.venue
        assert first.venue_order_id is not None
        assert second.venue_order_id is not None
        venue.end(first.venue_order_id)
        venue.reports[second.venue_order_id] = replace(
            venue.reports[second.venue_order_id], limit_price=D("59000.0"), ts_event_ns=venue.now()
        )
        venue.place(limit_order(Side.SELL), "a-stranger")
        # The stream of the new connection begins with all open orders.
        for report in list(venue.reports.values()):
            venue.push(report)
        report_of = await reconcile(desk)
        assert report_of.text == "while you were away: 1 cancel, 1 changed order, 1 order placed elsewhere"
        assert third.state is OrderState.OPEN
        assert not (await reconcile(desk)).text

    with_desk(tmp_path, body)
