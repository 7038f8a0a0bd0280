"""A venue as its card in the strip shows it: sign, word and tone of its state, figures, rate limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from terminal.services.session import Mode, SessionState
from terminal.venues.base import LinkHealth
from terminal.viewmodels import format as fmt
from terminal.viewmodels.connection_ports import SessionView


class Shape(Enum):
    """The sign beside a venue's name: readable without colour."""

    LIVE = "●"
    BUSY = "◐"
    OFF = "○"
    STALE = "▲"


SHAPES = {
    SessionState.OFF: Shape.OFF,
    SessionState.CONNECTING: Shape.BUSY,
    SessionState.SYNCING: Shape.BUSY,
    SessionState.LIVE: Shape.LIVE,
    SessionState.STALE: Shape.STALE,
    SessionState.RECONNECTING: Shape.BUSY,
    SessionState.FAILED: Shape.OFF,
}
WORDS = {
    SessionState.OFF: "off",
    SessionState.CONNECTING: "connecting",
    SessionState.SYNCING: "comparing orders",
    SessionState.LIVE: "live",
    SessionState.STALE: "stale",
    SessionState.RECONNECTING: "reconnecting",
    SessionState.FAILED: "failed",
}
TONES = {SessionState.STALE: "warning", SessionState.RECONNECTING: "warning", SessionState.FAILED: "danger"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure of a connection with its name, for tooltips."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Budget:
    """A rate limit: how much of it is used, 0 to 1."""

    name: str
    share: float
    text: str


@dataclass(frozen=True, slots=True)
class VenueCard:
    """A venue as its card shows it."""

    venue: str
    title: str
    shape: Shape
    word: str
    tone: str
    mode: Mode | None
    badge: str
    account: str
    account_name: str
    """As a person tells it from others; empty without one."""
    symbol: str
    bid: str
    ask: str
    closed: str
    """``Market closed, opens Sun 23:00`` of the market whose price is shown; empty while it is open."""
    age: str
    """Empty where the market is closed: no news is not old then."""
    age_s: float | None = field(compare=False)
    """Its text above is what is shown: a card is not drawn anew because a millisecond has passed."""
    round_trip_ms: float | None
    clock_offset_ms: float | None
    reason: str
    figures: tuple[Figure, ...]
    budgets: tuple[Budget, ...]
    unofficial: bool
    can_connect: bool
    can_show_public: bool
    can_practise: bool = True
    can_sign_in: bool = False
    """The venue has a sign-in of its own, and so has its practice site."""
    needs_sign_in: bool = False
    """It does not take the sign-in any more."""
    account_note: str = ""
    """Which of several accounts trades, and with whose money; empty where there is one alone."""

    @property
    def closed_line(self) -> str:
        """``US500: market closed, opens 23:00``; for tips, where it is closed."""
        return f"{self.symbol}: {self.closed[:1].lower()}{self.closed[1:]}"


def figures_of(session: SessionView | None, health: LinkHealth | None) -> tuple[Figure, ...]:
    """What is measured of a connection."""
    if session is None or health is None:
        return ()
    figures = [
        Figure("Round trip", fmt.milliseconds(health.round_trip_ms)),
        Figure("Clock offset", fmt.milliseconds(health.clock_offset_ms, signed=True)),
        Figure("Reconnects", str(health.reconnects)),
        Figure("Unreadable frames", str(health.faults)),
    ]
    if session.venue_status and session.venue_status != "online":
        figures.insert(0, Figure("Venue says", session.venue_status))
    return tuple(figures)


def budgets_of(session: SessionView | None) -> tuple[Budget, ...]:
    """How much of each rate limit is used."""
    if session is None:
        return ()
    return tuple(
        Budget(
            level.name,
            min(1.0, level.used / level.limit) if level.limit > 0 else 0.0,
            f"{level.name}: {level.used:.0f} of {level.limit:.0f} used",
        )
        for level in session.budgets()
    )
