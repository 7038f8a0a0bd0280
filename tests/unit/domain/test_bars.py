"""Bars: history and the live bar join without a double or a hole."""

from __future__ import annotations

from decimal import Decimal

from terminal.domain.bars import BarSeries
from terminal.domain.market import Bar

MINUTE = 60_000_000_000


def bar(index: int, close: str = "1", trades: int = 1) -> Bar:
    price = Decimal(close)
    return Bar(index * MINUTE, price, price, price, price, Decimal(1), trades)


def test_the_running_bar_is_replaced_and_the_next_appended() -> None:
    series = BarSeries(60)
    series.update(bar(1, "1"))
    series.update(bar(1, "2"))
    series.update(bar(2, "3"))
    assert [item.close for item in series.bars] == [Decimal(2), Decimal(3)]


def test_quiet_intervals_repeat_the_close_without_volume() -> None:
    series = BarSeries(60)
    series.update(bar(1, "7"))
    series.update(bar(4, "9"))
    assert [item.open_ns // MINUTE for item in series.bars] == [1, 2, 3, 4]
    assert series.bars[1].volume == 0
    assert series.bars[2].close == Decimal(7)


def test_a_late_reply_does_not_put_the_running_bar_back() -> None:
    series = BarSeries(60)
    series.update(bar(5, "8", trades=9))
    series.merge([bar(4), bar(5, "7", trades=3)])
    assert series.bars[-1].close == Decimal(8)
    assert len(series.bars) == 2


def test_prepending_keeps_each_interval_once_and_says_how_many() -> None:
    series = BarSeries(60)
    series.merge([bar(5), bar(6)])
    before = series.revision
    assert series.prepend([bar(3), bar(4), bar(5)]) == 2
    assert [item.open_ns // MINUTE for item in series.bars] == [3, 4, 5, 6]
    assert series.prepended == 2
    assert series.revision > before
    assert series.prepend([bar(3)]) == 0


def test_a_correction_of_an_old_bar_tells_the_chart_to_rebuild() -> None:
    series = BarSeries(60)
    series.merge([bar(1), bar(2)])
    before = series.revision
    series.update(bar(1, "5"))
    assert series.bars[0].close == Decimal(5)
    assert series.revision == before + 1
