"""Where time comes from, so that a test can own it.

Two times are never mixed: wall time says *when* something happened (stamps, signatures), monotonic
time says *how long ago* (ages, deadlines). A wall clock can jump; an age must not.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of wall and monotonic time, both in integer nanoseconds."""

    def wall_ns(self) -> int:
        """Nanoseconds UTC since 1970; may jump when the system clock is set."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary point; never goes back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    __slots__ = ()

    def wall_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class ManualClock:
    """A clock that moves only when told to; for tests."""

    __slots__ = ("_monotonic_ns", "_wall_ns")

    def __init__(self, wall_ns: int = 1_700_000_000_000_000_000, monotonic_ns: int = 1_000_000_000) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns

    def wall_ns(self) -> int:
        return self._wall_ns

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def advance(self, seconds: float) -> None:
        """Move both times forward by so many seconds."""
        step = int(seconds * 1_000_000_000)
        self._wall_ns += step
        self._monotonic_ns += step

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a person or NTP would; monotonic time is untouched."""
        self._wall_ns += int(seconds * 1_000_000_000)
