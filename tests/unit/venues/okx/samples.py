"""Instruments as OKX describes them (OKX v5, ``public/instruments``, 2026-07)."""

from __future__ import annotations

from typing import Any

_COMMON = {
    "expTime": "",
    "state": "live",
    "lever": "10",
    "groupId": "1",
    "maxLmtSz": "9999999999",
    "tradeQuoteCcyList": [],
}
SPOT: dict[str, Any] = {
    **_COMMON,
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "instIdCode": 1000000000,
    "tickSz": "0.1",
    "lotSz": "0.00000001",
    "minSz": "0.00001",
    "tradeQuoteCcyList": ["USDT"],
}
LINEAR: dict[str, Any] = {
    **_COMMON,
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "instIdCode": 10459,
    "tickSz": "0.1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "ctType": "linear",
    "settleCcy": "USDT",
}
INVERSE: dict[str, Any] = {
    **LINEAR,
    "instId": "BTC-USD-SWAP",
    "instIdCode": 10460,
    "lotSz": "1",
    "minSz": "1",
    "ctVal": "100",
    "ctValCcy": "USD",
    "ctType": "inverse",
    "settleCcy": "BTC",
}
FUTURE: dict[str, Any] = {**LINEAR, "instType": "FUTURES", "instId": "BTC-USDT-250808", "instIdCode": 10461}
OPTION: dict[str, Any] = {**INVERSE, "instType": "OPTION", "instId": "BTC-USD-250328-80000-C"}
BY_TYPE: dict[str, list[dict[str, Any]]] = {"SPOT": [SPOT], "SWAP": [LINEAR, INVERSE], "FUTURES": [FUTURE]}

OLD_INVERSE_FUTURE: dict[str, Any] = {**INVERSE, "instType": "FUTURES", "instId": "BTC-USD-220527"}
OLD_UNI: dict[str, Any] = {
    **INVERSE,
    "instId": "UNI-USD-SWAP",
    "ctVal": "10",
    "tickSz": "0.001",
    "settleCcy": "UNI",
}
