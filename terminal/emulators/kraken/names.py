"""Kraken's three ways to name a pair and its two to name an asset.

Kraken REST ``AssetPairs`` and ``Assets``, WebSocket v2 ``instrument``; read 2026-08.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from terminal.emulators.market.accounts import fee_tiers
from terminal.emulators.market.listing import ASSET_DECIMALS, Listing

_ASSET_IDS: Final = {
    "BTC": "XXBT", "ETH": "XETH", "DOGE": "XXDG", "LTC": "XLTC", "XRP": "XXRP",
    "USD": "ZUSD", "EUR": "ZEUR", "GBP": "ZGBP",
}  # fmt: skip
_ALTNAMES: Final = {"BTC": "XBT", "DOGE": "XDG"}
_DISPLAY_DECIMALS: Final = {"USD": 2, "EUR": 2, "GBP": 2, "BTC": 5, "USDT": 4}
# Pairs of newer coins with an old-style quote have plain ids; these few do not follow from the assets' ids.
_PAIR_IDS: Final = {"DOGE/USD": "XDGUSD", "USDT/USD": "USDTZUSD", "EUR/USD": "ZEURZUSD"}
_OLD_STYLE: Final = frozenset({"BTC", "ETH", "LTC", "XRP", "USD", "EUR", "GBP"})


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset under its names."""

    name: str
    """``BTC``: WebSocket v2, and ours."""
    asset_id: str
    """``XXBT``."""
    altname: str
    """``XBT``."""
    decimals: int
    display_decimals: int

    def rest_object(self) -> dict[str, Any]:
        """Its entry in ``Assets``."""
        return {
            "aclass": "currency",
            "altname": self.altname,
            "decimals": self.decimals,
            "display_decimals": self.display_decimals,
            "status": "enabled",
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair under its names, with its listing."""

    listing: Listing
    pair_id: str
    """``XXBTZUSD``: what results are keyed by."""
    altname: str
    """``XBTUSD``: what order descriptions say."""
    wsname: str
    """``XBT/USD``: WebSocket v1."""
    base: Asset
    quote: Asset

    @property
    def symbol(self) -> str:
        """``BTC/USD``: WebSocket v2."""
        return self.listing.symbol


class Names:
    """Every asset and pair of the practice venue, found by any of their names."""

    def __init__(self, listings: tuple[Listing, ...]) -> None:
        names = dict.fromkeys(name for listing in listings for name in (listing.base, listing.quote))
        self.assets: dict[str, Asset] = {name: _asset(name) for name in names}
        self.pairs: dict[str, Pair] = {listing.symbol: self._pair(listing) for listing in listings}
        self._assets_by_any: dict[str, Asset] = {}
        for asset in self.assets.values():
            for key in (asset.name, asset.altname, asset.asset_id):
                self._assets_by_any.setdefault(key, asset)
        self._pairs_by_any: dict[str, Pair] = {}
        for pair in self.pairs.values():
            plain = pair.symbol.replace("/", "")
            for key in (pair.pair_id, pair.altname, pair.wsname, pair.symbol, plain):
                self._pairs_by_any.setdefault(key, pair)

    def find_pair(self, text: str) -> Pair | None:
        """By id, altname, wsname or modern name, as REST accepts them."""
        return self._pairs_by_any.get(text.upper())

    def find_asset(self, text: str) -> Asset | None:
        """By id, altname or modern name."""
        return self._assets_by_any.get(text.upper())

    def _pair(self, listing: Listing) -> Pair:
        base, quote = self.assets[listing.base], self.assets[listing.quote]
        if listing.symbol in _PAIR_IDS:
            pair_id = _PAIR_IDS[listing.symbol]
        elif listing.base in _OLD_STYLE and listing.quote in _OLD_STYLE:
            pair_id = base.asset_id + quote.asset_id
        else:
            pair_id = base.altname + quote.altname
        return Pair(
            listing=listing,
            pair_id=pair_id,
            altname=base.altname + quote.altname,
            wsname=f"{base.altname}/{quote.altname}",
            base=base,
            quote=quote,
        )


def _asset(name: str) -> Asset:
    return Asset(
        name=name,
        asset_id=_ASSET_IDS.get(name, name),
        altname=_ALTNAMES.get(name, name),
        decimals=ASSET_DECIMALS.get(name, 8),
        display_decimals=_DISPLAY_DECIMALS.get(name, 5),
    )


def fee_table(listing: Listing, *, maker: bool) -> list[list[int | float]]:
    """``[[30-day volume, per cent], ...]`` as ``AssetPairs`` gives it."""
    return [
        [int(volume), float(rates.maker_pct if maker else rates.taker_pct)]
        for volume, rates in fee_tiers(listing)
    ]


def pair_object(pair: Pair, *, status: str, tick_size: Decimal) -> dict[str, Any]:
    """A pair's entry in ``AssetPairs``."""
    listing = pair.listing
    return {
        "altname": pair.altname,
        "wsname": pair.wsname,
        "aclass_base": "currency",
        "base": pair.base.asset_id,
        "aclass_quote": "currency",
        "quote": pair.quote.asset_id,
        "lot": "unit",
        "cost_decimals": listing.cost_decimals,
        "pair_decimals": listing.price_decimals,
        "lot_decimals": listing.quantity_decimals,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": fee_table(listing, maker=False),
        "fees_maker": fee_table(listing, maker=True),
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": format(listing.min_quantity, "f"),
        "costmin": format(listing.min_notional, "f"),
        "tick_size": format(tick_size, "f"),
        "status": status,
        "execution_venue": "international",
    }
