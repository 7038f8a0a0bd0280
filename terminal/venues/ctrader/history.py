"""Bars and ticks of the past, page by page.

Pages stay within the widest windows that any release of the interface allows, and go backwards: the next one
ends just before the oldest entry of the last (Open API 2.0, 2137 and 2145). A window without any trade, such
as a weekend's, is not the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Final, NamedTuple

from terminal.core.clock import Clock
from terminal.domain.errors import Unsupported
from terminal.domain.market import Bar
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.account import Account
from terminal.venues.ctrader.spots import PERIODS, bar_of
from terminal.venues.ctrader.units import ms_of_ns, ns_of_ms, price

Progress = Callable[[Decimal], None]

_WEEK_MS: Final = 604_800_000
_WINDOWS_MS: Final = (
    (5 * 60, 3_024_000_000),
    (60 * 60, 21_168_000_000),
    (86_400, 31_622_400_000),
)
_LONGEST_MS: Final = 158_112_000_000
_MOST_BARS_A_PAGE: Final = 4000
_EMPTY_WINDOWS: Final = 2
"""So many in a row without a bar: there is nothing before."""
_MOST_MS: Final = 2_147_483_646_000
_DEADLINE_S: Final = 20.0
_CHUNK: Final = 500


class QuoteSide(Enum):
    """Which side's ticks."""

    BID = "bid"
    ASK = "ask"


class Tick(NamedTuple):
    """One change of a best price."""

    ts_event_ns: int
    price: Decimal


def window_ms(interval_s: int) -> int:
    """The widest span of one request for bars of this length."""
    return next((span for up_to_s, span in _WINDOWS_MS if interval_s <= up_to_s), _LONGEST_MS)


async def bars(
    account: Account,
    symbol: str,
    interval_s: int,
    clock: Clock,
    *,
    end_ns: int | None,
    limit: int,
    progress: Progress | None,
) -> Sequence[Bar]:
    """Up to ``limit`` bars that open before ``end_ns``, oldest first.

    Raises:
        Unsupported: cTrader has no bars of this length.
        RequestRejected: the broker does not list the symbol.
        VenueUnavailable: it could not be asked.
    """
    period = PERIODS.get(interval_s)
    if period is None:
        raise Unsupported("bar interval", "cTrader has no bars of this length.")
    listing = account.symbols.require(symbol)
    await account.symbols.details([symbol])
    report = progress or _nobody
    span_ms = window_ms(interval_s)
    now_ms = ms_of_ns(clock.wall_ns())
    to_ms = min(now_ms if end_ns is None else ms_of_ns(end_ns) - 1, _MOST_MS)
    found: dict[int, Bar] = {}
    empty = 0
    while len(found) < limit and to_ms > 0 and empty < _EMPTY_WINDOWS:
        from_ms = max(0, to_ms - span_ms)
        answer = await account.client.request(
            pb.ProtoOAGetTrendbarsReq(
                ctidTraderAccountId=account.account_id,
                symbolId=listing.symbol_id,
                period=period,
                fromTimestamp=from_ms,
                toTimestamp=to_ms,
                # The server may give one less than it is asked for.
                count=min(limit - len(found) + 1, _MOST_BARS_A_PAGE),
            ),
            answer=pb.ProtoOAGetTrendbarsRes,
            deadline_s=_DEADLINE_S,
        )
        page = await _bars_of(answer.trendbar, listing.digits, end_ns)
        fresh = {bar.open_ns: bar for bar in page if bar.open_ns not in found}
        if fresh:
            empty = 0
            found.update(fresh)
            to_ms = min(to_ms - 1, ms_of_ns(min(fresh)) - 1)
        elif answer.hasMore and page:
            to_ms = min(to_ms - 1, ms_of_ns(min(bar.open_ns for bar in page)) - 1)
        else:
            empty += 1
            to_ms = from_ms - 1
        report(min(Decimal(1), Decimal(len(found)) / max(1, limit)))
    report(Decimal(1))
    return [found[at] for at in sorted(found)[-limit:]]


async def _bars_of(rows: Sequence[pb.ProtoOATrendbar], digits: int, end_ns: int | None) -> list[Bar]:
    to_price = partial(_price, digits)
    out = []
    for number, row in enumerate(rows):
        if number % _CHUNK == _CHUNK - 1:
            await asyncio.sleep(0)
        if row.HasField("low") and row.HasField("utcTimestampInMinutes") and row.low > 0:
            bar = bar_of(row, to_price)
            if end_ns is None or bar.open_ns < end_ns:
                out.append(bar)
    return out


async def ticks(
    account: Account,
    symbol: str,
    side: QuoteSide,
    *,
    from_ns: int,
    until_ns: int,
    progress: Progress | None = None,
    limit: int = 100_000,
) -> Sequence[Tick]:
    """The changes of one best price in a span of time, oldest first; the newest ``limit`` of them.

    Raises as :func:`bars`.
    """
    listing = account.symbols.require(symbol)
    await account.symbols.details([symbol])
    report = progress or _nobody
    first_ms, to_ms = max(0, ms_of_ns(from_ns)), min(ms_of_ns(until_ns), _MOST_MS)
    whole_ms = max(1, to_ms - first_ms)
    out: list[Tick] = []
    """Newest first, as they come."""
    while to_ms >= first_ms and len(out) < limit:
        from_ms = max(first_ms, to_ms - _WEEK_MS)
        answer = await account.client.request(
            pb.ProtoOAGetTickDataReq(
                ctidTraderAccountId=account.account_id,
                symbolId=listing.symbol_id,
                type=pb.BID if side is QuoteSide.BID else pb.ASK,
                fromTimestamp=from_ms,
                toTimestamp=to_ms,
            ),
            answer=pb.ProtoOAGetTickDataRes,
            deadline_s=_DEADLINE_S,
        )
        page = await _ticks_of(answer.tickData, listing.digits)
        out += page
        if answer.hasMore and page:
            to_ms = min(to_ms - 1, ms_of_ns(page[-1].ts_event_ns) - 1)
        else:
            to_ms = from_ms - 1
        report(min(Decimal(1), Decimal(whole_ms - max(0, to_ms - first_ms)) / whole_ms))
    report(Decimal(1))
    out = out[:limit]
    out.reverse()
    return out


async def _ticks_of(rows: Sequence[pb.ProtoOATickData], digits: int) -> list[Tick]:
    """The first is absolute; each later one differs from the one before, in time and in price: 1700000000000
    at 114814, then -250 and +2, is 114816 a quarter of a second earlier."""
    out = []
    at_ms = wire = 0
    for number, row in enumerate(rows):
        if number % _CHUNK == _CHUNK - 1:
            await asyncio.sleep(0)
        at_ms += row.timestamp
        wire += row.tick
        out.append(Tick(ns_of_ms(at_ms), price(wire, digits)))
    return out


def _price(digits: int, wire: int) -> Decimal:
    return price(wire, digits)


def _nobody(part: Decimal) -> None:
    """Nobody wants to know how far it is."""
