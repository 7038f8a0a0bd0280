"""Parameters of a call, from a form, a query or JSON, checked with Kraken's error texts."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import parse_qsl

from terminal.emulators.kraken.errors import ApiError, invalid

_BRACKETS: Final = re.compile(r"\[([^\]]*)\]")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_MAX_DIGITS: Final = 30
_INT32: Final = 2**31
_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no", ""})


def parse_form(text: str) -> dict[str, Any]:
    """A form or query with bracketed keys: ``close[price]=1`` and ``orders[0][volume]=2`` nest.

    Raises:
        ApiError: not a form.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=2000)
    except ValueError:
        raise ApiError("EGeneral:Invalid arguments") from None
    found: dict[str, Any] = {}
    for key, value in pairs:
        name, bracket, _ = key.partition("[")
        parts = _BRACKETS.findall(key[len(name) :]) if bracket else []
        if len(parts) > 4:
            raise ApiError("EGeneral:Invalid arguments")
        target: dict[str, Any] = found
        path = [name, *parts]
        for part, below in itertools.pairwise(path):
            inner = target.setdefault(part, {})
            if not isinstance(inner, dict):
                raise invalid(name)
            target = inner
            if below == "":
                break
        last = path[-1] if path[-1] != "" else str(len(target))
        target[last] = value
    return {key: _as_list(value) for key, value in found.items()}


def _as_list(value: Any) -> Any:
    """A mapping whose keys are 0, 1, 2... was a list."""
    if not isinstance(value, dict):
        return value
    inner = {key: _as_list(one) for key, one in value.items()}
    if inner and all(key.isdigit() and len(key) < 4 for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _sane_fraction(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > 2 * _MAX_DIGITS:
        raise ValueError("a number beyond all sense")
    return value


def loads(text: str) -> Any:
    """JSON with exact fractions; NaN, Infinity and absurd exponents are refused.

    Raises:
        ValueError: no such JSON.
    """
    try:
        return json.loads(text, parse_float=_sane_fraction, parse_constant=_no_constant)
    except (RecursionError, InvalidOperation) as error:
        raise ValueError(str(error)) from None


def parse_json(text: str) -> dict[str, Any]:
    """The JSON object of a request body.

    Raises:
        ApiError: not a JSON object.
    """
    try:
        value = loads(text)
    except ValueError:
        raise ApiError("EGeneral:Invalid arguments") from None
    if not isinstance(value, dict):
        raise ApiError("EGeneral:Invalid arguments")
    return value


class Params:
    """Typed access to parameters; every wrong one is refused by name."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def has(self, name: str) -> bool:
        """It is there and not empty."""
        return self.values.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """A text; numbers are taken by their digits."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Decimal):
            return format(value, "f")
        if isinstance(value, (str, int)):
            return str(value)
        raise invalid(name)

    def required(self, name: str) -> str:
        """A text that must be there."""
        found = self.text(name)
        if not found:
            raise invalid(name)
        return found

    def choice(self, name: str, choices: Mapping[str, Any] | frozenset[str], default: str) -> str:
        """One of a few words, in lower case."""
        found = self.text(name, default) or default
        if found.lower() not in choices:
            raise invalid(name)
        return found.lower()

    def flag(self, name: str, default: bool = False) -> bool:
        """true or false, 1 or 0."""
        value = self.values.get(name)
        if value is None:
            return default
        text = self.text(name).lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise invalid(name)

    def decimal(self, name: str) -> Decimal | None:
        """A finite number, or None where it is absent."""
        return decimal_of(name, self.text(name)) if self.has(name) else None

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds."""
        if not self.has(name):
            return default
        text = self.text(name)
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise invalid(name)
        return int(text)

    def userref(self, name: str) -> int | None:
        """A signed 32-bit number, or None where it is absent."""
        if not self.has(name):
            return None
        return self.integer(name, 0, -_INT32, _INT32 - 1)

    def listed(self, name: str, limit: int) -> list[str]:
        """Values separated by commas, or a list; at most ``limit``."""
        value = self.values.get(name)
        if value is None or value == "":
            return []
        if isinstance(value, list):
            found = [Params({name: one}).text(name).strip() for one in value]
        else:
            found = [part.strip() for part in self.text(name).split(",")]
        found = [one for one in found if one]
        if len(found) > limit:
            raise invalid(name)
        return found

    def nested(self, name: str) -> Params | None:
        """A group of parameters, or None where it is absent."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise invalid(name)
        return Params(value)


def decimal_of(name: str, text: str) -> Decimal:
    """A finite number of sane length from text.

    Raises:
        ApiError: it is none; the text names the parameter.
    """
    if len(text) > 64 or not _NUMBER.fullmatch(text):
        raise invalid(name)
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_MAX_DIGITS or value.adjusted() > _MAX_DIGITS:
        raise invalid(name)
    return value
