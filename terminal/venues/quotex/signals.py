"""Quotex's own signals: what it suggests for an asset, and for how long (event ``signals``)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from terminal.domain.contracts import NS
from terminal.domain.market import Side
from terminal.venues.base import VenueSignal


def read_signals(data: Any) -> dict[str, VenueSignal]:
    """By Quotex's names of the assets, the newest of each. Two forms are known, of one asset a row:
    ``["EURUSD_otc", [{"signal": 1, "timeFrame": 60}], 1795174760]`` and with ``[60, 1]`` in place of the
    object; 1 is up. What cannot be read is left out."""
    rows = data.get("signals") if isinstance(data, dict) else None
    told_ns = _time_ns(data.get("time")) if isinstance(data, dict) else None
    found: dict[str, VenueSignal] = {}
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, list) or len(row) < 2 or not isinstance(row[0], str):
            continue
        until_ns = _time_ns(row[2]) if len(row) > 2 else None
        for each in row[1] if isinstance(row[1], list) else ():
            pair = (
                (each.get("timeFrame"), each.get("signal"))
                if isinstance(each, dict)
                else tuple(each[:2])
                if isinstance(each, list)
                else ()
            )
            if len(pair) != 2 or not isinstance(pair[0], int) or pair[0] <= 0 or pair[1] not in (0, 1):
                continue
            side = Side.BUY if pair[1] == 1 else Side.SELL
            found[row[0]] = VenueSignal(side, pair[0], until_ns, told_ns)
    return found


def _time_ns(value: Any) -> int | None:
    """Seconds of the wire as ns; None where they are none."""
    is_time = isinstance(value, int | Decimal) and not isinstance(value, bool) and value > 0
    return int(value * NS) if is_time else None
