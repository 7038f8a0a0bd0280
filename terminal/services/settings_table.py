"""The one table of settings: key, type, default, unit, text, bounds.

The dialog is built from it, values are checked by it, and what is not in it is not a setting. A *scoped*
setting may have another value for a venue (``kraken``) or a kind of instrument there (``kraken:spot``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from terminal.domain.errors import SettingsError

Value = bool | int | Decimal | str | tuple[str, ...]

_MAX_TEXT: Final = 2000
_MAX_ITEMS: Final = 500
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,200})?")
_MAX_DECIMALS: Final = 8
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class Kind(Enum):
    """What a setting's value is."""

    BOOL = "on or off"
    INT = "whole number"
    DECIMAL = "number"
    TEXT = "text"
    CHOICE = "one of several"
    LIST = "list of texts"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    key: str
    kind: Kind
    default: Value
    text: str
    """What it is, for the person."""
    unit: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    choices: tuple[tuple[str, str], ...] = ()
    """Value and its word on screen."""
    schemes: tuple[str, ...] = ()
    """Of an address."""
    may_be_plain: bool = False
    """Of an address of a venue: whoever uses it says whether it may be unencrypted beyond this machine."""
    longest: int = _MAX_TEXT
    """Most characters of a text."""
    scoped: bool = False
    restart: bool = False
    """Takes effect at the next start."""

    @property
    def section(self) -> str:
        """The page of the dialog: the part of the key before the first point."""
        return self.key.partition(".")[0]

    def parse(self, value: object) -> Value:
        """The checked value of what was typed, stored or passed in.

        Raises:
            SettingsError: one plain sentence about what is wrong with it.
        """
        match self.kind:
            case Kind.BOOL:
                if isinstance(value, bool):
                    return value
                raise self._wrong("must be on or off")
            case Kind.INT:
                return int(self._number(value, whole=True))
            case Kind.DECIMAL:
                return self._number(value, whole=False)
            case Kind.CHOICE:
                if isinstance(value, str) and any(value == choice for choice, _ in self.choices):
                    return value
                raise self._wrong("must be one of: " + ", ".join(choice for choice, _ in self.choices))
            case Kind.LIST:
                return self._list(value)
            case Kind.ADDRESS:
                return self._address(value)
            case Kind.TEXT:
                return self._plain_text(value)

    def _number(self, value: object, *, whole: bool) -> Decimal:
        if isinstance(value, str):
            text = value.strip().replace("\N{MINUS SIGN}", "-")
            if "," in text:
                raise self._wrong("must be written with a point, not a comma")
            if any(unicodedata.category(char) == "Sc" for char in text):
                raise self._wrong("must be a number without a currency sign")
            if not _NUMBER.fullmatch(text):
                raise self._wrong("must be a number")
            if len(text.partition(".")[2].rstrip("0")) > _MAX_DECIMALS:
                raise self._wrong(f"must have at most {_MAX_DECIMALS} decimals")
            number = Decimal(text)
        elif isinstance(value, int | Decimal) and not isinstance(value, bool):
            try:
                number = Decimal(value)
            except InvalidOperation:
                raise self._wrong("must be a number") from None
        else:
            raise self._wrong("must be a number")
        if not number.is_finite():
            raise self._wrong("must be a number")
        if whole and number != number.to_integral_value():
            raise self._wrong("must be a whole number")
        unit = f" {self.unit}" if self.unit else ""
        if self.minimum is not None and number < self.minimum:
            raise self._wrong(f"must be at least {self.minimum}{unit}")
        if self.maximum is not None and number > self.maximum:
            raise self._wrong(f"must be at most {self.maximum}{unit}")
        return number

    def _plain_text(self, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong("must be a text")
        if len(value) > self.longest:
            raise self._wrong(f"must be at most {self.longest} characters long")
        if _CONTROL.search(value):
            raise self._wrong("must not hold control characters")
        return value

    def _list(self, value: object) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise self._wrong("must be a list")
        items = tuple(self._plain_text(item) for item in value)
        if len(items) > _MAX_ITEMS:
            raise self._wrong(f"must have at most {_MAX_ITEMS} entries")
        return items

    def _address(self, value: object) -> str:
        text = self._plain_text(value).strip()
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise self._wrong("is not a readable address") from None
        if parts.scheme not in self.schemes or not host:
            raise self._wrong("must start with " + " or ".join(f"{scheme}://" for scheme in self.schemes))
        loopback = host in ("localhost", "::1") or host.startswith("127.")
        is_plain = parts.scheme in ("http", "ws") and not loopback
        if self.section == "endpoint" and is_plain and not self.may_be_plain:
            raise self._wrong("must be encrypted (https or wss) unless it is on this machine")
        return text

    def _wrong(self, what: str) -> SettingsError:
        return SettingsError(f"setting {self.key} {what}", user_text=f"{self.text.rstrip('.')}: {what}.")


def _flag(key: str, default: bool, text: str, *, scoped: bool = False) -> Setting:
    return Setting(key, Kind.BOOL, default, text, scoped=scoped)


def _whole(
    key: str,
    default: int,
    unit: str,
    low: int,
    high: int,
    text: str,
    *,
    scoped: bool = False,
    restart: bool = False,
) -> Setting:
    bounds = Decimal(low), Decimal(high)
    return Setting(key, Kind.INT, default, text, unit, *bounds, scoped=scoped, restart=restart)


def _number(
    key: str,
    default: str,
    unit: str,
    low: str,
    high: str,
    text: str,
    *,
    scoped: bool = False,
    restart: bool = False,
) -> Setting:
    bounds = Decimal(low), Decimal(high)
    return Setting(key, Kind.DECIMAL, Decimal(default), text, unit, *bounds, scoped=scoped, restart=restart)


def _choice(key: str, default: str, choices: dict[str, str], text: str, *, scoped: bool = False) -> Setting:
    return Setting(key, Kind.CHOICE, default, text, choices=tuple(choices.items()), scoped=scoped)


def _text(key: str, default: str, text: str, *, scoped: bool = False) -> Setting:
    return Setting(key, Kind.TEXT, default, text, scoped=scoped)


_STEPS: Final = {"off": "Off", "ask": "Ask", "refuse": "Refuse"}


_LOCK: Final = {"off": "Off", "lock": "Lock"}
_HALF_HOURS: Final = {text: text for hour in range(24) for text in (f"{hour:02}:00", f"{hour:02}:30")}


def _limit(
    name: str, default: str, step: str, unit: str, low: str, high: str, text: str
) -> tuple[Setting, ...]:
    """A pre-trade limit: its number, and what crossing it does."""
    return (
        _number(f"risk.{name}", default, unit, low, high, text, scoped=True),
        _choice(f"risk.{name}.step", step, _STEPS, f"When crossed: {text[0].lower()}{text[1:]}", scoped=True),
    )


def _address(name: str, schemes: tuple[str, str], text: str) -> Setting:
    return Setting(f"endpoint.{name}", Kind.ADDRESS, "", text, schemes=schemes, scoped=True, restart=True)


SETTINGS: Final[tuple[Setting, ...]] = (
    # How it looks
    _choice(
        "look.colors",
        "blue-orange",
        {
            "blue-orange": "Blue up, orange down",
            "classic": "Green up, red down",
            "red-up": "Red up, green down",
        },
        "Direction colours",
    ),
    _choice("look.scheme", "dark", {"dark": "Dark", "light": "Light", "system": "As the system"}, "Theme"),
    _choice(
        "look.density",
        "standard",
        {"comfortable": "Comfortable", "standard": "Standard", "compact": "Compact"},
        "Row height and font size",
    ),
    _whole(
        "look.ui_scale",
        100,
        "%",
        80,
        200,
        "Size of everything on screen, beside the system's own scale",
        restart=True,
    ),
    _flag("look.flashes", True, "Flash digits that change"),
    _whole("look.flash_ms", 300, "ms", 50, 2000, "How long a flash lasts"),
    _flag("look.animations", True, "Animations (always off where the system asks for reduced motion)"),
    _flag("look.mono_prices", True, "Ladder and tape in a fixed-width face"),
    _flag("look.hide_amounts", False, "Hide balances and what they are worth, for screenshots and company"),
    _choice("look.clock", "local", {"local": "Local time", "utc": "UTC"}, "Times on screen"),
    # Sounds and notices
    _flag("sound.on", False, "Sounds"),
    _whole("sound.volume", 50, "%", 0, 100, "Volume"),
    _flag("sound.fills", True, "Sound at a fill"),
    _flag("sound.rejects", True, "Sound at a rejected order"),
    _flag("sound.disconnects", True, "Sound when a connection is lost or back"),
    _flag("notice.system", True, "Also show important notices through the system"),
    _flag("notice.hide_amounts", False, "No amounts in the system's notices"),
    _whole("notice.info_repeat_s", 10, "s", 0, 600, "Show an equal piece of news again after"),
    _whole("notice.error_repeat_s", 30, "s", 0, 600, "Show an equal error again after, at first"),
    # Trading by hand
    _whole("trade.one_click_idle_min", 30, "min", 1, 240, "One-click ends after so long without a trade"),
    _flag("trade.confirm_reverse", True, "Always confirm reversing and doubling a position"),
    _flag("trade.chart_confirms", True, "Orders drawn on the chart wait for the tick mark"),
    _flag("trade.size_resets", False, "The size returns to its default after each order"),
    _text(
        "trade.size_presets",
        "0.01; 0.05; 0.1; +0.01; *2; /2; ask; bid",
        "Size buttons; a new line begins a new row of them",
    ),
    _number(
        "trade.default_size",
        "0.01",
        "",
        "0",
        "1000000000",
        "Size at the start, in base units; more where the venue's minimum is higher",
        scoped=True,
    ),
    _choice(
        "trade.size_unit",
        "base",
        {"base": "Base", "quote": "Quote", "percent": "% of free", "risk": "Risk"},
        "Unit of the size field",
    ),
    _flag("trade.cancel_if_appears", False, "Cancel an order in doubt as soon as it appears at the venue"),
    _flag(
        "trade.dead_mans_switch",
        False,
        "Let the venue cancel everything when this program falls silent",
        scoped=True,
    ),
    _whole(
        "trade.dead_mans_s",
        60,
        "s",
        15,
        600,
        "An armed dead man's switch fires after so long without a sign of life",
        scoped=True,
    ),
    _number("trade.slippage_amber_bps", "10", "bps", "0", "10000", "Mark the expected slippage from"),
    _number("trade.slippage_confirm_bps", "50", "bps", "0", "10000", "Confirm the expected slippage from"),
    _flag("trade.hotkeys", False, "Trading keys at the start"),
    # Pre-trade limits
    *_limit("price_band_pct", "3", "ask", "%", "0.01", "100", "Price beyond the opposite quote"),
    *_limit(
        "price_band_ticks", "500", "off", "ticks", "1", "1000000", "Price beyond the opposite quote, in ticks"
    ),
    *_limit("notional_pct", "10", "ask", "%", "0.01", "1000", "Worth of an order against the account"),
    *_limit("max_notional", "10000", "off", "quote", "0", "1000000000000", "Worth of an order"),
    *_limit("max_quantity", "1", "off", "base", "0", "1000000000000", "Size of an order"),
    *_limit("max_spread_pct", "1", "off", "%", "0.001", "100", "Spread of the market"),
    *_limit("price_jump_pct", "10", "ask", "%", "0.1", "1000", "Distance of the quote from the last trade"),
    *_limit("duplicate_s", "10", "ask", "s", "0.1", "600", "An equal order within"),
    *_limit("orders_per_minute", "60", "refuse", "per minute", "1", "10000", "Orders"),
    *_limit("price_age_s", "5", "refuse", "s", "0.5", "600", "Age of the price"),
    # The day's loss, over all venues
    _number("risk.day_loss", "200", "USD", "0.01", "1000000000", "Loss of a day, over all venues"),
    _choice("risk.day_loss.step", "off", _LOCK, "When reached: loss of a day"),
    _number("risk.day_loss_pct", "2", "%", "0.01", "100", "Loss of a day, of what you had when it began"),
    _choice("risk.day_loss_pct.step", "off", _LOCK, "When reached: loss of a day in per cent"),
    _flag("risk.day_loss_holdings", False, "Count price changes of coins that are held"),
    _choice("risk.day_start", "00:00", _HALF_HOURS, "Your trading day begins at"),
    # Ladder, tape, chart
    _choice(
        "ladder.mouse",
        "simple",
        {
            "simple": "Left: limit or stop by where you click",
            "quantower": "Shift for stops",
            "cscalp": "Left buys, right sells",
        },
        "Mouse on the ladder",
    ),
    _whole("ladder.refresh_ms", 50, "ms", 16, 1000, "Redraw the ladder every"),
    _whole("ladder.levels", 20, "levels", 5, 200, "Levels on each side at the start"),
    _flag("ladder.recenter", True, "Re-centre a second after the pointer has left"),
    _whole("tape.keep_s", 120, "s", 10, 3600, "Keep prints for"),
    _flag("tape.merge", True, "Merge prints of one price and side within 50 ms"),
    _whole(
        "tape.filter_percentile", 50, "%", 0, 99, "Hide prints smaller than this share of the recent ones"
    ),
    _whole("chart.bars", 300, "bars", 50, 5000, "Bars at the start", restart=True),
    _whole("chart.interval_s", 900, "s", 1, 1296000, "Interval at the start"),
    _flag("chart.volume", True, "Volume under the chart"),
    _flag("chart.fills", True, "Own fills on the chart"),
    Setting(
        "watch.symbols", Kind.LIST, (), "Watched instruments; empty: the venue's usual ones", scoped=True
    ),
    Setting("watch.favourites", Kind.LIST, (), "Favourite instruments, first in the list", scoped=True),
    # Venues
    _address("rest", ("https", "http"), "REST address; empty: the venue's own"),
    _address("ws_public", ("wss", "ws"), "Public stream; empty: the venue's own"),
    _address("ws_private", ("wss", "ws"), "Private stream; empty: the venue's own"),
    _address("ws_l3", ("wss", "ws"), "Stream of single orders; empty: the venue's own"),
    _address("https", ("https", "https"), "Web site, such as a mirror of it; empty: the venue's own"),
    _address("wss", ("wss", "wss"), "Socket of the web site; empty: the venue's own"),
    Setting(
        "endpoint.demo",
        Kind.TEXT,
        "",
        "Host and port of demo accounts; empty: the venue's own",
        scoped=True,
    ),
    Setting(
        "endpoint.live",
        Kind.TEXT,
        "",
        "Host and port of live accounts; empty: the venue's own",
        scoped=True,
    ),
    _address("authorize", ("https", "https"), "Page of the sign-in; empty: the venue's own"),
    _address("token", ("https", "https"), "Address that turns a sign-in into tokens; empty: the venue's own"),
    _address(
        "redirect",
        ("http", "https"),
        "Address that is registered for your application, on this machine; empty: the usual one",
    ),
    Setting(
        "endpoint.ca",
        Kind.TEXT,
        "",
        "PEM file of an authority to trust as well; certificates are always checked",
        scoped=True,
    ),
    _choice(
        "kraken.tier",
        "starter",
        {"starter": "Starter", "intermediate": "Intermediate", "pro": "Pro"},
        "Verification tier at Kraken, which sets its rate limits",
    ),
    _choice(
        "okx.region",
        "global",
        {"global": "Global", "eea": "Europe (EEA)", "us": "United States and Australia", "tr": "Türkiye"},
        "Where your OKX account was opened, which decides its addresses",
    ),
    _flag("okx.demo", False, "Demo trading at OKX: its own keys, and no real money"),
    _choice(
        "quotex.language",
        "en",
        {"en": "English", "pt": "Português"},
        "Language of Quotex's own pages and of what they say",
    ),
    Setting(
        "endpoint.service",
        Kind.ADDRESS,
        "",
        "Service address of the plugin",
        schemes=("https", "http"),
        may_be_plain=True,
        scoped=True,
        restart=True,
    ),
    Setting("custom.title", Kind.TEXT, "", "Name of the plugin on screen", longest=24, scoped=True),
    _text("custom.symbols", "", "Symbols of the plugin, e.g. BTC_USDT, ETH_USDT", scoped=True),
    _flag(
        "custom.market_buy_in_base",
        False,
        "The plugin takes the size of a market buy in base units",
        scoped=True,
    ),
    _flag(
        "custom.plain_http",
        False,
        "Reach a plugin on another machine without encryption: others can read the keys",
        scoped=True,
    ),
    _choice(
        "venue.mode",
        "practice",
        {"practice": "Practice", "public": "Real prices", "live": "Account"},
        "What to connect to at the start",
        scoped=True,
    ),
    Setting("venue.added", Kind.LIST, (), "Venues on the desk because a person has added them"),
    Setting("venue.removed", Kind.LIST, (), "Names of added venues that were removed; not given again"),
    _text("venue.profile", "main", "Which stored key to use", scoped=True),
    _text("venue.account", "", "Which account trades, where a sign-in has several", scoped=True),
    Setting(
        "venue.accounts",
        Kind.LIST,
        (),
        "Which accounts are shown, where a sign-in has several; empty: all",
        scoped=True,
    ),
    # Apart from those of the account: the ids of the two sign-ins may be the same words, and what was tried
    # in practice must open no real account.
    _text("practice.account", "", "Which practice account trades, where there are several", scoped=True),
    Setting("practice.accounts", Kind.LIST, (), "Which practice accounts are shown; empty: all", scoped=True),
    _flag("venue.signed_out", False, "Signed out of the practice accounts", scoped=True),
    Setting(
        "network.proxy",
        Kind.ADDRESS,
        "",
        "Proxy; empty: none (variables of the environment are not used)",
        schemes=("http", "https"),
        restart=True,
    ),
    # Bridge
    _flag("bridge.at_start", False, "Switch the bridge for strategies on at the start"),
    _whole(
        "bridge.port", 6666, "", 1024, 65535, "Port of the bridge on this machine; holds from its next start"
    ),
    # Practice
    _whole("practice.seed", 1, "", 0, 2**53, "Seed of the practice market", restart=True),
    _number("practice.rate", "1", "times", "0.1", "50", "Liveliness of the practice market", restart=True),
    _flag("practice.tour_done", False, "The tour has been taken"),
    # Program
    _flag("app.confirm_quit", True, "Ask before quitting while orders are open or contracts run"),
    _choice(
        "log.level",
        "info",
        {"debug": "Everything", "info": "What matters", "warning": "Trouble", "error": "Failures"},
        "What goes into the log file",
    ),
    _text("log.filter", "", "Only these subjects in the log file, e.g. orders,venue.kraken; empty: all"),
    _flag("record.on", False, "Record the raw wire, secrets removed"),
    _whole("record.max_mb", 64, "MB", 1, 4096, "Largest recording"),
)

BY_KEY: Final = {setting.key: setting for setting in SETTINGS}
