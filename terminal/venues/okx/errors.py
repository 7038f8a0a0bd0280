"""OKX's error codes in plain words, with what follows from each: one table for all of OKX's answers.

OKX answers at two levels: ``code`` of the whole request and, in each row of a trading answer, ``sCode``. Both
use the same numbers (OKX v5, error codes, 2026-07).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from terminal.domain.errors import (
    AuthRejected,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
    VenueError,
    VenueUnavailable,
)

VENUE_NAME: Final = "okx"


class Verdict(Enum):
    """What a code proves."""

    REJECTED = "no"
    AUTH = "the key, or what it may do"
    RATE = "too fast"
    DOWN = "trouble: nobody knows what became of it"
    CLOCK = "our clock is off"


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """One code for a person."""

    code: str
    verdict: Verdict
    text: str
    repair: str = ""


_V = Verdict
_KEY = "open_key_page"
_PAGE = "open_venue_page"


def _rows(verdict: Verdict, codes: str, text: str, repair: str = "") -> list[ErrorMeaning]:
    return [ErrorMeaning(code, verdict, text, repair) for code in codes.split()]


_TABLE: Final[tuple[ErrorMeaning, ...]] = (
    *_rows(_V.DOWN, "50001", "OKX is down for a moment."),
    *_rows(_V.DOWN, "50004 51054 51149", "OKX ran out of time with this request."),
    *_rows(_V.DOWN, "50026 64007 63999", "OKX had an internal fault."),
    *_rows(_V.RATE, "50011 50013 50040 60014 58102", "OKX asks for a pause: too many requests."),
    *_rows(_V.RATE, "50061", "Too many orders and changes over your whole account: wait a few seconds."),
    *_rows(_V.CLOCK, "50102 60004 60006", "This computer's clock differs too much from OKX's.", "set_clock"),
    *_rows(_V.REJECTED, "50002 50006 50115", "OKX could not read this request."),
    *_rows(_V.REJECTED, "50005", "OKX no longer offers this call."),
    *_rows(
        _V.REJECTED, "50014 50015 50016 50024 50025 51003", "OKX says that a part of the request is wrong."
    ),
    *_rows(_V.AUTH, "50027 50028 50029", "OKX has restricted this account: see its site.", _PAGE),
    *_rows(_V.AUTH, "50030 50120", "This key lacks the permission for it. Tick Read and Trade.", _KEY),
    *_rows(_V.AUTH, "50035", "This key has to be bound to an IP address first.", _KEY),
    *_rows(_V.AUTH, "50110 50121", "OKX does not accept this key from your IP address.", _KEY),
    *_rows(_V.REJECTED, "50036 50037", "The request reached OKX too late and was not carried out."),
    *_rows(_V.REJECTED, "50038", "Demo trading does not offer this."),
    *_rows(_V.REJECTED, "50053", "Only demo trading offers this."),
    *_rows(_V.REJECTED, "50071 51011 51016", "OKX has an order with this id already.", "ask"),
    *_rows(_V.AUTH, "50100", "OKX has frozen this key.", _KEY),
    *_rows(
        _V.AUTH,
        "50101",
        "This key belongs to the other side of OKX: a demo key needs the demo setting on, a real one off.",
        "open_settings",
    ),
    *_rows(_V.AUTH, "50103 50111 60005", "OKX does not know this API key.", _KEY),
    *_rows(
        _V.AUTH, "50119 60032", "This API key does not exist (any more), or belongs to demo trading.", _KEY
    ),
    *_rows(_V.AUTH, "50104 50105 60024", "The passphrase is wrong.", _KEY),
    *_rows(_V.AUTH, "50106 50113 60007", "The secret key is wrong: the signature does not match.", _KEY),
    *_rows(_V.AUTH, "50107 50112", "OKX could not read the time of the request.", "set_clock"),
    *_rows(_V.AUTH, "50114 60009", "OKX refused the sign-in: check key, secret, passphrase and demo.", _KEY),
    *_rows(_V.REJECTED, "51000", "OKX does not accept a value of this order."),
    *_rows(_V.REJECTED, "51001 51014 51015", "OKX does not list this instrument."),
    *_rows(_V.REJECTED, "51004", "This would exceed the position limit at the present leverage."),
    *_rows(_V.REJECTED, "51005 51201 51202 51203", "The order is larger than OKX takes.", "reduce_quantity"),
    *_rows(_V.REJECTED, "51006 51116 51137 51138", "The price is outside OKX's price limits.", "move_price"),
    *_rows(
        _V.REJECTED,
        "51008 51119 51127 51131",
        "The balance or margin does not suffice for this order.",
        "reduce_quantity",
    ),
    *_rows(_V.AUTH, "51009 51024", "OKX has blocked trading for this account.", _PAGE),
    *_rows(
        _V.REJECTED,
        "51010",
        "The account's mode does not allow this: OKX's site has the account mode under trading settings.",
        _PAGE,
    ),
    *_rows(_V.REJECTED, "51020 51120", "The quantity is below OKX's minimum order.", "raise_quantity"),
    *_rows(_V.REJECTED, "51021", "This instrument is not listed yet."),
    *_rows(_V.REJECTED, "51022", "Trading in this instrument is suspended."),
    *_rows(_V.REJECTED, "51023", "There is no such position (any more)."),
    *_rows(
        _V.REJECTED,
        "51025 51102 51103 51174",
        "Too many open orders: cancel one first.",
        "cancel_some_orders",
    ),
    *_rows(_V.REJECTED, "51027 51028", "This contract has expired or is being delivered."),
    *_rows(_V.REJECTED, "51029 51030", "OKX is settling this contract: try again in a moment."),
    *_rows(_V.REJECTED, "51071", "Too many timers of this kind."),
    *_rows(_V.REJECTED, "51111", "Too many orders at once."),
    *_rows(_V.REJECTED, "51112 51169", "There is nothing, or not so much, of a position to close."),
    *_rows(_V.REJECTED, "51121", "The quantity is not a multiple of the step.", "round_to_step"),
    *_rows(_V.REJECTED, "54094", "Only orders that reduce a position are taken in this instrument now."),
    *_rows(_V.REJECTED, "51124 51196", "Only limit orders are taken in this instrument now."),
    *_rows(_V.REJECTED, "51150", "Price or quantity has too many decimals.", "round_to_step"),
    *_rows(_V.AUTH, "51155", "OKX may not offer this where you live.", _PAGE),
    *_rows(_V.REJECTED, "51170", "Reduce-only: this order would enlarge the position."),
    *_rows(_V.REJECTED, "51400", "OKX has no such open order: it may have filled or ended.", "ask"),
    *_rows(_V.REJECTED, "51401 51402 51410", "A cancel of this order is under way already.", "ask"),
    *_rows(_V.REJECTED, "51500", "There is nothing to change."),
    *_rows(_V.REJECTED, "51503 51603", "OKX has no such open order: it may have filled or ended.", "ask"),
    *_rows(_V.REJECTED, "51506", "OKX cannot change this kind of order: cancel it and place a new one."),
    *_rows(_V.REJECTED, "51511", "The changed price of a post-only order would take.", "move_price"),
    *_rows(_V.REJECTED, "51513", "Three changes of this order are under way: wait for them.", "wait"),
    *_rows(_V.REJECTED, "58116", "That is more than there is to transfer."),
    *_rows(_V.REJECTED, "59000", "Close positions and cancel orders before this setting is changed."),
    *_rows(_V.REJECTED, "59101 59107", "Cancel the open orders in it before its leverage is changed."),
    *_rows(_V.REJECTED, "50072", "This account mode of OKX has no isolated margin."),
    *_rows(_V.REJECTED, "59102", "That is more leverage than OKX gives."),
    *_rows(_V.AUTH, "59113", "OKX wants a higher level of identity verification before you trade.", _PAGE),
    *_rows(_V.REJECTED, "60008 60018 64000 64001 64002", "OKX does not offer this feed."),
    *_rows(_V.AUTH, "60011", "OKX wants a new sign-in."),
    *_rows(
        _V.REJECTED,
        "60012 60013 60019 60023 60026 60027 60028 60031 60033",
        "OKX could not read this request.",
    ),
    *_rows(_V.REJECTED, "64003", "Your fee tier at OKX does not include this feed."),
    *_rows(_V.REJECTED, "64004", "OKX does not give these two feeds together."),
)
MEANINGS: Final[dict[str, ErrorMeaning]] = {row.code: row for row in _TABLE}
"""Every code with a meaning of its own."""

UNKNOWN_ORDER: Final = frozenset({"51603", "51001"})
"""A look-up found nothing of this id."""
CANCEL_UNDER_WAY: Final = frozenset({"51401", "51402", "51410"})
CLOCK_CODES: Final = frozenset({"50102", "60004", "60006"})

_CANCEL_SOURCES: Final[dict[str, str]] = {
    "0": "canceled by OKX",
    "1": "",
    "2": "canceled for want of margin",
    "3": "canceled for want of margin",
    "6": "canceled by auto-deleveraging",
    "7": "canceled at the contract's expiry",
    "9": "canceled: the funding fee left too little balance",
    "10": "canceled at the contract's expiry",
    "13": "fill or kill: it could not be filled whole",
    "14": "immediate or cancel: the rest found nothing to trade with",
    "15": "canceled: its price is outside OKX's limits",
    "17": "canceled: the position was closed",
    "20": "canceled by the dead man's switch",
    "21": "canceled: the position was closed",
    "22": "canceled: it was to reduce only",
    "23": "canceled: it was to reduce only",
    "27": "canceled: it would have filled over 5 % off the price",
    "31": "post-only: it would have taken",
    "32": "canceled: it would have traded with an own order",
    "33": "canceled: too many orders on the other side",
    "36": "canceled: the linked stop order was triggered",
    "37": "canceled: the linked stop order was canceled",
    "38": "canceled by market maker protection",
    "39": "canceled by market maker protection",
    "42": "canceled: the price to chase was too far away",
    "43": "canceled: the index price was not reliable",
    "44": "canceled: currencies were converted",
    "45": "canceled by OKX's rules for retail price improvement",
    "46": "canceled by OKX's delta rules",
}


def cancel_reason(source: str, text: str = "") -> str:
    """Why OKX says that an order was canceled; empty where the person did it or nothing is said. ``text`` is
    OKX's own, for a number that the table does not have."""
    if not source:
        return text
    return _CANCEL_SOURCES.get(source) or (
        "" if source == "1" else text or f"canceled by OKX (reason {source[:8]})"
    )


def meaning_of(code: str, text: str = "") -> ErrorMeaning:
    """The row for a code; one that the table does not have is a plain no in OKX's words."""
    found = MEANINGS.get(code)
    if found is not None:
        return found
    return ErrorMeaning(code, Verdict.REJECTED, f"OKX says: {text or f'error {code}'}"[:200])


def to_error(code: str, text: str, *, writing: bool) -> VenueError:
    """The domain error for one code of OKX's.

    ``writing``: the request would have changed something. What may have happened is then OutcomeUnknown,
    never a refusal.
    """
    row = meaning_of(code, text)
    common = {
        "code": code,
        "venue_text": text,
        "user_text": row.text,
        "repair": row.repair,
    }
    detail = f"{code} {text}".strip()
    match row.verdict:
        case Verdict.REJECTED:
            return RequestRejected(VENUE_NAME, detail, **common)
        case Verdict.AUTH | Verdict.CLOCK:
            return AuthRejected(VENUE_NAME, detail, **common)
        case Verdict.RATE:
            return RateLimited(VENUE_NAME, detail, retry_after_s=2.0, **common)
        case Verdict.DOWN:
            if writing:
                common["user_text"] = f"{row.text} Checking whether it arrived."
                return OutcomeUnknown(VENUE_NAME, detail, **common)
            return VenueUnavailable(VENUE_NAME, detail, **common)
