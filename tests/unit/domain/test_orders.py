"""The table of order states."""

from __future__ import annotations

import pytest

from terminal.domain.orders import FINAL_STATES, OrderState, can_move

S = OrderState


def test_a_fill_can_overtake_a_cancel() -> None:
    assert can_move(S.CANCELED, S.FILLED)
    assert can_move(S.EXPIRED, S.FILLED)


def test_a_failed_cancel_leaves_the_order_open() -> None:
    assert can_move(S.PENDING_CANCEL, S.OPEN)


@pytest.mark.parametrize("state", [S.CANCELED, S.FILLED, S.EXPIRED])
def test_an_ended_order_never_works_again(state: OrderState) -> None:
    assert not can_move(state, S.OPEN)
    assert not can_move(state, S.PENDING_NEW)
    assert not can_move(state, S.IN_DOUBT)


def test_doubt_can_end_in_any_proven_state() -> None:
    for state in (S.OPEN, S.PARTLY_FILLED, *FINAL_STATES):
        assert can_move(S.IN_DOUBT, state)
    assert not can_move(S.IN_DOUBT, S.PENDING_NEW)


def test_every_state_is_in_the_table() -> None:
    for state in S:
        assert can_move(state, state)
