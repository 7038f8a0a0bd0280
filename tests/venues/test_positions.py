"""Open positions where a venue keeps them: from the opening to the last unit, their stops and targets, and
the account's past."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.account import Position
from terminal.domain.errors import RequestRejected, Unsupported, VenueError
from terminal.domain.events import PositionReported
from terminal.domain.market import Side
from terminal.domain.orders import (
    AmendRequest,
    OrderRef,
    OrderState,
    OrderType,
    Protection,
    TimeInForce,
)
from terminal.venues import registry
from terminal.venues.base import (
    Capabilities,
    HasExpectedMargin,
    HasFillOffsets,
    HasLeverage,
    HasLeverageTiers,
    HasMarginCalls,
    HasMarginModes,
    HasRecords,
    ProtectionKind,
    TradesPositions,
)
from tests.helpers import eventually, run
from tests.practice import Practice
from tests.venues.kit import Desk, desk, skip_without

D = Decimal
BOTH = {ProtectionKind.STOP_LOSS, ProtectionKind.TAKE_PROFIT}
HOUR_NS = 3_600 * 10**9


@pytest.fixture
def can(practice: Practice) -> Capabilities:
    return registry.info(practice.venue).capabilities


def away(found: Desk, percent: str) -> Decimal:
    """A part of the price as a distance on the grid."""
    tick = found.instrument().tick_size
    ticks: Decimal = (found.price(Side.BUY, "0") * D(percent) / 100 / tick).quantize(D(1))
    return ticks * tick


def levels(position: Position, stop: Decimal, target: Decimal) -> Protection:
    """Prices so far from the opening price."""
    entry, sign = position.average_price, position.side.sign
    return Protection(entry - sign * stop, entry + sign * target)


async def open_position(found: Desk, side: Side = Side.BUY, count: int = 4, **terms: Any) -> Position:
    """A position, and its protection if it asks for one."""
    before = set(found.open_positions)
    await found.submit(found.market(side, found.lots(count), **terms))
    wants = terms.get("protection") is not None

    def opened() -> list[Position]:
        new = [position for key, position in found.open_positions.items() if key not in before]
        return [position for position in new if not (wants and position.protection.is_empty)]

    await eventually(opened, what="the position")
    return opened()[0]


@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
def test_a_position_from_its_opening_to_the_last_unit(
    side: Side, practice: Practice, can: Capabilities
) -> None:
    skip_without(practice, "positions", can.positions)
    skip_without(practice, "protections", can.protections >= BOTH, "stop loss and take profit")

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            hand = found.hand
            assert isinstance(hand, TradesPositions)
            near, far, more = away(found, "0.5"), away(found, "1"), away(found, "2")
            distances = Protection(stop_distance=far, profit_distance=more)
            note = "a note"[: found.can.comment_length]
            position = await open_position(found, side, protection=distances, comment=note)
            key = position.position_id
            assert (position.side, position.quantity, position.comment) == (side, found.lots(4), note)
            if found.sample.distances_from_fill:
                assert position.protection == levels(position, far, more)
            else:
                set_stop, set_target = position.protection.stop_loss, position.protection.take_profit
                assert set_stop is not None
                assert set_target is not None
                assert abs(set_target - set_stop) == far + more, "both from one price"
                assert abs(abs(position.average_price - set_stop) / far - 1) < D("0.2")
            assert position.margin is not None
            figures = found.figures
            if figures is not None and not figures.beside_balances:
                assert position.currency == figures.currency
            else:
                assert position.currency in found.balances
            # The stop moves and the target stays; the target moves and the stop stays; each goes by itself.
            moved, stop = levels(position, near, more), levels(position, near, more).stop_loss
            wanted = [
                moved,
                replace(moved, take_profit=levels(position, near, far).take_profit),
                Protection(stop_loss=stop),
                Protection(take_profit=moved.take_profit),
                Protection(),
            ]
            if ProtectionKind.TRAILING in can.protections:
                wanted.insert(3, Protection(stop_loss=stop, trailing=True))
            for protection in wanted:
                await hand.protect(key, found.symbol, protection)
                await eventually(
                    lambda p=protection: found.positions[key].protection == p,  # type: ignore[misc]
                    what=f"{protection} in {found.positions[key].protection}",
                )
            # What is so already is no failure, and a distance counts from the opening price.
            await hand.protect(key, found.symbol, Protection())
            await hand.protect(key, found.symbol, Protection(stop_distance=far))
            await eventually(lambda: found.positions[key].protection.stop_loss, what="the stop again")
            again, asked = found.positions[key].protection.stop_loss, levels(position, far, far).stop_loss
            assert again is not None
            assert asked is not None
            # Filled at several prices, the opening price need not lie on a tick.
            assert abs(again - asked) < found.instrument().tick_size
            # Half of it, then the rest.
            client_id = found.new_id()
            await found.submit(found.closing(position, found.lots(2)), client_id)
            await eventually(lambda: found.positions[key].quantity == found.lots(2), what="half a position")
            await found.submit(found.closing(found.positions[key]))
            await eventually(lambda: not found.open_positions, what="the end of it")
            # An order may fill at several prices.
            await eventually(lambda: found.filled(side.opposite) == found.lots(4), what="every fill")
            opening = [fill for fill in found.fills if fill.side is side]
            closing = [fill for fill in found.fills if fill.side is side.opposite]
            assert found.filled(side) == found.lots(4)
            assert {fill.realised for fill in opening} == {None}
            assert closing[0].client_order_id == client_id
            assert len({fill.venue_order_id for fill in closing}) == 2
            assert {fill.position_id for fill in closing} == {key}
            # Not every venue knows the position while the order that opens it fills.
            assert {fill.position_id for fill in opening} <= {key, None}
            report = found.reports[closing[0].venue_order_id][-1]
            assert (report.reduce_only, report.position_id) == (True, key)
            if figures is not None:
                await eventually(lambda: found.figures and not found.figures.used_margin, what="no margin")
            if figures is None or figures.beside_balances:
                await eventually(lambda: not found.balances[position.currency].held, what="no margin")
            told = await practice.told()
            assert not told.positions
            with pytest.raises(RequestRejected):
                await hand.protect(key, found.symbol, Protection(stop_loss=stop))
            with pytest.raises(RequestRejected):
                await found.submit(found.closing(position))
            found.require_no_faults()

    run(main())


def test_a_stop_that_is_hit_says_so(practice: Practice, can: Capabilities) -> None:
    skip_without(practice, "positions", can.positions)
    skip_without(practice, "protections", ProtectionKind.STOP_LOSS in can.protections, "stop loss")

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            position = await open_position(found, protection=Protection(stop_distance=away(found, "0.5")))
            await practice.shock(found.symbol, -2)
            try:
                await eventually(lambda: not found.open_positions, what="the stop")
            finally:
                await practice.shock(found.symbol, 2.0408)
            assert found.of(PositionReported)[-1].reason == "stop loss"
            await eventually(lambda: found.filled(Side.SELL) == found.lots(4), what="its fill")
            report = await found.until_state(found.fills[-1].venue_order_id, OrderState.FILLED)
            assert (report.order_type, report.position_id) == (OrderType.STOP, position.position_id)

    run(main())


@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
@pytest.mark.parametrize(
    "kind", [OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT], ids=lambda kind: kind.value
)
def test_a_pending_order_keeps_its_terms_and_levels_through_a_change(
    kind: OrderType, side: Side, practice: Practice, can: Capabilities
) -> None:
    skip_without(practice, "order_types", kind in can.order_types, kind.value)
    skip_without(practice, "amend_types", can.amend and kind in can.amend_types, kind.value)
    skip_without(practice, "protections", can.protections >= BOTH, "stop loss and take profit")

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            sign = side.sign
            entry = found.price(side, "2" if kind is OrderType.LIMIT else "-2")
            protection = Protection(entry - sign * away(found, "0.5"), entry + sign * away(found, "0.7"))
            carried = protection if kind in can.protected_types else None
            expires = TimeInForce.GTD in can.time_in_force
            expires_ns = (time.time_ns() + HOUR_NS) // 10**9 * 10**9 if expires else None
            request = replace(
                found.limit(side),
                order_type=kind,
                limit_price=entry if kind is OrderType.LIMIT else None,
                trigger_price=None if kind is OrderType.LIMIT else entry,
                time_in_force=TimeInForce.GTD if expires else TimeInForce.GTC,
                expire_time_ns=expires_ns,
                protection=carried,
            )
            if kind is OrderType.STOP_LIMIT:
                request = replace(request, limit_price=entry + sign * 50 * found.instrument().tick_size)
            order_id = await found.submit(request)
            report = await found.until_state(order_id, OrderState.OPEN)
            assert (report.protection, report.expire_time_ns) == (carried, expires_ns)
            # One term is changed: all the others stand.
            ref = OrderRef(found.symbol, None, order_id)
            await found.hand.amend(ref, AmendRequest(quantity=found.lots(3)))
            await eventually(
                lambda: (now := found.last(order_id)) and now.quantity == found.lots(3), what="the change"
            )
            now = found.last(order_id)
            assert now is not None
            assert (now.limit_price, now.trigger_price) == (request.limit_price, request.trigger_price)
            assert (now.protection, now.expire_time_ns) == (carried, expires_ns)
            snapshot = await found.hand.snapshot(time.time_ns() - HOUR_NS)
            assert [each.venue_order_id for each in snapshot.open_orders] == [order_id]
            assert snapshot.open_orders[0].protection == carried
            # It moves away from the market, and stop and target with it where they can.
            by = -sign * 40 * found.instrument().tick_size * (1 if kind is OrderType.LIMIT else -1)
            assert protection.stop_loss is not None
            assert protection.take_profit is not None
            along = Protection(protection.stop_loss + by, protection.take_profit + by)
            moves_levels = can.amend_protections and carried is not None
            moved = AmendRequest(
                limit_price=None if request.limit_price is None else request.limit_price + by,
                trigger_price=None if request.trigger_price is None else request.trigger_price + by,
                protection=along if moves_levels else None,
            )
            await found.hand.amend(ref, moved)
            prices = (moved.limit_price, moved.trigger_price)
            await eventually(
                lambda: (now := found.last(order_id)) and (now.limit_price, now.trigger_price) == prices,
                what="the move",
            )
            now = found.last(order_id)
            assert now is not None
            assert now.protection == (along if moves_levels else carried)
            if not moves_levels:
                with pytest.raises(Unsupported):
                    await found.hand.amend(ref, AmendRequest(protection=along))

    run(main())


def test_an_order_within_a_range_fills_in_it_or_not_at_all(practice: Practice, can: Capabilities) -> None:
    has_it = OrderType.MARKET_RANGE in can.order_types
    skip_without(practice, "order_types", has_it, OrderType.MARKET_RANGE.value)

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            ask, tick = found.quotes[found.symbol].ask, found.instrument().tick_size
            assert ask is not None
            request = replace(found.market(), order_type=OrderType.MARKET_RANGE, max_slippage=tick)
            order_id = await found.submit(replace(request, reference_price=ask - 500 * tick))
            report = await found.until_state(order_id, OrderState.CANCELED, OrderState.EXPIRED)
            assert report.filled_quantity == 0
            assert report.reason
            assert not found.fills

    run(main())


def test_the_margin_of_an_order_is_known_before_it_is_sent(practice: Practice, can: Capabilities) -> None:
    skip_without(practice, "expected_margin", can.expected_margin)

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            assert isinstance(found.hand, HasExpectedMargin)
            expected = await found.hand.expected_margin(found.symbol, found.lots(4))
            position = await open_position(found)
            assert found.figures is not None
            assert expected.currency == found.figures.currency
            assert position.margin is not None
            # Prices move between the question and the fill.
            assert abs(position.margin / expected.buy - 1) < D("0.01")

    run(main())


def test_the_terms_of_margin_can_be_asked(practice: Practice, can: Capabilities) -> None:
    skip_without(practice, "leverage_tiers", can.leverage_tiers)

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            assert isinstance(found.hand, HasLeverageTiers)
            tiers = await found.hand.leverage_tiers(found.symbol)
            assert tiers
            assert list(tiers) == sorted(tiers, key=lambda tier: tier.up_to_usd)
            assert [tier.leverage for tier in tiers] == sorted((t.leverage for t in tiers), reverse=True)

    run(main())


def test_the_leverage_can_be_changed_and_a_no_changes_nothing(practice: Practice, can: Capabilities) -> None:
    skip_without(practice, "sets_leverage", can.sets_leverage)

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            assert isinstance(found.hand, HasLeverage)
            before = await found.hand.leverage(found.symbol)
            assert before is not None
            wanted = D(5) if before.value != 5 else D(4)
            await found.hand.set_leverage(found.symbol, wanted)
            assert await found.hand.leverage(found.symbol) == before._replace(value=wanted)
            highest = found.instrument().max_leverage
            assert highest is not None
            with pytest.raises(VenueError) as refused:
                await found.hand.set_leverage(found.symbol, 2 * highest)
            assert refused.value.user_text
            assert await found.hand.leverage(found.symbol) == before._replace(value=wanted)
            position = await open_position(found)
            assert position.leverage == wanted
            assert position.margin_mode == before.mode
            if position.liquidation_price is not None:
                assert position.liquidation_price < position.average_price

    run(main())


def test_each_margin_mode_has_its_own_leverage_and_its_own_position(
    practice: Practice, can: Capabilities
) -> None:
    skip_without(practice, "margin_modes", can.margin_modes)

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            hand = found.hand
            assert isinstance(hand, HasLeverage)
            assert isinstance(hand, HasMarginModes)
            first = await hand.leverage(found.symbol)
            assert first is not None
            assert first.mode in first.modes
            other = next(mode for mode in first.modes if mode != first.mode)
            position = await open_position(found)
            await hand.set_margin_mode(found.symbol, other)
            await hand.set_leverage(found.symbol, D(4))
            assert await hand.leverage(found.symbol) == first._replace(value=D(4), mode=other)
            beside = await open_position(found, count=2)
            assert beside.position_id != position.position_id
            assert (beside.margin_mode, beside.leverage) == (other, D(4))
            held = found.open_positions[position.position_id]
            assert (held.quantity, held.margin_mode, held.leverage) == (
                *(found.lots(4), first.mode, first.value),
            )
            # A stop of the one is none of the other; each is closed by itself.
            stop = levels(beside, away(found, "5"), away(found, "5")).stop_loss
            await found.hand.protect(beside.position_id, found.symbol, Protection(stop_loss=stop))
            await eventually(
                lambda: found.positions[beside.position_id].protection.stop_loss == stop, what="its stop"
            )
            assert found.positions[position.position_id].protection.is_empty
            await found.submit(found.closing(held))
            await eventually(lambda: list(found.open_positions) == [beside.position_id], what="the one's end")
            await found.submit(found.closing(beside))
            await eventually(lambda: not found.open_positions, what="the other's end")
            await hand.set_margin_mode(found.symbol, first.mode)
            assert await hand.leverage(found.symbol) == first
            with pytest.raises(Unsupported):
                await hand.set_margin_mode(found.symbol, "none of these")
            found.require_no_faults()

    run(main())


def test_the_margin_of_a_position_can_be_changed_where_it_has_its_own(
    practice: Practice, can: Capabilities
) -> None:
    skip_without(practice, "position_margin", can.position_margin)
    skip_without(practice, "margin_modes", can.margin_modes)

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            hand = found.hand
            position = await open_position(found)
            with pytest.raises(Unsupported):
                await hand.move_position_margin(position.position_id, D(1))
            await hand.set_margin_mode(found.symbol, "isolated")
            alone = await open_position(found)
            assert alone.margin is not None
            for amount, margin in ((D(5), alone.margin + 5), (D(-2), alone.margin + 3)):
                await hand.move_position_margin(alone.position_id, amount)
                await eventually(
                    lambda wanted=margin: found.positions[alone.position_id].margin == wanted,  # type: ignore[misc]
                    what=f"a margin of {margin} in {found.positions[alone.position_id]}",
                )
            # More than there is, and more than keeps it open.
            for amount in (D(10**12), -alone.margin - 3):
                with pytest.raises(RequestRejected) as refused:
                    await hand.move_position_margin(alone.position_id, amount)
                assert refused.value.user_text
            with pytest.raises(RequestRejected):
                await hand.move_position_margin("1", D(1))
            for each in found.open_positions.values():
                await found.submit(found.closing(each))
            await eventually(lambda: not found.open_positions, what="the end of both")
            found.require_no_faults()

    run(main())


def test_the_levels_of_margin_calls_can_be_moved(practice: Practice, can: Capabilities) -> None:
    skip_without(practice, "margin_calls", can.margin_calls)

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            assert isinstance(found.hand, HasMarginCalls)
            calls = list(await found.hand.margin_calls())
            assert [call.level for call in calls] == sorted((call.level for call in calls), reverse=True)
            first = calls[0]
            await found.hand.set_margin_call(first.call_id, first.level + 20)
            now = {call.call_id: call.level for call in await found.hand.margin_calls()}
            assert now == {call.call_id: call.level for call in calls} | {first.call_id: first.level + 20}
            await eventually(
                lambda: found.figures and found.figures.margin_calls[0] == first.level + 20,
                what="the account's own figures",
            )
            with pytest.raises(RequestRejected):
                await found.hand.set_margin_call(first.call_id, D(1))

    run(main())


def test_what_closed_a_fill_can_be_asked(practice: Practice, can: Capabilities) -> None:
    skip_without(practice, "fill_offsets", can.fill_offsets)

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            assert isinstance(found.hand, HasFillOffsets)
            position = await open_position(found)
            await found.submit(found.closing(position, found.lots(1)))
            await eventually(lambda: len(found.fills) == 2, what="both fills")
            opening, closing = found.fills
            asked = await found.hand.fill_offsets(opening.fill_id)
            assert [(each.fill_id, each.quantity) for each in asked.closed_by] == [
                (closing.fill_id, found.lots(1))
            ]
            asked = await found.hand.fill_offsets(closing.fill_id)
            assert [(each.fill_id, each.quantity) for each in asked.closes] == [
                (opening.fill_id, found.lots(1))
            ]

    run(main())


def test_the_past_is_what_happened(practice: Practice, can: Capabilities) -> None:
    skip_without(practice, "records", can.records)

    async def main() -> None:
        async with desk(practice, on_margin=True) as found:
            assert isinstance(found.hand, HasRecords)
            position = await open_position(found)
            await found.submit(found.closing(position))
            await eventually(lambda: len(found.fills) == 2, what="two fills")
            orders = await found.hand.order_history()
            assert [report.state for report in orders.orders] == [OrderState.FILLED] * 2
            assert orders.orders[0].ts_event_ns >= orders.orders[1].ts_event_ns
            fills = await found.hand.fill_history()
            assert {fill.fill_id for fill in fills.fills} == {fill.fill_id for fill in found.fills}
            of_one = await found.hand.position_fills(position.position_id)
            assert [fill.fill_id for fill in of_one] == [fill.fill_id for fill in reversed(found.fills)]
            assert await found.hand.position_fills("1") == []
            cash = await found.hand.cash_flow()
            if found.sample.opens_with_deposit:
                (deposit,) = cash.entries
                assert deposit.what == "deposit"
                assert deposit.amount == deposit.balance > 0
            else:
                assert cash.entries == (), "both trades are told as fills"
            assert (orders.earlier_ns, fills.earlier_ns, cash.earlier_ns) == (None, None, None)

    run(main())
