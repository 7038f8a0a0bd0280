"""How far one price is from another of the same thing, and how much later it moves. No Qt, no clock.

Prices stand until the next one comes, so both are read off at the same moments. For the lag their moves over
a second are laid over each other, shifted bit by bit: where they agree best is how much later the one moves.
Nothing is told where there are too few moves, where they do not agree, or where the two halves of the time
disagree about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Series = tuple[Times, Floats]
"""Times in nanoseconds, ascending, and the price from each of them on."""

STEP_NS: Final = 20_000_000
_MOVE_STEPS: Final = 50
_MOST_STEPS: Final = 150
"""Three seconds: what is later than that is another story than a lag."""
_LEAST_NS: Final = 60_000_000_000
_FEWEST_MOVES: Final = 20
_FEWEST_IN_HALF: Final = 8
_AGREE: Final = 0.5
"""Least correlation of the moves at the best shift."""
_ELSEWHERE: Final = 0.6
"""Most of that which there may be farther away: a second peak as high would be as good an answer."""
_APART_STEPS: Final = 75
_HALVES_STEPS: Final = 15
_SECOND_NS: Final = 1_000_000_000
_SEEN_S: Final = 10
"""So many seconds of both prices make a difference."""


def series_of(points: Sequence[tuple[int, float]]) -> Series:
    """Times and prices as arrays."""
    return (
        np.fromiter((at for at, _ in points), np.int64, len(points)),
        np.fromiter((price for _, price in points), np.float64, len(points)),
    )


def deviation(own: Series, other: Series, end_ns: int, span_ns: int) -> float | None:
    """How far the own price was above the other one (below: negative) in the last ``span_ns`` until
    ``end_ns``: the median, looked at once a second. None before both were there for ten seconds."""
    if not len(own[0]) or not len(other[0]):
        return None
    start = max(int(own[0][0]), int(other[0][0]), end_ns - span_ns)
    moments = np.arange(start, end_ns + 1, _SECOND_NS, dtype=np.int64)
    if len(moments) <= _SEEN_S:
        return None
    return float(np.median(_at(own, moments) - _at(other, moments)))


def lag_ms(own: Series, other: Series) -> float | None:
    """How much later the own price moves than the other one, in ms; negative: it moves first. None where the
    prices do not show it."""
    if not len(own[0]) or not len(other[0]):
        return None
    start = max(int(own[0][0]), int(other[0][0]))
    end = max(int(own[0][-1]), int(other[0][-1]))
    if end - start < _LEAST_NS:
        return None
    moments = np.arange(start, end, STEP_NS, dtype=np.int64)
    one, two = _at(own, moments), _at(other, moments)
    whole = _best_shift(one, two, _FEWEST_MOVES)
    if whole is None:
        return None
    middle = len(moments) // 2
    for part in (slice(None, middle), slice(middle, None)):
        half = _best_shift(one[part], two[part], _FEWEST_IN_HALF)
        if half is None or abs(half - whole) > _HALVES_STEPS:
            return None
    return whole * STEP_NS / 1e6


def _at(series: Series, moments: Times) -> Floats:
    """The price that stood at each moment."""
    times, prices = series
    return prices[np.maximum(np.searchsorted(times, moments, side="right") - 1, 0)]


def _best_shift(own: Floats, other: Floats, fewest: int) -> int | None:
    """By how many steps the own moves come later; None where that is not plain."""
    if min(np.count_nonzero(np.diff(own)), np.count_nonzero(np.diff(other))) < fewest:
        return None
    mine = own[_MOVE_STEPS:] - own[:-_MOVE_STEPS]
    theirs = other[_MOVE_STEPS:] - other[:-_MOVE_STEPS]
    if len(mine) <= 2 * _MOST_STEPS:
        return None
    mine, theirs = mine - mine.mean(), theirs - theirs.mean()
    # The middle of the other's moves against each shifted stretch of the own ones.
    kept = theirs[_MOST_STEPS : len(theirs) - _MOST_STEPS]
    squares = np.concatenate(([0.0], np.cumsum(mine * mine)))
    sums = np.maximum(squares[len(kept) :] - squares[: -len(kept)], 0.0)
    sizes = np.sqrt(sums * float(kept @ kept))
    if not sizes.all():
        return None
    agreement = np.correlate(mine, kept, "valid") / sizes
    best = int(agreement.argmax())
    if agreement[best] < _AGREE or best in (0, len(agreement) - 1):
        return None
    places = np.arange(len(agreement))
    far = agreement[np.abs(places - best) > _APART_STEPS]
    if len(far) and far.max() > _ELSEWHERE * agreement[best]:
        return None
    return best - _MOST_STEPS
