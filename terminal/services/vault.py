"""The format of the vault: one file, encrypted and authenticated, opened by a data key.

::

    PLXV | version 1 | kind | header of the kind | nonce 12 | AES-256-GCM(JSON) + tag 16
    kind 1, key in the system's keychain:  key id 16
    kind 2, key under a passphrase:        log2 n | r | p | salt 16 | nonce 12 | AES-256-GCM(data key) 48

Everything before the second nonce is authenticated with the content. The JSON holds
``{"entries": {"kraken/main": {"key": "...", "secret": "..."}}}``. Reading never writes.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from terminal.core.secret import Secret

MAGIC: Final = b"PLXV"
VERSION: Final = 1
KEYCHAIN: Final = 1
PASSPHRASE: Final = 2
KEY_BYTES: Final = 32
ID_BYTES: Final = 16
MAX_BYTES: Final = 2**20
_NONCE: Final = 12
_TAG: Final = 16

Entries = dict[str, dict[str, Secret]]


class VaultError(Exception):
    """The file is not a vault that can be opened. ``wrong_passphrase`` where that is the likely reason."""

    def __init__(self, text: str, *, wrong_passphrase: bool = False) -> None:
        super().__init__(text)
        self.wrong_passphrase = wrong_passphrase


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """What one guess of the passphrase costs: 128 * r * 2**log2_n bytes of memory, p times."""

    log2_n: int = 17
    r: int = 8
    p: int = 1

    def is_sane(self) -> bool:
        """Within what a file may ask of this machine (a foreign one could ask for all its memory)."""
        return 10 <= self.log2_n <= 20 and 1 <= self.r <= 16 and 1 <= self.p <= 4


@dataclass(frozen=True, slots=True)
class KeychainHeader:
    """The data key lies in the keychain under this id."""

    key_id: bytes

    def to_bytes(self) -> bytes:
        return MAGIC + bytes([VERSION, KEYCHAIN]) + self.key_id


@dataclass(frozen=True, slots=True)
class PassphraseHeader:
    """The data key lies in the file, wrapped by what scrypt makes of a passphrase."""

    cost: ScryptCost
    salt: bytes
    nonce: bytes
    wrapped: bytes

    def to_bytes(self) -> bytes:
        cost = bytes([self.cost.log2_n, self.cost.r, self.cost.p])
        return MAGIC + bytes([VERSION, PASSPHRASE]) + cost + self.salt + self.nonce + self.wrapped

    @classmethod
    def wrap(cls, data_key: bytes, passphrase: Secret, cost: ScryptCost) -> PassphraseHeader:
        """Lock a data key with a passphrase. Takes about half a second and 128 MB, on purpose."""
        salt, nonce = os.urandom(16), os.urandom(_NONCE)
        wrapped = AESGCM(_stretch(passphrase, salt, cost)).encrypt(nonce, data_key, MAGIC)
        return cls(cost, salt, nonce, wrapped)

    def unwrap(self, passphrase: Secret) -> bytes:
        """The data key.

        Raises:
            VaultError: another passphrase, or a damaged file; the two cannot be told apart.
        """
        try:
            return AESGCM(_stretch(passphrase, self.salt, self.cost)).decrypt(self.nonce, self.wrapped, MAGIC)
        except InvalidTag:
            raise VaultError("the passphrase does not open the vault", wrong_passphrase=True) from None


Header = KeychainHeader | PassphraseHeader


def _stretch(passphrase: Secret, salt: bytes, cost: ScryptCost) -> bytes:
    kdf = Scrypt(salt=salt, length=KEY_BYTES, n=2**cost.log2_n, r=cost.r, p=cost.p)
    return kdf.derive(passphrase.reveal().encode())


def read_header(data: bytes) -> tuple[Header, bytes]:
    """The header of a vault file, and the rest.

    Raises:
        VaultError: it is not a vault, is cut short, or was made by a newer version.
    """
    if len(data) > MAX_BYTES or not data.startswith(MAGIC) or len(data) < 6:
        raise VaultError("not a vault")
    version, kind = data[4], data[5]
    if version != VERSION:
        raise VaultError(f"made by another version ({version})")
    if kind == KEYCHAIN and len(data) >= 6 + ID_BYTES:
        return KeychainHeader(data[6 : 6 + ID_BYTES]), data[6 + ID_BYTES :]
    size = struct.calcsize(f"!BBB16s{_NONCE}s{KEY_BYTES + _TAG}s")
    if kind == PASSPHRASE and len(data) >= 6 + size:
        log2_n, r, p, salt, nonce, wrapped = struct.unpack(
            f"!BBB16s{_NONCE}s{KEY_BYTES + _TAG}s", data[6 : 6 + size]
        )
        cost = ScryptCost(log2_n, r, p)
        if not cost.is_sane():
            raise VaultError("asks for an impossible amount of work")
        return PassphraseHeader(cost, salt, nonce, wrapped), data[6 + size :]
    raise VaultError("cut short, or of an unknown kind")


def seal(header: Header, data_key: bytes, entries: Mapping[str, Mapping[str, Secret]]) -> bytes:
    """A whole vault file."""
    head, nonce = header.to_bytes(), os.urandom(_NONCE)
    plain = {name: {key: value.reveal() for key, value in fields.items()} for name, fields in entries.items()}
    text = json.dumps({"entries": plain}).encode()
    return head + nonce + AESGCM(data_key).encrypt(nonce, text, head)


def unseal(header: Header, sealed: bytes, data_key: bytes) -> Entries:
    """The entries of a vault file.

    Raises:
        VaultError: another key, or a damaged file.
    """
    if len(sealed) < _NONCE + _TAG:
        raise VaultError("cut short")
    try:
        text = AESGCM(data_key).decrypt(sealed[:_NONCE], sealed[_NONCE:], header.to_bytes())
        entries = json.loads(text)["entries"]
        return {
            str(name): {str(key): Secret(str(value)) for key, value in fields.items()}
            for name, fields in entries.items()
        }
    except InvalidTag:
        raise VaultError("damaged, or its key is another one") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VaultError("its content is not readable") from None
