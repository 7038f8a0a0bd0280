"""The raw wire to a file and back, secrets removed.

One JSON object a line: ``t`` wall time in ns, ``link``, ``dir`` (``in`` or ``out``), and ``frame`` (text) or
``b64`` (binary). For tests, bug reports and replay.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, cast

from terminal.core.secret import scrub
from terminal.domain.errors import StorageError

log = logging.getLogger("recorder")

Direction = Literal["in", "out"]
_BUFFER_BYTES = 256 * 1024


class Recorded(NamedTuple):
    """One frame of a recording."""

    ts_ns: int
    link: str
    direction: Direction
    frame: str | bytes


class Recorder:
    """Writes frames to a file of at most ``max_bytes``; the part before goes to ``<name>.1`` and is kept.

    A recorder never disturbs what it records: where the disk fails it stops, says so once in the log, and
    :attr:`failed` holds the reason.

    Raises:
        StorageError: the file cannot be opened.
    """

    def __init__(self, path: Path, *, max_bytes: int = 64 * 2**20) -> None:
        self.path = path
        self.failed = ""
        self._max_bytes = max_bytes
        self._size = 0
        self._file: io.BufferedWriter | None = None
        try:
            self._file = self._open()
        except OSError as error:
            raise StorageError(f"cannot record to {path.name}: {error}") from error

    def write(self, ts_ns: int, link: str, direction: Direction, frame: str | bytes) -> None:
        """Add one frame."""
        if self._file is None:
            return
        record: dict[str, object] = {"t": ts_ns, "link": link, "dir": direction}
        if isinstance(frame, str):
            record["frame"] = scrub(frame)
        else:
            # latin-1 maps every byte to itself, so that known secrets are found in binary frames too.
            record["b64"] = base64.b64encode(scrub(frame.decode("latin-1")).encode("latin-1")).decode()
        line = (
            json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
        )
        try:
            if self._size and self._size + len(line) > self._max_bytes:
                self._file.close()
                os.replace(self.path, self.path.with_name(self.path.name + ".1"))
                self._file = self._open()
            self._file.write(line)
            self._size += len(line)
        except OSError as error:
            self._give_up(error)

    def tap(self, link: str) -> Callable[[str, str | bytes, int], None]:
        """A function for ``WebSocketLink(tap=...)`` that records under this name."""

        def record(direction: str, frame: str | bytes, ts_ns: int) -> None:
            self.write(ts_ns, link, cast("Direction", direction), frame)

        return record

    def close(self) -> None:
        """Write out what is buffered; safe to call twice."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._give_up(error)

    def _open(self) -> io.BufferedWriter:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
        self._size = 0
        return io.BufferedWriter(io.FileIO(descriptor, "w"), _BUFFER_BYTES)

    def _give_up(self, error: OSError) -> None:
        self.failed = f"recording stopped: {error}"
        log.warning("%s", self.failed)
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as again:
                log.debug("the recording did not close: %s", again)


def replay(path: Path) -> Iterator[Recorded]:
    """The frames of a recording in order. A last line that was cut off ends it.

    Raises:
        StorageError: the file cannot be read, or a line before the last is not one of ours.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    record = json.loads(line)
                    frame = record["frame"] if "frame" in record else base64.b64decode(record["b64"])
                    item = Recorded(int(record["t"]), str(record["link"]), record["dir"], frame)
                except (ValueError, KeyError, TypeError, binascii.Error) as error:
                    if not line.endswith(b"\n"):
                        return
                    raise StorageError(f"{path.name}, line {number}: not a recording ({error})") from error
                yield item
    except OSError as error:
        raise StorageError(f"cannot read {path.name}: {error}") from error
