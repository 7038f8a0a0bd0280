"""The kinds of venues there are, one line each. A kind's code is imported when it is first asked for.

A kind that is on every desk is a venue itself, by its own name: ``kraken``. Of a kind that a person adds (a
plugin) there may be several venues, each with a name of its own below the kind's: ``custom-my-okx``. The name
alone tells the kind, so that nothing has to be registered before a kept name can be used again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, Final, cast

from terminal.core.secret import Secret
from terminal.venues.base import AskPerson, Connector, ConnectorSettings, SignIn, VenueInfo

# kind -> (package with VENUE, connector class)
_VENUES: dict[str, tuple[str, str]] = {
    "kraken": ("terminal.venues.kraken", "connector:KrakenConnector"),
    "okx": ("terminal.venues.okx", "connector:OkxConnector"),
    "ctrader": ("terminal.venues.ctrader", "connector:CtraderConnector"),
    "quotex": ("terminal.venues.quotex", "connector:QuotexConnector"),
    "custom": ("terminal.venues.custom", "connector:CustomConnector"),
}


_INSTANCE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME: Final = 40


def names() -> tuple[str, ...]:
    """Every kind of venue, in the order of the list above."""
    return tuple(_VENUES)


def kind_of(name: str) -> str:
    """The kind that a venue belongs to: itself, or what stands before the first hyphen."""
    return name.partition("-")[0]


def new_name(kind: str, title: str, taken: Collection[str] = ()) -> str:
    """A name for one more venue of a kind, made from what the person calls it: ``custom-my-okx``.

    Small letters, digits and hyphens, at most 40: safe in file names, keys and addresses everywhere. It stays
    when the person renames the venue. ``taken``: names that must not be given again.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    own = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    name = f"{kind}-{own}"[: _LONGEST_NAME - 4].rstrip("-") if own else f"{kind}-1"
    base, count = name if own else kind, 1
    while name in taken:
        count += 1
        name = f"{base}-{count}"
    return name


def info(name: str) -> VenueInfo:
    """What a venue is and can do; loads no connector. Raises KeyError for a name that no kind can have."""
    kind, hyphen, own = name.partition("-")
    package, _ = _VENUES[kind]
    found = cast("VenueInfo", import_module(package).VENUE)
    if not hyphen:
        return found
    if not found.on_demand or not _INSTANCE.fullmatch(own) or len(name) > _LONGEST_NAME:
        raise KeyError(name)
    return replace(found, name=name)


def create(name: str, settings: ConnectorSettings, **tools: Any) -> Connector:
    """Build a venue's connector. ``tools`` are the kind's own keyword arguments, such as ``clock`` or
    Kraken's ``nonces``; of a kind with several venues the connector learns by ``info`` which one it is.
    Raises KeyError for an unknown name, and what the connector raises."""
    about = info(name)
    if about.on_demand:
        tools.setdefault("info", about)
    package, connector = _VENUES[kind_of(name)]
    module, _, class_name = connector.partition(":")
    make = getattr(import_module(f"{package}.{module}"), class_name)
    return cast("Connector", make(settings, **tools))


async def sign_in_by_password(
    name: str, settings: ConnectorSettings, entered: Mapping[str, Secret], ask: AskPerson
) -> Mapping[str, Secret]:
    """Sign in with a password at a venue that has such: ``sign_in`` of its ``password`` module.

    The entries of its connection form come back. Raises KeyError for an unknown name, and what the venue's
    own raises."""
    package, _ = _VENUES[kind_of(name)]
    module = import_module(f"{package}.password")
    return cast("Mapping[str, Secret]", await module.sign_in(settings, entered, ask))


def session_page(name: str, settings: ConnectorSettings) -> SignIn:
    """Begin to take a session over from a venue's own page: ``from_page`` of its ``password`` module."""
    package, _ = _VENUES[kind_of(name)]
    return cast("SignIn", import_module(f"{package}.password").from_page(settings))


def sign_in(name: str, settings: ConnectorSettings, **tools: Any) -> SignIn:
    """Begin a sign-in at a venue's own page: ``begin_sign_in`` of the venue's ``oauth`` module.

    ``settings`` hold the application's id and secret. Raises KeyError for an unknown name."""
    package, _ = _VENUES[kind_of(name)]
    return cast("SignIn", import_module(f"{package}.oauth").begin_sign_in(settings, **tools))
