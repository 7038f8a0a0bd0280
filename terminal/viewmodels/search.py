"""The search over all known instruments: Ctrl+K. It asks no venue, so it answers with each key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from terminal.domain.decimals import ZERO
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Quote

MOST_HITS: Final = 200
KIND_BADGES: Final = {
    InstrumentKind.SPOT: "spot",
    InstrumentKind.PERPETUAL: "perp",
    InstrumentKind.FUTURE: "future",
    InstrumentKind.CFD: "CFD",
    InstrumentKind.CONTRACT: "binary",
    InstrumentKind.UNKNOWN: "other",
}
# People say XBT and XDG where the terminal says BTC and DOGE.
_OTHER_NAMES: Final = {"XBT": "BTC", "XDG": "DOGE"}


@dataclass(frozen=True, slots=True)
class Hit:
    """One instrument that a search found."""

    instrument: Instrument
    favourite: bool
    volume: Decimal
    """Of the last 24 hours, in quote units; 0 while unknown."""

    @property
    def id(self) -> InstrumentId:
        return self.instrument.id

    @property
    def kind(self) -> str:
        """The type badge."""
        return KIND_BADGES[self.instrument.kind]


def plain(text: str) -> str:
    """Letters and digits only, in capitals: ``btc-usd`` and ``BTC/USD`` are the same question."""
    return "".join(char for char in text.upper() if char.isalnum())


def rank(query: str, instrument: Instrument) -> int | None:
    """How well an instrument answers: 0 exact (symbol or base), 1 begins with it, 2 has it; None: not at all.

    Words may stand for base, quote and venue in any order: ``usd eth``, ``btc kraken``.
    """
    asked = plain(_OTHER_NAMES.get(query.strip().upper(), query))
    symbol = plain(instrument.symbol)
    if not asked:
        # Nothing was asked; a sign or an emoji alone is a question without an answer.
        return None if query.strip() else 2
    if asked in (symbol, plain(instrument.venue_symbol), instrument.base.upper()):
        return 0
    if symbol.startswith(asked):
        return 1
    words = [plain(_OTHER_NAMES.get(word.upper(), word)) for word in query.replace("/", " ").split()]
    where = (symbol, instrument.venue.upper(), KIND_BADGES[instrument.kind].upper())
    if words and all(any(word in place for place in where) for word in words):
        return 2
    return None


def search(
    query: str,
    instruments: Iterable[Instrument],
    favourites: Collection[InstrumentId],
    watched: Collection[InstrumentId],
    quote_of: Callable[[InstrumentId], Quote | None],
    *,
    limit: int = MOST_HITS,
) -> Sequence[Hit]:
    """The best answers first: exact, then prefix, then the rest; in each favourites, what is watched, then by
    volume."""
    found: list[tuple[tuple[int, bool, bool, Decimal, str], Hit]] = []
    for instrument in instruments:
        place = rank(query, instrument)
        if place is None:
            continue
        volume = quote_volume(quote_of(instrument.id))
        favourite = instrument.id in favourites
        order = (place, not favourite, instrument.id not in watched, -volume, instrument.symbol)
        found.append((order, Hit(instrument, favourite, volume)))
    found.sort(key=lambda each: each[0])
    return [hit for _, hit in found[:limit]]


def quote_volume(quote: Quote | None) -> Decimal:
    """A day's volume in quote units; 0 while unknown."""
    if quote is None or quote.volume_24h is None or quote.last is None:
        return ZERO
    return quote.volume_24h * quote.last
