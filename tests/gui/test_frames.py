"""One tick for all repaints."""

from __future__ import annotations

import logging
from functools import partial

import pytest
from pytestqt.qtbot import QtBot

from terminal.viewmodels import frames as module
from terminal.viewmodels.frames import FrameClock


def test_asking_often_builds_once_a_frame(qtbot: QtBot) -> None:
    frames, built = FrameClock(), []

    def build() -> None:
        built.append(1)

    for _ in range(1000):
        frames.request(build)
    qtbot.waitUntil(lambda: bool(built))
    frames.tick()
    assert built == [1]
    assert frames.count == 1


def test_the_same_method_of_one_object_coalesces_and_of_two_does_not(qtbot: QtBot) -> None:
    class Panel:
        built = 0

        def build(self) -> None:
            self.built += 1

    frames, one, two = FrameClock(), Panel(), Panel()
    for panel in (one, one, two):
        frames.request(panel.build)
    frames.tick()
    assert (one.built, two.built) == (1, 1)


def test_who_asks_inside_a_frame_waits_for_the_next(qtbot: QtBot) -> None:
    frames, built = FrameClock(), []

    def build() -> None:
        built.append(1)
        frames.request(build)

    frames.request(build)
    frames.tick()
    assert built == [1]
    frames.tick()
    assert built == [1, 1]


def test_what_can_wait_is_served_in_turn_where_a_frame_has_enough_to_do(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENOUGH_MS", 0.0)
    frames = FrameClock()
    built: list[str] = []
    panels = [partial(built.append, name) for name in "abc"]
    for panel in panels:
        frames.request(panel, can_wait=True)
    frames.request(lambda: built.append("now"))
    frames.tick()
    assert built == ["now", "a"]
    frames.request(panels[0], can_wait=True)
    frames.cancel(panels[1])
    frames.tick()
    frames.tick()
    assert built == ["now", "a", "c", "a"]


def test_what_can_wait_does_not_where_there_is_little_to_do(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENOUGH_MS", 1e9)
    frames = FrameClock()
    built: list[str] = []
    for name in "abc":
        frames.request(partial(built.append, name), can_wait=True)
    frames.tick()
    assert built == ["a", "b", "c"]


def test_registered_run_first_and_every_time_until_taken_out(qtbot: QtBot) -> None:
    frames, order = FrameClock(), []

    def flush() -> None:
        order.append("flush")

    frames.request(lambda: order.append("build"))
    unregister = frames.register(flush)
    frames.tick()
    assert order == ["flush", "build"]
    unregister()
    frames.tick()
    assert order == ["flush", "build"]


def test_a_failing_panel_does_not_stop_the_others(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    frames, built = FrameClock(), []

    def fail() -> None:
        raise RuntimeError("broken panel")

    frames.request(fail)
    frames.request(lambda: built.append(1))
    with caplog.at_level(logging.ERROR, "ui"):
        frames.tick()
    assert built == [1]
    assert "broken panel" in caplog.text


def test_the_timer_rests_while_nobody_asks(qtbot: QtBot) -> None:
    frames = FrameClock()
    frames.request(lambda: None)
    assert frames._timer.isActive()
    qtbot.waitUntil(lambda: not frames._timer.isActive())


def test_every_comes_back_until_stopped(qtbot: QtBot) -> None:
    frames, built = FrameClock(), []
    stop = frames.every(0.01, lambda: built.append(1))
    qtbot.waitUntil(lambda: len(built) >= 2)
    stop()
    frames.tick()
    seen = len(built)
    frames.tick()
    assert len(built) == seen
