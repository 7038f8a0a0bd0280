"""The faults that a person can rehearse at each practice venue: the venue does them for real, on the wire.

What each of them is called and what else a venue knows is told in :mod:`terminal.emulators.faults` and in the
``kinds`` of each venue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Fault(NamedTuple):
    """An entry of the menu, and what the control API is asked for."""

    text: str
    kind: str
    options: Mapping[str, object] = {}


CUT: Final = Fault("Cut the connection", "cut")
_CONNECTION: Final = (
    CUT,
    Fault("Silence for 15 s", "silence", {"seconds": 15}),
    Fault("Half-open link for 20 s", "half_open", {"seconds": 20}),
)
_ORDERS: Final = (
    Fault("Take the next order and lose the answer", "accept_lose_answer", {"count": 1}),
    Fault("Lose the next order on the way", "swallow_request", {"count": 1}),
)
_WEB: Final = (
    Fault("Answer with an error page", "http_5xx_html", {"count": 2}),
    Fault("Ask for a pause (429)", "http_429", {"count": 1}),
)
_LOST_UPDATE: Final = Fault("Lose an update of the book", "book_gap", {"count": 1})
_REPEATED: Final = Fault("Repeat account events", "duplicate_private", {"count": 3})

REHEARSALS: Final[Mapping[str, tuple[Fault, ...]]] = {
    "kraken": (
        *_CONNECTION,
        _LOST_UPDATE,
        Fault("Send a wrong checksum", "wrong_checksum", {"count": 1}),
        *_ORDERS,
        _REPEATED,
        Fault("Expire the session", "expire_token"),
        *_WEB,
    ),
    "okx": (
        *_CONNECTION,
        _LOST_UPDATE,
        *_ORDERS,
        _REPEATED,
        Fault("Expire the login", "expire_login"),
        Fault("Announce an upgrade in 10 s", "notice", {"close_s": 10}),
        *_WEB,
    ),
    "ctrader": (
        *_CONNECTION,
        *_ORDERS,
        Fault("Answer that it is under maintenance", "maintenance", {"count": 1}),
        Fault("Expire the sign-in", "expire_token"),
        Fault("Log every account out", "account_disconnect"),
    ),
    "quotex": (
        *_CONNECTION,
        *_ORDERS,
        Fault("Lose an attachment", "lone_placeholder", {"count": 1}),
        Fault("Stop the clock of the prices for 30 s", "stale_clock", {"seconds": 30}),
        Fault("Expire the session", "expire_session"),
        Fault("Answer with a challenge page", "challenge", {"count": 1}),
        *_WEB,
    ),
}
