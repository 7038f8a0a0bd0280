"""Indicators of a chart: which there are, what can be set of each, how many bars it needs. No arithmetic.

The defaults are the customary ones. Lines are computed at each bar from it and the bars before it, never from
later ones; some are drawn bars ahead or behind (:func:`shifts`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final

Values = tuple[float, ...]
"""What is set of an indicator, in the order of :attr:`IndicatorInfo.parameters`."""


class IndicatorKind(Enum):
    """The indicators; the values are what a layout's file holds."""

    SMA = "sma"
    EMA = "ema"
    BOLLINGER = "bollinger"
    ICHIMOKU = "ichimoku"
    RSI = "rsi"
    MACD = "macd"
    STOCHASTIC = "stochastic"
    ATR = "atr"
    ADX = "adx"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One figure that a person may set, from ``low`` to ``high``."""

    name: str
    default: float
    low: float = 2
    high: float = 500
    unit: str = "bars"
    decimals: int = 0

    def text(self, value: float) -> str:
        """The figure as its field shows it."""
        return f"{value:.{self.decimals}f}"


@dataclass(frozen=True, slots=True)
class IndicatorInfo:
    """An indicator in words.

    Attributes:
        short: as the legend says it. name: in full. tip: what a trader reads from it, in a sentence.
        lines: the names of its lines; an empty one is the indicator's own.
        on_price: drawn over the bars; otherwise in a pane of its own.
        guides: levels that are marked in its pane.
        bounds: the pane's lowest and highest value where both are fixed.
        in_price: its figures have the digits of a price, of which they are a difference.
    """

    kind: IndicatorKind
    short: str
    name: str
    tip: str
    parameters: tuple[Parameter, ...]
    lines: tuple[str, ...] = ("",)
    on_price: bool = False
    guides: tuple[float, ...] = ()
    bounds: tuple[float, float] | None = None
    in_price: bool = False


_PERCENT: Final = (0.0, 100.0)
_MOST_TIMES: Final = 20

INDICATORS: Final = {
    info.kind: info
    for info in (
        IndicatorInfo(
            IndicatorKind.SMA,
            "SMA",
            "Simple moving average",
            "The mean of the last closes.",
            (Parameter("Period", 20),),
            on_price=True,
        ),
        IndicatorInfo(
            IndicatorKind.EMA,
            "EMA",
            "Exponential moving average",
            "A mean of the closes in which the newest weigh most.",
            (Parameter("Period", 20),),
            on_price=True,
        ),
        IndicatorInfo(
            IndicatorKind.BOLLINGER,
            "Bollinger",
            "Bollinger bands",
            "The mean of the last closes, and how far they scatter around it.",
            (Parameter("Period", 20), Parameter("Width", 2, 0.1, 10, "standard deviations", 1)),
            ("mid", "up", "low"),
            on_price=True,
        ),
        IndicatorInfo(
            IndicatorKind.ICHIMOKU,
            "Ichimoku",
            "Ichimoku cloud",
            "Middles of three ranges; two of them, drawn ahead, make the cloud.",
            (Parameter("Conversion", 9), Parameter("Base", 26), Parameter("Span B", 52)),
            ("conv", "base", "A", "B", "lag"),
            on_price=True,
        ),
        IndicatorInfo(
            IndicatorKind.RSI,
            "RSI",
            "Relative strength index",
            "The share of rises in the last moves; customary marks are 30 and 70.",
            (Parameter("Period", 14),),
            guides=(30.0, 70.0),
            bounds=_PERCENT,
        ),
        IndicatorInfo(
            IndicatorKind.MACD,
            "MACD",
            "Moving average convergence and divergence",
            "A fast mean less a slow one, its own mean, and how far the two are apart.",
            (Parameter("Fast", 12), Parameter("Slow", 26), Parameter("Signal", 9)),
            ("", "sig", "diff"),
            guides=(0.0,),
            in_price=True,
        ),
        IndicatorInfo(
            IndicatorKind.STOCHASTIC,
            "Stoch",
            "Stochastic oscillator",
            "Where the close is in the range of the last bars (%K), and the mean of that (%D).",
            (Parameter("%K period", 14), Parameter("%D period", 3, 1)),
            ("%K", "%D"),
            guides=(20.0, 80.0),
            bounds=_PERCENT,
        ),
        IndicatorInfo(
            IndicatorKind.ATR,
            "ATR",
            "Average true range",
            "How far the price moves in a bar, gaps included.",
            (Parameter("Period", 14),),
            guides=(),
            in_price=True,
        ),
        IndicatorInfo(
            IndicatorKind.ADX,
            "ADX",
            "Average directional index",
            "How strong a trend is, whichever way it goes; the customary mark is 25.",
            (Parameter("Period", 14),),
            guides=(25.0,),
            bounds=_PERCENT,
        ),
    )
}
"""All indicators, in the order in which they are offered."""


def defaults(kind: IndicatorKind) -> Values:
    """What an indicator starts with."""
    return tuple(parameter.default for parameter in INDICATORS[kind].parameters)


def next_free(kind: IndicatorKind, taken: Collection[Values]) -> Values:
    """What one more indicator of a kind starts with: the customary figures, or twice, three times ... those
    periods where such a one is on already (``EMA 20``, then ``EMA 40``)."""
    for times in range(1, _MOST_TIMES):
        values = tuple(
            # Only periods are whole; a width in deviations stays.
            parameter.default * times if parameter.decimals == 0 else parameter.default
            for parameter in INDICATORS[kind].parameters
        )
        if values not in taken and not problem(kind, values):
            return values
    return defaults(kind)


def problem(kind: IndicatorKind, values: Values) -> str:
    """What is wrong with a setting, in one sentence for beside its fields; empty where nothing is."""
    info = INDICATORS[kind]
    if len(values) != len(info.parameters):
        return f"{info.short} takes {len(info.parameters)} figures."
    for parameter, value in zip(info.parameters, values, strict=True):
        if not parameter.low <= value <= parameter.high:
            low, high = parameter.text(parameter.low), parameter.text(parameter.high)
            return f"{parameter.name}: {low} to {high} {parameter.unit}."
        if parameter.decimals == 0 and value != round(value):
            return f"{parameter.name}: whole {parameter.unit} only."
    if kind is IndicatorKind.MACD and not values[0] < values[1]:
        fast, slow = (f"{value:.0f}" for value in values[:2])
        return f"The fast period must be shorter than the slow one: {fast} is not below {slow}."
    return ""


def label(kind: IndicatorKind, values: Values) -> str:
    """As the legend says it: ``RSI 14``, ``Bollinger 20 2``."""
    return " ".join((INDICATORS[kind].short, *(f"{value:g}" for value in values)))


def bars_needed(kind: IndicatorKind, values: Values) -> int:
    """With which bar of a series all lines of an indicator have begun."""
    whole = [round(value) for value in values]
    if kind is IndicatorKind.MACD:
        return whole[1] + whole[2] - 1
    if kind is IndicatorKind.STOCHASTIC:
        return whole[0] + whole[1] - 1
    if kind is IndicatorKind.ICHIMOKU:
        return max(whole)
    if kind is IndicatorKind.ADX:
        return 2 * whole[0]
    if kind in (IndicatorKind.RSI, IndicatorKind.ATR):
        # Both are made of moves from one bar to the next.
        return whole[0] + 1
    return whole[0]


def shifts(kind: IndicatorKind, values: Values) -> tuple[int, ...]:
    """How many bars to the right of its own each line is drawn: Ichimoku's spans stand the base period ahead,
    its lagging line, which is the close, as far behind."""
    if kind is IndicatorKind.ICHIMOKU:
        base = round(values[1])
        return (0, 0, base, base, -base)
    return (0,) * len(INDICATORS[kind].lines)
