"""The order flow: looks like a market, and is the same for the same seed and clock."""

from __future__ import annotations

import random
import statistics

import pytest

from terminal.domain.orders import OrderType
from terminal.emulators.market.engine import EngineListener, EngineTrade, MatchingEngine
from terminal.emulators.market.flow import OrderFlow
from terminal.emulators.market.latent import LatentPrices
from terminal.emulators.market.listing import LISTING_BY_SYMBOL
from tests.unit.emulators.market.kit import BUY, SELL, Bench, d

STEP_S = 0.04


class Living:
    """One pair with its flow under a hand-held clock."""

    def __init__(self, symbol: str = "BTC/USD", seed: int = 7, rate: float = 1.0) -> None:
        self.bench = Bench(LISTING_BY_SYMBOL[symbol])
        self.engine: MatchingEngine = self.bench.engine
        self.latents = LatentPrices(seed)
        rng = random.Random(seed)
        self.flow = OrderFlow(self.engine, self.latents, self.bench.listing, rng, rate=rate)
        self.flow.open(self.bench.clock.wall_ns())

    def live(self, seconds: float) -> None:
        for _ in range(int(seconds / STEP_S)):
            self.bench.clock.advance(STEP_S)
            self.flow.step(self.bench.clock.wall_ns())


@pytest.mark.parametrize("symbol", sorted(LISTING_BY_SYMBOL))
def test_book_is_deep_tight_and_near_the_hidden_price(symbol: str) -> None:
    world = Living(symbol)
    spreads = []
    for _ in range(40):
        world.live(0.5)
        bid, ask = world.engine.best_ticks()
        assert 0 < bid < ask
        spreads.append(ask - bid)
        assert world.engine.level_count(BUY) >= 200
        assert world.engine.level_count(SELL) >= 200
    assert abs((bid + ask) / 2 / world.flow.fair_ticks - 1) < 0.002
    assert statistics.median(spreads) <= max(3.0, 4 * world.bench.listing.typical_spread_ticks)
    assert world.bench.diary.levels[BUY] == {one.price: one.quantity for one in world.engine.book(9999)[0]}


def test_same_seed_and_clock_give_the_same_market() -> None:
    first, second, other = Living(seed=3), Living(seed=3), Living(seed=4)
    for world in (first, second, other):
        world.live(30)
    assert first.bench.diary.lines == second.bench.diary.lines
    assert first.engine.book(500) == second.engine.book(500)
    assert first.bench.diary.lines != other.bench.diary.lines


def test_trades_come_in_clusters_and_sizes_are_often_round() -> None:
    world = Living("ETH/USD")
    world.live(600)
    trades = world.bench.diary.trades
    a_second = [0] * 600
    start = trades[0].ts_ns
    for trade in trades:
        a_second[min(599, (trade.ts_ns - start) // 1_000_000_000)] += 1
    # Independent arrivals would have a variance equal to their mean.
    assert statistics.variance(a_second) > 1.5 * statistics.mean(a_second)
    resting = [one for queue in world.engine.orders_by_level(BUY, 500) for one in queue]
    round_ones = [one for one in resting if len(one.quantity.normalize().as_tuple().digits) <= 2]
    assert 0.3 < len(round_ones) / len(resting) < 0.95


def test_quotes_follow_a_shock_within_seconds() -> None:
    world = Living()
    world.live(5)
    before = sum(world.engine.best_ticks()) / 2
    world.latents.shift("BTC", -5.0)
    world.live(3)
    bid, ask = world.engine.best_ticks()
    assert (bid + ask) / 2 / before == pytest.approx(0.95, abs=0.005)
    assert world.engine.level_count(BUY) >= 200


def test_a_person_at_the_touch_gets_filled() -> None:
    world = Living()
    world.live(1)
    best = world.engine.best_bid()
    assert best is not None
    order = world.bench.add(BUY, "0.001", str(best.price), account="person")
    world.live(300)
    assert order.filled == d("0.001")


def test_a_price_that_is_passed_fills_a_person_in_full() -> None:
    world = Living()
    world.live(1)
    best = world.engine.best_bid()
    assert best is not None
    order = world.bench.add(BUY, "0.5", str((best.price * d("0.97")).quantize(d("0.1"))), account="person")
    world.latents.shift("BTC", -5.0)
    world.live(20)
    assert order.remaining == 0


def test_order_flow_never_hits_what_is_not_near() -> None:
    world = Living()
    best = world.engine.best_bid()
    assert best is not None
    far = world.bench.add(BUY, "0.5", str((best.price * d("0.5")).quantize(d("0.1"))), account="person")
    world.live(60)
    assert far.filled == 0


class Counter(EngineListener):
    """Counts what a face would have to send."""

    def __init__(self) -> None:
        self.levels = 0
        self.trades = 0

    def on_level(self, side: object, price: object, quantity: object) -> None:
        self.levels += 1

    def on_trade(self, trade: EngineTrade) -> None:
        self.trades += 1


def test_rate_multiplies_the_messages() -> None:
    counts = []
    for rate in (1.0, 16.0):
        world = Living(rate=rate)
        counter = Counter()
        world.engine.listen(counter)
        world.live(20)
        counts.append(counter.levels)
        bid, ask = world.engine.best_ticks()
        assert 0 < bid < ask
    assert counts[1] > 8 * counts[0]


def test_generated_market_order_trades_at_once() -> None:
    world = Living()
    world.flow.trade(SELL, 10_000_000)
    assert world.bench.diary.trades[-1].taker_order_type is OrderType.MARKET
    assert sum(t.quantity for t in world.bench.diary.trades) == d("0.1")
