"""From a click to an order and back, the same way for the ticket and the ladder.

Show the exact request, wait for the yes, look whether a figure has changed meanwhile, hand it to the one
gate, and tell in plain words what became of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.domain.contracts import ContractTerms
from terminal.domain.decimals import ZERO
from terminal.domain.errors import NotSent, OrderRefused, StorageError, TerminalError
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, Order, OrderRequest, OrderState
from terminal.domain.rules import plain
from terminal.domain.worth import money_side
from terminal.services.arming import ArmState
from terminal.services.order_checks import ConfirmationNeeded
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import amount_text, coin_digits
from terminal.viewmodels.confirm import Confirmation, amend_confirmation, order_confirmation
from terminal.viewmodels.cost import CostEstimate, worse_by_pct
from terminal.viewmodels.ports import Gate, Place

log = logging.getLogger("ui")

WORSE_SHOWN_AGAIN_PCT: Final = Decimal("0.1")
"""An estimated total that has got worse by more than this since it was shown is shown again, not sent."""
DISTANCE_SHOWN_AGAIN_PCT: Final = Decimal(25)
"""A stop or target typed as a price is sent as a distance by a market order, which moves with every tick."""
SIZE_KEPT_PCT: Final = Decimal(2)
"""A size worked out from risk or a share moves too: by so little (or one step), the shown one is sent."""


@dataclass(frozen=True, slots=True)
class RequestView:
    """What is shown before it is sent, and what is then compared with the figures of the moment."""

    account: str
    confirmation: Confirmation
    tokens: frozenset[str]
    """What a yes consents to."""
    request: OrderRequest | None = None
    changes: Changes = ()
    """The orders to be changed and their new terms, where this is an amend."""
    total: Decimal | None = None
    """The estimated total that was shown, in what the instrument is settled in."""
    news: str = ""
    """What has changed since it was first shown; empty the first time."""


Changes = tuple[tuple[Order, AmendRequest], ...]


class ResultKind(Enum):
    """The colour and the sign of a result line."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DOUBT = "in doubt"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the last action, in one plain sentence. ``field`` is the form field it is about."""

    kind: ResultKind
    text: str
    order_id: str = ""
    field: str = ""


Rebuild = Callable[[], OrderRequest | None]
CostOf = Callable[[OrderRequest], CostEstimate | None]
MarginOf = Callable[[OrderRequest, CostEstimate | None], str | None]
"""What an order ties up, in words (empty: it cannot be known); None where it is paid in full."""

LegsOf = Callable[[OrderRequest], tuple[Decimal | None, Decimal | None]]
"""The prices of stop and target that were typed for an order which sends them as distances."""


def _no_legs(request: OrderRequest) -> tuple[None, None]:
    """Where nobody types any."""
    return None, None


def _paid_in_full(request: OrderRequest, cost: CostEstimate | None) -> None:
    """Where nobody trades on margin."""


class OrderSender(QObject):
    """Takes one panel's intents to the gate.

    Signals:
        confirmation_needed: a :class:`RequestView` waits in ``pending`` for :meth:`confirm` or
            :meth:`discard`.
        changed: ``pending`` or ``result`` changed.
    """

    confirmation_needed = Signal(object)
    changed = Signal()

    def __init__(
        self,
        gate: Gate,
        instrument_of: Callable[[InstrumentId], Instrument | None],
        cost_of: CostOf,
        clock: Clock,
        parent: QObject | None = None,
        *,
        margin_of: MarginOf = _paid_in_full,
        legs_of: LegsOf = _no_legs,
    ) -> None:
        super().__init__(parent)
        self.pending: RequestView | None = None
        self.result: Result | None = None
        self._gate = gate
        self._instrument_of = instrument_of
        self._cost_of = cost_of
        self._margin_of = margin_of
        self._legs_of = legs_of
        self._clock = clock
        self._told_ns = 0
        self._rebuild: Rebuild | None = None
        self._awaited: OrderRequest | None = None
        self._badge = ""
        self._title = ""
        self._note = ""
        self._unwatch = gate.changed.watch(self._on_order)

    def close(self) -> None:
        """Stop following orders."""
        self._unwatch()

    # -- what a panel asks for ------------------------------------------------------------------------

    def submit(self, place: Place, request: OrderRequest, rebuild: Rebuild, *, ask: bool = False) -> None:
        """Take a new order to the gate, with a confirmation first where one is due.

        ``rebuild`` makes the same request again from the figures of the moment, so that a yes to an old
        figure is never taken for a yes to a new one. ``ask`` asks for a confirmation in any arm state.
        """
        if self._refused_by_arm():
            return
        if not place.can_trade:
            self._tell(ResultKind.REFUSED, place.note)
            return
        self._rebuild, self._badge, self._note, self._title = rebuild, place.badge, place.note, place.name
        found = self._gate.check(place.account, request)
        if found.refusals:
            self._refuse(found.refusals[0])
        elif found.warnings or ask or self._gate.arming.state is ArmState.CONFIRM:
            self._show(place.account, request, found.warnings)
        else:
            self._spawn(self._submit(place.account, request, frozenset()), "submit")

    def amend(
        self, place: Place, changes: Sequence[tuple[Order, AmendRequest]], *, ask: bool = False
    ) -> None:
        """Change resting orders of one instrument, with one confirmation first where one is due."""
        if not changes or self._refused_by_arm():
            return
        self._badge, self._note, self._title = place.badge, place.note, place.name
        if ask or self._gate.arming.state is ArmState.CONFIRM:
            try:
                found = [self._gate.check_amend(order.client_order_id, change) for order, change in changes]
            except TerminalError as error:
                self._tell(ResultKind.REFUSED, f"Not changed: {error.user_text}")
                return
            refusals = [refusal for each in found for refusal in each.refusals]
            if refusals:
                # Nobody is asked about what would be refused anyway.
                self._tell(ResultKind.REFUSED, f"Not changed: {refusals[0].user_text}")
                return
            self._show_amend(place.account, tuple(changes), ())
            return
        for change in changes:
            self._spawn(self._amend(place.account, change, frozenset()), "amend")

    def cancel(self, order_ids: Sequence[str]) -> None:
        """Cancel orders; works in every arm state."""
        for order_id in order_ids:
            self._spawn(self._cancel(order_id), "cancel")

    def confirm(self) -> None:
        """The person's yes to ``pending``. Sends it, or shows it again if a figure has changed since."""
        view, self.pending = self.pending, None
        if view is None:
            return
        self._tell(ResultKind.SENDING, "Sending…")
        for change in view.changes:
            self._spawn(self._amend(view.account, change, view.tokens | {"arm"}), "amend")
        if view.changes:
            return
        assert view.request is not None
        fresh = self._rebuild() if self._rebuild is not None else None
        if fresh is None:
            self._tell(ResultKind.REFUSED, "Not sent: the order cannot be made up any more. Look again.")
            return
        fresh = self._with_shown_size(view, fresh)
        news = self._changed_since(view, fresh)
        found = self._gate.check(view.account, fresh)
        if found.refusals:
            self._refuse(found.refusals[0])
        elif news:
            self._show(view.account, fresh, found.warnings, news)
        else:
            self._spawn(self._submit(view.account, fresh, view.tokens | {"arm"}), "submit")

    def discard(self) -> None:
        """The person's no to ``pending``; nothing is sent."""
        if self.pending is not None:
            self.pending = None
            self.changed.emit()

    def check_now(self) -> None:
        """Ask the venue at once after the order in doubt."""
        if self.result is not None and self.result.kind is ResultKind.DOUBT:
            self._spawn(self._gate.check_now(self.result.order_id), "check now")

    def treat_as_live(self) -> None:
        """Take the order in doubt for open; the next reconciliation compares it with the venue."""
        if self.result is not None and self.result.kind is ResultKind.DOUBT:
            try:
                self._follow(self._gate.treat_as_live(self.result.order_id))
            except OrderRefused as refusal:
                self._tell(ResultKind.REFUSED, refusal.user_text)

    def tell(self, text: str, *, refused: bool = True) -> None:
        """Put a line where the results stand."""
        self._tell(ResultKind.REFUSED if refused else ResultKind.INFO, text)

    def clear_result(self) -> None:
        """Take the result line away, unless it is about an order in doubt."""
        if self.result is not None and self.result.kind not in (ResultKind.DOUBT, ResultKind.SENDING):
            self.result = None
            self.changed.emit()

    def expire_result(self, after_s: float) -> None:
        """Take away a result line that has been read, unless its order is still on its way or in doubt."""
        if self._clock.monotonic_ns() - self._told_ns >= after_s * 1e9:
            self.clear_result()

    # -- showing --------------------------------------------------------------------------------------

    def _refused_by_arm(self) -> bool:
        if self._gate.arming.state is not ArmState.VIEW:
            return False
        self._tell(
            ResultKind.REFUSED, "Not sent: the terminal is on View. Switch to Confirm in the top bar first."
        )
        return True

    def _refuse(self, refusal: OrderRefused) -> None:
        text = refusal.user_text
        self._tell(ResultKind.REFUSED, f"Not sent: {text}", field=refusal.field or "")

    def _show(
        self, account: str, request: OrderRequest, warnings: Sequence[OrderRefused], news: str = ""
    ) -> None:
        instrument = self._instrument_of(request.instrument)
        if instrument is None:
            self._tell(ResultKind.REFUSED, f"Not sent: {request.instrument.symbol} is not listed now.")
            return
        cost = self._cost_of(request)
        shown = order_confirmation(
            request,
            instrument,
            badge=self._badge,
            venue=self._title,
            notional=cost.notional if cost is not None else None,
            fee=cost.fee if cost is not None else None,
            price=cost.average_price if cost is not None else None,
            margin=self._margin_of(request, cost),
            legs=self._legs_of(request),
            warnings=_sentences(warnings),
            now_ns=self._clock.wall_ns(),
        )
        self.pending = RequestView(
            account,
            replace(shown, note=news or _joined(self._note, shown.note)),
            frozenset(each.token for each in warnings),
            request=request,
            total=cost.total if cost is not None else None,
            news=news,
        )
        self._announce()

    def _show_amend(self, account: str, changes: Changes, warnings: Sequence[OrderRefused]) -> None:
        order, change = changes[0]
        instrument = self._instrument_of(order.instrument)
        shown = amend_confirmation(order, change, instrument, badge=self._badge, venue=self._title)
        if len(changes) > 1:
            each = [amend_confirmation(*one, instrument, badge="", venue="").rows[1:] for one in changes]
            rows = tuple(row for number in each for row in number)
            title = f"Change {len(changes)} {order.side.value}s of {order.instrument.symbol}"
            shown = replace(shown, title=title, rows=(*shown.rows[:1], *rows))
        self.pending = RequestView(
            account,
            replace(shown, note=self._note, warnings=_sentences(warnings)),
            frozenset(each.token for each in warnings),
            changes=changes,
        )
        self._announce()

    def _announce(self) -> None:
        self.result = None
        self.changed.emit()
        self.confirmation_needed.emit(self.pending)

    def _with_shown_size(self, view: RequestView, fresh: OrderRequest) -> OrderRequest:
        """The quantity that was said yes to, where the market has moved it by next to nothing since.

        An edit takes the question back, so only the market and the account can have changed it.
        """
        old = view.request
        assert old is not None
        instrument = self._instrument_of(fresh.instrument)
        step = instrument.quantity_step if instrument is not None else ZERO
        kept = max(step, old.quantity * SIZE_KEPT_PCT / 100)
        if fresh.quantity != old.quantity and abs(fresh.quantity - old.quantity) <= kept:
            return replace(fresh, quantity=old.quantity)
        return fresh

    def _changed_since(self, view: RequestView, fresh: OrderRequest) -> str:
        """What differs from what was shown, in words; empty where a yes to the old is a yes to the new."""
        old = view.request
        assert old is not None
        if not _same_terms(old, fresh):
            if fresh.quantity != old.quantity:
                return (
                    f"The quantity changed from {fmt.quantity(old.quantity)} to "
                    f"{fmt.quantity(fresh.quantity)}: look again."
                )
            return f"{_moved_terms(old.contract, fresh.contract)}: look again."
        cost = self._cost_of(fresh)
        total = cost.total if cost is not None else None
        if view.total is None:
            return ""
        instrument = self._instrument_of(fresh.instrument)
        side = fresh.side if instrument is None else money_side(instrument, fresh.side)
        if worse_by_pct(side, view.total, total) > WORSE_SHOWN_AGAIN_PCT:
            digits = coin_digits(view.total) if instrument is not None and instrument.is_inverse else 2
            before = fmt.money(view.total, decimals=digits)
            now = fmt.money(total, decimals=digits) if total is not None else "unknown"
            return f"The total moved from {before} to {now}: look again."
        return ""

    # -- sending --------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, object], what: str) -> None:
        tasks.spawn(work, name=f"{what} from a panel")

    async def _submit(self, account: str, request: OrderRequest, confirmed: frozenset[str]) -> None:
        self._tell(ResultKind.SENDING, "Sending…")
        self._awaited = request
        try:
            order = await self._gate.submit(account, request, confirmed=confirmed)
        except ConfirmationNeeded as needed:
            if not confirmed or any(each.rule != "arm" for each in needed.warnings):
                self._show(account, request, needed.warnings, "" if not confirmed else "A figure got worse.")
            else:
                self._refuse(needed)
        except OrderRefused as refusal:
            self._refuse(refusal)
        except (NotSent, StorageError) as error:
            self._tell(ResultKind.REFUSED, error.user_text)
        except TerminalError as error:
            log.warning("an order ended unexpectedly: %s", error)
            self._tell(ResultKind.REFUSED, error.user_text)
        else:
            self._follow(order)
        finally:
            if self._awaited is request:
                self._awaited = None

    async def _amend(self, account: str, one: tuple[Order, AmendRequest], confirmed: frozenset[str]) -> None:
        order_id = one[0].client_order_id
        self._tell(ResultKind.SENDING, "Sending the change…")
        try:
            order = await self._gate.amend(order_id, one[1], confirmed=confirmed)
        except ConfirmationNeeded as needed:
            self._show_amend(account, (one,), needed.warnings)
        except TerminalError as error:
            self._tell(ResultKind.REFUSED, f"Not changed: {error.user_text}")
        else:
            if order.amend_pending is not None:
                self._tell(ResultKind.DOUBT, "No answer to the change yet: checking…", order_id=order_id)
            else:
                self._follow(order)

    async def _cancel(self, order_id: str) -> None:
        try:
            order = await self._gate.cancel(order_id)
        except TerminalError as error:
            self._tell(ResultKind.REFUSED, f"Not canceled: {error.user_text}")
        else:
            self._follow(order)

    # -- results --------------------------------------------------------------------------------------

    def _follow(self, order: Order) -> None:
        kind, text = describe(order, self._instrument_of(order.instrument))
        self._tell(kind, text, order_id=order.client_order_id)

    def tell_end(self, order_id: str, text: str) -> None:
        """What the order brought, where the last result told was of that order: a contract has ended."""
        if self.result is not None and self.result.order_id == order_id:
            self._tell(ResultKind.INFO, text, order_id=order_id)

    def _on_order(self, order: Order) -> None:
        # The account's stream may tell of the order before its answer does, or instead of it.
        told = order.request is self._awaited and order.state is not OrderState.PENDING_NEW
        if told or (self.result is not None and self.result.order_id == order.client_order_id):
            self._follow(order)

    def _tell(self, kind: ResultKind, text: str, *, order_id: str = "", field: str = "") -> None:
        result = Result(kind, text, order_id, field)
        self._told_ns = self._clock.monotonic_ns()
        if result != self.result:
            self.result = result
            self.changed.emit()


def _same_terms(old: OrderRequest, fresh: OrderRequest) -> bool:
    """The same order, distances of stop and target aside that have moved a little with the market."""
    before, after = old.protection, fresh.protection
    if before is None or after is None:
        return fresh == old
    for was, now in (
        (before.stop_distance, after.stop_distance),
        (before.profit_distance, after.profit_distance),
    ):
        if was is not None and now is not None and abs(now - was) > was * DISTANCE_SHOWN_AGAIN_PCT / 100:
            return False
    moved = replace(
        before,
        stop_distance=after.stop_distance if before.stop_distance is not None else None,
        profit_distance=after.profit_distance if before.profit_distance is not None else None,
    )
    return replace(old, protection=moved) == fresh


def _moved_terms(old: ContractTerms | None, fresh: ContractTerms | None) -> str:
    """What of a contract's terms has moved with the market or the clock, in words."""
    if old is not None and fresh is not None:
        if fresh.payout_pct != old.payout_pct:
            return f"The payout changed from {plain(old.payout_pct)} % to {plain(fresh.payout_pct)} %"
        if old.expires_ns is not None and fresh.expires_ns is not None and fresh.expires_ns != old.expires_ns:
            was, now = fmt.utc_time(old.expires_ns), fmt.utc_time(fresh.expires_ns)
            return f"The end moved from {was} to {now}"
        if old.opens_ns is not None and fresh.opens_ns is not None and fresh.opens_ns != old.opens_ns:
            return "The opening time has gone by"
    return "The order changed while it was shown"


def _joined(*notes: str) -> str:
    return " · ".join(each for each in notes if each)


def _sentences(warnings: Sequence[OrderRefused]) -> tuple[str, ...]:
    """What has to be consented to, in words; the plain "confirm it" of the Confirm state needs none."""
    return tuple(_sentence(each.user_text) for each in warnings if each.rule != "arm")


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


def describe(order: Order, instrument: Instrument | None) -> tuple[ResultKind, str]:
    """An order's state as a result line: ``Accepted: buy 0.05 BTC limit at 64 120.1 is open.``"""
    digits = instrument.price_decimals if instrument is not None else 8
    amount = partial(amount_text, instrument=instrument)
    what = f"{order.side.value} {amount(order.quantity, in_quote=order.request.in_quote)}"
    price = order.limit_price or order.trigger_price
    at = f" at {fmt.price(price, digits)}" if price is not None else ""
    if order.request.contract is not None:
        what = f"{'up' if order.side is Side.BUY else 'down'} {amount(order.quantity)}"
    state = order.state
    if state is OrderState.IN_DOUBT:
        return ResultKind.DOUBT, f"No answer to {what}{at} yet: checking whether it arrived…"
    if state is OrderState.REJECTED:
        return ResultKind.REFUSED, f"Rejected: {order.reason or 'the venue gave no reason'}"
    if state is OrderState.PENDING_NEW:
        return ResultKind.SENDING, f"Sending {what}{at}…"
    if state is OrderState.PENDING_CANCEL:
        return ResultKind.SENDING, f"Canceling {what}{at}…"
    average = f" at {fmt.price(order.average_price, digits)}" if order.average_price is not None else at
    if state is OrderState.FILLED:
        word = "Filled" if order.request.contract is None else "Taken"
        return ResultKind.ACCEPTED, f"{word}: {what}{average}."
    lot = (instrument.lot_size if instrument is not None else None) or 1
    done = f"{fmt.quantity(order.filled_quantity / lot)} of {amount(order.quantity)}"
    if state is OrderState.PARTLY_FILLED:
        return ResultKind.ACCEPTED, f"Partly filled: {done}{average}."
    if state in (OrderState.CANCELED, OrderState.EXPIRED):
        why = f" ({order.reason})" if order.reason else ""
        part = f", {done} filled" if order.filled_quantity else ""
        return ResultKind.INFO, f"{state.value.capitalize()}: {what}{at}{part}{why}."
    if order.request.contract is not None:
        return ResultKind.ACCEPTED, f"Accepted: {what}{at} waits to open."
    return ResultKind.ACCEPTED, f"Accepted: {what} {order.order_type.value}{at} is open."
