"""The asyncio-on-Qt loop, and what hears of errors nobody caught.

Exactly one ``exec()`` a process: one ``run_until_complete``. ``qasync.run`` and ``asyncio.Runner`` call
``exec()`` three times, and a second one after WebEngine was used ends the process.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any

import qasync
from PySide6.QtCore import QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from terminal.core import tasks

log = logging.getLogger("ui")
qt_log = logging.getLogger("qt")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}

# Said by the offscreen platform at each top-level window; means nothing there.
_HARMLESS = ("This plugin does not support propagateSizeHints",)


def run(app: QApplication, main: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run the program's one coroutine on the merged loop until it returns its exit code."""
    app.setQuitOnLastWindowClosed(False)
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(_on_loop_error)
    install_hooks()

    async def guarded() -> int:
        try:
            return await main()
        finally:
            await tasks.cancel_all()

    try:
        return int(loop.run_until_complete(guarded()))
    finally:
        loop.close()


def install_hooks() -> None:
    """Send uncaught exceptions and Qt's own messages to the log."""
    sys.excepthook = _on_uncaught
    qInstallMessageHandler(_on_qt_message)


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    log.error("%s", context.get("message", "error in the event loop"), exc_info=error)


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.error("an error nobody caught", exc_info=(kind, error, trace))


def _on_qt_message(kind: QtMsgType, context: object, text: str) -> None:
    level = logging.DEBUG if text.startswith(_HARMLESS) else _LEVELS.get(kind, logging.WARNING)
    qt_log.log(level, "%s", text)
