"""The indicators of a chart: which are on, what is set of each, their lines at the bars, and their panes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
from PySide6.QtCore import QObject, Signal

from terminal.domain import indicators as known
from terminal.domain.indicators import INDICATORS, IndicatorInfo, IndicatorKind, Values
from terminal.services.indicators import compute, renew_last
from terminal.viewmodels import format as fmt
from terminal.viewmodels.chart_bars import CLOSE, HIGH, LOW, BarArrays, Floats
from terminal.viewmodels.chart_scale import PriceScale, Viewport

MOST: Final = 12
"""More indicators than this are told apart by nobody."""
STYLES: Final = ("lime", "violet", "ochre", "rose", "grey")
"""The names of the looks, each with a dash and a width of its own; the widgets know how they look."""
PANE_LEAST_PX: Final = 44
PRICE_LEAST_PX: Final = 120
_PANE_SHARE: Final = 0.2
# The prices make room for bands and clouds, but the bars keep at least half of the height.
_MOST_ROOM: Final = 0.5
# A pane's scale stays as long as its lines fill so much of it: one that follows every tick would tremble.
_LEAST_FILLED: Final = 0.55
_ROOM: Final = 0.12
# Up to so many digits a small figure is written out: it is compared with its neighbours.
_PLAIN_DECIMALS: Final = 7
_KIND: Final = {kind.value: kind for kind in IndicatorKind}


@dataclass(frozen=True, slots=True)
class ShownIndicator:
    """One indicator of a chart. ``key`` is its own as long as it is on; ``style``: of :data:`STYLES`."""

    key: int
    kind: IndicatorKind
    values: Values
    style: int = 0
    hidden: bool = False

    @property
    def info(self) -> IndicatorInfo:
        return INDICATORS[self.kind]

    @property
    def label(self) -> str:
        """``RSI 14``."""
        return known.label(self.kind, self.values)


class IndicatorLine(NamedTuple):
    """A line's values, one a bar (NaN: none), drawn ``shift`` bars to the right of their own."""

    values: Floats
    shift: int

    def at(self, bar: int) -> float | None:
        """The value drawn at a bar, also one to come; None where there is none."""
        index = bar - self.shift
        if not 0 <= index < len(self.values) or math.isnan(self.values[index]):
            return None
        return float(self.values[index])

    def seen(self, viewport: Viewport) -> Floats:
        """The values that are drawn in sight."""
        first = math.floor(viewport.index_at(0)) - self.shift
        stop = math.ceil(viewport.right) + 1 - self.shift
        return self.values[max(0, first) : max(0, stop)]


class Legend(NamedTuple):
    """An indicator in words, for the bar that is pointed at."""

    label: str
    figures: tuple[tuple[str, str], ...]
    """(line's name, value); a dash where there is no value."""
    note: str
    """Why it shows nothing, or not all: ``needs 15 bars``, ``hidden``; else empty."""


class ChartIndicators(QObject):
    """What one chart shows beside its bars.

    Signals:
        changed: an indicator was added, changed or removed, or a pane got another height.
        chosen: the same by a person's hand; remember it with the layout.

    Attributes:
        shown: the indicators in the order they were added.
        revision: grows with everything that makes a picture out of date, but for the values of the last bar.
    """

    changed = Signal()
    chosen = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.shown: tuple[ShownIndicator, ...] = ()
        self.revision = 0
        self._shares: dict[int, float] = {}
        self._scales: dict[int, PriceScale] = {}
        self._lines: dict[int, tuple[IndicatorLine, ...]] = {}
        self._synced: tuple[object, ...] = ()
        self._count = 0
        self._next = 1

    # -- what a person does ---------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """No more can be added."""
        return len(self.shown) >= MOST

    def add(self, kind: IndicatorKind) -> int | None:
        """Show an indicator with its customary setting, or with the next one where that is on already, in a
        look that is free. Returns its key; None where no more can be added."""
        if self.is_full:
            return None
        taken = [each.style for each in self.shown]
        style = min(range(len(STYLES)), key=lambda each: (taken.count(each), each))
        values = known.next_free(kind, [each.values for each in self.shown if each.kind is kind])
        one = ShownIndicator(self._next, kind, values, style)
        self._next += 1
        self._put((*self.shown, one))
        return one.key

    def change(
        self,
        key: int,
        *,
        values: Values | None = None,
        style: int | None = None,
        hidden: bool | None = None,
    ) -> str:
        """Set an indicator otherwise. Returns what is wrong with that, in a sentence, and changes nothing
        then."""
        one = self.find(key)
        if one is None:
            return "This indicator has been removed."
        if values is not None and (wrong := known.problem(one.kind, values)):
            return wrong
        new = replace(
            one,
            values=one.values if values is None else values,
            style=one.style if style is None else style % len(STYLES),
            hidden=one.hidden if hidden is None else hidden,
        )
        if new != one:
            self._put(tuple(new if each is one else each for each in self.shown))
        return ""

    def remove(self, key: int) -> None:
        """Show an indicator no longer."""
        if self.find(key) is not None:
            self._shares.pop(key, None)
            self._put(tuple(each for each in self.shown if each.key != key))

    def _put(self, shown: tuple[ShownIndicator, ...]) -> None:
        self._take(shown)
        self.chosen.emit()

    def _take(self, shown: tuple[ShownIndicator, ...]) -> None:
        self.shown = shown
        self.revision += 1
        keys = {each.key for each in shown}
        self._scales = {key: scale for key, scale in self._scales.items() if key in keys}
        self._synced = ()
        self.changed.emit()

    def find(self, key: int) -> ShownIndicator | None:
        """An indicator by its key."""
        return next((each for each in self.shown if each.key == key), None)

    # -- kept with the layout -------------------------------------------------------------------------

    def kept(self) -> object:
        """What to remember of it, as JSON can hold it."""
        return [
            {
                "kind": one.kind.value,
                "values": list(one.values),
                "style": one.style,
                "hidden": one.hidden,
                **({"share": self._shares[one.key]} if one.key in self._shares else {}),
            }
            for one in self.shown
        ]

    def restore(self, kept: object) -> None:
        """Show what was remembered; what this program does not know of it is left out."""
        shown: list[ShownIndicator] = []
        self._shares = {}
        for each in kept if isinstance(kept, list) else ():
            one = self._read(each)
            if one is not None and len(shown) < MOST:
                shown.append(one)
        self._take(tuple(shown))

    def _read(self, kept: object) -> ShownIndicator | None:
        entry: dict[str, Any] = kept if isinstance(kept, dict) else {}
        kind, values = _KIND.get(str(entry.get("kind"))), entry.get("values")
        style, hidden, share = entry.get("style"), entry.get("hidden"), entry.get("share")
        if kind is None or not isinstance(values, list):
            return None
        if not all(isinstance(value, int | float) for value in values):
            return None
        figures = tuple(float(value) for value in values)
        if known.problem(kind, figures):
            return None
        key, self._next = self._next, self._next + 1
        if isinstance(share, float) and 0 < share < 1:
            self._shares[key] = share
        number = style % len(STYLES) if isinstance(style, int) else 0
        return ShownIndicator(key, kind, figures, number, hidden is True)

    # -- values ---------------------------------------------------------------------------------------

    def sync(self, bars: BarArrays) -> None:
        """Compute what is on anew where the bars have changed."""
        if not self.shown:
            self._lines = {}
            return
        count = self._count = bars.count
        last = tuple(float(bars.column(field)[-1]) for field in (HIGH, LOW, CLOSE)) if count else ()
        now = (bars.version, count, last)
        if now == self._synced:
            return
        only_last, self._synced = self._synced[:2] == now[:2], now
        columns = [bars.column(field) for field in (HIGH, LOW, CLOSE)]
        self._lines = {
            one.key: self._compute(one, columns, only_last=only_last) for one in self.shown if not one.hidden
        }

    def _compute(
        self, one: ShownIndicator, columns: list[Floats], *, only_last: bool
    ) -> tuple[IndicatorLine, ...]:
        before = self._lines.get(one.key)
        if only_last and before is not None:
            old = tuple(line.values for line in before)
            found = renew_last(one.kind, one.values, old, *columns)
        else:
            found = compute(one.kind, one.values, *columns)
        shifts = known.shifts(one.kind, one.values)
        return tuple(IndicatorLine(values, shift) for values, shift in zip(found, shifts, strict=True))

    def lines(self, key: int) -> tuple[IndicatorLine, ...]:
        """The lines of an indicator; none while it is hidden."""
        return self._lines.get(key, ())

    @property
    def overlays(self) -> tuple[ShownIndicator, ...]:
        """Those over the bars."""
        return tuple(one for one in self.shown if one.info.on_price)

    @property
    def ahead(self) -> int:
        """How many bars to come are drawn upon."""
        return max((line.shift for lines in self._lines.values() for line in lines), default=0)

    def legend(self, one: ShownIndicator, bar: int, price_decimals: int) -> Legend:
        """An indicator's values at a bar, in words. Beyond the last bar that one's are said, except of lines
        that are drawn ahead."""
        lines = self.lines(one.key)
        if one.hidden:
            return Legend(one.label, (), "hidden")
        needed = known.bars_needed(one.kind, one.values)
        note = f"needs {needed} bars" if self._count < needed else ""
        found = [
            (name, line.at(bar if line.shift else min(bar, self._count - 1)))
            for name, line in zip(one.info.lines, lines, strict=False)
            # A line that is drawn behind its bar says nothing new there.
            if line.shift >= 0
        ]
        if note and all(value is None for _, value in found):
            return Legend(one.label, (), note)
        return Legend(
            one.label,
            tuple((name, self._text(one.info, value, price_decimals)) for name, value in found),
            note,
        )

    @staticmethod
    def _text(info: IndicatorInfo, value: float | None, price_decimals: int) -> str:
        if value is None:
            return fmt.NOTHING
        exact = Decimal(repr(value))
        if info.on_price:
            return fmt.price(exact, price_decimals)
        return difference_text(exact, price_decimals) if info.in_price else fmt.fixed(exact, 1)

    def spoken(self, bar: int, price_decimals: int) -> str:
        """The values of all indicators at a bar, for a screen reader."""
        words = []
        for one in self.shown:
            legend = self.legend(one, bar, price_decimals)
            figures = " ".join(f"{name} {text}".strip() for name, text in legend.figures)
            words.append(" ".join(part for part in (legend.label, figures, legend.note) if part))
        return ", ".join(words)

    # -- prices and panes -----------------------------------------------------------------------------

    def widen(self, low: float, high: float, viewport: Viewport) -> tuple[float, float]:
        """The prices of the bars in sight, and with them those of the lines over them, within reason."""
        span = high - low
        least, most = low - span * _MOST_ROOM, high + span * _MOST_ROOM
        for one in self.overlays:
            for line in self.lines(one.key):
                found = _extremes([line.seen(viewport)])
                if found is not None:
                    low, high = min(low, max(found[0], least)), max(high, min(found[1], most))
        return low, high

    @property
    def in_panes(self) -> tuple[ShownIndicator, ...]:
        """Those with a pane of their own, from the top down; a hidden one has none."""
        return tuple(one for one in self.shown if not one.info.on_price and not one.hidden)

    def fit_panes(self, viewport: Viewport) -> None:
        """Fit each pane's scale to what is in sight, where it does not fit any more."""
        for one in self.in_panes:
            scale = self.pane_scale(one.key)
            bounds = one.info.bounds
            if bounds is not None:
                scale.low, scale.high = bounds
                continue
            found = _extremes([line.seen(viewport) for line in self.lines(one.key)], one.info.guides)
            if found is not None and not _still_fits(scale, *found):
                low, high = found
                room = (high - low) * _ROOM or abs(high) * 1e-3 or 1e-9
                scale.low, scale.high, scale.auto = low - room, high + room, False

    def pane_scale(self, key: int) -> PriceScale:
        """Which values are in sight in a pane."""
        return self._scales.setdefault(key, PriceScale())

    def pane_heights(self, height: int) -> tuple[int, ...]:
        """How high each pane is where the prices and all panes have ``height`` pixels; 0 where one has no
        room."""
        return pane_heights(height, [self._shares.get(one.key, _PANE_SHARE) for one in self.in_panes])

    def drag_pane(self, key: int, pixels: int, height: int) -> None:
        """Move the upper edge of a pane down by so many pixels; what is above it takes or gives the room."""
        panes, heights = self.in_panes, list(self.pane_heights(height))
        at = next((index for index, one in enumerate(panes) if one.key == key), None)
        if at is None or not heights[at]:
            return
        above = heights[at - 1] - PANE_LEAST_PX if at else height - sum(heights) - PRICE_LEAST_PX
        pixels = max(min(pixels, heights[at] - PANE_LEAST_PX), -max(0, above))
        if not pixels:
            return
        heights[at] -= pixels
        if at:
            heights[at - 1] += pixels
        self._shares |= {one.key: size / height for one, size in zip(panes, heights, strict=True) if size}
        self.revision += 1
        self.changed.emit()
        self.chosen.emit()


def difference_text(value: Decimal, price_decimals: int) -> str:
    """A difference of prices, which is often smaller than a tick: with a digit more than they have."""
    decimals = price_decimals + 1
    return fmt.fixed(value, decimals) if decimals <= _PLAIN_DECIMALS else fmt.price(value, decimals)


def pane_heights(height: int, shares: Sequence[float]) -> tuple[int, ...]:
    """Pixels for each pane by its share of all the height. The prices and every pane keep a least height;
    where there is no room for all, the last ones have none."""
    room = height - PRICE_LEAST_PX
    fit = max(0, min(len(shares), room // PANE_LEAST_PX))
    heights = [max(PANE_LEAST_PX, round(share * height)) for share in shares[:fit]]
    over = sum(heights) - room
    if over > 0:
        spare = sum(size - PANE_LEAST_PX for size in heights)
        heights = [size - math.ceil((size - PANE_LEAST_PX) * over / spare) for size in heights]
    return (*heights, *(0 for _ in shares[fit:]))


def _still_fits(scale: PriceScale, low: float, high: float) -> bool:
    inside = scale.low <= low and high <= scale.high
    # A scale that nobody has set yet fits nothing.
    return inside and not scale.auto and high - low >= (scale.high - scale.low) * _LEAST_FILLED


def _extremes(parts: Sequence[Floats], more: Sequence[float] = ()) -> tuple[float, float] | None:
    """The lowest and the highest of all values, and of some more; None where there is no value."""
    lowest, highest = math.inf, -math.inf
    for part in parts:
        if len(part):
            # Unlike nanmin this says nothing where all are NaN, and it is quicker.
            lowest = min(lowest, float(np.fmin.reduce(part, initial=math.inf)))
            highest = max(highest, float(np.fmax.reduce(part, initial=-math.inf)))
    if lowest > highest:
        return None
    return min(lowest, *more) if more else lowest, max(highest, *more) if more else highest
