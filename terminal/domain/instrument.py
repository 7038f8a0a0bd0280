"""The thing traded: its names, its grid and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from terminal.domain.contracts import ContractOffer
from terminal.domain.schedule import TradingSchedule


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


class SwapRates(NamedTuple):
    """What holding a position over one night costs (negative) or brings, in quote units per base unit."""

    long: Decimal
    short: Decimal
    triple_weekday: int | None = None
    """Monday is 0: the night that counts three times."""
    text: str = ""
    """As the venue states it, e.g. ``−7.5 pips long, +1.2 pips short``."""


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
    lot_size: Decimal | None = None
    """Base units of one lot, where the venue's people speak of lots; None: they speak of units."""
    pip_size: Decimal | None = None
    """The unit in which distances and spreads are spoken of; None: ticks."""
    description: str = ""
    """In words, e.g. ``Euro vs US Dollar``."""
    category: str = ""
    """Where the venue's own list puts it, e.g. ``Forex / Majors``."""
    schedule: TradingSchedule | None = None
    """When it trades; None: always, or the venue does not say."""
    swap: SwapRates | None = None
    min_stop_distance: Decimal = Decimal(0)
    """How near to the market a stop loss may be, in quote units."""
    min_profit_distance: Decimal = Decimal(0)
    can_sell_short: bool = True
    max_leverage: Decimal | None = None
    """100 means 1:100, where the venue has a highest one for it."""
    guaranteed_stop: bool = False
    """The venue offers stops that fill at their price whatever happens."""
    is_inverse: bool = False
    """Quantities count the quote currency (100 USD a contract), and profit is paid in the coin: what an order
    is worth is its quantity, at whatever price."""
    offer: ContractOffer | None = None
    """What is paid for how long, of an instrument that is traded by contracts; its quantities are stakes."""
    is_tick_told: bool = True
    """False: the venue tells no tick, and ``tick_size`` is only as fine as its prices were seen to be: for
    the screen, never to refuse an order for."""
    is_detailed: bool = True
    """False: only name and category are known; limits and schedule come when it is first used."""

    @property
    def venue(self) -> str:
        return self.id.venue

    @property
    def symbol(self) -> str:
        return self.id.symbol

    @property
    def most_price_digits(self) -> int | None:
        """Digits after the point that a typed price may have; None: as many as one likes."""
        return self.price_decimals if self.is_tick_told else None

    @property
    def asset(self) -> str:
        """What it is about: the base asset, of an inverse contract (which counts money) its coin."""
        return self.settled_in if self.is_inverse else self.base

    @property
    def settled_in(self) -> str:
        """The asset that its profit, fees and margin are in: the coin of an inverse contract (the first part
        of its symbol), else the quote asset."""
        return self.id.symbol.partition("/")[0] if self.is_inverse else self.quote
