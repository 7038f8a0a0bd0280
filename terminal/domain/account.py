"""What an account holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from terminal.domain.decimals import ZERO
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderReport


class Balance(NamedTuple):
    """One currency of an account: ``total = free + held``; ``held`` backs resting orders."""

    asset: str
    total: Decimal
    held: Decimal = ZERO

    @property
    def free(self) -> Decimal:
        return self.total - self.held


class Position(NamedTuple):
    """An open position of a margin, futures or CFD account. Quantities in base units."""

    instrument: InstrumentId
    position_id: str
    side: Side
    quantity: Decimal
    average_price: Decimal
    unrealised: Decimal | None


class FeeRates(NamedTuple):
    """An account's fee rates for one instrument, in per cent of the notional (0.4 means 0.4 %)."""

    maker_pct: Decimal
    taker_pct: Decimal


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """All that a venue knows of an account at one moment: what a reconciliation compares with."""

    balances: tuple[Balance, ...]
    open_orders: tuple[OrderReport, ...]
    recent_orders: tuple[OrderReport, ...] = ()
    """Orders that ended since the time asked for, newest first."""
    fills: tuple[Fill, ...] = ()
    """Fills since the time asked for."""
    positions: tuple[Position, ...] = ()
    positions_known: bool = True
    """False where the question failed: that never means flat."""
    fees: dict[str, FeeRates] = field(default_factory=dict)
    """By symbol, where the venue says."""
    ts_event_ns: int = 0
