"""The thing traded: its names, its grid and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import NamedTuple


class InstrumentId(NamedTuple):
    """Which instrument at which venue; the key of every table in the program."""

    venue: str
    symbol: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.venue}"


class InstrumentKind(Enum):
    """What owning it means."""

    SPOT = "spot"
    PERPETUAL = "perp"
    FUTURE = "future"
    CFD = "cfd"
    CONTRACT = "contract"
    UNKNOWN = "unknown"


class MarketStatus(Enum):
    """What the venue accepts for this instrument now."""

    ONLINE = "online"
    CANCEL_ONLY = "cancel only"
    POST_ONLY = "post only"
    LIMIT_ONLY = "limit only"
    REDUCE_ONLY = "reduce only"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument as its venue defines it today. Quantities in base units, prices in quote per base."""

    id: InstrumentId
    venue_symbol: str
    """The venue's own name for it in requests."""
    kind: InstrumentKind
    base: str
    quote: str
    tick_size: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    min_notional: Decimal | None = None
    max_quantity: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    price_decimals: int = 2
    """Digits after the point on screen and in the venue's own texts."""
    quantity_decimals: int = 8
    status: MarketStatus = MarketStatus.ONLINE
    status_text: str = ""
    """The venue's own word where the status is UNKNOWN."""
    marginable: bool = False

    @property
    def venue(self) -> str:
        return self.id.venue

    @property
    def symbol(self) -> str:
        return self.id.symbol
