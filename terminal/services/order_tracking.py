"""Every order as we know it, worked out from facts that may arrive in any order, twice, or late.

A state is never stepped from one event to the next. Each report, answer and fill adds to the order's
:class:`Facts`, which only ever grow (a total, a highest figure, "it has ended"), and the state is derived
from them. So every interleaving of answer, report, fill and cancel ends in the same order, and a second
arrival of the same thing changes nothing. No I/O and no clock here; ``services/orders.py`` owns both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum

from terminal.domain.decimals import ZERO
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.orders import (
    AmendRequest,
    Fill,
    Order,
    OrderReport,
    OrderRequest,
    OrderState,
    OrderType,
    Origin,
    can_move,
)
from terminal.domain.rules import plain
from terminal.domain.worth import mean_price
from terminal.services import order_log
from terminal.services.notices import Level, Notice

log = logging.getLogger("orders")

VenueKey = tuple[str, str]
"""Account and the venue's order id."""


class DoubtKind(Enum):
    """What we do not know about an order."""

    SUBMIT = "submit"
    """Whether it reached the venue."""
    CANCEL = "cancel"
    """Whether a cancel reached the venue."""
    AMEND = "amend"
    """Whether new terms reached the venue."""
    MISSING = "missing"
    """The venue listed its orders, and this one was not among them."""


@dataclass(slots=True)
class Facts:
    """What is proven about one order. Quantities in base units, times in ns UTC."""

    known: bool = False
    """The venue said yes, or listed it (or the person said to treat it as live)."""
    refused: bool = False
    """The venue said no, nothing was sent, or the person settled it as not found."""
    ended: OrderState | None = None
    """FILLED, CANCELED, EXPIRED or REJECTED, in the venue's words."""
    cancel_sent: bool = False
    cancel_when_known: bool = False
    """Cancel it as soon as the venue is known to have it."""
    reported_filled: Decimal = ZERO
    reported_average: Decimal | None = None
    terms_ns: int = 0
    """The venue's time of the report whose terms are shown."""
    fills_quantity: Decimal = ZERO
    fills_notional: Decimal = ZERO
    """Quantity x price of the fills together."""
    fills_turned: Decimal = ZERO
    """Quantity / price of the fills together: what the average price of an inverse contract comes from. 0 of
    orders whose first fills were kept without it."""
    doubts: set[DoubtKind] = field(default_factory=set)
    unreadable: bool = False
    """The venue reported a state that the connector could not read."""


@dataclass(slots=True)
class Effect:
    """What one fact changed."""

    order: Order | None = None
    """None: nothing known to apply it to (it was parked), or nothing new."""
    changed: bool = False
    fills: list[Fill] = field(default_factory=list)
    """Fills that were applied now, for the first time."""
    parked: VenueKey | None = None
    removed: str | None = None
    """Our key of an external order that turned out to be this one."""
    notices: list[Notice] = field(default_factory=list)


@dataclass(slots=True)
class Parked:
    """Facts about a venue order that we cannot name yet."""

    reports: list[OrderReport] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)


def derive_state(order: Order, facts: Facts) -> OrderState:
    """The state that the facts prove; what counts most comes first."""
    filled = order.filled_quantity
    if facts.ended is OrderState.FILLED:
        return OrderState.FILLED
    if filled >= order.quantity > 0 and not order.request.in_quote:
        return OrderState.FILLED
    # A fill proves that a "rejected" was not the whole truth.
    if facts.ended is not None and not (facts.ended is OrderState.REJECTED and filled > 0):
        return facts.ended
    if facts.refused and not facts.known and filled == 0:
        return OrderState.REJECTED
    if facts.unreadable:
        return OrderState.IN_DOUBT
    if filled == 0 and facts.doubts & {DoubtKind.SUBMIT, DoubtKind.MISSING}:
        return OrderState.IN_DOUBT
    if DoubtKind.MISSING in facts.doubts:
        return OrderState.IN_DOUBT
    if facts.cancel_sent and (facts.known or filled > 0):
        return OrderState.PENDING_CANCEL
    if filled > 0:
        return OrderState.PARTLY_FILLED
    return OrderState.OPEN if facts.known else OrderState.PENDING_NEW


def external_key(account: str, venue_order_id: str) -> str:
    """Our key for an order that was placed elsewhere; never sent to a venue."""
    return f"external:{account}:{venue_order_id}"


def terms_taken(report: OrderReport, change: AmendRequest) -> bool:
    """Whether a report shows every term that an amend asked for."""
    return all(
        wanted is None or wanted == shown
        for wanted, shown in (
            (change.quantity, report.quantity),
            (change.limit_price, report.limit_price),
            (change.trigger_price, report.trigger_price),
            (change.display_quantity, report.display_quantity),
            (change.expire_time_ns, report.expire_time_ns),
            (change.protection, report.protection),
        )
    )


class OrderTable:
    """All orders of this run, with their facts. Changed by ``services/orders.py`` alone."""

    def __init__(
        self, instrument_of: Callable[[InstrumentId], Instrument | None] = lambda instrument: None
    ) -> None:
        """``instrument_of``: in which words an order is spoken of, lots or units, and how its fills are
        averaged."""
        self.instrument_of = instrument_of
        self.orders: dict[str, Order] = {}
        self.facts: dict[str, Facts] = {}
        self.parked: dict[VenueKey, Parked] = {}
        self._by_venue_id: dict[VenueKey, str] = {}
        self._seen_fills: set[VenueKey] = set()

    # -- entering -------------------------------------------------------------------------------------

    def add(self, order: Order, facts: Facts | None = None) -> Facts:
        """Enter an order of ours; its key must be new."""
        if order.client_order_id in self.orders:
            raise ValueError(f"client order id {order.client_order_id} is in use")
        facts = facts or Facts()
        self.orders[order.client_order_id] = order
        self.facts[order.client_order_id] = facts
        if order.venue_order_id is not None:
            self._by_venue_id[order.account, order.venue_order_id] = order.client_order_id
        return facts

    def log(self, level: int, order: Order, text: str) -> None:
        """Log a line about an order; ``text`` goes on from the order's own words."""
        order_log.tell(level, order, text, self.instrument_of(order.instrument))

    def remember_fill(self, account: str, fill_id: str) -> None:
        """Count a fill as applied already (it was, before a restart)."""
        self._seen_fills.add((account, fill_id))

    def has_fill(self, account: str, fill_id: str) -> bool:
        """Whether a fill was applied already."""
        return (account, fill_id) in self._seen_fills

    def clear(self) -> None:
        """Forget everything; what a stream told before the journal was read is read again afterwards."""
        self.orders.clear()
        self.facts.clear()
        self.parked.clear()
        self._by_venue_id.clear()
        self._seen_fills.clear()

    # -- finding --------------------------------------------------------------------------------------

    def find(self, account: str, client_order_id: str | None, venue_order_id: str | None) -> Order | None:
        """The order that a venue means. Our own id counts only within its own account."""
        if client_order_id:
            order = self.orders.get(client_order_id)
            if order is not None and order.account == account and order.origin is not Origin.EXTERNAL:
                return order
        if venue_order_id:
            key = self._by_venue_id.get((account, venue_order_id))
            return self.orders.get(key) if key is not None else None
        return None

    def of_account(self, account: str) -> Iterable[Order]:
        """The orders of one account, oldest first."""
        return [order for order in self.orders.values() if order.account == account]

    # -- facts ----------------------------------------------------------------------------------------

    def bind(self, order: Order, venue_order_id: str, now_ns: int) -> Effect:
        """The venue's own id of an order is known now: what was parked under it is applied.

        An order that had been listed as external under that id turns out to be this one and is absorbed.
        """
        effect = Effect(order)
        key = (order.account, venue_order_id)
        previous = self._by_venue_id.get(key)
        # An id that points here already may be an older one of an order that its venue has replaced.
        if not venue_order_id or previous == order.client_order_id:
            return effect
        if order.venue_order_id is not None:
            self.log(logging.INFO, order, f"the venue's id is now {venue_order_id}")
        order.venue_order_id = venue_order_id
        self._by_venue_id[key] = order.client_order_id
        effect.changed = True
        if previous is not None:
            self._absorb(order, previous, effect)
        waiting = self.parked.pop(key, None)
        if waiting is not None:
            for report in waiting.reports:
                _merge(effect, self._report(order, report, now_ns))
            for fill in waiting.fills:
                _merge(effect, self._fill(order, fill, now_ns))
        return effect

    def accept(self, order: Order, venue_order_id: str, now_ns: int) -> Effect:
        """The venue said yes to the submit and named the order."""
        facts = self.facts[order.client_order_id]
        facts.known = True
        facts.doubts.discard(DoubtKind.SUBMIT)
        before, filled_before = order.state, order.filled_quantity
        effect = self.bind(order, venue_order_id, now_ns)
        if order.state is before:
            _merge(effect, self._derive(order, now_ns, filled_before, before))
        return effect

    def _absorb(self, order: Order, other_key: str, effect: Effect) -> None:
        other, theirs = self.orders.pop(other_key), self.facts.pop(other_key)
        facts = self.facts[order.client_order_id]
        parts = [each for each in (facts, theirs) if each.fills_quantity]
        whole = all(each.fills_turned for each in parts)
        facts.fills_turned = facts.fills_turned + theirs.fills_turned if whole else ZERO
        facts.fills_quantity += theirs.fills_quantity
        facts.fills_notional += theirs.fills_notional
        facts.known = facts.known or theirs.known
        facts.ended = facts.ended or theirs.ended
        if theirs.reported_filled > facts.reported_filled:
            facts.reported_filled, facts.reported_average = theirs.reported_filled, theirs.reported_average
        for asset, amount in other.fees.items():
            order.fees[asset] = order.fees.get(asset, ZERO) + amount
        effect.removed = other_key

    def apply_report(self, account: str, report: OrderReport, now_ns: int) -> Effect:
        """Take what a venue says of an order; one we do not know is listed as external.

        A report without our id, while an order of ours with the same instrument and side waits for its
        answer, is parked: it may be that one.
        """
        order = self.find(account, report.client_order_id, report.venue_order_id)
        if order is None:
            key = (account, report.venue_order_id)
            if not report.client_order_id and self._awaits_answer(account, report):
                self.parked.setdefault(key, Parked()).reports.append(report)
                return Effect(parked=key)
            return self.adopt(account, report, now_ns)
        effect = self.bind(order, report.venue_order_id, now_ns)
        _merge(effect, self._report(order, report, now_ns))
        return effect

    def _awaits_answer(self, account: str, seen: OrderReport | Fill) -> bool:
        return any(
            order.venue_order_id is None
            and order.state in (OrderState.PENDING_NEW, OrderState.IN_DOUBT)
            and order.account == account
            and order.instrument == seen.instrument
            and order.side is seen.side
            for order in self.orders.values()
        )

    def adopt(self, account: str, report: OrderReport, now_ns: int) -> Effect:
        """List an order that was placed elsewhere."""
        order = Order(
            client_order_id=external_key(account, report.venue_order_id),
            account=account,
            request=OrderRequest(
                instrument=report.instrument,
                side=report.side,
                order_type=report.order_type,
                quantity=report.quantity,
                limit_price=report.limit_price,
                trigger_price=report.trigger_price,
                trail_offset=report.trail_offset,
                time_in_force=report.time_in_force,
                expire_time_ns=report.expire_time_ns,
                display_quantity=report.display_quantity,
                post_only=report.post_only,
                reduce_only=report.reduce_only,
                max_slippage=report.max_slippage,
                protection=report.protection,
                position_id=report.position_id,
                comment=report.comment,
                contract=report.contract,
                origin=Origin.EXTERNAL,
            ),
            state=OrderState.PENDING_NEW,
            created_ns=report.ts_event_ns or now_ns,
            updated_ns=report.ts_event_ns or now_ns,
            quantity=report.quantity,
        )
        self.add(order)
        effect = self.bind(order, report.venue_order_id, now_ns)
        _merge(effect, self._report(order, report, now_ns))
        if order.state.is_working:
            effect.notices.append(
                Notice(
                    Level.INFO,
                    f"{order.instrument.symbol}: an order placed elsewhere is listed.",
                    client_order_id=order.client_order_id,
                )
            )
        return effect

    def apply_fill(self, account: str, fill: Fill, now_ns: int) -> Effect:
        """Take an execution: applied once, or parked until its order is known."""
        if self.has_fill(account, fill.fill_id):
            log.debug("fill %s came again", fill.fill_id)
            return Effect()
        order = self.find(account, fill.client_order_id, fill.venue_order_id)
        if order is None:
            key = (account, fill.venue_order_id)
            waiting = self.parked.setdefault(key, Parked())
            if all(other.fill_id != fill.fill_id for other in waiting.fills):
                waiting.fills.append(fill)
            return Effect(parked=key)
        effect = self.bind(order, fill.venue_order_id, now_ns)
        _merge(effect, self._fill(order, fill, now_ns))
        return effect

    def release(self, key: VenueKey, report: OrderReport | None, now_ns: int) -> Effect:
        """List what was parked: under the venue's report, or as far as the parked facts tell."""
        waiting = self.parked.get(key)
        if waiting is None:
            return Effect()
        if report is None:
            report = waiting.reports[-1] if waiting.reports else self._report_from_fills(waiting.fills)
        known = self.find(key[0], report.client_order_id, key[1])
        if known is None:
            return self.adopt(key[0], report, now_ns)
        effect = self.bind(known, key[1], now_ns)
        _merge(effect, self._report(known, report, now_ns))
        return effect

    def refresh(self, order: Order, now_ns: int) -> Effect:
        """Work the state out again after the facts were changed by an answer or a decision."""
        return self._derive(order, now_ns, order.filled_quantity, order.state)

    def _report_from_fills(self, fills: list[Fill]) -> OrderReport:
        """The little that is certain of an order of which only its fills were ever seen."""
        first = fills[0]
        total = sum((fill.quantity for fill in fills), ZERO)
        notional = sum((fill.quantity * fill.price for fill in fills), ZERO)
        turned = sum((fill.quantity / fill.price for fill in fills if fill.price), ZERO)
        return OrderReport(
            instrument=first.instrument,
            venue_order_id=first.venue_order_id,
            client_order_id=None,
            state=OrderState.FILLED,
            side=first.side,
            order_type=OrderType.LIMIT if any(fill.is_maker for fill in fills) else OrderType.MARKET,
            quantity=total,
            filled_quantity=total,
            average_price=self._average(first.instrument, total, notional, turned),
            reason="known only by its fills",
            ts_event_ns=max(fill.ts_event_ns for fill in fills),
        )

    def _average(
        self, instrument: InstrumentId, quantity: Decimal, notional: Decimal, turned: Decimal
    ) -> Decimal:
        """The one price that stands for several fills; the plain mean where ``turned`` is not known."""
        known = self.instrument_of(instrument)
        if known is not None and known.is_inverse and turned > 0:
            return mean_price(quantity, turned, inverse=True)
        return mean_price(quantity, notional)

    def _report(self, order: Order, report: OrderReport, now_ns: int) -> Effect:
        facts = self.facts[order.client_order_id]
        before, filled_before = order.state, order.filled_quantity
        terms_before = _terms(order)
        facts.unreadable = report.state is OrderState.IN_DOUBT
        if report.state not in (OrderState.PENDING_NEW, OrderState.IN_DOUBT):
            facts.doubts -= {DoubtKind.SUBMIT, DoubtKind.MISSING}
            if report.state is not OrderState.REJECTED:
                facts.known = True
        if report.state.is_final:
            facts.ended = facts.ended or report.state
            facts.doubts.clear()
            order.amend_pending = None
        elif report.state is OrderState.PENDING_CANCEL:
            facts.cancel_sent = True
        if report.filled_quantity > facts.reported_filled:
            facts.reported_filled, facts.reported_average = report.filled_quantity, report.average_price
        if report.ts_event_ns >= facts.terms_ns:
            facts.terms_ns = report.ts_event_ns
            if report.quantity > 0 and not order.request.in_quote:
                order.quantity = report.quantity
            order.limit_price = report.limit_price if report.limit_price is not None else order.limit_price
            if report.trigger_price is not None:
                order.trigger_price = report.trigger_price
            if report.display_quantity is not None:
                order.display_quantity = report.display_quantity
            if report.protection is not None:
                order.protection = report.protection
            if order.amend_pending is not None and terms_taken(report, order.amend_pending):
                order.amend_pending = None
                facts.doubts.discard(DoubtKind.AMEND)
        order.triggered = order.triggered or report.triggered
        if report.reason and report.state.is_final:
            order.reason = report.reason
        if report.state is OrderState.FILLED and report.contract is not None:
            _book_payout(order, report.contract.payout_pct)
        effect = self._derive(order, now_ns, filled_before, before)
        effect.changed = effect.changed or _terms(order) != terms_before
        return effect

    def _fill(self, order: Order, fill: Fill, now_ns: int) -> Effect:
        if self.has_fill(order.account, fill.fill_id):
            return Effect(order)
        self._seen_fills.add((order.account, fill.fill_id))
        facts = self.facts[order.client_order_id]
        before, filled_before = order.state, order.filled_quantity
        if fill.price and (facts.fills_turned or not facts.fills_quantity):
            facts.fills_turned += fill.quantity / fill.price
        facts.fills_quantity += fill.quantity
        facts.fills_notional += fill.quantity * fill.price
        facts.known = True
        facts.doubts -= {DoubtKind.SUBMIT, DoubtKind.MISSING}
        if fill.fee:
            order.fees[fill.fee_asset] = order.fees.get(fill.fee_asset, ZERO) + fill.fee
        effect = self._derive(order, now_ns, filled_before, before)
        effect.changed = True
        effect.fills.append(fill)
        return effect

    def _derive(self, order: Order, now_ns: int, filled_before: Decimal, before: OrderState) -> Effect:
        facts = self.facts[order.client_order_id]
        effect = Effect(order)
        doubtful = order.doubt_since_ns
        if facts.fills_quantity >= facts.reported_filled:
            order.filled_quantity = facts.fills_quantity
            if facts.fills_quantity > 0:
                order.average_price = self._average(
                    order.instrument, facts.fills_quantity, facts.fills_notional, facts.fills_turned
                )
        else:
            order.filled_quantity = facts.reported_filled
            order.average_price = facts.reported_average
        after = derive_state(order, facts)
        if not can_move(before, after):
            self.log(logging.ERROR, order, f"{before.value} cannot become {after.value}")
            after = before
        order.state = after
        if after.is_final:
            facts.doubts.clear()
            order.amend_pending = None
        if not facts.doubts and not facts.unreadable:
            order.doubt_since_ns = None
        effect.changed = (
            after is not before or order.filled_quantity != filled_before or order.doubt_since_ns != doubtful
        )
        if effect.changed:
            order.updated_ns = now_ns
        _add_alerts(effect, order, before, filled_before)
        return effect


def _add_alerts(effect: Effect, order: Order, before: OrderState, filled_before: Decimal) -> None:
    """What a person must see at once: fills where none were expected any more."""
    symbol, key = order.instrument.symbol, order.client_order_id
    grew = order.filled_quantity > filled_before
    if grew and before in (OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED):
        more = plain(order.filled_quantity - filled_before)
        effect.notices.append(
            Notice(
                Level.ERROR,
                f"{symbol}: {more} filled after the order was {before.value}. The fill is real.",
                client_order_id=key,
            )
        )
    elif before is OrderState.REJECTED and order.state not in (OrderState.REJECTED, before):
        effect.notices.append(
            Notice(
                Level.ERROR,
                f"{symbol}: an order that was taken for refused is {order.state.value} at the venue.",
                client_order_id=key,
            )
        )
    if grew and not order.request.in_quote and order.filled_quantity > order.quantity > 0:
        text = f"filled {plain(order.filled_quantity)} of {plain(order.quantity)}: more than ordered"
        order.reason = text
        effect.notices.append(Notice(Level.ERROR, f"{symbol}: {text}.", client_order_id=key))


def _terms(order: Order) -> tuple[object, ...]:
    return (
        order.quantity,
        order.limit_price,
        order.trigger_price,
        order.display_quantity,
        order.protection,
        order.triggered,
        order.reason,
        order.amend_pending,
        order.request.contract,
    )


def _book_payout(order: Order, payout_pct: Decimal) -> None:
    """A contract pays what the venue has booked, which may be more than was shown."""
    asked = order.request.contract
    if asked is not None and asked.payout_pct != payout_pct > 0:
        order.request = replace(order.request, contract=replace(asked, payout_pct=payout_pct))


def _merge(into: Effect, more: Effect) -> None:
    into.changed = into.changed or more.changed
    into.notices += more.notices
    into.fills += more.fills
    into.removed = more.removed or into.removed
