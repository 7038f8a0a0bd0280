"""Kraken's three ways to name a pair, its two ways to name an asset, and the instruments made of them.

A pair is ``XXBTZUSD`` (id), ``XBTUSD`` (altname) and ``XBT/USD`` (WebSocket v1) in REST and ``BTC/USD`` on
WebSocket v2. Ours is the last. REST results are keyed by the id, whatever was asked with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from terminal.domain.decimals import ZERO, require_finite
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind, MarketStatus
from terminal.venues.kraken.errors import VENUE_NAME
from terminal.venues.kraken.wire import AssetInfo, PairInfo, WsPair

_MODERN = {"XBT": "BTC", "XDG": "DOGE"}
_OLD = {modern: old for old, modern in _MODERN.items()}
# The legacy ids whose short form is not in AssetPairs for every account; learnt ones win.
_LEGACY = {
    "XXBT": "BTC", "XXDG": "DOGE", "XETH": "ETH", "XETC": "ETC", "XLTC": "LTC", "XXRP": "XRP", "XXLM": "XLM",
    "XXMR": "XMR", "XZEC": "ZEC", "XREP": "REP", "XMLN": "MLN", "ZUSD": "USD", "ZEUR": "EUR", "ZGBP": "GBP",
    "ZCAD": "CAD", "ZJPY": "JPY", "ZAUD": "AUD",
}  # fmt: skip
_STATUS = {
    "online": MarketStatus.ONLINE,
    "cancel_only": MarketStatus.CANCEL_ONLY,
    "post_only": MarketStatus.POST_ONLY,
    "limit_only": MarketStatus.LIMIT_ONLY,
    "reduce_only": MarketStatus.REDUCE_ONLY,
    "delisted": MarketStatus.CLOSED,
    "maintenance": MarketStatus.CLOSED,
    "work_in_progress": MarketStatus.CLOSED,
}
# What the wallets of the balances channel are called in REST's asset suffixes.
_WALLET_SUFFIX = {"flex": ".F", "flexible": ".F", "bonded": ".B", "locked": ".B", "liquid": ".M"}


def modern_asset(altname: str) -> str:
    """``XBT`` -> ``BTC``, ``XDG`` -> ``DOGE``; others as they are."""
    return _MODERN.get(altname, altname)


def modern_symbol(wsname: str) -> str:
    """``XBT/USD`` -> ``BTC/USD``."""
    base, _, quote = wsname.partition("/")
    return f"{modern_asset(base)}/{modern_asset(quote)}"


def market_status(text: str) -> MarketStatus:
    """The status word of a pair; one that is not documented is UNKNOWN and shown as it is."""
    return _STATUS.get(text, MarketStatus.UNKNOWN)


def wallet_asset(asset: str, wallet_type: str, wallet_id: str) -> str:
    """The asset name under which a wallet's balance is shown: the spot wallet is the asset itself, an earning
    wallet has the suffix that REST uses (``BTC.F``)."""
    if wallet_type == "spot":
        return asset
    return asset + _WALLET_SUFFIX.get(wallet_id, f".{wallet_id}")


class SymbolMap:
    """What Kraken lists, under all its names. Filled from AssetPairs and the instrument channel."""

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument] = {}
        self._symbol_by_name: dict[str, str] = {}
        self._rest_id: dict[str, str] = {}
        self._assets: dict[str, str] = dict(_LEGACY)
        self._ids: dict[str, InstrumentId] = {}

    @property
    def has_rest_names(self) -> bool:
        """Whether AssetPairs has been read."""
        return bool(self._rest_id)

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(self._instruments.values())

    def instrument(self, symbol: str) -> Instrument | None:
        return self._instruments.get(symbol)

    def instrument_id(self, symbol: str) -> InstrumentId:
        """One and the same object for a symbol, so that tables find it by identity first."""
        found = self._ids.get(symbol)
        if found is None:
            found = self._ids[symbol] = InstrumentId(VENUE_NAME, symbol)
        return found

    def learn_assets(self, assets: Mapping[str, AssetInfo]) -> None:
        """Take the names of the ``Assets`` call."""
        for asset_id, info in assets.items():
            self._assets[asset_id] = modern_asset(info.altname)

    def learn_pairs(self, pairs: Mapping[str, PairInfo]) -> tuple[Instrument, ...]:
        """Take the result of ``AssetPairs``; returns the instruments that are new or differ.

        A pair without ``wsname`` (dark pools) or with figures that cannot be is left out.
        """
        changed = []
        for pair_id, info in pairs.items():
            if "/" not in info.wsname:
                continue
            symbol = modern_symbol(info.wsname)
            base, _, quote = symbol.partition("/")
            self._assets.setdefault(info.base, base)
            self._assets.setdefault(info.quote, quote)
            self._rest_id[symbol] = pair_id
            for name in (pair_id, info.altname, info.wsname, symbol):
                self._symbol_by_name[name] = symbol
            try:
                fresh = self._from_rest(symbol, pair_id, info)
            except ValueError:
                continue
            known = self._instruments.get(symbol)
            if known is not None and known.venue_symbol == symbol:
                # The instrument channel was first, and it is the newer truth of everything but the name.
                fresh = replace(known, venue_symbol=pair_id)
            if fresh != known:
                self._instruments[symbol] = fresh
                changed.append(fresh)
        return tuple(changed)

    def learn_ws_pairs(self, pairs: Iterable[WsPair]) -> tuple[Instrument, ...]:
        """Take rows of the instrument channel; returns the instruments that are new or differ."""
        changed = []
        for pair in pairs:
            try:
                fresh = self._from_ws(pair)
            except ValueError:
                continue
            if fresh != self._instruments.get(pair.symbol):
                self._instruments[pair.symbol] = fresh
                changed.append(fresh)
        return tuple(changed)

    def symbol(self, name: str) -> str | None:
        """Our symbol for a pair id, altname, v1 or v2 name; None where Kraken never listed it to us."""
        if name in self._instruments:
            return name
        return self._symbol_by_name.get(name)

    def rest_pair(self, symbol: str) -> str:
        """What to send as ``pair``: the id, or the v1 name (which REST takes too) before AssetPairs is
        read."""
        found = self._rest_id.get(symbol)
        if found is not None:
            return found
        base, _, quote = symbol.partition("/")
        return f"{_OLD.get(base, base)}/{_OLD.get(quote, quote)}"

    def asset(self, asset_id: str) -> str:
        """Our name of a REST asset: ``XXBT`` -> ``BTC``, ``XBT.F`` -> ``BTC.F``, ``SOL`` -> ``SOL``."""
        found = self._assets.get(asset_id)
        if found is not None:
            return found
        stem, dot, suffix = asset_id.partition(".")
        return modern_asset(self._assets.get(stem, stem)) + dot + suffix

    def _from_rest(self, symbol: str, pair_id: str, info: PairInfo) -> Instrument:
        base, _, quote = symbol.partition("/")
        tick = info.tick_size if info.tick_size else Decimal(1).scaleb(-info.pair_decimals)
        return Instrument(
            id=self.instrument_id(symbol),
            venue_symbol=pair_id,
            kind=InstrumentKind.SPOT,
            base=base,
            quote=quote,
            tick_size=_positive(tick),
            quantity_step=Decimal(1).scaleb(-info.lot_decimals),
            min_quantity=_not_negative(info.ordermin or ZERO),
            min_notional=_not_negative(info.costmin) if info.costmin is not None else None,
            price_decimals=info.pair_decimals,
            quantity_decimals=info.lot_decimals,
            status=market_status(info.status),
            status_text=info.status,
            marginable=bool(info.leverage_buy or info.leverage_sell),
        )

    def _from_ws(self, pair: WsPair) -> Instrument:
        tick = pair.price_increment or pair.tick_size or Decimal(1).scaleb(-pair.price_precision)
        step = pair.qty_increment or Decimal(1).scaleb(-pair.qty_precision)
        return Instrument(
            id=self.instrument_id(pair.symbol),
            venue_symbol=self._rest_id.get(pair.symbol, pair.symbol),
            kind=InstrumentKind.SPOT,
            base=pair.base,
            quote=pair.quote,
            tick_size=_positive(tick),
            quantity_step=_positive(step),
            min_quantity=_not_negative(pair.qty_min or ZERO),
            min_notional=_not_negative(pair.cost_min) if pair.cost_min is not None else None,
            price_decimals=pair.price_precision,
            quantity_decimals=pair.qty_precision,
            status=market_status(pair.status),
            status_text=pair.status,
            marginable=pair.marginable,
        )


def _positive(value: Decimal) -> Decimal:
    if require_finite(value) <= 0:
        raise ValueError(f"not above zero: {value}")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if require_finite(value) < 0:
        raise ValueError(f"below zero: {value}")
    return value
