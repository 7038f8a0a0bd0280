"""Signing of Kraken's private calls, and the one-time passwords some keys ask for.

The only module that unwraps the private key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable, Mapping
from functools import partial

from terminal.core.clock import Clock
from terminal.core.secret import Secret, register
from terminal.domain.errors import CredentialError

_CODE_PERIOD_S = 30
_CODE_DIGITS = 6


def sign(private_key: bytes, path: str, nonce: str, body: bytes) -> str:
    """The ``API-Sign`` header of one call (Kraken REST authentication, read 2026-08).

    ``base64(HMAC-SHA512(private_key, path + SHA256(nonce + body)))``, where ``body`` is exactly what is sent
    and holds the same nonce.
    """
    inner = hashlib.sha256(nonce.encode("ascii") + body).digest()
    digest = hmac.new(private_key, path.encode("ascii") + inner, hashlib.sha512).digest()
    return base64.b64encode(digest).decode("ascii")


def one_time_code(shared_secret: str, wall_s: int) -> str:
    """The six-digit code an authenticator app shows at this time for a base32 secret (RFC 6238).

    Raises:
        CredentialError: the text is not base32.
    """
    text = shared_secret.replace(" ", "").upper()
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error as error:
        raise CredentialError(
            "the authenticator secret is not base32",
            user_text="The authenticator secret has letters it cannot have: copy it again.",
        ) from error
    digest = hmac.new(key, struct.pack(">Q", wall_s // _CODE_PERIOD_S), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return str(number % 10**_CODE_DIGITS).zfill(_CODE_DIGITS)


class Signer:
    """A key pair ready to sign. ``repr`` shows no more than the last four characters of the public half.

    ``otp`` gives the value of the ``otp`` field for keys that have two-factor sign-in of their own: a fixed
    password or the current six-digit code.

    Raises:
        CredentialError: a key is empty, or the private key is not the base64 text Kraken shows once.
    """

    __slots__ = ("_otp", "_private_key", "_public_key", "key_id")

    def __init__(self, public_key: Secret, private_key: Secret, otp: Callable[[], str] | None = None) -> None:
        if not public_key or not private_key:
            raise CredentialError(
                "a Kraken key needs both its halves",
                user_text="Enter both the API key and the private key from Kraken.",
            )
        try:
            decoded = base64.b64decode(private_key.reveal().strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise CredentialError(
                "the private key is not base64",
                user_text="The private key is not complete: copy all of it again from Kraken.",
            ) from error
        self._public_key = public_key.reveal().strip()
        self._private_key = decoded
        self._otp = otp
        self.key_id = hashlib.sha256(self._public_key.encode()).hexdigest()[:16]
        """A name for the key that gives nothing of it away; the nonce is kept under it."""

    @property
    def last_four(self) -> str:
        return self._public_key[-4:]

    def otp(self) -> str | None:
        """The one-time password for a call made now, or None where the key has none."""
        if self._otp is None:
            return None
        value = self._otp()
        register(value)
        return value

    def headers(self, path: str, nonce: str, body: bytes) -> dict[str, str]:
        """The two headers that authenticate one call."""
        return {"API-Key": self._public_key, "API-Sign": sign(self._private_key, path, nonce, body)}

    def __repr__(self) -> str:
        return f"Signer(...{self.last_four})"


def signer_of(credentials: Mapping[str, Secret], clock: Clock) -> Signer | None:
    """The signer for what was entered in the connection form; None where no key was.

    Raises:
        CredentialError: as :class:`Signer`.
    """
    public, private = credentials.get("api_key"), credentials.get("api_secret")
    if not public and not private:
        return None
    fixed, shared = credentials.get("otp"), credentials.get("otp_secret")
    otp: Callable[[], str] | None = None
    if fixed:
        otp = fixed.reveal
    elif shared:
        otp = partial(_current_code, shared, clock)
    return Signer(public or Secret(""), private or Secret(""), otp)


def _current_code(shared: Secret, clock: Clock) -> str:
    return one_time_code(shared.reveal(), clock.wall_ns() // 1_000_000_000)
