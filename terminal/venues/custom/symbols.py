"""Names and instruments: ``BTC_USDT`` at the plugin, ``BTC/USDT`` on screen."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Context, Decimal
from typing import Any, Final

from terminal.domain.decimals import decimals_of
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.venues.custom import wire
from terminal.venues.custom.errors import VENUE_NAME
from terminal.venues.custom.options import Options, SymbolTerms

log = logging.getLogger("venue.custom")

_UNSEEN_TICK: Final = Decimal("0.00000001")
"""Before the first price of a market whose tick nobody tells."""
_SENT: Final = Context(prec=15)
"""What a plugin's binary numbers hold; 0.1 + 0.2 has noise behind it that no market means."""
_MOST_DIGITS: Final = 12
_SPOT = re.compile(r"([A-Z0-9]+)[_/-]([A-Z0-9]+)")


def split_symbol(text: str) -> tuple[str, str] | None:
    """Base and quote of a symbol in any spelling; None for futures and what is no symbol at all."""
    found = _SPOT.fullmatch(text.strip().upper())
    return (found[1], found[2]) if found else None


class SymbolTable:
    """The instruments of a plugin, by either name."""

    def __init__(self, options: Options, venue: str = VENUE_NAME) -> None:
        """``venue``: the name that the instruments are known by."""
        self._options = options
        self._venue = venue
        self._instruments: dict[str, Instrument] = {}
        self._digits: dict[str, int] = {}
        """Most digits seen behind the point, where nobody tells the tick."""
        for terms in options.symbols:
            self._add(_configured(self._venue, terms, options))

    @property
    def configured(self) -> tuple[str, ...]:
        """The symbols that the person named: those whose open orders are looked for by themselves."""
        return tuple(terms.name.replace("_", "/") for terms in self._options.symbols)

    def instruments(self) -> tuple[Instrument, ...]:
        """All of them, the person's first."""
        return tuple(self._instruments.values())

    def get(self, symbol: str) -> Instrument | None:
        """By our name, such as ``BTC/USDT``."""
        return self._instruments.get(symbol)

    def find(self, symbol: str) -> Instrument | None:
        """The same, and where it is not listed any more what its name alone tells: orders in it have to be
        looked for and canceled all the same."""
        found = self._instruments.get(symbol)
        if found is None and (parts := split_symbol(symbol)) is not None:
            return _configured(self._venue, SymbolTerms("_".join(parts)), self._options)
        return found

    def learn(self, markets: Any) -> int:
        """Take the answer to ``markets``; how many instruments it had. What the person set goes first.

        ``{"BTC_USDT":{"symbol":"BTC_USDT","base":"BTC","quote":"USDT","tick_size":"0.1",...}}``. The spelling
        of the keys is not certain in the guide, so that each of them may be missing. Raises ValueError.
        """
        count = 0
        own = {terms.name.replace("_", "/"): terms for terms in self._options.symbols}
        for name, terms in _named_rows(markets):
            parts = split_symbol(name)
            if parts is None:
                continue
            try:
                instrument = _listed(self._venue, parts, terms, own.get("/".join(parts)), self._options)
            except ValueError as problem:
                log.warning("the market %s cannot be read: %s", "/".join(parts), problem)
                continue
            self._add(instrument)
            count += 1
        return count

    def see(self, symbol: str, prices: Iterable[Decimal]) -> Instrument | None:
        """Take the venue's own prices where nobody tells the tick; the instrument, if it is shown otherwise
        now. Digits only become more: a quiet minute of whole numbers must not take any away."""
        known = self._instruments.get(symbol)
        if known is None or known.is_tick_told:
            return None
        digits = max((decimals_of(_SENT.plus(price)) for price in prices), default=-1)
        digits = min(digits, _MOST_DIGITS)
        if digits <= self._digits.get(symbol, -1):
            return None
        self._digits[symbol] = digits
        seen = replace(known, tick_size=Decimal(1).scaleb(-digits), price_decimals=digits)
        self._instruments[symbol] = seen
        return seen

    def _add(self, instrument: Instrument) -> None:
        self._digits.pop(instrument.symbol, None)
        self._instruments[instrument.symbol] = instrument


def _named_rows(markets: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    if isinstance(markets, list):
        for row in markets:
            found = wire.record(row)
            yield wire.text(found.get("symbol")), found
        return
    for name, row in wire.record(markets).items():
        yield name, wire.record(row)


def _configured(venue: str, terms: SymbolTerms, options: Options) -> Instrument:
    base, _, quote = terms.name.partition("_")
    step = terms.quantity_step or options.quantity_step
    tick = terms.tick_size or options.tick_size
    return _instrument(venue, (base, quote), tick, step, terms.min_quantity or step, None, None)


def _listed(
    venue: str,
    parts: tuple[str, str],
    row: Mapping[str, Any],
    own: SymbolTerms | None,
    options: Options,
) -> Instrument:
    own = own or SymbolTerms("_".join(parts))
    tick = own.tick_size or _step(row, "tick_size", "price_precision") or options.tick_size
    step = own.quantity_step or _step(row, "amount_size", "amount_precision") or options.quantity_step
    return _instrument(
        venue,
        parts,
        tick,
        step,
        own.min_quantity or wire.maybe_positive(row.get("min_qty")) or step,
        wire.maybe_positive(row.get("max_qty")),
        wire.maybe_positive(row.get("min_notional")),
    )


def _step(row: Mapping[str, Any], size: str, digits: str) -> Decimal | None:
    """A step by its size, else by its number of digits after the point."""
    found = wire.maybe_positive(row.get(size))
    if found is not None:
        return found
    places = wire.maybe_number(row.get(digits))
    if places is None or places != int(places) or not 0 <= places <= 20:
        return None
    return Decimal(1).scaleb(-int(places))


def _instrument(
    venue: str,
    parts: tuple[str, str],
    tick: Decimal | None,
    step: Decimal,
    smallest: Decimal,
    largest: Decimal | None,
    least_notional: Decimal | None,
) -> Instrument:
    base, quote = parts
    return Instrument(
        id=InstrumentId(venue, f"{base}/{quote}"),
        venue_symbol=f"{base}_{quote}",
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        tick_size=tick or _UNSEEN_TICK,
        quantity_step=step,
        min_quantity=max(smallest, step),
        min_notional=least_notional,
        max_quantity=largest,
        price_decimals=decimals_of(tick or _UNSEEN_TICK),
        quantity_decimals=decimals_of(step),
        can_sell_short=False,
        is_tick_told=tick is not None,
    )


def is_about(venue_symbol: str, instrument: Instrument) -> bool:
    """Whether a plugin means this instrument: ``ETH_USDT``, ``ETH-USDT``, ``eth_usdt`` and ``ETHUSDT`` are
    the same, and a list of one symbol may leave it out."""
    letters = re.sub(r"[^A-Z0-9]", "", venue_symbol.upper())
    return letters in ("", f"{instrument.base}{instrument.quote}")
