"""Comparing what we know of an account with what its venue says, before orders may leave again.

Run after every connect and reconnect. It applies the venue's list, asks after each order that the list does
not explain, and tells the person what happened meanwhile. A question that fails is never an answer: where
the venue cannot be asked, the account stays closed and the caller tries again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from decimal import Decimal

from terminal.core import faultpoint
from terminal.domain.account import AccountSnapshot
from terminal.domain.errors import TerminalError, VenueUnavailable
from terminal.domain.orders import Fill, Order, OrderRef, OrderState, Origin
from terminal.services.inquiries import GateTimings, Inquiries, Look
from terminal.services.notices import Level
from terminal.services.order_ledger import OrderLedger
from terminal.services.order_tracking import DoubtKind, VenueKey
from terminal.venues.base import TradesOrders

log = logging.getLogger("orders")

_LOOKS = 3
_PAUSE_S = 0.5


@dataclass(slots=True)
class ReconcileReport:
    """What happened to an account while we were not watching."""

    account: str
    first: bool
    """The account was never compared before: everything is new, and nothing happened "meanwhile"."""
    fills: list[Fill] = field(default_factory=list)
    filled: list[Order] = field(default_factory=list)
    canceled: list[Order] = field(default_factory=list)
    expired: list[Order] = field(default_factory=list)
    refused: list[Order] = field(default_factory=list)
    changed: list[Order] = field(default_factory=list)
    """Working orders whose terms are not what we knew."""
    external: list[Order] = field(default_factory=list)
    """Working orders that were placed elsewhere."""
    settled: list[Order] = field(default_factory=list)
    """Orders that were in doubt and are not any more."""
    doubtful: list[Order] = field(default_factory=list)
    """Orders that still are."""
    positions_known: bool = True
    """False: the question failed, which never means that there are none."""

    @property
    def text(self) -> str:
        """One line such as "while you were away: 2 fills, 1 cancel"; empty where nothing happened."""
        parts = [
            _count(len(self.fills), "fill", "fills"),
            _count(len(self.canceled), "cancel", "cancels"),
            _count(len(self.expired), "expiry", "expiries"),
            _count(len(self.refused), "refusal", "refusals"),
            _count(len(self.changed), "changed order", "changed orders"),
            _count(len(self.external), "order placed elsewhere", "orders placed elsewhere"),
            _count(len(self.settled), "doubt settled", "doubts settled"),
            _count(len(self.doubtful), "order still in doubt", "orders still in doubt"),
        ]
        told = ", ".join(part for part in parts if part)
        return f"while you were away: {told}" if told and not self.first else ""


def _count(number: int, one: str, many: str) -> str:
    return "" if number == 0 else f"{number} {one if number == 1 else many}"


@dataclass(frozen=True, slots=True)
class _Before:
    state: OrderState
    doubtful: bool
    terms: tuple[Decimal | None, ...]


class Reconciler:
    """Carries out reconciliations; one at a time for each account is the caller's care."""

    def __init__(self, ledger: OrderLedger, inquiries: Inquiries, timings: GateTimings) -> None:
        self._ledger = ledger
        self._inquiries = inquiries
        self._timings = timings
        self._left: dict[str, dict[str, _Before]] = {}
        """By account: its orders as they stood when it was closed."""

    def note_closed(self, account: str) -> None:
        """The account is closed now: what differs when it opens again has happened meanwhile. The stream of a
        new connection tells most of that before the comparison begins, so it cannot be seen from there."""
        self._left.setdefault(account, self._notes(account))

    def _notes(self, account: str) -> dict[str, _Before]:
        return {order.client_order_id: self._note(order) for order in self._ledger.table.of_account(account)}

    def _before(self, account: str) -> dict[str, _Before]:
        now = self._notes(account)
        left = self._left.get(account)
        if left is None:
            return now
        orders = self._ledger.table.orders
        before = {key: note for key, note in now.items() if orders[key].origin is not Origin.EXTERNAL}
        for key, note in left.items():
            if key in now:
                before[key] = replace(note, doubtful=note.doubtful or now[key].doubtful)
        return before

    async def run(self, account: str, snapshot: AccountSnapshot, connector: TradesOrders) -> ReconcileReport:
        """Compare and settle; safe to be interrupted and run again.

        Raises:
            VenueUnavailable: the venue could not be asked after an order that its list does not explain.
        """
        faultpoint.hit("reconcile.start")
        ledger = self._ledger
        report = ReconcileReport(account, first=account not in ledger.seen)
        report.positions_known = snapshot.positions_known
        before = self._before(account)
        unwatch = ledger.fill_added.watch(report.fills.append)
        try:
            listed = self._apply(account, snapshot)
            faultpoint.hit("reconcile.middle")
            await self._explain_parked(account, connector)
            for order in list(ledger.table.of_account(account)):
                doubtful = self._inquiries.is_doubtful(order)
                if doubtful or (not order.state.is_final and order.client_order_id not in listed):
                    await self._ask_after(order)
        finally:
            unwatch()
        report.fills = [fill for fill in report.fills if fill.instrument.venue == account.partition(":")[0]]
        self._compare(report, before)
        faultpoint.hit("reconcile.before_ready")
        until = snapshot.ts_event_ns or ledger.clock.wall_ns()
        ledger.seen[account] = max(until, ledger.seen.get(account, 0))
        ledger.journal.note_seen(account, until)
        self._left.pop(account, None)
        for order in report.doubtful:
            self._inquiries.begin(order)
        return report

    def _note(self, order: Order) -> _Before:
        return _Before(order.state, self._inquiries.is_doubtful(order), _terms(order))

    def _apply(self, account: str, snapshot: AccountSnapshot) -> set[str]:
        """Apply orders before fills, oldest first; returns our keys of the orders that were listed."""
        listed: set[str] = set()
        for each in (*reversed(snapshot.recent_orders), *snapshot.open_orders):
            self._ledger.report(account, each)
            order = self._ledger.table.find(account, each.client_order_id, each.venue_order_id)
            if order is not None:
                listed.add(order.client_order_id)
        for fill in sorted(snapshot.fills, key=lambda fill: fill.ts_event_ns):
            self._ledger.fill(account, fill)
        return listed

    async def _explain_parked(self, account: str, connector: TradesOrders) -> None:
        """Fills whose order is in no list: ask the venue for the order, else list what is known."""
        for key in [key for key in self._ledger.table.parked if key[0] == account]:
            await explain_parked(self._ledger, key, connector, self._timings.look_s)

    async def _ask_after(self, order: Order) -> None:
        """An order that the venue's list does not explain: ask for it by name."""
        look = Look.FAILED
        for attempt in range(_LOOKS):
            if attempt:
                await asyncio.sleep(_PAUSE_S)
            look = await self._inquiries.look(order)
            if look is not Look.FAILED:
                break
        if look is Look.FAILED:
            venue = order.instrument.venue
            raise VenueUnavailable(venue, f"{order.client_order_id} could not be asked after")
        facts = self._ledger.facts(order)
        lost = look is Look.UNKNOWN and facts.known and not order.state.is_final
        if lost and DoubtKind.MISSING not in facts.doubts:
            text = "the venue does not list this order any more"
            self._ledger.doubt(order, DoubtKind.MISSING, text)
            self._ledger.tell(
                Level.ERROR, f"{order.instrument.symbol}: {text}.", client_order_id=order.client_order_id
            )

    def _compare(self, report: ReconcileReport, before: dict[str, _Before]) -> None:
        ended = {
            OrderState.FILLED: report.filled,
            OrderState.CANCELED: report.canceled,
            OrderState.EXPIRED: report.expired,
            OrderState.REJECTED: report.refused,
        }
        for order in self._ledger.table.of_account(report.account):
            was = before.get(order.client_order_id)
            doubtful = self._inquiries.is_doubtful(order)
            if doubtful:
                report.doubtful.append(order)
            if was is None:
                if order.origin is Origin.EXTERNAL and order.state.is_working:
                    report.external.append(order)
                continue
            if was.doubtful and not doubtful:
                report.settled.append(order)
            if order.state is not was.state and order.state in ended:
                ended[order.state].append(order)
            elif order.state.is_working and _terms(order) != was.terms:
                report.changed.append(order)


async def explain_parked(ledger: OrderLedger, key: VenueKey, connector: TradesOrders, look_s: float) -> None:
    """Ask the venue which order parked facts belong to, then list them under it."""
    waiting = ledger.table.parked.get(key)
    if waiting is None:
        return
    report = waiting.reports[-1] if waiting.reports else None
    if report is None:
        symbol = waiting.fills[0].instrument.symbol
        try:
            async with asyncio.timeout(look_s):
                report = await connector.order_status(OrderRef(symbol, None, key[1]))
        except (TerminalError, TimeoutError) as error:
            # The fill is real whatever its order was; it must not stay hidden.
            log.warning("the order of fill %s could not be asked for: %s", waiting.fills[0].fill_id, error)
    ledger.release(key, report)


def _terms(order: Order) -> tuple[Decimal | None, ...]:
    return order.quantity, order.limit_price, order.trigger_price, order.display_quantity
