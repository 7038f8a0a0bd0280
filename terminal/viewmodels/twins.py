"""The twin map as a person sees and changes it: groups, their instruments, and what tells these apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from PySide6.QtCore import QObject, Signal

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.twins import ALONE
from terminal.viewmodels import format as fmt
from terminal.viewmodels.cross_venue_rows import opening_text
from terminal.viewmodels.search import KIND_BADGES, Hit, plain
from terminal.viewmodels.tables import Column, TableModel

MOST_FOUND: Final = 30


class TwinDesk(Protocol):
    """The map itself; ``services.twins.Twins`` is one."""

    changed: Observable[[]]

    def groups(self) -> list[str]: ...
    def group_of(self, instrument: InstrumentId) -> str: ...
    def members(self, group: str) -> list[Instrument]: ...
    def is_moved(self, instrument: InstrumentId) -> bool: ...
    def move(self, instruments: Iterable[InstrumentId], group: str) -> None: ...
    def reset(self, instruments: Iterable[InstrumentId]) -> None: ...
    def reset_all(self) -> None: ...


@dataclass(frozen=True, slots=True)
class MemberRow:
    """An instrument of a group, with what one has to know before taking it for another."""

    id: InstrumentId
    venue_title: str
    venue_symbol: str
    kind: str
    contract: str
    tick: str
    quote: str
    hours: str
    is_moved: bool
    description: str

    @property
    def placed(self) -> str:
        """Who put it here."""
        return "by you" if self.is_moved else "usual"


def _tip(row: MemberRow) -> str:
    words = f": {row.description}" if row.description else ""
    return f"{row.id.symbol} at {row.venue_title}{words}"


COLUMNS: Final[tuple[Column[MemberRow], ...]] = (
    Column("venue", "Venue", lambda r: r.venue_title, 84, tip=_tip),
    Column("symbol", "Symbol", lambda r: r.id.symbol, 128, tip=_tip),
    Column("own", "Venue's name", lambda r: r.venue_symbol, 116, tone=lambda r: "muted", tip=_tip),
    Column("kind", "Kind", lambda r: r.kind, 54, tone=lambda r: "label"),
    Column("contract", "Contract", lambda r: r.contract, 126, tone=lambda r: "label",
           title_tip="How much of the asset one contract, lot or unit is"),
    Column("tick", "Tick", lambda r: r.tick, 70, number=True, tone=lambda r: "label",
           title_tip="The least step of its price"),
    Column("quote", "Quote", lambda r: r.quote, 58, tone=lambda r: "label"),
    Column("hours", "Hours", lambda r: r.hours, 160, tone=lambda r: "label"),
    Column("placed", "Placed", lambda r: r.placed, 60, tone=lambda r: "" if r.is_moved else "muted",
           title_tip="By its asset and kind of money, or by you"),
)  # fmt: skip


class TwinsViewModel(QObject):
    """The dialog of the twin map.

    Signals:
        changed: groups, the chosen one or its instruments changed.

    Attributes:
        groups: those that answer to the filter, by name.
        group: the chosen one; empty while none is.
        model: its instruments.
        found: what the search for another instrument found, best first.
    """

    changed = Signal()

    def __init__(
        self,
        twins: TwinDesk,
        search: Callable[[str], Sequence[Hit]],
        clock: Clock,
        *,
        titles: Callable[[str], str],
        group: str = ALONE,
        parent: QObject | None = None,
    ) -> None:
        """``search`` finds instruments of all venues by words; ``titles``: a venue as it is called on
        screen; ``group``: chosen at first."""
        super().__init__(parent)
        self.model: TableModel[MemberRow] = TableModel(COLUMNS, lambda row: row.id, parent=self)
        self.groups: list[str] = []
        self.group = group
        self.found: list[Hit] = []
        self._twins, self._search, self._clock, self._titles = twins, search, clock, titles
        self._filter = ""
        self._asked = ""
        self._unwatch = twins.changed.watch(self._build)
        self._build()

    def close(self) -> None:
        """Follow the map no longer."""
        self._unwatch()

    @property
    def empty_text(self) -> str:
        """What to say in place of instruments."""
        if self.group == ALONE:
            return "Choose twins on the left."
        return "No venue lists an instrument of these twins now."

    def title_of(self, venue: str) -> str:
        """A venue as it is called on screen."""
        return self._titles(venue)

    def set_filter(self, text: str) -> None:
        """Show only groups whose name, or an instrument of which, has this in it."""
        if text != self._filter:
            self._filter = text
            self._build()

    def choose(self, group: str) -> None:
        """Show a group."""
        if group != self.group:
            self.group = group
            self._build()

    def search(self, text: str) -> None:
        """Look for an instrument to add."""
        self._asked = text
        self._find()
        self.changed.emit()

    def add(self, instrument: InstrumentId) -> None:
        """Make it one of these twins."""
        if self.group != ALONE:
            self._asked = ""
            self._twins.move([instrument], self.group)

    def remove(self, instruments: Sequence[InstrumentId]) -> None:
        """They are no twins of anything from now on."""
        self._twins.move(instruments, ALONE)

    def split(self, instruments: Sequence[InstrumentId], name: str) -> None:
        """Make twins of their own of them, under a name, and show those."""
        name = name.strip()
        if name and instruments:
            self.group = name
            self._twins.move(instruments, name)
            self._build()

    def put_back(self, instruments: Sequence[InstrumentId]) -> None:
        """Where they usually are: by asset and kind of money."""
        self._twins.reset(instruments)

    def reset_all(self) -> None:
        """Every instrument where it usually is."""
        self._twins.reset_all()

    # -- rows -----------------------------------------------------------------------------------------

    def _build(self) -> None:
        names = self._twins.groups()
        if self.group != ALONE and self.group not in names:
            names = sorted([*names, self.group])
        wanted = plain(self._filter)
        self.groups = [name for name in names if not wanted or self._answers(name, wanted)]
        self.model.set_rows([self._row(each) for each in self._twins.members(self.group)])
        self._find()
        self.changed.emit()

    def _answers(self, group: str, wanted: str) -> bool:
        if wanted in plain(group):
            return True
        return any(wanted in plain(f"{each.symbol}{each.description}") for each in self._twins.members(group))

    def _find(self) -> None:
        self.found = []
        if self._asked.strip() and self.group != ALONE:
            hits = self._search(self._asked)
            others = [hit for hit in hits if self._twins.group_of(hit.id) != self.group]
            self.found = others[:MOST_FOUND]

    def _row(self, instrument: Instrument) -> MemberRow:
        known = instrument.is_detailed
        return MemberRow(
            instrument.id,
            self._titles(instrument.venue),
            instrument.venue_symbol,
            KIND_BADGES[instrument.kind],
            contract_text(instrument),
            fmt.quantity(instrument.tick_size, 12) if known else fmt.NOTHING,
            instrument.quote,
            hours_text(instrument, self._clock.wall_ns()),
            self._twins.is_moved(instrument.id),
            instrument.description,
        )


def contract_text(instrument: Instrument) -> str:
    """How much of the asset is traded as one: ``1 lot = 100 000 EUR``, ``0.01 BTC``."""
    if not instrument.is_detailed:
        return "when first used"
    if instrument.lot_size:
        return f"1 lot = {fmt.quantity(instrument.lot_size)} {instrument.base}"
    return f"{fmt.quantity(instrument.multiplier)} {instrument.base}"


def hours_text(instrument: Instrument, now_ns: int) -> str:
    """When it trades, in the machine's own time: ``always``, ``open until Fri 22:00``."""
    if not instrument.is_detailed:
        return fmt.NOTHING
    schedule = instrument.schedule
    if schedule is None:
        return "always"
    if schedule.is_open(now_ns):
        closes = schedule.next_close_ns(now_ns)
        return "always" if closes is None else f"open until {opening_text(closes, now_ns)}"
    opens = schedule.next_open_ns(now_ns)
    return "closed" if opens is None else f"closed until {opening_text(opens, now_ns)}"
