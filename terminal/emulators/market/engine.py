"""A matching engine for one pair: price, then time.

Everything inside counts whole ticks and steps, so nothing is ever rounded. The engine knows accounts only
as names and holds no money; ``accounts`` and ``practice`` do. It is one state machine over one book, which
is why the file is longer than most.

Rules taken from Kraken Spot (read 2026-08): an amend keeps the place in the queue only when it takes
quantity away; an iceberg shows at least 1/15 and goes to the end of the queue at each refill; self-trade
prevention cancels the newest order unless told otherwise; triggers compare with the last trade or the index.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal

from terminal.domain.instrument import MarketStatus
from terminal.domain.market import BookLevel, Side
from terminal.domain.orders import OrderState, OrderType, TimeInForce, TriggerReference
from terminal.emulators.market.engine_types import (
    BOT_ACCOUNT,
    CancelReason,
    EngineListener,
    EngineOrder,
    EngineReject,
    EngineTrade,
    RejectCode,
    SelfTrade,
    to_steps,
    to_ticks,
)
from terminal.emulators.market.listing import Listing

__all__ = [
    "BOT_ACCOUNT",
    "CancelReason",
    "EngineListener",
    "EngineOrder",
    "EngineReject",
    "EngineTrade",
    "MatchingEngine",
    "RejectCode",
    "SelfTrade",
]

MIN_DISPLAY_PART = 15
"""An iceberg shows at least one part in so many."""

_LIMIT_LIKE = frozenset({OrderType.LIMIT, OrderType.ICEBERG})
_STOPS = frozenset(
    {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT}
)
_WORKING = (OrderState.OPEN, OrderState.PARTLY_FILLED)


class Level:
    """All orders at one price, first come first."""

    __slots__ = ("orders", "ticks", "total")

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks
        self.orders: dict[int, EngineOrder] = {}
        self.total = 0


class BookSide:
    """One side; ``keys`` are sorted so that the best price comes first (bids are negated)."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def best(self) -> Level | None:
        return self.levels[self.keys[0]] if self.keys else None

    def drop(self, key: int) -> None:
        del self.levels[key]
        del self.keys[bisect_left(self.keys, key)]


class MatchingEngine:
    """The book of one pair and everything that can happen to it.

    Args:
        clock_ns: wall time, nanoseconds UTC; the engine reads no other clock.
        order_ids: shared counter, so that ids are unique over all pairs.
        next_trade_id: of the first trade this engine makes.
    """

    def __init__(
        self,
        listing: Listing,
        clock_ns: Callable[[], int],
        *,
        order_ids: Iterator[int] | None = None,
        next_trade_id: int = 1,
    ) -> None:
        self.listing = listing
        self.grid = listing.grid
        self.status = MarketStatus.ONLINE
        self.next_trade_id = next_trade_id
        self.last_ticks = 0
        """Price of the last trade; 0 before the first."""
        self.last_trade_ns = 0
        self.index_ticks = 0
        self.orders: dict[int, EngineOrder] = {}
        """Every live order: resting, waiting for a trigger, or scheduled."""
        self.authorise: Callable[[EngineOrder], bool] | None = None
        """Asked when a waiting order fires: may it act now (funds)?"""
        self._clock_ns = clock_ns
        self._ids = order_ids if order_ids is not None else itertools.count(1)
        self._priority = 0
        self._bids = BookSide(-1)
        self._asks = BookSide(1)
        self._waiting: dict[int, EngineOrder] = {}
        self._scheduled: list[tuple[int, int]] = []
        self._expiries: list[tuple[int, int]] = []
        self._printed: list[int] = []
        """Trade prices of the running operation that trigger orders have not seen yet."""
        self._min_steps = self.grid.steps(listing.min_quantity)
        self._min_cost_units = _ceil_units(listing)
        self._listeners: list[EngineListener] = []
        self._accepted: list[Callable[[EngineOrder], None]] = []
        self._triggered: list[Callable[[EngineOrder], None]] = []
        self._traded: list[Callable[[EngineTrade], None]] = []
        self._filled: list[Callable[[EngineOrder], None]] = []
        self._refilled: list[Callable[[EngineOrder], None]] = []
        self._canceled: list[Callable[[EngineOrder, str], None]] = []
        self._expired: list[Callable[[EngineOrder], None]] = []
        self._amended: list[Callable[[EngineOrder], None]] = []
        self._level: list[Callable[[Side, Decimal, Decimal], None]] = []
        self._rested: list[Callable[[EngineOrder], None]] = []
        self._changed: list[Callable[[EngineOrder], None]] = []
        self._left: list[Callable[[EngineOrder], None]] = []
        self._settled: list[Callable[[int], None]] = []

    # ---- listeners -------------------------------------------------------------------------------

    def listen(self, listener: EngineListener) -> Callable[[], None]:
        """Tell ``listener`` of everything from now on, until the returned function is called."""
        self._listeners.append(listener)
        self._rebuild_calls()

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
                self._rebuild_calls()

        return stop

    def _rebuild_calls(self) -> None:
        # Only methods that a listener overrides are called: most care about few of the events.
        def overriding(name: str) -> list[EngineListener]:
            plain = getattr(EngineListener, name)
            return [one for one in self._listeners if getattr(type(one), name) is not plain]

        self._accepted = [one.on_accepted for one in overriding("on_accepted")]
        self._triggered = [one.on_triggered for one in overriding("on_triggered")]
        self._traded = [one.on_trade for one in overriding("on_trade")]
        self._filled = [one.on_filled for one in overriding("on_filled")]
        self._refilled = [one.on_iceberg_refill for one in overriding("on_iceberg_refill")]
        self._canceled = [one.on_canceled for one in overriding("on_canceled")]
        self._expired = [one.on_expired for one in overriding("on_expired")]
        self._amended = [one.on_amended for one in overriding("on_amended")]
        self._level = [one.on_level for one in overriding("on_level")]
        self._rested = [one.on_order_rested for one in overriding("on_order_rested")]
        self._changed = [one.on_order_changed for one in overriding("on_order_changed")]
        self._left = [one.on_order_left for one in overriding("on_order_left")]
        self._settled = [one.on_settled for one in overriding("on_settled")]

    # ---- reading ---------------------------------------------------------------------------------

    @property
    def last_price(self) -> Decimal | None:
        return self.grid.price(self.last_ticks) if self.last_ticks else None

    @property
    def index_price(self) -> Decimal | None:
        return self.grid.price(self.index_ticks) if self.index_ticks else None

    def best_bid(self) -> BookLevel | None:
        return self._as_level(self._bids.best())

    def best_ask(self) -> BookLevel | None:
        return self._as_level(self._asks.best())

    def best_ticks(self) -> tuple[int, int]:
        """Best bid and ask in ticks; 0 where a side is empty."""
        bid = -self._bids.keys[0] if self._bids.keys else 0
        ask = self._asks.keys[0] if self._asks.keys else 0
        return bid, ask

    def book(self, depth: int) -> tuple[list[BookLevel], list[BookLevel]]:
        """The best ``depth`` levels of bids and asks, best first, visible totals."""
        return self._levels_of(self._bids, depth), self._levels_of(self._asks, depth)

    def level_count(self, side: Side) -> int:
        return len(self._side(side).keys)

    def level_keys(self, side: Side) -> list[int]:
        """The engine's own sorted price keys (ticks; negated for bids). Read only."""
        return self._side(side).keys

    def level_figures(self, side: Side, depth: int) -> dict[int, tuple[int, int]]:
        """The best ``depth`` prices by the engine's key: visible steps and number of orders."""
        book_side = self._side(side)
        levels = book_side.levels
        return {key: ((one := levels[key]).total, len(one.orders)) for key in book_side.keys[:depth]}

    def level_total(self, side: Side, price: Decimal) -> Decimal:
        """Visible total at a price; 0 where there is none."""
        book_side = self._side(side)
        level = book_side.levels.get(book_side.sign * self.grid.ticks(price))
        return self.grid.quantity(level.total if level else 0)

    def queue(self, side: Side, ticks: int) -> list[EngineOrder]:
        """The orders at a price (in ticks), first in the queue first."""
        book_side = self._side(side)
        level = book_side.levels.get(book_side.sign * ticks)
        return list(level.orders.values()) if level else []

    def orders_by_level(self, side: Side, depth: int) -> list[list[EngineOrder]]:
        """For level 3: the orders of the best ``depth`` prices, first in the queue first."""
        book_side = self._side(side)
        return [list(book_side.levels[key].orders.values()) for key in book_side.keys[:depth]]

    def take_estimate(self, order: EngineOrder) -> tuple[int, int]:
        """Steps and ticks-times-steps that the order would take from the book now."""
        steps_left = order.steps - order.done_steps
        cash = order.cash_units
        taken = cost = 0
        opposite = self._asks if order.is_buy else self._bids
        bound = self._bound_of(order)
        for key in opposite.keys:
            if bound is not None and key > bound:
                break
            level = opposite.levels[key]
            for resting in level.orders.values():
                if order.account != BOT_ACCOUNT and resting.account == order.account:
                    if order.self_trade is SelfTrade.CANCEL_OLDEST:
                        continue
                    return taken, cost
                size = resting.steps - resting.done_steps
                size = min(size, (cash - cost) // level.ticks) if cash else min(size, steps_left - taken)
                if size <= 0:
                    return taken, cost
                taken += size
                cost += size * level.ticks
        return taken, cost

    # ---- operations ------------------------------------------------------------------------------

    def check(self, order: EngineOrder) -> None:
        """Raise EngineReject where ``add`` would; change nothing (Kraken's ``validate``)."""
        self._require_status(order)
        kind = order.order_type
        if order.quote_quantity is not None:
            self._check_cash(order)
        elif order.steps < self._min_steps:
            raise EngineReject(RejectCode.MINIMUM, str(order.quantity))
        if kind.has_limit_price and kind is not OrderType.TRAILING_STOP_LIMIT and order.price_ticks <= 0:
            raise EngineReject(RejectCode.PRICE, "a limit price is missing")
        if kind.has_trigger and order.trigger_ticks <= 0:
            raise EngineReject(RejectCode.PRICE, "a trigger price is missing")
        if kind.has_trail:
            self._check_trail(order)
        price_for_cost = order.price_ticks or order.trigger_ticks or self._touch_for(order)
        if order.steps and price_for_cost and price_for_cost * order.steps < self._min_cost_units:
            raise EngineReject(RejectCode.COST_MINIMUM)
        self._check_terms(order)
        if order.post_only and not order.is_waiting and self._crosses(order):
            raise EngineReject(RejectCode.POST_ONLY)
        if kind is OrderType.MARKET and not (self._asks if order.is_buy else self._bids).keys:
            raise EngineReject(RejectCode.NO_LIQUIDITY)

    def add(self, order: EngineOrder) -> EngineOrder:
        """Accept an order and let it act: match, rest, or wait for its trigger or start time.

        Raises:
            EngineReject: it breaks a rule; then nothing happened.
        """
        self.check(order)
        now = self._enter(order)
        for call in self._accepted:
            call(order)
        if order.start_ns is not None and order.start_ns > now:
            heapq.heappush(self._scheduled, (order.start_ns, order.order_id))
        else:
            self._activate(order)
        self._settle(now)
        return order

    def add_generated(self, order: EngineOrder) -> None:
        """The short way in for the order flow, whose orders need no checks."""
        now = self._enter(order)
        for call in self._accepted:
            call(order)
        self._execute(order, now)
        self._settle(now)

    def restore(self, order: EngineOrder) -> None:
        """Put back an order of an earlier run, keeping its id, figures and times.

        Restore in the order of ``priority``, into an empty book; nobody is told.
        """
        self._priority = max(self._priority + 1, order.priority)
        order.priority = self._priority
        self.orders[order.order_id] = order
        if order.expire_ns is not None:
            heapq.heappush(self._expiries, (order.expire_ns, order.order_id))
        if (
            order.start_ns is not None
            and order.status is OrderState.OPEN
            and order.start_ns > self._clock_ns()
        ):
            heapq.heappush(self._scheduled, (order.start_ns, order.order_id))
        elif order.is_waiting:
            self._waiting[order.order_id] = order
        else:
            self._execute(order, self._clock_ns())

    def amend(
        self,
        order: EngineOrder,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
        trigger_price: Decimal | None = None,
        display_quantity: Decimal | None = None,
        trail_offset: Decimal | None = None,
        limit_offset: Decimal | None = None,
        post_only: bool | None = None,
    ) -> None:
        """Change a live order in place. ``quantity`` is the new total.

        The place in the queue is kept only when the visible quantity shrinks or stays and the price is the
        same. A new total at or below what is filled ends the order.

        Raises:
            EngineReject: unknown or closed, nothing to change, or new terms that break a rule; the order
                then stays as it was.
        """
        if not order.is_live or order.order_id not in self.orders:
            raise EngineReject(RejectCode.UNKNOWN_ORDER, str(order.order_id))
        if self.status in (MarketStatus.CANCEL_ONLY, MarketStatus.CLOSED):
            raise EngineReject(RejectCode.MARKET_STATUS, self.status.value)
        terms = (
            quantity,
            limit_price,
            trigger_price,
            display_quantity,
            trail_offset,
            limit_offset,
            post_only,
        )
        if all(term is None for term in terms):
            raise EngineReject(RejectCode.NOTHING_TO_AMEND)
        now = self._clock_ns()
        steps = to_steps(self.grid, quantity) if quantity is not None else order.steps
        ticks = to_ticks(self.grid, limit_price) if limit_price is not None else order.price_ticks
        display = (
            to_steps(self.grid, display_quantity) if display_quantity is not None else order.display_steps
        )
        trigger = to_ticks(self.grid, trigger_price) if trigger_price is not None else order.trigger_ticks
        self._check_amend(order, steps, ticks, display, terms)
        if post_only is not None:
            order.post_only = post_only
        order.amended = True
        order.updated_ns = now
        if steps <= order.done_steps:
            order.steps = max(order.done_steps, steps)
            self._end(order, OrderState.CANCELED, CancelReason.USER, now)
        elif order.is_waiting or not self._rests(order):
            self._amend_waiting(order, steps, ticks, display, trigger, trail_offset, limit_offset)
        else:
            self._amend_resting(order, steps, ticks, display, now)
        self._settle(now)

    def cancel(self, order: EngineOrder, reason: str = CancelReason.USER) -> None:
        """Take a live order out.

        Raises:
            EngineReject: it is unknown or already closed.
        """
        if not order.is_live or order.order_id not in self.orders:
            raise EngineReject(RejectCode.UNKNOWN_ORDER, str(order.order_id))
        now = self._clock_ns()
        self._end(order, OrderState.CANCELED, reason, now)
        self._settle(now)

    def reduce_generated(self, order: EngineOrder, steps: int) -> None:
        """Shrink a resting generated order to a new total, keeping its place."""
        level = self._level_of(order)
        cut = order.shown_steps - (steps - order.done_steps)
        order.steps = steps
        order.shown_steps -= cut
        level.total -= cut
        for call in self._changed:
            call(order)
        self._tell_level(order.side, level)
        self._settle(self._clock_ns())

    def set_index(self, ticks: int) -> None:
        """The index price (the latent one); trigger orders that follow it may fire."""
        if ticks > 0 and ticks != self.index_ticks:
            self.index_ticks = ticks
            if self._waiting:
                now = self._clock_ns()
                self._fire(TriggerReference.INDEX, [ticks], now)
                self._settle(now)

    def advance(self, now_ns: int) -> None:
        """Let time-driven things happen: expiries and scheduled starts."""
        acted = False
        while self._expiries and self._expiries[0][0] <= now_ns:
            _, order_id = heapq.heappop(self._expiries)
            order = self.orders.get(order_id)
            if order is not None and order.is_live:
                self._end(order, OrderState.EXPIRED, "", now_ns)
                acted = True
        while self._scheduled and self._scheduled[0][0] <= now_ns:
            _, order_id = heapq.heappop(self._scheduled)
            order = self.orders.get(order_id)
            if order is not None and order.is_live:
                if self.authorise is not None and not order.is_waiting and not self.authorise(order):
                    self._end(order, OrderState.CANCELED, CancelReason.FUNDS, now_ns)
                else:
                    self._activate(order)
                acted = True
        if acted:
            self._settle(now_ns)

    # ---- checks ----------------------------------------------------------------------------------

    def _require_status(self, order: EngineOrder) -> None:
        status = self.status
        if status is MarketStatus.ONLINE:
            return
        if status is MarketStatus.POST_ONLY and order.post_only and order.order_type is OrderType.LIMIT:
            return
        if status is MarketStatus.LIMIT_ONLY and order.order_type in _LIMIT_LIKE:
            return
        raise EngineReject(RejectCode.MARKET_STATUS, status.value)

    def _check_cash(self, order: EngineOrder) -> None:
        cash = order.quote_quantity
        if cash is None or not cash.is_finite() or cash <= 0:
            raise EngineReject(RejectCode.QUANTITY, str(cash))
        if order.order_type is not OrderType.MARKET or not order.is_buy or order.steps:
            raise EngineReject(RejectCode.TERMS, "only a market buy can be sized in the quote asset")
        if cash < self.listing.min_notional:
            raise EngineReject(RejectCode.COST_MINIMUM, str(cash))
        order.cash_units = self.grid.affordable_steps(cash, 1)
        ask = self._asks.best()
        if ask is not None and order.cash_units < ask.ticks * self._min_steps:
            raise EngineReject(RejectCode.MINIMUM)

    def _check_trail(self, order: EngineOrder) -> None:
        offset = order.trail_offset
        if offset is None or not offset.is_finite() or offset <= 0:
            raise EngineReject(RejectCode.PRICE, "a trailing offset is missing")
        if order.trail_in_percent and offset >= 100:
            raise EngineReject(RejectCode.PRICE, f"{offset} % is no trailing offset")
        if not order.trail_in_percent:
            to_ticks(self.grid, offset)
        if order.order_type is OrderType.TRAILING_STOP_LIMIT and (
            order.limit_offset is None or not order.limit_offset.is_finite()
        ):
            raise EngineReject(RejectCode.PRICE, "the distance of the limit price is missing")

    def _check_terms(self, order: EngineOrder) -> None:
        kind, force = order.order_type, order.time_in_force
        if kind is OrderType.ICEBERG:
            if order.display_steps * MIN_DISPLAY_PART < order.steps or order.display_steps > order.steps:
                raise EngineReject(RejectCode.DISPLAY, str(order.display_quantity))
            if force in (TimeInForce.IOC, TimeInForce.FOK):
                raise EngineReject(RejectCode.TERMS, "an iceberg rests")
        elif order.display_steps:
            raise EngineReject(RejectCode.TERMS, "only an iceberg has a visible part")
        if force is TimeInForce.DAY:
            raise EngineReject(RejectCode.TERMS, "no day orders here")
        if force in (TimeInForce.IOC, TimeInForce.FOK) and not kind.has_limit_price:
            raise EngineReject(RejectCode.TERMS, f"{force.value} goes with a limit price")
        if order.post_only and (kind not in _LIMIT_LIKE or force in (TimeInForce.IOC, TimeInForce.FOK)):
            raise EngineReject(RejectCode.TERMS, "post only is for limit orders that rest")
        if force is TimeInForce.GTD and order.expire_ns is None:
            raise EngineReject(RejectCode.EXPIRY, "GTD needs an expiry")
        if order.expire_ns is not None and order.expire_ns <= self._clock_ns():
            raise EngineReject(RejectCode.EXPIRY, "already past")

    def _check_amend(
        self, order: EngineOrder, steps: int, ticks: int, display: int, terms: tuple[object, ...]
    ) -> None:
        quantity, limit_price, trigger_price, display_quantity, trail_offset, limit_offset, post_only = terms
        kind = order.order_type
        if limit_price is not None and not (
            kind.has_limit_price and not (kind is OrderType.TRAILING_STOP_LIMIT and order.is_waiting)
        ):
            raise EngineReject(RejectCode.NOT_AMENDABLE, "limit price")
        if trigger_price is not None and not (kind.has_trigger and order.is_waiting):
            raise EngineReject(RejectCode.NOT_AMENDABLE, "trigger price")
        if (trail_offset is not None or limit_offset is not None) and not (
            kind.has_trail and order.is_waiting
        ):
            raise EngineReject(RejectCode.NOT_AMENDABLE, "trailing offset")
        if isinstance(trail_offset, Decimal):
            if not trail_offset.is_finite() or (order.trail_in_percent and not 0 < trail_offset < 100):
                raise EngineReject(RejectCode.PRICE, str(trail_offset))
            if not order.trail_in_percent:
                to_ticks(self.grid, trail_offset)
        if display_quantity is not None and kind is not OrderType.ICEBERG:
            raise EngineReject(RejectCode.NOT_AMENDABLE, "visible quantity")
        if post_only and kind not in _LIMIT_LIKE:
            raise EngineReject(RejectCode.NOT_AMENDABLE, "post only")
        if steps <= order.done_steps:
            return
        if quantity is not None and steps < self._min_steps:
            raise EngineReject(RejectCode.MINIMUM, str(quantity))
        if ticks and ticks * steps < self._min_cost_units:
            raise EngineReject(RejectCode.COST_MINIMUM)
        if kind is OrderType.ICEBERG and (
            display * MIN_DISPLAY_PART < steps or (display_quantity is not None and display > steps)
        ):
            raise EngineReject(RejectCode.DISPLAY, str(display_quantity))
        stays_post_only = order.post_only if post_only is None else post_only
        if stays_post_only and limit_price is not None and self._crosses_at(order.is_buy, ticks):
            raise EngineReject(RejectCode.POST_ONLY)

    # ---- inside ----------------------------------------------------------------------------------

    def _side(self, side: Side) -> BookSide:
        return self._bids if side is Side.BUY else self._asks

    def _as_level(self, level: Level | None) -> BookLevel | None:
        return BookLevel(self.grid.price(level.ticks), self.grid.quantity(level.total)) if level else None

    def _levels_of(self, side: BookSide, depth: int) -> list[BookLevel]:
        grid, levels = self.grid, side.levels
        found = []
        for key in side.keys[:depth]:
            level = levels[key]
            found.append(BookLevel(grid.price(level.ticks), grid.quantity(level.total)))
        return found

    def _touch_for(self, order: EngineOrder) -> int:
        best = (self._asks if order.is_buy else self._bids).best()
        return best.ticks if best else self.last_ticks

    def _crosses(self, order: EngineOrder) -> bool:
        return self._crosses_at(order.is_buy, order.price_ticks)

    def _crosses_at(self, is_buy: bool, ticks: int) -> bool:
        if is_buy:
            return bool(self._asks.keys) and ticks >= self._asks.keys[0]
        return bool(self._bids.keys) and ticks <= -self._bids.keys[0]

    def _bound_of(self, order: EngineOrder) -> int | None:
        """The worst key of the opposite side that the order accepts; None = any."""
        if order.order_type.has_limit_price:
            return order.price_ticks if order.is_buy else -order.price_ticks
        return None

    def _rests(self, order: EngineOrder) -> bool:
        key = -order.price_ticks if order.is_buy else order.price_ticks
        level = self._side(order.side).levels.get(key)
        return level is not None and order.order_id in level.orders

    def _level_of(self, order: EngineOrder) -> Level:
        if order.is_buy:
            return self._bids.levels[-order.price_ticks]
        return self._asks.levels[order.price_ticks]

    def _enter(self, order: EngineOrder) -> int:
        now = self._clock_ns()
        if not order.order_id:
            order.order_id = next(self._ids)
        self._priority += 1
        order.priority = self._priority
        order.created_ns = order.updated_ns = now
        order.status = OrderState.OPEN
        self.orders[order.order_id] = order
        if order.expire_ns is not None:
            heapq.heappush(self._expiries, (order.expire_ns, order.order_id))
        return now

    def _activate(self, order: EngineOrder) -> None:
        now = self._clock_ns()
        if not order.is_waiting:
            self._execute(order, now)
            return
        self._waiting[order.order_id] = order
        reference = self._reference_ticks(order.trigger_reference)
        if order.order_type.has_trail:
            if not reference:
                return
            order.peak_ticks = reference
            self._retrail(order)
        elif reference and _fires(order, reference):
            self._trigger(order, now)

    def _reference_ticks(self, reference: TriggerReference) -> int:
        if reference is TriggerReference.INDEX:
            return self.index_ticks or self.last_ticks
        return self.last_ticks or self.index_ticks

    def _retrail(self, order: EngineOrder) -> None:
        offset = order.trail_offset or Decimal(0)
        if order.trail_in_percent:
            distance = int((order.peak_ticks * offset / 100).to_integral_value(rounding=ROUND_HALF_EVEN))
        else:
            distance = self.grid.ticks(offset)
        order.trigger_ticks = max(1, order.peak_ticks + (distance if order.is_buy else -distance))

    def _fire(self, reference: TriggerReference, prices: list[int], now: int) -> None:
        """Show new reference prices to the waiting orders, oldest order first."""
        for order in list(self._waiting.values()):
            if order.trigger_reference is not reference or order.order_id not in self._waiting:
                continue
            for ticks in prices:
                if order.order_type.has_trail:
                    better = ticks < order.peak_ticks if order.is_buy else ticks > order.peak_ticks
                    if better or not order.peak_ticks:
                        order.peak_ticks = ticks
                        self._retrail(order)
                        continue
                if _fires(order, ticks):
                    self._trigger(order, now)
                    break

    def _trigger(self, order: EngineOrder, now: int) -> None:
        del self._waiting[order.order_id]
        order.triggered = True
        order.updated_ns = now
        self._priority += 1
        order.priority = self._priority
        if order.order_type is OrderType.TRAILING_STOP_LIMIT:
            offset = order.limit_offset or Decimal(0)
            if order.limit_offset_in_percent:
                offset = self.grid.price(order.trigger_ticks) * offset / 100
            shift = (offset / self.listing.tick_size).to_integral_value(rounding=ROUND_HALF_EVEN)
            order.price_ticks = max(1, order.trigger_ticks + int(shift))
        for call in self._triggered:
            call(order)
        if self.authorise is not None and not self.authorise(order):
            self._end(order, OrderState.CANCELED, CancelReason.FUNDS, now)
            return
        self._execute(order, now)

    def _execute(self, order: EngineOrder, now: int) -> None:
        """Match what crosses, then let the rest of the order rest or end."""
        if order.order_type.has_limit_price:
            crosses = self._crosses(order)
            if crosses and order.post_only:
                self._end(order, OrderState.CANCELED, CancelReason.POST_ONLY, now)
                return
            if order.time_in_force is TimeInForce.FOK:
                takeable = self.take_estimate(order)[0] if crosses else 0
                if takeable < order.steps - order.done_steps:
                    self._end(order, OrderState.CANCELED, CancelReason.FOK, now)
                    return
            if crosses:
                self._match(order, now)
        else:
            self._match(order, now)
        if order.status not in _WORKING:
            return
        if order.cash_units:
            order.steps = order.done_steps
            if order.steps:
                self._complete(order, now)
            else:
                self._end(order, OrderState.CANCELED, CancelReason.NO_LIQUIDITY, now)
        elif not order.order_type.has_limit_price:
            self._end(order, OrderState.CANCELED, CancelReason.NO_LIQUIDITY, now)
        elif order.time_in_force is TimeInForce.IOC:
            self._end(order, OrderState.CANCELED, CancelReason.IOC, now)
        else:
            self._rest(order)

    def _match(self, taker: EngineOrder, now: int) -> None:
        opposite = self._asks if taker.is_buy else self._bids
        bound = self._bound_of(taker)
        keys = opposite.keys
        while keys and taker.status in _WORKING:
            key = keys[0]
            if bound is not None and key > bound:
                return
            level = opposite.levels[key]
            goes_on = self._match_level(taker, level, now)
            maker_side = taker.side.opposite
            if not level.orders:
                opposite.drop(key)
            self._tell_level(maker_side, level)
            if not goes_on:
                return

    def _match_level(self, taker: EngineOrder, level: Level, now: int) -> bool:
        """Trade with one price's queue; False when the taker is to stop."""
        ticks = level.ticks
        while level.orders:
            maker = next(iter(level.orders.values()))
            if taker.account == maker.account and taker.account != BOT_ACCOUNT:
                if taker.self_trade is not SelfTrade.CANCEL_NEWEST:
                    self._end(maker, OrderState.CANCELED, CancelReason.SELF_TRADE, now, tell_level=False)
                if taker.self_trade is not SelfTrade.CANCEL_OLDEST:
                    self._end(taker, OrderState.CANCELED, CancelReason.SELF_TRADE, now)
                    return False
                continue
            if taker.cash_units:
                wanted = (taker.cash_units - taker.cost_units) // ticks
                if wanted <= 0:
                    return False
            else:
                wanted = taker.steps - taker.done_steps
            self._trade(taker, maker, level, min(wanted, maker.shown_steps), now)
            if not taker.cash_units and taker.done_steps >= taker.steps:
                self._complete(taker, now)
                return False
        return True

    def _trade(self, taker: EngineOrder, maker: EngineOrder, level: Level, steps: int, now: int) -> None:
        ticks = level.ticks
        cost = ticks * steps
        level.total -= steps
        maker.shown_steps -= steps
        maker.done_steps += steps
        maker.cost_units += cost
        taker.done_steps += steps
        taker.cost_units += cost
        maker.status = taker.status = OrderState.PARTLY_FILLED
        maker.updated_ns = taker.updated_ns = now
        trade = EngineTrade(
            self.next_trade_id,
            taker.symbol,
            self.grid.price(ticks),
            self.grid.quantity(steps),
            taker.side,
            taker.order_type,
            maker,
            taker,
            now,
            ticks,
            steps,
        )
        self.next_trade_id += 1
        self.last_ticks = ticks
        self.last_trade_ns = now
        if self._waiting:
            self._printed.append(ticks)
        for call in self._traded:
            call(trade)
        if maker.shown_steps:
            for changed in self._changed:
                changed(maker)
        elif maker.done_steps >= maker.steps:
            del level.orders[maker.order_id]
            self._complete(maker, now, was_resting=True)
        else:
            self._refill(maker, level)

    def _refill(self, maker: EngineOrder, level: Level) -> None:
        """Show the next part of an iceberg, behind everyone at its price."""
        del level.orders[maker.order_id]
        for call in self._left:
            call(maker)
        maker.shown_steps = min(maker.display_steps, maker.steps - maker.done_steps)
        self._priority += 1
        maker.priority = self._priority
        level.orders[maker.order_id] = maker
        level.total += maker.shown_steps
        for call in self._refilled:
            call(maker)
        for call in self._rested:
            call(maker)

    def _rest(self, order: EngineOrder) -> None:
        side = self._bids if order.is_buy else self._asks
        key = side.sign * order.price_ticks
        level = side.levels.get(key)
        if level is None:
            level = side.levels[key] = Level(order.price_ticks)
            insort(side.keys, key)
        remaining = order.steps - order.done_steps
        order.shown_steps = min(order.display_steps, remaining) if order.display_steps else remaining
        level.orders[order.order_id] = order
        level.total += order.shown_steps
        for call in self._rested:
            call(order)
        self._tell_level(order.side, level)

    def _leave_book(self, order: EngineOrder, *, tell_level: bool = True) -> None:
        """Take it out of its price's queue, if it is in one."""
        side = self._bids if order.is_buy else self._asks
        key = side.sign * order.price_ticks
        level = side.levels.get(key)
        if level is None or level.orders.pop(order.order_id, None) is None:
            return
        level.total -= order.shown_steps
        order.shown_steps = 0
        for call in self._left:
            call(order)
        if tell_level:
            if not level.orders:
                side.drop(key)
            self._tell_level(order.side, level)

    def _complete(self, order: EngineOrder, now: int, *, was_resting: bool = False) -> None:
        order.status = OrderState.FILLED
        order.closed_ns = now
        self.orders.pop(order.order_id, None)
        if was_resting:
            for call in self._left:
                call(order)
        for call in self._filled:
            call(order)

    def _end(
        self, order: EngineOrder, status: OrderState, reason: str, now: int, *, tell_level: bool = True
    ) -> None:
        self._leave_book(order, tell_level=tell_level)
        self._waiting.pop(order.order_id, None)
        self.orders.pop(order.order_id, None)
        order.status = status
        order.reason = reason
        order.closed_ns = order.updated_ns = now
        if status is OrderState.EXPIRED:
            for call in self._expired:
                call(order)
        else:
            for canceled in self._canceled:
                canceled(order, reason)

    def _amend_waiting(
        self,
        order: EngineOrder,
        steps: int,
        ticks: int,
        display: int,
        trigger: int,
        trail_offset: Decimal | None,
        limit_offset: Decimal | None,
    ) -> None:
        order.steps, order.price_ticks, order.display_steps = steps, ticks, display
        if trail_offset is not None:
            order.trail_offset = trail_offset
            if order.peak_ticks:
                self._retrail(order)
        elif not order.order_type.has_trail:
            order.trigger_ticks = trigger
        if limit_offset is not None:
            order.limit_offset = limit_offset
        for call in self._amended:
            call(order)
        reference = self._reference_ticks(order.trigger_reference)
        if order.order_id in self._waiting and reference and _fires(order, reference):
            self._trigger(order, self._clock_ns())

    def _amend_resting(self, order: EngineOrder, steps: int, ticks: int, display: int, now: int) -> None:
        remaining = steps - order.done_steps
        # An iceberg that is only cut keeps what it shows now, down to what is left of it.
        if not display:
            shown = remaining
        elif display == order.display_steps:
            shown = min(order.shown_steps, remaining)
        else:
            shown = min(display, remaining)
        if ticks == order.price_ticks and steps <= order.steps and shown <= order.shown_steps:
            level = self._level_of(order)
            cut = order.shown_steps - shown
            order.steps, order.display_steps, order.shown_steps = steps, display, shown
            level.total -= cut
            for call in self._amended:
                call(order)
            if cut:
                for call in self._changed:
                    call(order)
                self._tell_level(order.side, level)
            return
        self._leave_book(order)
        order.steps, order.price_ticks, order.display_steps = steps, ticks, display
        self._priority += 1
        order.priority = self._priority
        for call in self._amended:
            call(order)
        self._execute(order, now)

    def _tell_level(self, side: Side, level: Level) -> None:
        if self._level:
            price, total = self.grid.price(level.ticks), self.grid.quantity(level.total)
            for call in self._level:
                call(side, price, total)

    def _settle(self, now: int) -> None:
        # Fired orders print in their turn and may fire others.
        while self._printed:
            prices, self._printed = self._printed, []
            self._fire(TriggerReference.LAST, prices, now)
        for call in self._settled:
            call(now)


def _fires(order: EngineOrder, reference: int) -> bool:
    if not order.trigger_ticks:
        return False
    if order.is_buy == (order.order_type in _STOPS):
        return reference >= order.trigger_ticks
    return reference <= order.trigger_ticks


def _ceil_units(listing: Listing) -> int:
    units = listing.min_notional / listing.tick_size / listing.quantity_step
    whole = int(units)
    return whole if whole == units else whole + 1
