"""The last lines of the log, for the log panel, and the filter that no secret passes."""

from __future__ import annotations

import logging
from collections import deque
from typing import NamedTuple

from terminal.core.observe import Observable
from terminal.core.secret import scrub

KEPT_LINES = 2000


class LogLine(NamedTuple):
    """One line as the panel shows it."""

    time_s: float
    level: int
    logger: str
    text: str
    ids: str = ""
    """The ids of the order that it is about."""


class Redaction(logging.Filter):
    """Scrubs each record before any handler formats it. A line break in a venue's words cannot start a
    line of its own: control characters are written out."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _printable(scrub(record.getMessage()))
        record.args = None
        if hasattr(record, "order_ids"):
            record.order_ids = _printable(scrub(str(record.order_ids)))
        if record.exc_info and not record.exc_text:
            record.exc_text = scrub(logging.Formatter().formatException(record.exc_info))
        return True


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


class LogRing(logging.Handler):
    """Keeps the last 2,000 lines and tells the log panel of each new one."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: deque[LogLine] = deque(maxlen=KEPT_LINES)
        self.changed: Observable[[]] = Observable("log")
        self._telling = False

    def emit(self, record: logging.LogRecord) -> None:
        ids = getattr(record, "order_ids", "")
        self.lines.append(LogLine(record.created, record.levelno, record.name, record.getMessage(), ids))
        if not self._telling:
            # A watcher that logs must not call itself for ever.
            self._telling = True
            try:
                self.changed.notify()
            finally:
                self._telling = False
