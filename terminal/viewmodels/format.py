"""Decimal and time to the text that a screen shows, and a person's entry back to Decimal.

Thousands are parted by a narrow no-break space, the minus is the true one, and nothing is ever written in
scientific notation. What is not known is a dash, never a zero.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Final

NOTHING: Final = "–"
HIDDEN: Final = "•••"
"""In place of an amount that company must not see."""
MINUS: Final = "−"
THIN: Final = "\u202f"
UP: Final = "▲"
DOWN: Final = "▼"

_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
# From so many zeros after the point on, a price is written with their count: 0.0₅123.
_TINY_ZEROS = 4
_COMPACT = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(1000), "k"))
_MAX_ENTRY_DIGITS = 18


def fixed(value: Decimal, decimals: int) -> str:
    """Exactly so many digits after the point: ``64 120.10``. A value that rounds to zero has no minus."""
    text = format(value, f",.{decimals}f").replace(",", THIN)
    if text.startswith("-"):
        return MINUS + text[1:] if any(char in "123456789" for char in text) else text[1:]
    return text


def price(value: Decimal | None, decimals: int) -> str:
    """A price at its instrument's digits; tiny ones as ``0.0₅123`` (put :func:`fixed` in the tooltip)."""
    if value is None:
        return NOTHING
    text = fixed(value, decimals)
    head, _, tail = text.partition(".")
    if head.lstrip(MINUS) != "0":
        return text
    digits = tail.lstrip("0")
    zeros = len(tail) - len(digits)
    if zeros < _TINY_ZEROS or not digits:
        return text
    return f"{head}.0{str(zeros).translate(_SUBSCRIPT)}{digits}"


def shortened(text: str, most: int = 40) -> str:
    """A person's own words where there is one line for them."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def quantity(value: Decimal | None, decimals: int = 8) -> str:
    """A quantity with up to so many digits, trailing zeros dropped: ``0.05``."""
    if value is None:
        return NOTHING
    text = fixed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal | None, currency: str = "", *, decimals: int = 2, signed: bool = False) -> str:
    """An amount: ``10 000.00 USD``; ``signed`` writes the plus as well."""
    if value is None:
        return NOTHING
    text = fixed(value, decimals)
    if signed and value > 0 and any(char in "123456789" for char in text):
        text = f"+{text}"
    return f"{text} {currency}" if currency else text


def percent(value: Decimal | None, decimals: int = 2, *, signed: bool = True) -> str:
    """A figure in per cent (0.4 is 0.4 %): ``+1.25 %``."""
    if value is None:
        return NOTHING
    return f"{money(value, decimals=decimals, signed=signed)}{THIN}%"


def direction(value: Decimal | None) -> str:
    """▲, ▼ or nothing: the sign for eyes that cannot go by colour."""
    if value is None or value == 0:
        return ""
    return UP if value > 0 else DOWN


def compact(value: Decimal | None) -> str:
    """A volume in three to four figures: ``1.24k``, ``38.2M``."""
    if value is None:
        return NOTHING
    size = abs(value)
    for unit, letter in _COMPACT:
        if size >= unit:
            return _three_figures(value / unit) + letter
    return _three_figures(value)


def _three_figures(value: Decimal) -> str:
    size = abs(value)
    return fixed(value, 0 if size >= 100 else 1 if size >= 10 else 2)


def split_zeros(text: str) -> tuple[str, str]:
    """A number's text parted before its trailing zeros, which are drawn muted: ``("64 120.1", "00")``."""
    if "." not in text:
        return text, ""
    kept = text.rstrip("0")
    if kept.endswith("."):
        kept = kept[:-1]
    return kept, text[len(kept) :]


def split_pips(text: str) -> tuple[str, str]:
    """A price's text parted before its last two figures, which a quote board draws bold."""
    figures = 0
    for index in range(len(text) - 1, -1, -1):
        if text[index].isdigit():
            figures += 1
            if figures == 2:
                return text[:index], text[index:]
    return "", text


# -- time ---------------------------------------------------------------------------------------------


def age(seconds: float | None) -> str:
    """How long ago, short: ``0.2 s``, ``12 s``, ``3 min``, ``2 h``, ``4 d``."""
    if seconds is None:
        return NOTHING
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{max(1, seconds // 60):.0f} min"
    if seconds < 86400:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 86400:.0f} d"


def countdown(seconds: float) -> str:
    """Time left: ``04:12``, or ``1:04:12`` from an hour on."""
    left = max(0, int(seconds))
    hours, rest = divmod(left, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes:02}:{second:02}"


def milliseconds(value: float | None, *, signed: bool = False) -> str:
    """A delay or a clock's offset: ``41 ms``, ``+3 ms``, ``1.8 s``."""
    if value is None:
        return NOTHING
    sign = ("+" if value > 0 else "") if signed else ""
    if abs(value) >= 1000:
        text = f"{sign}{value / 1000:.1f} s"
    elif 0 < abs(value) < 1:
        text = f"{sign}{value:.1f} ms"
    else:
        text = f"{sign}{value:.0f} ms"
    return text.replace("-", MINUS)


def time_of_day(ns: int | None, *, zone: tzinfo | None = None, fraction: int = 0) -> str:
    """Wall-clock time of a stamp in UTC nanoseconds, in the machine's zone unless told another.

    ``fraction`` is the number of digits of the second to show.
    """
    if ns is None:
        return NOTHING
    text = _moment(ns, zone).strftime("%H:%M:%S")
    return f"{text}.{ns % 1_000_000_000:09d}"[: len(text) + 1 + fraction] if fraction else text


def date_time(ns: int | None, *, zone: tzinfo | None = None) -> str:
    """Date and time of a stamp in UTC nanoseconds: ``2026-08-14 09:30:05``."""
    return NOTHING if ns is None else _moment(ns, zone).strftime("%Y-%m-%d %H:%M:%S")


def utc_time(ns: int | None) -> str:
    """``18:02:00 UTC``: of what a venue does by its own clock, wherever the person is."""
    return NOTHING if ns is None else f"{time_of_day(ns, zone=UTC)} UTC"


def utc_date_time(ns: int | None) -> str:
    """``2026-08-14 18:02:00 UTC``."""
    return NOTHING if ns is None else f"{date_time(ns, zone=UTC)} UTC"


def _moment(ns: int, zone: tzinfo | None) -> datetime:
    # Whole seconds: a float of nanoseconds since 1970 would round the time shown.
    return datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC).astimezone(zone)


# -- a person's entry ---------------------------------------------------------------------------------

_CURRENCY_SIGNS = "$€£¥₿"


def parse_number(text: str, *, decimals: int | None = None, allow_zero: bool = False) -> Decimal:
    """The positive number that a person typed or pasted.

    Takes ``1 234.5``, thin spaces, apostrophes, a comma for the point (``0,05``) and a currency sign in
    front or behind. ``decimals`` is the most digits after the point.

    Raises:
        ValueError: with one plain sentence to show beside the field.
    """
    entry = text.strip().strip(_CURRENCY_SIGNS).strip()
    for gap in (" ", THIN, "\u2009", "\u00a0", "'", "’"):
        entry = entry.replace(gap, "")
    if not entry:
        raise ValueError("Enter a number.")
    entry = _point(entry.replace(MINUS, "-"))
    if not _is_plain(entry):
        raise ValueError(f"“{_short(text)}” is not a number.")
    try:
        value = Decimal(entry)
    except InvalidOperation as error:
        raise ValueError(f"“{_short(text)}” is not a number.") from error
    if value < 0:
        raise ValueError("Must not be negative.")
    if value == 0 and not allow_zero:
        raise ValueError("Must be above zero.")
    if value.adjusted() >= _MAX_ENTRY_DIGITS:
        raise ValueError("This number is too large.")
    digits = len(entry.partition(".")[2].rstrip("0"))
    if digits > _MAX_ENTRY_DIGITS:
        raise ValueError("Too many digits after the point.")
    if decimals is not None and digits > decimals:
        raise ValueError(f"At most {decimals} digits after the point." if decimals else "Whole numbers only.")
    return Decimal(entry.rstrip("0").rstrip(".")) if "." in entry else value


def _point(entry: str) -> str:
    """Commas to what they mean: the last mark is the point, unless commas clearly part thousands."""
    if "," not in entry:
        return entry
    if "." in entry:
        if entry.rfind(",") < entry.rfind("."):
            return entry.replace(",", "")
        return entry.replace(".", "").replace(",", ".")
    if entry.count(",") > 1:
        return entry.replace(",", "")
    whole, _, part = entry.partition(",")
    if len(part) == 3 and whole.lstrip("+-") not in ("", "0"):
        # 1,234 is a thousand to one reader and one and a bit to the next: never guess with money.
        raise ValueError("Write thousands without a comma, or use a point for decimals.")
    return f"{whole}.{part}"


def _is_plain(entry: str) -> bool:
    body = entry.removeprefix("-").removeprefix("+")
    return body.isascii() and body.count(".") <= 1 and body.replace(".", "", 1).isdigit()


def _short(text: str) -> str:
    text = "".join(char if char.isprintable() else "·" for char in text.strip())
    return text if len(text) <= 20 else text[:19] + "…"
