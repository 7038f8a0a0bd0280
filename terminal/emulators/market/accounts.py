"""A practice account: balances, what open orders hold, fees by tier, fills and the ledger.

All money is ``Decimal``. Costs are rounded against the account, the venue keeps the fees and the dust, so
nothing appears or vanishes.

Fee tiers: Kraken Spot schedule (30-day volume in USD, per cent; read 2026-08).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final, NamedTuple

from terminal.domain.account import Balance, FeeRates
from terminal.domain.decimals import ZERO
from terminal.domain.market import Side
from terminal.domain.orders import OrderType
from terminal.emulators.market.engine_types import EngineOrder
from terminal.emulators.market.listing import ASSET_DECIMALS, Listing

FEE_TIERS: Final[tuple[tuple[Decimal, FeeRates], ...]] = tuple(
    (Decimal(volume), FeeRates(Decimal(maker), Decimal(taker)))
    for volume, maker, taker in (
        (0, "0.25", "0.40"),
        (10_000, "0.20", "0.35"),
        (50_000, "0.14", "0.24"),
        (100_000, "0.12", "0.22"),
        (250_000, "0.10", "0.20"),
        (500_000, "0.08", "0.18"),
        (1_000_000, "0.06", "0.16"),
        (2_500_000, "0.04", "0.14"),
        (5_000_000, "0.02", "0.12"),
        (10_000_000, "0.00", "0.10"),
    )
)
"""From which 30-day volume (USD) which rates apply."""

STABLE_FEE_TIERS: Final[tuple[tuple[Decimal, FeeRates], ...]] = tuple(
    (Decimal(volume), FeeRates(Decimal(maker), Decimal(taker)))
    for volume, maker, taker in (
        (0, "0.20", "0.20"),
        (50_000, "0.16", "0.16"),
        (100_000, "0.12", "0.12"),
        (250_000, "0.08", "0.08"),
        (500_000, "0.04", "0.04"),
        (1_000_000, "0.00", "0.00"),
    )
)
"""Pairs of stable coins and currencies have a schedule of their own."""

_STABLE: Final = frozenset({"USD", "EUR", "GBP", "USDT", "USDC"})

STARTING_BALANCES: Final[dict[str, Decimal]] = {
    "USD": Decimal(10_000),
    "EUR": Decimal(5_000),
    "USDT": Decimal(10_000),
    "BTC": Decimal("0.25"),
    "ETH": Decimal(3),
    "SOL": Decimal(50),
    "XRP": Decimal(2_000),
    "ADA": Decimal(1_500),
    "DOGE": Decimal(5_000),
}

VOLUME_DAYS: Final = 30
_DAY_NS: Final = 86_400_000_000_000


def fee_tiers(listing: Listing) -> tuple[tuple[Decimal, FeeRates], ...]:
    """The schedule that a pair belongs to."""
    return STABLE_FEE_TIERS if {listing.base, listing.quote} <= _STABLE else FEE_TIERS


def rates_at(listing: Listing, volume: Decimal) -> FeeRates:
    """Maker and taker rate (per cent) at a 30-day volume in USD."""
    found = fee_tiers(listing)[0][1]
    for minimum, rates in fee_tiers(listing):
        if volume >= minimum:
            found = rates
    return found


@dataclass(frozen=True, slots=True)
class AccountFill:
    """One execution of an account's order, with its fee."""

    fill_id: int
    account: str
    order_id: int
    symbol: str
    trade_id: int
    """The public print it was part of."""
    side: Side
    order_type: OrderType
    price: Decimal
    quantity: Decimal
    cost: Decimal
    """Price times quantity in the quote asset, rounded to the pair's cost decimals."""
    fee: Decimal
    fee_asset: str
    fee_usd: Decimal
    is_maker: bool
    ts_ns: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One change of one balance. The two rows of a trade share ``ref_id`` (the fill's id)."""

    entry_id: int
    ref_id: int
    account: str
    ts_ns: int
    kind: str
    """``trade`` or ``deposit``."""
    asset: str
    amount: Decimal
    """Without the fee; negative when it went out."""
    fee: Decimal
    balance: Decimal
    """After amount and fee."""


@dataclass(slots=True)
class Account:
    """Balances and volume of one practice account; what is held follows from its open orders."""

    account_id: str
    balances: dict[str, Decimal] = field(default_factory=dict)
    open_orders: dict[int, EngineOrder] = field(default_factory=dict)
    volume_by_day: dict[int, Decimal] = field(default_factory=dict)
    """USD traded, by day since 1970."""

    def volume_30d(self, now_ns: int) -> Decimal:
        """USD traded in the last 30 days; decides the fee tier."""
        today = now_ns // _DAY_NS
        return sum(
            (usd for day, usd in self.volume_by_day.items() if today - VOLUME_DAYS < day <= today), start=ZERO
        )

    def fee_rates(self, listing: Listing, now_ns: int) -> FeeRates:
        """Maker and taker rate for a pair now, per cent."""
        return rates_at(listing, self.volume_30d(now_ns))

    def held(self, listings: dict[str, Listing]) -> dict[str, Decimal]:
        """What open orders back, by asset."""
        found: dict[str, Decimal] = {}
        for order in self.open_orders.values():
            asset, amount = hold_of(order, listings[order.symbol])
            found[asset] = found.get(asset, ZERO) + amount
        return found

    def free(
        self, asset: str, listings: dict[str, Listing], *, without: EngineOrder | None = None
    ) -> Decimal:
        """Balance less holds, leaving out the hold of ``without``."""
        amount = self.balances.get(asset, ZERO)
        for order in self.open_orders.values():
            if without is not None and order.order_id == without.order_id:
                continue
            held_asset, held = hold_of(order, listings[order.symbol])
            if held_asset == asset:
                amount -= held
        return amount

    def balance_list(self, listings: dict[str, Listing]) -> list[Balance]:
        """Every asset ever held, with its hold."""
        held = self.held(listings)
        return [
            Balance(asset, total, held.get(asset, ZERO)) for asset, total in sorted(self.balances.items())
        ]


def money_decimals(listing: Listing) -> int:
    """Digits after the point to which costs and fees of a pair are booked in its quote asset."""
    return min(listing.cost_decimals, ASSET_DECIMALS[listing.quote])


def round_up(amount: Decimal, decimals: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_UP)


def round_down(amount: Decimal, decimals: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)


def hold_of(order: EngineOrder, listing: Listing) -> tuple[str, Decimal]:
    """Which asset an order backs itself with, and how much of it is set aside now.

    A sell holds the quantity; a buy holds its cost at the limit (else trigger) price and the taker's fee on
    it. An order that takes its fee in the base asset holds the fee on a sell in that asset.
    """
    remaining = order.steps - order.done_steps
    rate = order.fee_cap[1] if order.fee_cap is not None else FEE_TIERS[0][1].taker_pct
    if not order.is_buy:
        quantity = order.grid.quantity(remaining)
        return listing.base, quantity + (fee_on(quantity, rate, 10) if order.fee_in_base else ZERO)
    # Costs and fees are rounded up over the whole order, so the parts never exceed this.
    decimals = money_decimals(listing)
    cost = round_up(order.grid.notional(order.price_ticks or order.trigger_ticks, remaining), decimals)
    return listing.quote, cost + (ZERO if order.fee_in_base else fee_on(cost, rate, decimals))


def fee_on(amount: Decimal, rate_pct: Decimal, decimals: int) -> Decimal:
    """The fee on a cost or quantity, rounded up to so many digits."""
    return round_up(amount * rate_pct / 100, decimals)


class Charge(NamedTuple):
    """What one fill moves, in the assets' own decimals."""

    cost: Decimal
    """Quote units paid or received."""
    fee: Decimal
    fee_asset: str


def charge_for(
    order: EngineOrder, listing: Listing, quantity: Decimal, cost: Decimal, rate_pct: Decimal
) -> Charge:
    """Book one more fill of an order: ``quantity`` and ``cost`` are the fill's own, exact.

    Costs and fees are rounded over all fills of the order together, against the account, and a fill is
    charged the difference. So a hold made when the order came covers it to the last digit however many
    fills it takes. The order's running figures are updated.
    """
    decimals = money_decimals(listing)
    cost_now = (round_up if order.is_buy else round_down)(order.cost, decimals)
    charged = cost_now - order.cost_booked
    order.cost_booked = cost_now
    if order.fee_in_base:
        fee_asset, part, most = listing.base, quantity, order.filled if order.is_buy else None
        decimals = ASSET_DECIMALS[listing.base]
    else:
        fee_asset, part, most = listing.quote, cost, None if order.is_buy else cost_now
    order.fee_exact += part * rate_pct / 100
    fee_now = round_up(order.fee_exact, decimals)
    if most is not None:
        fee_now = min(fee_now, most)
    fee = fee_now - order.fees_paid
    order.fees_paid = fee_now
    return Charge(charged, fee, fee_asset)
