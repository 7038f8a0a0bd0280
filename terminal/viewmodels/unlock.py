"""Opening the key vault, when it is locked at the start."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.core.secret import Secret
from terminal.domain.errors import TerminalError


class UnlockViewModel(QObject):
    """One entry of the passphrase, for every account that waits for its keys.

    Signals:
        changed: busy, or an error. finished: the vault is open.

    Attributes:
        waiting: what connects then, as the person calls it.
        error: why the last entry did not open it; empty before one.
    """

    changed = Signal()
    finished = Signal()

    def __init__(
        self,
        open_vault: Callable[[Secret], Coroutine[Any, Any, None]],
        waiting: Sequence[str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.waiting = tuple(waiting)
        self.error = ""
        self.is_busy = False
        self._open_vault = open_vault

    def unlock(self, passphrase: str) -> None:
        """Try a passphrase."""
        if not self.is_busy and passphrase:
            tasks.spawn(self._unlock(Secret(passphrase)), name="open the vault")

    async def _unlock(self, passphrase: Secret) -> None:
        self.is_busy, self.error = True, ""
        self.changed.emit()
        try:
            await self._open_vault(passphrase)
        except TerminalError as error:
            self.error = error.user_text
        self.is_busy = False
        self.changed.emit()
        if not self.error:
            self.finished.emit()
