"""What the practice broker keeps: accounts, positions, orders, deals and cash movements.

Volumes are cents of a base unit, money is whole cents (10^-2) of the account's currency, times are
milliseconds UTC: the units of Open API 2.0, so that nothing is rounded on its way to a message.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from terminal.domain.market import Side
from terminal.emulators.ctrader.symbols import CENTS
from terminal.emulators.market.store import Record
from terminal.venues.ctrader import openapi_pb2 as pb

MONEY_DIGITS: Final = 2
"""Decimals of all money of this broker."""

PENDING_TYPES: Final = frozenset((pb.LIMIT, pb.STOP, pb.STOP_LIMIT))
"""Orders that may wait for their price."""


def side_of(trade_side: int) -> Side:
    """A ``ProtoOATradeSide`` as a side."""
    return Side.BUY if trade_side == pb.BUY else Side.SELL


@dataclass(slots=True, eq=False)
class Account:
    """One trading account and its terms."""

    ctid: int
    login: int
    """The number that a person sees; nothing is addressed by it."""
    is_live: bool
    broker: str
    currency: str
    account_type: pb.ProtoOAAccountType
    margin_type: pb.ProtoOATotalMarginCalculationType
    leverage_in_cents: int
    deposit: int
    """What it begins with."""
    balance: int = 0
    balance_version: int = 0
    access_rights: pb.ProtoOAAccessRights = pb.FULL_ACCESS
    swap_free: bool = False
    limited_risk: bool = False
    stop_out_level: int = 50
    """Equity in per cent of used margin below which positions are closed."""
    stop_out_strategy: pb.ProtoOAStopOutStrategy = pb.MOST_MARGIN_USED_FIRST
    thresholds: dict[str, float] = field(default_factory=lambda: {"61": 100.0, "62": 80.0, "63": 60.0})
    """Margin levels that are warned of, by number of the notification."""
    warned: list[str] = field(default_factory=list)
    """Thresholds that the level lies under."""
    registered_ms: int = 0
    rolled_ms: int = 0
    """Swaps are charged up to here."""
    last_close_ms: int = 0
    last_cash_ms: int = 0

    @property
    def is_netted(self) -> bool:
        """One position a symbol at most."""
        return self.account_type == pb.NETTED


@dataclass(slots=True)
class Protection:
    """A stop loss and a take profit, as prices."""

    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trailing: bool = False
    guaranteed: bool = False
    trigger_method: pb.ProtoOAOrderTriggerMethod = pb.TRADE

    def __bool__(self) -> bool:
        return self.stop_loss is not None or self.take_profit is not None


@dataclass(slots=True, eq=False)
class Position:
    """A position, or the empty shell (volume 0) that waits for its first fill."""

    position_id: int
    account: int
    symbol_id: int
    side: Side
    opened_ms: int
    updated_ms: int
    volume: int = 0
    price: Decimal = Decimal(0)
    """Volume-weighted opening price."""
    label: str = ""
    comment: str = ""
    swap: int = 0
    commission: int = 0
    """Of opening what is still open; negative is a cost."""
    margin_rate: Decimal = Decimal(0)
    """Deposit currency for one base unit, when it was opened."""
    usd_rate: Decimal = Decimal(0)
    """US dollars for one base unit, when it was opened."""
    used_margin: int = 0
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trailing: bool = False
    trail_distance: Decimal | None = None
    guaranteed: bool = False
    gsl_charged: bool = False
    trigger_method: pb.ProtoOAOrderTriggerMethod = pb.TRADE
    protection_id: int = 0
    """The order that carries stop and target; 0 for none."""
    due: Protection | None = None
    """Stop and target that come with the fill and are not set yet."""
    lots: list[list[int]] = field(default_factory=list)
    """What is open, first in first: [deal id, volume]."""
    hits: int = 0
    """Consecutive ticks at the stop loss."""

    @property
    def units(self) -> Decimal:
        """Base units."""
        return Decimal(self.volume) / CENTS

    def protection(self) -> Protection:
        """Its stop and target as they are set."""
        return Protection(
            self.stop_loss, self.take_profit, self.trailing, self.guaranteed, self.trigger_method
        )


@dataclass(slots=True, eq=False)
class Order:
    """An order, waiting, at work, or ended."""

    order_id: int
    account: int
    symbol_id: int
    side: Side
    order_type: pb.ProtoOAOrderType
    volume: int
    time_in_force: pb.ProtoOATimeInForce
    position_id: int
    created_ms: int
    updated_ms: int
    status: pb.ProtoOAOrderStatus = pb.ORDER_STATUS_ACCEPTED
    executed: int = 0
    value: Decimal = Decimal(0)
    """Price times volume of its fills."""
    limit: Decimal | None = None
    stop: Decimal | None = None
    base_slippage: Decimal | None = None
    slippage: int | None = None
    """Points."""
    expire_ms: int | None = None
    label: str = ""
    comment: str = ""
    client_order_id: str = ""
    is_closing: bool = False
    is_stop_out: bool = False
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    relative_stop_loss: Decimal | None = None
    """Distance from the entry, in price."""
    relative_take_profit: Decimal | None = None
    trailing: bool = False
    guaranteed: bool = False
    trigger_method: pb.ProtoOAOrderTriggerMethod = pb.TRADE
    is_triggered: bool = False
    """A stop-limit order whose stop was reached."""
    hits: int = 0
    """Consecutive ticks at its trigger price."""
    is_executing: bool = False

    @property
    def remaining(self) -> int:
        """Cents still to fill."""
        return self.volume - self.executed

    @property
    def is_live(self) -> bool:
        """Neither filled nor ended otherwise."""
        return self.status == pb.ORDER_STATUS_ACCEPTED

    @property
    def rests(self) -> bool:
        """It waits for its price, rather than being executed or cancelled at once."""
        return self.order_type in PENDING_TYPES and self.time_in_force in (
            pb.GOOD_TILL_CANCEL,
            pb.GOOD_TILL_DATE,
        )

    @property
    def is_protection(self) -> bool:
        """It carries a position's stop and target."""
        return self.order_type == pb.STOP_LOSS_TAKE_PROFIT

    def copy(self) -> Order:
        """Another order with the same terms."""
        return replace(self)

    def terms(self) -> tuple[object, ...]:
        """What an amendment may change."""
        return (
            self.volume, self.limit, self.stop, self.slippage, self.time_in_force, self.expire_ms,
            self.stop_loss, self.take_profit, self.relative_stop_loss, self.relative_take_profit,
            self.trailing, self.guaranteed, self.trigger_method,
        )  # fmt: skip

    @property
    def entry(self) -> Decimal | None:
        """The price that relative levels are shown against while it waits."""
        return self.limit if self.order_type == pb.LIMIT else self.stop


@dataclass(slots=True, eq=False)
class Closing:
    """What a deal that reduced a position brought."""

    entry_price: Decimal
    gross_profit: int
    swap: int
    commission: int
    """Of both sides, for the closed part."""
    balance: int
    """After the deal."""
    balance_version: int
    rate: Decimal
    """Quote to deposit currency."""
    volume: int
    conversion_fee: int
    lots: list[list[int]]
    """What was opened by whom: [deal id, volume]."""

    @property
    def net(self) -> int:
        """By so much the balance moved."""
        return self.gross_profit + self.swap + self.commission + self.conversion_fee


@dataclass(slots=True, eq=False)
class Deal:
    """One execution."""

    deal_id: int
    account: int
    order_id: int
    position_id: int
    symbol_id: int
    side: Side
    volume: int
    """Sent with the order and open when the deal was made."""
    filled: int
    price: Decimal
    created_ms: int
    executed_ms: int
    status: pb.ProtoOADealStatus
    margin_rate: Decimal
    usd_rate: Decimal
    commission: int
    """Of this side alone."""
    closing: Closing | None = None


@dataclass(slots=True, eq=False)
class Cash:
    """Money that came or went other than by a deal."""

    cash_id: int
    account: int
    kind: pb.ProtoOAChangeBalanceType
    delta: int
    balance: int
    balance_version: int
    equity: int
    ts_ms: int
    note: str = ""


# ---- as rows -------------------------------------------------------------------------------------

Kept = Account | Position | Order | Deal | Cash
T = TypeVar("T")

_NESTED: Final[dict[str, type[Any]]] = {"due": Protection, "closing": Closing}


def key_of(what: Kept) -> tuple[str, int]:
    """Kind and number of a record."""
    if isinstance(what, Account):
        return "account", what.ctid
    if isinstance(what, Position):
        return "position", what.position_id
    if isinstance(what, Order):
        return "order", what.order_id
    return ("deal", what.deal_id) if isinstance(what, Deal) else ("cash", what.cash_id)


def row_of(what: Kept) -> Record:
    """A record as it is kept."""
    data = _to_data(what)
    kind, number = key_of(what)
    if isinstance(what, Account):
        return Record(kind, number, what.ctid, True, what.registered_ms, 0, 0, data)
    if isinstance(what, Position):
        return Record(kind, number, what.account, True, what.opened_ms, 0, 0, data)
    if isinstance(what, Order):
        return Record(kind, number, what.account, what.is_live, what.updated_ms, what.position_id, 0, data)
    if isinstance(what, Deal):
        return Record(
            kind, number, what.account, False, what.executed_ms, what.position_id, what.order_id, data
        )
    return Record(kind, number, what.account, False, what.ts_ms, 0, 0, data)


def from_row(what: type[T], row: Record) -> T:
    """The record again."""
    return _from_data(what, row.data)


_DECIMALS: Final = {
    what: frozenset(one.name for one in fields(what) if "Decimal" in str(one.type))
    for what in (Account, Position, Order, Deal, Cash, *_NESTED.values())
}


def _to_data(what: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    decimals = _DECIMALS[type(what)]
    for one in fields(what):
        value = getattr(what, one.name)
        if value is None:
            found[one.name] = None
        elif one.name in decimals:
            found[one.name] = format(value, "f")
        elif one.name in _NESTED:
            found[one.name] = _to_data(value)
        else:
            found[one.name] = value.name if isinstance(value, Side) else value
    return found


def _from_data(what: type[T], data: dict[str, Any]) -> T:
    values = dict(data)
    for name in _DECIMALS[what]:
        if values.get(name) is not None:
            values[name] = Decimal(values[name])
    for name, nested in _NESTED.items():
        if values.get(name) is not None:
            values[name] = _from_data(nested, values[name])
    if "side" in values:
        values["side"] = Side[values["side"]]
    return what(**values)
