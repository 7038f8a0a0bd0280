"""Quotex's refusals in plain words, with what to do."""

from __future__ import annotations

from typing import Final

from terminal.domain.errors import AuthRejected, RequestRejected

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
