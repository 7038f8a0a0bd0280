"""The order table with its memory: whatever changes an order is journaled and told from here."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from terminal.core import faultpoint
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.orders import Fill, Order, OrderReport, OrderState
from terminal.services import order_log
from terminal.services.journal import MEMORY_NS, Journal, JournalContents
from terminal.services.journal_codec import decode_fill, decode_order, encode_fill, encode_order
from terminal.services.notices import Level, Notice
from terminal.services.order_tracking import DoubtKind, Effect, Facts, OrderTable, VenueKey

log = logging.getLogger("orders")

_FILLS_KEPT = 5_000


class OrderLedger:
    """Orders, fills and their journal.

    Attributes:
        changed: an order changed; it is the live object, read only.
        removed: our key of an external order that turned out to be one of ours.
        fill_added: a fill was applied, for the first time ever.
        fill_booked: the same, with the account.
        notice: something that the person should see.
        fills: newest last, at most 5,000; accounts_of_fills: whose each of them is.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        instrument_of: Callable[[InstrumentId], Instrument | None] = lambda instrument: None,
    ) -> None:
        self.journal = journal
        self.clock = clock
        self.table = OrderTable(instrument_of)
        self.seen: dict[str, int] = {}
        self.fills: deque[Fill] = deque(maxlen=_FILLS_KEPT)
        self.accounts_of_fills: deque[str] = deque(maxlen=_FILLS_KEPT)
        self.changed: Observable[[Order]] = Observable("orders")
        self.removed: Observable[[str]] = Observable("orders removed")
        self.fill_added: Observable[[Fill]] = Observable("fills")
        self.fill_booked: Observable[[str, Fill]] = Observable("fills by account")
        self.notice: Observable[[Notice]] = Observable("order notices")
        self.parked: Observable[[VenueKey]] = Observable("parked facts")

    def load(self, contents: JournalContents) -> None:
        """Take what the last run left. Whatever had no answer then is in doubt now.

        What came before it (the journal could not be opened at once) is dropped: our own orders were taken
        for strangers, and the reconciliation that has to follow tells it all again.
        """
        early = list(self.table.orders)
        self.table.clear()
        self.fills.clear()
        self.accounts_of_fills.clear()
        for key in early:
            self.removed.notify(key)
        unreadable = 0
        for row in contents.orders:
            try:
                order, facts = decode_order(row)
            except ValueError as error:
                unreadable += 1
                log.error("%s", error)
                continue
            self.table.add(order, facts)
            self._doubt_what_was_unanswered(order, facts)
            self.changed.notify(order)
        for kept in contents.fills:
            self.table.remember_fill(kept.account, kept.fill_id)
            try:
                self.fills.append(decode_fill(kept))
                self.accounts_of_fills.append(kept.account)
            except ValueError as error:
                unreadable += 1
                log.error("%s", error)
        self.seen.update(contents.seen)
        if unreadable:
            self.tell(
                Level.ERROR,
                f"{unreadable} records of the order journal could not be read. "
                "Orders that the venue still has are listed as external.",
            )

    def _doubt_what_was_unanswered(self, order: Order, facts: Facts) -> None:
        if order.state.is_final:
            return
        if order.state is OrderState.PENDING_NEW:
            facts.doubts.add(DoubtKind.SUBMIT)
        if facts.cancel_sent:
            facts.doubts.add(DoubtKind.CANCEL)
        if order.amend_pending is not None:
            facts.doubts.add(DoubtKind.AMEND)
        if facts.doubts or facts.unreadable:
            order.doubt_since_ns = self.clock.monotonic_ns()
            self.table.refresh(order, order.updated_ns)

    # -- facts from a venue ---------------------------------------------------------------------------

    def report(self, account: str, report: OrderReport) -> Effect:
        """Apply what a venue says of an order."""
        if report.state.is_final and self._is_history(account, report):
            return Effect()
        effect = self.table.apply_report(account, report, self.clock.wall_ns())
        self.take(effect, "report")
        return effect

    def fill(self, account: str, fill: Fill) -> Effect:
        """Apply an execution, once."""
        if self._is_history(account, fill):
            return Effect()
        faultpoint.hit("fill.before_apply")
        effect = self.table.apply_fill(account, fill, self.clock.wall_ns())
        self.take(effect, "fill")
        faultpoint.hit("fill.after_apply")
        return effect

    def _is_history(self, account: str, told: OrderReport | Fill) -> bool:
        """Whether this is about an order that ended before our memory begins. Venues repeat such things (the
        last fifty fills, say), and we could not tell any more which of them were counted."""
        return (
            0 < told.ts_event_ns < self.clock.wall_ns() - MEMORY_NS
            and self.table.find(account, told.client_order_id, told.venue_order_id) is None
        )

    def release(self, key: VenueKey, report: OrderReport | None) -> Effect:
        """List what was parked under a venue's order id."""
        effect = self.table.release(key, report, self.clock.wall_ns())
        self.take(effect, "report")
        return effect

    def accept(self, order: Order, venue_order_id: str) -> None:
        """The venue's yes to a submit."""
        effect = self.table.accept(order, venue_order_id, self.clock.wall_ns())
        self.take(effect, "accepted", venue_order_id)

    # -- changes of our own ---------------------------------------------------------------------------

    def facts(self, order: Order) -> Facts:
        """The facts about an order; change them, then call :meth:`update`."""
        return self.table.facts[order.client_order_id]

    def update(self, order: Order, kind: str, detail: str = "") -> None:
        """Work the state out after the facts were changed, keep it and tell it."""
        effect = self.table.refresh(order, self.clock.wall_ns())
        effect.changed = True
        self.take(effect, kind, detail)

    def doubt(self, order: Order, kind: DoubtKind, text: str) -> None:
        """Put an order in doubt. An order that has ended by other proof stays as it is."""
        if order.state.is_final:
            return
        facts = self.facts(order)
        facts.doubts.add(kind)
        if order.doubt_since_ns is None:
            order.doubt_since_ns = self.clock.monotonic_ns()
        order.reason = text
        self.table.log(logging.WARNING, order, f"{kind.value} in doubt: {text}")
        self.update(order, f"{kind.value} in doubt", text)

    def settle(self, order: Order, kind: DoubtKind, what: str) -> None:
        """Take a doubt away; ``what`` says how it was settled."""
        facts = self.facts(order)
        facts.doubts.discard(kind)
        order.reason = what
        self.update(order, f"{kind.value} settled", what)

    def take(self, effect: Effect, kind: str, detail: str = "") -> None:
        """Journal an effect as one record, then tell it."""
        if effect.parked is not None:
            self.parked.notify(effect.parked)
        order = effect.order
        if order is None:
            return
        facts = self.facts(order)
        if facts.unreadable and order.doubt_since_ns is None:
            order.doubt_since_ns = self.clock.monotonic_ns()
        if effect.removed is not None:
            self.journal.note_removed(effect.removed, order.client_order_id)
            self.removed.notify(effect.removed)
        if effect.changed or effect.fills:
            self.journal.note(
                encode_order(order, facts),
                kind,
                detail,
                [encode_fill(order.account, order.client_order_id, fill) for fill in effect.fills],
            )
            instrument = self.table.instrument_of(order.instrument)
            order_log.tell(
                logging.INFO, order, order_log.happened(order, kind, detail, instrument), instrument
            )
            self.changed.notify(order)
        for fill in effect.fills:
            self.fills.append(fill)
            self.accounts_of_fills.append(order.account)
            self.fill_added.notify(fill)
            self.fill_booked.notify(order.account, fill)
        for notice in effect.notices:
            self.notice.notify(notice)

    def tell(
        self,
        level: Level,
        text: str,
        detail: str = "",
        client_order_id: str | None = None,
        *,
        until_known: bool = False,
    ) -> None:
        """Send a notice to the person; ``until_known``: it is taken back once the order is in no doubt."""
        self.notice.notify(Notice(level, text, detail, client_order_id, until_known=until_known))
