"""Keeps what each account was worth when its day began, so that a restart does not forget the result."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from terminal.core.files import set_aside, write_whole

log = logging.getLogger("settings")


class FileDayStore:
    """One small JSON file for all accounts. A file that cannot be read only costs the day's figure; it is set
    aside, and ``on_notice`` is called with a sentence for the person."""

    def __init__(self, path: Path, on_notice: Callable[[str], object] = log.warning) -> None:
        self.on_notice = on_notice
        self._path = path
        self._days: dict[str, Any] | None = None

    def load(self, account: str) -> Mapping[str, Any] | None:
        """How an account's day began, as it was kept."""
        entry = self._read().get(account)
        return entry if isinstance(entry, dict) and entry else None

    def save(self, account: str, day: Mapping[str, Any]) -> None:
        """Keep the beginning of an account's day."""
        days = self._read()
        days[account] = dict(day)
        try:
            write_whole(self._path, json.dumps(days).encode())
        except OSError as error:
            log.warning("the beginning of the day could not be kept: %s", error)

    def _read(self) -> dict[str, Any]:
        if self._days is None:
            self._days = self._read_file()
        return self._days

    def _read_file(self) -> dict[str, Any]:
        try:
            days = json.loads(self._path.read_bytes())
        except OSError:
            return {}
        except (ValueError, RecursionError):
            days = None
        if isinstance(days, dict):
            return days
        aside = ""
        try:
            aside = f" and put aside as {set_aside(self._path).name}"
        except OSError as error:
            log.warning("%s cannot be put aside: %s", self._path.name, error)
        self.on_notice(
            f"The file with the beginning of the day was damaged{aside}. Today's result counts from now."
        )
        return {}
