"""The practice Quotex's web site: sign-in, settings page, REST calls, and the door to the socket.

Paths and replies are section 2 of the protocol reference; what a wrong method or a stale form gets is not
known and decided here (405 and 419).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs

from terminal.emulators.faults import Faults
from terminal.emulators.quotex import pages
from terminal.emulators.quotex.accounts import DEMO, LIVE, TOURNAMENTS, User
from terminal.emulators.quotex.desk import Desk
from terminal.emulators.quotex.logins import COOKIE, Logins, Outcome, WebSession
from terminal.emulators.web import HttpRequest, HttpResponse, Upgrade

SOCKET_PATH: Final = "/socket.io/"
_DIGEST: Final = "/api/v1/cabinets/digest"
_OFFSET: Final = "/api/v1/user/profile/time_offset"
_HISTORY: Final = re.compile(r"/api/v1/cabinets/trades/history/type/([01])")
_PAGE: Final = re.compile(r"/([a-z]{2})(/[a-z/-]*)?")
PAGE_SIZE: Final = 20
_HTML: Final = "text/html; charset=UTF-8"
_SUBJECTS: Final = {
    _DIGEST: "rest/api/digest",
    _OFFSET: "rest/api/time_offset",
}

Open = Callable[[HttpRequest], HttpResponse | Upgrade]


class Site:
    """Answers every request of the one port.

    Args:
        open_socket: takes an upgrade that the door has let through.
    """

    def __init__(self, logins: Logins, desk: Desk, faults: Faults, open_socket: Open) -> None:
        self._logins = logins
        self._desk = desk
        self._faults = faults
        self._open_socket = open_socket
        self.requests = 0

    # ---- WebHandler ------------------------------------------------------------------------------

    def subject_of(self, request: HttpRequest) -> str | None:
        """See ``kinds``."""
        path = request.path
        if path in _SUBJECTS:
            return _SUBJECTS[path]
        if _HISTORY.fullmatch(path):
            return "rest/api/history"
        found = _PAGE.fullmatch(path)
        rest = (found.group(2) or "").rstrip("/") if found else ""
        if rest.startswith("/sign-in"):
            if request.method != "POST":
                return "rest/sign_in/page"
            return "rest/sign_in/pin" if b"keep_code=" in request.body else "rest/sign_in/post"
        return {"/trade": "rest/trade_page", "/logout": "rest/logout"}.get(rest, "rest/other")

    def on_arrival(self, request: HttpRequest) -> None:
        """Counted before any fault."""
        self.requests += 1

    def on_upgrade(self, request: HttpRequest) -> HttpResponse | Upgrade:
        """The socket: cookies and user agent must be those of one sign-in; unknown cookies may come in and
        are refused at the authorization."""
        fault = self._faults.take("challenge", "connect/ws" + request.path)
        if fault is not None:
            return _challenge(int(fault.number("status", 403)))
        values = _values(request.query)
        if request.path != SOCKET_PATH:
            return HttpResponse(404, b"Not Found", "text/plain")
        if values.get("EIO") != "3" or values.get("transport") != "websocket":
            return _json({"code": 0, "message": "Transport unknown"}, 400)
        cookies, agent = request.headers.get("cookie", ""), request.headers.get("user-agent", "")
        session = self._logins.session(cookies)
        wrong_agent = session is not None and not _is_agent(session.agent, agent)
        if (
            not cookies
            or not agent
            or wrong_agent
            or not request.headers.get("origin", "").startswith("https://")
        ):
            return _challenge(403)
        return self._open_socket(request)

    def on_request(self, request: HttpRequest) -> HttpResponse:
        """One page or REST call."""
        if self._faults.active:
            fault = self._faults.take("challenge", self.subject_of(request) or "")
            if fault is not None:
                return _challenge(int(fault.number("status", 403)))
        path = request.path
        if path.startswith("/api/"):
            return self._api(request)
        if path == SOCKET_PATH:
            return _json({"code": 0, "message": "Transport unknown"}, 400)
        found = _PAGE.fullmatch(path)
        if path == "/" or (found and not (found.group(2) or "").strip("/")):
            return _redirect(f"/{found.group(1) if found else 'en'}/sign-in/modal/")
        if found is None:
            return _html(404, pages.problem("Not found", "There is no such page at the practice venue."))
        lang, rest = found.group(1), (found.group(2) or "").rstrip("/")
        if rest in ("/sign-in", "/sign-in/modal"):
            if request.method == "POST":
                return self._post(request, lang)
            return self._form(request, lang) if request.method in ("GET", "HEAD") else _wrong_method()
        if rest == "/trade":
            return self._trade(request, lang)
        if rest == "/logout":
            session = self._logins.session(request.headers.get("cookie", ""))
            if session is not None and session.uid:
                self._logins.sign_out(session)
            return _redirect(f"/{lang}/sign-in/modal/")
        return _html(404, pages.problem("Not found", "There is no such page at the practice venue."))

    # ---- pages -----------------------------------------------------------------------------------

    def _form(self, request: HttpRequest, lang: str) -> HttpResponse:
        session = self._logins.visit(request.headers.get("cookie", ""), _agent(request))
        return self._with_cookies(self._sign_in_page(lang, session), session, lang)

    def _sign_in_page(self, lang: str, session: WebSession, problem: str = "") -> HttpResponse:
        user = self._desk.accounts.first
        return _html(200, pages.sign_in(lang, session.csrf, user.email, user.password, problem))

    def _post(self, request: HttpRequest, lang: str) -> HttpResponse:
        form = _values(request.body.decode("latin-1"))
        session = self._logins.session(request.headers.get("cookie", ""))
        if session is None or form.get("_token") != session.csrf:
            return _html(419, pages.problem("Page expired", "Load the sign-in page again."))
        faults = self._faults
        subject = self.subject_of(request) or ""
        if faults.active and faults.take("not_available", subject) is not None:
            return _html(200, pages.not_available(session.csrf))
        outcome, session = self._logins.sign_in(
            session,
            form,
            _agent(request),
            asks_pin=not session.pin_uid and faults.take("pin", subject) is not None,
            odd_token=faults.take("odd_token", subject) is not None,
        )
        if outcome is Outcome.SIGNED_IN:
            return self._with_cookies(_redirect(f"/{lang}/trade"), session, lang)
        if outcome in (Outcome.PIN_WANTED, Outcome.WRONG_PIN):
            user = self._desk.accounts.users[session.pin_uid]
            problem = pages.WRONG_PIN if outcome is Outcome.WRONG_PIN else ""
            return _html(200, pages.pin(lang, session.csrf, user.email, user.pin, problem))
        return self._sign_in_page(
            lang, session, pages.LOCKED if outcome is Outcome.LOCKED else pages.WRONG_PASSWORD
        )

    def _trade(self, request: HttpRequest, lang: str) -> HttpResponse:
        session = self._logins.session(request.headers.get("cookie", ""))
        user = self._logins.user_of(session)
        if session is None or user is None:
            return _redirect(f"/{lang}/sign-in/modal/")
        if not _is_agent(session.agent, _agent(request)):
            return _challenge(403)
        settings = {
            "token": session.token,
            "lang": lang,
            "isDemo": 1,
            "currencyCode": user.currency,
            "currencySymbol": user.currency_symbol,
            "timeOffset": user.time_offset,
            "motto": "Practice; nothing here costs money;",
            "tournaments": [
                {"id": one.number, "title": one.title, "balance": float(user.balances[str(one.number)])}
                for one in TOURNAMENTS
            ],
        }
        return _html(200, pages.trade(settings))

    def _with_cookies(self, response: HttpResponse, session: WebSession, lang: str) -> HttpResponse:
        response.headers += (
            ("Set-Cookie", f"{COOKIE}={session.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"),
            ("Set-Cookie", f"lang={lang}; Path=/; Secure; SameSite=Lax"),
        )
        return response

    # ---- REST ------------------------------------------------------------------------------------

    def _api(self, request: HttpRequest) -> HttpResponse:
        session = self._logins.session(request.headers.get("cookie", ""))
        user = self._logins.user_of(session)
        if session is None or user is None:
            return _json({"message": "Unauthenticated."}, 401)
        if not _is_agent(session.agent, _agent(request)):
            return _challenge(403)
        if request.path == _DIGEST:
            return _json({"data": self._digest(user)}) if request.method == "GET" else _wrong_method()
        if request.path == _OFFSET:
            return self._set_offset(request, user) if request.method == "POST" else _wrong_method()
        found = _HISTORY.fullmatch(request.path)
        if found is None:
            return _json({"message": "Not Found"}, 404)
        page = _values(request.query).get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 7 else 1
        rows = self._desk.history(user, demo=found.group(1) == "1", page=max(1, number), size=PAGE_SIZE)
        return _json({"data": rows})

    def _digest(self, user: User) -> dict[str, Any]:
        return {
            "nickname": user.nickname,
            "id": user.uid,
            "email": user.email,
            # Balances may be texts.
            "demoBalance": format(user.balances[DEMO], ".2f"),
            "liveBalance": format(user.balances[LIVE], ".2f"),
            "avatar": "",
            "currencyCode": user.currency,
            "currencySymbol": user.currency_symbol,
            "country": "PT",
            "countryName": "Portugal",
            "timeOffset": user.time_offset,
        }

    def _set_offset(self, request: HttpRequest, user: User) -> HttpResponse:
        try:
            offset = json.loads(request.body)["time_offset"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return _json({"message": "The given data was invalid."}, 422)
        if isinstance(offset, bool) or not isinstance(offset, int) or abs(offset) > 14 * 3600:
            return _json({"message": "The given data was invalid."}, 422)
        user.time_offset = offset
        self._desk.accounts.save(user)
        return _json({"data": {"timeOffset": offset}})


def _agent(request: HttpRequest) -> str:
    return request.headers.get("user-agent", "")


def _is_agent(known: str, sent: str) -> bool:
    """Whether a request is of a session's browser. A client may name its own program beside it, in a second
    header of that name; the two arrive as one with a comma between them."""
    return known == sent or (bool(known) and (sent.startswith(f"{known}, ") or sent.endswith(f", {known}")))


def _values(text: str) -> dict[str, str]:
    return {name: found[0] for name, found in parse_qs(text, keep_blank_values=True).items()}


def _json(values: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(status, json.dumps(values).encode(), headers=(("Cache-Control", "no-store"),))


def _html(status: int, page: bytes) -> HttpResponse:
    return HttpResponse(status, page, _HTML, pages.HEADERS)


def _redirect(where: str) -> HttpResponse:
    return HttpResponse(302, b"", _HTML, (("Location", where), *pages.HEADERS))


def _challenge(status: int) -> HttpResponse:
    extra = (("Retry-After", "30"),) if status in (429, 503) else ()
    return HttpResponse(
        status, pages.challenge(), _HTML, (("cf-mitigated", "challenge"), *extra, *pages.HEADERS)
    )


def _wrong_method() -> HttpResponse:
    return HttpResponse(405, b"Method Not Allowed", "text/plain")
