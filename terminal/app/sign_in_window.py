"""The process of the sign-in window: ``python -m terminal.app.sign_in_window``.

It reads one JSON line from its standard input (what to open), shows the window, writes one JSON line with the
outcome to its standard output, and ends: ``{"answer": address}``, ``{"closed": true}`` or
``{"error": sentence}``. It ends too when its standard input closes: with the terminal that opened it. What is
secret (the answer's code) passes through these pipes alone, never through arguments or the environment.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

UNSAFE_VARIABLES = (
    "QTWEBENGINE_REMOTE_DEBUGGING",
    "QTWEBENGINE_CHROMIUM_FLAGS",
    "QTWEBENGINE_DISABLE_SANDBOX",
)
"""A debugging port owns the session, and flags can switch any protection off: they are removed first."""


def main() -> int:
    """Show the window until it has an outcome; the exit code is 0 whatever that is."""
    try:
        order: dict[str, Any] = json.loads(sys.stdin.readline())
    except ValueError:
        return 2
    from PySide6.QtCore import QObject, Qt, Signal
    from PySide6.QtWidgets import QApplication

    from terminal.widgets import theme
    from terminal.widgets.login_browser import LoginWindow

    class Parent(QObject):
        """Hears in the reading thread that the terminal is gone, and says so in this one."""

        gone = Signal()

    app = QApplication([sys.argv[0]])
    app.setApplicationName("Parallax")
    app.setDesktopFileName("parallax")
    theme.load_fonts()
    theme.apply(app)
    window = LoginWindow(
        str(order["title"]),
        str(order["url"]),
        str(order["redirect_url"]),
        [str(each) for each in order["hosts"]],
        str(order.get("ca_file", "")),
        str(order.get("session_expression", "")),
    )
    outcome: dict[str, object] = {}

    def end(**what: object) -> None:
        if not outcome:
            outcome.update(what)
            print(json.dumps(outcome), flush=True)
            window.shut()
            app.quit()

    parent = Parent()
    parent.gone.connect(lambda: end(closed=True), Qt.ConnectionType.QueuedConnection)

    def wait_for_parent() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        parent.gone.emit()

    threading.Thread(target=wait_for_parent, daemon=True, name="parent").start()
    window.answered.connect(lambda url: end(answer=url))
    window.failed.connect(lambda text: end(error=text))
    window.closed.connect(lambda: end(closed=True))
    window.open()
    app.exec()
    return 0


if __name__ == "__main__":
    sys.exit(main())
