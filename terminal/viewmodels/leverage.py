"""The leverage of an instrument on margin: what it is, what it may be changed to, and the change itself."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from terminal.core import tasks
from terminal.domain.errors import TerminalError
from terminal.domain.instrument import Instrument, InstrumentKind
from terminal.venues.base import Leverage
from terminal.viewmodels import format as fmt
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.viewmodels.ports import MarginSource, Place

DERIVATIVES: Final = frozenset({InstrumentKind.PERPETUAL, InstrumentKind.FUTURE})
_MEANING: Final = {
    "cross": "Cross: all that is free in the account backs the position.",
    "isolated": "Isolated: only its own margin backs the position.",
}
_STEPS: Final = tuple(Decimal(each) for each in (1, 2, 3, 5, 10, 15, 20, 25, 50, 75, 100, 125))


def leverage_text(leverage: Leverage | None) -> str:
    """``10x cross``; empty while it is not known."""
    return "" if leverage is None else f"{fmt.quantity(leverage.value, 2)}x {leverage.mode}".strip()


class LeverageChoice:
    """The leverage of the ticket's instrument.

    Attributes:
        is_offered: the venue keeps one for this instrument, and it can be changed from here.
        current: as the venue says; None while it is not known.
        choices: what it may be changed to, lowest first.
        modes: what may back new positions, in the venue's words; empty where there is no choice.
    """

    def __init__(
        self, margins: MarginSource | None, ask: Asker | None, tell: Callable[[str, bool], None]
    ) -> None:
        """``tell`` shows one sentence where the results of orders stand; True: something was refused."""
        self._margins, self._ask, self._tell = margins, ask, tell
        self._instrument: Instrument | None = None
        self._place: Place | None = None
        self._busy = False
        self.is_offered = False
        self.current: Leverage | None = None
        self.choices: tuple[Decimal, ...] = ()
        self.modes: tuple[str, ...] = ()

    def show(self, instrument: Instrument | None, place: Place | None) -> None:
        """Be about this instrument and account; cheap, for every refresh of the form."""
        self._instrument, self._place = instrument, place
        self.is_offered, self.current, self.choices, self.modes = False, None, (), ()
        if self._margins is None or instrument is None or place is None or not place.can_trade:
            return
        if instrument.kind not in DERIVATIVES or not self._margins.sets_leverage(place.account):
            return
        self.is_offered = True
        self.current = self._margins.leverage(place.account, instrument.symbol)
        highest = instrument.max_leverage
        steps = [each for each in _STEPS if highest is None or each < highest]
        own = [] if self.current is None else [self.current.value]
        self.modes = () if self.current is None else self.current.modes
        self.choices = tuple(sorted({*steps, *own, *([highest] if highest is not None else [])}))

    @property
    def text(self) -> str:
        """``10x cross``, or that it is not known."""
        return leverage_text(self.current) or "leverage –"

    @property
    def tip(self) -> str:
        """What the figure means, in a sentence or two."""
        if self.current is None:
            return "The venue has not said the leverage of this instrument yet."
        times = fmt.quantity(self.current.value, 2)
        backed = f" {_MEANING[self.current.mode]}" if self.current.mode in _MEANING else ""
        return f"A position ties up 1/{times} of its worth.{backed} Press to change it."

    def choose(self, value: Decimal) -> None:
        """Ask, then change it at the venue."""
        if self._busy or self.current is None or value == self.current.value:
            return
        self._busy = True
        task = tasks.spawn(self._change(value), name="change leverage")
        task.add_done_callback(self._on_done)

    def choose_mode(self, mode: str) -> None:
        """Ask, then have new orders backed so."""
        if self._busy or self.current is None or mode == self.current.mode or mode not in self.modes:
            return
        self._busy = True
        task = tasks.spawn(self._change_mode(mode), name="change margin mode")
        task.add_done_callback(self._on_done)

    def _on_done(self, task: object) -> None:
        self._busy = False

    async def _change(self, value: Decimal) -> None:
        instrument, place, current = self._instrument, self._place, self.current
        assert instrument is not None
        assert place is not None
        assert current is not None
        assert self._margins is not None
        wanted = Leverage(value, current.mode)
        higher = value > current.value
        question = Confirmation(
            title=f"Leverage of {instrument.symbol}",
            rows=(
                ("Venue", place.name),
                ("Now", leverage_text(current)),
                ("New", leverage_text(wanted)),
            ),
            note="It counts for new orders and for open positions of this instrument alike. "
            + (
                "Less margin is tied up, and a loss is liquidated sooner where all of it is used."
                if higher
                else "More margin is tied up; the venue refuses where there is too little."
            ),
            confirm_text="Change",
            badge=place.badge,
        )
        if self._ask is None or not await self._ask(question):
            return
        try:
            await self._margins.set_leverage(place.account, instrument.symbol, value)
        except TerminalError as error:
            self._tell(f"Leverage of {instrument.symbol}: {error.user_text}", True)
        else:
            self._tell(f"Leverage of {instrument.symbol} is {leverage_text(wanted)} now.", False)

    async def _change_mode(self, mode: str) -> None:
        instrument, place, current = self._instrument, self._place, self.current
        assert instrument is not None
        assert place is not None
        assert current is not None
        assert self._margins is not None
        meaning = f"{_MEANING[mode]} " if mode in _MEANING else ""
        question = Confirmation(
            title=f"Margin of {instrument.symbol}",
            rows=(("Venue", place.name), ("Now", current.mode), ("New", mode)),
            note=f"{meaning}It counts for new orders of this instrument; what is open keeps its margin. Each "
            "mode has a leverage of its own, shown once the venue says it.",
            confirm_text="Change",
            badge=place.badge,
        )
        if self._ask is None or not await self._ask(question):
            return
        try:
            await self._margins.set_margin_mode(place.account, instrument.symbol, mode)
        except TerminalError as error:
            self._tell(f"Margin of {instrument.symbol}: {error.user_text}", True)
        else:
            self._tell(f"New orders of {instrument.symbol} are on {mode} margin now.", False)
