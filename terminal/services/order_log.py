"""Log lines about orders, in a trader's words.

The line says which order by side, size, market and price; the ids go along beside it, for the log file, the
console and the log panel's tooltip.
"""

from __future__ import annotations

import logging

from terminal.domain.orders import Order
from terminal.domain.rules import plain

log = logging.getLogger("orders")

_WORDS = {"report": "the venue reports it", "cancel": "cancel sent", "cancel taken": "cancel accepted"}


def order_text(order: Order) -> str:
    """``Buy 0.001 BTC/USD limit at 64120.1``; in quote money, ``Buy BTC/USD for 500 market``."""
    size, symbol = plain(order.quantity), order.instrument.symbol
    what = f"{symbol} for {size}" if order.request.in_quote else f"{size} {symbol}"
    words = [order.side.value.capitalize(), what, order.order_type.value]
    if order.trigger_price is not None:
        words.append(f"trigger {plain(order.trigger_price)}")
    if order.limit_price is not None:
        words.append(f"at {plain(order.limit_price)}")
    return " ".join(words)


def happened(order: Order, kind: str, detail: str) -> str:
    """What became of it: ``accepted, open``, or ``fill: 0.0004 of 0.001 at 64120.1, partly filled``."""
    if kind == "fill":
        at = f" at {plain(order.average_price)}" if order.average_price is not None else ""
        detail = f"{plain(order.filled_quantity)} of {plain(order.quantity)}{at}"
        return f"fill: {detail}, {order.state.value}"
    if kind == "not sent":
        return detail[:1].lower() + detail[1:]  # it begins with these words
    if kind == "accepted":
        detail = ""  # the venue's id
    state = "" if kind == "refused" else order.state.value
    head = ", ".join(word for word in (_WORDS.get(kind, kind), state) if word)
    return f"{head}: {detail}" if detail else head


def tell(level: int, order: Order, text: str) -> None:
    """Log a line about an order; ``text`` goes on from the order's own words."""
    ids = order.client_order_id
    if order.venue_order_id:
        ids += f" (venue: {order.venue_order_id})"
    log.log(level, "%s: %s", order_text(order), text, extra={"order_ids": ids}, stacklevel=2)
