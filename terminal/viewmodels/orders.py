"""The blotter's order and fill rows, and what a person can do to them: amend, cancel, settle a doubt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.contracts import SOLD_BACK
from terminal.domain.errors import OrderRefused, TerminalError
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import AmendRequest, Fill, Order, OrderState, OrderType, Origin, Protection
from terminal.services.inquiries import Doubt
from terminal.services.mass_cancel import CancelOutcome
from terminal.services.order_checks import ConfirmationNeeded
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import size_text
from terminal.viewmodels.confirm import Asker, amend_confirmation, protection_rows, type_text
from terminal.viewmodels.contract_words import (
    is_end,
    kind_words,
    length_words,
    side_word,
    state_words,
    terms_tip,
)
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.order_rows import (
    CANCEL,
    CHECK,
    FILL_COLUMNS,
    ORDER_COLUMNS,
    SETTLE,
    TREAT_AS_LIVE,
    FillRow,
    OrderRow,
)
from terminal.viewmodels.size_entry import parse_number
from terminal.viewmodels.tables import Action, TableModel

# How often the seconds of a doubt are counted on; the inquiry itself has a rhythm of its own.
_DOUBT_TICK_S = 1.0
_ENDED_KEPT = 200


class OrderDesk(Protocol):
    """What the blotter needs of the order gate."""

    changed: Observable[[Order]]
    removed: Observable[[str]]
    fill_added: Observable[[Fill]]

    @property
    def orders(self) -> Mapping[str, Order]: ...

    @property
    def fills(self) -> Sequence[Fill]: ...

    @property
    def doubts(self) -> Mapping[str, Doubt]: ...

    async def amend(
        self, client_order_id: str, change: AmendRequest, *, confirmed: frozenset[str] = frozenset()
    ) -> Order: ...

    async def cancel(self, client_order_id: str) -> Order: ...

    async def cancel_all(
        self, account: str, symbol: str | None = None, side: Side | None = None
    ) -> CancelOutcome: ...

    async def check_now(self, client_order_id: str) -> Order: ...

    def treat_as_live(self, client_order_id: str) -> Order: ...

    def settle_not_found(self, client_order_id: str) -> Order: ...


class InstrumentSource(Protocol):
    """Where the digits of a price come from."""

    def instrument(self, instrument: InstrumentId, /) -> Instrument | None: ...


class OrdersViewModel(QObject):
    """The Orders and Fills tabs.

    Signals:
        changed: rows or counts changed; at most once a frame.
        refused: (row key, text) an action on a row was refused, with the reason in plain words.

    Attributes:
        model: orders; open ones, and ended ones too while ``show_ended``.
        fills_model: our executions, newest first.
        open_count: orders that rest at a venue, or may.
    """

    changed = Signal()
    refused = Signal(str, str)

    def __init__(
        self,
        gate: OrderDesk,
        market: InstrumentSource,
        notices: NoticesViewModel,
        frames: FrameClock,
        clock: Clock,
        *,
        ask: Asker,
        badge_of: Callable[[str], str],
        titles: Mapping[str, str],
        hidden: Callable[[], Collection[str]] = frozenset,
        name_of: Callable[[str], str] | None = None,
        parent: QObject | None = None,
    ) -> None:
        """``badge_of`` gives the word for an account's kind of money, e.g. PRACTICE; ``titles`` the venues'
        names on screen; ``name_of`` an account's name for a column (the venue's, where it is not said)."""
        super().__init__(parent)
        self.model: TableModel[OrderRow] = TableModel(
            ORDER_COLUMNS,
            lambda row: row.key,
            sort_by="time",
            descending=True,
            gone_text="ended",
            parent=self,
        )
        self.fills_model: TableModel[FillRow] = TableModel(
            FILL_COLUMNS, lambda row: row.key, sort_by="time", descending=True, parent=self
        )
        self.open_count = 0
        self._open_sides: set[Side] = set()
        self.show_ended = False
        self._gate = gate
        self._market = market
        self._notices = notices
        self._frames = frames
        self._clock = clock
        self._ask = ask
        self._badge_of = badge_of
        self._titles = titles
        self._hidden = hidden
        self._name_of = name_of or self._venue
        self._stop_ticking: Callable[[], None] | None = None
        self._busy: set[str] = set()
        self.model.edited.connect(self.amend)
        gate.changed.watch(lambda order: frames.request(self._build))
        gate.removed.watch(lambda key: frames.request(self._build))
        gate.fill_added.watch(lambda fill: frames.request(self._build_fills))
        self._build()
        self._build_fills()

    # -- rows -----------------------------------------------------------------------------------------

    def set_show_ended(self, show: bool) -> None:
        """Also list orders that have ended."""
        self.show_ended = show
        self._build()

    def refresh(self) -> None:
        """Build the rows again in the next frame (instruments have arrived)."""
        self._frames.request(self._build)
        self._frames.request(self._build_fills)

    def _build(self) -> None:
        rows = [self._row(order) for order in self._shown_orders()]
        self.open_count = sum(row.is_open for row in rows)
        self._open_sides = {row.side for row in rows if row.is_open}
        doubtful = any(row.state is OrderState.IN_DOUBT for row in rows)
        if doubtful and self._stop_ticking is None:
            self._stop_ticking = self._frames.every(_DOUBT_TICK_S, self._build)
        elif not doubtful and self._stop_ticking is not None:
            self._stop_ticking()
            self._stop_ticking = None
        shown = [row for row in rows if row.is_open]
        if self.show_ended:
            ended = [row for row in rows if not row.is_open]
            ended.sort(key=lambda row: row.created_ns)
            shown += ended[-_ENDED_KEPT:]
        self.model.set_rows(shown, ended=[row for row in rows if not row.is_open])
        self.changed.emit()

    def is_hidden(self, account: str) -> bool:
        """Whether this account is not shown: its orders are left alone."""
        return account in self._hidden()

    def _shown_orders(self) -> list[Order]:
        hidden = self._hidden()
        return [order for order in self._gate.orders.values() if order.account not in hidden]

    def _row(self, order: Order) -> OrderRow:
        instrument = self._market.instrument(order.instrument)
        text, tone = self._state_words(order)
        resting = order.state in (OrderState.OPEN, OrderState.PARTLY_FILLED)
        contract = order.order_type is OrderType.CONTRACT
        offer = instrument.offer if instrument is not None else None
        return OrderRow(
            key=order.client_order_id,
            account=order.account,
            account_name=self._name_of(order.account),
            symbol=order.instrument.symbol,
            side=order.side,
            type_text=kind_words(order.request)
            if contract
            else type_text(order.request) + _marks(order.protection),
            quantity=order.quantity,
            filled=order.filled_quantity,
            limit=order.limit_price,
            trigger=order.trigger_price,
            average=order.average_price,
            price_decimals=instrument.price_decimals if instrument is not None else 8,
            quantity_decimals=instrument.quantity_decimals if instrument is not None else 8,
            lot=(instrument.lot_size if instrument is not None else None) or Decimal(1),
            unit=instrument.base if instrument is not None and instrument.is_inverse else "",
            created_ns=order.created_ns,
            lifetime=length_words(order.request) if contract else order.request.time_in_force.value,
            origin=_origin_text(order),
            state=order.state,
            state_text=text,
            state_tone=tone,
            reason=order.reason,
            is_open=not order.state.is_final,
            editable=resting and order.amend_pending is None and not contract,
            actions=self._actions(order),
            comment=order.request.comment,
            levels=_levels(order, instrument),
            side_text=side_word(order.request),
            stake_in=offer.currency if contract and offer is not None else "",
            terms=terms_tip(order.request),
        )

    def _title(self, instrument: InstrumentId) -> str:
        return self._venue(instrument.venue)

    def _venue(self, account: str) -> str:
        name = account.partition(":")[0]
        return self._titles.get(name, name)

    def _state_words(self, order: Order) -> tuple[str, str]:
        state = order.state
        if state is OrderState.IN_DOUBT:
            since = order.doubt_since_ns
            seconds = 0 if since is None else max(0, self._clock.monotonic_ns() - since) // 1_000_000_000
            doubt = self._gate.doubts.get(order.client_order_id)
            if doubt is not None and doubt.can_settle:
                return f"not found at the venue, {seconds} s", "warning"
            if doubt is not None and doubt.candidates:
                count = len(doubt.candidates)
                like = "1 order looks like it" if count == 1 else f"{count} orders look like it"
                return f"unknown: {like}, {seconds} s", "warning"
            return f"unknown, checking… {seconds} s", "warning"
        if order.amend_pending is not None:
            return "changing…", "muted"
        if state is OrderState.PENDING_NEW:
            return "sending…", "muted"
        if state is OrderState.PENDING_CANCEL:
            return "canceling…", "muted"
        if order.order_type is OrderType.CONTRACT:
            words = state_words(order)
            if words[0]:
                return words
        if state is OrderState.PARTLY_FILLED and order.quantity > 0:
            share = int(order.filled_quantity / order.quantity * 100)
            return f"partly filled, {share}{fmt.THIN}%", ""
        if state is OrderState.REJECTED:
            return f"refused: {order.reason}" if order.reason else "refused", "danger"
        if state is OrderState.OPEN and order.order_type.has_trigger:
            return ("open, triggered" if order.triggered else "waiting for its trigger"), ""
        if state is OrderState.OPEN and order.reason:
            return f"open ({order.reason})", ""
        return state.value, "muted" if state.is_final else ""

    def _actions(self, order: Order) -> tuple[Action, ...]:
        if order.state is OrderState.IN_DOUBT:
            doubt = self._gate.doubts.get(order.client_order_id)
            last = SETTLE if doubt is not None and doubt.can_settle else TREAT_AS_LIVE
            return (CHECK, last)
        if order.state.is_final or order.state is OrderState.PENDING_CANCEL:
            return ()
        return (CANCEL,)

    def _build_fills(self) -> None:
        rows = []
        hidden = self._hidden()
        # A fill names its order, not its account.
        owners = {
            (order.instrument.venue, order.venue_order_id): order for order in self._gate.orders.values()
        }
        for fill in self._gate.fills:
            owner = owners.get((fill.instrument.venue, fill.venue_order_id))
            if owner is not None and owner.account in hidden:
                continue
            instrument = self._market.instrument(fill.instrument)
            rows.append(
                FillRow(
                    f"{fill.instrument.venue} {fill.fill_id}",
                    fill,
                    self._title(fill.instrument) if owner is None else self._name_of(owner.account),
                    instrument,
                    is_contract=(instrument is not None and instrument.offer is not None)
                    or (owner is not None and owner.order_type is OrderType.CONTRACT),
                    sold_back=owner is not None and owner.reason == SOLD_BACK,
                )
            )
        self.fills_model.set_rows(rows)
        self.changed.emit()

    # -- what a person can do -------------------------------------------------------------------------

    def act(self, key: str, action: str) -> None:
        """Do a row's action by its key (``cancel``, ``check``, ``treat_as_live``, ``settle``)."""
        if action == CANCEL.key:
            self.cancel(key)
        elif action == CHECK.key:
            self._start(key, self._check(key), "check")
        elif action == TREAT_AS_LIVE.key:
            self._settle(key, self._gate.treat_as_live)
        elif action == SETTLE.key:
            self._settle(key, self._gate.settle_not_found)

    def cancel(self, key: str) -> None:
        """Ask to cancel one order. Allowed in every arm state."""
        self._start(key, self._cancel(key), "cancel")

    def size_of(self, order: Order, quantity: Decimal) -> str:
        """A quantity of an order in the words of its market: lots where its venue speaks of lots."""
        return size_text(quantity, self._market.instrument(order.instrument))

    def can_cancel_all(self, side: Side | None = None) -> bool:
        """Whether there is an open order (of a side) to cancel."""
        return bool(self._open_sides) if side is None else side in self._open_sides

    def cancel_all(self, side: Side | None = None, symbol: str | None = None) -> None:
        """Cancel every open order, or those of a side or symbol, at every venue."""
        accounts = {
            order.account
            for order in self._shown_orders()
            if not order.state.is_final
            and (side is None or order.side is side)
            and (symbol is None or order.instrument.symbol == symbol)
        }
        if not accounts:
            self._notices.info("There is no open order to cancel.")
        for account in sorted(accounts):
            tasks.spawn(self._cancel_all(account, symbol, side), name=f"cancel all {account}")

    def amend(self, key: str, column: str, text: str) -> None:
        """Take an edited cell: a new quantity, price or trigger, asked for at the venue."""
        order = self._gate.orders.get(key)
        if order is None:
            return
        instrument = self._market.instrument(order.instrument)
        try:
            change = _change(column, text, order, instrument)
        except ValueError as error:
            self._refuse(key, str(error))
            return
        self._start(key, self._amend(order, change, instrument), "amend")

    def _start(self, key: str, work: Coroutine[object, object, None], what: str) -> None:
        if (token := f"{what} {key}") in self._busy:
            work.close()
            return
        self._busy.add(token)
        task = tasks.spawn(work, name=token)
        task.add_done_callback(lambda _: self._busy.discard(token))

    async def _amend(self, order: Order, change: AmendRequest, instrument: Instrument | None) -> None:
        key = order.client_order_id
        confirmed: frozenset[str] = frozenset()
        try:
            while True:
                try:
                    await self._gate.amend(key, change, confirmed=confirmed)
                except ConfirmationNeeded as needed:
                    question = amend_confirmation(
                        order,
                        change,
                        instrument,
                        badge=self._badge_of(order.account),
                        venue=self._title(order.instrument),
                        warnings=tuple(w.user_text for w in needed.warnings if w.rule != "arm"),
                    )
                    if not await self._ask(question):
                        return
                    confirmed = confirmed | needed.tokens
                else:
                    return
        except TerminalError as error:
            self._refuse(key, error.user_text)

    async def _cancel(self, key: str) -> None:
        try:
            await self._gate.cancel(key)
        except TerminalError as error:
            self._refuse(key, error.user_text)

    async def _cancel_all(self, account: str, symbol: str | None, side: Side | None) -> None:
        try:
            outcome = await self._gate.cancel_all(account, symbol, side)
        except TerminalError as error:
            text = f"{self._venue(account)}: nothing was canceled. {error.user_text}"
            self._notices.error(text, str(error))
            return
        text, detail = outcome_text(outcome)
        say = self._notices.warn if outcome.failed or outcome.unknown else self._notices.info
        say(f"{self._venue(account)}: {text}", detail)

    async def _check(self, key: str) -> None:
        try:
            await self._gate.check_now(key)
        except TerminalError as error:
            self._refuse(key, error.user_text)

    def _settle(self, key: str, decide: Callable[[str], Order]) -> None:
        try:
            decide(key)
        except OrderRefused as error:
            self._refuse(key, error.user_text)

    def _refuse(self, key: str, text: str) -> None:
        self.refused.emit(key, text)
        order = self._gate.orders.get(key)
        what = f"{_side(order)} {order.instrument.symbol}" if order is not None else "order"
        self._notices.error(f"{what}: {text}", key)


def outcome_text(outcome: CancelOutcome) -> tuple[str, str]:
    """A cancel-all in one line, and the lines behind it."""
    parts = [f"{len(outcome.done) + outcome.others} canceled"]
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} not canceled")
    if outcome.unknown:
        parts.append(f"{len(outcome.unknown)} not confirmed yet")
    lines = [f"{_name(order)}: {reason}" for order, reason in outcome.failed]
    lines += [f"{_name(order)}: asked for, being checked" for order in outcome.unknown]
    return ", ".join(parts), "\n".join(lines)


def _name(order: Order) -> str:
    return f"{_side(order)} {fmt.quantity(order.quantity)} {order.instrument.symbol}"


def _side(order: Order) -> str:
    return side_word(order.request).lower()


def _origin_text(order: Order) -> str:
    """Which surface an order came from, and which bot; the end of a contract that nobody asked for."""
    if is_end(order.request) and order.origin is Origin.EXTERNAL and order.reason != SOLD_BACK:
        return "expiry"
    if order.origin is Origin.EXTERNAL:
        return "elsewhere"
    return f"bot {order.request.origin_name}" if order.request.origin_name else order.origin.value


def _marks(protection: Protection | None) -> str:
    if protection is None:
        return ""
    stop = protection.stop_loss is not None or protection.stop_distance is not None
    target = protection.take_profit is not None or protection.profit_distance is not None
    return (" · SL" if stop else "") + (" · TP" if target else "")


def _levels(order: Order, instrument: Instrument | None) -> str:
    if order.protection is None or instrument is None:
        return ""
    return ", ".join(f"{name} {text}" for name, text in protection_rows(order.protection, instrument))


def _change(column: str, text: str, order: Order, instrument: Instrument | None) -> AmendRequest:
    """An edited cell as new terms; raises ValueError with what to say beside it."""
    base, quote = (instrument.base, instrument.quote) if instrument is not None else ("", "")
    if column == "quantity":
        decimals = instrument.quantity_decimals if instrument is not None else None
        if instrument is not None and instrument.lot_size:
            value = parse_number(text, currency="lots") * instrument.lot_size
        else:
            value = parse_number(text, decimals=decimals, currency=base)
        if value <= order.filled_quantity:
            done = size_text(order.filled_quantity, instrument)
            raise ValueError(f"{done} is filled already; cancel the rest instead.")
        return AmendRequest(quantity=value)
    decimals = instrument.price_decimals if instrument is not None else None
    value = parse_number(text, decimals=decimals, currency=quote)
    return AmendRequest(limit_price=value) if column == "limit" else AmendRequest(trigger_price=value)
