"""Signing of OKX's private calls and of the WebSocket login.

The only module that unwraps the secret key and the passphrase.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

from terminal.core.clock import Clock
from terminal.core.secret import Secret
from terminal.domain.errors import CredentialError

_LOGIN_PATH = "/users/self/verify"


def sign(secret: str, timestamp: str, method: str, path: str, body: str = "") -> str:
    """The ``OK-ACCESS-SIGN`` of one call (OKX v5, request signing, 2026-07).

    ``base64(HMAC-SHA256(secret, timestamp + METHOD + path?query + body))``, over the very text that is sent.
    """
    prehash = f"{timestamp}{method.upper()}{path}{body}"
    digest = hmac.new(secret.encode(), prehash.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def iso_timestamp(wall_ns: int) -> str:
    """``2020-12-08T09:08:57.715Z``: UTC with milliseconds."""
    seconds, rest_ns = divmod(wall_ns, 1_000_000_000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{rest_ns // 1_000_000:03d}Z"


class VenueTime:
    """OKX's clock as far as it has been measured; OKX refuses what is signed over 30 s off it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset_ms: float | None = None
        """Venue's clock minus ours; None: not measured yet."""

    def now_ns(self) -> int:
        """The time at the venue, nanoseconds UTC."""
        return self._clock.wall_ns() + int((self.offset_ms or 0.0) * 1_000_000)


class Signer:
    """A key ready to sign. ``repr`` shows no more than the last four characters of the public half.

    Raises:
        CredentialError: a part of the key is missing.
    """

    def __init__(self, api_key: Secret, api_secret: Secret, passphrase: Secret, there: VenueTime) -> None:
        self._key = api_key
        self._secret = api_secret
        self._passphrase = passphrase
        self._there = there
        self.last_four = api_key.reveal()[-4:]

    def __repr__(self) -> str:
        return f"Signer(…{self.last_four})"

    def headers(self, method: str, path: str, body: str) -> dict[str, str]:
        """The headers of one private call; ``path`` with its query exactly as it is sent."""
        timestamp = iso_timestamp(self._there.now_ns())
        return {
            "OK-ACCESS-KEY": self._key.reveal(),
            "OK-ACCESS-SIGN": sign(self._secret.reveal(), timestamp, method, path, body),
            "OK-ACCESS-TIMESTAMP": timestamp,
            "OK-ACCESS-PASSPHRASE": self._passphrase.reveal(),
        }

    def login(self) -> dict[str, str]:
        """The argument of the WebSocket login, good for 30 s:
        ``{"apiKey":"985d5b66-...","passphrase":"...","timestamp":"1538054050","sign":"+LdIr8lk..."}``."""
        timestamp = str(self._there.now_ns() // 1_000_000_000)
        return {
            "apiKey": self._key.reveal(),
            "passphrase": self._passphrase.reveal(),
            "timestamp": timestamp,
            "sign": sign(self._secret.reveal(), timestamp, "GET", _LOGIN_PATH),
        }


def signer_of(credentials: Mapping[str, Secret], there: VenueTime) -> Signer | None:
    """The signer for a connection's credentials; None without any.

    Raises:
        CredentialError: some are there and others are missing.
    """
    parts = {name: credentials.get(name) for name in ("api_key", "api_secret", "passphrase")}
    if not any(parts.values()):
        return None
    for name, title in (
        ("api_key", "API key"),
        ("api_secret", "secret key"),
        ("passphrase", "passphrase"),
    ):
        if not parts[name]:
            raise CredentialError(f"okx has no {name}", user_text=f"The {title} of OKX is missing.")
    key, secret, passphrase = parts["api_key"], parts["api_secret"], parts["passphrase"]
    assert key is not None
    assert secret is not None
    assert passphrase is not None
    return Signer(key, secret, passphrase, there)
