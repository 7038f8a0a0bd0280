"""The venues there are, one line each. A venue's code is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from terminal.venues.base import Connector, ConnectorSettings, SignIn, VenueInfo

# name -> (package with VENUE, connector class)
_VENUES: dict[str, tuple[str, str]] = {
    "kraken": ("terminal.venues.kraken", "connector:KrakenConnector"),
    "okx": ("terminal.venues.okx", "connector:OkxConnector"),
    "ctrader": ("terminal.venues.ctrader", "connector:CtraderConnector"),
    "custom": ("terminal.venues.custom", "connector:CustomConnector"),
}


def names() -> tuple[str, ...]:
    """Every venue, in the order of the list above."""
    return tuple(_VENUES)


def info(name: str) -> VenueInfo:
    """What a venue is and can do; loads no connector. Raises KeyError for an unknown name."""
    package, _ = _VENUES[name]
    return cast("VenueInfo", import_module(package).VENUE)


def create(name: str, settings: ConnectorSettings, **tools: Any) -> Connector:
    """Build a venue's connector. ``tools`` are the venue's own keyword arguments, such as ``clock`` or
    Kraken's ``nonces``. Raises KeyError for an unknown name, and what the connector raises."""
    package, connector = _VENUES[name]
    module, _, class_name = connector.partition(":")
    make = getattr(import_module(f"{package}.{module}"), class_name)
    return cast("Connector", make(settings, **tools))


def sign_in(name: str, settings: ConnectorSettings, **tools: Any) -> SignIn:
    """Begin a sign-in at a venue's own page: ``begin_sign_in`` of the venue's ``oauth`` module.

    ``settings`` hold the application's id and secret. Raises KeyError for an unknown name."""
    package, _ = _VENUES[name]
    return cast("SignIn", import_module(f"{package}.oauth").begin_sign_in(settings, **tools))
