"""The search over all known instruments: Ctrl+K. It asks no venue, so it answers with each key."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Final

from terminal.domain.decimals import ZERO
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Quote
from terminal.domain.rules import plain as figure
from terminal.domain.worth import worth
from terminal.viewmodels.asset_names import ASSET_NAMES, describe
from terminal.viewmodels.market_hours import is_closed

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
_GAPS: Final = re.compile(r"[\W_]+")


def payout_text(instrument: Instrument) -> str:
    """What a win pays on top of the stake, whatever the length: ``92 %``; empty of what is no contract, and
    where nothing is told."""
    offer = instrument.offer
    return f"{figure(offer.payout_pct)} %" if offer is not None and offer.payout_pct > 0 else ""


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

    @property
    def words(self) -> str:
        """What it is in words; empty where nobody says."""
        return describe(self.instrument)

    @property
    def payout_text(self) -> str:
        """What a contract that wins pays on top of its stake: ``92 %``; empty of what is no contract."""
        return payout_text(self.instrument)

    @property
    def closed(self) -> bool:
        """Nothing can be traded on it now."""
        return is_closed(self.instrument)


def plain(text: str) -> str:
    """Letters and digits only, in capitals: ``btc-usd`` and ``BTC/USD`` are the same question."""
    text = text.upper()
    return text if text.isalnum() else "".join(filter(str.isalnum, text))


class _Entry:
    """What of an instrument a search looks at, made once."""

    __slots__ = (
        "all",
        "asset",
        "base",
        "described",
        "instrument",
        "key",
        "name",
        "order",
        "places",
        "tags",
        "venue_name",
    )

    def __init__(self, instrument: Instrument, venue_title: str) -> None:
        self.instrument = instrument
        self.key = instrument.id
        self.order = (instrument.symbol, instrument.venue)
        self.name = plain(instrument.symbol)
        self.venue_name = plain(instrument.venue_symbol)
        self.base = instrument.asset.upper()
        asset = _in_words(ASSET_NAMES.get(self.base, ""))
        self.asset = asset.replace(" ", "")
        self.tags = (*_in_words(venue_title).split(), KIND_BADGES[instrument.kind].upper())
        money = _in_words(ASSET_NAMES.get(instrument.quote.upper(), ""))
        # Each word has a gap before it: what was typed has to be the beginning of one.
        self.described = f" {asset} {money} {_in_words(instrument.description)}"
        # Words are letters and digits: none reaches over the gap from one of these into the next.
        self.places = f"{self.name} {' '.join(self.tags)}"
        self.all = f"{self.places} {self.venue_name} {self.base} {self.asset}{self.described}"


def _in_words(text: str) -> str:
    """Capital words of letters and digits with one gap between them."""
    return _GAPS.sub(" ", text.upper()).strip()


class _Question:
    """What was typed. Words may stand for base, quote, venue and name in any order: ``usd eth``, ``okx btc``,
    ``gold``."""

    def __init__(self, text: str) -> None:
        self._asked = plain(_OTHER_NAMES.get(text.strip().upper(), text))
        self._words = [plain(_OTHER_NAMES.get(word.upper(), word)) for word in text.replace("/", " ").split()]
        # Nothing was asked; a sign or an emoji alone is a question without an answer.
        self._unasked = None if text.strip() else 2

    def candidates(self, entries: Sequence[_Entry]) -> Sequence[_Entry]:
        """Those that may answer: nearly all others are told apart by one look at each."""
        asked = self._asked
        if not asked:
            return entries
        word = self._words[0] if self._words else asked
        if word == asked:
            return [entry for entry in entries if asked in entry.all]
        return [entry for entry in entries if asked in entry.all or word in entry.all]

    def place(self, entry: _Entry) -> int | None:
        """As :func:`rank`."""
        asked = self._asked
        if not asked:
            return self._unasked
        if asked in (entry.name, entry.venue_name, entry.base, entry.asset):
            return 0
        if entry.name.startswith(asked) or entry.asset.startswith(asked):
            return 1
        places, described = entry.places, entry.described
        for word in self._words:
            if word not in places and f" {word}" not in described:
                return None
        if len(self._words) > 1:
            # A venue or a kind narrows the question down; the rest of it is what is asked for.
            rest = "".join(word for word in self._words if word not in entry.tags)
            if rest in (entry.name, entry.base, entry.asset):
                return 0
        return 2 if self._words else None


def rank(query: str, instrument: Instrument, venue_title: str = "") -> int | None:
    """How well an instrument answers: 0 exact (symbol or base), 1 begins with it, 2 has it; None: not at all.

    Words may stand for base, quote, venue, kind and name in any order: ``usd eth``, ``okx btc``, ``gold``.
    ``venue_title``: what the venue is called on screen, where that is not its name.
    """
    return _Question(query).place(_Entry(instrument, venue_title or instrument.venue))


class SearchIndex:
    """All known instruments, ready to be searched: ten thousand of them with each key that is pressed."""

    def __init__(self, title_of: Callable[[str], str] = str) -> None:
        """``title_of``: what a venue is called on screen."""
        self._title_of = title_of
        self._entries: dict[InstrumentId, _Entry] = {}
        self._ordered: list[_Entry] | None = []

    def note(self, instrument: Instrument) -> None:
        """It is known, or known better. Called as the venues tell their lists, so that no search waits."""
        before = self._entries.get(instrument.id)
        entry = _Entry(instrument, self._title_of(instrument.venue))
        self._entries[instrument.id] = entry
        if before is None or self._ordered is None:
            self._ordered = None
            return
        at = bisect_left(self._ordered, entry.order, key=lambda each: each.order)
        self._ordered[at] = entry

    def rename(self) -> None:
        """A venue is called otherwise now."""
        self._entries = {}
        self._ordered = []

    def search(
        self,
        query: str,
        instruments: Collection[Instrument],
        favourites: Collection[InstrumentId],
        watched: Collection[InstrumentId],
        quote_of: Callable[[InstrumentId], Quote | None],
        *,
        limit: int = MOST_HITS,
    ) -> Sequence[Hit]:
        """The best answers first: exact, then prefix, then the rest; in each favourites, what is watched, and
        then by volume. ``instruments``: all that are known now; what has not been noted before is noted."""
        question = _Question(query)
        groups: tuple[list[_Entry], ...] = ([], [], [])
        for entry in question.candidates(self._up_to_date(instruments)):
            place = question.place(entry)
            if place is not None:
                groups[place].append(entry)
        hits: list[Hit] = []
        for group in groups:
            if len(hits) < limit:
                hits += _best(group, favourites, watched, quote_of, limit - len(hits))
        return hits

    def _up_to_date(self, instruments: Collection[Instrument]) -> list[_Entry]:
        entries = self._entries
        for instrument in instruments:
            entry = entries.get(instrument.id)
            if entry is None or entry.instrument is not instrument:
                self.note(instrument)
        if len(instruments) != len(entries):
            # A venue's list has gone, with its connection.
            known = {instrument.id for instrument in instruments}
            self._entries = {key: entry for key, entry in entries.items() if key in known}
            self._ordered = None
        if self._ordered is None:
            self._ordered = sorted(self._entries.values(), key=lambda entry: entry.order)
        return self._ordered


def _best(
    group: Sequence[_Entry],
    favourites: Collection[InstrumentId],
    watched: Collection[InstrumentId],
    quote_of: Callable[[InstrumentId], Quote | None],
    limit: int,
) -> list[Hit]:
    """The first of a group that is in the order of its symbols already."""
    before: list[tuple[tuple[bool, bool, Decimal], Hit]] = []
    others: list[_Entry] = []
    chosen = {*favourites, *watched}
    for entry in group:
        key = entry.key
        quote = quote_of(key)
        volume = ZERO if quote is None else quote_volume(quote, entry.instrument)
        if volume or key in chosen:
            favourite = key in favourites
            hit = Hit(entry.instrument, favourite, volume)
            before.append(((not favourite, key not in watched, -volume), hit))
        elif len(others) < limit:
            others.append(entry)
    before.sort(key=itemgetter(0))
    hits = [hit for _, hit in before[:limit]]
    return hits + [Hit(entry.instrument, False, ZERO) for entry in others[: limit - len(hits)]]


def quote_volume(quote: Quote | None, instrument: Instrument | None) -> Decimal:
    """A day's volume in quote units; 0 while unknown."""
    if quote is None or quote.volume_24h is None or quote.last is None:
        return ZERO
    return (
        quote.volume_24h * quote.last
        if instrument is None
        else worth(instrument, quote.volume_24h, quote.last)
    )
