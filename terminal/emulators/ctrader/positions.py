"""How a fill changes a position: opened, added to, reduced. Lots leave first in first out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from terminal.domain.market import Side
from terminal.emulators.ctrader.money import share
from terminal.emulators.ctrader.records import Position

_STEP: Final = Decimal(1).scaleb(-12)


@dataclass(frozen=True, slots=True)
class Closed:
    """The part of a position that a fill took away, with its share of what was booked on it."""

    entry_price: Decimal
    volume: int
    swap: int
    commission: int
    """Of opening that part."""
    lots: list[list[int]]


def open_part(
    position: Position,
    side: Side,
    volume: int,
    price: Decimal,
    *,
    margin_rate: Decimal,
    usd_rate: Decimal,
    commission: int,
    deal_id: int,
    now_ms: int,
) -> None:
    """Open an empty position, or add to one of the same side: prices and rates are averaged by volume."""
    if not position.volume:
        position.side = side
        position.opened_ms = now_ms
    before, after = position.volume, position.volume + volume
    position.price = _weighted(position.price, before, price, volume)
    position.margin_rate = _weighted(position.margin_rate, before, margin_rate, volume)
    position.usd_rate = _weighted(position.usd_rate, before, usd_rate, volume)
    position.volume = after
    position.commission += commission
    position.lots.append([deal_id, volume])
    position.updated_ms = now_ms


def close_part(position: Position, volume: int, now_ms: int) -> Closed:
    """Take a volume away; price and rates of the rest stay."""
    swap = share(position.swap, volume, position.volume)
    commission = share(position.commission, volume, position.volume)
    lots: list[list[int]] = []
    left = volume
    while left:
        lot = position.lots[0]
        part = min(left, lot[1])
        lots.append([lot[0], part])
        left -= part
        lot[1] -= part
        if not lot[1]:
            del position.lots[0]
    closed = Closed(position.price, volume, swap, commission, lots)
    position.volume -= volume
    position.swap -= swap
    position.commission -= commission
    position.updated_ms = now_ms
    if not position.volume:
        position.hits = 0
    return closed


def _weighted(old: Decimal, old_volume: int, new: Decimal, new_volume: int) -> Decimal:
    if not old_volume:
        return new
    mean = (old * old_volume + new * new_volume) / (old_volume + new_volume)
    return mean.quantize(_STEP, ROUND_HALF_UP)
