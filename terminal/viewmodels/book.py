"""The ladder: levels around the spread, own orders, and what a click or a drag means.

Rows never move under the pointer. While it is inside, the market moves through them; the ladder centres
itself again one second after the pointer has left, or when asked to. What a click means depends on the rows
as they stood at the press, so rows, pointer and orders are one state and one file.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum
from functools import partial
from typing import Final, Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FeedKind, Side, Trade
from terminal.domain.orders import Order, OrderRequest, OrderType, Origin
from terminal.domain.worth import worth
from terminal.services.arming import ArmState
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import counted, lot_of, moved_text, short_size, size_text
from terminal.viewmodels.book_rows import (
    MOST_GROUP,
    Chip,
    Prints,
    Row,
    RowBuilder,
    chips_of,
    group_that_fits,
    moved_to,
    next_group,
    price_of,
    why_not_amend,
)
from terminal.viewmodels.cost import CostEstimate, estimate
from terminal.viewmodels.cost_text import margin_needed
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.market_hours import closed_text
from terminal.viewmodels.ports import (
    Accounts,
    Gate,
    Market,
    Place,
    SelectedInstrument,
    Sessions,
    down_text,
    place_of,
)
from terminal.viewmodels.sending import OrderSender

REFRESH_MS: Final = 50
RECENTRE_AFTER_S: Final = 1.0
RESULT_SHOWN_S: Final = 8.0
FLASH_NS: Final = 300_000_000
_GROUPS_KEPT: Final = 200


class Column(Enum):
    """The ladder's columns, left to right."""

    BUYS = "my buys"
    BID = "bid size"
    SOLD = "sold here"
    PRICE = "price"
    BOUGHT = "bought here"
    ASK = "ask size"
    SELLS = "my sells"


class LadderState(Enum):
    """What the ladder shows instead of, or over, its rows."""

    EMPTY = "empty"
    LOADING = "loading"
    LIVE = "live"
    STALE = "stale"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


class SizeSource(Protocol):
    """Where the size of a ladder order comes from: the ticket."""

    def quantity_for(self, side: Side, price: Decimal) -> Decimal | None: ...
    def size_text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Intent:
    """What a click would do. ``reason`` says why it cannot; empty: it can."""

    side: Side
    order_type: OrderType
    price: Decimal
    quantity: Decimal | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """A mouse button that went down: the price under it then is the one that counts."""

    key: int
    column: Column
    price: Decimal
    market: bool = False
    """With Ctrl: a market order."""


@dataclass(frozen=True, slots=True)
class Ghost:
    """An own order on its way to another price, not sent yet."""

    chip: Chip
    key: int
    price: Decimal
    text: str
    """New price, ticks moved, distance to the opposite quote."""
    detail: str
    """New estimated worth, and whether it keeps its place in the queue."""
    would_fill: bool
    """A limit that has been moved across the market."""


class LadderViewModel(QObject):
    """The ladder of the selected instrument.

    Signals:
        changed: re-read ``rows`` and the rest; at most every 50 ms.
        moved: a click was dropped because its row had changed; the widget flashes ``flash_key``.
        regrouped: the person chose another grouping, or left it to the ladder: worth keeping.
        ticket_wanted: (side, order type or None, price): fill the ticket, send nothing.
        confirmation_needed: a :class:`~terminal.viewmodels.sending.RequestView` waits.

    Attributes:
        armed: the padlock; closed at every start, one for each ladder.
        refresh_ms: it is built at most once in so long. recentres: it follows the market by itself.
        group: ticks in a row. auto_group: chosen so that the prices within 0.1 % of mid fit; what was chosen
            by hand is remembered for its instrument.
        closed_text: that the market is closed, and when it opens; empty while it is open.
    """

    changed = Signal()
    moved = Signal()
    regrouped = Signal()
    ticket_wanted = Signal(object, object, object)
    confirmation_needed = Signal(object)

    def __init__(
        self,
        market: Market,
        sessions: Sessions,
        gate: Gate,
        accounts: Accounts,
        selection: SelectedInstrument,
        sizes: SizeSource,
        frames: FrameClock,
        clock: Clock,
        *,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self.state = LadderState.EMPTY
        self.closed_text = ""
        self.reason = ""
        self.instrument: Instrument | None = None
        self.place: Place | None = None
        self.armed = False
        self.refresh_ms = REFRESH_MS
        self.recentres = True
        self.group = 1
        self.auto_group = True
        self._groups: dict[InstrumentId, int] = {}
        self.ghost: Ghost | None = None
        self.cursor: tuple[int, Column] | None = None
        self.flash_key: int | None = None
        self._market, self._sessions, self._gate, self._accounts = market, sessions, gate, accounts
        self._selection, self._sizes, self._frames, self._clock = selection, sizes, frames, clock
        self._id: InstrumentId | None = None
        self._top: int | None = None
        self._count = 20
        self._inside = False
        self._left_ns: int | None = None
        self._visible = True
        self._built_ns = -REFRESH_MS * 1_000_000
        self._flash_ns = 0
        self._builder, self._prints = RowBuilder(), Prints()
        self._best: tuple[Decimal | None, Decimal | None] = (None, None)
        self._release_feeds = _nothing
        self.sending = OrderSender(
            gate, market.instrument, self._cost_of, clock, self, margin_of=self._margin_of
        )
        self.sending.changed.connect(self.changed)
        self.sending.confirmation_needed.connect(self.confirmation_needed)
        self._unwatch = (
            market.changed.watch(self._on_market),
            selection.changed.watch(self._on_selection),
            sessions.changed.watch(self._on_session),
            gate.changed.watch(self._on_order),
            gate.removed.watch(self._on_removed),
            gate.arming.changed.watch(self._on_arm),
        )
        self._on_selection()

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in self._unwatch:
            unwatch()
        self._release_feeds()
        self._frames.cancel(self._on_frame)
        self.sending.close()

    # -- what happens around it -----------------------------------------------------------------------

    def set_visible(self, visible: bool) -> None:
        """A hidden ladder builds no rows and closes its padlock."""
        self._visible = visible
        if visible:
            self._request()
        elif self.armed:
            self.set_armed(False)

    def set_row_count(self, count: int) -> None:
        """How many rows there is room for."""
        count = max(1, count)
        if count != self._count:
            middle = None if self._top is None else self._top - self._count // 2
            self._count = count
            # Under the pointer not even a resize (a line that appears below) may move the rows.
            if not self._frozen:
                self._top = None if middle is None else middle + count // 2
                if self.auto_group:
                    self._choose_group()
            self._build()

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if instrument == self._id and topic is not Topic.BARS:
            if topic is Topic.INSTRUMENT:
                self._load_instrument()
            self._request()

    def _on_order(self, order: Order) -> None:
        if order.instrument == self._id:
            self._request()

    def _on_removed(self, order_id: str) -> None:
        self._request()

    def _on_session(self, venue: str) -> None:
        if self._id is not None and venue == self._id.venue:
            before = self.place
            self._load_instrument()
            if before is not None and self.place is not None and before.account != self.place.account:
                self.armed = False
                self._prints.clear()
                self._top = None
                self.sending.discard()
            self._request()

    def _on_arm(self, state: ArmState) -> None:
        if state is ArmState.VIEW:
            self.armed = False
            self.sending.discard()
        self.changed.emit()

    def _on_selection(self) -> None:
        new = self._selection.instrument
        if new == self._id:
            if new is None:
                self._build()
            return
        self._release_feeds()
        self._release_feeds = _nothing
        self._id, self._top, self.ghost, self.cursor = new, None, None, None
        self.armed = False
        self._prints = Prints()
        self._recall_group()
        self.sending.discard()
        self.sending.clear_result()
        if new is not None:
            book = self._market.watch(Feed(FeedKind.BOOK, new.symbol), new.venue)
            trades = self._market.watch(Feed(FeedKind.TRADES, new.symbol), new.venue)

            def release() -> None:
                book()
                trades()

            self._release_feeds = release
        self._load_instrument()
        self._build()

    def _load_instrument(self) -> None:
        before = self.instrument
        self.instrument = self._market.instrument(self._id) if self._id is not None else None
        if (
            before is not None
            and self.instrument is not None
            and before.id == self.instrument.id
            and before.tick_size != self.instrument.tick_size
        ):
            # Rows are counted in ticks: none of them stands for its price any more.
            self._top, self.ghost, self.cursor = None, None, None
        self.place = place_of(self._sessions, self._id.venue) if self._id is not None else None

    # -- rows -----------------------------------------------------------------------------------------

    @property
    def step(self) -> Decimal:
        """The height of a row in price."""
        return self.instrument.tick_size * self.group if self.instrument is not None else Decimal(1)

    @property
    def longest_price(self) -> str:
        """The longest price text in sight, for the width of its column."""
        return max((row.price for row in self.rows), key=len, default="")

    def _request(self) -> None:
        if self._visible:
            self._frames.request(self._on_frame, can_wait=True)

    def _on_frame(self) -> None:
        if self._clock.monotonic_ns() - self._built_ns < self.refresh_ms * 1_000_000:
            self._frames.request(self._on_frame, can_wait=True)
            return
        self._build()

    def _build(self) -> None:
        self._built_ns = self._clock.monotonic_ns()
        if self.flash_key is not None:
            if self._built_ns - self._flash_ns >= FLASH_NS:
                self.flash_key = None
            else:
                self._request()
        if self.instrument is None:
            self._load_instrument()
        if not self._inside:
            self.sending.expire_result(RESULT_SHOWN_S)
        self._read_state()
        book = self._market.last_book(self._id) if self._id is not None else None
        if (
            self.instrument is None
            or book is None
            or self.state in (LadderState.EMPTY, LadderState.UNSUPPORTED)
        ):
            self.rows = []
            self.changed.emit()
            return
        bid, ask = book.best_bid, book.best_ask
        self._best = (bid.price if bid is not None else None, ask.price if ask is not None else None)
        if self._top is None and self.auto_group:
            self._choose_group()
        step = self.step
        self._prints.take(reversed(self._trades()), step)
        self._keep_centred()
        if self._top is None:
            self.rows = []
            self.changed.emit()
            return
        self.rows = self._builder.build(
            self._top,
            self._count,
            step,
            self.instrument.price_decimals,
            book.grouped(Side.BUY, step),
            book.grouped(Side.SELL, step),
            self._prints,
            chips_of(self._own_orders(), step, partial(short_size, instrument=self.instrument)),
            lot_of(self.instrument),
        )
        self.changed.emit()

    def _trades(self) -> deque[Trade]:
        assert self._id is not None
        return self._market.trades(self._id)

    def _own_orders(self) -> list[Order]:
        account = self.place.account if self.place is not None else ""
        return [
            order
            for order in self._gate.orders.values()
            if not order.state.is_final and order.instrument == self._id and order.account == account
        ]

    @property
    def symbol_text(self) -> str:
        """The chosen instrument by its name, also while its venue tells nothing of it."""
        return self._id.symbol if self._id is not None else "No instrument"

    def _read_state(self) -> None:
        self.reason = ""
        self.closed_text = closed_text(self.instrument, self._clock.wall_ns())
        if self._id is None:
            self.state, self.reason = LadderState.EMPTY, self._selection.empty_text
            return
        state = self._market.book_state(self._id)
        if state is FeedState.LIVE:
            self.state = LadderState.LIVE
        elif state is FeedState.LOADING:
            self.state = LadderState.LOADING
            down = down_text(self._sessions, self._id.venue)
            self.reason = down or f"Waiting for the book of {self._id.symbol}…"
        elif state is FeedState.UNSUPPORTED:
            self.state, self.reason = LadderState.UNSUPPORTED, "This venue shows no order book."
        elif state is FeedState.REFUSED:
            why = self._market.refusal(Feed(FeedKind.BOOK, self._id.symbol), self._id.venue)
            self.state, self.reason = LadderState.FAILED, why or "The venue refused the book."
        else:
            self.state = LadderState.STALE
            self.reason = (
                "The book had three faults within a minute."
                if state is FeedState.UNRELIABLE
                else "The book is stale: prices may have moved."
            )
        if self.closed_text and self.state is not LadderState.UNSUPPORTED:
            self.reason = f"{self.closed_text}."

    # -- centring and scrolling -----------------------------------------------------------------------

    @property
    def _frozen(self) -> bool:
        """Rows stay where they are: the pointer or the keyboard's cursor is among them, or has just left."""
        if self._inside or self.cursor is not None or self.ghost is not None:
            return True
        if not self.recentres and self._top is not None:
            return True
        if self._left_ns is None:
            return False
        return self._clock.monotonic_ns() - self._left_ns < RECENTRE_AFTER_S * 1e9

    def set_pointer_inside(self, inside: bool) -> None:
        """The pointer came over the rows, or left them."""
        if inside == self._inside:
            return
        self._inside = inside
        self._left_ns = None if inside else self._clock.monotonic_ns()
        if not inside:
            self._request()

    def centre(self) -> None:
        """Put the spread in the middle now."""
        self._top = None
        self.cursor = None
        self._build()

    @property
    def is_centred(self) -> bool:
        """Whether the spread is in sight."""
        middle = self._middle()
        return self._top is None or middle is None or self._top - self._count < middle <= self._top

    def scroll(self, rows: int) -> None:
        """Move the prices by rows, up for positive."""
        if self._top is not None:
            self._top = max(self._count, self._top + rows)
            self._left_ns = self._clock.monotonic_ns()
            self._build()

    def _middle(self) -> int | None:
        bid, ask = self._best
        if bid is None or ask is None:
            price = bid if bid is not None else ask
        else:
            price = (bid + ask) / 2
        if price is None:
            return None
        return int((price / self.step).to_integral_value(rounding=ROUND_HALF_EVEN))

    def _keep_centred(self) -> None:
        middle = self._middle()
        if middle is None:
            return
        wanted = middle + self._count // 2
        if self._top is None:
            self._top = wanted
        elif self._frozen:
            if not self._inside and self.cursor is None:
                self._request()
        elif self._left_ns is not None or abs(wanted - self._top) > max(2, self._count // 6):
            # After a visit of the pointer to the middle at once; otherwise only when the market has moved
            # a good part of the way to an edge, so that the rows do not tremble with it.
            self._left_ns = None
            self._top = wanted

    # -- grouping -------------------------------------------------------------------------------------

    def regroup(self, direction: int) -> None:
        """Coarser (+1) or finer (-1) rows: 1, 2, 5, 10, ... ticks."""
        self.set_group(next_group(self.group, direction))

    def set_group(self, ticks: int) -> None:
        """So many ticks in a row, of this instrument and until something else is chosen."""
        ticks = min(max(1, ticks), MOST_GROUP)
        if self._id is not None:
            self._groups.pop(self._id, None)
            self._groups[self._id] = ticks
            while len(self._groups) > _GROUPS_KEPT:
                del self._groups[next(iter(self._groups))]
        self._set_group(ticks, auto=False)
        self.regrouped.emit()

    def set_auto_group(self) -> None:
        """Choose the grouping so that the prices within 0.1 % of mid fit."""
        if self._id is not None:
            self._groups.pop(self._id, None)
        self.auto_group = True
        self._choose_group()
        self.centre()
        self.regrouped.emit()

    def kept(self) -> list[list[object]]:
        """The groupings chosen by hand, as a layout's file keeps them: venue, symbol, ticks."""
        return [[key.venue, key.symbol, ticks] for key, ticks in self._groups.items()]

    def restore(self, kept: object) -> None:
        """The groupings of a layout's file; what cannot be read of them is left to the ladder. None, a layout
        that says nothing of them: they stay."""
        if kept is None:
            return
        self._groups = {}
        for entry in kept[-_GROUPS_KEPT:] if isinstance(kept, list) else ():
            match entry:
                case [str(venue), str(symbol), int(ticks)] if (
                    not isinstance(ticks, bool) and 1 <= ticks <= MOST_GROUP
                ):
                    self._groups[InstrumentId(venue, symbol)] = ticks
        self._recall_group()
        self.centre()

    def _recall_group(self) -> None:
        """What was chosen for this instrument once, else what fits."""
        kept = self._groups.get(self._id) if self._id is not None else None
        self.auto_group = kept is None
        if kept is not None:
            self._set_group(kept, auto=False, build=False)

    def _choose_group(self) -> None:
        bid, ask = self._best
        price = bid if bid is not None else ask
        if self.instrument is not None and price is not None:
            fitting = group_that_fits(price, self.instrument.tick_size, self._count, self.instrument.pip_size)
            self._set_group(fitting, auto=True)

    def _set_group(self, ticks: int, *, auto: bool, build: bool = True) -> None:
        self.auto_group = auto
        if ticks == self.group:
            return
        old, self.group = self.group, ticks
        self.ghost = None
        if self._top is not None:
            # The price in the middle stays in the middle.
            middle = (self._top - self._count // 2) * old // ticks
            self._top = middle + self._count // 2
        if self.cursor is not None:
            self.cursor = (self.cursor[0] * old // ticks, self.cursor[1])
        if not auto and build:
            self._build()

    # -- arming and clicking --------------------------------------------------------------------------

    def set_armed(self, armed: bool) -> None:
        """Open or close the padlock. Closed: a click fills the ticket."""
        if armed and self._gate.arming.state is ArmState.VIEW:
            self.sending.tell("The terminal is on View: switch to Confirm in the top bar first.")
            return
        if armed and (self.place is None or not self.place.can_trade):
            self.sending.tell("No account is connected: the ladder can only fill the ticket.")
            return
        self.armed = armed
        self.ghost = None
        self.changed.emit()

    def price_at(self, key: int) -> Decimal:
        """The price that a row stands for."""
        return key * self.step

    def intent_at(self, key: int, column: Column, *, market: bool = False) -> Intent | None:
        """What a click in this column at this price means; None where it means nothing.

        Bid column: a buy, limit below the market and stop above it; ask column mirrored.
        """
        if column not in (Column.BID, Column.ASK) or self.instrument is None or key <= 0:
            return None
        side = Side.BUY if column is Column.BID else Side.SELL
        price = self.price_at(key)
        best_bid, best_ask = self._best
        against = best_ask if side is Side.BUY else best_bid
        if market:
            kind = OrderType.MARKET
        elif against is not None and (price - against) * side.sign >= 0:
            kind = OrderType.STOP
        else:
            kind = OrderType.LIMIT
        quantity = self._sizes.quantity_for(side, price)
        return Intent(side, kind, price, quantity, self._why_not(kind, against, quantity))

    def _why_not(self, kind: OrderType, against: Decimal | None, quantity: Decimal | None) -> str:
        if self.state is not LadderState.LIVE:
            return "The book is not live: clicks do not trade."
        if self.place is None or not self.place.can_trade:
            return "No account is connected."
        if against is None:
            return "There is no opposite price."
        if kind not in self.place.abilities.order_types:
            return f"This venue has no {kind.value} orders."
        return "The size in the ticket is not usable." if quantity is None else ""

    def hint_at(self, key: int, column: Column, *, market: bool = False) -> str:
        """One line on what a click would do here; empty where it does nothing."""
        if column is Column.PRICE:
            return "Click: price to the ticket"
        intent = self.intent_at(key, column, market=market)
        if intent is None:
            return ""
        word = f"{intent.side.value} {intent.order_type.value}"
        if not self.armed:
            return f"Locked. Click: {word} to the ticket"
        if intent.reason:
            return intent.reason
        at = "" if intent.order_type is OrderType.MARKET else f" at {self._price_text(intent.price)}"
        size = size_text(intent.quantity, self.instrument) if intent.quantity is not None else fmt.NOTHING
        return f"Click: {word} {size}{at}"

    def press(self, key: int, column: Column, *, market: bool = False) -> Press:
        """The mouse button went down here. Pass the result to :meth:`release`."""
        self.sending.clear_result()
        return Press(key, column, self.price_at(key), market)

    def release(self, press: Press, key: int, column: Column) -> None:
        """The mouse button went up here. The click counts only if the same price is still under it."""
        if self.price_at(key) != press.price or column is not press.column:
            self._drop(press.key)
            return
        self.activate(key, column, market=press.market)

    def activate(self, key: int, column: Column, *, market: bool = False) -> None:
        """A click, or Enter on the cursor: fill the ticket, or send if the padlock is open."""
        price = self.price_at(key)
        if column is Column.PRICE:
            side = Side.BUY if self._best[1] is None or price < self._best[1] else Side.SELL
            self.ticket_wanted.emit(side, None, price)
            return
        intent = self.intent_at(key, column, market=market)
        if intent is None:
            return
        if not self.armed:
            self.ticket_wanted.emit(intent.side, intent.order_type, intent.price)
            return
        request = self._request_of(intent)
        if intent.reason or request is None or self.place is None:
            self.sending.tell(f"Not sent: {intent.reason[:1].lower()}{intent.reason[1:]}")
            return
        self.sending.submit(self.place, request, lambda: request)

    def _request_of(self, intent: Intent) -> OrderRequest | None:
        if intent.quantity is None or self.instrument is None:
            return None
        return OrderRequest(
            instrument=self.instrument.id,
            side=intent.side,
            order_type=intent.order_type,
            quantity=intent.quantity,
            limit_price=intent.price if intent.order_type is OrderType.LIMIT else None,
            trigger_price=intent.price if intent.order_type is OrderType.STOP else None,
            origin=Origin.LADDER,
        )

    def _drop(self, key: int) -> None:
        self.flash_key, self._flash_ns = key, self._clock.monotonic_ns()
        self.sending.tell("Moved: the price under the click changed, nothing was sent.")
        self.moved.emit()
        self._request()

    def confirm(self) -> None:
        """Yes to what was shown."""
        self.sending.confirm()

    def discard(self) -> None:
        """No to what was shown."""
        self.sending.discard()

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

    def chip_at(self, key: int, side: Side) -> Chip | None:
        """The own orders of a side in a row."""
        for row in self.rows:
            if row.key == key:
                return row.buys if side is Side.BUY else row.sells
        return None

    def orders_of(self, chip: Chip) -> list[Order]:
        """The orders behind a chip, as they are now."""
        found = (self._gate.orders.get(order_id) for order_id in chip.order_ids)
        return [order for order in found if order is not None and not order.state.is_final]

    def order_text(self, order: Order) -> str:
        """One order of several, for a menu: ``buy 0.25 limit at 64 120.1``."""
        price = price_of(order)
        at = f" at {self._price_text(price)}" if price is not None else ""
        return (
            f"{order.side.value} {size_text(order.remaining, self.instrument)} {order.order_type.value}{at}"
        )

    def cancel_chip(self, chip: Chip) -> None:
        """Cancel the orders behind a chip; works in every arm state and with a stale book."""
        self.sending.cancel([order.client_order_id for order in self.orders_of(chip)])

    def cancel_order(self, order_id: str) -> None:
        """Cancel one order."""
        self.sending.cancel([order_id])

    def drag(self, chip: Chip, key: int) -> None:
        """Show where a chip would go; nothing is sent."""
        self.ghost = self._ghost(chip, key)
        self.changed.emit()

    def nudge(self, chip: Chip, ticks: int) -> None:
        """Move the ghost of a chip by ticks from the keyboard (one row where rows are grouped)."""
        at = self.ghost.key if self.ghost is not None and self.ghost.chip == chip else chip.key
        self.drag(chip, at + ticks)

    def revert(self) -> None:
        """Give up a drag; nothing is sent."""
        if self.ghost is not None:
            self.ghost = None
            self.changed.emit()

    def drop(self, *, across: bool = False, only: str = "") -> None:
        """Send the ghost's price as an amend. ``across`` allows a limit to cross the market and fill at once;
        ``only`` moves one order of several."""
        ghost, self.ghost = self.ghost, None
        self.changed.emit()
        if ghost is None or self.place is None or ghost.key == ghost.chip.key:
            return
        if ghost.would_fill and not across:
            self.sending.tell("Not sent: it would fill at once. Hold Ctrl while dropping to let it.")
            return
        if self.state is not LadderState.LIVE:
            self.sending.tell("Not sent: the book is not live. Canceling still works.")
            return
        orders = [order for order in self.orders_of(ghost.chip) if only in ("", order.client_order_id)]
        refusal = why_not_amend(orders, self.place.abilities)
        if refusal:
            self.sending.tell(refusal)
            return
        along = self.place.abilities.amend_protections
        changes = [(order, moved_to(order, ghost.price, levels_too=along)) for order in orders]
        self.sending.amend(self.place, changes, ask=not self.armed)

    def _ghost(self, chip: Chip, key: int) -> Ghost:
        assert self.instrument is not None
        price = self.price_at(key)
        orders = self.orders_of(chip)
        before = price_of(orders[0]) if orders else None
        parts = [self._price_text(price)]
        if before is not None:
            parts.append(moved_text(price - before, self.instrument))
        bid, ask = self._best
        against = ask if chip.side is Side.BUY else bid
        if against:
            parts.append(fmt.percent((price - against) / against * 100))
        money = fmt.money(worth(self.instrument, chip.quantity, price), self.instrument.quote)
        limits = any(order.limit_price is not None and order.trigger_price is None for order in orders)
        fills = limits and against is not None and (price - against) * chip.side.sign >= 0
        word = "would fill at once" if fills else "keeps place" if key == chip.key else "loses place"
        return Ghost(chip, key, price, "  ".join(parts), f"{money}  {word}", fills)

    # -- keyboard -------------------------------------------------------------------------------------

    def move_cursor(self, rows: int, columns: int) -> None:
        """Move the keyboard's cursor; the first time it appears beside the spread. Rows freeze with it."""
        if not self.rows:
            return
        order = list(Column)
        if self.cursor is None:
            middle = self._middle()
            self.cursor = (middle if middle is not None else self.rows[len(self.rows) // 2].key, Column.BID)
        else:
            key, column = self.cursor
            index = min(max(order.index(column) + columns, 0), len(order) - 1)
            self.cursor = (max(1, key + rows), order[index])
        key = self.cursor[0]
        if self._top is not None:
            if key > self._top:
                self._top = key
            elif key <= self._top - self._count:
                self._top = key + self._count - 1
        self._build()

    def drop_cursor(self) -> None:
        """Let the rows move again."""
        if self.cursor is not None:
            self.cursor = None
            self._left_ns = self._clock.monotonic_ns()
            self._request()
            self.changed.emit()

    def spoken(self, key: int) -> str:
        """A row in words, for a screen reader."""
        for row in self.rows:
            if row.key == key:
                parts = [f"price {row.price}"]
                parts += [f"{name} {text}" for name, text in (("bid", row.bid), ("ask", row.ask)) if text]
                parts += [
                    f"my {name} {chip.text}"
                    for name, chip in (("buys", row.buys), ("sells", row.sells))
                    if chip is not None
                ]
                return ", ".join(parts)
        return ""

    # -- header ---------------------------------------------------------------------------------------

    @property
    def badge(self) -> str:
        """PRACTICE, PRICES ONLY or the account's name."""
        return self.place.badge if self.place is not None else ""

    @property
    def size_text(self) -> str:
        """The size that a click would send."""
        return self._sizes.size_text()

    @property
    def group_text(self) -> str:
        """The height of a row: ``10`` in quote units."""
        return fmt.quantity(self.step) if self.instrument is not None else ""

    def group_words(self, ticks: int) -> str:
        """A row of so many ticks: ``5 ticks``; its height in quote units where the venue tells no tick."""
        if self.instrument is not None and not self.instrument.is_tick_told:
            return f"{fmt.quantity(self.instrument.tick_size * ticks)} {self.instrument.quote}"
        return counted(str(ticks), "ticks")

    def _price_text(self, price: Decimal) -> str:
        return fmt.price(price, self.instrument.price_decimals if self.instrument is not None else 8)


def _nothing() -> None:
    return None
