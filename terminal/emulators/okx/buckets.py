"""Rate limits: so many calls in so many seconds, by address, user, or user and instrument.

OKX API v5 "Rate limits", read 2026-07: a REST call and the same operation over a WebSocket share a bucket;
place, amend and cancel have buckets of their own; a batch of one counts as a single order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from terminal.emulators.okx.errors import OkxError

_KEPT: Final = 5_000


class Limit(NamedTuple):
    """``most`` calls in ``seconds``; ``scope`` is ip, user, or either with ``+inst`` or ``+type``."""

    most: int
    seconds: float
    scope: str


ORDERS: Final = Limit(60, 2.0, "user+inst")
BATCHES: Final = Limit(300, 2.0, "user+inst")
ALL_ORDERS: Final = Limit(1000, 2.0, "user")
"""New and amended orders of an account together (50061)."""


class Buckets:
    """Every bucket of the venue. A bucket holds ``most`` tokens and fills up again in ``seconds``."""

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._left: dict[tuple[str, ...], tuple[float, int]] = {}
        self._limits: dict[tuple[str, ...], Limit] = {}

    def take(self, limit: Limit, *key: str, count: int = 1, code: str = "50011") -> None:
        """Use tokens up.

        Raises:
            OkxError: ``code``: too few are left; none is used.
        """
        now = self._monotonic_ns()
        left, then = self._left.get(key, (float(limit.most), now))
        left = min(limit.most, left + (now - then) / 1e9 * limit.most / limit.seconds)
        if left < count:
            self._left[key] = left, now
            raise OkxError(code)
        if len(self._left) > _KEPT:
            self.fill()
        self._left[key] = left - count, now
        self._limits[key] = limit

    def rows(self, user: str) -> list[dict[str, Any]]:
        """What a user has used of each bucket: ``key`` and ``used``, in tokens."""
        now, out = self._monotonic_ns(), []
        for key, (left, then) in self._left.items():
            limit = self._limits.get(key)
            if limit is not None and user in key:
                filled = left + (now - then) / 1e9 * limit.most / limit.seconds
                out.append({"key": list(key), "used": max(0.0, limit.most - filled)})
        return out

    def fill(self) -> None:
        """All buckets full again."""
        self._left.clear()
        self._limits.clear()
