"""Bars: the newest 720 from one call, older ones without a hole from single trades."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from terminal.core.clock import ManualClock
from terminal.domain.errors import ProtocolViolation, Unsupported
from terminal.domain.market import Bar
from terminal.venues.kraken.history import BarHistory, bar_of_row, bars_of_trades
from terminal.venues.kraken.limits import RateLimits
from terminal.venues.kraken.rest import KrakenRest
from terminal.venues.kraken.wire import OhlcRow, PublicTrade
from tests.helpers import capture, run
from tests.unit.venues.kraken.fakes import Call, FakeHttp

RECORDED = "kraken-ohlc.json"
NOW_S = 1_700_000_000 // 86_400 * 86_400
MINUTE = 60 * 10**9


def trade(second: float, price: str, volume: str = "1") -> PublicTrade:
    return PublicTrade(Decimal(price), Decimal(volume), Decimal(str(second)), "b", "m", "", 1)


def history(http: FakeHttp, *, pages: int = 60) -> BarHistory:
    clock = ManualClock(wall_ns=NOW_S * 10**9)
    rest = KrakenRest(http, RateLimits("pro", clock, public_calls_per_s=100_000), clock, read_pauses_s=(0.0,))
    return BarHistory(rest, clock, most_pages=pages)


class Market:
    """A day of trades, one every ``step_s`` seconds but for a quiet hour, behind ``Trades`` and ``OHLC``."""

    def __init__(self, step_s: int = 7) -> None:
        start = NOW_S - 3 * 86_400
        quiet = range(NOW_S - 86_400, NOW_S - 86_400 + 3600)
        self.trades = [
            (second, str(Decimal(30_000) + second % 977), "0.5")
            for second in range(start, NOW_S, step_s)
            if second not in quiet
        ]

    def page(self, call: Call) -> Any:
        since = int(call.query["since"])
        rows = [row for row in self.trades if row[0] * 10**9 > since][:1000]
        last = rows[-1][0] * 10**9 if rows else since
        return {
            "XXBTZUSD": [[price, volume, second, "b", "m", "", second] for second, price, volume in rows],
            "last": str(last),
        }

    def bars(self, interval_s: int) -> dict[int, Bar]:
        all_trades = [trade(second, price, volume) for second, price, volume in self.trades]
        return {bar.open_ns: bar for bar in bars_of_trades(all_trades, interval_s, NOW_S * 10**9)}


def ohlc(count: int) -> Any:
    rows = [[NOW_S - 60 * (count - 1 - n), "5", "6", "4", "5", "5", "1.5", 3] for n in range(count)]
    return {"XXBTZUSD": rows, "last": NOW_S - 60}


def test_krakens_own_row() -> None:
    row = msgspec.json.decode(
        '[1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23]', type=OhlcRow
    )
    assert bar_of_row(row) == Bar(
        1_688_671_200 * 10**9,
        Decimal("30306.1"),
        Decimal("30306.2"),
        Decimal("30305.7"),
        Decimal("30305.7"),
        Decimal("3.39243896"),
        23,
    )


def test_trades_become_bars_and_empty_minutes_repeat_the_close() -> None:
    bars = bars_of_trades(
        [trade(60, "10"), trade(61.5, "12"), trade(119, "9"), trade(240, "11", "2")], 60, 360 * 10**9
    )
    assert [(bar.open_ns // MINUTE, *(int(value) for value in (*bar[1:5], bar.volume))) for bar in bars] == [
        (1, 10, 12, 9, 9, 3),
        (2, 9, 9, 9, 9, 0),
        (3, 9, 9, 9, 9, 0),
        (4, 11, 11, 11, 11, 2),
        (5, 11, 11, 11, 11, 0),
    ]
    assert [bar.trades for bar in bars] == [3, 0, 0, 1, 0]


@pytest.mark.fault(20)
def test_an_impossible_trade_makes_no_bar() -> None:
    with pytest.raises(ValueError):
        bars_of_trades([trade(60, "0")], 60, MINUTE * 10)


def test_the_newest_bars_come_from_one_call() -> None:
    async def main() -> None:
        http = FakeHttp({"OHLC": ohlc(720)})
        heard: list[Decimal] = []
        bars = await history(http).bars("XBTUSD", 60, end_ns=None, limit=100, progress=heard.append)
        assert len(bars) == 100
        assert bars[-1].open_ns == NOW_S * 10**9
        assert heard == [Decimal(1)]
        assert http.calls[0].query == {"pair": "XBTUSD", "interval": "1"}
        older = await history(http).bars("XBTUSD", 60, end_ns=bars[0].open_ns, limit=700, progress=None)
        assert len(older) == 620
        assert older[-1].open_ns == bars[0].open_ns - MINUTE

    run(main())


@pytest.mark.parametrize("interval_s", [60, 300, 1800])
def test_older_bars_are_built_from_trades_without_a_hole(interval_s: int) -> None:
    async def main() -> None:
        market = Market()
        http = FakeHttp({"Trades": market.page, "OHLC": {"XXBTZUSD": [], "last": 0}})
        heard: list[Decimal] = []
        end_ns = (NOW_S - 13 * 3600) * 10**9  # the quiet hour of that day lies in the window
        limit = 43_200 // interval_s
        bars = await history(http).bars(
            "XBTUSD", interval_s, end_ns=end_ns, limit=limit, progress=heard.append
        )
        expected = market.bars(interval_s)
        step_ns = interval_s * 10**9
        assert len(bars) == limit
        assert [bar.open_ns for bar in bars] == list(range(end_ns - limit * step_ns, end_ns, step_ns))
        assert list(bars) == [expected[bar.open_ns] for bar in bars]
        assert heard == sorted(heard)
        assert heard[-1] == 1

    run(main())


def test_reading_stops_at_its_limit_of_pages_and_still_has_no_hole() -> None:
    async def main() -> None:
        market = Market(step_s=1)
        http = FakeHttp({"Trades": market.page})
        end_ns = (NOW_S - 13 * 3600) * 10**9
        bars = await history(http, pages=12).bars("XBTUSD", 60, end_ns=end_ns, limit=720, progress=None)
        assert len(http.calls) <= 12
        assert 0 < len(bars) < 720
        assert bars[-1].open_ns == end_ns - MINUTE
        assert all(later.open_ns - bar.open_ns == MINUTE for bar, later in pairwise(bars))

    run(main())


def test_before_the_first_trade_there_is_nothing() -> None:
    async def main() -> None:
        market = Market()
        http = FakeHttp({"Trades": market.page})
        end_ns = (NOW_S - 10 * 86_400) * 10**9
        assert await history(http).bars("XBTUSD", 60, end_ns=end_ns, limit=100, progress=None) == []

    run(main())


def test_long_bars_older_than_720_are_not_there() -> None:
    async def main() -> None:
        http = FakeHttp({"OHLC": ohlc(2)})
        end_ns = (NOW_S - 800 * 3600) * 10**9
        assert await history(http).bars("XBTUSD", 3600, end_ns=end_ns, limit=10, progress=None) == []

    run(main())


def test_an_interval_kraken_lacks_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(Unsupported):
            await history(FakeHttp()).bars("XBTUSD", 120, end_ns=None, limit=10, progress=None)

    run(main())


@pytest.mark.fault(20)
def test_impossible_bars_are_a_violation() -> None:
    async def main() -> None:
        bad = ohlc(2)
        bad["XXBTZUSD"][0][2] = "NaN"
        with pytest.raises(ProtocolViolation):
            await history(FakeHttp({"OHLC": bad})).bars("XBTUSD", 60, end_ns=None, limit=10, progress=None)

    run(main())


def test_a_recorded_reply_is_read_whole() -> None:
    recorded = capture(RECORDED)

    async def main() -> None:
        result = json.loads(recorded.read_text())["result"]
        clock_s = result["last"] + 60
        rest_clock = ManualClock(wall_ns=clock_s * 10**9)
        rest = KrakenRest(FakeHttp({"OHLC": result}), RateLimits("pro", rest_clock), rest_clock)
        bars = await BarHistory(rest, rest_clock).bars(
            "XBTUSDT", 60, end_ns=None, limit=10_000, progress=None
        )
        assert len(bars) == len(next(value for key, value in result.items() if key != "last"))
        assert all(bar.low <= bar.open <= bar.high for bar in bars)

    run(main())
