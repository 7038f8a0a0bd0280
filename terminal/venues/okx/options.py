"""Options of a connection as they are entered: text to values."""

from __future__ import annotations

from collections.abc import Mapping

from terminal.domain.errors import SettingsError


def flag(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "").strip().lower()
    if text in ("", "false", "0", "no", "off"):
        return False
    if text in ("true", "1", "yes", "on"):
        return True
    raise SettingsError(f"okx {name}: {text!r}", user_text=f"{name} must be true or false.")


def positive(options: Mapping[str, str], name: str, default: float) -> float:
    text = options.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise SettingsError(f"okx {name}: {text!r}", user_text=f"{name} must be a number above zero.")
    return value
