"""Time and sales: prints as they come, newest on top, merged, filtered and weighed."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Final

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FeedKind, Side, Trade
from terminal.domain.worth import worth
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels import format as fmt
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.ports import Market, SelectedInstrument
from terminal.viewmodels.size_entry import SizeUnit, parse_size, short_quantity

MERGE_NS: Final = 50_000_000
KEEP_S: Final = 120.0
_KEPT_ROWS: Final = 5000
_REWEIGH_NS: Final = 1_000_000_000
_MEASURE_NS: Final = 250_000_000
_LARGE: Final = 0.90
_VERY_LARGE: Final = 0.98
_FEW: Final = 20


class TapeState(Enum):
    """What the tape shows instead of, or over, its rows."""

    EMPTY = "empty"
    LOADING = "loading"
    LIVE = "live"
    STALE = "stale"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


class StripMode(Enum):
    """What the buy/sell strip compares."""

    VOLUME = "volume"
    COUNT = "count"
    AVERAGE = "average size"


@dataclass(slots=True)
class Print:
    """One row: a print, or several of one price and side within 50 ms. ``money`` is in quote units."""

    side: Side
    price: Decimal
    quantity: Decimal
    money: Decimal
    ts_ns: int
    time: str
    price_text: str
    quantity_text: str
    count: int = 1
    weight: int = 0
    """0 ordinary, 1 large (over the 90th percentile of the last two minutes), 2 very large (98th)."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Buyers against sellers: the two figures and the buyers' share (0 to 1; None while nothing traded)."""

    buy: str
    sell: str
    share: float | None


class TapeViewModel(QObject):
    """The prints of the selected instrument.

    Signals:
        changed: at most once a frame; re-read :meth:`visible` and the rest.

    Attributes:
        offset: rows scrolled away from the top; above 0 the tape stands still.
        fresh: prints that came since it was scrolled away.
        least: prints below this much quote money are left out (None: all are shown).
        filter_entry: the filter as it was entered: ``500``, ``p50``, or empty.
        merge: whether prints of one price and side within 50 ms are one row.
    """

    changed = Signal()

    def __init__(
        self,
        market: Market,
        selection: SelectedInstrument,
        frames: FrameClock,
        clock: Clock,
        *,
        keep_s: float = KEEP_S,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state = TapeState.EMPTY
        self.reason = ""
        self.instrument: Instrument | None = None
        self.offset = 0
        self.fresh = 0
        self.least: Decimal | None = None
        self.least_percentile: int | None = None
        self.filter_problem = ""
        self.filter_entry = ""
        self.merge = True
        self.mode = StripMode.VOLUME
        self.strip = Strip("", "", None)
        self._market, self._selection, self._frames, self._clock = market, selection, frames, clock
        self._keep_ns = int(keep_s * 1e9)
        self._id: InstrumentId | None = None
        self._rows: deque[Print] = deque()
        self._shown: deque[Print] = deque()
        self._last: Trade | None = None
        self._weighed_ns = -_REWEIGH_NS
        self._measured_ns = -_MEASURE_NS
        self._limits: tuple[Decimal, Decimal] | None = None
        self._visible = True
        self._release = _nothing
        self._unwatch = (market.changed.watch(self._on_market), selection.changed.watch(self._on_selection))
        self._stop_ticking = frames.every(1.0, self._on_frame)
        self._on_selection()

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in self._unwatch:
            unwatch()
        self._stop_ticking()
        self._release()
        self._frames.cancel(self._on_frame)

    def set_visible(self, visible: bool) -> None:
        """A hidden tape builds nothing."""
        self._visible = visible
        if visible:
            self._frames.request(self._on_frame)

    # -- taking prints --------------------------------------------------------------------------------

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if (
            instrument == self._id
            and self._visible
            and topic in (Topic.TRADES, Topic.STATE, Topic.INSTRUMENT)
        ):
            self._frames.request(self._on_frame)

    def _on_selection(self) -> None:
        new = self._selection.instrument
        if new == self._id:
            if new is None:
                self._on_frame()
            return
        self._release()
        self._release = _nothing
        self._id, self.instrument = new, None
        self._start_over()
        if new is not None:
            self._release = self._market.watch(Feed(FeedKind.TRADES, new.symbol), new.venue)
        self._on_frame()

    def _start_over(self) -> None:
        self._rows.clear()
        self._shown.clear()
        self._last, self._limits = None, None
        self._weighed_ns, self._measured_ns = -_REWEIGH_NS, -_MEASURE_NS
        self.offset, self.fresh = 0, 0

    def _on_frame(self) -> None:
        if not self._visible:
            return
        self._read_state()
        if self._id is not None and self.instrument is not None:
            self._take()
            self._weigh()
            self._forget_old()
            self._measure()
        self.changed.emit()

    def _read_state(self) -> None:
        self.reason = ""
        if self._id is None:
            self.state, self.reason = TapeState.EMPTY, self._selection.empty_text
            return
        instrument = self._market.instrument(self._id)
        if instrument is not None:
            self.instrument = instrument
        feed = Feed(FeedKind.TRADES, self._id.symbol)
        state = self._market.feed_state(feed, self._id.venue)
        if state is FeedState.LIVE:
            quiet = not self._market.trades(self._id)
            self.state, self.reason = TapeState.LIVE, "No trades yet." if quiet else ""
        elif state is FeedState.LOADING:
            self.state, self.reason = TapeState.LOADING, f"Waiting for trades of {self._id.symbol}…"
        elif state is FeedState.UNSUPPORTED:
            self.state, self.reason = TapeState.UNSUPPORTED, "This venue shows no trades."
        elif state is FeedState.REFUSED:
            why = self._market.refusal(feed, self._id.venue)
            self.state, self.reason = TapeState.FAILED, why or "The venue refused the trades."
        else:
            self.state, self.reason = TapeState.STALE, "Stale: trades may be missing."

    def _take(self) -> None:
        assert self._id is not None
        trades = self._market.trades(self._id)
        fresh: list[Trade] = []
        for trade in reversed(trades):
            if self._last is not None and trade.trade_id == self._last.trade_id:
                break
            fresh.append(trade)
        if not fresh:
            return
        if self._last is not None and len(fresh) == len(trades) and len(trades) < _KEPT_ROWS:
            # Another connection of this venue answers now: its prints are another market's.
            self._start_over()
        self._last = fresh[0]
        for trade in reversed(fresh):
            self._add(trade)

    def _add(self, trade: Trade) -> None:
        assert self.instrument is not None
        money = worth(self.instrument, trade.quantity, trade.price)
        newest = self._rows[0] if self._rows else None
        if (
            self.merge
            and newest is not None
            and newest.side is trade.side
            and newest.price == trade.price
            and trade.ts_event_ns - newest.ts_ns <= MERGE_NS
        ):
            was_shown = self._passes(newest)
            newest.quantity += trade.quantity
            newest.money += money
            newest.count += 1
            newest.quantity_text = short_quantity(newest.quantity, 7)
            newest.weight = self._weight(newest.money)
            if not was_shown and self._passes(newest):
                self._show(newest)
            return
        row = Print(
            trade.side,
            trade.price,
            trade.quantity,
            money,
            trade.ts_event_ns,
            fmt.time_of_day(trade.ts_event_ns),
            fmt.price(trade.price, self.instrument.price_decimals),
            short_quantity(trade.quantity, 7),
            weight=self._weight(money),
        )
        self._rows.appendleft(row)
        if self._passes(row):
            self._show(row)

    def _show(self, row: Print) -> None:
        self._shown.appendleft(row)
        if self.offset > 0:
            # What is being read stays where it is; the new ones are counted.
            self.offset += 1
            self.fresh += 1

    def _forget_old(self) -> None:
        if self.offset > 0:
            return
        newest = self._rows[0].ts_ns if self._rows else 0
        horizon = max(newest, self._clock.wall_ns()) - self._keep_ns
        for rows in (self._rows, self._shown):
            # At least a screenful stays, however quiet the market is.
            while len(rows) > _KEPT_ROWS or (len(rows) > 100 and rows[-1].ts_ns < horizon):
                rows.pop()

    # -- weighing -------------------------------------------------------------------------------------

    def _weigh(self) -> None:
        """Once a second: which amounts are large, by the prints of the last two minutes."""
        now = self._clock.monotonic_ns()
        if now - self._weighed_ns < _REWEIGH_NS:
            return
        self._weighed_ns = now
        amounts = sorted(row.money for row in self._rows)
        first = self._limits is None
        if len(amounts) < _FEW:
            self._limits = None
        else:
            self._limits = (_percentile(amounts, _LARGE), _percentile(amounts, _VERY_LARGE))
            if first:
                for row in self._rows:
                    row.weight = self._weight(row.money)
        if self.least_percentile is not None and amounts:
            least = _percentile(amounts, self.least_percentile / 100)
            if self.least is None or abs(least - self.least) > self.least / 5:
                self.least = least
                self._refilter()

    def _weight(self, money: Decimal) -> int:
        if self._limits is None:
            return 0
        return bisect_left(self._limits, money)

    def _measure(self) -> None:
        now = self._clock.monotonic_ns()
        if now - self._measured_ns >= _MEASURE_NS:
            self._measured_ns = now
            self.strip = self._strip()

    def _strip(self) -> Strip:
        volumes, counts = dict.fromkeys(Side, ZERO), dict.fromkeys(Side, 0)
        horizon = (self._rows[0].ts_ns if self._rows else 0) - self._keep_ns
        for row in self._rows:
            if row.ts_ns < horizon:
                break
            volumes[row.side] += row.quantity
            counts[row.side] += row.count
        figures: dict[Side, Decimal] = {}
        for side in Side:
            volume, count = volumes[side], counts[side]
            if self.mode is StripMode.VOLUME:
                figures[side] = volume
            elif self.mode is StripMode.COUNT:
                figures[side] = Decimal(count)
            else:
                figures[side] = volume / count if count else ZERO
        both = figures[Side.BUY] + figures[Side.SELL]
        share = float(figures[Side.BUY] / both) if both else None
        return Strip(fmt.compact(figures[Side.BUY]), fmt.compact(figures[Side.SELL]), share)

    # -- what the person does -------------------------------------------------------------------------

    def set_mode(self, mode: StripMode) -> None:
        """What the strip compares."""
        self.mode = mode
        self._measured_ns = -_MEASURE_NS
        self._frames.request(self._on_frame)

    def set_merge(self, merge: bool) -> None:
        """Merge from now on, or no longer; rows that are there stay as they are."""
        self.merge = merge

    def set_keep_s(self, keep_s: float) -> None:
        """How long prints are kept, and what the strip looks back on."""
        self._keep_ns = int(keep_s * 1e9)

    def set_filter(self, text: str) -> None:
        """Leave out prints below so much quote money: ``500``, ``1k``, ``p50`` (50th percentile) or empty."""
        entry = text.strip().lower()
        self.filter_problem = ""
        least: Decimal | None = None
        percentile: int | None = None
        if re.fullmatch("p0?[1-9][0-9]?", entry):
            percentile = int(entry[1:])
        elif entry:
            try:
                least = self._read_money(entry)
            except ValueError as error:
                self.filter_problem = str(error)
                self.changed.emit()
                return
        self.least, self.least_percentile, self.filter_entry = least, percentile, entry
        self._weighed_ns = -_REWEIGH_NS
        self._refilter()
        self._frames.request(self._on_frame)
        self.changed.emit()

    def _read_money(self, entry: str) -> Decimal:
        if self.instrument is None:
            raise ValueError("Choose an instrument first.")
        # What an inverse contract counts is quote money already.
        unit = SizeUnit.BASE if self.instrument.is_inverse else SizeUnit.QUOTE
        size = parse_size(entry, self.instrument, unit)
        if size.unit is not unit:
            raise ValueError(f"Enter an amount in {self.instrument.quote}.")
        return size.value

    def _passes(self, row: Print) -> bool:
        return self.least is None or row.money >= self.least

    def _refilter(self) -> None:
        self._shown = deque(row for row in self._rows if self._passes(row))
        self.offset, self.fresh = 0, 0

    def scroll(self, rows: int) -> None:
        """Away from the newest (positive) or back; at the top the tape runs again."""
        offset = max(0, min(self.offset + rows, max(0, len(self._shown) - 1)))
        if offset == 0:
            self.resume()
        elif offset != self.offset:
            self.offset = offset
            self.changed.emit()

    def resume(self) -> None:
        """Back to the newest."""
        self.offset, self.fresh = 0, 0
        self._frames.request(self._on_frame)
        self.changed.emit()

    @property
    def paused(self) -> bool:
        """Scrolled away from the newest."""
        return self.offset > 0

    @property
    def filter_text(self) -> str:
        """What is left out, in words."""
        if self.least_percentile is not None:
            at = f" ({fmt.compact(self.least)})" if self.least is not None else ""
            return f"≥ p{self.least_percentile}{at}"
        return f"≥ {fmt.compact(self.least)}" if self.least is not None else "all"

    @property
    def count(self) -> int:
        """How many rows there are to scroll through."""
        return len(self._shown)

    def visible(self, count: int) -> list[Print]:
        """The rows to draw, from the top."""
        return list(islice(self._shown, self.offset, self.offset + count))

    def spoken(self) -> str:
        """The topmost row in words, for a screen reader."""
        for row in islice(self._shown, self.offset, self.offset + 1):
            taker = "bought" if row.side is Side.BUY else "sold"
            return f"{row.time} {taker} {row.quantity_text} at {row.price_text}"
        return self.reason


def _percentile(ordered: list[Decimal], share: float) -> Decimal:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _nothing() -> None:
    return None
