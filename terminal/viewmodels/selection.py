"""The instrument that a group of linked panels shows."""

from __future__ import annotations

from terminal.core.observe import Observable
from terminal.domain.instrument import InstrumentId

GROUPS = 5


class Selection:
    """What one link group shows: choosing a market in one of its panels changes all of them.

    Attributes:
        group: 1 to 5, drawn as colour and digit.
        changed: called after another instrument was chosen.
    """

    def __init__(self, instrument: InstrumentId | None = None, group: int = 1) -> None:
        self.group = group
        self.changed: Observable[[]] = Observable(f"link group {group}")
        self._instrument = instrument

    @property
    def instrument(self) -> InstrumentId | None:
        """The chosen one; None before the first choice."""
        return self._instrument

    def choose(self, instrument: InstrumentId) -> None:
        """Show another instrument in every panel of the group."""
        if instrument != self._instrument:
            self._instrument = instrument
            self.changed.notify()
