"""What a chart shows of one's own trading: order lines, fills, a dragged line, the menu at a price. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Fill, Order, OrderType
from terminal.domain.worth import worth
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import moved_text, size_text
from terminal.viewmodels.book_rows import Chip, chips_of, price_of
from terminal.viewmodels.contract_words import fill_side, profit_text
from terminal.viewmodels.size_entry import short_quantity


class OrderLine(NamedTuple):
    """Own orders of one side at one price: one line, one chip."""

    chip: Chip
    price: Decimal
    old_price: Decimal | None = None
    """Where it still stands while the answer to a change is outstanding."""
    limit: Decimal | None = None
    """The limit behind an untriggered stop limit."""


class FillMark(NamedTuple):
    """An own execution on its bar."""

    bar: int
    price: float
    side: Side
    text: str


@dataclass(frozen=True, slots=True)
class Ghost:
    """An order line on its way to another price, not sent yet."""

    line: OrderLine
    price: Decimal
    text: str
    """New price, ticks moved, per cent moved."""
    detail: str
    """Distance from the opposite quote, estimated worth, what becomes of its place in the queue."""
    would_fill: bool
    """A limit that has been moved across the market."""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One order that the menu at a price proposes; choosing it fills the ticket and sends nothing."""

    text: str
    side: Side
    order_type: OrderType
    price: Decimal


def lines_of(orders: Iterable[Order], instrument: Instrument) -> tuple[OrderLine, ...]:
    """The lines of working orders, highest price first; orders at one price share a line."""
    tick_size = instrument.tick_size
    words = partial(size_text, instrument=instrument) if _has_words(instrument) else short_quantity
    at_target: list[Order] = []
    by_id: dict[str, Order] = {}
    for order in orders:
        by_id[order.client_order_id] = order
        at_target.append(_as_asked_for(order))
    lines = []
    for (_, key), chip in chips_of(at_target, tick_size, words).items():
        one = by_id[chip.order_ids[0]]
        price, old = key * tick_size, price_of(one)
        single = len(chip.order_ids) == 1
        lines.append(
            OrderLine(
                chip,
                price,
                old_price=old if single and old is not None and old != price else None,
                limit=one.limit_price if single and _waits_for_trigger(one) else None,
            )
        )
    return tuple(sorted(lines, key=lambda line: (-line.price, line.chip.side.value)))


def _has_words(instrument: Instrument) -> bool:
    """Whether its sizes are lots or stakes rather than a bare number."""
    return bool(instrument.lot_size) or instrument.offer is not None


def _as_asked_for(order: Order) -> Order:
    """The order with the terms of an amend that has no answer yet."""
    change = order.amend_pending
    if change is None:
        return order
    return replace(
        order,
        quantity=change.quantity or order.quantity,
        limit_price=change.limit_price or order.limit_price,
        trigger_price=change.trigger_price or order.trigger_price,
    )


def _waits_for_trigger(order: Order) -> bool:
    return order.trigger_price is not None and not order.triggered and order.limit_price is not None


class FillFinder:
    """Picks an account's fills of one instrument.

    A fill does not say whose account it belongs to; its order does. One whose order is not known any more is
    left out: a practice fill must never stand on the chart of a real account.
    """

    def __init__(self, orders: Mapping[str, Order]) -> None:
        self._orders = orders
        self._by_venue_id: dict[str, str] = {}

    def find(self, fills: Iterable[Fill], instrument: InstrumentId, account: str) -> list[Fill]:
        """Oldest first."""
        self._by_venue_id = {
            order.venue_order_id: order.account
            for order in self._orders.values()
            if order.venue_order_id is not None and order.instrument == instrument
        }
        return sorted(
            (fill for fill in fills if fill.instrument == instrument and self._account_of(fill) == account),
            key=lambda fill: fill.ts_event_ns,
        )

    def _account_of(self, fill: Fill) -> str | None:
        order = self._orders.get(fill.client_order_id) if fill.client_order_id is not None else None
        return order.account if order is not None else self._by_venue_id.get(fill.venue_order_id)


def mark_of(fill: Fill, bar: int, instrument: Instrument) -> FillMark:
    """A fill as its mark on a bar: ``Bought 0.05 at 64 120.1, 09:30:05``; of a contract ``Up 10.00 USD at
    1.08412, 09:30:05`` and ``Up ended at 1.08431, 09:31:05: +8.70 USD``."""
    when = f"at {fmt.price(fill.price, instrument.price_decimals)}, {fmt.time_of_day(fill.ts_event_ns)}"
    if instrument.offer is None:
        word = "Bought" if fill.side is Side.BUY else "Sold"
        text = f"{word} {size_text(fill.quantity, instrument)} {when}"
    elif fill.realised is None:
        text = f"{fill_side(fill)} {size_text(fill.quantity, instrument)} {when}"
    else:
        text = f"{fill_side(fill)} ended {when}: {profit_text(fill.realised, instrument.offer.currency)}"
    return FillMark(bar, float(fill.price), fill.side, text)


def ghost_of(
    line: OrderLine,
    price: Decimal,
    orders: Sequence[Order],
    instrument: Instrument,
    best: tuple[Decimal | None, Decimal | None],
) -> Ghost:
    """A line at another price, told in pips or ticks, per cent and money. ``best`` are bid and ask."""
    chip, digits = line.chip, instrument.price_decimals
    moved = price - line.price
    text = f"{fmt.price(price, digits)}   {moved_text(moved, instrument)}"
    if line.price:
        text += f"   {fmt.percent(moved / line.price * 100)}"
    against = best[1] if chip.side is Side.BUY else best[0]
    limits = any(order.limit_price is not None and not _waits_for_trigger(order) for order in orders)
    fills = limits and against is not None and (price - against) * chip.side.sign >= 0
    parts = []
    if against:
        word = "ask" if chip.side is Side.BUY else "bid"
        parts.append(f"{fmt.percent((price - against) / against * 100)} from {word}")
    parts.append(fmt.money(worth(instrument, chip.quantity, price), instrument.quote))
    parts.append("would fill at once" if fills else "keeps place" if not moved else "loses place")
    return Ghost(line, price, text, "   ".join(parts), fills)


def menu_entries(
    price: Decimal,
    instrument: Instrument,
    best: tuple[Decimal | None, Decimal | None],
    order_types: frozenset[OrderType],
    sizes: Mapping[Side, Decimal | None],
) -> list[MenuEntry]:
    """What can be placed at a price, in plain words: a buy below the ask is a limit, above it a stop."""
    entries = []
    for side in (Side.BUY, Side.SELL):
        against = best[1] if side is Side.BUY else best[0]
        crosses = against is not None and (price - against) * side.sign >= 0
        kind = OrderType.STOP if crosses else OrderType.LIMIT
        if kind not in order_types:
            continue
        size = sizes.get(side)
        amount = f" {size_text(size, instrument)}" if size is not None else ""
        text = (
            f"{side.value.capitalize()} {kind.value}{amount} at {fmt.price(price, instrument.price_decimals)}"
        )
        entries.append(MenuEntry(text, side, kind, price))
    return entries
