"""What the venue of a contract says of its own people and what it suggests, in words for the ticket.

Neither is a fact about the market: the one is whom the venue bets against, the other its advertisement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Final, Protocol

from terminal.core.clock import Clock
from terminal.domain.contract_rules import duration_text
from terminal.domain.contracts import NS
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side
from terminal.domain.rules import plain
from terminal.venues.base import Sentiment, VenueSignal
from terminal.viewmodels import format as fmt
from terminal.viewmodels.contract_words import direction_word

_MINUTE_S: Final = 60
STALE_S: Final = 15
"""Venues tell it every few seconds: what is older was missed several times."""


class Talk(Protocol):
    """Who asks the venues; ``services.venue_talk.VenueTalk`` is one."""

    def is_live(self, venue: str) -> bool: ...
    def watch_sentiment(self, instrument: InstrumentId) -> Callable[[], None]: ...
    def sentiment(self, instrument: InstrumentId) -> Sentiment | None: ...
    def has_signals(self, venue: str) -> bool: ...
    def watch_signals(self, venue: str) -> Callable[[], None]: ...
    def signals(self, venue: str) -> Mapping[str, VenueSignal]: ...


@dataclass(frozen=True, slots=True)
class Crowd:
    """Which way the venue's own people lean."""

    up_pct: Decimal
    text: str
    """``Quotex's people holding up contracts: 63 %``: whose number it is."""
    short_text: str
    """``Quotex's people hold``, where there is little room; the numbers stand beside the bar."""
    up_text: str
    down_text: str
    age_text: str
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A venue's signal for one of its instruments."""

    instrument: InstrumentId
    side: Side
    duration_s: int
    ends_ns: int | None
    """UTC, by the venue's clock; None where the venue does not tell."""
    text: str
    """``Up for 1 minute``."""
    left_text: str
    """``00:42 left``; empty where the venue does not tell an end."""
    until_text: str
    """``until 12:35:00 UTC``; likewise."""


class VenueWord:
    """Follows what the venue says of one contract while somebody looks at it."""

    def __init__(self, talk: Talk, clock: Clock, venue_ns: Callable[[], int]) -> None:
        """``venue_ns``: now by the venue's clock, UTC."""
        self._talk, self._clock, self._venue_ns = talk, clock, venue_ns
        self._own: Instrument | None = None
        self._visible = False
        self._release: tuple[Callable[[], None], ...] = ()

    def close(self) -> None:
        """Let go of everything."""
        self._let_go()

    def follow(self, instrument: Instrument | None) -> None:
        """Be about this contract from now on; None: about none."""
        before, self._own = self._own, instrument
        if (before.id if before is not None else None) != (instrument.id if instrument is not None else None):
            self._look()

    def set_visible(self, visible: bool) -> None:
        """Nobody looks: nothing is asked for."""
        if visible is not self._visible:
            self._visible = visible
            self._look()

    def crowd(self, title: str) -> Crowd | None:
        """Which way its people lean; None where the venue does not tell. ``title``: what it is called."""
        told = self._talk.sentiment(self._own.id) if self._own is not None and self._release else None
        if told is None or self._own is None:
            return None
        age_s = (self._clock.monotonic_ns() - told.told_ns) / NS
        up, down = plain(told.up_pct), plain(100 - told.up_pct)
        return Crowd(
            told.up_pct,
            f"{title}'s people holding up contracts: {up} %",
            f"{title}'s people hold",
            f"{up} % up",
            f"{down} % down",
            f"{int(age_s)} s" if age_s < _MINUTE_S else fmt.age(age_s),
            age_s > STALE_S or not self.is_heard,
        )

    @property
    def has_signals(self) -> bool:
        """Whether the venue suggests anything at all."""
        return self._own is not None and self._talk.has_signals(self._own.venue)

    @property
    def is_heard(self) -> bool:
        """Whether the venue can be heard at all now."""
        return self._own is not None and self._talk.is_live(self._own.venue)

    def suggestions(self) -> tuple[Suggestion, ...]:
        """All that are not over, by name; nothing while the venue cannot be heard."""
        if self._own is None or not self._release or not self.is_heard:
            return ()
        venue, now_ns = self._own.venue, self._venue_ns()
        return tuple(
            _suggestion(InstrumentId(venue, symbol), signal, now_ns)
            for symbol, signal in sorted(self._talk.signals(venue).items())
            if signal.ends_ns is None or signal.ends_ns > now_ns
        )

    def _look(self) -> None:
        before, self._release = self._release, ()
        if self._own is not None and self._visible:
            watched = self._talk.watch_sentiment(self._own.id)
            self._release = (watched, self._talk.watch_signals(self._own.venue))
        # Let go of last: what the next asset of the venue needs too is not asked for again.
        for release in before:
            release()

    def _let_go(self) -> None:
        for release in self._release:
            release()
        self._release = ()


def _suggestion(instrument: InstrumentId, signal: VenueSignal, now_ns: int) -> Suggestion:
    ends_ns = signal.ends_ns
    return Suggestion(
        instrument,
        signal.side,
        signal.duration_s,
        ends_ns,
        f"{direction_word(signal.side)} for {duration_text(signal.duration_s)}",
        "" if ends_ns is None else f"{fmt.countdown((ends_ns - now_ns) / NS)} left",
        "" if ends_ns is None else f"until {fmt.time_of_day(ends_ns, zone=UTC)} UTC",
    )
