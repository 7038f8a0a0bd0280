"""The day's result and the loss limit, wired to the settings, the accounts and the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from terminal.app.day_store import FileDayStore
from terminal.app.lock_store import FileLockStore
from terminal.core import tasks
from terminal.core.clock import Clock
from terminal.core.observe import Observable
from terminal.services.day_result import DayResults
from terminal.services.loss_lock import LossLimit, LossLock
from terminal.services.market_data import MarketData
from terminal.services.notices import Level, Notice
from terminal.services.orders import OrderGate
from terminal.services.portfolio import Portfolio
from terminal.services.session import Mode, SessionManager
from terminal.services.settings import Settings, Value
from terminal.services.trading_day import TradingDay, minute_of

LOOK_EVERY_S: Final = 1.0
KEYS: Final = ("risk.day_loss", "risk.day_start")


def read_limit(settings: Settings, changed: Mapping[str, Value] | None = None) -> LossLimit:
    """The limit as the settings ask for it, or would ask for it with the ``changed`` values."""

    def value(key: str) -> Value:
        return (changed or {}).get(key, settings.get(key))

    def figure(key: str) -> Decimal | None:
        return Decimal(str(value(key))) if value(f"{key}.step") == "lock" else None

    counts_held = value("risk.day_loss_holdings") is True
    return LossLimit(figure("risk.day_loss"), figure("risk.day_loss_pct"), counts_held)


class DayWatch:
    """Looks at the day's result every second, from :meth:`start` to :meth:`close`.

    Attributes:
        results: by account. lock: the limit over all of them, which the gate asks.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        clock: Clock,
        *,
        market: MarketData,
        portfolio: Portfolio,
        gate: OrderGate,
        sessions: SessionManager,
        notice: Observable[[Notice]],
    ) -> None:
        """``folder``: where the beginnings of the days and the lock's state are kept."""
        self._settings = settings
        self._sessions = sessions
        self._task: asyncio.Task[None] | None = None
        store = FileDayStore(folder / "days.json", lambda text: notice.notify(Notice(Level.WARNING, text)))
        day = TradingDay(clock, start_min=minute_of(settings.text("risk.day_start")))
        self.results = DayResults(
            portfolio, clock, store, day=day, fills=gate, instrument_of=market.instrument
        )
        self.lock = LossLock(
            self.results,
            clock,
            FileLockStore(folder / "loss-lock.json"),
            read_limit(settings),
            accounts=self._accounts,
            is_real=self.is_real,
            open_orders=gate.open_orders,
            worth=portfolio.worth,
            instrument_of=market.instrument,
        )
        gate.guard(self.lock)
        self._unwatch: tuple[Callable[[], None], ...] = (
            self.lock.notice.watch(notice.notify),
            settings.changed.watch(self._on_setting),
        )

    def start(self) -> None:
        """Tell what the last run has left, and begin to look."""
        self.lock.start()
        self._task = tasks.spawn(self._look(), name="day's result")

    async def close(self) -> None:
        """Stop looking, and keep what is known."""
        if self._task is not None:
            await tasks.cancel_and_wait(self._task)
        for unwatch in self._unwatch:
            unwatch()
        self.lock.close()
        self.results.close()

    def is_real(self, account: str) -> bool:
        """Whether an account holds real money: neither practice nor a broker's demo account."""
        session = self._sessions.session_of(account)
        if session is None:
            return account.split(":")[1:2] != [Mode.PRACTICE.value]
        owner = session.infos.get(account) or session.hidden.get(account)
        return session.mode is Mode.LIVE and (owner is None or owner.is_live)

    def _accounts(self) -> list[str]:
        sessions = self._sessions.sessions.values()
        return [account for each in sessions if each.has_account for account in each.accounts]

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.lock.look()

    def _on_setting(self, key: str, scope: str | None) -> None:
        if key.startswith(KEYS):
            start_min = minute_of(self._settings.text("risk.day_start"))
            self.lock.ask(read_limit(self._settings), start_min)
