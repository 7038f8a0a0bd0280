"""Twins: one thing that several venues trade, under whatever name and in whatever kind of dollar.

``BTC/USD`` at one venue, ``BTC/USDT`` at another and a broker's ``BTCUSD`` are bought for the same reason, so
their prices may be laid side by side. They are not the same contract: a CFD or a perpetual is a twin of the
coin, and whoever compares them is told the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus

DOLLARS: Final = frozenset({"USD", "USDT", "USDC"})
"""The dollar and what is redeemed for one: alike when twins are looked for, never when money is counted."""
ALONE: Final = ""
"""The group of an instrument that has no twins."""

# The same thing under the names that venues and brokers use for it.
_SAME_ASSET: Final = MappingProxyType(
    {"XBT": "BTC", "XDG": "DOGE", "GOLD": "XAU", "SILVER": "XAG", "WTI": "XTI", "BRENT": "XBR"}
    | {"BITCOIN": "BTC", "ETHEREUM": "ETH", "LITECOIN": "LTC", "SOLANA": "SOL", "DOGECOIN": "DOGE"}
)
# A dated future and a fixed-payout contract have prices of their own: nobody takes one for the other. An
# inverse contract counts money instead of the asset, so no size of another is a size of it: whoever calls it
# a twin has its prices compared, but no link leads to it by itself.
_NEVER_BY_ITSELF: Final = frozenset({InstrumentKind.FUTURE, InstrumentKind.CONTRACT, InstrumentKind.UNKNOWN})


class Underlying(NamedTuple):
    """What an instrument is about: an asset, and the money that it is counted in."""

    base: str
    money: str
    """``USD`` for every kind of dollar."""

    def __str__(self) -> str:
        return f"{self.base}/{self.money}"


def asset_of(name: str) -> str:
    """An asset by the name that the terminal knows it by: ``XBT`` is ``BTC``."""
    name = name.upper()
    return _SAME_ASSET.get(name, name)


def money_of(quote: str) -> str:
    """The family of a quote currency: ``USD`` for USDT and USDC too."""
    quote = quote.upper()
    return "USD" if quote in DOLLARS else quote


def underlying_of(instrument: Instrument) -> Underlying | None:
    """What an instrument is about, of an inverse contract its coin; None where its venue names no base or no
    quote."""
    if not instrument.asset or not instrument.quote:
        return None
    return Underlying(asset_of(instrument.asset), money_of(instrument.quote))


def usual_group(instrument: Instrument) -> str:
    """The twins that an instrument belongs to unless a person says otherwise, e.g. ``BTC/USD``."""
    if instrument.kind in _NEVER_BY_ITSELF or instrument.is_inverse:
        return ALONE
    underlying = underlying_of(instrument)
    return ALONE if underlying is None else str(underlying)


def open_counterpart(
    instrument: Instrument,
    listed: Iterable[Instrument],
    group_of: Callable[[InstrumentId], str] = lambda instrument: ALONE,
) -> Instrument | None:
    """The open contract on the same thing at the same venue, where the one of the two follows the market's
    price and the other the venue's own; None where there is none.

    ``listed``: what the venue lists. ``group_of``: the twins that a person has put together, which count
    where the names do not agree.
    """
    offer, about, group = instrument.offer, underlying_of(instrument), group_of(instrument.id)
    if offer is None:
        return None
    for other in listed:
        if other.venue != instrument.venue or other.status is not MarketStatus.ONLINE or other.offer is None:
            continue
        if other.offer.is_house_quoted is offer.is_house_quoted:
            continue
        is_same = (
            about is not None and underlying_of(other) == about and other.category == instrument.category
        )
        if is_same or (group != ALONE and group_of(other.id) == group):
            return other
    return None


class TwinMap:
    """Which instruments are twins: the usual groups, and what a person has changed of them.

    Immutable; a change gives another map.

    Attributes:
        moved: instruments that belong to another group than the usual one, by their group.
    """

    __slots__ = ("moved",)

    def __init__(self, moved: Mapping[InstrumentId, str] | None = None) -> None:
        self.moved: Mapping[InstrumentId, str] = MappingProxyType(dict(moved or {}))

    def group_of(self, instrument: Instrument) -> str:
        """The group of an instrument; :data:`ALONE` where it has no twins."""
        found = self.moved.get(instrument.id)
        return usual_group(instrument) if found is None else found

    def with_moved(self, instrument: Instrument, group: str) -> TwinMap:
        """The same map with an instrument in another group, or alone."""
        moved = dict(self.moved)
        moved.pop(instrument.id, None)
        if group != usual_group(instrument):
            moved[instrument.id] = group
        return TwinMap(moved)

    def without(self, instrument: InstrumentId) -> TwinMap:
        """The same map with an instrument back where it usually is."""
        return TwinMap({key: group for key, group in self.moved.items() if key != instrument})
