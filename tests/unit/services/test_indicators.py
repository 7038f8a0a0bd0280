"""Indicators against values worked out by other formulations, and what holds for any prices."""

from __future__ import annotations

import statistics
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from terminal.domain.indicators import INDICATORS, IndicatorKind, Values, bars_needed, defaults
from terminal.services.indicators import compute, renew_last

Floats = NDArray[np.float64]
Prices = tuple[Floats, Floats, Floats]
NAN = float("nan")


def prices(*closes: float, reach: float = 1.0) -> Prices:
    """High, low and close of bars that reach so far beyond their closes."""
    close = np.array(closes, np.float64)
    return close + reach, close - reach, close


def lifelike(count: int, *, start: float = 64_000.0, step: float = 25.0, seed: int = 3) -> Prices:
    rng = np.random.default_rng(seed)
    close = start + np.cumsum(rng.normal(0, step, count))
    return close + rng.random(count) * step, close - rng.random(count) * step, close


def line(kind: IndicatorKind, values: Values, of: Prices, number: int = 0) -> list[float]:
    return [float(value) for value in compute(kind, values, *of)[number]]


def same(found: list[float], wanted: list[float]) -> None:
    assert found == pytest.approx(wanted, nan_ok=True, rel=1e-9, abs=1e-9)


# -- by hand ------------------------------------------------------------------------------------------


def test_sma_by_hand() -> None:
    same(line(IndicatorKind.SMA, (3,), prices(1, 2, 6, 4, 2)), [NAN, NAN, 3, 4, 4])


def test_ema_by_hand_begins_with_the_mean_and_weighs_2_by_period_plus_1() -> None:
    # (1 + 2 + 6) / 3 = 3; 3 + (4 - 3) / 2 = 3.5; 3.5 + (2 - 3.5) / 2 = 2.75
    same(line(IndicatorKind.EMA, (3,), prices(1, 2, 6, 4, 2)), [NAN, NAN, 3, 3.5, 2.75])


def test_bollinger_by_hand_scatters_with_the_deviation_of_all_bars() -> None:
    # Of 2, 4, 9 the mean is 5, the squares of the distances are 9, 1 and 16: the root of 26 / 3.
    found = compute(IndicatorKind.BOLLINGER, (3, 2), *prices(2, 4, 9))
    middle, upper, lower = (float(each[-1]) for each in found)
    assert middle == pytest.approx(5)
    assert upper == pytest.approx(5 + 2 * (26 / 3) ** 0.5)
    assert lower == pytest.approx(5 - 2 * (26 / 3) ** 0.5)


def test_rsi_by_hand() -> None:
    # Moves +1, -1, +2: mean rise 3 / 3, mean fall 1 / 3, so 100 * 3 / 4. Then +1 as Wilder smooths: the rise
    # is (2 * 1 + 1) / 3 = 1, the fall (2 * 1 / 3) / 3 = 2 / 9.
    same(line(IndicatorKind.RSI, (3,), prices(5, 6, 5, 7, 8)), [NAN, NAN, NAN, 75, 100 * 1 / (1 + 2 / 9)])


def test_stochastic_by_hand() -> None:
    # Lows 9, 11, 10 and highs 11, 13, 12: the last close, 11, is 2 above the low of a range of 4.
    found = compute(IndicatorKind.STOCHASTIC, (3, 2), *prices(10, 12, 11, 13))
    # The library begins %K with the first %D.
    same([float(value) for value in found[0]], [NAN, NAN, NAN, 75])
    same([float(value) for value in found[1]], [NAN, NAN, NAN, 62.5])


def test_atr_by_hand_counts_gaps() -> None:
    # Each bar reaches over 2; the jump from 10 to 15 makes 16 - 10 = 6. Then (2 * 4 + 2) / 3 has no gap.
    same(line(IndicatorKind.ATR, (2,), prices(10, 10, 15, 15)), [NAN, NAN, 4, 3])


def test_ichimoku_by_hand() -> None:
    found = compute(IndicatorKind.ICHIMOKU, (2, 3, 4), *prices(10, 14, 12, 20, reach=1))
    # Middles of the ranges of the last 2, 3 and 4 bars: 11 to 21, 11 to 21, 9 to 21.
    assert [float(each[-1]) for each in found] == pytest.approx([16, 16, 16, 15, 20])
    assert [int(np.isnan(each).sum()) for each in found] == [1, 2, 2, 3, 0]


# -- by another formulation ---------------------------------------------------------------------------


def ema_of(values: list[float], period: int, begin: int = 0) -> list[float]:
    """Begins with the mean of ``period`` values from ``begin`` on."""
    out = [NAN] * len(values)
    last = statistics.fmean(values[begin : begin + period])
    out[begin + period - 1] = last
    for at in range(begin + period, len(values)):
        last = last + (values[at] - last) * 2 / (period + 1)
        out[at] = last
    return out


def wilder_of(values: list[float], period: int) -> list[float]:
    """A running mean in which each new value counts one in ``period``, from the first mean on."""
    last = statistics.fmean(values[:period])
    out = [last]
    for value in values[period:]:
        last = (last * (period - 1) + value) / period
        out.append(last)
    return out


def test_macd_is_the_difference_of_two_emas_and_its_own_ema() -> None:
    of = lifelike(120)
    close = [float(value) for value in of[2]]
    # Both means begin at the same bar.
    fast, slow = ema_of(close, 12, 14), ema_of(close, 26)
    wanted = [one - other for one, other in zip(fast, slow, strict=True)]
    signal = [NAN] * 25 + ema_of(wanted[25:], 9)
    macd, its_signal, difference = compute(IndicatorKind.MACD, (12, 26, 9), *of)
    same([float(value) for value in macd][33:], wanted[33:])
    same([float(value) for value in its_signal], signal)
    same([float(value) for value in difference][33:], [wanted[at] - signal[at] for at in range(33, 120)])


def test_rsi_and_atr_are_wilder_s_means() -> None:
    high, low, close = of = lifelike(80)
    moves = [float(b - a) for a, b in pairwise(close)]
    rises = wilder_of([max(move, 0) for move in moves], 14)
    falls = wilder_of([max(-move, 0) for move in moves], 14)
    wanted = [100 * up / (up + down) for up, down in zip(rises, falls, strict=True)]
    same(line(IndicatorKind.RSI, (14,), of)[14:], wanted)
    ranges = [
        float(max(high[at], close[at - 1]) - min(low[at], close[at - 1])) for at in range(1, len(close))
    ]
    same(line(IndicatorKind.ATR, (14,), of)[14:], wilder_of(ranges, 14))


def test_adx_is_the_mean_of_how_one_sided_moves_are() -> None:
    high, low, close = of = lifelike(150)
    period, plus, minus, ranges = 5, [], [], []
    for at in range(1, len(close)):
        up, down = float(high[at] - high[at - 1]), float(low[at - 1] - low[at])
        plus.append(up if up > down and up > 0 else 0.0)
        minus.append(down if down > up and down > 0 else 0.0)
        ranges.append(float(max(high[at], close[at - 1]) - min(low[at], close[at - 1])))

    def running(values: list[float]) -> list[float]:
        total, out = sum(values[: period - 1]), []
        for value in values[period - 1 :]:
            total = total - total / period + value
            out.append(total)
        return out

    one_sided = []
    for up, down, reach in zip(running(plus), running(minus), running(ranges), strict=True):
        more, less = up / reach, down / reach
        one_sided.append(100 * abs(more - less) / (more + less))
    wanted = wilder_of(one_sided, period)
    found = line(IndicatorKind.ADX, (period,), of)
    assert sum(value != value for value in found) == bars_needed(IndicatorKind.ADX, (period,)) - 1
    same(found[2 * period - 1 :], wanted)


# -- what holds for any prices ------------------------------------------------------------------------

closes = st.lists(st.integers(1, 100_000), min_size=1, max_size=80).map(
    lambda ticks: prices(*(tick / 100 for tick in ticks), reach=0.02)
)


@settings(max_examples=40, deadline=None)
@given(of=closes, period=st.integers(2, 20))
def test_means_lie_between_the_lowest_and_the_highest_close(of: Prices, period: int) -> None:
    close = of[2]
    for kind in (IndicatorKind.SMA, IndicatorKind.EMA):
        found = compute(kind, (period,), *of)[0]
        for at in range(period - 1, len(close)):
            seen = close[max(0, at - period + 1) : at + 1] if kind is IndicatorKind.SMA else close[: at + 1]
            assert seen.min() - 1e-7 <= found[at] <= seen.max() + 1e-7


@settings(max_examples=40, deadline=None)
@given(of=closes)
def test_per_cents_stay_within_0_and_100_and_bands_in_their_order(of: Prices) -> None:
    for kind in (IndicatorKind.RSI, IndicatorKind.STOCHASTIC, IndicatorKind.ADX):
        for each in compute(kind, defaults(kind), *of):
            known = each[~np.isnan(each)]
            assert ((known >= -1e-9) & (known <= 100 + 1e-9)).all()
    middle, upper, lower = compute(IndicatorKind.BOLLINGER, (5, 2), *of)
    known = ~np.isnan(middle)
    assert (lower[known] <= middle[known]).all()
    assert (middle[known] <= upper[known]).all()
    assert (compute(IndicatorKind.ATR, (3,), *of)[0][3:] > 0).all(), "every bar here has a range"


@pytest.mark.parametrize("kind", list(IndicatorKind))
@settings(max_examples=15, deadline=None)
@given(of=closes, last=st.integers(1, 100_000))
def test_the_forming_bar_changes_the_last_value_alone(kind: IndicatorKind, of: Prices, last: int) -> None:
    before = compute(kind, defaults(kind), *of)
    moved = [each.copy() for each in of]
    for each, away in zip(moved, (0.02, -0.02, 0.0), strict=True):
        each[-1] = last / 100 + away
    after = compute(kind, defaults(kind), *moved)
    for one, other in zip(before, after, strict=True):
        if len(one) > 1:
            np.testing.assert_array_equal(one[:-1], other[:-1])


@pytest.mark.parametrize("kind", list(IndicatorKind))
@settings(max_examples=15, deadline=None)
@given(of=closes, last=st.integers(1, 100_000))
def test_a_renewed_end_is_what_the_whole_series_gives(kind: IndicatorKind, of: Prices, last: int) -> None:
    values = tuple(min(value, 6.0) if kind is not IndicatorKind.MACD else value for value in defaults(kind))
    before = compute(kind, values, *of)
    for each, away in zip(of, (0.02, -0.02, 0.0), strict=True):
        each[-1] = last / 100 + away
    renewed = renew_last(kind, values, before, *of)
    for one, other in zip(renewed, compute(kind, values, *of), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("kind", list(IndicatorKind))
def test_there_are_values_from_the_bar_on_that_is_said_and_one_for_every_bar(kind: IndicatorKind) -> None:
    values = defaults(kind)
    needed = bars_needed(kind, values)
    found = compute(kind, values, *lifelike(needed))
    assert len(found) == len(INDICATORS[kind].lines)
    assert all(len(each) == needed and not np.isnan(each[-1]) for each in found)
    short = compute(kind, values, *lifelike(needed - 1))
    assert any(np.isnan(each).all() for each in short)
    assert all(len(each) == 0 for each in compute(kind, values, *prices()))


@pytest.mark.parametrize("kind", list(IndicatorKind))
def test_a_coin_of_a_millionth_of_a_cent_has_the_same_picture_as_a_large_one(kind: IndicatorKind) -> None:
    large = lifelike(120)
    small = tuple(each * 2.0**-50 for each in large)
    for one, other in zip(
        compute(kind, defaults(kind), *large), compute(kind, defaults(kind), *small), strict=True
    ):
        factor = 1.0 if INDICATORS[kind].bounds is not None else 2.0**-50
        np.testing.assert_allclose(other, one * factor, rtol=1e-9)
        assert np.nanstd(other) > 0


# -- markets that stand still -------------------------------------------------------------------------


def test_a_market_without_a_move_has_no_rsi_rather_than_the_lowest() -> None:
    flat = prices(*[5.0] * 30)
    assert np.isnan(compute(IndicatorKind.RSI, (14,), *flat)[0]).all()
    quiet = prices(*lifelike(40)[2], *[64_000.0] * 800)
    assert all(0 < value < 100 for value in line(IndicatorKind.RSI, (14,), quiet)[14:]), "as it was before"
    falling = prices(*range(60, 20, -1))
    assert line(IndicatorKind.RSI, (14,), falling)[-1] == 0


def test_a_range_of_nothing_has_no_stochastic_rather_than_the_lowest() -> None:
    still = prices(1, 2, 3, 3, 3, 3, 4, reach=0)
    k, d = (list(map(float, each)) for each in compute(IndicatorKind.STOCHASTIC, (2, 2), *still))
    same(k, [NAN, NAN, 100, NAN, NAN, NAN, 100])
    same(d, [NAN, NAN, 100, NAN, NAN, NAN, NAN])


def test_nobody_waits_for_the_library_who_shows_no_indicator() -> None:
    code = "import sys, terminal.viewmodels.chart, terminal.widgets.chart; print('talib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"
