"""What is asked before quitting is true for practice and for real accounts."""

from __future__ import annotations

from terminal.viewmodels.confirm import quit_confirmation


def test_orders_at_a_real_venue_can_fill_while_the_terminal_is_off() -> None:
    question = quit_confirmation(at_venue=2, practice=0)
    assert question.rows == (("At the venue", "2 orders"),)
    assert "can fill while the terminal is off" in question.note
    assert "practice" not in question.note


def test_practice_orders_cannot() -> None:
    question = quit_confirmation(at_venue=0, practice=1)
    assert question.rows == (("Kept for practice", "1 practice order"),)
    assert "practice market stops" in question.note
    assert "can fill while" not in question.note


def test_both_are_told_apart_and_a_doubt_alone_names_no_order() -> None:
    both = quit_confirmation(at_venue=1, practice=3)
    assert [value for _, value in both.rows] == ["1 order", "3 practice orders"]
    assert "can fill while the terminal is off" in both.note
    assert "cannot fill before the next start" in both.note
    doubt = quit_confirmation(at_venue=0, practice=0, warnings=("An order is in doubt.",))
    assert (doubt.rows, doubt.note, doubt.warnings) == ((), "", ("An order is in doubt.",))
