"""Which instrument linked panels show: one choice for each of five groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from terminal.core.observe import Observable
from terminal.domain.instrument import InstrumentId

GROUPS: Final = 5


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


class LinkGroups:
    """The five groups. A panel is in one of them, or in none and then has a choice of its own."""

    def __init__(self) -> None:
        self._groups = {number: Selection(group=number) for number in range(1, GROUPS + 1)}

    def group(self, number: int) -> Selection:
        """The choice of group 1 to 5. Raises KeyError for any other number."""
        return self._groups[number]

    def watch(self, fn: Callable[[], object]) -> Callable[[], None]:
        """Call ``fn`` when any group changes, e.g. to save the workspace; the returned function ends it."""
        unwatch = [group.changed.watch(fn) for group in self._groups.values()]

        def end() -> None:
            for each in unwatch:
                each()

        return end
