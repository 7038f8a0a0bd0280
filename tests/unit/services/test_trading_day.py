"""When the trader's day begins: by the local clock, over summer time, and not twice."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from terminal.core.clock import ManualClock
from terminal.services.trading_day import TradingDay, minute_of

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_NS = 3_600_000_000_000


def ns(text: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000_000


def day_at(text: str, start: str = "00:00") -> tuple[TradingDay, ManualClock]:
    clock = ManualClock(wall_ns=ns(text))
    return TradingDay(clock, start_min=minute_of(start), zone=BERLIN), clock


@pytest.mark.parametrize(
    ("now", "start", "hours"),
    [
        ("2026-03-29T12:00", "00:00", 23),  # summer time begins
        ("2026-10-25T12:00", "00:00", 25),  # and ends
        ("2026-10-25T12:00", "17:00", 25),
        ("2026-07-01T12:00", "17:00", 24),
    ],
)
def test_a_day_is_as_long_as_the_local_clock_makes_it(now: str, start: str, hours: int) -> None:
    day, _ = day_at(now, start)
    assert day.ends_ns - day.began_ns == hours * HOUR_NS
    assert day.began_ns <= ns(now) < day.ends_ns
    assert day.ends_text == start


def test_a_beginning_that_summer_time_leaves_out_or_repeats_comes_once() -> None:
    day, clock = day_at("2026-03-28T12:00", "02:30")
    begins = []
    for _ in range(24 * 4):
        clock.advance(1800)
        if day.look():
            begins.append(day.time_text(day.began_ns))
    assert begins == ["03:30", "02:30"]
    day, clock = day_at("2026-10-24T12:00", "02:30")
    later = []
    for _ in range(24 * 4):
        clock.advance(1800)
        if day.look():
            later.append(day.began_ns)
    assert later == [ns("2026-10-25T02:30"), ns("2026-10-26T02:30")]


def test_another_beginning_holds_from_the_end_of_the_day_on() -> None:
    day, clock = day_at("2026-07-01T12:00")
    day.asked_min = minute_of("17:30")
    clock.advance(6 * 3600)
    assert not day.look(), "18:00: half past five begins no day yet"
    clock.advance(6 * 3600)
    assert day.look()
    assert (day.began_ns, day.ends_ns) == (ns("2026-07-02T00:00"), ns("2026-07-02T17:30"))
    clock.advance(18 * 3600)
    assert day.look()
    assert (day.began_ns, day.ends_ns) == (ns("2026-07-02T17:30"), ns("2026-07-03T17:30"))


def test_a_clock_that_is_set_back_brings_no_earlier_day_again() -> None:
    day, clock = day_at("2026-07-02T00:10")
    began = day.began_ns
    clock.jump_wall(-3600)
    assert not day.look()
    assert day.began_ns == began
    # Days back: it was wrong before, and no day may last until then.
    clock.jump_wall(-30 * 86_400)
    assert day.look()
    assert day.began_ns == ns("2026-06-01T00:00")


def test_a_restart_takes_up_the_day_or_begins_the_next() -> None:
    day, clock = day_at("2026-07-02T09:00")
    day.restore(ns("2026-07-01T17:00"), ns("2026-07-02T17:00"), minute_of("17:00"))
    assert not day.look()
    assert day.began_ns == ns("2026-07-01T17:00")
    clock.advance(9 * 3600)
    assert day.look()
    assert (day.start_min, day.began_ns) == (0, ns("2026-07-02T17:00"))
