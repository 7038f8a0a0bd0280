"""Who calls: practice keys, API-Sign, nonces, one-time passwords, permissions, WebSocket tokens.

Kraken REST "Authentication", read 2026-08: ``API-Sign = base64(HMAC-SHA512(secret, path + SHA256(nonce +
body)))``; the nonce rises strictly per key for ever; a key with 2FA sends ``otp`` in the signed body.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from terminal.emulators.kraken import errors
from terminal.emulators.kraken.counters import REST_COSTS, TIERS, DecayingCounter, Tier
from terminal.emulators.kraken.errors import ApiError

NS_PER_S: Final = 1_000_000_000
MAX_NONCE: Final = 2**64 - 1
TOKEN_LIFE_S: Final = 900
LOCKOUT_AFTER: Final = 20
"""So many calls in a row with a bad key, signature or nonce lock the caller out."""
LOCKOUT_S: Final = 900

QUERY_FUNDS: Final = "query-funds"
QUERY_OPEN: Final = "query-open-trades"
QUERY_CLOSED: Final = "query-closed-trades"
MODIFY: Final = "modify-trades"
CANCEL: Final = "close-trades"
LEDGER: Final = "query-ledger"
WEBSOCKET: Final = "access-websockets"
WITHDRAW: Final = "withdraw-funds"

READ: Final = frozenset({QUERY_FUNDS, QUERY_OPEN, QUERY_CLOSED, LEDGER, WEBSOCKET})
TRADE: Final = READ | {MODIFY, CANCEL}

NEEDS: Final[dict[str, frozenset[str]]] = {
    "Balance": frozenset({QUERY_FUNDS}),
    "BalanceEx": frozenset({QUERY_FUNDS}),
    "TradeVolume": frozenset({QUERY_FUNDS}),
    "TradeBalance": frozenset({QUERY_OPEN}),
    "OpenOrders": frozenset({QUERY_OPEN}),
    "OpenPositions": frozenset({QUERY_OPEN}),
    "QueryOrders": frozenset({QUERY_OPEN, QUERY_CLOSED}),
    "OrderAmends": frozenset({QUERY_OPEN, QUERY_CLOSED}),
    "ClosedOrders": frozenset({QUERY_CLOSED}),
    "TradesHistory": frozenset({QUERY_CLOSED}),
    "QueryTrades": frozenset({QUERY_CLOSED}),
    "AddOrder": frozenset({MODIFY}),
    "AmendOrder": frozenset({MODIFY}),
    "EditOrder": frozenset({MODIFY}),
    "AddOrderBatch": frozenset({MODIFY}),
    "CancelOrder": frozenset({CANCEL, MODIFY}),
    "CancelAll": frozenset({CANCEL, MODIFY}),
    "CancelAllOrdersAfter": frozenset({CANCEL, MODIFY}),
    "CancelOrderBatch": frozenset({CANCEL, MODIFY}),
    "Ledgers": frozenset({LEDGER}),
    "QueryLedgers": frozenset({LEDGER}),
    "GetWebSocketsToken": frozenset({WEBSOCKET}),
    "GetApiKeyInfo": frozenset(),
}
"""Which permissions let a key make a call: one of them is enough; none named = every key."""


@dataclass(slots=True)
class PracticeKey:
    """One API key of the practice venue."""

    name: str
    key: str
    secret: bytes
    account: str
    permissions: frozenset[str] = TRADE
    otp: str = ""
    """The static second factor, where the key has one."""
    tier: Tier = TIERS["intermediate"]
    nonce_window: int = 0
    created_ns: int = 0
    last_used_ns: int = 0
    last_nonce: int = 0
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=1000))
    """Nonces used within the window."""

    def row(self) -> dict[str, Any]:
        """Its entry in the endpoints file."""
        return {
            "name": self.name,
            "key": self.key,
            "secret": base64.b64encode(self.secret).decode(),
            "account": self.account,
            "permissions": sorted(self.permissions),
            "otp": self.otp or None,
            "tier": self.tier.name,
        }


def make_keys(account: str, second_account: str, now_ns: int) -> list[PracticeKey]:
    """A fresh set: one to trade with, and those that tests and dialogs want to meet."""

    def fresh(name: str, permissions: frozenset[str], owner: str, otp: str = "") -> PracticeKey:
        key = base64.b64encode(secrets.token_bytes(42)).decode()
        return PracticeKey(name, key, secrets.token_bytes(64), owner, permissions, otp, created_ns=now_ns)

    return [
        fresh("practice", TRADE, account),
        fresh("read-only", READ, account),
        fresh("withdraw", TRADE | {WITHDRAW}, account),
        fresh("otp", TRADE, account, otp=f"{secrets.randbelow(10**6):06d}"),
        fresh("no-websocket", TRADE - {WEBSOCKET}, account),
        fresh("second", TRADE, second_account),
    ]


def sign(secret: bytes, path: str, nonce: str, body: bytes) -> str:
    """API-Sign of a private call."""
    inner = hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(hmac.new(secret, path.encode() + inner, hashlib.sha512).digest()).decode()


class Gatekeeper:
    """Checks every private call and gives out WebSocket tokens."""

    def __init__(
        self,
        keys: list[PracticeKey],
        *,
        wall_ns: Callable[[], int],
        monotonic_ns: Callable[[], int],
        save_nonce: Callable[[str, int], None] = lambda key, nonce: None,
    ) -> None:
        self.keys = {key.key: key for key in keys}
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._save_nonce = save_nonce
        self._counters: dict[str, DecayingCounter] = {}
        self._tokens: dict[str, tuple[str, int]] = {}
        self._in_use: dict[str, int] = {}
        self._failures = 0
        self._locked_until_ns = 0

    def admit(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, values: Mapping[str, Any]
    ) -> PracticeKey:
        """The key that makes this call, after every check.

        Raises:
            ApiError: key, signature, nonce, permission or rate limit.
        """
        if self._monotonic_ns() < self._locked_until_ns:
            raise ApiError(errors.LOCKOUT)
        key = self.keys.get(headers.get("api-key", ""))
        if key is None:
            raise self._failed(errors.INVALID_KEY)
        nonce_text = _nonce_text(values.get("nonce"))
        if nonce_text is None:
            raise self._failed(errors.INVALID_NONCE)
        expected = sign(key.secret, path, nonce_text, body)
        if not _same_signature(expected, headers.get("api-sign", "")):
            raise self._failed(errors.INVALID_SIGNATURE)
        self._check_nonce(key, int(nonce_text))
        if key.otp and not hmac.compare_digest(str(values.get("otp", "")).encode(), key.otp.encode()):
            raise self._failed(errors.INVALID_SIGNATURE)
        self._failures = 0
        key.last_used_ns = self._wall_ns()
        needed = NEEDS[method]
        if needed and not needed & key.permissions:
            raise ApiError(errors.PERMISSION_DENIED)
        if not self.counter(key).try_charge(REST_COSTS.get(method, 1)):
            raise ApiError(errors.REST_RATE_LIMIT)
        return key

    def counter(self, key: PracticeKey) -> DecayingCounter:
        """The REST counter of a key."""
        found = self._counters.get(key.key)
        if found is None:
            tier = key.tier
            found = DecayingCounter(tier.rest_max, tier.rest_decay_per_s, self._monotonic_ns)
            self._counters[key.key] = found
        return found

    def forgive(self) -> None:
        """Empty the counters and lift a lockout."""
        self._counters.clear()
        self._failures = 0
        self._locked_until_ns = 0

    def _check_nonce(self, key: PracticeKey, nonce: int) -> None:
        if nonce > MAX_NONCE:
            raise self._failed(errors.INVALID_NONCE)
        fresh = nonce > key.last_nonce
        late = nonce > key.last_nonce - key.nonce_window and nonce not in key.seen
        if not fresh and not late:
            raise self._failed(errors.INVALID_NONCE)
        if key.nonce_window:
            key.seen.append(nonce)
        if fresh:
            key.last_nonce = nonce
            self._save_nonce(key.key, nonce)

    def _failed(self, text: str) -> ApiError:
        self._failures += 1
        if self._failures >= LOCKOUT_AFTER:
            self._failures = 0
            self._locked_until_ns = self._monotonic_ns() + LOCKOUT_S * NS_PER_S
        return ApiError(text)

    # ---- tokens ----------------------------------------------------------------------------------

    def new_token(self, key: PracticeKey) -> str:
        """A WebSocket token: 15 minutes to use it, then as long as a subscription made with it lives."""
        now = self._monotonic_ns()
        self._tokens = {
            token: (owner, until)
            for token, (owner, until) in self._tokens.items()
            if until > now or self._in_use.get(token)
        }
        token = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        self._tokens[token] = (key.key, now + TOKEN_LIFE_S * NS_PER_S)
        return token

    def token_key(self, token: object) -> PracticeKey:
        """The key behind a token.

        Raises:
            ApiError: unknown or expired.
        """
        found = self._tokens.get(token) if isinstance(token, str) else None
        if found is None or not isinstance(token, str):
            raise ApiError(errors.INVALID_SESSION)
        owner, until = found
        if until <= self._monotonic_ns() and not self._in_use.get(token):
            raise ApiError(errors.INVALID_SESSION)
        return self.keys[owner]

    def hold_token(self, token: str) -> None:
        """A subscription made with it began."""
        self._in_use[token] = self._in_use.get(token, 0) + 1

    def release_token(self, token: str) -> None:
        """A subscription made with it ended."""
        left = self._in_use.get(token, 0) - 1
        if left > 0:
            self._in_use[token] = left
        else:
            self._in_use.pop(token, None)

    def void_tokens(self) -> None:
        """Every token given out so far is worth nothing."""
        self._tokens.clear()
        self._in_use.clear()


def _nonce_text(value: object) -> str | None:
    """The digits of a nonce, or None."""
    if isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, int) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 20:
        return text
    return None


def _same_signature(expected: str, given: str) -> bool:
    try:
        theirs = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(base64.b64decode(expected), theirs)
