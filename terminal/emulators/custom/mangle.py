"""Faults of a plugin: what may go wrong on the way, and answers that are well-formed but odd.

What comes by is named ``custom/public/ticker``, ``custom/read/orders``, ``custom/trade/trade``,
``custom/trade/cancel``; a raw call by the last word of its path, ``custom/read/raw:orders-pending``; a
connection as such ``connect/custom``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from terminal.emulators.faults import Fault, Faults

CUSTOM_KINDS: Final[dict[str, str]] = {
    "delay": "answers come later: delay_s, jitter_s; the plugin serves nobody else meanwhile unless better",
    "disconnect": "the connection is closed without a response; acts=true: after the call was carried out",
    "accept_lose_answer": "a call is carried out and never answered; close=true resets the connection",
    "swallow_request": "a call is neither carried out nor answered",
    "cut": "open connections are reset at once",
    "refuse": "new connections are reset as soon as a request has come",
    "hang": "new connections are accepted and never answered",
    "error": "a call is answered with an error: error, or code and msg as the venue's JSON text; acts",
    "html_200": "200 with an HTML page; acts",
    "http_5xx_html": "a 5xx with an HTML page: status (502), acts",
    "http_429": "the plugin answers 429; retry_after",
    "truncate": "half a body, then the end of the connection",
    "oversize": "a body of so many bytes (16 MiB)",
    "slow_drip": "bytes come one at a time: interval_s, bytes",
    "garbage": "random bytes as a body, or text=...",
    "newest_first": "the rows of a list the other way round",
    "ms_records": "records in milliseconds",
    "state_key": "orders carry their status as state",
    "unknown_status": "orders carry a status nobody knows: value (frozen)",
    "numbers": "figures all of one kind: as=text|number",
    "lower_case": "symbols in lower case",
    "venue_symbol": "symbols as the venue writes them: ETH-USDT",
    "wrong_type": "a field (or a place of each row) has another type: field, value; no field: the whole data",
    "missing_field": "a field is left out: field",
    "duplicate_trades": "every public trade twice",
}
"""Every kind of the practice plugin, and what it does."""

CUSTOM_IMMEDIATE: Final = frozenset({"cut"})

_FIGURES: Final = frozenset(
    {
        "buy", "sell", "high", "low", "open", "last", "vol", "time", "price", "amount", "free", "frozen",
        "deal_amount", "avg_price", "avg", "profit", "margin", "leverage", "rate",
    }
)  # fmt: skip


def mangled(data: Any, method: str, faults: Faults, subject: str) -> Any:
    """The data of an answer after every armed fault of its shape has struck."""
    if not faults.active:
        return data
    for kind, change in _CHANGES.items():
        if not _applies(kind, method, data):
            continue
        fault = faults.take(kind, subject)
        if fault is not None:
            data = change(data, fault)
    return data


def _applies(kind: str, method: str, data: Any) -> bool:
    """A fault waits for a call that it can change."""
    if kind == "newest_first":
        return isinstance(data, list)
    if kind == "ms_records":
        return method == "records"
    if kind == "duplicate_trades":
        return method == "trades"
    if kind in ("state_key", "unknown_status"):
        return method in ("orders", "order", "historyorders")
    return True


def _each(data: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Every object in it, changed; maps of objects too."""
    if isinstance(data, list):
        return [_each(one, change) for one in data]
    if isinstance(data, dict):
        return change({key: _each(one, change) for key, one in data.items()})
    return data


def _newest_first(data: Any, fault: Fault) -> Any:
    return data[::-1]


def _ms_records(data: Any, fault: Fault) -> Any:
    return [[row[0] * 1000, *row[1:]] for row in data]


def _state_key(data: Any, fault: Fault) -> Any:
    return _each(data, lambda row: {"state" if key == "status" else key: one for key, one in row.items()})


def _unknown_status(data: Any, fault: Fault) -> Any:
    value = fault.text("value", "frozen")
    return _each(data, lambda row: {**row, "status": value} if "status" in row else row)


def _numbers(data: Any, fault: Fault) -> Any:
    to_text = fault.text("as", "text") == "text"

    def convert(value: Any) -> Any:
        if isinstance(value, list):
            return [convert(one) for one in value]
        if isinstance(value, bool):
            return value
        if to_text and isinstance(value, (int, Decimal)):
            return format(value, "f") if isinstance(value, Decimal) else str(value)
        if not to_text and isinstance(value, str):
            try:
                return Decimal(value)
            except InvalidOperation:
                return value
        return value

    def change(row: dict[str, Any]) -> dict[str, Any]:
        return {
            key: convert(one) if key in _FIGURES or key in ("asks", "bids") else one
            for key, one in row.items()
        }

    if isinstance(data, list) and data and isinstance(data[0], list):
        return convert(data)
    return _each(data, change)


def _symbols(data: Any, spell: Callable[[str], str]) -> Any:
    return _each(data, lambda row: {**row, "symbol": spell(row["symbol"])} if "symbol" in row else row)


def _wrong_type(data: Any, fault: Fault) -> Any:
    field, value = fault.text("field"), fault.params.get("value", {"unexpected": True})
    if not field:
        return value
    if isinstance(data, list) and field.isdigit():
        place = int(field)
        return [
            [*row[:place], value, *row[place + 1 :]] if isinstance(row, list) and place < len(row) else row
            for row in data
        ]
    return _each(data, lambda row: {**row, field: value} if field in row else row)


def _missing_field(data: Any, fault: Fault) -> Any:
    field = fault.text("field")
    return _each(data, lambda row: {key: one for key, one in row.items() if key != field})


_CHANGES: Final[dict[str, Callable[[Any, Fault], Any]]] = {
    "newest_first": _newest_first,
    "ms_records": _ms_records,
    "duplicate_trades": lambda data, fault: [row for row in data for _ in range(2)],
    "unknown_status": _unknown_status,
    "state_key": _state_key,
    "numbers": _numbers,
    "lower_case": lambda data, fault: _symbols(data, str.lower),
    "venue_symbol": lambda data, fault: _symbols(data, lambda symbol: symbol.replace("_", "-")),
    "wrong_type": _wrong_type,
    "missing_field": _missing_field,
}
