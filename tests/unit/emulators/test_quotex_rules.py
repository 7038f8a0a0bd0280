"""The time rules of fixed-payout deals."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.emulators.quotex.rules import (
    CLOCK,
    CLOCK_TIMER,
    DURATIONS,
    TIMER,
    close_of,
    pending_time,
)
from tests.quotex_client import aligned_expiry


def _at(clock: str) -> int:
    return int(datetime.fromisoformat(f"2026-11-20T{clock}+00:00").timestamp())


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("12:34:10", ["12:35:00", "12:35:00", "12:36:00", "12:40:00", "12:45:00", "14:00:00", "16:00:00"]),
        ("12:34:40", ["12:36:00", "12:36:00", "12:36:00", "12:40:00", "12:45:00", "14:00:00", "16:00:00"]),
        ("12:33:50", ["12:35:00", "12:35:00", "12:36:00", "12:40:00", "12:45:00", "14:00:00", "16:00:00"]),
    ],
)
def test_expiries_of_the_published_table(now: str, expected: list[str]) -> None:
    found = [aligned_expiry(duration, _at(now)) for duration in (5, 60, 120, 300, 900, 3600, 14400)]
    assert [datetime.fromtimestamp(one, UTC).strftime("%H:%M:%S") for one in found] == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(1_795_000_000, 1_796_000_000), st.sampled_from(DURATIONS))
def test_every_expiry_that_the_web_terminal_takes_is_sold(now_s: int, duration: int) -> None:
    expiry = aligned_expiry(duration, now_s)
    assert close_of(CLOCK, expiry, is_otc=True, now_ms=now_s * 1000) == expiry * 1000
    assert close_of(CLOCK_TIMER, expiry, is_otc=False, now_ms=now_s * 1000) == expiry * 1000


@pytest.mark.parametrize(
    ("kind", "time", "is_otc"),
    [
        (CLOCK, _at("12:35:30"), True),  # not on a line
        (CLOCK, _at("12:34:00"), True),  # too near: ten seconds
        (CLOCK, _at("12:33:00"), True),  # past
        (CLOCK, _at("12:39:00"), True),  # no line of the five minutes
        (CLOCK, _at("12:35:00") * 1000, True),  # milliseconds
        (CLOCK, str(_at("12:35:00")), True),
        (CLOCK, True, True),
        (CLOCK_TIMER, _at("12:35:00"), True),  # not for OTC
        (TIMER, 60, False),  # for OTC alone
        (TIMER, 61, True),  # no duration that is offered
        (TIMER, 0, True),
        (2, _at("12:35:00"), True),
        (None, 60, True),
    ],
)
def test_what_is_not_sold(kind: object, time: object, is_otc: bool) -> None:
    assert close_of(kind, time, is_otc=is_otc, now_ms=_at("12:33:50") * 1000) is None


def test_a_timed_deal_ends_exactly_its_duration_later() -> None:
    assert close_of(TIMER, 5, is_otc=True, now_ms=1_795_000_000_123) == 1_795_000_005_123


def test_pending_times_are_iso_with_a_z_and_ahead() -> None:
    now = _at("12:34:10") * 1000
    assert pending_time("2026-11-20T12:36:00.000Z", now) == _at("12:36:00") * 1000
    for wrong in ("2026-11-20T12:34:11.000Z", "2026-11-20T12:36:00", "soon", _at("12:36:00"), None):
        assert pending_time(wrong, now) is None
