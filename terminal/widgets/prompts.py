"""Waiting for a dialog in a coroutine: ``await ask(dialog)``.

Never ``exec()``: under the merged loop the next task to wake would die with "Cannot enter into task". The
dialog is opened and its ``finished`` is awaited; everything else goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QWidget

from terminal.viewmodels.choice import Choice, Chooser
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.widgets.choice_dialog import ChoiceDialog
from terminal.widgets.confirm_dialog import ConfirmDialog


async def ask(dialog: QDialog) -> int:
    """Open a dialog and wait for its result (``QDialog.DialogCode``). Cancelling the wait closes it."""
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def finish(result: int) -> None:
        if not done.done():
            done.set_result(result)

    dialog.finished.connect(finish)
    dialog.open()
    try:
        return await done
    finally:
        dialog.finished.disconnect(finish)
        if dialog.isVisible():
            dialog.reject()
        dialog.deleteLater()


def asker(parent: Callable[[], QWidget | None]) -> Asker:
    """How view-models ask: a dialog over the window that ``parent`` gives at that moment."""

    async def confirm(question: Confirmation) -> bool:
        answer = await ask(ConfirmDialog(question, parent()))
        return answer == QDialog.DialogCode.Accepted

    return confirm


def chooser(parent: Callable[[], QWidget | None]) -> Chooser:
    """How view-models ask where there are more answers than yes and no."""

    async def choose(question: Choice) -> str | None:
        dialog = ChoiceDialog(question, parent())
        answer = await ask(dialog)
        return dialog.answer if answer == QDialog.DialogCode.Accepted else None

    return choose
