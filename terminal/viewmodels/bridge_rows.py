"""The bridge's rows: bots, calls, what is paused and what waits for a click."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from terminal.bridge.bots import PAPER, Bot, BotMode
from terminal.bridge.calls import CallRecord
from terminal.bridge.waiting import Waiting
from terminal.domain.instrument import InstrumentId
from terminal.viewmodels import format as fmt
from terminal.viewmodels.tables import Action, Column

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
READY_AFTER_S: Final = 0.7
"""A click within this time after cards have come, gone or moved was meant for what lay there before."""


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
class WaitingRow:
    """One order of a bot that waits for a click, as a card."""

    number: int
    bot: str
    what: str
    where: str
    """Venue, kind of money and worth."""
    is_live: bool
    """Real money."""
    left: str
    share: float
    """Of its time that is left, 0 to 1."""
    is_ready: bool
    """Whether a click on Accept counts already."""


@dataclass(frozen=True, slots=True)
class BotForm:
    """What can be said of a bot, as it stands in the form."""

    name: str = ""
    mode: BotMode = BotMode.READ_ONLY
    venues: frozenset[str] = frozenset()
    """Empty: all."""
    per_minute: str = "10"
    per_day: str = "1000"
    paper: str = ""


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
    Column("venues", "Venues", lambda r: r.venues, 190, tone=lambda r: "muted", tip=lambda r: r.venues,
           grows=True),
    Column("limits", "At most", lambda r: r.limits, 210, tone=lambda r: "muted", tip=lambda r: r.limits),
    Column("key", "Key", lambda r: r.key, 64, tone=lambda r: "muted",
           title_tip="The last characters of its access key"),
    Column("actions", "", lambda r: "", 150, actions=lambda r: r.actions),
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


def call_row(record: CallRecord, at: str) -> CallRow:
    """A call, or what a person did with a bot; ``at`` is its time of day."""
    answered = "answered, nothing sent (dry run)" if record.dry and record.method == "trade" else "ok"
    return CallRow(
        record.number,
        at,
        record.bot,
        record.venue,
        record.method,
        record.told,
        "" if record.by_hand else f"{record.took_ms:.{0 if record.took_ms >= 1000 else 1}f}",
        record.took_ms,
        "by hand" if record.by_hand else record.error or answered,
        record.is_refused,
    )


def waiting_row(
    waiting: Waiting, titles: Mapping[str, str], age_s: float, left_s: float, is_at_rest: bool
) -> WaitingRow:
    """What waits for a click, as a card; ``is_at_rest``: no card has moved for a moment."""
    venue = titles.get(waiting.instrument.venue, waiting.instrument.venue)
    money = "practice money" if waiting.is_practice else "REAL MONEY"
    worth = "" if waiting.worth is None else f", worth {fmt.money(waiting.worth)} USD"
    return WaitingRow(
        waiting.number,
        waiting.bot.name,
        waiting.what,
        f"{venue}, {money}{worth}",
        not waiting.is_practice,
        f"{left_s:.0f} s",
        min(1.0, left_s / (age_s + left_s)) if left_s else 0.0,
        is_at_rest,
    )


def bot_row(bot: Bot, titles: Mapping[str, str]) -> BotRow:
    """A bot, with what can be done to it."""
    actions: tuple[Action, ...] = ()
    if not bot.is_revoked:
        actions = (
            Action("edit", "Change", "Its name, rights and limits; in force from its next call"),
            Action("revoke", "Revoke", "Its keys open nothing from now on"),
            *(
                Action(mode.name, MODE_WORDS[mode], MODE_TIPS[mode], checked=bot.mode is mode, in_row=False)
                for mode in MODES
            ),
        )
    venues = ", ".join(titles.get(venue, venue) for venue in sorted(bot.venues)) or "all"
    if bot.paper and bot.may_use(PAPER):
        venues += f"; PAPER is {titles.get(bot.paper, bot.paper)}"
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
