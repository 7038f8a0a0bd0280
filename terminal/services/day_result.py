"""How the day goes: by account, how what it is worth has changed since its day began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol

from terminal.core.clock import Clock
from terminal.domain.decimals import ZERO


class DayStore(Protocol):
    """Keeps what an account's assets were worth when its day began, so that a restart does not forget it."""

    def load(self, account: str) -> tuple[str, Mapping[str, Decimal | None]] | None:
        """The ISO date, and the worth by asset in the home currency (None: not known then), if kept."""
        ...

    def save(self, account: str, day: str, worth: Mapping[str, Decimal | None]) -> None: ...


@dataclass(slots=True)
class _Day:
    """The beginning of an account's day: an asset that had no price then is taken in at its first one."""

    date: date
    worth: dict[str, Decimal]
    waiting: set[str]


class DayResults:
    """The results of the accounts' days.

    Attributes:
        since: from when the figures count, in words.
    """

    def __init__(self, clock: Clock, store: DayStore | None = None) -> None:
        self.since = ""
        self._clock = clock
        self._store = store
        self._days: dict[str, _Day] = {}

    def change(self, account: str, assets: set[str], worth: Mapping[str, Decimal]) -> Decimal:
        """How the account's worth has changed since the local day began, or since it was first known in it.

        ``assets`` is all that it holds, ``worth`` what those with a price are worth. Asset by asset: a price
        that becomes known later is no profit.
        """
        moment = datetime.fromtimestamp(self._clock.wall_ns() // 1_000_000_000, tz=UTC).astimezone()
        today = moment.date()
        day = self._days.get(account)
        if day is None:
            kept = self._store.load(account) if self._store is not None else None
            if kept is not None and kept[0] == today.isoformat():
                known = {asset: value for asset, value in kept[1].items() if value is not None}
                day = _Day(today, known, kept[1].keys() - known.keys())
                self.since = "since the start of the day"
        if day is None or day.date != today:
            day = _Day(today, {}, set(assets))
            self.since = f"since {moment:%H:%M}"
        self._days[account] = day
        arrived = day.waiting & worth.keys()
        if arrived:
            day.waiting -= arrived
            day.worth.update({asset: worth[asset] for asset in arrived})
            if self._store is not None:
                kept_worth = {**dict.fromkeys(day.waiting), **day.worth}
                self._store.save(account, today.isoformat(), kept_worth)
        counted = (worth.keys() | day.worth.keys()) - day.waiting
        unpriced = assets - worth.keys()
        return sum(
            (worth.get(asset, ZERO) - day.worth.get(asset, ZERO) for asset in counted - unpriced), ZERO
        )

    def forget(self, account: str) -> None:
        """Begin the account's day anew (a practice account was reset)."""
        self._days.pop(account, None)
        if self._store is not None:
            self._store.save(account, "", {})
