"""The practice cTrader's sign-in over HTTPS: authorisation page, consent, and the token endpoint.

Paths are the vendor's own (Open API 2.0, OAuth): ``/my/settings/openapi/grantingaccess/``, the older
``/apps/auth``, and ``/apps/token``. The token endpoint answers 200 to refusals too, with an ``errorCode``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlencode

from terminal.emulators.ctrader import pages
from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.grants import EXPIRES_IN_S, SCOPES, Grant, Grants, TokenRefused
from terminal.emulators.faults import Faults
from terminal.emulators.web import HttpRequest, HttpResponse, Upgrade

AUTHORIZE_PATH: Final = "/my/settings/openapi/grantingaccess/"
OLD_AUTHORIZE_PATH: Final = "/apps/auth"
TOKEN_PATH: Final = "/apps/token"
_VISITS_KEPT: Final = 500
_HTML: Final = "text/html; charset=utf-8"


@dataclass(slots=True)
class _Visit:
    """One run through the pages."""

    redirect: str
    scope: str
    state: str | None
    is_signed_in: bool = False


class SignInSite:
    """Answers the requests of the sign-in host.

    Args:
        accounts: what the consent page lists.
    """

    def __init__(
        self, grants: Grants, faults: Faults, accounts: Callable[[], Sequence[pages.AccountRow]]
    ) -> None:
        self._grants = grants
        self._faults = faults
        self._accounts = accounts
        self._visits: dict[str, _Visit] = {}
        self.requests = 0

    # ---- WebHandler ------------------------------------------------------------------------------

    def subject_of(self, request: HttpRequest) -> str | None:
        """``rest/sign_in/token`` and so on."""
        return f"rest/sign_in/{request.path.strip('/').rsplit('/', 1)[-1]}"

    def on_arrival(self, request: HttpRequest) -> None:
        """Counted before any fault."""
        self.requests += 1

    def on_upgrade(self, request: HttpRequest) -> HttpResponse | Upgrade:
        """No WebSocket here."""
        return HttpResponse(404, b"Not Found", "text/plain")

    def on_request(self, request: HttpRequest) -> HttpResponse:
        """One page or the token endpoint."""
        path = request.path
        if path in (AUTHORIZE_PATH, AUTHORIZE_PATH.rstrip("/"), OLD_AUTHORIZE_PATH):
            return self._authorize(request) if request.method in ("GET", "HEAD") else _wrong_method()
        if path == TOKEN_PATH:
            return self._token(request) if request.method in ("GET", "POST") else _wrong_method()
        if path in ("/practice/login", "/practice/consent"):
            if request.method != "POST":
                return _wrong_method()
            return self._login(request) if path.endswith("login") else self._consent(request)
        return _html(404, pages.problem("Not found", "There is no such page at the practice venue."))

    # ---- pages -----------------------------------------------------------------------------------

    def _authorize(self, request: HttpRequest) -> HttpResponse:
        values = _values(request.query)
        redirect, scope = values.get("redirect_uri", ""), values.get("scope", "accounts")
        if values.get("client_id") != self._grants.client_id:
            return _refused("Unknown application", "No application has this client id.")
        if not self._grants.is_redirect(redirect):
            return _refused("Wrong redirect", "The application has not registered this redirect URI.")
        if scope not in SCOPES:
            return _refused("Wrong scope", "The scope must be accounts or trading.")
        visit = secrets.token_urlsafe(18)
        self._visits[visit] = _Visit(redirect, scope, values.get("state"))
        while len(self._visits) > _VISITS_KEPT:
            del self._visits[next(iter(self._visits))]
        return _html(200, pages.login(visit))

    def _login(self, request: HttpRequest) -> HttpResponse:
        name = _values(request.body.decode("latin-1")).get("visit", "")
        visit = self._visits.get(name)
        if visit is None:
            return _stale()
        visit.is_signed_in = True
        return _html(200, pages.consent(name, visit.scope, self._accounts()))

    def _consent(self, request: HttpRequest) -> HttpResponse:
        form = parse_qs(request.body.decode("latin-1"))
        visit = self._visits.pop(form.get("visit", [""])[0], None)
        if visit is None or not visit.is_signed_in:
            return _stale()
        if form.get("answer", [""])[0] != "allow":
            return _back(visit, {"error": "access_denied"})
        known = {row.ctid for row in self._accounts()}
        chosen = [int(text) for text in form.get("account", []) if text.isascii() and text.isdigit()]
        chosen = [one for one in chosen if one in known]
        if not chosen:
            return _back(visit, {"error": "access_denied"})
        return _back(visit, {"code": self._grants.give_code(visit.redirect, visit.scope, chosen)})

    # ---- the token endpoint ----------------------------------------------------------------------

    def _token(self, request: HttpRequest) -> HttpResponse:
        values = _values(request.query)
        if request.method == "POST":
            values |= _values(request.body.decode("latin-1"))
        try:
            # The web server has taken the faults of HTTP as such.
            fault = self._faults.take("error", "rest/sign_in/token") if self._faults.active else None
            if fault is not None:
                raise TokenRefused(fault.text("error", "ACCESS_DENIED"), "Ordered by a rehearsal")
            return _told(self._pair(values))
        except TokenRefused as error:
            return _denied(error.code, error.description)
        except OpenApiError as error:
            return _denied(error.code, error.description)

    def _pair(self, values: dict[str, str]) -> Grant:
        if not self._grants.is_application(values.get("client_id", ""), values.get("client_secret", "")):
            raise TokenRefused("ACCESS_DENIED", "Wrong client id or client secret")
        kind = values.get("grant_type")
        if kind == "authorization_code":
            return self._grants.exchange(values.get("code", ""), values.get("redirect_uri", ""))
        if kind == "refresh_token":
            return self._grants.refresh(values.get("refresh_token", ""))
        raise TokenRefused("INVALID_REQUEST", "grant_type must be authorization_code or refresh_token")


def _values(text: str) -> dict[str, str]:
    return {name: found[0] for name, found in parse_qs(text, keep_blank_values=True).items()}


def _told(grant: Grant) -> HttpResponse:
    return _json(
        {
            "accessToken": grant.access,
            "tokenType": "bearer",
            "expiresIn": EXPIRES_IN_S,
            "refreshToken": grant.refresh,
            "errorCode": None,
            "description": None,
        }
    )


def _denied(code: str, description: str) -> HttpResponse:
    return _json(
        {
            "accessToken": None,
            "tokenType": None,
            "expiresIn": None,
            "refreshToken": None,
            "errorCode": code,
            "description": description,
        }
    )


def _json(values: dict[str, object]) -> HttpResponse:
    return HttpResponse(200, json.dumps(values).encode(), headers=(("Cache-Control", "no-store"),))


def _html(status: int, page: bytes) -> HttpResponse:
    return HttpResponse(status, page, _HTML, pages.HEADERS)


def _back(visit: _Visit, answer: dict[str, str]) -> HttpResponse:
    if visit.state is not None:
        answer["state"] = visit.state
    where = f"{visit.redirect}?{urlencode(answer)}"
    return HttpResponse(302, b"", "text/plain", (("Location", where), *pages.HEADERS))


def _refused(title: str, text: str) -> HttpResponse:
    return _html(400, pages.problem(title, text))


def _stale() -> HttpResponse:
    return _refused("Begin again", "This sign-in is over. Begin a new one in the terminal.")


def _wrong_method() -> HttpResponse:
    return HttpResponse(405, b"Method Not Allowed", "text/plain")
