"""A keychain in memory with the moods of real ones."""

from __future__ import annotations

import threading

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, NoKeyringError, PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    """``mode``: ok, locked, absent, null (accepts and keeps nothing), slow (blocks until ``release``), broken
    (raises what no keychain should, with the secret in it), wrong (gives something that is not a text)."""

    priority = 0.1

    def __init__(self, mode: str = "ok") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.mode = mode
        self.stored: dict[tuple[str, str], str] = {}
        self.calls = 0
        self.threads: set[int] = set()
        self.release = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self._mood()
        if self.mode == "wrong":
            return 12345  # type: ignore[return-value]
        return self.stored.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._mood()
        if self.mode == "broken":
            raise OSError(f"cannot store {password}")
        if self.mode != "null":
            self.stored[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._mood()
        if self.stored.pop((service, username), None) is None:
            raise PasswordDeleteError("no such entry")

    def _mood(self) -> None:
        self.calls += 1
        self.threads.add(threading.get_ident())
        if self.mode == "locked":
            raise KeyringLocked("locked")
        if self.mode == "absent":
            raise NoKeyringError("none")
        if self.mode == "slow":
            self.release.wait(20)
