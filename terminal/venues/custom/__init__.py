"""Any venue behind a plugin of the FMZ custom protocol: what the protocol itself guarantees. The connector
is in :mod:`.connector` and loaded when it is first used."""

from __future__ import annotations

from typing import Final

from terminal.domain.market import FeedKind
from terminal.domain.orders import OrderType, TimeInForce
from terminal.venues.base import BookKind, Capabilities, CredentialField, VenueInfo

PERIODS_MIN: Final = (1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440, 4320, 10080)
"""Candle periods in use, in minutes (custom protocol, ``records``)."""

VENUE: Final = VenueInfo(
    name="custom",
    title="Custom",
    capabilities=Capabilities(
        book=BookKind.LEVELS,
        feeds=frozenset(FeedKind),
        bar_intervals_s=tuple(60 * minutes for minutes in PERIODS_MIN),
        order_types=frozenset({OrderType.LIMIT, OrderType.MARKET}),
        time_in_force=frozenset({TimeInForce.GTC}),
        immediate_types=frozenset(),
        book_updates=False,
        bars_reach_back=False,
        client_ids=False,
        fill_records=False,
        account_stream=False,
        key_rights=False,
        polled=True,
    ),
    added_as="a plugin",
    option_fields=(
        CredentialField(
            "custom.title",
            "Name",
            secret=False,
            hint="As it is to stand on screen, e.g. My OKX",
        ),
        CredentialField(
            "endpoint.service", "Service address", secret=False, hint="e.g. http://127.0.0.1:6666/OKX"
        ),
        CredentialField(
            "custom.symbols",
            "Symbols",
            secret=False,
            optional=True,
            hint="e.g. BTC_USDT, ETH_USDT; needed where the plugin lists none",
        ),
        CredentialField(
            "custom.market_buy_in_base",
            "Market buys: the size is in base units",
            secret=False,
            optional=True,
            is_flag=True,
            hint="The protocol does not say whether a market buy's size is what to get or what to spend. "
            "Without a tick market buys are refused.",
        ),
        CredentialField(
            "custom.plain_http",
            "Reach another machine without encryption (http)",
            secret=False,
            optional=True,
            is_flag=True,
            hint="Whoever is between this machine and the plugin can then read both keys and change orders. "
            "Not needed for a plugin on this machine.",
        ),
    ),
    credential_fields=(
        CredentialField(
            "access_key", "Access key", hint="As the plugin wants it; often the venue's API key."
        ),
        CredentialField(
            "secret_key",
            "Secret key",
            hint="As the plugin wants it; some take several parts with commas between, e.g. "
            "secret,passphrase,simulate.",
        ),
    ),
    key_page_url="https://www.fmz.com/user-guide",
    key_guide=(
        "The plugin is a program of yours that speaks the FMZ custom protocol, usually on this machine.\n"
        "Give its service address, such as http://127.0.0.1:6666/OKX: the name at the end says which venue "
        "it is to use, in exactly these letters.\n"
        "Make a key at that venue that may read and trade. Leave withdrawals off: the key travels to the "
        "plugin with every call."
    ),
    default_endpoints={"service": "http://127.0.0.1:6666"},
)
