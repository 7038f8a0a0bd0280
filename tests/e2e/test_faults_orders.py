"""Faults around orders, through the whole application: cases 5, 11, 25 to 30, 32, 35 to 37."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from terminal.domain.errors import OrderRefused, RequestRejected
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, Order, OrderState, OrderType, Origin
from terminal.services.session import SessionState
from terminal.venues.base import SubmitAck
from terminal.venues.kraken.connector import KrakenConnector
from tests.e2e.rig import ACCOUNT, BTC, Rig, SkewedClock, nonces_of, rig, state_of
from tests.helpers import run
from tests.practice import Practice

D = Decimal
SOCKETS = "connect/ws*"
EXECUTIONS = "ws/data/executions"


def follow(found: Rig) -> list[OrderState]:
    """Each state that any order goes through from now on."""
    states: list[OrderState] = []
    found.gate.changed.watch(lambda order: states.append(order.state))
    return states


async def elsewhere(practice: Practice) -> KrakenConnector:
    """Another program of the same person: a key of its own on the same account, REST only."""
    connector = KrakenConnector(practice.settings("withdraw"), nonces=nonces_of(practice))
    await connector.instruments()
    return connector


@pytest.mark.fault(5)
def test_a_late_answer_finds_the_order_settled_and_changes_nothing(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            states = follow(found)
            reconnects = found.session.health().reconnects
            # Everything of the private side arrives 1.2 s late; the connector waits 0.7 s.
            await practice.fault("delay", match="ws/ack/add_order", delay_s=1.2)
            await practice.fault("delay", match="ws/data/executions", delay_s=1.2)
            order = await found.send(found.limit())
            assert state_of(order) is OrderState.IN_DOUBT
            await found.until(lambda: order.state is OrderState.OPEN, "asked after and found")
            await asyncio.sleep(0)
            await found.until(lambda: "late answer" in found.log_text(), "the late answer")
            assert state_of(order) is OrderState.OPEN
            assert OrderState.REJECTED not in states
            assert found.session.health().reconnects == reconnects, "slow is not dead"
            told = await found.require_same_as_venue()
            assert told.sent() == {order.client_order_id: 1}

    run(main())


@pytest.mark.fault(25)
@pytest.mark.parametrize("close", [False, True])
def test_accepted_but_the_answer_lost_is_found_open_and_never_sent_again(
    close: bool, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            states = follow(found)
            await practice.fault("accept_lose_answer", close=close)
            # Its executions are lost too: only asking can tell.
            await practice.fault("drop", match=EXECUTIONS, count=2)
            request = found.limit()
            order = await found.send(request)
            assert OrderState.IN_DOUBT in states
            await found.until(lambda: order.state is OrderState.OPEN, "found open")
            await found.until_ready()
            told = await found.require_same_as_venue()
            assert [row["status"] for row in told.with_id(order.client_order_id)] == ["OPEN"]
            assert told.sent() == {order.client_order_id: 1}
            assert found.noticed("No answer to the order")

    run(main())


@pytest.mark.fault(25)
def test_while_in_doubt_the_same_side_is_closed(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            await practice.fault("accept_lose_answer")
            await practice.fault("drop", match=EXECUTIONS, count=2)
            await practice.fault("delay", match="rest/read/OpenOrders", delay_s=1.0, count=5)
            order = await found.send(found.limit())
            assert state_of(order) is OrderState.IN_DOUBT
            rules = {warning.rule for warning in found.gate.check(ACCOUNT, found.limit(Side.BUY)).warnings}
            assert "in_doubt" in rules
            other = {w.rule for w in found.gate.check(ACCOUNT, found.limit(Side.SELL)).warnings}
            assert "in_doubt" not in other
            await practice.clear()
            await found.until(lambda: order.state is OrderState.OPEN, "settled", 15.0)

    run(main())


@pytest.mark.fault(26)
def test_never_arrived_is_not_found_after_several_looks_and_a_person_decides(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            await practice.fault("swallow_request")
            order = await found.send(found.limit())
            key = order.client_order_id
            assert state_of(order) is OrderState.IN_DOUBT
            with pytest.raises(OrderRefused):
                found.gate.settle_not_found(key)
            await found.until(lambda: (d := found.gate.doubts.get(key)) and d.can_settle, "settleable")
            assert found.gate.doubts[key].unknowns >= 3
            assert state_of(order) is OrderState.IN_DOUBT, "nothing is concluded without the person"
            told = await found.told()
            assert told.orders == []
            assert told.sent() == {key: 1}, "it reached the venue's door once and was not sent again"
            found.gate.settle_not_found(key)
            assert state_of(order) is OrderState.REJECTED
            # Its side is open again.
            await found.resting(quantity="0.002")

    run(main())


@pytest.mark.fault(27)
@pytest.mark.parametrize("held_back", ["ws/ack/add_order", EXECUTIONS, "ws/data/balances"])
@pytest.mark.parametrize("kind", ["market", "limit"])
def test_fill_acknowledgement_and_balances_in_any_order(
    held_back: str, kind: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            await practice.fault("delay", match=held_back, delay_s=0.3)
            if kind == "market":
                request = found.market(quantity="0.003")
            else:
                ask = found.book().best_ask
                assert ask is not None
                request = found.limit(price=ask.price + 50, quantity="0.003")
            order = await found.send(request)
            await found.until(lambda: order.state is OrderState.FILLED, "filled")
            assert order.filled_quantity == D("0.003")
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(27)
def test_an_answer_that_is_lost_while_the_fill_arrives_needs_no_asking(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            states = follow(found)
            await practice.fault("drop", match="ws/ack/add_order")
            order = await found.send(found.market())
            await found.until(lambda: order.state is OrderState.FILLED, "filled")
            assert OrderState.IN_DOUBT not in states
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(28)
def test_a_fill_is_applied_once_on_the_stream_after_a_reconnect_and_after_a_restart(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            await practice.fault("duplicate_private", match=EXECUTIONS, count=10)
            order = await found.send(found.market(quantity="0.004"))
            await found.until(lambda: order.state is OrderState.FILLED, "filled")
            added: list[object] = []
            found.gate.fill_added.watch(added.append)
            await practice.fault("cut", match=SOCKETS)
            await found.until(lambda: found.session.state is SessionState.RECONNECTING, "cut")
            await found.until_ready()
            await found.require_same_as_venue()
            assert added == [], "a fill was applied again"
            key = order.client_order_id
        await practice.order("forgive")
        async with rig(practice, tmp_path) as found:
            again = found.terminal.gate.orders[key]
            assert again.filled_quantity == D("0.004")
            assert again.state is OrderState.FILLED
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(29)
def test_an_order_placed_elsewhere_is_listed_as_such_with_its_fills(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        other = await elsewhere(practice)
        try:
            async with rig(practice, tmp_path) as found:
                ack = await other.submit(found.limit(Side.SELL, "0.002"), "elsewhere-1")
                assert isinstance(ack, SubmitAck)

                def stranger() -> Order | None:
                    orders = found.terminal.gate.orders.values()
                    return next((o for o in orders if o.venue_order_id == ack.venue_order_id), None)

                await found.until(stranger, "the order is listed")
                order = stranger()
                assert order is not None
                assert order.origin is Origin.EXTERNAL
                await practice.order("shock", symbol="BTC/USD", percent=4)
                await found.until(lambda: order.state is OrderState.FILLED, "its fill")
                await practice.order("shock", symbol="BTC/USD", percent=-3.8)
                told = await found.require_same_as_venue()
                assert told.sent() == {"elsewhere-1": 1}
        finally:
            await other.close()

    run(main())


@pytest.mark.fault(30)
@pytest.mark.parametrize("kind", ["accept_lose_answer", "swallow_request"])
def test_an_unanswered_cancel_is_not_shown_as_canceled_until_the_venue_says_so(
    kind: str, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting()
            await practice.fault(kind, match="ws/trade/cancel_order")
            if kind == "accept_lose_answer":
                await practice.fault("drop", match=EXECUTIONS)
            states = follow(found)
            await found.gate.cancel(order.client_order_id)
            if kind == "accept_lose_answer":
                await found.until(lambda: order.state is OrderState.CANCELED, "canceled")
            else:
                assert order.client_order_id in found.gate.doubts
                await found.until(lambda: order.state is OrderState.OPEN, "still open after all")
                assert OrderState.CANCELED not in states
                assert found.noticed("did not arrive")
                await found.gate.cancel(order.client_order_id)
                await found.until(lambda: order.state is OrderState.CANCELED, "canceled")
            await found.until_ready()
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(30)
def test_a_cancel_of_an_order_that_has_just_filled_ends_as_filled(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting(Side.SELL)
            # The fill is on its way, but late; the cancel meets an order that is gone.
            await practice.fault("delay", match=EXECUTIONS, delay_s=3.0, count=3)
            await practice.order("shock", symbol="BTC/USD", percent=4)
            while (await found.told()).open_ids():
                await asyncio.sleep(0.02)
            assert state_of(order) is OrderState.OPEN
            await found.gate.cancel(order.client_order_id)
            await found.until(lambda: order.state is OrderState.FILLED, "filled")
            await practice.order("shock", symbol="BTC/USD", percent=-3.8)
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(30)
def test_a_refused_change_leaves_the_old_terms(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting()
            before = order.limit_price
            await practice.fault("error", match="ws/trade/amend_order", error="EOrder:Insufficient funds")
            assert before is not None
            with pytest.raises(RequestRejected):
                await found.change(order, AmendRequest(limit_price=before - 100))
            assert order.limit_price == before
            assert order.amend_pending is None
            # Unanswered, and carried out: the venue's report brings the new terms.
            await practice.fault("accept_lose_answer", match="ws/trade/amend_order")
            await found.change(order, AmendRequest(limit_price=before - 200))
            await found.until(lambda: order.limit_price == before - 200, "the new price")
            await found.until(lambda: order.client_order_id not in found.gate.doubts, "settled")
            # Unanswered, and never arrived: the old ones stand, and that is found out.
            await practice.fault("swallow_request", match="ws/trade/amend_order")
            await found.change(order, AmendRequest(limit_price=before - 300))
            assert order.client_order_id in found.gate.doubts
            await found.until(lambda: order.client_order_id not in found.gate.doubts, "settled")
            assert order.limit_price == before - 200
            await found.require_same_as_venue()

    run(main())


@pytest.mark.fault(32)
def test_no_id_is_ever_used_again(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            keys = []
            for number in range(3):
                order = await found.send(found.market(quantity=f"0.00{number + 1}"))
                await found.until(lambda o=order: o.state is OrderState.FILLED, "filled")  # type: ignore[misc]
                keys.append(order.client_order_id)
            # The venue would take an id again whose order has filled: nothing here may try that.
            await practice.fault("error", error="EService:Busy")
            doubtful = await found.send(found.market(quantity="0.005"))
            keys.append(doubtful.client_order_id)
            assert state_of(doubtful) is OrderState.IN_DOUBT
            await found.until(
                lambda: (d := found.gate.doubts.get(doubtful.client_order_id)) and d.can_settle, "settleable"
            )
            assert (await found.told()).sent() == dict.fromkeys(keys, 1)
            assert len(set(keys)) == 4

    run(main())


@pytest.mark.fault(35)
def test_twenty_orders_of_which_five_changed_while_the_line_was_down(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        other = await elsewhere(practice)
        try:
            async with rig(practice, tmp_path) as found:
                orders = []
                for number in range(20):
                    price = found.away(Side.BUY, "3") - number * 10
                    request = found.limit(quantity="0.0002", price=price)
                    orders.append(await found.send(request))
                await found.until(lambda: all(o.state is OrderState.OPEN for o in orders), "twenty open")
                await practice.fault("refuse", match=SOCKETS, seconds=60.0)
                await practice.fault("cut", match=SOCKETS)
                await found.until(lambda: not found.gate.ready(ACCOUNT), "closed for orders")
                # Meanwhile: two filled (the dearest), two canceled elsewhere, one changed elsewhere.
                for order in orders[5:7]:
                    await other.cancel(order.ref)
                changed = orders[10]
                assert changed.limit_price is not None
                new_price = changed.limit_price - 500
                await other.amend(changed.ref, AmendRequest(limit_price=new_price))
                assert orders[1].limit_price is not None
                await practice.order(
                    "trade", symbol="BTC/USD", side="sell", through=str(orders[1].limit_price)
                )
                reports = len(found.reports)
                assert all(order.state is OrderState.OPEN for order in orders)
                await practice.clear()
                await found.until(lambda: len(found.reports) > reports, "compared", 15.0)
                report = found.reports[-1]
                assert report.text == "while you were away: 2 fills, 2 cancels, 1 changed order"
                await found.until_ready()
                assert [o.state for o in orders[:2]] == [OrderState.FILLED] * 2
                assert [o.state for o in orders[5:7]] == [OrderState.CANCELED] * 2
                assert changed.limit_price == new_price
                assert sum(1 for o in orders if o.state is OrderState.OPEN) == 16
                await found.require_same_as_venue()
        finally:
            await other.close()

    run(main(), timeout_s=90)


@pytest.mark.fault(35)
def test_a_failed_question_is_not_taken_for_an_empty_account(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting()
            await practice.fault("error", match="rest/read/ClosedOrders", error="EService:Busy", count=3)
            await practice.fault("cut", match=SOCKETS)
            await found.until(lambda: not found.gate.ready(ACCOUNT), "closed for orders")
            await found.until(lambda: "trying again" in found.log_text(), "the failure")
            assert not found.gate.ready(ACCOUNT)
            assert state_of(order) is OrderState.OPEN
            assert found.terminal.portfolio.balances(ACCOUNT)
            # A cancel needs no comparison.
            await found.gate.cancel(order.client_order_id)
            await found.until(lambda: order.state is OrderState.CANCELED, "canceled")
            await found.until_ready(30.0)

    run(main())


@pytest.mark.fault(36)
def test_a_token_that_ends_with_its_connection_is_renewed_once(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting()
            states = follow(found)
            public = found.session.connector._public.link.reconnects  # type: ignore[attr-defined]
            await practice.fault("expire_token", close=True)
            await found.until(lambda: not found.gate.ready(ACCOUNT), "closed for orders")
            assert found.terminal.market.book(BTC) is not None, "prices go on"
            await found.until_ready()
            assert found.session.connector._public.link.reconnects == public  # type: ignore[attr-defined]
            assert state_of(order) is OrderState.OPEN
            assert not [state for state in states if state.is_final]
            await found.resting(quantity="0.002")

    run(main())


@pytest.mark.fault(36)
def test_an_order_that_meets_a_dead_token_is_refused_plainly_and_the_session_renewed(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            await practice.fault("expire_token")
            order = await found.send(found.limit())
            assert state_of(order) is OrderState.REJECTED
            assert "session" in order.reason
            await found.until(lambda: not found.gate.ready(ACCOUNT), "the session is opened anew")
            await found.until_ready()
            assert (await found.told()).orders == []
            await found.resting(quantity="0.002")

    run(main())


@pytest.mark.fault(36)
def test_a_key_that_is_refused_ends_in_failed_with_the_reason(practice: Practice, tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path, errors_expected=True) as found:
            await practice.fault(
                "error", match="rest/read/GetWebSocketsToken", error="EAPI:Invalid key", count=20
            )
            await practice.fault("expire_token", close=True)
            await found.until(lambda: found.session.state is SessionState.FAILED, "failed")
            assert "key" in found.session.reason
            assert not found.gate.ready(ACCOUNT)
            assert found.terminal.market.book(BTC) is not None, "prices go on"
            tried = await practice.struck("error")
            assert tried <= 3, "asking on would lock the key"

    run(main())


@pytest.mark.fault(37)
@pytest.mark.parametrize("offset_s", [3600, -3600, 30])
def test_a_venue_whose_clock_is_off_gets_no_order_until_it_is_right(
    offset_s: int, practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        async with rig(practice, tmp_path) as found:
            order = await found.resting()
            stream = found.session.connector._public  # type: ignore[attr-defined]
            await practice.fault("clock_jump", offset_s=offset_s)
            stream.ping()
            await found.until(lambda: not found.gate.ready(ACCOUNT), "closed for orders")
            assert "differ" in found.session.reason
            with pytest.raises(OrderRefused) as caught:
                await found.send(found.limit(quantity="0.002"))
            assert "clock" in caught.value.user_text
            await found.gate.cancel(order.client_order_id)
            await found.until(lambda: order.state is OrderState.CANCELED, "a cancel goes")
            await practice.clear()
            stream.ping()
            await found.until_ready()
            await found.resting(quantity="0.003")

    run(main())


@pytest.mark.fault(37)
def test_this_computers_clock_jumping_breaks_neither_nonces_nor_timeouts(
    practice: Practice, tmp_path: Path
) -> None:
    async def main() -> None:
        clock = SkewedClock()
        async with rig(practice, tmp_path, clock=clock) as found:
            order = await found.resting()
            stream = found.session.connector._public  # type: ignore[attr-defined]
            for seconds in (3600, -7200):
                reports = len(found.reports)
                clock.jump(seconds)
                await found.until(lambda: not found.gate.ready(ACCOUNT), "closed for orders")
                clock.jump(-seconds)
                stream.ping()
                await found.until(lambda n=reports: len(found.reports) > n, "compared again", 15.0)  # type: ignore[misc]
                await found.until_ready()
            assert "Invalid nonce" not in found.log_text()
            assert state_of(order) is OrderState.OPEN
            assert order.order_type is OrderType.LIMIT
            await found.require_same_as_venue()

    run(main())
