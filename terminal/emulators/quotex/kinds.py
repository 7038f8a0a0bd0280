"""What can be made to go wrong at the practice Quotex; how it is ordered is told in ``emulators.faults``.

Subjects: ``rest/sign_in/page``, ``rest/sign_in/post``, ``rest/sign_in/pin``, ``rest/trade_page``,
``rest/api/digest``, ``rest/api/history``, ``rest/api/time_offset``, ``rest/logout``;
``connect/ws/socket.io/``; ``ws/trade/orders/open`` (``orders/cancel``, ``pending/create``,
``pending/cancel``) and ``ws/read/...`` for what a client sends; ``ws/ack/s_orders/open`` for what answers
it; ``ws/data/quotes/stream/EURUSD_otc``, ``ws/data/s_orders/close``, ``ws/data/balance``,
``ws/data/instruments/list`` for the rest.
"""

from __future__ import annotations

from typing import Final

from terminal.emulators.faults import KINDS

_SHARED: Final = (
    "drop", "delay", "half_open", "cut", "refuse", "hang", "http_429", "http_5xx_html", "html_200", "ws_429",
    "redirect", "silence", "garbage", "truncate", "oversize", "slow_drip", "accept_lose_answer",
    "swallow_request", "error", "duplicate_private", "clock_jump", "price_spike",
)  # fmt: skip

QUOTEX_KINDS: Final[dict[str, str]] = {
    **{kind: KINDS[kind] for kind in _SHARED},
    "challenge": "the bot filter answers with its page: status=403|429|503",
    "not_available": "signing in is answered with the page that the service is not offered in the region",
    "pin": "the next sign-in with the right password asks for the PIN",
    "odd_token": "the next sign-in's session token holds a semicolon and a quotation mark",
    "old_tls": "new connections are offered nothing newer than TLS 1.2, for seconds or until cleared",
    "reject_session": "the next authorization is rejected, though the token is good",
    "expire_session": "every token (or email=...'s) is void: open sockets are told so and closed",
    "connect_error": "a new socket is told an error (44) in place of the namespace",
    "namespace_disconnect": "every socket is told 41 and gets nothing more",
    "server_ping": "every socket is sent a ping (2)",
    "interleave": "another event's text frame comes between placeholder and attachment",
    "pair": "two placeholders come before their two attachments",
    "lone_attachment": "an attachment comes without its placeholder",
    "lone_placeholder": "a placeholder comes without its attachment",
    "truncated_binary": "an attachment is cut in half",
    "base64": "an attachment comes as base64 text",
    "inline": "an event has its data inline",
    "one_row": "the table of assets has one row",
    "bad_rows": "rows of the table of assets have wrong lengths, one is none",
    "bad_quotes": "quotes have wrong lengths, one is no number",
    "unknown_asset": "an event, or the first of its rows, is of asset=... (NOSUCH_otc), which is not listed",
    "old_signals": "signals come in their older form",
    "integer_ids": "new deals have whole numbers for ids, for seconds or until cleared",
    "part_loss": "the next deal costs only so many per cent of its stake when lost: percent (50)",
    "close_asset": "asset=... closes, its price stays; for seconds or until cleared",
    "open_asset": "asset=... is open, for seconds or until cleared",
    "payout": "asset=... pays percent=..., for seconds or until cleared",
    "stale_clock": "the times of quotes stand still, for seconds or until cleared",
}
"""Every kind, and what it does. Those of HTTP concern the web pages and the REST calls. Without ``match``,
``error``, ``swallow_request`` and ``accept_lose_answer`` mean orders and pending deals."""

QUOTEX_IMMEDIATE: Final = frozenset(
    {
        "cut", "half_open", "clock_jump", "old_tls", "expire_session", "namespace_disconnect", "server_ping",
        "integer_ids", "close_asset", "open_asset", "payout", "stale_clock",
    }
)  # fmt: skip
"""Kinds that act when ordered; the others wait for something to match."""
