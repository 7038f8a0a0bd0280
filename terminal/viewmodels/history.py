"""An account's past, paged from the venue: ended orders, fills, and money that came or went."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.domain.account import CashFlow
from terminal.domain.decimals import ZERO
from terminal.domain.errors import TerminalError
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderReport, OrderState, OrderType
from terminal.venues.base import FillOffset, HasFillOffsets, HasRecords
from terminal.viewmodels import format as fmt
from terminal.viewmodels.account import sign_tone
from terminal.viewmodels.amounts import size_text
from terminal.viewmodels.contract_words import (
    direction_word,
    fill_result,
    fill_side,
    report_words,
    short_length,
)
from terminal.viewmodels.tables import Action, Column, TableModel

T = TypeVar("T")

PAIRS = Action("pairs", "Pairs", "Which deals closed it, and which it closes")
WHOLE = Action("whole", "Position", "Every deal of its position, and what they brought together")


class Chapter(Enum):
    """What of the past is shown."""

    ORDERS = "Orders"
    FILLS = "Deals"
    CASH = "Cash flow"


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An ended order."""

    report: OrderReport
    size: str
    digits: int

    @property
    def is_contract(self) -> bool:
        """It opened or ended a fixed-payout contract."""
        return self.report.order_type is OrderType.CONTRACT

    @property
    def side_text(self) -> str:
        """``Buy`` or ``Sell``; of a contract its direction, also where this ended it."""
        rises = self.report.side is Side.BUY
        if not self.is_contract:
            return "Buy" if rises else "Sell"
        return direction_word(self.report.side.opposite if self.report.reduce_only else self.report.side)

    @property
    def type_text(self) -> str:
        """Its type; of a contract its length, or that this was its end."""
        terms = self.report.contract
        if not self.is_contract or terms is None:
            return "contract end" if self.is_contract else self.report.order_type.value
        return f"contract {short_length(terms.duration_s)}"

    @property
    def state_words(self) -> tuple[str, str]:
        """How it ended, and in which tone; of a contract's end the result."""
        if self.is_contract:
            return report_words(self.report)
        state = self.report.state
        return state.value, "danger" if state is OrderState.REJECTED else "muted"


@dataclass(frozen=True, slots=True)
class PastFill:
    """A fill, with what it realised where it closed something."""

    fill: Fill
    size: str
    digits: int
    has_pairs: bool = False
    """The venue can say which other fills it belongs with."""
    is_contract: bool = False
    """It opened or ended a fixed-payout contract."""

    @property
    def side_text(self) -> str:
        """``Bought`` or ``Sold``; of a contract its direction, also where this ended it."""
        if self.is_contract:
            return fill_side(self.fill)
        return "Bought" if self.fill.side is Side.BUY else "Sold"

    @property
    def result(self) -> str:
        """How a contract ended: ``won``; empty for all else."""
        return fill_result(self.fill, sold_back=False) if self.is_contract else ""

    @property
    def net(self) -> Decimal | None:
        """What it brought after fee and swap: an opening fill costs its fee. None without knowing the fee."""
        if self.fill.fee is None:
            return None
        return (self.fill.realised or ZERO) + self.fill.swap - self.fill.fee


def _order_price(row: PastOrder) -> str:
    price = row.report.limit_price or row.report.trigger_price
    return "" if price is None else fmt.price(price, row.digits)


ORDER_COLUMNS: tuple[Column[PastOrder], ...] = (
    Column("time", "Time", lambda r: fmt.date_time(r.report.ts_event_ns), 150,
           sort=lambda r: r.report.ts_event_ns, tone=lambda r: "muted"),
    Column("symbol", "Symbol", lambda r: r.report.instrument.symbol, 84,
           tip=lambda r: f"Comment: {r.report.comment}" if r.report.comment else ""),
    Column("side", "Side", lambda r: r.side_text, 50,
           tone=lambda r: "up" if r.side_text in ("Buy", "Up") else "down"),
    Column("type", "Type", lambda r: r.type_text, 96),
    Column("size", "Size", lambda r: r.size, 92, number=True, sort=lambda r: r.report.quantity),
    Column("price", "Price", _order_price, 92, number=True,
           sort=lambda r: r.report.limit_price or r.report.trigger_price),
    Column("average", "Avg. fill", lambda r: fmt.price(r.report.average_price, r.digits)
           if r.report.average_price is not None else "", 92, number=True,
           sort=lambda r: r.report.average_price),
    Column("state", "State", lambda r: r.state_words[0], 90, tone=lambda r: r.state_words[1],
           tip=lambda r: r.report.reason),
    Column("order", "Order", lambda r: r.report.venue_order_id, 110, tone=lambda r: "muted"),
)  # fmt: skip


def _fill_actions(row: PastFill) -> tuple[Action, ...]:
    return (*((PAIRS,) if row.has_pairs else ()), *((WHOLE,) if row.fill.position_id else ()))


FILL_COLUMNS: tuple[Column[PastFill], ...] = (
    Column("time", "Time", lambda r: fmt.date_time(r.fill.ts_event_ns), 150,
           sort=lambda r: r.fill.ts_event_ns, tone=lambda r: "muted"),
    Column("symbol", "Symbol", lambda r: r.fill.instrument.symbol, 84,
           tip=lambda r: f"Deal {r.fill.fill_id}, order {r.fill.venue_order_id}"),
    Column("side", "Side", lambda r: r.side_text, 60,
           tone=lambda r: "up" if r.side_text in ("Bought", "Up") else "down"),
    Column("size", "Size", lambda r: r.size, 92, number=True, sort=lambda r: r.fill.quantity),
    Column("price", "Price", lambda r: fmt.price(r.fill.price, r.digits), 92, number=True,
           sort=lambda r: r.fill.price),
    Column("gross", "Profit", lambda r: "" if r.fill.realised is None
           else fmt.money(r.fill.realised, r.fill.fee_asset, signed=True), 110, number=True,
           sort=lambda r: r.fill.realised, tone=lambda r: sign_tone(r.fill.realised), tip=lambda r: r.result),
    Column("swap", "Swap", lambda r: fmt.money(r.fill.swap, signed=True) if r.fill.swap else "", 76,
           number=True, sort=lambda r: r.fill.swap),
    Column("fee", "Fee", lambda r: fmt.money(r.fill.fee, r.fill.fee_asset), 96, number=True,
           sort=lambda r: r.fill.fee),
    Column("net", "Net", lambda r: "" if r.net is None
           else fmt.money(r.net, r.fill.fee_asset, signed=True), 110, number=True,
           sort=lambda r: r.net, tone=lambda r: sign_tone(r.net)),
    Column("position", "Position", lambda r: r.fill.position_id or "", 96, tone=lambda r: "muted"),
    Column("actions", "", lambda r: "", 140, actions=_fill_actions),
)  # fmt: skip

CASH_COLUMNS: tuple[Column[CashFlow], ...] = (
    Column("time", "Time", lambda r: fmt.date_time(r.ts_event_ns), 150, sort=lambda r: r.ts_event_ns,
           tone=lambda r: "muted"),
    Column("what", "What", lambda r: r.what, 200),
    Column("amount", "Amount", lambda r: fmt.money(r.amount, r.currency, signed=True), 130, number=True,
           sort=lambda r: r.amount, tone=lambda r: sign_tone(r.amount)),
    Column("balance", "Balance after", lambda r: fmt.money(r.balance, r.currency), 130, number=True,
           sort=lambda r: r.balance),
    Column("note", "Note", lambda r: r.note, 240, tone=lambda r: "muted"),
)  # fmt: skip


class HistoryViewModel(QObject):
    """The past of one account.

    Signals:
        changed: rows, state or error changed.

    Attributes:
        is_loading: a page is on its way. error: why the last one did not come; empty where it did.
        pairs: what was asked of a fill: what it closed and what closed it, or its whole position; empty
            without a question.
        models: the table of each chapter.
    """

    changed = Signal()

    def __init__(
        self,
        title: str,
        records: HasRecords,
        instrument: Callable[[InstrumentId], Instrument | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.title = title
        self.orders: TableModel[PastOrder] = TableModel(
            ORDER_COLUMNS, lambda r: r.report.venue_order_id, sort_by="time", descending=True, parent=self
        )
        self.fills: TableModel[PastFill] = TableModel(
            FILL_COLUMNS, lambda r: r.fill.fill_id, sort_by="time", descending=True, parent=self
        )
        self.cash: TableModel[CashFlow] = TableModel(
            CASH_COLUMNS, lambda r: r.entry_id, sort_by="time", descending=True, parent=self
        )
        self.models: dict[Chapter, TableModel] = {  # type: ignore[type-arg]
            Chapter.ORDERS: self.orders,
            Chapter.FILLS: self.fills,
            Chapter.CASH: self.cash,
        }
        self.is_loading = False
        self.error = ""
        self.pairs = ""
        self._is_closed = False
        self._task: Task[None] | None = None
        self._records = records
        self._instrument = instrument
        self._earlier: dict[Chapter, int | None] = {}
        """From where the next page goes on; None: there is no more. Absent: nothing was asked for yet."""

    def close(self) -> None:
        """Nobody looks any more."""
        self._is_closed, self.is_loading = True, False
        if self._task is not None:
            self._task.cancel()

    def has_more(self, chapter: Chapter) -> bool:
        """Whether the venue has earlier rows, as far as is known."""
        return self._earlier.get(chapter, 0) is not None

    def open(self, chapter: Chapter) -> None:
        """Show a chapter; its first page is fetched when it is first shown."""
        if chapter not in self._earlier:
            self.load(chapter)

    def load(self, chapter: Chapter) -> None:
        """Fetch the next page, going back in time."""
        if self.has_more(chapter):
            self._start(self._load, chapter)

    def ask_pairs(self, fill_id: str) -> None:
        """Ask which fills closed this one, and which it closed."""
        row = next((each for each in self.fills.rows if each.fill.fill_id == fill_id), None)
        if row is not None and row.has_pairs:
            self._start(self._ask_pairs, row)

    def ask_position(self, fill_id: str) -> None:
        """Ask for every deal of this one's position."""
        row = next((each for each in self.fills.rows if each.fill.fill_id == fill_id), None)
        if row is not None and row.fill.position_id:
            self._start(self._ask_position, row)

    def _start(self, work: Callable[[T], Awaitable[None]], about: T) -> None:
        if self.is_loading or self._is_closed:
            return
        self.is_loading, self.error, self.pairs = True, "", ""
        self.changed.emit()
        self._task = tasks.spawn(self._carry_out(work, about), name=f"history {self.title}")

    async def _carry_out(self, work: Callable[[T], Awaitable[None]], about: T) -> None:
        try:
            await work(about)
        except TerminalError as error:
            self.error = error.user_text
        finally:
            self.is_loading = False
            if not self._is_closed:
                self.changed.emit()

    async def _ask_pairs(self, row: PastFill) -> None:
        assert isinstance(self._records, HasFillOffsets)
        found = await self._records.fill_offsets(row.fill.fill_id)
        lines = [
            *(self._pair_text("closed by", each, row) for each in found.closed_by),
            *(self._pair_text("closes", each, row) for each in found.closes),
        ]
        head = f"Deal {row.fill.fill_id}"
        self.pairs = f"{head}: " + ("; ".join(lines) or "nothing has closed it, and it closes nothing") + "."

    async def _ask_position(self, row: PastFill) -> None:
        position_id = row.fill.position_id
        assert position_id is not None
        fills = [self._fill(fill) for fill in await self._records.position_fills(position_id)]
        lines = [self._deal_text(each) for each in reversed(fills)]
        charges = sum((each.fill.fee or ZERO for each in fills), ZERO)
        brought = sum((each.net for each in fills if each.net is not None), ZERO)
        currency = row.fill.fee_asset
        net = fmt.money(brought, currency, signed=True)
        fees = fmt.money(charges, currency)
        deals = "; ".join(lines) or "no deals"
        self.pairs = f"Position {position_id}: {deals}. Together {net}, fees {fees} included."

    def _deal_text(self, row: PastFill) -> str:
        word = row.side_text.lower()
        return f"{word} {row.size} at {fmt.price(row.fill.price, row.digits)}"

    def _pair_text(self, word: str, other: FillOffset, row: PastFill) -> str:
        instrument = self._instrument(row.fill.instrument)
        text = f"{word} {other.fill_id}, {size_text(other.quantity, instrument)}"
        if other.price is not None:
            text += f" at {fmt.price(other.price, row.digits)}"
        if other.ts_event_ns is not None:
            text += f" on {fmt.date_time(other.ts_event_ns)}"
        return text

    async def _load(self, chapter: Chapter) -> None:
        until = self._earlier.get(chapter)
        if chapter is Chapter.ORDERS:
            orders, earlier = await self._records.order_history(until)
            old = [row for row in self.orders.rows if row.report not in orders]
            self.orders.set_rows([*old, *(self._order(report) for report in orders)])
        elif chapter is Chapter.FILLS:
            fills, earlier = await self._records.fill_history(until)
            known = {fill.fill_id for fill in fills}
            kept = [row for row in self.fills.rows if row.fill.fill_id not in known]
            self.fills.set_rows([*kept, *(self._fill(fill) for fill in fills)])
        else:
            entries, earlier = await self._records.cash_flow(until)
            ids = {entry.entry_id for entry in entries}
            self.cash.set_rows([*(row for row in self.cash.rows if row.entry_id not in ids), *entries])
        self._earlier[chapter] = earlier

    def _order(self, report: OrderReport) -> PastOrder:
        instrument = self._instrument(report.instrument)
        return PastOrder(report, size_text(report.quantity, instrument), _digits(instrument))

    def _fill(self, fill: Fill) -> PastFill:
        instrument = self._instrument(fill.instrument)
        has_pairs = isinstance(self._records, HasFillOffsets)
        contract = instrument is not None and instrument.offer is not None
        return PastFill(fill, size_text(fill.quantity, instrument), _digits(instrument), has_pairs, contract)


def _digits(instrument: Instrument | None) -> int:
    return 5 if instrument is None else instrument.price_decimals
