"""What a tape of prints holds, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side, Trade
from terminal.services.tape import LEAST, MOST, Tape

BTC = InstrumentId("fake", "BTC/USD")
S = 1_000_000_000
KEEP_NS = 120 * S


def print_at(number: int, received_ns: int) -> Trade:
    return Trade(BTC, str(number), Side.BUY, Decimal(100), Decimal(1), received_ns - 1000, received_ns)


def numbers(trades: Iterable[Trade]) -> list[int]:
    return [int(trade.trade_id) for trade in trades]


def test_prints_older_than_asked_for_are_gone_and_all_others_there() -> None:
    tape = Tape()
    for number in range(4000):
        tape.take([print_at(number, number * S // 10)], keep_ns=KEEP_NS)
        assert len(tape.trades) <= 1201
    assert numbers(tape.trades) == list(range(2799, 4000))


def test_never_more_than_the_most_however_lively_and_the_newest_of_them() -> None:
    tape = Tape()
    for first in range(0, 3 * MOST, 500):
        tape.take([print_at(number, number) for number in range(first, first + 500)], keep_ns=KEEP_NS)
        assert len(tape.trades) <= MOST
    assert numbers(tape.trades) == list(range(2 * MOST, 3 * MOST))


def test_a_quiet_market_keeps_its_last_prints_however_old() -> None:
    tape = Tape()
    for number in range(3 * LEAST):
        tape.take([print_at(number, number * 3600 * S)], keep_ns=KEEP_NS)
    assert numbers(tape.trades) == list(range(2 * LEAST, 3 * LEAST))


def test_what_came_already_is_not_taken_again_and_said_to_be_nothing_new() -> None:
    tape = Tape()
    prints = [print_at(number, number) for number in range(10)]
    assert tape.take(prints, keep_ns=KEEP_NS)
    assert not tape.take(prints[5:], keep_ns=KEEP_NS)
    assert tape.take([*prints[5:], print_at(10, 10)], keep_ns=KEEP_NS)
    assert numbers(tape.trades) == list(range(11))


def test_of_a_print_that_is_gone_nothing_is_remembered() -> None:
    tape = Tape()
    for number in range(3 * MOST):
        tape.take([print_at(number, number)], keep_ns=KEEP_NS)
    assert len(tape._ids) == MOST


def test_a_shorter_time_asked_for_counts_from_the_next_print_on() -> None:
    tape = Tape()
    for number in range(1000):
        tape.take([print_at(number, number * S // 10)], keep_ns=KEEP_NS)
    assert len(tape.trades) == 1000
    tape.take([print_at(1000, 100 * S)], keep_ns=10 * S + S // 20)
    assert numbers(tape.trades) == [*range(900, 1001)]
