"""The day's result and its limit in words: for the top bar, its tooltip and the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from terminal.core.observe import Observable
from terminal.domain.decimals import ZERO
from terminal.services.loss_lock import LossLimit, Stage, Standing
from terminal.services.settings import Value
from terminal.services.trading_day import TradingDay
from terminal.viewmodels import format as fmt
from terminal.viewmodels.account import HOME_CURRENCY, AccountViewModel, sign_tone
from terminal.viewmodels.confirm import Confirmation

_HALF_A_CENT: Final = Decimal("0.005")
_ICONS: Final = {Stage.AMBER: "warning", Stage.LOCKED: "lock", Stage.IN_DOUBT: "lock"}
_TONES: Final = {Stage.AMBER: "warning", Stage.LOCKED: "danger", Stage.IN_DOUBT: "danger"}
_LIMITS: Final = ("risk.day_loss", "risk.day_loss_pct")
_HELD: Final = "risk.day_loss_holdings"
_NOT_COUNTED: Final = ", not counted in the limit"


class LossSource(Protocol):
    """What the words come from (:class:`terminal.services.loss_lock.LossLock`)."""

    changed: Observable[[]]
    in_force: LossLimit
    asked: LossLimit
    day: TradingDay

    def standing(self, is_real: bool) -> Standing: ...

    def would_lock(self, limit: LossLimit) -> tuple[Standing, ...]: ...


class DayLimit:
    """How the day stands, of real money where there is some, else of practice money.

    Attributes:
        changed: a stage, a limit or the day has changed.
    """

    def __init__(
        self,
        lock: LossSource,
        account: AccountViewModel,
        name_of: Callable[[str], str],
        *,
        asked_with: Callable[[Mapping[str, Value]], LossLimit],
    ) -> None:
        """``name_of``: what an account is called in a column. ``asked_with``: the limit that the settings
        would ask for with other values."""
        self.changed = lock.changed
        self._lock = lock
        self._account = account
        self._name_of = name_of
        self._asked_with = asked_with

    # -- the top bar ----------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether a limit is in force."""
        return self._shown.stage is not Stage.OFF

    @property
    def text(self) -> str:
        """The result beside its limit: ``−142.10 of −200 USD``."""
        shown = self._shown
        limit = shown.limit if shown.locked_limit is None else shown.locked_limit
        of = fmt.NOTHING if limit is None else self._hidden(fmt.quantity(-limit, 2))
        return f"{self._hidden(fmt.money(shown.result, signed=True))} of {of} {HOME_CURRENCY}"

    @property
    def word(self) -> str:
        """What the colour says, for eyes that cannot go by it: ``71 % of limit``, ``LOCKED``; ``incomplete``
        where something of the result is not known."""
        return self._word_of(self._shown)

    @property
    def icon(self) -> str:
        """The sign beside the word; empty while all is well."""
        return _ICONS.get(self._shown.stage, "")

    @property
    def tone(self) -> str:
        """The colour of the figure: of the limit once it is near, else by the sign of the result."""
        sign = "" if self._account.hide_amounts else sign_tone(self._shown.result)
        return _TONES.get(self._shown.stage, sign)

    @property
    def leaves_held_out(self) -> bool:
        """Whether the figure beside the limit is without the price changes of coins that are held."""
        return not _has_held(self._shown)

    @property
    def lines(self) -> tuple[str, ...]:
        """The sum by parts and by account, what is not known of it, and what the limit does."""
        shown, other = self._shown, self._lock.standing(not self._account.shows_real)
        lines = [*self._parts(shown), *self._by_account(shown)]
        moved = sum((day.moved for day in shown.accounts), ZERO)
        if abs(moved) >= _HALF_A_CENT:
            lines.append(f"Not counted: {self._money(moved)} that came or left by no trade")
        lines += [
            f"{self._name_of(day.account)}: not known is {', '.join(day.unknown)}"
            for day in shown.accounts
            if day.unknown
        ]
        if shown.stage is not Stage.OFF:
            lines += ["", self._limit_line(shown)]
        if other.is_locked and other.accounts:
            whose = "Real" if other.is_real else "Practice"
            lines.append(
                f"{whose} money is locked: only closing orders pass until {self._lock.day.ends_text}."
            )
        return tuple(lines)

    @property
    def _shown(self) -> Standing:
        return self._lock.standing(self._account.shows_real)

    def _word_of(self, standing: Standing) -> str:
        if standing.stage is Stage.AMBER:
            return f"{standing.used_pct}{fmt.THIN}% of limit"
        if standing.stage is Stage.BELOW and any(day.unknown for day in standing.accounts):
            return "incomplete"
        return {Stage.LOCKED: "LOCKED", Stage.IN_DOUBT: "LOCKED, in doubt"}.get(standing.stage, "")

    def _parts(self, standing: Standing) -> list[str]:
        days = standing.accounts
        held = sum((day.held for day in days), ZERO)
        parts = (
            ("Closed trades", sum((day.realised for day in days), ZERO)),
            ("Open positions", sum((day.open_change for day in days), ZERO)),
            ("Coins bought and sold", sum((day.holdings for day in days), ZERO) - held),
            ("Fees, swap and funding", sum((day.fees for day in days), ZERO)),
            ("Running stakes, at risk", -sum((day.staked for day in days), ZERO)),
        )
        told = [f"{name}: {self._money(amount)}" for name, amount in parts if abs(amount) >= _HALF_A_CENT]
        if abs(held) >= _HALF_A_CENT:
            told.append(f"Held coins: {self._money(held)}{'' if _has_held(standing) else _NOT_COUNTED}")
        return told

    def _by_account(self, standing: Standing) -> list[str]:
        days = standing.accounts
        told = [
            f"{self._name_of(day.account)}: {self._money(result)}"
            for day in days
            if abs(result := day.result(counts_held=_has_held(standing))) >= _HALF_A_CENT
        ]
        return ["", *told] if len(days) > 1 else []

    def _limit_line(self, standing: Standing) -> str:
        day = self._lock.day
        if standing.stage is Stage.IN_DOUBT:
            return (
                f"The record of the loss limit was damaged: only closing orders pass until {day.ends_text}."
            )
        if standing.stage is Stage.LOCKED:
            at = day.time_text(standing.locked_ns or 0)
            return f"Loss limit reached at {at}: only closing orders pass until {day.ends_text}."
        limit = fmt.NOTHING if standing.limit is None else self._hidden(fmt.quantity(standing.limit, 2))
        return (
            f"Loss limit {limit} {HOME_CURRENCY} until {day.ends_text}: at it only closing orders pass.\n"
            "It cannot act while this program is off."
        )

    def _money(self, amount: Decimal) -> str:
        return self._hidden(fmt.money(amount, HOME_CURRENCY, signed=True))

    def _hidden(self, text: str) -> str:
        return fmt.HIDDEN if self._account.hide_amounts else text

    # -- the settings ---------------------------------------------------------------------------------

    def note(self, key: str) -> str:
        """What stands under a setting: what is in force now, and what comes when."""
        day = self._lock.day
        if key == "risk.day_start":
            if day.asked_min != day.start_min:
                return f"today still ends at {day.ends_text}, then this holds"
            return f"by this machine's clock; today ends at {day.ends_text}"
        if key == _HELD:
            return self._held_note()
        if key not in _LIMITS:
            return ""
        unit = HOME_CURRENCY if key == _LIMITS[0] else "%"
        now, asked = (
            limit.amount if key == _LIMITS[0] else limit.pct
            for limit in (self._lock.in_force, self._lock.asked)
        )
        lines = [f"In force now: {_limit_text(now, unit)}."]
        if asked != now:
            lines.append(f"From {day.ends_text}: {_limit_text(asked, unit)}.")
        if key == _LIMITS[0]:
            lines.append(
                "Lower holds at once; higher, or off, from the next day on. At the limit only closing orders "
                "pass until the day ends. Real and practice money count apart. Closed and open trades, fees, "
                "coins bought today and the stakes of running contracts count; deposits and withdrawals do "
                "not. It cannot act while this program is off."
            )
        return "\n".join(lines)

    def question(self, key: str, value: Value) -> Confirmation | None:
        """What is asked before a setting is kept that would lock today at once; None: it locks nothing."""
        if not key.startswith(_LIMITS):
            return None
        beyond = self._lock.would_lock(self._asked_with({key: value}))
        if not beyond:
            return None
        results = " and ".join(
            f"today's {'' if each.is_real else 'practice '}result is {self._money(each.result or ZERO)}"
            for each in beyond
        )
        until = self._lock.day.ends_text
        return Confirmation(
            title="Lock now?",
            note=f"{results[0].upper()}{results[1:]}: this limit locks at once until {until} and cannot be "
            "undone before. Under it only closing orders pass.",
            confirm_text="Lock now",
            tone="danger",
        )

    def _held_note(self) -> str:
        now, asked = self._lock.in_force, self._lock.asked
        told = (
            "Of coins that were there when the day began, or came by no trade. Coins bought today count in "
            "any case."
        )
        if not now.is_on:
            return told
        lines = [f"In force now: {_counted_text(now)}."]
        if asked.counts_held is not now.counts_held:
            lines.append(f"From {self._lock.day.ends_text}: {_counted_text(asked)}.")
        return "\n".join([*lines, f"{told} On holds at once, off from the next day on."])


def _has_held(standing: Standing) -> bool:
    """Whether the figure on screen has the price changes of held coins: without a limit it is the change of
    all that the accounts are worth."""
    return standing.stage is Stage.OFF or standing.counts_held


def _counted_text(limit: LossLimit) -> str:
    return "counted" if limit.counts_held else "not counted"


def _limit_text(limit: Decimal | None, unit: str) -> str:
    return "off" if limit is None else f"{fmt.quantity(limit)} {unit}"
