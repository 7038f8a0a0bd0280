"""What a person can set about a plugin, read from the text of the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from terminal.domain.decimals import parse_finite
from terminal.domain.errors import SettingsError

_EIGHT_DIGITS = Decimal("0.00000001")
_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"", "no", "false", "off", "0"})


@dataclass(frozen=True, slots=True)
class SymbolTerms:
    """One configured symbol, ``BASE_QUOTE``; a step that is None has the default."""

    name: str
    tick_size: Decimal | None = None
    quantity_step: Decimal | None = None
    min_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """Times in seconds."""

    symbols: tuple[SymbolTerms, ...] = ()
    tick_size: Decimal | None = None
    """Of symbols of which neither the plugin nor the person tells more; None: only shown by the digits of the
    prices that are seen. What is too fine is refused in the venue's words."""
    quantity_step: Decimal = _EIGHT_DIGITS
    quotes_s: float = 1.0
    book_s: float = 1.0
    trades_s: float = 1.0
    bars_s: float = 2.0
    orders_s: float = 2.0
    """Between two looks at a symbol with an open order, an unanswered one, or one being sent."""
    orders_idle_s: float = 30.0
    """Between two looks at the other symbols, for orders placed elsewhere."""
    accounts_s: float = 5.0
    baseline_s: float = 2.0
    """How old the lists of orders may be when an order is sent: what is in them cannot be the new one."""
    calls_per_s: float = 10.0
    concurrency: int = 1
    """Calls at the same time that the plugin declares to take."""
    read_deadline_s: float = 10.0
    order_deadline_s: float = 10.0
    book_levels: int = 100
    """Most levels a side that are asked for; a plugin may pass the number on to a venue that has a limit."""
    records_limit: int = 500
    """Most bars that are asked for at once."""
    market_buy_in_base: bool = False
    """The plugin takes the amount of a market buy in base units. Without it such orders are refused."""
    plain_http: bool = False
    """Take an ``http://`` address elsewhere: the keys then travel readable for everyone between."""


def read_options(options: Mapping[str, str]) -> Options:
    """The options from their texts; what is not named has its default, other venues' names are passed over.

    Raises:
        SettingsError: one of them cannot be used.
    """
    base = Options()
    positive = {
        name: _number(options, name, getattr(base, name))
        for name in (
            "quotes_s",
            "book_s",
            "trades_s",
            "bars_s",
            "orders_s",
            "orders_idle_s",
            "accounts_s",
            "baseline_s",
            "calls_per_s",
            "read_deadline_s",
            "order_deadline_s",
        )
    }
    whole = {
        name: max(1, int(_number(options, name, getattr(base, name))))
        for name in ("concurrency", "book_levels", "records_limit")
    }
    return Options(
        symbols=_symbols(options.get("symbols", "")),
        tick_size=_step(options.get("tick_size", "")),
        quantity_step=_step(options.get("quantity_step", "")) or base.quantity_step,
        market_buy_in_base=_flag(options, "market_buy_in_base"),
        plain_http=_flag(options, "plain_http"),
        concurrency=whole["concurrency"],
        book_levels=whole["book_levels"],
        records_limit=whole["records_limit"],
        **positive,
    )


def _symbols(text: str) -> tuple[SymbolTerms, ...]:
    """``BTC_USDT, ETH_USDT:0.01:0.0001:0.001``: after a name the tick, the quantity step and the smallest
    quantity, as far as they are known."""
    found: dict[str, SymbolTerms] = {}
    for entry in re.split(r"[,;\s]+", text.strip()):
        if not entry:
            continue
        name, *steps = entry.split(":")
        name = name.upper().replace("-", "_").replace("/", "_")
        if not re.fullmatch(r"[A-Z0-9]+_[A-Z0-9]+", name) or len(steps) > 3:
            raise SettingsError(
                f"custom symbols: {entry!r}",
                user_text=f"{entry[:40]!r} is no symbol of the form BASE_QUOTE, such as BTC_USDT. "
                "Futures (BTC_USDT.swap) cannot be shown.",
            )
        found[name] = SymbolTerms(name, *(_step(step) for step in steps))
    return tuple(found.values())


def _step(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        value = parse_finite(text.strip())
    except ValueError:
        value = Decimal(0)
    if value <= 0:
        raise SettingsError(
            f"custom step {text!r}", user_text=f"{text[:40]!r} is not a step: it must be a number above zero."
        )
    return value


def _number(options: Mapping[str, str], name: str, default: float) -> float:
    text = options.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise SettingsError(f"custom {name}: {text!r}", user_text=f"{name} must be a number above zero.")
    return value


def _flag(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "").strip().lower()
    if text not in _YES | _NO:
        raise SettingsError(f"custom {name}: {text!r}", user_text=f"{name} must be yes or no.")
    return text in _YES
