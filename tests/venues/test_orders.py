"""Every kind of order that a venue says it takes: placed, seen, changed, canceled; batches and the switch."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.contract_rules import check_contract
from terminal.domain.contracts import ExpiryMode, clock_expiry_ns
from terminal.domain.errors import OrderRefused, RequestRejected, Unsupported
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import (
    AT_MARKET,
    AmendRequest,
    OrderRef,
    OrderRequest,
    OrderState,
    OrderType,
    TimeInForce,
    TriggerReference,
)
from terminal.domain.rules import check_request
from terminal.venues import registry
from terminal.venues.base import SubmitAck
from tests.helpers import eventually, run
from tests.practice import Practice
from tests.venues.kit import Desk, desk, skip_without

D = Decimal
MATRIX = [
    pytest.param(kind, force, id=f"{kind.value}-{force.value}")
    for kind, force in itertools.product(OrderType, TimeInForce)
]
TRADES_AT_ONCE = AT_MARKET | {OrderType.CONTRACT}
_IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)


def request_of(found: Desk, kind: OrderType, force: TimeInForce, side: Side) -> OrderRequest:
    """An order of this kind that does not trade now, unless it is at market."""
    passive = found.price(side, "3")
    beyond = found.price(side, "-3")
    tick = found.instrument().tick_size
    terms: dict[str, object] = {}
    if kind is OrderType.CONTRACT:
        return replace(found.contract(side), time_in_force=force)
    if kind in (OrderType.LIMIT, OrderType.ICEBERG):
        terms["limit_price"] = passive
    elif kind is OrderType.STOP:
        terms["trigger_price"] = beyond
    elif kind is OrderType.STOP_LIMIT:
        terms.update(trigger_price=beyond, limit_price=beyond + side.sign * 10 * tick)
    elif kind is OrderType.TAKE_PROFIT:
        terms["trigger_price"] = passive
    elif kind is OrderType.TAKE_PROFIT_LIMIT:
        terms.update(trigger_price=passive, limit_price=passive + side.sign * 10 * tick)
    elif kind.has_trail:
        terms["trail_offset"] = tick * 10_000
        if kind is OrderType.TRAILING_STOP_LIMIT:
            terms["limit_offset"] = tick * 10
    if kind is OrderType.ICEBERG:
        terms["display_quantity"] = found.lots(1)
    elif kind is OrderType.MARKET_RANGE:
        quote = found.quotes[found.symbol]
        terms.update(reference_price=quote.ask if side is Side.BUY else quote.bid, max_slippage=100 * tick)
    return OrderRequest(
        InstrumentId(found.venue, found.symbol),
        side,
        kind,
        found.lots(5 if kind is OrderType.ICEBERG else 1),
        time_in_force=force,
        expire_time_ns=time.time_ns() + 3600 * 10**9 if force is TimeInForce.GTD else None,
        **terms,  # type: ignore[arg-type]
    )


def our_own_refusals(found: Desk, request: OrderRequest) -> list[OrderRefused]:
    if request.order_type is OrderType.CONTRACT:
        return check_contract(request, found.instrument(), found.can, now_ns=found.venue_ns())
    return check_request(
        request,
        found.instrument(),
        found.can,
        now_ns=time.time_ns(),
        market_price=found.price(request.side, "0"),
    )


@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
@pytest.mark.parametrize(("kind", "force"), MATRIX)
def test_placed_seen_changed_canceled(
    kind: OrderType, force: TimeInForce, side: Side, practice: Practice
) -> None:
    can = registry.info(practice.venue).capabilities
    skip_without(practice, "order_types", kind in can.order_types, kind.value)
    skip_without(practice, "time_in_force", force in can.time_in_force, force.value)

    async def main() -> None:
        async with desk(practice) as found:
            request = request_of(found, kind, force, side)
            client_id = found.new_id()
            buys_at_market = kind is OrderType.MARKET and side is Side.BUY
            if our_own_refusals(found, request) or (buys_at_market and not found.sample.buys_at_market):
                # Our form does not offer it; the venue must not take it either, or we offer too little.
                with pytest.raises((RequestRejected, Unsupported)):
                    await found.submit(request, client_id)
                return
            order_id = await found.submit(request, client_id)
            if kind in TRADES_AT_ONCE:
                report = await found.until_state(order_id, OrderState.FILLED)
                assert report.filled_quantity == request.quantity
            elif force in _IMMEDIATE and not kind.has_trigger and not kind.has_trail:
                report = await found.until_state(order_id, OrderState.CANCELED, OrderState.EXPIRED)
                assert report.filled_quantity == 0
            else:
                report = await found.until_state(order_id, OrderState.OPEN)
                await _change(found, request, order_id, client_id)
                await found.hand.cancel(OrderRef(found.symbol, client_id, order_id))
                report = await found.until_state(order_id, OrderState.CANCELED)
            first = found.reports[order_id][0]
            assert (first.instrument, first.side, first.order_type) == (request.instrument, side, kind)
            assert first.client_order_id == client_id
            if kind not in TRADES_AT_ONCE:
                assert first.time_in_force is force
            for name in ("limit_price", "trigger_price", "display_quantity"):
                if not kind.has_trail and getattr(request, name) is not None:
                    assert getattr(first, name) == getattr(request, name), name
            if kind.has_trail:
                assert first.trail_offset == request.trail_offset
            found.require_no_faults()
            told = await practice.told()
            assert told.sent() == ({client_id: 1} if can.client_ids else {})
            assert len(told.orders) == 1
            assert not told.open_ids()

    run(main())


async def _change(found: Desk, request: OrderRequest, order_id: str, client_id: str) -> None:
    """Change what can be changed, and see it in the stream."""
    if not found.can.amend or request.order_type not in found.can.amend_types:
        return
    tick, kind = found.instrument().tick_size, request.order_type
    change = AmendRequest(quantity=request.quantity * 2)
    if kind.has_limit_price and not kind.has_trail and request.limit_price is not None:
        change = replace(change, limit_price=request.limit_price - request.side.sign * 5 * tick)
    if kind.has_trigger and request.trigger_price is not None:
        change = replace(change, trigger_price=request.trigger_price - 3 * tick)
    await found.hand.amend(OrderRef(found.symbol, client_id, order_id), change)

    def arrived() -> bool:
        report = found.last(order_id)
        return report is not None and all(
            wanted is None or getattr(report, name) == wanted
            for name, wanted in (
                ("quantity", change.quantity),
                ("limit_price", change.limit_price),
                ("trigger_price", change.trigger_price),
            )
        )

    await eventually(arrived, what=f"the new terms {change} in {found.last(order_id)}")
    assert found.state(order_id) is OrderState.OPEN


@pytest.mark.parametrize("force", list(TimeInForce))
def test_a_limit_that_crosses_trades_as_its_time_in_force_says(
    force: TimeInForce, practice: Practice
) -> None:
    forces = registry.info(practice.venue).capabilities.time_in_force
    skip_without(practice, "time_in_force", force in forces, force.value)
    types = registry.info(practice.venue).capabilities.order_types
    skip_without(practice, "order_types", OrderType.LIMIT in types, OrderType.LIMIT.value)

    async def main() -> None:
        async with desk(practice) as found:
            request = request_of(found, OrderType.LIMIT, force, Side.BUY)
            order_id = await found.submit(replace(request, limit_price=found.price(Side.BUY, "-1")))
            report = await found.until_state(order_id, OrderState.FILLED)
            assert report.filled_quantity == request.quantity
            assert report.average_price is not None
            assert report.average_price <= found.price(Side.BUY, "-1")

    run(main())


def test_fill_or_kill_of_more_than_there_is_leaves_nothing(practice: Practice) -> None:
    forces = registry.info(practice.venue).capabilities.time_in_force
    skip_without(practice, "time_in_force", TimeInForce.FOK in forces, "FOK")

    async def main() -> None:
        async with desk(practice) as found:
            request = found.limit(Side.SELL, "0", found.lots(200), time_in_force=TimeInForce.FOK)
            assert request.limit_price is not None
            beyond = request.limit_price + 100 * found.instrument().tick_size
            order_id = await found.submit(replace(request, limit_price=beyond))
            report = await found.until_state(order_id, OrderState.CANCELED, OrderState.EXPIRED)
            assert report.filled_quantity == 0
            assert not found.fills

    run(main())


def test_post_only_never_takes(practice: Practice) -> None:
    skip_without(practice, "post_only", registry.info(practice.venue).capabilities.post_only)

    async def main() -> None:
        async with desk(practice) as found:
            # Some venues refuse it, some take it and cancel it at once: the reason is told either way.
            try:
                refused = await found.submit(found.limit(Side.BUY, "-1", post_only=True))
            except RequestRejected as error:
                reason = error.user_text
            else:
                report = await found.until_state(refused, OrderState.CANCELED)
                assert report.filled_quantity == 0
                reason = report.reason
            assert "post-only" in reason
            order_id = await found.submit(found.limit(Side.BUY, "2", post_only=True))
            report = await found.until_state(order_id, OrderState.OPEN)
            assert report.post_only
            assert not found.fills

    run(main())


def test_a_market_buy_for_an_amount_of_quote(practice: Practice) -> None:
    in_quote = registry.info(practice.venue).capabilities.quantity_in_quote
    skip_without(practice, "quantity_in_quote", in_quote)

    async def main() -> None:
        async with desk(practice) as found:
            request = replace(found.market(quantity=D(100)), in_quote=True)
            order_id = await found.submit(request)
            await found.until_state(order_id, OrderState.FILLED, OrderState.CANCELED)
            await eventually(lambda: found.fills, what="fills")
            cost = sum(fill.price * fill.quantity for fill in found.fills)
            assert D(99) < cost <= D(100), cost

    run(main())


@pytest.mark.parametrize("reference", list(TriggerReference))
def test_a_stop_fires(reference: TriggerReference, practice: Practice) -> None:
    can = registry.info(practice.venue).capabilities
    skip_without(practice, "order_types", OrderType.STOP in can.order_types, OrderType.STOP.value)
    if reference is TriggerReference.INDEX:
        skip_without(practice, "trigger_on_index", can.trigger_on_index)
    elif reference is not TriggerReference.LAST:
        skip_without(practice, "trigger_references", reference in can.trigger_references, reference.value)

    async def main() -> None:
        async with desk(practice) as found:
            request = replace(
                request_of(found, OrderType.STOP, TimeInForce.GTC, Side.SELL), trigger_reference=reference
            )
            order_id = await found.submit(request)
            await found.until_state(order_id, OrderState.OPEN)
            assert request.trigger_price is not None
            await practice.shock(found.symbol, -5)
            try:
                report = await found.until_state(order_id, OrderState.FILLED, timeout_s=20.0)
            finally:
                await practice.shock(found.symbol, 5.263)
            assert report.triggered
            assert report.average_price is not None
            if reference is TriggerReference.LAST:
                assert report.average_price <= request.trigger_price * D("1.005")

    run(main())


def test_a_refusal_is_in_the_venues_words_with_a_repair(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            words = found.sample.refusals
            smallest = found.instrument().min_quantity / 2
            between = found.price(Side.BUY) + found.instrument().tick_size / 4
            if found.can.contracts:
                # There is no price to name: the end of a contract is what may be off the grid.
                off_ns = clock_expiry_ns(found.venue_ns(), 300) + 20 * 10**9
                off = found.contract(duration_s=300, mode=ExpiryMode.CLOCK, expires_ns=off_ns)
            else:
                off = replace(found.limit(), limit_price=between)
            for what, request in (
                ("money", found.market(quantity=D(found.sample.too_much))),
                ("quantity", found.waiting(quantity=smallest)),
                ("price", off),
            ):
                with pytest.raises((RequestRejected, Unsupported)) as caught:
                    await found.submit(request)
                assert words[what] in caught.value.user_text.lower(), caught.value.user_text
                if isinstance(caught.value, RequestRejected):
                    assert caught.value.code
                    assert caught.value.venue_text
            assert not found.reports
            assert not (await practice.told()).orders

    run(main())


def test_batches_give_each_order_its_own_result(practice: Practice) -> None:
    limit = registry.info(practice.venue).capabilities.batch_limit
    skip_without(practice, "batch_limit", limit >= 2)

    async def main() -> None:
        async with desk(practice) as found:
            requests = [
                (
                    replace(found.limit(), limit_price=found.price(Side.BUY, str(2 + number / 10))),
                    found.new_id(),
                )
                for number in range(min(limit, 5))
            ]
            requests[2] = (found.limit(quantity=D(found.sample.too_much)), found.new_id())
            results = await found.hand.submit_batch(requests)
            assert len(results) == len(requests)
            assert isinstance(results[2], RequestRejected)
            for (request, client_id), result in zip(requests, results, strict=True):
                if isinstance(result, SubmitAck):
                    report = await found.until_state(result.venue_order_id, OrderState.OPEN)
                    assert report.client_order_id == client_id
                    assert report.limit_price == request.limit_price
            placed = [result.venue_order_id for result in results if isinstance(result, SubmitAck)]
            assert len(placed) == len(requests) - 1
            with pytest.raises(Unsupported):
                await found.hand.submit_batch([(found.limit(), found.new_id())] * (limit + 1))
            # Several at once, named by either id.
            refs = [OrderRef(found.symbol, None, placed[0]), OrderRef(found.symbol, requests[1][1], None)]
            await found.hand.cancel_many(refs)
            for order_id in placed[:2]:
                await found.until_state(order_id, OrderState.CANCELED)
            assert found.state(placed[2]) is OrderState.OPEN
            assert await found.hand.cancel_all() == len(placed) - 2
            for order_id in placed[2:]:
                await found.until_state(order_id, OrderState.CANCELED)
            assert await found.hand.cancel_all() == 0

    run(main())


def test_many_cancels_are_split_into_calls_that_the_venue_takes(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            ids = [
                await found.submit(
                    found.waiting(percent=str(3 + D(number) / 100)),
                    found.new_id(),
                )
                for number in range(12)
            ]
            for order_id in ids:
                await found.until_state(order_id, OrderState.OPEN)
            await found.hand.cancel_many([OrderRef(found.symbol, None, order_id) for order_id in ids])
            for order_id in ids:
                await found.until_state(order_id, OrderState.CANCELED)

    run(main())


def test_the_dead_mans_switch_fires_and_can_be_disarmed(practice: Practice) -> None:
    skip_without(practice, "dead_mans_switch", registry.info(practice.venue).capabilities.dead_mans_switch)

    async def main() -> None:
        async with desk(practice) as found:
            soon_s, later_s = found.sample.switch_s
            first = await found.submit(found.limit())
            await found.until_state(first, OrderState.OPEN)
            await found.hand.cancel_after(soon_s)
            report = await found.until_state(first, OrderState.CANCELED)
            assert report.reason
            second = await found.submit(found.limit(percent="3"))
            await found.until_state(second, OrderState.OPEN)
            # Long enough that it cannot fire before it is disarmed, however busy the machine.
            await found.hand.cancel_after(later_s)
            await found.hand.cancel_after(0)
            # Longer than the switch: quotes of some seconds go by.
            third = await found.submit(found.limit(Side.SELL, "4"))
            begun, longer_s = time.monotonic(), later_s / practice.timer_rate + 0.5
            await eventually(lambda: time.monotonic() - begun > longer_s, what="the time of the switch")
            assert found.state(second) is OrderState.OPEN
            assert found.state(third) is OrderState.OPEN

    run(main())


def test_why_an_id_of_ours_is_never_used_twice(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            client_id = found.new_id()
            order_id = await found.submit(found.waiting(), client_id)
            await found.until_state(order_id, OrderState.OPEN)
            if found.sample.ids_are_unique:
                with pytest.raises(RequestRejected):
                    await found.submit(found.waiting(percent="3"), client_id)
                await found.hand.cancel(OrderRef(found.symbol, client_id, None))
                await found.until_state(order_id, OrderState.CANCELED)
            # The venue itself would take it: of a lost answer nobody could then say which one it was for.
            again = await found.submit(found.waiting(percent="3"), client_id)
            assert again != order_id
            await found.until_state(again, OrderState.OPEN)

    run(main())


def test_canceling_what_is_gone_is_a_plain_no(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            order_id = await found.submit(found.market())
            await found.until_state(order_id, OrderState.FILLED)
            ref = OrderRef(found.symbol, None, order_id)
            with pytest.raises(RequestRejected):
                await found.hand.cancel(ref)
            if found.can.amend:
                with pytest.raises(RequestRejected):
                    await found.hand.amend(ref, AmendRequest(quantity=found.lots(2)))

    run(main())
