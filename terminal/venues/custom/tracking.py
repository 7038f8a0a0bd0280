"""The account's orders as far as a plugin tells them: what is open, what was filled, and what was lost.

The protocol has no id of ours, no times of orders and no fills (custom protocol guide, ``orders``). Fills are
made from the growth of ``deal_amount``. An order that was sent and not answered is told from others by being
new: it was in no list before it was sent, and its symbol, side, price and amount are those that were sent. It
is taken for ours only where both lists, of open and of ended orders, have been read since, and hold one such
order between them: somebody else's may rest while ours has been filled.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from terminal.core.clock import Clock
from terminal.domain.decimals import ZERO, wire_text
from terminal.domain.events import FillReported, OrderReported, VenueEvent
from terminal.domain.instrument import Instrument
from terminal.domain.market import Side
from terminal.domain.orders import FINAL_STATES, Fill, OrderReport, OrderRequest, OrderState, OrderType
from terminal.venues.custom.wire import OrderRow

log = logging.getLogger("venue.custom")

_OPEN: Final = frozenset({"pending", "pre-submitted", "submitting", "submitted", "partial-filled", "open"})
_FILLED: Final = frozenset({"filled", "closed", "finished"})
_CANCELED: Final = frozenset({"canceled", "partial-canceled"})
_FILLS_KEPT: Final = 5_000
# After so long an order that looks like a lost one is more likely somebody's second thought.
_LOST_FOR_NS: Final = 15 * 60 * 10**9
_PRICE_STEP: Final = Decimal("1e-12")


@dataclass(slots=True, eq=False)
class Known:
    """An order that a plugin has listed or named."""

    order_id: str
    instrument: Instrument
    since_ns: int
    """Monotonic."""
    client_order_id: str | None = None
    request: OrderRequest | None = None
    """Where it is ours."""
    dealt: Decimal = ZERO
    average: Decimal | None = None
    report: OrderReport | None = None
    asked_ns: int = 0
    """When it was last asked for by its id; monotonic."""
    ended_ns: int | None = None
    """Wall time at which it was first seen ended; None: it is open."""


@dataclass(frozen=True, slots=True)
class Lost:
    """An order that was sent and not answered."""

    client_order_id: str
    request: OrderRequest
    before: frozenset[str]
    """The orders of its symbol that were there before it was sent."""
    sent_ns: int
    """Monotonic."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """One of a symbol's two lists as it was read last."""

    began_ns: int
    """When it was asked for; monotonic."""
    rows: dict[str, OrderRow]


class Tracker:
    """All orders of one account. ``tell`` hears reports and fills as they change.

    Attributes:
        has_history: the plugin lists ended orders.
    """

    def __init__(
        self, clock: Clock, tell: Callable[[VenueEvent], None], on_fault: Callable[[str], None]
    ) -> None:
        self.has_history = True
        self._clock = clock
        self._tell = tell
        self._on_fault = on_fault
        self._listings: dict[tuple[str, bool], _Listing] = {}
        """By symbol, and whether it is the list of ended orders."""
        self._known: dict[str, Known] = {}
        self._ids: dict[str, str] = {}
        """By our id: the plugin's."""
        self._lost: dict[str, Lost] = {}
        self._alike: dict[str, set[str]] = {}
        """By our id of a lost order: the plugin's ids of all that ever looked like it."""
        self._sending: Counter[str] = Counter()
        self._fills: deque[Fill] = deque(maxlen=_FILLS_KEPT)

    # -- what is known --------------------------------------------------------------------------------

    def known(self, order_id: str) -> Known | None:
        """By the plugin's id."""
        return self._known.get(order_id)

    def id_of(self, client_order_id: str | None) -> str | None:
        """The plugin's id of an order of ours; None while it has named none."""
        return self._ids.get(client_order_id or "")

    def ids_of(self, symbol: str) -> frozenset[str]:
        """Every order of a symbol ever seen, ended ones too."""
        return frozenset(key for key, each in self._known.items() if each.instrument.symbol == symbol)

    def open_orders(self, symbol: str | None = None) -> list[Known]:
        """Those that have not been seen ended."""
        return [
            each
            for each in self._known.values()
            if each.ended_ns is None and (symbol is None or each.instrument.symbol == symbol)
        ]

    def ended_since(self, since_ns: int) -> list[Known]:
        """Those first seen ended since a wall time, newest first."""
        found = [each for each in self._known.values() if each.ended_ns is not None]
        found = [each for each in found if each.ended_ns is not None and each.ended_ns >= since_ns]
        return sorted(found, key=lambda each: -(each.ended_ns or 0))

    def fills_since(self, since_ns: int) -> tuple[Fill, ...]:
        """Fills noticed since a wall time."""
        return tuple(fill for fill in self._fills if fill.ts_event_ns >= since_ns)

    def is_busy(self, symbol: str) -> bool:
        """Whether something about a symbol's orders is expected to change."""
        return (
            self._sending[symbol] > 0
            or bool(self.open_orders(symbol))
            or any(lost.request.instrument.symbol == symbol for lost in self._recent_lost())
        )

    def busy_symbols(self) -> set[str]:
        """The symbols of which that is so."""
        found = {each.instrument.symbol for each in self.open_orders()}
        found |= {symbol for symbol, count in self._sending.items() if count > 0}
        return found | {lost.request.instrument.symbol for lost in self._recent_lost()}

    # -- sending --------------------------------------------------------------------------------------

    def begin_send(self, symbol: str) -> None:
        """An order is on its way: a stranger that turns up now may be it, and waits for the answer."""
        self._sending[symbol] += 1

    def end_send(self, symbol: str) -> None:
        """It was answered, or was not."""
        self._sending[symbol] -= 1

    def own(self, order_id: str, client_order_id: str, request: OrderRequest, instrument: Instrument) -> None:
        """The plugin named an order of ours."""
        self._known[order_id] = Known(
            order_id, instrument, self._clock.monotonic_ns(), client_order_id, request
        )
        self._ids[client_order_id] = order_id

    def lose(self, lost: Lost) -> None:
        """An order was not answered: what looks like it, and is new, is it."""
        self._lost[lost.client_order_id] = lost

    def _recent_lost(self) -> list[Lost]:
        horizon = self._clock.monotonic_ns() - _LOST_FOR_NS
        return [lost for lost in self._lost.values() if lost.sent_ns >= horizon]

    # -- lists ----------------------------------------------------------------------------------------

    def take_open(self, instrument: Instrument, rows: Iterable[OrderRow], began_ns: int) -> None:
        """A list of open orders that was asked for at ``began_ns`` (monotonic)."""
        self._take(instrument, rows, began_ns, is_history=False)

    def take_ended(self, instrument: Instrument, rows: Iterable[OrderRow], began_ns: int) -> None:
        """A list of ended orders. Strangers in it are kept, not told: nobody knows when they were."""
        self._take(instrument, rows, began_ns, is_history=True)

    def _take(
        self, instrument: Instrument, rows: Iterable[OrderRow], began_ns: int, *, is_history: bool
    ) -> None:
        symbol = instrument.symbol
        found = {row.order_id: row for row in rows}
        self._listings[symbol, is_history] = _Listing(began_ns, found)
        named, waiting = self._name_lost(symbol)
        for order_id, row in found.items():
            known, lost = self._known.get(order_id), named.pop(order_id, None)
            if known is None:
                if lost is None and (self._sending[symbol] > 0 or order_id in waiting):
                    continue
                known = self._enter(row, instrument, lost)
                is_old = is_history or state_of(row, in_open_list=True) in FINAL_STATES
                self.apply(known, row, in_open_list=not is_history, quiet=is_old and lost is None)
            else:
                if lost is not None:
                    self._name(known, lost)
                self.apply(known, row, in_open_list=not is_history)
        for order_id, lost in named.items():
            # It stands in the other list, which had to wait for this one.
            row = self._listings[symbol, not is_history].rows[order_id]
            known = self._known.get(order_id)
            if known is None:
                known = self._enter(row, instrument, lost)
            else:
                self._name(known, lost)
            self.apply(known, row, in_open_list=is_history)

    def _enter(self, row: OrderRow, instrument: Instrument, lost: Lost | None) -> Known:
        known = self._known[row.order_id] = Known(row.order_id, instrument, self._clock.monotonic_ns())
        if lost is not None:
            self._name(known, lost)
        else:
            # What was dealt before anyone looked may have been told by an earlier run: it is in the report's
            # total, and never counted as a fill a second time.
            known.dealt, known.average = _dealt(row), row.average
        return known

    def _name(self, known: Known, lost: Lost) -> None:
        log.info("%s: the lost order is %s at the plugin", lost.client_order_id, known.order_id)
        known.client_order_id, known.request = lost.client_order_id, lost.request
        self._ids[lost.client_order_id] = known.order_id
        self._lost.pop(lost.client_order_id, None)
        self._alike.pop(lost.client_order_id, None)
        known.report = None

    def _name_lost(self, symbol: str) -> tuple[dict[str, Lost], set[str]]:
        """Which listed orders are lost ones: the only one that fits, and it fits no other lost order. And
        those that may be, of which it cannot be said before the other list was read too."""
        claims: dict[str, list[Lost]] = {}
        waiting: set[str] = set()
        needed = (False, True) if self.has_history else (False,)
        if self._sending[symbol] > 0:
            return {}, waiting  # a new row may be the one that is on its way
        for lost in self._recent_lost():
            if lost.request.instrument.symbol != symbol:
                continue
            since = [
                listing
                for is_history in needed
                if (listing := self._listings.get((symbol, is_history))) is not None
                and listing.began_ns >= lost.sent_ns
            ]
            listed = {row.order_id for each in since for row in self.candidates(lost, each.rows.values())}
            # One that fitted and is listed no more may still have been it.
            alike = self._alike.setdefault(lost.client_order_id, set())
            alike |= listed
            fitting = {order_id for order_id in alike if self.is_stranger(order_id)}
            if len(since) < len(needed):
                waiting |= listed
            elif len(fitting) == 1 and fitting <= listed:
                claims.setdefault(next(iter(fitting)), []).append(lost)
        return {order_id: lost[0] for order_id, lost in claims.items() if len(lost) == 1}, waiting

    def candidates(self, lost: Lost, rows: Iterable[OrderRow]) -> list[OrderRow]:
        """The rows that may be a lost order: new since it was sent, nobody else's, the same in all terms."""
        request = lost.request
        fitting = {
            row.order_id: row
            for row in rows
            if row.order_id not in lost.before
            and self.is_stranger(row.order_id)
            and fits(row, request.side, request.quantity, request.limit_price)
        }
        return list(fitting.values())

    def lost(self, client_order_id: str) -> Lost | None:
        """An order of ours that was not answered and not found."""
        return self._lost.get(client_order_id)

    def is_recent(self, lost: Lost) -> bool:
        """Whether what looks like it may still be taken for it."""
        return lost in self._recent_lost()

    def is_stranger(self, order_id: str) -> bool:
        """Whether an order is not known to be one of ours."""
        known = self._known.get(order_id)
        return known is None or known.client_order_id is None

    # -- one order ------------------------------------------------------------------------------------

    def enter(self, row: OrderRow, instrument: Instrument) -> Known:
        """An order that was asked for by its id."""
        return self._known.get(row.order_id) or self._enter(row, instrument, None)

    def apply(
        self, known: Known, row: OrderRow, *, in_open_list: bool = False, quiet: bool = False
    ) -> OrderReport:
        """What a plugin says of an order now: told where it changed, with the fill that it grew by."""
        if row.dealt < known.dealt:
            self._on_fault(f"order {known.order_id} had {known.dealt} dealt, and now {row.dealt}")
        dealt = max(_dealt(row), known.dealt)
        grown = dealt - known.dealt
        price = _increment_price(known, row, dealt) if grown > 0 else None
        report = _report(known, row, dealt, in_open_list=in_open_list)
        if row.average is not None:
            known.average = row.average
        known.dealt = dealt
        if report.state.is_final and known.ended_ns is None:
            known.ended_ns = self._clock.wall_ns()
        if report != known.report:
            known.report = report
            if not quiet:
                self._tell(OrderReported(report))
        if grown > 0 and price is not None:
            self._add_fill(known, report, price, grown, dealt)
        return report

    def vanish(self, known: Known) -> None:
        """It is in no list, and the plugin does not say what became of it."""
        if known.report is None:
            return
        text = "The plugin does not list this order any more, and does not say what became of it."
        report = replace(known.report, state=OrderState.IN_DOUBT, reason=text)
        if report != known.report:
            known.report = report
            self._tell(OrderReported(report))

    def _add_fill(
        self, known: Known, report: OrderReport, price: Decimal, grown: Decimal, dealt: Decimal
    ) -> None:
        fill = Fill(
            # The total after it names an increment: a list that is read again makes the same name.
            fill_id=f"{known.order_id}:{_plain(dealt)}",
            instrument=report.instrument,
            side=report.side,
            price=price,
            quantity=grown,
            fee=None,
            fee_asset="",
            is_maker=None,
            venue_order_id=known.order_id,
            client_order_id=known.client_order_id,
            ts_event_ns=self._clock.wall_ns(),
        )
        self._fills.append(fill)
        self._tell(FillReported(fill))


def fits(row: OrderRow, side: Side | None, quantity: Decimal | None, price: Decimal | None) -> bool:
    """Whether a listed order is what was sent; ``price`` None: at the market."""
    return row.side is side and row.amount == quantity and row.price == price


def _dealt(row: OrderRow) -> Decimal:
    """The filled amount. "Filled" without an amount is all of it; "closed" may be anything, and is not."""
    return row.amount if row.status == "filled" and row.dealt == ZERO else row.dealt


def _increment_price(known: Known, row: OrderRow, dealt: Decimal) -> Decimal | None:
    """The price of what was filled since the last look: from both averages; without them the limit, which it
    cannot be worse than; None where the plugin tells neither."""
    if row.average is not None and (known.dealt == ZERO or known.average is not None):
        before = known.average * known.dealt if known.average is not None else ZERO
        price = (row.average * dealt - before) / (dealt - known.dealt)
        if price > 0:
            exponent = price.as_tuple().exponent
            is_long = isinstance(exponent, int) and exponent < -12
            return price.quantize(_PRICE_STEP) if is_long else price
    return row.average or row.price or (known.request.limit_price if known.request is not None else None)


def state_of(row: OrderRow, *, in_open_list: bool) -> OrderState | None:
    """The state that a status proves; None for a word that is not the protocol's."""
    if row.status in _OPEN or (in_open_list and not row.status):
        return OrderState.PARTLY_FILLED if row.dealt > 0 else OrderState.OPEN
    if row.status in _CANCELED:
        return OrderState.CANCELED
    if row.status in _FILLED and (row.dealt > 0 or row.status == "filled"):
        return OrderState.FILLED
    return None


def _report(known: Known, row: OrderRow, dealt: Decimal, *, in_open_list: bool) -> OrderReport:
    request = known.request
    state, reason = state_of(row, in_open_list=in_open_list), ""
    if state is None:
        word = row.status or "nothing"
        state, reason = OrderState.IN_DOUBT, f"The plugin says {word!r} of this order's state."[:120]
    if request is not None:
        order_type, limit_price = request.order_type, request.limit_price
    else:
        order_type, limit_price = (OrderType.MARKET if row.price is None else OrderType.LIMIT), row.price
    if order_type is OrderType.LIMIT:
        limit_price = row.price or limit_price
    return OrderReport(
        instrument=known.instrument.id,
        venue_order_id=known.order_id,
        client_order_id=known.client_order_id,
        state=state,
        side=row.side,
        order_type=order_type,
        quantity=row.amount or (request.quantity if request is not None else ZERO),
        filled_quantity=dealt,
        average_price=row.average or known.average,
        limit_price=limit_price,
        reason=reason,
    )


def _plain(value: Decimal) -> str:
    """The same text for 0.5 and 0.50."""
    text = wire_text(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
