"""The price of a contract against that of another connected venue: how far off it is, and how much later.

A venue of contracts is its own counterparty, and settles by a price that it tells itself. Where another venue
quotes the same thing a person can see whether that price is the market's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Feed, FeedKind, Quote
from terminal.domain.twins import underlying_of
from terminal.services.market_data import FeedState, Topic
from terminal.services.session import Mode, SessionState
from terminal.viewmodels import format as fmt
from terminal.viewmodels.amounts import counted
from terminal.viewmodels.cross_venue_ports import CrossSessions
from terminal.viewmodels.market_hours import is_closed
from terminal.viewmodels.price_lag import deviation, lag_ms, series_of

KEPT_NS: Final = 180_000_000_000
"""The lag is that of the last three minutes."""
SPAN_NS: Final = 60_000_000_000
"""The difference is that of the last minute."""
READ_EVERY_NS: Final = 500_000_000
_LAG_EVERY_NS: Final = 3_000_000_000
_LOOK_EVERY_NS: Final = 5_000_000_000
_MOST_KEPT: Final = 8000
_IN_STEP_MS: Final = 50
"""As fine as a lag is told: the networks to two venues differ by as much."""
_KINDS: Final = (InstrumentKind.SPOT, InstrumentKind.CFD, InstrumentKind.PERPETUAL)
_FOREIGN_EXCHANGE: Final = (InstrumentKind.CFD, InstrumentKind.SPOT)
"""Currencies are quoted by brokers; what coin exchanges quote of them is thin."""
_CURRENCIES: Final = frozenset(
    {"AUD", "BRL", "CAD", "CHF", "CNH", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "INR", "JPY", "MXN", "NOK"}
    | {"NZD", "PLN", "SEK", "SGD", "THB", "TRY", "USD", "ZAR"}
)
_SAME_WITHIN: Final = 0.02
"""What is farther away, as a share of the price, is another thing or other money under the same name."""


class MeterMarket(Protocol):
    """What the meter asks of ``services.market_data.MarketData``."""

    changed: Observable[[InstrumentId, Topic]]

    def watch(self, feed: Feed, venue: str) -> Callable[[], None]: ...
    def quote(self, instrument: InstrumentId) -> Quote | None: ...
    def feed_state(self, feed: Feed, venue: str) -> FeedState: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What the meter shows: a name, the difference with the lag, or in ``detail`` why there is none."""

    label: str
    value: str = ""
    detail: str = ""
    tip: str = ""


NO_READING: Final = Reading("")


class QuoteMeter:
    """Follows a contract's price and that of the best reference for it, while somebody looks.

    Attributes:
        reference: what it is compared with; None where no connected venue quotes the same.
    """

    def __init__(
        self,
        market: MeterMarket,
        sessions: CrossSessions,
        members: Callable[[str], list[Instrument]],
        clock: Clock,
        *,
        titles: Mapping[str, str],
    ) -> None:
        """``members``: what the venues list of an underlying such as ``EUR/USD``; ``titles``: the venues in
        their order, and what they are called."""
        self.reference: Instrument | None = None
        self._market, self._sessions, self._members = market, sessions, members
        self._clock, self._titles = clock, titles
        self._own: Instrument | None = None
        self._visible = False
        self._points: dict[InstrumentId, deque[tuple[int, float]]] = {}
        self._measured_in: Mode | None = None
        self._release: Callable[[], None] = _nothing
        self._looked_ns: int | None = None
        self._read_ns: int | None = None
        self._lag_ns: int | None = None
        self._lag: float | None = None
        self._reading = NO_READING
        self._unwatch = (market.changed.watch(self._on_market), sessions.changed.watch(self._on_session))

    def close(self) -> None:
        """Let go of feeds and watchers."""
        for unwatch in self._unwatch:
            unwatch()
        self._let_go()

    def follow(self, instrument: Instrument | None) -> None:
        """Measure this contract's price from now on; None: nothing."""
        before, self._own = self._own, instrument
        if (before.id if before is not None else None) != (instrument.id if instrument is not None else None):
            self._let_go()
            self._look()

    def set_visible(self, visible: bool) -> None:
        """Nobody looks: no price is asked for and nothing is kept."""
        if visible is self._visible:
            return
        self._visible = visible
        if visible:
            self._look()
        else:
            self._let_go()

    @property
    def reading(self) -> Reading:
        """As it stands now; worked out anew at most twice a second."""
        now = self._clock.monotonic_ns()
        if self._read_ns is None or now - self._read_ns >= READ_EVERY_NS:
            self._read_ns = now
            self._reading = self._read(now)
        return self._reading

    # -- what happens around it -----------------------------------------------------------------------

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        points = self._points.get(instrument)
        if points is None or topic is not Topic.QUOTE:
            return
        quote = self._market.quote(instrument)
        is_own = self._own is not None and instrument == self._own.id
        price = None if quote is None else _price(quote, is_own=is_own)
        if quote is None or price is None:
            return
        at_ns = quote.ts_received_ns
        if points and at_ns < points[-1][0]:
            self._begin_anew()  # the machine's clock was set back
            points = self._points[instrument]
        if not points or points[-1][1] != price:
            points.append((at_ns, price))
        # The price that stood when the three minutes began is kept, however old it is.
        while len(points) > 1 and points[1][0] < at_ns - KEPT_NS:
            points.popleft()

    def _on_session(self, venue: str) -> None:
        if self._own is not None and self.reference is not None:
            worlds = {self._world(each.venue) for each in (self._own, self.reference)}
            if worlds == {self._measured_in}:
                return
            # Another connection: practice prices never mix with real ones.
            self._let_go()
        self._look()

    # -- the reference --------------------------------------------------------------------------------

    def _look(self) -> None:
        """Find what to compare with, and follow it."""
        self._looked_ns = self._clock.monotonic_ns()
        if self._own is None or not self._visible:
            return
        found = self._find(self._own)
        before = self.reference
        if (before.id if before is not None else None) == (found.id if found is not None else None):
            self.reference = found  # it may have opened or closed since
            return
        # Also where a better one has come: a broker that connects after an exchange.
        self._let_go()
        if found is None:
            return
        self.reference, self._measured_in = found, self._world(found.venue)
        self._release = self._market.watch(Feed(FeedKind.QUOTES, found.symbol), found.venue)
        self._begin_anew()

    def _find(self, own: Instrument) -> Instrument | None:
        about = underlying_of(own)
        if about is None or (own.offer is not None and own.offer.is_house_quoted):
            return None
        world = self._world(own.venue)
        kinds = _FOREIGN_EXCHANGE if {about.base, about.money} <= _CURRENCIES else _KINDS
        order = list(self._titles)
        candidates = [
            each
            for each in self._members(str(about))
            if each.venue != own.venue
            and each.venue in order
            and each.kind in kinds
            and each.offer is None
            and not each.is_inverse
            and world is not None
            and self._world(each.venue) is world
        ]
        return min(
            candidates,
            key=lambda each: (each.quote != own.quote, kinds.index(each.kind), order.index(each.venue)),
            default=None,
        )

    def _world(self, venue: str) -> Mode | None:
        """Whether a live venue has practice or real prices; None while it is not live."""
        session = self._sessions.sessions.get(venue)
        if session is None or session.state is not SessionState.LIVE:
            return None
        return Mode.PRACTICE if session.mode is Mode.PRACTICE else Mode.LIVE

    def _let_go(self) -> None:
        self._release()
        self._release = _nothing
        self.reference = None
        self._points = {}
        self._read_ns = self._lag_ns = self._lag = None

    def _begin_anew(self) -> None:
        assert self._own is not None
        assert self.reference is not None
        self._points = {each.id: deque(maxlen=_MOST_KEPT) for each in (self._own, self.reference)}
        self._lag_ns = self._lag = None

    # -- reading --------------------------------------------------------------------------------------

    def _read(self, now: int) -> Reading:
        own = self._own
        if own is None or own.offer is None:
            return NO_READING
        if own.offer.is_house_quoted:
            venue = self._titles.get(own.venue, own.venue)
            tip = f"{venue} makes this price itself: no market tells whether it is right."
            return Reading("Price", "OTC, no outside reference", tip=tip)
        if self._looked_ns is None or now - self._looked_ns >= _LOOK_EVERY_NS:
            self._look()
        reference = self.reference
        if reference is None:
            return Reading("Price", detail="no other venue here quotes it", tip=_NOWHERE)
        name = self._titles.get(reference.venue, reference.venue)
        label = f"vs {name}"
        closed = [self._titles.get(each.venue, each.venue) for each in (own, reference) if is_closed(each)]
        if closed:
            # Their last prices are of two different moments.
            return Reading(label, detail="both closed" if len(closed) == 2 else f"{closed[0]} is closed")
        if not all(self._is_live(each) for each in (own, reference)):
            return Reading(label, detail="waiting for live prices")
        away = self._deviation(own, reference)
        if away is None:
            return Reading(label, detail="measuring…", tip=_tip(name, reference, None))
        if abs(away) > _SAME_WITHIN * self._points[reference.id][-1][1]:
            return Reading(label, detail="not the same price", tip=_OTHER.format(reference.symbol, name))
        if self._lag_ns is None or now - self._lag_ns >= _LAG_EVERY_NS:
            self._lag_ns = now
            self._lag = lag_ms(*(series_of(self._points[each.id]) for each in (own, reference)))
        words = (_away_text(away, own, reference), _lag_text(self._lag))
        return Reading(label, ", ".join(filter(None, words)), tip=_tip(name, reference, self._lag))

    def _is_live(self, instrument: Instrument) -> bool:
        feed = Feed(FeedKind.QUOTES, instrument.symbol)
        return self._market.feed_state(feed, instrument.venue) is FeedState.LIVE

    def _deviation(self, own: Instrument, reference: Instrument) -> float | None:
        one, two = (series_of(self._points[each.id]) for each in (own, reference))
        return deviation(one, two, self._clock.wall_ns(), SPAN_NS)


_NOWHERE: Final = "Connect a venue that quotes the same thing, and its price is laid beside this one."


_OTHER: Final = "{} at {} is so far away that it must be something else, or counted in other money."


def _price(quote: Quote, *, is_own: bool) -> float | None:
    """A venue of contracts tells one price; of a market it is the middle of its sides."""
    if is_own and quote.last is not None:
        return float(quote.last)
    if quote.bid is not None and quote.ask is not None:
        return float((quote.bid + quote.ask) / 2)
    return None if quote.last is None else float(quote.last)


def _away_text(away: float, own: Instrument, reference: Instrument) -> str:
    """In pips where they are spoken of, else in money: ``+0.3 pips``, ``−12.50 USD``."""
    pip = reference.pip_size or own.pip_size
    if not pip and {own.base, own.quote} <= _CURRENCIES:
        pip = Decimal("0.01") if own.quote == "JPY" else Decimal("0.0001")
    if pip:
        return counted(fmt.money(Decimal(repr(away)) / pip, decimals=1, signed=True), "pips")
    return fmt.money(Decimal(repr(away)), own.quote, decimals=own.price_decimals, signed=True)


def _lag_text(lag: float | None) -> str:
    if lag is None:
        return ""
    if abs(lag) < _IN_STEP_MS / 2:
        return "in step"
    rounded = round(abs(lag) / _IN_STEP_MS) * _IN_STEP_MS
    return f"{fmt.milliseconds(rounded)} {'late' if lag > 0 else 'early'}"


def _tip(name: str, reference: Instrument, lag: float | None) -> str:
    lines = [
        f"Against the middle of {reference.symbol} at {name}, both as they arrive here.",
        "The difference is the median of the last minute.",
    ]
    if lag is None:
        lines.append("How much later it moves cannot be told from the last three minutes.")
    else:
        lines.append(
            "How much later it moves is read off the moves of the last three minutes, to about 50 ms."
        )
    return "\n".join(lines)


def _nothing() -> None:
    """There is nothing to let go of."""
