"""The margin levels at which a venue warns about an account, and their change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from PySide6.QtCore import QObject, Signal

from terminal.core import tasks
from terminal.domain.account import AccountFigures, AccountInfo, MarginCall
from terminal.domain.errors import OutcomeUnknown, TerminalError
from terminal.domain.rules import plain
from terminal.venues.base import HasMarginCalls
from terminal.viewmodels import format as fmt
from terminal.viewmodels.size_entry import parse_number


@dataclass(frozen=True, slots=True)
class CallField:
    """One level as it stands in the form; ``problem`` says what is wrong with what was typed."""

    call: MarginCall
    text: str
    problem: str = ""

    @property
    def is_changed(self) -> bool:
        return self.text.strip() != plain(self.call.level)


class MarginCallsViewModel(QObject):
    """The levels of one account as a form.

    Signals:
        changed: re-read everything.
        saved: every level is at the venue as it stands in the form.

    Attributes:
        fields: one a level, highest first as they were read.
        is_busy: the venue is being asked.
        error: why they could not be read, or changed, in one sentence.
    """

    changed = Signal()
    saved = Signal()

    def __init__(
        self,
        info: AccountInfo,
        venue: HasMarginCalls,
        figures: Callable[[], AccountFigures | None],
        *,
        badge: str = "",
        parent: QObject | None = None,
    ) -> None:
        """``figures``: the account's as they stand now; ``badge``: whose money it is."""
        super().__init__(parent)
        self.title = info.title
        self.badge = badge
        self.stop_out = info.stop_out
        self.fields: tuple[CallField, ...] = ()
        self.is_busy = False
        self.error = ""
        self._venue = venue
        self._figures = figures
        self._is_closed = False

    def close(self) -> None:
        """Nobody looks any more; what is under way ends quietly."""
        self._is_closed = True

    @property
    def level_text(self) -> str:
        """The account's margin level now."""
        figures = self._figures()
        level = None if figures is None else figures.margin_level
        return "no margin is used" if level is None else fmt.percent(level, 0, signed=False)

    @property
    def can_save(self) -> bool:
        """Something was changed, and all of it can be read."""
        changed = [field for field in self.fields if field.is_changed]
        return bool(changed) and not self.is_busy and not any(field.problem for field in changed)

    def load(self) -> None:
        """Read the levels from the venue."""
        self._start(self._load)

    def set_text(self, call_id: str, text: str) -> None:
        """Take what was typed for a level."""
        self.fields = tuple(
            replace(field, text=text, problem=_problem(text)) if field.call.call_id == call_id else field
            for field in self.fields
        )
        self.error = ""
        self._tell()

    def save(self) -> None:
        """Move the changed levels at the venue, one after the other."""
        if self.can_save:
            self._start(self._save)

    def _start(self, work: Callable[[], Awaitable[bool]]) -> None:
        if self.is_busy:
            return
        self.is_busy, self.error = True, ""
        self._tell()
        tasks.spawn(self._carry_out(work), name=f"margin calls of {self.title}")

    async def _carry_out(self, work: Callable[[], Awaitable[bool]]) -> None:
        is_saved = False
        try:
            is_saved = await work()
        except TerminalError as error:
            self.error = error.user_text
        finally:
            self.is_busy = False
            self._tell()
        if is_saved and not self._is_closed:
            self.saved.emit()

    async def _load(self) -> bool:
        self.fields = tuple(CallField(call, plain(call.level)) for call in await self._venue.margin_calls())
        if not self.fields:
            self.error = "The venue names no levels for this account."
        return False

    async def _save(self) -> bool:
        for field in self.fields:
            if not field.is_changed:
                continue
            level = parse_number(field.text.strip().removesuffix("%"), decimals=2)
            try:
                await self._venue.set_margin_call(field.call.call_id, level)
            except OutcomeUnknown:
                await self._load()
                self.error = "The venue did not answer. These are the levels as it has them now."
                return False
            kept = replace(field, call=MarginCall(field.call.call_id, level), text=plain(level))
            self.fields = tuple(kept if each is field else each for each in self.fields)
        return True

    def _tell(self) -> None:
        if not self._is_closed:
            self.changed.emit()


def _problem(text: str) -> str:
    try:
        level = parse_number(text.strip().removesuffix("%"), decimals=2)
    except ValueError as error:
        return str(error)
    return "" if level <= Decimal(1_000_000) else "Too large for a margin level."
