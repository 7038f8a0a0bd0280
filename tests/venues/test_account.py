"""The account as the venue tells it: fills and money to the last digit, snapshots, look-ups, gaps."""

from __future__ import annotations

import time
from collections import defaultdict
from decimal import Decimal

import pytest

from terminal.domain.errors import VenueUnavailable
from terminal.domain.events import AccountStreamReset, LinkState
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderRef, OrderState
from terminal.venues import registry
from tests.helpers import eventually, run
from tests.practice import Practice, Told
from tests.venues.kit import Desk, desk, skip_without

D = Decimal


async def trade_about(found: Desk) -> None:
    """At the market and at rest, both sides, several fills each."""
    for side, count in ((Side.BUY, 20), (Side.SELL, 13), (Side.BUY, 1)):
        order_id = await found.submit(found.market(side, found.lots(count)))
        await found.until_state(order_id, OrderState.FILLED)
    resting = await found.submit(found.limit(Side.SELL, "0.02", found.lots(3), post_only=found.can.post_only))
    report = await found.until_state(resting, OrderState.OPEN, OrderState.FILLED)
    assert report.limit_price is not None
    await found.practice.reach(found.symbol, report.limit_price)
    await found.until_state(resting, OrderState.FILLED)


async def trade_contracts(found: Desk) -> None:
    """Up and down at the same time, each to its end: one of them wins at most."""
    ids = []
    for side, count in ((Side.BUY, 2), (Side.SELL, 1)):
        request = found.contract(side, found.lots(count), duration_s=found.shortest_s)
        ids.append(await found.submit(request))
    for order_id in ids:
        await found.until_state(order_id, OrderState.FILLED)


async def close_all(found: Desk) -> None:
    """Every position, the first one in two parts."""
    first = next(iter(found.open_positions.values()))
    rest = first.quantity - found.lots(1)
    await found.submit(found.closing(first, found.lots(1)))
    await eventually(lambda: found.positions[first.position_id].quantity == rest, what="the smaller position")
    for position in list(found.open_positions.values()):
        await found.submit(found.closing(position))
    await eventually(lambda: not found.open_positions, what="no position")


def changes_of(fills: list[Fill], base: str, quote: str) -> dict[str, Decimal]:
    """What fills do to balances: each cost on its own, as the venue books them."""
    out: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        cost = fill.price * fill.quantity
        out[base] += fill.side.sign * fill.quantity
        out[quote] -= fill.side.sign * cost
        out[fill.fee_asset] -= fill.fee or D(0)
    return out


def agrees(found: Desk, told: Told) -> bool:
    """The money here is the venue's to the last digit."""
    if told.money is not None:
        return found.figures is not None and found.figures.balance == told.money
    totals = {asset: balance.total for asset, balance in found.balances.items()}
    return all(totals.get(asset, D(0)) == D(row["total"]) for asset, row in told.balances.items())


async def require_same_fills(found: Desk, told: Told) -> None:
    """Each fill is the venue's own, to the last digit."""
    await eventually(lambda: len(found.fills) == len(told.fills), what="every fill")
    theirs = {row["exec_id"]: row for row in told.fills}
    for fill in found.fills:
        row = theirs[fill.fill_id]
        assert fill.venue_order_id == row["txid"]
        assert fill.side.value == row["side"]
        assert (fill.price, fill.quantity) == (D(row["price"]), D(row["quantity"]))
        assert (fill.fee, fill.fee_asset) == (D(row["fee"]), row["fee_asset"])
    # Who made a price is told where an order can be bound to make one; a contract has no price to make.
    roles = {None} if found.can.contracts else {found.can.post_only, False}
    assert {fill.is_maker for fill in found.fills} == roles


def require_booked(found: Desk, told: Told, before: dict[str, Decimal]) -> None:
    """Balances have moved by what the fills cost and brought."""
    item = found.instrument()
    changes = changes_of(found.fills, item.base, item.quote)
    for asset in (item.base, item.quote):
        moved = found.balances[asset].total - before.get(asset, D(0))
        # A cost is booked in whole units of the venue's own precision, each fill by itself.
        if found.can.fill_records:
            assert abs(moved - changes[asset]) <= D("0.00005") * len(found.fills), asset
    booked = sum(
        (
            D(row["cost"]) * (1 if row["side"] == "sell" else -1)
            - (D(row["fee"]) if row["fee_asset"] == item.quote else 0)
            for row in told.fills
        ),
        D(0),
    )
    assert found.balances[item.quote].total - before[item.quote] == booked


def test_fills_and_the_accounts_money_add_up(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            before = {asset: balance.total for asset, balance in found.balances.items()}
            began_with = found.figures.balance if found.figures is not None else D(0)
            if found.can.contracts:
                await trade_contracts(found)
                await eventually(lambda: len(found.fills) == 4, what="the end of both")
            else:
                await trade_about(found)
                if found.keeps_positions:
                    await close_all(found)
            told = await practice.told()
            if found.can.fill_records:
                await require_same_fills(found, told)
            else:
                # Nothing tells what they cost: that is unknown, and not nothing.
                assert {(fill.fee, fill.is_maker) for fill in found.fills} == {(None, None)}
                for row in told.orders:
                    assert found.reports[row["txid"]][-1].filled_quantity == D(row["filled"])
            assert len({fill.fill_id for fill in found.fills}) == len(found.fills)
            # Each order's fills make up what its report says.
            for order_id, reports in found.reports.items():
                own = [fill for fill in found.fills if fill.venue_order_id == order_id]
                assert sum(fill.quantity for fill in own) == reports[-1].filled_quantity
            await eventually(lambda: agrees(found, told), 5.0, "the venue's own figures")
            if found.keeps_positions:
                brought = sum(
                    (fill.realised or D(0)) + fill.swap - (fill.fee or D(0)) for fill in found.fills
                )
                if found.figures is not None:
                    assert found.figures.balance == began_with + brought
                else:
                    assert found.balances[found.currency].total == before[found.currency] + brought
                assert not told.positions
            else:
                require_booked(found, told, before)
            found.require_no_faults()

    run(main())


def test_a_snapshot_is_what_the_venue_has(practice: Practice) -> None:
    skip_without(practice, "fill_records", registry.info(practice.venue).capabilities.fill_records)

    async def main() -> None:
        async with desk(practice) as found:
            since_ns = time.time_ns() - 60 * 10**9
            if found.can.contracts:
                for side in Side:
                    await found.submit(found.market(side))
            else:
                await trade_about(found)
            resting = await found.submit(found.waiting(), found.new_id())
            ended = await found.submit(found.waiting(percent="3"), found.new_id())
            await found.until_state(ended, OrderState.OPEN)
            await found.hand.cancel(OrderRef(found.symbol, None, ended))
            await found.until_state(ended, OrderState.CANCELED)
            snapshot = await found.hand.snapshot(since_ns)
            told = await practice.told()
            assert {report.venue_order_id for report in snapshot.open_orders} == {resting}
            recent = {report.venue_order_id for report in snapshot.recent_orders}
            assert recent - {ended} == {row["txid"] for row in told.orders if not row["open"]} - {ended}
            states = {report.venue_order_id: report for report in snapshot.recent_orders}
            for row in told.orders:
                if not row["open"]:
                    report = states[row["txid"]]
                    assert report.state.name == row["status"]
                    assert report.filled_quantity == D(row["filled"])
                    assert report.client_order_id == row["cl_ord_id"]
            # The same fills as on the stream, under the same names: a replay is recognised.
            streamed = {fill.fill_id: fill for fill in found.fills}
            assert {fill.fill_id for fill in snapshot.fills} == set(streamed)
            for fill in snapshot.fills:
                other = streamed[fill.fill_id]
                assert (fill.price, fill.quantity, fill.side) == (other.price, other.quantity, other.side)
                assert (fill.fee, fill.fee_asset) == (other.fee, other.fee_asset)
                assert fill.is_maker == other.is_maker
            held = {asset: D(row["held"]) for asset, row in told.balances.items()}
            assert bool(snapshot.balances) == bool(held)
            for balance in snapshot.balances:
                assert balance.total == D(told.balances[balance.asset]["total"]), balance
                assert balance.held == held[balance.asset], balance
            assert snapshot.positions_known
            assert {each.position_id: each.quantity for each in snapshot.positions} == told.positions
            if told.money is not None:
                assert snapshot.figures is not None
                assert snapshot.figures.balance == told.money
            if not found.can.contracts:
                assert snapshot.fees[found.symbol].taker_pct >= snapshot.fees[found.symbol].maker_pct
            later = await found.hand.snapshot(time.time_ns() + 3600 * 10**9)
            assert later.fills == ()
            assert later.recent_orders == ()
            assert {report.venue_order_id for report in later.open_orders} == {resting}

    run(main())


def test_an_order_can_be_asked_after_by_our_id_and_by_the_venues(practice: Practice) -> None:
    can = registry.info(practice.venue).capabilities

    async def main() -> None:
        async with desk(practice) as found:
            ids = {name: found.new_id() for name in ("open", "filled", "canceled")}
            venue_ids = {
                "open": await found.submit(found.waiting(), ids["open"]),
                "filled": await found.submit(found.market(), ids["filled"]),
                "canceled": await found.submit(found.waiting(percent="3"), ids["canceled"]),
            }
            await found.until_state(venue_ids["filled"], OrderState.FILLED)
            await found.until_state(venue_ids["canceled"], OrderState.OPEN)
            await found.hand.cancel(OrderRef(found.symbol, ids["canceled"], venue_ids["canceled"]))
            await found.until_state(venue_ids["canceled"], OrderState.CANCELED)
            expected = {
                "open": OrderState.OPEN,
                "filled": OrderState.FILLED,
                "canceled": OrderState.CANCELED,
            }
            for name, state in expected.items():
                refs = [OrderRef(found.symbol, None, venue_ids[name])]
                if can.lookup_by_client_id:
                    refs.append(OrderRef(found.symbol, ids[name], None))
                for ref in refs:
                    practice.command("forgive")
                    report = await found.hand.order_status(ref)
                    assert report is not None, (name, ref)
                    assert report.venue_order_id == venue_ids[name]
                    assert report.state is state
            assert await found.hand.order_status(OrderRef(found.symbol, found.new_id(), None)) is None
            # A question that fails is not the answer "unknown".
            await practice.deny_questions()
            with pytest.raises(VenueUnavailable):
                await found.hand.order_status(OrderRef(found.symbol, found.new_id(), None))

    run(main())


def test_what_is_open_is_known_again_after_a_cut(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            ids = [await found.submit(found.waiting(percent=str(2 + n))) for n in range(3)]
            for order_id in ids:
                await found.until_state(order_id, OrderState.OPEN)
            found.reports.clear()
            await practice.cut()
            await eventually(lambda: found.links.get("private") is not LinkState.LIVE, what="the cut")
            await eventually(lambda: found.links.get("private") is LinkState.LIVE, what="the private link")
            if found.sample.stream_begins_anew:
                await eventually(lambda: set(found.reports) == set(ids), what="the open orders")
                assert all(found.state(order_id) is OrderState.OPEN for order_id in ids)
            snapshot = await found.hand.snapshot(time.time_ns())
            assert {report.venue_order_id for report in snapshot.open_orders} == set(ids)
            # And it is heard of from here on.
            await found.hand.cancel(OrderRef(found.symbol, None, ids[0]))
            await found.until_state(ids[0], OrderState.CANCELED)

    run(main())


def test_a_gap_in_the_accounts_stream_is_told_and_repaired(practice: Practice) -> None:
    skip_without(practice, "account_stream", registry.info(practice.venue).capabilities.account_stream)

    async def main() -> None:
        async with desk(practice) as found:
            began_ns = time.time_ns() - 60 * 10**9
            await practice.spoil_private()
            bought = await found.submit(found.market())
            await eventually(lambda: found.of(AccountStreamReset), what="the reset")
            snapshot = await found.hand.snapshot(began_ns)
            fills = [fill for fill in snapshot.fills if fill.venue_order_id == bought]
            assert sum(fill.quantity for fill in fills) == found.lots(1)
            order_id = await found.submit(found.waiting())
            await found.until_state(order_id, OrderState.OPEN)
            assert len(found.of(AccountStreamReset)) == 1
            await found.hand.cancel(OrderRef(found.symbol, None, order_id))
            await found.until_state(order_id, OrderState.CANCELED)

    run(main())
