"""What goes into the matching engine and what comes out: orders, trades, refusals, the listener."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any, Final, NamedTuple

from terminal.domain.market import Side
from terminal.domain.orders import OrderState, OrderType, TimeInForce, TriggerReference
from terminal.emulators.market.listing import Grid, Listing

BOT_ACCOUNT: Final = ""
"""The account of generated orders: no balances, no self-trade prevention."""


class RejectCode(Enum):
    """Why the engine or the account refuses; a venue face turns it into its own words."""

    POST_ONLY = "would take liquidity"
    MINIMUM = "below the minimum quantity"
    COST_MINIMUM = "below the minimum cost"
    TICK = "price not on a tick"
    STEP = "quantity finer than the step"
    PRICE = "impossible or missing price"
    QUANTITY = "impossible quantity"
    DISPLAY = "visible part below 1/15 of the order or above it"
    EXPIRY = "expiry missing or past"
    TERMS = "these terms do not go together"
    NO_LIQUIDITY = "nobody on the other side"
    FUNDS = "insufficient funds"
    ORDERS_LIMIT = "too many open orders on the pair"
    MARKET_STATUS = "the market does not accept this now"
    UNKNOWN_ORDER = "unknown or closed order"
    NOTHING_TO_AMEND = "nothing that can be changed"
    NOT_AMENDABLE = "this term of this order cannot be changed"


class EngineReject(Exception):
    """An order or amend was refused; nothing changed. ``code`` says why, ``detail`` which figure."""

    def __init__(self, code: RejectCode, detail: str = "") -> None:
        super().__init__(f"{code.value}: {detail}" if detail else code.value)
        self.code = code
        self.detail = detail


class SelfTrade(Enum):
    """What happens when an order would meet one of the same account."""

    CANCEL_NEWEST = "cancel_newest"
    CANCEL_OLDEST = "cancel_oldest"
    CANCEL_BOTH = "cancel_both"


class CancelReason:
    """The reasons the engine itself gives; a face may pass its own texts to ``cancel``."""

    USER: Final = "User requested"
    POST_ONLY: Final = "Post only order"
    IOC: Final = "IOC order not filled in full"
    FOK: Final = "FOK order cannot be filled in full"
    NO_LIQUIDITY: Final = "Insufficient liquidity"
    SELF_TRADE: Final = "Self trade prevention"
    FUNDS: Final = "Insufficient funds"
    RESET: Final = "Account reset"


class EngineOrder:
    """One order. Terms are given and read as ``Decimal``; inside, everything counts ticks and steps.

    Args:
        listing: the pair, whose grid every number must lie on.
        quantity: base units; zero for a cash order.
        quote_quantity: a market buy for so much of the quote asset instead of a quantity.
        trail_offset: distance of a trailing stop, quote units, or per cent with ``trail_in_percent``.
        limit_offset: trailing stop limit: signed distance of the limit price from the trigger price, in
            quote units (or per cent of the trigger with ``limit_offset_in_percent``).
        start_ns: the order sleeps until then.
        tag: the venue face's own data; JSON-like, so that it survives a restart with the order.

    Raises:
        EngineReject: a number off the grid, or not above zero.
    """

    # Defaults live on the class: a generated order then sets only what differs.
    order_id: int = 0
    account: str = BOT_ACCOUNT
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    trigger_reference: TriggerReference = TriggerReference.LAST
    trail_offset: Decimal | None = None
    trail_in_percent: bool = False
    limit_offset: Decimal | None = None
    limit_offset_in_percent: bool = False
    quote_quantity: Decimal | None = None
    post_only: bool = False
    reduce_only: bool = False
    fee_in_base: bool = False
    self_trade: SelfTrade = SelfTrade.CANCEL_NEWEST
    expire_ns: int | None = None
    start_ns: int | None = None
    created_ns: int = 0
    updated_ns: int = 0
    closed_ns: int | None = None
    priority: int = 0
    """Rises with each arrival or loss of place; within a price the lower is filled first."""
    status: OrderState = OrderState.PENDING_NEW
    triggered: bool = False
    reason: str = ""
    amended: bool = False
    tag: Any = None
    fee_cap: tuple[Decimal, Decimal] | None = None
    """Maker and taker rate (per cent) when the order was accepted; it never pays more."""
    fees_paid: Decimal = Decimal(0)
    """Sum of fees so far, in the asset ``fee_in_base`` says."""
    fee_exact: Decimal = Decimal(0)
    """The same before rounding."""
    cost_booked: Decimal = Decimal(0)
    """Sum of the costs of its fills as booked."""

    # Ticks and steps.
    price_ticks: int = 0
    steps: int = 0
    done_steps: int = 0
    display_steps: int = 0
    shown_steps: int = 0
    trigger_ticks: int = 0
    peak_ticks: int = 0
    cost_units: int = 0
    """Sum of ticks times steps over the fills."""
    cash_units: int = 0

    def __init__(
        self,
        listing: Listing,
        *,
        account: str,
        side: Side,
        order_type: OrderType,
        quantity: Decimal,
        limit_price: Decimal | None = None,
        trigger_price: Decimal | None = None,
        trigger_reference: TriggerReference = TriggerReference.LAST,
        trail_offset: Decimal | None = None,
        trail_in_percent: bool = False,
        limit_offset: Decimal | None = None,
        limit_offset_in_percent: bool = False,
        display_quantity: Decimal | None = None,
        quote_quantity: Decimal | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        fee_in_base: bool = False,
        self_trade: SelfTrade = SelfTrade.CANCEL_NEWEST,
        time_in_force: TimeInForce = TimeInForce.GTC,
        expire_ns: int | None = None,
        start_ns: int | None = None,
        tag: Any = None,
        order_id: int = 0,
    ) -> None:
        grid = listing.grid
        self.grid = grid
        self.symbol = listing.symbol
        self.order_id = order_id
        self.account = account
        self.side = side
        self.is_buy = side is Side.BUY
        self.order_type = order_type
        self.time_in_force = time_in_force
        self.trigger_reference = trigger_reference
        self.trail_offset = trail_offset
        self.trail_in_percent = trail_in_percent
        self.limit_offset = limit_offset
        self.limit_offset_in_percent = limit_offset_in_percent
        self.quote_quantity = quote_quantity
        self.post_only = post_only
        self.reduce_only = reduce_only
        self.fee_in_base = fee_in_base
        self.self_trade = self_trade
        self.expire_ns = expire_ns
        self.start_ns = start_ns
        self.tag = tag
        if quote_quantity is None or quantity:
            self.steps = to_steps(grid, quantity)
        if limit_price is not None:
            self.price_ticks = to_ticks(grid, limit_price)
        if trigger_price is not None:
            self.trigger_ticks = to_ticks(grid, trigger_price)
        if display_quantity is not None:
            self.display_steps = to_steps(grid, display_quantity)

    @classmethod
    def generated(
        cls, symbol: str, grid: Grid, side: Side, price_ticks: int, steps: int, time_in_force: TimeInForce
    ) -> EngineOrder:
        """A limit order of the order flow, in ticks and steps, without the checks a person's order gets."""
        order = cls.__new__(cls)
        order.grid = grid
        order.symbol = symbol
        order.side = side
        order.is_buy = side is Side.BUY
        order.price_ticks = price_ticks
        order.steps = steps
        if time_in_force is not TimeInForce.GTC:
            order.time_in_force = time_in_force
        return order

    @property
    def is_live(self) -> bool:
        """It can still be filled, amended or canceled."""
        return self.status.is_working

    @property
    def is_waiting(self) -> bool:
        """Not in the book yet: its trigger has not fired or its start time has not come."""
        return (self.order_type.has_trigger or self.order_type.has_trail) and not self.triggered

    @property
    def quantity(self) -> Decimal:
        """The total, base units."""
        return self.grid.quantity(self.steps)

    @property
    def filled(self) -> Decimal:
        return self.grid.quantity(self.done_steps)

    @property
    def remaining(self) -> Decimal:
        return self.grid.quantity(self.steps - self.done_steps)

    @property
    def visible(self) -> Decimal:
        """What of it shows in the book now."""
        return self.grid.quantity(self.shown_steps)

    @property
    def display_quantity(self) -> Decimal | None:
        return self.grid.quantity(self.display_steps) if self.display_steps else None

    @property
    def limit_price(self) -> Decimal | None:
        return self.grid.price(self.price_ticks) if self.price_ticks else None

    @property
    def trigger_price(self) -> Decimal | None:
        """Where it fires; of a trailing stop, where it would fire now."""
        return self.grid.price(self.trigger_ticks) if self.trigger_ticks else None

    @property
    def peak(self) -> Decimal | None:
        """Trailing stops: the best reference price since the order was placed."""
        return self.grid.price(self.peak_ticks) if self.peak_ticks else None

    @property
    def cost(self) -> Decimal:
        """Sum of price times quantity over its fills, quote units, unrounded."""
        return self.grid.notional(self.cost_units, 1)

    @property
    def average_price(self) -> Decimal | None:
        """Cost by quantity; fees apart."""
        if not self.done_steps:
            return None
        return self.grid.notional(self.cost_units, 1) / self.grid.quantity(self.done_steps)

    def __repr__(self) -> str:
        return (
            f"EngineOrder({self.order_id} {self.symbol} {self.side.value} {self.order_type.value} "
            f"{self.filled}/{self.quantity} @ {self.limit_price} {self.status.value})"
        )


class EngineTrade(NamedTuple):
    """One match. The price is always the resting order's."""

    trade_id: int
    """Rises by one per trade of a pair."""
    symbol: str
    price: Decimal
    quantity: Decimal
    taker_side: Side
    taker_order_type: OrderType
    """As placed; a fired stop order counts as what it was placed as."""
    maker_order: EngineOrder
    taker_order: EngineOrder
    ts_ns: int
    price_ticks: int
    steps: int


class EngineListener:
    """Told of everything an engine does, in order, in the same call. Override what matters.

    A listener must not call the engine back from inside a notification; it notes and acts later (the
    last notification of each operation is ``on_settled``, and even there the rule holds).
    """

    def on_accepted(self, order: EngineOrder) -> None:
        """The order is in: resting, waiting for its trigger, or about to match."""

    def on_triggered(self, order: EngineOrder) -> None:
        """Its trigger fired; it now acts as a market or limit order."""

    def on_trade(self, trade: EngineTrade) -> None:
        """A match; both orders already carry the new figures."""

    def on_filled(self, order: EngineOrder) -> None:
        """Nothing is left of it; follows the last ``on_trade``."""

    def on_iceberg_refill(self, order: EngineOrder) -> None:
        """A new visible part showed at the end of the queue."""

    def on_canceled(self, order: EngineOrder, reason: str) -> None:
        """It ended with some of it unfilled."""

    def on_expired(self, order: EngineOrder) -> None:
        """Its time ran out."""

    def on_amended(self, order: EngineOrder) -> None:
        """It has new terms; matches caused by them follow."""

    def on_level(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        """The visible total at a price changed; 0 = the price is gone."""

    def on_order_rested(self, order: EngineOrder) -> None:
        """It entered the book at the end of its price's queue (level 3 ``add``)."""

    def on_order_changed(self, order: EngineOrder) -> None:
        """Its visible quantity changed in place (level 3 ``modify``)."""

    def on_order_left(self, order: EngineOrder) -> None:
        """It left the book for whatever reason (level 3 ``delete``)."""

    def on_settled(self, ts_ns: int) -> None:
        """One operation on the book is complete: a face sends what it gathered."""


def to_ticks(grid: Grid, price: Decimal) -> int:
    """A price in ticks, or EngineReject."""
    if not price.is_finite() or price <= 0:
        raise EngineReject(RejectCode.PRICE, str(price))
    try:
        return grid.ticks(price)
    except (ValueError, ArithmeticError):
        raise EngineReject(RejectCode.TICK, str(price)) from None


def to_steps(grid: Grid, quantity: Decimal) -> int:
    """A quantity in steps, or EngineReject."""
    if not quantity.is_finite() or quantity <= 0:
        raise EngineReject(RejectCode.QUANTITY, str(quantity))
    try:
        return grid.steps(quantity)
    except (ValueError, ArithmeticError):
        raise EngineReject(RejectCode.STEP, str(quantity)) from None
