"""An account's past by pages: ended orders, fills, and money that came or went otherwise.

OKX keeps three months of each, newest first, at most a hundred rows an answer, filtered by time with ``end``
(inclusive). Orders and fills have to be asked for by type of instrument, so a page is what all types have in
common: it ends where the first of them ran out of its hundred (OKX v5, "Get order history (last 3 months)",
"Get transaction details (last 3 months)", "Get bills details (last 3 months)", read 2026-08).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Final, TypeVar

from terminal.domain.account import CashFlow
from terminal.domain.errors import ProtocolViolation, VenueUnavailable
from terminal.domain.orders import Fill, OrderReport
from terminal.venues.base import CashFlowPage, FillPage, OrderPage
from terminal.venues.okx.account_reader import AccountReader
from terminal.venues.okx.errors import VENUE_NAME
from terminal.venues.okx.holdings import Holdings
from terminal.venues.okx.orders import OrderTracker
from terminal.venues.okx.parse import WIRE_ERRORS, number, time_ns
from terminal.venues.okx.rest import OkxRest
from terminal.venues.okx.symbols import inst_types, symbol_of
from terminal.venues.okx.wire import BillRow, FillRow, OrderRow

R = TypeVar("R")
Ask = Callable[[int | None, str | None], Awaitable[list[R]]]
"""Rows up to a time (ms, inclusive; None: now) and older than an id (None: from the newest)."""

_PAGE: Final = 100
_MOST_ANSWERS: Final = 10
# How many answers a page of cash flow may take: an active account's bills are mostly trades.
_BILL_ANSWERS: Final = 5
_ENOUGH: Final = 30
_POSITION_ANSWERS: Final = 20

_TRADES: Final = frozenset({"2", "5", "9", "13", "14", "24", "30"})
"""Bills of fills, which are told as fills: trade, liquidation, auto-deleveraging, delta hedging, blocks."""
_WORDS: Final = {
    "1": "transfer",
    "3": "delivery",
    "4": "forced repayment",
    "6": "margin transfer",
    "7": "interest",
    "8": "funding",
    "10": "clawback",
    "11": "conversion by OKX",
    "12": "bot transfer",
    "15": "quick margin",
    "16": "borrowing",
    "22": "repayment",
    "26": "structured product",
    "27": "conversion",
    "28": "small balances converted",
    "29": "one-click repayment",
    "32": "moved position",
    "33": "loan",
    "34": "settlement",
    "250": "profit share paid",
    "251": "profit share refunded",
}
_FINER: Final = {
    "11": "transfer in",
    "12": "transfer out",
    "160": "margin added",
    "161": "margin removed",
    "162": "margin added by OKX",
    "201": "margin moved in",
    "203": "margin moved out",
    "306": "borrowing",
    "307": "borrowing by OKX",
    "308": "repayment",
    "309": "repayment by OKX",
}


class Records:
    """Reads the past of one key. Every method raises VenueUnavailable where it could not be asked, and
    RateLimited where the budget would be used up."""

    def __init__(
        self,
        rest: OkxRest,
        reader: AccountReader,
        tracker: OrderTracker,
        holdings: Holdings,
        *,
        on_fault: Callable[[str], None],
    ) -> None:
        self._rest = rest
        self._reader = reader
        self._tracker = tracker
        self._holdings = holdings
        self._on_fault = on_fault

    async def order_history(self, until_ns: int | None = None) -> OrderPage:
        """Orders that have ended, by the time of their creation. Canceled ones without a fill are gone after
        two hours; a stop order that was canceled before it fired is in no list of these."""

        def ask_for(inst_type: str) -> Ask[OrderRow]:
            return lambda end_ms, after: self._rest.orders_archive(inst_type, end_ms=end_ms, after=after)

        rows, earlier_ns = await self._page(
            until_ns, ask_for, lambda row: row.cTime or row.uTime, lambda row: row.ordId
        )
        reports: list[OrderReport] = []
        for row in rows:
            if symbol_of(row.instId) is None:
                continue
            try:
                reports.append(self._tracker.past(row))
            except (*WIRE_ERRORS, ProtocolViolation) as error:
                self._on_fault(f"order {row.ordId}: {error}")
        reports = [report for report in reports if report.state.is_final]
        return OrderPage(tuple(sorted(reports, key=lambda each: -each.ts_event_ns)), earlier_ns)

    async def fill_history(self, until_ns: int | None = None) -> FillPage:
        """Fills, each with its fee and, of contracts, what it realised."""

        def ask_for(inst_type: str) -> Ask[FillRow]:
            return lambda end_ms, after: self._rest.fills_archive(inst_type, end_ms=end_ms, after=after)

        rows, earlier_ns = await self._page(until_ns, ask_for, lambda row: row.ts, lambda row: row.billId)
        return FillPage(tuple(self._fills(rows)), earlier_ns)

    async def position_fills(self, position_id: str) -> Sequence[Fill]:
        """Every fill of a position that is open or was closed since the start of the program, newest first;
        none where nothing is known of it."""
        span = self._holdings.span(position_id)
        if span is None:
            return []
        await self._reader.learn_instruments()
        rows: list[FillRow] = []
        end_ms, after = span.until_ms, None
        for _ in range(_POSITION_ANSWERS):
            some = await self._rest.fills_archive(
                span.inst_type, end_ms=end_ms, after=after, inst_id=span.inst_id, begin_ms=span.since_ms
            )
            rows += some
            if len(some) < _PAGE:
                break
            after = some[-1].billId
        return [fill for fill in self._fills(rows) if fill.position_id == position_id]

    async def cash_flow(self, until_ns: int | None = None) -> CashFlowPage:
        """Transfers, funding, interest and all else that changed the balance and is no trade."""
        end_ms = None if until_ns is None else until_ns // 1_000_000
        found: list[CashFlow] = []
        after: str | None = None
        for _ in range(_BILL_ANSWERS):
            rows = await self._rest.bills(end_ms=end_ms, after=after)
            found += self._entries(rows)
            if len(rows) < _PAGE:
                return CashFlowPage(tuple(found), None)
            after = rows[-1].billId
            if len(found) >= _ENOUGH:
                break
        # Bills of the last millisecond may be told again with the next page: they have ids.
        last_ms = _ms(rows[-1].ts)
        return CashFlowPage(tuple(found), (last_ms if last_ms != end_ms else last_ms - 1) * 1_000_000)

    # --- inside ------------------------------------------------------------------------------------------

    def _fills(self, rows: Sequence[FillRow]) -> list[Fill]:
        fills: dict[str, Fill] = {}
        for row in rows:
            if symbol_of(row.instId) is None:
                continue
            try:
                fill = self._tracker.fill(row)
            except WIRE_ERRORS as error:
                self._on_fault(f"fill {row.tradeId}: {error}")
                continue
            fills[fill.fill_id] = fill._replace(
                position_id=self._holdings.position_of(
                    row.instId, row.posSide, fill.ts_event_ns, mode=self._tracker.margin_mode(row.ordId)
                )
            )
        return sorted(fills.values(), key=lambda fill: -fill.ts_event_ns)

    def _entries(self, rows: Sequence[BillRow]) -> list[CashFlow]:
        out = []
        for row in rows:
            if row.type in _TRADES:
                continue
            try:
                out.append(cash_flow(row))
            except WIRE_ERRORS as error:
                self._on_fault(f"bill {row.billId}: {error}")
        return out

    async def _page(
        self,
        until_ns: int | None,
        ask_for: Callable[[str], Ask[R]],
        stamp: Callable[[R], str],
        key: Callable[[R], str],
    ) -> tuple[list[R], int | None]:
        await self._reader.learn_instruments()
        mode = await self._reader.mode()
        end_ms = None if until_ns is None else until_ns // 1_000_000
        rows: list[R] = []
        floor: int | None = None
        for inst_type in inst_types(mode.level):
            some, ends_ms = await _one_type(ask_for(inst_type), end_ms, lambda row: _ms(stamp(row)), key)
            rows += some
            if ends_ms is not None:
                floor = ends_ms if floor is None else max(floor, ends_ms)
        if floor is None:
            return rows, None
        return [row for row in rows if _ms(stamp(row)) > floor], floor * 1_000_000


async def _one_type(
    ask: Ask[R], end_ms: int | None, stamp: Callable[[R], int], key: Callable[[R], str]
) -> tuple[list[R], int | None]:
    """Rows of one type, and the millisecond at which they may be cut off; None: there are no more."""
    rows: list[R] = []
    after: str | None = None
    for _ in range(_MOST_ANSWERS):
        some = await ask(end_ms, after)
        rows += some
        if len(some) < _PAGE:
            return rows, None
        last = stamp(rows[-1])
        if stamp(rows[0]) > last:
            return rows, last
        after = key(rows[-1])  # a whole answer of one and the same millisecond
    raise VenueUnavailable(VENUE_NAME, "more rows in a millisecond than can be read", code="endless")


def cash_flow(row: BillRow) -> CashFlow:
    """``{"bal":"8694.21","balChg":"-0.02","billId":"623950854533513219","ccy":"USDT","instId":"BTC-USDT-SWAP",
    "pnl":"-0.02","subType":"173","ts":"1695033476167","type":"8","notes":""}``: what moved, in words.

    Of an isolated position's margin the change is told apart (``posBalChg``).
    """
    amount: Decimal = number(row.balChg) or number(row.posBalChg)
    what = _FINER.get(row.subType) or _WORDS.get(row.type) or f"OKX's bill of type {row.type[:8]}"
    if row.type == "1" and row.subType not in _FINER:
        what = "transfer in" if amount >= 0 else "transfer out"
    symbol = symbol_of(row.instId) if row.instId else None
    return CashFlow(
        entry_id=row.billId,
        ts_event_ns=time_ns(row.ts),
        what=what,
        amount=amount,
        balance=number(row.bal),
        currency=row.ccy,
        note=symbol or row.notes[:120],
    )


def _ms(text: str) -> int:
    return int(text) if text.isdigit() else 0
