"""Kraken's two rate limits and the pause we keep on public calls, counted here so that we stop before Kraken
does.

The call counter is per key; the engine counter is per account and pair and makes young orders dear to change
(Kraken API rate limits, read 2026-08). Cancels are always let through: the engine's points are charged, and a
person must be able to get out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from terminal.core.clock import Clock
from terminal.domain.errors import NotSent, RateLimited
from terminal.domain.events import BudgetLevel
from terminal.transport.quotas import LeakyCounter
from terminal.venues.kraken.errors import VENUE_NAME


@dataclass(frozen=True, slots=True)
class Tier:
    """The limits of one verification level."""

    name: str
    rest_limit: int
    rest_decay_per_s: float
    engine_limit: int
    engine_decay_per_s: float
    open_orders: int
    """Most open orders in one pair."""


TIERS: dict[str, Tier] = {
    tier.name: tier
    for tier in (
        Tier("starter", 15, 0.33, 60, 1.0, 60),
        Tier("intermediate", 20, 0.5, 125, 2.34, 80),
        Tier("pro", 20, 1.0, 180, 3.75, 225),
    )
}
# Ledger and trade-history calls cost double. Kraken says both 1 and 2 of ClosedOrders: the dearer is safe.
_DOUBLE = frozenset({"Ledgers", "QueryLedgers", "TradesHistory", "QueryTrades", "ClosedOrders"})
# Metered by the engine's counter instead.
TRADING_CALLS = frozenset(
    {"AddOrder", "AmendOrder", "EditOrder", "CancelOrder", "AddOrderBatch", "CancelOrderBatch"}
)

# (younger than so many seconds, points); what is older costs nothing on top.
_AMEND_AGE = ((5, 3), (10, 2), (15, 1))
_CANCEL_AGE = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
# What the counter drains in half a second to a second, the longest that a call should be on its way.
_REST_MARGIN = 0.5
_KEPT_ORDERS = 5_000
_ENGINE_QUEUE_S = 1.0


def rest_cost(call: str) -> int:
    """Points of the call counter that one private call takes."""
    if call in TRADING_CALLS:
        return 0
    return 2 if call in _DOUBLE else 1


def _age_points(table: tuple[tuple[int, int], ...], age_s: float) -> int:
    for younger_than_s, points in table:
        if age_s < younger_than_s:
            return points
    return 0


def amend_cost(age_s: float) -> int:
    """Engine points of an amend, by seconds since the order was created or last amended."""
    return 1 + _age_points(_AMEND_AGE, age_s)


def cancel_cost(age_s: float) -> int:
    """Engine points of a cancel, by the order's age in seconds; old orders go for nothing."""
    return _age_points(_CANCEL_AGE, age_s)


def batch_add_cost(count: int) -> float:
    """Engine points of placing so many orders in one call."""
    return count / 2


class _KnownOrder(NamedTuple):
    symbol: str
    changed_ns: int
    """Monotonic."""


class RateLimits:
    """Every budget of one key. Orders that would exceed one are refused as RateLimited; reads wait their
    turn."""

    def __init__(self, tier: str, clock: Clock, *, public_calls_per_s: float = 1.0) -> None:
        self._clock = clock
        self.tier = TIERS.get(tier, TIERS["starter"])
        # Two points are kept for looking after an order in doubt and for the token of a reconnect.
        self.rest = self._counter(
            "REST calls", self.tier.rest_limit, self.tier.rest_decay_per_s, reserve=2.0, margin=_REST_MARGIN
        )
        # Three in hand lets the handful of calls of a start go at once; the rate is kept over any longer
        # time.
        self.public = self._counter("Public calls", max(3.0, public_calls_per_s), public_calls_per_s)
        self._engine: dict[str, LeakyCounter] = {}
        self._orders: OrderedDict[str, _KnownOrder] = OrderedDict()
        self._open: dict[str, set[str]] = {}

    def set_tier(self, tier: Tier) -> None:
        """The venue has told the tier (``maxratecount``); what is used so far stays used."""
        self.tier = tier
        self.rest.set_limits(tier.rest_limit, tier.rest_decay_per_s)
        for counter in self._engine.values():
            counter.set_limits(tier.engine_limit, tier.engine_decay_per_s)

    def tier_of_engine_limit(self, limit: int) -> Tier | None:
        """The tier with this engine threshold (60, 125 or 180)."""
        return next((tier for tier in TIERS.values() if tier.engine_limit == limit), None)

    def budgets(self) -> Sequence[BudgetLevel]:
        """All counters as they stand: calls first, then every pair that has points on it."""
        engine = [counter.as_budget() for counter in self._engine.values() if counter.level() > 0.05]
        return (self.rest.as_budget(), self.public.as_budget(), *engine)

    # --- orders ------------------------------------------------------------------------------------------

    def note_order(self, order_id: str, symbol: str, *, age_s: float = 0.0) -> None:
        """Remember when an order was created or last amended; under each id it can be named with."""
        changed_ns = self._clock.monotonic_ns() - int(max(0.0, age_s) * 1e9)
        self._orders[order_id] = _KnownOrder(symbol, changed_ns)
        self._orders.move_to_end(order_id)
        while len(self._orders) > _KEPT_ORDERS:
            self._orders.popitem(last=False)

    def set_open(self, venue_order_id: str, symbol: str, is_open: bool) -> None:
        """Count an order among the open ones of its pair, or no longer."""
        orders = self._open.setdefault(symbol, set())
        if is_open:
            orders.add(venue_order_id)
        else:
            orders.discard(venue_order_id)

    def open_orders(self, symbol: str) -> int:
        return len(self._open.get(symbol, ()))

    def age_s(self, *order_ids: str | None) -> float:
        """Seconds since the order was created or amended; an order never seen here counts as old."""
        for order_id in order_ids:
            known = self._orders.get(order_id) if order_id else None
            if known is not None:
                return (self._clock.monotonic_ns() - known.changed_ns) / 1e9
        return float("inf")

    async def take_add(self, symbol: str, count: int = 1) -> None:
        """Charge one new order, or a batch of ``count``.

        Raises:
            RateLimited: the engine's counter has no room within a second.
            NotSent: the pair has as many open orders as the tier may have.
        """
        if self.open_orders(symbol) + count > self.tier.open_orders:
            raise NotSent(
                VENUE_NAME,
                f"{symbol} has {self.open_orders(symbol)} open orders, the limit is {self.tier.open_orders}",
                code="EOrder:Orders limit exceeded",
                user_text=f"Kraken takes at most {self.tier.open_orders} open orders in {symbol}: "
                "cancel one first.",
                repair="cancel_some_orders",
            )
        await self._take(symbol, 1.0 if count == 1 else batch_add_cost(count))

    async def take_amend(self, symbol: str, *order_ids: str | None) -> None:
        """Charge an amend in place. Raises RateLimited where there is no room within a second."""
        await self._take(symbol, amend_cost(self.age_s(*order_ids)))

    def charge_cancel(self, symbol: str, *order_ids: str | None) -> None:
        """Charge a cancel. It is never held back."""
        cost = cancel_cost(self.age_s(*order_ids))
        if cost:
            self.engine(symbol).charge(cost)

    def engine(self, symbol: str) -> LeakyCounter:
        """The engine's counter of one pair."""
        found = self._engine.get(symbol)
        if found is None:
            # A cancel of a fresh order costs 8: so much is left for it.
            found = self._engine[symbol] = self._counter(
                f"{symbol} orders", self.tier.engine_limit, self.tier.engine_decay_per_s, reserve=8.0
            )
        return found

    async def _take(self, symbol: str, cost: float) -> None:
        counter = self.engine(symbol)
        wait_s = counter.wait_s(cost)
        if wait_s > _ENGINE_QUEUE_S:
            raise RateLimited(
                VENUE_NAME,
                f"{symbol}: {counter.level():.0f} of {self.tier.engine_limit} points used",
                code="EOrder:Rate limit exceeded",
                retry_after_s=wait_s,
                user_text=f"Too many orders in {symbol}: room again in {wait_s:.0f} s. Cancels still go.",
            )
        await counter.acquire(cost, timeout_s=_ENGINE_QUEUE_S + 0.1)

    def _counter(
        self, name: str, limit: float, decay_per_s: float, *, reserve: float = 0.0, margin: float = 0.0
    ) -> LeakyCounter:
        return LeakyCounter(name, limit, decay_per_s, self._clock, reserve, margin=margin, venue=VENUE_NAME)
