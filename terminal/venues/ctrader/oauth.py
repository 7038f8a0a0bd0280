"""Signing in at cTrader's own page (OAuth 2.0): the page's address, and from its answer to the tokens.

The code lives one minute and works once; the token endpoint says yes and no alike with HTTP 200, so that its
``errorCode`` decides (Open API 2.0, account authorisation). Its address holds the secret and is never logged.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from terminal.core.clock import Clock, SystemClock
from terminal.core.secret import Secret, scrub
from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    SettingsError,
    VenueUnavailable,
)
from terminal.transport.http_client import HttpAnswer, HttpClient
from terminal.transport.wire import is_loopback, make_ssl_context, require_safe_address
from terminal.venues.base import ConnectorSettings, SignInPage
from terminal.venues.ctrader import VENUE
from terminal.venues.ctrader.errors import VENUE_NAME, Verdict, meaning_of

log = logging.getLogger("venue.ctrader")

SCOPE: Final = "trading"
_STATE_BYTES: Final = 32
_EXCHANGE_DEADLINE_S: Final = 15.0
_MAX_BODY_BYTES: Final = 64 * 1024


def begin_sign_in(settings: ConnectorSettings, *, clock: Clock | None = None) -> CtraderSignIn:
    """One attempt to sign in. ``settings.credentials`` hold the application's id and secret.

    Raises:
        CredentialError: the application's id or secret is missing.
        SettingsError: an address cannot be used.
    """
    return CtraderSignIn(settings, clock or SystemClock())


class CtraderSignIn:
    """One attempt: its page, and what to do with the answer.

    Attributes:
        page: what to open. The ``state`` in it is this attempt's own.
    """

    def __init__(self, settings: ConnectorSettings, clock: Clock) -> None:
        client_id = settings.credentials.get("client_id")
        client_secret = settings.credentials.get("client_secret")
        if not client_id or not client_secret:
            raise CredentialError(
                "no application", user_text="Enter the id and the secret of your cTrader application first."
            )
        endpoints = {
            **VENUE.default_endpoints,
            **{key: value for key, value in settings.endpoints.items() if value or key == "ca"},
        }
        authorize, token, redirect = endpoints["authorize"], endpoints["token"], endpoints["redirect"]
        require_safe_address(authorize, ("http", "https"))
        require_safe_address(token, ("http", "https"))
        if urlsplit(redirect).scheme not in ("http", "https") or not is_loopback(redirect):
            raise SettingsError(
                f"redirect {redirect!r}",
                user_text="The redirect address must be on this machine: http://localhost:PORT/callback.",
            )
        self._client_id, self._client_secret = client_id, client_secret
        self._token_url = token
        self._redirect = redirect
        self._ca_file = endpoints.get("ca", "")
        self._proxy = settings.proxy
        self._clock = clock
        self._state = Secret(secrets.token_urlsafe(_STATE_BYTES))
        self._is_used = False
        query = urlencode(
            {
                "client_id": client_id.reveal(),
                "redirect_uri": redirect,
                "scope": SCOPE,
                "product": "web",
                "state": self._state.reveal(),
            }
        )
        separator = "&" if urlsplit(authorize).query else "?"
        self.page = SignInPage(f"{authorize}{separator}{query}", redirect, _hosts(authorize), self._ca_file)

    async def finish(self, answered_url: str) -> Mapping[str, Secret]:
        """Take the address that the page led to and exchange its code.

        Returns ``access_token``, ``refresh_token``, ``expires_ns`` (UTC, as text) and ``scope``, beside the
        application's ``client_id`` and ``client_secret``.

        Raises:
            AuthRejected: denied, wrong or missing state, a code used before or too old, a wrong secret.
            VenueUnavailable: the token endpoint cannot be reached; the code may still be good.
        """
        code = self._code_of(answered_url)
        if self._is_used:
            raise _refused("the code was used before", "This sign-in was finished before: begin a new one.")
        query = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self._client_id.reveal(),
            "client_secret": self._client_secret.reveal(),
        }
        answer = await self._ask(query)
        found = _read(answer)
        access, refresh = found.get("accessToken"), found.get("refreshToken")
        if found.get("errorCode") or not isinstance(access, str) or not isinstance(refresh, str):
            raise _explain(found)
        if not access or not refresh:
            raise _explain(found)
        life_s = found.get("expiresIn")
        grant = {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "access_token": Secret(access),
            "refresh_token": Secret(refresh),
            "scope": Secret(SCOPE),
        }
        if isinstance(life_s, int) and 0 < life_s < 10**10:
            grant["expires_ns"] = Secret(str(self._clock.wall_ns() + life_s * 1_000_000_000))
        return grant

    def _code_of(self, answered_url: str) -> str:
        if not _is_same_address(answered_url, self._redirect):
            raise _refused(
                "the answer came to another address",
                "The answer came to an unexpected address: sign in again.",
            )
        query = parse_qs(urlsplit(answered_url).query, keep_blank_values=True)
        # The state first: what comes without it is nobody's answer to our question, not even a denial.
        states = query.get("state", [])
        given = states[0] if len(states) == 1 else ""
        if not hmac.compare_digest(given.encode(), self._state.reveal().encode()):
            what = "wrong" if given else "missing"
            raise _refused(
                f"{what} state", "The answer does not belong to this sign-in, and was refused: sign in again."
            )
        if "error" in query:
            raise _refused(
                f"denied: {scrub(query['error'][0])[:100]}",
                "You did not allow the access, or cTrader did not. Nothing has changed.",
            )
        codes = query.get("code", [])
        if len(codes) != 1 or not codes[0] or len(codes[0]) > 4096:
            raise _refused("no code", "The page ended without allowing the access. Nothing has changed.")
        Secret(codes[0])  # known to the log's scrubber from here on
        return codes[0]

    async def _ask(self, query: Mapping[str, str]) -> HttpAnswer:
        parts = urlsplit(self._token_url)
        context = None
        if parts.scheme == "https":
            context = await asyncio.to_thread(make_ssl_context, self._ca_file)
        client = HttpClient(
            venue=VENUE_NAME,
            base_url=f"{parts.scheme}://{parts.netloc}",
            deadline_s=_EXCHANGE_DEADLINE_S,
            max_body_bytes=_MAX_BODY_BYTES,
            proxy=self._proxy,
            ssl_context=context,
            clock=self._clock,
        )
        async with client:
            try:
                answer = await client.request(
                    "GET",
                    parts.path or "/",
                    query=query,
                    headers={"Accept": "application/json", "Content-Type": "application/json"},
                    reading=False,
                )
            except NotSent as error:
                raise VenueUnavailable(
                    VENUE_NAME, str(error), code=error.code, user_text=_not_reached(error)
                ) from None
            except OutcomeUnknown as error:
                self._is_used = True
                raise VenueUnavailable(
                    VENUE_NAME,
                    str(error),
                    code=error.code,
                    user_text="cTrader did not answer the sign-in: sign in again.",
                ) from None
            except RateLimited:
                raise
        self._is_used = True
        return answer


def _not_reached(error: NotSent) -> str:
    if error.code == "tls":
        return error.user_text.removeprefix("Not sent. ")
    return "cTrader's sign-in server cannot be reached: try again within a minute."


def _hosts(authorize: str) -> tuple[str, ...]:
    """Where the page may load from: its own host, and for cTrader's the whole of its domain."""
    host = urlsplit(authorize).hostname or ""
    return (host, ".ctrader.com") if host.endswith(".ctrader.com") else (host,)


def _is_same_address(found: str, wanted: str) -> bool:
    try:
        ours, theirs = urlsplit(wanted), urlsplit(found)
        return (theirs.scheme, theirs.hostname, theirs.port, theirs.path) == (
            ours.scheme,
            ours.hostname,
            ours.port,
            ours.path,
        )
    except ValueError:
        return False


def _read(answer: HttpAnswer) -> dict[str, Any]:
    """``{"accessToken":"...","tokenType":"bearer","expiresIn":2628000,"refreshToken":"...","errorCode":null,
    "description":null}``"""
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise VenueUnavailable(
            VENUE_NAME,
            f"the token endpoint answered with HTTP {answer.status} and no JSON",
            code="unreadable",
            user_text="cTrader's sign-in server answered with something unreadable: sign in again.",
        )
    return found


def _explain(found: Mapping[str, Any]) -> AuthRejected:
    code = str(found.get("errorCode") or "no-token")
    words = scrub(str(found.get("description") or ""))[:200]
    row = meaning_of(code, words)
    text = (
        row.text
        if row.verdict in (Verdict.AUTH, Verdict.TOKEN)
        else f"cTrader refused the sign-in: {words or code}"
    )
    if code == "ACCESS_DENIED" and words:
        # One code for several reasons: which one it is, only the words tell.
        text = f"{text} It says: {words.rstrip('.')}."
    return AuthRejected(
        VENUE_NAME, f"{code}: {words}", code=code, venue_text=words, user_text=text, repair=row.repair
    )


def _refused(detail: str, text: str) -> AuthRejected:
    return AuthRejected(VENUE_NAME, detail, code="sign-in", user_text=text)
