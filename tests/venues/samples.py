"""What of each venue the suite trades and watches: the one place where a venue is named.

Tests ask for capabilities. What a capability cannot say stands here: practice keys and what is expected of
them, sizes, words of refusals, and the terms of a venue's own bookkeeping.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from terminal.core.secret import Secret
from terminal.domain.market import Bar
from terminal.transport.reconnect import LinkPolicy
from terminal.venues.base import ConnectorSettings
from terminal.venues.ctrader.client import POLICY
from terminal.venues.ctrader.history import QuoteSide
from terminal.venues.kraken.nonce import MemoryNonceStore
from terminal.venues.okx.stream import POLICY as OKX_POLICY
from terminal.venues.quotex.stream import POLICY as QUOTEX_POLICY
from tests.practice import Practice, Told
from tests.practice_ctrader import CtraderPractice
from tests.practice_custom import CustomPractice
from tests.practice_okx import OkxPractice, inst_id
from tests.practice_quotex import QuotexPractice

_MINUTE_NS = 60 * 10**9
Rebuild = Callable[[Any, str, int, int], Awaitable[Sequence[Bar]]]
"""From the connector, the symbol, the end (ns) and how many minutes."""


@dataclass(frozen=True, slots=True)
class KeyCase:
    """A practice key or sign-in, and what the connector has to find out about it."""

    name: str
    missing: frozenset[str] = frozenset()
    """Permissions that it lacks."""
    warning: str = ""
    """Part of the first warning; empty: there is none."""
    withdraws: bool = False
    may_trade: bool = True
    """False where only the first order shows that it may not."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One venue of the suite."""

    practice: Callable[[], Practice]
    tools: Callable[[], dict[str, Any]]
    """Keyword arguments of the connector; made once for each emulator."""
    symbols: tuple[str, ...]
    """The first one is traded; as many as the venue has book depths, if it names any."""
    quantity: str
    """Of one order, base units; small against the practice account."""
    too_much: str
    """More than the practice account can pay for."""
    refusals: Mapping[str, str]
    """Part of what is said of an order over ``money``, of a wrong ``quantity`` and of a wrong ``price``."""
    ids_are_unique: bool
    """The venue refuses an id of ours while an order with it is open."""
    deepest: int
    """Levels a side that a book has at least, where so many are asked for."""
    stream_begins_anew: bool
    """The account's stream begins with everything that is open; otherwise a snapshot has it."""
    begins_with_bars: bool
    """A subscription to bars begins with those of the past."""
    slack_s: Callable[[int], int]
    """By how much bars of a length may differ from it: clocks that change, months."""
    rebuild: Rebuild
    """Bars of a minute made of the finest record of the past that the venue has."""
    permissions: frozenset[str]
    """All that a test of the credentials names."""
    keys: tuple[KeyCase, ...]
    wrong: Mapping[str, Callable[[Any], ConnectorSettings]]
    """Credentials that the venue refuses, from the practice venue."""
    unusable: tuple[tuple[ConnectorSettings, str], ...]
    """Settings that are refused before anything is sent, and a word of the refusal."""
    counters: Callable[[Told, str], dict[str, tuple[float, float]]]
    """From the venue's word and the symbol: its own figure of each budget, and how far off ours may be."""
    questions: tuple[int, float]
    """So many questions after orders in a row take so many seconds at least, whatever the machine."""
    orders_wait: bool
    """Orders beyond the budget wait for their turn; otherwise they are refused here."""
    open_orders: int
    """As many as may be open at once; where the venue names no limit, what is tried."""
    margin_symbol: str = ""
    """Where positions are kept, if not in the first of the symbols."""
    distances_from_fill: bool = True
    """A market order's stop and target distances count from its fill; otherwise from the price before it."""
    wait_s: float = 1.0
    """So long at least many orders at once wait, where they do."""
    switch_s: tuple[int, int] = (1, 4)
    """Times of the dead man's switch to wait for, and to disarm before."""
    opens_with_deposit: bool = True
    """The practice account's record of its money begins with what it was given."""
    buys_at_market: bool = True
    id_bytes: int = 16
    """Of an id of ours, so that the venue can tell all of it again."""
    """Otherwise what buys at once is a limit order beyond the market."""


# -- Kraken ----------------------------------------------------------------------------------------------


def _kraken_wrong(name: str) -> Callable[[Practice], ConnectorSettings]:
    def settings(practice: Practice) -> ConnectorSettings:
        own = practice.settings("otp" if name == "otp" else "practice")
        other = practice.settings("second").credentials
        credentials = dict(own.credentials)
        if name == "otp":
            credentials.pop("otp")
        else:
            credentials[f"api_{name}"] = other[f"api_{name}"]
        return replace(own, credentials=credentials)

    return settings


async def _bars_of_trades(connector: Any, symbol: str, end_ns: int, count: int) -> Sequence[Bar]:
    found: Sequence[Bar] = await connector._history._from_trades(
        connector._symbols.rest_pair(symbol), 60, end_ns, count, lambda part: None
    )
    return found


_TRADE = "Create and change orders"
_KRAKEN = Sample(
    practice=Practice,
    tools=lambda: {
        "nonces": MemoryNonceStore(),
        "policy": LinkPolicy(backoff_s=(0.0, 0.1, 0.5), first_jitter_s=0.02, close_timeout_s=0.3),
    },
    symbols=("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "DOGE/USD"),
    quantity="0.001",
    too_much="500",
    refusals={"money": "balance", "quantity": "smallest", "price": "price steps"},
    ids_are_unique=True,
    deepest=100,
    stream_begins_anew=True,
    begins_with_bars=True,
    slack_s=lambda interval_s: 0,
    rebuild=_bars_of_trades,
    permissions=frozenset(
        {
            "Query funds",
            "Query open orders and trades",
            "Query closed orders and trades",
            _TRADE,
            "Cancel orders",
            "Use the WebSocket",
        }
    ),
    keys=(
        KeyCase("practice"),
        KeyCase("read-only", frozenset({_TRADE, "Cancel orders"}), "can watch but not trade"),
        KeyCase("withdraw", warning="may withdraw funds", withdraws=True),
        KeyCase("otp"),
        KeyCase("no-websocket", frozenset({"Use the WebSocket"}), "cannot be followed live"),
        KeyCase("second"),
    ),
    wrong={name: _kraken_wrong(name) for name in ("key", "secret", "otp")},
    unusable=(
        (ConnectorSettings({"rest": "http://example.com", "ws_public": "ws://example.com"}), "example.com"),
        (ConnectorSettings({}, {}, {"public_calls_per_s": "none"}), ""),
    ),
    # The stream tells whole points of the order counters, so one may be between.
    counters=lambda told, symbol: {
        "REST calls": (told.rest_counters["practice"], 0.5),
        f"{symbol} orders": (told.order_counters.get(symbol, 0.0), 1.1),
    },
    questions=(7, 1.0),
    orders_wait=False,
    open_orders=45,
)


# -- cTrader ---------------------------------------------------------------------------------------------


def _ctrader_wrong(name: str) -> Callable[[CtraderPractice], ConnectorSettings]:
    def settings(practice: CtraderPractice) -> ConnectorSettings:
        own = practice.settings()
        credentials = dict(own.credentials)
        if name == "revoked":
            practice.revoke()
        else:
            credentials[name] = Secret("0" + credentials[name].reveal())
        return replace(own, credentials=credentials)

    return settings


async def _bars_of_ticks(connector: Any, symbol: str, end_ns: int, count: int) -> Sequence[Bar]:
    """Bars are of bids, and their volume is the number of changes."""
    begin_ns = end_ns - count * _MINUTE_NS
    ticks = await connector.ticks(symbol, QuoteSide.BID, from_ns=begin_ns, until_ns=end_ns - 1)
    out = []
    for open_ns in range(begin_ns, end_ns, _MINUTE_NS):
        prices = [tick.price for tick in ticks if open_ns <= tick.ts_event_ns < open_ns + _MINUTE_NS]
        assert prices, "a minute without a change"
        out.append((open_ns, prices))
    return [
        Bar(open_ns, prices[0], max(prices), min(prices), prices[-1], Decimal(len(prices)))
        for open_ns, prices in out
    ]


# A day begins at 17:00 in New York, and the longer hours with it: one of 25 hours has a bar of one hour.
_NEW_YORK_SLACK_S = {
    14_400: 10_800,
    43_200: 39_600,
    86_400: 3_600,
    604_800: 3_600,
    2_592_000: 3 * 86_400,
}
_SEE, _CLOSE = "See the account", "Close positions"
_CTRADER = Sample(
    practice=CtraderPractice,
    tools=lambda: {
        "policy": replace(POLICY, backoff_s=(0.0, 0.1, 0.5), first_jitter_s=0.02, close_timeout_s=0.3)
    },
    symbols=("EUR/USD", "GBP/USD", "USD/JPY"),
    quantity="1000",
    too_much="9000000",
    refusals={"money": "margin", "quantity": "volume", "price": "decimals"},
    ids_are_unique=False,
    deepest=10,
    stream_begins_anew=False,
    begins_with_bars=False,
    slack_s=lambda interval_s: _NEW_YORK_SLACK_S.get(interval_s, 0),
    rebuild=_bars_of_ticks,
    permissions=frozenset({_SEE, _TRADE, _CLOSE}),
    keys=(
        KeyCase("practice"),
        KeyCase("second"),
        KeyCase("view-only", frozenset({_TRADE, _CLOSE}), "allowed watching only"),
        KeyCase("close-only", frozenset({_TRADE}), "close positions only"),
        KeyCase("no-trading", frozenset({_TRADE, _CLOSE}), "be watched only"),
    ),
    wrong={name: _ctrader_wrong(name) for name in ("client_id", "client_secret", "revoked")},
    unusable=(
        (ConnectorSettings({"demo": "https://example.com", "live": "example.com"}), "example.com"),
        (ConnectorSettings({}, proxy="socks5://127.0.0.1:1080"), "proxy"),
    ),
    # Our second is a little longer than the venue's, and what is on its way counts here only.
    counters=lambda told, symbol: {
        name: (told.rest_counters[name], 2.0) for name in ("Requests", "History requests")
    },
    # One list of the past at least each, four of which leave in any 1.05 s.
    questions=(5, 1.0),
    orders_wait=True,
    open_orders=60,
)


# -- OKX -------------------------------------------------------------------------------------------------


def _okx_wrong(name: str) -> Callable[[OkxPractice], ConnectorSettings]:
    def settings(practice: OkxPractice) -> ConnectorSettings:
        own = practice.settings("production" if name == "environment" else "practice", demo="true")
        if name == "environment":
            return own
        return replace(
            own, credentials={**own.credentials, name: practice.settings("second").credentials[name]}
        )

    return settings


async def _bars_of_prints(connector: Any, symbol: str, end_ns: int, count: int) -> Sequence[Bar]:
    """OKX tells single trades of three months; the connector has no need of them."""
    begin_ms, after_ms = end_ns // 10**6 - count * 60_000, end_ns // 10**6
    rows: dict[str, dict[str, str]] = {}
    while after_ms > begin_ms:
        query = {"instId": inst_id(symbol), "type": "2", "after": str(after_ms), "limit": "100"}
        part = await connector.rest._get("/api/v5/market/history-trades", query, dict[str, str])
        assert part, "the venue has more"
        rows |= {row["tradeId"]: row for row in part}
        after_ms = min(int(row["ts"]) for row in part) + (len({row["ts"] for row in part}) > 1)
    minutes: dict[int, list[dict[str, str]]] = {}
    for row in sorted(rows.values(), key=lambda row: int(row["tradeId"])):
        if int(row["ts"]) >= begin_ms:
            minutes.setdefault(int(row["ts"]) // 60_000 * _MINUTE_NS, []).append(row)
    out = []
    for open_ns, prints in sorted(minutes.items()):
        prices = [Decimal(row["px"]) for row in prints]
        volume = sum((Decimal(row["sz"]) for row in prints), Decimal(0))
        out.append(Bar(open_ns, prices[0], max(prices), min(prices), prices[-1], volume))
    return out


_READ = "Read the account"
_OKX = Sample(
    practice=OkxPractice,
    tools=lambda: {
        "policy": replace(OKX_POLICY, backoff_s=(0.0, 0.1, 0.5), first_jitter_s=0.02, close_timeout_s=0.3)
    },
    symbols=("BTC/USDT", "ETH/USDT", "SOL/USDT"),
    quantity="0.001",
    too_much="5",
    refusals={"money": "balance", "quantity": "minimum", "price": "decimals"},
    ids_are_unique=True,
    deepest=100,
    stream_begins_anew=False,
    begins_with_bars=False,
    slack_s=lambda interval_s: 0,
    rebuild=_bars_of_prints,
    permissions=frozenset({_READ, _TRADE}),
    keys=(
        KeyCase("practice"),
        KeyCase("read-only", frozenset({_TRADE}), "can watch but not trade"),
        KeyCase("withdraw", warning="may withdraw funds", withdraws=True),
        KeyCase("second"),
        KeyCase("spot-mode"),
    ),
    wrong={name: _okx_wrong(name) for name in ("api_key", "api_secret", "passphrase", "environment")},
    unusable=(
        (ConnectorSettings({"rest": "http://example.com", "ws_public": "ws://example.com"}), "example.com"),
        (ConnectorSettings({}, {}, {"demo": "perhaps"}), "perhaps"),
        (ConnectorSettings({}, {}, {"region": "mars"}), "mars"),
    ),
    # Those that a snapshot uses and that drain slowly enough to be seen: ten and 2.5 points a second.
    counters=lambda told, symbol: {
        "Open stop orders": (told.rest_counters.get("trade/orders-algo-pending", 0.0), 1.1),
        "Fees": (told.rest_counters.get("account/trade-fee", 0.0), 0.5),
    },
    # Each looks through the four lists of waiting stop orders, which may be asked for twenty times in 2 s.
    questions=(8, 1.0),
    orders_wait=True,
    open_orders=60,
    margin_symbol="BTC/USDT-PERP",
    opens_with_deposit=False,
    distances_from_fill=False,
    # Sixty go at once, and what would wait for over a second is refused.
    wait_s=0.8,
    switch_s=(10, 40),
)


# -- a plugin of the custom protocol ---------------------------------------------------------------------


def _custom_wrong(name: str) -> Callable[[CustomPractice], ConnectorSettings]:
    def settings(practice: CustomPractice) -> ConnectorSettings:
        own = practice.settings()
        return replace(
            own, credentials={**own.credentials, name: practice.settings("second").credentials[name]}
        )

    return settings


async def _no_finer_bars(connector: Any, symbol: str, end_ns: int, count: int) -> Sequence[Bar]:
    raise NotImplementedError("a plugin's bars reach no further back than one answer")


_UNTOLD = "the first order only"
_CUSTOM = Sample(
    practice=CustomPractice,
    tools=dict,
    symbols=("BTC/USDT", "ETH/USDT", "SOL/USDT", "LTC/USDT"),
    quantity="0.001",
    too_much="500",
    refusals={"money": "balance", "quantity": "step", "price": "tick"},
    ids_are_unique=False,
    deepest=50,
    stream_begins_anew=False,
    begins_with_bars=False,
    slack_s=lambda interval_s: 0,
    rebuild=_no_finer_bars,
    permissions=frozenset({"Query funds", "Query open orders", "Query ended orders"}),
    keys=(
        KeyCase("practice", warning=_UNTOLD),
        KeyCase("second", warning=_UNTOLD),
        KeyCase("view", warning=_UNTOLD, may_trade=False),
    ),
    wrong={name: _custom_wrong(name) for name in ("access_key", "secret_key")},
    unusable=(
        (ConnectorSettings({"service": "http://example.com/OKX"}), "example.com"),
        (ConnectorSettings({}, {}, {"symbols": "BTCUSDT"}), "BTCUSDT"),
        (ConnectorSettings({}, {}, {"quotes_s": "never"}), "never"),
    ),
    counters=lambda told, symbol: {},
    questions=(1, 0.0),
    orders_wait=True,
    open_orders=20,
    buys_at_market=False,
)


# -- Quotex ----------------------------------------------------------------------------------------------


def _quotex_wrong(name: str) -> Callable[[QuotexPractice], ConnectorSettings]:
    def settings(practice: QuotexPractice) -> ConnectorSettings:
        own = practice.settings()
        other = practice.settings("second").credentials
        return replace(own, credentials={**own.credentials, name: other[name]})

    return settings


async def _bars_of_single_prices(connector: Any, symbol: str, end_ns: int, count: int) -> Sequence[Bar]:
    begin_ns = end_ns - count * _MINUTE_NS
    ticks = await connector.ticks(symbol, from_ns=begin_ns, until_ns=end_ns - 1)
    out = []
    for open_ns in range(begin_ns, end_ns, _MINUTE_NS):
        prices = [price for at_ns, price in ticks if open_ns <= at_ns < open_ns + _MINUTE_NS]
        assert prices, "a minute without a price"
        out.append(Bar(open_ns, prices[0], max(prices), min(prices), prices[-1], Decimal(len(prices))))
    return out


_QUOTEX = Sample(
    practice=QuotexPractice,
    tools=lambda: {"policy": replace(QUOTEX_POLICY, backoff_s=(0.0, 0.1, 0.5), first_jitter_s=0.02)},
    symbols=("EUR/USD OTC", "GBP/USD OTC"),
    quantity="5",
    too_much="2000",
    refusals={"money": "balance", "quantity": "minimum", "price": "expiry"},
    ids_are_unique=False,
    deepest=0,
    stream_begins_anew=False,
    begins_with_bars=True,
    slack_s=lambda interval_s: 0,
    rebuild=_bars_of_single_prices,
    permissions=frozenset({_READ, _TRADE}),
    keys=(
        KeyCase("practice", warning="all that you can do"),
        KeyCase("second", warning="all that you can do"),
    ),
    wrong={name: _quotex_wrong(name) for name in ("token", "cookies")},
    unusable=(
        (ConnectorSettings({"https": "http://example.com"}), "example.com"),
        (ConnectorSettings({"wss": "ws://example.com"}), "example.com"),
    ),
    counters=lambda told, symbol: {},
    questions=(1, 0.0),
    orders_wait=True,
    open_orders=5,
    opens_with_deposit=False,
    id_bytes=5,
)

SAMPLES: dict[str, Sample] = {
    "kraken": _KRAKEN,
    "okx": _OKX,
    "ctrader": _CTRADER,
    "quotex": _QUOTEX,
    "custom": _CUSTOM,
}
