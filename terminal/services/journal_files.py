"""The journal's file: opened durable, proven sound, set aside when it is not, and copied while it is good.

SQLite in WAL mode with ``synchronous=FULL``: a commit that returned is on the disk. Everything here blocks
and runs in the journal's own thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import stat
import time
from pathlib import Path

from terminal.services.notices import Level, Notice

log = logging.getLogger("orders")

SCHEMA_VERSION = 1
_BUSY_TIMEOUT_S = 2.0
_TABLES = {"orders", "fills", "events", "seen"}
_SCHEMA = """
CREATE TABLE orders (
    client_order_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    venue_order_id TEXT,
    state TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    created_ns INTEGER NOT NULL,
    updated_ns INTEGER NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX orders_recent ON orders (is_open, updated_ns);
CREATE TABLE fills (
    account TEXT NOT NULL,
    fill_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    ts_event_ns INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, fill_id)
);
CREATE INDEX fills_recent ON fills (ts_event_ns);
CREATE INDEX fills_of_order ON fills (client_order_id);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    ts_ns INTEGER NOT NULL,
    client_order_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE TABLE seen (account TEXT PRIMARY KEY, until_ns INTEGER NOT NULL);
"""


def good_copy_of(path: Path) -> Path:
    """Where the last good copy of a journal lies."""
    return path.with_name(path.name + ".good")


def open_journal(path: Path, notices: list[Notice]) -> sqlite3.Connection:
    """Open a journal, set an unusable one aside, and use the last good copy where there is one.

    Raises:
        OSError, sqlite3.Error: no journal can be kept here now (read-only, full, no such folder).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        if not good_copy_of(path).exists():
            return _create(path)
        notices.append(
            Notice(Level.WARNING, "The order journal was missing; its last good copy is in use.", str(path))
        )
        return _restore(path, notices)
    _make_private(path, notices)
    try:
        return _open_sound(path)
    except _UnusableError as error:
        reason = str(error)
    log.error("the order journal is unusable: %s", reason)
    kept = _set_aside(path)
    notices.append(
        Notice(
            Level.ERROR,
            f"The order journal could not be read and was kept as {kept.name}. "
            "Orders are compared with each venue before trading opens.",
            reason,
        )
    )
    return _restore(path, notices)


class _UnusableError(Exception):
    """The file is no journal of ours, or a broken one."""


def _create(path: Path) -> sqlite3.Connection:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    os.close(descriptor)
    connection = _connect(path)
    try:
        connection.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version={SCHEMA_VERSION};COMMIT;")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    # macOS: fsync alone does not reach the platter there.
    connection.execute("PRAGMA fullfsync=1")
    return connection


def _open_sound(path: Path) -> sqlite3.Connection:
    """Open an existing file and prove that it is a whole journal of this version."""
    if path.stat().st_size == 0:
        raise _UnusableError("the file is empty")
    try:
        connection = _connect(path)
    except sqlite3.OperationalError as error:
        if _is_trouble(error):
            raise
        raise _UnusableError(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise _UnusableError(str(error)) from error
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise _UnusableError(f"its version is {version}, this terminal writes {SCHEMA_VERSION}")
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise _UnusableError(str(verdict))
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        if not tables >= _TABLES:
            raise _UnusableError("tables are missing")
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError) and _is_trouble(error):
            raise
        raise _UnusableError(str(error)) from error
    except _UnusableError:
        connection.close()
        raise
    return connection


def _is_trouble(error: sqlite3.OperationalError) -> bool:
    """Whether the disk or the folder is at fault, and not the file's content."""
    text = str(error).lower()
    return any(word in text for word in ("unable to open", "readonly", "locked", "full", "disk i/o", "busy"))


def _set_aside(path: Path) -> Path:
    """Rename a bad journal with its side files, so that nothing of it is lost; returns its new name."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    kept = path.with_name(f"{path.name}.bad-{stamp}")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.bad-{stamp}-{number}")
    os.replace(path, kept)
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        with contextlib.suppress(FileNotFoundError):
            os.replace(side, kept.with_name(kept.name + suffix))
    return kept


def _restore(path: Path, notices: list[Notice]) -> sqlite3.Connection:
    """The last good copy, if it is sound, else a fresh journal."""
    good = good_copy_of(path)
    if not good.exists():
        return _create(path)
    fresh = path.with_name(path.name + ".restored")
    fresh.write_bytes(good.read_bytes())
    fresh.chmod(0o600)
    os.replace(fresh, path)
    try:
        connection = _open_sound(path)
    except _UnusableError as error:
        log.error("the good copy of the journal is unusable too: %s", error)
        _set_aside(path)
        return _create(path)
    age_min = max(0, round((time.time() - good.stat().st_mtime) / 60))
    notices.append(
        Notice(Level.WARNING, f"The journal's last good copy is in use; it is {age_min} min old.", str(good))
    )
    return connection


def _make_private(path: Path, notices: list[Notice]) -> None:
    """Take group and others off the file's permissions."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        path.chmod(0o600)
        notices.append(
            Notice(Level.WARNING, "The order journal was readable by others; that is repaired.", str(path))
        )


def copy_good(path: Path) -> None:
    """Copy the journal as it stands next to itself, while the journal's thread goes on writing.

    Raises:
        OSError, sqlite3.Error: the copy could not be made; the previous one is untouched.
    """
    target = good_copy_of(path)
    part = target.with_name(target.name + ".part")
    descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    os.close(descriptor)
    with (
        contextlib.closing(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)) as source,
        contextlib.closing(sqlite3.connect(part)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, target)
