"""The order gate: what leaves, what does not, and what an answer or its absence means."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.domain.errors import (
    AuthRejected,
    NotSent,
    OrderRefused,
    OutcomeUnknown,
    ProtocolViolation,
    RateLimited,
    RequestRejected,
    StorageError,
    Unsupported,
    VenueUnavailable,
)
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, Fill, Order, OrderReport, OrderState, OrderType, Origin
from terminal.services.arming import ArmState
from terminal.services.journal import Journal
from terminal.services.journal_files import good_copy_of
from terminal.services.mass_cancel import CancelOutcome
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.orders import new_client_order_id
from terminal.services.risk import RiskLimits
from tests.helpers import eventually, run
from tests.unit.services.order_fakes import (
    ACCOUNT,
    ARM,
    BTC_USD,
    FAST,
    Desk,
    FakeVenue,
    limit_order,
    market_order,
    open_desk,
)

D = Decimal


def state_of(order: Order) -> OrderState:
    """The state now; a call, so that a type checker does not take the last one for granted."""
    return order.state


def with_desk(tmp_path: Path, body: Callable[[Desk], Awaitable[None]], **options: object) -> None:
    async def main() -> None:
        desk = await open_desk(tmp_path, **options)  # type: ignore[arg-type]
        try:
            await body(desk)
        finally:
            await desk.gate.close()

    run(main())


# -- yes, no, not sent -----------------------------------------------------------------------------------


def test_an_accepted_order_is_open_under_both_ids(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        assert state_of(order) is OrderState.OPEN
        assert order.venue_order_id == "O00001"
        assert desk.venue.received == [("submit", order.client_order_id)]
        assert desk.gate.orders[order.client_order_id] is order

    with_desk(tmp_path, body)


def test_client_order_ids_are_32_hex_digits_and_never_repeat() -> None:
    made = {new_client_order_id() for _ in range(2_000)}
    assert len(made) == 2_000
    assert all(len(each) == 32 and set(each) <= set("0123456789abcdef") for each in made)


def test_the_intent_is_on_disk_before_the_connector_is_called(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        on_disk: list[tuple[str, str]] = []

        class Watching(FakeVenue):
            async def submit(self, request, client_order_id):  # type: ignore[no-untyped-def]
                other = sqlite3.connect(desk.journal.path)
                on_disk.extend(other.execute("SELECT client_order_id, state FROM orders").fetchall())
                other.close()
                return await super().submit(request, client_order_id)

        desk.venue.__class__ = Watching
        order = await desk.gate.submit(ACCOUNT, limit_order())
        assert on_disk == [(order.client_order_id, "PENDING_NEW")]

    with_desk(tmp_path, body)


@pytest.mark.parametrize(
    "error",
    [
        RequestRejected("kraken", code="EOrder:Insufficient funds", venue_text="Insufficient funds"),
        AuthRejected("kraken", code="EAPI:Invalid key"),
        RateLimited("kraken", code="EOrder:Rate limit exceeded", venue_text="Rate limit exceeded"),
        RateLimited("kraken", "our own budget is used up"),
    ],
)
def test_a_plain_no_rejects_with_the_reason(tmp_path: Path, error: Exception) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on["submit"] = error
        order = await desk.gate.submit(ACCOUNT, limit_order())
        assert state_of(order) is OrderState.REJECTED
        assert order.reason
        assert not desk.gate.doubts

    with_desk(tmp_path, body)


def test_not_sent_says_that_nothing_was_sent_and_is_raised(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on["submit"] = NotSent("kraken", "connection refused")
        with pytest.raises(NotSent):
            await desk.gate.submit(ACCOUNT, limit_order())
        (order,) = desk.gate.orders.values()
        assert state_of(order) is OrderState.REJECTED
        assert order.reason.startswith("Nothing was sent")

    with_desk(tmp_path, body)


# -- in doubt --------------------------------------------------------------------------------------------

UNCLEAR = [
    OutcomeUnknown("kraken", "timeout"),
    ProtocolViolation("kraken", "an HTML page"),
    VenueUnavailable("kraken", "503"),
    RateLimited("kraken", "edge", code="429"),
    TimeoutError(),
    ConnectionResetError(),
    KeyError("result"),
]


@pytest.mark.fault(25)
@pytest.mark.parametrize("error", UNCLEAR, ids=lambda error: type(error).__name__)
def test_no_answer_but_arrived_settles_as_open_and_is_sent_once(tmp_path: Path, error: Exception) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on["submit"], desk.venue.acts_before_raising = error, True
        answered: list[str] = []

        def note(key: str) -> None:
            if key not in desk.gate.doubts:
                answered.append(key)

        desk.gate.inquiries.changed.watch(note)
        order = await desk.gate.submit(ACCOUNT, limit_order())
        assert state_of(order) is OrderState.IN_DOUBT
        told = desk.notices[-1]
        assert told.text == "No answer to the order in BTC/USD yet: checking whether it arrived."
        assert (told.until_known, told.client_order_id) == (True, order.client_order_id)
        assert answered == []
        await eventually(lambda: order.state is OrderState.OPEN)
        await eventually(lambda: answered == [order.client_order_id])
        assert order.venue_order_id == "O00001"
        assert order.doubt_since_ns is None
        assert not desk.gate.doubts
        assert desk.venue.count("submit") == 1

    with_desk(tmp_path, body)


@pytest.mark.fault(26)
def test_no_answer_and_never_arrived_is_left_to_the_person(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on["submit"] = OutcomeUnknown("kraken", "timeout")
        order = await desk.gate.submit(ACCOUNT, limit_order())
        with pytest.raises(OrderRefused, match="not_settleable"):
            desk.gate.settle_not_found(order.client_order_id)
        await eventually(lambda: desk.gate.doubts[order.client_order_id].can_settle)
        doubt = desk.gate.doubts[order.client_order_id]
        assert doubt.unknowns >= 3
        assert state_of(order) is OrderState.IN_DOUBT, "looks alone never settle it"
        desk.gate.settle_not_found(order.client_order_id)
        assert state_of(order) is OrderState.REJECTED
        assert not desk.gate.doubts
        assert desk.venue.count("submit") == 1

    with_desk(tmp_path, body)


def test_looks_that_fail_never_count_towards_not_found(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on |= {
            "submit": OutcomeUnknown("kraken", "timeout"),
            "order_status": VenueUnavailable("kraken", "down"),
        }
        order = await desk.gate.submit(ACCOUNT, limit_order())
        await eventually(lambda: desk.venue.looks >= 6)
        doubt = desk.gate.doubts[order.client_order_id]
        assert doubt.unknowns == doubt.looks == 0
        assert not doubt.can_settle
        assert doubt.error

    with_desk(tmp_path, body)


def test_an_order_settled_as_not_found_that_appears_after_all_is_shown_with_an_alert(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on["submit"] = OutcomeUnknown("kraken", "timeout")
        order = await desk.gate.submit(ACCOUNT, limit_order())
        await eventually(lambda: desk.gate.doubts[order.client_order_id].can_settle)
        desk.gate.settle_not_found(order.client_order_id)
        desk.venue.push(desk.venue.place(order.request, order.client_order_id))
        assert state_of(order) is OrderState.OPEN
        assert "taken for refused" in desk.texts()

    with_desk(tmp_path, body)


def test_in_doubt_closes_that_side_until_it_is_confirmed(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on["submit"] = OutcomeUnknown("kraken", "timeout")
        await desk.gate.submit(ACCOUNT, limit_order())
        with pytest.raises(ConfirmationNeeded) as refused:
            await desk.gate.submit(ACCOUNT, limit_order(quantity="0.02"))
        assert refused.value.rule == "in_doubt"
        await desk.gate.submit(ACCOUNT, limit_order(Side.SELL))
        await desk.gate.submit(ACCOUNT, limit_order(quantity="0.02"), confirmed=frozenset({"in_doubt"}))
        assert desk.venue.count("submit") == 3

    with_desk(tmp_path, body)


def test_a_doubt_is_settled_by_a_report_or_a_fill_without_asking(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on |= {
            "submit": OutcomeUnknown("kraken", "timeout"),
            "order_status": VenueUnavailable("kraken", "down"),
        }
        desk.venue.acts_before_raising = True
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.venue.push(desk.venue.trade("O00001", "0.004"))
        assert state_of(order) is OrderState.PARTLY_FILLED
        await eventually(lambda: not desk.gate.doubts)

    with_desk(tmp_path, body)


def test_cancel_if_it_appears_cancels_once_it_is_known(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on["submit"], desk.venue.acts_before_raising = OutcomeUnknown("kraken", "x"), True
        order = await desk.gate.submit(ACCOUNT, limit_order())
        await eventually(lambda: desk.venue.count("cancel") == 1)
        desk.venue.push(desk.venue.reports["O00001"])
        assert state_of(order) is OrderState.CANCELED

    with_desk(tmp_path, body, cancel_if_appears=True)


def test_a_caller_that_is_cancelled_while_the_order_is_on_its_way_leaves_it_in_doubt(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.hold = asyncio.Event()
        desk.venue.raise_on["order_status"] = VenueUnavailable("kraken", "down")
        click = tasks.spawn(desk.gate.submit(ACCOUNT, limit_order()), name="click")
        await eventually(lambda: desk.venue.count("submit") == 1)
        click.cancel()
        with pytest.raises(asyncio.CancelledError):
            await click
        (order,) = desk.gate.orders.values()
        assert state_of(order) is OrderState.IN_DOUBT
        desk.venue.hold = None

    with_desk(tmp_path, body)


def test_treat_as_live_opens_the_side_again(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on["submit"] = OutcomeUnknown("kraken", "timeout")
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.gate.treat_as_live(order.client_order_id)
        assert state_of(order) is OrderState.OPEN
        await desk.gate.submit(ACCOUNT, limit_order(quantity="0.02"))

    with_desk(tmp_path, body)


def test_a_venue_that_cannot_be_asked_by_our_id_offers_look_alikes(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        info = desk.venue.info
        desk.venue.info = replace(info, capabilities=replace(info.capabilities, lookup_by_client_id=False))
        desk.venue.raise_on["submit"] = OutcomeUnknown("kraken", "timeout")
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.venue.place(limit_order(), None)
        await eventually(lambda: desk.gate.doubts[order.client_order_id].candidates)
        assert state_of(order) is OrderState.IN_DOUBT

    with_desk(tmp_path, body)


# -- the journal says no ---------------------------------------------------------------------------------


@pytest.mark.fault(38)
def test_without_a_journal_no_order_leaves_and_cancels_still_do(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        await desk.journal.flush()
        mend_disk = break_disk(desk.journal)
        with pytest.raises(StorageError):
            await desk.gate.submit(ACCOUNT, limit_order(quantity="0.02"))
        assert desk.venue.count("submit") == 1
        assert not desk.journal.healthy
        await desk.gate.cancel(order.client_order_id)
        desk.venue.push(desk.venue.reports["O00001"])
        assert state_of(order) is OrderState.CANCELED
        await eventually(lambda: "no new orders" in desk.texts())
        mend_disk()
        await eventually(lambda: desk.journal.healthy)
        assert await desk.journal.flush()

    async def reopened() -> None:
        journal = Journal(tmp_path / "journal.sqlite")
        contents = await journal.open()
        await journal.close()
        assert sorted(row.state for row in contents.orders) == ["CANCELED", "REJECTED"]

    with_desk(tmp_path, body)
    run(reopened())


@pytest.mark.fault(38)
def test_a_journal_that_opens_late_names_our_orders_again(tmp_path: Path) -> None:
    venue = FakeVenue()

    async def first(desk: Desk) -> None:
        await desk.gate.submit(ACCOUNT, limit_order())
        await desk.gate.submit(ACCOUNT, limit_order(quantity="0.02"))
        venue.push(venue.trade("O00001", "0.004"))

    async def second() -> None:
        path = tmp_path / "journal.sqlite"
        path.rename(tmp_path / "kept")
        good_copy_of(path).unlink()
        path.mkdir()
        desk: Desk | None = None
        with pytest.raises(StorageError):
            desk = await open_desk(tmp_path, venue=venue)
        assert desk is None
        gate = venue.gate
        assert gate is not None
        for report in venue.reports.values():
            venue.push(report)
        for fill in venue.fills:
            venue.push(fill)
        stranger = next(iter(gate.orders))
        assert gate.orders[stranger].origin is Origin.EXTERNAL
        await gate.cancel(stranger)
        assert venue.count("cancel") == 1
        path.rmdir()
        (tmp_path / "kept").rename(path)
        await gate.reconcile(ACCOUNT, await venue.snapshot(0))
        one, two = gate.orders.values()
        assert one.origin is two.origin is Origin.TICKET
        assert (state_of(one), state_of(two)) == (OrderState.CANCELED, OrderState.OPEN)
        assert one.filled_quantity == D("0.004")
        await gate.close()

    with_desk(tmp_path, first, venue=venue)
    run(second())


def break_disk(journal: Journal) -> Callable[[], None]:
    """Every write fails from now on, as on a disk that went read-only, until what is returned is called."""
    assert journal._connection is not None
    whole: sqlite3.Connection = journal._connection

    class ReadOnly:
        def execute(self, sql: str, *rest: object) -> object:
            if sql.startswith(("INSERT", "UPDATE", "DELETE", "COMMIT")):
                raise sqlite3.OperationalError("attempt to write a readonly database")
            return whole.execute(sql, *rest)  # type: ignore[arg-type]

        def close(self) -> None:
            whole.close()

    journal._connection = ReadOnly()  # type: ignore[assignment]

    def mend() -> None:
        journal._connection = whole

    return mend


def test_a_disk_that_hangs_refuses_the_order_without_sending_it(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        release = threading.Event()
        whole = desk.journal._commit
        desk.journal._commit = lambda batch: (release.wait(5), whole(batch))[1]  # type: ignore[method-assign]
        with pytest.raises(StorageError):
            await desk.gate.submit(ACCOUNT, limit_order())
        assert desk.venue.count("submit") == 0
        release.set()
        (order,) = desk.gate.orders.values()
        assert state_of(order) is OrderState.REJECTED
        assert await desk.journal.flush()

    with_desk(tmp_path, body, timings=replace(FAST, journal_s=0.05))


# -- confirm, arm, duplicates ----------------------------------------------------------------------------


def test_confirm_shows_the_request_first_and_then_sends_it(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.gate.arming.set(ArmState.CONFIRM)
        with pytest.raises(ConfirmationNeeded) as needed:
            await desk.gate.submit(ACCOUNT, limit_order())
        assert needed.value.tokens == ARM
        assert desk.venue.received == []
        order = await desk.gate.submit(ACCOUNT, limit_order(), confirmed=needed.value.tokens)
        assert state_of(order) is OrderState.OPEN

    with_desk(tmp_path, body)


def test_view_lets_no_order_leave_and_cancels_pass(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.gate.arming.set(ArmState.VIEW)
        with pytest.raises(OrderRefused, match="View") as refused:
            await desk.gate.submit(ACCOUNT, limit_order(), confirmed=ARM)
        assert not refused.value.confirmable
        with pytest.raises(OrderRefused, match="View"):
            await desk.gate.amend(order.client_order_id, AmendRequest(limit_price=D(59_000)), confirmed=ARM)
        await desk.gate.cancel(order.client_order_id)
        assert [name for name, _ in desk.venue.received] == ["submit", "cancel"]

    with_desk(tmp_path, body)


def test_two_identical_clicks_at_once_send_one_order(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        every = frozenset({"arm", "duplicate"})
        answers = await asyncio.gather(
            *(desk.gate.submit(ACCOUNT, limit_order(), confirmed=every) for _ in range(2)),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if isinstance(answer, OrderRefused)]
        assert [each.rule for each in refused] == ["duplicate"]
        assert desk.venue.count("submit") == 1

    with_desk(tmp_path, body)


def test_the_same_order_within_ten_seconds_asks_and_later_does_not(tmp_path: Path) -> None:
    clock = ManualClock()

    async def body(desk: Desk) -> None:
        await desk.gate.submit(ACCOUNT, limit_order())
        clock.advance(9)
        clock.jump_wall(-3600)
        with pytest.raises(ConfirmationNeeded) as needed:
            await desk.gate.submit(ACCOUNT, limit_order())
        assert needed.value.rule == "duplicate"
        assert "9 s ago" in needed.value.user_text
        clock.advance(2)
        await desk.gate.submit(ACCOUNT, limit_order())

    with_desk(tmp_path, body, clock=clock, limits=RiskLimits())


def test_a_figure_that_got_worse_since_it_was_confirmed_is_shown_again(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        with pytest.raises(ConfirmationNeeded) as needed:
            await desk.gate.submit(ACCOUNT, limit_order(price="62100.0"))
        assert needed.value.user_text == "price 3.5 % above the ask, your limit is 3 %"
        with pytest.raises(ConfirmationNeeded):
            await desk.gate.submit(ACCOUNT, limit_order(price="66000.0"), confirmed=needed.value.tokens)
        await desk.gate.submit(ACCOUNT, limit_order(price="62150.0"), confirmed=needed.value.tokens)

    with_desk(tmp_path, body)


def test_nothing_is_sent_before_the_account_is_reconciled_but_cancels_are(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.gate.suspend(ACCOUNT, "The stream is down.")
        with pytest.raises(OrderRefused, match="stream is down"):
            await desk.gate.submit(ACCOUNT, limit_order(quantity="0.02"))
        await desk.gate.cancel(order.client_order_id)
        assert [name for name, _ in desk.venue.received] == ["submit", "cancel"]

    with_desk(tmp_path, body)


# -- cancel and amend ------------------------------------------------------------------------------------


def test_a_cancel_is_shown_as_done_only_when_the_venue_says_so(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        await desk.gate.cancel(order.client_order_id)
        assert state_of(order) is OrderState.PENDING_CANCEL
        desk.venue.push(desk.venue.reports["O00001"])
        assert state_of(order) is OrderState.CANCELED

    with_desk(tmp_path, body)


def test_a_cancel_whose_report_never_comes_is_asked_after(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        await desk.gate.cancel(order.client_order_id)
        await eventually(lambda: order.state is OrderState.CANCELED)

    with_desk(tmp_path, body)


@pytest.mark.fault(30)
def test_a_cancel_without_an_answer_stays_canceling_until_it_is_known(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.venue.raise_on["cancel"] = OutcomeUnknown("kraken", "timeout")
        await desk.gate.cancel(order.client_order_id)
        assert state_of(order) is OrderState.PENDING_CANCEL
        await eventually(lambda: order.state is OrderState.OPEN)
        assert "did not arrive" in desk.texts()
        desk.venue.raise_on["cancel"], desk.venue.acts_before_raising = OutcomeUnknown("kraken", "x"), True
        await desk.gate.cancel(order.client_order_id)
        await eventually(lambda: order.state is OrderState.CANCELED)

    with_desk(tmp_path, body)


@pytest.mark.fault(30)
def test_a_cancel_refused_because_it_was_filled_shows_filled(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.venue.trade("O00001", "0.01")
        await desk.gate.cancel(order.client_order_id)
        assert state_of(order) is OrderState.FILLED
        assert order.filled_quantity == D("0.01")

    with_desk(tmp_path, body)


@pytest.mark.fault(30)
def test_a_cancel_refused_as_unknown_puts_the_order_in_doubt_not_in_canceled(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        del desk.venue.reports["O00001"]
        with pytest.raises(RequestRejected):
            await desk.gate.cancel(order.client_order_id)
        assert state_of(order) is OrderState.IN_DOUBT
        await eventually(lambda: desk.gate.doubts[order.client_order_id].can_settle)
        desk.gate.settle_not_found(order.client_order_id)
        assert state_of(order) is OrderState.CANCELED

    with_desk(tmp_path, body)


def test_canceling_an_unanswered_order_cancels_it_as_soon_as_it_is_known(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.hold = asyncio.Event()
        click = tasks.spawn(desk.gate.submit(ACCOUNT, limit_order()), name="click")
        await eventually(lambda: desk.venue.count("submit") == 1)
        (order,) = desk.gate.orders.values()
        await desk.gate.cancel(order.client_order_id)
        assert desk.venue.count("cancel") == 0
        desk.venue.hold.set()
        await click
        await eventually(lambda: desk.venue.count("cancel") == 1)

    with_desk(tmp_path, body)


def test_an_amend_is_applied_on_yes_and_kept_pending_in_doubt(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        await desk.gate.amend(order.client_order_id, AmendRequest(limit_price=D("59000.0")))
        assert order.limit_price == D("59000.0")
        desk.venue.raise_on["amend"] = OutcomeUnknown("kraken", "timeout")
        change = AmendRequest(limit_price=D("58000.0"))
        await desk.gate.amend(order.client_order_id, change)
        assert order.amend_pending == change
        assert order.limit_price == D("59000.0")
        with pytest.raises(OrderRefused):
            await desk.gate.amend(order.client_order_id, AmendRequest(limit_price=D("57000.0")))
        await eventually(lambda: order.amend_pending is None)
        assert order.limit_price == D("59000.0")
        assert "did not arrive" in desk.texts()
        desk.venue.raise_on["amend"], desk.venue.acts_before_raising = OutcomeUnknown("kraken", "x"), True
        await desk.gate.amend(order.client_order_id, change)
        await eventually(lambda: order.amend_pending is None)
        assert order.limit_price == D("58000.0")
        assert desk.venue.count("amend") == 3

    with_desk(tmp_path, body)


def test_a_refused_amend_leaves_the_old_terms_and_tells(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.venue.raise_on["amend"] = RequestRejected("kraken", code="EOrder:Invalid price")
        with pytest.raises(RequestRejected):
            await desk.gate.amend(order.client_order_id, AmendRequest(limit_price=D("59000.0")))
        assert order.limit_price == D("60000.0")
        assert order.amend_pending is None
        assert state_of(order) is OrderState.OPEN

    with_desk(tmp_path, body)


def test_an_amend_below_what_has_filled_or_off_the_grid_is_refused_here(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.venue.push(desk.venue.trade("O00001", "0.004"))
        for change in (
            AmendRequest(quantity=D("0.004")),
            AmendRequest(limit_price=D("59000.05")),
            AmendRequest(),
            AmendRequest(trigger_price=D("59000.0")),
        ):
            assert desk.gate.check_amend(order.client_order_id, change).refusals
            with pytest.raises(OrderRefused):
                await desk.gate.amend(order.client_order_id, change)
        with pytest.raises(ConfirmationNeeded, match="above the ask"):
            await desk.gate.amend(order.client_order_id, AmendRequest(limit_price=D("63000.0")))
        assert desk.venue.count("amend") == 0

    with_desk(tmp_path, body)


def test_a_venue_without_amend_says_so(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())

        class Plain:
            def __getattr__(self, name: str) -> object:
                if name == "amend":
                    raise AttributeError(name)
                return getattr(desk.venue, name)

        desk.gate._connector = lambda account: Plain()  # type: ignore[assignment,return-value]
        with pytest.raises(Unsupported):
            await desk.gate.amend(order.client_order_id, AmendRequest(limit_price=D("59000.0")))

    with_desk(tmp_path, body)


# -- cancel all ------------------------------------------------------------------------------------------


def test_cancel_all_reports_done_failed_and_unknown(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        first = await desk.gate.submit(ACCOUNT, limit_order())
        second = await desk.gate.submit(ACCOUNT, limit_order(quantity="0.02"))
        third = await desk.gate.submit(ACCOUNT, limit_order(quantity="0.03"))
        desk.venue.push(desk.venue.place(limit_order(Side.SELL), None))

        async def stream() -> None:
            await eventually(lambda: desk.venue.count("cancel_all") == 1)
            desk.venue.push(desk.venue.reports["O00001"])
            desk.venue.push(desk.venue.trade("O00002", "0.02"))

        reports = tasks.spawn(stream(), name="stream")
        outcome = await desk.gate.cancel_all(ACCOUNT)
        await reports
        assert first in outcome.done
        assert [order for order, _ in outcome.failed] == [second]
        assert third in outcome.unknown
        external = next(order for order in desk.gate.orders.values() if order.origin is Origin.EXTERNAL)
        assert external in outcome.unknown
        await eventually(lambda: third.state is OrderState.CANCELED)

    with_desk(tmp_path, body)


def test_cancel_all_by_side_touches_no_other_order(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        buy = await desk.gate.submit(ACCOUNT, limit_order())
        sell = await desk.gate.submit(ACCOUNT, limit_order(Side.SELL))
        await desk.gate.cancel_all(ACCOUNT, side=Side.BUY)
        assert ("cancel", buy.client_order_id) in desk.venue.received
        assert ("cancel", sell.client_order_id) not in desk.venue.received
        assert desk.venue.count("cancel_all") == 0
        assert state_of(sell) is OrderState.OPEN
        nothing = await desk.gate.cancel_all(ACCOUNT, kind=frozenset({OrderType.STOP}))
        assert nothing == CancelOutcome()

    with_desk(tmp_path, body)


def test_cancel_all_catches_an_order_in_doubt_when_it_appears(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.raise_on |= {
            "submit": OutcomeUnknown("kraken", "timeout"),
            "order_status": VenueUnavailable("kraken", "down"),
        }
        order = await desk.gate.submit(ACCOUNT, limit_order())
        outcome = await desk.gate.cancel_all(ACCOUNT)
        assert outcome.unknown == [order]
        desk.venue.push(desk.venue.place(order.request, order.client_order_id))
        await eventually(lambda: desk.venue.count("cancel") == 1)

    with_desk(tmp_path, body)


# -- fills and strangers ---------------------------------------------------------------------------------


@pytest.mark.fault(28)
def test_a_fill_twice_counts_once_also_after_a_restart(tmp_path: Path) -> None:
    venue = FakeVenue()

    async def first(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        fill = venue.trade("O00001", "0.004")
        venue.push(fill)
        venue.push(fill)
        assert order.filled_quantity == D("0.004")
        assert order.fees == {"USD": D("0.1")}
        assert desk.fills == [fill]

    async def second(desk: Desk) -> None:
        (order,) = desk.gate.orders.values()
        assert state_of(order) is OrderState.PARTLY_FILLED
        assert order.filled_quantity == D("0.004")
        assert order.fees == {"USD": D("0.1")}
        assert desk.fills == []
        assert list(desk.gate.fills) == venue.fills

    with_desk(tmp_path, first, venue=venue)
    with_desk(tmp_path, second, venue=venue)


@pytest.mark.fault(29)
def test_a_fill_after_the_cancel_is_real_and_alerts(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.venue.push(desk.venue.end("O00001"))
        assert state_of(order) is OrderState.CANCELED
        desk.venue.push(desk.venue.trade("O00001", "0.004"))
        assert state_of(order) is OrderState.CANCELED
        assert order.filled_quantity == D("0.004")
        assert "after the order was canceled" in desk.texts()
        desk.venue.push(desk.venue.trade("O00001", "0.006"))
        assert state_of(order) is OrderState.FILLED

    with_desk(tmp_path, body)


@pytest.mark.fault(29)
def test_more_filled_than_ordered_is_flagged_not_hidden(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        desk.venue.push(desk.venue.trade("O00001", "0.012"))
        assert order.filled_quantity == D("0.012")
        assert "more than ordered" in order.reason
        assert "more than ordered" in desk.texts()

    with_desk(tmp_path, body)


@pytest.mark.fault(29)
def test_a_fill_of_an_unknown_order_is_listed_as_external(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        report = desk.venue.place(limit_order(Side.SELL), "somebody-elses-id")
        desk.venue.push(desk.venue.trade(report.venue_order_id, "0.004"))
        assert not desk.gate.orders
        await eventually(lambda: desk.gate.orders)
        (order,) = desk.gate.orders.values()
        assert order.origin is Origin.EXTERNAL
        assert state_of(order) is OrderState.PARTLY_FILLED
        assert order.filled_quantity == D("0.004")
        assert order.ref.client_order_id is None

    with_desk(tmp_path, body)


@pytest.mark.fault(29)
def test_a_fill_whose_order_the_venue_cannot_name_is_listed_all_the_same(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        stray = Fill(
            "T1", BTC_USD, Side.BUY, D(60_000), D("0.5"), D(1), "USD", True, "OGONE", None, desk.venue.now()
        )
        desk.venue.push(stray)
        await eventually(lambda: desk.gate.orders)
        (order,) = desk.gate.orders.values()
        assert order.origin is Origin.EXTERNAL
        assert order.filled_quantity == D("0.5")
        assert desk.fills == [stray]

    with_desk(tmp_path, body)


def test_fills_from_before_our_memory_are_history_not_news(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        long_ago = desk.venue.now() - 15 * 86_400_000_000_000
        desk.venue.push(
            Fill("T1", BTC_USD, Side.BUY, D(60_000), D("0.5"), D(1), "USD", True, "OOLD", None, long_ago)
        )
        assert not desk.gate._ledger.table.parked
        assert desk.fills == []

    with_desk(tmp_path, body)


@pytest.mark.fault(27)
def test_a_fill_before_the_answer_waits_for_it(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.hold = asyncio.Event()
        click = tasks.spawn(desk.gate.submit(ACCOUNT, market_order()), name="click")
        await eventually(lambda: desk.venue.count("submit") == 1)
        anonymous = desk.venue.trade("O00001", "0.01")._replace(client_order_id=None)
        report = replace(desk.venue.reports["O00001"], client_order_id=None)
        desk.venue.push(anonymous)
        desk.venue.push(report)
        assert len(desk.gate.orders) == 1
        desk.venue.hold.set()
        order = await click
        assert state_of(order) is OrderState.FILLED
        assert desk.fills == [anonymous]
        assert len(desk.gate.orders) == 1

    with_desk(tmp_path, body)


def test_a_stranger_that_turns_out_to_be_ours_is_absorbed(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        desk.venue.hold = asyncio.Event()
        click = tasks.spawn(desk.gate.submit(ACCOUNT, limit_order()), name="click")
        await eventually(lambda: desk.venue.count("submit") == 1)
        anonymous = desk.venue.trade("O00001", "0.004")._replace(client_order_id=None)
        desk.venue.reports["O00001"] = replace(desk.venue.reports["O00001"], client_order_id=None)
        desk.venue.push(anonymous)
        await eventually(lambda: len(desk.gate.orders) == 2)
        removed: list[str] = []
        desk.gate.removed.watch(removed.append)
        desk.venue.hold.set()
        order = await click
        assert list(desk.gate.orders.values()) == [order]
        assert order.filled_quantity == D("0.004")
        assert len(removed) == 1

    with_desk(tmp_path, body)


def test_origin_is_kept(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order(origin=Origin.LADDER))
        assert order.origin is Origin.LADDER

    with_desk(tmp_path, body)


def test_an_unreadable_state_puts_a_working_order_in_doubt_and_the_next_one_clears_it(tmp_path: Path) -> None:
    async def body(desk: Desk) -> None:
        order = await desk.gate.submit(ACCOUNT, limit_order())
        report: OrderReport = desk.venue.reports["O00001"]
        desk.venue.push(replace(report, state=OrderState.IN_DOUBT))
        assert state_of(order) is OrderState.IN_DOUBT
        assert order.doubt_since_ns is not None
        desk.venue.push(report)
        assert state_of(order) is OrderState.OPEN

    with_desk(tmp_path, body)
