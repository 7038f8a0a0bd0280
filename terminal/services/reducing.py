"""Whether an order makes what is at risk smaller, and whether new terms make it larger. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from terminal.domain.account import Balance, Position
from terminal.domain.instrument import Instrument, InstrumentKind
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderRequest, OrderType, Protection

MONEY: Final = frozenset({"USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "USDT", "USDC", "DAI"})
"""What a sale brings where it ends a risk: sold for another coin, one risk only becomes another."""
_STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def reduces(
    request: OrderRequest,
    instrument: Instrument,
    position: Position | None,
    balances: Mapping[str, Balance],
) -> bool:
    """Whether a request can only close or reduce: all or a part of a position that it names (a contract that
    is given back is one), what the venue itself holds to reducing, or the sale of spot that is there.

    ``position`` is the one that the request names; ``balances`` those of its account, free of what an order
    that is to be amended holds back.
    """
    if request.position_id is not None:
        return (
            position is not None
            and request.reduce_only
            and request.side is position.side.opposite
            and not request.in_quote
            and request.quantity <= position.quantity
        )
    if instrument.kind is InstrumentKind.SPOT:
        held = balances.get(instrument.base)
        return (
            request.side is Side.SELL
            and not request.in_quote
            and instrument.quote in MONEY
            and held is not None
            and request.quantity <= held.free
        )
    return request.reduce_only and instrument.kind is not InstrumentKind.CONTRACT


def grows(order: Order, asked: OrderRequest) -> bool:
    """Whether the terms that are asked for can lose more than those of the order: more of it, a price that is
    reached sooner or costs more, or a stop that is farther away or gone."""
    if asked.quantity > order.remaining:
        return True
    sign = order.side.sign
    if _is_beyond(asked.limit_price, order.limit_price, sign):
        return True
    # A stop fires sooner the nearer it comes: lower for a buy. A target is bought from above.
    if _is_beyond(asked.trigger_price, order.trigger_price, -sign if order.order_type in _STOPS else sign):
        return True
    return loosens_stop(order.side, order.protection or Protection(), asked.protection or Protection())


def loosens_stop(side: Side, before: Protection, after: Protection) -> bool:
    """Whether a position of this side can lose more with the other stop: it is farther away, or gone."""
    if before.guaranteed and not after.guaranteed:
        return True
    if before.stop_loss is not None:
        return after.stop_loss is None or (after.stop_loss - before.stop_loss) * side.sign < 0
    if before.stop_distance is not None:
        return after.stop_distance is None or after.stop_distance > before.stop_distance
    return False


def _is_beyond(asked: Decimal | None, now: Decimal | None, sign: int) -> bool:
    return asked is not None and now is not None and (asked - now) * sign > 0
