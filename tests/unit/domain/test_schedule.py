from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from terminal.domain.schedule import Holiday, SessionHours, TradingSchedule

DAY = 86_400
# Monday to Friday 00:05 to 23:55 of Moscow, as a broker states EURUSD.
WEEKDAYS = tuple(SessionHours(day * DAY + 300, (day + 1) * DAY - 300) for day in range(1, 6))
MOSCOW = TradingSchedule("Europe/Moscow", WEEKDAYS)
# Sunday 17:00 to Friday 17:00 of New York, in one session.
NEW_YORK = TradingSchedule("America/New_York", (SessionHours(17 * 3600, 5 * DAY + 17 * 3600),))


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("schedule", "at", "is_open"),
    [
        (MOSCOW, "2026-11-16 12:00", True),
        (MOSCOW, "2026-11-15 21:04:59", False),  # Monday 00:04:59 in Moscow
        (MOSCOW, "2026-11-15 21:05", True),
        (MOSCOW, "2026-11-16 20:54:59", True),
        (MOSCOW, "2026-11-16 20:55", False),  # the end does not belong to it
        (MOSCOW, "2026-11-21 12:00", False),  # Saturday
        (NEW_YORK, "2026-11-15 21:59:59", False),
        (NEW_YORK, "2026-11-15 22:00", True),  # winter: 17:00 is 22:00 UTC
        (NEW_YORK, "2026-07-12 21:00", True),  # summer: 17:00 is 21:00 UTC
        (NEW_YORK, "2026-07-12 20:59:59", False),
        (NEW_YORK, "2026-11-20 21:59:59", True),
        (NEW_YORK, "2026-11-20 22:00", False),
    ],
)
def test_open_or_closed(schedule: TradingSchedule, at: str, is_open: bool) -> None:
    assert schedule.is_open(utc(at)) is is_open


def test_a_weekend_ends_on_sunday_evening() -> None:
    assert NEW_YORK.next_open_ns(utc("2026-11-21 12:00")) == utc("2026-11-22 22:00")
    assert NEW_YORK.next_close_ns(utc("2026-11-18 12:00")) == utc("2026-11-20 22:00")
    assert NEW_YORK.next_open_ns(utc("2026-11-18 12:00")) == utc("2026-11-18 12:00")
    assert NEW_YORK.next_close_ns(utc("2026-11-21 12:00")) == utc("2026-11-21 12:00")


def test_the_change_of_clocks_moves_the_opening_in_utc() -> None:
    """New York leaves daylight saving on Sunday 1 November 2026, before it opens."""
    assert NEW_YORK.next_open_ns(utc("2026-10-31 12:00")) == utc("2026-11-01 22:00")
    assert NEW_YORK.next_open_ns(utc("2026-10-24 12:00")) == utc("2026-10-25 21:00")


def test_a_session_over_the_end_of_the_week_goes_on_into_the_next() -> None:
    crossing = TradingSchedule("UTC", (SessionHours(6 * DAY + 20 * 3600, 7 * DAY + 4 * 3600),))
    assert crossing.is_open(utc("2026-11-21 21:00"))
    assert crossing.is_open(utc("2026-11-22 03:59"))
    assert not crossing.is_open(utc("2026-11-22 04:00"))
    assert crossing.next_close_ns(utc("2026-11-21 21:00")) == utc("2026-11-22 04:00")


def test_a_holiday_closes_the_day_or_a_part_of_it_and_may_come_each_year() -> None:
    always = (SessionHours(0, 7 * DAY),)
    christmas = Holiday(date(2020, 12, 25), "UTC", "Christmas", is_recurring=True)
    early = Holiday(date(2026, 12, 24), "UTC", "Christmas Eve", start_s=13 * 3600)
    schedule = TradingSchedule("UTC", always, (christmas, early))
    assert schedule.is_open(utc("2026-12-24 12:59:59"))
    assert not schedule.is_open(utc("2026-12-24 13:00"))
    assert not schedule.is_open(utc("2026-12-25 12:00"))
    assert schedule.next_open_ns(utc("2026-12-24 14:00")) == utc("2026-12-26 00:00")
    assert schedule.next_close_ns(utc("2026-12-24 10:00")) == utc("2026-12-24 13:00")
    assert not schedule.is_open(utc("2027-12-25 12:00"))
    assert schedule.is_open(utc("2027-12-24 14:00"))


def test_what_never_closes_and_what_never_opens() -> None:
    assert TradingSchedule("UTC", (SessionHours(0, 7 * DAY),)).next_close_ns(utc("2026-11-18 12:00")) is None
    assert TradingSchedule("UTC", ()).next_open_ns(utc("2026-11-18 12:00")) is None
