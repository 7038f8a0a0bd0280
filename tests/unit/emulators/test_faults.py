"""Ordering faults: what arms, what strikes, what passes."""

from __future__ import annotations

from typing import Any

import pytest

from terminal.core.clock import ManualClock
from terminal.emulators.faults import IMMEDIATE, KINDS, FaultRefused, Faults


def test_a_fault_strikes_as_often_as_ordered() -> None:
    faults = Faults()
    faults.order({"kind": "drop", "count": 2})
    assert faults.take("delay", "ws/ack/ping") is None
    assert faults.take("drop", "ws/ack/ping") is not None
    assert faults.take("drop", "ws/ack/ping") is not None
    assert faults.take("drop", "ws/ack/ping") is None
    assert not faults.active
    assert faults.struck == {"drop": 2}


def test_a_fault_with_seconds_strikes_until_its_time_is_over() -> None:
    clock = ManualClock()
    faults = Faults(clock.monotonic_ns)
    faults.order({"kind": "silence", "seconds": 2})
    for _ in range(5):
        assert faults.take("silence", "ws/data/book/BTC/USD") is not None
    clock.advance(2.1)
    assert faults.take("silence", "ws/data/book/BTC/USD") is None
    assert faults.rows() == []


@pytest.mark.parametrize(
    ("match", "subject", "strikes"),
    [
        ("*", "rest/public/Time", True),
        ("BTC/USD", "ws/data/book/BTC/USD", True),
        ("ws/data/book/*", "ws/data/book/BTC/USD", True),
        ("ws/data/book/*", "ws/data/trade/BTC/USD", False),
        ("AddOrder", "rest/trade/CancelOrder", False),
    ],
)
def test_what_a_pattern_matches(match: str, subject: str, strikes: bool) -> None:
    faults = Faults()
    faults.order({"kind": "drop", "match": match})
    assert (faults.take("drop", subject) is not None) is strikes


def test_some_may_pass_before_it_strikes() -> None:
    faults = Faults()
    faults.order({"kind": "book_gap", "after": 2})
    found = [faults.take("book_gap", "ws/data/book/BTC/USD") is not None for _ in range(4)]
    assert found == [False, False, True, False]


def test_lost_answers_mean_trading_unless_told_otherwise() -> None:
    faults = Faults()
    faults.order({"kind": "accept_lose_answer"})
    assert faults.take("accept_lose_answer", "ws/read/ping") is None
    assert faults.take("accept_lose_answer", "rest/trade/AddOrder") is not None


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"kind": "rain"},
        {"kind": "drop", "count": 0},
        {"kind": "drop", "count": True},
        {"kind": "drop", "seconds": -1},
        {"kind": "drop", "seconds": float("nan")},
        {"kind": "drop", "after": "2"},
        {"kind": "drop", "match": 5},
    ],
)
def test_senseless_orders_are_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(FaultRefused):
        Faults().order(request_)


def test_immediate_kinds_are_not_armed() -> None:
    assert set(KINDS) >= IMMEDIATE
    faults = Faults()
    faults.order({"kind": "cut"})
    assert faults.rows() == []
    faults.order({"kind": "half_open", "seconds": 5})
    assert len(faults.rows()) == 1
    faults.clear()
    assert faults.rows() == []
