"""How each venue is to be connected: endpoints, keys and account name, from settings and the keychain."""

from __future__ import annotations

from collections.abc import Mapping

from terminal.core.secret import Secret
from terminal.domain.errors import CredentialError
from terminal.services.session import ConnectionPlan, Mode
from terminal.venues.base import ConnectorSettings, VenueInfo

# The practice venue is on this machine: only the real one asks for a pause between public calls.
_PRACTICE_OPTIONS = {"public_calls_per_s": "50"}
# A venue's form has names of its own; the practice venues' file has the two that every client knows.
_PRACTICE_KEYS = {"api_key": "key", "api_secret": "secret"}


def practice_plan(info: VenueInfo, endpoints: Mapping[str, object]) -> ConnectionPlan:
    """Connect to the practice venue, with the key that it wrote beside its addresses."""
    addresses = {
        name: address
        for name, address in endpoints.items()
        if name in info.default_endpoints and isinstance(address, str)
    }
    credentials = {
        field.key: Secret(value)
        for field in info.credential_fields
        if isinstance(value := endpoints.get(_PRACTICE_KEYS.get(field.key, "")), str)
    }
    options = {**_PRACTICE_OPTIONS, "tier": str(endpoints.get("tier", "intermediate"))}
    settings = ConnectorSettings(addresses, credentials, options)
    return ConnectionPlan(info.name, Mode.PRACTICE, f"{info.name}:practice", settings)


def public_plan(info: VenueInfo, endpoints: Mapping[str, str], proxy: str | None) -> ConnectionPlan:
    """Connect to the venue's real prices without an account."""
    settings = ConnectorSettings({**info.default_endpoints, **endpoints}, {}, {}, proxy)
    return ConnectionPlan(info.name, Mode.PUBLIC, f"{info.name}:public", settings)


def live_plan(
    info: VenueInfo,
    endpoints: Mapping[str, str],
    credentials: Mapping[str, Secret],
    options: Mapping[str, str],
    proxy: str | None,
) -> ConnectionPlan:
    """Connect an account.

    Raises:
        CredentialError: a required entry of the venue's form is missing.
    """
    for field in info.credential_fields:
        if not field.optional and not credentials.get(field.key):
            raise CredentialError(f"{info.name} has no {field.key}", user_text=f"{field.label} is missing.")
    settings = ConnectorSettings(
        {**info.default_endpoints, **endpoints}, dict(credentials), dict(options), proxy
    )
    return ConnectionPlan(info.name, Mode.LIVE, f"{info.name}:live", settings)
