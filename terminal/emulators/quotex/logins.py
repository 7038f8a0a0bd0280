"""Web sessions of the practice Quotex: cookies, CSRF tokens, PINs, and the tokens that open a socket.

A session token belongs to the cookie and to the user agent that it was given to (sections 2 and 3 of the
protocol reference). Signed-in sessions are kept, so that a client's stored session outlives a restart.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum, auto
from typing import Final

from terminal.emulators.market.store import Store
from terminal.emulators.quotex.accounts import Accounts, User

COOKIE: Final = "laravel_session"
READY_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
"""The user agent of the sessions that are made beforehand."""
WRONG_PINS: Final = 3
_KEY: Final = "quotex:sessions"
_READY_KEY: Final = "quotex:ready"
_KEPT: Final = 200


class Outcome(Enum):
    """Of one post of the sign-in form."""

    SIGNED_IN = auto()
    PIN_WANTED = auto()
    WRONG_PIN = auto()
    LOCKED = auto()
    WRONG_PASSWORD = auto()


@dataclass(slots=True)
class WebSession:
    """One browser's cookie."""

    cookie: str
    csrf: str
    agent: str
    uid: int = 0
    """Who is signed in; 0 for nobody."""
    token: str = ""
    pin_uid: int = 0
    """Whose PIN is asked for."""
    wrong_pins: int = 0
    is_void: bool = False

    @property
    def cookies(self) -> str:
        """As a client stores them."""
        return f"{COOKIE}={self.cookie}; lang=en"


def cookies_of(header: str) -> dict[str, str]:
    """The cookies of a request."""
    found = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            found[name] = value
    return found


class Logins:
    """Who is signed in where."""

    def __init__(self, accounts: Accounts, store: Store) -> None:
        self._accounts = accounts
        self._store = store
        self._sessions: dict[str, WebSession] = {}
        self.on_void: list[Callable[[WebSession], None]] = []
        """Told of each session that ends with its token."""
        for row in store.get(_KEY, []):
            session = WebSession(**row)
            if session.uid in accounts.users:
                self._sessions[session.cookie] = session
        ready = store.get(_READY_KEY, {})
        self._ready: dict[int, str] = {}
        for user in accounts.users.values():
            cookie = ready.get(str(user.uid), "")
            if cookie not in self._sessions:
                session = self._fresh(READY_AGENT)
                session.uid, session.token = user.uid, secrets.token_urlsafe(30)
                cookie = session.cookie
            self._ready[user.uid] = cookie
        store.put(_READY_KEY, {str(uid): cookie for uid, cookie in self._ready.items()})
        self._save()

    def _save(self) -> None:
        rows = [asdict(one) for one in self._sessions.values() if one.uid]
        self._store.put(_KEY, rows[-_KEPT:])

    def _fresh(self, agent: str) -> WebSession:
        session = WebSession(secrets.token_urlsafe(30), secrets.token_urlsafe(30), agent)
        self._sessions[session.cookie] = session
        visitors = [one for one in self._sessions.values() if not one.uid]
        for old in visitors[:-_KEPT]:
            del self._sessions[old.cookie]
        return session

    def ready(self, user: User) -> WebSession:
        """The session that was made beforehand."""
        return self._sessions[self._ready[user.uid]]

    def session(self, cookie_header: str) -> WebSession | None:
        """The session of a request's cookies."""
        found = self._sessions.get(cookies_of(cookie_header).get(COOKIE, ""))
        return None if found is None or found.is_void else found

    def visit(self, cookie_header: str, agent: str) -> WebSession:
        """The session of a request's cookies, or a fresh one."""
        return self.session(cookie_header) or self._fresh(agent)

    def user_of(self, session: WebSession | None) -> User | None:
        """Who is signed in."""
        return None if session is None or not session.uid else self._accounts.users[session.uid]

    def by_token(self, token: str, cookie_header: str) -> WebSession | None:
        """The session of a token, if the cookies are its own and it is good."""
        session = self.session(cookie_header)
        if session is None or not session.token:
            return None
        return session if hmac.compare_digest(session.token.encode(), token.encode()) else None

    # ---- signing in ------------------------------------------------------------------------------

    def sign_in(
        self, session: WebSession, form: dict[str, str], agent: str, *, asks_pin: bool, odd_token: bool
    ) -> tuple[Outcome, WebSession]:
        """One post of the form; with the session that the client has from now on.

        Args:
            asks_pin: ask for it although the account is not set so.
            odd_token: make a token that is awkward to parse.
        """
        if form.get("keep_code") and session.pin_uid:
            user = self._accounts.users[session.pin_uid]
            if not hmac.compare_digest(form.get("code", "").encode(), user.pin.encode()):
                session.wrong_pins += 1
                if session.wrong_pins >= WRONG_PINS:
                    session.pin_uid = session.wrong_pins = 0
                    return Outcome.LOCKED, session
                return Outcome.WRONG_PIN, session
            return Outcome.SIGNED_IN, self._begin(session, user, agent, odd_token=odd_token)
        found = self._accounts.by_email(form.get("email", ""))
        given = form.get("password", "")
        if found is None or not hmac.compare_digest(given.encode(), found.password.encode()):
            return Outcome.WRONG_PASSWORD, session
        if found.asks_pin or asks_pin:
            session.pin_uid, session.wrong_pins = found.uid, 0
            return Outcome.PIN_WANTED, session
        return Outcome.SIGNED_IN, self._begin(session, found, agent, odd_token=odd_token)

    def _begin(self, visitor: WebSession, user: User, agent: str, *, odd_token: bool) -> WebSession:
        self._sessions.pop(visitor.cookie, None)
        session = self._fresh(agent)
        session.uid = user.uid
        session.token = secrets.token_urlsafe(30) + (';"x' if odd_token else "")
        self._save()
        return session

    def sign_out(self, session: WebSession) -> None:
        """Its token is worth nothing from now on."""
        session.is_void = True
        if session.cookie not in self._ready.values():
            self._sessions.pop(session.cookie, None)
        self._save()
        for listener in tuple(self.on_void):
            listener(session)

    # ---- rehearsal -------------------------------------------------------------------------------

    def expire(self, user: User | None) -> int:
        """Void every session (of one account); returns how many."""
        found = [
            one
            for one in list(self._sessions.values())
            if one.uid and not one.is_void and (user is None or one.uid == user.uid)
        ]
        for session in found:
            self.sign_out(session)
        return len(found)

    def restore(self) -> None:
        """The sessions that were made beforehand are good again."""
        for cookie in self._ready.values():
            self._sessions[cookie].is_void = False
        self._save()
