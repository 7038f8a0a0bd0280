"""The last lines of the log, filtered. What arrives here has been scrubbed of secrets already."""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime
from typing import Any, Protocol

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from terminal.core.log_ring import LogLine
from terminal.core.observe import Observable
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.tables import TONE_ROLE

Index = QModelIndex | QPersistentModelIndex

LEVELS = (("All", logging.INFO), ("Warnings", logging.WARNING), ("Errors", logging.ERROR))
TITLES = ("Time", "Level", "Subject", "Text")
WIDTHS = (92, 70, 120, 600)
_MAX_ROWS = 2000


class LogSource(Protocol):
    """Where the lines come from (:class:`terminal.core.log_ring.LogRing`)."""

    lines: deque[LogLine]
    changed: Observable[[]]


class LogModel(QAbstractTableModel):
    """Lines as rows, oldest first. Rows are only ever added below or dropped above."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: deque[LogLine] = deque()

    def line(self, row: int) -> LogLine:
        """The line of a row."""
        return self._lines[row]

    def reset(self, lines: list[LogLine]) -> None:
        """Show these lines instead (another filter)."""
        self.beginResetModel()
        self._lines = deque(lines[-_MAX_ROWS:])
        self.endResetModel()

    def append(self, lines: list[LogLine]) -> None:
        """Add lines below."""
        if not lines:
            return
        first = len(self._lines)
        self.beginInsertRows(QModelIndex(), first, first + len(lines) - 1)
        self._lines.extend(lines)
        self.endInsertRows()
        surplus = len(self._lines) - _MAX_ROWS
        if surplus > 0:
            self.beginRemoveRows(QModelIndex(), 0, surplus - 1)
            for _ in range(surplus):
                self._lines.popleft()
            self.endRemoveRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(TITLES)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        line = self._lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(line)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tip(line) if index.column() == len(TITLES) - 1 else None
        if role == TONE_ROLE:
            if line.level >= logging.ERROR:
                return "danger"
            if line.level >= logging.WARNING:
                return "warning"
            return "" if index.column() == len(TITLES) - 1 else "muted"
        return None


def _texts(line: LogLine) -> tuple[str, str, str, str]:
    moment = datetime.fromtimestamp(int(line.time_s), tz=UTC).astimezone()
    stamp = f"{moment:%H:%M:%S}.{int(line.time_s % 1 * 1000):03d}"
    return stamp, logging.getLevelName(line.level).lower(), line.logger, line.text


def _tip(line: LogLine) -> str:
    return f"{line.text}\nOrder {line.ids}" if line.ids else line.text


class LogViewModel(QObject):
    """The log panel.

    Signals:
        changed: the filter or the number of shown lines changed.
    """

    changed = Signal()

    def __init__(self, source: LogSource, frames: FrameClock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model = LogModel(self)
        self.text_filter = ""
        self.least_level = logging.INFO
        self._source = source
        self._frames = frames
        self._last: LogLine | None = None
        self._visible = True
        source.changed.watch(self._on_lines)
        self._refill()

    def set_visible(self, visible: bool) -> None:
        """A hidden panel takes no lines; it catches up when it is shown."""
        self._visible = visible
        if visible:
            self._frames.request(self._take)

    def set_text_filter(self, text: str) -> None:
        """Show only lines with this text in subject, text or order ids, in any case."""
        self.text_filter = text.strip().casefold()
        self._refill()

    def set_least_level(self, level: int) -> None:
        """Show only lines of at least this level (:data:`LEVELS`)."""
        self.least_level = level
        self._refill()

    def copied_text(self) -> str:
        """All shown lines as text for the clipboard."""
        rows = (self.model.line(row) for row in range(self.model.rowCount()))
        return "\n".join("  ".join((*_texts(line), *([line.ids] if line.ids else []))) for line in rows)

    def _on_lines(self) -> None:
        if self._visible:
            self._frames.request(self._take)

    def _take(self) -> None:
        fresh = []
        for line in reversed(self._source.lines):
            if line is self._last:
                break
            fresh.append(line)
        if not fresh:
            return
        self._last = fresh[0]
        self.model.append([line for line in reversed(fresh) if self._passes(line)])
        self.changed.emit()

    def _refill(self) -> None:
        lines = list(self._source.lines)
        self._last = lines[-1] if lines else None
        self.model.reset([line for line in lines if self._passes(line)])
        self.changed.emit()

    def _passes(self, line: LogLine) -> bool:
        if line.level < self.least_level:
            return False
        wanted = self.text_filter
        return not wanted or any(wanted in text.casefold() for text in (line.text, line.logger, line.ids))
