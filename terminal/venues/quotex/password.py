"""Signing in to Quotex with e-mail and password, and the PIN from the e-mail where the site wants one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from terminal.core.secret import Secret
from terminal.domain.errors import AuthRejected, CredentialError
from terminal.venues.base import AskPerson, ConnectorSettings, SignIn, SignInPage
from terminal.venues.quotex import VENUE
from terminal.venues.quotex.errors import VENUE_NAME
from terminal.venues.quotex.site import Site, lang_of


class PageSignIn:
    """The person signs in on Quotex's own page; the session of that page is taken over. See
    :class:`terminal.venues.base.SignIn`."""

    def __init__(self, settings: ConnectorSettings) -> None:
        endpoints = _endpoints(settings)
        base = endpoints["https"].rstrip("/")
        host = urlsplit(base).hostname or ""
        lang = lang_of(settings.options.get("language", ""))
        self.page = SignInPage(
            url=f"{base}/{lang}/sign-in",
            redirect_url=f"{base}/{lang}/trade",
            # The page loads pictures and scripts from hosts below its own.
            hosts=(host, f".{host}"),
            ca_file=endpoints.get("ca", ""),
            session_expression="window.settings && window.settings.token || ''",
        )

    async def finish(self, answered_url: str) -> Mapping[str, Secret]:
        """The session to keep. Raises AuthRejected where the page held none."""
        try:
            answer = json.loads(answered_url)
            token, cookies, agent = (str(answer[key]) for key in ("value", "cookies", "user_agent"))
        except (ValueError, KeyError, TypeError) as error:
            raise AuthRejected(VENUE_NAME, f"the page's answer cannot be read: {error!r}") from error
        if not token or not cookies:
            text = "The page held no session. Sign in there until the trading page is open."
            raise AuthRejected(VENUE_NAME, "no session", code="session", user_text=text)
        return {"token": Secret(token), "cookies": Secret(cookies), "user_agent": Secret(agent)}


def from_page(settings: ConnectorSettings) -> SignIn:
    """Begin a sign-in on Quotex's own page."""
    return PageSignIn(settings)


def _endpoints(settings: ConnectorSettings) -> dict[str, str]:
    return {**VENUE.default_endpoints, **{k: v for k, v in settings.endpoints.items() if v}}


async def sign_in(
    settings: ConnectorSettings, entered: Mapping[str, Secret], ask: AskPerson
) -> Mapping[str, Secret]:
    """The session to keep: token, cookies, user agent, and the e-mail as its name. The password is not kept.

    Raises:
        CredentialError: e-mail or password is missing.
        AuthRejected: the site's no, in its own words; or the PIN was given up or wrong three times.
        VenueUnavailable: the site cannot be reached, is closed, or its bot filter stopped the sign-in.
    """
    email, password = entered.get("email"), entered.get("password")
    if not email or not password:
        raise CredentialError("no e-mail or password", user_text="Enter e-mail and password.")
    endpoints = _endpoints(settings)
    lang = settings.options.get("language", "")
    site = Site(endpoints["https"], ca_file=endpoints.get("ca", ""), lang=lang)
    try:
        session = await site.sign_in(email.reveal(), password, ask)
    finally:
        await site.close()
    return {"email": email, **session}
