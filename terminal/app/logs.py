"""Log handlers, filters, redaction. Loggers are named by subject: ``venue.kraken``, ``orders``, ``book``."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
from pathlib import Path

from terminal.core.log_ring import LogRing, Redaction

_TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_FILE_BYTES = 5_000_000
# Their own logging shows headers, whole addresses and frames.
_NOISY = ("httpx", "httpcore", "websockets", "websockets.client", "websockets.server", "hpack", "asyncio")


class _TextLines(logging.Formatter):
    """A line, and behind it the ids of the order that it is about."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's own name
        ids = getattr(record, "order_ids", "")
        return super().formatMessage(record) + (f" [order {ids}]" if ids else "")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "t": record.created,
            "level": record.levelname,
            "logger": record.name,
            "text": record.getMessage(),
        }
        if hasattr(record, "order_ids"):
            line["order"] = record.order_ids
        if record.exc_text:
            line["error"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


class LogFile(logging.handlers.RotatingFileHandler):
    """The log file. What the command line has said about this run stays as it is."""

    pinned_level = False
    pinned_subjects = False

    def follow(self, level: int, subjects: tuple[str, ...]) -> None:
        """Take over level and subjects of the settings."""
        if not self.pinned_level:
            self.setLevel(level)
        if not self.pinned_subjects:
            for old in [each for each in self.filters if isinstance(each, _Subjects)]:
                self.removeFilter(old)
            if subjects:
                self.addFilter(_Subjects(subjects))


class _Subjects(logging.Filter):
    """Lets only the wanted subjects pass, and every warning."""

    def __init__(self, wanted: tuple[str, ...]) -> None:
        super().__init__()
        self._wanted = wanted

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or any(
            record.name == name or record.name.startswith(name + ".") for name in self._wanted
        )


def install(log_file: Path | None, *, debug: bool, subjects: str = "", as_json: bool = False) -> LogRing:
    """Set up logging for the process and return the ring that the log panel reads.

    Args:
        log_file: where to write (0600, rotated at 5 MB); None writes no file.
        debug: frames and decisions too.
        subjects: comma-separated logger names, e.g. ``"orders,venue.kraken"``; empty means all.
        as_json: one JSON object a line on standard error, for tests and tools.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    ring = LogRing()
    handlers: list[logging.Handler] = [ring]
    console = logging.StreamHandler(sys.stderr)
    console.setLevel(logging.DEBUG if debug or as_json else logging.WARNING)
    console.setFormatter(_JsonLines() if as_json else _TextLines(_TEXT))
    handlers.append(console)
    if log_file is not None:
        file = _file_handler(log_file)
        file.pinned_level, file.pinned_subjects = debug, bool(subjects)
        handlers.append(file)
    wanted = _names(subjects)
    for handler in handlers:
        handler.addFilter(Redaction())
        if wanted:
            handler.addFilter(_Subjects(wanted))
        root.addHandler(handler)
    return ring


def follow_settings(level: str, subjects: str) -> None:
    """Let the settings say what goes into the log file from now on, as far as the command line has not."""
    root = logging.getLogger()
    wanted = logging.getLevelNamesMapping()[level.upper()]
    for handler in root.handlers:
        if isinstance(handler, LogFile):
            handler.follow(wanted, _names(subjects))
            if not handler.pinned_level:
                # The log panel and the console keep their own levels.
                root.setLevel(min(wanted, logging.INFO))


def _names(subjects: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in subjects.split(",") if name.strip())


def _file_handler(path: Path) -> LogFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made closed to others before the first byte is written.
    os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    if os.name != "nt":
        path.chmod(0o600)
    handler = LogFile(path, maxBytes=_FILE_BYTES, backupCount=3, encoding="utf-8")
    handler.setFormatter(_TextLines(_TEXT))
    return handler
