"""Contracts where a venue trades by them: each kind from its beginning to its end, and what may go wrong."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from terminal.domain.contracts import ExpiryMode, clock_expiry_ns
from terminal.domain.errors import NotSent, RequestRejected
from terminal.domain.market import Side
from terminal.domain.orders import OrderRef, OrderState, OrderType
from terminal.venues import registry
from tests.helpers import eventually, run
from tests.practice import Practice
from tests.venues.kit import Desk, desk, skip_without

D = Decimal
NS = 10**9


@pytest.fixture(autouse=True)
def only_contracts(practice: Practice) -> None:
    skip_without(practice, "contracts", registry.info(practice.venue).capabilities.contracts)


async def end_of(found: Desk, position_id: str) -> None:
    await eventually(lambda: found.positions[position_id].quantity == 0, what="the end of the contract")
    await eventually(lambda: [f for f in found.fills if f.realised is not None], what="its result")


def test_contracts_run_as_positions_and_end_by_themselves(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            offer = found.instrument().offer
            assert offer is not None
            before = found.balances[found.currency].total
            requests = {side: found.contract(side, duration_s=found.shortest_s) for side in Side}
            for side, request in requests.items():
                order_id = await found.submit(request)
                report = await found.until_state(order_id, OrderState.FILLED)
                (position,) = [each for each in found.positions.values() if each.side is side]
                running = position.contract
                assert running is not None
                assert running.payout_pct == offer.payout(found.shortest_s)
                assert running.duration_s == found.shortest_s
                left_s = running.left_s(found.venue_ns())
                assert found.shortest_s - 3 < left_s <= found.shortest_s + 1
                assert position.quantity == request.quantity == report.filled_quantity
                assert position.position_id == report.position_id
                assert report.contract == request.contract
            staked = 2 * found.lots(1)
            await eventually(
                lambda: found.balances[found.currency].total == before - staked, what="the stakes gone"
            )
            await eventually(lambda: not found.open_positions, what="the end of both")
            await eventually(lambda: len(found.fills) == 4, what="both results")
            won = found.lots(1) * offer.payout(found.shortest_s) / 100
            for fill in found.fills:
                if fill.realised is None:
                    continue
                (entry,) = [
                    each for each in found.fills if each.position_id == fill.position_id and each is not fill
                ]
                moved = (fill.price - entry.price) * entry.side.sign
                assert fill.realised == (won if moved > 0 else -found.lots(1) if moved < 0 else 0)
                ended = found.reports[fill.venue_order_id][-1]
                assert (ended.state, ended.reduce_only) == (OrderState.FILLED, True)
                assert ended.reason == ("won" if moved > 0 else "lost" if moved < 0 else "tied")
            brought = sum((fill.realised or D(0) for fill in found.fills), D(0))
            await eventually(
                lambda: found.balances[found.currency].total == before + brought, what="what they brought"
            )
            found.require_no_faults()

    run(main())


def test_a_contract_by_the_clock_ends_at_its_line(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            line_ns = clock_expiry_ns(found.venue_ns(), 300)
            request = found.contract(Side.SELL, duration_s=300, mode=ExpiryMode.CLOCK)
            await found.submit(request)
            (position,) = found.open_positions.values()
            assert position.contract is not None
            assert position.contract.expires_ns in (line_ns, line_ns + 300 * NS)
            snapshot = await found.hand.snapshot(time.time_ns() - 60 * NS)
            assert [each.contract for each in snapshot.positions] == [position.contract]

    run(main())


def test_a_running_contract_can_be_given_back(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            offer = found.instrument().offer
            assert offer is not None
            if not offer.sells_back:
                pytest.skip("nothing is bought back here")
            before = found.balances[found.currency].total
            await found.submit(found.contract())
            (position,) = found.open_positions.values()
            client_id = found.new_id()
            order_id = await found.submit(found.closing(position), client_id)
            report = await found.until_state(order_id, OrderState.FILLED)
            assert (report.client_order_id, report.reason) == (client_id, "sold back")
            await end_of(found, position.position_id)
            (back,) = [fill for fill in found.fills if fill.realised is not None]
            assert back.client_order_id == client_id
            assert back.realised is not None
            assert -found.lots(1) < back.realised < found.lots(1)
            assert position.opened_ns is not None
            assert back.ts_event_ns < position.opened_ns + 60 * NS
            await eventually(
                lambda: found.balances[found.currency].total == before + (back.realised or D(0)),
                what="what it brought",
            )
            # It has gone: it cannot be given back twice.
            with pytest.raises(RequestRejected) as caught:
                await found.submit(found.closing(position))
            assert caught.value.user_text

    run(main())


def test_a_contract_that_waits_for_a_time_opens_then(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            opens_ns = (found.venue_ns() // NS + 5) * NS
            client_id = found.new_id()
            order_id = await found.submit(found.contract(opens_ns=opens_ns), client_id)
            report = await found.until_state(order_id, OrderState.OPEN)
            assert report.contract is not None
            assert report.contract.opens_ns == opens_ns
            snapshot = await found.hand.snapshot(0)
            assert [each.venue_order_id for each in snapshot.open_orders] == [order_id]
            assert not snapshot.positions
            report = await found.until_state(order_id, OrderState.FILLED)
            assert report.client_order_id == client_id
            (position,) = found.open_positions.values()
            assert position.opened_ns is not None
            assert abs(position.opened_ns - opens_ns) < 2 * NS
            status = await found.hand.order_status(OrderRef(found.symbol, client_id, order_id))
            assert status is not None
            assert (status.state, status.filled_quantity) == (OrderState.FILLED, found.lots(1))

    run(main())


def test_a_contract_that_waits_for_a_price_opens_there(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            quote = found.quotes[found.symbol].bid
            assert quote is not None
            above = quote + 50 * found.instrument().tick_size
            order_id = await found.submit(found.contract(trigger_price=above))
            report = await found.until_state(order_id, OrderState.OPEN)
            assert report.trigger_price == above
            await practice.shock(found.symbol, 1)
            try:
                await found.until_state(order_id, OrderState.FILLED)
            finally:
                await practice.shock(found.symbol, -0.990)
            (position,) = found.open_positions.values()
            assert position.average_price >= above

    run(main())


def test_what_is_not_offered_is_refused_before_or_by_the_venue(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            request = found.contract(opens_ns=found.venue_ns() - 60 * NS)
            with pytest.raises((RequestRejected, NotSent)) as caught:
                await found.submit(request)
            assert "time" in caught.value.user_text
            assert request.order_type is OrderType.CONTRACT
            assert not (await practice.told()).orders

    run(main())
