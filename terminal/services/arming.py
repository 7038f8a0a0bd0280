"""Whether orders may leave at all: View, Confirm, One-click.

Kept in memory only: every start begins at Confirm. One-click ends by itself after half an hour without a
trade, and when the screen is locked.
"""

from __future__ import annotations

from enum import Enum

from terminal.core.clock import Clock
from terminal.core.observe import Observable

ONE_CLICK_IDLE_S = 1800.0


class ArmState(Enum):
    """How much stands between a click and an order."""

    VIEW = "view"
    """No order can leave; cancels can."""
    CONFIRM = "confirm"
    """The exact request is shown and has to be confirmed."""
    ONE_CLICK = "one-click"
    """The click sends."""


class Arming:
    """The switch in the top bar.

    Attributes:
        changed: called with the new state, also when one-click has expired (on the next look at it).
        idle_s: one-click ends after so many seconds without a trade; may be changed at any time.
    """

    def __init__(self, clock: Clock, *, idle_s: float = ONE_CLICK_IDLE_S) -> None:
        self.changed: Observable[[ArmState]] = Observable("arming")
        self._clock = clock
        self.idle_s = idle_s
        self._state = ArmState.CONFIRM
        self._used_ns = clock.monotonic_ns()

    @property
    def state(self) -> ArmState:
        """The state now; falls back from one-click to confirm once it has been idle too long."""
        if self._state is ArmState.ONE_CLICK and self._idle_left_ns() <= 0:
            self.set(ArmState.CONFIRM)
        return self._state

    def set(self, state: ArmState) -> None:
        """Switch; also restarts the idle time of one-click."""
        self._used_ns = self._clock.monotonic_ns()
        if state is not self._state:
            self._state = state
            self.changed.notify(state)

    def touch(self) -> None:
        """Somebody has just traded."""
        self._used_ns = self._clock.monotonic_ns()

    def disarm(self) -> None:
        """Leave one-click (the screen was locked); View and Confirm stay as they are."""
        if self._state is ArmState.ONE_CLICK:
            self.set(ArmState.CONFIRM)

    @property
    def seconds_left(self) -> float | None:
        """Until one-click expires; None in the other states."""
        if self.state is not ArmState.ONE_CLICK:
            return None
        return self._idle_left_ns() / 1e9

    def _idle_left_ns(self) -> int:
        return self._used_ns + int(self.idle_s * 1e9) - self._clock.monotonic_ns()
