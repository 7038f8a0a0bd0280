"""Whether an instrument's market is closed, and when it opens, in words for every panel."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from terminal.domain.instrument import Instrument, MarketStatus


def is_closed(instrument: Instrument | None) -> bool:
    """Whether the venue says that this market is closed now."""
    return instrument is not None and instrument.status is MarketStatus.CLOSED


def closed_text(instrument: Instrument | None, now_ns: int, zone: tzinfo | None = None) -> str:
    """``Market closed, opens Sun 23:00``; without the time where the venue does not tell it, and empty while
    the market is open. ``now_ns`` is wall time; the text is of ``zone``, the machine's own by default."""
    if instrument is None or not is_closed(instrument):
        return ""
    opens_ns = None if instrument.schedule is None else instrument.schedule.next_open_ns(now_ns)
    # A venue that is late in saying that it has opened, or that closed for a reason of its own.
    if opens_ns is None or opens_ns <= now_ns:
        return "Market closed"
    return f"Market closed, opens {_when(opens_ns, now_ns, zone)}"


def _when(opens_ns: int, now_ns: int, zone: tzinfo | None) -> str:
    """``23:00``, ``Sun 23:00`` within a week, ``3 Jan 23:00`` beyond."""
    opens, now = (
        datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC).astimezone(zone) for ns in (opens_ns, now_ns)
    )
    if opens.date() == now.date():
        return f"{opens:%H:%M}"
    if (opens.date() - now.date()).days < 7:
        return f"{opens:%a %H:%M}"
    return f"{opens.day} {opens:%b %H:%M}"
