"""Historical bars and ticks of the practice cTrader, page by page (Open API 2.0, 2137 and 2145).

A long page is made in slices, so that the market goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Final

from terminal.emulators.ctrader.errors import OpenApiError
from terminal.emulators.ctrader.prices import FIRST_MINUTE, PERIODS, PriceBar, bar_of
from terminal.emulators.ctrader.quotes import Quotes, trendbar, wire_price
from terminal.emulators.faults import Faults
from terminal.venues.ctrader import openapi_pb2 as pb

MAX_BARS: Final = 5_000
MAX_TICKS: Final = 4_000
LATEST_MS: Final = 2_147_483_646_000
"""No ``toTimestamp`` may be later."""
WEEK_MS: Final = 604_800_000
_SLICE_S: Final = 0.004

WINDOWS_MS: Final = {
    **dict.fromkeys((1, 2, 3, 4, 5), 3_024_000_000),
    **dict.fromkeys((6, 7, 8, 9), 21_168_000_000),
    **dict.fromkeys((10, 11, 12), 31_622_400_000),
    **dict.fromkeys((13, 14), 158_112_000_000),
}
"""Largest window by period, as releases of the definitions up to 88 had it."""


class Past:
    """Answers requests for history.

    Args:
        strict: refuse windows that are too wide, as older servers do; else truncate with ``hasMore``.
    """

    def __init__(self, quotes: Quotes, faults: Faults, rng: random.Random, *, strict: bool = True) -> None:
        self._quotes = quotes
        self._faults = faults
        self._rng = rng
        self.strict = strict

    def _window(self, request: pb.ProtoOAGetTrendbarsReq | pb.ProtoOAGetTickDataReq, limit_ms: int) -> None:
        for name in ("fromTimestamp", "toTimestamp"):
            if request.HasField(name) and not 0 <= getattr(request, name) <= LATEST_MS:
                raise OpenApiError("INCORRECT_BOUNDARIES", f"{name} is out of range")
        if not request.HasField("fromTimestamp"):
            return
        last = request.toTimestamp if request.HasField("toTimestamp") else self._quotes.now_ms()
        if request.fromTimestamp > last:
            raise OpenApiError("INCORRECT_BOUNDARIES", "fromTimestamp is after toTimestamp")
        if self.strict and last - request.fromTimestamp > limit_ms:
            raise OpenApiError("INCORRECT_BOUNDARIES", f"The window may span {limit_ms} ms at most")

    async def bars(self, request: pb.ProtoOAGetTrendbarsReq) -> pb.ProtoOAGetTrendbarsRes:
        """The answer to 2137.

        Raises:
            OpenApiError: unknown symbol or period, a window that makes no sense or is too wide.
        """
        prices = self._quotes.prices(request.symbolId)
        if request.period not in PERIODS:
            raise OpenApiError("INVALID_REQUEST", "Unknown trendbar period")
        self._window(request, WINDOWS_MS[request.period])
        length = PERIODS[request.period]
        now_ms = self._quotes.now_ms()
        last_ms = min(now_ms, request.toTimestamp if request.HasField("toTimestamp") else now_ms)
        # A count goes back from the end and then bounds alone.
        has_count = request.HasField("count") and request.count > 0
        first_ms = request.fromTimestamp if request.HasField("fromTimestamp") and not has_count else 0
        wanted = min(MAX_BARS, request.count) if has_count else MAX_BARS
        fault = (
            self._faults.take("short_history", f"ctrader/history/{prices.spec.name}")
            if self._faults.active
            else None
        )
        if fault is not None:
            wanted = max(1, int(wanted * fault.number("share", 0.5)))
        found: list[PriceBar] = []
        has_more = False
        until = time.monotonic() + _SLICE_S
        last_minute = last_ms // 60_000
        for start in prices.starts_back(length, -(-first_ms // 60_000), last_minute):
            if len(found) >= wanted:
                has_more = not has_count or request.count > MAX_BARS
                break
            bar = bar_of(prices, length, start, now_ms)
            if bar is not None:
                found.append(bar)
            if time.monotonic() > until:
                await asyncio.sleep(0)
                until = time.monotonic() + _SLICE_S
        if self._faults.active and self._faults.take("bar_gaps", f"ctrader/history/{prices.spec.name}"):
            found = [bar for bar in found if self._rng.random() < 0.8]
        return pb.ProtoOAGetTrendbarsRes(
            ctidTraderAccountId=request.ctidTraderAccountId,
            period=request.period,
            symbolId=request.symbolId,
            timestamp=last_ms,
            trendbar=[trendbar(bar, prices.spec.digits) for bar in reversed(found)],
            hasMore=has_more,
        )

    async def ticks(self, request: pb.ProtoOAGetTickDataReq) -> pb.ProtoOAGetTickDataRes:
        """The answer to 2145: newest first, each entry but the first as a difference to the one before.

        Raises:
            OpenApiError: unknown symbol, a window that makes no sense or is too wide.
        """
        prices = self._quotes.prices(request.symbolId)
        self._window(request, WEEK_MS)
        now_ms = self._quotes.now_ms()
        last_ms = min(now_ms, request.toTimestamp if request.HasField("toTimestamp") else now_ms)
        first_ms = request.fromTimestamp if request.HasField("fromTimestamp") else last_ms - WEEK_MS
        first_ms = max(first_ms, FIRST_MINUTE * 60_000)
        answer = pb.ProtoOAGetTickDataRes(ctidTraderAccountId=request.ctidTraderAccountId, hasMore=False)
        digits = prices.spec.digits
        side = "bid" if request.type == pb.BID else "ask"
        before_ms = before = 0
        until = time.monotonic() + _SLICE_S
        for count, (ms, points) in enumerate(prices.ticks_back(first_ms, last_ms, side)):
            if count >= MAX_TICKS:
                answer.hasMore = True
                break
            price = wire_price(points, digits)
            answer.tickData.add(timestamp=ms - before_ms, tick=price - before)
            before_ms, before = ms, price
            if time.monotonic() > until:
                await asyncio.sleep(0)
                until = time.monotonic() + _SLICE_S
        return answer
