"""How one's own contracts have gone, by asset and length: beside what would be needed to lose nothing."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.files import write_whole
from terminal.domain.contract_rules import duration_text
from terminal.domain.contracts import NS, break_even_rate
from terminal.domain.decimals import ZERO, wire_text
from terminal.domain.market import Side
from terminal.services.contract_stats import ContractLine, ContractRecord, ContractStats
from terminal.viewmodels import format as fmt
from terminal.viewmodels.account import sign_tone
from terminal.viewmodels.contract_words import short_length
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.tables import Column, TableModel

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_RATE: Final = Decimal("0.0001")
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class StatsRow:
    """An asset and a length of one account. Money in the account's currency."""

    key: str
    line: ContractLine
    account_name: str
    hidden: bool

    @property
    def lost(self) -> int:
        """Contracts that ended on the wrong side."""
        return self.line.rate.ended - self.line.rate.won

    @property
    def needed(self) -> Decimal | None:
        """The share that has to win (0 to 1) at the mean payout; None where nothing was paid."""
        return break_even_rate(self.line.mean_payout_pct)

    @property
    def rate_text(self) -> str:
        """``60 % (39 to 78 %)``; the range is where the true rate lies in 95 of 100 cases."""
        rate, span = self.line.rate.rate, self.line.rate.interval()
        if rate is None or span is None:
            return ""
        low, high = (round(each * 100) for each in span)
        return f"{round(rate * 100)} % ({low} to {high} %)"

    @property
    def needed_text(self) -> str:
        return "" if self.needed is None else f"{self.needed * 100:.1f} %"

    @property
    def verdict(self) -> tuple[str, str]:
        """What the range says of the needed rate, in a sentence and a tone."""
        span, needed = self.line.rate.interval(), self.needed
        if span is None or needed is None:
            return "", ""
        if span[0] > float(needed):
            return "The whole range lies above what is needed.", "up"
        if span[1] < float(needed):
            return "The whole range lies below what is needed.", "down"
        return "The range holds the needed rate: nothing is proven either way.", "muted"

    def money(self, amount: Decimal, *, signed: bool = False) -> str:
        """An amount in the account's currency, or dots."""
        return fmt.HIDDEN if self.hidden else fmt.money(amount, self.line.currency, signed=signed)


STATS_COLUMNS: tuple[Column[StatsRow], ...] = (
    Column("symbol", "Asset", lambda r: r.line.instrument.symbol, 120),
    Column("account", "Account", lambda r: r.account_name, 150, tone=lambda r: "muted", grows=True,
           tip=lambda r: r.account_name),
    Column("length", "Length", lambda r: short_length(r.line.duration_s), 64, number=True,
           sort=lambda r: r.line.duration_s, tip=lambda r: duration_text(r.line.duration_s)),
    Column("won", "Won", lambda r: str(r.line.rate.won), 52, number=True, sort=lambda r: r.line.rate.won),
    Column("lost", "Lost", lambda r: str(r.lost), 52, number=True, sort=lambda r: r.lost),
    Column("tied", "Tied", lambda r: str(r.line.tied) if r.line.tied else "", 52, number=True,
           sort=lambda r: r.line.tied, title_tip="The stake came back; they count as neither won nor lost"),
    Column("back", "Sold back", lambda r: str(r.line.sold_back) if r.line.sold_back else "", 80, number=True,
           sort=lambda r: r.line.sold_back, title_tip="Ended by hand; they count as neither won nor lost"),
    Column("rate", "Hit rate", lambda r: r.rate_text, 138, number=True, sort=lambda r: r.line.rate.rate,
           tip=lambda r: r.verdict[0], tone=lambda r: r.verdict[1],
           title_tip="Won of won and lost; in brackets where the true rate lies in 95 of 100 cases"),
    Column("needed", "Needed", lambda r: r.needed_text, 68, number=True, sort=lambda r: r.needed,
           tip=lambda r: f"At a mean payout of {r.line.mean_payout_pct:.1f} %",
           title_tip="So many have to win for nothing to be lost: 1 / (1 + mean payout)"),
    Column("staked", "Staked", lambda r: r.money(r.line.staked), 110, number=True,
           sort=lambda r: r.line.staked),
    Column("profit", "Profit", lambda r: r.money(r.line.profit, signed=True), 110, number=True,
           sort=lambda r: r.line.profit, tone=lambda r: "" if r.hidden else sign_tone(r.line.profit),
           title_tip="All of them together, those sold back included"),
    Column("end", "", lambda r: "", 20),
)  # fmt: skip


class ContractStatsViewModel(QObject):
    """The Contracts tab.

    Signals:
        changed: rows changed; at most once a frame.

    Attributes:
        model: a row by account, asset and length.
    """

    changed = Signal()

    def __init__(
        self,
        stats: ContractStats,
        frames: FrameClock,
        notices: NoticesViewModel,
        *,
        name_of: Callable[[str], str] = str,
        hidden: Callable[[], Collection[str]] = frozenset,
        is_offered: Callable[[], bool] = lambda: False,
        parent: QObject | None = None,
    ) -> None:
        """``name_of``: an account's name for a column; ``hidden``: accounts that are not shown;
        ``is_offered``: whether a venue of the desk trades contracts."""
        super().__init__(parent)
        self.model: TableModel[StatsRow] = TableModel(
            STATS_COLUMNS, lambda row: row.key, sort_by="staked", descending=True, parent=self
        )
        self.hide_amounts = False
        self._stats, self._frames, self._notices = stats, frames, notices
        self._name_of, self._hidden, self._is_offered = name_of, hidden, is_offered
        self._unwatch = stats.changed.watch(self.refresh)
        self._build()

    def close(self) -> None:
        """Let go of watchers."""
        self._unwatch()
        self._frames.cancel(self._build)

    @property
    def is_wanted(self) -> bool:
        """Whether the tab has anything to say: a venue trades contracts, or there have been some."""
        return bool(self.model.rows) or self._is_offered()

    def set_hide_amounts(self, on: bool) -> None:
        """Show dots in place of amounts, or the amounts again."""
        if on is not self.hide_amounts:
            self.hide_amounts = on
            self._build()

    def refresh(self) -> None:
        """Build again in the next frame."""
        self._frames.request(self._build, can_wait=True)

    def _build(self) -> None:
        self.model.set_rows(
            [
                StatsRow(
                    f"{line.account} {line.instrument.venue} {line.instrument.symbol} {line.duration_s}",
                    line,
                    self._name_of(line.account),
                    self.hide_amounts,
                )
                for line in self._lines()
            ]
        )
        self.changed.emit()

    def _lines(self) -> list[ContractLine]:
        hidden = self._hidden()
        return [line for line in self._stats.lines() if line.account not in hidden]

    def _records(self) -> list[ContractRecord]:
        hidden = self._hidden()
        return [each for each in self._stats.records() if each.account not in hidden]

    # -- files ----------------------------------------------------------------------------------------

    def lines_csv(self) -> str:
        """The table as a file: shares from 0 to 1, money as numbers, all amounts even where they are hidden
        on screen."""
        head = (
            *("account", "asset", "length_s", "won", "lost", "tied", "sold_back", "hit_rate", "rate_low"),
            *("rate_high", "needed_rate", "mean_payout_pct", "staked", "profit", "currency"),
        )
        return _csv(head, map(self._line_cells, self._lines()))

    def _line_cells(self, line: ContractLine) -> Sequence[object]:
        low, high = line.rate.interval() or (None, None)
        needed = break_even_rate(line.mean_payout_pct)
        return (
            *(self._name_of(line.account), line.instrument.symbol, line.duration_s, line.rate.won),
            *(line.rate.ended - line.rate.won, line.tied, line.sold_back),
            *(_share(each) for each in (line.rate.rate, low, high, needed)),
            *(line.mean_payout_pct.quantize(_CENT), line.staked, line.profit, line.currency),
        )

    def records_csv(self) -> str:
        """Every contract that has ended, oldest first; times in UTC."""
        head = (
            *("opened", "ended", "account", "asset", "direction", "length_s", "stake", "payout_pct", "entry"),
            *("exit", "result", "profit", "currency", "contract"),
        )
        return _csv(head, map(self._record_cells, self._records()))

    def _record_cells(self, each: ContractRecord) -> Sequence[object]:
        return (
            *(_time(each.opened_ns), _time(each.ended_ns), self._name_of(each.account)),
            *(each.instrument.symbol, "up" if each.side is Side.BUY else "down", each.duration_s, each.stake),
            *(each.payout_pct, each.entry_price, each.exit_price),
            *(each.ending, each.profit, each.currency),
            each.position_id,
        )

    def save_lines(self, path: str) -> None:
        """Write the table to a file; what came of it is said."""
        self._save(path, self.lines_csv())

    def save_records(self, path: str) -> None:
        """Write every contract to a file; what came of it is said."""
        self._save(path, self.records_csv())

    def _save(self, path: str, text: str) -> None:
        async def save() -> None:
            try:
                await asyncio.to_thread(write_whole, Path(path), text.encode())
            except OSError as error:
                self._notices.error(f"{Path(path).name} was not saved: {error.strerror}.")
            else:
                self._notices.info(f"Saved {Path(path).name}.")

        tasks.spawn(save(), name="save contracts")


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    """Plain notation of numbers. Words of a venue never begin a formula in somebody's spreadsheet."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return wire_text(value or ZERO)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _share(value: float | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(_RATE)


def _time(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
