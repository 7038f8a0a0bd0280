"""OKX's regional hosts, and which of them a connection uses (OKX v5, hosts, 2026-07).

An account works only at the host of the region where it was opened, and a key of demo trading only at the
demo hosts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from terminal.domain.errors import SettingsError
from terminal.venues.okx import VENUE


class Region(NamedTuple):
    """The hosts of one region; None: OKX has published none."""

    title: str
    rest: str
    ws: str | None
    ws_demo: str | None


REGIONS: Final[dict[str, Region]] = {
    "global": Region(
        "Global", "https://openapi.okx.com", "wss://ws.okx.com:8443", "wss://wspap.okx.com:8443"
    ),
    "eea": Region(
        "Europe (EEA)", "https://eea.okx.com", "wss://wseea.okx.com:8443", "wss://wseeapap.okx.com:8443"
    ),
    "us": Region(
        "United States and Australia",
        "https://us.okx.com",
        "wss://wsus.okx.com:8443",
        "wss://wsuspap.okx.com:8443",
    ),
    "tr": Region("Türkiye", "https://tr.okx.com", None, None),
}
_PATHS: Final = {
    "ws_public": "/ws/v5/public",
    "ws_private": "/ws/v5/private",
    "ws_business": "/ws/v5/business",
}


def endpoints_of(region: str, demo: bool, entered: Mapping[str, str]) -> dict[str, str]:
    """The addresses of a connection: what the person entered, else those of the region.

    An entered address that is the global default counts as not entered, because the form shows the defaults.

    Raises:
        SettingsError: there is no such region, or OKX names no WebSocket host for it and none was entered.
    """
    found = REGIONS.get(region)
    if found is None:
        raise SettingsError(
            f"okx region: {region!r}", user_text=f"Region must be one of {', '.join(REGIONS)}."
        )
    own = {
        name: address
        for name, address in entered.items()
        if address and address != VENUE.default_endpoints.get(name)
    }
    host = found.ws_demo if demo else found.ws
    out = {"rest": found.rest}
    for name, path in _PATHS.items():
        if host is not None:
            out[name] = host + path
        elif name not in own:
            raise SettingsError(
                f"okx region {region}: no address for {name}",
                user_text=f"OKX has not published its WebSocket address for {found.title}: "
                "enter the addresses in the settings.",
            )
    return {**out, **own}
