from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest

from terminal.core.clock import ManualClock
from terminal.domain.errors import RequestRejected, Unsupported
from terminal.venues.ctrader import history
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.client import Client
from terminal.venues.ctrader.history import QuoteSide, Tick, window_ms
from terminal.venues.ctrader.symbols import Symbols
from tests.helpers import run
from tests.unit.venues.ctrader.fake_venue import DEMO, EURUSD
from tests.unit.venues.ctrader.test_symbols import Answers

D = Decimal
NOW_MS = 1_719_792_000_000  # a Monday, 00:00 UTC
MINUTE_MS = 60_000


class Past(Answers):
    """An account whose venue has a past: a bar for each of these minutes."""

    def __init__(self, minutes: list[int], *, most: int = 5000, honours_count: bool = True) -> None:
        super().__init__()
        self.clock = ManualClock(wall_ns=NOW_MS * 1_000_000)
        self.account_id = DEMO
        self.client = self
        self.symbols = Symbols(cast("Client", self), DEMO, self.clock)
        self.minutes = sorted(minutes)
        self.most = most
        self.honours_count = honours_count
        self.progress: list[Decimal] = []
        self.ticks: list[tuple[int, int]] = []
        """Time in ms and price, oldest first."""

    async def request(self, message: Any, **terms: Any) -> Any:
        if isinstance(message, pb.ProtoOAGetTrendbarsReq):
            self.asked.append(message)
            return self._bars(message)
        if isinstance(message, pb.ProtoOAGetTickDataReq):
            self.asked.append(message)
            return self._ticks(message)
        return await super().request(message, **terms)

    def _bars(self, message: Any) -> pb.ProtoOAGetTrendbarsRes:
        assert message.toTimestamp - message.fromTimestamp <= 3_024_000_000, "wider than a server allows"
        found = [
            each for each in self.minutes if message.fromTimestamp <= each * MINUTE_MS <= message.toTimestamp
        ]
        if self.honours_count:
            found = found[-message.count :]
        more = len(found) > self.most
        rows = [
            pb.ProtoOATrendbar(
                volume=3,
                low=100_000 + each % 100,
                deltaOpen=1,
                deltaHigh=2,
                deltaClose=1,
                utcTimestampInMinutes=each,
            )
            for each in found[-self.most :]
        ]
        return pb.ProtoOAGetTrendbarsRes(
            ctidTraderAccountId=DEMO, period=message.period, trendbar=rows, hasMore=more
        )

    def _ticks(self, message: Any) -> pb.ProtoOAGetTickDataRes:
        assert message.toTimestamp - message.fromTimestamp <= 604_800_000
        found = [each for each in self.ticks if message.fromTimestamp <= each[0] <= message.toTimestamp]
        rows, last = [], (0, 0)
        for each in reversed(found[-self.most :]):
            rows.append(pb.ProtoOATickData(timestamp=each[0] - last[0], tick=each[1] - last[1]))
            last = each
        return pb.ProtoOAGetTickDataRes(
            ctidTraderAccountId=DEMO, tickData=rows, hasMore=len(found) > self.most
        )

    async def bars(self, limit: int, end_ns: int | None = None, symbol: str = "EUR/USD") -> list[int]:
        """The minutes of the bars that come."""
        if not self.symbols.is_loaded:
            await self.symbols.load()
        found = await history.bars(
            cast("Any", self),
            symbol,
            60,
            self.clock,
            end_ns=end_ns,
            limit=limit,
            progress=self.progress.append,
        )
        return [bar.open_ns // (MINUTE_MS * 1_000_000) for bar in found]


NOW_MIN = NOW_MS // MINUTE_MS


def minutes(count: int, until: int = NOW_MIN) -> list[int]:
    return list(range(until - count + 1, until + 1))


def test_the_newest_bars_come_oldest_first_in_one_page() -> None:
    async def main() -> None:
        past = Past(minutes(2000))
        assert await past.bars(720) == minutes(720)
        (request,) = past.of(pb.ProtoOAGetTrendbarsReq)
        assert request.toTimestamp == NOW_MS
        assert request.symbolId == EURUSD
        assert past.progress[-1] == 1

    run(main())


def test_bars_before_a_time_do_not_hold_the_one_that_begins_there() -> None:
    async def main() -> None:
        past = Past(minutes(2000))
        end = NOW_MIN - 100
        assert await past.bars(50, end_ns=end * MINUTE_MS * 1_000_000) == minutes(50, end - 1)

    run(main())


@pytest.mark.parametrize("honours_count", [True, False])
def test_pages_are_joined_without_a_hole_however_short_they_are(honours_count: bool) -> None:
    async def main() -> None:
        past = Past(minutes(2000), most=300, honours_count=honours_count)
        assert await past.bars(1000) == minutes(1000)
        assert len(past.of(pb.ProtoOAGetTrendbarsReq)) >= 4
        assert past.progress == sorted(past.progress)

    run(main())


def test_a_weekend_is_not_the_end_of_the_past() -> None:
    async def main() -> None:
        weekend = 2 * 24 * 60
        past = Past([*minutes(100), *minutes(500, NOW_MIN - 100 - weekend)])
        assert len(await past.bars(600)) == 600

    run(main())


def test_a_gap_wider_than_a_window_is_looked_behind() -> None:
    async def main() -> None:
        window = 3_024_000_000 // MINUTE_MS
        past = Past([*minutes(10), *minutes(10, NOW_MIN - window - 1000)])
        assert len(await past.bars(20)) == 20

    run(main())


def test_where_there_is_no_more_fewer_come() -> None:
    async def main() -> None:
        past = Past(minutes(5))
        assert await past.bars(720) == minutes(5)
        assert len(past.of(pb.ProtoOAGetTrendbarsReq)) == 3
        assert await past.bars(10, end_ns=1_000_000_000) == []

    run(main())


def test_figures_of_a_bar() -> None:
    async def main() -> None:
        past = Past([NOW_MIN])
        await past.symbols.load()
        (bar,) = await history.bars(
            cast("Any", past), "EUR/USD", 60, past.clock, end_ns=None, limit=1, progress=None
        )
        low = D(100_000 + NOW_MIN % 100).scaleb(-5)
        assert (bar.low, bar.open, bar.high, bar.close) == (
            low,
            low + D("0.00001"),
            low + D("0.00002"),
            bar.open,
        )
        assert (bar.volume, bar.trades) == (D(3), 3)

    run(main())


def test_lengths_and_symbols_that_there_are_not() -> None:
    async def main() -> None:
        past = Past([])
        with pytest.raises(RequestRejected):
            await past.bars(1, symbol="BTC/USD")
        with pytest.raises(Unsupported):
            await history.bars(
                cast("Any", past), "EUR/USD", 61, past.clock, end_ns=None, limit=1, progress=None
            )

    run(main())


def test_windows_are_those_that_every_release_allows() -> None:
    assert window_ms(60) == window_ms(300) == 3_024_000_000
    assert window_ms(600) == window_ms(3600) == 21_168_000_000
    assert window_ms(14_400) == window_ms(86_400) == 31_622_400_000
    assert window_ms(604_800) == window_ms(2_592_000) == 158_112_000_000


def test_ticks_are_summed_up_and_paged() -> None:
    async def main() -> None:
        past = Past([], most=2)
        past.ticks = [
            (NOW_MS - 9 * 86_400_000, 114_800),
            (NOW_MS - 1_250, 114_811),
            (NOW_MS - 250, 114_816),
            (NOW_MS, 114_814),
        ]
        await past.symbols.load()
        found = await history.ticks(
            cast("Any", past),
            "EUR/USD",
            QuoteSide.BID,
            from_ns=(NOW_MS - 10 * 86_400_000) * 1_000_000,
            until_ns=NOW_MS * 1_000_000,
            progress=past.progress.append,
        )
        assert found == [Tick(at * 1_000_000, D(wire).scaleb(-5)) for at, wire in past.ticks]
        assert past.progress[-1] == 1
        assert past.progress == sorted(past.progress)
        assert {each.type for each in past.of(pb.ProtoOAGetTickDataReq)} == {pb.BID}

    run(main())


def test_only_so_many_ticks_are_kept() -> None:
    async def main() -> None:
        past = Past([])
        past.ticks = [(NOW_MS - each, 100_000 + each) for each in range(50, 0, -1)]
        await past.symbols.load()
        found = await history.ticks(
            cast("Any", past),
            "EUR/USD",
            QuoteSide.ASK,
            from_ns=(NOW_MS - 1000) * 1_000_000,
            until_ns=NOW_MS * 1_000_000,
            limit=10,
        )
        assert [tick.ts_event_ns for tick in found] == [
            (NOW_MS - each) * 1_000_000 for each in range(10, 0, -1)
        ]

    run(main())
