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
GRANT = ("access_token", "refresh_token", "expires_ns", "scope")
"""What a sign-in brings, beside the application's own fields."""


def keys_of(info: VenueInfo) -> tuple[str, ...]:
    """The names of all credentials that a connection to the venue may have."""
    named = tuple(field.key for field in info.credential_fields)
    if info.sign_in is None:
        return named
    return (*named, *(field.key for field in info.sign_in.application_fields), *GRANT)


def is_same_sign_in(info: VenueInfo, before: Mapping[str, Secret], after: Mapping[str, Secret]) -> bool:
    """Whether two sets of credentials are surely of one person's sign-in: all that names it is there and the
    same. A key or a session alone tells nothing of whose it is."""
    named = [field.key for field in info.credential_fields if not field.secret]
    texts = [[each[key].reveal() if each.get(key) else "" for key in named] for each in (before, after)]
    return bool(named) and all(texts[0]) and texts[0] == texts[1]


def practice_addresses(info: VenueInfo, endpoints: Mapping[str, object]) -> dict[str, str]:
    """Where the practice venue listens, by the names of the venue's own addresses."""
    return {
        name: address
        for name, address in endpoints.items()
        if name in info.default_endpoints and isinstance(address, str)
    }


def practice_keys(info: VenueInfo, endpoints: Mapping[str, object]) -> dict[str, Secret]:
    """What the practice venue wrote beside its addresses: a key, or a sign-in made beforehand."""
    return {
        key: Secret(str(value))
        for key in keys_of(info)
        if isinstance(value := endpoints.get(_PRACTICE_KEYS.get(key, key)), str | int)
    }


def practice_plan(
    info: VenueInfo,
    endpoints: Mapping[str, object],
    grant: Mapping[str, Secret] | None = None,
    options: Mapping[str, str] | None = None,
) -> ConnectionPlan:
    """Connect to the practice venue, with what it wrote beside its addresses or with a later sign-in."""
    addresses = practice_addresses(info, endpoints)
    credentials = dict(grant) if grant else practice_keys(info, endpoints)
    options = {
        **_PRACTICE_OPTIONS,
        "tier": str(endpoints.get("tier", "intermediate")),
        # A venue with a demo world of its own is practised in it.
        "demo": "true" if endpoints.get("demo") == "1" else "false",
        **(options or {}),
    }
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
        CredentialError: a required entry of the venue's form is missing, or nobody has signed in.
    """
    if info.sign_in is not None and not credentials.get("access_token"):
        text = f"Sign in to {info.title} first."
        raise CredentialError(f"{info.name}: not signed in", user_text=text)
    for field in info.credential_fields:
        if not field.optional and not credentials.get(field.key):
            raise CredentialError(f"{info.name} has no {field.key}", user_text=f"{field.label} is missing.")
    settings = ConnectorSettings(
        {**info.default_endpoints, **endpoints}, dict(credentials), dict(options), proxy
    )
    return ConnectionPlan(info.name, Mode.LIVE, f"{info.name}:live", settings)
