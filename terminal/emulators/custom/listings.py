"""What the practice plugin's own small exchange lists: four pairs and two perpetual contracts in USDT.

The start prices are the hidden prices' own, so this exchange agrees with every other practice venue; ticks,
steps and minimums are coarser than Kraken's, as at a small exchange. Contracts count base units.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from terminal.emulators.market.listing import Listing


def _pair(
    base: str,
    price_decimals: int,
    quantity_decimals: int,
    min_quantity: str,
    start_price: str,
    *,
    day: float,
    spread: float,
    rate: float,
    trade: float,
    gap: float,
    suffix: str = "",
) -> Listing:
    return Listing(
        symbol=f"{base}/USDT{suffix}",
        base=base,
        quote="USDT",
        tick_size=Decimal(1).scaleb(-price_decimals),
        price_decimals=price_decimals,
        quantity_step=Decimal(1).scaleb(-quantity_decimals),
        quantity_decimals=quantity_decimals,
        min_quantity=Decimal(min_quantity),
        min_notional=Decimal(1),
        cost_decimals=8,
        start_price=Decimal(start_price),
        daily_volatility=day,
        typical_spread_ticks=spread,
        trades_per_minute=rate,
        average_trade=trade,
        level_gap_ticks=gap,
    )


# fmt: off
CUSTOM_LISTINGS: Final[tuple[Listing, ...]] = (
    _pair("BTC", 1, 5, "0.00001", "92380", day=0.026, spread=6, rate=12, trade=0.015, gap=16),
    _pair("ETH", 2, 4, "0.001", "3149", day=0.034, spread=7, rate=10, trade=0.3, gap=16),
    _pair("SOL", 2, 3, "0.01", "142", day=0.042, spread=2.5, rate=8, trade=5, gap=1.6),
    _pair("LTC", 2, 3, "0.01", "84", day=0.036, spread=2.5, rate=5, trade=4, gap=1.6),
    _pair("BTC", 1, 4, "0.0001", "92380", day=0.026, spread=4, rate=16, trade=0.05, gap=14, suffix=".SWAP"),
    _pair("ETH", 2, 3, "0.001", "3149", day=0.034, spread=5, rate=14, trade=0.9, gap=14, suffix=".SWAP"),
)
# fmt: on
