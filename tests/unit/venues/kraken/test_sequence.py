"""Numbers of a private channel: what is next, what came twice, and what makes the channel be taken again."""

from __future__ import annotations

from terminal.venues.kraken.private_stream import _Sequence


def take(*messages: tuple[int, bool]) -> list[str]:
    sequence = _Sequence()
    return [sequence.take(number, is_snapshot=is_snapshot) for number, is_snapshot in messages]


def test_a_snapshot_and_its_updates_follow_each_other() -> None:
    assert take((1, True), (2, False), (3, False)) == ["next"] * 3


def test_a_message_that_came_twice_counts_once() -> None:
    assert take((1, True), (2, False), (2, False), (3, False)) == ["next", "next", "again", "next"]


def test_a_missing_number_is_a_gap() -> None:
    assert take((1, True), (3, False)) == ["next", "gap"]


def test_a_snapshot_overtaken_by_an_update_is_a_gap_for_it_would_take_the_update_back() -> None:
    assert take((2, False), (1, True)) == ["next", "gap"]


def test_a_channel_without_a_snapshot_begins_with_its_first_update() -> None:
    assert take((1, False), (2, False)) == ["next", "next"]
