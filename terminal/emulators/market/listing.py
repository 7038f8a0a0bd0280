"""What the practice market trades: real Kraken pairs with Kraken's own decimals and minimums.

Grids and minimums follow ``AssetPairs`` (Kraken REST, read 2025); the start prices and the liveliness are
the practice market's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final


class Grid:
    """Exact conversion between ``Decimal`` and the engine's whole ticks and steps.

    Prices count ``tick_size``, quantities count ``quantity_step``; both are powers of ten here.
    """

    __slots__ = ("_price_cache", "_price_exponent", "_quantity_exponent", "quantity_step", "tick_size")

    def __init__(self, tick_size: Decimal, quantity_step: Decimal) -> None:
        self.tick_size = tick_size
        self.quantity_step = quantity_step
        self._price_exponent = _power_of_ten(tick_size)
        self._quantity_exponent = _power_of_ten(quantity_step)
        self._price_cache: dict[int, Decimal] = {}

    def price(self, ticks: int) -> Decimal:
        """The price of so many ticks, with the tick's own number of decimals."""
        found = self._price_cache.get(ticks)
        if found is None:
            if len(self._price_cache) > 20_000:
                self._price_cache.clear()
            found = self._price_cache[ticks] = Decimal(ticks).scaleb(self._price_exponent)
        return found

    def quantity(self, steps: int) -> Decimal:
        """The quantity of so many steps, with the step's own number of decimals."""
        return Decimal(steps).scaleb(self._quantity_exponent)

    def ticks(self, price: Decimal) -> int:
        """How many ticks a price is.

        Raises:
            ValueError: the price lies between two ticks.
        """
        return _whole(price.scaleb(-self._price_exponent))

    def steps(self, quantity: Decimal) -> int:
        """How many steps a quantity is.

        Raises:
            ValueError: finer than the step.
        """
        return _whole(quantity.scaleb(-self._quantity_exponent))

    def notional(self, ticks: int, steps: int) -> Decimal:
        """Price times quantity, exact, in quote units."""
        return Decimal(ticks * steps).scaleb(self._price_exponent + self._quantity_exponent)

    def affordable_steps(self, notional: Decimal, ticks: int) -> int:
        """How many whole steps the notional (quote units) buys at so many ticks."""
        exponent = self._price_exponent + self._quantity_exponent
        return int(notional.scaleb(-exponent) // ticks)


def _power_of_ten(step: Decimal) -> int:
    _, digits, exponent = step.normalize().as_tuple()
    if digits != (1,) or not isinstance(exponent, int):
        raise ValueError(f"a step must be a power of ten: {step}")
    return exponent


def _whole(value: Decimal) -> int:
    whole = int(value)
    if whole != value:
        raise ValueError("off the grid")
    return whole


@dataclass(frozen=True, slots=True)
class Listing:
    """One traded pair: its grid and limits, and how lively the practice market makes it."""

    symbol: str
    """``BTC/USD``: Kraken's WebSocket v2 spelling."""
    base: str
    quote: str
    tick_size: Decimal
    price_decimals: int
    quantity_step: Decimal
    quantity_decimals: int
    min_quantity: Decimal
    """Base units."""
    min_notional: Decimal
    """Quote units."""
    cost_decimals: int
    """Digits after the point of a cost in the quote asset."""
    start_price: Decimal
    """Around which the pair lives; the price at any time follows from the seed."""
    daily_volatility: float
    """Standard deviation of a day's log return."""
    typical_spread_ticks: float
    trades_per_minute: float
    average_trade: float
    """Base units of an ordinary print."""
    level_gap_ticks: float
    """Typical distance between neighbouring prices near the top of the book."""

    @property
    def grid(self) -> Grid:
        """The converter for this pair; one object per listing."""
        found = _GRIDS.get(self)
        if found is None:
            found = _GRIDS[self] = Grid(self.tick_size, self.quantity_step)
        return found


_GRIDS: dict[Listing, Grid] = {}


def _pair(
    symbol: str,
    price_decimals: int,
    min_quantity: str,
    min_notional: str,
    start_price: str,
    *,
    day: float,
    spread: float,
    rate: float,
    trade: float,
    gap: float,
    cost_decimals: int = 5,
) -> Listing:
    base, quote = symbol.split("/")
    return Listing(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=Decimal(1).scaleb(-price_decimals),
        price_decimals=price_decimals,
        quantity_step=Decimal("1E-8"),
        quantity_decimals=8,
        min_quantity=Decimal(min_quantity),
        min_notional=Decimal(min_notional),
        cost_decimals=cost_decimals,
        start_price=Decimal(start_price),
        daily_volatility=day,
        typical_spread_ticks=spread,
        trades_per_minute=rate,
        average_trade=trade,
        level_gap_ticks=gap,
    )


# fmt: off
LISTINGS: Final[tuple[Listing, ...]] = (
    _pair("BTC/USD", 1, "0.00005", "0.5", "92400", day=0.026, spread=2, rate=42, trade=0.035, gap=12),
    _pair("ETH/USD", 2, "0.001", "0.5", "3150", day=0.034, spread=3, rate=32, trade=0.55, gap=12),
    _pair("SOL/USD", 2, "0.02", "0.5", "142", day=0.042, spread=1.4, rate=26, trade=9, gap=1.3),
    _pair("XRP/USD", 5, "2", "0.5", "2.14", day=0.040, spread=14, rate=28, trade=700, gap=24),
    _pair("ADA/USD", 6, "6", "0.5", "0.43", day=0.044, spread=35, rate=14, trade=1800, gap=50),
    _pair("DOGE/USD", 7, "25", "0.5", "0.147", day=0.046, spread=150, rate=16, trade=5200, gap=200),
    _pair("LTC/USD", 2, "0.06", "0.5", "84", day=0.036, spread=1.5, rate=12, trade=7, gap=1.4),
    _pair("LINK/USD", 5, "0.3", "0.5", "13.4", day=0.043, spread=260, rate=12, trade=38, gap=220),
    _pair("DOT/USD", 4, "1.5", "0.5", "2.18", day=0.045, spread=4, rate=10, trade=260, gap=3),
    _pair("BTC/EUR", 1, "0.00005", "0.45", "79300", day=0.026, spread=3, rate=26, trade=0.022, gap=12),
    _pair("ETH/EUR", 2, "0.001", "0.45", "2700", day=0.034, spread=4, rate=18, trade=0.38, gap=12),
    _pair("ETH/BTC", 5, "0.001", "0.00002", "0.03409", day=0.020, spread=1.2, rate=10, trade=0.8,
          gap=1.0, cost_decimals=10),
    _pair("BTC/USDT", 1, "0.00005", "0.5", "92380", day=0.026, spread=3, rate=20, trade=0.02, gap=14),
    _pair("ETH/USDT", 2, "0.001", "0.5", "3149", day=0.034, spread=4, rate=14, trade=0.4, gap=14),
    _pair("USDT/USD", 5, "5", "0.5", "1.0002", day=0.0004, spread=2, rate=12, trade=2600, gap=2),
    _pair("EUR/USD", 5, "5", "0.5", "1.165", day=0.0045, spread=9, rate=8, trade=900, gap=6),
)
# fmt: on

LISTING_BY_SYMBOL: Final[dict[str, Listing]] = {listing.symbol: listing for listing in LISTINGS}

ASSET_DECIMALS: Final[dict[str, int]] = {
    "USD": 4, "EUR": 4, "GBP": 4, "BTC": 10, "ETH": 10, "SOL": 10, "XRP": 8, "ADA": 8, "DOGE": 8,
    "LTC": 10, "LINK": 10, "DOT": 10, "USDT": 8,
}  # fmt: skip
"""Digits after the point in which a balance of the asset is told (Kraken ``Assets``, read 2025)."""
