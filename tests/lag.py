"""The longest step that the thread of the screen took, in processor time: what holds up every click.

Wall time would tell how busy the test machine is; the processor time of the thread tells how long our own
code kept it, and is the same on a loaded machine. Python's collections are taken out: the terminal sets its
objects aside after the start and collects on its own terms (``terminal/core/memory.py``), while a test
process holds the objects of every test before.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LONGEST_MS = 100.0
"""The promise: the thread of the screen never blocks for longer."""


class LagWatch:
    """What :func:`watched_thread` has seen.

    Attributes:
        longest_ms: the longest step, in milliseconds of the thread's processor time.
        culprit: what that step was.
    """

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self.culprit = ""
        self.thread = threading.get_ident()
        self._collected_s = 0.0
        self._collection_began_s = 0.0
        self._turn_began_s = self.now_s()
        self._longest_in_turn: tuple[float, object] = (0.0, None)

    def now_s(self) -> float:
        """The thread's processor time, without what collections took."""
        return time.thread_time() - self._collected_s

    def end_of_callback(self, began_s: float, what: object) -> None:
        """A callback of asyncio's is over."""
        took_ms = (self.now_s() - began_s) * 1000
        if took_ms > self._longest_in_turn[0]:
            self._longest_in_turn = took_ms, what
        self._note(took_ms, what)

    def end_of_turn(self) -> None:
        """Qt's loop has gone round once."""
        now_s = self.now_s()
        inner_ms, what = self._longest_in_turn
        took_ms = (now_s - self._turn_began_s) * 1000
        if took_ms > self.longest_ms:
            self._note(took_ms, f"one turn of Qt's loop, in it for {inner_ms:.0f} ms {what}")
        self._turn_began_s, self._longest_in_turn = now_s, (0.0, None)

    def _note(self, took_ms: float, what: object) -> None:
        if took_ms > self.longest_ms:
            self.longest_ms, self.culprit = took_ms, str(what)[:400]

    def on_collection(self, phase: str, info: dict[str, int]) -> None:
        """For ``gc.callbacks``."""
        if threading.get_ident() != self.thread:
            return
        if phase == "start":
            self._collection_began_s = time.thread_time()
        else:
            self._collected_s += time.thread_time() - self._collection_began_s

    def require_never_blocked(self, longest_ms: float = LONGEST_MS) -> None:
        assert self.longest_ms <= longest_ms, (
            f"the thread of the screen was held for {self.longest_ms:.0f} ms by {self.culprit}"
        )


@contextmanager
def watched_thread(*, under_qt: bool = False) -> Iterator[LagWatch]:
    """Measure each callback of asyncio's in this thread until the block is left; ``under_qt`` also each turn
    of Qt's loop, which paints, runs timers, and takes mouse and keys."""
    watch = LagWatch()
    run = asyncio.Handle._run

    def measured(handle: Any) -> None:
        if threading.get_ident() != watch.thread:
            return run(handle)
        began_s = watch.now_s()
        try:
            return run(handle)
        finally:
            watch.end_of_callback(began_s, handle)

    dispatcher = None
    if under_qt:
        from PySide6.QtCore import QAbstractEventDispatcher

        dispatcher = QAbstractEventDispatcher.instance()
        assert dispatcher is not None
        # Both come once in a turn, around the wait: what lies between them is work.
        dispatcher.awake.connect(watch.end_of_turn)
        dispatcher.aboutToBlock.connect(watch.end_of_turn)
    gc.callbacks.append(watch.on_collection)
    asyncio.Handle._run = measured  # type: ignore[method-assign, assignment]
    try:
        yield watch
    finally:
        asyncio.Handle._run = run  # type: ignore[method-assign]
        gc.callbacks.remove(watch.on_collection)
        if dispatcher is not None:
            dispatcher.awake.disconnect(watch.end_of_turn)
            dispatcher.aboutToBlock.disconnect(watch.end_of_turn)
