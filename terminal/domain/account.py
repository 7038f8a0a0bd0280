"""What an account holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from terminal.domain.contracts import RunningContract
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.domain.orders import Fill, OrderReport, Protection


class Balance(NamedTuple):
    """One currency of an account: ``total = free + held``; ``held`` backs resting orders and positions."""

    asset: str
    total: Decimal
    held: Decimal = ZERO
    own_equity: Decimal | None = None
    """All of this currency, the open profit of positions in it included, where the venue says it."""

    @property
    def free(self) -> Decimal:
        return self.total - self.held

    @property
    def equity(self) -> Decimal:
        """What of this currency there would be if all were closed now."""
        return self.total if self.own_equity is None else self.own_equity


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
    leverage: Decimal | None = None
    """10 means 1:10, where the venue has one for each position."""
    margin_mode: str = ""
    """What backs it, in the venue's word: ``cross``, ``isolated``."""
    liquidation_price: Decimal | None = None
    """Where the venue would close it by itself, as it says; it moves with all that backs the position."""
    borrowed: Decimal | None = None
    """Spot that was bought or sold on credit: what is owed, interest so far included."""
    borrowed_asset: str = ""
    """In what it is owed; empty where nothing is borrowed."""
    contract: RunningContract | None = None
    """How it ends by itself, where it is a fixed-payout contract: its quantity is the stake."""


class AccountKind(Enum):
    """What several orders of one instrument make."""

    CASH = "cash"
    """Balances, no positions."""
    HEDGED = "hedged"
    """Each opening order a position of its own; both sides at once are possible."""
    NETTED = "netted"
    """One position an instrument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """One account of a connection, as a person tells it from others. Built by names alone: several texts and
    flags in a row are easily taken for each other."""

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
    stop_out: str = ""
    """What the venue does where the margin does not suffice any more, in one sentence."""
    consent: str = ""
    """What a person has to agree to before it is opened, in one sentence; empty: nothing."""
    name: str = ""
    """What tells it from the others of its sign-in, e.g. ``"demo"``; empty: the last word of its title."""
    refills: bool = False
    """A demo account that its venue fills up again when asked."""

    @property
    def short(self) -> str:
        """By which a person tells it from the others where there is room for a word or two."""
        return self.name or self.title.rpartition(" ")[2]

    def at(self, venue: str) -> str:
        """In a sentence: the venue by its title on screen, and its own title, which may begin with that."""
        return self.title if self.title.startswith(venue) else f"{venue}, {self.title}"


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
    own_equity: Decimal | None = None
    """As the venue says it; None: balance and open profit."""
    own_free: Decimal | None = None
    """What new positions may tie up, as the venue says; None: equity without the used margin."""
    maintenance_level: Decimal | None = None
    """Equity in per cent of the least margin that keeps the positions open, where the venue goes by that;
    ``stop_out`` is then in the same measure."""
    beside_balances: bool = False
    """The account holds several currencies, of which these figures are the sum: orders are paid from the
    balances."""

    @property
    def equity(self) -> Decimal | None:
        """Balance and open profit or loss."""
        if self.own_equity is not None:
            return self.own_equity
        return None if self.unrealised is None else self.balance + self.unrealised

    @property
    def free_margin(self) -> Decimal | None:
        """What new positions may tie up."""
        if self.own_free is not None:
            return self.own_free
        equity = self.equity
        return None if equity is None or self.used_margin is None else equity - self.used_margin

    @property
    def margin_level(self) -> Decimal | None:
        """Equity in per cent of the used margin; None while nothing is used."""
        equity = self.equity
        return None if equity is None or not self.used_margin else equity / self.used_margin * 100


class MarginCall(NamedTuple):
    """A margin level at which the venue warns."""

    call_id: str
    """The venue's name for it."""
    level: Decimal
    """Equity in per cent of the used margin."""


class LeverageTier(NamedTuple):
    """The leverage of a part of an exposure: of what lies above the tier before, up to ``up_to_usd``. The
    last tier holds for all that is beyond it, too."""

    up_to_usd: Decimal
    leverage: Decimal
    """30 means 1:30."""


def effective_leverage(
    exposure_usd: Decimal, account_leverage: Decimal, tiers: Sequence[LeverageTier]
) -> Decimal:
    """The leverage of a whole exposure: each part of it has that of its tier, and never more than the
    account's own. Without tiers, or of nothing, it is the account's."""
    if not tiers or exposure_usd <= 0:
        return account_leverage
    needed, below = ZERO, ZERO
    for tier in tiers[:-1]:
        part = min(exposure_usd, tier.up_to_usd) - below
        if part > 0:
            needed += part / min(tier.leverage, account_leverage)
            below = tier.up_to_usd
    needed += max(ZERO, exposure_usd - below) / min(tiers[-1].leverage, account_leverage)
    return exposure_usd / needed


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
    holds_from_orders: bool = False
    """The stream tells no holds: what ``balances`` say is held is out of date with the next order, and what
    is held follows from the open orders alone."""
    ts_event_ns: int = 0
