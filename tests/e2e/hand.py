"""A hand at the window: mouse and keys go through Qt's window system.

Gestures are carried out between the tasks of the loop, as the ones of a person are: Qt handles pending events
while it delivers them, and a task that did that from inside itself would stop the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QWindow
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QWidget,
)

from terminal.widgets.main_window import MainWindow
from tests.helpers import eventually

T = TypeVar("T")
NO = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton
_ATTEMPTS = 5


class Hand:
    """Mouse and keyboard."""

    def __init__(self) -> None:
        self._pointer: QWidget | None = None

    async def do(self, gesture: Callable[[], T]) -> T:
        """Carry a gesture out between the tasks of the loop, and wait until it is over."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def carry_out() -> None:
            try:
                result = gesture()
            except BaseException as error:  # noqa: BLE001 - handed to the test
                done.set_exception(error)
            else:
                done.set_result(result)

        QTimer.singleShot(0, carry_out)
        return await done

    async def point(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Move the pointer over a place of a widget."""
        window, place = _reach(widget, at)
        await self.do(lambda: QTest.mouseMove(window, place))

    async def click(
        self,
        widget: QWidget,
        at: QPoint | None = None,
        *,
        button: Qt.MouseButton = LEFT,
        keys: Qt.KeyboardModifier = NO,
    ) -> None:
        """Press and release over a place of a widget; fails where something else is in front of it."""
        await self._on(widget, at, lambda window, place: QTest.mouseClick(window, button, keys, place))

    async def double_click(self, widget: QWidget, at: QPoint | None = None) -> None:
        def gesture(window: QWindow, place: QPoint) -> None:
            QTest.mouseClick(window, LEFT, NO, place)
            QTest.mouseDClick(window, LEFT, NO, place)

        await self._on(widget, at, gesture)

    async def press(self, widget: QWidget, at: QPoint | None = None) -> None:
        await self._on(widget, at, lambda window, place: QTest.mousePress(window, LEFT, NO, place))

    async def _on(
        self, widget: QWidget, at: QPoint | None, gesture: Callable[[QWindow, QPoint], None]
    ) -> None:
        """Move the pointer there and carry the gesture out in the same turn: a form may grow in between, and
        a person follows a button that moves."""

        def carry_out(*, is_last: bool) -> bool:
            window, place = _reach(widget, at)
            QTest.mouseMove(window, place)
            if not is_last and not _is_in_front(widget, place):
                return False
            _require_hit(widget, place)
            gesture(window, place)
            return True

        for attempt in range(_ATTEMPTS):
            await _ready(widget, at)
            if await self.do(partial(carry_out, is_last=attempt == _ATTEMPTS - 1)):
                return

    async def release(
        self, widget: QWidget, at: QPoint | None = None, *, keys: Qt.KeyboardModifier = NO
    ) -> None:
        window, place = _reach(widget, at)
        await self.do(lambda: QTest.mouseRelease(window, LEFT, keys, place))

    async def drag(self, widget: QWidget, begin: QPoint, end: QPoint) -> None:
        """Press at one place, move in steps to another, and hold."""
        await self.press(widget, begin)
        steps = max(2, (end - begin).manhattanLength() // 20)
        for step in range(1, steps + 1):
            await self.point(widget, begin + (end - begin) * (step / steps))

    async def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = NO) -> None:
        """Press and release a key; it goes where the keyboard is."""
        window = self._window()
        await self.do(lambda: QTest.keyClick(window, key, keys))

    async def write(self, text: str) -> None:
        """Type a text where the keyboard is."""
        window = self._window()

        if text.isascii() and all(char.isdigit() or char in ".,+-*/: " for char in text):
            for char in text:
                await self.do(partial(QTest.keyClick, window, ord(char), NO))
        else:
            focus = QApplication.focusWidget()
            assert focus is not None
            for char in text:
                await self.do(partial(QTest.keyClicks, focus, char))

    async def replace(self, field: QLineEdit, text: str) -> None:
        """Click into a field, mark all of it, and type."""
        await self.click(field)
        await self.key(Qt.Key.Key_A, CTRL)
        if text:
            await self.write(text)
        else:
            await self.key(Qt.Key.Key_Delete)

    async def paste(self, field: QLineEdit, text: str) -> None:
        """Click into a field, mark all of it, and paste."""
        QGuiApplication.clipboard().setText(text)
        await self.click(field)
        await self.key(Qt.Key.Key_A, CTRL)
        await self.key(Qt.Key.Key_V, CTRL)

    async def choose(self, box: QComboBox, data: object) -> None:
        """Choose an entry of a drop-down by its keyboard."""
        entries = [box.itemData(each) for each in range(box.count())]
        assert data in entries, entries
        at = entries.index(data)
        await self.click(box)
        view = box.view()
        await eventually(view.isVisible, 20, "the list of a drop-down")
        await self.do(lambda: view.setCurrentIndex(box.model().index(at, 0)))
        await self.key(Qt.Key.Key_Return)

    async def trigger(self, menu: QMenu, text: str) -> None:
        """Click an entry of an open menu."""
        await eventually(menu.isVisible, 20, "an open menu")
        action = _entry(menu, text)
        assert action.isEnabled(), f"“{text}” is off"
        place = menu.actionGeometry(action).center()
        window = _window_of(menu)

        def gesture() -> None:
            QTest.mouseMove(window, place)
            QTest.mouseClick(window, LEFT, NO, place)

        await self.do(gesture)

    @staticmethod
    def _window() -> QWindow:
        window: QWindow | None = QGuiApplication.focusWindow()
        if window is None:
            # Offscreen there is no window manager that gives the keyboard back when a dialog has closed.
            widget = QApplication.activeModalWidget() or next(
                each
                for each in QApplication.topLevelWidgets()
                if isinstance(each, MainWindow) and each.isVisible()
            )
            window = _window_of(widget)
            widget.activateWindow()
        return window


def _entry(menu: QMenu, text: str) -> QAction:
    found = [action for action in menu.actions() if action.text().partition("\t")[0] == text]
    assert found, [action.text() for action in menu.actions()]
    return found[0]


def _window_of(widget: QWidget) -> QWindow:
    window = widget.window().windowHandle()
    assert window is not None, f"{widget} has no window"
    return window


def _reach(widget: QWidget, at: QPoint | None) -> tuple[QWindow, QPoint]:
    """The window of a widget and a place of the widget in it."""
    assert widget.isVisible(), f"{widget} is not visible"
    place = at if at is not None else widget.rect().center()
    return _window_of(widget), widget.mapTo(widget.window(), place)


async def _ready(widget: QWidget, at: QPoint | None) -> None:
    """As :func:`_reach`, once the widget can be pressed: a person waits for a greyed button as well, and for
    a field that has just appeared to be in its place; most follow a change of the model a frame later."""
    await eventually(lambda: widget.isVisible() and widget.isEnabled(), 20, f"{widget} that can be pressed")
    with contextlib.suppress(AssertionError):
        await eventually(lambda: _is_in_front(widget, _reach(widget, at)[1]), 5, f"{widget} in front")


def _require_hit(widget: QWidget, place: QPoint) -> None:
    """A person can only press what is in front."""
    assert _is_in_front(widget, place), f"{widget.window().childAt(place)} is in front of {widget}"
    assert widget.isEnabled(), f"{widget} is off"


def _is_in_front(widget: QWidget, place: QPoint) -> bool:
    found = widget.window().childAt(place) or widget.window()
    return found is widget or widget.isAncestorOf(found)
