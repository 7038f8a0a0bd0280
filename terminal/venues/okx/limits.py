"""OKX's rate limits, counted here so that we stop before OKX does.

Every endpoint has a limit of its own, as a rule so many in two seconds; those of placing, changing and
canceling are per instrument and shared by REST and WebSocket, and all new and changed orders of an account
together have one more (OKX v5, limits, 2026-07). Cancels have counters of their own, a share of which is
kept for the urgent ones: a person must always be able to get out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from terminal.core.clock import Clock
from terminal.domain.errors import RateLimited
from terminal.domain.events import BudgetLevel
from terminal.transport.quotas import LeakyCounter
from terminal.venues.okx.errors import VENUE_NAME

_QUEUE_S: Final = 1.0
_CANCEL_QUEUE_S: Final = 5.0
_KEPT: Final = 300


class _Limit(NamedTuple):
    calls: int
    seconds: float
    title: str


_READS: Final[dict[str, _Limit]] = {
    "/api/v5/public/time": _Limit(10, 2, "Clock"),
    "/api/v5/public/instruments": _Limit(20, 2, "Instruments"),
    "/api/v5/account/instruments": _Limit(20, 2, "Instruments of the account"),
    "/api/v5/market/ticker": _Limit(20, 2, "Tickers"),
    "/api/v5/market/tickers": _Limit(20, 2, "Tickers of a whole list"),
    "/api/v5/market/candles": _Limit(40, 2, "Bars"),
    "/api/v5/market/history-candles": _Limit(20, 2, "Old bars"),
    "/api/v5/account/balance": _Limit(10, 2, "Balances"),
    "/api/v5/account/positions": _Limit(10, 2, "Positions"),
    "/api/v5/account/config": _Limit(5, 2, "Account settings"),
    "/api/v5/account/trade-fee": _Limit(5, 2, "Fees"),
    "/api/v5/account/leverage-info": _Limit(20, 2, "Leverage"),
    "/api/v5/account/set-leverage": _Limit(20, 2, "Leverage changes"),
    "/api/v5/account/position/margin-balance": _Limit(20, 2, "Margin of positions"),
    "/api/v5/trade/order": _Limit(60, 2, "Order look-ups"),
    "/api/v5/trade/orders-pending": _Limit(60, 2, "Open orders"),
    "/api/v5/trade/orders-history": _Limit(40, 2, "Ended orders"),
    "/api/v5/trade/orders-history-archive": _Limit(20, 2, "Old orders"),
    "/api/v5/account/bills-archive": _Limit(5, 2, "Bills"),
    "/api/v5/trade/fills": _Limit(60, 2, "Fills"),
    "/api/v5/trade/fills-history": _Limit(10, 2, "Old fills"),
    "/api/v5/trade/orders-algo-pending": _Limit(20, 2, "Open stop orders"),
    "/api/v5/trade/order-algo": _Limit(20, 2, "Stop orders"),
    "/api/v5/trade/amend-algos": _Limit(20, 2, "Stop order changes"),
    "/api/v5/trade/cancel-algos": _Limit(20, 2, "Stop order cancels"),
    "/api/v5/trade/close-position": _Limit(20, 2, "Positions closed"),
    "/api/v5/trade/cancel-all-after": _Limit(1, 1, "Dead man's switch"),
}
_SINGLE: Final = 60
_BATCH: Final = 300
_ACCOUNT: Final = 1000
# What is kept for urgent calls.
_RESERVE: Final = 0.1
# What nobody uses: OKX counts a call when it arrives, when its counter has drained less than ours.
_MARGIN: Final = 0.05


class RateLimits:
    """Every budget of one key. Orders that would exceed one are refused as RateLimited; reads wait their
    turn."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.account = self._counter("New and changed orders", _ACCOUNT, _ACCOUNT / 2)
        self._reads: dict[str, LeakyCounter] = {}
        self._orders: OrderedDict[tuple[str, bool, str], LeakyCounter] = OrderedDict()

    def budgets(self) -> Sequence[BudgetLevel]:
        """The whole account's orders first, then whatever has been used lately."""
        used = [
            counter.as_budget()
            for counter in (*self._orders.values(), *self._reads.values())
            if counter.level() > 0.05
        ]
        return (self.account.as_budget(), *used)

    async def read(self, path: str, *, timeout_s: float, urgent: bool = False) -> None:
        """Wait for the turn of one call. Raises RateLimited where it would take longer than that."""
        await self._read_counter(path).acquire(1, timeout_s=timeout_s, urgent=urgent)

    async def take_order(self, symbol: str, what: str, count: int = 1) -> None:
        """Charge placing (``orders``) or changing (``amends``) so many orders of a symbol.

        Raises:
            RateLimited: there is no room within a second; nothing is sent.
        """
        counter = self._order_counter(what, count > 1, symbol)
        wait_s = max(counter.wait_s(count), self.account.wait_s(count))
        if wait_s > _QUEUE_S:
            raise RateLimited(
                VENUE_NAME,
                f"{counter.name}: {counter.level():.0f} of {counter.limit:.0f} used",
                code="budget",
                retry_after_s=wait_s,
                user_text=f"Too many orders in {symbol}: room again in {wait_s:.1f} s. Cancels still go.",
            )
        await self.account.acquire(count, timeout_s=_QUEUE_S + 0.1)
        await counter.acquire(count, timeout_s=_QUEUE_S + 0.1)

    async def take_cancel(self, symbol: str, count: int = 1) -> None:
        """Charge canceling so many orders of a symbol; it may use the share that is kept for it."""
        counter = self._order_counter("cancels", count > 1, symbol)
        await counter.acquire(count, timeout_s=_CANCEL_QUEUE_S, urgent=True)

    def fill_up(self, path: str) -> None:
        """OKX says that a limit is used up: its count wins over ours."""
        if path in _READS:
            counter = self._read_counter(path)
            counter.correct(counter.limit)

    def _read_counter(self, path: str) -> LeakyCounter:
        found = self._reads.get(path)
        if found is None:
            limit = _READS.get(path, _Limit(10, 2, path.rpartition("/")[2]))
            reserve = max(1.0, limit.calls * _RESERVE) if limit.calls > 2 else 0.0
            found = self._reads[path] = self._counter(
                limit.title, limit.calls, limit.calls / limit.seconds, reserve=reserve
            )
        return found

    def _order_counter(self, what: str, in_batch: bool, symbol: str) -> LeakyCounter:
        key = (what, in_batch, symbol)
        found = self._orders.get(key)
        if found is None:
            limit = _BATCH if in_batch else _SINGLE
            name = f"{symbol} {what}{' in batches' if in_batch else ''}"
            reserve = limit * _RESERVE if what == "cancels" else 0.0
            found = self._orders[key] = self._counter(name, limit, limit / 2, reserve=reserve)
            while len(self._orders) > _KEPT:
                self._orders.popitem(last=False)
        return found

    def _counter(self, name: str, limit: float, decay_per_s: float, *, reserve: float = 0.0) -> LeakyCounter:
        margin = limit * _MARGIN if limit > 2 else 0.0
        if limit <= 2:
            # There is no call to keep back of one or two: their span is a little longer here, so that a call
            # that was quicker on its way than the one before does not come too early there.
            decay_per_s *= 1 - _MARGIN
        return LeakyCounter(name, limit, decay_per_s, self._clock, reserve, margin=margin, venue=VENUE_NAME)
