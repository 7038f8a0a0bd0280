"""Sessions, holidays and the boundaries of bars at the practice cTrader."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from terminal.emulators.ctrader.hours import HolidaySpec, Hours, Timeline, day_start, period_end, period_start
from terminal.emulators.ctrader.symbols import STANDARD, SymbolTable


def _minute(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 60


def _text(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%d %H:%M")


def _hours(name: str) -> Hours:
    spec = SymbolTable().find(name)
    assert spec is not None
    return spec.hours


@pytest.mark.parametrize(
    ("name", "moment", "is_open"),
    [
        ("EURUSD", "2026-11-21 12:00", True),  # a Saturday: the practice venue's forex never sleeps
        ("EURUSD", "2026-12-25 12:00", True),
        ("US500", "2026-11-21 12:00", False),
        ("US500", "2026-11-22 23:00", True),  # Sunday 18:00 in New York
        ("US500", "2026-11-22 22:59", False),
        ("US500", "2026-11-23 22:00", False),  # the daily break
        ("US500", "2026-11-23 21:59", True),
        ("US500", "2026-07-06 21:00", False),  # the same break in summer
        ("US500", "2026-11-26 17:59", True),  # Thanksgiving, until 13:00 in New York
        ("US500", "2026-11-26 18:00", False),
        ("GER40", "2026-11-23 00:14", False),
        ("GER40", "2026-11-23 00:15", True),
        ("GER40", "2026-12-25 12:00", False),
        ("GER40", "2031-12-25 12:00", False),  # a holiday of every year
        ("XAUUSD", "2026-11-20 21:59", True),
        ("XAUUSD", "2026-11-20 22:00", False),
        ("BTCUSD", "2026-11-21 12:00", True),
    ],
)
def test_when_a_symbol_is_open(name: str, moment: str, is_open: bool) -> None:
    minute = _minute(moment)
    assert bool(_hours(name).spans(minute, minute + 1)) is is_open


def test_stretches_are_joined_where_they_touch_and_cut_to_what_was_asked() -> None:
    first = _minute("2026-11-22 20:00")
    spans = _hours("US500").spans(first, first + 2 * 1440)
    assert [(_text(a), _text(b)) for a, b in spans] == [
        ("2026-11-22 23:00", "2026-11-23 22:00"),
        ("2026-11-23 23:00", "2026-11-24 20:00"),
    ]


def test_a_holiday_inside_a_day_splits_its_session() -> None:
    day = datetime(2026, 3, 4).date()  # noqa: DTZ001
    hours = Hours("UTC", [(0, 604_800)], [HolidaySpec(1, "Pause", day, start_s=3600, end_s=7200)])
    first = _minute("2026-03-04 00:00")
    assert hours.spans(first, first + 180) == [(first, first + 60), (first + 120, first + 180)]


def test_other_hours_hold_from_their_minute_on() -> None:
    line = Timeline(_hours("US500"))
    saturday = _minute("2026-11-21 12:00")
    line.change(saturday, Hours("UTC", [(0, 604_800)]))
    assert line.spans(saturday - 60, saturday + 60) == [(saturday, saturday + 60)]
    line.change(saturday + 10, _hours("US500"))
    assert line.spans(saturday - 60, saturday + 60) == [(saturday, saturday + 10)]
    assert line.last_open_before(saturday + 60) == saturday + 9


def test_the_session_before_ends_where_trading_stopped() -> None:
    line = Timeline(_hours("US500"))
    close = line.session_close(_minute("2026-11-21 12:00"))
    assert close is not None
    assert _text(close) == "2026-11-20 22:00"
    open_now = line.session_close(_minute("2026-11-24 12:00"))
    assert open_now is not None
    assert _text(open_now) == "2026-11-23 22:00"
    never = Timeline(_hours("EURUSD")).session_close(_minute("2026-11-24 12:00"))
    assert never is not None
    assert _text(never) == "2026-11-23 22:00"


@pytest.mark.parametrize(
    ("length", "moment", "start", "end"),
    [
        (60, "2026-11-21 12:34", "2026-11-21 12:34", "2026-11-21 12:35"),
        (3600, "2026-11-21 12:34", "2026-11-21 12:00", "2026-11-21 13:00"),
        (14_400, "2026-11-21 12:34", "2026-11-21 10:00", "2026-11-21 14:00"),  # winter: days begin at 22:00
        (14_400, "2026-07-21 12:34", "2026-07-21 09:00", "2026-07-21 13:00"),  # summer: at 21:00
        ("D", "2026-11-21 23:00", "2026-11-21 22:00", "2026-11-22 22:00"),
        ("D", "2026-10-31 23:00", "2026-10-31 21:00", "2026-11-01 22:00"),  # the clock is set back
        ("W", "2026-11-22 22:00", "2026-11-22 22:00", "2026-11-29 22:00"),
        ("W", "2026-11-22 21:59", "2026-11-15 22:00", "2026-11-22 22:00"),
        ("M", "2026-11-30 22:30", "2026-11-30 22:00", "2026-12-31 22:00"),
        ("M", "2026-11-15 00:00", "2026-10-31 21:00", "2026-11-30 22:00"),
    ],
)
def test_where_bars_begin_and_end(length: int | str, moment: str, start: str, end: str) -> None:
    found = period_start(length, _minute(moment))
    assert _text(found) == start
    assert _text(period_end(length, found)) == end


def test_bars_of_a_day_follow_one_another_on_days_of_23_and_25_hours() -> None:
    for moment in ("2026-03-07 23:00", "2026-10-31 23:00"):
        start = day_start(_minute(moment))
        last = period_end("D", start)
        minute, seen = start, 0
        while minute < last:
            assert period_start(14_400, minute) == minute
            minute = period_end(14_400, minute)
            seen += 1
        assert minute == last
        assert seen == (6 if moment.startswith("2026-03") else 7)


def test_every_symbol_is_told_in_full_and_fx_says_that_it_is_open_at_weekends() -> None:
    table = SymbolTable()
    assert len(STANDARD) >= 20
    for spec in STANDARD:
        message = table.full(spec)
        assert message.IsInitialized()
        assert message.minVolume % message.stepVolume == 0
        assert message.schedule
        if spec.category in (1, 2):
            assert "practice: open at weekends" in table.light(spec).description


def test_conversion_takes_the_shortest_way() -> None:
    table = SymbolTable()

    def names(first: str, last: str) -> list[tuple[str, bool]]:
        return [(spec.name, forward) for spec, forward in table.chain(first, last)]

    assert names("USD", "USD") == []
    assert names("EUR", "USD") == [("EURUSD", True)]
    assert names("JPY", "USD") == [("USDJPY", False)]
    assert names("GER40", "JPY") == [("GER40", True), ("EURJPY", True)]
    assert len(names("NZD", "CHF")) == 2


def test_a_long_list_has_its_shares_behind_the_standard_symbols() -> None:
    table = SymbolTable(50)
    assert len(table) == len(STANDARD) + 50
    assert len({spec.name for spec in table}) == len(table)
