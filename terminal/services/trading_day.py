"""When the trader's day begins and ends: at a time of the local clock, summer time or not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from terminal.core.clock import Clock

_NS: Final = 1_000_000_000
_MINUTE_S: Final = 60
_CLOCK_WAS_WRONG_NS: Final = 36 * 3600 * _NS
"""A day that begins so far in the future was counted by a clock that has been set right since."""


class TradingDay:
    """The day in force. It never gets longer or shorter on the way: another beginning that is asked for holds
    from its end on, and a clock that is set back does not bring an earlier day again.

    Attributes:
        began_ns, ends_ns: when it began and when the next one begins, UTC.
        start_min: at which minute of the local day it begins; asked_min: the one that is asked for.
    """

    def __init__(self, clock: Clock, *, start_min: int = 0, zone: tzinfo | None = None) -> None:
        """``zone``: that of the trader's clock; None is this machine's."""
        self.start_min = self.asked_min = start_min
        self._clock = clock
        self._zone = zone
        self.began_ns, self.ends_ns = self._bounds(clock.wall_ns(), start_min)

    def restore(self, began_ns: int, ends_ns: int, start_min: int) -> None:
        """Take up the day that the last run was in; it may have ended since (see :meth:`look`)."""
        self.began_ns, self.ends_ns, self.start_min = began_ns, ends_ns, start_min

    def look(self) -> bool:
        """Begin the next day if its time has come; True where another one is in force than before."""
        now = self._clock.wall_ns()
        if now < self.began_ns - _CLOCK_WAS_WRONG_NS:
            self.began_ns, self.ends_ns = self._bounds(now, self.start_min)
            return True
        if now < self.ends_ns:
            return False
        before = self.ends_ns
        self.start_min = self.asked_min
        began_ns, self.ends_ns = self._bounds(now, self.start_min)
        self.began_ns = max(began_ns, before)
        return True

    @property
    def ends_text(self) -> str:
        """When the next day begins, on the trader's clock: ``00:00``."""
        return self.time_text(self.ends_ns)

    def time_text(self, moment_ns: int) -> str:
        """A moment on the trader's clock: ``14:32``."""
        return f"{self._local(moment_ns):%H:%M}"

    def _local(self, moment_ns: int) -> datetime:
        return datetime.fromtimestamp(moment_ns // _NS, tz=UTC).astimezone(self._zone)

    def _bounds(self, now_ns: int, start_min: int) -> tuple[int, int]:
        today = self._local(now_ns).date()
        starts = [self._start_of(today + timedelta(days=days), start_min) for days in (-1, 0, 1, 2)]
        return max(each for each in starts if each <= now_ns), min(each for each in starts if each > now_ns)

    def _start_of(self, day: date, start_min: int) -> int:
        # A time that summer time leaves out counts by the offset before it, one that comes twice at first.
        hour, minute = divmod(start_min, _MINUTE_S)
        moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self._zone)
        return int(moment.timestamp()) * _NS


def minute_of(text: str) -> int:
    """The minute of the day of ``17:30``."""
    hour, _, minute = text.partition(":")
    return int(hour) * _MINUTE_S + int(minute)
