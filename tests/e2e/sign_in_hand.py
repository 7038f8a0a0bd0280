"""The sign-in window with a hand at it: ``python -m tests.e2e.sign_in_hand BUTTON...``.

The window that the terminal opens, in its own process, and beside it what a person does there: as soon as the
page shows one of the buttons (by the page's own ids), the mouse goes to its place and clicks. The page itself
hears nothing but that.
"""

from __future__ import annotations

import sys
import time

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWebEngineCore import QWebEngineScript

from terminal.app import sign_in_window
from terminal.widgets import login_browser

_LOOK_MS = 50
_AGAIN_S = 2.0
"""A click on a page that was not listening yet is made again."""
_WHERE = """(() => {
  const found = document.getElementById(%r);
  if (!found || document.readyState !== 'complete') return '';
  const box = found.getBoundingClientRect();
  return Math.round(box.x + box.width / 2) + ',' + Math.round(box.y + box.height / 2);
})()"""


class HandledWindow(login_browser.LoginWindow):
    """The window, and who clicks in it."""

    buttons: tuple[str, ...] = ()

    def open(self) -> None:
        super().open()
        self._clicked_s: dict[str, float] = {}
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(_LOOK_MS)

    def _look(self) -> None:
        for button in self.buttons:
            if time.monotonic() - self._clicked_s.get(button, -_AGAIN_S) < _AGAIN_S:
                continue
            world = QWebEngineScript.ScriptWorldId.ApplicationWorld.value
            self.page.runJavaScript(
                _WHERE % button, world, lambda found, button=button: self._click(button, found)
            )

    def _click(self, button: str, found: object) -> None:
        target = self.view.focusProxy()
        if not found or target is None:
            return
        self._clicked_s[button] = time.monotonic()
        x, y = str(found).split(",")
        QTest.mouseClick(
            target, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(int(x), int(y))
        )

    def shut(self) -> None:
        self._timer.stop()
        super().shut()


if __name__ == "__main__":
    HandledWindow.buttons = tuple(sys.argv[1:])
    login_browser.LoginWindow = HandledWindow  # type: ignore[misc]
    sys.exit(sign_in_window.main())
