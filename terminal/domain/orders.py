"""Orders and fills, and the only allowed ways from one state to the next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from terminal.domain.contracts import ContractTerms
from terminal.domain.decimals import ZERO
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side


class OrderType(Enum):
    """How an order is to be executed."""

    MARKET = "market"
    LIMIT = "limit"
    ICEBERG = "iceberg"
    STOP = "stop"
    STOP_LIMIT = "stop limit"
    TAKE_PROFIT = "take profit"
    TAKE_PROFIT_LIMIT = "take profit limit"
    TRAILING_STOP = "trailing stop"
    TRAILING_STOP_LIMIT = "trailing stop limit"
    MARKET_RANGE = "market range"
    """At the market, but no worse than ``max_slippage`` from ``reference_price``."""
    CONTRACT = "contract"
    """A fixed-payout contract: BUY is up, SELL is down, the quantity is the stake; see :mod:`.contracts`."""

    @property
    def has_limit_price(self) -> bool:
        return self in _WITH_LIMIT

    @property
    def has_trigger(self) -> bool:
        return self in _WITH_TRIGGER

    @property
    def has_trail(self) -> bool:
        return self in (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)


_WITH_LIMIT = frozenset(
    {
        OrderType.LIMIT,
        OrderType.ICEBERG,
        OrderType.STOP_LIMIT,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP_LIMIT,
    }
)
AT_MARKET = frozenset({OrderType.MARKET, OrderType.MARKET_RANGE})
"""Orders that take what the book offers now."""
_WITH_TRIGGER = frozenset(
    {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)


class TimeInForce(Enum):
    """How long an order lives."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    DAY = "DAY"
    GTD = "GTD"


class TriggerReference(Enum):
    """Which price fires a trigger order."""

    LAST = "last"
    """The last trade; where a venue has only quotes, the side that the order would trade against."""
    INDEX = "index"
    OPPOSITE = "opposite side"
    """The other side of the quote."""
    DOUBLE = "two in a row"
    """As LAST, on the second qualifying price in a row."""
    DOUBLE_OPPOSITE = "two in a row, opposite side"


class OrderState(Enum):
    """Where an order stands, as far as we have proof."""

    PENDING_NEW = "sending"
    OPEN = "open"
    PARTLY_FILLED = "partly filled"
    FILLED = "filled"
    PENDING_CANCEL = "canceling"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    IN_DOUBT = "in doubt"

    @property
    def is_final(self) -> bool:
        """No further change is expected; a fill may still arrive, and is then real."""
        return self in FINAL_STATES

    @property
    def is_working(self) -> bool:
        """It rests at the venue, or may."""
        return self in WORKING_STATES


FINAL_STATES = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.EXPIRED})
WORKING_STATES = frozenset({OrderState.OPEN, OrderState.PARTLY_FILLED, OrderState.PENDING_CANCEL})

_S = OrderState
# Canceled -> Filled is real: a fill can overtake the cancel. PendingCancel -> Open: the cancel failed.
ALLOWED_MOVES: dict[OrderState, frozenset[OrderState]] = {
    _S.PENDING_NEW: frozenset(_S) - {_S.PENDING_NEW},
    _S.OPEN: frozenset(
        {_S.PARTLY_FILLED, _S.FILLED, _S.PENDING_CANCEL, _S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.IN_DOUBT}
    ),
    _S.PARTLY_FILLED: frozenset({_S.FILLED, _S.PENDING_CANCEL, _S.CANCELED, _S.EXPIRED, _S.IN_DOUBT}),
    _S.PENDING_CANCEL: frozenset(
        {_S.OPEN, _S.PARTLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.IN_DOUBT}
    ),
    _S.IN_DOUBT: frozenset(_S) - {_S.IN_DOUBT, _S.PENDING_NEW},
    _S.CANCELED: frozenset({_S.FILLED}),
    _S.EXPIRED: frozenset({_S.FILLED}),
    # "Refused" may be our own conclusion (not sent, not found); the venue's word then wins over it.
    _S.REJECTED: frozenset(_S) - {_S.REJECTED, _S.PENDING_NEW},
    # Filled by our count, but the venue knows of a raised quantity that we had not heard of yet.
    _S.FILLED: frozenset({_S.PARTLY_FILLED}),
}


def can_move(before: OrderState, after: OrderState) -> bool:
    """Whether the table allows this move; staying put is always allowed."""
    return before is after or after in ALLOWED_MOVES[before]


class Origin(Enum):
    """Which surface an order came from."""

    TICKET = "ticket"
    LADDER = "ladder"
    CHART = "chart"
    BLOTTER = "blotter"
    HOTKEY = "hotkey"
    BRIDGE = "bridge"
    EXTERNAL = "external"
    """Placed elsewhere: another program, or the venue's own page."""


@dataclass(frozen=True, slots=True)
class Protection:
    """A stop loss and a take profit that the venue itself keeps for a position or an order.

    Prices are absolute; distances are in quote units from the price of the fill, for orders whose fill price
    is not known yet. A price and a distance of the same leg are never both given.
    """

    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    stop_distance: Decimal | None = None
    profit_distance: Decimal | None = None
    trailing: bool = False
    """The stop follows the market at its present distance."""
    guaranteed: bool = False
    """The venue fills the stop at its price whatever happens, for a charge."""
    trigger: TriggerReference = TriggerReference.LAST

    @property
    def is_empty(self) -> bool:
        """Neither a stop nor a target."""
        return (self.stop_loss, self.take_profit, self.stop_distance, self.profit_distance) == (None,) * 4


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What the person asks for. Quantities in base units, prices in quote per base."""

    instrument: InstrumentId
    side: Side
    order_type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_reference: TriggerReference = TriggerReference.LAST
    trail_offset: Decimal | None = None
    """Distance of a trailing stop: in quote units, or per cent when ``trail_in_percent``."""
    trail_in_percent: bool = False
    limit_offset: Decimal | None = None
    """Trailing stop limit: distance of the limit from the trigger, in quote units."""
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_time_ns: int | None = None
    """GTD only, UTC."""
    display_quantity: Decimal | None = None
    """Iceberg: the part that shows."""
    post_only: bool = False
    reduce_only: bool = False
    in_quote: bool = False
    """``quantity`` is in quote units (market buys, where the venue can)."""
    reference_price: Decimal | None = None
    """Market range: the price seen, from which ``max_slippage`` counts."""
    max_slippage: Decimal | None = None
    """Market range: how much worse than ``reference_price`` a fill may be, in quote units."""
    protection: Protection | None = None
    """Stop and target to set on the position that the fill opens."""
    position_id: str | None = None
    """The position to add to or, on the opposite side with ``reduce_only``, to close or reduce."""
    comment: str = ""
    """A note of the person's, kept by the venue."""
    contract: ContractTerms | None = None
    """Expiry and payout of a contract. One that waits for a price names it as ``trigger_price``."""
    origin: Origin = Origin.TICKET
    origin_name: str = ""
    """Which bot, where the origin is the bridge."""


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """New terms for a resting order; ``None`` leaves a term as it is. ``quantity`` is the new total."""

    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    display_quantity: Decimal | None = None
    expire_time_ns: int | None = None
    protection: Protection | None = None
    """The whole new set of stop and target: a leg that is None in it is removed."""


class OrderRef(NamedTuple):
    """How to name an order to its venue; at least one of the first two ids is known.

    The rest says what to look for at a venue that keeps no id of ours for this kind of order.
    """

    symbol: str
    client_order_id: str | None
    venue_order_id: str | None
    position_id: str | None = None
    side: Side | None = None
    quantity: Decimal | None = None
    """As first asked for, in base units."""
    created_ns: int | None = None
    """When we made it, UTC."""


class Fill(NamedTuple):
    """Our own execution, known by ``fill_id`` and applied once. ``fee`` is in units of ``fee_asset``; a
    fee or a role that the venue does not tell is None: unknown is not free of charge."""

    fill_id: str
    instrument: InstrumentId
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal | None
    fee_asset: str
    is_maker: bool | None
    venue_order_id: str
    client_order_id: str | None
    ts_event_ns: int
    position_id: str | None = None
    """The position it opened, changed or closed."""
    realised: Decimal | None = None
    """What closing it brought before fees and swap, in units of ``fee_asset``; None on an opening fill."""
    swap: Decimal = ZERO
    """Overnight interest settled by a closing fill, in units of ``fee_asset``; a cost is negative."""


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What a venue says of one order, merged and whole: the state is the venue's, never a guess."""

    instrument: InstrumentId
    venue_order_id: str
    client_order_id: str | None
    state: OrderState
    side: Side
    order_type: OrderType
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trail_offset: Decimal | None = None
    display_quantity: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_time_ns: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    triggered: bool = False
    reason: str = ""
    """The venue's words on why it was canceled, expired or refused."""
    ts_event_ns: int = 0
    protection: Protection | None = None
    position_id: str | None = None
    max_slippage: Decimal | None = None
    comment: str = ""
    contract: ContractTerms | None = None


@dataclass(slots=True)
class Order:
    """One order as we know it; ``services.orders`` alone changes it."""

    client_order_id: str
    account: str
    """Which connection's account, e.g. ``kraken:practice``."""
    request: OrderRequest
    state: OrderState
    created_ns: int
    updated_ns: int
    venue_order_id: str | None = None
    quantity: Decimal = ZERO
    """The current total; amends change it, the request keeps what was first asked."""
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    display_quantity: Decimal | None = None
    protection: Protection | None = None
    """Stop and target as they stand now."""
    filled_quantity: Decimal = ZERO
    average_price: Decimal | None = None
    fees: dict[str, Decimal] = field(default_factory=dict)
    """Sum of fees by asset."""
    reason: str = ""
    doubt_since_ns: int | None = None
    """Monotonic time since when the outcome is unknown."""
    amend_pending: AmendRequest | None = None
    """An amend that was sent and not answered yet."""
    triggered: bool = False

    @property
    def instrument(self) -> InstrumentId:
        return self.request.instrument

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def order_type(self) -> OrderType:
        return self.request.order_type

    @property
    def origin(self) -> Origin:
        return self.request.origin

    @property
    def remaining(self) -> Decimal:
        """What is still to fill, in base units; never below zero."""
        return max(ZERO, self.quantity - self.filled_quantity)

    @property
    def ref(self) -> OrderRef:
        """How to name it to its venue; an external order's ``client_order_id`` is only our own key for it."""
        ours = None if self.origin is Origin.EXTERNAL else self.client_order_id or None
        return OrderRef(
            self.instrument.symbol,
            ours,
            self.venue_order_id,
            self.request.position_id,
            self.side,
            self.request.quantity,
            self.created_ns,
        )

    def copy(self) -> Order:
        """A frozen-in-time copy for a screen or a test."""
        return replace(self, fees=dict(self.fees))
