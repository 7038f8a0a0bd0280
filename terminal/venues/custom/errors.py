"""What the text of an ``error`` means, and what follows for a call that reads or one that changes something.

Every plugin chooses its own texts; a venue's error may come whole, as JSON text (custom protocol guide, error
catalogue). So a text is read for what it proves. A plain no is a plain no. What may have been said after the
order had left the plugin (a time-out, a broken line, a bare HTTP status, an exception in the plugin's own
code) proves nothing: a call that changes something is then in doubt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from terminal.core.secret import scrub
from terminal.domain.errors import (
    AuthRejected,
    NotSent,
    OutcomeUnknown,
    ProtocolViolation,
    RateLimited,
    RequestRejected,
    VenueError,
    VenueUnavailable,
)

VENUE_NAME: Final = "custom"
_PAUSE_S: Final = 5.0
_LONGEST: Final = 300


class Kind(Enum):
    """What an error proves."""

    REJECTED = "a plain no"
    NOT_FOUND = "no such order"
    AUTH = "the key was refused"
    ABSENT = "the plugin does not offer this"
    RATE = "too fast"
    OFFLINE = "the plugin cannot reach the venue"
    UNCLEAR = "nothing certain"


class NotOffered(RequestRejected):
    """The plugin knows no such method, or does not support it."""


class UnknownOrder(RequestRejected):
    """The venue plainly knows no such order."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error as it was understood."""

    kind: Kind
    code: str
    """The venue's code, or a word for the plugin's own errors."""
    venue_text: str
    """What was said, without secrets."""
    user_text: str
    repair: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    kind: Kind
    words: str
    repair: str = ""
    code: str = ""


def _rule(pattern: str, kind: Kind, words: str, repair: str = "", code: str = "") -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), kind, words, repair, code)


_OFFLINE = "The plugin could not reach its venue."
_NO_PROOF = "The plugin failed on this call."
_BAD_KEY = "The key was refused: check both keys, and what the key may do at the venue."
# The plugin's own texts first (the reference plugin's catalogue), then the words that venues have in common.
_RULES: Final = (
    _rule(
        r"^(invalid|unknown|unsupported) method\b|^(is )?not support(ed)?\b|^not implemented",
        Kind.ABSENT, "The plugin does not offer this.", code="not-offered",
    ),
    _rule(
        r"^missing required parameters",
        Kind.REJECTED, "The plugin could not read the request.", code="envelope",
    ),
    _rule(
        r"^invalid symbol|(unknown|invalid) (symbol|instrument|asset pair)"
        r"|(symbol|instrument) .*(not exist|not found|invalid)",
        Kind.REJECTED, "The plugin does not know this symbol.", code="symbol",
    ),
    _rule(
        r"^HTTP error:? *429|\b429\b.*too many|^too many requests",
        Kind.RATE, "The venue asks for a pause.", code="429",
    ),
    _rule(r"^HTTP error:?", Kind.OFFLINE, "The venue answered the plugin with an error page.", code="http"),
    _rule(
        r"^URL error|^invalid JSON response|^exception occurred|timed?[ -]?out|deadline|connection|\bssl\b"
        r"|reset by peer|broken pipe|network|unreachable|getaddrinfo|name or service|service unavailable"
        r"|bad gateway|EService:|temporar|system (error|busy)|server busy|internal (server )?error",
        Kind.OFFLINE, _OFFLINE, code="offline",
    ),
    _rule(
        r"traceback|exception|(key|index|type|value|attribute|runtime)error\b|index out of range"
        r"|object has no attribute|not subscriptable|none ?type|expecting value|\bchar \d|nil pointer"
        r"|undefined|^'[^']*'$",
        Kind.UNCLEAR, _NO_PROOF, code="plugin-fault",
    ),
    _rule(r"rate limit|too (many|frequent)|throttl", Kind.RATE, "The venue asks for a pause."),
    _rule(
        r"order .*(not exist|not found)|unknown order|no such order|order id (is )?invalid",
        Kind.NOT_FOUND, "The venue knows no such order.",
    ),
    _rule(
        r"invalid (ok-access|api|access|secret)?[ _-]*(key|sign|nonce|passphrase)|signature|unauthori[sz]ed"
        r"|passphrase|EAPI:Invalid|api[ _-]?key|not whitelisted|(wrong|invalid) (secret|credential|password)"
        r"|permission denied|forbidden|authenticat",
        Kind.AUTH, _BAD_KEY, "open_key_page",
    ),
    _rule(
        r"insufficient|not enough|balance|funds",
        Kind.REJECTED, "Not enough free balance for this order.", "reduce_quantity",
    ),
    _rule(
        r"tick|price.*(precision|step|decimal|increment)",
        Kind.REJECTED, "The price does not lie on this market's price steps.", "round_to_step",
    ),
    _rule(
        r"\bmin(imum|_qty|qty)?\b.*(order|amount|size|quantity|notional|not met)|too small|less than|lot size"
        r"|(amount|quantity|size).*(precision|step|decimal|increment|min)",
        Kind.REJECTED,
        "The quantity is under the smallest this market takes, or not a multiple of its step.",
        "raise_to_minimum",
    ),
)  # fmt: skip
# OKX API v5, error codes: those that a hand trading at spot meets, and those that prove nothing.
_OKX: Final[dict[str, tuple[Kind, str, str]]] = {
    "50001": (Kind.OFFLINE, "The venue is not available now.", ""),
    "50004": (Kind.OFFLINE, "The venue did not answer the plugin in time.", ""),
    "50011": (Kind.RATE, "The venue asks for a pause.", ""),
    "50013": (Kind.OFFLINE, "The venue is too busy to answer.", ""),
    "50026": (Kind.OFFLINE, "The venue has trouble.", ""),
    "50061": (Kind.RATE, "Too many orders: the venue asks for a pause.", ""),
    "51000": (Kind.REJECTED, "The venue could not read a value of this order.", ""),
    "51001": (Kind.REJECTED, "The venue does not know this symbol.", ""),
    "51008": (Kind.REJECTED, "Not enough free balance for this order.", "reduce_quantity"),
    "51020": (Kind.REJECTED, "The quantity is under the smallest this market takes.", "raise_to_minimum"),
    "51121": (Kind.REJECTED, "The quantity is not a multiple of this market's step.", "round_to_step"),
    "51149": (Kind.OFFLINE, "The venue did not place the order in time.", ""),
    "51400": (Kind.REJECTED, "It is filled, canceled or unknown already.", ""),
    "51401": (Kind.REJECTED, "It is canceled already.", ""),
    "51402": (Kind.REJECTED, "It has ended already.", ""),
    "51603": (Kind.NOT_FOUND, "The venue knows no such order.", ""),
} | dict.fromkeys(
    ("50101", "50103", "50105", "50110", "50111", "50113", "50119", "50120"),
    (Kind.AUTH, _BAD_KEY, "open_key_page"),
)
_CODE_KEYS: Final = ("sCode", "code", "retCode", "ret_code", "errorCode", "error_code", "err-code", "errno")
_TEXT_KEYS: Final = (
    "sMsg",
    "msg",
    "message",
    "retMsg",
    "ret_msg",
    "error",
    "error_message",
    "err-msg",
    "detail",
)


def explain(error: Any, clean: Callable[[str], str] = scrub) -> Meaning:
    """The meaning of what stood under ``error``. ``clean`` takes secrets out of it."""
    said = error if isinstance(error, str) else json.dumps(error, default=str)
    said = clean(" ".join(said.split()))[:_LONGEST]
    code, message = _venue_error(error)
    own = clean(" ".join(message.split()))[:_LONGEST]
    code, message = clean(code)[:40], own or said
    known = _OKX.get(code)
    if known is not None:
        kind, words, repair = known
        return Meaning(kind, code, message, _told(words, own), repair)
    for rule in _RULES:
        if rule.pattern.search(message):
            return Meaning(
                rule.kind, rule.code or code or "plugin", message, _told(rule.words, message), rule.repair
            )
    if not message:
        return Meaning(Kind.UNCLEAR, code or "plugin", "", "The plugin gave an error without a word.")
    return Meaning(Kind.REJECTED, code or "plugin", message, f"The plugin refused this: “{message}”.")


def _told(words: str, message: str) -> str:
    """One sentence: what it means, and the plugin's own words where there are any."""
    return f"{words.removesuffix('.')} (“{message}”)." if message else words


def _venue_error(error: Any) -> tuple[str, str]:
    """Code and message of a venue's error that came as JSON text; of anything else the text itself."""
    if isinstance(error, str):
        if not error.lstrip().startswith(("{", "[")):
            return "", error
        try:
            found = json.loads(error)
        except (ValueError, RecursionError):
            return "", error
    else:
        found = error
    # OKX tells a code for the whole call and one for the order inside; the inner one is the reason.
    inner = found.get("data") if isinstance(found, dict) else None
    layers = [inner[0] if isinstance(inner, list) and inner else inner, found]
    return _first(layers, _CODE_KEYS), _first(layers, _TEXT_KEYS)


def _first(layers: list[Any], keys: tuple[str, ...]) -> str:
    for layer in layers:
        if not isinstance(layer, dict):
            continue
        for key in keys:
            value = layer.get(key)
            if isinstance(value, list):
                value = "; ".join(str(each) for each in value)
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                return str(value).strip()
    return ""


def of_reading(meaning: Meaning, what: str) -> VenueError:
    """What a call that changes nothing raises for an error of the plugin's."""
    kind = meaning.kind
    if kind in (Kind.OFFLINE, Kind.UNCLEAR):
        return VenueUnavailable(
            VENUE_NAME, f"{what}: {meaning.venue_text}", code=meaning.code, user_text=meaning.user_text
        )
    return _plain(meaning, what)


def of_writing(meaning: Meaning, what: str) -> VenueError:
    """What an order or a cancel raises for an error of the plugin's."""
    is_bare = meaning.kind is Kind.RATE and meaning.code == "429"
    if meaning.kind in (Kind.OFFLINE, Kind.UNCLEAR) or is_bare:
        return OutcomeUnknown(
            VENUE_NAME,
            f"{what}: {meaning.venue_text}",
            code=meaning.code,
            venue_text=meaning.venue_text,
            user_text=f"{meaning.user_text} Nobody can tell from this whether it arrived: checking.",
        )
    return _plain(meaning, what)


_PLAIN: Final[dict[Kind, type[VenueError]]] = {
    Kind.AUTH: AuthRejected,
    Kind.ABSENT: NotOffered,
    Kind.NOT_FOUND: UnknownOrder,
}


def _plain(meaning: Meaning, what: str) -> VenueError:
    detail = f"{what}: {meaning.venue_text}"
    if meaning.kind is Kind.RATE:
        return RateLimited(
            VENUE_NAME,
            detail,
            retry_after_s=_PAUSE_S,
            code=meaning.code,
            venue_text=meaning.venue_text,
            user_text=meaning.user_text,
        )
    make = _PLAIN.get(meaning.kind, RequestRejected)
    return make(
        VENUE_NAME,
        detail,
        code=meaning.code,
        venue_text=meaning.venue_text,
        user_text=meaning.user_text,
        repair=meaning.repair,
    )


_SILENCES: Final = {
    "network": "Nothing usable answers at the plugin's address",
    "protocol": "The plugin closed the connection without an answer: it failed on this call, or its address "
    "names no venue that it knows, or the secret key has not the form that it wants",
    "deadline": "The plugin did not answer in time",
    "too-big": "The plugin sent more than can be read",
    "encoding": "The plugin's answer could not be unpacked",
    "redirect": "The plugin's address answered with a redirect, which was refused",
    "unreadable": "The plugin's answer was cut off or unreadable",
}


def of_silence(error: VenueError, what: str) -> VenueError:
    """A failure of the line between us and the plugin, in words about the plugin; the kind of error stays."""
    if isinstance(error, RateLimited) or error.code == "tls":
        return error
    words = _SILENCES.get(error.code) or (
        "The plugin answered with an HTTP error"
        if error.code.startswith("http")
        else "The plugin did not answer"
    )
    detail = f"{what}: {error}"
    if isinstance(error, NotSent):
        return NotSent(VENUE_NAME, detail, code=error.code, user_text=f"Not sent. {words}.")
    if isinstance(error, OutcomeUnknown):
        return OutcomeUnknown(
            VENUE_NAME, detail, code=error.code, user_text=f"{words}: checking whether it arrived."
        )
    return VenueUnavailable(VENUE_NAME, detail, code=error.code, user_text=f"{words}.")


def unreadable(what: str, problem: object, *, reading: bool) -> VenueError:
    """An answer that has not the form it must have."""
    if reading:
        return ProtocolViolation(
            VENUE_NAME, f"{what}: {problem}", code="unreadable", user_text=f"{_SILENCES['unreadable']}."
        )
    return of_silence(OutcomeUnknown(VENUE_NAME, str(problem), code="unreadable"), what)
