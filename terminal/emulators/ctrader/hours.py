"""When a practice symbol trades, and the venue's bar boundaries.

Times are whole minutes since 1970 UTC, the grain of schedules and bars. Sessions count seconds from Sunday
00:00 in the schedule's zone (Open API 2.0, ``ProtoOASymbol.schedule``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S
NEW_YORK: Final = ZoneInfo("America/New_York")
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_CACHE_LIMIT: Final = 20_000
_LOOK_BACK: Final = 14 * 1440

Span = tuple[int, int]
"""First minute, and the minute after the last."""


class HolidaySpec(NamedTuple):
    """A day, or part of one, without trading."""

    holiday_id: int
    name: str
    day: date
    is_recurring: bool = False
    start_s: int = 0
    end_s: int = DAY_S


def wall_minute(day: date, second: int, zone: ZoneInfo) -> int:
    """The minute at which the clock on that zone's wall shows so many seconds after midnight."""
    days, rest = divmod(second, DAY_S)
    wall = datetime(day.year, day.month, day.day, rest // 3600, rest % 3600 // 60, tzinfo=zone)
    return int((wall + timedelta(days=days)).timestamp()) // 60


class Hours:
    """Opening hours of one symbol, with what a rehearsal has changed about them.

    Args:
        zone: IANA name.
        sessions: (start, end) seconds since Sunday 00:00, in order.
    """

    def __init__(self, zone: str, sessions: Sequence[Span], holidays: Sequence[HolidaySpec] = ()) -> None:
        self.zone = zone
        self.sessions = tuple(sessions)
        self.holidays = tuple(holidays)
        self._zone = ZoneInfo(zone)
        self._always = self.sessions == ((0, WEEK_S),) and not self.holidays
        self._days: dict[int, tuple[Span, ...]] = {}

    def spans(self, first: int, end: int) -> list[Span]:
        """The open stretches of [first, end), joined where they touch."""
        if first >= end:
            return []
        if self._always:
            return [(first, end)]
        found: list[Span] = []
        # A day of any zone lies within one day of the UTC day of the same date.
        for day in range(first // 1440 - 1, (end - 1) // 1440 + 2):
            for start, stop in self._day(day):
                a, b = max(start, first), min(stop, end)
                if a >= b:
                    continue
                if found and found[-1][1] >= a:
                    found[-1] = found[-1][0], max(b, found[-1][1])
                else:
                    found.append((a, b))
        return found

    def _day(self, day: int) -> tuple[Span, ...]:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _CACHE_LIMIT:
                self._days.clear()
            found = self._days[day] = self._make_day(date.fromordinal(day + _EPOCH_ORDINAL))
        return found

    def _make_day(self, day: date) -> tuple[Span, ...]:
        midnight = day.isoweekday() % 7 * DAY_S
        found: list[Span] = []
        for start, end in self.sessions:
            a, b = max(start, midnight), min(end, midnight + DAY_S)
            if a < b:
                found.append(
                    (
                        wall_minute(day, a - midnight, self._zone),
                        wall_minute(day, b - midnight, self._zone),
                    )
                )
        for holiday in self.holidays:
            if holiday.day == day or (
                holiday.is_recurring and (holiday.day.month, holiday.day.day) == (day.month, day.day)
            ):
                a = wall_minute(day, holiday.start_s, self._zone)
                b = wall_minute(day, holiday.end_s, self._zone)
                found = [piece for span in found for piece in _without(span, a, b)]
        return tuple(found)


class Timeline:
    """What was announced when: the hours of a symbol and those that a rehearsal put in their place."""

    def __init__(self, hours: Hours) -> None:
        self._chapters: list[tuple[int, Hours]] = [(-(1 << 62), hours)]

    @property
    def hours(self) -> Hours:
        """As announced now."""
        return self._chapters[-1][1]

    def change(self, minute: int, hours: Hours) -> None:
        """Other hours from that minute on."""
        while len(self._chapters) > 1 and self._chapters[-1][0] >= minute:
            self._chapters.pop()
        self._chapters.append((minute, hours))

    def spans(self, first: int, end: int) -> list[Span]:
        """As :meth:`Hours.spans`, over all chapters."""
        if len(self._chapters) == 1:
            return self.hours.spans(first, end)
        found: list[Span] = []
        bounds = [minute for minute, _ in self._chapters[1:]] + [end]
        for (begins, hours), ends in zip(self._chapters, bounds, strict=True):
            for span in hours.spans(max(first, begins), min(end, ends)):
                if found and found[-1][1] == span[0]:
                    found[-1] = found[-1][0], span[1]
                else:
                    found.append(span)
        return found

    def is_open(self, minute: int) -> bool:
        """Whether it trades in that minute."""
        return bool(self.spans(minute, minute + 1))

    def last_open_before(self, minute: int) -> int | None:
        """The last minute before this one in which it traded; None: not within two weeks."""
        spans = self.spans(minute - _LOOK_BACK, minute)
        return spans[-1][1] - 1 if spans else None

    def session_close(self, minute: int) -> int | None:
        """The minute at which the last whole session before this one ended; the trading day's start where it
        never closes. None: not within two weeks."""
        start = day_start(minute)
        spans = self.spans(minute - _LOOK_BACK, minute + 1)
        if spans and spans[-1][1] == minute + 1:
            if spans[-1][0] < start:
                return start
            spans.pop()
        return spans[-1][1] if spans else None


def _without(span: Span, first: int, end: int) -> list[Span]:
    start, stop = span
    pieces = [(start, min(stop, first)), (max(start, end), stop)]
    return [piece for piece in pieces if piece[0] < piece[1]]


# ---- New York's day ------------------------------------------------------------------------------


_day_starts: dict[int, int] = {}


def _start_of(ordinal: int) -> int:
    """The minute at which the trading day of that date begins: 17:00 in New York on the eve."""
    found = _day_starts.get(ordinal)
    if found is None:
        found = _day_starts[ordinal] = wall_minute(date.fromordinal(ordinal - 1), 17 * 3600, NEW_YORK)
    return found


def trading_day(minute: int) -> date:
    """The trading day that a minute belongs to; it is named after the date on which it ends."""
    ordinal = minute // 1440 + _EPOCH_ORDINAL
    if minute >= _start_of(ordinal + 1):
        ordinal += 1
    return date.fromordinal(ordinal)


def day_start(minute: int) -> int:
    """The minute at which the trading day of ``minute`` began."""
    return _start_of(trading_day(minute).toordinal())


def period_start(seconds: int | str, minute: int) -> int:
    """Where the bar that holds ``minute`` begins.

    Args:
        seconds: length of the bar; ``"D"``, ``"W"`` and ``"M"`` for a day, a week and a month.

    Bars of an hour or less lie on the epoch's grid; longer ones on the day that begins at 17:00 New York.
    """
    if isinstance(seconds, int) and seconds <= 3600:
        length = seconds // 60
        return minute - minute % length
    day = trading_day(minute)
    if seconds == "D":
        return _start_of(day.toordinal())
    if seconds == "W":
        return _start_of(day.toordinal() - day.weekday())
    if seconds == "M":
        return _start_of(day.replace(day=1).toordinal())
    start = _start_of(day.toordinal())
    assert isinstance(seconds, int)
    length = seconds // 60
    return start + (minute - start) // length * length


def period_end(seconds: int | str, start: int) -> int:
    """Where the bar that begins at ``start`` ends. On days with a change of the clock the last is cut short
    or one more follows, so that every day begins with a bar."""
    if isinstance(seconds, int) and seconds <= 3600:
        return start + seconds // 60
    day = trading_day(start)
    if seconds == "D":
        return _start_of(day.toordinal() + 1)
    if seconds == "W":
        return _start_of(day.toordinal() + 7)
    if seconds == "M":
        first = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        return _start_of(first.toordinal())
    assert isinstance(seconds, int)
    return min(start + seconds // 60, _start_of(day.toordinal() + 1))
