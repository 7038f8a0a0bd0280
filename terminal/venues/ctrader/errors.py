"""cTrader's error codes: what each means in plain words, and what it makes of the request it answers.

A code is a name, never a number, and may be one that is not listed here (cTrader Open API 2.0, release 91).
The table is the only place where a code of the venue's decides anything.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple

from terminal.core.secret import scrub
from terminal.domain.errors import (
    AuthRejected,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
    VenueError,
    VenueUnavailable,
)

VENUE_NAME = "ctrader"


class Verdict(Enum):
    """What an error makes of the request it answers."""

    REJECTED = "a well-formed no"
    BUSY = "not now; nothing was done, once more in a moment"
    DOWN = "read: try again; write: nobody knows whether it was done"
    WAIT = "too fast, or closed for a while; nothing was done"
    ACCOUNT = "the account is not signed in on this connection; nothing was done"
    APPLICATION = "the application is not signed in on this connection; nothing was done"
    TOKEN = "the access token is not good any more"
    AUTH = "the application or the account is refused"
    DONE = "the wanted state is there already"


class ErrorMeaning(NamedTuple):
    """One row of the table."""

    code: str
    verdict: Verdict
    text: str
    """One sentence for the screen."""
    repair: str = ""
    """Name of a one-click repair, or empty."""
    pause_s: float | None = None
    """WAIT only: how long to leave it where the venue does not say."""


_V = Verdict
_ROWS: tuple[ErrorMeaning, ...] = (
    ErrorMeaning("UNKNOWN_ERROR", _V.DOWN, "cTrader had an internal fault."),
    ErrorMeaning("UNSUPPORTED_MESSAGE", _V.REJECTED, "This cTrader server does not offer this."),
    ErrorMeaning("INVALID_REQUEST", _V.REJECTED, "cTrader cannot use this request."),
    ErrorMeaning("TIMEOUT_ERROR", _V.DOWN, "cTrader's server did not get an answer in time."),
    ErrorMeaning("ENTITY_NOT_FOUND", _V.REJECTED, "cTrader does not know this any more.", "ask"),
    ErrorMeaning("CANT_ROUTE_REQUEST", _V.DOWN, "The broker's trading server cannot be reached."),
    ErrorMeaning("FRAME_TOO_LONG", _V.REJECTED, "The request was too long for cTrader."),
    ErrorMeaning("MARKET_CLOSED", _V.REJECTED, "The market is closed."),
    ErrorMeaning("CONCURRENT_MODIFICATION", _V.BUSY, "The order is being changed: try again in a moment."),
    ErrorMeaning("BLOCKED_PAYLOAD_TYPE", _V.WAIT, "Too many requests: cTrader asks for a pause.", pause_s=1),
    ErrorMeaning("OA_AUTH_TOKEN_EXPIRED", _V.TOKEN, "The sign-in has expired: sign in to cTrader again."),
    ErrorMeaning(
        "ACCOUNT_NOT_AUTHORIZED", _V.ACCOUNT, "The account is being signed in again: try once more then."
    ),
    ErrorMeaning("RET_NO_SUCH_LOGIN", _V.REJECTED, "This account does not exist any more."),
    ErrorMeaning("RET_ACCOUNT_DISABLED", _V.REJECTED, "The broker has disabled this account."),
    ErrorMeaning("ALREADY_LOGGED_IN", _V.DONE, "The account is signed in already."),
    ErrorMeaning("ALREADY_SUBSCRIBED", _V.DONE, "These prices are subscribed already."),
    ErrorMeaning("INCORRECT_BOUNDARIES", _V.REJECTED, "The time span is too wide or the wrong way round."),
    ErrorMeaning(
        "CONNECTIONS_LIMIT_EXCEEDED",
        _V.WAIT,
        "Too many connections to cTrader: it is left for a while.",
        pause_s=120,
    ),
    ErrorMeaning(
        "WORSE_GSL_NOT_ALLOWED", _V.REJECTED, "A guaranteed stop may not be moved to a higher risk."
    ),
    ErrorMeaning("SYMBOL_HAS_HOLIDAY", _V.REJECTED, "This market has a holiday now."),
    ErrorMeaning(
        "CH_CLIENT_AUTH_FAILURE",
        _V.AUTH,
        "cTrader refused the application: its id or secret is wrong, or it is not active yet.",
        "edit_credentials",
    ),
    ErrorMeaning("CH_CLIENT_NOT_AUTHENTICATED", _V.APPLICATION, "The connection is being signed in again."),
    ErrorMeaning("CH_CLIENT_ALREADY_AUTHENTICATED", _V.DONE, "The application is signed in already."),
    ErrorMeaning(
        "CH_ACCESS_TOKEN_INVALID", _V.TOKEN, "The sign-in is not valid any more: sign in to cTrader again."
    ),
    ErrorMeaning("CH_SERVER_NOT_REACHABLE", _V.DOWN, "The broker's trading server cannot be reached."),
    ErrorMeaning(
        "CH_CTID_TRADER_ACCOUNT_NOT_FOUND",
        _V.REJECTED,
        "This account is not part of the sign-in: sign in again and tick it.",
        "sign_in",
    ),
    ErrorMeaning(
        "CH_OA_CLIENT_NOT_FOUND",
        _V.AUTH,
        "cTrader does not know this application: check its id.",
        "edit_credentials",
    ),
    ErrorMeaning(
        "REQUEST_FREQUENCY_EXCEEDED", _V.WAIT, "Too many requests: cTrader asks for a pause.", pause_s=1
    ),
    ErrorMeaning("SERVER_IS_UNDER_MAINTENANCE", _V.WAIT, "cTrader is under maintenance.", pause_s=30),
    ErrorMeaning("CHANNEL_IS_BLOCKED", _V.REJECTED, "The broker has blocked this for the account."),
    ErrorMeaning("NOT_SUBSCRIBED_TO_SPOTS", _V.REJECTED, "Prices have to be subscribed first."),
    ErrorMeaning("SYMBOL_NOT_FOUND", _V.REJECTED, "The broker does not list this symbol."),
    ErrorMeaning("UNKNOWN_SYMBOL", _V.REJECTED, "The broker does not list this symbol."),
    ErrorMeaning("NO_QUOTES", _V.BUSY, "There is no price for this symbol now."),
    ErrorMeaning(
        "NOT_ENOUGH_MONEY", _V.REJECTED, "Not enough free margin for this order.", "reduce_quantity"
    ),
    ErrorMeaning(
        "MAX_EXPOSURE_REACHED",
        _V.REJECTED,
        "The broker's limit for this symbol is reached.",
        "reduce_quantity",
    ),
    ErrorMeaning("TOO_MANY_POSITIONS", _V.REJECTED, "Too many open positions: close one first."),
    ErrorMeaning("POSITION_NOT_FOUND", _V.REJECTED, "There is no such position any more.", "ask"),
    ErrorMeaning(
        "ORDER_NOT_FOUND", _V.REJECTED, "There is no such open order: it may have filled or ended.", "ask"
    ),
    ErrorMeaning("POSITION_NOT_OPEN", _V.REJECTED, "The position is closed already.", "ask"),
    ErrorMeaning(
        "POSITION_LOCKED", _V.BUSY, "An order of this position is executing: try again in a moment."
    ),
    ErrorMeaning(
        "PENDING_EXECUTION", _V.BUSY, "An order of this position is executing: try again in a moment."
    ),
    ErrorMeaning(
        "TRADING_BAD_VOLUME",
        _V.REJECTED,
        "The volume is outside the symbol's limits or off its step.",
        "round_to_step",
    ),
    ErrorMeaning("TRADING_BAD_STOPS", _V.REJECTED, "The stop or target is on the wrong side or too near."),
    ErrorMeaning("TRADING_BAD_PRICES", _V.REJECTED, "cTrader cannot use this price.", "price_from_book"),
    ErrorMeaning("TRADING_BAD_STAKE", _V.REJECTED, "cTrader cannot use this stake."),
    ErrorMeaning(
        "PROTECTION_IS_TOO_CLOSE_TO_MARKET", _V.REJECTED, "The stop or target is too near to the market."
    ),
    ErrorMeaning("TRADING_BAD_EXPIRATION_DATE", _V.REJECTED, "The order's expiry must be in the future."),
    ErrorMeaning("TRADING_DISABLED", _V.REJECTED, "The broker has disabled trading of this symbol."),
    ErrorMeaning(
        "TRADING_NOT_ALLOWED",
        _V.REJECTED,
        "This account may only be watched: sign in again and allow trading.",
        "sign_in",
    ),
    ErrorMeaning(
        "UNABLE_TO_CANCEL_ORDER", _V.REJECTED, "It could not be canceled: it may have filled.", "ask"
    ),
    ErrorMeaning("UNABLE_TO_AMEND_ORDER", _V.REJECTED, "It could not be changed: it may have filled.", "ask"),
    ErrorMeaning("SHORT_SELLING_NOT_ALLOWED", _V.REJECTED, "This symbol cannot be sold short."),
    ErrorMeaning("NOT_SUBSCRIBED_TO_PNL", _V.REJECTED, "The profit stream has to be subscribed first."),
    # The token endpoint's own codes.
    ErrorMeaning(
        "ACCESS_DENIED",
        _V.AUTH,
        "cTrader refused the sign-in: it was too old or used before, or the application's secret is wrong.",
    ),
)
MEANINGS: dict[str, ErrorMeaning] = {row.code: row for row in _ROWS}
"""Every code with a meaning of its own."""

_NOT_SIGNED_IN = "account is not authorized"
_LONGEST_WAIT_S = 6 * 3600.0


def meaning_of(code: str, description: str = "") -> ErrorMeaning:
    """The row for a code. A server says ``INVALID_REQUEST`` "Trading account is not authorized" where the
    table says ``ACCOUNT_NOT_AUTHORIZED``."""
    if code == "INVALID_REQUEST" and _NOT_SIGNED_IN in description.lower():
        return MEANINGS["ACCOUNT_NOT_AUTHORIZED"]
    row = MEANINGS.get(code)
    if row is None:
        words = description or code.replace("_", " ").lower()
        return ErrorMeaning(code, Verdict.REJECTED, f"cTrader says: {scrub(words)[:200].rstrip('.')}.")
    return row


def to_error(
    code: str,
    description: str = "",
    *,
    writing: bool,
    retry_after_s: float | None = None,
    until_s: float | None = None,
    wall_s: float = 0.0,
) -> VenueError:
    """The domain error for one error of the venue's.

    Args:
        writing: the request would have changed something. What may have happened is then OutcomeUnknown,
            never a refusal.
        retry_after_s: the venue's own figure of how long to leave it.
        until_s: the end of a maintenance, seconds UTC; ``wall_s`` is now.
    """
    row = meaning_of(code, description)
    words = scrub(description)[:300]
    text = row.text
    if words and row.code in (
        "INVALID_REQUEST",
        "TRADING_BAD_VOLUME",
        "TRADING_BAD_PRICES",
        "TRADING_BAD_STOPS",
    ):
        text = f"{text} It says: {words.rstrip('.')}."
    common = {"code": row.code, "venue_text": words or code, "user_text": text, "repair": row.repair}
    detail = f"{code}: {words}" if words else code
    match row.verdict:
        case Verdict.REJECTED | Verdict.BUSY | Verdict.DONE:
            return RequestRejected(VENUE_NAME, detail, **common)
        case Verdict.AUTH | Verdict.TOKEN:
            return AuthRejected(VENUE_NAME, detail, **common)
        case Verdict.WAIT:
            wait_s = retry_after_s if retry_after_s is not None else row.pause_s
            if until_s is not None and until_s > wall_s:
                wait_s = (
                    max(wait_s or 0.0, until_s - wall_s) if retry_after_s is not None else until_s - wall_s
                )
                common["user_text"] = f"{text.rstrip('.')} until {_clock_text(until_s)} UTC."
            if wait_s is not None:
                wait_s = min(wait_s, _LONGEST_WAIT_S)
            return RateLimited(VENUE_NAME, detail, retry_after_s=wait_s, **common)
        case Verdict.ACCOUNT | Verdict.APPLICATION:
            if writing:
                return RequestRejected(VENUE_NAME, detail, **common)
            return VenueUnavailable(VENUE_NAME, detail, **common)
        case Verdict.DOWN:
            if writing:
                common["user_text"] = f"{text} Checking whether it arrived."
                return OutcomeUnknown(VENUE_NAME, detail, **common)
            return VenueUnavailable(VENUE_NAME, detail, **common)


def verdict_of(error: VenueError) -> Verdict | None:
    """The verdict behind an error that :func:`to_error` made; None for errors of our own."""
    row = MEANINGS.get(error.code)
    return None if row is None else row.verdict


def _clock_text(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M")
    except (ValueError, OverflowError, OSError):
        return "later"
