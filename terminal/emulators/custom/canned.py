"""The published sample values of the FMZ custom protocol guide, for conformance runs.

The numbers are the guide's own, so that a client may compare whole answers byte for byte.
"""

from __future__ import annotations

import copy
from typing import Any, Final

_ORDER: Final[dict[str, Any]] = {
    "id": "ETH-USDT,123456", "symbol": "ETH_USDT", "amount": 0.25, "price": 1005, "deal_amount": 0,
    "avg_price": "1000", "type": "buy", "status": "pending",
}  # fmt: skip

_TICKER: Final[dict[str, Any]] = {
    "symbol": "ETH_USDT", "buy": "2922.18", "sell": "2922.19", "high": "2955", "low": "2775.15",
    "open": "2787.72", "last": "2922.18", "vol": "249400.888156", "time": "1731028903911",
}  # fmt: skip

_BALANCES: Final = [
    {"currency": "TUSD", "free": "3000", "frozen": "0"},
    {"currency": "BTC", "free": "0.2482982056277609", "frozen": "0"},
]

_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "ticker": {"data": _TICKER, "raw": {}},
    "depth": {
        "data": {
            "time": 1500793319499,
            "asks": [[1000, 0.5], [1001, 0.23], [1004, 2.1]],
            "bids": [[999, 0.25], [998, 0.8], [995, 1.4]],
        }
    },
    "trades": {
        "data": [
            {"id": 12232153, "time": 1529919412968, "price": 1000, "amount": 0.5, "type": "buy"},
            {"id": 12545664, "time": 1529919412900, "price": 1001, "amount": 1, "type": "sell"},
        ]
    },
    "records": {"data": [[1500793319, 1.1, 2.2, 3.3, 4.4, 5.5], [1500793259, 1.01, 2.02, 3.03, 4.04, 5.05]]},
    "accounts": {"data": _BALANCES},
    "assets": {"data": _BALANCES},
    "trade": {"data": {"id": "BTC-USDT,123456"}},
    "orders": {"data": [_ORDER]},
    "order": {"data": _ORDER},
    "historyorders": {"data": [{**_ORDER, "status": "filled"}]},
    "cancel": {"data": True},
    "tickers": {"data": [_TICKER]},
    "markets": {"data": {}},
}


def canned_answer(method: str) -> dict[str, Any]:
    """The sample answer of a method, whatever was asked."""
    return copy.deepcopy(_ANSWERS[method])
