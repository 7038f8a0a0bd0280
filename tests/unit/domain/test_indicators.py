"""What can be set of an indicator, and what is said about it."""

from __future__ import annotations

import math

import pytest

from terminal.domain.indicators import (
    INDICATORS,
    IndicatorKind,
    bars_needed,
    defaults,
    label,
    problem,
    shifts,
)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (IndicatorKind.SMA, "SMA 20"),
        (IndicatorKind.EMA, "EMA 20"),
        (IndicatorKind.BOLLINGER, "Bollinger 20 2"),
        (IndicatorKind.ICHIMOKU, "Ichimoku 9 26 52"),
        (IndicatorKind.RSI, "RSI 14"),
        (IndicatorKind.MACD, "MACD 12 26 9"),
        (IndicatorKind.STOCHASTIC, "Stoch 14 3"),
        (IndicatorKind.ATR, "ATR 14"),
        (IndicatorKind.ADX, "ADX 14"),
    ],
)
def test_the_defaults_are_the_customary_ones(kind: IndicatorKind, words: str) -> None:
    assert label(kind, defaults(kind)) == words
    assert problem(kind, defaults(kind)) == ""


def test_every_indicator_is_offered() -> None:
    assert set(INDICATORS) == set(IndicatorKind)


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        (IndicatorKind.RSI, (1,), "Period: 2 to 500 bars."),
        (IndicatorKind.RSI, (501,), "Period: 2 to 500 bars."),
        (IndicatorKind.RSI, (math.nan,), "Period: 2 to 500 bars."),
        (IndicatorKind.RSI, (14.5,), "Period: whole bars only."),
        (IndicatorKind.RSI, (14, 3), "RSI takes 1 figures."),
        (IndicatorKind.BOLLINGER, (20, 0), "Width: 0.1 to 10.0 standard deviations."),
        (
            IndicatorKind.MACD,
            (26, 12, 9),
            "The fast period must be shorter than the slow one: 26 is not below 12.",
        ),
    ],
)
def test_a_bad_setting_is_said_in_a_sentence(
    kind: IndicatorKind, values: tuple[float, ...], sentence: str
) -> None:
    assert problem(kind, values) == sentence


def test_a_width_may_have_a_fraction() -> None:
    assert problem(IndicatorKind.BOLLINGER, (20, 2.5)) == ""
    assert label(IndicatorKind.BOLLINGER, (20, 2.5)) == "Bollinger 20 2.5"


def test_the_cloud_stands_the_base_period_ahead_and_the_lagging_line_as_far_behind() -> None:
    assert shifts(IndicatorKind.ICHIMOKU, (9, 26, 52)) == (0, 0, 26, 26, -26)
    assert all(len(shifts(kind, defaults(kind))) == len(info.lines) for kind, info in INDICATORS.items())


def test_what_an_indicator_needs_is_known_before_it_is_computed() -> None:
    needed = {kind: bars_needed(kind, defaults(kind)) for kind in IndicatorKind}
    assert needed[IndicatorKind.RSI] == 15
    assert needed[IndicatorKind.MACD] == 34
    assert needed[IndicatorKind.ICHIMOKU] == 52
