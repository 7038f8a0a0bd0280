"""Which instrument linked panels show: one choice for each of five groups, and each panel's place in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from terminal.core.observe import Observable
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.market import Side

GROUPS: Final = 5
ALONE: Final = 0
"""In place of a group's number: a panel with a choice of its own."""


class Selection:
    """The instrument of one link group: the watchlist chooses it; chart, ladder, ticket and tape follow.

    Attributes:
        changed: told after another instrument was chosen, and only then.
        group: the group's number, 1 to 5.
    """

    def __init__(self, instrument: InstrumentId | None = None, *, group: int = 1) -> None:
        self.changed: Observable[[]] = Observable(f"instrument of group {group}")
        self.group = group
        self._instrument = instrument

    @property
    def instrument(self) -> InstrumentId | None:
        """What the group shows now; None before the first choice."""
        return self._instrument

    def select(self, instrument: InstrumentId | None) -> None:
        """Show another instrument in every panel of the group."""
        if instrument != self._instrument:
            self._instrument = instrument
            self.changed.notify()


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

    def panel(self, number: int = 1) -> PanelLink:
        """The place of one more panel, in a group at first."""
        return PanelLink(self, self._twins, number)

    def watch(self, fn: Callable[[], object]) -> Callable[[], None]:
        """Call ``fn`` when any group changes, e.g. to save the workspace; the returned function ends it."""
        unwatch = [group.changed.watch(fn) for group in self._groups.values()]

        def end() -> None:
            for each in unwatch:
                each()

        return end


class PanelLink:
    """What one panel shows: its group's instrument, or, held to a venue, the twin of it there.

    Attributes:
        changed: told after the panel's instrument has become another one.
        moved: told after the panel was put into another group or held to another venue.
        number: the group, 1 to 5, or :data:`ALONE`.
        venue: what it is held to; empty: whichever venue the group's instrument is of.
    """

    def __init__(self, groups: LinkGroups, twins: TwinFinder | None, number: int) -> None:
        self.changed: Observable[[]] = Observable("instrument of a panel")
        self.moved: Observable[[]] = Observable("link of a panel")
        self.number = number
        self.venue = ""
        self._groups, self._twins = groups, twins
        self._own = Selection(group=ALONE)
        self._shown: InstrumentId | None = None
        self._unwatch = self._source.changed.watch(self._follow)
        if twins is not None:
            twins.changed.watch(self._follow)
            twins.listed.watch(self._on_listed)
        self._follow()

    @property
    def instrument(self) -> InstrumentId | None:
        """What the panel shows; None before the first choice, and where the venue it is held to has no
        match."""
        return self._shown

    @property
    def venues(self) -> Mapping[str, str]:
        """To which it can be held, and what they are called on screen."""
        return self._groups.venues

    @property
    def text(self) -> str:
        """The words of its chip: ``2``, ``1 OKX``, ``1 no match on OKX``."""
        number = str(self.number) if self.number != ALONE else "–"
        if not self.venue:
            return number
        return f"{number} {'no match on ' if self.has_no_match else ''}{self._title}"

    @property
    def has_no_match(self) -> bool:
        """The group shows something that the venue it is held to does not trade."""
        return bool(self.venue) and self._source.instrument is not None and self._shown is None

    def select(self, instrument: InstrumentId | None) -> None:
        """Show another instrument in every panel of the group."""
        self._source.select(instrument)

    def join(self, number: int) -> None:
        """Put the panel into a group, which begins with what the panel shows where it shows nothing yet;
        :data:`ALONE`: it goes on by itself."""
        if number == self.number or not ALONE <= number <= GROUPS:
            return
        before = self._source.instrument
        self._unwatch()
        self.number = number
        source = self._source
        if number == ALONE or source.instrument is None:
            source.select(before)
        self._unwatch = source.changed.watch(self._follow)
        self._follow()
        self.moved.notify()

    def hold(self, venue: str) -> None:
        """Show the twin at this venue whatever the group shows; empty: what the group shows."""
        if venue != self.venue:
            self.venue = venue
            self._follow()
            self.moved.notify()

    # -- what a layout keeps --------------------------------------------------------------------------

    def kept(self) -> dict[str, object]:
        """Its place, as a layout's file keeps it."""
        return {"group": self.number, "venue": self.venue}

    def restore(self, kept: object) -> None:
        """Its place in a layout; the first one where the layout says nothing that can be read."""
        entry = kept if isinstance(kept, dict) else {}
        number, venue = entry.get("group", 1), entry.get("venue", "")
        self.join(number if isinstance(number, int) and ALONE <= number <= GROUPS else 1)
        self.hold(venue if isinstance(venue, str) and venue in self.venues else "")

    # -- following ------------------------------------------------------------------------------------

    @property
    def _source(self) -> Selection:
        return self._own if self.number == ALONE else self._groups.group(self.number)

    @property
    def _title(self) -> str:
        return self.venues.get(self.venue, self.venue)

    def _on_listed(self, group: str) -> None:
        """A venue lists a twin again after a reconnection, or lists it late. While its list is away the panel
        keeps what it shows."""
        chosen = self._source.instrument
        if self.venue and chosen is not None and self._twins is not None:
            is_mine = self._twins.group_of(chosen) == group
            if is_mine and self._twins.twin_at(chosen, self.venue) is not None:
                self._follow()

    def _follow(self) -> None:
        chosen = self._source.instrument
        if self.venue and chosen is not None and self._twins is not None:
            chosen = self._twins.twin_at(chosen, self.venue)
        if chosen != self._shown:
            self._shown = chosen
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
