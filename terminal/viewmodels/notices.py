"""What the person is told: a toast now, and the list of what was said.

The same words again within 10 s (errors: 30 s, growing to 5 min while they go on) are counted, not shown
again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.core.secret import scrub
from terminal.domain.errors import TerminalError
from terminal.services.notices import Level as Level
from terminal.services.notices import Notice, NoticeAction

KEPT = 500
REPEAT_S = 10.0
REPEAT_ERROR_S = 30.0
_REPEAT_LONGEST_S = 300.0
# How long a toast stays by itself; errors stay until closed.
TOAST_S = {Level.INFO: 5.0, Level.WARNING: 10.0}
MAX_TOASTS = 4


@dataclass(slots=True)
class Entry:
    """One line of the notice centre; ``count`` how often it was said, ``time_ns`` when last (UTC)."""

    number: int
    level: Level
    text: str
    detail: str
    time_ns: int
    count: int = 1
    said_ns: int = 0
    """Monotonic time of the last time it was shown, which its repetitions are measured from."""
    quiet_s: float = REPEAT_S
    is_read: bool = False
    """The person has closed its toast or opened the notice centre; a toast may leave by itself unread."""
    action: NoticeAction | None = None
    venue: str = ""
    unread: int = 0
    """Its part of the number at the bell."""
    awaits: set[str] = field(default_factory=set)
    """The orders of which it says that nobody knows yet what became of them."""


class NoticesViewModel(QObject):
    """Toasts and the notice centre.

    Signals:
        shown: a notice is to be shown as a toast (its :class:`Entry`).
        changed: the list or the number of unread ones changed.
        withdrawn: a notice has become pointless (its :class:`Entry`): its toast goes, and its line is gone.
        action_wanted: the button of a notice was pressed (its :class:`NoticeAction`, and the venue's name).
        was_read: the person has read something; look at ``is_read`` of the entries.

    Attributes:
        entries: newest last.
        unread: warnings and errors since the centre was last opened.
        info_repeat_s, error_repeat_s: how long equal words are only counted (errors: at first).
    """

    shown = Signal(object)
    changed = Signal()
    was_read = Signal()
    withdrawn = Signal(object)
    action_wanted = Signal(object, str)

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self.unread = 0
        self.info_repeat_s = REPEAT_S
        self.error_repeat_s = REPEAT_ERROR_S
        self._clock = clock
        self._number = 0

    def watch(self, notices: Observable[[Notice]]) -> Callable[[], None]:
        """Show what a service says from now on."""
        return notices.watch(self.post)

    def post(self, notice: Notice) -> Entry:
        """Tell the person, unless the same words are still fresh; returns the line that tells it."""
        awaits = {notice.client_order_id} if notice.until_known and notice.client_order_id else set()
        text, detail = scrub(notice.text), scrub(notice.detail)
        now = self._clock.monotonic_ns()
        same = next((e for e in reversed(self.entries) if (e.level, e.text) == (notice.level, text)), None)
        if same is not None and now - same.said_ns < same.quiet_s * 1e9:
            same.count += 1
            same.time_ns = self._clock.wall_ns()
            same.detail = detail or same.detail
            same.awaits |= awaits
            self.changed.emit()
            return same
        if same is not None:
            # Moved to the end: it is the newest again. Errors that go on are repeated ever more rarely.
            self.entries.remove(same)
            entry = same
            entry.count += 1
            entry.is_read = False
            if entry.level is Level.ERROR:
                entry.quiet_s = min(entry.quiet_s * 2, _REPEAT_LONGEST_S)
        else:
            self._number += 1
            quiet_s = self.error_repeat_s if notice.level is Level.ERROR else self.info_repeat_s
            entry = Entry(
                self._number,
                notice.level,
                text,
                detail,
                0,
                quiet_s=quiet_s,
                action=notice.action,
                venue=notice.venue,
            )
        entry.awaits |= awaits
        entry.time_ns, entry.said_ns, entry.detail = self._clock.wall_ns(), now, detail
        self.entries.append(entry)
        if entry.level is not Level.INFO:
            self.unread += 1
            entry.unread += 1
        self.shown.emit(entry)
        self.changed.emit()
        return entry

    def info(self, text: str, detail: str = "") -> Entry:
        """Something worth knowing."""
        return self.post(Notice(Level.INFO, text, detail))

    def warn(self, text: str, detail: str = "") -> Entry:
        """Something that may need attention."""
        return self.post(Notice(Level.WARNING, text, detail))

    def error(self, text: str, detail: str = "") -> None:
        """Something that was given up."""
        self.post(Notice(Level.ERROR, text, detail))

    def failure(self, error: TerminalError) -> None:
        """An error of ours or of a venue, in its own plain words."""
        self.post(Notice(Level.ERROR, error.user_text, str(error)))

    def read(self, entry: Entry) -> None:
        """The person has closed its toast."""
        entry.is_read = True
        self.was_read.emit()

    def act(self, entry: Entry) -> None:
        """The button of a notice was pressed."""
        if entry.action is not None:
            self.action_wanted.emit(entry.action, entry.venue)

    def withdraw(self, action: NoticeAction, venue: str = "") -> None:
        """What a button offers is done, or there is nothing left to do: take its notices back."""
        for entry in [each for each in self.entries if (each.action, each.venue) == (action, venue)]:
            self._take_back(entry)

    def settle(self, client_order_id: str) -> None:
        """It is known what became of an order: take back what said that it was not."""
        for entry in [each for each in self.entries if client_order_id in each.awaits]:
            entry.awaits.discard(client_order_id)
            if not entry.awaits:
                self._take_back(entry)

    def _take_back(self, entry: Entry) -> None:
        self.entries.remove(entry)
        self.unread -= entry.unread
        entry.is_read, entry.unread = True, 0
        self.withdrawn.emit(entry)
        self.changed.emit()

    def mark_read(self) -> None:
        """The centre was opened."""
        self._read_all()
        if self.unread:
            self.unread = 0
            self.changed.emit()

    def clear(self) -> None:
        """Empty the list."""
        self._read_all()
        self.entries.clear()
        self.unread = 0
        self.changed.emit()

    def _read_all(self) -> None:
        for entry in self.entries:
            entry.is_read, entry.unread = True, 0
        self.was_read.emit()
