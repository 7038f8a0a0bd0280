"""Quotex's refusals in plain words, with what to do."""

from __future__ import annotations

from typing import Final

from terminal.domain.errors import AuthRejected, RequestRejected, VenueUnavailable

VENUE_NAME: Final = "quotex"

_TEXTS: Final = {
    "not_money": "The balance does not cover this stake.",
    "expiration": "Quotex does not take this expiry for this asset now. Choose another one.",
    "open_time_min": "The time to open it is in the past or too near. Choose a later one.",
    "not_price": "Quotex has no price of this asset at the moment. Try again.",
    "min_amount": "The stake is below Quotex's minimum.",
    "max_amount": "The stake is above Quotex's maximum.",
    "asset_closed": "This asset is closed at Quotex now.",
}
_REFILL_TEXTS: Final = {
    "max_amount": "Quotex does not fill the demo account up to that much. Choose less than the maximum.",
    "min_amount": "Quotex does not fill the demo account up by so little. Choose more.",
}
_PENDING_FAILED: Final = "9"


def rejected(code: str) -> RequestRejected:
    """The venue's no: a known one in plain words, an unknown one in its own."""
    text = _TEXTS.get(code)
    if code == _PENDING_FAILED:
        text = "Quotex could not open the waiting contract at its time."
    return RequestRejected(
        VENUE_NAME,
        code=code,
        venue_text=code,
        user_text=text or f"Quotex refused it: “{code[:80]}”.",
    )


def refill_refused(code: str) -> RequestRejected:
    """The venue's no to a refill of the demo account."""
    text = _REFILL_TEXTS.get(code, f"Quotex did not fill the demo account up: “{code[:80]}”.")
    return RequestRejected(VENUE_NAME, code=code, venue_text=code, user_text=text)


def account_refused(title: str, code: str) -> RequestRejected:
    """The venue's no to opening another account."""
    text = f"Quotex did not open {title}: “{code[:80]}”. The account that was open still is."
    return RequestRejected(VENUE_NAME, code=code, venue_text=code, user_text=text)


def line_lost() -> VenueUnavailable:
    """The answer that was waited for will not come."""
    text = "The connection to Quotex was lost before its answer; look at the account once it is back."
    return VenueUnavailable(VENUE_NAME, "the connection was lost before the answer", user_text=text)


def error_of(data: object) -> str:
    """The venue's word of an answer that is a no."""
    error = data.get("error") if isinstance(data, dict) else None
    return str(error) if error not in (None, "") else "no reason given"


def session_refused() -> AuthRejected:
    """The session does not count any more; Quotex gives no reason (``authorization/reject``)."""
    return AuthRejected(
        VENUE_NAME,
        "authorization/reject",
        code="session",
        user_text="Quotex does not take this sign-in any more.",
        repair="Sign in again.",
    )
