"""Quotex's web site: signing in with e-mail, password and PIN, and the few pages that answer in JSON.

The pages, fields and headers are those of the site's own sign-in (``/{lang}/sign-in/modal/``). A bot filter
stands before it: a challenge page is not worked around; the person signs in with a real browser instead.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected, RateLimited, VenueUnavailable
from terminal.transport.wire import make_ssl_context, network_reason, require_safe_address, tls_reason
from terminal.venues.base import CHALLENGE
from terminal.venues.quotex.errors import VENUE_NAME

log = logging.getLogger("venue.quotex")

USER_AGENT: Final = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/119.0"
LANG: Final = "en"
"""Of the pages, and of what they say, where no other is chosen; the first part of their paths."""
_TIMEOUT_S: Final = 30.0
_MOST_BYTES: Final = 4 * 2**20
_MOST_REDIRECTS: Final = 5
_PIN_PAUSE_S: Final = 1.0
_PIN_TRIES: Final = 3
_LANG: Final = re.compile("[a-z]{2}")
_SETTINGS: Final = re.compile(r"window\.settings\s*=\s*")
_COMPLAINTS: Final = ("hint--danger", "input-control-cabinet__hint")
_decode = msgspec.json.Decoder(float_hook=Decimal).decode

AskPin = Callable[[str], Awaitable[str | None]]
"""Shows the site's own words and returns the PIN; None: the person gave up."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Whose account it is."""

    nickname: str
    profile_id: str
    currency: str
    demo_balance: Decimal | None
    live_balance: Decimal | None
    country: str
    time_offset_s: int


class Site:
    """One sitting at the site. ``ca_file``: an authority to trust beside the system's."""

    def __init__(
        self,
        base_url: str,
        *,
        ca_file: str = "",
        cookies: str = "",
        user_agent: str = USER_AGENT,
        lang: str = LANG,
    ) -> None:
        require_safe_address(base_url, ("http", "https"))
        self._base = base_url.rstrip("/")
        self._host = urlsplit(base_url).netloc
        self._user_agent = user_agent
        self._lang = lang_of(lang)
        context = make_ssl_context(ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._client = httpx.AsyncClient(
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=_TIMEOUT_S,
            headers=self._headers(user_agent),
        )
        if cookies:
            # As one header, in the browser's own words: a jar would ask which host they are of.
            self._client.headers["Cookie"] = cookies

    async def close(self) -> None:
        """End the sitting."""
        await self._client.aclose()

    async def sign_in(self, email: str, password: Secret, ask_pin: AskPin) -> Mapping[str, Secret]:
        """E-mail and password, and the PIN from the e-mail where the site wants one: the session to keep.

        Raises:
            AuthRejected: wrong password or PIN, or the person gave up; ``user_text`` says which.
            RateLimited: too many tries.
            VenueUnavailable: the site cannot be reached, is closed for maintenance, or shows a challenge
                (``code`` is :data:`terminal.venues.base.CHALLENGE`).
        """
        page = _Page.of((await self._get(f"/{self._lang}/sign-in/modal/")).text)
        form = {
            "_token": page.csrf,
            "email": email,
            "password": password.reveal(),
            "remember": "1",
        }
        answer = await self._post(f"/{self._lang}/sign-in/", form, referer=f"/{self._lang}/sign-in")
        for left in range(_PIN_TRIES, 0, -1):
            page = _Page.of(answer.text)
            if not page.wants_pin or _has_arrived(answer):
                break
            question = page.prompt or "Enter the PIN that Quotex has sent to your e-mail."
            if left < _PIN_TRIES:
                tries = "1 try is left" if left == 1 else f"{left} tries are left"
                question = f"{_sentence(page.error or 'The PIN was wrong')} {tries.capitalize()}.\n{question}"
            pin = await ask_pin(question)
            if pin is None:
                raise AuthRejected(VENUE_NAME, "no PIN", code="pin", user_text="Signing in was given up.")
            await asyncio.sleep(_PIN_PAUSE_S)
            sent = {**form, "keep_code": "1", "code": pin}
            if page.csrf:
                sent["_token"] = page.csrf
            answer = await self._post(
                f"/{self._lang}/sign-in/modal", sent, referer=f"/{self._lang}/sign-in/modal"
            )
        else:
            if not _has_arrived(answer):
                said = _Page.of(answer.text).error
                text = f"The PIN was wrong three times. {_sentence(said or 'Sign in again for a new one')}"
                raise AuthRejected(VENUE_NAME, "wrong PIN", code="pin", user_text=text)
        if not _has_arrived(answer):
            page = _Page.of(answer.text)
            if page.unavailable:
                text = f"Quotex's sign-in is closed. It says: {_sentence(page.unavailable)}"
                raise VenueUnavailable(VENUE_NAME, "closed", code="closed", user_text=text)
            words = page.error or "Quotex did not accept e-mail and password."
            raise AuthRejected(VENUE_NAME, words, code="password", user_text=_sentence(words))
        return await self.read_session()

    async def read_session(self) -> Mapping[str, Secret]:
        """The session of a sitting that is signed in: token, cookies and user agent, which belong together.

        Raises:
            AuthRejected: it is not signed in.
            VenueUnavailable: the page cannot be had or read.
        """
        answer = await self._get(f"/{self._lang}/trade")
        token = token_of(answer.text)
        if not token:
            text = "Quotex's page holds no session: sign in again."
            raise AuthRejected(VENUE_NAME, "no token", code="session", user_text=text)
        jar = "; ".join(f"{each.name}={each.value}" for each in self._client.cookies.jar)
        return {"token": Secret(token), "cookies": Secret(jar), "user_agent": Secret(self._user_agent)}

    async def profile(self) -> Profile:
        """Name, currency and balances (``/api/v1/cabinets/digest``). Raises VenueUnavailable."""
        answer = await self._get("/api/v1/cabinets/digest", json_wanted=True)
        try:
            data = _decode(answer.content)["data"]
            return Profile(
                nickname=str(data.get("nickname") or ""),
                profile_id=str(data.get("id") or ""),
                currency=str(data.get("currencyCode") or "USD").upper(),
                demo_balance=_money(data.get("demoBalance")),
                live_balance=_money(data.get("liveBalance")),
                country=str(data.get("countryName") or data.get("country") or ""),
                time_offset_s=int(data.get("timeOffset") or 0),
            )
        except (
            msgspec.DecodeError,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            ArithmeticError,
        ) as error:
            raise VenueUnavailable(VENUE_NAME, f"the profile cannot be read: {error!r}") from error

    async def tournaments(self) -> dict[str, str]:
        """Those that the person takes part in: number -> title, as the page of the web terminal names them
        (``tournaments`` of ``window.settings``). Raises VenueUnavailable."""
        answer = await self._get(f"/{self._lang}/trade")
        rows = settings_of(answer.text).get("tournaments")
        found = (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict))
        return {
            str(row["id"]): str(row.get("title") or row["id"])[:60]
            for row in found
            if type(row.get("id")) is int and row["id"] > 0
        }

    async def history(self, *, is_demo: bool, page: int) -> list[dict[str, Any]]:
        """One page of ended deals, newest first; an empty one is the end. Raises VenueUnavailable."""
        path = f"/api/v1/cabinets/trades/history/type/{1 if is_demo else 0}?page={page}"
        answer = await self._get(path, json_wanted=True)
        try:
            rows = _decode(answer.content)["data"]
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise VenueUnavailable(VENUE_NAME, f"the history cannot be read: {error!r}") from error
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    async def set_time_offset(self, seconds: int) -> None:
        """The time zone of the profile. Raises VenueUnavailable."""
        body = json.dumps({"time_offset": seconds}).encode()
        await self._send(
            "POST",
            "/api/v1/user/profile/time_offset",
            content=body,
            headers={"Content-Type": "application/json", "Referer": f"{self._base}/{self._lang}/trade"},
        )

    # -- requests -------------------------------------------------------------------------------------

    def _headers(self, user_agent: str) -> dict[str, str]:
        return {
            "User-Agent": user_agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "en-US;q=0.5,en;q=0.3",
            "Accept-Encoding": "gzip, deflate",
            "Upgrade-Insecure-Requests": "1",
            "Dnt": "1",
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-User": "?1",
            "Sec-Fetch-Dest": "document",
            "Sec-Fetch-Mode": "navigate",
        }

    async def _get(self, path: str, *, json_wanted: bool = False) -> httpx.Response:
        headers = {"Referer": f"{self._base}/{self._lang}/{'trade' if json_wanted else 'sign-in'}"}
        if json_wanted:
            headers["Content-Type"] = "application/json"
        return await self._send("GET", path, headers=headers)

    async def _post(self, path: str, form: Mapping[str, str], *, referer: str) -> httpx.Response:
        return await self._send("POST", path, data=dict(form), headers={"Referer": self._base + referer})

    async def _send(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """One request with the redirects that stay at the site; whatever fails is in words."""
        url = self._base + path
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                for _ in range(_MOST_REDIRECTS):
                    answer = await self._client.request(method, url, **rest)
                    if answer.next_request is None:
                        break
                    target = answer.next_request.url
                    if target.netloc.decode() != self._host or target.scheme != urlsplit(self._base).scheme:
                        raise VenueUnavailable(
                            VENUE_NAME,
                            "a redirect to another host was refused",
                            code="redirect",
                            user_text="Quotex sent the sign-in to another address; that was not followed.",
                        )
                    method, url, rest = "GET", str(target), {}
                else:
                    raise VenueUnavailable(VENUE_NAME, "too many redirects", code="redirect")
        except TimeoutError:
            raise VenueUnavailable(VENUE_NAME, f"{path}: no answer", code="deadline") from None
        except (httpx.HTTPError, OSError) as error:
            tls = tls_reason(error)
            if tls is not None:
                text = f"Secure connection refused: {tls}."
                raise VenueUnavailable(VENUE_NAME, text, code="tls", user_text=text) from error
            raise VenueUnavailable(VENUE_NAME, f"{path}: {network_reason(error)}", code="network") from error
        return self._checked(answer, path)

    def _checked(self, answer: httpx.Response, path: str) -> httpx.Response:
        status = answer.status_code
        if len(answer.content) > _MOST_BYTES:
            raise VenueUnavailable(VENUE_NAME, f"{path}: the page is too large", code="too-big")
        if status in (403, 503) or (status == 429 and "<html" in answer.text.lower()):
            text = (
                "Quotex's bot filter stopped this sign-in. Sign in on its own page instead, or paste a "
                "session from your own browser."
            )
            raise VenueUnavailable(VENUE_NAME, f"{path}: HTTP {status}", code=CHALLENGE, user_text=text)
        if status == 429:
            again = answer.headers.get("retry-after", "")
            wait_s = float(again) if again.isascii() and again.isdigit() and len(again) < 6 else None
            when = "some minutes" if wait_s is None else f"{wait_s:.0f} s"
            text = f"Quotex asks for a pause after so many tries. Try again in {when}."
            raise RateLimited(
                VENUE_NAME, f"{path}: HTTP 429", retry_after_s=wait_s, code="http-429", user_text=text
            )
        if status >= 400:
            text = f"Quotex's site answers with an error ({status}). Try again later."
            raise VenueUnavailable(
                VENUE_NAME, f"{path}: HTTP {status}", code=f"http-{status}", user_text=text
            )
        return answer


def lang_of(chosen: str) -> str:
    """The language of the pages: two letters as they stand in their paths; English for anything else."""
    return chosen if _LANG.fullmatch(chosen) else LANG


def token_of(page: str) -> str:
    """The session token of a signed-in page: the ``token`` of ``window.settings``; empty without one."""
    token = settings_of(page).get("token")
    return token if isinstance(token, str) else ""


def settings_of(page: str) -> dict[str, Any]:
    """``window.settings`` of a page; empty where there are none that can be read."""
    found = _SETTINGS.search(page)
    start = page.find("{", found.end()) if found is not None else -1
    try:
        settings, _ = json.JSONDecoder().raw_decode(page, start) if start >= 0 else (None, 0)
    except ValueError:
        return {}
    return settings if isinstance(settings, dict) else {}


def _has_arrived(answer: httpx.Response) -> bool:
    return "trade" in urlsplit(str(answer.url)).path


def _sentence(words: str) -> str:
    words = " ".join(words.split())[:200]
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _money(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    amount = Decimal(value)
    return amount if amount.is_finite() else None


class _Page(HTMLParser):
    """What a sign-in page says: the token against forgery, whether it wants a PIN, and its complaints."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.csrf = ""
        self.wants_pin = False
        self.prompt = ""
        self.error = ""
        self.unavailable = ""
        self._path: list[tuple[str, str]] = []
        self._in_tab = 0
        self._divs_in_form = -1
        self._taking = ""

    @classmethod
    def of(cls, html: str) -> _Page:
        page = cls()
        page.feed(html)
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        classes = found.get("class", "")
        if tag == "input":
            if found.get("name") == "_token" and not self.csrf:
                self.csrf = unescape(found.get("value", ""))
            if found.get("name") == "keep_code":
                self.wants_pin = True
            return
        if tag in ("br", "img", "meta", "link", "hr"):
            return
        parent = self._path[-1][1] if self._path else ""
        mark = classes
        if found.get("id") == "tab-1":
            mark = "#tab-1"
        elif tag == "form" and any(each == "#tab-1" for _, each in self._path):
            mark = "#form"
            self._divs_in_form = 0
        elif tag == "div" and parent == "#form":
            self._divs_in_form += 1
            mark = "#complaint" if self._divs_in_form == 2 else mark
        self._path.append((tag, mark))
        if "not-avalible__title" in classes:
            self._taking = "unavailable"
        elif (tag == "div" and parent == "#complaint") or any(each in classes for each in _COMPLAINTS):
            self._taking = "error"
        elif tag == "p" and any("auth__body" in each for _, each in self._path) and not self.prompt:
            self._taking = "prompt"

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._path) - 1, -1, -1):
            if self._path[at][0] == tag:
                del self._path[at:]
                break
        self._taking = ""

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if self._taking and text and not getattr(self, self._taking):
            setattr(self, self._taking, text)
