"""Who may do what at the practice cTrader: the application, codes, and pairs of tokens.

A code lives one minute and works once; a refresh token works once and gives a new pair; every run through
the authorisation page is a grant of its own (Open API 2.0, OAuth).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from terminal.core.clock import Clock
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.market.store import Store

EXPIRES_IN_S: Final = 2_628_000
CODE_LIFE_S: Final = 60.0
SCOPES: Final = {"accounts": 0, "trading": 1}
"""``permissionScope`` by the scope's name: view only, view and trade."""
REDIRECT: Final = "http://localhost:23682/callback"
USER_ID: Final = 88_001
_KEY: Final = "ctrader:grants"
_KEPT: Final = 50


class TokenRefused(Exception):
    """The token endpoint says no: a code of its own open set, and a description."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


@dataclass(slots=True)
class Grant:
    """What one person has allowed once, and the pair of tokens that stands for it now."""

    grant_id: int
    scope: str
    accounts: list[int]
    access: str
    refresh: str
    expires_ms: int
    is_revoked: bool = False
    is_first: bool = False
    """Made beforehand, for the practice venue of the first start."""

    @property
    def may_trade(self) -> bool:
        return self.scope == "trading"

    @property
    def permission(self) -> int:
        """As ``ProtoOAClientPermissionScope``."""
        return SCOPES[self.scope]


@dataclass(slots=True)
class _Code:
    redirect: str
    scope: str
    accounts: list[int]
    until_ns: int
    is_used: bool = False


class Grants:
    """All grants of the practice user.

    Args:
        accounts: ids of all practice accounts.
    """

    def __init__(self, store: Store, clock: Clock, accounts: Sequence[int]) -> None:
        self._store = store
        self._clock = clock
        self._all = list(accounts)
        kept = store.get(_KEY)
        data: dict[str, Any] = kept if isinstance(kept, dict) else {}
        self.client_id: str = data.get("client_id") or f"{secrets.randbelow(90_000) + 10_000}_practice"
        self.client_secret: str = data.get("client_secret") or secrets.token_urlsafe(32)
        self._grants = [Grant(**row) for row in data.get("grants", ())]
        self._next_id = max((grant.grant_id for grant in self._grants), default=0) + 1
        self._codes: dict[str, _Code] = {}
        self.on_invalid: list[Callable[[str, str], None]] = []
        """Called with an access token that has just died, and why."""
        first = self._first()
        if first is None or first.is_revoked or first.expires_ms <= self._now_ms():
            # A practice venue begins signed in, whatever became of the grant of an earlier run.
            for grant in self._grants:
                grant.is_first = False
            self._make("trading", self._all, is_first=True)
        elif set(first.accounts) != set(self._all):
            first.accounts = list(self._all)
        self._save()

    @property
    def first(self) -> Grant:
        """The grant made beforehand."""
        found = self._first()
        assert found is not None
        return found

    def _first(self) -> Grant | None:
        return next((grant for grant in self._grants if grant.is_first), None)

    def _now_ms(self) -> int:
        return self._clock.wall_ns() // 1_000_000

    def _make(self, scope: str, accounts: Sequence[int], *, is_first: bool = False) -> Grant:
        grant = Grant(
            self._next_id, scope, list(accounts), secrets.token_urlsafe(32), secrets.token_urlsafe(32),
            self._now_ms() + EXPIRES_IN_S * 1000, is_first=is_first,
        )  # fmt: skip
        self._next_id += 1
        self._grants.append(grant)
        while len(self._grants) > _KEPT:
            self._grants.remove(next(one for one in self._grants if not one.is_first))
        return grant

    def _save(self) -> None:
        self._store.put(
            _KEY,
            {
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "grants": [asdict(grant) for grant in self._grants],
            },
        )

    # ---- the application -------------------------------------------------------------------------

    def is_application(self, client_id: str, client_secret: str) -> bool:
        """The id and the secret belong together."""
        right_id = hmac.compare_digest(client_id.encode(), self.client_id.encode())
        right_secret = hmac.compare_digest(client_secret.encode(), self.client_secret.encode())
        return right_id and right_secret

    def is_redirect(self, uri: str) -> bool:
        """A redirect that the practice application has registered: ``/callback`` on this machine, any port.
        (The venue's own comparison is character by character; which port is free only the machine knows.)"""
        parts = urlsplit(uri)
        return (
            parts.scheme == "http"
            and parts.hostname in ("localhost", "127.0.0.1", "::1")
            and parts.path == "/callback"
            and not parts.query
            and not parts.fragment
            and parts.username is None
        )

    # ---- codes -----------------------------------------------------------------------------------

    def give_code(self, redirect: str, scope: str, accounts: Sequence[int]) -> str:
        """A code for what was just allowed."""
        code = secrets.token_urlsafe(24)
        until = self._clock.monotonic_ns() + int(CODE_LIFE_S * 1e9)
        self._codes[code] = _Code(redirect, scope, list(accounts), until)
        while len(self._codes) > 1000:
            del self._codes[next(iter(self._codes))]
        return code

    def exchange(self, code: str, redirect: str) -> Grant:
        """A pair of tokens for a code.

        Raises:
            TokenRefused: unknown, used, too old, or of another redirect.
        """
        found = self._codes.get(code)
        if found is None:
            raise TokenRefused("ACCESS_DENIED", "The authorization code is invalid")
        if found.is_used:
            raise TokenRefused("ACCESS_DENIED", "The authorization code was already used")
        if self._clock.monotonic_ns() > found.until_ns:
            raise TokenRefused("ACCESS_DENIED", "The authorization code has expired")
        if redirect != found.redirect:
            raise TokenRefused("ACCESS_DENIED", "The redirect URI does not match")
        found.is_used = True
        grant = self._make(found.scope, found.accounts)
        self._save()
        return grant

    # ---- tokens ----------------------------------------------------------------------------------

    def refresh(self, refresh_token: str) -> Grant:
        """A new pair; the old one dies, and its access token is called invalid.

        Raises:
            OpenApiError: CH_ACCESS_TOKEN_INVALID for a token that is unknown, used up or revoked.
        """
        grant = next((one for one in self._grants if one.refresh == refresh_token), None)
        if grant is None or grant.is_revoked or not refresh_token:
            raise OpenApiError("CH_ACCESS_TOKEN_INVALID", "Invalid refresh token")
        old = grant.access
        grant.access, grant.refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        grant.expires_ms = self._now_ms() + EXPIRES_IN_S * 1000
        self._save()
        self._tell(old, "Access token was refreshed")
        return grant

    def by_access(self, access_token: str) -> Grant:
        """The grant of an access token.

        Raises:
            OpenApiError: unknown or revoked, or expired.
        """
        grant = next((one for one in self._grants if one.access == access_token), None)
        if grant is None or grant.is_revoked or not access_token:
            raise OpenApiError("CH_ACCESS_TOKEN_INVALID", "Invalid access token")
        if grant.expires_ms <= self._now_ms():
            raise OpenApiError("OA_AUTH_TOKEN_EXPIRED", "Access token is expired")
        return grant

    def revoke(self) -> int:
        """The user takes back every grant; returns how many there were."""
        live = [grant for grant in self._grants if not grant.is_revoked]
        for grant in live:
            grant.is_revoked = True
        self._save()
        for grant in live:
            self._tell(grant.access, "Access token was revoked by the user")
        return len(live)

    def expire(self) -> int:
        """Every access token is over its time; refresh tokens go on working."""
        now = self._now_ms()
        live = [grant for grant in self._grants if not grant.is_revoked and grant.expires_ms > now]
        for grant in live:
            grant.expires_ms = now
        self._save()
        for grant in live:
            self._tell(grant.access, "Access token is expired")
        return len(live)

    def look(self) -> None:
        """Once a second or so: tell of tokens whose time has come."""
        now = self._now_ms()
        for grant in self._grants:
            if not grant.is_revoked and now - 5_000 <= grant.expires_ms <= now:
                self._tell(grant.access, "Access token is expired")

    def _tell(self, access_token: str, reason: str) -> None:
        for listener in tuple(self.on_invalid):
            listener(access_token, reason)
