from __future__ import annotations

from decimal import Decimal
from typing import Any

from terminal.domain.events import BarUpdate
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Bar, Quote
from terminal.venues.ctrader import openapi_pb2 as pb
from terminal.venues.ctrader.spots import PERIODS, Spot, bar_of
from terminal.venues.ctrader.units import price

D = Decimal
EURUSD = InstrumentId("ctrader", "EUR/USD")


def event(**fields: Any) -> pb.ProtoOASpotEvent:
    return pb.ProtoOASpotEvent(ctidTraderAccountId=1, symbolId=1, **fields)


class Watched:
    def __init__(self, digits: int = 5) -> None:
        self.quotes: list[Quote] = []
        self.bars: list[BarUpdate] = []
        self.spot = Spot(EURUSD, digits)
        self.spot.emit_quote = self.quotes.append

    def take(self, **fields: Any) -> Quote:
        self.spot.take(event(**fields), 5)
        self.spot.tell(5)
        return self.quotes[-1]


def test_a_side_that_is_not_in_the_event_still_stands() -> None:
    watched = Watched()
    first = watched.take(bid=114_814, ask=114_816, timestamp=1_700_000_000_000)
    assert (first.bid, first.ask, first.ts_event_ns) == (
        D("1.14814"),
        D("1.14816"),
        1_700_000_000_000_000_000,
    )
    assert (watched.take(bid=114_810).bid, watched.take(ask=114_817).bid) == (D("1.14810"), D("1.14810"))
    last = watched.quotes[-1]
    assert (last.ask, last.ts_event_ns) == (D("1.14817"), None)


def test_a_side_that_was_never_heard_of_is_not_zero() -> None:
    quote = Watched().take(ask=114_816)
    assert quote.bid is None
    assert quote.change_24h is None


def test_the_change_is_against_the_close_of_the_session_before() -> None:
    watched = Watched()
    watched.take(bid=110_000, ask=110_002, sessionClose=100_000)
    quote = watched.take(bid=99_000)
    assert quote.change_24h == D("-0.01000")
    assert quote.change_24h_pct == D("-1.0000")
    again = watched.take(ask=99_005)
    assert again.change_24h == D("-0.01000")
    assert watched.take(sessionClose=99_000).change_24h == 0


def test_several_events_of_one_reading_are_told_once() -> None:
    watched = Watched()
    watched.spot.take(event(bid=114_814, ask=114_816), 5)
    watched.spot.take(event(bid=114_815), 5)
    watched.spot.tell(5)
    (quote,) = watched.quotes
    assert (quote.bid, quote.ask) == (D("1.14815"), D("1.14816"))


def test_prices_are_at_the_symbols_digits_also_where_these_come_later() -> None:
    watched = Watched()
    watched.take(bid=2_528_164_000)
    watched.spot.set_digits(2)
    assert str(watched.take(ask=2_528_200_000).bid) == "25281.64"


def test_a_live_bar_closes_at_the_events_bid() -> None:
    watched = Watched()
    watched.spot.bars[pb.M1] = watched.bars.append
    bar: dict[str, Any] = {
        "volume": 40,
        "period": pb.M1,
        "low": 114_791,
        "deltaOpen": 22,
        "deltaHigh": 44,
        "utcTimestampInMinutes": 29_828_535,
    }
    other = {**bar, "period": pb.H1}
    watched.take(bid=114_826, trendbar=[bar, other])
    (update,) = watched.bars
    assert update.interval_s == 60
    assert update.bar == Bar(
        1_789_712_100_000_000_000, D("1.14813"), D("1.14835"), D("1.14791"), D("1.14826"), D(40), 40
    )
    watched.take(ask=114_830)
    assert len(watched.bars) == 1


def test_a_bid_beyond_its_own_bar_widens_it() -> None:
    watched = Watched()
    watched.spot.bars[pb.M1] = watched.bars.append
    bar: dict[str, Any] = {
        "volume": 1,
        "period": pb.M1,
        "low": 100,
        "deltaHigh": 5,
        "utcTimestampInMinutes": 1,
    }
    watched.take(bid=110, trendbar=[bar])
    watched.take(bid=90, trendbar=[bar])
    assert [update.bar.high for update in watched.bars] == [D("0.00110"), D("0.00105")]
    assert [update.bar.low for update in watched.bars] == [D("0.00100"), D("0.00090")]


def test_a_bar_that_lacks_its_low_or_its_time_is_passed_over() -> None:
    watched = Watched()
    watched.spot.bars[pb.M1] = watched.bars.append
    watched.take(bid=110, trendbar=[{"volume": 1, "period": pb.M1, "low": 100}])
    watched.take(bid=110, trendbar=[{"volume": 1, "period": pb.M1, "utcTimestampInMinutes": 1}])
    assert not watched.bars


def test_a_bar_of_the_past_has_its_own_close() -> None:
    row = pb.ProtoOATrendbar(
        volume=40, low=114_791, deltaOpen=22, deltaHigh=44, deltaClose=35, utcTimestampInMinutes=29_828_535
    )
    bar = bar_of(row, lambda wire: price(wire, 5))
    assert (bar.open, bar.high, bar.low, bar.close) == (
        D("1.14813"),
        D("1.14835"),
        D("1.14791"),
        D("1.14826"),
    )
    flat = bar_of(pb.ProtoOATrendbar(volume=1, low=7, utcTimestampInMinutes=1), lambda wire: price(wire, 5))
    assert flat.open == flat.high == flat.low == flat.close == D("0.00007")


def test_every_period_of_the_venue_has_a_length() -> None:
    assert sorted(PERIODS.values()) == sorted(pb.ProtoOATrendbarPeriod.values())
