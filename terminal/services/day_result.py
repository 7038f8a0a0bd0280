"""How the day goes, by account: what was won and lost since it began, in the home currency.

The result is the change of what the account is worth, without money that came or left otherwise. That money
is what no fill explains: cash moves by what fills bring and cost and by funding, and whatever else happens to
it is a deposit, a withdrawal, a transfer or a refill (or a charge that the venue books apart from any trade;
it is told as such). So it does not matter whether a fill or its balance is told first: while one of them is
missing the difference counts as moved money, and with the other it counts as moved back.

The stake of a running contract has left the balance and counts as lost until it ends.

Apart is told what coins gained or lost by their price alone: those that were there when the day began, or
came by no trade. Coins bought today are no part of it, and of a coin both held and bought, those bought
today are sold first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple, Protocol

from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.domain.account import AccountFigures, Balance, Position
from terminal.domain.decimals import ZERO, wire_text
from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.orders import Fill
from terminal.services.trading_day import TradingDay

_DUST: Final = Decimal("0.00000001")
_SETTLED_NS: Final = 5_000_000_000
"""Moved money is kept on disk once it has stood so long: between a fill and its balance it only seems so."""
_AT_THE_BEGINNING_NS: Final = 60_000_000_000
_ON_MARGIN: Final = frozenset({InstrumentKind.PERPETUAL, InstrumentKind.FUTURE, InstrumentKind.CFD})


class DayAccounts(Protocol):
    """What results are read from (:class:`terminal.services.portfolio.Portfolio`)."""

    def is_known(self, account: str, /) -> bool: ...

    def balances(self, account: str, /) -> Mapping[str, Balance]: ...

    def figures(self, account: str, /) -> AccountFigures | None: ...

    def positions(self, account: str, /) -> tuple[Position, ...]: ...

    def worth(self, account: str, asset: str, amount: Decimal, /) -> Decimal | None:
        """In the home currency; None without a known price."""
        ...


class BookedFills(Protocol):
    """Every fill with its account (:class:`terminal.services.orders.OrderGate`)."""

    fill_booked: Observable[[str, Fill]]

    def booked_fills(self) -> Iterable[tuple[str, Fill]]: ...


class DayStore(Protocol):
    """Keeps how each account's day began, so that a restart does not forget it."""

    def load(self, account: str, /) -> Mapping[str, Any] | None: ...

    def save(self, account: str, day: Mapping[str, Any], /) -> None: ...


@dataclass(frozen=True, slots=True)
class AccountDay:
    """The result of one account's day, in the home currency; a cost is negative."""

    account: str
    total: Decimal
    """All of the parts below, and what spot holdings have gained or lost."""
    realised: Decimal = ZERO
    """Of closed positions and ended contracts, before fees."""
    open_change: Decimal = ZERO
    """How the open profit of positions has changed."""
    fees: Decimal = ZERO
    """Fees, swap and funding."""
    staked: Decimal = ZERO
    """Stakes of running contracts."""
    moved: Decimal = ZERO
    """Deposits, withdrawals and the like: no part of the total."""
    worth_at_start: Decimal = ZERO
    since_ns: int = 0
    held: Decimal = ZERO
    """Part of the total: price changes of coins that were not bought today, while they were held."""
    unknown: tuple[str, ...] = ()
    """What is missing in the total, in words."""

    @property
    def holdings(self) -> Decimal:
        """What is left: spot bought, sold and held, at market prices."""
        return self.total - self.realised - self.open_change - self.fees + self.staked

    def result(self, *, counts_held: bool) -> Decimal:
        """The total, or what is left of it without the price changes of coins that are held."""
        return self.total if counts_held else self.total - self.held


class _Amount(NamedTuple):
    """Of one asset: what would be there if all were closed now, and the money without open profit."""

    equity: Decimal
    cash: Decimal


@dataclass(slots=True)
class _Base:
    """An asset when the day began; ``worth`` None: it had no price yet and is taken in at its first one."""

    cash: Decimal
    open: Decimal
    worth: Decimal | None


_NOTHING: Final = _Base(ZERO, ZERO, ZERO)


@dataclass(slots=True)
class _Day:
    """One account's day; amounts by asset in its own units."""

    began_ns: int
    base_ns: int
    assets: dict[str, _Base]
    moved: dict[str, Decimal] = field(default_factory=dict)
    moved_worth: dict[str, Decimal] = field(default_factory=dict)
    funding: dict[str, Decimal] = field(default_factory=dict)
    swaps: dict[str, Decimal] = field(default_factory=dict)
    """By position: the funding that was counted."""
    realised: dict[str, Decimal] = field(default_factory=dict)
    fees: dict[str, Decimal] = field(default_factory=dict)
    traded: dict[str, Decimal] = field(default_factory=dict)
    """Spot bought and sold, and stakes on their way."""
    held: dict[str, Decimal] = field(default_factory=dict)
    """There at the last look and not bought today."""
    marks: dict[str, Decimal] = field(default_factory=dict)
    """The prices up to which ``held_change`` goes."""
    held_change: Decimal = ZERO
    """In the home currency."""
    bought: dict[str, Decimal] = field(default_factory=dict)
    """Since the day began, and not sold again."""
    waiting: list[Fill] = field(default_factory=list)
    """Of instruments that are not listed yet."""
    fees_unknown: int = 0
    prices: dict[str, Decimal] = field(default_factory=dict)
    """The last known ones, in the home currency."""
    moved_ns: int | None = None
    """Monotonic: when moved money or what is held changed last; None where the disk has it."""
    is_kept: bool = False

    def explained(self, asset: str) -> Decimal:
        return sum(
            (part.get(asset, ZERO) for part in (self.traded, self.realised, self.fees, self.funding)), ZERO
        )


def _add(amounts: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    if amount:
        amounts[asset] = amounts.get(asset, ZERO) + amount


class DayResults:
    """The results of the accounts' days. Ask :meth:`look` at any time; it keeps what has to be kept."""

    def __init__(
        self,
        accounts: DayAccounts,
        clock: Clock,
        store: DayStore | None = None,
        *,
        day: TradingDay | None = None,
        fills: BookedFills | None = None,
        instrument_of: Callable[[InstrumentId], Instrument | None] = lambda instrument: None,
    ) -> None:
        """Without ``fills`` nothing tells money that came from money that was won: all of it counts."""
        self.day = day or TradingDay(clock)
        self._accounts = accounts
        self._clock = clock
        self._store = store
        self._fills = fills
        self._instrument_of = instrument_of
        self._days: dict[str, _Day] = {}
        self._last: dict[str, AccountDay] = {}
        self._unwatch = fills.fill_booked.watch(self._on_fill) if fills is not None else None

    def close(self) -> None:
        """Stop following fills, and keep what has not settled yet."""
        if self._unwatch is not None:
            self._unwatch()
        for account, day in self._days.items():
            day.is_kept = day.moved_ns is None and day.is_kept
            self._keep(account, day)

    @property
    def since(self) -> str:
        """From when the figures count, in words."""
        days = [day for day in self._days.values() if day.began_ns == self.day.began_ns]
        if not days:
            return ""
        latest = max(day.base_ns for day in days)
        if latest - self.day.began_ns < _AT_THE_BEGINNING_NS:
            return "since the start of the day"
        return f"since {self.day.time_text(latest)}"

    def forget(self, account: str) -> None:
        """Begin the account's day anew (a practice account was reset)."""
        self._days.pop(account, None)
        self._last.pop(account, None)
        if self._store is not None:
            self._store.save(account, {})

    def look(self, account: str) -> AccountDay | None:
        """The account's result now, or as it was known last; None before anything is known of it today."""
        self.day.look()
        day = self._day_of(account)
        if day is None:
            last = self._last.get(account)
            return None if last is None or last.since_ns < self.day.began_ns else last
        self._last[account] = result = self._result(account, day)
        return result

    # -- the beginning --------------------------------------------------------------------------------

    def _day_of(self, account: str) -> _Day | None:
        """The account's day in force; None while the account is not known."""
        if not self._accounts.is_known(account):
            return None
        day = self._days.get(account)
        if day is None and self._store is not None:
            kept = self._store.load(account)
            day = _read(kept) if kept else None
            if day is not None and day.began_ns == self.day.began_ns:
                self._days[account] = day
                for owner, fill in self._fills.booked_fills() if self._fills is not None else ():
                    if owner == account:
                        self._take(day, fill)
        if day is None or day.began_ns != self.day.began_ns:
            day = self._days[account] = self._begin(account)
            self._keep(account, day)
        return day

    def _begin(self, account: str) -> _Day:
        day = _Day(self.day.began_ns, self._clock.wall_ns(), {})
        for asset, amount in self._amounts(account).items():
            worth = self._accounts.worth(account, asset, amount.equity)
            day.assets[asset] = _Base(amount.cash, amount.equity - amount.cash, worth)
            day.held[asset] = max(amount.cash, ZERO)
            price = self._accounts.worth(account, asset, Decimal(1))
            if price is not None:
                day.marks[asset] = price
        if self._accounts.figures(account) is None:
            day.swaps = {_key(each): each.swap for each in self._accounts.positions(account) if each.swap}
        return day

    def _amounts(self, account: str) -> dict[str, _Amount]:
        figures = self._accounts.figures(account)
        if figures is None:
            return {
                asset: _Amount(balance.equity, balance.total)
                for asset, balance in self._accounts.balances(account).items()
                if max(abs(balance.total), abs(balance.equity)) >= _DUST
            }
        # The commission of an opening fill leaves the balance when the position is closed (cTrader), yet the
        # open profit is net of it from the beginning.
        charged = sum((each.commission for each in self._accounts.positions(account)), ZERO)
        equity = figures.balance if figures.equity is None else figures.equity
        return {figures.currency: _Amount(equity, figures.balance + charged)}

    # -- what explains a change of cash ---------------------------------------------------------------

    def _on_fill(self, account: str, fill: Fill) -> None:
        day = self._days.get(account)
        if day is not None:
            self._take(day, fill)

    def _take(self, day: _Day, fill: Fill) -> None:
        """Count what a fill brought and cost, if it is of after the beginning."""
        if 0 < fill.ts_event_ns <= day.base_ns:
            return
        instrument = self._instrument_of(fill.instrument)
        if instrument is None:
            day.waiting.append(fill)
            return
        if instrument.kind is InstrumentKind.CONTRACT:
            # A contract that ends brings its stake back, and what it has won or lost.
            asset = fill.fee_asset or instrument.quote
            _add(day.traded, asset, -fill.quantity if fill.realised is None else fill.quantity)
        elif instrument.kind in _ON_MARGIN:
            asset = fill.fee_asset or instrument.settled_in
            _add(day.fees, asset, fill.swap)
        else:
            asset = ""
            units = fill.quantity * instrument.multiplier * fill.side.sign
            for traded, amount in ((instrument.base, units), (instrument.quote, -units * fill.price)):
                _add(day.traded, traded, amount)
                day.bought[traded] = max(ZERO, day.bought.get(traded, ZERO) + amount)
        if asset and fill.realised is not None:
            _add(day.realised, asset, fill.realised)
        if fill.fee is None:
            day.fees_unknown += 1
        else:
            _add(day.fees, fill.fee_asset or asset or instrument.quote, -fill.fee)

    def _take_funding(self, account: str, day: _Day) -> None:
        """Funding is paid while a position is open; where the account has figures, the equity has it."""
        if self._accounts.figures(account) is not None:
            return
        now = {_key(each): each for each in self._accounts.positions(account)}
        for key, position in now.items():
            paid = position.swap - day.swaps.get(key, ZERO)
            if paid:
                _add(day.funding, position.currency, paid)
                day.swaps[key] = position.swap
                day.is_kept = False
        for key in day.swaps.keys() - now.keys():
            del day.swaps[key]

    # -- the result -----------------------------------------------------------------------------------

    def _result(self, account: str, day: _Day) -> AccountDay:
        waiting, day.waiting = day.waiting, []
        for fill in waiting:
            self._take(day, fill)
        self._take_funding(account, day)
        amounts = self._amounts(account)
        unpriced: list[str] = []
        total = opened = ZERO
        for asset in amounts.keys() | day.assets.keys() | day.moved_worth.keys() | day.traded.keys():
            amount, base = amounts.get(asset, _Amount(ZERO, ZERO)), day.assets.get(asset, _NOTHING)
            price = self._price(account, day, asset)
            if price is None:
                if asset in amounts:
                    unpriced.append(asset)
                continue
            moved = amount.cash - base.cash - day.explained(asset)
            if base.worth is None:
                # Known from now on: what it was worth before is neither won nor lost.
                base.worth = amount.equity * price
                day.moved[asset] = moved
                day.is_kept = False
            if self._fills is not None:
                self._book(day, asset, moved, price)
            self._follow_held(day, asset, amount.cash, price)
            total += amount.equity * price - base.worth - day.moved_worth.get(asset, ZERO)
            opened += (amount.equity - amount.cash - base.open) * price
        if day.moved_ns is not None and self._clock.monotonic_ns() - day.moved_ns >= _SETTLED_NS:
            day.is_kept = False
        self._keep(account, day)
        unknown = [f"the price of {asset}" for asset in sorted(unpriced)]
        figures = self._accounts.figures(account)
        if figures is not None and figures.equity is None:
            unknown.append("the open profit")
        if day.fees_unknown:
            unknown.append(f"the fee of {day.fees_unknown} fill{'s' if day.fees_unknown > 1 else ''}")
        if day.waiting:
            unknown.append("fills of instruments that are not listed")
        return AccountDay(
            account,
            total,
            self._in_home(account, day, day.realised),
            opened,
            self._in_home(account, day, day.fees) + self._in_home(account, day, day.funding),
            self._in_home(account, day, self._stakes(account)),
            sum(day.moved_worth.values(), ZERO),
            sum((base.worth or ZERO for base in day.assets.values()), ZERO),
            day.base_ns,
            day.held_change,
            tuple(unknown),
        )

    def _book(self, day: _Day, asset: str, moved: Decimal, price: Decimal) -> None:
        """Money that came or left since the last look, at what it is worth now."""
        came = moved - day.moved.get(asset, ZERO)
        if came:
            day.moved[asset] = moved
            _add(day.moved_worth, asset, came * price)
            day.moved_ns = self._clock.monotonic_ns()

    def _follow_held(self, day: _Day, asset: str, cash: Decimal, price: Decimal) -> None:
        """What was held at the last look has gone along with the price since."""
        day.held_change += day.held.get(asset, ZERO) * (price - day.marks.get(asset, price))
        day.marks[asset] = price
        held = max(ZERO, cash - day.bought.get(asset, ZERO))
        if held != day.held.get(asset, ZERO):
            day.held[asset] = held
            day.moved_ns = self._clock.monotonic_ns()

    def _price(self, account: str, day: _Day, asset: str) -> Decimal | None:
        price = self._accounts.worth(account, asset, Decimal(1))
        if price is None:
            return day.prices.get(asset)
        day.prices[asset] = price
        return price

    def _stakes(self, account: str) -> dict[str, Decimal]:
        stakes: dict[str, Decimal] = {}
        for position in self._accounts.positions(account):
            if position.contract is not None:
                _add(stakes, position.currency, position.quantity)
        return stakes

    def _in_home(self, account: str, day: _Day, amounts: Mapping[str, Decimal]) -> Decimal:
        return sum(
            (amount * (self._price(account, day, asset) or ZERO) for asset, amount in amounts.items()), ZERO
        )

    # -- on disk --------------------------------------------------------------------------------------

    def _keep(self, account: str, day: _Day) -> None:
        if not day.is_kept and self._store is not None:
            self._store.save(account, _written(day))
            day.moved_ns = None
        day.is_kept = True


def _key(position: Position) -> str:
    """A position that was closed and opened again under the same id is another one."""
    return f"{position.position_id} {position.opened_ns or 0}"


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: wire_text(amount) for name, amount in amounts.items() if amount}


def _written(day: _Day) -> dict[str, Any]:
    return {
        "began_ns": day.began_ns,
        "base_ns": day.base_ns,
        "assets": {
            asset: {
                "cash": wire_text(base.cash),
                "open": wire_text(base.open),
                "worth": None if base.worth is None else wire_text(base.worth),
            }
            for asset, base in day.assets.items()
        },
        "moved": _texts(day.moved),
        "moved_worth": _texts(day.moved_worth),
        "funding": _texts(day.funding),
        "swaps": _texts(day.swaps),
        "held": _texts(day.held),
        "marks": _texts(day.marks),
        "held_change": wire_text(day.held_change),
    }


def _read(kept: Mapping[str, Any]) -> _Day | None:
    """A day from disk; None where it is not one."""
    try:
        assets = {
            asset: _Base(
                _number(base["cash"]),
                _number(base["open"]),
                None if base["worth"] is None else _number(base["worth"]),
            )
            for asset, base in kept["assets"].items()
        }
        day = _Day(int(kept["began_ns"]), int(kept["base_ns"]), assets)
        for name in ("moved", "moved_worth", "funding", "swaps"):
            getattr(day, name).update({key: _number(text) for key, text in kept[name].items()})
        if "held" in kept:
            for name in ("held", "marks"):
                getattr(day, name).update({key: _number(text) for key, text in kept[name].items()})
            day.held_change = _number(kept["held_change"])
        else:
            # Kept before it was told apart: what was there at the beginning has been held since.
            for asset, base in assets.items():
                equity = base.cash + base.open
                if base.cash > 0 and equity and base.worth is not None:
                    day.held[asset], day.marks[asset] = base.cash, base.worth / equity
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation):
        return None
    day.is_kept = True
    return day


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"{text} is no amount")
    return number
