"""What can be made to go wrong at the practice cTrader; how it is ordered is told in ``emulators.faults``."""

from __future__ import annotations

from typing import Final

from terminal.emulators.faults import KINDS

_SHARED: Final = (
    "drop", "delay", "half_open", "cut", "refuse", "hang", "accept_lose_answer", "swallow_request", "error",
    "silence", "garbage", "truncate", "oversize", "slow_drip", "http_5xx_html", "http_429", "html_200",
)  # fmt: skip

CTRADER_KINDS: Final[dict[str, str]] = {
    **{kind: KINDS[kind] for kind in _SHARED},
    "split": "a frame arrives in pieces, byte borders anywhere: interval_s, bytes",
    "blocked": "a request is answered BLOCKED_PAYLOAD_TYPE: retry_after",
    "maintenance": "a request is answered that the server is under maintenance: for_s, carrier=2142|50",
    "unknown_payload": "a message of an unknown type comes before this one: payload_type",
    "unknown_fields": "a message has fields, inside and out, that nobody has published",
    "unknown_enum": "an enumeration has a value that nobody has published: field, value",
    "foreign_id": "an event carries the request id of another client: id",
    "empty_payload": "a message's payload is there and empty",
    "absent_payload": "a message has no payload",
    "bad_payload": "a message's payload cannot be read",
    "one_sided_first": "the first quote after subscribing has no ask",
    "short_history": "a page of bars is shorter than asked: share (0.5)",
    "bar_gaps": "bars are missing from a page",
    "bad_certificate": "a new connection gets a wrong certificate: what=self_signed|wrong_host|expired",
    "old_tls": "a new connection is offered nothing newer than TLS 1.1",
    "expire_token": "every access token is over its time",
    "account_disconnect": "account=... (or all) is logged out by the server",
    "client_disconnect": "every connection is told a reason and closed: reason",
    "revoke_token": "the user takes back every grant",
    "close_market": "symbol=... closes for today, or for seconds",
    "open_market": "symbol=... opens around the clock, or for seconds",
    "symbol_change": "symbol=... gets other terms: terms={name: value}",
    "reject_after_accept": "the next order of account=... is accepted and then rejected: error",
    "cancel_race": "the next order that account=... cancels is filled just before",
    "partial_fill": "symbol=... has at most so many cents at a price: orders are filled in parts; seconds",
    "stop_out": "prices move against the largest position of account=... until it is stopped out",
}
"""Every kind, and what it does. Those of HTTP concern the sign-in host."""

CTRADER_IMMEDIATE: Final = frozenset(
    {
        "cut", "half_open", "expire_token", "revoke_token", "account_disconnect", "client_disconnect",
        "close_market", "open_market", "symbol_change", "reject_after_accept", "cancel_race", "partial_fill",
        "stop_out",
    }
)  # fmt: skip
"""Kinds that act when ordered; the others wait for something to match."""
