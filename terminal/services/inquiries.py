"""Asking after orders in doubt, by our own id, until the venue knows them or plainly does not.

Nothing is concluded from silence. A look that failed is no look. "Unknown to the venue" is believed only
after several clear answers spread over some seconds, and even then the person settles it, not this code.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from terminal.core import faultpoint, tasks
from terminal.core.observe import Observable
from terminal.domain.errors import TerminalError
from terminal.domain.orders import Order, OrderReport, OrderType, Origin
from terminal.services.notices import Level
from terminal.services.order_ledger import OrderLedger
from terminal.services.order_tracking import DoubtKind
from terminal.services.risk import is_same_order
from terminal.venues.base import Capabilities, TradesOrders, VenueInfo

ConnectorOf = Callable[[str], TradesOrders | None]


@dataclass(frozen=True, slots=True)
class GateTimings:
    """How long the order gate waits for what; seconds."""

    journal_s: float = 2.0
    """For an intent to be on disk."""
    answer_s: float = 20.0
    """For a connector's answer; connectors have a shorter deadline of their own."""
    look_s: float = 15.0
    """For one inquiry."""
    looks_s: tuple[float, ...] = (0.0, 1.0, 2.0, 5.0, 10.0, 10.0, 30.0)
    """Pauses before each look; the last one repeats."""
    not_found_looks: int = 3
    not_found_after_s: float = 10.0
    """So many clear answers over so long a time make "not found" settleable."""
    cancel_confirm_s: float = 5.0
    """From the venue's yes to a cancel until it should be reported canceled."""
    parked_grace_s: float = 2.0
    """How long a fill waits for the report of its order."""


class Look(Enum):
    """What one inquiry brought."""

    FOUND = "found"
    UNKNOWN = "unknown to the venue"
    FAILED = "failed"


@dataclass(slots=True)
class Doubt:
    """How an inquiry stands. Times are monotonic ns."""

    client_order_id: str
    since_ns: int
    looks: int = 0
    """Clear answers so far."""
    unknowns: int = 0
    """Clear answers in a row that the venue does not know the order."""
    first_unknown_ns: int | None = None
    first_found_ns: int | None = None
    founds: int = 0
    next_look_ns: int | None = None
    """None while a look is under way."""
    error: str = ""
    """Why the last look failed; empty after a clear answer."""
    can_settle: bool = False
    """The venue has plainly and repeatedly not known it: the person may settle it as not found."""
    candidates: tuple[str, ...] = ()
    """Our keys of orders that look the same, where a venue cannot be asked by our id."""


def capabilities_of(connector: TradesOrders | None) -> Capabilities | None:
    """What the connector's venue can do; None without a connector."""
    info = getattr(connector, "info", None)
    return info.capabilities if isinstance(info, VenueInfo) else None


def doubt_text(order: Order, kind: DoubtKind) -> str:
    """What is not known of an order, for the person: ``No answer to the order in BTC/USD yet: checking
    whether it arrived.``"""
    what = f"order in {order.instrument.symbol}"
    if order.order_type is OrderType.CONTRACT:
        word = "giving back of the contract" if order.request.reduce_only else "contract"
        what = f"{word} on {order.instrument.symbol}"
    if kind is DoubtKind.MISSING:
        return f"The venue does not list the {what} any more: checking what became of it."
    if kind is not DoubtKind.SUBMIT:
        what = f"{'change' if kind is DoubtKind.AMEND else 'cancel'} of the {what}"
    return f"No answer to the {what} yet: checking whether it arrived."


class Inquiries:
    """One inquiry for each order in doubt.

    Attributes:
        changed: the doubt of this order moved on (a look, an error, settleable, over).
    """

    def __init__(self, ledger: OrderLedger, connector: ConnectorOf, timings: GateTimings) -> None:
        self.changed: Observable[[str]] = Observable("doubts")
        self._ledger = ledger
        self._connector = connector
        self._timings = timings
        self._doubts: dict[str, Doubt] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._looking: dict[str, asyncio.Lock] = {}

    @property
    def doubts(self) -> Mapping[str, Doubt]:
        """By client order id."""
        return self._doubts

    def is_doubtful(self, order: Order) -> bool:
        """Whether anything about an order is open to question."""
        facts = self._ledger.table.facts.get(order.client_order_id)
        return facts is not None and (bool(facts.doubts) or facts.unreadable)

    def begin(self, order: Order) -> None:
        """Ask after an order until its doubts are settled; does nothing where there are none."""
        key = order.client_order_id
        if not self.is_doubtful(order):
            return
        if key in self._tasks:
            self._wake[key].set()
            return
        self._open(order)
        self._wake[key] = asyncio.Event()
        self._tasks[key] = tasks.spawn(self._ask_until_settled(order), name=f"inquiry {key}")

    def wake(self, account: str) -> None:
        """The account's connection is back: ask now."""
        for key, event in self._wake.items():
            order = self._ledger.table.orders.get(key)
            if order is not None and order.account == account:
                event.set()

    async def close(self) -> None:
        """Stop asking; the doubts stay in the journal."""
        running = list(self._tasks.values())
        self._tasks.clear()
        await tasks.cancel_and_wait(*running)

    def _open(self, order: Order) -> Doubt:
        key = order.client_order_id
        doubt = self._doubts.get(key)
        if doubt is None:
            doubt = self._doubts[key] = Doubt(key, self._ledger.clock.monotonic_ns())
        return doubt

    async def _ask_until_settled(self, order: Order) -> None:
        key = order.client_order_id
        wake, pauses = self._wake[key], self._timings.looks_s
        try:
            for number in itertools.count():
                pause_s = pauses[min(number, len(pauses) - 1)]
                doubt = self._open(order)
                doubt.next_look_ns = self._ledger.clock.monotonic_ns() + int(pause_s * 1e9)
                self.changed.notify(key)
                try:
                    async with asyncio.timeout(pause_s):
                        await wake.wait()
                except TimeoutError:
                    pass
                wake.clear()
                if not self.is_doubtful(order):
                    return
                await self.look(order)
                if not self.is_doubtful(order):
                    return
        finally:
            self._tasks.pop(key, None)
            self._wake.pop(key, None)
            if not self.is_doubtful(order):
                self.forget(key)

    def forget(self, client_order_id: str) -> None:
        """The doubt is over."""
        self._looking.pop(client_order_id, None)
        if self._doubts.pop(client_order_id, None) is not None:
            self.changed.notify(client_order_id)

    async def look(self, order: Order) -> Look:
        """Ask once, now. Two askers share one look after the other, never at the same time."""
        lock = self._looking.setdefault(order.client_order_id, asyncio.Lock())
        async with lock:
            return await self._look(order)

    async def _look(self, order: Order) -> Look:
        doubt = self._open(order)
        doubt.next_look_ns = None
        connector = self._connector(order.account)
        if connector is None:
            doubt.error = "not connected"
            return self._looked(doubt, Look.FAILED)
        faultpoint.hit("inquiry.before_look")
        try:
            async with asyncio.timeout(self._timings.look_s):
                found = await self._ask(connector, order, doubt)
        except Exception as error:  # noqa: BLE001 - whatever it is, asking must go on
            doubt.error = error.user_text if isinstance(error, TerminalError) else repr(error)
            self._ledger.table.log(logging.WARNING, order, f"the look failed: {error!r}")
            return self._looked(doubt, Look.FAILED)
        doubt.error = ""
        doubt.looks += 1
        if not found:
            self._count_unknown(order, doubt)
            return self._looked(doubt, Look.UNKNOWN)
        doubt.unknowns, doubt.first_unknown_ns, doubt.can_settle = 0, None, False
        self._conclude_if_still_working(order, doubt)
        return self._looked(doubt, Look.FOUND)

    def _looked(self, doubt: Doubt, look: Look) -> Look:
        order = self._ledger.table.orders.get(doubt.client_order_id)
        if order is None or not self.is_doubtful(order):
            self.forget(doubt.client_order_id)
        else:
            self.changed.notify(doubt.client_order_id)
        return look

    async def _ask(self, connector: TradesOrders, order: Order, doubt: Doubt) -> bool:
        """Whether the venue knows the order; what it says of it is applied."""
        abilities = capabilities_of(connector)
        by_name = abilities is None or abilities.lookup_by_client_id or order.venue_order_id is not None
        if by_name:
            report = await connector.order_status(order.ref)
            if report is None:
                return False
            self._apply(order, report)
            return True
        # The venue cannot be asked by our id: search what it lists for an order that looks the same.
        snapshot = await connector.snapshot(order.created_ns - 60_000_000_000)
        for report in (*reversed(snapshot.recent_orders), *snapshot.open_orders):
            self._ledger.report(order.account, report)
        for fill in snapshot.fills:
            self._ledger.fill(order.account, fill)
        before = doubt.candidates
        doubt.candidates = tuple(
            other.client_order_id
            for other in self._ledger.table.of_account(order.account)
            if other.origin is Origin.EXTERNAL and is_same_order(other.request, order.request)
        )
        if self.is_doubtful(order) and doubt.candidates and not before:
            count = len(doubt.candidates)
            like, which = "1 order at the venue looks", "Whether it is that one cannot be told"
            if count > 1:
                like, which = f"{count} orders at the venue look", "Which of them it is cannot be told"
            self._ledger.tell(
                Level.WARNING,
                f"{order.instrument.symbol}: {like} like the one that got no answer. {which}: "
                "it is not sent again, compare them in the list of orders.",
                client_order_id=order.client_order_id,
            )
        return bool(doubt.candidates) or not self.is_doubtful(order)

    def _apply(self, order: Order, report: OrderReport) -> None:
        if report.client_order_id is None and order.venue_order_id is None:
            # Asked by our id, so the answer is about our order even if the venue does not repeat the id.
            self._ledger.take(
                self._ledger.table.bind(order, report.venue_order_id, self._ledger.clock.wall_ns()), "found"
            )
        self._ledger.report(order.account, report)

    def _count_unknown(self, order: Order, doubt: Doubt) -> None:
        now = self._ledger.clock.monotonic_ns()
        doubt.unknowns += 1
        doubt.first_unknown_ns = doubt.first_unknown_ns or now
        long_enough = now - doubt.first_unknown_ns >= self._timings.not_found_after_s * 1e9
        if doubt.can_settle or doubt.unknowns < self._timings.not_found_looks or not long_enough:
            return
        doubt.can_settle = True
        self._ledger.tell(
            Level.WARNING,
            f"{order.instrument.symbol}: the venue does not know this order after {doubt.unknowns} looks. "
            "Settle it as not found, or keep checking.",
            client_order_id=order.client_order_id,
            until_known=True,
        )

    def _conclude_if_still_working(self, order: Order, doubt: Doubt) -> None:
        """A cancel or amend that shows no effect over several looks has not arrived."""
        facts = self._ledger.facts(order)
        if not order.state.is_working or not facts.doubts & {DoubtKind.CANCEL, DoubtKind.AMEND}:
            return
        now = self._ledger.clock.monotonic_ns()
        doubt.founds += 1
        doubt.first_found_ns = doubt.first_found_ns or now
        if (
            doubt.founds < self._timings.not_found_looks
            or now - doubt.first_found_ns < self._timings.not_found_after_s * 1e9
        ):
            return
        if DoubtKind.CANCEL in facts.doubts:
            facts.cancel_sent = False
            self._end(order, DoubtKind.CANCEL, "the cancel did not arrive, the order is still open")
        if DoubtKind.AMEND in facts.doubts:
            order.amend_pending = None
            self._end(order, DoubtKind.AMEND, "the change did not arrive, the old terms stand")

    def _end(self, order: Order, kind: DoubtKind, what: str) -> None:
        self._ledger.settle(order, kind, what)
        self._ledger.tell(
            Level.WARNING, f"{order.instrument.symbol}: {what}.", client_order_id=order.client_order_id
        )
