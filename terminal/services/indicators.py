"""The arithmetic of indicators: TA-Lib's, made safe for very small prices and for markets that stand still.

TA-Lib is loaded with the first indicator that is computed: nobody who shows none waits for it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from terminal.domain.indicators import IndicatorKind, Values, bars_needed

Floats = NDArray[np.float64]

_OF_A_WINDOW = frozenset(
    {IndicatorKind.SMA, IndicatorKind.BOLLINGER, IndicatorKind.ICHIMOKU, IndicatorKind.STOCHASTIC}
)
"""What depends on the last bars alone; the others smooth on from the first bar of all."""


def compute(
    kind: IndicatorKind, values: Values, high: Floats, low: Floats, close: Floats
) -> tuple[Floats, ...]:
    """The lines of an indicator, each as long as the bars, oldest first; NaN where there is no value.

    Prices are quote units per base unit; so are the lines on the price. MACD and ATR are differences of
    prices, the others per cent. ``values`` are taken to be good ones (``domain.indicators.problem``).
    """
    if not len(close):
        return _lines(kind, values, close, close, close)
    # TA-Lib takes a variance, or a sum of moves, below 1e-14 for none, which a coin of a thousandth of a cent
    # never exceeds; and sums of squares lose the digits that a large price has in common with its neighbours.
    # So it is given distances from the first close, in units in which that is about a million.
    first = float(close[0])
    scale = 2.0 ** (20 - math.frexp(first)[1]) if first else 1.0
    far = [(prices - first) * scale for prices in (high, low, close)]
    lines = _lines(kind, values, *far)
    if kind in (IndicatorKind.SMA, IndicatorKind.EMA, IndicatorKind.BOLLINGER, IndicatorKind.ICHIMOKU):
        return tuple(line / scale + first for line in lines)
    if kind in (IndicatorKind.MACD, IndicatorKind.ATR):
        return tuple(line / scale for line in lines)
    return lines


def renew_last(
    kind: IndicatorKind, values: Values, lines: tuple[Floats, ...], high: Floats, low: Floats, close: Floats
) -> tuple[Floats, ...]:
    """The lines after the last bar alone has moved; ``lines`` are those of before, and may be taken over."""
    needed = bars_needed(kind, values)
    if kind not in _OF_A_WINDOW or len(close) < needed:
        return compute(kind, values, high, low, close)
    ends = compute(kind, values, high[-needed:], low[-needed:], close[-needed:])
    for line, end in zip(lines, ends, strict=True):
        line[-1] = end[-1]
    return lines


def _lines(
    kind: IndicatorKind, values: Values, high: Floats, low: Floats, close: Floats
) -> tuple[Floats, ...]:
    import talib

    whole = [round(value) for value in values]
    match kind:
        case IndicatorKind.SMA:
            return (talib.SMA(close, whole[0]),)
        case IndicatorKind.EMA:
            return (talib.EMA(close, whole[0]),)
        case IndicatorKind.BOLLINGER:
            upper, middle, lower = talib.BBANDS(close, whole[0], values[1], values[1])
            return middle, upper, lower
        case IndicatorKind.ICHIMOKU:
            conversion, base, span_b = (
                (talib.MAX(high, period) + talib.MIN(low, period)) / 2 for period in whole
            )
            return conversion, base, (conversion + base) / 2, span_b, close.copy()
        case IndicatorKind.RSI:
            return (_moved(talib.RSI(close, whole[0]), close),)
        case IndicatorKind.MACD:
            return talib.MACD(close, *whole)
        case IndicatorKind.STOCHASTIC:
            k, d = talib.STOCHF(high, low, close, whole[0], whole[1])
            return _ranged(k, d, high, low, whole[0], whole[1])
        case IndicatorKind.ATR:
            return (talib.ATR(high, low, close, whole[0]),)
        case IndicatorKind.ADX:
            return (talib.ADX(high, low, close, whole[0]),)


def _moved(rsi: Floats, close: Floats) -> Floats:
    """Without a move there is no share of rises: TA-Lib says 0 there, which would read as falls alone."""
    if not (rsi == 0).any():
        return rsi
    never_rose = np.maximum.accumulate(np.diff(close, prepend=close[0])) <= 0
    falls_alone = never_rose & (close < close[0])
    rsi[(rsi == 0) & ~falls_alone] = np.nan
    return rsi


def _ranged(
    k: Floats, d: Floats, high: Floats, low: Floats, period: int, smoothing: int
) -> tuple[Floats, Floats]:
    """Without a range the close has no place in it: TA-Lib says 0 there, the lowest place of all."""
    import talib

    flat = talib.MAX(high, period) == talib.MIN(low, period)
    if not flat.any():
        return k, d
    # A mean of %K has no value as long as one of its parts has none.
    reach = np.convolve(flat, np.ones(smoothing))[: len(flat)] > 0
    return np.where(flat, np.nan, k), np.where(reach, np.nan, d)
