"""Bars of the past: ``records`` tells the newest ones only, and how many is the plugin's limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from terminal.core.clock import Clock
from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar
from terminal.venues.custom import parse
from terminal.venues.custom.client import PluginClient, Rank
from terminal.venues.custom.errors import unreadable


async def read_bars(
    client: PluginClient,
    clock: Clock,
    instrument: Instrument,
    interval_s: int,
    *,
    end_ns: int | None,
    limit: int,
    most: int,
    progress: Callable[[Decimal], None] | None,
) -> Sequence[Bar]:
    """Bars that open before ``end_ns``, oldest first; none where that is further back than ``most`` bars.

    The protocol has no question for an older part: everything from there until now is asked for.

    Raises:
        VenueUnavailable: it could not be asked.
        RequestRejected: the plugin has no bars of this length.
        ProtocolViolation: the answer is unreadable.
    """
    count = limit
    if end_ns is not None:
        count += max(0, (clock.wall_ns() - end_ns) // (interval_s * 1_000_000_000)) + 1
    params = {
        "limit": str(min(count, most)),
        "period": str(interval_s // 60),
        "symbol": instrument.venue_symbol,
    }
    data = await client.read("records", params, rank=Rank.QUESTION)
    try:
        bars = parse.bars(data)
    except (ValueError, ArithmeticError) as problem:
        raise unreadable("records", client.clean(str(problem)), reading=True) from None
    if progress is not None:
        progress(Decimal(1))
    return [bar for bar in bars if end_ns is None or bar.open_ns < end_ns][-limit:]
