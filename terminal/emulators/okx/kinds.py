"""The faults that the practice OKX knows (see :mod:`terminal.emulators.faults` for how they are ordered).

Subjects: ``rest/trade/order`` (what places, changes or cancels), ``rest/read/account/balance``,
``rest/public/market/books``; ``ws/trade/order``, ``ws/read/subscribe``, ``ws/read/login``; answers are
``ws/ack/<op>``; data are ``ws/data/<channel>/<instId>``, ``ws/data/orders``; ``ws/pong``; ``connect/rest``,
``connect/ws/ws/v5/public``.
"""

from __future__ import annotations

from typing import Final

from terminal.emulators.faults import KINDS

_SHARED: Final = (
    "drop", "delay", "half_open", "cut", "refuse", "hang", "book_gap", "http_429", "http_5xx_html",
    "html_200", "ws_429", "redirect", "accept_lose_answer", "swallow_request", "duplicate_private",
    "reorder_private",
    "clock_jump", "silence", "garbage", "truncate", "oversize", "slow_drip", "nan_prices", "crossed_book",
    "price_spike",
)  # fmt: skip

OKX_KINDS: Final[dict[str, str]] = {
    **{name: KINDS[name] for name in _SHARED},
    "wrong_checksum": "a book update carries a checksum other than 0: wrong, or with right=true its own",
    "sequence_reset": "a book update starts the sequence anew at a smaller number, its chain unbroken",
    "rate_limit": "REST answers 50011: status (429, or 200)",
    "error": "a request is answered with an error: code, msg, row=true for an sCode row, acts",
    "batch_partial": "one order of a batch fails: index (0), code (50026), msg",
    "private_gap": "a message of a private channel is left out",
    "expire_login": "logins are void: private connections are closed with code (4007)",
    "notice": "connections get notice 64008 and are closed after close_s (60) seconds",
    "status": "system=maintenance: 50001 and a status push; inst_id=...: that instrument is suspended",
    "delist": "inst_id=... is no longer known",
    "tick_change": "inst_id=... is told with another tick size: tick_size",
    "post_only_quiet": "a post-only order that would take is told canceled alone, without live before it",
    "inst_id_orders": "WebSocket orders may name instId instead of instIdCode",
    "delivery": "inst_id=...: that dated future has come to its end and is delivered",
    "liquidate": "every position is taken away as by a forced liquidation",
    "funding": "the funding of the running period is settled now",
}
"""Every kind, and what it does."""

OKX_IMMEDIATE: Final = frozenset({
    "cut", "half_open", "clock_jump", "expire_login", "notice", "status", "delist", "tick_change",
    "post_only_quiet", "inst_id_orders", "liquidate", "funding",
    "delivery",
})  # fmt: skip
"""Kinds that act when ordered; the others wait for something to match."""
