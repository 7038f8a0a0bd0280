"""Margin at the practice broker: leverage by tiers, and what both sides of a symbol need together.

A position's margin is its value at the rate of its opening over the leverage: the account's own or that of
the tier, whichever is less. Each tier holds for the part of the exposure that lies in it. Both sides of a
symbol need the larger side (MAX), both (SUM) or the difference (NET); the smaller side then shows none, so
that the sum over all positions is what the account uses (Open API 2.0, sections 8, 9 and 14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from terminal.domain.market import Side
from terminal.emulators.ctrader.money import share, to_cents
from terminal.emulators.ctrader.records import Position
from terminal.emulators.ctrader.symbols import CENTS, Tier
from terminal.venues.ctrader import openapi_pb2 as pb

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """A position as far as margin is concerned."""

    side: Side
    volume: int
    """Cents."""
    margin_rate: Decimal
    """Deposit currency for one base unit."""
    usd_rate: Decimal
    """US dollars for one base unit, by which tiers are counted."""

    @property
    def value(self) -> Decimal:
        """In deposit currency."""
        return self.margin_rate * self.volume / CENTS

    @property
    def usd_value(self) -> Decimal:
        """In US dollars."""
        return self.usd_rate * self.volume / CENTS


def holding_of(position: Position) -> Holding:
    """The position's."""
    return Holding(position.side, position.volume, position.margin_rate, position.usd_rate)


def margin_fraction(usd_value: Decimal, tiers: Sequence[Tier], leverage_in_cents: int) -> Decimal:
    """Which part of an exposure has to be put down."""
    if usd_value <= 0:
        return _ZERO
    needed, below = _ZERO, _ZERO
    for place, tier in enumerate(tiers):
        bound = Decimal(tier.volume_usd_cents) / CENTS
        is_last = place == len(tiers) - 1
        part = (usd_value if is_last else min(usd_value, bound)) - below
        needed += part * 100 / min(tier.leverage_in_cents, leverage_in_cents)
        if is_last or usd_value <= bound:
            break
        below = bound
    return needed / usd_value


def symbol_margins(
    holdings: Sequence[Holding],
    tiers: Sequence[Tier],
    leverage_in_cents: int,
    kind: pb.ProtoOATotalMarginCalculationType,
) -> list[int]:
    """The used margin of each holding of one symbol, in whole cents and in the same order.

    Args:
        tiers: none where only the account's leverage counts.
    """
    tiers = tiers or (Tier(0, leverage_in_cents),)
    own = [0] * len(holdings)
    sums = {Side.BUY: 0, Side.SELL: 0}
    for side in sums:
        exposure = sum((one.usd_value for one in holdings if one.side is side), _ZERO)
        fraction = margin_fraction(exposure, tiers, leverage_in_cents)
        for place, one in enumerate(holdings):
            if one.side is side:
                own[place] = to_cents(one.value * fraction)
                sums[side] += own[place]
    if kind == pb.SUM or not sums[Side.BUY] or not sums[Side.SELL]:
        return own
    larger = Side.BUY if sums[Side.BUY] >= sums[Side.SELL] else Side.SELL
    needed = sums[larger] if kind == pb.MAX else sums[larger] - sums[larger.opposite]
    left, last = needed, -1
    for place, one in enumerate(holdings):
        if one.side is larger:
            own[place] = share(own[place], needed, sums[larger])
            left -= own[place]
            last = place
        else:
            own[place] = 0
    own[last] = max(0, own[last] + left)
    return own


def margin_level(equity: int, used: int) -> Decimal | None:
    """Equity in per cent of the used margin; None where nothing is used."""
    return Decimal(equity) * 100 / used if used > 0 else None
