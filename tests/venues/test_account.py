"""The account as the venue tells it: fills and balances to the last digit, look-ups, keys, budgets."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from terminal.domain.errors import AuthRejected, CredentialError, RateLimited, VenueUnavailable
from terminal.domain.events import AccountStreamReset, LinkState
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, Fill, OrderRef, OrderState
from terminal.venues import registry
from tests.helpers import eventually, run
from tests.practice import Practice, Told
from tests.venues.kit import Desk, create, desk

D = Decimal


async def trade_about(found: Desk) -> None:
    """Takers and a maker, both sides, several fills each."""
    for side, quantity in ((Side.BUY, "0.02"), (Side.SELL, "0.013"), (Side.BUY, "0.001")):
        order_id = await found.submit(found.market(side, quantity))
        await found.until_state(order_id, OrderState.FILLED)
    resting = await found.submit(found.limit(Side.SELL, "0.02", "0.003", post_only=True))
    report = await found.until_state(resting, OrderState.OPEN, OrderState.FILLED)
    await found.practice.order(
        "trade", symbol=found.symbol, side="buy", through=format(report.limit_price or D(0), "f")
    )
    await found.until_state(resting, OrderState.FILLED)


def changes_of(fills: list[Fill], base: str, quote: str, digits: int) -> dict[str, Decimal]:
    """What fills do to balances: each cost on its own, as the venue books them."""
    out: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        cost = fill.price * fill.quantity
        out[base] += fill.side.sign * fill.quantity
        out[quote] -= fill.side.sign * cost
        out[fill.fee_asset] -= fill.fee
    return out


def require_balances(found: Desk, told: Told) -> None:
    for asset, row in told.balances.items():
        have = found.balances.get(asset)
        assert (have.total if have is not None else D(0)) == D(row["total"]), asset


def test_fills_and_balances_add_up(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            before = {asset: balance.total for asset, balance in found.balances.items()}
            await trade_about(found)
            told = await practice.told()
            await eventually(lambda: len(found.fills) == len(told.fills), what="every fill")
            assert len({fill.fill_id for fill in found.fills}) == len(found.fills)
            theirs = {row["exec_id"]: row for row in told.fills}
            for fill in found.fills:
                row = theirs[fill.fill_id]
                assert fill.venue_order_id == row["txid"]
                assert (fill.price, fill.quantity) == (D(row["price"]), D(row["quantity"]))
                assert (fill.fee, fill.fee_asset) == (D(row["fee"]), row["fee_asset"])
            assert {fill.is_maker for fill in found.fills} == {True, False}
            # Each order's fills make up what its report says.
            for order_id, reports in found.reports.items():
                own = [fill for fill in found.fills if fill.venue_order_id == order_id]
                assert sum(fill.quantity for fill in own) == reports[-1].filled_quantity
            deadline = time.monotonic() + 5
            while True:
                try:
                    require_balances(found, told)
                    break
                except AssertionError:
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.02)
            item = found.instrument()
            changes = changes_of(found.fills, item.base, item.quote, 0)
            for asset in (item.base, item.quote):
                moved = found.balances[asset].total - before.get(asset, D(0))
                # A cost is booked in whole units of the venue's own precision, each fill by itself.
                assert abs(moved - changes[asset]) <= D("0.00005") * len(found.fills), asset
            booked = sum(
                (D(row["cost"]) * (1 if row["side"] == "sell" else -1) - D(row["fee"]) for row in told.fills),
                D(0),
            )
            assert found.balances[item.quote].total - before[item.quote] == booked
            found.require_no_faults()

    run(main())


def test_a_snapshot_is_what_the_venue_has(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            since_ns = time.time_ns() - 60 * 10**9
            await trade_about(found)
            resting = await found.submit(found.limit(), found.new_id())
            ended = await found.submit(found.limit(percent="3"), found.new_id())
            await found.until_state(ended, OrderState.OPEN)
            await found.connector.cancel(OrderRef(found.symbol, None, ended))
            await found.until_state(ended, OrderState.CANCELED)
            snapshot = await found.connector.snapshot(since_ns)
            told = await practice.told()
            assert {report.venue_order_id for report in snapshot.open_orders} == {resting}
            assert {report.venue_order_id for report in snapshot.recent_orders} == {
                row["txid"] for row in told.orders if not row["open"]
            }
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
            for balance in snapshot.balances:
                assert balance.total == D(told.balances[balance.asset]["total"]), balance
                assert balance.held == held[balance.asset], balance
            assert snapshot.fees[found.symbol].taker_pct >= snapshot.fees[found.symbol].maker_pct
            later = await found.connector.snapshot(time.time_ns() + 3600 * 10**9)
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
                "open": await found.submit(found.limit(), ids["open"]),
                "filled": await found.submit(found.market(), ids["filled"]),
                "canceled": await found.submit(found.limit(percent="3"), ids["canceled"]),
            }
            await found.until_state(venue_ids["filled"], OrderState.FILLED)
            await found.until_state(venue_ids["canceled"], OrderState.OPEN)
            await found.connector.cancel(OrderRef(found.symbol, ids["canceled"], venue_ids["canceled"]))
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
                    report = await found.connector.order_status(ref)
                    assert report is not None, (name, ref)
                    assert report.venue_order_id == venue_ids[name]
                    assert report.state is state
            assert await found.connector.order_status(OrderRef(found.symbol, found.new_id(), None)) is None
            # A question that fails is not the answer "unknown".
            await practice.fault("error", match="rest/read/OpenOrders", error="EService:Unavailable", count=9)
            with pytest.raises(VenueUnavailable):
                await found.connector.order_status(OrderRef(found.symbol, found.new_id(), None))

    run(main())


def test_the_stream_begins_with_what_is_open_after_a_cut(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            ids = [await found.submit(found.limit(percent=str(2 + n))) for n in range(3)]
            for order_id in ids:
                await found.until_state(order_id, OrderState.OPEN)
            found.reports.clear()
            await practice.fault("cut", match="connect/ws*")
            await eventually(lambda: found.links.get("private") is not LinkState.LIVE, what="the cut")
            await eventually(lambda: found.links.get("private") is LinkState.LIVE, what="the private link")
            await eventually(lambda: set(found.reports) == set(ids), what="the open orders")
            assert all(found.state(order_id) is OrderState.OPEN for order_id in ids)

    run(main())


def test_a_gap_in_the_accounts_stream_is_told_and_repaired(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            await practice.fault("sequence_gap", match="ws/data/executions")
            order_id = await found.submit(found.limit())
            await eventually(lambda: found.of(AccountStreamReset), what="the reset")
            await found.until_state(order_id, OrderState.OPEN)
            assert len(found.of(AccountStreamReset)) == 1
            await found.connector.cancel(OrderRef(found.symbol, None, order_id))
            await found.until_state(order_id, OrderState.CANCELED)

    run(main())


# -- keys ------------------------------------------------------------------------------------------------

ALL = {
    "Query funds",
    "Query open orders and trades",
    "Query closed orders and trades",
    "Create and change orders",
    "Cancel orders",
    "Use the WebSocket",
}


@pytest.mark.parametrize(
    ("name", "missing", "warns"),
    [
        ("practice", set(), ""),
        ("read-only", {"Create and change orders", "Cancel orders"}, "can watch but not trade"),
        ("withdraw", set(), "may withdraw funds"),
        ("otp", set(), ""),
        ("no-websocket", {"Use the WebSocket"}, "cannot be followed live"),
        ("second", set(), ""),
    ],
)
def test_each_practice_key_is_read_for_what_it_may(
    name: str, missing: set[str], warns: str, practice: Practice
) -> None:
    async def main() -> None:
        connector = create(practice, practice.settings(name))
        try:
            await connector.instruments()
            report = await connector.test_credentials()  # type: ignore[attr-defined]
        finally:
            await connector.close()
        granted = {key for key, has in report.permissions.items() if has}
        assert ALL - granted == missing
        assert report.can_trade == ("Create and change orders" not in missing)
        assert ("Withdraw funds" in granted) == (name == "withdraw")
        told = " ".join(report.warnings)
        assert warns in told
        assert bool(report.warnings) == bool(warns)
        if name == "withdraw":
            assert "withdraw" in report.warnings[0], "the worst first"
        assert report.label.endswith(practice.key(name)["key"][-4:])
        # Nothing was placed.
        for account in ("kraken:practice", "kraken:second"):
            assert (await practice.told(account)).orders == []

    run(main())


@pytest.mark.parametrize("fault", ["key", "secret", "otp"])
def test_a_key_that_is_wrong_is_refused_with_the_repair(fault: str, practice: Practice) -> None:
    async def main() -> None:
        settings = practice.settings("otp" if fault == "otp" else "practice")
        other = practice.settings("second")
        credentials = dict(settings.credentials)
        if fault == "otp":
            credentials.pop("otp")
        else:
            credentials[f"api_{fault}"] = other.credentials[f"api_{fault}"]
        if fault == "key":
            # The other's name with this one's private half.
            credentials["api_secret"] = settings.credentials["api_secret"]
        connector = create(practice, replace(settings, credentials=credentials))
        try:
            with pytest.raises(AuthRejected) as caught:
                await connector.test_credentials()  # type: ignore[attr-defined]
        finally:
            await connector.close()
        assert caught.value.user_text
        assert caught.value.repair
        text = f"{caught.value} {caught.value.user_text}"
        for secret in credentials.values():
            assert secret.reveal() not in text

    run(main())


def test_without_a_key_prices_work_and_nothing_else(practice: Practice) -> None:
    if not registry.info(practice.venue).public_without_key:
        pytest.skip("prices need a key here")

    async def main() -> None:
        async with desk(practice, None) as found:
            assert found.instruments
            with pytest.raises(CredentialError):
                await found.connector.submit(found.limit(), found.new_id())
            with pytest.raises(CredentialError):
                await found.connector.cancel(OrderRef(found.symbol, None, "OAAAAA-AAAAA-AAAAAA"))
            with pytest.raises(CredentialError):
                await found.connector.snapshot(0)
            with pytest.raises(CredentialError):
                await found.connector.test_credentials()
            assert "private" not in found.links
            assert not (await practice.told()).requests

    run(main())


# -- budgets ---------------------------------------------------------------------------------------------


def used(found: Desk, name: str) -> float:
    return next((budget.used for budget in found.connector.budgets() if budget.name == name), 0.0)


def test_budgets_are_the_venues_own_counters(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            order_id = await found.submit(found.limit(), found.new_id())
            await found.until_state(order_id, OrderState.OPEN)
            steps: tuple[Callable[[], Awaitable[object]], ...] = (
                lambda: found.connector.snapshot(time.time_ns()),
                lambda: found.connector.order_status(OrderRef(found.symbol, None, order_id)),
                lambda: found.connector.amend(
                    OrderRef(found.symbol, None, order_id), AmendRequest(quantity=D("0.002"))
                ),
                lambda: found.connector.submit_batch(
                    [(replace(found.limit(percent=str(3 + number))), found.new_id()) for number in range(4)]
                ),
                lambda: found.connector.cancel(OrderRef(found.symbol, None, order_id)),
            )
            for step in steps:
                await step()
                deadline = time.monotonic() + 3
                while True:
                    told = await practice.told()
                    rest = told.rest_counters["practice"]
                    orders = told.order_counters.get(found.symbol, 0.0)
                    # The stream tells whole points, so one may be between.
                    if (
                        abs(used(found, "REST calls") - rest) < 0.5
                        and abs(used(found, f"{found.symbol} orders") - orders) <= 1.1
                    ):
                        break
                    assert time.monotonic() < deadline, (found.connector.budgets(), told.order_counters, rest)
                    await asyncio.sleep(0.02)

    run(main())


def test_orders_are_refused_here_before_the_venue_would(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            order_id = await found.submit(found.limit(), found.new_id())
            await found.until_state(order_id, OrderState.OPEN)
            ref = OrderRef(found.symbol, None, order_id)
            price = found.price(Side.BUY, "2")
            refusal: RateLimited | None = None
            sent = 0
            while refusal is None:
                try:
                    await found.connector.amend(ref, AmendRequest(limit_price=price - sent))
                    sent += 1
                except RateLimited as error:
                    refusal = error
            assert refusal.retry_after_s
            told = await practice.told()
            amends = [row for row in told.requests if row["method"] == "amend_order"]
            assert len(amends) == sent, "the last one never left"
            assert sent > 20
            # A cancel always goes.
            await found.connector.cancel(ref)
            await found.until_state(order_id, OrderState.CANCELED)

    run(main())


def test_calls_wait_here_rather_than_be_refused_there(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            # Urgent questions may use the whole budget; then they wait here, and none is refused there.
            calls, longest_s = 0, 0.0
            while longest_s < 1.0 and calls < 20:
                asked = time.monotonic()
                assert (
                    await found.connector.order_status(OrderRef(found.symbol, found.new_id(), None)) is None
                )
                longest_s = max(longest_s, time.monotonic() - asked)
                calls += 1
            assert calls >= 4
            assert longest_s > 1.0, "it never waited"

    run(main())


def test_no_more_open_orders_than_the_tier_may_have(practice: Practice) -> None:
    async def main() -> None:
        async with desk(practice) as found:
            placed = 0
            for number in range(3):
                results = await found.connector.submit_batch(
                    [
                        (
                            replace(
                                found.limit(quantity="0.0001"),
                                limit_price=found.price(Side.BUY, "4") - number * 200 - row * 10,
                            ),
                            found.new_id(),
                        )
                        for row in range(15)
                    ]
                )
                placed += len(results)
            await eventually(lambda: len(found.reports) == placed, what="all orders")
            assert await found.connector.cancel_all() == placed
            for order_id in list(found.reports):
                await found.until_state(order_id, OrderState.CANCELED)

    run(main())
