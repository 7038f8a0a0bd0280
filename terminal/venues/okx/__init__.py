"""OKX: spot, perpetual swaps and dated futures. What it can do; the connector itself is in :mod:`.connector`
and loaded when it is first used."""

from __future__ import annotations

from typing import Final

from terminal.domain.market import FeedKind
from terminal.domain.orders import OrderType, TimeInForce, TriggerReference
from terminal.venues.base import BookKind, Capabilities, CredentialField, ProtectionKind, VenueInfo

VENUE: Final = VenueInfo(
    name="okx",
    title="OKX",
    capabilities=Capabilities(
        # Depths are not chosen from a list: 1, 5 or 400 levels, by what is asked for.
        book=BookKind.LEVELS,
        feeds=frozenset({FeedKind.QUOTES, FeedKind.BOOK, FeedKind.TRADES, FeedKind.BARS}),
        bar_intervals_s=(
            *(60, 180, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200),
            *(86_400, 172_800, 259_200, 604_800),
        ),
        order_types=frozenset(
            {
                OrderType.MARKET,
                OrderType.LIMIT,
                OrderType.STOP,
                OrderType.STOP_LIMIT,
                OrderType.TAKE_PROFIT,
                OrderType.TAKE_PROFIT_LIMIT,
                OrderType.TRAILING_STOP,
            }
        ),
        time_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
        # A stop order waits whatever it becomes.
        immediate_types=frozenset({OrderType.LIMIT}),
        post_only=True,
        reduce_only=True,
        trigger_on_index=True,
        quantity_in_quote=True,
        amend=True,
        amend_types=frozenset(
            {
                OrderType.LIMIT,
                OrderType.STOP,
                OrderType.STOP_LIMIT,
                OrderType.TAKE_PROFIT,
                OrderType.TAKE_PROFIT_LIMIT,
            }
        ),
        protected_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
        amend_protections=False,
        lookup_by_client_id=True,
        cancel_all=True,
        dead_mans_switch=True,
        batch_limit=20,
        positions=True,
        sets_leverage=True,
        margin_modes=True,
        position_margin=True,
        records=True,
        protections=frozenset(
            {ProtectionKind.STOP_LOSS, ProtectionKind.TAKE_PROFIT, ProtectionKind.TRAILING}
        ),
        trigger_references=frozenset({TriggerReference.INDEX}),
    ),
    credential_fields=(
        CredentialField("api_key", "API key", hint="Shown on the API page; five groups joined by hyphens."),
        CredentialField("api_secret", "Secret key", hint="Shown once when the key is made."),
        CredentialField("passphrase", "Passphrase", hint="The one that you chose for this key."),
    ),
    key_page_url="https://www.okx.com/account/my-api",
    key_guide=(
        "Make a key for this terminal alone. Tick Read and Trade, leave Withdraw off, and bind it to your IP "
        "address: an unbound key is deleted after 14 days without use. Choose a passphrase and note it: OKX "
        "cannot show it again. A key of demo trading works only with the demo setting, and the other way "
        "round."
    ),
    default_endpoints={
        "rest": "https://openapi.okx.com",
        "ws_public": "wss://ws.okx.com:8443/ws/v5/public",
        "ws_private": "wss://ws.okx.com:8443/ws/v5/private",
        "ws_business": "wss://ws.okx.com:8443/ws/v5/business",
    },
    public_without_key=True,
)
