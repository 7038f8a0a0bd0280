"""cTrader: forex and CFD accounts at many brokers, over the Open API. What it can do; the connector itself is
in :mod:`.connector` and loaded when it is first used."""

from __future__ import annotations

from typing import Final

from terminal.domain.market import FeedKind
from terminal.domain.orders import OrderType, TimeInForce, TriggerReference
from terminal.venues.base import (
    BookKind,
    Capabilities,
    CredentialField,
    ProtectionKind,
    SignInInfo,
    VenueInfo,
)

VENUE: Final = VenueInfo(
    name="ctrader",
    title="cTrader",
    capabilities=Capabilities(
        book=BookKind.LEVELS,
        # Brokers publish quotes, and no prints of trades.
        feeds=frozenset({FeedKind.QUOTES, FeedKind.BOOK, FeedKind.BARS}),
        bar_intervals_s=(
            *(60, 120, 180, 240, 300, 600, 900, 1800, 3600),
            *(14_400, 43_200, 86_400, 604_800, 2_592_000),
        ),
        # ProtoOATrendbar.volume: "bar volume in ticks".
        bars_count_ticks=True,
        order_types=frozenset(
            {
                OrderType.MARKET,
                OrderType.MARKET_RANGE,
                OrderType.LIMIT,
                OrderType.STOP,
                OrderType.STOP_LIMIT,
            }
        ),
        time_in_force=frozenset({TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK}),
        # A stop or stop limit order waits; what trades at the market knows no other life than its own.
        immediate_types=frozenset({OrderType.LIMIT}),
        amend=True,
        lookup_by_client_id=True,
        browser_login=True,
        positions=True,
        protections=frozenset(ProtectionKind),
        trigger_references=frozenset(
            {TriggerReference.OPPOSITE, TriggerReference.DOUBLE, TriggerReference.DOUBLE_OPPOSITE}
        ),
        comment_length=512,
        expected_margin=True,
        leverage_tiers=True,
        margin_calls=True,
        records=True,
        fill_offsets=True,
    ),
    default_endpoints={
        "demo": "demo.ctraderapi.com:5035",
        "live": "live.ctraderapi.com:5035",
        "authorize": "https://id.ctrader.com/my/settings/openapi/grantingaccess/",
        "token": "https://openapi.ctrader.com/apps/token",
        # Below 32768: no system hands out ports from there to outgoing connections, which would take it.
        "redirect": "http://localhost:23682/callback",
        "ca": "",
    },
    sign_in=SignInInfo(
        application_fields=(
            CredentialField(
                "client_id", "Application id", secret=False, hint="Shown on the application's page."
            ),
            CredentialField(
                "client_secret", "Application secret", hint="Shown beside the id; keep it to yourself."
            ),
        ),
        guide=(
            "Open the cTrader Open API page and sign in with your cTrader ID.\n"
            "Add an application of your own; any name will do.\n"
            "Add this redirect address to it, exactly as it is written below.\n"
            "Wait until its status is Active: a person at cTrader looks at it, which may take a few days.\n"
            "Copy its id and its secret into this form, and sign in."
        ),
        application_page_url="https://openapi.ctrader.com/apps",
    ),
)
