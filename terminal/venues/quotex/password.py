"""Signing in to Quotex with e-mail and password, and the PIN from the e-mail where the site wants one."""

from __future__ import annotations

from collections.abc import Mapping

from terminal.core.secret import Secret
from terminal.domain.errors import CredentialError
from terminal.venues.base import AskPerson, ConnectorSettings
from terminal.venues.quotex import VENUE
from terminal.venues.quotex.site import Site


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
    endpoints = {**VENUE.default_endpoints, **{k: v for k, v in settings.endpoints.items() if v}}
    site = Site(endpoints["https"], ca_file=endpoints.get("ca", ""))
    try:
        session = await site.sign_in(email.reveal(), password, ask)
    finally:
        await site.close()
    return {"email": email, **session}
