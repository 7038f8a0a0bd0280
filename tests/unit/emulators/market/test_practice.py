"""The practice market as a face uses it: money adds up, orders hold it, and all of it survives a restart."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terminal.core import tasks
from terminal.core.clock import ManualClock
from terminal.domain.instrument import MarketStatus
from terminal.domain.orders import OrderState, OrderType, TimeInForce
from terminal.emulators.market.accounts import STARTING_BALANCES, AccountFill, LedgerEntry
from terminal.emulators.market.engine import CancelReason, EngineOrder, EngineReject, RejectCode
from terminal.emulators.market.history import INTERVALS_S
from terminal.emulators.market.listing import LISTING_BY_SYMBOL
from terminal.emulators.market.practice import AccountListener, PracticeMarket
from terminal.emulators.market.store import Store, order_from_data, order_to_data
from tests.helpers import eventually, run
from tests.unit.emulators.market.kit import BUY, SELL, d

PAIRS = (LISTING_BY_SYMBOL["BTC/USD"], LISTING_BY_SYMBOL["ETH/BTC"])
STEP_S = 0.04


class Ears(AccountListener):
    def __init__(self) -> None:
        self.fills: list[AccountFill] = []
        self.rows: list[tuple[LedgerEntry, ...]] = []
        self.resets: list[str] = []

    def on_fill(self, fill: AccountFill, order: EngineOrder) -> None:
        self.fills.append(fill)

    def on_ledger(self, entries: tuple[LedgerEntry, ...]) -> None:
        self.rows.append(entries)

    def on_reset(self, account_id: str) -> None:
        self.resets.append(account_id)


class World:
    """A practice market under a hand-held clock."""

    def __init__(self, store: Store | None = None, clock: ManualClock | None = None, **terms: Any) -> None:
        self.clock = clock or ManualClock()
        terms.setdefault("seed", 7)
        self.market = PracticeMarket(clock=self.clock, store=store, listings=PAIRS, **terms)

    def live(self, seconds: float) -> None:
        for _ in range(max(1, int(seconds / STEP_S))):
            self.clock.advance(STEP_S)
            self.market.step()

    def order(self, side: Any, quantity: str, price: Decimal | None = None, **terms: Any) -> EngineOrder:
        terms.setdefault("account", "ann")
        terms.setdefault("order_type", OrderType.MARKET if price is None else OrderType.LIMIT)
        listing = LISTING_BY_SYMBOL[terms.pop("symbol", "BTC/USD")]
        return EngineOrder(listing, side=side, quantity=d(quantity), limit_price=price, **terms)

    def submit(self, side: Any, quantity: str, price: Decimal | None = None, **terms: Any) -> EngineOrder:
        return self.market.submit(self.order(side, quantity, price, **terms))

    def bid(self, times: str = "1", symbol: str = "BTC/USD") -> Decimal:
        best = self.market.engines[symbol].best_bid()
        assert best is not None
        return (best.price * d(times)).quantize(LISTING_BY_SYMBOL[symbol].tick_size)

    def totals(self) -> dict[str, Decimal]:
        """Everything there is: persons and the house."""
        found = dict(self.market.house)
        for account in self.market.accounts.values():
            for asset, amount in account.balances.items():
                found[asset] = found.get(asset, d("0")) + amount
        return found


def balance(world: World, asset: str, account: str = "ann") -> Decimal:
    return world.market.account(account).balances[asset]


# ---- money ---------------------------------------------------------------------------------------


def test_new_account_begins_with_the_starting_balances() -> None:
    world = World()
    assert world.market.account("ann").balances == STARTING_BALANCES
    assert [row.kind for row in world.market.ledger("ann")] == ["deposit"] * len(STARTING_BALANCES)


def test_market_buy_pays_cost_and_taker_fee_in_quote() -> None:
    world, ears = World(), Ears()
    world.market.account("ann")
    world.market.listen_accounts(ears)
    order = world.submit(BUY, "0.01")
    assert order.status is OrderState.FILLED
    cost, fee = sum(f.cost for f in ears.fills), sum(f.fee for f in ears.fills)
    assert cost == order.cost.quantize(d("0.0001"))
    assert d("0") <= fee - order.cost * d("0.0040") < d("0.0002")
    assert balance(world, "USD") == d("10000") - cost - fee
    assert balance(world, "BTC") == d("0.26")
    assert all(not fill.is_maker and fill.fee_asset == "USD" for fill in ears.fills)
    # Two rows a fill, sharing its id; the last balance told is the balance.
    assert [tuple(row.ref_id for row in rows) for rows in ears.rows] == [(f.fill_id,) * 2 for f in ears.fills]
    assert ears.rows[-1][1].balance == balance(world, "USD")


def test_many_small_fills_cost_no_more_than_one() -> None:
    times = 150
    world = World()
    price = world.bid() + d("0.1")
    world.market.set_rate(0)
    ask = world.market.engines["BTC/USD"].best_ask()
    assert ask is not None
    price = min(price, ask.price - d("0.1"))
    order = world.submit(BUY, "0.0100003", price)
    hold = world.market.account("ann").held(world.market.listings)["USD"]
    queue = world.market.engines["BTC/USD"].level_total(BUY, price) - order.quantity
    if queue:
        world.market.bot_trade("BTC/USD", SELL, queue)
    for _ in range(times):
        world.market.bot_trade("BTC/USD", SELL, d("0.00006667"))
    assert order.status is OrderState.FILLED
    fills = world.market.fills("ann")
    assert len(fills) == times
    cost = (price * order.quantity).quantize(d("0.0001"), rounding="ROUND_UP")
    fee = (price * order.quantity * d("0.0025")).quantize(d("0.0001"), rounding="ROUND_UP")
    assert (sum(f.cost for f in fills), sum(f.fee for f in fills)) == (cost, fee)
    assert d("10000") - balance(world, "USD") == cost + fee <= hold


def test_fee_in_base_is_taken_from_what_was_bought() -> None:
    world = World()
    world.submit(BUY, "0.01", fee_in_base=True)
    assert balance(world, "BTC") == d("0.25") + d("0.01") * d("0.996")


def test_maker_pays_the_maker_rate() -> None:
    world = World()
    order = world.submit(BUY, "0.001", world.bid("0.999"))
    world.market.shock("BTC/USD", -1.0)
    world.live(10)
    assert order.status is OrderState.FILLED
    (fill, *_) = world.market.fills("ann")
    assert fill.is_maker
    assert fill.fee == (fill.price * fill.quantity * d("0.0025")).quantize(d("0.0001"), rounding="ROUND_UP")


def test_fee_rate_falls_with_volume() -> None:
    world = World()
    assert world.market.fee_rates("ann", "BTC/USD")[:2] == (d("0.25"), d("0.40"))
    world.submit(BUY, "0.09")
    world.submit(SELL, "0.09")
    assert world.market.volume_30d("ann") > 10_000
    assert world.market.fee_rates("ann", "BTC/USD")[:2] == (d("0.20"), d("0.35"))
    world.clock.advance(31 * 86_400)
    assert world.market.fee_rates("ann", "BTC/USD")[:2] == (d("0.25"), d("0.40"))


def test_open_orders_hold_what_they_may_need() -> None:
    world = World()
    price = world.bid("0.9")
    world.submit(BUY, "0.05", price)
    world.submit(SELL, "0.2", world.bid("1.2"))
    held = {one.asset: one.held for one in world.market.balances("ann") if one.held}
    cost = d("0.05") * price
    assert held == {
        "USD": cost + (cost * d("0.004")).quantize(d("0.0001"), rounding="ROUND_UP"),
        "BTC": d("0.2"),
    }
    with pytest.raises(EngineReject) as refusal:
        world.submit(SELL, "0.0501", world.bid("1.2"))
    assert refusal.value.code is RejectCode.FUNDS
    world.market.cancel_all("ann")
    assert not [one for one in world.market.balances("ann") if one.held]


@pytest.mark.parametrize(
    ("side", "quantity", "price"),
    [(BUY, "1", None), (BUY, "1", "0.9"), (SELL, "0.3", None), (SELL, "0.3", "1.2")],
)
def test_orders_beyond_the_balance_are_refused(side: Any, quantity: str, price: str | None) -> None:
    world = World()
    with pytest.raises(EngineReject) as refusal:
        world.submit(side, quantity, None if price is None else world.bid(price))
    assert refusal.value.code is RejectCode.FUNDS
    assert world.market.open_orders("ann") == []
    assert world.market.closed_orders("ann") == []


def test_amend_beyond_the_balance_is_refused_and_leaves_the_order() -> None:
    world = World()
    order = world.submit(BUY, "0.01", world.bid("0.9"))
    with pytest.raises(EngineReject) as refusal:
        world.market.amend(order, quantity=d("1"))
    assert refusal.value.code is RejectCode.FUNDS
    assert order.quantity == d("0.01")
    world.market.amend(order, quantity=d("0.02"))
    assert order.quantity == d("0.02")


def test_validate_places_nothing() -> None:
    world = World()
    order = world.order(BUY, "0.01", world.bid("0.9"))
    world.market.validate(order)
    assert world.market.open_orders("ann") == []
    assert order.order_id == 0


def test_fired_stop_that_can_no_longer_be_paid_is_canceled() -> None:
    world = World()
    world.live(1)
    stop = world.submit(BUY, "0.1", order_type=OrderType.STOP, trigger_price=world.bid("1.02"))
    with contextlib.suppress(EngineReject):
        world.submit(BUY, "0.001", world.bid("0.99"))
    free = world.market.account("ann").free("USD", world.market.listings)
    spend = (free / world.bid() * d("0.99")).quantize(d("0.0001"))
    world.submit(BUY, str(spend), world.bid("0.97"))
    world.market.shock("BTC/USD", 60.0)
    world.live(30)
    assert (stop.status, stop.reason) == (OrderState.CANCELED, CancelReason.FUNDS)
    assert min(world.market.account("ann").balances.values()) >= 0


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]),
        st.sampled_from([BUY, SELL]),
        st.sampled_from(["BTC/USD", "ETH/BTC"]),
        st.sampled_from(
            ["market", "limit", "limit", "ioc", "iceberg", "stop", "trail", "cash", "amend", "cancel"]
        ),
        st.integers(1, 80),
        st.integers(-6, 6),
        st.booleans(),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ORDERS, st.integers(0, 30))
def test_no_money_appears_or_vanishes_and_no_balance_goes_below_zero(actions: list[Any], seed: int) -> None:
    world = World(seed=seed)
    market = world.market
    for account in ("ann", "bob"):
        market.account(account)
    for account, side, symbol, what, size, away, in_base in actions:
        unit = d("0.003") if symbol == "BTC/USD" else d("0.05")
        quantity = str(unit * size)
        price = world.bid(str(1 + d(away) / 1000), symbol)
        terms: dict[str, Any] = {"account": account, "symbol": symbol, "fee_in_base": in_base}
        with contextlib.suppress(EngineReject):
            if what == "market":
                world.submit(side, quantity, **terms)
            elif what == "cash":
                world.submit(BUY, "0", quote_quantity=(unit * size * price).quantize(d("0.0001")), **terms)
            elif what == "ioc":
                world.submit(side, quantity, price, time_in_force=TimeInForce.IOC, **terms)
            elif what == "iceberg":
                shown = (d(quantity) / 7).quantize(d("0.00000001"))
                world.submit(
                    side, quantity, price, order_type=OrderType.ICEBERG, display_quantity=shown, **terms
                )
            elif what == "stop":
                world.submit(side, quantity, order_type=OrderType.STOP, trigger_price=price, **terms)
            elif what == "trail":
                world.submit(
                    side, quantity, order_type=OrderType.TRAILING_STOP, trail_offset=d("0.1"),
                    trail_in_percent=True, **terms,
                )  # fmt: skip
            elif what == "limit":
                world.submit(side, quantity, price, **terms)
            elif orders := market.open_orders(account):
                if what == "cancel":
                    market.cancel(orders[0])
                else:
                    market.amend(orders[0], quantity=d(quantity))
        world.live(0.2)
        if size % 9 == 0:
            market.shock("BTC/USD", away / 2)
            world.live(0.6)
        assert set(world.totals().values()) == {d("0")}
        for one in market.accounts.values():
            held = one.held(market.listings)
            assert all(amount >= 0 for amount in one.balances.values()), one.balances
            assert all(held.get(asset, 0) <= one.balances[asset] for asset in held), (held, one.balances)
    for account in ("ann", "bob"):
        ledger = market.ledger(account)
        for asset, amount in market.account(account).balances.items():
            rows = [row for row in ledger if row.asset == asset]
            assert amount == sum((row.amount - row.fee for row in rows), start=Decimal(0)) == rows[-1].balance
        fills = market.fills(account)
        for order in (*market.open_orders(account), *market.closed_orders(account)):
            mine = [fill for fill in fills if fill.order_id == order.order_id]
            assert order.filled == sum((fill.quantity for fill in mine), start=Decimal(0))
            assert order.fees_paid == sum((fill.fee for fill in mine), start=Decimal(0))


# ---- bars and prints of the run ------------------------------------------------------------------


def test_bars_of_the_run_are_made_of_its_prints() -> None:
    world = World()
    world.live(150)
    minutes = world.market.bars("BTC/USD", 60, count=3)
    for bar in minutes[-2:]:
        end = bar.open_ns + 60 * 10**9
        prints = [p for p in world.market.trades("BTC/USD", bar.open_ns - 1, 10_000) if p.ts_ns < end]
        assert bar.open == prints[0].price
        assert bar.close == prints[-1].price
        assert bar.high == max(p.price for p in prints)
        assert bar.low == min(p.price for p in prints)
        assert bar.volume == sum(p.quantity for p in prints)
        assert bar.trades == len(prints)
        assert bar.turnover == sum(p.quantity * p.price for p in prints)


@pytest.mark.parametrize("symbol", ["BTC/USD", "ETH/BTC"])
def test_longer_bars_join_the_past_and_the_run_exactly(symbol: str) -> None:
    world = World()
    world.live(130)
    for interval_s in INTERVALS_S[1:8]:
        running = world.market.bars(symbol, interval_s, count=2)[-1]
        length = (world.clock.wall_ns() - running.open_ns) // (60 * 10**9) + 1
        minutes = world.market.bars(symbol, 60, count=length)
        assert minutes[0].open_ns == running.open_ns
        assert running == world.market.running_bar(symbol, interval_s)
        assert (running.open, running.close) == (minutes[0].open, minutes[-1].close)
        assert running.high == max(bar.high for bar in minutes)
        assert running.low == min(bar.low for bar in minutes)
        assert running.volume == sum(bar.volume for bar in minutes)
        assert running.trades == sum(bar.trades for bar in minutes)


def test_run_begins_near_where_the_past_ended() -> None:
    for seed in range(12):
        world = World(seed=seed)
        world.live(5)
        for symbol in ("BTC/USD", "ETH/BTC"):
            (before, now) = world.market.bars(symbol, 60, count=2)
            assert abs(now.close / before.close - 1) < d("0.01")


def test_print_ids_rise_by_one_from_the_past_into_the_run() -> None:
    world = World()
    world.live(70)
    prints = world.market.trades("BTC/USD", world.clock.wall_ns() - 600 * 10**9, 100_000)
    assert [b.trade_id - a.trade_id for a, b in itertools.pairwise(prints)] == [1] * (len(prints) - 1)
    assert all(a.ts_ns < b.ts_ns for a, b in itertools.pairwise(prints))
    assert world.market.recent_trades("BTC/USD", 50) == prints[-50:]
    assert prints[-1].ts_ns > world.clock.wall_ns() - 30 * 10**9


def test_day_figures_match_the_minute_bars() -> None:
    world = World()
    world.live(65)
    bars = world.market.bars("BTC/USD", 60, count=1440)
    stats = world.market.last_24h("BTC/USD")
    assert (stats.open, stats.last) == (bars[0].open, bars[-1].close)
    assert (stats.high, stats.low) == (max(b.high for b in bars), min(b.low for b in bars))
    assert (stats.volume, stats.trades) == (sum(b.volume for b in bars), sum(b.trades for b in bars))
    assert stats.low < stats.vwap < stats.high


# ---- restart, reset ------------------------------------------------------------------------------


def test_restart_gives_the_same_account_orders_and_bars(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.submit(BUY, "0.01")
    first = world.submit(BUY, "0.01", world.bid("0.9"), tag={"cl_ord_id": "one"})
    second = world.submit(BUY, "0.02", world.bid("0.9"), tag={"cl_ord_id": "two"})
    trail = world.submit(
        SELL, "0.01", order_type=OrderType.TRAILING_STOP, trail_offset=d("3"), trail_in_percent=True
    )
    dropped = world.submit(BUY, "0.01", world.bid("0.8"))
    world.market.cancel(dropped)
    world.live(61)
    market = world.market
    bars = market.bars("BTC/USD", 60, count=3)
    market.close()

    again = World(Store(tmp_path), world.clock, seed=None).market
    assert again.seed == 7
    assert again.balances("ann") == market.balances("ann")
    assert again.fills("ann") == market.fills("ann")
    assert again.ledger("ann") == market.ledger("ann")
    assert [order_to_data(o) for o in again.closed_orders("ann")] == [
        order_to_data(o) for o in market.closed_orders("ann")
    ]
    kept = again.open_orders("ann")
    assert [o.order_id for o in kept] == [first.order_id, second.order_id, trail.order_id]
    assert [o.tag for o in kept] == [{"cl_ord_id": "one"}, {"cl_ord_id": "two"}, None]
    assert kept[2].trigger_price == trail.trigger_price
    mine = [o for o in again.engines["BTC/USD"].queue(BUY, first.price_ticks) if o.account == "ann"]
    assert [o.order_id for o in mine] == [first.order_id, second.order_id]
    assert again.bars("BTC/USD", 60, count=3)[:2] == bars[:2]
    fresh = again.submit(
        EngineOrder(PAIRS[0], account="ann", side=BUY, order_type=OrderType.MARKET, quantity=d("0.001"))
    )
    assert fresh.order_id > trail.order_id


def test_a_restart_within_a_minute_shows_no_print_from_the_future(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.live(75)  # into a minute that both runs trade in
    world.market.close()

    tape = World(Store(tmp_path), world.clock, seed=None).market.tapes["BTC/USD"]
    prints = tape.recent(200)
    times = [one.ts_ns for one in prints]
    assert times == sorted(set(times))
    assert times[-1] <= world.clock.wall_ns()
    ids = [one.trade_id for one in prints]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert ids[-1] + 1 == tape.next_id


def test_a_killed_process_loses_no_order_and_no_fill(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.submit(BUY, "0.01")
    order = world.submit(BUY, "0.01", world.bid("0.9"))
    # No close, no persist: another reader sees what was written at once.
    again = World(Store(tmp_path), world.clock, seed=None).market
    assert again.balances("ann") == world.market.balances("ann")
    assert [o.order_id for o in again.open_orders("ann")] == [order.order_id]


def test_order_whose_price_was_passed_while_away_fills_at_the_start(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    order = world.submit(BUY, "0.01", world.bid("0.99"))
    world.market.shock("BTC/USD", -3.0)
    world.market.close()
    again = World(Store(tmp_path), world.clock, seed=None)
    found = again.market.order(order.order_id)
    assert found is not None
    assert found.status is OrderState.FILLED
    assert again.market.fills("ann")[-1].price == order.limit_price
    assert set(again.totals().values()) == {d("0")}


def test_time_away_is_filled_with_the_made_up_past(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.live(1)
    last_id = world.market.recent_trades("BTC/USD", 1)[0].trade_id
    world.market.close()
    world.clock.advance(7200)
    again = World(Store(tmp_path), world.clock, seed=None)
    again.live(1)
    bars = again.market.bars("BTC/USD", 60, count=125)
    assert all(bar.trades > 0 for bar in bars[5:-1])
    prints = again.market.trades("BTC/USD", world.clock.wall_ns() - 7300 * 10**9, 1_000_000)
    ids = [one.trade_id for one in prints]
    assert last_id in ids
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert again.market.engines["BTC/USD"].next_trade_id == ids[-1] + 1


def test_expiry_passed_while_away_ends_the_order(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    order = world.submit(
        BUY, "0.01", world.bid("0.9"), time_in_force=TimeInForce.GTD,
        expire_ns=world.clock.wall_ns() + 60 * 10**9,
    )  # fmt: skip
    world.market.close()
    world.clock.advance(120)
    again = World(Store(tmp_path), world.clock, seed=None).market
    (closed,) = again.closed_orders("ann")
    assert (closed.order_id, closed.status) == (order.order_id, OrderState.EXPIRED)


def test_reset_gives_the_starting_balances_and_an_empty_past(tmp_path: Path) -> None:
    world, ears = World(Store(tmp_path)), Ears()
    world.market.listen_accounts(ears)
    world.submit(BUY, "0.01")
    resting = world.submit(BUY, "0.01", world.bid("0.9"))
    world.market.reset_account("ann")
    assert ears.resets == ["ann"]
    assert resting.reason == CancelReason.RESET
    for market in (world.market, World(Store(tmp_path), world.clock, seed=None).market):
        assert market.account("ann").balances == STARTING_BALANCES
        assert market.open_orders("ann") == market.closed_orders("ann") == []
        assert market.fills("ann") == []
        assert market.order(resting.order_id) is None
        assert market.volume_30d("ann") == 0
    assert set(world.totals().values()) == {d("0")}


def test_another_seed_keeps_accounts_but_not_bars(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    world.submit(BUY, "0.01")
    world.live(61)
    usd = balance(world, "USD")
    world.market.close()
    store = Store(tmp_path)
    again = World(store, world.clock, seed=99)
    assert balance(again, "USD") == usd
    again.market.persist()
    assert len(store.minutes("BTC/USD")) == 1


# ---- the loop, modes, the store ------------------------------------------------------------------


def test_the_same_seed_and_clock_give_the_same_world() -> None:
    worlds = [World(), World()]
    for world in worlds:
        world.submit(BUY, "0.01")
        world.live(20)
    assert worlds[0].market.recent_trades("BTC/USD", 100) == worlds[1].market.recent_trades("BTC/USD", 100)
    assert worlds[0].market.fills("ann") == worlds[1].market.fills("ann")


def test_run_moves_the_market_until_canceled() -> None:
    async def main() -> None:
        market = PracticeMarket(seed=1, listings=PAIRS, rate=20.0)
        first = market.engines["BTC/USD"].next_trade_id
        task = tasks.spawn(market.run(), name="practice")
        await eventually(lambda: market.engines["BTC/USD"].next_trade_id > first + 3)
        await tasks.cancel_and_wait(task)
        with contextlib.suppress(asyncio.CancelledError):
            await task
        market.close()

    run(main())


def test_bot_trade_fills_a_person_at_the_touch() -> None:
    world = World()
    best_ask = world.market.engines["BTC/USD"].best_ask()
    assert best_ask is not None
    order = world.submit(
        BUY, "0.001", world.bid() + d("0.1") if best_ask.price > world.bid() + d("0.1") else world.bid()
    )
    queue_ahead = world.market.engines["BTC/USD"].level_total(BUY, order.limit_price or d("0"))
    world.market.bot_trade("BTC/USD", SELL, queue_ahead)
    assert order.status is OrderState.FILLED


def test_cancel_only_market_stands_still_and_refuses_orders() -> None:
    world = World()
    order = world.submit(BUY, "0.01", world.bid("0.9"))
    world.market.set_status(MarketStatus.CANCEL_ONLY)
    book = world.market.engines["BTC/USD"].book(50)
    world.live(2)
    assert world.market.engines["BTC/USD"].book(50) == book
    with pytest.raises(EngineReject):
        world.submit(BUY, "0.01", world.bid("0.9"))
    world.market.cancel(order)
    assert not order.is_live


@pytest.mark.parametrize("percent", [-95.0, 1000.0, float("nan")])
def test_absurd_shocks_are_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="no shock"):
        World().market.shock("BTC/USD", percent)


@pytest.mark.parametrize("rate", [-1.0, 1e9, float("nan")])
def test_absurd_rates_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="no rate"):
        World().market.set_rate(rate)


def test_damaged_file_is_renamed_aside_and_named(tmp_path: Path) -> None:
    (tmp_path / "practice.sqlite").write_bytes(b"this is no database" * 200)
    store = Store(tmp_path)
    assert "practice.sqlite.bad-" in store.notice
    assert len(list(tmp_path.glob("practice.sqlite.bad-*"))) == 1
    store.put("nonce:key", 5)
    store.close()
    assert Store(tmp_path).get("nonce:key") == 5


def test_file_of_a_later_version_is_set_aside(tmp_path: Path) -> None:
    Store(tmp_path).close()
    db = sqlite3.connect(tmp_path / "practice.sqlite")
    db.execute("UPDATE meta SET value = '99' WHERE key = 'version'")
    db.commit()
    db.close()
    assert Store(tmp_path).notice


def test_order_survives_the_way_through_the_file_unchanged() -> None:
    world = World()
    order = world.submit(
        BUY, "0.02", world.bid("0.9"), order_type=OrderType.ICEBERG, display_quantity=d("0.005"),
        fee_in_base=True, tag={"userref": 3, "flags": ["post"]},
    )  # fmt: skip
    assert order_to_data(order)["tag"] == {"userref": 3, "flags": ["post"]}
    copy = order_from_data(order_to_data(order), world.market.listings)
    assert copy is not None
    assert order_to_data(copy) == order_to_data(order)


def test_how_far_the_books_are_from_where_they_belong_is_told() -> None:
    world = World()
    world.live(2)
    assert world.market.off_fair_pct() < 0.7
    world.market.shock("BTC/USD", 5.0)
    assert 4 < world.market.off_fair_pct() < 6
    world.live(20)
    assert world.market.off_fair_pct() < 0.7
    # The last trade counts as well as the book.
    engine = world.market.engines["BTC/USD"]
    last, engine.last_ticks = engine.last_ticks, int(engine.last_ticks * 0.96)
    assert 3 < world.market.off_fair_pct() < 5
    engine.last_ticks = last
    bids, _ = world.market.engines["ETH/BTC"].book(100_000)
    everything = sum((level.quantity for level in bids), start=d("0"))
    world.market.bot_trade("ETH/BTC", SELL, everything)
    assert world.market.off_fair_pct() == 100.0


def test_an_exchange_beside_another_shares_its_prices_and_nothing_else(tmp_path: Path) -> None:
    world = World(Store(tmp_path))
    near = PracticeMarket(clock=world.clock, store=Store(None), listings=PAIRS, beside=world.market)
    assert near.seed == world.market.seed
    assert near.last_24h("BTC/USD").open == world.market.last_24h("BTC/USD").open
    assert near.engines["BTC/USD"].book(20) != world.market.engines["BTC/USD"].book(20)  # other people
    near.account("bob")
    assert "bob" not in world.market.accounts
    # A shock is the world's, wherever it is ordered, and outlives the process with the world's store.
    before = world.market.usd_value("BTC")
    near.shock("BTC/USD", 10.0)
    assert float(world.market.usd_value("BTC")) == pytest.approx(float(before) * 1.1)
    near.close()
    world.market.close()
    again = PracticeMarket(clock=world.clock, store=Store(tmp_path), listings=PAIRS)
    assert float(again.usd_value("BTC")) == pytest.approx(float(before) * 1.1)
    again.close()
