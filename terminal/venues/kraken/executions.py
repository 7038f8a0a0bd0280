"""The executions channel as whole order reports and fills.

Kraken names an order's terms once and then sends only what changed (WS v2 ``executions``, read 2026-08), so
the rows are merged here by ``order_id``. What an order cannot be (unknown state, NaN) puts it in doubt;
nothing is guessed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from terminal.domain.decimals import ZERO, require_finite
from terminal.domain.errors import ProtocolViolation
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderReport, OrderState, OrderType, TimeInForce
from terminal.venues.kraken.errors import VENUE_NAME
from terminal.venues.kraken.parse import side_of, time_ns
from terminal.venues.kraken.symbols import SymbolMap
from terminal.venues.kraken.wire import ExecutionMessage, WsExecution

decode_executions = msgspec.json.Decoder(ExecutionMessage).decode

WIRE_ORDER_TYPE: dict[OrderType, str] = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.ICEBERG: "iceberg",
    OrderType.STOP: "stop-loss",
    OrderType.STOP_LIMIT: "stop-loss-limit",
    OrderType.TAKE_PROFIT: "take-profit",
    OrderType.TAKE_PROFIT_LIMIT: "take-profit-limit",
    OrderType.TRAILING_STOP: "trailing-stop",
    OrderType.TRAILING_STOP_LIMIT: "trailing-stop-limit",
}
ORDER_TYPE: dict[str, OrderType] = {text: kind for kind, text in WIRE_ORDER_TYPE.items()}
# Closes a margin position at the market's price; the nearest thing Kraken itself compares it with.
ORDER_TYPE["settle-position"] = OrderType.MARKET

_STATE = {
    "pending_new": OrderState.PENDING_NEW,
    "new": OrderState.OPEN,
    "partially_filled": OrderState.PARTLY_FILLED,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "expired": OrderState.EXPIRED,
}
# A row that ends an order says so twice; where ``order_status`` is missing, the execution type is enough.
_STATE_OF_EXEC = {
    "pending_new": OrderState.PENDING_NEW,
    "new": OrderState.OPEN,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "expired": OrderState.EXPIRED,
}
_KEPT_ENDED = 2_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one row amounts to."""

    report: OrderReport | None = None
    fill: Fill | None = None
    unknown_order: str | None = None
    """A changed order whose terms were never told here: ask Kraken for all of it."""
    violation: ProtocolViolation | None = None
    """Why the report says IN_DOUBT, or why there is none."""


class OrderTracker:
    """All orders the private stream has told of, each as the last whole report."""

    def __init__(self, symbols: SymbolMap) -> None:
        self._symbols = symbols
        self._reports: dict[str, OrderReport] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    def report(self, venue_order_id: str) -> OrderReport | None:
        return self._reports.get(venue_order_id)

    def find(self, client_order_id: str) -> OrderReport | None:
        """The newest order with this id of ours; Kraken allows an id again once its order has ended."""
        for report in reversed(self._reports.values()):
            if report.client_order_id == client_order_id:
                return report
        return None

    def open_reports(self) -> list[OrderReport]:
        return [report for report in self._reports.values() if not report.state.is_final]

    def learn(self, reports: Sequence[OrderReport]) -> None:
        """Take whole reports from REST, for orders that the stream has not told of."""
        for report in reports:
            if report.venue_order_id not in self._reports:
                self._keep(report)

    def start_over(self) -> None:
        """A new subscription: its snapshot tells the open orders again in full."""
        self._reports = {key: value for key, value in self._reports.items() if value.state.is_final}

    def apply(self, row: WsExecution, *, is_snapshot: bool) -> Outcome:
        """Merge one row.

        ``{"order_id":"OK4GJX-KSTLS-7DZZO5","order_userref":3,"exec_id":"TGBB7L-HT5LX-J3BZ4A","exec_type":"trade",
        "trade_id":62887576,"symbol":"BTC/USD","side":"sell","last_qty":0.005,"last_price":26599.9,
        "liquidity_ind":"t","cost":132.9995,"order_type":"limit","order_status":"partially_filled","cum_qty":0.005,
        "cum_cost":132.9995,"avg_price":26599.9,"fee_usd_equiv":0.3458,"fees":[{"asset":"USD","qty":0.3458}],
        "timestamp":"2023-09-22T10:33:05.709982Z"}``
        """
        known = self._reports.get(row.order_id)
        try:
            fill = self._fill(row, known) if row.exec_type == "trade" else None
            report = self._merge(row, known, is_snapshot)
        except (ValueError, ArithmeticError) as error:
            return self._in_doubt(row, known, str(error))
        if report is None:
            return Outcome(fill=fill, unknown_order=row.order_id)
        self._keep(report)
        return Outcome(report=report, fill=fill)

    def _merge(self, row: WsExecution, known: OrderReport | None, is_snapshot: bool) -> OrderReport | None:
        state = _state(row, known, is_snapshot)
        if known is None:
            known = self._first(row, state)
            if known is None:
                return None
        changes: dict[str, object] = {"state": state}
        filled = _number(row.cum_qty)
        if filled is not None:
            # Totals only grow; a row that was overtaken must not take a fill back.
            changes["filled_quantity"] = max(filled, known.filled_quantity)
        average = _number(row.avg_price)
        if average:
            changes["average_price"] = average
        named = {
            "quantity": _number(row.order_qty),
            "limit_price": _limit_price(row),
            "display_quantity": _number(row.display_qty) or None,
            "client_order_id": row.cl_ord_id,
            "post_only": row.post_only,
            "reduce_only": row.reduce_only,
            "reason": row.reason or row.cancel_reason,
        }
        changes.update((name, value) for name, value in named.items() if value is not None)
        if row.time_in_force is not None:
            changes["time_in_force"] = TimeInForce(row.time_in_force.upper())
        if row.expire_time is not None:
            changes["expire_time_ns"] = time_ns(row.expire_time)
        if row.timestamp is not None:
            changes["ts_event_ns"] = time_ns(row.timestamp)
        changes.update(_trigger_terms(row, known.order_type))
        report = replace(known, **changes)  # type: ignore[arg-type]
        if report.state is OrderState.OPEN and report.filled_quantity > 0:
            report = replace(report, state=OrderState.PARTLY_FILLED)
        return report

    def _first(self, row: WsExecution, state: OrderState) -> OrderReport | None:
        quantity = row.order_qty if row.order_qty is not None else row.cash_order_qty
        if row.symbol is None or row.side is None or row.order_type is None or quantity is None:
            return None
        kind = ORDER_TYPE.get(row.order_type)
        if kind is None:
            raise ValueError(f"unknown order type {row.order_type[:30]!r}")
        return OrderReport(
            instrument=self._symbols.instrument_id(row.symbol),
            venue_order_id=row.order_id,
            client_order_id=row.cl_ord_id,
            state=state,
            side=side_of(row.side),
            order_type=kind,
            quantity=require_finite(quantity),
            filled_quantity=ZERO,
            average_price=None,
        )

    def _fill(self, row: WsExecution, known: OrderReport | None) -> Fill:
        symbol = row.symbol or (known.instrument.symbol if known is not None else None)
        side: Side | None = side_of(row.side) if row.side is not None else (known.side if known else None)
        price, quantity = _number(row.last_price), _number(row.last_qty)
        if row.exec_id is None or symbol is None or side is None or not price or not quantity:
            raise ValueError("a trade without its id, market, side, price or quantity")
        fees = row.fees or ()
        asset = fees[0].asset if fees else symbol.partition("/")[2]
        # A fee is charged in one asset; should a second ever appear, only like may be added to like.
        fee = sum((require_finite(one.qty) for one in fees if one.asset == asset), ZERO)
        return Fill(
            fill_id=row.exec_id,
            instrument=self._symbols.instrument_id(symbol),
            side=side,
            price=price,
            quantity=quantity,
            fee=fee,
            fee_asset=asset,
            is_maker=row.liquidity_ind == "m",
            venue_order_id=row.order_id,
            client_order_id=row.cl_ord_id or (known.client_order_id if known is not None else None),
            ts_event_ns=time_ns(row.timestamp) if row.timestamp is not None else 0,
        )

    def _in_doubt(self, row: WsExecution, known: OrderReport | None, why: str) -> Outcome:
        violation = ProtocolViolation(
            VENUE_NAME, f"order {row.order_id}: {why}", code=row.order_status or row.exec_type
        )
        if known is None:
            try:
                known = self._first(row, OrderState.IN_DOUBT)
            except (ValueError, ArithmeticError):
                known = None
        if known is None:
            return Outcome(violation=violation, unknown_order=row.order_id)
        report = replace(
            known,
            state=OrderState.IN_DOUBT,
            client_order_id=row.cl_ord_id or known.client_order_id,
            reason=f"Kraken reported something this program cannot read: {why}",
        )
        return Outcome(report=report, violation=violation)

    def _keep(self, report: OrderReport) -> None:
        self._reports[report.venue_order_id] = report
        if report.state.is_final and report.venue_order_id not in self._ended:
            self._ended[report.venue_order_id] = None
            while len(self._ended) > _KEPT_ENDED:
                oldest, _ = self._ended.popitem(last=False)
                self._reports.pop(oldest, None)


def _state(row: WsExecution, known: OrderReport | None, is_snapshot: bool) -> OrderState:
    if row.order_status is not None:
        state = _STATE.get(row.order_status)
        if state is None:
            raise ValueError(f"unknown order state {row.order_status[:30]!r}")
    else:
        found = _STATE_OF_EXEC.get(row.exec_type)
        if found is not None:
            state = found
        elif known is None:
            raise ValueError(f"no order state with {row.exec_type[:30]!r}")
        else:
            state = known.state
    if is_snapshot and state is OrderState.PENDING_NEW:
        return (
            OrderState.OPEN
        )  # Kraken lists it among the open ones, so it has long arrived (a scheduled order)
    if known is not None and known.state.is_final and not state.is_final:
        return known.state  # a row that its own end overtook
    return state


def _trigger_terms(row: WsExecution, kind: OrderType) -> dict[str, object]:
    triggers = row.triggers
    if triggers is None:
        stop = _number(row.stop_price)
        return {"trigger_price": stop} if stop and kind.has_trigger else {}
    out: dict[str, object] = {"triggered": triggers.status == "triggered"}
    price, actual = _number(triggers.price), _number(triggers.actual_price)
    if kind.has_trail:
        if price:
            out["trail_offset"] = price
        if actual:
            out["trigger_price"] = actual
    elif price and triggers.price_type in (None, "static"):
        out["trigger_price"] = price
    elif actual:
        out["trigger_price"] = actual
    return out


def _limit_price(row: WsExecution) -> Decimal | None:
    """The limit where it is a price. A trailing stop limit that has not fired tells an offset from its
    trigger instead, below zero for a sale (``limit_price_type`` ``quote`` or ``pct``)."""
    if row.limit_price_type not in (None, "static"):
        return None
    return _number(row.limit_price) or None


def _number(value: Decimal | None) -> Decimal | None:
    """Finite and not below zero, or None where the row does not name it."""
    if value is None:
        return None
    if require_finite(value) < 0:
        raise ValueError(f"below zero: {value}")
    return value
