"""One call of the FMZ custom protocol, from its bytes to checked values and back.

Shapes and texts are those of the protocol's published guide and its sample plugin: numbers may come as text
or as numbers, answers carry numbers as text in plain notation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from terminal.bridge.errors import CallRefused
from terminal.domain.decimals import wire_text

MAX_DEPTH: Final = 16
_MAX_TEXT: Final = 300
_MAX_PARAMS: Final = 50
# Beyond these no market has a price or a quantity, and arithmetic would round or fail.
_MAX_DIGITS: Final = 28
_MAX_POWER: Final = 18
_NEEDED: Final = ("access_key", "secret_key", "method", "params")


@dataclass(frozen=True, slots=True)
class Call:
    """One call, its shape checked; nothing in it is believed yet. Of the keys only digests are kept."""

    access_digest: bytes
    secret_digest: bytes
    method: str
    nonce: int | None
    params: Mapping[str, Any]


def read_call(body: bytes) -> Call:
    """A call from the body of a request.

    Raises:
        CallRefused: it is not JSON, a part is missing or of another type, or it is nested too deep.
    """
    if _depth(body) > MAX_DEPTH:
        raise CallRefused(f"the JSON is nested deeper than {MAX_DEPTH} levels", status=400)
    try:
        document = json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, InvalidOperation):
        raise CallRefused("not json") from None
    if not isinstance(document, dict):
        raise CallRefused("the body must be one JSON object")
    if any(key not in document for key in _NEEDED):
        raise CallRefused("missing required parameters")
    for key in ("access_key", "secret_key", "method"):
        if not isinstance(document[key], str) or len(document[key]) > _MAX_TEXT:
            raise CallRefused(f"{key} must be a text of at most {_MAX_TEXT} characters")
    params = document["params"]
    if params is None:
        params = {}
    if not isinstance(params, dict) or len(params) > _MAX_PARAMS:
        raise CallRefused("params must be an object")
    nonce = document.get("nonce")
    if nonce is not None and (not isinstance(nonce, int) or isinstance(nonce, bool)):
        raise CallRefused("nonce must be a whole number of nanoseconds")
    access, secret = digest(document["access_key"]), digest(document["secret_key"])
    return Call(access, secret, document["method"], nonce, params)


def digest(key: str) -> bytes:
    """What is kept of a key and compared: SHA-256, which suffices for keys of 256 random bits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _depth(body: bytes) -> int:
    """How deep brackets are nested at most; those inside texts count too, which does no harm."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    deepest = depth = 0
    for char in body:
        if char in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif char in b"]}":
            depth -= 1
    return deepest


def text_of(params: Mapping[str, Any], key: str, *, default: str | None = None) -> str:
    """A text parameter. Raises CallRefused where it is missing, of another type or far too long."""
    value = params.get(key, default)
    if value is None:
        raise CallRefused(f"missing parameter: {key}")
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise CallRefused(f"{key} must be a text of at most {_MAX_TEXT} characters")
    return value


def number_of(params: Mapping[str, Any], key: str) -> Decimal:
    """A number, given as one or as text. Raises CallRefused where it is missing, no number or impossible."""
    value = params.get(key)
    if value is None or value == "":
        raise CallRefused(f"missing parameter: {key}")
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise CallRefused(f"{key} must be a number")
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise CallRefused(f"{key} must be a number") from None
    if not number.is_finite():
        raise CallRefused(f"{key} must be a finite number")
    if len(number.as_tuple().digits) > _MAX_DIGITS or (number and abs(number.adjusted()) > _MAX_POWER):
        raise CallRefused(f"{key} is impossibly large, small or long")
    return number


def whole_of(params: Mapping[str, Any], key: str, default: int, most: int) -> int:
    """A whole number from 0 to ``most``; 0, empty or absent: the default; more: ``most``."""
    value = params.get(key)
    if value is None or value == "":
        return default
    number = number_of(params, key)
    if number != number.to_integral_value() or number < 0:
        raise CallRefused(f"{key} must be a whole number")
    return min(int(number), most) or default


def plain(value: Decimal | None) -> str | None:
    """A number as it goes out: plain notation; None where the venue does not say."""
    return None if value is None else wire_text(value)


def data_answer(data: object, raw: object = None) -> bytes:
    """The body of a success."""
    return msgspec.json.encode({"data": data} if raw is None else {"data": data, "raw": raw})


def error_answer(text: str) -> bytes:
    """The body of a failure; control characters are taken out, so that no log line can be forged."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    return msgspec.json.encode({"error": clean[:500] or "refused"})
