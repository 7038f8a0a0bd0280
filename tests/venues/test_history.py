"""Bars of the past: every interval, and further back than one answer reaches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import pytest

from terminal.domain.market import Bar, FeedKind
from terminal.venues import registry
from tests.helpers import run
from tests.practice import Practice
from tests.venues.kit import desk, skip_without, watching


def require_whole(bars: Sequence[Bar], interval_s: int, slack_s: int) -> None:
    """In order, without a hole, on the grid, and possible."""
    step_ns, slack_ns = interval_s * 10**9, slack_s * 10**9
    opens = [bar.open_ns for bar in bars]
    assert all(abs(after - before - step_ns) <= slack_ns for before, after in pairwise(opens))
    for bar in bars:
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume >= 0


def intervals(practice: Practice) -> tuple[int, ...]:
    return registry.info(practice.venue).capabilities.bar_intervals_s


def test_recent_bars_of_every_interval(practice: Practice) -> None:
    skip_without(practice, "bar_intervals_s", intervals(practice))

    async def main() -> None:
        async with desk(practice, watching(practice), quotes=False) as found:
            for interval_s in intervals(practice):
                bars = await found.connector.bars(found.symbol, interval_s)
                assert len(bars) > 100, interval_s
                slack_s = found.sample.slack_s(interval_s)
                require_whole(bars, interval_s, slack_s)
                now_ns = time.time_ns()
                assert bars[-1].open_ns <= now_ns < bars[-1].open_ns + (interval_s + slack_s + 5) * 10**9
                some = await found.connector.bars(found.symbol, interval_s, limit=10)
                if some[-1].open_ns > bars[-1].open_ns:
                    # A bar has begun between the two questions.
                    bars = await found.connector.bars(found.symbol, interval_s)
                assert [bar.open_ns for bar in some] == [bar.open_ns for bar in bars[-10:]]

    run(main())


@pytest.mark.parametrize("interval_s", [60, 300])
def test_scrolling_back_further_than_one_answer_reaches(interval_s: int, practice: Practice) -> None:
    skip_without(practice, "bar_intervals_s", interval_s in intervals(practice), str(interval_s))
    reaches = registry.info(practice.venue).capabilities.bars_reach_back
    skip_without(practice, "bars_reach_back", reaches)

    async def main() -> None:
        async with desk(practice, watching(practice), quotes=False) as found:
            bars = list(await found.connector.bars(found.symbol, interval_s))
            reached = bars[0].open_ns
            parts: list[Decimal] = []
            # How far one question reaches where bars are built from trades depends on how many there were.
            scrolled = 0
            while scrolled < 2 or bars[0].open_ns >= reached - 400 * interval_s * 10**9:
                scrolled += 1
                assert scrolled <= 10, "it never gets further back"
                older = await found.connector.bars(
                    found.symbol, interval_s, end_ns=bars[0].open_ns, limit=240, progress=parts.append
                )
                assert older, "the venue has more"
                assert older[-1].open_ns == bars[0].open_ns - interval_s * 10**9
                bars = [*older, *bars]
            require_whole(bars, interval_s, found.sample.slack_s(interval_s))
            assert len({bar.open_ns for bar in bars}) == len(bars)
            assert parts[-1] == 1
            assert all(0 <= part <= 1 for part in parts)
            # Where the two sources meet, the price goes on from where it was.
            seam = next(index for index, bar in enumerate(bars) if bar.open_ns == reached)
            before, after = bars[seam - 1], bars[seam]
            assert abs(after.open / before.close - 1) < Decimal("0.01")

    run(main())


def test_bars_of_the_finest_record_are_the_bars_that_the_venue_tells(practice: Practice) -> None:
    skip_without(practice, "bar_intervals_s", 60 in intervals(practice), "60")
    reaches = registry.info(practice.venue).capabilities.bars_reach_back
    skip_without(practice, "bars_reach_back", reaches)

    async def main() -> None:
        async with desk(practice, watching(practice), quotes=False) as found:
            known = {bar.open_ns: bar for bar in await found.connector.bars(found.symbol, 60)}
            # Built from single trades or ticks, of a time that the venue tells bars of as well.
            end_ns = min(known) + 120 * 60 * 10**9
            built = await found.sample.rebuild(found.connector, found.symbol, end_ns, 60)
            assert len(built) == 60
            for before, bar in pairwise(built):
                theirs = known[bar.open_ns]
                assert bar.close == theirs.close
                if FeedKind.TRADES in found.can.feeds:
                    assert (bar.high, bar.low, bar.volume) == (theirs.high, theirs.low, theirs.volume)
                else:
                    # Ticks are changes: what stood before may have been quoted again. A volume counts the
                    # changes of one side or of both.
                    assert theirs.high in (bar.high, max(bar.high, before.close))
                    assert theirs.low in (bar.low, min(bar.low, before.close))

    run(main())


def test_longer_bars_are_made_of_shorter_ones(practice: Practice) -> None:
    both = {60, 300} <= set(intervals(practice))
    skip_without(practice, "bar_intervals_s", both, "one and five minutes")

    async def main() -> None:
        async with desk(practice, watching(practice), quotes=False) as found:
            minutes = {bar.open_ns: bar for bar in await found.connector.bars(found.symbol, 60)}
            fives = await found.connector.bars(found.symbol, 300)
            compared = 0
            for five in fives[-100:-2]:
                parts = [minutes.get(five.open_ns + n * 60 * 10**9) for n in range(5)]
                whole = [part for part in parts if part is not None]
                if len(whole) < 5:
                    continue
                compared += 1
                assert five.high == max(part.high for part in whole)
                assert five.low == min(part.low for part in whole)
                assert five.volume == sum(part.volume for part in whole)
            assert compared > 50

    run(main())
