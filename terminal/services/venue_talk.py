"""What venues say beside prices: which way their own people lean, and what they suggest.

It is asked for only while somebody looks: watchers are counted, the first one asks and the last one that lets
go ends it. Another connection of the venue is asked anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from terminal.core.observe import Observable
from terminal.domain.instrument import InstrumentId
from terminal.services.session import SessionState
from terminal.venues.base import HasSentiment, HasSignals, Sentiment, VenueSignal

_NONE: Final[Mapping[str, VenueSignal]] = MappingProxyType({})


class TalkSession(Protocol):
    """What of a venue's connection is asked for here; ``services.session.Session`` is one."""

    @property
    def connector(self) -> object: ...
    @property
    def state(self) -> SessionState: ...


class TalkSessions(Protocol):
    """The connections by venue; ``services.session.SessionManager`` is one."""

    changed: Observable[[str]]

    @property
    def sessions(self) -> Mapping[str, TalkSession]: ...


class VenueTalk:
    """Sentiment and suggestions of the connected venues, where they have such."""

    def __init__(self, sessions: TalkSessions) -> None:
        self._sessions = sessions
        self._leaning: dict[InstrumentId, int] = {}
        self._suggesting: dict[str, int] = {}
        self._asked: dict[str, object] = {}
        """By venue: the connector that was asked last."""
        self._unwatch = sessions.changed.watch(self._on_session)

    def close(self) -> None:
        """Follow the connections no longer."""
        self._unwatch()

    def is_live(self, venue: str) -> bool:
        """Whether what the venue said last may still hold: its connection is up."""
        session = self._sessions.sessions.get(venue)
        return session is not None and session.state is SessionState.LIVE

    # -- which way its people lean --------------------------------------------------------------------

    def watch_sentiment(self, instrument: InstrumentId) -> Callable[[], None]:
        """Ask for it until the returned function is called; nothing happens where the venue has none."""
        found = self._connector(instrument.venue)
        self._leaning[instrument] = self._leaning.get(instrument, 0) + 1
        if self._leaning[instrument] == 1 and isinstance(found, HasSentiment):
            found.follow_sentiment(instrument.symbol)
        return _once(lambda: self._leave_sentiment(instrument))

    def sentiment(self, instrument: InstrumentId) -> Sentiment | None:
        """The last word on an instrument that is watched; None while not told."""
        found = self._connector(instrument.venue)
        return found.sentiment(instrument.symbol) if isinstance(found, HasSentiment) else None

    def _leave_sentiment(self, instrument: InstrumentId) -> None:
        found = self._connector(instrument.venue)
        self._leaning[instrument] -= 1
        if not self._leaning[instrument]:
            del self._leaning[instrument]
            if isinstance(found, HasSentiment):
                found.unfollow_sentiment(instrument.symbol)

    # -- what it suggests -----------------------------------------------------------------------------

    def has_signals(self, venue: str) -> bool:
        """Whether the venue makes suggestions at all."""
        return isinstance(self._connector(venue), HasSignals)

    def watch_signals(self, venue: str) -> Callable[[], None]:
        """Ask for its suggestions until the returned function is called; nothing happens where it makes
        none."""
        found = self._connector(venue)
        self._suggesting[venue] = self._suggesting.get(venue, 0) + 1
        if self._suggesting[venue] == 1 and isinstance(found, HasSignals):
            found.follow_signals()
        return _once(lambda: self._leave_signals(venue))

    def signals(self, venue: str) -> Mapping[str, VenueSignal]:
        """The newest of each instrument while they are watched, by the name on screen; some may be over."""
        found = self._connector(venue)
        return found.signals() if isinstance(found, HasSignals) else _NONE

    def _leave_signals(self, venue: str) -> None:
        found = self._connector(venue)
        self._suggesting[venue] -= 1
        if not self._suggesting[venue]:
            del self._suggesting[venue]
            if isinstance(found, HasSignals):
                found.unfollow_signals()

    # -- connections ----------------------------------------------------------------------------------

    def _connector(self, venue: str) -> object:
        """The venue's connector, which has been asked for everything that is watched there."""
        session = self._sessions.sessions.get(venue)
        connector = session.connector if session is not None else None
        if connector is not self._asked.get(venue):
            self._asked[venue] = connector
            if isinstance(connector, HasSentiment):
                for instrument in self._leaning:
                    if instrument.venue == venue:
                        connector.follow_sentiment(instrument.symbol)
            if isinstance(connector, HasSignals) and venue in self._suggesting:
                connector.follow_signals()
        return connector

    def _on_session(self, venue: str) -> None:
        self._connector(venue)


def _once(fn: Callable[[], None]) -> Callable[[], None]:
    """Call it the first time only."""
    done: list[bool] = []

    def release() -> None:
        if not done:
            done.append(True)
            fn()

    return release
