"""The watched markets as rows, and the search over all that the venues list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.bars import BarSeries
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.domain.market import Feed, FeedKind, Quote
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels import format as fmt
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.selection import Selection
from terminal.viewmodels.tables import Column, TableModel

LINE_INTERVAL_S = 3600
LINE_BARS = 24
FLASH_NS = 300_000_000
# Ten times a second is faster than anybody reads a list, and a sixth of the painting of every frame.
REFRESH_S = 0.1
FOUND_MOST = 50

_KIND_WORDS = {
    InstrumentKind.SPOT: "spot",
    InstrumentKind.PERPETUAL: "perp",
    InstrumentKind.FUTURE: "future",
    InstrumentKind.CFD: "CFD",
    InstrumentKind.CONTRACT: "binary",
}


class MarketSource(Protocol):
    """What the list reads; ``services.market_data.MarketData`` is one."""

    changed: Observable[[InstrumentId, Topic]]

    def watch(self, feed: Feed, venue: str, *, history: bool = True) -> Callable[[], None]: ...
    def instrument(self, instrument: InstrumentId) -> Instrument | None: ...
    def instruments(self, venue: str | None = None) -> list[Instrument]: ...
    def quote(self, instrument: InstrumentId) -> Quote | None: ...
    def feed_state(self, feed: Feed, venue: str) -> FeedState: ...
    def bars(self, instrument: InstrumentId, interval_s: int) -> BarSeries: ...


@dataclass(frozen=True, slots=True)
class WatchRow:
    """One market of the list. ``flash_at``: the first digit of ``last_text`` that changed; None: none did."""

    instrument: InstrumentId
    venue_title: str
    last: Decimal | None = None
    last_text: str = "\N{EN DASH}"
    change_pct: Decimal | None = None
    spread_bps: Decimal | None = None
    volume: Decimal | None = None
    """Of the last 24 hours, in quote units."""
    line: tuple[float, ...] = ()
    state: FeedState = FeedState.LOADING
    flash_at: int | None = None
    flash_tone: str = ""
    flash_until_ns: int = 0
    """Monotonic; past it nothing flashes."""
    note: str = ""

    @property
    def tone(self) -> str:
        """``up``, ``down`` or empty, of the day's change."""
        if self.change_pct is None or self.change_pct == 0:
            return ""
        return "up" if self.change_pct > 0 else "down"


def _change_text(row: WatchRow) -> str:
    if row.change_pct is None:
        return ""
    # No gap before the sign: the table draws what follows one as a muted unit.
    return f"{fmt.fixed(abs(row.change_pct), 2)}%"


def _last_tone(row: WatchRow) -> str:
    return "" if row.state is FeedState.LIVE else "muted"


COLUMNS: tuple[Column[WatchRow], ...] = (
    Column("symbol", "Market", lambda row: row.instrument.symbol, width=76, tip=lambda row: row.note),
    Column(
        "last",
        "Last",
        lambda row: row.last_text,
        width=78,
        number=True,
        sort=lambda row: row.last,
        tone=_last_tone,
        tip=lambda row: row.note,
    ),
    Column(
        "change",
        "24 h",
        _change_text,
        width=64,
        number=True,
        sort=lambda row: row.change_pct,
        tone=lambda row: row.tone,
    ),
    Column("line", "", lambda row: "", width=44, title_tip="The last 24 hours"),
    Column(
        "spread",
        "Spread",
        lambda row: "" if row.spread_bps is None else f"{fmt.fixed(row.spread_bps, 1)} bp",
        width=62,
        number=True,
        sort=lambda row: row.spread_bps,
        title_tip="Ask minus bid, in hundredths of a per cent of the price",
    ),
    Column(
        "volume",
        "Volume",
        lambda row: fmt.compact(row.volume),
        width=66,
        number=True,
        sort=lambda row: row.volume,
        title_tip="Of the last 24 hours, in the quote currency",
    ),
    Column("venue", "Venue", lambda row: row.venue_title, width=60),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A search result."""

    instrument: InstrumentId
    venue_title: str
    kind: str
    is_watched: bool
    note: str


class WatchlistViewModel(QObject):
    """The watched markets.

    Signals:
        changed: rows have changed; at most once a frame.
        chosen_changed: another market is shown by the linked panels.
    """

    changed = Signal()
    chosen_changed = Signal()

    def __init__(
        self,
        market: MarketSource,
        selection: Selection,
        frames: FrameClock,
        clock: Clock,
        *,
        watched: Sequence[InstrumentId],
        titles: Mapping[str, str],
        save: Callable[[Sequence[InstrumentId]], object],
        flashes: bool = True,
        parent: QObject | None = None,
    ) -> None:
        """``titles``: the word on screen for each venue; ``save`` keeps the list after a change."""
        super().__init__(parent)
        self.model: TableModel[WatchRow] = TableModel(COLUMNS, lambda row: row.instrument, parent=self)
        self._market = market
        self._selection = selection
        self._frames = frames
        self._clock = clock
        self._titles = dict(titles)
        self._save = save
        self._flashes = flashes
        self._visible = True
        self._rows: dict[InstrumentId, WatchRow] = {}
        self._releases: dict[InstrumentId, list[Callable[[], None]]] = {}
        self._dirty: set[InstrumentId] = set()
        for instrument in watched:
            self._add(instrument)
        self._unwatch = (
            market.changed.watch(self._on_market),
            selection.changed.watch(self._on_selection),
            frames.every(REFRESH_S, self._build_if_dirty),
        )
        self._dirty = set(self._rows)
        self._build()

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in self._unwatch:
            unwatch()
        for releases in self._releases.values():
            for release in releases:
                release()
        self._frames.cancel(self._build)

    def set_visible(self, visible: bool) -> None:
        """A hidden list builds nothing."""
        self._visible = visible
        if visible:
            self._build_if_dirty()

    @property
    def chosen(self) -> InstrumentId | None:
        """The market that the linked panels show."""
        return self._selection.instrument

    @property
    def watched(self) -> list[InstrumentId]:
        """In the order in which they were added."""
        return list(self._rows)

    @property
    def all_live(self) -> bool:
        """Whether every row shows a live price."""
        return bool(self._rows) and all(row.state is FeedState.LIVE for row in self._rows.values())

    # -- what the person does -------------------------------------------------------------------------

    def choose(self, instrument: InstrumentId) -> None:
        """Show a market in every linked panel."""
        self._selection.select(instrument)

    def toggle(self, instrument: InstrumentId) -> None:
        """Watch a market, or no longer."""
        if instrument in self._rows:
            del self._rows[instrument]
            for release in self._releases.pop(instrument):
                release()
            self._dirty.discard(instrument)
        else:
            self._add(instrument)
            self._dirty.add(instrument)
        self._save(list(self._rows))
        self._frames.request(self._build)

    def search(self, text: str) -> list[Found]:
        """Markets by exact name, then beginning, then watched, then volume; from what is known already."""
        wanted = text.strip().upper().replace("-", "/")
        ranked: list[tuple[tuple[object, ...], Instrument]] = []
        for instrument in self._market.instruments():
            rank = _match(instrument, wanted)
            if rank is None:
                continue
            quote = self._market.quote(instrument.id)
            volume = (
                quote.volume_24h * quote.last if quote and quote.volume_24h and quote.last else Decimal(0)
            )
            key = (rank, instrument.id not in self._rows, -volume, instrument.symbol)
            ranked.append((key, instrument))
        ranked.sort(key=lambda entry: entry[0])
        return [
            Found(
                item.id,
                self._titles.get(item.venue, item.venue),
                _KIND_WORDS.get(item.kind, item.kind.value),
                item.id in self._rows,
                "" if item.status is MarketStatus.ONLINE else item.status.value,
            )
            for _, item in ranked[:FOUND_MOST]
        ]

    # -- building -------------------------------------------------------------------------------------

    def _add(self, instrument: InstrumentId) -> None:
        self._rows[instrument] = WatchRow(instrument, self._titles.get(instrument.venue, instrument.venue))
        line = Feed(FeedKind.BARS, instrument.symbol, interval_s=LINE_INTERVAL_S)
        self._releases[instrument] = [
            self._market.watch(Feed(FeedKind.QUOTES, instrument.symbol), instrument.venue),
            self._market.watch(line, instrument.venue, history=False),
        ]

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if instrument in self._rows and topic not in (Topic.BOOK, Topic.TRADES):
            self._dirty.add(instrument)

    def _on_selection(self) -> None:
        self.chosen_changed.emit()

    def _build_if_dirty(self) -> None:
        if self._visible and self._dirty:
            self._build()

    def _build(self) -> None:
        now = self._clock.monotonic_ns()
        dirty, self._dirty = self._dirty, set()
        for instrument in dirty:
            if instrument in self._rows:
                self._rows[instrument] = self._row(self._rows[instrument], now)
        self.model.set_rows(list(self._rows.values()))
        self.changed.emit()

    def _row(self, before: WatchRow, now: int) -> WatchRow:
        instrument = before.instrument
        feed = Feed(FeedKind.QUOTES, instrument.symbol)
        state = self._market.feed_state(feed, instrument.venue)
        line = tuple(
            float(bar.close) for bar in self._market.bars(instrument, LINE_INTERVAL_S).bars[-LINE_BARS:]
        )
        quote = self._market.quote(instrument)
        known = self._market.instrument(instrument)
        if quote is None or known is None:
            # Another connection: what the first one showed must not stand here any longer.
            return WatchRow(instrument, before.venue_title, line=line, state=state, note=_note(state, known))
        last_text = fmt.price(quote.last, known.price_decimals)
        row = replace(
            before,
            last=quote.last,
            last_text=last_text,
            change_pct=quote.change_24h_pct,
            spread_bps=_spread_bps(quote),
            volume=quote.volume_24h * quote.last if quote.volume_24h and quote.last else None,
            line=line,
            state=state,
            note=_note(state, known),
        )
        if self._flashes and before.last is not None and quote.last is not None and quote.last != before.last:
            row = replace(
                row,
                flash_at=_first_difference(before.last_text, last_text),
                flash_tone="up" if quote.last > before.last else "down",
                flash_until_ns=now + FLASH_NS,
            )
        return row


def _match(instrument: Instrument, wanted: str) -> int | None:
    symbol = instrument.symbol.upper()
    if not wanted:
        return 3
    if wanted in (symbol, symbol.replace("/", ""), instrument.base.upper()):
        return 0
    if symbol.startswith(wanted) or symbol.replace("/", "").startswith(wanted):
        return 1
    if wanted in symbol or instrument.quote.upper().startswith(wanted):
        return 2
    return None


def _spread_bps(quote: Quote) -> Decimal | None:
    if quote.bid is None or quote.ask is None or quote.bid <= 0:
        return None
    return (quote.ask - quote.bid) / ((quote.ask + quote.bid) / 2) * 10_000


def _first_difference(before: str, after: str) -> int:
    if len(before) != len(after):
        return 0
    return next((at for at, (a, b) in enumerate(zip(before, after, strict=True)) if a != b), len(after))


def _note(state: FeedState, instrument: Instrument | None) -> str:
    if state is FeedState.STALE:
        return "Stale: the connection does not prove this price now"
    if state is FeedState.REFUSED:
        return "The venue does not offer this market"
    if instrument is not None and instrument.status is not MarketStatus.ONLINE:
        return f"Market: {instrument.status_text or instrument.status.value}"
    return ""
