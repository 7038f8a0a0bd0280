"""Quotex: fixed-payout contracts, over the private interface of its web terminal, which it may change without
notice. What it can do; the connector itself is in :mod:`.connector` and loaded when it is first used."""

from __future__ import annotations

from typing import Final

from terminal.domain.market import FeedKind
from terminal.domain.orders import OrderType, TimeInForce
from terminal.venues.base import BookKind, Capabilities, CredentialField, VenueInfo

PERIODS_S: Final = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 86_400)
"""Lengths of candles and of contracts, in seconds (web terminal, ``history/load`` and ``orders/open``)."""

VENUE: Final = VenueInfo(
    name="quotex",
    title="Quotex",
    capabilities=Capabilities(
        book=BookKind.NONE,
        feeds=frozenset({FeedKind.QUOTES, FeedKind.BARS}),
        bar_intervals_s=PERIODS_S,
        bars_bring_past=True,
        bars_count_ticks=True,
        order_types=frozenset({OrderType.CONTRACT}),
        time_in_force=frozenset({TimeInForce.GTC}),
        immediate_types=frozenset(),
        contracts=True,
        # A deal repeats the number that we gave its request (``requestId``), which is made from our id.
        lookup_by_client_id=True,
        positions=True,
        records=True,
        one_account_at_a_time=True,
    ),
    credential_fields=(
        CredentialField(
            "email", "E-mail", secret=False, optional=True, hint="Of your Quotex account; only its name here."
        ),
        CredentialField(
            "token",
            "Session token",
            hint="From the page of the web terminal: the token in window.settings.",
        ),
        CredentialField(
            "cookies", "Cookie header", hint="Of the same page: name=value; name=value", spaces=True
        ),
        CredentialField(
            "user_agent",
            "User agent",
            secret=False,
            hint="Of the browser that signed in; it must be the same one.",
            spaces=True,
        ),
    ),
    session_page=True,
    password_fields=(
        CredentialField("email", "E-mail", secret=False, hint="Of your Quotex account"),
        CredentialField("password", "Password", hint="Used once to sign in, and not kept", spaces=True),
    ),
    key_page_url="https://qxbroker.com",
    key_guide=(
        "Quotex publishes no interface for programs; this one is its web terminal's and may stop working "
        "at any time. Automated access may be against its terms.\n"
        "Sign in with e-mail and password, in the browser window, or paste a session from your own browser.\n"
        "The demo account comes first; the real one only after you choose it yourself."
    ),
    default_endpoints={
        "https": "https://qxbroker.com",
        "wss": "wss://ws2.qxbroker.com/socket.io/?EIO=3&transport=websocket",
        "ca": "",
    },
    unofficial=True,
)
