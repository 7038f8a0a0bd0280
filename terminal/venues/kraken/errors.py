"""Kraken's error texts: what each means in plain words, what it does to the call, and the repair.

An entry reads ``<E or W><Category>:<Message>[:<Extra>]`` (Kraken API errors, read 2026-08). The table is the
only place where a text of Kraken's decides anything.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from terminal.domain.errors import (
    AuthRejected,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
    VenueError,
    VenueUnavailable,
)

VENUE_NAME = "kraken"


class Verdict(Enum):
    """What an error makes of the call it answers."""

    REJECTED = "a well-formed no"
    AUTH = "key, permission or account refused"
    RATE = "too fast; nothing was done"
    DOWN = "read: try again later; write: nobody knows whether it was done"
    SESSION = "the session has run out; nothing was done, a new one is fetched"
    NONCE = "read: once more with a fresh nonce; write: ask first"


class ErrorMeaning(NamedTuple):
    """One row of the table."""

    code: str
    verdict: Verdict
    text: str
    """One sentence for the screen."""
    repair: str = ""
    """Name of a one-click repair, or empty."""
    pause_s: float | None = None
    """RATE only: how long to leave it."""


_V = Verdict
_KEY_PAGE = "open_key_page"
_ROWS: tuple[ErrorMeaning, ...] = (
    ErrorMeaning("EGeneral:Invalid arguments", _V.REJECTED, "Kraken cannot use one of the order's fields."),
    ErrorMeaning(
        "EGeneral:Invalid arguments:Index unavailable",
        _V.REJECTED,
        "This pair has no index price: let the last trade fire the order instead.",
        "trigger_on_last",
    ),
    ErrorMeaning(
        "EGeneral:Permission denied",
        _V.AUTH,
        "The key may not do this: tick the missing permission on Kraken's key page.",
        _KEY_PAGE,
    ),
    ErrorMeaning("EGeneral:Unknown method", _V.REJECTED, "Kraken does not know this call."),
    ErrorMeaning("EGeneral:Internal error", _V.DOWN, "Kraken had an internal fault."),
    ErrorMeaning(
        "EGeneral:Temporary lockout",
        _V.AUTH,
        "Kraken has locked this key for about 15 minutes after several bad calls. Wait, then try again.",
        "wait",
    ),
    ErrorMeaning(
        "EGeneral:Too many requests", _V.RATE, "Too many calls: Kraken asks for a pause.", pause_s=5
    ),
    ErrorMeaning(
        "EAPI:Invalid key",
        _V.AUTH,
        "Kraken does not know this key: it was mistyped, deleted, or is limited to other addresses.",
        _KEY_PAGE,
    ),
    ErrorMeaning(
        "EAPI:Invalid signature",
        _V.AUTH,
        "The private key does not belong to this API key: enter both again.",
        "edit_credentials",
    ),
    ErrorMeaning(
        "EAPI:Invalid nonce",
        _V.NONCE,
        "Another program seems to use this key: give each program a key of its own.",
        _KEY_PAGE,
    ),
    ErrorMeaning(
        "EAPI:Rate limit exceeded", _V.RATE, "The call budget is empty: Kraken asks for a pause.", pause_s=10
    ),
    ErrorMeaning("EAPI:Feature disabled", _V.REJECTED, "Kraken has switched this function off."),
    ErrorMeaning("EAPI:Bad request", _V.REJECTED, "Kraken could not read the request."),
    ErrorMeaning("EAPI:Invalid token", _V.SESSION, "The trading session had run out: send it again now."),
    ErrorMeaning(
        "ESession:Invalid session", _V.SESSION, "The trading session had run out: send it again now."
    ),
    ErrorMeaning("EService:Unavailable", _V.DOWN, "Kraken's trading engine is down."),
    ErrorMeaning("EService:Busy", _V.DOWN, "Kraken's trading engine is too busy to answer."),
    ErrorMeaning("EService:Timeout", _V.DOWN, "Kraken's trading engine did not answer in time."),
    ErrorMeaning(
        "EService:Throttled", _V.RATE, "Too many calls at once: Kraken asks for a pause.", pause_s=5
    ),
    ErrorMeaning(
        "EService:Market in cancel_only mode", _V.REJECTED, "Kraken only takes cancels for this market now."
    ),
    ErrorMeaning(
        "EService:Market in post_only mode",
        _V.REJECTED,
        "Kraken only takes post-only orders for this market now.",
        "make_post_only",
    ),
    ErrorMeaning(
        "EService:Market in limit_only mode",
        _V.REJECTED,
        "Kraken only takes limit orders for this market now.",
        "make_limit",
    ),
    ErrorMeaning(
        "EService:Deadline elapsed",
        _V.REJECTED,
        "It waited too long at Kraken and was not placed. Send it again if you still want it.",
    ),
    ErrorMeaning(
        "EOrder:Insufficient funds", _V.REJECTED, "Not enough free balance for this order.", "reduce_quantity"
    ),
    ErrorMeaning(
        "EOrder:Insufficient margin", _V.REJECTED, "Kraken's margin pool for this asset is empty now."
    ),
    ErrorMeaning(
        "EOrder:Margin allowance exceeded",
        _V.REJECTED,
        "Your margin allowance does not cover this order.",
        "reduce_quantity",
    ),
    ErrorMeaning(
        "EOrder:Margin level too low",
        _V.REJECTED,
        "The account's margin level is too low.",
        "reduce_quantity",
    ),
    ErrorMeaning(
        "EOrder:Margin position size exceeded",
        _V.REJECTED,
        "The position would grow over its limit.",
        "reduce_quantity",
    ),
    ErrorMeaning("EOrder:Cannot open position", _V.REJECTED, "This account may not open this position."),
    ErrorMeaning(
        "EOrder:Cannot open opposing position",
        _V.REJECTED,
        "Close the position on the other side first.",
    ),
    ErrorMeaning(
        "EOrder:Order minimum not met",
        _V.REJECTED,
        "The quantity is under the smallest this market takes.",
        "raise_to_minimum",
    ),
    ErrorMeaning(
        "EOrder:Cost minimum not met",
        _V.REJECTED,
        "Price times quantity is under the smallest this market takes.",
        "raise_to_minimum",
    ),
    ErrorMeaning(
        "EOrder:Tick size check failed",
        _V.REJECTED,
        "The price does not lie on this market's price steps.",
        "round_to_step",
    ),
    ErrorMeaning("EOrder:Invalid price", _V.REJECTED, "Kraken cannot use this price.", "price_from_book"),
    ErrorMeaning(
        "EOrder:Post only order",
        _V.REJECTED,
        "It would have traded at once, and it was to be post-only.",
        "price_from_book",
    ),
    ErrorMeaning(
        "EOrder:Orders limit exceeded",
        _V.REJECTED,
        "Too many open orders in this market: cancel one first.",
        "cancel_some_orders",
    ),
    ErrorMeaning("EOrder:Positions limit exceeded", _V.REJECTED, "Too many open positions: close one first."),
    ErrorMeaning(
        "EOrder:Rate limit exceeded",
        _V.RATE,
        "Too many orders and cancels in this market: wait a few seconds.",
        pause_s=5,
    ),
    ErrorMeaning(
        "EOrder:Domain rate limit exceeded",
        _V.RATE,
        "Too many orders and cancels over all your accounts: wait a few seconds.",
        pause_s=10,
    ),
    ErrorMeaning(
        "EOrder:Scheduled orders limit exceeded",
        _V.REJECTED,
        "Too many scheduled orders: cancel one first.",
        "cancel_some_orders",
    ),
    ErrorMeaning(
        "EOrder:Unknown order",
        _V.REJECTED,
        "Kraken has no such open order: it may have filled or ended.",
        "ask",
    ),
    ErrorMeaning(
        "EOrder:Invalid order",
        _V.REJECTED,
        "Kraken has no such open order: it may have filled or ended.",
        "ask",
    ),
    ErrorMeaning("EOrder:Unknown position", _V.REJECTED, "Kraken has no such position."),
    ErrorMeaning("EOrder:Reduce only:Non-PC", _V.REJECTED, "Reduce-only needs a margin position to reduce."),
    ErrorMeaning("EOrder:Reduce only:No position exists", _V.REJECTED, "There is no position to reduce."),
    ErrorMeaning("EOrder:Reduce only:Position is closed", _V.REJECTED, "The position is closed already."),
    ErrorMeaning(
        "EOrder:Cancel pending", _V.REJECTED, "A cancel of this order is under way already.", "wait"
    ),
    ErrorMeaning(
        "EOrder:Trading agreement required",
        _V.AUTH,
        "Accept the trading agreement on Kraken's site first.",
        "open_venue_page",
    ),
    ErrorMeaning(
        "EAccount:Invalid permissions", _V.REJECTED, "Kraken does not offer this to your account or country."
    ),
    ErrorMeaning(
        "EAuth:Account temporary disabled",
        _V.AUTH,
        "Kraken has paused this account: see its site.",
        "open_venue_page",
    ),
    ErrorMeaning(
        "EAuth:Account unconfirmed", _V.AUTH, "Confirm the account on Kraken's site first.", "open_venue_page"
    ),
    ErrorMeaning("EAuth:Rate limit exceeded", _V.RATE, "Kraken asks for a pause in signing in.", pause_s=30),
    ErrorMeaning("EAuth:Too many requests", _V.RATE, "Kraken asks for a pause in signing in.", pause_s=30),
    ErrorMeaning("ETrade:Invalid request", _V.REJECTED, "Kraken cannot do this with this order."),
    ErrorMeaning(
        "ETrade:User Locked", _V.AUTH, "Kraken has locked trading for this account.", "open_venue_page"
    ),
    ErrorMeaning("EQuery:Unknown asset", _V.REJECTED, "Kraken does not list this asset."),
    ErrorMeaning("EQuery:Unknown asset pair", _V.REJECTED, "Kraken does not list this pair."),
    ErrorMeaning("EQuery:Invalid asset pair", _V.REJECTED, "Kraken does not list this pair."),
    ErrorMeaning("EBM:limit exceeded:CAL", _V.REJECTED, "Your account's own limit at Kraken is reached."),
    ErrorMeaning("EFunding", _V.REJECTED, "Kraken refused this deposit or withdrawal."),
    ErrorMeaning("EDatabase:Internal error", _V.DOWN, "Kraken had an internal fault."),
)
MEANINGS: dict[str, ErrorMeaning] = {row.code: row for row in _ROWS}
"""Every error text with a meaning of its own, by its code without the changing part."""

# What a code that the table does not have means, by its category.
_BY_CATEGORY: dict[str, Verdict] = {
    "EAuth": Verdict.AUTH,
    "ESession": Verdict.SESSION,
    "EService": Verdict.DOWN,
    "EDatabase": Verdict.DOWN,
}
# The worst first: a write that may have happened outweighs a refusal in the same list.
_SEVERITY = (Verdict.DOWN, Verdict.NONCE, Verdict.AUTH, Verdict.SESSION, Verdict.RATE, Verdict.REJECTED)
_DIGITS = re.compile(r"\d{9,}(?:\.\d+)?")


def meaning_of(text: str) -> ErrorMeaning:
    """The row for one error text: exact, else the longest row it begins with, else by its category."""
    parts = text.strip().split(":")
    for count in range(len(parts), 0, -1):
        row = MEANINGS.get(":".join(part.strip() for part in parts[:count]))
        if row is not None:
            return row
    verdict = _BY_CATEGORY.get(parts[0].strip(), Verdict.REJECTED)
    plain = ":".join(parts[1:]).strip() or text.strip()
    return ErrorMeaning(text, verdict, f"Kraken says: {plain}")


def errors_in(entries: Sequence[str]) -> list[str]:
    """The errors of an envelope's list; warnings (``W...``) are not errors."""
    return [entry for entry in entries if not entry.startswith("W")]


def worst(entries: Sequence[str]) -> str:
    """The entry of a list of errors that decides the outcome."""
    return min(entries, key=lambda entry: _SEVERITY.index(meaning_of(entry).verdict))


def to_error(text: str, *, writing: bool, wall_s: float | None = None) -> VenueError:
    """The domain error for one error text of Kraken's.

    ``writing``: the call would have changed something at the venue. What may have happened is then
    OutcomeUnknown, never a refusal. ``wall_s`` is now, for pauses that Kraken gives as a time of day.
    """
    row = meaning_of(text)
    common = {
        "code": row.code,
        "venue_text": text,
        "user_text": row.text,
        "repair": row.repair,
    }
    match row.verdict:
        case Verdict.REJECTED | Verdict.SESSION:
            return RequestRejected(VENUE_NAME, text, **common)
        case Verdict.AUTH:
            return AuthRejected(VENUE_NAME, text, **common)
        case Verdict.RATE:
            return RateLimited(VENUE_NAME, text, retry_after_s=_pause_s(row, text, wall_s), **common)
        case Verdict.DOWN | Verdict.NONCE:
            if writing:
                common["user_text"] = f"{row.text} Checking whether it arrived."
                return OutcomeUnknown(VENUE_NAME, text, **common)
            if row.verdict is Verdict.NONCE:
                return AuthRejected(VENUE_NAME, text, **common)
            return VenueUnavailable(VENUE_NAME, text, **common)


def _pause_s(row: ErrorMeaning, text: str, wall_s: float | None) -> float | None:
    """``EService:Throttled: 1700000005`` names the second from which Kraken listens again."""
    stamp = _DIGITS.search(text)
    if stamp is None or row.code != "EService:Throttled":
        return row.pause_s
    now = time.time() if wall_s is None else wall_s
    return min(max(0.0, float(stamp.group()) - now), 900.0)
