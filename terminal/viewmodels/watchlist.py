"""The watchlist: quotes of the instruments one keeps an eye on, and the search for others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.bars import BarSeries
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FeedKind, Quote
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels import format as fmt
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.market_hours import is_closed
from terminal.viewmodels.search import Hit, SearchIndex, payout_text, quote_volume, rank
from terminal.viewmodels.tables import Column, TableModel

REFRESH_NS: Final = 100_000_000
FLASH_MS: Final = 300
SPARK_INTERVAL_S: Final = 900
SPARK_POINTS: Final = 96
STAR: Final = "★"
CLOSED: Final = "closed"

_SHOWN_FILTER: Final = 24


class WatchMarket(Protocol):
    """What the watchlist asks of ``services.market_data.MarketData``."""

    changed: Observable[[InstrumentId, Topic]]

    def watch(self, feed: Feed, venue: str, *, history: bool = True) -> Callable[[], None]: ...
    def instrument(self, instrument: InstrumentId) -> Instrument | None: ...
    def instruments(self, venue: str | None = None) -> list[Instrument]: ...
    def quote(self, instrument: InstrumentId) -> Quote | None: ...
    def feed_state(self, feed: Feed, venue: str) -> FeedState: ...
    def bars(self, instrument: InstrumentId, interval_s: int) -> BarSeries: ...


class Choice(Protocol):
    """What a click chooses; ``viewmodels.selection.Selection`` is one."""

    changed: Observable[[]]

    @property
    def instrument(self) -> InstrumentId | None: ...
    def select(self, instrument: InstrumentId | None) -> None: ...


@dataclass(frozen=True, slots=True)
class WatchRow:
    """An instrument as the watchlist shows it. Prices in quote units."""

    id: InstrumentId
    favourite: bool
    kind: str
    last: Decimal | None = None
    change_pct: Decimal | None = None
    spread: Decimal | None = None
    pip: Decimal | None = None
    """Where the venue speaks of pips."""
    volume: Decimal | None = None
    """Of the last 24 hours, in base units."""
    worth: Decimal | None = None
    """The same in quote units, which is what volumes of different things are compared by."""
    venue_title: str = ""
    venue_mark: str = ""
    """Two or three letters for the venue, where its title has no room."""
    price_decimals: int = 8
    stale: bool = False
    closed: bool = False
    """Its market is closed: the price is the last one of its session."""
    payout: str = ""
    """Of a contract: what a win pays, ``92 %``."""
    spark: tuple[float, ...] = ()
    """Closes of the last day, oldest first."""

    @property
    def last_text(self) -> str:
        return fmt.price(self.last, self.price_decimals)

    @property
    def quiet(self) -> bool:
        """It is shown in grey: nothing is traded at this price now."""
        return self.stale or self.closed

    @property
    def change_text(self) -> str:
        if self.closed:
            return CLOSED
        if self.change_pct is None:
            return fmt.NOTHING
        # A column for two digits before the point: a fall by a fifth is as clear with one behind it.
        text = fmt.percent(self.change_pct, 1 if abs(self.change_pct) >= 10 else 2)
        sign = fmt.direction(self.change_pct)
        return f"{sign}{fmt.THIN}{text}" if sign else text

    @property
    def spark_text(self) -> str:
        """The line in words, for a screen reader: ``63512.5 to 64120.1``."""
        return f"{self.spark[0]:.8g} to {self.spark[-1]:.8g}" if self.spark else ""

    @property
    def direction(self) -> str:
        """``up``, ``down`` or empty, by the day's change."""
        if self.quiet:
            return "muted"
        if self.change_pct is None or self.change_pct == 0:
            return ""
        return "up" if self.change_pct > 0 else "down"


@dataclass(frozen=True, slots=True)
class Flash:
    """The digits of a last price that have just changed."""

    first: int
    """The first changed character."""
    up: bool
    until_ns: int


_TOPICS: Final = frozenset({Topic.QUOTE, Topic.STATE, Topic.INSTRUMENT, Topic.BARS})


def _quiet(row: WatchRow) -> str:
    return "muted" if row.quiet else ""


def _spread_text(row: WatchRow) -> str:
    """In pips where the venue speaks of them, else in the price's own units; a contract has a payout in its
    place."""
    if row.payout:
        return f"pays {row.payout}"
    if row.spread is not None and row.pip:
        return f"{fmt.quantity(row.spread / row.pip, 1)} p"
    return fmt.price(row.spread, row.price_decimals)


COLUMNS: Final[tuple[Column[WatchRow], ...]] = (
    Column("symbol", "Symbol", lambda row: f"{STAR} {row.id.symbol}" if row.favourite else row.id.symbol, 66,
           sort=lambda row: row.id.symbol, tone=_quiet,
           tip=lambda row: ", ".join(filter(None, (
               row.id.symbol, f"{row.kind} on {row.venue_title}", row.payout and f"pays {row.payout}",
               CLOSED if row.closed else ""))),
           ),
    Column("last", "Last", lambda row: row.last_text, 76, number=True, sort=lambda row: row.last, tone=_quiet,
           tip=lambda row: "" if row.last is None else
           fmt.fixed(row.last, row.price_decimals) + (" (stale)" if row.stale else "")),
    Column("change", "24 h", lambda row: row.change_text, 69, number=True, sort=lambda row: row.change_pct,
           tone=lambda row: row.direction, title_tip="Change within 24 hours, per cent"),
    Column("spark", "Day", lambda row: row.spark_text, 46, sort=lambda row: row.change_pct,
           title_tip="The last 24 hours"),
    Column("spread", "Spread", _spread_text, 62, number=True,
           sort=lambda row: row.spread, tone=lambda row: _quiet(row) or "label"),
    Column("volume", "Volume", lambda row: fmt.compact(row.volume), 62, number=True,
           sort=lambda row: row.worth, tone=lambda row: _quiet(row) or "label",
           title_tip="Base units within 24 hours; sorted by their worth"),
    Column("venue", "At", lambda row: row.venue_title, 56, tone=lambda row: "muted",
           tip=lambda row: row.venue_title, title_tip="The venue"),
)  # fmt: skip


def venue_marks(titles: Mapping[str, str]) -> dict[str, str]:
    """Short marks of venues, no two alike as long as their titles differ: ``OKX``, ``Kr``, ``cT``."""
    marks: dict[str, str] = {}
    for venue, title in titles.items():
        word = title.replace(" ", "") or venue
        least = len(word) if len(word) <= 3 else 2
        taken = set(marks.values())
        marks[venue] = next(
            (word[:length] for length in range(least, len(word) + 1) if word[:length] not in taken), word
        )
    return marks


def venue_mark(title: str) -> str:
    """The short mark of a venue that stands alone."""
    return venue_marks({"": title})[""]


class WatchlistViewModel(QObject):
    """The watched instruments with their quotes.

    Signals:
        changed: rows, the filter or the selection changed; the model has told its own views already.
        flashed: digits of some last prices have just changed, or their flash is over.
        beside_wanted: (instrument) show it beside what the linked panels show.

    Attributes:
        model: the rows for a table view, filtered.
        filter_text: what was typed into the search box.
    """

    changed = Signal()
    flashed = Signal()
    beside_wanted = Signal(object)

    def __init__(
        self,
        market: WatchMarket,
        selection: Choice,
        frames: FrameClock,
        clock: Clock,
        *,
        watched: Sequence[InstrumentId] = (),
        favourites: Sequence[InstrumentId] = (),
        titles: Mapping[str, str] | None = None,
        unofficial: Collection[str] = (),
        save: Callable[[Sequence[InstrumentId]], object] | None = None,
        save_favourites: Callable[[Sequence[InstrumentId]], object] | None = None,
        flashes: bool = True,
        flash_ms: int = FLASH_MS,
        parent: QObject | None = None,
    ) -> None:
        """``titles``: venues as they are called on screen. ``unofficial``: those of them that publish no
        interface. ``save``, ``save_favourites``: called with all of
        them, in their order, after the person has changed them."""
        super().__init__(parent)
        self.filter_text = ""
        self.flashes = flashes
        self.model: TableModel[WatchRow] = TableModel(COLUMNS, lambda row: row.id, parent=self)
        self._flash_ns = flash_ms * 1_000_000
        self._market, self._selection, self._frames, self._clock = market, selection, frames, clock
        self._watched: dict[InstrumentId, Callable[[], None]] = {}
        self._favourites: dict[InstrumentId, None] = dict.fromkeys(favourites)
        self._flashing: dict[InstrumentId, Flash] = {}
        self._sparks: dict[InstrumentId, tuple[tuple[object, ...], tuple[float, ...]]] = {}
        self._rows: dict[InstrumentId, WatchRow] = {}
        self._index = SearchIndex(self.title_of)
        self._visible, self._built_ns = True, -REFRESH_NS
        self._titles = titles or {}
        self._unofficial = frozenset(unofficial)
        self._save, self._save_favourites = save, save_favourites
        for instrument in [*favourites, *watched]:
            self._watch(instrument)
        self._unwatch = (market.changed.watch(self._on_market), selection.changed.watch(self._on_selection))
        self._build()

    def set_flashes(self, on: bool, flash_ms: int = FLASH_MS) -> None:
        """Whether changed digits flash from now on, and for how long."""
        self.flashes, self._flash_ns = on, flash_ms * 1_000_000

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in self._unwatch:
            unwatch()
        for release in self._watched.values():
            release()
        self._watched.clear()
        self._frames.cancel(self._on_frame)

    # -- what happens around it -----------------------------------------------------------------------

    def set_visible(self, visible: bool) -> None:
        """A hidden watchlist builds no rows; its quotes stay subscribed."""
        self._visible = visible
        if visible:
            self._request()

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if topic is Topic.INSTRUMENT and (known := self._market.instrument(instrument)) is not None:
            self._index.note(known)
        if topic in _TOPICS and instrument in self._watched:
            self._request()

    def _on_selection(self) -> None:
        self.changed.emit()

    def _request(self) -> None:
        if self._visible:
            self._frames.request(self._on_frame)

    def _on_frame(self) -> None:
        if self._clock.monotonic_ns() - self._built_ns < REFRESH_NS:
            self._request()
            return
        self._build()

    # -- rows -----------------------------------------------------------------------------------------

    def _build(self) -> None:
        now = self._built_ns = self._clock.monotonic_ns()
        ended = [key for key, flash in self._flashing.items() if flash.until_ns <= now]
        for key in ended:
            del self._flashing[key]
        flashing = bool(ended)
        rows, marks = [], venue_marks(self._titles)
        for instrument in self._ordered():
            row = self._row(instrument, marks)
            flashing |= self._note_change(self._rows.get(instrument), row, now)
            self._rows[instrument] = row
            if self._passes(instrument):
                rows.append(row)
        self.model.set_rows(rows)
        self.changed.emit()
        if flashing:
            self.flashed.emit()
        if self._flashing:
            self._request()

    def _ordered(self) -> list[InstrumentId]:
        """Favourites first, otherwise in the order in which they were added."""
        first = [each for each in self._favourites if each in self._watched]
        return [*first, *(each for each in self._watched if each not in self._favourites)]

    def _row(self, instrument: InstrumentId, marks: Mapping[str, str]) -> WatchRow:
        known, quote = self._market.instrument(instrument), self._market.quote(instrument)
        state = self._market.feed_state(Feed(FeedKind.QUOTES, instrument.symbol), instrument.venue)
        row = WatchRow(
            instrument,
            instrument in self._favourites,
            known.kind.value if known is not None else "",
            price_decimals=known.price_decimals if known is not None else 8,
            stale=quote is not None and state is not FeedState.LIVE,
            closed=is_closed(known),
            payout=payout_text(known) if known is not None else "",
            venue_title=self._titles.get(instrument.venue, instrument.venue),
            venue_mark=marks.get(instrument.venue, instrument.venue[:2]),
            spark=self._spark(instrument),
        )
        if quote is None:
            return row
        return replace(
            row,
            # A venue without public trades has quotes alone.
            last=quote.last if quote.last is not None else quote.bid,
            change_pct=quote.change_24h_pct,
            pip=known.pip_size if known is not None else None,
            spread=quote.ask - quote.bid if quote.ask is not None and quote.bid is not None else None,
            volume=quote.volume_24h,
            worth=quote_volume(quote, known) or None,
        )

    def _spark(self, instrument: InstrumentId) -> tuple[float, ...]:
        """Closes of the last day; made anew only when a bar has changed."""
        series = self._market.bars(instrument, SPARK_INTERVAL_S)
        bars = series.bars
        if len(bars) < 2:
            return ()
        key = (series.revision, len(bars), bars[-1])
        known = self._sparks.get(instrument)
        if known is not None and known[0] == key:
            return known[1]
        closes = tuple(float(bar.close) for bar in bars[-SPARK_POINTS:])
        self._sparks[instrument] = (key, closes)
        return closes

    def _note_change(self, before: WatchRow | None, after: WatchRow, now: int) -> bool:
        """Remember which digits of the last price changed; True if some did."""
        if not self.flashes or before is None or before.last is None or after.last is None:
            return False
        if before.last == after.last:
            return False
        old, new = before.last_text, after.last_text
        first = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
        # A price with more or fewer digits than before is a new one as a whole.
        first = first if len(old) == len(new) else 0
        self._flashing[after.id] = Flash(first, after.last > before.last, now + self._flash_ns)
        return True

    def flash_of(self, instrument: InstrumentId) -> Flash | None:
        """The flash of an instrument's last price, while it lasts."""
        return self._flashing.get(instrument)

    # -- what a person does ---------------------------------------------------------------------------

    @property
    def selected(self) -> InstrumentId | None:
        """What the linked panels show."""
        return self._selection.instrument

    def select(self, instrument: InstrumentId) -> None:
        """Show an instrument in every linked panel."""
        self._selection.select(instrument)

    def set_filter(self, text: str) -> None:
        """Show only rows that answer to what was typed."""
        if text != self.filter_text:
            self.filter_text = text
            self._build()

    def open_first(self) -> bool:
        """Select the first shown row; False where none is shown."""
        rows = self.model.rows
        if rows:
            self.select(rows[0].id)
        return bool(rows)

    def _passes(self, instrument: InstrumentId) -> bool:
        if not self.filter_text.strip():
            return True
        known = self._market.instrument(instrument)
        if known is None:
            return self.filter_text.strip().upper() in instrument.symbol
        return rank(self.filter_text, known, self.title_of(known.venue)) is not None

    @property
    def empty_text(self) -> str:
        """What to show instead of rows."""
        wanted = self.filter_text.strip()
        if wanted:
            shown = wanted if len(wanted) <= _SHOWN_FILTER else f"{wanted[:_SHOWN_FILTER]}…"
            return f"Nothing here matches “{shown}”. Press Enter to search all markets."
        return "No instruments yet. Press Ctrl+K to find some."

    @property
    def all_live(self) -> bool:
        """Every watched instrument shows a price that is proven."""
        rows = [self._rows.get(instrument) for instrument in self._watched]
        return bool(rows) and all(row and row.last is not None and not row.stale for row in rows)

    def title_of(self, venue: str) -> str:
        """A venue as it is called on screen."""
        return self._titles.get(venue, venue)

    def warning_of(self, venue: str) -> str:
        """What has to be said wherever a market of a venue is offered; empty for most."""
        return "unofficial interface" if venue in self._unofficial else ""

    @property
    def watched(self) -> tuple[InstrumentId, ...]:
        """The watched instruments in their order."""
        return tuple(self._ordered())

    @property
    def is_ambiguous(self) -> bool:
        """The same symbol of two venues is watched: the symbol alone does not say which."""
        return len({instrument.symbol for instrument in self._watched}) < len(self._watched)

    @property
    def favourites(self) -> tuple[InstrumentId, ...]:
        """The favourites in the order in which they were chosen."""
        return tuple(self._favourites)

    def is_watched(self, instrument: InstrumentId) -> bool:
        """Whether it has a row."""
        return instrument in self._watched

    def refresh(self) -> None:
        """Build the rows again: a venue is called otherwise now."""
        self._index.rename()
        self._build()

    def add(self, instrument: InstrumentId) -> None:
        """Watch one more instrument."""
        if instrument not in self._watched:
            self._watch(instrument)
            self._keep()

    def remove(self, instrument: InstrumentId) -> None:
        """Watch it no longer; it stops being a favourite too."""
        release = self._watched.pop(instrument, None)
        if release is not None:
            release()
            self._favourites.pop(instrument, None)
            for table in (self._rows, self._sparks, self._flashing):
                table.pop(instrument, None)
            self._keep()

    def toggle_favourite(self, instrument: InstrumentId) -> None:
        """Make it a favourite, which puts it on the list, or an ordinary one."""
        if instrument in self._favourites:
            del self._favourites[instrument]
        else:
            self._favourites[instrument] = None
            if instrument not in self._watched:
                self._watch(instrument)
        self._keep()

    def _watch(self, instrument: InstrumentId) -> None:
        venue, symbol = instrument
        quotes = self._market.watch(Feed(FeedKind.QUOTES, symbol), venue)
        # Small lines live on what their subscription brings: the public calls are for the chart.
        bars = self._market.watch(
            Feed(FeedKind.BARS, symbol, interval_s=SPARK_INTERVAL_S), venue, history=False
        )

        def release() -> None:
            quotes()
            bars()

        self._watched[instrument] = release

    def _keep(self) -> None:
        self._build()
        if self._save is not None:
            self._save(self.watched)
        if self._save_favourites is not None:
            self._save_favourites(self.favourites)

    # -- search ---------------------------------------------------------------------------------------

    def search(self, text: str) -> Sequence[Hit]:
        """Instruments of every venue that answer to a text, the best first; from what is known already."""
        known = self._market.instruments()
        return self._index.search(
            text, known, self._favourites.keys(), self._watched.keys(), self._market.quote
        )

    def open_beside(self, instrument: InstrumentId) -> None:
        """Show it in the second chart; it joins the list, and the linked panels stay where they are."""
        self.add(instrument)
        self.beside_wanted.emit(instrument)

    def open_hit(self, instrument: InstrumentId) -> None:
        """Open what the search found: it joins the list and the linked panels show it."""
        self.add(instrument)
        self.select(instrument)
