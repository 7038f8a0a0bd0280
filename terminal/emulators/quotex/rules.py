"""Which durations and expiries the practice Quotex sells, and when (section 8 of the protocol reference).

Times are milliseconds UTC by the venue's clock. Types 1 and 3 end at a line of a clock, type 100 a number of
seconds after its opening.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

DURATIONS: Final = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 86400)
"""Seconds."""

CLOCK: Final = 3
CLOCK_TIMER: Final = 1
TIMER: Final = 100

PURCHASE_END_MS: Final = 29_000
"""A deal of the clock can be bought until 30 s before its line; one more second is for the way."""
_LATE_MS: Final = 5_000
_FIXED: Final = tuple(one for one in DURATIONS if one >= 60)
PENDING_LEAD_MS: Final = 3_000
"""So long before its time a pending deal must have been ordered."""
PERIODS: Final = {
    "M1": 60, "M2": 120, "M5": 300, "M10": 600, "M15": 900, "M30": 1800, "H1": 3600, "H2": 7200, "H4": 14400,
}  # fmt: skip
"""Names of the durations of a deal that waits for a price."""


def close_of(option_type: Any, time: Any, *, is_otc: bool, now_ms: int) -> int | None:
    """When a deal bought now would end; None where the venue refuses with ``expiration``.

    Args:
        time: as in ``orders/open``: epoch seconds for types 1 and 3, a duration for type 100.
    """
    if isinstance(time, bool) or not isinstance(time, int):
        return None
    if option_type == TIMER:
        return now_ms + time * 1000 if is_otc and time in DURATIONS else None
    if option_type != CLOCK and (option_type != CLOCK_TIMER or is_otc):
        return None
    lead = time * 1000 - now_ms
    if lead < PURCHASE_END_MS:
        return None
    offered = any(time % one == 0 and lead <= one * 1500 + _LATE_MS for one in _FIXED)
    return time * 1000 if offered else None


def pending_time(text: Any, now_ms: int) -> int | None:
    """When a pending deal is to open, from ISO text with a Z; None where that is no time or too near."""
    if not isinstance(text, str) or not text.endswith("Z"):
        return None
    try:
        at = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        return None
    found = int(at.timestamp() * 1000)
    return found if found >= now_ms + PENDING_LEAD_MS else None
