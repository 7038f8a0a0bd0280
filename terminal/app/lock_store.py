"""Keeps the state of the loss lock: written whole, twice, so that a damaged file does not open the lock."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from terminal.core.files import set_aside, write_whole
from terminal.domain.errors import StorageError

log = logging.getLogger("orders")

_MAX_BYTES: Final = 2**20
_NAME: Final = "The file with the state of the loss lock"


class _UnusableError(Exception):
    """A file that holds no state."""


class FileLockStore:
    """One small JSON file, and the last good copy beside it (``.last-good``)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._copy = path.with_name(path.name + ".last-good")

    def load(self, take: Callable[[Mapping[str, Any]], bool]) -> tuple[bool, str]:
        """Offer what was kept to ``take``, which says whether it can use it. Whether it could; and what was
        wrong with the file, in a sentence or two."""
        try:
            _offer(self._path, take)
            return True, ""
        except FileNotFoundError:
            if not self._copy.exists():
                return False, ""
            trouble = f"{_NAME} is gone"
        except (_UnusableError, OSError) as error:
            log.error("%s is unusable: %s", self._path.name, error)
            trouble = f"{_NAME} was damaged{self._put_aside(self._path)}"
        try:
            _offer(self._copy, take)
            return True, f"{trouble}. Its last good copy is in use."
        except FileNotFoundError:
            return False, f"{trouble}."
        except (_UnusableError, OSError) as error:
            log.error("%s is unusable: %s", self._copy.name, error)
            return False, f"{trouble}, and so was its copy{self._put_aside(self._copy)}."

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep the state. Raises StorageError where the disk did not take it."""
        data = json.dumps(state, indent=1).encode()
        try:
            write_whole(self._path, data)
            write_whole(self._copy, data)
        except OSError as error:
            raise StorageError(
                f"the loss lock was not kept: {error}",
                user_text="The disk did not take the state of the loss lock; it holds until you quit.",
            ) from error

    def _put_aside(self, path: Path) -> str:
        try:
            return f" (kept as {set_aside(path).name})"
        except OSError as error:
            log.warning("%s cannot be put aside: %s", path.name, error)
            return ""


def _offer(path: Path, take: Callable[[Mapping[str, Any]], bool]) -> None:
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise _UnusableError("far too large")
    try:
        state = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _UnusableError(f"not JSON: {str(error)[:100]}") from None
    if not isinstance(state, dict) or not take(state):
        raise _UnusableError("not the state of a lock, or of another version")
