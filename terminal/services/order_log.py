"""Log lines about orders, in a trader's words.

The line says which order by side, size, market and price, of a contract by its direction; the ids go along
beside it, for the log file, the console and the log panel's tooltip.
"""

from __future__ import annotations

import logging
from decimal import Decimal

from terminal.domain.contract_rules import duration_text
from terminal.domain.contracts import SOLD_BACK
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import Order, OrderState, OrderType, Origin
from terminal.domain.rules import plain

log = logging.getLogger("orders")

_WORDS = {"report": "the venue reports it", "cancel": "cancel sent", "cancel taken": "cancel accepted"}


def _size(quantity: Decimal, instrument: Instrument | None) -> str:
    """``0.05 lots`` where the venue speaks of lots, ``1000 USD`` of an inverse contract, else a number."""
    if instrument is not None and instrument.lot_size:
        return f"{plain(quantity / instrument.lot_size)} lots"
    if instrument is not None and instrument.is_inverse:
        return f"{plain(quantity)} {instrument.base}"
    return plain(quantity)


def _contract_text(order: Order, instrument: Instrument | None) -> str:
    request = order.request
    offer = instrument.offer if instrument is not None else None
    stake = f"{plain(order.quantity)} {offer.currency}" if offer is not None else plain(order.quantity)
    side = request.side.opposite if request.reduce_only else request.side
    word = "Up" if side is Side.BUY else "Down"
    what = f"{stake} on {order.instrument.symbol}"
    if request.reduce_only:
        is_given_back = order.origin is not Origin.EXTERNAL or order.reason == SOLD_BACK
        return f"{'Give back' if is_given_back else 'End of'} {word} {what}"
    words = [f"{word} {what}"]
    if request.contract is not None:
        words.append(f"for {duration_text(request.contract.duration_s)}")
    if order.trigger_price is not None:
        words.append(f"from {plain(order.trigger_price)}")
    return " ".join(words)


def order_text(order: Order, instrument: Instrument | None = None) -> str:
    """``Buy 0.001 BTC/USD limit at 64120.1``; in quote money, ``Buy BTC/USD for 500 market``; of an
    instrument that is traded in lots, ``Buy 0.05 lots EUR/USD market``; of a contract ``Down 5 EUR on
    EUR/USD OTC for 1 minute``, ``Give back Down 5 EUR on EUR/USD OTC``, ``End of Down 5 EUR on …``."""
    if order.order_type is OrderType.CONTRACT:
        return _contract_text(order, instrument)
    in_lots = None if order.request.in_quote else instrument
    size, symbol = _size(order.quantity, in_lots), order.instrument.symbol
    what = f"{symbol} for {size}" if order.request.in_quote else f"{size} {symbol}"
    words = [order.side.value.capitalize(), what, order.order_type.value]
    if order.trigger_price is not None:
        words.append(f"trigger {plain(order.trigger_price)}")
    if order.limit_price is not None:
        words.append(f"at {plain(order.limit_price)}")
    return " ".join(words)


def happened(order: Order, kind: str, detail: str, instrument: Instrument | None = None) -> str:
    """What became of it: ``accepted, open``, or ``fill: 0.0004 of 0.001 at 64120.1, partly filled``; of a
    contract ``taken at 1.08342``, ``ended at 1.08361: won``."""
    at = f" at {plain(order.average_price)}" if order.average_price is not None else ""
    state = order.state.value
    if order.order_type is OrderType.CONTRACT and order.state is OrderState.FILLED:
        state = "ended" if order.request.reduce_only else "taken"
        if kind == "fill":
            return f"{state}{at}" + (
                f": {order.reason}" if order.request.reduce_only and order.reason else ""
            )
    if kind == "fill":
        done = plain(order.filled_quantity / ((instrument.lot_size if instrument is not None else None) or 1))
        detail = f"{done} of {_size(order.quantity, instrument)}{at}"
        return f"fill: {detail}, {state}"
    if kind == "not sent":
        return detail[:1].lower() + detail[1:]  # it begins with these words
    if kind == "accepted":
        detail = ""  # the venue's id
    state = "" if kind == "refused" else state
    head = ", ".join(word for word in (_WORDS.get(kind, kind), state) if word)
    return f"{head}: {detail}" if detail else head


def tell(level: int, order: Order, text: str, instrument: Instrument | None = None) -> None:
    """Log a line about an order; ``text`` goes on from the order's own words."""
    ids = order.client_order_id
    if order.venue_order_id:
        ids += f" (venue: {order.venue_order_id})"
    log.log(level, "%s: %s", order_text(order, instrument), text, extra={"order_ids": ids}, stacklevel=2)
