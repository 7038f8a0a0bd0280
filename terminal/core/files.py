"""Files that are whole or not there, closed to other users, and set aside rather than lost."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file's content so that a crash leaves the old or the new one, never a part; mode 0600.

    Raises:
        OSError: the disk did not take it; the old content stands.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        # The mode is set before a byte is in the file.
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            if os.name == "posix":
                os.fchmod(descriptor, 0o600)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    _sync_folder(path.parent)


def set_aside(path: Path) -> Path:
    """Rename a file to ``<name>.bad-<UTC time>`` so that nothing of it is lost; returns the new name.

    Raises:
        OSError: it cannot be renamed.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    kept = path.with_name(f"{path.name}.bad-{stamp}")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.bad-{stamp}-{number}")
    os.replace(path, kept)
    return kept


def make_private(path: Path) -> bool:
    """Close a file to group and others; True where it was open to them.

    Raises:
        OSError: the mode cannot be read or set.
    """
    if os.name != "posix":
        return False
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return False
    path.chmod(mode & 0o700)
    return True


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where the system has such a thing."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
