"""The chart: bars as arrays, which of them are in sight, own orders and fills on them, and what a drag means.

Bars are kept in step incrementally: the running bar costs one row of the arrays. Scrolling towards the
oldest bar asks for more; what one looks at stays where it is when they come.

Bars, what is in sight of them, and what is held by the pointer are one state, which every part of the picture
reads in the same frame: they stay in one file; orders, positions, indicators and scale have their own.
"""

from __future__ import annotations

import logging
from datetime import UTC, tzinfo
from decimal import Decimal
from enum import Enum
from typing import Final, Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.domain.bars import BarSeries
from terminal.domain.errors import TerminalError
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Feed, FeedKind
from terminal.domain.orders import OrderType
from terminal.services.market_data import FeedState, Topic
from terminal.viewmodels import format as fmt
from terminal.viewmodels import funding as funding_texts
from terminal.viewmodels.book import RESULT_SHOWN_S, SizeSource
from terminal.viewmodels.chart_bars import HIGH, LOW, BarArrays
from terminal.viewmodels.chart_indicators import ChartIndicators
from terminal.viewmodels.chart_orders import MenuEntry
from terminal.viewmodels.chart_positions import ChartPositions, DealLine
from terminal.viewmodels.chart_readout import Readout, bar_time, read_bar, utc_date
from terminal.viewmodels.chart_scale import DAY_S, LocalTime, PriceScale, Viewport, extremes
from terminal.viewmodels.chart_trading import ChartGate, ChartTrading
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.market_hours import closed_text, is_closed
from terminal.viewmodels.ports import (
    Accounts,
    Market,
    Place,
    SelectedInstrument,
    Sessions,
    down_text,
    place_of,
    sentence,
)

log = logging.getLogger("ui")

START_BARS: Final = 300
_FEWEST_AT_START: Final = 60
DEFAULT_INTERVAL_S: Final = 900
_RETRY_S: Final = 10.0
_AT_A_PRICE: Final = frozenset({OrderType.LIMIT, OrderType.STOP})
"""What can be placed with a right click."""
# Older bars are asked for when less than this share of the plot is left before the oldest one.
_LOAD_AHEAD: Final = 0.5
_UNITS: Final = ((604_800, "w", "week"), (86_400, "d", "day"), (3600, "h", "hour"), (60, "m", "minute"))


class ChartState(Enum):
    """What the chart shows instead of, or over, its bars."""

    EMPTY = "empty"
    LOADING = "loading"
    LIVE = "live"
    STALE = "stale"
    NO_BARS = "no bars"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


class ChartMarket(Market, Protocol):
    """Prices with their bars; ``services.market_data.MarketData`` is one."""

    def bars(self, instrument: InstrumentId, interval_s: int) -> BarSeries: ...
    async def load_more_bars(self, instrument: InstrumentId, interval_s: int, *, limit: int = 500) -> int: ...


def interval_text(interval_s: int, *, long: bool = False) -> str:
    """An interval's length: ``15m``, ``1w``; or ``15 minutes``."""
    for size, letter, word in _UNITS:
        if interval_s % size == 0:
            count = interval_s // size
            return f"{count} {word}{'' if count == 1 else 's'}" if long else f"{count}{letter}"
    return f"{interval_s} seconds" if long else f"{interval_s}s"


class ChartViewModel(QObject):
    """The chart of the selected instrument.

    Signals:
        changed: re-read everything; at most once a frame, and at once after what a person does.
        ticket_proposed: (side, order type, price): fill the ticket, send nothing.
        confirmation_needed: a :class:`~terminal.viewmodels.sending.RequestView` waits in
            ``trading.sending.pending``.
        hint_used: the hint bubble has done its work; remember not to show it again.
        interval_chosen: the person chose another interval (seconds); remember it with the layout.
        pointed: (ns UTC or None) the bar under the pointer is another one; linked charts show where that is.

    Attributes:
        bars: the arrays. viewport: which of them are in sight. scale: which prices are.
        trading: own orders and fills on the bars, and what is done to them.
        indicators: what is computed from the bars and drawn over or under them.
        chosen_s: the length of a bar that the person chose; ``interval_s`` is the nearest one of the venue.
        loading_older: older bars are on their way. history_note: why there are none, once that is known.
    """

    changed = Signal()
    ticket_proposed = Signal(object, object, object)
    confirmation_needed = Signal(object)
    hint_used = Signal()
    interval_chosen = Signal(int)
    pointed = Signal(object)

    def __init__(
        self,
        market: ChartMarket,
        sessions: Sessions,
        gate: ChartGate,
        accounts: Accounts,
        selection: SelectedInstrument,
        sizes: SizeSource,
        frames: FrameClock,
        clock: Clock,
        *,
        interval_s: int = DEFAULT_INTERVAL_S,
        start_bars: int = START_BARS,
        show_volume: bool = True,
        show_fills: bool = True,
        show_hint: bool = True,
        confirms: bool = True,
        zone: tzinfo | None = None,
        positions: ChartPositions | None = None,
        is_idle_unseen: bool = False,
        parent: QObject | None = None,
    ) -> None:
        """``zone``: of the time axis; None is the machine's own. ``positions``: open ones, to be drawn.
        ``is_idle_unseen``: it asks for no data until it is first shown, nor while it is hidden."""
        super().__init__(parent)
        self.state, self.reason = ChartState.EMPTY, ""
        self.instrument: Instrument | None = None
        self.place: Place | None = None
        self.interval_s = self.chosen_s = interval_s
        self.bars, self.viewport, self.scale = BarArrays(), Viewport(), PriceScale()
        self.show_volume = show_volume
        self.loading_older = False
        self.history_note = ""
        self._market, self._sessions, self._selection = market, sessions, selection
        self._frames, self._clock = frames, clock
        self._start_bars, self._hint = start_bars, show_hint
        self._zone = zone
        self._local, self._utc = LocalTime(zone), LocalTime(UTC)
        self._id: InstrumentId | None = None
        self._series: BarSeries | None = None
        self._is_idle_unseen = is_idle_unseen
        self._visible, self._touched, self._frozen = not is_idle_unseen, False, False
        self._room_until_ns = 0
        self._pointed_ns: int | None = None
        self._linked_ns: int | None = None
        self._retry_ns, self._load_error = 0, ""
        self._release_feeds = _nothing
        self.trading = ChartTrading(
            market,
            gate,
            accounts,
            sizes,
            clock,
            is_live=lambda: self.state is ChartState.LIVE,
            last_price=lambda: self.last_price,
            confirms=confirms,
            show_fills=show_fills,
            parent=self,
        )
        self.trading.changed.connect(self.changed)
        self.trading.wanted.connect(self._request)
        self.trading.ticket_proposed.connect(self.ticket_proposed)
        self.trading.confirmation_needed.connect(self.confirmation_needed)
        self.indicators = ChartIndicators(self)
        self.indicators.changed.connect(self._on_indicators)
        self.positions = positions
        if positions is not None:
            positions.changed.connect(self.changed)
            positions.wanted.connect(self._on_positions)
        self._unwatch = (
            market.changed.watch(self._on_market),
            selection.changed.watch(self._on_selection),
            sessions.changed.watch(self._on_session),
        )
        self._stop_counting = frames.every(1.0, self._on_second)
        self._on_selection()

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in self._unwatch:
            unwatch()
        self._stop_counting()
        self._release_feeds()
        self._frames.cancel(self._on_frame)
        self.trading.close()

    def set_layers(self, *, volume: bool, fills: bool) -> None:
        """Whether the volume and the own fills are drawn."""
        self.show_volume, self.trading.show_fills = volume, fills
        self._request()

    # -- what happens around it -----------------------------------------------------------------------

    def set_visible(self, visible: bool) -> None:
        """A hidden chart builds nothing."""
        was, self._visible = self._visible, visible
        if not visible:
            self.point(None)
        if self._is_idle_unseen and was is not visible:
            self._watch_feeds()
        elif visible:
            self._request()

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if instrument != self._id or topic in (Topic.BOOK, Topic.TRADES, Topic.QUOTE):
            return
        if topic is Topic.INSTRUMENT:
            self._load_instrument()
        self._request()

    def _on_session(self, venue: str) -> None:
        if self._id is not None and venue == self._id.venue:
            before = self.place
            self._load_instrument()
            if before is None or self.place is None or before.account != self.place.account:
                # Practice prices never mix with real ones: what is on screen goes with its account.
                self._start()
            if self._fitting_s != self.interval_s:
                self._watch_feeds()
            self._request()

    def _on_selection(self) -> None:
        new = self._selection.instrument
        if new == self._id and new is not None:
            return
        self._id, self.instrument, self.place = new, None, None
        self._load_instrument()
        self._watch_feeds()

    def _watch_feeds(self) -> None:
        self._release_feeds()
        self._release_feeds = _nothing
        if self._id is not None and (self._visible or not self._is_idle_unseen):
            self.interval_s = self._fitting_s
            bars = Feed(FeedKind.BARS, self._id.symbol, interval_s=self.interval_s)
            quotes = Feed(FeedKind.QUOTES, self._id.symbol)
            releases = [self._market.watch(feed, self._id.venue) for feed in (bars, quotes)]

            def release() -> None:
                for each in releases:
                    each()

            self._release_feeds = release
        self._start()
        self._build()

    @property
    def _fitting_s(self) -> int:
        """The chosen length where the venue has it, else the nearest one that it has."""
        if not self.intervals or self.chosen_s in self.intervals:
            return self.chosen_s
        return min(self.intervals, key=lambda each: abs(each - self.chosen_s))

    def _start(self) -> None:
        """Begin anew: another instrument, interval or account."""
        self.bars.clear()
        self.viewport, width = Viewport(), self.viewport.width
        self.viewport.set_width(width)
        self.scale.auto, self._touched, self._series = True, False, None
        self.history_note, self._load_error = "", ""
        self._retry_ns = 0

    def _load_instrument(self) -> None:
        self.instrument = self._market.instrument(self._id) if self._id is not None else None
        self.place = place_of(self._sessions, self._id.venue) if self._id is not None else None
        self.trading.show(self.instrument, self.place)
        if self.positions is not None:
            self.positions.show(self.instrument, self.place)

    def _on_positions(self) -> None:
        """Positions change in a frame, and with them the table: the chart says their figures in the same one,
        not in the next."""
        if self._visible and self.positions is not None:
            self.positions.build()
            self._make_room()
            self.changed.emit()

    def _on_indicators(self) -> None:
        self.indicators.sync(self.bars)
        if not self._touched:
            self._show_latest()
        self._looked()

    def _on_second(self) -> None:
        if self._visible and self._id is not None:
            self._on_frame()

    # -- building -------------------------------------------------------------------------------------

    def _request(self) -> None:
        if self._visible:
            self._frames.request(self._on_frame)

    def _on_frame(self) -> None:
        self._build()

    def _build(self) -> None:
        if self.instrument is None:
            self._load_instrument()
        self._read_state()
        if self._id is not None and self.state is not ChartState.UNSUPPORTED:
            self._take_bars(self._market.bars(self._id, self.interval_s))
            self._load_older_if_near()
        self.trading.build(self.bars)
        if self.positions is not None:
            self.positions.build()
            self._make_room()
        # A line that stays for good covers bars and tells of what may have changed since.
        self.trading.sending.expire_result(RESULT_SHOWN_S)
        self.changed.emit()

    def _take_bars(self, series: BarSeries) -> None:
        self._series = series
        change = self.bars.sync(series)
        self.indicators.sync(self.bars)
        if change.replaced or (not self._touched and (change.prepended or change.appended)):
            self._show_latest()
        else:
            if change.prepended:
                self.viewport.prepended(change.prepended)
            if change.appended:
                self.viewport.appended(change.appended)
        self.loading_older = series.loading and self.bars.count > 0
        if series.complete and self.bars.count:
            first = utc_date(int(self.bars.times[0]))
            title = self.place.title if self.place is not None else "The venue"
            self.history_note = f"{title} has no older bars. Its history begins {first}."
        elif self._load_error:
            self.history_note = f"Older bars did not load: {self._load_error}"
        else:
            self.history_note = ""
        self._fit()
        if self.state is ChartState.LIVE and not self.bars.count:
            self.state = ChartState.LOADING if series.loading else ChartState.NO_BARS
            self.reason = self._no_bars_text(series)

    def _show_latest(self) -> None:
        bars = None if self._touched else self._bars_at_start
        self.viewport.show_latest(self.bars.count, bars=bars, until=self._until)

    def _make_room(self) -> None:
        """Leave room at the right for the ends of running contracts; without any the last bar is there."""
        latest_ns = max((deal.expires_ns for deal in self._deals), default=0)
        before_ns, self._room_until_ns = self._room_until_ns, latest_ns
        if not self.bars.count or not (latest_ns or before_ns):
            return
        right = self.viewport.right
        if not self._touched:
            self.viewport.show_latest(self.bars.count, until=self._until)
        elif latest_ns > before_ns and self.viewport.follows:
            # Where a person has arranged the bars only a new contract moves them, as far as it needs.
            self.viewport.show_latest(self.bars.count, until=self._until)
            self.viewport.right = max(right, self.viewport.right)
        self._fit()

    @property
    def _deals(self) -> tuple[DealLine, ...]:
        return self.positions.deals if self.positions is not None else ()

    @property
    def _until(self) -> float | None:
        """The last place at the right that is drawn upon: the end of a running contract, or a cloud's."""
        if not self.bars.count:
            return None
        cloud = self.bars.count - 1 + self.indicators.ahead if self.indicators.ahead else None
        contract = self.place_at(self._room_until_ns) if self._room_until_ns else None
        return max((place for place in (cloud, contract) if place is not None), default=None)

    def place_at(self, time_ns: int) -> float:
        """The (fractional) bar at a time (UTC), on both sides of its middle; also of times to come."""
        interval_ns = self.interval_s * 1_000_000_000
        at = self.bars.index_of(time_ns)
        if at is None:
            return -0.5
        into = (time_ns - int(self.bars.times[at])) / interval_ns
        # A bar before a pause is over long before the next one begins.
        return at - 0.5 + (into if at == self.bars.count - 1 else min(1.0, into))

    def clock_text(self, time_ns: int) -> str:
        """A time of day (UTC) in the chart's own zone, to the second."""
        return fmt.time_of_day(time_ns, zone=self._zone)

    @property
    def _bars_at_start(self) -> int:
        # A market with a short history is shown whole and large enough to see.
        return min(self._start_bars, max(self.bars.count, _FEWEST_AT_START))

    def _no_bars_text(self, series: BarSeries) -> str:
        assert self._id is not None
        if series.error:
            return f"No bars yet: {sentence(series.error)} Trying again…"
        if self.state is ChartState.NO_BARS:
            return f"No trades in {self._id.symbol} yet."
        return f"Loading the bars of {self._id.symbol}…"

    def _read_state(self) -> None:
        self.reason = ""
        if self._id is None:
            self.state, self.reason = ChartState.EMPTY, self._selection.empty_text
            return
        feed = Feed(FeedKind.BARS, self._id.symbol, interval_s=self.interval_s)
        state = self._market.feed_state(feed, self._id.venue)
        if state is FeedState.UNSUPPORTED:
            self.state, self.reason = ChartState.UNSUPPORTED, "This venue has no bars."
        elif state is FeedState.REFUSED:
            why = self._market.refusal(feed, self._id.venue)
            self.state, self.reason = ChartState.FAILED, why or "The venue refused the bars."
        elif state is FeedState.LIVE:
            self.state = ChartState.LIVE
        elif state is FeedState.LOADING:
            self.state, self.reason = ChartState.LOADING, f"Loading the bars of {self._id.symbol}…"
            series = self._market.bars(self._id, self.interval_s)
            down = down_text(self._sessions, self._id.venue)
            if down:
                self.reason = down
            elif series.error:
                self.reason = f"No bars yet: {sentence(series.error)} Trying again…"
        else:
            self.state, self.reason = ChartState.STALE, "Stale: the price may have moved"

    def _fit(self) -> None:
        self.indicators.fit_panes(self.viewport)
        dragged = self.trading.ghost is not None or (
            self.positions is not None and self.positions.ghost is not None
        )
        if not self.scale.auto or dragged or self._frozen or self.instrument is None:
            return
        first, stop = self.viewport.first, self.viewport.stop
        found = extremes(self.bars.column(HIGH)[first:stop], self.bars.column(LOW)[first:stop])
        if found is not None:
            prices = [float(deal.price) for deal in self._deals]
            low, high = min([found[0], *prices]), max([found[1], *prices])
            low, high = self.indicators.widen(low, high, self.viewport)
            self.scale.fit(low, high, float(self.instrument.tick_size))

    # -- older bars -----------------------------------------------------------------------------------

    def _load_older_if_near(self) -> None:
        series, now = self._series, self._clock.monotonic_ns()
        if series is None or series.loading or series.complete or now < self._retry_ns or not self._visible:
            return
        # The first bars come with the subscription.
        if not self.bars.count or self.state in (ChartState.FAILED, ChartState.STALE):
            return
        if self.viewport.index_at(0) > self.viewport.visible * _LOAD_AHEAD:
            return
        assert self._id is not None
        self._retry_ns = now + int(_RETRY_S * 1e9)
        tasks.spawn(self._load_older(self._id, self.interval_s), name=f"older bars {self._id}")

    async def _load_older(self, instrument: InstrumentId, interval_s: int) -> None:
        error = ""
        try:
            await self._market.load_more_bars(instrument, interval_s)
        except TerminalError as failure:
            log.info("older bars of %s: %s", instrument, failure)
            error = failure.user_text
        if (instrument, interval_s) == (self._id, self.interval_s):
            self._load_error = error
            if not error:
                self._retry_ns = 0
            self._request()

    # -- header ---------------------------------------------------------------------------------------

    @property
    def _venue(self) -> str:
        return self._id.venue if self._id is not None else ""

    @property
    def title(self) -> str:
        """The instrument and its venue, where that is connected: ``BTC/USD Kraken``."""
        if self._id is None:
            return ""
        return self._id.symbol if self.place is None else f"{self._id.symbol} {self.place.title}"

    @property
    def symbol(self) -> str:
        """The instrument alone: ``BTC/USD``."""
        return self._id.symbol if self._id is not None else ""

    @property
    def funding_texts(self) -> tuple[str, str, str]:
        """The funding of a perpetual: ``Funding 0.0100 % in 3 h 12 min``, the same in short, and the story of
        it; empty for others, and while nothing current is known."""
        funding = self._market.funding(self._id) if self._id is not None else None
        if funding is None:
            return "", "", ""
        now_ns = self._clock.wall_ns()
        return (
            funding_texts.header_text(funding, now_ns),
            f"Funding {funding_texts.rate_text(funding)}",
            (f"Funding {funding_texts.due_text(funding, now_ns)}.\n{funding_texts.funding_tip(funding)}"),
        )

    @property
    def intervals(self) -> tuple[int, ...]:
        """The intervals that the venue has, in seconds, shortest first."""
        return tuple(sorted(self.place.abilities.bar_intervals_s)) if self.place is not None else ()

    def set_interval(self, interval_s: int) -> None:
        """Show bars of another length."""
        is_new, is_shown = interval_s != self.chosen_s, interval_s == self.interval_s
        self.chosen_s = interval_s
        if not is_shown:
            self.interval_s = interval_s
            self.trading.revert()
            self._watch_feeds()
        if is_new or not is_shown:
            self.interval_chosen.emit(interval_s)

    # -- the pointer of linked charts -----------------------------------------------------------------

    def point(self, bar: int | None) -> None:
        """The pointer, or the keyboard's cursor, is at this bar; None: at none."""
        known = bar is not None and 0 <= bar < self.bars.count
        time_ns = int(self.bars.times[bar]) if bar is not None and known else None
        if time_ns != self._pointed_ns:
            self._pointed_ns = time_ns
            self.pointed.emit(time_ns)

    def show_pointed(self, time_ns: int | None) -> None:
        """A linked chart's pointer is at this time (UTC)."""
        if time_ns != self._linked_ns:
            self._linked_ns = time_ns
            if self._visible:
                self.changed.emit()

    @property
    def linked_bar(self) -> int | None:
        """The bar in which a linked chart's pointer is; None where there is no such bar."""
        if self._linked_ns is None or not self.bars.count:
            return None
        if self._linked_ns >= int(self.bars.times[-1]) + self.interval_s * 1_000_000_000:
            return None
        return self.bars.index_of(self._linked_ns)

    @property
    def in_utc(self) -> bool:
        """Times are shown in UTC rather than in local time."""
        return self._zone is UTC

    def set_zone(self, zone: tzinfo | None) -> None:
        """Show times of another zone; None is the machine's own."""
        self._zone, self._local = zone, LocalTime(zone)
        self.changed.emit()

    @property
    def clock_times(self) -> LocalTime:
        """How bars are named: local time within a day, UTC from a day on, as venues cut their days."""
        return self._utc if self.interval_s >= DAY_S else self._local

    @property
    def badge(self) -> str:
        """PRACTICE, PRICES ONLY or the account's name."""
        return self.place.badge if self.place is not None else ""

    @property
    def hint(self) -> str:
        """The bubble for who has never placed an order from the chart; empty afterwards."""
        if not self._hint or self.state is not ChartState.LIVE or self.place is None:
            return ""
        if not self.place.abilities.order_types & _AT_A_PRICE:
            return ""
        if not self.place.can_trade or self.trading.lines or (self.positions and self.positions.lines):
            return ""  # whose lines are on the chart knows, and the bubble would lie over them
        word = "a practice order" if self.place.badge == "PRACTICE" else "an order"
        return f"Right-click a price to place {word}"

    def dismiss_hint(self) -> None:
        """The hint is understood."""
        if self._hint:
            self._hint = False
            self.hint_used.emit()
            self.changed.emit()

    # -- figures --------------------------------------------------------------------------------------

    def price_text(self, price: Decimal) -> str:
        """A price at the instrument's digits."""
        return fmt.price(price, self.instrument.price_decimals if self.instrument is not None else 8)

    @property
    def last_price(self) -> Decimal | None:
        """The close of the running bar."""
        return self._series.bars[-1].close if self._series is not None and self.bars.count else None

    @property
    def last_direction(self) -> int:
        """+1 where the running bar stands at or above its open, else -1."""
        if self._series is None or not self.bars.count:
            return 1
        bar = self._series.bars[-1]
        return 1 if bar.close >= bar.open else -1

    @property
    def countdown(self) -> str:
        """Time left to the end of the running bar; ``closed`` while the market is, empty while nothing
        runs."""
        if not self.bars.count or self.state is not ChartState.LIVE:
            return ""
        if is_closed(self.instrument):
            return "closed"
        interval_ns = self.interval_s * 1_000_000_000
        passed = (self._clock.wall_ns() - int(self.bars.times[-1])) % interval_ns
        left = (interval_ns - passed) / 1e9
        if left >= DAY_S:
            return f"{int(left // DAY_S)}d {int(left % DAY_S // 3600)}h"
        return fmt.countdown(left)

    @property
    def closed_text(self) -> str:
        """That the market is closed, and when it opens in the chart's own time; empty while it is open."""
        return closed_text(self.instrument, self._clock.wall_ns(), self._zone)

    def readout(self, bar: int | None = None) -> Readout | None:
        """A bar in words; without one the running bar. None where there is no such bar."""
        if self._series is None or not self.bars.count or self.instrument is None:
            return None
        at = self.bars.count - 1 if bar is None else bar
        if not 0 <= at < self.bars.count:
            return None
        return read_bar(self._series.bars, at, self.time_text(at), self.instrument, self.place)

    def time_text(self, bar: float) -> str:
        """When a bar began, also of one to come: ``Fri 14 Aug 09:30``, or with its year from a day on."""
        if not self.bars.count:
            return ""
        at = round(bar)
        last = self.bars.count - 1
        if at < 0:
            return ""
        ns = int(self.bars.times[min(at, last)]) + max(0, at - last) * self.interval_s * 1_000_000_000
        return bar_time(ns, self.interval_s, self._zone)

    # -- looking around -------------------------------------------------------------------------------

    def set_plot_width(self, width: float) -> None:
        """How wide the plot is, in pixels."""
        if width != self.viewport.width:
            self.viewport.set_width(width)
            if not self._touched and self.bars.count:
                self._show_latest()
            self._fit()
            self._request()

    def pan(self, dx: float, dy: float = 0.0, height: float = 1.0) -> None:
        """Drag the bars by pixels; the prices too where they were set by hand."""
        self._touched = True
        self.viewport.pan(dx)
        self.scale.pan(dy, height)
        self._looked()

    def zoom(self, factor: float, x: float) -> None:
        """Spread (over 1) or squeeze the bars around the one at ``x``."""
        self._touched = True
        self.viewport.zoom(factor, x)
        self._looked()

    def stretch(self, factor: float) -> None:
        """Show more prices (over 1) or fewer; from now on set by hand."""
        self.scale.stretch(factor)
        self.changed.emit()

    def fit_prices(self) -> None:
        """Fit the prices to the visible bars again."""
        self.scale.auto = True
        self._looked()

    def go_to_last(self) -> None:
        """Show the running bar again."""
        self.viewport.show_latest(self.bars.count, until=self._until)
        self._looked()

    def go_to_first(self) -> None:
        """Show the oldest bar there is; asking for older ones."""
        self._touched = True
        self.viewport.pan(1e9)
        self._looked()

    @property
    def is_at_last(self) -> bool:
        """The running bar is in sight."""
        return not self.bars.count or self.viewport.follows

    def _looked(self) -> None:
        self._fit()
        self.changed.emit()
        self._request()

    def hold_prices(self, hold: bool) -> None:
        """Keep the prices where they are while a menu is open at one of them."""
        self._frozen = hold
        if not hold:
            self._request()

    def propose(self, entry: MenuEntry) -> None:
        """Fill the ticket with an entry of the menu."""
        self.dismiss_hint()
        self.trading.propose(entry)


def _nothing() -> None:
    return None
