"""The practice exchange's keys: what a person pastes into the terminal, and what each may do.

The secret key is packed as ``secret,passphrase``, as plugins for venues with a passphrase have it.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from terminal.emulators.custom.replies import Refused

ACCOUNT: Final = "custom:practice"
SECOND_ACCOUNT: Final = "custom:second"


class Credentials(NamedTuple):
    """What one call carries, unpacked."""

    access_key: str
    secret: str
    passphrase: str


@dataclass(frozen=True, slots=True)
class PluginKey:
    """One key of the practice exchange."""

    name: str
    access_key: str
    secret: str
    passphrase: str
    account: str
    may_trade: bool = True

    def row(self) -> dict[str, Any]:
        """For the endpoints file."""
        return {
            "name": self.name,
            "access_key": self.access_key,
            "secret_key": f"{self.secret},{self.passphrase}",
            "account": self.account,
            "may_trade": self.may_trade,
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> PluginKey:
        secret, _, passphrase = row["secret_key"].partition(",")
        return cls(row["name"], row["access_key"], secret, passphrase, row["account"], row["may_trade"])


def make_keys() -> list[PluginKey]:
    """A fresh set: the practice account's, the second account's, and one that may only look."""
    return [
        PluginKey(
            name,
            f"practice-{secrets.token_hex(8)}",
            secrets.token_hex(16),
            secrets.token_hex(4),
            account,
            may,
        )
        for name, account, may in (
            ("practice", ACCOUNT, True),
            ("second", SECOND_ACCOUNT, True),
            ("view", ACCOUNT, False),
        )
    ]


class Doorkeeper:
    """Admits calls that carry a known key with its secret and passphrase."""

    def __init__(self, keys: Iterable[PluginKey]) -> None:
        self._keys = {key.access_key: key for key in keys}

    def admit(self, given: Credentials, *, trades: bool) -> PluginKey:
        """The key that a call is made with.

        Raises:
            Refused: unknown key, wrong secret or passphrase, or a key that may only look.
        """
        key = self._keys.get(given.access_key)
        if key is None:
            raise Refused("50111", "Invalid access key")
        if not _same(given.secret, key.secret):
            raise Refused("50113", "Invalid signature")
        if not _same(given.passphrase, key.passphrase):
            raise Refused("50105", "Passphrase incorrect")
        if trades and not key.may_trade:
            raise Refused("50120", "This key has no permission to trade")
        return key


def _same(given: str, kept: str) -> bool:
    # JSON may carry half a surrogate pair, which has no UTF-8.
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), kept.encode())
