"""One tick for all repaints.

Market data arrives a thousand times a second, a screen shows sixty pictures. A view-model that has news
asks for a frame and builds its rows once in it, however often it asked; nothing is built for a frame in
which nothing changed.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

log = logging.getLogger("ui")

FRAME_MS = 16
ENOUGH_MS = 5.0
"""So much work in a frame, and what can wait comes in the next one: a third of a frame, for what was built
is still to be painted."""


class FrameClock(QObject):
    """Calls back at the screen's rate, at most once a frame and callback.

    Signals:
        painted: after a frame in which something was called; for benches and for late starters.

    Attributes:
        count: frames so far in which something was called.
        last_ms: how long the last such frame's callbacks took together, in milliseconds.
    """

    painted = Signal()

    def __init__(self, *, interval_ms: int = FRAME_MS, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.count = 0
        self.last_ms = 0.0
        self._every_frame: tuple[Callable[[], object], ...] = ()
        self._wanted: dict[Callable[[], object], bool] = {}
        """Whether it can wait."""
        self._timers: set[QTimer] = set()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(interval_ms)
        self._timer.timeout.connect(self.tick)

    def register(self, fn: Callable[[], object]) -> Callable[[], None]:
        """Call ``fn`` at the start of every frame, before those that asked (the market data's ``flush``)."""
        self._every_frame = (*self._every_frame, fn)
        self._timer.start()

        def unregister() -> None:
            self._every_frame = tuple(kept for kept in self._every_frame if kept != fn)

        return unregister

    def request(self, fn: Callable[[], object], *, can_wait: bool = False) -> None:
        """Call ``fn`` once in the next frame; asking again before then changes nothing.

        ``can_wait``: where a frame has enough to do it may be one of the next, so that a dozen panels that
        became due at once do not hold up a click. Those that wait are served in turn, one a frame at least.
        """
        self._wanted[fn] = can_wait
        if not self._timer.isActive():
            self._timer.start()

    def cancel(self, fn: Callable[[], object]) -> None:
        """Take a request back; nothing happens if there is none."""
        self._wanted.pop(fn, None)

    def every(self, interval_s: float, fn: Callable[[], object]) -> Callable[[], None]:
        """Ask for a frame every so many seconds, for ages and countdowns; the returned function ends it."""
        timer = QTimer()
        timer.setInterval(max(1, round(interval_s * 1000)))
        # Neither a child nor a strong reference to us: a timer whose end lets go of the last reference to
        # its own parent is deleted twice.
        me = weakref.ref(self)

        def ask() -> None:
            clock = me()
            if clock is not None:
                clock.request(fn)

        timer.timeout.connect(ask)
        timer.start()
        self._timers.add(timer)

        def stop() -> None:
            timer.stop()
            self._timers.discard(timer)
            self.cancel(fn)

        return stop

    def tick(self) -> None:
        """Run one frame now. The timer does it; a test or a picture of the window may too."""
        begun = time.perf_counter()
        for fn in self._every_frame:
            self._call(fn)
        if not self._wanted:
            if not self._every_frame:
                self._timer.stop()
            return
        # Whoever asks from inside a frame is served in the next one, so that a frame always ends.
        wanted, self._wanted = self._wanted, {}
        waiting = [fn for fn, can_wait in wanted.items() if can_wait]
        for fn, can_wait in wanted.items():
            if not can_wait:
                self._call(fn)
        for number, fn in enumerate(waiting):
            if number and (time.perf_counter() - begun) * 1000 >= ENOUGH_MS:
                self._wanted = dict.fromkeys(waiting[number:], True) | self._wanted
                break
            self._call(fn)
        self.count += 1
        self.last_ms = (time.perf_counter() - begun) * 1000
        self.painted.emit()

    def stop(self) -> None:
        """End the ticking for good; what was asked for is dropped."""
        self._timer.stop()
        for timer in self._timers:
            timer.stop()
        self._timers.clear()
        self._every_frame = ()
        self._wanted.clear()

    def _call(self, fn: Callable[[], object]) -> None:
        try:
            fn()
        except Exception:
            # One broken panel must not freeze the others.
            log.exception("a frame callback failed: %r", fn)
