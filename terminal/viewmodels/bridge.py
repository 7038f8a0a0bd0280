"""The bridge as a person sees it: its switch, its bots, what they call, what waits for a click, and what is
paused for them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QObject, Signal

from terminal.bridge.bots import PAPER, BotLimits, BotMode, NewKeys
from terminal.bridge.service import Bridge
from terminal.core import tasks
from terminal.domain.errors import TerminalError
from terminal.domain.instrument import InstrumentId
from terminal.viewmodels import format as fmt
from terminal.viewmodels.bridge_rows import (
    BOT_COLUMNS,
    CALL_COLUMNS,
    MODE_TIPS,
    MODE_WORDS,
    MODES,
    PAUSED_COLUMNS,
    READY_AFTER_S,
    BotForm,
    BotRow,
    CallRow,
    PausedRow,
    WaitingRow,
    bot_row,
    call_row,
    waiting_row,
)
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.size_entry import parse_number
from terminal.viewmodels.tables import TableModel

_SHOWN_CALLS: Final = 200
_LOOK_EVERY_S: Final = 1.0
_COUNT_EVERY_S: Final = 0.2
_PAPER_TITLE: Final = "Practice money"


class BridgeViewModel(QObject):
    """The bridge's panel and its light.

    Signals:
        changed: the switch, the bots or the paused instruments; re-read everything.
        called: the list of calls, at most once a frame.
        keys_made: a :class:`NewKeys` of a bot just made, with the bot's name: to be shown once, now.
        waited: something waits for a click, counts down, or does not wait any more.
        edited: another bot stands in the form, or none any more.

    Attributes:
        bots, calls, paused: tables. error: what is wrong with the form. editing: the bot in the form; empty:
            it is for a new one. waiting: what waits for a click, oldest first.
    """

    changed = Signal()
    called = Signal()
    keys_made = Signal(str, object)
    waited = Signal()
    edited = Signal()

    def __init__(
        self,
        bridge: Bridge,
        switch: Callable[[bool], Awaitable[None]],
        venues: Sequence[tuple[str, str]],
        frames: FrameClock,
        notices: NoticesViewModel,
        *,
        ask: Asker,
        zone: tzinfo | None = None,
        parent: QObject | None = None,
    ) -> None:
        """``venues``: name and title of those that can be lent. ``zone`` of the times; None: local."""
        super().__init__(parent)
        self._venues = tuple(venues)
        self.bots: TableModel[BotRow] = TableModel(BOT_COLUMNS, lambda r: r.name, parent=self)
        self.calls: TableModel[CallRow] = TableModel(
            CALL_COLUMNS, lambda r: r.number, sort_by="time", descending=True, parent=self
        )
        self.paused: TableModel[PausedRow] = TableModel(PAUSED_COLUMNS, lambda r: r.instrument, parent=self)
        self.error = ""
        self.editing = ""
        self.waiting: tuple[WaitingRow, ...] = ()
        self.is_switching = False
        self._bridge = bridge
        self._switch = switch
        self._frames = frames
        self._notices = notices
        self._ask = ask
        self._zone = zone
        self._rows: dict[int, CallRow] = {}
        self._was_locked = False
        self._numbers: tuple[int, ...] = ()
        self._moved_s = 0.0
        self._unwatch = [
            bridge.changed.watch(self._refresh),
            bridge.bots.changed.watch(self._refresh),
            bridge.hands.changed.watch(self._refresh),
            bridge.calls.changed.watch(lambda: frames.request(self._show_calls)),
            # A lock counts down and ends by itself.
            frames.every(_LOOK_EVERY_S, self._look_at_lock),
            bridge.waiting.changed.watch(self._show_waiting),
            frames.every(_COUNT_EVERY_S, self._count_down),
        ]
        self._build()
        self._show_calls()

    # -- what there is to see -------------------------------------------------------------------------

    @property
    def venues(self) -> tuple[tuple[str, str], ...]:
        """Name and title of those that can be lent."""
        return self._venues

    @venues.setter
    def venues(self, venues: Sequence[tuple[str, str]]) -> None:
        self._venues = tuple(venues)
        self._refresh()

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Every path that a bot can be lent: the venues, and practice money wherever it is."""
        return (*self._venues, (PAPER, f"{_PAPER_TITLE} ({PAPER.upper()})"))

    @property
    def paths(self) -> tuple[tuple[str, str], ...]:
        """The same to choose an address from: a venue that its address calls otherwise than the screen, as a
        plugin, with both names."""
        return tuple(
            (name, title if name.upper() in title.upper() else f"{title} (/{name.upper()})")
            for name, title in self.places
        )

    @property
    def is_on(self) -> bool:
        return self._bridge.is_on

    @property
    def light(self) -> str:
        """The words of the light in the top bar."""
        if not self.is_on:
            return "Bridge off"
        count = len(self.waiting)
        return f"BRIDGE {self._bridge.port}" + (f" · {count} to confirm" if count else "")

    @property
    def light_tip(self) -> str:
        """What the light means, and how many may come in."""
        if not self.is_on:
            return "No strategy can call. Click for the bridge's panel"
        count = sum(not bot.is_revoked for bot in self._bridge.bots.all())
        trading = sum(bot.mode.sends and not bot.is_revoked for bot in self._bridge.bots.all())
        return (
            f"Strategies on this computer may call: {count} bots, {trading} of them may trade. "
            "Click for the bridge's panel"
        )

    @property
    def state_text(self) -> str:
        """How the bridge stands, in a sentence."""
        if not self.is_on:
            return "Off: nobody can call."
        if self._bridge.locked_s > 0:
            return f"Locked for {self._bridge.locked_s:.0f} s: it was called with wrong keys."
        return f"On, on this computer alone, port {self._bridge.port}."

    @property
    def summary(self) -> str:
        """How many calls there were."""
        calls = self._bridge.calls
        return f"{calls.count} calls, {calls.refused} refused" if calls.count else "No call yet"

    def address(self, venue: str) -> str:
        """What a strategy platform is told."""
        return self._bridge.address(venue)

    # -- what a person can do -------------------------------------------------------------------------

    def switch_on(self, on: bool) -> None:
        """Turn the bridge on or off; off cuts it at once."""
        if not on:
            self._bridge.cut()
        if not self.is_switching:
            self.is_switching = True
            tasks.spawn(self._switch_quietly(on), name="switch the bridge")

    async def _switch_quietly(self, on: bool) -> None:
        try:
            await self._switch(on)
        finally:
            self.is_switching = False
            self._refresh()

    def make(self, form: BotForm) -> None:
        """Make a bot from what was typed, after a question where it would trade everywhere; ``keys_made``
        follows, or ``error`` says what is wrong."""
        self._if_sure(form, lambda: self._make(form))

    def _make(self, form: BotForm) -> None:
        try:
            bot, keys = self._bridge.bots.make(
                form.name, mode=form.mode, venues=form.venues, limits=_limits(form), paper=form.paper
            )
        except ValueError as error:
            self.error = str(error)
        except TerminalError as error:
            self.error = error.user_text
        else:
            self.error = ""
            self.changed.emit()
            self.keys_made.emit(bot.name, keys)
            return
        self.changed.emit()

    def _if_sure(self, form: BotForm, do: Callable[[], object]) -> None:
        """Do it, after one question where a bot begins to trade by itself on every venue."""
        before = self._bridge.bots.get(self.editing)
        already = before is not None and _trades_everywhere(before.mode, before.venues)
        if already or not _trades_everywhere(form.mode, form.venues):
            do()
            return
        try:
            limits = _limits(form)
        except ValueError as error:
            self.complain(str(error))
            return
        tasks.spawn(self._when_sure(form.name.strip(), limits, do), name="a bot that trades everywhere")

    async def _when_sure(self, name: str, limits: BotLimits, do: Callable[[], object]) -> None:
        rate, per_day = limits.orders_per_minute, fmt.quantity(limits.notional_per_day)
        question = Confirmation(
            f"Let {name or 'this bot'} trade on all venues?",
            note="It sends orders without asking you, with real money wherever an account is live, and on "
            f"every venue that you connect later: at most {rate} a minute and {per_day} USD a day.",
            confirm_text="Let it trade",
            tone="danger",
        )
        if await self._ask(question):
            do()

    def form_of(self, name: str) -> BotForm:
        """A bot as it stands now, for the form; a blank one where there is none of that name."""
        bot = self._bridge.bots.get(name)
        if bot is None:
            return BotForm()
        limits = bot.limits
        per_day = fmt.quantity(limits.notional_per_day)
        return BotForm(bot.name, bot.mode, bot.venues, str(limits.orders_per_minute), per_day, bot.paper)

    def edit(self, name: str) -> None:
        """Put a bot into the form; an empty name: none any more."""
        self.editing, self.error = name, ""
        self.edited.emit()
        self.changed.emit()

    def save(self, form: BotForm) -> None:
        """Change the bot in the form as was typed, in force from its next call; asks and complains as
        :meth:`make`."""
        name = self.editing
        self._if_sure(form, lambda: self._save(name, form))

    def _save(self, name: str, form: BotForm) -> None:
        try:
            self._bridge.bots.change(
                name,
                new_name=form.name,
                mode=form.mode,
                venues=form.venues,
                limits=_limits(form),
                paper=form.paper,
            )
        except ValueError as error:
            self.error = str(error)
        except TerminalError as error:
            self.error = error.user_text
        else:
            self.edit("")
            return
        self.changed.emit()

    def complain(self, text: str) -> None:
        """Say what is wrong with the form."""
        self.error = text
        self.changed.emit()

    def accept(self, number: int) -> None:
        """The person's yes to what waits. One that follows too soon on a card's coming, or on another one's
        going, is not meant for it."""
        row = next((row for row in self._waiting_rows() if row.number == number), None)
        if row is not None and row.is_ready:
            self._bridge.waiting.accept(number)

    def refuse(self, number: int) -> None:
        """The person's no."""
        self._bridge.waiting.refuse(number)

    def act(self, name: str, action: str) -> None:
        """A button or menu entry of a bot's line."""
        if action == "edit":
            self.edit(name)
            return
        if action == "revoke":
            tasks.spawn(self._revoke(name), name="revoke a bot")
            return
        mode = next(each for each in MODES if each.name == action)
        bot = self._bridge.bots.get(name)
        if bot is not None and bot.mode is not mode and _trades_everywhere(mode, bot.venues):
            question = self._when_sure(name, bot.limits, lambda: self._set_mode(name, mode))
            tasks.spawn(question, name="a bot that trades everywhere")
        else:
            self._set_mode(name, mode)

    def _set_mode(self, name: str, mode: BotMode) -> None:
        try:
            self._bridge.bots.change(name, mode=mode)
        except TerminalError as error:
            self._notices.failure(error)

    async def _revoke(self, name: str) -> None:
        question = Confirmation(
            f"Revoke the keys of {name}?",
            note="Its calls are refused from then on, and its keys cannot be had back. Its open orders stay.",
            confirm_text="Revoke",
            tone="danger",
        )
        if not await self._ask(question):
            return
        try:
            self._bridge.bots.revoke(name)
        except TerminalError as error:
            self._notices.failure(error)

    def release(self, instrument: InstrumentId) -> None:
        """Let bots trade an instrument again."""
        self._bridge.hands.release(instrument)

    def close(self) -> None:
        """Watch no longer."""
        for unwatch in self._unwatch:
            unwatch()
        self._unwatch.clear()

    # -- inside ---------------------------------------------------------------------------------------

    def _look_at_lock(self) -> None:
        is_locked = self._bridge.locked_s > 0
        if is_locked or self._was_locked:
            self.changed.emit()
        self._was_locked = is_locked

    def _show_waiting(self) -> None:
        self.waiting = self._waiting_rows()
        self.waited.emit()

    def _count_down(self) -> None:
        if self.waiting:
            self._show_waiting()

    def _waiting_rows(self) -> tuple[WaitingRow, ...]:
        waiting, titles = self._bridge.waiting, dict(self._venues)
        numbers = tuple(each.number for each in waiting.all)
        if numbers != self._numbers:
            # The cards have moved: a second click would hit another one.
            self._numbers, self._moved_s = numbers, time.monotonic()
        rests_s = time.monotonic() - self._moved_s
        return tuple(
            waiting_row(each, titles, waiting.age_s(each), waiting.left_s(each), rests_s >= READY_AFTER_S)
            for each in waiting.all
        )

    def _refresh(self) -> None:
        bot = self._bridge.bots.get(self.editing)
        if self.editing and (bot is None or bot.is_revoked):
            self.editing = ""
            self.edited.emit()
        self._build()
        self.changed.emit()

    def _build(self) -> None:
        titles = dict(self.places)
        bots = sorted(self._bridge.bots.all(), key=lambda bot: bot.is_revoked)
        self.bots.set_rows([bot_row(bot, titles) for bot in bots])
        self.paused.set_rows(
            [
                PausedRow(
                    instrument,
                    titles.get(instrument.venue, instrument.venue),
                    f"an order from the {origin.value} at {self._clock_text(at_ns)}",
                )
                for instrument, (origin, at_ns) in self._bridge.hands.paused.items()
            ]
        )

    def _show_calls(self) -> None:
        records = list(self._bridge.calls.records)[-_SHOWN_CALLS:]
        known = self._rows
        self._rows = {
            each.number: known.get(each.number) or call_row(each, self._clock_text(each.at_ns))
            for each in records
        }
        self.calls.set_rows(list(self._rows.values()))
        self.called.emit()

    def _clock_text(self, ns: int) -> str:
        moment = datetime.fromtimestamp(ns / 1e9, tz=self._zone).astimezone(self._zone)
        return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def _trades_everywhere(mode: BotMode, venues: Collection[str]) -> bool:
    """Whether nothing but limits holds a bot back: no click, and no list of venues."""
    return mode is BotMode.TRADING and not venues


def _number(name: str, text: str, *, decimals: int | None = None, currency: str = "") -> Decimal:
    """What was typed into one of two fields that share a line for what is wrong."""
    try:
        return parse_number(text, decimals=decimals, currency=currency)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _limits(form: BotForm) -> BotLimits:
    """Raises ValueError with what to say."""
    rate = _number("Orders a minute", form.per_minute, decimals=0)
    return BotLimits(int(rate), _number("USD a day", form.per_day, currency="USD"))


__all__ = ["MODES", "MODE_TIPS", "MODE_WORDS", "BotForm", "BridgeViewModel", "NewKeys", "WaitingRow"]
