"""The twin map as the program uses it: kept in a file, and indexed by what the venues list at the moment."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Protocol

from terminal.core.files import set_aside, write_whole
from terminal.core.observe import Observable
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.twins import ALONE, TwinMap, usual_group
from terminal.services.market_data import Topic

log = logging.getLogger("settings")

VERSION: Final = 1
GROUP_LENGTH: Final = 40
"""At most so many characters in the name of a group."""
_KINDS: Final = {kind: at for at, kind in enumerate(InstrumentKind)}
_QUOTES: Final = {"USD": 0, "USDT": 1, "USDC": 2}


class Listings(Protocol):
    """Who knows the venues' lists (:class:`terminal.services.market_data.MarketData`)."""

    changed: Observable[[InstrumentId, Topic]]

    def instrument(self, instrument: InstrumentId) -> Instrument | None: ...
    def instruments(self, venue: str | None = None) -> list[Instrument]: ...


class Twins:
    """Which instruments of which venues are the same thing.

    Attributes:
        changed: called after a person has changed the map.
        listed: called with a group when a venue has listed (or changed) an instrument of it.
        on_notice: called with a sentence for the person when the file could not be used or kept.
    """

    def __init__(
        self, market: Listings, path: Path, on_notice: Callable[[str], object] = log.warning
    ) -> None:
        self.changed: Observable[[]] = Observable("twin map")
        self.listed: Observable[[str]] = Observable("twins listed")
        self.on_notice = on_notice
        self._market = market
        self._path = path
        self._groups: dict[str, dict[InstrumentId, None]] = {}
        self._group_of: dict[InstrumentId, str] = {}
        self._map = self._read()
        for instrument in market.instruments():
            self._note(instrument)
        self._unwatch = market.changed.watch(self._on_market)

    def close(self) -> None:
        """Follow the venues' lists no longer."""
        self._unwatch()

    # -- what there is --------------------------------------------------------------------------------

    @property
    def map(self) -> TwinMap:
        """The usual groups and what a person has changed."""
        return self._map

    def group_of(self, instrument: InstrumentId) -> str:
        """The group of an instrument; empty where it has no twins, or is not listed."""
        return self._group_of.get(instrument, ALONE)

    def members(self, group: str) -> list[Instrument]:
        """The instruments of a group that are listed now: by venue, kind and quote currency."""
        if group == ALONE:
            return []
        found = (self._market.instrument(key) for key in self._groups.get(group, ()))
        return sorted((each for each in found if each is not None), key=_order)

    def twins_of(self, instrument: InstrumentId) -> list[Instrument]:
        """An instrument's group as :meth:`members`; itself alone where it has no twins, nothing where no
        venue lists it."""
        group = self.group_of(instrument)
        if group != ALONE:
            return self.members(group)
        known = self._market.instrument(instrument)
        return [] if known is None else [known]

    def twin_at(self, instrument: InstrumentId, venue: str) -> InstrumentId | None:
        """The twin at a venue: of the same kind where there is one, else the first; None: no match there."""
        if instrument.venue == venue:
            return instrument
        here = [each for each in self.members(self.group_of(instrument)) if each.venue == venue]
        if not here:
            return None
        known = self._market.instrument(instrument)
        kind = None if known is None else known.kind
        quote = None if known is None else known.quote
        return min(here, key=lambda each: (each.kind is not kind, each.quote != quote, *_order(each))).id

    def groups(self) -> list[str]:
        """Groups with at least two listed instruments, and those that a person has made; by name."""
        listed = [
            group
            for group, keys in self._groups.items()
            if len(keys) > 1 and group != ALONE and len(self.members(group)) > 1
        ]
        return sorted({*listed, *(group for group in self._map.moved.values() if group != ALONE)})

    def is_moved(self, instrument: InstrumentId) -> bool:
        """Whether a person has put it elsewhere than where it usually is."""
        return instrument in self._map.moved

    # -- what a person changes ------------------------------------------------------------------------

    def move(self, instruments: Iterable[InstrumentId], group: str) -> None:
        """Put instruments into a group, which may be a new one; empty: they have no twins from now on."""
        changed = self._map
        for key in instruments:
            known = self._market.instrument(key)
            if known is not None:
                changed = changed.with_moved(known, group.strip()[:GROUP_LENGTH])
        self._take(changed)

    def reset(self, instruments: Iterable[InstrumentId]) -> None:
        """Put instruments back where they usually are."""
        changed = self._map
        for key in instruments:
            changed = changed.without(key)
        self._take(changed)

    def reset_all(self) -> None:
        """Back to the usual groups."""
        self._take(TwinMap())

    def _take(self, changed: TwinMap) -> None:
        before, after = self._map.moved, changed.moved
        if before == after:
            return
        self._map = changed
        for key in before.keys() | after.keys():
            known = self._market.instrument(key)
            if known is not None:
                self._note(known)
        self._write()
        self.changed.notify()

    # -- the index ------------------------------------------------------------------------------------

    def _on_market(self, instrument: InstrumentId, topic: Topic) -> None:
        if topic is Topic.INSTRUMENT:
            known = self._market.instrument(instrument)
            if known is not None:
                self._note(known)
                self.listed.notify(self._group_of[instrument])

    def _note(self, instrument: Instrument) -> None:
        moved = self._map.moved
        key = instrument.id
        group = moved[key] if key in moved else usual_group(instrument)
        before = self._group_of.get(key)
        if before == group:
            return
        if before is not None:
            self._groups[before].pop(key, None)
        self._group_of[key] = group
        self._groups.setdefault(group, {})[key] = None

    # -- the file -------------------------------------------------------------------------------------

    def _read(self) -> TwinMap:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return TwinMap()
        except OSError as error:
            self.on_notice(f"The twin map cannot be read ({error.strerror}). The usual twins are used.")
            return TwinMap()
        try:
            return _decode(json.loads(data))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("%s: %s", self._path.name, error)
        aside = ""
        try:
            aside = f" and put aside as {set_aside(self._path).name}"
        except OSError as error:
            log.warning("%s cannot be put aside: %s", self._path.name, error)
        self.on_notice(f"The file with your twins was damaged{aside}. The usual twins are used.")
        return TwinMap()

    def _write(self) -> None:
        moved = [
            {"venue": key.venue, "symbol": key.symbol, "group": group}
            for key, group in sorted(self._map.moved.items())
        ]
        text = json.dumps({"version": VERSION, "moved": moved}, indent=1, ensure_ascii=False)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, text.encode())
        except OSError as error:
            self.on_notice(f"The twin map could not be saved ({error.strerror}): it holds until you quit.")


def _decode(data: Any) -> TwinMap:
    if data["version"] != VERSION:
        raise ValueError(f"version {data['version']!r}")
    moved = {}
    for each in data["moved"]:
        venue, symbol, group = each["venue"], each["symbol"], each["group"]
        if not (isinstance(venue, str) and isinstance(symbol, str) and isinstance(group, str)):
            raise TypeError("an entry that is not text")
        moved[InstrumentId(venue, symbol)] = group[:GROUP_LENGTH]
    return TwinMap(moved)


def _order(instrument: Instrument) -> tuple[str, int, int, str]:
    return (
        instrument.venue,
        _KINDS[instrument.kind],
        _QUOTES.get(instrument.quote, len(_QUOTES)),
        instrument.symbol,
    )
