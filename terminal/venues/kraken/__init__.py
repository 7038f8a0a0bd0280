"""Kraken spot: what it can do. The connector itself is in :mod:`.connector` and loaded when it is first
used."""

from __future__ import annotations

from typing import Final

from terminal.domain.market import FeedKind
from terminal.domain.orders import OrderType, TimeInForce
from terminal.venues.base import BookKind, Capabilities, CredentialField, VenueInfo

VENUE: Final = VenueInfo(
    name="kraken",
    title="Kraken",
    capabilities=Capabilities(
        book=BookKind.LEVELS,
        book_depths=(10, 25, 100, 500, 1000),
        feeds=frozenset(FeedKind),
        bar_intervals_s=tuple(60 * minutes for minutes in (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)),
        bars_bring_past=True,
        order_types=frozenset(OrderType) - {OrderType.MARKET_RANGE, OrderType.CONTRACT},
        time_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD}),
        post_only=True,
        reduce_only=True,
        trigger_on_index=True,
        quantity_in_quote=True,
        amend=True,
        amend_keeps_priority_on_reduce=True,
        lookup_by_client_id=True,
        cancel_all=True,
        dead_mans_switch=True,
        batch_limit=15,
    ),
    credential_fields=(
        CredentialField("api_key", "API key", hint="The public half, 56 characters."),
        CredentialField("api_secret", "Private key", hint="Shown once when the key is made; ends in ==."),
        CredentialField(
            "otp", "Key password", optional=True, hint="Only if the key itself has a fixed second password."
        ),
        CredentialField(
            "otp_secret",
            "Authenticator secret",
            optional=True,
            hint="Only if the key itself asks for a six-digit code: the base32 text of the authenticator.",
        ),
    ),
    key_page_url="https://pro.kraken.com/app/settings/api",
    key_guide=(
        "Tick: Query funds; Query open orders and trades; Query closed orders and trades; Create and modify "
        "orders; Cancel and close orders; WebSocket interface. Leave Withdraw off."
    ),
    default_endpoints={
        "rest": "https://api.kraken.com",
        "ws_public": "wss://ws.kraken.com/v2",
        "ws_private": "wss://ws-auth.kraken.com/v2",
    },
    public_without_key=True,
)
