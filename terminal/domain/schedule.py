"""When an instrument trades: weekly sessions in the venue's own zone, and holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

_NS = 1_000_000_000
_WEEK_S = 7 * 86_400
_LOOK_AHEAD_DAYS = 35


class SessionHours(NamedTuple):
    """Seconds since Sunday 00:00 in the schedule's zone; the start belongs to it, the end does not."""

    start_s: int
    end_s: int


class Holiday(NamedTuple):
    """A day, or part of one, without trading. Seconds count from that day's 00:00 in ``zone``."""

    day: date
    zone: str
    name: str = ""
    is_recurring: bool = False
    """Each year on the same month and day."""
    start_s: int = 0
    end_s: int = 86_400


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True)
class TradingSchedule:
    """Weekly sessions and holidays. Times asked about and given are nanoseconds UTC."""

    zone: str
    """IANA name, daylight saving included."""
    sessions: tuple[SessionHours, ...]
    holidays: tuple[Holiday, ...] = ()

    def is_open(self, at_ns: int) -> bool:
        """Whether it trades at this time."""
        moment = _moment(at_ns)
        local = moment.astimezone(_zone(self.zone))
        # isoweekday counts Monday as 1 and Sunday as 7; the week here begins on Sunday.
        second = local.isoweekday() % 7 * 86_400 + local.hour * 3600 + local.minute * 60 + local.second
        if not any(start <= second < end or start <= second + _WEEK_S < end for start, end in self.sessions):
            return False
        return not any(_covers(holiday, moment) for holiday in self.holidays)

    def next_open_ns(self, at_ns: int) -> int | None:
        """When it opens next; ``at_ns`` itself where it is open, None where nothing opens within weeks."""
        if self.is_open(at_ns):
            return at_ns
        return self._next(at_ns, opens=True)

    def next_close_ns(self, at_ns: int) -> int | None:
        """When the session of this time ends; ``at_ns`` itself where it is closed, None: never."""
        if not self.is_open(at_ns):
            return at_ns
        return self._next(at_ns, opens=False)

    def _next(self, at_ns: int, *, opens: bool) -> int | None:
        """The first edge after a time at which the market is open (or closed) from then on."""
        first = _moment(at_ns).astimezone(_zone(self.zone)).date()
        edges: list[int] = []
        for offset in range(-1, _LOOK_AHEAD_DAYS):
            day = first + timedelta(days=offset)
            since_sunday = day.isoweekday() % 7 * 86_400
            for hours in self.sessions:
                for second in hours:
                    within = (second - since_sunday) % _WEEK_S
                    if within < 86_400:
                        edges.append(_ns_of(day, within, self.zone))
            for holiday in self.holidays:
                if _falls_on(holiday, day):
                    edges.append(_ns_of(day, holiday.start_s, holiday.zone))
                    edges.append(_ns_of(day, holiday.end_s, holiday.zone))
        return next((edge for edge in sorted(edges) if edge > at_ns and self.is_open(edge) is opens), None)


def _moment(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // _NS, UTC)


def _falls_on(holiday: Holiday, day: date) -> bool:
    if holiday.is_recurring:
        return (holiday.day.month, holiday.day.day) == (day.month, day.day)
    return holiday.day == day


def _covers(holiday: Holiday, moment: datetime) -> bool:
    local = moment.astimezone(_zone(holiday.zone))
    second = local.hour * 3600 + local.minute * 60 + local.second
    return _falls_on(holiday, local.date()) and holiday.start_s <= second < holiday.end_s


def _ns_of(day: date, second: int, zone: str) -> int:
    """Wall-clock seconds of a day as UTC: what the clock on the wall shows, daylight saving or not."""
    days, rest = divmod(second, 86_400)
    wall = datetime(day.year, day.month, day.day, tzinfo=_zone(zone)) + timedelta(days=days)
    wall = wall.replace(hour=rest // 3600, minute=rest % 3600 // 60, second=rest % 60)
    return int(wall.astimezone(UTC).timestamp()) * _NS
