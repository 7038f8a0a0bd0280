"""Pages of private lists: rows newest first, asked for by number.

OKX API v5 "Pagination", read 2026-07: ``after`` asks for older and ``before`` for newer rows, both without
the row of that number itself; with ``before`` alone the rows nearest to it are meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from terminal.emulators.okx.errors import wrong
from terminal.emulators.okx.orders import text_of
from terminal.emulators.okx.wire import Row

Params = Mapping[str, Any]


def page(rows: Sequence[Row], params: Params, field: str) -> list[Row]:
    """A page of rows that are newest first; ``field`` is the number by which they are paged."""
    limit, after, before = (whole_number(params, name) for name in ("limit", "after", "before"))
    size = max(1, min(limit if limit is not None else 100, 100))
    found = [
        row
        for row in rows
        if (after is None or int(row[field]) < after) and (before is None or int(row[field]) > before)
    ]
    if before is not None and after is None:
        return found[-size:]
    return found[:size]


def whole_number(params: Params, name: str) -> int | None:
    """A time or number to page by; None where it is absent."""
    text = text_of(params, name)
    if not text:
        return None
    if not text.isdigit() or len(text) > 24:
        raise wrong(name)
    return int(text)
