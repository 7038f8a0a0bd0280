"""OKX's orders, stop orders and fills as whole reports, kept by what the account's stream and REST tell.

Rows may come twice and out of order: of each order the newest by OKX's own time stands, and each fill counts
once. A stop order that fires becomes another order at OKX; to a person it stays the same one, so the child's
reports and fills bear the stop order's id (OKX v5, ``orders`` and ``orders-algo``, 2026-07).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from terminal.domain.decimals import ZERO
from terminal.domain.errors import ProtocolViolation
from terminal.domain.orders import Fill, OrderReport, OrderState, OrderType, Protection, TimeInForce
from terminal.venues.okx.errors import VENUE_NAME, cancel_reason
from terminal.venues.okx.order_words import AT_MARKET, is_protective_id
from terminal.venues.okx.parse import maybe, maybe_price, maybe_time_ns, number, price, side_of, time_ns
from terminal.venues.okx.symbols import SymbolMap, inst_type_of, symbol_of
from terminal.venues.okx.wire import AlgoRow, FillRow, OrderRow

K = TypeVar("K")
V = TypeVar("V")

_STATE: Final = {
    "live": OrderState.OPEN,
    "partially_filled": OrderState.PARTLY_FILLED,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "mmp_canceled": OrderState.CANCELED,
}
_ALGO_STATE: Final = {
    "live": OrderState.OPEN,
    "pause": OrderState.OPEN,
    # It fired: what becomes of it, the order that it placed tells.
    "effective": OrderState.OPEN,
    "partially_effective": OrderState.OPEN,
    "canceled": OrderState.CANCELED,
    "order_failed": OrderState.REJECTED,
    "partially_failed": OrderState.REJECTED,
}
_FIRED: Final = frozenset({"effective", "partially_effective", "order_failed", "partially_failed"})
_KIND: Final = {
    "limit": (OrderType.LIMIT, TimeInForce.GTC),
    "post_only": (OrderType.LIMIT, TimeInForce.GTC),
    "rpi": (OrderType.LIMIT, TimeInForce.GTC),
    "elp": (OrderType.LIMIT, TimeInForce.GTC),
    "mmp": (OrderType.LIMIT, TimeInForce.GTC),
    "mmp_and_post_only": (OrderType.LIMIT, TimeInForce.GTC),
    "ioc": (OrderType.LIMIT, TimeInForce.IOC),
    "fok": (OrderType.LIMIT, TimeInForce.FOK),
    "market": (OrderType.MARKET, TimeInForce.GTC),
    "optimal_limit_ioc": (OrderType.MARKET, TimeInForce.GTC),
}
_POST_ONLY: Final = frozenset({"post_only", "rpi", "elp", "mmp_and_post_only"})
_KEPT: Final = 5_000
_KEPT_FILLS: Final = 20_000


def fill_id(inst_id: str, trade_id: str, side: str) -> str:
    """The same name for a fill on the stream and in REST: OKX numbers trades by instrument, and whoever
    trades with himself has both sides of one."""
    return f"{inst_id}:{trade_id}:{side[:1]}"


def is_set(value: str | bool) -> bool:
    """A flag that OKX sends as a truth value or as text."""
    return value is True or value == "true"


def is_protective(row: AlgoRow) -> bool:
    """Whether a stop order is a position's stop or target rather than an order by itself: one that
    this program set as such, or a reducing one that was set elsewhere."""
    if inst_type_of(row.instId) == "SPOT":
        return False
    if row.algoClOrdId:
        return is_protective_id(row.algoClOrdId)
    return row.ordType in ("conditional", "oco", "move_order_stop") and (
        row.ordType == "oco" or is_set(row.reduceOnly)
    )


def algo_report(row: AlgoRow, symbols: SymbolMap) -> OrderReport:
    """A stop order as a report. Raises ValueError or ProtocolViolation (its state is none that we know)."""
    state = _ALGO_STATE.get(row.state)
    if state is None:
        raise ProtocolViolation(VENUE_NAME, f"stop order {row.algoId}: unknown state", code=row.state[:40])
    trail: Decimal | None = None
    if row.ordType == "move_order_stop":
        kind, trigger, limit = OrderType.TRAILING_STOP, maybe_price(row.moveTriggerPx), None
        trail = maybe(row.callbackSpread)
        if trail is None and row.callbackRatio:
            trail = number(row.callbackRatio) * 100
    elif row.slTriggerPx and row.slTriggerPx != "0":
        trigger, limit = price(row.slTriggerPx), _limit(row.slOrdPx)
        kind = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    elif row.tpTriggerPx and row.tpTriggerPx != "0":
        trigger, limit = price(row.tpTriggerPx), _limit(row.tpOrdPx)
        kind = OrderType.TAKE_PROFIT if limit is None else OrderType.TAKE_PROFIT_LIMIT
    elif row.triggerPx:
        trigger, limit = price(row.triggerPx), _limit(row.orderPx or row.ordPx)
        kind = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    else:
        raise ValueError(f"a stop order of an unknown kind: {row.ordType[:30]!r}")
    return OrderReport(
        instrument=symbols.id_of(row.instId),
        venue_order_id=row.algoId,
        client_order_id=row.algoClOrdId or None,
        state=state,
        side=side_of(row.side),
        order_type=kind,
        quantity=symbols.to_quantity(row.instId, number(row.sz)),
        filled_quantity=ZERO,
        average_price=None,
        limit_price=limit,
        trigger_price=trigger,
        trail_offset=trail,
        reduce_only=is_set(row.reduceOnly),
        triggered=row.state in _FIRED,
        reason=f"OKX could not place it (code {row.failCode})" if row.failCode not in ("", "0") else "",
        ts_event_ns=maybe_time_ns(row.uTime) or maybe_time_ns(row.cTime) or 0,
    )


def _limit(text: str) -> Decimal | None:
    return None if text in ("", AT_MARKET) else maybe_price(text)


def order_report(row: OrderRow, symbols: SymbolMap) -> OrderReport:
    """An order as a report.

    ``{"instType":"SPOT","instId":"BTC-USDT","ordId":"680800019749904384","clOrdId":"","tag":"","px":"",
    "sz":"100","ordType":"market","side":"buy","posSide":"net","tdMode":"cash","tgtCcy":"quote_ccy",
    "state":"filled","accFillSz":"0.00192834","avgPx":"51858","fee":"-0.00000192834","feeCcy":"BTC",
    "reduceOnly":"false","cancelSource":"","cTime":"1708587373361","uTime":"1708587373362"}``

    A market buy for an amount of quote has that amount as its quantity until it has ended; then what it
    bought.

    Raises:
        ProtocolViolation: the state is none that OKX documents; the order is in doubt.
        ValueError: another field cannot be read.
    """
    state = _STATE.get(row.state)
    if state is None:
        raise ProtocolViolation(VENUE_NAME, f"order {row.ordId}: unknown state", code=row.state[:40])
    found = _KIND.get(row.ordType)
    if found is None:
        raise ValueError(f"unknown order type {row.ordType[:30]!r}")
    kind, life = found
    filled = symbols.to_quantity(row.instId, number(row.accFillSz))
    # A market buy on credit counts in quote without saying so.
    buys_on_credit = row.instType == "MARGIN" and row.side == "buy" and not row.tgtCcy
    if kind is OrderType.MARKET and (row.tgtCcy == "quote_ccy" or buys_on_credit):
        quantity = filled if state.is_final else number(row.sz)
    else:
        quantity = symbols.to_quantity(row.instId, number(row.sz))
    if state is OrderState.OPEN and filled > 0:
        state = OrderState.PARTLY_FILLED
    reason = cancel_reason(row.cancelSource, row.cancelSourceReason)
    return OrderReport(
        instrument=symbols.id_of(row.instId),
        venue_order_id=row.ordId,
        client_order_id=row.clOrdId or None,
        state=state,
        side=side_of(row.side),
        order_type=kind,
        quantity=quantity,
        filled_quantity=filled,
        average_price=maybe_price(row.avgPx),
        limit_price=maybe_price(row.px) if kind is OrderType.LIMIT else None,
        time_in_force=life,
        post_only=row.ordType in _POST_ONLY,
        protection=_attached(row),
        reduce_only=is_set(row.reduceOnly),
        reason=reason if state is OrderState.CANCELED else "",
        ts_event_ns=maybe_time_ns(row.uTime) or maybe_time_ns(row.cTime) or 0,
    )


def _attached(row: OrderRow) -> Protection | None:
    """The stop and target that OKX will set up once the order has filled."""
    stop = target = None
    for each in row.attachAlgoOrds:
        stop = stop or maybe_price(each.slTriggerPx)
        target = target or maybe_price(each.tpTriggerPx)
    return None if stop is None and target is None else Protection(stop, target)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one row amounts to."""

    report: OrderReport | None = None
    fill: Fill | None = None
    violation: str = ""
    """Why the report says IN_DOUBT, or why there is none."""


class OrderTracker:
    """All orders that were told of, each as its last whole report."""

    def __init__(self, symbols: SymbolMap) -> None:
        self._symbols = symbols
        self._reports: OrderedDict[str, OrderReport] = OrderedDict()
        self._algos: OrderedDict[str, AlgoRow] = OrderedDict()
        self._algo_of: OrderedDict[str, str] = OrderedDict()
        self._child_of: OrderedDict[str, str] = OrderedDict()
        self._by_client: OrderedDict[str, str] = OrderedDict()
        self._fills: OrderedDict[str, None] = OrderedDict()
        self._modes: OrderedDict[str, str] = OrderedDict()

    # --- asking ------------------------------------------------------------------------------------------

    def report(self, venue_order_id: str) -> OrderReport | None:
        return self._reports.get(venue_order_id)

    def open_reports(self) -> list[OrderReport]:
        return [report for report in self._reports.values() if not report.state.is_final]

    def venue_id(self, client_order_id: str) -> str | None:
        """OKX's id of the newest order with this id of ours."""
        return self._by_client.get(client_order_id)

    def is_algo(self, venue_order_id: str) -> bool:
        """Whether this is a stop order that still waits."""
        return venue_order_id in self._algos and venue_order_id not in self._child_of

    def working_id(self, venue_order_id: str) -> str:
        """The id that OKX's calls want: of the order that a fired stop order has placed, else the same."""
        return self._child_of.get(venue_order_id, venue_order_id)

    def waiting(self, venue_order_id: str) -> AlgoRow | None:
        """OKX's own record of a stop order that still waits."""
        return self._algos.get(venue_order_id) if self.is_algo(venue_order_id) else None

    def protective(self) -> list[AlgoRow]:
        """Stops and targets of positions that wait, oldest first."""
        return [row for row in self._algos.values() if row.state in ("live", "pause") and is_protective(row)]

    # --- being told --------------------------------------------------------------------------------------

    def note(self, client_order_id: str, venue_order_id: str, *, algo: AlgoRow | None = None) -> None:
        """OKX has taken an order of ours; the stream may tell of it later, or has already."""
        if client_order_id:
            _put(self._by_client, client_order_id, venue_order_id)
        if algo is not None:
            known = self._algos.get(venue_order_id)
            _put(self._algos, venue_order_id, algo if known is None else _with_level(known, algo))

    def amended(self, algo_id: str, terms: Mapping[str, object]) -> None:
        """OKX has taken new terms (``newSlTriggerPx``, ...) of a position's stop or target; its stream may
        tell of it later, or has already."""
        row = self._algos.get(algo_id)
        if row is None:
            return
        changes = {
            name[3].lower() + name[4:]: str(value) for name, value in terms.items() if name.startswith("new")
        }
        self._algos[algo_id] = msgspec.structs.replace(row, **changes)

    def apply(self, row: OrderRow) -> Outcome:
        """Take one row of the orders channel, or of REST."""
        if symbol_of(row.instId) is None:
            return Outcome()
        if row.tdMode:
            _put(self._modes, row.ordId, row.tdMode)
        if row.algoId and self._is_child(row):
            _put(self._algo_of, row.ordId, row.algoId)
            _put(self._child_of, row.algoId, row.ordId)
        fill: Fill | None = None
        try:
            fill = self._fill_of(row)
            report = order_report(row, self._symbols)
        except ProtocolViolation as violation:
            text = f"OKX reports a state this program does not know: {violation.code}"
            try:
                known = order_report(_as_live(row), self._symbols)
            except (ValueError, ArithmeticError) as error:
                return Outcome(fill=fill, violation=f"order {row.ordId}: {error}")
            doubtful = replace(self._as_known(row, known), state=OrderState.IN_DOUBT, reason=text)
            return Outcome(doubtful, fill, str(violation))
        except (ValueError, ArithmeticError) as error:
            return Outcome(fill=fill, violation=f"order {row.ordId}: {error}")
        return Outcome(self._keep(self._as_known(row, report)), fill)

    def apply_algo(self, row: AlgoRow) -> Outcome:
        """Take one row of the algo orders channel, or of REST. A position's stop or target has no report."""
        if symbol_of(row.instId) is None:
            return Outcome()
        before = self._algos.get(row.algoId)
        if before is not None and _age(before.uTime) > _age(row.uTime):
            return Outcome()
        if before is not None:
            row = _with_level(row, before)
        _put(self._algos, row.algoId, row)
        if is_protective(row):
            return Outcome()
        if row.ordId:
            _put(self._algo_of, row.ordId, row.algoId)
            _put(self._child_of, row.algoId, row.ordId)
        try:
            report = algo_report(row, self._symbols)
        except ProtocolViolation as violation:
            known = algo_report(_algo_as_live(row), self._symbols)
            text = f"OKX reports a state this program does not know: {violation.code}"
            return Outcome(replace(known, state=OrderState.IN_DOUBT, reason=text), None, str(violation))
        except (ValueError, ArithmeticError) as error:
            return Outcome(violation=f"stop order {row.algoId}: {error}")
        last = self._reports.get(row.algoId)
        if last is not None and row.algoId in self._child_of and last.triggered:
            return Outcome()  # its child tells the rest, and may have told it before
        return Outcome(self._keep(report))

    def fill(self, row: FillRow) -> Fill:
        """A row of REST's fills. Raises ValueError where it cannot be read."""
        return self._make_fill(
            inst_id=row.instId,
            trade_id=row.tradeId,
            side=row.side,
            at=row.fillPx,
            size=row.fillSz,
            fee=row.fee,
            fee_asset=row.feeCcy,
            role=row.execType,
            brought=row.fillPnl,
            ord_id=row.ordId,
            client_id=row.clOrdId,
            stamp=row.fillTime or row.ts,
        )

    def past(self, row: OrderRow) -> OrderReport:
        """An ended order of long ago, without keeping it. Raises as :func:`order_report`."""
        return self._as_known(row, order_report(row, self._symbols))

    def margin_mode(self, ord_id: str) -> str:
        """What backs an order that was told of, in OKX's word; empty where that is not known."""
        return self._modes.get(ord_id, "")

    def is_new(self, fill: Fill) -> bool:
        """Whether this fill has not been told before; remembers it."""
        if fill.fill_id in self._fills:
            return False
        self._fills[fill.fill_id] = None
        while len(self._fills) > _KEPT_FILLS:
            self._fills.popitem(last=False)
        return True

    def forget_protective(self, known: Iterable[str]) -> None:
        """Of the waiting stops and targets only these are left, says OKX."""
        alive = set(known)
        for algo_id, row in list(self._algos.items()):
            if row.state in ("live", "pause") and algo_id not in alive and is_protective(row):
                del self._algos[algo_id]

    # --- inside ------------------------------------------------------------------------------------------

    def _fill_of(self, row: OrderRow) -> Fill | None:
        """The fill that this message is about. A market order may end with a row whose fill is 0."""
        if not row.tradeId or number(row.fillSz) == 0:
            return None
        return self._make_fill(
            inst_id=row.instId,
            trade_id=row.tradeId,
            side=row.side,
            at=row.fillPx,
            size=row.fillSz,
            fee=row.fillFee,
            fee_asset=row.fillFeeCcy,
            role=row.execType,
            brought=row.fillPnl,
            ord_id=row.ordId,
            client_id=row.clOrdId,
            stamp=row.fillTime or row.uTime,
        )

    def _make_fill(
        self,
        *,
        inst_id: str,
        trade_id: str,
        side: str,
        at: str,
        size: str,
        fee: str,
        fee_asset: str,
        role: str,
        brought: str,
        ord_id: str,
        client_id: str,
        stamp: str,
    ) -> Fill:
        quantity = self._symbols.to_quantity(inst_id, number(size))
        if quantity <= 0:
            raise ValueError(f"a fill of {quantity}")
        algo_id = self._algo_of.get(ord_id)
        algo = self._algos.get(algo_id) if algo_id else None
        told = self._reports.get(algo_id) if algo_id else None
        if algo is not None:
            client_id = algo.algoClOrdId or client_id
        elif told is not None:
            client_id = told.client_order_id or client_id
        realised = number(brought) if inst_type_of(inst_id) != "SPOT" else ZERO
        charged = maybe(fee)
        return Fill(
            fill_id=fill_id(inst_id, trade_id, side),
            instrument=self._symbols.id_of(inst_id),
            side=side_of(side),
            price=price(at),
            quantity=quantity,
            fee=-charged if charged is not None else None,
            fee_asset=fee_asset,
            is_maker={"M": True, "T": False}.get(role),
            venue_order_id=algo_id or ord_id,
            client_order_id=None if is_protective_id(client_id) else client_id or None,
            ts_event_ns=time_ns(stamp),
            realised=realised or None,
        )

    def _is_child(self, row: OrderRow) -> bool:
        """Whether a stop order that is shown as an order has placed this one; one that fired while nobody
        listened is known by its id alone."""
        algo = self._algos.get(row.algoId)
        if algo is not None:
            return not is_protective(algo)
        return bool(row.algoClOrdId) and not is_protective_id(row.algoClOrdId)

    def _as_known(self, row: OrderRow, report: OrderReport) -> OrderReport:
        """A child of a stop order in the words of that order."""
        if not row.algoId:
            return report
        algo = self._algos.get(row.algoId)
        if algo is None:
            if not self._is_child(row):
                return replace(report, triggered=True)
            ours = row.algoClOrdId or None
            return replace(report, venue_order_id=row.algoId, client_order_id=ours, triggered=True)
        try:
            parent = algo_report(_algo_as_live(algo), self._symbols)
        except (ValueError, ArithmeticError):
            return replace(report, triggered=True)
        if is_protective(algo):
            # The position's stop was no order of its own; what it has placed is one.
            return replace(report, order_type=parent.order_type, triggered=True, client_order_id=None)
        return replace(
            parent,
            state=report.state,
            quantity=report.quantity,
            filled_quantity=report.filled_quantity,
            average_price=report.average_price,
            limit_price=report.limit_price or parent.limit_price,
            triggered=True,
            reason=report.reason,
            ts_event_ns=report.ts_event_ns,
        )

    def _keep(self, report: OrderReport) -> OrderReport | None:
        """The report if it is news; None where something newer is known."""
        key = report.venue_order_id
        before = self._reports.get(key)
        if before is not None:
            if before == report:
                return None  # sent twice
            if before.ts_event_ns > report.ts_event_ns or before.filled_quantity > report.filled_quantity:
                return None
            if before.state.is_final and not report.state.is_final:
                return None
        _put(self._reports, key, report)
        if report.client_order_id:
            _put(self._by_client, report.client_order_id, key)
        return report


def _put(table: OrderedDict[K, V], key: K, value: V) -> None:
    table[key] = value
    table.move_to_end(key)
    while len(table) > _KEPT:
        table.popitem(last=False)


def _age(stamp: str) -> int:
    return int(stamp) if stamp.isdigit() else 0


def _as_live(row: OrderRow) -> OrderRow:
    return msgspec.structs.replace(row, state="live")


def _with_level(row: AlgoRow, known: AlgoRow) -> AlgoRow:
    """OKX does not always say where a trailing stop stands: it is never worse than where it stood."""
    if row.moveTriggerPx or not known.moveTriggerPx:
        return row
    return msgspec.structs.replace(row, moveTriggerPx=known.moveTriggerPx)


def _algo_as_live(row: AlgoRow) -> AlgoRow:
    return msgspec.structs.replace(row, state="live")
