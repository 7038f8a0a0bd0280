"""One bar in words: when it began, its prices and volume, and its change. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Final

from terminal.domain.instrument import Instrument
from terminal.domain.market import Bar
from terminal.viewmodels import format as fmt
from terminal.viewmodels.chart_scale import DAY_S
from terminal.viewmodels.ports import Place

_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Readout:
    """One bar in words for the top left of the chart."""

    time: str
    values: tuple[tuple[str, str], ...]
    """(letter, text) of open, high, low, close and volume (base units, or ticks)."""
    change: str
    """▲▼ and the change of the close against the one before, in per cent."""
    direction: int
    """+1 where the bar closed higher than it opened or as high, -1 where lower."""


def read_bar(bars: Sequence[Bar], at: int, time: str, instrument: Instrument, place: Place | None) -> Readout:
    """The bar at an index; ``time``: when it began, in words."""
    one = bars[at]
    before = bars[at - 1].close if at else one.open
    change = (one.close - before) / before * 100 if before else None
    values = [
        (letter, fmt.price(value, instrument.price_decimals))
        for letter, value in (("O", one.open), ("H", one.high), ("L", one.low), ("C", one.close))
    ]
    return Readout(
        time,
        (*values, ("V", _volume_text(one.volume, instrument, place))),
        f"{fmt.direction(change)} {fmt.percent(change)}".strip(),
        1 if one.close >= one.open else -1,
    )


def _volume_text(volume: Decimal, instrument: Instrument, place: Place | None) -> str:
    if place is not None and place.abilities.bars_count_ticks:
        return f"{fmt.quantity(volume, 0)} ticks"
    return f"{fmt.compact(volume)} {instrument.base}"


def bar_time(time_ns: int, interval_s: int, zone: tzinfo | None) -> str:
    """When a bar (ns UTC) began: ``Fri 14 Aug 09:30`` in a zone, with seconds where bars are shorter than a
    minute, from a day on with its year and in UTC, as venues cut their days."""
    is_day = interval_s >= DAY_S
    moment = datetime.fromtimestamp(time_ns // 1_000_000_000, tz=UTC).astimezone(UTC if is_day else zone)
    day = f"{moment:%a} {moment.day} {moment:%b}"
    if is_day:
        return f"{day} {moment:%Y}"
    return f"{day} {moment:%H:%M:%S}" if interval_s < _MINUTE_S else f"{day} {moment:%H:%M}"


def utc_date(time_ns: int) -> str:
    """A day: ``14 Aug 2026``."""
    moment = datetime.fromtimestamp(time_ns // 1_000_000_000, tz=UTC)
    return f"{moment.day} {moment:%b %Y}"
