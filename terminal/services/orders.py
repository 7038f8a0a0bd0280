"""The one gate for orders: check, journal, send, classify the answer, follow the order to its end.

Every surface (ticket, ladder, chart, blotter, hotkey, bridge) comes through here; there is no second way to a
venue. What holds at every point, kill -9 included:

- An order is on disk, under an id of ours that was never used before, before its first byte leaves.
- A call that has begun ends as *yes*, *no*, *nothing was sent* or *in doubt*. In doubt is never sent again:
  it is asked after (``inquiries.py``), and the same side of the same instrument is closed meanwhile.
- Nothing is shown as canceled, filled or gone unless the venue says so.
- A cancel needs a connection and nothing else: no journal, no arm state, no reconciliation.

Submit, amend and cancel stay in one file, long as it is: these promises can only be checked by reading
them together; checks, inquiries, reconciliation, tracking and mass cancels have files of their own.

Places where a test may kill the process (see ``core/faultpoint.py``): submit.before_journal,
submit.after_journal, submit.before_send, submit.after_answer, submit.done, amend.before_send,
amend.after_answer, cancel.before_send, cancel.after_answer; in other files journal.before_commit,
journal.after_commit, fill.before_apply, fill.after_apply, inquiry.before_look, reconcile.start,
reconcile.middle, reconcile.before_ready.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType

from terminal.core import faultpoint, tasks
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.account import AccountSnapshot, Position
from terminal.domain.errors import (
    NotSent,
    OrderRefused,
    ProtocolViolation,
    RequestRejected,
    StorageError,
    Unsupported,
)
from terminal.domain.events import FillReported, OrderReported, VenueEvent
from terminal.domain.market import Side
from terminal.domain.orders import (
    AmendRequest,
    Fill,
    Order,
    OrderRequest,
    OrderState,
    OrderType,
    Protection,
)
from terminal.services.answers import AnswerKind, classify
from terminal.services.arming import Arming, ArmState
from terminal.services.inquiries import ConnectorOf, Doubt, GateTimings, Inquiries, Look, doubt_text
from terminal.services.journal import MEMORY_NS, Journal
from terminal.services.journal_codec import encode_order
from terminal.services.mass_cancel import CancelOutcome, cancel_orders
from terminal.services.notices import Level, Notice
from terminal.services.order_checks import CheckResult, OrderChecks
from terminal.services.order_ledger import OrderLedger
from terminal.services.order_tracking import DoubtKind, VenueKey
from terminal.services.reconcile import Reconciler, ReconcileReport, explain_parked
from terminal.services.risk import AccountView, LossGuard, MarketView, RiskRules
from terminal.venues.base import Amends, TradesOrders

log = logging.getLogger("orders")

_MINUTE_NS = 60_000_000_000
_DAY_NS = 86_400_000_000_000
_SEEN_MARGIN_NS = 10 * _MINUTE_NS


def new_client_order_id() -> str:
    """A fresh 128-bit random id: 32 lower-case hex digits, which every venue of ours accepts.

    Kraken holds a ``cl_ord_id`` unique among open orders only (REST AddOrder, read 2026-08), so an id is
    never used a second time.
    """
    return secrets.token_hex(16)


class OrderGate:
    """See the module's own text.

    Attributes:
        orders: all orders of this run and the open and recent ones of earlier runs, by client order id
            (external ones under a key of ours). Read only; watchers get the live object.
        changed, removed, fill_added, fill_booked, notice: see ``OrderLedger``.
        reconciled: what a reconciliation found, after it.
        readiness: an account was opened or closed for new orders.
        arming: the arm switch.
        inquiries: the doubts; ``inquiries.changed`` ticks with them.
        cancel_if_appears: cancel an order that turns out to have arrived after all (a setting; off).
    """

    def __init__(
        self,
        *,
        journal: Journal,
        rules: RiskRules,
        clock: Clock,
        connector: ConnectorOf,
        market: MarketView,
        account_view: AccountView,
        timings: GateTimings | None = None,
        arming: Arming | None = None,
        make_id: Callable[[], str] = new_client_order_id,
        cancel_if_appears: bool = False,
    ) -> None:
        self.timings = timings or GateTimings()
        self.arming = arming or Arming(clock)
        self.cancel_if_appears = cancel_if_appears
        self.reconciled: Observable[[ReconcileReport]] = Observable("reconciled")
        self.readiness: Observable[[str]] = Observable("readiness")
        self._ledger = OrderLedger(journal, clock, market.instrument)
        self._journal = journal
        self._clock = clock
        self._connector = connector
        self._make_id = make_id
        self.inquiries = Inquiries(self._ledger, connector, self.timings)
        self._reconciler = Reconciler(self._ledger, self.inquiries, self.timings)
        self.orders: Mapping[str, Order] = MappingProxyType(self._ledger.table.orders)
        self.changed: Observable[[Order]] = self._ledger.changed
        self.removed: Observable[[str]] = self._ledger.removed
        self.fill_added: Observable[[Fill]] = self._ledger.fill_added
        self.fill_booked: Observable[[str, Fill]] = self._ledger.fill_booked
        self.notice: Observable[[Notice]] = self._ledger.notice
        self._ready: set[str] = set()
        self._closed_reasons: dict[str, str] = {}
        self._started = False
        self._starting = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()
        self._checks = OrderChecks(
            rules=rules,
            ledger=self._ledger,
            inquiries=self.inquiries,
            arming=self.arming,
            clock=clock,
            connector=connector,
            market=market,
            account_view=account_view,
            closed_reason=self.closed_reason,
        )
        self._unwatch = (
            journal.notice.watch(self._ledger.notice.notify),
            self._ledger.changed.watch(self._on_changed),
            self._ledger.parked.watch(self._on_parked),
        )

    # -- life -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the journal and take up what the last run left; harmless when repeated.

        Raises:
            StorageError: there is no journal, so no order can be sent; cancels can. Submitting tries again.
        """
        async with self._starting:
            if not self._started:
                self._ledger.load(await self._journal.open())
                for account in {order.account for order in self.orders.values()}:
                    self._reconciler.note_closed(account)
                self._started = True

    async def close(self) -> None:
        """Stop following; orders stay at their venues, doubts stay in the journal."""
        await self.inquiries.close()
        await tasks.cancel_and_wait(*self._background)
        for account in list(self._ready):
            self.suspend(account, "The terminal is closing.")
        await self._journal.close()
        self._started = False
        for unwatch in self._unwatch:
            unwatch()

    # -- what is known --------------------------------------------------------------------------------

    @property
    def fills(self) -> Sequence[Fill]:
        """Newest last, at most 5,000."""
        return self._ledger.fills

    def booked_fills(self) -> list[tuple[str, Fill]]:
        """The same, each with its account."""
        return list(zip(self._ledger.accounts_of_fills, self._ledger.fills, strict=True))

    @property
    def doubts(self) -> Mapping[str, Doubt]:
        """How the inquiry of each order in doubt stands, by client order id."""
        return self.inquiries.doubts

    @property
    def rules(self) -> RiskRules:
        """The person's limits in force."""
        return self._checks.rules

    def open_orders(self, account: str | None = None) -> list[Order]:
        """Orders that rest at a venue, or may; oldest first."""
        return [
            order
            for order in self.orders.values()
            if not order.state.is_final and (account is None or order.account == account)
        ]

    def ready(self, account: str) -> bool:
        """Whether new orders may leave: the account has been compared with its venue since it connected."""
        return account in self._ready

    def closed_reason(self, account: str) -> str:
        """Why an account takes no orders now; empty when it does."""
        if account in self._ready:
            return ""
        return self._closed_reasons.get(account, "Orders are being compared with the venue.")

    # -- checks ---------------------------------------------------------------------------------------

    def check(self, account: str, request: OrderRequest) -> CheckResult:
        """Everything our own checks say of a request now. Pure: a form may call it at every keystroke.

        The arm state is not part of it: it is about the click, not about the order.
        """
        return CheckResult.of(self._checks.find_faults(account, request, exclude=None))

    def check_amend(self, client_order_id: str, change: AmendRequest) -> CheckResult:
        """The same of new terms for a resting order, before anybody is asked about them."""
        return CheckResult.of(self._checks.find_amend_faults(self._get(client_order_id), change))

    def guard(self, loss_guard: LossGuard) -> None:
        """Hold every order to the day's loss limit as well."""
        self._checks.loss_guard = loss_guard

    def check_stop(self, account: str, position: Position, protection: Protection) -> list[OrderRefused]:
        """What the rules of the whole desk say of another stop or target for an open position."""
        return self._checks.find_stop_faults(account, position, protection)

    def permit(self, found: Sequence[OrderRefused], confirmed: frozenset[str]) -> None:
        """Pass something that is no order through the arm switch and the person's consent.

        Raises:
            OrderRefused: one of ``found`` that cannot be confirmed, or the terminal is on View.
            ConfirmationNeeded: show it and call again.
        """
        self._checks.require_armed()
        self._checks.require(found, confirmed)
        self.arming.touch()

    # -- submit ---------------------------------------------------------------------------------------

    async def submit(
        self, account: str, request: OrderRequest, *, confirmed: frozenset[str] = frozenset()
    ) -> Order:
        """Send an order. What became of it is its state: OPEN, FILLED, REJECTED (see ``reason``), IN_DOUBT...

        ``confirmed`` holds the tokens of what the person has confirmed (``ConfirmationNeeded.tokens``,
        ``CheckResult.tokens``); ``"arm"`` is the plain confirmation of the Confirm state; a bare rule name
        covers that rule whatever its figure.

        Raises:
            ConfirmationNeeded: show the request and call again.
            OrderRefused: our own check said no.
            StorageError: it could not be journaled.
            NotSent: it failed before the first byte left (the order is kept, REJECTED, with the reason).
        """
        if not self._started:
            await self.start()
        self._checks.require_armed()
        self._checks.require(self._checks.find_faults(account, request, exclude=None), confirmed)
        connector = self._connector(account)
        assert connector is not None  # _find_faults refuses without one
        # No await between the checks and here: a second click in the same turn finds this order.
        order = self._enter(account, request)
        await self._journal_intent(order)
        self._require_still_wanted(order, connector)
        await self._send(order, connector)
        return order

    def _enter(self, account: str, request: OrderRequest) -> Order:
        now = self._clock.wall_ns()
        order = Order(
            client_order_id=self._make_id(),
            account=account,
            request=request,
            state=OrderState.PENDING_NEW,
            created_ns=now,
            updated_ns=now,
            quantity=request.quantity,
            limit_price=request.limit_price,
            trigger_price=request.trigger_price,
            display_quantity=request.display_quantity,
            protection=request.protection,
        )
        self._ledger.table.add(order)
        self._checks.entered(order)
        self.arming.touch()
        self.changed.notify(order)
        return order

    async def _journal_intent(self, order: Order) -> None:
        faultpoint.hit("submit.before_journal")
        row = encode_order(order, self._ledger.facts(order))
        try:
            async with asyncio.timeout(self.timings.journal_s):
                await self._journal.record_intent(row)
        except TimeoutError as error:
            text = "Not sent: the disk took too long to keep the order. Canceling still works."
            self._give_up_unsent(order, text)
            raise StorageError("the journal did not answer in time", user_text=text) from error
        except StorageError as error:
            self._give_up_unsent(order, error.user_text)
            raise
        except asyncio.CancelledError:
            self._give_up_unsent(order, "Not sent: the terminal was closing.")
            raise
        faultpoint.hit("submit.after_journal")

    def _give_up_unsent(self, order: Order, text: str) -> None:
        """Certain: not one byte left."""
        self._ledger.facts(order).refused = True
        order.reason = text
        self._ledger.update(order, "not sent", text)

    def _require_still_wanted(self, order: Order, connector: TradesOrders) -> None:
        """The disk may have taken its time; what was true at the click must still be."""
        why = ""
        if self._ledger.facts(order).cancel_when_known:
            why = "Not sent: canceled before it left."
        elif self.arming.state is ArmState.VIEW:
            why = "Not sent: the terminal was switched to View."
        elif not self.ready(order.account) or self._connector(order.account) is not connector:
            why = "Not sent: the connection was lost before it left."
        if why:
            self._give_up_unsent(order, why)
            raise NotSent(order.instrument.venue, why, user_text=why)

    async def _send(self, order: Order, connector: TradesOrders) -> None:
        facts = self._ledger.facts(order)
        faultpoint.hit("submit.before_send")
        try:
            async with asyncio.timeout(self.timings.answer_s):
                ack = await connector.submit(order.request, order.client_order_id)
            if not ack.venue_order_id:
                raise ProtocolViolation(order.instrument.venue, "a yes without an order id")
        except BaseException as error:
            faultpoint.hit("submit.after_answer")
            answer = classify(error)
            if answer.kind is AnswerKind.IN_DOUBT:
                if not facts.known:
                    facts.cancel_when_known = facts.cancel_when_known or self.cancel_if_appears
                    self._doubt(order, DoubtKind.SUBMIT, answer.text)
                if not isinstance(error, Exception):
                    raise
                return
            facts.refused = True
            order.reason = answer.text
            if answer.kind is AnswerKind.NOT_SENT:
                order.reason = f"Nothing was sent: {answer.text}"
            self._ledger.update(order, answer.kind.value, order.reason)
            if isinstance(error, NotSent):
                raise
            return
        faultpoint.hit("submit.after_answer")
        self._ledger.accept(order, ack.venue_order_id)
        faultpoint.hit("submit.done")

    def _doubt(self, order: Order, kind: DoubtKind, text: str) -> None:
        self._ledger.doubt(order, kind, text)
        if self.inquiries.is_doubtful(order):
            self._ledger.tell(
                Level.WARNING,
                doubt_text(order, kind),
                text,
                order.client_order_id,
                until_known=True,
            )
            self.inquiries.begin(order)

    # -- amend ----------------------------------------------------------------------------------------

    async def amend(
        self, client_order_id: str, change: AmendRequest, *, confirmed: frozenset[str] = frozenset()
    ) -> Order:
        """Change a resting order in place.

        Without an answer the order keeps its old terms on screen, with ``amend_pending`` set, until the venue
        shows which ones it has.

        Raises:
            ConfirmationNeeded, OrderRefused, StorageError, NotSent: as :meth:`submit`.
            Unsupported: the venue cannot.
            RequestRejected, AuthRejected, RateLimited: the venue's no; the old terms stand.
        """
        if not self._started:
            await self.start()
        order = self._get(client_order_id)
        facts = self._ledger.facts(order)
        connector = self._connector(order.account)
        self._checks.require_armed()
        if order.state not in (OrderState.OPEN, OrderState.PARTLY_FILLED) or facts.doubts:
            raise OrderRefused("not_open", f"The order is {order.state.value}; it cannot be changed now.")
        if order.amend_pending is not None:
            raise OrderRefused("amend", "A change of this order is still under way.")
        if connector is None or not self.ready(order.account):
            raise OrderRefused("not_ready", self.closed_reason(order.account))
        if not isinstance(connector, Amends):
            raise Unsupported("amend", "This venue cannot change an order; cancel it and place a new one.")
        self._checks.require(self._checks.find_amend_faults(order, change), confirmed)
        order.amend_pending = change
        try:
            async with asyncio.timeout(self.timings.journal_s):
                await self._journal.record(encode_order(order, facts), "amend")
        except (TimeoutError, StorageError, asyncio.CancelledError) as error:
            order.amend_pending = None
            self._ledger.update(order, "amend not sent")
            if isinstance(error, TimeoutError):
                raise StorageError("the journal did not answer in time") from error
            raise
        self.arming.touch()
        self.changed.notify(order)
        faultpoint.hit("amend.before_send")
        try:
            async with asyncio.timeout(self.timings.answer_s):
                await connector.amend(order.ref, change)
        except BaseException as error:
            faultpoint.hit("amend.after_answer")
            answer = classify(error)
            if answer.kind is AnswerKind.IN_DOUBT:
                self._doubt(order, DoubtKind.AMEND, answer.text)
                if not isinstance(error, Exception):
                    raise
                return order
            order.amend_pending = None
            order.reason = f"Not changed: {answer.text}"
            self._ledger.update(order, "amend refused", answer.text)
            raise
        faultpoint.hit("amend.after_answer")
        self._take_amended(order, change)
        return order

    def _take_amended(self, order: Order, change: AmendRequest) -> None:
        """The venue's yes: the new terms hold, unless its report has brought them already."""
        if order.amend_pending is change:
            order.amend_pending = None
            order.quantity = change.quantity or order.quantity
            order.limit_price = change.limit_price or order.limit_price
            order.trigger_price = change.trigger_price or order.trigger_price
            order.display_quantity = change.display_quantity or order.display_quantity
            order.protection = change.protection or order.protection
        order.reason = ""
        self._ledger.update(order, "amended")

    # -- cancel ---------------------------------------------------------------------------------------

    async def cancel(self, client_order_id: str) -> Order:
        """Ask to cancel an order. It is canceled when the venue says so, not when this returns.

        Works without a journal, in View, and before a reconciliation. An order whose submit is unanswered is
        canceled as soon as the venue is known to have it.

        Raises:
            OrderRefused: the order has ended already.
            NotSent, RateLimited: nothing was sent; try again.
            RequestRejected, AuthRejected: the venue's no, and the order is still open as far as it says.
        """
        order = self._get(client_order_id)
        facts = self._ledger.facts(order)
        if order.state.is_final:
            raise OrderRefused("not_open", f"The order is {order.state.value} already.")
        if order.state is OrderState.PENDING_NEW or DoubtKind.SUBMIT in facts.doubts:
            facts.cancel_when_known = True
            self._ledger.update(order, "cancel when known")
            if order.state is OrderState.PENDING_NEW:
                return order
        connector = self._connector(order.account)
        if connector is None:
            raise NotSent(order.instrument.venue, "no connection")
        facts.cancel_sent = True
        self._ledger.update(order, "cancel")
        faultpoint.hit("cancel.before_send")
        try:
            async with asyncio.timeout(self.timings.answer_s):
                await connector.cancel(order.ref)
        except BaseException as error:
            faultpoint.hit("cancel.after_answer")
            if await self._take_cancel_failure(order, error):
                raise
            return order
        faultpoint.hit("cancel.after_answer")
        self._ledger.update(order, "cancel taken")
        self._expect_canceled(order)
        return order

    async def _take_cancel_failure(self, order: Order, error: BaseException) -> bool:
        """Take a cancel that was not a plain yes; True where the caller has to hear of it."""
        facts = self._ledger.facts(order)
        answer = classify(error)
        if answer.kind is AnswerKind.IN_DOUBT:
            self._doubt(order, DoubtKind.CANCEL, f"The cancel was not answered: {answer.text}")
            return not isinstance(error, Exception)
        if order.state.is_final:
            return False  # it ended while the cancel was on its way
        facts.cancel_sent = False
        if not facts.known and DoubtKind.SUBMIT in facts.doubts:
            # "Unknown order" about one that may still be on its way says nothing.
            self._ledger.update(order, "cancel refused", answer.text)
            return False
        order.reason = f"Not canceled: {answer.text}"
        self._ledger.update(order, "cancel refused", answer.text)
        if isinstance(error, RequestRejected):
            # Most often it has just been filled or is gone already: ask before showing anything.
            look = await self.inquiries.look(order)
            if _has_ended(order):
                return False
            if look is Look.UNKNOWN:
                self._doubt(order, DoubtKind.MISSING, "the venue does not know this order any more")
        return True

    def _expect_canceled(self, order: Order) -> None:
        """The venue took the cancel; if it does not report the end of the order soon, ask."""
        if not order.state.is_final:
            self._spawn(self._ask_if_not_canceled(order), f"cancel {order.client_order_id}")

    async def _ask_if_not_canceled(self, order: Order) -> None:
        await asyncio.sleep(self.timings.cancel_confirm_s)
        is_listed = self.orders.get(order.client_order_id) is order
        if is_listed and order.state is OrderState.PENDING_CANCEL:
            self._ledger.doubt(
                order, DoubtKind.CANCEL, "The venue took the cancel, but has not confirmed it."
            )
            self.inquiries.begin(order)

    async def cancel_all(
        self,
        account: str,
        symbol: str | None = None,
        side: Side | None = None,
        kind: frozenset[OrderType] | None = None,
    ) -> CancelOutcome:
        """Cancel open orders, all or those that match; works whenever :meth:`cancel` does.

        Orders that are still unanswered are canceled as soon as they appear. With no filter the venue's own
        cancel-all is used where there is one, so that orders placed elsewhere go too.

        Raises:
            NotSent: there is no connection.
        """
        connector = self._connector(account)
        if connector is None:
            raise NotSent(account.partition(":")[0], "no connection")
        targets = [
            order
            for order in self.open_orders(account)
            if (symbol is None or order.instrument.symbol == symbol)
            and (side is None or order.side is side)
            and (kind is None or order.order_type in kind)
        ]
        everything = symbol is None and side is None and kind is None
        return await cancel_orders(
            self._ledger,
            connector,
            targets,
            everything=everything,
            timings=self.timings,
            doubt=self._doubt,
            expect=self._expect_canceled,
        )

    # -- doubt ----------------------------------------------------------------------------------------

    async def check_now(self, client_order_id: str) -> Order:
        """Ask the venue after an order at once."""
        order = self._get(client_order_id)
        await self.inquiries.look(order)
        return order

    def treat_as_live(self, client_order_id: str) -> Order:
        """The person takes an order in doubt for open. The next reconciliation compares it with the venue."""
        order = self._get(client_order_id)
        facts = self._ledger.facts(order)
        if not self.inquiries.is_doubtful(order):
            raise OrderRefused("not_in_doubt", "This order is not in doubt.")
        facts.doubts.clear()
        facts.unreadable = False
        facts.known = True
        order.reason = "taken for live by you; the venue has not confirmed it"
        self._ledger.update(order, "treated as live")
        self.inquiries.forget(client_order_id)
        return order

    def settle_not_found(self, client_order_id: str) -> Order:
        """The person settles an order that the venue plainly does not know.

        Raises:
            OrderRefused: the venue has not said so often and long enough yet.
        """
        order = self._get(client_order_id)
        facts = self._ledger.facts(order)
        doubt = self.inquiries.doubts.get(client_order_id)
        if doubt is None or not doubt.can_settle:
            raise OrderRefused(
                "not_settleable", "The venue has not clearly said yet that it has no such order."
            )
        facts.doubts.clear()
        order.reason = f"not found: the venue knew nothing of it in {doubt.unknowns} looks"
        if facts.known or order.filled_quantity > 0:
            facts.ended = OrderState.CANCELED
        else:
            facts.refused = True
        self._ledger.update(order, "settled as not found", order.reason)
        self.inquiries.forget(client_order_id)
        return order

    # -- events ---------------------------------------------------------------------------------------

    def on_event(self, account: str, event: VenueEvent) -> None:
        """Take an order report or a fill from the account's stream; other events are not for this gate."""
        if isinstance(event, OrderReported):
            self._ledger.report(account, event.report)
        elif isinstance(event, FillReported):
            self._ledger.fill(account, event.fill)

    def _on_changed(self, order: Order) -> None:
        """An order that was to be canceled as soon as it is known is known now."""
        key = order.client_order_id
        facts = self._ledger.table.facts.get(key)
        if facts is None:
            return
        if key in self.inquiries.doubts and not self.inquiries.is_doubtful(order):
            self.inquiries.forget(key)
        if facts.unreadable and self._started and key not in self.inquiries.doubts:
            self._ledger.tell(
                Level.WARNING,
                f"{order.instrument.symbol}: the venue reported a state that cannot be read. Checking.",
                order.reason,
                key,
            )
            self.inquiries.begin(order)
        if facts.cancel_when_known and order.state in (OrderState.OPEN, OrderState.PARTLY_FILLED):
            facts.cancel_when_known = False
            self._spawn(self._cancel_known(order), f"cancel {key}")

    async def _cancel_known(self, order: Order) -> None:
        try:
            await self.cancel(order.client_order_id)
        except OrderRefused:
            return  # it has ended meanwhile
        except (NotSent, RequestRejected) as error:
            self._ledger.tell(
                Level.ERROR,
                f"{order.instrument.symbol}: the order appeared and could not be canceled: {error.user_text}",
                client_order_id=order.client_order_id,
            )

    def _on_parked(self, key: VenueKey) -> None:
        if key in self._ledger.table.parked:
            self._spawn(self._explain_after_grace(key), f"parked {key[1]}")

    async def _explain_after_grace(self, key: VenueKey) -> None:
        await asyncio.sleep(self.timings.parked_grace_s)
        connector = self._connector(key[0])
        if connector is not None and self.ready(key[0]):
            await explain_parked(self._ledger, key, connector, self.timings.look_s)
        # Otherwise the reconciliation that opens the account explains it.

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        task = tasks.spawn(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    # -- reconciliation -------------------------------------------------------------------------------

    def suspend(self, account: str, reason: str) -> None:
        """Close an account for new orders until it is reconciled again; cancels stay possible."""
        self._closed_reasons[account] = reason
        if account in self._ready:
            self._ready.discard(account)
            # Until now the stream told us everything.
            self._reconciler.note_closed(account)
            now = self._clock.wall_ns()
            self._ledger.seen[account] = now
            self._journal.note_seen(account, now)
            self.readiness.notify(account)

    def reconcile_from_ns(self, account: str) -> int:
        """Since when orders and fills have to be asked for: a margin before what was seen last, and not after
        the oldest order that is still open; a day for an account that was never seen, two weeks at most."""
        now = self._clock.wall_ns()
        # A clock that was ahead may have noted a time that has not come yet.
        since = min(now, self._ledger.seen.get(account, now - _DAY_NS)) - _SEEN_MARGIN_NS
        for order in self.open_orders(account):
            since = min(since, order.created_ns - _MINUTE_NS)
        return max(since, now - MEMORY_NS)

    async def reconcile(self, account: str, snapshot: AccountSnapshot) -> ReconcileReport:
        """Compare an account with its venue, settle what can be settled, and open it for orders.

        Raises:
            VenueUnavailable: the venue could not be asked; the account stays closed, try again.
            StorageError: what was doubtful in the last run cannot be read; likewise.
        """
        await self.start()
        connector = self._connector(account)
        if connector is None:
            raise NotSent(account.partition(":")[0], "no connection")
        self._ready.discard(account)
        report = await self._reconciler.run(account, snapshot, connector)
        self._ready.add(account)
        self._closed_reasons.pop(account, None)
        if report.text:
            log.info("%s: %s", account, report.text)
        if not report.positions_known:
            self._ledger.tell(Level.WARNING, "The venue did not tell the positions; they may not be flat.")
        self.readiness.notify(account)
        self.reconciled.notify(report)
        return report

    # -- small things ---------------------------------------------------------------------------------

    def _get(self, client_order_id: str) -> Order:
        order = self.orders.get(client_order_id)
        if order is None:
            raise OrderRefused("unknown_order", "There is no such order.")
        return order


def _has_ended(order: Order) -> bool:
    return order.state.is_final
