"""Whether a process's memory is flat, and figures kept so that the measuring itself does not grow."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple

from terminal.services.tape import KEEP_S

# Python takes its memory by the megabyte: one more, late, is no growth.
NOISE_MB: Final = 1.0
MOST_SHARE: Final = 0.10
# The longest-lived thing that the screen holds is the prints of the last two minutes.
_FILLING_S: Final = KEEP_S


class Figures:
    """Numbers in the order in which they came, in room that is taken before the first of them.

    When the room is used up, the newest take the place of the oldest.
    """

    def __init__(self, room: int) -> None:
        self._values = array("d", bytes(8 * room))
        self._count = 0

    def __len__(self) -> int:
        return min(self._count, len(self._values))

    def append(self, value: float) -> None:
        """One more."""
        self._values[self._count % len(self._values)] = value
        self._count += 1

    def clear(self) -> None:
        """Forget them; the room stays taken."""
        self._count = 0

    def values(self) -> list[float]:
        """All that are left, oldest first."""
        if self._count <= len(self._values):
            return self._values[: self._count].tolist()
        oldest = self._count % len(self._values)
        return [*self._values[oldest:], *self._values[:oldest]]


class Reading(NamedTuple):
    """Memory at one moment of the measured stretch."""

    at_s: float
    memory_mb: float


class Growth(NamedTuple):
    """How memory went. ``share`` is the growth of the last half against that of the whole stretch: 0.5 is
    a leak without end, 0 is what was full before half time."""

    whole_mb: float
    last_half_mb: float
    share: float
    long_enough: bool
    """What fills in the first two minutes was full by half time."""

    @property
    def is_flat(self) -> bool:
        return self.long_enough and (self.last_half_mb <= NOISE_MB or self.share <= MOST_SHARE)


def growth(readings: Sequence[Reading]) -> Growth:
    """The growth between the first reading, the one at half time and the last; there must be one at least."""
    first, last = readings[0], readings[-1]
    half_s = (first.at_s + last.at_s) / 2
    half = next(each for each in readings if each.at_s >= half_s)
    whole_mb, last_half_mb = last.memory_mb - first.memory_mb, last.memory_mb - half.memory_mb
    share = max(0.0, last_half_mb) / whole_mb if whole_mb > 0 else 0.0
    return Growth(whole_mb, last_half_mb, share, half.at_s - first.at_s >= _FILLING_S)


def by_minute(readings: Sequence[Reading]) -> list[float]:
    """Memory at the beginning and at the end of each full minute, in MB."""
    found = [readings[0].memory_mb]
    for each in readings:
        if each.at_s >= 60.0 * len(found):
            found.append(each.memory_mb)
    return found
