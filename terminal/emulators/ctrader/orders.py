"""When an order of the practice broker acts and at which prices: triggers, bounds and the depth it takes.

Trigger methods (Open API 2.0, section 9): TRADE looks at the price that the order would trade at (a buy at
the ask, a sell at the bid), OPPOSITE at the other side, DOUBLE_* wants two such ticks in a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from terminal.domain.market import Side
from terminal.emulators.ctrader.records import Order, Position
from terminal.emulators.ctrader.symbols import SymbolSpec
from terminal.venues.ctrader import openapi_pb2 as pb

_OPPOSITE: Final = frozenset((pb.OPPOSITE, pb.DOUBLE_OPPOSITE))
_DOUBLE: Final = frozenset((pb.DOUBLE_TRADE, pb.DOUBLE_OPPOSITE))

Depth = Sequence[tuple[Decimal, int]]
"""Prices and cents that a taker meets, best first."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One execution to come."""

    price: Decimal
    volume: int
    """Cents."""


def point(spec: SymbolSpec) -> Decimal:
    """The smallest step of a price."""
    return Decimal(1).scaleb(-spec.digits)


def watched_price(side: Side, method: int, bid: Decimal, ask: Decimal) -> Decimal:
    """The price that a stop order of that side looks at."""
    looks_at_ask = (side is Side.BUY) != (method in _OPPOSITE)
    return ask if looks_at_ask else bid


def ticks_needed(method: int) -> int:
    """Consecutive ticks at the price before it acts."""
    return 2 if method in _DOUBLE else 1


def is_reached(side: Side, stop: Decimal, price: Decimal) -> bool:
    """Whether a stop of that side is at or past its price: a buy from below, a sell from above."""
    return price >= stop if side is Side.BUY else price <= stop


def is_within(side: Side, limit: Decimal, price: Decimal) -> bool:
    """Whether a trade of that side at ``price`` keeps to a limit."""
    return price <= limit if side is Side.BUY else price >= limit


def bound_of(order: Order, spec: SymbolSpec) -> Decimal | None:
    """The worst price that an order accepts; None for any."""
    if order.order_type == pb.LIMIT:
        return order.limit
    slippage = (order.slippage or 0) * point(spec) * order.side.sign
    if order.order_type == pb.MARKET_RANGE and order.base_slippage is not None:
        return order.base_slippage + slippage
    if order.order_type == pb.STOP_LIMIT and order.stop is not None:
        return order.stop + slippage
    return None


def wants_to_act(order: Order, spec: SymbolSpec, bid: Decimal, ask: Decimal) -> bool:
    """Whether a waiting order acts at this tick; counts its ticks at the trigger."""
    taking = ask if order.side is Side.BUY else bid
    if order.order_type == pb.LIMIT or order.is_triggered:
        bound = bound_of(order, spec)
        return bound is not None and is_within(order.side, bound, taking)
    if order.stop is None:
        return False
    seen = watched_price(order.side, order.trigger_method, bid, ask)
    order.hits = order.hits + 1 if is_reached(order.side, order.stop, seen) else 0
    if order.hits < ticks_needed(order.trigger_method):
        return False
    if order.order_type == pb.STOP_LIMIT:
        order.is_triggered = True
    return True


def plan(depth: Depth, volume: int, side: Side, bound: Decimal | None) -> list[Slice]:
    """What the depth gives an order now, best price first; less than its volume where the book ends."""
    found: list[Slice] = []
    for price, size in depth:
        if volume <= 0 or (bound is not None and not is_within(side, bound, price)):
            break
        part = min(volume, size)
        if part > 0:
            found.append(Slice(price, part))
            volume -= part
    return found


def whole_price(
    depth: Depth, volume: int, spec: SymbolSpec, *, at_least: tuple[Side, Decimal] | None = None
) -> Decimal:
    """One price for a whole volume, as closings by the server have it; what the book lacks is taken at its
    last price.

    Args:
        at_least: side of the closing order and the worst price it may get, for a take profit.
    """
    left, value = volume, Decimal(0)
    last = depth[-1][0]
    for price, size in depth:
        part = min(left, size)
        value += _held(price, at_least) * part
        left -= part
        if not left:
            break
    value += _held(last, at_least) * left
    return (value / volume).quantize(point(spec), ROUND_HALF_UP)


def _held(price: Decimal, at_least: tuple[Side, Decimal] | None) -> Decimal:
    if at_least is None or is_within(*at_least, price):
        return price
    return at_least[1]


# ---- a position's stop and target ----------------------------------------------------------------


def stop_loss_hit(position: Position, bid: Decimal, ask: Decimal) -> bool:
    """Whether the stop loss acts at this tick; counts its ticks there."""
    if position.stop_loss is None:
        return False
    side = position.side.opposite
    seen = watched_price(side, position.trigger_method, bid, ask)
    position.hits = position.hits + 1 if is_reached(side, position.stop_loss, seen) else 0
    return position.hits >= ticks_needed(position.trigger_method)


def take_profit_hit(position: Position, bid: Decimal, ask: Decimal) -> bool:
    """Whether the target is reached."""
    if position.take_profit is None:
        return False
    side = position.side.opposite
    return is_within(side, position.take_profit, bid if side is Side.SELL else ask)


def trailed_stop(position: Position, bid: Decimal, ask: Decimal) -> Decimal | None:
    """Where a trailing stop moves to; None where it stays."""
    if not position.trailing or position.stop_loss is None or position.trail_distance is None:
        return None
    if position.side is Side.BUY:
        wanted = bid - position.trail_distance
        return wanted if wanted > position.stop_loss else None
    wanted = ask + position.trail_distance
    return wanted if wanted < position.stop_loss else None
