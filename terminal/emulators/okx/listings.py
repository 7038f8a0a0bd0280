"""What the practice OKX lists: real instruments with OKX's own steps, minimums and contract sizes.

Steps, minimums and contract values follow ``/api/v5/public/instruments`` (OKX API v5, read 2026-07); the
instrument codes are this venue's own, as a client must read them and never know them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from terminal.emulators.market.listing import Listing

MAINTENANCE_RATE: Final = Decimal("0.004")
"""Part of a position's value below which the equity must not fall (first tier of the large coins)."""


@dataclass(frozen=True, slots=True)
class OkxInstrument:
    """A spot pair, the same on margin, a perpetual swap or a dated future."""

    listing: Listing
    code: int
    """``instIdCode``."""
    kind: str
    """``SPOT``, ``MARGIN``, ``SWAP`` or ``FUTURES``."""
    settle: str = ""
    contract_value: Decimal = Decimal(1)
    """Units of ``contract_asset`` in a contract; 1 for spot."""
    contract_asset: str = ""
    max_leverage: int = 10
    listed_ns: int = 1_606_468_572_000_000_000
    expiry_ns: int = 0
    """When a dated future is delivered; 0 for what has no end."""

    @property
    def inst_id(self) -> str:
        return self.listing.symbol

    @property
    def base(self) -> str:
        return self.listing.base

    @property
    def quote(self) -> str:
        return self.listing.quote

    @property
    def is_contract(self) -> bool:
        """Counted in contracts."""
        return self.kind in ("SWAP", "FUTURES")

    @property
    def is_carried(self) -> bool:
        """What is traded becomes a position, settled in one currency."""
        return self.kind != "SPOT"

    @property
    def on_margin(self) -> OkxInstrument:
        """A spot pair as it is traded with borrowed money: a position in the base currency that is settled in
        the quote currency."""
        return replace(self, kind="MARGIN", settle=self.quote, contract_asset=self.base)

    @property
    def is_swap(self) -> bool:
        """Without an end, and with funding."""
        return self.kind == "SWAP"

    @property
    def is_dated(self) -> bool:
        return self.expiry_ns > 0

    @property
    def is_inverse(self) -> bool:
        """Worth a fixed number of dollars, settled in the coin."""
        return self.is_contract and self.settle == self.listing.base

    @property
    def family(self) -> str:
        """``instFamily``: what a group of contracts shares."""
        return f"{self.base}-{self.quote}" if self.is_contract else ""

    @property
    def maker(self) -> Decimal:
        """Fee as a part of the turnover, positive where the trader pays."""
        return Decimal("0.0002") if self.is_contract else Decimal("0.0008")

    @property
    def taker(self) -> Decimal:
        return Decimal("0.0005") if self.is_contract else Decimal("0.001")

    def value(self, quantity: Decimal, price: Decimal) -> Decimal:
        """What so much is worth: quote units for spot, settlement currency for contracts."""
        if self.is_inverse:
            return quantity * self.contract_value / price
        return quantity * self.contract_value * price

    def coins(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Base coins in so much."""
        return quantity * self.contract_value / (price if self.is_inverse else 1)

    def profit(self, size: Decimal, entry: Decimal, price: Decimal) -> Decimal:
        """Of a position of so many contracts (negative = short), in the settlement currency."""
        if self.is_inverse:
            return size * self.contract_value * (1 / entry - 1 / price)
        return size * self.contract_value * (price - entry)


def listing_of(
    symbol: str,
    tick: str,
    lot: str,
    minimum: str,
    price: str,
    *,
    spread: float,
    rate: float,
    trade: float,
    gap: float,
    day: float = 0.04,
) -> Listing:
    """What the practice market must know of an instrument: steps and minimum, and how lively it is."""
    base, quote = symbol.split("-")[:2]
    tick_size, step = Decimal(tick), Decimal(lot)
    return Listing(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=tick_size,
        price_decimals=_places(tick_size),
        quantity_step=step,
        quantity_decimals=_places(step),
        min_quantity=Decimal(minimum),
        min_notional=Decimal(0),
        cost_decimals=8,
        start_price=Decimal(price),
        daily_volatility=day,
        typical_spread_ticks=spread,
        trades_per_minute=rate,
        average_trade=trade,
        level_gap_ticks=gap,
    )


def _places(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


# fmt: off
_SPOT: Final = (
    listing_of("BTC-USDT", "0.1", "0.00000001", "0.00001", "92400", spread=1.6, rate=40, trade=0.03, gap=9),
    listing_of("ETH-USDT", "0.01", "0.000001", "0.0001", "3150", spread=1.8, rate=34, trade=0.5, gap=9),
    listing_of("SOL-USDT", "0.01", "0.000001", "0.001", "142", spread=1.3, rate=24, trade=8, gap=1.3),
    listing_of("XRP-USDT", "0.0001", "0.000001", "0.1", "2.14", spread=1.3, rate=22, trade=650, gap=1.2),
    listing_of("DOGE-USDT", "0.00001", "0.000001", "1", "0.147", spread=1.4, rate=14, trade=5000, gap=1.3),
    listing_of("ADA-USDT", "0.0001", "0.000001", "0.1", "0.43", spread=1.1, rate=10, trade=1700, gap=1.0),
    listing_of("LTC-USDT", "0.01", "0.000001", "0.001", "84", spread=1.4, rate=9, trade=6, gap=1.3),
    listing_of("LINK-USDT", "0.001", "0.000001", "0.01", "13.4", spread=1.6, rate=9, trade=36, gap=1.6),
    listing_of("DOT-USDT", "0.001", "0.000001", "0.01", "2.18", spread=1.1, rate=8, trade=240, gap=1.0),
    listing_of("AVAX-USDT", "0.001", "0.000001", "0.01", "14.2", spread=1.6, rate=8, trade=32, gap=1.6),
    listing_of("TRX-USDT", "0.00001", "0.000001", "1", "0.28", spread=1.6, rate=8, trade=3500, gap=1.6),
    listing_of("USDC-USDT", "0.0001", "0.000001", "1", "1.0", spread=1.0, rate=8, trade=2500, gap=1.0),
)
_SWAPS: Final = (
    (listing_of("BTC-USDT-SWAP", "0.1", "0.01", "0.01", "92400", spread=1.2, rate=60, trade=6, gap=7),
     "USDT", "0.01", "BTC", 100),
    (listing_of("ETH-USDT-SWAP", "0.01", "0.01", "0.01", "3150", spread=1.3, rate=48, trade=9, gap=7),
     "USDT", "0.1", "ETH", 100),
    (listing_of("SOL-USDT-SWAP", "0.01", "0.01", "0.01", "142", spread=1.2, rate=30, trade=14, gap=1.2),
     "USDT", "1", "SOL", 50),
    (listing_of("BTC-USD-SWAP", "0.1", "1", "1", "92400", spread=2.0, rate=20, trade=40, gap=10),
     "BTC", "100", "USD", 100),
)
# fmt: on

INSTRUMENTS: Final[tuple[OkxInstrument, ...]] = (
    *(OkxInstrument(one, 1_000_011 + 7 * i, "SPOT") for i, one in enumerate(_SPOT)),
    *(
        OkxInstrument(one, 2_021_032 + 11 * i, "SWAP", settle, Decimal(size), asset, leverage)
        for i, (one, settle, size, asset, leverage) in enumerate(_SWAPS)
    ),
)

STARTING_BALANCES: Final[dict[str, Decimal]] = {
    "USDT": Decimal(10_000),
    "BTC": Decimal("0.25"),
    "ETH": Decimal(3),
    "SOL": Decimal(50),
    "XRP": Decimal(2_000),
    "DOGE": Decimal(5_000),
    "USDC": Decimal(1_000),
}
"""Of a fresh practice account, in its trading account."""
