"""The system's keychain: only kinds that are known to be one, every call in a thread with a deadline.

What was learned of ``keyring`` 25.7: without a keychain its calls raise; its *null* kind accepts everything
and keeps nothing, so every write is read back; foreign kinds may ask for a password on standard input or
write plain files, so kinds are chosen from a list instead of by its own preference; and a locked keychain
with a desktop blocks the caller until the person has answered.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Final, TypeVar

from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, KeyringLocked, NoKeyringError, PasswordDeleteError

from terminal.domain.errors import CredentialError

log = logging.getLogger("credentials")

T = TypeVar("T")

# Module and class: name on screen. Nothing else is trusted with a key.
_ALLOWED: Final = {
    "linux": (
        ("keyring.backends.SecretService", "Keyring", "Secret Service"),
        ("keyring.backends.kwallet", "DBusKeyring", "KWallet"),
    ),
    "darwin": (("keyring.backends.macOS", "Keyring", "the macOS keychain"),),
    "win32": (("keyring.backends.Windows", "WinVaultKeyring", "the Windows credential store"),),
}


class KeychainUnavailable(CredentialError):
    """No usable keychain: absent, locked, denied, too slow, or it does not keep what it is given."""


class Keychain:
    """Get, set and delete of texts, off the event loop.

    Args:
        backend: another kind than the system's, e.g. one in memory for tests.
        use_system: look for the system's where no backend is given.
        deadline_s: for one call; long enough for a person to answer the system's prompt.
    """

    def __init__(
        self, backend: KeyringBackend | None = None, *, use_system: bool = True, deadline_s: float = 30.0
    ) -> None:
        self._backend = backend
        self._searched = backend is not None or not use_system
        self._deadline_s = deadline_s
        self._returned = threading.Event()
        self._returned.set()
        self.title = "" if backend is None else type(backend).__name__
        """Its name on screen; ``""`` while none is known."""

    async def is_present(self) -> bool:
        """Whether there is a keychain of a known kind; it may still be locked."""
        if not self._searched:
            found = await self._call(_find_system_backend)
            self._searched = True
            if found is not None:
                self._backend, self.title = found
        return self._backend is not None

    async def get(self, service: str, name: str) -> str | None:
        """A stored text; None where there is none.

        Raises:
            KeychainUnavailable: it could not be asked.
        """
        backend = await self._ready()
        return await self._call(lambda: _text(backend.get_password(service, name)))

    async def set(self, service: str, name: str, text: str) -> None:
        """Store a text and read it back.

        Raises:
            KeychainUnavailable: it did not take it, or only said so.
        """
        backend = await self._ready()

        def store() -> bool:
            backend.set_password(service, name, text)
            return backend.get_password(service, name) == text

        if not await self._call(store):
            raise KeychainUnavailable(
                f"{self.title} did not keep what it was given",
                user_text="The system's keychain did not keep the key.",
            )

    async def delete(self, service: str, name: str) -> None:
        """Remove a text; nothing happens where there is none.

        Raises:
            KeychainUnavailable: it could not be asked.
        """
        backend = await self._ready()

        def remove() -> None:
            with suppress(PasswordDeleteError):
                backend.delete_password(service, name)

        await self._call(remove)

    async def _ready(self) -> KeyringBackend:
        if not await self.is_present() or self._backend is None:
            raise KeychainUnavailable(
                "no keychain", user_text="This system has no keychain that can be used."
            )
        return self._backend

    async def _call(self, fn: Callable[[], T]) -> T:
        """Run in a thread of its own: one that hangs in a prompt must not hold up the end of the program."""
        if not self._returned.is_set():
            raise KeychainUnavailable(
                "an earlier call has not returned",
                user_text="The system's keychain is still waiting; look for its own window.",
            )
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]

        returned = self._returned = threading.Event()

        def work() -> None:
            result: T | None = None
            failure: Exception | None = None
            try:
                result = fn()
            except Exception as error:  # noqa: BLE001 - backends raise what their system raises
                failure = error
            returned.set()
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(settle, result, failure)

        threading.Thread(target=work, name="keychain", daemon=True).start()
        try:
            async with asyncio.timeout(self._deadline_s):
                return await done
        except TimeoutError:
            raise KeychainUnavailable(
                f"the keychain did not answer within {self._deadline_s:.0f} s",
                user_text="The system's keychain did not answer; look for its own window.",
            ) from None
        except Exception as error:  # noqa: BLE001 - as above
            raise _translated(error) from None


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("the keychain gave something that is not a text")


def _translated(error: Exception) -> KeychainUnavailable:
    """A backend's error without its arguments, which may hold what was to be stored."""
    kind = type(error).__name__
    if isinstance(error, KeyringLocked):
        text = "The system's keychain is locked. Unlock it and try again."
    elif isinstance(error, NoKeyringError):
        text = "This system has no keychain that can be used."
    elif isinstance(error, KeyringError):
        text = "The system's keychain refused."
    else:
        text = "The system's keychain failed."
    log.warning("keychain: %s", kind)
    return KeychainUnavailable(f"keychain: {kind}", user_text=text)


def _find_system_backend() -> tuple[KeyringBackend, str] | None:
    """The first usable kind of the list for this system."""
    platform = sys.platform if sys.platform in _ALLOWED else "linux"
    for module, name, title in _ALLOWED[platform]:
        try:
            kind: type[KeyringBackend] = getattr(import_module(module), name)
            if kind.viable:  # asks the system; false, or raises, where the service is absent
                return kind(), title
        except Exception as error:  # noqa: BLE001 - a kind that cannot even be asked is not usable
            log.debug("keychain %s is not usable: %s", title, type(error).__name__)
    return None
