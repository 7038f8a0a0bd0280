"""Keeps what each account was worth when its day began, so that a restart does not forget the result."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from terminal.core.files import set_aside, write_whole
from terminal.domain.decimals import wire_text

log = logging.getLogger("settings")


class FileDayStore:
    """One small JSON file for all accounts. A file that cannot be read only costs the day's figure; it is set
    aside, and ``on_notice`` is called with a sentence for the person."""

    def __init__(self, path: Path, on_notice: Callable[[str], object] = log.warning) -> None:
        self.on_notice = on_notice
        self._path = path
        self._days: dict[str, Any] | None = None

    def load(self, account: str) -> tuple[str, Mapping[str, Decimal | None]] | None:
        """The ISO date, and the worth by asset in the home currency (None: not known then)."""
        try:
            entry = self._read()[account]
            day, worth = entry["day"], entry["worth"]
            return str(day), {asset: None if text is None else Decimal(text) for asset, text in worth.items()}
        except (TypeError, KeyError, AttributeError, InvalidOperation):
            return None

    def save(self, account: str, day: str, worth: Mapping[str, Decimal | None]) -> None:
        """Keep the beginning of an account's day."""
        days = self._read()
        days[account] = {
            "day": day,
            "worth": {
                asset: None if amount is None else wire_text(amount) for asset, amount in worth.items()
            },
        }
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
