"""The bots that may call: their names, keys, rights and limits, and the file that they are kept in.

A bot's keys are the bridge's own, 256 random bits each, shown once when they are made. The file holds their
SHA-256 digests only, from which no key can be found. A venue's key never enters a strategy platform.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from typing import Any, Final

from terminal.bridge.envelope import digest
from terminal.core.clock import Clock
from terminal.core.files import make_private, set_aside, write_whole
from terminal.core.observe import Observable
from terminal.core.secret import Secret
from terminal.domain.decimals import wire_text
from terminal.domain.errors import SettingsError, StorageError

log = logging.getLogger("bridge")

MOST_BOTS: Final = 50
PAPER: Final = "paper"
"""The path that lends practice money only, whichever venue it is at."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,31}")
_FILE_VERSION: Final = 1
_MAX_BYTES: Final = 256 * 1024
_NOTHING: Final = bytes(32)


class BotMode(Enum):
    """What a bot's calls may do."""

    READ_ONLY = "read only"
    """Prices, balances and orders are told; nothing is sent."""
    DRY_RUN = "dry run"
    """As trading, answered plausibly after the same checks, and nothing is sent."""
    CONFIRM = "confirm"
    """As trading, and each order waits for a click in the window before it is sent."""
    TRADING = "trading"

    @property
    def sends(self) -> bool:
        """Whether anything of such a bot can reach a venue."""
        return self in (BotMode.CONFIRM, BotMode.TRADING)


@dataclass(frozen=True, slots=True)
class BotLimits:
    """What a bot may do at most, beside the person's own limits."""

    orders_per_minute: int = 10
    notional_per_day: Decimal = Decimal(1000)
    """Worth of all its orders of one day (UTC), in US dollars."""


@dataclass(frozen=True, slots=True)
class Bot:
    """One strategy that may call the bridge."""

    name: str
    mode: BotMode = BotMode.READ_ONLY
    venues: frozenset[str] = frozenset()
    """Our names of the venues that it may use, e.g. ``kraken``, or ``paper``; empty: all."""
    limits: BotLimits = BotLimits()
    paper: str = ""
    """The venue whose practice account ``/PAPER`` means; empty: the first one that has spot orders."""
    created_ns: int = 0
    revoked_ns: int | None = None
    hint: str = ""
    """The last four characters of its access key, to tell bots apart."""
    access_digest: bytes = _NOTHING
    secret_digest: bytes = _NOTHING
    former: tuple[str, ...] = ()
    """What it was called before; its older orders are remembered by those names."""

    @property
    def names(self) -> frozenset[str]:
        """All its names, past and present."""
        return frozenset((self.name, *self.former))

    @property
    def key(self) -> bytes:
        """What stays the same of it whatever it is called."""
        return self.access_digest

    @property
    def is_revoked(self) -> bool:
        return self.revoked_ns is not None

    def may_use(self, venue: str) -> bool:
        return not self.venues or venue in self.venues


@dataclass(frozen=True, slots=True)
class NewKeys:
    """What a strategy platform is given, once."""

    access_key: Secret
    secret_key: Secret


class Bots:
    """All bots, revoked ones too: a name is used once, since orders are remembered by it.

    Attributes:
        changed: a bot was made, changed or revoked. told: the same in words: its name, what, and the detail.
        trouble: why the file could not be read; empty where it could. Nothing is overwritten then.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """``path`` None keeps everything in memory. A file that cannot be read is set aside."""
        self.path = path
        self.changed: Observable[[]] = Observable("bots")
        self.told: Observable[[str, str, str]] = Observable("what became of bots")
        self.trouble = ""
        self._clock = clock
        self._bots: list[Bot] = []
        if path is not None:
            self._load(path)

    def all(self) -> tuple[Bot, ...]:
        """In the order in which they were made."""
        return tuple(self._bots)

    def get(self, name: str) -> Bot | None:
        """The bot that is called so now."""
        return next((each for each in self._bots if each.name == name), None)

    def now(self, bot: Bot) -> Bot:
        """A bot as it stands now, however it was changed since. Raises KeyError where it is none of these."""
        for each in self._bots:
            if each.key == bot.key:
                return each
        raise KeyError(bot.name)

    def make(
        self,
        name: str,
        *,
        mode: BotMode = BotMode.READ_ONLY,
        venues: Iterable[str] = (),
        limits: BotLimits | None = None,
        paper: str = "",
    ) -> tuple[Bot, NewKeys]:
        """A new bot and its keys, which cannot be had a second time.

        Raises:
            SettingsError: the name is not usable or was used before, or a limit is impossible.
            StorageError: the disk did not take it; there is no new bot.
        """
        name = self._checked_name(name)
        if sum(not each.is_revoked for each in self._bots) >= MOST_BOTS:
            raise SettingsError("too many bots", user_text=f"There can be {MOST_BOTS} bots at most.")
        chosen = _checked(limits or BotLimits())
        access, secret = secrets.token_hex(32), secrets.token_hex(32)
        bot = Bot(
            name,
            mode,
            frozenset(venues),
            chosen,
            paper,
            self._clock.wall_ns(),
            None,
            access[-4:],
            digest(access),
            digest(secret),
        )
        self._keep([*self._bots, bot])
        log.info("bot %s was made: %s", name, mode.value)
        self.told.notify(name, "made", f"{mode.value}, venues: {_listed(bot.venues)}")
        return bot, NewKeys(Secret(access), Secret(secret))

    def change(
        self,
        name: str,
        *,
        new_name: str | None = None,
        mode: BotMode | None = None,
        venues: Iterable[str] | None = None,
        limits: BotLimits | None = None,
        paper: str | None = None,
    ) -> Bot:
        """Another name, other rights or limits, from the next call on; what is None stays. Raises as
        :meth:`make`."""
        bot = self._require(name)
        changed = replace(
            bot,
            mode=mode or bot.mode,
            venues=bot.venues if venues is None else frozenset(venues),
            limits=bot.limits if limits is None else _checked(limits),
            paper=bot.paper if paper is None else paper,
        )
        if new_name is not None and new_name.strip() != bot.name:
            former = tuple(dict.fromkeys((*bot.former, bot.name)))
            changed = replace(changed, name=self._checked_name(new_name, of=bot), former=former)
        if changed != bot:
            self._keep([changed if each is bot else each for each in self._bots])
            what = "; ".join(differences(bot, changed))
            log.info("bot %s was changed: %s", changed.name, what)
            self.told.notify(changed.name, "changed", what)
        return changed

    def revoke(self, name: str) -> None:
        """Its keys open nothing from now on, even where the disk does not take it. Raises StorageError."""
        bot = self.get(name)
        if bot is None or bot.is_revoked:
            return
        gone = replace(bot, revoked_ns=self._clock.wall_ns())
        self._bots = [gone if each is bot else each for each in self._bots]
        # In memory before the disk: a full one must not keep a key alive.
        log.info("bot %s was revoked", name)
        self.told.notify(name, "revoked", "its keys open nothing any more")
        self._keep(self._bots)

    def find(self, access_digest: bytes, secret_digest: bytes) -> Bot | None:
        """The bot of a pair of keys, revoked or not. Every bot is compared, in constant time."""
        found: Bot | None = None
        for bot in self._bots:
            fits = hmac.compare_digest(bot.access_digest, access_digest)
            fits &= hmac.compare_digest(bot.secret_digest, secret_digest)
            if fits:
                found = bot
        return found

    # -- the file -------------------------------------------------------------------------------------

    def _require(self, name: str) -> Bot:
        bot = self.get(name)
        if bot is None or bot.is_revoked:
            raise SettingsError(f"no bot {name}", user_text=f"There is no bot called {name}.")
        return bot

    def _checked_name(self, text: str, of: Bot | None = None) -> str:
        """A name that can be used, by a new bot or by ``of``, which may have one of its own again."""
        name = text.strip()
        if not _NAME.fullmatch(name):
            words = "A name has letters, digits, spaces, points, dashes and underscores, 32 at most."
            raise SettingsError(f"bot name {name[:40]!r}", user_text=words)
        others = [each for each in self._bots if each is not of]
        if any(name.casefold() == used.casefold() for each in others for used in each.names):
            words = f"There is, or was, a bot called {name}; its orders are known by that name."
            raise SettingsError(f"bot name {name} is taken", user_text=words)
        return name

    def _keep(self, bots: list[Bot]) -> None:
        if self.path is not None:
            document = {"version": _FILE_VERSION, "bots": [_to_json(bot) for bot in bots]}
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(self.path, json.dumps(document, indent=1).encode())
            except OSError as error:
                self.changed.notify()
                raise StorageError(
                    f"bots not saved: {error}", user_text="The disk did not take the list of bots."
                ) from error
        self._bots = bots
        self.changed.notify()

    def _load(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
            make_private(path)
            document = json.loads(data)
            if document["version"] != _FILE_VERSION:
                raise ValueError("made by another version")
            bots = [_from_json(entry) for entry in document["bots"]]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, RecursionError, InvalidOperation) as error:
            log.error("the list of bots is unusable: %s", error)
            self.trouble = "The list of bots could not be read; it was set aside and every key is void."
            try:
                set_aside(path)
            except OSError as failed:
                log.error("it could not be set aside: %s", failed)
            return
        self._bots = bots


def _checked(limits: BotLimits) -> BotLimits:
    notional = limits.notional_per_day
    if not 1 <= limits.orders_per_minute <= 600:
        raise SettingsError(
            f"{limits.orders_per_minute} orders a minute", user_text="From 1 to 600 orders a minute."
        )
    if not notional.is_finite() or not 0 < notional <= Decimal("1e12"):
        raise SettingsError("notional per day", user_text="The worth per day must be a positive number.")
    return limits


def differences(before: Bot, after: Bot) -> list[str]:
    """What was changed of a bot, in words, each as ``from to``."""
    rows: tuple[tuple[str, object, object], ...] = (
        ("name", before.name, after.name),
        ("mode", before.mode.value, after.mode.value),
        ("venues", _listed(before.venues), _listed(after.venues)),
        ("practice account of", before.paper or "the first venue", after.paper or "the first venue"),
        ("orders a minute", before.limits.orders_per_minute, after.limits.orders_per_minute),
        ("USD a day", wire_text(before.limits.notional_per_day), wire_text(after.limits.notional_per_day)),
    )
    return [f"{name}: {old} → {new}" for name, old, new in rows if old != new]


def _listed(venues: frozenset[str]) -> str:
    return ", ".join(sorted(venues)) or "all"


def _to_json(bot: Bot) -> dict[str, Any]:
    return {
        "name": bot.name,
        "mode": bot.mode.value,
        "venues": sorted(bot.venues),
        "orders_per_minute": bot.limits.orders_per_minute,
        "notional_per_day": str(bot.limits.notional_per_day),
        "paper": bot.paper,
        "created_ns": bot.created_ns,
        "revoked_ns": bot.revoked_ns,
        "hint": bot.hint,
        "access_digest": bot.access_digest.hex(),
        "secret_digest": bot.secret_digest.hex(),
        "former": list(bot.former),
    }


def _from_json(entry: Mapping[str, Any]) -> Bot:
    access, secret = bytes.fromhex(entry["access_digest"]), bytes.fromhex(entry["secret_digest"])
    if len(access) != len(_NOTHING) or len(secret) != len(_NOTHING) or not _NAME.fullmatch(entry["name"]):
        raise ValueError("a bot that cannot be")
    return Bot(
        entry["name"],
        BotMode(entry["mode"]),
        frozenset(str(venue) for venue in entry["venues"]),
        BotLimits(int(entry["orders_per_minute"]), Decimal(entry["notional_per_day"])),
        str(entry.get("paper", "")),
        int(entry["created_ns"]),
        None if entry["revoked_ns"] is None else int(entry["revoked_ns"]),
        str(entry["hint"]),
        access,
        secret,
        tuple(str(name) for name in entry.get("former", ())),
    )
