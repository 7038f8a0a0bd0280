"""The one source of nonces of a key: strictly rising, for ever, also over restarts and clock changes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from terminal.core.clock import Clock
from terminal.domain.errors import StorageError


class NonceStore(Protocol):
    """Keeps, for each key, a number that no nonce has reached yet."""

    def load(self, key_id: str) -> int:
        """The number last saved, or 0."""
        ...

    def save(self, key_id: str, reserved: int) -> None:
        """Keep it before it is used. Raises StorageError where the disk does not take it."""
        ...


class MemoryNonceStore:
    """Forgets at exit: for tests, and for keys that are tried once."""

    def __init__(self) -> None:
        self._reserved: dict[str, int] = {}

    def load(self, key_id: str) -> int:
        return self._reserved.get(key_id, 0)

    def save(self, key_id: str, reserved: int) -> None:
        self._reserved[key_id] = reserved


class FileNonceStore:
    """One small file a key in a folder of the program's own; written whole, then put in place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key_id: str) -> int:
        try:
            return int(self._path(key_id).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def save(self, key_id: str, reserved: int) -> None:
        path = self._path(key_id)
        fresh = path.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(fresh, "w", encoding="ascii") as file:
                file.write(str(reserved))
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
        except OSError as error:
            raise StorageError(f"the nonce of a Kraken key could not be kept: {error}") from error

    def _path(self, key_id: str) -> Path:
        return self._folder / f"kraken-nonce-{key_id}"


class NonceSource:
    """Microsecond nonces: ``max(last + 1, now)``, whatever the clock does.

    Saving each would cost a disk flush a call, so a stretch of ``reserve_us`` microseconds is saved ahead; a
    restart goes on above it.
    """

    def __init__(self, key_id: str, store: NonceStore, clock: Clock, *, reserve_us: int = 10_000_000) -> None:
        self._key_id = key_id
        self._store = store
        self._clock = clock
        self._reserve_us = reserve_us
        self._last: int | None = None
        self._reserved = 0

    def next(self) -> int:
        """A nonce above every earlier one of this key.

        Raises:
            StorageError: the reservation could not be kept, so the nonce must not be used.
        """
        if self._last is None:
            self._last = self._reserved = self._store.load(self._key_id)
        nonce = max(self._last + 1, self._clock.wall_ns() // 1000)
        if nonce >= self._reserved:
            reserved = nonce + self._reserve_us
            self._store.save(self._key_id, reserved)
            self._reserved = reserved
        self._last = nonce
        return nonce


class CallQueue:
    """Lets one private call at a time through, so that nonces arrive in order; urgent ones go first.

    Kraken refuses a nonce below the last it saw, and two requests in flight may overtake each other.
    """

    def __init__(self) -> None:
        self._busy = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._normal: deque[asyncio.Future[None]] = deque()

    @contextlib.asynccontextmanager
    async def turn(self, *, urgent: bool) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the length of the block."""
        if self._busy:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            (self._urgent if urgent else self._normal).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._pass_on()  # the turn was given to us in the same moment
                raise
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        for waiting in (self._urgent, self._normal):
            while waiting:
                turn = waiting.popleft()
                if not turn.done():
                    turn.set_result(None)  # busy stays true: the turn goes straight to the next
                    return
        self._busy = False
