"""One account's orders, positions and money, kept up by what the venue tells of them.

Messages may come twice, and what waited during a reading is older than what was read: of each order and
position the newest version stands, by the venue's own time of it, and each deal counts once. So every
interleaving of the same messages ends in the same state (Open API 2.0, 2107, 2123, 2125, 2126, 2141, 2171,
2172, 2188, 2189).
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

from google.protobuf.message import Message

from terminal.domain.account import AccountFigures, Position
from terminal.domain.decimals import ZERO
from terminal.domain.events import (
    AccountEvent,
    AccountStreamReset,
    FiguresReported,
    FillReported,
    OrderReported,
    PositionReported,
    VenueNotice,
)
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderReport, OrderState
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.executions import (
    UNREADABLE,
    Reader,
    closing_reason,
    is_ended,
    is_protective,
    is_shown,
    own_id,
)
from terminal.venues.ctrader.profit import Profits

log = logging.getLogger("venue.ctrader")

_KEPT_ENDED: Final = 2_000
_KEPT_DEALS: Final = 20_000

_OPEN: Final = frozenset({pb.POSITION_STATUS_OPEN, pb.POSITION_STATUS_ERROR})

Told = AccountEvent | VenueNotice


@dataclass(slots=True)
class _Order:
    """The newest version of an order."""

    row: pb.ProtoOAOrder
    ts_ms: int
    seq: int
    code: str = ""


@dataclass(slots=True)
class _Held:
    """The newest version of a position."""

    row: pb.ProtoOAPosition
    ts_ms: int
    seq: int
    margin: Decimal | None = None
    """By a later message than the row."""
    is_over: bool = False
    """It was open and is not any more."""
    bare: Position | None = None
    """It without its profit, as worked out last."""
    profit: Decimal | None = None
    """As told last."""

    @property
    def is_open(self) -> bool:
        """Closed is volume 0, whatever the status says; an order that waits has an empty shell (CREATED)."""
        return not self.is_over and self.row.tradeData.volume > 0 and self.row.positionStatus in _OPEN


class _Trail(NamedTuple):
    """Where a trailing stop has moved to."""

    ts_ms: int
    price: float
    seq: int


_NO_TRAIL: Final = _Trail(-1, 0.0, 0)


class Holdings:
    """What one account has.

    Attributes:
        trader: the venue's record of the account, newest; None before the first.
        seq: counts the messages; a reading notes it before it asks, see :meth:`read`.
        are_positions_known: the last reading could be read whole; otherwise there may be more than is shown.
    """

    def __init__(self, reader: Reader, profits: Profits) -> None:
        self.trader: pb.ProtoOATrader | None = None
        self.seq = 0
        self.are_positions_known = True
        self._reader = reader
        self._profits = profits
        self._orders: OrderedDict[int, _Order] = OrderedDict()
        self._positions: OrderedDict[int, _Held] = OrderedDict()
        self._trails: dict[int, _Trail] = {}
        """By position: the last move of its trailing stop."""
        self._deals: OrderedDict[int, None] = OrderedDict()
        self._names: OrderedDict[int, str] = OrderedDict()
        """Order -> our id, for closings: the venue keeps none of them."""
        self._doubtful: dict[int, OrderReport] = {}
        """Orders that were told of in a way that cannot be read."""
        self._calls: dict[int, Decimal] = {}
        self._balance: Decimal | None = None
        self._balance_version: int | None = None
        self._shown: AccountFigures | None = None

    # --- reading -----------------------------------------------------------------------------------------

    def report(self, order_id: int) -> OrderReport | None:
        """An order as it was told last; None where nothing is known of it."""
        known = self._orders.get(order_id)
        return None if known is None else self._report(known)

    def order(self, order_id: int) -> pb.ProtoOAOrder | None:
        """The venue's record of it."""
        known = self._orders.get(order_id)
        return None if known is None else known.row

    def find_order(self, client_order_id: str) -> pb.ProtoOAOrder | None:
        """The newest order of ours with this id."""
        for order_id, known in reversed(self._orders.items()):
            if self.name_of(order_id) == client_order_id:
                return known.row
        return None

    def open_orders(self) -> list[OrderReport]:
        """Those that can still be executed, or of which nobody can say; without the venue's own protective
        ones."""
        return [
            *self._doubtful.values(),
            *(
                self._report(known)
                for order_id, known in self._orders.items()
                if not is_ended(known.row) and is_shown(known.row) and order_id not in self._doubtful
            ),
        ]

    def position_row(self, position_id: int) -> pb.ProtoOAPosition | None:
        """The venue's record of an open position."""
        held = self._positions.get(position_id)
        return held.row if held is not None and held.is_open else None

    def positions(self) -> list[Position]:
        """The open ones, with their profit as of now."""
        return [self._position(held) for held in self._open()]

    def symbol_ids(self) -> set[int]:
        """The symbols of what is open."""
        return {held.row.tradeData.symbolId for held in self._open()}

    def has_positions(self) -> bool:
        return next(self._open(), None) is not None

    def name(self, order_id: int, client_order_id: str) -> None:
        """This order of the venue's is ours under that id, though the venue does not know that."""
        self._names[order_id] = client_order_id
        while len(self._names) > _KEPT_ENDED:
            self._names.popitem(last=False)

    def name_of(self, order_id: int) -> str | None:
        """Our id of an order, where it is ours."""
        found = self._names.get(order_id)
        if found is None:
            known = self._orders.get(order_id)
            found = None if known is None else own_id(known.row)
        return found

    # --- readings ----------------------------------------------------------------------------------------

    def read(self, answer: pb.ProtoOAReconcileRes, asked_seq: int) -> list[Told]:
        """Take the whole state (2125): what is not in it is over, unless a message of after the question
        says otherwise.

        Args:
            asked_seq: :attr:`seq` when the question was sent.
        """
        self.seq += 1
        told: list[Told] = []
        listed = set()
        self.are_positions_known = True
        for row in answer.position:
            listed.add(row.positionId)
            if not row.IsInitialized():
                log.warning("unreadable: position %d", row.positionId)
                self.are_positions_known = False
                continue
            known = self._positions.get(row.positionId)
            if self._trails.get(row.positionId, _NO_TRAIL).seq <= asked_seq:
                # The row has the stop where it is now, whether its time says so or not.
                self._trails.pop(row.positionId, None)
            if known is None or known.seq <= asked_seq or row.utcLastUpdateTimestamp > known.ts_ms:
                before = self._bare(known) if known is not None and known.is_open else None
                held = self._keep_position(row, row.utcLastUpdateTimestamp)
                if held.is_open and self._bare(held) != before:
                    told.append(self._tell_position(held))
                elif before is not None and not held.is_open:
                    told.append(self._tell_over(held, before))
        for position_id, held in self._positions.items():
            if position_id not in listed and held.seq <= asked_seq and held.is_open:
                told.append(self._tell_over(held, self._bare(held)))
        ordered = set()
        self._doubtful.clear()
        for order in answer.order:
            if not order.IsInitialized():
                self._doubt(order)
                ordered.add(order.orderId)
                continue
            ordered.add(order.orderId)
            told += self._take_order(order, order.utcLastUpdateTimestamp, "", is_reading=True)
        for order_id, kept in list(self._orders.items()):
            if order_id not in ordered and kept.seq <= asked_seq and not is_ended(kept.row):
                del self._orders[order_id]  # it has ended: how, is in the list of orders
        return told

    def read_orders(self, orders: Iterable[pb.ProtoOAOrder]) -> None:
        """Take orders of the past."""
        for order in orders:
            self._take_order(order, order.utcLastUpdateTimestamp, "", is_reading=True)

    def read_deal(self, deal: pb.ProtoOADeal, client_order_id: str | None = None) -> Fill | None:
        """A deal of the past as a fill; it does not count again when an event tells of it."""
        fill = self._reader.fill(deal, client_order_id or self.name_of(deal.orderId))
        if fill is not None:
            self._note_deal(deal.dealId)
        return fill

    def is_new_deal(self, deal_id: int) -> bool:
        return deal_id not in self._deals

    def read_margin_calls(self, calls: Iterable[pb.ProtoOAMarginCall]) -> None:
        """Take the thresholds at which the venue warns (2168)."""
        self._calls = {
            each.marginCallType: Decimal(repr(each.marginLevelThreshold))
            for each in calls
            if each.IsInitialized()
        }

    def read_profits(self, answer: pb.ProtoOAGetPositionUnrealizedPnLRes) -> None:
        """Take the venue's own figures of the positions (2188)."""
        for row in answer.positionUnrealizedPnL:
            held = self._positions.get(row.positionId)
            if held is not None and held.is_open and row.IsInitialized():
                gross = self._reader.money(row.grossUnrealizedPnL, answer)
                net = self._reader.money(row.netUnrealizedPnL, answer)
                self._profits.take(self._bare(held), held.row.tradeData.symbolId, gross, net)

    # --- what the venue tells ----------------------------------------------------------------------------

    def take(self, message: Message) -> list[Told]:
        """Take one message; what of it is new."""
        self.seq += 1
        told: list[Told] = []
        if isinstance(message, pb.ProtoOAExecutionEvent):
            told = self._on_execution(message)
        elif not message.IsInitialized():
            log.warning("unreadable: a %s", type(message).__name__)
        elif isinstance(message, pb.ProtoOATraderUpdatedEvent):
            self.take_trader(message.trader)
        elif isinstance(message, pb.ProtoOATrailingSLChangedEvent):
            told = self._on_trail(message)
        elif isinstance(message, pb.ProtoOAMarginChangedEvent):
            told = self._on_margin(message)
        elif isinstance(message, pb.ProtoOAv1PnLChangeEvent):
            net = self._reader.money(message.netUnrealizedPnL, message)
            self._profits.take_total(self._bare_open(), net)
        elif isinstance(message, pb.ProtoOAMarginCallUpdateEvent):
            call = message.marginCall
            self._calls[call.marginCallType] = Decimal(repr(call.marginLevelThreshold))
        elif isinstance(message, pb.ProtoOAMarginCallTriggerEvent):
            told = [_margin_call(message.marginCall)]
        return [*told, *self.changed_figures()]

    def take_trader(self, trader: pb.ProtoOATrader) -> None:
        """Take the venue's record of the account."""
        version = trader.balanceVersion if trader.HasField("balanceVersion") else None
        known = self._balance_version
        if self.trader is None or version is None or known is None or version >= known:
            self.trader = trader
        self._take_balance(self._reader.money(trader.balance, trader), version)

    def refreshed(self) -> list[Told]:
        """Positions whose profit is another than was told last, and the figures with them."""
        moved = [
            held
            for held in self._open()
            if held.profit != self._profits.net(self._bare(held), held.row.tradeData.symbolId)
        ]
        return [*(self._tell_position(held) for held in moved), *self.changed_figures()]

    def figures(self) -> AccountFigures | None:
        """Balance, profit and margin as of now; None while the balance is not known."""
        if self._balance is None:
            return None
        return AccountFigures(
            currency=self._reader.currency,
            balance=self._balance,
            unrealised=self._profits.total(self._bare_open()),
            used_margin=self._used_margin(),
            margin_calls=tuple(sorted(self._calls.values(), reverse=True)),
        )

    def changed_figures(self) -> list[Told]:
        """The figures, where they are others than were told last."""
        figures = self.figures()
        if figures is None or figures == self._shown:
            return []
        self._shown = figures
        return [FiguresReported(figures)]

    # --- executions --------------------------------------------------------------------------------------

    def _on_execution(self, event: pb.ProtoOAExecutionEvent) -> list[Told]:
        """One step of an order's or a position's life.

        ``{executionType ORDER_FILLED, order {...}, deal {...}, position {...}, isServerEvent false}``: an
        order is accepted, executed by deals and over; a position is open while its volume is above 0,
        whatever its status says.
        """
        order = event.order if event.HasField("order") else None
        deal = event.deal if event.HasField("deal") else None
        position = event.position if event.HasField("position") else None
        told: list[Told] = []
        if order is not None and not order.IsInitialized():
            told += self._doubt(order)
            order = None
        stamp = 0
        if order is not None:
            stamp = order.utcLastUpdateTimestamp
        if deal is not None:
            stamp = max(stamp, deal.utcLastUpdateTimestamp, deal.executionTimestamp)
        if order is not None:
            # A cancel that was refused says nothing of why the order ended.
            has_why = is_ended(order) and event.executionType != pb.ORDER_CANCEL_REJECTED
            code = event.errorCode if has_why else ""
            told += self._take_order(order, order.utcLastUpdateTimestamp or stamp, code)
        fills = [] if deal is None else self._take_deal(deal, order)
        told += fills
        if position is not None:
            if position.IsInitialized():
                reason = closing_reason(order)
                ts_ms = position.utcLastUpdateTimestamp or stamp
                told += self._take_position(position, ts_ms, reason, is_news=bool(fills))
            else:
                log.warning("unreadable: a position")
                told.append(AccountStreamReset("The venue told of a position in an unknown way."))
        if event.HasField("depositWithdraw") and event.depositWithdraw.IsInitialized():
            row = event.depositWithdraw
            version = row.balanceVersion if row.HasField("balanceVersion") else None
            self._take_balance(self._reader.money(row.balance, row), version)
        return told

    def _take_order(
        self, order: pb.ProtoOAOrder, ts_ms: int, code: str, *, is_reading: bool = False
    ) -> list[Told]:
        known = self._orders.get(order.orderId)
        if known is not None:
            ts_ms = ts_ms or known.ts_ms
            if not _is_newer(order, ts_ms, known):
                return []
        # A copy: the message it came in is somebody else's.
        kept = pb.ProtoOAOrder()
        kept.CopyFrom(order)
        entry = _Order(kept, ts_ms, self.seq, code or (known.code if known is not None else ""))
        unchanged = known is not None and known.row == kept and known.code == entry.code
        self._orders[order.orderId] = entry
        self._doubtful.pop(order.orderId, None)
        self._forget_ended()
        if unchanged or is_reading or not is_shown(kept):
            return []
        return [OrderReported(self._report(entry))]

    def _doubt(self, order: pb.ProtoOAOrder) -> list[Told]:
        """An order in a state or of a kind that nobody here knows: it is in doubt until it can be read."""
        log.warning("unreadable: order %d", order.orderId)
        report = self._reader.doubtful(order)
        known = self._orders.get(order.orderId)
        if known is not None and not is_protective(known.row):
            state, reason = OrderState.IN_DOUBT, UNREADABLE
            report = replace(self._report(known), state=state, reason=reason)
        if report is None:
            return []
        self._doubtful[order.orderId] = report
        return [OrderReported(report)]

    def _take_deal(self, deal: pb.ProtoOADeal, order: pb.ProtoOAOrder | None) -> list[Told]:
        if not deal.IsInitialized():
            log.warning("unreadable: a deal")
            return [AccountStreamReset("The venue told of a fill in an unknown way.")]
        if deal.HasField("closePositionDetail"):
            detail = deal.closePositionDetail
            version = detail.balanceVersion if detail.HasField("balanceVersion") else None
            self._take_balance(self._reader.money(detail.balance, detail), version)
        if deal.dealId in self._deals:
            return []
        name = self.name_of(deal.orderId) or (own_id(order) if order is not None else None)
        fill = self._reader.fill(deal, name)
        if fill is None:
            return []
        self._note_deal(deal.dealId)
        return [FillReported(fill)]

    def _take_position(
        self, row: pb.ProtoOAPosition, ts_ms: int, reason: str, *, is_news: bool
    ) -> list[Told]:
        known = self._positions.get(row.positionId)
        if known is not None:
            ts_ms = ts_ms or known.ts_ms
            # Of the millisecond of its end comes what is told once more; or, with a deal that is new, the
            # other side of a netted position that was turned round.
            if ts_ms < known.ts_ms or (ts_ms == known.ts_ms and known.is_over and not is_news):
                return []
        was_open = known is not None and known.is_open
        unchanged = was_open and known is not None and known.row == row and known.margin is None
        held = self._keep_position(row, ts_ms)
        if held.is_open:
            return [] if unchanged else [self._tell_position(held)]
        held.is_over = was_open or (known is not None and known.is_over)
        if not was_open:
            return []
        assert known is not None
        return [self._tell_over(held, self._bare(known), reason)]

    def _keep_position(self, row: pb.ProtoOAPosition, ts_ms: int) -> _Held:
        kept = pb.ProtoOAPosition()
        kept.CopyFrom(row)
        known = self._positions.get(row.positionId)
        held = self._positions[row.positionId] = _Held(kept, ts_ms, self.seq)
        if known is not None and known.is_open and not row.HasField("usedMargin"):
            held.margin = self._bare(known).margin
        self._positions.move_to_end(row.positionId)
        self._forget_closed()
        return held

    # --- other messages ----------------------------------------------------------------------------------

    def _on_trail(self, event: pb.ProtoOATrailingSLChangedEvent) -> list[Told]:
        """A trailing stop has moved; no execution event tells of it."""
        if event.utcLastUpdateTimestamp < self._trails.get(event.positionId, _NO_TRAIL).ts_ms:
            return []
        self._trails[event.positionId] = _Trail(event.utcLastUpdateTimestamp, event.stopPrice, self.seq)
        held = self._positions.get(event.positionId)
        if held is None or not held.is_open or event.utcLastUpdateTimestamp < held.ts_ms:
            return []
        held.bare = None
        return [self._tell_position(held)]

    def _on_margin(self, event: pb.ProtoOAMarginChangedEvent) -> list[Told]:
        held = self._positions.get(event.positionId)
        if held is None or not held.is_open:
            return []
        margin = self._reader.money(event.usedMargin, event)
        if margin == self._bare(held).margin:
            return []
        held.margin, held.seq, held.bare = margin, self.seq, None
        return [self._tell_position(held)]

    def _take_balance(self, balance: Decimal, version: int | None) -> None:
        """A balance stands until one with a higher version comes; one without a version is the newest."""
        known = self._balance_version
        if version is not None and known is not None and version < known:
            return
        self._balance = balance
        self._balance_version = version if version is not None else known

    # --- helpers -----------------------------------------------------------------------------------------

    def _open(self) -> Iterator[_Held]:
        return (held for held in self._positions.values() if held.is_open)

    def _bare(self, held: _Held) -> Position:
        """Without its profit."""
        if held.bare is None:
            row = held.row
            trail = self._trails.get(row.positionId, _NO_TRAIL)
            moved = trail.ts_ms >= held.ts_ms and row.trailingStopLoss
            stop = self._reader.price(trail.price, row.tradeData.symbolId) if moved else None
            held.bare = self._reader.position(row, stop_loss=stop, margin=held.margin)
        return held.bare

    def _bare_open(self) -> list[tuple[Position, int]]:
        return [(self._bare(held), held.row.tradeData.symbolId) for held in self._open()]

    def _position(self, held: _Held) -> Position:
        position = self._bare(held)
        return replace(position, unrealised=self._profits.net(position, held.row.tradeData.symbolId))

    def _tell_position(self, held: _Held) -> PositionReported:
        position = self._position(held)
        held.profit = position.unrealised
        return PositionReported(position)

    def _tell_over(self, held: _Held, last: Position, reason: str = "") -> PositionReported:
        """It is closed. The row that says so may lack what it was: that is as it was last."""
        held.is_over, held.bare = True, None
        self._profits.forget(last.position_id)
        self._trails.pop(held.row.positionId, None)
        closed = replace(self._bare(held), quantity=ZERO, side=last.side, average_price=last.average_price)
        return PositionReported(closed, reason)

    def _report(self, known: _Order) -> OrderReport:
        return self._reader.report(
            known.row, client_order_id=self._names.get(known.row.orderId), code=known.code
        )

    def _used_margin(self) -> Decimal | None:
        """What all positions tie up. Both sides of one symbol count as the account says: the larger one,
        both, or the difference."""
        sides: dict[int, dict[Side, Decimal]] = {}
        for position, symbol_id in self._bare_open():
            if position.margin is None:
                return None
            by_side = sides.setdefault(symbol_id, {Side.BUY: ZERO, Side.SELL: ZERO})
            by_side[position.side] += position.margin
        trader = self.trader
        kind = pb.SUM
        if trader is not None and trader.HasField("totalMarginCalculationType"):
            kind = trader.totalMarginCalculationType
        total = ZERO
        for by_side in sides.values():
            long, short = by_side[Side.BUY], by_side[Side.SELL]
            if kind == pb.MAX:
                total += max(long, short)
            elif kind == pb.NET:
                total += abs(long - short)
            else:
                total += long + short
        return total

    def _note_deal(self, deal_id: int) -> None:
        self._deals[deal_id] = None
        while len(self._deals) > _KEPT_DEALS:
            self._deals.popitem(last=False)

    def _forget_ended(self) -> None:
        if len(self._orders) > 2 * _KEPT_ENDED:
            for order_id in [key for key, known in self._orders.items() if is_ended(known.row)][:_KEPT_ENDED]:
                del self._orders[order_id]

    def _forget_closed(self) -> None:
        if len(self._positions) > 2 * _KEPT_ENDED:
            for key in [key for key, held in self._positions.items() if not held.is_open][:_KEPT_ENDED]:
                del self._positions[key]


def _is_newer(order: pb.ProtoOAOrder, ts_ms: int, known: _Order) -> bool:
    """Whether a version of an order stands against the known one: an end is never taken back."""
    ended, was_ended = is_ended(order), is_ended(known.row)
    if ended is not was_ended:
        return ended
    if ts_ms != known.ts_ms:
        return ts_ms > known.ts_ms
    return order.executedVolume >= known.row.executedVolume


def _margin_call(call: Any) -> VenueNotice:
    level = format(Decimal(repr(call.marginLevelThreshold)).normalize(), "f")
    return VenueNotice(
        f"Margin call: the margin level has fallen to {level} % or below. Add money or close positions, "
        "before the broker closes them.",
        is_urgent=True,
    )
