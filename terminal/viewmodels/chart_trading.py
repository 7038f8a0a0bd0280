"""Trading from the chart: own orders as lines, own fills as marks, dragging a line, proposing at a price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.decimals import round_nearest
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import Fill, Order, OrderRequest
from terminal.viewmodels.amounts import size_text
from terminal.viewmodels.book import SizeSource
from terminal.viewmodels.book_rows import moved_to, why_not_amend
from terminal.viewmodels.chart_bars import BarArrays
from terminal.viewmodels.chart_orders import (
    FillFinder,
    FillMark,
    Ghost,
    MenuEntry,
    OrderLine,
    ghost_of,
    lines_of,
    mark_of,
    menu_entries,
)
from terminal.viewmodels.contract_words import side_word
from terminal.viewmodels.cost import CostEstimate, estimate
from terminal.viewmodels.cost_text import margin_needed
from terminal.viewmodels.ports import Accounts, Gate, Market, Place
from terminal.viewmodels.sending import OrderSender

_MARKS_KEPT: Final = 2000


class ChartGate(Gate, Protocol):
    """The order gate with its executions."""

    fill_added: Observable[[Fill]]

    @property
    def fills(self) -> Sequence[Fill]: ...


class ChartTrading(QObject):
    """What of one's own is drawn on a chart, and what the person does to it.

    Signals:
        changed: something to be drawn at once: a ghost moved, a line was selected, a question was answered.
        wanted: an order or a fill of this instrument changed; to be built in the next frame.
        ticket_proposed: (side, order type, price): fill the ticket, send nothing.
        confirmation_needed: a :class:`~terminal.viewmodels.sending.RequestView` waits in ``sending.pending``.

    Attributes:
        lines: own working orders, highest price first. marks: own fills on their bars, oldest first.
        ghost: a line being dragged, or waiting for its confirmation.
        selected: ids of the orders whose line has the keyboard.
        confirms: a dragged line is confirmed before it is sent, in any arm state.
    """

    changed = Signal()
    wanted = Signal()
    ticket_proposed = Signal(object, object, object)
    confirmation_needed = Signal(object)

    def __init__(
        self,
        market: Market,
        gate: ChartGate,
        accounts: Accounts,
        sizes: SizeSource,
        clock: Clock,
        *,
        is_live: Callable[[], bool],
        last_price: Callable[[], Decimal | None],
        confirms: bool,
        show_fills: bool,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.instrument: Instrument | None = None
        self.place: Place | None = None
        self.lines: tuple[OrderLine, ...] = ()
        self.marks: list[FillMark] = []
        self.ghost: Ghost | None = None
        self.selected: tuple[str, ...] = ()
        self.confirms, self.show_fills = confirms, show_fills
        self._market, self._gate, self._accounts, self._sizes = market, gate, accounts, sizes
        self._is_live, self._last_price = is_live, last_price
        self._lines_stale, self._fills_stale, self._marked, self._held = True, True, -1, False
        self._fills: list[Fill] = []
        self._finder = FillFinder(gate.orders)
        self.sending = OrderSender(
            gate, market.instrument, self._cost_of, clock, self, margin_of=self._margin_of
        )
        self.sending.changed.connect(self._on_sending_changed)
        self.sending.confirmation_needed.connect(self.confirmation_needed)
        self._unwatch = (
            gate.changed.watch(self._on_order),
            gate.removed.watch(self._on_removed),
            gate.fill_added.watch(self._on_fill),
        )

    def close(self) -> None:
        """Let go of the gate."""
        for unwatch in self._unwatch:
            unwatch()
        self.sending.close()

    def show(self, instrument: Instrument | None, place: Place | None) -> None:
        """Show the orders of this instrument and account from now on."""
        before = (self._symbol, self.place.account if self.place is not None else None)
        self.instrument, self.place = instrument, place
        self._lines_stale = self._fills_stale = True
        if before != (self._symbol, place.account if place is not None else None):
            self.lines, self.marks, self._fills, self.selected = (), [], [], ()
            self.ghost, self._held = None, False
            self.sending.discard()
            self.sending.clear_result()

    def build(self, bars: BarArrays) -> None:
        """Bring lines and marks up to date; called once a frame."""
        if self._lines_stale:
            self._build_lines()
        if self._fills_stale or self._marked != bars.version:
            self._build_marks(bars)

    @property
    def _symbol(self) -> object:
        return self.instrument.id if self.instrument is not None else None

    def _on_order(self, order: Order) -> None:
        if order.instrument == self._symbol:
            self._lines_stale = True
            self.wanted.emit()

    def _on_removed(self, order_id: str) -> None:
        self._lines_stale = True
        self.wanted.emit()

    def _on_fill(self, fill: Fill) -> None:
        if fill.instrument == self._symbol:
            self._fills_stale = True
            self.wanted.emit()

    # -- proposing ------------------------------------------------------------------------------------

    def snapped(self, price: float) -> Decimal | None:
        """The nearest price on the instrument's grid; None while that is unknown, or for no price at all."""
        if self.instrument is None:
            return None
        tick = self.instrument.tick_size
        return max(tick, round_nearest(Decimal(repr(price)), tick))

    def menu_at(self, price: Decimal) -> list[MenuEntry]:
        """The orders that can be proposed at a price."""
        if self.instrument is None or self.place is None:
            return []
        sizes = {side: self._sizes.quantity_for(side, price) for side in Side}
        return menu_entries(price, self.instrument, self._best(), self.place.abilities.order_types, sizes)

    def propose(self, entry: MenuEntry) -> None:
        """Fill the ticket with an entry of the menu."""
        self.ticket_proposed.emit(entry.side, entry.order_type, entry.price)

    def _best(self) -> tuple[Decimal | None, Decimal | None]:
        """Bid and ask; the last price for either where they are unknown."""
        assert self.instrument is not None
        one = self.instrument.id
        book, quote, last = self._market.book(one), self._market.quote(one), self._last_price()
        bid = book.best_bid if book is not None else None
        ask = book.best_ask if book is not None else None
        return (
            bid.price if bid is not None else quote.bid if quote is not None and quote.bid else last,
            ask.price if ask is not None else quote.ask if quote is not None and quote.ask else last,
        )

    def _cost_of(self, request: OrderRequest) -> CostEstimate | None:
        if self.instrument is None or self.place is None or request.instrument != self.instrument.id:
            return None
        fees = self._accounts.fee_rates(self.place.account, self.instrument.symbol)
        return estimate(request, self.instrument, self._market.book(self.instrument.id), fees)

    def _margin_of(self, request: OrderRequest, cost: CostEstimate | None) -> str | None:
        if self.instrument is None or self.place is None:
            return None
        return margin_needed(self._accounts, self.place.account, self.instrument, cost)

    # -- own orders -----------------------------------------------------------------------------------

    @property
    def selected_line(self) -> OrderLine | None:
        """The line that has the keyboard."""
        return self._line_with(self.selected) if self.selected else None

    def _line_with(self, order_ids: tuple[str, ...]) -> OrderLine | None:
        return next((line for line in self.lines if set(line.chip.order_ids) & set(order_ids)), None)

    def select_next(self, direction: int) -> None:
        """Give the keyboard to the next line down (+1) or up (-1)."""
        if not self.lines:
            return
        line = self.selected_line
        at = self.lines.index(line) + direction if line is not None else 0 if direction > 0 else -1
        self.selected = self.lines[at % len(self.lines)].chip.order_ids
        self.changed.emit()

    def select(self, line: OrderLine | None) -> None:
        """Give the keyboard to a line, or to none."""
        self.selected = line.chip.order_ids if line is not None else ()
        self.changed.emit()

    def orders_of(self, line: OrderLine) -> list[Order]:
        """The orders behind a line, as they are now."""
        found = (self._gate.orders.get(order_id) for order_id in line.chip.order_ids)
        return [order for order in found if order is not None and not order.state.is_final]

    def order_text(self, order: Order) -> str:
        """One order of several, for a menu: ``buy 0.25 limit``."""
        side = side_word(order.request).lower()
        return f"{side} {size_text(order.remaining, self.instrument)} {order.order_type.value}"

    def cancel(self, line: OrderLine, only: str = "") -> None:
        """Cancel the orders of a line, or one of them; works in every arm state and with stale prices."""
        ids = [order.client_order_id for order in self.orders_of(line)]
        self.sending.cancel([each for each in ids if only in ("", each)])

    def drag(self, line: OrderLine, price: Decimal) -> None:
        """Show where a line would go; nothing is sent."""
        if self.instrument is not None and self.sending.pending is None:
            self.ghost = ghost_of(line, price, self.orders_of(line), self.instrument, self._best())
            self.changed.emit()

    def nudge(self, line: OrderLine, ticks: int) -> None:
        """Move the ghost of a line by ticks from the keyboard."""
        if self.instrument is not None:
            same = self.ghost is not None and self.ghost.line.chip.order_ids == line.chip.order_ids
            start = self.ghost.price if same and self.ghost is not None else line.price
            tick = self.instrument.tick_size
            self.drag(line, max(tick, start + ticks * tick))

    def revert(self) -> None:
        """Give up a drag; nothing is sent."""
        if self.ghost is not None:
            self.ghost = None
            self.changed.emit()

    def drop(self, *, across: bool = False, only: str = "") -> None:
        """Take the ghost's price to the gate as an amend. ``across`` allows a limit to cross the market and
        fill at once; ``only`` moves one order of several."""
        ghost = self.ghost
        if ghost is None or self.place is None or self.sending.pending is not None:
            return
        orders = [order for order in self.orders_of(ghost.line) if only in ("", order.client_order_id)]
        refusal = self._why_not(ghost, across) or why_not_amend(orders, self.place.abilities)
        if refusal or ghost.price == ghost.line.price:
            self.revert()
            if refusal:
                self.sending.tell(refusal)
            return
        along = self.place.abilities.amend_protections
        changes = [(order, moved_to(order, ghost.price, levels_too=along)) for order in orders]
        self.sending.amend(self.place, changes, ask=self.confirms)
        # It stays on screen until the question is answered.
        self._held = self.sending.pending is not None
        if not self._held:
            self.revert()

    def _why_not(self, ghost: Ghost, across: bool) -> str:
        if ghost.would_fill and not across:
            return "Not sent: it would fill at once. Hold Ctrl while dropping to let it."
        if not self._is_live():
            return "Not sent: the chart's prices are not live. Canceling still works."
        return ""

    def _on_sending_changed(self) -> None:
        if self.sending.pending is None and self._held:
            self._held, self.ghost = False, None
        self.changed.emit()

    def _build_lines(self) -> None:
        self._lines_stale = False
        if self.instrument is None or self.place is None:
            self.lines = ()
            return
        own = (
            order
            for order in self._gate.orders.values()
            if not order.state.is_final
            and order.instrument == self.instrument.id
            and order.account == self.place.account
        )
        self.lines = lines_of(own, self.instrument)
        if self.selected and self.selected_line is None:
            self.selected = ()
        if self.ghost is not None and self._line_with(self.ghost.line.chip.order_ids) is None:
            self.ghost = None

    def _build_marks(self, bars: BarArrays) -> None:
        self._marked = bars.version
        self.marks = []
        if self.instrument is None or self.place is None or not self.show_fills:
            return
        if self._fills_stale:
            self._fills_stale = False
            found = self._finder.find(self._gate.fills, self.instrument.id, self.place.account)
            self._fills = found[-_MARKS_KEPT:]
        for fill in self._fills:
            bar = bars.index_of(fill.ts_event_ns)
            if bar is not None:
                self.marks.append(mark_of(fill, bar, self.instrument))
