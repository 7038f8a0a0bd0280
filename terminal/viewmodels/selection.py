"""Which instrument linked panels show: one choice for each of five groups, and each panel's place in them.

What a panel shares with its group is its own choice: the instrument in either direction, the length of a bar,
and the time under the pointer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any, Final, Protocol

from terminal.core.observe import Observable
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side

GROUPS: Final = 5
ALONE: Final = 0
"""In place of a group's number: a panel with a choice of its own."""


EMPTY_TEXT: Final = "Choose an instrument in the watchlist."
_ARROWS: Final = {(True, True): "", (True, False): "←", (False, True): "→", (False, False): "×"}
_LONGEST_S: Final = 10_000_000
_LONGEST_SYMBOL: Final = 100


class Selection:
    """The instrument of one link group: the watchlist chooses it; chart, ladder, ticket and tape follow.

    Attributes:
        changed: told after another instrument was chosen, and only then.
        interval_changed: told after the group's charts were given another length of a bar.
        pointed: told (who told, time in ns UTC or None) where the pointer of a linked chart is.
        group: the group's number, 1 to 5.
        interval_s: the length of a bar that its charts share; None before one was chosen.
    """

    def __init__(self, instrument: InstrumentId | None = None, *, group: int = 1) -> None:
        self.changed: Observable[[]] = Observable(f"instrument of group {group}")
        self.interval_changed: Observable[[]] = Observable(f"interval of group {group}")
        self.pointed: Observable[[object, int | None]] = Observable(f"pointer of group {group}")
        self.group = group
        self.interval_s: int | None = None
        self._instrument = instrument

    @property
    def instrument(self) -> InstrumentId | None:
        """What the group shows now; None before the first choice."""
        return self._instrument

    @property
    def empty_text(self) -> str:
        """What a panel says that shows no instrument."""
        return EMPTY_TEXT

    def select(self, instrument: InstrumentId | None) -> None:
        """Show another instrument in every panel of the group."""
        if instrument != self._instrument:
            self._instrument = instrument
            self.changed.notify()

    def set_interval(self, interval_s: int) -> None:
        """Show bars of another length (seconds) in every chart of the group that shares it."""
        if interval_s != self.interval_s:
            self.interval_s = interval_s
            self.interval_changed.notify()


@dataclass(frozen=True, slots=True)
class Shares:
    """What a panel shares with its group."""

    takes: bool = True
    """It shows what the group shows."""
    gives: bool = True
    """What is chosen in it, the whole group shows."""
    interval: bool = False
    """Of charts: bars of the same length."""
    crosshair: bool = True
    """Of charts: the time under the pointer."""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Shares:
        """Those of a layout's file; as at first where it says nothing that can be read."""
        found = {field.name: kept.get(field.name) for field in fields(cls)}
        return replace(cls(), **{name: on for name, on in found.items() if isinstance(on, bool)})


def instrument_kept(instrument: InstrumentId | None) -> list[str] | None:
    """An instrument as a layout's file keeps it: venue and symbol."""
    return None if instrument is None else [instrument.venue, instrument.symbol]


def instrument_of(kept: object, venues: Mapping[str, str]) -> InstrumentId | None:
    """An instrument of a layout's file; None where it cannot be read, or its venue is not on the desk."""
    match kept:
        case [str(venue), str(symbol)] if venue in venues and 0 < len(symbol) <= _LONGEST_SYMBOL:
            return InstrumentId(venue, symbol)
    return None


def interval_of(kept: object) -> int | None:
    """The length of a bar (seconds) of a layout's file; None where it cannot be read."""
    whole = isinstance(kept, int) and not isinstance(kept, bool)
    return kept if whole and isinstance(kept, int) and 0 < kept <= _LONGEST_S else None


class TwinFinder(Protocol):
    """Who knows an instrument's twins; ``services.twins.Twins`` is one."""

    changed: Observable[[]]
    listed: Observable[[str]]

    def group_of(self, instrument: InstrumentId) -> str: ...
    def twin_at(self, instrument: InstrumentId, venue: str) -> InstrumentId | None: ...


class LinkGroups:
    """The five groups. A panel is in one of them, or in none and then has a choice of its own.

    Attributes:
        venues: to which a panel can be held, and what they are called on screen; the owner may change it.
    """

    def __init__(self, twins: TwinFinder | None = None, venues: Mapping[str, str] | None = None) -> None:
        self.venues: Mapping[str, str] = {} if venues is None else venues
        self._twins = twins
        self._groups = {number: Selection(group=number) for number in range(1, GROUPS + 1)}

    def group(self, number: int) -> Selection:
        """The choice of group 1 to 5. Raises KeyError for any other number."""
        return self._groups[number]

    def panel(self, number: int = 1, *, is_chart: bool = False) -> PanelLink:
        """The place of one more panel, in a group at first."""
        return PanelLink(self, self._twins, number, is_chart=is_chart)

    def kept(self) -> dict[str, object]:
        """What each group shows, as a layout's file keeps it."""
        return {
            str(number): {"instrument": instrument_kept(group.instrument), "interval_s": group.interval_s}
            for number, group in self._groups.items()
            if group.instrument is not None
        }

    def restore(self, kept: object) -> None:
        """What the groups show in a layout. None, a layout that says nothing of them: they stay. What cannot
        be read is as if nobody had chosen yet, but for the first group, which keeps what it shows."""
        if kept is None:
            return
        entries = kept if isinstance(kept, dict) else {}
        for number, group in self._groups.items():
            entry = entries.get(str(number))
            entry = entry if isinstance(entry, dict) else {}
            instrument = instrument_of(entry.get("instrument"), self.venues)
            if instrument is not None or number != 1:
                group.select(instrument)
            interval_s = interval_of(entry.get("interval_s"))
            if interval_s is not None:
                group.set_interval(interval_s)

    def watch(self, fn: Callable[[], object]) -> Callable[[], None]:
        """Call ``fn`` when any group changes, e.g. to save the workspace; the returned function ends it."""
        groups = self._groups.values()
        unwatch = [told.watch(fn) for group in groups for told in (group.changed, group.interval_changed)]

        def end() -> None:
            for each in unwatch:
                each()

        return end


class PanelLink:
    """What one panel shows: its group's instrument, or, held to a venue, the twin of it there.

    Attributes:
        changed: told after the panel's instrument has become another one, or why it shows none.
        moved: told after the panel was put into another group, held to another venue, or shares other things.
        interval_changed: told after the charts of the group were given another length of a bar.
        pointed: told (ns UTC or None) where the pointer of another chart of the group is.
        number: the group, 1 to 5, or :data:`ALONE`.
        venue: what it is held to; empty: whichever venue the group's instrument is of.
        shares: what it shares with its group. is_chart: it has bars, whose length and time can be shared.
    """

    def __init__(
        self, groups: LinkGroups, twins: TwinFinder | None, number: int, *, is_chart: bool = False
    ) -> None:
        self.changed: Observable[[]] = Observable("instrument of a panel")
        self.moved: Observable[[]] = Observable("link of a panel")
        self.interval_changed: Observable[[]] = Observable("interval of a panel")
        self.pointed: Observable[[int | None]] = Observable("pointer of a panel")
        self.number = number
        self.venue = ""
        self.shares = Shares()
        self.is_chart = is_chart
        self._groups, self._twins = groups, twins
        self._chosen: InstrumentId | None = None
        self._shown: InstrumentId | None = None
        self._said = EMPTY_TEXT
        self._unwatch: tuple[Callable[[], None], ...] = ()
        self._watch_group()
        if twins is not None:
            twins.changed.watch(self._follow)
            twins.listed.watch(self._on_listed)
        self._on_group()

    @property
    def instrument(self) -> InstrumentId | None:
        """What the panel shows; None before the first choice, and where the venue it is held to has no
        match."""
        return self._shown

    @property
    def empty_text(self) -> str:
        """What the panel says where it shows no instrument: a chosen one is of another venue than it is held
        to, or there is none."""
        return f"Held to {self._title}: choose one of its markets." if self.has_no_match else EMPTY_TEXT

    @property
    def venues(self) -> Mapping[str, str]:
        """To which it can be held, and what they are called on screen."""
        return self._groups.venues

    @property
    def text(self) -> str:
        """The words of its chip: ``2``, ``1 OKX``, ``1 no match on OKX``; with an arrow where the instrument
        goes one way only: ``1←`` it takes the group's, ``1→`` it gives its own."""
        number = str(self.number) if self.number != ALONE else "–"
        if self.number != ALONE:
            number += _ARROWS[self.shares.takes, self.shares.gives]
        if not self.venue:
            return number
        return f"{number} {'no match on ' if self.has_no_match else ''}{self._title}"

    @property
    def has_no_match(self) -> bool:
        """The group shows something that the venue it is held to does not trade."""
        return bool(self.venue) and self._chosen is not None and self._shown is None

    def select(self, instrument: InstrumentId | None) -> None:
        """Show another instrument: in every panel of the group, or here alone where it gives nothing."""
        self._chosen = instrument
        group = self._group
        if group is not None and self.shares.gives:
            group.select(instrument)
        self._follow()

    def join(self, number: int) -> None:
        """Put the panel into a group, which begins with what the panel shows where it shows nothing yet;
        :data:`ALONE`: it goes on by itself."""
        if number == self.number or not ALONE <= number <= GROUPS:
            return
        self.number = number
        self._watch_group()
        group = self._group
        if group is not None and group.instrument is None:
            group.select(self._chosen)
        self._on_group()
        self._on_interval()
        self.pointed.notify(None)
        self.moved.notify()

    def hold(self, venue: str) -> None:
        """Show the twin at this venue whatever the group shows; empty: what the group shows."""
        if venue != self.venue:
            self.venue = venue
            self._follow()
            self.moved.notify()

    def share(self, shares: Shares) -> None:
        """Share other things with the group from now on."""
        if shares == self.shares:
            return
        before, self.shares = self.shares, shares
        if shares.takes and not before.takes:
            self._on_group()
        if shares.interval and not before.interval:
            self._on_interval()
        if not shares.crosshair:
            self.pointed.notify(None)
        self.moved.notify()

    # -- what charts share ----------------------------------------------------------------------------

    @property
    def interval_s(self) -> int | None:
        """The length of a bar that the group's charts share; None where this one shares none."""
        group = self._group
        return group.interval_s if group is not None and self.shares.interval else None

    def choose_interval(self, interval_s: int) -> None:
        """A chart shows bars of another length (seconds): so do those that share it."""
        group = self._group
        if group is not None and self.shares.interval:
            group.set_interval(interval_s)

    def point(self, time_ns: int | None) -> None:
        """The pointer of a chart is over this time (UTC), or over none: the others show where that is."""
        group = self._group
        if group is not None and self.shares.crosshair:
            group.pointed.notify(self, time_ns)

    # -- what a layout keeps --------------------------------------------------------------------------

    def kept(self) -> dict[str, object]:
        """Its place, as a layout's file keeps it."""
        group = self._group
        follows = group is not None and group.instrument == self._chosen
        chosen = None if follows else instrument_kept(self._chosen)
        return {"group": self.number, "venue": self.venue, "chosen": chosen, **asdict(self.shares)}

    def restore(self, kept: object) -> None:
        """Its place in a layout; the first one where the layout says nothing that can be read."""
        entry = kept if isinstance(kept, dict) else {}
        number, venue = entry.get("group", 1), entry.get("venue", "")
        whole = isinstance(number, int) and not isinstance(number, bool)
        self.share(Shares.of(entry))
        self.join(number if whole and ALONE <= number <= GROUPS else 1)
        self.hold(venue if isinstance(venue, str) and venue in self.venues else "")
        chosen = instrument_of(entry.get("chosen"), self.venues)
        if chosen is not None:
            self._chosen = chosen
            self._follow()
            return
        group, first = self._group, self._groups.group(1).instrument
        if group is not None:
            if group.instrument is None:
                group.select(first)
            self._chosen = group.instrument
        elif self._chosen is None:
            self._chosen = first
        self._follow()

    # -- following ------------------------------------------------------------------------------------

    @property
    def _group(self) -> Selection | None:
        return None if self.number == ALONE else self._groups.group(self.number)

    @property
    def _title(self) -> str:
        return self.venues.get(self.venue, self.venue)

    def _watch_group(self) -> None:
        for unwatch in self._unwatch:
            unwatch()
        group = self._group
        self._unwatch = (
            ()
            if group is None
            else (
                group.changed.watch(self._on_group),
                group.interval_changed.watch(self._on_interval),
                group.pointed.watch(self._on_pointed),
            )
        )

    def _on_group(self) -> None:
        group = self._group
        if group is not None and (self.shares.takes or self._chosen is None):
            self._chosen = group.instrument
        self._follow()

    def _on_interval(self) -> None:
        if self.interval_s is not None:
            self.interval_changed.notify()

    def _on_pointed(self, who: object, time_ns: int | None) -> None:
        if who is not self and self.shares.crosshair:
            self.pointed.notify(time_ns)

    def _on_listed(self, group: str) -> None:
        """A venue lists a twin again after a reconnection, or lists it late. While its list is away the panel
        keeps what it shows."""
        chosen = self._chosen
        if self.venue and chosen is not None and self._twins is not None:
            is_mine = self._twins.group_of(chosen) == group
            if is_mine and self._twins.twin_at(chosen, self.venue) is not None:
                self._follow()

    def _follow(self) -> None:
        chosen = self._chosen
        if self.venue and chosen is not None and self._twins is not None:
            chosen = self._twins.twin_at(chosen, self.venue)
        before, self._shown = (self._shown, self._said), chosen
        self._said = "" if chosen is not None else self.empty_text
        if (chosen, self._said) != before:
            self.changed.notify()


class TicketSizes(Protocol):
    """The size field (``viewmodels.ticket.TicketViewModel``)."""

    instrument: Instrument | None

    def quantity_for(self, side: Side, price: Decimal) -> Decimal | None: ...
    def size_text(self) -> str: ...


class LinkedSizes:
    """The ticket's size for a panel that may be in another group: it counts only for the same market."""

    def __init__(self, ticket: TicketSizes, link: PanelLink) -> None:
        self._ticket, self._link = ticket, link

    def _is_mine(self) -> bool:
        instrument = self._ticket.instrument
        return instrument is not None and instrument.id == self._link.instrument

    def quantity_for(self, side: Side, price: Decimal) -> Decimal | None:
        """In the instrument's own units; None where the ticket's size is none, or another market's."""
        return self._ticket.quantity_for(side, price) if self._is_mine() else None

    def size_text(self) -> str:
        """The size in words; empty as :meth:`quantity_for`."""
        return self._ticket.size_text() if self._is_mine() else ""
