"""The past by pages, signals in both forms, and single prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from terminal.domain.market import Side
from terminal.venues.base import VenueSignal
from terminal.venues.quotex.assets import Assets
from terminal.venues.quotex.deals import Deals
from terminal.venues.quotex.feeds import read_candles, read_ticks
from terminal.venues.quotex.records import Records
from terminal.venues.quotex.signals import read_signals
from tests.helpers import run
from tests.unit.venues.quotex.test_assets import row

D = Decimal
NS = 10**9


def ended(number: int, ends_s: int, profit: str = "4.35") -> dict[str, Any]:
    return {
        "ticket": f"d{number}",
        "asset": "EURUSD_otc",
        "amount": "5.00",
        "profitAmount": profit,
        "percentProfit": 87,
        "command": 0,
        "openPrice": "1.08342",
        "closePrice": "1.08361",
        "openTimestamp": ends_s - 60,
        "closeTimestamp": ends_s,
    }


class Pages:
    """A site with two deals a page, newest first."""

    def __init__(self, ends_s: Sequence[int]) -> None:
        self.rows = [ended(number, end) for number, end in enumerate(ends_s)]
        self.asked: list[int] = []

    async def __call__(self, page: int) -> Sequence[Mapping[str, Any]]:
        self.asked.append(page)
        return self.rows[2 * page - 2 : 2 * page]


def records(pages: Pages) -> Records:
    assets = Assets()
    assets.take([row()])
    return Records(Deals(assets), pages)


def test_every_deal_comes_once_and_those_of_one_second_together() -> None:
    # Five in the same second lie over three pages.
    ends = [900, 800, 700, 700, 700, 700, 700, 500, 400]
    found = records(Pages(ends))

    async def main() -> None:
        until: int | None = None
        parts = []
        while True:
            page = await found.fills(until)
            parts.append([fill.position_id for fill in page.fills if fill.realised is not None])
            if page.earlier_ns is None:
                break
            until = page.earlier_ns
        assert parts[:2] == [["d0", "d1"], ["d2", "d3", "d4", "d5", "d6"]]
        assert [each for part in parts for each in part] == [f"d{number}" for number in range(len(ends))]

    run(main())


def test_a_page_that_was_reached_is_where_it_goes_on() -> None:
    pages = Pages([900 - 10 * number for number in range(20)])
    found = records(pages)

    async def main() -> None:
        first = await found.orders(None)
        assert [report.venue_order_id for report in first.orders] == ["d0:end", "d1:end", "d0", "d1"]
        second = await found.orders(first.earlier_ns)
        pages.asked.clear()
        # Two more have ended meanwhile: the rest has moved to later pages.
        pages.rows[:0] = [ended(98, 990), ended(99, 980)]
        third = await found.orders(second.earlier_ns)
        assert {report.position_id for report in third.orders} == {"d4", "d5"}
        assert 1 not in pages.asked

    run(main())


def test_rows_that_cannot_be_read_are_left_out() -> None:
    pages = Pages([900, 800])
    pages.rows[0]["profitAmount"] = "much"
    assert [fill.position_id for fill in run(records(pages).fills(None)).fills] == ["d1", "d1"]


@pytest.mark.parametrize(
    "told", [[{"signal": 1, "timeFrame": 60}], [[60, 1]]], ids=["newer form", "older form"]
)
def test_signals_in_both_forms(told: list[Any]) -> None:
    data = {
        "time": 1795174700,
        "signals": [["EURUSD_otc", told, 1795174760], ["X"], 5, ["Y", [{"signal": 3}], 1]],
    }
    assert read_signals(data) == {"EURUSD_otc": VenueSignal(Side.BUY, 60, 1795174760 * NS, 1795174700 * NS)}
    assert read_signals(None) == read_signals({"signals": 3}) == {}


def test_a_signal_without_an_end_is_worth_nothing_once_it_has_run_for_its_length() -> None:
    (found,) = read_signals({"time": 1795174700, "signals": [["X", [[120, 0]]]]}).values()
    assert (found.until_ns, found.ends_ns) == (None, 1795174820 * NS)
    (found,) = read_signals({"signals": [["X", [[120, 0]]]]}).values()
    assert found.ends_ns is None
    assert VenueSignal(Side.BUY, 60, 5, 1).ends_ns == 5


def test_candles_and_single_prices_of_the_wire() -> None:
    (bar,) = read_candles([[1795174680, D("1.0833"), D("1.0834"), D("1.0835"), D("1.0832"), 87], [1, 2], "x"])
    # Time, open, close, high, low, ticks: in this order.
    assert (bar.open, bar.close, bar.high, bar.low, bar.volume) == (
        *(D("1.0833"), D("1.0834"), D("1.0835"), D("1.0832"), D(87)),
    )
    named = {"time": 1795174740, "open": 1, "close": 2, "high": 2, "low": 1}
    assert [each.open_ns // NS for each in read_candles([named, [1795174680, 1, 2, 2, 1]])] == [
        *(1795174680, 1795174740),
    ]
    assert read_candles([[1, 5, 5, 4, 3], [1, 5, 5, 6, "low"]]) == [], "impossible ones"
    assert read_ticks([[2, D("1.1"), 1], [1, D("1.2")], [3], [4, 0]]) == [(NS, D("1.2")), (2 * NS, D("1.1"))]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({}, "won"),
        ({"profitAmount": "4.34"}, "won"),
        ({"profitAmount": "1.20"}, "sold back"),
        ({"profitAmount": "-5.00", "closePrice": "1.08300"}, "lost"),
        ({"profitAmount": "-2.10", "closePrice": "1.08300"}, "sold back"),
        ({"profitAmount": "-2.50", "closePrice": "1.08300", "percentLoss": 50}, "lost"),
        ({"profitAmount": "0.00", "closePrice": "1.08342"}, "tied"),
        ({"profitAmount": "0.00"}, "sold back"),
        ({"refundTimestamp": 890}, "sold back"),
        ({"percentProfit": None, "profitAmount": "3.00"}, "won"),
    ],
)
def test_what_a_deal_of_the_past_brought_says_whether_it_was_given_back(
    told: dict[str, object], reason: str
) -> None:
    pages = Pages([900])
    pages.rows[0].update(told)
    page = run(records(pages).orders(None))
    assert [each.reason for each in page.orders if each.reduce_only] == [reason]
