"""Keys of the venues: in one encrypted file, whose own key lies in the system's keychain.

Where there is no usable keychain, a passphrase takes its place, and that is said openly. The file
(``vault.bin``) is never overwritten while it cannot be read, so that a locked keychain or a forgotten
passphrase costs nothing but a try. Only :class:`Secret` leaves this module.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar

from keyring.backend import KeyringBackend

from terminal.core.files import make_private, set_aside, write_whole
from terminal.core.observe import Observable
from terminal.core.secret import Secret, register
from terminal.domain.errors import CredentialError, StorageError
from terminal.services.keychain import Keychain, KeychainUnavailable
from terminal.services.notices import Level, Notice
from terminal.services.vault import (
    ID_BYTES,
    KEY_BYTES,
    MAX_BYTES,
    Entries,
    Header,
    KeychainHeader,
    PassphraseHeader,
    ScryptCost,
    VaultError,
    read_header,
    seal,
    unseal,
)

__all__ = [
    "CredentialStore",
    "KeychainUnavailable",
    "PassphraseNeeded",
    "StoreStatus",
    "VaultUnreadable",
    "Where",
]

log = logging.getLogger("credentials")

T = TypeVar("T")

_SERVICE: Final = "Parallax vault"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LEAST_PASSPHRASE: Final = 8
_MAX_SECRET: Final = 64 * 1024


class PassphraseNeeded(CredentialError):
    """The vault is locked by a passphrase: call :meth:`CredentialStore.unlock`."""


class VaultUnreadable(CredentialError):
    """The vault file is damaged, of a newer version, or its key is gone. It is left as it is."""


class Where(Enum):
    """What opens the vault."""

    KEYCHAIN = "keychain"
    PASSPHRASE = "passphrase"
    NOWHERE = "nowhere"
    """There is no vault yet, and no keychain that keeps its key: the first save needs a passphrase."""


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """How keys are kept, for the connections dialog."""

    where: Where
    is_open: bool
    text: str
    """One or two plain sentences, open about a fallback."""
    trouble: str = ""
    """Why the vault cannot be opened now, or ``""``."""


@dataclass(slots=True)
class _Open:
    """An opened vault."""

    header: Header
    data_key: bytearray
    entries: Entries
    file: bytes = b""
    """The whole file as it was read or written, to notice when somebody else writes."""


class CredentialStore:
    """Loads, saves and deletes the credentials of a venue and profile. Calls come one after another.

    Args:
        folder: where ``vault.bin`` lies; made if absent, closed to others.
        keyring_backend: instead of the system's keychain.
        use_system_keychain: False for throw-away profiles, so that nothing is left in the real one.
        deadline_s: for one call of the keychain.
    """

    def __init__(
        self,
        folder: Path,
        keyring_backend: KeyringBackend | None = None,
        *,
        use_system_keychain: bool = True,
        deadline_s: float = 30.0,
        cost: ScryptCost | None = None,
    ) -> None:
        self.path = folder / "vault.bin"
        self.noticed: Observable[[Notice]] = Observable("credentials")
        """What the person should know of the file."""
        self._keychain = Keychain(keyring_backend, use_system=use_system_keychain, deadline_s=deadline_s)
        self._cost = cost or ScryptCost()
        self._keychain_failed = False
        """It was asked to keep a vault's key and did not: a passphrase is offered instead."""
        self._open: _Open | None = None
        self._lock = asyncio.Lock()

    async def load(self, venue: str, profile: str) -> dict[str, Secret] | None:
        """The credentials by field; None where none are stored.

        Raises:
            PassphraseNeeded, KeychainUnavailable, VaultUnreadable: the vault cannot be opened now.
            StorageError: the file cannot be read.
        """
        name = _entry_name(venue, profile)
        async with self._lock:
            vault = await self._opened()
            found = vault.entries.get(name) if vault is not None else None
            return dict(found) if found is not None else None

    async def profiles(self) -> tuple[tuple[str, str], ...]:
        """All stored (venue, profile). Raises as :meth:`load`."""
        async with self._lock:
            vault = await self._opened()
            names = sorted(vault.entries) if vault is not None else []
            return tuple((venue, profile) for venue, _, profile in (name.partition("/") for name in names))

    async def save(self, venue: str, profile: str, credentials: Mapping[str, Secret]) -> None:
        """Store credentials in place of what this venue and profile had.

        Raises:
            KeychainUnavailable: there is no vault yet and no usable keychain: offer a passphrase
                (:meth:`use_passphrase`), then save again.
            PassphraseNeeded, VaultUnreadable: the existing vault cannot be opened; nothing was written.
            StorageError: the disk did not take it; the old vault stands.
            CredentialError: a name or value that cannot be stored.
        """
        name = _entry_name(venue, profile)
        if any(len(value.reveal()) > _MAX_SECRET for value in credentials.values()):
            raise CredentialError("a credential is far too long", user_text="That is too long to be a key.")
        async with self._lock:
            vault = await self._opened()
            if vault is not None:
                await self._write(vault, {**vault.entries, name: dict(credentials)})
            else:
                await self._write_new(await self._create_with_keychain(), {name: dict(credentials)})

    async def delete(self, venue: str, profile: str) -> None:
        """Forget credentials; nothing happens where there are none. Raises as :meth:`save`."""
        name = _entry_name(venue, profile)
        async with self._lock:
            vault = await self._opened()
            if vault is not None and name in vault.entries:
                await self._write(vault, {key: value for key, value in vault.entries.items() if key != name})

    async def status(self) -> StoreStatus:
        """How keys are kept now. Opens the vault where that needs no question to the person."""
        async with self._lock:
            trouble = ""
            try:
                vault = await self._opened()
            except (CredentialError, StorageError) as error:
                vault, trouble = None, error.user_text
            where = await self._where()
            return StoreStatus(where, vault is not None, self._describe(where), trouble)

    async def unlock(self, passphrase: Secret) -> None:
        """Open a vault that is locked by a passphrase.

        Raises:
            CredentialError: it is another passphrase, or the vault is not of that kind.
            VaultUnreadable: the file is damaged.
        """
        async with self._lock:
            data = await self._read()
            if data is None:
                raise CredentialError("no vault", user_text="There is no vault yet.")
            header, sealed = self._header(data)
            if not isinstance(header, PassphraseHeader):
                raise CredentialError(
                    "not a passphrase vault", user_text="This vault is opened by the keychain."
                )
            try:
                data_key = await _in_thread(lambda: header.unwrap(passphrase))
            except VaultError as error:
                await asyncio.sleep(0.05)
                raise CredentialError(
                    str(error), user_text="That passphrase does not open the vault."
                ) from None
            self._open = self._unsealed(header, sealed, data_key, data)

    async def use_passphrase(self, passphrase: Secret) -> None:
        """Lock the vault with a passphrase from now on: a new vault, or the opened one with its content.

        Raises:
            CredentialError: the passphrase is too short, or the existing vault is not open.
            StorageError: the disk did not take it.
        """
        if len(passphrase.reveal()) < _LEAST_PASSPHRASE:
            raise CredentialError(
                "passphrase too short",
                user_text=f"The passphrase needs at least {_LEAST_PASSPHRASE} characters.",
            )
        async with self._lock:
            old = await self._opened()
            data_key = os.urandom(KEY_BYTES)
            header = await _in_thread(lambda: PassphraseHeader.wrap(data_key, passphrase, self._cost))
            await self._write(_Open(header, bytearray(data_key), {}), old.entries if old is not None else {})
            await self._forget_key_of(old)

    async def use_keychain(self) -> None:
        """Let the system's keychain open the vault from now on.

        Raises:
            KeychainUnavailable: it cannot be used; nothing has changed.
            PassphraseNeeded: the existing vault is not open.
        """
        async with self._lock:
            old = await self._opened()
            if old is not None and isinstance(old.header, KeychainHeader):
                return
            await self._write_new(await self._create_with_keychain(), old.entries if old is not None else {})

    async def set_vault_aside(self) -> Path | None:
        """Start over on the person's word: the vault file is renamed and kept; returns its new name.

        Raises:
            StorageError: it cannot be renamed.
        """
        async with self._lock:
            self._wipe()
            if not self.path.exists():
                return None
            try:
                return await _in_thread(lambda: set_aside(self.path))
            except OSError as error:
                raise StorageError(f"the vault cannot be set aside: {error}") from error

    def try_keychain_again(self) -> None:
        """A keychain that failed may be unlocked by now: the next save asks it again."""
        self._keychain_failed = False

    def lock(self) -> None:
        """Forget the data key and everything read from the vault."""
        self._wipe()

    # Opening

    async def _opened(self) -> _Open | None:
        """The open vault; None where there is no file."""
        data = await self._read()
        if data is None:
            self._wipe()
            return None
        if self._open is not None and self._open.file == data:
            return self._open
        header, sealed = self._header(data)
        if self._open is not None and self._open.header == header:
            # Another window of ours has written meanwhile; the key is the same.
            self._open = self._unsealed(header, sealed, bytes(self._open.data_key), data)
            return self._open
        if isinstance(header, PassphraseHeader):
            raise PassphraseNeeded(
                "locked", user_text="The keys are locked. Enter the passphrase to open them."
            )
        encoded = await self._keychain.get(_SERVICE, header.key_id.hex())
        if encoded is None:
            raise VaultUnreadable(
                "the keychain has no key for this vault",
                user_text="The system's keychain no longer has the key of the stored credentials.",
            )
        register(encoded)
        try:
            data_key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            data_key = b""
        if len(data_key) != KEY_BYTES:
            raise VaultUnreadable(
                "the keychain's entry is not a key",
                user_text="The system's keychain has no usable key for the stored credentials.",
            )
        self._open = self._unsealed(header, sealed, data_key, data)
        return self._open

    async def _create_with_keychain(self) -> _Open:
        """A fresh vault, its key stored and read back before anything depends on it."""
        key_id, data_key = os.urandom(ID_BYTES), os.urandom(KEY_BYTES)
        encoded = base64.b64encode(data_key).decode()
        register(encoded)
        self._keychain_failed = True
        await self._keychain.set(_SERVICE, key_id.hex(), encoded)
        self._keychain_failed = False
        return _Open(KeychainHeader(key_id), bytearray(data_key), {})

    async def _forget_key_of(self, old: _Open | None) -> None:
        """Remove the key of a vault that is no longer there."""
        if old is None or not isinstance(old.header, KeychainHeader):
            return
        try:
            await self._keychain.delete(_SERVICE, old.header.key_id.hex())
        except KeychainUnavailable as error:
            log.info("the old vault's key stays in the keychain: %s", error)

    def _header(self, data: bytes) -> tuple[Header, bytes]:
        try:
            return read_header(data)
        except VaultError as error:
            raise self._unreadable(error) from None

    def _unsealed(self, header: Header, sealed: bytes, data_key: bytes, file: bytes) -> _Open:
        try:
            return _Open(header, bytearray(data_key), unseal(header, sealed, data_key), file)
        except VaultError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: VaultError) -> VaultUnreadable:
        log.error("the vault cannot be read: %s", error)
        return VaultUnreadable(
            f"vault: {error}",
            user_text="The file with the stored keys cannot be read. It was left as it is.",
        )

    def _wipe(self) -> None:
        if self._open is not None:
            self._open.data_key[:] = bytes(len(self._open.data_key))
            self._open = None

    # The file

    async def _read(self) -> bytes | None:
        try:
            data, was_open = await _in_thread(self._read_file)
        except OSError as error:
            raise StorageError(
                f"the vault cannot be read: {error}",
                user_text="The file with the stored keys cannot be read.",
            ) from error
        if was_open:
            text = "The file with the stored keys was open to other users; that is repaired."
            self.noticed.notify(Notice(Level.WARNING, text))
        return data

    def _read_file(self) -> tuple[bytes | None, bool]:
        """The content, and whether others could read it until now."""
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None, False
        return data, make_private(self.path)

    async def _write_new(self, vault: _Open, entries: Entries) -> None:
        try:
            await self._write(vault, entries)
        except (StorageError, CredentialError):
            await self._forget_key_of(vault)  # no file needs it
            raise

    async def _write(self, vault: _Open, entries: Entries) -> None:
        data = seal(vault.header, bytes(vault.data_key), entries)
        if len(data) > MAX_BYTES:
            raise CredentialError("the vault would be too large", user_text="There is no room for more keys.")
        try:
            await _in_thread(lambda: self._write_file(data))
        except OSError as error:
            raise StorageError(
                f"the vault was not written: {error}",
                user_text="The disk did not take the keys; what was stored before still stands.",
            ) from error
        if self._open is not None and self._open is not vault:
            self._wipe()
        vault.entries, vault.file = entries, data
        self._open = vault

    def _write_file(self, data: bytes) -> None:
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_private(folder)
        write_whole(self.path, data)
        if self.path.read_bytes() != data:
            raise OSError("what was written reads back differently")

    # Words

    async def _where(self) -> Where:
        if self._open is not None:
            kind = type(self._open.header)
            return Where.KEYCHAIN if kind is KeychainHeader else Where.PASSPHRASE
        try:
            data = await self._read()
            if data is not None:
                return (
                    Where.KEYCHAIN if isinstance(read_header(data)[0], KeychainHeader) else Where.PASSPHRASE
                )
            is_usable = not self._keychain_failed and await self._keychain.is_present()
            return Where.KEYCHAIN if is_usable else Where.NOWHERE
        except (StorageError, VaultError, KeychainUnavailable):
            return Where.NOWHERE

    def _describe(self, where: Where) -> str:
        if where is Where.KEYCHAIN:
            title = self._keychain.title or "the system's keychain"
            return f"Keys are kept in an encrypted file on this machine; {title} holds the key to it."
        if where is Where.PASSPHRASE:
            return (
                "Keys are kept in an encrypted file on this machine, locked by your passphrase. "
                "It cannot be recovered if you forget it."
            )
        return "This system has no keychain that can be used: a passphrase is needed to store keys."


def _entry_name(venue: str, profile: str) -> str:
    if not _NAME.fullmatch(venue) or not _NAME.fullmatch(profile):
        raise CredentialError(
            "a name of a venue or profile that cannot be stored",
            user_text="Names may have letters, digits, points, dashes and underscores.",
        )
    return f"{venue}/{profile}"


async def _in_thread(fn: Callable[[], T]) -> T:
    """Files and scrypt block for up to a second: not on the loop."""
    return await asyncio.to_thread(fn)
