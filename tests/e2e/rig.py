"""The composed application without a screen on a practice venue, with timings that make minutes seconds.

Leaving the block checks what every case has to hold: nothing was sent twice by the venue's own record, no
step held the thread of the screen for longer than a tenth of a second, every task ends within five seconds of
the stop, no error was logged by a task, and no secret is in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from pathlib import Path
from typing import Any

from terminal.app import logs
from terminal.app.compose import Terminal
from terminal.app.paths import Paths, paths_below
from terminal.core import tasks
from terminal.core.clock import Clock, SystemClock
from terminal.core.log_ring import LogRing
from terminal.domain.book import OrderBook
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Feed, FeedKind, Side
from terminal.domain.orders import Order, OrderRequest, OrderState, OrderType
from terminal.services.inquiries import GateTimings
from terminal.services.market_data import FeedState
from terminal.services.notices import Notice
from terminal.services.order_checks import ConfirmationNeeded
from terminal.services.session import Session, SessionState
from terminal.transport.websocket import LinkPolicy
from terminal.venues import registry
from terminal.venues.kraken.nonce import MemoryNonceStore
from terminal.venues.okx.stream import POLICY as OKX_POLICY
from terminal.venues.quotex.stream import POLICY as QUOTEX_POLICY
from tests.helpers import eventually
from tests.lag import LagWatch, watched_thread
from tests.practice import Practice, RunningVenues, Told

D = Decimal
BTC = InstrumentId("kraken", "BTC/USD")
ETH = InstrumentId("kraken", "ETH/USD")
ACCOUNT = "kraken:practice"
STOP_WITHIN_S = 5.0

QUICK_LINKS = LinkPolicy(
    open_timeout_s=3.0,
    ready_timeout_s=6.0,
    close_timeout_s=0.3,
    ping_interval_s=0.4,
    ping_timeout_s=2.5,
    idle_timeout_s=3.5,  # the venue's own heartbeat comes every 1 to 1.5 s
    backoff_s=(0.0, 0.05, 0.1, 0.2, 0.4, 0.8),
    first_jitter_s=0.02,
)
QUICK_OKX = replace(
    OKX_POLICY,
    open_timeout_s=3.0,
    ready_timeout_s=6.0,
    close_timeout_s=0.3,
    heartbeat_s=0.4,
    idle_timeout_s=2.5,
    backoff_s=(0.0, 0.05, 0.1, 0.2, 0.4, 0.8),
    first_jitter_s=0.02,
)
"""OKX answers a text ping, and is pinged wherever it is silent."""
QUICK_QUOTEX = replace(
    QUOTEX_POLICY,
    open_timeout_s=3.0,
    ready_timeout_s=6.0,
    close_timeout_s=0.3,
    ping_interval_s=0.4,
    ping_timeout_s=2.5,
    idle_timeout_s=3.5,
    heartbeat_s=1.0,
    backoff_s=(0.0, 0.05, 0.1, 0.2, 0.4, 0.8),
    first_jitter_s=0.02,
)
QUICK_GATE = GateTimings(
    answer_s=5.0,
    look_s=4.0,
    looks_s=(0.0, 0.2, 0.2, 0.4, 0.4, 1.0),
    not_found_after_s=0.5,
    cancel_confirm_s=0.8,
    parked_grace_s=0.3,
)
ANSWER_DEADLINE_S = 0.7
"""Of the connector, for a trading request by WebSocket."""

_nonces: dict[int, MemoryNonceStore] = {}


class SkewedClock:
    """The machine's clocks, the wall clock off by what the test says."""

    def __init__(self) -> None:
        self.offset_ns = 0

    def wall_ns(self) -> int:
        return time.time_ns() + self.offset_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def jump(self, seconds: float) -> None:
        self.offset_ns += int(seconds * 1e9)


def nonces_of(practice: Practice) -> MemoryNonceStore:
    """One for each running venue: its keys outlive the profiles of the tests, and so must their nonces."""
    return _nonces.setdefault(id(practice), MemoryNonceStore())


@dataclass
class Rig:
    """A running terminal and what it has told."""

    terminal: Terminal
    practice: Practice
    ring: LogRing
    paths: Paths
    lag: LagWatch
    instrument: InstrumentId = BTC
    """What is watched and traded."""
    notices: list[Notice] = field(default_factory=list)
    states: list[SessionState] = field(default_factory=list)
    reports: list[Any] = field(default_factory=list)

    @property
    def session(self) -> Session:
        return self.terminal.sessions.sessions[self.practice.venue]

    @property
    def account(self) -> str:
        """The one that orders go to; of a connection with several the active one."""
        sessions = self.terminal.sessions.sessions
        venue = self.practice.venue
        return sessions[venue].account if venue in sessions else f"{venue}:practice"

    @property
    def gate(self) -> Any:
        return self.terminal.gate

    @property
    def ready(self) -> bool:
        """Live, the book proven, the account compared: a person can trade."""
        return (
            self.practice.venue in self.terminal.sessions.sessions
            and self.session.state is SessionState.LIVE
            and self.terminal.gate.ready(self.account)
            and self.sees_prices
        )

    @property
    def sees_prices(self) -> bool:
        """The book is proven; where there are no books, the price is live."""
        market = self.terminal.market
        if FeedKind.BOOK in self.session.info.capabilities.feeds:
            return market.book(self.instrument) is not None
        feed = Feed(FeedKind.QUOTES, self.instrument.symbol)
        return (
            market.quote(self.instrument) is not None
            and market.feed_state(feed, self.practice.venue) is FeedState.LIVE
        )

    async def until_ready(self, timeout_s: float = 40.0) -> None:
        try:
            await eventually(lambda: self.ready, timeout_s, "a live session")
        except AssertionError:
            raise AssertionError(f"not live again: {self.describe()}") from None

    def describe(self) -> str:
        session = self.session
        return (
            f"{session.state} ({session.reason!r}), ready {self.terminal.gate.ready(self.account)}, "
            f"book {self.terminal.market.book_state(self.instrument)}, states {self.states[-8:]}, "
            f"log {[line.text for line in list(self.ring.lines)[-12:]]}"
        )

    async def until(self, holds: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
        try:
            await eventually(holds, timeout_s, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.describe()}") from None

    # -- trading --------------------------------------------------------------------------------------

    def book(self, instrument: InstrumentId | None = None) -> OrderBook:
        book = self.terminal.market.book(instrument or self.instrument)
        assert book is not None, self.describe()
        return book

    def away(self, side: Side, percent: str = "2", instrument: InstrumentId | None = None) -> Decimal:
        """A price so far on the passive side of the market that nothing trades there by chance."""
        instrument = instrument or self.instrument
        book = self.book(instrument)
        best = book.best_bid if side is Side.BUY else book.best_ask
        assert best is not None
        found = self.terminal.market.instrument(instrument)
        assert found is not None
        factor = 1 - side.sign * D(percent) / 100
        rounding = ROUND_DOWN if side is Side.BUY else ROUND_UP
        return (best.price * factor / found.tick_size).quantize(D(1), rounding) * found.tick_size

    def limit(
        self,
        side: Side = Side.BUY,
        quantity: str = "0.001",
        *,
        price: Decimal | None = None,
        instrument: InstrumentId | None = None,
    ) -> OrderRequest:
        instrument = instrument or self.instrument
        price = price if price is not None else self.away(side, instrument=instrument)
        return OrderRequest(instrument, side, OrderType.LIMIT, D(quantity), limit_price=price)

    def market(self, side: Side = Side.BUY, quantity: str = "0.001") -> OrderRequest:
        return OrderRequest(self.instrument, side, OrderType.MARKET, D(quantity))

    async def send(self, request: OrderRequest) -> Order:
        """Submit as a person who confirms what is asked; at most one confirmation."""
        gate = self.terminal.gate
        try:
            return await gate.submit(self.account, request)
        except ConfirmationNeeded as needed:
            return await gate.submit(self.account, request, confirmed=needed.tokens)

    async def change(self, order: Order, change: Any) -> Order:
        gate = self.terminal.gate
        try:
            return await gate.amend(order.client_order_id, change)
        except ConfirmationNeeded as needed:
            return await gate.amend(order.client_order_id, change, confirmed=needed.tokens)

    async def resting(self, side: Side = Side.BUY, quantity: str = "0.001") -> Order:
        """An open order of ours."""
        order = await self.send(self.limit(side, quantity))
        await self.until(lambda: order.state is OrderState.OPEN, f"an open order ({order})")
        return order

    async def told(self) -> Told:
        return await self.practice.told(self.practice.main_account)

    async def require_same_as_venue(self, within_s: float = 20.0) -> Told:
        """Orders, fills and balances here are the venue's, once the last messages have come."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                return await self._compare()
            except (AssertionError, KeyError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.02)

    async def _compare(self) -> Told:
        terminal = self.terminal
        told = await self.told()
        ours = {
            order.venue_order_id: order for order in terminal.gate.orders.values() if order.venue_order_id
        }
        for row in told.orders:
            order = ours[row["txid"]]
            assert order.filled_quantity == D(row["filled"]), (order, row)
            assert order.state.is_final != row["open"], (order, row)
            fees: dict[str, Decimal] = {}
            for fill in told.fills:
                if fill["txid"] == row["txid"] and D(fill["fee"]):
                    fees[fill["fee_asset"]] = fees.get(fill["fee_asset"], D(0)) + D(fill["fee"])
            assert {asset: fee for asset, fee in order.fees.items() if fee} == fees, (order, fees)
        applied = [fill.fill_id for fill in terminal.gate.fills]
        assert sorted(applied) == sorted(row["exec_id"] for row in told.fills)
        balances = terminal.portfolio.balances(self.account)
        for asset, amounts in told.balances.items():
            have = balances[asset].total if asset in balances else D(0)
            assert have == D(amounts["total"]), asset
        return told

    def noticed(self, words: str) -> bool:
        return any(words in f"{notice.text} {notice.detail}" for notice in self.notices)

    def log_text(self) -> str:
        """Everything that was logged, in the ring and in the file."""
        lines = [line.text for line in self.ring.lines]
        for handler in logging.getLogger().handlers:
            handler.flush()
        with contextlib.suppress(FileNotFoundError):
            lines.append(self.paths.log_file.read_text())
        return "\n".join(lines)


def state_of(order: Order) -> OrderState:
    """The state now: an order changes while the test waits."""
    return order.state


def secrets_of(practice: Practice) -> list[str]:
    rows = practice.entry["keys"] if "keys" in practice.entry else practice.entry["users"]
    names = ("secret", "key", "passphrase", "token", "cookies", "password")
    return [row[name] for row in rows for name in names if row.get(name)]


@contextlib.contextmanager
def own_logging(log_file: Path, *, debug: bool = True) -> Iterator[LogRing]:
    """The application's logging for the length of the block; pytest's own is put back."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    ring = logs.install(log_file, debug=debug)
    for handler in root.handlers:
        if type(handler) is logging.StreamHandler:
            handler.setLevel(logging.CRITICAL)
    try:
        yield ring
    finally:
        for handler in list(root.handlers):
            root.removeHandler(handler)
            handler.close()
        for handler in before:
            root.addHandler(handler)
        root.setLevel(level)


async def tick(terminal: Terminal) -> None:
    """What the screen does sixty times a second."""
    while True:
        await asyncio.sleep(1 / 60)
        terminal.market.flush()


@contextlib.asynccontextmanager
async def rig(
    practice: Practice,
    folder: Path,
    *,
    feeds: tuple[Feed, ...] = (),
    clock: Clock | None = None,
    wait: bool = True,
    policy: LinkPolicy | None = None,
    instrument: InstrumentId | None = None,
    timings: GateTimings = QUICK_GATE,
    errors_expected: bool = False,
    venues: RunningVenues | None = None,
) -> AsyncIterator[Rig]:
    """A terminal on the practice venue; see the module's text for what leaving checks. ``instrument`` is
    watched and traded (BTC/USD of Kraken)."""
    paths = paths_below(folder).make()
    before = tasks.running()
    with own_logging(paths.log_file) as ring, watched_thread() as lag:
        terminal = Terminal(
            paths,
            ring,
            clock=clock or SystemClock(),
            throw_away=True,
            practice=venues or RunningVenues(practice, paths.practice),
            timings=timings,
            venues=(practice.venue,),
            connector_tools={
                "kraken": {
                    "policy": policy or QUICK_LINKS,
                    "rng": random.Random(1),
                    "nonces": nonces_of(practice),
                },
                "okx": {"policy": policy or QUICK_OKX, "rng": random.Random(1)},
                "quotex": {"policy": policy or QUICK_QUOTEX},
            },
        )
        found = Rig(terminal, practice, ring, paths, lag, instrument or BTC)
        terminal.notice.watch(found.notices.append)
        terminal.gate.reconciled.watch(found.reports.append)
        terminal.sessions.changed.watch(lambda venue: found.states.append(found.session.state))
        watched = (FeedKind.BOOK, FeedKind.QUOTES, FeedKind.TRADES)
        for kind in (each for each in watched if each in registry.info(practice.venue).capabilities.feeds):
            terminal.market.watch(Feed(kind, found.instrument.symbol), practice.venue)
        for feed in feeds:
            terminal.market.watch(feed, practice.venue)
        await terminal.start()
        ticking = tasks.spawn(tick(terminal), name="tick")
        try:
            if wait:
                await found.until_ready()
            yield found
        finally:
            await tasks.cancel_and_wait(ticking)
            began = time.monotonic()
            await terminal.stop()
            took_s = time.monotonic() - began
        assert took_s < STOP_WITHIN_S, f"stopping took {took_s:.1f} s"
        lag.require_never_blocked()
        left = [task.get_name() for task in tasks.running() - before]
        assert not left, f"left running: {left}"
        (await practice.told(practice.main_account)).require_nothing_sent_twice()
        text = found.log_text()
        for secret in secrets_of(practice):
            assert secret not in text, "a secret is in the log"
        assert not re.search(r'"token"\s*:\s*"(?!\*\*\*)', text), "a session token is in the log"
        if not errors_expected:
            wrong = [line for line in ring.lines if line.level >= logging.ERROR]
            assert not wrong, f"errors were logged: {wrong}"


def open_files() -> int:
    """Descriptors of this process; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/fd"))
    return 0
