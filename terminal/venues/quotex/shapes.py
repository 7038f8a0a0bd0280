"""What Quotex's events look like: which name an attachment has that has lost its own, and whether data can be
that of an event at all.

The shapes are those of the web terminal's events: an asset table has long rows, quotes rows of four,
sentiment rows of two; objects are known by their members.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_TABLE_COLUMNS: Final = 20
_ROWS: Final = {4: "quotes/stream", 2: "depth/change"}
_MEMBERS: Final = (
    (("liveBalance",), "balance"),
    (("demoBalance",), "balance"),
    (("signals",), "signals"),
    (("deals",), "s_orders/close"),
    (("pending",), "s_pending/create"),
    (("isDemo", "balance"), "s_demo/refill"),
    (("error",), "f_orders/open"),
    (("asset", "candles"), "history/load"),
    (("asset", "data"), "history/load"),
    (("asset", "history"), "history/load"),
    # Known, and of no use here: the day's result is worked out from the results themselves.
    (("position",), "leaders/place"),
)
_DAY: Final = "profit/today"


def name_by_shape(data: Any) -> str:
    """What an attachment that has lost its name must be; empty where no shape fits."""
    if isinstance(data, list):
        first = data[0] if data and isinstance(data[0], list) else None
        if first is None:
            return ""
        return "instruments/list" if len(first) > _TABLE_COLUMNS else _ROWS.get(len(first), "")
    if not isinstance(data, dict):
        return ""
    for keys, name in _MEMBERS:
        if all(key in data for key in keys):
            return name
    if data.keys() == {"profit"}:
        return _DAY
    if "id" in data and "ticket" not in data:
        return "s_orders/open"
    if "ticket" in data and "id" not in data:
        return "s_orders/cancel"
    return ""


def _has(*names: str) -> Callable[[Any], bool]:
    """An object with one of these members at least."""
    return lambda data: isinstance(data, dict) and any(name in data for name in names)


def _rows_of(kind: type, *, least: int = 0) -> Callable[[Any], bool]:
    """A list of lists so long at least, or of objects; an empty one is as good as any."""
    return lambda data: (
        isinstance(data, list)
        and all(not isinstance(row, list | dict) or isinstance(row, kind) for row in data[:3])
        and (not least or not data or _is_wide(data, least))
    )


_NARROW: Final = 8


def _is_wide(data: list[Any], columns: int) -> bool:
    return any(len(row) >= columns for row in data[:3] if isinstance(row, list))


def _is_table(data: Any) -> bool:
    """Rows of many columns, or one row without its table."""
    if isinstance(data, list) and len(data) > _NARROW and isinstance(data[1], str):
        return True
    return _rows_of(list, least=_NARROW)(data)


_FITS: Final[dict[str, Callable[[Any], bool]]] = {
    "instruments/list": _is_table,
    "quotes/stream": lambda data: _rows_of(list, least=3)(data) and not _is_wide(data, _NARROW),
    "depth/change": lambda data: _rows_of(list)(data) and not _is_wide(data, 3),
    "history/list/v2": _has("candles", "history"),
    "history/load": _has("index", "data", "candles", "history"),
    "balance": _has("liveBalance", "demoBalance", "balance"),
    "balance/list": _has("liveBalance", "demoBalance", "balance"),
    "s_balance/list": _has("liveBalance", "demoBalance", "balance"),
    "orders/opened/list": _rows_of(dict),
    "orders/closed/list": _rows_of(dict),
    "pending/list": _rows_of(dict),
    "s_orders/open": _has("openPrice", "percentProfit", "closeTimestamp", "requestId"),
    "s_orders/close": _has("deals"),
    "s_orders/cancel": _has("ticket"),
    "s_pending/cancel": _has("ticket"),
    "s_pending/create": _has("pending"),
    "s_pending/opened": _has("ticket"),
    "f_pending/opened": _has("ticket"),
    "f_orders/open": _has("error"),
    "f_orders/cancel": _has("error"),
    "f_pending/create": _has("error"),
    "f_pending/cancel": _has("error"),
    "signals": _has("signals"),
}


def fits(name: str, data: Any) -> bool:
    """Whether data can be that of an event; of events that are not known here, any can."""
    check = _FITS.get(name)
    return True if check is None else check(data)
