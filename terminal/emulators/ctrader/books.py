"""The depth of a practice symbol: quotes with ids, more of them offered the farther from the market.

What changed is told as quotes that are new (or another size under a known id) and ids that are gone, as in
Open API 2.0, ``ProtoOADepthEvent``.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import Final

from terminal.emulators.ctrader.symbols import SymbolSpec

LEVELS: Final = 12
"""Quotes on each side."""


@dataclass(slots=True)
class DepthQuote:
    """One quote of the book."""

    quote_id: int
    is_bid: bool
    points: int
    size: int
    """Cents."""


@dataclass(slots=True)
class DepthChange:
    """What one event tells."""

    quotes: dict[int, DepthQuote] = field(default_factory=dict)
    deleted: list[int] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    """Ids among ``quotes`` that were told before."""

    def __bool__(self) -> bool:
        return bool(self.quotes or self.deleted)


class DepthBook:
    """Both sides of one symbol, best first; the best prices are those of the spot quote."""

    def __init__(self, spec: SymbolSpec, rng: random.Random, ids: itertools.count[int]) -> None:
        self._spec = spec
        self._rng = rng
        self._ids = ids
        self.bids: list[DepthQuote] = []
        self.asks: list[DepthQuote] = []

    def quotes(self) -> list[DepthQuote]:
        """The whole book."""
        return [*self.bids, *self.asks]

    def move(self, bid: int, ask: int) -> DepthChange:
        """Follow the market to a new best bid and ask."""
        change = DepthChange()
        self._follow(self.bids, bid, True, change)
        self._follow(self.asks, ask, False, change)
        return change

    def breathe(self, count: int = 1) -> DepthChange:
        """Some sizes change, most of them near the market."""
        change = DepthChange()
        rng = self._rng
        for _ in range(count):
            side = self.bids if rng.random() < 0.5 else self.asks
            if not side:
                continue
            place = int(len(side) * rng.random() ** 2)
            if place and place + 1 < len(side) and rng.random() < 0.2:
                is_bid = side[place].is_bid
                _drop(side, place, change)
                self._extend(side, is_bid, change)
            else:
                self._resize(side, place, change)
        return change

    def _follow(self, side: list[DepthQuote], best: int, is_bid: bool, change: DepthChange) -> None:
        sign = 1 if is_bid else -1
        while side and sign * (side[0].points - best) > 0:
            _drop(side, 0, change)
        if not side or side[0].points != best:
            side.insert(0, self._new(is_bid, best, 0, change))
        else:
            self._resize(side, 0, change)
        place = 1
        while place < min(len(side), LEVELS):
            # Where the market has come from leaves room for those who follow it.
            if sign * (side[place - 1].points - side[place].points) > 3 * self._spec.level_points:
                points = side[place - 1].points - sign * self._step()
                side.insert(place, self._new(is_bid, points, abs(points - best), change))
            elif side[place].size > 2.5 * self._usual(abs(side[place].points - best)):
                self._resize(side, place, change)
            place += 1
        while len(side) > LEVELS:
            _drop(side, len(side) - 1, change)
        self._extend(side, is_bid, change)

    def _extend(self, side: list[DepthQuote], is_bid: bool, change: DepthChange) -> None:
        while 0 < len(side) < LEVELS:
            step = self._step()
            points = side[-1].points - step if is_bid else side[-1].points + step
            if points < 1:
                return
            side.append(self._new(is_bid, points, abs(points - side[0].points), change))

    def _resize(self, side: list[DepthQuote], place: int, change: DepthChange) -> None:
        quote = side[place]
        size = self._size(abs(quote.points - side[0].points))
        if size != quote.size:
            quote.size = size
            if quote.quote_id not in change.quotes:
                change.known.add(quote.quote_id)
            change.quotes[quote.quote_id] = quote

    def _new(self, is_bid: bool, points: int, distance: int, change: DepthChange) -> DepthQuote:
        quote = DepthQuote(next(self._ids), is_bid, points, self._size(distance))
        change.quotes[quote.quote_id] = quote
        return quote

    def _step(self) -> int:
        return max(1, round(self._spec.level_points * (0.5 + self._rng.random())))

    def _usual(self, distance: int) -> float:
        return self._spec.best_size * float((1.0 + 0.6 * distance / self._spec.level_points) ** 0.85)

    def _size(self, distance: int) -> int:
        spec = self._spec
        wanted = self._usual(distance) * (0.6 + 0.8 * self._rng.random())
        return max(spec.min_volume, int(wanted) // spec.step_volume * spec.step_volume)


def _drop(side: list[DepthQuote], place: int, change: DepthChange) -> None:
    """Take a quote out; one that was new in this very event is not told at all."""
    gone = side.pop(place)
    was_told = gone.quote_id in change.known or gone.quote_id not in change.quotes
    change.quotes.pop(gone.quote_id, None)
    if was_told:
        change.deleted.append(gone.quote_id)
