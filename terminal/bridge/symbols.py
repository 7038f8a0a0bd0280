"""The protocol's names of instruments: ``BTC_USD`` for spot and CFD, ``BTC_USDT.swap`` for a perpetual.

What lies behind base and quote in a dated instrument's own name follows the point: ``BTC/USD-261225`` is
``BTC_USD.261225``. An inverse contract has its coin's name, though its amounts count the quote currency as
everywhere in the terminal: the protocol speaks of base units and knows no contracts that it could count.
"""

from __future__ import annotations

from typing import Final

from terminal.bridge.errors import CallRefused
from terminal.core.clock import Clock
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.services.market_data import MarketData

# A strategy that asks for what is not listed must not make us walk a venue's whole list at every call.
_LOOK_AGAIN_NS: Final = 1_000_000_000


def wire_name(instrument: Instrument) -> str:
    """An instrument's name in the protocol."""
    base = instrument.base
    if instrument.is_inverse:
        # Its quantity counts the quote currency; the coin stands in its symbol.
        base = instrument.symbol.partition("/")[0]
    name = f"{base}_{instrument.quote}".upper()
    if instrument.kind is InstrumentKind.PERPETUAL:
        return f"{name}.swap"
    pair = f"{base}/{instrument.quote}"
    rest = instrument.symbol.removeprefix(pair).lstrip("-_. ") if instrument.symbol.startswith(pair) else ""
    return f"{name}.{rest}" if rest else name


class SymbolTable:
    """Finds the instrument that a name means at a venue; letters may be of either case."""

    def __init__(self, market: MarketData, clock: Clock) -> None:
        self._market = market
        self._clock = clock
        self._found: dict[str, dict[str, InstrumentId]] = {}
        self._looked_ns: dict[str, int] = {}

    def find(self, venue: str, name: str) -> Instrument:
        """The instrument.

        Raises:
            CallRefused: the name is no ``BASE_QUOTE``, or the venue does not list it.
        """
        key = name.strip().upper()
        base, _, quote = key.partition("_")
        if not base or not quote or quote.startswith(".") or not key.isprintable():
            raise CallRefused("invalid symbol")
        known = self._found.get(venue, {}).get(key)
        instrument = None if known is None else self._market.instrument(known)
        if instrument is None:
            self._look(venue)
            known = self._found.get(venue, {}).get(key)
            instrument = None if known is None else self._market.instrument(known)
        if instrument is None:
            raise CallRefused(f"unknown symbol: {key[:60]} is not listed at {venue.upper()}")
        return instrument

    def _look(self, venue: str) -> None:
        now = self._clock.monotonic_ns()
        looked = self._looked_ns.get(venue)
        if looked is not None and now - looked < _LOOK_AGAIN_NS and self._found.get(venue):
            return
        self._looked_ns[venue] = now
        table: dict[str, InstrumentId] = {}
        for instrument in self._market.instruments(venue):
            key = wire_name(instrument).upper()
            # Where two have one name, the one that is simply called base/quote has it.
            if key not in table or instrument.symbol == f"{instrument.base}/{instrument.quote}":
                table[key] = instrument.id
        self._found[venue] = table
