"""Who calls: practice keys, their signatures, the demo header, the clock.

OKX API v5 "REST authentication" and "WebSocket login", read 2026-07: the signature is over the bytes as
they came, the request's time may be 30 s off, and a demo key works with the demo header alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from terminal.emulators.okx.errors import OkxError
from terminal.emulators.web import HttpRequest

WINDOW_S: Final = 30.0
READ: Final = "read_only"
TRADE: Final = "trade"
WITHDRAW: Final = "withdraw"
DEMO_HEADER: Final = "x-simulated-trading"


@dataclass(slots=True)
class OkxKey:
    """One API key of the practice venue."""

    name: str
    key: str
    secret: str
    passphrase: str
    account: int
    permissions: tuple[str, ...]
    is_demo: bool = True

    def row(self) -> dict[str, Any]:
        """Its entry in the endpoints file."""
        return {
            "name": self.name,
            "key": self.key,
            "secret": self.secret,
            "passphrase": self.passphrase,
            "account": str(self.account),
            "permissions": list(self.permissions),
            "demo": "1" if self.is_demo else "0",
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> OkxKey:
        return cls(
            row["name"], row["key"], row["secret"], row["passphrase"], int(row["account"]),
            tuple(row["permissions"]), row["demo"] == "1",
        )  # fmt: skip


def make_keys(first: int, second: int, spot: int) -> list[OkxKey]:
    """A fresh set: one to trade with, and those that tests and dialogs want to meet."""

    def fresh(name: str, account: int, *permissions: str, demo: bool = True) -> OkxKey:
        return OkxKey(
            name, str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)), secrets.token_hex(16).upper(),
            "Practice-" + secrets.token_hex(4), account, permissions, demo,
        )  # fmt: skip

    return [
        fresh("practice", first, READ, TRADE),
        fresh("read-only", first, READ),
        fresh("withdraw", first, READ, TRADE, WITHDRAW),
        fresh("production", first, READ, TRADE, demo=False),
        fresh("second", second, READ, TRADE),
        fresh("spot-mode", spot, READ, TRADE),
    ]


def sign(secret: str, text: bytes) -> str:
    """base64(HMAC-SHA256(secret, text))."""
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


class Gatekeeper:
    """Checks every private call and every login."""

    def __init__(self, keys: list[OkxKey], wall_ns: Callable[[], int]) -> None:
        self.keys = {key.key: key for key in keys}
        self._wall_ns = wall_ns

    def admit(self, request: HttpRequest) -> OkxKey:
        """Whose call it is.

        Raises:
            OkxError: 50101 to 50113, 50119: as OKX refuses it.
        """
        headers = request.headers
        for name, code in (
            ("key", "50103"),
            ("passphrase", "50104"),
            ("sign", "50106"),
            ("timestamp", "50107"),
        ):
            if not headers.get(f"ok-access-{name}"):
                raise OkxError(code)
        stamp = headers["ok-access-timestamp"]
        try:
            moment = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        except ValueError:
            raise OkxError("50112") from None
        if abs(moment.timestamp() - self._wall_ns() / 1e9) > WINDOW_S:
            raise OkxError("50102")
        key = self.keys.get(headers["ok-access-key"])
        if key is None:
            raise OkxError("50111")
        if key.is_demo != (headers.get(DEMO_HEADER) == "1"):
            raise OkxError("50101")
        if not hmac.compare_digest(headers["ok-access-passphrase"].encode(), key.passphrase.encode()):
            raise OkxError("50105")
        text = (stamp + request.method.upper() + request.target).encode("latin-1") + request.body
        if not hmac.compare_digest(headers["ok-access-sign"].encode(), sign(key.secret, text).encode()):
            raise OkxError("50113")
        return key

    def login(self, values: Mapping[str, Any]) -> OkxKey:
        """Whose WebSocket it is, by the element of ``args`` of a login.

        Raises:
            OkxError: 60004 to 60007, 60024, 60027, 60032.
        """
        for name in ("apiKey", "passphrase", "timestamp", "sign"):
            if not isinstance(values.get(name), str) or not values[name]:
                raise OkxError("60027", name)
        stamp = values["timestamp"]
        try:
            moment = float(stamp)
        except ValueError:
            raise OkxError("60004") from None
        if not abs(moment - self._wall_ns() / 1e9) <= WINDOW_S:
            raise OkxError("60006")
        key = self.keys.get(values["apiKey"])
        if key is None:
            raise OkxError("60005")
        if not key.is_demo:
            raise OkxError("60032")
        if not hmac.compare_digest(values["passphrase"].encode(), key.passphrase.encode()):
            raise OkxError("60024")
        right = sign(key.secret, f"{stamp}GET/users/self/verify".encode())
        if not hmac.compare_digest(values["sign"].encode(), right.encode()):
            raise OkxError("60007")
        return key


def require(key: OkxKey, permission: str) -> None:
    """Refuse a call that the key may not make.

    Raises:
        OkxError: 50120.
    """
    if permission not in key.permissions:
        raise OkxError("50120")
