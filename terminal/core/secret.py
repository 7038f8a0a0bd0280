"""Secrets that do not print themselves, and the scrubber that logs and recordings pass through."""

from __future__ import annotations

import re
from typing import Final, NoReturn

MASK: Final = "***"


class Secret:
    """A key, token or password. ``repr``, ``str``, copying and pickling give nothing away.

    The text leaves only through :meth:`reveal`, which belongs in a venue's ``auth.py``. Every secret
    made is known to :func:`scrub`, so that a log line cannot carry it by accident.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        register(text)

    def reveal(self) -> str:
        """The secret itself. Never log, format or store what this returns."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret cannot be copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret cannot be copied")


# Short texts ("1234") would scrub ordinary numbers out of every line.
_MIN_KNOWN = 8
_known: set[str] = set()

# What looks like a credential even when nobody registered it: header, form, query and JSON spellings.
_NAMES = (
    r"api[-_]?sign|api[-_]?key|access_key|secret_key|secret|client_secret|passphrase|password|passwd|otp|token|access_token|"
    r"refresh_token|authorization|cookie|set-cookie|ok-access-[a-z]+|ssid"
)
_NAME = re.compile(_NAMES, re.IGNORECASE)
_JSON = re.compile(rf'("(?:{_NAMES})"\s*:\s*")((?:[^"\\]|\\.)*)(")', re.IGNORECASE)
_PAIR = re.compile(rf"\b((?:{_NAMES})\s*[=:]\s*)([^\s&,;\"']+)", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def register(text: str) -> None:
    """Make :func:`scrub` remove this text wherever it appears.

    The name of a field is none ("secret_key"): with it gone, the value beside it would not be found.
    """
    if len(text) >= _MIN_KNOWN and not _NAME.fullmatch(text):
        _known.add(text)


def scrub(text: str) -> str:
    """The text with every known secret and everything that looks like one replaced by ``***``."""
    for known in _known:
        if known in text:
            text = text.replace(known, MASK)
    text = _JSON.sub(rf"\g<1>{MASK}\g<3>", text)
    text = _BEARER.sub(rf"\g<1> {MASK}", text)
    return _PAIR.sub(rf"\g<1>{MASK}", text)
