"""What lies over the window for a moment: the key map of F1, the panel list of Ctrl+Tab."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from PySide6.QtCore import QElapsedTimer, QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.desk import KeyHint
from terminal.widgets import theme
from terminal.widgets.controls import label

_COLUMNS = 3


class KeyOverlay(QFrame):
    """Every key of the program, by section. It shows while F1 is held; a tap leaves it open."""

    TAP_MS = 400

    def __init__(self, hints: Sequence[KeyHint], parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "overlay")
        self.setAccessibleName("Keys")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._before: QWidget | None = None
        self._since = QElapsedTimer()
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(label("Keys", kind="heading"))
        columns = QHBoxLayout()
        columns.setSpacing(36)
        box.addLayout(columns)
        stacks = [QVBoxLayout() for _ in range(_COLUMNS)]
        heights = [0] * _COLUMNS
        for stack in stacks:
            stack.setSpacing(14)
            columns.addLayout(stack)
        for section, found in groupby(hints, key=lambda hint: hint.section):
            entries = list(found)
            at = heights.index(min(heights))
            heights[at] += len(entries) + 2
            stacks[at].addLayout(self._section(section, entries))
        for stack in stacks:
            stack.addStretch(1)
        box.addWidget(label("F1 again or Esc closes; held, F1 shows it until it is let go of.", kind="muted"))
        self.hide()

    def _section(self, title: str, hints: Sequence[KeyHint]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(4)
        grid.addWidget(label(title, kind="title"), 0, 0, 1, 2)
        for at, hint in enumerate(hints, start=1):
            keys = label(hint.keys)
            keys.setFont(theme.mono_font(theme.TABLE_PX))
            grid.addWidget(keys, at, 0)
            grid.addWidget(label(hint.action, kind="label"), at, 1)
        return grid

    def open_over(self, window: QWidget) -> None:
        """Show it in the middle of the window, and take the keyboard until it closes."""
        self._before = QApplication.focusWidget()
        self._since.start()
        self.adjustSize()
        room = window.rect()
        self.move(max(0, (room.width() - self.width()) // 2), max(0, (room.height() - self.height()) // 2))
        self.show()
        self.raise_()
        window.activateWindow()
        self.setFocus()

    def close_over(self) -> None:
        """Hide it and give the keyboard back."""
        before, self._before = self._before, None
        self.hide()
        if before is not None and before.isVisible():
            before.setFocus()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        is_held = self._since.elapsed() >= self.TAP_MS
        if event.key() == Qt.Key.Key_F1 and not event.isAutoRepeat() and is_held:
            self.close_over()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_over()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        # Also when the key is let go of in another window.
        self.hide()


class PanelSwitcher(QFrame):
    """The panel list: Ctrl+Tab walks down, Shift up, letting go of Ctrl goes there.

    Signals:
        chosen: the key of the chosen panel.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("kind", "overlay")
        self.setAccessibleName("Panels")
        box = QVBoxLayout(self)
        box.setContentsMargins(6, 6, 6, 6)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(self._on_clicked)
        box.addWidget(self.list)

    def open_with(self, panels: Sequence[tuple[str, str]], current: str | None, step: int) -> None:
        """Show (key, title) pairs with the one after ``current`` selected."""
        self.list.clear()
        for key, title in panels:
            item = QListWidgetItem(title)
            item.setData(Qt.ItemDataRole.UserRole, key)
            self.list.addItem(item)
        keys = [key for key, _ in panels]
        at = keys.index(current) if current in keys else (-1 if step > 0 else 0)
        self.list.setCurrentRow((at + step) % max(1, len(keys)))
        self.setFixedSize(260, min(420, 26 * len(keys) + 20))
        parent = self.parentWidget()
        if parent is not None:
            self.move(parent.mapToGlobal(parent.rect().center()) - self.rect().center())
        self.show()
        self.setFocus()

    def step(self, by: int) -> None:
        """Walk down or up."""
        self.list.setCurrentRow((self.list.currentRow() + by) % max(1, self.list.count()))

    def _on_clicked(self, item: QListWidgetItem) -> None:
        self._go(item)

    def _go(self, item: QListWidgetItem | None) -> None:
        self.hide()
        if item is not None:
            self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Down):
            self.step(1)
        elif event.key() in (Qt.Key.Key_Backtab, Qt.Key.Key_Up):
            self.step(-1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._go(self.list.currentItem())
        elif event.key() == Qt.Key.Key_Escape:
            self.hide()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Control and not event.isAutoRepeat():
            self._go(self.list.currentItem())

    def event(self, event: QEvent) -> bool:
        # Tab would otherwise move the focus before keyPressEvent hears of it.
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            self.keyPressEvent(event)
            return True
        return super().event(event)
