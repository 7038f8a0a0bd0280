"""The person's settings: checked by the one table, written whole, and never lost to a bad file.

The file is JSON. A file that cannot be used is renamed to ``.bad-<time>`` and the last good copy beside it
(``.last-good``) takes its place, with a notice; else the defaults. Keys that this version does not know are
kept for the one that does. Nothing secret is ever a setting.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from terminal.core import tasks
from terminal.core.files import make_private, set_aside, write_whole
from terminal.core.observe import Observable
from terminal.domain.errors import SettingsError, StorageError
from terminal.services.notices import Level, Notice
from terminal.services.settings_table import BY_KEY, SETTINGS, Kind, Setting, Value

__all__ = ["SETTINGS", "Kind", "Setting", "Settings", "Value"]

log = logging.getLogger("settings")

FILE_VERSION: Final = 1
_MAX_BYTES: Final = 4 * 2**20
_SAVE_AFTER_S: Final = 0.3
_SAVE_TIMEOUT_S: Final = 2.0
_SCOPE: Final = re.compile(r"[a-z0-9_-]{1,40}(:[a-z0-9_-]{1,40})?")


class _UnusableError(Exception):
    """A file that cannot be read as settings."""


class Settings:
    """Values by key. Changes reach the disk a moment later, in a thread; :meth:`flush` waits for them.

    Attributes:
        changed: called with key and scope after each change.
        noticed: called with each new notice (also kept in ``notices``).
    """

    def __init__(self, path: Path | None) -> None:
        """``path`` None keeps everything in memory."""
        self.path = path
        self.changed: Observable[[str, str | None]] = Observable("settings")
        self.noticed: Observable[[Notice]] = Observable("notices of the settings")
        self.notices: list[Notice] = []
        self._values: dict[tuple[str, str | None], Value] = {}
        self._unknown: dict[str, Any] = {}
        self._version = 0
        self._written = 0
        self._file_lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        if path is not None:
            self._load(path)

    def get(self, key: str, scope: str | None = None) -> Value:
        """A value; of the closest scope: ``kraken:spot``, then ``kraken``, then the general one.

        Raises:
            SettingsError: there is no such setting.
        """
        setting = self._setting(key)
        while scope is not None:
            if (key, scope) in self._values:
                return self._values[key, scope]
            scope = scope.rpartition(":")[0] or None
        return self._values.get((key, None), setting.default)

    def flag(self, key: str, scope: str | None = None) -> bool:
        """An on-or-off value."""
        value = self.get(key, scope)
        return value if isinstance(value, bool) else self._not(key, "on or off")

    def whole(self, key: str, scope: str | None = None) -> int:
        """A whole number."""
        value = self.get(key, scope)
        return value if isinstance(value, int) and not isinstance(value, bool) else self._not(key, "whole")

    def number(self, key: str, scope: str | None = None) -> Decimal:
        """A number."""
        value = self.get(key, scope)
        if isinstance(value, Decimal):
            return value
        return Decimal(value) if isinstance(value, int) else self._not(key, "a number")

    def text(self, key: str, scope: str | None = None) -> str:
        """A text, a choice or an address."""
        value = self.get(key, scope)
        return value if isinstance(value, str) else self._not(key, "a text")

    def items(self, key: str, scope: str | None = None) -> tuple[str, ...]:
        """A list."""
        value = self.get(key, scope)
        return value if isinstance(value, tuple) else self._not(key, "a list")

    def endpoints(self, venue: str) -> dict[str, str]:
        """The addresses that the person has put in place of a venue's own, by name."""
        found = {}
        for setting in SETTINGS:
            if setting.section == "endpoint" and (address := self.text(setting.key, venue)):
                found[setting.key.partition(".")[2]] = address
        return found

    def is_set(self, key: str, scope: str | None = None) -> bool:
        """Whether the person has chosen a value for exactly this key and scope."""
        return (key, scope) in self._values

    def set(self, key: str, value: object, scope: str | None = None) -> None:
        """Check and keep a value, typed or as text.

        Raises:
            SettingsError: no such setting, or the value does not fit; nothing has changed.
            StorageError: outside the event loop only: the disk did not take it. The value holds until the end
                of this run.
        """
        setting = self._setting(key)
        if scope is not None and (not setting.scoped or not _SCOPE.fullmatch(scope)):
            raise SettingsError(
                f"setting {key} has no scope {scope!r}", user_text="This has one value for all venues."
            )
        checked = setting.parse(value)
        if self._values.get((key, scope)) == checked and (key, scope) in self._values:
            return
        self._values[key, scope] = checked
        self._after_change(key, scope)

    def reset(self, key: str, scope: str | None = None) -> None:
        """Back to the default (or, for a scope, to the general value)."""
        self._setting(key)
        if self._values.pop((key, scope), None) is not None:
            self._after_change(key, scope)

    def watch(self, key: str, fn: Callable[[Value], object], scope: str | None = None) -> Callable[[], None]:
        """Call ``fn`` with the value now and after each change, until the returned function is called."""
        last = self.get(key, scope)

        def look(changed: str, changed_scope: str | None) -> None:
            nonlocal last
            if changed == key and (value := self.get(key, scope)) != last:
                last = value
                fn(value)

        unwatch = self.changed.watch(look)
        fn(last)
        return unwatch

    def flush(self) -> None:
        """Write what is not on disk yet; call it before the program ends.

        Raises:
            StorageError: the disk did not take it.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.path is None or self._written == self._version:
            return
        try:
            self._write(self.path, self._rendered(), self._version)
        except OSError as error:
            raise StorageError(
                f"settings not saved: {error}",
                user_text="The disk did not take the settings; they hold until you quit.",
            ) from error

    async def close(self) -> None:
        """Let a save that is under way end, and write what is not on disk yet. Raises as :meth:`flush`."""
        if self._saving is not None:
            await asyncio.wait([self._saving], timeout=_SAVE_TIMEOUT_S)
        self.flush()

    def _setting(self, key: str) -> Setting:
        try:
            return BY_KEY[key]
        except KeyError:
            raise SettingsError(f"there is no setting {key!r}") from None

    def _not(self, key: str, what: str) -> Any:
        raise SettingsError(f"setting {key} is not {what}")

    # Writing

    def _after_change(self, key: str, scope: str | None) -> None:
        self._version += 1
        self.changed.notify(key, scope)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self.path is not None and self._timer is None:
            self._timer = loop.call_later(_SAVE_AFTER_S, self._start_saving)

    def _start_saving(self) -> None:
        self._timer = None
        self._saving = tasks.spawn(self._save(), name="saving settings")

    async def _save(self) -> None:
        if self.path is None:
            return
        try:
            await asyncio.to_thread(self._write, self.path, self._rendered(), self._version)
        except OSError as error:
            log.error("settings not saved: %s", error)
            self._notice(
                Level.ERROR, "The disk did not take the settings; they hold until you quit.", str(error)
            )

    def _rendered(self) -> bytes:
        stored = dict(self._unknown)
        for (key, scope), value in self._values.items():
            name = key if scope is None else f"{key}@{scope}"
            stored[name] = str(value) if isinstance(value, Decimal) else value
        document = {"version": FILE_VERSION, "settings": dict(sorted(stored.items()))}
        return json.dumps(document, indent=2, ensure_ascii=False, default=str).encode() + b"\n"

    def _write(self, path: Path, data: bytes, version: int) -> None:
        with self._file_lock:
            if version <= self._written:
                return
            write_whole(path, data)
            self._written = version
            write_whole(_last_good(path), data)

    # Reading

    def _load(self, path: Path) -> None:
        try:
            stored = _read(path)
        except FileNotFoundError:
            return
        except (_UnusableError, OSError) as error:
            stored = self._recover(path, error)
        else:
            self._close_to_others(path)
        self._take(stored)

    def _recover(self, path: Path, error: Exception) -> Mapping[str, Any]:
        """Set the bad file aside and read the last good copy."""
        log.error("the settings file is unusable: %s", error)
        kept = ""
        try:
            kept = set_aside(path).name
        except OSError as failed:
            log.error("the bad settings file could not be set aside: %s", failed)
        try:
            stored = _read(_last_good(path))
        except (FileNotFoundError, _UnusableError, OSError):
            stored, instead = {}, "the defaults are in use"
        else:
            instead = "the last good copy is in use"
        aside = f"; it was kept as {kept}" if kept else ""
        self._notice(Level.WARNING, f"The settings file could not be read, {instead}{aside}.", str(error))
        self._version += 1  # what is in use goes to disk with the next change, or at the end
        return stored

    def _take(self, stored: Mapping[str, Any]) -> None:
        refused = []
        for name, raw in stored.items():
            key, _, scope = name.partition("@")
            setting = BY_KEY.get(key)
            if setting is None or (scope and not (setting.scoped and _SCOPE.fullmatch(scope))):
                self._unknown[name] = raw
                continue
            try:
                self._values[key, scope or None] = setting.parse(raw)
            except SettingsError as error:
                log.warning("a stored setting is refused: %s", error)
                refused.append(name)
        if refused:
            names = ", ".join(refused[:5]) + (" and others" if len(refused) > 5 else "")
            self._notice(Level.WARNING, f"Settings with impossible values have their defaults: {names}.")

    def _close_to_others(self, path: Path) -> None:
        try:
            if make_private(path):
                self._notice(Level.WARNING, "The settings file was open to other users; that is repaired.")
        except OSError as error:
            log.warning("the mode of the settings file cannot be set: %s", error)

    def _notice(self, level: Level, text: str, detail: str = "") -> None:
        notice = Notice(level, text, detail)
        self.notices.append(notice)
        self.noticed.notify(notice)


def _last_good(path: Path) -> Path:
    return path.with_name(path.name + ".last-good")


def _read(path: Path) -> Mapping[str, Any]:
    """The stored values of a file.

    Raises:
        _UnusableError: it is not a settings file that this version can read.
        OSError: it cannot be read at all.
    """
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise _UnusableError("far too large")
    try:
        document = json.loads(data, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _UnusableError(f"not JSON: {str(error)[:100]}") from None
    if not isinstance(document, dict) or not isinstance(document.get("settings"), dict):
        raise _UnusableError("not a settings file")
    version = document.get("version")
    if version != FILE_VERSION or isinstance(version, bool):
        raise _UnusableError(f"made by another version ({str(version)[:20]})")
    stored: Mapping[str, Any] = document["settings"]
    return stored


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
