"""Toasts over the chart, and the notice centre behind the bell."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels import format as fmt
from terminal.viewmodels.notices import MAX_TOASTS, TOAST_S, Entry, Level, NoticesViewModel
from terminal.widgets import theme
from terminal.widgets.controls import label
from terminal.widgets.icons import icon, pixmap

_WIDTH = 360
_MARGIN = 12
_ICONS = {Level.INFO: "info", Level.WARNING: "warning", Level.ERROR: "error"}
_TINTS = {Level.INFO: theme.TEXT_2, Level.WARNING: theme.WARNING, Level.ERROR: theme.DANGER}
_WORDS = {Level.INFO: "Info", Level.WARNING: "Warning", Level.ERROR: "Error"}


def _sign(level: Level) -> QLabel:
    sign = QLabel()
    sign.setPixmap(pixmap(_ICONS[level], _TINTS[level]))
    sign.setFixedWidth(18)
    sign.setAlignment(Qt.AlignmentFlag.AlignTop)
    return sign


def _action_button(entry: Entry, act: Callable[[Entry], None]) -> QPushButton:
    assert entry.action is not None
    button = QPushButton(entry.action.value)
    button.setProperty("kind", "action")
    button.setAutoDefault(False)
    button.clicked.connect(lambda: act(entry))
    return button


class Toast(QFrame):
    """One notice. It leaves by itself unless it is an error or the pointer is on it."""

    def __init__(
        self,
        entry: Entry,
        close: Callable[[Toast], None],
        read: Callable[[Entry], None],
        parent: QWidget,
        act: Callable[[Entry], None],
    ) -> None:
        """``close`` takes the toast away; ``read`` is told first where the person did it. ``act`` does what
        the notice's own button says."""
        super().__init__(parent)
        self.entry = entry
        self._close = close
        self._read = read
        self.setProperty("kind", "toast")
        self.setProperty("level", entry.level.value)
        self.setFixedWidth(_WIDTH)
        self.setAccessibleName(f"{_WORDS[entry.level]}: {entry.text}")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 6, 8)
        row.setSpacing(8)
        row.addWidget(_sign(entry.level), 0, Qt.AlignmentFlag.AlignTop)
        text = label(entry.text)
        text.setWordWrap(True)
        text.setToolTip(entry.detail)
        column = QVBoxLayout()
        column.setSpacing(6)
        column.addWidget(text)
        if entry.action is not None:
            column.addWidget(_action_button(entry, act), 0, Qt.AlignmentFlag.AlignLeft)
        row.addLayout(column, 1)
        button = QPushButton(icon("close", theme.MUTED), "")
        button.setProperty("kind", "title")
        button.setFixedSize(20, 20)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setAccessibleName("Dismiss")
        button.clicked.connect(self._on_close_clicked)
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_time_up)
        seconds = TOAST_S.get(entry.level)
        if seconds is not None:
            self._timer.start(round(seconds * 1000))

    def _on_close_clicked(self) -> None:
        self._read(self.entry)
        self._close(self)

    def _on_time_up(self) -> None:
        if self.underMouse():
            self._timer.start(2000)
        else:
            self._close(self)


class ToastHost(QObject):
    """Stacks toasts at the top of a part of the window, newest on top.

    ``room`` gives that part. It must hold no button that sends or cancels: a toast may never lie over one.
    """

    def __init__(self, vm: NoticesViewModel, window: QWidget, room: Callable[[], QRect]) -> None:
        super().__init__(window)
        self._vm = vm
        self._window = window
        self.room = room
        self.toasts: list[Toast] = []
        vm.shown.connect(self.show_entry)
        vm.withdrawn.connect(self._on_withdrawn)

    def show_entry(self, entry: Entry) -> None:
        """Show a notice; the same one again takes its old place's part."""
        self._on_withdrawn(entry)
        toast = Toast(entry, self._remove, self._vm.read, self._window, self._vm.act)
        self.toasts.append(toast)
        # Errors wait to be read; the oldest of the others makes room first.
        while len(self.toasts) > MAX_TOASTS:
            calm = [toast for toast in self.toasts[:-1] if toast.entry.level is not Level.ERROR]
            self._remove(calm[0] if calm else self.toasts[0])
        toast.show()
        self.place()

    def _on_withdrawn(self, entry: Entry) -> None:
        for toast in [toast for toast in self.toasts if toast.entry.number == entry.number]:
            self._remove(toast)

    def _remove(self, toast: Toast) -> None:
        if toast in self.toasts:
            self.toasts.remove(toast)
            toast.hide()
            toast.deleteLater()
            self.place()

    def place(self) -> None:
        """Put the toasts into their place; the window calls it when it was resized."""
        room = self.room()
        x = room.left() + max(0, (room.width() - _WIDTH) // 2)
        y = room.top() + _MARGIN
        for toast in reversed(self.toasts):
            # A label that wraps would like to be wider than there is room for, and lower for it.
            toast.resize(_WIDTH, toast.heightForWidth(_WIDTH))
            toast.move(x, y)
            toast.raise_()
            y += toast.height() + 8


class NoticeCentre(QFrame):
    """What was said so far, newest first."""

    def __init__(self, vm: NoticesViewModel, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._vm = vm
        self.setProperty("kind", "overlay")
        self.setFixedSize(440, 420)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 10, 6, 10)
        head = QHBoxLayout()
        head.addWidget(label("Notices", kind="title"), 1)
        clear = QPushButton("Clear")
        clear.setProperty("kind", "flat")
        clear.clicked.connect(vm.clear)
        head.addWidget(clear)
        box.addLayout(head)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        box.addWidget(self._area)
        vm.changed.connect(self._render)

    def open_at(self, corner: QPoint) -> None:
        """Open with the upper right corner at a point of the screen."""
        self._vm.mark_read()
        self.move(corner - QPoint(self.width(), 0))
        self.show()
        self._render()

    def _render(self) -> None:
        if not self.isVisible():
            return
        body = QWidget()
        box = QVBoxLayout(body)
        box.setContentsMargins(0, 0, 8, 0)
        box.setSpacing(8)
        for entry in reversed(self._vm.entries):
            box.addWidget(self._line(entry))
        if not self._vm.entries:
            box.addWidget(label("Nothing has been said yet.", kind="muted"))
        box.addStretch(1)
        self._area.setWidget(body)

    def _line(self, entry: Entry) -> QWidget:
        out = QWidget()
        row = QHBoxLayout(out)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(_sign(entry.level), 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(1)
        text = label(entry.text)
        text.setWordWrap(True)
        text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(text)
        times = f"   {entry.count} times" if entry.count > 1 else ""
        column.addWidget(label(f"{fmt.time_of_day(entry.time_ns)}{times}", kind="muted"))
        if entry.detail and entry.detail != entry.text:
            detail = label(entry.detail, kind="muted")
            detail.setWordWrap(True)
            column.addWidget(detail)
        if entry.action is not None:
            column.addWidget(_action_button(entry, self._on_action), 0, Qt.AlignmentFlag.AlignLeft)
        row.addLayout(column, 1)
        return out

    def _on_action(self, entry: Entry) -> None:
        self.close()
        self._vm.act(entry)
