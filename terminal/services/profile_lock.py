"""One running terminal for each profile: two would share a key's nonces and a journal.

The file is locked by the operating system for as long as the process lives, so a lock never outlives its
owner, not even after kill -9. The pid and the start time in it are for the message; on file systems without
locks they decide instead: a pid that is gone, or belongs to a process that started at another time, is stale.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

from terminal.domain.errors import SettingsError

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class ProfileInUse(SettingsError):
    """Another terminal has this profile open."""

    def __init__(self, pid: int | None) -> None:
        who = f" (process {pid})" if pid is not None else ""
        super().__init__(
            f"profile in use by pid {pid}",
            user_text=f"This profile is open in another Parallax window{who}. "
            "Close it, or start with another profile.",
        )
        self.pid = pid


class ProfileLock:
    """Holds a profile from :meth:`acquire` to :meth:`release`, or inside a ``with``.

    Keep the object: the lock goes with it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self) -> ProfileLock:
        """Take the lock, a stale one included.

        Raises:
            ProfileInUse: its owner is running.
            OSError: the file cannot be made (the folder is missing or read-only).
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        file = os.fdopen(descriptor, "r+", encoding="utf-8")
        try:
            locked = _lock(file)
            pid, started = _read_owner(file)
            if locked is False or (locked is None and _is_running(pid, started)):
                raise ProfileInUse(pid)
            file.seek(0)
            file.truncate()
            json.dump({"pid": os.getpid(), "started": process_start(os.getpid())}, file)
            file.flush()
        except BaseException:
            file.close()
            raise
        self._file = file
        return self

    def release(self) -> None:
        """Give the profile back; the empty file stays, because removing it would race with the next owner."""
        file, self._file = self._file, None
        if file is None:
            return
        with contextlib.suppress(OSError):
            file.seek(0)
            file.truncate()
        file.close()

    def __enter__(self) -> ProfileLock:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _read_owner(file: IO[str]) -> tuple[int | None, str]:
    try:
        file.seek(0)
        owner = json.loads(file.read(4096) or "{}")
        return int(owner["pid"]), str(owner["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, ""


def _is_running(pid: int | None, started: str) -> bool:
    """Whether that very process lives: a pid alone may have been given to somebody else since."""
    if pid is None:
        return False
    if started:
        return process_start(pid) == started
    try:
        os.kill(pid, 0)  # reached on POSIX alone: Windows always has locks
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def process_start(pid: int) -> str:
    """When a process started, as a text that only serves for comparison; empty where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    # The name, field 2, may hold spaces and brackets: count from its closing bracket. Field 22 is the start.
    fields = text.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> bool | None:
        """True: ours now. False: somebody else's. None: this file system has no locks."""
        try:
            # A byte far behind the text, so that the owner can still be read.
            os.lseek(file.fileno(), 1 << 20, os.SEEK_SET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[str]) -> bool | None:
        """True: ours now. False: somebody else's. None: this file system has no locks."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return None
            return False
        return True
