"""What the venue as a whole says of itself: its status, its clock, pairs that changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.instrument import MarketStatus
from terminal.emulators.kraken.names import Names, Pair
from terminal.emulators.kraken.wire import NS_PER_S, number, plain
from terminal.emulators.market.practice import PracticeMarket

SYSTEM_STATUSES: Final = {
    "online": MarketStatus.ONLINE,
    "maintenance": MarketStatus.CLOSED,
    "cancel_only": MarketStatus.CANCEL_ONLY,
    "post_only": MarketStatus.POST_ONLY,
}
PAIR_STATUSES: Final = {
    **SYSTEM_STATUSES,
    "limit_only": MarketStatus.LIMIT_ONLY,
    "reduce_only": MarketStatus.REDUCE_ONLY,
    "delisted": MarketStatus.CLOSED,
    "work_in_progress": MarketStatus.CLOSED,
}


@dataclass(slots=True)
class PairState:
    """How a pair differs from its listing now."""

    status: str = "online"
    tick_size: Decimal | None = None


@dataclass(slots=True)
class Skew:
    """An error of the venue's clock."""

    offset_ns: int = 0
    until_ns: int | None = None
    """Monotonic; None = until told otherwise."""


@dataclass
class VenueState:
    """Status and clock; the market follows the status."""

    market: PracticeMarket
    names: Names
    clock: Clock
    system: str = "online"
    pairs: dict[str, PairState] = field(default_factory=dict)
    skew: Skew = field(default_factory=Skew)
    system_changed: Observable[[]] = field(default_factory=lambda: Observable("practice.status"))
    pair_changed: Observable[[str]] = field(default_factory=lambda: Observable("practice.pair"))

    def wall_ns(self) -> int:
        """The venue's idea of the time."""
        skew = self.skew
        if skew.offset_ns and skew.until_ns is not None and self.clock.monotonic_ns() >= skew.until_ns:
            self.skew = skew = Skew()
        return self.clock.wall_ns() + skew.offset_ns

    def stamp(self, ts_ns: int) -> int:
        """An event's time as the venue's clock shows it."""
        return ts_ns + (self.wall_ns() - self.clock.wall_ns() if self.skew.offset_ns else 0)

    def jump_clock(self, offset_s: float, seconds: float | None) -> None:
        """Put the venue's clock off by so much, for so long."""
        until = None if seconds is None else self.clock.monotonic_ns() + int(seconds * NS_PER_S)
        self.skew = Skew(int(offset_s * NS_PER_S), until)

    def pair_state(self, symbol: str) -> PairState:
        return self.pairs.setdefault(symbol, PairState())

    def status_of(self, symbol: str) -> str:
        """A pair's status word."""
        found = self.pairs.get(symbol)
        own = found.status if found is not None else "online"
        return own if own != "online" or self.system == "online" else self.system

    def tick_size(self, pair: Pair) -> Decimal:
        """The price increment in force."""
        found = self.pairs.get(pair.symbol)
        changed = found.tick_size if found is not None else None
        return changed if changed is not None else pair.listing.tick_size

    def set_system(self, status: str) -> None:
        """The whole venue changes its status.

        Raises:
            ValueError: no such status.
        """
        if status not in SYSTEM_STATUSES:
            raise ValueError(f"no system status: {status}")
        self.system = status
        for symbol in self.market.engines:
            self._apply(symbol)
        self.system_changed.notify()

    def set_pair(self, symbol: str, status: str) -> None:
        """One pair changes its status.

        Raises:
            ValueError: no such status or pair.
        """
        if status not in PAIR_STATUSES or symbol not in self.names.pairs:
            raise ValueError(f"no pair status: {symbol} {status}")
        self.pair_state(symbol).status = status
        self._apply(symbol)
        self.pair_changed.notify(symbol)

    def set_tick_size(self, symbol: str, tick_size: Decimal) -> None:
        """A pair's prices get another increment, a whole multiple of the listed one.

        Raises:
            ValueError: no such pair, or no multiple.
        """
        pair = self.names.pairs.get(symbol)
        if pair is None or tick_size <= 0 or tick_size % pair.listing.tick_size:
            raise ValueError(f"no price increment of {symbol}: {tick_size}")
        self.pair_state(symbol).tick_size = tick_size
        self.pair_changed.notify(symbol)

    def restore(self) -> None:
        """Everything as it was at the start."""
        changed = [symbol for symbol, one in self.pairs.items() if one != PairState()]
        self.pairs.clear()
        self.skew = Skew()
        for symbol in changed:
            self.pair_changed.notify(symbol)
        self.set_system("online")

    def _apply(self, symbol: str) -> None:
        self.market.set_status(PAIR_STATUSES[self.status_of(symbol)], symbol)

    # ---- instrument rows -------------------------------------------------------------------------

    def pair_row(self, pair: Pair) -> dict[str, Any]:
        """A pair in the ``instrument`` channel."""
        listing = pair.listing
        tick = number(self.tick_size(pair), listing.price_decimals)
        return {
            "symbol": pair.symbol,
            "base": listing.base,
            "quote": listing.quote,
            "status": self.status_of(pair.symbol),
            "qty_precision": listing.quantity_decimals,
            "qty_increment": number(listing.quantity_step, listing.quantity_decimals),
            "price_precision": listing.price_decimals,
            "cost_precision": listing.cost_decimals,
            "marginable": False,
            "has_index": True,
            "cost_min": plain(listing.min_notional),
            "tick_size": tick,
            "price_increment": tick,
            "qty_min": number(listing.min_quantity, listing.quantity_decimals),
        }

    def instrument_data(self) -> dict[str, Any]:
        """The whole ``instrument`` snapshot."""
        assets = [
            {
                "id": asset.name,
                "status": "enabled",
                "precision": asset.decimals,
                "precision_display": asset.display_decimals,
                "borrowable": False,
                "collateral_value": plain(Decimal(1)),
                "margin_rate": plain(Decimal(0)),
            }
            for asset in self.names.assets.values()
        ]
        return {"assets": assets, "pairs": [self.pair_row(pair) for pair in self.names.pairs.values()]}
