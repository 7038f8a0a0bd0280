"""What an account holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from terminal.domain.decimals import ZERO
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderReport, Protection


class Balance(NamedTuple):
    """One currency of an account: ``total = free + held``; ``held`` backs resting orders."""

    asset: str
    total: Decimal
    held: Decimal = ZERO

    @property
    def free(self) -> Decimal:
        return self.total - self.held


NO_PROTECTION = Protection()


@dataclass(frozen=True, slots=True)
class Position:
    """An open position of a margin, futures or CFD account. Quantities in base units, money in ``currency``.

    ``quantity`` 0 says that it is closed.
    """

    instrument: InstrumentId
    position_id: str
    side: Side
    quantity: Decimal
    average_price: Decimal
    unrealised: Decimal | None = None
    """The venue's own net figure, where it sends one; the screen works out a live one from quotes."""
    currency: str = ""
    """The account's currency, in which the money below is."""
    swap: Decimal = ZERO
    """Overnight interest so far; a cost is negative."""
    commission: Decimal = ZERO
    """Charged so far; a cost is negative."""
    margin: Decimal | None = None
    """What it ties up."""
    protection: Protection = NO_PROTECTION
    """Stop and target that the venue keeps."""
    opened_ns: int | None = None
    updated_ns: int | None = None
    comment: str = ""
    client_order_id: str | None = None
    """Of the order that opened it, where it was ours."""


class AccountKind(Enum):
    """What several orders of one instrument make."""

    CASH = "cash"
    """Balances, no positions."""
    HEDGED = "hedged"
    """Each opening order a position of its own; both sides at once are possible."""
    NETTED = "netted"
    """One position an instrument."""


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """One account of a connection, as a person tells it from others."""

    account_id: str
    """The venue's id for it in requests."""
    title: str
    """E.g. ``"Pepperstone 5120034"``: broker and the number that the person knows."""
    is_live: bool
    """Real money; False: a demo account of the venue."""
    currency: str = ""
    kind: AccountKind = AccountKind.CASH
    leverage: Decimal | None = None
    """30 means 1:30."""
    can_trade: bool = True
    note: str = ""
    """Why it cannot trade, or what else a person should know of it, in one sentence."""


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """An account on margin at one moment; money in ``currency``. None: not known (yet)."""

    currency: str
    balance: Decimal
    unrealised: Decimal | None = None
    """Net of swap and commission."""
    used_margin: Decimal | None = None
    margin_calls: tuple[Decimal, ...] = ()
    """Margin levels in per cent at which the venue warns, highest first."""
    stop_out: Decimal | None = None
    """Margin level in per cent at which the venue closes positions by itself."""

    @property
    def equity(self) -> Decimal | None:
        """Balance and open profit or loss."""
        return None if self.unrealised is None else self.balance + self.unrealised

    @property
    def free_margin(self) -> Decimal | None:
        """What new positions may tie up."""
        equity = self.equity
        return None if equity is None or self.used_margin is None else equity - self.used_margin

    @property
    def margin_level(self) -> Decimal | None:
        """Equity in per cent of the used margin; None while nothing is used."""
        equity = self.equity
        return None if equity is None or not self.used_margin else equity / self.used_margin * 100


class CashFlow(NamedTuple):
    """Money that came to or left an account other than by a trade."""

    entry_id: str
    ts_event_ns: int
    what: str
    """In words: deposit, withdrawal, swap, dividend, ..."""
    amount: Decimal
    """Negative: it left."""
    balance: Decimal
    """After it."""
    currency: str
    note: str = ""


class FeeRates(NamedTuple):
    """An account's fee rates for one instrument, in per cent of the notional (0.4 means 0.4 %) and, where the
    venue charges by volume, in quote units per base unit; both apply to opening and to closing."""

    maker_pct: Decimal
    taker_pct: Decimal
    per_unit: Decimal = ZERO
    minimum: Decimal = ZERO
    """Least fee of one fill, in quote units."""


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
    figures: AccountFigures | None = None
    """Margin accounts only."""
    ts_event_ns: int = 0
