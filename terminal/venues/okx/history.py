"""Bars of the past: the newest 1440 by ``candles``, older ones by ``history-candles`` (OKX v5, 2026-07)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from terminal.core.clock import Clock
from terminal.domain.errors import ProtocolViolation, Unsupported
from terminal.domain.market import Bar
from terminal.venues.okx import parse
from terminal.venues.okx.errors import VENUE_NAME
from terminal.venues.okx.parse import WIRE_ERRORS
from terminal.venues.okx.rest import OkxRest
from terminal.venues.okx.subscriptions import BARS

_RECENT_ROWS = 1440
_PAGE = 300
_OLD_PAGE = 100


class BarHistory:
    """Fetches bars page by page, newest first, and hands them out oldest first."""

    def __init__(self, rest: OkxRest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock

    async def bars(
        self,
        inst_id: str,
        interval_s: int,
        contract: Decimal | None,
        *,
        end_ns: int | None,
        limit: int,
        progress: Callable[[Decimal], None] | None,
    ) -> Sequence[Bar]:
        """Up to ``limit`` bars that open before ``end_ns`` (None: up to now), oldest first.

        Raises:
            Unsupported: OKX has no bars of this length.
            ProtocolViolation: a bar cannot be read.
        """
        name = BARS.get(interval_s)
        if name is None:
            raise Unsupported("bar interval", "OKX has no bars of this length.")
        found: dict[int, Bar] = {}
        after_ms = None if end_ns is None else -(-end_ns // 1_000_000)
        # Two bars of grace: the recent list is counted from the running bar, and so are we.
        recent_from_ns = self._clock.wall_ns() - (_RECENT_ROWS - 2) * interval_s * 1_000_000_000
        old = end_ns is not None and end_ns <= recent_from_ns
        while len(found) < limit:
            page = min(_OLD_PAGE if old else _PAGE, limit - len(found))
            rows = await self._rest.candles(inst_id, name, after_ms=after_ms, limit=page, old=old)
            before = len(found)
            for row in rows:
                try:
                    bar = parse.bar(row, contract)
                except WIRE_ERRORS as error:
                    raise ProtocolViolation(VENUE_NAME, f"{inst_id} {name}: {error}") from error
                if end_ns is None or bar.open_ns < end_ns:
                    found[bar.open_ns] = bar
            if progress is not None:
                progress(min(Decimal(1), Decimal(len(found)) / limit))
            if len(found) == before:
                if old:
                    break
                old = True  # the recent list ends here, the long one goes on
                continue
            after_ms = min(found) // 1_000_000
            old = old or min(found) <= recent_from_ns
        if progress is not None:
            progress(Decimal(1))
        return sorted(found.values())[-limit:]
