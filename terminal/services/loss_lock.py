"""The limit of loss for a day over all venues: a word at 70 % of it, and at 100 % only closing orders pass.

Real money and practice money are counted apart, each with a lock of its own. A lock that has fallen stays
until the next day, whatever prices do, and is on disk before anybody hears of it. A lower limit holds at
once, a higher one or none from the next day on. Price changes of coins that are held count where the limit
says so; to leave them out is taken for the looser of both. None of it can act while the program is off: a
stop that rests at the venue can.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final, Protocol

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.account import Balance, Position
from terminal.domain.decimals import ZERO, wire_text
from terminal.domain.errors import OrderRefused, StorageError
from terminal.domain.instrument import Instrument, InstrumentId
from terminal.domain.orders import Order, OrderRequest, OrderType, Protection
from terminal.domain.rules import plain
from terminal.services.day_result import AccountDay, DayResults
from terminal.services.notices import Level, Notice
from terminal.services.portfolio import HOME_CURRENCY
from terminal.services.reducing import grows, loosens_stop, reduces

log = logging.getLogger("orders")

RULE: Final = "day_loss"
AMBER_PCT: Final = Decimal(70)
FILE_VERSION: Final = 1
_KEEP_EVERY_NS: Final = 30_000_000_000
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class LossLimit:
    """A limit in the home currency, one in per cent of the worth when the day began, both (the tighter one
    holds) or none."""

    amount: Decimal | None = None
    pct: Decimal | None = None
    counts_held: bool = False
    """Whether price changes of coins that are held count."""

    @property
    def is_on(self) -> bool:
        return self.amount is not None or self.pct is not None

    def tightened(self, other: LossLimit) -> LossLimit:
        """The tighter of both, figure by figure."""
        return LossLimit(
            _least(self.amount, other.amount),
            _least(self.pct, other.pct),
            self.counts_held or other.counts_held,
        )

    def of(self, worth: Decimal | None) -> Decimal | None:
        """In the home currency, for a day that began with so much."""
        share = None if self.pct is None or not worth or worth < 0 else worth * self.pct / 100
        return _least(self.amount, share)


class Stage(Enum):
    """How far a day is on the way to its limit."""

    OFF = "off"
    BELOW = "below"
    AMBER = "amber"
    LOCKED = "locked"
    IN_DOUBT = "in doubt"
    """The record of it was damaged: held as if locked."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the day of real or of practice money stands; amounts in the home currency."""

    is_real: bool
    stage: Stage = Stage.OFF
    limit: Decimal | None = None
    result: Decimal | None = None
    """Of what counts; None while nothing is known."""
    accounts: tuple[AccountDay, ...] = ()
    locked_ns: int | None = None
    locked_result: Decimal | None = None
    locked_limit: Decimal | None = None
    counts_held: bool = False
    """Whether ``result`` has the price changes of coins that are held."""

    @property
    def is_locked(self) -> bool:
        return self.stage in (Stage.LOCKED, Stage.IN_DOUBT)

    @property
    def used_pct(self) -> Decimal | None:
        """How much of the limit is lost, rounded down, never below 0."""
        if not self.limit or self.result is None:
            return None
        return max(ZERO, -self.result / self.limit * 100).quantize(Decimal(1), rounding="ROUND_DOWN")


class LockStore(Protocol):
    """Keeps the lock's state whole over restarts and crashes."""

    def load(self, take: Callable[[Mapping[str, Any]], bool], /) -> tuple[bool, str]:
        """Offer what was kept to ``take``, which says whether it can use it. Whether it could; and what was
        wrong with the file, in a sentence or two."""
        ...

    def save(self, state: Mapping[str, Any], /) -> None:
        """Raises StorageError where the disk did not take it."""
        ...


@dataclass(slots=True)
class _Group:
    """What has to outlive the program, of real or of practice money."""

    locked_ns: int | None = None
    result: Decimal | None = None
    limit: Decimal | None = None
    was_told: bool = False
    in_doubt: bool = False


class LossLock:
    """See the module's own text. The order gate asks :meth:`check` before every order.

    Attributes:
        in_force: the limit that holds now. asked: the one in the settings, which holds from the next day on
            where it is looser.
        changed: a stage, a limit or the day has changed.
        notice: what the person has to know.
    """

    def __init__(
        self,
        results: DayResults,
        clock: Clock,
        store: LockStore,
        asked: LossLimit,
        *,
        accounts: Callable[[], Iterable[str]],
        is_real: Callable[[str], bool],
        open_orders: Callable[[], Iterable[Order]],
        worth: Callable[[str, str, Decimal], Decimal | None],
        instrument_of: Callable[[InstrumentId], Instrument | None],
    ) -> None:
        """``accounts``: the connected ones. ``worth``: of an amount of an asset of an account, in the home
        currency."""
        self.asked = self.in_force = asked
        self.changed: Observable[[]] = Observable("loss lock")
        self.notice: Observable[[Notice]] = Observable("notices of the loss lock")
        self.day = results.day
        self._results = results
        self._clock = clock
        self._store = store
        self._accounts = accounts
        self._is_real = is_real
        self._open_orders = open_orders
        self._worth = worth
        self._instrument_of = instrument_of
        self._groups = {True: _Group(), False: _Group()}
        self._last: dict[str, tuple[bool, AccountDay]] = {}
        """The newest result of every account that was seen today, connected or not."""
        self._carried: dict[str, Decimal] = {}
        """What an account had lost before the record of its day was damaged."""
        self._carried_held: dict[str, Decimal] = {}
        """How much of it by the prices of coins that were held."""
        self._connected: frozenset[str] = frozenset()
        self._standings = {True: Standing(True), False: Standing(False)}
        self._stages: tuple[object, ...] = ()
        self._kept_ns = clock.monotonic_ns()
        self._is_kept = True
        self._early: list[Notice] = []
        self._load()
        self._began_ns = self.day.began_ns

    # -- what is in force -----------------------------------------------------------------------------

    def start(self) -> None:
        """Tell what was found on disk, and whether a lock is still down."""
        for notice in self._early:
            self.notice.notify(notice)
        self._early.clear()
        self.look()
        for group in self._groups.values():
            if group.locked_ns is not None:
                self._tell(
                    Level.WARNING,
                    f"Today's loss limit was reached at {self.day.time_text(group.locked_ns)}: only closing "
                    f"orders pass until {self.day.ends_text}.",
                )

    def close(self) -> None:
        """Keep the newest figures."""
        if self.in_force.is_on:
            self._keep()

    def ask(self, limit: LossLimit, start_min: int) -> None:
        """Take what the settings say: tighter holds at once, looser later, as another day does."""
        self.asked, self.day.asked_min = limit, start_min
        self.in_force = self._with(limit)
        if self.in_force.is_on or self.asked.is_on:
            self._is_kept = False
        self.look()
        self.changed.notify()

    def would_lock(self, limit: LossLimit) -> tuple[Standing, ...]:
        """How the days stand that this limit would lock at once, where nothing locks them yet; empty: it
        locks none."""
        found = (self._measured(is_real, self._with(limit)) for is_real in self._groups)
        return tuple(
            each
            for each in found
            if not self._standings[each.is_real].is_locked and _is_beyond(each.result, each.limit)
        )

    def _with(self, limit: LossLimit) -> LossLimit:
        """What is in force once this is asked for."""
        return self.in_force.tightened(limit) if self.in_force.is_on else limit

    def restart(self, account: str) -> None:
        """A practice account begins anew: its result is forgotten, and so is the lock of practice money.
        Real money never begins anew before its day ends."""
        if self._is_real(account):
            return
        self._results.forget(account)
        self._last.pop(account, None)
        self._carried.pop(account, None)
        self._carried_held.pop(account, None)
        self._groups[False] = _Group()
        self._is_kept = False
        self.look()

    def standing(self, is_real: bool) -> Standing:
        """How the day of real or of practice money stood at the last look."""
        return self._standings[is_real]

    def look(self) -> None:
        """Work the day's results out again; fall where a limit is reached. Call it every second."""
        self.day.look()
        if self.day.began_ns != self._began_ns:
            self._begin_day()
        connected = frozenset(self._accounts())
        for account in connected:
            result = self._results.look(account)
            if result is not None:
                self._take(account, result)
        for is_real, group in self._groups.items():
            self._standings[is_real] = self._judge(is_real, group)
        if connected != self._connected or self._clock.monotonic_ns() - self._kept_ns >= _KEEP_EVERY_NS:
            self._connected = connected
            self._is_kept = False
        if self.in_force.is_on and not self._is_kept:
            self._keep()
        stages = tuple((each.stage, each.limit) for each in self._standings.values())
        if stages != self._stages:
            self._stages = stages
            self.changed.notify()

    def _take(self, account: str, result: AccountDay) -> None:
        before = self._last.get(account)
        if before is not None and before[1].since_ns < result.since_ns:
            # Its day was begun anew in the middle: what was lost before is still lost.
            self._carried[account], self._carried_held[account] = before[1].total, before[1].held
        carried, held = self._carried.get(account, ZERO), self._carried_held.get(account, ZERO)
        if carried or held:
            result = replace(result, total=result.total + carried, held=result.held + held)
        self._last[account] = self._is_real(account), result

    def _begin_day(self) -> None:
        was_locked = any(group.locked_ns is not None or group.in_doubt for group in self._groups.values())
        self._began_ns = self.day.began_ns
        self._groups = {True: _Group(), False: _Group()}
        self._last.clear()
        self._carried.clear()
        self._carried_held.clear()
        self.in_force = self.asked
        self._is_kept = False
        if was_locked:
            self._tell(Level.INFO, "A new trading day has begun: the loss limit counts from zero again.")
        if not self.in_force.is_on:
            self._keep()

    def _measured(self, is_real: bool, in_force: LossLimit) -> Standing:
        """The day's figures under a limit."""
        days = tuple(day for real, day in self._last.values() if real is is_real)
        counts_held = in_force.counts_held
        result = sum((day.result(counts_held=counts_held) for day in days), ZERO) if days else None
        limit = in_force.of(sum((day.worth_at_start for day in days), ZERO) if days else None)
        return Standing(is_real, limit=limit, result=result, accounts=days, counts_held=counts_held)

    def _judge(self, is_real: bool, group: _Group) -> Standing:
        told = replace(
            self._measured(is_real, self.in_force),
            locked_ns=group.locked_ns,
            locked_result=group.result,
            locked_limit=group.limit,
        )
        result, limit = told.result, told.limit
        if not self.in_force.is_on and group.locked_ns is None and not group.in_doubt:
            return told
        if group.locked_ns is None and _is_beyond(result, limit):
            assert result is not None
            assert limit is not None
            group.locked_ns, group.result, group.limit = self._clock.wall_ns(), result, limit
            # On disk before anybody hears of it.
            self._keep()
            log.warning("%sloss limit reached: %s of %s", _kind(is_real), _money(result), _money(-limit))
            self._tell_locked(is_real, result, limit)
            told = replace(told, locked_ns=group.locked_ns, locked_result=result, locked_limit=limit)
        if group.locked_ns is not None:
            return replace(told, stage=Stage.LOCKED)
        if group.in_doubt:
            return replace(told, stage=Stage.IN_DOUBT)
        if limit is None or result is None or -result < limit * AMBER_PCT / 100:
            return replace(told, stage=Stage.BELOW)
        amber = replace(told, stage=Stage.AMBER)
        if not group.was_told:
            group.was_told = True
            self._is_kept = False
            self._tell(
                Level.WARNING,
                f"Today's {_kind(is_real)}result is {_money(result)} {HOME_CURRENCY}, {amber.used_pct} % of "
                f"your loss limit of {_money(limit)} {HOME_CURRENCY}. At the limit only closing orders pass.",
            )
        return amber

    def _tell_locked(self, is_real: bool, result: Decimal, limit: Decimal) -> None:
        resting = sum(1 for order in self._open_orders() if self._is_real(order.account) is is_real)
        left = ""
        if resting:
            orders = "1 open order still rests" if resting == 1 else f"{resting} open orders still rest"
            left = f" {orders} at the venues and may fill: cancel what shall not."
        self._tell(
            Level.ERROR,
            f"Loss limit reached: today's {_kind(is_real)}result is {_money(result)} of {_money(-limit)} "
            f"{HOME_CURRENCY}. Only closing orders pass until {self.day.ends_text}.{left}",
        )

    # -- the gate -------------------------------------------------------------------------------------

    def check(
        self,
        account: str,
        request: OrderRequest,
        instrument: Instrument,
        *,
        position: Position | None,
        balances: Mapping[str, Balance],
        amended: Order | None,
    ) -> list[OrderRefused]:
        """What the limit says of a request, or of new terms for an order; empty: it passes."""
        if not self.in_force.is_on and not self.asked.is_on:
            return []
        self.look()
        standing = self._standings[self._is_real(account)]
        if reduces(request, instrument, position, balances):
            return []
        if standing.is_locked:
            if amended is not None and not grows(amended, request):
                return []
            return [OrderRefused(RULE, self.refusal(standing))]
        if request.order_type is OrderType.CONTRACT and amended is None:
            return self._check_stake(account, request, instrument, standing)
        return []

    def check_stop(self, account: str, position: Position, protection: Protection) -> list[OrderRefused]:
        """The same of another stop for an open position: under a lock it may come nearer, not leave."""
        standing = self._standings[self._is_real(account)]
        if standing.is_locked and loosens_stop(position.side, position.protection, protection):
            return [OrderRefused(RULE, f"{self.refusal(standing)} A stop can only be moved nearer.")]
        return []

    def refusal(self, standing: Standing) -> str:
        """Why no opening order passes, with the numbers."""
        until = f"only closing orders pass until {self.day.ends_text}."
        if standing.stage is Stage.IN_DOUBT:
            return f"Whether today's loss limit was reached is not known, for its record was damaged: {until}"
        limit = standing.locked_limit if standing.locked_limit is not None else standing.limit
        head = f"Your loss limit for today is {_money(limit or ZERO)} {HOME_CURRENCY}"
        kind, now, then = _kind(standing.is_real), standing.result, standing.locked_result
        if now is not None and limit is not None and now <= -limit:
            return f"{head} and today's {kind}result is {_money(now)}: {until}"
        at = self.day.time_text(standing.locked_ns or 0)
        recovered = f" and is {_money(now)} now" if now is not None else ""
        return f"{head}. Today's {kind}result was {_money(then or ZERO)} at {at}{recovered}: {until}"

    def _check_stake(
        self, account: str, request: OrderRequest, instrument: Instrument, standing: Standing
    ) -> list[OrderRefused]:
        """A stake counts as lost until its contract ends; so do those that are on their way."""
        if standing.limit is None:
            return []
        stake = self._stake_worth(account, instrument, request.quantity)
        sent = [
            self._stake_worth(order.account, self._instrument_of(order.instrument), order.remaining)
            for order in self._open_orders()
            if order.order_type is OrderType.CONTRACT
            and not order.request.reduce_only
            and self._is_real(order.account) is standing.is_real
        ]
        if stake is None or None in sent:
            unknown = f"The worth of the stake in {HOME_CURRENCY} is not known"
            text = f"{unknown}, so your loss limit cannot be checked."
            return [OrderRefused(RULE, text, field="quantity")]
        lost = stake + sum((each for each in sent if each is not None), ZERO) - (standing.result or ZERO)
        if lost <= standing.limit:
            return []
        return [
            OrderRefused(
                RULE,
                f"With this stake of {_money(stake)} {HOME_CURRENCY} today's {_kind(standing.is_real)}loss "
                f"could come to {_money(lost)}, your loss limit for today is {_money(standing.limit)}.",
                field="quantity",
            )
        ]

    def _stake_worth(self, account: str, instrument: Instrument | None, stake: Decimal) -> Decimal | None:
        if instrument is None:
            return None
        currency = instrument.quote if instrument.offer is None else instrument.offer.currency
        return self._worth(account, currency, stake)

    # -- on disk --------------------------------------------------------------------------------------

    def _load(self) -> None:
        is_restored, trouble = self._store.load(self._restore)
        if trouble and is_restored:
            self._early.append(Notice(Level.WARNING, trouble))
        if is_restored or not trouble:
            return
        if not self.asked.is_on:
            self._early.append(Notice(Level.WARNING, f"{trouble} No limit is set, so nothing is locked."))
            return
        for group in self._groups.values():
            group.in_doubt = True
        self._is_kept = False
        self._early.append(
            Notice(
                Level.ERROR,
                f"{trouble} Whether today's limit was reached is not known: only closing orders pass until "
                f"{self.day.ends_text}.",
            )
        )

    def _restore(self, kept: Mapping[str, Any]) -> bool:
        """Take what the last run kept; False where it is not what this version keeps."""
        try:
            if kept["version"] != FILE_VERSION:
                return False
            began_ns, ends_ns, start_min = (int(kept[key]) for key in ("began_ns", "ends_ns", "start_min"))
            limit = LossLimit(_number(kept["amount"]), _number(kept["pct"]), kept.get("counts_held") is True)
            groups = {is_real: _read_group(kept["groups"][_name(is_real)]) for is_real in (True, False)}
            last = {account: _read_day(account, row) for account, row in kept["last"].items()}
            carried = {account: Decimal(text) for account, text in kept["carried"].items()}
            held = {account: Decimal(text) for account, text in kept.get("carried_held", {}).items()}
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation):
            return False
        if not 0 <= start_min < 24 * 60 or not began_ns < ends_ns:
            return False
        self.day.restore(began_ns, ends_ns, start_min)
        if self.day.look():
            return True  # another day: what the settings ask for holds
        self._groups, self._last = groups, last
        self._carried, self._carried_held = carried, held
        self.in_force = limit.tightened(self.asked) if limit.is_on else self.asked
        return True

    def _keep(self) -> None:
        self._is_kept, self._kept_ns = True, self._clock.monotonic_ns()
        try:
            self._store.save(
                {
                    "version": FILE_VERSION,
                    "began_ns": self.day.began_ns,
                    "ends_ns": self.day.ends_ns,
                    "start_min": self.day.start_min,
                    "amount": _text(self.in_force.amount),
                    "pct": _text(self.in_force.pct),
                    "counts_held": self.in_force.counts_held,
                    "groups": {_name(is_real): _group_row(group) for is_real, group in self._groups.items()},
                    "last": {account: _day_row(*entry) for account, entry in self._last.items()},
                    "carried": {account: wire_text(amount) for account, amount in self._carried.items()},
                    "carried_held": {
                        account: wire_text(amount) for account, amount in self._carried_held.items()
                    },
                }
            )
        except StorageError as error:
            self._tell(Level.ERROR, error.user_text, str(error))

    def _tell(self, level: Level, text: str, detail: str = "") -> None:
        self.notice.notify(Notice(level, text, detail))


def _least(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)


def _is_beyond(result: Decimal | None, limit: Decimal | None) -> bool:
    return limit is not None and result is not None and result <= -limit


def _kind(is_real: bool) -> str:
    return "" if is_real else "practice "


def _money(amount: Decimal) -> str:
    """To the cent where it has any, with a true minus: ``−203``, ``−142.10``."""
    rounded = amount.quantize(_CENT, rounding=ROUND_HALF_UP)
    is_whole = rounded == rounded.to_integral_value()
    return f"{'−' if rounded < 0 else ''}{plain(abs(rounded)) if is_whole else abs(rounded)}"


def _name(is_real: bool) -> str:
    return "real" if is_real else "practice"


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else wire_text(amount)


def _number(text: str | None) -> Decimal | None:
    if text is None:
        return None
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"{text} is no amount")
    return number


def _group_row(group: _Group) -> dict[str, Any]:
    return {
        "locked_ns": group.locked_ns,
        "result": _text(group.result),
        "limit": _text(group.limit),
        "was_told": group.was_told,
        "in_doubt": group.in_doubt,
    }


def _read_group(row: Mapping[str, Any]) -> _Group:
    locked_ns = row["locked_ns"]
    return _Group(
        None if locked_ns is None else int(locked_ns),
        _number(row["result"]),
        _number(row["limit"]),
        row["was_told"] is True,
        row["in_doubt"] is True,
    )


def _day_row(is_real: bool, day: AccountDay) -> dict[str, Any]:
    return {
        "real": is_real,
        "total": wire_text(day.total),
        "held": wire_text(day.held),
        "worth_at_start": wire_text(day.worth_at_start),
        "since_ns": day.since_ns,
    }


def _read_day(account: str, row: Mapping[str, Any]) -> tuple[bool, AccountDay]:
    total, worth, held = (_number(row.get(key)) for key in ("total", "worth_at_start", "held"))
    if total is None or worth is None:
        raise ValueError("a result without an amount")
    day = AccountDay(account, total, worth_at_start=worth, since_ns=int(row["since_ns"]), held=held or ZERO)
    return row["real"] is True, day
