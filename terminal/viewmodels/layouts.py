"""Named layouts on disk: one JSON file each, with a checksum and ten backups.

A file is written beside its place and renamed into it. One that cannot be read is renamed aside, the newest
good backup takes its place, and the person is told. A layout never holds a key or an amount.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

log = logging.getLogger("ui")

VERSION = 1
BACKUPS = 10
_LAST_USED = "last-used.txt"
_MAX_BYTES = 1_000_000


class LayoutUnreadable(Exception):
    """The file is not a layout that this program wrote whole."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands. ``geometry`` and ``state`` are Qt's own blobs."""

    geometry: bytes
    state: bytes
    panels: tuple[str, ...] = ()
    """The panels that existed when it was saved: a newer program adds its new ones."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What panels keep with the layout: symbols, intervals, link groups, column widths."""

    def encode(self) -> str:
        """The file's text."""
        body = {
            "version": VERSION,
            "geometry": base64.b64encode(self.geometry).decode(),
            "state": base64.b64encode(self.state).decode(),
            "panels": list(self.panels),
            "settings": self.settings,
        }
        return json.dumps({"checksum": _checksum(body), **body}, indent=1, ensure_ascii=False)

    @classmethod
    def decode(cls, text: str) -> Layout:
        """A layout from its file's text. Raises LayoutUnreadable."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict):
                raise LayoutUnreadable("no object")
            checksum = data.pop("checksum", None)
            if data.get("version") != VERSION:
                raise LayoutUnreadable(f"version {data.get('version')!r}")
            if checksum != _checksum(data):
                raise LayoutUnreadable("the checksum does not match")
            return cls(
                geometry=base64.b64decode(data["geometry"], validate=True),
                state=base64.b64decode(data["state"], validate=True),
                panels=tuple(str(name) for name in data["panels"]),
                settings=dict(data["settings"]),
            )
        except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
            raise LayoutUnreadable(str(error)) from error


def _checksum(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class LayoutStore:
    """The folder of layouts.

    Attributes:
        on_notice: called with a sentence for the person when a file had to be put aside.
    """

    def __init__(self, folder: Path, on_notice: Callable[[str], object] = log.warning) -> None:
        self.on_notice = on_notice
        self._folder = folder
        self._is_open = True
        self._latest: dict[str, Layout] = {}
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="layouts")

    def names(self) -> list[str]:
        """The saved layouts, by name."""
        found = {path.stem for path in self._folder.glob("*.json")} if self._folder.is_dir() else set()
        return sorted(found | self._latest.keys())

    def load(self, name: str) -> Layout | None:
        """A layout, or its newest good backup; None where there is neither."""
        # The thread may still be writing what was saved a moment ago.
        if safe_name(name) in self._latest:
            return self._latest[safe_name(name)]
        path = self._path(name)
        if not path.exists():
            return self._newest_backup(name)
        try:
            return _read(path)
        except (LayoutUnreadable, OSError) as error:
            log.warning("layout %s cannot be read: %s", path.name, error)
        aside = path.with_name(f"{path.name}.bad-{time.strftime('%Y%m%d-%H%M%S')}")
        with contextlib.suppress(OSError):
            path.replace(aside)
        backup = self._newest_backup(name)
        self.on_notice(
            f"The layout “{name}” was damaged and put aside as {aside.name}. "
            + ("The last good one is used." if backup is not None else "The first layout is used instead.")
        )
        return backup

    def save(self, name: str, layout: Layout) -> None:
        """Write a layout; the one before becomes a backup. Returns at once, a thread does the work."""
        self._latest[safe_name(name)] = layout
        self._submit(self._write, name, layout)

    def delete(self, name: str) -> None:
        """Remove a layout; its backups stay."""
        self._latest.pop(safe_name(name), None)
        self._submit(self._unlink, name)

    def last_used(self) -> str | None:
        """The name of the layout that was shown last."""
        try:
            name = (self._folder / _LAST_USED).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return name or None

    def set_last_used(self, name: str) -> None:
        """Remember which layout to open at the next start."""
        self._submit(self._note_last_used, name)

    def close(self) -> None:
        """Wait until everything asked for is on disk; what is asked for later is not kept."""
        self._is_open = False
        self._writer.shutdown(wait=True)

    def _submit(self, work: Callable[..., None], *args: object) -> None:
        if self._is_open:
            self._writer.submit(work, *args)
        else:
            log.warning("a layout was changed after the last save")

    def _unlink(self, name: str) -> None:
        with contextlib.suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{safe_name(name)}.json"

    def _backups(self, name: str) -> list[Path]:
        """Newest first."""
        folder = self._folder / "backups"
        found = folder.glob(f"{safe_name(name)}.*.json") if folder.is_dir() else ()
        return sorted(found, key=lambda path: path.name, reverse=True)

    def _newest_backup(self, name: str) -> Layout | None:
        for path in self._backups(name):
            try:
                return _read(path)
            except (LayoutUnreadable, OSError):
                continue
        return None

    def _note_last_used(self, name: str) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _replace(self._folder / _LAST_USED, safe_name(name))
        except OSError as error:
            log.warning("the last used layout cannot be noted: %s", error)

    def _write(self, name: str, layout: Layout) -> None:
        path = self._path(name)
        text = layout.encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                before = path.read_text(encoding="utf-8", errors="replace")
                if before == text:
                    return
                backups = path.parent / "backups"
                backups.mkdir(exist_ok=True)
                _replace(backups / f"{path.stem}.{time.time_ns():020d}.json", before)
                for old in self._backups(name)[BACKUPS:]:
                    old.unlink(missing_ok=True)
            _replace(path, text)
        except OSError as error:
            log.warning("layout %s cannot be saved: %s", path.name, error)


def safe_name(name: str) -> str:
    """A layout's name as a file name: no separators, no leading dot, at most 60 characters."""
    cleaned = re.sub(r"[^\w \-]", "_", name.strip())[:60].strip()
    return cleaned or "Layout"


def _read(path: Path) -> Layout:
    if path.stat().st_size > _MAX_BYTES:
        raise LayoutUnreadable("too large")
    try:
        return Layout.decode(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise LayoutUnreadable("not text") from error


def _replace(path: Path, text: str) -> None:
    """Write whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
