"""View, Confirm, One-click."""

from __future__ import annotations

from terminal.core.clock import ManualClock
from terminal.services.arming import Arming, ArmState


def state_of(arming: Arming) -> ArmState:
    return arming.state


def left_of(arming: Arming) -> float | None:
    return arming.seconds_left


def test_every_start_is_at_confirm() -> None:
    assert Arming(ManualClock()).state is ArmState.CONFIRM


def test_one_click_ends_after_half_an_hour_without_a_trade() -> None:
    clock = ManualClock()
    arming = Arming(clock)
    told: list[ArmState] = []
    arming.changed.watch(told.append)
    arming.set(ArmState.ONE_CLICK)
    clock.advance(1_799)
    assert state_of(arming) is ArmState.ONE_CLICK
    arming.touch()
    clock.advance(1_799)
    assert left_of(arming) == 1
    clock.jump_wall(7_200)
    assert left_of(arming) == 1, "the wall clock has no say"
    clock.advance(2)
    assert left_of(arming) is None
    assert told == [ArmState.ONE_CLICK, ArmState.CONFIRM]


def test_a_locked_screen_ends_one_click_and_leaves_view_alone() -> None:
    arming = Arming(ManualClock())
    arming.set(ArmState.ONE_CLICK)
    arming.disarm()
    first = arming.state
    arming.set(ArmState.VIEW)
    arming.disarm()
    assert (first, arming.state) == (ArmState.CONFIRM, ArmState.VIEW)
