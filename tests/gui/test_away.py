"""One-click waits until a person has read what happened while they were away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from terminal.services.arming import ArmState
from terminal.services.reconcile import ReconcileReport
from terminal.viewmodels.notices import KEPT
from terminal.widgets.main_window import MainWindow
from tests.gui.frame_fakes import ACCOUNT, Frame, order


@pytest.fixture
def frame(qtbot: QtBot) -> Iterator[Frame]:
    frame = Frame()
    yield frame
    frame.frames.stop()


@pytest.fixture
def window(qtbot: QtBot, frame: Frame, tmp_path: Path) -> Iterator[MainWindow]:
    window = frame.window(tmp_path / "layouts")
    window.show()
    window.workspace.start(restore=False)
    yield window
    frame.store.close()
    frame.frames.stop()
    window.close_for_good()
    window.deleteLater()


def arm_of(frame: Frame) -> ArmState:
    return frame.desk.arm


def come_back(frame: Frame, *, cancels: int = 1) -> None:
    canceled = [order(f"a{at}") for at in range(cancels)]
    frame.gate.reconciled.notify(ReconcileReport(ACCOUNT, first=False, canceled=canceled))


def test_one_click_is_refused_with_a_sentence_until_the_list_is_read(frame: Frame) -> None:
    come_back(frame)
    frame.desk.set_arm(ArmState.ONE_CLICK)
    assert arm_of(frame) is ArmState.CONFIRM
    assert frame.notices.entries[0].text == "Kraken: while you were away: 1 cancel."
    assert frame.desk.one_click_tip == frame.desk.one_click_block != ""
    frame.notices.mark_read()
    assert frame.desk.one_click_block == ""
    frame.desk.set_arm(ArmState.ONE_CLICK)
    assert arm_of(frame) is ArmState.ONE_CLICK


def test_view_and_confirm_can_be_chosen_meanwhile(frame: Frame) -> None:
    come_back(frame)
    frame.desk.set_arm(ArmState.VIEW)
    assert arm_of(frame) is ArmState.VIEW
    frame.desk.set_arm(ArmState.CONFIRM)
    assert arm_of(frame) is ArmState.CONFIRM


def test_coming_back_to_changes_ends_one_click(frame: Frame) -> None:
    frame.desk.set_arm(ArmState.ONE_CLICK)
    frame.gate.reconciled.notify(ReconcileReport(ACCOUNT, first=False))
    assert arm_of(frame) is ArmState.ONE_CLICK, "nothing had happened"
    come_back(frame)
    assert arm_of(frame) is ArmState.CONFIRM


def test_every_list_has_to_be_read(frame: Frame) -> None:
    come_back(frame, cancels=1)
    come_back(frame, cancels=2)
    first, second = list(frame.notices.entries)
    frame.notices.read(first)
    assert frame.desk.one_click_block
    frame.notices.read(second)
    assert not frame.desk.one_click_block


def test_a_list_that_fell_out_of_the_centre_does_not_lock_for_ever(frame: Frame) -> None:
    come_back(frame)
    for number in range(KEPT):
        frame.notices.info(str(number))
    frame.notices.mark_read()
    assert not frame.desk.one_click_block


def test_closing_the_toast_reads_it_and_its_time_running_out_does_not(
    window: MainWindow, frame: Frame
) -> None:
    come_back(frame)
    (toast,) = window.toasts.toasts
    toast._close(toast)  # as its timer does
    assert window.toasts.toasts == []
    assert frame.desk.one_click_block
    # The person presses the segment: it falls back, and says why.
    window.top_bar.arm.buttons[2].click()
    assert window.top_bar.arm.chosen_at == 1
    assert "away" in window.top_bar.arm.buttons[2].toolTip()
    come_back(frame, cancels=3)
    frame.notices.read(frame.notices.entries[0])
    toast = window.toasts.toasts[-1]
    close = toast.findChild(QPushButton)
    assert close is not None
    close.click()
    assert not frame.desk.one_click_block
    window.top_bar.arm.buttons[2].click()
    assert window.top_bar.arm.chosen_at == 2
