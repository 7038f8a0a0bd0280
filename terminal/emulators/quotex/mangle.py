"""Faults of framing: what becomes of one event's placeholder and attachment."""

from __future__ import annotations

from typing import Any

from terminal.emulators.faults import Faults
from terminal.emulators.quotex.wire import attachment, attachment_text, binary_frame, inline, placeholder
from terminal.emulators.web import text_frame

_BETWEEN = inline("chart_notification/get", [])
_LONGER = [None, "new", 1]


def frames(name: str, data: Any) -> list[bytes]:
    """An event as it should be."""
    return [text_frame(placeholder(name)), binary_frame(attachment(data))]


def mangled(name: str, data: Any, faults: Faults, subject: str, other: tuple[str, Any]) -> list[bytes]:
    """An event's frames after what a fault does to them; none where it is lost.

    Args:
        other: another event, for two at once.
    """
    if faults.take("drop", subject) is not None:
        return []
    if subject.startswith("ws/data") and faults.take("silence", subject) is not None:
        return []
    if isinstance(data, list) and name == "instruments/list":
        data = _table(data, faults, subject)
    if name == "quotes/stream":
        data = _quotes(data, faults, subject)
    fault = faults.take("unknown_asset", subject)
    if fault is not None:
        data = _renamed(data, fault.text("asset", "NOSUCH_otc"))
    head, body = frames(name, data)
    if faults.take("interleave", subject) is not None:
        return [head, text_frame(_BETWEEN), body]
    if faults.take("pair", subject) is not None:
        second, its_body = frames(*other)
        return [head, second, body, its_body]
    if faults.take("lone_attachment", subject) is not None:
        return [body]
    if faults.take("lone_placeholder", subject) is not None:
        return [head]
    if faults.take("truncated_binary", subject) is not None:
        whole = attachment(data)
        return [head, binary_frame(whole[: max(1, len(whole) // 2)])]
    if faults.take("base64", subject) is not None:
        return [head, text_frame(attachment_text(data))]
    if faults.take("inline", subject) is not None:
        return [text_frame(inline(name, data))]
    if faults.take("duplicate_private", subject) is not None:
        return [head, body, head, body]
    return [head, body]


def _renamed(data: Any, asset: str) -> Any:
    """The same of another asset."""
    if isinstance(data, dict):
        deals = data.get("deals")
        return (
            {**data, "deals": _renamed(deals, asset)} if isinstance(deals, list) else {**data, "asset": asset}
        )
    if isinstance(data, list) and data:
        first = data[0]
        renamed = [asset, *first[1:]] if isinstance(first, list) else _renamed(first, asset)
        return [renamed, *data[1:]]
    return data


def _table(rows: list[Any], faults: Faults, subject: str) -> list[Any]:
    if faults.take("one_row", subject) is not None:
        return rows[:1]
    if faults.take("bad_rows", subject) is not None:
        return [rows[0][:12], [*rows[1], *_LONGER], "row", *rows[2:]]
    return rows


def _quotes(rows: list[Any], faults: Faults, subject: str) -> list[Any]:
    if faults.take("bad_quotes", subject) is not None:
        return [[*rows[0], 1, "more"], rows[0][:2], [rows[0][0], None, "NaN", 0]]
    fault = faults.take("price_spike", subject)
    if fault is not None:
        factor = int(fault.number("factor", 100))
        return [[symbol, at, price * factor, direction] for symbol, at, price, direction in rows]
    return rows
