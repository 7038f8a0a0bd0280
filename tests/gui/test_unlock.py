"""A locked key vault: its notice has a button, the dialog takes the passphrase, and the notice goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from terminal.core.secret import Secret
from terminal.domain.errors import CredentialError
from terminal.services.notices import Level, Notice, NoticeAction
from terminal.viewmodels.unlock import UnlockViewModel
from terminal.widgets import theme
from terminal.widgets.main_window import MainWindow
from terminal.widgets.unlock_dialog import UnlockDialog
from tests.gui.frame_fakes import Frame
from tests.helpers import eventually, run

LOCKED = Notice(
    Level.ERROR, "The keys are locked. Enter the passphrase to open them.", action=NoticeAction.UNLOCK
)
RIGHT = "zx7-Pq41-vault-8d"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def frame(qtbot: QtBot, qapp: QApplication) -> Iterator[Frame]:
    if not qapp.styleSheet():
        theme.apply(qapp)
    made = Frame()
    yield made
    made.frames.stop()


@pytest.fixture
def window(frame: Frame, qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    made = frame.window(tmp_path / "layouts")
    made.show()
    qtbot.waitUntil(made.isVisible)
    yield made
    frame.store.close()
    made.close_for_good()
    made.deleteLater()


def buttons(widget: QWidget, text: str) -> list[QPushButton]:
    return [each for each in widget.findChildren(QPushButton) if each.text() == text]


def test_the_notice_has_a_button_and_goes_when_the_vault_is_open(frame: Frame, window: MainWindow) -> None:
    wanted: list[NoticeAction] = []
    frame.notices.action_wanted.connect(lambda action, venue: wanted.append(action))
    frame.notices.error("Something else.")
    frame.notices.post(LOCKED)
    other, toast = window.toasts.toasts
    assert not buttons(other, NoticeAction.UNLOCK.value)
    (button,) = buttons(toast, NoticeAction.UNLOCK.value)
    QTest.mouseClick(button, LEFT)
    assert wanted == [NoticeAction.UNLOCK]
    assert window.toasts.toasts == [other, toast], "it stays until the vault is open"
    # The notice centre offers the same.
    window.centre.open_at(QPoint(500, 40))
    (button,) = buttons(window.centre, NoticeAction.UNLOCK.value)
    QTest.mouseClick(button, LEFT)
    assert len(wanted) == 2
    frame.notices.withdraw(NoticeAction.UNLOCK)
    assert window.toasts.toasts == [other]
    assert [entry.text for entry in frame.notices.entries] == ["Something else."]


def test_a_notice_that_is_taken_back_is_not_counted_as_unread(frame: Frame) -> None:
    frame.notices.error("Something else.")
    frame.notices.post(LOCKED)
    assert frame.notices.unread == 2
    frame.notices.withdraw(NoticeAction.UNLOCK)
    assert frame.notices.unread == 1
    frame.notices.mark_read()
    frame.notices.post(LOCKED)
    frame.notices.mark_read()
    frame.notices.error("A third thing.")
    frame.notices.withdraw(NoticeAction.UNLOCK)
    assert frame.notices.unread == 1, "what was read before was no longer counted"


def test_a_wrong_passphrase_is_said_and_the_right_one_closes_the_dialog(frame: Frame, qtbot: QtBot) -> None:
    tried: list[str] = []

    async def open_vault(passphrase: Secret) -> None:
        tried.append(passphrase.reveal())
        await asyncio.sleep(0)
        if tried[-1] != RIGHT:
            raise CredentialError("wrong", user_text="That passphrase does not open the vault.")

    async def main() -> None:
        dialog = UnlockDialog(UnlockViewModel(open_vault, ("My plugin", "OKX")))
        qtbot.addWidget(dialog)
        dialog.open()
        edit = dialog.field.edit
        assert edit.echoMode() is QLineEdit.EchoMode.Password
        assert "My plugin, OKX" in dialog.note.text()
        assert not dialog.go.isEnabled(), "nothing was entered"
        edit.setText("zx7-Pq42-vault-9e")
        QTest.mouseClick(dialog.go, LEFT)
        await eventually(lambda: dialog.field.problem.text())
        assert dialog.field.problem.text() == "That passphrase does not open the vault."
        assert dialog.isVisible()
        edit.setText(RIGHT)
        QTest.keyClick(edit, Qt.Key.Key_Return)
        await eventually(lambda: not dialog.isVisible())
        assert dialog.result() == QDialog.DialogCode.Accepted
        assert tried == ["zx7-Pq42-vault-9e", RIGHT]
        assert not edit.text(), "nothing that was entered stays"

    run(main())
