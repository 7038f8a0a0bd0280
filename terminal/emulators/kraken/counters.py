"""Kraken's two rate limits, with their real sizes and decay by tier.

The REST counter belongs to a key; the engine counter to an account and a pair, and is shared by REST and
WebSocket. Kraken "Spot rate limits", read 2026-08.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Tier:
    """The limits of one verification tier."""

    name: str
    rest_max: float
    rest_decay_per_s: float
    engine_max: float
    engine_decay_per_s: float
    open_orders: int


TIERS: Final = {
    tier.name: tier
    for tier in (
        Tier("starter", 15, 0.33, 60, 1.00, 60),
        Tier("intermediate", 20, 0.5, 125, 2.34, 80),
        Tier("pro", 20, 1.0, 180, 3.75, 225),
    )
}

REST_COSTS: Final = {
    "Ledgers": 2, "QueryLedgers": 2, "TradesHistory": 2, "QueryTrades": 2, "ClosedOrders": 2,
    "AddOrder": 0, "AmendOrder": 0, "EditOrder": 0, "CancelOrder": 0, "CancelAll": 0,
    "CancelAllOrdersAfter": 0, "AddOrderBatch": 0, "CancelOrderBatch": 0,
}  # fmt: skip
"""What a call adds to the REST counter; one not named here adds 1."""

_AGES_S: Final = (5, 10, 15, 45, 90, 300)
_AMEND: Final = (3, 2, 1, 0, 0, 0, 0)
_EDIT: Final = (6, 5, 4, 2, 1, 0, 0)
_CANCEL: Final = (8, 6, 5, 4, 2, 1, 0)


def _by_age(table: tuple[int, ...], age_s: float) -> int:
    for index, limit in enumerate(_AGES_S):
        if age_s < limit:
            return table[index]
    return table[-1]


def add_cost(orders: int = 1) -> float:
    """One order costs 1; a batch of n costs n/2."""
    return 1.0 if orders == 1 else orders / 2


def amend_cost(age_s: float) -> float:
    """By the time since the order was created or last amended."""
    return 1.0 + _by_age(_AMEND, age_s)


def edit_cost(age_s: float) -> float:
    return 1.0 + _by_age(_EDIT, age_s)


def cancel_cost(age_s: float) -> float:
    return float(_by_age(_CANCEL, age_s))


class DecayingCounter:
    """Points that drain away at a steady rate."""

    __slots__ = ("_at_ns", "_level", "_monotonic_ns", "decay_per_s", "limit")

    def __init__(self, limit: float, decay_per_s: float, monotonic_ns: Callable[[], int]) -> None:
        self.limit = limit
        self.decay_per_s = decay_per_s
        self._monotonic_ns = monotonic_ns
        self._level = 0.0
        self._at_ns = monotonic_ns()

    def level(self) -> float:
        """Points counted now."""
        now = self._monotonic_ns()
        drained = (now - self._at_ns) / NS_PER_S * self.decay_per_s
        self._level = max(0.0, self._level - drained)
        self._at_ns = now
        return self._level

    def charge(self, cost: float) -> None:
        """Count it, whatever the limit says."""
        self._level = self.level() + cost

    def try_charge(self, cost: float) -> bool:
        """Count it if the limit allows; otherwise the counter is full: hammering on helps nobody."""
        if cost and self.level() + cost > self.limit:
            self._level = self.limit
            return False
        self.charge(cost)
        return True


class EngineCounters:
    """The engine counters of every account and pair."""

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._counters: dict[tuple[str, str], DecayingCounter] = {}

    def of(self, account: str, symbol: str, tier: Tier) -> DecayingCounter:
        """The counter of an account on a pair."""
        key = (account, symbol)
        found = self._counters.get(key)
        if found is None:
            found = DecayingCounter(tier.engine_max, tier.engine_decay_per_s, self._monotonic_ns)
            self._counters[key] = found
        return found

    def clear(self) -> None:
        """Forget every count."""
        self._counters.clear()
