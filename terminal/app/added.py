"""The venues that a person has added: plugins, each with a name, an address and keys of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from terminal.core.secret import Secret
from terminal.domain.errors import SettingsError
from terminal.services.settings import Settings
from terminal.services.settings_table import BY_KEY, Kind, Value
from terminal.venues import registry
from terminal.venues.base import VenueInfo

_SERVICE = "endpoint.service"


class AddedVenues:
    """What was added to the desk, kept in the settings.

    A venue's entries stand in the settings under its own name as their scope. The name is made once, from
    what the person calls it first, stays through every renaming, and is not given to another one after a
    removal: the journal still speaks of the old one.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of which a venue can be added."""
        return tuple(name for name in registry.names() if registry.info(name).on_demand)

    @property
    def names(self) -> tuple[str, ...]:
        """The venues on the desk, in the order in which they were added."""
        return tuple(name for name in self._settings.items("venue.added") if self._is_known(name))

    @property
    def removed(self) -> tuple[str, ...]:
        """Those that were on the desk once."""
        return self._settings.items("venue.removed")

    def _is_known(self, name: str) -> bool:
        try:
            return registry.info(name).on_demand
        except KeyError:
            return False

    def info(self, venue: str) -> VenueInfo:
        """What a venue is and can do, by the title that the person has given it; a removed one's too."""
        info = registry.info(venue)
        title = self._settings.text(_title_key(venue), venue).strip() if info.on_demand else ""
        return replace(info, title=title) if title else info

    def new_name(self, kind: str, title: str) -> str:
        """The name of one more venue; nothing is kept yet."""
        return registry.new_name(kind, title, (*self.names, *self.removed))

    def put(self, venue: str) -> None:
        """A venue is on the desk from now on."""
        self._settings.set("venue.added", (*self.names, venue))

    def take(self, venue: str) -> None:
        """A venue is on the desk no longer, and its settings are gone, but for its title: orders that it left
        are still told by it."""
        self._settings.set("venue.added", tuple(name for name in self.names if name != venue))
        self._settings.set("venue.removed", (*self.removed, venue))
        for setting in BY_KEY.values():
            if setting.scoped and setting.key != _title_key(venue):
                self._settings.reset(setting.key, venue)

    # -- its form -------------------------------------------------------------------------------------

    def options(self, venue: str) -> dict[str, str]:
        """The kept entries of the form that are no secrets, by the keys of their settings."""
        return {
            field.key: as_text(self._settings.get(field.key, venue))
            for field in registry.info(venue).option_fields
        }

    def title_in(self, venue: str, form: Mapping[str, str]) -> str:
        """What a form calls its venue."""
        key = _title_key(venue)
        return form.get(key, self._settings.text(key, venue)).strip()

    def require_title(self, venue: str, form: Mapping[str, str], others: Collection[str]) -> None:
        """Raises SettingsError where another venue of the desk has the same title: nobody could tell them
        apart. ``others``: the titles of the rest of the desk."""
        title = self.title_in(venue, form)
        if title.casefold() in {other.casefold() for other in others}:
            raise SettingsError(
                f"the title {title!r} is in use",
                user_text=f"Another venue is called {title} already. Give this one a name of its own.",
            )

    def neighbours(self, venue: str, form: Mapping[str, str]) -> tuple[str, ...]:
        """The other venues at the same service address."""
        here = _place(form.get(_SERVICE, self._settings.text(_SERVICE, venue)))
        return tuple(
            name
            for name in self.names
            if name != venue and _place(self._settings.text(_SERVICE, name)) == here
        )


def require_other_keys(title: str, entered: Mapping[str, Secret], kept: Mapping[str, Secret]) -> None:
    """Two venues at one address are two accounts there. ``title``: of the one whose keys are ``kept``.

    Raises:
        SettingsError: it would be the same account twice, and every order of it would be shown twice.
    """
    if {key: secret.reveal() for key, secret in entered.items()} == {
        key: secret.reveal() for key, secret in kept.items()
    }:
        raise SettingsError(
            "the same address and keys",
            user_text=f"{title} has this address and these keys already. Two venues at one address need "
            "different keys.",
        )


def parse_option(key: str, text: str) -> Value:
    """A setting from its entry in a form. Raises SettingsError."""
    setting = BY_KEY[key]
    return setting.parse(text == "true" if setting.kind is Kind.BOOL else text)


def as_text(value: Value) -> str:
    """A setting as its entry in a form, and as a connector's option."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _title_key(venue: str) -> str:
    return f"{registry.kind_of(venue)}.title"


def _place(address: str) -> tuple[str, str, int | None, str, str]:
    """An address as far as two of them can mean the same place."""
    parts = urlsplit(address.strip())
    host = "127.0.0.1" if parts.hostname in ("localhost", "::1") else parts.hostname or ""
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, host, port, parts.path.rstrip("/"), parts.query
