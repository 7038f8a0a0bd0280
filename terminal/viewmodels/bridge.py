"""The bridge as a person sees it: its switch, its bots, what they call, and what is paused for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QObject, Signal

from terminal.bridge.bots import Bot, BotLimits, BotMode, NewKeys
from terminal.bridge.calls import CallRecord
from terminal.bridge.service import Bridge
from terminal.core import tasks
from terminal.domain.errors import TerminalError
from terminal.domain.instrument import InstrumentId
from terminal.viewmodels import format as fmt
from terminal.viewmodels.confirm import Asker, Confirmation
from terminal.viewmodels.frames import FrameClock
from terminal.viewmodels.notices import NoticesViewModel
from terminal.viewmodels.size_entry import parse_number
from terminal.viewmodels.tables import Action, Column, TableModel

MODES: Final = (BotMode.READ_ONLY, BotMode.DRY_RUN, BotMode.CONFIRM, BotMode.TRADING)
MODE_WORDS: Final = {
    BotMode.READ_ONLY: "Read only",
    BotMode.DRY_RUN: "Dry run",
    BotMode.CONFIRM: "Confirm",
    BotMode.TRADING: "Trading",
}
MODE_TIPS: Final = {
    BotMode.READ_ONLY: "Prices, balances and orders are told; nothing can be sent",
    BotMode.DRY_RUN: "Every check of a real order and an answer as to one; nothing is sent",
    BotMode.CONFIRM: "Each order waits for your click in this window, and goes to the venue only with it",
    BotMode.TRADING: "Orders go to the venue, within its limits and yours",
}
_SHOWN_CALLS: Final = 200
_LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class BotRow:
    """One bot, as a line."""

    name: str
    mode: BotMode
    venues: str
    limits: str
    key: str
    is_revoked: bool
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call, as a line."""

    number: int
    time: str
    bot: str
    venue: str
    method: str
    told: str
    took: str
    took_ms: float
    result: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class PausedRow:
    """One instrument that bots leave alone, as a line."""

    instrument: InstrumentId
    venue: str
    why: str


_RELEASE = (Action("release", "Release", "Let bots trade it again"),)

BOT_COLUMNS: tuple[Column[BotRow], ...] = (
    Column("name", "Bot", lambda r: r.name, 130, tone=lambda r: "muted" if r.is_revoked else ""),
    Column("mode", "May", lambda r: "revoked" if r.is_revoked else MODE_WORDS[r.mode], 84,
           tone=lambda r: "muted" if r.is_revoked else "warning" if r.mode.sends else "",
           tip=lambda r: "" if r.is_revoked else MODE_TIPS[r.mode]),
    Column("venues", "Venues", lambda r: r.venues, 130, tone=lambda r: "muted"),
    Column("limits", "At most", lambda r: r.limits, 200, tone=lambda r: "muted"),
    Column("key", "Key", lambda r: r.key, 64, tone=lambda r: "muted",
           title_tip="The last characters of its access key"),
    Column("actions", "", lambda r: "", 90, actions=lambda r: r.actions),
)  # fmt: skip

CALL_COLUMNS: tuple[Column[CallRow], ...] = (
    Column("time", "Time", lambda r: r.time, 92, tone=lambda r: "muted", sort=lambda r: r.number),
    Column("bot", "Bot", lambda r: r.bot or "unknown", 104, tone=lambda r: "" if r.bot else "warning"),
    Column("venue", "Venue", lambda r: r.venue, 76),
    Column("method", "Call", lambda r: r.method, 92),
    Column("told", "What", lambda r: r.told, 190, tone=lambda r: "muted", tip=lambda r: r.told),
    Column("took", "ms", lambda r: r.took, 60, number=True, sort=lambda r: r.took_ms,
           title_tip="From the whole call to its answer"),
    Column("result", "Result", lambda r: r.result, 330, tone=lambda r: "warning" if r.is_refused else "muted",
           tip=lambda r: r.result),
)  # fmt: skip

PAUSED_COLUMNS: tuple[Column[PausedRow], ...] = (
    Column("symbol", "Instrument", lambda r: f"{r.instrument.symbol} {r.venue}", 170),
    Column("why", "Why", lambda r: r.why, 280, tone=lambda r: "muted"),
    Column("actions", "", lambda r: "", 90, actions=lambda r: _RELEASE),
)


class BridgeViewModel(QObject):
    """The bridge's panel and its light.

    Signals:
        changed: the switch, the bots or the paused instruments; re-read everything.
        called: the list of calls, at most once a frame.
        keys_made: a :class:`NewKeys` of a bot just made, with the bot's name: to be shown once, now.

    Attributes:
        bots, calls, paused: tables. error: what is wrong with the form of a new bot.
    """

    changed = Signal()
    called = Signal()
    keys_made = Signal(str, object)

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
        self.venues = tuple(venues)
        self.bots: TableModel[BotRow] = TableModel(BOT_COLUMNS, lambda r: r.name, parent=self)
        self.calls: TableModel[CallRow] = TableModel(
            CALL_COLUMNS, lambda r: r.number, sort_by="time", descending=True, parent=self
        )
        self.paused: TableModel[PausedRow] = TableModel(PAUSED_COLUMNS, lambda r: r.instrument, parent=self)
        self.error = ""
        self.is_switching = False
        self._bridge = bridge
        self._switch = switch
        self._frames = frames
        self._notices = notices
        self._ask = ask
        self._zone = zone
        self._rows: dict[int, CallRow] = {}
        self._was_locked = False
        self._unwatch = [
            bridge.changed.watch(self._refresh),
            bridge.bots.changed.watch(self._refresh),
            bridge.hands.changed.watch(self._refresh),
            bridge.calls.changed.watch(lambda: frames.request(self._show_calls)),
            # A lock counts down and ends by itself.
            frames.every(_LOOK_EVERY_S, self._look_at_lock),
        ]
        self._build()
        self._show_calls()

    # -- what there is to see -------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        return self._bridge.is_on

    @property
    def light(self) -> str:
        """The words of the light in the top bar."""
        return f"BRIDGE {self._bridge.port}" if self.is_on else "Bridge off"

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

    def make(self, name: str, mode: BotMode, venues: Sequence[str], per_minute: str, per_day: str) -> bool:
        """Make a bot from what was typed; ``keys_made`` follows. False where ``error`` says what is wrong."""
        try:
            limits = self._limits(per_minute, per_day)
            bot, keys = self._bridge.bots.make(name, mode=mode, venues=venues, limits=limits)
        except ValueError as error:
            self.error = str(error)
        except TerminalError as error:
            self.error = error.user_text
        else:
            self.error = ""
            self.changed.emit()
            self.keys_made.emit(bot.name, keys)
            return True
        self.changed.emit()
        return False

    def act(self, name: str, action: str) -> None:
        """A button or menu entry of a bot's line."""
        if action == "revoke":
            tasks.spawn(self._revoke(name), name="revoke a bot")
            return
        mode = next(each for each in MODES if each.name == action)
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

    def _limits(self, per_minute: str, per_day: str) -> BotLimits:
        """Raises ValueError with what to say."""
        rate = _number("Orders a minute", per_minute, decimals=0)
        return BotLimits(int(rate), _number("USD a day", per_day, currency="USD"))

    def _look_at_lock(self) -> None:
        is_locked = self._bridge.locked_s > 0
        if is_locked or self._was_locked:
            self.changed.emit()
        self._was_locked = is_locked

    def _refresh(self) -> None:
        self._build()
        self.changed.emit()

    def _build(self) -> None:
        titles = dict(self.venues)
        bots = sorted(self._bridge.bots.all(), key=lambda bot: bot.is_revoked)
        self.bots.set_rows([_bot_row(bot, titles) for bot in bots])
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
        self._rows = {each.number: known.get(each.number) or self._call_row(each) for each in records}
        self.calls.set_rows(list(self._rows.values()))
        self.called.emit()

    def _call_row(self, record: CallRecord) -> CallRow:
        answered = "answered, nothing sent (dry run)" if record.dry and record.method == "trade" else "ok"
        return CallRow(
            record.number,
            self._clock_text(record.at_ns),
            record.bot,
            record.venue,
            record.method,
            record.told,
            "" if record.by_hand else f"{record.took_ms:.1f}",
            record.took_ms,
            "by hand" if record.by_hand else record.error or answered,
            record.is_refused,
        )

    def _clock_text(self, ns: int) -> str:
        moment = datetime.fromtimestamp(ns / 1e9, tz=self._zone).astimezone(self._zone)
        return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def _number(name: str, text: str, *, decimals: int | None = None, currency: str = "") -> Decimal:
    """What was typed into one of two fields that share a line for what is wrong."""
    try:
        return parse_number(text, decimals=decimals, currency=currency)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _bot_row(bot: Bot, titles: dict[str, str]) -> BotRow:
    actions: tuple[Action, ...] = ()
    if not bot.is_revoked:
        actions = (
            Action("revoke", "Revoke", "Its keys open nothing from now on"),
            *(
                Action(mode.name, MODE_WORDS[mode], MODE_TIPS[mode], checked=bot.mode is mode, in_row=False)
                for mode in MODES
            ),
        )
    venues = ", ".join(titles.get(venue, venue) for venue in sorted(bot.venues)) or "all"
    limits = bot.limits
    return BotRow(
        bot.name,
        bot.mode,
        venues,
        f"{limits.orders_per_minute}/min, {fmt.quantity(limits.notional_per_day)} USD a day",
        f"…{bot.hint}",
        bot.is_revoked,
        actions,
    )


__all__ = ["MODES", "MODE_TIPS", "MODE_WORDS", "BridgeViewModel", "NewKeys"]
